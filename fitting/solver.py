"""Least squares within bounds, on lmfit, with an analytic Jacobian.

This is the only file that knows the minimiser; `engine` gives it a residual vector and a Jacobian.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import lmfit
import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadModel

Function = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the minimiser ended.

    Attributes
    ----------
    x : array, shape (k,)
    cost : float
        Sum of squares.
    status : "converged", "iteration limit", "cancelled" or "not finite"
    evaluations : int
    at_bound : array of bool, shape (k,)
    """

    x: FloatArray
    cost: float
    status: str
    evaluations: int
    at_bound: np.ndarray


class _Stop(Exception):
    """Carries the reason for stopping out of the minimiser."""


class _Tape:
    """Calls the model once per point, keeps the best point, and stops the minimiser when asked to."""

    def __init__(self, function: Function, limit: int, progress: Progress | None, cancel: Cancel | None) -> None:
        self.function, self.limit, self.progress, self.cancel = function, limit, progress, cancel
        self.evaluations = 0
        self.best: tuple[float, FloatArray] | None = None
        self._key: bytes = b""
        self._value: tuple[FloatArray, FloatArray] | None = None

    def __call__(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        key = x.tobytes()
        if key == self._key and self._value is not None:
            return self._value
        if self.cancel is not None and self.cancel():
            raise _Stop("cancelled")
        if self.evaluations >= self.limit:
            raise _Stop("iteration limit")
        residual, jacobian = self.function(x)
        self.evaluations += 1
        cost = float(residual @ residual)
        if not np.isfinite(cost) or not np.all(np.isfinite(jacobian)):
            raise _Stop("not finite")
        if self.best is None or cost < self.best[0]:
            self.best = (cost, x.copy())
        if self.progress is not None and self.evaluations % 5 == 1:
            self.progress(self.evaluations / (self.evaluations + 50.0), f"{self.evaluations} evaluations")
        self._key, self._value = key, (residual, jacobian)
        return self._value


def minimise(
    function: Function,
    start: FloatArray,
    lower: FloatArray,
    upper: FloatArray,
    *,
    max_evaluations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Solution:
    """Minimise the sum of squares of a residual vector within bounds.

    Parameters
    ----------
    function : callable
        x (k,) -> residual (n,), Jacobian (k, n).
    start, lower, upper : array, shape (k,)
        A start outside the bounds is an error, on a bound it is moved slightly inside.
    max_evaluations : int
    progress, cancel : callables, optional

    Raises
    ------
    BadModel
        If the start lies outside its bounds.
    """
    if np.any(start < lower) or np.any(start > upper):
        raise BadModel("A start value lies outside its bounds")
    tape = _Tape(function, max_evaluations, progress, cancel)
    fixed = lower == upper
    x = np.array(start, dtype=float)
    status = "converged"
    # Parameters that end on a bound are held there and the rest is fitted on: the bound transform of lmfit creeps
    # towards a bound and would stop short. Held ones that pull back inside are let free again.
    try:
        for _ in range(4):
            x, status = _descend(tape, x, lower, upper, ~fixed)
            residual, jacobian = tape(x)
            gradient = jacobian @ residual
            near_low, near_high = _near(x, lower, upper)
            reached = (near_low & (gradient >= 0)) | (near_high & (gradient <= 0))
            x = np.where(near_low & reached, lower, np.where(near_high & reached, upper, x))
            held = reached | (lower == upper)
            if np.array_equal(held, fixed):
                break
            fixed = held
    except _Stop as stop:
        status = str(stop)
        if tape.best is None:
            return Solution(x, float("nan"), status, tape.evaluations, np.zeros(x.size, dtype=bool))
        x = tape.best[1]
    residual, _ = function(x)
    near_low, near_high = _near(x, lower, upper)
    return Solution(x, float(residual @ residual), status, tape.evaluations, near_low | near_high)


def _near(x: FloatArray, lower: FloatArray, upper: FloatArray) -> tuple[np.ndarray, np.ndarray]:
    """Which values lie on a bound, to 1e-6 of the range (or of their size, where it is open)."""
    span = np.where(np.isfinite(upper - lower), upper - lower, np.maximum(np.abs(x), 1e-12))
    slack = 1e-6 * span
    return (x - lower <= slack) & np.isfinite(lower), (upper - x <= slack) & np.isfinite(upper)


def _descend(
    tape: _Tape, start: FloatArray, lower: FloatArray, upper: FloatArray, vary: np.ndarray
) -> tuple[FloatArray, str]:
    """One run of Levenberg-Marquardt (MINPACK lmder through lmfit)."""
    if not np.any(vary):
        tape(start)
        return start, "converged"
    parameters = lmfit.Parameters()
    names = [f"x{i}" for i in range(start.size)]
    for i, name in enumerate(names):
        value = _inside(start[i], lower[i], upper[i]) if vary[i] else start[i]
        parameters.add(name, value=value, min=lower[i], max=upper[i] if upper[i] > lower[i] else np.inf, vary=vary[i])

    def vector(values: Any) -> FloatArray:
        return np.array([values[name].value for name in names])

    minimiser = lmfit.Minimizer(
        lambda values: tape(vector(values))[0], parameters, calc_covar=False, max_nfev=10 * tape.limit
    )
    result = minimiser.leastsq(
        Dfun=lambda values: tape(vector(values))[1][vary],
        col_deriv=True,
        ftol=1e-12,
        xtol=1e-10,
        gtol=0.0,
    )
    best = vector(result.params)
    # MINPACK 1-4 are convergence, 6-8 say that no more can be gained in double precision, 5 is the limit.
    return best, "iteration limit" if result.ier == 5 else "converged"


def _inside(value: float, low: float, high: float) -> float:
    """A start slightly off its bounds: on a bound the transform's gradient vanishes and nothing would move."""
    if np.isfinite(low) and np.isfinite(high):
        margin = 1e-3 * (high - low)
        return float(min(max(value, low + margin), high - margin))
    margin = 1e-3 * max(abs(value), 1e-6)
    if np.isfinite(low):
        return float(max(value, low + margin))
    if np.isfinite(high):
        return float(min(value, high - margin))
    return float(value)


def names_of(flags: np.ndarray, names: Sequence[str]) -> tuple[str, ...]:
    """The names whose flag is set."""
    return tuple(name for name, flag in zip(names, flags, strict=True) if flag)
