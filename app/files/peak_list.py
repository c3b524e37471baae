"""Peak lists of mass spectra: tables of text with a name, m/z and limits of integration a line.

The program writes `Name, m/z, Low, High, Alternatives` (comma, decimal point, UTF-8). It reads every table whose first
line names its columns, with commas, semicolons or tabs between the cells. The peak lists that SurfaceLab keeps for
itself are binary and not documented in public: they are refused, its table of peaks as text is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.files.columns_text import MARKS, Scheme, split_lines
from app.files.contents import read_bytes, read_text
from app.files.csv_table import write_table
from fitting.sims.setup import MassPeak
from libraries.errors import BadFile, UnknownName
from libraries.ions import parse_ion

COLUMNS = ("Name", "m/z", "Low", "High", "Alternatives")
BETWEEN = " or "
MOST = 100_000
_LIMIT = 64 << 20
# What columns are called, in small letters without marks and units.
_NAMES: dict[str, tuple[str, ...]] = {
    "name": ("name", "ion", "ions", "assignment", "label", "peak", "formula", "peakname", "species"),
    "mass": ("mz", "mass", "centermass", "centremass", "center", "centre", "position", "masscenter", "peakposition",
             "exactmass", "centroid"),
    "low": ("low", "lower", "lowermass", "from", "start", "startmass", "min", "minmass", "left", "lowerlimit"),
    "high": ("high", "upper", "uppermass", "to", "end", "endmass", "max", "maxmass", "right", "upperlimit"),
    "alternatives": ("alternatives", "alternative", "or", "alsopossible"),
}
_UNITS = ("(u)", "[u]", "(amu)", "[amu]", "(da)", "[da]", "/ u", "/u", "(m/z)", "[m/z]")


@dataclass(frozen=True)
class _Head:
    """Where the columns stand, and how cells are written."""

    places: dict[str, int]
    mark: str
    line: int

    def cell(self, cells: Sequence[str], key: str) -> str:
        place = self.places.get(key)
        return cells[place].strip() if place is not None and place < len(cells) else ""


def read_peaks(path: str | Path, resolution: float = 0.0) -> tuple[MassPeak, ...]:
    """The lines of a peak list, in the order of the file.

    Parameters
    ----------
    path : path
    resolution : float
        m/dm (full width at half maximum) for lists without limits: these then lie one full width below and above the
        centre. 0 refuses such lists.

    Raises
    ------
    BadFile
        If it is no table of peaks; with the line, where a number is missing or limits do not hold the centre; if
        positive and negative ions are mixed.
    """
    where = str(path)
    data = read_bytes(Path(path), _LIMIT)
    if b"\0" in data and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadFile("This is a binary file, not a table of peaks", where=where,
                      todo="Export the peak list as text: name, m/z, lower and upper limit")
    lines = split_lines(read_text(Path(path), data).lstrip("\ufeff"))
    head = _head(lines, where)
    rows = [(number, Scheme(head.mark, ".").cells(line)) for number, line in enumerate(lines, start=1)
            if number > head.line and line.strip()]
    if len(rows) > MOST:
        raise BadFile(f"A peak list of {len(rows)} lines is too long", where=where, todo=f"Give {MOST} at most")
    decimal = _decimal(rows, head)
    peaks = tuple(_peak(cells, head, decimal, resolution, f"{where}, line {number}") for number, cells in rows)
    if not peaks:
        raise BadFile("The list holds no peak", where=where, todo="Give a line for each peak below the names")
    _one_polarity(peaks, where)
    return peaks


def write_peaks(path: str | Path, peaks: Sequence[MassPeak]) -> Path:
    """Write a peak list that `read_peaks` reads back as it is; the path.

    Raises
    ------
    CannotWrite
    """
    rows = [(one.name, one.mass, one.low, one.high, BETWEEN.join(one.alternatives)) for one in peaks]
    write_table(path, COLUMNS, rows)
    return Path(path)


def _head(lines: Sequence[str], where: str) -> _Head:
    """The first line that names a column of names or masses, with the mark that parts most of its names."""
    for number, line in enumerate(lines[:50], start=1):
        plain = line.strip().lstrip(MARKS).strip(" ")
        best: dict[str, int] = {}
        mark = ","
        for one in "\t;,":
            places: dict[str, int] = {}
            for place, cell in enumerate(Scheme(one, ".").cells(plain)):
                key = _key(cell)
                if key:
                    places.setdefault(key, place)
            if len(places) > len(best):
                best, mark = places, one
        if len(best) >= 2 and ("mass" in best or "name" in best):
            return _Head(best, mark, number)
    raise BadFile("No line names the columns of a peak list", where=where,
                  todo=f"Put a first line above the peaks: {', '.join(COLUMNS)}")


def _key(cell: str) -> str:
    plain = cell.strip().strip('"').lower()
    for unit in _UNITS:
        plain = plain.removesuffix(unit).strip()
    plain = "".join(c for c in plain if c.isalpha())
    return next((key for key, names in _NAMES.items() if plain in names), "")


def _decimal(rows: Sequence[tuple[int, list[str]]], head: _Head) -> str:
    """"," only where no number of the table has a point and cells are not parted by commas."""
    cells = [head.cell(cells, key) for _, cells in rows for key in ("mass", "low", "high")]
    return "," if head.mark != "," and any("," in c for c in cells) and not any("." in c for c in cells) else "."


def _peak(cells: list[str], head: _Head, decimal: str, resolution: float, where: str) -> MassPeak:
    scheme = Scheme(head.mark, decimal)
    name = _unprotected(head.cell(cells, "name"))
    numbers: dict[str, float | None] = {}
    for key in ("mass", "low", "high"):
        text = head.cell(cells, key)
        numbers[key] = scheme.value(text) if text else None
        if text and numbers[key] is None:
            raise BadFile(f"'{text[:30]}' is not a number", where=where, todo="Give m/z and limits as numbers")
    mass, low, high = numbers["mass"], numbers["low"], numbers["high"]
    if mass is None:
        mass = _exact(name, where)
    if low is None and high is None and resolution > 0:
        low, high = mass * (1.0 - 1.0 / resolution), mass * (1.0 + 1.0 / resolution)
    if low is None or high is None:
        raise BadFile("A peak has no limits of integration", where=where,
                      todo="Give its lower and upper m/z, or the mass resolution")
    if not (0 <= low < high and low <= mass <= high):
        raise BadFile(f"The limits {low:g} to {high:g} do not hold m/z {mass:g}", where=where,
                      todo="Check the columns of the list")
    others = tuple(text.strip() for text in head.cell(cells, "alternatives").split(BETWEEN) if text.strip())
    return MassPeak(name or f"m/z {mass:.4f}", mass, low, high, others)


def _exact(name: str, where: str) -> float:
    try:
        return parse_ion(name).mz
    except UnknownName as error:
        raise BadFile(f"The peak '{name[:40]}' has no m/z, and its name is no ion's formula", where=where,
                      todo="Give its m/z") from error


def _unprotected(text: str) -> str:
    """A name without the mark that keeps spreadsheets from running it as a formula."""
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "@") else text


def _one_polarity(peaks: Sequence[MassPeak], where: str) -> None:
    found = set()
    for one in peaks:
        for name in (one.name, *one.alternatives):
            try:
                found.add(parse_ion(name).polarity)
            except UnknownName:  # a free name
                continue
    if len(found) > 1:
        raise BadFile("The list mixes positive and negative ions", where=where, todo="Keep one list for each polarity")
