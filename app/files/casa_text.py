"""Text exports of CasaXPS ("Save Tab Delimited"): each block becomes a Spectrum and the curves that were fitted to it.

    Cycle 0:FeO:Fe2p                                               name: group : region
      Characteristic Energy eV  1486.61  Acquisition Time s  2.0
    Name, Position, FWHM, Area, Lineshape                          one column a component, at its place below
    K.E.  Counts  Fe 2p ... Background  Envelope   (blank)   B.E.  CPS  Fe 2p ... Background CPS  Envelope CPS
    rows of numbers

Decisions
---------
Counts and counts/s are the same data twice: the counts are read, on the axis of binding energies as written. The
acquisition time counts all sweeps of a point. Components stand in the file with the background below them and stay so.
Background, components and envelope follow their spectrum as spectra of their own, so that CasaXPS's fit can be laid
over ours; they carry the note ("curve", ...) and no noise. Position, width, area and shape of a component are kept with
its curve. A file whose two halves contradict each other is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED
from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "CasaXPS text"
_SECOND = re.compile(r"^\tCharacteristic Energy eV\t(?P<energy>[^\t]*)\tAcquisition Time s\t(?P<time>[^\t]*)\t*$")
_LABELS = ("Name", "Position", "FWHM", "Area", "Lineshape")
_LINE = re.compile(r"^(?P<element>[A-Z][a-z]?)\s*(?P<shell>\d[spdf](?:\d/\d)?)$")
# Digits that the export prints (1.251690e+004).
_PRINTED = 2e-6


def sniff(head: bytes, path: Path) -> float:
    """1 for a text whose second line gives characteristic energy and acquisition time as CasaXPS writes them."""
    del path
    lines = split_lines(instrument.text_of(head[:8192]))
    return 1.0 if len(lines) > 2 and _SECOND.match(lines[1].rstrip(" ")) else 0.0


@dataclass
class _Block:
    """One block: its name, energy and time, the rows of names above the columns, the columns."""

    name: str
    line: int
    energy: str
    time: str
    labels: dict[str, list[str]] = field(default_factory=dict)
    titles: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All blocks of an export (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        Naming block and line, where the columns are not as CasaXPS writes them.
    """
    del options
    spectra: list[Spectrum] = []
    for block in _blocks(read_text(path, read_bytes(path)), str(path)):
        where = f"{path}, block '{block.name[:60]}', line {block.line}"
        try:
            spectra += _spectra(block, path, where)
        except BadData as error:
            raise BadFile(error.what, where=where, todo=DAMAGED) from error
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo="Export it again with its data")
    return instrument.numbered(spectra)


def _blocks(text: str, where: str) -> list[_Block]:
    lines = split_lines(text)
    blocks: list[_Block] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.rstrip(" \r")
        second = _SECOND.match(lines[number].rstrip(" \r")) if number < len(lines) else None
        if second:
            blocks.append(_Block(line.strip("\ufeff\t "), number, second["energy"], second["time"]))
            continue
        if not line.strip() or _SECOND.match(line):
            continue
        if not blocks:
            raise BadFile("Text stands before the first block", where=f"{where}, line {number}", todo=DAMAGED)
        block, cells = blocks[-1], [cell.strip() for cell in line.split("\t")]
        if block.titles:
            block.rows.append(cells)
        elif cells[0] in _LABELS:
            block.labels[cells[0]] = cells[1:]
        elif cells[0] in ("K.E.", "B.E."):
            block.titles = cells
        else:
            what = f"'{line.strip()[:40]}' stands where the titles of the columns should be"
            raise BadFile(what, where=f"{where}, line {number}", todo=DAMAGED)
    return blocks


@dataclass(frozen=True)
class _Half:
    """The columns of one energy scale: places of energies, intensities and curves."""

    energy: int
    intensity: int
    curves: tuple[tuple[str, int], ...]


def _half(titles: Sequence[str], energy: str, intensity: str) -> _Half | None:
    """The columns from an energy to the next blank title."""
    if energy not in titles:
        return None
    start = list(titles).index(energy)
    end = start
    while end < len(titles) and titles[end]:
        end += 1
    if end < start + 2 or titles[start + 1] != intensity:
        return None
    return _Half(start, start + 1, tuple((titles[i], i) for i in range(start + 2, end)))


def _spectra(block: _Block, path: Path, where: str) -> list[Spectrum]:
    kinetic, binding = _half(block.titles, "K.E.", "Counts"), _half(block.titles, "B.E.", "CPS")
    if kinetic is None and binding is None:
        raise BadFile("There are no columns K.E., Counts or B.E., CPS", where=where, todo=DAMAGED)
    grid = _grid(block, where)
    photon, time = instrument.photon_energy(block.energy), instrument.positive(block.time)
    notes: instrument.Pairs = []
    if kinetic is not None and binding is not None:
        notes += _compared(grid, kinetic, binding, photon, time, where)
    half = kinetic or binding
    assert half is not None
    if binding is not None:
        axis, order, more = instrument.energy_axis(grid[:, binding.energy], "binding_energy", where)
    else:
        axis, order, more = instrument.energy_axis(grid[:, half.energy], "kinetic_energy", where, photon)
    meta = _meta(block, "counts" if kinetic is not None else "counts/s", photon, time, [*notes, *more], path)
    counts = grid[order, half.intensity]
    found = [Spectrum(axis, counts, instrument.noise(counts, meta.intensity_unit, time), meta)]
    for place, (title, column) in enumerate(half.curves):
        found.append(_curve(axis, grid[order, column], meta, title, _fitted(block, place)))
    return found


def _grid(block: _Block, where: str) -> FloatArray:
    """The rows as numbers, shape (points, titles); columns without title are 0."""
    used = [place for place, title in enumerate(block.titles) if title]
    words = []
    for number, cells in enumerate(block.rows, start=1):
        if len(cells) <= used[-1] or any(cells[used[-1] + 1 :]):
            raise BadFile(f"Row {number} does not hold a number for each column", where=where, todo=DAMAGED)
        words += [cells[place] for place in used]
    if not block.rows:
        raise BadFile("The block holds no rows", where=where, todo="Export it again with its data")
    grid = np.zeros((len(block.rows), len(block.titles)))
    grid[:, used] = instrument.numbers(words, "a value", where).reshape(len(block.rows), -1)
    return grid


def _compared(
    grid: FloatArray, kinetic: _Half, binding: _Half, photon: float | None, time: float | None, where: str
) -> instrument.Pairs:
    """Refuse halves that are not the same data; a note of the shift by which the binding energies were calibrated."""
    if time is not None:
        counts, again = grid[:, kinetic.intensity], grid[:, binding.intensity] * time
        if not np.all(np.abs(counts - again) <= _PRINTED * np.maximum(np.abs(counts), np.abs(again)) + 1e-9):
            raise BadFile("Counts and counts per second contradict each other", where=where, todo=DAMAGED)
    if photon is None:
        return []
    shift = grid[:, binding.energy] - (photon - grid[:, kinetic.energy])
    slack = 2 * _PRINTED * float(np.max(np.abs(grid[:, (kinetic.energy, binding.energy)]), initial=1.0))
    if np.ptp(shift) > 2 * slack:
        raise BadFile("Kinetic and binding energies contradict each other", where=where, todo=DAMAGED)
    middle = float(np.median(shift))
    return [("CasaXPS calibration", f"{middle:+.4g} eV, contained in this axis")] if abs(middle) > slack else []


def _meta(
    block: _Block,
    unit: instrument.Unit,
    photon: float | None,
    time: float | None,
    notes: instrument.Pairs,
    path: Path,
) -> Meta:
    parts = block.name.split(":")
    cycle, sample, region = (parts[0], parts[1], ":".join(parts[2:])) if len(parts) > 2 else ("", "", block.name)
    found = _LINE.match(region.strip())
    return Meta(
        title=block.name,
        technique="xps",
        sample=sample.strip(),
        region=region.strip() or block.name,
        element=found["element"] if found else "",
        transition=found["shell"] if found else "",
        photon_energy=photon,
        dwell_time=time,
        sweeps=1.0 if time is not None else None,
        intensity_unit=unit,
        file=str(path),
        file_format=FORMAT,
        extra=instrument.notes([("cycle", cycle), ("acquisition time", "of all sweeps together"), *notes]),
    )


def _fitted(block: _Block, place: int) -> instrument.Pairs:
    """What the rows above say of the component in that place; nothing of background and envelope."""
    # One empty cell stands above the intensities.
    pairs = [(label.lower(), cells[place + 1]) for label, cells in block.labels.items() if place + 1 < len(cells)]
    return [pair for pair in pairs if pair[1] and pair[0] != "name"]


def _curve(axis: Axis, values: FloatArray, meta: Meta, title: str, fitted: instrument.Pairs) -> Spectrum:
    kind = title.removesuffix(" CPS")
    said = kind.lower() if kind in ("Background", "Envelope") else f"component {kind} on its background"
    told = instrument.notes([("curve", f"{said} of CasaXPS"), *fitted])
    # Components of one line often share their name.
    position = dict(fitted).get("position", "")
    name = f"{meta.region}: {kind} {position} eV" if position else f"{meta.region}: {kind}"
    return Spectrum(axis, values, Noise("unknown"), replace(meta, title=name, region=name, extra=(*meta.extra, *told)))


READER = Reader(
    name="casa_text",
    title="CasaXPS text export",
    suffixes=(".txt",),
    description="Blocks of CasaXPS with background, components and envelope, which follow as spectra of their own",
    sniff=sniff,
    read=read,
)
