"""Covariances at the end of a descent: exact where they exist, never an overflow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fitting.dataset import Noise
from fitting.sims.interface import fit_interface
from fitting.solution import Solution
from libraries.errors import SodaliteError


def ended(jacobian, at_bound=None):
    k = jacobian.shape[1]
    return Solution(np.zeros(k), 1.0, "converged", 1, np.zeros(k, bool) if at_bound is None else at_bound,
                    jacobian.shape[0], np.linalg.qr(jacobian, mode="r"))


def test_covariance_is_the_inverse_of_the_information():
    rng = np.random.default_rng(0)
    jacobian = rng.standard_normal((30, 4)) * [1e-60, 1.0, 1e5, 1e80]
    scale = np.array([1e-60, 1.0, 1e5, 1e80])
    exact = np.linalg.inv((jacobian / scale).T @ (jacobian / scale)) / scale[:, None] / scale
    np.testing.assert_allclose(ended(jacobian).covariance, exact, rtol=1e-9)
    assert ended(jacobian).verdict == "converged"


@pytest.mark.parametrize("size", [0.0, 1e-320, 1e-200, 1e-160])
def test_a_parameter_that_is_hardly_felt_is_not_determined(size):
    """Its variance would be above 1e308: an overflow was seen here."""
    jacobian = np.random.default_rng(1).standard_normal((20, 3))
    jacobian[:, 1] *= size
    found = ended(jacobian)
    assert np.isnan(found.covariance[1, 1])
    assert np.isfinite(found.covariance[np.ix_([0, 2], [0, 2])]).all()
    assert found.verdict == "singular"
    assert np.isnan(found.errors()[1])


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(1, 6))
@settings(max_examples=200, deadline=None, derandomize=True)
def test_no_jacobian_overflows(seed, rows, columns):
    rng = np.random.default_rng(seed)
    jacobian = rng.standard_normal((rows, columns)) * 10.0 ** rng.uniform(-300, 100, columns)
    if rng.random() < 0.3:
        jacobian[:, 0] = jacobian[:, -1] * 3.0
    found = ended(jacobian, rng.random(columns) < 0.2)
    assert found.covariance.shape == (columns, columns)
    variances = np.diag(found.covariance)
    assert np.all(np.isnan(variances) | (variances >= 0))


@pytest.mark.parametrize("cases", [30, pytest.param(400, marks=pytest.mark.full)])
def test_fits_of_random_profiles_give_numbers_or_say_why_not(cases):
    """Random counts without any step; warnings are errors."""
    rng, z, ended_well = np.random.default_rng(4), np.arange(40.0), 0
    for i in range(cases):
        y = rng.poisson(rng.exponential(3.0) * rng.random(40) ** rng.integers(1, 9)).astype(float)
        try:
            y = np.sort(y) if i % 2 else y
            found = fit_interface(z, y, ("erf", "mri", "dowsett")[i % 3], Noise("poisson", 1.0))
        except SodaliteError:
            continue
        ended_well += 1
        assert np.all(np.isfinite(found.values))
    assert ended_well > cases // 4
