"""How often 68 % intervals hold the truth: one peak on a sloping background of 5 to 10,000 counts a channel.

Peaks of 10 standard errors have the symmetric errors of the covariance, weaker ones the intervals of the profile
likelihood, those of 4 with thresholds from simulated spectra. Every spectrum counts: where a fit fails or an interval
has no end, the truth is missed. An interval that ends at a bound holds what lies between.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest

from fitting import kernels
from fitting.calibration import calibrated_thresholds
from fitting.dataset import Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from fitting.profile import profile
from fitting.result import FitResult, pulls
from tests.fitting.problems import background, component, envelope, grid, model

COUNTS = (5.0, 20.0, 100.0, 1000.0, 10000.0)
WEAK_COUNTS = (5.0, 100.0, 10000.0)
LEVEL = 0.6826895
# Of each calibration: the quantile's rank makes the coverage right on average for any number of replicas, more of them
# would only make thresholds scatter less.
REPLICAS = 100
POOLED, EACH = (0.65, 0.71), (0.63, 0.73)
WORDS = {
    "p1.area": "area", "p1.position": "position", "p1.fwhm": "width", "background.level": "background",
    "background.slope": "slope of the background",
}


def peak(counts: float, strength: float) -> FitModel:
    """A peak whose area is `strength` times its standard error, by the Fisher information at the truth."""
    area = strength * np.sqrt(counts)
    for _ in range(60):
        truth = model(
            component("p1", position=287.5, area=area, fwhm=1.2),
            back=background("linear_active", level=counts, slope=-counts / 50.0),
        )
        evaluator = Evaluator(grid(), truth)
        mean, jacobian = evaluator.free(evaluator.parameters.start(truth)[0])
        area = strength * np.sqrt(np.linalg.inv(jacobian / mean @ jacobian.T)[0, 0])
    return truth


Holds = Callable[[Spectrum, FitResult, FitModel], list[bool]]


def symmetric(spectrum: Spectrum, result: FitResult, truth: FitModel) -> list[bool]:
    """Whether value and error of each parameter hold the truth."""
    return [abs(pull) <= 1.0 for pull in pulls(result, truth).values()]


def likely(spectrum: Spectrum, result: FitResult, truth: FitModel) -> list[bool]:
    """Whether the profile-likelihood intervals do; a better minimum on the way is gone to, as the program says."""
    for _ in range(3):
        found = profile(spectrum, result, levels=(LEVEL,))
        if found.better is None:
            ends = {entry.name: entry.intervals[0] for entry in found.profiles}
            return [ends[name].low <= truth.params[name].value <= ends[name].high for name in result.free]
        result = fit(spectrum, found.better)
    return [False] * len(result.free)


def calibrated(spectrum: Spectrum, result: FitResult, truth: FitModel) -> list[bool]:
    """The same with thresholds from simulated spectra."""
    seed = zlib.crc32(spectrum.y.tobytes())  # no spectrum shares its replicas' noise with another
    for _ in range(3):
        thresholds = calibrated_thresholds(spectrum, result, levels=(LEVEL,), replicas=REPLICAS, seed=seed)
        found = profile(spectrum, result, levels=(LEVEL,), thresholds=thresholds)
        if found.better is None:
            ends = {entry.name: entry.intervals[0] for entry in found.profiles}
            return [ends[name].low <= truth.params[name].value <= ends[name].high for name in result.free]
        result = fit(spectrum, found.better)
    return [False] * len(result.free)


def coverage(counts: float, strength: float, runs: int, holds: Holds) -> tuple[np.ndarray, Counter]:
    """Shares of the spectra whose intervals hold the truth, shape (parameters,), and how the fits ended."""
    truth = peak(counts, strength)
    spectrum = grid()
    mean, statuses, rows = envelope(spectrum, truth), Counter(), []
    for run in range(runs):
        drawn = spectrum.with_(counts=np.random.default_rng([int(counts), run]).poisson(mean))
        result = fit(drawn, truth)
        assert result.free == tuple(WORDS)
        statuses[result.status] += 1
        rows.append(holds(drawn, result, truth) if result.success else [False] * len(WORDS))
    return np.mean(rows, axis=0), statuses


def check(
    strength: float,
    runs: int,
    holds: Holds,
    words: str,
    measured: Callable,
    *,
    backgrounds: tuple[float, ...] = COUNTS,
    enough: int = 4000,
) -> None:
    """Each background and all together within the limits, widened by four deviations of a short run's own scatter."""
    one = 4.0 * np.sqrt(LEVEL * (1 - LEVEL) / runs) if runs < enough else 0.0
    every = one / np.sqrt(len(backgrounds))
    table, failures = [], 0
    for counts in backgrounds:
        shares, statuses = coverage(counts, strength, runs, holds)
        table.append(shares)
        failures += runs - statuses["converged"] - statuses["at bound"]
        for name, share in zip(WORDS, shares, strict=True):
            measured(f"coverage, {words}, {WORDS[name]} on {counts:g} counts", 100 * share, "%", "63 to 73")
    pooled = np.mean(table, axis=0)
    for name, share in zip(WORDS, pooled, strict=True):
        measured(f"coverage, {words}, {WORDS[name]}, all backgrounds", 100 * share, "%", "65 to 71")
    measured(f"coverage, {words}: fits that failed, of {runs * len(backgrounds)}", failures, "", "<= 0.2 %")
    shown = f"{words}, {runs} spectra a case, {failures} failed\n{np.round(table, 3)}\n{np.round(pooled, 3)}"
    assert np.all((np.array(table) >= EACH[0] - one) & (np.array(table) <= EACH[1] + one)), shown
    assert np.all((pooled >= POOLED[0] - every) & (pooled <= POOLED[1] + every)), shown
    assert failures <= max(0.002 * runs * len(backgrounds), 1), shown


def test_peaks_of_ten_standard_errors_have_symmetric_errors(measured):
    check(10.0, 100, symmetric, "10 standard errors, symmetric", measured)


def test_weaker_peaks_have_intervals_of_the_profile_likelihood(measured):
    check(6.0, 12, likely, "6 standard errors, profile likelihood", measured)


def test_peaks_of_four_standard_errors_have_calibrated_intervals(measured):
    check(4.0, 12, calibrated, "4 standard errors, calibrated", measured, backgrounds=WEAK_COUNTS)


@pytest.mark.full
def test_symmetric_errors_of_four_thousand_spectra_a_case(measured):
    kernels.wait()
    check(10.0, 4000, symmetric, "10 standard errors, symmetric", measured)


@pytest.mark.full
def test_profile_likelihood_of_four_thousand_spectra_a_case(measured):
    kernels.wait()
    check(6.0, 4000, likely, "6 standard errors, profile likelihood", measured)


@pytest.mark.full
def test_calibrated_intervals_of_twelve_hundred_spectra_a_case(measured):
    """The scatter of a share of so many is 1.3 %, of all together 0.8 %."""
    kernels.wait()
    words = "4 standard errors, calibrated"
    check(4.0, 1200, calibrated, words, measured, backgrounds=WEAK_COUNTS, enough=1200)
