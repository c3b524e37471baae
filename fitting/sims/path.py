"""A smooth path through positions with errors: as stiff as the positions ask for.

Reference: P. H. C. Eilers, Anal. Chem. 75, 3631 (2003), with second differences; the stiffness is chosen by generalised
cross-validation (P. Craven, G. Wahba, Numer. Math. 31, 377 (1979)) with each degree of freedom counted 1.4 times, which
keeps it from following the noise (Y.-J. Kim, C. Gu, J. R. Stat. Soc. B 66, 337 (2004)).
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray

_FEWEST = 5
_STIFFNESS = np.logspace(-2, 7, 37)
_DEGREE = 1.4
_OUTLIER = 3.0  # errors beyond which a position counts less and less (Huber)


def smooth_path(
    at: FloatArray, values: FloatArray, errors: FloatArray, wanted: FloatArray, *, smooth: bool = True
) -> tuple[FloatArray, FloatArray]:
    """The path at all places.

    Parameters
    ----------
    at, values, errors : array, shape (k,)
        Positions, ascending `at`, with standard errors above zero.
    wanted : array, shape (n,)
        Where the path is asked for.
    smooth : bool
        False: straight lines from position to position.

    Returns
    -------
    path, errors : array, shape (n,)
        The errors are those of the counts, not of what a path that is too stiff leaves out.
    """
    if not smooth or at.size < _FEWEST:
        return _between(at, values, wanted), np.interp(wanted, at, errors)
    # Curvature of unevenly spaced points, so that gaps do not bend the path.
    second = np.zeros((at.size - 2, at.size))
    typical = float(np.median(np.diff(at)))
    for i in range(at.size - 2):
        left, right = (at[i + 1] - at[i]) / typical, (at[i + 2] - at[i + 1]) / typical
        second[i, i : i + 3] = (2 / (left * (left + right)), -2 / (left * right), 2 / (right * (left + right)))
    penalty = second.T @ second
    scale = float(np.median(errors)) or 1.0
    weight = 1.0 / np.maximum(errors / scale, 1e-3) ** 2
    robust = np.ones(at.size)
    hat = np.eye(at.size)
    for _ in range(3):
        used = weight * robust
        hat = min((_hat(used, stiff * penalty) for stiff in _STIFFNESS), key=lambda h: _score(h, values, used))
        pull = np.abs(values - hat @ values) / np.maximum(errors, 1e-12)
        spread = max(float(np.median(pull)) / 0.6745, 1.0)
        robust = np.minimum(1.0, _OUTLIER * spread / np.maximum(pull, 1e-12))
    path = hat @ values
    spread_ = np.sqrt((hat**2) @ errors**2)
    return _between(at, path, wanted), np.interp(wanted, at, spread_)


def _hat(weight: FloatArray, penalty: FloatArray) -> FloatArray:
    return np.linalg.solve(np.diag(weight) + penalty, np.diag(weight))


def _score(hat: FloatArray, values: FloatArray, weight: FloatArray) -> float:
    free = max(values.size - _DEGREE * float(np.trace(hat)), 1e-3)
    rest = values - hat @ values
    return float(np.sum(weight * rest**2)) / free**2


def _between(at: FloatArray, values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Straight lines, going on straight at the ends."""
    path = np.interp(wanted, at, values)
    if at.size > 1:
        for end, next_ in ((0, 1), (-1, -2)):
            slope = (values[end] - values[next_]) / (at[end] - at[next_])
            outside = wanted < at[0] if end == 0 else wanted > at[-1]
            path[outside] = values[end] + slope * (wanted[outside] - at[end])
    return path
