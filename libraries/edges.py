"""Core-loss edges: name, shells and energy."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from libraries.elements import Line, atomic_number, symbol
from libraries.errors import UnknownName
from libraries.shells import XRAYLIB, edge_energy, level_of, occupancy

# Edges whose two spin-orbit components are counted as one; every other level is an edge of its own.
_PAIRS = {"L2,3": ("L3", "L2"), "M2,3": ("M3", "M2"), "M4,5": ("M5", "M4"), "N2,3": ("N3", "N2"), "N4,5": ("N5", "N4"),
          "N6,7": ("N7", "N6"), "O2,3": ("O3", "O2"), "O4,5": ("O5", "O4")}
_SINGLES = ("K", "L1", "M1", "N1", "O1")
SHELLS = (*_SINGLES, *_PAIRS)
_NAME = re.compile(r"^([A-Za-z]{1,2})[ _-]?([KLMNO])([1-7]?),?([1-7]?)$")


@dataclass(frozen=True)
class Edge:
    """An ionisation edge.

    Attributes
    ----------
    element, shell : str
        "V" and "L2,3".
    lines : tuple of Line
        Its levels, the one of lowest energy first.
    energy : float
        Threshold in eV of the elemental solid or free atom (lowest level); compounds lie some eV off.
    source : str
    """

    element: str
    shell: str
    lines: tuple[Line, ...]
    energy: float
    source: str

    @property
    def name(self) -> str:
        """Element and shell, "V L2,3"."""
        return f"{self.element} {self.shell}"


@lru_cache(maxsize=1024)
def edge(name: str) -> Edge:
    """The edge of a name.

    Parameters
    ----------
    name : str
        "C K", "V L2,3", "VL23", "V_L23"; "V L3" and "V L2" stand for the common edge V L2,3.

    Returns
    -------
    Edge

    Raises
    ------
    UnknownName
        If there is no such element, shell, or electron in it.
    """
    match = _NAME.match(name.strip())
    if not match:
        raise UnknownName(f"'{name}' is not the name of an edge", todo="Write element and shell, for example 'V L2,3'")
    element = symbol(atomic_number(match[1]))
    shell = _shell(match[2], match[3], match[4], name)
    lines = tuple(Line(element, level_of(xray)) for xray in _PAIRS.get(shell, (shell,)))
    lines = tuple(line for line in lines if occupancy(line))
    energies = [e for line in lines if (e := edge_energy(line)) is not None]
    if not lines or not energies:
        raise UnknownName(f"{element} has no {shell} edge", where=name)
    return Edge(element, shell, lines, min(energies), XRAYLIB)


def _shell(letter: str, first: str, second: str, name: str) -> str:
    plain = letter + first
    for pair, levels in _PAIRS.items():
        if pair == f"{letter}{first},{second}" or (not second and plain in levels):
            return pair
    if plain in _SINGLES and not second:
        return plain
    raise UnknownName(f"'{name}' is not the name of an edge", todo=f"Shells are {', '.join(SHELLS)}")


def edges_of(element: str) -> tuple[Edge, ...]:
    """All edges of an element, descending in energy; raises UnknownName where there is no such element."""
    known = symbol(atomic_number(element))
    found = []
    for shell in SHELLS:
        try:
            found.append(edge(f"{known} {shell}"))
        except UnknownName:  # no electron in this shell
            continue
    return tuple(sorted(found, key=lambda e: -e.energy))


def edges_between(low: float, high: float, elements: tuple[str, ...]) -> tuple[Edge, ...]:
    """Edges of the given elements whose threshold lies in [low, high] eV, ascending."""
    every = (e for element in elements for e in edges_of(element))
    return tuple(sorted((e for e in every if low <= e.energy <= high), key=lambda e: e.energy))

