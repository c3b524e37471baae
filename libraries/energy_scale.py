"""Lines for the two-point calibration of an energy scale."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from libraries.elements import Line, parse_line
from libraries.tables import read_table


@dataclass(frozen=True)
class CalibrationLine:
    """A line of a clean metal whose binding energy is agreed on.

    Attributes
    ----------
    line : Line
    binding_energy : float
        In eV, for monochromated Al K alpha.
    source, confidence : str
    """

    line: Line
    binding_energy: float
    source: str
    confidence: str


@cache
def calibration_lines() -> tuple[CalibrationLine, ...]:
    """The lines of the table, lowest binding energy first."""
    rows = (
        CalibrationLine(parse_line(row["line"]), float(row["binding_energy"]), row["source"], row["confidence"])
        for row in read_table("energy_scale.csv")
    )
    return tuple(sorted(rows, key=lambda row: row.binding_energy))
