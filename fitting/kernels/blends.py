"""Asymmetric lines compiled: `fitting.lineshapes.exponential_blend`, `gelius`, and the exponentially modified Gaussian.

Each writes the values and the derivatives by its parameters, as the functions of `fitting.kernels.shapes`.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, erfcx_array, exp
from fitting.lineshapes.exponential_blend import TAIL_T, TAIL_W
from fitting.lineshapes.gauss_lorentz import LN2_4
from fitting.lineshapes.gelius import TWO_ROOT_LN2
from fitting.lineshapes.voigt import SIGMA_PER_FWHM


@njit(**OPTIONS)
def _core(t: float, mix: float, product: bool) -> tuple[float, float, float]:
    """Product or sum of maximum 1, its derivatives by t and by mix."""
    square = t * t
    if product:
        lorentz = 1.0 / (1.0 + 4.0 * mix * square)
        value = exp(-LN2_4 * (1.0 - mix) * square) * lorentz
        slope = -2.0 * t * value * (LN2_4 * (1.0 - mix) + 4.0 * mix * lorentz)
        return value, slope, value * square * (LN2_4 - 4.0 * lorentz)
    gauss, lorentz = exp(-LN2_4 * square), 1.0 / (1.0 + 4.0 * square)
    slope = -2.0 * t * (LN2_4 * (1.0 - mix) * gauss + 4.0 * mix * lorentz * lorentz)
    return (1.0 - mix) * gauss + mix * lorentz, slope, lorentz - gauss


@njit(**OPTIONS)
def blend(
    x: np.ndarray,
    p: np.ndarray,
    product: bool,
    whole: float,
    whole_by_mix: float,
    value: np.ndarray,
    rows: np.ndarray,
    place: np.ndarray,
) -> None:
    """GL(m)T(k) or SGL(m)T(k); `whole` is the area of the line without its tail in t, with its derivative by mix."""
    area, position, fwhm, mix, decay = p[0], p[1], p[2], p[3], p[4]
    by_decay_whole = 0.0
    for k in range(TAIL_T.size):
        core, _, by_mix = _core(TAIL_T[k], mix, product)
        fall = exp(-decay * TAIL_T[k]) * TAIL_W[k]
        whole += (1.0 - core) * fall
        whole_by_mix -= by_mix * fall
        by_decay_whole -= TAIL_T[k] * (1.0 - core) * fall
    unit, inverse = 1.0 / (fwhm * whole), 1.0 / fwhm
    by_area, by_position, by_fwhm = rows[place[0]], rows[place[1]], rows[place[2]]
    by_mixing, by_decay = rows[place[3]], rows[place[4]]
    for i in range(x.size):
        t = (x[i] - position) * inverse
        core, slope, by_mix = _core(t, mix, product)
        reach = max(t, 0.0)
        tail = exp(-decay * reach) if t > 0 else 0.0
        form = core + (1.0 - core) * tail
        slope = slope * (1.0 - tail) - decay * (1.0 - core) * tail
        by_area[i] = unit * form
        value[i] = area * unit * form
        by_position[i] = -area * unit * inverse * slope
        by_fwhm[i] = -area * unit * inverse * (form + t * slope)
        by_mixing[i] = area * unit * (by_mix * (1.0 - tail) - form * (whole_by_mix / whole))
        by_decay[i] = area * unit * (-reach * (1.0 - core) * tail - form * (by_decay_whole / whole))


@njit(**OPTIONS)
def gelius(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    """The asymmetric line of Gelius."""
    height, position, fwhm, mix, a, b = p[0], p[1], p[2], p[3], p[4], p[5]
    by_height, by_position, by_fwhm = rows[place[0]], rows[place[1]], rows[place[2]]
    by_mixing, by_a, by_b = rows[place[3]], rows[place[4]], rows[place[5]]
    share = 0.7 + 0.3 / (a + 0.01)
    weight, weight_by_a, inverse = b * share, -0.3 * b / ((a + 0.01) * (a + 0.01)), 1.0 / fwhm
    for i in range(x.size):
        t = (x[i] - position) * inverse
        core, slope, by_mix = _core(t, mix, True)
        u = TWO_ROOT_LN2 * max(t, 0.0)
        stretched = 1.0 + a * u
        ratio = u / stretched
        wide, narrow = exp(-ratio * ratio), exp(-u * u)
        form = core + weight * (wide - narrow)
        slope += weight * TWO_ROOT_LN2 * (-2.0 * ratio / (stretched * stretched) * wide + 2.0 * u * narrow)
        by_height[i] = form
        value[i] = height * form
        by_position[i] = -height * inverse * slope
        by_fwhm[i] = -height * inverse * t * slope
        by_mixing[i] = height * by_mix
        by_a[i] = height * (weight * wide * 2.0 * ratio * ratio * ratio + weight_by_a * (wide - narrow))
        by_b[i] = height * share * (wide - narrow)


@njit(**OPTIONS)
def emg(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    """Exponentially modified Gaussian."""
    area, position, fwhm, length = p[0], p[1], p[2], p[3]
    by_area, by_position, by_fwhm, by_length = rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]]
    n, sigma, root = x.size, fwhm * SIGMA_PER_FWHM, math.sqrt(2 * math.pi)
    z, scaled = np.empty(n), np.empty(n)
    for i in range(n):
        z[i] = abs(sigma / length - (x[i] - position) / sigma) / math.sqrt(2.0)
    erfcx_array(z, scaled)
    for i in range(n):
        d = x[i] - position
        bell = exp(-0.5 * (d / sigma) * (d / sigma))
        # erfc(z) = 2 - erfc(-z) for z below zero, each form where it neither overflows nor cancels
        falling = 2.0 * exp(min(0.5 * (sigma / length) ** 2 - d / length, 0.0)) - bell * scaled[i]
        form = (bell * scaled[i] if sigma / length > d / sigma else falling) / (2.0 * length)
        by_area[i] = form
        value[i] = area * form
        by_position[i] = -area * (bell / (root * sigma) - form) / length
        by_fwhm[i] = area * SIGMA_PER_FWHM * (
            form * sigma / length**2 - bell * (1 / length + d / sigma**2) / (length * root)
        )
        by_length[i] = area * (
            form * (-1 / length - sigma**2 / length**3 + d / length**2) + bell * sigma / (root * length**3)
        )
