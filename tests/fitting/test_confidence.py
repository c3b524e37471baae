"""Profile-likelihood intervals."""

from __future__ import annotations

import numpy as np
import pytest

from fitting.confidence import profile_intervals
from fitting.engine import fit
from libraries.errors import BadModel, NotDetermined
from tests.fitting.problems import component, counted, grid, model


def problem():
    truth = model(component("p1", position=284.6, area=4000.0), component("p2", position=286.0, area=1500.0))
    spectrum = counted(grid(), truth)
    return spectrum, fit(spectrum, truth)


def test_intervals_agree_with_errors_where_the_problem_is_nearly_linear():
    spectrum, result = problem()
    found = profile_intervals(spectrum, result, ["p1.area", "p2.position"])
    for name, pairs in found.items():
        value, error = result.value(name), result.error(name)
        for (low, high), width in zip(pairs, (1.0, 1.96), strict=True):
            assert low < value < high
            assert (high - low) / 2 == pytest.approx(width * error, rel=0.08)


def test_the_statistic_rises_by_one_at_the_end_of_the_68_percent_interval():
    from dataclasses import replace

    spectrum, result = problem()
    ((low, high), _) = profile_intervals(spectrum, result, ["p2.area"])["p2.area"]
    for end in (low, high):
        held = replace(result.model.params["p2.area"], value=end, vary=False)
        again = fit(spectrum, result.model.with_params({"p2.area": held}))
        assert again.deviance - result.deviance == pytest.approx(1.0, abs=0.02)


def test_refusals():
    spectrum, result = problem()
    with pytest.raises(BadModel, match="not a free parameter"):
        profile_intervals(spectrum, result, ["p1.nothing"])
    stopped = fit(spectrum, result.model, max_evaluations=1)
    if not stopped.success:
        with pytest.raises(NotDetermined):
            profile_intervals(spectrum, stopped)
    assert np.isfinite(result.deviance)
