"""Kramers-Kronig analysis of Drude data with known thickness and permittivity."""

import numpy as np
import pytest

from fitting.eels import kramers_kronig as lib
from fitting.eels.drude import loss_probability, permittivity
from fitting.eels.kinematics import Beam
from libraries.errors import BadData, NotDetermined

# Ep and width in eV, thickness in nm, 300 keV, 10 mrad; source: test set of eXSpy (science notes E5)
DRUDE = [(8.0, 2.3, 10.0), (18.4, 4.8, 20.0), (15.8, 0.53, 30.0), (16.6, 3.7, 40.0), (4.3, 0.3, 50.0), (3.7, 0.3, 60.0)]


def volume(plasmon, width, thickness, beam, step, end, i0=1e6, bound=0.0):
    energy = step * np.arange(-20, round(end / step))
    lost = energy > 0.25 * step
    eps = permittivity(energy[lost], plasmon, width, bound)
    single = np.zeros(energy.size)
    single[lost] = i0 * step * loss_probability(energy[lost], eps, thickness, beam).volume
    return energy, single, eps


@pytest.mark.parametrize(("plasmon", "width", "thickness"), DRUDE)
@pytest.mark.parametrize("step", [0.02, 0.1])
def test_thickness_and_permittivity(plasmon, width, thickness, step, measured):
    beam = Beam(300, 0, 10)
    energy, single, eps = volume(plasmon, width, thickness, beam, step, 80.0)
    found = lib.kramers_kronig(energy, single, 1e6, beam)
    assert found.thickness == pytest.approx(thickness, rel=1e-3)
    if width / step > 5:  # a grid that resolves the plasmon
        above = found.energy > 0.3 * plasmon
        assert np.max(np.abs(found.eps - eps)[above]) < 0.01 * np.max(np.abs(eps[above]))
    measured(f"Kramers-Kronig thickness, Ep {plasmon} eV, step {step} eV", 100 * (found.thickness / thickness - 1), "%",
             "within 1")


@pytest.mark.parametrize(("plasmon", "width", "thickness"), DRUDE)
def test_sum_rules(plasmon, width, thickness):
    # f-sum: both tend to Ep^2 / (16 pi n a0^3 R^2) with n = 50 /nm^3; 16 pi a0^3 R^2 = 1.378883 eV^2 nm^3 (CODATA)
    beam = Beam(300, 0, 10)
    energy, single, _ = volume(plasmon, width, thickness, beam, 0.02, 150.0)
    found = lib.kramers_kronig(energy, single, 1e6, beam)
    by_loss, by_eps2 = lib.effective_electrons(found.energy, found.eps, 50.0, beam)
    limit = plasmon**2 / (50 * 1.378883)
    # What a Lorentz tail leaves beyond the axis: 2 G/(pi E_max).
    missing = 2 * width / (np.pi * 150.0)
    assert by_loss[-1] / limit == pytest.approx(1 - missing, abs=0.005)
    assert by_eps2[-1] / limit == pytest.approx(1 - missing, abs=0.04)  # the Drude peak at 0 eV is on few channels
    assert np.all(np.diff(by_loss) > 0)


# n_eff of Im(-1/eps) with 50 atoms/nm^3: eXSpy's test set, in the order of DRUDE (science notes E5). The second row
# there (n_eff of eps2) holds errors of that program's own transform: 4.374 where the Drude formula gives 4.727 up to
# 82 eV, so that `test_sum_rules` compares with the formula instead.
N_EFF = (0.91187657, 4.72490711, 3.60594653, 3.88077047, 0.26759741, 0.19813647)


@pytest.mark.parametrize(("case", "electrons"), list(zip(DRUDE, N_EFF, strict=True)))
def test_effective_electrons_are_those_of_exspy(case, electrons):
    plasmon, width, thickness = case
    beam = Beam(300, 0, 10)
    energy, single, _ = volume(plasmon, width, thickness, beam, 0.04, 2048 * 0.04)
    found = lib.kramers_kronig(energy, single, 1e6, beam)
    by_loss, _ = lib.effective_electrons(found.energy, found.eps, 50.0, beam)
    assert by_loss[-1] == pytest.approx(electrons, rel=1e-3)


def test_insulator_by_refractive_index_and_by_thickness():
    # Bound electrons: eps(0) = 1 + Ep^2/Eb^2 = n^2
    beam = Beam(200, 5, 10)
    energy, single, eps = volume(12.0, 3.0, 45.0, beam, 0.05, 120.0, bound=9.0)
    index = np.sqrt(1 + 144 / 81)
    by_index = lib.kramers_kronig(energy, single, 1e6, beam, refractive_index=index)
    assert by_index.thickness == pytest.approx(45.0, rel=5e-3)
    by_thickness = lib.kramers_kronig(energy, single, 1e6, beam, thickness=45.0)
    assert by_thickness.thickness == pytest.approx(45.0, rel=1e-12)
    assert np.max(np.abs(by_thickness.eps - eps)) < 0.01 * np.max(np.abs(eps))
    assert by_thickness.eps[0].real == pytest.approx(index**2, rel=0.01)


def test_surface_losses(measured):
    # KraKro on Drude 15/3 eV, 100 keV, 10 mrad, 50 nm, 0.1 eV: 56.140 nm, then 47.799 (Egerton 2011, appendix B;
    # science notes E5). The program sums channels without the half one at 0 eV, hence up to 1 %. Truth 50 nm.
    beam, energy = Beam(100, 0, 10), 0.1 * np.arange(1, 1001)
    eps = permittivity(energy, 15.0, 3.0)
    loss = loss_probability(energy, eps, 50.0, beam)
    single = 1e6 * 0.1 * (loss.volume + loss.surface)
    found = lib.kramers_kronig(energy, single, 1e6, beam, rounds=12)
    assert found.changes[:2] == pytest.approx((56.140, 47.799), rel=0.01)
    # t/lambda of the same rounds: 0.438070 with and 0.418839 without the surface losses; the truth is 0.417258.
    assert np.sum(single) / 1e6 == pytest.approx(0.438070, rel=5e-4)
    second = lib.kramers_kronig(energy, single, 1e6, beam, rounds=2)
    assert np.sum(single - second.surface) / 1e6 == pytest.approx(0.418839, rel=5e-4)
    assert found.thickness == pytest.approx(50.0, rel=0.01)
    assert abs(found.changes[-1] - found.changes[-2]) < 0.02
    measured("Kramers-Kronig thickness with surface losses removed, 50 nm", found.thickness, "nm", "49.5 to 50.5")
    elf = np.imag(-1.0 / eps)
    assert np.max(np.abs(found.loss_function - elf)) < 0.03 * np.max(elf)
    once = lib.kramers_kronig(energy, single, 1e6, beam)
    assert np.max(np.abs(once.loss_function - elf)) > 0.05 * np.max(elf)


def test_noise_moves_the_thickness_little():
    beam = Beam(300, 0, 10)
    energy, single, _ = volume(15.0, 3.0, 50.0, beam, 0.1, 80.0, i0=1e5)
    generator = np.random.default_rng(8)
    found = [lib.kramers_kronig(energy, generator.poisson(single), 1e5, beam).thickness for _ in range(50)]
    lost = np.sum(single)
    assert np.mean(found) == pytest.approx(50.0, rel=0.01)
    assert np.std(found) / 50.0 < 3 / np.sqrt(lost)


def test_refuses():
    beam = Beam(300, 0, 10)
    energy, single, _ = volume(15.0, 3.0, 50.0, beam, 0.1, 80.0)
    with pytest.raises(NotDetermined, match="zero-loss area"):
        lib.kramers_kronig(energy, single, 0.0, beam)
    with pytest.raises(NotDetermined, match="no positive sum"):
        lib.kramers_kronig(energy, -single, 1e6, beam)
    with pytest.raises(NotDetermined, match="convergence angle"):
        lib.kramers_kronig(energy, single, 1e6, Beam(300, None, 10))
    with pytest.raises(NotDetermined, match="too few losses"):
        lib.kramers_kronig(energy - 79.0, single, 1e6, beam)
    for options in ({"refractive_index": 2.0, "thickness": 50.0}, {"thickness": -1.0}, {"rounds": 0},
                    {"refractive_index": 0.5}):
        with pytest.raises(BadData):
            lib.kramers_kronig(energy, single, 1e6, beam, **options)
    with pytest.raises(BadData, match="evenly"):
        lib.kramers_kronig(energy**3, single, 1e6, beam)
    with pytest.raises(BadData, match="shape"):
        lib.kramers_kronig(energy, single[:-1], 1e6, beam)
    with pytest.raises(BadData, match="not finite"):
        lib.kramers_kronig(energy, np.where(energy > 5, np.nan, single), 1e6, beam)
    with pytest.raises(BadData, match="density of atoms"):
        lib.effective_electrons(energy, single + 1j, 0.0, beam)
