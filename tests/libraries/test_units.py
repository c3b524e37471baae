"""Energy scales, photon sources and widths."""

import math

import numpy as np
import pytest
import xraylib
from hypothesis import given
from hypothesis import strategies as st

from libraries import units
from libraries.errors import BadData, UnknownName

ENERGY = st.floats(-50.0, 10_000.0)
PHOTON = st.floats(20.0, 12_000.0)
WIDTH = st.floats(1e-3, 100.0)


@given(ENERGY, PHOTON, st.floats(0.0, 6.0))
def test_binding_and_kinetic_are_inverse(energy, photon, function):
    kinetic = units.kinetic_from_binding(energy, photon, function)
    assert units.binding_from_kinetic(kinetic, photon, function) == pytest.approx(energy, abs=1e-9)
    assert kinetic + energy + function == pytest.approx(photon, abs=1e-9)


@given(ENERGY, PHOTON)
def test_loss_and_kinetic_are_inverse(loss, primary):
    assert units.loss_from_kinetic(units.kinetic_from_loss(loss, primary), primary) == pytest.approx(loss, abs=1e-9)


@given(WIDTH)
def test_widths_are_inverse(width):
    assert units.fwhm_from_sigma(units.sigma_from_fwhm(width)) == pytest.approx(width, rel=1e-12)
    assert units.fwhm_from_hwhm(units.hwhm_from_fwhm(width)) == pytest.approx(width, rel=1e-12)


def test_fwhm_is_where_a_gaussian_is_half():
    sigma = 0.7
    half = units.hwhm_from_fwhm(units.fwhm_from_sigma(sigma))
    assert math.exp(-0.5 * (half / sigma) ** 2) == pytest.approx(0.5, rel=1e-12)


def test_arrays_keep_their_shape():
    binding = np.array([[284.8, 531.0], [685.0, 1072.0]])
    kinetic = units.kinetic_from_binding(binding, 1486.6)
    assert kinetic.shape == binding.shape
    assert kinetic[0, 0] == pytest.approx(1201.8)
    assert units.loss_from_binding(np.array([300.0]), 284.8)[0] == pytest.approx(15.2)
    assert isinstance(units.kinetic_from_binding(284.8, 1486.6), float)


# source, photon energy in eV, line energy of xraylib that must agree within 0.3 eV
SOURCES = [
    ("Al Ka", 1486.6, (13, xraylib.KA1_LINE)),  # nominal Ka1,2; xraylib Ka1 1486.9, Ka2 1486.4
    ("Mg Ka", 1253.6, (12, xraylib.KA1_LINE)),  # xraylib 1253.6
    ("Ag La", 2984.3, (47, xraylib.LA1_LINE)),  # xraylib 2984.4
    ("Cr Ka", 5414.8, (24, xraylib.KA1_LINE)),  # xraylib 5414.7
    ("Ga Ka", 9251.74, (31, xraylib.KA1_LINE)),  # xraylib 9251.7
]


@pytest.mark.parametrize(("name", "energy", "line"), SOURCES)
def test_photon_sources_agree_with_xraylib(name, energy, line):
    assert units.photon_energy(name) == energy
    assert units.photon_energy(name) == pytest.approx(1e3 * xraylib.LineEnergy(*line), abs=0.31)


def test_helium_ii_follows_from_the_rydberg_energy():
    reduced = 1.0 / (1.0 + units.ELECTRON_MASS_U / 4.001506)  # mass of the alpha particle in u, CODATA 2018
    assert units.photon_energy("He II") == pytest.approx(4 * 0.75 * 13.605693123 * reduced, abs=0.01)


SPELLINGS = ["Al Ka", "AlKa", "al k\u03b1", "Al K-alpha", "mono Al Ka", "Al", "monochromated Al K alpha"]


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings_of_a_source(name):
    assert units.photon_source(name).name == "Al Ka"


def test_helium_lines_are_told_apart():
    assert units.photon_source("HeI").name == "He I"
    assert units.photon_source("He II").name == "He II"
    with pytest.raises(UnknownName):
        units.photon_source("He")


def test_every_constant_and_source_says_where_it_is_from():
    assert all(c.reference and c.unit for c in units.CONSTANTS)
    assert all(s.source for s in units.PHOTON_SOURCES)


def test_errors_say_what_to_do():
    with pytest.raises(UnknownName, match=r"'Xy Ka'.*Al Ka"):
        units.photon_energy("Xy Ka")
    with pytest.raises(BadData, match="photon energy"):
        units.kinetic_from_binding(284.8, 0.0)
    with pytest.raises(BadData, match="not finite"):
        units.binding_from_kinetic([1.0, np.nan], 1486.6)
    with pytest.raises(BadData, match="Not a number"):
        units.sigma_from_fwhm("wide")
