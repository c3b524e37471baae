"""Models on points: derivatives, links, axis direction, the extended grid, static backgrounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.backgrounds import KINDS, end_levels
from fitting.dataset import Axis, Spectrum
from fitting.evaluate import Evaluator, Parameters
from fitting.model import Background, FitModel, Param
from fitting.shapes import SHAPES
from libraries.errors import BadData, BadModel, UnknownName
from tests.fitting.problems import ALL_SHAPES, COUNTS, background, component, envelope, grid, model

LINKS = {"area": "p1.{} * 0.5", "height": "p1.{} * 0.5", "position": "p1.{} + 3", "width": "p1.{}", "shape": "p1.{}"}


def two(name: str, kind: str, rng: np.random.Generator) -> FitModel:
    """Two peaks of a shape, the second partly linked, everything else free."""
    made = []
    for id, position in (("p1", 284.7), ("p2", 288.1)):
        params = dict(component(id, name, position=position, area=900.0, height=500.0).params)
        for p in SHAPES[name].parameters:
            value = params[p.name].value * (1 + 0.1 * rng.uniform(-1, 1) * (p.kind != "position"))
            link = LINKS[p.kind].format(p.name) if id == "p2" and rng.random() < 0.5 else ""
            link += str(rng.choice(["", " +- 0.3", " +- 20 %"])) if link else ""
            params[p.name] = Param(value, p.minimum, p.maximum, link=link)
        made.append(replace(component(id, name), params=tuple(params.items())))
    back = background(kind)
    anchors = ((281.0, 5.0), (286.0, -20.0), (294.0, 0.0)) if KINDS[kind].anchored else ()
    return model(*made, back=Background(kind, {n: replace(p, vary=True) for n, p in back.params}, anchors=anchors))


def check_jacobian(name: str, kind: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    fit = two(name, kind, rng)
    flat = grid(81)
    spectrum = flat.with_(counts=500.0 + 60.0 * np.arctan(flat.x - 287.0) + 3e3 * np.exp(-((flat.x - 287.0) ** 2)))
    evaluator = Evaluator(spectrum, fit)
    x, _, _ = evaluator.parameters.start(fit)
    _, jacobian = evaluator.free(x)
    for i, row in enumerate(jacobian):
        h = 1e-3 if evaluator.parameters.free[i].endswith("position") else 1e-4 * max(abs(x[i]), 0.02)
        if abs(x[i]) < 1 and evaluator.parameters.free[i].endswith("position"):
            # A departure within a relative tolerance: a fraction of some 285 eV.
            h /= max(1.0, float(np.max(np.abs(evaluator.parameters.expand(x)[1][:, i]))))
        moved = np.zeros_like(x)
        moved[i] = h
        difference = (evaluator.free(x + moved)[0] - evaluator.free(x - moved)[0]) / (2 * h)
        scale = float(np.max(np.abs(difference))) + 1e-9
        rounding = 1e-12 * float(np.max(np.abs(spectrum.y))) / h
        np.testing.assert_allclose(row, difference, atol=2e-4 * scale + rounding, err_msg=evaluator.parameters.free[i])


# Every shape on two backgrounds, and every background below two shapes.
PAIRS = sorted(
    {(name, kind) for name in ALL_SHAPES for kind in ("shirley_active", "linear")}
    | {(name, kind) for kind in KINDS for name in ("gl_sum", "doniach_sunjic")}
)


@pytest.mark.parametrize(("name", "kind"), PAIRS)
@pytest.mark.parametrize("seed", [1, 2])
def test_jacobian_is_the_finite_difference(name, kind, seed):
    check_jacobian(name, kind, seed)


@pytest.mark.full
@given(st.sampled_from(ALL_SHAPES), st.sampled_from(list(KINDS)), st.integers(0, 10**6))
def test_jacobian_of_many_models(name, kind, seed):
    check_jacobian(name, kind, seed)


@pytest.mark.parametrize(
    ("name", "kind"), [(name, kind) for name, kind in PAIRS if not (SHAPES[name].quantity or KINDS[kind].quantity)]
)
def test_kinetic_axis_is_the_mirror_image(name, kind):
    fit = two(name, kind, np.random.default_rng(1))
    fit = fit.with_params({n: replace(p, link="") for n, p in fit.params.items()})
    x = np.linspace(280.0, 295.0, 101)
    peaks = envelope(Spectrum(Axis(x, "binding_energy"), x), replace(fit, background=Background("none")))
    y = 500.0 + 3.0 * (x - 280) + peaks
    turned = fit.with_params(
        {n: p.moved(1486.6 - 2 * p.value) for n, p in fit.params.items() if n.endswith(".position")}
    )
    mirrored = tuple((1486.6 - energy, offset) for energy, offset in fit.background.anchors)
    turned = replace(
        turned, region=(1486.6 - 295.0, 1486.6 - 280.0), background=replace(turned.background, anchors=mirrored)
    )
    if kind == "linear_active":  # its slope counts along the axis of binding energy on both
        assert fit.background == turned.background
    binding = Evaluator(Spectrum(Axis(x, "binding_energy"), y, COUNTS), fit)
    kinetic = Evaluator(Spectrum(Axis(1486.6 - x[::-1], "kinetic_energy"), y[::-1], COUNTS), turned)
    a, b = binding.parts(binding.values_of(fit)), kinetic.parts(kinetic.values_of(turned))
    scale = float(np.max(a.envelope))
    np.testing.assert_allclose(b.envelope[::-1], a.envelope, atol=1e-9 * scale)
    np.testing.assert_allclose(b.background[::-1], a.background, atol=1e-9 * scale)


@pytest.mark.parametrize("kind", ["shirley_active"])
def test_tails_below_the_window_count(kind):
    peak = component("p1", "voigt", position=281.0, area=1e4, fwhm_l=1.0)
    wide = model(peak, back=background(kind, level=0.0, tilt=0.0), region=(240.0, 295.0))
    narrow = replace(wide, region=(280.0, 295.0))
    x = np.linspace(240.0, 295.0, 1101)
    spectrum = Spectrum(Axis(x, "binding_energy"), np.ones(x.size))
    whole, part = (Evaluator(spectrum, m).parts(Evaluator.values_of(m)).background for m in (wide, narrow))
    np.testing.assert_allclose(part, whole[-part.size :], atol=2e-3 * whole[-1])


@pytest.mark.parametrize("kind", ["linear", "shirley"])
@pytest.mark.parametrize("quantity", ["binding_energy", "kinetic_energy"])
def test_static_backgrounds_use_full_averages(kind, quantity):
    """Points outside the region count in the averages of its ends."""
    x = np.linspace(280, 295, 151)
    y = np.random.default_rng(0).poisson(500 + 5e3 * np.exp(-((x - 287) ** 2))).astype(float) + 20 * x
    spectrum = Spectrum(Axis(x, quantity), y)
    fit = FitModel((283.0, 291.0), Background(kind, average=3))
    got = Evaluator(spectrum, fit).parts(Evaluator.values_of(fit)).background
    low, high = end_levels(y, 3, 30, 110)
    assert (got[0], got[-1]) == (pytest.approx(y[27:34].mean()), pytest.approx(y[107:114].mean()))
    assert (got[0], got[-1]) == (pytest.approx(low), pytest.approx(high))


def test_linked_values_follow_their_formulas():
    first, second = component("p1", area=100.0), component("p2", area=7.0, position=1.0)
    params = dict(second.params) | {
        "area": Param(7.0, link="p1.area * 0.5"), "fwhm": Param(9.0, link="p1.fwhm +- 0.1"),
        "position": Param(1.0, link="p2.area + 3 +- 10 %"),
    }  # fmt: skip
    fit = model(first, replace(second, params=tuple(params.items())), back=Background("none"))
    values = dict(zip(fit.params, Evaluator.values_of(fit), strict=True))
    assert values["p2.area"] == 50.0
    assert values["p2.fwhm"] == pytest.approx(first.value("fwhm") + 0.1)
    assert values["p2.position"] == pytest.approx(53.0 * 0.9)


def test_a_relative_tolerance_follows_its_formula():
    """Ten per cent of the value at the end of the fit, not of the one at its start."""
    first, second = component("p1", area=100.0), component("p2", area=50.0)
    linked = second.with_(area=Param(50.0, link="p1.area * 0.5 +- 10 %"))
    fit = model(first, linked, back=Background("none"))
    parameters = Parameters(fit)
    x, low, high = parameters.start(fit)
    i, j = parameters.free.index("p1.area"), parameters.free.index("p2.area")
    assert (low[j], high[j], x[j]) == (pytest.approx(-0.1), pytest.approx(0.1), 0.0)
    x[i], x[j] = 1000.0, high[j]
    values, chain = parameters.expand(x)
    row = parameters.names.index("p2.area")
    assert values[row] == pytest.approx(550.0)
    assert (chain[row, i], chain[row, j]) == (pytest.approx(0.55), pytest.approx(500.0))


def test_errors():
    spectrum = grid()
    peak = component("p1")
    with pytest.raises(BadData, match="series"):
        Evaluator(Spectrum(spectrum.axis, np.ones((1, 151)), navigation=(Axis([0], "index"),)), model(peak))
    with pytest.raises(BadData, match="No data"):
        Evaluator(spectrum, model(peak, region=(1.0, 2.0)))
    with pytest.raises(UnknownName):
        Evaluator(spectrum, model(replace(peak, shape="triangle")))
    with pytest.raises(UnknownName):
        Evaluator(spectrum, model(peak, back=Background("hill")))
    with pytest.raises(BadModel, match="parameters"):
        Evaluator(spectrum, model(replace(peak, params=peak.params[:-1])))
    with pytest.raises(BadModel, match="other parameters"):
        Evaluator(spectrum, model(peak, back=Background("linear_active")))
    with pytest.raises(BadData, match="three points"):
        Evaluator(spectrum, model(peak, back=Background("shirley"), region=(280.0, 280.11)))
