"""How many factors data hold: several tests side by side, since none is right for all data.

References
----------
E. R. Malinowski, Anal. Chem. 49, 612 (1977): real error and indicator function. J. L. Horn, Psychometrika 30, 179
(1965): parallel analysis, here with the noise of counts. I. M. Johnstone, Ann. Stat. 29, 295 (2001): the largest
singular value of noise.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, frozen_array
from fitting.factors.scaled import Scaled

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
    """

    noise_edge: int
    indicator: int
    chi2: int | None
    scree: int
    singular: FloatArray
    ind: FloatArray
    chi2_curve: FloatArray
    edge: float

    def rows(self) -> tuple[tuple[str, str], ...]:
        """(test, answer) for a table."""
        return (
            ("Above the noise's largest singular value (99 %)", str(self.noise_edge)),
            ("Smallest indicator function (Malinowski)", str(self.indicator)),
            ("χ²/dof of the residual reaches 1", "not determined" if self.chi2 is None else str(self.chi2)),
            ("Last large drop of the scree", str(self.scree)),
        )


def rank_tests(scaled: Scaled) -> RankTests:
    """All tests on a scaled image."""
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
    )  # fmt: skip


def noise_edge(m: int, n: int, variance: float) -> float:
    """The singular value that pure noise of m x n numbers exceeds in one of a hundred cases (Johnstone 2001)."""
    a, b = math.sqrt(max(m, n) - 1), math.sqrt(min(m, n))
    centre, spread = (a + b) ** 2, (a + b) * (1 / a + 1 / b) ** (1 / 3)
    return math.sqrt(variance * (centre + _TRACY_WIDOM_99 * spread))
