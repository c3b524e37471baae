"""Depth responses of sputter profiling: how an infinitely thin layer and an infinitely sharp step appear.

All depths and lengths in one unit, usually nm. `z` counts from the true depth, larger is deeper; a response is the
profile of a thin layer with area 1, a step its integral from 0 to 1. A layer from a to b appears as
step(z - a) - step(z - b). Roughness adds in quadrature to sigma.

References
----------
S. Hofmann, Surf. Interface Anal. 21, 673 (1994): mixing, roughness, information depth (MRI).
M. G. Dowsett, G. Rowlands, P. N. Allen, R. D. Barlow, Surf. Interface Anal. 21, 310 (1994): two exponentials, Gaussian.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import erfc, erfcx, ndtr

from fitting.dataset import FloatArray
from libraries.errors import BadModel

_SHARP = 1e-9  # an exponential shorter than this share of sigma changes no digit that counts


def gauss_response(z: ArrayLike, sigma: float) -> FloatArray:
    """Gaussian of standard deviation `sigma`, shape of `z`, in 1/unit of depth; raises BadModel."""
    x = np.asarray(z, dtype=float)
    _lengths(sigma)
    return np.exp(-0.5 * (x / sigma) ** 2) / (sigma * math.sqrt(2.0 * math.pi))


def gauss_step(z: ArrayLike, sigma: float) -> FloatArray:
    """Integral of the Gaussian, (1 + erf(z/(sigma sqrt 2)))/2; its 16-84 % width is 2 sigma; raises BadModel."""
    _lengths(sigma)
    return ndtr(np.asarray(z, dtype=float) / sigma)


def mri_response(z: ArrayLike, w: float, lam: float, sigma: float) -> FloatArray:
    """MRI response: mixing length, information depth and roughness.

    Parameters
    ----------
    z : array
        Measured less true depth.
    w : float
        Mixing length, 0 or more.
    lam : float
        Information depth (escape depth of the ions), 0 or more; below 0.4 nm in SIMS.
    sigma : float
        Roughness, above 0.

    Returns
    -------
    array, shape of z
        Area 1, in 1/unit of depth.

    Raises
    ------
    BadModel
        If a length is out of range.

    Notes
    -----
    The Gaussian convolved with r(z) = (1 - e^(-w/lam))/w e^(-(z+w)/w) for z >= -w and e^(z/lam)/lam before it. It is
    no convolution of three functions.
    """
    _lengths(sigma, w, lam)
    x = np.asarray(z, dtype=float) + w
    q = _unmixed(w, lam)
    return (1.0 - q) * _density(-x, w, sigma) + q * _density(x, lam, sigma)


def mri_step(z: ArrayLike, w: float, lam: float, sigma: float) -> FloatArray:
    """Integral of `mri_response`, from 0 to 1; same arguments and errors."""
    _lengths(sigma, w, lam)
    x = np.asarray(z, dtype=float) + w
    q = _unmixed(w, lam)
    return ndtr(x / sigma) - 0.5 * (1.0 - q) * _tail(-x, w, sigma) + 0.5 * q * _tail(x, lam, sigma)


def dowsett_response(z: ArrayLike, up: float, down: float, sigma: float) -> FloatArray:
    """Dowsett's response: a rising and a falling exponential joined at 0, convolved with a Gaussian.

    Parameters
    ----------
    z : array
        Measured less true depth.
    up, down : float
        Growth length (towards the surface) and decay length (into the depth), not both 0.
    sigma : float
        Of the Gaussian, above 0.

    Returns
    -------
    array, shape of z
        Area 1, mean down - up, variance sigma^2 + up^2 + down^2; in 1/unit of depth.

    Raises
    ------
    BadModel
        If a length is out of range.
    """
    _lengths(sigma, up, down)
    x = np.asarray(z, dtype=float)
    if up + down == 0:
        return gauss_response(x, sigma)
    return (up * _density(x, up, sigma) + down * _density(-x, down, sigma)) / (up + down)


def dowsett_step(z: ArrayLike, up: float, down: float, sigma: float) -> FloatArray:
    """Integral of `dowsett_response`, from 0 to 1; same arguments and errors."""
    _lengths(sigma, up, down)
    x = np.asarray(z, dtype=float)
    if up + down == 0:
        return ndtr(x / sigma)
    return ndtr(x / sigma) + 0.5 * (up * _tail(x, up, sigma) - down * _tail(-x, down, sigma)) / (up + down)


def _lengths(sigma: float, *others: float) -> None:
    if not (math.isfinite(sigma) and sigma > 0):
        raise BadModel("The Gaussian of a depth response needs a width above zero", where=f"sigma {sigma:g}")
    if not all(math.isfinite(value) and value >= 0 for value in others):
        raise BadModel("The lengths of a depth response must be zero or above")


def _unmixed(w: float, lam: float) -> float:
    """Share of the response before the mixed zone, e^(-w/lam)."""
    return 1.0 if w == 0 else 0.0 if lam == 0 else math.exp(-w / lam)


def _tail(x: FloatArray, length: float, sigma: float) -> FloatArray:
    """exp(x/L + sigma^2/2L^2) erfc((x/sigma + sigma/L)/sqrt 2); its limit 0 for vanishing L.

    The exponent is u^2 - x^2/2sigma^2 with u the argument of erfc: the first form overflows for u > 0, erfcx for u < 0.
    """
    if length <= _SHARP * sigma:
        return np.zeros_like(x)
    u = (x / sigma + sigma / length) / math.sqrt(2.0)
    ahead = erfcx(np.maximum(u, 0.0)) * np.exp(-0.5 * (x / sigma) ** 2)
    behind = np.exp(np.minimum(x / length + 0.5 * (sigma / length) ** 2, 0.0)) * erfc(np.minimum(u, 0.0))
    return np.where(u > 0, ahead, behind)


def _density(x: FloatArray, length: float, sigma: float) -> FloatArray:
    """Gaussian convolved with e^(x/L)/L for x < 0: area 1."""
    return _tail(x, length, sigma) / (2.0 * length) if length > _SHARP * sigma else gauss_response(x, sigma)
