"""A smooth path through positions with errors: as stiff as the positions ask for.

Positions are a path with independent errors; its second differences are independent Gaussian numbers of unknown size,
the stiffness. Each stiffness has a marginal likelihood of the positions, with the straight line free (REML), and the
path is the mean over all of them, even in the logarithm of the stiffness, with these weights. The errors are those of
the posterior: beside what the counts scatter they hold what a path that is too stiff leaves out, on average over the
path, and that the stiffness is not known. Gaps and ends without positions are filled with places of the same distance
at which nothing was measured: the path and its errors there are those that the second differences let expect.

References: P. H. C. Eilers, Anal. Chem. 75, 3631 (2003), second differences; G. Wahba, J. R. Stat. Soc. B 45, 133
(1983), posterior errors; G. Wahba, Ann. Stat. 13, 1378 (1985), marginal likelihood.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from fitting.dataset import FloatArray

_FEWEST = 5
_STIFFNESS = np.logspace(-2, 7, 37)
_FILLED = 300  # places that are added at most, about
_OUTLIER = 3.0  # errors beyond which a position counts less and less


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
        The errors hold the scatter of the positions and, on average along the path, what its stiffness leaves out.
        Straight lines have those of the positions: larger beyond the ends, where the line goes on.
    """
    if not smooth or at.size < _FEWEST:
        slopes = np.array([_between(at, unit, wanted) for unit in np.eye(at.size)])
        return _between(at, values, wanted), np.maximum(np.interp(wanted, at, errors),
                                                        np.sqrt(np.sum((slopes * errors[:, None]) ** 2, axis=0)))
    typical = float(np.median(np.diff(at)))
    knots, measured = _filled(at, wanted, typical)
    # Curvature of unevenly spaced points, so that gaps do not bend the path.
    second = np.zeros((knots.size - 2, knots.size))
    for i in range(knots.size - 2):
        left, right = (knots[i + 1] - knots[i]) / typical, (knots[i + 2] - knots[i + 1]) / typical
        second[i, i : i + 3] = (2 / (left * (left + right)), -2 / (left * right), 2 / (right * (left + right)))
    penalty = second.T @ second
    scale = float(np.median(errors)) or 1.0
    weight = 1.0 / np.maximum(errors / scale, 1e-3) ** 2
    # The first path knows an outlier by its neighbours: the likelihood alone would bend to reach it.
    robust = _trusted(values - median_filter(values, 5, mode="nearest"), errors)
    seen, heard = np.zeros(knots.size), np.zeros(knots.size)
    seen[measured] = values / scale
    path, covariance = seen, np.eye(knots.size)
    for _ in range(3):
        heard[measured] = weight * robust
        path, covariance = _posterior(seen, heard, penalty)
        path, covariance = path * scale, covariance * scale**2
        robust = _trusted(values - path[measured], errors)
    lines = np.array([_between(knots, unit, wanted) for unit in np.eye(knots.size)]).T
    return lines @ path, np.sqrt(np.sum((lines @ covariance) * lines, axis=1))


def _filled(at: FloatArray, wanted: FloatArray, typical: float) -> tuple[FloatArray, NDArray[np.intp]]:
    """Places with and without positions, evenly apart, and which of them are those of the positions."""
    ends = [] if not wanted.size else [float(wanted.min()), float(wanted.max())]
    step = max(typical, (max([at[-1], *ends]) - min([at[0], *ends])) / _FILLED)
    before = np.arange(at[0] - step, ends[0] - 0.5 * step, -step)[::-1] if ends else at[:0]
    after = np.arange(at[-1] + step, ends[1] + 0.5 * step, step) if ends else at[:0]
    inside = [np.linspace(a, b, max(round((b - a) / step), 1) + 1)[1:-1] for a, b in pairwise(at)]
    knots = np.sort(np.concatenate([before, at, after, *inside]))
    return knots, np.searchsorted(knots, at)


def _trusted(off: FloatArray, errors: FloatArray) -> FloatArray:
    """Factors of the weights: an outlier counts as if its error were so large that it lies three of them off."""
    pull = np.abs(off) / np.maximum(errors, 1e-12)
    spread = max(float(np.median(pull)) / 0.6745, 1.0)
    return np.minimum(1.0, _OUTLIER * spread / np.maximum(pull, 1e-12)) ** 2


def _posterior(values: FloatArray, weight: FloatArray, penalty: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean path and its covariance over all degrees of stiffness; `weight` is one over the variance."""
    heard = weight * values
    paths, spreads, scores = [], [], []
    for stiff in _STIFFNESS:
        inside = np.diag(weight) + stiff * penalty
        spread = np.linalg.inv(inside)
        path = spread @ heard
        # -2 log of the marginal likelihood, but for a constant.
        misfit = float(heard @ (values - path))
        scores.append(misfit + float(np.linalg.slogdet(inside)[1]) - (values.size - 2) * float(np.log(stiff)))
        paths.append(path)
        spreads.append(spread)
    share = np.exp(-0.5 * (np.array(scores) - min(scores)))
    share /= share.sum()
    mean = share @ np.array(paths)
    off = np.array(paths) - mean
    return mean, np.tensordot(share, spreads, axes=1) + (off * share[:, None]).T @ off


def _between(at: FloatArray, values: FloatArray, wanted: FloatArray) -> FloatArray:
    """Straight lines, going on straight at the ends."""
    path = np.interp(wanted, at, values)
    if at.size > 1:
        for end, next_ in ((0, 1), (-1, -2)):
            slope = (values[end] - values[next_]) / (at[end] - at[next_])
            outside = wanted < at[0] if end == 0 else wanted > at[-1]
            path[outside] = values[end] + slope * (wanted[outside] - at[end])
    return path
