"""Depth responses against the convolutions they stand for."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from fitting.sims.response import (
    dowsett_response,
    dowsett_step,
    gauss_response,
    gauss_step,
    mri_response,
    mri_step,
)
from libraries.errors import BadModel

# w, lambda, sigma in nm: SIMS, mixing only, AES-like, smooth, rough
MRI = [(2.0, 0.4, 1.0), (2.0, 0.0, 1.0), (1.0, 2.0, 0.5), (0.5, 0.3, 3.0), (3.0, 0.01, 0.3), (0.0, 1.5, 1.0)]
# up, down, sigma
DOWSETT = [(0.8, 2.5, 1.0), (0.0, 2.0, 1.5), (2.0, 0.0, 0.5), (0.1, 8.0, 0.7), (1.0, 1.0, 4.0), (0.0, 0.0, 1.0)]


def gaussian(x, sigma):
    return math.exp(-0.5 * (x / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))


def piecewise(x, w, lam):
    """Hofmann's response without roughness."""
    mixed = 1.0 if lam == 0 else -math.expm1(-w / lam)
    if x >= -w:
        return mixed / w * math.exp(-(x + w) / w) if w > 0 else 0.0
    return math.exp(x / lam) / lam if lam > 0 else 0.0


def convolved(function, z, sigma, edge):
    low, high = z - 9 * sigma, z + 9 * sigma
    parts = [low, *([edge] if low < edge < high else []), high]
    return sum(quad(lambda x: function(x) * gaussian(z - x, sigma), a, b, epsabs=1e-12, limit=200)[0]
               for a, b in itertools.pairwise(parts))


@pytest.mark.parametrize(("w", "lam", "sigma"), MRI)
def test_mri_is_its_piecewise_response_convolved_with_the_gaussian(w, lam, sigma, measured):
    z = np.linspace(-6 * sigma - 5 * lam - w, 6 * sigma + 5 * w, 41)
    found = mri_response(z, w, lam, sigma)
    truth = np.array([convolved(lambda x: piecewise(x, w, lam), a, sigma, -w) for a in z])
    worst = float(np.max(np.abs(found - truth)) / np.max(truth))
    measured(f"MRI w {w}, lambda {lam}, sigma {sigma} against its convolution", worst, "of maximum", "<= 1e-4")
    assert worst <= 1e-8


@pytest.mark.parametrize(("up", "down", "sigma"), [row for row in DOWSETT if row[0] + row[1] > 0])
def test_dowsett_is_its_exponentials_convolved_with_the_gaussian(up, down, sigma, measured):
    def joined(x):
        length = up if x < 0 else down
        return math.exp(-abs(x) / length) / (up + down) if length > 0 else 0.0

    z = np.linspace(-6 * sigma - 6 * up, 6 * sigma + 6 * down, 41)
    found = dowsett_response(z, up, down, sigma)
    truth = np.array([convolved(joined, a, sigma, 0.0) for a in z])
    worst = float(np.max(np.abs(found - truth)) / np.max(truth))
    measured(f"Dowsett up {up}, down {down}, sigma {sigma} against its convolution", worst, "of maximum", "<= 1e-4")
    assert worst <= 1e-8


CASES = (
    [(mri_response, mri_step, row) for row in MRI]
    + [(dowsett_response, dowsett_step, row) for row in DOWSETT]
    + [(gauss_response, gauss_step, (1.7,))]
)


@pytest.mark.parametrize(("response", "step", "lengths"), CASES)
def test_area_step_and_limits(response, step, lengths):
    reach = 12 * max(lengths) + 15
    z = np.linspace(-reach, reach, 40001)
    y = response(z, *lengths)
    assert np.all(y >= 0)
    assert np.trapezoid(y, z) == pytest.approx(1.0, abs=2e-5)
    s = step(z, *lengths)
    running = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(z))])
    np.testing.assert_allclose(s, running + s[0], atol=2e-5)
    assert np.all(np.diff(s) >= -1e-12)
    assert s[0] == pytest.approx(0.0, abs=1e-5)
    assert s[-1] == pytest.approx(1.0, abs=2e-5)


@pytest.mark.parametrize(("up", "down", "sigma"), DOWSETT)
def test_moments_of_dowsett(up, down, sigma):
    z = np.linspace(-250, 250, 200001)
    y = dowsett_response(z, up, down, sigma)
    mean = np.trapezoid(z * y, z)
    assert mean == pytest.approx(down - up, abs=1e-6)
    assert np.trapezoid((z - mean) ** 2 * y, z) == pytest.approx(sigma**2 + up**2 + down**2, rel=1e-6)


def test_mixing_drags_into_the_depth():
    z = np.linspace(-10, 20, 3001)
    tail = mri_response(z, 2.0, 0.3, 0.5)
    peak = z[np.argmax(tail)]
    assert tail[np.searchsorted(z, peak + 4)] > 100 * tail[np.searchsorted(z, peak - 4)]
    # Far in, mixing decays as e^(-z/w), and Dowsett's fall as e^(-z/down).
    assert math.log(mri_response(12.0, 2.0, 0.3, 0.5) / mri_response(14.0, 2.0, 0.3, 0.5)) == pytest.approx(1.0)
    assert math.log(dowsett_response(12.0, 0.5, 2.0, 0.5) / dowsett_response(14.0, 0.5, 2.0, 0.5)) == pytest.approx(1.0)


def test_limits_of_vanishing_lengths():
    z = np.linspace(-8, 12, 201)
    np.testing.assert_allclose(mri_response(z, 2.0, 1e-9, 1.0), mri_response(z, 2.0, 0.0, 1.0), atol=1e-8)
    np.testing.assert_allclose(mri_step(z, 1e-9, 1e-9, 1.0), gauss_step(z, 1.0), atol=1e-8)
    np.testing.assert_allclose(dowsett_response(z, 1e-9, 2.0, 1.0), dowsett_response(z, 0.0, 2.0, 1.0), atol=1e-8)
    np.testing.assert_allclose(dowsett_step(z, 0.0, 0.0, 1.0), gauss_step(z, 1.0))


LENGTH = st.floats(0.0, 50.0)


@given(st.floats(-1e4, 1e4), LENGTH, LENGTH, st.floats(1e-3, 50.0))
def test_nothing_overflows(z, first, second, sigma):
    for function in (mri_response, dowsett_response):
        assert 0 <= function(z, first, second, sigma) < 1.0 / sigma
    for function in (mri_step, dowsett_step):
        assert -1e-9 <= function(z, first, second, sigma) <= 1 + 1e-9


@pytest.mark.parametrize("call", [
    lambda: mri_response(0.0, 1.0, 1.0, 0.0), lambda: mri_step(0.0, -1.0, 1.0, 1.0),
    lambda: dowsett_response(0.0, 1.0, math.nan, 1.0), lambda: dowsett_step(0.0, 1.0, math.inf, 1.0),
    lambda: gauss_step(0.0, -1.0), lambda: gauss_response(0.0, 0.0),
])
def test_impossible_lengths_are_refused(call):
    with pytest.raises(BadModel):
        call()
