"""What must hold for every registered shape; a new shape is tested the day it is added."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fitting.model import Component, Curve, Param
from fitting.shapes import SHAPES as REGISTRY
from fitting.shapes import axis_direction, shape, shape_of
from libraries.errors import BadModel, UnknownName

X = np.linspace(500.0, 560.0, 301)
# A line with a shoulder at high binding energy, for the shape that takes one.
GRID = np.linspace(-6.0, 12.0, 181)
CURVE = Curve(
    tuple(GRID), tuple(np.exp(-0.5 * GRID**2) + 0.3 * np.exp(-0.5 * ((GRID - 2.5) / 1.5) ** 2) * (GRID > -4))
)
SHAPES = {name: entry.with_curve(CURVE) for name, entry in REGISTRY.items()}
ALL = pytest.mark.parametrize("name", list(SHAPES))
STEPS = {name for name, entry in SHAPES.items() if entry.step}
# Those that count from the zero of their axis, so that moving or turning it makes other curves of them.
FIXED = {name for name, entry in SHAPES.items() if entry.quantity}
MOVABLE = pytest.mark.parametrize("name", [name for name in SHAPES if name not in FIXED])
PEAKS = pytest.mark.parametrize("name", [name for name in SHAPES if name not in STEPS])
ASYMMETRIC = {
    "doniach_sunjic", "gl_tail", "plasmon_train", "la", "lf", "gl_t", "sgl_t", "gelius", "emg", "measured"
}


def typical(name: str, **changes: float) -> dict[str, float]:
    # Off the points of X: shapes that begin at their position bend there.
    values = SHAPES[name].defaults | {"position": 530.013, SHAPES[name].names[0]: 1000.0}
    return values | ({"fwhm_g": 0.6} if name == "measured" else {}) | changes


def integrate(name: str, values: dict[str, float]) -> tuple[float, np.ndarray]:
    """Integral over the whole axis by the midpoint rule in the angle x = x0 + w tan(angle)."""
    angle = (np.arange(20_000) + 0.5) / 20_000 * math.pi - math.pi / 2
    x = values["position"] + np.tan(angle)
    value, gradient = SHAPES[name].function(x, *SHAPES[name].arguments(values))
    weight = math.pi / 20_000 / np.cos(angle) ** 2
    return float(value @ weight), gradient @ weight


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, tuple[float, ...]]:
    name = draw(st.sampled_from(list(SHAPES)))
    values = []
    for parameter in SHAPES[name].parameters:
        if parameter.kind == "position":
            low, high = 400.0, 700.0
        elif parameter.kind in ("area", "height"):
            low, high = 0.0, 1e9
        else:
            low, high = parameter.minimum, parameter.maximum
        values.append(draw(st.floats(low, high) | st.sampled_from([low, high])))
    return name, tuple(values)


@ALL
def test_registry_entry_is_complete(name):
    entry = SHAPES[name]
    assert entry.name == name
    assert entry.title
    assert entry.formula
    assert any(letter.isdigit() for letter in entry.reference)
    assert entry.parameters[0].kind == ("area" if entry.finite_area else "height")
    assert entry.names[1] == "position"
    for parameter in entry.parameters:
        assert parameter.minimum <= parameter.default <= parameter.maximum
        assert parameter.description
    values, gradient = entry.function(X, *entry.arguments(typical(name)))
    assert values.shape == X.shape
    assert gradient.shape == (len(entry.parameters), X.size)


def test_unknown_shape_lists_the_known():
    with pytest.raises(UnknownName, match="gl_product, gl_sum, voigt, gl_tail, doniach_sunjic, plasmon_train, la"):
        shape("gauss")
    assert shape("voigt") is REGISTRY["voigt"]


def test_missing_value_is_named():
    with pytest.raises(BadModel, match="mix"):
        SHAPES["gl_sum"].derived({"area": 1, "position": 2, "fwhm": 1})


@pytest.mark.parametrize("name", [n for n, entry in SHAPES.items() if entry.finite_area and n not in FIXED])
def test_integrates_to_its_area(name):
    entry = SHAPES[name]
    for shape_value in (0.0, 0.3, 1.0):
        values = typical(name)
        values |= {"mix": shape_value} if "mix" in values else {"fwhm_l": 0.1 + shape_value}
        total, gradient = integrate(name, values)
        assert total == pytest.approx(entry.area(values), rel=1e-9)
        if name in ("gl_product", "gl_t") and shape_value == 1.0:
            continue  # its derivative with respect to mix has no limit there
        expected = list(entry.area_gradient(values).values())
        # Of a power of a Lorentzian, the derivative by the exponent falls so slowly that this rule is off by 1.6e-5.
        np.testing.assert_allclose(gradient, expected, atol=(2e-5 if name == "la" else 1e-5) * total)


@ALL
@pytest.mark.parametrize("step", ["low", "typical", "high"])
def test_gradient_matches_finite_differences(name, step):
    entry = SHAPES[name]
    values = typical(name)
    for parameter in entry.parameters:
        if parameter.kind in ("shape", "width") and step != "typical":
            top = min(parameter.maximum, 4 * parameter.default or 1.0)
            share = 0.03 if step == "low" else 0.9
            values[parameter.name] = parameter.minimum + share * (top - parameter.minimum)
    params = entry.arguments(values)
    _, gradient = entry.function(X, *params)
    for i, parameter in enumerate(entry.parameters):
        h = 2e-4 * (min(entry._scale(params), 1.0) if parameter.kind == "position" else abs(params[i]))

        def at(k, i=i, h=h):
            return entry.function(X, *params[:i], params[i] + k * h, *params[i + 1 :])[0]

        numeric = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * h)
        np.testing.assert_allclose(
            gradient[i], numeric, atol=1e-6 * np.abs(numeric).max(), rtol=0, err_msg=parameter.name
        )


@MOVABLE
def test_reversed_axis_with_direction_changes_nothing(name):
    entry = SHAPES[name]
    amplitude, position, *others = entry.arguments(typical(name))
    value, gradient = entry.function(X, amplitude, position, *others)
    kinetic = (1486.6 - X)[::-1]
    turned, turned_gradient = entry.evaluate(kinetic, amplitude, 1486.6 - position, *others, direction=-1)
    np.testing.assert_allclose(turned[::-1], value, rtol=1e-9, atol=1e-9 * value.max())
    sign = np.array([1.0, -1.0, *np.ones(len(others))])[:, None]
    scale = np.abs(gradient).max()
    np.testing.assert_allclose(turned_gradient[:, ::-1] * sign, gradient, rtol=1e-8, atol=1e-9 * scale)
    # Reading the points in another order changes nothing either.
    other_way = entry.function(X[::-1].copy(), amplitude, position, *others)[0]
    np.testing.assert_allclose(other_way[::-1], value, rtol=1e-12, atol=1e-12)
    assert np.array_equal(entry.evaluate(X, amplitude, position, *others)[0], value)


def test_axis_direction():
    assert axis_direction("binding_energy") == axis_direction("energy_loss") == 1
    assert axis_direction("kinetic_energy") == -1


@ALL
def test_tail_lies_at_high_binding_energy(name):
    entry = SHAPES[name]
    low, high = entry.function(np.array([524.213, 535.813]), *entry.arguments(typical(name)))[0]
    if name in ASYMMETRIC:
        assert high > 1.5 * low
    elif name in STEPS:
        assert high > 10 * low
    else:
        assert high == pytest.approx(low, rel=1e-9 if name not in FIXED else 2e-3)


@PEAKS
def test_derived_values_are_what_they_say(name):
    entry = SHAPES[name]
    values = typical(name)
    found = entry.derived(values, (520.0, 545.0))
    left_and_right = entry.function(
        found.maximum_position + np.linspace(-0.7, 0.7, 20001) * found.fwhm, *entry.arguments(values)
    )[0]
    assert found.height == pytest.approx(left_and_right.max(), rel=1e-7)
    above = np.count_nonzero(left_and_right > 0.5 * found.height) * 1.4 / 20000
    assert above == pytest.approx(1.0, abs=3e-4)
    assert found.maximum_position == pytest.approx(530.013, abs=1e-12 if name not in ASYMMETRIC | FIXED else 0.4)
    assert found.window == (None if entry.finite_area else (520.0, 545.0))
    if name in ("gl_sum", "plasmon_train"):
        assert found.fwhm == pytest.approx(values["fwhm"], rel=1e-9 if name == "gl_sum" else 1e-2)


def test_true_widths_known():
    # Lorentzian and Gaussian ends of the product, and the Voigt approximation of Olivero & Longbothum (0.02 %).
    for mix in (0.0, 1.0):
        assert SHAPES["gl_product"].derived(typical("gl_product", mix=mix)).fwhm == pytest.approx(1.5, rel=1e-9)
    assert SHAPES["gl_product"].derived(typical("gl_product", mix=0.5)).fwhm < 1.5 * 0.97
    about = 0.5346 * 0.5 + math.sqrt(0.2166 * 0.25 + 1.0)
    assert SHAPES["voigt"].derived(typical("voigt")).fwhm == pytest.approx(about, rel=3e-4)


def test_doniach_area_names_its_window():
    entry = SHAPES["doniach_sunjic"]
    values = typical("doniach_sunjic")
    assert entry.derived(values).area is None
    with pytest.raises(BadModel, match="window"):
        entry.area_gradient(values)
    window = (522.0, 541.0)
    x = np.linspace(*window, 20_001)
    value, gradient = entry.function(x, *entry.arguments(values))
    assert entry.derived(values, window[::-1]).area == pytest.approx(np.trapezoid(value, x), rel=1e-8)
    found = np.array(list(entry.area_gradient(values, window).values()))
    np.testing.assert_allclose(found, np.trapezoid(gradient, x, axis=1), rtol=1e-6, atol=1e-6)


def test_amplitude_of_zero_has_a_width():
    for name, entry in SHAPES.items():
        values = typical(name) | {entry.names[0]: 0.0}
        found = entry.derived(values)
        assert found.height == 0.0
        assert found.fwhm > 0


@pytest.mark.parametrize("name", [name for name in SHAPES if name != "measured"])
@pytest.mark.parametrize("fwhm", [0.3, 1.2, 3.0])
def test_start_lands_on_the_guess(name, fwhm):
    values = SHAPES[name].start(532.1, 4321.0, fwhm)
    found = SHAPES[name].derived(values)
    assert found.maximum_position == pytest.approx(532.1, abs=1e-3 * fwhm)
    assert found.height == pytest.approx(4321.0, rel=1e-3)
    assert found.fwhm == pytest.approx(fwhm, rel=1e-3)
    for parameter in SHAPES[name].parameters:
        assert parameter.minimum <= values[parameter.name] <= parameter.maximum


@given(cases())
def test_nothing_is_ever_infinite(case):
    name, params = case
    value, gradient = SHAPES[name].function(X, *params)
    assert np.all(np.isfinite(value))
    assert np.all(np.isfinite(gradient))
    if name != "doniach_sunjic" and params[0] > 0:
        assert np.all(value >= -1e-12 * value.max())


@given(cases())
def test_derived_is_finite_everywhere(case):
    name, params = case
    entry = SHAPES[name]
    found = entry.derived(dict(zip(entry.names, params, strict=True)), (480.0, 580.0))
    assert math.isfinite(found.maximum_position)
    assert found.fwhm > 0
    assert math.isfinite(found.height)
    assert math.isfinite(found.area)
    top = entry.function(np.array([found.maximum_position]), *params)[0][0]
    assert found.height == pytest.approx(2 * top if entry.step else top, rel=1e-9, abs=1e-300)


@pytest.mark.parametrize("name", sorted(STEPS - FIXED))
def test_a_step_is_half_as_high_in_its_middle(name):
    entry, values = SHAPES[name], typical(name)
    far, middle = entry.function(np.array([1e7, 530.013]), *entry.arguments(values))[0]
    assert far == pytest.approx(1000.0, rel=1e-6)
    assert middle == pytest.approx(500.0, rel=1e-9)
    found = entry.derived(values)
    x = 530.013 + np.linspace(-1, 1, 200_001)
    slope = np.gradient(entry.function(x, *entry.arguments(values))[0], x)
    if found.fwhm < 1.0:
        above = x[slope >= 0.5 * slope.max()]
        assert above[-1] - above[0] == pytest.approx(found.fwhm, abs=5e-5)
    assert (found.maximum_position, found.height) == (530.013, 1000.0)


def test_a_measured_line_comes_with_its_component():
    params = {"area": Param(10.0), "position": Param(530.0), "fwhm_g": Param(0.0)}
    with pytest.raises(BadModel, match="measured line"):
        shape_of(Component("p1", "", "measured", params)).function(X, 10.0, 530.0, 0.0)
    with_line = shape_of(Component("p1", "", "measured", params, curve=CURVE))
    value, _ = with_line.function(530.0 + GRID, 10.0, 530.0, 0.0)
    np.testing.assert_allclose(value, 10.0 * np.array(CURVE.y) / np.trapezoid(CURVE.y, CURVE.x), rtol=1e-9)
    assert shape_of(Component("p1", "", "voigt", {})) is REGISTRY["voigt"]
