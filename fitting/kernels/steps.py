"""Steps compiled: `fitting.lineshapes.steps`. Shapes and backgrounds share them."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, erfcx, exp
from fitting.lineshapes.steps import BELL_W, BELL_X, SIGMA_PER_FWHM, SWITCH, THERMAL_W, THERMAL_X

_ROOT_HALF = math.sqrt(0.5)
_ROOT_2PI = math.sqrt(2.0 * math.pi)


@njit(**OPTIONS)
def share(z: float, bell: float) -> float:
    """Phi(z), where `bell` is exp(-z**2/2)."""
    tail = 0.5 * bell * erfcx(abs(z) * _ROOT_HALF)
    return tail if z < 0 else 1.0 - tail


@njit(**OPTIONS)
def step(
    x: np.ndarray,
    gaussian: bool,
    height: float,
    position: float,
    fwhm: float,
    value: np.ndarray,
    by_height: np.ndarray,
    by_position: np.ndarray,
    by_fwhm: np.ndarray,
) -> None:
    """Step of an error function, or of an arctangent."""
    if gaussian:
        inverse = 1.0 / (SIGMA_PER_FWHM * fwhm)
        for i in range(x.size):
            z = (x[i] - position) * inverse
            bell = exp(-0.5 * z * z)
            form = share(z, bell)
            bell /= _ROOT_2PI
            by_height[i] = form
            value[i] = height * form
            by_position[i] = -height * inverse * bell
            by_fwhm[i] = -height / fwhm * z * bell
        return
    inverse = 2.0 / fwhm
    for i in range(x.size):
        t = (x[i] - position) * inverse
        form = 0.5 + math.atan(t) / math.pi
        bell = 1.0 / (math.pi * (1.0 + t * t))
        by_height[i] = form
        value[i] = height * form
        by_position[i] = -height * inverse * bell
        by_fwhm[i] = -height / fwhm * t * bell


@njit(**OPTIONS)
def fermi_edge(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    """Fermi edge convolved with a Gaussian."""
    height, position, kt, sigma = p[0], p[1], p[2], SIGMA_PER_FWHM * p[3]
    by_height, by_position, by_kt, by_g = rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]]
    by_height[:] = 0.0
    by_position[:] = 0.0
    by_kt[:] = 0.0
    by_g[:] = 0.0
    if kt >= SWITCH * sigma:
        inverse = 1.0 / kt
        for k in range(BELL_X.size):
            shift, weight = sigma * BELL_X[k], BELL_W[k]
            for i in range(x.size):
                z = (x[i] - position - shift) * inverse
                fall = exp(-abs(z))
                part = 1.0 / (1.0 + fall)
                bell = fall * part * part * weight
                by_height[i] += weight * (part if z >= 0 else fall * part)
                by_position[i] += bell
                by_kt[i] -= bell * z
                by_g[i] -= bell * BELL_X[k]
    else:
        inverse = 1.0 / sigma
        for k in range(THERMAL_X.size):
            shift, weight = kt * THERMAL_X[k], THERMAL_W[k]
            for i in range(x.size):
                z = (x[i] - position - shift) * inverse
                bell = exp(-0.5 * z * z)
                by_height[i] += weight * share(z, bell)
                bell *= weight / _ROOT_2PI
                by_position[i] += bell
                by_kt[i] -= bell * THERMAL_X[k]
                by_g[i] -= bell * z
    for i in range(x.size):
        value[i] = height * by_height[i]
        by_position[i] *= -height * inverse
        by_kt[i] *= height * inverse
        by_g[i] *= height * SIGMA_PER_FWHM * inverse
