"""Concentrations in words: rows of results, numbers in fields."""

from __future__ import annotations

import math

from app.gui.panels.tables import Cell, Row
from app.numerals import with_error, with_power
from app.project.sims_sensitivity import Amount, fraction_words, limit_words
from fitting.sims.concentration import Concentration

_OF = {"factor": "factor", "counting": "counts", "depth": "depth scale", "dose": "dose", "left out": "part left out"}


def in_field(value: float) -> str:
    """A number for a field: "1e15", "2.05e22"; nothing for zero."""
    if not value:
        return ""
    text = f"{value:.6g}"
    return text.replace("e+", "e") if "e" in text else text


def result_rows(amount: Amount) -> list[Row]:
    """What the table of results says of an amount."""
    found = amount.found
    if found is None:
        return []
    peak, density = found.peak, amount.density
    rows = [
        _row("Largest", f"{with_power(peak.value, peak.error)} cm⁻³", _share(peak.value, peak.error, density)),
        _row("Its depth", f"{with_error(peak.depth, peak.depth_error)} nm"),
        _row("Areal density", f"{with_power(found.areal, found.areal_error)} cm⁻²", _evaluated(found),
             _made_of(found.areal_parts, found.areal)),
    ]
    if math.isfinite(found.limit):
        level = with_power(found.background, found.background_error)
        rows += [_row("Background", f"{level} cm⁻³"),
                 _row("Detection limit", f"{with_power(found.limit)} cm⁻³",
                      limit_words(found.limit, density) if density else "",
                      "Three standard deviations of single points above the background, three counts at least")]
    factor = found.factor
    rows.append(_row("Factor", factor.words, "", _made_of(tuple((name, share * factor.value)
                                                              for name, share in factor.shares), factor.value)))
    if found.fraction < 1:
        rows.append(_row("Natural abundance", f"{found.fraction:.4g}, representative value"))
    return rows


def _row(name: str, value: str, more: str = "", tip: str = "") -> Row:
    text = f"{value} ({more})" if more else value
    return Row(name, (Cell(name), Cell(text, tooltip=tip or text)))


def _share(value: float, error: float, density: float) -> str:
    return fraction_words(value, error, density) if density and value > 0 else ""


def _evaluated(found: Concentration) -> str:
    depths = found.depth[found.inside]
    return f"{depths[0]:.3g} to {depths[-1]:.3g} nm"


def _made_of(parts: tuple[tuple[str, float], ...], value: float) -> str:
    """ "Error from dose 2 %, counts 0.7 %"."""
    known = [f"{_OF.get(name, name)} {100 * size / abs(value):.2g} %" for name, size in parts if size > 0]
    return f"Error from {', '.join(known)}" if known and value else ""
