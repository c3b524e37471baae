"""Core-loss analysis of an entry: which low loss belongs to it, the fit, tables and CSV, without a window."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.numerals import decimals_of, grouped
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.eels.core_analysis import CurveOf, analyse
from fitting.eels.core_setup import CoreEdge, CoreLoss, CoreResult, CoreSetup
from fitting.eels.edge_marks import strong_edges
from fitting.image.maps import Map
from fitting.image.place import ALL, Place
from libraries.edges import edge
from libraries.errors import BadData, NotDetermined

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

COLUMNS = (
    "edge", "element", "at_percent [at.%]", "at_percent_err [at.%]", "areal_density [atoms/nm2]",
    "areal_density_err [atoms/nm2]", "limit_95 [at.%]", "onset [eV]", "onset_err [eV]", "counts", "cross_section",
    "err_counting", "err_background", "err_fine_structure", "err_cross_section", "err_angles", "err_low_loss",
    "window_at_percent [at.%]", "window_at_percent_err [at.%]", "window_snr", "window_h", "window", "source",
)


def low_loss_entry(project: Project, entry: Entry) -> Entry | None:
    """The entry with the low loss of a core loss: as chosen, else the partner of its scan; None for none."""
    wanted = entry.core.setup.low_loss or entry.low_loss
    return next((one for one in project.entries if one.id == wanted), None)


def low_loss_choices(project: Project, entry: Entry) -> tuple[Entry, ...]:
    """Entries that may be the low loss: energy-loss spectra whose axis holds 0 eV."""
    found = [one for one in project.entries if one.id != entry.id
             and one.spectrum.axis.quantity == "energy_loss" and one.spectrum.x[0] < 0 < one.spectrum.x[-1]]
    return tuple(sorted(found, key=lambda one: one.sample != entry.sample))


def low_loss_at(project: Project, entry: Entry, place: Place = ALL) -> Spectrum | None:
    """The low loss of a place of a core loss, one spectrum: of the same pixels where both are images of one shape."""
    low = low_loss_entry(project, entry)
    if low is None:
        return None
    data = low.processed()
    if not data.navigation:
        return data
    core = entry.processed()
    if tuple(map(len, data.navigation)) != tuple(map(len, core.navigation)):
        return data.summed()
    if place.index:
        return low.single(place)
    return _weighted(core, data, place.mask(tuple(map(len, core.navigation)), entry.rois), str(place))


def _weighted(core: Spectrum, low: Spectrum, mask: NDArray[np.bool_], place: str) -> Spectrum:
    """Low loss of many pixels as their edges see it: each pixel weighs by its core loss.

    Thick pixels give most of the edges, vacuum none; a plain sum would show too little plural scattering. The size is
    that of the plain number of pixels, so that amounts are means over the pixels.
    """
    key = (core.hash, place, mask.tobytes())
    known: dict[object, Spectrum] = low.__dict__.setdefault("_weighted", {})
    if key not in known:
        known.clear()
        chosen = np.flatnonzero(mask.reshape(-1))
        weights = np.zeros(mask.size)
        for start, stop, rows in core.pieces():
            weights[start:stop] = np.maximum(rows.sum(axis=1), 0.0)
        weights[~mask.reshape(-1)] = 0.0
        if weights.sum() <= 0:
            return low.summed(mask)
        weights *= chosen.size / weights.sum()
        total = np.zeros(len(low.axis))
        for start, stop, rows in low.pieces():
            total += weights[start:stop] @ rows
        known[key] = low.with_(counts=total, navigation=())
    return known[key]


def with_setup(project: Project, entry_id: str, setup: CoreSetup) -> Project:
    """The project with another analysis asked of an entry; its result stays until it is computed again."""
    entry = project.entry(entry_id)
    return project.with_entry(replace(entry, core=replace(entry.core, setup=setup)))


def with_result(project: Project, entry_id: str, result: CoreResult) -> Project:
    """The project with a finished analysis."""
    entry = project.entry(entry_id)
    return project.with_entry(replace(entry, core=CoreLoss(result.setup, (result,))))


def compute(
    project: Project, entry_id: str, place: Place = ALL, *, gosh: CurveOf | None = None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> CoreResult:
    """Analyse one spectrum of an entry.

    Raises
    ------
    BadData, NotDetermined
        What is missing: edges, angles, low loss, room.
    """
    entry = project.entry(entry_id)
    core = entry.single(place)
    low = low_loss_at(project, entry, place) if entry.core.setup.convolve else None
    # Sums over pixels keep the exposure of one pixel in both, so that their ratio is that of the files.
    return analyse(core, low, entry.core.setup, gosh=gosh, place=str(place), progress=progress, cancel=cancel)


def maps_of(
    project: Project, entry_id: str, *, gosh: CurveOf | None = None, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[Map, ...]:
    """Amounts and at.% of the elements in every pixel of an image or series.

    Raises
    ------
    BadData, NotDetermined
        As `compute`; and for a single spectrum.
    """
    from fitting.eels.core_analysis import prepare
    from fitting.eels.core_edges import exposure_ratio
    from fitting.eels.core_image import LEGEND, map_amounts
    from fitting.eels.core_maps import composition_maps
    from fitting.eels.core_model import fit_core, with_shapes

    entry = project.entry(entry_id)
    setup, core = entry.core.setup, entry.processed()
    if not core.navigation:
        raise BadData("Maps need an image or a series", where=entry.title)
    tell = progress or (lambda fraction, text: None)
    tell(0.02, "Fit of the sum of all pixels")
    low = low_loss_entry(project, entry) if setup.convolve else None
    lows = low.processed() if low is not None else None
    whole = entry.single()
    ready = prepare(whole, low_loss_at(project, entry) if setup.convolve else None, setup, gosh)
    fit = fit_core(ready.energy, ready.counts, ready.terms, response=ready.response, noise=core.noise)
    scale = None
    if lows is not None:
        scale = exposure_ratio(core, lows) if setup.exposure is None else setup.exposure
    found = map_amounts(
        core, lows, (float(ready.energy[0]), float(ready.energy[-1])), with_shapes(ready.terms, fit), ready.response,
        fit.exponent, scale=scale, progress=lambda part, text: tell(0.1 + 0.9 * part, text), cancel=cancel)
    tell(1.0, "")
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return composition_maps(found, ready.terms, absolute=scale is not None, legend=LEGEND, group=f"core loss {when}",
                            data_hash=core.hash)


def state_of(project: Project, entry: Entry, place: Place = ALL) -> str:
    """Why the stored result does not belong to what is shown; "" where it does."""
    result = entry.core.result
    if result is None:
        return "Not fitted yet"
    if result.setup != entry.core.setup:
        return "Settings have changed since this fit"
    if result.place != str(place):
        return "The fit is of other pixels"
    if result.data_hash != entry.single(place).hash:
        return "The spectrum has changed since this fit"
    low = low_loss_at(project, entry, place) if result.low_hash else None
    if result.low_hash and (low is None or low.hash != result.low_hash):
        return "The low loss has changed since this fit"
    return ""


def setup_for(spectrum: Spectrum, names: Sequence[str], setup: CoreSetup | None = None) -> CoreSetup:
    """An analysis with these edges added.

    Parameters
    ----------
    names : sequence of str
        Edges ("B K", "N_K", "Ti L2,3") or elements ("B"), whose strongest edge on the axis is taken.

    Raises
    ------
    UnknownName, NotDetermined
    """
    setup = setup or CoreSetup()
    for name in names:
        for found in _edges(spectrum, name):
            if all(one.name != found for one in setup.edges):
                setup = setup.with_edge(CoreEdge(found))
    if not setup.edges:
        raise BadData("No edge is chosen", where=spectrum.name, todo="Name edges such as B_K,N_K")
    return setup


def _edges(spectrum: Spectrum, name: str) -> tuple[str, ...]:
    if any(sign in name.strip() for sign in " _-0123456789"):
        return (edge(name).name,)
    strong = strong_edges(name, float(spectrum.x[0]), float(spectrum.x[-1]))
    if not strong:
        raise NotDetermined("This element has no strong edge on the axis", where=f"{name}, {spectrum.name}",
                            todo="Name the edge, for example 'Ti L2,3'")
    return (strong[0].name,)


def share(value: float, error: float) -> str:
    """at.% with its error, with a decimal at least; "–" where it is not determined."""
    if not math.isfinite(value):
        return "–"
    if not (math.isfinite(error) and error > 0):
        return grouped(value, 1)
    places = max(decimals_of(error), 1)
    return f"{grouped(value, places)} ± {grouped(error, places)}"


def ratios(result: CoreResult) -> list[tuple[str, float, float]]:
    """Atomic ratios of neighbours in the table, "B/N", with the error of all causes; those that are seen."""
    found = []
    for first, second in pairwise(result.elements):
        try:
            found.append((f"{first}/{second}", *result.ratio(first, second)))
        except BadData:  # the second is not there
            continue
    return found


def table_rows(result: CoreResult) -> list[tuple[str | float, ...]]:
    """Rows of the CSV table, in the order of `COLUMNS`; NaN where not determined."""
    rows: list[tuple[str | float, ...]] = []
    for row in result.rows:
        rows.append((
            row.edge, row.element, row.at_percent, row.at_error, row.areal, row.areal_error, row.limit, row.onset,
            row.onset_err, row.counts, row.model, row.counting, row.background, row.fine, row.cross_section, row.angles,
            row.low_loss, row.window_at_percent, row.window_error, row.snr, row.h, row.window_words, row.source))
    return rows


def export_csv(result: CoreResult, target: Path) -> None:
    """Write the table as CSV; fields that are not determined stay empty.

    Raises
    ------
    CannotWrite
    """
    from app.files.csv_table import write_table

    write_table(target, COLUMNS, table_rows(result))
