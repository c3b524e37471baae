"""Steps that take plural scattering and the instrument's broadening away.

All give counts per channel (J1, K1 or sharpened counts), never the probability J1/I0. Neighbouring channels correlate
in a way that no noise law here describes: the noise of the result is unknown, its size comes from the residuals, and
honest errors come from deconvolving repeated measurements.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.eels.core_background import maximum_likelihood
from fitting.eels.deconvolve import fourier_log, fourier_log_rows, fourier_ratio, richardson_lucy
from fitting.eels.separation import separate, separate_rows
from fitting.processing.noise import noted
from fitting.processing.step import Step
from fitting.processing.zero_loss_removal import check_axis, rule_of, separated
from libraries.errors import BadData, NotDetermined

NEGATIVE = ("refuse", "zero")
# What may be left at both ends of a core loss whose background was subtracted, relative to its maximum.
_ENDS = 0.2


def _fwhm(step: Step) -> float | None:
    if not step.has("fwhm"):
        return None
    fwhm = step.number("fwhm")
    if not fwhm > 0:
        raise BadData("The width of the Gaussian is above zero", where=f"{fwhm:g} eV")
    return fwhm


def _unknown(spectrum: Spectrum) -> Noise:
    return replace(spectrum.noise, kind="unknown", gain=None, read_noise=0.0, correlation=0.0)


def fourier_log_step(spectrum: Spectrum, step: Step) -> Spectrum:
    """Single-scattering distribution J1 in counts per channel, without the zero-loss peak."""
    check_axis(spectrum)
    rule, fwhm = rule_of(step), _fwhm(step)
    if not spectrum.navigation:
        zero = separated(spectrum, rule).zero_loss
        found = fourier_log(spectrum.x, spectrum.y, zero, fwhm=fwhm)
        done = spectrum.with_(counts=found.counts, noise=_unknown(spectrum))
        return noted(done, "Fourier-log", f"J1 in counts per channel, I0 = {found.zero_loss_area:.6g}, t/λ = "
                     f"{found.relative_thickness:.4f}, resolution: {found.resolution}; zero loss by {rule.method}")
    result, lost = np.empty((spectrum.pixels, spectrum.x.size)), 0
    for start, stop, rows in spectrum.pieces():
        zeros, seen = separate_rows(spectrum.x, rows, rule)
        counts, _, alive = fourier_log_rows(spectrum.x, rows, zeros, fwhm=fwhm)
        result[start:stop] = np.where((seen & alive)[:, None], counts, 0.0)
        lost += int(np.count_nonzero(~(seen & alive)))
    if lost == spectrum.pixels > 1:
        raise NotDetermined("No spectrum of the image can be deconvolved", where=spectrum.name,
                            todo="Check the limit of the zero loss on one spectrum")
    done = spectrum.with_(counts=result.reshape(spectrum.counts.shape), noise=_unknown(spectrum))
    text = f"J1 in counts per channel, zero loss by {rule.method}"
    if lost:
        text += f"; {lost} spectra that could not be deconvolved were set to zero"
    return noted(done, "Fourier-log", text)


def fourier_ratio_step(spectrum: Spectrum, step: Step) -> Spectrum:
    """Core loss K1 without plural scattering, by the low loss that the step holds (its last curve).

    A power law fitted from `low_background` to `high_background` is subtracted first, where the step names them; the
    result begins at the window's end. The low loss of a place serves all spectra of an image.
    """
    if spectrum.axis.quantity != "energy_loss":
        raise BadData("Fourier-ratio needs an energy-loss axis", where=spectrum.name)
    if spectrum.x[0] <= 0:
        raise BadData("This spectrum holds the zero loss: Fourier-ratio is for core losses", where=spectrum.name,
                      todo="Use Fourier-log for a low loss")
    if not step.curves:
        raise BadData("Fourier-ratio needs the low loss of the same place", where=spectrum.name, todo="Choose it")
    rule, low = rule_of(step), step.curves[-1]
    energy, counts = np.array(low.x), np.array(low.y)
    zero = separate(energy, counts, rule).zero_loss
    rows = spectrum.rows(0, spectrum.pixels)
    window = (step.number("low_background"), step.number("high_background")) if step.has("low_background") else None
    x, lost = spectrum.x, 0
    if window is not None:
        keep = x >= min(window)
        rows, lost = _all_stripped(x, rows, window, bool(spectrum.navigation))
        rows, x = rows[:, keep], x[keep]
    else:
        _refuse_background(rows.sum(axis=0), spectrum.name)
    fwhm = _fwhm(step)
    result = np.array([fourier_ratio(x, row, energy, counts, zero, fwhm=fwhm) for row in rows])
    axis = type(spectrum.axis)(x, "energy_loss", spectrum.axis.unit)
    done = spectrum.with_(axis=axis, counts=result.reshape(*spectrum.counts.shape[:-1], x.size),
                          noise=_unknown(spectrum), transmission=None)
    text = f"K1 in counts per channel by {low.name or 'a low loss'}, zero loss by {rule.method}"
    text += "" if fwhm is None else f", resolution: Gaussian, {fwhm:g} eV"
    text += "" if window is None else f"; power law from {min(window):g} to {max(window):g} eV subtracted first"
    text += "; one low loss for all spectra" if spectrum.navigation else ""
    text += f"; {lost} spectra without a power law were set to zero" if lost else ""
    return noted(done, "Fourier-ratio", text)


def _all_stripped(
    x: FloatArray, rows: FloatArray, window: tuple[float, float], many: bool
) -> tuple[FloatArray, int]:
    """Every row without its power law; of an image, rows that have none are zero, and are counted."""
    low, high = min(window), max(window)
    result, lost = np.zeros(rows.shape), 0
    for out, row in zip(result, rows, strict=True):
        try:
            out[:] = row - maximum_likelihood(x, row, (low, high))(x)
        except NotDetermined:
            if not many:
                raise
            lost += 1
    return result, lost


def _refuse_background(y: FloatArray, where: str) -> None:
    """A core loss must begin near zero, or the ends of the transform do not meet."""
    tenth = max(y.size // 20, 2)
    if abs(float(np.mean(y[:tenth]))) > _ENDS * float(np.max(np.abs(y))):
        raise BadData("The core loss does not begin near zero: its background is still there", where=where,
                      todo="Give the window of the background, or subtract it first")


def richardson_lucy_step(spectrum: Spectrum, step: Step) -> Spectrum:
    """Spectra sharpened by a measured peak (the step's curve) with a number of iterations; counts are kept."""
    if spectrum.axis.quantity != "energy_loss":
        raise BadData("Richardson–Lucy needs an energy-loss axis", where=spectrum.name)
    peak, iterations = step.curve(), step.whole("iterations", 1, 200)
    negative = step.word("negative", NEGATIVE) if step.has("negative") else "refuse"
    y, count = spectrum.y, int(np.count_nonzero(spectrum.y < 0))
    if count and negative == "refuse":
        raise BadData(f"{count} channels hold negative counts, which Richardson–Lucy cannot take", where=spectrum.name,
                      todo="Undo the dark or background subtraction, or let them count as zero")
    sharp = richardson_lucy(spectrum.x, np.maximum(y, 0.0), np.array(peak.x), np.array(peak.y), iterations=iterations)
    done = spectrum.with_(counts=sharp, noise=_unknown(spectrum))
    text = f"{iterations} iterations with {peak.name or 'a measured peak'}"
    if count:
        text += f"; {count} channels with negative counts taken as zero, sum {float(y[y < 0].sum()):.4g}"
    return noted(done, "Richardson–Lucy", text)
