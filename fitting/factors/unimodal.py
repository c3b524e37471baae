"""Nearest profile with one maximum: least squares over all profiles that rise to one point and fall after it.

References
----------
R. Bro, N. D. Sidiropoulos, J. Chemom. 12, 223 (1998): unimodality as a constraint of least squares.
Q. F. Stout, Comput. Stat. Data Anal. 53, 289 (2008): all rising parts in one pass (pool adjacent violators).
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray


def unimodal(values: FloatArray, weights: FloatArray | None = None) -> FloatArray:
    """The unimodal profile, zero or above, that is nearest to the values.

    Parameters
    ----------
    values : array, shape (m,)
    weights : array, shape (m,), optional
        Above zero.

    Returns
    -------
    array, shape (m,)
        Exact: every place of the maximum is tried.
    """
    y = np.asarray(values, dtype=float)
    w = np.ones(y.size) if weights is None else np.asarray(weights, dtype=float)
    before = _errors(y, w)
    after = _errors(y[::-1], w[::-1])[::-1]
    # The maximum may belong to the rising part, to the falling one, or stand between the two.
    split = int(np.argmin(np.r_[0.0, before] + np.r_[after, 0.0]))
    found = np.concatenate((_rising(y[:split], w[:split]), _rising(y[split:][::-1], w[split:][::-1])[::-1]))
    return np.maximum(found, 0.0)


def _errors(y: FloatArray, w: FloatArray) -> FloatArray:
    """Weighted squares that the nearest rising profile leaves of the first 1, 2, ... values."""
    return _pool(y, w)[1]


def _rising(y: FloatArray, w: FloatArray) -> FloatArray:
    return _pool(y, w)[0] if y.size else y


def _pool(y: FloatArray, w: FloatArray) -> tuple[FloatArray, FloatArray]:
    means: list[float] = []
    loads: list[float] = []
    sizes: list[int] = []
    left: list[float] = []  # squares within every pool and those before it
    errors = np.empty(y.size)
    for i, (value, weight) in enumerate(zip(y.tolist(), w.tolist(), strict=True)):
        mean, load, size, own = value, weight, 1, 0.0
        while means and means[-1] >= mean:
            total = loads[-1] + load
            inside = left[-1] - (left[-2] if len(left) > 1 else 0.0)
            own += inside + loads[-1] * load / total * (means[-1] - mean) ** 2
            mean = (loads[-1] * means[-1] + load * mean) / total
            load, size = total, size + sizes[-1]
            for pile in (means, loads, sizes, left):
                pile.pop()
        means.append(mean)
        loads.append(load)
        sizes.append(size)
        left.append((left[-1] if left else 0.0) + own)
        errors[i] = left[-1]
    return np.repeat(means, sizes), errors
