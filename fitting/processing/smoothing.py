"""Steps that join channels: smoothing, rebinning, resampling."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.signal import savgol_coeffs, savgol_filter

from fitting.dataset import Axis, FloatArray, Spectrum
from fitting.processing.noise import correlation_of, filtered, noted
from fitting.processing.step import Step
from fitting.statistics import correlation_factor
from libraries.errors import BadData, BadModel

# Steps of an axis that differ by no more than this share of their median are the same.
_EVEN = 1e-3
_MAX_POINTS = 1_000_000


def is_even(axis: Axis) -> bool:
    """Whether all steps of an axis are the same."""
    steps = np.diff(axis.values)
    return bool(steps.size == 0 or np.all(np.abs(steps - axis.step) <= _EVEN * axis.step))


def smooth(spectrum: Spectrum, step: Step) -> Spectrum:
    """Polynomials through the neighbours of every channel (Savitzky-Golay), for display.

    The noise keeps its kind: a channel has sum(c**2) of its variance, c the filter's coefficients, and neighbours
    correlate so that errors of areas stay what they were (`fitting.processing.noise.filtered`). At both ends the
    polynomials of the last full window go on, where the noise is larger than said. Peaks become lower and wider.

    References
    ----------
    A. Savitzky, M. J. E. Golay, Anal. Chem. 36, 1627 (1964).
    """
    points, order = step.whole("points", 3, 201), step.whole("order", 0, 8)
    if points % 2 == 0 or order >= points:
        raise BadModel("Smoothing takes an odd number of points and a lower order", where=f"{points}, {order}")
    if points > spectrum.x.size:
        raise BadData(f"The spectrum has fewer than {points} points", where=spectrum.name)
    if not is_even(spectrum.axis):
        raise BadData("Smoothing needs an axis with equal steps", where=spectrum.name, todo="Resample it first")
    share = float(np.sum(savgol_coeffs(points, order) ** 2))
    done = spectrum.with_(
        counts=savgol_filter(spectrum.y, points, order, axis=-1), noise=filtered(spectrum.noise, share)
    )
    if done.noise.kind == "poisson" and done.noise.read_noise == 0 and np.any(done.y < 0):
        # The filter overshoots below zero where few counts are; no counts are less than none.
        done = done.with_(counts=np.maximum(done.y, 0.0))
    return noted(done, "smoothed", f"Savitzky–Golay, {points} points, order {order}; neighbours correlate")


def rebin(spectrum: Spectrum, step: Step) -> Spectrum:
    """Join groups of neighbouring channels: counts are added, rates and other intensities averaged.

    Counts stay counts of one event each, and the dwell time grows with them; rates keep theirs and have the gain of the
    longer time. Channels at the high end that fill no group are left out.
    """
    n = step.whole("channels", 2, 1000)
    groups = spectrum.x.size // n
    if groups < 2:
        raise BadData(f"Groups of {n} channels leave fewer than two", where=spectrum.name)
    used = groups * n
    y = spectrum.counts[..., :used].reshape(*spectrum.counts.shape[:-1], groups, n)
    added = spectrum.meta.intensity_unit == "counts"
    noise, meta = spectrum.noise, spectrum.meta
    r = noise.correlation
    # Variance of the mean of n channels relative to independent ones, for a first-order autoregressive noise.
    lags = np.arange(1, n)
    inner = float(1.0 + 2.0 * np.sum((1.0 - lags / n) * r**lags))
    size = inner if added else inner / n
    noise = replace(
        noise,
        gain=None if noise.gain is None else noise.gain * size,
        read_noise=noise.read_noise * float(np.sqrt(inner * n if added else inner / n)),
        correlation=correlation_of(correlation_factor(r) / inner) if r > 0 else 0.0,
    )
    if added and meta.dwell_time is not None:
        meta = replace(meta, dwell_time=meta.dwell_time * n)
    t = spectrum.transmission
    done = spectrum.with_(
        axis=replace(spectrum.axis, values=spectrum.x[:used].reshape(groups, n).mean(axis=1)),
        counts=y.sum(axis=-1) if added else y.mean(axis=-1),
        noise=noise,
        meta=meta,
        transmission=None if t is None else t[:used].reshape(groups, n).mean(axis=1),
    )
    left = spectrum.x.size - used
    return noted(done, "rebinned", f"{n} channels each" + (f", {left} at the high end left out" if left else ""))


def on_axis(spectrum: Spectrum, values: FloatArray) -> Spectrum:
    """The spectrum on other axis values inside its own, by straight lines between its points.

    A point at the fraction t between two others has (1-t)**2 + t**2 of their variance; the rest comes back as
    correlation of neighbours, as far as the new steps are not wider than the old.

    Raises
    ------
    BadData
        If the new values reach beyond the old.
    """
    x = spectrum.x
    slack = 1e-6 * spectrum.axis.step
    if x.size < 2 or values[0] < x[0] - slack or values[-1] > x[-1] + slack:
        raise BadData("A spectrum is not known beyond its ends", where=spectrum.name, todo="Choose a narrower range")
    right = np.clip(np.searchsorted(x, values), 1, x.size - 1)
    t = np.clip((values - x[right - 1]) / (x[right] - x[right - 1]), 0.0, 1.0)
    y = (1.0 - t) * spectrum.y[..., right - 1] + t * spectrum.y[..., right]
    share = float(np.mean((1.0 - t) ** 2 + t**2))
    step = float(np.median(np.diff(values))) if values.size > 1 else spectrum.axis.step
    noise = spectrum.noise
    factor = max(correlation_factor(noise.correlation) * spectrum.axis.step / (share * step), 1.0)
    noise = replace(
        noise,
        gain=None if noise.gain is None else noise.gain * share,
        read_noise=noise.read_noise * float(np.sqrt(share)),
        correlation=correlation_of(factor),
    )
    trans = spectrum.transmission
    return spectrum.with_(
        axis=replace(spectrum.axis, values=values),
        counts=y,
        noise=noise,
        transmission=None if trans is None else (1.0 - t) * trans[right - 1] + t * trans[right],
    )


def resample(spectrum: Spectrum, step: Step) -> Spectrum:
    """The spectrum on an even axis of a given step, from its first point on (or from `low` to `high`)."""
    width = step.number("step")
    low = step.number("low", float(spectrum.x[0]))
    high = step.number("high", float(spectrum.x[-1]))
    if not width > 0 or not high > low:
        raise BadModel("Resampling takes a step above zero and two ends", where=f"{width:g}, {low:g} to {high:g}")
    count = int(np.floor((high - low) / width + 1e-9)) + 1
    if not 2 <= count <= _MAX_POINTS:
        raise BadModel(f"Resampling would give {count} points", where=spectrum.name)
    done = on_axis(spectrum, low + width * np.arange(count))
    return noted(done, "resampled", f"step {width:g} {spectrum.axis.unit}, straight lines; neighbours correlate")
