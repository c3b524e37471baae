"""Principal components of an image of counts, worked out piece by piece, so that the image may be larger than memory.

Counts are divided by the square roots of their row and column means (`PoissonScaling`), after which noise has about
one variance everywhere; the cross-product of channels is summed up over the pieces and decomposed.

References
----------
M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004): scaling of counted data.
M. Gavish, D. L. Donoho, IEEE Trans. Inf. Theory 60, 5040 (2014): noise from the median singular value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

from fitting.dataset import FloatArray, Spectrum
from fitting.factors.channels import Channels, chosen_channels, count_of
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled


@dataclass(frozen=True, eq=False)
class Scaled:
    """An image in scaled numbers, without the numbers themselves.

    Attributes
    ----------
    channels : slice or array of int
        The analysed channels on the spectrum's axis; n of them.
    rows, columns : array of bool, shape (m,), (n,)
        Pixels and channels that hold counts.
    row_root, column_root : array, shape (m,), (n,)
        scaled = counts / (row_root[:, None] * column_root); 1 without scaling and where there is nothing.
    singular : array, shape (n,)
        Singular values of the scaled data, descending.
    loadings : array, shape (n, n)
        Their right-hand vectors in rows, in scaled numbers.
    noise : float
        Variance of the scaled noise.
    known : bool
        Whether `noise` follows from a known gain; else it comes from the data.
    """

    channels: Channels
    rows: np.ndarray
    columns: np.ndarray
    row_root: FloatArray
    column_root: FloatArray
    singular: FloatArray
    loadings: FloatArray
    noise: float
    known: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Pixels and channels that hold counts."""
        return int(self.rows.sum()), int(self.columns.sum())

    def of(self, counts: FloatArray, start: int, stop: int) -> FloatArray:
        """Scaled numbers of spectra start to stop, from their counts on the whole axis."""
        part = counts[:, self.channels] / (self.row_root[start:stop, None] * self.column_root)
        part[:, ~self.columns] = 0.0
        return part


def scaled_image(
    spectrum: Spectrum, window: tuple[float, float] | None = None, *, channels: tuple[int, ...] | None = None,
    poisson: bool = True, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Scaled:
    """Scale an image and find its principal components.

    Parameters
    ----------
    spectrum : Spectrum
        Image or series after its recipe.
    window, channels : optional
        Part of the axis, or places on it; by default all, of named ions the independent ones (`chosen_channels`).
    poisson : bool
        Scale; without it every channel and pixel weighs as it is.

    Raises
    ------
    BadData
        If it is a single spectrum, fewer than two channels are left, or counts are negative and to be scaled.
    Cancelled
    """
    if not spectrum.navigation or spectrum.pixels < 2:
        raise BadData("Factors are found in many spectra, this is one", where=spectrum.name,
                      todo="Choose an image or a series")
    part = chosen_channels(spectrum, window, channels)
    g, h, corrected = _sums(spectrum, part, poisson, progress, cancel)
    rows, columns = g > 0, h > 0
    if poisson and not rows.any():
        raise BadData("These data hold no counts", where=spectrum.name)
    if not poisson:
        rows, columns = np.ones(g.size, bool), np.ones(h.size, bool)
    total = float(h.sum())
    row_root = np.where(rows & poisson, np.sqrt(np.where(g > 0, g, 1.0)), 1.0)
    column_root = np.where(columns & poisson, np.sqrt(np.where(h > 0, h, 1.0) / max(total, 1e-300)), 1.0)
    found = Scaled(part, rows, columns, row_root, column_root, np.zeros(0), np.zeros((0, 0)), 1.0, False)
    gram, weight = _gram(spectrum, found, progress, cancel)
    values, vectors = np.linalg.eigh(gram)
    order = np.argsort(values)[::-1]
    singular = np.sqrt(np.maximum(values[order], 0.0))
    gain = spectrum.noise.gain if spectrum.noise.kind == "poisson" and not corrected else None
    noise = weight * gain if gain and poisson else noise_of(singular, found.shape)
    return Scaled(part, rows, columns, row_root, column_root, singular, np.ascontiguousarray(vectors[:, order].T),
                  noise, bool(gain and poisson))


def _sums(
    spectrum: Spectrum, channels: Channels, poisson: bool, progress: Progress | None, cancel: Cancel | None
) -> tuple[FloatArray, FloatArray, bool]:
    """Sums of rows and columns, and whether the noise of neighbouring channels is correlated."""
    g, h = np.zeros(spectrum.pixels), np.zeros(count_of(channels))
    for start, stop, rows in spectrum.pieces():
        _ask(cancel)
        part = rows[:, channels]
        if poisson and float(part.min(initial=0.0)) < 0:
            raise BadData(
                "Counts below zero have no Poisson scaling", where=spectrum.name,
                todo="Leave out the steps that subtract, choose a range without them, or do not scale",
            )
        g[start:stop], h = part.sum(axis=1), h + part.sum(axis=0)
        if progress is not None:
            progress(0.3 * stop / spectrum.pixels, "Adding up")
    return g, h, spectrum.noise.correlation != 0.0


def _gram(
    spectrum: Spectrum, scaled: Scaled, progress: Progress | None, cancel: Cancel | None
) -> tuple[FloatArray, float]:
    n = scaled.column_root.size
    gram, weight = np.zeros((n, n)), 0.0
    for start, stop, rows in spectrum.pieces():
        _ask(cancel)
        part = scaled.of(rows, start, stop)
        gram += part.T @ part
        # A count is the unbiased estimate of its own variance.
        weight += float(np.sum(part / (scaled.row_root[start:stop, None] * scaled.column_root)))
        if progress is not None:
            progress(0.3 + 0.7 * stop / spectrum.pixels, "Principal components")
    size = scaled.shape[0] * scaled.shape[1]
    return gram, weight / max(size, 1)


def noise_of(singular: FloatArray, shape: tuple[int, int]) -> float:
    """Variance of independent noise in a matrix, from the median of its singular values (Gavish & Donoho 2014).

    Few factors do not move the median; correlated noise does.
    """
    m, n = shape
    count = min(m, n)
    middle = float(np.median(singular[:count]))
    return middle**2 / (max(m, n) * marchenko_pastur_median(min(m, n) / max(m, n)))


@lru_cache(maxsize=64)
def marchenko_pastur_median(ratio: float) -> float:
    """Median of the Marchenko-Pastur law for variance 1 and an aspect ratio up to 1 (eigenvalues over max(m, n))."""
    low, high = (1 - math.sqrt(ratio)) ** 2, (1 + math.sqrt(ratio)) ** 2

    def density(x: float) -> float:
        return math.sqrt(max((high - x) * (x - low), 0.0)) / (2 * math.pi * ratio * x)

    def share(x: float) -> float:
        # x = low + u^2 takes the root at the lower end away.
        return float(quad(lambda u: 2 * u * density(low + u * u), 0.0, math.sqrt(x - low), limit=200)[0])

    return float(brentq(lambda x: share(x) - 0.5, low + 1e-12, high - 1e-12, xtol=1e-9))


def _ask(cancel: Cancel | None) -> None:
    if cancel is not None and cancel():
        raise Cancelled("The factor analysis was stopped")
