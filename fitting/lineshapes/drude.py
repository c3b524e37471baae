"""A plasmon as a free-electron gas shows it: Drude's energy-loss function."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# Below this |s| the quotients atan(sqrt(s))/sqrt(s) and its slope are summed as power series: 1e-16 with 16 terms.
SERIES_BELOW = 0.1
SERIES_TERMS = 16


def drude(x: FloatArray, area: float, position: float, fwhm: float) -> FloatArray:
    """Drude's energy-loss function; see `drude_gradient`."""
    return drude_gradient(x, area, position, fwhm)[0]


def drude_gradient(x: FloatArray, area: float, position: float, fwhm: float) -> tuple[FloatArray, FloatArray]:
    """Im(-1/eps) of a free-electron gas, of a given area, with derivatives.

    With E the energy loss, Ep the plasmon energy and G the damping, Im(-1/eps) = Ep² E G/[(E² - Ep²)² + (E G)²] for
    E > 0, and 0 below. Its integral is Ep² (2/G) atan(q)/q with q² = 4 Ep²/G² - 1; of an overdamped plasmon (G > 2 Ep)
    q is imaginary and the quotient is artanh(|q|)/|q|.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Energy loss in eV, 0 at the zero-loss peak.
    area : float
        Integral from 0 to infinity, intensity times eV.
    position : float
        Plasmon energy Ep in eV, above 0. The maximum lies a little below, at Ep (1 - G²/(8 Ep²)) for weak damping.
    fwhm : float
        Damping G in eV, above 0: the full width at half maximum where it is small against Ep.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (3, n)
        Derivatives with respect to area, position, fwhm.

    References
    ----------
    R. F. Egerton, Electron Energy-Loss Spectroscopy in the Electron Microscope, 3rd ed. (2011), section 3.3.
    """
    s = 4.0 * position**2 / fwhm**2 - 1.0
    quotient, slope = arctangent_quotient(s)
    log_slope = slope / quotient
    energy = np.maximum(x, 0.0)
    square = energy * energy
    detuned = square - position**2
    below = 1.0 / (detuned * detuned + square * fwhm**2)
    # What is left of Ep² G/integral: G²/(2 quotient).
    form = fwhm**2 / (2.0 * quotient) * energy * below
    by_position = form * (4.0 * position * detuned * below - log_slope * 8.0 * position / fwhm**2)
    by_fwhm = form * (2.0 / fwhm - 2.0 * square * fwhm * below + log_slope * 8.0 * position**2 / fwhm**3)
    return area * form, np.stack([form, area * by_position, area * by_fwhm])


def drude_maximum(position: float, fwhm: float) -> float:
    """Energy of the maximum of the loss function: the root of 3 E⁴ + (G² - 2 Ep²) E² - Ep⁴ = 0."""
    half = 2.0 * position**2 - fwhm**2
    return math.sqrt((half + math.sqrt(half * half + 12.0 * position**4)) / 6.0)


def arctangent_quotient(s: float) -> tuple[float, float]:
    """atan(sqrt(s))/sqrt(s) for s > -1 (artanh(sqrt(-s))/sqrt(-s) below 0), and its derivative by s."""
    if abs(s) < SERIES_BELOW:
        quotient = slope = 0.0
        for k in range(SERIES_TERMS - 1, -1, -1):
            sign = -1.0 if k % 2 else 1.0
            quotient = quotient * s + sign / (2 * k + 1)
            if k:
                slope = slope * s + sign * k / (2 * k + 1)
        return quotient, slope
    root = math.sqrt(abs(s))
    quotient = (math.atan(root) if s > 0 else math.atanh(root)) / root
    return quotient, (1.0 / (1.0 + s) - quotient) / (2.0 * s)
