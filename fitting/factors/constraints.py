"""What is asked of factors beyond "zero or above"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from libraries.errors import BadData


@dataclass(frozen=True, eq=False)
class Constraints:
    """Constraints of curve resolution. Factors are counted from 0, those with known spectra first.

    Attributes
    ----------
    closure : bool
        The phases add up to 1 at every depth as nearly as they can: amounts are scaled, the fit is not changed.
    unimodal : bool
        Every factor rises to one maximum along the depth and falls after it.
    absent : tuple of (factor, channel)
        Selectivity: the spectrum of the factor is zero at this place of the axis.
    outside : tuple of (factor, first, last)
        Selectivity: the factor is absent from the first to the last of these points.
    fixed : array, shape (f, n), or None
        Known spectra on the analysed channels, kept up to their scale.
    start : array, shape (k - f, n), or None
        Spectra to begin with; the order of the factors is then kept.
    points : tuple of int
        Or points of the profile whose spectra are the start.
    """

    closure: bool = False
    unimodal: bool = False
    absent: tuple[tuple[int, int], ...] = ()
    outside: tuple[tuple[int, int, int], ...] = ()
    fixed: FloatArray | None = None
    start: FloatArray | None = None
    points: tuple[int, ...] = ()

    @property
    def keeps_order(self) -> bool:
        """Whether the analyst knows the factors by their numbers."""
        return bool(self.absent or self.outside or self.points) or self.fixed is not None or self.start is not None

    def without_ions(self, k: int, places: Sequence[int]) -> NDArray[np.bool_] | None:
        """Zeros of the spectra, shape (k, n), for the analysed places of the axis."""
        if not self.absent:
            return None
        found = np.zeros((k, len(places)), bool)
        for factor, place in self.absent:
            if not 0 <= factor < k:
                raise BadData(f"There is no factor {factor + 1} among {k}")
            if place not in places:
                raise BadData("An ion that is said to be absent is not analysed", todo="Choose this ion too")
            found[factor, list(places).index(place)] = True
        return found

    def without_rows(self, k: int, points: int) -> NDArray[np.bool_] | None:
        """Zeros of the profiles, shape (k, points)."""
        if not self.outside:
            return None
        found = np.zeros((k, points), bool)
        for factor, first, last in self.outside:
            if not 0 <= factor < k:
                raise BadData(f"There is no factor {factor + 1} among {k}")
            if not 0 <= first <= last < points:
                raise BadData(f"There are no points {first + 1} to {last + 1} among {points}")
            found[factor, first : last + 1] = True
        if found.all(axis=0).any():
            raise BadData("At some depth every factor is said to be absent", todo="Leave one factor there")
        return found

    def words(self, labels: Sequence[str]) -> tuple[str, ...]:
        """In words, for legends and reports; `labels` are the names on the whole axis."""
        found = []
        if self.fixed is not None:
            found.append(f"{len(self.fixed)} known spectra")
        if self.start is not None:
            found.append("start spectra of another analysis")
        if self.points:
            found.append("start at the points " + ", ".join(str(point + 1) for point in self.points))
        if self.unimodal:
            found.append("one maximum a profile")
        for factor in sorted({factor for factor, _ in self.absent}):
            ions = [labels[place] if labels else str(place) for one, place in self.absent if one == factor]
            found.append(f"factor {factor + 1} without {', '.join(ions)}")
        found += [f"factor {factor + 1} absent at the points {first + 1} to {last + 1}"
                  for factor, first, last in self.outside]  # fmt: skip
        if self.closure:
            found.append("closure")
        return tuple(found)


NONE = Constraints()
