"""Linear least squares within bounds, beside SciPy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import lsq_linear, nnls

from fitting.active_set import nearest, triangle


@pytest.mark.parametrize(("n", "k"), [(30, 6), (6, 6), (4, 7), (5, 0)])
def test_triangle_keeps_lengths_and_angles(n, k):
    rng = np.random.default_rng(n)
    matrix, vector = rng.standard_normal((n, k)), rng.standard_normal(n)
    factor, projected = triangle(matrix, vector)
    assert factor.shape == (min(n, k), k)
    np.testing.assert_allclose(factor.T @ factor, matrix.T @ matrix, atol=1e-12)
    np.testing.assert_allclose(factor.T @ projected, matrix.T @ vector, atol=1e-12)


@pytest.mark.parametrize("seed", range(200))
def test_the_same_minimum_as_scipy(seed):
    """Nearly parallel columns, bounds on none, one or both sides, some closed."""
    rng = np.random.default_rng(seed)
    k = int(rng.integers(1, 13))
    matrix = rng.standard_normal((25, k)) + rng.choice([0.0, 3.0]) * rng.standard_normal((25, 1))
    residual = rng.standard_normal(25) * 10.0
    low = np.where(rng.random(k) < 0.3, -np.inf, -rng.exponential(0.5, k) * (rng.random(k) < 0.7))
    high = np.where(rng.random(k) < 0.3, np.inf, rng.exponential(0.5, k) * (rng.random(k) < 0.9) + 1e-3)
    x, held = nearest(matrix, residual, low, high)
    assert np.all((low <= x) & (x <= high))
    assert np.all((x[held] == low[held]) | (x[held] == high[held]))
    reference = lsq_linear(matrix, -residual, (low, high), method="bvls", tol=1e-14)
    cost = 0.5 * np.sum((residual + matrix @ x) ** 2)
    assert cost <= reference.cost * (1 + 1e-10)


@pytest.mark.parametrize("seed", range(50))
def test_amounts_that_cannot_be_negative(seed):
    rng = np.random.default_rng(seed)
    matrix, data = rng.standard_normal((40, 8)), rng.standard_normal(40)
    x, _ = nearest(matrix, -data, np.zeros(8), np.full(8, np.inf))
    np.testing.assert_allclose(x, nnls(matrix, data)[0], atol=1e-12)


def test_closed_bounds_hold():
    x, held = nearest(np.eye(2), np.array([-1.0, -1.0]), np.zeros(2), np.array([0.0, 5.0]))
    assert x.tolist() == [0.0, 1.0]
    assert held.tolist() == [True, False]
