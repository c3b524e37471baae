"""The lines of a compound as a set: atoms, cited energies, and charge-free distances between them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from libraries.compounds import ReferenceLine, differences, lines_of
from libraries.compounds import compound as find
from libraries.elements import Line
from libraries.errors import NotDetermined

# Distances between lines of one compound scatter at least so much between instruments: chosen, the usual repeatability
# of binding energies of insulators; the ranges of the library's cited distances are mostly smaller.
SLACK = 0.2
MARGIN = 0.5  # eV beyond the cited spread: charge references differ that much between papers (as in `guess`)
# The scale of most laboratories first; an energy on another one is taken only where there is no other.
_SCALES = ("adC", "PC", "IH", "IH/adC", "mixed", "not stated", "substrate", "internal", "Au", "EF", "none")


@dataclass(frozen=True)
class Site:
    """One line of a compound.

    Attributes
    ----------
    compound, group : str
        As in the library; "PVDF" and "CF2".
    line : Line
        A single level; of a doublet the major one.
    position, low, high : float
        Median and spread of the cited binding energies in eV.
    atoms : float or None
        Per formula unit; None where the compound has no formula.
    doublet : bool
    source, reference : str
    """

    compound: str
    group: str
    line: Line
    position: float
    low: float
    high: float
    atoms: float | None
    doublet: bool
    source: str
    reference: str

    @property
    def label(self) -> str:
        """Name for a component, "PVDF (CF2)"."""
        return f"{self.compound} ({self.group})" if self.group else self.compound


def sites_of(name: str) -> tuple[Site, ...]:
    """The lines of a compound, each once, on the charge reference that most of them share.

    Raises
    ------
    UnknownName
        If the library has no such compound.
    NotDetermined
        If it has no cited line.
    """
    rows = [row for row in lines_of(name) if row.line.kind == "core" and row.atoms != 0]
    if not rows:
        raise NotDetermined(f"The library has no cited line of {find(name).name}", todo="Choose another compound")
    chosen: dict[tuple[Line, str], ReferenceLine] = {}
    counts = Counter(row.reference for row in rows)

    def rank(row: ReferenceLine) -> tuple[int, int, bool]:
        known = _SCALES.index(row.reference) if row.reference in _SCALES else len(_SCALES)
        return -counts[row.reference], known, row.line.unresolved

    for row in sorted(rows, key=rank):
        chosen.setdefault((row.line.components[0], row.group), row)
    kept = [row for row in rows if chosen.get((row.line.components[0], row.group)) is row]
    minors = {row.line for row in kept if row.line.level.endswith("1/2") and row.line.level[1] == "p"}
    return tuple(_site(row) for row in kept if row.line not in minors)


def _site(row: ReferenceLine) -> Site:
    line = row.line.components[0]
    return Site(row.compound, row.group, line, row.central, row.low, row.high, row.atoms, line.level[1] != "s",
                row.source, row.reference)


def distance(site: Site, anchor: Site) -> tuple[float, float, str]:
    """Binding energy of a site less that of another one of the same compound: value, slack and source in eV.

    A distance measured in one paper where the library has one, else that of the medians.
    """
    for row in differences(site.compound):
        upper, lower = (row.upper.components[0], row.upper_group), (row.lower.components[0], row.lower_group)
        for sign, (one, other) in ((1.0, (upper, lower)), (-1.0, (lower, upper))):
            if _is(site, *one) and _is(anchor, *other):
                return sign * row.central, max(SLACK, (row.high - row.low) / 2), row.source
    slack = max(SLACK, (site.high - site.low + anchor.high - anchor.low) / 2)
    return round(site.position - anchor.position, 3), slack, "difference of the cited medians"


def _is(site: Site, line: Line, group: str) -> bool:
    return site.line == line and group in ("", site.group)
