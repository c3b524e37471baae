"""Relativistic quantities and convergence, against check values, direct integration and limits."""

import numpy as np
import pytest
from scipy.integrate import quad

from fitting.eels.kinematics import Beam, Constants, convergence_factors, effective_angle
from libraries.errors import BadData, NotDetermined

# Constants of R. F. Egerton's programs (EELS in the Electron Microscope, 3rd ed. (2011), appendix B)
EGERTON = Constants(13.606, 0.0529177, 511060.0, "Egerton 2011, appendix B")


def overlap(alpha, beta, s):
    """Common area of two discs of radius alpha and beta whose centres lie s apart."""
    if s >= alpha + beta:
        return 0.0
    if s <= abs(alpha - beta):
        return np.pi * min(alpha, beta) ** 2
    first = (s**2 + alpha**2 - beta**2) / (2 * s * alpha)
    second = (s**2 + beta**2 - alpha**2) / (2 * s * beta)
    root = (alpha + beta - s) * (s + alpha - beta) * (s - alpha + beta) * (s + alpha + beta)
    return alpha**2 * np.arccos(first) + beta**2 * np.arccos(second) - 0.5 * np.sqrt(max(root, 0.0))


def integrated(alpha, beta, theta):
    """F1 by integration over both discs."""
    def integrand(s):
        return 2 * np.pi * s * overlap(alpha, beta, s) / (s**2 + theta**2)

    points = sorted({abs(alpha - beta), theta})
    whole = quad(integrand, 0, alpha + beta, points=[p for p in points if 0 < p < alpha + beta], limit=400)[0]
    return whole / (np.pi * alpha**2) / (np.pi * np.log1p((beta / theta) ** 2))


def test_relativistic_quantities():
    # 200 keV: wavelength 2.50793 pm (Intl. Tables Cryst. C, table 4.3.2.1), v/c 0.69531, m0 v^2/2 123.53 keV by hand
    beam = Beam(200.0)
    assert 2e3 * np.pi / beam.wave_number == pytest.approx(2.50793, rel=2e-5)
    assert beam.gamma == pytest.approx(1 + 200 / 510.99895, rel=1e-9)
    assert beam.speed == pytest.approx(0.69531, abs=2e-5)
    assert pytest.approx(beam.speed**2, rel=1e-12) == 2.0 * beam.T / 510998.95
    assert beam.characteristic_angle(100.0) == pytest.approx(100.0 / (2 * beam.gamma * beam.T))
    assert beam.bethe_ridge(5.7) * 1e3 == pytest.approx(5.34, abs=0.005)  # science notes E3


@pytest.mark.parametrize(("energy", "alpha", "beta", "loss", "f1", "source"), [
    (100, 18, 12, 500, 0.524, "direct integration, science notes E2"),
    (300, 30, 10, 1072, 0.187, "direct integration, science notes E2"),
])
def test_convergence_check_values(energy, alpha, beta, loss, f1, source):
    beam = Beam(energy, alpha, beta)
    found, _ = convergence_factors(beam.alpha, beam.beta, beam.characteristic_angle(loss))
    assert found == pytest.approx(f1, abs=0.0008), source


def test_concor2_needs_twice_the_characteristic_angle():
    # Concor2(18,12,500,100): F1 0.5711368, F2 1.2850583, beta* 16.0546 (Egerton 2011, appendix B)
    beam = Beam(100, 18, 12, EGERTON)
    twice = 2 * beam.characteristic_angle(500.0)
    assert convergence_factors(beam.alpha, beam.beta, twice) == pytest.approx((0.5711368, 1.2850583), rel=3e-6)
    assert effective_angle(beam.alpha, beam.beta, twice) * 1e3 == pytest.approx(16.0546, abs=1e-4)


@pytest.mark.parametrize("alpha", [0.2, 3.0, 10.0, 18.0, 30.0])
@pytest.mark.parametrize("beta", [2.5, 10.0, 40.0])
@pytest.mark.parametrize("loss", [15.0, 300.0, 1072.0])
def test_convergence_by_direct_integration(alpha, beta, loss, measured):
    beam = Beam(200, alpha, beta)
    theta = beam.characteristic_angle(loss)
    f1, f2 = convergence_factors(beam.alpha, beam.beta, theta)
    worst = abs(f1 / integrated(beam.alpha, beam.beta, theta) - 1)
    assert worst < 3e-3
    assert f2 == pytest.approx(f1 * (max(alpha, beta) / beta) ** 2 if alpha > beta else f1)
    measured(f"convergence factor, {alpha} mrad into {beta} mrad at {loss} eV", 100 * worst, "%", "<= 0.3")


def test_limits():
    parallel, nearly = Beam(200, 0.0, 10.0), Beam(200, 1e-4, 10.0)
    loss = np.array([5.0, 100.0, 1000.0])
    assert parallel.effective_collection(loss) == pytest.approx([0.01] * 3, rel=1e-12)
    assert nearly.effective_collection(loss) == pytest.approx([0.01] * 3, rel=1e-4)
    assert np.ndim(parallel.effective_collection(5.0)) == 0


@pytest.mark.parametrize(("beam", "use", "words"), [
    (Beam(200, None, 10), lambda b: b.effective_collection(100.0), "convergence angle is not known"),
    (Beam(200, 5, None), lambda b: b.effective_collection(100.0), "collection angle is not known"),
    (Beam(None, 5, 10), lambda b: b.T, "beam energy is not known"),
])
def test_missing_is_said(beam, use, words):
    with pytest.raises(NotDetermined, match=words):
        use(beam)


@pytest.mark.parametrize("arguments", [(0,), (-200,), (float("nan"),), (200, -1), (200, 5, 0), (200, 5, -3),
                                       (200, 5, 1e3), (200, float("nan"))])
def test_bad_beams(arguments):
    with pytest.raises(BadData):
        Beam(*arguments)


@pytest.mark.parametrize("loss", [0.0, -1.0, [1.0, np.nan]])
def test_bad_losses(loss):
    with pytest.raises(BadData, match="above zero"):
        Beam(200).characteristic_angle(loss)
