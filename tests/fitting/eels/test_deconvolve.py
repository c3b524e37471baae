"""Deconvolution: what was convolved comes back."""

import numpy as np
import pytest
from scipy.fft import irfft, rfft

from fitting.eels import deconvolve as lib
from fitting.eels.drude import loss_function
from libraries.errors import BadData, NotDetermined

STEP = 0.1
ENERGY = STEP * np.arange(-150, 1350)
CENTRE = 0.03


def zero_loss(i0=1e6, fwhm=0.9, energy=ENERGY, centre=CENTRE):
    peak = np.exp(-4 * np.log(2) * ((energy - centre) / fwhm) ** 2)
    return i0 * peak / np.sum(peak)


def specimen(ratio, i0=1e6, energy=ENERGY):
    """Zero loss, plural spectrum, single-scattering distribution with the peak's resolution, and bare probability."""
    length = 8 * energy.size
    x = STEP * np.arange(length // 2)
    bare = np.zeros(length)
    bare[: x.size] = loss_function(x, 16.0, 3.0)[0] * np.exp(-((x / 120.0) ** 4))  # ends within the transform
    bare *= ratio / np.sum(bare)
    s, z = rfft(bare), rfft(zero_loss(i0, energy=energy), length)
    whole, single = irfft(z * np.exp(s), length)[: energy.size], irfft(z * s, length)[: energy.size]
    return zero_loss(i0, energy=energy), whole, single, bare


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0, 2.0])
def test_fourier_log_returns_single_scattering(ratio, measured):
    zero, whole, single, _ = specimen(ratio)
    found = lib.fourier_log(ENERGY, whole, zero)
    used = ENERGY < 100
    worst = np.max(np.abs(found.counts - single)[used]) / np.max(single)
    assert worst < 2e-3
    assert found.relative_thickness == pytest.approx(ratio, rel=2e-3)
    assert np.sum(found.counts) / found.zero_loss_area == pytest.approx(ratio, rel=5e-3)
    measured(f"Fourier-log at t/lambda {ratio}, largest error over the plasmon", 100 * worst, "%", "<= 0.2")


def test_fourier_log_with_a_gaussian():
    zero, whole, _, bare = specimen(0.8)
    found = lib.fourier_log(ENERGY, whole, zero, fwhm=1.5)
    wide = zero_loss(fwhm=1.5)
    length = 8 * ENERGY.size
    expected = irfft(rfft(wide, length) * rfft(bare), length)[: ENERGY.size]
    used = ENERGY < 100
    assert np.max(np.abs(found.counts - expected)[used]) < 3e-3 * np.max(expected)
    assert "1.5 eV" in found.resolution
    with pytest.raises(BadData, match="narrower"):
        lib.fourier_log(ENERGY, whole, zero, fwhm=0.5)


def test_fourier_log_keeps_noise_in_bounds(measured):
    zero, whole, single, _ = specimen(0.7)
    generator = np.random.default_rng(9)
    results = []
    for _ in range(30):
        peak, losses = generator.poisson(zero), generator.poisson(np.maximum(whole - zero, 0.0))
        results.append(lib.fourier_log(ENERGY, (peak + losses).astype(float), peak.astype(float)).counts)
    band = (ENERGY > 10) & (ENERGY < 25)
    areas = np.sum(np.array(results)[:, band], axis=1)
    assert np.mean(areas) == pytest.approx(np.sum(single[band]), rel=2e-3)
    # not worse than twice the counting of the spectrum itself
    assert np.std(areas) < 2 * np.sqrt(np.sum(whole[band]))
    measured("plasmon area after Fourier-log, scatter over that of counting",
             np.std(areas) / np.sqrt(np.sum(whole[band])), "", "<= 2")


def test_fourier_log_refuses():
    zero, whole, _, _ = specimen(0.5)
    thick = specimen(3.5)
    with pytest.raises(NotDetermined, match="beyond what Fourier-log"):
        lib.fourier_log(ENERGY, zero * 0.01 + (thick[1] - thick[0]), zero * 0.01)
    with pytest.raises(NotDetermined, match="no thickness"):
        lib.fourier_log(ENERGY, zero, zero)
    with pytest.raises(BadData, match="cropped"):
        lib.fourier_log(ENERGY[150:], whole[150:], zero[150:])
    clipped = np.minimum(zero, 0.5 * zero.max())
    with pytest.raises(BadData, match="saturated"):
        lib.fourier_log(ENERGY, whole - zero + clipped, clipped)
    with pytest.raises(BadData, match="shape"):
        lib.fourier_log(ENERGY, whole, zero[:-1])


@pytest.mark.parametrize("width", [None, 1.2])
def test_fourier_ratio(width, measured):
    zero, whole, _, _ = specimen(0.8)
    core_energy = 480.0 + STEP * np.arange(1600)
    # An edge with a white line that has decayed at the end of the axis.
    bare = np.where(core_energy > 513, np.exp(-(core_energy - 513) / 12.0), 0.0) * 1e-3
    bare += 2e-3 * np.exp(-0.5 * ((core_energy - 515) / 0.8) ** 2)
    length = 8 * 1600
    sharp = bare * 1e6
    origin = rfft(np.roll(np.pad(whole, (0, length - whole.size)), -150))  # the peak at channel 0
    core = irfft(rfft(sharp, length) * origin / 1e6, length)[:1600]
    peak = zero if width is None else zero_loss(fwhm=width)
    kernel = rfft(np.roll(np.pad(peak, (0, length - peak.size)), -150))
    expected = irfft(rfft(sharp, length) * kernel / 1e6, length)[:1600]
    # Written as core(E): the low loss has its zero at channel 150, which the ratio takes out.
    found = lib.fourier_ratio(core_energy, core, ENERGY, whole, zero, fwhm=width)
    inner = slice(20, 1400)
    worst = np.max(np.abs(found - expected)[inner]) / np.max(expected)
    assert worst < 5e-3
    assert np.sum(found) / np.sum(core) == pytest.approx(np.sum(zero) / np.sum(whole), rel=0.02)
    measured("Fourier-ratio, largest error over the white line", 100 * worst, "%", "<= 0.5")


def test_fourier_ratio_refuses():
    zero, whole, _, _ = specimen(0.8)
    core_energy = 480.0 + 0.2 * np.arange(800)
    with pytest.raises(BadData, match="different steps"):
        lib.fourier_ratio(core_energy, np.ones(800), ENERGY, whole, zero)
    with pytest.raises(BadData, match="shape"):
        lib.fourier_ratio(core_energy, np.ones(8), ENERGY, whole, zero)
    with pytest.raises(BadData, match="narrower"):
        lib.fourier_ratio(480 + STEP * np.arange(800), np.ones(800), ENERGY, whole, zero, fwhm=0.3)


def test_richardson_lucy(measured):
    energy = 500.0 + STEP * np.arange(400)
    sharp = sum(a * np.exp(-0.5 * ((energy - c) / 0.25) ** 2) for a, c in ((1000.0, 515.0), (600.0, 517.0)))
    psf = zero_loss(1e5, fwhm=1.5)
    kernel = zero_loss(1.0, fwhm=1.5, energy=STEP * np.arange(-60, 61), centre=0.0)
    blurred = np.convolve(sharp, kernel, mode="same")
    found = lib.richardson_lucy(energy, np.stack((blurred, 2 * blurred)), ENERGY, psf, iterations=15)
    assert np.sum(found[0]) == pytest.approx(np.sum(blurred), rel=1e-3)
    assert found[1] == pytest.approx(2 * found[0], rel=1e-6, abs=1e-6)
    assert energy[np.argmax(found[0])] == pytest.approx(515.0, abs=0.06)
    middle = np.argmin(np.abs(energy - 516.0))
    # The valley between the lines opens.
    assert found[0, middle] / found[0].max() < 0.5 * blurred[middle] / blurred.max()
    measured("valley of two lines after and before Richardson-Lucy",
             found[0, middle] / found[0].max() / (blurred[middle] / blurred.max()), "", "<= 0.5")


def test_richardson_lucy_refuses():
    energy = 500.0 + STEP * np.arange(400)
    psf = zero_loss(1e5)
    with pytest.raises(BadData, match="negative counts"):
        lib.richardson_lucy(energy, -np.ones(400), ENERGY, psf)
    with pytest.raises(BadData, match="different steps"):
        lib.richardson_lucy(2 * energy, np.ones(400), ENERGY, psf)
    with pytest.raises(BadData, match="iteration"):
        lib.richardson_lucy(energy, np.ones(400), ENERGY, psf, iterations=0)
    with pytest.raises(BadData, match="shape"):
        lib.richardson_lucy(energy, np.ones(40), ENERGY, psf)
    with pytest.raises(BadData, match="cropped"):
        lib.richardson_lucy(energy, np.ones(400), ENERGY[150:], psf[150:])
