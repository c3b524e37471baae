"""Covariances of fitted interfaces and layers: lengths on their bounds, and errors that mean nothing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray
from fitting.solution import Solution

MIXING = ("w", "lam", "up", "down")


def covariance_of(found: Solution, names: Sequence[str]) -> FloatArray:
    """Covariance of fitted values, NaN for those on a bound.

    A mixing length on its bound moves the position: the errors of all others are those with this length free. They may
    be too large, and are not too small.
    """
    mixing = np.array([name in MIXING for name in names])
    covariance = replace(found, at_bound=found.at_bound & ~mixing).covariance.copy()
    covariance[found.at_bound] = math.nan
    covariance[:, found.at_bound] = math.nan
    return covariance


def told_within(covariance: FloatArray, most: float, places: Iterable[int]) -> None:
    """Make the covariance of depths and lengths NaN where their standard deviation is above `most`, in place."""
    for i in places:
        if not covariance[i, i] <= most**2:
            covariance[i] = math.nan
            covariance[:, i] = math.nan
