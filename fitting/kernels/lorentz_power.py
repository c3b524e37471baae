"""The lines LA and LF compiled: `fitting.lineshapes.lorentz_power` and `convolution`.

LA is LF with an infinite w. Loops run over the points inside those over the nodes, so that they become vector
instructions.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, digamma, exp
from fitting.lineshapes.convolution import HERMITE_W, HERMITE_X, LEGENDRE_W, LEGENDRE_X, NEAR, REACH, WIDEST
from fitting.lineshapes.lorentz_power import (
    BEND,
    EXCESS,
    FAR_EXPONENT,
    OLIVERO_LINEAR,
    OLIVERO_SQUARE,
    RATIO_AT_100,
    SIGMA_PER_FWHM,
)

_ROOT_2PI = math.sqrt(2.0 * math.pi)
_BELL = 9.0  # in standard deviations: what lies farther from a node than this gets less than 1e-17 of it


@njit(**OPTIONS)
def shares(n: float) -> tuple[float, float, float, float]:
    """See `fitting.lineshapes.lorentz_power.shares`."""
    m = 0.01 * n
    below = 1.0 + BEND * m
    ratio = RATIO_AT_100 * (1.0 + BEND) * m / below
    ratio_slope = 0.01 * RATIO_AT_100 * (1.0 + BEND) / (below * below)
    whole = 1.0 + EXCESS * ratio / (1.0 + ratio)
    whole_slope = EXCESS / ((1.0 + ratio) * (1.0 + ratio))
    root = math.sqrt(OLIVERO_SQUARE + ratio * ratio)
    voigt = OLIVERO_LINEAR + root
    powers = whole / voigt
    slope = (whole_slope - powers * ratio / root) / voigt * ratio_slope
    return powers, powers * ratio, slope, slope * ratio + powers * ratio_slope


@njit(**OPTIONS)
def _half_power(exponent: float) -> tuple[float, float]:
    power = 2.0 ** (1.0 / exponent)
    root = math.sqrt(power - 1.0)
    return root, -0.5 * power * math.log(2.0) / (exponent * exponent * root)


@njit(**OPTIONS)
def _power_area(exponent: float) -> tuple[float, float, float]:
    value = 0.25 * math.sqrt(math.pi) * math.exp(math.lgamma(exponent - 0.5) - math.lgamma(exponent))
    return value, value * (digamma(exponent - 0.5) - digamma(exponent)), 0.0


@njit(**OPTIONS)
def _finite_area(exponent: float, w: float) -> tuple[float, float, float]:
    value, by_exponent, by_w = 0.0, 0.0, 0.0
    missing, low, end = FAR_EXPONENT - exponent, 0.0, math.asinh(w) + 9.0
    while low < end:
        size = 0.0625 if low == 0.0 else (low if low < 0.5 else 0.5)
        for k in range(LEGENDRE_X.size):
            s = low + 0.5 * size * (1.0 + LEGENDRE_X[k])
            log_cosh = s + math.log1p(math.exp(-2.0 * s)) - math.log(2.0)
            root = math.sinh(s) / w
            q = root * root
            share = 1.0 / (1.0 + q)
            power = math.exp((1.0 - 2.0 * (FAR_EXPONENT - missing * share)) * log_cosh)
            part = 0.25 * size * LEGENDRE_W[k] * power
            value += part
            by_exponent -= 2.0 * log_cosh * part * share
            by_w += 4.0 * log_cosh * part * missing * share * share * q / w
        low += size
    return value, by_exponent, by_w


@njit(**OPTIONS)
def _panels(sigma: float, first: float) -> int:
    count, edge, width = 0, 0.0, min(first, WIDEST * sigma)
    while edge < REACH * sigma:
        edge += width
        width = min(2.0 * width, WIDEST * sigma)
        count += 1
    return count


@njit(**OPTIONS)
def _fill(sigma: float, first: float, sign: float, at: int, nodes: np.ndarray, weights: np.ndarray) -> None:
    edge, width = 0.0, min(first, WIDEST * sigma)
    while edge < REACH * sigma:
        for k in range(LEGENDRE_X.size):
            nodes[at] = sign * (edge + 0.5 * width * (1.0 + LEGENDRE_X[k]))
            weights[at] = 0.5 * width * LEGENDRE_W[k]
            at += 1
        edge += width
        width = min(2.0 * width, WIDEST * sigma)


@njit(**OPTIONS)
def _line(u: float, width: float, alpha: float, beta: float, curb: float) -> tuple[float, float, float, float]:
    """Value, and its derivatives by u, by the exponent of this side, and by w times w; `curb` is 1/w**2."""
    t = u / width
    square = t * t
    missing = FAR_EXPONENT - (alpha if u >= 0 else beta)
    share = 1.0 / (1.0 + 4.0 * square * curb)
    exponent = FAR_EXPONENT - missing * share
    logarithm = math.log(1.0 + 4.0 * square)
    value = exp(-exponent * logarithm)
    turn = 8.0 * t * curb * missing * share * share
    slope = -value / width * (turn * logarithm + exponent * 8.0 * t / (1.0 + 4.0 * square))
    by_exponent = -value * logarithm
    return value, slope, by_exponent * share, -by_exponent * 8.0 * square * curb * missing * share * share


@njit(**OPTIONS)
def _near(
    x: np.ndarray, position: float, sigma: float, width: float, alpha: float, beta: float, curb: float,
    sizes: np.ndarray, first: int, end: int, out: np.ndarray,
) -> None:
    """Rows of `out`: value, by distance, by sigma, by alpha, by beta, by w (times w)."""
    low = _panels(sigma, sizes[0]) * LEGENDRE_X.size
    total = low + _panels(sigma, sizes[1]) * LEGENDRE_X.size
    nodes, weights = np.empty(total), np.empty(total)
    _fill(sigma, sizes[0], -1.0, 0, nodes, weights)
    _fill(sigma, sizes[1], 1.0, low, nodes, weights)
    inverse = 1.0 / sigma
    front = inverse / _ROOT_2PI
    for j in range(total):
        value, _, by_exponent, by_w = _line(nodes[j], width, alpha, beta, curb)
        scale = weights[j] * front
        value *= scale
        by_exponent *= scale
        by_w *= scale
        centre = position + nodes[j]
        begin = max(first, np.searchsorted(x, centre - _BELL * sigma, "left"))
        stop = min(end, np.searchsorted(x, centre + _BELL * sigma, "right"))
        side = out[3] if nodes[j] >= 0 else out[4]
        for i in range(begin, stop):
            z = (x[i] - centre) * inverse
            bell = exp(-0.5 * z * z)
            out[0, i] += bell * value
            out[1, i] -= bell * z * value * inverse
            out[2, i] += bell * (z * z - 1.0) * value * inverse
            side[i] += bell * by_exponent
            out[5, i] += bell * by_w


@njit(**OPTIONS)
def _far(
    x: np.ndarray, position: float, sigma: float, width: float, alpha: float, beta: float, curb: float,
    first: int, end: int, out: np.ndarray,
) -> None:
    for i in range(first, end):
        d = x[i] - position
        if sigma == 0.0:
            value, slope, by_exponent, by_w = _line(d, width, alpha, beta, curb)
            out[0, i], out[1, i], out[5, i] = value, slope, by_w
            out[3 if d >= 0 else 4, i] = by_exponent
            continue
        for k in range(HERMITE_X.size):
            u = d - sigma * HERMITE_X[k]
            value, slope, by_exponent, by_w = _line(u, width, alpha, beta, curb)
            out[0, i] += HERMITE_W[k] * value
            out[1, i] += HERMITE_W[k] * slope
            out[2, i] -= HERMITE_W[k] * HERMITE_X[k] * slope
            out[3 if u >= 0 else 4, i] += HERMITE_W[k] * by_exponent
            out[5, i] += HERMITE_W[k] * by_w


@njit(**OPTIONS)
def lorentz_power(
    x: np.ndarray, p: np.ndarray, finite: bool, value: np.ndarray, rows: np.ndarray, place: np.ndarray
) -> None:
    """LA (parameters area, position, fwhm, alpha, beta, n), or LF if `finite` (w before n, and m behind it)."""
    area, position, fwhm, alpha, beta = p[0], p[1], p[2], p[3], p[4]
    w, n, at_n = (p[5], p[6], 6) if finite else (1.0, p[5], 5)
    curb = 1.0 / (w * w) if finite else 0.0
    if not (fwhm > 0 and min(alpha, beta) > (0.0 if finite else 0.5)):
        value[:] = np.nan
        return
    powers, gauss, powers_by_n, gauss_by_n = shares(n)
    (high, high_slope), (low, low_slope) = _half_power(alpha), _half_power(beta)
    both = high + low
    width, sigma = 2.0 * fwhm * powers / both, SIGMA_PER_FWHM * fwhm * gauss
    above = _finite_area(alpha, w) if finite else _power_area(alpha)
    below = _finite_area(beta, w) if finite else _power_area(beta)
    whole = above[0] + below[0]
    out = np.zeros((6, x.size))
    reach = NEAR * sigma
    first, end = np.searchsorted(x, position - reach, "right"), np.searchsorted(x, position + reach, "left")
    end = max(first, end)
    if end > first:
        sizes = np.array([0.5 * width * min(low, 1.0), 0.5 * width * min(high, 1.0)])
        _near(x, position, sigma, width, alpha, beta, curb, sizes, first, end, out)
    _far(x, position, sigma, width, alpha, beta, curb, 0, first, out)
    _far(x, position, sigma, width, alpha, beta, curb, end, x.size, out)
    unit = 1.0 / (width * whole)
    by_area, by_position, by_fwhm = rows[place[0]], rows[place[1]], rows[place[2]]
    by_alpha, by_beta, by_n = rows[place[3]], rows[place[4]], rows[place[at_n]]
    width_by_alpha, width_by_beta = -width / both * high_slope, -width / both * low_slope
    width_by_n, sigma_by_n = 2.0 * fwhm * powers_by_n / both, SIGMA_PER_FWHM * fwhm * gauss_by_n
    for i in range(x.size):
        d = x[i] - position
        form = out[0, i] * unit
        by_width = -(d * out[1, i] + sigma * out[2, i]) / width * unit - form / width
        by_area[i] = form
        value[i] = area * form
        by_position[i] = -area * unit * out[1, i]
        by_fwhm[i] = -area / fwhm * (unit * out[1, i] * d + form)
        by_alpha[i] = area * (unit * out[3, i] - form * above[1] / whole + by_width * width_by_alpha)
        by_beta[i] = area * (unit * out[4, i] - form * below[1] / whole + by_width * width_by_beta)
        by_n[i] = area * (by_width * width_by_n + unit * out[2, i] * sigma_by_n)
    if finite:
        by_w, by_m, slope = rows[place[5]], rows[place[7]], (above[2] + below[2]) / whole
        for i in range(x.size):
            by_w[i] = area * (unit * out[5, i] / w - out[0, i] * unit * slope)
            by_m[i] = 0.0
