"""Linear least squares within bounds, by an active set over orthogonal factors.

No product of the matrix with itself is ever formed: that would square its condition number and lose half the digits.

References
----------
C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapter 23; P. B. Stark, R. L. Parker,
Computational Statistics 10, 129 (1995), for bounds on both sides.
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray
from fitting.descent import PULL


def triangle(matrix: FloatArray, vector: FloatArray) -> tuple[FloatArray, FloatArray]:
    """R and Q^T vector of the QR factors of a matrix.

    Parameters
    ----------
    matrix : array, shape (n, k)
    vector : array, shape (n,)

    Returns
    -------
    R : array, shape (min(n, k), k)
    Q^T vector : array, shape (min(n, k),)

    Notes
    -----
    The vector is factorised as one more column, so that Q is never built (Lawson and Hanson, chapter 10).
    """
    k = matrix.shape[1]
    both = np.linalg.qr(np.concatenate([matrix, vector[:, None]], axis=1), mode="r")
    return both[:k, :k], both[:k, k]


def nearest(
    matrix: FloatArray, residual: FloatArray, low: FloatArray, high: FloatArray
) -> tuple[FloatArray, np.ndarray]:
    """The x inside the bounds that makes |residual + matrix x| smallest.

    Walks from x = 0 towards the minimum over the open components until one meets its bound; that one is held and the
    walk goes on; held ones that pull back inside are let free again.

    Parameters
    ----------
    matrix : array, shape (n, k)
        Its columns must be independent.
    residual : array, shape (n,)
    low, high : array, shape (k,)
        Bounds, low <= 0 <= high; they may be infinite.

    Returns
    -------
    x : array, shape (k,)
        Held components lie on their bound exactly.
    held : array of bool, shape (k,)
    """
    k = matrix.shape[1]
    move = np.zeros(k)
    gradient = matrix.T @ residual
    least = PULL * float(np.sqrt(residual @ residual))
    held = ((low >= 0) & (gradient >= 0)) | ((high <= 0) & (gradient <= 0)) | (low >= high)
    rest = residual
    for _ in range(10 * k + 10):
        free = np.flatnonzero(~held)
        if free.size:
            part = matrix if free.size == k else matrix[:, free]
            ahead = np.linalg.solve(*triangle(part, -rest))
            limit = np.where(ahead > 0, high[free], low[free]) - move[free]
            share = np.divide(limit, ahead, out=np.full(free.size, np.inf), where=ahead != 0)
            first = int(np.argmin(share))
            move[free] += min(float(share[first]), 1.0) * ahead
            if share[first] < 1.0:
                at = free[first]
                move[at] = high[at] if ahead[first] > 0 else low[at]
                held[at] = True
                rest = residual + matrix @ move
                continue
            if free.size == k:
                break
            rest = residual + matrix @ move
        slope = matrix.T @ rest
        inwards = held & (low < high) & (((move <= low) & (slope < -least)) | ((move >= high) & (slope > least)))
        if not np.any(inwards):
            break
        held &= ~inwards
    return np.clip(move, low, high), held
