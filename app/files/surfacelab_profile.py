"""Depth profiles of SurfaceLab (IONTOF) as text: intensities of ions against sputter time.

    # Profile Smoothing is Disabled
    #                total   Na_2F+   ^206PbI-, ^207PbI-PbI-   I+ / ( Pb+ )       names, four cells in
    #                N/A     64.9774  N/A                      N/A                masses of the peak list
    #Data Point #    Sputter Time (s)    Dose (ions)    Fluence (ions/cm^2)    Intensity ...

Decisions
---------
Sums stay as channels (`fitting.sims.columns` tells them from single ions). Ratios are no data: each is computed again
from the columns of its ions and compared with the file's own numbers to 1e-6 and their rounding; only its label is
kept, and one that cannot be computed or disagrees is named. Rows at the end in which nothing is counted are left out
and named. Masses in the head are centres of the peak list, not of the measured lines.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs
from app.files.surfacelab_columns import Kept, polarity_note, ratio_notes, sum_notes
from app.files.surfacelab_text import (
    cells_of,
    column_of,
    dead_time_note,
    decimal_mark,
    digits_of,
    fast_table,
    number,
    size_of,
    whole_numbers,
    without_number,
)
from fitting.dataset import Axis, FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadData, BadFile
from libraries.ions import parse_label

FORMAT = "SurfaceLab profile"
_FIRST = "# Profile Smoothing is"
_HEAD = re.compile(r"#\s*Data Point\b")
_TITLE = re.compile(r"^(?P<name>[^()]*?)\s*\((?P<unit>.*)\)$")
_SCALES: dict[tuple[str, str], tuple[Quantity, str, float]] = {
    ("sputter time", "s"): ("time", "s", 1.0),
    ("time", "s"): ("time", "s", 1.0),
    ("sputter time", "min"): ("time", "s", 60.0),
    ("dose", "ions"): ("dose", "ions", 1.0),
    ("fluence", "ions/cm^2"): ("fluence", "ions/cm²", 1.0),
    ("depth", "nm"): ("depth", "nm", 1.0),
    ("depth", "µm"): ("depth", "nm", 1000.0),
}
_TODO = "Export it again as ASCII from SurfaceLab: File > Export > depth profile"
_LONGEST = 2000
_SAMPLE = 50
# Dose over fluence that changes by more is not one area.
_ONE_AREA = 0.01


def sniff(head: bytes, path: Path) -> float:
    """1 for a text that begins as SurfaceLab's profiles do."""
    del path
    text = instrument.text_of(head).lstrip("\ufeff \t\r\n")
    if text.startswith(_FIRST):
        return 1.0
    lines = split_lines(text[:1 << 15])[:12]
    return 1.0 if any(_HEAD.match(line) and "Intensity" in line for line in lines) else 0.0


@dataclass(frozen=True, eq=False)
class _Table:
    """The cells of a file, where they stand, and how numbers are written."""

    comments: tuple[str, ...]
    names: tuple[str, ...]
    masses: tuple[str, ...]
    heads: tuple[str, ...]
    body: tuple[str, ...]
    lines: tuple[int, ...]
    mark: str
    where: str
    values: FloatArray | None

    @property
    def first(self) -> int:
        """Place of the first intensity."""
        return len(self.heads) - len(self.names)

    @cached_property
    def rows(self) -> tuple[list[str], ...]:
        """Cells of the points."""
        return tuple(cells_of(line) for line in self.body)

    @property
    def points(self) -> FloatArray:
        """Their numbers."""
        return self.column(0, "The number of the point")

    @property
    def digits(self) -> int:
        """Significant digits of the intensities, as far as the first points tell."""
        return digits_of(cell for line in self.body[:_SAMPLE] for cell in cells_of(line)[self.first:])

    def column(self, place: int, what: str) -> FloatArray:
        """The finite numbers of a column."""
        if self.values is not None and np.all(np.isfinite(self.values[:, place])):
            return self.values[:, place]
        return column_of([row[place] for row in self.rows], self.mark, what, self.where, self.lines)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The profile of a file (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        With the line, where it is not as SurfaceLab writes it; if there is no sputter time; if positive and negative
        ions are mixed.
    """
    del options
    table = _table(read_text(path, read_bytes(path)), str(path))
    kinds = [parse_label(name).kind for name in table.names]
    places = [place for place, kind in enumerate(kinds) if kind != "ratio"]
    counts = np.column_stack([_intensities(table, place) for place in places]) if places else np.empty((0, 0))
    if not places or not np.any(counts):
        raise BadFile("The profile holds no counts", where=table.where, todo=_TODO)
    kept = Kept(tuple(table.names[place] for place in places), counts, table.digits)
    used = len(counts) - _empty_at_end(counts)
    notes = [*polarity_note(kept.names, table.where), *_noise_notes(table, kept)]
    notes += [note for place, kind in enumerate(kinds) if kind == "ratio"
              for note in ratio_notes(table.names[place], _ratio_cells(table, place), kept, used)]
    notes += sum_notes(kept, used)
    if used < len(counts):
        numbers = ", ".join(f"{point:g}" for point in table.points[used:][:10])
        notes.append(("points left out", _numbered("the last point", "the last {} points", len(counts) - used)
                      + f" ({numbers}): nothing is counted there"))
    masses = tuple(_mass(table, place) for place in places)
    axis = Axis(np.arange(len(places), dtype=float), "ion", "", kept.names, masses)
    navigation, scales, more = _scales(table, used)
    try:
        return [Spectrum(axis, whole_numbers(counts)[:used], _noise(table, counts), _meta(table, path, notes + more),
                         navigation=(navigation,), scales=scales)]
    except BadData as error:
        raise BadFile(error.what, where=table.where, todo=DAMAGED) from error


def _table(text: str, where: str) -> _Table:
    lines = split_lines(text.lstrip("\ufeff"))
    at = next((i for i, line in enumerate(lines[:60]) if _HEAD.match(line)), None)
    if at is None:
        raise BadFile("The line '#Data Point #' that names the columns is missing", where=where, todo=_TODO)
    heads = tuple(cells_of(lines[at]))
    titled = [cells_of(line) for line in lines[:at] if line.startswith("#") and "\t" in line]
    comments = tuple(line.strip() for line in lines[:at] if line.strip() and "\t" not in line.strip())
    first = next((place for place, head in enumerate(heads) if head.startswith("Intensity")), len(heads))
    if any(not head.startswith("Intensity") for head in heads[first:]) or first == len(heads):
        raise BadFile("The columns of intensities are not where they should be", where=f"{where}, line {at + 1}",
                      todo=_TODO)
    if not titled:
        raise BadFile("The line with the names of the ions is missing", where=where, todo=_TODO)
    names = tuple(titled[0][first:])
    masses = tuple(titled[1][first:]) if len(titled) > 1 else ()
    wanted = len(heads) - first
    for found, what in ((names, "names of ions"), (masses, "masses")):
        if (found and len(found) != wanted) or (not found and what != "masses"):
            raise BadFile(f"{wanted} columns of intensities have {len(found)} {what}", where=where, todo=_TODO)
    if max(map(len, names)) > _LONGEST:
        raise BadFile("A name of an ion is too long to be one", where=where, todo=DAMAGED)
    if not all(names):
        raise BadFile(f"Column {first + names.index('') + 1} has no name", where=where, todo=_TODO)
    body = [(i, line.rstrip("\t ")) for i, line in enumerate(lines[at + 1 :], start=at + 2) if line.strip()]
    numbers, plain = tuple(i for i, _ in body), tuple(line for _, line in body)
    if not plain:
        raise BadFile("The profile holds no points", where=where, todo=_TODO)
    values = None if any("," in cell for cell in masses) else fast_table(plain, len(heads))
    if values is None:
        _check_rows(plain, numbers, len(heads), where)
    mark = "." if values is not None else decimal_mark(
        [*masses, *(cell for line in plain for cell in line.split("\t"))], where)
    table = _Table(comments, names, masses, heads, plain, numbers, mark, where, values)
    _check_points(table)
    return table


def _check_rows(body: Sequence[str], lines: Sequence[int], width: int, where: str) -> None:
    """Each point has a number for each column."""
    for text, line in zip(body, lines, strict=True):
        cells = cells_of(text)
        if len(cells) == width and not all(cells):
            raise BadFile(f"The cell in column {cells.index('') + 1} is empty", where=f"{where}, line {line}",
                          todo=DAMAGED)
        if len(cells) != width:
            raise BadFile(f"A point has {len(cells)} numbers for {width} columns", where=f"{where}, line {line}",
                          todo=DAMAGED)


def _check_points(table: _Table) -> None:
    """Points are counted upwards from 1."""
    points = table.points
    wrong = (points < 1) | (points != np.rint(points)) | (np.diff(points, prepend=0.0) <= 0)
    if np.any(wrong):
        place = int(np.argmax(wrong))
        what = f"Point {points[place]:g} follows point {points[place - 1]:g}" if place else (
            f"The first point has the number {points[0]:g}")
        raise BadFile(what, where=f"{table.where}, line {table.lines[place]}", todo=DAMAGED)


def _intensities(table: _Table, place: int) -> FloatArray:
    return table.column(table.first + place, f"Intensity of {table.names[place]}")


def _ratio_cells(table: _Table, place: int) -> FloatArray:
    """The file's own numbers of a ratio; NaN where it says that there is none ("inf").

    Raises
    ------
    BadFile
        If a cell holds neither.
    """
    if table.values is not None:
        given = table.values[:, table.first + place]
        return np.where(np.isfinite(given), given, np.nan)
    found = []
    for row, line in zip(table.rows, table.lines, strict=True):
        cell = row[table.first + place]
        value = np.nan if without_number(cell) else number(cell, table.mark)
        if value is None:
            raise BadFile(f"Ratio {table.names[place]}: '{cell[:30]}' is not a number",
                          where=f"{table.where}, line {line}", todo=DAMAGED)
        found.append(value)
    return np.asarray(found, dtype=np.float64)


def _mass(table: _Table, place: int) -> float:
    """m/z of the head; 0 for "N/A"."""
    cell = table.masses[place] if table.masses else "N/A"
    value = 0.0 if without_number(cell) else number(cell, table.mark)
    if value is None or value < 0:
        raise BadFile(f"The mass of {table.names[place]} is '{cell[:30]}'", where=table.where, todo=DAMAGED)
    return value


def _empty_at_end(counts: FloatArray) -> int:
    """Points at the end in which no channel counts anything."""
    return int(len(counts) - 1 - np.flatnonzero(np.any(counts != 0, axis=1))[-1])


def _scales(table: _Table, used: int) -> tuple[Axis, tuple[Axis, ...], Pairs]:
    """Sputter time, what else the points are counted by, and notes."""
    notes: Pairs = []
    found: dict[Quantity, Axis] = {}
    columns: dict[Quantity, FloatArray] = {}
    for place, head in enumerate(table.heads[1 : table.first], start=1):
        title = _TITLE.match(head)
        known = _SCALES.get((title["name"].lower(), title["unit"].strip())) if title else None
        if known is None:
            notes.append(("column left out", f"{head}: not known"))
            continue
        quantity, unit, factor = known
        values = table.column(place, head)[:used] * factor
        if quantity in columns:
            raise BadFile(f"Two columns hold the {quantity}", where=table.where, todo=DAMAGED)
        _check_falling(values, head, table)
        columns[quantity] = values
        if np.any(np.diff(values) <= 0):
            point = table.points[int(np.argmax(np.diff(values) <= 0)) + 1]
            notes.append(("column left out", f"{head}: point {point:g} has the same value as the one before"))
        else:
            found[quantity] = Axis(values, quantity, unit)
    if "time" not in columns:
        raise BadFile("The profile has no sputter time in seconds", where=table.where, todo=_TODO)
    if "dose" in columns and "fluence" in columns:
        notes += _beams(columns["time"], columns["dose"], columns["fluence"])
    points = table.points[:used]
    if np.any(np.diff(points) > 1):
        notes.append(("points", "their numbers are not consecutive"))
    navigation = found.pop("time", None) or Axis(points, "scan", "")
    return navigation, tuple(found.values()), notes


def _check_falling(values: FloatArray, head: str, table: _Table) -> None:
    steps = np.diff(values)
    if values.min() < 0 or np.any(steps < 0):
        place = int(np.argmax(values < 0)) if values.min() < 0 else int(np.argmax(steps < 0)) + 1
        raise BadFile(f"{head} falls or is negative ({values[place]:g})", where=f"{table.where}, line "
                      f"{table.lines[place]}", todo=DAMAGED)


def _beams(time: FloatArray, dose: FloatArray, fluence: FloatArray) -> Pairs:
    """What dose and fluence together say of the area; in dual-beam profiles they count both beams."""
    use = (dose > 0) & (fluence > 0)
    if np.count_nonzero(use) < 2:
        return []
    areas = dose[use] / fluence[use]
    if np.ptp(areas) <= _ONE_AREA * areas.max():
        return [("area", f"{size_of(float(np.median(areas)))}: dose over fluence at every point")]
    words = (f"dose over fluence is {size_of(float(areas[0]))} at the first point and {size_of(float(areas[-1]))} at "
             "the last: both count more than one beam, each over its own area")
    if time[0] == 0 and use[0]:
        words += "; the first, before any sputtering, is the area of the analysis beam"
    return [("fluence", words)]


def _noise_notes(table: _Table, kept: Kept) -> Pairs:
    notes: Pairs = [dead_time_note(kept.counts[:, kept.single])]
    if _smoothed(table):
        notes.append(("smoothing", "the counts were smoothed when they were exported: their noise is not that of "
                      "counts; export them without smoothing"))
    if kept.counts.min() < 0:
        notes.append(("negative intensities", "something was subtracted: these are no plain counts"))
    return notes


def _smoothed(table: _Table) -> bool:
    """Whether the file does not say that smoothing is off."""
    said = [line for line in table.comments if line.startswith(_FIRST)]
    return bool(said) and not any(line.removeprefix(_FIRST).strip().lower() == "disabled" for line in said)


def _noise(table: _Table, counts: FloatArray) -> Noise:
    if _smoothed(table) or counts.min() < 0:
        return Noise("unknown")
    return Noise("poisson", 1.0)


def _meta(table: _Table, path: Path, notes: Pairs) -> Meta:
    plain = table.heads[table.first] == "Intensity" and all(head == "Intensity" for head in table.heads[table.first:])
    if not plain:
        notes = [*notes, ("intensity", table.heads[table.first])]
    return Meta(
        title=path.stem, region=path.stem, sample=path.stem, technique="sims",
        intensity_unit="counts" if plain else "arbitrary", instrument="IONTOF (SurfaceLab export)", file=str(path),
        file_format=FORMAT, comments=table.comments, extra=instrument.notes(notes),
    )


def _numbered(one: str, many: str, count: int) -> str:
    return one if count == 1 else many.format(count)


READER = Reader(
    name="surfacelab_profile",
    title="SurfaceLab depth profile (ASCII)",
    suffixes=(".txt", ".asc"),
    description="ToF-SIMS depth profiles of IONTOF's SurfaceLab: ions against sputter time, dose and fluence",
    sniff=sniff,
    read=read,
)
