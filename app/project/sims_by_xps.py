"""Compositions of an entry's factors by XPS: worked out from the project alone, and the same every time.

The project keeps what the analyst said (`fitting.sims.by_xps_setup.ByXps`): the analysis, the numbers of XPS, how deep
XPS sees. Compositions follow.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.project.compose import composition, composition_keys, level_names
from app.project.project import Entry, Project
from app.project.sims_depth import depth_along
from fitting.dataset import FloatArray
from fitting.factors.kept import KeptFactors
from fitting.sims.by_xps import DRAWS, FactorCompositions, calibrate
from fitting.sims.by_xps_given import SharesAlong
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, BadModel, NotDetermined, UnknownName

_LONGEST = 40  # characters in the name of a quantity
_DEPTHS = {"nm": 1.0, "Å": 0.1, "µm": 1000.0, "um": 1000.0}


def usable(entry: Entry) -> tuple[KeptFactors, ...]:
    """Factor analyses that can be calibrated: with closure, along the depth."""
    return tuple(one for one in entry.factors if one.closed and one.amounts.size and one.method != "pca")


def shares_along(entry: Entry) -> SharesAlong:
    """Shares of the phases along the depth, with what is known of their errors.

    Raises
    ------
    NotDetermined, UnknownName, BadData
        If there is no closed analysis or no depth scale; the message says what to do.
    """
    about, depth = _analysis(entry), depth_along(entry)
    if depth is None:
        raise NotDetermined("The profile has no depth scale", where=entry.title,
                            todo="Give a sputter rate or the crater's depth on the Depth page")
    if about.amounts.shape[1] != depth.depth.size:
        raise BadData("The factor analysis belongs to other points of this profile", where=about.title,
                      todo="Repeat the factor analysis")
    scale = about.yields[:, None]
    errors = (about.errors / scale).T if about.errors.size and np.all(np.isfinite(about.errors)) else np.zeros(0)
    sizes = about.yield_errors / about.yields
    return SharesAlong(about.names, depth.depth, np.maximum(about.amounts / scale, 0.0).T, errors, _ends(about),
                       depth.parts if depth.stated else np.zeros((0, 0)),
                       sizes if np.all(np.isfinite(sizes)) else np.zeros(0))  # fmt: skip


def _analysis(entry: Entry) -> KeptFactors:
    for about in entry.factors:
        if about.id == entry.by_xps.factors:
            if about in usable(entry):
                return about
            raise NotDetermined(f"{about.title} is not closed: its amounts are counts and not shares of phases",
                                where=entry.title, todo="Find the factors by MCR or NMF with Closure")
    if entry.by_xps.factors:
        raise UnknownName("The factor analysis that was to be calibrated is gone", where=entry.title,
                          todo="Choose another one")
    raise NotDetermined("No factor analysis is chosen", where=entry.title,
                        todo="Choose one with closure" if usable(entry) else "Find factors with Closure first")


def _ends(about: KeptFactors) -> tuple[FloatArray, ...]:
    """Shares with one factor at an end of its band of ambiguity, each of shape (points, k)."""
    found = []
    for ends in (about.low, about.high):
        for i in range(len(about.names) if ends.size else 0):
            amounts = np.array(about.amounts)
            amounts[i] = ends[i]
            shares = np.maximum(amounts / about.yields[:, None], 0.0).T
            if np.all(shares.sum(axis=1) > 0):
                found.append(shares)
    return tuple(found)


def compositions_of(entry: Entry, *, draws: int = DRAWS, progress: Progress | None = None,
                    cancel: Cancel | None = None) -> FactorCompositions:
    """The compositions of an entry's factors, and of every depth.

    Raises
    ------
    SodaliteError
        If they cannot be told; the message says why.
    Cancelled
    """
    found = calibrate(shares_along(entry), entry.by_xps, draws=draws, progress=progress, cancel=cancel)
    about = _analysis(entry)
    if about.data_hash and about.data_hash != entry.processed().hash:
        found = replace(found, notes=(*found.notes, "The data have changed since these factors were found"))
    return found


# -- edits ----------------------------------------------------------------------------------------------------------


def with_by_xps(project: Project, entry_id: str, setup: ByXps) -> Project:
    """The project with other XPS numbers of an entry."""
    return project.with_entry(replace(project.entry(entry_id), by_xps=setup))


def with_quantities(setup: ByXps, names: Sequence[str]) -> ByXps:
    """The setup with other elements: known ones keep their numbers, new ones have none yet.

    Raises
    ------
    BadModel
        If a name is empty, too long, or stands twice.
    """
    wanted = tuple(name.strip() for name in names)
    for name in wanted:
        if not name or len(name) > _LONGEST or wanted.count(name) > 1:
            raise BadModel(f"“{name[:_LONGEST]}” cannot be one of the elements", todo="Write each once, as in C, O, F")
    depths = tuple(replace(one, amounts=_taken(one.amounts, setup.quantities, wanted),
                           errors=_taken(one.errors, setup.quantities, wanted)) for one in setup.depths)
    return replace(setup, quantities=wanted, depths=depths)


def _taken(numbers: Sequence[float], old: Sequence[str], new: Sequence[str]) -> tuple[float, ...]:
    known = dict(zip(old, numbers, strict=False))
    return tuple(known.get(name, math.nan) for name in new)


def added(setup: ByXps, quantities: Sequence[str], depths: Sequence[XpsDepth]) -> ByXps:
    """The setup with more depths; elements that one side lacks have no numbers there."""
    every = tuple(dict.fromkeys((*setup.quantities, *quantities)))
    new = with_quantities(ByXps(quantities=tuple(quantities), depths=tuple(depths)), every)
    old = with_quantities(setup, every)
    return replace(old, depths=tuple(sorted((*old.depths, *new.depths), key=_order)))


def _order(one: XpsDepth) -> float:
    return math.inf if math.isnan(one.depth) else one.depth


# -- XPS of the project ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class XpsOffer:
    """An XPS composition of the project: its key in `composition_keys`, and what lists call it."""

    key: str
    title: str


def xps_offers(project: Project) -> tuple[XpsOffer, ...]:
    """The samples and levels of series that have fitted XPS spectra."""
    names, found = level_names(project), []
    for key, (id, level) in composition_keys(project).items():
        fitted = any(e.fits and e.spectrum.meta.technique in ("xps", "other") and (level is None or e.value == level)
                     for e in project.entries_of(id))
        if fitted:
            found.append(XpsOffer(key, names.get(key, project.sample(id).name)))
    return tuple(found)


def taken_from_project(project: Project, setup: ByXps, keys: Sequence[str]) -> ByXps:
    """The setup with compositions of the project's own XPS; a depth that is not known has to be typed.

    A level of a series along a depth has that depth; any other (time of sputtering, say) has none on this scale.

    Raises
    ------
    UnknownName, NotDetermined
        If there is no such composition.
    """
    known, names = composition_keys(project), level_names(project)
    for key in keys:
        if key not in known:
            raise UnknownName("There is no such composition", where=key)
        id, level = known[key]
        rows = composition(project, id, level).elements
        depth = _depth_of(project, id, level)
        one = XpsDepth(depth, 0.0, tuple(row.at_percent for row in rows),
                       tuple(row.at_percent_err if row.at_percent_err > 0 else math.nan for row in rows),
                       names.get(key, project.sample(id).name))  # fmt: skip
        setup = added(setup, [row.element for row in rows], [one])
    return setup


def _depth_of(project: Project, id: str, level: float | None) -> float:
    """nm where the level is a depth in a known unit, else NaN."""
    for entry in project.entries_of(id):
        if level is not None and entry.value == level and "depth" in entry.variable.lower():
            return level * _DEPTHS.get(entry.unit, math.nan)
    return math.nan
