"""Drift of single sweeps: their energy shifts and intensities, and the sum of aligned sweeps.

Each sweep k is described by the common spectrum T as a T(x - s) + c: shift s, intensity a, constant c. T is a smoothing
spline through the aligned sum of all *other* sweeps, so that a sweep is never compared with its own noise, and s, a, c
solve the likelihood equations of counted data. Aligning and comparing are repeated until no shift moves.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from scipy.interpolate import make_smoothing_spline

from fitting.dataset import FloatArray, Noise, Spectrum, frozen_array
from fitting.processing.noise import filtered, noted
from fitting.processing.smoothing import is_even
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel, Cancelled

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

_ROUNDS = 12
_PASSES = 25
_DONE = 2e-3  # of a step, or of a standard error: what moves less is final
_REACH = 0.25  # of the window: larger shifts are not looked for
METHODS = ("whole", "linear")


@dataclass(frozen=True, eq=False)
class Drift:
    """What single sweeps say.

    Attributes
    ----------
    shifts, shift_errors : array, shape (k,)
        How far each sweep stands above the mean of all, in the unit of the axis, with standard errors.
    intensities, intensity_errors : array, shape (k,)
        Height of the structure (without constants) relative to the mean.
    reduced_chi2 : float
        Of all sweeps against the common spectrum; errors of unknown noise are scaled by it.
    converged : bool
    """

    shifts: FloatArray
    shift_errors: FloatArray
    intensities: FloatArray
    intensity_errors: FloatArray
    reduced_chi2: float
    converged: bool

    def __post_init__(self) -> None:
        for name in ("shifts", "shift_errors", "intensities", "intensity_errors"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def energy_trend(self) -> tuple[float, float]:
        """Shift per sweep with its standard error."""
        return trend(self.shifts, self.shift_errors)

    @property
    def intensity_trend(self) -> tuple[float, float]:
        """Relative change of the intensity per sweep with its standard error."""
        return trend(self.intensities, self.intensity_errors)


def trend(values: FloatArray, errors: FloatArray) -> tuple[float, float]:
    """Slope per sweep of a straight line by weighted least squares, and its standard error."""
    weights = 1.0 / np.asarray(errors) ** 2
    at = np.arange(values.size, dtype=float)
    middle = at - np.sum(weights * at) / np.sum(weights)
    size = float(np.sum(weights * middle**2))
    return float(np.sum(weights * middle * values)) / size, 1.0 / math.sqrt(size)


def sweeps_of(spectrum: Spectrum) -> FloatArray:
    """Intensities of the single sweeps, shape (k, n), in the order of measurement.

    Raises
    ------
    BadData
        If there are fewer than two sweeps, or the axis has unequal steps.
    """
    y = spectrum.y.reshape(-1, spectrum.x.size)
    if len(y) < 2:
        raise BadData("A drift needs at least two sweeps", where=spectrum.name,
                      todo="Choose a series of sweeps, or several repeats of one region")
    if not is_even(spectrum.axis) or spectrum.x.size < 20:
        raise BadData("A drift needs at least 20 points with equal steps", where=spectrum.name)
    return y


def drift(
    spectrum: Spectrum,
    window: tuple[float, float] | None = None,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Drift:
    """Energy shift and intensity of every sweep of a series.

    Parameters
    ----------
    spectrum : Spectrum
        A series, navigation axes in the order of measurement.
    window : (low, high), optional
        Part of the axis that is compared; all of it by default. It must hold a peak or an edge.

    Raises
    ------
    BadData
        If a sweep holds no structure whose place could be told.
    Cancelled
    """
    if window is not None:
        spectrum = spectrum.window(*window)
    y, x, noise = sweeps_of(spectrum), spectrum.x, spectrum.noise
    step, count = spectrum.axis.step, len(y)
    shifts, scale = _coarse(y, x), np.maximum(y.mean(axis=1), 1e-300) / max(float(y.mean()), 1e-300)
    theta = np.column_stack([shifts, scale, np.zeros(count)])
    smoothing = _smoothing(x, _aligned(y, x, shifts).sum(axis=0), noise)
    converged, chi2, covariance = False, 1.0, np.zeros((count, 3, 3))
    for number in range(_ROUNDS):
        if progress is not None:
            progress(number / _ROUNDS, f"Round {number + 1}")
        if cancel is not None and cancel():
            raise Cancelled("The comparison of the sweeps was stopped", where=spectrum.name)
        before = theta.copy()
        reach = float(np.max(np.abs(before[:, 0]))) + 2 * step
        inside = (x >= x[0] + reach) & (x <= x[-1] - reach)
        if np.count_nonzero(inside) < 12:
            raise BadData("The sweeps are shifted too far against each other", where=spectrum.name)
        rows = np.array([smoothing(row) for row in _aligned(y, x, before[:, 0])])
        total, weight = rows.sum(axis=0), float(theta[:, 1].sum())
        chis = []
        for k in range(count):
            template = make_template(x, (total - rows[k]) / (weight - theta[k, 1]))
            theta[k], covariance[k], chi = _registered(y[k], x, inside, template, theta[k], noise, spectrum.name)
            chis.append(chi)
        chi2 = float(np.mean(chis))
        # Every sweep was compared with others that still stand where they stood. With an error e of one, the others'
        # answers are off by -e/(k - 1), which this share of the step takes away.
        theta[:, :2] = before[:, :2] + (count - 1) / count * (theta[:, :2] - before[:, :2])
        # Only differences and ratios can be told: the mean sweep stands at 0 and is 1 high.
        theta[:, 0] -= theta[:, 0].mean()
        theta[:, 1] /= theta[:, 1].mean()
        # Both against what they are known to: a shift in steps, an intensity in its standard error.
        moved = np.abs(theta - before)[:, :2] / np.column_stack([np.full(count, step), np.sqrt(covariance[:, 1, 1])])
        if moved.max() <= _DONE:
            converged = True
            break
    factor = 1.0 if noise.known else chi2
    covariance[:, 0] *= factor / _true_slopes(rows, inside, noise) ** 2
    covariance[:, 1] *= factor
    return _drift(theta, covariance, chi2, converged)


def _true_slopes(rows: FloatArray, inside: np.ndarray, noise: Noise) -> float:
    """Share of the squared slopes of the common spectrum that is no noise.

    Noise of the template makes it look steeper, sum(T'**2/v), than it helps to place a sweep, whose score answers to
    the true slopes only: the variance is larger by the square of this share. Products of slopes of different sweeps
    hold no noise on the average.
    """
    slopes, count = np.gradient(rows, axis=1)[:, inside], len(rows)
    level = np.maximum(rows.mean(axis=0)[inside], 1e-3 * float(np.mean(np.abs(rows))) + 1e-300)
    weights = 1.0 / level if noise.kind == "poisson" else np.ones(level.size)
    squares = np.sum(slopes**2, axis=0)
    true = (np.sum(slopes, axis=0) ** 2 - squares) / (count * (count - 1))
    scatter = squares / count - true
    share = np.sum(weights * true) / np.sum(weights * (true + scatter / (count - 1)))
    return float(np.clip(share, 0.1, 1.0))


def _drift(theta: FloatArray, covariance: FloatArray, chi2: float, converged: bool) -> Drift:
    """Shifts and intensities with the errors of their distances from the mean of all sweeps."""
    count, errors = len(theta), []
    for column in (0, 1):
        variance = covariance[:, column, column]
        errors.append(np.sqrt(variance * (1.0 - 2.0 / count) + np.sum(variance) / count**2))
    return Drift(theta[:, 0], errors[0], theta[:, 1], errors[1], chi2, converged)


def _smoothing(x: FloatArray, total: FloatArray, noise: Noise) -> Callable[[FloatArray], FloatArray]:
    """One linear smoother for all sweeps, its strength by cross-validation on their sum.

    References
    ----------
    P. Craven, G. Wahba, Numer. Math. 31, 377 (1979).
    """
    at = np.arange(x.size, dtype=float)
    floor = max(float(np.mean(np.abs(total))) * 1e-2, 1e-300)
    weights = 1.0 / np.maximum(total, floor) if noise.kind == "poisson" else np.ones(x.size)
    weights = weights / weights.mean()
    strengths = 10.0 ** np.arange(-3.0, 5.0)
    scores = [_left_out(at, total, weights, lam) for lam in strengths]
    lam = float(strengths[int(np.argmin(scores))])
    return lambda row: np.asarray(make_smoothing_spline(at, row, weights, lam)(at))


def _left_out(at: FloatArray, y: FloatArray, weights: FloatArray, lam: float) -> float:
    """Squared error at every second point when the spline knows only the others."""
    error = 0.0
    for first in (0, 1):
        used = np.zeros(at.size, bool)
        used[first::2] = True
        spline = make_smoothing_spline(at[used], y[used], weights[used], lam)
        error += float(np.sum(weights[~used] * (spline(at[~used]) - y[~used]) ** 2))
    return error


def make_template(x: FloatArray, y: FloatArray) -> Callable[[FloatArray], tuple[FloatArray, FloatArray]]:
    """A curve through smooth points, with its slope."""
    from scipy.interpolate import CubicSpline

    curve = CubicSpline(x, y)
    slope = curve.derivative()
    return lambda at: (np.asarray(curve(at)), np.asarray(slope(at)))


def _coarse(y: FloatArray, x: FloatArray) -> FloatArray:
    """Shifts to whole steps by correlation with the first half of the sweeps that came before."""
    step = (x[-1] - x[0]) / (x.size - 1)
    rows = y - y.mean(axis=1, keepdims=True)
    reach = int(_REACH * x.size)
    reference, lags = rows[0].copy(), np.zeros(len(rows))
    for k in range(1, len(rows)):
        products = [
            float(np.dot(rows[k][max(lag, 0) : x.size + min(lag, 0)], reference[max(-lag, 0) : x.size - max(lag, 0)]))
            for lag in range(-reach, reach + 1)
        ]
        lags[k] = int(np.argmax(products)) - reach
        reference += np.interp(np.arange(x.size) + lags[k], np.arange(x.size), rows[k], left=0.0, right=0.0)
    return (lags - np.median(lags)) * step


def _aligned(y: FloatArray, x: FloatArray, shifts: FloatArray) -> FloatArray:
    """Every sweep read where the common spectrum would stand."""
    return np.array([np.interp(x + s, x, row) for row, s in zip(y, shifts, strict=True)])


def _registered(
    y: FloatArray,
    x: FloatArray,
    inside: np.ndarray,
    template: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    theta: FloatArray,
    noise: Noise,
    where: str,
) -> tuple[FloatArray, FloatArray, float]:
    """Shift, intensity and constant of one sweep with their covariance, and the reduced chi2.

    Weighted least squares with weights from the model, repeated: its fixed point solves the likelihood equations.
    """
    theta, measured, at = theta.copy(), y[inside], x[inside]
    step = (x[-1] - x[0]) / (x.size - 1)
    gain = noise.gain or 1.0
    floor = max(float(np.mean(np.abs(measured))) * 1e-3, 1e-300)
    for _ in range(_PASSES):
        shape, slope = template(at - theta[0])
        model = theta[1] * shape + theta[2]
        if noise.kind == "poisson":
            variance = gain * np.maximum(model, floor) + noise.read_noise**2
        else:
            variance = np.full(at.size, noise.read_noise**2 if noise.known else 1.0)
        jacobian = np.column_stack([-theta[1] * slope, shape, np.ones(at.size)]) / np.sqrt(variance)[:, None]
        residual = (measured - model) / np.sqrt(variance)
        size = np.sqrt(np.sum(jacobian**2, axis=0))
        if not np.all(size > 0):
            raise BadData("A sweep has no structure whose place could be told", where=where)
        normal = (jacobian / size).T @ (jacobian / size)
        if np.linalg.cond(normal) > 1e10:
            raise BadData("A sweep has no structure whose place could be told", where=where,
                          todo="Choose a window with a peak")
        inverse = np.linalg.inv(normal) / np.outer(size, size)
        change = inverse @ (jacobian.T @ residual)
        change[0] = np.clip(change[0], -3 * step, 3 * step)
        theta += change
        if abs(change[0]) < 1e-5 * step and abs(change[1]) < 1e-7 * abs(theta[1]):
            break
    chi2 = float(np.sum(residual**2)) / (at.size - 3)
    return theta, inverse, chi2


# -- the sum --------------------------------------------------------------------------------------------------------


def sum_sweeps_step(shifts: FloatArray | None, method: str = "whole", note: str = "") -> Step:
    """The step that adds sweeps; `shifts` (axis unit) bring each back, None adds them as they stand."""
    text = "" if shifts is None else " ".join(f"{shift:.5f}" for shift in shifts)
    return Step("sum_sweeps", (("shifts", text), ("method", method)), note)


def sum_sweeps(spectrum: Spectrum, step: Step) -> Spectrum:
    """The sum of all sweeps (of rates: the mean), each moved back by its shift; ends that not all reach are cut.

    "whole" moves by whole channels: counts stay counts, each sweep is off by up to half a channel. "linear" reads
    between channels: exact places, but neighbours correlate and lines become wider by about as much.
    """
    method = step.word("method", METHODS)
    y = spectrum.counts.reshape(-1, spectrum.x.size)
    shifts = np.array(step.numbers("shifts")) if step.text("shifts") else np.zeros(len(y))
    if not spectrum.navigation or shifts.size != len(y):
        raise BadModel(f"{shifts.size} shifts do not fit {len(y) if spectrum.navigation else 0} sweeps",
                       where=spectrum.name, todo="Compare the sweeps anew")
    x, width, noise = spectrum.x, spectrum.axis.step, spectrum.noise
    if np.any(shifts) and not is_even(spectrum.axis):
        raise BadData("Sweeps are moved on an axis with equal steps", where=spectrum.name)
    if method == "whole":
        moves = np.round(shifts / width).astype(int)
        first, last = max(-moves.min(), 0), x.size - max(moves.max(), 0)
        if last - first < 2:
            raise BadData("The shifts leave no common range", where=spectrum.name)
        rows = np.array([row[first + move : last + move] for row, move in zip(y, moves, strict=True)])
    else:
        low, high = x[0] - min(shifts.min(), 0.0), x[-1] - max(shifts.max(), 0.0)
        keep = np.flatnonzero((x >= low - 1e-9) & (x <= high + 1e-9))
        if keep.size < 2:
            raise BadData("The shifts leave no common range", where=spectrum.name)
        first, last = int(keep[0]), int(keep[-1]) + 1
        rows = np.array([np.interp(x[first:last] + s, x, row) for row, s in zip(y, shifts, strict=True)])
        part = np.abs(shifts / width - np.round(shifts / width))
        noise = filtered(noise, float(np.mean((1 - part) ** 2 + part**2)))
    return _summed(spectrum, rows, noise, slice(first, last), bool(np.any(shifts)), method)


def _summed(
    spectrum: Spectrum, rows: FloatArray, noise: Noise, part: slice, moved: bool, method: str
) -> Spectrum:
    count, meta, t = len(rows), spectrum.meta, spectrum.transmission
    if meta.sweeps is not None:
        meta = replace(meta, sweeps=meta.sweeps * count)
    if meta.intensity_unit == "counts":
        total, noise = rows.sum(axis=0), replace(noise, read_noise=noise.read_noise * math.sqrt(count))
    else:
        total, gain = rows.mean(axis=0), noise.gain
        noise = replace(noise, gain=None if gain is None else gain / count,
                        read_noise=noise.read_noise / math.sqrt(count))
    done = replace(
        spectrum,
        axis=replace(spectrum.axis, values=spectrum.x[part]),
        counts=total,
        noise=noise,
        meta=meta,
        transmission=None if t is None else t[part],
        navigation=(),
    )
    how = {"whole": "moved by whole channels", "linear": "moved between channels; neighbours correlate"}[method]
    return noted(done, "sweeps added", f"{count} sweeps" + (f", {how}" if moved else ""))
