"""Closure: phases that add up to 1 at every depth, and the total yield of each.

With spectra of sum 1 the amounts C are counts; r makes C r as near to 1 as can be, and 1/r is what a phase would count
alone. Yields that differ are a model of the matrix effect (R. Tauler, Chemom. Intell. Lab. Syst. 30, 133 (1995)).
"""

from __future__ import annotations

import math

import numpy as np

from fitting.dataset import FloatArray
from fitting.factors.mcr import closure


def yields_of(depth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Total yields of the phases and one standard error.

    Parameters
    ----------
    depth : array, shape (k, points)
        Counts of every factor along the depth.

    Returns
    -------
    yields, errors : array, shape (k,)
        Errors follow from the scatter of the sum of shares about 1 (least squares, to first order).

    Raises
    ------
    NotDetermined
        If closure would remove a factor.
    """
    c = depth[:, depth.sum(axis=0) > 0].T
    r = closure(c)[1]
    degrees = c.shape[0] - c.shape[1]
    if degrees < 1:
        return 1.0 / r, np.full(r.size, math.nan)
    variance = float(np.sum((c @ r - 1.0) ** 2)) / degrees
    size = np.sqrt(np.sum(c * c, axis=0))
    covariance = variance * np.linalg.pinv((c / size).T @ (c / size)) / np.outer(size, size)
    return 1.0 / r, np.sqrt(np.maximum(np.diag(covariance), 0.0)) / r**2
