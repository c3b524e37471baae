"""Text of SPECS (SpecsLab Prodigy, "XY" export): each region becomes one Spectrum.

    # Region: ...  # Key: value ...      what holds for the region
    # Cycle: 0                           # Number of Scans: 2
    # Cycle: 0, Curve: 0, Scan: 0        # ColumnLabels: energy counts/s    rows of numbers

Decisions
---------
Scans of a region that stand apart are averaged (rates) or added (counts), and follow one by one as a series; cycles
become a series. Dates are month/day/year: one survey exported in VAMAS and here shows it. Tables that belong to other
devices (external channels) are left out and named. Binding energies stand as written (see `app.files.vamas_meta`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs, positive
from fitting.dataset import Axis, FloatArray, Meta, Quantity, Spectrum, Technique
from libraries.errors import BadData, BadFile

FORMAT = "SPECS XY"
_KEY = re.compile(r"^(?P<key>[A-Za-z][^:]{0,60}?)\s*:\s*(?P<value>.*)$")
_TABLE = re.compile(
    r"^Cycle:\s*(?P<cycle>\d{1,9})(?:\s*,\s*Curve:\s*(?P<curve>\d{1,9}))?"
    r"(?:\s*,\s*(?P<kind>Scan|Channel):\s*(?P<number>\d{1,9}))?\s*$"
)
_EXTERNAL = re.compile(r"^External Channel Data Cycle:\s*\d+\s*,\s*(?P<name>.*)$")
_PARAMETER = re.compile(r'^Parameter:\s*"(?P<name>[^"]*)"\s*=\s*(?P<value>.*)$')
_DATES = ("%m/%d/%y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%Y-%m-%d %H:%M:%S")
_AXES: dict[str, Quantity] = {"binding energy": "binding_energy", "kinetic energy": "kinetic_energy"}
_UNITS = {"counts per second": "counts/s", "counts": "counts", "counts/s": "counts/s", "cps": "counts/s"}
# Keys with a place of their own in Meta; the others of a region go into Meta.extra.
_PLACED = {
    "group", "region", "acquisition date", "analyzer", "scan mode", "values/curve", "dwell time", "excitation energy",
    "pass energy", "eff. workfunction", "source", "number of scans", "columnlabels",
}  # fmt: skip
_TECHNIQUES: dict[str, Technique] = {"XPS": "xps", "UPS": "xps"}


def sniff(head: bytes, path: Path) -> float:
    """1 for a text whose first lines say that SPECS's XY serializer wrote it."""
    del path
    start = instrument.text_of(head[:4096]).lstrip()
    first = start.partition("\n")[0]
    named = "Created by:" in first and "SpecsLab" in first
    return 1.0 if start.startswith("#") and (named or "XY-Serializer Export Settings" in start) else 0.0


@dataclass
class _Table:
    cycle: int
    curve: int
    kind: str
    number: int
    line: int
    labels: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


@dataclass
class _Region:
    group: str
    values: dict[str, str]
    line: int
    header: list[str]
    shared: dict[str, str]
    tables: list[_Table] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    parameters: dict[str, list[str]] = field(default_factory=dict)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All regions of a text of SPECS (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        Naming region and line, where a table is not as its header says.
    """
    del options
    settings, regions = _parse(read_text(path, read_bytes(path)), str(path))
    spectra: list[Spectrum] = []
    for region in regions:
        where = f"{path}, region '{region.values.get('region', '')[:60]}', line {region.line}"
        curves = sorted({table.curve for table in region.tables})
        for curve in curves:
            tables = [table for table in region.tables if table.curve == curve]
            try:
                spectra += _spectra(region, tables, settings, path, where, len(curves) > 1)
            except BadData as error:
                raise BadFile(error.what, where=where, todo=DAMAGED) from error
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo="Export it again with its data")
    return instrument.numbered(spectra)


def _parse(text: str, where: str) -> tuple[dict[str, str], list[_Region]]:
    """Settings of the export and the regions with their tables."""
    settings: dict[str, str] = {}
    shared: dict[str, str] = {}
    regions: list[_Region] = []
    table: _Table | None = None
    place = settings
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        line = raw.strip("\ufeff \t")
        if not line:
            continue
        if not line.startswith("#"):
            if table is None:
                raise BadFile("Numbers stand where a header should be", where=f"{where}, line {number}", todo=DAMAGED)
            table.rows.append(line.split())
            continue
        plain = line[1:].strip()
        found = _KEY.match(plain)
        key, value = (found["key"].lower(), found["value"].strip()) if found else ("", "")
        if key == "group":
            # What a group says holds for its regions unless they say it themselves.
            shared, table = {"group": value}, None
            place = shared
        elif key == "region":
            regions.append(_Region(shared.get("group", ""), {"region": value}, number, [line], dict(shared)))
            place, table = regions[-1].values, None
        elif key == "cycle" or _EXTERNAL.match(plain):
            table = _opened(plain, regions, number, where)
        elif key == "columnlabels" and table is not None:
            table.labels = value.lower().split()
        elif key == "parameter" and regions:
            _parameter(plain, regions[-1])
        elif found and table is None:
            place.setdefault(key, value)
            if regions and place is regions[-1].values:
                regions[-1].header.append(line)
    for region in regions:
        region.values = {**region.shared, **region.values}
    return settings, regions


def _opened(plain: str, regions: list[_Region], line: int, where: str) -> _Table | None:
    """The table that a line opens; None where only its cycle begins. Tables of other devices are left out."""
    if not regions:
        raise BadFile("A cycle begins before its region", where=f"{where}, line {line}", todo=DAMAGED)
    external, found = _EXTERNAL.match(plain), _TABLE.match(plain)
    if external:
        regions[-1].left_out.append(external["name"])
        return _Table(0, 0, "", 0, line)
    if found is None:
        raise BadFile(f"'{plain[:60]}' opens no table that is known", where=f"{where}, line {line}", todo=DAMAGED)
    if found["curve"] is None and found["kind"] is None:
        return None
    table = _Table(int(found["cycle"]), int(found["curve"] or 0), found["kind"] or "", int(found["number"] or 0), line)
    regions[-1].tables.append(table)
    return table


def _parameter(plain: str, region: _Region) -> None:
    """A parameter of a cycle, its values in their order."""
    found = _PARAMETER.match(plain)
    if found:
        region.parameters.setdefault(found["name"], []).append(found["value"].strip())


def _spectra(
    region: _Region, tables: list[_Table], settings: dict[str, str], path: Path, where: str, several: bool
) -> list[Spectrum]:
    """The spectra of one curve of a region: the mean or sum of its scans, and the scans where there are several."""
    grids = [_numbers(table, region, path) for table in tables]
    energies, first = grids[0][:, 0], tables[0]
    for table, grid in zip(tables, grids, strict=True):
        if not np.array_equal(grid[:, 0], energies) or table.labels != first.labels:
            at = f"{path}, line {table.line}"
            raise BadFile("Scans of one region have different energies", where=at, todo="Export them as separate files")
    if any(table.kind == "Channel" and table.number > 0 for table in tables):
        raise BadFile(
            "The file holds the channels of the detector apart",
            where=where,
            todo="Export it again with 'Separate Channel Data: no'",
        )
    meta = _meta(region, settings, first.labels, path, where, f" curve {first.curve + 1}" if several else "")
    axis, order, notes = _axis(energies, settings, meta, where)
    cycles = sorted({table.cycle for table in tables})
    scans = [[g[order, 1] for t, g in zip(tables, grids, strict=True) if t.cycle == cycle] for cycle in cycles]
    if len({len(cycle) for cycle in scans}) > 1:
        raise BadFile(
            "The cycles of the region have different numbers of scans",
            where=where,
            todo="Export the last, unfinished cycle as a file of its own",
        )
    transmission, more = _transmission(first.labels, grids[0], order)
    notes += more
    announced = positive(region.values.get("number of scans", ""))
    apart = first.kind == "Scan"
    if apart and announced is not None and announced != len(scans[0]):
        notes.append(("scans", f"{len(scans[0])} of {announced:g} that the file announces"))
    navigation = Axis(np.array(cycles, dtype=float), "index", "") if len(cycles) > 1 else None
    if navigation is not None:
        notes.append(("series", "cycles"))
    described = replace(meta, extra=(*meta.extra, *notes))
    # A table without the number of a scan stands for all scans of its cycle.
    each = 1.0 if apart else announced or 1.0
    return instrument.swept(axis, np.array(scans), described, navigation, transmission, each)


def _numbers(table: _Table, region: _Region, path: Path) -> FloatArray:
    """The rows of a table, shape (points, columns), checked against what its header announces."""
    where = f"{path}, table at line {table.line}"
    if not table.labels or table.labels[0] != "energy" or len(table.labels) < 2:
        raise BadFile("The table does not say that energies and intensities are its columns", where=where, todo=DAMAGED)
    width = len(table.labels)
    for place, row in enumerate(table.rows):
        if len(row) != width:
            what = f"Row {place + 1} holds {len(row)} numbers, not {width}"
            raise BadFile(what, where=where, todo="Export the file with one intensity for each energy")
    announced = region.values.get("values/curve")
    if announced is not None and instrument.whole(announced, "The number of values", where) != len(table.rows):
        raise BadFile(f"{announced} values are announced but {len(table.rows)} are there", where=where, todo=DAMAGED)
    if not table.rows:
        raise BadFile("The table holds no rows", where=where, todo=DAMAGED)
    words = [word for row in table.rows for word in row]
    return instrument.numbers(words, "a value", where).reshape(-1, width)


def _axis(energies: FloatArray, settings: dict[str, str], meta: Meta, where: str) -> tuple[Axis, slice, Pairs]:
    stated = settings.get("energy axis", "").lower()
    if stated not in _AXES:
        raise BadFile(
            f"The energy axis '{stated[:40]}' is not known",
            where=where,
            todo="Export it again with binding or kinetic energies",
        )
    return instrument.energy_axis(energies, _AXES[stated], where, meta.photon_energy)


def _transmission(labels: list[str], grid: FloatArray, order: slice) -> tuple[FloatArray | None, Pairs]:
    """The transmission function where a column holds it, and the columns that are not used."""
    curve, notes = None, []
    for place, label in enumerate(labels[2:], start=2):
        if "transmission" in label and curve is None and np.all(grid[:, place] > 0):
            curve = grid[order, place]
            notes.append(("transmission", label))
        else:
            notes.append(("column not loaded", label))
    return curve, notes


def _meta(region: _Region, settings: dict[str, str], labels: list[str], path: Path, where: str, curve: str) -> Meta:
    values = region.values
    unit = _UNITS.get(labels[1]) or _UNITS.get(settings.get("count rate", "").lower())
    if unit is None:
        raise BadFile(f"The unit of intensities '{labels[1][:40]}' is not known", where=where, todo=DAMAGED)
    method = values.get("analysis method", "XPS").upper()
    technique = _TECHNIQUES.get(method, "other")
    taken = values.get("acquisition date", "")
    when = instrument.date(taken, *_DATES)
    pairs = [(key, value) for key, value in values.items() if key not in _PLACED]
    pairs += [("acquisition date", taken if not when else "")]
    pairs += [("parameter:" + name, ", ".join(given)) for name, given in region.parameters.items()]
    pairs += [("table not loaded", text) for text in dict.fromkeys(region.left_out)]
    name = values["region"] + curve
    return Meta(
        title=name,
        technique=technique,
        sample=region.group,
        region=name,
        photon_energy=instrument.photon_energy(values.get("excitation energy", "")) if technique == "xps" else None,
        source=values.get("source", ""),
        work_function=positive(values.get("eff. workfunction", "")),
        pass_energy=positive(values.get("pass energy", "")),
        dwell_time=positive(values.get("dwell time", "")),
        analyser_mode=values.get("scan mode", ""),
        intensity_unit=unit,  # type: ignore[arg-type]
        instrument=values.get("analyzer", ""),
        date=when,
        file=str(path),
        file_format=FORMAT,
        comments=tuple(region.header),
        extra=instrument.notes(pairs),
    )


READER = Reader(
    name="specs_xy",
    title="SPECS XY text",
    suffixes=(".xy",),
    description="Regions of SpecsLab Prodigy with their scans and cycles, transmission function where it was exported",
    sniff=sniff,
    read=read,
)
