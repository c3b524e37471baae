"""Photoelectron lines, doublets, Auger lines, and what lies in a window."""

import pytest

from libraries.auger import auger_line, auger_lines, estimated_kinetic_energy
from libraries.core_levels import CoreLevel, core_level, core_levels, doublet, lines_in_window, multiplicity_ratio
from libraries.elements import SYMBOLS, parse_line
from libraries.errors import BadData, UnknownName
from libraries.tables import read_table

AL = 1486.6

# element, shell, splitting low, high in eV, source
SPLITTINGS = [
    ("V", "2p", 7.3, 7.7, "metal 7.54-7.70, V2O5 7.3-7.5, records of NIST SRD 20"),
    ("P", "2p", 0.8, 0.95, "vendor page 0.87"),
    ("S", "2p", 1.1, 1.2, "Harwell 1.16, xpsfitting.com 1.18"),
    ("Cl", "2p", 1.5, 1.7, "xraylib edges 1.6"),
    ("Ti", "2p", 5.6, 6.2, "Harwell: oxide 5.7, metal 6.1"),
    ("Fe", "2p", 12.8, 13.3, "xraylib edges 13.0"),
    ("Ag", "3d", 5.9, 6.1, "Harwell 6.0"),
    ("Mo", "3d", 3.0, 3.4, "xraylib edges 3.3; a published CasaXPS fit links MoS2 at 3.14"),
    ("Au", "4f", 3.6, 3.8, "xraylib edges 3.7"),
    ("W", "4f", 2.0, 2.3, "xraylib edges 2.1"),
]


@pytest.mark.parametrize(("element", "shell", "low", "high", "source"), SPLITTINGS)
def test_splittings(element, shell, low, high, source):
    pair = doublet(element, shell)
    assert low <= pair.splitting <= high, source
    assert pair.splitting_min <= pair.splitting <= pair.splitting_max
    assert pair.source
    assert pair.major.name == f"{element} {shell}{ {'p': '3/2', 'd': '5/2', 'f': '7/2'}[shell[1]]}"


@pytest.mark.parametrize(("shell", "ratio"), [("2p", 1 / 2), ("3d", 2 / 3), ("4f", 3 / 4)])
def test_ratio_is_2j_plus_1(shell, ratio):
    assert multiplicity_ratio(shell) == pytest.approx(ratio)


@pytest.mark.parametrize("element", ["Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni"])
def test_coster_kronig_width_is_free(element):
    # J. L. Campbell, T. Papp, At. Data Nucl. Data Tables 77, 1 (2001): V L2 0.78, L3 0.28 eV
    pair = doublet(element, "2p")
    assert not pair.same_width
    assert pair.width_excess > 0.2


@pytest.mark.parametrize(("element", "shell"), [("S", "2p"), ("P", "2p"), ("Cl", "2p"), ("Si", "2p"), ("Au", "4f")])
def test_equal_widths_elsewhere(element, shell):
    assert doublet(element, shell).same_width


def test_v_width_excess():
    assert doublet("V", "2p3/2").width_excess == pytest.approx(0.78 - 0.28)


@pytest.mark.parametrize(("name", "energy", "tolerance", "source"), [
    ("Na 1s", 1071.6, 0.3, "median of the cited compounds, 1070.8-1072.8"),
    ("C 1s", 284.8, 0.0, "convention adC"),
    ("F 1s", 684.5, 0.0, "NaF, NIST SRD 20"),
    ("Au 4f7/2", 83.96, 0.0, "ISO 15472"),
    ("O 1s", 531.8, 0.3, "median of the cited compounds"),
    ("Fe 2p3/2", 708.1, 0.01, "xraylib"),
])
def test_binding_energies(name, energy, tolerance, source):
    level = core_level(name)
    assert level.binding_energy == pytest.approx(energy, abs=tolerance + 1e-9), source
    assert level.low <= level.binding_energy <= level.high


def test_cited_is_told_from_approximate():
    assert not core_level("Na 1s").approximate
    assert core_level("Fe 2p3/2").approximate
    assert "xraylib" in core_level("Fe 2p3/2").source


def test_a_minor_component_follows_its_major():
    major, minor = core_level("P 2p3/2"), core_level("P 2p1/2")
    assert minor.binding_energy - major.binding_energy == pytest.approx(doublet("P", "2p").splitting, abs=1e-6)
    assert minor.partner == major.line
    assert major.partner == minor.line
    assert major.ratio == minor.ratio == 0.5
    assert core_level("C 1s").partner is None
    assert core_level("C 1s").splitting is None


def test_every_level_of_every_element_is_sound():
    for symbol in SYMBOLS:
        for level in core_levels(symbol):
            assert level.source
            assert level.low <= level.binding_energy <= level.high
            assert level.splitting is None or level.splitting >= 0.0
        energies = [level.binding_energy for level in core_levels(symbol)]
        assert energies == sorted(energies, reverse=True)


def test_window_of_vanadium_and_oxygen():
    found = lines_in_window(505, 545, AL, elements=["Na", "O", "V", "C", "F"])
    names = [item.line.name for item in found]
    assert {"V 2p3/2", "V 2p1/2", "O 1s"} <= set(names)
    assert "C 1s" not in names
    assert "Na KL1L23" in names  # the second Na KLL line lies under O 1s
    energies = [i.binding_energy if isinstance(i, CoreLevel) else AL - i.kinetic_energy for i in found]
    assert energies == sorted(energies)
    turned = lines_in_window(545, 505, AL, elements=["V", "O", "Na", "C", "F"])
    assert [i.line for i in turned] == [i.line for i in found]


def test_lines_need_enough_photon_energy():
    assert all(item.line.name != "Na 1s" for item in lines_in_window(0, 1400, 1000.0, elements=["Na"]))
    assert all(item.line.kind == "core" for item in lines_in_window(0, 1000, 1000.0, elements=["Na"]))


def test_auger_lines_move_with_the_photon_energy():
    def apparent(photon):
        window = lines_in_window(0, 3000, photon, elements=["Na"])
        return next(photon - i.kinetic_energy for i in window if i.line.name == "Na KLL")

    assert apparent(2984.3) - apparent(AL) == pytest.approx(2984.3 - AL)
    assert apparent(AL) == pytest.approx(497.2, abs=0.7)  # survey of a Na+ layer, doi 10.5281/zenodo.13166647


# element, transition, literature-like value in eV and its source: cited main lines test the estimate
ESTIMATES = [("Na", ("K", "L3", "L3"), 994.3, "Barrie & Street 1975, metal, via NIST SRD 20")]


@pytest.mark.parametrize(("element", "shells", "energy", "source"), ESTIMATES)
def test_estimate_is_good_to_15_ev(element, shells, energy, source):
    assert estimated_kinetic_energy(element, shells) == pytest.approx(energy, abs=15), source


def test_auger_lines_carry_their_source():
    for symbol in SYMBOLS:
        for item in auger_lines(symbol):
            assert item.source
            assert item.confidence in ("A", "B", "C", "estimated")
            assert item.low <= item.kinetic_energy <= item.high
            assert item.estimated == ("estimated" in item.source)
            assert 0.0 < item.kinetic_energy < item.threshold


def test_sodium_auger():
    assert auger_line("Na KL23L23").kinetic_energy == pytest.approx(994.3)
    assert 988 <= auger_line("Na KLL").kinetic_energy <= 991
    assert auger_line("V LMM").estimated


@pytest.mark.parametrize(("call", "argument"), [
    (core_level, "C 3d"), (core_level, "Na KLL"), (auger_line, "Na 1s"), (auger_line, "H KLL"), (core_level, "Fe 6s"),
])
def test_unknown_lines(call, argument):
    with pytest.raises(UnknownName) as caught:
        call(argument)
    assert caught.value.where == parse_line(argument).name
    assert caught.value.todo


def test_other_errors():
    with pytest.raises(UnknownName, match="spin-orbit"):
        doublet("C", "1s")
    with pytest.raises(UnknownName):
        doublet("C", "3d")
    with pytest.raises(BadData, match="photon energy"):
        lines_in_window(0, 10, 0.0)
    with pytest.raises(UnknownName):
        lines_in_window(0, 10, AL, elements=["Xx"])


@pytest.mark.parametrize("table", ["doublets.csv", "core_levels.csv", "auger_lines.csv"])
def test_rows_have_source_and_confidence(table):
    rows = read_table(table)
    assert rows
    for row in rows:
        assert row["source"]
        assert row["confidence"] in ("A", "B", "C")
        parse_line(row["line"])
