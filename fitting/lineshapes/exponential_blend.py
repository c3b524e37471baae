"""Gaussian-Lorentzian lines with the exponential tail of CasaXPS: GL(m)T(k) and SGL(m)T(k).

t = (x - position)/fwhm in binding energy. Below the position the line is G(t), the product or the sum; above it is
G + (1 - G) exp(-k t): the maximum stays where it is, and a small k gives a long tail.

Source of the form: CasaXPS Cookbook (Casa Software Ltd, 2026), p. 67, cited after others; unverified against a
component that CasaXPS drew.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fitting.lineshapes.gauss_lorentz import GAUSS_AREA, LN2_4, LORENTZ_AREA, gl_product_integral

FloatArray = NDArray[np.float64]
SMALLEST_DECAY = 0.02
# For the area of the tail, which is 1/k long: panels in t that double, up to where the slowest tail has ended.
_EDGES = np.concatenate([[0.0, 0.125], 0.25 * 2.0 ** np.arange(0, 14)])
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
_HALF = 0.5 * np.diff(_EDGES)[:, None]
TAIL_T = (_EDGES[:-1, None] + _HALF * (1.0 + _NODES)).ravel()
TAIL_W = (_HALF * _WEIGHTS).ravel()


def sgl_t(x: FloatArray, area: float, position: float, fwhm: float, mix: float, decay: float) -> FloatArray:
    """Gaussian-Lorentzian sum with exponential tail; see `sgl_t_gradient`."""
    return sgl_t_gradient(x, area, position, fwhm, mix, decay)[0]


def gl_t(x: FloatArray, area: float, position: float, fwhm: float, mix: float, decay: float) -> FloatArray:
    """Gaussian-Lorentzian product with exponential tail; see `gl_t_gradient`."""
    return gl_t_gradient(x, area, position, fwhm, mix, decay)[0]


def sgl_t_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float, decay: float
) -> tuple[FloatArray, FloatArray]:
    """SGL(m)T(k) with derivatives.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    area : float
        Integral over the whole axis, tail included, intensity times eV.
    position : float
        Maximum in eV.
    fwhm : float
        Width of the line without its tail in eV.
    mix : float
        Lorentzian part m, 0 to 1.
    decay : float
        k, how fast the tail falls per width, above 0.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (5, n)
        Derivatives with respect to area, position, fwhm, mix, decay.

    References
    ----------
    CasaXPS Cookbook (2026), p. 67, cited after others.
    """
    whole = (1 - mix) * GAUSS_AREA + mix * LORENTZ_AREA, LORENTZ_AREA - GAUSS_AREA
    return _blend(x, area, position, fwhm, mix, decay, sum_form, whole)


def gl_t_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float, decay: float
) -> tuple[FloatArray, FloatArray]:
    """GL(m)T(k) with derivatives; parameters as `sgl_t_gradient`, the line a product.

    References
    ----------
    CasaXPS Cookbook (2026), p. 67, cited after others.
    """
    return _blend(x, area, position, fwhm, mix, decay, product_form, gl_product_integral(mix))


def sum_form(t: FloatArray, mix: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The sum of maximum 1, its derivatives by t and by mix."""
    gauss, lorentz = np.exp(-LN2_4 * t * t), 1.0 / (1.0 + 4.0 * t * t)
    slope = -2.0 * t * (LN2_4 * (1.0 - mix) * gauss + 4.0 * mix * lorentz * lorentz)
    return (1.0 - mix) * gauss + mix * lorentz, slope, lorentz - gauss


def product_form(t: FloatArray, mix: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The product of maximum 1, its derivatives by t and by mix."""
    square = t * t
    lorentz = 1.0 / (1.0 + 4.0 * mix * square)
    value = np.exp(-LN2_4 * (1.0 - mix) * square) * lorentz
    slope = -2.0 * t * value * (LN2_4 * (1.0 - mix) + 4.0 * mix * lorentz)
    return value, slope, value * square * (LN2_4 - 4.0 * lorentz)


def _blend(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    mix: float,
    decay: float,
    form: Callable[[FloatArray, float], tuple[FloatArray, FloatArray, FloatArray]],
    whole: tuple[float, float],
) -> tuple[FloatArray, FloatArray]:
    """A line with its tail; `whole` is the area of the line alone in t, and its derivative by mix."""
    t = (x - position) / fwhm
    core, slope, by_mix = form(t, mix)
    tail = np.where(t > 0, np.exp(-decay * np.maximum(t, 0.0)), 0.0)
    value = core + (1.0 - core) * tail
    slope = slope * (1.0 - tail) - decay * (1.0 - core) * tail
    by_decay = -np.maximum(t, 0.0) * (1.0 - core) * tail
    under, _, under_by_mix = form(TAIL_T, mix)
    fall = np.exp(-decay * TAIL_T) * TAIL_W
    total = whole[0] + float((1.0 - under) @ fall)
    total_by_mix = whole[1] - float(under_by_mix @ fall)
    total_by_decay = -float((TAIL_T * (1.0 - under)) @ fall)
    unit = 1.0 / (fwhm * total)
    gradient = np.empty((5, x.size))
    gradient[0] = unit * value
    gradient[1] = -area * unit / fwhm * slope
    gradient[2] = -area * unit / fwhm * (value + t * slope)
    gradient[3] = area * unit * (by_mix * (1.0 - tail) - value * (total_by_mix / total))
    gradient[4] = area * unit * (by_decay - value * (total_by_decay / total))
    return area * gradient[0], gradient
