"""The XPS sample project: compositions, stoichiometry, energy scale, counts, and the trap under O 1s."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import curve_fit

from fitting.simulate.samples import NAMES, cited, xps_sample, xps_samples
from fitting.simulate.xps import expectation, simulate
from libraries.compounds import lines_of
from libraries.errors import UnknownName

SAMPLES = {sample.name: sample for sample in xps_samples()}
every_sample = pytest.mark.parametrize("name", NAMES)


@every_sample
def test_truth_sums_to_hundred(name):
    truth = simulate(SAMPLES[name]).truth
    assert sum(truth.at_percent.values()) == pytest.approx(100.0, abs=1e-9)
    assert sum(truth.state_percent.values()) == pytest.approx(100.0, abs=1e-9)
    for element, value in truth.at_percent.items():
        states = [state.name for state in SAMPLES[name].states if state.element == element]
        assert sum(truth.state_percent[item] for item in states) == pytest.approx(value, abs=1e-9)


def test_salts_are_stoichiometric():
    truth = simulate(SAMPLES["Cycled hard carbon"]).truth.state_percent
    assert truth["Na2CO3 O"] == pytest.approx(3 * truth["Na2CO3 C"])
    assert truth["Na2CO3 Na"] == pytest.approx(2 * truth["Na2CO3 C"])
    assert truth["NaF Na"] == pytest.approx(truth["NaF F"])
    assert truth["NaClO4 O"] == pytest.approx(4 * truth["NaClO4 Cl"])
    assert truth["C-O C"] == pytest.approx(2 * truth["C-O O"])


def test_energies_are_the_cited_ones():
    vn, cycled, hopg = (SAMPLES[name] for name in ("VN on sodium", "Cycled hard carbon", "Na on HOPG"))
    assert vn.state("VN V").binding_energy == 513.3
    assert vn.state("VN N").binding_energy == 397.5
    assert hopg.state("Na metal Na").binding_energy == 1072.0
    for sample in SAMPLES.values():
        assert sample.state(sample.reference).binding_energy == 284.6
        assert all(state.source for state in sample.states)
    fluoride = cycled.state("NaF Na").binding_energy - cycled.state("NaF F").binding_energy
    assert fluoride == pytest.approx(386.8, abs=0.01)
    for name in ("Na2CO3 C", "Na2CO3 O", "Na2CO3 Na"):
        state = cycled.state(name)
        rows = [row for row in lines_of("Na2CO3") if row.line.name == f"{state.element} 1s"]
        assert min(abs(row.central - state.binding_energy) for row in rows) < 0.35
    # The Auger parameter tells metal from ion.
    metal = hopg.state("Na metal Na")
    assert metal.auger_energy + metal.binding_energy == pytest.approx(2065.9, abs=0.2)
    ion = cycled.state("NaF Na")
    assert ion.auger_energy + ion.binding_energy == pytest.approx(2060.6, abs=0.05)


@every_sample
def test_carbon_stands_at_its_reference_once_charging_is_undone(name):
    sample = SAMPLES[name]
    index = next(i for i, window in enumerate(sample.acquisitions) if window.region == "C 1s")
    window, counts = sample.acquisitions[index], expectation(sample).counts[index]
    top = int(np.argmax(counts))
    near = slice(top - 3, top + 4)
    parabola = np.polyfit(window.energies[near], counts[near], 2)
    assert -parabola[1] / (2 * parabola[0]) - sample.charging == pytest.approx(284.6, abs=0.06)


@every_sample
def test_main_peaks_have_the_counts_of_real_regions(name):
    simulation = simulate(SAMPLES[name], seed=5)
    highest = {item.meta.region: int(item.counts.max()) for item in simulation.spectra}
    assert 5e3 < max(highest.values()) < 1e5
    assert all(value > 1e3 for value in highest.values())
    assert simulation.spectra[0].meta.region == "Survey"
    assert simulation.spectra[0].x[0] == 0.0
    assert simulation.spectra[0].x[-1] >= 1200.0


@every_sample
def test_every_element_has_its_window(name):
    simulation = simulate(SAMPLES[name])
    regions = " ".join(item.meta.region for item in simulation.spectra)
    assert all(f"{element} " in regions for element in simulation.truth.at_percent)


def test_vanadium_and_oxygen_share_a_window():
    window = simulate(SAMPLES["VN on sodium"]).spectrum("V 2p + O 1s")
    assert window.x[0] < 510.0
    assert window.x[-1] > 540.0


@pytest.mark.parametrize("name", ["Cycled hard carbon", "Na on hard carbon", "Na on HOPG"])
def test_sodium_auger_line_lies_in_the_oxygen_window(name):
    sample = SAMPLES[name]
    truth, window = simulate(sample).truth, simulate(sample).spectrum("O 1s")
    auger = [line for line in truth.lines if line.level == "KL1L23 1P"]
    assert auger
    for line in auger:
        assert 530.0 < line.binding_energy < 538.0
        assert window.x[0] < line.binding_energy + sample.charging < window.x[-1]
    oxygen = sum(line.area for line in truth.lines if (line.element, line.level) == ("O", "1s"))
    # Taken for oxygen, the Auger line would change the answer by more than a tenth.
    assert sum(line.area for line in auger) > 0.1 * oxygen


def test_sodium_on_graphite_shows_plasmons():
    sample = SAMPLES["Na on HOPG"]
    index = next(i for i, window in enumerate(sample.acquisitions) if window.region == "Na 1s")
    x, y = sample.acquisitions[index].energies - sample.charging, expectation(sample).counts[index]

    def top(low: float, high: float) -> float:
        near = (x > low) & (x < high)
        fit, _ = curve_fit(
            lambda e, a, p, w, b, c: a * np.exp(-(((e - p) / w) ** 2)) + b + c * (e - p),
            x[near], y[near], [np.ptp(y[near]), (low + high) / 2, 1.0, y[near].min(), 0.0],
        )
        return float(fit[1])

    main, first, second = top(1071.2, 1072.8), top(1076.5, 1079.2), top(1082.2, 1085.2)
    assert main == pytest.approx(1072.0, abs=0.1)
    assert first - main == pytest.approx(5.8, abs=0.2)
    assert second - first == pytest.approx(5.8, abs=0.3)


def test_intrinsic_plasmon_takes_from_the_main_line_and_leaves_the_amount():
    plain, shaken = (next(s for s in xps_samples(share) if s.name == "Na on HOPG") for share in (0.0, 0.15))
    index = next(i for i, window in enumerate(plain.acquisitions) if window.region == "Na 1s")
    assert expectation(plain).truth.at_percent == expectation(shaken).truth.at_percent
    heights = [expectation(item).counts[index].max() for item in (plain, shaken)]
    assert heights[1] / heights[0] == pytest.approx(0.85, abs=0.01)


def test_samples_are_found_by_name():
    assert xps_sample("Na on HOPG") is SAMPLES["Na on HOPG"]
    with pytest.raises(UnknownName, match="VN on sodium"):
        xps_sample("gold")
    with pytest.raises(UnknownName):
        cited("VN", "O 1s")
