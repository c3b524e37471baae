"""A Gaussian-Lorentzian sum with an exponential tail to high binding energy: an asymmetric line of finite area.

Lines of metals, graphitic carbon and nitrides have a tail of electron-hole pairs. Doniach-Sunjic's tail never ends and
has no area; this one ends after a few `tail_length`, so that its whole area can be counted.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfc, erfcx

from fitting.lineshapes.gauss_lorentz import gl_sum_gradient

FloatArray = NDArray[np.float64]
_SIGMA = 1 / math.sqrt(8 * math.log(2))  # standard deviation of a Gaussian of unit full width at half maximum
LENGTHS = (1.0, 1.0 / 3.0)  # of the two exponentials of the tail, relative to its length


def gl_tail(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float, tail: float, tail_length: float
) -> FloatArray:
    """Gaussian-Lorentzian sum with an exponential tail; see `gl_tail_gradient`."""
    return gl_tail_gradient(x, area, position, fwhm, mix, tail, tail_length)[0]


def gl_tail_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float, tail: float, tail_length: float
) -> tuple[FloatArray, FloatArray]:
    """Gaussian-Lorentzian sum with an exponential tail, with derivatives.

    area {(1 - tail) SGL(m; position, fwhm) + tail Gauss(position, fwhm) ⊗ h(d) for d > 0}, h half an exponential of
    decay length tail_length and half one of a third of that, each of area 1. Electron-hole pairs of a metal leave a
    tail that falls as 1/d near the line and ends at about the width of the band; one exponential is too flat near it.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position, fwhm : float
        Of the line without its tail, in eV; the true maximum lies slightly above `position`.
    mix : float
        Lorentzian part, 0 to 1.
    tail : float
        Share of the area in the tail, 0 to 1.
    tail_length : float
        Decay length of the far tail in eV, above zero.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (6, n)
        Derivatives with respect to area, position, fwhm, mix, tail, tail_length.

    References
    ----------
    E. Grushka, Anal. Chem. 44, 1733 (1972), for the exponentially modified Gaussian; the sum with a symmetric line and
    the two lengths are the program's own choice. Measured on simulated lines of Mahan's form (index 0.15, 35,000 counts
    eV): the area is off by 1.1 % with one exponential, by 0.1 % with two.
    """
    line, rows = gl_sum_gradient(x, 1.0, position, fwhm, mix)
    smeared, by_distance, by_sigma, by_length = np.mean(
        [
            (value, by_d, by_s, ratio * by_l)
            for ratio in LENGTHS
            for value, by_d, by_s, by_l in [_exponential_gaussian(x - position, fwhm * _SIGMA, ratio * tail_length)]
        ],
        axis=0,
    )
    unit = (1 - tail) * line + tail * smeared
    gradient = np.empty((6, x.size))
    gradient[0] = unit
    gradient[1] = area * ((1 - tail) * rows[1] - tail * by_distance)
    gradient[2] = area * ((1 - tail) * rows[2] + tail * _SIGMA * by_sigma)
    gradient[3] = area * (1 - tail) * rows[3]
    gradient[4] = area * (smeared - line)
    gradient[5] = area * tail * by_length
    return area * unit, gradient


def emg(x: FloatArray, area: float, position: float, fwhm: float, tail_length: float) -> FloatArray:
    """Exponentially modified Gaussian; see `emg_gradient`."""
    return emg_gradient(x, area, position, fwhm, tail_length)[0]


def emg_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, tail_length: float
) -> tuple[FloatArray, FloatArray]:
    """Exponentially modified Gaussian, with derivatives: a Gaussian ⊗ exp(-d/L)/L, d > 0, L = tail_length.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position, fwhm : float
        Of the Gaussian in eV; the maximum of the line lies above `position`.
    tail_length : float
        Decay length of the exponential in eV, above zero.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to area, position, fwhm, tail_length.

    References
    ----------
    E. Grushka, Anal. Chem. 44, 1733 (1972).
    """
    value, by_d, by_s, by_length = _exponential_gaussian(x - position, fwhm * _SIGMA, tail_length)
    return area * value, np.stack([value, -area * by_d, area * _SIGMA * by_s, area * by_length])


def _exponential_gaussian(
    d: FloatArray, sigma: float, length: float
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Unit-area Gaussian convolved with a one-sided exponential, and its derivatives by d, sigma and length."""
    z = (sigma / length - d / sigma) / math.sqrt(2)
    bell = np.exp(-0.5 * (d / sigma) ** 2)
    # exp(z^2) erfc(z) overflows for z far below zero, exp(...) for z far above: each form where it is safe.
    rising = z > 0
    exponent = 0.5 * (sigma / length) ** 2 - d / length
    value = np.where(
        rising,
        bell * erfcx(np.where(rising, z, 0.0)),
        np.exp(np.where(rising, 0.0, exponent)) * erfc(np.where(rising, 0.0, z)),
    ) / (2 * length)
    root = math.sqrt(2 * math.pi)
    by_distance = (bell / (root * sigma) - value) / length
    by_sigma = value * sigma / length**2 - bell * (1 / length + d / sigma**2) / (length * root)
    by_length = value * (-1 / length - sigma**2 / length**3 + d / length**2) + bell * sigma / (root * length**3)
    return value, by_distance, by_sigma, by_length
