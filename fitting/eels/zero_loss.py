"""The zero-loss peak: its position and width below the channel, and the alignment of many spectra.

Everything works on arrays (*navigation, n) at once. The peak's core is taken as a Gaussian whose three parameters are
the Poisson maximum-likelihood ones (a logarithmic parabola, reweighted), which is neither biased by empty channels nor
slow: thousands of spectra take milliseconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from libraries.errors import BadData

BoolArray = NDArray[np.bool_]

# Why a peak cannot be measured, by code; 0 is a good peak.
FAULTS: dict[int, str] = {
    1: "there are no counts",
    2: "the zero-loss peak is cropped: it does not fall to half its height on both sides",
    3: "the zero-loss peak is saturated: its top is flat",
    4: "the peak is too faint or has no top",
}
OK, EMPTY, CROPPED, SATURATED, FAINT = range(5)
HALF_WIDTH = 4  # channels on either side of the maximum (science notes E9)
_ITERATIONS = 3
# Channels on either side of the maximum that are looked at first: a small part of the work where spectra are long.
_LOOK = 20
# A flat top is this many neighbouring channels with exactly the same largest value, above this many events.
_FLAT, _FLAT_EVENTS = 3, 100.0


@dataclass(frozen=True, eq=False)
class ZeroLoss:
    """Measured zero-loss peaks; NaN where `fault` is not 0.

    Attributes
    ----------
    position, position_err : array, shape (*navigation,)
        In eV.
    fwhm : array
        Full width at half maximum of the data in eV: the energy resolution.
    height : array
        Of the fitted core, in the unit of the counts.
    fault : int array
        A key of `FAULTS`, or 0.
    fwhm_err : array
        In eV.
    """

    position: FloatArray
    position_err: FloatArray
    fwhm: FloatArray
    height: FloatArray
    fault: NDArray[np.int8]
    fwhm_err: FloatArray


def locate(
    energy: FloatArray, counts: NDArray[Any], *, gain: float = 1.0, saturation: float | None = None,
    half_width: int | None = None, strict: bool = True,
) -> ZeroLoss:
    """Position and width of the zero-loss peak of every spectrum.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV.
    counts : array, shape (*navigation, n)
        The highest channel belongs to the zero-loss peak (crop the axis where a plasmon is higher).
    gain : float
        Counts per electron, for the errors of position and width.
    saturation : float, optional
        Count at which the detector saturates; without it a flat top is looked for.
    half_width : int, optional
        Channels on either side of the maximum that are fitted; default 4, or half the median width if that is more.
    strict : bool
        Raise at the first faulty spectrum; otherwise it is flagged.

    Returns
    -------
    ZeroLoss

    Raises
    ------
    BadData
        If the axis is not even, shapes disagree, or (with `strict`) a peak is empty, cropped, saturated or faint.

    References
    ----------
    Log-parabola through the central channels: science notes E9. Reweighting: P. McCullagh, J. A. Nelder, Generalized
    Linear Models, 2nd ed. (1989), chapter 2.
    """
    counts = np.asarray(counts)
    step = _even_step(energy, counts)
    if half_width is not None and half_width < 1:
        raise BadData("At least one channel on either side is needed", where="zero-loss peak")
    shape = counts.shape[:-1]
    whole = counts.reshape(-1, energy.size)
    rows, top, first = _near(whole)
    fault = _faults(rows, top, gain, saturation)
    if rows.shape[1] < energy.size and np.any(fault == CROPPED):
        # Wider than what was looked at, or truly cropped: only whole spectra can tell.
        rows, top, first = np.asarray(whole, dtype=float), top + first, np.zeros_like(first)
        fault = _faults(rows, top, gain, saturation)
    half_width = half_width or _half_width(rows, top, fault == OK)
    if rows.shape[1] < min(2 * half_width + 1, energy.size):
        rows, top, first = np.asarray(whole, dtype=float), top + first, np.zeros_like(first)
    if energy.size < 2 * half_width + 1:
        fault[fault == OK] = CROPPED
    position, error, fwhm, height, fwhm_err = (np.full(len(rows), np.nan) for _ in range(5))
    good = np.flatnonzero(fault == OK)
    if good.size:
        centre, variance, log_height, height_var, found = _gaussian_core(rows[good], top[good], half_width, gain)
        fault[good[~found]] = FAINT
        keep = good[found]
        position[keep] = energy[0] + step * (first[keep] + centre[found])
        error[keep] = step * np.sqrt(variance[found])
        height[keep] = np.exp(log_height[found])
        widths, spread = _width(rows[keep], top[keep], height[keep], gain, height_var[found])
        fwhm[keep], fwhm_err[keep] = step * widths, step * np.sqrt(spread)
    lost = (fault == OK) & ~np.isfinite(fwhm)
    fault[lost] = CROPPED
    for values in (position, error, height, fwhm_err):
        values[lost] = np.nan
    if strict and np.any(fault):
        _complain(fault, shape)
    shaped = [values.reshape(shape) for values in (position, error, fwhm, height)]
    return ZeroLoss(*shaped, fault.reshape(shape), fwhm_err.reshape(shape))


def _near(whole: NDArray[Any]) -> tuple[FloatArray, NDArray[np.intp], NDArray[np.intp]]:
    """Channels about the maximum of every spectrum, its place in them, and the place of their first in the spectrum."""
    top = np.argmax(whole, axis=1)
    count = 2 * _LOOK + 1
    if whole.shape[1] <= count:
        return np.asarray(whole, dtype=float), top, np.zeros_like(top)
    first = np.clip(top - _LOOK, 0, whole.shape[1] - count)
    near = np.lib.stride_tricks.sliding_window_view(whole, count, axis=1)[np.arange(len(whole)), first]
    return np.asarray(near, dtype=float), top - first, first


def _half_width(rows: FloatArray, top: NDArray[np.intp], good: BoolArray) -> int:
    # A sample of the spectra is enough for one number.
    chosen = np.flatnonzero(good)[:: max(1, int(np.count_nonzero(good)) // 64)]
    if not chosen.size:
        return HALF_WIDTH
    widths, _ = _width(rows[chosen], top[chosen], rows[chosen, top[chosen]])
    known = widths[np.isfinite(widths)]
    return max(HALF_WIDTH, int(np.ceil(0.5 * np.median(known)))) if known.size else HALF_WIDTH


def _complain(fault: NDArray[np.int8], shape: tuple[int, ...]) -> None:
    bad = np.flatnonzero(fault)
    place = "zero-loss peak"
    if shape:
        index = tuple(int(i) for i in np.unravel_index(bad[0], shape))
        place += f" of spectrum {index}" + (f" and {bad.size - 1} more" if bad.size > 1 else "")
    todo = {CROPPED: "Record or load the whole zero-loss peak", SATURATED: "Use a shorter exposure",
            FAINT: "Add spectra up before measuring", EMPTY: "Check the window"}[int(fault[bad[0]])]
    raise BadData(FAULTS[int(fault[bad[0]])].capitalize(), where=place, todo=todo)


def _even_step(energy: FloatArray, counts: FloatArray) -> float:
    if energy.ndim != 1 or energy.size < 3 or counts.shape[-1:] != energy.shape:
        raise BadData(f"Intensities of shape {counts.shape} do not fit {energy.size} energies", where="zero-loss peak")
    steps = np.diff(energy)
    step = float(np.mean(steps))
    if step <= 0 or np.any(np.abs(steps - step) > 1e-3 * step):
        raise BadData("The energy axis is not evenly spaced", where="zero-loss peak", todo="Resample it first")
    return step


def _faults(rows: FloatArray, top: NDArray[np.intp], gain: float, saturation: float | None) -> NDArray[np.int8]:
    fault = np.zeros(len(rows), np.int8)
    peak = np.take_along_axis(rows, top[:, None], axis=1)[:, 0]
    inside = np.arange(rows.shape[1])
    low = rows <= 0.5 * peak[:, None]
    left, right = np.any(low & (inside < top[:, None]), axis=1), np.any(low & (inside > top[:, None]), axis=1)
    fault[~(left & right)] = CROPPED
    if saturation is not None:
        fault[peak >= saturation] = SATURATED
    else:
        level = rows == peak[:, None]
        run = level[:, : -_FLAT + 1].copy()
        for offset in range(1, _FLAT):
            run &= level[:, offset : rows.shape[1] - _FLAT + 1 + offset]
        fault[np.any(run, axis=1) & (peak > _FLAT_EVENTS * gain)] = SATURATED
    fault[peak <= 0] = EMPTY
    return fault


def _gaussian_core(
    rows: FloatArray, top: NDArray[np.intp], half: int, gain: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, BoolArray]:
    """Centre (in channels), ln height, their variances, and whether there is a top, of ln m = a + b x + c x^2.

    In the order centre, its variance, ln height, its variance, top.
    """
    n = rows.shape[1]
    offset = np.arange(-half, half + 1)
    index = np.clip(top, half, n - 1 - half)
    window = np.take_along_axis(rows, index[:, None] + offset, axis=1)
    x = offset / half
    design = np.stack((np.ones_like(x), x, x * x))
    # Start: counts weighted by themselves; channels without counts do not enter.
    seen = np.maximum(window, 0.0)
    response, weight = np.log(np.where(seen > 0, seen, 1.0)), seen
    coefficients = _solve(design, weight, response)[0]
    for _ in range(_ITERATIONS):
        expected = np.exp(np.clip(coefficients @ design, -30.0, 60.0))
        response = coefficients @ design + (window - expected) / expected
        coefficients, inverse = _solve(design, expected, response)
    a, b, c = coefficients.T
    found = c < 0
    safe = np.where(found, c, -1.0)
    centre = -b / (2.0 * safe)
    found &= np.abs(centre) <= 1.0
    gradient = np.stack((np.zeros_like(b), -0.5 / safe, b / (2.0 * safe**2)), axis=1)
    variance = gain * np.einsum("ri,rij,rj->r", gradient, inverse, gradient)
    found &= variance > 0
    log_height = np.where(found, a - b * b / (4.0 * safe), 0.0)
    found &= log_height < 690.0
    gradient = np.stack((np.ones_like(b), -b / (2.0 * safe), b * b / (4.0 * safe**2)), axis=1)
    height_var = gain * np.maximum(np.einsum("ri,rij,rj->r", gradient, inverse, gradient), 0.0)
    place = index + half * np.clip(centre, -1, 1)
    return place, half**2 * np.maximum(variance, 0.0), log_height, height_var, found


def _solve(design: FloatArray, weight: FloatArray, response: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares of many rows on 1, x, x^2: coefficients (rows, 3) and inverse normals (rows, 3, 3)."""
    x = design[1]
    m0, m1, m2, m3, m4 = (weight @ np.stack([x**p for p in range(5)], axis=1)).T
    # The inverse of a symmetric 3 x 3 matrix by its cofactors.
    c00, c01, c02 = m2 * m4 - m3 * m3, m2 * m3 - m1 * m4, m1 * m3 - m2 * m2
    c11, c12, c22 = m0 * m4 - m2 * m2, m1 * m2 - m0 * m3, m0 * m2 - m1 * m1
    determinant = m0 * c00 + m1 * c01 + m2 * c02
    # Rows with too few filled channels have no solution; a zero curvature there makes them "faint".
    solvable = determinant > 1e-12 * (m0 * m2 * m4 + 1e-300)
    factor = np.where(solvable, 1.0 / np.where(solvable, determinant, 1.0), 0.0)
    inverse = np.stack((c00, c01, c02, c01, c11, c12, c02, c12, c22), axis=1) * factor[:, None]
    inverse = inverse.reshape(-1, 3, 3)
    right = (weight * response) @ design.T
    return np.einsum("rij,rj->ri", inverse, right), inverse


def _width(
    rows: FloatArray, top: NDArray[np.intp], height: FloatArray, gain: float = 1.0, height_var: FloatArray | float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Distance in channels of the half-height points, interpolated along the logarithm with its curvature; variance.

    A half-height point moves by the scatter of the two channels about it over the slope there, and both move together
    with the height (`height_var`, of its logarithm).
    """
    n = rows.shape[1]
    half = 0.5 * height[:, None]
    inside = np.arange(n)
    low = rows <= half
    right = np.argmax(low & (inside > top[:, None]), axis=1)
    left = n - 1 - np.argmax((low & (inside < top[:, None]))[:, ::-1], axis=1)
    ok = (right > top) & (left < top)
    right, left = np.where(ok, right, top + 1), np.where(ok, left, top - 1)
    ends, variance, reach = [], np.zeros(len(rows)), np.zeros(len(rows))
    for outer, inward in ((right, -1), (left, 1)):
        nodes = np.clip(outer[:, None] + inward * np.array([-1, 0, 1, 2]), 0, n - 1)
        values = np.maximum(np.take_along_axis(rows, nodes, axis=1), 1e-3 * half)
        logs = np.log(values / half)
        part = _crossing(logs)
        ends.append(outer + inward * part)
        slope = np.maximum(logs[:, 2] - logs[:, 1], 1e-6)
        variance += gain / np.maximum(half[:, 0], 1e-300) * ((1.0 - part) ** 2 + part**2) / slope**2
        reach += 1.0 / slope
    return np.where(ok, ends[0] - ends[1], np.nan), variance + reach**2 * height_var


def _crossing(logs: FloatArray) -> FloatArray:
    """Where the curve through four points at -1, 0, 1, 2 crosses zero between 0 and 1, as a fraction."""
    start = -logs[:, 1]
    rise = logs[:, 2] - logs[:, 1]
    bend = 0.25 * (logs[:, 0] - logs[:, 1] - logs[:, 2] + logs[:, 3])  # half the mean second difference
    f = np.where(rise > 0, start / np.where(rise > 0, rise, 1.0), 0.5)
    for _ in range(8):
        f = np.where(rise > 0, np.clip((start - bend * f * (f - 1.0)) / np.where(rise > 0, rise, 1.0), 0.0, 1.0), f)
    return f


@dataclass(frozen=True, eq=False)
class Aligned:
    """Spectra on one common axis.

    Attributes
    ----------
    energy : array, shape (m,)
        Zero at the zero-loss peak.
    counts : array, shape (*navigation, m)
        Moved by linear interpolation, which keeps counts and sign; channels that not every spectrum covers are gone.
    shift : array, shape (*navigation,)
        What was subtracted from each energy axis, eV.
    correlation : array, shape (*navigation,)
        Of neighbouring channels, that the interpolation brings.
    """

    energy: FloatArray
    counts: FloatArray
    shift: FloatArray
    correlation: FloatArray


def align(energy: FloatArray, counts: NDArray[Any], position: FloatArray) -> Aligned:
    """Move every spectrum so that its zero-loss peak lies at 0 eV.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV.
    counts : array, shape (*navigation, n)
    position : array, shape (*navigation,)
        Zero-loss positions in eV, as from `locate`.

    Returns
    -------
    Aligned

    Raises
    ------
    BadData
        If a position is missing, shapes disagree, or the spectra have no common range.
    """
    counts = np.asarray(counts)
    step = _even_step(energy, counts)
    position = np.asarray(position, dtype=float)
    if position.shape != counts.shape[:-1]:
        raise BadData(f"{position.shape} positions for spectra {counts.shape[:-1]}", where="alignment")
    if not np.all(np.isfinite(position)):
        raise BadData("The position of a zero-loss peak is not known", where="alignment",
                      todo="Leave those spectra out, or give them their neighbours' position")
    first, last = common_range(energy, position, 0.0)
    moved, part = move(energy, counts.reshape(-1, energy.size), position.reshape(-1), step * first, last - first + 1)
    correlation = part * (1.0 - part) / ((1.0 - part) ** 2 + part**2)
    return Aligned(step * np.arange(first, last + 1), moved.reshape(*position.shape, -1), position,
                   correlation.reshape(position.shape))


def common_range(energy: FloatArray, shift: FloatArray, origin: float) -> tuple[int, int]:
    """First and last channel, counted from `origin` (eV), that every spectrum covers once its shift is subtracted.

    Raises
    ------
    BadData
        If there is no common range.
    """
    step = float(np.mean(np.diff(energy)))
    slack = 1e-9
    first = int(np.ceil((energy[0] - float(np.min(shift)) - origin) / step - slack))
    last = int(np.floor((energy[-1] - float(np.max(shift)) - origin) / step + slack))
    if last - first < 2:
        raise BadData("The spectra have no common energy range", where="alignment")
    return first, last


def move(
    energy: FloatArray, rows: FloatArray, shift: FloatArray, start: float, channels: int, *, whole: bool = False
) -> tuple[FloatArray, FloatArray]:
    """Spectra read at `start + step * k + shift`, k = 0 to `channels` - 1.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV.
    rows : array, shape (k, n)
    shift : array, shape (k,)
        In eV.
    start, channels : float, int
        The new axis.
    whole : bool
        Move by whole channels, without interpolation.

    Returns
    -------
    moved, part : array, shape (k, channels) and (k,)
        `part` is the fraction of a channel over which each spectrum was interpolated.
    """
    step = float(energy[-1] - energy[0]) / (energy.size - 1)
    place = (start + shift - energy[0]) / step
    if whole:
        place = np.round(place)
    low = np.floor(place + 1e-9).astype(int)
    part = np.maximum(place - low, 0.0)
    part[part < 1e-9] = 0.0
    moved = np.empty((len(rows), channels))
    for out, row, first, f in zip(moved, rows, low.tolist(), part.tolist(), strict=True):
        # Ends may lie half a channel outside by rounding: they repeat the last channel, with weight zero.
        if first < 0 or first + channels + 1 > row.size:
            row = row[np.clip(np.arange(first, first + channels + 1), 0, row.size - 1)]
            first = 0
        np.multiply(row[first : first + channels], 1.0 - f, out=out)
        if f:
            out += f * row[first + 1 : first + channels + 1]
    return moved, part
