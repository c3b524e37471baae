"""Finding the lines of a mass spectrum: where more is counted than the background can be by chance.

A window as wide as a line is compared with the free channels around it. Given the sum of both, the counts of the
window are binomial when there is no line (J. Przyborowski, H. Wilenski, Biometrika 31, 313 (1940)), which is exact for
few counts and for a background that is itself only counted. A probability below `false_lines` over the number of
channels makes a line (Bonferroni), so that a spectrum without any shows no more than that many on the average.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.signal import find_peaks, peak_prominences
from scipy.special import betainc, ndtri

from fitting.dataset import FloatArray
from fitting.sims.lines import LIMIT_WIDTHS, Line, mass_at, measure
from libraries.errors import BadData, Cancelled, NotDetermined

FALSE_LINES = 0.05  # expected lines of a spectrum that holds none: one spectrum in twenty; our choice
LOWEST = 0.5  # m/z; before the lightest ion lie the start pulse and electrons
_WINDOW = 1.2  # of a line's width: near the optimum of a Gaussian line on a background
_GAP, _AROUND, _LEAST = 1.5, 12.0, 40  # the background: from 1.5 to 12 widths away, 40 channels at least
_STRONG, _STRONGEST = 300.0, 60  # counts of a line that tells the width, and how many of them are asked
_ROUNDS = 12
_COARSE_WIDTH = 3.0  # channels, where no strong line tells the width


@dataclass(frozen=True)
class WidthLaw:
    """Full width at half maximum of lines: in channels, width^2 = constant^2 + rising^2 m/z.

    The constant part is the pulse and the recorder, the other the spread of energies, which grows with the time of
    flight. Least squares over the strongest lines.
    """

    constant: float
    rising: float
    lines: int = 0

    def channels(self, mz: FloatArray) -> FloatArray:
        """Width in channels at m/z, one at least."""
        return np.maximum(np.sqrt(self.constant**2 + self.rising**2 * np.maximum(mz, 0.0)), 1.0)

    def at(self, mz: FloatArray, mass: float) -> float:
        """Width in m/z at a mass of a spectrum with these channels."""
        i = int(np.clip(np.searchsorted(mz, mass), 1, mz.size - 2))
        return float(self.channels(np.array([mass]))[0]) * float(mz[i + 1] - mz[i - 1]) / 2.0


@dataclass(frozen=True, eq=False)
class Found:
    """The lines of a spectrum.

    Attributes
    ----------
    lines : tuple of Line
        By ascending m/z.
    widths : WidthLaw
    false_lines : float
        Expected number among them if the spectrum held none.
    """

    lines: tuple[Line, ...]
    widths: WidthLaw
    false_lines: float


def find_lines(
    mz: FloatArray,
    counts: FloatArray,
    *,
    false_lines: float = FALSE_LINES,
    resolution: float = 0.0,
    low: float = LOWEST,
    high: float = math.inf,
    progress: Callable[[float, str], None] = lambda _f, _t: None,
    cancel: Callable[[], bool] = lambda: False,
) -> Found:
    """Find all lines and measure them.

    Parameters
    ----------
    mz, counts : array, shape (n,)
        Ascending, even in time of flight; Poisson counts.
    false_lines : float
        See above.
    resolution : float
        m/dm of the lines; 0: the strongest lines tell it.
    low, high : float
        Only lines between these m/z are reported.

    Raises
    ------
    BadData
        If the arrays disagree, or counts are negative.
    """
    y, x = np.asarray(counts, dtype=float), np.asarray(mz, dtype=float)
    if y.ndim != 1 or x.shape != y.shape or x.size < 10:
        raise BadData("A mass spectrum needs ten channels at least, each with its counts")
    if np.any(y < 0):
        raise BadData("Lines are found in counts, which are zero or above", todo="Look at the steps of the recipe")
    if not false_lines > 0:
        raise BadData("The number of false lines must be above zero")
    widths = _given(x, resolution) if resolution > 0 else width_law(x, y)
    progress(0.1, "Looking for lines")
    in_channels = widths.channels(x)
    limit = min(false_lines / y.size, 0.5)
    significant = _significant(y, in_channels, limit, progress, cancel)
    tops = _tops(y, in_channels, significant, limit)
    if cancel():
        raise Cancelled
    progress(0.8, "Measuring lines")
    limits = [(a, b) for a, b in _limits(x, y, in_channels, tops) if b >= low and a <= high]
    lines = measure(x, y, limits)
    # What stood on the slope of a line, or between two, is none above its own two sides.
    needed = -float(ndtri(limit))
    while len(kept := [one for one in lines if one.counts > needed * one.empty_error]) < len(lines):
        lines = measure(x, y, [(one.low, one.high) for one in kept])
    return Found(lines, widths, false_lines)


def line_at(mz: FloatArray, counts: FloatArray, at: float, reach: float, widths: WidthLaw | None = None) -> Line:
    """The line at a place that the analyst points to: the highest within a reach.

    Parameters
    ----------
    mz, counts : array, shape (n,)
    at, reach : float
        In m/z.
    widths : WidthLaw, optional
        By default of the strongest lines.

    Raises
    ------
    NotDetermined
        If there is no line.
    """
    y, law = np.asarray(counts, dtype=float), widths or width_law(mz, counts)
    middle = int(np.clip(np.searchsorted(mz, at), 1, mz.size - 2))
    width = float(law.channels(mz[middle : middle + 1])[0])
    step = 0.5 * float(mz[middle + 1] - mz[middle - 1])
    around = int(max(reach / step, 2 * width)) + int(20 * width) + _LEAST
    first, stop = max(middle - around, 0), min(middle + around + 1, mz.size)
    x, y = np.asarray(mz[first:stop], dtype=float), y[first:stop]
    smooth = _smooth(y, np.full(y.size, 0.7 * width))
    inside = np.flatnonzero(np.abs(x - at) <= max(reach, 1.01 * step))
    if not inside.size or not np.any(smooth[inside] > 0):
        raise NotDetermined(f"Nothing is counted at m/z {at:.4f}", todo="Click on a line")
    top = int(inside[np.argmax(smooth[inside])])
    span = max(round(0.5 * LIMIT_WIDTHS * width), 1)
    low = _valley(smooth[max(top - span, 0) : top + 1][::-1], top, -1)
    high = _valley(smooth[top : top + span + 1], top, 1)
    line = measure(x, y, [(mass_at(x, low - 0.5), mass_at(x, high + 0.5))])[0]
    if not (line.significant and math.isfinite(line.mass_error)):
        raise NotDetermined(f"No line stands out at m/z {at:.4f}", todo="Click on a stronger line")
    return line


def _valley(falling: FloatArray, top: int, direction: int) -> int:
    """Last channel before a line's neighbour: where the counts are lowest, if they rise clearly behind that."""
    lowest = int(np.argmin(falling))
    rise = float(falling[lowest:].max()) - float(falling[lowest])
    clear = rise > 3.0 * math.sqrt(float(falling[lowest:].max()) + float(falling[lowest]) + 1.0)
    return top + direction * (max(lowest, 1) if clear else falling.size - 1)


def width_law(mz: FloatArray, counts: FloatArray) -> WidthLaw:
    """How wide lines are, from the strongest ones of the spectrum."""
    y = np.array(counts, dtype=float)
    found = []
    for _ in range(_STRONGEST):
        top = int(np.argmax(y))
        height = y[top]
        if height <= 0:
            break
        reach = np.flatnonzero(y[max(top - 4000, 0) : top + 4001] < 0.5 * height) + max(top - 4000, 0)
        left, right = reach[reach < top], reach[reach > top]
        if not left.size or not right.size:
            y[max(top - 50, 0) : top + 51] = 0.0
            continue
        i, j = int(left[-1]), int(right[0])
        low = i + (0.5 * height - y[i]) / (y[i + 1] - y[i])
        high = j - (0.5 * height - y[j]) / (y[j - 1] - y[j])
        total, width = float(y[i : j + 1].sum()), high - low
        if total >= _STRONG and mz[top] > 0.5:
            found.append((float(mz[top]), float(width), total))
        y[max(int(top - 3 * width) - 1, 0) : int(top + 3 * width) + 2] = 0.0
    if not found:
        return WidthLaw(_COARSE_WIDTH, 0.0)
    m, w = np.array([one[0] for one in found]), np.array([one[1] for one in found])
    return _fitted(m, w)


def _fitted(m: FloatArray, w: FloatArray) -> WidthLaw:
    """Constant and rising part; lines that are far too wide (overlaps) or too narrow are left out."""
    use = np.ones(m.size, dtype=bool)
    a, b = float(np.median(w)) ** 2, 0.0
    for _ in range(5):
        if np.count_nonzero(use) >= 4 and np.ptp(m[use]) > 5.0:
            weight = 1.0 / w[use] ** 2
            b, a = np.polyfit(m[use], w[use] ** 2, 1, w=weight)
        if a < 0:  # the rising part alone
            a, b = 0.0, float(np.median(w[use] ** 2 / m[use]))
        if b < 0:
            a, b = float(np.median(w[use])) ** 2, 0.0
        ratio = w / np.sqrt(np.maximum(a + b * m, 1e-6))
        new = (ratio > 0.6) & (ratio < 1.5)
        if not new.any() or np.array_equal(new, use):
            break
        use = new
    return WidthLaw(math.sqrt(max(a, 0.0)), math.sqrt(max(b, 0.0)), int(np.count_nonzero(use)))


def _given(mz: FloatArray, resolution: float) -> WidthLaw:
    """A constant m/dm: width in channels = m / (R dm/dchannel), and dm/dchannel rises as sqrt(m)."""
    inside = np.flatnonzero(mz > 0)
    at = inside[inside.size // 2]
    step = float(mz[min(at + 1, mz.size - 1)] - mz[at - 1]) / 2.0
    return WidthLaw(0.0, float(mz[at]) / (resolution * step) / math.sqrt(float(mz[at])))


def _sums(total: FloatArray, half: np.ndarray) -> tuple[FloatArray, np.ndarray]:
    """Sums over i - half ... i + half from a running total (with a zero in front), and the numbers of channels."""
    n = total.size - 1
    at = np.arange(n)
    first, stop = np.maximum(at - half, 0), np.minimum(at + half + 1, n)
    return total[stop] - total[first], stop - first


def _smooth(y: FloatArray, widths: FloatArray) -> FloatArray:
    """Sums over so many channels, with parts of the outermost two: a width that rises makes no steps."""
    total = _running(y)
    half = np.maximum((widths - 1) / 2, 0.0)
    whole = half.astype(int)
    inner = _sums(total, whole)[0]
    return inner + (half - whole) * (_sums(total, whole + 1)[0] - inner)


def _running(y: FloatArray) -> FloatArray:
    return np.concatenate([[0.0], np.cumsum(y)])


def _significant(
    y: FloatArray, widths: FloatArray, limit: float, progress: Callable[[float, str], None], cancel: Callable[[], bool]
) -> np.ndarray:
    """Channels whose window holds more than the background, which is counted anew without the lines found so far."""
    half = np.maximum(np.round((_WINDOW * widths - 1) / 2), 0).astype(int)
    gap, around = np.ceil(_GAP * widths).astype(int), np.maximum(_AROUND * widths, _LEAST).astype(int)
    inside, size = _sums(_running(y), half)
    taken = np.zeros(y.size, dtype=bool)
    significant = taken
    for turn in range(_ROUNDS):
        if cancel():
            raise Cancelled
        progress(0.1 + 0.6 * turn / _ROUNDS, "Looking for lines")
        number, ground = _free_around(y, taken, gap, around)
        share = size / np.maximum(size + number, 1)
        worth = (inside > 1) & (inside * number > ground * size + 2 * np.sqrt((ground + 1) * size * (size + number)))
        new = np.zeros(y.size, dtype=bool)
        at = np.flatnonzero(worth & (number >= size))
        new[at] = betainc(inside[at], ground[at] + 1.0, share[at]) < limit
        grown = _spread(new, half + np.ceil(0.5 * widths).astype(int))
        if np.array_equal(grown, taken):
            break
        significant, taken = new, grown | (taken if turn > _ROUNDS // 2 else False)
    return significant


def _free_around(
    y: FloatArray, taken: np.ndarray, gap: np.ndarray, around: np.ndarray
) -> tuple[FloatArray, FloatArray]:
    """Number of free channels around each channel and their counts; further away where too few are free."""
    free = ~taken
    counts, ones = _running(np.where(free, y, 0.0)), _running(free.astype(float))
    number, ground = _sums(ones, around)[0], _sums(counts, around)[0]
    far = number < 0.25 * (2 * around)
    if far.any():
        wide_n, wide_g = _sums(ones, 5 * around)[0], _sums(counts, 5 * around)[0]
        number, ground = np.where(far, wide_n, number), np.where(far, wide_g, ground)
    return number - _sums(ones, gap)[0], ground - _sums(counts, gap)[0]


def _spread(marks: np.ndarray, by: np.ndarray) -> np.ndarray:
    """Marked channels with those within `by` of them."""
    at = np.flatnonzero(marks)
    edges = np.zeros(marks.size + 1)
    np.add.at(edges, np.maximum(at - by[at], 0), 1.0)
    np.add.at(edges, np.minimum(at + by[at] + 1, marks.size), -1.0)
    return np.cumsum(edges)[:-1] > 0


def _tops(y: FloatArray, widths: FloatArray, significant: np.ndarray, limit: float) -> np.ndarray:
    """Tops of lines: of each significant stretch the highest, and those that a deep enough valley sets apart."""
    if not significant.any():
        return np.zeros(0, dtype=int)
    smooth = _smooth(y, 0.7 * widths)
    # Anscombe's transform makes the noise of counts 1 everywhere: F. J. Anscombe, Biometrika 35, 246 (1948).
    even = 2.0 * np.sqrt(smooth + 0.375)
    edges = np.diff(significant.astype(np.int8), prepend=0, append=0)
    starts, stops = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    peaks = find_peaks(even)[0]
    peaks = peaks[significant[peaks]]
    apart = peak_prominences(even, peaks)[0] if peaks.size else np.zeros(0)
    needed = -math.sqrt(2.0) * float(ndtri(limit))
    tops = set(peaks[apart >= needed].tolist())
    deep = np.array(sorted(tops), dtype=int)
    for first, stop in zip(starts, stops, strict=True):
        if np.searchsorted(deep, first) == np.searchsorted(deep, stop):
            tops.add(int(first + np.argmax(smooth[first:stop])))
    return np.array(sorted(tops), dtype=int)


def _limits(mz: FloatArray, y: FloatArray, widths: FloatArray, tops: np.ndarray) -> list[tuple[float, float]]:
    """Limits in m/z: so many widths from the top, or the valley to the next line."""
    smooth = _smooth(y, 0.5 * widths)
    valleys = [int(a + np.argmin(smooth[a : b + 1])) for a, b in pairwise(tops)]
    result = []
    for i, top in enumerate(tops):
        reach = max(0.5 * LIMIT_WIDTHS * widths[top], 1.0)
        low, high = max(top - reach, 0.0), min(top + reach, mz.size - 1.0)
        if i > 0:
            low = max(low, valleys[i - 1] + 0.5)
        if i < len(valleys):
            high = min(high, valleys[i] - 0.5)
        low, high = min(low, top - 0.5), max(high, top + 0.5)
        result.append((mass_at(mz, low), mass_at(mz, high)))
    return result
