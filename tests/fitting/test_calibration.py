"""Thresholds from simulated spectra: chi2's where that is exact, larger for weak peaks, the same by every path."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chi2, f

import fitting.calibration as module
from fitting.calibration import Thresholds, calibrated_thresholds, fewest
from fitting.dataset import Noise
from fitting.engine import fit
from fitting.model import Param
from fitting.profile import LEVELS, profile
from libraries.errors import BadModel, Cancelled, NotDetermined
from tests.fitting.problems import background, component, counted, envelope, grid, model
from tests.fitting.test_coverage import peak

ONE = LEVELS[:1]
TRUTH = model(component("p1", position=284.6, area=4000.0), component("p2", position=286.0, area=1500.0))


@pytest.fixture(scope="module")
def fitted():
    spectrum = counted(grid(), TRUTH)
    return spectrum, fit(spectrum, TRUTH)


def expected(strength, counts=100.0):
    """A spectrum without noise of its own, so that the fit finds the truth, and its fit."""
    truth = peak(counts, strength)
    spectrum = grid().with_(counts=envelope(grid(), truth))
    return spectrum, fit(spectrum, truth)


def scatter(law, level, replicas):
    """Standard error of a quantile from so many draws: sqrt(p(1 - p)/B) over the density there."""
    return (level * (1 - level) / replicas) ** 0.5 / law.pdf(law.ppf(level))


@pytest.fixture
def singly(monkeypatch):
    """Every replica by itself."""
    monkeypatch.setattr(module._Simulation, "_by_machine_code", lambda self, replicas: np.full(
        (len(replicas), len(self.names)), np.nan
    ))


# --------------------------------------------------------------------------------------------------- what they must be
@pytest.mark.parametrize(
    ("noise", "law", "replicas"),
    [
        (Noise("gaussian", None, 40.0), chi2(1), 2000),
        (Noise(), f(1, 10), 800),
    ],
)
def test_linear_models_have_the_exact_thresholds(noise, law, replicas):
    """Level and slope of a line in 12 channels of Gaussian noise, of known and of unknown variance."""
    line = model(back=background(level=500.0, slope=3.0))
    spectrum = grid(12).with_(noise=noise)
    spectrum = spectrum.with_(counts=envelope(spectrum, line) + np.random.default_rng(3).normal(0.0, 40.0, 12))
    found = calibrated_thresholds(spectrum, fit(spectrum, line), replicas=replicas)
    assert found.failed == 0
    for thresholds in found.values():
        for level, threshold in zip(LEVELS, thresholds, strict=True):
            assert threshold == pytest.approx(law.ppf(level), abs=4 * scatter(law, level, replicas))


def test_weak_peaks_have_larger_thresholds(measured):
    """At an area of 4 standard errors; at 100 they are those of chi2. A threshold of 2000 replicas scatters by 0.04."""
    sure = scatter(chi2(1), ONE[0], 2000)
    weak = calibrated_thresholds(*expected(4.0), ("p1.position", "p1.fwhm"), ONE, 2000)
    strong = calibrated_thresholds(*expected(100.0), ("p1.position", "p1.fwhm"), ONE, 2000)
    for name, word in (("p1.position", "position"), ("p1.fwhm", "width")):
        measured(f"threshold for 68 % at 4 standard errors, {word}", weak[name][0], "", "> 1.1")
        assert weak[name][0] > 1.1
        assert strong[name][0] == pytest.approx(1.0, abs=4 * sure)


def test_calibrated_intervals_are_wider_where_thresholds_are_larger():
    spectrum = counted(grid(), peak(100.0, 4.0), 1)
    result = fit(spectrum, peak(100.0, 4.0))
    thresholds = calibrated_thresholds(spectrum, result, levels=ONE)
    plain, calibrated = profile(spectrum, result, levels=ONE), profile(spectrum, result, levels=ONE,
                                                                       thresholds=thresholds)
    for name in ("p1.position", "p1.fwhm"):
        one, other = plain[name].intervals[0], calibrated[name].intervals[0]
        assert (other.low < one.low < one.high < other.high) == (thresholds[name][0] > 1.0)
        assert thresholds[name][0] != 1.0


def test_the_noise_of_a_background_from_the_data_counts():
    """A line through the ends of the region: its noise moves all areas, and the statistic knows nothing of it."""
    drawn = model(component("p1", position=287.5, area=3000.0, fwhm=1.2), back=background("linear"))
    held = {f"p1.{key}": replace(drawn.params[f"p1.{key}"], vary=False) for key in ("position", "fwhm")}
    start = drawn.with_params(held)
    truth = model(*drawn.components, back=background("linear_active"))
    spectrum = counted(grid(), truth, 2)
    found = calibrated_thresholds(spectrum, fit(spectrum, start), levels=ONE, replicas=200)
    assert found["p1.area"][0] > 1.5


# ------------------------------------------------------------------------------------------------- the same by all ways
def test_seeds_repeat(fitted):
    one = calibrated_thresholds(*fitted, levels=ONE, replicas=60, seed=3)
    same = calibrated_thresholds(*fitted, levels=ONE, replicas=60, seed=3)
    other = calibrated_thresholds(*fitted, levels=ONE, replicas=60, seed=4)
    assert dict(one) == dict(same)
    assert all(one[name] != other[name] for name in one)
    assert tuple(one) == fitted[1].free
    part = calibrated_thresholds(*fitted, ("p2.area",), ONE, 60, seed=3)
    assert dict(part) == {"p2.area": one["p2.area"]}
    assert (one.replicas, one.failed, one.seed, one.ratios.shape) == (60, 0, 3, (60, len(one)))


@pytest.mark.parametrize("noise", [Noise("poisson", 1.0), Noise("gaussian", None, 10.0, 0.4)])
def test_replicas_fitted_together_and_singly_agree(noise, singly, monkeypatch):
    spectrum, result = expected(4.0)
    spectrum = spectrum.with_(noise=noise)
    given = spectrum, fit(spectrum, result.model)
    alone = calibrated_thresholds(*given, levels=ONE, replicas=60)
    monkeypatch.undo()
    together = calibrated_thresholds(*given, levels=ONE, replicas=60)
    assert together.ratios == pytest.approx(alone.ratios, abs=1e-4)
    assert 0.3 < np.mean(together.ratios) < 3.0


def test_better_minima_are_gone_to(monkeypatch):
    """Some replicas of a weak peak fit a hump of the noise first; the fit with the peak held finds the lower one."""
    singles = []
    real = module._Simulation._one
    monkeypatch.setattr(
        module._Simulation, "_one", lambda self, replica: singles.append(real(self, replica)) or singles[-1]
    )
    found = calibrated_thresholds(*expected(3.0), levels=ONE, replicas=400)
    assert singles
    assert found.failed == sum(not np.all(np.isfinite(row)) for row in singles)
    assert found.failed <= 4
    assert np.min(found.ratios) >= 0.0


def test_a_linked_parameter_has_the_thresholds_of_its_master():
    second = TRUTH.component("p2").with_(fwhm=Param(1.0, link="p1.fwhm * 1.2"))
    linked = replace(TRUTH, components=(TRUTH.component("p1"), second))
    spectrum = counted(grid(), linked, 3)
    found = calibrated_thresholds(spectrum, fit(spectrum, linked), ("p1.fwhm", "p2.fwhm"), ONE, 50)
    assert found.ratios[:, 1] == pytest.approx(found.ratios[:, 0], abs=1e-3)


def test_read_noise_and_unknown_gain():
    noise = Noise("poisson", 1.0, 12.0)
    mean = envelope(grid(noise=noise), TRUTH)
    rng = np.random.default_rng(4)
    read = grid(noise=noise).with_(counts=rng.poisson(mean) + rng.normal(0, 12.0, mean.size))
    unknown = grid().with_(counts=3.0 * rng.poisson(mean), noise=Noise("poisson", None))
    for spectrum in (read, unknown):
        found = calibrated_thresholds(spectrum, fit(spectrum, TRUTH), ("p1.area",), ONE, 200)
        assert found.failed == 0
        assert found["p1.area"][0] == pytest.approx(1.0, abs=4 * scatter(chi2(1), ONE[0], 200))


# -------------------------------------------------------------------------------------------------- failures, refusals
def test_failures_are_counted(fitted, singly, monkeypatch):
    real, calls = module.fit, iter(range(10**6))

    def sometimes(*given, **options):
        if next(calls) % every == 0:
            raise NotDetermined("No")
        return real(*given, **options)

    monkeypatch.setattr(module, "fit", sometimes)
    every = 20
    found = calibrated_thresholds(*fitted, ("p1.area",), ONE, 60)
    assert (found.failed, found.ratios.shape) == (3, (57, 1))
    every, calls = 3, iter(range(10**6))
    with pytest.raises(NotDetermined, match="Only 40 of 60"):
        calibrated_thresholds(*fitted, ("p1.area",), ONE, 60)


def test_how_many_are_needed(fitted):
    assert [fewest(level) for level in (*LEVELS, 0.99)] == [50, 400, 2085]
    with pytest.raises(BadModel, match=r"49 simulated spectra are too few for 68\.27 % intervals.*Ask for 50"):
        calibrated_thresholds(*fitted, levels=ONE, replicas=49)
    with pytest.raises(BadModel, match="Ask for 400"):
        calibrated_thresholds(*fitted, replicas=399)


def test_refusals(fitted):
    spectrum, result = fitted
    with pytest.raises(BadModel, match="is held"):
        calibrated_thresholds(spectrum, result, ["p1.mix"])
    with pytest.raises(BadModel, match="no parameter"):
        calibrated_thresholds(spectrum, result, ["p1.nothing"])
    for levels in ((1.0,), ()):
        with pytest.raises(BadModel, match="between 0 and 1"):
            calibrated_thresholds(spectrum, result, levels=levels)
    with pytest.raises(BadModel, match="seed"):
        calibrated_thresholds(spectrum, result, seed=-1)
    with pytest.raises(NotDetermined, match="other data"):
        calibrated_thresholds(counted(grid(), TRUTH, 1), result)
    stopped = fit(spectrum, TRUTH.with_values({"p1.area": 1000.0}), max_evaluations=1)
    with pytest.raises(NotDetermined, match="converged fit"):
        calibrated_thresholds(spectrum, stopped)
    with pytest.raises(KeyError):
        calibrated_thresholds(spectrum, result, ["p1.area"], ONE, 50)["p2.area"]


def test_quantiles_at_their_ranks():
    """Of 99 draws the 68th: a further one is equally likely to fall into each of the 100 gaps."""
    draws = np.random.default_rng(0).permutation(np.arange(1.0, 100.0))[:, None]
    assert Thresholds(("p1.area",), (0.68, 0.95), draws, 99, 0, 0)["p1.area"] == pytest.approx((68.0, 95.0))


def test_progress(fitted):
    seen = []
    calibrated_thresholds(*fitted, ("p1.area",), ONE, 120, progress=lambda share, text: seen.append((share, text)))
    assert [share for share, _ in seen] == pytest.approx([0.0, 50 / 120, 100 / 120, 1.0])
    assert seen[-2][1] == "Simulated spectra 101 to 120 of 120"


@pytest.mark.parametrize("alone", [False, True])
def test_cancel(fitted, alone, request):
    if alone:
        request.getfixturevalue("singly")
    calls = iter(range(10**6))
    with pytest.raises(Cancelled, match="stopped"):
        calibrated_thresholds(*fitted, cancel=lambda: next(calls) > 20)
