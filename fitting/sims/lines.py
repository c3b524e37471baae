"""One line of a mass spectrum between its limits: counts, centroid, width, each with its error.

Places inside are numbers of channels, in which a time-of-flight spectrum is even; m/z between two channels follows
from the square root, which is linear in time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadData
from libraries.units import SIGMA_TO_FWHM

Ground = Literal["none", "linear"]

LIMIT_WIDTHS = 3.0  # limits are so many widths of a line apart: +-3.5 sigma of a Gaussian; our choice
_WIDER = 1.5  # width of the centroid's weights in widths of the line, as in `mass_calibration.pick`
_SIDE, _FEWEST, _REACH = 1.0, 3, 12.0  # channels of a side: line widths, at least; how far away, in line widths
_BLURRED, _PLENTY = 0.25, 3000.0  # a line is smoothed by this part of its width, more below so many counts
_FOR_WIDTH = 100.0  # counts that tell a width at all
# Error of a width where counts are plenty: relative, and in channels^2 over the width; measured on simulated lines.
_SYSTEMATIC, _FEW = 0.01, 0.15
_TOP = 0.3  # a line's top reaches so many widths to both sides of its middle
_WIDTH_ERROR = 0.3  # relative; a width less certain than this is not determined


@dataclass(frozen=True)
class Line:
    """A measured line.

    Attributes
    ----------
    mass, mass_error : float
        Centroid in m/z and its standard deviation from the counts (without the mass scale's); the middle of the limits
        and NaN where too little is counted.
    low, high : float
        Limits in m/z.
    counts, counts_error : float
        Above the background.
    background, background_error : float
        Counts of the background between the limits.
    width, width_error : float
        Full width at half maximum in m/z; NaN where it is not determined.
    coarse : bool
        The line is narrower than two channels: `width` is two channels, a limit, and its centroid carries the error
        of a channel.
    """

    mass: float
    mass_error: float
    low: float
    high: float
    counts: float
    counts_error: float
    background: float
    background_error: float
    width: float = math.nan
    width_error: float = math.nan
    coarse: bool = False

    @property
    def told(self) -> bool:
        """Whether its width is determined, and not only limited by the channels."""
        return self.width > 0 and not self.coarse

    @property
    def resolution(self) -> float:
        """m/dm; NaN where the width is not determined, a lower limit where the line is coarse."""
        return self.mass / self.width if self.width > 0 else math.nan

    @property
    def resolution_error(self) -> float:
        """Standard deviation of m/dm."""
        return self.resolution * self.width_error / self.width if self.width > 0 else math.nan

    @property
    def significant(self) -> bool:
        """Counts above the critical level: L_C = 1.645 sqrt(variance where no line is), L. A. Currie, Anal. Chem. 40,
        586 (1968); one channel range in 20 without a line exceeds it."""
        return self.counts > 1.645 * self.empty_error and self.counts > 0

    @property
    def empty_error(self) -> float:
        """Standard deviation of the counts if there were no line."""
        return math.sqrt(max(self.background, 0.0) + self.background_error**2)


def mass_at(mz: FloatArray, place: float) -> float:
    """m/z at a number of a channel, also between two channels; the ends outside."""
    place = min(max(place, 0.0), mz.size - 1.0)
    i = min(int(place), mz.size - 2)
    low, high = math.sqrt(max(float(mz[i]), 0.0)), math.sqrt(max(float(mz[i + 1]), 0.0))
    return float((low + (place - i) * (high - low)) ** 2)


def measure(
    mz: FloatArray,
    counts: FloatArray,
    limits: Sequence[tuple[float, float]],
    *,
    ground: Ground = "linear",
    others: Sequence[tuple[float, float]] = (),
) -> tuple[Line, ...]:
    """Measure lines between limits.

    Parameters
    ----------
    mz, counts : array, shape (n,)
        Ascending m/z of the channels, and what was counted in them (Poisson counts; after a dead-time correction the
        errors of strong lines are too small).
    limits : sequence of (low, high)
        In m/z. A channel belongs to a line if its m/z lies within.
    ground : "none" or "linear"
        What is subtracted: nothing, or a straight line through the mean counts of the nearest channels on both sides
        that belong to no line; their errors enter.
    others : sequence of (low, high)
        Limits of further lines, which are no background.

    Raises
    ------
    BadData
        If limits hold no channel.
    """
    y = np.asarray(counts, dtype=float)
    spans = [_span(mz, low, high) for low, high in limits]
    taken = np.zeros(y.size, dtype=bool)
    for first, stop in spans:
        taken[first:stop] = True
    for low, high in others:
        first, stop = np.searchsorted(mz, (low, high))
        taken[first:stop] = True
    free = np.flatnonzero(~taken)
    return tuple(_measured(mz, y, span, limit, free, ground) for span, limit in zip(spans, limits, strict=True))


def _span(mz: FloatArray, low: float, high: float) -> tuple[int, int]:
    if not low < high:
        raise BadData("The limits of a line must ascend", where=f"{low:.4f} to {high:.4f}")
    first, stop = (int(i) for i in np.searchsorted(mz, (low, high), "left"))
    stop += int(stop < mz.size and mz[stop] == high)
    if stop <= first:
        raise BadData("No channel lies between these limits", where=f"m/z {low:.4f} to {high:.4f}",
                      todo="Widen them, or look where the spectrum was measured")
    return first, stop


def _measured(
    mz: FloatArray, y: FloatArray, span: tuple[int, int], limit: tuple[float, float], free: np.ndarray, ground: Ground
) -> Line:
    first, stop = span
    size = stop - first
    gross = float(y[first:stop].sum())
    level, slope, variance = _ground(y, span, free) if ground == "linear" else (0.0, 0.0, 0.0)
    background, error = size * level, size * math.sqrt(variance)
    net = gross - background
    counts_error = math.hypot(math.sqrt(max(gross, 1.0)), error)
    middle = 0.5 * (first + stop - 1)
    bare = Line(mass_at(mz, middle), math.nan, *limit, net, counts_error, background, error)
    if net < 3.0 * counts_error or size < 2:
        return bare
    at = np.arange(first, stop, dtype=float)
    line = y[first:stop] - (level + slope * (at - middle))
    return _shaped(mz, y, at, line, bare)


def _ground(y: FloatArray, span: tuple[int, int], free: np.ndarray) -> tuple[float, float, float]:
    """Level in the middle of a line, slope a channel, and variance of the level, from free channels on both sides."""
    first, stop = span
    want = max(math.ceil(_SIDE * (stop - first)), _FEWEST)
    reach = _REACH * (stop - first) + _FEWEST
    left, right = int(np.searchsorted(free, first)), int(np.searchsorted(free, stop))
    sides = []
    for part in (free[max(left - want, 0) : left], free[right : right + want]):
        part = part[(part >= first - reach) & (part < stop + reach)]
        if part.size:
            mean = float(y[part].mean())
            # Zero counts have an error too: one count at most was missed (rule of succession).
            sides.append((float(part.mean()), mean, max(float(y[part].sum()), 1.0) / part.size**2))
    middle = 0.5 * (first + stop - 1)
    if not sides:
        return 0.0, 0.0, 0.0
    if len(sides) == 1:
        return sides[0][1], 0.0, sides[0][2]
    (x0, b0, v0), (x1, b1, v1) = sides
    share = (middle - x0) / (x1 - x0)
    return (1 - share) * b0 + share * b1, (b1 - b0) / (x1 - x0), (1 - share) ** 2 * v0 + share**2 * v1


def _shaped(mz: FloatArray, y: FloatArray, at: FloatArray, line: FloatArray, bare: Line) -> Line:
    """The line with centroid and width where the counts tell them."""
    guess = max(at.size / LIMIT_WIDTHS, 1.0)
    gross = y[int(at[0]) : int(at[-1]) + 1]
    blurred = min(_BLURRED * max(_PLENTY / max(bare.counts, 1.0), 1.0) ** 0.33, 0.8)
    crossing = _half_width(at, line, gross, max(round(blurred * guess), 1)) if bare.counts > _FOR_WIDTH else None
    start, width, width_error = crossing or (float(at[int(np.argmax(line))]), guess, math.nan)
    known = width_error < _WIDTH_ERROR * width
    coarse = (width if known else guess) < 2.0
    centre, error = _centroid(at, line, gross, start, max(width if known else guess, 1.0))
    if coarse:
        error = math.hypot(error, 1.0 / math.sqrt(12.0))
    place = min(max(centre, 0.5), mz.size - 1.5)
    step = mass_at(mz, place + 0.5) - mass_at(mz, place - 0.5)
    if coarse:
        width, width_error = 2.0, math.nan
    elif not known:
        width = width_error = math.nan
    return replace(bare, mass=mass_at(mz, centre), mass_error=error * step, width=width * step,
                   width_error=width_error * step, coarse=coarse)


def _half_width(at: FloatArray, line: FloatArray, gross: FloatArray, size: int) -> tuple[float, float, float] | None:
    """Middle, full width and its error at half height of a line smoothed over some channels, in channels."""
    kernel = np.ones(size) / size
    smooth = np.convolve(line, kernel, "same")
    found = _crossings(at, smooth)
    if found is None:
        return None
    # The highest channel is high by chance too: the height is that of a parabola over the top.
    near = np.abs(at - 0.5 * (found[0] + found[1])) <= _TOP * (found[1] - found[0])
    if np.count_nonzero(near) >= 5:
        curve = np.polynomial.Polynomial.fit(at[near], smooth[near], 2).convert().coef
        if curve.size == 3 and curve[2] < 0:
            found = _crossings(at, smooth, float(curve[0] - 0.25 * curve[1] ** 2 / curve[2])) or found
    low, high, i, j = found
    noise = np.convolve(gross, kernel, "same") / size
    top = int(np.argmax(smooth))
    variance = 0.0
    for k, neighbour in ((i, i + 1), (j, j - 1)):
        slope = abs(smooth[neighbour] - smooth[k])
        here = 0.5 * (noise[neighbour] + noise[k])
        variance += (here + 0.25 * noise[top]) / max(slope, 1e-12) ** 2
    width = high - low
    # Smoothing and the channel itself widen a Gaussian by the variances of their boxes (Sheppard).
    true = math.sqrt(max(width**2 - SIGMA_TO_FWHM**2 * size**2 / 12.0, 0.25 * width**2))
    return 0.5 * (low + high), true, math.hypot(math.sqrt(variance), _SYSTEMATIC * true + _FEW / true)


def _crossings(at: FloatArray, line: FloatArray, height: float = 0.0) -> tuple[float, float, int, int] | None:
    """Where a line crosses half of its height (by default its maximum), and the channels just outside, or None."""
    top = int(np.argmax(line))
    half = 0.5 * (height if 0 < height <= line[top] else float(line[top]))
    below = line < half
    left, right = np.flatnonzero(below[:top]), np.flatnonzero(below[top:])
    if not left.size or not right.size or half <= 0:
        return None
    i, j = int(left[-1]), top + int(right[0])
    return at[i] + _share(half, line[i], line[i + 1]), at[j] - _share(half, line[j], line[j - 1]), i, j


def _share(level: float, below: float, above: float) -> float:
    """Where a flank crosses a level between two channels; by logarithms, in which the flank of a bell is straighter."""
    if below > 0:
        return math.log(level / below) / math.log(above / below)
    return (level - below) / (above - below)


def _centroid(
    at: FloatArray, line: FloatArray, gross: FloatArray, start: float, width: float
) -> tuple[float, float]:
    """Zero of sum(y u exp(-u^2/2s^2)), u = t - c, and its error (sandwich formula of M-estimators).

    P. J. Huber, Robust Statistics (1981), chapter 3: variance = sum(g^2 var y) / (sum g' y)^2.
    """
    scale = _WIDER * width / SIGMA_TO_FWHM
    centre = start
    for _ in range(200):
        weights = line * np.exp(-0.5 * ((at - centre) / scale) ** 2)
        total = float(weights.sum())
        if total <= 0:
            return start, math.nan
        before, centre = centre, float(np.clip(np.sum(at * weights) / total, start - width, start + width))
        if abs(centre - before) < 1e-6 * width:
            break
    u = at - centre
    bell = np.exp(-0.5 * (u / scale) ** 2)
    steep = float(np.sum(line * bell * (1.0 - (u / scale) ** 2)))
    if steep <= 0:
        return centre, math.nan
    return centre, math.sqrt(float(np.sum(np.maximum(gross, 0.0) * (u * bell) ** 2))) / steep
