"""The lines that each element would have in a survey: energies, relative intensities and Auger bands."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from libraries.attenuation import average_matrix_imfp
from libraries.auger import ESTIMATE_SPREAD, auger_lines, estimated_kinetic_energy
from libraries.core_levels import CoreLevel, core_levels
from libraries.elements import SYMBOLS, atomic_number, parse_line
from libraries.errors import NotDetermined, UnknownName
from libraries.sensitivity import cross_section
from libraries.shells import XRAYLIB, edge_energy, level_of

# Hydrogen and helium have no core level of their own; the others have no stable isotope and are no part of a sample
# unless somebody put them there (Th and U are left in).
LEFT_OUT = ("H", "He", "Tc", "Pm", "Po", "At", "Rn", "Fr", "Ra", "Ac", "Pa")
ELEMENTS: tuple[str, ...] = tuple(s for s in SYMBOLS[:92] if s not in LEFT_OUT)
# Elements that are met on most surfaces and in most batteries; all others must make a better case (chosen).
USUAL = frozenset(
    "Li B C N O F Na Mg Al Si P S Cl Br K Ca Ti V Cr Mn Fe Co Ni Cu Zn Zr Nb Mo Ag Sn I Ba W Pt Au Pb".split()
)
# Range of a line around its tabulated energy, eV. Cited ranges hold the shifts of the library's compounds only; an
# elemental edge energy is up to 4.5 eV above the line of the solid (W 4f), and oxidation moves lines by up to 6 eV
# (chosen, generous).
CITED_SLACK, EDGE_BELOW, EDGE_ABOVE = 3.0, 4.5, 6.0
VALENCE = 10.0  # eV; levels above that belong to the valence band
LEAST_KINETIC = 60.0  # eV; below, secondary electrons hide everything
DEPTH = 25.0  # angstrom of overlayer, such as contamination, below which an element may lie (chosen)
RESOLVED = 4.0  # eV; a doublet closer than that is one peak of a survey
LINE_WIDTH = 2.2  # eV, instrument and chemical states of a usual line in a survey (chosen)
# Auger transitions beside those of libraries.auger (first hole and two final holes) and the range of atomic numbers.
BANDS: tuple[tuple[str, tuple[str, str, str], int, int], ...] = (
    ("KL1L23", ("K", "L1", "L3"), 5, 17),
    ("KL1L1", ("K", "L1", "L1"), 5, 17),
    ("KL23M", ("K", "L3", "M1"), 11, 17),
    ("L3M1M23", ("L3", "M1", "M3"), 17, 31),
    ("L2M23M45", ("L2", "M3", "M5"), 21, 31),
    ("L2M45M45", ("L2", "M5", "M5"), 24, 36),
    ("L3M1M45", ("L3", "M1", "M5"), 24, 36),
    ("M5N23N23", ("M5", "N3", "N3"), 37, 52),
    ("M5N23N45", ("M5", "N3", "N5"), 39, 60),
    ("M5N1N45", ("M5", "N1", "N5"), 39, 60),
    ("M4N45N45", ("M4", "N5", "N5"), 44, 60),
    ("M5N67N67", ("M5", "N7", "N7"), 66, 92),
    ("N5N67N67", ("N5", "N7", "N7"), 70, 92),
)
Transmission = Callable[[float], float]


@dataclass(frozen=True)
class ExpectedLine:
    """A photoelectron line that an element would show.

    Attributes
    ----------
    element, name : str
        "Fe" and "Fe 2p3/2"; "Mg 2p" where the doublet is one peak of a survey.
    energy, low, high : float
        Binding energy in eV, and where it may be found with chemical shifts.
    weight : float
        Intensity for one atom: cross-section times transmission times mean free path, in relative units.
    width : float
        Expected FWHM in eV.
    sharp : bool
        True for levels that are seen as one line; False for those that interactions broaden or split, which count as
        no evidence against an element when they are missing.
    cited : bool
        False where the energy is an elemental edge energy.
    buried : float
        What an overlayer of 25 angstrom leaves of it: slow electrons suffer more.
    edge : float
        Elemental edge energy in eV, for the distance to lines that have no cited energy.
    """

    element: str
    name: str
    energy: float
    low: float
    high: float
    weight: float
    width: float
    sharp: bool
    cited: bool
    buried: float = 1.0
    edge: float = math.nan

    @property
    def shell(self) -> str:
        """Element and subshell, the same for both lines of a doublet."""
        return self.name.split("/")[0].rstrip("1357") if "/" in self.name else self.name


@dataclass(frozen=True)
class AugerBand:
    """A group of Auger lines: apparent binding energies in eV, and the intensity of all holes that decay, per atom."""

    element: str
    name: str
    energy: float
    low: float
    high: float
    weight: float
    estimated: bool
    buried: float = 1.0


@dataclass(frozen=True)
class ElementLines:
    """All that an element would show inside a survey."""

    element: str
    lines: tuple[ExpectedLine, ...]
    bands: tuple[AugerBand, ...]


def usual_transmission(kinetic_energy: float) -> float:
    """T where nothing is recorded: as 1 / lambda, so that T times lambda is the same for all lines.

    That is close to analysers at fixed pass energy (T ~ E^-0.7) and good enough to tell a line from its absence.
    """
    return 1.0 / _path(round(kinetic_energy))


@lru_cache(maxsize=4096)
def _path(kinetic_energy: int) -> float:
    return float(average_matrix_imfp(float(max(kinetic_energy, LEAST_KINETIC))).value)


def element_lines(
    element: str, photon_energy: float, low: float, high: float, transmission: Transmission = usual_transmission
) -> ElementLines:
    """The lines and Auger bands of an element inside a window.

    Parameters
    ----------
    element : str
    photon_energy : float
        In eV.
    low, high : float
        Window in eV binding energy.
    transmission : callable
        Of the kinetic energy in eV.

    Returns
    -------
    ElementLines
        Lines ascending in binding energy.

    References
    ----------
    Energies: libraries.core_levels, libraries.auger; intensities: libraries.sensitivity (Scofield through xraylib) and
    the mean free path of the average matrix (ISO 18118).
    """
    sets = _unweighted(element, photon_energy)
    lines = []
    for item in sets.lines:
        kinetic = photon_energy - item.energy
        if low + 1.0 <= item.energy <= high - 1.0 and kinetic >= LEAST_KINETIC and item.energy >= VALENCE:
            path = _path(round(kinetic))
            lines.append(replace(item, weight=item.weight * transmission(kinetic) * path, buried=_buried(path)))
    bands = []
    for band in sets.bands:
        kinetic = photon_energy - band.energy
        if band.high > low and band.low < high and kinetic >= LEAST_KINETIC:
            path = _path(round(kinetic))
            bands.append(replace(band, weight=band.weight * transmission(kinetic) * path, buried=_buried(path)))
    return ElementLines(element, tuple(sorted(lines, key=lambda i: i.energy)), tuple(bands))


def _buried(path: float) -> float:
    return math.exp(-DEPTH / path)


@lru_cache(maxsize=1024)
def _unweighted(element: str, photon_energy: float) -> ElementLines:
    """Lines with the bare cross-section (barn) as weight."""
    levels: dict[str, list[tuple[CoreLevel, float]]] = {}
    for level in core_levels(element):
        try:
            sigma = cross_section(level.line, photon_energy)
        except (NotDetermined, UnknownName):
            continue
        levels.setdefault(level.line.shell, []).append((level, sigma))
    lines: list[ExpectedLine] = []
    for shell, members in levels.items():
        energies = [level.binding_energy for level, _ in members]
        if len(members) == 2 and max(energies) - min(energies) >= RESOLVED:
            lines += [_line(element, level.line.level, [(level, sigma)]) for level, sigma in members]
        else:
            lines.append(_line(element, shell, members))
    return ElementLines(element, tuple(lines), tuple(_bands(element, photon_energy)))


def _line(element: str, name: str, members: list[tuple[CoreLevel, float]]) -> ExpectedLine:
    total = sum(sigma for _, sigma in members)
    energy = sum(level.binding_energy * sigma for level, sigma in members) / total
    spread = max(level.binding_energy for level, _ in members) - min(level.binding_energy for level, _ in members)
    main = max(members, key=lambda item: item[1])[0]
    if main.approximate:
        low, high = energy - EDGE_BELOW, energy + EDGE_ABOVE
    else:
        low, high = main.low - CITED_SLACK, main.high + CITED_SLACK + (energy - main.binding_energy)
    natural = main.lifetime_width or 0.0
    # Sum of a Gaussian and a Lorentzian width: J. J. Olivero, R. L. Longbothum, J. Quant. Spectrosc. Radiat. Transf. 17
    # (1977) 233, as in fitting.lineshapes.voigt.
    width = 0.5346 * natural + math.sqrt(0.2166 * natural**2 + (LINE_WIDTH + 0.7 * spread) ** 2)
    return ExpectedLine(element, f"{element} {name}", energy, low, high, total, width,
                        _sharp(element, main), not main.approximate, edge=_edge(members, energy))


def _edge(members: list[tuple[CoreLevel, float]], energy: float) -> float:
    """Elemental edge energy, weighted by the cross-sections; the cited energy where there is none."""
    edges = [(edge_energy(level.line), sigma) for level, sigma in members]
    if any(edge is None for edge, _ in edges):
        return energy
    return sum((edge or 0.0) * sigma for edge, sigma in edges) / sum(sigma for _, sigma in edges)


def _sharp(element: str, level: CoreLevel) -> bool:
    """Whether theory of independent electrons holds: deep levels with a lifetime width below 5 eV.

    4p of Z = 44 to 62 and broad s levels are not found where the tables have them (super Coster-Kronig decay, multiplet
    splitting); 2s of the second row and levels below 20 eV are inner valence levels.
    """
    shell, z = level.line.shell, atomic_number(element)
    if (shell in ("4p", "4s") and 40 <= z <= 70) or shell in ("5s", "5p", "4s", "3s"):
        return False
    if (shell == "2s" and z < 11) or level.binding_energy < 20.0:
        return False
    if shell in ("4d", "4p", "3p") and 57 <= z <= 71:
        return False
    return (level.lifetime_width or 0.0) < 5.0


def _bands(element: str, photon_energy: float) -> list[AugerBand]:
    found = []
    z = atomic_number(element)
    for item in auger_lines(element):
        if item.threshold < photon_energy:
            hole = _hole(element, item.line.level[0], photon_energy)
            found.append(AugerBand(element, item.line.name, photon_energy - item.kinetic_energy,
                                   photon_energy - item.high, photon_energy - item.low, hole, item.estimated))
    known = {band.name for band in found}
    for name, shells, first, last in BANDS:
        edge = edge_energy(parse_line(f"{element} {level_of(shells[0])}"))
        if not first <= z <= last or f"{element} {name}" in known or edge is None or edge >= photon_energy:
            continue
        energy = estimated_kinetic_energy(element, shells)
        if energy is not None and energy > LEAST_KINETIC:
            place = photon_energy - energy
            found.append(AugerBand(element, f"{element} {name}", place, place - ESTIMATE_SPREAD,
                                   place + ESTIMATE_SPREAD, _hole(element, name[0], photon_energy), True))
    return found


_HOLES = {"K": "1s", "L": "2p", "M": "3d", "N": "4d"}


def _hole(element: str, letter: str, photon_energy: float) -> float:
    """Cross-section of the level whose holes decay."""
    try:
        return cross_section(f"{element} {_HOLES[letter]}", photon_energy)
    except (NotDetermined, UnknownName):
        return 0.0


SOURCE = f"core levels and Auger lines of the library; cross-sections of {XRAYLIB}"
