"""Fine structure in every pixel of an image of the project, as maps of its entry."""

from __future__ import annotations

import numpy as np

from app.project.fine_structure import quantities_of, region_of
from app.project.project import Entry, Project
from fitting.dataset import FloatArray
from fitting.eels.fine_maps import fine_maps
from fitting.eels.fine_setup import FineSetup
from fitting.eels.zero_loss import locate
from fitting.solver import Cancel, Progress
from libraries.errors import NotDetermined


def map_edge(
    project: Project, entry_id: str, setup: FineSetup, progress: Progress | None = None, cancel: Cancel | None = None
) -> Project:
    """Maps of positions, ratios and (with a calibration in use) valence of a fitted edge; a former run is replaced.

    Raises
    ------
    Cancelled
    NotDetermined
        If the edge of the sum is not fitted as it is now.
    """
    entry = project.entry(entry_id)
    region, found = region_of(entry, setup), quantities_of(entry, setup)
    if region is None or region.result is None or found is None:
        raise NotDetermined(f"{setup.edge} of the sum is not fitted", where=entry.title, todo="Press Fit first")
    image = entry.processed()
    table = project.valence.table()
    fits = table is not None and (table.edge, table.measure, table.reference) == (
        setup.edge, project.valence.measure, setup.reference)
    maps = fine_maps(
        image, region.result, setup, found, measure=project.valence.measure, calibration=table if fits else None,
        zero=_zero_losses(project, entry) if setup.reference == "zero loss" else None,
        group=f"fine structure {setup.edge}", data_hash=image.hash, progress=progress, cancel=cancel,
    )
    kept = entry.without_maps(*(one.id for one in entry.maps if one.group == maps[0].group))
    return project.with_entry(kept.with_maps(maps))


def _zero_losses(project: Project, entry: Entry) -> tuple[FloatArray, FloatArray] | None:
    """Position and error of the zero loss of every pixel; None where the low loss has other pixels."""
    if not entry.low_loss or all(e.id != entry.low_loss for e in project.entries):
        return None
    low = project.entry(entry.low_loss).processed()
    mine = tuple(len(axis) for axis in entry.spectrum.navigation)
    if tuple(len(axis) for axis in low.navigation) != mine:
        return None
    position, error = np.empty(low.pixels), np.empty(low.pixels)
    for start, stop, rows in low.pieces():
        peaks = locate(low.x, rows, gain=low.noise.gain or 1.0, strict=False)
        position[start:stop], error[start:stop] = peaks.position, peaks.position_err
    return position, error
