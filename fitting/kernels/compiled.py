"""Fits of spectra by the compiled functions: the bridge between evaluators and machine code."""

from __future__ import annotations

import time

import numpy as np

from fitting import descent as rules
from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.ending import Ending, conclude
from fitting.evaluate import Evaluator
from fitting.kernels import rows, run
from fitting.kernels.descend import CONVERGED, EXHAUSTED, new_state
from fitting.kernels.evaluate import Program
from fitting.kernels.program import program_of, turned
from fitting.kernels.rows import Neighbour, Rows
from fitting.kernels.statistic import CHI2, POISSON
from fitting.model import Background, Component, FitModel, Param
from fitting.solver import Cancel, Progress
from fitting.statistics import SMALLEST_RATE, correlation_factor
from libraries.errors import BadModel, Cancelled

_PATIENCE = 0.03  # seconds between two looks at `cancel`
_NO_ROWS = np.empty((0, 0))
# Of many spectra a fit ends when a full step promises less than this part of the statistic (of a deviance of 1000: the
# values are then within 1e-3 standard errors of the minimum); a single one goes on to `rules.GAIN`.
_ROWS_GAIN = 1e-9
_GROWTH = 8  # how many times more one piece of work may be than the piece before


def fit(
    evaluator: Evaluator,
    noise: Noise,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    weights: FloatArray | None = None,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Ending | None:
    """Fit by machine code; None if the model has a part that is not compiled.

    Parameters
    ----------
    evaluator : Evaluator
    noise : Noise
    start, lower, upper : arrays, shape (f,)
    weights : array, shape (n,), optional
        Inverse variances to take instead of what the noise says.
    max_evaluations, progress, cancel
        As `fitting.engine.fit`.
    """
    program = program_of(evaluator)
    if program is None:
        return None
    y = turned(evaluator, evaluator.y)
    kind, given = _given(noise, y, None if weights is None else turned(evaluator, weights))
    start, lower, upper = np.array(start), np.array(lower), np.array(upper)
    covariance, values = np.empty((start.size, start.size)), np.empty(program.constants.size)
    chain = np.empty((values.size, start.size))
    state = new_state.py_func(start)
    piece = max_evaluations if progress is None and cancel is None else 1
    code, status, pearson, firm = EXHAUSTED, "iteration limit", np.nan, False
    while code == EXHAUSTED and state.count[0] < max_evaluations:
        if cancel is not None and cancel():
            status = "cancelled"
            break
        begin = time.perf_counter()
        code, pearson, firm = run.fit_one(
            run.FIT, program, state, kind, y, given, _numbers(noise, y), start, lower, upper, rules.GAIN,
            min(piece, max_evaluations - int(state.count[0])), covariance, values, chain, _NO_ROWS,
        )
        piece = _next_piece(piece, time.perf_counter() - begin)
        if progress is not None:
            done = int(state.count[0])
            progress(done / (done + 50.0), f"{done} evaluations")
    if code != EXHAUSTED:
        status = "converged" if code == CONVERGED else "not finite"
    x, best = state.best, float(state.numbers[2])
    ending = (x, best if np.isfinite(best) else np.nan, status, int(state.count[0]), (x <= lower) | (x >= upper))
    if not firm:
        return conclude(evaluator, noise, *ending)
    return Ending(*ending, values, chain, covariance, pearson, False)


def fit_rows(
    evaluator: Evaluator,
    noise: Noise,
    counts: FloatArray,
    wanted: np.ndarray,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    warm: bool,
    covariance: bool,
    limits: tuple[float, float],
    max_evaluations: int,
    cancel: Cancel,
) -> Rows | None:
    """Fit many spectra on the evaluator's points one after the other; None if the model cannot be compiled for that.

    Parameters
    ----------
    evaluator : Evaluator
        Of any one of them.
    noise : Noise
        Counts without read noise, chi2 or unknown.
    counts : array, shape (m, n)
    wanted : array of bool, shape (m,)
        Rows to be fitted.
    start, lower, upper : arrays, shape (f,)
    warm : bool
        Whether each starts where the one before ended.
    covariance : bool
        Whether covariances are kept.
    limits : (share, sigmas)
        A fit is conspicuously worse than its neighbour's where its reduced chi2 is higher by the larger of the share
        and so many standard deviations.
    max_evaluations : int
        From one start.
    cancel : callable() -> bool

    Returns
    -------
    Rows
        Of status `rows.HARD` where the normal equations cannot tell.

    Raises
    ------
    Cancelled
        If `cancel` said so.
    """
    program = program_of(evaluator)
    if program is None or program.static.size or (noise.kind == "poisson" and noise.read_noise > 0):
        return None
    y = turned(evaluator, counts)
    m, f, k = y.shape[0], start.size, program.constants.size
    kind, given = _given(noise, y[0], None)
    numbers = _numbers(noise, np.zeros(1))
    numbers[3] = SMALLEST_RATE
    start, lower, upper = np.array(start), np.array(lower), np.array(upper)
    out = Rows(
        np.full((m, k), np.nan), np.full((m, k), np.nan), np.full((m if covariance else 0, f, f), np.nan),
        np.full(m, np.nan), np.full(m, np.nan), np.full(m, 255, np.uint8), np.zeros((m, f), np.bool_),
        np.zeros(m, np.int32), np.full((m, f), np.nan),
    )
    neighbour = Neighbour(start.copy(), np.array([np.inf]))
    first, piece = 0, 1
    while first < m:
        if cancel():
            raise Cancelled
        begin, end = time.perf_counter(), min(first + piece, m)
        rows.fit_rows(
            program, kind, y, wanted, given, numbers, noise.known, correlation_factor(noise.correlation),
            np.array(limits), start, lower, upper, warm, _ROWS_GAIN, max_evaluations, neighbour,
            first, end, out,
        )
        first, piece = end, _next_piece(piece, time.perf_counter() - begin)
    return out


def _next_piece(piece: int, seconds: float) -> int:
    """How much to do before the next look at `cancel`, after a piece that took so long."""
    return max(1, min(int(piece * _PATIENCE / max(seconds, 1e-6)), piece * _GROWTH))


def look(evaluator: Evaluator, noise: Noise, free: FloatArray, times: int) -> float:
    """The statistic at a place, worked out with derivatives and sums so many times over (for benchmarks)."""
    program = program_of(evaluator)
    if program is None:
        raise BadModel("This model has a part that is not compiled")
    return _task(run.LOOK, program, turned(evaluator, evaluator.y), noise, free, times)[0]


def view(evaluator: Evaluator, free: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Envelope (n,) and its derivatives (f, n) by machine code; the same as `evaluator.free`."""
    program = program_of(evaluator)
    if program is None:
        raise BadModel("This model has a part that is not compiled")
    rows = _task(run.VIEW, program, turned(evaluator, evaluator.y), Noise(), free, 1)[1]
    rows = rows[:, ::-1] if evaluator.direction < 0 else rows
    return rows[-1], rows[:-1]


def _task(
    task: int, program: Program, y: FloatArray, noise: Noise, free: FloatArray, times: int
) -> tuple[float, FloatArray]:
    f = free.size
    kind, given = _given(noise, y, None)
    rows, free = np.empty((f + 1, y.size)), np.array(free)
    _, cost, _ = run.fit_one(
        task, program, new_state.py_func(free), kind, y, given, _numbers(noise, y), free, free, free, 0.0, times,
        np.empty((f, f)), np.empty(program.constants.size), np.empty((program.constants.size, f)), rows,
    )
    return cost, rows


def _given(noise: Noise, y: FloatArray, weights: FloatArray | None) -> tuple[int, FloatArray]:
    """The statistic, and its inverse variances or gain."""
    if weights is not None:
        return CHI2, weights
    if noise.kind == "poisson":
        return POISSON, np.array([noise.gain or 1.0])
    sigma = noise.read_noise if noise.kind == "gaussian" and noise.read_noise > 0 else 1.0
    return CHI2, np.full(y.size, sigma**-2)


def _numbers(noise: Noise, y: FloatArray) -> FloatArray:
    """The noise as `run.information` takes it."""
    gain = noise.gain or 1.0
    kind = run.COUNTED if noise.kind == "poisson" else run.UNKNOWN
    if noise.kind == "gaussian" and noise.read_noise > 0:
        kind = run.GAUSSIAN
    floor = SMALLEST_RATE * max(float(np.max(y, initial=0.0)), gain)
    return np.array([kind, gain, noise.read_noise**2, floor])


def touch() -> None:
    """Call every compiled function once, on a small spectrum."""
    x = np.linspace(0.0, 10.0, 40)
    level = Background("constant", {"level": Param(20.0)})
    peak = Component("p1", "p1", "gl_sum", {
        "area": Param(100.0, 0.0), "position": Param(5.0), "fwhm": Param(2.0, 0.1, 9.0), "mix": Param(0.3, vary=False)
    })
    model = FitModel((0.0, 10.0), level, (peak,))
    counts = np.round(20.0 + 40.0 * np.exp(-((x - 5.2) ** 2)))
    evaluator = Evaluator(Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0)), model)
    bounds = evaluator.parameters.start(model)
    fit(evaluator, Noise("poisson", 1.0), *bounds)
    fit_rows(
        evaluator, Noise("poisson", 1.0), counts[None, :], np.ones(1, bool), *bounds,
        warm=True, covariance=True, limits=(0.1, 5.0), max_evaluations=200, cancel=lambda: False,
    )
