"""Templates put on spectra: which region belongs where, the charge shift they have in common, and its settling."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from app.project import joint
from app.project.project import Entry, Project, Tie
from app.project.propagate import put
from app.project.template import NAMED, Template, TemplateRegion, reference_component, reference_words, shells
from app.project.work import fit_region, shifted_entry
from fitting.guess import region_lines
from fitting.placing import LEAST_SHARE, best_offset, share_inside
from fitting.solver import Cancel, Progress
from libraries.attenuation import material
from libraries.errors import Cancelled, NotDetermined, SodaliteError

# A spectrum whose name says nothing is taken for a region only where its steps are those of a detail spectrum, not of
# a survey (in eV), or where the window is a good part of it.
_DETAIL_STEP, _DETAIL_SHARE = 0.3, 0.3



@dataclass(frozen=True, eq=False)
class Applied:
    """What came of a template.

    Attributes
    ----------
    project : Project
    placed : tuple of (entry id, region id, key)
        Every region that was put on a spectrum.
    notes : tuple of str
        What did not match or was changed on the way, one sentence each.
    """

    project: Project
    placed: tuple[tuple[str, str, str], ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def entries(self) -> tuple[str, ...]:
        """Ids of the spectra that took a region."""
        return tuple(dict.fromkeys(entry for entry, _, _ in self.placed))


def apply_template(project: Project, template: Template, ids: tuple[str, ...]) -> Applied:
    """The template put on spectra; nothing is fitted.

    Spectra of one sample and level belong together: the charge shift that a template with a reference finds is theirs
    in common. It is only looked for where the spectra have no charge reference yet; `settle_reference` makes it exact
    once the reference line is fitted.

    Parameters
    ----------
    ids : tuple of str
        Of the spectra that may take a region.
    """
    groups: dict[tuple[str, str, float | None], list[str]] = {}
    for id in ids:
        entry = project.entry(id)
        groups.setdefault((entry.sample, entry.variable, entry.value), []).append(id)
    placed: list[tuple[str, str, str]] = []
    notes: list[str] = []
    for (sample, _, _), members in groups.items():
        one = _apply_to_group(project, template, members)
        project = one.project
        placed += one.placed
        name = project.sample(sample).name if sample else ""
        notes += [f"{name}: {text}" if name and len(groups) > 1 else text for text in one.notes]
        if one.placed and sample:
            project, said = _settings(project, template, sample)
            notes += [text for text in said if text not in notes]
    return Applied(project, tuple(placed), tuple(notes))


def _apply_to_group(project: Project, template: Template, members: list[str]) -> Applied:
    entries = [project.entry(id) for id in members]
    chosen, notes = matches(template, entries)
    if template.reference is not None and chosen:
        project, said = _aligned(project, template, members, chosen)
        notes += said
    placed: list[tuple[str, str, str]] = []
    for region, id in chosen:
        entry = project.entry(id)
        named = region.model if region.model.name else replace(region.model, name=region.key)
        try:
            after, said = put(entry, entry.processed(), named, _off(template, region.quantity))
        except SodaliteError as error:
            notes.append(f"{region.key}: {error.what}")
            continue
        notes += [f"{entry.title}, {region.key}: {text}" for text in said]
        project, said = joint.kept_ties(project, project.with_entry(after), id)
        notes += [f"{entry.title}, {region.key}: {text}" for text in said]
        new = next(f for f in after.fits if not any(f is old for old in entry.fits))
        placed.append((id, new.id, region.key))
    project, said = _tied(project, template, placed)
    return Applied(project, tuple(placed), (*notes, *said))


def matches(template: Template, entries: list[Entry]) -> tuple[list[tuple[TemplateRegion, str]], list[str]]:
    """Which region goes on which spectra (ids), and what was not matched.

    The same name counts most, then a line in common, then, for a spectrum whose name says nothing, a detail spectrum
    that holds the window.
    """
    chosen: list[tuple[TemplateRegion, str]] = []
    notes: list[str] = []
    taken: set[str] = set()
    for region in template.regions:
        scores = {entry.id: _score(region, entry) for entry in entries}
        best = max(scores.values(), default=0)
        found = [id for id, score in scores.items() if score == best and score > 0]
        chosen += [(region, id) for id in found]
        taken.update(found)
        if not found:
            notes.append(f"{region.key}: no spectrum of that name, line or energy")
    left = [entry.title for entry in entries if entry.id not in taken]
    if left:
        notes.append(f"Without a region in the template: {', '.join(dict.fromkeys(left))}")
    return chosen, notes


def _score(region: TemplateRegion, entry: Entry) -> int:
    if entry.spectrum.navigation or entry.spectrum.curve:
        return 0
    spectrum = entry.processed()
    if spectrum.axis.quantity != region.quantity:
        return 0
    # The levels of a series bear their value in their title; the spectrum keeps the name of its region.
    if region.spectrum and _plain(region.spectrum) in (_plain(entry.title), _plain(entry.spectrum.name)):
        return 3
    here = set(shells(entry.title)) | {f"{line.element} {line.shell}" for line in region_lines(spectrum)
                                       if line.kind == "core"}
    if here:
        return 2 if here & set(region.lines) else 0
    low, high = region.model.region
    span = float(spectrum.x[-1] - spectrum.x[0])
    detail = spectrum.axis.step <= _DETAIL_STEP or high - low >= _DETAIL_SHARE * span
    return 1 if detail and share_inside(spectrum, region.model.region) >= LEAST_SHARE else 0


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", "", text).casefold()


def _off(template: Template, quantity: str = "binding_energy") -> float:
    """By how much the energies of a template stand below those at which its reference line has its energy, in eV.

    On an axis of kinetic energies the same shift has the other sign.
    """
    if template.reference is None or quantity not in ("binding_energy", "kinetic_energy"):
        return 0.0
    region, id = reference_component(template)
    if region.quantity != "binding_energy":
        return 0.0
    off = template.reference.energy - region.model.component(id).value("position")
    return off if quantity == "binding_energy" else -off


def _aligned(
    project: Project, template: Template, members: list[str], chosen: list[tuple[TemplateRegion, str]]
) -> tuple[Project, list[str]]:
    """The charge shift of spectra that have none yet, found from all lines of the template together."""
    first = project.entry(members[0])
    group = _group(project, first)
    if any(step.kind == "energy_shift" for entry in group for step in entry.recipe.active):
        return project, []
    parts = [
        (project.entry(entry).processed(), region.model.moved(_off(template)))
        for region, entry in chosen
        if region.quantity == "binding_energy" and region.model.components
    ]
    try:
        offset = best_offset(parts)
    except NotDetermined as error:
        return project, [f"No charge reference: {error.what}"]
    note = f"{reference_words(template)}{_provisionally(template)}"
    for entry in group:
        project = project.with_entry(shifted_entry(entry, -offset, note))
    return project, []


def _group(project: Project, entry: Entry) -> list[Entry]:
    """The spectra of the same sample and level, which were charged alike."""
    key = entry.sample, entry.variable, entry.value
    return [e for e in project.entries if (e.sample, e.variable, e.value) == key]


def _provisionally(template: Template) -> str:
    return f", lines of '{template.name}' matched before the fit"


def waiting_for(entry: Entry) -> str:
    """Name of the template whose reference line is still to be fitted before the charge reference is exact; or ""."""
    match = re.search(r", lines of '(.+)' matched before the fit\Z", entry.recipe.charge_reference())
    return match[1] if match else ""


def analyse(
    project: Project, template: Template, ids: tuple[str, ...], progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Applied:
    """Apply a template, fit what it placed, and settle the charge reference.

    A region that cannot be fitted is noted and stays unfitted; the others go on.

    Raises
    ------
    Cancelled
        If the user stopped it.
    """
    applied = apply_template(project, template, ids)
    project, notes = applied.project, list(applied.notes)
    for number, (entry, region, _) in enumerate(applied.placed):
        name = f"{project.entry(entry).title}, {project.entry(entry).fit(region).name}"
        if progress is not None:
            progress(number / len(applied.placed), name)
        if cancel is not None and cancel():
            raise Cancelled("The fits were stopped")
        # A fit of regions that are tied has fitted its partners already.
        if project.entry(entry).fit(region).result is not None or not project.entry(entry).fit(region).model.components:
            continue
        try:
            project = fit_region(project, entry, region, None, cancel)
        except Cancelled:
            raise
        except SodaliteError as error:
            notes.append(f"{name}: {error.what}")
    applied = replace(applied, project=project)
    project, said = settle_reference(project, template, applied)
    return replace(applied, project=project, notes=(*notes, *said))


def settle_reference(project: Project, template: Template, applied: Applied) -> tuple[Project, tuple[str, ...]]:
    """The charge reference made exact: once fitted, the reference line of each group stands at its energy.

    Returns
    -------
    Project
    tuple of str
        Where that could not be done.
    """
    if template.reference is None:
        return project, ()
    region, component = reference_component(template)
    notes = []
    words = reference_words(template)
    for entry_id, fit_id, key in applied.placed:
        if key != region.key or region.quantity != "binding_energy":
            continue
        entry = project.entry(entry_id)
        result = entry.fit(fit_id).result
        if result is None or not result.success:
            notes.append(f"{entry.title}: the reference line is not fitted, its charge reference is provisional")
            continue
        # A shift that the analyst set is not touched.
        group = [e for e in _group(project, entry) if e.recipe.charge_reference().endswith(_provisionally(template))]
        move = template.reference.energy - result.model.component(component).value("position")
        for member in group:
            project = project.with_entry(shifted_entry(member, move, words))
    return project, tuple(notes)


def _settings(project: Project, template: Template, sample_id: str) -> tuple[Project, list[str]]:
    """Material and factor set of the template, where the sample has none of its own and the program knows them."""
    sample = project.sample(sample_id)
    notes = []
    if template.material and not sample.material:
        try:
            sample = replace(sample, material=material(template.material).name)
        except SodaliteError:
            notes.append(f"The material {template.material} of the template is not known here")
    if template.factors and not sample.factors:
        if template.factors in dict(project.factor_sets):
            sample = replace(sample, factors=template.factors)
        else:
            notes.append(f"The factor set {template.factors} of the template is not in this project")
    return project.with_sample(sample), notes


def _tied(
    project: Project, template: Template, placed: list[tuple[str, str, str]]
) -> tuple[Project, list[str]]:
    """The template's links between regions, where each of their regions went on one spectrum."""
    if not template.ties:
        return project, []
    places: dict[str, list[str]] = {}
    for entry, region, key in placed:
        places.setdefault(key, []).append(f"{entry}/{region}")
    ties, notes = [], []
    for tie in template.ties:
        keys = {text.partition("/")[0] for text in (tie.target, *NAMED.findall(tie.formula))}
        if any(len(places.get(key, ())) != 1 for key in keys):
            notes.append(f"The link of {tie.target} was left out: its regions are not there once each")
            continue

        def outward(text: str) -> str:
            key, _, parameter = text.partition("/")
            return f"{places[key][0]}/{parameter}"

        formula = NAMED.sub(lambda match: "{" + outward(match[1]) + "}", tie.formula)
        ties.append(Tie(outward(tie.target), formula, tie.note))
    targets = {tie.target for tie in ties}
    kept = tuple(tie for tie in project.ties if tie.target not in targets)
    return replace(project, ties=(*kept, *ties)), notes
