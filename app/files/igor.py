"""Igor binary waves (.ibw) of Scienta analysers: one wave is one Spectrum, a series where it has two dimensions.

Only waves of version 2 and 5 with real numbers are read. Each number of the header that says how much follows is held
against the size of the file and against the header's checksum before anything is done with it.

    version 5   64 bytes of sizes, 320 bytes of header (with dimensions, scales and units), numbers, formula, note,
                unit of the data, units of the dimensions, labels
    version 2   16 bytes of sizes, 110 bytes of header, numbers, 16 bytes, note

References
----------
WaveMetrics, Technical Note 003: Igor Binary Format (layout of the headers).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from app.files import instrument, scienta
from app.files.contents import read_bytes
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED
from fitting.dataset import FloatArray, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "Igor wave"
# Sizes: version, checksum, wave, formula, note, data unit, 4 dimension units, 4 dimension labels, 3 others.
_SIZES_5 = "2h 15i"
# Header: link, dates, points, type, lock, pad, version, name, pad, folder, dimensions, steps, starts, short units.
_WAVE_5 = "3I i 2h 6x h 32s 2i 4i 4d 4d 4s 16s"
_SIZE_5, _LENGTH_5 = 64, 320
# Version 2 in the same order as far as it has them; its numbers follow each other without gaps.
_SIZES_2 = "h 3i h"
_WAVE_2 = "h i 20s 2h i 4s 4s i h 2d"
_SIZE_2, _LENGTH_2, _PAD_2 = 16, 110, 16
_TYPES = {2: "f4", 4: "f8", 8: "i1", 16: "i2", 32: "i4", 72: "u1", 80: "u2", 96: "u4"}
_LAST_SETTING = "[Run Mode Information"


def sniff(head: bytes, path: Path) -> float:
    """1 for the header of an Igor wave whose checksum is right."""
    del path
    order = _order(head)
    return 1.0 if order else 0.0


@dataclass(frozen=True)
class _Wave:
    """A wave: `data` of shape dims, scales and units of its dimensions, its note."""

    name: str
    data: FloatArray
    starts: tuple[float, ...]
    steps: tuple[float, ...]
    units: tuple[str, ...]
    unit: str
    note: str


def _order(head: bytes) -> str:
    """The byte order of the header, "" where it is none: version known and its words add up to zero."""
    lengths = {5: _SIZE_5 + _LENGTH_5, 2: _SIZE_2 + _LENGTH_2}
    for order in "<>":
        version = struct.unpack_from(f"{order}h", head)[0] if len(head) > 1 else 0
        length = lengths.get(version, 0)
        if length and len(head) >= length:
            total = int(np.frombuffer(head[:length], f"{order}i2").sum(dtype=np.int64))
            if total % 65536 == 0:
                return order
    return ""


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The spectrum of an Igor wave.

    Parameters
    ----------
    options : ReadOptions
        What the energies are and the photon energy, for a wave that does not say it.

    Raises
    ------
    AxisUnknown
        If neither wave nor options say which energy the first dimension is.
    BadFile
        If the wave is damaged, complex, text, or has more than two dimensions.
    """
    wave = _parse(read_bytes(path), str(path))
    lines = wave.note.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    last = next((i for i, line in enumerate(lines) if line.startswith(_LAST_SETTING)), len(lines))
    values = scienta.settings(lines[:last])
    given = options or ReadOptions()
    energies = _values(wave, 0)
    axes = [(wave.units[1], _values(wave, 1))] if wave.data.ndim == 2 else []
    name = values.get("region name") or wave.name
    comments = tuple(line for line in lines if line.strip())
    origin = scienta.Origin(name, wave.unit, FORMAT, path, comments)
    grid = wave.data.reshape(len(energies), -1)
    try:
        found = scienta.spectrum(energies, grid, wave.units[0], axes, values, origin, str(path), given)
    except BadData as error:
        raise BadFile(error.what, where=str(path), todo=DAMAGED) from error
    return [found]


def _values(wave: _Wave, place: int) -> FloatArray:
    return np.round(wave.starts[place] + wave.steps[place] * np.arange(wave.data.shape[place]), 9)


def _parse(data: bytes, where: str) -> _Wave:
    order = _order(data)
    if not order:
        raise BadFile("The header of the wave is damaged", where=where, todo=DAMAGED)
    version = struct.unpack_from(f"{order}h", data)[0]
    wave = _wave_5(data, order, where) if version == 5 else _wave_2(data, order, where)
    scales = (*wave.starts[: wave.data.ndim], *wave.steps[: wave.data.ndim])
    if not all(abs(value) <= 1e12 for value in scales):
        raise BadFile("The scales of the wave hold numbers that are not finite", where=where, todo=DAMAGED)
    if any(step == 0 for step, n in zip(wave.steps, wave.data.shape, strict=False) if n > 1):
        raise BadFile("A step of its scales is 0", where=where, todo=DAMAGED)
    return wave


def _numbers(data: bytes, at: int, kind: int, count: int, order: str, where: str) -> tuple[FloatArray, int]:
    """The numbers of the wave and the place behind them."""
    form = _TYPES.get(kind)
    if form is None:
        what = "holds text or complex numbers" if kind in (0, 1, 3, 5) else "holds numbers of an unknown type"
        raise BadFile(f"The wave {what}", where=where, todo="Export a wave of real numbers")
    size = np.dtype(form).itemsize * count
    if count < 1 or at + size > len(data):
        raise BadFile(f"The wave announces {count} numbers, which the file does not hold", where=where, todo=DAMAGED)
    stored = np.frombuffer(data, f"{order}{form}", count, at)
    if not instrument.sane(stored):
        raise BadFile("The wave holds numbers that are not finite", where=where, todo=DAMAGED)
    return stored.astype(np.float64), at + size


def _wave_5(data: bytes, order: str, where: str) -> _Wave:
    sizes = struct.unpack_from(order + _SIZES_5, data)[2:]
    fields = struct.unpack_from(order + _WAVE_5, data, _SIZE_5)
    count, kind, name, dims = fields[3], fields[4], fields[7], fields[10:14]
    if any(size < 0 for size in sizes) or sum(sizes) + _SIZE_5 > len(data):
        raise BadFile("The parts of the wave are larger than the file", where=where, todo=DAMAGED)
    shape = tuple(n for n in dims if n > 0)
    if not shape or dims[: len(shape)] != shape or int(np.prod(shape, dtype=object)) != count:
        raise BadFile(f"Its dimensions {dims} do not hold {count} numbers", where=where, todo=DAMAGED)
    if len(shape) > 2:
        raise BadFile(f"The wave has {len(shape)} dimensions", where=where, todo="Export spectra or one series each")
    numbers, end = _numbers(data, _SIZE_5 + _LENGTH_5, kind, count, order, where)
    if end != _SIZE_5 + sizes[0]:
        raise BadFile("The length of its numbers is not what its header says", where=where, todo=DAMAGED)
    texts, at = [], end
    for size in sizes[1:12]:
        texts.append(_text(data[at : at + size]))
        at += size
    short = [_text(fields[23][4 * i : 4 * i + 4]) for i in range(4)]
    units = tuple(long or brief for long, brief in zip(texts[3:7], short, strict=True))
    # Igor runs through the first dimension first.
    grid = numbers.reshape(shape, order="F")
    return _Wave(_text(name), grid, fields[18:22], fields[14:18], units, texts[2] or _text(fields[22]), texts[1])


def _wave_2(data: bytes, order: str, where: str) -> _Wave:
    _, wave_size, note_size, picture_size, _ = struct.unpack_from(order + _SIZES_2, data)
    fields = struct.unpack_from(order + _WAVE_2, data, _SIZE_2)
    kind, name, unit, x_unit, count, step, start = (fields[i] for i in (0, 2, 6, 7, 8, 10, 11))
    if min(wave_size, note_size, picture_size) < 0 or _SIZE_2 + wave_size + note_size > len(data):
        raise BadFile("The parts of the wave are larger than the file", where=where, todo=DAMAGED)
    numbers, end = _numbers(data, _SIZE_2 + _LENGTH_2, kind, count, order, where)
    if end + _PAD_2 != _SIZE_2 + wave_size:
        raise BadFile("The length of its numbers is not what its header says", where=where, todo=DAMAGED)
    note = _text(data[end + _PAD_2 : end + _PAD_2 + note_size])
    return _Wave(_text(name), numbers, (start,), (step,), (_text(x_unit), "", "", ""), _text(unit), note)


def _text(raw: bytes) -> str:
    """Text up to its first zero; Latin-1 gives every byte a character where it is not UTF-8."""
    plain = raw.split(b"\0")[0]
    try:
        return plain.decode("utf-8")
    except UnicodeDecodeError:
        return plain.decode("latin-1")


READER = Reader(
    name="igor",
    title="Igor binary wave",
    suffixes=(".ibw",),
    description="Waves of Scienta analysers; a second dimension (angle or position) becomes a series",
    sniff=sniff,
    read=read,
)
