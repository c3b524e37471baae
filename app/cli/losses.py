"""What was found in energy-loss spectra, for the terminal and as plain objects."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from app.numerals import with_error
from app.project.project import Entry, Project
from libraries.errors import SodaliteError


def loss_objects(project: Project) -> list[dict[str, Any]]:
    """One object a sample: regions, compositions, valences and maps of its energy-loss entries."""
    from app.cli.composition import region_object

    answers = []
    for sample in project.samples:
        entries = project.entries_of(sample.id)
        answers.append({
            "technique": "eels",
            "sample": sample.name,
            "regions": [
                region_object(entry, fit) | {"converged": fit.result is not None and fit.result.success}
                for entry in entries for fit in entry.fits
            ],
            "composition": [row for entry in entries for row in _composition(entry)],
            "valences": [row for entry in entries for row in _valence(project, entry)],
            "maps": [row for entry in entries for row in _maps(entry)],
        })  # fmt: skip
    return answers


def loss_text(project: Project) -> str:
    """The same in words."""
    lines: list[str] = []
    for answer in loss_objects(project):
        lines += [answer["sample"], "=" * len(answer["sample"])]
        for region in answer["regions"]:
            chi2 = region["reduced_chi2"]
            told = "" if chi2 is None else f", reduced χ² {chi2:.2f}"
            lines.append(f"{region['spectrum']}, {region['region']}: {region['status']}{told}")
            lines += [f"  {c['name']}: position {with_error(c['position'], c['position_err'])} eV, FWHM "
                      f"{with_error(c['fwhm'], c['fwhm_err'])} eV" for c in region["components"]]
        for row in answer["composition"]:
            lines.append(f"{row['spectrum']}, {row['place']}, {row['edge']}: "
                         f"{with_error(row['at_percent'], row['at_percent_err'])} at.%")
        for row in answer["valences"]:
            lines.append(f"{row['spectrum']}: valence {with_error(row['valence'], row['valence_err'])}")
        for row in answer["maps"]:
            lines.append(f"{row['spectrum']}, {row['map']}: median {row['median']:.5g} {row['unit']}".rstrip())
        lines.append("")
    return "\n".join(lines)


def _composition(entry: Entry) -> list[dict[str, Any]]:
    result = entry.core.result
    return [
        {"spectrum": entry.title, "place": _place(entry, result.place), "edge": row.edge, "element": row.element,
         "at_percent": row.at_percent,
         "at_percent_err": row.at_error, "atoms_per_nm2": row.areal if math.isfinite(row.areal) else None,
         "atoms_per_nm2_err": row.areal_error if math.isfinite(row.areal) else None}
        for row in (result.rows if result is not None else ()) if math.isfinite(row.at_percent)
    ]  # fmt: skip


def _place(entry: Entry, text: str) -> str:
    from app.project.place_words import place_words
    from fitting.image.place import Place

    if not entry.spectrum.navigation:
        return "the spectrum"
    return place_words(entry.spectrum, Place.parse(text), entry.rois)


def _valence(project: Project, entry: Entry) -> list[dict[str, Any]]:
    from app.project.fine_structure import valence_by_line

    found = []
    for setup in entry.fine:
        try:
            value = valence_by_line(project, entry, setup)
        except SodaliteError:
            continue
        found.append({"spectrum": entry.title, "edge": setup.edge, "valence": value.value, "valence_err": value.error})
    return found


def _maps(entry: Entry) -> list[dict[str, Any]]:
    found = []
    for one in entry.maps:
        values = one.values[one.good]
        median = float(np.median(values)) if values.size else None
        found.append({"spectrum": entry.title, "map": one.name, "unit": one.unit, "pixels": int(values.size),
                      "median": median})
    return [row for row in found if row["median"] is not None]
