"""The Doniach-Sunjic line compiled: `fitting.lineshapes.doniach` and `damped_power`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, digamma
from fitting.lineshapes.damped_power import LOG_NODES, NEAR, NODES, TERMS, WEIGHTS
from fitting.lineshapes.voigt import SIGMA_PER_FWHM


@njit(**OPTIONS)
def doniach_sunjic(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    height, position, fwhm_l, asymmetry, fwhm_g = p[0], p[1], p[2], p[3], p[4]
    by_height, by_position, by_l = rows[place[0]], rows[place[1]], rows[place[2]]
    by_asymmetry, by_g = rows[place[3]], rows[place[4]]
    g, sigma, a = 0.5 * fwhm_l, SIGMA_PER_FWHM * fwhm_g, asymmetry
    if not ((g > 0 or sigma > 0) and g >= 0 and sigma >= 0):
        value[:] = np.nan
        return
    top = _doniach_maximum(g, a, sigma)
    d, power = x - position, np.empty((8, x.size))
    _damped_power(g, d, sigma, 1 - a, power)
    cosine, sine = math.cos(0.5 * math.pi * a), math.sin(0.5 * math.pi * a)
    for i in range(x.size):
        form = (cosine * power[0, i] - sine * power[1, i]) / top[0]
        turned_r = cosine * power[2, i] - sine * power[3, i]
        turned_i = cosine * power[3, i] + sine * power[2, i]
        bent = cosine * power[4, i] - sine * power[5, i]
        # Re phase (i pi/2 G - G_s)
        by_a = -0.5 * math.pi * (cosine * power[1, i] + sine * power[0, i]) - (
            cosine * power[6, i] - sine * power[7, i]
        )
        value[i] = height * form
        by_height[i] = form
        by_position[i] = height / top[0] * turned_i
        by_l[i] = 0.5 * height / top[0] * (turned_r - form * top[1])
        by_asymmetry[i] = height / top[0] * (by_a - form * top[2])
        by_g[i] = SIGMA_PER_FWHM * height / top[0] * (-sigma * bent - form * top[3])


@njit(**OPTIONS)
def _doniach_maximum(g: float, a: float, sigma: float) -> np.ndarray:
    """Maximum of the convolved line without height, and its derivatives by g, a, sigma; see `doniach._maximum`."""
    cosine, sine = math.cos(0.5 * math.pi * a), math.sin(0.5 * math.pi * a)
    place = 0.0
    single, power = np.zeros(1), np.empty((8, 1))
    if a > 0:
        grid = np.linspace(0.0, g * math.tan(math.pi * a / (2 * (2 - a))) + sigma, 17)
        step = grid[1]
        many = np.empty((8, 17))
        _damped_power(g, grid, sigma, 1 - a, many)
        place = grid[np.argmax(cosine * many[0] - sine * many[1])]
        for _ in range(8):
            single[0] = place
            _damped_power(g, single, sigma, 1 - a, power)
            slope = -(cosine * power[3, 0] + sine * power[2, 0])
            bend = -(cosine * power[4, 0] - sine * power[5, 0])
            move = -slope / bend if bend < 0 else math.copysign(step, slope)
            move = min(max(move, -step), step)
            place += move
            if abs(move) < 1e-9 * (g + sigma):
                break
    single[0] = place
    _damped_power(g, single, sigma, 1 - a, power)
    out = np.empty(4)
    out[0] = cosine * power[0, 0] - sine * power[1, 0]
    out[1] = cosine * power[2, 0] - sine * power[3, 0]
    out[2] = -0.5 * math.pi * (cosine * power[1, 0] + sine * power[0, 0]) - (
        cosine * power[6, 0] - sine * power[7, 0]
    )
    out[3] = -sigma * (cosine * power[4, 0] - sine * power[5, 0])
    return out


@njit(**OPTIONS)
def _damped_power(g: float, d: np.ndarray, sigma: float, s: float, out: np.ndarray) -> None:
    """Real and imaginary parts of G, G_q, G_qq, G_s, shape (8, n); see `fitting.lineshapes.damped_power`."""
    inverse_gamma = 1.0 / math.gamma(s)
    shift = digamma(s)
    limit = (NEAR * sigma) ** 2
    # The integrand at the nodes without its oscillation, times 1, -t, t**2 and the derivative by s.
    nodes = np.empty((5, NODES.size))
    if sigma > 0:
        front, log_shift = sigma**-s * inverse_gamma, math.log(sigma) + shift
        for j in range(NODES.size):
            t = NODES[j] / sigma
            weight = front * WEIGHTS[j] * math.exp(s * LOG_NODES[j] - g * t)
            nodes[0, j], nodes[1, j], nodes[2, j] = t, weight, -t * weight
            nodes[3, j], nodes[4, j] = t * t * weight, (LOG_NODES[j] - log_shift) * weight
    for i in range(d.size):
        if g * g + d[i] * d[i] < limit:
            _damped_near(d[i], nodes, out[:, i])
        else:
            _damped_far(g, d[i], sigma, s, out[:, i])


@njit(**OPTIONS)
def _damped_near(d: float, nodes: np.ndarray, out: np.ndarray) -> None:
    v0r = v0i = v1r = v1i = v2r = v2i = v3r = v3i = 0.0
    for j in range(nodes.shape[1]):
        angle = nodes[0, j] * d
        real, imag = math.cos(angle), -math.sin(angle)
        v0r += nodes[1, j] * real
        v0i += nodes[1, j] * imag
        v1r += nodes[2, j] * real
        v1i += nodes[2, j] * imag
        v2r += nodes[3, j] * real
        v2i += nodes[3, j] * imag
        v3r += nodes[4, j] * real
        v3i += nodes[4, j] * imag
    out[0], out[1], out[2], out[3], out[4], out[5], out[6], out[7] = v0r, v0i, v1r, v1i, v2r, v2i, v3r, v3i


@njit(**OPTIONS)
def _damped_far(g: float, d: float, sigma: float, s: float, out: np.ndarray) -> None:
    q = complex(g, d)
    inverse = 1.0 / q
    w = (sigma * inverse) ** 2
    log_q = np.log(q)
    front = np.exp(-s * log_q)
    s0, s1, s2, s3 = 0j, 0j, 0j, 0j
    u = complex(1.0, 0.0)  # (sigma/q)**(2k)
    c, c_slope = 1.0, 0.0
    for k in range(1 if sigma == 0 else TERMS):
        power = s + 2 * k
        s0 += c * u
        s1 += -power * c * u
        s2 += power * (power + 1) * c * u
        s3 += c * c_slope * u
        c *= -power * (power + 1) / (2 * (k + 1))
        c_slope += 1 / power + 1 / (power + 1)
        u *= w
    s0, s1, s2, s3 = s0 * front, s1 * front * inverse, s2 * front * inverse * inverse, s3 * front
    s3 -= log_q * s0
    out[0], out[1], out[2], out[3] = s0.real, s0.imag, s1.real, s1.imag
    out[4], out[5], out[6], out[7] = s2.real, s2.imag, s3.real, s3.imag
