"""Isotopologues among the channels of a profile against natural abundance: saturation and overlapping lines.

A line that is too strong for the detector counts too few ions (T. Stephan, J. Zehnpfenning, A. Benninghoven, J. Vac.
Sci. Technol. A 12, 405 (1994)), so that all its minor isotopes seem too strong, the more so the stronger the line is.
An overlapping ion adds to one line only, and not in proportion. One that follows the major line (a hydride) looks like
saturation by its ratio alone: then a stronger line of the same measurement that has its natural ratio tells.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.sims.channel_terms import channel_names, described
from fitting.sims.dead_time import isotope_check
from libraries.ions import Ion, natural_fraction

Verdict = Literal["agrees", "saturated", "minor overlapped", "major overlapped", "minor lost", "too strong",
                  "not determined"]

# A ratio within 5 % of nature is taken as agreeing: mass fractionation in sputtering and detection is of that order
# (a few per cent a mass unit; A. Benninghoven, F. G. Rudenauer, H. W. Werner, Secondary Ion Mass Spectrometry, Wiley
# 1987; the figure is the program's own, unverified).
NEAR = 0.05
SIGNIFICANT = 3.0
_ALIKE = 0.5
_FEWEST = 20.0  # counts on either line below which nothing is said


@dataclass(frozen=True)
class PairCheck:
    """A minor isotopologue against the major one of the same formula.

    Attributes
    ----------
    major, minor : str
        Names of the channels.
    counts : (float, float)
        Of both, over the whole profile.
    ratio, error : float
        Measured minor/major and its standard error from counting.
    natural : float
    pull : float
        (ratio - natural)/error.
    growth : float
        How much the ratio is larger where the major line is stronger, in standard errors: positive for saturation.
    strong : float
        The ratio over the natural one, less 1, at the points that hold the stronger half of the major ion's counts.
    verdict : str
    """

    major: str
    minor: str
    counts: tuple[float, float]
    ratio: float
    error: float
    natural: float
    pull: float
    growth: float
    strong: float
    verdict: Verdict

    @property
    def excess(self) -> float:
        """Measured over natural, less 1."""
        return self.ratio / self.natural - 1.0

    @property
    def trace(self) -> str:
        """The major ion from its minor isotope, as a trace is written."""
        return f"{self.major} from {self.minor}"


def isotope_checks(spectrum: Spectrum) -> tuple[PairCheck, ...]:
    """All pairs of isotopologues among the single ions of a profile, each minor one against the major one.

    Parameters
    ----------
    spectrum : Spectrum
        Shape (points, ions).

    Returns
    -------
    tuple of PairCheck
        By formula. Two isotopologues of one mass number are one line and are left out.

    Notes
    -----
    Natural shares hold all isotopologues of a mass number together, which no time-of-flight instrument separates.
    """
    groups: dict[object, list[tuple[float, int, Ion]]] = {}
    for column in described(spectrum.axis):
        if column.counted and column.label.ions:
            ion = column.label.ions[0]
            groups.setdefault((ion.elements, ion.charge), []).append((natural_fraction(ion), column.place, ion))
    names, data = channel_names(spectrum.axis), spectrum.y
    found: list[PairCheck] = []
    for members in groups.values():
        members.sort(key=lambda member: -member[0])
        share, place, ion = members[0]
        seen = {ion.mass_number}
        pairs = []
        for other, at, minor in members[1:]:
            if minor.mass_number not in seen and other > 0:
                seen.add(minor.mass_number)
                pairs.append(_pair(names[place], names[at], data[:, place], data[:, at], other / share))
        found.extend(_judged(pairs))
    return _compared(found, dict(zip(names, data.max(axis=0, initial=0.0), strict=True)))


def _compared(pairs: Sequence[PairCheck], strongest: Mapping[str, float]) -> tuple[PairCheck, ...]:
    """No line is called saturated where one that counts as many ions a point has its natural ratio.

    All lines of a measurement share its pulses. An ion of few places may be saturated there and weak on the whole, so
    that nothing else is claimed of it.
    """
    verdicts: dict[str, set[str]] = {}
    for pair in pairs:
        verdicts.setdefault(pair.major, set()).add(pair.verdict)
    sound = max((strongest[pair.major] for pair in pairs if pair.verdict == "agrees" and pair.natural < _ALIKE
                 and pair.error <= NEAR * pair.natural
                 and not verdicts[pair.major] & {"saturated", "too strong"}), default=0.0)
    return tuple(replace(pair, verdict="too strong") if pair.verdict == "saturated" and strongest[pair.major] <= sound
                 else pair for pair in pairs)


def _pair(major: str, minor: str, strong: FloatArray, weak: FloatArray, natural: float) -> PairCheck:
    """One pair, without a verdict."""
    a, b = float(strong.sum()), float(weak.sum())
    if a < _FEWEST or b < _FEWEST:
        ratio = b / a if a > 0 else math.nan
        return PairCheck(major, minor, (a, b), ratio, math.nan, natural, math.nan, math.nan, math.nan, "not determined")
    check = isotope_check(a, b, natural)
    growth, top = _growth(strong, weak)
    return PairCheck(major, minor, (a, b), check.ratio, check.error, natural, check.pull, growth, top / natural - 1.0,
                     "not determined")


def _growth(strong: FloatArray, weak: FloatArray) -> tuple[float, float]:
    """Ratio where the stronger half of the counts is less that of the weaker half, in errors; and the former ratio."""
    order = np.argsort(strong)
    half = int(np.searchsorted(np.cumsum(strong[order]), 0.5 * strong.sum()))
    parts = (order[:half], order[half:])
    ratios, variances = [], []
    for part in parts:
        a, b = float(strong[part].sum()), float(weak[part].sum())
        if a < _FEWEST or b < _FEWEST:
            return math.nan, math.nan
        ratios.append(b / a)
        variances.append((b / a) ** 2 * (1.0 / a + 1.0 / b))
    return (ratios[1] - ratios[0]) / math.sqrt(sum(variances)), ratios[1]


def _judged(pairs: Sequence[PairCheck]) -> list[PairCheck]:
    """Verdicts of all pairs of one formula, which share their major line."""
    off = {pair.minor: _off(pair) for pair in pairs}
    told = [pair for pair in pairs if off[pair.minor] is not None]
    # A saturated major line raises every minor one, an ion on it lowers every one. Minor lines that are nearly as
    # strong as the major one saturate with it and tell little, where there are weaker ones.
    told = [pair for pair in told if pair.natural < _ALIKE] or told
    high = [pair for pair in told if off[pair.minor] == 1]
    low = [pair for pair in told if off[pair.minor] == -1]
    all_high, all_low = len(high) == len(told), len(low) == len(told)
    # One that grows among many that fall has an ion of its own on it.
    up, down = (sum(sign * pair.growth > SIGNIFICANT for pair in high) for sign in (1, -1))
    grows = 0 < up >= down
    result = []
    for pair in pairs:
        sign = off[pair.minor]
        verdict: Verdict
        if sign is None:
            verdict = "not determined"
        elif sign == 0:
            verdict = "agrees"
        elif sign < 0:
            verdict = "major overlapped" if all_low else "minor lost"
        elif all_high and grows:
            verdict = "saturated"
        elif not all_high or (pair.growth < -SIGNIFICANT and pair.strong <= NEAR):
            verdict = "minor overlapped"
        else:
            verdict = "too strong"
        result.append(replace(pair, verdict=verdict))
    return result


def _off(pair: PairCheck) -> int | None:
    """Whether the minor line is too strong (1), too weak (-1) or neither (0); None where counts do not tell."""
    if not math.isfinite(pair.pull):
        return None
    if abs(pair.pull) <= SIGNIFICANT or abs(pair.excess) <= NEAR:
        return 0
    return 1 if pair.excess > 0 else -1


def saturated_ions(checks: Sequence[PairCheck]) -> dict[str, PairCheck]:
    """Ions whose line is saturated, each with the pair of the strongest minor isotope that can stand for it."""
    found: dict[str, PairCheck] = {}
    for check in checks:
        if check.verdict == "saturated" and check.major not in found:
            found[check.major] = check
    return found


VERDICTS: dict[str, str] = {
    "agrees": "agrees with nature",
    "saturated": "saturated: the stronger the line, the more ions are lost",
    "minor overlapped": "another ion lies on the minor line",
    "major overlapped": "another ion lies on the major line",
    "minor lost": "minor line too weak, unlike the others: look at its limits",
    "too strong": "minor line too strong: major saturated or minor overlapped",
    "not determined": "too few counts",
}
