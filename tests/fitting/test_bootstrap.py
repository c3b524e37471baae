"""Parametric bootstrap: against the covariance, against repeated measurements, with every kind of noise."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fitting import bootstrap as module
from fitting.bootstrap import Bootstrap, bootstrap, noisy
from fitting.dataset import Noise
from fitting.engine import fit
from fitting.identity import same
from fitting.model import Background, Param
from libraries.errors import BadModel, Cancelled, FitFailed, NotDetermined
from tests.fitting.problems import background, component, counted, envelope, grid, model

TRUTH = model(component("p1", position=287.5, area=3000.0, fwhm=1.4), back=background("constant", level=300.0))


@pytest.fixture(scope="module")
def drawn():
    spectrum = counted(grid(), TRUTH, 1)
    result = fit(spectrum, TRUTH)
    return spectrum, result, bootstrap(spectrum, result, 300, seed=5)


def test_errors_of_a_strong_peak_are_those_of_the_covariance(drawn):
    _, result, found = drawn
    assert found.draws.shape == (300, len(result.names))
    assert (found.failed, len(found.statuses)) == (0, 300)
    np.testing.assert_array_equal(found.covariance, found.covariance.T)
    for name in result.free:
        # The error of an error from 300 draws is 4 %.
        assert found.error(name) == pytest.approx(result.error(name), rel=0.17), name
        assert abs(found.bias(name)) < 0.3 * result.error(name)
        for kind in ("bca", "percentile"):
            low, high = found.interval(name, 0.6826895, kind)
            assert (high - low) / 2 == pytest.approx(result.error(name), rel=0.25), (name, kind)
            assert low < result.value(name) < high
    assert found.interval("p1.mix") == (TRUTH.params["p1.mix"].value,) * 2


def test_seeds(drawn):
    spectrum, result, found = drawn
    again = bootstrap(spectrum, result, 30, seed=5)
    np.testing.assert_array_equal(again.draws, found.draws[:30])
    assert same(again, bootstrap(spectrum, result, 30, seed=5))
    other = bootstrap(spectrum, result, 30, seed=6)
    assert np.all(other.draws[:, 0] != again.draws[:, 0])


def test_linked_parameters_are_drawn_with_their_links():
    first = component("p1", position=284.6, area=4000.0)
    second = component("p2", position=287.0, area=1500.0).with_(fwhm=Param(1.0, link="p1.fwhm * 1.2"))
    linked = model(first, second)
    spectrum = counted(grid(), linked, 3)
    result = fit(spectrum, linked)
    found = bootstrap(spectrum, result, 40)
    np.testing.assert_allclose(found.of("p2.fwhm"), 1.2 * found.of("p1.fwhm"), rtol=1e-12)


# ------------------------------------------------------------------------------------- backgrounds taken from the data
STATIC = replace(TRUTH, background=Background("linear", average=2))


def repeated(runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Areas and covariance errors of repeated measurements of one peak on a straight background from its ends."""
    spectrum, rows = grid(), []
    mean = envelope(spectrum, TRUTH)
    for run in range(runs):
        result = fit(spectrum.with_(counts=np.random.default_rng([9, run]).poisson(mean)), STATIC)
        rows.append((result.value("p1.area"), result.error("p1.area")))
    return np.array(rows)[:, 0], np.array(rows)[:, 1]


def check_static(runs: int, replicas: int, within: float, measured) -> None:
    areas, errors = repeated(runs)
    spectrum = counted(grid(), TRUTH, 2)
    found = bootstrap(spectrum, fit(spectrum, STATIC), replicas)
    scatter, covariance, ours = areas.std(ddof=1), errors.mean(), found.error("p1.area")
    measured("area on a background from its ends: error of the covariance / scatter", covariance / scatter)
    measured("area on a background from its ends: error of the bootstrap / scatter", ours / scatter, "", "0.9 to 1.1")
    assert covariance < 0.6 * scatter
    assert ours == pytest.approx(scatter, rel=within)


def test_noise_of_a_background_from_the_data_is_in_the_errors(measured):
    check_static(150, 150, 0.3, measured)


@pytest.mark.full
def test_noise_of_a_background_from_the_data_in_many_repeats(measured):
    check_static(3000, 3000, 0.1, measured)


@pytest.mark.parametrize("kind", ["linear", "shirley"])
def test_replicas_of_a_region_inside_a_spectrum_have_their_background_where_the_fit_has_it(kind):
    """Channels beyond the region that end levels average are simulated, too; the others are not touched."""
    static = replace(STATIC, background=Background(kind, average=3), region=(284.0, 291.0))
    sloped = model(TRUTH.component("p1"), back=background(level=300.0, slope=25.0))
    spectrum = counted(grid(), sloped, 2)
    result = fit(spectrum, static)
    source = module.Source(spectrum, result)
    replicas = [source.replica(np.random.default_rng(i)).y for i in range(400)]
    part = spectrum.axis.window(284.0, 291.0)
    seen = slice(part.start - 3, part.stop + 3)
    for low, high in ((0, seen.start), (seen.stop, len(spectrum.axis))):
        assert all(np.array_equal(y[low:high], spectrum.y[low:high]) for y in replicas)
    mean = np.mean([y[seen] for y in replicas], axis=0)
    sigma = np.sqrt(source.mean / 400)
    assert np.max(np.abs(mean - source.mean) / sigma) < 4.5
    model_ends = source.evaluator.free(source.free)[0][[0, -1]]
    for end, y in zip(model_ends, (source.mean[:7], source.mean[-7:]), strict=True):
        assert np.mean(y) == pytest.approx(end, rel=1e-12)


# --------------------------------------------------------------------------------------------------------------- noise
@pytest.mark.parametrize(
    ("noise", "draw"),
    [
        (Noise("poisson", 7.0), lambda rng, mean: 7.0 * rng.poisson(mean / 7.0)),
        (Noise("poisson", None), lambda rng, mean: 7.0 * rng.poisson(mean / 7.0)),
        (Noise("poisson", 1.0, 15.0), lambda rng, mean: rng.poisson(mean) + rng.normal(0, 15.0, mean.size)),
        (Noise("gaussian", None, 15.0), lambda rng, mean: rng.normal(mean, 15.0)),
        (Noise(), lambda rng, mean: rng.normal(mean, 15.0)),
    ],
)
def test_replicas_have_the_noise_of_the_spectrum(noise, draw):
    spectrum = grid(noise=noise)
    spectrum = spectrum.with_(counts=draw(np.random.default_rng(3), envelope(spectrum, TRUTH)))
    result = fit(spectrum, TRUTH)
    found = bootstrap(spectrum, result, 120)
    assert found.failed == 0
    for name in result.free:
        assert found.error(name) == pytest.approx(result.error(name), rel=0.26), name


@pytest.mark.parametrize("noise", [Noise("poisson", 2.0, 0.0, 0.5), Noise("gaussian", None, 9.0, 0.5)])
def test_correlated_channels(noise):
    mean = np.linspace(200.0, 400.0, 20000)
    drawn = (noisy(mean, noise, np.random.default_rng(1)) - mean) / np.sqrt(
        2.0 * mean if noise.kind == "poisson" else 81.0
    )
    assert np.std(drawn) == pytest.approx(1.0, abs=0.03)
    assert np.mean(drawn[1:] * drawn[:-1]) == pytest.approx(0.5, abs=0.03)


# ------------------------------------------------------------------------------------------------- intervals, failures
def skewed(draws, acceleration=0.0):
    statuses = ("converged",) * len(draws)
    return Bootstrap(("a",), np.array([1.0]), np.array(draws)[:, None], statuses, np.array([acceleration]), 0)


def test_bca_by_hand():
    """Against a scale parameter, whose BCa interval is known: value/chi2 quantiles of an exponential family."""
    n, rng = 40, np.random.default_rng(2)
    draws = rng.gamma(n, 1.0 / n, 200_000)
    found = skewed(draws, 1.0 / (3.0 * np.sqrt(n)))  # skewness of the mean of n exponentials over six
    low, high = found.interval("a", 0.90)
    # The exact interval of a gamma scale: mean n / quantiles of gamma(n).
    from scipy.stats import gamma

    assert (low, high) == pytest.approx((n / gamma.ppf(0.95, n), n / gamma.ppf(0.05, n)), rel=4e-3)
    plain = found.interval("a", 0.90, "percentile")
    assert high - plain[1] > 0.04
    assert skewed(draws).interval("a", 0.9)[0] < low


def test_acceleration_of_poisson_counts():
    """One level: its error grows with the root of itself; skewness of a Poisson mean over six."""
    level = model(back=background("constant", level=9.0))
    spectrum = counted(grid(16), level, 1)
    result = fit(spectrum, level)
    found = bootstrap(spectrum, result, 20)
    assert found.acceleration[0] == pytest.approx(1 / (6 * np.sqrt(16 * result.value("background.level"))), rel=1e-9)
    plain = spectrum.with_(noise=Noise())
    assert np.all(bootstrap(plain, fit(plain, level), 20).acceleration == 0)


def test_failures_are_counted_and_kept(drawn, monkeypatch):
    spectrum, result, _ = drawn
    calls = iter(range(10**6))

    def sometimes(*arguments, **options):
        number = next(calls)
        if number % 5 == 1:
            raise FitFailed("No")
        return fit(*arguments, **options, max_evaluations=1 if number % 5 == 2 else 2000)

    monkeypatch.setattr(module, "fit", sometimes)
    found = bootstrap(spectrum, result, 50)
    assert found.statuses.count("refused") == 10
    assert found.statuses.count("iteration limit") == 10
    assert found.failed == 20
    assert np.all(np.isnan(found.draws[1]))
    assert np.all(np.isfinite(found.draws[2]))
    assert found.of("p1.area").size == 30
    with pytest.raises(NotDetermined, match="Only 12 of 20"):
        bootstrap(spectrum, result, 20).error("p1.area")


def test_refusals(drawn):
    spectrum, result, found = drawn
    with pytest.raises(BadModel, match="at least 20"):
        bootstrap(spectrum, result, 5)
    with pytest.raises(BadModel, match="seed"):
        bootstrap(spectrum, result, 50, seed=-1)
    with pytest.raises(NotDetermined, match="other data"):
        bootstrap(counted(grid(), TRUTH, 7), result)
    with pytest.raises(NotDetermined, match="converged fit"):
        bootstrap(spectrum, fit(spectrum, TRUTH.with_values({"p1.area": 500.0}), max_evaluations=1))
    with pytest.raises(BadModel, match="no parameter"):
        found.error("p9.area")
    with pytest.raises(BadModel, match="between 0 and 1"):
        found.interval("p1.area", 68.0)


def test_progress_and_cancel(drawn):
    spectrum, result, _ = drawn
    seen = []
    bootstrap(spectrum, result, 30, progress=lambda share, text: seen.append(share))
    assert seen == [0.0, 10 / 30, 20 / 30, 1.0]
    calls = iter(range(10**6))
    with pytest.raises(Cancelled):
        bootstrap(spectrum, result, 1000, cancel=lambda: next(calls) > 30)
