"""Fits and compositions as commands print them: text for people, plain objects for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from app.cli.output import table

if TYPE_CHECKING:
    from app.project.project import Entry, RegionFit
    from fitting.xps.quantify import Composition
    from fitting.xps.ratios import Ratio
    from fitting.xps.study import Study

_PEAK_FIELDS = ("name", "position", "position_err", "fwhm", "fwhm_err", "area", "area_err", "line", "compound")


def region_object(entry: Entry, fit: RegionFit) -> dict[str, Any]:
    """A fitted region: components with their errors, statistic and status."""
    from fitting.peaks import error_factor, peak_numbers

    spectrum, result = entry.processed(), fit.result
    components = [
        {name: getattr(peak, name) for name in _PEAK_FIELDS} for peak in peak_numbers(spectrum, fit.model, result)
    ]
    return {
        "spectrum": entry.title,
        "region": fit.name,
        "low": fit.model.region[0],
        "high": fit.model.region[1],
        "intensity_unit": spectrum.meta.intensity_unit,
        "components": components,
        # Without known noise it is 1 by construction and says nothing.
        "reduced_chi2": result.reduced_chi2 if result is not None and result.noise.known else None,
        # By what the errors above are multiplied, because the model misses structure in the data; else 1.
        "error_factor": error_factor(result) if result is not None else None,
        "aic": result.aic if result is not None else None,
        "aicc": result.aicc if result is not None else None,
        "bic": result.bic if result is not None else None,
        "statistic": result.statistic if result is not None else None,
        "status": result.status if result is not None else "not fitted",
        "message": result.message if result is not None else "",
    }


def element_objects(composition: Composition | None) -> list[dict[str, Any]]:
    """Amounts of the elements."""
    rows = composition.elements if composition is not None else ()
    return [{field.name: getattr(row, field.name) for field in fields(row)} for row in rows]


def tag_objects(composition: Composition) -> list[dict[str, Any]]:
    """Quantities that join several lines by a tag."""
    return [{field.name: getattr(row, field.name) for field in fields(row)} for row in composition.tags]


def line_objects(composition: Composition | None) -> list[dict[str, Any]]:
    """Lines with every factor and its source."""
    rows = composition.rows if composition is not None else ()
    return [{field.name: getattr(row, field.name) for field in fields(row)} for row in rows]


def ratio_objects(ratios: Sequence[Ratio]) -> list[dict[str, Any]]:
    """Atomic ratios with their intervals."""
    return [{field.name: getattr(row, field.name) for field in fields(row)} for row in ratios]


def study_objects(studies: Mapping[str, Study]) -> list[dict[str, Any]]:
    """Bootstrap and model spread, with the ranges of every row and element."""
    return [
        {field.name: getattr(study, field.name) for field in fields(study) if field.name != "ranges"}
        | {"ranges": [{field.name: getattr(row, field.name) for field in fields(row)} for row in study.ranges]}
        for study in studies.values()
    ]


_STUDIES = {"bootstrap": "bootstrap 95 %", "model spread": "model spread"}


def elements_text(composition: Composition, *, wt: bool = False, studies: Mapping[str, Study] | None = None) -> str:
    """Amounts of the elements, the largest first, and of tags; wt.% and studies where they are asked for."""
    from app.numerals import interval, limit_or_amount, with_error
    from fitting.xps.study import element_key, tag_key

    known = {kind: study for kind, study in (studies or {}).items() if kind in _STUDIES}
    named = [(row.element, element_key(row.element), row) for row in composition.elements]
    named.sort(key=lambda item: -item[2].at_percent)
    tagged = [(f"[{row.tag}]", tag_key(row.tag), row) for row in composition.tags]
    rows = []
    for name, key, row in (*named, *tagged):
        cells = [
            name, limit_or_amount(row.at_percent, row.at_percent_err, row.high, determined=row.determined),
            interval(row.low, row.high) if row.determined else "",
        ]
        for study in known.values():
            found = study.of(key)
            cells.append(interval(found.low, found.high) if found is not None else "")
        if wt:
            cells.append(with_error(row.weight_percent, row.weight_percent_err) if row.determined else "")
        rows.append(cells)
    heads = ["Element", "at.%", "95 % interval", *(_STUDIES[kind] for kind in known), *(["wt.%"] if wt else [])]
    return table(heads, rows, right=range(1, len(heads)))


def ratios_text(ratios: Sequence[Ratio]) -> str:
    """Atomic ratios with their intervals."""
    import math

    from app.numerals import interval, with_error

    rows = []
    for row in ratios:
        ends = interval(row.low, row.high)
        if not ends and math.isfinite(row.low):
            ends = f"> {row.low:.3g}" if row.low > 0 else "not determined"
        rows.append((row.name, with_error(row.value, row.error), ends))
    return table(("Ratio", "Atomic ratio", "95 % interval"), rows, right=(1, 2))


def lines_text(composition: Composition) -> str:
    """Lines with the values of their factors."""
    from app.numerals import limit_or_amount, with_error

    mixed = any(row.area_kind != "components" for row in composition.rows)
    rows = [
        (
            row.line,
            row.name,
            with_error(row.area, row.area_err),
            *([row.area_kind] if mixed else []),
            f"{row.factor:.3f}",
            f"{row.angular:.3f}",
            f"{row.transmission:.3g}",
            f"{row.imfp:.2f}",
            limit_or_amount(row.at_percent, row.at_percent_err, row.high, determined=row.determined),
            row.region,
        )
        for row in composition.rows
    ]
    units = sorted({row.area_unit for row in composition.rows})
    heads = ("Line", "Component", f"Area / {', '.join(units)}", *(["Area of"] if mixed else []),
             "s", "L", "T", "λ / Å", "at.%", "Region")
    return table(heads, rows, right=[i for i in range(2, len(heads) - 1) if heads[i] != "Area of"])


def region_text(entry: Entry, fit: RegionFit) -> str:
    """A fitted region for people."""
    from app.numerals import with_error
    from fitting.peaks import error_factor, peak_numbers

    spectrum, result = entry.processed(), fit.result
    rows = [
        (
            peak.name,
            with_error(peak.position, peak.position_err),
            with_error(peak.fwhm, peak.fwhm_err),
            with_error(peak.area, peak.area_err),
        )
        for peak in peak_numbers(spectrum, fit.model, result)
    ]
    unit = spectrum.axis.unit
    heads = ("Component", f"Position / {unit}", f"FWHM / {unit}", f"Area / {spectrum.meta.intensity_unit} {unit}")
    state = "not fitted"
    if result is not None:
        chi = f"reduced chi2 {result.reduced_chi2:.3g}, " if result.noise.known else ""
        state = f"{chi}{result.status}"
    lines = [f"{entry.title}, {fit.name}: {state}", table(heads, rows, right=(1, 2, 3))]
    if result is not None and result.exceeds_noise:
        lines.append(f"Errors are multiplied by {error_factor(result):.3g} = sqrt(reduced chi2): the model misses "
                     "structure in the data.")
    return "\n".join(lines)
