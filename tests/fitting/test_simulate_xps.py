"""Simulated spectra: areas, statistics, Auger lines, energy scale, and that the fit sees no truth."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.simulate.auger import series
from fitting.simulate.loss import UNIVERSAL
from fitting.simulate.specimen import Acquisition, Instrument, SampleSpec, Satellite, State
from fitting.simulate.xps import _expectation, expectation, noisy, simulate
from libraries.attenuation import imfp_tpp2m
from libraries.core_levels import doublet
from libraries.errors import BadData, BadModel, UnknownName
from libraries.sensitivity import cross_section

HV = 1486.6
# Sharp lines on an instrument without losses to look at: carbon, nitrogen and vanadium nitride.
CARBON = State("C", "C", "1s", 284.6, 1.0, 0.6)
NITRIDE = State("N", "N", "1s", 397.5, 1.0, 0.6)
VANADIUM = State("V", "V", "2p3/2", 513.3, 1.0, 0.6)
C_1S = Acquisition("C 1s", 265.0, 305.0, 0.05, 10.0, 0.5, 4.0, "C", "1s")
N_1S = Acquisition("N 1s", 378.0, 418.0, 0.05, 10.0, 0.5, 4.0, "N", "1s")


def sample(*states: State, **more) -> SampleSpec:
    return SampleSpec("test", "graphite", states, **more)


def peak(window: Acquisition, spec: SampleSpec, instrument: Instrument | None = None):
    """Energies and unscattered counts of a window."""
    expected = expectation(spec, instrument, (window,))
    return window.energies, expected.counts[0] - expected.backgrounds[0]


def area(window: Acquisition, spec: SampleSpec, low: float, high: float, instrument: Instrument | None = None) -> float:
    x, y = peak(window, spec, instrument)
    inside = (x >= low) & (x <= high)
    return float(y[inside].sum() * window.step)


def test_area_is_cross_section_times_path_times_transmission():
    instrument = Instrument(brightness=0.05)
    spec = sample(CARBON, replace(NITRIDE, amount=3.0))
    for window, line, energy, share in ((C_1S, "C 1s", 284.6, 0.25), (N_1S, "N 1s", 397.5, 0.75)):
        kinetic = HV - energy
        rate = 0.05 * 0.5 * share * cross_section(line, HV) * imfp_tpp2m(kinetic, "graphite") * (kinetic / 1000) ** -0.7
        found = area(window, spec, energy - 18, energy + 18, instrument) / window.live_time
        # 0.2 % of a Lorentzian 0.1 eV wide lie outside the window.
        assert found == pytest.approx(rate, rel=4e-3)
        truth = expectation(spec, instrument, (window,)).truth.line(line[0], "1s")
        assert truth.area * 0.5 == pytest.approx(rate, rel=1e-9)


def test_transmission_written_into_the_spectrum_is_the_one_used():
    spectrum = simulate(sample(CARBON), None, (C_1S,)).spectra[0]
    # It covers the pass energy as well: 1 at 1000 eV and pass energy 20 eV.
    expected = spectrum.meta.pass_energy / 20.0 * ((HV - spectrum.x) / 1000.0) ** -0.7
    assert spectrum.transmission == pytest.approx(expected)


def test_areas_follow_time_and_pass_energy():
    spec = sample(CARBON)
    first = area(C_1S, spec, 275, 300)
    assert area(replace(C_1S, sweeps=8.0), spec, 275, 300) == pytest.approx(2 * first, rel=1e-9)
    assert area(replace(C_1S, pass_energy=20.0), spec, 275, 300) == pytest.approx(2 * first, rel=1e-3)


def test_width_grows_with_the_pass_energy():
    widths = []
    for energy in (10.0, 160.0):
        x, y = peak(replace(C_1S, pass_energy=energy), sample(CARBON))
        above = x[y > y.max() / 2]
        widths.append(above[-1] - above[0])
    assert widths[0] == pytest.approx(np.hypot(0.6, Instrument().width(10.0)), abs=0.15)
    assert widths[1] > 2.5


def test_vanadium_doublet():
    window = Acquisition("V 2p", 505.0, 530.0, 0.05, 10.0, 1.0, 1.0, "V", "2p")
    truth = expectation(sample(VANADIUM), None, (window,)).truth
    major, minor = truth.line("V", "2p3/2"), truth.line("V", "2p1/2")
    assert minor.binding_energy - major.binding_energy == pytest.approx(doublet("V", "2p").splitting)
    ratio = cross_section("V 2p1/2", HV) / cross_section("V 2p3/2", HV)
    assert minor.cross_section / major.cross_section == pytest.approx(ratio)
    assert ratio == pytest.approx(0.5, abs=0.02)
    x, y = peak(window, sample(VANADIUM))
    half = [np.ptp(x[(abs(x - top) < 3) & (y > y[abs(x - top) < 1].max() / 2)]) for top in (513.3, 520.8)]
    assert half[1] > half[0] + 0.2  # Coster-Kronig


def test_satellites_belong_to_the_line():
    shaken = replace(CARBON, satellites=(Satellite("pi-pi*", 6.5, 0.1, 2.0),))
    whole, main = area(C_1S, sample(shaken), 270, 300), area(C_1S, sample(shaken), 270, 288)
    assert whole == pytest.approx(area(C_1S, sample(CARBON), 270, 300), rel=1e-3)
    assert main / whole == pytest.approx(0.9, abs=0.01)


def test_auger_electrons_are_as_many_as_holes():
    sodium = State("Na", "Na", "1s", 1071.4, 1.0, auger_energy=989.2)
    truth = expectation(sample(sodium), None, (Acquisition("Na KLL", 480, 560),)).truth
    auger = [line for line in truth.lines if line.kind == "auger"]
    holes = sum(line.cross_section for line in auger)
    # KLM and fluorescence take the rest.
    assert holes / cross_section("Na 1s", HV) == pytest.approx(0.979 * 0.986, abs=0.002)
    apparent = {line.level: line.binding_energy for line in auger}
    assert apparent["KL23L23 1D"] == pytest.approx(HV - 989.2)
    assert apparent["KL1L23 1P"] == pytest.approx(536.7, abs=0.1)  # under O 1s


def test_auger_groups_are_the_rates_of_xraylib():
    import xraylib

    rates = {name: xraylib.AugerRate(11, getattr(xraylib, f"K_{name}_AUGER")) for name in
             ("L1L1", "L1L2", "L1L3", "L2L2", "L2L3", "L3L3")}
    shares = {feature.name: feature.share for feature in series("Na").features}
    assert shares["KL1L1 1S"] == pytest.approx(rates["L1L1"], abs=1e-3)
    assert shares["KL1L23 3P"] + shares["KL1L23 1P"] == pytest.approx(rates["L1L2"] + rates["L1L3"], abs=1e-3)
    assert shares["KL23L23 1D"] + shares["KL23L23 1S"] == pytest.approx(
        rates["L2L2"] + rates["L2L3"] + rates["L3L3"], abs=1e-3
    )
    assert xraylib.AugerYield(11, xraylib.K_SHELL) == pytest.approx(series("Na").electrons_per_hole, abs=1e-5)


def test_charging_moves_every_line_alike():
    spec = sample(CARBON, NITRIDE)
    for window in (C_1S, N_1S):
        moved = replace(window, low=window.low + 0.85, high=window.high + 0.85)
        still, shifted = (
            expectation(spec.with_(charging=shift), None, (item,)) for shift, item in ((0.0, window), (0.85, moved))
        )
        # The kinetic energy of the electrons changes a little, and with it the transmission.
        assert shifted.counts[0] == pytest.approx(still.counts[0], rel=3e-3)


def test_losses_of_one_line_lie_under_the_next():
    both = expectation(sample(CARBON, NITRIDE, loss=UNIVERSAL), None, (N_1S,))
    lone = expectation(sample(replace(CARBON, amount=0.0), NITRIDE, loss=UNIVERSAL), None, (N_1S,))
    nitrogen = sample(replace(CARBON, amount=0.0), NITRIDE)
    assert both.backgrounds[0][0] > lone.backgrounds[0][0] / 2  # half the N; what is there comes from carbon
    assert area(N_1S, sample(CARBON, NITRIDE), 380, 415) == pytest.approx(area(N_1S, nitrogen, 380, 415) / 2, rel=1e-3)


def test_background_rises_behind_a_line_without_a_step_of_shirley():
    expected = expectation(sample(CARBON), Instrument(cascade=0.0, dark=0.0), (C_1S,))
    low = expected.backgrounds[0]
    x = C_1S.energies
    at = {energy: low[np.argmin(abs(x - energy))] for energy in (280.0, 286.0, 295.0, 304.0)}
    # Shirley's step would be complete at 286 eV; an inelastic background has hardly begun there.
    assert at[286.0] - at[280.0] < 0.15 * (at[304.0] - at[280.0])
    assert at[295.0] < at[304.0]


def test_poisson_statistics():
    spec = sample(CARBON)
    expected = expectation(spec, None, (C_1S,))
    counts = np.stack([noisy(expected, seed).spectra[0].counts for seed in range(300)]).astype(float)
    mean = expected.counts[0]
    pulls = (counts - mean) / np.sqrt(mean)
    assert pulls.mean() == pytest.approx(0.0, abs=5 / np.sqrt(pulls.size))
    assert pulls.var() == pytest.approx(1.0, abs=0.02)
    assert np.corrcoef(pulls[:, :-1].ravel(), pulls[:, 1:].ravel())[0, 1] == pytest.approx(0.0, abs=0.01)


def test_same_seed_same_counts():
    spec = sample(CARBON)
    first, second, other = (simulate(spec, None, (C_1S,), seed).spectra[0] for seed in (3, 3, 4))
    assert np.array_equal(first.counts, second.counts)
    assert first.hash == second.hash
    assert not np.array_equal(first.counts, other.counts)


def test_regions_and_survey_are_one_spectrum():
    survey = Acquisition("Survey", 0.0, 1250.0, 0.5, 20.0, 0.1, 1.0)
    expected = expectation(sample(CARBON, NITRIDE), None, (survey, replace(N_1S, pass_energy=20.0)))
    x, y = N_1S.energies, expected.counts[1] / N_1S.live_time
    part = survey.energies[(survey.energies >= 378) & (survey.energies <= 418)]
    rate = expected.counts[0][(survey.energies >= 378) & (survey.energies <= 418)] / survey.live_time
    assert rate == pytest.approx(np.interp(part, x, y), rel=1e-6)


def test_spectrum_tells_what_a_file_would_tell_and_no_more():
    spec = sample(CARBON, charging=0.7)
    spectrum = simulate(spec, None, (C_1S,), 1).spectra[0]
    meta = spectrum.meta
    assert spectrum.counts.dtype.kind == "u"
    assert spectrum.noise == Noise("poisson", 1.0, origin="file")
    assert (meta.technique, meta.region, meta.element, meta.transition) == ("xps", "C 1s", "C", "1s")
    assert (meta.photon_energy, meta.pass_energy, meta.live_time) == (HV, 10.0, 2.0)
    assert (meta.emission_angle, meta.source_analyser_angle, meta.file_format) == (0.0, 54.7, "simulated")
    assert "0.7" not in " ".join((*meta.comments, meta.title, meta.charge_state))


def test_truth_names_what_it_lacks():
    simulation = simulate(sample(CARBON), None, (C_1S,))
    with pytest.raises(UnknownName):
        simulation.truth.line("C", "3d5/2")
    with pytest.raises(UnknownName):
        simulation.spectrum("O 1s")


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: sample(CARBON, CARBON), BadModel),
        (lambda: sample(replace(CARBON, amount=0.0)), BadModel),
        (lambda: replace(CARBON, amount=-1.0), BadModel),
        (lambda: replace(CARBON, asymmetry=0.6), BadModel),
        (lambda: replace(CARBON, satellites=(Satellite("all", 1.0, 1.0, 1.0),)), BadModel),
        (lambda: replace(C_1S, high=200.0), BadData),
        (lambda: sample(CARBON, reference="O"), UnknownName),
    ],
)
def test_nonsense_is_refused(make, error):
    with pytest.raises(error):
        make()


def test_speed(measured):
    spec = sample(CARBON, NITRIDE, VANADIUM)
    simulate(spec, None, (C_1S, N_1S))  # tables and look-ups
    _expectation.cache_clear()
    start = time.perf_counter()
    expected = expectation(spec, None, (C_1S, N_1S))
    middle = time.perf_counter()
    noisy(expected, 1)
    end = time.perf_counter()
    measured("noise-free XPS spectra of a sample", middle - start, "s", "< 0.5")
    measured("one noisy repeat", 1000 * (end - middle), "ms", "< 20")
    # Twice the limits: the machine may be busy with other tests.
    assert middle - start < 1.0
    assert end - middle < 0.04
