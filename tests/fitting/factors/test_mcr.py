"""Curve resolution of simulated depth profiles with known factors."""

import math
from itertools import pairwise

import numpy as np
import pytest

from fitting.factors.mcr import closure, lof_bound, poisson_scaling, purest_rows, resolve
from libraries.errors import BadData, NotDetermined

M, N, K = 160, 60, 4


def layers():
    """Profiles of layers that follow one another, and spectra with common and characteristic ions."""
    z = np.linspace(0, 1, M)
    edges = np.linspace(0, 1, K + 1)[1:-1]
    steps = [np.ones(M), *[1 / (1 + np.exp(-(z - e) / 0.015)) for e in edges], np.zeros(M)]
    c = np.array([a * (1 - b) for a, b in pairwise(steps)]).T
    rng = np.random.default_rng(1)
    s = rng.exponential(1.0, (K, N)) * (rng.random((K, N)) < 0.4)
    s[:, :5] += 2.0
    for i in range(K):
        s[i, 10 + 3 * i] += 12.0
    return c, s / s.sum(axis=1, keepdims=True)


TRUE_C, TRUE_S = layers()
YIELD = np.array([4e4, 1e4, 2e4, 8e3])
MEAN = (TRUE_C * YIELD) @ TRUE_S


def matched(found, truth):
    """For every true profile the largest correlation with a found one."""
    return np.max(np.corrcoef(truth.T, found.T)[: truth.shape[1], truth.shape[1]:], axis=1)


def test_scaled_noise_has_unit_variance():
    rng = np.random.default_rng(2)
    mean = np.outer(rng.uniform(20, 2000, 300), rng.dirichlet(np.ones(40)))
    scaling = poisson_scaling(rng.poisson(mean))
    noise = scaling.data - mean[np.ix_(scaling.rows, scaling.columns)] / scaling.row_root[:, None] / scaling.column_root
    assert np.var(noise) == pytest.approx(1.0, abs=0.05)
    assert scaling.noise == pytest.approx(1.0, abs=0.01)
    largest = np.linalg.svd(noise, compute_uv=False)[0]
    assert largest < 1.1 * (math.sqrt(300) + math.sqrt(40))  # Marchenko and Pastur


def test_empty_rows_and_columns_come_back_as_zeros():
    counts = np.random.default_rng(3).poisson(MEAN).astype(float)
    counts[7], counts[:, 3] = 0, 0
    found = resolve(counts, K)
    assert found.profiles.shape == (M, K)
    assert np.all(found.profiles[7] == 0)
    assert np.all(found.spectra[:, 3] == 0)
    scaling = poisson_scaling(counts)
    back = scaling.profiles(scaling.data) @ np.diag(scaling.column_root)
    np.testing.assert_allclose(back, counts[:, scaling.columns], atol=1e-9)


def test_layers_are_found_in_noisy_counts(measured):
    counts = np.random.default_rng(4).poisson(MEAN)
    found = resolve(counts, K)
    assert found.status == "converged"
    worst = float(matched(found.profiles, TRUE_C).min())
    measured("MCR of four simulated layers, least correlation of a profile", worst, "", ">= 0.99")
    measured("MCR of four simulated layers, chi2 per degree of freedom", found.chi2, "", "0.9 to 1.1")
    assert worst >= 0.99
    assert found.chi2 == pytest.approx(1.0, abs=0.1)
    assert resolve(counts, K - 1).chi2 > 2
    assert found.lof_bound <= found.lof <= 1.05 * found.lof_bound
    np.testing.assert_allclose(found.spectra.sum(axis=1), 1.0)
    assert found.profiles.min() >= 0
    assert found.spectra.min() >= 0
    np.testing.assert_allclose(found.profiles.sum(), counts.sum(), rtol=0.01)


def test_figures_of_merit_are_those_of_the_product():
    counts = np.random.default_rng(5).poisson(MEAN)
    found = resolve(counts, 3, scaled=False)
    rest = counts - found.profiles @ found.spectra
    lof = 100 * np.linalg.norm(rest) / np.linalg.norm(counts)
    assert found.lof == pytest.approx(lof, rel=1e-6)
    assert found.explained == pytest.approx(100 * (1 - np.sum(rest**2) / np.sum(counts.astype(float) ** 2)), rel=1e-9)
    assert math.isnan(found.chi2)
    s = np.linalg.svd(counts.astype(float), compute_uv=False)
    truncated = np.linalg.svd(counts.astype(float), full_matrices=False)
    product = truncated[0][:, :3] * s[:3] @ truncated[2][:3]
    assert lof_bound(s, 3) == pytest.approx(100 * np.linalg.norm(counts - product) / np.linalg.norm(counts), rel=1e-6)


def test_exact_steps_never_raise_the_lack_of_fit():
    counts = np.random.default_rng(6).poisson(MEAN)
    heard = []
    resolve(counts, K, progress=lambda _, text: heard.append(float(text.split()[3])))
    assert len(heard) > 2
    assert np.all(np.diff(heard) <= 1e-4)


def test_results_repeat():
    counts = np.random.default_rng(7).poisson(MEAN)
    one, two = resolve(counts, K), resolve(counts, K)
    np.testing.assert_array_equal(one.profiles, two.profiles)


def test_fixed_spectra_stay_and_start_spectra_are_used():
    counts = np.random.default_rng(8).poisson(MEAN)
    found = resolve(counts, K, fixed=TRUE_S[1:2] * 5)
    np.testing.assert_allclose(found.spectra[0], TRUE_S[1], rtol=1e-9, atol=1e-15)
    assert np.corrcoef(found.profiles[:, 0], TRUE_C[:, 1])[0, 1] > 0.995
    all_known = resolve(counts, K, fixed=TRUE_S)
    np.testing.assert_allclose(all_known.spectra, TRUE_S, rtol=1e-9, atol=1e-15)
    assert all_known.chi2 == pytest.approx(1.0, abs=0.1)
    begun = resolve(counts, K, start=TRUE_S + 1e-6)
    assert matched(begun.profiles, TRUE_C).min() > 0.995


def test_purest_rows_lie_in_different_layers():
    rows = purest_rows(MEAN, K)
    assert {int(np.argmax(TRUE_C[row])) for row in rows} == set(range(K))


def test_closure_finds_the_yields():
    closed, r = closure(TRUE_C * YIELD)
    np.testing.assert_allclose(1 / r, YIELD, rtol=1e-6)  # the steps themselves sum to 1 to 1e-7
    np.testing.assert_allclose(closed.sum(axis=1), 1.0, rtol=1e-6)
    # What only lies on top of layers that close already has no place in a sum of 1.
    with pytest.raises(NotDetermined, match="factor 3"):
        closure(np.column_stack([TRUE_C[:, :1], 1 - TRUE_C[:, :1] + 0.5 * TRUE_C[:, 1:2], TRUE_C[:, 1:2]]))


def test_more_factors_than_rank_are_refused():
    with pytest.raises(NotDetermined, match="rank 4"):
        resolve(MEAN, 5)
    with pytest.raises(NotDetermined):
        resolve(MEAN, 0)


def test_a_stop_returns_what_is_there():
    counts = np.random.default_rng(9).poisson(MEAN)
    found = resolve(counts, K, cancel=lambda: True)
    assert found.status == "cancelled"
    assert found.profiles.shape == (M, K)


@pytest.mark.parametrize("call", [
    lambda: resolve(np.zeros((5, 5)), 1),
    lambda: resolve(-MEAN, 2),
    lambda: resolve(MEAN * np.nan, 2),
    lambda: resolve(MEAN[0], 1),
    lambda: resolve(np.zeros((0, 5)), 1),
    lambda: resolve(MEAN, 2, fixed=np.ones((1, 3))),
    lambda: resolve(MEAN, 2, start=np.ones((3, N))),
    lambda: resolve(MEAN, 2, start=-np.ones((2, N))),
    lambda: purest_rows(MEAN, 0),
    lambda: purest_rows(np.zeros((4, 4)), 2),
])
def test_what_makes_no_sense_is_refused(call):
    with pytest.raises(BadData):
        call()
