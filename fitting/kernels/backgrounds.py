"""The in-fit backgrounds compiled; formulas and references are in `fitting.backgrounds`.

They are linear operators on the sum of the peaks, so that they act on its derivatives just as on its values.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS

# The registry's in-fit backgrounds by number; static ones are 0 with their values added.
CODES = {
    "none": 0, "constant": 1, "linear_active": 2, "shirley_active": 3, "tougaard_active": 4, "tougaard_plasmon": 5,
    "polynomial": 6, "step_erf": 7, "step_arctan": 8, "power_law": 9,
}
SCATTERING = (4, 5)  # those with a loss operator


@njit(**OPTIONS)
def cumulative(weights: np.ndarray, first: np.ndarray, f: np.ndarray, out: np.ndarray) -> None:
    """Running integral; `weights` (n-1, points) and `first` (n-1,) are those of `cumulative.interval_weights`."""
    total = 0.0
    out[0] = 0.0
    points = weights.shape[1]
    if points == 8:
        for i in range(weights.shape[0]):
            at = first[i]
            total += (
                (weights[i, 0] * f[at] + weights[i, 1] * f[at + 1])
                + (weights[i, 2] * f[at + 2] + weights[i, 3] * f[at + 3])
            ) + (
                (weights[i, 4] * f[at + 4] + weights[i, 5] * f[at + 5])
                + (weights[i, 6] * f[at + 6] + weights[i, 7] * f[at + 7])
            )
            out[i + 1] = total
        return
    for i in range(weights.shape[0]):
        for j in range(points):
            total += weights[i, j] * f[first[i] + j]
        out[i + 1] = total


@njit(**OPTIONS)
def shirley(
    weights: np.ndarray, first: np.ndarray, step: float, loss_slope: float, rows: np.ndarray, asks: np.ndarray
) -> None:
    """Add to every row that `asks` what the background makes of it: step C + loss_slope C C."""
    n = rows.shape[1]
    once, twice = np.empty(n), np.empty(n)
    for j in range(rows.shape[0]):
        if not asks[j]:
            continue
        cumulative(weights, first, rows[j], once)
        if loss_slope != 0.0:
            cumulative(weights, first, once, twice)
            for i in range(n):
                rows[j, i] += step * once[i] + loss_slope * twice[i]
        else:
            for i in range(n):
                rows[j, i] += step * once[i]


@njit(**OPTIONS)
def add_losses(x: np.ndarray, weights: np.ndarray, strength: float, c: float, d: float, operator: np.ndarray) -> None:
    """Add strength T/[(c - T**2)**2 + d T**2] times the trapezoid weights to the lower triangle of the operator."""
    for i in range(1, x.size):
        row, here = operator[i], x[i]
        for j in range(i):
            loss = here - x[j]
            square = loss * loss
            row[j] += strength * loss * weights[j] / ((c - square) * (c - square) + d * square)


@njit(**OPTIONS)
def loss_slopes(
    x: np.ndarray, weights: np.ndarray, c: float, d: float, flux: np.ndarray, out: np.ndarray
) -> None:
    """The loss operator of strength 1 and its derivatives by c and d, applied to `flux`; into `out` (3, n)."""
    for i in range(x.size):
        plain, by_c, by_d = 0.0, 0.0, 0.0
        here = x[i]
        for j in range(i):
            loss = here - x[j]
            square = loss * loss
            bottom = 1.0 / ((c - square) * (c - square) + d * square)
            part = loss * weights[j] * bottom * flux[j]
            plain += part
            by_c += part * (c - square) * bottom
            by_d += part * square * bottom
        out[0, i], out[1, i], out[2, i] = plain, -2.0 * by_c, -by_d


@njit(**OPTIONS)
def scatter(operator: np.ndarray, rows: np.ndarray, asks: np.ndarray) -> None:
    """Solve (1 - K) f = row in place for every row that `asks`: K is a strict lower triangle."""
    for j in range(rows.shape[0]):
        if not asks[j]:
            continue
        row = rows[j]
        for i in range(1, row.size):
            total = 0.0
            line = operator[i]
            for m in range(i):
                total += line[m] * row[m]
            row[i] += total


@njit(**OPTIONS)
def trapezoid(x: np.ndarray) -> np.ndarray:
    """Weights of the trapezoid rule."""
    weights = np.zeros(x.size)
    for i in range(x.size - 1):
        half = 0.5 * (x[i + 1] - x[i])
        weights[i] += half
        weights[i + 1] += half
    return weights


@njit(**OPTIONS)
def plasmon_norm(energy: float, width: float) -> float:
    """One over the integral of a narrow plasmon of strength 1."""
    return 2.0 * energy * width / math.pi
