"""Numbers of maps over regions of their image."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from fitting.image.classes import MapClass, classes
from fitting.image.maps import Map
from fitting.image.place import Roi


@dataclass(frozen=True)
class Statistics:
    """Numbers of a map over some pixels.

    Attributes
    ----------
    name : str
        Of the place.
    pixels, left_out : int
        With a value and no flag; and without.
    mean, error : float
        Mean and its standard error propagated from those of the pixels; NaN where they are not determined.
    sd : float
        Standard deviation over the pixels: noise and specimen together.
    scatter : float
        sd / sqrt(pixels).
    percentiles : tuple of float
        0, 5, 50, 95 and 100 %.
    """

    name: str
    pixels: int
    left_out: int
    mean: float
    error: float
    sd: float
    scatter: float
    percentiles: tuple[float, float, float, float, float]


def statistics(one: Map, rois: Sequence[Roi] = ()) -> tuple[Statistics, ...]:
    """Numbers of all pixels and of each region drawn on the image."""
    return tuple(_statistics(name, one, mask) for name, mask in _places(one, rois))


def class_counts(one: Map, rois: Sequence[Roi] = ()) -> tuple[tuple[str, MapClass], ...]:
    """Of a map of classes: each place with each class that comes there."""
    return tuple((name, each) for name, mask in _places(one, rois) for each in classes(one, mask))


def _places(one: Map, rois: Sequence[Roi]) -> list[tuple[str, NDArray[np.bool_]]]:
    return [("All pixels", np.ones(one.shape, dtype=bool)), *((roi.name, roi.mask(one.shape)) for roi in rois)]


def _statistics(name: str, one: Map, mask: NDArray[np.bool_]) -> Statistics:
    used = mask & one.good
    count = int(np.count_nonzero(used))
    left_out = int(np.count_nonzero(mask)) - count
    if count == 0:
        nan = math.nan
        return Statistics(name, 0, left_out, nan, nan, nan, nan, (nan,) * 5)
    values: FloatArray = one.values[used]
    error = math.nan if one.error is None else float(np.sqrt(np.sum(one.error[used] ** 2))) / count
    sd = float(np.std(values, ddof=1)) if count > 1 else math.nan
    low, five, middle, ninety_five, high = (float(v) for v in np.percentile(values, (0, 5, 50, 95, 100)))
    return Statistics(name, count, left_out, float(np.mean(values)), error, sd, sd / math.sqrt(count),
                      (low, five, middle, ninety_five, high))
