"""What becomes of the noise when intensities are processed.

`Noise` knows three laws: variance proportional to the mean (counts), constant variance, and unknown. Most steps keep
one of them exactly. Where they do not (a difference, a quotient), the variance of every channel is worked out and the
law that comes nearest takes its place; how far channels depart from it is kept in words beside the spectrum.
"""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.optimize import least_squares

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.statistics import correlation_factor

# Channels over which the mean behind a variance is taken: counts of single channels scatter too much.
_SMOOTH = 7
# A constant variance is kept as such when it is right to this share; the other law is fitted more slowly.
_CONSTANT = 0.1


def noted(spectrum: Spectrum, name: str, text: str) -> Spectrum:
    """The spectrum with a remark among the further facts of its circumstances."""
    return spectrum.with_(meta=replace(spectrum.meta, extra=(*spectrum.meta.extra, (name, text))))


def local_mean(y: FloatArray) -> FloatArray:
    """Running mean along the axis, of the shape of `y`."""
    size = min(_SMOOTH, y.shape[-1])
    return np.asarray(uniform_filter1d(np.asarray(y, float), size, axis=-1, mode="nearest"))


def channel_variance(spectrum: Spectrum) -> FloatArray | None:
    """Variance of every channel in (intensity unit)**2; None where the size of the noise is not known.

    Parameters
    ----------
    spectrum : Spectrum

    Returns
    -------
    array of the shape of the intensities, or None
        For counts from the running mean over 7 channels, which is biased by curvature at sharp peaks by a few per cent.
    """
    noise = spectrum.noise
    if not noise.known:
        return None
    if noise.kind == "poisson":
        assert noise.gain is not None
        return noise.gain * np.maximum(local_mean(spectrum.y), 0.0) + noise.read_noise**2
    return np.full(spectrum.y.shape, noise.read_noise**2)


def scaled(noise: Noise, factor: float) -> Noise:
    """The noise of intensities that were multiplied by `factor` > 0; exact."""
    gain = None if noise.gain is None else noise.gain * factor
    return replace(noise, gain=gain, read_noise=noise.read_noise * factor)


def described(variance: FloatArray, y: FloatArray, like: Noise) -> tuple[Noise, float]:
    """The law that comes nearest to variances.

    Parameters
    ----------
    variance, y : array of one shape
        Variance of every channel and the intensities.
    like : Noise
        Whose correlation and origin are kept.

    Returns
    -------
    noise : Noise
        Constant, or gain * mean + read_noise**2 with both parts fitted to the logarithm of the variances. Either is
        scaled so that the mean of variance/law over the channels is 1: reduced chi2 keeps its meaning.
    misfit : float
        Root-mean-square of variance/law - 1 over the channels.
    """
    flat, mean = np.ravel(variance), np.maximum(np.ravel(local_mean(y)), 0.0)
    seen = flat > 0
    if not seen.any():
        return replace(like, kind="unknown", gain=None, read_noise=0.0), math.inf
    flat, mean = flat[seen], mean[seen]
    constant = float(np.mean(flat))
    misfit = float(np.std(flat / constant))
    gaussian = replace(like, kind="gaussian", gain=None, read_noise=math.sqrt(constant))
    if misfit <= _CONSTANT or np.ptp(mean) <= _CONSTANT * mean.max():
        return gaussian, misfit
    start = np.log([constant / mean.max(), float(flat.min())])
    found = least_squares(lambda p: np.log((np.exp(p[0]) * mean + np.exp(p[1])) / flat), start)
    law = np.exp(found.x[0]) * mean + np.exp(found.x[1])
    size = float(np.mean(flat / law))
    better = float(np.std(flat / law)) / size
    if better > 0.9 * misfit:
        return gaussian, misfit
    gain, rest = size * np.exp(found.x)
    # What adds less than a thousandth of the smallest variance is no read noise, only the end of a fit.
    rest = 0.0 if rest < 1e-3 * float(flat.min()) and np.all(y >= 0) else float(rest)
    return replace(like, kind="poisson", gain=float(gain), read_noise=math.sqrt(rest)), better


def with_variance(spectrum: Spectrum, variance: FloatArray | None, like: Noise, why: str) -> Spectrum:
    """The spectrum with the noise that comes nearest to the variances; None: it stays unknown.

    A remark says how far single channels depart from it.
    """
    if variance is None:
        kind = like.kind if like.kind == "poisson" and not np.any(spectrum.y < 0) else "unknown"
        unknown = replace(like, kind=kind, gain=None, read_noise=0.0)
        return noted(spectrum.with_(noise=unknown), "noise", f"{why}; its size comes from the residuals")
    noise, misfit = described(variance, spectrum.y, like)
    law = "constant" if noise.kind == "gaussian" else "gain × mean + constant"
    text = f"{why}; described as {law}, single channels depart by {100 * misfit:.0f} % (rms)"
    return noted(spectrum.with_(noise=noise), "noise", text)


def correlation_of(factor: float) -> float:
    """Correlation of neighbours whose `correlation_factor` is `factor` (of at least 1)."""
    return max((factor - 1.0) / (factor + 1.0), 0.0)


def filtered(noise: Noise, share: float) -> Noise:
    """Noise behind a filter with unit sum that keeps `share` of the variance of single channels.

    Such a filter leaves the variance of sums over many channels as it was, so that what single channels lose comes back
    as correlation: (1 + r)/(1 - r) grows by 1/share. That is exact for smooth quantities (areas, levels), not for
    structure as narrow as the filter.
    """
    factor = correlation_factor(noise.correlation) / share
    gain = None if noise.gain is None else noise.gain * share
    return replace(
        noise, gain=gain, read_noise=noise.read_noise * math.sqrt(share), correlation=correlation_of(factor)
    )
