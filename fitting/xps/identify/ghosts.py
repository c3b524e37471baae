"""Peaks that are no line of an element at the photon energy: losses, satellites, ghosts; and lines that overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import xraylib

from fitting.dataset import Spectrum
from fitting.xps.identify.assess import Ledger
from fitting.xps.identify.expected import element_lines
from fitting.xps.identify.peaks import SurveyPeak
from libraries.shells import XRAYLIB

Kind = Literal["component", "loss", "satellite", "ghost", "valence band", "unexplained"]
# A loss structure lies 4 to 40 eV behind its line and holds less than a third of its area (plasmons of solids: 5 to
# 30 eV; limits chosen generously).
LOSS, LOSS_SHARE = (4.0, 42.0), 0.4
FAINT = 0.02  # of the area of its line, so little that any structure of the losses will do (chosen)
LOSS_WIDTH = 1.0  # times the width of its line, at least (chosen)
VALENCE_END, INNER_END = 15.0, 35.0  # eV; inner valence levels of O, F, N and C reach to the second
COMPONENT = 7.0  # eV, the width of chemical shifts and of shake-up lines (chosen)
NEAR = 2.0  # eV
# Radiation that may come along with that of the anode: the other anode of a twin gun, oxygen of its oxide (B. E. Koel,
# J. M. White, J. Electron Spectrosc. Relat. Phenom. 22 (1981) 237), copper below a worn anode, and Kb of the anode.
# Photons of elements inside the sample act in the same way (Mg Ka under a monochromated Al source).
GHOSTS: tuple[tuple[str, int, int], ...] = (
    ("Mg Ka", 12, xraylib.KA_LINE), ("Al Ka", 13, xraylib.KA_LINE), ("O Ka", 8, xraylib.KA_LINE),
    ("Cu La", 29, xraylib.LA_LINE), ("Al Kb", 13, xraylib.KB_LINE),
)
GHOST_SHARE = 0.12  # of the line that makes it, at most (chosen)


@dataclass(frozen=True)
class Explanation:
    """A peak that no element explains, and what it may be."""

    peak: SurveyPeak
    kind: Kind
    words: str
    source: str = ""


def ghost_energy(name: str) -> float:
    """Photon energy of a ghost's radiation in eV (xraylib)."""
    number, line = next((z, line) for known, z, line in GHOSTS if known == name)
    return float(xraylib.LineEnergy(number, line)) * 1e3


def loss_parent(peaks: Sequence[SurveyPeak], peak: SurveyPeak) -> SurveyPeak | None:
    """The stronger peak whose electrons may have lost energy here; None where there is none."""
    found = [p for p in peaks if LOSS[0] < peak.position - p.position < LOSS[1] and peak.area < LOSS_SHARE * p.area
             and (peak.fwhm > LOSS_WIDTH * p.fwhm or peak.area < FAINT * p.area)]
    return max(found, key=lambda p: p.area, default=None)


def explain(
    peaks: Sequence[SurveyPeak], ledger: Ledger, spectrum: Spectrum, photon_energy: float, found: Sequence[str]
) -> tuple[Explanation, ...]:
    """What the peaks may be that no element explains."""
    rows = []
    for index, peak in enumerate(peaks):
        if ledger.owners[index]:
            continue
        beside = _beside(peaks, ledger, peak)
        if beside is not None:
            rows.append(Explanation(peak, "component", f"Another component or shake-up of {beside}"))
        else:
            rows.append(_explanation(peaks, peak, spectrum, photon_energy, found))
    return tuple(rows)


def _beside(peaks: Sequence[SurveyPeak], ledger: Ledger, peak: SurveyPeak) -> str | None:
    """The line of a stronger peak within chemical shifts of this one."""
    near = [i for i, p in enumerate(peaks) if ledger.owners[i] and abs(p.position - peak.position) < COMPONENT
            and p.area > peak.area]
    best = max(near, key=lambda i: peaks[i].area, default=None)
    return None if best is None else ledger.owners[best][0]


def _explanation(
    peaks: Sequence[SurveyPeak], peak: SurveyPeak, spectrum: Spectrum, photon_energy: float, found: Sequence[str]
) -> Explanation:
    if peak.position < VALENCE_END:
        return Explanation(peak, "valence band", "Valence band")
    if peak.position < INNER_END and {"O", "F", "N", "C"} & set(found):
        return Explanation(peak, "valence band", "Inner valence levels (2s of O, F, N or C)")
    ghost = _ghost(peaks, peak, spectrum, photon_energy, found)
    if ghost is not None:
        return ghost
    parent = loss_parent(peaks, peak)
    if parent is not None:
        distance = peak.position - parent.position
        return Explanation(peak, "loss", f"Energy loss or shake-up, {distance:.0f} eV behind the peak at "
                                         f"{parent.position:.1f} eV")
    return Explanation(peak, "unexplained", "No element explains it")


def _ghost(
    peaks: Sequence[SurveyPeak], peak: SurveyPeak, spectrum: Spectrum, photon_energy: float, found: Sequence[str]
) -> Explanation | None:
    """A line excited by other radiation; a monochromator passes none, but the sample's own X-rays remain."""
    mono = "mono" in spectrum.meta.source.lower()
    for name, *_ in GHOSTS:
        energy = ghost_energy(name)
        own = abs(energy - photon_energy) < 10.0
        from_sample = name[:2].strip() in found and energy < photon_energy
        if own or (mono and not from_sample):
            continue
        for other in peaks:
            if abs(other.position + photon_energy - energy - peak.position) < NEAR and \
                    peak.area < GHOST_SHARE * other.area:
                kind: Kind = "satellite" if energy > photon_energy and name.endswith("Kb") else "ghost"
                return Explanation(peak, kind, f"The line at {other.position:.1f} eV excited by {name} "
                                               f"({energy:.1f} eV)", XRAYLIB)
    return None


def overlaps(
    elements: Sequence[str], photon_energy: float, window: tuple[float, float], shift: float = 0.0
) -> tuple[str, ...]:
    """Auger lines of present elements that lie on photoelectron lines of present elements.

    Returns
    -------
    tuple of str
        One sentence each: which lines, and where.
    """
    sets = [element_lines(item, photon_energy, *window) for item in elements]
    found = []
    for source in sets:
        for band in source.bands:
            for other in (item for item in sets if item is not source):
                best = max((line.weight for line in other.lines if line.sharp), default=0.0)
                for line in other.lines:
                    strong = line.sharp and line.weight > 0.5 * best
                    # An estimated band is wide; its middle half is where the line is likely.
                    half = 0.5 * (band.high - band.low) * (0.5 if band.estimated else 1.0)
                    if strong and abs(line.energy - band.energy) < half + 3.0:
                        certainty = "may lie" if band.estimated else "lies"
                        found.append(f"{band.name} {certainty} on {line.name} (about {line.energy + shift:.0f} eV).")
    sodium = _sodium(elements, photon_energy)
    if sodium:
        found = [text for text in found if not text.startswith("Na KL1L23 lies on O 1s")]
    return (*sodium, *dict.fromkeys(found))


def _sodium(elements: Sequence[str], photon_energy: float) -> list[str]:
    """The second Na KLL line, which at Al Ka lies on O 1s: it makes oxygen too high."""
    if not {"Na", "O"} <= set(elements):
        return []
    from libraries.auger import auger_lines

    second = [item for item in auger_lines("Na") if item.line.level == "KL1L23"]
    low = photon_energy - max(item.high for item in second)
    # The ion's lines lie 4 to 5.5 eV of apparent binding energy above the metal's: the distance of the main lines.
    main = {item.state: item.kinetic_energy for item in auger_lines("Na")}
    ion = max((value for state, value in main.items() if state.startswith("ion")), default=None)
    metal = max(main.values())
    high = photon_energy - min(item.low for item in second) + (metal - ion if ion is not None else 0.0)
    if high < 525.0 or low > 540.0:
        return []
    return [f"Na KL1L23 (apparent {low:.0f} to {high:.0f} eV) lies on O 1s: a part of the peak there is sodium; "
            "fit both."]
