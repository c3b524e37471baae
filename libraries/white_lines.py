"""Cited positions of white lines at known valences; at present remembered numbers only, marked unverified."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from libraries.tables import read_table


@dataclass(frozen=True)
class CitedPosition:
    """One row of `libraries/tables/valence.csv`.

    Attributes
    ----------
    edge, compound : str
    valence : float
    measure : str
        "l3_maximum".
    low, high : float
        Range of the energies in eV, counted from the zero loss.
    source, confidence : str
        "unverified" where nobody has read the source.
    """

    edge: str
    compound: str
    valence: float
    measure: str
    low: float
    high: float
    source: str
    confidence: str


@lru_cache(maxsize=1)
def cited_positions() -> tuple[CitedPosition, ...]:
    """All rows."""
    return tuple(
        CitedPosition(row["edge"], row["compound"], float(row["valence"]), row["measure"], float(row["energy_low"]),
                      float(row["energy_high"]), row["source"], row["confidence"])
        for row in read_table("valence.csv")
    )
