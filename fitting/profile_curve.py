"""The statistic of a fit along one of its parameters, all others fitted again; see `fitting.profile`.

A free parameter is held. A linked one is pulled by a spring: one more residual, (parameter - target)/stiffness. The
minimum with the spring is the minimum with the parameter held at the value that it then has, and the tension is the
slope of the profile there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import norm
from scipy.stats import t as student

from fitting import kernels
from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.ending import Ending
from fitting.engine import objective
from fitting.evaluate import Evaluator, as_values
from fitting.model import FitModel
from fitting.result import FitResult
from fitting.solver import Solution, minimise_joint
from fitting.statistics import variance_of
from libraries.errors import BadModel, Cancelled

Cancel = Callable[[], bool]
Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]

_STIFFNESS = 0.03  # of the spring, in standard errors: it gives way by a thousandth of one
BETTER = 1e-3  # fall of the statistic that tells of another minimum; a thirtieth of a standard error
_EVALUATIONS = 500  # for one refit


def statistic_of(evaluator: Evaluator, noise: Noise, fitted: FloatArray) -> Function:
    """The residuals that a fit minimised last, and their Jacobian, as a function of the free parameters.

    Counts with read noise are weighted by the variance at the fit's own values `fitted`, shape (n_free,).
    """
    weights = _weights(evaluator, noise, fitted)
    if weights is None:
        return objective(evaluator, noise)
    sigma = 1.0 / np.sqrt(weights)

    def weighted(free: FloatArray) -> tuple[FloatArray, FloatArray]:
        envelope, jacobian = evaluator.free(free)
        return (evaluator.y - envelope) / sigma, -jacobian / sigma

    return weighted


def _weights(evaluator: Evaluator, noise: Noise, fitted: FloatArray) -> FloatArray | None:
    """One over the variance of each channel, where a fit iterates it; else None."""
    if noise.kind == "poisson" and noise.read_noise > 0:
        return 1.0 / variance_of(noise, evaluator.free(fitted)[0], evaluator.y)
    return None


class BetterMinimum(Exception):
    """The fit was not the minimum."""

    def __init__(self, x: FloatArray, cost: float) -> None:
        super().__init__(cost)
        self.x, self.cost = x, cost


@dataclass(frozen=True, eq=False)
class Point:
    """A refit: the parameter's value, root of the scaled rise of the statistic, its slope, the free numbers."""

    value: float
    root: float
    slope: float
    x: FloatArray


@lru_cache(maxsize=64)  # SciPy takes as long for one as a small fit does
def _quantile(level: float, dof: int | None) -> float:
    """Two-sided quantile of the normal or of Student's distribution."""
    upper = 0.5 * (1.0 + level)
    return float(norm.ppf(upper)) if dof is None else float(student.ppf(upper, dof))


class Curve:
    """The statistic of a fit along one parameter, all others fitted again."""

    def __init__(self, spectrum: Spectrum, result: FitResult, cancel: Cancel | None) -> None:
        self.result, self.cancel, self.evaluations = result, cancel, 0
        self.evaluator = Evaluator(spectrum, result.model)
        self.parameters = self.evaluator.parameters
        self.x, self.lower, self.upper = self.parameters.start(result.model)
        self.weights = _weights(self.evaluator, spectrum.noise, self.x)
        self.function = statistic_of(self.evaluator, spectrum.noise, self.x)
        residual, jacobian = self.function(self.x)
        self.cost = float(residual @ residual)
        self.scale = result.scale
        self.dof = result.n_data - (result.n_free - len(result.at_bound))
        self._curvature = jacobian @ jacobian.T
        self._bound = (self.x <= self.lower) | (self.x >= self.upper)
        self.values, self._chain = self.parameters.expand(self.x)
        links = {key for key, param in result.model.params.items() if param.link}
        self._direct = {key: at for at, key in enumerate(self.parameters.free) if key not in links}

    def check(self, name: str) -> None:
        """Refuse what no fit moves."""
        if name not in self.parameters.names:
            raise BadModel(f"There is no parameter {name}", where=self.result.model.name)
        if not np.any(self._chain[self.row(name)]):
            raise BadModel(f"{name} is held: it has no interval", where=self.result.model.name, todo="Let it free")

    def row(self, name: str) -> int:
        """Place of a parameter among all."""
        return self.parameters.names.index(name)

    def place(self, name: str) -> int | None:
        """Place of a parameter among the free numbers; None for a linked one."""
        return self._direct.get(name)

    def root_at(self, level: float) -> float:
        """How far the root of the rise must come for a level."""
        return _quantile(level, None if self.result.noise.known else max(self.dof, 1))

    def direction(self, name: str) -> tuple[float, FloatArray]:
        """Standard error of a parameter at the fit, and how the free numbers follow it, shape (n_free,).

        Numbers on a bound stay there, unless the parameter itself moves by them. The error is infinite where the data
        do not feel the parameter.
        """
        chain = self._chain[self.row(name)]
        own = chain != 0
        held = self._bound & ~own
        follow = np.zeros(self.x.size)
        norms = np.sqrt(np.diag(self._curvature))
        open_ = np.flatnonzero(~held & (norms > 0))
        if not np.any(own[open_]):
            return math.inf, follow
        unit = norms[open_]
        inverse = np.linalg.pinv(self._curvature[np.ix_(open_, open_)] / np.outer(unit, unit), hermitian=True)
        side = (inverse @ (chain[open_] / unit)) / unit
        variance = float(chain[open_] @ side)
        if not variance > 0:
            return math.inf, follow
        follow[open_] = side / variance
        return math.sqrt(variance * self.scale), follow

    def refit(self, name: str, target: float, start: FloatArray, root: float, error: float, sign: int) -> Point | None:
        """The point of the profile at or near `target`; None where the refit did not converge.

        Parameters
        ----------
        start : array, shape (n_free,)
            Where the free numbers are expected there.
        root : float
            What the root of the rise is expected to be, which tells how far the spring of a linked parameter gives way.
        error : float
            Change of the parameter that changes the root by one, about.
        sign : -1 or 1
            The side.
        """
        place = self.row(name)
        found = self._held(name, target, start) if name in self._direct else self._sprung(
            place, target + sign * root * _STIFFNESS**2 * error, start, _STIFFNESS * error / math.sqrt(self.scale)
        )
        if found is None:
            return None
        x, cost, slope = found
        rise = (cost - self.cost) / self.scale
        if rise < -BETTER:
            self._better(x)
        root = math.sqrt(max(rise, 0.0))
        value = float(self.parameters.expand(x)[0][place])
        return Point(value, root, sign * slope / (2.0 * self.scale * root) if root > 0 else 0.0, x)

    def rise(self, name: str, value: float, start: FloatArray) -> float:
        """By how much the scaled statistic rises with a parameter at a value; NaN where the refit did not converge.

        Parameters
        ----------
        start : array, shape (n_free,)
            Where the free numbers are expected there.

        Raises
        ------
        BetterMinimum
            If it falls.
        """
        distance = value - float(self.values[self.row(name)])
        sign = -1 if distance < 0 else 1
        error = self.direction(name)[0]
        if not math.isfinite(error) and name not in self._direct:
            return math.nan
        point = self.refit(name, value, start, abs(distance) / error, error, sign)
        if point is None:
            return math.nan
        # A linked parameter's spring leaves it a little short of the value.
        return max(point.root + sign * (value - point.value) * point.slope, 0.0) ** 2

    def _held(self, name: str, target: float, start: FloatArray) -> tuple[FloatArray, float, float] | None:
        """Free numbers, statistic and its slope with a free parameter held."""
        at = self._direct[name]
        lower, upper, begin = self.lower.copy(), self.upper.copy(), start.copy()
        lower[at] = upper[at] = begin[at] = min(max(target, self.lower[at]), self.upper[at])
        found = self._minimise(self.function, begin, lower, upper)
        if found is None:
            return None
        residual, jacobian = self.function(found.x)
        self.evaluations += 1
        return found.x, found.cost, 2.0 * float(jacobian[at] @ residual)

    def _sprung(
        self, row: int, target: float, start: FloatArray, stiff: float
    ) -> tuple[FloatArray, float, float] | None:
        """The same with any parameter on a spring."""

        def sprung(x: FloatArray) -> tuple[FloatArray, FloatArray]:
            residual, jacobian = self.function(x)
            values, chain = self.parameters.expand(x)
            pull = (values[row] - target) / stiff
            return np.append(residual, pull), np.concatenate([jacobian, chain[row][:, None] / stiff], axis=1)

        found = self._minimise(sprung, start, self.lower, self.upper)
        if found is None:
            return None
        tension = (target - float(self.parameters.expand(found.x)[0][row])) / stiff
        # The statistic's slope along the parameter balances the spring.
        return found.x, found.cost - tension**2, 2.0 * tension / stiff

    def _minimise(
        self, function: Function, start: FloatArray, lower: FloatArray, upper: FloatArray
    ) -> Solution | Ending | None:
        """The minimum, by machine code where the model has it and nothing pulls; None where there is none."""
        begin = np.clip(start, lower, upper)
        compiled = kernels.loaded() if function is self.function else None
        found: Solution | Ending | None = None
        if compiled is not None:
            found = compiled.fit(
                self.evaluator, self.result.noise, begin, lower, upper, weights=self.weights,
                max_evaluations=_EVALUATIONS, progress=None, cancel=self.cancel,
            )
        if found is None:
            found = minimise_joint(
                function, begin, lower, upper, max_evaluations=_EVALUATIONS, cancel=self.cancel
            )
        self.evaluations += found.evaluations
        if found.status == "cancelled":
            raise Cancelled("The intervals were stopped", where=self.result.model.name)
        return found if found.status == "converged" else None

    def _better(self, x: FloatArray) -> None:
        """Fit freely from a place below the fit, and say so."""
        found = self._minimise(self.function, x, self.lower, self.upper)
        if found is not None:
            x = found.x
        residual, _ = self.function(x)
        raise BetterMinimum(x, float(residual @ residual))

    def model_at(self, x: FloatArray) -> FitModel:
        """The model with its free numbers at x."""
        return self.result.model.with_values(as_values(self.parameters.names, self.parameters.expand(x)[0]))
