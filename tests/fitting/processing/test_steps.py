"""Steps of a recipe: what they do to intensities and energies, and to the noise, which is measured on simulations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.satellites import parse_lines, satellites_step
from fitting.processing.scale import energy_scale_step, two_points
from fitting.processing.spikes import find_spikes, spikes_step
from fitting.recipe import Recipe, Step, energy_shift
from fitting.statistics import correlation_factor
from libraries.energy_scale import calibration_lines
from libraries.errors import BadData, BadModel
from libraries.xray_satellites import xray_satellites

X = np.round(np.arange(275.0, 295.0, 0.1), 6)
MEAN = 400.0 + 3000.0 * np.exp(-0.5 * ((X - 285.0) / 0.6) ** 2) + 10.0 * (X - 275.0)
META = Meta(region="C 1s", technique="xps", photon_energy=1486.6, dwell_time=0.1, sweeps=10.0, intensity_unit="counts")


def counted(seed=0, mean=MEAN, x=X):
    return Spectrum(Axis(x, "binding_energy"), np.random.default_rng(seed).poisson(mean), Noise("poisson", 1.0), META)


def run(spectrum, kind, **params):
    return Recipe((Step(kind, tuple(params.items())),)).apply(spectrum)


def pulls(step, many=400):
    """(y - mean)/sigma of each channel over simulations; the noise's own word for sigma."""
    done = [Recipe((step,)).apply(counted(seed)) for seed in range(many)]
    y = np.array([d.y for d in done])
    mean = y.mean(axis=0)
    noise = done[0].noise
    variance = noise.gain * mean if noise.kind == "poisson" else np.zeros_like(mean)
    sums = y.sum(axis=1)
    told = np.sum(variance + noise.read_noise**2) * correlation_factor(noise.correlation)
    return y.var(axis=0, ddof=1) / (variance + noise.read_noise**2), sums.var(ddof=1) / told


STEPS = [
    ("normalise", {"mode": "factor", "factor": 250.0}),
    ("unit", {"to": "counts/s"}),
    ("smooth", {"points": 7.0, "order": 2.0}),
    ("rebin", {"channels": 3.0}),
    ("resample", {"step": 0.13}),
    ("resample", {"step": 0.1, "low": 276.05}),
]


@pytest.mark.parametrize(("kind", "params"), STEPS)
def test_noise_is_what_the_step_says(kind, params):
    """Variance of channels and of the sum over all of them against 400 simulations: 400 give 7 % on a variance."""
    each, whole = pulls(Step(kind, tuple(params.items())))
    inner = each[5:-5]
    assert np.mean(inner) == pytest.approx(1.0, abs=0.06), "one channel"
    assert whole == pytest.approx(1.0, abs=0.25), "sum over all channels"


@pytest.mark.parametrize(("kind", "params"), [
    ("background", {"low": 276.0, "high": 294.0, "background": "linear", "average": 20.0}),
    ("satellites", {"lines": "9.8 0.064; 11.8 0.032"}),
])
def test_noise_of_differences(kind, params):
    """The nearest law: right on the average over channels, as its remark says not on each."""
    each, _ = pulls(Step(kind, tuple(params.items())))
    assert np.mean(each) == pytest.approx(1.0, abs=0.15)


def test_counts_stay_counts():
    spectrum = counted()
    done = run(spectrum, "rebin", channels=4.0)
    assert (done.noise, done.meta.dwell_time) == (spectrum.noise, 0.4)
    assert done.counts.dtype.kind == "i"
    assert done.counts.sum() == spectrum.counts.sum()
    done = run(spectrum, "unit", to="counts/s")
    assert done.noise.gain == 1.0
    assert done.meta.intensity_unit == "counts/s"
    back = run(done, "unit", to="counts")
    assert back.y.tolist() == spectrum.y.tolist()
    assert back.noise.gain == pytest.approx(1.0)


def test_units_need_a_live_time():
    bare = counted().with_(meta=replace(META, dwell_time=None, sweeps=None))
    with pytest.raises(BadData, match="not recorded"):
        run(bare, "unit", to="counts/s")
    done = run(bare, "unit", to="counts/s", dwell_time=0.5, sweeps=4.0)
    np.testing.assert_allclose(done.y, bare.y / 2)
    assert (done.noise.gain, done.meta.live_time) == (0.5, 2.0)
    with pytest.raises(BadData, match="not counts"):
        run(done, "unit", to="counts/s")


def test_normalise():
    spectrum = counted()
    assert run(spectrum, "normalise", mode="maximum").y.max() == 1.0
    done = run(spectrum, "normalise", mode="area", low=280.0, high=290.0)
    part = done.window(280.0, 290.0)
    assert np.trapezoid(part.y, part.x) == pytest.approx(1.0)
    # Poisson after any factor: gain goes along, so that y/gain is counts again.
    np.testing.assert_allclose(done.y / done.noise.gain, spectrum.y, rtol=1e-12)
    assert done.meta.intensity_unit == "arbitrary"
    with pytest.raises(BadData):
        run(spectrum, "normalise", mode="factor", factor=-1.0)


def test_smoothing_keeps_areas_and_marks_neighbours():
    spectrum = counted()
    done = run(spectrum, "smooth", points=9.0, order=3.0)
    assert 0.5 < done.noise.correlation < 1
    assert done.y.sum() == pytest.approx(spectrum.y.sum(), rel=2e-3)
    with pytest.raises(BadModel):
        run(spectrum, "smooth", points=8.0, order=3.0)


def test_transmission_is_divided_once():
    curve = 1.0 + 0.02 * (X - 275.0)
    spectrum = counted().with_(transmission=curve)
    done = run(spectrum, "transmission")
    np.testing.assert_allclose(done.y * curve / curve.mean(), spectrum.y, rtol=1e-12)
    # What is left to divide by is the mean, so that counts/T is what it was.
    np.testing.assert_allclose(done.y / done.transmission, spectrum.y / curve, rtol=1e-12)
    assert np.ptp(done.transmission) == 0
    assert ("transmission", "divided out, relative to its mean") in done.meta.extra
    with pytest.raises(BadData, match="records no transmission"):
        run(counted(), "transmission")


def test_sign():
    negative = counted().with_(counts=-counted().y, noise=Noise())
    assert run(negative, "sign").y.min() > 0
    assert run(counted(), "sign").noise.kind == "unknown"


# -- energies ---------------------------------------------------------------------------------------------------


def test_two_point_scale():
    """The straight line of ISO 15472: both lines stand where they belong afterwards."""
    lines = {f"{row.line.name}": row.binding_energy for row in calibration_lines()}
    assert lines == {"Au 4f7/2": 83.96, "Ag 3d5/2": 368.21, "Cu 2p3/2": 932.62}
    step = energy_scale_step((84.10, 932.40), (83.96, 932.62), "Au and Cu")
    axis = np.array([84.10, 508.25, 932.40])
    done = Recipe((step,)).apply(Spectrum(Axis(axis, "binding_energy"), np.ones(3)))
    np.testing.assert_allclose(done.x, [83.96, 508.29, 932.62], atol=1e-9)
    kinetic = Spectrum(Axis(1486.6 - axis[::-1], "kinetic_energy"), np.ones(3), meta=Meta(photon_energy=1486.6))
    np.testing.assert_allclose(Recipe((step,)).apply(kinetic).x, 1486.6 - done.x[::-1], atol=1e-9)


@pytest.mark.parametrize(("measured", "true"), [((84, 86), (83.96, 85)), ((84, 932), (83.96, 1000)),
                                                ((84, 932), (50, 900))])
def test_scales_that_are_refused(measured, true):
    with pytest.raises(BadData):
        two_points(measured, true)


def test_the_scale_comes_before_the_shift():
    recipe = Recipe((energy_shift(1.0, "C 1s"),)).with_front(energy_scale_step((84.0, 932.0), (83.96, 932.62), ""))
    assert [step.kind for step in recipe.steps] == ["energy_scale", "energy_shift"]
    assert recipe.energy_shift == 1.0


def test_last_answer_is_kept():
    spectrum, recipe = counted(), Recipe((Step("rebin", (("channels", 2.0),)),))
    assert recipe.apply(spectrum) is recipe.apply(spectrum)
    assert Recipe().apply(spectrum) is spectrum


def test_a_step_switched_off_does_nothing():
    off = Recipe((replace(energy_shift(1.0, "C 1s"), enabled=False),))
    assert off.apply(counted()).x.tolist() == X.tolist()
    assert (off.energy_shift, off.charge_reference()) == (0, "")


# -- satellites -------------------------------------------------------------------------------------------------


def test_satellites_are_solved_for():
    """Cast with the forward model of an independent sum, then taken out: exact but for the rounding of the passes."""
    x = np.round(np.arange(260.0, 310.0, 0.1), 6)
    lines = [(9.8, 0.064), (11.8, 0.032)]

    def peaks(at):
        return 50.0 + 1e4 * np.exp(-0.5 * ((at - 285.0) / 0.7) ** 2) + 3e3 * np.exp(-0.5 * ((at - 292.0) / 0.9) ** 2)

    measured = peaks(x) + sum(f * peaks(x + d) for d, f in lines)
    spectrum = Spectrum(Axis(x, "binding_energy"), measured, Noise("poisson", 1.0))
    done = run(spectrum, "satellites", lines="9.8 0.064; 11.8 0.032")
    np.testing.assert_allclose(done.y, peaks(x), atol=0.5)
    # A window of Auger lines casts none: its peak is left where it is, and nothing is dug below it.
    auger = run(spectrum, "satellites", lines="9.8 0.064; 11.8 0.032", auger_low=288.0, auger_high=297.0)
    at = np.argmin(np.abs(x - 282.2))
    assert auger.y[at] - done.y[at] == pytest.approx(3e3 * 0.064, rel=0.15)


def test_library_satellites_are_written_into_the_step():
    step = satellites_step("Mg", (700.0, 720.0))
    assert parse_lines(step.get("lines")) == tuple((s.displacement, s.height) for s in xray_satellites("Mg"))
    assert "unverified" in step.note
    assert all(s.confidence == "unverified" and "unverified" in s.source for s in xray_satellites("Al"))


@pytest.mark.parametrize("text", ["", "9.8", "a b", "-1 0.1", "9.8 0.6", "1 2 3", "nan 0.1"])
def test_bad_satellites(text):
    with pytest.raises(BadModel):
        run(counted(), "satellites", lines=text)


# -- spikes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [Noise("poisson", 1.0), Noise("poisson"), Noise()])
def test_spikes_are_found_and_nothing_else(noise, measured):
    places, found, false = (30, 90, 140), 0, 0
    for seed in range(60):
        clean = counted(seed).with_(noise=noise)
        false += len(find_spikes(clean))
        y = clean.counts.copy()
        y[list(places)] += 600
        seen = {spike.channel for spike in find_spikes(clean.with_(counts=y))}
        found += len(seen & set(places))
        false += len(seen - set(places))
    name = f"spikes of 600 counts found, noise {noise.kind}{' known' if noise.known else ''}"
    measured(name, found / 180, "", ">= 0.95")
    assert found / 180 >= 0.95
    assert false <= 6, "in 120 spectra of 200 channels"


def test_spikes_are_listed_and_replaced():
    y = counted().counts.copy()
    y[60] += 2000
    spectrum = counted().with_(counts=y)
    found = find_spikes(spectrum)
    assert [spike.channel for spike in found] == [60]
    assert found[0].position == pytest.approx(281.0)
    done = Recipe((spikes_step(found, 6.0),)).apply(spectrum)
    assert done.counts.dtype.kind == "i"
    assert abs(done.y[60] - MEAN[60]) < 80
    assert np.flatnonzero(done.y != spectrum.y).tolist() == [60]
    assert any(name == "spikes" and "281.00" in text for name, text in done.meta.extra)
    with pytest.raises(BadModel):
        run(spectrum, "spikes", channels="500")


BAD = [
    ("normalise", {"mode": "odd"}), ("rebin", {"channels": 1.0}), ("rebin", {"channels": 150.0}), ("smooth", {}),
    ("resample", {"step": 0.0}), ("resample", {"step": 1e-9}), ("resample", {"step": 0.1, "low": 200.0}),
    ("background", {"low": 1.0, "high": 2.0}), ("background", {"low": 280.0, "high": 290.0, "background": "none"}),
    ("sum_sweeps", {"shifts": "", "method": "whole"}), ("charge_state", {"state": ""}), ("unit", {"to": "apples"}),
]


@pytest.mark.parametrize(("kind", "params"), BAD)
def test_bad_steps(kind, params):
    with pytest.raises((BadData, BadModel)):
        run(counted(), kind, **params)
