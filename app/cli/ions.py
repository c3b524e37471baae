"""What was found in ToF-SIMS data, for the terminal and as plain objects."""

from __future__ import annotations

import math
from typing import Any

from app.numerals import limit_or_amount, with_error
from app.project.project import Entry, Project


def ion_objects(project: Project) -> list[dict[str, Any]]:
    """One object a sample: calibrants, layers, factor analyses and their calibration by XPS of its ToF-SIMS entries."""
    from app.cli.by_xps import object_of
    from app.files.by_xps_tables import calibrated_entries

    calibrated = list(calibrated_entries(project))
    answers = []
    for sample in project.samples:
        entries = [one for one in project.entries_of(sample.id) if one.spectrum.meta.technique == "sims"]
        answers.append({
            "technique": "sims",
            "sample": sample.name,
            "regions": [],
            "masses": [row for entry in entries for row in _masses(entry)],
            "layers": [row for entry in entries for row in _layers(entry)],
            "factors": [row for entry in entries for row in _factors(entry)],
            "by_xps": [{"spectrum": entry.title} | object_of(entry, found) for entry, found in calibrated
                       if entry.sample == sample.id],
        })  # fmt: skip
    return answers


def ion_text(answers: list[dict[str, Any]]) -> str:
    """The same in words."""
    lines: list[str] = []
    for answer in answers:
        lines += [answer["sample"], "=" * len(answer["sample"])]
        lines += [f"{row['spectrum']}: {row['peaks']} peaks, calibrated on {row['calibrants']}"
                  for row in answer["masses"]]
        for row in answer["factors"]:
            tests = ", ".join(f"{name}: {number}" for name, number in row["tests"])
            lines.append(f"{row['spectrum']}, {row['analysis']}: lack of fit {row['lof']:.2f} % (least possible "
                         f"{row['lof_bound']:.2f} %), χ²/dof {row['chi2']:.2f}; how many: {tests}")
        for row in answer["layers"]:
            value = "not determined" if row["thickness"] is None else \
                f"{with_error(row['thickness'], row['thickness_err'])} {row['unit']}"
            lines.append(f"{row['spectrum']}, layer {row['number']} {row['layer']}: {value}")
        for row in answer["by_xps"]:
            for factor in row["factors"]:
                told = ", ".join(f"{name} {_amount(one)}" for name, one in factor["at_percent"].items())
                lines.append(f"{row['spectrum']}, {factor['name']} in at.% ({row['label']}): "
                             f"{told if factor['determined'] else 'not determined'}")
        lines.append("")
    return "\n".join(lines)


def _masses(entry: Entry) -> list[dict[str, Any]]:
    if not entry.masses.calibrants:
        return []
    names = ", ".join(name for name, _ in entry.masses.calibrants)
    return [{"spectrum": entry.title, "calibrants": names, "peaks": len(entry.masses.peaks)}]


def _layers(entry: Entry) -> list[dict[str, Any]]:
    from app.project.sims_depth import answer

    if not (entry.layering.factors or entry.layering.markers):
        return []
    found = answer(entry).layers
    return [] if found is None else [
        {"spectrum": entry.title, "number": one.number, "layer": one.name, "unit": found.unit,
         "thickness": _plain(one.thickness), "thickness_err": _plain(one.error)} for one in found.rows
    ]  # fmt: skip


def _factors(entry: Entry) -> list[dict[str, Any]]:
    return [{"spectrum": entry.title, "analysis": one.title, "names": list(one.names), "lof": one.lof,
             "lof_bound": one.lof_bound, "chi2": one.chi2, "tests": [list(row) for row in one.tests]}
            for one in entry.factors]  # fmt: skip


def _amount(one: dict[str, float]) -> str:
    """A number with its error, or below what it lies where it does not stand clear of zero."""
    value, error, most = one["value"], one["error"], one["below_95"]
    return limit_or_amount(value, error, most, determined=not math.isfinite(error) or value >= 2.0 * error)


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
