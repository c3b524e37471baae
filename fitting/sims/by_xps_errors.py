"""Errors of compositions that add up to 100 at.%: what is too much of one element is missing of the others.

Amounts before they were scaled to 100 have independent errors s_e. With fractions x the composition then has the
covariance J diag(s^2) J^T, J = I - x 1^T, and each element the variance

    sigma_e^2 = s_e^2 (1 - 2 x_e) + x_e^2 sum_j s_j^2 .

Given are the sigma_e; the s_e follow by non-negative least squares. All is done in the space of compositions, whose
basis is orthogonal to (1, ..., 1).

References
----------
J. Aitchison, The Statistical Analysis of Compositional Data (1986), for what a constant sum does to covariances; cited
from memory, unverified. The formulas above are first-order propagation, derived here.
"""

from __future__ import annotations

import numpy as np
from scipy.optimize import nnls

from fitting.dataset import FloatArray

_LEAST = 0.1  # s_e over sigma_e is kept above this: no element may be without any error


def basis(elements: int) -> FloatArray:
    """Orthonormal directions in which compositions can change, shape (m, m - 1): their columns add up to zero."""
    return np.asarray(np.linalg.qr(np.column_stack([np.ones(elements), np.eye(elements)[:, 1:]]))[0][:, 1:])


def closed_covariance(amounts: FloatArray, errors: FloatArray) -> FloatArray:
    """Covariance of a composition, shape (m, m); its rows add up to zero.

    Parameters
    ----------
    amounts : array, shape (m,)
        Zero or above.
    errors : array, shape (m,)
        Standard errors, above zero. Errors that no composition can have (one large, the others tiny) are met as
        nearly as can be.
    """
    x, variance = amounts / amounts.sum(), errors**2
    system = np.diag(1.0 - 2.0 * x) + np.outer(x * x, np.ones(x.size))
    least = _LEAST**2 * variance
    own = least + nnls(system / variance[:, None], (variance - system @ least) / variance)[0]
    change = np.eye(x.size) - np.outer(x, np.ones(x.size))
    return np.asarray(change @ np.diag(own) @ change.T)
