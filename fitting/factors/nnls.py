"""Exact non-negative least squares for many right-hand sides at once.

Every set of positive unknowns that occurs is factorised once, and its solution applied to all right-hand sides that
share it: the work is a few array operations and not one iteration a pixel. No product of the matrix with itself is
formed: that would square its condition number.

References
----------
J. Kim, H. Park, SIAM J. Sci. Comput. 33, 3261 (2011): block principal pivoting. M. H. Van Benthem, M. R. Keenan,
J. Chemom. 18, 441 (2004): solving by groups. C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974).
"""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import nnls as single_nnls

from fitting.dataset import FloatArray
from libraries.errors import BadData

MOST_UNKNOWNS = 62  # bits of the number that names a set of positive unknowns
_CHUNK = 1 << 19  # numbers in the solutions that are applied at a time: bounds the memory, and fits a cache
_TABLE = 6  # up to so many unknowns all sets are factorised beforehand: 64 at most
_DEPENDENT = 1e-11  # smallest share of a column, all scaled to 1, that must not be made of the others
_PATIENCE = 3  # full exchanges without progress before single ones, as Kim and Park have it
_ROUNDS = 100
_COMPILED, _MANY, _PIECE = 10, 64, 1 << 16  # most unknowns and fewest targets of the compiled loop; targets at a time


def nnls(matrix: ArrayLike, targets: ArrayLike, *, start: ArrayLike | None = None) -> FloatArray:
    """The x >= 0 that makes |matrix x - target| smallest, for each of many targets.

    Parameters
    ----------
    matrix : array, shape (n, k)
        Columns must be independent, n >= k; k up to 62.
    targets : array, shape (n, m) or (n,)
        Right-hand sides in columns, any real type.
    start : array, shape of the result, optional
        A solution of a similar problem: its positive unknowns are tried first. It saves time and changes nothing else.

    Returns
    -------
    array, shape (k, m) or (k,)
        Exact minima (active-set conditions met to rounding), zeros exact.

    Raises
    ------
    BadData
        If shapes do not fit, numbers are not finite, or columns depend on one another: more factors than the data have.
    """
    a = np.asarray(matrix, dtype=float)
    b = np.asarray(targets)
    if a.ndim != 2 or a.shape[1] == 0 or b.ndim not in (1, 2) or b.shape[0] != a.shape[0]:
        raise BadData(f"A matrix of shape {a.shape} and targets of shape {b.shape} do not fit together")
    if a.shape[1] > MOST_UNKNOWNS:
        raise BadData(f"{a.shape[1]} unknowns are too many", todo=f"Use {MOST_UNKNOWNS} at most")
    if not np.all(np.isfinite(a)):
        raise BadData("The matrix holds numbers that are not finite")
    q, r, norm = _factors(a)
    columns = b[:, None] if b.ndim == 1 else b
    guess = np.ones((a.shape[1], columns.shape[1]), dtype=bool)
    if start is not None:
        first = np.asarray(start)
        if first.shape != (a.shape[1], *b.shape[1:]):
            raise BadData(f"A start of shape {first.shape} does not fit the unknowns")
        guess = first.reshape(guess.shape) > 0
    k = a.shape[1]
    if k <= _COMPILED and columns.shape[1] >= _MANY and os.environ.get("SODALITE_KERNELS", "") != "off":
        result = _compiled(q, r, columns, guess) / norm[:, None]
        return result[:, 0] if b.ndim == 1 else result
    result = np.empty((k, columns.shape[1]))
    table = _solutions(r, np.arange(1 << k)) if k <= _TABLE else None
    chunk = max(_CHUNK // k**2, 64)
    for start in range(0, columns.shape[1], chunk):
        part = slice(start, start + chunk)
        projected = q.T @ np.asarray(columns[:, part], dtype=float)
        if not np.all(np.isfinite(projected)):
            raise BadData("The targets hold numbers that are not finite")
        result[:, part] = _solve(r, projected, guess[:, part], table) / norm[:, None]
    return result[:, 0] if b.ndim == 1 else result


def _compiled(q: FloatArray, r: FloatArray, columns: np.ndarray, guess: np.ndarray) -> FloatArray:
    """The same for many targets by the compiled loop, shape (k, m)."""
    from fitting.factors.pivot import pivot

    k, m = r.shape[0], columns.shape[1]
    table, known = np.zeros((1 << k, k, k)), np.zeros(1 << k, dtype=bool)
    names = np.left_shift(1, np.arange(k, dtype=np.int64)) @ guess
    result = np.empty((m, k))
    for begin in range(0, m, _PIECE):
        part = slice(begin, min(begin + _PIECE, m))
        y = np.ascontiguousarray(np.asarray(columns[:, part], dtype=float).T @ q)
        if not np.all(np.isfinite(y)):
            raise BadData("The targets hold numbers that are not finite")
        if pivot(r, y, names[part], table, known, result[part]):
            for i in np.flatnonzero(names[part] < 0):  # never seen
                result[begin + i] = single_nnls(r, y[i])[0]
    return np.maximum(result, 0.0).T


def _factors(a: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Q, R of the matrix with its columns scaled to 1, and their norms."""
    norm = np.sqrt(np.sum(a * a, axis=0))
    if np.any(norm == 0):
        raise BadData(f"Column {int(np.argmax(norm == 0)) + 1} of the matrix is empty", todo="Use fewer factors")
    if a.shape[0] < a.shape[1]:
        raise BadData(f"{a.shape[1]} unknowns from {a.shape[0]} numbers each", todo="Use fewer factors")
    q, r = np.linalg.qr(a / norm)
    # With columns of length 1 the smallest singular value is at least |det| ((k - 1)/k)^((k - 1)/2) (Y. P. Hong,
    # C.-T. Pan, Linear Algebra Appl. 172, 27 (1992)); mostly that is enough to know.
    k = r.shape[0]
    least = abs(float(np.prod(np.diagonal(r)))) * ((k - 1) / k) ** ((k - 1) / 2)
    if least < _DEPENDENT and np.linalg.svd(r, compute_uv=False)[-1] < _DEPENDENT:
        raise BadData("The columns of the matrix depend on one another: more factors than the data have",
                      todo="Use fewer factors")
    return q, r, norm


def _solve(r: FloatArray, y: FloatArray, guess: np.ndarray, table: FloatArray | None) -> FloatArray:
    """Block principal pivoting on the triangle, shapes (k, k), (k, m) -> (k, m)."""
    k, m = y.shape
    size = np.sqrt(np.sum(y * y, axis=0))
    slack = 8.0 * k * np.finfo(float).eps * size
    positive = guess.copy()
    x, gradient = _least(r, y, positive, table)
    fewest, patience = np.full(m, k + 1), np.full(m, _PATIENCE)
    # A positive unknown may not be below zero, a held one may not pull inside; rounding is forgiven once only, to the
    # held ones, so that none goes to and fro.
    wrong = np.where(positive, x < 0, gradient < -slack)
    open_ = np.flatnonzero(np.any(wrong, axis=0))
    for _ in range(_ROUNDS):
        if open_.size == 0:
            break
        bad = wrong[:, open_]
        number = np.sum(bad, axis=0)
        better = number < fewest[open_]
        tired = ~better & (patience[open_] == 0)
        fewest[open_] = np.where(better, number, fewest[open_])
        patience[open_] = np.where(better, _PATIENCE, np.maximum(patience[open_] - 1, 0))
        if np.any(tired):  # exchange the last one only: this ends for certain
            last = k - 1 - np.argmax(bad[::-1, tired], axis=0)
            single = np.zeros((k, last.size), dtype=bool)
            single[last, np.arange(last.size)] = True
            bad[:, tired] = single
        sets = positive[:, open_] ^ bad
        positive[:, open_] = sets
        x[:, open_], slope = _least(r, y[:, open_], sets, table)
        wrong[:, open_] = np.where(sets, x[:, open_] < 0, slope < -slack[open_])
        open_ = open_[np.any(wrong[:, open_], axis=0)]
    for i in open_:  # never seen; rounding could keep a pair of unknowns in exchange
        x[:, i] = single_nnls(r, y[:, i])[0]
    return np.maximum(x, 0.0)


def _least(
    r: FloatArray, y: FloatArray, positive: np.ndarray, table: FloatArray | None
) -> tuple[FloatArray, FloatArray]:
    """Least squares over the positive unknowns, and the gradient, both (k, m)."""
    names = np.left_shift(1, np.arange(r.shape[0], dtype=np.int64)) @ positive
    if table is None:
        sets, names = np.unique(names, return_inverse=True)
        table = _solutions(r, sets)
    x = np.einsum("mij,jm->im", table[names], y)
    return x, r.T @ (r @ x - y)


def _solutions(r: FloatArray, sets: np.ndarray) -> FloatArray:
    """The matrices (s, k, k) that turn y into the least squares over each set of unknowns; others come out as 0.

    Unknowns outside a set have an empty column and a row of their own that asks them to be 0, so that all sets have one
    shape and go through one stacked factorisation.
    """
    k = r.shape[0]
    inside = (sets[:, None] >> np.arange(k)) & 1 == 1
    stacked = np.concatenate([r * inside[:, None, :], np.eye(k) * ~inside[:, None, :]], axis=1)
    q, triangle = np.linalg.qr(stacked)
    found = np.linalg.solve(triangle, np.swapaxes(q[:, :k, :], 1, 2))
    return found * inside[:, :, None]
