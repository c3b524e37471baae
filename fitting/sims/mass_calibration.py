"""The mass scale of a time-of-flight spectrum: t = SF sqrt(m) + K0, from ions that the analyst names.

References
----------
F. M. Green, I. S. Gilmore, M. P. Seah, J. Am. Soc. Mass Spectrom. 17, 514 (2006): the law, its errors, the choice of
calibrants.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fitting.dataset import FloatArray, frozen_array
from libraries.errors import BadData, NotDetermined
from libraries.ion_list import Candidate, assign
from libraries.ions import Ion
from libraries.units import SIGMA_TO_FWHM

# Sodium-rich interphases, positive mode (Schaefer et al., Adv. Energy Mater. (2024)); the further ones, where they
# are seen, widen the range (the project's brief). Na+ is usually saturated and is left out.
SODIUM_CLUSTERS: tuple[str, ...] = ("Na2OH+", "Na2F+", "Na2CO3+")
SODIUM_CLUSTERS_FURTHER: tuple[str, ...] = ("Na3CO3+", "Na4F3+")
_WIDER, _LOSS = 1.5, 1.16  # width of the centroid's weights in widths of the line, and the variance that they cost
_ABOVE_HALF = 0.761  # share of a Gaussian line above half of its height: erf(sqrt(ln 2))
_LARGE_PULL = 3.0  # a residual above so many of its errors is spoken of


@dataclass(frozen=True)
class Calibrant:
    """A named line.

    Attributes
    ----------
    ion : Ion
    channel : float
        Centroid in channels.
    error : float or None
        Standard deviation of the centroid in channels, see `centroid_error`; None if not known.
    """

    ion: Ion
    channel: float
    error: float | None = None


@dataclass(frozen=True)
class Pick:
    """A line: centroid, full width at half maximum and error of the centroid in channels; counts above half maximum."""

    channel: float
    fwhm: float
    counts: float
    error: float


@dataclass(frozen=True, eq=False)
class MassCalibration:
    """The law between channel and m/z.

    Attributes
    ----------
    slope : float
        SF, channels per square root of m/z.
    offset : float
        K0, the channel of m/z 0.
    covariance : array, shape (2, 2)
        Of (slope, offset); NaN where it is not determined.
    calibrants : tuple of Calibrant
        Empty for a law read from a file.
    """

    slope: float
    offset: float
    covariance: FloatArray
    calibrants: tuple[Calibrant, ...] = ()

    def __post_init__(self) -> None:
        if not (math.isfinite(self.slope) and self.slope > 0 and math.isfinite(self.offset)):
            raise BadData(f"A mass scale with the slope {self.slope:g} and the offset {self.offset:g} is impossible",
                          todo="Check which ion belongs to which line")
        object.__setattr__(self, "covariance", frozen_array(self.covariance))

    def mz(self, channel: ArrayLike) -> Any:
        """m/z of channels: ((t - K0)/SF)^2; NaN before the channel of m/z 0."""
        root = (np.asarray(channel, dtype=float) - self.offset) / self.slope
        result = np.where(root >= 0, root * root, np.nan)
        return result if result.ndim else float(result)

    def channel(self, mz: ArrayLike) -> Any:
        """Channel (not rounded) of m/z; raises BadData for a negative m/z."""
        values = np.asarray(mz, dtype=float)
        if not np.all(values >= 0):
            raise BadData("An m/z below zero has no channel")
        result = self.slope * np.sqrt(values) + self.offset
        return result if result.ndim else float(result)

    def error(self, mz: ArrayLike) -> Any:
        """Standard deviation of m/z from the law alone: (2 sqrt(m)/SF) sqrt(dK0^2 + m dSF^2 + 2 sqrt(m) cov).

        NaN where it is not determined. The error of the line's own centroid comes on top.
        """
        root = np.sqrt(np.asarray(mz, dtype=float))
        c = self.covariance
        result = 2.0 * root / self.slope * np.sqrt(np.maximum(c[1, 1] + root**2 * c[0, 0] + 2.0 * root * c[0, 1], 0.0))
        return result if result.ndim else float(result)

    @property
    def residuals_ppm(self) -> FloatArray:
        """Calibrated less exact m/z of the calibrants in ppm, shape (n,)."""
        exact = np.array([one.ion.mz for one in self.calibrants])
        return (np.array([self.mz(one.channel) for one in self.calibrants]) / exact - 1.0) * 1e6

    @property
    def bracket(self) -> tuple[float, float] | None:
        """Lowest and highest m/z of the calibrants, None without any."""
        masses = [one.ion.mz for one in self.calibrants]
        return (min(masses), max(masses)) if masses else None

    def outside(self, mz: float) -> str:
        """A warning if an m/z lies outside the calibrants, "" otherwise."""
        if self.bracket is None or self.bracket[0] <= mz <= self.bracket[1]:
            return ""
        low, high = self.bracket
        error = self.error(mz) / mz * 1e6
        size = f"the law's error there is {error:.0f} ppm" if math.isfinite(error) else "its error is not known"
        return f"m/z {mz:.4f} lies outside the calibrants ({low:.3f} to {high:.3f}): {size}"

    @cached_property
    def warnings(self) -> tuple[str, ...]:
        """What is doubtful in the choice of calibrants, in the user's words."""
        found = []
        for one, ppm in zip(self.calibrants, self.residuals_ppm, strict=True):
            if set(dict(one.ion.elements)) == {"H"}:
                found.append(f"{one.ion} is a poor calibrant: hydrogen leaves with another energy")
            if one.ion.text == "Na+":
                found.append("Na+ is usually saturated, which shifts its centroid")
            pull = abs(ppm) * 1e-6 * one.ion.mz * self.slope / (2.0 * math.sqrt(one.ion.mz))
            if one.error and len(self.calibrants) > 2 and pull > _LARGE_PULL * one.error:
                times = pull / one.error
                told = f"{times:.1f}" if times < 100 else f"{times:.0f}"
                away = f"{ppm:+.0f}".replace("-", "−")
                found.append(f"{one.ion} lies {away} ppm off, {told} times its error: saturated, overlapped or "
                             "misnamed?")
        if len(self.calibrants) == 2:
            found.append("Two calibrants leave no residuals: add a third to check them")
        return tuple(found)


def calibrate(calibrants: Sequence[Calibrant]) -> MassCalibration:
    """Least squares of the channel on the square root of m/z.

    Parameters
    ----------
    calibrants : sequence of Calibrant
        Two at least, of one polarity and different m/z. Either all have an error, or errors are not used.

    Returns
    -------
    MassCalibration
        With known errors the covariance follows from them, and is widened by chi2/dof where that exceeds 1; without,
        it follows from the residuals, and two calibrants leave it undetermined.

    Raises
    ------
    BadData
        If there are fewer than two different masses, an ion is given twice, polarities are mixed, or a number is not
        finite.
    """
    if len({one.ion.polarity for one in calibrants}) > 1:
        raise BadData("Positive and negative calibrants are mixed", todo="Calibrate each polarity with its own ions")
    names = [one.ion.text for one in calibrants]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise BadData(f"{twice} is given twice", todo="Name each line once")
    roots = np.sqrt([one.ion.mz for one in calibrants])
    channels = np.array([one.channel for one in calibrants])
    if len(np.unique(roots)) < 2:
        raise BadData("A mass scale needs two ions of different m/z", todo="Name another line")
    known = all(one.error is not None for one in calibrants)
    errors = np.array([float(one.error) if one.error is not None and known else 1.0 for one in calibrants])
    if not (np.all(np.isfinite(channels)) and np.all(np.isfinite(errors)) and np.all(errors > 0)):
        raise BadData("The channel or error of a calibrant is not a number above zero")
    weights = errors**-2.0
    # About the weighted means the two parameters do not correlate, and no digits are lost.
    x0, t0 = np.average(roots, weights=weights), np.average(channels, weights=weights)
    x, t = roots - x0, channels - t0
    spread = float(np.sum(weights * x * x))
    slope = float(np.sum(weights * x * t)) / spread
    offset = float(t0 - slope * x0)
    variance = np.array([[1.0 / spread, -x0 / spread], [-x0 / spread, 1.0 / np.sum(weights) + x0 * x0 / spread]])
    dof = len(roots) - 2
    chi2 = float(np.sum(weights * (t - slope * x) ** 2))
    reduced = chi2 / dof if dof else math.nan
    scale = float(np.fmax(1.0, reduced)) if known else reduced
    return MassCalibration(slope, offset, variance * scale, tuple(calibrants))


def law_of_columns(channels: ArrayLike, mz: ArrayLike) -> tuple[MassCalibration, float]:
    """The law behind the channel and m/z columns of an exported spectrum.

    Parameters
    ----------
    channels, mz : array, shape (n,)
        Ascending.

    Returns
    -------
    MassCalibration
        Without errors: the columns are computed, not measured.
    float
        Largest distance between the columns and the law in u, which says whether they obey it.

    Raises
    ------
    BadData
        If fewer than three channels lie above m/z 0, or the columns do not ascend.
    """
    t, m = np.asarray(channels, dtype=float), np.asarray(mz, dtype=float)
    if t.shape != m.shape or t.ndim != 1:
        raise BadData("Channels and m/z are not two columns of one length")
    rising = np.ones(t.size, dtype=bool)
    rising[:-1] = np.diff(m) > 0  # before K0 the square falls
    use = rising & (m > 0)
    if np.count_nonzero(use) < 3 or np.any(np.diff(t) <= 0) or not np.all(np.isfinite(m)):
        raise BadData("These columns hold no mass scale", todo="Export channel and m/z of the whole spectrum")
    root = np.sqrt(m[use])
    # m is rounded alike everywhere, so that sqrt(m) is the sharper the larger it is.
    slope, offset = np.polyfit(root, t[use], 1, w=root)
    law = MassCalibration(float(slope), float(offset), np.full((2, 2), np.nan))
    return law, float(np.max(np.abs(((t - law.offset) / law.slope) ** 2 - m)))


def centroid_error(fwhm: float, counts: float, systematic: float = 0.0) -> float:
    """Standard deviation of a centroid: sqrt(FWHM^2/(5.545 N) + systematic^2), in the unit of the width.

    5.545 = 8 ln 2 turns the full width of a Gaussian into its variance; N are the counts of the line.
    """
    if not (fwhm > 0 and counts > 0):
        raise BadData("The error of a centroid needs a width and counts above zero")
    return math.hypot(fwhm / SIGMA_TO_FWHM / math.sqrt(counts), systematic)


def pick(channels: ArrayLike, counts: ArrayLike, at: float, reach: float) -> Pick:
    """The line that the analyst clicked: the highest within a reach, its centroid by weights that spare the tails.

    Parameters
    ----------
    channels, counts : array, shape (n,)
    at, reach : float
        In channels: look from at - reach to at + reach.

    Returns
    -------
    Pick
        The centroid is the fixed point of the mean weighted by a Gaussian 1.5 times as wide as the line (an M-estimator
        of location: P. J. Huber, Robust Statistics (1981), chapter 3), which tails and neighbours pull little; its
        variance is 1.16 times that of the plain mean of a Gaussian line. Lines narrower than two channels of a binned
        spectrum carry the error of the binning.

    Raises
    ------
    NotDetermined
        If nothing is counted there, or the line runs out of the spectrum.
    """
    t, y = np.asarray(channels, dtype=float), np.asarray(counts, dtype=float)
    inside = np.flatnonzero(np.abs(t - at) <= reach)
    if inside.size == 0 or not np.any(y[inside] > 0):
        raise NotDetermined(f"Nothing is counted within {reach:g} channels of {at:g}", todo="Click on a line")
    top = int(inside[np.argmax(y[inside])])
    half = 0.5 * y[top]
    below = np.flatnonzero(y < half)
    left, right = below[below < top], below[below > top]
    if left.size == 0 or right.size == 0:
        raise NotDetermined("The line runs out of the spectrum", where=f"channel {t[top]:g}")
    i, j = int(left[-1]), int(right[0])
    low = np.interp(half, [y[i], y[i + 1]], [t[i], t[i + 1]])
    high = np.interp(-half, [-y[j - 1], -y[j]], [t[j - 1], t[j]])
    fwhm, total = float(high - low), float(np.sum(y[i + 1 : j]))
    step = float(t[j] - t[j - 1])
    systematic = step / math.sqrt(12.0) if fwhm < 2.0 * step else 0.0
    plain = centroid_error(fwhm, total / _ABOVE_HALF)
    return Pick(_centre(t, y, 0.5 * (low + high), fwhm), fwhm, total, math.hypot(plain * math.sqrt(_LOSS), systematic))


def _centre(t: FloatArray, y: FloatArray, start: float, fwhm: float) -> float:
    """Fixed point of the weighted mean, see `pick`; never further from the start than a width."""
    scale = _WIDER * fwhm / SIGMA_TO_FWHM
    near = np.abs(t - start) <= 3.0 * fwhm
    t, y, centre = t[near], y[near], float(start)
    for _ in range(200):
        weights = y * np.exp(-0.5 * ((t - centre) / scale) ** 2)
        before, centre = centre, float(np.sum(t * weights) / np.sum(weights))
        if abs(centre - before) < 1e-6 * fwhm or abs(centre - start) > fwhm:
            break
    return float(np.clip(centre, start - fwhm, start + fwhm))


@dataclass(frozen=True)
class Suggestion:
    """A line that would improve the calibration.

    Attributes
    ----------
    calibrant : Calibrant
    ppm : float
        Its present residual.
    error_ppm : float
        Error at the target m/z that the law would then have.
    """

    calibrant: Calibrant
    ppm: float
    error_ppm: float


def further_calibrants(
    law: MassCalibration,
    lines: Sequence[Pick],
    among: Sequence[Candidate],
    target: float,
    *,
    tolerance: float,
    resolution: float,
) -> tuple[Suggestion, ...]:
    """Lines worth naming next, those that make the error at a target m/z smallest first.

    Parameters
    ----------
    law : MassCalibration
        The present one, with its calibrants.
    lines : sequence of Pick
        Lines of the spectrum that are not saturated.
    among : sequence of Candidate
        Of the spectrum's polarity.
    target : float
        m/z at which the scale is wanted.
    tolerance : float
        ppm within which the present law must already name the line.
    resolution : float
        m/dm of the instrument.

    Returns
    -------
    tuple of Suggestion
        Only lines of one possible name that are no calibrant yet and no bare hydrogen. The predicted error follows
        from the errors of the lines, not from their residuals: a misnamed line gains nothing by lying well.
    """
    present = [one for one in law.calibrants if one.error is not None]
    used = {(one.ion.isotopes, one.ion.charge) for one in law.calibrants}
    found = []
    for line in lines:
        try:
            named = assign(law.mz(line.channel), among, tolerance=tolerance, resolution=resolution)
        except (NotDetermined, BadData):
            continue
        ion = named.best.ion
        if named.ambiguous or (ion.isotopes, ion.charge) in used or set(dict(ion.elements)) == {"H"}:
            continue
        calibrant = Calibrant(ion, line.channel, line.error)
        found.append(Suggestion(calibrant, named.best.ppm, _design_error([*present, calibrant], law.slope, target)))
    return tuple(sorted(found, key=lambda one: (one.error_ppm, one.calibrant.ion.mz)))


def _design_error(calibrants: Sequence[Calibrant], slope: float, target: float) -> float:
    """Error in ppm at an m/z from the errors of the centroids alone; infinite for fewer than two masses."""
    roots = np.sqrt([one.ion.mz for one in calibrants])
    weights = np.array([float(one.error or math.inf) for one in calibrants]) ** -2.0
    mean = np.average(roots, weights=weights)
    spread = float(np.sum(weights * (roots - mean) ** 2))
    if not spread > 0:
        return math.inf
    root = math.sqrt(target)
    return 2e6 / (root * slope) * math.sqrt(1.0 / float(np.sum(weights)) + (root - mean) ** 2 / spread)
