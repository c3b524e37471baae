"""The composition as rows of texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from app.gui.panels.numbers import enlarged, marked
from app.gui.table_view import Cell, Column
from app.numerals import interval, limit_or_amount, with_error
from fitting.xps.quantify import Composition, ElementRow, LineRow

PER_ANGSTROM = 0.1  # nm
UNITS = {"counts eV/s": "cps eV"}


def columns(composition: Composition | None) -> tuple[Column, ...]:
    """Columns of the table; the area has the unit of the rows."""
    units = {UNITS.get(row.area_unit, row.area_unit) for row in composition.rows} if composition else {"cps eV"}
    unit = f" / {units.pop()}" if len(units) == 1 else ""
    return (
        Column("Line"), Column("Component"),
        Column(f"Area{unit}", True, "Fitted area with its standard error"),
        Column("s", True, "Relative sensitivity factor"), Column("L", True, "Angular correction"),
        Column("T", True, "Transmission of the analyser at this line"),
        Column("λ / nm", True, "Inelastic mean free path"),
        Column("at.%", True, "Amount with its standard error; below the limit of detection the 95 % upper limit"),
        Column("95 % interval", True), Column("Sources of s, L, T and λ"),
    )


def composition_rows(composition: Composition, factors: Mapping[str, float]) -> list[list[Cell]]:
    """Rows of the table.

    Parameters
    ----------
    composition : Composition
    factors : mapping of str to float
        By what the errors of a region were multiplied because its model misses structure in the data, by its name.
    """
    return [_row(row, factors.get(row.region, 1.0)) for row in composition.rows]


def _row(row: LineRow, factor: float) -> list[Cell]:
    unit = UNITS.get(row.area_unit, row.area_unit)
    lost = "" if row.determined else "muted"
    amount_tip = _amount_tip(row, factor)
    area_tip = f"{row.area:.6g} ± {row.area_err:.3g} {unit}"
    share = marked(amount(row), row.at_percent_err, factor) if row.determined else amount(row)
    return [
        Cell(row.line), Cell(row.name, row.compound),
        Cell(marked(with_error(row.area, row.area_err), row.area_err, factor),
             "\n".join(filter(None, (area_tip, enlarged(row.area_err, factor)))), lost),
        Cell(f"{row.factor:.2f}", row.factor_source), Cell(f"{row.angular:.2f}", row.angular_source),
        Cell(f"{row.transmission:.2f}", row.transmission_source),
        Cell(f"{row.imfp * PER_ANGSTROM:.2f}", row.imfp_source),
        Cell(share, amount_tip, lost, bold=row.determined), Cell(_interval(row), amount_tip),
        _sources(row),
    ]


def _sources(row: LineRow) -> Cell:
    """Where the factors of a row come from."""
    pairs = (
        ("s", row.factor_source), ("L", row.angular_source), ("T", row.transmission_source), ("λ", row.imfp_source)
    )
    text = ",  ".join(f"{name} {re.split(r' [(]|[;:]', source)[0]}" for name, source in pairs)
    lines = "\n".join(f"{name}: {source}" for name, source in pairs)
    return Cell(text, f"{row.region}, kinetic energy {row.kinetic_energy:.1f} eV\n{lines}", "muted")


def amount(row: LineRow | ElementRow) -> str:
    """at.% with its error, or the limit below which it lies."""
    return limit_or_amount(row.at_percent, row.at_percent_err, row.high, determined=row.determined)


def _interval(row: LineRow) -> str:
    """The 95 % interval, empty where only a limit is known."""
    return interval(row.low, row.high) if row.determined else ""


def _amount_tip(row: LineRow, factor: float) -> str:
    if not row.determined:
        return "The area is not significantly above zero: the 95 % upper limit is given"
    if not math.isfinite(row.at_percent_err):
        return "The error is not known: a parameter ended on a bound or was not determined"
    text = f"{row.at_percent:.3f} ± {row.at_percent_err:.3f} at.%"
    if factor > 1:
        text += f"\n* The area's error in it is multiplied by {factor:.2f} (√χ²ᵣ of {row.region})"
    return text


def totals_text(composition: Composition) -> str:
    """Element totals in one line, the largest first."""
    ordered = sorted(composition.elements, key=lambda row: -row.at_percent)
    parts = "    ".join(f"{row.element}  {amount(row)}" for row in ordered)
    return f"{parts}   at.%"
