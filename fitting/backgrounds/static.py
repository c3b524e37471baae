"""Backgrounds taken from the data alone: constant, straight line, iterative Shirley.

All of them take the binding energy ascending: the first point is the low-binding-energy end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadModel

FloatArray = NDArray[np.float64]
Quadrature = Literal["casa", "trapezoid"]
Levels = tuple[float, float]


@dataclass(frozen=True, eq=False)
class StaticBackground:
    """A background, with what the user ought to know about it.

    Attributes
    ----------
    values : ndarray, shape (n,)
        In the unit of the intensities.
    warnings : tuple of str
        Sentences for the user, empty if all is well.
    iterations : int
        Passes that were needed (0 where nothing is iterated).
    """

    values: FloatArray
    warnings: tuple[str, ...] = ()
    iterations: int = 0


def end_levels(y: FloatArray, average: int = 0, first: int = 0, last: int = -1) -> Levels:
    """Levels at both ends of a region, each the mean of 2 average + 1 points centred on the end point.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Intensities: the region, or the whole spectrum that it is cut from.
    average : int
        CasaXPS "Av. Width": points on either side of the end point. Where the data stop, the mean runs over those
        there are: with the region alone, over its outermost average + 1 points.
    first, last : int
        Indices of the region's end points in `y` (negative ones count from the end).

    Returns
    -------
    low, high : float
        At the first and at the last point of the region.
    """
    if average < 0:
        raise BadModel(f"An average over {average} points makes no sense", where="average", todo="Use 0 or more")
    n = y.size
    low, high = (float(np.mean(y[max(at - average, 0) : at + average + 1])) for at in (first % n, last % n))
    return low, high


def constant(x: FloatArray, y: FloatArray, average: int = 0, *, levels: Levels | None = None) -> StaticBackground:
    """The averaged level of the low-binding-energy end, everywhere; parameters as in `linear`."""
    check(x, y)
    low, _ = levels or end_levels(y, average)
    return StaticBackground(np.full(x.shape, low))


def linear(x: FloatArray, y: FloatArray, average: int = 0, *, levels: Levels | None = None) -> StaticBackground:
    """Straight line through the averaged end levels.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Binding energy in eV, ascending, and intensity.
    average : int
        See `end_levels`.
    levels : (low, high), optional
        End levels, low binding energy first, in place of those of `end_levels(y, average)`.
    """
    check(x, y)
    low, high = levels or end_levels(y, average)
    return StaticBackground(low + (high - low) * (x - x[0]) / (x[-1] - x[0]))


def shirley(
    x: FloatArray,
    y: FloatArray,
    average: int = 0,
    *,
    quadrature: Quadrature = "casa",
    tol: float = 1e-6,
    max_iter: int = 50,
    smart: bool = False,
    levels: Levels | None = None,
) -> StaticBackground:
    """Iterative Shirley background.

    B = I_0 + (I_1 - I_0) c/c_end, c the running sum of y - B from the low-binding-energy end, repeated from B = I_0
    until no point moves by more than `tol` times the step.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Binding energy in eV, ascending, and intensity.
    average : int
        Points averaged on either side of each end point; see `end_levels`.
    quadrature : "casa" or "trapezoid"
        "casa": the sum at a point runs over the points below it, itself excluded, as CasaXPS counts; "trapezoid": half
        of the end points, which shifts the step by half a channel.
    tol : float
        Where to stop, relative to the step.
    max_iter : int
    smart : bool
        Never above the data: each pass is clipped to y. On noisy data this biases the background low.
    levels : (low, high), optional
        End levels, low binding energy first, in place of those of `end_levels(y, average)`.

    Returns
    -------
    StaticBackground
        Meets both end levels (unless clipped). A step down towards high binding energy is computed the same way, with
        a warning.

    Raises
    ------
    BadModel
        If the axis is not ascending, the area above the background vanishes, or the iteration does not converge.

    References
    ----------
    D. A. Shirley, Phys. Rev. B 5, 4709 (1972); A. Proctor, P. M. A. Sherwood, Anal. Chem. 54, 13 (1982).
    """
    check(x, y)
    if quadrature not in ("casa", "trapezoid"):
        raise BadModel(f"No quadrature is called {quadrature}", where="Shirley", todo="Use casa or trapezoid")
    low, high = levels or end_levels(y, average)
    step = high - low
    background = np.full(x.shape, low)
    if step == 0:
        return StaticBackground(background)
    noise_floor = 1e-9 * float(np.sum(np.abs(y[:-1] - low) * np.diff(x)))
    for iteration in range(1, max_iter + 1):
        running = _running_sum(x, y - background, quadrature)
        if abs(running[-1]) <= noise_floor:
            raise BadModel(
                "The Shirley background has no area to follow: it vanishes",
                where=region_words(x),
                todo="Choose a wider region or another background",
            )
        update = low + step * running / running[-1]
        if smart:
            update = np.minimum(update, y)
        change = float(np.max(np.abs(update - background)))
        background = update
        if change < tol * abs(step):
            return StaticBackground(background, _warnings(step, running[-1]), iteration)
    raise BadModel(
        f"The Shirley background did not converge in {max_iter} passes",
        where=region_words(x),
        todo="Choose a region that ends on flat background, average its ends, or use the active Shirley background",
    )


def _running_sum(x: FloatArray, f: FloatArray, quadrature: Quadrature) -> FloatArray:
    step = np.diff(x)
    pieces = f[:-1] * step if quadrature == "casa" else 0.5 * (f[:-1] + f[1:]) * step
    return np.concatenate([[0.0], np.cumsum(pieces)])


def _warnings(step: float, area: float) -> tuple[str, ...]:
    found = []
    if step < 0:
        found.append("The background falls towards high binding energy, which no energy loss explains")
    if area < 0:
        found.append("The background lies above the data on the whole")
    return tuple(found)


def region_words(x: FloatArray) -> str:
    """A region for messages."""
    return f"region {x[0]:g} to {x[-1]:g} eV"


def check(x: FloatArray, y: FloatArray) -> None:
    """Refuse what is no region: fewer than three points, energies that do not ascend."""
    if x.ndim != 1 or x.shape != y.shape or x.size < 3:
        raise BadModel("A background needs at least three points, as many energies as intensities", where="background")
    if np.any(np.diff(x) <= 0):
        raise BadModel("The energies of a background must ascend", where="background")
