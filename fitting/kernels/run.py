"""One fit in one call of machine code.

Importing this file compiles nothing; the first call of each function does, or loads it from the cache.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from numba import njit

from fitting import descent as rules
from fitting.kernels import cache_folder
from fitting.kernels.descend import CONVERGED, EXHAUSTED, NOT_FINITE, Points, State, descend, inverse, look, new_points
from fitting.kernels.elementary import OPTIONS
from fitting.kernels.evaluate import Program, Work, evaluate, workspace
from fitting.kernels.statistic import sums


def entry(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that the program calls, and keep its machine code in the folder of this state of the sources.

    Where numba keeps it is settled here and now, whoever imports this file first.
    """
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(cache_folder())
    try:
        return njit(**OPTIONS, cache=True)(function)
    finally:
        numba.config.CACHE_DIR = before


# How the variance of a point follows from what the model expects there; see `fitting.statistics.variance_of`.
UNKNOWN, GAUSSIAN, COUNTED = 0, 1, 2
FIT, LOOK, VIEW = 0, 1, 2


@njit(**OPTIONS)
def settle(
    program: Program,
    work: Work,
    points: Points,
    state: State,
    kind: int,
    y: np.ndarray,
    given: np.ndarray,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    gain: float,
    budget: int,
) -> int:
    """Descend; wake parameters that fell asleep on the way and descend again, as `fitting.solver.minimise_joint`.

    `state.count[2]` says how often they were woken, `state.numbers[4]` keeps the cost before.
    """
    end = state.count[0] + budget
    code = descend(program, work, points, state, kind, y, given, lower, upper, gain, budget)
    while code == CONVERGED or (state.count[2] and code == NOT_FINITE):
        if state.count[2] and not state.numbers[2] < state.numbers[4] * (1.0 - rules.BETTER):
            return CONVERGED
        if state.count[2] == rules.WAKES or not _awake(state, start, lower, upper):
            return CONVERGED
        state.count[2] += 1
        state.numbers[4] = state.numbers[2]
        code = descend(program, work, points, state, kind, y, given, lower, upper, gain, end - state.count[0])
    return code


@njit(**OPTIONS)
def _awake(state: State, start: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> bool:
    """Move the state to a new start where parameters fell asleep; see `fitting.solver`."""
    asleep = landed = False
    for a in range(start.size):
        asleep |= state.at_best[a, a] == 0.0 and lower[a] < upper[a]
        landed |= _landed(state.best[a], start[a], lower[a], upper[a])
    if not (asleep and landed):
        return False
    for a in range(start.size):
        back = state.at_best[a, a] == 0.0 and lower[a] < upper[a]
        back |= _landed(state.best[a], start[a], lower[a], upper[a])
        state.x[a] = start[a] if back else state.best[a]
    return True


@njit(**OPTIONS)
def _landed(x: float, start: float, lower: float, upper: float) -> bool:
    return (x <= lower and start > lower) or (x >= upper and start < upper)


@njit(**OPTIONS)
def information(
    program: Program, work: Work, points: Points, noise: np.ndarray, y: np.ndarray, x: np.ndarray
) -> float:
    """Expected information of the free parameters into `points.curvature`; returns Pearson's chi2 (or inf).

    Parameters
    ----------
    noise : array, shape (4,)
        Kind (UNKNOWN, GAUSSIAN, COUNTED), gain, variance of the read noise, smallest expectation.
    """
    # The last point that the descent looked at is as a rule the best one.
    if not np.all(work.last == x):
        evaluate(program, work, x)
    low, high = program.inside[0], program.inside[1]
    m = work.rows[x.size, low:high]
    pearson = 0.0
    for i in range(y.size):
        variance = 1.0
        if noise[0] == COUNTED:
            variance = noise[1] * max(m[i], noise[3]) + noise[2]
        elif noise[0] == GAUSSIAN:
            variance = noise[2]
        points.grip[i] = 1.0 / variance
        points.pull[i] = (m[i] - y[i]) / variance
        pearson += (y[i] - m[i]) * (y[i] - m[i]) / variance
    sums(work.rows, low, points.pull, points.grip, points.gradient, points.curvature)
    return pearson if np.isfinite(pearson) else np.inf


@njit(**OPTIONS)
def errors(
    program: Program,
    work: Work,
    points: Points,
    noise: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    covariance: np.ndarray,
) -> tuple[float, bool]:
    """Covariance of the free parameters (NaN for those on a bound) and Pearson's chi2; False where it is not firm."""
    pearson = information(program, work, points, noise, y, x)
    return pearson, np.isfinite(pearson) and inverse(points.curvature, (x <= lower) | (x >= upper), covariance)


@entry
def fit_one(
    task: int,
    program: Program,
    state: State,
    kind: int,
    y: np.ndarray,
    given: np.ndarray,
    noise: np.ndarray,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    gain: float,
    budget: int,
    covariance: np.ndarray,
    values: np.ndarray,
    chain: np.ndarray,
    rows: np.ndarray,
) -> tuple[int, float, bool]:
    """One task with one spectrum: a single entry, since each takes long to compile.

    FIT
        A fit, or a slice of it: returns how it ended, Pearson's chi2, and whether the covariance is firm. The
        covariance (f, f), all values (k,) and their derivatives (k, f) are those of the best point.
    LOOK
        Value, derivatives and sums at `start`, `budget` times over: the least that so many evaluations cost. Returns
        the cost of the last as the second number.
    VIEW
        Derivatives by the free parameters and, last, the envelope at `start`, on the data's points, into `rows`
        (f + 1, points).
    """
    work = workspace(program)
    if task == VIEW:
        evaluate(program, work, start)
        rows[:, :] = work.rows[: start.size + 1, program.inside[0] : program.inside[1]]
        return CONVERGED, 0.0, False
    points = new_points(y.size, start.size)
    if task == LOOK:
        cost = 0.0
        for _ in range(budget):
            cost = look(program, work, points, kind, y, given, start)
        return CONVERGED, cost, False
    code = settle(program, work, points, state, kind, y, given, start, lower, upper, gain, budget)
    if code == EXHAUSTED or not np.isfinite(state.numbers[2]):
        return code, np.inf, False
    pearson, firm = errors(program, work, points, noise, y, state.best, lower, upper, covariance)
    values[:] = work.values
    chain[:, :] = work.chain
    return code, pearson, firm
