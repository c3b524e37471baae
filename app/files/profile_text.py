"""Depth profiles of ions as tables of text (csv, tsv): what other programs export, and what this one does.

    Sputter time (s), Na2F+, PF6- ...        or        Depth [nm]; Na2F+ [counts]; ...

The first columns say where on the profile a row lies: time, depth, dose or fluence, each with its unit, or the number
of the point or scan. The columns behind them are ions; two heads at least must be formulas with a charge, else the file
is none of ours. Between names and numbers may stand a line of units, one of masses (it begins with "m/z"), and one of
further names ("Also possible").

Decisions
---------
Columns of errors ("Error of Na2F+") are left out and named. Ratios are recomputed as in SurfaceLab's profiles. Numbers
without a unit are counts where all are whole, which is said; other units than counts are "arbitrary".
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs, Unit
from app.files.surfacelab_columns import Kept, polarity_note, ratio_notes, sum_notes
from app.files.surfacelab_text import (
    column_of,
    dead_time_note,
    decimal_mark,
    digits_of,
    fast_table,
    number,
    whole_numbers,
    without_number,
)
from fitting.dataset import Axis, FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadData, BadFile
from libraries.ions import parse_label

FORMAT = "profile text"
ERROR_OF = "Error of "
MASSES, LABELS = "m/z", "Also possible"
_REMARKS = (MASSES, LABELS.lower())
_TITLE = re.compile(r"^(?P<name>[^()\[\]]*?)\s*[(\[](?P<unit>[^()\[\]]*)[)\]]$")
_PLACES: dict[str, Quantity] = {
    "time": "time", "sputter time": "time", "sputtering time": "time", "t": "time", "depth": "depth", "z": "depth",
    "dose": "dose", "ion dose": "dose", "fluence": "fluence", "ion fluence": "fluence",
    "primary ion fluence": "fluence", "scan": "scan", "point": "scan", "data point": "scan", "cycle": "scan",
    "index": "scan", "frame": "scan", "layer": "scan",
}
_UNITS: dict[tuple[Quantity, str], tuple[str, float]] = {
    ("time", "s"): ("s", 1.0), ("time", "sec"): ("s", 1.0), ("time", "min"): ("s", 60.0),
    ("depth", "nm"): ("nm", 1.0), ("depth", "µm"): ("nm", 1e3), ("depth", "um"): ("nm", 1e3),
    ("depth", "å"): ("nm", 0.1), ("dose", "ions"): ("ions", 1.0),
    ("fluence", "ions/cm²"): ("ions/cm²", 1.0), ("fluence", "ions/cm^2"): ("ions/cm²", 1.0),
    ("fluence", "ions/cm2"): ("ions/cm²", 1.0), ("fluence", "cm^-2"): ("ions/cm²", 1.0),
    ("fluence", "1/cm^2"): ("ions/cm²", 1.0), ("fluence", "cm⁻²"): ("ions/cm²", 1.0), ("scan", ""): ("", 1.0),
}
_COUNTS = ("counts", "count", "cts")
_NUMBER = re.compile(r"[-+]?[\d.,]+([eE][-+]?\d+)?$")
_SURE = 0.95
_LONGEST = 2000
_SAMPLE = 50


def sniff(head: bytes, path: Path) -> float:
    """0.95 for a table whose first column is a place on a profile and two of whose heads are ions with charges."""
    del path
    text = instrument.text_of(head)
    for line in split_lines(text)[:20]:
        if line.strip() and not line.lstrip().startswith(("#", "%")):
            return _SURE if _heads(line)[0] else 0.0
    return 0.0


@dataclass(frozen=True, eq=False)
class _Table:
    """Heads, units behind them, masses and cells; `first` is the place of the first ion."""

    heads: tuple[str, ...]
    units: tuple[str, ...]
    masses: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    first: int
    comments: tuple[str, ...]
    mark: str
    where: str
    values: FloatArray | None

    def column(self, place: int) -> FloatArray:
        """The finite numbers of a column."""
        if self.values is not None:
            return self.values[:, place]
        cells = [row[place] for row in self.rows]
        return column_of(cells, self.mark, self.heads[place], self.where, self.lines)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The profile of a table.

    Raises
    ------
    BadFile
        With the line, where a number is missing; if a place has no unit that is known, or polarities are mixed.
    """
    del options
    return [profile_of(read_text(path, read_bytes(path)), path, str(path), path.stem)]


def is_profile(line: str) -> bool:
    """Whether a line names places and ions of a profile."""
    return bool(_heads(line)[0])


def profile_of(text: str, path: Path, where: str, title: str) -> Spectrum:
    """The profile of a text, or of a sheet as such a text.

    Parameters
    ----------
    where : str
        File and sheet, for messages.
    title : str
        Its name.
    """
    table = _table(text, where)
    places, errors = [], []
    for place in range(table.first, len(table.heads)):
        if table.heads[place].lower().startswith(ERROR_OF.lower()):
            errors.append(table.heads[place])
        elif parse_label(table.heads[place]).kind != "ratio":
            places.append(place)
    notes = _error_notes(errors)
    counts = np.column_stack([table.column(place) for place in places])
    digits = digits_of(row[place] for row in table.rows[:_SAMPLE] for place in places)
    kept = Kept(tuple(table.heads[place] for place in places), counts, digits)
    notes = [*polarity_note(kept.names, table.where), *notes, *_ratios(table, kept), *sum_notes(kept, len(counts))]
    unit = _unit({table.units[place] for place in places}, counts, notes)
    if unit == "counts":
        notes.append(dead_time_note(counts[:, kept.single]))
    meta = Meta(title=title, region=title, sample=title, technique="sims", intensity_unit=unit,
                file=str(path), file_format=FORMAT, comments=table.comments)
    noise = Noise("poisson", 1.0) if unit == "counts" and counts.min() >= 0 else Noise("unknown")
    if unit == "arbitrary" and not any(table.units[place] for place in places) and counts.min() >= 0:
        noise = Noise("poisson", None, origin="estimated")
    try:
        navigation, scales, more = _along(table)
        axis = Axis(np.arange(len(places), dtype=float), "ion", "", kept.names, _masses(table, places))
        meta = replace(meta, extra=instrument.notes([*notes, *more]))
        return Spectrum(axis, whole_numbers(counts), noise, meta, navigation=(navigation,), scales=scales)
    except BadData as error:
        raise BadFile(error.what, where=table.where, todo=DAMAGED) from error


def _error_notes(heads: Sequence[str]) -> list[tuple[str, str]]:
    """What became of the columns of errors: one remark, not one for every ion."""
    if not heads:
        return []
    more = f" and {len(heads) - 1} more like it" if len(heads) > 1 else ""
    return [("column left out", f"{heads[0]}{more}: errors follow from the counts")]


def _heads(line: str) -> tuple[list[str], list[str], str, int]:
    """Names, units, the mark between cells, and the place of the first ion; no names for a line that is no head."""
    for mark in "\t;,":
        if mark not in line or len(line) > 1_000_000:
            continue
        cells = _cells(line.lstrip("\ufeff"), mark)
        while cells and not cells[-1]:
            cells.pop()
        if not cells or max(map(len, cells)) > _LONGEST or not _place(cells[0]):
            continue
        first = next((place for place, cell in enumerate(cells) if not _place(cell)), len(cells))
        named = [_titled(cell) for cell in cells]
        ions = sum(len(parse_label(name).ions) > 0 for name, _ in named[first:])
        if ions >= 2:
            return [name for name, _ in named], [unit for _, unit in named], mark, first
    return [], [], "", 0


def _cells(line: str, mark: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]
    except (csv.Error, StopIteration):
        return []


def _place(cell: str) -> bool:
    """Whether a head names a place on the profile."""
    found = _TITLE.match(cell)
    return (found["name"] if found else cell).strip("# ").lower() in _PLACES


def _titled(cell: str) -> tuple[str, str]:
    """Name and unit of a head; a ratio ends with a bracket that is no unit."""
    found = None if " / (" in cell else _TITLE.match(cell)
    return (found["name"].strip(), found["unit"].strip()) if found else (cell, "")


def _table(text: str, where: str) -> _Table:
    lines = split_lines(text.lstrip("\ufeff"))
    at = next((i for i, line in enumerate(lines) if line.strip() and not line.lstrip().startswith(("#", "%"))), 0)
    heads, units, mark, first = _heads(lines[at])
    if not heads:
        raise BadFile("The first line names no places and ions of a profile", where=where,
                      todo="Name the columns as in 'Sputter time (s)', 'Na2F+'")
    comments = tuple(line.strip() for line in lines[:at] if line.strip())
    units, masses, start = _remarks(lines, at + 1, units, mark)
    if start >= len(lines):
        raise BadFile("The profile holds no points", where=where, todo=DAMAGED)
    if masses and len(masses) != len(heads):
        raise BadFile(f"{len(masses)} masses for {len(heads)} columns", where=where, todo=DAMAGED)
    body = [(i, line.strip("\r\n")) for i, line in enumerate(lines[start:], start=start + 1) if line.strip()]
    values = fast_table([line for _, line in body], len(heads), mark)
    if values is not None and not np.all(np.isfinite(values)):
        values = None
    rows = _rows(body if values is None else body[:_SAMPLE], len(heads), mark, where)
    decimal = "." if values is not None else decimal_mark((cell for row in rows for cell in row), where)
    return _Table(tuple(heads), tuple(units), masses, rows, tuple(i for i, _ in body), first, comments, decimal, where,
                  values)


def _remarks(
    lines: Sequence[str], start: int, units: list[str], mark: str
) -> tuple[list[str], tuple[str, ...], int]:
    """Units and masses of the lines between names and numbers, and where the numbers begin."""
    masses: tuple[str, ...] = ()
    for place in range(start, len(lines)):
        cells = _cells(lines[place], mark) if lines[place].strip() else []
        if any(cells) and not _is_remark(cells):
            return units, masses, place
        while len(cells) > len(units) and not cells[-1]:
            cells.pop()
        cells += [""] * (len(units) - len(cells))
        word = cells[0].lower()
        masses = tuple(cells) if word == MASSES else masses
        if word not in _REMARKS and len(cells) == len(units):
            units = [unit or cell.strip("()[]") for unit, cell in zip(units, cells, strict=True)]
    return units, masses, len(lines)


def _rows(body: Sequence[tuple[int, str]], width: int, mark: str, where: str) -> tuple[tuple[str, ...], ...]:
    """Cells of the points, one for each column."""
    rows = []
    for place, line in body:
        cells = _cells(line, mark)
        while len(cells) > width and not cells[-1]:
            cells.pop()
        if len(cells) != width:
            raise BadFile(f"A row has {len(cells)} cells for {width} columns", where=f"{where}, line {place}",
                          todo=DAMAGED)
        rows.append(tuple(cells))
    return tuple(rows)


def _is_remark(cells: Sequence[str]) -> bool:
    """A line between names and numbers: of units, masses, or other names."""
    if cells and cells[0].lower() in _REMARKS:
        return True
    return any(cells) and not any(_NUMBER.match(cell) or without_number(cell) for cell in cells)


def _ratios(table: _Table, kept: Kept) -> Pairs:
    notes: Pairs = []
    for place in range(table.first, len(table.heads)):
        name = table.heads[place]
        if parse_label(name).kind == "ratio" and not name.lower().startswith(ERROR_OF.lower()):
            cells = [row[place] for row in table.rows]
            values: list[float | None] = [
                np.nan if not cell or without_number(cell) else number(cell, table.mark) for cell in cells
            ] if table.values is None else list(table.values[:, place])
            if None in values:
                line = table.lines[values.index(None)]
                raise BadFile(f"Ratio {name}: not a number", where=f"{table.where}, line {line}", todo=DAMAGED)
            notes += ratio_notes(name, np.asarray(values, dtype=np.float64), kept, len(values))
    return notes


def _unit(said: set[str], counts: FloatArray, notes: Pairs) -> Unit:
    """The unit of all intensities; whole numbers without a unit are taken for counts, and that is said."""
    plain = {unit.lower() for unit in said}
    if plain <= set(_COUNTS):
        return "counts"
    if plain == {""}:
        whole = bool(counts.min() >= 0 and np.all(counts == np.rint(counts)))
        notes.append(("intensity unit", "the file does not say" + (": whole numbers, taken for counts" * whole)))
        return "counts" if whole else "arbitrary"
    if plain <= {"counts/s", "cps", "cts/s", "1/s"}:
        return "counts/s"
    notes.append(("intensity unit", ", ".join(sorted(said))[:200]))
    return "arbitrary"


def _masses(table: _Table, places: Sequence[int]) -> tuple[float, ...]:
    """m/z of the channels where the file has a line of them; 0 for an empty cell."""
    if not table.masses:
        return ()
    found = []
    for place in places:
        cell = table.masses[place]
        value = number(cell, "," if "," in cell else ".") if cell and not without_number(cell) else 0.0
        if value is None or value < 0:
            raise BadFile(f"The mass of {table.heads[place]} is '{cell[:30]}'", where=table.where, todo=DAMAGED)
        found.append(value)
    return tuple(found)


def _along(table: _Table) -> tuple[Axis, tuple[Axis, ...], Pairs]:
    """The first place that ascends is the axis of the profile; further ones are scales."""
    found: list[Axis] = []
    notes: Pairs = []
    for place in range(table.first):
        name, unit = table.heads[place].strip("# "), table.units[place].strip()
        quantity = _PLACES[name.lower()]
        known = _UNITS.get((quantity, unit.lower()))
        if known is None:
            what = f"has the unit '{unit[:20]}'" if unit else "has no unit"
            raise BadFile(f"The column '{name[:40]}' {what}", where=table.where,
                          todo="Name it with its unit: 'Time (s)', 'Depth (nm)', 'Fluence (ions/cm^2)', 'Dose (ions)'")
        if any(axis.quantity == quantity for axis in found):
            raise BadFile(f"Two columns hold the {quantity}", where=table.where, todo=DAMAGED)
        values = table.column(place) * known[1]
        if np.any(np.diff(values) <= 0):
            row = int(np.argmax(np.diff(values) <= 0)) + 1
            if np.any(np.diff(values) < 0) or table.first == 1:
                raise BadFile(f"{name} does not ascend ({values[row]:g})", where=f"{table.where}, line "
                              f"{table.lines[row]}", todo="Put the rows in order")
            notes.append(("column left out", f"{name}: row {row + 1} has the same value as the one before"))
            continue
        found.append(Axis(values, quantity, known[0]))
    if not found:
        raise BadFile("No column tells the rows apart", where=table.where, todo=DAMAGED)
    first = next((axis for axis in found if axis.quantity != "scan"), found[0])
    return first, tuple(axis for axis in found if axis is not first and axis.quantity != "scan"), notes


READER = Reader(
    name="profile_text",
    title="Table of a depth profile",
    suffixes=(".csv", ".txt", ".tsv"),
    description="Text with a column of time, depth, dose or fluence (with its unit) and a column for each ion",
    sniff=sniff,
    read=read,
)
