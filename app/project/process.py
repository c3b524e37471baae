"""Processing in a project: recipes changed step by step, new spectra from several, calibration of the energy scale."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from app.project import joint
from app.project.project import Entry, Project, Tie, fresh_id
from app.project.reframed import reframed
from app.project.work import shifted_entry
from fitting.backgrounds import kind as background_kind
from fitting.constraints import Dual
from fitting.dataset import Spectrum
from fitting.eels.noise import estimate_loss_noise
from fitting.joint_links import Place, checked, place, references, rewritten
from fitting.model import BACKGROUND, FitModel, Param
from fitting.processing import combine
from fitting.processing.align import axis_step
from fitting.processing.gain import Gain, gain_from_repeats, gain_from_scatter
from fitting.processing.scale import energy_scale_step, scale_of
from fitting.processing.sweeps import Drift, sum_sweeps_step
from fitting.recipe import RAW_KINDS, Recipe, Step
from fitting.shapes import shape
from libraries.errors import BadData, BadModel, SodaliteError

_AXIS_KINDS = ("energy_shift", "energy_scale", "photon_energy", "loss_scale", "align")
COMBINATIONS = ("average", "sum", "difference", "ratio", "repeats")


def with_recipe(project: Project, entry_id: str, recipe: Recipe) -> Project:
    """A spectrum with another recipe: its models move with the axis, and its fits lose their results.

    Regions that are tied to them were fitted to the same data and lose theirs too. Where all intensities are multiplied
    by a factor, ties of areas to other spectra go along.

    Raises
    ------
    BadData, BadModel
        If the recipe cannot be applied, or turns the axis below regions.
    """
    entry = project.entry(entry_id)
    after = _recipe_of(entry, recipe)
    if after is entry:
        return project
    factor = _factor(entry, recipe) if project.ties and entry.fits else 1.0
    return _tied_along(project.with_entry(after), after, factor)


def _tied_along(project: Project, entry: Entry, factor: float) -> Project:
    """The project with the ties and results of what is tied to a spectrum whose intensities were multiplied."""
    if not project.ties:
        return project
    if factor != 1.0:
        ties = tuple(_scaled_tie(project, tie, entry, factor) for tie in project.ties)
        project = replace(project, ties=ties)
    for fit in entry.fits:
        project = joint.without_results(project, joint.group_of(project, entry.id, fit.id))
    return project


def _scaled_tie(project: Project, tie: Tie, entry: Entry, factor: float) -> Tie:
    """A tie by which the same amounts belong together as before.

    A number of this spectrum in the formula is divided by the factor; what follows in this spectrum is multiplied.
    """
    if tie.target not in joint.ties_of(project):
        return tie
    keys = {joint.key_of(entry.id, fit.id) for fit in entry.fits}

    def measures(there: Place) -> bool:
        return there.key in keys and _unit_of(project, there).startswith("I")

    home = place(tie.target)
    inside = [there for there in references(tie.formula) if measures(there)]
    if not inside and not measures(home):
        return tie
    if measures(home) and len(inside) == len(references(tie.formula)) and _proportional(tie):
        return tie  # both sides are of this spectrum
    core, sign, tolerance = re.fullmatch(r"(.*?)(?:\s*(±|\+-|\+/-)\s*(.*))?", tie.formula, re.DOTALL).groups()  # type: ignore[union-attr]
    core = _folded(rewritten(core, lambda id: id, lambda there: f"({{{there}}} / {factor:.8g})" if there in inside
                             else f"{{{there}}}"))
    if measures(home):
        # Parameters of the target's own region in the formula were multiplied already, in the model.
        own = [name for name in checked(tie.formula, tie.target).names if not name.startswith("other")]
        if any(measures(Place(home.key, name)) for name in own):
            raise BadModel(f"A tie of {joint.label(project, home)} cannot follow the new intensities",
                           where=entry.title, todo="Remove the tie first")
        core = _folded(f"({core}) * {factor:.8g}")
        if sign and not tolerance.endswith("%"):
            tolerance = f"{float(tolerance) * factor:.8g}"
    formula = f"{core} +- {tolerance}" if sign else core
    checked(formula, tie.target)
    return replace(tie, formula=formula)


def _proportional(tie: Tie) -> bool:
    """Whether what follows is twice as much where all that it follows is."""
    link = checked(tie.formula, tie.target)
    one, two = (link.evaluate({name: Dual(x, {}) for name in link.names}).value for x in (1.0, 2.0))
    return math.isclose(two, 2 * one, rel_tol=1e-9) and (link.relative or not link.tolerance)


def _folded(formula: str) -> str:
    """A formula in which factors that were put in one behind the other are one; it would grow for ever else."""
    number = r"([0-9][0-9.]*(?:e[+-]?[0-9]+)?)"

    def one(match: re.Match[str]) -> str:
        product = float(match[2]) * float(match[3])
        return match[1] if math.isclose(product, 1.0, rel_tol=1e-7) else f"({match[1]} / {product:.8g})"

    formula = re.sub(rf"\(\((\{{[^{{}}]*\}}) / {number}\) / {number}\)", one, formula)
    twice = re.fullmatch(rf"\(\((.*)\) \* {number}\) \* {number}", formula, re.DOTALL)
    if twice is None:
        return formula
    product = float(twice[2]) * float(twice[3])
    return twice[1] if math.isclose(product, 1.0, rel_tol=1e-7) else f"({twice[1]}) * {product:.8g}"


def _unit_of(project: Project, there: Place) -> str:
    """Unit of a parameter, as its shape or background gives it: "I" stands for intensity."""
    model = joint.region_of(project, there.key)[1].model
    owner, _, name = there.name.partition(".")
    known = (background_kind(model.background.kind).parameters if owner == BACKGROUND
             else shape(model.component(owner).shape).parameters)
    return next((p.unit for p in known if p.name == name), "")


def _recipe_of(entry: Entry, recipe: Recipe) -> Entry:
    if recipe == entry.recipe:
        return entry
    recipe.apply(entry.spectrum)
    entry = reframed(entry, recipe)
    if not entry.fits:
        return replace(entry, recipe=recipe)
    before, after = _energies(entry, entry.recipe), _energies(entry, recipe)
    if before.axis.quantity != after.axis.quantity:
        raise BadModel("The spectrum has regions on its axis", where=entry.title, todo="Remove them first")
    factor, fits = _factor(entry, recipe), []
    for fit in entry.fits:
        middle = 0.5 * (fit.model.region[0] + fit.model.region[1])
        move = float(np.interp(middle, before.x, after.x - before.x))
        model = fit.model.moved(move) if move else fit.model
        fits.append(replace(fit, model=model if factor == 1 else scaled_model(model, factor), result=None))
    return replace(entry, recipe=recipe, fits=tuple(fits))


def _energies(entry: Entry, recipe: Recipe) -> Spectrum:
    """A single spectrum with only the steps that move its axis."""
    steps = [axis_step(step) for step in recipe.active if step.kind in _AXIS_KINDS]
    raw = entry.spectrum
    return Recipe(tuple(steps)).apply(raw.at(*(0 for _ in raw.navigation)) if raw.navigation else raw)


def _factor(entry: Entry, recipe: Recipe) -> float:
    """By what all intensities are multiplied when the recipe changes; 1 where they change otherwise."""
    if entry.spectrum.stored:
        return 1.0  # not read again for this; fits of such images lose their results like all others
    try:
        before = entry.processed().y
    except SodaliteError:
        return 1.0
    after = recipe.apply(entry.spectrum).y
    total = float(before.sum())
    if before.shape == after.shape and total > 0:
        factor = float(after.sum()) / total
        highest = abs(factor) * float(np.abs(before).max())
        if factor > 0 and np.allclose(after, factor * before, rtol=1e-9, atol=1e-9 * highest):
            return factor
    scaled = [step for step in (*entry.recipe.active, *recipe.active) if step.kind in ("normalise", "unit")]
    # With other steps between, the highest point tells the scale well enough to start a fit from.
    if scaled and before.size and after.size and float(before.max()) > 0 and float(after.max()) > 0:
        return float(after.max()) / float(before.max())
    return 1.0


def scaled_model(model: FitModel, factor: float) -> FitModel:
    """A model for intensities that were multiplied by a factor: areas, heights and levels go along."""

    def scaled(param: Param, unit: str) -> Param:
        if not unit.startswith("I"):
            return param
        low, high = param.minimum * factor, param.maximum * factor
        return replace(param, value=param.value * factor, minimum=low, maximum=high)

    components = []
    for component in model.components:
        units = {p.name: p.unit for p in shape(component.shape).parameters}
        params = tuple((name, scaled(param, units.get(name, ""))) for name, param in component.params)
        components.append(replace(component, params=params))
    known = {p.name: p.unit for p in background_kind(model.background.kind).parameters}
    background = replace(
        model.background,
        params=tuple((name, scaled(param, known.get(name, ""))) for name, param in model.background.params),
        anchors=tuple((x, y * factor) for x, y in model.background.anchors),
    )
    return replace(model, components=tuple(components), background=background)


def with_step(project: Project, entry_id: str, step: Step) -> Project:
    """A spectrum with one more step: those on raw channels and what is known of the noise in front, others behind."""
    recipe = project.entry(entry_id).recipe
    front = step.kind in (*RAW_KINDS, "noise")
    return with_recipe(project, entry_id, recipe.with_front(step) if front else recipe.with_step(step))


def with_step_for(project: Project, ids: Iterable[str], step: Step) -> Project:
    """Several spectra with one more step; nothing changes where one of them refuses it."""
    for id in ids:
        try:
            project = with_step(project, id, step)
        except SodaliteError as error:
            raise BadData(error.what, where=error.where or project.entry(id).title, todo=error.todo) from error
    return project


def combined(
    project: Project, ids: Sequence[str], kind: str, *, factor: float = 1.0, resample: bool = False
) -> tuple[Project, str]:
    """A new spectrum from several, as they are after their recipes.

    Parameters
    ----------
    ids : sequence of str
        For a difference and a ratio: the first and the second.
    kind : str
        One of `COMBINATIONS`; "repeats" joins them to a series of sweeps.
    factor : float
        Of the second spectrum of a difference.
    resample : bool
        See `fitting.processing.combine.common`.

    Returns
    -------
    project, id
        The project with the new spectrum behind the first one's sample, and its id.
    """
    entries = [project.entry(id) for id in ids]
    if kind not in COMBINATIONS:
        raise BadModel(f"Spectra cannot be combined by {kind}", todo=f"Use {', '.join(COMBINATIONS)}")
    if kind in ("difference", "ratio") and len(entries) != 2:
        raise BadData(f"A {kind} takes two spectra, not {len(entries)}", todo="Choose two spectra in the project list")
    parts = [_titled(entry, name) for entry, name in zip(entries, told_apart(project, entries), strict=True)]
    if kind == "difference":
        spectrum = combine.subtract(parts[0], parts[1], factor, resample=resample)
    elif kind == "ratio":
        spectrum = combine.ratio(parts[0], parts[1], resample=resample)
    else:
        make = {"average": combine.average, "sum": combine.add, "repeats": combine.stack}[kind]
        spectrum = make(parts, resample=resample)
    id = fresh_id(spectrum.name, {entry.id for entry in project.entries})
    entry = Entry(id, spectrum, entries[0].sample, spectrum.meta.title)
    when = datetime.now(UTC).isoformat(timespec="seconds")
    return project.with_entry(entry).with_history(when, f"{spectrum.meta.title}: new spectrum"), id


def told_apart(project: Project, entries: Sequence[Entry]) -> list[str]:
    """Titles of spectra, with the name of their sample where several have the same title."""
    titles, samples = [entry.title for entry in entries], {sample.id: sample.name for sample in project.samples}
    same = {entry.title for entry in entries if titles.count(entry.title) > 1}
    several = len({entry.sample for entry in entries}) > 1
    return [
        f"{entry.title} ({samples[entry.sample]})" if several and entry.title in same and entry.sample in samples
        else entry.title
        for entry in entries
    ]


def _titled(entry: Entry, title: str) -> Spectrum:
    """The processed spectrum under the name that the project gives it, its own shift told among its facts."""
    spectrum = entry.processed()
    reference = entry.recipe.charge_reference()
    extra = spectrum.meta.extra + ((("charge reference", reference),) if reference else ())
    return spectrum.with_(meta=replace(spectrum.meta, title=title, extra=extra))


def sum_sweeps(project: Project, entry_id: str, drift: Drift | None, method: str = "whole") -> Project:
    """Add the sweeps of a series, aligned by a drift where one is given; the single sweeps stay below the step."""
    note = "as they stand" if drift is None else f"aligned, {np.ptp(drift.shifts):.2f} eV apart"
    step = sum_sweeps_step(None if drift is None else drift.shifts, method, note)
    entry = project.entry(entry_id)
    return with_recipe(project, entry_id, entry.recipe.without_kind("sum_sweeps").with_front(step))


def before_sum(entry: Entry) -> Spectrum:
    """The single sweeps of an entry: what stands before its sweeps are added."""
    kinds = [step.kind for step in entry.recipe.steps]
    end = kinds.index("sum_sweeps") if "sum_sweeps" in kinds else len(kinds)
    return Recipe(entry.recipe.steps[:end]).apply(entry.spectrum)


def estimated_gain(entry: Entry) -> Gain:
    """The gain of an entry's raw intensities: from its sweeps where it is a series, else from neighbouring channels.

    Of energy-loss spectra with the correlation of neighbouring channels (`fitting.eels.noise`).
    """
    raw = Recipe(entry.recipe.steps[: entry.recipe.front]).apply(entry.spectrum)
    if raw.meta.technique == "eels":
        found = estimate_loss_noise(raw)
        return Gain(found.value, found.error, found.noise, found.how)
    return gain_from_repeats(raw) if raw.navigation else gain_from_scatter(raw)


def estimate_noise(project: Project, entry_id: str) -> tuple[Project, Gain]:
    """Poisson noise with an estimated gain as a step of the recipe."""
    entry = project.entry(entry_id)
    bare = replace(entry, recipe=entry.recipe.without_kind("noise"))
    gain = estimated_gain(bare)
    params: tuple[tuple[str, float | str], ...] = (
        ("kind", "poisson"), ("gain", gain.value), ("origin", "estimated"))
    words = f"gain {gain.value:.4g} ± {gain.error:.1g} from the {gain.how}"
    if gain.noise.read_noise:
        params = (*params, ("read_noise", gain.noise.read_noise))
        words += f", read noise {gain.noise.read_noise:.3g}"
    if gain.noise.correlation:
        params = (*params, ("correlation", gain.noise.correlation))
        words += f", neighbouring channels correlate by {gain.noise.correlation:.2f}"
    step = Step("noise", params, words)
    return with_recipe(project, entry_id, bare.recipe.with_front(step)), gain


# -- energies -------------------------------------------------------------------------------------------------------


def energy_scale(
    project: Project,
    ids: Iterable[str],
    shown: str,
    measured: tuple[float, float],
    true: tuple[float, float],
    note: str,
) -> Project:
    """Calibrate the energy scale of spectra by two lines.

    Parameters
    ----------
    ids : iterable of str
        Spectra that take the scale; those without an energy axis are passed over.
    shown : str
        The spectrum on whose axis, as it is shown, the lines were read. It must not be charge-referenced.
    measured, true : (float, float)
        Binding energies in eV.
    note : str
        Names the lines.
    """
    entry = project.entry(shown)
    if entry.recipe.energy_shift:
        raise BadData("The spectrum is charge-referenced", where=entry.title,
                      todo="Reset the reference first: the scale is calibrated before it")
    for step in entry.recipe.active:
        if step.kind == "energy_scale":  # what is shown was calibrated before: back to the raw axis
            slope, offset = scale_of(step)
            measured = ((measured[0] - offset) / slope, (measured[1] - offset) / slope)
    step = energy_scale_step(measured, true, note)
    for id in ids:
        other = project.entry(id)
        if other.spectrum.axis.quantity in ("binding_energy", "kinetic_energy"):
            project = with_recipe(project, id, other.recipe.without_kind("energy_scale").with_front(step))
    return project


def reset_scale(project: Project, ids: Iterable[str]) -> Project:
    """Take the two-point calibration of spectra back."""
    for id in ids:
        project = with_recipe(project, id, project.entry(id).recipe.without_kind("energy_scale"))
    return project


def copy_calibration(project: Project, source_id: str, ids: Iterable[str]) -> Project:
    """Give other spectra the energy scale and the charge shift of one; their models move along.

    Results stay where only the shift changes.
    """
    source = project.entry(source_id)
    scales = tuple(step for step in source.recipe.steps if step.kind == "energy_scale")
    note = source.recipe.charge_reference()
    for id in ids:
        entry = project.entry(id)
        if id == source_id or entry.spectrum.axis.quantity not in ("binding_energy", "kinetic_energy"):
            continue
        if tuple(step for step in entry.recipe.steps if step.kind == "energy_scale") != scales:
            recipe = entry.recipe.without_kind("energy_scale")
            for step in scales:
                recipe = recipe.with_front(step)
            entry = _recipe_of(entry, recipe)
        move = source.recipe.energy_shift - entry.recipe.energy_shift
        if move or entry.recipe.charge_reference() != note:
            entry = shifted_entry(entry, move, note)
        project = project.with_entry(entry)
    return project
