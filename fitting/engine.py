"""The fit: a spectrum and a model go in, a result comes out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from fitting import kernels, multistart
from fitting.dataset import NO_DATA, FloatArray, Noise, Spectrum
from fitting.ending import Ending, conclude
from fitting.evaluate import Evaluator, as_values
from fitting.model import FitModel
from fitting.result import FitResult, FitStatus, Statistic
from fitting.solver import Cancel, Function, Progress, minimise, minimise_joint, names_of
from fitting.statistics import correlation_factor, deviance_residuals, information_criteria, variance_of
from fitting.varpro import minimise_separable, separate
from libraries.errors import BadData, BadModel, FitFailed

__all__ = ["fit", "minimise", "objective", "spoken"]

_LOST = ("iteration limit", "not finite")
_GAINED = 1e-6  # share of the statistic by which a second try must be lower
_RESCUE = 200  # evaluations of a second try after a fit that lost its way; with a smaller budget there is none

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
    starts: int = 1,
    seed: int = 0,
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
    starts : int
        With more than one, the fit begins from the model and from so many places about it (see
        `fitting.multistart`), and the best end is returned.
    seed : int
        Of the random starts.
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional
    max_evaluations : int
        From every start.

    Returns
    -------
    FitResult
        With a named status; only `result.success` is a minimum.

    Raises
    ------
    BadData
        If the region holds no data, or the spectrum is a fitted curve of another program.
    BadModel
        If the model does not make sense.
    FitFailed
        If there is nothing to fit, or fewer points than free parameters.
    """
    begin = time.perf_counter()
    evaluator = Evaluator(spectrum, model)
    start, lower, upper = evaluator.parameters.start(model)
    _check(evaluator, spectrum, model, (start, lower, upper))

    search = _Search(evaluator, spectrum.noise, lower, upper, max_evaluations, progress, cancel)
    ending = search.descend(start)
    if _is_lost(ending) and max_evaluations >= _RESCUE:
        place = _projected(search, model, start)
        ending = ending if place is None else _better(ending, search.descend(place))
    if starts > 1:
        places = multistart.places(evaluator, model, (start, lower, upper), starts - 1, seed)
        ending = multistart.best(ending, (search.descend(place) for place in places))
    return _result(spectrum, model, evaluator, ending, time.perf_counter() - begin)


def _is_lost(ending: Ending) -> bool:
    if ending.status == "cancelled":
        return False
    return ending.status in _LOST or ending.singular or not np.isfinite(ending.pearson)


def _better(first: Ending, second: Ending) -> Ending:
    """The second try only where it leads truly lower: parameters that cannot be told apart stay so."""
    best = multistart.best(first, [second])
    kept = first.status == "converged" and best.status != "cancelled"
    if kept and not best.cost < first.cost * (1 - _GAINED):
        return replace(first, evaluations=best.evaluations)
    return best


def _projected(search: _Search, model: FitModel, start: FloatArray) -> FloatArray | None:
    """A new start where amounts were so far off that the descent lost its way: by variable projection.

    Amounts are then solved and not searched. For counts the variance is taken from the data, which is good enough for a
    start.
    """
    evaluator, noise = search.evaluator, search.noise
    separation = separate(evaluator, model)
    if separation is None:
        return None
    sigma = np.sqrt(variance_of(noise, np.maximum(evaluator.y, noise.gain or 1.0), evaluator.y))
    begin = np.where(separation.linear, np.clip(1.0, search.lower, search.upper), start)
    try:
        found = minimise_separable(
            _weighted(evaluator, sigma), separation, begin, search.lower, search.upper,
            max_evaluations=_RESCUE, cancel=search.cancel,
        )
    except BadModel:
        return None
    return found.x


def _check(
    evaluator: Evaluator, spectrum: Spectrum, model: FitModel, bounds: tuple[FloatArray, FloatArray, FloatArray]
) -> None:
    where = model.name or spectrum.name
    if spectrum.curve:
        raise BadData(NO_DATA.format(spectrum.curve), where=where, todo="Fit the measured spectrum itself")
    start, lower, upper = bounds
    if np.any(start < lower) or np.any(start > upper):
        at = int(np.argmax((start < lower) | (start > upper)))
        raise BadModel(
            f"The {spoken(model, evaluator.parameters.free[at])} starts at {start[at]:g}, outside its bounds "
            f"{lower[at]:g} to {upper[at]:g}",
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
    if not np.any(evaluator.y):
        raise FitFailed(
            "The region holds nothing but zeros", where=where, todo="Choose a region in which something was counted"
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


@dataclass(frozen=True, eq=False)
class _Search:
    """Descents of one model on one spectrum from any place."""

    evaluator: Evaluator
    noise: Noise
    lower: FloatArray
    upper: FloatArray
    limit: int
    progress: Progress | None
    cancel: Cancel | None

    def descend(self, start: FloatArray) -> Ending:
        """One descent with what the noise asks for."""
        if self.noise.kind == "poisson" and self.noise.read_noise > 0:
            return self._reweighted(start)
        return self._minimised(start, None, self.limit)

    def _minimised(self, start: FloatArray, sigma: FloatArray | None, limit: int) -> Ending:
        """By machine code where the model has it; `sigma` takes the place of what the noise says."""
        options = {"max_evaluations": limit, "progress": self.progress, "cancel": self.cancel}
        evaluator, noise = self.evaluator, self.noise
        compiled = kernels.loaded()
        if compiled is not None:
            weights = None if sigma is None else sigma**-2
            ending = compiled.fit(evaluator, noise, start, self.lower, self.upper, weights=weights, **options)
            if ending is not None:
                return ending
        function = objective(evaluator, noise) if sigma is None else _weighted(evaluator, sigma)
        found = minimise_joint(function, start, self.lower, self.upper, **options)
        return conclude(evaluator, noise, found.x, found.cost, found.status, found.evaluations, found.at_bound)

    def _reweighted(self, start: FloatArray) -> Ending:
        """Counts with read noise: chi2 with the model's own variance, iterated until it no longer changes."""
        x, evaluations, y = start, 0, self.evaluator.y
        envelope = np.maximum(y, 0.0)
        while True:
            sigma = np.sqrt(variance_of(self.noise, envelope, y))
            ending = self._minimised(x, sigma, self.limit - evaluations)
            evaluations += ending.evaluations
            x = ending.x
            if ending.status != "converged":
                return replace(ending, evaluations=evaluations)
            before, envelope = envelope, self.evaluator.free(x)[0]
            if np.all(np.abs(envelope - before) <= 1e-6 * sigma):
                return replace(ending, evaluations=evaluations)
            if evaluations >= self.limit:
                return replace(ending, evaluations=evaluations, status="iteration limit")


def propagated(chain: FloatArray, covariance: FloatArray, held: np.ndarray) -> FloatArray:
    """Covariance of all parameters; those that depend on one without an error have none (NaN)."""
    open_ = ~held & np.isfinite(np.diag(covariance))
    part = chain[:, open_]
    full = part @ covariance[np.ix_(open_, open_)] @ part.T
    lost = np.any(chain[:, ~open_] != 0, axis=1)
    full[lost, :] = np.nan
    full[:, lost] = np.nan
    return full


def _result(
    spectrum: Spectrum, model: FitModel, evaluator: Evaluator, ending: Ending, seconds: float
) -> FitResult:
    noise, n_data = spectrum.noise, int(evaluator.y.size)
    names, free = evaluator.names, evaluator.parameters.free
    dof = n_data - (len(free) - int(np.sum(ending.at_bound)))
    pearson = ending.pearson / max(dof, 1)
    scale = correlation_factor(noise.correlation) * (1.0 if noise.known else pearson)
    aic, bic = information_criteria(ending.cost, n_data, len(free), known=noise.known)
    at_bound = names_of(ending.at_bound, free)
    status, message = _verdict(ending, at_bound, model)
    return FitResult(
        model=model.with_values(as_values(names, ending.values)),
        start=model,
        names=names,
        covariance=_scaled(scale, propagated(ending.chain, ending.covariance, ending.at_bound)),
        free=free,
        at_bound=at_bound,
        statistic=_statistic(noise),
        deviance=ending.cost,
        n_data=n_data,
        n_free=len(free),
        reduced_chi2=pearson if noise.known else 1.0,
        scale=scale,
        aic=aic,
        bic=bic,
        noise=noise,
        status=status,
        message=message,
        evaluations=ending.evaluations,
        data_hash=spectrum.hash,
        seconds=seconds,
    )


def _scaled(scale: float, covariance: FloatArray) -> FloatArray:
    """The covariance times a factor that is not finite where the fit is not."""
    return scale * covariance if np.isfinite(scale) else np.full_like(covariance, np.nan)


def _statistic(noise: Noise) -> Statistic:
    if noise.kind == "poisson":
        return "chi2" if noise.read_noise > 0 else "poisson deviance"
    return "chi2" if noise.known else "least squares"


def _verdict(ending: Ending, at_bound: tuple[str, ...], model: FitModel) -> tuple[FitStatus, str]:
    if ending.status != "converged":
        return ending.status, _MESSAGES[ending.status]  # type: ignore[return-value]
    if ending.singular:
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
