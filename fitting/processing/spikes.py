"""Spikes: single channels that something else than the sample filled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.processing.noise import noted
from fitting.processing.step import Step
from libraries.errors import BadData, BadModel

THRESHOLD = 6.0  # standard errors
# Cubic through the four neighbours of a channel: weights of those one and two steps away, and the variance of the
# difference from the channel itself in units of its own, 1 + (2*4**2 + 2*1)/36.
_NEAR, _FAR, _VARIANCE = 4.0 / 6.0, -1.0 / 6.0, 70.0 / 36.0
_MOST = 0.02  # share of all channels that may be spikes


@dataclass(frozen=True)
class Spike:
    """A channel that stands out of its neighbours.

    Attributes
    ----------
    channel : int
        Index along the axis.
    position : float
        On the axis.
    value, expected : float
        Intensity, and that of a cubic through the four neighbours.
    significance : float
        Their difference in standard errors.
    """

    channel: int
    position: float
    value: float
    expected: float
    significance: float


def _expected(y: FloatArray) -> FloatArray:
    """The cubic through two neighbours on each side; the two channels at each end are their own."""
    result = y.copy()
    if y.size >= 5:
        result[2:-2] = _NEAR * (y[1:-3] + y[3:-1]) + _FAR * (y[:-4] + y[4:])
    return result


def find_spikes(spectrum: Spectrum, threshold: float = THRESHOLD) -> tuple[Spike, ...]:
    """Channels above their neighbours by more than `threshold` standard errors, one after the other, largest first.

    The noise of counts of known gain is taken from the neighbours; otherwise its size comes from the median absolute
    deviation of all channels, which spikes do not move. Peaks of four channels FWHM and more agree with a cubic through
    their neighbours to a few per cent of their height: sharper lines are mistaken for spikes where they are strong.

    Parameters
    ----------
    spectrum : Spectrum
        One spectrum, as measured.
    threshold : float

    Raises
    ------
    BadData
        If it is a series or has fewer than 20 points.
    """
    if spectrum.navigation or spectrum.x.size < 20:
        raise BadData("Spikes are looked for in one spectrum of at least 20 points", where=spectrum.name)
    if not threshold > 0:
        raise BadModel("The threshold of spikes is above zero", where=f"{threshold:g}")
    y, noise, found = spectrum.y.copy(), spectrum.noise, []
    size = 1.0
    if not (noise.kind == "poisson" and noise.gain):
        scatter = (y - _expected(y))[2:-2]
        level = np.sqrt(np.maximum(_expected(y)[2:-2], 0.0)) if noise.kind == "poisson" else np.ones(y.size - 4)
        seen = level > 0
        # 1.4826 makes the median absolute deviation the standard deviation of a Gaussian.
        size = 1.4826 * float(np.median(np.abs(scatter[seen] / level[seen]))) if seen.any() else 0.0
        if not size > 0:
            return ()
    for _ in range(max(int(_MOST * y.size), 1)):
        expected = _expected(y)
        if noise.kind == "poisson" and noise.gain:
            sigma = np.sqrt(_VARIANCE * (noise.gain * np.maximum(expected, noise.gain) + noise.read_noise**2))
        elif noise.kind == "poisson":
            sigma = size * np.sqrt(np.maximum(expected, float(np.mean(np.abs(y))) / 100 + 1e-300))
        else:
            sigma = np.full(y.size, size)
        excess = (y - expected) / sigma
        at = int(np.argmax(excess))
        if excess[at] <= threshold:
            break
        found.append(
            Spike(at, float(spectrum.x[at]), float(spectrum.y[at]), float(expected[at]), float(excess[at]))
        )
        y[at] = max(float(expected[at]), 0.0) if noise.kind == "poisson" else expected[at]
    return tuple(sorted(found, key=lambda spike: spike.channel))


def spikes_step(spikes: tuple[Spike, ...], threshold: float) -> Step:
    """The step that takes these spikes out; it lists the channels, so that nothing is looked for again later."""
    channels = " ".join(str(spike.channel) for spike in spikes)
    return Step("spikes", (("channels", channels), ("threshold", float(threshold))), "cosmic events or sparks")


def spikes(spectrum: Spectrum, step: Step) -> Spectrum:
    """Replace the listed channels by the line between the nearest channels that are not listed.

    The noise stays as it is; the few replaced channels scatter less than it says.
    """
    wanted = step.numbers("channels")
    n = spectrum.x.size
    channels = np.array(sorted({int(value) for value in wanted}), dtype=int)
    if channels.size == 0 or channels[0] < 0 or channels[-1] >= n or channels.size > n // 2:
        raise BadModel("The listed spikes are no channels of this spectrum", where=step.text("channels"))
    good = np.setdiff1d(np.arange(n), channels)
    y = spectrum.y.reshape(-1, n).copy()
    for row in y:
        row[channels] = np.interp(spectrum.x[channels], spectrum.x[good], row[good])
    if spectrum.counts.dtype.kind in "iu":
        y = np.round(y).astype(spectrum.counts.dtype)
    done = replace(spectrum, counts=y.reshape(spectrum.counts.shape))
    places = ", ".join(f"{spectrum.x[c]:.2f}" for c in channels)
    return noted(done, "spikes", f"{channels.size} channels replaced: {places} {spectrum.axis.unit}")
