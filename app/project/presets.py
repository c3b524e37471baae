"""Presets and compound fits of a sample of the project: regions go in, a new project comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.project import joint
from app.project.project import Entry, Project, RegionFit, Sample
from fitting import guess
from fitting.dataset import Spectrum
from fitting.presets import Preset, add_preset
from fitting.solver import Cancel, Progress
from fitting.xps.compounds_fit import CompoundsResult, fit_compounds
from fitting.xps.placement import MARGIN, SURVEY, Region
from fitting.xps.sites import sites_of
from libraries.core_levels import core_level
from libraries.errors import NotDetermined, SodaliteError

_AROUND = (8.0, 10.0)  # eV below and above the lines of a window that is made where the analyst drew none; chosen


def regions_of(project: Project, sample_id: str) -> tuple[Region, ...]:
    """All regions of a sample, as presets and compound fits take them."""
    sample = project.sample(sample_id)
    return tuple(
        Region(joint.key_of(entry.id, fit.id), _with_user_table(entry, sample, fit.model.region), fit.model,
               entry.recipe.energy_shift)
        for entry in project.entries_of(sample_id) for fit in entry.fits
    )


def _with_user_table(entry: Entry, sample: Sample, window: tuple[float, float]) -> Spectrum:
    """The spectrum with the sample's own transmission table in place of the file's function, as in a composition."""
    spectrum, shift = entry.processed(), entry.recipe.energy_shift
    photon = spectrum.meta.photon_energy
    if not sample.transmission or photon is None or window[1] - window[0] > SURVEY:
        return spectrum
    binding = spectrum.axis.quantity == "binding_energy"
    kinetic = photon - (spectrum.x - shift) if binding else spectrum.x + shift
    energies, values = np.array(sample.transmission).T
    part = kinetic[spectrum.part(*window)]
    if part.size and not (energies[0] <= part.min() and part.max() <= energies[-1]):
        raise NotDetermined(
            f"The transmission table ends at {energies[0]:g} and {energies[-1]:g} eV; the window reaches from "
            f"{part.min():.0f} to {part.max():.0f} eV kinetic energy", where=entry.title, todo="Give a longer table",
        )
    return spectrum.with_(transmission=np.interp(kinetic, energies, values))


def with_preset(project: Project, sample_id: str, item: Preset) -> tuple[Project, tuple[str, ...]]:
    """A preset's lines added to the regions of a sample.

    Returns
    -------
    Project
        With the lines and their ties; results of the regions that changed are left out.
    tuple of str
        What was left out or assumed.

    Raises
    ------
    NotDetermined
        If no region of the sample holds any of the lines.
    """
    sample = project.sample(sample_id)
    before = regions_of(project, sample_id)
    if not before:
        raise NotDetermined("There is no region yet", where=sample.name, todo="Draw a region over one of its lines")
    placed = add_preset(item, before, sample.material, transmission_exponent=sample.transmission_exponent)
    for old, new in zip(before, placed.regions, strict=True):
        if old.model != new.model:
            entry, region = joint.region_of(project, old.key)
            project = project.with_entry(entry.with_fit(RegionFit(region.id, new.model)))
    for target, formula in placed.ties.items():
        why = "stoichiometry" if target.endswith(".area") else "cited distance"
        project = joint.with_tie(project, target, formula, f"{item.title}: {why}")
    return project, placed.notes


def compounds(
    project: Project,
    sample_id: str,
    names: Sequence[str],
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> CompoundsResult:
    """The joint compound fit of a sample; spectra without a region get one around the compounds' lines.

    Raises
    ------
    UnknownName, NotDetermined, Cancelled
        As `fitting.xps.compounds_fit.fit_compounds`.
    """
    sample = project.sample(sample_id)
    levels = {entry.value for entry in project.entries_of(sample_id) if entry.value is not None}
    if len(levels) > 1:
        raise NotDetermined(f"The sample is a series of {len(levels)} levels, each of which has amounts of its own",
                            where=sample.name, todo="Put one level into a sample of its own")
    regions = [*regions_of(project, sample_id), *_made(project, sample_id, names)]
    if not regions:
        raise NotDetermined("No spectrum of this sample holds a line of these compounds", where=sample.name,
                            todo="Charge-reference the sample, or choose other compounds")
    found = fit_compounds(
        regions, names, sample.material, transmission_exponent=sample.transmission_exponent, progress=progress,
        cancel=cancel,
    )
    if sample.factors:
        note = f"Amounts are tied by Scofield's cross-sections; the sample's factors ({sample.factors}) take no part."
        found = replace(found, notes=(*found.notes, note))
    return found


def _made(project: Project, sample_id: str, names: Sequence[str]) -> list[Region]:
    """Windows around the compounds' lines on spectra that have no region and are no survey."""
    sites = [site for name in names for site in sites_of(name)]
    made = []
    for entry in project.entries_of(sample_id):
        if entry.fits or entry.spectrum.navigation:
            continue
        try:
            spectrum = entry.processed()
        except SodaliteError:
            continue
        low, high = float(spectrum.x[0]), float(spectrum.x[-1])
        inside = [s for s in sites if low + MARGIN <= s.position <= high - MARGIN]
        if not inside or high - low > SURVEY or spectrum.axis.quantity != "binding_energy":
            continue
        # Minor lines of doublets belong into the window too.
        ends = [s.position + (core_level(s.line).splitting or 0.0) * s.doublet for s in inside]
        window = max(low, min(s.position for s in inside) - _AROUND[0]), min(high, max(ends) + _AROUND[1])
        model = guess.new_model(spectrum, *window)
        spectrum = _with_user_table(entry, project.sample(sample_id), window)
        made.append(Region(joint.key_of(entry.id, "new"), spectrum, model, entry.recipe.energy_shift))
    return made
