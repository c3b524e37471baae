"""Elements of surveys: random surfaces, the sample project, measured files, shifts, evidence, limits, ghosts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy
from fitting.xps.identify.candidates import identify
from fitting.xps.identify.expected import ELEMENTS, element_lines
from fitting.xps.identify.ghosts import ghost_energy, overlaps
from fitting.xps.identify.limits import detection_limit
from libraries.errors import Cancelled, NotDetermined, UnknownName
from libraries.sensitivity import scofield
from tests.fitting.xps.surfaces import detectable, random_surface
from tests.fitting.xps.surfaces import measured as measure

PHOTON = 1486.6


def survey(name, seed=4):
    simulation = noisy(expectation(xps_sample(name)), seed)
    return simulation.spectrum("Survey")


@pytest.fixture(scope="module")
def hard_carbon():
    spectrum = survey("Cycled hard carbon")
    return spectrum, identify(spectrum)


def score(seeds, measured):
    """Precision and recall over random surfaces."""
    right = wrong = missed = shifted = 0
    for seed in seeds:
        simulation = measure(seed)
        found = identify(simulation.spectra[0])
        truth = set(simulation.truth.at_percent)
        right += len(truth & set(found.found))
        wrong += len(set(found.found) - truth)
        missed += len(detectable(seed, simulation, found.search) - set(found.found))
        shifted += abs(found.shift - random_surface(seed).charging) > 2.5
    precision, recall = right / (right + wrong), right / (right + missed)
    measured("precision of elements found in random surveys", precision, f"{len(seeds)} surveys", ">= 0.97")
    measured("recall of detectable elements in random surveys", recall, f"{len(seeds)} surveys", ">= 0.85")
    measured("random surveys whose charging was missed by more than 2.5 eV", shifted, f"of {len(seeds)}", "")
    return precision, recall


def test_random_surfaces(measured):
    precision, recall = score(range(4), measured)
    assert precision >= 0.97
    assert recall >= 0.85


@pytest.mark.full
def test_random_surfaces_long(measured):
    precision, recall = score(range(200), measured)
    assert precision >= 0.97
    assert recall >= 0.85


@pytest.mark.parametrize(
    ("name", "there", "absent"),
    [
        ("VN on sodium", {"V", "N", "O", "C", "Na"}, "S Si Fe Pt Cl F"),
        ("Cycled hard carbon", {"C", "O", "Na", "F", "Cl"}, "V S Si Fe Pt"),
        ("Na on HOPG", {"C", "Na"}, "O V Pt S"),  # what looks like O 1s is Na KL1L23
    ],
)
def test_sample_surveys(name, there, absent):
    found = identify(survey(name))
    assert set(found.found) == there
    assert not set(found.found) & set(absent.split())


def test_na_auger_under_oxygen_is_told(hard_carbon):
    _, found = hard_carbon
    assert any("Na KL1L23" in text and "O 1s" in text for text in found.warnings)
    metal = identify(survey("Na on HOPG"))
    if "O" in metal.possible:
        assert "Auger" in metal.element("O").reason
    # At Mg Ka the line lies at 286 to 304 eV instead.
    assert not any("O 1s" in text for text in overlaps(["Na", "O"], 1253.6, (0.0, 1200.0)) if "KL1L23" in text)


def test_charging_is_found_and_can_be_given():
    spectrum = survey("Cycled hard carbon")
    moved = spectrum.with_(axis=Axis(spectrum.x + 6.0, "binding_energy"))
    free = identify(moved)
    assert free.shift == pytest.approx(6.5, abs=1.6)  # the sample itself is charged by 0.85 eV
    assert {"C", "O", "Na", "F"} <= set(free.found)
    given = identify(moved, shift=6.85, search=free.search)
    assert given.shift_source == "given"
    assert {"C", "O", "Na", "F"} <= set(given.found)


def test_evidence_is_told_line_by_line(hard_carbon):
    _, found = hard_carbon
    sodium = found.element("Na")
    rows = {line.line: line for line in sodium.lines}
    assert rows["Na 1s"].status == "seen"
    assert rows["Na 1s"].found == pytest.approx(1072.4, abs=0.6)
    assert 0.3 < rows["Na 2s"].ratio < 3.0
    assert any(line.kind == "auger" and line.status == "auger" for line in sodium.lines)
    assert sum(item.at_percent for item in found.elements if item.verdict == "found") == pytest.approx(100.0)
    truth = expectation(xps_sample("Cycled hard carbon")).truth.at_percent
    for symbol in ("C", "O", "Na", "F"):
        assert 0.5 < found.element(symbol).at_percent / truth[symbol] < 2.0, symbol
    with pytest.raises(NotDetermined):
        found.element("U")


def test_every_peak_is_explained_or_listed(hard_carbon):
    _, found = hard_carbon
    listed = {item.peak.position for item in found.others}
    for peak, owners in zip(found.search.peaks, found.owners, strict=True):
        assert bool(owners) != (peak.position in listed)


def test_two_lines_that_should_be_one_element_are_refused():
    """A lone peak at the energy of Ag 3d5/2 without 3d3/2: silver is not found."""
    x = np.arange(200.0, 700.0, 0.5)
    mean = 2000.0 + 9000.0 * np.exp(-4 * np.log(2) * ((x - 368.3) / 2.4) ** 2)
    counts = np.random.default_rng(1).poisson(mean)
    spectrum = Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), Meta(photon_energy=PHOTON))
    found = identify(spectrum, shift=0.0, elements=("Ag", "C", "O"))
    assert "Ag" not in found.found
    assert found.element("Ag").missing
    assert [round(p.position) for p in found.unexplained] == [368]


def test_expected_intensities_are_cross_sections():
    """Weights of lines without transmission are Scofield's factors: T times lambda is one."""
    rows = {line.name: line for line in element_lines("Ni", PHOTON, 0.0, 1300.0).lines}
    expected = scofield("Ni 2p1/2", PHOTON).value / scofield("Ni 2p3/2", PHOTON).value
    assert rows["Ni 2p1/2"].weight / rows["Ni 2p3/2"].weight == pytest.approx(expected, rel=1e-6)
    assert rows["Ni 3p"].weight / rows["Ni 2p3/2"].weight == pytest.approx(
        scofield("Ni 3p", PHOTON).value / scofield("Ni 2p3/2", PHOTON).value, rel=1e-6)
    assert rows["Ni 2p3/2"].shell == rows["Ni 2p1/2"].shell == "Ni 2p"
    assert "H" not in ELEMENTS
    assert "He" not in ELEMENTS


def test_detection_limit_covers_at_the_right_rate(hard_carbon, measured):
    """At the limit an element must be detected in 95 % of measurements: the area of S 2p as its local fit gives it."""
    spectrum, found = hard_carbon
    limit = detection_limit(spectrum, found, "S")
    assert limit.line == "S 2p"
    assert not limit.below
    assert 0.02 < limit.at_percent < 1.0
    # Currie on its own: 2.71 + 3.29 sqrt(B) counts for a blank known beforehand, B in the width of the line; the local
    # fit has to tell the line from its background, which costs a factor of 1 to 3.
    here = np.abs(spectrum.x - limit.energy) < 1.1 * 2.2
    plain = 0.5 * (2.71 + 3.29 * np.sqrt(float(np.sum(spectrum.y[here]))))
    measured("detection limit of S over Currie's limit for a known blank", limit.area / plain, "", "1 to 3.5")
    assert 1.0 < limit.area / plain < 3.5
    with pytest.raises(UnknownName):
        detection_limit(spectrum, found, "Qq")
    sodium = detection_limit(spectrum, found, "V")
    assert sodium.at_percent > 0


def test_ghosts_and_satellites_are_named_only_without_a_monochromator():
    """A copy of a strong line at the distance of Mg Ka under an Al source."""
    x = np.arange(0.0, 1200.0, 0.5)

    def peak(place, height):
        return height * np.exp(-4 * np.log(2) * ((x - place) / 2.4) ** 2)

    distance = PHOTON - ghost_energy("Mg Ka")
    mean = 3000.0 + peak(531.5, 60000.0) + peak(531.5 + distance, 2500.0) + peak(284.8, 30000.0)
    counts = np.random.default_rng(2).poisson(mean)
    meta = Meta(photon_energy=PHOTON, source="Al Ka")
    plain = Spectrum(Axis(x, "binding_energy"), counts, Noise("poisson", 1.0), meta)
    found = identify(plain, shift=0.0, elements=("C", "O"))
    ghosts = [item for item in found.others if item.kind == "ghost"]
    assert len(ghosts) == 1
    assert "Mg Ka" in ghosts[0].words
    assert abs(ghosts[0].peak.position - 531.5 - distance) < 1.0
    mono = identify(plain.with_(meta=replace(meta, source="Al Ka monochromated")), shift=0.0, elements=("C", "O"))
    assert not any(item.kind == "ghost" for item in mono.others)
    assert ghost_energy("Mg Ka") == pytest.approx(1253.6, abs=0.2)
    assert ghost_energy("O Ka") == pytest.approx(524.9, abs=0.2)


def test_no_photon_energy_and_cancel(hard_carbon):
    spectrum, found = hard_carbon
    with pytest.raises(NotDetermined, match="photon energy"):
        identify(spectrum.with_(meta=replace(spectrum.meta, photon_energy=None)))
    calls = []
    with pytest.raises(Cancelled):
        identify(spectrum, search=found.search, progress=lambda f, t: calls.append(f), cancel=lambda: len(calls) > 3)
    assert all(0.0 <= f <= 1.0 for f in calls)


# What is in them: the README of the measured files and their own names; MoS2 layers lie on a conducting oxide.
@pytest.mark.realdata
@pytest.mark.parametrize(
    ("file", "place", "there", "shift"),
    [
        ("MgFe2O4_regular.vms", 0, "Mg Fe O C", 0.0),
        ("SnO2_10nm.spe", 0, "Sn O C", None),
        ("NiW_0-150W.vms", 0, "W O C", -3.0),
        ("MoS2_WS2_assigned.vms", 0, "W S O C", -3.3),
        ("MoS2_WS2_assigned.vms", 3, "Mo S O C", -3.7),
    ],
)
def test_measured_surveys(realdata, file, place, there, shift):
    from app.files import read

    surveys = [s for s in read(realdata / "xps" / file) if s.x[-1] - s.x[0] > 400]
    found = identify(surveys[place])
    assert set(there.split()) <= set(found.found)
    # Nothing that nobody would expect: rare earths, noble gases, precious metals, actinides.
    rare = set("Ce Pr Nd Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Ru Rh Pd Re Os Ir Pt Au Hg Tl Th U Ne Ar Kr Xe Hf".split())
    assert not rare & set(found.found)
    if shift is not None:
        assert found.shift == pytest.approx(shift, abs=1.1)
