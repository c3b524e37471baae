"""Sums of neighbouring voxels: at most so many spectra that factors are found on them quickly.

Counts are added up, so that Poisson noise stays Poisson.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.factors.channels import Channels, count_of
from fitting.tape import Cancel, Progress
from libraries.errors import Cancelled

MOST_ROWS = 4096
_FEWEST_BLOCKS = 16  # of an image or a scan, so that places still differ


@dataclass(frozen=True, eq=False)
class Sums:
    """Sums of a cube or image of ions over the analysed channels.

    Attributes
    ----------
    rows : Spectrum
        Blocks of neighbours as a series of spectra.
    profile : array, shape (scans, n)
        Of a cube: sums over the pixels; else empty.
    image : array, shape (pixels, n)
        Sums over the scans.
    words : str
        "solved on blocks of 9 x 8 pixels x 2 scans".
    """

    rows: Spectrum
    profile: FloatArray
    image: FloatArray
    words: str


def sums_of(
    spectrum: Spectrum, channels: Channels, *, progress: Progress | None = None, cancel: Cancel | None = None
) -> Sums:
    """Go once through a cube (scans, rows, columns) or an image (rows, columns) and add up."""
    shape = tuple(len(axis) for axis in spectrum.navigation)
    scans = shape[0] if len(shape) == 3 else 1
    plane = shape[-2:]
    steps = block_of(scans, plane)
    number = tuple(math.ceil(size / step) for size, step in zip((scans, *plane), steps, strict=True))
    from fitting.factors.adding import add_voxels

    n, area = count_of(channels), plane[0] * plane[1]
    rows, profile, image = np.zeros((math.prod(number), n)), np.zeros((scans, n)), np.zeros((area, n))
    index = np.arange(len(spectrum.axis))[channels]
    sizes = tuple(np.array(values, dtype=np.int64) for values in (plane, steps, number))
    for start, stop, part in spectrum.pieces():
        if cancel is not None and cancel():
            raise Cancelled("The factor analysis was stopped", where=spectrum.name)
        add_voxels(part, index, start, *sizes, rows, profile, image)
        if progress is not None:
            progress(stop / spectrum.pixels, "Adding up")
    axis = spectrum.axis.part(channels)
    if axis.labels:
        axis = Axis(np.arange(n, dtype=float), axis.quantity, axis.unit, axis.labels, axis.masses)
    series = Spectrum(axis, rows, spectrum.noise, spectrum.meta,
                      navigation=(Axis(np.arange(1.0, rows.shape[0] + 1), "scan", ""),))  # fmt: skip
    words = f"solved on blocks of {steps[1]} x {steps[2]} pixels" + (f" x {steps[0]} scans" if len(shape) == 3 else "")
    return Sums(series, profile if len(shape) == 3 else np.zeros(0), image, words)


def block_of(scans: int, plane: tuple[int, int], most: int = MOST_ROWS) -> tuple[int, int, int]:
    """Scans, rows and columns of a block: as many scans as leave a few blocks an image, then near squares."""
    together = max(math.ceil(scans / (most // _FEWEST_BLOCKS)), 1)
    layers = math.ceil(scans / together)
    side = 1
    while layers * math.ceil(plane[0] / side) * math.ceil(plane[1] / side) > most:
        side += 1
    return together, min(side, plane[0]), min(side, plane[1])
