"""Isotope masses and abundances."""

import math

import pytest
import xraylib

from libraries.elements import SYMBOLS, atomic_mass
from libraries.errors import UnknownName
from libraries.isotopes import ELECTRON_MASS, average_mass, isotope, isotopes, principal_isotope

WITHOUT = {"Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac"}
NATURAL = [symbol for symbol in SYMBOLS[:91] if symbol not in WITHOUT]

# symbol, mass number, mass (u), abundance, source of the row
VALUES = [
    ("C", 12, 12.0, 0.9893, "definition of the unit; abundance NIST as in molmass 2026.1.8"),
    ("H", 1, 1.00782503223, 0.999885, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("F", 19, 18.99840316273, 1.0, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Na", 23, 22.9897692820, 1.0, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Cl", 37, 36.965902602, 0.2424, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Cu", 65, 64.9277897, 0.3085, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Sn", 120, 119.90220163, 0.3258, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Pb", 208, 207.9766525, 0.524, "NIST (AME2012 masses) as in molmass 2026.1.8"),
    ("Bi", 209, 208.9803991, 1.0, "NIST (AME2012 masses) as in molmass 2026.1.8"),
]


@pytest.mark.parametrize(("symbol", "number", "mass", "abundance", "source"), VALUES)
def test_values_agree_with_another_evaluation(symbol, number, mass, abundance, source):
    one = isotope(symbol, number)
    assert one.mass == pytest.approx(mass, abs=3e-6)
    assert one.abundance == abundance
    assert one.name == f"^{number}{symbol}"


@pytest.mark.parametrize("symbol", NATURAL)
def test_abundances_sum_to_one_and_give_the_atomic_weight(symbol):
    assert math.fsum(one.abundance for one in isotopes(symbol)) == pytest.approx(1.0, abs=1e-9)
    # Weights that vary in nature are abridged (S 32.06); the furthest is S, 150 ppm.
    assert average_mass(symbol) == pytest.approx(atomic_mass(symbol), rel=2e-4)


def test_average_masses_agree_with_xraylib_within_its_rounding(measured):
    # xraylib's weights are dated and rounded (Au 197.2, Tm 1 % off; see libraries/tables/SOURCES.md).
    distance = {
        symbol: abs(average_mass(symbol) / xraylib.AtomicWeight(xraylib.SymbolToAtomicNumber(symbol)) - 1)
        for symbol in NATURAL if symbol != "Tm"
    }
    measured("Isotope table against xraylib's atomic weights, median", sorted(distance.values())[40] * 1e6, "ppm")
    assert sum(value > 6e-4 for value in distance.values()) <= 5
    assert max(distance.values()) < 2.5e-3


@pytest.mark.parametrize("symbol", NATURAL)
def test_rows_are_plausible_and_cited(symbol):
    rows = isotopes(symbol)
    numbers = [one.mass_number for one in rows]
    assert numbers == sorted(set(numbers))
    for one in rows:
        assert abs(one.mass - one.mass_number) < 0.11  # the mass defect per atom never exceeds about 0.1 u
        assert 0 < one.abundance <= 1
        assert one.source == "AME2020; TICE2009"


def test_the_principal_isotope_is_the_most_abundant():
    named = ("Li", "B", "Sn", "Pb", "Xe")
    assert [principal_isotope(symbol).mass_number for symbol in named] == [7, 11, 120, 208, 132]


def test_electron_mass():
    assert pytest.approx(5.48579909e-4, rel=1e-9) == ELECTRON_MASS  # CODATA 2018


@pytest.mark.parametrize("call", [
    lambda: isotopes("Tc"), lambda: isotopes("Xx"), lambda: isotope("Na", 24), lambda: principal_isotope("Po"),
])
def test_what_is_not_in_nature_is_named(call):
    with pytest.raises(UnknownName):
        call()
