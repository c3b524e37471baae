"""Tables of what energy-loss spectra gave: composition by edges, fine structure with valence, thickness, factors."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from app.project import core_loss
from app.project.project import Entry, Project
from libraries.errors import SodaliteError

Row = Sequence[Any]
_HEAD = ("sample", "spectrum")
CORE = (*_HEAD, "place", *core_loss.COLUMNS, "reduced_chi2")
FINE = (*_HEAD, "edge", "quantity", "value", "error", "unit", "definition")
THICKNESS = (*_HEAD, "quantity", "value", "error", "unit", "source")
FACTORS = (*_HEAD, "analysis", "energy [eV]", "factor", "share_of_counts")


def loss_tables(project: Project) -> dict[str, tuple[tuple[str, ...], list[Row]]]:
    """Columns and rows by the name of the table; only tables that hold something."""
    made = {
        "core_loss": (CORE, list(core_rows(project))),
        "fine_structure": (FINE, list(fine_rows(project))),
        "thickness": (THICKNESS, list(thickness_rows(project))),
        "factors": (FACTORS, list(factor_rows(project))),
    }
    return {name: table for name, table in made.items() if table[1]}


def _entries(project: Project) -> Iterator[tuple[str, Entry]]:
    names = {sample.id: sample.name for sample in project.samples}
    for entry in project.entries:
        if entry.spectrum.meta.technique == "eels":
            yield names.get(entry.sample, ""), entry


def core_rows(project: Project) -> Iterator[Row]:
    """One row an edge of every finished joint fit."""
    for sample, entry in _entries(project):
        result = entry.core.result
        for row in core_loss.table_rows(result) if result is not None else ():
            yield sample, entry.title, result.place, *map(_plain, row), result.chi2


def fine_rows(project: Project) -> Iterator[Row]:
    """One row a quantity of every fitted edge, and the valence by the table in use."""
    from app.project.fine_structure import quantities_of, valence_by_line

    for sample, entry in _entries(project):
        for setup in entry.fine:
            try:
                found = quantities_of(entry, setup)
            except SodaliteError:
                continue
            for one in found.rows if found is not None else ():
                yield sample, entry.title, setup.edge, one.name, _plain(one.value), _plain(one.error), one.unit, one.how
            try:
                valence = valence_by_line(project, entry, setup)
            except SodaliteError:
                continue
            how = f"by the table {project.valence.used}"
            yield sample, entry.title, setup.edge, "valence", _plain(valence.value), _plain(valence.error), "", how


def thickness_rows(project: Project) -> Iterator[Row]:
    """t/lambda and the thicknesses of every spectrum that holds its zero loss."""
    from app.project.low_loss import low_loss_entry, thickness_of

    for sample, entry in _entries(project):
        try:
            if low_loss_entry(project, entry.id).id != entry.id:
                continue
            found = thickness_of(project, entry.id)
        except SodaliteError:
            continue
        ratio = found.ratio
        yield sample, entry.title, "t/lambda", _plain(ratio.chosen.value), _plain(ratio.error), "", "Egerton 2011"
        for path in found.paths:
            if path.path is not None:
                yield (sample, entry.title, f"thickness, {path.name}", _plain(path.thickness), _plain(path.error),
                       "nm", path.path.source)


def factor_rows(project: Project) -> Iterator[Row]:
    """The spectra of all factors, one row a channel."""
    for sample, entry in _entries(project):
        for about in entry.factors:
            for name, spectrum in zip(about.names, about.spectra, strict=True):
                for energy, value in zip(about.energy, spectrum, strict=True):
                    yield sample, entry.title, about.title, float(energy), name, float(value)


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
