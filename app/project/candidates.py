"""Candidate models of a region of the project: which kinds there are, the search, and the choice of one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from app.project.project import Entry, Project, RegionFit
from fitting import guess
from fitting.dataset import Spectrum
from fitting.model import FitModel
from fitting.shapes import axis_direction
from fitting.solver import Cancel, Progress
from fitting.xps.candidates.grammar import Grammar, plain
from fitting.xps.candidates.rank import SEED, STARTS, Candidate, Candidates, find
from fitting.xps.candidates.states import LINES, grammar_for
from libraries.elements import parse_line
from libraries.errors import BadModel, NotDetermined, SodaliteError

STATES, PEAKS, FORM = "states", "peaks", "form"  # kinds of models that are tried


def lines_of(spectrum: Spectrum, region: tuple[float, float]) -> tuple[str, ...]:
    """Core levels that a region holds and that have cited states: as the spectrum names them, else by their energies.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    region : (low, high)
        In eV.
    """
    inside = tuple(line for line in LINES if _inside(line, region))
    named = [line for line in guess.region_lines(spectrum) if line.kind == "core"]
    wanted = {f"{line.element} {line.level[:2]}" for line in named}
    return tuple(line for line in inside if line in wanted) or (() if wanted else inside)


def _inside(line: str, region: tuple[float, float]) -> bool:
    return any(region[0] <= state.centre <= region[1] for state in grammar_for([line]).states)


def named_line(spectrum: Spectrum, region: tuple[float, float]) -> str:
    """The one core level of a region, "" where it names none or several."""
    named = [line for line in guess.region_lines(spectrum) if line.kind == "core"]
    if len(named) == 1:
        return named[0].name
    lines = lines_of(spectrum, region)
    return lines[0] if len(lines) == 1 else ""


def references_for(project: Project, entry: Entry, region: RegionFit) -> tuple[tuple[Entry, RegionFit], ...]:
    """Fitted regions of the same core level whose peaks may serve as the form of a line."""
    level = named_line(entry.processed(), region.model.region)
    if not level:
        return ()
    found = []
    for other in project.entries:
        for fit in other.fits:
            lines = {c.line for c in fit.model.components if c.line}
            same = any(_level(line) == _level(level) for line in lines)
            if fit is not region and fit.result is not None and fit.result.success and same:
                found.append((other, fit))
    return tuple(found)


def other_lines(spectrum: Spectrum, model: FitModel) -> tuple[str, ...]:
    """Lines of a region's components that are not those of the region: they stay in every candidate."""
    own = {_level(line) for line in lines_of(spectrum, model.region)}
    return tuple(sorted({c.line for c in model.components if c.line and own and _level(c.line) not in own}))


def _level(line: str) -> tuple[str, str]:
    parsed = parse_line(line)
    return parsed.element, parsed.level[:2]


def grammar(
    spectrum: Spectrum, model: FitModel, kind: str = STATES, *, lines: Sequence[str] = (),
    reference: FitModel | None = None,
) -> Grammar:
    """The models that are tried on a region.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe.
    model : FitModel
        Gives the region.
    kind : "states", "peaks" or "form"
        Chemical states of the library; peaks of one width; peaks of the form of `reference`.
    lines : sequence of str
        Core levels; by default those of the region.
    reference : FitModel, optional

    Raises
    ------
    BadModel
        If the region holds no line with cited states, or the axis is no binding energy.
    """
    if kind == STATES:
        chosen = tuple(lines) or lines_of(spectrum, model.region)
        if spectrum.axis.quantity != "binding_energy":
            raise BadModel(
                "Chemical states need a binding-energy axis", where=spectrum.name, todo="Set the photon energy first"
            )
        if not chosen:
            raise BadModel(
                "The region holds no core level with cited states", where=spectrum.name, todo="Ask for plain peaks"
            )
        return grammar_for(chosen)
    if kind == FORM and reference is None:
        raise BadModel("No reference was chosen for the form of the line", where=spectrum.name)
    line = lines[0] if lines else named_line(spectrum, model.region)
    return plain(
        model, line=line, reference=reference if kind == FORM else None,
        direction=axis_direction(spectrum.axis.quantity),
    )


def find_candidates(
    project: Project, entry_id: str, fit_id: str, kind: str = STATES, *, lines: Sequence[str] = (),
    reference: FitModel | None = None, starts: int = STARTS, seed: int = SEED, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Candidates:
    """Candidate models of a region, on its background and with its components of other lines; nothing is changed.

    Raises
    ------
    BadModel, NotDetermined, Cancelled
        As `grammar` and `fitting.xps.candidates.rank.find`.
    """
    entry = project.entry(entry_id)
    spectrum, model = entry.processed(), entry.fit(fit_id).model
    allowed = grammar(spectrum, model, kind, lines=lines, reference=reference)
    base = base_of(spectrum, model, allowed)
    return find(spectrum, base, allowed, starts=starts, seed=seed, progress=progress, cancel=cancel)


def base_of(spectrum: Spectrum, model: FitModel, allowed: Grammar) -> FitModel:
    """What stays in every candidate: region, background begun from the data, and components of other core levels."""
    levels = {_level(state.line) for state in allowed.states if state.line}
    other = {c.id for c in model.components if c.line and levels and _level(c.line) not in levels}
    kept = model.without(*(c.id for c in model.components if c.id not in other))
    if any(param.link for _, param in kept.background.params):
        raise BadModel("The background is linked to components", where=model.name, todo="Remove the link first")
    try:
        fresh = guess.change_background(spectrum, kept, model.background.kind)
    except SodaliteError:
        return kept
    params = tuple(
        (name, param.at(min(max(fresh.background.value(name), param.minimum), param.maximum)) if param.vary else param)
        for name, param in kept.background.params
    )
    return replace(kept, background=replace(kept.background, params=params))


def use(project: Project, entry_id: str, fit_id: str, candidate: Candidate) -> Project:
    """The project with a candidate as the model and result of a region.

    Raises
    ------
    NotDetermined
        If the spectrum or the region changed since the search.
    """
    entry = project.entry(entry_id)
    region = entry.fit(fit_id)
    same = candidate.result.data_hash == entry.processed().hash and candidate.model.region == region.model.region
    if not same:
        raise NotDetermined(
            "Region or data changed since the candidates were found", where=region.name, todo="Find them again"
        )
    model = replace(candidate.model, name=region.model.name, extra=region.model.extra)
    return project.with_entry(entry.with_fit(RegionFit(region.id, model, replace(candidate.result, model=model))))
