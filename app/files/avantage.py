"""Sheets that Thermo Avantage exports to Excel: the spectrum of a region and the curves that were fitted to it.

    ...                                                  | Acquisition Parameters :
    Axis | Energy | Elements= | 201                      | Number of Scans | 5
    path of the .VGD file                                | Analyser Mode   | CAE : Pass Energy 20.0 eV
    Binding Energy (E) | | | | O1s A | O1s B | Backgnd. | Envelope | Residuals
    eV                 | | Counts / s | | Counts / s | ...
    201 rows

Titles and units are looked for, not counted: which columns there are differs from sheet to sheet. The measured
intensities stand in the first column that has a unit of counts; titled columns with such a unit behind it are curves.
Components stand in the file without background and stay so.

Decisions
---------
Curves follow their spectrum as spectra of their own, with the note ("curve", ...) and no noise; residuals are left out
(they are the difference). The export names the source but gives no photon energy, and the time of the whole scan but
none of a point, so neither is stated. Series (a second axis, or columns of numbers without title) are refused: their
layout is not known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_names import intensity_unit
from app.files.workbook import Cell, Sheet
from fitting.dataset import FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "Thermo Avantage"
_TITLE = re.compile(r"^(?P<kind>binding|kinetic) energy \(e\)$", re.IGNORECASE)
_LINE = re.compile(r"^(?P<element>[A-Z][a-z]?)(?P<shell>\d[spdf](?:\d/\d)?)\b")
_PASS = re.compile(r"^(?P<mode>\w+)\s*:\s*Pass Energy\s+(?P<energy>[\d.]+)\s*eV$", re.IGNORECASE)
_KINDS = {"backgnd.": "background", "background": "background", "envelope": "envelope"}
_TODO = "Export the region from Avantage again"


def _header(sheet: Sheet) -> tuple[int, int] | None:
    """Row and column of the title of the energies, with the unit eV below it."""
    for number, row in sheet.rows.items():
        for column, cell in row.items():
            unit = sheet.rows.get(number + 1, {}).get(column)
            if isinstance(cell, str) and _TITLE.match(cell.strip()) and isinstance(unit, str) and unit.strip() == "eV":
                return number, column
    return None


def is_region(sheet: Sheet) -> bool:
    """Whether a sheet looks like an exported region."""
    return _header(sheet) is not None


def peak_table(book: Sequence[Sheet]) -> dict[str, instrument.Pairs]:
    """What the sheet "Peak Table" says of each peak by its name; names that stand there twice are left out."""
    found: dict[str, instrument.Pairs] = {}
    twice: set[str] = set()
    for sheet in book:
        titles: dict[int, str] = {}
        for number in sorted(sheet.rows) if sheet.name.strip().lower() == "peak table" else ():
            cells = {column: _shown(cell) for column, cell in sheet.rows[number].items()}
            if not titles:
                named = {text.lower() for text in cells.values()}
                titles = cells if {"name", "peak be"} <= named else {}
                continue
            row = {titles[column].lower(): text for column, text in cells.items() if titles.get(column) and text}
            name = row.pop("name", "")
            twice |= {name} & found.keys()
            found[name] = list(row.items())
    return {name: pairs for name, pairs in found.items() if name and name not in twice}


def _shown(cell: Cell) -> str:
    return f"{cell:.12g}" if isinstance(cell, float) else cell.strip()


def read(sheet: Sheet, path: Path, peaks: Mapping[str, instrument.Pairs]) -> list[Spectrum]:
    """The spectrum of a region and its curves.

    Parameters
    ----------
    peaks : mapping
        From `peak_table`; noted with the curves of these names.

    Raises
    ------
    BadFile
        With sheet and row, where the sheet is not as Avantage writes it.
    """
    where = f"{path}, sheet '{sheet.name[:60]}'"
    header = _header(sheet)
    if header is None:
        raise BadFile("The title of the energies is missing", where=where, todo=_TODO)
    row, column = header
    points = _announced(sheet, row, where)
    units = {c: intensity_unit(cell) for c, cell in sheet.rows[row + 1].items() if isinstance(cell, str) and c > column}
    measured = min((c for c, unit in units.items() if unit in ("counts", "counts/s")), default=None)
    if measured is None:
        raise BadFile("No column has a unit of counts", where=f"{where}, row {row + 1}", todo=_TODO)
    titles = {c: str(cell).strip() for c, cell in sheet.rows[row].items() if c > measured and units.get(c)}
    numbers = _rows(sheet, row + 2, column, where)
    for c in {c for n in numbers for c in sheet.rows[n]} - {column, measured, *titles}:
        if any(isinstance(sheet.rows[n].get(c), float) for n in numbers):
            what = f"Column {c + 1} holds numbers without a title: the sheet holds a series"
            raise BadFile(what, where=where, todo="Export its spectra one by one")
    # A curve with gaps is left out; the measurement must be whole.
    gaps = {c for c in titles if any(_value(sheet.rows[n].get(c)) is None for n in numbers)}
    used = [column, measured, *(c for c in titles if c not in gaps)]
    grid = np.array([_row(sheet, n, used, where) for n in numbers], dtype=np.float64).reshape(-1, len(used))
    if points is not None and points != len(grid):
        raise BadFile(f"{points} energies are announced but {len(grid)} rows are there", where=where, todo=_TODO)
    if not len(grid):
        raise BadFile("The sheet holds no rows", where=where, todo=_TODO)
    kinetic = str(sheet.rows[row][column]).strip().lower().startswith("kinetic")
    quantity: Quantity = "kinetic_energy" if kinetic else "binding_energy"
    try:
        found = _spectra(sheet, grid, [titles[c] for c in used[2:]], quantity, units[measured] or "counts", row, path)
        found = [_noted(s, peaks) for s in found]
        left_out = tuple(("curve not loaded", f"{titles[c]}: it has gaps") for c in sorted(gaps))
        first = found[0].with_(meta=replace(found[0].meta, extra=(*found[0].meta.extra, *left_out)))
        return [first, *found[1:]]
    except BadData as error:
        raise BadFile(error.what, where=where, todo=_TODO) from error


def _noted(spectrum: Spectrum, peaks: Mapping[str, instrument.Pairs]) -> Spectrum:
    """A component with its line of the peak table."""
    pairs = peaks.get(spectrum.name.rpartition(": ")[2], []) if ": " in spectrum.name else []
    return spectrum.with_(meta=replace(spectrum.meta, extra=(*spectrum.meta.extra, *instrument.notes(pairs))))


def _announced(sheet: Sheet, row: int, where: str) -> int | None:
    """The number of energies that the rows above announce; a second axis is refused."""
    found = []
    for number in range(1, row):
        cells = sheet.rows.get(number, {})
        words = [str(cells[c]).strip().lower() for c in sorted(cells)]
        for c, cell in cells.items():
            if str(cell).strip().lower() == "elements=" and words and words[0].strip("\ufeff") == "axis":
                value = cells.get(c + 1)
                text = f"{value:g}" if isinstance(value, float) else str(value)
                found.append(instrument.whole(text, "The number of energies", where, 1, 1_000_000))
    if len([n for n in found if n > 1]) > 1:
        raise BadFile("The sheet holds a series", where=where, todo="Export its spectra one by one")
    return max(found) if found else None


def _value(cell: Cell | None) -> float | None:
    return instrument.number(cell) if isinstance(cell, str) else cell


def _rows(sheet: Sheet, first: int, column: int, where: str) -> list[int]:
    """The rows with energies; below the first one without, remarks may stand but no energies."""
    with_energy = sorted(n for n in sheet.rows if n >= first and _value(sheet.rows[n].get(column)) is not None)
    for place, number in enumerate(with_energy):
        if number != first + place:
            text = str(sheet.rows.get(first + place, {}).get(column, ""))[:30]
            what = f"Column {column + 1} holds '{text}', not a number"
            raise BadFile(what, where=f"{where}, row {first + place}", todo=_TODO)
    return with_energy


def _row(sheet: Sheet, number: int, used: list[int], where: str) -> list[float]:
    cells = sheet.rows[number]
    values: list[float] = []
    for column in used:
        value = _value(cells.get(column))
        if value is None:
            what = f"Column {column + 1} holds '{str(cells.get(column, ''))[:30]}', not a number"
            raise BadFile(what, where=f"{where}, row {number}", todo=_TODO)
        values.append(value)
    return values


def _spectra(
    sheet: Sheet,
    grid: FloatArray,
    titles: list[str],
    quantity: Quantity,
    unit: instrument.Unit,
    row: int,
    path: Path,
) -> list[Spectrum]:
    where = f"{path}, sheet '{sheet.name[:60]}'"
    axis, order, notes = instrument.energy_axis(grid[:, 0], quantity, where)
    line = _LINE.match(sheet.name)
    above = [str(cell).strip("\ufeff ") for n in range(1, row) for cell in sheet.rows.get(n, {}).values()]
    original = next((text for text in above if text.lower().endswith((".vgd", ".vgp"))), "")
    name = sheet.name
    told = _parameters(sheet, row)
    mode = _PASS.match(told.get("Analyser Mode", ""))
    meta = Meta(
        title=name,
        technique="xps",
        region=name,
        element=line["element"] if line else "",
        transition=line["shell"] if line else "",
        source=told.get("Source Gun Type", ""),
        pass_energy=instrument.positive(mode["energy"]) if mode and mode["mode"].upper() == "CAE" else None,
        sweeps=instrument.positive(told.get("Number of Scans", "")),
        analyser_mode=mode["mode"] if mode else told.get("Analyser Mode", ""),
        intensity_unit=unit,
        file=str(path),
        file_format=FORMAT,
        extra=instrument.notes([("original file", original), *told.items(), *notes]),
    )
    counts = grid[order, 1]
    found = [Spectrum(axis, counts, instrument.noise(counts, unit, None), meta)]
    for place, title in enumerate(titles, start=2):
        if title.lower().startswith("residual"):
            continue
        kind = _KINDS.get(title.lower(), f"component {title} without background")
        full = f"{name}: {title}"
        told = replace(meta, title=full, region=full, extra=(*meta.extra, ("curve", f"{kind} of Avantage")))
        found.append(Spectrum(axis, grid[order, place], Noise("unknown"), told))
    return found


def _parameters(sheet: Sheet, row: int) -> dict[str, str]:
    """The acquisition parameters: names and values below their heading, above the columns."""
    heading = next(
        (
            (n, c)
            for n in range(1, row)
            for c, cell in sheet.rows.get(n, {}).items()
            if str(cell).strip().lower().startswith("acquisition parameters")
        ),
        None,
    )
    if heading is None:
        return {}
    found = {}
    for number in range(heading[0] + 1, row):
        cells = sheet.rows.get(number, {})
        name, value = str(cells.get(heading[1], "")).strip(), cells.get(heading[1] + 1, "")
        text = _shown(value)
        if name and text:
            found[name] = text
    return found
