"""What speaks for and against an element, line by line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Status = Literal["seen", "shared", "weaker", "missing", "too weak", "hidden", "auger"]
Verdict = Literal["found", "possible", "not determined"]
STATUS_WORDS: dict[str, str] = {
    "seen": "seen",
    "shared": "seen, shared with another element",
    "weaker": "weaker than expected",
    "missing": "missing though expected",
    "too weak": "below the detection limit",
    "hidden": "hidden",
    "auger": "Auger line seen",
}


@dataclass(frozen=True)
class LineEvidence:
    """One expected line and what the survey shows there.

    Attributes
    ----------
    line : str
        "Fe 2p3/2"; Auger lines by their transition.
    kind : "core" or "auger"
    expected : float
        Binding energy in eV on the measured scale (with the shift), as tabulated.
    found : float or None
        Position of the peak in eV, as measured.
    area, expected_area : float or None
        Measured area, and that expected from the element's amount; of an Auger line the area of all holes that decay.
    limit : float
        Area that would have been detected (Currie, 3.29 standard errors), in the same unit.
    status : str
        Key of `STATUS_WORDS`.
    note : str
        "hidden below O 1s", for example.
    """

    line: str
    kind: Literal["core", "auger"]
    expected: float
    found: float | None
    area: float | None
    expected_area: float | None
    limit: float
    status: Status
    note: str = ""

    @property
    def ratio(self) -> float | None:
        """Measured over expected area of a photoelectron line; None where there is none."""
        if self.area is None or not self.expected_area or self.kind == "auger":
            return None
        return self.area / self.expected_area

    @property
    def words(self) -> str:
        """The status in words."""
        return self.note or STATUS_WORDS[self.status]


@dataclass(frozen=True)
class ElementEvidence:
    """An element with its verdict.

    Attributes
    ----------
    element : str
    verdict : str
    reason : str
        One sentence why.
    main : str
        Its line that can be seen best ("Fe 2p3/2").
    lines : tuple of LineEvidence
        Best visible line first.
    offset : float
        Measured minus tabulated energy of the main line in eV, the common shift taken off.
    score : float
        Sum of the evidence in natural logarithms (see `assess`); 0 is neutral.
    amount : float
        Atoms in relative units, from the areas; `at_percent` is its share among the found elements.
    at_percent, at_percent_err : float or None
        Rough, from survey areas; only of found elements. The error is that of the area alone.
    alternatives : tuple of str
        Elements that explain the same peak.
    """

    element: str
    verdict: Verdict
    reason: str
    main: str
    lines: tuple[LineEvidence, ...]
    offset: float
    score: float
    amount: float
    at_percent: float | None = None
    at_percent_err: float | None = None
    alternatives: tuple[str, ...] = ()

    @property
    def seen(self) -> tuple[LineEvidence, ...]:
        """The lines that are seen, Auger lines included."""
        return tuple(line for line in self.lines if line.status in ("seen", "shared", "auger"))

    @property
    def strongest(self) -> LineEvidence | None:
        """The strongest photoelectron line that is seen by itself; None where there is none."""
        lines = [line for line in self.lines if line.kind == "core" and line.status == "seen"]
        return max(lines, key=lambda line: line.expected_area or 0.0, default=None)

    @property
    def missing(self) -> tuple[LineEvidence, ...]:
        """The lines that speak against the element."""
        return tuple(line for line in self.lines if line.status in ("missing", "weaker"))
