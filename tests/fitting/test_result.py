"""Results: AICc, pulls, and which fits compare."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting.dataset import Noise
from fitting.engine import fit
from fitting.model import Background
from fitting.result import comparable, incomparable, pulls
from libraries.errors import BadModel, NotDetermined
from tests.fitting.problems import background, component, counted, grid, model

TWO = model(
    component("p1", position=285.0, area=3000.0, fwhm=1.2), component("p2", position=288.0, area=1500.0, fwhm=1.4)
)
ONE = TWO.without("p2")


@pytest.fixture(scope="module")
def spectrum():
    return counted(grid(), TWO, 1)


@pytest.fixture(scope="module")
def result(spectrum):
    return fit(spectrum, TWO)


def test_aicc(spectrum, result):
    n, k = result.n_data, result.n_free
    assert result.aicc - result.aic == pytest.approx(2 * k * (k + 1) / (n - k - 1))
    unknown = fit(spectrum.with_(noise=Noise()), TWO)
    assert unknown.aicc - unknown.aic == pytest.approx(2 * (k + 1) * (k + 2) / (n - k - 2))
    few = fit(spectrum, replace(ONE, region=(284.1, 284.65)))
    assert (few.n_data, few.n_free) == (6, 5)
    assert np.isnan(few.aicc)
    assert np.isfinite(few.aic)


def test_pulls(result):
    found = pulls(result, TWO)
    assert tuple(found) == result.free
    assert found["p1.area"] == pytest.approx((result.value("p1.area") - 3000.0) / result.error("p1.area"))
    assert all(abs(pull) < 5 for pull in found.values())
    assert pulls(result, {name: result.value(name) for name in result.free}) == dict.fromkeys(result.free, 0.0)
    with pytest.raises(BadModel, match="truth has no parameter"):
        pulls(result, {})


def test_pull_of_a_parameter_on_its_bound_is_not_a_number(spectrum):
    tight = TWO.with_params({"p1.fwhm": replace(TWO.params["p1.fwhm"], value=1.0, maximum=1.05)})
    result = fit(spectrum, tight)
    assert result.at_bound == ("p1.fwhm",)
    assert np.isnan(pulls(result, TWO)["p1.fwhm"])


def test_fits_of_the_same_channels_compare(spectrum, result):
    fewer = fit(spectrum, ONE)
    assert incomparable(result, fewer) == ""
    comparable(result, fewer)
    assert result.aicc < fewer.aicc


def static(kind, average=2):
    return replace(TWO, background=Background(kind, average=average))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: fit(s.with_(counts=s.counts + 1), TWO), "different data"),
        (lambda s: fit(s.with_(noise=Noise()), TWO), "different data"),
        (lambda s: fit(s, replace(TWO, region=(281.0, 294.0))), "different channels"),
        (lambda s: replace(fit(s, TWO), statistic="chi2"), "minimises poisson deviance, the other chi2"),
        (lambda s: fit(s, static("linear")), "backgrounds are taken from the data"),
        (lambda s: fit(s, TWO, max_evaluations=1), "not a proper minimum"),
    ],
)
def test_other_fits_do_not(spectrum, result, change, words):
    other = change(spectrum)
    assert words in incomparable(result, other)
    assert incomparable(other, result)
    with pytest.raises(NotDetermined, match="do not compare"):
        comparable(result, other)


def test_backgrounds_from_the_data_compare_with_their_own_kind(spectrum):
    first = fit(spectrum, static("linear"))
    assert first.success
    assert incomparable(first, fit(spectrum, static("linear").without("p2"))) == ""
    assert incomparable(first, fit(spectrum, static("linear", average=3)))
    assert incomparable(first, fit(spectrum, static("shirley")))
    fitted = fit(spectrum, replace(TWO, background=background("constant", level=500.0)))
    assert incomparable(fit(spectrum, TWO), fitted) == ""
