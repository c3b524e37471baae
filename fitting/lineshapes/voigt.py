"""Voigt profile: a Lorentzian convolved with a Gaussian, both widths independent."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import wofz

from fitting.lineshapes.damped_power import NEAR, power_series
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))


def voigt(x: FloatArray, area: float, position: float, fwhm_g: float, fwhm_l: float) -> FloatArray:
    """Voigt profile; see `voigt_gradient`."""
    return voigt_gradient(x, area, position, fwhm_g, fwhm_l)[0]


def voigt_gradient(
    x: FloatArray, area: float, position: float, fwhm_g: float, fwhm_l: float
) -> tuple[FloatArray, FloatArray]:
    """Voigt profile with derivatives.

    Re w(z) / (sigma sqrt(2 pi)), z = (x - position + i fwhm_l/2)/(sigma sqrt 2), w the Faddeeva function; far from the
    line, and for fwhm_g = 0 (a pure Lorentzian) everywhere, the asymptotic series of the same function.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Energy axis in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position : float
        Maximum in eV.
    fwhm_g, fwhm_l : float
        Full widths at half maximum of the Gaussian and of the Lorentzian in eV; one of them may be 0. The width of the
        profile is about 0.5346 fwhm_l + sqrt(0.2166 fwhm_l**2 + fwhm_g**2).

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to area, position, fwhm_g, fwhm_l.

    Raises
    ------
    BadModel
        If both widths are zero.

    References
    ----------
    W. Voigt, Sitzungsber. Bayer. Akad. Wiss. 42, 603 (1912); J. J. Olivero, R. L. Longbothum, J. Quant. Spectrosc.
    Radiat. Transfer 17, 233 (1977), for the approximate width.
    """
    sigma, half = SIGMA_PER_FWHM * fwhm_g, 0.5 * fwhm_l
    if sigma <= 0 and half <= 0:
        raise BadModel("A Voigt profile needs a width above zero", where="fwhm_g, fwhm_l")
    q = half + 1j * (x - position)
    near = np.abs(q) < NEAR * sigma
    g = np.empty((3, q.size), dtype=np.complex128)
    if near.any():
        g[:, near] = _faddeeva(q[near], sigma)
    if not near.all():
        g[:, ~near] = power_series(q[~near], sigma, 1.0)[:3]
    gradient = np.empty((4, q.size))
    gradient[0] = g[0].real / math.pi
    gradient[1] = area / math.pi * g[1].imag  # d/dposition = -d/dx = -Re(i G_q)
    gradient[2] = -area / math.pi * sigma * SIGMA_PER_FWHM * g[2].real
    gradient[3] = area / math.pi * 0.5 * g[1].real
    return area * gradient[0], gradient


def _faddeeva(q: ComplexArray, sigma: float) -> ComplexArray:
    """G(q; sigma, 1), G_q and G_qq through the Faddeeva function."""
    zeta = 1j * q / (sigma * math.sqrt(2))
    w = wofz(zeta)
    w1 = -2 * zeta * w + 2j / math.sqrt(math.pi)
    w2 = -2 * (w + zeta * w1)
    front = math.sqrt(math.pi / 2) / sigma
    chain = 1j / (sigma * math.sqrt(2))
    return np.stack([front * w, front * chain * w1, front * chain * chain * w2])
