"""Intensities into a dataset of an HDF5 file, piece by piece where they do not fit into memory."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from fitting.dataset import PIECE, Spectrum
from fitting.stored import Stored, slabs
from libraries.errors import Cancelled

_CHUNK = 1 << 18  # numbers
_SMALL = 1 << 17


def create(group: Any, name: str, spectrum: Spectrum) -> Any:
    """An empty dataset for the intensities: in chunks that keep spectra whole, packed where it is worth it."""
    shape, dtype = tuple(spectrum.counts.shape), spectrum.counts.dtype
    if math.prod(shape) < _SMALL:
        return group.create_dataset(name, shape, dtype)
    chunk = cube_chunk(shape) if len(shape) == 4 and spectrum.axis.labels else _chunk(shape)
    return group.create_dataset(name, shape, dtype, chunks=chunk, compression="gzip", compression_opts=1, shuffle=True)


def cube_chunk(shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Of a cube of ions (scans, rows, columns, ions): one scan of some ions.

    All voxels of one ion touch a sixteenth of the file or less where there are many ions, and a scan of all ions is
    unpacked once.
    """
    _, rows, columns, ions = shape
    together = min(max(_CHUNK // (rows * columns), 1), 16, ions)
    return 1, min(max(_CHUNK // (columns * together), 1), rows), columns, together


def _chunk(shape: tuple[int, ...]) -> tuple[int, ...]:
    """As many neighbouring pixels as make a chunk, along the last axes first."""
    chunk, left = [shape[-1]], max(_CHUNK // shape[-1], 1)
    for length in reversed(shape[:-1]):
        chunk.append(max(min(length, left), 1))
        left = max(left // length, 1)
    return tuple(reversed(chunk))


def fill(
    dataset: Any, spectrum: Spectrum, progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> None:
    """Write all intensities.

    Raises
    ------
    Cancelled
    """
    if not isinstance(spectrum.counts, Stored):
        dataset[...] = spectrum.counts
        return
    *navigation, n = spectrum.counts.shape
    for start, stop, rows in spectrum.pieces(_whole(spectrum)):
        if cancel is not None and cancel():
            raise Cancelled(where=spectrum.name)
        done = 0
        for index in slabs(tuple(navigation), start, stop):
            lengths = [len(range(*part.indices(length))) for part, length in zip(index, navigation, strict=False)
                       if isinstance(part, slice)]
            size = math.prod(lengths)
            block = rows[done : done + size].reshape(*lengths, n)
            dataset[index] = block.astype(spectrum.counts.dtype) if dataset.dtype.kind in "iu" else block
            done += size
        if progress is not None:
            progress(stop / spectrum.pixels, f"{stop} of {spectrum.pixels} spectra")




def _whole(spectrum: Spectrum) -> int:
    """Numbers of a piece that ends with a whole image, so that no chunk is packed twice."""
    image = math.prod(spectrum.counts.shape[1:])
    return max(PIECE // image, 1) * image if image <= 8 * PIECE else PIECE
