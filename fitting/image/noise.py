"""The noise of an image whose file does not tell it: estimated from the scatter of neighbouring channels.

Third differences along the energy take out every smooth course up to a parabola. Those of single channels and those of
sums over four channels together tell the variance and how far neighbouring channels correlate: correlated noise
cancels in the first and adds up in the second. The middle value over all channels is taken, so that sharp features
(the zero loss, an edge) do not count as noise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum

_COEFFICIENTS = np.array([1.0, -3.0, 3.0, -1.0])
_BLOCK = 4  # channels
_SAMPLE, _RUN = 512, 32  # spectra looked at, and how many of them in a row
_LEAST_CHANNELS = 48
_GRID = np.linspace(-0.2, 0.9, 111)


@dataclass(frozen=True)
class NoiseFound:
    """Noise to compute with, and where it comes from.

    Attributes
    ----------
    noise : Noise or None
        None where it is not known and cannot be estimated: then errors are not determined.
    words : str
        For legends and exports.
    """

    noise: Noise | None
    words: str


def noise_of(image: Spectrum) -> NoiseFound:
    """The noise of the spectra of an image: as recorded, else estimated.

    Parameters
    ----------
    image : Spectrum

    Returns
    -------
    NoiseFound
        Estimated noise is proportional to the counts ("poisson" with a gain) where the counts are above zero, else
        constant, with the correlation of neighbouring channels as of a first-order autoregressive process.

    References
    ----------
    The ratio of variances of differences and block sums follows from the autocovariance r^k of such a process
    (G. E. P. Box et al., Time Series Analysis, 4th ed. (2008), section 3.2).
    """
    if image.noise.known:
        return NoiseFound(image.noise, noise_words(image.noise, "as recorded"))
    known: NoiseFound | None = image.__dict__.get("_noise_found")
    if known is None:
        known = _estimated(image)
        object.__setattr__(image, "_noise_found", known)  # nothing of a spectrum can change: worked out once
    return known


def noise_words(noise: Noise, how: str) -> str:
    """Noise in words: "noise as recorded: 1 count per event"."""
    text = f"noise {how}: "
    if noise.kind == "poisson":
        text += "1 count per event" if noise.gain == 1 else f"{noise.gain:.3g} counts per event"
    else:
        text += f"constant {noise.read_noise:.3g}"
    if noise.kind == "poisson" and noise.read_noise > 0:
        text += f" and read noise {noise.read_noise:.3g}"
    return text + (f", neighbouring channels correlate by {noise.correlation:.2f}" if noise.correlation else "")


def _estimated(image: Spectrum) -> NoiseFound:
    if len(image.axis) < _LEAST_CHANNELS:
        return NoiseFound(None, f"errors not determined: the noise is not recorded and {len(image.axis)} channels are "
                                "too few to estimate it")
    rows = _sample(image)
    proportional = image.noise.kind == "poisson" or bool(np.mean(rows, axis=0).min() >= 0)
    fine, coarse = (_size(_summed(rows, width), proportional) for width in (1, _BLOCK))
    if not (fine > 0 and coarse > 0):
        return NoiseFound(None, "errors not determined: the noise is not recorded and the channels do not scatter")
    # For constant noise a sum over four channels has four times the variance; for counts the level carries that.
    ratio = coarse / fine / (1.0 if proportional else _BLOCK)
    shapes = np.array([_variance(_BLOCK, r) / _variance(1, r) / _BLOCK for r in _GRID])
    correlation = round(float(np.interp(ratio, shapes, _GRID)), 3)
    if abs(correlation) < 0.05:
        correlation = 0.0
    size = fine * 20.0 / _variance(1, correlation)
    if proportional:
        noise = replace(image.noise, kind="poisson", gain=size, correlation=correlation, origin="estimated")
    else:
        noise = replace(image.noise, kind="gaussian", gain=None, read_noise=float(np.sqrt(size)),
                        correlation=correlation, origin="estimated")
    return NoiseFound(noise, noise_words(noise, "estimated from the scatter of the channels"))


def _sample(image: Spectrum) -> FloatArray:
    """Spectra from all over the image, in short runs."""
    if image.pixels <= _SAMPLE:
        return image.rows(0, image.pixels)
    starts = np.linspace(0, image.pixels - _RUN, _SAMPLE // _RUN).astype(int)
    return np.concatenate([image.rows(int(start), int(start) + _RUN) for start in starts])


def _summed(rows: FloatArray, width: int) -> FloatArray:
    whole = rows.shape[1] // width * width
    return rows[:, :whole].reshape(len(rows), -1, width).sum(axis=2)


def _size(rows: FloatArray, proportional: bool) -> float:
    """Middle over the channels of (mean squared third difference)/20, over the mean level for counts."""
    parts = [rows[:, i:rows.shape[1] - 3 + i] for i in range(4)]
    squared = np.mean(sum(c * part for c, part in zip(_COEFFICIENTS, parts, strict=True)) ** 2, axis=0) / 20.0
    if proportional:
        level = np.mean(sum(parts), axis=0) / 4.0  # type: ignore[arg-type]
        seen = level > 0
        squared = squared[seen] / level[seen]
    if squared.size < 8:
        return 0.0
    # The median of chi2 over its degrees of freedom (E. B. Wilson, M. M. Hilferty, PNAS 17, 684 (1931)).
    return float(np.median(squared) / (1.0 - 2.0 / (9.0 * len(rows))) ** 3)


def _variance(width: int, r: float) -> float:
    """Variance of the third difference of sums over `width` channels of unit noise with autocovariance r^k."""
    weights = np.repeat(_COEFFICIENTS, width)
    distance = np.abs(np.subtract.outer(np.arange(weights.size), np.arange(weights.size)))
    return float(weights @ np.power(float(r), distance) @ weights)
