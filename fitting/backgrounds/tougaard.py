"""Tougaard's background taken from the data: what a spectrum loses to an assumed loss function."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fitting.backgrounds.static import Levels, StaticBackground, check, end_levels, region_words
from libraries.errors import BadModel

FloatArray = NDArray[np.float64]

# B (eV²), C (eV²), D (eV²) and threshold T0 (eV) of the classes: S. Tougaard, Surf. Interface Anal. 25, 137 (1997), in
# the notation of CasaXPS, where the universal class is the three-parameter form with C below zero and D = 0.
LOSS_CLASSES: Mapping[str, tuple[float, float, float, float]] = {
    "universal": (2866.0, -1643.0, 0.0, 0.0),
    "polymer": (434.0, 551.0, 436.0, 0.0),
    "SiO2": (325.0, 542.0, 275.0, 9.3),
    "Si": (132.0, 325.0, 96.0, 1.1),
    "Ge": (73.0, 260.0, 62.0, 0.0),
    "Al": (16.5, 230.0, 4.5, 0.0),
}
_ROWS = 512  # of the loss function at a time, so that a survey of many thousand points takes little memory


def tougaard(
    x: FloatArray,
    y: FloatArray,
    average: int = 0,
    *,
    b: float = 2866.0,
    c: float = -1643.0,
    d: float = 0.0,
    t0: float = 0.0,
    rescale: float = 1.0,
    levels: Levels | None = None,
) -> StaticBackground:
    """Tougaard's background of a region.

    I_0 + integral of b T/[(c - T**2)**2 + d T**2] [y(x - T) - I_0] dT over the losses T >= t0, a sum of rectangles.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Binding energy in eV, ascending, and intensity.
    average : int
        Points averaged on either side of each end point; see `end_levels`.
    b, c, d : float
        Loss function in eV**2. A c below zero with d = 0 is the two-parameter form b T/(|c| + T**2)**2.
    t0 : float
        Smallest loss in eV, the gap of an insulator.
    rescale : float
        Not 0: b is replaced by what makes the background meet the data at the high-binding-energy end. 0: b is taken
        as it is.
    levels : (low, high), optional
        End levels, low binding energy first, in place of those of `end_levels(y, average)`.

    Returns
    -------
    StaticBackground
        A step down towards high binding energy is computed the same way, with a warning.

    Raises
    ------
    BadModel
        If the loss function has no width, or there is no signal whose losses could meet the data.

    References
    ----------
    S. Tougaard, Surf. Interface Anal. 11, 453 (1988); 25, 137 (1997).
    """
    check(x, y)
    if c == 0 or (c > 0 and not d > 0):
        raise BadModel("A loss function with c above zero needs a width d above zero", where="Tougaard background")
    low, high = levels or end_levels(y, average)
    lost = losses(x, y - low, c, d, t0)
    if not rescale:
        return StaticBackground(low + b * lost)
    # Of a sum that is rounding alone nothing can be said.
    floor = 1e-9 * float(np.sum(np.abs(losses(x, np.abs(y - low), c, d, t0)[-1:])))
    if abs(lost[-1]) <= floor:
        raise BadModel(
            "The Tougaard background cannot meet the data at the high-binding-energy end",
            where=region_words(x),
            todo="Choose a wider region, or take the strength B as it is",
        )
    strength = (high - low) / lost[-1]
    falls = ("The background falls towards high binding energy, which no energy loss explains",)
    return StaticBackground(low + strength * lost, falls if strength < 0 else ())


def losses(x: FloatArray, net: FloatArray, c: float, d: float, t0: float) -> FloatArray:
    """What a signal above its background loses to a loss function of strength 1, shape (n,)."""
    step = np.gradient(x)
    source = net * step
    # The threshold falls on a channel as a rule: rounding must not decide whether that one counts.
    least = max(t0 - 1e-6 * float(step.min()), 0.0)
    out = np.empty_like(net)
    for first in range(0, x.size, _ROWS):
        loss = x[first : first + _ROWS, None] - x[None, :]
        loss[(loss < least) | (loss <= 0)] = 0.0
        square = loss * loss
        out[first : first + _ROWS] = (loss / ((c - square) ** 2 + d * square)) @ source
    return out
