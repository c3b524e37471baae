"""From sputter time to depth: one rate, the crater's depth, or a rate for each phase.

With rates r_k (nm/s) of phases whose shares of the sputtered surface are x_k(t), sum 1,

    z(t) = integral from 0 to t of sum_k x_k(t') r_k dt',

the linear mixing of rates; sharp phases that follow each other are its limit. Where the crater was measured, all rates
are multiplied by the same number so that z(end) is its depth.

Errors of rates and crater move the whole scale: they are fully correlated along the depth. So they are kept apart
(`DepthResult.parts`), and a thickness has the error of the difference, not of two independent depths.

References
----------
ISO 17109 (sputter rates of single-layer and multilayer reference films by sputter depth profiling).
Taylor, Graham and Castner (2015) correct depths phase by phase in this way; cited after the design notes, not read.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.constants import elementary_charge

from fitting.dataset import Axis, FloatArray, Spectrum, frozen_array
from fitting.sims.setup import DepthScale
from libraries.errors import BadData, BadModel, NotDetermined


@dataclass(frozen=True, eq=False)
class DepthResult:
    """Depths of the points of a profile.

    Attributes
    ----------
    time : array, shape (n,)
        s after the sputtering began; the number of the scan where no time is known.
    depth : array, shape (n,)
        nm.
    parts : array, shape (p, n)
        nm; what one standard error of each rate (or of the crater) moves each depth by. The sources are independent of
        each other, one source moves all depths together.
    rate : array, shape (n,)
        nm per unit of `time` at each point, after the scaling to the crater.
    scale : float
        By what given rates were multiplied to meet the crater, 1 where they were not.
    words : str
        How the depths came about.
    """

    time: FloatArray
    depth: FloatArray
    parts: FloatArray
    rate: FloatArray
    scale: float
    words: str

    def __post_init__(self) -> None:
        for name in ("time", "depth", "parts", "rate"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def stated(self) -> bool:
        """Whether any error of the scale was given."""
        return bool(self.parts.size)

    @property
    def error(self) -> FloatArray:
        """Standard error of each depth in nm, fully correlated along the depth; NaN where none was given."""
        if not self.stated:
            return np.full_like(self.depth, math.nan)
        return np.asarray(np.sqrt(np.sum(self.parts**2, axis=0)))

    def at(self, time: ArrayLike) -> FloatArray:
        """Depths in nm at times, in a straight line between points and from 0 to the first one."""
        return np.interp(np.asarray(time, dtype=float), *self._from_start(self.depth))

    def time_at(self, depth: float) -> float:
        """The time at which a depth was reached."""
        times, depths = self._from_start(self.depth)
        return float(np.interp(depth, depths, times))

    def error_at(self, depth: float) -> float:
        """Error in nm that the scale gives a depth; 0 where none was given."""
        return math.sqrt(float(np.sum(self._parts_at(depth) ** 2)))

    def error_between(self, first: float, second: float) -> float:
        """Error in nm that the scale gives the distance of two depths; 0 where none was given."""
        return math.sqrt(float(np.sum((self._parts_at(second) - self._parts_at(first)) ** 2)))

    def _from_start(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        if self.time[0] <= 0:
            return self.time, values
        return np.concatenate([[0.0], self.time]), np.concatenate([[0.0], values])

    def _parts_at(self, depth: float) -> FloatArray:
        time = self.time_at(depth)
        return np.array([np.interp(time, *self._from_start(part)) for part in self.parts])


def clock_of(spectrum: Spectrum) -> Axis:
    """The axis along which a profile or cube was sputtered: its time, else its scans.

    Raises
    ------
    BadData
        If it was not measured along a depth.
    """
    along = (*spectrum.navigation[:1], *spectrum.scales)
    for quantity in ("time", "scan"):
        for axis in along:
            if axis.quantity == quantity:
                return axis
    raise BadData("This measurement has neither sputter times nor scans", where=spectrum.name,
                  todo="Open a depth profile")


def depth_of(spectrum: Spectrum, scale: DepthScale, shares: ArrayLike | None = None, *,
             end: float | None = None) -> DepthResult | None:
    """Depths of a profile's points or a cube's scans; None where no scale was given.

    Parameters
    ----------
    spectrum : Spectrum
        A profile (points, ions) or a cube (scans, rows, columns, ions).
    scale : DepthScale
    shares : array, shape (n, k), optional
        Amounts of the phases, for a scale of the kind "phases".
    end : float, optional
        Time at which the crater was measured; by default that of the last point.

    Raises
    ------
    BadData, BadModel, NotDetermined
        As `depth_scale`, or if a rate is given and the profile has no times.
    """
    if scale.kind == "none":
        return None
    clock = clock_of(spectrum)
    if clock.quantity != "time" and scale.kind != "crater":
        raise BadData("Rates in nm/s need sputter times, and this measurement only counts scans",
                      where=spectrum.name, todo="Give the depth of the crater instead")
    return depth_scale(clock.values, scale, shares, end=end)


def depth_scale(time: ArrayLike, scale: DepthScale, shares: ArrayLike | None = None, *,
                end: float | None = None) -> DepthResult:
    """Depths at sputter times.

    Parameters
    ----------
    time : array, shape (n,)
        Ascending, in s from the begin of the sputtering, or numbers of scans (kind "crater" only).
    scale : DepthScale
    shares : array, shape (n, k)
        Amounts of the phases of `scale.phases`, zero or above; each row is divided by its sum.
    end : float, optional
        Time at which the crater was measured; by default the last one.

    Returns
    -------
    DepthResult
        Errors come from those of rates and crater only: shares are taken as exact, and so is the model of linear
        mixing.

    Raises
    ------
    BadModel
        If a rate or the crater's depth is missing or impossible.
    BadData
        If times and shares do not fit together.
    NotDetermined
        If no phase is seen at a point.
    """
    t = np.asarray(time, dtype=float)
    if t.ndim != 1 or t.size == 0 or not np.all(np.isfinite(t)) or np.any(np.diff(t) <= 0) or t[0] < 0:
        raise BadData("Sputter times must ascend from zero", todo="Look at the times of the file")
    last = float(t[-1]) if end is None else float(end)
    if scale.kind == "rate":
        _positive(scale.rate, "The sputter rate")
        _error(scale.rate_error, "The error of the sputter rate")
        return _straight(t, scale.rate, scale.rate_error, f"{scale.rate:g} nm/s at all depths", scale.note)
    if scale.kind == "crater":
        _crater(scale)
        if not last > 0:
            raise BadData("The profile ends before the sputtering began")
        words = f"one rate, crater of {scale.crater:g} nm at the last point"
        return _straight(t, scale.crater / last, scale.crater_error / last, words, scale.note)
    if scale.kind == "phases":
        return _by_phases(t, scale, shares, last)
    raise BadModel("No depth scale was given", todo="Give a rate, the crater's depth or rates of phases")


def sputter_rate(current: float, area: float, sputter_yield: float, density: float) -> float:
    """Sputter rate r = Y J/(n e) of a sputtering beam in nm/s.

    Parameters
    ----------
    current : float
        nA on the sample.
    area : float
        um^2 of the crater.
    sputter_yield : float
        Atoms an ion.
    density : float
        Atoms a nm^3.

    Raises
    ------
    BadModel
        If a number is not above zero.
    """
    for value, what in ((current, "The current"), (area, "The area"), (sputter_yield, "The yield"),
                        (density, "The density of atoms")):
        _positive(value, what)
    ions = current * 1e-9 / elementary_charge  # 1/s
    return sputter_yield * ions / (area * 1e6 * density)


def _straight(t: FloatArray, rate: float, error: float, words: str, note: str) -> DepthResult:
    parts = error * t[None, :] if error > 0 else np.zeros((0, t.size))
    return DepthResult(t, rate * t, parts, np.full(t.size, rate), 1.0, f"{words} ({note})" if note else words)


def _by_phases(t: FloatArray, scale: DepthScale, shares: ArrayLike | None, end: float) -> DepthResult:
    """Depth from one rate a phase: linear in the rates, so that errors propagate exactly."""
    if not scale.phases:
        raise BadModel("No phase has a rate", todo="Choose a factor analysis and give a rate for each factor")
    if shares is None:
        raise BadModel("The shares of the phases are not known", todo="Choose a factor analysis of this profile")
    x = np.asarray(shares, dtype=float)
    if x.shape != (t.size, len(scale.phases)):
        raise BadData(f"Shares of {x.shape} do not fit {t.size} points and {len(scale.phases)} phases",
                      todo="Repeat the factor analysis")
    if not np.all(np.isfinite(x)) or np.any(x < 0):
        raise BadData("Shares of phases must be zero or above")
    total = x.sum(axis=1)
    if np.any(total <= 0):
        raise NotDetermined(f"No phase is seen at point {int(np.argmax(total <= 0)) + 1}",
                            todo="Leave the empty points out (Process > Keep a range)")
    x = x / total[:, None]
    for phase in scale.phases:
        _positive(phase.rate, f"The rate of {phase.phase}")
        _error(phase.error, f"The error of the rate of {phase.phase}")
    rates = np.array([phase.rate for phase in scale.phases])
    errors = np.array([phase.error for phase in scale.phases])
    # Before the first point the first shares hold; between points the trapezoid.
    steps = np.diff(t)[:, None] * 0.5 * (x[1:] + x[:-1])
    spent = np.concatenate([x[:1] * t[0], x[:1] * t[0] + np.cumsum(steps, axis=0)])  # s a phase, (n, k)
    depth, factor = spent @ rates, 1.0
    gradients = spent * errors  # (n, k)
    words = f"{len(rates)} rates of phases"
    if scale.crater > 0:
        _crater(scale)
        if end > t[-1] * (1 + 1e-9):
            raise BadData("The crater was measured after the last point that is left of the profile",
                          todo="Undo the step that cut the profile's end, or leave the crater out")
        at_end = float(depth[-1])
        factor = scale.crater / at_end
        # z = Z s(t).r/s(end).r: the common error of all rates drops out, the crater's moves everything.
        gradients = factor * (gradients - np.outer(depth / at_end, gradients[-1]))
        gradients = np.column_stack([gradients, scale.crater_error * depth / at_end])
        depth = factor * depth
        words += f", multiplied by {factor:.4g} to meet the crater of {scale.crater:g} nm"
    parts = gradients.T[np.any(gradients != 0, axis=0)]
    return DepthResult(t, depth, parts, factor * (x @ rates), factor,
                       f"{words} ({scale.note})" if scale.note else words)


def _crater(scale: DepthScale) -> None:
    _positive(scale.crater, "The depth of the crater")
    _error(scale.crater_error, "The error of the crater's depth")


def _positive(value: float, what: str) -> None:
    if not (math.isfinite(value) and value > 0):
        raise BadModel(f"{what} must be above zero, not {value:g}")


def _error(value: float, what: str) -> None:
    if not (math.isfinite(value) and value >= 0):
        raise BadModel(f"{what} must be zero or above, not {value:g}")
