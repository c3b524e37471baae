"""The asymmetric line of Gelius as CasaXPS knows it: A(a,b,n)GL(m) with n = 0."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fitting.lineshapes.exponential_blend import product_form

FloatArray = NDArray[np.float64]
TWO_ROOT_LN2 = 2.0 * math.sqrt(math.log(2.0))


def gelius(x: FloatArray, height: float, position: float, fwhm: float, mix: float, a: float, b: float) -> FloatArray:
    """The asymmetric line of Gelius; see `gelius_gradient`."""
    return gelius_gradient(x, height, position, fwhm, mix, a, b)[0]


def gelius_gradient(
    x: FloatArray, height: float, position: float, fwhm: float, mix: float, a: float, b: float
) -> tuple[FloatArray, FloatArray]:
    """The asymmetric line of Gelius, with derivatives.

    GL(m) at low binding energy; at high binding energy GL(m) + w {exp[-(u/(1 + a u))**2] - exp(-u**2)} with
    u = 2 sqrt(ln 2) (x - position)/fwhm and w = b [0.7 + 0.3/(a + 0.01)].

    Far away it ends on a plateau w exp(-1/a**2), so that its area is infinite, and quantification needs a window.
    CasaXPS convolves the line with a Gaussian of index n besides, the width of which is not published; this is n = 0.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    height : float
        Maximum.
    position, fwhm : float
        Maximum and width parameter in eV.
    mix : float
        Lorentzian part m of the product, 0 to 1.
    a, b : float
        Length and size of the tail, both 0 or more.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (6, n)
        Derivatives with respect to height, position, fwhm, mix, a, b.

    References
    ----------
    Peak Fitting in XPS (Casa Software Ltd, 2006), p. 20, cited after others.
    """
    t = (x - position) / fwhm
    core, slope, by_mix = product_form(t, mix)
    u = TWO_ROOT_LN2 * np.maximum(t, 0.0)
    stretched = 1.0 + a * u
    ratio = u / stretched
    wide, narrow = np.exp(-ratio * ratio), np.exp(-u * u)
    weight = b * (0.7 + 0.3 / (a + 0.01))
    value = core + weight * (wide - narrow)
    slope = slope + weight * TWO_ROOT_LN2 * (-2.0 * ratio / (stretched * stretched) * wide + 2.0 * u * narrow)
    gradient = np.empty((6, x.size))
    gradient[0] = value
    gradient[1] = -height / fwhm * slope
    gradient[2] = -height / fwhm * t * slope
    gradient[3] = height * by_mix
    gradient[4] = height * (
        weight * wide * 2.0 * ratio**3 - 0.3 * b / (a + 0.01) ** 2 * (wide - narrow)
    )
    gradient[5] = height * (0.7 + 0.3 / (a + 0.01)) * (wide - narrow)
    return height * value, gradient
