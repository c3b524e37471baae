"""Plasmons and edges of energy-loss spectra, against direct integration and the formulas as they are printed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import ndtr

from fitting.dataset import Axis, Spectrum
from fitting.evaluate import Evaluator
from fitting.lineshapes import drude, drude_gradient, edge_step, edge_step_gradient
from fitting.model import Background, Component, FitModel, Param
from fitting.shapes import SHAPES
from libraries.errors import BadModel

# Sodium, aluminium, carbon; then near and beyond critical damping.
PLASMONS = [(5.7, 0.4), (15.0, 0.55), (22.0, 12.0), (10.0, 19.99), (10.0, 20.0), (10.0, 20.5), (6.0, 60.0)]


def loss_function(energy, position, fwhm):
    """Im(-1/eps) of eps = 1 - Ep**2/(E**2 + iEG)."""
    return (-1.0 / (1.0 - position**2 / (energy**2 + 1j * energy * fwhm))).imag


@pytest.mark.parametrize(("position", "fwhm"), PLASMONS)
def test_drude_is_the_loss_function_of_unit_area(position, fwhm):
    energy = np.linspace(0.1, 80.0, 400)
    ours = drude(energy, 3.0, position, fwhm)
    np.testing.assert_allclose(ours / ours[200], loss_function(energy, position, fwhm) / loss_function(
        energy[200], position, fwhm), rtol=1e-11)

    def at(e):
        return float(drude(np.array([e]), 3.0, position, fwhm)[0])

    far = position + 50.0 * fwhm
    total = quad(at, 0.0, far, points=[position], limit=500)[0] + quad(at, far, np.inf, limit=500)[0]
    assert total == pytest.approx(3.0, rel=1e-8)


def test_drude_peak_height_of_the_notes():
    # science notes E4: the loss function is Ep/G high at Ep.
    energy = np.array([15.0])
    area = quad(lambda e: float(loss_function(e, 15.0, 3.0)), 0.0, 1e4, points=[15.0], limit=1000)[0]
    assert drude(energy, area, 15.0, 3.0)[0] == pytest.approx(5.0, rel=1e-6)


@pytest.mark.parametrize(("position", "fwhm"), PLASMONS)
def test_drude_derivatives(position, fwhm):
    energy = np.linspace(-3.0, 60.0, 211)
    params = np.array([7.0, position, fwhm])
    value, gradient = drude_gradient(energy, *params)
    assert np.all(value[energy <= 0] == 0.0)
    for i in range(3):
        h = 1e-4 * params[i] * np.eye(3)[i]
        numeric = (8 * (drude(energy, *(params + h)) - drude(energy, *(params - h)))
                   - (drude(energy, *(params + 2 * h)) - drude(energy, *(params - 2 * h)))) / (12 * h[i])
        np.testing.assert_allclose(gradient[i], numeric, atol=1e-8 * np.abs(numeric).max())


@pytest.mark.parametrize(("position", "fwhm"), PLASMONS)
def test_drude_maximum_and_width(position, fwhm):
    found = SHAPES["drude"].derived({"area": 2.0, "position": position, "fwhm": fwhm})
    energy = np.linspace(0.0, 3.0 * position + fwhm, 400_001)
    curve = drude(energy, 2.0, position, fwhm)
    assert found.maximum_position == pytest.approx(energy[curve.argmax()], abs=2e-3)
    assert found.height == pytest.approx(curve.max(), rel=1e-7)
    above = energy[curve >= 0.5 * found.height]
    assert found.fwhm == pytest.approx(above[-1] - above[0], abs=1e-3)
    assert found.area == 2.0


def test_edge_step():
    energy = np.linspace(400.0, 700.0, 601)
    ours = edge_step(energy, 80.0, 513.0, 2.0, 3.5)
    sigma = 2.0 / math.sqrt(8 * math.log(2))
    np.testing.assert_allclose(ours, 80.0 * ndtr((energy - 513.0) / sigma) * (energy / 513.0) ** -3.5, rtol=1e-12)
    # Nothing is excited far below the onset, zero loss and negative energies included.
    below = edge_step(np.array([-5.0, 0.0, 1e-9, 0.2, 20.0]), 80.0, 31.0, 1.0, 9.0)
    assert np.all(below >= 0.0)
    assert np.all(below < 1e-20)


def test_edge_step_derivatives():
    energy = np.linspace(-5.0, 80.0, 341)
    params = np.array([80.0, 31.0, 2.0, 3.5])
    _, gradient = edge_step_gradient(energy, *params)
    for i in range(4):
        h = 1e-4 * np.eye(4)[i]
        numeric = (8 * (edge_step(energy, *(params + h)) - edge_step(energy, *(params - h)))
                   - (edge_step(energy, *(params + 2 * h)) - edge_step(energy, *(params - 2 * h)))) / (12 * h[i])
        np.testing.assert_allclose(gradient[i], numeric, atol=1e-7 * np.abs(numeric).max())


@pytest.mark.parametrize(("shape", "kind"), [("drude", "none"), ("edge_step", "none"), ("gl_sum", "power_law")])
def test_kinetic_energies_are_refused(shape, kind):
    params = {p.name: Param(p.default) for p in SHAPES[shape].parameters}
    below = {"amplitude": Param(1.0), "exponent": Param(3.0)} if kind == "power_law" else {}
    fit = FitModel((900.0, 950.0), Background(kind, below), (Component("p1", "", shape, params),))
    x = np.linspace(890.0, 960.0, 141)
    with pytest.raises(BadModel, match="not kinetic energies"):
        Evaluator(Spectrum(Axis(x, "kinetic_energy"), np.ones(x.size)), fit)


def test_a_power_law_over_the_zero_loss_is_refused():
    fit = FitModel((-2.0, 20.0), Background("power_law", {"amplitude": Param(1.0), "exponent": Param(3.0)}))
    x = np.linspace(-5.0, 40.0, 181)
    with pytest.raises(BadModel, match="above 0") as told:
        Evaluator(Spectrum(Axis(x, "energy_loss"), np.ones(x.size)), fit)
    assert "above the zero-loss peak" in str(told.value.todo)
