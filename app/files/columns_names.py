"""What the header of a text table says: names and units of the columns, and lines of the form "key: value"."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.files.columns_text import MARKS, Scheme
from fitting.dataset import Quantity

Role = Literal["axis", "intensity", "transmission", "counter", "other"]
Unit = Literal["counts", "counts/s", "arbitrary"]

_QUANTITIES: dict[str, Quantity] = {
    "be": "binding_energy",
    "eb": "binding_energy",
    "ebin": "binding_energy",
    "bindungsenergie": "binding_energy",
    "ke": "kinetic_energy",
    "ek": "kinetic_energy",
    "ekin": "kinetic_energy",
    "kinetischeenergie": "kinetic_energy",
    "eloss": "energy_loss",
    "loss": "energy_loss",
}
_PHRASES: tuple[tuple[str, Quantity], ...] = (
    ("bindingenergy", "binding_energy"),
    ("kineticenergy", "kinetic_energy"),
    ("energyloss", "energy_loss"),
    ("lossenergy", "energy_loss"),
)
# Names that leave open which energy is meant.
_OPEN = {"", "energy", "e", "ev", "x", "energie", "xaxis", "axis", "abscissa", "energyev", "xev"}
_COUNTERS = {"#", "no", "nr", "index", "point", "number", "channel", "datapoint", "row"}
_RATE = re.compile(r"(counts?|cts|c)\s*(/|per)\s*s(ec(ond)?s?)?\b|\bcps\b|^(1/s|s-1|s\^-1|hz)$", re.IGNORECASE)
_COUNTS = re.compile(r"\b(counts?|cts)\b", re.IGNORECASE)
_NORMALISED = re.compile(r"\barb|\ba\.?\s?u\b|normali[sz]ed", re.IGNORECASE)
_BRACKETS = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\[\]()]*)[\])]\s*$")
_SLASH = re.compile(r"^(?P<name>.*\S)\s*/\s*(?P<unit>eV|keV|cps|counts|cts|counts/s)$", re.IGNORECASE)
_UNITS = {"ev", "kev", "s", "counts", "cts", "cps", "counts/s", "c/s", "a.u.", "arb. units", "arb.u.", "", "counts / s"}
_KEY = re.compile(r"^(?P<key>[^\W\d][\w .,/()\[\]-]{0,60}?)\s*[:=]\s*(?P<value>.*)$")
# Keys that say what the first column is.
_AXIS_KEYS = ("energy axis", "energy scale", "axis", "x axis", "abscissa", "dimension 1 name", "x-axis", "scale")


@dataclass(frozen=True)
class Column:
    """One column: its name and unit as written, and what it is."""

    name: str
    unit: str
    role: Role
    quantity: Quantity | None = None

    @property
    def label(self) -> str:
        """Name and unit in one."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name


def letters(text: str) -> str:
    """Lower-case letters of a text: "B.E." and "be" are the same name."""
    return "".join(c for c in text.lower() if c.isalpha()) or text.strip().lower()


def quantity_of(name: str) -> Quantity | None:
    """The axis quantity that a name states, None where it states none."""
    key = letters(name)
    for phrase, quantity in _PHRASES:
        if phrase in key:
            return quantity
    return _QUANTITIES.get(key)


def leaves_open(name: str) -> bool:
    """Whether a name of the first column leaves open which energy is meant."""
    return letters(name) in _OPEN


def column(text: str, unit: str = "") -> Column:
    """Name, unit and role of a column from its title."""
    name = text.strip().strip(MARKS).strip()
    # A whole title that is a unit of rate ("counts/s") must not be split at its slash.
    found = None if _RATE.fullmatch(name) else _BRACKETS.match(name) or _SLASH.match(name)
    if found:
        name, unit = found["name"].strip(), found["unit"].strip()
    key = letters(name)
    quantity = quantity_of(name)
    if quantity is not None:
        return Column(name, unit, "axis", quantity)
    if "transmission" in key:
        return Column(name, unit, "transmission")
    if key in _COUNTERS:
        return Column(name, unit, "counter")
    return Column(name, unit, "intensity")


def intensity_unit(title: str) -> Unit | None:
    """The unit of intensities that a title states, None where it states none."""
    if _NORMALISED.search(title):
        return "arbitrary"
    if _RATE.search(title):
        return "counts/s"
    return "counts" if _COUNTS.search(title) else None


def column_titles(header: Sequence[str], scheme: Scheme, places: Sequence[int]) -> list[Column] | None:
    """The columns, where the last lines of the header name them; None where they do not.

    Parameters
    ----------
    header : sequence of str
        Lines above the rows, without blank ones.
    places : sequence of int
        Which cells of a row hold the columns.
    """
    for key, value in key_values(header):
        if key == "columnlabels":
            cells = value.split()
            return [column(cell) for cell in cells] if len(cells) == len(places) else None
    if not header:
        return None
    cells = _title_cells(header[-1], scheme, places)
    if cells is None:
        return None
    if all(_bare_unit(cell) for cell in cells) and any(cells) and len(header) > 1:
        names = _title_cells(header[-2], scheme, places)
        if names is not None:
            return [column(name, unit.strip("()[]")) for name, unit in zip(names, cells, strict=True)]
    return [column(cell) for cell in cells]


def _bare_unit(cell: str) -> bool:
    return cell.strip("()[] ").lower() in _UNITS


def _title_cells(line: str, scheme: Scheme, places: Sequence[int]) -> list[str] | None:
    """One title for each column, None where the line does not split into as many."""
    width = max(places) + 1
    plain = line.strip()
    # "[Data 1]" opens a part of the file, "# Key: value" is a note; neither names columns.
    if (plain.startswith("[") and plain.endswith("]")) or (
        plain[:1] in MARKS and _KEY.match(plain.lstrip(MARKS).strip())
    ):
        return None
    if plain[:1] in MARKS:
        plain = plain[1:] if not scheme.delimiter else plain[1:].strip(" ")
    ways = [scheme.cells(plain)] if scheme.delimiter else [plain.split()]
    # Titles with blanks inside stand apart by tabs or by several blanks, or by another mark than the numbers.
    ways += [re.split(r"\t+|\s{2,}", plain.strip())]
    ways += [[cell.strip() for cell in plain.split(mark)] for mark in "\t;," if mark != scheme.delimiter]
    ways += [plain.split()]
    for cells in ways:
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        # Behind a named energy numbers may be titles: times or depths of a series.
        named = len(cells) == width and column(cells[places[0]]).quantity is not None
        if len(cells) == width and all(not _starts_like_number(cell) for cell in (cells[:1] if named else cells)):
            return [cells[place] for place in places]
    return None


def _starts_like_number(cell: str) -> bool:
    return bool(re.fullmatch(r"[-+]?[\d.,]+([eE][-+]?\d+)?", cell))


def key_values(header: Sequence[str]) -> list[tuple[str, str]]:
    """Lines "key: value" or "key = value", comment marks taken off, keys in lower case."""
    pairs = []
    for line in header:
        found = _KEY.match(line.strip().lstrip(MARKS).strip())
        if found and found["value"].strip():
            pairs.append((found["key"].strip().lower(), found["value"].strip()))
    return pairs


def axis_from_keys(pairs: Sequence[tuple[str, str]]) -> Quantity | None:
    """The axis quantity that a header line states, None where none or contradicting ones do."""
    stated = {_scale(value) for key, value in pairs if key in _AXIS_KEYS} - {None}
    return stated.pop() if len(stated) == 1 else None


def _scale(value: str) -> Quantity | None:
    plain = _BRACKETS.match(value)
    name = plain["name"] if plain else value
    if letters(name) in ("binding", "kinetic"):
        return "binding_energy" if letters(name) == "binding" else "kinetic_energy"
    return quantity_of(name)
