"""Removal of plural scattering and of the instrument's broadening: Fourier-log, Fourier-ratio, Richardson-Lucy.

What comes out is always in counts per channel on the axis that went in (J1 or K1, never the probability S = J1/I0).
Its channels are correlated: standard errors come from repeating the whole on resampled raw data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import fftconvolve

from fitting.dataset import FloatArray
from fitting.eels.zero_loss import locate
from libraries.errors import BadData, NotDetermined
from libraries.units import SIGMA_TO_FWHM

# Share of the channels at the end from which the tail is continued.
_TAIL_SHARE = 0.1
_BLOCK = 256  # spectra that are transformed at a time


@dataclass(frozen=True, eq=False)
class SingleScattering:
    """Result of the Fourier-log method.

    Attributes
    ----------
    counts : array, shape (n,)
        Single-scattering distribution J1, counts per channel, without the zero-loss peak.
    zero_loss_area : float
        I0 in counts: J1/I0 is the probability per channel.
    relative_thickness : float
        ln(It/I0), the area of the whole J1 (the continued tail included) over I0.
    resolution : str
        What J1 is broadened by.
    """

    counts: FloatArray
    zero_loss_area: float
    relative_thickness: float
    resolution: str


def fourier_log(
    energy: FloatArray, counts: FloatArray, zero_loss: FloatArray, *, fwhm: float | None = None
) -> SingleScattering:
    """Single-scattering distribution of a whole low-loss spectrum.

    j(v) = z(v) exp[S(v)] for independent losses, hence J1 = F^-1{z ln(j/z)} with the resolution of the spectrum, or
    F^-1{I0 g ln(j/z)} with a Gaussian g.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV; the zero-loss peak anywhere on it.
    counts, zero_loss : array, shape (n,)
        The spectrum and its zero-loss part (see `separation`), counts per channel.
    fwhm : float, optional
        Width of the Gaussian in eV, not below that of the zero-loss peak; default: keep the resolution.

    Returns
    -------
    SingleScattering

    Raises
    ------
    NotDetermined
        If t/lambda reaches pi, where the logarithm loses its branch, or the areas give none.
    BadData
        If shapes disagree, the zero-loss peak is cropped or saturated, or the Gaussian is narrower than it.

    Notes
    -----
    A shift common to spectrum and peak cancels in j/z, so nothing has to be moved to channel zero. The end of the
    spectrum is continued by a power law under a cosine bell to at least twice the length.

    References
    ----------
    D. W. Johnson, J. C. H. Spence, J. Phys. D 7, 771 (1974); R. F. Egerton, EELS in the Electron Microscope, 3rd ed.
    (2011), chapter 4.
    """
    centre, width, step = _peak_of(energy, counts, zero_loss)
    i0, total = float(np.sum(zero_loss)), float(np.sum(counts))
    if i0 <= 0 or total <= i0:
        raise NotDetermined("The areas of spectrum and zero-loss peak give no thickness", where="Fourier-log",
                            todo="Check the separation of the zero-loss peak")
    length = next_fast_len(2 * energy.size, real=True)
    # The peak's own tail is cut off with the axis; only the losses are continued.
    losses = _continued(energy - centre, counts - zero_loss, length)
    z = rfft(zero_loss, length)
    j = z + rfft(losses, length)
    ratio = float(np.log(j[0].real / z[0].real))
    if ratio >= np.pi:
        raise NotDetermined(f"t/lambda of {ratio:.2f} is beyond what Fourier-log can undo (pi)", where="Fourier-log")
    alive = (np.abs(z) > 1e-14 * i0) & (np.abs(j) > 1e-14 * i0)
    s = np.zeros_like(z)
    s[alive] = np.log(j[alive] / z[alive])
    if fwhm is None:
        spectrum, resolution = z * s, f"zero-loss peak, {width:.3g} eV"
    else:
        if fwhm < 0.99 * width:
            raise BadData(f"A Gaussian of {fwhm:g} eV is narrower than the zero-loss peak ({width:.3g} eV)",
                          where="Fourier-log", todo="Choose a larger width")
        spectrum = i0 * _gaussian(length, fwhm / step) * _delay(length, (centre - energy[0]) / step) * s
        resolution = f"Gaussian, {fwhm:g} eV"
    return SingleScattering(irfft(spectrum, length)[: energy.size], i0, ratio, resolution)


def fourier_log_rows(
    energy: FloatArray, rows: FloatArray, zero_loss: FloatArray, *, fwhm: float | None = None
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """`fourier_log` of many spectra.

    Parameters
    ----------
    energy : array, shape (n,)
    rows, zero_loss : array, shape (k, n)
    fwhm : float, optional

    Returns
    -------
    counts : array, shape (k, n)
        J1; all zero where there is none.
    relative_thickness : array, shape (k,)
        ln(It/I0); it may be slightly below zero where there is no specimen.
    found : array of bool, shape (k,)
        False where the zero-loss peak is missing, cropped or saturated, wider than `fwhm`, or t/lambda reaches pi.
    """
    peaks = locate(energy, zero_loss, strict=False)
    step = float(np.mean(np.diff(energy)))
    i0, total = np.sum(zero_loss, axis=1), np.sum(rows, axis=1)
    found = (peaks.fault == 0) & (i0 > 0) & (total > 0)
    if fwhm is not None:
        found &= fwhm >= 0.99 * np.where(found, peaks.fwhm, np.inf)
    ratio = np.full(len(rows), np.nan)
    result = np.zeros(rows.shape)
    length = next_fast_len(2 * energy.size, real=True)
    some = np.flatnonzero(found)
    for block in np.split(some, range(_BLOCK, some.size, _BLOCK)):
        losses = np.array([
            _continued(energy - peaks.position[k], rows[k] - zero_loss[k], length) for k in block
        ]).reshape(-1, length)
        z = rfft(zero_loss[block], length, axis=-1)
        j = z + rfft(losses, length, axis=-1)
        # A thick specimen, or a sum below zero, has no logarithm on the principal branch.
        share = j[:, 0].real / z[:, 0].real
        good = (share > 0) & (share < np.exp(np.pi))
        found[block[~good]] = False
        block, z, j = block[good], z[good], j[good]
        ratio[block] = np.log(share[good])
        least = 1e-14 * i0[block, None]
        alive = (np.abs(z) > least) & (np.abs(j) > least)
        s = np.zeros_like(z)
        s[alive] = np.log(j[alive] / z[alive])
        if fwhm is None:
            s *= z
        else:
            delays = np.array([_delay(length, float(p - energy[0]) / step) for p in peaks.position[block]])
            s *= i0[block, None] * _gaussian(length, fwhm / step) * delays.reshape(s.shape)
        result[block] = irfft(s, length, axis=-1)[:, : energy.size]
    return result, ratio, found


def fourier_ratio(
    energy: FloatArray, core: FloatArray, low_energy: FloatArray, low: FloatArray, zero_loss: FloatArray, *,
    fwhm: float | None = None,
) -> FloatArray:
    """Core loss without plural scattering.

    K1 = F^-1{ I0 g(v) k(v)/j(v) }, g of unit area: the zero-loss peak, or a Gaussian.

    Parameters
    ----------
    energy, core : array, shape (n,)
        eV and counts of the core loss after its background was subtracted; it should start and end near zero.
    low_energy, low, zero_loss : array, shape (m,)
        Low loss of the same place and exposure, and its zero-loss part; same step.
    fwhm : float, optional
        Of the Gaussian in eV, not below the zero-loss peak's.

    Returns
    -------
    array, shape (n,)
        K1 in counts per channel: its area is smaller by I0/It.

    Raises
    ------
    BadData
        If steps differ by more than 1 %, shapes disagree, or the peak is cropped or saturated.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    centre, width, step = _peak_of(low_energy, low, zero_loss)
    if energy.shape != core.shape or energy.size < 4:
        raise BadData("Energies and intensities differ in shape", where="Fourier-ratio")
    core_step = float(np.mean(np.diff(energy)))
    if abs(core_step / step - 1.0) > 0.01:
        raise BadData(f"Core loss ({core_step:g} eV) and low loss ({step:g} eV) have different steps",
                      where="Fourier-ratio", todo="Resample one of them")
    i0 = float(np.sum(zero_loss))
    if i0 <= 0:
        raise NotDetermined("The zero-loss area is not above zero", where="Fourier-ratio")
    length = next_fast_len(2 * max(energy.size, low_energy.size) + min(energy.size, low_energy.size), real=True)
    j = rfft(_continued(low_energy - centre, low - zero_loss, length), length) + rfft(zero_loss, length)
    k = rfft(_continued(energy, core, length), length)
    if fwhm is None:
        numerator = rfft(zero_loss, length)
    else:
        if fwhm < 0.99 * width:
            raise BadData(f"A Gaussian of {fwhm:g} eV is narrower than the zero-loss peak ({width:.3g} eV)",
                          where="Fourier-ratio", todo="Choose a larger width")
        delay = (centre - low_energy[0]) / step
        numerator = i0 * _gaussian(length, fwhm / step) * _delay(length, delay)
    alive = np.abs(j) > 1e-12 * np.abs(j[0])
    ratio = np.where(alive, numerator / np.where(alive, j, 1.0), 0.0)
    return irfft(k * ratio, length)[: energy.size]


def richardson_lucy(
    energy: FloatArray, counts: NDArray[np.float64], psf_energy: FloatArray, psf: FloatArray, *, iterations: int = 10
) -> FloatArray:
    """Sharpen spectra by the maximum-likelihood iteration for counts.

    o <- o [(d / (o * p)) * p mirrored], started from the data. Noise grows with every step; 5 to 15 are usual.

    Parameters
    ----------
    energy : array, shape (n,)
        Evenly spaced, eV.
    counts : array, shape (*navigation, n)
        Not negative.
    psf_energy, psf : array, shape (m,)
        Zero-loss peak (or low loss) with the same step.
    iterations : int

    Returns
    -------
    array, shape (*navigation, n)
        Same counts in all, up to what the ends of the axis cut off.

    Raises
    ------
    BadData
        If counts are negative, steps differ, or the peak is cropped or saturated.

    References
    ----------
    W. H. Richardson, J. Opt. Soc. Am. 62, 55 (1972); L. B. Lucy, Astron. J. 79, 745 (1974); for EELS A. Gloter,
    A. Douiri, M. Tence, C. Colliex, Ultramicroscopy 96, 385 (2003).
    """
    counts = np.asarray(counts, dtype=float)
    if counts.shape[-1:] != energy.shape:
        raise BadData("Energies and intensities differ in shape", where="Richardson-Lucy")
    if np.any(counts < 0):
        raise BadData("There are negative counts", where="Richardson-Lucy", todo="Undo the dark or background "
                      "subtraction, or crop")
    if iterations < 1:
        raise BadData("At least one iteration is needed", where="Richardson-Lucy")
    kernel = _kernel(energy, psf_energy, psf)
    mirrored = kernel[::-1]
    shape = (1,) * (counts.ndim - 1) + (-1,)
    inside = fftconvolve(np.ones(energy.size), mirrored, mode="same").reshape(shape)
    estimate = np.maximum(counts, 1e-12 * max(float(np.max(counts)), 1e-300))
    floor = 1e-12 * max(float(np.max(counts)), 1e-300)
    for _ in range(iterations):
        blurred = np.maximum(fftconvolve(estimate, kernel.reshape(shape), mode="same", axes=-1), floor)
        back = fftconvolve(counts / blurred, mirrored.reshape(shape), mode="same", axes=-1)
        estimate = np.maximum(estimate * back / inside, 0.0)
    return estimate


def _kernel(energy: FloatArray, psf_energy: FloatArray, psf: FloatArray) -> FloatArray:
    """The peak about its centre in an odd number of channels, of unit area."""
    peak = locate(psf_energy, psf)
    step = float(np.mean(np.diff(energy)))
    psf_step = float(np.mean(np.diff(psf_energy)))
    if abs(psf_step / step - 1.0) > 0.01:
        raise BadData(f"Spectrum ({step:g} eV) and peak ({psf_step:g} eV) have different steps",
                      where="Richardson-Lucy", todo="Resample one of them")
    centre = float(peak.position)
    half = int(max(psf_energy[-1] - centre, centre - psf_energy[0]) / step)
    half = min(half, (energy.size - 1) // 2)
    places = centre + step * np.arange(-half, half + 1)
    kernel = np.interp(places, psf_energy, np.maximum(psf, 0.0), left=0.0, right=0.0)
    return kernel / np.sum(kernel)


def _peak_of(energy: FloatArray, counts: FloatArray, zero_loss: FloatArray) -> tuple[float, float, float]:
    """Centre, width and step; raises BadData for shapes and for cropped or saturated peaks."""
    if counts.shape != energy.shape or zero_loss.shape != energy.shape:
        raise BadData("Energies, spectrum and zero-loss peak differ in shape", where="deconvolution")
    locate(energy, counts)
    peak = locate(energy, zero_loss)
    return float(peak.position), float(peak.fwhm), float(np.mean(np.diff(energy)))


def _continued(energy: FloatArray, counts: FloatArray, length: int) -> FloatArray:
    """The spectrum in an array of `length`, its end continued by a power law under a cosine bell down to zero."""
    n = counts.size
    result = np.zeros(length)
    result[:n] = counts
    tail = max(4, round(_TAIL_SHARE * n))
    x, y = energy[-tail:], counts[-tail:]
    level = float(np.mean(y))
    if level <= 0 or x[0] <= 0:
        return result
    # Exponent from the two halves of the tail; it must fall, but not steeper than any loss does.
    half = tail // 2
    first, second = float(np.sum(y[:half])), float(np.sum(y[-half:]))
    ratio = np.log(np.mean(x[-half:]) / np.mean(x[:half]))
    r = float(np.clip(np.log(first / second) / ratio, 0.0, 8.0)) if first > 0 and second > 0 else 8.0
    count = (length - n) // 2
    step = float(np.mean(np.diff(energy)))
    beyond = energy[-1] + step * np.arange(1, count + 1)
    bell = 0.5 * (1.0 + np.cos(np.pi * np.arange(1, count + 1) / (count + 1)))
    middle = float(np.exp(np.mean(np.log(x))))
    result[n : n + count] = level * (beyond / middle) ** -r * bell
    return result


def _gaussian(length: int, fwhm: float) -> FloatArray:
    """Transform of a Gaussian of unit area centred on channel 0, width in channels."""
    return np.exp(-0.5 * (2.0 * np.pi * rfftfreq(length) * fwhm / SIGMA_TO_FWHM) ** 2)


def _delay(length: int, channels: float) -> NDArray[np.complex128]:
    return np.exp(-2j * np.pi * rfftfreq(length) * channels)
