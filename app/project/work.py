"""The analyst's work on a project, without a window: regions, fits, charge reference, composition.

Commands, tests and the window all call these; each takes a project and returns a new one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from app.project import joint
from app.project.compose import casa_composition as casa_composition
from app.project.compose import composition as composition
from app.project.project import Entry, Project, RegionFit, fresh_id
from app.project.region_at import is_image, region_at, words
from fitting import guess
from fitting.dataset import NO_DATA, Spectrum
from fitting.engine import fit as run_fit
from fitting.image.place import ALL, Place
from fitting.model import FitModel
from fitting.recipe import Recipe, energy_shift
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import BadData, BadModel, Cancelled

STARTS, SEED = 20, 0
SPLIT_FIRST = "Split it into single spectra first, or add its levels"
STATISTICS = {"poisson deviance": "deviance", "chi2": "χ²", "least squares": "sum of squares"}
# Fall of the statistic (in units of the noise) that tells of another minimum; a thirtieth of a standard error.
_LOWER = 1e-3


def add_region(
    project: Project, entry_id: str, low: float, high: float, background: str = "", place: Place = ALL
) -> tuple[Project, str]:
    """A new region on a spectrum; returns the project and the region's id.

    Parameters
    ----------
    background : str
        By default what suits the axis (`fitting.guess.default_background`).
    place : Place
        Of an image of energy-loss spectra: the pixels whose sum gives the starting values.

    Raises
    ------
    BadData
        If the region holds no data, or the spectrum is a series or a fitted curve of another program.
    """
    entry = project.entry(entry_id)
    spectrum = _fitted(entry, place)
    if spectrum.curve:
        todo = "Draw the region on the measured spectrum"
        raise BadData(NO_DATA.format(spectrum.curve), where=entry.title, todo=todo)
    if spectrum.navigation:
        raise BadData("A series is fitted level by level", where=entry.title, todo=SPLIT_FIRST)
    name = entry.title if not entry.fits else f"{entry.title} {len(entry.fits) + 1}"
    kind = background or guess.default_background(spectrum, min(low, high))
    model = guess.new_model(spectrum, low, high, kind, name)
    id = fresh_id("r1", {fit.id for fit in entry.fits})
    return project.with_entry(entry.with_fit(RegionFit(id, model, None, words(place)))), id


def fit_region(
    project: Project,
    entry_id: str,
    fit_id: str,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    *,
    start: FitModel | None = None,
    place: Place | None = None,
) -> Project:
    """Fit one region, and all that are tied to it together with it; their models take the fitted values.

    A fit that did not converge keeps its status in the result; a cancelled one leaves the project as it was.

    Parameters
    ----------
    start : FitModel, optional
        Where to start instead of the region's own model.
    place : Place, optional
        Of an image of energy-loss spectra: the pixels whose sum is fitted; by default those that the region belongs to.

    Raises
    ------
    Cancelled
        If the user stopped it.
    BadData, BadModel, FitFailed
        If it cannot be carried out.
    """
    entry = project.entry(entry_id)
    region = entry.fit(fit_id)
    if joint.is_tied(project, entry_id, fit_id):
        begin = project if start is None else project.with_entry(entry.with_fit(RegionFit(fit_id, start)))
        return joint.fit_group(begin, joint.group_of(project, entry_id, fit_id), progress, cancel)[0]
    where = Place.parse(region.place) if place is None else place
    begin_with = start or region_at(entry, region, where).fit.model
    result = run_fit(_fitted(entry, where), begin_with, progress=progress, cancel=cancel)
    return _with_result(project, entry, region, result, where)


def _fitted(entry: Entry, place: Place) -> Spectrum:
    """What a region of an entry is fitted to: of an image of energy-loss spectra the sum over a place."""
    return entry.single(place) if is_image(entry) else entry.processed()


def _with_result(project: Project, entry: Entry, region: RegionFit, result: FitResult, place: Place = ALL) -> Project:
    if result.status == "cancelled":
        raise Cancelled("The fit was stopped", where=region.name)
    return project.with_entry(entry.with_fit(RegionFit(region.id, result.model, result, words(place))))


@dataclass(frozen=True, eq=False)
class ManyStarts:
    """A fit from many starts, and what it gained.

    Attributes
    ----------
    project : Project
        With the best result. Where no start led lower: with that of the plain fit, or, if the region had that already,
        as it was.
    plain, best : FitResult
        From the region's own model alone, and the best of all.
    starts, seed : int
    """

    project: Project
    plain: FitResult
    best: FitResult
    starts: int
    seed: int

    @property
    def better(self) -> bool:
        """Whether another start led to a lower minimum."""
        return self.best is not self.plain

    def __str__(self) -> str:
        tried, name = f"{self.starts} starts (seed {self.seed})", STATISTICS[self.best.statistic]
        if not self.best.success:
            return f"None of {tried} reached a minimum. {self.best.message}"
        if not self.better:
            return f"{tried}: no minimum lower than that of the plain fit ({name} {self.plain.deviance:.6g})."
        if not self.plain.success:
            return f"{tried}: a minimum with {name} {self.best.deviance:.6g}; the plain fit did not reach any."
        fall = self.plain.deviance - self.best.deviance
        return (
            f"{tried}: a lower minimum than that of the plain fit; {name} fell by {fall:.4g}, from "
            f"{self.plain.deviance:.6g} to {self.best.deviance:.6g}."
        )


def fit_from_many_starts(
    project: Project,
    entry_id: str,
    fit_id: str,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
    *,
    starts: int = STARTS,
    seed: int = SEED,
    place: Place | None = None,
) -> ManyStarts:
    """Fit one region from its model and from random places about it (`fitting.multistart`); the best end counts.

    Parameters
    ----------
    starts : int
        How many, the region's own model among them.
    seed : int
        The same seed gives the same places.
    place : Place, optional
        As `fit_region`.

    Raises
    ------
    Cancelled, BadData, BadModel, FitFailed
        As `fit_region`.
    """
    entry = project.entry(entry_id)
    where = Place.parse(entry.fit(fit_id).place) if place is None else place
    region, spectrum = region_at(entry, entry.fit(fit_id), where).fit, _fitted(entry, where)
    if joint.is_tied(project, entry_id, fit_id):
        raise BadModel(
            "A region that is tied to others is not fitted from many starts", where=region.name,
            todo="Use Fit tied regions together, or remove its ties first",
        )
    plain = run_fit(spectrum, region.model, cancel=cancel)
    _with_result(project, entry, region, plain, where)  # stopped already?
    count = _Counted(progress, starts) if progress is not None else None
    best = run_fit(spectrum, region.model, starts=starts, seed=seed, progress=count, cancel=cancel)
    lower = plain.deviance - best.deviance > _LOWER * best.scale
    if best.status != "cancelled" and not (lower or (best.success and not plain.success)):
        best = plain
    elif best.success:
        best = replace(best, message=f"{best.message} It is the best of {starts} starts (seed {seed}).")
    after = _with_result(project, entry, region, best, where)
    had = region.result
    if best is plain and plain.success and had is not None and had.success:
        after = project if abs(plain.deviance - had.deviance) <= _LOWER * plain.scale else after
    return ManyStarts(after, plain, best, starts, seed)


class _Counted:
    """Progress over many descents, each of which tells of its own."""

    def __init__(self, progress: Progress, starts: int) -> None:
        self._progress, self._starts = progress, starts
        self._number, self._last = 0, np.inf

    def __call__(self, fraction: float, text: str) -> None:
        # Inside one descent the fraction only rises.
        if fraction <= self._last:
            self._number = min(self._number + 1, self._starts)
        self._last = fraction
        self._progress((self._number - 1 + fraction) / self._starts, f"Start {self._number} of {self._starts}")


def _regions(project: Project, sample: str | None) -> list[tuple[Entry, RegionFit]]:
    return [
        (entry, region)
        for entry in project.entries
        if sample is None or entry.sample == sample
        for region in entry.fits
        if region.model.components
    ]


def fit_all(
    project: Project,
    sample: str | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Project:
    """Fit every region that has components (of one sample, or of all)."""
    regions = _regions(project, sample)
    done: set[str] = set()  # tied regions were fitted with the first of them
    for number, (entry, region) in enumerate(regions):
        if progress is not None:
            progress(number / len(regions), f"{project.entry(entry.id).title}")
        if joint.key_of(entry.id, region.id) not in done:
            project = fit_region(project, entry.id, region.id, None, cancel)
            done |= set(joint.group_of(project, entry.id, region.id))
    return project


def fit_sample(
    project: Project, sample: str, progress: Progress | None = None, cancel: Cancel | None = None
) -> Project:
    """Fit every region of one sample."""
    return fit_all(project, sample, progress, cancel)


def charge_reference(
    project: Project, sample_id: str, measured: float, target: float, note: str, *, charge_state: str | None = None
) -> Project:
    """One energy shift for all spectra of a sample, or for those of one charge state.

    Parameters
    ----------
    measured : float
        Where the reference line stands now (after the shift so far) in eV binding energy.
    target : float
        Where it belongs.
    note : str
        Names the reference: "C 1s of sp2 carbon at 284.6 eV".
    charge_state : str, optional
        Shift only the spectra that were measured in this state ("neutraliser on").

    Returns
    -------
    Project
        With one shift in each recipe, and models and results moved along; earlier shifts are summed up in it.
    """
    move = target - measured
    if not np.isfinite(move) or abs(move) > 100:
        raise BadData(f"A charge shift of {move:g} eV is not sensible", todo="Check measured and reference energy")
    return _shifted(project, sample_id, move, note, charge_state)


def reset_reference(project: Project, sample_id: str, *, charge_state: str | None = None) -> Project:
    """Take the charge reference of a sample (of one charge state) back."""

    def change(entry: Entry) -> Entry:
        if charge_state is not None and charge_state_of(entry) != charge_state:
            return entry
        return _moved(entry, -entry.recipe.energy_shift, "")

    return project.map_entries(change, sample_id)


def charge_state_of(entry: Entry) -> str:
    """How the sample was charged: what the file says, or the user's word in the recipe; "" where neither says."""
    for step in reversed(entry.recipe.active):
        if step.kind == "charge_state":
            return step.text("state")
    return entry.spectrum.meta.charge_state


def _shifted(project: Project, sample_id: str, move: float, note: str, state: str | None = None) -> Project:
    def change(entry: Entry) -> Entry:
        return entry if state is not None and charge_state_of(entry) != state else _moved(entry, move, note)

    return project.map_entries(change, sample_id)


def shifted_entry(entry: Entry, move: float, note: str) -> Entry:
    """One entry on an energy scale moved by `move` eV of binding energy, its models and results moved along."""
    return _moved(entry, move, note)


def _moved(entry: Entry, move: float, note: str) -> Entry:
    """An entry on an energy scale moved by `move` eV of binding energy."""
    if entry.spectrum.meta.technique not in ("xps", "other"):
        return entry
    if entry.spectrum.axis.quantity not in ("binding_energy", "kinetic_energy"):
        return entry
    # Models stand on the axis after the recipe, which may have turned kinetic into binding energy.
    offset = move if entry.processed().axis.quantity == "binding_energy" else -move
    shift = entry.recipe.energy_shift + move
    # A shift that is switched off stays in the recipe, as every such step.
    recipe = Recipe(tuple(s for s in entry.recipe.steps if not (s.kind == "energy_shift" and s.enabled)))
    if note or shift:
        # The shift comes early, so that limits of later steps are on the corrected scale.
        recipe = recipe.with_front(energy_shift(shift, note))
    moved = replace(entry, recipe=recipe)
    hash = moved.processed().hash
    fits = tuple(
        RegionFit(f.id, f.model.moved(offset), f.result.moved(offset, hash) if f.result else None) for f in entry.fits
    )
    return replace(moved, fits=fits)
