"""Ion formulas, exact m/z, isotope patterns, labels of exported columns, assignment with alternatives."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries.errors import BadData, NotDetermined, UnknownName
from libraries.ion_list import assign, candidates, listed_ions, resolution_needed
from libraries.ions import envelope, isotopologues, natural_fraction, parse_ion, parse_label, written
from libraries.isotopes import ELECTRON_MASS, isotope, isotopes

# Ion and m/z, from the tables of the project's brief (science-sims.md), which were computed independently of this code.
LISTED = """
H+ 1.00728 Li+ 7.01545 C+ 11.99945 CH+ 13.00728 CH2+ 14.01510 CH3+ 15.02293 Na+ 22.98922 NaH+ 23.99705 Al+
26.98099 C2H3+ 27.02293 Si+ 27.97638 CHO+ 29.00219 C2H5+ 29.03858 CH3O+ 31.01784 K+ 38.96316 NaO+ 38.98414 C3H3+
39.02293 NaOH+ 39.99196 C3H5+ 41.03858 NaF+ 41.98762 AlO+ 42.97590 C2H3O+ 43.01784 C3H7+ 43.05423 C2H5O+
45.03349 Na2+ 45.97899 Na2H+ 46.98682 V+ 50.94341 C4H3+ 51.02293 NaNO+ 52.98721 C4H5+ 53.03858 C4H7+ 55.05423
Fe+ 55.93439 C3H5O+ 57.03349 C4H9+ 57.06988 NaCl+ 57.95807 NaK+ 61.95293 Na2O+ 61.97390 Na2NH2+ 61.99771 Cu+
62.92905 Na2OH+ 62.98173 ^65Cu+ 64.92724 VN+ 64.94648 Na2F+ 64.97739 VO+ 66.93832 VOH+ 67.94615 Na3+ 68.96876
Na2C2H+ 70.98682 Na2CN+ 71.98206 C6H5+ 77.03858 Na2S+ 77.95106 Na2Cl+ 80.94784 VO2+ 82.93324 Na2^37Cl+ 82.94489
NaCO3+ 82.97396 NaHCO3+ 83.98179 Na3O+ 84.96367 NaPO2+ 85.95281 Na3OH+ 85.97150 Na3F+ 87.96716 Na2CHO2+ 90.97664
C7H7+ 91.05423 Na2ClO+ 96.94276 NaPO3+ 101.94773 Na3Cl+ 103.93761 Na2CO3+ 105.96373 Na3F2+ 106.96557 Na2HCO3+
106.97156 Na2NO3+ 107.96681 Na2PO2+ 108.94258 Na4OH+ 108.96127 C3H4O3Na+ 111.00526 C2H3O3Na2+ 120.98721 Na2PO3+
124.93750 C4H7O3Na+ 126.02874 Na2ClO3+ 128.93259 Na3CO3+ 128.95350 Na3HCO3+ 129.96133 Na2BF4+ 132.98191
C3H5O3Na2+ 135.00286 Na3Cl2+ 138.90646 Na2PO4+ 140.93241 Na2ClO4+ 144.92750 Na4F3+ 148.95374 Na3SO4+ 164.92049
Na3ClO4+ 167.91727 Na4PO4+ 186.91195 Na2PF6+ 190.94317 Bi+ 208.97985 H- 1.00837 C- 12.00055 CH- 13.00837 CH2-
14.01620 O- 15.99546 OH- 17.00329 F- 18.99895 H3O- 19.01894 Na- 22.99032 C2- 24.00055 C2H- 25.00837 CN- 26.00362
C2H2- 26.01620 S- 31.97262 O2- 31.99038 SH- 32.98044 Cl- 34.96940 C3- 36.00055 ^37Cl- 36.96645 C3H- 37.00837
NaO- 38.98523 NaOH- 39.99306 C2HO- 41.00329 NaF- 41.98872 CNO- 41.99854 AlO- 42.97700 C2H3O- 43.01894 CHO2-
44.99820 C4- 48.00055 C4H- 49.00837 PF- 49.97271 V- 50.94451 ClO- 50.96432 ^37ClO- 52.96137 NaCl- 57.95917 NaOF-
57.98364 AlO2- 58.97192 C2H3O2- 59.01385 SiO2- 59.96730 CO3- 59.98529 C5- 60.00055 SiO2H- 60.97513 NaF2-
60.98712 CHO3- 60.99312 C5H- 61.00837 Na2O- 61.97500 PO2- 62.96414 S2- 63.94469 SO2- 63.96245 HPO2- 63.97196
Na2F- 64.97849 POF- 65.96763 VO- 66.93942 ClO2- 66.95923 NaCO2- 66.98015 ^37ClO2- 68.95628 PF2- 68.97112 C6-
72.00055 C6H- 73.00837 NaOCl- 73.95409 NaClOH- 74.96191 NaClF- 76.95757 Br- 78.91889 PO3- 78.95905 SO3- 79.95736
PO2F- 81.96254 VO2- 82.93433 ClO3- 82.95415 NaCO3- 82.97506 Na2F2- 83.97689 ^37ClO3- 84.95120 BF4- 87.00347
C2O4- 87.98021 NaCl2- 92.92802 SO4- 95.95228 HPO4- 95.96179 HSO4- 96.96010 H2PO4- 96.96962 VO3- 98.92925 ClO4-
98.94906 ^37ClO4- 100.94611 PO2F2- 100.96095 Na2F3- 102.97530 NaClO4- 121.93883 Na2CO3F- 124.96323 PF5-
125.96633 I- 126.90502 Na3F4- 144.96347 PF6- 144.96473 CF3SO3- 148.95257 Na2Cl3- 150.88665 NaClO4Cl- 156.90768
N2S2O4F2- 193.92730 C2F6NO4S2- 279.91784
""".split()
BRIEF = list(zip(LISTED[::2], map(float, LISTED[1::2]), strict=True))

# text, canonical text, atoms by symbol and mass number, charge
SPELLINGS = [
    ("Na2F+", "Na2F+", {("Na", 23): 2, ("F", 19): 1}, 1),
    ("Na_2F+", "Na2F+", {("Na", 23): 2, ("F", 19): 1}, 1),
    ("Na\u2082F\u207a", "Na2F+", {("Na", 23): 2, ("F", 19): 1}, 1),
    ("Na_{2}F^{+}", "Na2F+", {("Na", 23): 2, ("F", 19): 1}, 1),
    ("^13C2H3-", "^13C2H3-", {("C", 13): 2, ("H", 1): 3}, -1),
    ("[13C]2H3-", "^13C2H3-", {("C", 13): 2, ("H", 1): 3}, -1),
    ("\u00b9\u00b3C\u2082H\u2083\u207b", "^13C2H3-", {("C", 13): 2, ("H", 1): 3}, -1),
    ("^13CC_25H_21N_2+", "^13CC25H21N2+", {("C", 13): 1, ("C", 12): 25, ("H", 1): 21, ("N", 14): 2}, 1),
    ("[Na3]F2+", "[Na3]F2+", {("Na", 23): 3, ("F", 19): 2}, 1),
    ("(NaF)2Na+", "(NaF)2Na+", {("Na", 23): 3, ("F", 19): 2}, 1),
    ("C2HO-", "C2HO-", {("C", 12): 2, ("H", 1): 1, ("O", 16): 1}, -1),
    ("PO3^-", "PO3-", {("P", 31): 1, ("O", 16): 3}, -1),
    ("SO4(2-)", "SO4^2-", {("S", 32): 1, ("O", 16): 4}, -2),
    ("Ca++", "Ca^2+", {("Ca", 40): 1}, 2),
    ("Sn+", "Sn+", {("Sn", 120): 1}, 1),
    ("D2+", "^2H2+", {("H", 2): 2}, 1),
    ("SnIn_2O+", "SnIn2O+", {("Sn", 120): 1, ("In", 115): 2, ("O", 16): 1}, 1),
]
REFUSED = ["", "+", "Na2F", "Na2F2", "Xx+", "na+", "^99Na+", "Na(F+", "NaF)+", "Na0+", "()+", "Na^0+", "total", "Tc+",
           "C5001+", "12C+", "Na,F+", "(Na2000)2000+"]


@pytest.mark.parametrize(("text", "canonical", "atoms", "charge"), SPELLINGS)
def test_spellings(text, canonical, atoms, charge):
    ion = parse_ion(text)
    assert (ion.text, ion.charge) == (canonical, charge)
    assert {(one.symbol, one.mass_number): count for one, count in ion.isotopes} == atoms
    assert ion.mass_number == sum(number * count for (_, number), count in atoms.items())


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_no_ion_is_named(text):
    with pytest.raises(UnknownName):
        parse_ion(text)


@pytest.mark.parametrize(("text", "mz"), BRIEF)
def test_exact_masses_of_the_brief(text, mz):
    assert parse_ion(text).mz == pytest.approx(mz, abs=6e-6)  # the brief has five decimals


def test_the_electron_counts_and_charges_divide():
    assert parse_ion("Na-").mz - parse_ion("Na+").mz == pytest.approx(2 * ELECTRON_MASS, rel=1e-9)
    assert parse_ion("Ca^2+").mz == pytest.approx((isotope("Ca", 40).mass - 2 * ELECTRON_MASS) / 2, rel=1e-12)


def test_different_spellings_are_the_same_atoms():
    assert parse_ion("CH_3NH_3+").same_atoms(parse_ion("CH6N+"))
    assert parse_ion("^35Cl-").same_atoms(parse_ion("Cl-"))
    assert not parse_ion("^37Cl-").same_atoms(parse_ion("Cl-"))
    assert not parse_ion("Cl+").same_atoms(parse_ion("Cl-"))


def test_typography():
    ion = parse_ion("^13CC_25H_21N_2^2+")
    assert written(ion, "unicode") == "\u00b9\u00b3CC\u2082\u2085H\u2082\u2081N\u2082\u00b2\u207a"
    assert written(ion, "html") == "<sup>13</sup>CC<sub>25</sub>H<sub>21</sub>N<sub>2</sub><sup>2+</sup>"
    assert written(ion, "surfacelab") == "^13CC_25H_21N_2^2+"
    assert written(parse_ion("Na+"), "html") == "Na<sup>+</sup>"


ATOMS = st.lists(
    st.tuples(st.sampled_from(["Na", "F", "^13C", "C", "H", "^37Cl", "Pb", "^206Pb", "O"]), st.integers(1, 120)),
    min_size=1, max_size=5,
)


@given(ATOMS, st.sampled_from(["+", "-", "^2+", "^3-"]))
def test_every_style_but_html_is_read_back(atoms, charge):
    ion = parse_ion("".join(f"{name}{count}" for name, count in atoms) + charge)
    for style in ("plain", "unicode", "surfacelab"):
        assert parse_ion(written(ion, style)) == ion


LABELS = [
    ("total", "total", [], []),
    ("Na_2F+", "single", ["Na2F+"], []),
    ("my peak", "single", [], []),
    ("^206PbI-, ^207PbI-PbI-", "sum", ["^206PbI-", "^207PbI-", "PbI-"], []),
    ("^118SnI-SnI-", "sum", ["^118SnI-", "SnI-"], []),
    ("I+ / ( Pb+ )", "ratio", ["I+"], ["Pb+"]),
    ("^118SnI_3-SnI_3- / ( ^206PbI_3-, ^207PbI_3-PbI_3- )", "ratio", ["^118SnI3-", "SnI3-"],
     ["^206PbI3-", "^207PbI3-", "PbI3-"]),
]


@pytest.mark.parametrize(("text", "kind", "ions", "divisor"), LABELS)
def test_labels(text, kind, ions, divisor):
    label = parse_label(text)
    assert (label.text, label.kind) == (text, kind)
    assert [ion.text for ion in label.ions] == ions
    assert [ion.text for ion in label.divisor] == divisor


def brute_force(formula: list[str]) -> dict[int, tuple[float, float]]:
    """Share and centroid mass by going through every way to choose an isotope for every atom."""
    lines: dict[int, list[tuple[float, float]]] = {}
    for choice in itertools.product(*(isotopes(symbol) for symbol in formula)):
        share = math.prod(one.abundance for one in choice)
        mass = sum(one.mass for one in choice)
        lines.setdefault(sum(one.mass_number for one in choice), []).append((share, mass))
    return {n: (sum(s for s, _ in rows), sum(s * m for s, m in rows) / sum(s for s, _ in rows))
            for n, rows in lines.items()}


@pytest.mark.parametrize(("text", "formula"), [
    ("NaCl2-", ["Na", "Cl", "Cl"]), ("Sn2O+", ["Sn", "Sn", "O"]), ("C3H4O+", [*"CCCHHHHO"]),
    ("CuBr2-", ["Cu", "Br", "Br"]),
])
def test_the_envelope_equals_the_sum_over_all_isotopologues(text, formula):
    ion = parse_ion(text)
    found = envelope(ion, 0.0)
    truth = brute_force(formula)
    assert found.fractions.sum() == pytest.approx(1.0, rel=1e-12)
    for number, mz, share in zip(found.mass_numbers, found.mz, found.fractions, strict=True):
        assert share == pytest.approx(truth[number][0], rel=1e-10)
        assert mz == pytest.approx(truth[number][1] - ion.charge * ELECTRON_MASS, abs=1e-9)


def test_named_isotopes_stay_fixed_in_the_envelope():
    lines = envelope(parse_ion("^37ClO-"), 1e-4)
    assert lines.mass_numbers.tolist() == [53, 54, 55]
    assert lines.fractions[0] == pytest.approx(isotope("O", 16).abundance)


def test_a_fullerene_has_the_binomial_pattern():
    p = isotope("C", 13).abundance
    lines = envelope(parse_ion("C60+"))
    binomial = [math.comb(60, k) * p**k * (1 - p) ** (60 - k) for k in range(len(lines.fractions))]
    np.testing.assert_allclose(lines.fractions, binomial, rtol=1e-10)
    assert lines.mass_numbers[0] == 720


# Ratios of the brief (science-sims.md), to the digits given there.
RATIOS = [("^37Cl-", "Cl-", 0.3198, 5e-4), ("^65Cu+", "Cu+", 0.446, 5e-4), ("^81Br-", "Br-", 0.973, 5e-4),
          ("^13C-", "C-", 0.0108, 5e-5), ("^34S-", "S-", 0.0447, 2e-4)]


@pytest.mark.parametrize(("minor", "major", "ratio", "tolerance"), RATIOS)
def test_natural_ratios(minor, major, ratio, tolerance):
    found = natural_fraction(parse_ion(minor)) / natural_fraction(parse_ion(major))
    assert found == pytest.approx(ratio, abs=tolerance)


def test_isotopologues_have_their_multinomial_shares():
    a, b = isotope("Cl", 35).abundance, isotope("Cl", 37).abundance
    found = {ion.text: share for ion, share in isotopologues(parse_ion("NaCl2-"))}
    assert found == pytest.approx({"NaCl2-": a * a, "Na^37ClCl-": 2 * a * b, "Na^37Cl2-": b * b})
    assert sum(share for _, share in isotopologues(parse_ion("Pb2I3-"), 1e-9)) == pytest.approx(1.0, abs=1e-6)
    assert [ion.text for ion, _ in isotopologues(parse_ion("^13CN-"))] == ["^13CN-"]


# Pairs that a resolution of 6000 leaves together, and pairs that it separates (the brief).
TOGETHER = [("PF6-", "Na3F4-"), ("Na3F2+", "Na2HCO3+"), ("NaF2-", "CHO3-"), ("HPO4-", "SO4-"), ("VO2+", "Na2^37Cl+"),
            ("Na2ClO3+", "Na3CO3+")]
APART = [("Cu+", "Na2OH+"), ("VO3-", "ClO4-"), ("K+", "NaO+"), ("S-", "O2-")]


@pytest.mark.parametrize(("first", "second"), TOGETHER)
@pytest.mark.parametrize("turn", [1, -1])
def test_what_cannot_be_separated_carries_both_names(first, second, turn):
    one, other = (parse_ion(name) for name in (first, second)[::turn])
    found = assign(one.mz, candidates(listed_ions(one.polarity)), tolerance=20, resolution=6000)
    assert found.best.ion.same_atoms(one)
    assert found.ambiguous
    alternative = next(match for match in found.alternatives if match.ion.same_atoms(other))
    assert alternative.resolution_needed == pytest.approx(resolution_needed(one.mz, other.mz))
    assert alternative.resolution_needed > 6000
    assert written(other) in found.label
    assert written(one) in found.label


@pytest.mark.parametrize(("first", "second"), APART)
def test_what_is_separated_carries_one_name(first, second):
    one, other = parse_ion(first), parse_ion(second)
    found = assign(one.mz, candidates([one, other]), tolerance=20, resolution=6000)
    assert found.best.ion.same_atoms(one)
    assert not found.ambiguous
    assert found.label == written(one)


def test_a_better_resolution_separates():
    among = candidates([parse_ion("Na3F2+"), parse_ion("Na2HCO3+")])
    mz = parse_ion("Na3F2+").mz
    assert assign(mz, among, tolerance=20, resolution=6000).ambiguous
    assert not assign(mz, among, tolerance=20, resolution=20000).ambiguous
    # A loose calibration keeps what the resolution would separate.
    assert assign(mz, among, tolerance=80, resolution=20000).ambiguous


def test_a_common_ion_goes_before_a_rare_isotopologue():
    carbonate = parse_ion("^13CO3-").mz
    among = candidates(listed_ions("negative"))
    assert assign(carbonate, among, tolerance=60, resolution=6000).best.ion.text == "NaF2-"
    assert assign(carbonate, candidates([parse_ion("CO3-")]), tolerance=60, resolution=6000).best.ion.text == "^13CO3-"


def test_signs_of_residuals():
    mz = parse_ion("Na2F+").mz
    found = assign(mz * (1 + 12e-6), candidates([parse_ion("Na2F+")]), tolerance=20, resolution=6000)
    assert found.best.ppm == pytest.approx(12.0, abs=1e-6)


def test_impossible_assignments_are_refused():
    positive, negative = listed_ions("positive"), listed_ions("negative")
    with pytest.raises(BadData, match="mixed"):
        candidates([*positive, *negative])
    with pytest.raises(BadData, match="mixed"):
        assign(20.0, [*candidates(positive), *candidates(negative)], tolerance=20, resolution=6000)
    with pytest.raises(NotDetermined):
        assign(5000.0, candidates(positive), tolerance=20, resolution=6000)
    with pytest.raises(NotDetermined):
        assign(20.0, [], tolerance=20, resolution=6000)
    with pytest.raises(BadData):
        assign(math.nan, candidates(positive), tolerance=20, resolution=6000)
    with pytest.raises(BadData):
        isotopologues(parse_ion("Na+"), 0.0)
    with pytest.raises(BadData):
        envelope(parse_ion("Na+"), 1.0)


def test_the_list_has_no_ion_twice():
    for polarity in ("positive", "negative"):
        ions = listed_ions(polarity)
        assert len({(ion.isotopes, ion.charge) for ion in ions}) == len(ions)
        assert [ion.mz for ion in ions] == sorted(ion.mz for ion in ions)


def heads(path):
    lines = path.read_text(encoding="latin-1").splitlines()
    return list(zip(lines[1].rstrip("\t").split("\t")[4:], lines[2].rstrip("\t").split("\t")[4:], strict=True))


@pytest.mark.realdata
def test_every_label_of_real_exports_is_read(realdata, measured):
    names = singles = 0
    for path in sorted((realdata / "sims").glob("profile_*.txt")):
        for text, mass in heads(path):
            label = parse_label(text)
            names += 1
            assert label.kind == "total" or label.ions, text
            assert (mass == "N/A") == (label.kind != "single"), text
            assert (label.kind == "ratio") == ("/" in text)
            if label.kind == "single":
                singles += 1
                # The mass is the centre of an integration interval of a peak list, not a centroid.
                assert abs(label.ions[0].mz - float(mass)) < 0.6, text
                assert written(label.ions[0], "surfacelab") == text
    measured("Column labels of real SurfaceLab exports read", names, "labels")
    assert singles > 300


@pytest.mark.realdata
def test_sum_and_ratio_labels_mean_what_the_columns_hold(realdata, measured):
    checked, worst = 0, 0.0
    for path in sorted((realdata / "sims").glob("profile_*.txt")):
        labels = [parse_label(text) for text, _ in heads(path)]
        rows = [line.rstrip("\t").split("\t")[4:] for line in path.read_text(encoding="latin-1").splitlines()[4:]]
        values = np.array([[float(field) for field in row] for row in rows if len(row) == len(labels)])
        columns = {label.ions[0]: values[:, i] for i, label in enumerate(labels) if label.kind == "single"}
        for i, label in enumerate(labels):
            if label.kind not in ("sum", "ratio") or not all(ion in columns for ion in (*label.ions, *label.divisor)):
                continue
            upper = sum(columns[ion] for ion in label.ions)
            lower = sum(columns[ion] for ion in label.divisor) if label.divisor else np.ones_like(upper)
            good = (lower > 0) & np.isfinite(values[:, i])
            expected = upper[good] / lower[good]
            worst = max(worst, float(np.max(np.abs(values[good, i] - expected) / np.maximum(np.abs(expected), 1e-3))))
            checked += 1
    measured("Sum and ratio columns of real exports against their members, furthest", worst, "", "<= 1e-5")
    assert checked > 10
    assert worst <= 1e-5  # the exports have six digits
