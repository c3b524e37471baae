"""Concentrations in one matrix, for `sodalite profile`."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from app.cli.output import table
from app.cli.status import one_line
from app.numerals import with_error, with_power
from libraries.errors import BadData

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from app.project.sims_depth import DepthAnswer
    from app.project.sims_sensitivity import Amount

_ERROR = re.compile(r"\s*(?:\+-|\+/-|±)\s*")


def amounts_of(project: Project, entry: Entry, found: DepthAnswer,
               arguments: argparse.Namespace) -> tuple[Amount, ...]:
    """Concentrations after the factors of the project, or those that the command line gives.

    Raises
    ------
    BadData, UnknownName
        If a factor is no number, or there is no such ion.
    """
    from dataclasses import replace

    from app.project.sims_sensitivity import add_factor, amounts

    project = project.with_entry(entry)
    if arguments.rsf:
        project = project.with_entry(replace(entry, sensitivity=replace(entry.sensitivity, factors=())))
    for ion, matrix, text in arguments.rsf:
        value, error = _value(text)
        project, _ = add_factor(project, entry.id, ion, matrix, value=value, error=error, source="command line",
                                flat_low=0.0, flat_high=0.0)
    entry = project.entry(entry.id)
    if arguments.matrix_atoms is not None:
        entry = replace(entry, sensitivity=replace(entry.sensitivity, density=arguments.matrix_atoms))
    return amounts(project, entry, found.profile, found.depth)


def _value(text: str) -> tuple[float, float]:
    """ "2.1e22+-1e21"."""
    parts = _ERROR.split(text)
    try:
        value, error = map(float, parts if len(parts) > 1 else (*parts, "0"))
    except ValueError:
        value = error = math.nan
    if not (value > 0 and error >= 0 and math.isfinite(value) and math.isfinite(error)):
        raise BadData("A sensitivity factor is a number above zero with its error", where=text,
                      todo="Write it as in 2.1e22 or 2.1e22+-1e21")
    return value, error


def rows_of(found: Sequence[Amount]) -> list[dict[str, Any]]:
    """For JSON: numbers with errors, null where not determined."""
    rows = []
    for one in found:
        row: dict[str, Any] = {"ion": one.told.ion, "matrix_ion": one.told.matrix, "of": one.species,
                               "status": one.failed}
        if one.factor is not None:
            row |= {"factor_cm3": one.factor.value, "factor_error_cm3": one.factor.error, "from": one.factor.words}
        if one.found is not None:
            peak = one.found.peak
            row |= {
                "largest_cm3": peak.value, "largest_error_cm3": peak.error, "largest_at_nm": peak.depth,
                "largest_at_error_nm": peak.depth_error, "areal_cm2": one.found.areal,
                "areal_error_cm2": one.found.areal_error, "background_cm3": one.found.background,
                "detection_limit_cm3": one.found.limit, "remarks": list(one.found.remarks),
            }
        rows.append(row)
    return rows


def words_of(found: Sequence[Amount]) -> str:
    """A table for people, and what must be known of it."""
    rows, remarks = [], []
    for one in found:
        if one.factor is None or one.found is None:
            continue
        peak = one.found.peak
        rows.append((one_line(one.label), with_power(one.factor.value, one.factor.error),
                     with_power(peak.value, peak.error), with_error(peak.depth, peak.depth_error),
                     with_power(one.found.areal, one.found.areal_error),
                     with_power(one.found.limit) if math.isfinite(one.found.limit) else "not determined"))
        remarks += [one_line(f"{one.label}: {remark}") for remark in one.found.remarks]
    if not rows:
        return ""
    heads = ("Ion in matrix", "Factor / cm⁻³", "Largest / cm⁻³", "at / nm", "Areal / cm⁻²", "Limit / cm⁻³")
    return "\n".join((table(heads, rows, right=(1, 2, 3, 4, 5)), *remarks))
