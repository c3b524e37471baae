"""BIF6: images of ions as IONTOF's SurfaceLab exports them, one number a pixel, no depth.

Little-endian: two zero bytes and "BIF6"; number of images, columns and rows as uint16; then each image: its number as
uint32, lower limit, middle and upper limit of its mass interval as float32, and a uint32 a pixel, row after row. The
first image is the total. The file ends with the last image; a file of another length is refused.

References
----------
Layout as in the R package tofsims (L. Gerber, V. M. Hoang, Bioconductor; src/c_importer.cpp) and in pybif6; the offsets
in pySPM agree but for the place of the pixels, four bytes further. No measured file is at hand.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np

from app.files.contents import check
from app.files.cube_store import lateral, unsigned
from app.files.format import Reader, ReadOptions
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from libraries.errors import BadFile

KIND = "BIF6"
MAGIC = b"\0\0BIF6"
_HEAD = struct.Struct("<6s3H")
_IMAGE = struct.Struct("<I3f")
_TODO = "Export the images again"
_CEILING = 1e5  # m/z that no interval reaches


def sniff(head: bytes, path: Path) -> float:
    """How sure it is that the file is one."""
    del path
    return 1.0 if head.startswith(MAGIC) else 0.0


def size_of(path: Path) -> tuple[int, int, int]:
    """Images, rows and columns; the length of the file has been checked.

    Raises
    ------
    BadFile
    """
    bytes_, where = check(path), str(path)
    with path.open("rb") as file:
        head = file.read(_HEAD.size)
    if len(head) < _HEAD.size or not head.startswith(MAGIC):
        raise BadFile("This is no BIF6 file", where=where, todo=_TODO)
    _, images, columns, rows = _HEAD.unpack(head)
    expected = _HEAD.size + images * (_IMAGE.size + 4 * rows * columns)
    if not images * rows * columns or bytes_ != expected:
        what = f"It should have {expected} bytes for {images} images of {columns} x {rows} pixels, but has {bytes_}"
        raise BadFile(what, where=where, todo=_TODO)
    return images, rows, columns


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All images as one image of ions, shape (rows, columns, ions); names are the middles of the mass intervals.

    Raises
    ------
    BadFile
        If the length of the file does not fit its head, or a mass interval makes no sense.
    """
    del options
    images, rows, columns = size_of(path)
    if 4 * images * rows * columns > stored.IN_MEMORY:
        what = f"{images} images of {columns} x {rows} pixels are too many for memory"
        raise BadFile(what, where=str(path), todo="Export fewer ions at once")
    numbers = np.empty((images, rows, columns), np.uint32)
    names, masses = [], []
    with path.open("rb") as file:
        file.seek(_HEAD.size)
        for place in range(images):
            number, low, middle, high = _IMAGE.unpack(file.read(_IMAGE.size))
            numbers[place] = np.frombuffer(file.read(4 * rows * columns), "<u4").reshape(rows, columns)
            where = f"{path}, image {place + 1}"
            good = np.all(np.isfinite([low, middle, high])) and 0 <= low <= middle <= high
            if not good:
                raise BadFile("Its mass interval makes no sense", where=where, todo=_TODO)
            total = number == 0 and place == 0
            names.append("total" if total else f"{middle:.4f}" if 0 < high < _CEILING else f"image {number}")
            masses.append(0.0 if total or high >= _CEILING else float(f"{middle:.7g}"))
    counts = np.moveaxis(numbers, 0, -1).astype(unsigned(int(numbers.max())))
    axis = Axis(np.arange(images, dtype=float), "ion", "", tuple(names), tuple(masses) if any(masses) else ())
    name = path.stem
    extra = (("size of a pixel", "the format does not say it"),)
    meta = Meta(title=name, technique="sims", region=name, file=path.name, file_format=KIND, extra=extra)
    return [Spectrum(axis, counts, Noise("poisson", 1.0), meta, navigation=(lateral(rows, 0), lateral(columns, 0)))]


READER = Reader(
    name="bif6",
    title="BIF6 images",
    suffixes=(".bif6",),
    description="Images of ions that SurfaceLab exports",
    sniff=sniff,
    read=read,
)
