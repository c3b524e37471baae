"""TPP-2M against published-parameter check values, its relativistic continuation, information depth."""

import numpy as np
import pytest

from libraries import attenuation as lib
from libraries.elements import formula_mass
from libraries.errors import BadData, UnknownName

ENERGIES = (954.4, 1202.0, 1384.0)
# material, (valence electrons, density, molar mass, gap), mean free path in angstrom at ENERGIES;
# source: computed by hand from the formula of S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 21, 165 (1994)
CHECK = [
    ("Na metal", (1, 0.968, 22.990, 0.0), (40.84, 49.23, 55.23)),
    ("NaF", (8, 2.558, 41.988, 11.6), (30.90, 36.93, 41.25)),
    ("Na2CO3", (24, 2.54, 105.99, 5.0), (24.04, 28.75, 32.12)),
    ("graphite", (4, 2.25, 12.011, 0.0), (25.75, 30.79, 34.40)),
    ("V2O5", (40, 3.357, 181.88, 2.3), (21.75, 25.97, 28.99)),
    ("Na3V2(PO4)3", (100, 3.1, 456.25, 3.0), (22.23, 26.55, 29.65)),
    ("SiO2", (16, 2.19, 60.084, 9.1), (29.31, 35.05, 39.16)),
]


@pytest.mark.parametrize(("name", "parameters", "paths"), CHECK)
def test_check_values(name, parameters, paths):
    solid = lib.Material(name, "", *parameters, "check values")
    assert lib.imfp_tpp2m(ENERGIES, solid) == pytest.approx(paths, abs=0.02)
    assert [lib.imfp_tpp2m(e, solid) for e in ENERGIES] == pytest.approx(paths, abs=0.02)
    # The table's row is the same solid; its molar mass may differ in the last digits (Na3V2(PO4)3: 455.76 is right).
    assert lib.imfp_tpp2m(ENERGIES, name) == pytest.approx(paths, abs=0.03)


@pytest.mark.parametrize("solid", [*lib.materials(), lib.AVERAGE_MATRIX], ids=lambda m: m.name)
def test_continuous_and_rising(solid):
    energy = np.linspace(200.0, 12_000.0, 20_001)
    path = lib.imfp_tpp2m(energy, solid)
    assert np.all(np.diff(path) > 0.0)
    assert np.max(np.diff(path) / path[:-1]) < 0.01
    for edge in (lib.BLEND_FROM, lib.RELATIVISTIC_FROM):
        assert lib.imfp_tpp2m(edge - 1e-6, solid) == pytest.approx(lib.imfp_tpp2m(edge + 1e-6, solid), rel=1e-8)


def test_relativistic_formula():
    # H. Shinotsuka et al., Surf. Interface Anal. 47, 871 (2015), written out for graphite at 10 keV.
    e, rest, u, rho = 10_000.0, 510_998.95, 4 * 2.25 / 12.011, 2.25
    alpha = (1 + e / (2 * rest)) / (1 + e / rest) ** 2
    beta = -0.10 + 0.944 / (28.8**2 * u) ** 0.5 + 0.069 * rho**0.1
    bracket = beta * np.log(0.191 * rho**-0.5 * alpha * e) - (1.97 - 0.91 * u) / e + (53.4 - 20.8 * u) / e**2
    assert lib.imfp_tpp2m(e, "graphite") == pytest.approx(alpha * e / (28.8**2 * u * bracket), rel=1e-9)
    assert alpha == pytest.approx(0.9713, abs=2e-4)


def test_formula_and_warnings_are_named():
    low = lib.imfp(1202.0, "graphite")
    assert (low.formula, low.warnings) == ("TPP-2M", ())
    assert "1994" in low.source
    assert lib.imfp(1700.0, "graphite").formula == "TPP-2M and relativistic TPP-2M"
    high = lib.imfp([4000.0], "graphite")
    assert high.formula == "relativistic TPP-2M"
    assert "non-dipole" in high.warnings[0]
    assert any("no verified source" in text for text in lib.imfp(1000.0, "NaOH").warnings)


def test_average_matrix():
    # N_v 4.684, rho 6.767, M 137.51, gap 0: second-hand, hence the warning.
    path = lib.average_matrix_imfp([500.0, 1000.0])
    assert path.value == pytest.approx(lib.imfp_tpp2m([500.0, 1000.0], "average matrix"))
    assert 10.0 < path.value[0] < path.value[1] < 30.0
    assert "unverified" in path.warnings[0]


def test_information_depth():
    straight = lib.information_depth(1202.0, "graphite")
    assert straight == pytest.approx(3 * 30.79, abs=0.05)
    assert lib.information_depth(1202.0, "graphite", 60.0) == pytest.approx(straight / 2)
    for angle in (-1.0, 90.0, float("nan")):
        with pytest.raises(BadData, match="angle"):
            lib.information_depth(1202.0, "graphite", angle)


@pytest.mark.parametrize("energy", [10.0, 49.9, 2.1e5, float("nan"), [500.0, 20.0]])
def test_out_of_range(energy):
    with pytest.raises(BadData, match="50 to 200000 eV"):
        lib.imfp_tpp2m(energy, "NaF")


def test_materials_table():
    names = [item.name for item in lib.materials()]
    assert len(names) == len(set(names))
    for item in lib.materials():
        assert item.source
        assert item.molar_mass == pytest.approx(formula_mass(item.formula), rel=2e-4)
        assert item.verified == ("unverified" not in item.source)
    assert {"hard carbon", "VN", "NaCl"} <= set(names)


def test_plasmon_energy_of_graphite():
    assert lib.material("graphite").plasmon_energy == pytest.approx(28.8 * (4 * 2.25 / 12.011) ** 0.5)


def test_materials_are_found_and_checked():
    assert lib.material("na2co3").name == "Na2CO3"
    assert lib.material(lib.AVERAGE_MATRIX) is lib.AVERAGE_MATRIX
    with pytest.raises(UnknownName, match="graphite"):
        lib.material("unobtainium")
    with pytest.raises(UnknownName):
        lib.material("")
    with pytest.raises(BadData, match="density"):
        lib.Material("x", "C", 4, 0.0, 12.0, 0.0, "test")
    with pytest.raises(BadData, match="band gap"):
        lib.Material("x", "C", 4, 1.0, 12.0, -1.0, "test")
