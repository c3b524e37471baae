"""The minimiser: bounds, stopping, and the same minimum as SciPy."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.engine import fit, minimise
from fitting.solver import minimise_joint
from libraries.errors import BadModel
from tests.fitting.problems import random_problem, scipy_minimum

FREE = (np.full(2, -np.inf), np.full(2, np.inf))
T = np.linspace(0.0, 1.0, 5)


def line(x):
    return x[0] + x[1] * T - (3.0 + 2.0 * T), np.stack([np.ones(5), T])


def rosenbrock(x):
    return np.array([10 * (x[1] - x[0] ** 2), 1 - x[0]]), np.array([[-20 * x[0], -1.0], [10.0, 0.0]])


def test_a_line_is_met_exactly():
    found = minimise_joint(line, np.zeros(2), *FREE)
    np.testing.assert_allclose(found.x, [3.0, 2.0], rtol=1e-9)
    assert found.status == "converged"
    assert found.cost < 1e-18
    assert not found.at_bound.any()


def test_a_curved_valley():
    found = minimise_joint(rosenbrock, np.array([-1.2, 1.0]), *FREE)
    np.testing.assert_allclose(found.x, [1.0, 1.0], rtol=1e-9)
    assert found.evaluations < 60


@pytest.mark.parametrize("start", [0.0, 0.5, 1.0])
def test_a_bound_is_met_exactly_from_anywhere(start):
    found = minimise_joint(line, np.array([0.5, start]), np.array([-np.inf, 0.0]), np.array([np.inf, 1.0]))
    assert found.x[1] == 1.0
    assert found.x[0] == pytest.approx(3.5, rel=1e-7)
    assert found.at_bound.tolist() == [False, True]
    inside = minimise_joint(line, np.array([0.5, 5.0 * start]), np.array([-np.inf, 0.0]), np.array([np.inf, 5.0]))
    np.testing.assert_allclose(inside.x, [3.0, 2.0], rtol=1e-7)
    assert not inside.at_bound.any()


def test_equal_bounds_hold_a_parameter():
    found = minimise_joint(line, np.array([1.0, 0.0]), np.array([1.0, -np.inf]), np.array([1.0, np.inf]))
    assert found.x[0] == 1.0
    assert found.at_bound.tolist() == [True, False]
    assert minimise_joint(line, np.ones(2), np.ones(2), np.ones(2)).status == "converged"


def test_a_start_outside_is_an_error():
    with pytest.raises(BadModel, match="outside"):
        minimise_joint(line, np.array([5.0, 0.0]), np.zeros(2), np.ones(2))


def test_an_edge_of_the_model_is_gone_round():
    """log(x) has no value below zero; the first step would go there."""

    def function(x):
        with np.errstate(invalid="ignore"):
            return np.log(x) - np.log(0.01), (1 / x)[:, None]

    found = minimise_joint(function, np.array([1.0]), np.array([-np.inf]), np.array([np.inf]))
    assert found.status == "converged"
    assert found.x[0] == pytest.approx(0.01, rel=1e-9)


def test_not_finite_at_the_start_and_at_an_edge():
    nowhere = minimise_joint(lambda x: (x * np.nan, np.ones((1, 1))), np.ones(1), np.zeros(1), np.full(1, 9.0))
    assert (nowhere.status, nowhere.x[0]) == ("not finite", 1.0)
    bounds = np.full(1, -9.0), np.full(1, 9.0)
    edge = minimise_joint(lambda x: (x + 1 if x[0] >= 1 else x * np.nan, np.ones((1, 1))), np.ones(1), *bounds)
    assert (edge.status, edge.x[0]) == ("not finite", 1.0)


@pytest.mark.parametrize("k", [0, 1, 3])
def test_cancelled_keeps_the_best(k):
    calls = iter(range(100))
    found = minimise_joint(rosenbrock, np.array([-1.2, 1.0]), *FREE, cancel=lambda: next(calls) >= k)
    assert (found.status, found.evaluations) == ("cancelled", k)
    assert found.cost <= 24.2001 if k else np.isnan(found.cost)


def test_iteration_limit_and_progress():
    seen = []
    found = minimise_joint(
        rosenbrock, np.array([-1.2, 1.0]), *FREE, max_evaluations=12, progress=lambda f, t: seen.append((f, t))
    )
    assert (found.status, found.evaluations) == ("iteration limit", 12)
    assert [text for _, text in seen] == ["1 evaluations", "6 evaluations", "11 evaluations"]
    assert all(0 < f < 1 for f, _ in seen)


def cubic(x):
    return x[0] + x[1] * T + x[2] * T**2 - np.exp(T)


def powers(x):
    return np.stack([np.ones(5), T, T**2], axis=1)


def test_covariance_and_errors_of_a_straight_problem():
    """Against the normal equations, which are well conditioned here."""
    found = minimise(cubic, powers, [0.0, 0.0, 0.0])
    matrix = powers(found.x)
    np.testing.assert_allclose(found.covariance, np.linalg.inv(matrix.T @ matrix), rtol=1e-9)
    assert (found.verdict, found.n_data, found.dof) == ("converged", 5, 2)
    np.testing.assert_allclose(found.errors(scaled=False), np.sqrt(np.diag(found.covariance)))
    np.testing.assert_allclose(found.errors(), np.sqrt(np.diag(found.covariance) * found.cost / 2))
    again = minimise(cubic, None, np.zeros(3))
    np.testing.assert_allclose(again.x, found.x, rtol=1e-7)


def test_a_parameter_on_a_bound_has_no_error_and_is_no_degree_of_freedom():
    found = minimise(cubic, powers, [0.0, 0.0, 0.0], [-9.0, -9.0, -9.0], [9.0, 9.0, 0.5])
    assert (found.verdict, found.dof, found.x[2]) == ("at bound", 3, 0.5)
    assert np.isnan(found.errors()).tolist() == [False, False, True]
    free = powers(found.x)[:, :2]
    np.testing.assert_allclose(found.covariance[:2, :2], np.linalg.inv(free.T @ free), rtol=1e-9)


@pytest.mark.parametrize(("column", "lost"), [(T, [False, True, True]), (np.zeros(5), [False, False, True])])
def test_parameters_that_cannot_be_told_apart(column, lost):
    """The third column repeats the second, or is not felt."""

    def jacobian(x):
        return np.stack([np.ones(5), T, column], axis=1)

    found = minimise(lambda x: jacobian(x) @ x - np.exp(T), jacobian, [0.0, 0.0, 0.0])
    assert found.verdict == "singular"
    assert np.isnan(found.errors()).tolist() == lost
    fit_, *_ = np.linalg.lstsq(np.stack([np.ones(5), T], axis=1), np.exp(T), rcond=None)
    np.testing.assert_allclose(found.x[0], fit_[0], rtol=1e-7)


def test_fewer_residuals_than_parameters():
    found = minimise(lambda x: np.array([x[0] + x[1] - 3.0]), lambda x: np.ones((1, 2)), [0.0, 0.0])
    assert found.verdict == "singular"
    assert found.x.sum() == pytest.approx(3.0)
    assert found.dof == -1
    assert np.all(np.isnan(found.errors()))


def test_nothing_to_minimise_is_its_own_minimum():
    found = minimise_joint(lambda x: (np.ones(4), np.empty((0, 4))), np.empty(0), np.empty(0), np.empty(0))
    assert (found.status, found.cost, found.dof) == ("converged", 4.0, 4)
    assert found.covariance.shape == (0, 0)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ({"start": []}, "shape"),
        ({"start": [[1.0, 2.0, 3.0]]}, "shape"),
        ({"start": [1.0, np.nan, 0.0]}, "not finite"),
        ({"start": [0, 0, 0], "lower": [0, 0, 1], "upper": [1, 1, 0.5]}, "cross"),
        ({"start": [0, 0, 5], "upper": [1, 1, 1]}, "outside its bounds"),
        ({"start": [0, 0, 0], "lower": [0, 0]}, r"lower bounds have the shape \(2,\)"),
        ({"start": [0, 0, 0], "upper": [1, 1, np.nan]}, "not a number"),
        ({"start": [0, 0, 0], "jacobian": lambda x: powers(x).T}, r"\(3, 5\) instead of \(5, 3\)"),
        ({"start": [0, 0, 0], "residual": lambda x: powers(x)}, r"\(5, 3\) instead of \(n,\)"),
    ],
)
def test_wrong_input_is_named(call, text):
    with pytest.raises(BadModel, match=text):
        minimise(**({"residual": cubic, "jacobian": powers} | call))


def test_a_start_without_a_value():
    assert minimise(lambda x: np.full(3, np.nan), None, [1.0]).verdict == "not finite"


@pytest.mark.parametrize("lower", [0.0, 2.0])
def test_differences_stay_inside_the_bounds(lower):
    """sqrt has no value below zero; the start lies on the bound, and so may the minimum."""
    places = []

    def residual(x):
        places.append(x[0])
        return np.sqrt(x[0] + 1e-3) * np.arange(1.0, 4.0) - np.arange(1.0, 4.0)

    found = minimise(residual, None, [lower], [lower], [9.0])
    assert found.x[0] == pytest.approx(max(1.0 - 1e-3, lower), rel=1e-9)
    assert min(places) >= lower


def test_differences_can_be_cancelled():
    calls = []

    def residual(x):
        calls.append(0)
        return x - np.arange(50.0)

    found = minimise(residual, None, np.zeros(50), cancel=lambda: len(calls) > 20)
    assert (found.verdict, len(calls)) == ("cancelled", 21)


def test_a_wild_first_step_is_taken_back():
    """BoxBOD of NIST: from the first start the full step leads where the rate is no longer felt."""
    t = np.array([1.0, 2.0, 3.0, 5.0, 7.0, 10.0])
    y = np.array([109.0, 149.0, 149.0, 191.0, 213.0, 224.0])

    def function(x):
        with np.errstate(over="ignore"):
            decay = np.exp(-x[1] * t)
        return y - x[0] * (1 - decay), -np.stack([1 - decay, x[0] * t * decay])

    found = minimise_joint(function, np.array([1.0, 1.0]), *FREE)
    np.testing.assert_allclose(found.x, [213.80940889, 0.54723748542], rtol=1e-4)


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
