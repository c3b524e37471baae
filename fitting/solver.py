"""Least squares within bounds: Levenberg-Marquardt with an analytic Jacobian, bounds by an active set.

This is the only file that knows the minimiser; `engine` gives it a residual vector and a Jacobian. Parameters stop at
their bounds and are not transformed: a transform (MINUIT's, lmfit's) has no slope on a bound and creeps towards it for
thousands of evaluations. The tests hold the minima against lmfit and SciPy.

References
----------
D. W. Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963); J. J. Moré, Lecture Notes in Mathematics 630, 105 (1978),
for the scaling; H. B. Nielsen, IMM-REP-1999-05, Technical University of Denmark (1999), for the damping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadModel

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

# The fit ends when a full step promises to lower the sum of squares by less than this part of it (of a chi2 of 300: the
# values are then within 2e-5 standard errors of the minimum), or moves no value in double precision.
_GAIN = 1e-12
_MOVE = 1e-14
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-3, 1e-10, 1e15
_ACCEPTED = 1e-4  # smallest share of the promised gain that is taken
_STRIDE, _STRIDES = 0.9, 3  # share of the way to a bound that one step may go, and how many steps until it may go all
_WAKES, _BETTER = 2, 1e-9  # how often a fit begins again to wake sleeping parameters, and the gain that is worth it
_PULL = 1e-12  # smallest pull, relative to the scaled gradient, that frees a held parameter


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the minimiser ended.

    Attributes
    ----------
    x : array, shape (k,)
    cost : float
        Sum of squares.
    status : "converged", "iteration limit", "cancelled" or "not finite"
    evaluations : int
    at_bound : array of bool, shape (k,)
        Values that lie on a bound, exactly.
    """

    x: FloatArray
    cost: float
    status: str
    evaluations: int
    at_bound: np.ndarray


class _Stop(Exception):
    """Carries the reason for stopping out of the minimiser."""


@dataclass(frozen=True, eq=False)
class _Point:
    """Sum of squares, half its gradient and half its curvature (without the residuals' own) at a place."""

    x: FloatArray
    cost: float
    gradient: FloatArray
    curvature: FloatArray


class _Tape:
    """Calls the model, counts, keeps the best point, and stops the minimiser when asked to."""

    def __init__(self, function: Function, limit: int, progress: Progress | None, cancel: Cancel | None) -> None:
        self.function, self.limit, self.progress, self.cancel = function, limit, progress, cancel
        self.evaluations = 0
        self.best: _Point | None = None
        self.ending = "converged"  # what it means when no step leads further down: "not finite" at an edge of the model

    def __call__(self, x: FloatArray) -> _Point | None:
        """The point, or None where the model has no finite value."""
        if self.cancel is not None and self.cancel():
            raise _Stop("cancelled")
        if self.evaluations >= self.limit:
            raise _Stop("iteration limit")
        self.evaluations += 1
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                residual, jacobian = self.function(x)
                point = _Point(x, float(residual @ residual), jacobian @ residual, jacobian @ jacobian.T)
        except BadModel:
            if self.best is None:
                raise
            self.ending = "not finite"
            return None
        if self.progress is not None and self.evaluations % 5 == 1:
            self.progress(self.evaluations / (self.evaluations + 50.0), f"{self.evaluations} evaluations")
        if not (np.isfinite(point.cost) and np.all(np.isfinite(point.curvature))):
            self.ending = "not finite"
            return None
        self.ending = "converged"
        if self.best is None or point.cost < self.best.cost:
            self.best = point
        return point


def minimise(
    function: Function,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Solution:
    """Minimise the sum of squares of a residual vector within bounds.

    Parameters
    ----------
    function : callable
        x (k,) -> residual (n,), Jacobian (k, n).
    start, lower, upper : array, shape (k,)
        A start outside the bounds is an error.
    max_evaluations : int
    progress, cancel : callables, optional

    Raises
    ------
    BadModel
        If the start lies outside its bounds, or the model has no value there.
    """
    if np.any(start < lower) or np.any(start > upper):
        raise BadModel("A start value lies outside its bounds")
    tape = _Tape(function, max_evaluations, progress, cancel)
    begin = np.array(start, dtype=float)
    try:
        status = _descend(tape, begin, lower, upper)
        for _ in range(_WAKES):
            again = _awake(tape.best, begin, lower, upper)
            before = tape.best.cost if tape.best else np.inf
            if again is None or status != "converged":
                break
            _descend(tape, again, lower, upper)
            if tape.best is None or not tape.best.cost < before * (1 - _BETTER):
                break
    except _Stop as stop:
        status = str(stop)
    x = begin if tape.best is None else tape.best.x
    cost = float("nan") if tape.best is None else tape.best.cost
    return Solution(x, cost, status, tape.evaluations, (x <= lower) | (x >= upper))


def _awake(end: _Point | None, start: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray | None:
    """A new start where parameters fell asleep: a peak whose area sank to zero no longer feels where it stands.

    Those without any slope, and those on a bound that they did not start on, go back to their start.
    """
    if end is None:
        return None
    asleep = (np.diag(end.curvature) == 0) & (lower < upper)
    landed = ((end.x <= lower) & (start > lower)) | ((end.x >= upper) & (start < upper))
    if not (np.any(asleep) and np.any(landed)):
        return None
    return np.where(asleep | landed, start, end.x)


def _descend(tape: _Tape, start: FloatArray, lower: FloatArray, upper: FloatArray) -> str:
    """Steps downhill until none is left; returns why it ended. The tape holds the best point."""
    point = tape(start)
    if point is None:
        return "not finite"
    damping, growth = _FIRST_DAMPING, 2.0
    scale = np.zeros(start.size)
    # A first, wild step must not throw a peak's area on zero, from where its position and width find no way back.
    strides = np.zeros(start.size, dtype=int)
    while True:
        scale = np.maximum(scale, np.sqrt(np.diag(point.curvature)))
        if _promise(point, _target(point, scale, _LEAST_DAMPING, lower, upper)) <= _GAIN * point.cost:
            return "converged"
        share = np.where(strides >= _STRIDES, 1.0, _STRIDE)
        low = np.where(share < 1, point.x - share * (point.x - lower), lower)
        high = np.where(share < 1, point.x + share * (upper - point.x), upper)
        trial = None
        while trial is None:
            x = _target(point, scale, damping, low, high)
            if damping > _MOST_DAMPING or np.all(np.abs(x - point.x) <= _MOVE * np.abs(point.x)):
                return tape.ending
            promise = _promise(point, x)
            trial = tape(x)
            ratio = (point.cost - trial.cost) / promise if trial is not None and promise > 0 else -1.0
            if ratio > _ACCEPTED:
                damping = max(damping * max(1 / 3, 1 - (2 * ratio - 1) ** 3), _LEAST_DAMPING)
                growth = 2.0
            else:
                damping, growth, trial = damping * growth, growth * 2.0, None
        strides = np.where(((x <= low) & (low < point.x)) | ((x >= high) & (high > point.x)), strides + 1, 0)
        point = trial


def _promise(point: _Point, x: FloatArray) -> float:
    """By how much the sum of squares would fall from a point to x if residuals were straight lines."""
    move = x - point.x
    return float(-2.0 * (point.gradient @ move) - move @ point.curvature @ move)


def _target(point: _Point, scale: FloatArray, damping: float, lower: FloatArray, upper: FloatArray) -> FloatArray:
    """Where the damped step from a point ends: the minimum of its quadratic model inside the bounds.

    An active-set walk: towards the minimum over the open parameters until one meets its bound; that one is held and the
    walk goes on; held ones that pull back inside are let free again.
    """
    unit = np.where(scale > 0, scale, 1.0)
    curvature = point.curvature / np.outer(unit, unit) + damping * np.eye(unit.size)
    gradient = point.gradient / unit
    low, high = (lower - point.x) * unit, (upper - point.x) * unit
    move = np.zeros(unit.size)
    held = ((low >= 0) & (gradient >= 0)) | ((high <= 0) & (gradient <= 0)) | (lower == upper)
    for _ in range(3 * unit.size + 3):
        slope = gradient + curvature @ move
        free = np.flatnonzero(~held)
        if free.size:
            ahead = np.linalg.solve(curvature[np.ix_(free, free)], -slope[free])
            limit = np.where(ahead > 0, high[free], low[free]) - move[free]
            share = np.divide(limit, ahead, out=np.full(free.size, np.inf), where=ahead != 0)
            first = int(np.argmin(share))
            move[free] += min(float(share[first]), 1.0) * ahead
            if share[first] < 1.0:
                at = free[first]
                move[at] = high[at] if ahead[first] > 0 else low[at]
                held[at] = True
                continue
            slope = gradient + curvature @ move
        inwards = held & (lower < upper) & (((move <= low) & (slope < -_PULL)) | ((move >= high) & (slope > _PULL)))
        if not np.any(inwards):
            break
        held &= ~inwards
    x = np.clip(point.x + move / unit, lower, upper)
    return np.where(held & (move <= low), lower, np.where(held & (move >= high), upper, x))


def names_of(flags: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """The names whose flag is set."""
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)
