"""A fit as a problem of lmfit: its intervals and emcee."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from fitting.confidence import lmfit_intervals, minimizer
from fitting.dataset import Noise
from fitting.engine import fit
from libraries.errors import BadModel, NotDetermined
from tests.fitting.problems import background, component, counted, envelope, grid, model

ONE = model(component("p1", position=287.5, area=2000.0, fwhm=1.4), back=background("constant", level=100.0))


@pytest.mark.parametrize("noise", [Noise("poisson", 1.0), Noise("poisson", 1.0, 8.0), Noise("gaussian", None, 15.0)])
def test_the_problem_has_the_statistic_of_the_fit_and_its_minimum(noise):
    spectrum = grid(noise=noise)
    mean = envelope(spectrum, ONE)
    spectrum = spectrum.with_(counts=np.random.default_rng(2).poisson(mean))
    result = fit(spectrum, ONE)
    problem, names = minimizer(spectrum, result)
    best = problem.minimize(method="leastsq")
    assert best.chisqr == pytest.approx(result.deviance, rel=1e-6)
    for name, short in names.items():
        assert best.params[short].value == pytest.approx(result.value(name), abs=1e-3 * result.error(name))


def test_refusals():
    spectrum = counted(grid(), ONE)
    result = fit(spectrum, ONE)
    with pytest.raises(BadModel, match="not a free parameter"):
        lmfit_intervals(spectrum, result, ["p1.nothing"])
    stopped = fit(spectrum, ONE.with_values({"p1.area": 500.0}), max_evaluations=1)
    with pytest.raises(NotDetermined):
        lmfit_intervals(spectrum, stopped)


def test_emcee_draws_the_posterior_that_the_covariance_says():
    """Short chains with a fixed seed; flat priors, so that mean and scatter are those of the likelihood."""
    pytest.importorskip("emcee", reason="posterior sampling is for notebooks that have emcee")
    spectrum = counted(grid(81), ONE, 1)
    result = fit(spectrum, ONE)
    problem, names = minimizer(spectrum, result)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # emcee remarks that chains are short
        samples = problem.emcee(steps=400, burn=100, nwalkers=20, seed=3, progress=False, is_weighted=True)
    for name in result.free:
        drawn = samples.chain[:, :, samples.var_names.index(names[name])]
        assert np.mean(drawn) == pytest.approx(result.value(name), abs=0.3 * result.error(name)), name
        assert np.std(drawn) == pytest.approx(result.error(name), rel=0.2), name
