"""Detection limits: how much of an element could hide in a survey that does not show it."""

from __future__ import annotations

from dataclasses import dataclass

from fitting.dataset import Spectrum
from fitting.xps.identify.assess import SAME_SHIFT, line_limit
from fitting.xps.identify.candidates import Identification, transmission_of
from fitting.xps.identify.expected import ExpectedLine, element_lines
from libraries.errors import NotDetermined

CURRIE_CONSTANT = 2.71  # counts, the term of L. A. Currie for few counts: 1.645 squared
SOURCE = ("L. A. Currie, Anal. Chem. 40 (1968) 586: 3.29 standard errors of the area of a line that is not there, plus "
          "2.71 counts (5 % risk on both sides), as ISO 19668 asks for (standard cited, text not read)")


@dataclass(frozen=True)
class DetectionLimit:
    """What would have been detected of an element.

    Attributes
    ----------
    element, line : str
        The line with which least would have been seen.
    energy : float
        Its expected binding energy in eV on the measured scale.
    area : float
        Smallest area that would be detected, in intensity unit times eV.
    at_percent : float
        The same as a share of the found elements and this one together, in at.%; rough, from survey areas.
    below : str
        Line of another element that covers it, so that the true limit is higher; "" for none.
    source : str
    """

    element: str
    line: str
    energy: float
    area: float
    at_percent: float
    below: str
    source: str = SOURCE


def detection_limit(
    spectrum: Spectrum, found: Identification, element: str, *, transmission_exponent: float | None = None
) -> DetectionLimit:
    """Detection limit of an element in a survey that was identified.

    Parameters
    ----------
    spectrum : Spectrum
        The survey, after its recipe.
    found : Identification
    element : str
        Symbol.
    transmission_exponent : float, optional
        As given to `identify`.

    Returns
    -------
    DetectionLimit
        For the line with the lowest limit that no peak covers; where all are covered, of the best one.

    Raises
    ------
    NotDetermined
        If the survey holds no sharp line of the element, or no element was found to compare with.
    UnknownName
        If there is no such element.
    """
    search = found.search
    low, high = float(search.energies[0]), float(search.energies[-1])
    response, _ = transmission_of(spectrum, transmission_exponent)
    lines = element_lines(element, found.photon_energy, low, high, response).lines
    sharp = [line for line in lines if line.sharp]
    if not sharp:
        raise NotDetermined(f"No sharp line of {element} lies inside the survey", where=spectrum.name,
                            todo="Measure a survey that reaches its strongest line")
    total = sum(row.amount for row in found.elements if row.verdict == "found" and row.element != element)
    if not total > 0.0:
        raise NotDetermined("No element was found to compare with", where=spectrum.name)
    step = float(search.energies[1] - search.energies[0])
    floor = CURRIE_CONSTANT * (search.gain or 0.0) * step
    rows = []
    for line in sharp:
        area = line_limit(search, line, found.shift) + floor
        amount = area / line.weight
        rows.append((_cover(found, line), amount, area, line))
    cover, amount, area, line = min(rows, key=lambda row: (bool(row[0]), row[1]))
    return DetectionLimit(element, line.name, line.energy + found.shift, area, 100.0 * amount / (amount + total), cover)


def _cover(found: Identification, line: ExpectedLine) -> str:
    """What stands where the line would be."""
    place = line.energy + found.shift
    for peak, owners in zip(found.search.peaks, found.owners, strict=True):
        if owners and not owners[0].startswith(line.element + " ") and \
                abs(peak.position - place) < 0.6 * (peak.fwhm + line.width) + SAME_SHIFT:
            return owners[0]
    return ""


