"""Columns of a SurfaceLab profile that are computed from others: ratios and sums, checked against their ions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from app.files.instrument import Pairs
from app.files.surfacelab_text import rounding
from fitting.dataset import FloatArray
from libraries.errors import BadFile
from libraries.ions import Ion, Label, parse_label

RATIO, LEFT_OUT, SUM = "ratio column", "ratio column left out", "sum column"
CLOSE = 1e-6


@dataclass(frozen=True, eq=False)
class Kept:
    """The columns that are data.

    Attributes
    ----------
    names : tuple of str
        As in the file.
    counts : array, shape (points, n)
    digits : int
        Significant digits with which they were written.
    """

    names: tuple[str, ...]
    counts: FloatArray
    digits: int

    @cached_property
    def labels(self) -> tuple[Label, ...]:
        return tuple(parse_label(name) for name in self.names)

    @property
    def single(self) -> list[int]:
        """Places of single ions; of all columns where there are none."""
        return [i for i, label in enumerate(self.labels) if label.kind == "single"] or list(range(len(self.names)))

    def named(self, text: str) -> list[int]:
        """Places of the columns of that label."""
        return [i for i, name in enumerate(self.names) if name.strip() == text.strip()]

    def of_ion(self, ion: Ion) -> list[int]:
        """Places of the single columns of that ion, however it is spelled."""
        return [i for i, label in enumerate(self.labels)
                if label.kind == "single" and label.ions and label.ions[0].same_atoms(ion)]


def polarity_note(names: Sequence[str], where: str) -> Pairs:
    """Which ions the file holds; nothing where no name is a formula.

    Raises
    ------
    BadFile
        If it holds both kinds.
    """
    found = {ion.polarity for name in names for ion in parse_label(name).ions}
    if len(found) > 1:
        raise BadFile("Positive and negative ions are mixed in one profile", where=where,
                      todo="Export each polarity into a file of its own")
    return [("polarity", found.pop())] if found else []


def ratio_notes(name: str, given: FloatArray, kept: Kept, used: int) -> Pairs:
    """A ratio column that its ions' columns give again, or why it is left out.

    Parameters
    ----------
    name : str
        "I+ / ( Pb+ )".
    given : array, shape (points,)
        The file's numbers, NaN where it has none ("inf").
    used : int
        Points that are compared: the empty ones at the end are not.
    """
    upper, _, lower = name.strip().rstrip(")").rpartition(" / (")
    label = parse_label(name)
    pairs = list(product(_candidates(upper, label.ions, kept), _candidates(lower, label.divisor, kept)))
    if not pairs:
        absent = upper if not _candidates(upper, label.ions, kept) else lower
        return [(LEFT_OUT, f"{name}: the file has no column of {absent.strip()}")]
    worst = min(_distance(a[:used], b[:used], given[:used], kept.digits) for a, b in pairs)
    if worst <= 1.0:
        return [(RATIO, name)]
    return [(LEFT_OUT, f"{name}: the file's numbers are not those of its ions' columns")]


def sum_notes(kept: Kept, used: int) -> Pairs:
    """Sum columns that are not the sum of their ions' columns, where these are all there."""
    notes: Pairs = []
    for place, label in enumerate(kept.labels):
        if label.kind != "sum":
            continue
        members = [kept.of_ion(ion) for ion in label.ions]
        if not all(members):
            continue
        given = kept.counts[:used, place]
        slack = rounding(given, kept.digits) + CLOSE * np.abs(given)
        best = np.inf
        for choice in product(*members) if np.prod([len(one) for one in members]) <= 64 else ():
            parts = kept.counts[:used][:, list(choice)]
            off = np.abs(parts.sum(axis=1) - given)
            best = min(best, float(np.max(off - slack - rounding(parts, kept.digits).sum(axis=1))))
        if best > 0:
            notes.append((SUM, f"{label.text}: not the sum of the columns of its ions"))
    return notes


def _candidates(text: str, ions: tuple[Ion, ...], kept: Kept) -> list[FloatArray]:
    """Columns that may be meant: those of that label, else the sum of the columns of its ions."""
    named = [kept.counts[:, place] for place in kept.named(text)]
    if named or not ions:
        return named
    members = [kept.of_ion(ion) for ion in ions]
    return [kept.counts[:, [one[0] for one in members]].sum(axis=1)] if all(members) else []


def _distance(upper: FloatArray, lower: FloatArray, given: FloatArray, digits: int) -> float:
    """Largest distance of recomputed and exported ratios in units of what 1e-6 and rounded digits allow.

    Where nothing is counted below the line, the file must have no number, or 0.
    """
    number = lower != 0
    if np.any(np.isfinite(given[~number]) & (given[~number] != 0)) or np.any(np.isnan(given[number])):
        return float("inf")
    a, b, r = upper[number], lower[number], given[number]
    with np.errstate(over="ignore", invalid="ignore"):  # counts near the smallest numbers that there are
        again = a / b
        part_a = rounding(a, digits) / np.abs(b)
        part_b = np.abs(again) * rounding(b, digits) / np.abs(b)
    if not (np.all(np.isfinite(again)) and np.all(np.isfinite(r))):
        return float("inf")
    allowed = CLOSE * np.abs(again) + 1.01 * (part_a + part_b + rounding(r, digits))
    off = np.abs(again - r)
    return float(np.max(np.divide(off, allowed, out=np.where(off > 0, np.inf, 0.0), where=allowed > 0), initial=0.0))
