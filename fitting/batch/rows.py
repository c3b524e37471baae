"""The fits of one chunk: warm starts, flags, and never an error for a single bad spectrum."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting import kernels
from fitting.batch.jobs import STATUSES, BatchJob, ChunkResult
from fitting.batch.sources import ArraySource, sampled
from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, Cancelled, FitFailed, SodaliteError

# A fit is conspicuously worse than its neighbour's where its reduced chi2 is higher by a tenth and by five standard
# deviations of a reduced chi2, sqrt(2 / dof).
_WORSE, _SIGMAS = 0.1, 5.0
# So many spectra are averaged for the refined start.
_MEAN_OF = 64
_POLL = 0.03  # s between two looks at `cancel` while machine code is made
_CODE = {name: code for code, name in enumerate(STATUSES)}


def check_job(job: BatchJob) -> None:
    """Refuse a job that no spectrum could meet, before the first one is read.

    Raises
    ------
    BadData, BadModel, FitFailed
        As `fitting.engine.fit`.
    """
    fit(Spectrum(job.axis, np.ones(len(job.axis)), job.noise), job.model, max_evaluations=1)


def settled(job: BatchJob, *, progress: Progress | None = None, cancel: Cancel | None = None) -> BatchJob:
    """The job with `compiled` settled: waits until machine code is ready, which takes a minute the first time.

    A batch must not change from one path to the other on its way: they agree to about nine digits, not to the last bit.

    Raises
    ------
    Cancelled
        If `cancel` said so.
    """
    if job.compiled is not None:
        return job
    kernels.prepare()
    while not kernels.wait(_POLL) and os.environ.get(kernels.MODE) != "off" and not kernels.failure():
        if progress is not None:
            progress(0.0, "Preparing fast fits, once on this machine")
        if cancel is not None and cancel():
            raise Cancelled
    return replace(job, compiled=kernels.wait(0))


def _check_path(job: BatchJob) -> None:
    """Refuse to fit by another path than the rest of the batch."""
    if job.compiled is not None and kernels.wait() != job.compiled:
        have, rest = ("not compiled", "compiled") if job.compiled else ("compiled", "not compiled")
        raise FitFailed(
            f"Fits are {have} here ({kernels.failure() or 'as set'}) while the rest of the batch is {rest}",
            todo=f"Set {kernels.MODE}=off everywhere, or nowhere",
        )


def fit_chunk(job: BatchJob, counts: NDArray[Any], *, cancel: Cancel | None = None) -> ChunkResult:
    """Fit every spectrum of a chunk; the result depends on nothing else.

    Parameters
    ----------
    job : BatchJob
    counts : array, shape (m, n)
        Intensities on the job's axis. A spectrum that holds NaN or infinity in the region, nothing but zeros, or
        counts below zero where the noise is that of counts, is flagged "bad data".
    cancel : callable() -> bool, optional
        Asked before every evaluation of the model.

    Raises
    ------
    BadData
        If the shape of the counts is not that of the axis.
    FitFailed
        If fits are not compiled here while the job says so, or the other way round.
    Cancelled
        If `cancel` said so.
    """
    if counts.ndim != 2 or counts.shape[1] != len(job.axis):
        raise BadData(f"Intensities of shape {counts.shape} do not fit an axis of {len(job.axis)} points")
    return fit_window(job, counts[:, job.window], cancel=cancel)


def fit_window(job: BatchJob, counts: NDArray[Any], *, cancel: Cancel | None = None) -> ChunkResult:
    """As `fit_chunk`, for intensities that are cut to `job.window` already."""
    _check_path(job)
    axis = Axis(job.axis.values[job.window], job.axis.quantity, job.axis.unit)
    part = replace(job, axis=axis)
    rows = np.ascontiguousarray(counts, dtype=np.float64)
    # Threads begin with NumPy's own settings; what is not finite is looked for, not warned of.
    with np.errstate(all="ignore"):
        good = usable(part, rows)
        found = _compiled_rows(part, rows, good, cancel or _never) if np.any(good) else None
        return _fit_rows(part, rows, good, cancel or _never) if found is None else found


def _never() -> bool:
    return False


def usable(job: BatchJob, counts: FloatArray) -> NDArray[np.bool_]:
    """Which rows of counts, shape (m, n), can be fitted at all."""
    region = counts[:, job.axis.window(*job.model.region)]
    good = np.all(np.isfinite(counts), axis=1) & np.any(region != 0, axis=1)
    if job.noise.kind == "poisson" and job.noise.read_noise == 0:
        good &= np.all(region >= 0, axis=1)
    return good


def _compiled_rows(
    job: BatchJob, counts: FloatArray, good: NDArray[np.bool_], cancel: Cancel
) -> ChunkResult | None:
    """As `_fit_rows`, by machine code; None where it is not there, or the model or noise has a part without it."""
    compiled = kernels.loaded()
    if compiled is None:
        return None
    evaluator = Evaluator(Spectrum(job.axis, counts[np.argmax(good)], job.noise), job.model)
    start, lower, upper = evaluator.parameters.start(job.model)
    region = counts[:, job.axis.window(*job.model.region)]
    found = compiled.fit_rows(
        evaluator, job.noise, region, good, start, lower, upper, warm=job.warm, covariance=job.keeps_covariance,
        limits=(_WORSE, _SIGMAS), max_evaluations=job.max_evaluations, cancel=cancel,
    )  # fmt: skip
    if found is None:
        return None
    out = ChunkResult(
        found.values, found.errors, found.covariance if job.keeps_covariance else None, found.deviance,
        found.reduced_chi2, found.status, found.at_bound, found.evaluations,
    )  # fmt: skip
    out.status[~good] = _CODE["bad data"]
    for row in np.flatnonzero(good & (found.status >= len(STATUSES))):
        # Nearly singular: only the orthogonal factors of the engine can tell.
        result, evaluations = _fitted(job, counts[row], job.model, cancel), int(found.evaluations[row])
        for array in (out.values, out.errors, out.covariance, out.deviance, out.reduced_chi2):
            if array is not None:
                array[row] = np.nan
        out.status[row], out.at_bound[row] = _CODE["bad data"], False
        if result is not None:
            _store(job, out, int(row), result)
            out.evaluations[row] = evaluations + result.evaluations
    return out


def _fit_rows(job: BatchJob, counts: FloatArray, good: NDArray[np.bool_], cancel: Cancel) -> ChunkResult:
    """Fit the good rows of counts, shape (m, n) float64 on the job's axis, one after the other.

    Each starts where the last good fit ended. If that is no proper minimum, or is conspicuously worse than the fit it
    started from, the spectrum is fitted again from the job's start and the better of both is kept.
    """
    out = ChunkResult.empty(job, counts.shape[0])
    out.status[:] = _CODE["bad data"]
    warm, reference = job.model, np.inf
    for row in np.flatnonzero(good):
        result = _fitted(job, counts[row], warm, cancel)
        evaluations = 0 if result is None else result.evaluations
        # The first in line starts at the job's own start already.
        if warm is not job.model and (result is None or _suspicious(result, counts[row], reference)):
            again = _fitted(job, counts[row], job.model, cancel)
            evaluations += 0 if again is None else again.evaluations
            result = _better(result, again)
        if result is None:
            continue
        _store(job, out, int(row), result)
        out.evaluations[row] = evaluations
        # One that stays worse hands nothing on: its neighbours would follow it into a wrong minimum.
        if job.warm and not _suspicious(result, counts[row], reference):
            reference, warm = _badness(result, counts[row]), _start_after(job, result)
    return out


def _fitted(job: BatchJob, counts: FloatArray, start: FitModel, cancel: Cancel) -> FitResult | None:
    """One fit; None for a spectrum that the engine refuses (a background that has no solution, say)."""
    try:
        result = fit(
            Spectrum(job.axis, counts, job.noise), start, cancel=cancel, max_evaluations=job.max_evaluations
        )
    except (SodaliteError, np.linalg.LinAlgError):
        return None
    if result.status == "cancelled":
        raise Cancelled
    return result


def _badness(result: FitResult, counts: FloatArray) -> float:
    """Reduced chi2; where the noise is not known, the mean square of the residuals in units of the intensity."""
    if result.noise.known:
        return result.reduced_chi2
    return result.deviance / result.n_data / max(float(np.mean(np.abs(counts))), 1e-300)


def _suspicious(result: FitResult, counts: FloatArray, reference: float) -> bool:
    """Whether a fit is no proper minimum, or conspicuously worse than the reference."""
    dof = max(result.n_data - result.n_free, 1)
    limit = reference * (1.0 + max(_WORSE, _SIGMAS * np.sqrt(2.0 / dof)))
    return not (result.success and _badness(result, counts) <= limit)


def _better(one: FitResult | None, other: FitResult | None) -> FitResult | None:
    """A proper minimum before none, then the lower deviance."""
    if one is None or other is None:
        return one if other is None else other
    if one.success != other.success:
        return one if one.success else other
    return other if not one.deviance <= other.deviance else one


def _start_after(job: BatchJob, result: FitResult) -> FitModel:
    """The job's model with the values of a fit; what ended on a bound starts from its own start again."""
    params = result.model.params
    values = {name: params[name].value for name in result.names if name not in result.at_bound}
    return job.model.with_values(values)


def _store(job: BatchJob, out: ChunkResult, row: int, result: FitResult) -> None:
    params = result.model.params
    out.values[row] = [params[name].value for name in job.names]
    out.errors[row] = [result.error(name) for name in job.names]
    if out.covariance is not None:
        out.covariance[row] = result.covariance_of(result.free)
    out.deviance[row], out.reduced_chi2[row] = result.deviance, result.reduced_chi2
    out.status[row] = _CODE[result.status]
    out.at_bound[row] = [name in result.at_bound for name in job.free]


def refined(source: ArraySource, job: BatchJob, *, cancel: Cancel | None = None) -> BatchJob:
    """The job with its start improved by a fit to the mean of up to 64 evenly spaced spectra.

    It stays as it is where that fit finds no proper minimum. The same source and job give the same start.

    Raises
    ------
    Cancelled
        If `cancel` said so.
    """
    plain = replace(job, refine=False)
    axis = Axis(job.axis.values[job.window], job.axis.quantity, job.axis.unit)
    part = replace(plain, axis=axis)
    total, number = np.zeros(len(axis)), 0
    for place in sampled(source.shape, _MEAN_OF):
        if cancel is not None and cancel():
            raise Cancelled
        row = np.asarray(source.read(place, place + 1), dtype=np.float64)[:, job.window]
        if usable(part, row)[0]:
            total, number = total + row[0], number + 1
    if number == 0:
        return plain
    with np.errstate(all="ignore"):
        mean = replace(part, noise=_of_mean(job.noise, number))
        result = _fitted(mean, total / number, job.model, cancel or _never)
    if result is None or not result.success:
        return plain
    return replace(plain, model=_start_after(job, result))


def _of_mean(noise: Noise, number: int) -> Noise:
    """The noise of a mean of `number` spectra."""
    gain = None if noise.gain is None else noise.gain / number
    return replace(noise, gain=gain, read_noise=noise.read_noise / np.sqrt(number))
