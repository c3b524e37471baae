"""Random models with links and bounds: the minimum of lmfit, from the same start, or a better one."""

from __future__ import annotations

from dataclasses import dataclass

import lmfit
import numpy as np
import pytest

from fitting.engine import fit, objective
from fitting.evaluate import Evaluator
from libraries.errors import BadModel
from tests.fitting.problems import random_model

SAME = 1e-6  # relative difference of two sums of squares that are one minimum
LMFIT_EVALUATIONS = 1500  # where lmfit still creeps along a bound after so many, what it has counts
STARTS = 12


@dataclass(frozen=True)
class Case:
    """One random model: sums of squares of both, and why ours ended."""

    seed: int
    ours: float
    theirs: float
    status: str
    evaluations: int

    @property
    def reached(self) -> bool:
        return self.ours <= self.theirs * (1 + SAME)

    @property
    def row(self) -> str:
        return f"model {self.seed}: {self.ours:.6g} against {self.theirs:.6g} ({self.status})"


def lmfit_minimum(spectrum, model) -> float:
    """lmfit's default (MINPACK, its own bounds, Jacobian by differences); links are solved inside the residual."""
    evaluator = Evaluator(spectrum, model)
    start, lower, upper = evaluator.parameters.start(model)
    function = objective(evaluator, spectrum.noise)
    parameters = lmfit.Parameters()
    for i, (value, low, high) in enumerate(zip(start, lower, upper, strict=True)):
        parameters.add(f"x{i}", value=value, min=low, max=high)
    best = np.inf

    def residual(values):
        nonlocal best
        try:
            result = function(np.array([values[f"x{i}"].value for i in range(start.size)]))[0]
        except BadModel:
            return np.full(evaluator.y.size, 1e10)
        if not np.all(np.isfinite(result)):
            return np.full(evaluator.y.size, 1e10)
        best = min(best, float(result @ result))
        return result

    with np.errstate(all="ignore"):
        lmfit.minimize(residual, parameters, max_nfev=LMFIT_EVALUATIONS, calc_covar=False)
    return best


def case(seed: int) -> Case:
    spectrum, model = random_model(seed)
    result = fit(spectrum, model)
    return Case(seed, result.deviance, lmfit_minimum(spectrum, model), result.status, result.evaluations)


def rest(cases: list[Case]) -> list[str]:
    """The models whose better minimum is not found from several starts either."""
    left = []
    for one in cases:
        if not one.reached:
            again = fit(*random_model(one.seed), starts=STARTS)
            if not again.deviance <= one.theirs * (1 + SAME):
                left.append(f"{one.row}, from {STARTS} starts {again.deviance:.6g}")
    return left


def check(seeds, measured) -> None:
    cases = [case(seed) for seed in seeds]
    share = float(np.mean([one.reached for one in cases]))
    worse = [one.row for one in cases if not one.reached]
    better = float(np.mean([one.ours < one.theirs * (1 - SAME) for one in cases]))
    left = rest(cases)
    measured(f"{len(cases)} random models that reach lmfit's minimum (1e-6) or a better one", share, limit=">= 0.99")
    measured(f"{len(cases)} random models with a better minimum than lmfit's", better)
    measured(f"{len(cases)} random models, those that miss lmfit's minimum", "; ".join(worse) or "none")
    measured(f"{len(cases)} random models, those that miss it from {STARTS} starts too", len(left), limit="0")
    assert share >= 0.99, worse
    assert not left


def test_random_models_reach_the_minimum_of_lmfit(measured):
    check(range(40), measured)


@pytest.mark.full
def test_500_random_models_reach_the_minimum_of_lmfit(measured):
    check(range(500), measured)
