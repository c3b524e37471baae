"""How much of known spectra is in every pixel: one exact pass over all of them, piece by piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum
from fitting.factors.channels import Channels
from fitting.factors.nnls import nnls
from fitting.factors.scaled import Scaled
from fitting.tape import Cancel, Progress
from libraries.errors import Cancelled


@dataclass(frozen=True, eq=False)
class Passed:
    """What the exact pass gives: spectra (k, n), amounts and errors (m, k), square of the scaled residual."""

    spectra: FloatArray
    amounts: FloatArray
    errors: FloatArray | None
    square: float


def scores(
    spectrum: Spectrum, scaled: Scaled, loadings: FloatArray, progress: Progress | None, cancel: Cancel | None
) -> Passed:
    """Scores of principal components: amount x spectrum is a component's share of the counts."""
    amounts = np.zeros((spectrum.pixels, loadings.shape[0]))
    for start, stop, rows in spectrum.pieces():
        ask(cancel)
        amounts[start:stop] = (scaled.of(rows, start, stop) @ loadings.T) * scaled.row_root[start:stop, None]
        if progress is not None:
            progress(stop / spectrum.pixels, "Scores")
    size = np.where(amounts.std(axis=0) > 0, amounts.std(axis=0), 1.0)
    spectra = loadings * scaled.column_root * size[:, None]
    square = float(np.sum(scaled.singular[loadings.shape[0] :] ** 2))
    return Passed(spectra, amounts / size, None, square)


def amounts(
    spectrum: Spectrum, scaled: Scaled, spectra: FloatArray, progress: Progress | None, cancel: Cancel | None
) -> Passed:
    """Non-negative amounts of known spectra in every pixel, by weighted least squares."""
    gain = gain_of(spectrum)
    found_all = np.zeros((spectrum.pixels, spectra.shape[0]))
    errors = np.zeros_like(found_all) if gain else None
    design = (spectra / scaled.column_root)[:, scaled.columns]
    square = 0.0
    for start, stop, rows in spectrum.pieces():
        ask(cancel)
        part = scaled.of(rows, start, stop)[:, scaled.columns]
        found = nnls(design.T, part.T).T
        square += float(np.sum((part - found @ design) ** 2))
        found_all[start:stop] = found * scaled.row_root[start:stop, None]
        if errors is not None and gain:
            weight = scaled.column_root[scaled.columns]
            errors[start:stop] = amount_errors(found_all[start:stop], spectra[:, scaled.columns], weight, gain)
        if progress is not None:
            progress(stop / spectrum.pixels, "Amounts")
    return Passed(spectra, found_all, errors, square)


def amounts_in(counts: FloatArray, spectra: FloatArray, column_root: FloatArray) -> FloatArray:
    """Non-negative amounts (m, k) of known spectra (k, n) in counts (m, n) of channels that all hold some."""
    return nnls((spectra / column_root).T, (counts / column_root).T).T


def voxel_amounts(
    spectrum: Spectrum, channels: Channels, spectra: FloatArray, column_root: FloatArray, *,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> NDArray[np.float32]:
    """Non-negative amounts of known spectra in every voxel, shape (pixels, k), by one pass over the cube.

    Parameters
    ----------
    channels : slice or array of int
        The analysed channels, n of them.
    spectra : array, shape (k, n)
    column_root : array, shape (n,)
        Roots of the channels' mean counts; 0 for a channel without counts, which is left out.
    """
    used = column_root > 0
    design = spectra[:, used] / column_root[used]
    weight = 1.0 / column_root[used]
    found: NDArray[np.float32] = np.zeros((spectrum.pixels, spectra.shape[0]), np.float32)
    places = np.arange(len(spectrum.axis))[channels][used]
    index: Any = slice(places[0], places[-1] + 1) if np.all(np.diff(places) == 1) else places  # no copy where it can be
    for start, stop, rows in spectrum.pieces():
        ask(cancel)
        found[start:stop] = nnls(design.T, (rows[:, index] * weight).T).T
        if progress is not None:
            progress(stop / spectrum.pixels, "Amounts in every voxel")
    return found


def amount_errors(amounts: FloatArray, spectra: FloatArray, column_root: FloatArray, gain: float) -> FloatArray:
    """Standard errors (m, k) of least squares with the weights of the scaling, for the noise that counts have.

    A = (S W S')^-1 S W, cov = A V A', V = gain x expected counts, W = 1/column mean; exact for
    unconstrained amounts, too large by up to twice for amounts that stop at zero.
    """
    weight = 1.0 / column_root**2
    gram = (spectra * weight) @ spectra.T
    lever = np.linalg.solve(gram, spectra * weight)
    mean = np.maximum(amounts @ spectra, 0.0)
    return np.asarray(np.sqrt(np.maximum(gain * (mean @ (lever**2).T), 0.0)))


def gain_of(spectrum: Spectrum) -> float | None:
    """Counts a count of noise, where it is known."""
    return spectrum.noise.gain if spectrum.noise.kind == "poisson" else None


def ask(cancel: Cancel | None) -> None:
    """Stop where the user wants it."""
    if cancel is not None and cancel():
        raise Cancelled("The factor analysis was stopped")
