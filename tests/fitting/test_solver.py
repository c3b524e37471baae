"""The minimiser: bounds, stopping, and the same minimum as SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.engine import fit
from fitting.solver import minimise
from libraries.errors import BadModel
from tests.fitting.problems import random_problem, scipy_minimum

FREE = (np.full(2, -np.inf), np.full(2, np.inf))
T = np.linspace(0.0, 1.0, 5)


def line(x):
    return x[0] + x[1] * T - (3.0 + 2.0 * T), np.stack([np.ones(5), T])


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), np.array([[-20 * x[0], -1.0], [10.0, 0.0]])


def test_a_line_is_met_exactly():
    found = minimise(line, np.zeros(2), *FREE)
    np.testing.assert_allclose(found.x, [3.0, 2.0], rtol=1e-9)
    assert found.status == "converged"
    assert found.cost < 1e-18
    assert not found.at_bound.any()


def test_a_curved_valley():
    found = minimise(rosenbrock, np.array([-1.2, 1.0]), *FREE)
    np.testing.assert_allclose(found.x, [1.0, 1.0], rtol=1e-9)
    assert found.evaluations < 60


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0])
def test_a_bound_is_met_exactly_from_anywhere(start):
    found = minimise(line, np.array([0.5, start]), np.array([-np.inf, 0.0]), np.array([np.inf, 1.0]))
    assert found.x[1] == 1.0
    assert found.x[0] == pytest.approx(3.5, rel=1e-7)
    assert found.at_bound.tolist() == [False, True]
    inside = minimise(line, np.array([0.5, 5.0 * start]), np.array([-np.inf, 0.0]), np.array([np.inf, 5.0]))
    np.testing.assert_allclose(inside.x, [3.0, 2.0], rtol=1e-7)
    assert not inside.at_bound.any()


def test_equal_bounds_hold_a_parameter():
    found = minimise(line, np.array([1.0, 0.0]), np.array([1.0, -np.inf]), np.array([1.0, np.inf]))
    assert found.x[0] == 1.0
    assert found.at_bound.tolist() == [True, False]
    assert minimise(line, np.ones(2), np.ones(2), np.ones(2)).status == "converged"


def test_a_start_outside_is_an_error():
    with pytest.raises(BadModel, match="outside"):
        minimise(line, np.array([5.0, 0.0]), np.zeros(2), np.ones(2))


def test_an_edge_of_the_model_is_gone_round():
    """log(x) has no value below zero; the first step would go there."""

    def function(x):
        with np.errstate(invalid="ignore"):
            return np.log(x) - np.log(0.01), (1 / x)[:, None]

    found = minimise(function, np.array([1.0]), np.array([-np.inf]), np.array([np.inf]))
    assert found.status == "converged"
    assert found.x[0] == pytest.approx(0.01, rel=1e-9)


def test_not_finite_at_the_start_and_at_an_edge():
    nowhere = minimise(lambda x: (x * np.nan, np.ones((1, 1))), np.ones(1), np.zeros(1), np.full(1, 9.0))
    assert (nowhere.status, nowhere.x[0]) == ("not finite", 1.0)
    bounds = np.full(1, -9.0), np.full(1, 9.0)
    edge = minimise(lambda x: (x + 1 if x[0] >= 1 else x * np.nan, np.ones((1, 1))), np.ones(1), *bounds)
    assert (edge.status, edge.x[0]) == ("not finite", 1.0)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_cancelled_keeps_the_best(k):
    calls = iter(range(100))
    found = minimise(rosenbrock, np.array([-1.2, 1.0]), *FREE, cancel=lambda: next(calls) >= k)
    assert (found.status, found.evaluations) == ("cancelled", k)
    assert found.cost <= 24.2001 if k else np.isnan(found.cost)


def test_iteration_limit_and_progress():
    seen = []
    found = minimise(
        rosenbrock, np.array([-1.2, 1.0]), *FREE, max_evaluations=12, progress=lambda f, t: seen.append((f, t))
    )
    assert (found.status, found.evaluations) == ("iteration limit", 12)
    assert [text for _, text in seen] == ["1 evaluations", "6 evaluations", "11 evaluations"]
    assert all(0 < f < 1 for f, _ in seen)


def compare(seeds) -> tuple[float, float]:
    """Share of random problems whose minimum is SciPy's or lower, and the median number of evaluations."""
    good, evaluations = 0, []
    for seed in seeds:
        spectrum, model = random_problem(seed)
        result = fit(spectrum, model)
        evaluations.append(result.evaluations)
        good += result.success and result.deviance <= scipy_minimum(spectrum, model) * (1 + 1e-6)
    return good / len(seeds), float(np.median(evaluations))


def test_random_bounded_and_linked_models_reach_the_minimum_of_scipy(measured):
    share, evaluations = compare(range(100))
    measured("random models that reach SciPy's minimum (1e-6)", share, limit=">= 0.99")
    measured("evaluations of a fit, median", evaluations)
    assert share >= 0.99


@pytest.mark.full
def test_many_random_models_reach_the_minimum_of_scipy(measured):
    share, _ = compare(range(100, 600))
    measured("500 random models that reach SciPy's minimum (1e-6)", share, limit=">= 0.99")
    assert share >= 0.99
