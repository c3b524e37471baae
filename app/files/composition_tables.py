"""Compositions as tables: CSV of lines, elements and ratios, and groups of an HDF5 file; with studies and sources."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.files.csv_table import write_table
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.project.project import Project
    from fitting.xps.quantify import Composition
    from fitting.xps.study import Study

# Column and field of `LineRow` and `ElementRow`.
LINE_FIELDS = {
    "Component": "name", "Region": "region", "Line": "line", "Element": "element", "Compound": "compound",
    "Area": "area", "Area error": "area_err", "Area unit": "area_unit", "Area kind": "area_kind", "Tag": "tag",
    "Kinetic energy [eV]": "kinetic_energy",
    "Sensitivity factor s": "factor", "Source of s": "factor_source", "Angular factor L": "angular",
    "Source of L": "angular_source", "Transmission T": "transmission", "Source of T": "transmission_source",
    "Mean free path lambda [angstrom]": "imfp", "Source of lambda": "imfp_source", "Normalised area": "normalised",
    "Amount [at.%]": "at_percent", "Amount error [at.%]": "at_percent_err", "95 % low [at.%]": "low",
    "95 % high [at.%]": "high", "Determined": "determined", "Weight [wt.%]": "weight_percent",
    "Weight error [wt.%]": "weight_percent_err",
}
ELEMENT_FIELDS = {
    "Element": "element", "Amount [at.%]": "at_percent", "Amount error [at.%]": "at_percent_err",
    "95 % low [at.%]": "low", "95 % high [at.%]": "high", "Determined": "determined",
    "Weight [wt.%]": "weight_percent", "Weight error [wt.%]": "weight_percent_err",
}
# Column, study and field of `Range`; cells are empty where a study was not made or belongs to another composition.
STUDY_FIELDS = {
    "Bootstrap error [at.%]": ("bootstrap", "error"), "Bootstrap 95 % low [at.%]": ("bootstrap", "low"),
    "Bootstrap 95 % high [at.%]": ("bootstrap", "high"), "Model spread low [at.%]": ("model spread", "low"),
    "Model spread high [at.%]": ("model spread", "high"), "Model spread by": ("model spread", "note"),
}
RATIO_FIELDS = {
    "Ratio": "name", "Value": "value", "Error": "error", "95 % low": "low", "95 % high": "high",
    "Determined": "determined",
}
Row = tuple[Any, ...]
ELEMENT_COLUMNS = ("Sample", *ELEMENT_FIELDS, *STUDY_FIELDS)
LINE_COLUMNS = ("Sample", *LINE_FIELDS, *STUDY_FIELDS)
RATIO_COLUMNS = ("Sample", *RATIO_FIELDS)


def write_compositions(
    folder: Path, tables: dict[str, Composition], names: dict[str, str], project: Project | None = None
) -> None:
    """`composition.csv` and `elements.csv` of samples; with a project also its studies and `ratios.csv`."""
    write_composition(folder / "composition.csv", tables, names, project)
    write_table(folder / "elements.csv", ELEMENT_COLUMNS, element_rows(tables, names, project))
    ratios = list(ratio_rows(project, tables, names)) if project is not None else []
    if ratios:
        write_table(folder / "ratios.csv", RATIO_COLUMNS, ratios)


def write_composition(
    path: str | Path, tables: dict[str, Composition], names: dict[str, str], project: Project | None = None
) -> None:
    """One table of all lines of some samples with every factor and its source, and the studies of a project."""
    write_table(path, LINE_COLUMNS, line_rows(tables, names, project))


def element_rows(
    tables: dict[str, Composition], names: dict[str, str], project: Project | None = None
) -> Iterator[Row]:
    """Rows under `ELEMENT_COLUMNS`: elements of samples, with the studies of a project."""
    from fitting.xps.study import element_key

    for id, table in tables.items():
        studies = studies_for(project, id, table)
        for row in table.elements:
            values = (getattr(row, field) for field in ELEMENT_FIELDS.values())
            yield (names.get(id, id), *values, *_study_cells(studies, element_key(row.element)))


def line_rows(tables: dict[str, Composition], names: dict[str, str], project: Project | None = None) -> Iterator[Row]:
    """Rows under `LINE_COLUMNS`: lines of samples with every factor and its source, with the studies of a project."""
    from fitting.xps.study import row_key

    for id, table in tables.items():
        studies = studies_for(project, id, table)
        for number, row in enumerate(table.rows):
            values = (getattr(row, field) for field in LINE_FIELDS.values())
            yield (names.get(id, id), *values, *_study_cells(studies, row_key(number)))


def studies_for(project: Project | None, id: str, table: Composition) -> dict[str, Study]:
    from app.project.compose import sample_and_level, studies_of

    if project is None:
        return {}
    sample, at = sample_and_level(project, id)
    return {} if sample is None else dict(studies_of(sample, table, at))


def _study_cells(studies: dict[str, Study], key: str) -> tuple[Any, ...]:
    found = {kind: study.of(key) for kind, study in studies.items()}
    return tuple(
        getattr(found[kind], field) if found.get(kind) is not None else None for kind, field in STUDY_FIELDS.values()
    )


def ratio_rows(project: Project, tables: dict[str, Composition], names: dict[str, str]) -> Iterator[Row]:
    """Rows under `RATIO_COLUMNS`: the ratios that the samples ask for."""
    from app.project.compose import ratios_of, sample_and_level

    for id, table in tables.items():
        sample, _ = sample_and_level(project, id)
        for ratio in ratios_of(sample, table)[0] if sample is not None else ():
            values = (getattr(ratio, field) for field in RATIO_FIELDS.values())
            yield (names.get(id, id), *(None if v in (math.inf, -math.inf) else v for v in values))


def compositions(project: Project) -> tuple[dict[str, Composition], dict[str, str]]:
    """Compositions where there are any, and why not for the others.

    Keys are ids of samples; each level of a series has a key of its own (`app.project.compose.level_key`).
    """
    from app.project import compose

    tables: dict[str, Composition] = {}
    missing: dict[str, str] = {}
    for id in compose.composition_keys(project):
        sample, at = compose.sample_and_level(project, id)
        try:
            tables[id] = compose.composition(project, sample.id if sample else id, at)
        except SodaliteError as error:
            missing[id] = f"{error.what}. {error.todo}." if error.todo else f"{error.what}."
    return tables, missing


def sample_names(project: Project) -> dict[str, str]:
    """Names of the samples by id, and of the levels of series by their keys."""
    from app.project.compose import level_names

    return {sample.id: sample.name for sample in project.samples} | level_names(project)


def add_composition(group: Any, table: Composition, studies: dict[str, Study]) -> None:
    """One array a column, one row a line; a study has a group of its own with the same rows."""
    from fitting.xps.study import element_key, row_key

    group.attrs["NX_class"] = "NXcollection"
    group["material"] = plain_text(table.material)
    group["warnings"] = plain_text("\n".join(table.warnings))
    for name, rows in (("lines", table.rows), ("elements", table.elements), ("tags", table.tags)):
        if name == "tags" and not rows:
            continue
        part = group.create_group(name)
        part.attrs["NX_class"] = "NXcollection"
        for field in fields(rows[0]) if rows else ():
            values = [getattr(row, field.name) for row in rows]
            values = [", ".join(value) if isinstance(value, tuple) else value for value in values]
            part[field.name] = [plain_text(value) for value in values] if isinstance(values[0], str) else values
    for kind, study in studies.items():
        part = group.create_group(kind.replace(" ", "_"))
        part.attrs["NX_class"] = "NXcollection"
        part["number"], part["failed"], part["seed"] = study.number, study.failed, study.seed
        part["notes"] = plain_text("\n".join(study.notes))
        keys = {"lines": [row_key(i) for i in range(len(table.rows))],
                "elements": [element_key(row.element) for row in table.elements]}
        for name, own in keys.items():
            found = [row for row in map(study.of, own) if row is not None]
            for column in ("error", "low", "high"):
                part[f"{name}_{column}"] = [getattr(row, column) for row in found]


def plain_text(text: str) -> str:
    """A text as HDF5 takes it."""
    # HDF5 ends its strings at a zero; lone surrogates of odd file names have no UTF-8.
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
