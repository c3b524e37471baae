"""t/lambda = ln(It/I0) of spectra and images, with the zero-loss area taken in several ways beside each other.

Where the zero-loss peak ends is a choice, and it matters more than the counting: every way that works is reported, the
chosen one with its error of counting and the spread among all of them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum
from fitting.eels import separation
from fitting.eels.thickness import relative_thickness
from fitting.eels.zero_loss import FAULTS, locate
from fitting.image.maps import Map
from fitting.solver import Cancel, Progress
from fitting.statistics import estimate_noise
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError

Way = Literal["minimum", "minimum of J/E", "inflexion", "mirrored tail", "fitted", "vacuum reference", "by hand"]
WAYS: tuple[tuple[Way, str], ...] = (
    ("minimum", "First minimum of the intensity, where there is none of intensity over energy"),
    ("minimum of J/E", "First minimum of intensity over energy"),
    ("inflexion", "Where the falling flank of the peak bends most slowly"),
    ("mirrored tail", "Left tail reflected beyond the inflexion"),
    ("fitted", "Pseudo-Voigt peak with a width for either side, fitted up to the first minimum"),
    ("vacuum reference", "Peak measured without specimen, scaled"),
    ("by hand", "Everything below a chosen energy"),
)
SOURCE = "R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), section 5.1"
_RISE = 4.0  # standard errors by which the intensity must rise again behind a minimum
_FAR = 3.0  # eV from 0 at which a highest peak is doubted as the zero loss
_FLAT_ENOUGH = 0.01  # losses beyond the axis above this share of the spectrum are spoken of
NO_LOSS = 5
LEGEND = (*FAULTS.items(), (NO_LOSS, "the spectrum holds no more than its zero-loss peak"))


@dataclass(frozen=True)
class Estimate:
    """One value of t/lambda.

    Attributes
    ----------
    way : str
    value, error : float
        The error is that of counting alone; NaN where the gain of the detector cannot be told.
    zero_loss, total : float
        I0 and It in counts.
    limit : float
        Energy above the peak up to which all counts are zero loss, eV.
    """

    way: Way
    value: float
    error: float
    zero_loss: float
    total: float
    limit: float


@dataclass(frozen=True)
class LogRatio:
    """t/lambda of one spectrum.

    Attributes
    ----------
    chosen : Estimate
    others : tuple of Estimate
        Every other way that works here.
    failures : tuple of (way, reason)
    beyond : float
        How much losses beyond the axis would add if they fall as E^-3 (free electrons).
    warnings : tuple of str
    """

    chosen: Estimate
    others: tuple[Estimate, ...]
    failures: tuple[tuple[str, str], ...]
    beyond: float
    warnings: tuple[str, ...]

    @property
    def spread(self) -> tuple[float, float]:
        """Lowest and highest of all ways."""
        values = [self.chosen.value, *(one.value for one in self.others)]
        return min(values), max(values)

    @property
    def systematic(self) -> float:
        """Half the range of all ways; NaN where there is one alone."""
        low, high = self.spread
        return 0.5 * (high - low) if self.others else math.nan

    @property
    def error(self) -> float:
        """Half the range of all ways together with the counting error of the chosen one; NaN where neither is known."""
        parts = [part for part in (self.systematic, self.chosen.error) if math.isfinite(part)]
        return math.hypot(*parts) if parts else math.nan


def gain_of(spectrum: Spectrum) -> float:
    """Counts per electron: as known, else from the scatter of neighbouring channels; NaN where neither tells."""
    noise = spectrum.noise
    if noise.kind == "poisson" and noise.gain is not None:
        return noise.gain
    try:
        found = estimate_noise(spectrum.with_(counts=np.maximum(spectrum.y, 0.0)))
    except BadData:
        return math.nan
    return float(found.gain or math.nan)


def first_minimum(energy: FloatArray, counts: FloatArray, gain: float = 1.0) -> float:
    """The first minimum of the smoothed intensity right of the peak; that of J/E where J itself only falls.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    gain : float
        Counts per electron, which says how much a minimum scatters.

    Raises
    ------
    NotDetermined
        If there is neither.
    """
    by_ratio = separation.split_energy(energy, counts, "minimum")
    peak = locate(energy, counts)
    centre, width = float(peak.position), float(peak.fwhm)
    step = float(np.mean(np.diff(energy)))
    # Means over a peak's width; a minimum is left where they have risen by more than their scatter.
    span = max(3, round(width / step) | 1)
    smooth = np.convolve(counts, np.full(span, 1.0 / span), mode="same")
    inside = np.flatnonzero((energy > centre + 1.5 * width) & (energy <= by_ratio + 2.0 * width))
    if inside.size < 3:
        return by_ratio
    course = smooth[inside]
    lowest = np.minimum.accumulate(course)
    scatter = np.sqrt(2.0 * max(gain, 0.0) * np.maximum(lowest, 0.0) / span)
    left = np.flatnonzero(course > lowest + _RISE * scatter)
    if not left.size or lowest[left[0]] > 0.05 * float(peak.height):
        return by_ratio
    return min(float(energy[inside[int(np.argmin(course[: left[0] + 1]))]]), by_ratio)


def separated(
    spectrum: Spectrum, way: Way = "minimum", *, limit: float | None = None, reference: Spectrum | None = None
) -> separation.Separation:
    """Zero-loss peak and losses of one spectrum; arguments as of `log_ratio`."""
    e, y = spectrum.x, spectrum.y
    gain = gain_of(spectrum)
    gain = gain if math.isfinite(gain) else 1.0
    if way == "by hand":
        if limit is None:
            raise NotDetermined("The end of the zero-loss peak is not chosen", where="t/λ", todo="Enter an energy")
        return separation.cut(e, y, float(locate(e, y).position) + limit, gain=gain)
    if way in ("inflexion", "mirrored tail"):
        end = separation.split_energy(e, y, "inflexion")
        return (separation.cut if way == "inflexion" else separation.mirrored_tail)(e, y, end, gain=gain)
    if way == "minimum of J/E":
        return separation.cut(e, y, separation.split_energy(e, y, "minimum"), gain=gain)
    end = first_minimum(e, y, gain)
    if way == "minimum":
        return separation.cut(e, y, end, gain=gain)
    if way == "fitted":
        return separation.fitted(e, y, end, gain=gain)
    if reference is None:
        raise NotDetermined("There is no spectrum of the vacuum", where="t/λ", todo="Choose one")
    return separation.vacuum_reference(e, y, reference.x, reference.y, end, gain=gain)


def log_ratio(
    spectrum: Spectrum, way: Way = "minimum", *, limit: float | None = None, reference: Spectrum | None = None
) -> LogRatio:
    """t/lambda of one spectrum by the chosen way, and by all others that work.

    Parameters
    ----------
    spectrum : Spectrum
        A single low-loss spectrum with its zero-loss peak.
    way : str
        A key of `WAYS`.
    limit : float, optional
        For the way "by hand": eV above the peak.
    reference : Spectrum, optional
        Measured without specimen, for "vacuum reference".

    Raises
    ------
    NotDetermined, BadData
        If the chosen way fails, with its reason.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), section 5.1.
    """
    if spectrum.x[0] > 0.0 or spectrum.x[-1] < 0.0:
        raise NotDetermined(f"The axis from {spectrum.x[0]:g} to {spectrum.x[-1]:g} eV does not hold 0 eV, so that its "
                            "highest peak need not be the zero loss", where=spectrum.name,
                            todo="Take the low loss of this scan, or set the energy scale on the page Zero loss")
    peak = locate(spectrum.x, spectrum.y)
    gain, total = gain_of(spectrum), float(np.sum(spectrum.y))
    found: dict[str, Estimate] = {}
    failures: list[tuple[str, str]] = []
    for name, _ in WAYS:
        if name != way and ((name == "by hand" and limit is None) or (name == "vacuum reference" and not reference)):
            continue
        try:
            known = gain if math.isfinite(gain) else 1.0
            parts = separated(spectrum, name, limit=limit, reference=reference)
            area, end = parts.area, parts.limit
            value, error = relative_thickness(area, total, gain=known)
        except SodaliteError as error_:
            if name == way:
                raise
            failures.append((name, str(error_)))
            continue
        error = float(error) if math.isfinite(gain) else math.nan
        found[name] = Estimate(name, float(value), error, area, total, end - float(peak.position))
    chosen = found.pop(way)
    beyond = _beyond(spectrum, total, float(peak.position))
    warnings = _doubts(spectrum, float(peak.position), float(peak.fwhm), total)
    if beyond > _FLAT_ENOUGH * max(chosen.value, 0.1):
        warnings.append(f"Losses beyond the end of the axis at {spectrum.x[-1]:.0f} eV are not counted; if they fall "
                        f"as E⁻³ they would add {beyond:.3f}")
    return LogRatio(chosen, tuple(found.values()), tuple(failures), beyond, tuple(warnings))


def _doubts(spectrum: Spectrum, position: float, width: float, total: float) -> list[str]:
    """What makes the areas doubtful: a peak that is no zero loss, and what was subtracted too much."""
    warnings = []
    if abs(position) > max(_FAR, width):
        warnings.append(f"The highest peak lies at {position:.1f} eV: if it is no zero loss, t/λ means nothing. "
                        "Align it on the page Zero loss")
    below = spectrum.y[spectrum.y < 0]
    if below.size:
        warnings.append(f"{below.size} of {spectrum.x.size} channels hold negative counts, together "
                        f"{-100.0 * float(np.sum(below)) / total:.2g} % of all: is the dark correction right?")
    return warnings


def _beyond(spectrum: Spectrum, total: float, centre: float) -> float:
    """What an E^-3 tail beyond the axis would add to ln It."""
    n = max(len(spectrum.axis) // 20, 2)
    last = max(float(np.mean(spectrum.y[-n:])), 0.0)
    end = float(spectrum.x[-1]) - centre
    return math.log1p(last * end / (2.0 * spectrum.axis.step) / total) if total > 0 and end > 0 else 0.0


def thickness_map(
    spectrum: Spectrum, way: Way = "minimum", *, limit: float | None = None, reference: Spectrum | None = None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Map:
    """t/lambda of every pixel of an image.

    The end of the zero-loss peak, and what of the peak lies beyond it, are taken from the sum of all pixels; each pixel
    then has its own peak position and areas.

    Parameters
    ----------
    spectrum : Spectrum
        An image or series of low-loss spectra.

    Returns
    -------
    Map
        Errors are those of counting; pixels without a usable peak are NaN with a flag.
    """
    if not spectrum.navigation:
        raise BadData("This is a single spectrum", where=spectrum.name, todo="Choose an image or a series")
    overall = spectrum.summed()
    best = log_ratio(overall, way, limit=limit, reference=reference).chosen
    gain = gain_of(overall)
    areas = _PixelAreas(spectrum.x, best, overall)
    values, errors = np.full(spectrum.pixels, np.nan), np.full(spectrum.pixels, np.nan)
    flags = np.zeros(spectrum.pixels, np.uint8)
    for start, stop, rows in spectrum.pieces():
        if cancel is not None and cancel():
            raise Cancelled
        zero, total, fault = areas(rows)
        good = (fault == 0) & (zero > 0) & (total > zero)
        flags[start:stop] = np.where(good, 0, np.where(fault > 0, fault, NO_LOSS))
        if good.any():
            ratio, error = relative_thickness(zero[good], total[good], gain=gain if math.isfinite(gain) else 1.0)
            values[start:stop][good] = ratio
            errors[start:stop][good] = error if math.isfinite(gain) else np.nan
        if progress is not None:
            progress(stop / spectrum.pixels, f"{stop} of {spectrum.pixels} pixels")
    shape = tuple(len(axis) for axis in spectrum.navigation)
    origin = (f"ln(It/I0), zero loss by {best.way}, up to {best.limit:.2f} eV above the peak; error of counting"
              f"; {SOURCE}")
    return Map("t_lambda", "t/λ", "", values.reshape(shape), errors.reshape(shape), flags.reshape(shape), LEGEND,
               group="thickness", kind="thickness", origin=origin,
               params=(("way", best.way), ("limit", best.limit), ("gain", gain if math.isfinite(gain) else 0.0)),
               data_hash=spectrum.hash)


@dataclass(frozen=True, eq=False)
class _PixelAreas:
    """I0 and It of many spectra; the end of the peak moves with each peak."""

    energy: FloatArray
    best: Estimate
    overall: Spectrum

    def __call__(self, rows: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[Any]]:
        peak = locate(self.energy, rows, strict=False)
        centre = np.where(peak.fault == 0, peak.position, 0.0)
        sums = np.concatenate((np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)), axis=1)
        zero = self._below(sums, centre + self.best.limit)
        if self.best.way == "mirrored tail":
            zero = zero + self._below(sums, centre - self.best.limit)
        else:
            zero = zero * self._factor
        return zero, sums[:, -1], peak.fault

    @property
    def _factor(self) -> float:
        """Whole peak over its part below the limit, in the sum of all pixels."""
        peak = locate(self.overall.x, self.overall.y)
        sums = np.concatenate(([0.0], np.cumsum(self.overall.y)))[None]
        below = self._below(sums, np.array([float(peak.position) + self.best.limit]))[0]
        return self.best.zero_loss / float(below)

    def _below(self, sums: FloatArray, end: FloatArray) -> FloatArray:
        """Counts below an energy, with a fraction of the channel in which it lies."""
        n = self.energy.size
        step = float(np.mean(np.diff(self.energy)))
        place = np.clip((end - self.energy[0]) / step + 0.5, 0.0, n)
        whole = np.minimum(place.astype(int), n - 1)
        rows = np.arange(len(sums))
        low = sums[rows, whole]
        return low + (place - whole) * (sums[rows, whole + 1] - low)


def absolute_map(relative: Map, path: float, formula: str, error: float | None, id: str) -> Map:
    """Thickness in nm: a t/lambda map times one mean free path; the path's own error is common to all and not in it."""
    origin = f"t/λ times λ = {path:.1f} nm ({formula})"
    if error is not None:
        origin += f"; λ itself is uncertain by {100 * error:.0f} %, the same way in every pixel"
    return replace(relative, id=id, name=f"Thickness, {formula}", unit="nm", values=relative.values * path,
                   error=None if relative.error is None else relative.error * path,
                   origin=f"{origin}; {relative.origin}", params=(*relative.params, ("lambda", path)))


