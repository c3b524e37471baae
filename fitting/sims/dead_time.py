"""Dead time of single-ion counting: correction of raw spectra, and signs of saturation in corrected ones.

References
----------
T. Stephan, J. Zehnpfenning, A. Benninghoven, J. Vac. Sci. Technol. A 12, 405 (1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from fitting.dataset import FloatArray
from libraries.errors import BadData

State = Literal["corrected", "counts", "unknown"]

# Fewer pulses than this left without an ion in a channel: the logarithm of their number is uncertain by more than 10 %.
FEWEST_FREE = 100.0
_LOW, _ENOUGH, _WHOLE = 50.0, 10, 1e-6


@dataclass(frozen=True, eq=False)
class DeadTimeCorrected:
    """Counts after the correction.

    Attributes
    ----------
    counts : array, shape (*navigation, n)
        Ions that reached the detector, estimated; where saturated, the raw counts.
    variance : array, shape (*navigation, n)
        Of `counts`; NaN where saturated.
    saturated : array of bool, shape (*navigation, n)
        Channels in which almost every live pulse held an ion, so that their number cannot be told.
    """

    counts: FloatArray
    variance: FloatArray
    saturated: np.ndarray


def state_of(counts: ArrayLike) -> State:
    """Whether numbers look like raw counts or like corrected ones.

    Parameters
    ----------
    counts : array
        Intensities of spectra or profiles, of any shape.

    Returns
    -------
    "counts", "corrected" or "unknown"
        "corrected" if most values between 0 and 50 are no integers, "counts" if all are, "unknown" if fewer than ten
        values lie there or it is neither. Corrected data that were rounded look like counts: what the file says goes
        before this.
    """
    values = np.asarray(counts, dtype=float).ravel()
    low = values[np.isfinite(values) & (values > 0) & (values < _LOW)]
    if low.size < _ENOUGH:
        return "unknown"
    whole = float(np.mean(np.abs(low - np.round(low)) <= _WHOLE))
    return "counts" if whole == 1.0 else "corrected" if whole < 0.5 else "unknown"


def correct_dead_time(
    counts: ArrayLike, pulses: ArrayLike, dead_channels: int, *, recorded: Literal["on", "off"] | None = None
) -> DeadTimeCorrected:
    """Poisson correction of raw counts for a dead time that is not extended by lost ions.

    Parameters
    ----------
    counts : array, shape (*navigation, n)
        Raw counts in consecutive channels of the recorder, without binning.
    pulses : float or array, shape (*navigation)
        Primary pulses behind each spectrum: pixels of the region times shots times scans.
    dead_channels : int
        Channels after a counted ion in which the detector is blind, 0 or more. The channel of the ion itself holds one
        ion a pulse at most.
    recorded : "on", "off" or None
        What the file says about a correction; None if it says nothing.

    Returns
    -------
    DeadTimeCorrected

    Raises
    ------
    BadData
        If the data are corrected already, negative or not finite, or there are fewer pulses than counts allow.

    Notes
    -----
    N'(c) = N - sum of I over c - t_d ... c - 1 pulses are live at channel c (c itself is not in the sum); a share
    p = I/N' of them counted an ion, so that -N ln(1 - p) arrived. The variance is N^2 p / ((1 - p) N').
    """
    raw = np.asarray(counts, dtype=float)
    number = np.asarray(pulses, dtype=float)[..., None]
    _check(raw, number, dead_channels, recorded)
    before = np.concatenate([np.zeros((*raw.shape[:-1], 1)), np.cumsum(raw, axis=-1)], axis=-1)
    at = np.arange(raw.shape[-1])
    live = number - (before[..., at] - before[..., np.maximum(at - dead_channels, 0)])
    if np.any(live < raw) or np.any(live <= 0):
        raise BadData("More ions are counted than the pulses and the dead time allow",
                      todo="Check the number of pulses (pixels x shots x scans) and the dead time")
    share = raw / live
    saturated = (live - raw < FEWEST_FREE) & (share > 0.5)
    p = np.where(saturated, 0.0, share)
    corrected = np.where(saturated, raw, -number * np.log1p(-p))
    variance = np.where(saturated, np.nan, number**2 * p / ((1.0 - p) * live))
    return DeadTimeCorrected(corrected, variance, saturated)


def _check(raw: FloatArray, number: FloatArray, dead_channels: int, recorded: str | None) -> None:
    if recorded == "on":
        raise BadData("These data are corrected for dead time already", todo="Nothing has to be done")
    if raw.ndim == 0 or raw.shape[-1] == 0 or not np.all(np.isfinite(raw)) or np.any(raw < 0):
        raise BadData("Raw counts must be numbers of zero or above")
    if np.any(np.abs(raw - np.round(raw)) > _WHOLE * np.maximum(1.0, raw)):
        raise BadData("These intensities are no raw counts: they are corrected, smoothed or scaled already",
                      todo="Correct the dead time where the raw counts are at hand, in the instrument's software")
    if not (np.all(np.isfinite(number)) and np.all(number > 0)):
        raise BadData("The number of primary pulses must be above zero")
    if int(dead_channels) != dead_channels or dead_channels < 0:
        raise BadData("The dead time is a whole number of channels, zero or above")


def ions_per_pulse(corrected: ArrayLike, pulses: float) -> FloatArray:
    """Mean number of ions of one line in a primary pulse, from corrected intensities; raises BadData."""
    if not pulses > 0:
        raise BadData("The number of primary pulses must be above zero")
    return np.asarray(corrected, dtype=float) / pulses


def saturated_lines(corrected: ArrayLike, pulses: float) -> np.ndarray:
    """Whether lines are too strong for the correction that was applied to them.

    A line within one dead time counts one ion a pulse. With lambda ions a pulse, N exp(-lambda) pulses stay without;
    below 100 of them, lambda = ln(N/100), the correction is an extrapolation.

    Parameters
    ----------
    corrected : array
        Corrected intensities of whole lines.
    pulses : float
        Primary pulses behind each of them.

    Returns
    -------
    array of bool
    """
    return ions_per_pulse(corrected, pulses) > math.log(max(pulses / FEWEST_FREE, 1.0))


@dataclass(frozen=True)
class IsotopeCheck:
    """Two isotope lines against their natural ratio.

    Attributes
    ----------
    ratio, error : float
        Measured minor/major and its standard deviation (counts alone).
    natural : float
    pull : float
        (ratio - natural)/error: well above 0 where the major line is saturated or the minor one overlapped.
    estimate : float
        Intensity of the major line that the minor one asks for.
    """

    ratio: float
    error: float
    natural: float
    pull: float
    estimate: float

    @property
    def saturated(self) -> bool:
        """Minor line too strong by more than 3 errors and by more than 5 %: saturation of the other, or overlap."""
        return self.pull > 3.0 and self.ratio > 1.05 * self.natural


def isotope_check(major: float, minor: float, natural: float) -> IsotopeCheck:
    """Compare the counts of a line and of its minor isotope with the natural ratio.

    Parameters
    ----------
    major, minor : float
        Counts (sums over a profile, or one spectrum), above zero.
    natural : float
        Minor/major in nature: `natural_fraction` of the one ion over that of the other.

    Returns
    -------
    IsotopeCheck

    Raises
    ------
    BadData
        If a number is not above zero.
    """
    if not (major > 0 and minor > 0 and natural > 0 and all(map(math.isfinite, (major, minor, natural)))):
        raise BadData("An isotope check needs counts above zero on both lines")
    ratio = minor / major
    error = ratio * math.sqrt(1.0 / major + 1.0 / minor)
    return IsotopeCheck(ratio, error, natural, (ratio - natural) / error, minor / natural)
