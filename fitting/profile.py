"""Confidence intervals by profile likelihood.

Where errors are not symmetric (weak peaks, overlaps, bounds) the covariance is too simple. Here a parameter is driven
away from its fitted value, everything else is fitted again, and the interval ends where the statistic has risen by the
quantile of chi2 for one degree of freedom, or by a threshold from simulated spectra (`fitting.calibration`).

The signed root of that rise is nearly a straight line and is followed by Newton's method (`fitting.profile_curve` gives
it with its slope).

References
----------
D. J. Venzon, S. H. Moolgavkar, Appl. Statist. 37, 87 (1988); D. M. Bates, D. G. Watts, Nonlinear Regression Analysis
and Its Applications (1988), section 6.1, for the signed root and for unknown variance.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from fitting.dataset import FloatArray, Spectrum
from fitting.model import FitModel
from fitting.profile_curve import BetterMinimum, Cancel, Curve, Point
from fitting.result import FitResult
from libraries.errors import BadModel, NotDetermined

LEVELS = (0.6826895, 0.95)

Progress = Callable[[float, str], None]
End = Literal["crossing", "bound", "infinite", "not found"]

_CLOSE = 0.01  # how near to the level (as root of the rise) a refit must come; Newton's last step does the rest
_REFITS = 40  # for one end; the third is usually the last
_FAR = 1e5  # standard errors beyond which an interval without bounds is infinite


@dataclass(frozen=True)
class Interval:
    """An interval of one parameter.

    Attributes
    ----------
    level : float
        Confidence, 0 to 1.
    low, high : float
        Infinite where the statistic never rises that far and no bound ends it; NaN where a refit did not converge.
    low_end, high_end : "crossing", "bound", "infinite" or "not found"
        What ends it: the statistic, a bound of the model, nothing, or a refit that did not converge.
    """

    level: float
    low: float
    high: float
    low_end: End = "crossing"
    high_end: End = "crossing"


@dataclass(frozen=True)
class Profile:
    """The intervals of one parameter, one a level, and the model's evaluations that they took."""

    name: str
    value: float
    intervals: tuple[Interval, ...]
    evaluations: int


@dataclass(frozen=True, eq=False)
class Profiles:
    """What profiling found.

    Attributes
    ----------
    profiles : tuple of Profile
        Of the parameters asked for; only those finished before a better minimum was met.
    better : FitModel or None
        A model that fits better than the fit, met on the way: the fit was not the minimum. Fit again from here.
    better_deviance : float
        Its statistic, to be held against the fit's; NaN without one.
    evaluations : int
    """

    profiles: tuple[Profile, ...]
    better: FitModel | None = None
    better_deviance: float = math.nan
    evaluations: int = 0

    def __getitem__(self, name: str) -> Profile:
        for profile in self.profiles:
            if profile.name == name:
                return profile
        raise BadModel(f"There are no intervals of {name}")


def profile(
    spectrum: Spectrum,
    result: FitResult,
    names: Sequence[str] = (),
    levels: Sequence[float] = LEVELS,
    *,
    thresholds: Mapping[str, Sequence[float]] | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Profiles:
    """Profile-likelihood intervals.

    With known noise an interval ends where the statistic has risen by the quantile of chi2 for one degree of freedom
    (times the factor for correlated channels). With unknown noise the rise is divided by the residuals' variance (for
    counts of unknown gain: by the dispersion) and held against F for 1 and n - k degrees of freedom, which is exact for
    linear models. Counts with read noise keep the variance of the fit while the parameter is driven.

    A background that is taken from the data counts as exact: where its noise matters, use `fitting.bootstrap`. The
    quantile of chi2 is that of many counts: `tests/fitting/test_coverage.py` measures how weak a peak may be for it.
    For weaker ones, pass the thresholds of `fitting.calibration.calibrated_thresholds`.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted, after its recipe.
    result : FitResult
    names : sequence of str
        Parameters by full name, free or linked; all free ones by default. One on its bound has an interval too.
    levels : sequence of float
        Confidence levels between 0 and 1.
    thresholds : mapping of str to sequence of float, optional
        By parameter, how far the scaled statistic may rise, one number a level, instead of the quantiles.
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional

    Raises
    ------
    NotDetermined
        If the fit is no proper minimum or of other data.
    BadModel
        If a name is held or unknown, a level is no probability, or a threshold is missing or below zero.
    Cancelled
    """
    if not result.success:
        raise NotDetermined("Intervals need a converged fit", where=result.model.name, todo="Fit the region first")
    if result.data_hash and result.data_hash != spectrum.hash:
        raise NotDetermined("The fit is of other data", where=result.model.name, todo="Fit the region first")
    if not all(0 < level < 1 for level in levels):
        raise BadModel("A confidence level lies between 0 and 1", where=", ".join(map(str, levels)))
    curve = Curve(spectrum, result, cancel)
    wanted = tuple(names) or result.free
    for name in wanted:
        curve.check(name)
    roots = {name: _roots(curve, name, levels, thresholds) for name in wanted}
    found: list[Profile] = []
    try:
        for number, name in enumerate(wanted):
            if progress is not None:
                progress(number / len(wanted), f"Interval of {name}")
            found.append(_profiled(curve, name, levels, roots[name]))
    except BetterMinimum as better:
        return Profiles(tuple(found), curve.model_at(better.x), better.cost, curve.evaluations)
    if progress is not None:
        progress(1.0, "Intervals")
    return Profiles(tuple(found), evaluations=curve.evaluations)


def _roots(
    curve: Curve, name: str, levels: Sequence[float], thresholds: Mapping[str, Sequence[float]] | None
) -> list[float]:
    """How far the root of the rise may come, one number a level."""
    if thresholds is None:
        return [curve.root_at(level) for level in levels]
    if name not in thresholds:
        raise BadModel("There is no threshold of this parameter", where=name, todo="Calibrate it, too")
    given = tuple(thresholds[name])
    if len(given) != len(levels) or getattr(thresholds, "levels", tuple(levels)) != tuple(levels):
        raise BadModel("The thresholds are for other levels", where=name, todo="Ask for those that were calibrated")
    if not all(0.0 <= threshold < math.inf for threshold in given):
        raise BadModel("A threshold is a number of 0 or more", where=name)
    return [math.sqrt(threshold) for threshold in given]


def _profiled(curve: Curve, name: str, levels: Sequence[float], roots: Sequence[float]) -> Profile:
    before = curve.evaluations
    order = sorted(range(len(levels)), key=lambda i: roots[i])
    sides: dict[int, list[tuple[float, End]]] = {}
    for sign in (-1, 1):
        walk = _Walk(curve, name, sign)
        ends = {i: walk.end(roots[i]) for i in order}
        sides[sign] = [ends[i] for i in range(len(levels))]
    intervals = tuple(
        Interval(level, low, high, low_end, high_end)
        for level, (low, low_end), (high, high_end) in zip(levels, sides[-1], sides[1], strict=True)
    )
    return Profile(name, float(curve.values[curve.row(name)]), intervals, curve.evaluations - before)


class _Walk:
    """The way from the fit to one side; levels must be asked for in ascending order."""

    def __init__(self, curve: Curve, name: str, sign: int) -> None:
        self.curve, self.name, self.sign = curve, name, sign
        self.error, self.follow = curve.direction(name)
        value = float(curve.values[curve.row(name)])
        self.points = [Point(value, 0.0, 1.0 / self.error, curve.x)]
        self.stopped: End | None = None

    def end(self, root: float) -> tuple[float, End]:
        """Where the root of the rise reaches `root`, and what ends the interval there."""
        if not math.isfinite(self.error):
            return self._unfelt()
        for _ in range(_REFITS):
            inner, outer = self._bracket(root)
            near = min(self.points, key=lambda p: abs(p.root - root))
            if abs(near.root - root) <= _CLOSE and near.root > 0 and near.slope > 0:
                return near.value + self.sign * (root - near.root) / near.slope, "crossing"
            if outer is not None and abs(outer.value - inner.value) <= 1e-6 * self.error:
                return outer.value, "crossing"  # the statistic jumps: another minimum takes over there
            if outer is None and self.stopped is not None:
                return self._stop(inner)
            self._step(root, inner, outer)
        return math.nan, "not found"

    def _bracket(self, root: float) -> tuple[Point, Point | None]:
        """The nearest point beyond the level, None where none is yet, and the one before it."""
        inner = self.points[0]
        for point in sorted(self.points, key=lambda p: self.sign * p.value):
            if point.root >= root:
                return inner, point
            inner = point
        return inner, None

    def _step(self, root: float, inner: Point, outer: Point | None) -> None:
        """One more refit, where the root is expected or further out."""
        begin = self.points[0].value
        near = inner if outer is None or root - inner.root < outer.root - root else outer
        ahead = math.inf if near.slope <= 0 else (root - near.root) / near.slope
        if outer is None:
            last = abs(inner.value - begin)
            distance = self.sign * (inner.value - begin) + min(ahead, max(2.0 * root * self.error, 2.0 * last))
        else:
            low, high = (self.sign * (p.value - begin) for p in (inner, outer))
            distance = self.sign * (near.value - begin) + ahead
            margin = 0.02 * (high - low)
            if not low + margin < distance < high - margin:
                share = (root - inner.root) / (outer.root - inner.root)
                distance = low + min(max(share, 0.1), 0.9) * (high - low)
        target = begin + self.sign * distance
        local = min(1.0 / near.slope, self.error) if near.slope > 0 else self.error
        point = self.curve.refit(self.name, target, self._start(target, near), root, local, self.sign)
        if point is None:
            self.stopped = "not found"
            if outer is not None:  # inside a bracket there is no way round a place where nothing converges
                self.points = [p for p in self.points if p is not outer]
            return
        moved = self.sign * (point.value - inner.value)
        if outer is None and moved <= 1e-6 * self.error:
            self.stopped = "bound"
        elif outer is None and abs(point.value - begin) > _FAR * self.error:
            self.stopped = "infinite"
        self.points.append(point)

    def _start(self, target: float, near: Point) -> FloatArray:
        """Where the free numbers are expected at a target: along the last two refits, at first along the fit's line."""
        if near is self.points[0] or len(self.points) < 2:
            return near.x + self.follow * (target - near.value)
        other = min((p for p in self.points if p is not near), key=lambda p: abs(p.value - near.value))
        if other.value == near.value:
            return near.x
        share = (target - near.value) / (near.value - other.value)
        return near.x + min(max(share, -2.0), 2.0) * (near.x - other.x)

    def _stop(self, inner: Point) -> tuple[float, End]:
        if self.stopped == "infinite":
            return self.sign * math.inf, "infinite"
        if self.stopped == "bound":
            return max(self.points, key=lambda p: self.sign * p.value).value, "bound"
        return math.nan, "not found"

    def _unfelt(self) -> tuple[float, End]:
        """The data do not feel the parameter: it runs from bound to bound."""
        curve = self.curve
        if self.name in curve.parameters.free and not curve.result.model.params[self.name].link:
            at = curve.parameters.free.index(self.name)
            edge = float((curve.lower if self.sign < 0 else curve.upper)[at])
            return (edge, "bound") if math.isfinite(edge) else (edge, "infinite")
        return math.nan, "not found"
