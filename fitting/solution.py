"""Where a minimiser ended: values, their covariance and a named verdict."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from fitting.dataset import FloatArray

_TOLD_APART = 1e-12  # smallest singular value, relative to the largest, of parameters that the data tell apart
_UNFELT = 1e-130  # largest derivative of a parameter whose variance no floating number could hold


@dataclass(frozen=True, eq=False)
class Solution:
    """Where the minimiser ended.

    Attributes
    ----------
    x : array, shape (k,)
    cost : float
        Sum of squares.
    status : "converged", "iteration limit", "cancelled" or "not finite"
        Why the descent ended; `verdict` says more.
    evaluations : int
        Places at which the residuals were computed (differences for a Jacobian not counted).
    at_bound : array of bool, shape (k,)
        Values that lie on a bound, exactly.
    n_data : int
        Number of residuals n; 0 if none was computed.
    factor : array, shape (min(n, k), k), optional
        R of the QR factors of the Jacobian at `x`.
    """

    x: FloatArray
    cost: float
    status: str
    evaluations: int
    at_bound: np.ndarray
    n_data: int = 0
    factor: FloatArray | None = None

    @property
    def dof(self) -> int:
        """Residuals less parameters; those on a bound do not count."""
        return self.n_data - int(np.sum(~self.at_bound))

    @property
    def covariance(self) -> FloatArray:
        """(J^T J)^-1, shape (k, k), unscaled.

        NaN for parameters on a bound, for those that no residual feels (all derivatives below 1e-130) and for those
        that cannot be told apart.
        """
        return self._information[0]

    @property
    def singular(self) -> bool:
        """Whether some parameters cannot be told apart, or no residual feels one.

        Where a parameter lies on a bound, one that is not felt is no fault: the position of a peak without area.
        """
        return self._information[1]

    @property
    def verdict(self) -> str:
        """ "converged", "at bound", "singular", "not finite", "cancelled" or "iteration limit".

        The last three as `status`; of a minimum, "singular" goes before "at bound".
        """
        if self.status != "converged":
            return self.status
        if self.singular:
            return "singular"
        return "at bound" if np.any(self.at_bound) else "converged"

    def errors(self, scaled: bool = True) -> FloatArray:
        """Standard deviations, shape (k,).

        Parameters
        ----------
        scaled : bool
            Multiply by sqrt(cost / dof), for residuals of unknown size (the convention of NIST); else the residuals
            must already be in units of their own standard deviation.
        """
        if not scaled:
            return np.sqrt(np.diag(self.covariance))
        if self.dof <= 0:
            return np.full(self.x.size, np.nan)
        return np.sqrt(np.diag(self.covariance) * (self.cost / self.dof))

    @cached_property
    def _information(self) -> tuple[FloatArray, bool]:
        k = self.x.size
        matrix = np.full((k, k), np.nan)
        if self.factor is None:
            return matrix, False
        top = np.max(np.abs(self.factor), axis=0, initial=0.0)
        felt = top > _UNFELT
        norm = np.where(felt, top, 0.0) * np.sqrt(np.sum((self.factor / np.where(felt, top, 1.0)) ** 2, axis=0))
        asleep = ~self.at_bound & (norm == 0)
        open_ = np.flatnonzero(~self.at_bound & ~asleep)
        unfelt = bool(np.any(asleep)) and not np.any(self.at_bound)
        if open_.size == 0:
            return matrix, unfelt
        columns = self.factor[:, open_] / norm[open_]
        missing = np.zeros((max(open_.size - columns.shape[0], 0), open_.size))  # fewer residuals than parameters
        _, singular, vt = np.linalg.svd(np.concatenate([columns, missing]), full_matrices=False)
        good = singular >= _TOLD_APART * singular[0]
        told = ~np.any(np.abs(vt[~good]) > 1e-6, axis=0)
        inverse = (vt[good].T / singular[good] ** 2) @ vt[good] / norm[open_, None] / norm[open_]
        matrix[np.ix_(open_[told], open_[told])] = inverse[np.ix_(told, told)]
        return matrix, unfelt or not bool(np.all(good))
