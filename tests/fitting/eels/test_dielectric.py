"""Dielectric function of whole spectra: zero loss apart, single scattering, Kramers-Kronig, errors."""

import numpy as np
import pytest

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.eels.dielectric import atoms_per_nm3, dielectric_function
from fitting.eels.drude import loss_probability, permittivity
from fitting.eels.kinematics import Beam
from libraries.errors import BadData, NotDetermined

STEP = 0.1
ENERGY = STEP * np.arange(-80, 1200)
BEAM = Beam(200, 0, 10)
EPS = permittivity(STEP * np.arange(1, 4096), 15.0, 3.0)


def spectrum(thickness=60.0, dose=1e7, noise=None):
    """Zero loss 0.4 eV wide with all orders of the volume loss of a free-electron metal."""
    single = np.zeros(8192)
    single[1:4096] = STEP * loss_probability(STEP * np.arange(1, 4096), EPS, thickness, BEAM).volume
    zero = np.exp(-4 * np.log(2) * (STEP * (np.arange(8192) - 80) / 0.4) ** 2)
    total = np.fft.ifft(np.fft.fft(zero / zero.sum()) * np.exp(np.fft.fft(single))).real
    counts = dose * np.maximum(total[: ENERGY.size], 0)
    if noise is not None:
        counts = np.random.default_rng(noise).poisson(counts).astype(float)
    return Spectrum(Axis(ENERGY, "energy_loss"), counts, Noise("poisson", 1.0), Meta(technique="eels"))


def test_thickness_and_permittivity_of_a_metal(measured):
    found = dielectric_function(spectrum(), BEAM, replicas=4)
    assert found.thickness == pytest.approx(60.0, rel=0.01)
    measured("Kramers-Kronig thickness from a whole spectrum, 60 nm", found.thickness, "nm", "59.4 to 60.6")
    truth = permittivity(found.energy, 15.0, 3.0)
    seen = (found.energy > 6) & (found.energy < 40)
    assert np.max(np.abs(found.eps - truth)[seen]) < 0.1


def test_error_of_the_thickness_is_its_scatter():
    values = [dielectric_function(spectrum(dose=2e5, noise=k), BEAM, replicas=2).thickness for k in range(12)]
    found = dielectric_function(spectrum(dose=2e5, noise=50), BEAM, replicas=16)
    assert 0.4 < found.thickness_err / np.std(values, ddof=1) < 2.2
    assert np.mean(values) == pytest.approx(60.0, rel=0.02)
    assert found.eps1_err is not None
    assert np.all(found.eps1_err[found.energy > 1] > 0)


def test_given_thickness_and_sum_rule():
    atoms = atoms_per_nm3("Al", 2.7)
    assert atoms == pytest.approx(60.26, rel=1e-3)  # N_A 2.7/26.98 per cm3
    found = dielectric_function(spectrum(), BEAM, thickness=60.0, atoms=atoms, replicas=2)
    assert found.thickness == pytest.approx(60.0)
    assert np.isnan(found.thickness_err)
    # Ep^2 / (16 pi n a0^3 R^2), 1.378883 eV2 nm3 (CODATA), less what lies beyond the axis, 2 G/(pi E)
    assert found.electrons[0] == pytest.approx(15.0**2 / (atoms * 1.378883) * (1 - 6 / (np.pi * 120)), rel=0.02)
    with pytest.raises(BadData, match="density"):
        atoms_per_nm3("Al", 0.0)


def test_refuses_without_angles():
    with pytest.raises(NotDetermined, match="collection"):
        dielectric_function(spectrum(), Beam(200, 0), replicas=2)
