"""Names of lines: all that mass, width and isotopes leave possible."""

import numpy as np
import pytest

from fitting.processing.mass_scale import mass_scale_step
from fitting.recipe import Recipe
from fitting.sims.assignment import formulas_of, isotope_test, known_ions, label_of, named, options_of, plain_label
from fitting.sims.peaks import find_lines
from fitting.sims.setup import MassPeak
from fitting.simulate.sims.interphase import expected as expected_ions
from fitting.simulate.sims.interphase import interphase
from fitting.simulate.sims.mass_spectrum import OFFSET, RESOLUTION, SLOPE, mass_spectrum
from libraries.errors import BadData, UnknownName
from libraries.ions import isotopologues, parse_ion
from tests.fitting.sims.mass_spectra import axis_of, expected, of_ions


def peaks_of(ions, polarity, seed=0, resolution=7000.0):
    rng = np.random.default_rng(seed)
    mz, slope = axis_of()
    y = rng.poisson(expected(mz, slope, of_ions(ions), resolution=resolution))
    found = find_lines(mz, y).lines
    among = known_ions(polarity)
    result = {}
    for line in found:
        options = options_of(line, mz, y, among, resolution=resolution, known=found)
        result[round(line.mass, 2)] = (named(line, options), options)
    return result


@pytest.mark.parametrize(("ions", "polarity", "mass", "both"), [  # pairs of ../shared/design/science-sims.md
    ([("PF6-", 9e3)], "negative", 144.96, {"PF6-", "Na3F4-"}),
    ([("NaF2-", 2e4), ("CHO3-", 1e4)], "negative", 60.99, {"NaF2-", "CHO3-"}),
    ([("Na3F2+", 2e4), ("Na2HCO3+", 2e4)], "positive", 106.97, {"Na3F2+", "Na2HCO3+"}),
    ([("HSO4-", 5e3)], "negative", 96.96, {"HSO4-", "H2PO4-"}),
])  # fmt: skip
def test_what_resolution_cannot_part_stays_in_the_name(ions, polarity, mass, both):
    peak, _ = peaks_of(ions, polarity)[mass]
    assert {peak.name, *peak.alternatives} == both


def test_parted_ions_have_one_name():
    found = peaks_of([("Na2OH+", 5e4), ("Na2F+", 3e4), ("Na2O+", 2e4)], "positive")
    for mass, name in ((62.98, "Na2OH+"), (64.98, "Na2F+"), (61.97, "Na2O+")):
        assert found[mass][0].name == name
        assert found[mass][0].alternatives == ()


def test_isotopes_fit_the_true_ion_and_limit_the_false():
    """ClO4- has 37ClO4- at a third; the same line as something with chlorine but without 37Cl is not ClO4-."""
    mz, slope = axis_of()
    rng = np.random.default_rng(1)
    true = rng.poisson(expected(mz, slope, of_ions([("ClO4-", 20_000.0)])))
    line = next(one for one in find_lines(mz, true).lines if abs(one.mass - 98.949) < 0.01)
    test = isotope_test(parse_ion("ClO4-"), line, mz, true, line.width)
    assert test.lines >= 1
    assert test.chi2 < 4 * test.lines + 6
    assert test.part == 1.0 or test.part > 0.9
    false = rng.poisson(expected(mz, slope, [(98.94906, 20_000.0)]))
    line = next(one for one in find_lines(mz, false).lines if abs(one.mass - 98.949) < 0.01)
    limited = isotope_test(parse_ion("ClO4-"), line, mz, false, line.width)
    assert limited.part < 0.05
    assert "%" in limited.words


def test_chi2_of_isotopes_has_its_mean():
    rng = np.random.default_rng(2)
    mz, slope = axis_of(40_000)
    mean = expected(mz, slope, of_ions([("NaCl2-", 30_000.0)]))
    sums, lines = 0.0, 0
    for _ in range(20):
        y = rng.poisson(mean)
        found = find_lines(mz, y).lines
        line = min(found, key=lambda one: abs(one.mass - 92.928))
        test = isotope_test(parse_ion("NaCl2-"), line, mz, y, line.mass / 7000, found)
        sums, lines = sums + test.chi2, lines + test.lines
    assert sums / lines == pytest.approx(1.0, abs=0.5)


def test_ions_without_other_isotopes_say_so():
    found = peaks_of([("NaF2-", 2e4)], "negative")
    _, options = found[60.99]
    assert next(one for one in options if one.ion.text == "NaF2-").test.words == "no other isotope"


def test_excluded_ion_leaves_the_label():
    """Na2^37Cl+ beside VO2+ (7 117): without the line of Na2Cl+ at 80.948 it is VO2+ alone."""
    peak, _ = peaks_of([("VO2+", 2e4)], "positive")[82.93]
    assert peak.name == "VO2+"
    assert "Na2^37Cl+" not in peak.alternatives
    both = peaks_of([("VO2+", 2e4), ("Na2Cl+", 6e4)], "positive")[82.94][0]
    assert {both.name, *both.alternatives} == {"VO2+", "Na2^37Cl+"}


def test_formulas_hold_the_true_one_and_lie_within_the_tolerance():
    for text in ("Na2CHO2+", "C3H5O3Na2+", "Na2ClO4+"):
        ion = parse_ion(text)
        found = formulas_of(ion.mz, "positive", ("H", "C", "O", "Na", "Cl"), tolerance=20)
        assert any(one.same_atoms(ion) for one in found)
        assert all(abs(one.mz / ion.mz - 1) < 20.001e-6 for one in found)
    with pytest.raises(BadData, match="fewer elements"):
        formulas_of(180.0, "negative", ("H", "B", "C", "N", "O", "F", "Na", "P", "S", "Cl"), tolerance=2000)


def test_formulas_are_complete():
    """Against a plain search of all combinations."""
    masses = {"H": 1.00782503223, "C": 12.0, "O": 15.99491461957}
    target = parse_ion("C3H5O2+").mz
    count = sum(abs(h * masses["H"] + c * masses["C"] + o * masses["O"] - 0.000548579909 - target) < 500e-6 * target
                for h in range(13) for c in range(11) for o in range(9))
    assert len(formulas_of(target, "positive", ("H", "C", "O"), tolerance=500)) == count


def test_own_ions_and_polarity():
    assert any(one.ion.text == "Na5F4+" for one in known_ions("positive", ("Na5F4+",)))
    with pytest.raises(BadData, match="positive"):
        known_ions("positive", ("Cl-",))
    with pytest.raises(UnknownName):
        known_ions("positive", ("Xx+",))


def test_labels():
    peak = MassPeak("PF6-", 144.9647, 144.9, 145.0, ("Na3F4-",))
    assert label_of(peak) == "PF₆⁻ or Na₃F₄⁻"
    assert plain_label(peak) == "PF6- or Na3F4-"
    assert label_of(MassPeak("", 12.3456, 12.3, 12.4)) == "12.3456"
    assert label_of(MassPeak("my line", 12.3456, 12.3, 12.4)) == "my line"


@pytest.fixture(scope="module")
def truth():
    return interphase(1, size=16)[2]


@pytest.mark.parametrize("polarity", ["positive", "negative"])
def test_lines_of_the_simulated_interphase_carry_their_true_ions(truth, polarity, measured):
    """All ions of the simulation that make a found line are among its names, where they make a tenth of it."""
    spectrum = mass_spectrum(truth, polarity, 1, size=128)
    processed = Recipe((mass_scale_step(SLOPE, OFFSET),)).apply(spectrum)
    mz, y = processed.x, processed.y
    found = find_lines(mz, y).lines
    table = truth.positive if polarity == "positive" else truth.negative
    strength = sum(expected_ions(share, polarity, table) for share in truth.fractions)
    ions = {}
    for text, amount in zip(table.ions, strength, strict=True):
        for ion, share in isotopologues(parse_ion(text), 0.01) if "^" not in text else ():
            ions[ion.text] = (ion, amount * share)
    among, right, lines = known_ions(polarity), 0, 0
    for line in found:
        width = line.resolution if line.width > 0 else RESOLUTION
        here = [(ion, amount) for ion, amount in ions.values() if abs(ion.mz - line.mass) < 0.5 * line.mass / width]
        total = sum(amount for _, amount in here)
        wanted = [ion for ion, amount in here if amount > 0.2 * total]
        if line.counts < 300 or not wanted:
            continue
        options = options_of(line, mz, y, among, resolution=RESOLUTION, known=found)
        peak = named(line, options)
        names = [parse_ion(text) for text in (peak.name, *peak.alternatives) if text]
        lines += 1
        right += all(any(ion.same_atoms(one) for one in names) for ion in wanted)
    measured(f"simulated {polarity} spectrum: lines named with their true ions", 100 * right / lines, "%", ">= 95")
    assert lines > 35
    assert right / lines >= 0.95
