"""Our own side: times of calls, kernels waited for, and the floor under a fit."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from typing import TypeVar

from fitting import kernels
from fitting.dataset import FloatArray, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import FitModel
from libraries.errors import BadModel

T = TypeVar("T")
_FLOOR_S = 0.05  # how long evaluations are repeated to know the time of one


def timed(call: Callable[[], T], repeats: int) -> tuple[float, T]:
    """Median wall time in s after one call to warm up, and the last answer."""
    answer, times = call(), []
    for _ in range(repeats):
        begin = time.perf_counter()
        answer = call()
        times.append(time.perf_counter() - begin)
    return statistics.median(times), answer


def steady() -> str:
    """Wait until the compiled kernels are ready; returns how fits are computed from here on."""
    if kernels.loaded() is None:
        print("waiting for the compiled kernels (about a minute if they are not in the cache) ...", file=sys.stderr)
    if kernels.wait():
        return "compiled kernels"
    return f"NumPy path ({kernels.failure() or 'kernels are off'})"


def evaluation_seconds(spectrum: Spectrum, model: FitModel, free: FloatArray) -> float | None:
    """Seconds for one value, Jacobian and J^T J of the deviance by the kernels on one core; None without kernels."""
    compiled = kernels.loaded()
    evaluator = Evaluator(spectrum, model)
    if compiled is None:
        return None
    try:
        compiled.look(evaluator, spectrum.noise, free, 1)
    except BadModel:
        return None
    times, seconds = 16, 0.0
    while seconds < _FLOOR_S:
        times *= 2
        begin = time.perf_counter()
        compiled.look(evaluator, spectrum.noise, free, times)
        seconds = time.perf_counter() - begin
    return seconds / times
