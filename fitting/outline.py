"""What a profile truly looks like: maximum, width, windowed area, found numerically."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

FloatArray = NDArray[np.float64]
Window = tuple[float, float]
# (x, *parameters) -> (values (n,), derivatives by the parameters (k, n)), the second parameter being the position.
Profile = Callable[..., tuple[FloatArray, FloatArray]]


@dataclass(frozen=True)
class Derived:
    """What a profile truly looks like, whatever its parameters are called.

    Attributes
    ----------
    maximum_position, fwhm, height : float
        Place of the maximum, full width at half maximum, value at the maximum. Of a step: its middle, the full width at
        half maximum of its slope, and its height.
    area : float or None
        Integral: of the whole axis where that is finite (`window` None), else inside `window`. None for a shape of
        infinite area when no window was given.
    window : tuple or None
        The window that `area` belongs to.
    """

    maximum_position: float
    fwhm: float
    height: float
    area: float | None
    window: Window | None = None


def maximum_of(function: Profile, params: tuple[float, ...], scale: float) -> float:
    """Place of the maximum: the highest point of a grid about the position that follows it uphill, refined."""
    grid = params[1] + scale * np.linspace(-1.5, 1.5, 301)
    at = int(np.argmax(function(grid, *params)[0]))
    for _ in range(50):
        if 0 < at < grid.size - 1:
            break
        grid = grid + (grid[at] - grid[150])
        at = int(np.argmax(function(grid, *params)[0]))
    low, high = grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)]

    def slope(place: float) -> float:
        return -float(function(np.array([place]), *params)[1][1, 0])

    if slope(low) <= 0 or slope(high) >= 0:
        return float(grid[at])
    return float(brentq(slope, low, high, xtol=1e-12, rtol=1e-15))


def crossing_of(
    function: Profile,
    params: tuple[float, ...],
    maximum: float,
    top: float,
    scale: float,
) -> float:
    """Distance from the maximum to the nearest place of half height, on the side that the sign of `scale` says."""
    distances = scale * np.concatenate([np.linspace(0, 2, 81), 2 * 1.1 ** np.arange(1, 100)])
    below = function(maximum + distances, *params)[0] < 0.5 * top
    if not below.any():
        return float("nan")
    at = int(np.argmax(below))

    def excess(distance: float) -> float:
        return float(function(np.array([maximum + distance]), *params)[0][0]) - 0.5 * top

    return abs(float(brentq(excess, distances[at - 1], distances[at], xtol=1e-13 * abs(scale) + 1e-300)))


def windowed_area(
    function: Profile, params: tuple[float, ...], scale: float, window: Window
) -> tuple[float, FloatArray]:
    """Integral over a window and its derivatives: Gauss-Legendre on pieces that grow away from the line."""
    low, high = min(window), max(window)
    steps = scale * 0.0625 * 2.0 ** np.arange(30)
    edges = np.concatenate([[low, high, params[1]], params[1] + steps, params[1] - steps])
    edges = np.unique(edges[(edges >= low) & (edges <= high)])
    nodes, weights = np.polynomial.legendre.leggauss(16)
    half = 0.5 * np.diff(edges)[:, None]
    x = (edges[:-1, None] + half * (1 + nodes)).ravel()
    w = (half * weights).ravel()
    value, gradient = function(x, *params)
    return float(value @ w), gradient @ w
