"""Powers of a Lorentzian convolved with a Gaussian: the line shapes LA and LF of CasaXPS.

L = 1/(1 + 4 t**2) is raised to one exponent on the side of high binding energy and to another on that of low; the
result is convolved with a Gaussian whose width a number n, 0 to 499, says. Source of the forms: G. H. Major, D. Shah,
V. Fernandez, N. Fairley, M. R. Linford, Vacuum Technology & Coating, March and April 2020 (LA and LF, cited after
others); N. Fairley et al., J. Vac. Sci. Technol. A 41 (2023).

How CasaXPS shares out its width between Lorentzian and Gaussian is not published, so that both shapes are approximate.
Known is n = 0 (no Gaussian; the width is that of the powers), and n = 100 from components that CasaXPS itself drew
(LF(0.54,10,80,100,6), rms below 1.3 counts/s of 9,730). At n = 243 the fits of a published file with LA(1.53,243) want
a Gaussian 2.0 to 3.5 times as wide as the powers; between and beyond, `shares` interpolates.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import digamma, gammaln

from fitting.lineshapes.convolution import LEGENDRE_W, LEGENDRE_X, Line, convolved
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
SIGMA_PER_FWHM = 1 / math.sqrt(8 * math.log(2))
FAR_EXPONENT = 3.0  # what LF's exponents return to far from the line
# At n = 100: width of the powers as a part of the width parameter, and width of the Gaussian relative to it.
POWERS_AT_100, RATIO_AT_100 = 0.45157, 1.80348
BEND = 0.765  # of the ratio with n/100, so that it is 2.7 at n = 243
# Of a Voigt profile: J. J. Olivero, R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transfer 17, 233 (1977); their
# 0.2166 to so many digits that a Lorentzian has its own width.
OLIVERO_LINEAR, OLIVERO_SQUARE = 0.5346, (1.0 - 0.5346) ** 2
EXCESS = (
    (POWERS_AT_100 * (OLIVERO_LINEAR + math.sqrt(OLIVERO_SQUARE + RATIO_AT_100**2)) - 1.0)
    * (1.0 + RATIO_AT_100) / RATIO_AT_100
)


class Shares(NamedTuple):
    """Widths of the powers and of the Gaussian as parts of the width parameter, and their derivatives by n."""

    powers: float
    gauss: float
    powers_by_n: float
    gauss_by_n: float


def shares(n: float) -> Shares:
    """How the width parameter is shared out at a Gaussian index n.

    Together they have about the width of a Voigt profile that is 1 at n = 0, and the ratio between them follows n.
    """
    m = 0.01 * n
    below = 1.0 + BEND * m
    ratio = RATIO_AT_100 * (1.0 + BEND) * m / below
    ratio_slope = 0.01 * RATIO_AT_100 * (1.0 + BEND) / (below * below)
    whole = 1.0 + EXCESS * ratio / (1.0 + ratio)
    whole_slope = EXCESS / (1.0 + ratio) ** 2
    root = math.sqrt(OLIVERO_SQUARE + ratio * ratio)
    voigt = OLIVERO_LINEAR + root
    powers = whole / voigt
    slope = (whole_slope - powers * ratio / root) / voigt * ratio_slope
    return Shares(powers, powers * ratio, slope, slope * ratio + powers * ratio_slope)


def half_power(exponent: float) -> tuple[float, float]:
    """sqrt(2**(1/exponent) - 1), the t at which L**exponent is a half, twice; and its derivative."""
    power = 2.0 ** (1.0 / exponent)
    root = math.sqrt(power - 1.0)
    return root, -0.5 * power * math.log(2.0) / (exponent * exponent * root)


def _check(alpha: float, beta: float, least: float) -> None:
    if not min(alpha, beta) > least:
        raise BadModel(
            f"Exponents of this line must be above {least:g}", where=f"{alpha:g}, {beta:g}",
            todo="With 1/2 and less its area would be infinite" if least else "",
        )


def la(x: FloatArray, area: float, position: float, fwhm: float, alpha: float, beta: float, n: float) -> FloatArray:
    """Asymmetric Lorentzian; see `la_gradient`."""
    return la_gradient(x, area, position, fwhm, alpha, beta, n)[0]


def la_gradient(
    x: FloatArray, area: float, position: float, fwhm: float, alpha: float, beta: float, n: float
) -> tuple[FloatArray, FloatArray]:
    """Asymmetric Lorentzian LA(alpha, beta, n) of CasaXPS (approximate), with derivatives.

    L**alpha above the position, L**beta below it, L = 1/(1 + 4 t**2), t = (x - position)/F, convolved with a Gaussian.
    F = 2 fwhm p/[sqrt(2**(1/alpha) - 1) + sqrt(2**(1/beta) - 1)], p and the width of the Gaussian as `shares` says.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Binding energy in eV.
    area : float
        Integral over the whole axis, intensity times eV.
    position : float
        Where the two sides meet, in eV; the maximum of an asymmetric line lies beside it.
    fwhm : float
        CasaXPS's width parameter in eV: the true width at n = 0.
    alpha, beta : float
        Exponents at high and at low binding energy, above 1/2.
    n : float
        Index of the Gaussian, 0 (none) to 499.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (6, n)
        Derivatives with respect to area, position, fwhm, alpha, beta, n.

    Raises
    ------
    BadModel
        If an exponent is 1/2 or less.

    References
    ----------
    See the head of `fitting.lineshapes.lorentz_power`.
    """
    _check(alpha, beta, 0.5)
    areas = [_power_area(exponent) for exponent in (alpha, beta)]
    parts = _Parts(areas[0][0] + areas[1][0], (areas[0][1], areas[1][1]))
    return _asymmetric(x, area, position, fwhm, alpha, beta, n, _powers, parts, ())


def _power_area(exponent: float) -> tuple[float, float]:
    """Integral of L**exponent over t from 0 to infinity, and its derivative."""
    value = 0.25 * math.sqrt(math.pi) * math.exp(gammaln(exponent - 0.5) - gammaln(exponent))
    return value, value * float(digamma(exponent - 0.5) - digamma(exponent))


class _Parts(NamedTuple):
    """Area of both sides in t, and its derivatives by alpha, beta and what else the line has."""

    area: float
    slopes: tuple[float, ...]


def _powers(width: float, alpha: float, beta: float, extra: tuple[float, ...]) -> Line:
    """L to constant exponents."""

    def line(u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        t = u / width
        high = u >= 0
        exponent = np.where(high, alpha, beta)
        square = 1.0 + 4.0 * t * t
        logarithm = np.log(square)
        value = np.exp(-exponent * logarithm)
        slope = value * exponent * (-8.0 / width) * t / square
        by_exponent = -value * logarithm
        return value, slope, np.stack([np.where(high, by_exponent, 0.0), np.where(high, 0.0, by_exponent)])

    return line


def _asymmetric(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    alpha: float,
    beta: float,
    n: float,
    form: Callable[[float, float, float, tuple[float, ...]], Line],
    parts: _Parts,
    extra: tuple[float, ...],
) -> tuple[FloatArray, FloatArray]:
    """A line of two sides: derivatives by area, position, fwhm, alpha, beta, `extra`, n in that order."""
    share = shares(n)
    (high, high_slope), (low, low_slope) = half_power(alpha), half_power(beta)
    both = high + low
    width = 2.0 * fwhm * share.powers / both
    sigma = SIGMA_PER_FWHM * fwhm * share.gauss
    first = (0.5 * width * min(low, 1.0), 0.5 * width * min(high, 1.0))
    d = x - position
    found = convolved(form(width, alpha, beta, extra), d, sigma, first)
    unit = 1.0 / (width * parts.area)
    value = found.value * unit
    by_width = _by_width(found.by_distance, found.by_sigma, d, sigma, width) * unit - value / width
    gradient = np.empty((6 + len(extra), x.size))
    gradient[0] = value
    gradient[1] = -area * unit * found.by_distance
    # The whole line scales with its width.
    gradient[2] = -area / fwhm * (unit * found.by_distance * d + value)
    half_slopes = (high_slope, low_slope, *[0.0] * len(extra))
    for row, (slope, by_half) in enumerate(zip(parts.slopes, half_slopes, strict=True)):
        moved = -width / both * by_half
        gradient[3 + row] = area * (unit * found.by_params[row] - value * slope / parts.area + by_width * moved)
    width_by_n, sigma_by_n = 2.0 * fwhm * share.powers_by_n / both, SIGMA_PER_FWHM * fwhm * share.gauss_by_n
    gradient[-1] = area * (by_width * width_by_n + unit * found.by_sigma * sigma_by_n)
    return area * value, gradient


def _by_width(
    by_distance: FloatArray, by_sigma: FloatArray, d: FloatArray, sigma: float, width: float
) -> FloatArray:
    """Derivative by the width of the powers: the convolved line depends on ratios of d, sigma and width alone."""
    return -(d * by_distance + sigma * by_sigma) / width


def lf(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    alpha: float,
    beta: float,
    w: float,
    n: float,
    m: float = 6.0,
) -> FloatArray:
    """Asymmetric Lorentzian of finite area; see `lf_gradient`."""
    return lf_gradient(x, area, position, fwhm, alpha, beta, w, n, m)[0]


def lf_gradient(
    x: FloatArray,
    area: float,
    position: float,
    fwhm: float,
    alpha: float,
    beta: float,
    w: float,
    n: float,
    m: float = 6.0,
) -> tuple[FloatArray, FloatArray]:
    """Asymmetric Lorentzian of finite area LF(alpha, beta, w, n, m) of CasaXPS (approximate), with derivatives.

    As LA, with exponents e(t) = 3 - (3 - alpha)/(1 + 4 (t/w)**2) that return to 3 far from the line.

    Parameters
    ----------
    x, area, position, fwhm
        As `la_gradient`.
    alpha, beta : float
        Exponents next to the position, at high and at low binding energy, above 0.
    w : float
        Where the exponents return, in units of F.
    n : float
        Index of the Gaussian, 0 (none) to 499.
    m : float
        A fifth number of CasaXPS that is kept; what it does is not published, and it changes nothing here.

    Returns
    -------
    value : ndarray, shape (n,)
    gradient : ndarray, shape (8, n)
        Derivatives with respect to area, position, fwhm, alpha, beta, w, n, m.

    References
    ----------
    See the head of `fitting.lineshapes.lorentz_power`.
    """
    _check(alpha, beta, 0.0)
    high, low = _finite_area(float(alpha), float(w)), _finite_area(float(beta), float(w))
    parts = _Parts(high[0] + low[0], (high[1], low[1], high[2] + low[2]))
    value, rows = _asymmetric(x, area, position, fwhm, alpha, beta, n, _finite_powers, parts, (w,))
    return value, np.concatenate([rows, np.zeros((1, x.size))])


def _finite_powers(width: float, alpha: float, beta: float, extra: tuple[float, ...]) -> Line:
    """L to exponents that return to 3."""
    (w,) = extra

    def line(u: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        t = u / width
        high = u >= 0
        missing = FAR_EXPONENT - np.where(high, alpha, beta)
        square = 1.0 + 4.0 * t * t
        share = 1.0 / (1.0 + 4.0 * (t / w) ** 2)
        exponent = FAR_EXPONENT - missing * share
        logarithm = np.log(square)
        value = np.exp(-exponent * logarithm)
        turn = 8.0 * t / (w * w) * missing * share * share  # of the exponent with t
        slope = -value / width * (turn * logarithm + exponent * 8.0 * t / square)
        by_exponent = -value * logarithm
        by_w = by_exponent * (-8.0 * t * t / w**3) * missing * share * share
        near = by_exponent * share
        return value, slope, np.stack([np.where(high, near, 0.0), np.where(high, 0.0, near), by_w])

    return line


@lru_cache(maxsize=256)
def _finite_area(exponent: float, w: float) -> tuple[float, float, float]:
    """Integral of a side of LF over t from 0 to infinity, and its derivatives by the exponent and by w.

    With t = sinh(s)/2 the integrand is cosh(s)**(1 - 2 e)/2, which falls as exp(-5 s) beyond w.
    """
    s, weights = area_nodes(w)
    log_cosh = s + np.log1p(np.exp(-2.0 * s)) - math.log(2.0)
    q = (np.sinh(s) / w) ** 2
    share = 1.0 / (1.0 + q)
    missing = FAR_EXPONENT - exponent
    value = 0.5 * weights * np.exp((1.0 - 2.0 * (FAR_EXPONENT - missing * share)) * log_cosh)
    by_exponent = -2.0 * log_cosh * value * share
    by_w = 4.0 * log_cosh * value * missing * share * share * q / w
    return float(value.sum()), float(by_exponent.sum()), float(by_w.sum())


def area_nodes(w: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights for `_finite_area`."""
    end = math.asinh(w) + 9.0
    edges = [0.0, 0.0625, 0.125, 0.25, 0.5]
    while edges[-1] < end:
        edges.append(edges[-1] + 0.5)
    low, half = np.array(edges[:-1])[:, None], 0.5 * np.diff(edges)[:, None]
    return (low + half * (1.0 + LEGENDRE_X)).ravel(), (half * LEGENDRE_W).ravel()
