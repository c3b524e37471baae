"""Photoelectron lines: binding energies, doublets, and the lines that fall into a window."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from statistics import median

from libraries.auger import AugerLine, auger_lines
from libraries.compounds import reference_lines, suggest
from libraries.elements import SYMBOLS, Line, parse_line
from libraries.errors import BadData, UnknownName
from libraries.shells import LEVELS, XRAYLIB, edge_energy, lifetime_width
from libraries.tables import read_table

# Coster-Kronig decay shortens the life of the minor component: from this excess of its natural width (eV) on, equal
# widths are no longer a fair constraint. V 2p: 0.78 against 0.28 eV; S 2p: equal.
COSTER_KRONIG_EXCESS = 0.1


@dataclass(frozen=True)
class CoreLevel:
    """A photoelectron line of an element.

    Attributes
    ----------
    line : Line
    binding_energy : float
        Binding energy in eV for identification: a cited value where the table has one, else approximate.
    low, high : float
        Range in eV in which the line is found among the cited values; both equal the energy where none is known.
    source : str
    approximate : bool
        True for an elemental edge energy, which may be several eV from the line of a compound.
    partner : Line or None
        The other spin-orbit component.
    splitting : float or None
        Distance in eV to the partner, positive.
    ratio : float or None
        Area of the minor over the major component.
    lifetime_width : float or None
        Natural width in eV (Campbell & Papp 2001), a lower bound of any fitted width.
    fwhm_hint : float or None
        Width in eV seen in a cited spectrum, if the table has one.
    """

    line: Line
    binding_energy: float
    low: float
    high: float
    source: str
    approximate: bool
    partner: Line | None = None
    splitting: float | None = None
    ratio: float | None = None
    lifetime_width: float | None = None
    fwhm_hint: float | None = None


@dataclass(frozen=True)
class Doublet:
    """The two spin-orbit components of a subshell.

    Attributes
    ----------
    major, minor : Line
        The component of higher j (larger, lower binding energy) and the other.
    splitting, splitting_min, splitting_max : float
        Binding energy of the minor minus that of the major in eV, and the range of the sources.
    ratio : float
        Area of the minor over the major: 1/2, 2/3, 3/4 for p, d, f (2j + 1).
    same_width : bool
        False where Coster-Kronig decay makes the minor component broader; then its width should be free.
    width_excess : float or None
        Natural width of the minor minus that of the major in eV (Campbell & Papp 2001).
    source : str
        Source of the splitting.
    confidence : str
        A, B, C as in the tables; "edge" for a difference of elemental edge energies.
    """

    major: Line
    minor: Line
    splitting: float
    splitting_min: float
    splitting_max: float
    ratio: float
    same_width: bool
    width_excess: float | None
    source: str
    confidence: str


def multiplicity_ratio(shell: str) -> float:
    """Area of the minor over the major component from 2j + 1: 1/2 for p, 2/3 for d, 3/4 for f."""
    quantum = "spdf".index(shell[1])
    if quantum == 0:
        raise UnknownName("An s level has no spin-orbit components", where=shell, todo="Ask for a p, d or f level")
    return quantum / (quantum + 1.0)


@cache
def doublet(element: str, shell: str) -> Doublet:
    """Spin-orbit doublet of a subshell.

    Parameters
    ----------
    element : str
        Symbol, "V".
    shell : str
        "2p", "3d", "4f"; "2p3/2" is read as "2p".

    Returns
    -------
    Doublet

    Raises
    ------
    UnknownName
        If the element has no such levels, or the shell is an s shell.

    References
    ----------
    Splitting: the source of each row of tables/doublets.csv, else the difference of xraylib's edge energies.
    Widths: J. L. Campbell, T. Papp, At. Data Nucl. Data Tables 77, 1 (2001), through xraylib.
    """
    whole = parse_line(f"{element} {shell[:2]}")
    ratio = multiplicity_ratio(whole.level)
    major, minor = whole.components
    row = next((r for r in read_table("doublets.csv") if parse_line(r["line"]) == whole), None)
    if row:
        value, low, high = (float(row[name]) for name in ("splitting", "low", "high"))
        source, confidence = row["source"], row["confidence"]
    else:
        value = _edge_splitting(major, minor)
        low = high = value
        source, confidence = f"difference of edge energies, {XRAYLIB}", "edge"
    excess = _width_excess(major, minor)
    same = excess is None or excess < COSTER_KRONIG_EXCESS
    return Doublet(major, minor, value, low, high, ratio, same, excess, source, confidence)


def _edge_splitting(major: Line, minor: Line) -> float:
    energies = edge_energy(major), edge_energy(minor)
    if energies[0] is None or energies[1] is None:
        raise UnknownName("The library knows no such doublet", where=f"{major.element} {major.shell}",
                          todo="Check the element and the level")
    # The tabulated edges of a few shallow levels are in the wrong order by 0.1 eV; a splitting is never negative.
    return round(max(energies[1] - energies[0], 0.0), 3)


def _width_excess(major: Line, minor: Line) -> float | None:
    widths = lifetime_width(major), lifetime_width(minor)
    return None if None in widths else round(widths[1] - widths[0], 4)


@cache
def core_level(line: Line | str) -> CoreLevel:
    """Binding energy and doublet of a photoelectron line.

    Parameters
    ----------
    line : Line or str
        "V 2p3/2", "C 1s"; "V 2p" gives the major component's energy and the doublet's data.

    Returns
    -------
    CoreLevel

    Raises
    ------
    UnknownName
        If the line is no core level, or the element has no such level in the library.
    """
    line = parse_line(line)
    if line.kind != "core":
        raise UnknownName("This is an Auger line", where=line.name, todo="Ask for it with auger_line")
    single = line.components[0]
    found = _cited(line) or _edge(single)
    if found is None:
        raise UnknownName(f"{line.element} has no {line.level} level in the library", where=line.name,
                          todo="Check the element and the level")
    energy, low, high, source, approximate, fwhm = found
    level = CoreLevel(line, energy, low, high, source, approximate, fwhm_hint=fwhm,
                      lifetime_width=lifetime_width(single))
    pair = _pair_of(single)
    if pair is None:
        return level
    partner = pair.minor if single == pair.major else pair.major
    return replace(level, partner=partner, splitting=pair.splitting, ratio=pair.ratio)


_Found = tuple[float, float, float, str, bool, float | None]


def _cited(line: Line) -> _Found | None:
    """Energy, range, source and width from the tables; a minor component follows its major at the splitting."""
    pair = _pair_of(line.components[0])
    minor = pair is not None and line == pair.minor
    major = pair.major if minor else line
    shift = pair.splitting if minor else 0.0
    rows = suggest(major)
    row = _rows().get(major) or (_rows().get(major.components[0]))
    if not rows and not row:
        return None
    if row:
        energy, source = float(row["binding_energy"]), row["source"]
    else:
        energy = round(float(median(item.central for item in rows)), 2)
        source = f"median of {len({item.compound for item in rows})} cited compounds of the library"
    low, high = min([energy, *(item.low for item in rows)]), max([energy, *(item.high for item in rows)])
    if minor:
        source = f"{major.name} ({source}) plus splitting ({pair.source})"
    widths = [item.fwhm for item in rows if item.fwhm and item.line == line]
    energy, low, high = (round(value + shift, 3) for value in (energy, low, high))
    return energy, low, high, source, False, min(widths, default=None)


def _edge(single: Line) -> _Found | None:
    edge = edge_energy(single) if single.level in LEVELS else None
    return None if edge is None else (edge, edge, edge, f"edge energy, approximate; {XRAYLIB}", True, None)


def _pair_of(single: Line) -> Doublet | None:
    if single.level[1] == "s":
        return None
    try:
        return doublet(single.element, single.shell)
    except UnknownName:
        return None


@lru_cache(maxsize=1)
def _rows() -> dict:
    return {parse_line(row["line"]): row for row in read_table("core_levels.csv")}


def _has_reference(line: Line) -> bool:
    return any(item.line == line for item in reference_lines())


@cache
def core_levels(element: str) -> tuple[CoreLevel, ...]:
    """All single photoelectron lines of an element, 1s to 5d, deepest first; raises UnknownName."""
    result = []
    for level in LEVELS:
        line = parse_line(f"{element} {level}")
        if edge_energy(line) is not None or line in _rows() or _has_reference(line):
            result.append(core_level(line))
    return tuple(sorted(result, key=lambda item: -item.binding_energy))


def lines_in_window(
    low: float,
    high: float,
    photon_energy: float,
    *,
    elements: Iterable[str] | None = None,
    margin: float = 0.0,
) -> list[CoreLevel | AugerLine]:
    """Photoelectron and Auger lines whose binding energy falls into a window.

    Parameters
    ----------
    low, high : float
        Window in eV binding energy, in either order.
    photon_energy : float
        Photon energy in eV; Auger lines appear at photon_energy - kinetic energy.
    elements : iterable of str, optional
        Symbols to look at; all elements if not given.
    margin : float
        Widening of the window in eV on both sides.

    Returns
    -------
    list of CoreLevel and AugerLine
        Ascending in (apparent) binding energy.

    Raises
    ------
    BadData
        If the photon energy is not positive.
    UnknownName
        If an element is not known.
    """
    if not photon_energy > 0.0:
        raise BadData("The photon energy is not positive", where="photon_energy", todo="Give it in eV")
    low, high = min(low, high) - margin, max(low, high) + margin
    found: list[tuple[float, CoreLevel | AugerLine]] = []
    for element in elements if elements is not None else SYMBOLS:
        for level in core_levels(element):
            if level.high >= low and level.low <= high and level.binding_energy < photon_energy:
                found.append((level.binding_energy, level))
        for auger in auger_lines(element):
            inside = photon_energy - auger.high <= high and photon_energy - auger.low >= low
            if inside and auger.threshold < photon_energy:
                found.append((photon_energy - auger.kinetic_energy, auger))
    return [item for _, item in sorted(found, key=lambda pair: (pair[0], pair[1].line))]
