"""Backgrounds: independent re-implementation, known truth, derivatives."""

from __future__ import annotations

import contextlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr

from fitting.backgrounds import (
    DEFAULT_KIND,
    KINDS,
    TOUGAARD_CLASSES,
    active_background,
    constant,
    cumulative,
    end_levels,
    kind,
    linear,
    shirley,
    starting_values,
    static_background,
)
from fitting.lineshapes import gl_sum, gl_sum_gradient
from libraries.errors import BadModel, UnknownName

ACTIVE = [name for name, entry in KINDS.items() if not entry.static]


def region(step=300.0, points=201):
    x = np.linspace(525.0, 540.0, points)
    peak = gl_sum(x, 5000.0, 531.3, 1.4, 0.2) + gl_sum(x, 2500.0, 533.4, 1.6, 0.2)
    rise = cumulative(x, peak)
    return x, peak, 800.0 + step * rise / rise[-1]


def casa_oracle(y, low, high, passes=200):
    """The iteration in plain Python, kinetic energy ascending, as the paper numbers it: no code in common."""
    j = list(y[::-1])  # from low kinetic (high binding) energy to high
    n = len(j)
    b = [low] * n
    for _ in range(passes):
        above = [0.0] * n
        for i in range(n - 2, -1, -1):
            above[i] = above[i + 1] + (j[i + 1] - b[i + 1])  # the points nearer the low-binding-energy end
        b = [low + (high - low) * above[i] / above[0] for i in range(n)]
    return np.array(b[::-1])


# ------------------------------------------------------------------------------------------------------ cumulative
@pytest.mark.parametrize(("fwhm", "step"), [(0.7, 0.1), (0.7, 0.14), (1.0, 0.2), (1.5, 0.25)])
def test_cumulative_of_a_gaussian(fwhm, step, measured):
    sigma = fwhm / math.sqrt(8 * math.log(2))
    worst = 0.0
    for offset in np.linspace(0, step, 7):
        x = np.arange(-6, 6, step) + offset
        f = np.exp(-0.5 * (x / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
        worst = max(worst, float(np.max(np.abs(cumulative(x, f) - ndtr(x / sigma)))))
    measured(f"running integral, width {fwhm} eV at steps of {step} eV", worst, "of the area", "< 1e-4")
    assert worst < 1e-4


@given(st.integers(2, 40), st.integers(0, 2**31))
def test_cumulative_is_exact_for_polynomials_on_uneven_axes(n, seed):
    rng = np.random.default_rng(seed)
    x = np.cumsum(rng.uniform(0.05, 0.3, n))
    c = rng.normal(size=min(n, 5))
    f = np.polynomial.polynomial.polyval(x, c)
    whole = np.polynomial.polynomial.polyint(c)
    exact = np.polynomial.polynomial.polyval(x, whole) - np.polynomial.polynomial.polyval(x[0], whole)
    np.testing.assert_allclose(cumulative(x, f), exact, atol=1e-8 * (1 + np.abs(f).max()) * (1 + x[-1]))


def test_cumulative_takes_rows_and_single_points():
    x = np.linspace(0, 3, 31)
    rows = np.stack([np.sin(x), np.cos(x)])
    both = cumulative(x, rows)
    np.testing.assert_allclose(both, [1 - np.cos(x), np.sin(x)], atol=1e-8)
    np.testing.assert_allclose(both[1], cumulative(x, rows[1]), rtol=1e-14)
    assert cumulative(x, np.empty((0, 31))).shape == (0, 31)
    assert cumulative(np.array([1.0]), np.array([5.0])) == 0.0


def test_cumulative_across_a_gap_in_the_axis():
    x = np.concatenate([np.arange(0, 5, 0.1), np.arange(9, 14, 0.1)])
    f = gl_sum(x, 1.0, 2.5, 1.0, 0.0)
    np.testing.assert_allclose(cumulative(x, f)[-1], 1.0, atol=1e-4)


# ---------------------------------------------------------------------------------------------------------- static
def test_end_levels():
    y = np.arange(10.0)
    assert end_levels(y) == (0.0, 9.0)
    assert end_levels(y, 2) == (1.0, 8.0)  # clipped: points 0 1 2 and 7 8 9
    assert end_levels(y, 2, 3, 6) == (3.0, 6.0)  # from a wider spectrum: 2n+1 points
    with pytest.raises(BadModel, match="average"):
        end_levels(y, -1)


def test_linear_and_constant():
    x = np.array([0.0, 1.0, 2.0, 4.0])
    y = np.array([1.0, 7.0, 7.0, 9.0])
    np.testing.assert_allclose(linear(x, y).values, [1, 3, 5, 9])
    np.testing.assert_allclose(linear(x, y, 1).values, [4, 5, 6, 8])
    np.testing.assert_allclose(linear(x, y, levels=(0.0, 4.0)).values, x)
    np.testing.assert_allclose(constant(x, y, 1).values, 4.0)


@pytest.mark.parametrize("noise", [0.0, 20.0])
def test_shirley_against_plain_python(noise, measured):
    x, peak, background = region(step=900.0)
    y = background + peak + noise * np.random.default_rng(1).normal(size=x.size)
    low, high = end_levels(y, 3)
    found = shirley(x, y, 3)
    worst = float(np.max(np.abs(found.values - casa_oracle(y, low, high))))
    measured(f"iterative Shirley against plain Python, noise {noise:g}, step 900", worst, "counts", "<= 0.01")
    assert worst <= 0.01
    assert found.values[0] == low
    assert found.values[-1] == pytest.approx(high, rel=1e-12)
    assert found.warnings == ()
    assert found.iterations < 12


def test_shirley_is_the_same_sum_to_the_last_digits():
    x, peak, background = region(step=900.0)
    y = background + peak
    low, high = end_levels(y, 3)
    settled = shirley(x, y, 3, tol=1e-14, max_iter=200).values
    np.testing.assert_allclose(settled, casa_oracle(y, low, high), rtol=1e-12)


def test_shirley_trapezoid_recovers_the_truth():
    x, peak, background = region(points=601)
    y = background + peak
    exact = shirley(x, y, quadrature="trapezoid", levels=(background[0], background[-1]), tol=1e-10)
    casa = shirley(x, y, levels=(background[0], background[-1]), tol=1e-10)
    np.testing.assert_allclose(exact.values, background, atol=3.0)  # the tails stand on the ends
    # Half a channel between the two rules: the step moves by half of it.
    shift = np.sum(exact.values - casa.values) * (x[1] - x[0]) / 300.0
    assert shift == pytest.approx(0.5 * (x[1] - x[0]), rel=0.05)


def test_shirley_on_an_uneven_axis():
    x, _, _ = region()
    x = x + 0.02 * np.sin(x)
    y = 800 + 300 * ndtr((x - 531.3) / 0.6) + gl_sum(x, 5000.0, 531.3, 1.4, 0.0)
    coarse = shirley(x, y, quadrature="trapezoid").values
    fine = np.linspace(x[0], x[-1], 5001)
    whole = 800 + 300 * ndtr((fine - 531.3) / 0.6) + gl_sum(fine, 5000.0, 531.3, 1.4, 0.0)
    np.testing.assert_allclose(coarse, np.interp(x, fine, shirley(fine, whole).values), atol=2.0)


def test_shirley_downwards_is_computed_with_a_warning():
    x, peak, _ = region()
    y = peak + 900.0 - 100.0 * cumulative(x, peak) / cumulative(x, peak)[-1]
    found = shirley(x, y)
    assert "falls" in found.warnings[0]
    np.testing.assert_allclose(found.values, casa_oracle(y, y[0], y[-1]), atol=0.01)


def test_shirley_flat_data_is_flat():
    x = np.linspace(0, 1, 11)
    found = shirley(x, np.full(11, 7.0))
    np.testing.assert_allclose(found.values, 7.0)
    assert found.iterations == 0


def test_shirley_smart_stays_below_the_data():
    x, peak, background = region()
    y = background + peak + 20 * np.random.default_rng(2).normal(size=x.size)
    assert np.all(shirley(x, y, 3, smart=True).values <= y)
    assert np.any(shirley(x, y, 3).values > y)


def test_shirley_says_when_it_cannot():
    x = np.linspace(0, 10, 101)
    with pytest.raises(BadModel, match="did not converge in 2 passes"):
        shirley(x, x + 400 * np.exp(-((x - 5) ** 2)), max_iter=2)
    dip = shirley(x, x - 400 * np.exp(-((x - 5) ** 2)))
    assert "above the data" in dip.warnings[0]
    # An area of exactly nothing above the first level.
    y = np.array([0.0, 1.0, -1.0, 2.0])
    with pytest.raises(BadModel, match="vanishes"):
        shirley(np.arange(4.0), y)
    with pytest.raises(BadModel, match="quadrature"):
        shirley(x, x, quadrature="simpson")
    with pytest.raises(BadModel, match="ascend"):
        shirley(x[::-1], x)
    with pytest.raises(BadModel, match="three points"):
        shirley(x[:2], x[:2])


@given(st.lists(st.floats(-1e6, 1e6), min_size=3, max_size=30), st.booleans(), st.sampled_from(["casa", "trapezoid"]))
def test_shirley_on_anything_answers_or_says_why_not(y, smart, quadrature):
    y = np.array(y)
    x = np.arange(y.size, dtype=float)
    with contextlib.suppress(BadModel):  # any other error fails the test
        assert np.all(np.isfinite(shirley(x, y, smart=smart, quadrature=quadrature).values))


@pytest.mark.realdata
def test_shirley_on_a_measured_line(realdata):
    """C 1s of PET, measured: the same as plain Python to a hundredth of a count, and levels met."""
    path = realdata / "xps" / "PET_C1s.csv"
    if not path.is_file():
        pytest.skip(f"{path} is not there")
    table = np.genfromtxt(path, delimiter=",", skip_header=1)
    table = table[np.all(np.isfinite(table), axis=1)]
    order = np.argsort(table[:, 0])
    x, y = table[order].T[:2]
    part = (x > 282.0) & (x < 291.0)
    x, y = x[part], y[part]
    found = shirley(x, y, 4)
    np.testing.assert_allclose(found.values, casa_oracle(y, *end_levels(y, 4)), atol=0.02)


# ---------------------------------------------------------------------------------------------------------- active
def test_registry():
    # In the order of lists and menus: the default first.
    active = ["shirley_active", "tougaard_active", "tougaard_plasmon", "linear_active", "constant", "polynomial"]
    steps = ["step_erf", "step_arctan", "power_law"]
    static = ["shirley", "shirley_smart", "tougaard", "linear", "level", "spline"]
    assert list(KINDS) == [*active, *steps, *static, "none"]
    assert {kind(name).group for name in active + steps} == {"Fitted with the peaks"}
    assert {kind(name).group for name in static} == {"From the data"}
    assert active[0] == DEFAULT_KIND
    assert KINDS[DEFAULT_KIND].fixed == ("tilt",)
    assert [p.name for p in kind("shirley_active").parameters] == ["level", "tilt", "step", "loss_slope"]
    for entry in KINDS.values():
        assert entry.static == (not entry.parameters and entry.name != "none")
        assert entry.title
        assert entry.formula
        for parameter in entry.parameters:
            assert parameter.minimum <= parameter.default <= parameter.maximum
            assert entry.parameter(parameter.name) is parameter
        for setting in entry.settings:
            assert setting.minimum <= setting.default <= setting.maximum
    with pytest.raises(UnknownName, match="shirley_active"):
        kind("shirly")
    with pytest.raises(UnknownName, match="area"):
        kind("shirley_active").parameter("area")


LOSSES = {"b": 434.0, "c": 551.0, "d": 436.0, "plasmon": 0.3, "energy": 5.8, "width": 1.4}


def values_for(name: str, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    # The polymer class: with c above zero all derivatives are put to the test.
    table = {
        "level": 900.0, "slope": -3.0, "tilt": 2.0, "step": 0.05, "loss_slope": 0.004, "quadratic": 0.3, "cubic": 0.02,
        "height": 250.0, "amplitude": 700.0, "exponent": 3.0, **LOSSES,
    }
    if name.startswith("step_"):  # their position and width are those of the step, not of a plasmon
        table |= {"position": 531.0, "width": 1.4}
        return np.array([table[p.name] * (1.0 if p.name == "position" else rng.uniform(0.5, 2))
                         for p in KINDS[name].parameters])
    return np.array([table[p.name] * rng.uniform(0.5, 2) for p in KINDS[name].parameters])


@pytest.mark.parametrize("name", ACTIVE)
@pytest.mark.parametrize("direction", [1, -1])
def test_active_gradient_matches_finite_differences(name, direction):
    if KINDS[name].quantity and direction < 0:
        return  # refused: test_power_law
    x = np.linspace(525.0, 540.0, 151)
    peak_params = np.array([4000.0, 531.3, 1.4, 0.3])
    params = values_for(name)

    def whole(p, q):
        value, rows = gl_sum_gradient(x, *q)
        return active_background(name, x, p, value, rows, direction=direction)

    value, gradient, peak_part = whole(params, peak_params)
    assert value.shape == x.shape
    assert gradient.shape == (params.size, x.size)
    assert peak_part.shape == (4, x.size)
    for i in range(params.size):
        place = KINDS[name].parameters[i].kind == "position"
        h = (1e-3 if place else 1e-3 * params[i]) * np.eye(params.size)[i]
        numeric = (
            8 * (whole(params + h, peak_params)[0] - whole(params - h, peak_params)[0])
            - (whole(params + 2 * h, peak_params)[0] - whole(params - 2 * h, peak_params)[0])
        ) / (12 * np.sum(h))
        np.testing.assert_allclose(gradient[i], numeric, atol=1e-8 * np.abs(numeric).max())
    for i in range(4):
        h = (1e-4 if i == 1 else 1e-4 * peak_params[i]) * np.eye(4)[i]
        numeric = (
            8 * (whole(params, peak_params + h)[0] - whole(params, peak_params - h)[0])
            - (whole(params, peak_params + 2 * h)[0] - whole(params, peak_params - 2 * h)[0])
        ) / (12 * np.sum(h))
        np.testing.assert_allclose(peak_part[i], numeric, atol=1e-6 * max(np.abs(numeric).max(), 1e-6))


def test_active_shirley_against_closed_forms():
    """A Gaussian's running integrals are known: ndtr, and x ndtr + sigma**2 g."""
    x = np.linspace(-10.0, 10.0, 161)
    sigma, area = 0.6, 2000.0
    density = np.exp(-0.5 * (x / sigma) ** 2) / (sigma * math.sqrt(2 * math.pi))
    once = ndtr(x / sigma)
    twice = x * once + sigma**2 * density
    expected = 100.0 + 3.0 * x + area * (0.03 * once + 0.002 * twice)
    value, gradient, _ = active_background(
        "shirley_active", x, (100.0, 3.0, 0.03, 0.002), area * density, np.empty((0, x.size))
    )
    np.testing.assert_allclose(value, expected, atol=2e-6 * area)
    np.testing.assert_allclose(gradient[3], area * twice, atol=1e-4 * area)
    assert value[-1] > value[0]  # losses pile up at high binding energy


def test_active_on_a_kinetic_energy_axis_is_the_same():
    x = np.linspace(525.0, 540.0, 151)
    peaks, rows = gl_sum_gradient(x, 4000.0, 531.3, 1.4, 0.3)
    for name in ACTIVE:
        if KINDS[name].quantity:
            continue
        params = values_for(name)
        places = [i for i, p in enumerate(KINDS[name].parameters) if p.kind == "position"]
        mirrored = params.copy()
        mirrored[places] = 1486.6 - params[places]
        here = active_background(name, x, params, peaks, rows, centre=531.0)
        there = active_background(
            name, (1486.6 - x)[::-1], mirrored, peaks[::-1], rows[:, ::-1], direction=-1, centre=1486.6 - 531.0
        )
        there[1][places] *= -1.0
        for a, b in zip(here, there, strict=True):
            np.testing.assert_allclose(b[..., ::-1], a, rtol=1e-9, atol=1e-9)
        start = starting_values(name, x, peaks + here[0])
        turned = starting_values(name, (1486.6 - x)[::-1], (peaks + here[0])[::-1], direction=-1)
        if places:
            turned["position"] = 1486.6 - turned["position"]
        assert turned == pytest.approx(start)


def test_power_law():
    x = np.linspace(450.0, 600.0, 301)
    nothing = np.zeros_like(x)
    for r in (0.0, 2.7, 4.4):
        value, _, _ = active_background("power_law", x, (50.0, r), nothing, np.empty((0, x.size)))
        np.testing.assert_allclose(value, 50.0 * (x / 525.0) ** -r, rtol=1e-12)
    with pytest.raises(BadModel, match="above 0"):
        active_background("power_law", x - 451.0, (50.0, 3.0), nothing, np.empty((0, x.size)))
    with pytest.raises(BadModel, match="above 0"):
        active_background("power_law", x, (50.0, 3.0), nothing, np.empty((0, x.size)), direction=-1)


def test_power_law_starts_below_the_edges():
    x = np.linspace(450.0, 600.0, 301)
    power = 900.0 * (x / 525.0) ** -2.8
    edge = np.where(x > 513.0, 400.0 * (x / 513.0) ** -3, 0.0)
    start = starting_values("power_law", x, np.random.default_rng(0).poisson(power + edge).astype(float))
    assert start["exponent"] == pytest.approx(2.8, abs=0.7)
    assert start["amplitude"] == pytest.approx(900.0, rel=0.1)
    # Over nothing but zeros there is no exponent to be found.
    assert starting_values("power_law", x, np.zeros_like(x)) == {"amplitude": 0.0, "exponent": 3.0}


def test_active_counts_tails_before_the_window():
    """On an axis that begins earlier, the background at the same energies is higher by the tail's share."""
    params = (100.0, 0.0, 0.05, 0.0)
    wide = np.linspace(505.0, 540.0, 351)
    cut = wide >= 529.95
    empty = np.empty((0, wide.size))
    peaks = gl_sum(wide, 4000.0, 531.3, 1.4, 0.8)
    longer = active_background("shirley_active", wide, params, peaks, empty, centre=535.0)[0][cut]
    shorter = active_background("shirley_active", wide[cut], params, peaks[cut], empty[:, cut], centre=535.0)[0]
    tail = np.trapezoid(peaks[wide <= 530.0001], wide[wide <= 530.0001])
    np.testing.assert_allclose(longer - shorter, 0.05 * tail, rtol=2e-3)


def loss_by_definition(x, flux, b, c, d):
    """Tougaard's formula as a plain double sum with trapezoid weights: no code in common."""
    total = np.zeros_like(x)
    for i in range(x.size):
        for j in range(i):
            weight = 0.5 * (x[min(j + 1, x.size - 1)] - x[max(j - 1, 0)])
            loss = x[i] - x[j]
            total[i] += b * loss / ((c - loss**2) ** 2 + d * loss**2) * flux[j] * weight
    return total


@pytest.mark.parametrize("loss_class", list(TOUGAARD_CLASSES))
def test_tougaard_undoes_its_own_formula(loss_class):
    """B = K (S + B): the background is what the formula takes off from peaks and background together."""
    x = np.linspace(525.0, 548.0, 151)
    peaks = gl_sum(x, 5000.0, 530.3, 1.4, 0.2) + gl_sum(x, 2500.0, 533.4, 1.6, 0.2)
    b, c, d = TOUGAARD_CLASSES[loss_class]
    empty = np.empty((0, x.size))
    value, _, _ = active_background("tougaard_active", x, (0.0, 0.0, b, c, d), peaks, empty)
    np.testing.assert_allclose(value, loss_by_definition(x, peaks + value, b, c, d), rtol=1e-9, atol=1e-9)
    sloped, _, _ = active_background("tougaard_active", x, (900.0, -2.0, b, c, d), peaks, empty, centre=530.0)
    np.testing.assert_allclose(sloped - value, 900.0 - 2.0 * (x - 530.0), atol=1e-9)


def test_tougaard_begins_without_a_step_and_ends_at_its_probability():
    """K(0) = 0; over all losses the universal class takes B/(2C) = 0.872 of the electrons at the first loss."""
    x = np.linspace(0.0, 3000.0, 3001)
    line = np.exp(-0.5 * ((x - 5.0) / 1.0) ** 2) / math.sqrt(2 * math.pi)
    b, c, d = TOUGAARD_CLASSES["universal"]
    value, gradient, _ = active_background("tougaard_active", x, (0.0, 0.0, b, c, d), line, np.empty((0, x.size)))
    once = loss_by_definition(x[:400], line[:400], b, c, d)
    assert np.sum(once) == pytest.approx(0.872 * (1 - 1643.0 / (1643.0 + 394.0**2)), rel=2e-3)
    assert np.sum(value[:3000]) == pytest.approx(0.872 / (1 - 0.872), rel=0.02)  # all orders: a geometric series
    assert abs(value[5]) < 1e-3
    assert gradient.shape == (5, x.size)


def test_plasmon_has_its_probability_and_energy():
    x = np.arange(0.0, 120.0, 0.1)
    line = np.exp(-0.5 * ((x - 5.0) / 0.3) ** 2) / (0.3 * math.sqrt(2 * math.pi))
    params = (0.0, 0.0, 0.0, -1643.0, 0.0, 1e-3, 5.8, 0.5)  # so weak that nothing is lost twice
    value, _, _ = active_background("tougaard_plasmon", x, params, line, np.empty((0, x.size)))
    assert np.trapezoid(value, x) == pytest.approx(1e-3, rel=0.07)  # narrow: 2 energy width/pi is its norm
    assert x[np.argmax(value)] == pytest.approx(10.8, abs=0.1)


@pytest.mark.parametrize("name", ["tougaard_active", "tougaard_plasmon"])
def test_tougaard_on_an_extended_uneven_grid(name):
    """Points set wider and wider below the window change nothing but what the tails there lose."""
    x = np.linspace(525.0, 545.0, 201)
    far = np.concatenate([x[0] - np.geomspace(40.0, 0.1, 25), x])
    params = {**LOSSES, "level": 100.0, "tilt": 1.0}
    values = tuple(params[p.name] for p in KINDS[name].parameters)

    def background(grid):
        peaks = gl_sum(grid, 4000.0, 531.3, 1.2, 0.0)
        return active_background(name, grid, values, peaks, np.empty((0, grid.size)), centre=535.0)[0]

    np.testing.assert_allclose(background(far)[25:], background(x), rtol=1e-6)


def test_active_refuses_nonsense():
    x = np.linspace(0, 1, 5)
    with pytest.raises(BadModel, match="not fitted"):
        active_background("shirley", x, (), x, np.empty((0, 5)))
    with pytest.raises(BadModel, match="4 parameters"):
        active_background("shirley_active", x, (1.0,), x, np.empty((0, 5)))
    with pytest.raises(BadModel, match="needs a width"):
        active_background("tougaard_active", x, (1.0, 0.0, 2866.0, 1643.0, 0.0), x, np.empty((0, 5)))
    with pytest.raises(BadModel, match="fitted, not"):
        static_background("shirley_active", x, x)
    with pytest.raises(BadModel, match="no option slope"):
        static_background("linear", x, x, {"slope": 1})


@pytest.mark.parametrize("name", ["linear", "shirley", "shirley_smart", "tougaard", "level"])
def test_static_by_name_in_both_directions(name):
    x, peak, background = region()
    y = background + peak
    here = static_background(name, x, y, {"average": 2})
    there = static_background(name, (1486.6 - x)[::-1], y[::-1], {"average": 2}, direction=-1)
    np.testing.assert_allclose(there.values[::-1], here.values, rtol=1e-9)
    given_levels = static_background(name, (1486.6 - x)[::-1], y[::-1], {"levels": (1100.0, 800.0)}, direction=-1)
    assert given_levels.values[-1] == pytest.approx(800.0, rel=5e-3 if name == "shirley_smart" else 1e-6)
    assert given_levels.values[0] == pytest.approx(800.0 if name == "level" else 1100.0)


@pytest.mark.parametrize("name", ACTIVE)
def test_starting_values_are_inside_their_limits(name):
    x, peak, background = region()
    for y in (background + peak, background[::-1] + peak, np.full(x.size, 5.0), -peak):
        start = starting_values(name, x, y)
        assert list(start) == [p.name for p in KINDS[name].parameters]
        for parameter in KINDS[name].parameters:
            assert parameter.minimum <= start[parameter.name] <= parameter.maximum


def test_starting_values_come_near():
    x, peak, background = region(step=400.0)
    start = starting_values("shirley_active", x, background + peak)
    value, _, _ = active_background("shirley_active", x, tuple(start.values()), peak, np.empty((0, x.size)))
    np.testing.assert_allclose(value[[0, -1]], background[[0, -1]], rtol=0.05)
    assert 0.5 < start["step"] / (400.0 / 7500.0) < 1.0
