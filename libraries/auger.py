"""Auger lines: cited kinetic energies where a source is at hand, estimates from edge energies elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from statistics import median

from libraries.elements import SYMBOLS, Line, atomic_number, parse_line, symbol
from libraries.errors import UnknownName
from libraries.shells import XRAYLIB, edge_energy, level_of
from libraries.tables import numbers, read_table

# Main transitions and the range of atomic numbers in which each shows up in a survey.
ESTIMATED: tuple[tuple[str, tuple[str, str, str], int, int], ...] = (
    ("KL23L23", ("K", "L3", "L3"), 5, 16),
    ("L3M23M23", ("L3", "M3", "M3"), 17, 30),
    ("L3M23M45", ("L3", "M3", "M5"), 21, 31),
    ("L3M45M45", ("L3", "M5", "M5"), 24, 36),
    ("M45N45N45", ("M5", "N5", "N5"), 44, 60),
)
ESTIMATE_SPREAD = 15.0  # eV, see `estimated_kinetic_energy`


@dataclass(frozen=True)
class AugerLine:
    """An Auger line of an element.

    Attributes
    ----------
    line : Line
    kinetic_energy : float
        Kinetic energy in eV, Fermi level referenced: median of the cited values, or the estimate.
    low, high : float
        Range of the cited values, or of the estimate, in eV.
    state : str
        Chemical state that the cited values belong to; empty for an estimate.
    threshold : float
        Binding energy in eV of the first hole: the photon energy must exceed it.
    source : str
    confidence : str
        A, B, C, or "estimated".
    """

    line: Line
    kinetic_energy: float
    low: float
    high: float
    state: str
    threshold: float
    source: str
    confidence: str

    @property
    def estimated(self) -> bool:
        """True if the energy is computed from edge energies and no source was read."""
        return self.confidence == "estimated"


def estimated_kinetic_energy(element: str, shells: tuple[str, str, str]) -> float | None:
    """Rough kinetic energy of an Auger transition from edge energies.

    E(Z, ABC) = E_A(Z) - [E_B(Z) + E_B(Z+1)]/2 - [E_C(Z) + E_C(Z+1)]/2

    Parameters
    ----------
    element : str
        Symbol.
    shells : tuple of str
        X-ray names of the first hole and the two final holes, ("K", "L3", "L3").

    Returns
    -------
    float or None
        Kinetic energy in eV, good to about 15 eV (Na KLL comes out 4 eV low); None where an edge is unknown.

    References
    ----------
    M. F. Chung, L. H. Jenkins, Surf. Sci. 22, 479 (1970): cited from memory, the paper was not read (unverified).
    """
    z = atomic_number(element)
    if z >= len(SYMBOLS):
        return None
    here = [edge_energy(Line(symbol(z), level_of(shell))) for shell in shells]
    above = [edge_energy(Line(symbol(z + 1), level_of(shell))) for shell in shells[1:]]
    if None in here or None in above:
        return None
    return round(here[0] - (here[1] + above[0]) / 2.0 - (here[2] + above[1]) / 2.0, 1)


@cache
def auger_lines(element: str) -> tuple[AugerLine, ...]:
    """Auger lines of an element, highest kinetic energy first: all cited ones, and estimates of uncited series.

    Raises
    ------
    UnknownName
        If the element is not known.
    """
    element = symbol(atomic_number(element))
    cited = [_cited(row) for row in read_table("auger_lines.csv") if parse_line(row["line"]).element == element]
    series_seen = {_series(item.line) for item in cited}
    for name, shells, first, last in ESTIMATED:
        if first <= atomic_number(element) <= last and _series(Line(element, name, "auger")) not in series_seen:
            energy = estimated_kinetic_energy(element, shells)
            if energy is not None and energy > 0.0:
                cited.append(_estimate(element, name, shells, energy))
    return tuple(sorted(cited, key=lambda item: -item.kinetic_energy))


def auger_line(line: Line | str) -> AugerLine:
    """Best entry for an Auger line: the cited line of that name, else the first of its series.

    Raises
    ------
    UnknownName
        If the line is no Auger line, or the library has none of its series.
    """
    line = parse_line(line)
    if line.kind != "auger":
        raise UnknownName("This is a photoelectron line", where=line.name, todo="Ask for it with core_level")
    lines = auger_lines(line.element)
    for item in lines:
        if item.line == line:
            return item
    for item in lines:
        if _series(item.line) == _series(line) == line.level:
            return item
    raise UnknownName("The library knows no such Auger line", where=line.name,
                      todo="Give its kinetic energy by hand, or use another line")


def _series(line: Line) -> str:
    return "".join(c for c in line.level if c.isalpha())


def _cited(row: Mapping[str, str]) -> AugerLine:
    values = numbers(row["kinetic_energies"])
    line = parse_line(row["line"])
    first = line.level[0] if line.level[0] == "K" else line.level[0] + "3"
    middle = round(float(median(values)), 3)
    return AugerLine(line, middle, float(row["low"]), float(row["high"]), row["state"],
                     edge_energy(Line(line.element, level_of(first))) or 0.0, row["source"], row["confidence"])


def _estimate(element: str, name: str, shells: tuple[str, str, str], energy: float) -> AugerLine:
    threshold = edge_energy(Line(element, level_of(shells[0]))) or 0.0
    return AugerLine(Line(element, name, "auger"), energy, energy - ESTIMATE_SPREAD, energy + ESTIMATE_SPREAD, "",
                     threshold, f"estimated from edge energies with the Z, Z+1 rule, {XRAYLIB}", "estimated")
