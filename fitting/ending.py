"""Where a minimiser ended, and what that says about errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Noise
from fitting.evaluate import Evaluator
from fitting.statistics import variance_of

_SINGULAR = 1e-9  # share of the largest singular value below which directions cannot be told apart
_TOLD = 1e-6  # part of a parameter in such a direction from which on it has no error


@dataclass(frozen=True, eq=False)
class Ending:
    """The end of a descent with k parameters, f of them free.

    Attributes
    ----------
    x : array, shape (f,)
    cost : float
        The statistic.
    status : "converged", "iteration limit", "cancelled" or "not finite"
    evaluations : int
    at_bound : array of bool, shape (f,)
    values : array, shape (k,)
        All parameters.
    chain : array, shape (k, f)
        Their derivatives by the free ones.
    covariance : array, shape (f, f)
        For the noise as given; NaN for parameters on a bound and for those that the data do not determine.
    pearson : float
        Pearson's chi2; NaN where the model is not finite.
    singular : bool
        Whether some parameters cannot be told apart.
    """

    x: FloatArray
    cost: float
    status: str
    evaluations: int
    at_bound: np.ndarray
    values: FloatArray
    chain: FloatArray
    covariance: FloatArray
    pearson: float
    singular: bool


def conclude(
    evaluator: Evaluator,
    noise: Noise,
    x: FloatArray,
    cost: float,
    status: str,
    evaluations: int,
    at_bound: np.ndarray,
) -> Ending:
    """The end of a descent with covariance and chi2, from the full Jacobian at its last point."""
    values, chain = evaluator.parameters.expand(x)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        envelope, jacobian = evaluator.free(x)
        variance = variance_of(noise, envelope, evaluator.y)
    covariance, singular = inverse_information(jacobian, variance, at_bound)
    pearson = _pearson(evaluator.y, envelope, variance)
    return Ending(x, cost, status, evaluations, at_bound, values, chain, covariance, pearson, singular)


def inverse_information(jacobian: FloatArray, variance: FloatArray, held: np.ndarray) -> tuple[FloatArray, bool]:
    """Inverse of the expected information J V^-1 J^T of the free parameters, and whether it is singular.

    NaN for those on a bound, for those the data do not feel (the position of a peak without area) and for those that
    cannot be told apart; the others keep their errors.

    For counted data the expected (Fisher) information, not the curvature at this one noisy realisation
    (B. Efron, D. V. Hinkley, Biometrika 65 (1978) 457 compare the two).
    """
    k = jacobian.shape[0]
    matrix = np.full((k, k), np.nan)
    rows = jacobian / np.sqrt(variance)
    with np.errstate(over="ignore", invalid="ignore"):
        norm = np.sqrt(np.sum(rows**2, axis=1))
    if not np.all(np.isfinite(norm)):
        return matrix, False
    asleep = ~held & (norm == 0)
    open_ = np.flatnonzero(~held & ~asleep)
    # A peak whose area lies on zero does not feel its own position; that is no fault of the model.
    unfelt = bool(np.any(asleep)) and not np.any(held)
    if open_.size == 0:
        return matrix, unfelt
    _, singular, vt = np.linalg.svd((rows[open_] / norm[open_, None]).T, full_matrices=False)
    good = singular >= _SINGULAR * singular[0]
    told = ~np.any(np.abs(vt[~good]) > _TOLD, axis=0)
    inverse = (vt[good].T / singular[good] ** 2) @ vt[good] / np.outer(norm[open_], norm[open_])
    matrix[np.ix_(open_[told], open_[told])] = inverse[np.ix_(told, told)]
    return matrix, unfelt or not np.all(good)


def _pearson(y: FloatArray, envelope: FloatArray, variance: FloatArray) -> float:
    if not np.all(np.isfinite(envelope)) or not np.all(np.isfinite(variance)):
        return float("nan")
    with np.errstate(over="ignore"):
        return float(np.sum(((y - envelope) / np.sqrt(variance)) ** 2))
