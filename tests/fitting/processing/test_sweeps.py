"""Drift of sweeps: bias, pulls and coverage against simulated sweeps with known shifts; the aligned sum; gain; edge."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import erf

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.edge import fit_edge
from fitting.processing.gain import SCATTER, gain_from_repeats, gain_from_scatter
from fitting.processing.sweeps import drift, sum_sweeps_step
from fitting.recipe import Recipe
from libraries.errors import BadData, BadModel, Cancelled

X = np.round(np.arange(280.0, 296.0, 0.1), 6)


def curve(x, shift=0.0, height=100.0):
    """Two lines of 1.2 and 1.5 eV FWHM on a level."""
    first = np.exp(-4 * np.log(2) * ((x - 286.0 - shift) / 1.2) ** 2)
    second = np.exp(-4 * np.log(2) * ((x - 288.5 - shift) / 1.5) ** 2)
    return 30.0 + height * first + 0.4 * height * second


def series(shifts, heights, seed, gain=1.0, noise=None, unit="counts"):
    mean = np.array([curve(X, s, h) for s, h in zip(shifts, heights, strict=True)])
    counts = np.random.default_rng(seed).poisson(mean) * (1 if gain == 1 else gain)
    meta = Meta(region="C 1s sweeps", technique="xps", dwell_time=0.1, sweeps=1.0, intensity_unit=unit)
    return Spectrum(Axis(X, "binding_energy"), counts, noise or Noise("poisson", gain), meta,
                    navigation=(Axis(np.arange(1.0, len(shifts) + 1), "index", ""),))


def study(number, noise=None, gain=1.0):
    """Pulls of shifts and intensities of eight sweeps that drift by 0.7 eV and lose a quarter of their height."""
    shifts = np.linspace(-0.35, 0.35, 8) + 0.03 * np.array([1, -1, 1, 1, -1, 1, -1, -1])
    heights = 100.0 * np.linspace(1.0, 0.75, 8)
    energy, intensity, slopes = [], [], []
    for seed in range(number):
        found = drift(series(shifts, heights, seed, gain, noise))
        true = shifts - shifts.mean()
        energy.append((found.shifts - true) / found.shift_errors)
        relative = heights / heights.mean()
        intensity.append((found.intensities - relative) / found.intensity_errors)
        slope, error = found.intensity_trend
        slopes.append((slope - np.polyfit(np.arange(8), relative, 1)[0]) / error)
        assert found.converged
    return np.array(energy), np.array(intensity), np.array(slopes)


def check(energy, intensity, slopes, measured, tag):
    measured(f"drift of sweeps, width of pulls of shifts{tag}", float(energy.std()), "sigma", "0.85..1.15")
    measured(f"drift of sweeps, bias of shifts{tag}", float(np.abs(energy.mean(axis=0)).max()), "sigma", "<= 0.5")
    measured(f"drift of sweeps, 1 sigma intervals that hold the shift{tag}", float(np.mean(np.abs(energy) < 1)), "",
             "0.62..0.75")
    number = len(energy)
    assert 0.85 < energy.std() < 1.15
    assert np.abs(energy.mean(axis=0)).max() < 0.25 + 3 / np.sqrt(number)
    assert 0.8 < intensity.std() < 1.2
    assert np.abs(intensity.mean(axis=0)).max() < 0.3 + 3 / np.sqrt(number)
    assert abs(slopes.mean()) < 0.3 + 3 / np.sqrt(number)


def test_pulls_of_drifting_sweeps(measured):
    check(*study(30), measured, "")


def test_unknown_noise_is_scaled(measured):
    check(*study(15, Noise("poisson"), 7.3), measured, ", unknown gain")


@pytest.mark.full
def test_pulls_of_drifting_sweeps_many(measured):
    energy, intensity, slopes = study(400)
    check(energy, intensity, slopes, measured, " (400 series)")
    assert 0.64 < np.mean(np.abs(energy) < 1) < 0.73


def test_large_drift_is_found():
    shifts = np.array([0.0, 0.9, 1.7, 2.6, 3.4])
    found = drift(series(shifts, np.full(5, 100.0), 3))
    np.testing.assert_allclose(found.shifts - found.shifts[0], shifts, atol=0.1)
    slope, error = found.energy_trend
    assert slope == pytest.approx(0.85, abs=4 * error + 0.01)


def test_two_sweeps_are_enough(measured):
    """The difference of two sweeps: bias and pulls."""
    pulls = []
    for seed in range(60):
        found = drift(series(np.array([0.0, 0.23]), np.array([300.0, 280.0]), seed))
        pulls.append((found.shifts[1] - 0.115) / found.shift_errors[1])
    measured("drift of two sweeps, width of pulls", float(np.std(pulls)), "sigma", "0.75..1.25")
    assert abs(np.mean(pulls)) < 0.4
    assert 0.75 < np.std(pulls) < 1.25


def test_steady_sweeps_do_not_drift():
    slopes = []
    for seed in range(12):
        slope, error = drift(series(np.zeros(6), np.full(6, 100.0), seed)).energy_trend
        slopes.append(slope / error)
    assert np.abs(np.mean(slopes)) < 1.0
    assert np.std(slopes) < 1.7


def test_aligned_sum_keeps_counts():
    shifts = np.array([0.0, 0.31, -0.18, 0.5])
    data = series(shifts, np.full(4, 100.0), 1)
    whole = Recipe((sum_sweeps_step(shifts, "whole"),)).apply(data)
    assert whole.counts.dtype.kind == "i"
    assert whole.noise == data.noise
    assert whole.meta.sweeps == 4.0
    assert not whole.navigation
    np.testing.assert_allclose(whole.y, 4 * curve(whole.x), atol=6 * np.sqrt(4 * 140))
    plain = Recipe((sum_sweeps_step(None),)).apply(data)
    assert plain.counts.tolist() == data.counts.sum(axis=0).tolist()
    # The lines of the aligned sum are as sharp as one sweep's, those of the plain sum are not.
    assert whole.y.max() > 1.05 * plain.y.max()
    fine = Recipe((sum_sweeps_step(shifts, "linear"),)).apply(data)
    assert fine.noise.correlation > 0.05
    assert fine.y.sum() * 0.1 == pytest.approx(4 * curve(fine.x).sum() * 0.1, rel=0.02)
    rate = data.with_(counts=data.y / 0.1, noise=Noise("poisson", 10.0),
                      meta=data.meta.__class__(intensity_unit="counts/s", dwell_time=0.1, sweeps=1.0))
    assert Recipe((sum_sweeps_step(shifts, "whole"),)).apply(rate).noise.gain == 2.5


def test_refused():
    data = series(np.zeros(4), np.full(4, 100.0), 1)
    with pytest.raises(BadData, match="two sweeps"):
        drift(data.at(0))
    with pytest.raises(BadData, match=r"structure|far"):
        drift(data.with_(counts=np.zeros_like(data.counts)))
    with pytest.raises(Cancelled):
        drift(data, cancel=lambda: True)
    with pytest.raises(BadModel, match="do not fit"):
        Recipe((sum_sweeps_step(np.zeros(3)),)).apply(data)
    with pytest.raises(BadModel):
        Recipe((sum_sweeps_step(np.zeros(4)),)).apply(data.at(0))


# -- gain -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gain", [0.02, 1.0, 37.0])
def test_gain_from_repeats(gain, measured):
    values = [gain_from_repeats(series(np.zeros(8), 100 * np.linspace(1, 0.9, 8), k, gain, Noise())) for k in range(60)]
    pulls = np.array([(v.value - gain) / v.error for v in values])
    measured(f"gain from repeats, width of pulls (gain {gain:g})", float(pulls.std()), "sigma", "0.75..1.3")
    assert abs(pulls.mean()) < 0.6
    assert 0.75 < pulls.std() < 1.3
    assert (values[0].noise.kind, values[0].noise.origin) == ("poisson", "estimated")


def test_gain_from_scatter(measured):
    smooth = 2000.0 + 5 * (X - 280) ** 2
    values, errors = [], []
    for seed in range(300):
        counts = np.random.default_rng(seed).poisson(smooth) * 2.5
        found = gain_from_scatter(Spectrum(Axis(X, "binding_energy"), counts))
        values.append(found.value)
        errors.append(found.error)
    spread = float(np.std(values))
    measured("gain from scatter: standard deviation times root of channels", spread / 2.5 * np.sqrt(X.size), "",
             f"{0.85 * SCATTER:.2f}..{1.15 * SCATTER:.2f}")
    assert np.mean(values) == pytest.approx(2.5, rel=0.05)
    assert spread == pytest.approx(np.mean(errors), rel=0.25)


# -- Fermi edge -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
def test_edge_pulls(quantity, measured):
    x = np.arange(-2.0, 2.0, 0.02)
    side = 1.0 if quantity == "binding_energy" else -1.0
    at = x if side > 0 else x + 1486.6
    true = 0.137 if side > 0 else 1486.6 - 0.137
    t = side * (at - true)
    mean = 20 + (150 + 12 * t) * 0.5 * (1 + erf(t / (np.sqrt(2) * 0.2)))
    pulls = []
    for seed in range(100):
        counts = np.random.default_rng(seed).poisson(np.maximum(mean, 0.1))
        found = fit_edge(Spectrum(Axis(at, quantity), counts, Noise("poisson", 1.0)), at[0], at[-1])
        pulls.append((found.position - true) / found.position_error)
    measured(f"Fermi edge, width of pulls of its place ({quantity})", float(np.std(pulls)), "sigma", "0.8..1.25")
    assert abs(np.mean(pulls)) < 0.35
    assert 0.8 < np.std(pulls) < 1.25


def test_no_edge_is_refused():
    counts = np.random.default_rng(0).poisson(np.full(200, 50.0))
    with pytest.raises(BadData, match="edge"):
        fit_edge(Spectrum(Axis(np.arange(200) * 0.02, "binding_energy"), counts, Noise("poisson", 1.0)), 0, 4)
