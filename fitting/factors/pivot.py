"""Block principal pivoting, compiled: non-negative least squares of many right-hand sides on one triangle.

The solution over a set of positive unknowns is a small matrix, worked out by Householder reflections when the set
occurs for the first time. A target is then a product of small matrices and vectors.

References
----------
J. Kim, H. Park, SIAM J. Sci. Comput. 33, 3261 (2011). G. H. Golub, C. F. Van Loan, Matrix Computations, 4th ed. (2013),
chapter 5: reflections.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from fitting.dataset import FloatArray

_EPS = float(np.finfo(float).eps)
_PATIENCE, _ROUNDS = 3, 100


@njit(cache=True, nogil=True)
def solution(r: FloatArray, name: int, out: FloatArray) -> None:
    """The matrix (k, k) that turns y into the least squares over a set of unknowns; the rows of others are 0."""
    k = r.shape[0]
    a, q = np.zeros((k, k)), np.eye(k)
    unknowns = np.zeros(k, np.int64)
    p = 0
    for j in range(k):
        if (name >> j) & 1:
            unknowns[p] = j
            a[:, p] = r[:, j]
            p += 1
    v = np.zeros(k)
    for j in range(p):
        norm = 0.0
        for i in range(j, k):
            norm += a[i, j] * a[i, j]
        norm = np.sqrt(norm)
        if norm == 0.0:
            continue
        top = -norm if a[j, j] > 0 else norm
        size = 0.0
        for i in range(j, k):
            v[i] = a[i, j] - (top if i == j else 0.0)
            size += v[i] * v[i]
        for c in range(p):
            dot = 0.0
            for i in range(j, k):
                dot += v[i] * a[i, c]
            for i in range(j, k):
                a[i, c] -= 2.0 * dot / size * v[i]
        for c in range(k):
            dot = 0.0
            for i in range(j, k):
                dot += v[i] * q[i, c]
            for i in range(j, k):
                q[i, c] -= 2.0 * dot / size * v[i]
    out[:] = 0.0
    for c in range(k):
        for j in range(p - 1, -1, -1):
            value = q[j, c]
            for i in range(j + 1, p):
                value -= a[j, i] * out[unknowns[i], c]
            out[unknowns[j], c] = value / a[j, j]


@njit(cache=True, nogil=True)
def pivot(
    r: FloatArray, y: FloatArray, names: np.ndarray, table: FloatArray, known: np.ndarray, x: FloatArray
) -> int:
    """Solve all rows of y (m, k) into x (m, k).

    Parameters
    ----------
    r : array, shape (k, k)
        Triangle of the matrix.
    y : array, shape (m, k)
        Right-hand sides.
    names : array of int, shape (m,)
        Sets of positive unknowns to begin with, a bit for each; those found are left in it. -1 where none was.
    table : array, shape (2^k, k, k); known : array of bool, shape (2^k,)
        Solutions known so far.

    Returns
    -------
    int
        How many were not solved.
    """
    m, k = y.shape
    failed = 0
    rest, wrong = np.zeros(k), np.zeros(k, np.bool_)
    for t in range(m):
        name = names[t]
        slack = 0.0
        for j in range(k):
            slack += y[t, j] * y[t, j]
        slack = 8.0 * k * _EPS * np.sqrt(slack)
        fewest, patience, done = k + 1, _PATIENCE, False
        for _ in range(_ROUNDS):
            if not known[name]:
                solution(r, name, table[name])
                known[name] = True
            for i in range(k):
                value = 0.0
                if (name >> i) & 1:
                    for j in range(k):
                        value += table[name, i, j] * y[t, j]
                x[t, i] = value
            for i in range(k):
                value = -y[t, i]
                for j in range(i, k):
                    value += r[i, j] * x[t, j]
                rest[i] = value
            number, last = 0, 0
            for i in range(k):
                if (name >> i) & 1:
                    wrong[i] = x[t, i] < 0.0
                else:
                    slope = 0.0
                    for j in range(i + 1):
                        slope += r[j, i] * rest[j]
                    wrong[i] = slope < -slack
                if wrong[i]:
                    number += 1
                    last = i
            if number == 0:
                done = True
                break
            if number < fewest:
                fewest, patience = number, _PATIENCE
            elif patience > 0:
                patience -= 1
            else:  # exchange the last one only: this ends for certain
                name ^= 1 << last
                continue
            for i in range(k):
                if wrong[i]:
                    name ^= 1 << i
        names[t] = name
        if not done:
            names[t] = -1
            failed += 1
    return failed
