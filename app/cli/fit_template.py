"""`sodalite fit FILE --template NAME`: all regions of a template on the spectra of a file."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from app.cli.inputs import everything_in, is_project
from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import SodaliteError, UnknownName

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from app.project.template import Template
    from fitting.xps.quantify import Composition


def is_plain(template: Template) -> bool:
    """Whether a template is one model and nothing else."""
    return len(template.regions) == 1 and template.reference is None and not template.ties


def run(arguments: argparse.Namespace, template: Template) -> int:
    """Match, fit, save, print; the exit status.

    Raises
    ------
    UnknownName
        If no spectrum matches, or options were given that are for one model.
    """
    from datetime import UTC, datetime

    from app.files.export import write_components
    from app.project import store
    from app.project.template_apply import analyse

    if arguments.starts > 1 or arguments.intervals or arguments.calibrate or arguments.bootstrap:
        raise UnknownName(
            "--starts and intervals are for a single model", where=arguments.template,
            todo="Fit with the template first, then one region with its own model",
        )
    project = _split(everything_in(arguments.file), is_project(arguments.file))
    entries = _chosen(project, arguments)
    with Progress() as progress:
        done = analyse(project, template, tuple(e.id for e in entries), progress)
    for note in done.notes:
        say(one_line(note))
    if not done.placed:
        raise UnknownName(
            f"No spectrum matches the template '{arguments.template}'", where=str(arguments.file),
            todo="See its regions by `sodalite templates NAME`, the spectra by `sodalite info FILE`",
        )
    when = datetime.now(UTC).isoformat(timespec="seconds")
    project = done.project.with_history(when, f"Fitted with the template {arguments.template}")
    store.save(project, arguments.output)
    if arguments.csv:
        write_components(arguments.csv, project)
    return _print(arguments, project, done.placed)


def _split(project: Project, keep: bool) -> Project:
    """The levels of series in a file as spectra; a project stays as its owner made it."""
    from app.project import series

    for entry in project.entries:
        if len(entry.spectrum.navigation) == 1 and not keep:
            project, _ = series.split(project, entry.id)
    return project


def _chosen(project: Project, arguments: argparse.Namespace) -> list[Entry]:
    entries = [e for e in project.entries if not e.spectrum.navigation]
    name = arguments.spectrum
    if name is None:
        return entries
    named = [e for e in entries if name in (e.title, e.id)]
    named = named or [e for i, e in enumerate(project.entries) if name == str(i) and e in entries]
    if not named:
        listed = ", ".join(dict.fromkeys(one_line(e.title) for e in entries))
        raise UnknownName(f"There is no spectrum '{name}'", where=str(arguments.file), todo=f"There are: {listed}")
    return named


def _print(arguments: argparse.Namespace, project: Project, placed: tuple[tuple[str, str, str], ...]) -> int:
    """Regions and compositions."""
    from app.cli.composition import element_objects, elements_text, region_object, region_text

    regions = [(project.entry(entry), project.entry(entry).fit(region)) for entry, region, _ in placed]
    samples = dict.fromkeys(entry.sample for entry, _ in regions if entry.sample)
    tables = {project.sample(id).name: _composition(project, id) for id in samples}
    if arguments.json:
        print_json({
            "file": str(arguments.file), "project": str(arguments.output),
            "regions": [region_object(entry, fit) for entry, fit in regions],
            "compositions": {name: element_objects(found) for name, found in tables.items()},
        })
    else:
        print("\n\n".join(region_text(entry, fit) for entry, fit in regions))
        for name, found in tables.items():
            if found is not None:
                print(f"\n{one_line(name)}\n{elements_text(found)}")
        print(f"\n{arguments.output}")
    failed = [(e, f) for e, f in regions if f.model.components and (f.result is None or not f.result.success)]
    for entry, fit in failed:
        say(f"{one_line(entry.title)}: {fit.result.message if fit.result is not None else 'It was not fitted.'}")
    return NOT_DONE if failed else DONE


def _composition(project: Project, sample: str) -> Composition | None:
    from app.project.compose import composition

    try:
        found = composition(project, sample)
    except SodaliteError as error:
        say(f"No composition: {one_line(str(error))}")
        return None
    for warning in found.warnings:
        say(one_line(warning))
    return found
