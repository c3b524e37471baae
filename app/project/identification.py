"""Identification on a project, without a window: regions of found elements, and the Auger parameter of a sample."""

from __future__ import annotations

import math
from collections.abc import Sequence

from app.project.project import Entry, Project
from app.project.work import add_region
from fitting.peaks import peak_numbers
from fitting.xps.auger_parameter import (
    Maximum,
    MeasuredParameter,
    apparent_window,
    combine,
    core_of,
    find_maximum,
    pair_of,
)
from fitting.xps.identify.candidates import Identification
from libraries.core_levels import core_level
from libraries.elements import parse_line
from libraries.errors import NotDetermined, SodaliteError

# A region reaches that far beyond its lines in eV: room for the background on both sides, more behind the line.
BEFORE, BEHIND = 8.0, 12.0
SURVEY = 200.0  # eV; narrower spectra show the lines of one or two elements only
MAIN_AUGER = ("KLL", "KL23L23", "L3M45M45", "M45N45N45")
NEAR_CORE = 9.0  # eV around the library's energy in which a line that is not fitted is looked for


def add_found_regions(
    project: Project, entry_id: str, found: Identification, elements: Sequence[str] = ()
) -> tuple[Project, tuple[str, ...]]:
    """A region around the main line of every found element (or of the given ones) on the survey.

    Regions that overlap become one; where the survey has a region already, none is added.

    Returns
    -------
    project : Project
    names : tuple of str
        The lines of the new regions.
    """
    wanted = set(elements) or set(found.found)
    windows = sorted((window for item in found.elements if item.element in wanted
                      for window in (_window(found, item.element),) if window is not None), key=lambda w: w[0])
    merged: list[tuple[float, float, str]] = []
    for low, high, name in windows:
        if merged and low < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]), f"{merged[-1][2]} + {name}")
        else:
            merged.append((low, high, name))
    taken = [fit.model.region for fit in project.entry(entry_id).fits]
    names = []
    for low, high, name in merged:
        if any(low < b and high > a for a, b in taken):
            continue
        project, _ = add_region(project, entry_id, low, high)
        names.append(name)
    return project, tuple(names)


def surveys(project: Project, sample: str | None = None) -> tuple[Entry, ...]:
    """The spectra wide enough to show elements (of one sample), the widest first."""
    entries = project.entries if sample is None else project.entries_of(sample)
    wide = [entry for entry in entries if entry.spectrum.y.ndim == 1 and _span(entry) >= SURVEY
            and entry.spectrum.axis.quantity in ("binding_energy", "kinetic_energy")]
    return tuple(sorted(wide, key=lambda entry: -_span(entry)))


def _span(entry: Entry) -> float:
    return float(entry.spectrum.x[-1] - entry.spectrum.x[0])


def _window(found: Identification, element: str) -> tuple[float, float, str] | None:
    """Low and high end in eV, and the name of the strongest line that is seen, with its doublet."""
    lines = [line for line in found.element(element).lines if line.kind == "core" and line.status == "seen"
             and line.found is not None]
    if not lines:
        return None
    strongest = found.element(element).strongest
    main = strongest.line if strongest is not None else lines[0].line
    shell = main.split("/")[0].rstrip("1357") if "/" in main else main
    places = [line.found for line in lines if line.line.startswith(shell) and line.found is not None]
    low, high = float(found.search.energies[0]), float(found.search.energies[-1])
    return max(min(places) - BEFORE, low), min(max(places) + BEHIND, high), shell


def auger_parameter_of(project: Project, sample: str, element: str = "Na") -> MeasuredParameter:
    """The Auger parameter of an element in a sample, from its fitted regions where there are some.

    The photoelectron line is the strongest fitted component with that line, else the maximum of the spectrum that
    holds it; the Auger line likewise.

    Raises
    ------
    NotDetermined
        If one of the lines was not measured or has no clear maximum, the photon energy is not known, or only some of
        the spectra are charge-referenced.
    """
    auger = pair_of(element)[0]
    core = core_of(auger).name
    entries = [entry for entry in project.entries_of(sample) if entry.spectrum.y.ndim == 1
               and entry.processed().axis.quantity == "binding_energy"]
    photons = {entry.processed().meta.photon_energy for entry in entries} - {None}
    if len(photons) != 1:
        raise NotDetermined("The spectra have no common photon energy", where=project.sample(sample).name,
                            todo="Set it on the Process page" if not photons else "Keep one source a sample")
    photon = float(next(iter(photons)) or 0.0)
    middle = core_level(core).binding_energy
    _same_scale(entries, project.sample(sample).name)
    place = _fitted(entries, core) or _measured(entries, middle - NEAR_CORE, middle + NEAR_CORE, core)
    low, high = apparent_window(element, photon)
    line = _fitted(entries, f"{element} Auger") or _measured(entries, low, high, f"{element} {auger.line.level}")
    return combine(place, line, photon, core, auger.line.name)


def _same_scale(entries: Sequence[Entry], sample: str) -> None:
    """Refuse spectra of which only some are charge-referenced: charging then no longer cancels."""
    marked = {any(step.kind == "energy_shift" for step in entry.recipe.active) for entry in entries}
    if len(marked) > 1:
        raise NotDetermined("Only some spectra of the sample are charge-referenced", where=sample,
                            todo="Give all spectra of the sample one charge reference, or reset it")


def _fitted(entries: Sequence[Entry], line: str) -> Maximum | None:
    """The strongest fitted component of a line ("Na 1s", or "Na Auger" for its Auger lines)."""
    best: tuple[float, Maximum] | None = None
    for entry in entries:
        for region in entry.fits:
            if region.result is None:
                continue
            for row in peak_numbers(entry.processed(), region.result.model, region.result):
                if not row.line or not _matches(row.line, line) or (best is not None and row.area <= best[0]):
                    continue
                error = row.position_err
                error = 0.0 if error is None or not math.isfinite(error) else error
                best = (row.area, Maximum(row.maximum, error, f"fitted component {row.name} of {entry.title}"))
    return best[1] if best else None


def _matches(name: str, wanted: str) -> bool:
    try:
        line = parse_line(name)
    except SodaliteError:
        return False
    if wanted.endswith(" Auger"):
        # Only the main line of the series: the others have their own distance to it.
        return line.kind == "auger" and line.element == wanted.split()[0] and line.level in MAIN_AUGER
    return line.name == wanted


def _measured(entries: Sequence[Entry], low: float, high: float, name: str) -> Maximum:
    """The maximum in the finest spectrum that holds the window."""
    spectra = [entry.processed() for entry in entries]
    holding = [item for item in spectra if item.x[0] <= low + 4.0 and item.x[-1] >= high - 4.0]
    for item in sorted(holding, key=lambda spectrum: spectrum.axis.step):
        try:
            return find_maximum(item, low, high)
        except NotDetermined:
            continue
    raise NotDetermined(f"{name} is neither fitted nor seen in any spectrum of the sample",
                        todo="Measure or fit both lines for an Auger parameter")


