"""Sums and products of a Gaussian and a Lorentzian of one width: SGL(m) and GL(m).

t = (x - position)/fwhm throughout; `mix` runs from 0 (Gaussian) to 1 (Lorentzian).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import erfcx

FloatArray = NDArray[np.float64]
LN2_4 = 4 * math.log(2)
GAUSS_AREA = math.sqrt(math.pi / LN2_4)  # integral of exp(-4 ln2 t**2): 1.064467
LORENTZ_AREA = math.pi / 2  # integral of 1/(1 + 4 t**2)

# Below this mix the asymptotic series of erfcx replaces it: the 12th term is under 1e-14 and nothing cancels.
SERIES_BELOW = 0.01
# The derivative of the product's integral grows like (1 - mix)**-0.5; it is held from here on to stay finite.
NEAREST_TO_LORENTZ = 1e-9


def gl_sum(x: FloatArray, area: float, position: float, fwhm: float, mix: float) -> FloatArray:
    """Weighted sum of a Gaussian and a Lorentzian of equal height; see `gl_sum_gradient`."""
    return gl_sum_gradient(x, area, position, fwhm, mix)[0]


def gl_sum_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float
) -> tuple[FloatArray, FloatArray]:
    """Gaussian-Lorentzian sum, SGL(m), with derivatives.

    (1 - m) exp(-4 ln2 t**2) + m/(1 + 4 t**2), divided by its integral fwhm [(1 - m) 1.064467 + m pi/2].

    Parameters
    ----------
    x : ndarray, shape (n,)
        Energy axis in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position, fwhm : float
        Maximum and full width at half maximum in eV; both are true values for every `mix`.
    mix : float
        Weight m of the Lorentzian in the height, 0 to 1 (SGL(30) of CasaXPS is m = 0.3).

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to area, position, fwhm, mix.

    References
    ----------
    G. K. Wertheim, M. A. Butler, K. W. West, D. N. E. Buchanan, Rev. Sci. Instrum. 45, 1369 (1974), for the sum as a
    stand-in of the Voigt profile.
    """
    t = (x - position) / fwhm
    gauss = np.exp(-LN2_4 * t * t)
    lorentz = 1 / (1 + 4 * t * t)
    integral = (1 - mix) * GAUSS_AREA + mix * LORENTZ_AREA
    scale = 1 / (fwhm * integral)
    form = (1 - mix) * gauss + mix * lorentz
    slope = -2 * t * (LN2_4 * (1 - mix) * gauss + 4 * mix * lorentz * lorentz)
    gradient = np.empty((4, t.size))
    gradient[0] = scale * form
    gradient[1] = -area * scale / fwhm * slope
    gradient[2] = -area * scale / fwhm * (form + t * slope)
    gradient[3] = area * scale * (lorentz - gauss - form * ((LORENTZ_AREA - GAUSS_AREA) / integral))
    return area * gradient[0], gradient


def gl_product_integral(mix: float) -> tuple[float, float]:
    """Integral over t of exp(-4 ln2 (1-m) t**2)/(1 + 4 m t**2), and its derivative with respect to m.

    With a = 4 ln2 (1 - m) and b = 4 m it is (pi/sqrt b) exp(a/b) erfc(sqrt(a/b)): 1.0645 at m = 0, 1.0420 at 0.3,
    1.0620 at 0.5, 1.1139 at 0.7 and pi/2 at 1. The derivative grows without limit at m = 1 and is held there.
    """
    a, b = LN2_4 * (1 - mix), 4 * mix
    if mix < SERIES_BELOW:
        ratio = b / (2 * a)
        term, total, slope = 1.0, 1.0, 0.0  # slope: derivative of the sum with respect to ratio
        for k in range(1, 13):
            slope += k * -(2 * k - 1) * term
            term *= -(2 * k - 1) * ratio
            total += term
        # The k-th term is c_k ratio**k; k c_k ratio**(k-1) = k * (-(2k-1)) * c_(k-1) ratio**(k-1).
        front = math.sqrt(math.pi / a)
        ratio_slope = 4 / (2 * a) + b * LN2_4 / (2 * a * a)
        return front * total, front * (total * LN2_4 / (2 * a) + slope * ratio_slope)
    integral = math.pi / math.sqrt(b) * float(erfcx(math.sqrt(a / b)))
    held = max(a, LN2_4 * NEAREST_TO_LORENTZ)
    gauss = math.sqrt(math.pi / held)
    by_a = (integral - gauss) / b  # -integral of t**2 exp(-a t**2)/(1 + b t**2)
    # integral of -t**2 exp(-a t**2)/(1 + b t**2)**2, from the closed form differentiated with respect to b
    by_b = (-integral / 2 - a / b * integral + math.sqrt(math.pi * a) / b) / b
    return integral, -LN2_4 * by_a + 4 * by_b


def gl_product(x: FloatArray, area: float, position: float, fwhm: float, mix: float) -> FloatArray:
    """Product of a Gaussian and a Lorentzian; see `gl_product_gradient`."""
    return gl_product_gradient(x, area, position, fwhm, mix)[0]


def gl_product_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, mix: float
) -> tuple[FloatArray, FloatArray]:
    """Gaussian-Lorentzian product, GL(m), with derivatives.

    exp(-4 ln2 (1-m) t**2)/(1 + 4 m t**2), divided by its exact integral (`gl_product_integral` times fwhm).

    Parameters
    ----------
    x : ndarray, shape (n,)
        Energy axis in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position : float
        Maximum in eV.
    fwhm : float
        The width parameter F in eV. It is the true full width at half maximum for m = 0 and m = 1 only; between them
        the true width is smaller (by 4.4 % at most, at m = 0.48), and `Shape.derived` gives it.
    mix : float
        m, 0 (Gaussian) to 1 (Lorentzian); GL(30) of CasaXPS is m = 0.3.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (4, n)
        Derivatives with respect to area, position, fwhm, mix. The last one has no limit at m = 1, where it is held at
        its value for 1 - m = 1e-9.

    References
    ----------
    G. H. Major, V. Fernandez, N. Fairley, M. R. Linford, Surf. Interface Anal. 54 (3), 2022, doi 10.1002/sia.7050.
    """
    t = (x - position) / fwhm
    square = t * t
    lorentz = 1 / (1 + 4 * mix * square)
    form = np.exp(-LN2_4 * (1 - mix) * square) * lorentz
    integral, integral_slope = gl_product_integral(mix)
    scale = 1 / (fwhm * integral)
    slope = -2 * t * form * (LN2_4 * (1 - mix) + 4 * mix * lorentz)
    gradient = np.empty((4, t.size))
    gradient[0] = scale * form
    gradient[1] = -area * scale / fwhm * slope
    gradient[2] = -area * scale / fwhm * (form + t * slope)
    gradient[3] = area * scale * form * (square * (LN2_4 - 4 * lorentz) - integral_slope / integral)
    return area * gradient[0], gradient
