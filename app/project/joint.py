"""Ties between regions of a project: made, named, tidied up, and the tied regions fitted together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from app.project.project import Entry, Project, RegionFit, Tie
from fitting.constraint_words import Constraint, read
from fitting.constraints import Dual, parse
from fitting.dataset import FloatArray
from fitting.joint import JointResult, Part, covariance_at, fit_joint
from fitting.joint_links import Place, checked, groups, place, references, rewritten
from fitting.joint_table import tabulated
from fitting.model import BACKGROUND, FitModel
from fitting.result import FitResult
from fitting.solver import Cancel, Progress
from libraries.errors import BadModel, Cancelled, SodaliteError, UnknownName


def key_of(entry_id: str, region_id: str) -> str:
    """How ties name a region."""
    return f"{entry_id}/{region_id}"


def region_of(project: Project, key: str) -> tuple[Entry, RegionFit]:
    """The entry and region of a key; raises UnknownName."""
    entry_id, _, region_id = key.rpartition("/")
    entry = project.entry(entry_id)
    return entry, entry.fit(region_id)


# -- which ties there are ---------------------------------------------------------------------------------------------


def _exists(project: Project, there: Place) -> bool:
    try:
        return there.name in region_of(project, there.key)[1].model.params
    except UnknownName:
        return False


def _whole(project: Project, tie: Tie) -> bool:
    """Whether everything that a tie names exists."""
    try:
        home = place(tie.target)
        plain = [Place(home.key, name) for name in checked(tie.formula, tie.target).names if "other" not in name]
        return all(_exists(project, there) for there in (home, *plain, *references(tie.formula)))
    except BadModel:
        return False


def ties_of(project: Project) -> dict[str, str]:
    """Formulas by target of all ties whose regions and components exist."""
    return {tie.target: tie.formula for tie in project.ties if _whole(project, tie)}


def tied_to(project: Project, entry_id: str, region_id: str) -> dict[str, Tie]:
    """The ties that a region follows, by the parameter's name in the region."""
    key = key_of(entry_id, region_id)
    return {place(tie.target).name: tie for tie in project.ties if _is_at(tie.target, key)}


def _is_at(target: str, key: str) -> bool:
    try:
        return place(target).key == key
    except BadModel:
        return False


def group_of(project: Project, entry_id: str, region_id: str) -> tuple[str, ...]:
    """Keys of the regions that must be fitted together with one, itself among them."""
    key = key_of(entry_id, region_id)
    return next((group for group in all_groups(project) if key in group), (key,))


def all_groups(project: Project) -> tuple[tuple[str, ...], ...]:
    """All regions of the project, those that are tied in one group."""
    keys = [key_of(entry.id, fit.id) for entry in project.entries for fit in entry.fits]
    return groups(keys, ties_of(project))


def is_tied(project: Project, entry_id: str, region_id: str) -> bool:
    """Whether a region is tied to another one."""
    return bool(project.ties) and len(group_of(project, entry_id, region_id)) > 1


def _ties_in(project: Project, group: Sequence[str]) -> dict[str, str]:
    return {target: formula for target, formula in ties_of(project).items() if place(target).key in group}


# -- edits ------------------------------------------------------------------------------------------------------------


def with_tie(project: Project, target: str, formula: str, note: str = "") -> Project:
    """The project with a parameter tied; its own link goes, its value follows, results of the tied regions go.

    Raises
    ------
    BadModel
        If the formula is not understood, names what does not exist, or ties run in a circle.
    """
    home = place(target)
    checked(formula, target)
    for there in (home, *references(formula)):
        if not _exists(project, there):
            raise BadModel("There is no such parameter to tie", where=str(there))
    kept = tuple(tie for tie in project.ties if tie.target != str(home))
    project = replace(project, ties=(*kept, Tie(str(home), formula, note)))
    group = group_of(project, *_ids(home.key))
    models = [(key, region_of(project, key)[1].model) for key in group]
    tabulated(models, _ties_in(project, group))  # refuses circles
    project = _changed(project, home, link="", value=_followed(project, home, formula))
    return without_results(project, group)


def without_tie(project: Project, target: str) -> Project:
    """The project without a tie; its parameter is free again, inside its bounds."""
    home = place(target)
    group = group_of(project, *_ids(home.key))
    project = replace(project, ties=tuple(tie for tie in project.ties if tie.target != str(home)))
    if _exists(project, home):
        param = region_of(project, home.key)[1].model.params[home.name]
        project = _changed(project, home, value=float(np.clip(param.value, param.minimum, param.maximum)))
    return without_results(project, group)


def _ids(key: str) -> tuple[str, str]:
    entry_id, _, region_id = key.rpartition("/")
    return entry_id, region_id


def _changed(project: Project, at: Place, *, value: float, link: str | None = None) -> Project:
    entry, region = region_of(project, at.key)
    param = region.model.params[at.name]
    param = replace(param.at(value), link=param.link if link is None else link)
    model = region.model.with_params({at.name: param})
    if model == region.model:
        return project
    return project.with_entry(entry.with_fit(RegionFit(region.id, model)))


def without_results(project: Project, group: Sequence[str]) -> Project:
    """The project without the results of some regions."""
    for key in group:
        entry, region = region_of(project, key)
        if region.result is not None:
            project = project.with_entry(entry.with_fit(RegionFit(region.id, region.model)))
    return project


def _followed(project: Project, home: Place, formula: str) -> float:
    """What a formula gives with the values as they are."""
    values: dict[str, Dual] = {}

    def named(there: Place) -> str:
        name = f"other{len(values)}.value"
        values[name] = Dual(region_of(project, there.key)[1].model.params[there.name].value, {})
        return name

    own = region_of(project, home.key)[1].model.params
    text = rewritten(formula, lambda id: id, named)
    values |= {name: Dual(param.value, {}) for name, param in own.items()}
    try:
        return parse(text).evaluate(values).value
    except BadModel as error:
        raise BadModel(error.what, where=formula, todo=error.todo or "Change the formula") from None


def tidied(project: Project) -> tuple[Project, tuple[str, ...]]:
    """The project without ties of what no longer exists, and a note for each that went.

    Ties hold ids, so that renaming spectra, regions or components leaves them alone.
    """
    lost = [tie for tie in project.ties if not _whole(project, tie)]
    if not lost:
        return project, ()
    notes = tuple(f"The tie {_lost_words(project, tie)} ended: what it named is no longer there" for tie in lost)
    return replace(project, ties=tuple(tie for tie in project.ties if tie not in lost)), notes


def kept_ties(before: Project, after: Project, entry_id: str) -> tuple[Project, tuple[str, ...]]:
    """The project without ties to components of a spectrum that others took the place of, and a note for each.

    A new model numbers its components anew: "p1" of a region that was replaced is another line than before. Spectra
    that were tied lose their results.
    """

    def identity(project: Project, there: Place) -> object:
        try:
            model = region_of(project, there.key)[1].model
            component = model.component(there.owner) if there.owner != BACKGROUND else None
        except (UnknownName, BadModel):
            return None
        return (component.name, component.line, component.shape) if component else model.background.kind

    lost, changed = [], set()
    for tie in before.ties:
        if tie not in after.ties or not _whole(before, tie):
            continue
        home = place(tie.target)
        own = [Place(home.key, name) for name in checked(tie.formula, tie.target).names if not name.startswith("other")]
        named = {home, *own, *references(tie.formula)}
        mine = [there for there in named if there.key.rpartition("/")[0] == entry_id]
        if any(identity(before, there) != identity(after, there) for there in mine):
            lost.append(tie)
            changed |= {there.key for there in named}
    if not lost:
        return after, ()
    notes = tuple(f"the tie of {label(before, place(tie.target))} ended: what it named was replaced" for tie in lost)
    after = replace(after, ties=tuple(tie for tie in after.ties if tie not in lost))
    known = {key_of(entry.id, fit.id) for entry in after.entries for fit in entry.fits}
    return without_results(after, sorted(changed & known)), notes


def _lost_words(project: Project, tie: Tie) -> str:
    try:
        return f"of {label(project, place(tie.target))}"
    except SodaliteError:
        return f"“{tie.target} = {tie.formula}”"


# -- words ------------------------------------------------------------------------------------------------------------


def region_name(project: Project, key: str, home: str) -> str:
    """What a region is called seen from another: "O 1s", or with its sample where that is another one."""
    entry, region = region_of(project, key)
    at_home = region_of(project, home)[0].sample if home else entry.sample
    twins = [
        other for e in project.entries_of(entry.sample) for other in e.fits
        if other.name == region.name and key_of(e.id, other.id) != key
    ]
    name = f"{entry.title}, {region.name}" if twins and entry.title != region.name else region.name
    if twins and name == region.name:
        name = f"{region.name} ({key})"
    return name if entry.sample == at_home else f"{_sample_name(project, entry)} / {name}"


def _sample_name(project: Project, entry: Entry) -> str:
    try:
        return project.sample(entry.sample).name
    except UnknownName:
        return entry.sample or entry.title


def component_names(model: FitModel) -> dict[str, str]:
    """Names by id; a name that two components share gets the id behind it."""
    titles = [c.name or c.id for c in model.components]
    return {
        c.id: name if titles.count(name) == 1 else f"{name} ({c.id})"
        for c, name in zip(model.components, titles, strict=True)
    }


def owners(project: Project, key: str) -> dict[str, str]:
    """What may be named in a constraint of a region: name to owner ("p1", or "entry/region/p1" elsewhere)."""
    _, region = region_of(project, key)
    found: dict[str, str] = {}
    for entry in project.entries:
        for other in entry.fits:
            there = key_of(entry.id, other.id)
            if there == key:
                continue
            name = region_name(project, there, key)
            for id, title in component_names(other.model).items():
                found.setdefault(f"{name}: {title}", f"{there}/{id}")
    local = component_names(region.model)
    return found | {id: id for id in local} | {name: id for id, name in local.items()}


def understood(project: Project, entry_id: str, region_id: str, name: str, text: str) -> Constraint:
    """What a text typed for a parameter means: a link, a tie, bounds or a hold.

    Raises
    ------
    BadModel
        If it is not understood or names what does not exist.
    """
    key = key_of(entry_id, region_id)
    found = read(text, name.partition(".")[2], owners(project, key))
    if found.foreign:
        for there in references(str(found.link)):
            if not _exists(project, there):
                raise BadModel(f"{label(project, there, key, short=True)} has no {there.name.partition('.')[2]}",
                               where=text.strip(), todo="Name a parameter that it has, as in “O 1s: CO3.fwhm”")
    return found


def label(project: Project, there: Place, home: str = "", *, short: bool = False) -> str:
    """A parameter or, short, its component, in words: "area of O 1s: CO3"."""
    _, region = region_of(project, there.key)
    owner, _, parameter = there.name.partition(".")
    name = "the background" if owner == BACKGROUND else component_names(region.model).get(owner, owner)
    where = f"{region_name(project, there.key, home)}: {name}"
    return where if short else f"{parameter.replace('_', ' ')} of {where}"


def in_words(project: Project, tie: Tie) -> str:
    """The formula of a tie as people read and type it: "O 1s: CO3 × 0.33"."""
    home = place(tie.target)
    own = home.name.partition(".")[2]
    local = component_names(region_of(project, home.key)[1].model)

    def other(there: Place) -> str:
        parameter = there.name.partition(".")[2]
        name = label(project, there, home.key, short=True)
        return name if parameter == own else f"{name}.{parameter}"

    text = rewritten(tie.formula, lambda id: local.get(id, id), other)
    text = re.sub(rf"\.{re.escape(own)}\b", "", text) if own else text
    return re.sub(r"\s*\*\s*(?!\*)", " × ", re.sub(r"\s*(\+-|\+/-)\s*", " ± ", text)).strip()


# -- fits -------------------------------------------------------------------------------------------------------------


def fit_group(
    project: Project, group: Sequence[str], progress: Progress | None = None, cancel: Cancel | None = None
) -> tuple[Project, JointResult]:
    """Fit tied regions together; their models take the fitted values.

    Raises
    ------
    Cancelled
        If the user stopped it; nothing is changed then.
    BadData, BadModel, FitFailed
        If it cannot be carried out.
    """
    parts = _parts(project, group)
    found = fit_joint(parts, _ties_in(project, group), progress, cancel)
    if found.status == "cancelled":
        raise Cancelled("The fit was stopped", where=", ".join(part.title for part in parts))
    for key in group:
        entry, region = region_of(project, key)
        result = found.results[key]
        project = project.with_entry(entry.with_fit(RegionFit(region.id, result.model, result)))
    return project, found


def _parts(project: Project, group: Sequence[str]) -> list[Part]:
    return [Part(key, entry.processed(), region.model)
            for key in group for entry, region in [region_of(project, key)]]


def cross_covariance(project: Project, keys: Sequence[str]) -> dict[tuple[str, str], FloatArray]:
    """Covariance between the parameters of regions that were fitted together.

    Parameters
    ----------
    keys : sequence of str
        Regions of one composition; regions without a result are left out.

    Returns
    -------
    dict
        (key, other key) to the covariance of the first's parameters (rows) with the second's, in the order of
        `FitResult.names`; pairs that were not fitted together are not in it. NaN where it is not determined.
    """
    found: dict[tuple[str, str], FloatArray] = {}
    wanted = set(keys)
    for group in all_groups(project):
        if len(group) < 2 or len(wanted & set(group)) < 2:
            continue
        results = {key: region_of(project, key)[1].result for key in group}
        fitted = {key: result for key, result in results.items() if result is not None}
        if len(fitted) < len(group):
            continue
        found |= _blocks(project, group, fitted, wanted)
    return found


def _blocks(
    project: Project, group: Sequence[str], results: dict[str, FitResult], wanted: set[str]
) -> dict[tuple[str, str], FloatArray]:
    """Blocks of one group; none where a region's own covariance is not that of the joint fit."""
    covariance = covariance_at(_parts(project, group), _ties_in(project, group), results)
    ends = np.cumsum([0, *(len(results[key].names) for key in group)])
    places = {key: slice(ends[i], ends[i + 1]) for i, key in enumerate(group)}
    for key in group:
        own, again = np.diag(results[key].covariance), np.diag(covariance[places[key], places[key]])
        if not np.allclose(own, again, rtol=1e-3, atol=0.0, equal_nan=True):
            return {}
    return {
        (a, b): covariance[places[a], places[b]] for a in group for b in group if a != b and {a, b} <= wanted
    }
