"""Identification of a survey: the elements that explain its peaks, each with its evidence, and what is left over.

Elements are taken one after the other, the one that explains most first; what it explains is taken off before the next
is judged. An element is *found* where at least two of its lines are seen, or one that nothing else explains; *possible*
where the evidence is thin or another element explains the same peak as well; *not determined* where lines that must be
there are missing although its main line could be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import Spectrum
from fitting.xps.identify.assess import AUGER_WIDTH, Assessment, Ledger, assess, auger_evidence, worth
from fitting.xps.identify.evidence import ElementEvidence, Verdict
from fitting.xps.identify.expected import (
    ELEMENTS,
    AugerBand,
    ElementLines,
    Transmission,
    element_lines,
    usual_transmission,
)
from fitting.xps.identify.ghosts import Explanation, explain, loss_parent, overlaps
from fitting.xps.identify.peaks import Cancel, PeakSearch, Progress, SurveyPeak, binding_axis, find_peaks
from libraries.errors import Cancelled, NotDetermined

# Points (natural logarithm) from which on an element is accepted; one line at its place with the usual window gives 1
# to 2, a second one of the right strength 2 to 3 (chosen; see the measured precision and recall).
ACCEPT, ACCEPT_BROAD = 0.7, 2.5
AMBIGUOUS = 0.65  # share of the gain with which another element explains the same peaks as well
AUGER_MORE = 3.0  # main Auger lines are stronger than other members of their series by that factor (chosen)
AUGER_ROOM = 20.0  # eV behind an Auger band, where multiplets and losses of the series lie (chosen)
STRONGER = 1.5  # one line alone is no proof where a line stronger by that factor cannot be seen by itself
SURE = 5.0  # points from which on one missing line among many is forgiven
CLEARLY = 2.5  # points by which an element must be more likely to exclude another
SHIFTS = tuple(np.arange(-12.0, 12.01, 0.5))
SHIFT_SPREAD = 4.0  # eV, of the charging that is thought of beforehand (chosen)
ELEMENT_COST = 2.0
CARBON, CARBON_SPREAD, CARBON_POINTS = 284.8, 0.8, 3.0  # adventitious carbon as in libraries.core_levels; chosen
WORTH_A_SHIFT = 4.0  # points that a shift must win over none


@dataclass(frozen=True, eq=False)
class Identification:
    """What a survey shows.

    Attributes
    ----------
    elements : tuple of ElementEvidence
        Found first, then possible, then not determined; each by its amount.
    search : PeakSearch
    owners : tuple of tuple of str
        For every peak the lines that explain it.
    others : tuple of Explanation
        Peaks that no element explains: losses, satellites, ghosts, the valence band, and the unexplained.
    shift : float
        Measured minus true binding energy in eV that was assumed for all lines.
    shift_source : str
    photon_energy : float
    warnings : tuple of str
    """

    elements: tuple[ElementEvidence, ...]
    search: PeakSearch
    owners: tuple[tuple[str, ...], ...]
    others: tuple[Explanation, ...]
    shift: float
    shift_source: str
    photon_energy: float
    warnings: tuple[str, ...]

    @property
    def found(self) -> tuple[str, ...]:
        """Symbols of the found elements."""
        return tuple(item.element for item in self.elements if item.verdict == "found")

    @property
    def possible(self) -> tuple[str, ...]:
        """Symbols of the possible elements."""
        return tuple(item.element for item in self.elements if item.verdict == "possible")

    @property
    def unexplained(self) -> tuple[SurveyPeak, ...]:
        """Peaks that nothing explains."""
        return tuple(item.peak for item in self.others if item.kind == "unexplained")

    def element(self, symbol: str) -> ElementEvidence:
        """The evidence of an element; raises NotDetermined where none was judged."""
        for item in self.elements:
            if item.element == symbol:
                return item
        raise NotDetermined(f"No peak of {symbol} was found", todo="Ask for its detection limit")


def identify(
    spectrum: Spectrum,
    *,
    shift: float | None = None,
    elements: Sequence[str] = ELEMENTS,
    transmission_exponent: float | None = None,
    search: PeakSearch | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Identification:
    """Identify the elements of a survey.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    shift : float, optional
        Measured minus true binding energy in eV, as from charging; found from the data if not given.
    elements : sequence of str
        Elements to think of.
    transmission_exponent : float, optional
        n of T = KE**n where the file records no transmission function.
    search : PeakSearch, optional
        Peaks found before.
    progress, cancel : callable, optional

    Returns
    -------
    Identification

    Raises
    ------
    NotDetermined
        If the photon energy is not known.
    BadData
        If the spectrum is no survey of an electron spectrometer.
    Cancelled
        If the user stopped it.
    """
    photon = spectrum.meta.photon_energy
    if photon is None:
        binding_axis(spectrum)  # another axis is what is wrong first
        raise NotDetermined("The photon energy is not recorded", where=spectrum.name, todo="Set it on the Process page")
    search = search or find_peaks(spectrum, progress=_part(progress, 0.0, 0.3), cancel=cancel)
    low, high = float(search.energies[0]), float(search.energies[-1])
    response, response_words = transmission_of(spectrum, transmission_exponent)
    sets = [element_lines(item, photon, low, high, response) for item in elements]
    if shift is None:
        shift, source = _common_shift(search, sets, _part(progress, 0.3, 0.9), cancel)
    else:
        source = "given"
    ledger, accepted = _explained(search, sets, shift)
    rows = _verdicts(search, sets, shift, ledger, accepted)
    names = [row.element for row in rows if row.verdict == "found"]
    others = explain(search.peaks, ledger, spectrum, photon, names)
    warnings = [*response_words, *overlaps(names, photon, (low, high), shift)]
    return Identification(rows, search, tuple(tuple(names) for names in ledger.owners), others, shift, source, photon,
                          tuple(warnings))


def transmission_of(spectrum: Spectrum, exponent: float | None) -> tuple[Transmission, list[str]]:
    """Transmission as a function of kinetic energy, and what has to be said about it."""
    photon = spectrum.meta.photon_energy or 0.0
    if spectrum.transmission is not None:
        kinetic = photon - spectrum.x if spectrum.axis.quantity == "binding_energy" else spectrum.x
        order = np.argsort(kinetic)
        energies, values = kinetic[order], spectrum.transmission[order]
        return (lambda energy: float(np.interp(energy, energies, values))), []
    if exponent is not None:
        return (lambda energy: float(max(energy, 1.0) / 1000.0) ** exponent), []
    return usual_transmission, ["The file records no transmission function: T times lambda is taken to be the same for "
                                "all lines, so that at.% are rough."]


def _part(progress: Progress | None, low: float, high: float) -> Progress | None:
    if progress is None:
        return None
    return lambda fraction, text: progress(low + (high - low) * fraction, text)


def _common_shift(
    search: PeakSearch, sets: Sequence[ElementLines], progress: Progress | None, cancel: Cancel | None
) -> tuple[float, str]:
    """The shift with which the elements explain most; none unless it explains clearly more than no shift."""
    scores = {}
    for number, shift in enumerate(SHIFTS):
        if cancel is not None and cancel():
            raise Cancelled("The identification was stopped")
        if progress is not None:
            progress(number / len(SHIFTS), "Looking for a common shift")
        _, accepted = _explained(search, sets, float(shift))
        scores[float(shift)] = _total(search, accepted, float(shift)) - 0.5 * (shift / SHIFT_SPREAD) ** 2
    best = max(scores, key=lambda s: (scores[s], -abs(s)))
    if scores[best] - scores[0.0] < WORTH_A_SHIFT:
        return 0.0, "no common shift is needed"
    return best, "found from the data: it explains more than no shift"


def _total(search: PeakSearch, accepted: Sequence[Assessment], shift: float) -> float:
    """What the elements explain together; every element costs a little, so that few are preferred to many."""
    total = 0.0
    for case in accepted:
        total += case.gain + case.score - ELEMENT_COST
        if case.main == "C 1s":
            # The strongest carbon of most surfaces is hydrocarbon, which is what the convention is made from.
            miss = (search.peaks[case.main_peak].position - shift - CARBON) / CARBON_SPREAD
            total += CARBON_POINTS - min(0.5 * miss**2, CARBON_POINTS)
    return total


def _explained(search: PeakSearch, sets: Sequence[ElementLines], shift: float) -> tuple[Ledger, list[Assessment]]:
    """Take elements one by one, the one that explains most first."""
    ledger = Ledger(search.peaks)
    span = float(search.energies[-1] - search.energies[0])
    crowd = max(len(search.peaks), 5) / span
    accepted: list[Assessment] = []
    left = list(sets)
    while left:
        cases = [case for item in left if (case := assess(search, ledger, item, shift, crowd=crowd)) is not None]
        cases = [case for case in cases if _acceptable(case)]
        left = [item for item in left if any(case.element == item.element for case in cases)]
        if not cases:
            break
        best = max(cases, key=lambda case: case.gain + 2.0 * case.score - case.against)
        accepted.append(best)
        for index, area, line in best.taken:
            ledger.take(index, area, line)
        left = [item for item in left if item.element != best.element]
    bands = {item.element: item for item in sets}
    return ledger, [_with_augers(ledger, case, bands[case.element], shift) for case in accepted]


def _acceptable(case: Assessment) -> bool:
    return case.score >= (ACCEPT if case.best_line else ACCEPT_BROAD) and case.against < 0.5 * case.gain


def _with_augers(ledger: Ledger, case: Assessment, element: ElementLines, shift: float) -> Assessment:
    """The rest of the Auger lines: narrow ones are told from photoelectron lines only when all elements are known."""
    main = next(line for line in element.lines if line.name == case.main)
    rows, taken = list(case.lines), list(case.taken)
    for band in element.bands:
        place = next(i for i, row in enumerate(rows) if row.line == band.name and row.expected == band.energy + shift)
        row, part = auger_evidence(ledger, band, main, shift, case.amount, set(), AUGER_WIDTH)
        taken += [(i, ledger.rest[i], band.name) for i in part]
        if rows[place].status != "auger":
            rows[place] = row
        for index in part:
            ledger.take(index, ledger.rest[index], band.name)
    return replace(case, lines=tuple(rows), taken=tuple(taken))


def _verdicts(
    search: PeakSearch, sets: Sequence[ElementLines], shift: float, ledger: Ledger, accepted: Sequence[Assessment]
) -> tuple[ElementEvidence, ...]:
    """Judge every element that was accepted, and those that explain the same peaks."""
    crowd = max(len(search.peaks), 5) / float(search.energies[-1] - search.energies[0])
    untouched = Ledger(search.peaks)
    names = {case.element for case in accepted}
    rivals: dict[str, list[Assessment]] = {}
    others: list[Assessment] = []
    for item in sets:
        if item.element in names:
            continue
        case = assess(search, untouched, item, shift, crowd=crowd)
        if case is None:
            continue
        owner = next((c for c in accepted if case.main_peak in {i for i, _, _ in c.taken}), None)
        fine = _acceptable(case) and not case.best_hidden and not case.against
        fine = fine and (owner is None or case.score > owner.score - CLEARLY)
        if owner is not None and fine and case.gain >= AMBIGUOUS * _own_gain(untouched, owner):
            rivals.setdefault(owner.element, []).append(case)
        others.append(case)
    bands = {item.element: item.bands for item in sets}
    rows = []
    for case in accepted:
        augers = [(other, bands[other.element]) for other in accepted if other is not case]
        rows.append(_judged(search, case, rivals.get(case.element, []), _among_augers(search, case, augers, shift)))
    rows += [_rival(search, case, owner) for owner, cases in rivals.items() for case in cases]
    named = {row.element for row in rows}
    rows += [_refused(case) for case in others if case.element not in named and case.against > 0]
    return _with_percent(search, rows, accepted)


def _own_gain(ledger: Ledger, case: Assessment) -> float:
    return sum(worth(ledger, i, area) for i, area, _ in case.taken)


def _row(case: Assessment, verdict: Verdict, reason: str, alternatives: Sequence[str] = ()) -> ElementEvidence:
    return ElementEvidence(case.element, verdict, reason, case.main, case.lines, case.offset, case.score, case.amount,
                           alternatives=tuple(alternatives))


def _among_augers(
    search: PeakSearch, case: Assessment, others: Sequence[tuple[Assessment, Sequence[AugerBand]]], shift: float
) -> str | None:
    """The element whose Auger lines may be all that is taken for this one's photoelectron lines; None for none."""
    seen = [peak for line in case.lines if line.kind == "core" and line.status == "seen"
            for peak in search.peaks if peak.position == line.found]
    if any(line.status == "auger" and " K" in line.line for line in case.lines):
        return None  # its own KLL lines are seen
    for other, bands in others:
        places = {peak.position for peak in seen}
        known = sum(line.area or 0.0 for line in other.lines if line.status == "auger" and line.found not in places)
        if known < AUGER_MORE * sum(peak.area for peak in seen):
            continue  # the Auger lines that are seen where nothing else is are too weak to explain these

        def covers(peak: SurveyPeak, other: Assessment = other, bands: Sequence[AugerBand] = bands) -> bool:
            return peak.fwhm > AUGER_WIDTH and any(
                band.low + shift < peak.position < band.high + shift + AUGER_ROOM
                and peak.area < other.amount * band.weight for band in bands)

        if any(map(covers, seen)) and all(covers(peak) or loss_parent(search.peaks, peak) for peak in seen):
            return other.element
    return None


def _judged(
    search: PeakSearch, case: Assessment, rivals: Sequence[Assessment], auger_of: str | None
) -> ElementEvidence:
    names = [item.element for item in rivals]
    peak = search.peaks[case.main_peak]
    missing = [line.line for line in case.lines if line.status in ("missing", "weaker")]
    lines = [line.line for line in case.lines if line.status in ("seen", "auger")]
    if names and case.independent < 2 + max(r.independent for r in rivals) - 1:
        words = f"{', '.join(names)} would explain the peak at {peak.position:.1f} eV as well"
        return _row(case, "possible", words, names)
    core = sum(line.kind == "core" and line.status == "seen" for line in case.lines)
    if missing and not (case.score >= SURE and core >= 3 * len(missing)):
        return _row(case, "possible", f"{' and '.join(missing)} should be seen", names)
    if auger_of is not None:
        return _row(case, "possible", f"its lines lie among Auger lines of {auger_of}", [auger_of])
    if not case.best_line:
        return _row(case, "possible", "its lines inside this survey are broad multiplets")
    if case.best_hidden:
        return _row(case, "possible", f"{case.best_line}, its strongest line, is not seen by itself")
    if case.independent >= 2:
        though = f"; {' and '.join(missing)} should be seen" if missing else ""
        return _row(case, "found", f"{len(set(lines))} lines: {', '.join(dict.fromkeys(lines))}{though}", names)
    if case.doubtful:
        return _row(case, "possible", f"one line at {peak.position:.1f} eV, among inner valence levels")
    stronger = next((line for line in case.lines if line.kind == "core" and line.status in ("shared", "hidden")
                     and (line.expected_area or 0.0) > STRONGER * (case.lines[0].expected_area or 0.0)), None)
    if stronger is not None:
        return _row(case, "possible", f"only {case.main} is seen by itself, {stronger.line} is {stronger.words}")
    parent = loss_parent(search.peaks, peak)
    if parent is not None:
        return _row(case, "possible", f"one line, where electrons of the peak at {parent.position:.1f} eV lose energy")
    return _row(case, "found", f"only {case.main} is strong enough; nothing else explains it", names)


def _rival(search: PeakSearch, case: Assessment, owner: str) -> ElementEvidence:
    peak = search.peaks[case.main_peak]
    return _row(case, "possible", f"{owner} explains the peak at {peak.position:.1f} eV as well", [owner])


def _refused(case: Assessment) -> ElementEvidence:
    lost = [line.line for line in case.lines if line.status in ("missing", "weaker")]
    return _row(case, "not determined", f"{' and '.join(lost)} should be seen with {case.main}")


def _with_percent(
    search: PeakSearch, rows: Sequence[ElementEvidence], accepted: Sequence[Assessment]
) -> tuple[ElementEvidence, ...]:
    """Rough at.% of the found elements, and the order of the table."""
    total = sum(row.amount for row in rows if row.verdict == "found")
    peaks = {case.element: search.peaks[case.main_peak] for case in accepted}
    done = []
    for row in rows:
        if row.verdict == "found" and total > 0:
            percent = 100.0 * row.amount / total
            peak = peaks[row.element]
            error = percent * (1.0 - percent / 100.0) * peak.area_err / peak.area
            row = replace(row, at_percent=percent, at_percent_err=error)
        done.append(row)
    order = {"found": 0, "possible": 1, "not determined": 2}
    done.sort(key=lambda row: (order[row.verdict], -row.amount if math.isfinite(row.amount) else 0.0))
    return tuple(done)
