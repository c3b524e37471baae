"""Convolution with a Gaussian of lines that have no closed form for it, exact to about 1e-10 of the maximum.

The line is smooth on either side of its position and may have a kink there. Within 8 standard deviations of it the
integral runs over nodes that are the same for all points: on either side Gauss-Legendre panels that begin with the
width of the line, double, and are never wider than three standard deviations. Farther out the line hardly bends within
the Gaussian, and a Gauss-Hermite rule about each point is enough.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
# Of distances from the position, shape (n,): values (n,), derivatives by the distance (n,), by the parameters (p, n).
Line = Callable[[FloatArray], tuple[FloatArray, FloatArray, FloatArray]]

NEAR = 8.0  # in standard deviations: closer points share their nodes
REACH = 16.5  # in standard deviations: how far the nodes go, so that 8.5 are left beyond the farthest near point
WIDEST = 3.0  # in standard deviations: the widest panel that 16 nodes integrate a Gaussian over
LEGENDRE_X, LEGENDRE_W = (np.ascontiguousarray(row) for row in np.polynomial.legendre.leggauss(16))
_X, _W = np.polynomial.hermite.hermgauss(20)  # the outermost node lies at 7.6 standard deviations, short of the kink
HERMITE_X, HERMITE_W = math.sqrt(2.0) * _X, _W / math.sqrt(math.pi)


class Convolved(NamedTuple):
    """A convolved line and its derivatives by the distance, by sigma and by its parameters."""

    value: FloatArray
    by_distance: FloatArray
    by_sigma: FloatArray
    by_params: FloatArray


def panel_nodes(sigma: float, first: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights on one side of the position, up to 16.5 sigma; the first panel is `first` wide."""
    edges = [0.0]
    width = min(first, WIDEST * sigma)
    while edges[-1] < REACH * sigma:
        edges.append(edges[-1] + width)
        width = min(2.0 * width, WIDEST * sigma)
    low, half = np.array(edges[:-1])[:, None], 0.5 * np.diff(edges)[:, None]
    return (low + half * (1.0 + LEGENDRE_X)).ravel(), (half * LEGENDRE_W).ravel()


def convolved(line: Line, d: FloatArray, sigma: float, first: tuple[float, float]) -> Convolved:
    """A line convolved with a Gaussian.

    Parameters
    ----------
    line : callable
    d : ndarray, shape (n,)
        Distances from its position.
    sigma : float
        Standard deviation of the Gaussian in the unit of `d`, >= 0.
    first : (low, high)
        Size of what there is to be resolved next to the position, on the side of negative and of positive distances.
    """
    near = np.abs(d) < NEAR * sigma
    if not near.any():
        return _far(line, d, sigma)
    if near.all():
        return _near(line, d, sigma, first)
    close, far = _near(line, d[near], sigma, first), _far(line, d[~near], sigma)
    out = []
    for a, b in zip(close, far, strict=True):
        whole = np.empty((*a.shape[:-1], d.size))
        whole[..., near], whole[..., ~near] = a, b
        out.append(whole)
    return Convolved(*out)


def _near(line: Line, d: FloatArray, sigma: float, first: tuple[float, float]) -> Convolved:
    (low, low_weights), (high, high_weights) = (panel_nodes(sigma, size) for size in first)
    u, w = np.concatenate([-low, high]), np.concatenate([low_weights, high_weights])
    value, _, params = line(u)
    z = (d[:, None] - u) / sigma
    bell = np.exp(-0.5 * z * z) / (sigma * math.sqrt(2.0 * math.pi))
    weighted = value * w
    by_distance = -(bell * z) @ weighted / sigma
    by_sigma = (bell * (z * z - 1.0)) @ weighted / sigma  # sigma times the second derivative: the heat equation
    return Convolved(bell @ weighted, by_distance, by_sigma, (bell @ (params * w).T).T)


def _far(line: Line, d: FloatArray, sigma: float) -> Convolved:
    if sigma == 0.0:
        value, slope, params = line(d)
        return Convolved(value, slope, np.zeros_like(d), params)
    flat = (d[:, None] - sigma * HERMITE_X).ravel()
    value, slope, params = line(flat)
    shape = (d.size, HERMITE_X.size)
    slope = slope.reshape(shape)
    return Convolved(
        value.reshape(shape) @ HERMITE_W,
        slope @ HERMITE_W,
        -slope @ (HERMITE_W * HERMITE_X),
        params.reshape(params.shape[0], *shape) @ HERMITE_W,
    )
