"""X-ray satellites of unmonochromated tubes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from libraries.errors import UnknownName
from libraries.tables import read_table


@dataclass(frozen=True)
class XraySatellite:
    """A weaker X-ray line beside K alpha 1,2.

    Attributes
    ----------
    name : str
    displacement : float
        Photon energy above that of K alpha 1,2 in eV.
    height : float
        Relative to K alpha 1,2.
    source, confidence : str
    """

    name: str
    displacement: float
    height: float
    source: str
    confidence: str


@cache
def xray_satellites(anode: str) -> tuple[XraySatellite, ...]:
    """Satellites of an anode, "Al" or "Mg".

    Raises
    ------
    UnknownName
        If the table has none.
    """
    rows = [row for row in read_table("xray_satellites.csv") if row["anode"] == anode]
    if not rows:
        raise UnknownName(f"No X-ray satellites of {anode} are known", todo="Use Al or Mg")
    return tuple(
        XraySatellite(row["satellite"], float(row["displacement"]), float(row["height"]), row["source"],
                      row["confidence"])
        for row in rows
    )
