"""The fit: a spectrum and a model go in, a result comes out."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.evaluate import Evaluator, as_values
from fitting.model import FitModel
from fitting.result import FitResult, FitStatus, Statistic
from fitting.solver import Cancel, Function, Progress, Solution, minimise, names_of
from fitting.statistics import correlation_factor, deviance_residuals, information_criteria, variance_of
from libraries.errors import BadModel, FitFailed

_MESSAGES: dict[str, str] = {
    "converged": "The fit converged.",
    "singular": "Some parameters cannot be told apart by these data: hold or link one of them.",
    "not finite": "The model gave numbers that are not finite; its start values are too far off.",
    "cancelled": "The fit was stopped; the best values so far are shown.",
    "iteration limit": "The fit did not converge within the evaluation limit; the best values so far are shown.",
}


def fit(
    spectrum: Spectrum,
    model: FitModel,
    *,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    max_evaluations: int = 2000,
) -> FitResult:
    """Fit a model to a spectrum.

    Counted data (Poisson noise) are fitted by their deviance, that is by maximum likelihood; data of known variance
    by chi2; everything else by least squares with the variance taken from the residuals.

    Parameters
    ----------
    spectrum : Spectrum
        A single spectrum, after its recipe.
    model : FitModel
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional
    max_evaluations : int

    Returns
    -------
    FitResult
        With a named status; only `result.success` is a minimum.

    Raises
    ------
    BadData
        If the region holds no data.
    BadModel
        If the model does not make sense.
    FitFailed
        If there is nothing to fit, or fewer points than free parameters.
    """
    begin = time.perf_counter()
    evaluator = Evaluator(spectrum, model)
    start, lower, upper = evaluator.parameters.start(model)
    _check(evaluator, spectrum, model, start)
    noise = spectrum.noise
    if noise.kind == "poisson" and noise.read_noise > 0:
        solution = _reweighted(evaluator, noise, start, lower, upper, max_evaluations, progress, cancel)
    else:
        function = objective(evaluator, noise)
        solution = minimise(
            function, start, lower, upper, max_evaluations=max_evaluations, progress=progress, cancel=cancel
        )
    return _result(spectrum, model, evaluator, solution, (lower, upper), time.perf_counter() - begin)


def _check(evaluator: Evaluator, spectrum: Spectrum, model: FitModel, start: FloatArray) -> None:
    where = model.name or spectrum.name
    for name in evaluator.parameters.free:
        param = model.params[name]
        if not param.link and not param.minimum <= param.value <= param.maximum:
            raise BadModel(
                f"The {spoken(model, name)} starts at {param.value:g}, outside its bounds {param.minimum:g} to "
                f"{param.maximum:g}",
                where=where,
                todo="Change the value or its bounds",
            )
    if start.size == 0:
        raise FitFailed("Nothing is free to be fitted", where=where, todo="Add a component or let a parameter free")
    if evaluator.y.size <= start.size:
        raise FitFailed(
            f"The region has {evaluator.y.size} points for {start.size} free parameters",
            where=where,
            todo="Widen the region or hold some parameters",
        )
    # With read noise, counts scatter below zero; the variance then still comes from the model.
    noise = spectrum.noise
    if noise.kind == "poisson" and noise.read_noise == 0 and np.any(evaluator.y < 0):
        raise FitFailed(
            "Counts below zero cannot be fitted as counted data",
            where=where,
            todo="Set the noise of this spectrum to unknown",
        )


def objective(evaluator: Evaluator, noise: Noise) -> Function:
    """Residuals whose sum of squares is the statistic, and their Jacobian."""
    y = evaluator.y
    if noise.kind == "poisson":
        gain = noise.gain or 1.0

        def poisson(free: FloatArray) -> tuple[FloatArray, FloatArray]:
            envelope, jacobian = evaluator.free(free)
            residual, slope = deviance_residuals(y, envelope, gain)
            return residual, jacobian * slope

        return poisson
    return _weighted(evaluator, np.sqrt(variance_of(noise, y, y)))


def _weighted(evaluator: Evaluator, sigma: FloatArray) -> Function:
    def weighted(free: FloatArray) -> tuple[FloatArray, FloatArray]:
        envelope, jacobian = evaluator.free(free)
        return (evaluator.y - envelope) / sigma, -jacobian / sigma

    return weighted


def _reweighted(
    evaluator: Evaluator,
    noise: Noise,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    limit: int,
    progress: Progress | None,
    cancel: Cancel | None,
) -> Solution:
    """Counts with read noise: chi2 with the model's own variance, iterated until it no longer changes."""
    x, evaluations, status = start, 0, "iteration limit"
    envelope = np.maximum(evaluator.y, 0.0)
    while status == "iteration limit" and evaluations < limit:
        sigma = np.sqrt(variance_of(noise, envelope, evaluator.y))
        solution = minimise(
            _weighted(evaluator, sigma),
            x,
            lower,
            upper,
            max_evaluations=limit - evaluations,
            progress=progress,
            cancel=cancel,
        )
        evaluations += solution.evaluations
        x = solution.x
        if solution.status != "converged":
            return Solution(x, solution.cost, solution.status, evaluations, solution.at_bound)
        before, envelope = envelope, evaluator.free(x)[0]
        if np.all(np.abs(envelope - before) <= 1e-6 * sigma):
            status = "converged"
    return Solution(x, solution.cost, status, evaluations, solution.at_bound)


@dataclass(frozen=True, eq=False)
class _Covariance:
    matrix: FloatArray
    singular: bool


def _covariance(jacobian: FloatArray, variance: FloatArray, held: np.ndarray) -> _Covariance:
    """Inverse of the expected information J V^-1 J^T of the free parameters.

    NaN for those on a bound, for those the data do not feel (the position of a peak without area) and for those that
    cannot be told apart; the others keep their errors.

    For counted data the expected (Fisher) information, not the curvature at this one noisy realisation
    (B. Efron, D. V. Hinkley, Biometrika 65 (1978) 457 compare the two).
    """
    k = jacobian.shape[0]
    matrix = np.full((k, k), np.nan)
    rows = jacobian / np.sqrt(variance)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = np.sqrt(np.sum(rows**2, axis=1))
    if not np.all(np.isfinite(norm)):
        return _Covariance(matrix, False)
    asleep = ~held & (norm == 0)
    open_ = np.flatnonzero(~held & ~asleep)
    # A peak whose area lies on zero does not feel its own position; that is no fault of the model.
    unfelt = bool(np.any(asleep)) and not np.any(held)
    if open_.size == 0:
        return _Covariance(matrix, unfelt)
    _, singular, vt = np.linalg.svd((rows[open_] / norm[open_, None]).T, full_matrices=False)
    good = singular >= 1e-9 * singular[0]
    told = ~np.any(np.abs(vt[~good]) > 1e-6, axis=0)
    inverse = (vt[good].T / singular[good] ** 2) @ vt[good] / np.outer(norm[open_], norm[open_])
    matrix[np.ix_(open_[told], open_[told])] = inverse[np.ix_(told, told)]
    return _Covariance(matrix, unfelt or not np.all(good))


def _propagated(chain: FloatArray, covariance: FloatArray, held: np.ndarray) -> FloatArray:
    """Covariance of all parameters; those that depend on one without an error have none (NaN)."""
    open_ = ~held & np.isfinite(np.diag(covariance))
    part = chain[:, open_]
    full = part @ covariance[np.ix_(open_, open_)] @ part.T
    lost = np.any(chain[:, ~open_] != 0, axis=1)
    full[lost, :] = np.nan
    full[:, lost] = np.nan
    return full


def _result(
    spectrum: Spectrum,
    model: FitModel,
    evaluator: Evaluator,
    solution: Solution,
    bounds: tuple[FloatArray, FloatArray],
    seconds: float,
) -> FitResult:
    noise, y = spectrum.noise, evaluator.y
    names, free = evaluator.names, evaluator.parameters.free
    values, chain = evaluator.parameters.expand(solution.x)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        envelope, jacobian = evaluator.free(solution.x)
        variance = variance_of(noise, envelope, y)
    covariance = _covariance(jacobian, variance, solution.at_bound)
    dof = y.size - (len(free) - int(np.sum(solution.at_bound)))
    pearson = _pearson(y, envelope, variance) / max(dof, 1)
    scale = correlation_factor(noise.correlation) * (1.0 if noise.known else pearson)
    aic, bic = information_criteria(solution.cost, y.size, len(free), known=noise.known)
    at_bound = names_of(solution.at_bound, free)
    status, message = _verdict(solution, covariance.singular, at_bound, model)
    return FitResult(
        model=model.with_values(as_values(names, values)),
        start=model,
        names=names,
        covariance=_scaled(scale, _propagated(chain, covariance.matrix, solution.at_bound)),
        free=free,
        at_bound=at_bound,
        statistic=_statistic(noise),
        deviance=solution.cost,
        n_data=int(y.size),
        n_free=len(free),
        reduced_chi2=pearson if noise.known else 1.0,
        scale=scale,
        aic=aic,
        bic=bic,
        noise=noise,
        status=status,
        message=message,
        evaluations=solution.evaluations,
        data_hash=spectrum.hash,
        seconds=seconds,
    )


def _scaled(scale: float, covariance: FloatArray) -> FloatArray:
    """The covariance times a factor that is not finite where the fit is not."""
    return scale * covariance if np.isfinite(scale) else np.full_like(covariance, np.nan)


def _pearson(y: FloatArray, envelope: FloatArray, variance: FloatArray) -> float:
    """Pearson's chi2; NaN where the model has no finite values."""
    if not np.all(np.isfinite(envelope)) or not np.all(np.isfinite(variance)):
        return float("nan")
    with np.errstate(over="ignore"):
        return float(np.sum(((y - envelope) / np.sqrt(variance)) ** 2))


def _statistic(noise: Noise) -> Statistic:
    if noise.kind == "poisson":
        return "chi2" if noise.read_noise > 0 else "poisson deviance"
    return "chi2" if noise.known else "least squares"


def _verdict(
    solution: Solution, singular: bool, at_bound: tuple[str, ...], model: FitModel
) -> tuple[FitStatus, str]:
    if solution.status != "converged":
        return solution.status, _MESSAGES[solution.status]  # type: ignore[return-value]
    if singular:
        return "singular", _MESSAGES["singular"]
    if at_bound:
        listed = ", ".join(spoken(model, name) for name in at_bound)
        return "at bound", f"The fit converged with {listed} on a bound, without an error of its own."
    return "converged", _MESSAGES["converged"]


def spoken(model: FitModel, name: str) -> str:
    """A parameter's full name in the user's words: "position of CO3", "step of the background"."""
    owner, parameter = name.split(".", 1)
    label = next((c.name for c in model.components if c.id == owner), "the background")
    return f"{parameter.replace('_', ' ')} of {label}"
