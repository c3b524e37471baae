"""A background through points that the analyst sets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from fitting.backgrounds.static import StaticBackground, check
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
Anchors = tuple[tuple[float, float], ...]


def anchor_levels(x: FloatArray, y: FloatArray, anchors: Sequence[tuple[float, float]], average: int) -> Anchors:
    """Anchors (energy, offset) as points (energy, level): the mean of the data about the energy, plus the offset.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Of the whole spectrum: axis values, ascending, and intensity.
    anchors : sequence of (energy, offset)
    average : int
        The mean runs over so many points on either side of the nearest one; where the data stop, over those there are.
    """
    found = []
    for energy, offset in anchors:
        at = int(np.argmin(np.abs(x - energy)))
        level = float(np.mean(y[max(at - average, 0) : at + average + 1]))
        found.append((float(energy), level + float(offset)))
    return tuple(found)


def spline(x: FloatArray, y: FloatArray, *, anchors: Sequence[tuple[float, float]] = (), curved: float = 1.0) -> (
    StaticBackground
):
    """A curve through points, level beyond the outermost.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Energies, ascending, and intensity (which is not looked at).
    anchors : sequence of (energy, level)
        One point or more; see `anchor_levels`.
    curved : float
        Not 0: cubic pieces that never swing beyond two neighbouring anchors. 0: straight lines.

    Raises
    ------
    BadModel
        If there is no anchor, or two share an energy.

    References
    ----------
    F. N. Fritsch, J. Butland, SIAM J. Sci. Stat. Comput. 5, 300 (1984), for the cubic pieces.
    """
    check(x, y)
    if not anchors:
        raise BadModel("A spline background needs anchors", todo="Add one with a double-click on the plot")
    places, levels = np.array(sorted(anchors), dtype=float).T
    if np.any(np.diff(places) <= 0):
        raise BadModel("Two anchors of a background share an energy", where=", ".join(f"{e:g}" for e in places))
    inside = np.clip(x, places[0], places[-1])
    if curved and places.size > 2:
        return StaticBackground(PchipInterpolator(places, levels)(inside))
    return StaticBackground(np.interp(inside, places, levels))
