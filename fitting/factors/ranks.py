"""How many factors data hold: several tests side by side, since none is right for all data.

References
----------
M. Maeder, Anal. Chem. 59, 527 (1987): evolving factor analysis.
E. R. Malinowski, Anal. Chem. 49, 612 (1977): real error and indicator function. J. L. Horn, Psychometrika 30, 179
(1965): parallel analysis, here every channel of the scaled data permuted. I. M. Johnstone, Ann. Stat. 29, 295 (2001):
the largest singular value of noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, frozen_array
from fitting.factors.mcr import poisson_scaling
from fitting.factors.scaled import Scaled
from fitting.tape import Cancel, Progress
from libraries.errors import Cancelled

SEED = 20240601  # of the permutations: the same answer for the same data
_PERMUTATIONS = 19
_MOST = 1_000_000  # numbers: larger data are not permuted
_WINDOWS, _DRAWS, _MARGIN = 12, 3, 1.02  # of evolving factor analysis: parts, draws of noise, how far above it
_SHOWN = 20  # factors for which the curves are worked out
# 99 % point of the Tracy-Widom law of order 1 (Johnstone 2001, table 2: 2.0234).
_TRACY_WIDOM_99 = 2.0234


@dataclass(frozen=True, eq=False)
class RankTests:
    """Number of factors by each test, and the curves behind them for k = 1, 2, ...

    Attributes
    ----------
    noise_edge : int
        Singular values above the largest that noise of this variance has in one of a hundred cases.
    indicator : int
        Where Malinowski's IND is smallest.
    chi2 : int or None
        The least k whose residual is what the noise leaves; None where the noise is not known beforehand, or no k does.
    scree : int
        After the last drop of the singular values to less than two thirds among those above the noise's edge.
    singular, ind, chi2_curve : array
    edge : float
        The noise's largest singular value (99 %).
    parallel : int or None
        Singular values above those of permuted data (95 %, Horn); None where the data are too large for it.
    evolving : int or None
        Most factors above the noise in any part of a profile that begins at its first or ends at its last point; None
        where the spectra have no order in depth.
    """

    noise_edge: int
    indicator: int
    chi2: int | None
    scree: int
    singular: FloatArray
    ind: FloatArray
    chi2_curve: FloatArray
    edge: float
    parallel: int | None = None
    evolving: int | None = None

    def rows(self) -> tuple[tuple[str, str], ...]:
        """(test, answer) for a table."""
        further = []
        if self.parallel is not None:
            further.append(("Above permuted data (Horn's parallel analysis, 95 %)", str(self.parallel)))
        if self.evolving is not None:
            further.append(("Most at once in a growing part of the depth (EFA)", str(self.evolving)))
        return (
            *further,
            ("Above the noise's largest singular value (99 %)", str(self.noise_edge)),
            ("Smallest indicator function (Malinowski)", str(self.indicator)),
            ("χ²/dof of the residual reaches 1", "not determined" if self.chi2 is None else str(self.chi2)),
            ("Last large drop of the scree", str(self.scree)),
        )


def rank_tests(
    scaled: Scaled, rows: FloatArray | None = None, counts: FloatArray | None = None, *,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> RankTests:
    """All tests on a scaled image.

    Parameters
    ----------
    rows : array, shape (m, n), optional
        The scaled numbers themselves, for parallel analysis.
    counts : array, shape (m, n), optional
        The counts of a depth profile, for evolving factor analysis.
    """
    m, n = scaled.shape
    count = min(m, n)
    s = scaled.singular[:count]
    edge = noise_edge(m, n, scaled.noise)
    above = int(np.count_nonzero(s > edge))
    squares = np.concatenate((np.cumsum((s**2)[::-1])[::-1], [0.0]))  # squares[k] = sum beyond k
    r, c = max(m, n), count
    k = np.arange(1, min(_SHOWN, c - 1) + 1)
    real_error = np.sqrt(squares[k] / (r * (c - k)))
    ind = real_error / (c - k) ** 2
    degrees = (m - k) * (n - k)
    chi2 = squares[k] / (degrees * scaled.noise)
    enough = np.flatnonzero(chi2 < 1.0 + 3.0 * np.sqrt(2.0 / degrees)) if scaled.known else np.zeros(0, dtype=int)
    drops = np.flatnonzero(s[1 : above + 1] < (2.0 / 3.0) * s[:above]) if above < c else np.zeros(0, dtype=int)
    return RankTests(
        above, int(k[np.argmin(ind)]), int(k[enough[0]]) if enough.size else None,
        int(drops[-1]) + 1 if drops.size else above, frozen_array(s[: _SHOWN + 10]), frozen_array(ind),
        frozen_array(chi2), edge,
        None if rows is None or rows.size > _MOST else parallel_analysis(rows, progress, cancel),
        None if counts is None else evolving(counts),
    )  # fmt: skip


def parallel_analysis(rows: FloatArray, progress: Progress | None = None, cancel: Cancel | None = None) -> int:
    """How many singular values lie above those of permuted data.

    The first component, the mean spectrum, is taken out, since permutation leaves it as it is. A further one counts
    where it is larger than that of all `_PERMUTATIONS` data sets in which every channel was permuted for itself: by
    chance that happens in one of twenty cases. Seeded.
    """
    rng = np.random.default_rng(SEED)
    left, values, right = np.linalg.svd(rows, full_matrices=False)
    rest = rows - np.outer(left[:, 0] * values[0], right[0])
    level = np.zeros(values.size - 1)
    for number in range(_PERMUTATIONS):
        if cancel is not None and cancel():
            raise Cancelled("The test of the number of factors was stopped")
        level = np.maximum(level, _singular(rng.permuted(rest, axis=0))[: level.size])
        if progress is not None:
            progress((number + 1) / _PERMUTATIONS, "Parallel analysis")
    below = np.flatnonzero(values[1:] <= level)
    return 1 + (int(below[0]) if below.size else int(level.size))


def evolving(counts: FloatArray) -> int:
    """Most singular values above the noise in any part of a profile that grows from its first or its last point.

    Every part is scaled for itself. The noise is drawn (seeded): normal numbers with the root of each count for their
    standard deviation, since an ion of one layer has its noise only there.
    """
    m, rng, most = counts.shape[0], np.random.default_rng(SEED), 0
    ends = np.unique(np.linspace(min(max(counts.shape[1] // 4, 3), m), m, min(_WINDOWS, m)).astype(int))
    for end in ends:
        for part in (counts[:end], counts[m - end :]):
            if part.any():
                scaling = poisson_scaling(part)
                spread = np.sqrt(scaling.data / (scaling.row_root[:, None] * scaling.column_root))
                edge = max(_singular(spread * rng.standard_normal(spread.shape))[0] for _ in range(_DRAWS))
                most = max(most, int(np.count_nonzero(_singular(scaling.data) > _MARGIN * edge)))
    return most


def _singular(rows: FloatArray) -> FloatArray:
    gram = rows @ rows.T if rows.shape[0] < rows.shape[1] else rows.T @ rows
    return np.asarray(np.sqrt(np.maximum(np.linalg.eigvalsh(gram)[::-1], 0.0)))


def noise_edge(m: int, n: int, variance: float) -> float:
    """The singular value that pure noise of m x n numbers exceeds in one of a hundred cases (Johnstone 2001)."""
    a, b = math.sqrt(max(m, n) - 1), math.sqrt(min(m, n))
    centre, spread = (a + b) ** 2, (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return math.sqrt(variance * (centre + _TRACY_WIDOM_99 * spread))
