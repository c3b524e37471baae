"""Multivariate curve resolution of counted data by alternating least squares: D = C S.

D holds depths (or pixels) in rows and ions in columns, C the profile of every factor, S its spectrum.

References
----------
R. Tauler, Chemom. Intell. Lab. Syst. 30, 133 (1995); A. de Juan, J. Jaumot, R. Tauler, Anal. Methods 6, 4964 (2014).
M. R. Keenan, P. G. Kotula, Surf. Interface Anal. 36, 203 (2004): scaling of counted data.
W. Windig, J. Guilment, Anal. Chem. 63, 1425 (1991): purest rows as the start.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitting.dataset import FloatArray, frozen_array
from fitting.factors.alternate import Rules, Status, alternate
from fitting.factors.nnls import nnls
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, NotDetermined

_RANK = 1e-10  # a singular value below this share of the largest adds no factor


@dataclass(frozen=True, eq=False)
class PoissonScaling:
    """Counts divided by the square roots of their row and column means, so that noise has about the same variance.

    Attributes
    ----------
    data : array, shape (m', n')
        Scaled; empty rows and columns are left out.
    rows, columns : array of bool, shape (m,), (n,)
        Which ones are kept.
    row_root, column_root : array, shape (m',), (n',)
        data = counts / (row_root[:, None] * column_root).
    """

    data: FloatArray
    rows: np.ndarray
    columns: np.ndarray
    row_root: FloatArray
    column_root: FloatArray

    @property
    def noise(self) -> float:
        """Mean variance of the scaled counts: 1 if rows have one spectrum, above it where spectra differ.

        A count is the unbiased estimate of its own variance, so that the mean of counts / (row x column) is that of the
        scaled noise.
        """
        return float(np.mean(self.data / (self.row_root[:, None] * self.column_root)))

    def profiles(self, scaled: FloatArray) -> FloatArray:
        """Profiles of the counts, shape (m, k), of profiles of the scaled data (m', k); 0 in empty rows."""
        result = np.zeros((self.rows.size, scaled.shape[1]))
        result[self.rows] = scaled * self.row_root[:, None]
        return result

    def spectra(self, scaled: FloatArray) -> FloatArray:
        """Spectra of the counts, shape (k, n), of spectra of the scaled data (k, n'); 0 in empty columns."""
        result = np.zeros((scaled.shape[0], self.columns.size))
        result[:, self.columns] = scaled * self.column_root
        return result


@dataclass(frozen=True, eq=False)
class McrResult:
    """Factors of a data set.

    Attributes
    ----------
    profiles : array, shape (m, k)
        In counts: the counts of every factor at each depth.
    spectra : array, shape (k, n)
        Of sum 1.
    lof, lof_bound : float
        Lack of fit of the data as they were fitted (scaled, if they were) in %, and the least that k factors without
        any constraint could reach.
    explained : float
        100 - lof^2/100, in %.
    chi2 : float
        Residual of the scaled data over that which counting noise leaves for (m' - k)(n' - k) degrees of freedom, near
        1 where k factors suffice; NaN without Poisson scaling.
    iterations : int
    status : "converged", "iteration limit" or "cancelled"
    """

    profiles: FloatArray
    spectra: FloatArray
    lof: float
    lof_bound: float
    explained: float
    chi2: float
    iterations: int
    status: Status


def poisson_scaling(counts: ArrayLike) -> PoissonScaling:
    """Scale counts for nearly unit variance: divided by sqrt(row sum x column sum / total).

    Parameters
    ----------
    counts : array, shape (m, n)
        Zero or above.

    Returns
    -------
    PoissonScaling

    Raises
    ------
    BadData
        If counts are negative, not finite, or all zero.
    """
    d = _checked(counts)
    if np.any(d < 0):
        raise BadData("Counts below zero have no Poisson scaling", todo="Undo background subtraction, or do not scale")
    g, h = d.sum(axis=1), d.sum(axis=0)
    total = float(h.sum())
    if total == 0:
        raise BadData("These data hold no counts")
    rows, columns = g > 0, h > 0
    row_root, column_root = np.sqrt(g[rows]), np.sqrt(h[columns] / total)
    data = d[np.ix_(rows, columns)] / (row_root[:, None] * column_root)
    return PoissonScaling(data, rows, columns, row_root, column_root)


def lof_bound(singular_values: ArrayLike, k: int) -> float:
    """Least lack of fit in % of k factors: 100 sqrt(sum of the squares beyond k over that of all)."""
    squares = np.asarray(singular_values, dtype=float) ** 2
    return 100.0 * math.sqrt(float(np.sum(squares[k:]) / np.sum(squares)))


def purest_rows(data: ArrayLike, k: int, *, noise: float = 0.05) -> tuple[int, ...]:
    """The k rows that are most unlike the others: depths at which one phase dominates.

    Parameters
    ----------
    data : array, shape (m, n)
    k : int
    noise : float
        Share of the largest row mean that is added to every mean, so that empty rows do not win.

    Returns
    -------
    tuple of int
        In order of purity: standard deviation over mean, times the determinant of the correlations with those taken.
    """
    d = _checked(data)
    if not 1 <= k <= d.shape[0]:
        raise BadData(f"{k} rows cannot be chosen from {d.shape[0]}")
    mean, spread = d.mean(axis=1), d.std(axis=1)
    offset = noise * float(np.max(np.abs(mean)))
    if offset == 0:
        raise BadData("These data are empty")
    unit = d / np.sqrt(mean**2 + (spread + offset) ** 2)[:, None]
    purity = spread / (np.abs(mean) + offset)
    # The determinant of the correlation of one more row with those taken is the square of its part that is new.
    new = np.sum(unit * unit, axis=1)
    weight = new.copy()
    taken = np.zeros((0, d.shape[1]))  # orthonormal directions of the rows taken
    found: list[int] = []
    for _ in range(k):
        score = weight * purity
        score[found] = -1.0
        at = int(np.argmax(score))
        found.append(at)
        rest = unit[at] - (taken @ unit[at]) @ taken
        length = math.sqrt(float(rest @ rest))
        if length > 0:
            direction = rest / length
            new = np.maximum(new - (unit @ direction) ** 2, 0.0)
            taken = np.concatenate([taken, direction[None]])
        weight = weight * new
    return tuple(found)


def resolve(
    counts: ArrayLike,
    k: int,
    *,
    start: ArrayLike | None = None,
    fixed: ArrayLike | None = None,
    scaled: bool = True,
    singular: FloatArray | None = None,
    without_ions: NDArray[np.bool_] | None = None,
    without_rows: NDArray[np.bool_] | None = None,
    unimodal: bool = False,
    tolerance: float = 1e-6,
    max_iterations: int = 2000,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> McrResult:
    """Resolve counted data into k non-negative factors by exact alternating least squares.

    Parameters
    ----------
    counts : array, shape (m, n)
        Depths or pixels in rows, ions in columns.
    k : int
        Number of factors, those of `fixed` included.
    start : array, shape (k - f, n), optional
        Spectra to begin with; else the purest rows.
    fixed : array, shape (f, n), optional
        Known spectra, kept up to their scale; they are the first factors.
    scaled : bool
        Poisson scaling before the fit.
    singular : array, optional
        Singular values of the scaled data where they are known already.
    without_ions : array of bool, shape (k, n), optional
        Selectivity: ions that a factor does not have.
    without_rows : array of bool, shape (k, m), optional
        Selectivity: depths at which a factor is absent.
    unimodal : bool
        Every profile rises to one maximum and falls after it (exact least squares over such profiles).
    tolerance : float
        Ends when the lack of fit falls by less than this share in one iteration.
    max_iterations : int
    progress, cancel : callables, optional

    Returns
    -------
    McrResult
        The same for the same data: nothing is drawn at random. The factors are one of all sets that fit alike
        (rotational ambiguity); their bands have to be looked at before they are believed.

    Raises
    ------
    BadData
        If numbers are negative or not finite, shapes do not fit, or a factor died out.
    NotDetermined
        If k is larger than the rank of the data.
    """
    raw = _checked(counts)
    if scaled:
        scaling = poisson_scaling(raw)
    else:
        ones = np.ones(raw.shape[0]), np.ones(raw.shape[1])
        scaling = PoissonScaling(raw, ones[0] > 0, ones[1] > 0, *ones)
    d = scaling.data
    singular = singular_values(d, k) if singular is None else np.asarray(singular, dtype=float)
    rank = int(np.count_nonzero(singular > _RANK * singular[0]))
    if not 1 <= k <= rank:
        raise NotDetermined(f"{k} factors were asked for, the data have the rank {rank}",
                            todo=f"Use 1 to {rank} factors")
    known = _spectra_in(fixed, scaling, None)
    _check_known(known.shape[0], k, fixed, without_ions)
    begin = _spectra_in(start, scaling, k - known.shape[0])
    if start is None and known.shape[0] < k:
        left = d - nnls(known.T, d.T).T @ known if known.size else d
        begin = np.maximum(d[list(purest_rows(np.maximum(left, 0.0), k - known.shape[0]))], 0.0)
    rules = Rules(
        known, _allowed(without_ions, (k, raw.shape[1]), scaling.columns),
        _turned(_allowed(without_rows, (k, raw.shape[0]), scaling.rows)), unimodal, scaling.row_root,
    )  # fmt: skip
    found = alternate(d, begin, rules, tolerance, max_iterations, progress, cancel)
    lof = found.lof
    m, n = d.shape
    degrees = (m - k) * (n - k)
    chi2 = math.nan
    if scaled and degrees > 0:
        chi2 = (lof / 100.0) ** 2 * float(np.sum(d * d)) / (degrees * scaling.noise)
    profiles, spectra = scaling.profiles(found.profiles), scaling.spectra(found.spectra)
    sums = spectra.sum(axis=1)
    return McrResult(frozen_array(profiles * sums), frozen_array(spectra / sums[:, None]), lof, lof_bound(singular, k),
                      100.0 - lof**2 / 100.0, chi2, found.iterations, found.status)


def _check_known(number: int, k: int, fixed: ArrayLike | None, without: NDArray[np.bool_] | None) -> None:
    """Known spectra are no more than factors, and have no ion that their factor is said to lack."""
    if number > k:
        raise BadData(f"{number} spectra are known, and {k} factors were asked for", todo="Ask for more factors")
    if fixed is None or without is None or np.shape(without) != (k, np.shape(fixed)[1]):
        return
    both = np.any((np.asarray(fixed) > 0) & without[:number], axis=1)
    if both.any():
        raise BadData(f"The known spectrum of factor {int(np.argmax(both)) + 1} has an ion that the factor is said to "
                      "lack", todo="Leave one of the two out")


def closure(profiles: ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Scale factors so that at every depth they sum to 1 as nearly as they can.

    Parameters
    ----------
    profiles : array, shape (m, k)

    Returns
    -------
    closed : array, shape (m, k)
        profiles * r.
    r : array, shape (k,)
        With spectra of sum 1, 1/r is the total yield of a phase: closure is a model of the matrix effect.

    Raises
    ------
    NotDetermined
        If a scale comes out as zero: the profiles do not obey closure.
    """
    c = _checked(profiles)
    r = nnls(c, np.ones(c.shape[0]))
    if np.any(r <= 0):
        raise NotDetermined(f"Closure would remove factor {int(np.argmin(r)) + 1}", todo="Do not use closure here")
    return c * r, r


def singular_values(data: FloatArray, k: int) -> FloatArray:
    """Singular values, descending: through the smaller cross-product, where that can tell the k-th from nothing."""
    d = np.asarray(data, dtype=float)
    gram = d @ d.T if d.shape[0] < d.shape[1] else d.T @ d
    found = np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0))
    # The cross-product loses what lies below the root of the rounding.
    return found if k <= found.size and found[k - 1] > 1e-6 * found[0] else np.linalg.svd(d, compute_uv=False)


def _allowed(
    without: NDArray[np.bool_] | None, shape: tuple[int, int], kept: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    """Where a factor may be, in the scaled data's rows or columns."""
    if without is None:
        return None
    absent = np.asarray(without, dtype=bool)
    if absent.shape != shape:
        raise BadData(f"Zeros of shape {absent.shape} were given, {shape} is wanted")
    return ~absent[:, kept]


def _turned(table: NDArray[np.bool_] | None) -> NDArray[np.bool_] | None:
    return None if table is None else table.T


def _spectra_in(spectra: ArrayLike | None, scaling: PoissonScaling, number: int | None) -> FloatArray:
    """Given spectra (k, n) in the scaled data's columns."""
    if spectra is None:
        return np.zeros((0, scaling.data.shape[1]))
    s = _checked(spectra)
    if s.shape[1] != scaling.columns.size or (number is not None and s.shape[0] != number) or np.any(s < 0):
        wanted = "k" if number is None else str(number)
        raise BadData(f"Spectra of shape {s.shape} given, ({wanted}, {scaling.columns.size}) wanted, zero or above")
    return s[:, scaling.columns] / scaling.column_root


def _checked(values: ArrayLike) -> FloatArray:
    d = np.asarray(values, dtype=float)
    if d.ndim != 2 or 0 in d.shape:
        raise BadData(f"Data of shape {d.shape} are no table of depths and ions",
                      todo="Choose a region that holds data")
    if not np.all(np.isfinite(d)):
        raise BadData("The data hold numbers that are not finite", todo="Leave out ratio columns")
    return d
