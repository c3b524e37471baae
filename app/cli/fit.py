"""`sodalite fit`: one spectrum with a model."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli import fit_casa, fit_template, intervals
from app.cli.inputs import check_target, everything_in, is_project, same_file
from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import BadFile, BadModel, CannotWrite, SodaliteError, UnknownName

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from fitting.model import FitModel
    from fitting.xps.quantify import Composition


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "fit",
        help="fit a spectrum with a model or a template",
        description="Fit one spectrum of FILE with a model and save spectrum, model and result as a project. Of a "
        "project, all is kept and the region is added. A fit that does not converge is saved too, with status 1.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="data file or project")
    parser.add_argument(
        "--spectrum", metavar="NAME", help="name or number of the spectrum (sodalite info); needed if there are several"
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--model", type=Path, metavar="MODEL.json", help="region, background and components")
    source.add_argument("--template", metavar="NAME", help="one that the program or you have (sodalite templates)")
    fit_casa.add(source)
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.sodalite", help="project to write")
    parser.add_argument(
        "--csv", type=Path, metavar="OUT.csv",
        help="also write the components as a table, and intervals to OUT-intervals.csv",
    )
    parser.add_argument(
        "--starts", type=_count, default=1, metavar="N", help="fit from N random starts about the model, keep the best"
    )
    intervals.add(parser)
    parser.add_argument("--json", action="store_true", help="print components, reduced_chi2, composition as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Fit, save, print."""
    from app.files.export import write_components
    from app.project import store, template_file, work
    from app.project.project import RegionFit, fresh_id

    _check_output(arguments.file, arguments.output)
    if arguments.csv:
        check_target(arguments.csv, arguments.file)
    if arguments.casa:
        return fit_casa.run(arguments)
    if arguments.template:
        template = template_file.get(arguments.template)
        if not fit_template.is_plain(template):
            return fit_template.run(arguments, template)
    model = model_of(arguments)
    project = everything_in(arguments.file)
    keep = is_project(arguments.file)
    entry = _chosen(project, arguments.spectrum, model, arguments.file)
    if not keep:
        project = replace(project, entries=(entry,), samples=(project.sample(entry.sample),))
    id = fresh_id("r1", {fit.id for fit in entry.fits})
    project = project.with_entry(entry.with_fit(RegionFit(id, model)))
    with Progress() as progress:
        if arguments.starts > 1:
            many = work.fit_from_many_starts(project, entry.id, id, progress, starts=arguments.starts)
            project = many.project
        else:
            project = work.fit_region(project, entry.id, id, progress=progress)
    if arguments.starts > 1:
        say(str(many))
    project = _noted(project, f"Fitted {entry.title} with {(arguments.model or arguments.template)}")
    store.save(project, arguments.output)
    if arguments.csv:
        write_components(arguments.csv, project)
    fitted = project.entry(entry.id)
    found = intervals.uncertainties(arguments, fitted, fitted.fit(id))
    if arguments.csv and (found.profiles or found.bootstrap):
        intervals.write(intervals.csv_name(arguments.csv), found, fitted, fitted.fit(id))
    return _print(arguments, project, entry.id, id, found)


def _check_output(source: Path, target: Path) -> None:
    from app.project.store import SUFFIX

    if target.suffix.lower() != SUFFIX:
        raise CannotWrite("A fit is saved as a project", where=str(target), todo=f"Give a name ending in {SUFFIX}")
    if same_file(source, target) and not is_project(source):
        raise CannotWrite(
            "This is the file that is read; data are never overwritten", where=str(target), todo="Choose another name"
        )


def _noted(project: Project, text: str) -> Project:
    from datetime import UTC, datetime

    return project.with_history(datetime.now(UTC).isoformat(timespec="seconds"), text)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


def model_of(arguments: argparse.Namespace) -> FitModel:
    """The model from its file.

    Raises
    ------
    BadFile, BadModel
        If the file cannot be read or holds no model.
    """
    from app.files.contents import read_bytes
    from app.project import template_file
    from fitting.model import from_json

    if arguments.template:
        template = template_file.get(arguments.template)
        if not fit_template.is_plain(template):
            raise BadModel(
                "The template is more than one model", where=arguments.template,
                todo="Give an output that ends in .sodalite, or a single model",
            )
        model = template.regions[0].model
        return replace(model, name=model.name or template.name)
    path = arguments.model
    try:
        model = from_json(read_bytes(path, 16 << 20).decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise BadFile("The model is not text in UTF-8", where=str(path), todo="Save it again as UTF-8") from error
    except BadModel as error:
        where = ", ".join(filter(None, (str(path), error.where)))
        raise BadModel(error.what, where=where, todo=error.todo or "Correct the file") from error
    return model if model.name else replace(model, name=path.stem)


def _chosen(project: Project, name: str | None, model: FitModel, path: Path) -> Entry:
    """The spectrum to fit: the named one, the only one, or the only one that the model's region lies on.

    Raises
    ------
    UnknownName
        If that is none, or more than one.
    """
    entries = [e for e in project.entries if not e.spectrum.navigation]
    if name is None:
        fitting = [e for e in entries if _covers(e, model)]
        found = entries if len(entries) == 1 else fitting
    else:
        found = [e for e in entries if name in (e.title, e.id)] or [
            e for i, e in enumerate(project.entries) if name == str(i) and not e.spectrum.navigation
        ]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(f"{i} {one_line(e.title)}" for i, e in enumerate(project.entries) if not e.spectrum.navigation)
    what = f"'{name}' names {len(found) or 'no'} of them" if name is not None else "the model does not tell which"
    raise UnknownName(
        f"The file holds {len(project.entries)} spectra, and {what}",
        where=str(path),
        todo=f"Name one by --spectrum NAME or NUMBER: {listed or 'there is no single spectrum'}",
    )


def _covers(entry: Entry, model: FitModel) -> bool:
    axis = entry.processed().axis
    slack = 2 * axis.step
    return axis.values[0] - slack <= model.region[0] and model.region[1] <= axis.values[-1] + slack


def _print(
    arguments: argparse.Namespace, project: Project, entry_id: str, fit_id: str, found: intervals.Uncertainties
) -> int:
    """The result; the exit status."""
    from app.cli.composition import element_objects, elements_text, region_object, region_text

    entry = project.entry(entry_id)
    fit = entry.fit(fit_id)
    composition = _composition(project, entry.sample)
    if arguments.json:
        answer = {"file": str(arguments.file), "project": str(arguments.output)} | region_object(entry, fit)
        answer |= intervals.objects(found, fit)
        print_json(answer | {"composition": element_objects(composition)})
    else:
        print(region_text(entry, fit))
        lines = intervals.text(found, fit)
        if lines:
            print(lines)
        if composition is not None:
            print("\n" + elements_text(composition))
        print(f"\n{arguments.output}")
    if fit.result is None or not fit.result.success:
        message = fit.result.message if fit.result is not None else "The fit gave no result."
        say(f"{one_line(entry.title)}: {message} The project was saved with this result: {arguments.output}")
        return NOT_DONE
    return DONE


def _composition(project: Project, sample: str) -> Composition | None:
    from app.project import work

    try:
        found = work.composition(project, sample)
    except SodaliteError as error:
        say(f"No composition: {one_line(str(error))}")
        return None
    for warning in found.warnings:
        say(one_line(warning))
    return found
