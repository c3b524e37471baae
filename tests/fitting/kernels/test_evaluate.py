"""The compiled evaluator, against `fitting.evaluate`, for every shape, background, direction and kind of link."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.backgrounds import KINDS
from fitting.dataset import Axis, Spectrum
from fitting.evaluate import Evaluator
from fitting.kernels import backgrounds, compiled, shapes
from fitting.model import Background, Component, Curve, FitModel, Param
from fitting.shapes import SHAPES
from tests.fitting.problems import ACTIVE, ALL_SHAPES, background, component, grid, model, random_problem

CLOSE = 1e-9
STATIC = ["linear", "shirley"]
# Every shape on two backgrounds, and every background below two shapes.
PAIRS = sorted(
    {(name, kind) for name in ALL_SHAPES for kind in ("shirley_active", "linear")}
    | {(name, kind) for kind in (*ACTIVE, *STATIC) for name in ("gl_sum", "gl_tail")}
)


def everything_free(start):
    """All parameters of a model free, so that every derivative is seen."""
    return start.with_params({name: replace(param, vary=True) for name, param in start.params.items()})


def largest_difference(spectrum, start) -> float:
    """Of values and of each derivative, relative to its largest value."""
    evaluator = Evaluator(spectrum, start)
    free, _, _ = evaluator.parameters.start(start)
    ours, slopes = compiled.view(evaluator, free)
    value, jacobian = evaluator.free(free)
    pairs = [(ours, value), *zip(slopes, jacobian, strict=True)]
    return max(float(np.max(np.abs(a - b))) / max(float(np.max(np.abs(b))), 1e-6) for a, b in pairs)


def test_every_registered_shape_and_background_is_compiled():
    assert set(shapes.CODES) == set(SHAPES)
    assert set(backgrounds.CODES) == set(ACTIVE)


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_shapes_and_backgrounds(name, kind, quantity):
    if quantity == "kinetic_energy" and (SHAPES[name].quantity or KINDS[kind].quantity):
        return  # refused
    back = background(kind) if kind in ACTIVE else Background(kind, {})
    peaks = (component("p1", name, position=287.0, area=3e3, height=900.0), component("p2", name, position=291.0))
    data = grid()
    data = data.with_(
        axis=Axis(data.x, quantity), counts=np.random.default_rng(0).poisson(500.0, data.x.size)
    )
    assert largest_difference(data, everything_free(model(*peaks, back=back))) < CLOSE


@pytest.mark.parametrize("seed", range(40))
def test_random_models_with_links(seed):
    assert largest_difference(*random_problem(seed)) < CLOSE


@pytest.mark.parametrize(
    "link",
    [
        "p1.area * 0.5", "0.3*p1.area + 2*p1.fwhm - 7", "p1.area / (1 + p1.fwhm)", "p1.area ** 1.1", "2 ** p1.fwhm",
        "sqrt(p1.area) * 9", "100*exp(-p1.fwhm)", "log(p1.area) ** 2", "abs(-p1.area)", "-(-p1.area) +- 5 %",
        "p1.area + 3 +- 2", "+p1.fwhm * p1.area", "p1.fwhm ** p1.fwhm * 100",
    ],
)
def test_links(link):
    second = component("p2", position=290.0).with_(area=Param(500.0, link=link))
    third = component("p3", position=293.0).with_(area=Param(500.0, link="p2.area * 0.7"))
    assert largest_difference(grid(), model(component("p1", area=900.0, position=286.0), second, third)) < CLOSE


@pytest.mark.parametrize("fwhm_g", [0.0, 1e-3, 0.05, 1.0, 40.0])
@pytest.mark.parametrize("fwhm_l", [1e-3, 0.3, 60.0])
def test_voigt_from_gauss_to_lorentz(fwhm_g, fwhm_l):
    peak = component("p1", "voigt", position=287.3, fwhm_g=fwhm_g, fwhm_l=fwhm_l)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize("mix", [0.0, 1e-4, 0.0099, 0.0101, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("name", ["gl_sum", "gl_product"])
def test_mix(name, mix):
    peak = component("p1", name, position=287.3, mix=mix)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize("asymmetry", [0.0, 1e-3, 0.3, 0.49])
@pytest.mark.parametrize("fwhm_g", [0.0, 0.02, 1.0, 8.0])
def test_doniach_sunjic(asymmetry, fwhm_g):
    peak = component("p1", "doniach_sunjic", position=287.3, fwhm_g=fwhm_g, asymmetry=asymmetry)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize("n", [0.0, 0.5, 100.0, 499.0])
@pytest.mark.parametrize(("alpha", "beta"), [(0.52, 0.6), (0.54, 10.0), (1.0, 1.0), (2.5, 60.0)])
@pytest.mark.parametrize("name", ["la", "lf"])
def test_powers_of_a_lorentzian(name, alpha, beta, n):
    peak = component("p1", name, position=287.3, alpha=alpha, beta=beta, n=n, w=30.0, fwhm=1.1)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize("mix", [0.0, 0.0099, 0.5, 1.0])
@pytest.mark.parametrize("decay", [0.02, 1.5, 50.0])
@pytest.mark.parametrize("name", ["gl_t", "sgl_t"])
def test_exponential_tails(name, decay, mix):
    peak = component("p1", name, position=287.3, mix=mix, k=decay)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize("kt", [1e-4, 0.0257, 0.2])
@pytest.mark.parametrize("fwhm_g", [1e-3, 0.05, 0.6, 8.0])
def test_fermi_edge(kt, fwhm_g):
    peak = component("p1", "fermi_edge", position=287.31, kt=kt, fwhm_g=fwhm_g)
    assert largest_difference(grid(), everything_free(model(peak, back=background("constant")))) < CLOSE


@pytest.mark.parametrize(("position", "fwhm"), [(5.7, 0.3), (22.0, 12.0), (10.0, 20.0), (10.0, 20.4), (6.0, 70.0)])
def test_drude_and_edge(position, fwhm):
    plasmon = component("p1", "drude", position=position, fwhm=fwhm, area=700.0)
    edge = component("p2", "edge_step", position=31.0, fwhm=0.3 * fwhm, height=60.0, exponent=3.3)
    x = np.linspace(-4.0, 70.0, 371)
    data = Spectrum(Axis(x, "energy_loss"), np.ones(x.size))
    assert largest_difference(data, everything_free(model(plasmon, edge, region=(-4.0, 70.0)))) < CLOSE


@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
@pytest.mark.parametrize("fwhm_g", [0.0, 1e-3, 0.07, 0.9, 8.0])
def test_measured_lines(fwhm_g, quantity):
    rng = np.random.default_rng(5)
    energy = np.cumsum(rng.uniform(0.03, 0.3, 60)) - 5.0
    line = Curve(tuple(energy), tuple(0.2 + np.exp(-0.5 * energy**2) + 0.02 * rng.normal(size=60)))
    other = Curve((-1.0, 0.0, 2.0, 3.0), (0.0, 1.0, 0.4, 0.3))
    peaks = []
    for id, position, curve in (("p1", 286.03, line), ("p2", 289.411, other)):
        params = {"area": Param(900.0), "position": Param(position), "fwhm_g": Param(fwhm_g, 0.0)}
        peaks.append(Component(id, id, "measured", params, curve=curve))
    data = grid()
    data = data.with_(axis=Axis(data.x, quantity))
    first, between, last = peaks[0], component("q1", position=287.0), peaks[1]
    assert largest_difference(data, everything_free(model(first, between, last))) < CLOSE


def response(low: float, high: float, step: float) -> Curve:
    x = np.arange(round(low / step), round(high / step) + 1) * step
    return Curve(tuple(x), tuple(np.exp(-0.5 * (x / 0.4) ** 2) + 0.1 * np.exp(-0.5 * ((x - 3.0) / 0.9) ** 2)))


@pytest.mark.parametrize("quantity", ["energy_loss", "kinetic_energy"])
@pytest.mark.parametrize("kind", ["constant", "power_law", "linear", "step_arctan", "none"])
@pytest.mark.parametrize("reach", [(-0.2, 0.25, 0.1), (-2.0, 8.0, 0.07), (-3.0, 40.0, 0.11)])
def test_convolved_components(reach, kind, quantity):
    """With links across those that are convolved and those that are not."""
    if quantity == "kinetic_energy" and kind == "power_law":
        return  # refused
    loss = quantity == "energy_loss"
    first = component("p1", "drude" if loss else "gl_sum", position=15.2, fwhm=1.9, area=900.0)
    double = component("p2", "drude" if loss else "voigt", position=30.0, area=200.0)
    double = double.with_(area=Param(200.0, link="p1.area ** 2 / 5000"), position=Param(30.0, link="2*p1.position"))
    sharp = component("p3", "gl_tail", position=24.0, area=300.0)
    sharp = sharp.with_(fwhm=Param(1.0, link="p1.fwhm * 0.6"))
    edge = component("p4", "edge_step" if loss else "step_erf", position=33.0, fwhm=0.8, height=50.0)
    back = background(kind, level=40.0, position=20.0) if kind in ACTIVE else Background(kind, {})
    spread = [replace(c, broadened=True) for c in (first, double, edge)]
    fitted = FitModel((3.0, 45.0), back, (spread[0], sharp, *spread[1:]), response=response(*reach))
    x = np.arange(10, 500) * 0.1
    data = Spectrum(Axis(x, quantity), np.random.default_rng(0).poisson(50.0, x.size))
    assert largest_difference(data, everything_free(fitted)) < CLOSE
    # Nothing is convolved, though there is a response.
    plain = replace(fitted, components=tuple(replace(c, broadened=False) for c in fitted.components))
    assert largest_difference(data, everything_free(plain)) < CLOSE
