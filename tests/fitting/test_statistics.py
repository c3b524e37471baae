"""Deviance, variance, information criteria, noise estimated from data."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.dataset import Axis, Noise, Spectrum
from fitting.statistics import (
    correlation_factor,
    deviance_residuals,
    estimate_noise,
    information_criteria,
    poisson_deviance,
    small_sample_correction,
    variance_of,
)
from libraries.errors import BadData

GAINS = st.sampled_from([1.0, 0.1, 3.0])


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.01, 1e6)), min_size=1, max_size=20), GAINS)
def test_squares_of_the_residuals_sum_to_the_deviance(pairs, gain):
    y, m = gain * np.array(pairs, dtype=float).T
    residual, _ = deviance_residuals(y, m, gain)
    assert float(residual @ residual) == pytest.approx(poisson_deviance(y, m, gain), rel=1e-9, abs=1e-7)
    assert np.all(np.sign(residual) * (y - m) >= 0)


def test_deviance_by_hand():
    y, m = np.array([0.0, 3.0, 5.0]), np.array([2.0, 3.0, 4.0])
    assert poisson_deviance(y, m) == pytest.approx(2 * (2.0 + 0.0 + 5 * math.log(1.25) - 1.0), rel=1e-12)
    assert poisson_deviance(3 * y, 3 * m, 3.0) == pytest.approx(poisson_deviance(y, m), rel=1e-12)


@given(st.integers(0, 5000), st.floats(0.0, 6000.0), GAINS)
def test_slope_is_the_finite_difference(y, m, gain):
    m = max(m, 0.01)
    h = 1e-4 * m
    sides = [deviance_residuals(np.array([y * gain]), np.array([(m + s * h) * gain]), gain)[0][0] for s in (1, -1)]
    slope = deviance_residuals(np.array([y * gain]), np.array([m * gain]), gain)[1][0]
    assert (sides[0] - sides[1]) / (2 * h * gain) == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("ratio", [0.0, 1e-6, -1e-6, 5e-5, -9e-5, 9.9e-5, 1.01e-4, -1.01e-4, 1e-3])
def test_slope_near_equality_has_nine_digits(ratio):
    m = 1e4
    y = m * (1 + ratio)
    residual, slope = deviance_residuals(np.array([y]), np.array([m]), 1.0)
    r = ratio
    root = math.sqrt(1 - r / 3 + r**2 / 6 - r**3 / 10)  # residual = sqrt(m) r root
    assert residual[0] == pytest.approx(math.sqrt(m) * r * root, rel=1e-6, abs=1e-12)
    assert slope[0] == pytest.approx(-1 / (math.sqrt(m) * root), rel=3e-9 if abs(r) < 1e-4 else 1e-6)


@pytest.mark.parametrize("y", [0.0, 1.0, 40.0])
def test_below_the_floor_a_fit_is_driven_back(y):
    m = np.array([1e-3, 0.0, -1.0, -10.0])
    residual, slope = deviance_residuals(np.full(4, y), m, 1.0)
    assert np.all(slope < 0)
    if y:
        assert np.all(np.diff(residual) > 0)
    else:
        assert np.all(np.diff(residual[2:] ** 2) > 0)
        assert residual[1] ** 2 < 1e-3


def test_variance():
    expected, measured = np.array([100.0, 0.0, -5.0]), np.array([90.0, 1.0, 0.0])
    variance = variance_of(Noise("poisson", 2.0, 3.0), expected, measured)
    np.testing.assert_allclose(variance, [209.0, 9.0, 9.0], rtol=1e-6)
    assert np.all(variance_of(Noise("poisson"), expected, measured) > 0)
    np.testing.assert_array_equal(variance_of(Noise("gaussian", None, 2.0), expected, measured), 4.0)
    np.testing.assert_array_equal(variance_of(Noise(), expected, measured), 1.0)


def test_information_criteria():
    assert information_criteria(300.0, 200, 7, known=True) == pytest.approx((314.0, 300.0 + 7 * math.log(200)))
    base = 200 * math.log(1.5)
    assert information_criteria(300.0, 200, 7, known=False) == pytest.approx((base + 14, base + 7 * math.log(200)))
    assert math.isfinite(information_criteria(0.0, 200, 7, known=False)[0])


def test_small_sample_correction_by_hand():
    """Burnham & Anderson (2002), eq. 2.4; the unknown variance counts as a parameter."""
    assert small_sample_correction(20, 4, known=True) == pytest.approx(2 * 4 * 5 / 15)
    assert small_sample_correction(20, 4, known=False) == pytest.approx(2 * 5 * 6 / 14)
    assert small_sample_correction(10**9, 4, known=True) < 1e-7
    assert math.isnan(small_sample_correction(5, 4, known=True))
    assert math.isnan(small_sample_correction(6, 4, known=False))
    assert small_sample_correction(7, 4, known=False) == pytest.approx(60.0)


def test_corrected_aic_estimates_the_expected_deviance():
    """What AICc is for: on average it is the deviance of new data from the fit; AIC is lower for few points."""
    rng, n, k, runs = np.random.default_rng(8), 12, 4, 4000
    design = np.vander(np.linspace(-1, 1, n), k)
    project = design @ np.linalg.pinv(design)
    aicc, aic, truth = 0.0, 0.0, 0.0
    for _ in range(runs):
        y, new = rng.normal(size=n), rng.normal(size=n)
        residual = float(np.sum((y - project @ y) ** 2))
        variance = residual / n
        # -2 ln L of new data under the fitted curve and fitted variance, without the constant n ln 2 pi.
        truth += (n * math.log(variance) + float(np.sum((new - project @ y) ** 2)) / variance - n) / runs
        plain = information_criteria(residual, n, k, known=False)[0] + 2  # the variance is a parameter, too
        aic += plain / runs
        aicc += (plain + small_sample_correction(n, k, known=False)) / runs
    assert aicc == pytest.approx(truth, abs=1.5)
    assert aic < truth - 5


def test_aic_is_that_of_the_likelihood():
    """Differences of the deviance are those of -2 ln L, so models on the same counts compare."""
    rng = np.random.default_rng(1)
    y, a, b = rng.poisson(5.0, 40), np.full(40, 5.0), np.full(40, 6.0)
    log_likelihood = [float(np.sum(y * np.log(m) - m)) for m in (a, b)]
    difference = poisson_deviance(y.astype(float), a) - poisson_deviance(y.astype(float), b)
    assert difference == pytest.approx(-2 * (log_likelihood[0] - log_likelihood[1]), rel=1e-10)


@pytest.mark.parametrize("gain", [1.0, 0.1, 3.0])
@pytest.mark.parametrize("level", [30.0, 1000.0])
def test_gain_is_recovered(gain, level):
    x = np.linspace(0, 20, 1001)
    rng = np.random.default_rng(3)
    mean = level * (1 + 4 * np.exp(-(((x - 10) / 1.5) ** 2)))
    found = [
        estimate_noise(Spectrum(Axis(x, "channel"), gain * rng.poisson(mean).astype(float))).gain for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(gain, rel=0.05)
    assert np.std(found) < 0.12 * gain


def test_empty_channels_do_not_hide_the_gain():
    rng = np.random.default_rng(5)
    mean = np.where(np.arange(600) < 400, 0.0, 50.0)
    noise = estimate_noise(Spectrum(Axis(np.arange(600.0), "channel"), rng.poisson(mean)))
    assert noise.gain == pytest.approx(1.0, rel=0.3)
    assert (noise.kind, noise.origin) == ("poisson", "estimated")


@pytest.mark.parametrize("counts", [np.ones(19), np.full(50, -1.0), np.zeros(50), np.full(50, 7.0)])
def test_noise_that_cannot_be_estimated(counts):
    with pytest.raises(BadData):
        estimate_noise(Spectrum(Axis(np.arange(float(counts.size)), "channel"), counts))


def test_correlation_factor():
    """Variance of the mean of a first-order autoregressive series."""
    assert correlation_factor(0.0) == 1.0
    r, n = 0.57, 4000
    k = np.arange(1, n)
    assert correlation_factor(r) == pytest.approx(1 + 2 * float(np.sum((1 - k / n) * r**k)), rel=2e-3)
