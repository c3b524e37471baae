"""Zero-loss removal and deconvolution as recipe steps, on single spectra and images, against known truth."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import poisson

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.separation import METHODS, Rule, separate, separate_rows
from fitting.eels.zero_loss import locate
from fitting.model import Curve
from fitting.processing.zero_loss_removal import rule_of, rule_step
from fitting.recipe import Recipe, Step
from libraries.errors import BadData, NotDetermined

ENERGY = 0.1 * np.arange(-200, 1200)
RULE = Rule("mirrored tail", 6.0)


def spectrum(counts, energy=ENERGY, gain=1.0):
    counts = np.asarray(counts, float)
    navigation = tuple(Axis(np.arange(float(n)), "index", "") for n in counts.shape[:-1])
    return Spectrum(Axis(energy, "energy_loss", "eV"), counts, Noise("poisson", gain),
                    Meta(title="scan", technique="eels"), navigation=navigation)


def plural(ratio=0.5, i0=1e5, fwhm=1.0, plasmon=20.0, width=2.0):
    """Zero loss and n-fold plasmons by Poisson's law: Gaussians whose variances add, each (ratio^n/n!) of I0."""
    peak = np.exp(-4 * np.log(2) * (ENERGY / fwhm) ** 2)
    peak *= i0 / peak.sum()
    losses, single = np.zeros_like(ENERGY), np.zeros_like(ENERGY)
    for n in range(1, 12):
        sigma = np.hypot(fwhm, width * np.sqrt(n)) / 2.35482
        line = np.exp(-0.5 * ((ENERGY - n * plasmon) / sigma) ** 2)
        weight = i0 * poisson.pmf(n, ratio) / poisson.pmf(0, ratio)
        losses += weight * 0.1 / (sigma * np.sqrt(2 * np.pi)) * line
        if n == 1:
            single = weight * 0.1 / (sigma * np.sqrt(2 * np.pi)) * line
    return peak, peak + losses, single


def apply(data, *steps):
    return Recipe(tuple(steps)).apply(data)


def log_step(rule=RULE, **more):
    return rule_step("fourier_log", rule, tuple(more.items()))


# -- Fourier-log ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ratio", [0.2, 0.5, 1.5])
def test_fourier_log_gives_single_scattering_in_counts(ratio, measured):
    peak, whole, single = plural(ratio)
    done = apply(spectrum(whole), log_step())
    assert np.max(np.abs(done.y - single)) < 5e-3 * single.max()
    # J1 is in counts per channel: its integral over I0 is t/lambda.
    assert done.y.sum() / peak.sum() == pytest.approx(ratio, rel=3e-3)
    assert "J1 in counts per channel" in dict(done.meta.extra)["Fourier-log"]
    assert done.noise.kind == "unknown"
    measured(f"Fourier-log step, integral of J1 over I0 at t/lambda {ratio}, error",
             100 * (done.y.sum() / peak.sum() / ratio - 1), "%", "<= 0.3")


def test_round_trip_of_a_broad_peak(measured):
    """The kind of Egerton's SpecGen -> Flog test (FWHM 3 eV at 0.1 eV a channel, 1e5 counts, plasmon 20 eV): the
    zero loss comes back with its area and 30 channels of width. Its own numbers, I0 100765.5 and 30.14 channels, hold
    a background whose definition is not at hand."""
    peak, whole, _ = plural(0.5, fwhm=3.0)
    rule = Rule("mirrored tail", 9.0)
    zero = separate(ENERGY, whole, rule)
    width = float(locate(ENERGY, zero.zero_loss).fwhm) / 0.1
    assert zero.area == pytest.approx(peak.sum(), rel=1e-3)
    assert width == pytest.approx(30.0, rel=5e-3)
    done = apply(spectrum(whole), log_step(rule))
    assert done.y.sum() / zero.area == pytest.approx(0.5, rel=5e-3)
    measured("broad zero loss, area that comes back, error", 100 * (zero.area / peak.sum() - 1), "%", "<= 0.1")
    measured("broad zero loss, width that comes back (30)", width, "channels", "")


@pytest.mark.parametrize("more", [{}, {"fwhm": 1.5}])
def test_fourier_log_of_an_image_is_that_of_its_pixels(more):
    rows = np.array([plural(r)[1] for r in (0.1, 0.4, 0.9, 1.6)]).reshape(2, 2, -1)
    done = apply(spectrum(rows), log_step(**more))
    for at in np.ndindex(2, 2):
        one = apply(spectrum(rows[at]), log_step(**more))
        assert done.y[at] == pytest.approx(one.y, abs=1e-6 * one.y.max())


def test_pixels_that_cannot_be_deconvolved_are_counted_and_zero():
    _, whole, _ = plural(0.5)
    rows = np.array([whole, np.zeros_like(whole), np.minimum(whole, 1e3), whole])
    done = apply(spectrum(rows), log_step())
    assert not done.y[1].any()
    assert not done.y[2].any()
    assert done.y[3] == pytest.approx(done.y[0])
    assert "2 spectra that could not be deconvolved were set to zero" in dict(done.meta.extra)["Fourier-log"]
    with pytest.raises(NotDetermined, match="No spectrum of the image"):
        apply(spectrum(rows[[1, 2]]), log_step())


@pytest.mark.parametrize(("spoil", "words"), [
    (lambda y: y[205:], "no zero loss on this axis"),
    (lambda y: np.minimum(y, 0.3 * y.max()), "saturated"),
    (lambda y: np.zeros_like(y), "no counts"),
])
def test_cropped_and_saturated_peaks_are_refused(spoil, words):
    y = spoil(plural(0.5)[1])
    with pytest.raises(BadData, match=words):
        apply(spectrum(y, ENERGY[-y.size :]), log_step())


def test_negative_counts_are_allowed_where_the_mathematics_does():
    """A dark signal that was subtracted leaves channels below zero: their sum counts, as it must."""
    generator = np.random.default_rng(1)
    peak, whole, _ = plural(0.5, i0=1e6)
    data = generator.poisson(whole + 40.0) - 40.0
    assert (data < 0).any()
    done = apply(spectrum(data), log_step())
    assert done.y.sum() / peak.sum() == pytest.approx(0.5, abs=0.02)


# -- removal --------------------------------------------------------------------------------------------------------


def reference():
    peak, _, _ = plural(0.0, i0=3e5)
    return ENERGY, peak


@pytest.mark.parametrize("method", METHODS)
def test_removal_of_an_image_is_that_of_its_pixels(method):
    generator = np.random.default_rng(3)
    peak, whole, _ = plural(0.5)
    tail = 40.0 / np.maximum(np.abs(ENERGY), 1.0) ** 2  # what a power law can follow
    rows = generator.poisson(whole + tail, (3, ENERGY.size)).astype(float)
    low = 1.5 if method == "power law" else None
    rule = Rule(method, 5.0, low, reference() if method == "vacuum reference" else None)
    zero, found = separate_rows(ENERGY, rows, rule)
    assert found.all()
    for row, one in zip(rows, zero, strict=True):
        single = separate(ENERGY, row, rule).zero_loss
        assert one.sum() == pytest.approx(single.sum(), rel=2e-3)
    step = rule_step("zero_loss", rule)
    back = rule_of(step)
    assert (back.method, back.limit, back.low) == (rule.method, rule.limit, rule.low)
    done = apply(spectrum(rows), step)
    assert done.x[0] >= 5.0
    near = (done.x > 15) & (done.x < 25)
    expected = (whole - peak)[ENERGY >= 5.0 - 1e-9][near].sum()
    assert done.y[:, near].sum(axis=-1) == pytest.approx(np.full(3, expected), rel=0.03)


def test_noise_after_removal_is_that_of_all_counts():
    """Pulls over all channels: counts that were subtracted still scatter, and a mirrored tail adds its own."""
    generator = np.random.default_rng(5)
    tail = 3e4 / (1 + (ENERGY / 0.5) ** 2)
    rest = 200.0 * np.exp(-0.5 * ((ENERGY - 20) / 3) ** 2) + 30.0
    keep = ENERGY >= 3.0
    truth = rest + tail - np.where(ENERGY <= 20.0, np.interp(-ENERGY, ENERGY, rest + tail), 0.0)
    pulls = []
    for _ in range(80):
        done = apply(spectrum(generator.poisson(tail + rest)), rule_step("zero_loss", Rule("mirrored tail", 3.0)))
        variance = done.noise.read_noise**2 + (
            done.noise.gain * np.maximum(truth[keep], 0) if done.noise.kind == "poisson" else 0.0)
        pulls.append((done.y - truth[keep]) / np.sqrt(variance))
    assert np.sqrt(np.mean(np.square(pulls))) == pytest.approx(1.0, abs=0.12)
    assert "single channels depart by" in dict(done.meta.extra)["noise"]


def test_removal_refuses():
    _, whole, _ = plural(0.5)
    with pytest.raises(BadData, match="no zero loss on this axis"):
        apply(spectrum(whole, ENERGY + 300), rule_step("zero_loss", RULE))
    with pytest.raises(BadData, match="left tail"):
        apply(spectrum(whole[150:], ENERGY[150:]), rule_step("zero_loss", RULE))
    with pytest.raises(BadData, match="vacuum measurement is missing"):
        apply(spectrum(whole), Step("zero_loss", (("method", "vacuum reference"), ("limit", 5.0))))
    with pytest.raises(BadData, match="There is no method"):
        Rule("guess", 5.0)
    with pytest.raises(BadData, match="needs a window"):
        Rule("power law", 5.0, 6.0)


# -- Fourier-ratio and Richardson-Lucy ------------------------------------------------------------------------------


def core_loss(low):
    """A white line blurred by the low loss, on a power law; true K1 with the resolution of the zero loss."""
    energy = 480.0 + 0.1 * np.arange(1400)
    line = 100.0 * np.exp(-0.5 * ((energy - 530) / 0.8) ** 2)
    kernel = low[100:] / low.sum()
    blurred = np.convolve(line, kernel)[100 : 100 + energy.size]
    background = 4e4 * (energy / 480.0) ** -3.0
    return energy, blurred + background, line


def test_fourier_ratio_takes_plural_scattering_out(measured):
    peak, whole, _ = plural(0.8)
    energy, core, line = core_loss(whole)
    step = rule_step("fourier_ratio", RULE, (("low_background", 482.0), ("high_background", 515.0)))
    step = Step(step.kind, step.params, curves=(Curve(tuple(ENERGY), tuple(whole), "low loss"),))
    done = apply(spectrum(core, energy), step)
    assert done.x[0] == pytest.approx(482.0)
    near, far = (done.x > 525) & (done.x < 535), (done.x > 540) & (done.x < 580)
    expected = line.sum() * peak.sum() / whole.sum()
    assert done.y[near].sum() == pytest.approx(expected, rel=0.02)
    # The plasmon behind the line is gone.
    assert abs(done.y[far].sum()) < 0.05 * expected
    measured("Fourier-ratio step, area of a white line, error", 100 * (done.y[near].sum() / expected - 1), "%",
             "<= 2")
    image = apply(spectrum(np.array([core, 2 * core]), energy), step)
    assert image.y[1] == pytest.approx(2 * image.y[0], rel=1e-6, abs=1e-6)
    with pytest.raises(BadData, match="background is still there"):
        apply(spectrum(core, energy), Step(step.kind, step.params[:2], curves=step.curves))
    with pytest.raises(BadData, match="Fourier-ratio is for core losses"):
        apply(spectrum(whole), step)
    with pytest.raises(BadData, match="needs the low loss"):
        apply(spectrum(core, energy), Step(step.kind, step.params))


def test_richardson_lucy_step():
    peak, whole, _ = plural(0.5)
    curve = Curve(tuple(ENERGY[150:250]), tuple(peak[150:250]), "peak")
    step = Step("richardson_lucy", (("iterations", 8.0),), curves=(curve,))
    done = apply(spectrum(whole), step)
    assert done.y.sum() == pytest.approx(whole.sum(), rel=1e-3)
    assert float(locate(ENERGY, done.y).fwhm) < 0.6 * float(locate(ENERGY, whole).fwhm)
    low = whole - 5.0
    with pytest.raises(BadData, match="negative counts"):
        apply(spectrum(low), step)
    zeroed = Step(step.kind, (*step.params, ("negative", "zero")), curves=(curve,))
    told = dict(apply(spectrum(low), zeroed).meta.extra)["Richardson–Lucy"]
    assert "negative counts taken as zero" in told
