"""Peaks of surveys: no false ones on steps, recall at several doses, positions, noise that is not told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy
from fitting.xps.identify.peaks import find_peaks
from libraries.errors import BadData, Cancelled, NotDetermined
from tests.fitting.xps.surfaces import random_surface

NAMES = ("VN on sodium", "Cycled hard carbon", "Na on hard carbon")


def peakless(spec, dose, seed):
    """The inelastic background alone of a survey: steps of all its lines, and Poisson noise."""
    expected = expectation(spec)
    place = next(i for i, a in enumerate(expected.acquisitions) if a.region == "Survey")
    x = expected.acquisitions[place].energies
    counts = np.random.default_rng(seed).poisson(np.maximum(expected.backgrounds[place], 0.0) * dose)
    return Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), Meta(photon_energy=1486.6, region="S"))


def survey(name, dose, seed):
    expected = expectation(xps_sample(name))
    place = next(i for i, a in enumerate(expected.acquisitions) if a.region == "Survey")
    window = replace(expected.acquisitions[place], sweeps=expected.acquisitions[place].sweeps * dose)
    return noisy(expectation(xps_sample(name), None, (window,)), seed)


def false_rate(count, measured):
    """Surfaces whose electrons lose energy by the universal cross-section: steps with a hump 20 eV behind each line."""
    false = sum(len(find_peaks(peakless(random_surface(i), (0.1, 1.0, 10.0)[i % 3], i)).peaks) for i in range(count))
    measured("false peaks per peakless survey with Tougaard steps, threshold 5", false / count, "", "<= 0.5")
    return false / count


def test_steps_without_peaks_show_hardly_any_peak(measured):
    assert false_rate(6, measured) <= 0.5


def test_structured_losses_show_wide_humps_only():
    """Carbon loses energy around 22 eV: that is structure of the data, but no line."""
    search = find_peaks(peakless(xps_sample("Cycled hard carbon"), 1.0, 1))
    assert all(peak.fwhm > 7.0 for peak in search.peaks if peak.significance > 10)


@pytest.mark.full
def test_steps_without_peaks_show_hardly_any_peak_long(measured):
    assert false_rate(120, measured) <= 0.5


def test_noise_alone_shows_no_peak(measured):
    x = np.arange(0.0, 1000.0, 0.5)
    false = 0
    for seed in range(10):
        counts = np.random.default_rng(seed).poisson(np.full(x.size, 400.0))
        false += len(find_peaks(Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0))).peaks)
    measured("false peaks in 10 flat surveys of 2000 channels, threshold 5", false, "", "<= 1")
    assert false <= 1


# A line counts as strong where its area is 25 standard errors of the counting noise below it, and as free where all
# other lines within 8 eV together hold less than 3 % of its area.
@pytest.mark.parametrize("dose", [0.1, 1.0, 10.0])
def test_strong_free_lines_are_found_where_they_are(dose, measured):
    seen = lost = 0
    misses = []
    for seed in (1, 3, 5):
        spec = random_surface(seed)
        window = replace(spec.acquisitions[0], dwell=0.3 * dose)
        simulation = noisy(expectation(spec, None, (window,)), seed)
        search = find_peaks(simulation.spectra[0])
        factor = 160.0 / 20.0 * window.live_time
        lines = simulation.truth.lines
        for line in lines:
            place = line.binding_energy + spec.charging
            others = sum(o.area for o in lines if o is not line and abs(o.binding_energy - line.binding_energy) < 8.0)
            strong = line.area * factor > 25.0 * search.counting_at(place) and others < 0.03 * line.area
            if line.kind != "core" or not strong or not 40.0 < place < 1240.0:
                continue
            near = min((abs(p.position - place) for p in search.peaks), default=99.0)
            seen, lost = seen + (near < 1.0), lost + (near >= 1.0)
            misses += [near] if near < 1.0 else []
    recall, rms = seen / (seen + lost), float(np.sqrt(np.mean(np.square(misses))))
    measured(f"recall of strong free survey lines, dose {dose:g}", recall, f"of {seen + lost}", ">= 0.9")
    measured(f"rms position error of those lines, dose {dose:g}", rms, "eV", "<= 0.45")
    assert seen >= 8
    assert recall >= 0.9
    assert rms <= 0.45


def test_a_known_peak_comes_back_with_honest_errors(measured):
    """Gaussian on a line and a step: pulls of position and area over 100 measurements."""
    x = np.arange(200.0, 420.0, 0.5)
    shape = np.exp(-4.0 * np.log(2.0) * ((x - 300.3) / 2.6) ** 2)
    mean = 500.0 + 0.3 * (x - 200.0) + 600.0 * shape
    pulls, areas = [], []
    for seed in range(100):
        counts = np.random.default_rng(seed).poisson(mean)
        peak = max(find_peaks(Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0))).peaks,
                   key=lambda p: p.area)
        pulls.append((peak.position - 300.3) / peak.position_err)
        areas.append((peak.area - 600.0 * 2.6 * 1.0644670) / peak.area_err)
    measured("rms pull of survey peak positions", float(np.sqrt(np.mean(np.square(pulls)))), "", "0.8 to 1.2")
    assert 0.8 <= np.sqrt(np.mean(np.square(pulls))) <= 1.2
    assert 0.75 <= np.sqrt(np.mean(np.square(areas))) <= 1.25


def test_unknown_gain_is_estimated_and_rates_give_the_same_peaks():
    simulation = survey("Cycled hard carbon", 1.0, 1)
    spectrum = simulation.spectra[0]
    time = spectrum.meta.live_time
    rates = spectrum.with_(counts=spectrum.y / time, noise=Noise("poisson", None))
    known = find_peaks(spectrum)
    unknown = find_peaks(rates)
    assert unknown.gain == pytest.approx(1.0 / time, rel=0.15)
    assert "estimated" in unknown.noise
    places = np.array([p.position for p in unknown.peaks])
    strong = [p for p in known.peaks if p.significance > 10]
    assert all(np.min(np.abs(places - p.position)) < 0.5 for p in strong)


def test_kinetic_axis_gives_binding_energies():
    spectrum = survey("VN on sodium", 1.0, 2).spectra[0]
    turned = spectrum.with_(axis=Axis(1486.6 - spectrum.x[::-1], "kinetic_energy"), counts=spectrum.counts[::-1],
                            transmission=None)
    a, b = find_peaks(spectrum), find_peaks(turned)
    np.testing.assert_allclose([p.position for p in a.peaks], [p.position for p in b.peaks], atol=1e-6)
    with pytest.raises(NotDetermined, match="photon energy"):
        find_peaks(turned.with_(meta=replace(turned.meta, photon_energy=None)))


def test_bad_input_and_cancel():
    x = np.arange(100.0)
    short = Spectrum(Axis(x[:20], "binding_energy"), np.ones(20))
    with pytest.raises(BadData, match="50 channels"):
        find_peaks(short)
    with pytest.raises(BadData, match="not an electron energy axis"):
        find_peaks(Spectrum(Axis(x, "energy_loss"), np.ones(100)))
    with pytest.raises(Cancelled):
        find_peaks(Spectrum(Axis(x, "binding_energy"), np.full(100, 9)), cancel=lambda: True)
