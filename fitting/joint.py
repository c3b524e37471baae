"""Several regions fitted at once, their parameters tied by formulas across regions and samples.

Every region keeps its own statistic (Poisson deviance, chi2, least squares); their sum is minimised. A region whose
noise is of unknown size is weighted by its own variance, taken from its residuals and iterated, so that a noisy region
does not speak as loudly as a quiet one (feasible generalised least squares: A. Zellner, J. Am. Stat. Assoc. 57, 348
(1962)). Derivatives are exact: shapes, then links and ties.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Noise, frozen_array
from fitting.engine import spoken
from fitting.evaluate import as_values
from fitting.joint_descent import (
    End,
    Options,
    Part,
    Problem,
    check,
    descend,
    joint_covariance,
    second_try,
    spent_by_parts,
)
from fitting.joint_links import place
from fitting.result import FitResult, FitStatus, Statistic
from fitting.solution import Solution
from fitting.solver import Cancel, Progress, names_of
from fitting.statistics import deviance_residuals, information_criteria, variance_of
from libraries.errors import BadModel

__all__ = ["JointResult", "Part", "covariance_at", "fit_joint"]


@dataclass(frozen=True, eq=False)
class JointResult:
    """What a joint fit found.

    Attributes
    ----------
    results : mapping of key to FitResult
        Values, errors and statistics of each region; errors come from the joint covariance.
    names : tuple of str
        All parameters, "key/component.parameter", in the order of `covariance`.
    covariance : array, shape (k, k)
        Of all parameters of all regions; NaN where not determined.
    free : tuple of str
        The numbers that the fit changed, "key/component.parameter".
    deviance : float
        Sum of the statistics, each in units of its region's noise.
    n_data, n_free, evaluations : int
    status : FitStatus
    message : str
    seconds : float
    """

    results: Mapping[str, FitResult]
    names: tuple[str, ...]
    covariance: FloatArray
    free: tuple[str, ...]
    deviance: float
    n_data: int
    n_free: int
    evaluations: int
    status: FitStatus
    message: str
    seconds: float = 0.0

    @property
    def success(self) -> bool:
        """Whether the values are a proper minimum (possibly on a bound)."""
        return self.status in ("converged", "at bound")

    def value(self, name: str) -> float:
        """Value of "key/component.parameter"."""
        there = place(name)
        return self.results[there.key].value(there.name)

    def error(self, name: str) -> float:
        """Standard error of "key/component.parameter"; NaN where it is not determined."""
        variance = float(self.covariance_of([name])[0, 0])
        return math.sqrt(variance) if variance >= 0 else math.nan

    def covariance_of(self, names: Sequence[str]) -> FloatArray:
        """Covariance of some parameters, whatever region they belong to."""
        missing = [name for name in names if name not in self.names]
        if missing:
            raise BadModel(f"The joint fit has no parameter {missing[0]}")
        at = [self.names.index(name) for name in names]
        return np.array(self.covariance[np.ix_(at, at)])

    def cross(self, one: str, other: str) -> FloatArray:
        """Covariance of all parameters of one region (rows) with all of another (columns)."""
        rows, columns = (self.results[key].names for key in (one, other))
        return np.array(self.covariance[np.ix_(
            [self.names.index(f"{one}/{name}") for name in rows],
            [self.names.index(f"{other}/{name}") for name in columns],
        )])


def fit_joint(
    parts: Sequence[Part],
    ties: Mapping[str, str],
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    *,
    max_evaluations: int = 2000,
) -> JointResult:
    """Fit several regions together.

    Parameters
    ----------
    parts : sequence of Part
    ties : mapping
        "key/component.parameter" of the follower to its formula, in which parameters of other regions stand as
        {key/component.parameter}; it takes the place of the follower's own link.
    progress, cancel : callables, optional
    max_evaluations : int
        Of each descent.

    Returns
    -------
    JointResult

    Raises
    ------
    BadModel
        If a tie is not understood, names what does not exist, or ties and links run in a circle.
    BadData, FitFailed
        As `fitting.engine.fit`.
    """
    begin = time.perf_counter()
    problem = Problem.of(parts, ties)
    start, lower, upper = problem.table.start()
    check(problem, start, lower, upper)
    options = Options(lower, upper, max_evaluations, progress, cancel)
    end = descend(problem, start, options)
    if end.solution.status in ("iteration limit", "not finite"):
        end = second_try(problem, ties, end, options)
    return _result(problem, end, time.perf_counter() - begin)


def covariance_at(parts: Sequence[Part], ties: Mapping[str, str], results: Mapping[str, FitResult]) -> FloatArray:
    """Covariance of all parameters of regions that were fitted together, worked out again from their results.

    Parameters
    ----------
    parts : sequence of Part
        Their models are replaced by those of the results.
    ties : mapping
        As in the fit.
    results : mapping of key to FitResult

    Returns
    -------
    array, shape (k, k)
        Parameters of the parts one after another, each as its result orders them.
    """
    fitted = [replace(part, model=results[part.key].model) for part in parts]
    problem = Problem.of(fitted, ties)
    bound = {f"{part.key}/{name}" for part in parts for name in results[part.key].at_bound}
    held = np.array([name in bound for name in problem.table.free], dtype=bool)
    scales = np.array([results[part.key].scale for part in parts])
    return joint_covariance(problem, problem.table.start()[0], scales, held)[0]


# -- the result -------------------------------------------------------------------------------------------------------


def _result(problem: Problem, end: End, seconds: float) -> JointResult:
    found, table = end.solution, problem.table
    values = table.expand(found.x)[0]
    covariance, singular, rows, pearson = joint_covariance(problem, found.x, end.scales, found.at_bound)
    status = _status(found, singular)
    spent = spent_by_parts(rows, found.at_bound)
    at_bound = names_of(found.at_bound, table.free)
    statistics = _statistics(problem, found.x)
    results = {
        part.key: _part_result(problem, i, end, values, covariance, pearson[i], float(spent[i]), status, at_bound,
                               statistics[i], seconds)
        for i, part in enumerate(problem.parts)
    }
    return JointResult(
        results, table.names, frozen_array(covariance), table.free, found.cost, problem.n_data, len(table.free),
        found.evaluations, status, _message(problem, status, at_bound), seconds,
    )


def _statistics(problem: Problem, x: FloatArray) -> list[float]:
    """The statistic of every part as the fit of one region defines it."""
    found = []
    for i, (envelope, _) in enumerate(problem.envelopes(x)):
        noise, y = problem.noises[i], problem.evaluators[i].y
        if noise.kind == "poisson" and noise.read_noise == 0:
            residual = deviance_residuals(y, envelope, noise.gain or 1.0)[0]
        else:
            residual = (y - envelope) / np.sqrt(variance_of(noise, envelope, y))
        found.append(float(residual @ residual))
    return found


def _part_result(
    problem: Problem, i: int, end: End, values: FloatArray, covariance: FloatArray, pearson: float, spent: float,
    status: FitStatus, at_bound: Sequence[str], deviance: float, seconds: float,
) -> FitResult:
    part, evaluator, where = problem.parts[i], problem.evaluators[i], problem.table.slices[i]
    noise, n_data = part.spectrum.noise, int(evaluator.y.size)
    prefix = f"{part.key}/"
    own = tuple(name[len(prefix):] for name in problem.table.free if name.startswith(prefix)
                and "/" not in name[len(prefix):])
    bound = tuple(name for name in own if prefix + name in at_bound)
    aic, bic = information_criteria(deviance, n_data, len(own), known=noise.known)
    return FitResult(
        model=part.model.with_values(as_values(evaluator.names, values[where])),
        start=part.model,
        names=evaluator.names,
        covariance=covariance[where, where],
        free=own,
        at_bound=bound,
        statistic=_statistic(noise),
        deviance=deviance,
        n_data=n_data,
        n_free=len(own),
        reduced_chi2=pearson / max(n_data - spent, 1.0) if noise.known else 1.0,
        scale=float(end.scales[i]),
        aic=aic,
        bic=bic,
        noise=noise,
        status="at bound" if status == "at bound" and bound else "converged" if status == "at bound" else status,
        message=_part_message(problem, i, status, bound),
        evaluations=end.solution.evaluations,
        data_hash=part.spectrum.hash,
        seconds=seconds,
    )


def _statistic(noise: Noise) -> Statistic:
    if noise.kind == "poisson":
        return "chi2" if noise.read_noise > 0 else "poisson deviance"
    return "chi2" if noise.known else "least squares"


def _status(found: Solution, singular: bool) -> FitStatus:
    if found.status != "converged":
        return found.status  # type: ignore[return-value]
    return "singular" if singular else "at bound" if np.any(found.at_bound) else "converged"


_WORDS: dict[str, str] = {
    "converged": "The fit converged",
    "at bound": "The fit converged",
    "singular": "Some parameters cannot be told apart by these data: hold or link one of them",
    "not finite": "The model gave numbers that are not finite; its start values are too far off",
    "cancelled": "The fit was stopped; the best values so far are shown",
    "iteration limit": "The fit did not converge within the evaluation limit; the best values so far are shown",
}


def _part_message(problem: Problem, i: int, status: FitStatus, bound: Sequence[str]) -> str:
    others = [part.title for j, part in enumerate(problem.parts) if j != i]
    text = _WORDS[status] + (f", together with {', '.join(others)}" if others else "")
    if bound:
        stuck = ", ".join(spoken(problem.parts[i].model, name) for name in bound)
        return f"{text}, with {stuck} on a bound, without an error of its own."
    return f"{text}."


def _message(problem: Problem, status: FitStatus, at_bound: Sequence[str]) -> str:
    titles = {part.key: part for part in problem.parts}
    if status != "at bound":
        return f"{_WORDS[status]} ({', '.join(part.title for part in problem.parts)})."
    stuck = []
    for name in at_bound:
        there = place(name)
        stuck.append(f"{spoken(titles[there.key].model, there.name)} in {titles[there.key].title}")
    return f"The fit converged with {', '.join(stuck)} on a bound, without an error of its own."
