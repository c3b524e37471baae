"""What the command search finds: commands, and elements, lines and compounds of the library. No widgets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from libraries.compounds import compounds, lines_of
from libraries.core_levels import CoreLevel, core_levels
from libraries.elements import SYMBOLS, element_name
from libraries.errors import UnknownName

Kind = Literal["command", "element", "line", "compound"]
MOST = 12
# Elements that a battery analyst looks for first, in the order of likelihood; only the order of equal finds.
LIKELY = "C O Na F P S Cl V N Mn Fe Ni Co Ti Al Cu Si B Li K Ca Mg Zn Zr Au Ag".split()


@dataclass(frozen=True)
class Found:
    """Something found.

    Attributes
    ----------
    kind : str
    key : str
        Id of the command, symbol of the element, name of the line or of the compound.
    text, detail : str
        What the list shows left and right.
    words : str
        What is searched, in small letters.
    weight : int
        Smaller stands first among equal finds.
    """

    kind: Kind
    key: str
    text: str
    detail: str
    words: str
    weight: int = 0


@lru_cache(maxsize=1)
def library_entries() -> tuple[Found, ...]:
    """Elements, their lines, and compounds of the library."""
    found: list[Found] = []
    for symbol in SYMBOLS:
        try:
            levels = core_levels(symbol)
        except UnknownName:
            continue
        weight = 10 + (LIKELY.index(symbol) if symbol in LIKELY else len(LIKELY))
        found += [
            Found("line", level.line.name, level.line.name, _energy(level), _plain(level.line.name), weight)
            for level in levels
        ]
        if levels:
            name = element_name(symbol)
            found.append(
                Found("element", symbol, f"{symbol}  {name}", "mark its lines", f"{symbol.lower()} {name}", weight)
            )
    for compound in compounds():
        lines = ", ".join(dict.fromkeys(row.line.name for row in lines_of(compound)))
        words = _plain(f"{compound.name} {compound.formula} {compound.species_class}")
        found.append(Found("compound", compound.name, compound.name, lines, words, 40))
    return tuple(found)


def _energy(level: CoreLevel) -> str:
    return f"{'≈ ' if level.approximate else ''}{level.binding_energy:.1f} eV"


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower())


@lru_cache(maxsize=8192)
def _forms(words: str) -> tuple[str, tuple[str, ...]]:
    """Words without spaces, and one by one."""
    return words.replace(" ", ""), tuple(re.split(r"[ /(]", words))


def _rank(query: str, entry: Found) -> int | None:
    """How well an entry matches, 0 best; None for not at all."""
    words = entry.words
    dense, parts = _forms(words)
    whole = entry.kind == "element" and query in words.split()
    if whole or words == query or dense == query.replace(" ", ""):
        return 0
    if words.startswith(query) or dense.startswith(query.replace(" ", "")):
        return 1
    if all(any(word.startswith(part) for word in parts) for part in query.split()):
        return 2
    if query in words:
        return 3
    return None


def find(query: str, commands: Iterable[Found]) -> list[Found]:
    """The best finds for what was typed; commands only for an empty query.

    Parameters
    ----------
    query : str
        As typed: "fit", "na 1s", "carbonate".
    commands : iterable of Found
        The commands that make sense now.
    """
    plain = _plain(query.strip())
    commands = list(commands)
    if not plain:
        return commands[:MOST]
    pool: Sequence[Found] = (*commands, *library_entries())
    ranked = [(rank, entry.weight, _length(entry), number, entry) for number, entry in enumerate(pool)
              if (rank := _rank(plain, entry)) is not None]
    return [item[-1] for item in sorted(ranked, key=lambda item: item[:4])[:MOST]]


def _length(entry: Found) -> int:
    """Among equal finds the shortest compound comes first: NaF before NaxPOyFz."""
    return len(entry.key) if entry.kind == "compound" else 0
