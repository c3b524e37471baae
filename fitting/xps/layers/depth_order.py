"""Order of species in depth from two emission angles: the relative depth plot."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

from libraries.errors import NotDetermined

_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class DepthOrder:
    """Species from the surface downwards.

    Attributes
    ----------
    names : tuple of str
    index, error : tuple of float
        ln(I at grazing emission / I at near-normal emission) of each, less their mean, with its standard error: the
        larger, the nearer to the surface.
    together : tuple of tuple of str
        Neighbours that the data cannot put in order (their difference is below 1.96 standard errors).
    angles : (float, float)
        Grazing and near-normal emission angle, degrees from the surface normal.
    """

    names: tuple[str, ...]
    index: tuple[float, ...]
    error: tuple[float, ...]
    together: tuple[tuple[str, str], ...]
    angles: tuple[float, float]


def relative_depth(
    grazing: Mapping[str, tuple[float, float]],
    normal: Mapping[str, tuple[float, float]],
    angles: tuple[float, float],
) -> DepthOrder:
    """Order of species in depth.

    Parameters
    ----------
    grazing, normal : mapping of name to (amount, standard error)
        Intensities or at.% of the species at the larger and at the smaller emission angle. A common factor (the
        illuminated area changes with the angle) takes no part in the order.
    angles : (grazing, normal)
        Degrees from the surface normal.

    Raises
    ------
    NotDetermined
        If fewer than two species are seen at both angles, or the angles are equal.

    References
    ----------
    C. S. Fadley, Prog. Surf. Sci. 16, 275 (1984), for angle-resolved XPS in general (unverified).
    """
    if not angles[0] > angles[1]:
        raise NotDetermined("An order in depth needs two different emission angles", where=f"{angles}")
    rows = []
    for name in grazing:
        if name not in normal:
            continue
        (high, high_err), (low, low_err) = grazing[name], normal[name]
        if high > 0 and low > 0:
            rows.append((name, math.log(high / low), math.hypot(high_err / high, low_err / low)))
    if len(rows) < 2:
        raise NotDetermined(
            "An order in depth needs two species that are seen at both angles",
            todo="Fit the same regions at both angles",
        )
    mean = sum(row[1] for row in rows) / len(rows)
    rows.sort(key=lambda row: -row[1])
    near = tuple(
        (a[0], b[0])
        for a, b in pairwise(rows)
        if not a[1] - b[1] > _NORMAL_95 * math.hypot(a[2], b[2])
    )
    return DepthOrder(
        tuple(r[0] for r in rows), tuple(r[1] - mean for r in rows), tuple(r[2] for r in rows), near, angles
    )
