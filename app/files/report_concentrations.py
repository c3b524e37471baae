"""Report section of concentrations in one matrix: factors, how they are known, what they give, remarks."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.files.report_html import Html, table, tag
from app.numerals import with_error, with_power
from app.project.sims_sensitivity import Amount, amounts, fraction_words, limit_words

if TYPE_CHECKING:
    from app.project.project import Entry, Project

_HEADS = ("Ion in matrix", "Factor (cm⁻³)", "From", "Evaluated (nm)", "Largest (cm⁻³)", "at (nm)",
          "Areal density (cm⁻²)", "Detection limit (cm⁻³)")


def concentration_sections(project: Project, entry: Entry) -> list[Html]:
    """A table of all factors of an entry with their results; nothing where it has none."""
    found = amounts(project, entry) if entry.sensitivity.factors else ()
    if not found:
        return []
    parts = [tag("h4", "Concentrations in one matrix"), table(_HEADS, [_row(one) for one in found],
                                                              numbers=(1, 3, 4, 5, 6, 7))]
    for one in found:
        told = one.failed or ("; ".join(one.found.remarks) if one.found is not None else "")
        if told:
            parts.append(tag("p", f"{one.label}: {told}.".replace("..", "."), class_="warn"))
    parts.append(tag("p", "ρ = RSF·Iᵢ/Iₘ, valid in one matrix and for less than 1 % of its atoms (ISO 18114).",
                     class_="note"))
    return parts


def _row(one: Amount) -> tuple[str, ...]:
    factor, found = one.factor, one.found
    label = one.label if not one.told.element else f"{one.species} from {one.label}"
    first = (label, with_power(factor.value, factor.error) if factor is not None else "not determined",
             factor.words if factor is not None else "")
    if found is None:
        return (*first, *("",) * 5)
    peak, depths = found.peak, found.depth[found.inside]
    share = f" = {fraction_words(peak.value, peak.error, one.density)}" if one.density and peak.value > 0 else ""
    limit = ""
    if math.isfinite(found.limit):
        limit = with_power(found.limit) + (f" = {limit_words(found.limit, one.density)}" if one.density else "")
    return (*first, f"{depths[0]:.3g} to {depths[-1]:.3g}", with_power(peak.value, peak.error) + share,
            with_error(peak.depth, peak.depth_error), with_power(found.areal, found.areal_error), limit)
