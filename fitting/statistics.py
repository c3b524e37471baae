"""Statistics of counted data: variance, deviance, information criteria, noise estimated from the data."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.special import xlogy

from fitting.dataset import FloatArray, Noise, Spectrum
from libraries.errors import BadData

# A model of counts must stay above zero; this share of one event is far below anything a detector sees.
SMALLEST_RATE = 1e-9


def variance_of(noise: Noise, expected: FloatArray, measured: FloatArray) -> FloatArray:
    """Variance of each channel when the model expects `expected`.

    Parameters
    ----------
    noise : Noise
    expected, measured : array, shape (n,)
        Intensities; `measured` only sets the scale of the smallest variance.

    Returns
    -------
    array, shape (n,)
        Variance in (intensity unit)**2; for noise of unknown size in units that only the residuals can tell.
    """
    if noise.kind == "poisson":
        gain = noise.gain or 1.0
        floor = SMALLEST_RATE * max(float(np.max(measured, initial=0.0)), gain)
        return gain * np.maximum(expected, floor) + noise.read_noise**2
    if noise.kind == "gaussian" and noise.read_noise > 0:
        return np.full_like(expected, noise.read_noise**2)
    return np.ones_like(expected)


def deviance_residuals(measured: FloatArray, expected: FloatArray, gain: float) -> tuple[FloatArray, FloatArray]:
    """Signed square roots of the Poisson deviance, and their derivatives with respect to `expected`.

    The sum of their squares is 2 sum[y ln(y/m) - (y - m)] / gain, the likelihood ratio of counted data.

    Parameters
    ----------
    measured : array, shape (n,)
        y >= 0, in units of which one event is `gain`.
    expected : array, shape (n,)
        m; below a tiny floor the deviance is continued so that a fit is driven back.
    gain : float

    References
    ----------
    P. McCullagh, J. A. Nelder, Generalized Linear Models, 2nd ed. (1989), section 2.3 and 2.4.3.
    """
    floor = 1e-3 * gain
    m = np.maximum(expected, floor)
    excess = measured - m
    ratio = excess / m
    # y ln(y/m) - (y - m) loses all digits for y near m; there its series (m r^2/2 - m r^3/6 + m r^4/12) is used.
    near = np.abs(ratio) < 1e-4
    exact = 2.0 * (xlogy(measured, np.where(measured > 0, measured / m, 1.0)) - excess)
    series = m * ratio**2 * (1.0 - ratio / 3.0 + ratio**2 / 6.0)
    size = np.sqrt(np.maximum(np.where(near, series, exact), 0.0) / gain)
    residual = np.sign(excess) * size
    slope_near = -(1.0 + ratio / 6.0) / np.sqrt(gain * m)
    safe = np.where(near | (residual == 0), 1.0, residual)
    slope = np.where(near | (residual == 0), slope_near, -ratio / (gain * safe))
    below = expected < floor
    if np.any(below):
        # Continued by its tangent: the further below the floor, the larger the residual.
        residual = np.where(below, residual + slope * (expected - floor), residual)
    return residual, slope


def poisson_deviance(measured: FloatArray, expected: FloatArray, gain: float = 1.0) -> float:
    """2 sum[y ln(y/m) - (y - m)] / gain."""
    m = np.maximum(expected, SMALLEST_RATE * gain)
    return float(2.0 * np.sum(xlogy(measured, np.where(measured > 0, measured / m, 1.0)) - (measured - m)) / gain)


def information_criteria(deviance: float, n_data: int, n_free: int, *, known: bool) -> tuple[float, float]:
    """AIC and BIC.

    With known noise AIC = deviance + 2k and BIC = deviance + k ln n; with unknown noise the deviance is replaced by
    n ln(deviance / n), the profile over the unknown variance.

    References
    ----------
    K. P. Burnham, D. R. Anderson, Model Selection and Multimodel Inference, 2nd ed. (2002), section 2.2.
    """
    base = deviance if known else n_data * math.log(max(deviance, 1e-300) / n_data)
    return base + 2 * n_free, base + n_free * math.log(n_data)


def small_sample_correction(n_data: int, n_free: int, *, known: bool) -> float:
    """What AICc adds to AIC: 2 K (K + 1) / (n - K - 1); NaN where n <= K + 1.

    K counts the free parameters, and the variance too where it comes from the residuals. The formula is exact for
    linear models with Gaussian noise; for counted data (Poisson deviance), where n is the number of channels, it is the
    usual approximation, good where channels hold more than a few counts. Below n/K = 40 AICc should replace AIC.

    References
    ----------
    C. M. Hurvich, C.-L. Tsai, Biometrika 76, 297 (1989); K. P. Burnham, D. R. Anderson, Model Selection and Multimodel
    Inference, 2nd ed. (2002), sections 2.4 and 7.4.
    """
    k = n_free + (0 if known else 1)
    room = n_data - k - 1
    return 2.0 * k * (k + 1) / room if room > 0 else math.nan


def correlation_factor(correlation: float) -> float:
    """Factor on the covariance of smooth quantities when neighbouring channels correlate.

    For a first-order autoregressive noise the variance of a sum over many channels grows by (1 + r)/(1 - r)
    (G. E. P. Box et al., Time Series Analysis, 4th ed. (2008), section 3.2).
    """
    return (1.0 + correlation) / (1.0 - correlation)


def estimate_noise(spectrum: Spectrum) -> Noise:
    """Gain of Poisson-like noise estimated from the scatter of neighbouring channels.

    The third difference y0 - 3 y1 + 3 y2 - y3 removes every smooth course up to a parabola and has 20 times the
    variance of one channel; its robust ratio to the mean is the gain.

    Parameters
    ----------
    spectrum : Spectrum
        A single spectrum with at least 20 channels and a mean above zero.

    Returns
    -------
    Noise
        Of kind "poisson", origin "estimated".

    Raises
    ------
    BadData
        If the spectrum is too short, holds negative intensities, or does not scatter at all.
    """
    y = spectrum.y
    if y.ndim != 1 or y.size < 20 or np.any(y < 0) or not np.any(y > 0):
        raise BadData("The noise cannot be estimated from these data", where=spectrum.name)
    difference = y[:-3] - 3.0 * y[1:-2] + 3.0 * y[2:-1] - y[3:]
    level = 0.25 * (y[:-3] + y[1:-2] + y[2:-1] + y[3:])
    seen = level > 0  # empty channels say nothing of the size of one event
    scaled = difference[seen] / np.sqrt(20.0 * level[seen])
    # 1.4826 makes the median absolute deviation the standard deviation of a Gaussian.
    gain = float((1.4826 * np.median(np.abs(scaled))) ** 2)
    if not gain > 0:
        raise BadData("The data do not scatter, so their noise cannot be estimated", where=spectrum.name)
    return replace(spectrum.noise, kind="poisson", gain=gain, origin="estimated")
