"""The minimiser compiled: the same bounded Levenberg-Marquardt as `fitting.solver`, on sums instead of residuals.

It works from the normal equations, which is fast and good for all but nearly singular problems; those `inverse`
reports, and the caller works out their errors from the full Jacobian. References are in `fitting.solver`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fitting import descent as rules
from fitting.kernels.elementary import OPTIONS
from fitting.kernels.evaluate import Program, Work, evaluate
from fitting.kernels.statistic import SUMS, sums, weights

CONVERGED, EXHAUSTED, NOT_FINITE = 0, 1, 2
_GAIN, _MOVE, _PULL = rules.GAIN, rules.MOVE, rules.PULL
_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = rules.FIRST_DAMPING, rules.LEAST_DAMPING, rules.MOST_DAMPING
_ACCEPTED, _STRIDE, _STRIDES = rules.ACCEPTED, rules.STRIDE, rules.STRIDES
_FIRM = 1e-8  # smallest pivot of the scaled curvature with which the normal equations are trusted


class State(NamedTuple):
    """Where a descent stands, so that it can be left and taken up again.

    Attributes
    ----------
    x, best : arrays, shape (f,)
        The present point, and the best one.
    numbers : array, shape (5,)
        Damping, its growth, cost of the best point, cost of the present one, cost before parameters were woken.
    scale : array, shape (f,)
    strides : array of int, shape (f,)
    count : array of int, shape (3,)
        Evaluations; whether a descent is under way; how often parameters were woken.
    gradient, curvature : arrays, shapes (f,), (f, f)
        Of the present point.
    at_best : array, shape (f, f)
        Curvature of the best point.
    """

    x: np.ndarray
    best: np.ndarray
    numbers: np.ndarray
    scale: np.ndarray
    strides: np.ndarray
    count: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray
    at_best: np.ndarray


class Points(NamedTuple):
    """Memory of the statistic: factors of every point, and the sums at the trial."""

    pull: np.ndarray
    grip: np.ndarray
    single: np.ndarray
    gradient: np.ndarray
    curvature: np.ndarray


@njit(**OPTIONS)
def new_state(start: np.ndarray) -> State:
    """A descent that has not begun."""
    f = start.size
    return State(
        start.copy(),
        start.copy(),
        np.array([_FIRST_DAMPING, 2.0, np.inf, np.inf, np.inf]),
        np.zeros(f),
        np.zeros(f, dtype=np.int64),
        np.zeros(3, dtype=np.int64),
        np.zeros(f),
        np.zeros((f, f)),
        np.zeros((f, f)),
    )


@njit(**OPTIONS)
def new_points(n: int, f: int) -> Points:
    """Memory for n points and f free parameters."""
    return Points(np.empty(n), np.empty(n), np.empty(n), np.zeros(f), np.zeros((f, f)))


@njit(**OPTIONS)
def look(
    program: Program, work: Work, points: Points, kind: int, y: np.ndarray, given: np.ndarray, x: np.ndarray
) -> float:
    """Cost at x; gradient and curvature go to `points`. Infinite where the model has no finite value."""
    evaluate(program, work, x)
    low, high = program.inside[0], program.inside[1]
    envelope = work.rows[x.size, low:high]
    cost = weights(kind, y, envelope, given, points.pull, points.grip, points.single)
    if not np.isfinite(cost):
        return np.inf
    sums(work.rows, low, points.pull, points.grip, points.gradient, points.curvature)
    for a in range(x.size):
        if not np.isfinite(points.curvature[a, a]) or not np.isfinite(points.gradient[a]):
            return np.inf
    return cost


@njit(**OPTIONS)
def descend(
    program: Program,
    work: Work,
    points: Points,
    state: State,
    kind: int,
    y: np.ndarray,
    given: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    gain: float,
    budget: int,
) -> int:
    """Steps downhill until none is left or the budget of evaluations is spent; returns why it ended."""
    f = state.x.size
    numbers, count = state.numbers, state.count
    end = count[0] + budget
    if count[1] == 0:  # a new descent
        numbers[0], numbers[1] = _FIRST_DAMPING, 2.0
        state.scale[:] = 0.0
        state.strides[:] = 0
        cost = look(program, work, points, kind, y, given, state.x)
        count[0] += 1
        if not np.isfinite(cost):
            return NOT_FINITE
        count[1] = 1
        _take(state, points, state.x, cost)
    low, high = np.empty(f), np.empty(f)
    ending = CONVERGED
    while True:
        for a in range(f):
            state.scale[a] = max(state.scale[a], np.sqrt(state.curvature[a, a]))
        for a in range(f):
            share = 1.0 if state.strides[a] >= _STRIDES else _STRIDE
            low[a] = state.x[a] - share * (state.x[a] - lower[a]) if share < 1.0 else lower[a]
            high[a] = state.x[a] + share * (upper[a] - state.x[a]) if share < 1.0 else upper[a]
        asked = False
        while True:
            trial = target(state, numbers[0], low, high)
            promised = promise(state, trial)
            if not asked and promised <= gain * numbers[3]:
                # A full step promises the most; it is worked out only where the damped one promises little.
                asked = True
                if promise(state, target(state, _LEAST_DAMPING, lower, upper)) <= gain * numbers[3]:
                    count[1] = 0
                    return CONVERGED
            still = True
            for a in range(f):
                if not abs(trial[a] - state.x[a]) <= _MOVE * abs(state.x[a]):
                    still = False
            if numbers[0] > _MOST_DAMPING or still:
                count[1] = 0
                return ending
            if count[0] >= end:
                return EXHAUSTED
            cost = look(program, work, points, kind, y, given, trial)
            count[0] += 1
            ending = CONVERGED if np.isfinite(cost) else NOT_FINITE
            ratio = (numbers[3] - cost) / promised if np.isfinite(cost) and promised > 0 else -1.0
            if ratio > _ACCEPTED:
                numbers[0] = max(numbers[0] * max(1.0 / 3.0, 1.0 - (2.0 * ratio - 1.0) ** 3), _LEAST_DAMPING)
                numbers[1] = 2.0
                break
            numbers[0] *= numbers[1]
            numbers[1] *= 2.0
        for a in range(f):
            landed = (trial[a] <= low[a] and low[a] < state.x[a]) or (trial[a] >= high[a] and high[a] > state.x[a])
            state.strides[a] = state.strides[a] + 1 if landed else 0
        _take(state, points, trial, cost)


@njit(**OPTIONS)
def _take(state: State, points: Points, x: np.ndarray, cost: float) -> None:
    """Make x the present point."""
    state.x[:] = x
    state.numbers[3] = cost
    state.gradient[:] = points.gradient
    state.curvature[:, :] = points.curvature
    if cost < state.numbers[2]:
        state.best[:] = x
        state.at_best[:, :] = points.curvature
        state.numbers[2] = cost


@njit(**SUMS)
def promise(state: State, x: np.ndarray) -> float:
    """By how much the cost would fall from the present point to x if it were a parabola."""
    total = 0.0
    for a in range(x.size):
        move = x[a] - state.x[a]
        if move != 0.0:
            inner = 2.0 * state.gradient[a]
            for b in range(x.size):
                inner += state.curvature[a, b] * (x[b] - state.x[b])
            total -= move * inner
    return total


@njit(**SUMS)
def target(state: State, damping: float, lower: np.ndarray, upper: np.ndarray) -> np.ndarray:
    """Where the damped step ends: the minimum of the parabola inside the bounds, by an active-set walk."""
    f = state.x.size
    unit, gradient = np.empty(f), np.empty(f)
    low, high, move = np.empty(f), np.empty(f), np.zeros(f)
    held = np.zeros(f, dtype=np.bool_)
    matrix = np.empty((f, f))
    for a in range(f):
        unit[a] = state.scale[a] if state.scale[a] > 0 else 1.0
        gradient[a] = state.gradient[a] / unit[a]
        low[a], high[a] = (lower[a] - state.x[a]) * unit[a], (upper[a] - state.x[a]) * unit[a]
        held[a] = (
            (low[a] >= 0 and gradient[a] >= 0) or (high[a] <= 0 and gradient[a] <= 0) or lower[a] == upper[a]
        )
    for a in range(f):
        for b in range(f):
            matrix[a, b] = state.curvature[a, b] / (unit[a] * unit[b])
        matrix[a, a] += damping
    slope, factor, ahead, places = np.empty(f), np.empty((f, f)), np.empty(f), np.empty(f, dtype=np.int64)
    for _ in range(3 * f + 3):
        _slope(matrix, gradient, move, slope)
        count = 0
        for a in range(f):
            if not held[a]:
                places[count] = a
                ahead[count] = -slope[a]
                count += 1
        if count:
            _solve(matrix, places, count, factor, ahead)
            share, first = 1.0, -1
            for k in range(count):
                a = places[k]
                if ahead[k] != 0.0:
                    limit = ((high[a] if ahead[k] > 0 else low[a]) - move[a]) / ahead[k]
                    if limit < share:
                        share, first = limit, k
            for k in range(count):
                move[places[k]] += share * ahead[k]
            if first >= 0:
                a = places[first]
                move[a] = high[a] if ahead[first] > 0 else low[a]
                held[a] = True
                continue
            _slope(matrix, gradient, move, slope)
        inwards = False
        for a in range(f):
            pulls = (move[a] <= low[a] and slope[a] < -_PULL) or (move[a] >= high[a] and slope[a] > _PULL)
            if held[a] and lower[a] < upper[a] and pulls:
                held[a], inwards = False, True
        if not inwards:
            break
    x = np.empty(f)
    for a in range(f):
        x[a] = min(max(state.x[a] + move[a] / unit[a], lower[a]), upper[a])
        if held[a]:
            if move[a] <= low[a]:
                x[a] = lower[a]
            elif move[a] >= high[a]:
                x[a] = upper[a]
    return x


@njit(**SUMS)
def _slope(matrix: np.ndarray, gradient: np.ndarray, move: np.ndarray, slope: np.ndarray) -> None:
    for a in range(move.size):
        total = gradient[a]
        for b in range(move.size):
            total += matrix[a, b] * move[b]
        slope[a] = total


@njit(**SUMS)
def _solve(matrix: np.ndarray, places: np.ndarray, count: int, factor: np.ndarray, right: np.ndarray) -> None:
    """Solve for the open parameters by Cholesky's method, in place of `right`."""
    # Rounding may leave a pivot below the damping's share; any positive one keeps the step downhill.
    _factorise(matrix, places, count, factor, 1e-16)
    _substitute(factor, count, right)


@njit(**SUMS)
def _factorise(matrix: np.ndarray, places: np.ndarray, count: int, factor: np.ndarray, least: float) -> float:
    """Cholesky's factor of the rows and columns at `places`, pivots raised to `least`; returns the smallest pivot."""
    smallest = np.inf
    for i in range(count):
        for j in range(i + 1):
            total = matrix[places[i], places[j]]
            for k in range(j):
                total -= factor[i, k] * factor[j, k]
            if i == j:
                smallest = min(smallest, total)
                factor[i, i] = np.sqrt(max(total, least))
            else:
                factor[i, j] = total / factor[j, j]
    return smallest


@njit(**SUMS)
def _substitute(factor: np.ndarray, count: int, right: np.ndarray) -> None:
    """Solve with a factor, in place of `right`."""
    for i in range(count):
        total = right[i]
        for k in range(i):
            total -= factor[i, k] * right[k]
        right[i] = total / factor[i, i]
    for i in range(count - 1, -1, -1):
        total = right[i]
        for k in range(i + 1, count):
            total -= factor[k, i] * right[k]
        right[i] = total / factor[i, i]


@njit(**SUMS)
def inverse(curvature: np.ndarray, held: np.ndarray, out: np.ndarray) -> bool:
    """Inverse of the curvature of the parameters that are not held, NaN for the others; False where it is not firm.

    What the data do not feel (the position of a peak whose area is held at zero) has no error either; with nothing held
    that is a fault of the model, and not firm.
    """
    f = held.size
    places, unit = np.empty(f, dtype=np.int64), np.empty(f)
    count, any_held, asleep = 0, False, False
    out[:, :] = np.nan
    for a in range(f):
        if held[a]:
            any_held = True
        elif curvature[a, a] > 0.0:
            places[count], unit[count] = a, np.sqrt(curvature[a, a])
            count += 1
        else:
            asleep = True
    if asleep and not any_held:
        return False
    scaled, factor, column = np.empty((f, f)), np.zeros((f, f)), np.empty(f)
    for i in range(count):
        for j in range(count):
            scaled[places[i], places[j]] = curvature[places[i], places[j]] / (unit[i] * unit[j])
    if not _factorise(scaled, places, count, factor, _FIRM) > _FIRM:
        return False
    for c in range(count):
        column[:count] = 0.0
        column[c] = 1.0
        _substitute(factor, count, column)
        for i in range(count):
            out[places[i], places[c]] = column[i] / (unit[i] * unit[c])
    return True
