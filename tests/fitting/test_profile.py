"""Profile-likelihood intervals: against lmfit and by hand, at bounds, of linked parameters, with unknown noise."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import t as student

from fitting.calibration import Thresholds
from fitting.confidence import lmfit_intervals
from fitting.dataset import Noise
from fitting.engine import fit
from fitting.model import Param
from fitting.profile import LEVELS, profile
from libraries.errors import BadModel, Cancelled, NotDetermined
from tests.fitting.problems import background, component, counted, envelope, grid, model

TRUTH = model(component("p1", position=284.6, area=4000.0), component("p2", position=286.0, area=1500.0))
WEAK = model(component("p1", position=287.5, area=20.0, fwhm=1.2), back=background(level=20.0, slope=0.0))


@pytest.fixture(scope="module")
def fitted():
    spectrum = counted(grid(), TRUTH)
    return spectrum, fit(spectrum, TRUTH)


def changed(fit_model, name, **changes):
    return fit_model.with_params({name: replace(fit_model.params[name], **changes)})


def rise(spectrum, result, name, value):
    """By how much the statistic rises with a free parameter held at a value, by a fit of its own."""
    return fit(spectrum, changed(result.model, name, value=value, vary=False)).deviance - result.deviance


def test_lmfit_finds_the_same_intervals(fitted):
    spectrum, result = fitted
    theirs = lmfit_intervals(spectrum, result, ["p1.area", "p2.fwhm"])
    ours = profile(spectrum, result, ["p1.area", "p2.fwhm"])
    for name, pairs in theirs.items():
        for interval, (low, high) in zip(ours[name].intervals, pairs, strict=True):
            assert (interval.low_end, interval.high_end) == ("crossing", "crossing")
            assert interval.low == pytest.approx(low, abs=0.01 * result.error(name))
            assert interval.high == pytest.approx(high, abs=0.01 * result.error(name))


@pytest.mark.parametrize("seed", range(3))
def test_the_statistic_rises_by_the_quantile_at_every_end(seed):
    spectrum = counted(grid(), WEAK, seed)
    result = fit(spectrum, WEAK)
    found = profile(spectrum, result)
    assert found.better is None
    assert [p.name for p in found.profiles] == list(result.free)
    for entry in found.profiles:
        for interval, quantile in zip(entry.intervals, (1.0, 3.8415), strict=True):
            assert interval.low < entry.value < interval.high
            for end in (interval.low, interval.high):
                assert rise(spectrum, result, entry.name, end) == pytest.approx(quantile, abs=2e-3)


def test_few_evaluations_are_needed(fitted, measured):
    spectrum, result = fitted
    most = max(entry.evaluations for entry in profile(spectrum, result, levels=LEVELS[:1]).profiles) / 2
    measured("evaluations for one end of a profile-likelihood interval, two overlapping peaks", most, "", "< 40")
    assert most < 40


def test_nearly_linear_parameters_have_the_errors_of_the_covariance(fitted):
    spectrum, result = fitted
    interval = profile(spectrum, result, ["background.level"])["background.level"].intervals[0]
    assert (interval.high - interval.low) / 2 == pytest.approx(result.error("background.level"), rel=0.01)


def test_levels_in_any_order(fitted):
    spectrum, result = fitted
    one = profile(spectrum, result, ["p2.area"], (0.95, 0.6826895))["p2.area"].intervals
    other = profile(spectrum, result, ["p2.area"])["p2.area"].intervals
    assert [i.level for i in one] == [0.95, 0.6826895]
    assert [i.low for i in reversed(one)] == pytest.approx([i.low for i in other], abs=1e-9)


# ----------------------------------------------------------------------------------------------------- other thresholds
def test_thresholds_take_the_place_of_quantiles():
    spectrum = counted(grid(), WEAK, 1)
    result = fit(spectrum, WEAK)
    given = {"p1.area": (1.3, 4.5), "p1.fwhm": (0.4, 0.0)}
    found = profile(spectrum, result, list(given), thresholds=given)
    for name, thresholds in given.items():
        for interval, threshold in zip(found[name].intervals, thresholds, strict=True):
            for end in (interval.low, interval.high):
                assert rise(spectrum, result, name, end) == pytest.approx(threshold, abs=2e-3)
    assert found["p1.fwhm"].intervals[1].low == found["p1.fwhm"].intervals[1].high == result.value("p1.fwhm")


def test_thresholds_that_do_not_fit_are_refused(fitted):
    spectrum, result = fitted
    for thresholds, message in (
        ({"p2.area": (1.0, 4.0)}, "no threshold"), ({"p1.area": (1.0,)}, "other levels"),
        ({"p1.area": (1.0, -1.0)}, "0 or more"), ({"p1.area": (1.0, math.nan)}, "0 or more"),
    ):
        with pytest.raises(BadModel, match=message):
            profile(spectrum, result, ["p1.area"], thresholds=thresholds)
    other = Thresholds(("p1.area",), (0.6826895, 0.9), np.ones((60, 1)), 60, 0, 0)
    with pytest.raises(BadModel, match="other levels"):
        profile(spectrum, result, ["p1.area"], thresholds=other)


# ------------------------------------------------------------------------------------------------- bounds, other minima
def test_an_interval_ends_at_a_bound_and_says_so():
    spectrum = counted(grid(), WEAK, 1)
    near = fit(spectrum, WEAK).value("p1.fwhm") + 0.01
    start = changed(WEAK, "p1.fwhm", value=1.0, maximum=near)
    result = fit(spectrum, start)
    assert result.status == "converged"
    interval = profile(spectrum, result, ["p1.fwhm"])["p1.fwhm"].intervals[0]
    assert (interval.low_end, interval.high_end, interval.high) == ("crossing", "bound", near)


def test_a_parameter_on_its_bound_has_a_limit_on_the_other_side():
    none = changed(WEAK, "p1.area", value=0.0)
    held = {f"p1.{key}": replace(WEAK.params[f"p1.{key}"], vary=False) for key in ("position", "fwhm")}
    spectrum = next(s for s in (counted(grid(), none, seed) for seed in range(50))
                    if fit(s, WEAK.with_params(held)).at_bound)
    result = fit(spectrum, WEAK.with_params(held))
    assert (result.value("p1.area"), result.at_bound) == (0.0, ("p1.area",))
    interval = profile(spectrum, result, ["p1.area"])["p1.area"].intervals[1]
    assert (interval.low, interval.low_end, interval.high_end) == (0.0, "bound", "crossing")
    assert rise(spectrum, result, "p1.area", interval.high) == pytest.approx(3.8415, abs=0.01)


def test_without_bounds_an_interval_can_be_infinite():
    """A peak lost in noise may be as wide as it likes."""
    spectrum = counted(grid(noise=Noise("gaussian", None, 1e4)), WEAK, 2).with_(noise=Noise("gaussian", None, 1e4))
    start = changed(changed(WEAK, "p1.position", vary=False), "p1.fwhm", maximum=math.inf)
    result = fit(spectrum, changed(start, "p1.area", value=3.0, vary=False))
    assert result.success
    interval = profile(spectrum, result, ["p1.fwhm"])["p1.fwhm"].intervals[0]
    assert (interval.high, interval.high_end) == (math.inf, "infinite")


def test_a_better_minimum_on_the_way_is_reported():
    """Two places for one peak: the fit that began at the smaller hump is not the minimum."""
    both = model(component("p1", position=284.0, area=180.0), component("p2", position=287.0, area=130.0))
    spectrum = counted(grid(), both, 5)
    start = changed(both.without("p1"), "p2.fwhm", maximum=1.6)
    result = fit(spectrum, start)
    assert result.value("p2.position") == pytest.approx(287.0, abs=0.5)
    found = profile(spectrum, result, ["p2.position"], (1 - 1e-12,))
    assert found.profiles == ()
    assert found.better is not None
    assert found.better.params["p2.position"].value == pytest.approx(284.0, abs=0.5)
    again = fit(spectrum, found.better)
    assert again.deviance == pytest.approx(found.better_deviance, rel=1e-9)
    assert again.deviance < result.deviance - 1


# --------------------------------------------------------------------------------------------------- linked parameters
def test_linked_parameters_have_intervals():
    second = TRUTH.component("p2").with_(fwhm=Param(1.0, link="p1.fwhm * 1.2"))
    linked = replace(TRUTH, components=(TRUTH.component("p1"), second))
    spectrum = counted(grid(), linked, 3)
    result = fit(spectrum, linked)
    found = profile(spectrum, result, ["p1.fwhm", "p2.fwhm"])
    for own, child in zip(found["p1.fwhm"].intervals, found["p2.fwhm"].intervals, strict=True):
        assert child.low == pytest.approx(1.2 * own.low, abs=1e-4 * result.error("p1.fwhm"))
        assert child.high == pytest.approx(1.2 * own.high, abs=1e-4 * result.error("p1.fwhm"))


def test_a_tolerance_gives_way_to_its_limit():
    second = TRUTH.component("p2").with_(position=Param(286.0, link="p1.position + 1.4 +- 0.5"))
    linked = replace(TRUTH, components=(TRUTH.component("p1"), second))
    spectrum = counted(grid(), linked, 3)
    result, free = fit(spectrum, linked), fit(spectrum, TRUTH)
    ours = profile(spectrum, result, ["p2.position"])["p2.position"].intervals
    theirs = profile(spectrum, free, ["p2.position"])["p2.position"].intervals
    for one, other in zip(ours, theirs, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=1e-3 * free.error("p2.position"))
    tight = TRUTH.component("p2").with_(position=Param(286.0, link="p1.position + 1.4 +- 0.001"))
    result = fit(spectrum, replace(TRUTH, components=(TRUTH.component("p1"), tight)))
    narrow = profile(spectrum, result, ["p2.position"])["p2.position"].intervals[0]
    assert narrow.high - narrow.low < ours[0].high - ours[0].low


# --------------------------------------------------------------------------------------------------------------- noise
@pytest.mark.parametrize("noise", [Noise(), Noise("gaussian", None, 40.0), Noise("gaussian", None, 40.0, 0.5)])
def test_linear_models_have_the_exact_intervals(noise):
    """Level and slope of a line in Gaussian noise: Student's t with unknown, the normal law with known variance."""
    line = model(back=background(level=500.0, slope=3.0))
    spectrum = grid(12).with_(noise=noise)
    y = envelope(spectrum, line) + np.random.default_rng(3).normal(0.0, 40.0, 12)
    spectrum = spectrum.with_(counts=y)
    result = fit(spectrum, line)
    for entry in profile(spectrum, result).profiles:
        for interval in entry.intervals:
            error = result.error(entry.name)
            z = student.ppf(0.5 * (1 + interval.level), 10 if noise.kind == "unknown" else 1e9)
            assert interval.high == pytest.approx(entry.value + z * error, abs=1e-5 * error)
            assert interval.low == pytest.approx(entry.value - z * error, abs=1e-5 * error)


def test_unknown_gain_is_estimated():
    spectrum = counted(grid(), TRUTH, 2)
    known = fit(spectrum, TRUTH)
    scaled = spectrum.with_(counts=3.0 * spectrum.y, noise=Noise("poisson", None))
    three = {n: 3.0 * p.value for n, p in TRUTH.params.items() if n.endswith(("area", "level", "slope"))}
    result = fit(scaled, TRUTH.with_values(three))
    ours = profile(scaled, result, ["p2.area"])["p2.area"].intervals[0]
    theirs = profile(spectrum, known, ["p2.area"])["p2.area"].intervals[0]
    widen = student.ppf(0.5 * (1 + LEVELS[0]), 143) * known.reduced_chi2**0.5
    assert (ours.high - ours.low) / 3 == pytest.approx(widen * (theirs.high - theirs.low), rel=2e-3)


def test_read_noise():
    noise = Noise("poisson", 1.0, 12.0)
    rng = np.random.default_rng(4)
    spectrum = grid(noise=noise)
    mean = envelope(spectrum, TRUTH)
    spectrum = spectrum.with_(counts=rng.poisson(mean) + rng.normal(0, 12.0, mean.size))
    result = fit(spectrum, TRUTH)
    found = profile(spectrum, result, ["background.level"])
    assert found.better is None
    interval = found["background.level"].intervals[0]
    assert (interval.high - interval.low) / 2 == pytest.approx(result.error("background.level"), rel=0.02)


# ------------------------------------------------------------------------------------------------------------- refusals
def test_refusals(fitted):
    spectrum, result = fitted
    with pytest.raises(BadModel, match="no parameter"):
        profile(spectrum, result, ["p1.nothing"])
    with pytest.raises(BadModel, match="is held"):
        profile(spectrum, result, ["p1.mix"])
    with pytest.raises(BadModel, match="between 0 and 1"):
        profile(spectrum, result, levels=(1.0,))
    with pytest.raises(NotDetermined, match="other data"):
        profile(counted(grid(), TRUTH, 1), result)
    stopped = fit(spectrum, TRUTH.with_values({"p1.area": 1000.0}), max_evaluations=1)
    assert not stopped.success
    with pytest.raises(NotDetermined, match="converged fit"):
        profile(spectrum, stopped)
    with pytest.raises(BadModel, match="no intervals"):
        profile(spectrum, result, ["p1.area"])["p2.area"]


def test_progress_and_cancel(fitted):
    spectrum, result = fitted
    seen = []
    profile(spectrum, result, ["p1.area", "p2.area"], progress=lambda share, text: seen.append((share, text)))
    assert [share for share, _ in seen] == [0.0, 0.5, 1.0]
    calls = iter(range(10**6))
    with pytest.raises(Cancelled):
        profile(spectrum, result, cancel=lambda: next(calls) > 20)
