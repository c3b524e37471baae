"""One fit of six peaks on a line, 301 points, beside lmfit with its numerical Jacobian from the same start."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import TypeVar

import lmfit
import numpy as np

from benchmarks import Row
from fitting.dataset import Axis, FloatArray, Noise, Spectrum
from fitting.engine import fit, objective
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.statistics import deviance_residuals

T = TypeVar("T")
POSITIONS = (284.6, 285.6, 286.6, 287.9, 289.3, 291.2)


def run(*, quick: bool) -> list[Row]:
    """Median wall times of whole fits that end at the same minimum."""
    repeats = 5 if quick else 25
    spectrum, start = problem()
    evaluator = Evaluator(spectrum, start)
    free, _, _ = evaluator.parameters.start(start)
    function = objective(evaluator, spectrum.noise)
    ours, result = timed(lambda: fit(spectrum, start), repeats)
    theirs, other = timed(lambda: by_lmfit(spectrum, start, evaluator), max(repeats // 5, 3))
    floor = timed(lambda: function(free), repeats)[0] * result.evaluations
    worse = result.deviance / other.chisqr - 1
    counts = f"{result.evaluations} against {other.nfev} evaluations"
    note = f"peer: lmfit; floor: the evaluations alone; {counts}; statistic {worse:+.0e} relative to lmfit's"
    return [Row("fit, 6 GL peaks and a line, 301 points", ours, "s", peer=theirs, floor=floor, note=note)]


def problem() -> tuple[Spectrum, FitModel]:
    """Poisson counts and a start some way off the truth."""
    peaks = []
    for i, position in enumerate(POSITIONS):
        params = {"area": Param(4000.0 / (i + 1), 0.0), "position": Param(position, position - 1, position + 1),
                  "fwhm": Param(1.1, 0.3, 4.0), "mix": Param(0.3, 0.0, 1.0, vary=False)}
        peaks.append(Component(f"p{i}", f"p{i}", "gl_sum", params, line="C 1s"))
    truth = FitModel((280.0, 295.0), Background("linear_active", {"level": Param(300.0), "slope": Param(2.0)}),
                     tuple(peaks))
    x = np.linspace(280.0, 295.0, 301)
    blank = Spectrum(Axis(x, "binding_energy"), np.ones(x.size), Noise("poisson", 1.0))
    evaluator = Evaluator(blank, truth)
    counts = np.random.default_rng(1).poisson(evaluator.parts(evaluator.values_of(truth)).envelope)
    start = truth.with_values({f"p{i}.fwhm": 1.3 for i in range(6)} | {f"p{i}.area": 1500.0 for i in range(6)})
    return blank.with_(counts=counts), start


def by_lmfit(spectrum: Spectrum, start: FitModel, evaluator: Evaluator) -> lmfit.minimizer.MinimizerResult:
    """The same statistic and bounds, Jacobian by differences, as lmfit does on its own."""
    values, lower, upper = evaluator.parameters.start(start)
    parameters = lmfit.Parameters()
    for i, (value, low, high) in enumerate(zip(values, lower, upper, strict=True)):
        parameters.add(f"x{i}", value=value, min=low, max=high)

    def residual(trial: lmfit.Parameters) -> FloatArray:
        full, _ = evaluator.parameters.expand(np.array([p.value for p in trial.values()]))
        return deviance_residuals(spectrum.y, evaluator.parts(full).envelope, 1.0)[0]

    return lmfit.minimize(residual, parameters)


def timed(call: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Median wall time in s after one call to warm up, and the last answer."""
    answer, times = call(), []
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times), answer
