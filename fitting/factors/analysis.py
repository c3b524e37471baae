"""Factors of an image, series, depth profile or cube: principal components, non-negative factors, curve resolution.

Spectra are found on at most `MOST_ROWS` spectra (neighbouring pixels of larger images are added up), the amounts then
in one exact pass over all pixels, so that the image may be larger than memory.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, Spectrum, frozen_array
from fitting.factors.amounts import Passed, amount_errors, amounts, amounts_in, gain_of, scores, voxel_amounts
from fitting.factors.bins import MOST_ROWS, Sums, sums_of
from fitting.factors.channels import Channels, chosen_channels
from fitting.factors.closing import yields_of
from fitting.factors.constraints import NONE, Constraints
from fitting.factors.mcr import lof_bound, resolve
from fitting.factors.nmf import factorise
from fitting.factors.ranks import RankTests, rank_tests
from fitting.factors.scaled import Scaled, scaled_image
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, Cancelled, NotDetermined

Method = Literal["pca", "nmf", "mcr"]
METHODS: tuple[Method, ...] = get_args(Method)
MOST_FACTORS = 20
_RANK = 1e-8  # a singular value below this share of the largest adds no factor
_SHARE_OF_SCALING = 0.2  # of the progress


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
        Of named channels their places on the axis.
    spectra : array, shape (k, n)
        NMF and MCR: of sum 1. PCA: loadings as spectra, their amounts having variance 1 over the pixels.
    amounts : array, shape (k, *navigation)
        NMF and MCR: counts of each factor. PCA: scores.
    errors : array, shape (k, *navigation), or None
        One standard error of the amounts for spectra taken as exact; None where the gain is not known, for PCA, and for
        the voxels of a cube.
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
    labels : tuple of str
        Names of the analysed channels, where they have some.
    constraints : Constraints
    depth, depth_errors : array, shape (k, points), or None
        Of a depth profile its amounts; of a cube those of all pixels together.
    image, image_errors : array, shape (k, rows, columns), or None
        Of a cube of ions: amounts of all scans together.
    words : str
        What was added up before; "" for nothing.
    yields, yield_errors : array, shape (k,), or None
        With closure (`fitting.factors.closing`).
    low, high, low_spectra, high_spectra, shares, ambiguity
        Bands (`fitting.factors.banded`), as `KeptFactors` has them.
    scaled : Scaled
        How the solved rows were scaled.
    rows : array, shape (m, n), or None
        These rows in counts, of named channels.
    """

    method: Method
    poisson: bool
    window: tuple[float, float]
    energy: FloatArray
    spectra: FloatArray
    amounts: NDArray[Any]
    errors: FloatArray | None
    lof: float
    lof_bound: float
    explained: float
    chi2: float
    noise_known: bool
    iterations: int
    status: str
    tests: RankTests
    labels: tuple[str, ...] = ()
    constraints: Constraints = NONE
    depth: FloatArray | None = None
    depth_errors: FloatArray | None = None
    image: FloatArray | None = None
    image_errors: FloatArray | None = None
    words: str = ""
    yields: FloatArray | None = None
    yield_errors: FloatArray | None = None
    low: FloatArray | None = None
    high: FloatArray | None = None
    low_spectra: FloatArray | None = None
    high_spectra: FloatArray | None = None
    shares: FloatArray | None = None
    ambiguity: str = ""
    scaled: Scaled | None = field(default=None, repr=False)
    rows: FloatArray | None = field(default=None, repr=False)

    @property
    def k(self) -> int:
        """How many there are."""
        return int(self.spectra.shape[0])


@dataclass(frozen=True, eq=False)
class _Prepared:
    """What is solved: a series of spectra, scaled; of cubes of ions sums over their blocks, or over whole scans."""

    source: Spectrum
    channels: Channels
    scaled: Scaled
    sums: Sums | None
    scans: bool = False

    @property
    def in_order(self) -> bool:
        """Whether the rows follow one another in depth."""
        plain = self.sums is None and bool(self.source.axis.labels) and len(self.source.navigation) == 1
        return plain or self.scans

    @property
    def words(self) -> str:
        """On which sums of a cube the spectra were found."""
        if self.sums is None:
            return ""
        return "solved on sums over whole scans" if self.scans else self.sums.words

    def tests(self, poisson: bool, progress: Progress | None = None, cancel: Cancel | None = None) -> RankTests:
        scaled = self.scaled
        if not poisson or self.source.pixels > MOST_ROWS:
            return rank_tests(scaled)
        counts = self.source.rows(0, self.source.pixels)
        rows = scaled.of(counts, 0, self.source.pixels)[np.ix_(scaled.rows, scaled.columns)]
        held = counts[:, scaled.channels] if self.in_order else None
        return rank_tests(scaled, rows, held, progress=progress, cancel=cancel)


def _prepared(
    spectrum: Spectrum, window: tuple[float, float] | None, channels: tuple[int, ...] | None, poisson: bool,
    progress: Progress | None, cancel: Cancel | None,
) -> _Prepared:
    chosen = chosen_channels(spectrum, window, channels)
    ions, layers = bool(spectrum.axis.labels), len(spectrum.navigation)
    if ions and (layers == 3 or (layers == 2 and spectrum.pixels > MOST_ROWS)):
        sums = sums_of(spectrum, chosen, progress=_part(progress, 0.0, 0.8), cancel=cancel)
        source = sums.rows
        every = tuple(range(len(source.axis)))
        scaled = scaled_image(source, channels=every, poisson=poisson, cancel=cancel)
        return _Prepared(source, chosen, scaled, sums)
    scaled = scaled_image(spectrum, window, channels=channels, poisson=poisson, progress=progress, cancel=cancel)
    return _Prepared(spectrum, chosen, scaled, None)


def _scans(spectrum: Spectrum, prepared: _Prepared, k: int, poisson: bool, cancel: Cancel | None) -> _Prepared | None:
    """Of a cube the sums over whole scans, where they tell k factors apart; else None.

    Rows of few counts scatter around the true mixtures, also to outside of all true spectra, and "zero or above" then
    turns the factors outwards: on a simulated interphase blocks of 8 x 8 pixels gave layers up to 9 % off, 16 x 16
    pixels 6 %, whole scans 3 %. Blocks are for factors that differ over the image and not along the depth.
    """
    sums = prepared.sums
    if sums is None or not sums.profile.size or sums.profile.shape[0] < 2 * k:
        return None
    blocks = prepared.source
    source = Spectrum(blocks.axis, sums.profile, blocks.noise, blocks.meta, navigation=spectrum.navigation[:1])
    scaled = scaled_image(source, channels=tuple(range(len(source.axis))), poisson=poisson, cancel=cancel)
    if rank_tests(scaled).noise_edge < k:
        return None
    return _Prepared(source, prepared.channels, scaled, sums, scans=True)


def number_of_factors(
    spectrum: Spectrum, window: tuple[float, float] | None = None, *, channels: tuple[int, ...] | None = None,
    poisson: bool = True, progress: Progress | None = None, cancel: Cancel | None = None,
) -> RankTests:
    """The rank tests alone, before any factors are found."""
    prepared = _prepared(spectrum, window, channels, poisson, _part(progress, 0.0, 0.5), cancel)
    return prepared.tests(poisson, _part(progress, 0.5, 0.5), cancel)


def analyse(
    spectrum: Spectrum, method: Method, k: int, window: tuple[float, float] | None = None, *,
    channels: tuple[int, ...] | None = None, poisson: bool = True, fixed: FloatArray | None = None,
    constraints: Constraints = NONE, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Factors:
    """Find the factors of an image or series.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    method : "pca", "nmf" or "mcr"
    k : int
    window : (low, high), optional
    channels : tuple of int, optional
        Places on the axis in place of a window (`chosen_channels`).
    poisson : bool
        Scale counts for even noise (MCR, PCA); NMF is the maximum likelihood of counts and needs none.
    fixed : array, shape (f, n), optional
        MCR: spectra that are known, on the analysed channels; they are the first factors.
    constraints : Constraints
        Of MCR.

    Raises
    ------
    BadData
        If the data cannot be analysed so.
    NotDetermined
        If k is larger than the rank, or closure would remove a factor.
    Cancelled
    """
    if method not in METHODS:
        raise BadData(f"There is no factor analysis {method}", todo=f"Use one of {', '.join(METHODS)}")
    if fixed is not None:
        constraints = replace(constraints, fixed=fixed)
    if method != "mcr" and (constraints.keeps_order or constraints.unimodal):
        raise BadData("Constraints need curve resolution", where=spectrum.name, todo="Choose MCR")
    prepared = _prepared(spectrum, window, channels, poisson, _part(progress, 0.0, _SHARE_OF_SCALING), cancel)
    scaled = prepared.scaled
    rank = int(np.count_nonzero(scaled.singular > _RANK * scaled.singular[0]))
    if not 1 <= k <= min(rank, MOST_FACTORS):
        raise NotDetermined(f"{k} factors were asked for, the data have the rank {rank}", where=spectrum.name,
                            todo=f"Use 1 to {min(rank, MOST_FACTORS)} factors")  # fmt: skip
    rest = _part(progress, 0.4, 0.4)
    tests = prepared.tests(poisson, _part(progress, 0.3, 0.1), cancel)
    if method == "mcr":
        prepared = _scans(spectrum, prepared, k, poisson, cancel) or prepared
        scaled = prepared.scaled
    spectra, iterations, status, held = _spectra(prepared, method, k, poisson, constraints, rest, cancel)
    if status == "cancelled":
        raise Cancelled("The factor analysis was stopped", where=spectrum.name)
    last = _part(progress, 0.8, 0.2)
    if held is not None:
        passed = held
    else:
        step = scores if method == "pca" else amounts
        passed = step(prepared.source, scaled, spectra, last, cancel)
    found = _result(prepared, method, poisson, passed, iterations, status, constraints, tests)
    if prepared.sums is not None:
        found = _of_cube(spectrum, prepared, found, last, cancel)
    if prepared.in_order and prepared.sums is None:
        found = replace(found, depth=found.amounts, depth_errors=found.errors)
    if constraints.closure:
        found = _closed(found)
    return ordered(found) if found.labels else found


def _closed(found: Factors) -> Factors:
    if found.method == "pca" or found.depth is None:
        raise BadData("Closure needs factors along a depth", todo="Leave it out, or use MCR of a profile or cube")
    yields, errors = yields_of(found.depth)
    return replace(found, yields=frozen_array(yields), yield_errors=frozen_array(errors))


def _spectra(
    prepared: _Prepared, method: Method, k: int, poisson: bool, constraints: Constraints, progress: Progress | None,
    cancel: Cancel | None,
) -> tuple[FloatArray, int, str, Passed | None]:
    """Spectra, iterations, how it ended; with constraints along the depth also the amounts, which obey them."""
    scaled = prepared.scaled
    if method == "pca":
        return _oriented(scaled.loadings[:k]), 0, "exact", None
    rows = _rows(prepared.source, scaled)
    if method == "nmf":
        result = factorise(rows, k, progress=progress, cancel=cancel)
        return result.spectra, result.iterations, result.status, None
    if (constraints.unimodal or constraints.outside or constraints.points) and not prepared.in_order:
        raise BadData("Constraints along the depth need a depth profile", where=prepared.source.name,
                      todo="Leave them out, or analyse the profile of a region")  # fmt: skip
    places = _places(prepared)
    start = constraints.start
    if constraints.points:
        if any(not 0 <= point < rows.shape[0] for point in constraints.points):
            raise BadData(f"The profile has {rows.shape[0]} points", todo="Start at points of the profile")
        start = rows[list(constraints.points)]
    found = resolve(
        rows, k, start=start, fixed=constraints.fixed, scaled=poisson,
        without_ions=constraints.without_ions(k, places), without_rows=constraints.without_rows(k, rows.shape[0]),
        unimodal=constraints.unimodal, progress=progress, cancel=cancel,
    )  # fmt: skip
    held = None
    if constraints.unimodal or constraints.outside:
        gain, used = gain_of(prepared.source), scaled.columns
        errors = None
        if gain:
            errors = amount_errors(found.profiles, found.spectra[:, used], scaled.column_root[used], gain)
        square = (found.lof / 100.0) ** 2 * float(np.sum(scaled.singular**2))
        held = Passed(found.spectra, found.profiles, errors, square)
    return found.spectra, found.iterations, found.status, held


def _places(prepared: _Prepared) -> tuple[int, ...]:
    """Places of the analysed channels on the axis of the measurement."""
    channels = prepared.channels
    if isinstance(channels, slice):
        return tuple(range(channels.start, channels.stop))
    return tuple(int(place) for place in channels)


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


def _result(
    prepared: _Prepared, method: Method, poisson: bool, passed: Passed, iterations: int, status: str,
    constraints: Constraints, tests: RankTests,
) -> Factors:
    spectrum, scaled = prepared.source, prepared.scaled
    shape = tuple(len(axis) for axis in spectrum.navigation)
    m, n = scaled.shape
    k = passed.spectra.shape[0]
    total = float(np.sum(scaled.singular**2))
    lof = 100.0 * math.sqrt(max(passed.square, 0.0) / total)
    degrees = max((m - k) * (n - k), 1)
    axis = spectrum.axis.part(scaled.channels)
    energy = np.asarray(_places(prepared), dtype=float) if axis.labels else axis.values

    def image(rows: FloatArray) -> NDArray[np.float64]:
        return frozen_array(rows.T.reshape(k, *shape))

    rows = spectrum.rows(0, spectrum.pixels)[:, scaled.channels] if axis.labels else None
    return Factors(
        method, poisson, (float(energy[0]), float(energy[-1])), frozen_array(energy), frozen_array(passed.spectra),
        image(passed.amounts), None if passed.errors is None else image(passed.errors), lof,
        lof_bound(scaled.singular, k), 100.0 - lof**2 / 100.0, passed.square / (degrees * scaled.noise), scaled.known,
        iterations, status, tests, axis.labels, constraints, scaled=scaled, rows=rows,
    )  # fmt: skip


def _of_cube(
    spectrum: Spectrum, prepared: _Prepared, found: Factors, progress: Progress | None, cancel: Cancel | None
) -> Factors:
    """Amounts in every voxel, along the depth and over the image, for the spectra found on sums of neighbours.

    Profile and image are solved on their own sums: amounts of voxels with few counts stop at zero, so that they add up
    to too much.
    """
    sums, scaled = prepared.sums, prepared.scaled
    shape = tuple(len(axis) for axis in spectrum.navigation)
    if sums is None:
        return found
    root = np.where(scaled.columns, scaled.column_root, 0.0)
    if found.method == "pca":
        lever = found.spectra @ np.diag(np.where(root > 0, 1.0 / np.where(root > 0, root, 1.0) ** 2, 0.0))
        lever /= np.sum(found.spectra * lever, axis=1, keepdims=True)
        voxels = np.empty((spectrum.pixels, found.k), np.float32)
        for start, stop, rows in spectrum.pieces():
            voxels[start:stop] = rows[:, prepared.channels] @ lever.T
        return replace(found, amounts=voxels.T.reshape(found.k, *shape), errors=None, words=prepared.words)
    voxels = voxel_amounts(spectrum, prepared.channels, found.spectra, root, progress=progress, cancel=cancel)
    gain, used = gain_of(spectrum), scaled.columns

    def solved(rows: FloatArray, *last: int) -> tuple[FloatArray | None, FloatArray | None]:
        if not rows.size:
            return None, None
        amount = amounts_in(rows[:, used], found.spectra[:, used], root[used])
        error = amount_errors(amount, found.spectra[:, used], root[used], gain) if gain else None
        return frozen_array(amount.T.reshape(found.k, *last)), (
            None if error is None else frozen_array(error.T.reshape(found.k, *last)))  # fmt: skip

    # Scans were solved as rows of their own, with what was asked along the depth.
    alone = (found.amounts, found.errors) if prepared.scans else solved(sums.profile, len(sums.profile))
    depth, depth_errors = alone
    image, image_errors = solved(sums.image, *shape[-2:])
    every = voxels.T.reshape(found.k, *shape)
    return replace(
        found, amounts=every if len(shape) == 3 else image, errors=None if len(shape) == 3 else image_errors,
        depth=depth, depth_errors=depth_errors, image=image, image_errors=image_errors, words=prepared.words,
    )  # fmt: skip


def ordered(factors: Factors) -> Factors:
    """NMF and MCR factors from the surface down, without a depth in descending order of their counts.

    Principal components stay as they are, and so do factors that the analyst knows by their numbers.
    """
    if factors.method == "pca" or factors.constraints.keeps_order or (factors.labels and factors.rows is None):
        return factors  # a part of several profiles keeps the order of the whole
    if factors.depth is not None:
        points = np.arange(factors.depth.shape[1])
        order = np.argsort(factors.depth @ points / np.maximum(factors.depth.sum(axis=1), 1e-300), kind="stable")
    else:
        order = np.argsort(factors.amounts.reshape(factors.k, -1).sum(axis=1))[::-1]
    if np.array_equal(order, np.arange(factors.k)):
        return factors
    names = ("amounts", "errors", "depth", "depth_errors", "image", "image_errors", "yields", "yield_errors")
    arrays = {name: getattr(factors, name) for name in names}
    changed = {name: None if array is None else frozen_array(array[order], array.dtype)
               for name, array in arrays.items()}  # fmt: skip
    return replace(factors, spectra=frozen_array(factors.spectra[order]), **changed)
