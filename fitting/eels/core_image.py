"""Amounts of the elements in every spectrum of an image or series, by linear least squares with weights of the model.

Onsets and fine structure are those of a fit to the sum of all pixels; what is left is linear: two power laws of fixed
exponents (their mixture follows the exponent of each pixel) and one amount for each edge, all not negative. Where the
low loss is an image of the same shape, every pixel is convolved with its own.

References
----------
P. Cueva et al., Microsc. Microanal. 18, 667 (2012): two power laws. T. Manoubi, M. Tence, M. G. Walls, C. Colliex,
Microsc. Microanal. Microstruct. 1, 23 (1990): linear least squares of edges. McCullagh, Nelder, Generalized Linear
Models, 2nd ed. (1989): weights that follow the model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.core_background import exponents
from fitting.eels.core_edges import Response, pixel_responses
from fitting.eels.core_model import EdgeTerm
from libraries.errors import BadData, Cancelled, SodaliteError

GOOD, NO_COUNTS, NO_ZERO_LOSS, POOR = range(4)
LEGEND = ((NO_COUNTS, "no counts"), (NO_ZERO_LOSS, "no zero-loss peak in the low loss"),
          (POOR, "the model does not describe this pixel"))
_ROUNDS = 3
_PIECE = 1 << 20  # numbers of a piece of spectra
_SPREAD, _MOST_SPREAD = 0.1, 1.0  # of the two exponents about that of the sum
_POOR = 4.0  # times the median of the misfit


@dataclass(frozen=True, eq=False)
class Amounts:
    """What was found in every pixel.

    Attributes
    ----------
    names : tuple of str
        Edges.
    values : array, shape (*navigation, k)
    covariance : array, shape (*navigation, k, k)
        Counting only.
    flags : array of uint8, shape (*navigation)
    misfit : array, shape (*navigation)
        Weighted sum of squares over degrees of freedom (counts: 1 for plain counts).
    gain, correlation : float
        Used in the covariance.
    exponents : tuple of float
    """

    names: tuple[str, ...]
    values: FloatArray
    covariance: FloatArray
    flags: NDArray[np.uint8]
    misfit: FloatArray
    gain: float
    correlation: float
    exponents: tuple[float, float]


def map_amounts(
    core: Spectrum, low: Spectrum | None, window: tuple[float, float], terms: Sequence[EdgeTerm],
    response: Response | None, exponent: float, *, scale: float | None = None,
    progress: Callable[[float, str], None] | None = None, cancel: Callable[[], bool] | None = None,
) -> Amounts:
    """Amounts of every pixel.

    Parameters
    ----------
    core : Spectrum
        Image or series.
    low : Spectrum or None
        Low loss; of the same navigation: one response a pixel. Otherwise `response` serves for all.
    window : (float, float)
        Fitted range in eV.
    terms : sequence of EdgeTerm
        With their fine structure in the curve (`core_model.with_shapes`).
    response : Response or None
        Of the sum of all pixels.
    exponent : float
        Of the sum of all pixels.
    scale : float, optional
        Exposure of core over low loss.
    """
    if not core.navigation:
        raise BadData("Maps need an image or a series", where=core.name)
    part = core.axis.window(*window)
    energy = core.x[part]
    shape, k = tuple(len(axis) for axis in core.navigation), len(terms)
    own = low is not None and tuple(len(axis) for axis in low.navigation) == shape
    powers = _exponents(core, energy, part, terms, exponent)
    pivot = math.sqrt(float(energy[0]) * float(energy[-1]))
    background = np.stack([(energy / pivot) ** -r for r in powers], axis=1)
    common = None
    if not own:
        columns = [term.curve.columns(energy, term.onset, None, response)[:, :1] for term in terms]
        common = np.concatenate([background, *columns], axis=1)
    values, covariance = np.full((core.pixels, k), np.nan), np.full((core.pixels, k, k), np.nan)
    flags, misfit = np.zeros(core.pixels, np.uint8), np.full(core.pixels, np.nan)
    lags = np.zeros(7)
    step = max(_PIECE // (energy.size * (k + 2)), 1)
    for start in range(0, core.pixels, step):
        if cancel is not None and cancel():
            raise Cancelled
        if progress is not None:
            progress(start / core.pixels, f"{start} of {core.pixels} pixels")
        stop = min(start + step, core.pixels)
        rows = core.rows(start, stop)[:, part]
        bad = rows.sum(axis=1) <= 0
        flags[start:stop][bad] = NO_COUNTS
        if own and low is not None:
            design, lost = _own_design(low, start, stop, energy, core.axis.step, terms, background, scale)
            flags[start:stop][lost & ~bad] = NO_ZERO_LOSS
            bad = bad | lost
        else:
            assert common is not None
            design = common[None]
        found, inverse, chi, found_lags = _solve(design, rows, bad)
        values[start:stop], covariance[start:stop], misfit[start:stop] = found[:, 2:], inverse[:, 2:, 2:], chi
        lags += found_lags
    gain, factor = _noise(core, misfit, lags)
    covariance *= gain * factor
    typical = float(np.nanmedian(misfit)) if np.isfinite(misfit).any() else math.nan
    with np.errstate(invalid="ignore"):
        flags[(flags == GOOD) & (misfit > _POOR * typical)] = POOR
    return Amounts(tuple(term.name for term in terms), values.reshape(*shape, k), covariance.reshape(*shape, k, k),
                   flags.reshape(shape), misfit.reshape(shape), gain, factor, powers)


def _exponents(
    core: Spectrum, energy: FloatArray, part: slice, terms: Sequence[EdgeTerm], middle: float
) -> tuple[float, float]:
    """Two exponents about that of the sum, as far apart as those of the pixels below the first edge."""
    first = min(term.onset for term in terms) - 3.0
    chosen = np.unique(np.linspace(0, core.pixels - 1, min(core.pixels, 400)).astype(int))
    rows = np.concatenate([core.rows(int(i), int(i) + 1) for i in chosen])[:, part]
    try:
        found = exponents(energy, rows, (float(energy[0]), first))
        found = found[np.isfinite(found)]
        low, high = np.percentile(found, (5.0, 95.0)) if found.size >= 20 else (middle, middle)
    except SodaliteError:
        low, high = middle, middle
    low = min(max(float(low), middle - _MOST_SPREAD), middle - _SPREAD)
    high = max(min(float(high), middle + _MOST_SPREAD), middle + _SPREAD)
    return low, high


def _own_design(
    low: Spectrum, start: int, stop: int, energy: FloatArray, step: float, terms: Sequence[EdgeTerm],
    background: FloatArray, scale: float | None,
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Design (p, n, 2 + k) of pixels with their own low loss, and which of them have none."""
    kernels, zeros, lost = pixel_responses(low, start, stop, step, scale)
    before = math.ceil(float(np.max(zeros))) + 1
    lead = max(max(math.ceil((float(energy[0]) - term.onset) / step) for term in terms), 0) + 1
    grid = float(energy[0]) + step * np.arange(-lead, energy.size + before + 1)
    edges = np.stack([term.curve.on_grid(grid, term.onset) for term in terms])
    length = next_fast_len(grid.size + kernels.shape[1], real=True)
    # The peak of each pixel is moved onto a whole channel by its phase.
    phase = np.exp(2j * np.pi * np.arange(length // 2 + 1)[None] / length * zeros[:, None])
    spectra = rfft(kernels, length, axis=1) * phase
    full = irfft(spectra[:, None, :] * rfft(edges, length, axis=1)[None], length, axis=2)
    columns = full[:, :, lead : lead + energy.size]
    shared = np.broadcast_to(background.T[None], (stop - start, *background.T.shape))
    return np.concatenate([shared, columns], axis=1).transpose(0, 2, 1), lost


def _solve(
    design: FloatArray, rows: FloatArray, bad: NDArray[np.bool_]
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Not negative solutions (p, k), inverse normals, misfit and sums of products of residuals at lags 0 to 6."""
    p, n = rows.shape
    k = design.shape[2]
    level = np.maximum(rows.mean(axis=1, keepdims=True), 1e-30)
    model = np.maximum(_running(rows), 0.1 * level)
    norm = np.sqrt(np.mean(design**2, axis=1, keepdims=True))
    norm[norm == 0] = 1.0
    scaled = design / norm
    values = np.zeros((p, k))
    for _ in range(_ROUNDS):
        weight = 1.0 / model
        if design.shape[0] == 1:
            flat = scaled[0]
            products = (flat[:, :, None] * flat[:, None, :]).reshape(n, k * k)
            normal = (weight @ products).reshape(p, k, k)
            right = (weight * rows) @ flat
        else:
            normal = np.matmul(scaled.transpose(0, 2, 1) * weight[:, None, :], scaled)
            right = np.einsum("pnk,pn->pk", scaled, weight * rows)
        values, inverse = nonnegative(normal, right)
        fitted = (scaled[0] @ values.T).T if design.shape[0] == 1 else np.einsum("pnk,pk->pn", scaled, values)
        model = np.maximum(fitted, 0.02 * level)
    residual = (rows - fitted) / np.sqrt(model)
    chi = np.sum(residual**2, axis=1) / max(n - k, 1)
    good = ~bad
    lags = np.array([float(np.sum(residual[good, lag:] * residual[good, : n - lag])) for lag in range(7)])
    size = norm[:, 0, :]
    values, inverse = values / size, inverse / size[:, :, None] / size[:, None, :]
    values[bad], inverse[bad], chi[bad] = np.nan, np.nan, np.nan
    return values, inverse, chi, lags


def nonnegative(normal: FloatArray, right: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Minima of x N x / 2 - r x with x >= 0 for many small problems, and inverses for error bars.

    Parameters
    ----------
    normal : array, shape (p, k, k)
        Positive definite.
    right : array, shape (p, k)

    Returns
    -------
    x : array, shape (p, k)
    inverse : array, shape (p, k, k)
        Of the unknowns that are not held; a held one has the variance it would have beside them.

    Notes
    -----
    Every set of free unknowns is tried from the full one down, and taken where it meets the conditions of the minimum
    (Karush, Kuhn, Tucker): exact, and a few array operations for k up to about 8.
    """
    p, k = right.shape
    eye = 1e-12 * np.eye(k) * np.maximum(np.einsum("pii->pi", normal).max(axis=1), 1e-300)[:, None, None]
    normal = normal + eye
    x, inverse = np.zeros((p, k)), np.zeros((p, k, k))
    left = np.arange(p)
    size = np.maximum(np.abs(right), 1e-300)
    for free in sorted(product((True, False), repeat=k), key=lambda s: -sum(s)):
        if not left.size:
            break
        use = np.flatnonzero(free)
        trial = np.zeros((left.size, k))
        if use.size:
            part = normal[np.ix_(left, use, use)]
            inner = np.linalg.inv(part)
            trial[:, use] = np.einsum("pij,pj->pi", inner, right[np.ix_(left, use)])
        slope = right[left] - np.einsum("pij,pj->pi", normal[left], trial)
        held = np.array([not on for on in free])
        fine = np.all(trial >= 0, axis=1) & np.all(slope[:, held] <= 1e-9 * size[left][:, held], axis=1)
        taken = left[fine]
        x[taken] = trial[fine]
        for i in np.flatnonzero(held):
            with_it = np.sort(np.append(use, i))
            beside = np.linalg.inv(normal[np.ix_(taken, with_it, with_it)])
            at = int(np.searchsorted(with_it, i))
            inverse[taken, i, i] = beside[:, at, at]
        if use.size:
            inverse[np.ix_(taken, use, use)] = inner[fine]
        left = left[~fine]
    return x, inverse


def _running(rows: FloatArray) -> FloatArray:
    """Running mean over 15 channels."""
    padded = np.pad(rows, ((0, 0), (8, 7)), mode="edge")
    total = np.cumsum(padded, axis=1)
    return np.asarray((total[:, 15:] - total[:, :-15]) / 15.0)


def _noise(core: Spectrum, misfit: FloatArray, lags: FloatArray) -> tuple[float, float]:
    """Gain and factor of correlation: as known, else from the residuals of all pixels together."""
    noise = core.noise
    factor = (1 + noise.correlation) / (1 - noise.correlation)
    if noise.kind == "poisson" and noise.gain is not None:
        return noise.gain, factor
    gain = float(np.nanmedian(misfit)) if np.isfinite(misfit).any() else 1.0
    if not noise.correlation and lags[0] > 0:
        factor = 1.0
        for value in lags[1:] / lags[0]:
            if value < 0.03:
                break
            factor += 2.0 * float(value)
    return gain, factor
