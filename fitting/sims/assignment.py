"""What the lines of a mass spectrum may be: every ion that mass, width and isotopes leave possible.

Exact masses name a line, the measured width says which neighbours hide in it, and the counts on the lines of the
other isotopes say how large a part of it an ion can be. What cannot be told apart stays in the name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray
from fitting.sims.lines import LIMIT_WIDTHS, Line, measure
from fitting.sims.setup import MassPeak
from libraries.errors import BadData, NotDetermined, SodaliteError
from libraries.ion_list import Candidate, Match, assign, candidates, listed_ions, resolution_needed
from libraries.ions import Ion, envelope, parse_ion, written
from libraries.isotopes import principal_isotope

Polarity = Literal["positive", "negative"]
TOLERANCE = 100.0  # ppm; ours: three times the 30 ppm of a usual calibration inside its calibrants
RARE = 0.1  # an isotopologue below this share of its formula is no usual name, as in `libraries.ion_list`
LEAST_PART = 0.1  # an ion whose isotopes allow it less than this part of a line is no name for it; our choice
# Elements of battery materials that formulas may be made of, and those chosen at first: ours, from the brief.
ELEMENTS = ("H", "B", "C", "N", "O", "F", "Na", "Al", "Si", "P", "S", "Cl", "V", "Mn", "Fe", "Cu")
DEFAULT_ELEMENTS = ("H", "C", "O", "F", "Na", "P", "Cl")
_MOST_ATOMS = {"H": 12, "C": 10, "Na": 6, "O": 8, "F": 7}
_OTHERWISE = 3
_MOSTLY = 0.5  # part of a line that a rare isotopologue must be able to make to name it; ours
_LEAST_SHARE = 0.002  # isotopologues below this share of their formula name no line: 18O (0.00205) still does
_LEAST_RATIO = 0.01  # isotope lines below this part of the line are not asked: tails and blanks weigh more; ours
_SIGMAS = 2.0  # of the counts of an isotope's line that may be missed before an ion is limited by it
_MOST_FORMULAS = 200


@dataclass(frozen=True)
class IsotopeTest:
    """An ion against the lines of its other isotopes.

    Attributes
    ----------
    chi2, lines : float, int
        Sum of squared pulls over so many isotope lines that should be seen; 0 lines: it has no other isotope, or they
        are too weak here.
    part : float
        Largest part of the line (0 to 1) that the isotopes allow (their counts and two standard errors), 1 where they
        do not limit it.
    excess : bool
        More is counted on an isotope's line than the ion can give: overlap, or saturation of the line itself.
    words : str
        For the table: "no other isotope", "isotopes fit", "≤ 12 % by ³⁷Cl".
    """

    chi2: float
    lines: int
    part: float
    excess: bool
    words: str


@dataclass(frozen=True)
class Option:
    """An ion that a line may be.

    Attributes
    ----------
    ion : Ion
    ppm : float
        Measured less exact m/z.
    needed : float
        m/dm that separates it from the ion the line is named after; infinite for that one.
    share : float
        Of its formula's ions, small for a rare isotopologue.
    test : IsotopeTest
    listed : bool
        From the list of ions; False: a formula of the chosen elements, which only mass suggests.
    """

    ion: Ion
    ppm: float
    needed: float
    share: float
    test: IsotopeTest
    listed: bool = True

    @property
    def possible(self) -> bool:
        """Whether it goes into the label: no rare isotopologue, and its isotopes allow it a part that matters."""
        return self.share >= RARE and self.test.part >= LEAST_PART


def known_ions(polarity: Polarity, own: Iterable[str] = ()) -> tuple[Candidate, ...]:
    """The list's ions of a polarity with the analyst's own, and their isotopologues.

    Raises
    ------
    BadData, UnknownName
        If an own ion has the other polarity, or is no formula.
    """
    extra = tuple(parse_ion(text) for text in own)
    for ion in extra:
        if ion.polarity != polarity:
            raise BadData(f"{ion} is no {polarity} ion", todo="Write its charge as the polarity of the measurement")
    return _known(polarity, extra)


@lru_cache(maxsize=16)
def _known(polarity: Polarity, extra: tuple[Ion, ...]) -> tuple[Candidate, ...]:
    listed = listed_ions(polarity)
    new = [ion for ion in extra if not any(ion.same_atoms(other) for other in listed)]
    return candidates((*listed, *new), _LEAST_SHARE)


def options_of(
    line: Line,
    mz: FloatArray,
    counts: FloatArray,
    among: Sequence[Candidate],
    *,
    tolerance: float = TOLERANCE,
    resolution: float,
    formulas: Sequence[Ion] = (),
    known: Sequence[Line] = (),
) -> tuple[Option, ...]:
    """Everything that a line may be, the name that mass gives first.

    Parameters
    ----------
    line : Line
    mz, counts : array, shape (n,)
        The spectrum, for the lines of isotopes.
    among : sequence of Candidate
        Of one polarity, see `known_ions`.
    tolerance : float
        ppm, of the mass scale; three standard errors of the centroid come on top.
    resolution : float
        m/dm at this line where its own width is not determined.
    formulas : sequence of Ion
        Further ones that only mass suggests (`formulas_of`); they do not enter labels.
    known : sequence of Line
        All lines of the spectrum: where an isotope's line is one of them, its counts are taken, and they are no
        background of others.

    Returns
    -------
    tuple of Option
        Empty if no ion lies within the tolerance.
    """
    width = line.resolution if line.told else resolution
    if math.isfinite(line.mass_error):
        tolerance = math.hypot(tolerance, 3e6 * line.mass_error / line.mass)
    try:
        found = assign(line.mass, among, tolerance=tolerance, resolution=width)
        matches: tuple[Match, ...] = (found.best, *found.alternatives)
    except NotDetermined:
        matches = ()
    spread = line.mass / width
    seen = [match.ion for match in matches]
    result = [Option(match.ion, match.ppm, match.resolution_needed, match.candidate.share,
                     isotope_test(match.ion, line, mz, counts, spread, known)) for match in matches]
    anchor = matches[0].ion.mz if matches else line.mass
    for ion in formulas:
        if not any(ion.same_atoms(other) for other in seen):
            ppm = (line.mass / ion.mz - 1.0) * 1e6
            result.append(Option(ion, ppm, resolution_needed(ion.mz, anchor), 1.0,
                                 isotope_test(ion, line, mz, counts, spread, known), listed=False))
    # An ion that the isotopes exclude does not name a line that another one may be.
    result.sort(key=lambda one: (not one.listed, not one.possible))
    return tuple(result)


def named(line: Line, options: Sequence[Option], chosen: str = "") -> MassPeak:
    """A line with its name and the alternatives that stay possible.

    Parameters
    ----------
    chosen : str
        The ion that the analyst takes; by default the first option.
    """
    possible = [one.ion.text for one in options if one.listed and one.possible]
    if not possible:  # a rare isotopologue is the name where there is no other
        rare = (one for one in options if one.listed and one.test.part >= _MOSTLY)
        possible = [one.ion.text for one in sorted(rare, key=lambda one: abs(one.ppm))[:1]]
    name = chosen or (possible[0] if possible else "")
    others = tuple(text for text in possible if not _same(text, name))
    return MassPeak(name, line.mass, line.low, line.high, others if name else ())


def _same(first: str, second: str) -> bool:
    try:
        return parse_ion(first).same_atoms(parse_ion(second))
    except SodaliteError:
        return first == second


def label_of(peak: MassPeak) -> str:
    """All names of a peak: "PF₆⁻ or Na₃F₄⁻"; its m/z where it has none."""
    if not peak.name:
        return f"{peak.mass:.4f}"
    return " or ".join(_written(text) for text in (peak.name, *peak.alternatives))


def _written(text: str) -> str:
    try:
        return written(parse_ion(text))
    except SodaliteError:
        return text


def plain_label(peak: MassPeak) -> str:
    """The same in plain letters, for files: "PF6- or Na3F4-"."""
    return " or ".join((peak.name, *peak.alternatives)) if peak.name else f"{peak.mass:.4f}"


def isotope_test(
    ion: Ion, line: Line, mz: FloatArray, counts: FloatArray, width: float, known: Sequence[Line] = ()
) -> IsotopeTest:
    """Counts on the lines of an ion's other isotopes against natural abundance.

    Parameters
    ----------
    ion : Ion
    line : Line
        The measured line that it is to explain.
    mz, counts : array, shape (n,)
    width : float
        Full width at half maximum in m/z.
    known : sequence of Line
        See `options_of`.

    Notes
    -----
    A line i of the same formula should hold N_i = N f_i / f_0, with f from `libraries.ions.envelope`. Its pull has the
    Poisson errors of both lines. Lines below 1 % of the line are left out. Other ions can only add counts: too many
    exclude nothing, too few limit the part of the line that this ion can be.
    """
    free = Ion(ion.text, tuple((symbol, 0, count) for symbol, count in ion.elements), ion.charge)
    pattern = envelope(free, 1e-4)
    if pattern.fractions.size == 1:
        return IsotopeTest(0.0, 0, 1.0, False, "no other isotope")
    own = float(pattern.fractions[pattern.mass_numbers == ion.mass_number].sum())
    chi2, lines, part, limit, excess = 0.0, 0, 1.0, 0, False
    for number, place, fraction in zip(pattern.mass_numbers, pattern.mz, pattern.fractions, strict=True):
        seen = _counted(float(place), mz, counts, width, known) if number != ion.mass_number and own > 0 else None
        if seen is None or line.counts <= 0:
            continue
        ratio = float(fraction) / own
        expected = line.counts * ratio
        # What could not be seen tells nothing: L. A. Currie, Anal. Chem. 40, 586 (1968).
        if ratio < _LEAST_RATIO or expected < 1.645 * seen.empty_error + 3.0:
            continue
        error = math.sqrt(max(expected, 1.0) + seen.background + seen.background_error**2
                          + (ratio * line.counts_error) ** 2)
        pull = (seen.counts - expected) / error
        chi2, lines, excess = chi2 + pull * pull, lines + 1, excess or pull > 3.0
        allowed = max(seen.counts + _SIGMAS * max(seen.counts_error, error), 0.0) / expected
        if allowed < part:
            part, limit = allowed, int(number)
    return IsotopeTest(chi2, lines, part, excess, _words(ion, chi2, lines, part, limit, excess))


def _counted(place: float, mz: FloatArray, counts: FloatArray, width: float, known: Sequence[Line]) -> Line | None:
    """What is counted where an isotope's line should lie; None outside the spectrum."""
    found = [one for one in known if abs(one.mass - place) < 0.5 * width]
    if found:
        return min(found, key=lambda one: abs(one.mass - place))
    i = int(np.clip(np.searchsorted(mz, place), 1, mz.size - 1))
    reach = max(0.5 * LIMIT_WIDTHS * width, 0.51 * float(mz[i] - mz[i - 1]))
    if not mz[0] < place - 2 * reach < place + 2 * reach < mz[-1]:
        return None
    near = [(one.low, one.high) for one in known if abs(one.mass - place) < 60 * reach]
    low = max((high for _, high in near if high <= place and high > place - reach), default=place - reach)
    high = min((low for low, _ in near if low >= place and low < place + reach), default=place + reach)
    first, stop = (int(i) for i in np.searchsorted(mz, (place - 60 * reach, place + 60 * reach)))
    try:
        return measure(mz[first:stop], counts[first:stop], [(low, high)], others=near)[0]
    except BadData:
        return None


def _words(ion: Ion, chi2: float, lines: int, part: float, limit: int, excess: bool) -> str:
    if not lines:
        return "isotopes too weak to tell"
    if part < 1.0 and limit:
        return f"≤ {100 * part:.2g} % by mass {limit}"
    if excess:
        return "isotope line too strong: overlap or saturation"
    return f"isotopes fit (χ² {chi2:.1f} of {lines})"


def formulas_of(
    mass: float, polarity: Polarity, elements: Sequence[str], *, tolerance: float = TOLERANCE
) -> tuple[Ion, ...]:
    """All formulas of some elements within a tolerance, singly charged, of the most abundant isotopes; nearest first.

    Parameters
    ----------
    mass : float
        m/z.
    elements : sequence of str
        Which may occur; up to 12 H, 10 C, 8 O, 7 F, 6 Na and 3 of each other one.

    Raises
    ------
    BadData
        If there are more than 200 formulas: then mass says nothing.
    """
    charge = 1 if polarity == "positive" else -1
    masses = sorted(((principal_isotope(symbol).mass, symbol) for symbol in set(elements)), reverse=True)
    electron = parse_ion("H+" if charge > 0 else "H-").mz - principal_isotope("H").mass
    target, reach = mass - electron, tolerance * 1e-6 * mass
    found: list[tuple[tuple[str, int], ...]] = []
    _fill(masses, target, reach, (), found)
    sign = "+" if charge > 0 else "-"
    ions = [parse_ion(_formula(dict(atoms)) + sign) for atoms in found]
    return tuple(sorted(ions, key=lambda ion: abs(ion.mz - mass)))


def _fill(
    masses: Sequence[tuple[float, str]], left: float, reach: float, atoms: tuple[tuple[str, int], ...],
    found: list[tuple[tuple[str, int], ...]],
) -> None:
    if len(found) > _MOST_FORMULAS:
        raise BadData(f"More than {_MOST_FORMULAS} formulas have this mass",
                      todo="Choose fewer elements, or a smaller tolerance")
    if not masses:
        if atoms and abs(left) <= reach:
            found.append(atoms)
        return
    (mass, symbol), rest = masses[0], masses[1:]
    most = min(_MOST_ATOMS.get(symbol, _OTHERWISE), int((left + reach) / mass)) if left + reach > 0 else 0
    least = 0
    if not rest:  # the lightest element must fill what is left
        most_here = round(left / mass)
        if 0 <= most_here <= most:
            least = most = most_here
        else:
            return
    for count in range(least, most + 1):
        _fill(rest, left - count * mass, reach, (*atoms, (symbol, count)) if count else atoms, found)


def _formula(atoms: dict[str, int]) -> str:
    """Metals, then C and H, then the rest: Na2CHO2."""
    first = [symbol for symbol in ("Na", "Al", "V", "Mn", "Fe", "Cu", "Si", "B") if symbol in atoms]
    order = [*first, *(s for s in ("C", "H", "N", "P", "S", "Cl", "O", "F") if s in atoms)]
    order += sorted(set(atoms) - set(order))
    return "".join(symbol + (str(atoms[symbol]) if atoms[symbol] > 1 else "") for symbol in order)

