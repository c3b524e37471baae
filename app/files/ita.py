"""SurfaceLab's own measurement files (.ita, .itm, .its), experimental: what the public knows of them, and no more.

Read are the corrected spectrum with its mass scale, and the images of the mass intervals, scan by scan where memory
allows it, else their sum. The places of these parts are those of pySPM, whose authors found them out; no measured file
is at hand. A file that has none of them where they should be is refused; the export as text, imzML or BIF6 is the safe
way. Raw events, shift corrections and settings are not read; nothing is unpickled.

Reference: see `app.files.itstr` (pySPM/ITA.py, pySPM/ITM.py).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.files.contents import check
from app.files.cube_store import lateral, unsigned
from app.files.format import Reader, ReadOptions
from app.files.itstr import MAGIC, TODO, Block, root_of
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.mass_scale import LAW
from fitting.sims.cube import scan_axis
from libraries.errors import BadFile

KIND = "SurfaceLab measurement (experimental)"
EXPERIMENTAL = (
    "experimental", "the format is not documented: compare with an export as text, imzML or BIF6 before you rely on it"
)
_STACK = ("filterdata", "TofCorrection", "ImageStack", "Reduced Data")
_SPECTRUM = ("filterdata", "TofCorrection", "Spectrum", "Reduced Data")
_BINNED = 2  # channels of the recorder in one of the spectrum (pySPM: "2*np.arange")
_MOST_SIDE, _MOST_IMAGES, _MOST_SCANS, _MOST_CHANNELS = 4096, 4096, 1 << 16, 1 << 24


def sniff(head: bytes, path: Path) -> float:
    """How sure it is that the file is one."""
    del path
    return 1.0 if head.startswith(MAGIC) else 0.0


@dataclass(frozen=True)
class _Interval:
    """A mass interval of the file's list."""

    name: str
    mass: float


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """Spectrum and images, as far as they are where they are known to be.

    Raises
    ------
    BadFile
        If the file is damaged, or holds neither where the public knows them.
    """
    del options
    size = check(path)
    with path.open("rb") as file:
        root = root_of(file, path, size)
        found = [one for one in (_spectrum(root, path), _images(root, path)) if one is not None]
    if not found:
        what = "Neither a spectrum nor images lie where they are known to be in such files"
        raise BadFile(what, where=str(path), todo=TODO)
    return found


def _spectrum(root: Block, path: Path) -> Spectrum | None:
    part = root.at(*_SPECTRUM)
    data = part.at("IITFSpecArray", "CorrectedData") if part is not None else None
    if part is None or data is None:
        return None
    raw = data.value(4 * _MOST_CHANNELS)
    counts = np.frombuffer(raw[: len(raw) // 4 * 4], "<f4").astype(np.float64)
    with np.errstate(invalid="ignore"):
        good = counts.size > 1 and bool(np.all(np.isfinite(counts)) and np.all(counts >= 0))
    if not good:
        raise BadFile("Its spectrum holds numbers that are no counts", where=str(path), todo=TODO)
    scale = part.child("IMassScaleSFK0")
    slope, offset = (_double(scale.child(name) if scale is not None else None) for name in ("sf", "k0"))
    law: tuple[tuple[str, str], ...] = ()
    if slope is not None and offset is not None and slope > 0:
        law = ((LAW, f"{slope!r} {offset!r}"),)
    # "Corrected" counts are dead-time corrected: their variance is not their number, see the Mass page.
    axis = Axis(_BINNED * np.arange(counts.size, dtype=float), "channel", "")
    extra = (*law, ("counts", "corrected by SurfaceLab, so dead time must not be corrected again"), EXPERIMENTAL)
    return Spectrum(axis, counts, Noise("poisson", 1.0, origin="estimated"), _meta(path, extra))


def _images(root: Block, path: Path) -> Spectrum | None:
    part = root.at(*_STACK)
    scans = part.child("ImageStackScans") if part is not None else None
    if part is None or scans is None:
        return None
    columns, rows, images = (_whole(scans.child(f"Image.{name}")) for name in ("XSize", "YSize", "NumberOfImages"))
    if not (0 < columns <= _MOST_SIDE and 0 < rows <= _MOST_SIDE and 0 < images <= _MOST_IMAGES):
        raise BadFile(f"It declares {images} images of {columns} x {rows} pixels", where=str(path), todo=TODO)
    known = _intervals(root)
    singles = sorted((one for one in scans.listed() if one.name == "Image"), key=lambda one: one.number)
    slices = [sorted((s for s in one.listed() if s.name == "ImageArray.Long"), key=lambda s: s.number)
              for one in singles]  # fmt: skip
    count = len(slices[0]) if slices else 0
    complete = 0 < count <= _MOST_SCANS and {len(one) for one in slices} == {count} and len(singles) == images
    if complete and 4 * count * rows * columns * images <= 2 * stored.IN_MEMORY:
        return _stacked(slices, [one.number for one in singles], known, (count, rows, columns), root, path)
    added = part.child("ImageStackScansAdded")
    if added is None:
        raise BadFile("Its images are too many for memory, or some are missing", where=str(path), todo=TODO)
    sums = sorted((one for one in added.listed() if one.name == "Image"), key=lambda one: one.number)
    arrays = [one.child("ImageArray.Long") for one in sums]
    if not arrays or any(one is None for one in arrays):
        raise BadFile("Some of its images are missing", where=str(path), todo=TODO)
    return _stacked([[one] for one in arrays if one is not None], [one.number for one in sums], known,
                    (1, rows, columns), root, path)  # fmt: skip


def _stacked(
    slices: Sequence[Sequence[Block]], numbers: Sequence[int], known: dict[int, _Interval],
    shape: tuple[int, int, int], root: Block, path: Path,
) -> Spectrum:
    scans, rows, columns = shape
    if rows * columns * scans * len(slices) * 4 > 2 * stored.IN_MEMORY:
        raise BadFile("Its images are too many for memory", where=str(path), todo=TODO)
    counts = np.empty((scans, rows, columns, len(slices)), np.uint32)
    for ion, blocks in enumerate(slices):
        for scan, block in enumerate(blocks):
            counts[scan, ..., ion] = block.numbers("<u4", rows * columns).reshape(rows, columns)
    listed = [known.get(number, _Interval("", 0.0)) for number in numbers]
    names = tuple(one.name or (f"{one.mass:.4f}" if one.mass else f"image {number}")
                  for one, number in zip(listed, numbers, strict=True))  # fmt: skip
    masses = tuple(one.mass for one in listed)
    axis = Axis(np.arange(len(names), dtype=float), "ion", "", names, masses if any(masses) else ())
    pixel = _pixel(root, columns)
    around: tuple[Axis, ...] = (lateral(rows, pixel), lateral(columns, pixel))
    packed: Any = counts.astype(unsigned(int(counts.max())))
    if scans > 1:
        around = (scan_axis(scans), *around)
    else:
        packed = packed[0]
    told = "scan by scan" if scans > 1 else "all scans together"
    extra = (("images", f"{told}; rows as they lie in the file, shift correction not applied"), EXPERIMENTAL)
    return Spectrum(axis, packed, Noise("poisson", 1.0), _meta(path, extra), navigation=around)


def _intervals(root: Block) -> dict[int, _Interval]:
    """Names and centres of the mass intervals, by their numbers."""
    part = root.child("MassIntervalList")
    found = {}
    for one in part.listed() if part is not None else ():
        if one.name != "mi":
            continue
        inside = {child.name: child for child in one.listed()}
        mass = _double(inside.get("cmass")) or 0.0
        name = _text(inside.get("assign")) or _text(inside.get("desc"))
        if "id" in inside:
            found[_whole(inside["id"])] = _Interval(name[:100], mass if 0 < mass < 1e5 else 0.0)
    return found


def _pixel(root: Block, columns: int) -> float:
    """Width of a pixel in µm from the field of view (m); 0 where it is not known."""
    field = _double(root.at("Meta", "SI Image", "fieldofview"))
    return field * 1e6 / columns if field is not None and 1e-8 < field < 1e-1 else 0.0


def _double(block: Block | None) -> float | None:
    value = block.value() if block is not None and block.length == 8 else b""
    number = struct.unpack("<d", value)[0] if len(value) == 8 else math.nan
    return number if math.isfinite(number) else None


def _whole(block: Block | None) -> int:
    value = block.value() if block is not None and block.length in (4, 8) else b""
    return int.from_bytes(value, "little", signed=True) if value else 0


def _text(block: Block | None) -> str:
    value = block.value() if block is not None and block.length < 4096 else b""
    return value.decode("utf-16-le", "replace").strip("\0 ") if len(value) % 2 == 0 else ""


def _meta(path: Path, extra: tuple[tuple[str, str], ...]) -> Meta:
    return Meta(title=path.stem, technique="sims", region=path.stem, file=path.name, file_format=KIND, extra=extra)


READER = Reader(
    name="ita",
    title="SurfaceLab measurement, experimental",
    suffixes=(".ita", ".itm", ".its"),
    description="Spectrum and images of the mass intervals, where the public knows their places; else please export",
    sniff=sniff,
    read=read,
)
