"""Quantities that depend on a fit and on the measured counts themselves, with their joint covariance.

The fitted parameters are functions of the counts, so that every quantity is one as well:

    q(y) = f(theta(y), s(y)),   dq/dy = df/dtheta dtheta/dy + df/ds w,   cov q = dq/dy cov(y) (dq/dy)^T

with sums s = w y over channels. dtheta/dy = (J^T W J)^-1 J^T W at a minimum of Poisson deviance or chi2.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator
from fitting.result import FitResult
from fitting.statistics import variance_of
from libraries.errors import FitFailed

_STEP = 0.02  # of a standard error, for differences


@dataclass(frozen=True)
class Quantity:
    """A number with its error.

    Attributes
    ----------
    key : str
        For programs: "l3_onset".
    name : str
        For people: "L3 onset".
    value, error : float
        NaN where not determined.
    unit : str
    how : str
        Definition, with its reference; where there is no value, why.
    """

    key: str
    name: str
    value: float
    error: float
    unit: str = ""
    how: str = ""

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return math.isfinite(self.value)


@dataclass(frozen=True, eq=False)
class Quantities:
    """Quantities of one edge of one spectrum.

    Attributes
    ----------
    rows : tuple of Quantity
    covariance : array, shape (k, k)
        In the order of `rows`; NaN for those not determined.
    notes : tuple of str
        What the analyst ought to know.
    reduced_chi2 : float
        NaN where the noise is not known.
    """

    rows: tuple[Quantity, ...]
    covariance: FloatArray
    notes: tuple[str, ...] = ()
    reduced_chi2: float = math.nan

    def get(self, key: str) -> Quantity | None:
        """The quantity of a key."""
        return next((row for row in self.rows if row.key == key), None)

    def covariance_of(self, a: str, b: str) -> float:
        """Covariance of two quantities."""
        keys = [row.key for row in self.rows]
        return float(self.covariance[keys.index(a), keys.index(b)])


class Data:
    """The counts of the fitted channels, of which a function may take weighted sums.

    Parameters
    ----------
    y : array, shape (n,)
    told : list of float, optional
        What the sums are said to be, in the order in which they are asked for.
    """

    def __init__(self, y: FloatArray, told: list[float] | None = None) -> None:
        self.y = y
        self.weights: list[FloatArray] = []
        self.sums: list[float] = []
        self._told = told

    def sum(self, weights: FloatArray) -> float:
        """sum(weights * counts)."""
        value = float(weights @ self.y) if self._told is None else self._told[len(self.sums)]
        self.weights.append(weights)
        self.sums.append(value)
        return value


Function = Callable[[FloatArray, Data], FloatArray]


def remarks(result: FitResult, excess: float) -> list[str]:
    """What the analyst ought to know of a fit before its quantities are believed."""
    notes = []
    if excess > 1.0:
        notes.append(f"The model misses structure in the data (reduced χ² {excess:.1f}): errors are multiplied by "
                     f"{math.sqrt(excess):.1f}.")
    if not result.noise.known:
        notes.append("Counts per electron are not known: errors follow the scatter about the fit.")
    if result.at_bound:
        notes.append(result.message)
    return notes


class Linearised:
    """A fit as a function of its counts.

    Attributes
    ----------
    x, y, envelope, variance : array, shape (n,)
        Fitted channels, counts, model, and the variance that errors are worked out with.
    excess : float
        Reduced chi2 by which the variance was multiplied, 1 where the model does not miss anything.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted.
    result : FitResult

    Raises
    ------
    FitFailed
        If the fit is no minimum.
    """

    def __init__(self, spectrum: Spectrum, result: FitResult) -> None:
        if not result.success:
            raise FitFailed(result.message, where=result.model.name, todo="Change the window or the number of lines")
        self.evaluator = Evaluator(spectrum, result.model)
        self.x, self.y = self.evaluator.x, self.evaluator.y
        self._free = self.evaluator.parameters.start(result.model)[0]
        envelope, jacobian = self.evaluator.free(self._free)
        variance = variance_of(spectrum.noise, envelope, self.y)
        norm = np.sqrt(np.sum(jacobian**2 / variance, axis=1))
        # Parameters on a bound count as free: another set of counts would have let them go, and errors that hold them
        # are too small.
        open_ = norm > 0
        rows = jacobian[open_] / norm[open_, None]
        inverse = np.linalg.pinv(rows / variance @ rows.T, rcond=1e-12, hermitian=True)
        self._slopes = np.zeros_like(jacobian)  # d free / d y
        self._slopes[open_] = (inverse @ (rows / variance)) / norm[open_, None]
        self._errors = np.sqrt(np.sum(self._slopes**2 * variance, axis=1))
        self.envelope = envelope
        # Where the model misses structure that the noise cannot explain, all errors grow by sqrt(reduced chi2).
        self.excess = result.reduced_chi2 if result.exceeds_noise else 1.0
        self.variance = variance * self.excess * (result.scale if np.isfinite(result.scale) else np.nan)

    @property
    def values(self) -> FloatArray:
        """All parameters at the minimum."""
        return self.evaluator.parameters.expand(self._free)[0]

    def of(self, function: Function) -> tuple[FloatArray, FloatArray]:
        """Values and covariance of a function of all parameters and of sums over channels.

        Parameters
        ----------
        function : callable(values, Data) -> array, shape (k,)
            NaN for what is not determined.
        """
        recorded = Data(self.y)
        base = np.asarray(function(self.values, recorded), dtype=float)
        slopes = np.zeros((base.size, self.y.size))
        expand = self.evaluator.parameters.expand
        for i in np.flatnonzero(self._errors > 0):
            step = _STEP * self._errors[i]
            ends = []
            for sign in (1.0, -1.0):
                place = self._free.copy()
                place[i] += sign * step
                ends.append(np.asarray(function(expand(place)[0], Data(self.y)), dtype=float))
            slopes += np.outer((ends[0] - ends[1]) / (2.0 * step), self._slopes[i])
        for i, weights in enumerate(recorded.weights):
            step = _STEP * math.sqrt(float(weights**2 @ self.variance))
            if not step > 0:
                continue
            ends = []
            for sign in (1.0, -1.0):
                sums = list(recorded.sums)
                sums[i] += sign * step
                ends.append(np.asarray(function(self.values, Data(self.y, sums)), dtype=float))
            slopes += np.outer((ends[0] - ends[1]) / (2.0 * step), weights)
        return base, (slopes * self.variance) @ slopes.T
