"""Components convolved with a measured response: against closed forms, direct integration and finite differences."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from fitting.backgrounds import KINDS
from fitting.dataset import Axis, Noise, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, Curve, FitModel, Param, from_json
from fitting.response import kernel_of
from fitting.shapes import SHAPES
from libraries.errors import BadData, BadModel

SIGMA = 1 / math.sqrt(8 * math.log(2))
STEP = 0.1


def gaussian(fwhm=0.8, step=STEP, reach=4.0, name="zero loss") -> Curve:
    x = np.arange(-round(reach / step), round(reach / step) + 1) * step
    return Curve(tuple(x), tuple(1234.5 * np.exp(-0.5 * (x / (SIGMA * fwhm)) ** 2)), name)


def low_loss(step=0.5) -> Curve:
    """A zero loss with two plasmons behind it."""
    x = np.arange(-8, 140) * step
    y = np.exp(-0.5 * (x / 0.6) ** 2) + 0.4 * SHAPES["drude"].function(x, 1.0, 15.0, 4.0)[0]
    return Curve(tuple(x), tuple(y + 0.1 * SHAPES["drude"].function(x, 1.0, 30.0, 6.0)[0]), "low loss")


def component(id, name, broadened=True, **values) -> Component:
    params = {}
    for p in SHAPES[name].parameters:
        params[p.name] = Param(values.get(p.name, p.default), p.minimum, p.maximum)
    return Component(id, id, name, params, broadened=broadened)


def spectrum(low=0.0, high=60.0, step=STEP, quantity="energy_loss") -> Spectrum:
    x = low + step * np.arange(round((high - low) / step) + 1)
    return Spectrum(Axis(x, quantity), np.ones(x.size), Noise("poisson", 1.0))


def model(*components, response=None, back=None, region=(2.0, 50.0)) -> FitModel:
    flat = Background("constant", {"level": Param(5.0)})
    return FitModel(region, flat if back is None else back, components, response=gaussian() if response is None
                    else response)


def envelope(data, fitted):
    evaluator = Evaluator(data, fitted)
    return evaluator.x, evaluator.parts(evaluator.values_of(fitted))


def test_gaussian_on_gaussian_is_a_gaussian(measured):
    narrow, response = 0.6, 0.8
    # The second stands outside the window, whose tail comes in.
    peaks = (component("p1", "gl_sum", area=900.0, position=20.03, fwhm=narrow, mix=0.0),
             component("p2", "gl_sum", area=900.0, position=1.7, fwhm=narrow, mix=0.0))
    x, parts = envelope(spectrum(), model(*peaks, response=gaussian(response)))
    wide = math.hypot(narrow, response)
    for curve, position in zip(parts.components, (20.03, 1.7), strict=True):
        exact = SHAPES["gl_sum"].function(x, 900.0, position, wide, 0.0)[0]
        worst = float(np.max(np.abs(curve - exact))) / SHAPES["gl_sum"].function(
            np.array([position]), 900.0, position, wide, 0.0)[0][0]
        measured(f"Gaussian convolved with a Gaussian response, centre {position} eV", worst, "of maximum", "<= 1e-4")
        assert worst <= 1e-4
    np.testing.assert_allclose(parts.envelope, parts.components[0] + parts.components[1] + 5.0)


def test_a_response_on_other_energies_than_the_channels():
    """Interpolated between points of its own, half a channel off."""
    fine = gaussian(0.8, step=0.13)
    x, parts = envelope(spectrum(), model(component("p1", "gl_sum", area=900.0, position=20.03, fwhm=0.6, mix=0.0),
                                          response=fine))
    exact = SHAPES["gl_sum"].function(x, 900.0, 20.03, 1.0, 0.0)[0]
    np.testing.assert_allclose(parts.components[0], exact, atol=5e-3 * exact.max())


def test_against_direct_integration():
    response = low_loss(0.5)
    data = spectrum(420.0, 620.0, 0.5)
    edge = component("p1", "edge_step", height=50.0, position=513.0, fwhm=2.0, exponent=3.0)
    x, parts = envelope(data, model(edge, response=response, region=(480.0, 600.0)))
    energy, height = np.array(response.x), np.array(response.y)

    # Plain sums on a grid fifty times finer than the channels.
    fine = np.arange(energy[0], energy[-1], 0.01)
    weight = np.interp(fine, energy, height)
    for at in (505.0, 513.0, 520.0, 545.0, 599.5):
        shape = SHAPES["edge_step"].function(at - fine, 50.0, 513.0, 2.0, 3.0)[0]
        ours = float(parts.components[0][np.argmin(np.abs(x - at))])
        assert ours == pytest.approx(float(weight @ shape / np.sum(weight)), abs=1e-3 * 50.0)


def test_area_and_amplitude_do_not_change():
    """The response has unit area whatever was counted in it."""
    peak = component("p1", "drude", area=700.0, position=20.0, fwhm=2.0)
    for scale in (1e-3, 1e9):
        response = gaussian()
        response = replace(response, y=tuple(scale * y for y in response.y))
        x, parts = envelope(spectrum(), model(peak, response=response, region=(0.5, 59.0)))
        plain = SHAPES["drude"].function(x, 700.0, 20.0, 2.0)[0]
        assert np.trapezoid(parts.components[0], x) == pytest.approx(np.trapezoid(plain, x), rel=1e-4)


def test_ends_that_carry_nothing_are_cut():
    x = np.arange(-400, 401) * STEP
    y = np.exp(-0.5 * (x / 0.3) ** 2)
    kernel = kernel_of(Curve(tuple(x), tuple(y)), np.arange(0.0, 100.0, STEP))
    assert kernel.before == kernel.after < 20
    assert np.sum(kernel.weights) == pytest.approx(1.0, abs=1e-14)
    whole = y / y.sum()
    np.testing.assert_allclose(kernel.weights, whole[400 - kernel.before : 401 + kernel.after], rtol=2e-6)


@pytest.mark.parametrize("kind", ["constant", "power_law", "linear"])
@pytest.mark.parametrize("response", [gaussian(), low_loss(0.1)], ids=["zero loss", "low loss"])
def test_derivatives(kind, response):
    rng = np.random.default_rng(0)
    values = {"level": 5.0, "amplitude": 40.0, "exponent": 2.0}
    back = Background(kind, {p.name: Param(values[p.name], p.minimum, p.maximum) for p in KINDS[kind].parameters})
    double = component("p2", "drude", area=30.0, position=11.4, fwhm=1.0)
    double = double.with_(area=Param(30.0, link="p1.area * 0.2"), position=Param(11.4, link="2 * p1.position"))
    # One that is not convolved shares a parameter with those that are.
    sharp = component("p4", "gl_sum", broadened=False, area=20.0, position=25.0, fwhm=2.0)
    sharp = sharp.with_(fwhm=Param(2.0, link="p1.fwhm * 3"))
    fitted = model(
        component("p1", "drude", area=150.0, position=5.7, fwhm=0.7), double,
        component("p3", "edge_step", height=20.0, position=31.0, fwhm=1.0, exponent=2.5), sharp,
        response=response, back=back,
    )
    data = spectrum()
    data = data.with_(counts=rng.poisson(50.0, data.x.size))
    evaluator = Evaluator(data, fitted)
    start, _, _ = evaluator.parameters.start(fitted)
    _, jacobian = evaluator.free(start)
    for i, name in enumerate(evaluator.parameters.free):
        h = np.zeros_like(start)
        h[i] = 1e-4 * start[i]
        numeric = (8 * (evaluator.free(start + h)[0] - evaluator.free(start - h)[0])
                   - (evaluator.free(start + 2 * h)[0] - evaluator.free(start - 2 * h)[0])) / (12 * h[i])
        np.testing.assert_allclose(jacobian[i], numeric, atol=1e-6 * np.abs(numeric).max(), err_msg=name)


def test_kinetic_energies_are_spread_downwards():
    response = low_loss(0.5)
    loss, kinetic = spectrum(420.0, 620.0, 0.5), spectrum(-620.0, -420.0, 0.5, "kinetic_energy")
    peak = component("p1", "gl_sum", area=50.0, position=513.0, fwhm=2.0, mix=0.2)
    _, here = envelope(loss, model(peak, response=response, region=(480.0, 600.0)))
    turned = peak.with_(position=Param(-513.0))
    _, there = envelope(kinetic, model(turned, response=response, region=(-600.0, -480.0)))
    np.testing.assert_allclose(there.components[0][::-1], here.components[0], atol=1e-10)


def test_a_fit_finds_the_width_before_the_resolution():
    truth = model(component("p1", "drude", area=20000.0, position=5.7, fwhm=0.4), region=(2.0, 15.0))
    data = spectrum()
    _, parts = envelope(data, replace(truth, region=(0.0, 60.0)))
    data = data.with_(counts=np.random.default_rng(3).poisson(parts.envelope))
    found = fit(data, truth.with_values({"p1.area": 9000.0, "p1.position": 6.3, "p1.fwhm": 1.0}))
    assert found.success
    for name in ("area", "position", "fwhm"):
        pull = (found.value(f"p1.{name}") - truth.params[f"p1.{name}"].value) / found.error(f"p1.{name}")
        assert abs(pull) < 4.0


def test_what_cannot_be_convolved_is_refused():
    peak = component("p1", "drude", position=20.0)
    with pytest.raises(BadModel, match="no response"):
        Evaluator(spectrum(), replace(model(peak), response=None))
    uneven = Spectrum(Axis(np.geomspace(1.0, 60.0, 300), "energy_loss"), np.ones(300))
    with pytest.raises(BadData, match="evenly spaced"):
        Evaluator(uneven, model(peak))
    shirley = Background("shirley_active", {n: Param(0.0) for n in ("level", "tilt", "step", "loss_slope")})
    with pytest.raises(BadModel, match="cannot lie under"):
        Evaluator(spectrum(), model(peak, back=shirley))
    with pytest.raises(BadModel, match="zero loss"):
        Evaluator(spectrum(), model(peak, response=Curve((3.0, 4.0, 5.0, 6.0), (1.0, 1.0, 1.0, 1.0))))
    with pytest.raises(BadModel, match="area above zero"):
        Evaluator(spectrum(), model(peak, response=Curve((-1.0, 0.0, 1.0, 2.0), (0.0, 0.0, 0.0, 0.0))))
    # Nothing is convolved: an uneven axis does not matter.
    assert Evaluator(uneven, model(replace(peak, broadened=False))).x.size


def test_json_keeps_the_response():
    fitted = model(component("p1", "drude", position=20.0), component("p2", "drude", broadened=False))
    assert from_json(fitted.to_json()) == fitted
    plain = replace(fitted, response=None, components=tuple(replace(c, broadened=False) for c in fitted.components))
    assert "response" not in plain.to_json()
    assert "broadened" not in plain.to_json()
    assert from_json(plain.to_json()) == plain
