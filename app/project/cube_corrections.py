"""Corrections of cubes and images: what they are estimated from, and where they stand in a recipe."""

from __future__ import annotations

from app.project import process
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.processing.mass_shift import mass_shift_step
from fitting.processing.scan_drift import scan_drift_step
from fitting.processing.topography import topography_step
from fitting.recipe import Recipe, Step
from fitting.sims.columns import counted
from fitting.sims.drift import Reference, ScanDrift, scan_drift, scan_images
from fitting.sims.mass_shift import MassShift, Model, mass_shift
from fitting.sims.topography import Topography, topography
from fitting.tape import Cancel, Progress
from libraries.errors import BadData

__all__ = ["before", "find_drift", "find_mass_shift", "find_topography", "mass_shift_of", "placed", "scan_drift_step",
           "topography_step", "usable_ions", "with_correction"]


def before(entry: Entry, kind: str) -> Recipe:
    """The steps in front of a correction of that kind; all of them where there is none yet."""
    kinds = [step.kind for step in entry.recipe.steps]
    return Recipe(entry.recipe.steps[: kinds.index(kind)] if kind in kinds else entry.recipe.steps)


def placed(entry: Entry, step: Step) -> Recipe:
    """The recipe with a correction in place of the one of its kind that it has, else at its end."""
    front = before(entry, step.kind).steps
    return Recipe((*front, step, *entry.recipe.steps[len(front) + 1 :]))


def with_correction(project: Project, entry_id: str, step: Step) -> Project:
    """The project with a correction of one measurement.

    Raises
    ------
    BadData, BadModel
        If the recipe cannot be applied with it (a later correction may no longer fit).
    """
    return process.with_recipe(project, entry_id, placed(project.entry(entry_id), step))


def usable_ions(spectrum: Spectrum) -> tuple[tuple[int, str], ...]:
    """Places and names of the ions that corrections may be found from: singles, without sums, ratios and doubles."""
    return tuple((i, spectrum.axis.labels[i]) for i in counted(spectrum.axis))


def find_drift(
    spectrum: Spectrum, recipe: Recipe, ion: int | None, *, reference: Reference = "all", group: int = 0,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> ScanDrift:
    """Drift of a cube after some steps; the images are read first.

    Parameters
    ----------
    ion : int or None
        Place of the ion whose images are compared; None for all single ions together.
    """
    cube = recipe.apply(spectrum)
    volume = scan_images(cube, () if ion is None else (ion,), progress=_part(progress, 0.0, 0.5), cancel=cancel)
    return scan_drift(volume, reference=reference, group=group, progress=_part(progress, 0.5, 1.0), cancel=cancel)


def find_topography(
    spectrum: Spectrum, recipe: Recipe, ion: int, scans: tuple[int, int] | None = None, *, joined: int = 0,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Topography:
    """Topography of a cube after some steps; the counts of the ion are read first."""
    cube = recipe.apply(spectrum)
    if not cube.axis.labels:
        raise BadData("Only a cube of ions has interfaces", where=cube.name)
    volume = scan_images(cube, (ion,), progress=_part(progress, 0.0, 0.5), cancel=cancel)
    return topography(volume, scans, joined=joined, progress=_part(progress, 0.5, 1.0), cancel=cancel)


def find_mass_shift(
    spectrum: Spectrum, recipe: Recipe, window: tuple[float, float], model: Model = "plane", *, joined: int = 1,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> MassShift:
    """Shift of the mass spectra of an image after some steps."""
    return mass_shift(recipe.apply(spectrum), window, model, joined=joined, progress=progress, cancel=cancel)


def mass_shift_of(entry: Entry, found: MassShift, method: str = "whole") -> Step:
    """The step that takes a shift out of an image, as it is after the steps in front of it."""
    return mass_shift_step(before(entry, "mass_shift").apply(entry.spectrum), found, method=method)


def _part(progress: Progress | None, low: float, high: float) -> Progress | None:
    if progress is None:
        return None
    return lambda fraction, text: progress(low + (high - low) * fraction, text)
