"""Export of a project as one Excel workbook: compositions, components, parameters, and a sheet of curves a region."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.files.atomic import atomic_path
from app.files.composition_tables import (
    ELEMENT_COLUMNS,
    LINE_COLUMNS,
    RATIO_COLUMNS,
    compositions,
    element_rows,
    line_rows,
    ratio_rows,
    sample_names,
)
from app.files.export import COMPONENT_COLUMNS, PARAMETER_COLUMNS, component_rows, parameter_rows
from fitting.dataset import AXIS_LABELS
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.project import Entry, Project, RegionFit
    from fitting.dataset import Spectrum

_FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
# XML 1.0 has no place for these (ECMA-376, 22.9.2.19).
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_LONGEST_TITLE, _LONGEST_TEXT = 31, 32_767
_WIDEST = 40
_MOST_COLUMNS = 16_384  # of Excel


def write_xlsx(project: Project, path: str | Path) -> Path:
    """One workbook of a project.

    Texts stay texts, whatever they begin with: a component called "=A1" is no formula. Numbers that are not finite are
    empty cells.

    Raises
    ------
    BadData
        If a series has more spectra than a sheet has columns.
    CannotWrite
        If the file cannot be written.
    """
    from openpyxl import Workbook

    target, names = Path(path), sample_names(project)
    book = Workbook(write_only=True)
    taken: set[str] = set()
    tables, missing = compositions(project)
    remarks = [(names.get(id, id), text) for id, table in tables.items() for text in table.warnings]
    # Depth profiles and mass spectra have no composition that could be missing.
    ions = {entry.sample for entry in project.entries} - {
        entry.sample for entry in project.entries if entry.spectrum.meta.technique != "sims"}
    remarks += [(names.get(id, id), text) for id, text in missing.items() if id not in ions]
    if any(entry.spectrum.meta.technique != "sims" for entry in project.entries) or not project.entries:
        _sheet(book, "Elements", ELEMENT_COLUMNS, element_rows(tables, names, project), taken)
        _sheet(book, "Composition", LINE_COLUMNS, line_rows(tables, names, project), taken)
        _sheet(book, "Components", COMPONENT_COLUMNS, component_rows(project), taken)
        _sheet(book, "Parameters", PARAMETER_COLUMNS, parameter_rows(project), taken)
    ratios = list(ratio_rows(project, tables, names))
    if ratios:
        _sheet(book, "Ratios", RATIO_COLUMNS, ratios, taken)
    if remarks:
        _sheet(book, "Remarks", ("Sample", "Remark"), remarks, taken)
    for entry in project.entries:
        _entry_sheets(book, entry, names.get(entry.sample, ""), taken)
    _saved(book, target)
    return target


def write_sheets(
    path: str | Path, sheets: Iterable[tuple[str, Sequence[Sequence[Any]], Iterable[Sequence[Any]]]]
) -> Path:
    """A workbook of (title, lines of heads, rows) sheets; its path.

    Raises
    ------
    CannotWrite
        If the file cannot be written.
    """
    from openpyxl import Workbook

    target, book, taken = Path(path), Workbook(write_only=True), set[str]()
    for title, heads, rows in sheets:
        _sheet(book, title, heads[0], [*heads[1:], *rows], taken, len(heads))
    _saved(book, target)
    return target


def _saved(book: Any, target: Path) -> None:
    # Made in memory, so that a disk that fills up leaves no half-open workbook.
    made = BytesIO()
    book.save(made)
    with atomic_path(target) as draft:
        draft.write_bytes(made.getvalue())


def _ion_sheets(book: Any, entry: Entry, sample: str, taken: set[str]) -> None:
    """Depth profiles of an entry, raw and as shown; of an image of ions their counts."""
    from app.files.profile_tables import ION_COLUMNS, ion_rows, tables_of

    spectrum = entry.processed()
    tail = "" if entry.title.startswith(sample) else f" {sample}"
    if len(spectrum.navigation) not in (1, 3):
        _sheet(book, f"{entry.title}{tail}", ION_COLUMNS, ion_rows(spectrum, entry.masses), taken)
        return
    for table in tables_of(entry):
        heads = table.heads()
        if len(heads[0]) > _MOST_COLUMNS:
            raise BadData(f"A sheet has no room for {len(heads[0])} columns", where=entry.title, todo="Export HDF5")
        _sheet(book, f"{table.title}{tail}", heads[0], [*heads[1:], *table.rows()], taken, len(heads))


def _entry_sheets(book: Any, entry: Entry, sample: str, taken: set[str]) -> None:
    spectrum = entry.processed()
    if spectrum.axis.labels:
        _ion_sheets(book, entry, sample, taken)
        return
    if len(spectrum.navigation) > 1 or spectrum.stored:  # an image: its sum; HDF5 holds all of it
        _sheet(book, f"{entry.title} sum {sample}", *_data_columns(entry.single()), taken)
        return
    if not entry.fits or spectrum.navigation:
        _sheet(book, f"{entry.title} {sample}", *_data_columns(spectrum), taken)
        return
    for fit in entry.fits:
        name = entry.title if len(entry.fits) == 1 else fit.name
        _sheet(book, f"{name} {sample}", *_region_columns(spectrum, fit), taken)


def _data_columns(spectrum: Spectrum) -> tuple[list[str], list[Sequence[float]]]:
    unit, axis = spectrum.meta.intensity_unit, spectrum.axis
    if spectrum.pixels >= _MOST_COLUMNS:
        raise BadData(
            f"A sheet has no room for {spectrum.pixels} spectra", where=spectrum.name, todo="Export the project as HDF5"
        )
    flat = np.asarray(spectrum.counts).reshape(-1, len(axis))
    titles = [f"{AXIS_LABELS[axis.quantity]} [{axis.unit}]"]
    titles += [f"Intensity [{unit}]" if len(flat) == 1 else f"Intensity {n} [{unit}]" for n in range(1, len(flat) + 1)]
    return titles, list(zip(axis.values.tolist(), *(row.tolist() for row in flat), strict=True))


def _region_columns(spectrum: Spectrum, fit: RegionFit) -> tuple[list[str], list[Sequence[float]]]:
    from fitting.curves import curves

    drawn = curves(spectrum, fit.model)
    part = spectrum.window(*fit.model.region)
    unit = spectrum.meta.intensity_unit
    titles, rows = _data_columns(part)
    columns = [drawn.background, drawn.envelope]
    titles += [f"Background [{unit}]", f"Envelope [{unit}]"]
    for id, curve in drawn.components:
        titles.append(f"{fit.model.component(id).name or id} + background [{unit}]")
        columns.append(drawn.background + curve)
    titles.append("Residual [standard deviations]")
    columns.append(drawn.residual)
    return titles, [(*row, *more) for row, more in zip(rows, np.stack(columns, axis=1).tolist(), strict=True)]


def _sheet(book: Any, title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]], taken: set[str],
           frozen: int = 1) -> None:
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    sheet = book.create_sheet(_title(title, taken))
    sheet.freeze_panes = f"A{frozen + 1}" if frozen == 1 else f"B{frozen + 1}"
    for place, name in enumerate(columns, start=1):
        sheet.column_dimensions[get_column_letter(place)].width = min(max(len(name) + 2, 10), _WIDEST)
    head = [_cell(sheet, name) for name in columns]
    for cell in head:
        cell.font = Font(bold=True)
    sheet.append(head)
    for row in rows:
        sheet.append([_cell(sheet, value) for value in row])


def _title(text: str, taken: set[str]) -> str:
    """A title that Excel takes: short, without its signs, not there yet (capitals do not count)."""
    plain = _FORBIDDEN.sub(" ", _UNPRINTABLE.sub(" ", text)).strip(" '") or "Sheet"
    name, number = plain[:_LONGEST_TITLE].strip(" '"), 2
    while name.lower() in taken:
        tail = f" {number}"
        name, number = plain[: _LONGEST_TITLE - len(tail)].strip(" '") + tail, number + 1
    taken.add(name.lower())
    return name


def _cell(sheet: Any, value: Any) -> Any:
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, (bool, np.bool_)):
        return WriteOnlyCell(sheet, bool(value))
    if isinstance(value, (int, float, np.integer, np.floating)):
        number = value.item() if isinstance(value, np.generic) else value
        return WriteOnlyCell(sheet, number if math.isfinite(number) else None)
    if value is None:
        return WriteOnlyCell(sheet, None)
    cell = WriteOnlyCell(sheet, _UNPRINTABLE.sub("\ufffd", str(value))[:_LONGEST_TEXT])
    # Else openpyxl takes a text that begins with "=" for a formula.
    cell.data_type = "s"
    return cell
