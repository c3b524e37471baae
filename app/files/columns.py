"""Column text (csv, txt, dat, xy, tsv): each column of intensities becomes one Spectrum.

Decisions
---------
What the first column is must be said: by its name ("Binding energy (eV)", "BE/eV", "K.E."), by a header line ("Energy
Axis: Binding Energy"), or by the user (`ReadOptions.axis`). Where nobody says it, falling energies are binding energies
(that is how XPS programs write them), and the spectrum carries the note "assumed"; rising ones are refused, because
they are as often kinetic energies or losses. A first column with any other name ("m/z", "Sputter time") is refused.

Intensities whose unit is not stated are "arbitrary"; their noise is taken as proportional to the signal with an
unknown factor, since electrons were counted at some time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from app.files.columns_names import (
    Column,
    axis_from_keys,
    column_titles,
    intensity_unit,
    key_values,
    leaves_open,
    letters,
)
from app.files.columns_text import Scheme, Table, find_scheme, is_comment, parse, split_lines
from app.files.contents import HEAD, read_bytes, read_text
from app.files.format import AxisUnknown, Reader, ReadOptions
from app.files.vamas import binding, check_energies
from app.files.vamas_meta import whole_events
from fitting.dataset import Axis, FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "columns"
_PHOTON = ("excitation energy", "photon energy", "hv", "hv ev", "characteristic energy", "source energy", "hnu")
_GENERIC = {"", "intensity", "counts", "count", "cps", "y", "signal", "countss", "int", "intensitaet", "data"}
# Header keys of exports, and the field of Meta that they fill.
_NUMBERS = {
    "pass energy": "pass_energy",
    "dwell time": "dwell_time",
    "number of scans": "sweeps",
    "number of sweeps": "sweeps",
    "sweeps": "sweeps",
    "eff. workfunction": "work_function",
    "work function": "work_function",
    "emission angle": "emission_angle",
}
_TEXTS = {
    "region": "region",
    "region name": "region",
    "sample": "sample",
    "group": "sample",
    "acquisition date": "date",
    "date": "date",
    "analyzer": "instrument",
    "instrument": "instrument",
    "source": "source",
    "operator": "operator",
    "user": "operator",
    "scan mode": "analyser_mode",
}
_ISO_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_TECHNIQUE = {"binding_energy": "xps", "kinetic_energy": "xps", "energy_loss": "eels"}


def sniff(head: bytes, path: Path) -> float:
    """0.7 for text in which rows of numbers outweigh other lines once they have begun."""
    if b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return 0.0
    cut = len(head) >= HEAD
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        head = head[: len(head) // 2 * 2]
    try:
        text = read_text(path, head).lstrip()
    except BadFile:
        return 0.0
    if text.startswith(("<", "{", "%PDF")):
        return 0.0
    lines = split_lines(text)
    # The last line may be cut in the middle.
    lines = [line.strip() for line in (lines[:-1] if cut else lines) if line.strip()]
    scheme = find_scheme(lines)
    if scheme is None:
        return 0.0
    rows = [scheme.is_row(line) for line in lines]
    later = lines[rows.index(True) :]
    others = sum(not scheme.is_row(line) and not is_comment(line, scheme) for line in later)
    return 0.7 if 2 * others <= sum(rows) else 0.0


@dataclass(frozen=True)
class _Source:
    """Where a table stands: for messages, names and Meta."""

    path: Path
    where: str
    title: str
    pairs: tuple[tuple[str, str], ...]
    options: ReadOptions


def read(path: Path, options: ReadOptions = ReadOptions()) -> list[Spectrum]:  # noqa: B008 - frozen, never altered
    """All spectra of a column text.

    Parameters
    ----------
    options : ReadOptions
        `axis` says what the energies are, `photon_energy` turns kinetic into binding energies; the file wins where it
        says so itself.

    Raises
    ------
    AxisUnknown
        If neither file nor options say which energy the first column holds.
    BadFile
        With the line, where a cell is empty or no number, or two rows have the same energy.
    """
    return tables_of(read_text(path, read_bytes(path)), path, str(path), path.stem, options)


def tables_of(text: str, path: Path, whole: str, title: str, options: ReadOptions) -> list[Spectrum]:
    """All spectra of a text of columns, or of a sheet as such a text.

    Parameters
    ----------
    whole : str
        File and sheet, for messages.
    title : str
        Name of a spectrum that no header names.
    """
    scheme, tables = parse(text, whole)
    spectra: list[Spectrum] = []
    shared = tables[0].header
    for number, table in enumerate(tables):
        where = whole if len(tables) == 1 else f"{whole}, table {number + 1}"
        # The header of the file holds for all its tables; what a table says itself comes later and wins.
        header = table.header if number == 0 else (*shared, *table.header)
        source = _Source(path, where, title, tuple(dict(key_values(header)).items()), options)
        for spectrum in _spectra(table, header, scheme, source):
            meta = replace(spectrum.meta, index=len(spectra), comments=(*table.header, *table.footer))
            spectra.append(spectrum.with_(meta=meta))
    return spectra


def _spectra(table: Table, header: Sequence[str], scheme: Scheme, source: _Source) -> list[Spectrum]:
    titles = column_titles(table.header, scheme, table.columns) or column_titles(header, scheme, table.columns)
    columns = titles or [Column("", "", "axis")] + [Column("", "", "intensity")] * (table.rows.shape[1] - 1)
    axes = [i for i, column in enumerate(columns) if column.role == "axis"]
    if not axes:
        # A column of point numbers may stand first; the next one is then the axis.
        axes = [next((i for i, column in enumerate(columns) if column.role != "counter"), 0)]
    spectra: list[Spectrum] = []
    for position, start in enumerate(axes):
        end = axes[position + 1] if position + 1 < len(axes) else len(columns)
        rest = range(start + 1, end)
        transmission = next((i for i in rest if columns[i].role == "transmission"), None)
        wanted = [i for i in rest if columns[i].role == "intensity"]
        if not wanted and (position or len(axes) == 1):
            continue
        axis, order, notes = _axis(table, columns[start], start, source)
        curve = _transmission(table, transmission, order, notes)
        for i in wanted:
            part = table.rows[order, i]
            meta = _meta(columns[i], len(wanted) > 1 or len(axes) > 1, axis, source, notes)
            spectra.append(_spectrum(axis, part, meta, curve, source))
    if not spectra:
        raise BadFile("The text holds no column of intensities", where=source.where, todo="Add one beside the energies")
    return spectra


def _spectrum(axis: Axis, counts: FloatArray, meta: Meta, curve: FloatArray | None, source: _Source) -> Spectrum:
    try:
        return Spectrum(axis, counts, _noise(counts, meta), meta, curve)
    except BadData as error:
        raise BadFile(error.what, where=source.where, todo="Check the numbers") from error


def _quantity(column: Column, values: FloatArray, source: _Source) -> tuple[Quantity, list[tuple[str, str]]]:
    """What the axis is, and a note where nobody said it."""
    if column.quantity is not None:
        return column.quantity, []
    stated = axis_from_keys(source.pairs)
    if stated is not None:
        return stated, []
    if source.options.axis is not None:
        return source.options.axis, [("axis", f"{source.options.axis.replace('_', ' ')}, chosen when opening")]
    if not leaves_open(column.name):
        raise AxisUnknown(
            f"The first column is called '{column.name[:40]}', which is no energy that is known",
            where=source.where,
            todo="Name it 'Binding energy (eV)', 'Kinetic energy (eV)' or 'Energy loss (eV)', or choose when opening",
        )
    if len(values) > 1 and np.all(np.diff(values) < 0):
        return "binding_energy", [("axis", "assumed: binding energy; the file does not say")]
    raise AxisUnknown(
        "The file does not say whether its energies are binding or kinetic energies",
        where=source.where,
        todo="Name the first column 'Binding energy (eV)', 'Kinetic energy (eV)' or 'Energy loss (eV)', or choose the "
        "axis when opening",
    )


def _axis(table: Table, column: Column, place: int, source: _Source) -> tuple[Axis, np.ndarray, list[tuple[str, str]]]:
    """Ascending axis, the order in which rows lie on it, and notes."""
    values = table.rows[:, place]
    check_energies(values, source.where)
    quantity, notes = _quantity(column, values, source)
    if column.unit.lower() in ("kev", "mev") and column.unit != "MeV":
        raise BadFile(f"Energies in {column.unit} are not read", where=source.where, todo="Give energies in eV")
    photon = _photon_energy(source)
    if quantity == "kinetic_energy" and photon is not None:
        values, quantity = binding(values, photon), "binding_energy"
        notes.append(("abscissa", "kinetic energy"))
    order = np.argsort(values, kind="stable")
    steps = np.diff(values[order])
    if np.any(steps <= 0):
        row = int(order[int(np.argmax(steps <= 0)) + 1])
        raise BadFile(
            f"Two rows have the energy {table.rows[row, place]:g}",
            where=f"{source.where}, line {table.lines[row]}",
            todo="Delete one of them; a decimal comma beside commas between cells also looks like this",
        )
    if len(values) > 2 and not (np.all(np.diff(values) > 0) or np.all(np.diff(values) < 0)):
        notes.append(("axis order", "the rows of the file were not in order; sorted"))
    return Axis(values[order], quantity, "eV"), order, notes


def _transmission(
    table: Table, column: int | None, order: np.ndarray, notes: list[tuple[str, str]]
) -> FloatArray | None:
    if column is None:
        return None
    curve = table.rows[order, column]
    if np.any(curve <= 0):
        notes.append(("transmission", "not used: it holds numbers that are not above zero"))
        return None
    return curve


def _photon_energy(source: _Source) -> float | None:
    value = None
    for key, text in source.pairs:
        if key.split("(")[0].strip() in _PHOTON:
            value = _first_number(text) or value
    return value if value and 0 < value < 1e6 else source.options.photon_energy


def _first_number(text: str) -> float | None:
    words = text.replace("eV", " ").split()
    value = Scheme("", "." if "." in text else ",").value(words[0]) if words else None
    return value if value is not None and value != 0 else None


def _meta(column: Column, several: bool, axis: Axis, source: _Source, notes: list[tuple[str, str]]) -> Meta:
    values: dict[str, object] = {}
    separate = False
    notes = list(notes)
    for key, text in source.pairs:
        if key in _NUMBERS and _first_number(text) is not None:
            values[_NUMBERS[key]] = _first_number(text)
        elif key in _TEXTS and _TEXTS[key] == "date" and not _ISO_DATE.match(text):
            # 08/09/23 is August or September; only the user can know.
            notes.append((key, text))
        elif key in _TEXTS:
            values[_TEXTS[key]] = text
        separate = separate or (key == "separate scan data" and text.lower() == "yes")
    if separate:
        # Each table is then one scan, whatever the number of scans of the measurement.
        values["sweeps"] = 1.0
    name = column.name if letters(column.name) not in _GENERIC or several else ""
    values["region"] = name or values.get("region") or source.title
    unit = intensity_unit(column.label) or _unit_from_keys(source)
    if unit is None:
        notes.append(("intensity unit", "the file does not say"))
    return Meta(
        **values,  # type: ignore[arg-type]
        title=str(values["region"]),
        technique=_TECHNIQUE.get(axis.quantity, "other"),  # type: ignore[arg-type]
        photon_energy=_photon_energy(source),
        intensity_unit=unit or "arbitrary",
        file=str(source.path),
        file_format=FORMAT,
        extra=tuple(notes),
    )


def _unit_from_keys(source: _Source) -> str | None:
    for key, text in source.pairs:
        if key in ("count rate", "intensity", "intensity unit", "y unit", "yunits"):
            return intensity_unit(text)
    return None


def _noise(counts: FloatArray, meta: Meta) -> Noise:
    if not counts.size or counts.min() < 0:
        return Noise("unknown")
    if meta.intensity_unit == "arbitrary":
        stated = not any(key == "intensity unit" for key, _ in meta.extra)
        return Noise("unknown") if stated else Noise("poisson", None, origin="estimated")
    live = meta.live_time or 0.0
    gain = 1.0 if meta.intensity_unit == "counts" else 1.0 / live if live > 1e-12 else 0.0
    return Noise("poisson", gain if whole_events(counts, gain) else None)


READER = Reader(
    name="columns",
    title="Column text",
    suffixes=(".csv", ".txt", ".dat", ".xy", ".tsv", ".asc"),
    description="Columns of numbers: energy, then one or more intensities, with or without header lines",
    sniff=sniff,
    read=read,
)
