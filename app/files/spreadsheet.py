"""Excel workbooks (.xlsx): sheets of columns, and the exports of Thermo Avantage (`app.files.avantage`).

A sheet of columns is read as the same columns in a text would be (`app.files.columns`): the first column holds the
energies and says which, each further one becomes a spectrum. A sheet of ions over time or depth is a depth profile.
Sheets without columns of numbers are left out and named.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.files import avantage, columns, instrument, profile_text
from app.files.format import AxisUnknown, Reader, ReadOptions
from app.files.workbook import Cell, Sheet, is_workbook, sheets
from fitting.dataset import Spectrum
from libraries.errors import BadFile

FORMAT = "Excel workbook"
_MAX_TEXT = 64 << 20


def sniff(head: bytes, path: Path) -> float:
    """0.9 for a workbook: whether it holds spectra is only seen by reading it."""
    return 0.9 if is_workbook(head, path) else 0.0


def read(path: Path, options: ReadOptions = ReadOptions()) -> list[Spectrum]:  # noqa: B008 - frozen, never altered
    """All spectra of a workbook.

    Parameters
    ----------
    options : ReadOptions
        As for column text.

    Raises
    ------
    AxisUnknown
        If neither a sheet nor the options say which energy its first column holds.
    BadFile
        With sheet and row, where a cell is empty or no number; or if no sheet holds columns of numbers.
    """
    book = sheets(path)
    loaded: list[tuple[Sheet, list[Spectrum]]] = []
    unknown: AxisUnknown | None = None
    from_avantage = [sheet for sheet in book if avantage.is_region(sheet)]
    peaks = avantage.peak_table(book) if from_avantage else {}
    for sheet in from_avantage or book:
        try:
            found = avantage.read(sheet, path, peaks) if from_avantage else _columns(sheet, path, options)
        except AxisUnknown as error:
            unknown, found = error, []
        if found:
            loaded.append((sheet, found))
    if not loaded:
        raise unknown or BadFile(
            "No sheet of the workbook holds columns of energies and intensities",
            where=str(path),
            todo="Put energies and intensities into columns with their names above them",
        )
    spectra = [_named(s, sheet) if len(loaded) > 1 else s for sheet, found in loaded for s in found]
    left_out = [sheet.name for sheet in book if sheet.rows and all(sheet is not other for other, _ in loaded)]
    if left_out:
        note = ("sheets not loaded", ", ".join(left_out)[: instrument.MAX_NOTE])
        spectra = [s.with_(meta=replace(s.meta, extra=(*s.meta.extra, note))) for s in spectra]
    return instrument.numbered(spectra)


def _named(spectrum: Spectrum, sheet: Sheet) -> Spectrum:
    """The spectrum with the name of its sheet before that of its column."""
    if sheet.name in spectrum.name:
        return spectrum
    name = f"{sheet.name}: {spectrum.name}"
    return spectrum.with_(meta=replace(spectrum.meta, title=name, region=name))


def _columns(sheet: Sheet, path: Path, options: ReadOptions) -> list[Spectrum]:
    """The spectra of a sheet of columns; none where it holds no rows of numbers."""
    rows = [row for row in sheet.rows.values() if sum(isinstance(cell, float) for cell in row.values()) > 1]
    if len(rows) < 2:
        return []
    first = min(min(row) for row in rows)
    lines = [_line(sheet.rows.get(number, {}), first) for number in range(1, max(sheet.rows) + 1)]
    where = f"{path}, sheet '{sheet.name[:60]}'"
    if sum(map(len, lines)) > _MAX_TEXT:
        raise BadFile("The sheet is too large", where=where, todo="Export its spectra as text")
    title = sheet.name if len(sheet.name) > 1 else path.stem
    head = next((line for line in lines if line.strip()), "")
    if profile_text.is_profile(head):
        found = [profile_text.profile_of("\n".join(lines), path, where, title)]
    else:
        found = columns.tables_of("\n".join(lines), path, where, title, options)
    return [s.with_(meta=replace(s.meta, file_format=FORMAT)) for s in found]


def _line(row: dict[int, Cell], first: int) -> str:
    """A row as text, its cells parted by tabs; what stands left of the tables is a remark."""
    if not row:
        return ""
    start = first if min(row) >= first else min(row)
    return "\t".join(_word(row.get(column, "")) for column in range(start, max(row) + 1))


def _word(cell: Cell) -> str:
    if isinstance(cell, float):
        return repr(cell)
    return " ".join(cell.strip("\ufeff").replace('"', "'").split())


READER = Reader(
    name="xlsx",
    title="Excel workbook",
    suffixes=(".xlsx", ".xlsm"),
    description="Sheets of columns as in column text; exports of Thermo Avantage with components and background",
    sniff=sniff,
    read=read,
)
