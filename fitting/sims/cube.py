"""A cube of ions (scans, rows, columns, ions): profiles of places on it, images of ions, sections.

All go through the cube in pieces, since it may lie on disk; counts are added up, so that Poisson noise stays Poisson.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.stored import Stored
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled


def is_cube(spectrum: Spectrum) -> bool:
    """Whether it has scans, rows, columns and named ions."""
    return len(spectrum.navigation) == 3 and bool(spectrum.axis.labels)


def profile_of(
    cube: Spectrum, mask: NDArray[np.bool_] | None = None, *, name: str = "",
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Spectrum:
    """The depth profile of some pixels.

    Parameters
    ----------
    cube : Spectrum
        Shape (scans, rows, columns, ions).
    mask : array of bool, shape (rows, columns) or (scans, rows, columns), optional
        By default all pixels.
    name : str
        Of the profile.

    Returns
    -------
    Spectrum
        Shape (scans, ions): counts of all these pixels together, with the cube's scales.

    Raises
    ------
    BadData
        If it is no cube, or no pixel is chosen.
    Cancelled
    """
    shape = _shape(cube)
    chosen = np.ones(shape[1:], bool) if mask is None else np.asarray(mask, bool)
    if chosen.shape not in (shape, shape[1:]):
        raise BadData(f"A region of {chosen.shape} does not fit a cube of {shape} voxels", where=cube.name)
    if not chosen.any():
        raise BadData("The region holds no pixel", where=name or cube.name, todo="Draw it over the image")
    flat = np.broadcast_to(chosen, shape).reshape(-1)
    scan = np.repeat(np.arange(shape[0]), shape[1] * shape[2])
    total = np.zeros((shape[0], len(cube.axis)))
    for start, stop, rows in cube.pieces():
        if cancel is not None and cancel():
            raise Cancelled("The profile was stopped", where=cube.name)
        first, last = scan[start], scan[stop - 1]
        for one in range(first, last + 1):
            inside = (scan[start:stop] == one) & flat[start:stop]
            if inside.any():
                total[one] += rows[inside].sum(axis=0)
        if progress is not None:
            progress(stop / cube.pixels, "Profile")
    meta = replace(cube.meta, region=name or cube.meta.region, title=name or cube.meta.title)
    return Spectrum(cube.axis, total, cube.noise, meta, navigation=cube.navigation[:1], scales=cube.scales)


def image_of(cube: Spectrum, ions: Sequence[int], scans: tuple[int, int] | None = None) -> FloatArray:
    """Counts of some ions together over some scans (first and last, both included), shape (rows, columns)."""
    return volume_of(cube, ions, scans).sum(axis=0)


def volume_of(cube: Spectrum, ions: Sequence[int], scans: tuple[int, int] | None = None) -> FloatArray:
    """Counts of some ions together in every voxel, shape (scans, rows, columns).

    Raises
    ------
    BadData
        If an ion or a scan does not exist.
    """
    shape = _shape(cube)
    first, last = scans or (0, shape[0] - 1)
    if not 0 <= first <= last < shape[0]:
        raise BadData(f"There are no scans {first + 1} to {last + 1} among {shape[0]}", where=cube.name)
    index = np.asarray(list(ions), dtype=int)
    if index.size == 0 or index.min() < 0 or index.max() >= len(cube.axis):
        raise BadData("There is no such ion in the cube", where=cube.name)
    counts = cube.counts
    if not isinstance(counts, Stored):
        return np.asarray(counts[first : last + 1][..., index].sum(axis=-1), dtype=np.float64)
    plane = shape[1] * shape[2]
    if counts.by_channel or (index.size == 1 and 4 * (last + 1 - first) > shape[0]):
        found = np.sum([counts.channel(int(i)).reshape(shape)[first : last + 1] for i in index], axis=0)
        return np.asarray(found, dtype=np.float64)
    rows = [cube.rows(scan * plane, (scan + 1) * plane)[:, index].sum(axis=1) for scan in range(first, last + 1)]
    return np.asarray(rows).reshape(last - first + 1, *shape[1:])


def scan_axis(count: int) -> Axis:
    """Scans counted from 1, for cubes whose file tells no times."""
    return Axis(np.arange(1, count + 1, dtype=float), "scan", "")


def _shape(cube: Spectrum) -> tuple[int, int, int]:
    if len(cube.navigation) != 3:
        raise BadData("This is no cube of scans, rows and columns", where=cube.name, todo="Open a cube of ions")
    scans, rows, columns = (len(axis) for axis in cube.navigation)
    return scans, rows, columns
