"""Scofield factors, factor sets and the angular correction."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from libraries import sensitivity as lib
from libraries.core_levels import multiplicity_ratio
from libraries.elements import parse_line
from libraries.errors import BadData, BadFile, NotDetermined, UnknownName

AL = 1486.6

# line, factor relative to C 1s at 1486.6 eV; source: J. H. Scofield, J. Electron Spectrosc. 8, 129 (1976)
SCOFIELD = [
    ("C 1s", 1.00), ("N 1s", 1.80), ("O 1s", 2.93), ("F 1s", 4.43), ("Na 1s", 8.52), ("P 2p", 1.19), ("S 2p", 1.68),
    ("Cl 2p", 2.29), ("V 2p3/2", 6.38), ("V 2p1/2", 3.29), ("Ag 3d5/2", 10.67), ("Au 4f7/2", 9.59),
]


@pytest.mark.parametrize(("line", "value"), SCOFIELD)
def test_scofield(line, value):
    factor = lib.scofield(line, AL)
    assert factor.value == pytest.approx(value, rel=0.005)
    assert factor.contains == ("sigma",)
    assert factor.normalised_to == "C 1s"
    assert factor.source
    assert not factor.warnings


def test_cross_section_of_carbon():
    assert lib.cross_section("C 1s", AL) == pytest.approx(13_600, rel=0.005)  # barn, Scofield 1976


@pytest.mark.parametrize("line", ["V 2p", "P 2p", "Mo 3d", "Au 4f"])
def test_a_doublet_is_the_sum_of_its_components(line):
    parts = [lib.scofield(part, AL).value for part in parse_line(line).components]
    assert lib.scofield(line, AL).value == pytest.approx(sum(parts), rel=1e-12)
    assert parts[1] / parts[0] == pytest.approx(multiplicity_ratio(parse_line(line).level), rel=0.06)


def test_other_photon_energies():
    assert lib.cross_section("C 1s", 2984.3) < lib.cross_section("C 1s", AL) < lib.cross_section("C 1s", 1253.6)
    assert lib.scofield("V 1s", 9251.74).value > 0
    assert "non-dipole" in lib.scofield("C 1s", 9251.74).warnings[0]


def test_what_cannot_be_answered():
    with pytest.raises(NotDetermined, match="cannot be excited"):
        lib.cross_section("V 1s", AL)
    with pytest.raises(UnknownName, match="Auger"):
        lib.cross_section("Na KLL", AL)
    with pytest.raises(UnknownName):
        lib.scofield("C 3d", AL)
    with pytest.raises(BadData):
        lib.scofield("C 1s", -1.0)


@pytest.mark.parametrize(("beta", "gamma", "value"), [
    (2.0, 54.7356, 1.0), (0.7, 54.7356, 1.0),  # the magic angle: sin^2 = 2/3
    (2.0, 90.0, 1.5), (2.0, 0.0, 0.0), (0.0, 20.0, 1.0),  # Reilman 1976, from the formula
])
def test_angular_correction(beta, gamma, value):
    assert lib.angular_correction(beta, gamma) == pytest.approx(value, abs=1e-5)


def test_angular_correction_refuses():
    with pytest.raises(BadData):
        lib.angular_correction(2.5, 54.7)
    with pytest.raises(BadData):
        lib.angular_correction(1.0, float("nan"))


def test_without_a_sourced_beta_nothing_is_applied():
    factor = lib.angular_factor("C 1s", AL, 60.0)
    assert (factor.value, factor.contains) == (1.0, ())
    assert factor.source.startswith("not applied")


def good_set(**changes):
    rows = tuple(lib.FactorRow(parse_line(n), v) for n, v in SCOFIELD)
    base = lib.FactorSet("mine", "Scofield 1976, rounded", ("sigma",), "C 1s", AL, rows)
    return dataclasses.replace(base, **changes)


LINES = st.sampled_from(["C 1s", "O 1s", "Na 1s", "V 2p", "V 2p3/2", "F 1s", "Cl 2p", "Na KLL"])


@given(st.dictionaries(LINES, st.floats(1e-6, 1e6), max_size=8), st.text(alphabet='ab ,"#:;', max_size=12),
       st.sets(st.sampled_from(["L", "T", "lambda"])))
def test_factor_sets_come_back(values, note, extra):
    rows = tuple(lib.FactorRow(parse_line(name), value, note.strip()) for name, value in values.items())
    factors = lib.FactorSet("a set", "me: today", ("sigma", *sorted(extra)), "F 1s", 1486.61, rows)
    assert lib.FactorSet.from_csv(factors.to_csv()) == factors


def test_a_factor_of_a_set():
    factors = good_set()
    assert factors.factor("Na 1s").value == 8.52
    assert factors.factor("V 2p").value == pytest.approx(6.38 + 3.29)
    assert "sum of components" in factors.factor("V 2p").source
    assert factors.factor("Na 1s").contains == ("sigma",)
    with pytest.raises(NotDetermined, match="Fe 2p"):
        factors.factor("Fe 2p")


def test_a_good_set_has_no_warnings():
    assert good_set().warnings() == ()
    assert lib.FactorSet.from_csv(good_set().to_csv()).warnings() == ()


def test_normalisation_is_respected():
    # The same set relative to F 1s = 1 is as good.
    rows = tuple(lib.FactorRow(row.line, row.value / 4.43) for row in good_set().rows)
    assert good_set(rows=rows, normalised_to="F 1s").warnings() == ()
    assert any("normalised" in text for text in good_set(normalised_to="F 1s").warnings())


def replaced(**values):
    by_name = {name.replace("_", " "): value for name, value in values.items()}
    return tuple(lib.FactorRow(r.line, by_name.get(r.line.name, r.value)) for r in good_set().rows)


def test_swapped_rows_are_found():
    warnings = good_set(rows=replaced(Na_1s=1.19, P_2p=8.52)).warnings()
    assert len(warnings) == 2
    assert "Na 1s" in warnings[0]
    assert "swapped with P 2p" in warnings[0]


def test_a_wrong_row_is_found():
    (warning,) = good_set(rows=replaced(F_1s=44.3)).warnings()
    assert "F 1s" in warning
    assert "check" in warning


def test_a_mistagged_component_is_found():
    rows = (*good_set().rows, lib.FactorRow(parse_line("V 2p"), 6.38))  # the factor of 2p3/2 under the name of 2p
    assert any("mis-tagged" in text for text in good_set(rows=rows).warnings())


@pytest.mark.parametrize(("changes", "word"), [
    ({"contains": ("sigma", "RSF")}, "RSF"),
    ({"contains": ("T",)}, "cross section"),
    ({"photon_energy": 0.0}, "photon energy"),
    ({"rows": (lib.FactorRow(parse_line("C 1s"), -1.0),)}, "positive"),
    ({"rows": (lib.FactorRow(parse_line("C 1s"), 1.0),) * 2}, "twice"),
])
def test_bad_sets_are_refused(changes, word):
    with pytest.raises(BadData, match=word):
        good_set(**changes)


@pytest.mark.parametrize(("old", "new", "error"), [
    ("# source", "# sauce", BadFile), ("8.52", "8,52", BadFile), ("Na 1s", "Xx 1s", UnknownName),
    ("line,value,note", "what,value,note", BadFile), ("1486.6", "soft", BadFile),
])
def test_bad_files_are_refused(old, new, error):
    with pytest.raises(error):
        lib.FactorSet.from_csv(good_set().to_csv().replace(old, new), where="set.csv")
