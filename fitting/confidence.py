"""A fit as a problem of lmfit: its confidence intervals, its other methods, and emcee.

The program's own intervals are those of `fitting.profile` and `fitting.bootstrap`. lmfit's serve as their check in the
tests. Posterior samples are drawn in a notebook (with the package emcee installed)::

    problem, names = minimizer(spectrum, result)
    samples = problem.emcee(steps=2000, burn=500, thin=20, is_weighted=result.noise.known, seed=1)
    samples.chain[:, :, samples.var_names.index(names["p1.area"])]

References
----------
Documentation of lmfit, "Calculation of confidence intervals"; D. Foreman-Mackey et al., Publ. Astron. Soc. Pac. 125,
306 (2013), for emcee.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import lmfit
import numpy as np
from scipy.stats import chi2

from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator
from fitting.profile import LEVELS
from fitting.profile_curve import statistic_of
from fitting.result import FitResult
from libraries.errors import BadModel, NotDetermined


def minimizer(spectrum: Spectrum, result: FitResult) -> tuple[lmfit.Minimizer, dict[str, str]]:
    """A result as a problem of lmfit, for its intervals, emcee or another method.

    Links are solved inside the residual, so that lmfit sees the free parameters alone and evaluates no formula. With
    known noise the residuals are in standard deviations (or roots of the deviance): minus half their sum of squares is
    the log-likelihood that emcee wants. Parameters on a bound are held.

    Returns
    -------
    lmfit.Minimizer
        Its parameters are named x0, x1, ... and its residuals square-sum to the statistic of the fit.
    dict
        lmfit's name of each free parameter.
    """
    evaluator = Evaluator(spectrum, result.model)
    start, lower, upper = evaluator.parameters.start(result.model)
    names = {name: f"x{i}" for i, name in enumerate(evaluator.parameters.free)}
    parameters = lmfit.Parameters()
    for name, value, low, high in zip(names, start, lower, upper, strict=True):
        error = result.error(name)
        parameters.add(names[name], value=value, min=low, max=high, vary=name not in result.at_bound)
        parameters[names[name]].stderr = error if np.isfinite(error) else None
    function = statistic_of(evaluator, spectrum.noise, start)

    def vector(values: Any) -> FloatArray:
        return np.array([values[short].value for short in names.values()])

    return lmfit.Minimizer(lambda values: function(vector(values))[0], parameters, scale_covar=False), names


def lmfit_intervals(
    spectrum: Spectrum, result: FitResult, names: Sequence[str] = (), levels: Sequence[float] = LEVELS
) -> Mapping[str, tuple[tuple[float, float], ...]]:
    """Profile-likelihood intervals of free parameters as lmfit finds them, with the quantile of chi2.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted, after its recipe.
    result : FitResult
    names : sequence of str
        Free parameters by full name; all that are not on a bound by default.
    levels : sequence of float
        Confidence levels between 0 and 1.

    Returns
    -------
    mapping of str to tuple of (low, high)
        One pair a level; infinite where the statistic never rises that far.

    Raises
    ------
    NotDetermined
        If the fit is no proper minimum.
    BadModel
        If a name is not a free parameter inside its bounds.
    """
    if not result.success:
        raise NotDetermined("Intervals need a converged fit", where=result.model.name, todo="Fit the region first")
    inside = [name for name in result.free if name not in result.at_bound]
    for name in names:
        if name not in inside:
            raise BadModel(f"{name} is not a free parameter inside its bounds", where=result.model.name)
    problem, short = minimizer(spectrum, result)
    best = problem.minimize(method="leastsq")
    for name in inside:
        best.params[short[name]].stderr = best.params[short[name]].stderr or result.error(name)

    def probability(at_best: Any, held: Any) -> float:
        return float(chi2.cdf(max(held.chisqr - at_best.chisqr, 0.0) / result.scale, 1))

    wanted = list(names) or inside
    found = lmfit.conf_interval(
        problem, best, p_names=[short[n] for n in wanted], sigmas=list(levels), prob_func=probability
    )
    return {name: tuple(_pair(found[short[name]], level) for level in levels) for name in wanted}


def _pair(rows: list[tuple[float, float]], level: float) -> tuple[float, float]:
    """The two ends of one level in lmfit's list, which runs from the widest low end to the widest high end."""
    middle = next(i for i, (p, _) in enumerate(rows) if p == 0.0)
    low = next(value for p, value in rows[:middle] if abs(p - level) < 1e-6)
    high = next(value for p, value in rows[middle + 1 :] if abs(p - level) < 1e-6)
    return float(low), float(high)
