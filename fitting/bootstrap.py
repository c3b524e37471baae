"""Parametric bootstrap: errors from spectra simulated after the fit, each with its background and fit done anew.

The covariance of a fit takes a background that was drawn through the data for exact, and parameters for nearly linear.
Neither is assumed here: noise of the spectrum's own kind is added to the fitted model, again and again, and all is done
anew.

References
----------
B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapters 6, 13, 14; T. J. DiCiccio, B. Efron,
Statist. Sci. 11, 189 (1996), for BCa intervals in parametric families.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm
from scipy.stats import poisson as poisson_law

from fitting.dataset import FloatArray, Noise, Spectrum, frozen_array
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.result import FitResult
from fitting.statistics import correlation_factor, variance_of
from libraries.errors import BadModel, Cancelled, NotDetermined, SodaliteError

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
Kind = Literal["bca", "percentile"]

REFUSED = "refused"
_FEWEST = 20  # replicas below which no error is worth giving


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """What the replicas gave.

    Attributes
    ----------
    names : tuple of str
        All parameters by full name, linked ones included: the columns of `draws`.
    values : array, shape (k,)
        Of the fit itself.
    draws : array, shape (m, k)
        Values fitted to the replicas; NaN where a fit was refused.
    statuses : tuple of str
        Of each replica's fit, "refused" where none could be carried out (a background that found no end, say).
    acceleration : array, shape (k,)
        How fast the error of a parameter changes with it; for BCa intervals.
    seed : int
    """

    names: tuple[str, ...]
    values: FloatArray
    draws: FloatArray
    statuses: tuple[str, ...]
    acceleration: FloatArray
    seed: int

    def __post_init__(self) -> None:
        for name in ("values", "draws", "acceleration"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def good(self) -> np.ndarray:
        """Which replicas reached a proper minimum, bool (m,); errors and intervals rest on these."""
        return np.array([status in ("converged", "at bound") for status in self.statuses], dtype=bool)

    @property
    def failed(self) -> int:
        """Number of replicas without a proper minimum; where it is not small, errors are those of the lucky ones."""
        return int(np.sum(~self.good))

    def _column(self, name: str) -> int:
        if name not in self.names:
            raise BadModel(f"The bootstrap has no parameter {name}")
        return self.names.index(name)

    def of(self, name: str) -> FloatArray:
        """The draws of one parameter from the good replicas.

        Raises
        ------
        NotDetermined
            If there are fewer than 20.
        """
        drawn = self.draws[self.good, self._column(name)]
        if drawn.size < _FEWEST:
            raise NotDetermined(
                f"Only {drawn.size} of {len(self.statuses)} simulated spectra could be fitted", where=name,
                todo=f"Ask for more; {_FEWEST} are the least",
            )
        return drawn

    @property
    def covariance(self) -> FloatArray:
        """Covariance of all parameters, shape (k, k), from the good replicas."""
        self.of(self.names[0])
        return np.atleast_2d(np.cov(self.draws[self.good], rowvar=False))

    def error(self, name: str) -> float:
        """Standard error of a parameter."""
        return float(np.std(self.of(name), ddof=1))

    def bias(self, name: str) -> float:
        """By how much the replicas' mean departs from the fit that they were simulated from."""
        return float(np.mean(self.of(name)) - self.values[self._column(name)])

    def interval(self, name: str, level: float = 0.6826895, kind: Kind = "bca") -> tuple[float, float]:
        """An interval of one parameter.

        Parameters
        ----------
        level : float
            Confidence, 0 to 1.
        kind : "bca" or "percentile"
            "bca": percentiles shifted for the bias of the median and for an error that changes with the parameter
            (accuracy of second order); "percentile": the plain ones. A parameter that does not scatter has its value
            twice.
        """
        if not 0 < level < 1:
            raise BadModel("A confidence level lies between 0 and 1", where=f"{level}")
        drawn, at = self.of(name), self._column(name)
        z = norm.ppf([0.5 * (1 - level), 0.5 * (1 + level)])
        if kind == "bca":
            value = self.values[at]
            # Half of the draws that lie on the value count, so that those on a bound do not look like a bias.
            below = float(np.mean(drawn < value) + 0.5 * np.mean(drawn == value))
            shift = float(norm.ppf(np.clip(below, 0.5 / drawn.size, 1 - 0.5 / drawn.size)))
            z = shift + (shift + z) / (1 - self.acceleration[at] * (shift + z))
        low, high = np.quantile(drawn, norm.cdf(z))
        return float(low), float(high)


def bootstrap(
    spectrum: Spectrum,
    result: FitResult,
    replicas: int = 1000,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Bootstrap:
    """Simulate spectra after a fit, and fit each from the fitted values, background included.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted, after its recipe.
    result : FitResult
    replicas : int
        How many; 200 for errors, 2000 for 95 % intervals (Efron & Tibshirani 1993, sections 6.4 and 14.3).
    seed : int
        The same seed gives the same draws, replica by replica.
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional

    Raises
    ------
    NotDetermined
        If the fit is no proper minimum or of other data.
    BadModel
        If the number of replicas or the seed makes no sense.
    Cancelled
    """
    if not result.success:
        raise NotDetermined("A bootstrap needs a converged fit", where=result.model.name, todo="Fit the region first")
    if result.data_hash and result.data_hash != spectrum.hash:
        raise NotDetermined("The fit is of other data", where=result.model.name, todo="Fit the region first")
    if replicas < _FEWEST or seed < 0:
        raise BadModel(f"A bootstrap needs at least {_FEWEST} spectra and a seed of 0 or more", where=result.model.name)
    source = Source(spectrum, result)
    draws = np.full((replicas, len(result.names)), np.nan)
    statuses: list[str] = []
    for i in range(replicas):
        if progress is not None and i % 10 == 0:
            progress(i / replicas, f"Simulated spectrum {i + 1} of {replicas}")
        try:
            found = fit(source.replica(np.random.default_rng([seed, i])), result.model, cancel=cancel)
        except SodaliteError:
            statuses.append(REFUSED)
            continue
        if found.status == "cancelled":
            raise Cancelled("The bootstrap was stopped", where=result.model.name)
        statuses.append(found.status)
        draws[i] = [found.value(name) for name in result.names]
    if progress is not None:
        progress(1.0, "Bootstrap")
    values = np.array([result.value(name) for name in result.names])
    return Bootstrap(result.names, values, draws, tuple(statuses), source.acceleration(), seed)


class Source:
    """Spectra as a fit expects them."""

    def __init__(self, spectrum: Spectrum, result: FitResult) -> None:
        self.spectrum = spectrum
        self.evaluator = Evaluator(spectrum, result.model)
        self.free = self.evaluator.parameters.start(result.model)[0]
        self.noise = _sized(spectrum.noise, result)
        envelope = self.evaluator.free(self.free)[0]
        window = spectrum.axis.window(*result.model.region)
        # A background from the data averages channels beyond the region, too. There the model is turned round its end
        # point, so that the mean of the channels around that is the model's value.
        beyond = min(result.model.background.average, envelope.size - 1)
        first, last = max(window.start - beyond, 0), min(window.stop + beyond, len(spectrum.axis))
        self.part = slice(first, last)
        before = 2 * envelope[0] - envelope[1 : 1 + window.start - first][::-1]
        after = 2 * envelope[-1] - envelope[-1 - (last - window.stop) : -1][::-1]
        self.mean = np.concatenate([before, envelope, after])
        self.inside = slice(window.start - first, window.start - first + envelope.size)

    def replica(self, random: np.random.Generator) -> Spectrum:
        """The spectrum with new noise on the model; channels that the fit does not see stay."""
        counts = np.array(self.spectrum.y)
        counts[self.part] = noisy(self.mean, self.noise, random)
        return self.spectrum.with_(counts=counts)

    def acceleration(self) -> FloatArray:
        """Skewness over six of each parameter's linear response to the channels, shape (k,): 0 for Gaussian noise."""
        chain = self.evaluator.parameters.expand(self.free)[1]
        if self.noise.kind != "poisson":
            return np.zeros(chain.shape[0])
        envelope, jacobian = self.evaluator.free(self.free)
        variance = variance_of(self.noise, envelope, self.evaluator.y)
        rows = jacobian / np.sqrt(variance)
        response = chain @ np.linalg.pinv(rows @ rows.T, hermitian=True) @ (jacobian / variance)
        gain = self.noise.gain or 1.0
        second = np.sum(response**2 * variance, axis=1)
        # Third cumulant of a Poisson channel in units of its gain: gain**2 times the mean.
        third = np.sum(response**3 * gain**2 * np.maximum(envelope, 0.0), axis=1)
        return np.divide(third, 6 * second**1.5, out=np.zeros_like(third), where=second > 0)


def _sized(noise: Noise, result: FitResult) -> Noise:
    """The noise with its size, taken from the residuals where it was not known."""
    if noise.known:
        return noise
    factor = result.scale / correlation_factor(noise.correlation)
    if noise.kind == "poisson":
        return Noise("poisson", factor, noise.read_noise, noise.correlation)
    return Noise("gaussian", None, math.sqrt(factor), noise.correlation)


def noisy(mean: FloatArray, noise: Noise, random: np.random.Generator) -> FloatArray:
    """Intensities with noise of known size around a mean, shape (n,).

    Correlated channels are a first-order autoregressive series; for counts its quantiles are those of Poisson's law.
    """
    counts = np.maximum(mean, 0.0) / (noise.gain or 1.0)
    if noise.correlation == 0:
        if noise.kind == "poisson":
            drawn = (noise.gain or 1.0) * random.poisson(counts).astype(float)
            return drawn + noise.read_noise * random.standard_normal(mean.size) if noise.read_noise else drawn
        return mean + noise.read_noise * random.standard_normal(mean.size)
    steps = random.standard_normal(mean.size)
    series, keep = steps.copy(), math.sqrt(1 - noise.correlation**2)
    for i in range(1, mean.size):
        series[i] = noise.correlation * series[i - 1] + keep * steps[i]
    if noise.kind != "poisson":
        return mean + noise.read_noise * series
    drawn = (noise.gain or 1.0) * poisson_law.ppf(norm.cdf(series), counts)
    return drawn + noise.read_noise * random.standard_normal(mean.size) if noise.read_noise else drawn
