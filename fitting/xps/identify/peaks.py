"""Peaks of a survey and how significant they are, from the noise of the data.

At every channel and for several widths a Gaussian is fitted together with a straight line and a step: the inelastic
background rises behind every line, and a step alone must not be taken for a peak. Where the data scatter more about
this local model than their noise, its errors are enlarged by the root of reduced chi2. What was found is taken off,
and the rest is searched again, so that weak lines beside strong ones appear.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import ndtr

from fitting.dataset import FloatArray, Spectrum, frozen_array
from fitting.statistics import SMALLEST_RATE, estimate_noise
from fitting.xps.identify.refine import Refined, refine
from libraries.errors import BadData, Cancelled, NotDetermined, SodaliteError
from libraries.units import SIGMA_TO_FWHM, binding_from_kinetic

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
# Widths (FWHM, eV) that are tried: lines of a survey are 1 to 4 eV wide, multiplets and Auger lines up to 10 eV.
WIDTHS = (1.4, 2.2, 3.4, 5.2, 8.0)
REACH = 2.6  # the local fit reaches that many widths to either side
FEWEST = 4  # channels to either side at least
# A survey holds some 500 independent places and widths: Gaussian noise passes 5 standard errors once in 7000 surveys.
THRESHOLD = 5.0
PASSES = 3
# A line is no perfect Gaussian: that part of what was taken off counts as uncertainty of the rest.
SHAPE_ERROR = 0.12
APART = 0.92  # a shoulder nearer to a known peak than that many widths is its shape
CERTAIN = 3.0  # an area needs that many standard errors in the final fit
# The width at which `least_area` is told: a usual photoelectron line of a survey.
USUAL_WIDTH = 2.2
AREA = float(np.sqrt(2.0 * np.pi)) / SIGMA_TO_FWHM  # area of a Gaussian over height times FWHM


@dataclass(frozen=True)
class SurveyPeak:
    """A peak of a survey.

    Attributes
    ----------
    position, position_err : float
        Binding energy in eV on the scale of the search, with its standard error.
    height, area, area_err : float
        Above the background; intensity unit, and intensity unit times eV.
    fwhm : float
        In eV, instrument included.
    significance : float
        Height over its standard error in the search.
    """

    position: float
    position_err: float
    height: float
    area: float
    area_err: float
    fwhm: float
    significance: float


@dataclass(frozen=True, eq=False)
class PeakSearch:
    """What a search found.

    Attributes
    ----------
    energies, intensities : array, shape (n,)
        Binding energies in eV, ascending, and the data.
    peaks : tuple of SurveyPeak
        Ascending in binding energy.
    sigma : array, shape (n,)
        Standard error of the area of a line of usual width (2.2 eV) at every channel, with what the local model misses.
    counting : array, shape (n,)
        The same from the counts alone.
    gain : float or None
        Intensity units of one count; None where the noise is not Poisson's.
    noise : str
        Where the noise comes from, in words.
    threshold : float
        Significance from which on a peak counts.
    """

    energies: FloatArray
    intensities: FloatArray
    peaks: tuple[SurveyPeak, ...]
    sigma: FloatArray
    counting: FloatArray
    gain: float | None
    noise: str
    threshold: float

    def sigma_at(self, energy: float) -> float:
        """Standard error of an area at a binding energy, neighbouring peaks included."""
        return float(np.interp(energy, self.energies, self.sigma))

    def counting_at(self, energy: float) -> float:
        """Standard error of an area at a binding energy from the counts alone."""
        return float(np.interp(energy, self.energies, self.counting))


def find_peaks(
    spectrum: Spectrum,
    *,
    threshold: float = THRESHOLD,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> PeakSearch:
    """Find the peaks of a survey.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe, one spectrum on an energy axis.
    threshold : float
        Significance that a peak needs.

    Returns
    -------
    PeakSearch

    Raises
    ------
    BadData
        If the spectrum is an image or series, or has fewer than 50 channels.
    NotDetermined
        If it is on a kinetic-energy axis and the photon energy is not known.
    Cancelled
        If the user stopped it.
    """
    x, y = binding_axis(spectrum)
    variance, gain, words = _variance(spectrum, y)
    found: list[_Hit] = []
    peaks: tuple[Refined, ...] = ()
    sigma = counting = np.full(x.size, np.nan)
    for number in range(PASSES):
        _tell(progress, cancel, number / PASSES, "Searching peaks")
        model, extra = _taken_off(x, peaks)
        rest, spread = y - model, variance + extra
        scans = [_Scan(x, rest, spread, width) for width in WIDTHS]
        usual = min(scans, key=lambda item: abs(item.width - USUAL_WIDTH))
        sigma = usual.error * usual.width * AREA
        counting = usual.plain * usual.width * AREA if not number else counting
        new = _hits(scans, threshold, peaks)
        if not new and number:
            break
        found, peaks = _accepted(x, y, variance, found, new)
        # The next fit starts where this one ended.
        found = [_Hit(p.position, p.fwhm, p.height, h.significance) for h, p in zip(found, peaks, strict=True)]
    step = float(np.median(np.diff(x)))
    rows = []
    for hit, peak in zip(found, peaks, strict=True):
        # One channel that stands out is no line.
        if _real(peak) and x[0] < peak.position < x[-1] and peak.fwhm > 1.3 * step:
            rows.append(SurveyPeak(peak.position, peak.position_err, peak.height, peak.area, peak.area_err, peak.fwhm,
                                   hit.significance))
    rows.sort(key=lambda item: item.position)
    return PeakSearch(frozen_array(x), frozen_array(y), tuple(rows), frozen_array(sigma),
                      frozen_array(counting), gain, words, threshold)


def binding_axis(spectrum: Spectrum) -> tuple[FloatArray, FloatArray]:
    """Binding energies, ascending, and intensities of a spectrum; errors as `find_peaks`."""
    if spectrum.y.ndim != 1 or spectrum.x.size < 50:
        raise BadData("A survey needs one spectrum of at least 50 channels", where=spectrum.name)
    quantity = spectrum.axis.quantity
    if quantity == "binding_energy":
        return spectrum.x.copy(), spectrum.y.copy()
    if quantity != "kinetic_energy":
        raise BadData("This is not an electron energy axis", where=spectrum.name, todo="Choose an XPS survey")
    photon = spectrum.meta.photon_energy
    if photon is None:
        raise NotDetermined("The photon energy is not recorded", where=spectrum.name, todo="Set it on the Process page")
    x = np.asarray(binding_from_kinetic(spectrum.x, photon, spectrum.meta.work_function or 0.0))
    return x[::-1].copy(), spectrum.y[::-1].copy()


def _tell(progress: Progress | None, cancel: Cancel | None, fraction: float, text: str) -> None:
    if cancel is not None and cancel():
        raise Cancelled("The identification was stopped")
    if progress is not None:
        progress(fraction, text)


def _variance(spectrum: Spectrum, y: FloatArray) -> tuple[FloatArray, float | None, str]:
    """Variance of each channel, gain, and where they come from."""
    noise = spectrum.noise
    smooth = np.convolve(np.pad(y, 3, mode="edge"), np.ones(7) / 7.0, mode="valid")
    if noise.kind == "gaussian" and noise.read_noise > 0:
        return np.full(y.size, noise.read_noise**2), None, "standard deviation told"
    gain, words = noise.gain if noise.kind == "poisson" else None, "counts"
    if gain is None:
        try:
            gain, words = estimate_noise(spectrum).gain, "estimated from the scatter of neighbouring channels"
        except SodaliteError:
            third = np.diff(y, 3) / np.sqrt(20.0)  # as fitting.statistics.estimate_noise
            spread = float(1.4826 * np.median(np.abs(third)))
            floor = SMALLEST_RATE * float(np.ptp(y)) or 1.0
            return np.full(y.size, max(spread, floor) ** 2), None, "estimated, the same for all channels"
    assert gain is not None
    return gain * np.maximum(smooth, 0.5 * gain) + noise.read_noise**2, gain, words


@dataclass(frozen=True)
class _Hit:
    position: float
    width: float
    height: float
    significance: float


class _Scan:
    """Local fits of a Gaussian, a straight line and a step at all channels, for one width."""

    def __init__(self, x: FloatArray, y: FloatArray, variance: FloatArray, width: float) -> None:
        step = float(np.median(np.diff(x)))
        self.x, self.width = x, max(width, 1.2 * step)
        half = max(int(np.ceil(REACH * self.width / step)), FEWEST)
        inside = np.pad(1.0 / variance, half)
        ends = np.pad(x, half, mode="reflect", reflect_type="odd")
        values = np.pad(y, half)
        weight = sliding_window_view(inside, 2 * half + 1)
        data = sliding_window_view(values, 2 * half + 1)
        # The differences of the axis, so that an axis of uneven steps is right as well.
        t = sliding_window_view(ends, 2 * half + 1) - x[:, None]
        sigma = self.width / SIGMA_TO_FWHM
        columns = np.stack([np.ones_like(t), t / self.width, ndtr(t / sigma), np.exp(-0.5 * (t / sigma) ** 2)], axis=1)
        weighted = columns * weight[:, None, :]
        normal = np.einsum("nik,njk->nij", weighted, columns)
        right = np.einsum("nik,nk->ni", weighted, data)
        # A ridge of one part in 1e9 keeps the ends, where half of the window is empty, solvable.
        scale = np.sqrt(np.einsum("nii->ni", normal)) + 1e-300
        normal = normal / (scale[:, :, None] * scale[:, None, :]) + 1e-9 * np.eye(4)
        inverse = np.linalg.inv(normal)
        solution = np.einsum("nij,nj->ni", inverse, right / scale) / scale
        residual = data - np.einsum("ni,nik->nk", solution, columns)
        chi2 = np.einsum("nk,nk->n", residual**2, weight)
        free = np.maximum(np.sum(weight > 0, axis=1) - 4, 1)
        self.height = solution[:, 3]
        self.plain = np.sqrt(inverse[:, 3, 3]) / scale[:, 3]
        self.error = self.plain * np.sqrt(np.maximum(chi2 / free, 1.0))
        self.significance = self.height / self.error
        # At the ends the window is one-sided and the Gaussian cannot be told from the line.
        edge = max(int(np.ceil(0.8 * self.width / step)), 2)
        self.significance[:edge] = self.significance[-edge:] = 0.0


def _real(peak: Refined) -> bool:
    return peak.height > 0 and peak.area > CERTAIN * peak.area_err


def _inside(peak: Refined, peaks: tuple[Refined, ...]) -> bool:
    """Whether a peak ended on another one, of which it is but the shape."""
    return any(o is not peak and abs(o.position - peak.position) < 0.3 * max(o.fwhm, peak.fwhm) for o in peaks)


def _accepted(
    x: FloatArray, y: FloatArray, variance: FloatArray, old: list[_Hit], new: list[_Hit]
) -> tuple[list[_Hit], tuple[Refined, ...]]:
    """Old and new peaks, fitted together: a new one that is not determined, or that undoes an old one, is left out."""
    before = dict.fromkeys(old, True)
    hits = [*old, *new]
    while True:
        peaks = refine(x, y, variance, [(h.position, h.width, h.height) for h in hits])
        lost = [h for h, p in zip(hits, peaks, strict=True) if not _real(p) or (h not in before and _inside(p, peaks))]
        out = {h for h in lost if h not in before}
        for hit in lost:
            near = [h for h in hits if h not in before and abs(h.position - hit.position) < 3.0 * (h.width + hit.width)]
            if hit in before and near:
                out.add(min(near, key=lambda h: abs(h.position - hit.position)))
        if not out:
            break
        hits = [h for h in hits if h not in out]
    return hits, peaks


def _hits(scans: list[_Scan], threshold: float, known: tuple[Refined, ...]) -> list[_Hit]:
    """Maxima over channels and widths, the most significant first, none within the width of a known one."""
    maxima = []
    for scan in scans:
        z = scan.significance
        peaks = np.flatnonzero((z[1:-1] >= threshold) & (z[1:-1] >= z[:-2]) & (z[1:-1] > z[2:])) + 1
        maxima += [_Hit(float(scan.x[i]), scan.width, float(scan.height[i]), float(z[i])) for i in peaks]
    chosen: list[_Hit] = []
    split: set[_Hit] = {hit for hit in maxima if _pair_inside(hit, maxima)}
    for hit in sorted((hit for hit in maxima if hit not in split), key=lambda item: -item.significance):
        free = all(abs(hit.position - o.position) > 0.75 * max(hit.width, o.width) for o in chosen)
        if free and all(abs(hit.position - o.position) > APART * max(hit.width, o.fwhm) for o in known):
            chosen.append(hit)
    return chosen


def _pair_inside(hit: _Hit, maxima: list[_Hit]) -> bool:
    """Whether a wide maximum is two narrow ones, as the lines of a doublet."""
    inside = sorted(o.position for o in maxima if o.width <= 0.7 * hit.width and o.significance > 0.4 * hit.significance
                    and abs(o.position - hit.position) < 0.75 * hit.width)
    return len(inside) > 1 and inside[-1] - inside[0] > 0.5 * hit.width


def _taken_off(x: FloatArray, peaks: tuple[Refined, ...]) -> tuple[FloatArray, FloatArray]:
    """What the known peaks explain, and the variance that their imperfect shapes add."""
    model, extra = np.zeros(x.size), np.zeros(x.size)
    for peak in peaks:
        shape = peak.height * np.exp(-0.5 * ((x - peak.position) * SIGMA_TO_FWHM / peak.fwhm) ** 2)
        wide = peak.height * np.exp(-0.5 * ((x - peak.position) * SIGMA_TO_FWHM / (1.6 * peak.fwhm)) ** 2)
        model += shape
        extra += (SHAPE_ERROR * wide) ** 2
    return model, extra
