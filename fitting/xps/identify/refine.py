"""Positions, widths and areas of found peaks: groups of neighbours are fitted together on a line with a step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.special import ndtr

from fitting.dataset import FloatArray
from libraries.units import SIGMA_TO_FWHM

TOGETHER = 2.2  # peaks nearer than that many widths are fitted together
AROUND = 1.9  # widths of background to either side
MOST = 6  # peaks in a group
WIDEST = 14.0  # eV
_AREA = np.sqrt(2.0 * np.pi) / SIGMA_TO_FWHM


@dataclass(frozen=True)
class Refined:
    """A peak with errors, which are enlarged where the Gaussian model misses structure (see `peaks.SurveyPeak`)."""

    position: float
    position_err: float
    fwhm: float
    height: float
    area: float
    area_err: float


def refine(
    x: FloatArray, y: FloatArray, variance: FloatArray, starts: Sequence[tuple[float, float, float]]
) -> tuple[Refined, ...]:
    """Fit peaks from their starts (position, width, height), in the order given."""
    order = sorted(range(len(starts)), key=lambda i: starts[i][0])
    groups: list[list[int]] = []
    for i in order:
        last = groups[-1] if groups else []
        near = last and starts[i][0] - starts[last[-1]][0] < TOGETHER * 0.5 * (starts[i][1] + starts[last[-1]][1])
        if near and len(last) < MOST:
            last.append(i)
        else:
            groups.append([i])
    found: dict[int, Refined] = {}
    for group in groups:
        found.update(zip(group, _fit(x, y, variance, [starts[i] for i in group]), strict=True))
    return tuple(found[i] for i in range(len(starts)))


def _columns(x: FloatArray, centre: float, places: FloatArray, widths: FloatArray, share: FloatArray) -> FloatArray:
    sigma = widths / SIGMA_TO_FWHM
    t = (x[:, None] - places) / sigma
    step = ndtr(t) @ share
    return np.column_stack([np.ones_like(x), (x - centre) / 10.0, step, np.exp(-0.5 * t * t)])


def _fit(
    x: FloatArray, y: FloatArray, variance: FloatArray, starts: Sequence[tuple[float, float, float]]
) -> list[Refined]:
    n = len(starts)
    places, widths = np.array([s[0] for s in starts]), np.array([s[1] for s in starts])
    share = np.maximum(np.array([s[2] for s in starts]), 0.0) * widths
    share = share / (np.sum(share) or 1.0)
    low, high = np.min(places - AROUND * widths), np.max(places + AROUND * widths)
    inside = (x >= low) & (x <= high)
    if np.count_nonzero(inside) < 3 * n + 4:
        nearest = np.argsort(np.abs(x - np.mean(places)))[: 3 * n + 6]
        inside = np.zeros(x.size, dtype=bool)
        inside[nearest] = True
    xs, ys, weight = x[inside], y[inside], 1.0 / np.sqrt(variance[inside])
    centre, step = float(np.mean(xs)), float(np.median(np.diff(xs)))

    def solve(p: FloatArray) -> tuple[FloatArray, FloatArray]:
        columns = _columns(xs, centre, p[:n], p[n:], share) * weight[:, None]
        return columns, np.linalg.lstsq(columns, ys * weight, rcond=1e-10)[0]

    def residuals(p: FloatArray) -> FloatArray:
        columns, linear = solve(p)
        return columns @ linear - ys * weight

    p0 = np.concatenate([places, widths])
    lower = np.concatenate([places - 0.8 * widths, np.maximum(0.45 * widths, 0.9 * step)])
    upper = np.concatenate([places + 0.8 * widths, np.minimum(2.2 * widths, WIDEST) + step])
    done = least_squares(residuals, np.clip(p0, lower + 1e-9, upper - 1e-9), bounds=(lower, upper), max_nfev=40)
    return _numbers(done.x, *solve(done.x), xs, weight, float(2.0 * done.cost))


def _numbers(
    p: FloatArray, columns: FloatArray, linear: FloatArray, xs: FloatArray, weight: FloatArray, chi2: float
) -> list[Refined]:
    """Values and errors from the Jacobian of all parameters."""
    n = p.size // 2
    heights = linear[3:]
    sigma = p[n:] / SIGMA_TO_FWHM
    t = (xs[:, None] - p[:n]) / sigma
    shape = columns[:, 3:]
    full = np.column_stack([columns, shape * heights * t / sigma, shape * heights * t * t / p[n:]])
    norm = np.sqrt(np.sum(full**2, axis=0))
    norm[norm <= 1e-9 * np.max(norm)] = 1.0  # a peak of no height: its place and width are not determined
    inverse = np.linalg.pinv((full / norm).T @ (full / norm), rcond=1e-12, hermitian=True) / np.outer(norm, norm)
    inverse *= max(1.0, chi2 / max(xs.size - full.shape[1], 1))
    rows = []
    for i in range(n):
        j, k, m = 3 + i, 3 + n + i, 3 + 2 * n + i
        area = heights[i] * p[n + i] * _AREA
        slopes = np.array([p[n + i], heights[i]]) * _AREA
        error = float(np.sqrt(max(slopes @ inverse[np.ix_([j, m], [j, m])] @ slopes, 0.0)))
        rows.append(Refined(float(p[i]), float(np.sqrt(max(inverse[k, k], 0.0))), float(p[n + i]), float(heights[i]),
                            float(area), error))
    return rows
