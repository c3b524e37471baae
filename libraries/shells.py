"""Electron shells by spectroscopic name: what xraylib knows of each, in eV and barn.

Reference of all numbers here: xraylib, T. Schoonjans et al., Spectrochim. Acta B 66, 776 (2011).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import xraylib

from libraries.elements import ORBITALS, Line, atomic_number, parse_line
from libraries.errors import UnknownName

XRAYLIB = "xraylib (T. Schoonjans et al., Spectrochim. Acta B 66, 776 (2011))"

# X-ray name of each level, main lines of XPS first to last: 1s = K, 2s = L1, 2p1/2 = L2, 2p3/2 = L3 ...
_LETTERS = "KLMNO"
_SUFFIXES = ("s", "p1/2", "p3/2", "d3/2", "d5/2", "f5/2", "f7/2")
XRAY_NAMES: dict[str, str] = {
    f"{n}{suffix}": _LETTERS[n - 1] + (str(i) if n > 1 else "")
    for n in range(1, 6)
    for i, suffix in enumerate(_SUFFIXES, start=1)
    if ORBITALS.index(suffix[0]) < n
}
LEVELS: tuple[str, ...] = tuple(XRAY_NAMES)
_LEVEL_OF = {xray: level for level, xray in XRAY_NAMES.items()}


def level_of(xray_name: str) -> str:
    """Level of an X-ray name: "2p3/2" of "L3"; raises UnknownName."""
    try:
        return _LEVEL_OF[xray_name]
    except KeyError:
        raise UnknownName(f"No shell is called '{xray_name}'",
                          todo="Use K, L1 to L3, M1 to M5, N1 to N7, O1 to O7") from None


def shell_index(line: Line | str) -> tuple[int, int]:
    """Atomic number and xraylib's shell index of a single core level.

    Raises
    ------
    UnknownName
        If the line is an Auger line, an unresolved doublet, or lies above 5d.
    """
    line = parse_line(line)
    if line.kind != "core" or line.level not in XRAY_NAMES:
        raise UnknownName("This is not a single core level", where=line.name,
                          todo="Use a level such as 1s, 2p3/2 or 3d5/2")
    return atomic_number(line.element), int(getattr(xraylib, XRAY_NAMES[line.level] + "_SHELL"))


@lru_cache(maxsize=8192)
def edge_energy(line: Line) -> float | None:
    """Elemental edge energy in eV of a single core level; None where the element has no such level."""
    return _ask(xraylib.EdgeEnergy, *shell_index(line), scale=1e3)


@lru_cache(maxsize=8192)
def occupancy(line: Line) -> float | None:
    """Number of electrons of the free atom in a single core level; None where there is none."""
    return _ask(xraylib.ElectronConfig, *shell_index(line))


@lru_cache(maxsize=8192)
def lifetime_width(line: Line) -> float | None:
    """Natural (Lorentzian) width in eV, FWHM, of a single core level; None where it is not tabulated.

    References
    ----------
    J. L. Campbell, T. Papp, At. Data Nucl. Data Tables 77, 1 (2001), as compiled in xraylib.
    """
    return _ask(xraylib.AtomicLevelWidth, *shell_index(line), scale=1e3)


def shell_cross_section(line: Line, photon_energy: float) -> float | None:
    """Photoionisation cross section of a whole level in barn per atom; None below threshold or without data.

    xraylib's partial cross section is per electron, so it is multiplied by the occupancy of the level.
    """
    index = shell_index(line)
    electrons = occupancy(line)
    each = _ask(xraylib.CSb_Photo_Partial, *index, photon_energy * 1e-3)
    return None if electrons is None or each is None else each * electrons


def _ask(function: Callable[..., float], *arguments: float, scale: float = 1.0) -> float | None:
    # xraylib reports "no such shell" and "no data" by a ValueError and, for some tables, by zero.
    try:
        value = float(function(*arguments)) * scale
    except ValueError:
        return None
    return round(value, 9) if value > 0.0 else None
