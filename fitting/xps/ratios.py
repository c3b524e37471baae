"""Ratios of amounts: of two elements, lines, components or tags, with errors from the joint covariance."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.xps.quantify import Composition
from libraries.errors import NotDetermined

_NORMAL_95 = 1.959964


@dataclass(frozen=True)
class Ratio:
    """An atomic ratio.

    Attributes
    ----------
    name : str
        As asked for, "Na/F".
    numerator, denominator : str
    value, error : float
        NaN where the denominator is not above zero, or an error is not known.
    low, high : float
        95 % interval of Fieller's theorem; `high` is infinite where the denominator may vanish.
    determined : bool
        Whether numerator and denominator are both significantly above zero.
    """

    name: str
    numerator: str
    denominator: str
    value: float
    error: float
    low: float
    high: float
    determined: bool


def quantities(composition: Composition) -> dict[str, tuple[int, ...]]:
    """Names that a ratio may use, and the rows that each stands for: elements, lines, components, tags.

    A component whose name is not unique is found by "region: name".
    """
    table: dict[str, list[int]] = {}
    rows = composition.rows
    for i, row in enumerate(rows):
        table.setdefault(row.element, []).append(i)
    for name in ("line", "tag", "name"):
        own: dict[str, list[int]] = {}
        for i, row in enumerate(rows):
            if getattr(row, name):
                own.setdefault(getattr(row, name), []).append(i)
        for key, members in own.items():
            # Two components of the same name in different regions are two things, unless a tag joins them.
            if key not in table and (name != "name" or len(members) == 1):
                table[key] = members
    for i, row in enumerate(rows):
        table.setdefault(f"{row.region}: {row.name}", [i])
    return {key: tuple(members) for key, members in table.items()}


def ratio(composition: Composition, text: str) -> Ratio:
    """A ratio by its text: "Na/F", "V 2p / O 1s", "CO3/sp2".

    Raises
    ------
    NotDetermined
        If a part is no element, line, component or tag of the composition.

    References
    ----------
    E. C. Fieller, J. R. Stat. Soc. B 16, 175 (1954), for the interval.
    """
    known = quantities(composition)
    over, under = _parts(text, known)
    a, b = list(known[over]), list(known[under])
    rows = composition.rows
    x, y = (float(sum(rows[i].at_percent for i in members)) for members in (a, b))
    lost = any(not math.isfinite(rows[i].at_percent_err) for i in {*a, *b})
    determined = all(any(rows[i].determined for i in members) for members in (a, b))
    name = f"{over}/{under}"
    if y <= 0:
        return Ratio(name, over, under, math.nan, math.nan, 0.0, math.inf, False)
    if lost:
        return Ratio(name, over, under, x / y, math.nan, math.nan, math.nan, determined)
    vx, vy, cxy = _moments(composition.covariance, a, b)
    value = x / y
    variance = (vx - 2.0 * value * cxy + value**2 * vy) / y**2
    return Ratio(name, over, under, value, math.sqrt(max(variance, 0.0)), *_fieller(x, y, vx, vy, cxy), determined)


def _parts(text: str, known: dict[str, tuple[int, ...]]) -> tuple[str, str]:
    """Both sides of a ratio; names may hold a stroke of their own ("V 2p3/2")."""
    by_folded = {" ".join(name.split()).casefold(): name for name in reversed(known)}
    plain = " ".join(text.split())
    for i, letter in enumerate(plain):
        if letter == "/":
            sides = [" ".join(side.split()).casefold() for side in (plain[:i], plain[i + 1 :])]
            exact = [side.strip() for side in (plain[:i], plain[i + 1 :])]
            names = [e if e in known else by_folded.get(s) for e, s in zip(exact, sides, strict=True)]
            if names[0] and names[1]:
                return names[0], names[1]
    raise NotDetermined(
        f"The ratio '{plain[:60]}' names something that the composition does not hold",
        todo=f"Write it as Na/F; there are: {', '.join(known)}",
    )


def _moments(covariance: FloatArray, a: list[int], b: list[int]) -> tuple[float, float, float]:
    return tuple(float(np.sum(covariance[np.ix_(p, q)])) for p, q in ((a, a), (b, b), (a, b)))  # type: ignore[return-value]


def _fieller(x: float, y: float, vx: float, vy: float, cxy: float) -> tuple[float, float]:
    """Both ends of (x - r y)^2 = z^2 (vx - 2 r cxy + r^2 vy), the lower one not below zero."""
    z2 = _NORMAL_95**2
    a, b, c = y * y - z2 * vy, x * y - z2 * cxy, x * x - z2 * vx
    root = b * b - a * c
    if a <= 0 or root < 0:
        return 0.0, math.inf
    return max(0.0, (b - math.sqrt(root)) / a), max(0.0, (b + math.sqrt(root)) / a)
