"""A layer in a depth profile as one trace shows it: both of its interfaces fitted at once.

    I(z) = before + (inside - before) S(z - top) + (after - inside) S(z - bottom)

with the step S of a depth response (`fitting.sims.response`). A layer thinner than the response never reaches its
plateau; its two interfaces then belong together, and only their common fit has errors that say so. The response's
exponential lengths are those of the instrument and common to both interfaces; the Gaussian holds the roughness, which
adds in quadrature, and may be larger at the lower one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from fitting.dataset import FloatArray, Noise, frozen_array
from fitting.engine import minimise
from fitting.sims.interface import LENGTHS, Kind, ResponseFit, size_of, weights_of
from fitting.sims.interface_errors import covariance_of, told_within
from fitting.sims.response import dowsett_step, gauss_step, mri_step
from fitting.statistics import deviance_residuals
from fitting.tape import Cancel
from libraries.errors import BadData, BadModel, NotDetermined

_STEPS = {"erf": gauss_step, "mri": mri_step, "dowsett": dowsett_step}
_EVALUATIONS = 400  # ranges without a layer crept on for seconds
_WIDTHS = (0.5, 1.5)  # of the first guess: starts of the Gaussian


@dataclass(frozen=True, eq=False)
class LayerFit(ResponseFit):
    """A fitted layer: "before", "inside", "after" (plateaus), "top", "bottom" (true depths of the sharp interfaces).

    Then the lengths of the model, and "sigma_bottom" where the two Gaussians differ.
    """

    @property
    def thickness(self) -> float:
        """Bottom less top."""
        return self.value("bottom") - self.value("top")

    @property
    def thickness_error(self) -> float:
        """Standard deviation of the thickness; top and bottom are correlated."""
        i, j = self.index("top"), self.index("bottom")
        c = self.covariance
        variance = float(c[i, i] + c[j, j] - 2.0 * c[i, j])
        return math.sqrt(variance) if variance >= 0 else math.nan

    def curve(self, depth: ArrayLike) -> FloatArray:
        """The fitted profile at depths."""
        return _profile(self.kind, np.asarray(depth, dtype=float), self.values)


def fit_layer(
    depth: ArrayLike,
    intensity: ArrayLike,
    kind: Kind,
    noise: Noise,
    *,
    errors: ArrayLike | None = None,
    held: Mapping[str, float] | None = None,
    rougher: bool = False,
    cancel: Cancel | None = None,
) -> LayerFit:
    """Fit one layer.

    Parameters
    ----------
    depth, intensity : array, shape (n,)
        A part of a profile with one layer and what lies on both sides of it, depth ascending.
    kind : "erf", "mri" or "dowsett"
    noise : Noise
        Counts (Poisson) are fitted by their deviance, known variance by chi2, else least squares.
    errors : array, shape (n,), optional
        Of intensities that are no counts, above zero: weights in place of those of `noise` (whose measured zeros would
        weigh most). Where the residuals are larger, errors are multiplied by the root of chi2/dof.
    held : mapping of str to float, optional
        Values that stay. Of a layer thinner than the response the plateau "inside" and the thickness tell the data
        apart only together: hold one of them.
    rougher : bool
        A Gaussian of its own for the lower interface ("sigma_bottom").
    cancel : callable, optional

    Returns
    -------
    LayerFit
        Depths and lengths known no better than to half of the range have the covariance NaN.

    Raises
    ------
    BadData, BadModel
        If the arrays do not fit together, counts are negative, or a held value is unknown or impossible.
    NotDetermined
        If there are fewer points than free values, or no layer is seen.
    """
    z, y = np.asarray(depth, dtype=float), np.asarray(intensity, dtype=float)
    if z.ndim != 1 or z.shape != y.shape or z.size < 8:
        raise BadData("A layer needs two columns of eight points or more", todo="Widen the range")
    if not (np.all(np.isfinite(z)) and np.all(np.isfinite(y))) or np.any(np.diff(z) <= 0):
        raise BadData("Depths must ascend, and all numbers be finite")
    if kind not in LENGTHS:
        raise BadModel(f"'{kind}' is no model of an interface", todo=f"Use one of {', '.join(LENGTHS)}")
    names = ("before", "inside", "after", "top", "bottom", *LENGTHS[kind], *(("sigma_bottom",) if rougher else ()))
    held = dict(held or {})
    if unknown := set(held) - set(names):
        raise BadModel(f"A {kind} layer has no '{min(unknown)}'", todo=f"Use one of {', '.join(names)}")
    counted = noise.kind == "poisson" and noise.gain is not None and noise.read_noise == 0
    if counted and np.any(y < 0):
        raise BadData("Counts below zero cannot be fitted as counted data", todo="Use noise of unknown size")
    starts, lower, upper = _starts(kind, z, y, counted, rougher)
    free = np.array([name not in held for name in names])
    if y.size <= np.count_nonzero(free):
        raise NotDetermined(f"{y.size} points for {np.count_nonzero(free)} free values", todo="Widen the range")
    for name, value in held.items():
        i = names.index(name)
        if not (0.0 if i > 4 and not name.startswith("sigma") else lower[i]) <= value <= upper[i]:
            raise BadModel(f"The held {name} {value:g} is impossible", todo=f"Use {lower[i]:g} to {upper[i]:g}")
        for start in starts:
            start[i] = value
    sigma = None if counted else weights_of(y, noise, errors)
    problem = _Problem(kind, z, y, sigma, noise.gain or 1.0, free)
    found = None
    for start in starts:
        problem.base = start
        one = minimise(problem.residual, problem.jacobian, start[free], lower[free], upper[free],
                       max_evaluations=_EVALUATIONS, cancel=cancel)
        if found is None or one.cost < found.cost:
            found = one
    if found is None:
        raise NotDetermined("No layer is seen in this range")
    values = starts[0].copy()
    values[free] = found.x
    if values[4] < values[3]:
        raise NotDetermined("No layer is seen in this range: its bottom came out above its top",
                            todo="Choose a range with one layer and what lies on both sides of it")
    covariance, dof = np.zeros((len(names), len(names))), max(found.dof, 1)
    share = covariance_of(found, [name for name, one in zip(names, free, strict=True) if one])
    covariance[np.ix_(free, free)] = share * size_of(noise, errors, found.cost / dof)
    told_within(covariance, 0.5 * float(z[-1] - z[0]), range(3, len(names)))
    return LayerFit(kind, names, frozen_array(values), frozen_array(covariance), tuple(held),
                    found.cost / dof if noise.known else 1.0, found.verdict)


@dataclass(eq=False)
class _Problem:
    """Residuals and their derivatives by the free values."""

    kind: Kind
    z: FloatArray
    y: FloatArray
    sigma: FloatArray | None
    gain: float
    free: FloatArray
    base: FloatArray | None = None

    def whole(self, x: FloatArray) -> FloatArray:
        assert self.base is not None
        full = self.base.copy()
        full[self.free] = x
        return full

    def residual(self, x: FloatArray) -> FloatArray:
        model = _profile(self.kind, self.z, self.whole(x))
        if self.sigma is None:
            return deviance_residuals(self.y, model, self.gain)[0]
        return (self.y - model) / self.sigma

    def jacobian(self, x: FloatArray) -> FloatArray:
        full = self.whole(x)
        rows = _derivatives(self.kind, self.z, full)[self.free].T
        if self.sigma is None:
            return rows * deviance_residuals(self.y, _profile(self.kind, self.z, full), self.gain)[1][:, None]
        return -rows / self.sigma[:, None]


def _starts(
    kind: Kind, z: FloatArray, y: FloatArray, counted: bool, rougher: bool
) -> tuple[list[FloatArray], FloatArray, FloatArray]:
    """First values for narrow and for wide interfaces, and bounds."""
    ends = max(2, round(0.1 * y.size))
    before, after = float(np.mean(y[:ends])), float(np.mean(y[-ends:]))
    excess = y - np.interp(z, [z[0], z[-1]], [before, after])
    step, span = float(np.median(np.diff(z))), float(z[-1] - z[0])
    weight = np.gradient(z) * excess
    area = float(np.sum(weight))
    sign = 1.0 if area >= 0 else -1.0
    weight = np.maximum(sign * weight, 0.0)
    if not np.sum(weight) > 0:
        raise NotDetermined("No layer is seen in this range",
                            todo="Choose a range with one layer and what lies on both sides of it")
    running = np.cumsum(weight) / np.sum(weight)
    low, middle, high = (float(np.interp(q, running, z)) for q in (0.1, 0.5, 0.9))
    near = np.abs(z - middle) <= max(0.25 * (high - low), step)
    inside = float(np.mean(y[near])) if np.any(near) else float(y[np.argmax(sign * excess)])
    thickness = max((high - low) / 0.8, step)
    lengths = {"erf": 0, "mri": 2, "dowsett": 2}[kind]
    least = 0.0 if counted else -math.inf
    starts = []
    for factor in _WIDTHS:
        sigma = factor * max(0.15 * thickness, 0.5 * step)
        gauss = [sigma] * (2 if rougher else 1)
        starts.append(np.array([max(before, least), max(inside, least), max(after, least), middle - thickness / 2,
                                middle + thickness / 2, *([0.5 * sigma] * lengths), *gauss]))
    floors = [1e-3 * step] * lengths + [1e-2 * step] * (2 if rougher else 1)
    lower = np.array([least, least, least, z[0] - span, z[0] - span, *floors])
    upper = np.array([math.inf, math.inf, math.inf, z[-1] + span, z[-1] + span, *([span] * len(floors))])
    return starts, lower, upper


def _steps(kind: Kind, z: FloatArray, values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Steps of both interfaces."""
    top, bottom, *lengths = (float(value) for value in values[3:])
    count = len(LENGTHS[kind])
    lower = [*lengths[: count - 1], lengths[-1]]
    return _STEPS[kind](z - top, *lengths[:count]), _STEPS[kind](z - bottom, *lower)


def _profile(kind: Kind, z: FloatArray, values: FloatArray) -> FloatArray:
    before, inside, after = (float(value) for value in values[:3])
    up, down = _steps(kind, z, values)
    return before + (inside - before) * up + (after - inside) * down


def _derivatives(kind: Kind, z: FloatArray, values: FloatArray) -> FloatArray:
    """By every value, shape (k, n); for depths and lengths through differences of 1e-4 of the sum of lengths."""
    up, down = _steps(kind, z, values)
    rows = [1.0 - up, up - down, down]
    h = 1e-4 * float(np.sum(values[5:]))
    for i in range(3, values.size):
        more, less = values.copy(), values.copy()
        more[i] += h
        less[i] = values[i] - h if i < 5 else max(values[i] - h, 0.5 * values[i])
        rows.append((_profile(kind, z, more) - _profile(kind, z, less)) / (more[i] - less[i]))
    return np.array(rows)
