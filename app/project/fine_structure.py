"""Fine structures in a project: fits of edges as ordinary regions, their quantities, valences.

The model of an edge is a region of its entry, which the Model page shows and edits; `Entry.fine` says how its
quantities are read. Quantities are worked out from the region's result whenever they are asked for.
"""

from __future__ import annotations

import math
import weakref
from dataclasses import replace

import numpy as np

from app.project.project import Entry, Project, RegionFit, fresh_id
from app.project.valence_study import KnownValence
from fitting.dataset import Spectrum
from fitting.eels.carbon_k import carbon_quantities, fit_carbon
from fitting.eels.core_background import maximum_likelihood
from fitting.eels.edge_model import response_of
from fitting.eels.fine_edge import edge_above_background
from fitting.eels.fine_setup import CARBON, FineSetup, default_setup
from fitting.eels.propagation import Quantities, Quantity
from fitting.eels.reference_mix import Edge, Mix, mix_of
from fitting.eels.valence import Calibration, State, Valence, valence_of
from fitting.eels.white_line_quantities import RELATIVE, white_line_quantities
from fitting.eels.white_lines import fit_white_lines
from fitting.image.place import ALL, Place
from fitting.model import Curve
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import NotDetermined
from libraries.white_lines import cited_positions

OWN, CITED = "Own references", "Remembered numbers (unverified)"
# Worked out once for a result: nothing of it can change.
_known: weakref.WeakKeyDictionary[FitResult, dict[FineSetup, Quantities]] = weakref.WeakKeyDictionary()
_edges: weakref.WeakKeyDictionary[FitResult, dict[FineSetup, Edge]] = weakref.WeakKeyDictionary()


def setup_of(entry: Entry, edge: str) -> FineSetup:
    """The choices for an edge of an entry: as they were made, else those to begin with.

    Raises
    ------
    NotDetermined
        If the edge does not lie on the axis.
    """
    made = made_setup(entry, edge)
    if made is not None:
        return made
    x = entry.processed().x
    setup = default_setup(edge, float(x[0]), float(x[-1]))
    if entry.low_loss and not setup.carbon:
        setup = replace(setup, reference="zero loss")
    return setup


def made_setup(entry: Entry, edge: str) -> FineSetup | None:
    """The choices that were made for an edge; None where there are none."""
    made = next((one for one in entry.fine if one.edge == edge), None)
    region = region_of(entry, made) if made is not None else None
    # The region's ends are moved on the plot and on the Model page, too.
    return made if made is None or region is None else replace(made, window=region.model.region)


def with_setup(entry: Entry, setup: FineSetup) -> Entry:
    """A copy with the choices for one edge; the region's ends follow."""
    region = region_of(entry, setup)
    if region is not None and region.model.region != setup.window:
        entry = entry.with_fit(RegionFit(region.id, replace(region.model, region=setup.window), None, region.place))
    if any(one.edge == setup.edge for one in entry.fine):
        return replace(entry, fine=tuple(setup if one.edge == setup.edge else one for one in entry.fine))
    return replace(entry, fine=(*entry.fine, setup))


def region_of(entry: Entry, setup: FineSetup) -> RegionFit | None:
    """The region that holds the model of an edge; None before the first fit or where it was removed."""
    return next((fit for fit in entry.fits if fit.id == setup.fit), None) if setup.fit else None


def low_loss_of(project: Project, entry: Entry, place: Place = ALL) -> Spectrum | None:
    """The low loss of the same scan and place; None where there is none."""
    if not entry.low_loss or all(e.id != entry.low_loss for e in project.entries):
        return None
    partner = project.entry(entry.low_loss)
    same_scan = len(partner.spectrum.navigation) == len(entry.spectrum.navigation)
    mine, other = (tuple(len(axis) for axis in e.spectrum.navigation) for e in (entry, partner))
    if place == ALL or not same_scan or mine != other:
        return partner.single(ALL)
    shape = tuple(len(axis) for axis in partner.spectrum.navigation)
    return partner.processed().summed(place.mask(shape, entry.rois))


def fit_edge(
    project: Project, entry_id: str, setup: FineSetup, place: Place = ALL, progress: Progress | None = None,
    cancel: Cancel | None = None, *, oxygen: Curve | None = None,
) -> Project:
    """Fit the edge of an entry and keep model, result and choices; the region is made at the first fit.

    Parameters
    ----------
    setup : FineSetup
    place : Place
        Of an image: the pixels whose sum is fitted.
    oxygen : Curve, optional
        Measured O K for `setup.oxygen` "reference".

    Raises
    ------
    Cancelled, NotDetermined, BadData, FitFailed
    """
    entry = project.entry(entry_id)
    spectrum = entry.single(place)
    low = low_loss_of(project, entry, place)
    response = None
    if low is not None:
        response, at, error = response_of(low, low.name)
        if setup.reference == "zero loss":
            setup = replace(setup, reference_energy=at, reference_error=error)
    elif setup.reference == "zero loss":
        raise NotDetermined("There is no low loss of this scan to count from", where=entry.title,
                            todo="Choose another internal reference, or name the low loss of this spectrum")
    if setup.reference == "C K":
        setup = _counted_from_carbon(entry, setup)
    if setup.carbon:
        result = fit_carbon(spectrum, setup, response, progress=progress, cancel=cancel)
    else:
        result = fit_white_lines(spectrum, setup, response, oxygen, progress=progress, cancel=cancel)
    old = region_of(entry, setup)
    id = old.id if old is not None else fresh_id(f"fine {setup.edge}", {fit.id for fit in entry.fits})
    words = "" if place == ALL else str(place)
    setup = replace(setup, fit=id, window=result.model.region)
    entry = with_setup(entry.with_fit(RegionFit(id, result.model, result, words)), setup)
    if result.success:
        quantities_of(entry, setup)  # here, where the window need not wait for it
    return project.with_entry(entry)


def _counted_from_carbon(entry: Entry, setup: FineSetup) -> FineSetup:
    """The choices with the position of pi* of the same spectrum as internal reference."""
    carbon = made_setup(entry, CARBON)
    found = quantities_of(entry, carbon) if carbon is not None else None
    row = found.get("pi_position") if found is not None else None
    if row is None or not math.isfinite(row.error):
        raise NotDetermined("C K of this spectrum is not fitted", where=entry.title,
                            todo="Fit C K first, or choose another internal reference")
    return replace(setup, reference_energy=row.value, reference_error=row.error)


def quantities_of(entry: Entry, setup: FineSetup) -> Quantities | None:
    """What a fitted edge says; None where it is not fitted as it is now.

    Raises
    ------
    FitFailed, BadData
        If nothing can be read from the fit.
    """
    region = region_of(entry, setup)
    if region is None or region.result is None:
        return None
    spectrum = entry.single(Place.parse(region.place))
    if spectrum.hash != region.result.data_hash:
        return None
    known = _known.setdefault(region.result, {})
    if setup not in known:
        read = carbon_quantities if setup.carbon else white_line_quantities
        known[setup] = read(spectrum, region.result, setup)
    return known[setup]


def compared_key(project: Project, setup: FineSetup) -> str:
    """Key of the position by which valences are compared: counted from the internal reference where there is one."""
    return project.valence.measure + ("" if setup.reference == "none" else RELATIVE)


def position_of(project: Project, entry: Entry, setup: FineSetup) -> Quantity | None:
    """The compared position of an entry."""
    found = quantities_of(entry, setup)
    row = found.get(compared_key(project, setup)) if found is not None else None
    return row if row is not None and row.known else None


def calibrate(project: Project, edge: str) -> Project:
    """A calibration from the project's own references, put into use.

    Raises
    ------
    NotDetermined
        If fewer than two references are fitted, or their positions are counted from different things.
    """
    states, kinds = [], set()
    for known in project.valence.references:
        entry, setup = _fitted_reference(project, known, edge)
        row = position_of(project, entry, setup)
        if row is None:
            raise NotDetermined(f"The position of {entry.title} is not determined", where=edge, todo="Fit it first")
        kinds.add(setup.reference)
        states.append(State(entry.title, known.valence, row.value, row.error, known.error, "own measurement"))
    if len(states) < 2:
        raise NotDetermined("A calibration needs two references of known valence", where=edge,
                            todo="Enter the valence of at least two spectra")
    if len(kinds) > 1:
        raise NotDetermined("The references are counted from different internal references", where=edge,
                            todo="Fit all of them with the same one")
    table = Calibration(OWN, edge, project.valence.measure, kinds.pop(), tuple(states))
    return replace(project, valence=project.valence.with_table(table))


def cited_table(edge: str) -> Calibration:
    """The shipped numbers for an edge: remembered, unverified.

    Raises
    ------
    NotDetermined
        If there are none.
    """
    rows = [row for row in cited_positions() if row.edge == edge]
    if not rows:
        raise NotDetermined(f"No positions of {edge} are at hand", todo="Calibrate from own references")
    states = tuple(State(row.compound, row.valence, 0.5 * (row.low + row.high), 0.5 * (row.high - row.low), 0.0,
                         row.source) for row in rows)
    return Calibration(CITED, edge, rows[0].measure, "zero loss", states, verified=False)


def _fitted_reference(project: Project, known: KnownValence, edge: str) -> tuple[Entry, FineSetup]:
    if all(e.id != known.entry for e in project.entries):
        raise NotDetermined("A reference spectrum is no longer in the project", where=edge, todo="Take it off the list")
    entry = project.entry(known.entry)
    setup = made_setup(entry, edge)
    if setup is None:
        raise NotDetermined(f"{edge} of {entry.title} is not fitted", todo="Fit the references first")
    return entry, setup


def valence_by_line(project: Project, entry: Entry, setup: FineSetup) -> Valence:
    """The valence by the table in use.

    Raises
    ------
    NotDetermined
        If no table is in use, or it counts otherwise than the fit.
    """
    table = project.valence.table()
    if table is None:
        raise NotDetermined("No calibration is chosen: only shifts are reported",
                            todo="Calibrate from own references, or choose a table")
    if table.edge != setup.edge or table.measure != project.valence.measure:
        raise NotDetermined("The calibration is for another edge or position", where=table.name,
                            todo="Calibrate anew")
    if table.reference != setup.reference:
        raise NotDetermined(f"The calibration counts from {table.reference}, the fit from {setup.reference}",
                            where=table.name, todo="Choose the same internal reference")
    row = position_of(project, entry, setup)
    if row is None:
        raise NotDetermined("The position is not determined", where=entry.title, todo="Fit the edge first")
    return valence_of(row.value, row.error, table)


def mixture_of(project: Project, entry: Entry, setup: FineSetup) -> Mix:
    """The spectrum as a mixture of the project's references.

    Raises
    ------
    NotDetermined
        If references are missing or cannot be told apart.
    """
    edges = []
    for known in project.valence.references:
        other, theirs = _fitted_reference(project, known, setup.edge)
        if theirs.reference != setup.reference:
            raise NotDetermined(f"{other.title} is counted from another internal reference", where=setup.edge,
                                todo="Fit all with the same one")
        edge = _edge(other, theirs)
        edges.append(replace(edge, valence=known.valence, valence_error=known.error))
    sample = _edge(entry, setup)
    low = max([sample.energy[0], *(e.energy[0] for e in edges)])
    high = min([sample.energy[-1], *(e.energy[-1] for e in edges)])
    row = position_of(project, entry, setup)
    if row is None:
        raise NotDetermined("The edge is not fitted", where=entry.title)
    first, second = setup.thresholds
    at = row.value
    window = (max(at - 6.0, low), min(at + (second - first) + 5.0, high))
    return mix_of(sample, tuple(edges), window, window, shift=project.valence.shift or setup.reference == "none")


def _edge(entry: Entry, setup: FineSetup) -> Edge:
    region = region_of(entry, setup)
    if region is None or region.result is None:
        raise NotDetermined(f"{setup.edge} of {entry.title} is not fitted", todo="Fit it first")
    known = _edges.setdefault(region.result, {})
    if setup not in known:
        spectrum = entry.single(Place.parse(region.place))
        known[setup] = edge_above_background(spectrum, region.result, setup, entry.title)
    return replace(known[setup], name=entry.title)


def oxygen_curve(entry: Entry, low: float) -> Curve:
    """O K of a reference entry as a curve: what lies above the power law from `low` eV on.

    Raises
    ------
    NotDetermined
        If nothing is recorded there.
    """
    spectrum = entry.single()
    part = spectrum.x >= low
    if np.count_nonzero(part) < 10:
        raise NotDetermined("The reference does not reach over O K", where=entry.title)
    x, y = spectrum.x, np.asarray(spectrum.y, dtype=float)
    law = maximum_likelihood(x, y, (max(float(x[0]), low - 30.0), low - 2.0))
    net = np.maximum(y[part] - law(x[part]), 0.0)
    energy = x[part] - float(x[part][int(np.argmax(net))])
    return Curve(tuple(energy.tolist()), tuple(net.tolist()), entry.title)
