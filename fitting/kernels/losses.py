"""Plasmons, edges and measured lines compiled: `fitting.lineshapes.drude`, `.edge`, `.measured`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from fitting.kernels.elementary import OPTIONS, exp
from fitting.kernels.steps import share
from fitting.lineshapes.drude import SERIES_BELOW, SERIES_TERMS
from fitting.lineshapes.edge import LOWEST
from fitting.lineshapes.steps import SIGMA_PER_FWHM

_ROOT_2PI = math.sqrt(2.0 * math.pi)
_LN_LOWEST = math.log(LOWEST)
_REACH = 9.0  # standard deviations beyond which a Gaussian adds nothing; as in the NumPy forms


@njit(**OPTIONS)
def _arctangent_quotient(s: float) -> tuple[float, float]:
    """See `fitting.lineshapes.drude.arctangent_quotient`."""
    if abs(s) < SERIES_BELOW:
        quotient, slope = 0.0, 0.0
        for k in range(SERIES_TERMS - 1, -1, -1):
            sign = -1.0 if k % 2 else 1.0
            quotient = quotient * s + sign / (2 * k + 1)
            if k:
                slope = slope * s + sign * k / (2 * k + 1)
        return quotient, slope
    root = math.sqrt(abs(s))
    quotient = (math.atan(root) if s > 0.0 else math.atanh(root)) / root
    return quotient, (1.0 / (1.0 + s) - quotient) / (2.0 * s)


@njit(**OPTIONS)
def drude(x: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray) -> None:
    """Drude's energy-loss function of a given area."""
    area, position, fwhm = p[0], p[1], p[2]
    by_area, by_position, by_fwhm = rows[place[0]], rows[place[1]], rows[place[2]]
    middle, width = position * position, fwhm * fwhm
    quotient, slope = _arctangent_quotient(4.0 * middle / width - 1.0)
    front = width / (2.0 * quotient)
    change = slope / quotient * 8.0 * position / width
    inverse = 2.0 / fwhm + change * position / fwhm
    for i in range(x.size):
        energy = max(x[i], 0.0)
        square = energy * energy
        detuned = square - middle
        below = 1.0 / (detuned * detuned + square * width)
        form = front * energy * below
        by_area[i] = form
        value[i] = area * form
        by_position[i] = area * form * (4.0 * position * detuned * below - change)
        by_fwhm[i] = area * form * (inverse - 2.0 * square * fwhm * below)


@njit(**OPTIONS)
def edge_step(
    x: np.ndarray, logarithm: np.ndarray, p: np.ndarray, value: np.ndarray, rows: np.ndarray, place: np.ndarray
) -> None:
    """An ionisation edge; `logarithm` is that of the energies, far below zero where they are not above 0."""
    height, position, fwhm, exponent = p[0], p[1], p[2], p[3]
    by_height, by_position, by_fwhm, by_exponent = rows[place[0]], rows[place[1]], rows[place[2]], rows[place[3]]
    sigma = SIGMA_PER_FWHM * fwhm
    inverse, onset, steep = 1.0 / sigma, math.log(position), exponent / position
    first = np.searchsorted(x, position - _REACH * sigma, "right")
    end = max(np.searchsorted(x, position + _REACH * sigma, "left"), first)
    for i in range(first):
        value[i] = by_height[i] = by_position[i] = by_fwhm[i] = by_exponent[i] = 0.0
    for i in range(first, x.size):
        # The logarithm first, so that what is slow stands in a loop of its own below.
        by_exponent[i] = max(logarithm[i] - onset, _LN_LOWEST)
        by_height[i] = exp(-exponent * by_exponent[i])
    for i in range(first, end):
        z = (x[i] - position) * inverse
        bell = exp(-0.5 * z * z)
        fall = by_height[i] if x[i] > 0.0 else 0.0
        form = share(z, bell) * fall
        bell *= fall / _ROOT_2PI
        by_height[i] = form
        value[i] = height * form
        by_position[i] = height * ((steep * form if by_exponent[i] > _LN_LOWEST else 0.0) - bell * inverse)
        by_fwhm[i] = -height * z * bell / fwhm
        by_exponent[i] *= -height * form
    for i in range(end, x.size):
        form = by_height[i]
        value[i] = height * form
        by_position[i] = height * steep * form
        by_fwhm[i] = 0.0
        by_exponent[i] *= -height * form


@njit(**OPTIONS)
def measured(
    x: np.ndarray, p: np.ndarray, curve_x: np.ndarray, curve_y: np.ndarray, value: np.ndarray, rows: np.ndarray,
    place: np.ndarray,
) -> None:
    """A measured line of unit area, moved and broadened."""
    area, position, sigma = p[0], p[1], SIGMA_PER_FWHM * p[2]
    by_area, by_position, by_g = rows[place[0]], rows[place[1]], rows[place[2]]
    least = curve_x[1] - curve_x[0]
    for k in range(1, curve_x.size - 1):
        least = min(least, curve_x[k + 1] - curve_x[k])
    if sigma > 1e-6 * least:
        _broadened(x, position, sigma, curve_x, curve_y, by_area, by_position, by_g)
    else:
        _sharp(x, position, curve_x, curve_y, by_area, by_position)
        by_g[:] = 0.0
    for i in range(x.size):
        value[i] = area * by_area[i]
        by_position[i] *= -area
        by_g[i] *= area * SIGMA_PER_FWHM


@njit(**OPTIONS)
def _sharp(
    x: np.ndarray, position: float, curve_x: np.ndarray, curve_y: np.ndarray, out: np.ndarray, slope: np.ndarray
) -> None:
    """Values and slopes of straight lines between the points, 0 outside."""
    last, k = curve_x.size - 1, 0
    for i in range(x.size):
        d = x[i] - position
        while k <= last and curve_x[k] <= d:
            k += 1
        if k == 0 or k > last:
            out[i] = curve_y[last] if d == curve_x[last] else 0.0
            slope[i] = 0.0
        else:
            slope[i] = (curve_y[k] - curve_y[k - 1]) / (curve_x[k] - curve_x[k - 1])
            out[i] = curve_y[k - 1] + slope[i] * (d - curve_x[k - 1])


@njit(**OPTIONS)
def _broadened(
    x: np.ndarray, position: float, sigma: float, curve_x: np.ndarray, curve_y: np.ndarray, out: np.ndarray,
    slope: np.ndarray, by_sigma: np.ndarray,
) -> None:
    """Values, slopes and derivatives by sigma of the line convolved with a Gaussian.

    Points of the line that lie out of its reach on the low side have made the ramps they make: the straight piece
    before the first point within reach. Those within reach are added as smeared bends and, at both ends, steps.
    """
    size, first, end = curve_x.size, 0, 0
    for i in range(x.size):
        d = x[i] - position
        while first < size and curve_x[first] <= d - _REACH * sigma:
            first += 1
        while end < size and curve_x[end] < d + _REACH * sigma:
            end += 1
        total, rise, change = 0.0, 0.0, 0.0
        if 0 < first < size:
            rise = (curve_y[first] - curve_y[first - 1]) / (curve_x[first] - curve_x[first - 1])
            total = curve_y[first - 1] + rise * (d - curve_x[first - 1])
        for k in range(first, end):
            distance = d - curve_x[k]
            z = distance / sigma
            bell = exp(-0.5 * z * z)
            part = share(z, bell)
            bell /= _ROOT_2PI
            before = (curve_y[k] - curve_y[k - 1]) / (curve_x[k] - curve_x[k - 1]) if k > 0 else 0.0
            after = (curve_y[k + 1] - curve_y[k]) / (curve_x[k + 1] - curve_x[k]) if k < size - 1 else 0.0
            bend = after - before
            total += bend * (distance * part + sigma * bell)
            rise += bend * part
            change += bend * bell
            jump = curve_y[0] if k == 0 else (-curve_y[k] if k == size - 1 else 0.0)
            if jump != 0.0:
                total += jump * part
                rise += jump * bell / sigma
                change -= jump * bell * z / sigma
        out[i], slope[i], by_sigma[i] = total, rise, change


@njit(**OPTIONS)
def spread(weights: np.ndarray, row: np.ndarray, out: np.ndarray, count: int) -> None:
    """Sums of `row` from every point on with `weights`: a convolution with the weights in reverse, into out[:count]."""
    for i in range(count):
        out[i] = 0.0
    whole = weights.size - weights.size % 8
    for j in range(0, whole, 8):
        # Eight at a time: the sums are loaded and stored an eighth as often.
        a, b, c, d = weights[j], weights[j + 1], weights[j + 2], weights[j + 3]
        e, f, g, h = weights[j + 4], weights[j + 5], weights[j + 6], weights[j + 7]
        part = row[j : j + count + 7]
        for i in range(count):
            out[i] += (a * part[i] + b * part[i + 1] + c * part[i + 2] + d * part[i + 3]) + (
                e * part[i + 4] + f * part[i + 5] + g * part[i + 6] + h * part[i + 7]
            )
    for j in range(whole, weights.size):
        weight = weights[j]
        for i in range(count):
            out[i] += weight * row[i + j]
