"""Drude losses against Egerton's check values, limits and finite differences."""

import numpy as np
import pytest

from fitting.eels.drude import loss_function, loss_probability, permittivity
from fitting.eels.kinematics import Beam, Constants
from libraries.errors import BadData

EGERTON = Constants(13.606, 0.0529, 511060.0, "Egerton 2011, appendix B")
SOURCE = "program Drude of Egerton 2011, appendix B (science notes E4)"


@pytest.mark.parametrize(("plasmon", "width", "step", "e0", "beta", "channels", "volume", "path", "source"), [
    (15.0, 3.0, 0.1, 200, 5, 500, 0.254905, 196.151, SOURCE),
    (15.0, 3.0, 0.1, 100, 10, 1000, 0.417258, 119.830, SOURCE),
    (5.7, 0.5, 0.02, 200, 10, 2000, 0.135787, 368.225, SOURCE),
])
def test_volume_probability(plasmon, width, step, e0, beta, channels, volume, path, source):
    energy = step * np.arange(1, channels + 1)
    for constants, accuracy in ((EGERTON, 5e-5), (Constants(), 5e-4)):
        loss = loss_probability(energy, permittivity(energy, plasmon, width), 50.0, Beam(e0, 0, beta, constants))
        found = step * np.sum(loss.volume)
        assert found == pytest.approx(volume, rel=accuracy), source
        assert 50.0 / found == pytest.approx(path, rel=accuracy), source


def test_surface_probability():
    # Drude(15,3,0,.1,200,5,500,50): 0.0163826; the program sums by trapezoids from its first channel on.
    energy = 0.1 * np.arange(1, 501)
    for constants, accuracy in ((EGERTON, 5e-5), (Constants(), 5e-4)):
        loss = loss_probability(energy, permittivity(energy, 15.0, 3.0), 50.0, Beam(200, 0, 5, constants))
        assert np.trapezoid(loss.surface, energy) == pytest.approx(0.0163826, rel=accuracy), SOURCE


def test_surface_and_begrenzung():
    # Positive about Ep/sqrt(2), negative at Ep (Egerton 2011, chapter 3); does not grow with thickness.
    energy = 0.01 * np.arange(1, 3001)
    eps, beam = permittivity(energy, 15.0, 0.3), Beam(200, 0, 5)
    thin, thick = (loss_probability(energy, eps, t, beam) for t in (20.0, 60.0))
    assert energy[np.argmax(thin.surface)] == pytest.approx(15.0 / np.sqrt(2.0), abs=0.05)
    assert energy[np.argmin(thin.surface)] == pytest.approx(15.0, abs=0.02)
    assert np.array_equal(thin.surface, thick.surface)
    assert thick.volume == pytest.approx(3.0 * thin.volume)


def test_loss_function_and_its_gradient():
    energy = np.linspace(0.5, 40.0, 300)
    value, gradient = loss_function(energy, 15.0, 2.0)
    assert value == pytest.approx(np.imag(-1.0 / permittivity(energy, 15.0, 2.0)), rel=1e-12)
    for row, (dp, dw) in zip(gradient, ((1e-5, 0.0), (0.0, 1e-5)), strict=True):
        up, down = (loss_function(energy, 15.0 + s * dp, 2.0 + s * dw)[0] for s in (1, -1))
        assert row == pytest.approx((up - down) / 2e-5, rel=1e-6, abs=1e-8)


def test_bound_electrons_lift_the_plasmon():
    # Loss peak at sqrt(Ep^2 + Eb^2) (Egerton 2011, chapter 3)
    energy = 0.01 * np.arange(1, 4000)
    elf = np.imag(-1.0 / permittivity(energy, 15.0, 0.2, 8.0))
    assert energy[np.argmax(elf)] == pytest.approx(17.0, abs=0.02)


def test_refuses():
    with pytest.raises(BadData, match="above zero"):
        permittivity(np.array([1.0]), 0.0, 1.0)
