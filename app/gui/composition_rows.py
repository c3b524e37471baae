"""The composition as rows of texts."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence

from app.gui.panels.numbers import enlarged, marked
from app.gui.table_view import Cell, Column
from app.numerals import interval, limit_or_amount, with_error
from fitting.xps.quantify import Composition, ElementRow, LineRow, TagRow
from fitting.xps.ratios import Ratio
from fitting.xps.study import Study, element_key, row_key, tag_key

PER_ANGSTROM = 0.1  # nm
UNITS = {"counts eV/s": "cps eV"}


STUDIES: dict[str, tuple[str, str]] = {
    "bootstrap": ("Bootstrap 95 %", "95 % interval of simulated samples, each with backgrounds and fits done anew"),
    "model spread": ("Model spread", "Smallest and largest at.% with other backgrounds, region ends and shapes; "
                     "it is no standard error and enters none"),
}
Studies = Mapping[str, Study]


def columns(composition: Composition | None, studies: Studies | None = None) -> tuple[Column, ...]:
    """Columns of the table; the area has the unit of the rows, and each study that was made has a column."""
    units = {UNITS.get(row.area_unit, row.area_unit) for row in composition.rows} if composition else {"cps eV"}
    unit = f" / {units.pop()}" if len(units) == 1 else ""
    made = [Column(STUDIES[kind][0], True, STUDIES[kind][1]) for kind in STUDIES if kind in (studies or {})]
    return (
        Column("Line"), Column("Component"),
        Column("at.%", True, "Amount with its standard error; below the limit of detection the 95 % upper limit"),
        Column("95 % interval", True), *made,
        Column("wt.%", True, "Share of the mass of the elements that are seen; hydrogen is not"),
        *((Column("Area of", False, "Fitted components, or data minus background"),) if _mixed(composition) else ()),
        Column(f"Area{unit}", True, "Area with its standard error"),
        Column("s", True, "Relative sensitivity factor"), Column("L", True, "Angular correction"),
        Column("T", True, "Transmission of the analyser at this line"),
        Column("λ / nm", True, "Inelastic mean free path"),
        Column("Sources of s, L, T and λ"),
    )


def _mixed(composition: Composition | None) -> bool:
    return composition is not None and any(row.area_kind != "components" for row in composition.rows)


def composition_rows(
    composition: Composition, factors: Mapping[str, float], studies: Studies | None = None
) -> list[list[Cell]]:
    """Rows of the table: lines, then tags that join several of them.

    Parameters
    ----------
    composition : Composition
    factors : mapping of str to float
        By what the errors of a region were multiplied because its model misses structure in the data, by its name.
    studies : mapping of kind to Study, optional
    """
    known, mixed = studies or {}, _mixed(composition)
    rows = [
        _row(row, factors.get(row.region, 1.0), _ranges(known, row_key(i)), mixed)
        for i, row in enumerate(composition.rows)
    ]
    return rows + [_tag_row(row, _ranges(known, tag_key(row.tag)), mixed) for row in composition.tags]


def _ranges(studies: Studies, key: str) -> list[Cell]:
    """What the studies found for a row, in the order of `STUDIES`."""
    cells = []
    for kind in STUDIES:
        if kind in studies:
            found = studies[kind].of(key)
            if found is None:
                cells.append(Cell(""))
                continue
            tip = found.note or f"{found.value:.3f} ± {found.error:.3f} at.%"
            cells.append(Cell(interval(found.low, found.high) or f"{found.value:.3g}", tip.replace("; ", "\n")))
    return cells


def _row(row: LineRow, factor: float, ranges: list[Cell], mixed: bool) -> list[Cell]:
    unit = UNITS.get(row.area_unit, row.area_unit)
    lost = "" if row.determined else "muted"
    amount_tip = _amount_tip(row, factor)
    area_tip = f"{row.area:.6g} ± {row.area_err:.3g} {unit}"
    share = marked(amount(row), row.at_percent_err, factor) if row.determined else amount(row)
    kind = "components" if row.area_kind == "components" else "data − background"
    return [
        Cell(row.line), Cell(row.name, "\n".join(filter(None, (row.compound, row.tag and f"tag {row.tag}")))),
        Cell(share, amount_tip, lost, bold=row.determined), Cell(_interval(row), amount_tip), *ranges,
        Cell(weight(row), role=lost), *([Cell(kind)] if mixed else []),
        Cell(marked(with_error(row.area, row.area_err), row.area_err, factor),
             "\n".join(filter(None, (area_tip, enlarged(row.area_err, factor)))), lost),
        Cell(f"{row.factor:.2f}", row.factor_source), Cell(f"{row.angular:.2f}", row.angular_source),
        Cell(f"{row.transmission:.3g}", row.transmission_source),
        Cell(f"{row.imfp * PER_ANGSTROM:.2f}" if row.imfp_source != "not applied" else "–", row.imfp_source),
        _sources(row),
    ]


def _tag_row(row: TagRow, ranges: list[Cell], mixed: bool) -> list[Cell]:
    tip = "Sum of " + ", ".join(row.members)
    lost = "" if row.determined else "muted"
    return [
        Cell("tag", tip, "muted"), Cell(row.tag, tip), Cell(amount(row), tip, lost, bold=row.determined),
        Cell(interval(row.low, row.high) if row.determined else ""), *ranges, Cell(weight(row), role=lost),
        *([Cell("")] if mixed else []), *(Cell("") for _ in range(5)), Cell(tip, role="muted"),
    ]


def _sources(row: LineRow) -> Cell:
    """Where the factors of a row come from."""
    pairs = (
        ("s", row.factor_source), ("L", row.angular_source), ("T", row.transmission_source), ("λ", row.imfp_source)
    )
    text = ",  ".join(f"{name} {re.split(r' [(]|[;:]', source)[0]}" for name, source in pairs)
    lines = "\n".join(f"{name}: {source}" for name, source in pairs)
    return Cell(text, f"{row.region}, kinetic energy {row.kinetic_energy:.1f} eV\n{lines}", "muted")


def weight(row: LineRow | ElementRow | TagRow) -> str:
    """wt.% with its error; empty where the amount is not determined."""
    return with_error(row.weight_percent, row.weight_percent_err) if row.determined else ""


def amount(row: LineRow | ElementRow | TagRow) -> str:
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


def ratios_text(ratios: Sequence[Ratio]) -> str:
    """Atomic ratios in one line."""
    return "    ".join(f"{row.name}  {_ratio(row)}" for row in ratios)


def _ratio(row: Ratio) -> str:
    if not math.isfinite(row.value) or not row.determined:
        return f"> {row.low:.2g}" if row.low > 0 else "not determined"
    return with_error(row.value, row.error)


def totals_tip(composition: Composition, studies: Studies) -> str:
    """Element totals with intervals, weights and studies, a line each."""
    lines = []
    for row in sorted(composition.elements, key=lambda row: -row.at_percent):
        parts = [f"{row.element}: {amount(row)} at.%", f"{weight(row)} wt.%" if row.determined else ""]
        for kind, (title, _) in STUDIES.items():
            found = studies[kind].of(element_key(row.element)) if kind in studies else None
            if found is not None:
                parts.append(f"{title.lower()} {interval(found.low, found.high)}")
        lines.append(", ".join(filter(None, parts)))
    return "\n".join(lines)
