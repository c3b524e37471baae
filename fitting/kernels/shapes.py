"""The line shapes compiled: the formulas of `fitting.lineshapes` on an ascending binding-energy axis.

Every function takes the axis (n,), the parameters of the shape in the order of its registry entry, and writes the
values and their derivatives by the parameters, each (n,). Formulas, references and conventions are in
`fitting.lineshapes`; the tests hold the two to 1e-9 of each other.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.blends import blend, emg, gelius
from fitting.kernels.doniach import doniach_sunjic
from fitting.kernels.elementary import OPTIONS, erfcx, erfcx_array, exp, faddeeva_array
from fitting.kernels.lorentz_power import lorentz_power
from fitting.kernels.losses import drude
from fitting.kernels.steps import fermi_edge, step
from fitting.lineshapes.damped_power import NEAR, TERMS
from fitting.lineshapes.gauss_lorentz import GAUSS_AREA, LN2_4, LORENTZ_AREA, NEAREST_TO_LORENTZ, SERIES_BELOW
from fitting.lineshapes.plasmon import PLASMON_REPLICAS
from fitting.lineshapes.tail import LENGTHS
from fitting.lineshapes.voigt import SIGMA_PER_FWHM

# The registry's shapes by the number that the compiled model knows them by.
CODES = {
    "gl_sum": 0, "gl_product": 1, "voigt": 2, "gl_tail": 3, "plasmon_train": 4, "doniach_sunjic": 5, "la": 6, "lf": 7,
    "gl_t": 8, "sgl_t": 9, "gelius": 10, "emg": 11, "fermi_edge": 12, "step_erf": 13, "step_arctan": 14,
    "drude": 15, "edge_step": 16, "measured": 17,
}
# Those that need more than the axis and their parameters: `fitting.kernels.evaluate` calls them.
EDGE, MEASURED = 16, 17

_ROOT_PI = math.sqrt(math.pi)
_FAR_TIER, _FAR_TERMS = 24.0, 7  # in units of sigma: from here on so many terms of the series leave less than 1e-12


@njit(**OPTIONS)
def component(
    code: int, x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray, bent: bool
) -> None:
    """Values of the shape of a code, and its derivative by parameter q into `rows[place[q]]`.

    `bent` says whether anyone asks for the derivatives by shape parameters (mix and the like); of pure Gaussians they
    are then left out.
    """
    if code == 0 and p[3] == 0.0 and not bent:
        _gauss(x, p[0], p[1], p[2], value, rows[place[0]], rows[place[1]], rows[place[2]])
    elif code == 0:
        _gl_sum(
            x, p[0], p[1], p[2], p[3], value, rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]]
        )
    elif code == 1:
        _gl_product(
            x, p[0], p[1], p[2], p[3], value, rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]]
        )
    elif code == 2:
        _voigt(x, p[0], p[1], p[2], p[3], value, rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]])
    elif code == 3:
        _gl_tail(x, p, value, rows, place)
    elif code == 4:
        _plasmon_train(x, p, value, rows, place)
    elif code == 5:
        doniach_sunjic(x, p, value, rows, place)
    else:
        _rarer(code, x, p, value, rows, place)


@njit(**OPTIONS)
def _rarer(
    code: int, x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray
) -> None:
    """`component` for the shapes that most models do without."""
    if code <= 7:
        lorentz_power(x, p, code == 7, value, rows, place)
    elif code == 8:
        whole, whole_by_mix = _product_integral(p[3])
        blend(x, p, True, whole, whole_by_mix, value, rows, place)
    elif code == 9:
        blend(
            x, p, False, (1.0 - p[3]) * GAUSS_AREA + p[3] * LORENTZ_AREA, LORENTZ_AREA - GAUSS_AREA, value, rows, place
        )
    elif code == 10:
        gelius(x, p, value, rows, place)
    elif code == 11:
        emg(x, p, value, rows, place)
    elif code == 12:
        fermi_edge(x, p, value, rows, place)
    elif code == 15:
        drude(x, p, value, rows, place)
    else:
        step(x, code == 13, p[0], p[1], p[2], value, rows[place[0]], rows[place[1]], rows[place[2]])


@njit(**OPTIONS)
def _gauss(
    x: np.ndarray,
    area: float,
    position: float,
    fwhm: float,
    value: np.ndarray,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_fwhm: np.ndarray,
) -> None:
    """A Gaussian: `_gl_sum` with mix = 0 and without its derivative."""
    inverse = 1.0 / fwhm
    scale = inverse / GAUSS_AREA
    front = area * scale
    for i in range(x.size):
        t = (x[i] - position) * inverse
        form = exp(-LN2_4 * t * t)
        slope = 2.0 * LN2_4 * t * form
        by_area[i] = scale * form
        value[i] = front * form
        by_position[i] = front * inverse * slope
        by_fwhm[i] = front * inverse * (t * slope - form)


@njit(**OPTIONS)
def _gl_sum(
    x: np.ndarray,
    area: float,
    position: float,
    fwhm: float,
    mix: float,
    value: np.ndarray,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_fwhm: np.ndarray,
    by_mix: np.ndarray,
) -> None:
    """Gaussian-Lorentzian sum."""
    integral = (1 - mix) * GAUSS_AREA + mix * LORENTZ_AREA
    inverse = 1.0 / fwhm
    scale = inverse / integral
    front = area * scale
    shift = (LORENTZ_AREA - GAUSS_AREA) / integral
    for i in range(x.size):
        t = (x[i] - position) * inverse
        gauss = exp(-LN2_4 * t * t)
        lorentz = 1.0 / (1.0 + 4.0 * t * t)
        form = (1 - mix) * gauss + mix * lorentz
        slope = -2.0 * t * (LN2_4 * (1 - mix) * gauss + 4.0 * mix * lorentz * lorentz)
        by_area[i] = scale * form
        value[i] = front * form
        by_position[i] = -front * inverse * slope
        by_fwhm[i] = -front * inverse * (form + t * slope)
        by_mix[i] = front * (lorentz - gauss - form * shift)


@njit(**OPTIONS)
def _product_integral(mix: float) -> tuple[float, float]:
    """Integral of the product form and its derivative; see `gl_product_integral`."""
    a, b = LN2_4 * (1 - mix), 4 * mix
    if mix < SERIES_BELOW:
        ratio = b / (2 * a)
        term, total, slope = 1.0, 1.0, 0.0
        for k in range(1, 13):
            slope += k * -(2 * k - 1) * term
            term *= -(2 * k - 1) * ratio
            total += term
        front = math.sqrt(math.pi / a)
        ratio_slope = 4 / (2 * a) + b * LN2_4 / (2 * a * a)
        return front * total, front * (total * LN2_4 / (2 * a) + slope * ratio_slope)
    integral = math.pi / math.sqrt(b) * erfcx(math.sqrt(a / b))
    gauss = math.sqrt(math.pi / max(a, LN2_4 * NEAREST_TO_LORENTZ))
    by_a = (integral - gauss) / b
    by_b = (-integral / 2 - a / b * integral + math.sqrt(math.pi * a) / b) / b
    return integral, -LN2_4 * by_a + 4 * by_b


@njit(**OPTIONS)
def _gl_product(
    x: np.ndarray,
    area: float,
    position: float,
    fwhm: float,
    mix: float,
    value: np.ndarray,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_fwhm: np.ndarray,
    by_mix: np.ndarray,
) -> None:
    integral, integral_slope = _product_integral(mix)
    inverse = 1.0 / fwhm
    scale = inverse / integral
    front = area * scale
    for i in range(x.size):
        t = (x[i] - position) * inverse
        square = t * t
        lorentz = 1.0 / (1.0 + 4.0 * mix * square)
        form = exp(-LN2_4 * (1 - mix) * square) * lorentz
        slope = -2.0 * t * form * (LN2_4 * (1 - mix) + 4.0 * mix * lorentz)
        by_area[i] = scale * form
        value[i] = front * form
        by_position[i] = -front * inverse * slope
        by_fwhm[i] = -front * inverse * (form + t * slope)
        by_mix[i] = front * form * (square * (LN2_4 - 4.0 * lorentz) - integral_slope / integral)


@njit(**OPTIONS)
def _between(x: np.ndarray, centre: float, reach: float) -> tuple[int, int]:
    """First point and end of those closer to `centre` than `reach`."""
    return np.searchsorted(x, centre - reach, "right"), np.searchsorted(x, centre + reach, "left")


@njit(**OPTIONS)
def _voigt(
    x: np.ndarray,
    area: float,
    position: float,
    fwhm_g: float,
    fwhm_l: float,
    value: np.ndarray,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_g: np.ndarray,
    by_l: np.ndarray,
) -> None:
    sigma, half = SIGMA_PER_FWHM * fwhm_g, 0.5 * fwhm_l
    if not (sigma > 0 or half > 0):
        value[:] = np.nan
        return
    near = math.sqrt(max((NEAR * sigma) ** 2 - half * half, 0.0))
    middle = math.sqrt(max((_FAR_TIER * sigma) ** 2 - half * half, 0.0))
    first, end = _between(x, position, near)
    low, high = _between(x, position, middle)
    if end > first:
        _voigt_near(x, position, sigma, half, first, end, by_area, by_position, by_g, by_l)
    # Five ranges: few terms of the series far out, more terms nearer, none in the middle.
    edges = np.array([0, low, first, max(end, first), max(high, end, first), x.size])
    for tier in range(5):
        if tier != 2:
            terms = TERMS if tier in (1, 3) else _FAR_TERMS
            _voigt_far(
                x, position, sigma, half, edges[tier], edges[tier + 1], terms, by_area, by_position, by_g, by_l
            )
    front = area / math.pi
    for i in range(x.size):
        by_area[i] /= math.pi
        value[i] = area * by_area[i]
        by_position[i] *= front
        by_g[i] *= -front * sigma * SIGMA_PER_FWHM
        by_l[i] *= 0.5 * front


@njit(**OPTIONS)
def _voigt_near(
    x: np.ndarray,
    position: float,
    sigma: float,
    half: float,
    first: int,
    end: int,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_g: np.ndarray,
    by_l: np.ndarray,
) -> None:
    """Re G, Im G', Re G'' and Re G' of G(q) of `fitting.lineshapes.damped_power` by the Faddeeva function."""
    scale = 1.0 / (sigma * math.sqrt(2.0))
    zr, wr, wi = np.empty(end - first), np.empty(end - first), np.empty(end - first)
    for i in range(zr.size):
        zr[i] = (position - x[first + i]) * scale
    zi = half * scale
    faddeeva_array(zr, zi, wr, wi)
    front = math.sqrt(math.pi / 2) / sigma
    chain, twice = front * scale, front * scale * scale
    for i in range(zr.size):
        # w' = -2 z w + 2i/sqrt(pi), w'' = -2 (w + z w'); G' = front i scale w', G'' = -front scale**2 w''
        vr = -2.0 * (zr[i] * wr[i] - zi * wi[i])
        vi = -2.0 * (zr[i] * wi[i] + zi * wr[i]) + 2.0 / _ROOT_PI
        by_area[first + i] = front * wr[i]
        by_position[first + i] = chain * vr
        by_g[first + i] = 2.0 * twice * (wr[i] + zr[i] * vr - zi * vi)
        by_l[first + i] = -chain * vi


@njit(**OPTIONS)
def _voigt_far(
    x: np.ndarray,
    position: float,
    sigma: float,
    half: float,
    first: int,
    end: int,
    terms: int,
    by_area: np.ndarray,
    by_position: np.ndarray,
    by_g: np.ndarray,
    by_l: np.ndarray,
) -> None:
    """The same by the asymptotic series in (sigma/q)**2."""
    n = end - first
    if n <= 0:
        return
    if sigma == 0.0:
        terms = 1
    sums = np.zeros((6, n))
    ur, ui = np.empty(n), np.empty(n)
    for i in range(n):
        d = x[first + i] - position
        below = 1.0 / (half * half + d * d)
        ir, ii = half * below, -d * below
        ur[i] = sigma * sigma * (ir * ir - ii * ii)
        ui[i] = sigma * sigma * 2.0 * ir * ii
    for k in range(terms - 1, -1, -1):
        c = 1.0
        for j in range(k):
            c *= -(2.0 * j + 1.0)
        for row in range(3):
            weight = c if row == 0 else (-(2.0 * k + 1.0) * c if row == 1 else (2.0 * k + 1.0) * (2.0 * k + 2.0) * c)
            real, imag = sums[2 * row], sums[2 * row + 1]
            for i in range(n):
                turned = real[i] * ui[i] + imag[i] * ur[i]
                real[i] = real[i] * ur[i] - imag[i] * ui[i] + weight
                imag[i] = turned
    for i in range(n):
        d = x[first + i] - position
        below = 1.0 / (half * half + d * d)
        ir, ii = half * below, -d * below
        squared_r, squared_i = ir * ir - ii * ii, 2.0 * ir * ii
        cubed_r, cubed_i = squared_r * ir - squared_i * ii, squared_r * ii + squared_i * ir
        by_area[first + i] = sums[0, i] * ir - sums[1, i] * ii
        by_l[first + i] = sums[2, i] * squared_r - sums[3, i] * squared_i
        by_position[first + i] = sums[2, i] * squared_i + sums[3, i] * squared_r
        by_g[first + i] = sums[4, i] * cubed_r - sums[5, i] * cubed_i


@njit(**OPTIONS)
def _gl_tail(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    area, position, fwhm, mix, tail, tail_length = p[0], p[1], p[2], p[3], p[4], p[5]
    by_area, by_position, by_fwhm = rows[place[0]], rows[place[1]], rows[place[2]]
    by_mix, by_tail, by_tail_length = rows[place[3]], rows[place[4]], rows[place[5]]
    n = x.size
    _gl_sum(x, 1.0, position, fwhm, mix, value, by_area, by_position, by_fwhm, by_mix)
    smeared, by_d, by_s, by_length = np.zeros(n), np.zeros(n), np.zeros(n), np.zeros(n)
    z, scaled = np.empty(n), np.empty(n)
    sigma = fwhm * SIGMA_PER_FWHM
    share = 1.0 / len(LENGTHS)
    for ratio in LENGTHS:
        length = ratio * tail_length
        for i in range(n):
            z[i] = abs(sigma / length - (x[i] - position) / sigma) / math.sqrt(2.0)
        erfcx_array(z, scaled)
        root = math.sqrt(2 * math.pi)
        for i in range(n):
            d = x[i] - position
            bell = exp(-0.5 * (d / sigma) * (d / sigma))
            # erfc(z) = 2 - erfc(-z) for z below zero, each form where it neither overflows nor cancels
            falling = 2.0 * exp(min(0.5 * (sigma / length) ** 2 - d / length, 0.0)) - bell * scaled[i]
            form = (bell * scaled[i] if sigma / length > d / sigma else falling) / (2.0 * length)
            smeared[i] += share * form
            by_d[i] += share * (bell / (root * sigma) - form) / length
            by_s[i] += share * (form * sigma / length**2 - bell * (1 / length + d / sigma**2) / (length * root))
            by_length[i] += (share * ratio) * (
                form * (-1 / length - sigma**2 / length**3 + d / length**2) + bell * sigma / (root * length**3)
            )
    for i in range(n):
        line = by_area[i]
        unit = (1 - tail) * line + tail * smeared[i]
        by_area[i] = unit
        value[i] = area * unit
        by_position[i] = area * ((1 - tail) * by_position[i] - tail * by_d[i])
        by_fwhm[i] = area * ((1 - tail) * by_fwhm[i] + tail * SIGMA_PER_FWHM * by_s[i])
        by_mix[i] *= area * (1 - tail)
        by_tail[i] = area * (smeared[i] - line)
        by_tail_length[i] = area * tail * by_length[i]


@njit(**OPTIONS)
def _plasmon_train(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    area, position, fwhm, mix, spacing, decay, broadening = p[0], p[1], p[2], p[3], p[4], p[5], p[6]
    part, line = np.empty((4, x.size)), np.empty(x.size)
    for q in range(7):
        rows[place[q], :] = 0.0
    by_spacing, by_decay, by_broadening = rows[place[4]], rows[place[5]], rows[place[6]]
    weight, before = 1.0, 0.0  # decay**n, and that of n - 1
    for n in range(PLASMON_REPLICAS + 1):
        _gl_sum(
            x, area, position + n * spacing, fwhm + n * broadening, mix, line, part[0], part[1], part[2], part[3]
        )
        for q in range(4):
            row = rows[place[q]]
            for i in range(x.size):
                row[i] += weight * part[q, i]
        for i in range(x.size):
            by_spacing[i] += n * weight * part[1, i]
            by_decay[i] += n * before * area * part[0, i]
            by_broadening[i] += n * weight * part[2, i]
        weight, before = weight * decay, weight
    by_area = rows[place[0]]
    for i in range(x.size):
        value[i] = area * by_area[i]
