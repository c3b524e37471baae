"""Spectra of a series side by side: fitted alike, tabulated, exported."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass, replace

from app.project.fine_structure import (
    compared_key,
    fit_edge,
    made_setup,
    mixture_of,
    quantities_of,
    setup_of,
    valence_by_line,
)
from app.project.project import Entry, Project
from fitting.eels.carbon_k import sp2_share
from fitting.eels.conditions import beam_of
from fitting.eels.fine_setup import CARBON, FineSetup
from fitting.eels.propagation import Quantities, Quantity
from fitting.eels.valence import Valence
from fitting.image.place import ALL
from fitting.solver import Cancel, Progress
from libraries.errors import Cancelled, SodaliteError


@dataclass(frozen=True)
class SeriesRow:
    """One spectrum of a series.

    Attributes
    ----------
    entry, name : str
    position, shift, ratio : Quantity or None
        Compared position (of carbon: of pi*), its change against the first of the series, L3/L2 or share of pi*.
    valence, mixed : Valence or None
        By the calibration in use, and by the mixture of references.
    width, sp2 : Quantity or None
        Of pi*, and the share of sp2.
    problem : str
        Why there is nothing.
    notes : tuple of str
        What speaks against a number.
    """

    entry: str
    name: str
    position: Quantity | None = None
    shift: Quantity | None = None
    ratio: Quantity | None = None
    valence: Valence | None = None
    mixed: Valence | None = None
    width: Quantity | None = None
    sp2: Quantity | None = None
    problem: str = ""
    notes: tuple[str, ...] = ()


def series_rows(project: Project, ids: tuple[str, ...], edge: str) -> tuple[SeriesRow, ...]:
    """The spectra of a series side by side; shifts count from the first that is fitted."""
    rows: list[SeriesRow] = []
    base: Quantity | None = None
    for id in ids:
        entry = project.entry(id)
        row, position = _series_row(project, entry, edge)
        if position is not None:
            if base is None:
                base = position
                shift = Quantity("shift", "Shift", 0.0, 0.0, "eV", "the first of the series")
            else:
                error = math.hypot(position.error, base.error)
                shift = Quantity("shift", "Shift", position.value - base.value, error, "eV",
                                 "against the first of the series")
            row = replace(row, shift=shift)
        rows.append(row)
    return tuple(rows)


def _series_row(project: Project, entry: Entry, edge: str) -> tuple[SeriesRow, Quantity | None]:
    setup = made_setup(entry, edge)
    blank = SeriesRow(entry.id, entry.title)
    if setup is None:
        return replace(blank, problem="not fitted"), None
    try:
        found = quantities_of(entry, setup)
    except SodaliteError as error:
        return replace(blank, problem=str(error)), None
    if found is None:
        return replace(blank, problem="not fitted as it is now"), None
    if setup.carbon:
        position = found.get("pi_position")
        row = replace(blank, position=position, ratio=found.get("ratio"), width=found.get("pi_fwhm"))
        return _with_sp2(project, entry, found, row), position
    position = found.get(compared_key(project, setup))
    position = position if position is not None and position.known else None
    row = replace(blank, position=position, ratio=found.get("ratio_pearson"))
    for name, function in (("valence", valence_by_line), ("mixed", _mixed)):
        try:
            row = replace(row, **{name: function(project, entry, setup)})
        except SodaliteError as error:
            if name == "valence":
                row = replace(row, problem=str(error))
    return row, position


def fit_series(
    project: Project, ids: tuple[str, ...], setup: FineSetup, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Project, tuple[str, ...]]:
    """Fit an edge of several entries with the same choices; returns what could not be fitted, in words.

    Raises
    ------
    Cancelled
    """
    problems: list[str] = []
    for number, id in enumerate(ids):
        entry = project.entry(id)
        if progress is not None:
            progress(number / len(ids), entry.title)
        try:
            mine = setup_of(entry, setup.edge)
            chosen = replace(setup, fit=mine.fit, window=_inside(setup, mine))
            project = fit_edge(project, id, chosen, ALL, None, cancel)
        except Cancelled:
            raise
        except SodaliteError as error:
            problems.append(f"{entry.title}: {error}")
    return project, tuple(problems)


def _inside(setup: FineSetup, mine: FineSetup) -> tuple[float, float]:
    """The chosen window, cut to what the other axis holds."""
    return max(setup.window[0], mine.window[0]), min(setup.window[1], max(mine.window[1], mine.window[0] + 1.0))


def _mixed(project: Project, entry: Entry, setup: FineSetup) -> Valence:
    return mixture_of(project, entry, setup).valence


def _with_sp2(project: Project, entry: Entry, found: Quantities, row: SeriesRow) -> SeriesRow:
    """The row with the share of sp2 against the chosen reference, where there is one."""
    id = project.valence.graphite
    if not id or all(e.id != id for e in project.entries):
        return row
    other = project.entry(id)
    setup = made_setup(other, CARBON)
    try:
        reference = quantities_of(other, setup) if setup is not None else None
        if reference is None:
            return replace(row, notes=(f"C K of {other.title} is not fitted.",))
        beams = (beam_of(entry.processed()), beam_of(other.processed()))
        share = sp2_share(found, reference, beams)
    except SodaliteError as error:
        return replace(row, notes=(str(error),))
    words = f"share of π* over that of {other.title}"
    return replace(row, sp2=Quantity("sp2", "sp²", share.value, share.error, "", words), notes=share.notes)


def series_csv(project: Project, ids: tuple[str, ...], edge: str) -> str:
    """All quantities of the spectra of a series as CSV, one row a spectrum."""
    table: list[list[str]] = []
    head: list[str] = []
    for row in series_rows(project, ids, edge):
        entry = project.entry(row.entry)
        setup = made_setup(entry, edge)
        found = None
        if setup is not None and not row.problem.startswith("not fitted"):
            try:
                found = quantities_of(entry, setup)
            except SodaliteError:
                found = None
        cells: dict[str, str] = {"spectrum": row.name, "counted from": setup.reference if setup is not None else ""}
        for one in found.rows if found is not None else ():
            unit = f" [{one.unit}]" if one.unit else ""
            cells[f"{one.name}{unit}"] = _number(one.value)
            cells[f"{one.name} error{unit}"] = _number(one.error)
        for name, value in (("valence by calibration", row.valence), ("valence by mixture", row.mixed)):
            for part in ("value", "error", "low", "high"):
                cells[f"{name} {part}"] = _number(getattr(value, part)) if value is not None else ""
        if row.sp2 is not None:
            cells |= {"sp2": _number(row.sp2.value), "sp2 error": _number(row.sp2.error)}
        cells["problem"] = row.problem
        head += [name for name in cells if name not in head]
        table.append([cells.get(name, "") for name in head])
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([*cells, *[""] * (len(head) - len(cells))] for cells in table)
    return text.getvalue()


def _number(value: float) -> str:
    return repr(float(value)) if math.isfinite(value) else ""
