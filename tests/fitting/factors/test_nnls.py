"""Non-negative least squares against SciPy and against the conditions of a minimum."""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import nnls as reference

from fitting.factors import nnls as module
from fitting.factors.nnls import nnls
from libraries.errors import BadData


def conditioned(n, k, condition, rng):
    u = np.linalg.qr(rng.normal(size=(n, k)))[0]
    v = np.linalg.qr(rng.normal(size=(k, k)))[0]
    return u * np.geomspace(1.0, 1.0 / condition, k) @ v


CASES = [(30, 1), (30, 3), (60, 5), (60, 8), (80, 12), (60, 20), (5, 5)]


@pytest.mark.parametrize(("n", "k"), CASES)
@pytest.mark.parametrize("condition", [None, 1e3])
def test_equal_to_scipy(n, k, condition, measured):
    rng = np.random.default_rng(n + k)
    a = rng.random((n, k)) if condition is None else conditioned(n, k, condition, rng)
    b = a @ (rng.normal(size=(k, 120)) + 0.3) + 0.1 * rng.normal(size=(n, 120))
    found = nnls(a, b)
    truth = np.array([reference(a, column)[0] for column in b.T]).T
    worst = float(np.max(np.abs(found - truth)) / np.max(truth, initial=1.0))
    measured(f"NNLS of {k} unknowns against SciPy, condition {condition or 'of random numbers'}", worst, "", "<= 1e-9")
    assert worst <= 1e-9
    assert np.count_nonzero(found == 0) > 0 or k == 1


def test_as_small_as_scipys_for_ill_conditioned_spectra():
    # Nearly parallel columns of counts; the condition number is about 1e6.
    rng = np.random.default_rng(2)
    a = conditioned(100, 6, 1e6, rng)
    b = rng.poisson(50.0, (100, 200)).astype(float)
    found = nnls(a, b)
    for i in range(200):
        x, rest = reference(a, b[:, i])
        assert np.linalg.norm(a @ found[:, i] - b[:, i]) <= rest * (1 + 1e-12)
        np.testing.assert_array_equal(found[:, i] > 0, x > 0)


@given(st.integers(1, 9), st.integers(0, 30), st.integers(0, 2**32 - 1), st.booleans())
def test_the_conditions_of_a_minimum_hold(k, more, seed, integers):
    rng = np.random.default_rng(seed)
    a = rng.random((k + more, k)) + 1e-3 * np.eye(k + more, k)
    if np.linalg.cond(a) > 1e7:
        return
    b = rng.poisson(2.0, (k + more, 40)) if integers else rng.normal(size=(k + more, 40))
    x = nnls(a, b)
    assert np.all(x >= 0)
    gradient = a.T @ (a @ x - b)
    scale = np.linalg.norm(a) * np.linalg.norm(b, axis=0) + 1e-30
    assert np.all(gradient >= -1e-10 * scale)
    assert np.all(np.abs(gradient[x > 0]) <= 1e-10 * np.broadcast_to(scale, x.shape)[x > 0])


def test_one_target_and_chunks_and_types(monkeypatch):
    rng = np.random.default_rng(1)
    a, b = rng.random((20, 4)), rng.poisson(9.0, (20, 1000)).astype(np.uint16)
    whole = nnls(a, b)
    monkeypatch.setattr(module, "_CHUNK", 64)
    np.testing.assert_allclose(nnls(a, b), whole, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(nnls(a, b[:, 7]), whole[:, 7], rtol=1e-12, atol=1e-14)
    assert nnls(a, b[:, :0]).shape == (4, 0)


@pytest.mark.parametrize("k", [4, 9])
def test_a_start_changes_nothing(k):
    rng = np.random.default_rng(k)
    a, b = rng.random((30, k)), rng.normal(size=(30, 300)) + 0.3
    truth = nnls(a, b)
    for start in (truth, np.zeros_like(truth), rng.normal(size=truth.shape), 1.0 - np.sign(truth)):
        np.testing.assert_allclose(nnls(a, b, start=start), truth, rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(nnls(a, b[:, 0], start=truth[:, 0]), truth[:, 0], rtol=1e-9, atol=1e-13)
    with pytest.raises(BadData, match="start"):
        nnls(a, b, start=truth[:, 1:])


def test_columns_of_very_different_size():
    rng = np.random.default_rng(8)
    size = np.array([1e-9, 1.0, 1e9])
    a, b = rng.random((30, 3)), rng.normal(size=(30, 50)) + 0.5
    np.testing.assert_allclose(nnls(a * size, b) * size[:, None], nnls(a, b), rtol=1e-10, atol=1e-14)


def test_ties_end():
    # Orthogonal columns and targets of zeros: gradients are zero everywhere, nothing may go to and fro.
    a = np.eye(12)[:, :6]
    np.testing.assert_array_equal(nnls(a, np.zeros((12, 9))), 0.0)
    b = np.zeros((12, 3))
    b[0], b[1] = 2.0, -1.0
    np.testing.assert_allclose(nnls(a, b)[:, 0], [2.0, 0, 0, 0, 0, 0], atol=1e-15)


@pytest.mark.parametrize(("a", "b", "words"), [
    (np.ones((5, 2)), np.ones((5, 3)), "depend"),
    (np.ones((5, 2)) * [1, 0], np.ones((5, 3)), "empty"),
    (np.ones((2, 3)), np.ones((2, 3)), "unknowns"),
    (np.ones((5, 2)), np.ones((4, 3)), "fit together"),
    (np.ones(5), np.ones(5), "fit together"),
    (np.full((5, 1), np.nan), np.ones((5, 3)), "not finite"),
    (np.ones((5, 1)), np.full((5, 3), np.inf), "not finite"),
    (np.eye(70), np.ones((70, 1)), "too many"),
])
def test_what_cannot_be_solved_is_refused(a, b, words):
    with np.errstate(invalid="ignore"), pytest.raises(BadData, match=words):
        nnls(a, b)


@pytest.mark.parametrize("m", [20_000, pytest.param(1_000_000, marks=pytest.mark.full)])
def test_faster_than_one_by_one(m, measured):
    rng = np.random.default_rng(3)
    a = rng.random((60, 5)) ** 3
    b = rng.poisson(a @ rng.exponential(1.0, (5, m)) * (rng.random((1, m)) < 0.7)).astype(np.uint8)
    begin = time.perf_counter()
    nnls(a, b)
    ours = (time.perf_counter() - begin) / m
    few = b[:, :2000].astype(float)
    begin = time.perf_counter()
    for column in few.T:
        reference(a, column)
    theirs = (time.perf_counter() - begin) / 2000
    measured(f"NNLS, {m} voxels of 60 ions and 5 factors a second", 1 / ours, "1/s")
    measured(f"NNLS, {m} voxels: times SciPy's speed", theirs / ours, "", ">= 3")
    assert theirs / ours >= 3
