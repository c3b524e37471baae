"""The record of a descent: calls the model, counts, keeps the best point, and stops when asked to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fitting.active_set import triangle
from fitting.dataset import FloatArray
from libraries.errors import BadModel

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
Rows = Callable[[], FloatArray]


class Stop(Exception):
    """Carries the reason for stopping out of the minimiser."""


@dataclass(frozen=True, eq=False)
class Point:
    """A place, its sum of squares and the factors of its Jacobian.

    `residual` (n,) and `rows` (k, n) are what the model gave, `factor` is R, shape (m, k), `projected` is Q^T r, shape
    (m,), and `norms` are the lengths of the Jacobian's columns.
    """

    x: FloatArray
    cost: float
    residual: FloatArray
    rows: FloatArray
    factor: FloatArray
    projected: FloatArray
    norms: FloatArray


class Tape:
    """Calls the model, counts, keeps the best point, and stops the minimiser when asked to."""

    def __init__(
        self,
        function: Callable[[FloatArray], tuple[FloatArray, Rows]],
        limit: int,
        progress: Progress | None,
        cancel: Cancel | None,
    ) -> None:
        self.function, self.limit, self.progress, self.cancel = function, limit, progress, cancel
        self.evaluations = 0
        self.first: Point | None = None
        self.best: Point | None = None
        self.ending = "converged"  # what it means when no step leads further down: "not finite" at an edge of the model

    def __call__(self, x: FloatArray, below: float = np.inf) -> tuple[float, Point | None]:
        """The sum of squares at a place, and its point if that sum is finite and not above `below`."""
        if self.cancel is not None and self.cancel():
            raise Stop("cancelled")
        if self.evaluations >= self.limit:
            raise Stop("iteration limit")
        self.evaluations += 1
        self.ending = "not finite"
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                residual, rows = self.function(x)
                cost = float(residual @ residual)
                point = _factorised(x, cost, residual, rows()) if cost <= below else None
        except BadModel:
            if self.best is None:
                raise
            return np.inf, None
        if self.progress is not None and self.evaluations % 5 == 1:
            self.progress(self.evaluations / (self.evaluations + 50.0), f"{self.evaluations} evaluations")
        if not np.isfinite(cost) or (point is None and cost <= below):
            return np.inf, None
        self.ending = "converged"
        self.first = self.first or point
        if point is not None and (self.best is None or cost < self.best.cost):
            self.best = point
        return cost, point

    def look(self, x: FloatArray) -> FloatArray | None:
        """The residuals alone, at a place that is no candidate; None where the model has none."""
        if self.evaluations >= self.limit:
            raise Stop("iteration limit")
        self.evaluations += 1
        try:
            return self.function(x)[0]
        except BadModel:
            return None


def _factorised(x: FloatArray, cost: float, residual: FloatArray, rows: FloatArray) -> Point | None:
    """A point; None where its numbers are not finite."""
    norms = np.sqrt(np.einsum("ij,ij->i", rows, rows))
    if not (np.isfinite(cost) and np.all(np.isfinite(norms))):
        return None
    factor, projected = triangle(rows.T, residual)
    return Point(x, cost, residual, rows, factor, projected, norms)
