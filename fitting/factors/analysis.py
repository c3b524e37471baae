"""Factors of an image or series: principal components, non-negative factors, curve resolution.

Spectra are found on at most `MOST_ROWS` spectra (neighbouring pixels of larger images are added up), the amounts then
in one exact pass over all pixels, so that the image may be larger than memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum, frozen_array
from fitting.factors.mcr import lof_bound, resolve
from fitting.factors.nmf import factorise
from fitting.factors.nnls import nnls
from fitting.factors.ranks import RankTests, rank_tests
from fitting.factors.scaled import Scaled, scaled_image
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined

Method = Literal["pca", "nmf", "mcr"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_ROWS = 4096
MOST_FACTORS = 20
_RANK = 1e-8  # a singular value below this share of the largest adds no factor
_SHARE_OF_SCALING = 0.3  # of the progress


@dataclass(frozen=True, eq=False)
class Factors:
    """Factors of an image or series.

    Attributes
    ----------
    method : "pca", "nmf" or "mcr"
    poisson : bool
        Whether counts were scaled.
    window : (low, high)
        The analysed part of the axis.
    energy : array, shape (n,)
    spectra : array, shape (k, n)
        NMF and MCR: of sum 1. PCA: loadings as spectra, their amounts having variance 1 over the pixels.
    amounts : array, shape (k, *navigation)
        NMF and MCR: counts of each factor. PCA: scores.
    errors : array, shape (k, *navigation), or None
        One standard error of the amounts for spectra taken as exact; None where the gain is not known, and for PCA.
    lof, lof_bound : float
        Lack of fit of the scaled data in %, and the least that k factors can reach.
    explained : float
        100 - lof^2/100, in %.
    chi2 : float
        Residual over what the noise leaves, a degree of freedom.
    noise_known : bool
        Whether that noise follows from a known gain; else from the data, and chi2 is no test of its own.
    iterations : int
    status : str
    tests : RankTests
    """

    method: Method
    poisson: bool
    window: tuple[float, float]
    energy: FloatArray
    spectra: FloatArray
    amounts: FloatArray
    errors: FloatArray | None
    lof: float
    lof_bound: float
    explained: float
    chi2: float
    noise_known: bool
    iterations: int
    status: str
    tests: RankTests

    @property
    def k(self) -> int:
        """How many there are."""
        return int(self.spectra.shape[0])


def number_of_factors(
    spectrum: Spectrum, window: tuple[float, float] | None = None, *, poisson: bool = True,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> RankTests:
    """The rank tests alone, before any factors are found."""
    return rank_tests(scaled_image(spectrum, window, poisson=poisson, progress=progress, cancel=cancel))


def analyse(
    spectrum: Spectrum, method: Method, k: int, window: tuple[float, float] | None = None, *, poisson: bool = True,
    fixed: FloatArray | None = None, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Factors:
    """Find the factors of an image or series.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    method : "pca", "nmf" or "mcr"
    k : int
    window : (low, high), optional
    poisson : bool
        Scale counts for even noise (MCR, PCA); NMF is the maximum likelihood of counts and needs none.
    fixed : array, shape (f, n), optional
        MCR: spectra that are known, on the analysed channels; they are the first factors.

    Raises
    ------
    BadData
        If the data cannot be analysed so.
    NotDetermined
        If k is larger than the rank.
    Cancelled
    """
    if method not in METHODS:
        raise BadData(f"There is no factor analysis {method}", todo=f"Use one of {', '.join(METHODS)}")
    scaled = scaled_image(spectrum, window, poisson=poisson, progress=_part(progress, 0.0, _SHARE_OF_SCALING),
                          cancel=cancel)  # fmt: skip
    rank = int(np.count_nonzero(scaled.singular > _RANK * scaled.singular[0]))
    if not 1 <= k <= min(rank, MOST_FACTORS):
        raise NotDetermined(f"{k} factors were asked for, the data have the rank {rank}", where=spectrum.name,
                            todo=f"Use 1 to {min(rank, MOST_FACTORS)} factors")
    rest = _part(progress, _SHARE_OF_SCALING, 0.6)
    iterations, status = 0, "exact"
    if method == "pca":
        spectra = _oriented(scaled.loadings[:k])
    elif method == "mcr":
        found = resolve(_rows(spectrum, scaled), k, fixed=fixed, scaled=poisson, progress=rest, cancel=cancel)
        spectra, iterations, status = found.spectra, found.iterations, found.status
    else:
        result = factorise(_rows(spectrum, scaled), k, progress=rest, cancel=cancel)
        spectra, iterations, status = result.spectra, result.iterations, result.status
    if status == "cancelled":
        raise Cancelled("The factor analysis was stopped", where=spectrum.name)
    last = _part(progress, 0.9, 0.1)
    passed = _scores(spectrum, scaled, spectra, last, cancel) if method == "pca" else _amounts(
        spectrum, scaled, spectra, last, cancel)  # fmt: skip
    return _result(spectrum, scaled, method, poisson, passed, iterations, status)


@dataclass(frozen=True, eq=False)
class _Passed:
    """What the exact pass gives: spectra (k, n), amounts and errors (m, k), square of the scaled residual."""

    spectra: FloatArray
    amounts: FloatArray
    errors: FloatArray | None
    square: float


def _part(progress: Progress | None, first: float, share: float) -> Progress | None:
    return None if progress is None else lambda fraction, text: progress(first + share * fraction, text)


def _rows(spectrum: Spectrum, scaled: Scaled) -> FloatArray:
    """Counts (m', n) of at most `MOST_ROWS` spectra: of more, neighbours along the last axis are added up."""
    together = math.ceil(spectrum.pixels / MOST_ROWS)
    found = np.zeros((math.ceil(spectrum.pixels / together), scaled.column_root.size))
    for start, stop, rows in spectrum.pieces():
        np.add.at(found, np.arange(start, stop) // together, rows[:, scaled.channels])
    return found


def _oriented(loadings: FloatArray) -> FloatArray:
    """Loadings whose largest part is above zero: the sign of a principal component means nothing."""
    largest = np.take_along_axis(loadings, np.argmax(np.abs(loadings), axis=1)[:, None], axis=1)
    return loadings * np.where(largest < 0, -1.0, 1.0)


def _scores(
    spectrum: Spectrum, scaled: Scaled, loadings: FloatArray, progress: Progress | None, cancel: Cancel | None
) -> _Passed:
    """Scores of principal components: amount x spectrum is a component's share of the counts."""
    amounts = np.zeros((spectrum.pixels, loadings.shape[0]))
    for start, stop, rows in spectrum.pieces():
        _ask(cancel)
        amounts[start:stop] = (scaled.of(rows, start, stop) @ loadings.T) * scaled.row_root[start:stop, None]
        if progress is not None:
            progress(stop / spectrum.pixels, "Scores")
    size = np.where(amounts.std(axis=0) > 0, amounts.std(axis=0), 1.0)
    spectra = loadings * scaled.column_root * size[:, None]
    square = float(np.sum(scaled.singular[loadings.shape[0] :] ** 2))
    return _Passed(spectra, amounts / size, None, square)


def _amounts(
    spectrum: Spectrum, scaled: Scaled, spectra: FloatArray, progress: Progress | None, cancel: Cancel | None
) -> _Passed:
    """Non-negative amounts of known spectra in every pixel, by weighted least squares."""
    gain = spectrum.noise.gain if spectrum.noise.kind == "poisson" else None
    amounts = np.zeros((spectrum.pixels, spectra.shape[0]))
    errors = np.zeros_like(amounts) if gain else None
    design = (spectra / scaled.column_root)[:, scaled.columns]
    square = 0.0
    for start, stop, rows in spectrum.pieces():
        _ask(cancel)
        part = scaled.of(rows, start, stop)[:, scaled.columns]
        found = nnls(design.T, part.T).T
        square += float(np.sum((part - found @ design) ** 2))
        amounts[start:stop] = found * scaled.row_root[start:stop, None]
        if errors is not None and gain:
            errors[start:stop] = _errors(amounts[start:stop], spectra[:, scaled.columns], scaled, gain)
        if progress is not None:
            progress(stop / spectrum.pixels, "Amounts")
    return _Passed(spectra, amounts, errors, square)


def _errors(amounts: FloatArray, spectra: FloatArray, scaled: Scaled, gain: float) -> FloatArray:
    """Standard errors (m, k) of least squares with the weights of the scaling, for the noise that counts have.

    A = (S W S')^-1 S W, cov = A V A', V = gain x expected counts, W = 1/column mean; exact for
    unconstrained amounts, too large by up to twice for amounts that stop at zero.
    """
    weight = 1.0 / scaled.column_root[scaled.columns] ** 2
    gram = (spectra * weight) @ spectra.T
    lever = np.linalg.solve(gram, spectra * weight)
    mean = np.maximum(amounts @ spectra, 0.0)
    return np.asarray(np.sqrt(np.maximum(gain * (mean @ (lever**2).T), 0.0)))


def _result(
    spectrum: Spectrum, scaled: Scaled, method: Method, poisson: bool, passed: _Passed, iterations: int, status: str
) -> Factors:
    shape = tuple(len(axis) for axis in spectrum.navigation)
    m, n = scaled.shape
    k = passed.spectra.shape[0]
    total = float(np.sum(scaled.singular**2))
    lof = 100.0 * math.sqrt(max(passed.square, 0.0) / total)
    degrees = max((m - k) * (n - k), 1)
    energy = spectrum.x[scaled.channels]

    def image(rows: FloatArray) -> NDArray[np.float64]:
        return frozen_array(rows.T.reshape(k, *shape))

    return Factors(
        method, poisson, (float(energy[0]), float(energy[-1])), frozen_array(energy), frozen_array(passed.spectra),
        image(passed.amounts), None if passed.errors is None else image(passed.errors), lof,
        lof_bound(scaled.singular, k), 100.0 - lof**2 / 100.0, passed.square / (degrees * scaled.noise), scaled.known,
        iterations, status, rank_tests(scaled),
    )  # fmt: skip


def ordered(factors: Factors) -> Factors:
    """NMF and MCR factors in descending order of their counts; principal components stay as they are."""
    if factors.method == "pca":
        return factors
    order = np.argsort(factors.amounts.reshape(factors.k, -1).sum(axis=1))[::-1]
    errors = None if factors.errors is None else frozen_array(factors.errors[order])
    return replace(factors, spectra=frozen_array(factors.spectra[order]), amounts=frozen_array(factors.amounts[order]),
                   errors=errors)


def _ask(cancel: Cancel | None) -> None:
    if cancel is not None and cancel():
        raise Cancelled("The factor analysis was stopped")
