"""The problem of a joint fit: regions, their parameters as one table, and the descent with each region's own noise."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.ending import inverse_information
from fitting.engine import fit, propagated
from fitting.evaluate import Evaluator
from fitting.joint_table import Table, tabulated
from fitting.model import FitModel
from fitting.solution import Solution
from fitting.solver import Cancel, Function, Progress, minimise_joint
from fitting.statistics import correlation_factor, deviance_residuals, variance_of
from libraries.errors import BadModel, FitFailed

_ROUNDS = 30
_SETTLED = 1e-4  # relative change of a variance, or change of an envelope in standard deviations, that ends the rounds


@dataclass(frozen=True, eq=False)
class Part:
    """A region to be fitted with others.

    Attributes
    ----------
    key : str
        Name of the region in ties, "entry/region"; unique.
    spectrum : Spectrum
        After its recipe.
    model : FitModel
    """

    key: str
    spectrum: Spectrum
    model: FitModel

    @property
    def title(self) -> str:
        """For messages."""
        return self.model.name or self.spectrum.name or self.key


# -- the problem ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Problem:
    """Regions with their evaluators and the table of all their parameters."""
    parts: tuple[Part, ...]
    evaluators: tuple[Evaluator, ...]
    table: Table

    @classmethod
    def of(cls, parts: Sequence[Part], ties: Mapping[str, str]) -> Problem:
        """The problem of regions and ties; refuses what does not fit together."""
        if not parts:
            raise FitFailed("There is no region to be fitted", todo="Choose at least one")
        table = tabulated([(part.key, part.model) for part in parts], ties)
        return cls(tuple(parts), tuple(Evaluator(part.spectrum, part.model) for part in parts), table)

    def envelopes(self, x: FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        """Envelope (n,) of every part and its derivatives (f, n) by the free numbers."""
        values, chain = self.table.expand(x)
        found = []
        for evaluator, part in zip(self.evaluators, self.table.slices, strict=True):
            envelope, jacobian = evaluator.full(values[part])
            found.append((envelope, chain[part].T @ jacobian))
        return found

    @property
    def noises(self) -> tuple[Noise, ...]:
        """Noise of each region."""
        return tuple(part.spectrum.noise for part in self.parts)

    @property
    def n_data(self) -> int:
        """Points of all regions."""
        return sum(evaluator.y.size for evaluator in self.evaluators)


@dataclass(frozen=True, eq=False)
class Options:
    """Bounds of the free numbers, budget, progress and cancel."""
    lower: FloatArray
    upper: FloatArray
    limit: int
    progress: Progress | None
    cancel: Cancel | None


@dataclass(frozen=True, eq=False)
class End:
    """Where a joint descent ended; `scales` (p,) are the factors on the variance that each part's noise asks for."""

    solution: Solution
    scales: FloatArray


def check(problem: Problem, start: FloatArray, lower: FloatArray, upper: FloatArray) -> None:
    """Refuse what cannot be fitted, with the reason."""
    outside = (start < lower) | (start > upper)
    if np.any(outside):
        at = int(np.argmax(outside))
        raise BadModel(
            f"{problem.table.free[at]} starts at {start[at]:g}, outside its bounds {lower[at]:g} to {upper[at]:g}",
            todo="Change the value or its bounds",
        )
    if start.size == 0:
        raise FitFailed("Nothing is free to be fitted", todo="Let a parameter free")
    if problem.n_data <= start.size:
        raise FitFailed(f"The regions have {problem.n_data} points for {start.size} free parameters",
                        todo="Widen the regions or hold some parameters")
    for part, evaluator in zip(problem.parts, problem.evaluators, strict=True):
        noise = part.spectrum.noise
        if not np.any(evaluator.y):
            raise FitFailed("The region holds nothing but zeros", where=part.title, todo="Leave it out")
        if noise.kind == "poisson" and noise.read_noise == 0 and np.any(evaluator.y < 0):
            raise FitFailed("Counts below zero cannot be fitted as counted data", where=part.title,
                            todo="Set the noise of this spectrum to unknown")


# -- the descent ------------------------------------------------------------------------------------------------------


def _first_scale(noise: Noise, y: FloatArray) -> float:
    """Variance in units of what the noise says, from third differences (as `statistics.estimate_noise`)."""
    if noise.known or y.size < 8:
        return 1.0
    difference = y[:-3] - 3.0 * y[1:-2] + 3.0 * y[2:-1] - y[3:]
    variance = variance_of(noise, np.maximum(y, 0.0), y)[1:-2]
    scale = float(np.median(np.abs(difference) / np.sqrt(20.0 * variance)) * 1.4826) ** 2
    return scale if scale > 0 else 1.0


def descend(problem: Problem, start: FloatArray, options: Options) -> End:
    """Descents, with the variances that are not known beforehand taken anew between them until they rest."""
    scales = np.array([
        correlation_factor(n.correlation) * _first_scale(n, e.y)
        for n, e in zip(problem.noises, problem.evaluators, strict=True)
    ])
    open_ = np.array([not noise.known for noise in problem.noises])
    read = [noise.kind == "poisson" and noise.read_noise > 0 for noise in problem.noises]
    envelopes = [np.maximum(evaluator.y, 0.0) for evaluator in problem.evaluators]
    x, evaluations = start, 0
    for _ in range(_ROUNDS):
        function = _objective(problem, scales, [e if r else None for e, r in zip(envelopes, read, strict=True)])
        found = minimise_joint(function, x, options.lower, options.upper, max_evaluations=options.limit,
                               progress=options.progress, cancel=options.cancel)
        evaluations += found.evaluations
        x = found.x
        if found.status != "converged" or not (np.any(open_) or any(read)):
            break
        before, envelopes = envelopes, [pair[0] for pair in problem.envelopes(x)]
        fresh = np.where(open_, _scales(problem, x, scales, found.at_bound), scales)
        moved = max((_moved(problem, i, before[i], envelopes[i]) for i, yes in enumerate(read) if yes), default=0.0)
        rest = bool(np.all(np.abs(fresh - scales) <= _SETTLED * scales)) and moved <= _SETTLED
        scales = fresh
        if rest:
            break
    return End(replace(found, x=x, evaluations=evaluations), scales)


def _moved(problem: Problem, at: int, before: FloatArray, now: FloatArray) -> float:
    sigma = np.sqrt(variance_of(problem.noises[at], now, problem.evaluators[at].y))
    return float(np.max(np.abs(now - before) / sigma))


def _objective(problem: Problem, scales: FloatArray, fixed: Sequence[FloatArray | None]) -> Function:
    """Residuals of all parts, whose sum of squares is the statistic, and their derivatives."""

    def function(x: FloatArray) -> tuple[FloatArray, FloatArray]:
        residuals, rows = [], []
        for i, (envelope, jacobian) in enumerate(problem.envelopes(x)):
            noise, y = problem.noises[i], problem.evaluators[i].y
            if noise.kind == "poisson" and fixed[i] is None:
                residual, slope = deviance_residuals(y, envelope, noise.gain or 1.0)
            else:
                sigma = np.sqrt(variance_of(noise, y if fixed[i] is None else fixed[i], y))
                residual, slope = (y - envelope) / sigma, -1.0 / sigma
            root = math.sqrt(scales[i])
            residuals.append(residual / root)
            rows.append(jacobian * (slope / root))
        return np.concatenate(residuals), np.concatenate(rows, axis=1)

    return function


def _weighted_rows(problem: Problem, x: FloatArray, scales: FloatArray) -> tuple[list[FloatArray], list[float]]:
    """Derivatives of every part in units of its noise, and its Pearson chi2 without its scale."""
    rows, pearson = [], []
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for i, (envelope, jacobian) in enumerate(problem.envelopes(x)):
            y = problem.evaluators[i].y
            variance = variance_of(problem.noises[i], envelope, y)
            rows.append(jacobian / np.sqrt(variance * scales[i]))
            pearson.append(float(np.sum((y - envelope) ** 2 / variance)))
    return rows, pearson


def spent_by_parts(rows: Sequence[FloatArray], held: np.ndarray) -> FloatArray:
    """How many of the free parameters each part has used up; they sum to their number."""
    together = np.concatenate(rows, axis=1)
    covariance, _ = inverse_information(together, np.ones(together.shape[1]), held)
    known = np.isfinite(np.diag(covariance))
    part = covariance[np.ix_(known, known)]
    return np.array([float(np.einsum("in,ij,jn->", row[known], part, row[known])) for row in rows])


def _scales(problem: Problem, x: FloatArray, scales: FloatArray, held: np.ndarray) -> FloatArray:
    """Variance of each part in units of what its noise says, from its residuals."""
    rows, pearson = _weighted_rows(problem, x, scales)
    dof = np.maximum([e.y.size for e in problem.evaluators] - spent_by_parts(rows, held), 1.0)
    factors = [correlation_factor(noise.correlation) for noise in problem.noises]
    return np.maximum(np.array(pearson) / dof, 1e-300) * factors


def second_try(problem: Problem, ties: Mapping[str, str], end: End, options: Options) -> End:
    """From where the regions end when each is fitted alone; the lower of both ends."""
    alone = []
    for part in problem.parts:
        found = fit(part.spectrum, part.model, cancel=options.cancel)
        alone.append(replace(part, model=found.model if found.success else part.model))
    again = Problem.of(alone, ties)
    start, lower, upper = again.table.start()
    second = descend(again, np.clip(start, lower, upper), options)
    better = second.solution.status == "converged" or not end.solution.cost <= second.solution.cost
    return second if better else end


def joint_covariance(
    problem: Problem, x: FloatArray, scales: FloatArray, held: np.ndarray
) -> tuple[FloatArray, bool, list[FloatArray], list[float]]:
    """Covariance of all parameters, whether it is singular, weighted derivatives and Pearson chi2 of the parts."""
    rows, pearson = _weighted_rows(problem, x, scales)
    together = np.concatenate(rows, axis=1)
    free, singular = inverse_information(together, np.ones(together.shape[1]), held)
    return propagated(problem.table.expand(x)[1], free, held), singular, rows, pearson
