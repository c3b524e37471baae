"""Position of a Fermi edge: a broadened step between two levels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import erf

from fitting.dataset import FloatArray, Spectrum
from fitting.statistics import variance_of
from libraries.errors import BadData

_MOST_CHANNELS = 20_000


@dataclass(frozen=True, eq=False)
class Edge:
    """A fitted edge.

    Attributes
    ----------
    position, position_error : float
        Of the half height, in the unit of the axis.
    width, width_error : float
        From 16 to 84 % of the height.
    height, height_error : float
        Step at the edge.
    x, y : array
        The fitted curve.
    reduced_chi2 : float
        Errors are scaled by it where the noise is not known.
    """

    position: float
    position_error: float
    width: float
    width_error: float
    height: float
    height_error: float
    x: FloatArray
    y: FloatArray
    reduced_chi2: float


def _edge(p: FloatArray, x: FloatArray, side: float) -> FloatArray:
    """level + (height + slope t)(1 + erf(t/(sqrt 2 sigma)))/2, t the distance into the occupied side."""
    position, sigma, height, slope, level = p
    t = side * (x - position)
    return level + (height + slope * t) * 0.5 * (1.0 + erf(t / (math.sqrt(2.0) * sigma)))


def fit_edge(spectrum: Spectrum, low: float, high: float) -> Edge:
    """The Fermi edge in a window.

    A Gaussian-broadened step with a sloping occupied side. The thermal width (4.4 kT from 10 to 90 %, 0.11 eV at 300 K)
    is as symmetric as the analyser's, so that it goes into the same width and leaves the position alone. A density of
    states that bends near the edge moves the fitted place; narrow the window to see by how much.

    Raises
    ------
    BadData
        If the window holds no edge that stands out of its noise by five standard errors.
    """
    part = spectrum.window(low, high)
    if part.navigation or not 10 <= part.x.size <= _MOST_CHANNELS:
        raise BadData("An edge is fitted to one spectrum with at least 10 points", where=spectrum.name)
    x, y, noise = part.x, part.y, part.noise
    side = -1.0 if part.axis.quantity == "kinetic_energy" else 1.0
    third = max(x.size // 4, 2)
    before, after = (float(np.mean(y[:third])), float(np.mean(y[-third:])))[:: int(side)]
    span = float(x[-1] - x[0])
    middle = 0.5 * (before + after)
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    crossing = np.flatnonzero(np.diff(np.sign(smooth - middle)))
    at = float(x[crossing[crossing.size // 2]]) if crossing.size else float(x[x.size // 2])
    start = np.array([at, span / 20, max(after - before, 1e-12), 0.0, before])
    bounds = ([x[0], 0.2 * part.axis.step, 0.0, -np.inf, -np.inf], [x[-1], span, np.inf, np.inf, np.inf])
    expected = np.maximum(smooth, float(np.mean(np.abs(y))) * 1e-2)
    for _ in range(3):  # weights from the model, not from the scattering counts
        sigma = np.sqrt(variance_of(noise, expected, y))
        found = least_squares(
            lambda p, s=sigma: (_edge(p, x, side) - y) / s, start, bounds=bounds, x_scale=np.abs(start) + 1e-3 * span
        )
        start = np.clip(found.x, np.array(bounds[0]) + 1e-12, np.array(bounds[1]) - 1e-12)
        expected = _edge(found.x, x, side)
    chi2 = float(2.0 * found.cost) / (x.size - 5)
    normal = found.jac.T @ found.jac
    size = np.sqrt(np.diag(normal))
    if not np.all(size > 0) or np.linalg.cond(normal / np.outer(size, size)) > 1e12:
        raise BadData("The window holds no edge", where=spectrum.name, todo="Show the Fermi edge and some eV around it")
    covariance = np.linalg.inv(normal / np.outer(size, size)) / np.outer(size, size)
    if not noise.known:
        covariance = covariance * chi2
    errors = np.sqrt(np.diag(covariance))
    position, width, height = (float(v) for v in found.x[:3])
    if not height > 5 * errors[2] or not x[0] + part.axis.step < position < x[-1] - part.axis.step:
        raise BadData("No edge stands out of the noise in this window", where=spectrum.name,
                      todo="Show the Fermi edge and some eV around it")
    return Edge(position, float(errors[0]), 2 * width, 2 * float(errors[1]), height, float(errors[2]), x,
                _edge(found.x, x, side), chi2)
