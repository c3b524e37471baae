"""Shift of the mass spectra of an image from pixel to pixel, in channels of equal flight time.

Primary ions that come in at 45 degrees reach one side of the field earlier than the other: for an ion of mass m and
energy E the difference over a distance x is dt = (sqrt(2)/2) x sqrt(m/2E). What the instrument does not compensate of
it is a plane over the field; topography and charging add what is no plane.

The plane follows from all counts in a window around a strong line: the mean channel is a linear function of row and
column. It is fitted with the window moved along until nothing of it is left, so that an even background inside the
window does not make it flatter. What is left of single pixels is found as in `fitting.sims.moves`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.sims.moves import moves_of
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled

Model = Literal["plane", "pixels"]
_ROUNDS = 30
_FEWEST = 300.0  # counts in the window of the whole field
_EVEN = 1e-3  # steps of flight time may differ by this share of a step


@dataclass(frozen=True, eq=False)
class MassShift:
    """Shift of every pixel's spectrum.

    Attributes
    ----------
    shift, error : array, shape (rows, columns)
        In channels to higher ones than in the mean of the field, and one standard error.
    down, across : float
        Slope of the plane in channels a pixel.
    down_error, across_error : float
    spread, spread_error : float
        Standard deviation of what is no plane, in channels; NaN where it was not looked for.
    joined : int
        Pixels along rows and columns that were evaluated together for that.
    """

    shift: FloatArray
    error: FloatArray
    down: float
    across: float
    down_error: float
    across_error: float
    spread: float
    spread_error: float
    joined: int

    @property
    def reach(self) -> tuple[float, float]:
        """Channels from the first to the last row and column."""
        rows, columns = self.shift.shape
        return self.down * (rows - 1), self.across * (columns - 1)

    @property
    def reach_errors(self) -> tuple[float, float]:
        """One standard error of the reach."""
        rows, columns = self.shift.shape
        return self.down_error * (rows - 1), self.across_error * (columns - 1)


def has_even_times(axis: Axis) -> bool:
    """Whether its points have equal steps of flight time: channels, or m/z with equal steps of the square root."""
    if axis.labels or len(axis) < 3 or axis.quantity not in ("channel", "mass") or axis.values[0] < 0:
        return False
    times = axis.values if axis.quantity == "channel" else np.sqrt(axis.values)
    steps = np.diff(times)
    return bool(np.abs(steps - steps.mean()).max() <= _EVEN * steps.mean())


def mass_shift(
    image: Spectrum, window: tuple[float, float], model: Model = "plane", *, joined: int = 1,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> MassShift:
    """Shift of each pixel from one strong line.

    Parameters
    ----------
    image : Spectrum
        Counts of shape (rows, columns, n) on channels, or on m/z with equal steps of flight time.
    window : (float, float)
        Around the line, wide enough to hold it in every pixel and no other line.
    model : "plane" or "pixels"
        Only a plane, or also what single pixels say beyond it.
    joined : int
        Odd number of pixels along rows and columns that are evaluated together for the latter.

    Raises
    ------
    BadData
        If it is no image of spectra with equal steps of flight time, the window holds too few channels or counts, or
        pixels cannot be joined.
    Cancelled
    """
    if len(image.navigation) != 2 or not has_even_times(image.axis):
        raise BadData("Only an image of mass spectra with equal steps of flight time has shifts of whole channels",
                      where=image.name)
    part = image.part(*window)
    if part.stop - part.start < 5:
        raise BadData("The window holds fewer than five channels", where=image.name, todo="Choose a wider one")
    shape = (len(image.navigation[0]), len(image.navigation[1]))
    if joined < 1 or joined % 2 == 0 or joined > min(shape):
        raise BadData(f"{joined} pixels cannot be joined", todo="Choose an odd number within the field")
    counts = np.empty((part.stop - part.start, *shape))
    flat = counts.reshape(len(counts), -1)
    for start, stop, rows in image.pieces():
        if cancel is not None and cancel():
            raise Cancelled("The search for shifts was stopped", where=image.name)
        flat[:, start:stop] = rows[:, part].T
        if progress is not None:
            progress(0.7 * stop / image.pixels, "Counts of the line")
    if counts.min() < 0 or counts.sum() < _FEWEST:
        raise BadData(f"The window holds fewer than {_FEWEST:g} counts", where=image.name,
                      todo="Choose a stronger line")
    slope, errors, plane = _plane(counts)
    if model == "plane":
        return MassShift(plane, _plane_error(shape, errors), slope[0], slope[1], errors[0], errors[1], math.nan,
                         math.nan, 1)
    flattened = _moved(counts, plane)
    together = uniform_filter(flattened, (0, joined, joined), mode="reflect") * joined**2
    found = moves_of(together, flattened.sum(axis=(1, 2)), shared=joined**2, words="Shift of every pixel",
                     most=len(counts) / 3, progress=progress, cancel=cancel)
    shift = np.round(plane) + found.move
    return MassShift(shift - np.median(shift), np.hypot(found.error, _plane_error(shape, errors)), slope[0], slope[1],
                     errors[0], errors[1], found.spread, found.spread_error, joined)


def _plane(counts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Slopes along rows and columns in channels a pixel, their errors, and the plane around the middle of the field."""
    count, rows, columns = counts.shape
    down, across = np.mgrid[0:rows, 0:columns].astype(float)
    down, across = down - down.mean(), across - across.mean()
    channel = np.arange(count, dtype=float)
    slope, errors = np.zeros(2), np.zeros(2)
    for _ in range(_ROUNDS):
        # Channels as each pixel counts them; the window is narrowed so that it lies inside for all of them.
        plane = slope[0] * down + slope[1] * across
        places = channel[:, None, None] - plane
        margin = min(float(np.abs(plane).max()), count / 3)
        inside = np.clip(np.minimum(places - margin, count - 1 - margin - places) + 1.0, 0.0, 1.0)
        weight = (counts * inside).sum(axis=0)
        first = (counts * inside * places).sum(axis=0)
        second = (counts * inside * places**2).sum(axis=0)
        total = weight.sum()
        if total < _FEWEST / 3:
            raise BadData("The line leaves the window at the edges of the field", todo="Choose a wider window")
        middle = first.sum() / total
        variance = max(second.sum() / total - middle**2, 1.0 / 12)
        base = np.stack([np.ones_like(down), down, across])
        normal = np.einsum("irc,jrc,rc->ij", base, base, weight)
        answer = np.linalg.lstsq(normal, np.einsum("irc,rc->i", base, first - middle * weight), rcond=None)[0]
        errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(normal))[1:] * variance, 0.0))
        slope = slope + answer[1:]
        # An even background does not move along: the answer to a slope is smaller by its share, the error larger.
        errors = errors / _share_of_line(counts.sum(axis=(1, 2)))
        if np.all(np.abs(answer[1:]) < 1e-3 * errors):
            break
    return slope, errors, slope[0] * down + slope[1] * across


def _share_of_line(profile: FloatArray) -> float:
    """Share of the counts in a window that is no even background, as its ends show it."""
    ends = max(1, len(profile) // 10)
    background = 0.5 * (profile[:ends].mean() + profile[-ends:].mean()) * len(profile)
    return max(1.0 - float(background / profile.sum()), 0.1)


def _plane_error(shape: tuple[int, int], errors: FloatArray) -> FloatArray:
    rows, columns = shape
    down, across = np.mgrid[0:rows, 0:columns].astype(float)
    return np.hypot((down - down.mean()) * errors[0], (across - across.mean()) * errors[1])


def _moved(counts: FloatArray, plane: FloatArray) -> FloatArray:
    """Each pixel moved back by whole channels; ends are repeated."""
    at: NDArray[np.intp] = np.arange(len(counts))[:, None, None] + np.round(plane).astype(int)
    return np.take_along_axis(counts, np.clip(at, 0, len(counts) - 1), axis=0)
