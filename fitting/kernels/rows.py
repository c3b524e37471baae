"""Many spectra with one model in one call of machine code: warm starts, errors and flags as `fitting.batch` defines."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from fitting.kernels.descend import CONVERGED, EXHAUSTED, Points, State, new_points, new_state
from fitting.kernels.elementary import OPTIONS
from fitting.kernels.evaluate import Program, Work, workspace
from fitting.kernels.run import entry, errors, settle

# Flags of a row: the place in `fitting.result.FitStatus`, or one that needs more care than the normal equations allow.
FINE, AT_BOUND, NOT_FINITE_ROW, LIMIT, HARD = 0, 1, 3, 5, 254


class Rows(NamedTuple):
    """Fits of m spectra with k parameters, f of them free; see `fitting.batch.ChunkResult`."""

    values: np.ndarray  # (m, k)
    errors: np.ndarray  # (m, k)
    covariance: np.ndarray  # (m, f, f), or (0, f, f) if it is not asked for
    deviance: np.ndarray  # (m,)
    reduced_chi2: np.ndarray  # (m,)
    status: np.ndarray  # (m,) uint8
    at_bound: np.ndarray  # (m, f) bool
    evaluations: np.ndarray  # (m,) int32
    free: np.ndarray  # (m, f): the free numbers themselves


class Neighbour(NamedTuple):
    """What a fit hands on to the next: where to start, and how bad a fit is to be expected."""

    start: np.ndarray  # (f,)
    badness: np.ndarray  # (1,): infinite as long as there is no neighbour


@njit(**OPTIONS)
def _begin(state: State, start: np.ndarray) -> None:
    state.x[:] = start
    state.best[:] = start
    state.numbers[2] = state.numbers[3] = state.numbers[4] = np.inf
    state.count[1] = state.count[2] = 0


@njit(**OPTIONS)
def _one(
    program: Program,
    work: Work,
    points: Points,
    state: State,
    kind: int,
    y: np.ndarray,
    given: np.ndarray,
    noise: np.ndarray,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    gain: float,
    limit: int,
    covariance: np.ndarray,
) -> tuple[int, float]:
    """One fit of a row: its flag and Pearson's chi2. The state keeps where it ended."""
    state.count[0] = 0
    _begin(state, start)
    code = settle(program, work, points, state, kind, y, given, start, lower, upper, gain, limit)
    if not np.isfinite(state.numbers[2]):
        return NOT_FINITE_ROW, np.inf
    pearson, firm = errors(program, work, points, noise, y, state.best, lower, upper, covariance)
    if code == EXHAUSTED:
        return (LIMIT if firm else HARD), pearson
    if code != CONVERGED:
        return NOT_FINITE_ROW, pearson
    if not firm:
        return HARD, pearson
    return (AT_BOUND if np.any((state.best <= lower) | (state.best >= upper)) else FINE), pearson


@njit(**OPTIONS)
def _store(
    program: Program, work: Work, state: State, lower: np.ndarray, upper: np.ndarray, covariance: np.ndarray,
    scale: float, out: Rows, row: int,
) -> None:
    """Values, errors and covariance of a row; errors of linked parameters by the chain rule."""
    f = lower.size
    for a in range(f):
        out.free[row, a] = state.best[a]
        out.at_bound[row, a] = state.best[a] <= lower[a] or state.best[a] >= upper[a]
    for p in range(work.values.size):
        out.values[row, p] = work.values[p]
        variance = 0.0
        for a in range(f):
            if work.chain[p, a] == 0.0:
                continue
            for b in range(f):
                if work.chain[p, b] != 0.0:
                    variance += work.chain[p, a] * covariance[a, b] * work.chain[p, b]
        out.errors[row, p] = np.sqrt(scale * variance) if variance >= 0.0 else np.nan
    if out.covariance.shape[0]:
        for a in range(f):
            for b in range(f):
                out.covariance[row, a, b] = scale * covariance[a, b]


@entry
def fit_rows(
    program: Program,
    kind: int,
    counts: np.ndarray,
    wanted: np.ndarray,
    given: np.ndarray,
    noise: np.ndarray,
    known: bool,
    correlation: float,
    limits: np.ndarray,
    start: np.ndarray,
    lower: np.ndarray,
    upper: np.ndarray,
    warm: bool,
    gain: float,
    most: int,
    neighbour: Neighbour,
    first: int,
    end: int,
    out: Rows,
) -> None:
    """Fit the rows from `first` to `end` of counts (m, n) that are `wanted`.

    Parameters
    ----------
    given, noise
        As `run.fit_one`; the smallest expectation, noise[3], is a share of the largest count here.
    known : bool
        Whether the size of the noise is known.
    correlation : float
        Factor on the covariance for channels that correlate.
    limits : array, shape (2,)
        By which share, and by how many standard deviations of a reduced chi2, a fit is conspicuously worse.
    most : int
        Evaluations for one descent.
    """
    f = start.size
    work = workspace(program)
    points, state = new_points(counts.shape[1], f), new_state(start)
    covariance, second = np.empty((f, f)), np.empty((f, f))
    numbers = noise.copy()
    dof_all = max(counts.shape[1] - f, 1)
    allowed = 1.0 + max(limits[0], limits[1] * np.sqrt(2.0 / dof_all))
    kept = new_state(start)
    for row in range(first, end):
        if not wanted[row]:
            continue
        y = counts[row]
        numbers[3] = noise[3] * max(np.max(y), noise[1])
        from_neighbour = warm and np.isfinite(neighbour.badness[0])
        begin = neighbour.start if from_neighbour else start
        flag, pearson = _one(
            program, work, points, state, kind, y, given, numbers, begin, lower, upper, gain, most, covariance
        )
        used = state.count[0]
        badness = _badness(pearson, state, lower, upper, y, known)
        good = flag <= AT_BOUND and badness <= neighbour.badness[0] * allowed
        if from_neighbour and not good:
            kept.best[:] = state.best
            kept.numbers[:] = state.numbers
            kept_flag, kept_pearson = flag, pearson
            second[:, :] = covariance
            flag, pearson = _one(
                program, work, points, state, kind, y, given, numbers, start, lower, upper, gain, most, covariance
            )
            used += state.count[0]
            if _first_is_better(kept_flag, kept.numbers[2], flag, state.numbers[2]):
                flag, pearson = kept_flag, kept_pearson
                state.best[:] = kept.best
                state.numbers[:] = kept.numbers
                covariance[:, :] = second
                errors(program, work, points, numbers, y, state.best, lower, upper, covariance)
            badness = _badness(pearson, state, lower, upper, y, known)
            good = flag <= AT_BOUND and badness <= neighbour.badness[0] * allowed
        out.status[row], out.evaluations[row] = flag, used
        if flag == NOT_FINITE_ROW and not np.isfinite(state.numbers[2]):
            continue
        held = np.sum((state.best <= lower) | (state.best >= upper))
        reduced = pearson / max(y.size - f + held, 1)
        out.deviance[row] = state.numbers[2]
        out.reduced_chi2[row] = reduced if known else 1.0
        scale = correlation * (1.0 if known else reduced)
        _store(program, work, state, lower, upper, covariance, scale, out, row)
        if warm and good:
            neighbour.badness[0] = badness
            for a in range(f):
                inside = lower[a] < state.best[a] < upper[a]
                neighbour.start[a] = state.best[a] if inside else start[a]


@njit(**OPTIONS)
def _badness(
    pearson: float, state: State, lower: np.ndarray, upper: np.ndarray, y: np.ndarray, known: bool
) -> float:
    """Reduced chi2; for noise of unknown size the mean square of the residuals in units of the intensity."""
    if known:
        held = np.sum((state.best <= lower) | (state.best >= upper))
        return pearson / max(y.size - lower.size + held, 1)
    return state.numbers[2] / y.size / max(np.mean(np.abs(y)), 1e-300)


@njit(**OPTIONS)
def _first_is_better(flag: int, deviance: float, other_flag: int, other: float) -> bool:
    """A proper minimum before none, then the lower deviance."""
    proper, other_proper = flag <= AT_BOUND, other_flag <= AT_BOUND
    if proper != other_proper:
        return proper
    return deviance <= other

