"""The noise of energy-loss spectra, whose counts are usually scaled by a factor that no file tells.

Of an image or series: variance against mean over the spectra, after the few components that describe them are taken
out. Of a single spectrum, and of images whose zero loss drifts: the scatter of neighbouring channels. Both also tell
how far neighbouring channels correlate (camera, interpolation of the read-out).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Noise, Spectrum
from fitting.image.noise import noise_of
from fitting.processing.gain import SCATTER
from libraries.errors import BadData, NotDetermined

LEAST = 16  # spectra from which their variance is told; fewer use neighbouring channels
_SAMPLE = 600
_MOST = 12  # components
# One more component must lower the variance by this share, beyond what the largest one of pure noise takes.
_GAIN = 0.01
_SEEN = 0.05  # a smaller correlation is none
_LAGS = 4
_ROUNDS, _LOUD = 6, 5.0
_ALIKE = 0.8  # a single spectrum with a larger correlation was smoothed or interpolated


@dataclass(frozen=True)
class LossNoise:
    """Noise with the standard error of its gain.

    Attributes
    ----------
    noise : Noise
        Poisson with a gain, read noise where there is some, and the correlation of next neighbours.
    error : float
        Of the gain.
    how : str
        From what it was told.
    """

    noise: Noise
    error: float
    how: str

    @property
    def value(self) -> float:
        """The gain."""
        return self.noise.gain or math.nan


def estimate_loss_noise(spectrum: Spectrum) -> LossNoise:
    """Gain, read noise and correlation of a spectrum, series or image.

    Raises
    ------
    NotDetermined
        If the data do not scatter, or are too few.
    """
    if spectrum.pixels < LEAST or len(spectrum.axis) < LEAST:
        return _from_neighbours(spectrum)
    found = _from_many(spectrum)
    try:
        other = _from_neighbours(spectrum)
    except NotDetermined:
        return found
    # Whatever is structure and no noise (a zero loss that drifts, a sharp edge) adds to either estimate.
    return other if other.value < found.value else found


def _from_neighbours(spectrum: Spectrum) -> LossNoise:
    # Asked anew: what the spectrum says of its noise must not answer.
    blank = spectrum.with_(noise=Noise("poisson", None))
    found = noise_of(blank).noise
    if found is None or found.kind != "poisson" or found.gain is None:
        raise NotDetermined("The noise cannot be told from this spectrum", where=spectrum.name,
                            todo="Use a longer spectrum or a series, or state the noise")
    if found.correlation > _ALIKE:
        raise NotDetermined(
            "Neighbouring channels are so alike (smoothed or interpolated) that their scatter does not tell the noise",
            where=spectrum.name, todo="Leave its size to the residuals of the fit, or use a series of spectra",
        )
    noise = replace(found, correlation=found.correlation if found.correlation > _SEEN else 0.0)
    error = found.gain * SCATTER / math.sqrt(spectrum.pixels * len(spectrum.axis))
    return LossNoise(noise, error, "scatter of neighbouring channels")


def _from_many(spectrum: Spectrum) -> LossNoise:
    every = max(1, math.ceil(spectrum.pixels / _SAMPLE))
    rows = np.concatenate([part[(-start) % every :: every] for start, _, part in spectrum.pieces()])
    rows = rows[rows.sum(axis=1) > 0]
    if len(rows) < LEAST:
        raise NotDetermined("Too few spectra hold counts", where=spectrum.name)
    model, rank = _components(rows)
    residual = rows - model
    share = (1.0 - rank / rows.shape[0]) * (1.0 - rank / rows.shape[1])
    gain, read, error = _law(np.mean(residual**2, axis=0) / share, rows.mean(axis=0), len(rows))
    if not gain > 0:
        raise NotDetermined("The scatter of the spectra does not grow with their counts", where=spectrum.name,
                            todo="State the noise by hand")
    size = gain * np.maximum(rows.mean(axis=0), 0.0) + read**2
    spread = np.mean(residual**2, axis=0)
    lags = _correlations(residual / np.sqrt(np.maximum(np.maximum(size, spread), 1e-300)))
    # Squares of correlated channels tell less than those of independent ones.
    error *= math.sqrt(1.0 + 2.0 * sum(lag**2 for lag in lags))
    correlation = round(min(max(lags[0], 0.0), 0.95), 3)
    noise = Noise("poisson", gain, read, correlation if correlation > _SEEN else 0.0, "estimated")
    return LossNoise(noise, error, f"scatter of {len(rows)} spectra about {rank} components")


def _components(rows: FloatArray) -> tuple[FloatArray, int]:
    """The rows by as few components as lower their scatter beyond what fitted noise does.

    Rows and columns are weighted by the roots of their means, so that counts scatter alike everywhere (M. R. Keenan,
    P. G. Kotula, Surf. Interface Anal. 36, 203 (2004)).
    """
    columns = np.maximum(rows.mean(axis=0), 1e-3 * max(float(rows.mean()), 1e-300))
    weights = np.sqrt(np.outer(rows.sum(axis=1), columns)) / math.sqrt(float(columns.sum()))
    scaled = rows / weights
    size, vectors = np.linalg.eigh(scaled @ scaled.T)
    size, vectors = size[::-1], vectors[:, ::-1]
    total = float(np.sum(size))
    if not total > 0:
        raise BadData("The spectra hold no counts", where="noise")
    left = total - np.cumsum(size)
    many, n = rows.shape
    most = min(_MOST, min(rows.shape) // 4)
    spread = [float(left[k - 1]) / ((many - k) * (n - k)) for k in range(1, most + 1)]
    rank, share = 1, _GAIN + 3.0 / math.sqrt(many * n)
    while rank < most and spread[rank] < (1.0 - share) * spread[rank - 1]:
        rank += 1
    kept = vectors[:, :rank]
    return kept @ (kept.T @ scaled) * weights, rank


def _law(variance: FloatArray, mean: FloatArray, count: int) -> tuple[float, float, float]:
    """Gain and read noise of variance = gain * mean + read_noise**2 over the channels, and the gain's error.

    A variance of `count` numbers is known to sqrt(2/count) of itself; the weights follow the law. A
    read noise that is not three of its errors above zero is none.
    """
    usable = np.isfinite(variance) & (variance > 0)
    variance, mean = variance[usable], mean[usable]
    if variance.size < 8:
        return 0.0, 0.0, 0.0
    seen = mean > 1e-3 * float(mean.max())
    gain = float(np.median(variance[seen] / mean[seen]))
    read = max(float(np.percentile(variance, 5)) - gain * max(float(np.percentile(mean, 5)), 0.0), 0.0)
    law = gain * np.maximum(mean, 0.0) + read
    result = (0.0, 0.0, 0.0)
    for _ in range(_ROUNDS):
        # What moves or changes from spectrum to spectrum scatters more than counts do: a zero loss that drifts, say.
        quiet = variance < (1.0 + _LOUD * math.sqrt(2.0 / count)) * np.maximum(law, 1e-12 * float(law.max()))
        if np.count_nonzero(quiet) < 8:
            break
        v, m = variance[quiet], mean[quiet]
        both, covariance = _line(np.column_stack([m, np.ones(m.size)]), v, count)
        if both[0] > 0 and both[1] > 3.0 * math.sqrt(float(covariance[1, 1])):
            result = float(both[0]), math.sqrt(float(both[1])), math.sqrt(float(covariance[0, 0]))
        else:
            some = m > 1e-3 * float(m.max())
            one, covariance = _line(m[some, None], v[some], count)
            result = float(one[0]), 0.0, math.sqrt(float(covariance[0, 0]))
        law = result[0] * np.maximum(mean, 0.0) + result[1] ** 2
    return result


def _line(design: FloatArray, variance: FloatArray, count: int) -> tuple[FloatArray, FloatArray]:
    """Weighted least squares for variances, and the covariance."""
    law = np.full(variance.size, float(np.mean(variance)))
    for _ in range(6):
        sigma = np.maximum(law, 1e-3 * float(np.mean(law))) * math.sqrt(2.0 / count)
        scaled = design / sigma[:, None]
        covariance = np.linalg.pinv(scaled.T @ scaled)
        found = covariance @ (scaled.T @ (variance / sigma))
        law = np.maximum(design @ found, 0.0)
    return found, covariance


def _correlations(residual: FloatArray) -> list[float]:
    """Of channels 1 to 4 apart."""
    power = float(np.mean(residual**2))
    if not power > 0:
        raise NotDetermined("The spectra do not scatter", where="noise")
    return [float(np.mean(residual[:, lag:] * residual[:, :-lag])) / power for lag in range(1, _LAGS + 1)]
