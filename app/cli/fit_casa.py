"""`sodalite fit FILE --casa`: the regions and components that CasaXPS stored in a file, fitted again."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import BadData, SodaliteError, UnknownName

if TYPE_CHECKING:
    from app.project.project import Project


def add(group: Any) -> None:
    """The option, as another source of a model."""
    group.add_argument(
        "--casa", action="store_true",
        help="the regions, components, links and calibrations that CasaXPS stored in FILE; of one spectrum or of all",
    )


def run(arguments: argparse.Namespace) -> int:
    """Take over, fit every region, save, print."""
    from app.files.export import write_components
    from app.project import casa, store

    project = everything_in(arguments.file)
    ids = _named(project, arguments.spectrum, str(arguments.file))
    taken = casa.take_over(project, ids)
    for text in taken.warnings:
        say(one_line(text))
    if not taken.regions:
        raise BadData(
            "CasaXPS stored no region with these spectra", where=str(arguments.file),
            todo="Fit with a model or a template instead",
        )
    with Progress() as progress:
        project, failed = _fitted(taken.project, ids, arguments.starts, progress)
    store.save(project, arguments.output)
    if arguments.csv:
        write_components(arguments.csv, project)
    _print(arguments, project, ids)
    return NOT_DONE if failed else DONE


def _named(project: Project, name: str | None, where: str) -> list[str]:
    if name is None:
        return [entry.id for entry in project.entries]
    found = [e.id for i, e in enumerate(project.entries) if name in (e.title, e.id, str(i))]
    if not found:
        raise UnknownName(f"No spectrum is called '{name}'", where=where, todo="List them by `sodalite info`")
    return found


def _fitted(project: Project, ids: list[str], starts: int, progress: Progress) -> tuple[Project, int]:
    """The project with all regions fitted that have components, and how many did not come to an end."""
    from app.project import casa, work

    todo = [
        (entry.id, fit.id) for entry in project.entries
        if entry.id in ids and casa.is_taken(entry) for fit in entry.fits if fit.model.components
    ]  # fmt: skip
    failed = 0
    for number, (entry, fit) in enumerate(todo):
        title = project.entry(entry).title
        progress(number / len(todo), title)
        try:
            if starts > 1:
                project = work.fit_from_many_starts(project, entry, fit, starts=starts).project
            else:
                project = work.fit_region(project, entry, fit)
        except SodaliteError as error:
            failed += 1
            say(f"{one_line(title)}: {one_line(str(error))}")
            continue
        result = project.entry(entry).fit(fit).result
        if result is not None and not result.success:
            failed += 1
            say(f"{one_line(title)}: {result.message}")
    return project, failed


def _print(arguments: argparse.Namespace, project: Project, ids: list[str]) -> None:
    from app.cli.composition import element_objects, elements_text, region_object, region_text
    from app.project import casa

    fitted = [(e, f) for e in project.entries if e.id in ids for f in e.fits if f.result is not None]
    tables = {}
    for sample in project.samples:
        try:
            tables[sample.name] = casa.composition(project, sample.id)
        except SodaliteError as error:
            say(f"{one_line(sample.name)}: no composition. {one_line(str(error))}")
    if arguments.json:
        answer = {"file": str(arguments.file), "project": str(arguments.output)}
        rows = [region_object(entry, fit) for entry, fit in fitted]
        print_json(answer | {"regions": rows, "compositions": {n: element_objects(t) for n, t in tables.items()}})
        return
    for entry, fit in fitted:
        print(region_text(entry, fit) + "\n")
    for name, table in tables.items():
        print(f"{one_line(name)}, with the factors of CasaXPS\n{elements_text(table)}\n")
    print(arguments.output)
