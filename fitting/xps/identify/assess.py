"""The evidence for one element: are its lines where and as strong as they must be?

The line that would be seen best gives the amount; every other line is then expected at the same chemical shift with a
known intensity. Each line adds the logarithm of how much likelier the finding is with the element than by chance: a
peak of the right strength at the right place speaks for it, a missing or far too weak line against it. Lines that would
be too weak or lie under a stronger peak say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from fitting.xps.identify.evidence import LineEvidence, Status
from fitting.xps.identify.expected import CITED_SLACK, USUAL, AugerBand, ElementLines, ExpectedLine
from fitting.xps.identify.peaks import PeakSearch, SurveyPeak

# L. A. Currie, Anal. Chem. 40 (1968) 586: detection limit 2 x 1.645 standard errors of a blank, 5 % risk on both sides.
CURRIE = 3.289707
# Lines of one element share their chemical shift within that many eV: cited energies, and elemental edge energies,
# which differ from level to level (W 4f and 4d by 6 eV).
SAME_SHIFT, SAME_SHIFT_EDGE = 1.5, 3.5
# Areas of survey peaks agree with cross-sections within these factors: transmission, losses and background are rough.
LEAST_RATIO, MOST_RATIO = 0.33, 3.0
LEAST_COMPONENT = 0.5
# The two lines of a doublet agree better, in strength and in distance (eV).
LEAST_DOUBLET, MOST_DOUBLET, SAME_SHIFT_DOUBLET = 0.5, 2.2, 2.0
MISSED, MISSED_BROAD = 3.5, 0.3  # what a missing line costs (chosen: one in 30; broad levels hardly anything)
RIGHT_STRENGTH = 0.4  # chance that any peak has the right strength (within the factors above)
AUGER_SHARE = (0.04, 2.5)  # area of an Auger peak over that of the holes: from a weak member to the whole series
AUGER_GAIN, AUGER_SHIFT = 0.7, 3.0
UNUSUAL = 2.5  # what an element costs that is rarely met: one in twelve (chosen)
# Chemical shifts from an elemental edge energy, eV: +1 on the whole, 2.5 wide (chosen; oxides of metals: 1 to 6 eV).
EDGE_SHIFT, EDGE_SPREAD, CITED_SPREAD = 1.0, 2.5, 1.2
CARRIES = 0.2  # a line carries a claim if it is seen at least that well compared with the best
BROAD = 2.0  # a peak wider than that many widths of a line is rather an Auger or loss structure
LOW = 35.0  # eV; below, inner valence levels of O, F, C and N lie, and one line proves nothing
# Auger lines of a survey are wider than the first (eV); one wider than the second is hardly a photoelectron line.
AUGER_WIDTH, CLEAR_AUGER = 2.0, 5.0


@dataclass
class Ledger:
    """Peaks with what is already explained of them.

    Attributes
    ----------
    peaks : tuple of SurveyPeak
    rest : list of float
        Area of each peak that nothing explains yet.
    owners : list of list of str
        Names of the lines that explain it, the strongest first.
    """

    peaks: tuple[SurveyPeak, ...]
    rest: list[float] = field(default_factory=list)
    owners: list[list[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.rest:
            self.rest = [peak.area for peak in self.peaks]
            self.owners = [[] for _ in self.peaks]

    def free(self, index: int) -> bool:
        """Whether most of a peak is unexplained and the rest is significant."""
        peak = self.peaks[index]
        return self.rest[index] > 0.5 * peak.area and self.rest[index] > 3.0 * peak.area_err

    def within(self, low: float, high: float) -> list[int]:
        """Numbers of the peaks inside a window, allowing for their errors."""
        return [i for i, p in enumerate(self.peaks) if low - p.position_err <= p.position <= high + p.position_err]

    def take(self, index: int, area: float, line: str) -> None:
        """Explain a part of a peak; what is left of less than half of it counts as explained too."""
        peak = self.peaks[index]
        self.rest[index] = max(self.rest[index] - area, 0.0)
        if self.rest[index] < 0.5 * peak.area:
            self.rest[index] = 0.0
        if line not in self.owners[index]:
            self.owners[index].append(line)


@dataclass(frozen=True)
class Assessment:
    """An element as it stands against the peaks.

    Attributes
    ----------
    element, main : str
    lines : tuple of LineEvidence
    taken : tuple of (peak number, area, line name)
        What it explains.
    offset, amount, score : float
    gain : float
        How much of the unexplained it explains, in natural logarithms of significance.
    main_peak : int
        Number of the peak of the main line.
    best_line : str
        The sharp line that should be seen best at a clean surface; "" where no line of the element is sharp.
    """

    element: str
    main: str
    lines: tuple[LineEvidence, ...]
    taken: tuple[tuple[int, float, str], ...]
    offset: float
    amount: float
    score: float
    gain: float
    main_peak: int
    best_line: str

    @property
    def best_hidden(self) -> bool:
        """Whether the line that should be seen best is not, because something stronger is there.

        Two other lines that are seen make up for one that is shared, three for one that is hidden.
        """
        status = next((line.status for line in self.lines if line.line == self.best_line), "")
        others = sum(line.status == "seen" for line in self.lines)
        return not (status == "seen" or others >= 3 or (status == "shared" and others == 2))

    @property
    def independent(self) -> int:
        """Number of peaks that speak for it; of Auger lines only the KLL series, whose strength is known."""
        return len({round(line.found, 3) for line in self.lines if line.found is not None
                    and (line.status == "seen" or (line.status == "auger" and " K" in line.line))})

    @property
    def doubtful(self) -> bool:
        """Whether all its photoelectron lines lie where inner valence levels are."""
        return all(line.expected < LOW for line in self.lines if line.status == "seen")

    @property
    def against(self) -> float:
        """Weight of the lines that speak against it."""
        return sum(MISSED for line in self.lines if line.status in ("missing", "weaker"))


def line_limit(search: PeakSearch, line: ExpectedLine, shift: float) -> float:
    """Smallest area of a line that would be detected."""
    # A broader line needs more counts, as the root of its width.
    return CURRIE * search.sigma_at(line.energy + shift) * math.sqrt(line.width / 2.2)


def prominence(search: PeakSearch, line: ExpectedLine, shift: float) -> float:
    """How well a line would be seen: its intensity over the counting noise of its place."""
    return line.weight / (search.counting_at(line.energy + shift) * math.sqrt(line.width))


def visible(search: PeakSearch, lines: Sequence[ExpectedLine], shift: float) -> list[ExpectedLine]:
    """The lines by how well they can be seen, the best first."""
    return sorted(lines, key=lambda line: -prominence(search, line, shift))


def assess(
    search: PeakSearch, ledger: Ledger, element: ElementLines, shift: float, *, crowd: float
) -> Assessment | None:
    """The best case that can be made for an element; None where its best lines show no unexplained peak.

    Parameters
    ----------
    shift : float
        Common shift in eV: measured minus true binding energy.
    crowd : float
        Peaks per eV, for the chance of a coincidence.
    """
    ranked = visible(search, element.lines, shift)
    best: Assessment | None = None
    for main in _mains(search, ranked, shift):
        inside = [i for i in ledger.within(main.low + shift, main.high + shift)
                  if ledger.free(i) and ledger.peaks[i].fwhm <= 3.0 * main.width]
        # Where all states of an element lie is known for cited lines: the strongest peak is the line, weaker ones are
        # other components.
        least = LEAST_COMPONENT * max((ledger.rest[i] for i in inside), default=0.0) if main.cited else 0.0
        for index in inside:
            if ledger.rest[index] < least:
                continue
            case = _case(search, ledger, element, ranked, main, index, shift, crowd)
            if best is None or (case.score + case.gain) > (best.score + best.gain):
                best = case
    return best


def _mains(search: PeakSearch, ranked: Sequence[ExpectedLine], shift: float) -> list[ExpectedLine]:
    """Lines that can carry the claim: sharp ones that are seen nearly as well as the best, at the surface or buried."""
    sharp = [line for line in ranked if line.sharp] or list(ranked[:1])
    found: list[ExpectedLine] = []
    for buried in (False, True):
        seen = {line.name: prominence(search, line, shift) * (line.buried if buried else 1.0) for line in sharp}
        top = max(seen.values(), default=0.0)
        best = sorted((line for line in sharp if seen[line.name] > CARRIES * top), key=lambda item: -seen[item.name])
        found += [line for line in best[:3] if line not in found]
    return found


def place_points(line: ExpectedLine, offset: float) -> float:
    """Points for the place of a line whose measured energy lies `offset` eV above the tabulated one; 0 at the best."""
    if not line.cited:
        return -0.5 * ((offset - EDGE_SHIFT) / EDGE_SPREAD) ** 2
    energy = line.energy + offset
    outside = max(line.low + CITED_SLACK - energy, energy - line.high + CITED_SLACK, 0.0)
    return -0.5 * (outside / CITED_SPREAD) ** 2


def _room(line: ExpectedLine) -> float:
    """Width in eV of the window that `place_points` amounts to, for the chance of a coincidence."""
    cited = line.high - line.low - 2.0 * CITED_SLACK if line.cited else 0.0
    return cited + math.sqrt(2.0 * math.pi) * (CITED_SPREAD if line.cited else EDGE_SPREAD)


def _case(
    search: PeakSearch, ledger: Ledger, element: ElementLines, ranked: Sequence[ExpectedLine], main: ExpectedLine,
    index: int, shift: float, crowd: float,
) -> Assessment:
    """The evidence if that peak is the main line."""
    peak = ledger.peaks[index]
    offset = peak.position - main.energy - shift
    amount = ledger.rest[index] / main.weight
    score = -math.log(min(0.9, 1.0 - math.exp(-crowd * _room(main)))) + place_points(main, offset)
    score -= _width_cost(peak, main) + (0.0 if element.element in USUAL else UNUSUAL)
    rows = [LineEvidence(main.name, "core", main.energy + shift, peak.position, peak.area, amount * main.weight,
                         line_limit(search, main, shift), "seen")]
    taken = [(index, ledger.rest[index], main.name)]
    used = {index}
    for line in ranked:
        if line is main:
            continue
        other = _Other(search, ledger, line, main, peak.position, amount, used, crowd)
        rows.append(other.row)
        score += other.points
        if other.index is not None:
            taken.append((other.index, min(amount * line.weight, ledger.rest[other.index]), line.name))
            used.add(other.index)
    photo = list(taken)
    amount = _agreed(rows, amount)
    for band in element.bands:
        evidence, part = auger_evidence(ledger, band, main, shift, amount, used, CLEAR_AUGER)
        rows.append(evidence)
        score += AUGER_GAIN if part else 0.0
        taken += [(i, ledger.rest[i], band.name) for i in part]
    gain = sum(worth(ledger, i, area) for i, area, _ in photo if ledger.free(i))
    order = {"seen": 0, "shared": 0, "auger": 1, "weaker": 0, "missing": 0, "hidden": 2, "too weak": 3}
    rows.sort(key=lambda row: order[row.status])
    return Assessment(element.element, main.name, tuple(rows), tuple(taken), offset, amount, score, gain, index,
                      next((line.name for line in ranked if line.sharp), ""))


def _width_cost(peak: SurveyPeak, line: ExpectedLine) -> float:
    return 1.5 * max(peak.fwhm / line.width - BROAD, 0.0)


def worth(ledger: Ledger, index: int, area: float) -> float:
    """How much explaining a part of a peak is worth: the logarithm of its significance."""
    peak = ledger.peaks[index]
    return min(area / peak.area, 1.0) * math.log1p(peak.significance)


def _agreed(rows: Sequence[LineEvidence], amount: float) -> float:
    """The amount that the unmixed lines agree on: the median of what each says."""
    said = sorted(row.ratio for row in rows if row.status == "seen" and row.ratio)
    return amount * said[(len(said) - 1) // 2] if said else amount


class _Other:
    """Evidence of a line beside the main one: the row, the number of the peak that it explains, and its points."""

    def __init__(
        self, search: PeakSearch, ledger: Ledger, line: ExpectedLine, main: ExpectedLine, found: float, amount: float,
        used: set[int], crowd: float,
    ) -> None:
        self.index: int | None = None
        self.points = 0.0
        self._peaks = ledger.peaks
        doublet = line.shell == main.shell
        # Distances of tabulated energies, and of elemental edges; they differ where only one line has cited energies.
        places = [found + line.energy - main.energy]
        if line.cited != main.cited and not doublet:
            places.append(found + line.edge - main.edge)
        self._line, self._centre = line, sum(places) / len(places)
        self._expected, self._limit = amount * line.weight, line_limit(search, line, self._centre - line.energy)
        depth = line.buried / main.buried
        least = LEAST_DOUBLET if doublet else LEAST_RATIO * min(1.0, depth)
        most = MOST_DOUBLET if doublet else MOST_RATIO * max(1.0, depth)
        reach = SAME_SHIFT_DOUBLET if doublet else SAME_SHIFT if line.cited and main.cited else SAME_SHIFT_EDGE
        if len(places) > 1:
            reach = max(reach, 0.5 * abs(places[1] - places[0]) + 2.0)
        inside = [i for i in ledger.within(self._centre - reach, self._centre + reach) if i not in used]
        fits = [i for i in inside if ledger.peaks[i].area >= least * self._expected]
        good = [i for i in fits if ledger.rest[i] >= least * self._expected
                and ledger.peaks[i].area <= most * self._expected]
        if good:
            self.index = min(good, key=lambda i: abs(ledger.peaks[i].position - self._centre))
            chance = min(0.9, 1.0 - math.exp(-2.0 * crowd * reach)) * RIGHT_STRENGTH
            points = -math.log(chance) - _width_cost(ledger.peaks[self.index], line)
            self.points = points if line.sharp else 0.5 * points
            self.row = self._row("seen", self.index)
        elif fits:
            index = max(fits, key=lambda i: ledger.peaks[i].area)
            owners = ledger.owners[index]
            self.row = self._row("shared" if owners else "hidden", index,
                                 f"below {owners[0]}" if owners else "below a stronger peak")
        else:
            self._absent(search, ledger, least, inside)

    def _row(self, status: Status, index: int | None = None, note: str = "") -> LineEvidence:
        peak = None if index is None else self._peaks[index]
        return LineEvidence(self._line.name, "core", self._centre, peak and peak.position, peak and peak.area,
                            self._expected, self._limit, status, note)

    def _absent(self, search: PeakSearch, ledger: Ledger, least: float, inside: Sequence[int]) -> None:
        """No peak of sufficient strength: too weak, hidden, or missing."""
        line, low, high = self._line, search.energies[0] + 2.0, search.energies[-1] - 2.0
        # From half of the detection limit on, taking the least strength that is credible, an absence begins to count.
        sure = min(max(least * self._expected / self._limit - 0.5, 0.0), 1.0)
        if sure == 0.0 or not low < self._centre < high:
            self.row = self._row("too weak")
            return
        cover = _cover(ledger, self._centre, self._expected, line)
        if cover is not None:
            self.row = self._row("hidden", None, f"hidden beside {cover}")
        elif not line.sharp:
            self.points = -MISSED_BROAD * sure
            self.row = self._row("too weak", None, "broad level, need not stand out")
        else:
            self.points = -MISSED * sure
            weak = max(inside, key=lambda i: ledger.peaks[i].area, default=None)
            status: Status = "too weak" if sure < 0.5 else "missing" if weak is None else "weaker"
            self.row = self._row(status, weak)


def _cover(ledger: Ledger, centre: float, expected: float, line: ExpectedLine) -> str | None:
    """A stronger peak so near that the line would be its shoulder."""
    for i, peak in enumerate(ledger.peaks):
        near = abs(peak.position - centre) < 1.3 * max(peak.fwhm, line.width) + SAME_SHIFT
        if near and peak.area > expected:
            return ledger.owners[i][0] if ledger.owners[i] else f"the peak at {peak.position:.1f} eV"
    return None


def auger_evidence(
    ledger: Ledger, band: AugerBand, main: ExpectedLine, shift: float, amount: float, used: set[int], width: float
) -> tuple[LineEvidence, list[int]]:
    """Peaks inside an Auger band that are wider than `width`, and the row of evidence.

    An Auger line that is not seen says little, for the bands are wide and their shares uncertain.
    """
    holes, depth = amount * band.weight, band.buried / main.buried
    low, high = AUGER_SHARE[0] * holes * min(1.0, depth), AUGER_SHARE[1] * holes * max(1.0, depth)
    # Auger lines move further than photoelectron lines: their initial and final state shifts add up.
    inside = [i for i in ledger.within(band.low + shift - AUGER_SHIFT, band.high + shift + AUGER_SHIFT)
              if i not in used and ledger.free(i) and ledger.peaks[i].fwhm > width
              and low <= ledger.peaks[i].area <= high]
    strongest = max(inside, key=lambda i: ledger.peaks[i].area, default=None)
    peak = None if strongest is None else ledger.peaks[strongest]
    row = LineEvidence(band.name, "auger", band.energy + shift, peak and peak.position, peak and peak.area,
                       holes or None, math.nan, "auger" if peak else "too weak", "" if peak else "not seen")
    used.update(inside)
    return row, inside
