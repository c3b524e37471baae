"""What the analyst says of relative sensitivity factors; a field of a project's entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Origin = Literal["typed", "implant", "standard"]


@dataclass(frozen=True)
class SensitivityFactor:
    """The relative sensitivity factor (RSF) of one ion in one matrix, and where it is used.

    Attributes
    ----------
    id : str
    ion, matrix : str
        Traces as a profile knows them: the ion, and the ion of the matrix that it is divided by.
    origin : "typed", "implant" or "standard"
        A number of the analyst; from this profile, which is that of an implant of known dose; from an implant factor of
        another entry.
    value, error : float
        Of a typed factor, atoms/cm3; an error of 0 where it is not known.
    source : str
        Where a typed factor comes from.
    dose, dose_error : float
        Of the implant, atoms/cm2; an error of 0 where it is not known.
    standard : str
        "ENTRY/FACTOR", ids of the entry and of its implant factor.
    element : bool
        Whether the concentration is that of the element: that of the isotope over its natural abundance.
    low, high : float
        The part of the profile that is evaluated, in `scale`; equal for all of it.
    flat_low, flat_high : float
        The part in which there is background alone; equal for none.
    subtract : bool
        Whether the background is taken off.
    scale : str
        Of the ranges: "time" or "scan", the profile's own clock.
    """

    id: str
    ion: str
    matrix: str
    origin: Origin = "typed"
    value: float = 0.0
    error: float = 0.0
    source: str = ""
    dose: float = 0.0
    dose_error: float = 0.0
    standard: str = ""
    element: bool = False
    low: float = 0.0
    high: float = 0.0
    flat_low: float = 0.0
    flat_high: float = 0.0
    subtract: bool = True
    scale: str = "time"


@dataclass(frozen=True)
class SensitivitySetup:
    """Sensitivity factors of a profile or a cube.

    Attributes
    ----------
    factors : tuple of SensitivityFactor
    density : float
        Atoms of the matrix in atoms/cm3, 0 where it is not known: for atomic fractions, and for the test of the dilute
        limit.
    """

    factors: tuple[SensitivityFactor, ...] = ()
    density: float = 0.0
