"""Topography of a cube: at which scan each pixel meets an interface.

The depth profile of each pixel (with its neighbours) is compared with the mean profile of the field, as told in
`fitting.sims.moves`.

An interface that is aligned on its own counts looks a little sharper than it is, since the noise of each pixel is
aligned as well; one of an ion that took no part looks a little wider, by the error of the depths. What that amounts to
is measured in tests/fitting/sims/test_topography.py. Judge widths by an ion that was not used to find the depths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter, uniform_filter, uniform_filter1d

from fitting.dataset import FloatArray
from fitting.sims.moves import moves_of
from fitting.tape import Cancel, Progress
from libraries.errors import BadData

_FEWEST = 5.0  # counts of a pixel and its neighbours
_ENOUGH = 100.0  # counts that joined neighbours are to have
_WIDEST = 15  # pixels joined at most without being asked


@dataclass(frozen=True, eq=False)
class Topography:
    """Depth of an interface over the field.

    Attributes
    ----------
    depth : array, shape (rows, columns)
        Scans by which the interface comes later than in the middle of the field (median 0); where it could not be
        found, the median of its surroundings.
    error : array, shape (rows, columns)
        One standard error from the counts; NaN where `missing`. Joined neighbours share counts.
    missing : array of bool, shape (rows, columns)
    joined : int
        Pixels along rows and columns that were evaluated together.
    roughness, roughness_error : float
        Standard deviation of the depth in scans, without the part that the noise makes, and its standard error.
    profile : array, shape (scans,)
        Mean profile of the used ions after the pixels were moved back, in counts a pixel.
    """

    depth: FloatArray
    error: FloatArray
    missing: NDArray[np.bool_]
    joined: int
    roughness: float
    roughness_error: float
    profile: FloatArray

    @property
    def typical_error(self) -> float:
        """Median error in scans."""
        return float(np.median(self.error[~self.missing]))


def topography(
    volume: FloatArray, scans: tuple[int, int] | None = None, *, joined: int = 0,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Topography:
    """Depth of the interface at which some ions rise or fall.

    Parameters
    ----------
    volume : array, shape (scans, rows, columns)
        Counts of these ions (`fitting.sims.drift.scan_images`).
    scans : (int, int), optional
        First and last scan (from 0, both included) that hold the interface; all by default.
    joined : int
        Odd number of pixels along rows and columns that are evaluated together, 1 for none, 0: as many as give 100
        counts.

    Returns
    -------
    Topography

    Raises
    ------
    BadData
        If there are too few counts or scans, or the ions hold no interface.
    Cancelled
    """
    first, last = scans or (0, len(volume) - 1)
    if not 0 <= first < last < len(volume) or last - first < 4:
        raise BadData(f"Scans {first + 1} to {last + 1} of {len(volume)} are too few to find an interface in")
    used = np.asarray(volume[first : last + 1], float)
    if not np.all(np.isfinite(used)) or used.min() < 0:
        raise BadData("Depths are found from counts, zero or above")
    counts = used.sum(axis=0)
    if joined == 0:
        joined = _joined(float(counts.mean()), min(*counts.shape, _WIDEST))
    if joined < 1 or joined % 2 == 0 or joined > min(counts.shape):
        raise BadData(f"{joined} pixels cannot be joined", todo="Choose an odd number within the field")
    together = uniform_filter(used, (0, joined, joined), mode="reflect") * joined**2
    enough = together.sum(axis=0) >= _FEWEST
    if enough.mean() < 0.5:
        raise BadData("Too few counts: most pixels cannot show where the interface lies",
                      todo="Choose a stronger ion, or join more pixels")
    shape = used.reshape(len(used), -1).sum(axis=1)
    if np.ptp(uniform_filter1d(shape, 3)) < 5 * np.sqrt(max(shape.max(), 1.0)):
        raise BadData("These ions hold no interface: their profile is flat",
                      todo="Choose an ion of the bulk or of one layer")
    found = moves_of(together, shape, shared=joined**2, words="Depth of every pixel", progress=progress, cancel=cancel)
    depth, error = found.move, found.error
    missing = ~enough
    depth = _filled(np.where(missing, np.nan, depth))
    depth -= np.median(depth)
    profile = _moved_back(np.asarray(volume, float), depth).mean(axis=(1, 2))
    return Topography(depth, np.where(missing, np.nan, error), missing, joined, found.spread,
                      found.spread_error, profile)


def _joined(mean: float, most: int) -> int:
    size = 1
    while mean * size**2 < _ENOUGH and size + 2 <= most:
        size += 2
    return size


def _moved_back(volume: FloatArray, depth: FloatArray) -> FloatArray:
    """Each pixel moved by whole scans; what comes from outside repeats its end (for mean profiles only)."""
    scan = np.arange(len(volume))[:, None, None] + np.round(depth - np.median(depth)).astype(int)
    return np.take_along_axis(volume, np.clip(scan, 0, len(volume) - 1), axis=0)


def _filled(depth: FloatArray) -> FloatArray:
    """Gaps closed by the median of what is around them."""
    depth = depth.copy()
    for size in (3, 5, 9, 17):
        gaps = np.isnan(depth)
        if not gaps.any():
            return depth
        around = _median(depth, size)
        depth[gaps] = around[gaps]
    depth[np.isnan(depth)] = 0.0
    return depth


def _median(values: FloatArray, size: int) -> FloatArray:
    if np.isnan(values).mean() > 0.9:
        return np.full(values.shape, np.nanmedian(values))
    known = np.where(np.isnan(values), np.nanmedian(values), values)
    filtered = median_filter(known, size, mode="nearest")
    near = uniform_filter((~np.isnan(values)).astype(float), size, mode="constant") * size**2
    return np.where(near > 0.5, filtered, np.nan)
