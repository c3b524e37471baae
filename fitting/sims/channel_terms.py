"""What the analyst writes for a trace, read against the channels of a profile: ions, sums, ratios, minor isotopes.

    Na2F+                   a channel, as the file writes it (Na_2F+) or as a formula
    Na_2F+ #2               the second channel of that name
    NaF2- + Na2F3-          a sum
    I+ / ( Pb+ )            a ratio of channels or sums; the brackets may be left out
    Cl- from ^37Cl-         an ion from its minor isotope by natural abundance, where it is saturated itself
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from fitting.dataset import Axis
from fitting.sims.columns import Column, columns, told_names
from fitting.sims.ion_names import RESOLUTION, words_of
from libraries.errors import BadData, UnknownName
from libraries.ions import Ion, natural_fraction, parse_ion

_OVER = re.compile(r"\s+/\s+")
_PLUS = re.compile(r"\s+\+\s+")
_FROM = re.compile(r"\s+from\s+")


@dataclass(frozen=True)
class Term:
    """A trace in terms of channels: factor times (sum of `upper`) over (sum of `lower`).

    Attributes
    ----------
    text : str
        As it was written.
    upper, lower : tuple of int
        Places of channels; `lower` empty for no ratio.
    factor : float
    """

    text: str
    upper: tuple[int, ...]
    lower: tuple[int, ...] = ()
    factor: float = 1.0

    @property
    def ratio(self) -> bool:
        """Whether it is one."""
        return bool(self.lower)


def described(axis: Axis) -> tuple[Column, ...]:
    """What the channels hold (`fitting.sims.columns.columns`), read once for each set of names."""
    return _described(axis.labels, axis.masses)


@lru_cache(maxsize=32)
def _described(labels: tuple[str, ...], masses: tuple[float, ...]) -> tuple[Column, ...]:
    return columns(Axis(np.arange(float(len(labels) or 1)), "ion", "", labels, masses))


def channel_names(axis: Axis) -> tuple[str, ...]:
    """A name for each channel that no other one has: the file's, with " #2" behind the second of that name."""
    seen: dict[str, int] = {}
    names = []
    for text in axis.labels:
        plain = text.strip()
        seen[plain] = seen.get(plain, 0) + 1
        names.append(plain if seen[plain] == 1 else f"{plain} #{seen[plain]}")
    return tuple(names)


def read_term(axis: Axis, text: str) -> Term:
    """The channels that a trace is made of.

    Raises
    ------
    UnknownName
        If an ion is not among the channels.
    BadData
        If a sum counts an ion twice, or a minor isotope is no isotope of the ion.
    """
    names = {name: place for place, name in enumerate(channel_names(axis))}
    plain = text.strip()
    if plain in names:
        return Term(plain, (names[plain],))
    parts = _OVER.split(plain)
    if len(parts) > 2:
        raise BadData("A ratio has one line", where=plain, todo="Write it as in A + B / C")
    if len(parts) == 2:
        return Term(plain, _sum(axis, names, parts[0]), _sum(axis, names, _bare(parts[1])))
    minor = _FROM.split(plain)
    if len(minor) == 2:
        return Term(plain, (_place(axis, names, minor[1]),), factor=_abundance(*minor))
    return Term(plain, _sum(axis, names, plain))


def term_words(axis: Axis, text: str, resolution: float = RESOLUTION) -> str:
    """A trace as people write it, with the names that the resolution leaves possible."""
    plain = text.strip()
    known = channel_names(axis)
    if plain in known:
        words = words_of(axis.labels[known.index(plain)], resolution)
        number = plain.rpartition(" #")[2]
        return f"{words}, no. {number}" if plain != axis.labels[known.index(plain)].strip() else words
    for pattern, joint in ((_OVER, " / "), (_FROM, " from "), (_PLUS, " + ")):
        parts = pattern.split(plain)
        if len(parts) > 1:
            return joint.join(term_words(axis, _bare(part), resolution) for part in parts)
    return words_of(plain, resolution)


def _bare(text: str) -> str:
    """Without the brackets around a divisor."""
    plain = text.strip()
    return plain[1:-1].strip() if plain.startswith("( ") and plain.endswith(" )") else plain


def _sum(axis: Axis, names: dict[str, int], text: str) -> tuple[int, ...]:
    plain = _bare(text)
    if plain in names:
        return (names[plain],)
    places = tuple(_place(axis, names, part) for part in _PLUS.split(plain))
    known = described(axis)
    for i, first in enumerate(places):
        for second in places[i + 1:]:
            if overlap(known[first], known[second]) != 0:
                raise BadData("A sum would count ions twice", where=text,
                              todo=f"Leave out {axis.labels[first]} or {axis.labels[second]}")
    return places


def _place(axis: Axis, names: dict[str, int], text: str) -> int:
    plain = _bare(text)
    if plain in names:
        return names[plain]
    try:
        wanted = parse_ion(plain)
    except UnknownName:
        wanted = None
    if wanted is not None:
        for column in described(axis):
            if column.label.kind == "single" and column.label.ions and column.label.ions[0].same_atoms(wanted):
                return column.place
    raise UnknownName(f"There is no ion {plain!r}", todo=told_names(axis, plain))


def _abundance(major: str, minor: str) -> float:
    first, second = parse_ion(major), parse_ion(minor)
    if first.elements != second.elements or first.charge != second.charge:
        raise BadData(f"{second} is no isotope of {first}", todo="Write it as in Cl- from ^37Cl-")
    return natural_fraction(first) / natural_fraction(second)


def overlap(first: Column, second: Column) -> int:
    """Whether two channels count the same ions.

    Returns
    -------
    int
        0: no; 1: `first` lies within `second`; 2: `second` within `first`; 3: they share a part.
    """
    if first.place == second.place:
        return 1
    one, two = first.label, second.label
    if two.kind == "total":
        return 1
    if one.kind == "total":
        return 2
    if not one.ions or not two.ions:
        return 1 if one.text.strip() == two.text.strip() and first.mass == second.mass else 0
    a, b = {_identity(ion) for ion in one.ions}, {_identity(ion) for ion in two.ions}
    if not a & b:
        return 0
    if len(a) == len(b) == 1 and first.mass and second.mass and first.mass != second.mass:
        return 0  # two peaks of one name at different masses
    return 1 if a <= b else 2 if b <= a else 3


def _identity(ion: Ion) -> object:
    return ion.isotopes, ion.charge
