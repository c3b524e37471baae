"""Variable projection: what is linear, and the same minimum as the joint fit."""

from __future__ import annotations

import time

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.engine import objective
from fitting.evaluate import Evaluator
from fitting.model import Param
from fitting.solver import minimise_joint
from fitting.varpro import minimise_separable, separate
from libraries.errors import BadModel
from tests.fitting.problems import background, component, envelope, grid, model, random_model, random_problem, six_peaks

SIGMA = 25.0


def gaussian(seed, source=random_problem):
    """A random problem with noise of known size in place of counts."""
    spectrum, start = source(seed)
    rng = np.random.default_rng(seed + 1000)
    counts = spectrum.counts + SIGMA * rng.standard_normal(spectrum.counts.size)
    return spectrum.with_(counts=counts, noise=Noise("gaussian", read_noise=SIGMA)), start


def task(spectrum, start):
    evaluator = Evaluator(spectrum, start)
    return evaluator, objective(evaluator, spectrum.noise), evaluator.parameters.start(start)


def two(link="", **parameters):
    second = component("p2", area=500.0, position=287.0, fwhm=1.2)
    params = dict(second.params) | parameters
    if link:
        params["area"] = Param(500.0, link=link)
    first = component("p1", area=1000.0, position=284.5, fwhm=1.2)
    return first, type(second)(second.id, second.name, second.shape, params, line=second.line)


def names(*components, back=None):
    start = model(*components, back=back)
    found = separate(Evaluator(grid(), start), start)
    return set(found.names) if found else set()


LINE = {"background.level", "background.slope"}


@pytest.mark.parametrize(
    ("link", "linear"),
    [
        ("", {"p1.area", "p2.area"}),
        ("p1.area * 0.5", {"p1.area"}),
        ("2 * (p1.area - 3) / p1.fwhm", {"p1.area"}),
        ("p1.area ** 2", set()),
        ("sqrt(p1.area)", set()),
        ("100 / p1.area", set()),
        ("p1.area * 0.5 +- 10", {"p1.area", "p2.area"}),  # an absolute departure is one more straight term
        ("p1.area * 0.5 +- 10 %", {"p1.area"}),  # a relative one is a factor
        ("300 + 0 * p1.fwhm +- 10 %", {"p1.area", "p2.area"}),
    ],
)
def test_links_pass_linearity_on_as_their_formulas_do(link, linear):
    assert names(*two(link)) == linear | LINE


def test_an_area_that_something_else_depends_on_is_not_linear():
    assert names(*two(fwhm=Param(1.2, link="0.001 * p1.area"))) == {"p2.area"} | LINE


def test_backgrounds():
    peaks = two()
    areas = {"p1.area", "p2.area"}
    assert names(*peaks, back=background("shirley_active")) == areas | {"background.level"}
    assert names(*peaks, back=background("tougaard_active")) >= areas | {"background.level"}
    assert names(*peaks, back=background("none")) == areas
    assert names(component("p1", "doniach_sunjic", height=9.0, position=285.0)) == {"p1.height"} | LINE


def test_nothing_linear():
    lone = component("p1", area=1000.0, position=284.5, fwhm=1.2)
    held = dict(lone.params) | {"area": Param(1000.0, vary=False)}
    start = model(type(lone)(lone.id, lone.name, lone.shape, held, line=lone.line), back=background("none"))
    assert separate(Evaluator(grid(), start), start) is None


@pytest.mark.parametrize("seed", range(40))
def test_residuals_are_straight_lines_in_what_is_called_linear(seed):
    """Half-way between two places that differ in all linear parameters, residuals are half-way too."""
    spectrum, start = gaussian(seed, random_model)
    evaluator, function, (x, _, _) = task(spectrum, start)
    found = separate(evaluator, start)
    rng = np.random.default_rng(seed)
    factors, terms = rng.uniform(0.5, 1.5, (2, x.size)), rng.uniform(0.0, 0.1, (2, x.size))
    a, b = (np.where(found.linear, x * factor + term, x) for factor, term in zip(factors, terms, strict=True))
    (first, rows), (second, _), (middle, _) = function(a), function(b), function(0.5 * (a + b))
    size = np.max(np.abs(first)) + np.max(np.abs(second))
    np.testing.assert_allclose(middle, 0.5 * (first + second), rtol=0, atol=1e-11 * size)
    np.testing.assert_allclose(second - first, rows.T @ (b - a), rtol=0, atol=1e-10 * size)


def both(seed):
    spectrum, start = gaussian(seed)
    evaluator, function, bounds = task(spectrum, start)
    return minimise_separable(function, separate(evaluator, start), *bounds), minimise_joint(function, *bounds)


def test_the_same_minimum_as_the_joint_fit(measured):
    pairs = [both(seed) for seed in range(60)]
    apart = [s.cost / j.cost - 1 for s, j in pairs]
    assert all(s.status == "converged" for s, _ in pairs)
    assert max(apart) <= 1e-9
    assert np.mean(np.abs(apart) <= 1e-9) >= 0.95  # the others are better minima
    for s, j in pairs:
        if abs(s.cost / j.cost - 1) <= 1e-9 and s.verdict == j.verdict == "converged":
            np.testing.assert_allclose(s.errors(scaled=False), j.errors(scaled=False), rtol=1e-2)
    measured("variable projection: evaluations, median", float(np.median([s.evaluations for s, _ in pairs])))
    measured("the same fits, joint: evaluations, median", float(np.median([j.evaluations for _, j in pairs])))
    measured("variable projection: cost above the joint minimum, worst", max(apart), limit="<= 1e-9")


@pytest.mark.parametrize("factor", [1e-6, 1e6])
def test_far_off_areas_do_no_harm(factor):
    truth = six_peaks()
    spectrum = grid()
    rng = np.random.default_rng(4)
    counts = envelope(spectrum, truth) + SIGMA * rng.standard_normal(spectrum.counts.size)
    spectrum = spectrum.with_(counts=counts, noise=Noise("gaussian", read_noise=SIGMA))
    evaluator, function, (x, low, high) = task(spectrum, six_peaks(move=0.1))
    separation = separate(evaluator, truth)
    reference = minimise_joint(function, x, low, high)
    found = minimise_separable(function, separation, np.where(separation.linear, factor * x, x), low, high)
    assert found.status == "converged"
    assert found.cost == pytest.approx(reference.cost, rel=1e-9)


def test_an_area_below_zero_is_held_at_zero():
    spectrum = grid()
    truth = model(component("p1", area=3000.0, position=284.5, fwhm=1.2))
    rng = np.random.default_rng(3)
    dip = 80.0 * np.exp(-((spectrum.x - 288.0) ** 2))
    counts = envelope(spectrum, truth) - dip + 3.0 * rng.standard_normal(spectrum.counts.size)
    spectrum = spectrum.with_(counts=counts, noise=Noise("gaussian", read_noise=3.0))
    first, second = truth.components[0], component("p2", area=100.0, position=288.0, fwhm=1.5)
    held = {key: p if key == "area" else Param(p.value, vary=False) for key, p in second.params}
    start = model(first, type(second)(second.id, second.name, second.shape, held, line=second.line))
    evaluator, function, bounds = task(spectrum, start)
    found = minimise_separable(function, separate(evaluator, start), *bounds)
    place = dict(zip(evaluator.parameters.free, found.x, strict=True))
    assert place["p2.area"] == 0.0
    assert found.cost == pytest.approx(minimise_joint(function, *bounds).cost, rel=1e-9)


def test_cancelled_and_outside():
    spectrum, start = gaussian(0)
    evaluator, function, (x, low, high) = task(spectrum, start)
    separation = separate(evaluator, start)
    found = minimise_separable(function, separation, x, low, high, cancel=lambda: True)
    assert (found.status, found.evaluations) == ("cancelled", 0)
    limited = minimise_separable(function, separation, x, low, high, max_evaluations=2)
    assert limited.status == "iteration limit"
    assert limited.covariance.shape == (x.size, x.size)
    outside = np.where(separation.linear, x, high + 1.0)
    with pytest.raises(BadModel, match="outside"):
        minimise_separable(function, separation, outside, low, high)


@pytest.mark.full
def test_time_beside_the_joint_fit(measured):
    """Whole descents on six peaks, NumPy evaluator; the figure decides nothing but which way `fit` goes."""
    spectrum = grid(301)
    counts = envelope(spectrum, six_peaks()) + SIGMA * np.random.default_rng(1).standard_normal(301)
    spectrum = spectrum.with_(counts=counts, noise=Noise("gaussian", read_noise=SIGMA))
    evaluator, function, bounds = task(spectrum, six_peaks(0.7, 0.15))
    separation = separate(evaluator, six_peaks())
    times = {}
    for name, run in (
        ("joint", lambda: minimise_joint(function, *bounds)),
        ("separable", lambda: minimise_separable(function, separation, *bounds)),
    ):
        took = []
        for _ in range(9):
            begin = time.perf_counter()
            found = run()
            took.append(time.perf_counter() - begin)
        times[name] = float(np.median(took)), found
    measured("six peaks by variable projection", 1e3 * times["separable"][0], "ms")
    measured("six peaks, joint", 1e3 * times["joint"][0], "ms")
    assert times["separable"][1].cost == pytest.approx(times["joint"][1].cost, rel=1e-9)
