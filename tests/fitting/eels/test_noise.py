"""Noise of energy-loss spectra: gain, read noise and correlation come back with honest errors."""

from __future__ import annotations

import numpy as np
import pytest

from app.files import read
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.noise import estimate_loss_noise
from libraries.errors import NotDetermined

ENERGY = 100.0 + 0.5 * np.arange(400)


def means(count, seed):
    """Images of three ingredients in every mixture: a power law, a line, an edge."""
    base = np.stack([1000 * (ENERGY / 100) ** -2.0, 300 * np.exp(-0.5 * ((ENERGY - 180) / 4) ** 2),
                     200.0 * (ENERGY > 200)])
    return np.random.default_rng(seed).uniform(0.1, 1.0, (count, 3)) @ base


def spectrum(counts, energy=ENERGY):
    navigation = (Axis(np.arange(float(len(counts))), "index", ""),) if np.ndim(counts) > 1 else ()
    return Spectrum(Axis(energy, "energy_loss", "eV"), counts, Noise("poisson", None), Meta(technique="eels"),
                    navigation=navigation)


@pytest.mark.parametrize(("gain", "read", "count"), [(1.0, 0.0, 60), (3.0, 0.0, 300), (2.5, 20.0, 600)])
def test_gain_and_read_noise(gain, read, count, measured):
    generator = np.random.default_rng(int(10 * gain))
    mean = means(count, 2)
    data = gain * generator.poisson(mean / gain) + generator.normal(0.0, read, mean.shape)
    found = estimate_loss_noise(spectrum(data))
    assert found.value == pytest.approx(gain, rel=0.03)
    assert abs(found.value - gain) < 5 * found.error + 0.01 * gain
    assert found.noise.read_noise == pytest.approx(read, rel=0.1, abs=1.5)
    assert found.noise.correlation == 0.0
    measured(f"gain of {gain} and read noise {read} from {count} spectra, error", 100 * (found.value / gain - 1), "%",
             "<= 3")


def test_correlation_of_channels():
    """A camera that spreads every count over three channels: gain sum(k^2), correlation of neighbours 2/3."""
    kernel = np.array([0.25, 0.5, 0.25])
    data = np.random.default_rng(1).poisson(means(500, 3)).astype(float)
    blurred = np.array([np.convolve(row, kernel, "valid") for row in data])
    found = estimate_loss_noise(spectrum(blurred, ENERGY[1:-1]))
    assert found.value == pytest.approx(0.375, rel=0.05)
    assert found.noise.correlation == pytest.approx(2 / 3, abs=0.04)


def test_a_drifting_zero_loss_is_no_noise():
    generator = np.random.default_rng(6)
    energy = np.arange(-4, 36, 0.05)
    place = generator.uniform(-0.3, 0.3, (400, 1))
    mean = 4e4 * np.exp(-0.5 * ((energy - place) / 0.08) ** 2) + 300 / (1 + ((energy - 15) / 2) ** 2) + 20
    found = estimate_loss_noise(spectrum(generator.poisson(mean).astype(float), energy))
    assert found.value == pytest.approx(1.0, rel=0.06)


def test_single_spectra_and_refusals():
    generator = np.random.default_rng(7)
    mean = 2000 * (ENERGY / 100) ** -2.0
    values = [estimate_loss_noise(spectrum(2.0 * generator.poisson(mean / 2))).value for _ in range(40)]
    assert np.mean(values) == pytest.approx(2.0, rel=0.1)
    smooth = np.convolve(generator.poisson(2000.0, ENERGY.size + 20), np.ones(21) / 21, "valid")
    with pytest.raises(NotDetermined, match="alike"):
        estimate_loss_noise(spectrum(smooth))
    with pytest.raises(NotDetermined):
        estimate_loss_noise(spectrum(np.zeros((40, 400))))


@pytest.mark.realdata
def test_bn_series(realdata, measured):
    """The README of the data: variance/mean 2.9, correlation of neighbouring channels 0.57."""
    found = estimate_loss_noise(read(realdata / "eels" / "BN_core_loss_200.dm3")[0])
    assert found.value == pytest.approx(2.9, abs=0.1)
    assert found.noise.correlation == pytest.approx(0.55, abs=0.06)
    measured("BN series of 200, variance over mean", found.value, "", "")
    measured("BN series of 200, correlation of neighbouring channels", found.noise.correlation, "", "")
