"""Carrying regions, components and calibration from one spectrum to others."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from app.project import joint
from app.project.project import Entry, Project, RegionFit, fresh_id
from app.project.work import shifted_entry
from fitting.dataset import Spectrum
from fitting.guess import change_background
from fitting.model import FitModel
from fitting.placing import placed
from fitting.recipe import Recipe
from libraries.errors import BadData, SodaliteError

# Two windows that share more than half of the shorter one are windows on the same lines.
_SAME = 0.5


@dataclass(frozen=True, eq=False)
class Source:
    """What is carried: regions and where the energy scale of their spectrum stood. A copied model is one.

    Attributes
    ----------
    title : str
        Of the spectrum.
    models : tuple of FitModel
    quantity : str
        Of the axis on which the models stand.
    shift : float
        Charge shift in eV binding energy that is contained in their energies.
    referenced : bool
        Whether the spectrum had a charge reference.
    recipe : Recipe
    """

    title: str
    models: tuple[FitModel, ...]
    quantity: str
    shift: float = 0.0
    referenced: bool = False
    recipe: Recipe = field(default_factory=Recipe)


@dataclass(frozen=True, eq=False)
class Carried:
    """What came of it.

    Attributes
    ----------
    project : Project
    done : tuple of str
        Ids of the spectra that were changed.
    notes : tuple of str
        What was left out or changed on the way, one sentence each.
    """

    project: Project
    done: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def source_of(entry: Entry) -> Source:
    """The regions and the calibration of a spectrum.

    Raises
    ------
    BadData
        If it has neither.
    """
    referenced = any(step.kind == "energy_shift" for step in entry.recipe.active)
    if not entry.fits and not referenced:
        raise BadData("The spectrum has neither a region nor a charge reference to carry", where=entry.title,
                      todo="Draw a region first")
    return Source(
        entry.title, tuple(fit.model for fit in entry.fits), entry.processed().axis.quantity,
        entry.recipe.energy_shift, referenced, entry.recipe,
    )


def propagate(
    project: Project, source: Source, ids: tuple[str, ...], *, regions: bool = True, components: bool = True,
    calibration: bool = False,
) -> Carried:
    """Carry regions, components or the calibration to other spectra.

    A window that more than half covers one that is there takes its place. Where only one of the two spectra has a
    charge reference, energies move so that lines are looked for where the analyser saw them. Levels and areas start
    from the data of each spectrum; results of replaced models are left out.

    Parameters
    ----------
    source : Source
    ids : tuple of str
        Of the spectra that take it.
    regions : bool
        Windows and backgrounds.
    components : bool
        The components: with their regions, or into regions that are there.
    calibration : bool
        The charge shift; models that are there move along.
    """
    done: list[str] = []
    notes: list[str] = []
    for id in ids:
        entry = project.entry(id)
        try:
            after, said = _carried(entry, source, regions, components, calibration)
        except SodaliteError as error:
            notes.append(f"{entry.title}: {error.what}")
            continue
        notes += [f"{entry.title}: {text}" for text in said]
        if after is not entry:
            project, said = joint.kept_ties(project, project.with_entry(after), id)
            notes += [f"{entry.title}: {text}" for text in said]
            done.append(id)
    return Carried(project, tuple(done), tuple(notes))


def _carried(
    entry: Entry, source: Source, regions: bool, components: bool, calibration: bool
) -> tuple[Entry, list[str]]:
    notes: list[str] = []
    if entry.spectrum.navigation:
        raise BadData("an image or a series of spectra takes no region; split it first")
    if entry.spectrum.curve and (regions or components):
        raise BadData("a fitted curve of another program takes no region")
    if calibration:
        entry = _calibrated(entry, source)
    if not (regions or components) or not source.models:
        return entry, notes
    spectrum = entry.processed()
    if spectrum.axis.quantity != source.quantity:
        raise BadData(f"its axis is {_words(spectrum.axis.quantity)}, that of the model {_words(source.quantity)}")
    offset = offset_between(source, entry)
    for model in source.models:
        if regions:
            entry, said = put(entry, spectrum, model if components else replace(model, components=()), offset,
                              keep=not components)
        else:
            entry, said = _into(entry, spectrum, model, offset)
        notes += [f"{model.name or 'region'}: {text}" for text in said]
    return entry, notes


def offset_between(source: Source, entry: Entry) -> float:
    """By how much the energies of a source stand elsewhere on a spectrum: on the axis of that spectrum.

    Two referenced spectra have one scale. Where only one has a reference the scales differ by its shift, as long as
    both were charged alike.
    """
    referenced = any(step.kind == "energy_shift" for step in entry.recipe.active)
    if referenced == source.referenced:
        return 0.0
    difference = entry.recipe.energy_shift - source.shift
    return difference if source.quantity == "binding_energy" else -difference


def put(
    entry: Entry, spectrum: Spectrum, model: FitModel, offset: float = 0.0, *, keep: bool = False
) -> tuple[Entry, list[str]]:
    """A spectrum with a model on it, in place of the region that its window covers, else as one more.

    Parameters
    ----------
    spectrum : Spectrum
        The entry's, after its recipe.
    keep : bool
        Whether the components of a region that is replaced are kept.

    Raises
    ------
    BadData
        If the window does not lie on the spectrum.
    """
    new = placed(spectrum, model, offset)
    notes = list(new.notes)
    here = _overlapping(entry, new.model)
    wanted = new.model
    if keep and here is not None:
        wanted = replace(wanted, components=here.model.components)
    if here is None:
        id = fresh_id("r1", {fit.id for fit in entry.fits})
    else:
        id = here.id
        if here.model.components and not keep:
            notes.append(f"the region {here.name} was replaced")
    return entry.with_fit(RegionFit(id, wanted)), notes


def _into(entry: Entry, spectrum: Spectrum, model: FitModel, offset: float) -> tuple[Entry, list[str]]:
    """The components put into the region that is there."""
    shifted = model.moved(offset) if offset else model
    here = _overlapping(entry, shifted)
    if here is None:
        return entry, ["left out, because the spectrum has no region there"]
    wanted = replace(shifted, region=here.model.region, background=here.model.background, name=here.model.name)
    # Links to the background's numbers only hold where the background is of the same kind.
    if here.model.background.kind != model.background.kind and any(
        "background." in param.link for _, param in wanted.params.items()
    ):
        wanted = change_background(spectrum, wanted, model.background.kind)
    new = placed(spectrum, wanted)
    return entry.with_fit(RegionFit(here.id, new.model)), list(new.notes)


def _overlapping(entry: Entry, model: FitModel) -> RegionFit | None:
    """The region of a spectrum that has more than half of a window in common with a model, the most alike first."""
    best, most = None, _SAME
    low, high = model.region
    for fit in entry.fits:
        a, b = fit.model.region
        share = (min(high, b) - max(low, a)) / min(high - low, b - a)
        if share > most:
            best, most = fit, share
    return best


def _calibrated(entry: Entry, source: Source) -> Entry:
    """An entry with the charge shift of the source, its models moved along."""
    by = source.shift - entry.recipe.energy_shift
    note = source.recipe.charge_reference()
    if not source.referenced:
        if not any(step.kind == "energy_shift" for step in entry.recipe.active):
            return entry
        note = ""
    if by == 0.0 and entry.recipe.charge_reference() == note:
        return entry
    if entry.spectrum.axis.quantity not in ("binding_energy", "kinetic_energy"):
        raise BadData("only an energy axis of a photoelectron spectrum takes a charge shift")
    return shifted_entry(entry, by, f"{note} (from {source.title})" if note and source.title not in note else note)


def _words(quantity: str) -> str:
    return quantity.replace("_", " ")
