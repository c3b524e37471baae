"""Least squares within bounds: Levenberg-Marquardt on orthogonal factors, bounds by an active set.

This is the only file that knows the minimiser; `engine` gives it a residual vector and a Jacobian. Parameters stop at
their bounds and are not transformed: a transform (MINUIT's, lmfit's) has no slope on a bound and creeps towards it for
thousands of evaluations. The tests hold the minima against the certified values of NIST, lmfit and SciPy.

References
----------
D. W. Marquardt, J. Soc. Indust. Appl. Math. 11, 431 (1963); J. J. Moré, Lecture Notes in Mathematics 630, 105 (1978),
for the scaling and the orthogonal factors; H. B. Nielsen, IMM-REP-1999-05, Technical University of Denmark (1999), for
the damping.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from fitting.active_set import nearest, triangle
from fitting.dataset import FloatArray
from fitting.descent import (
    ACCEPTED,
    BETTER,
    FIRST_DAMPING,
    GAIN,
    LEAST_DAMPING,
    MOST_DAMPING,
    MOVE,
    STRIDE,
    STRIDES,
    WAKES,
)
from fitting.differences import central
from fitting.solution import Solution
from fitting.tape import Cancel, Point, Progress, Rows, Stop, Tape
from libraries.errors import BadModel

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
Residual = Callable[[FloatArray], FloatArray]

_BLURRED = 1e-11  # a promise below this part of the sum of squares drowns in its rounding
_LOST = 1e-10  # share of its first slope below which a parameter is lost
_WARIER = (1e2, 1e6)  # first damping of the descents that a lost parameter begins again
_BEND, _BENT = 0.03, 0.75  # length of the look ahead, and largest bend, both in parts of a step


@dataclass(frozen=True)
class Rules:
    """What tells a fit from a computation to the last digits.

    `gain` and `least` are the part of the sum of squares and the smallest damping at which a descent ends, `memory` is
    the share of the largest slopes so far that a step keeps, `straight` the evaluations after which steps follow bends.
    """

    gain: float
    least: float
    memory: float
    straight: int


FIT_RULES = Rules(GAIN, LEAST_DAMPING, 1.0, np.iinfo(int).max)
# Memory 1 (Moré) holds the scale of a wild start for good: MGH10 of NIST then takes more than 20000 evaluations.
_LAST_DIGITS = Rules(1e-24, 1e-20, 0.8, 40)


def minimise(
    residual: Residual,
    jacobian: Callable[[FloatArray], FloatArray] | None,
    start: Sequence[float] | FloatArray,
    lower: Sequence[float] | FloatArray | None = None,
    upper: Sequence[float] | FloatArray | None = None,
    *,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Solution:
    """Minimise the sum of squares of any residual vector, within bounds, to the last digits.

    Parameters
    ----------
    residual : callable
        x (k,) -> residuals (n,).
    jacobian : callable or None
        x (k,) -> derivatives (n, k); None for central differences, which reach about 5 digits less.
    start : sequence, shape (k,)
    lower, upper : sequence, shape (k,), optional
        Bounds; without them the parameters are free.
    max_evaluations : int
        Of the residuals, without those for differences.
    progress, cancel : callables, optional

    Returns
    -------
    Solution

    Raises
    ------
    BadModel
        If there is no parameter, a start is not finite or outside its bounds, bounds cross, or an array has another
        shape than it must have.
    """
    begin = np.array(start, dtype=float)
    low, high = _bounds(begin, lower, upper)

    def function(x: FloatArray) -> tuple[FloatArray, Rows]:
        values = _shaped(residual(x), None, "residuals")

        def rows() -> FloatArray:
            if jacobian is None:
                return central(watched, x, values, low, high, begin).T
            return _shaped(jacobian(x), (values.size, x.size), "Jacobian").T

        return values, rows

    def watched(x: FloatArray) -> FloatArray:
        if cancel is not None and cancel():
            raise Stop("cancelled")
        return np.asarray(residual(x), dtype=float)

    tape = Tape(function, max_evaluations, progress, cancel)
    return descend_on(tape, begin, low, high, _LAST_DIGITS)


def minimise_joint(
    function: Function,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Solution:
    """Minimise the sum of squares of a function that gives residuals and derivatives in one call; what fits use.

    It ends where a further step is far below the standard errors (see `descent.GAIN`).

    Parameters
    ----------
    function : callable
        x (k,) -> residuals (n,), derivatives (k, n).
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

    def both(x: FloatArray) -> tuple[FloatArray, Rows]:
        values, rows = function(x)
        return values, lambda: rows

    tape = Tape(both, max_evaluations, progress, cancel)
    return descend_on(tape, np.array(start, dtype=float), lower, upper, FIT_RULES)


def _bounds(
    start: FloatArray, lower: Sequence[float] | FloatArray | None, upper: Sequence[float] | FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """The bounds as arrays, checked."""
    if start.ndim != 1 or start.size == 0:
        raise BadModel(f"The start values have the shape {start.shape}", todo="Give at least one, in a row")
    low = np.full(start.size, -np.inf) if lower is None else np.array(lower, dtype=float)
    high = np.full(start.size, np.inf) if upper is None else np.array(upper, dtype=float)
    for name, array in (("lower bounds", low), ("upper bounds", high)):
        if array.shape != start.shape:
            raise BadModel(f"The {name} have the shape {array.shape}, the start values {start.shape}")
        if np.any(np.isnan(array)):
            raise BadModel(f"One of the {name} is not a number")
    for i in range(start.size):
        where = f"parameter {i}"
        if not np.isfinite(start[i]):
            raise BadModel(f"The start value {start[i]} is not finite", where=where)
        if low[i] > high[i]:
            raise BadModel(f"The bounds {low[i]:g} and {high[i]:g} cross", where=where)
        if not low[i] <= start[i] <= high[i]:
            raise BadModel(
                f"The start value {start[i]:g} lies outside its bounds {low[i]:g} to {high[i]:g}", where=where
            )
    return low, high


def _shaped(values: object, shape: tuple[int, ...] | None, name: str) -> FloatArray:
    """An array of floats of the shape it must have (None: any vector that is not empty)."""
    array = np.asarray(values, dtype=float)
    if shape is None and (array.ndim != 1 or array.size == 0):
        raise BadModel(f"The {name} have the shape {array.shape} instead of (n,)")
    if shape is not None and array.shape != shape:
        raise BadModel(f"The {name} has the shape {array.shape} instead of {shape} (residuals, parameters)")
    return array


def descend_on(tape: Tape, begin: FloatArray, lower: FloatArray, upper: FloatArray, rules: Rules) -> Solution:
    try:
        status = _descend(tape, begin, lower, upper, rules)
        for damping in _WARIER[:WAKES]:
            if status != "converged" or tape.first is None or tape.best is None:
                break
            before, start = tape.best.cost, tape.first
            again = _awake(tape.best, start.x, lower, upper)
            if again is not None:
                _descend(tape, again, lower, upper, rules)
            elif np.any(tape.best.norms < _LOST * start.norms):  # thrown where no residual feels it
                _descend(tape, start.x, lower, upper, rules, damping)
                continue
            if again is None or not tape.best.cost < before * (1 - BETTER):
                break
    except Stop as stop:
        status = str(stop)
    end = tape.best
    if end is None:
        return Solution(begin, float("nan"), status, tape.evaluations, (begin <= lower) | (begin >= upper))
    at_bound = (end.x <= lower) | (end.x >= upper)
    return Solution(end.x, end.cost, status, tape.evaluations, at_bound, end.residual.size, end.factor)


def _awake(end: Point, start: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray | None:
    """A new start where parameters fell asleep: a peak whose area sank to zero no longer feels where it stands.

    Those without any slope, and those on a bound that they did not start on, go back to their start.
    """
    asleep = (end.norms == 0) & (lower < upper)
    landed = ((end.x <= lower) & (start > lower)) | ((end.x >= upper) & (start < upper))
    if not (np.any(asleep) and np.any(landed)):
        return None
    return np.where(asleep | landed, start, end.x)


def _descend(
    tape: Tape, start: FloatArray, lower: FloatArray, upper: FloatArray, rules: Rules, damping: float = FIRST_DAMPING
) -> str:
    """Steps downhill until none is left; returns why it ended. The tape holds the best point."""
    point = tape(start)[1]
    if point is None:
        return "not finite"
    growth = 2.0
    scale = np.zeros(start.size)
    # A first, wild step must not throw a peak's area on zero, from where its position and width find no way back.
    strides = np.zeros(start.size, dtype=int)
    last = np.inf  # what was promised before, once promises drown in rounding
    while True:
        scale = np.maximum(rules.memory * scale, point.norms)
        share = np.where(strides >= STRIDES, 1.0, STRIDE)
        low = np.where(share < 1, point.x - share * (point.x - lower), lower)
        high = np.where(share < 1, point.x + share * (upper - point.x), upper)
        x, open_ = _target(point, scale, damping, low, high)
        promise = _promise(point, x)
        full = np.inf
        if promise <= _BLURRED * point.cost:  # a full step promises no less, so that it is worked out near the end only
            full = _promise(point, _target(point, scale, rules.least, lower, upper)[0])
        if full <= rules.gain * point.cost or full >= 0.9 * last < np.inf:
            return "converged"
        blurred = full <= _BLURRED * point.cost
        last = full if blurred else np.inf
        trial = None
        while trial is None:
            if damping > MOST_DAMPING or np.all(np.abs(x - point.x) <= MOVE * np.abs(point.x)):
                return tape.ending
            if tape.evaluations > rules.straight and not blurred:
                x = _bent(tape, point, x, open_, scale, damping, low, high)
            # A blurred step is taken unless the sum rises visibly; the next promise tells whether it was of use.
            cost, trial = tape(x, point.cost * (1 + 1e-12) if blurred else point.cost - ACCEPTED * promise)
            if trial is None or promise <= 0:
                damping, growth, trial = damping * growth, growth * 2.0, None
                x, open_ = _target(point, scale, damping, low, high)
                promise = _promise(point, x)
        ratio = 1.0 if blurred else (point.cost - cost) / promise
        damping, growth = max(damping * max(1 / 3, 1 - (2 * ratio - 1) ** 3), rules.least), 2.0
        strides = np.where(((x <= low) & (low < point.x)) | ((x >= high) & (high > point.x)), strides + 1, 0)
        point = trial


def _promise(point: Point, x: FloatArray) -> float:
    """By how much the sum of squares would fall from a point to x if residuals were straight lines."""
    ahead = point.factor @ (x - point.x)
    return float(-(ahead @ (ahead + 2.0 * point.projected)))


def _target(
    point: Point, scale: FloatArray, damping: float, lower: FloatArray, upper: FloatArray
) -> tuple[FloatArray, np.ndarray]:
    """Where the damped step from a point ends: the minimum of its quadratic model inside the bounds.

    With it, which parameters are not held on a bound.
    """
    k = point.x.size
    unit = np.where(scale > 0, scale, 1.0)
    stacked = np.concatenate([point.factor / unit, np.sqrt(damping) * np.eye(k)])
    residual = np.concatenate([point.projected, np.zeros(k)])
    low, high = (lower - point.x) * unit, (upper - point.x) * unit
    move, held = nearest(stacked, residual, low, high)
    x = np.clip(point.x + move / unit, lower, upper)
    return np.where(held & (move <= low), lower, np.where(held & (move >= high), upper, x)), ~held


def _bent(
    tape: Tape,
    point: Point,
    x: FloatArray,
    open_: np.ndarray,
    scale: FloatArray,
    damping: float,
    lower: FloatArray,
    upper: FloatArray,
) -> FloatArray:
    """The end of a step that follows the bend of a curved valley, where a look ahead shows one that is not too sharp.

    The look costs one evaluation of the residuals, not of the Jacobian. From M. K. Transtrum, J. P. Sethna,
    arXiv:1201.5885 (2012), "Improvements to the Levenberg-Marquardt algorithm", section on geodesic acceleration.
    """
    step = x - point.x
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        ahead = tape.look(point.x + _BEND * step)
        if ahead is None or not np.any(open_):
            return x
        second = (2.0 / _BEND) * ((ahead - point.residual) / _BEND - step @ point.rows)
    if not np.all(np.isfinite(second)):
        return x
    unit = np.where(scale > 0, scale, 1.0)[open_]
    factor, projected = triangle(point.rows[open_].T / unit, second)
    zeros = np.zeros(unit.size)
    damped = np.concatenate([factor, np.sqrt(damping) * np.eye(unit.size)])
    bend = np.linalg.solve(*triangle(damped, -np.concatenate([projected, zeros])))
    if not 2.0 * np.sqrt(bend @ bend) <= _BENT * np.sqrt(np.sum((step[open_] * unit) ** 2)):
        return x
    bent = x.copy()
    bent[open_] += 0.5 * bend / unit
    return np.clip(bent, lower, upper)


def names_of(flags: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """The names whose flag is set."""
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)
