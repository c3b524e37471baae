"""The list of ions of batteries, and the assignment of a measured m/z with all alternatives that stay possible."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from libraries.errors import BadData, NotDetermined
from libraries.ions import Ion, isotopologues, parse_ion, written
from libraries.tables import read_table

_RARE = 0.1  # an isotopologue below this share of its formula is not the first guess for a line


@dataclass(frozen=True)
class Candidate:
    """An ion that may explain a line.

    Attributes
    ----------
    ion : Ion
    share : float
        Of all ions of its formula, 0 to 1: small for the rare isotopologue of a common ion.
    """

    ion: Ion
    share: float = 1.0


@dataclass(frozen=True)
class Match:
    """A candidate beside a measured line.

    Attributes
    ----------
    candidate : Candidate
    ppm : float
        Measured less exact m/z, in parts per million of the exact one.
    resolution_needed : float
        m/dm that separates it from the assigned ion; infinite for the assigned ion itself and for equal masses.
    """

    candidate: Candidate
    ppm: float
    resolution_needed: float

    @property
    def ion(self) -> Ion:
        """The candidate's ion."""
        return self.candidate.ion


@dataclass(frozen=True)
class Assignment:
    """What a line may be.

    Attributes
    ----------
    mz : float
        Measured.
    best : Match
        The nearest candidate in mass that is no rare isotopologue (below a tenth of its formula), or the nearest rare
        one where there is no other; no further evidence enters.
    alternatives : tuple of Match
        Those that mass and resolution cannot exclude, the nearest to the line first.
    """

    mz: float
    best: Match
    alternatives: tuple[Match, ...]

    @property
    def ambiguous(self) -> bool:
        """Whether another ion is possible."""
        return bool(self.alternatives)

    @property
    def label(self) -> str:
        """All possible names, "PF₆⁻ | Na₃F₄⁻": the ambiguity goes wherever the name goes."""
        return " | ".join(written(match.ion) for match in (self.best, *self.alternatives))


@cache
def listed_ions(polarity: Literal["positive", "negative"]) -> tuple[Ion, ...]:
    """The ions of the shipped list in one polarity, by ascending m/z."""
    ions = (parse_ion(row["ion"]) for row in read_table("ions.csv"))
    return tuple(sorted((ion for ion in ions if ion.polarity == polarity), key=lambda ion: ion.mz))


def candidates(ions: Sequence[Ion], least: float = 0.01) -> tuple[Candidate, ...]:
    """Ions and their isotopologues above a share, each once, by ascending m/z.

    Parameters
    ----------
    ions : sequence of Ion
        Of one polarity.
    least : float
        Isotopologues below this share are left out; an ion that is given is always kept.

    Raises
    ------
    BadData
        If positive and negative ions are mixed.
    """
    if len({ion.polarity for ion in ions}) > 1:
        raise BadData("Positive and negative ions are mixed", todo="Assign each polarity with its own ions")
    found: dict[object, Candidate] = {}
    for ion in ions:
        found[ion.isotopes, ion.charge] = Candidate(ion)
    for ion in ions:
        for other, share in () if ion.labelled else isotopologues(ion, least):
            key = other.isotopes, other.charge
            if key not in found:
                found[key] = Candidate(other, share)
            elif found[key].ion.same_atoms(other):
                found[key] = Candidate(found[key].ion, min(share, found[key].share))
    return tuple(sorted(found.values(), key=lambda candidate: candidate.ion.mz))


def resolution_needed(first: float, second: float) -> float:
    """m/dm that separates two m/z: their mean over their distance, infinite for equal ones."""
    distance = abs(first - second)
    return 0.5 * (first + second) / distance if distance > 0 else math.inf


def assign(mz: float, among: Sequence[Candidate], *, tolerance: float, resolution: float) -> Assignment:
    """Name a line, with every alternative that cannot be excluded.

    Parameters
    ----------
    mz : float
        Measured centroid, u per elementary charge.
    among : sequence of Candidate
        Of one polarity, see `candidates`.
    tolerance : float
        In ppm: how far a centroid may lie from the exact mass; about three times the error of the calibration.
    resolution : float
        m/dm of the instrument at this mass, dm the full width at half maximum.

    Returns
    -------
    Assignment
        An alternative lies within the tolerance of the line, or nearer to the assigned ion than one line width, so
        that the measured line may hold both.

    Raises
    ------
    NotDetermined
        If no candidate lies within the tolerance.
    BadData
        If a number is not above zero or polarities are mixed.
    """
    for name, value in (("m/z", mz), ("tolerance", tolerance), ("resolution", resolution)):
        if not (math.isfinite(value) and value > 0):
            raise BadData(f"The {name} must be above zero", where=f"{value:g}")
    if len({candidate.ion.polarity for candidate in among}) > 1:
        raise BadData("Positive and negative ions are mixed", todo="Assign each polarity with its own ions")
    width = tolerance * 1e-6 * mz + 2.0 * mz / resolution
    near = [candidate for candidate in among if abs(candidate.ion.mz - mz) <= width]
    fitting = [candidate for candidate in near if abs(_ppm(mz, candidate)) <= tolerance]
    nearest = min(fitting, key=lambda candidate: (candidate.share < _RARE, abs(candidate.ion.mz - mz)), default=None)
    if nearest is None:
        raise NotDetermined(f"No ion of the list lies within {tolerance:g} ppm of m/z {mz:.4f}",
                            todo="Add the ion to the list, or check the mass calibration")
    exact = nearest.ion.mz
    others = []
    for candidate in near:
        needed = resolution_needed(candidate.ion.mz, exact)
        if candidate is not nearest and (abs(_ppm(mz, candidate)) <= tolerance or needed > resolution):
            others.append(Match(candidate, _ppm(mz, candidate), needed))
    others.sort(key=lambda match: abs(match.ppm))
    return Assignment(mz, Match(nearest, _ppm(mz, nearest), math.inf), tuple(others))


def _ppm(mz: float, candidate: Candidate) -> float:
    return (mz / candidate.ion.mz - 1.0) * 1e6
