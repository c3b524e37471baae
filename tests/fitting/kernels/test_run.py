"""Compiled fits against the NumPy path: the same minimum, errors, status; slices, cancelling, many rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting import kernels
from fitting.dataset import Axis, Noise, Spectrum
from fitting.engine import fit, objective
from fitting.evaluate import Evaluator
from fitting.kernels import compiled
from fitting.model import Background, Component, Curve, FitModel, Param
from tests.fitting.problems import (
    background,
    component,
    counted,
    envelope,
    grid,
    model,
    random_problem,
    six_peaks,
)


@pytest.fixture
def numpy_fit(monkeypatch):
    """`fit` by the NumPy path."""

    def run(*arguments, **options):
        with monkeypatch.context() as patch:
            patch.setattr(kernels, "loaded", lambda: None)
            return fit(*arguments, **options)

    return run


def assert_same(ours, theirs):
    """The same result, within a small part of the errors."""
    assert ours.status == theirs.status
    assert ours.at_bound == theirs.at_bound
    assert ours.deviance == pytest.approx(theirs.deviance, rel=1e-9)
    assert ours.reduced_chi2 == pytest.approx(theirs.reduced_chi2, rel=1e-5)
    for name in ours.free:
        if np.isnan(theirs.error(name)):
            assert np.isnan(ours.error(name))
        else:
            assert ours.value(name) == pytest.approx(theirs.value(name), abs=2e-4 * theirs.error(name))
            assert ours.error(name) == pytest.approx(theirs.error(name), rel=1e-3)


@pytest.mark.parametrize("seed", range(25))
def test_random_models(seed, numpy_fit):
    data, start = random_problem(seed)
    assert_same(fit(data, start), numpy_fit(data, start))


@pytest.mark.parametrize(
    "noise",
    [Noise("poisson", 1.0), Noise("poisson", 0.25), Noise("poisson"), Noise("gaussian", read_noise=20.0), Noise(),
     Noise("poisson", 1.0, 8.0), Noise("poisson", 1.0, correlation=0.4)],
)
def test_every_noise(noise, numpy_fit):
    data = counted(grid(), six_peaks(0.2), 4).with_(noise=noise)
    start = six_peaks(0.25, 0.1)
    assert_same(fit(data, start), numpy_fit(data, start))


@pytest.mark.parametrize("kind", ["linear", "shirley"])
def test_static_backgrounds(kind, numpy_fit):
    truth = model(component("p1", area=9000.0, position=288.0))
    start = replace(truth, background=Background(kind, {}))
    assert_same(fit(counted(grid(), truth), start), numpy_fit(counted(grid(), truth), start))


def test_kinetic_energy(numpy_fit):
    truth = model(component("p1", "gl_tail", area=9000.0, position=288.0), back=background("shirley_active"))
    data = grid()
    data = counted(data.with_(axis=Axis(data.x, "kinetic_energy")), truth)
    assert_same(fit(data, truth), numpy_fit(data, truth))


def test_few_counts_below_the_floor(numpy_fit):
    truth = model(component("p1", area=30.0, position=288.0), back=background("constant", level=0.02))
    data = counted(grid(), truth, 3)
    assert_same(fit(data, truth), numpy_fit(data, truth))


def test_a_fit_in_slices_is_the_same_fit(monkeypatch):
    data, start = counted(grid(), six_peaks(), 1), six_peaks(1.4, 0.2)
    at_once, seen = fit(data, start), []
    monkeypatch.setattr(compiled, "_PATIENCE", 0.0)
    sliced = fit(data, start, progress=lambda fraction, text: seen.append(fraction), cancel=lambda: False)
    assert sliced.deviance == at_once.deviance
    assert sliced.evaluations == at_once.evaluations == len(seen)
    assert seen == sorted(seen)
    assert seen[-1] < 1


def rows(data, truth, number, **options):
    """Rows of counts of a truth that drifts, and the arguments of `fit_rows`."""
    rng = np.random.default_rng(7)
    evaluator = Evaluator(data, truth)
    start, lower, upper = evaluator.parameters.start(truth)
    drift = 1.0 + 0.1 * np.sin(np.arange(number))
    counts = np.array([rng.poisson(d * evaluator.free(start)[0]) for d in drift], dtype=float)
    settings = {
        "warm": True, "covariance": True, "limits": (0.1, 5.0), "max_evaluations": 500, "cancel": lambda: False
    } | options
    return evaluator, counts, (start, lower, upper), settings


def test_rows_are_the_fits_one_by_one():
    data, truth = grid(), six_peaks(0.3)
    evaluator, counts, bounds, settings = rows(data, truth, 12)
    wanted = np.ones(12, dtype=bool)
    wanted[5] = False
    out = compiled.fit_rows(evaluator, data.noise, counts, wanted, *bounds, **settings)
    free = [evaluator.names.index(name) for name in evaluator.parameters.free]
    for row in np.flatnonzero(wanted):
        single = fit(data.with_(counts=counts[row]), truth)
        assert out.deviance[row] == pytest.approx(single.deviance, rel=2e-9)
        errors = np.array([single.error(name) for name in evaluator.names])
        np.testing.assert_allclose(out.errors[row], errors, rtol=1e-3)
        differences = np.abs(out.values[row][free] - [single.value(name) for name in single.free])
        assert np.all(differences <= 2e-3 * errors[free])
        scale = np.outer(errors[free], errors[free])
        assert np.all(np.abs(out.covariance[row] - single.covariance_of(single.free)) <= 5e-3 * scale)
    assert out.status[5] == 255
    assert np.isnan(out.values[5]).all()


def test_warm_starts_take_fewer_evaluations_and_find_the_same():
    data, truth = grid(), six_peaks(0.3)
    off = six_peaks(0.5, 0.15)
    evaluator, counts, _, settings = rows(data, truth, 20)
    bounds = Evaluator(data, off).parameters.start(off)
    every = np.ones(20, dtype=bool)
    warm = compiled.fit_rows(evaluator, data.noise, counts, every, *bounds, **settings)
    cold = compiled.fit_rows(evaluator, data.noise, counts, every, *bounds, **(settings | {"warm": False}))
    np.testing.assert_allclose(warm.deviance, cold.deviance, rtol=3e-9)
    assert warm.evaluations[1:].sum() < cold.evaluations[1:].sum()


def test_a_row_unlike_its_neighbours_is_fitted_from_the_start_again():
    data, truth = grid(), model(component("p1", area=20000.0, position=287.0), back=background("constant"))
    evaluator, counts, bounds, settings = rows(data, truth, 6)
    far = model(component("p1", area=20000.0, position=293.5), back=background("constant"))
    counts[3] = counted(data, far).y
    out = compiled.fit_rows(evaluator, data.noise, counts, np.ones(6, dtype=bool), *bounds, **settings)
    single = fit(data.with_(counts=counts[3]), truth)
    assert out.deviance[3] <= single.deviance * (1 + 1e-9)
    assert np.all(out.reduced_chi2[[0, 1, 2, 4, 5]] < 1.5)


def test_a_look_is_the_statistic_of_a_place():
    data, truth = counted(grid(), six_peaks(), 1), six_peaks()
    evaluator = Evaluator(data, truth)
    start = evaluator.parameters.start(truth)[0]
    residual, _ = objective(evaluator, data.noise)(start)
    assert compiled.look(evaluator, data.noise, start, 3) == pytest.approx(residual @ residual, rel=1e-12)


def losses():
    """A zero-loss tail, a plasmon with its double and an edge, convolved with a zero loss; 12 free parameters."""
    energy = np.arange(-15, 16) * 0.1
    zero = Curve(tuple(energy), tuple(np.exp(-0.5 * (energy / 0.3) ** 2)), "zero loss")
    single = component("p1", "drude", area=6000.0, position=5.7, fwhm=0.5)
    double = component("p2", "drude").with_(
        area=Param(1.0, link="p1.area * 0.1"), position=Param(1.0, link="p1.position * 2"),
        fwhm=Param(1.0, link="p1.fwhm * 1.5"),
    )
    broad = component("p3", "drude", area=9000.0, position=22.0)
    broad = broad.with_(fwhm=Param(9.0, 2.0, 30.0), position=Param(22.0, 15.0, 30.0))
    edge = component("p4", "edge_step", height=60.0, position=31.0, fwhm=0.7, exponent=2.0)
    parts = tuple(replace(c, broadened=True) for c in (single, double, broad, edge))
    back = background("power_law", amplitude=30.0, exponent=2.0)
    fitted = FitModel((2.5, 42.0), back, parts, response=zero)
    return Spectrum(Axis(np.arange(0, 450) * 0.1, "energy_loss"), np.ones(450), Noise("poisson", 1.0)), fitted


@pytest.mark.parametrize("gain", [1.0, None])
def test_convolved_losses(gain, numpy_fit):
    flat, truth = losses()
    counts = np.zeros(flat.x.size)
    window = flat.axis.window(*truth.region)
    counts[window] = np.random.default_rng(2).poisson(envelope(flat, truth))
    data = flat.with_(counts=counts, noise=Noise("poisson", gain))
    start = truth.with_values({"p1.position": 5.9, "p1.fwhm": 0.8, "p3.area": 4000.0, "background.exponent": 3.0})
    ours = fit(data, start)
    assert ours.status == "converged"
    assert_same(ours, numpy_fit(data, start))
    for name in ours.free:
        assert abs(ours.value(name) - truth.params[name].value) < 5.0 * ours.error(name)


def test_rows_of_convolved_losses():
    data, truth = losses()
    evaluator, counts, bounds, settings = rows(data, truth, 8)
    out = compiled.fit_rows(evaluator, data.noise, counts, np.ones(8, bool), *bounds, **settings)
    whole = np.zeros(data.x.size)
    for row in (0, 7):
        whole[data.axis.window(*truth.region)] = counts[row]
        single = fit(data.with_(counts=whole), truth)
        assert out.deviance[row] == pytest.approx(single.deviance, rel=2e-8)
        names = [evaluator.names.index(name) for name in single.free]
        errors = np.array([single.error(name) for name in single.free])
        np.testing.assert_allclose(out.errors[row][names], errors, rtol=1e-3)
        assert np.all(np.abs(out.values[row][names] - [single.value(name) for name in single.free]) <= 5e-3 * errors)


def test_a_measured_line_is_fitted_by_both_paths(numpy_fit):
    energy = np.linspace(-4.0, 6.0, 81)
    line = Curve(tuple(energy), tuple(np.exp(-0.5 * energy**2) + 0.3 * np.exp(-0.5 * ((energy - 2.0) / 1.4) ** 2)))
    params = {"area": Param(9000.0, 0.0), "position": Param(287.4), "fwhm_g": Param(0.4, 0.0, 5.0)}
    truth = model(Component("p1", "line", "measured", params, curve=line), back=background("constant", level=200.0))
    data = counted(grid(), truth, 5)
    start = truth.with_values({"p1.position": 287.9, "p1.fwhm_g": 0.9, "p1.area": 4000.0})
    assert_same(fit(data, start), numpy_fit(data, start))


def test_pulls_of_convolved_losses(measured):
    """Errors are those of the numbers: (fitted - true)/error of 300 spectra is normal, for every free parameter."""
    data, truth = losses()
    evaluator = Evaluator(data, truth)
    start, lower, upper = evaluator.parameters.start(truth)
    expected = evaluator.free(start)[0]
    counts = np.random.default_rng(11).poisson(20.0 * expected, (300, expected.size)).astype(float)
    settings = {"warm": True, "covariance": False, "limits": (0.1, 5.0), "max_evaluations": 500}
    out = compiled.fit_rows(
        evaluator, data.noise, counts, np.ones(300, bool), start, lower, upper, cancel=lambda: False, **settings
    )
    assert np.mean(out.status == 0) > 0.98
    names = evaluator.parameters.free
    amounts = np.array([name.endswith(("area", "height", "amplitude")) for name in names])
    true = np.where(amounts, 20.0 * start, start)
    columns = [evaluator.names.index(name) for name in names]
    good = out.status == 0
    pulls = (out.values[good][:, columns] - true) / out.errors[good][:, columns]
    # Of n normal numbers the mean scatters by 1/sqrt(n) and the standard deviation by 1/sqrt(2n); 4.5 of those.
    n = int(np.count_nonzero(good))
    at = names.index("p1.position")
    measured("pulls of a convolved plasmon's energy, 300 spectra: mean", abs(pulls[:, at].mean()), "", "<= 0.26")
    measured(
        "pulls of a convolved plasmon's energy, 300 spectra: standard deviation off 1", abs(pulls[:, at].std() - 1.0),
        "", "<= 0.18",
    )
    assert np.all(np.abs(pulls.mean(axis=0)) < 4.5 / np.sqrt(n))
    assert np.all(np.abs(pulls.std(axis=0) - 1.0) < 4.5 / np.sqrt(2 * n))
