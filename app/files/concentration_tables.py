"""Tables of concentrations in one matrix: along the depth with errors, and the factors with what they give."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.files.composition_tables import plain_text
from app.files.csv_table import write_table
from libraries.errors import NotDetermined

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from app.project.sims_sensitivity import Amount

COLUMNS = (
    "Sample", "Profile", "Ion", "Matrix ion", "Concentration of", "Factor [atoms/cm3]", "Factor error [atoms/cm3]",
    "Factor from", "Source", "Natural abundance", "From [nm]", "To [nm]", "Largest [atoms/cm3]",
    "Largest error [atoms/cm3]", "At [nm]", "At error [nm]", "Areal density [atoms/cm2]",
    "Areal density error [atoms/cm2]", "Background [atoms/cm3]", "Background error [atoms/cm3]",
    "Detection limit [atoms/cm3]", "Matrix [atoms/cm3]", "Remarks",
)
PROFILE = (
    "Depth [nm]", "Concentration [atoms/cm3]", "Error [atoms/cm3]", "Error of counting [atoms/cm3]",
    "Share of the atoms of the matrix [at.%]", "Evaluated", "Factor holds",
)
Row = tuple[Any, ...]


def factor_rows(sample: str, title: str, amounts: Iterable[Amount]) -> Iterator[Row]:
    """One row a factor; empty where a number is not determined."""
    for one in amounts:
        told, found, factor = one.told, one.found, one.factor
        first = (sample, title, told.ion, told.matrix, one.species,
                 *((factor.value, factor.error, told.origin, factor.words) if factor is not None
                   else (None, None, told.origin, told.source)))
        if found is None:
            yield tuple(map(_plain, (*first, *(None,) * 12, one.density or None, one.failed)))
            continue
        depths = found.depth[found.inside]
        yield tuple(map(_plain, (
            *first, found.fraction if told.element else None, float(depths[0]), float(depths[-1]),
            found.peak.value, found.peak.error, found.peak.depth, found.peak.depth_error, found.areal,
            found.areal_error, found.background, found.background_error, found.limit, one.density or None,
            "; ".join(found.remarks),
        )))  # fmt: skip


def profile_rows(one: Amount) -> Iterator[Row]:
    """One row a point of the depth."""
    found = one.found
    if found is None:
        return
    share = 100.0 * found.values / one.density if one.density else np.full(found.values.shape, math.nan)
    columns = (found.depth, found.values, found.error, found.own_error, share, found.inside, found.valid)
    for cells in zip(*(column.tolist() for column in columns), strict=True):
        yield tuple(map(_plain, cells))


def write_concentration(path: str | Path, one: Amount) -> Path:
    """The concentrations after one factor along the depth; the path.

    Raises
    ------
    NotDetermined
        If there are none.
    CannotWrite
    """
    if one.found is None:
        raise NotDetermined("There are no concentrations", where=one.label, todo=one.failed)
    write_table(path, PROFILE, profile_rows(one))
    return Path(path)


def write_concentrations(path: str | Path, title: str, amounts: Iterable[Amount], sample: str = "") -> Path:
    """All factors of a profile as one table; beside it the concentrations along the depth, a file each.

    Returns
    -------
    Path
        The table.

    Raises
    ------
    CannotWrite
    """
    target, kept = Path(path), tuple(amounts)
    write_table(target, COLUMNS, factor_rows(sample, title, kept))
    for number, one in enumerate(kept, start=1):
        if one.found is not None:
            write_concentration(target.with_name(f"{target.stem} {number} {_safe(one.told.ion)}.csv"), one)
    return target


def write_all(folder: Path, project: Project, named: Callable[[str], Path]) -> None:
    """"concentrations.csv" of all profiles of a project and the concentrations along the depth; nothing without any.

    Parameters
    ----------
    named : callable
        Makes a path that is not taken of a name.

    Raises
    ------
    CannotWrite
    """
    from app.project.sims_sensitivity import amounts

    names = {sample.id: sample.name for sample in project.samples}
    rows: list[Row] = []
    for entry in project.entries:
        found = amounts(project, entry)
        rows += factor_rows(names.get(entry.sample, ""), entry.title, found)
        for one in found:
            if one.found is not None:
                write_concentration(named(f"{entry.title} concentration {one.told.ion}"), one)
    if rows:
        write_table(folder / "concentrations.csv", COLUMNS, rows)


def add_concentrations(group: Any, project: Project, entry: Entry) -> None:
    """One NXdata a factor in the HDF5 group of an entry: "concentration_1" and so on."""
    from app.project.sims_sensitivity import amounts

    for number, one in enumerate(amounts(project, entry), start=1):
        cells = next(factor_rows("", entry.title, (one,)))
        data = group.create_group(f"concentration_{number}")
        data.attrs["NX_class"] = "NXdata"
        data.attrs["title"] = plain_text(one.label)
        for name, value in zip(COLUMNS, cells, strict=True):
            if value not in (None, ""):
                data.attrs[name] = plain_text(value) if isinstance(value, str) else value
        if one.found is None:
            continue
        data.attrs["signal"], data.attrs["axes"] = "values", ["depth"]
        for name, array, unit in (("depth", one.found.depth, "nm"), ("values", one.found.values, "1/cm^3"),
                                  ("values_errors", one.found.error, "1/cm^3"),
                                  ("errors_of_counting", one.found.own_error, "1/cm^3")):
            data[name] = array
            data[name].attrs["units"] = unit
        data["valid"] = one.found.valid


def _safe(name: str) -> str:
    return "".join(sign if sign.isalnum() or sign in "+-_ " else "_" for sign in name).strip() or "ion"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
