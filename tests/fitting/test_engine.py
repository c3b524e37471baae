"""The fit: against lmfit, its errors, its statuses, and what it refuses; by machine code and without."""

from __future__ import annotations

from dataclasses import replace

import lmfit
import numpy as np
import pytest

from fitting import kernels
from fitting.dataset import Axis, Noise, Spectrum
from fitting.engine import fit, objective
from fitting.evaluate import Evaluator
from fitting.identity import same
from fitting.kernels import compiled
from fitting.model import Background, FitModel, Param
from libraries.errors import BadData, BadModel, FitFailed
from tests.fitting.problems import (
    COUNTS,
    background,
    component,
    counted,
    envelope,
    grid,
    model,
    random_problem,
    six_peaks,
)

TRUTH = model(
    component("p1", position=285.0, area=3000.0, fwhm=1.2), component("p2", position=288.0, area=1500.0, fwhm=1.4)
)
ONE = model(component("p1", position=287.0, area=3000.0, fwhm=1.4), back=background("constant", level=100.0))


@pytest.fixture(autouse=True, params=["compiled", "numpy"])
def path(request, monkeypatch):
    """Every test runs on both paths."""
    if request.param == "numpy":
        monkeypatch.setattr(kernels, "loaded", lambda: None)
    return request.param


def changed(fit_model: FitModel, name: str, **changes) -> FitModel:
    return fit_model.with_params({name: replace(fit_model.params[name], **changes)})


def lmfit_minimum(spectrum, start: FitModel) -> float:
    evaluator = Evaluator(spectrum, start)
    x, low, high = evaluator.parameters.start(start)
    function = objective(evaluator, spectrum.noise)
    parameters = lmfit.Parameters()
    for i, value in enumerate(x):
        parameters.add(f"x{i}", value=value, min=low[i], max=high[i])
    result = lmfit.minimize(
        lambda p: function(np.array(list(p.valuesdict().values())))[0], parameters, ftol=1e-14, xtol=1e-14, gtol=0.0,
        max_nfev=20000,
    )
    return float(result.chisqr)


@pytest.mark.parametrize(
    "noise", [Noise("poisson", 1.0), Noise("poisson", None), Noise("gaussian", None, 20.0), Noise()]
)
def test_lmfit_finds_the_same_minimum(noise):
    spectrum = counted(grid(), TRUTH, 4).with_(noise=noise)
    start = TRUTH.with_values({"p1.area": 2000.0, "p1.position": 285.2, "p2.fwhm": 1.0})
    result = fit(spectrum, start)
    assert result.status == "converged"
    theirs = lmfit_minimum(spectrum, start)
    assert result.deviance <= theirs * (1 + 1e-10)
    assert result.deviance == pytest.approx(theirs, rel=1e-7)


@pytest.mark.parametrize("seed", range(10))
def test_lmfit_finds_no_lower_minimum_of_random_models(seed):
    spectrum, start = random_problem(1000 + seed)
    assert fit(spectrum, start).deviance <= lmfit_minimum(spectrum, start) * (1 + 1e-6)


def pulls(truth: FitModel, noise: Noise, runs: int, draw) -> np.ndarray:
    spectrum = grid(noise=noise)
    mean = envelope(spectrum, truth)
    rng = np.random.default_rng(11)
    rows = []
    for _ in range(runs):
        result = fit(spectrum.with_(counts=draw(rng, mean)), truth)
        assert result.status == "converged"
        rows.append([(result.value(n) - truth.params[n].value) / result.error(n) for n in result.free])
    return np.array(rows)


def check_pulls(found: np.ndarray) -> None:
    runs = len(found)
    assert np.all(np.abs(found.mean(axis=0)) < 4.0 / np.sqrt(runs))
    assert np.all(np.abs(found.std(axis=0) - 1.0) < 4.0 / np.sqrt(2 * runs))


def poisson(rng, mean):
    return rng.poisson(mean)


def scaled_poisson(rng, mean):
    return 7.0 * rng.poisson(mean / 7.0)


def gauss(rng, mean):
    return rng.normal(mean, 15.0)


def both(rng, mean):
    return rng.poisson(mean) + rng.normal(0.0, 15.0, mean.size)


NOISES = [
    (Noise("poisson", 1.0), poisson), (Noise("poisson", 7.0), scaled_poisson), (Noise("poisson", None), scaled_poisson),
    (Noise("gaussian", None, 15.0), gauss), (Noise(), gauss), (Noise("poisson", 1.0, 15.0), both),
]  # fmt: skip


@pytest.mark.parametrize(("noise", "draw"), NOISES)
def test_pulls_are_standard_normal(noise, draw):
    check_pulls(pulls(TRUTH, noise, 200, draw))


@pytest.mark.full
@pytest.mark.parametrize(("noise", "draw"), NOISES)
def test_pulls_of_a_thousand_spectra(noise, draw):
    check_pulls(pulls(TRUTH, noise, 1000, draw))


def test_low_counts_are_not_biased(measured):
    """Three counts a channel: maximum likelihood is unbiased where weights 1/max(y, 1) lose a fifth of the area."""
    truth = model(component("p1", position=287.5, area=30.0, fwhm=2.0), back=background("constant", level=3.0))
    held = truth.with_params({f"p1.{n}": replace(truth.params[f"p1.{n}"], vary=False) for n in ("position", "fwhm")})
    spectrum, rng = grid(), np.random.default_rng(2)
    mean, ours, weighted = envelope(spectrum, truth), [], []
    evaluator = Evaluator(spectrum, held)
    jacobian = evaluator.free(evaluator.parameters.start(held)[0])[1]
    for _ in range(300):
        y = rng.poisson(mean)
        result = fit(spectrum.with_(counts=y), held)
        ours.append((result.value("p1.area"), result.value("background.level")))
        w = 1.0 / np.maximum(y, 1.0)
        weighted.append(np.linalg.solve(jacobian * w @ jacobian.T, jacobian * w @ y))
    ours, weighted = np.array(ours), np.array(weighted)
    truth_values = np.array([30.0, 3.0])
    error = ours.std(axis=0) / np.sqrt(300)
    assert np.all(np.abs(ours.mean(axis=0) - truth_values) < 4 * error)
    assert weighted.mean(axis=0)[1] < 0.85 * 3.0
    bias = 100 * (ours.mean(axis=0)[1] / 3 - 1)
    measured("bias of the background at 3 counts", bias, "%", "within 4 standard errors")


def test_unknown_gain_scales_the_covariance():
    spectrum = counted(grid(), TRUTH, 1)
    known = fit(spectrum, TRUTH)
    other = spectrum.with_(counts=0.1 * spectrum.y, noise=Noise("poisson", None))
    linear = {n: 0.1 * p.value for n, p in TRUTH.params.items() if n.endswith(("area", "level", "slope"))}
    tenth = fit(other, TRUTH.with_values(linear))
    assert tenth.reduced_chi2 == 1.0
    assert tenth.scale == pytest.approx(0.1 * known.reduced_chi2, rel=1e-6)
    assert tenth.error("p1.area") == pytest.approx(0.1 * known.error("p1.area") * known.reduced_chi2**0.5, rel=1e-6)
    assert not tenth.exceeds_noise


def test_read_noise_takes_counts_below_zero():
    spectrum = grid(noise=Noise("poisson", 1.0, 3.0))
    rng = np.random.default_rng(0)
    truth = changed(ONE, "background.level", value=2.0)
    y = rng.poisson(envelope(spectrum, truth)) + rng.normal(0, 3.0, 151)
    assert y.min() < 0
    result = fit(spectrum.with_(counts=y), truth)
    assert (result.status, result.statistic) == ("converged", "chi2")
    assert result.reduced_chi2 == pytest.approx(1.0, abs=0.4)


def test_correlated_channels_enlarge_errors():
    spectrum = counted(grid(), ONE)
    plain = fit(spectrum, ONE)
    wide = fit(spectrum.with_(noise=Noise("poisson", 1.0, correlation=0.5)), ONE)
    assert wide.error("p1.area") == pytest.approx(plain.error("p1.area") * 3**0.5, rel=1e-9)


# ------------------------------------------------------------------------------------------------------------ statuses
def test_at_bound_leaves_no_error_for_the_parameter_and_its_children():
    second = component("p2", position=288.0, area=1500.0)
    linked = second.with_(fwhm=Param(1.0, link="p1.fwhm * 1.1"))
    start = changed(replace(TRUTH, components=(TRUTH.component("p1"), linked)), "p1.fwhm", value=0.9, maximum=1.0)
    result = fit(counted(grid(), TRUTH), start)
    assert (result.status, result.at_bound, result.success) == ("at bound", ("p1.fwhm",), True)
    assert "fwhm of p1" in result.message
    assert result.value("p1.fwhm") == 1.0
    assert np.isnan(result.error("p1.fwhm"))
    assert np.isnan(result.error("p2.fwhm"))
    assert np.isfinite(result.error("p1.area"))
    assert result.error("p1.mix") == 0.0


def test_tolerance_at_its_limit():
    second = component("p2", position=287.0, area=1500.0, fwhm=1.4)
    linked = second.with_(position=Param(287.0, link="p1.position + 2 +- 0.5"))
    result = fit(counted(grid(), TRUTH), replace(TRUTH, components=(TRUTH.component("p1"), linked)))
    assert result.at_bound == ("p2.position",)
    assert result.value("p2.position") == pytest.approx(result.value("p1.position") + 2.5, abs=1e-12)
    inside = linked.with_(position=Param(287.0, link="p1.position + 2 +- 1.5"))
    result = fit(counted(grid(), TRUTH), replace(TRUTH, components=(TRUTH.component("p1"), inside)))
    assert result.status == "converged"
    assert result.value("p2.position") == pytest.approx(288.0, abs=0.1)
    free = fit(counted(grid(), TRUTH), TRUTH)
    assert result.error("p2.position") == pytest.approx(free.error("p2.position"), rel=1e-3)


def test_two_identical_peaks_are_singular_and_the_rest_keeps_its_errors():
    twin = component("p3", position=288.0, area=700.0, fwhm=1.4)
    same_place = twin.with_(position=Param(288.0, link="p2.position"), fwhm=Param(1.4, link="p2.fwhm"))
    result = fit(counted(grid(), TRUTH), TRUTH.with_component(same_place))
    assert (result.status, result.success) == ("singular", False)
    assert np.isnan(result.error("p2.area"))
    assert np.isnan(result.error("p3.area"))
    assert result.error("p1.area") == pytest.approx(fit(counted(grid(), TRUTH), TRUTH).error("p1.area"), rel=1e-2)


def test_a_superfluous_peak_sinks_to_zero_without_spoiling_the_others():
    data = counted(grid(), replace(TRUTH, background=background("linear_active", level=900.0)), 3)
    data = data.with_(counts=np.maximum(data.y - 300.0 * np.exp(-((data.x - 292.0) ** 2)), 0.0).round())
    extra = component("p3", area=100.0).with_(position=Param(292.0, 291.7, 292.3), fwhm=Param(1.0, 0.6, 1.5))
    start = TRUTH.with_component(extra)
    result = fit(data, start)
    assert result.value("p3.area") == 0.0
    assert "p3.area" in result.at_bound
    assert result.status == "at bound"
    assert np.isnan(result.error("p3.area"))
    assert np.isfinite(result.error("p1.area"))


def test_start_on_a_bound_moves_away():
    start = changed(TRUTH, "p1.area", value=0.0)
    result = fit(counted(grid(), TRUTH), start)
    assert result.status == "converged"
    assert result.value("p1.area") == pytest.approx(3000.0, rel=0.1)


def test_cancelled_keeps_the_best_so_far(monkeypatch):
    monkeypatch.setattr(compiled, "_PATIENCE", 0.0)  # compiled fits, too, ask after every evaluation
    calls = iter(range(1000))
    start = TRUTH.with_values({"p1.area": 500.0, "p2.position": 288.5})
    result = fit(counted(grid(), TRUTH), start, cancel=lambda: next(calls) >= 3)
    assert (result.status, result.evaluations, result.success) == ("cancelled", 3, False)
    assert result.deviance < fit(counted(grid(), TRUTH), start, max_evaluations=1).deviance
    at_once = fit(counted(grid(), TRUTH), start, cancel=lambda: True)
    assert (at_once.status, at_once.evaluations) == ("cancelled", 0)
    assert at_once.model == start


@pytest.mark.parametrize("noise", [Noise("poisson", 1.0), Noise("poisson", 1.0, 5.0)])
def test_iteration_limit(noise):
    start = TRUTH.with_values({"p1.area": 500.0, "p2.position": 288.5})
    result = fit(counted(grid(), TRUTH).with_(noise=noise), start, max_evaluations=2)
    assert (result.status, result.evaluations) == ("iteration limit", 2)


def test_not_finite():
    result = fit(grid(noise=Noise()), changed(ONE, "p1.area", value=1e300), max_evaluations=100)
    assert (result.status, result.success) == ("not finite", False)


@pytest.mark.parametrize("noise", [COUNTS, Noise("gaussian", read_noise=15.0), Noise()])
@pytest.mark.parametrize("factor", [0.02, 1e4])
def test_amounts_far_off_do_no_harm(noise, factor):
    data = counted(grid(), TRUTH).with_(noise=noise)
    far = {name: factor * TRUTH.params[name].value for name in ("p1.area", "p2.area")}
    result = fit(data, TRUTH.with_values(far))
    assert result.success
    assert result.deviance == pytest.approx(fit(data, TRUTH).deviance, rel=1e-8)


def test_many_starts_find_the_deeper_minimum():
    # Both peaks start on the same side: from there the plain fit ends with one of them in the wrong place.
    start = TRUTH.with_values({"p1.position": 290.5, "p2.position": 293.0, "p1.area": 300.0})
    data = counted(grid(), TRUTH)
    plain, many = fit(data, start), fit(data, start, starts=30, seed=1)
    assert plain.deviance > 1.5 * many.deviance
    assert many.reduced_chi2 < 1.5
    assert many.evaluations > plain.evaluations
    assert same(replace(many, seconds=0.0), replace(fit(data, start, starts=30, seed=1), seconds=0.0))


def test_a_link_without_value_at_the_start_is_an_error():
    second = component("p2").with_(area=Param(1.0, link="log(p1.area - 5000)"))
    with pytest.raises(BadModel, match="no value"):
        fit(counted(grid(), ONE), ONE.with_component(second))


# ------------------------------------------------------------------------------------------------------------- refused
def test_refused():
    data = counted(grid(), ONE)
    with pytest.raises(FitFailed, match="nothing but zeros"):
        fit(data.with_(counts=np.zeros(data.x.size)), ONE)
    with pytest.raises(FitFailed, match="1 points for"):
        fit(Spectrum(Axis([285.0], "binding_energy"), [5.0], COUNTS), ONE)
    with pytest.raises(FitFailed, match="Nothing is free"):
        fit(data, ONE.with_params({n: replace(p, vary=False) for n, p in ONE.params.items()}))
    with pytest.raises(FitFailed, match="Nothing is free"):
        fit(data, FitModel((280, 295), Background("none")))
    with pytest.raises(FitFailed, match="4 points for 4"):
        fit(data, replace(ONE, region=(287.0, 287.31)))
    with pytest.raises(BadData, match="No data"):
        fit(data, ONE.moved(500.0))
    with pytest.raises(FitFailed, match="below zero"):
        fit(data.with_(counts=data.y - 200.0), ONE)
    with pytest.raises(BadModel, match="fwhm of p1 starts at 9, outside its bounds"):
        fit(data, changed(ONE, "p1.fwhm", value=9.0))


# ------------------------------------------------------------------------------------------------------------- results
def test_result_is_reproducible_and_complete():
    data = counted(grid(301), six_peaks())
    first, second = fit(data, six_peaks(0.9, 0.05)), fit(data, six_peaks(0.9, 0.05))
    assert same(first, second)
    assert first.data_hash == data.hash
    assert first.start == six_peaks(0.9, 0.05)
    assert (first.n_data, first.n_free) == (301, len(first.free))
    assert first.aic == pytest.approx(first.deviance + 2 * first.n_free)
    correlation = first.correlation()
    assert correlation.shape == (first.n_free, first.n_free)
    np.testing.assert_allclose(np.diag(correlation), 1.0, rtol=1e-12)
    assert np.all(np.abs(correlation) <= 1 + 1e-12)
    with pytest.raises(BadModel, match="no parameter"):
        first.error("p9.area")


def test_moved_result():
    result = fit(counted(grid(), TRUTH), TRUTH)
    moved = result.moved(1.5, "elsewhere")
    assert moved.data_hash == "elsewhere"
    assert moved.value("p1.position") == pytest.approx(result.value("p1.position") + 1.5)
    assert moved.error("p1.position") == result.error("p1.position")
    assert moved.model.region == (281.5, 296.5)
    assert moved.start.params["p1.position"].value == 286.5


def test_scaled_error_where_the_model_misses_structure():
    result = fit(counted(grid(), TRUTH), TRUTH.without("p2"))
    assert result.exceeds_noise
    assert result.scaled_error("p1.area") == pytest.approx(result.error("p1.area") * result.reduced_chi2**0.5)
    good = fit(counted(grid(), TRUTH), TRUTH)
    assert not good.exceeds_noise
    assert good.scaled_error("p1.area") == good.error("p1.area")


def test_false_alarms_of_exceeds_noise_are_rare():
    assert sum(fit(counted(grid(), ONE, seed), ONE).exceeds_noise for seed in range(300)) <= 3
