"""A map: one number for each spectrum of an image or series, with its error, and what it was computed from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray, frozen_array
from libraries.errors import BadData

Param = tuple[str, float | str]


@dataclass(frozen=True, eq=False)
class Map:
    """Numbers over the pixels of an image.

    Attributes
    ----------
    id : str
        Unique among the maps of an entry.
    name : str
        What users call it: "t/λ", "28–32 eV", "Na plasmon, position".
    unit : str
        "eV", "counts", "" for plain numbers.
    values : array, shape of the navigation
        float64; NaN where there is no value.
    error : array or None
        One standard error for each value, NaN where it is not determined.
    flags : array of uint8 or None
        0 good; what other numbers mean is said by `legend`.
    legend : tuple of (number, words)
    group : str
        Maps of one run share it ("fit r1 2026-11-21T10:00:00"), so that they are shown and removed together.
    kind : str
        What made it: "window", "ratio", "fit", "thickness", "factor", ...
    origin : str
        In words, for legends, exports and reports: windows, model, formula with its reference.
    params : tuple of (name, number or text)
        What it takes to compute it again.
    data_hash : str
        Of the processed image that it was computed from: the map is out of date where that is another one.
    """

    id: str
    name: str
    unit: str
    values: FloatArray
    error: FloatArray | None = None
    flags: NDArray[np.uint8] | None = None
    legend: tuple[tuple[int, str], ...] = ()
    group: str = ""
    kind: str = ""
    origin: str = ""
    params: tuple[Param, ...] = ()
    data_hash: str = ""

    def __post_init__(self) -> None:
        for name, dtype in (("values", np.float64), ("error", np.float64), ("flags", np.uint8)):
            array = getattr(self, name)
            if array is None and name != "values":
                continue
            array = frozen_array(array, dtype)
            if array.ndim == 0 or array.shape != np.shape(self.values):
                raise BadData("Values, errors and flags of a map do not fit each other", where=self.name)
            object.__setattr__(self, name, array)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the navigation."""
        return tuple(self.values.shape)

    @property
    def good(self) -> NDArray[np.bool_]:
        """Pixels with a value and no flag."""
        found = np.isfinite(self.values)
        return found if self.flags is None else found & (self.flags == 0)

    def param(self, name: str, default: Any = None) -> Any:
        """One of `params`."""
        return dict(self.params).get(name, default)

    @property
    def label(self) -> str:
        """Name and unit."""
        return f"{self.name} ({self.unit})" if self.unit else self.name
