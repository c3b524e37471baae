"""What a fit found: values, covariance, statistics, and the model and data it came from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np

from fitting.backgrounds import kind as background_kind
from fitting.dataset import FloatArray, Noise, frozen_array
from fitting.model import FitModel
from fitting.statistics import small_sample_correction
from libraries.errors import BadModel, NotDetermined

FitStatus = Literal["converged", "at bound", "singular", "not finite", "cancelled", "iteration limit"]
Statistic = Literal["poisson deviance", "chi2", "least squares"]


@dataclass(frozen=True, eq=False)
class FitResult:
    """Result of one fit.

    Attributes
    ----------
    model : FitModel
        The model with its fitted values.
    start : FitModel
        The model as the fit started from it.
    names : tuple of str
        All parameters by full name, in the order of `covariance`.
    covariance : array, shape (k, k)
        Covariance of all parameters, linked ones propagated; zero for held ones; NaN where it is not determined.
    free : tuple of str
        The parameters that the fit changed.
    at_bound : tuple of str
        Free parameters that ended on a bound; their errors are not defined and are NaN.
    statistic : str
        "poisson deviance", "chi2" (known variance) or "least squares" (unknown variance).
    deviance : float
        Value of the statistic at the end (sum over the channels of the region).
    n_data, n_free : int
    reduced_chi2 : float
        Pearson chi2 over degrees of freedom where the noise is known; 1 by construction where it is not known.
    scale : float
        Factor by which the covariance was multiplied because the noise was not known (gain or variance estimated
        from the residuals, in units of the assumed one) or channels correlate; 1 for known, independent noise.
    aic, bic : float
        With the statistic's own definition; comparable only on the same channels and statistic: see `comparable`.
    noise : Noise
        As used.
    status : FitStatus
    message : str
        For the user: one sentence.
    evaluations : int
    data_hash : str
        Content hash of the spectrum after its recipe.
    seconds : float
        Time taken; not part of the result's identity.
    """

    model: FitModel
    start: FitModel
    names: tuple[str, ...]
    covariance: FloatArray
    free: tuple[str, ...]
    at_bound: tuple[str, ...]
    statistic: Statistic
    deviance: float
    n_data: int
    n_free: int
    reduced_chi2: float
    scale: float
    aic: float
    bic: float
    noise: Noise
    status: FitStatus
    message: str
    evaluations: int
    data_hash: str
    seconds: float = field(default=0.0, metadata={"identity": False})

    def __post_init__(self) -> None:
        object.__setattr__(self, "covariance", frozen_array(self.covariance))

    @property
    def success(self) -> bool:
        """Whether the values are a proper minimum (possibly on a bound)."""
        return self.status in ("converged", "at bound")

    def _index(self, name: str) -> int:
        try:
            return self.names.index(name)
        except ValueError:
            raise BadModel(f"The result has no parameter {name}", where=self.model.name) from None

    def value(self, name: str) -> float:
        """Fitted value of a parameter."""
        return self.model.params[name].value

    def error(self, name: str) -> float:
        """Standard error of a parameter: 0 for a held one, NaN where it is not determined."""
        index = self._index(name)
        variance = float(self.covariance[index, index])
        return math.sqrt(variance) if variance >= 0 else math.nan

    def covariance_of(self, names: Sequence[str]) -> FloatArray:
        """Covariance of some parameters, shape (len(names), len(names))."""
        indices = [self._index(name) for name in names]
        return np.array(self.covariance[np.ix_(indices, indices)])

    def correlation(self) -> FloatArray:
        """Correlation of the free parameters, shape (n_free, n_free); NaN where it is not determined."""
        covariance = self.covariance_of(self.free)
        sigma = np.sqrt(np.clip(np.diag(covariance), 0, None))
        norm = np.outer(sigma, sigma)
        return np.divide(covariance, norm, out=np.full_like(covariance, np.nan), where=norm > 0)

    @property
    def aicc(self) -> float:
        """AIC with its correction for few points; NaN where there are too few for it: see `small_sample_correction`."""
        return self.aic + small_sample_correction(self.n_data, self.n_free, known=self.noise.known)

    @property
    def exceeds_noise(self) -> bool:
        """Whether reduced chi2 lies above its 99.9 % limit, so that the model misses structure in the data.

        Only known noise can be exceeded. Normal approximation of chi2 after Wilson & Hilferty (1931).
        """
        # A parameter on its bound is held there and fits no noise.
        dof = self.n_data - (self.n_free - len(self.at_bound))
        if not self.noise.known or dof <= 0:
            return False
        ninth = 2.0 / (9.0 * dof)
        limit = (1.0 - ninth + 3.0902 * math.sqrt(ninth)) ** 3
        return self.reduced_chi2 > limit

    def scaled_error(self, name: str) -> float:
        """The error multiplied by sqrt(reduced chi2) where the model misses structure, else the plain error."""
        factor = math.sqrt(self.reduced_chi2) if self.exceeds_noise else 1.0
        return factor * self.error(name)

    def moved(self, offset: float, data_hash: str) -> FitResult:
        """The same result `offset` further up the axis (after an energy shift); errors do not change.

        Parameters
        ----------
        offset : float
            In the unit of the axis.
        data_hash : str
            Of the spectrum on its new axis.
        """
        return replace(
            self, model=self.model.moved(offset), start=self.start.moved(offset), data_hash=data_hash
        )


def pulls(result: FitResult, truth: FitModel | Mapping[str, float]) -> dict[str, float]:
    """(fitted - true value) / standard error of the free parameters; NaN where there is no error.

    Over many simulated spectra they are standard normal where errors are right. Pulls of channels are the standardised
    residuals of `fitting.curves`.

    Parameters
    ----------
    result : FitResult
    truth : FitModel or mapping of full name to value
        What the data were simulated from.
    """
    true = {name: param.value for name, param in truth.params.items()} if isinstance(truth, FitModel) else truth
    table = {}
    for name in result.free:
        if name not in true:
            raise BadModel(f"The truth has no parameter {name}", where=result.model.name)
        error = result.error(name)
        table[name] = (result.value(name) - true[name]) / error if error > 0 else math.nan
    return table


def incomparable(a: FitResult, b: FitResult) -> str:
    """Why AIC, AICc and BIC of two fits must not be compared, in words for the user; "" where they may.

    The criteria are differences of likelihoods of the same numbers. Hence the spectrum (after its recipe, noise
    included), the channels and the statistic must be the same. A background that is taken from the data before the fit
    has end levels that no criterion counts: such fits compare among themselves, with the same background, alone.
    """
    if not (a.success and b.success):
        return "one of the fits is not a proper minimum"
    if a.data_hash != b.data_hash:
        return "the fits are of different data, or of the same data after different steps"
    if a.model.region != b.model.region or a.n_data != b.n_data:
        return "the fits use different channels"
    if a.statistic != b.statistic:
        return f"one fit minimises {a.statistic}, the other {b.statistic}"
    if _static(a.model) != _static(b.model):
        return "the backgrounds are taken from the data in different ways, which the criteria do not count"
    return ""


def comparable(a: FitResult, b: FitResult) -> None:
    """Refuse two fits whose AIC, AICc and BIC must not be compared.

    Raises
    ------
    NotDetermined
        With the reason that `incomparable` gives.
    """
    reason = incomparable(a, b)
    if reason:
        names = " and ".join(result.model.name or "a fit" for result in (a, b))
        raise NotDetermined(
            f"AIC and BIC do not compare here: {reason}", where=names, todo="Fit both models to the same region"
        )


def _static(model: FitModel) -> tuple[object, ...]:
    """What decides a background that is taken from the data; empty for one that is fitted."""
    background = model.background
    if not background_kind(background.kind).static:
        return ()
    quadrature = background.quadrature if background.kind == "shirley" else ""
    return (background.kind, background.average, quadrature)
