"""Log-ratio thickness, mean free paths and the Kramers-Kronig sum rule."""

import numpy as np
import pytest

from fitting.eels import thickness as lib
from fitting.eels.drude import loss_probability, permittivity
from fitting.eels.kinematics import Beam, Constants
from libraries.errors import BadData, NotDetermined, UnknownName

EGERTON = Constants(13.606, 0.0529, 511060.0, "Egerton 2011, appendix B")
IMFP = "program IMFP of Egerton 2011, appendix B; eXSpy agrees to all digits (science notes E3)"

# density, E0, alpha, beta, lambda in nm, revised, source
BY_DENSITY = [
    (0.90, 200, 5, 10, 217.274, False, IMFP),
    (0.97, 200, 5, 10, 213.345, False, IMFP),
    (1.80, 200, 5, 10, 183.640, False, IMFP),
    (2.10, 300, 0.2, 4.12, 248.847, False, IMFP),
    (4.23, 300, 0.2, 4.12, 211.559, False, IMFP),
    (0.90, 200, 5, 10, 204.605, True, IMFP),
    (0.97, 200, 5, 10, 200.856, True, IMFP),
    (1.80, 200, 5, 10, 172.524, True, IMFP),
]
# formula, E0, alpha, beta, lambda in nm, source
BY_NUMBER = [
    ("Na", 200, 5, 10, 136.227, IMFP),
    ("C", 200, 5, 10, 162.790, IMFP),
    ("BN", 300, 0.2, 4.12, 218.840, IMFP),
    ("TiO2", 300, 0.2, 4.12, 173.139, IMFP),
]


@pytest.mark.parametrize(("density", "e0", "alpha", "beta", "path", "revised", "source"), BY_DENSITY)
def test_iakoubovskii(density, e0, alpha, beta, path, revised, source):
    found = lib.iakoubovskii(density, Beam(e0, alpha, beta, EGERTON), revised=revised)
    assert found.value == pytest.approx(path, abs=6e-4), source


@pytest.mark.parametrize(("formula", "e0", "alpha", "beta", "path", "source"), BY_NUMBER)
def test_malis(formula, e0, alpha, beta, path, source):
    found = lib.malis(formula, Beam(e0, alpha, beta, EGERTON))
    assert found.value == pytest.approx(path, rel=5e-5), source
    assert found.relative_error == 0.2
    assert lib.malis(formula, Beam(e0, alpha, beta)).value == pytest.approx(path, rel=5e-4), source


def test_effective_atomic_number():
    assert lib.effective_atomic_number("Na") == pytest.approx(11)
    assert lib.effective_atomic_number("NaF") == pytest.approx((11**1.3 + 9**1.3) / (11**0.3 + 9**0.3))
    with pytest.raises(UnknownName):
        lib.effective_atomic_number("Nq")


def test_jin_li_differs_from_malis_by_the_mean_loss_alone():
    beam = Beam(200, 0, 10)
    found = lib.jin_li("C", 1.8, beam)
    mean_loss = 42.5 * 6**0.47 * 1.8 / 12.011  # written out: 14.784 eV
    factor = (1 + 200 / 1022) / (1 + 200 / 511) ** 2
    assert found.value == pytest.approx(106 * factor * 200 / mean_loss / np.log(2 * 10 * 200 / mean_loss), rel=1e-4)


def test_plasmon_path():
    # PMFP(200,20,5,10) = 128.674 nm; Na 5.7 eV: 397.06 nm, beta* beyond the Bethe ridge (Egerton 2011, appendix B)
    found = lib.plasmon_mean_free_path(20.0, Beam(200, 5, 10, EGERTON))
    assert found.value == pytest.approx(128.674, rel=1e-4)
    assert not found.warnings
    sodium = lib.plasmon_mean_free_path(5.7, Beam(200, 5, 10, EGERTON))
    assert sodium.value == pytest.approx(397.06, rel=1e-4)
    assert "5.34 mrad" in sodium.warnings[0]
    assert lib.plasmon_mean_free_path(20.0, Beam(200, 5, 10)).value == pytest.approx(128.674, rel=5e-4)


def test_relative_thickness_scatters_as_its_error_says(measured):
    generator = np.random.default_rng(1)
    i0, ratio = 4000.0, 0.6
    lost = i0 * np.expm1(ratio)
    zero = generator.poisson(i0, 20_000).astype(float)
    total = zero + generator.poisson(lost, 20_000)
    found, error = lib.relative_thickness(3.0 * zero, 3.0 * total, gain=3.0)
    pulls = (found - ratio) / error
    assert abs(np.mean(pulls)) < 0.03
    assert np.std(pulls) == pytest.approx(1.0, abs=0.02)
    measured("t/lambda, width of the pulls", np.std(pulls), "", "0.98 to 1.02")


@pytest.mark.parametrize(("zero", "total", "words"), [
    (0.0, 10.0, "not above zero"), (-5.0, 10.0, "not above zero"), (20.0, 10.0, "less than its zero-loss"),
    ([10.0, 0.0], [20.0, 20.0], "not above zero"), (float("nan"), 1.0, "not above zero"),
])
def test_relative_thickness_refuses(zero, total, words):
    with pytest.raises(NotDetermined, match=words):
        lib.relative_thickness(zero, total)


def test_sum_rule_on_drude_data(measured):
    # Volume loss of a 100 nm free-electron film (Ep 15, width 3 eV): all of it lies below 400 eV to 1e-4.
    beam = Beam(200, 0, 5)
    energy = 0.2 * np.arange(-50, 2000)
    single = np.zeros_like(energy)
    lost = energy > 1e-9
    eps = permittivity(energy[lost], 15.0, 3.0)
    single[lost] = 0.2 * 1e6 * loss_probability(energy[lost], eps, 100.0, beam).volume
    found = lib.kramers_kronig_sum(energy, single, 1e6, beam, None)
    assert found == pytest.approx(100.0, rel=2e-3)
    measured("thickness by the Kramers-Kronig sum rule, 100 nm", found, "nm", "99.8 to 100.2")
    glass = lib.kramers_kronig_sum(energy, single, 1e6, beam, 1.5)
    assert glass == pytest.approx(found / (1 - 1 / 2.25))


def test_sum_rule_refuses():
    energy = np.arange(1.0, 5.0)
    beam = Beam(200, 0, 5)
    with pytest.raises(NotDetermined, match="zero-loss"):
        lib.kramers_kronig_sum(energy, energy, 0.0, beam, None)
    with pytest.raises(BadData, match="refractive index"):
        lib.kramers_kronig_sum(energy, energy, 1.0, beam, 0.9)
    with pytest.raises(NotDetermined, match="collection angle"):
        lib.kramers_kronig_sum(energy, energy, 1.0, Beam(200, 0), None)
    with pytest.raises(NotDetermined, match="above zero"):
        lib.kramers_kronig_sum(-energy, energy, 1.0, beam, None)
    with pytest.raises(BadData, match="shape"):
        lib.kramers_kronig_sum(energy, energy[:2], 1.0, beam, None)


def test_thickness_needs_angles_and_density():
    with pytest.raises(NotDetermined, match="convergence"):
        lib.iakoubovskii(1.8, Beam(200, None, 10))
    with pytest.raises(NotDetermined, match="collection"):
        lib.malis("C", Beam(200, 5))
    with pytest.raises(BadData, match="density"):
        lib.iakoubovskii(0.0, Beam(200, 5, 10))
