"""Where an interface lies in a depth profile, and how wide it is: 16-84 %, error function, MRI, Dowsett.

Depth stands for whatever the profile's axis is (nm, s, ions/cm2); lengths come out in its unit. A width in time is no
width in nm unless the sputter rate is the same on both sides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, isotonic_regression
from scipy.special import ndtr, ndtri

from fitting.dataset import FloatArray, Noise, frozen_array
from fitting.engine import minimise
from fitting.sims.interface_errors import covariance_of, told_within
from fitting.sims.response import dowsett_step, gauss_step, mri_step
from fitting.statistics import deviance_residuals, variance_of
from fitting.tape import Cancel
from libraries.errors import BadData, BadModel, NotDetermined

Kind = Literal["erf", "mri", "dowsett"]
Step = Callable[..., FloatArray]

LENGTHS: dict[str, tuple[str, ...]] = {
    "erf": ("sigma",), "mri": ("w", "lam", "sigma"), "dowsett": ("up", "down", "sigma"),
}
# Held until the analyst says otherwise: in SIMS the information depth is 0 to 0.4 nm (S. Hofmann, Surf. Interface Anal.
# 21, 673 (1994); from memory, unverified); no profile tells it from the rest. Where it is 0.4 nm the interface comes
# too early by 0.02, 0.13 or 0.25 nm with a mixing length of 2, 1 or 0.6 nm: no error holds that.
HELD_AT_FIRST: dict[str, tuple[tuple[str, float], ...]] = {"mri": (("lam", 0.0),)}
_STEPS: dict[str, Step] = {"erf": gauss_step, "mri": mri_step, "dowsett": dowsett_step}
_LOW, _HIGH = float(ndtr(-1.0)), float(ndtr(1.0))  # 15.87 and 84.13 %: one sigma to each side of an error function
_PLATEAU = 0.15  # share of the points at each end that is taken as plateau
_DRAWS = 200


@dataclass(frozen=True)
class Crossing:
    """An interface by its 16, 50 and 84 % depths.

    Attributes
    ----------
    position, position_error : float
        Depth of 50 % between the plateaus.
    width, width_error : float
        Distance of the depths of 16 and 84 %, 2 sigma of an error function.
    before, after : float
        Plateaus at smaller and at larger depth.
    """

    position: float
    position_error: float
    width: float
    width_error: float
    before: float
    after: float


@dataclass(frozen=True, eq=False)
class ResponseFit:
    """A fit of steps that a depth response blurs: named values with their errors.

    Attributes
    ----------
    kind : "erf", "mri" or "dowsett"
    names : tuple of str
    values : array, shape (k,)
    covariance : array, shape (k, k)
        0 for held values, NaN where it is not determined: on a bound, or values that the data cannot tell apart.
    held : tuple of str
    reduced_chi2 : float
        Deviance over degrees of freedom where the noise is known, 1 otherwise.
    status : str
        "converged", "at bound", "singular", "iteration limit", "not finite" or "cancelled".
    """

    kind: Kind
    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    held: tuple[str, ...]
    reduced_chi2: float
    status: str

    def value(self, name: str) -> float:
        """A value by its name; raises BadModel."""
        return float(self.values[self.index(name)])

    def error(self, name: str) -> float:
        """Standard deviation of a value, NaN where it is not determined; raises BadModel."""
        i = self.index(name)
        return float(np.sqrt(self.covariance[i, i]))

    def index(self, name: str) -> int:
        """Place of a value by its name; raises BadModel."""
        if name not in self.names:
            raise BadModel(f"This fit by {self.kind} has no '{name}'", todo=f"Use one of {', '.join(self.names)}")
        return self.names.index(name)


@dataclass(frozen=True, eq=False)
class InterfaceFit(ResponseFit):
    """A fitted interface: "before", "after" (plateaus), "position" (true depth of the sharp interface), lengths.

    Attributes
    ----------
    at_bound : tuple of str
        Values that ended on a bound.
    most : float
        Half of the range: the largest error that is told.
    """

    at_bound: tuple[str, ...] = ()
    most: float = math.inf

    def curve(self, depth: ArrayLike) -> FloatArray:
        """The fitted profile at depths."""
        return _profile(self.kind, np.asarray(depth, dtype=float), self.values)

    @property
    def width(self) -> float:
        """Distance of the 16 and 84 % depths of the fitted step."""
        return _width(self.kind, self.values)

    @property
    def width_error(self) -> float:
        """Standard deviation of `width` by propagation; NaN where lengths cannot be told apart.

        A length that ended at zero widens the curve in second order only. Where a length ended as long as the range, or
        the position as far outside of it, the width is not told by the data either.
        """
        if "position" in self.at_bound or any(self.value(name) > self.most for name in self.at_bound
                                              if name in self.names[3:]):
            return math.nan
        gradient = np.zeros(self.values.size)
        for i in range(3, self.values.size):
            if self.names[i] in self.held or self.names[i] in self.at_bound:
                continue
            h = 1e-4 * max(float(self.values[i]), 1e-3 * self.width)
            up, down = self.values.copy(), self.values.copy()
            up[i] += h
            down[i] = max(down[i] - h, 0.0)
            gradient[i] = (_width(self.kind, up) - _width(self.kind, down)) / (up[i] - down[i])
        used = gradient != 0
        if not np.any(used) and not set(self.names[3:]) <= set(self.held):
            return math.nan
        variance = float(gradient[used] @ self.covariance[np.ix_(used, used)] @ gradient[used])
        # The same rule as for every length: known no better than to half of the range is not determined.
        return math.sqrt(variance) if 0 <= variance <= self.most**2 else math.nan


def crossing(
    depth: ArrayLike,
    intensity: ArrayLike,
    noise: Noise,
    *,
    before: float | None = None,
    after: float | None = None,
    seed: int = 0,
) -> Crossing:
    """An interface by 16-84 %, without a model of its shape.

    Parameters
    ----------
    depth, intensity : array, shape (n,)
        A part of a profile with one interface: 10 points or more, depth ascending, plateaus at both ends.
    noise : Noise
        Of the intensities; of unknown size it is taken from the residuals of the monotone curve.
    before, after : float, optional
        Plateaus; else the means of the outer 15 % of the points at each end.
    seed : int
        Of the repeats behind the errors.

    Returns
    -------
    Crossing
        From the monotone curve nearest to the data, so that noise crosses a level once. Errors are the scatter over 200
        repeats with the noise drawn anew about that curve (parametric bootstrap).

    Raises
    ------
    BadData
        If the arrays do not fit together.
    NotDetermined
        If the plateaus do not differ or the range ends before 16 or 84 %.

    References
    ----------
    ISO 14606 (depth resolution of sputter profiles); R. E. Barlow et al., Statistical Inference under Order
    Restrictions (1972), for the monotone curve.
    """
    z, y = _checked(depth, intensity)
    rng = np.random.default_rng(seed)
    found, smooth = _crossed(z, y, before, after)
    sigma = _scatter(noise, smooth, y)
    draws = []
    for _ in range(_DRAWS):
        try:
            again, _ = _crossed(z, _drawn(noise, smooth, sigma, rng), before, after)
        except NotDetermined:
            continue
        draws.append((again[0], again[1]))
    if len(draws) < _DRAWS // 2:
        return Crossing(found[0], math.nan, found[1], math.nan, found[2], found[3])
    error = np.std(draws, axis=0, ddof=1)
    return Crossing(found[0], float(error[0]), found[1], float(error[1]), found[2], found[3])


def _crossed(
    z: FloatArray, y: FloatArray, before: float | None, after: float | None
) -> tuple[tuple[float, float, float, float], FloatArray]:
    """Position, width and plateaus, and the monotone curve."""
    ends = max(1, round(_PLATEAU * y.size))
    first = float(np.mean(y[:ends])) if before is None else before
    last = float(np.mean(y[-ends:])) if after is None else after
    if first == last:
        raise NotDetermined("The plateaus on both sides of the interface are equal")
    smooth = np.asarray(isotonic_regression(y, increasing=last > first).x)
    share = (smooth - first) / (last - first)
    if share[0] > _LOW or share[-1] < _HIGH:
        raise NotDetermined("The range does not reach from below 16 % to above 84 % of the step",
                            todo="Widen the range, or give the plateaus")
    low, middle, high = (_meets(z, share, level) for level in (_LOW, 0.5, _HIGH))
    return (middle, high - low, first, last), smooth


def _meets(z: FloatArray, share: FloatArray, level: float) -> float:
    """Depth at which a rising curve meets a level, between the last point below and the first one at or above."""
    i = int(np.argmax(share >= level))
    if i == 0:
        return float(z[0])
    slope = (share[i] - share[i - 1]) / (z[i] - z[i - 1])
    return float(z[i - 1] + (level - share[i - 1]) / slope)


def _scatter(noise: Noise, smooth: FloatArray, y: FloatArray) -> FloatArray:
    if noise.known:
        return np.sqrt(variance_of(noise, smooth, y))
    shape = np.sqrt(variance_of(noise, np.abs(smooth), y))
    return shape * float(np.sqrt(np.mean(((y - smooth) / shape) ** 2)))


def _drawn(noise: Noise, smooth: FloatArray, sigma: FloatArray, rng: np.random.Generator) -> FloatArray:
    if noise.kind == "poisson" and noise.gain is not None and noise.read_noise == 0:
        return noise.gain * rng.poisson(np.maximum(smooth, 0.0) / noise.gain)
    return smooth + sigma * rng.standard_normal(smooth.size)


def fit_interface(
    depth: ArrayLike,
    intensity: ArrayLike,
    kind: Kind,
    noise: Noise,
    *,
    errors: ArrayLike | None = None,
    held: Mapping[str, float] | None = None,
    cancel: Cancel | None = None,
) -> InterfaceFit:
    """Fit one interface between two plateaus.

    Parameters
    ----------
    depth, intensity : array, shape (n,)
        A part of a profile with one interface, depth ascending.
    kind : "erf", "mri" or "dowsett"
        The model of the step, see `fitting.sims.response`.
    noise : Noise
        Counts (Poisson) are fitted by their deviance, known variance by chi2, else least squares.
    errors : array, shape (n,), optional
        Of intensities that are no counts, above zero: weights in place of those of `noise` (whose measured zeros would
        weigh most). Where the residuals are larger, errors are multiplied by the root of chi2/dof.
    held : mapping of str to float, optional
        Values that stay: "lam" of a SIMS profile, "w" or "sigma" known from a reference sample, a plateau of 0.
    cancel : callable, optional

    Returns
    -------
    InterfaceFit
        The covariance is scaled by the residuals where the size of the noise is not known, and NaN for depths and
        lengths known no better than to half of the range. MRI and Dowsett need about ten points across the interface to
        tell their lengths apart; where they cannot, the status is "singular" or "at bound" and the error NaN. MRI with
        all three lengths free puts the position 0.6 of its error too deep, with an error up to 20 times too large:
        hold one (`HELD_AT_FIRST`).

    Raises
    ------
    BadData, BadModel
        If the arrays do not fit together, counts are negative, or a held value is unknown or impossible.
    NotDetermined
        If there are fewer points than free values, or no step is seen.
    """
    z, y = _checked(depth, intensity)
    if kind not in LENGTHS:
        raise BadModel(f"'{kind}' is no model of an interface", todo=f"Use one of {', '.join(LENGTHS)}")
    names = ("before", "after", "position", *LENGTHS[kind])
    held = dict(held or {})
    if unknown := set(held) - set(names):
        raise BadModel(f"A {kind} interface has no '{min(unknown)}'", todo=f"Use one of {', '.join(names)}")
    counted = noise.kind == "poisson" and noise.gain is not None and noise.read_noise == 0
    if counted and np.any(y < 0):
        raise BadData("Counts below zero cannot be fitted as counted data", todo="Use noise of unknown size")
    start, lower, upper = _start(kind, z, y, counted)
    for name, value in held.items():
        i = names.index(name)
        least = 0.0 if i > 2 and name != "sigma" else lower[i]
        if not least <= value <= upper[i]:
            raise BadModel(f"The held {name} {value:g} is impossible", todo=f"Use {least:g} to {upper[i]:g}")
        start[i] = value
    free = np.array([name not in held for name in names])
    if y.size <= np.count_nonzero(free):
        raise NotDetermined(f"{y.size} points for {np.count_nonzero(free)} free values", todo="Widen the range")
    sigma = None if counted else weights_of(y, noise, errors)

    def whole(x: FloatArray) -> FloatArray:
        full = start.copy()
        full[free] = x
        return full

    def residual(x: FloatArray) -> FloatArray:
        model = _profile(kind, z, whole(x))
        return deviance_residuals(y, model, noise.gain or 1.0)[0] if sigma is None else (y - model) / sigma

    def jacobian(x: FloatArray) -> FloatArray:
        rows = _derivatives(kind, z, whole(x))[free].T
        if sigma is None:
            return rows * deviance_residuals(y, _profile(kind, z, whole(x)), noise.gain or 1.0)[1][:, None]
        return -rows / sigma[:, None]

    found = minimise(residual, jacobian, start[free], lower[free], upper[free], cancel=cancel)
    covariance = np.zeros((len(names), len(names)))
    dof = max(found.dof, 1)
    share = covariance_of(found, [name for name, one in zip(names, free, strict=True) if one])
    covariance[np.ix_(free, free)] = share * size_of(noise, errors, found.cost / dof)
    told_within(covariance, 0.5 * float(z[-1] - z[0]), range(2, len(names)))
    ended = tuple(np.array(names)[free][found.at_bound].tolist())
    return InterfaceFit(kind, names, frozen_array(whole(found.x)), frozen_array(covariance), tuple(held),
                        found.cost / dof if noise.known else 1.0, found.verdict, ended,
                        0.5 * float(z[-1] - z[0]))


def thickness(top: InterfaceFit, bottom: InterfaceFit) -> tuple[float, float]:
    """Thickness of the layer between two fitted interfaces and its standard deviation (fits taken as independent)."""
    distance = bottom.value("position") - top.value("position")
    if not distance > 0:
        raise BadData("The bottom of a layer lies above its top", todo="Exchange the interfaces")
    return distance, math.hypot(top.error("position"), bottom.error("position"))


def weights_of(y: FloatArray, noise: Noise, errors: ArrayLike | None) -> FloatArray:
    """Standard errors that intensities which are no counts are weighed by, shape (n,).

    Raises
    ------
    BadData
        If given ones do not fit, or are not above zero.
    """
    if errors is None:
        return np.sqrt(variance_of(noise, np.maximum(y, 0.0), y))
    sigma = np.asarray(errors, dtype=float)
    if sigma.shape != y.shape or not (np.all(np.isfinite(sigma)) and np.all(sigma > 0)):
        raise BadData("Errors of intensities must be as many, and above zero")
    return sigma


def size_of(noise: Noise, errors: ArrayLike | None, chi2: float) -> float:
    """By what a covariance is multiplied: 1 for known noise, else chi2/dof; with given errors not less than 1.

    Amounts cut off at zero scatter less than their errors say, so that a chi2 below 1 is no sign of smaller errors.
    """
    if noise.known:
        return 1.0
    return chi2 if errors is None else max(chi2, 1.0)


def _checked(depth: ArrayLike, intensity: ArrayLike) -> tuple[FloatArray, FloatArray]:
    z, y = np.asarray(depth, dtype=float), np.asarray(intensity, dtype=float)
    if z.ndim != 1 or z.shape != y.shape or z.size < 5:
        raise BadData("An interface needs two columns of five points or more", todo="Widen the range")
    if not (np.all(np.isfinite(z)) and np.all(np.isfinite(y))) or np.any(np.diff(z) <= 0):
        raise BadData("Depths must ascend, and all numbers be finite")
    return z, y


def _start(kind: Kind, z: FloatArray, y: FloatArray, counted: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """First values and bounds from the monotone curve."""
    try:
        (position, width, before, after), _ = _crossed(z, y, None, None)
    except NotDetermined:
        raise NotDetermined("No step from one plateau to another is seen in this range",
                            todo="Choose a range with one interface and both plateaus") from None
    span, step = float(z[-1] - z[0]), float(np.median(np.diff(z)))
    sigma = max(0.5 * width, 0.25 * step)
    lengths = {"erf": (sigma,), "mri": (0.4 * sigma, 0.3 * sigma, 0.6 * sigma),
               "dowsett": (0.4 * sigma, 0.6 * sigma, 0.6 * sigma)}[kind]
    # Shorter than these parts of the distance of two points, no length changes the curve at a point.
    floors = [1e-3 * step] * (len(lengths) - 1) + [1e-2 * step]
    least = 0.0 if counted else -math.inf
    return (
        np.array([max(before, least), max(after, least), position, *lengths]),
        np.array([least, least, z[0] - span, *floors]),
        np.array([math.inf, math.inf, z[-1] + span, *([span] * len(lengths))]),
    )


def _profile(kind: Kind, z: FloatArray, values: FloatArray) -> FloatArray:
    before, after, position, *lengths = (float(value) for value in values)
    return before + (after - before) * _STEPS[kind](z - position, *lengths)


def _derivatives(kind: Kind, z: FloatArray, values: FloatArray) -> FloatArray:
    """By every value, shape (k, n); for position and lengths through differences of 1e-4 of the sum of lengths."""
    before, after = values[:2]
    share = _STEPS[kind](z - float(values[2]), *map(float, values[3:]))
    rows = [1.0 - share, share]
    h = 1e-4 * float(np.sum(values[3:]))
    for i in range(2, values.size):
        up, down = values.copy(), values.copy()
        up[i] += h
        down[i] = values[i] - h if i == 2 else max(values[i] - h, 0.0 if i < values.size - 1 else 0.5 * values[i])
        high = _STEPS[kind](z - float(up[2]), *map(float, up[3:]))
        low = _STEPS[kind](z - float(down[2]), *map(float, down[3:]))
        rows.append((after - before) * (high - low) / (up[i] - down[i]))
    return np.array(rows)


def _width(kind: Kind, values: FloatArray) -> float:
    lengths = [float(value) for value in values[3:]]
    if kind == "erf":
        return float(ndtri(_HIGH) - ndtri(_LOW)) * lengths[0]
    reach = 12.0 * sum(lengths)

    def depth(level: float) -> float:
        return float(brentq(lambda z: float(_STEPS[kind](z, *lengths)) - level, -reach, reach, xtol=1e-12 * reach))

    return depth(_HIGH) - depth(_LOW)
