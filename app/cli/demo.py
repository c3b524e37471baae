"""`sodalite demo`: the main job on the sample data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import CannotWrite, UnknownName

if TYPE_CHECKING:
    from app.project.project import Project
    from fitting.xps.quantify import Composition

TECHNIQUES = ("xps", "eels", "sims")
_FOLDER = Path("sodalite-demo")


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "demo",
        help="the main job on sample data: project, tables, report and figures",
        description="Fit simulated sample data and write project, CSV, HDF5, report and figures.",
        parents=[common],
    )
    parser.add_argument("--technique", choices=(*TECHNIQUES, "all"), default="all", help="default: all")
    parser.add_argument("-o", "--output", type=Path, default=_FOLDER, metavar="DIR", help=f"default: {_FOLDER}")
    parser.add_argument("--json", action="store_true", help="print fits and compositions as JSON")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Do the job for every technique that is there.

    Raises
    ------
    UnknownName
        If the one technique asked for is not there yet.
    """
    from app.samples import TECHNIQUES as PRESENT

    wanted = TECHNIQUES if arguments.technique == "all" else (arguments.technique,)
    if not set(wanted) & set(PRESENT):
        raise UnknownName(
            f"There are no sample data for {wanted[0]} in this version", todo=f"Use --technique {' or '.join(PRESENT)}"
        )
    for technique in wanted:
        if technique not in PRESENT:
            say(f"{technique}: not in this version yet, left out.")
    _make(arguments.output)
    answers = [answer for technique in wanted if technique in PRESENT for answer in _technique(technique, arguments)]
    if arguments.json:
        print_json(answers)
    failed = [region for answer in answers for region in answer["regions"] if not region["converged"]]
    for region in failed:
        say(f"{region['region']}: {region['message']}")
    return NOT_DONE if failed else DONE


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CannotWrite(
            f"The folder cannot be made ({error.strerror or error})", where=str(folder), todo="Choose another one"
        ) from error


def _technique(technique: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Project, tables, report, figures of one technique; its samples as plain objects."""
    from app.files.export import compositions, sample_names, write_csv_folder, write_hdf5
    from app.files.report import write_report
    from app.project import store, work
    from app.samples import sample_project

    folder: Path = arguments.output
    with Progress() as progress:
        progress(0.0, "Simulating the sample spectra")
        project = sample_project(technique)
        project = work.fit_all(project, progress=lambda f, text: progress(0.3 + 0.3 * f, f"Fitting {text}"))
        store.save(project, folder / f"{technique}.sodalite")
        progress(0.6, "Writing tables")
        write_csv_folder(project, folder / f"{technique}-csv")
        write_hdf5(project, folder / f"{technique}.h5")
        write_report(
            project, folder / f"{technique}-report.html",
            progress=lambda f, text: progress(0.7 + 0.15 * f, f"Report: {text}"),
        )
        _figures(project, folder / f"{technique}-figures", progress)
    tables, missing = compositions(project)
    names = sample_names(project)
    for id, reason in missing.items():
        say(f"{names[id]}: {one_line(reason)}")
    if not arguments.json:
        _print(project, tables)
        written = ("sodalite", "h5", "report.html", "csv", "figures")
        print("\n".join(str(folder / f"{technique}{'.' if i < 2 else '-'}{end}") for i, end in enumerate(written)))
    return _objects(technique, project, tables)


def _figures(project: Project, folder: Path, progress: Progress) -> None:
    """One figure a fitted region, as PNG and SVG."""
    from app.files.figures import fit_figure, save_figure

    _make(folder)
    regions = [(entry, fit) for entry in project.entries for fit in entry.fits]
    names = {sample.id: sample.name for sample in project.samples}
    for number, (entry, fit) in enumerate(regions):
        progress(0.85 + 0.15 * number / len(regions), f"Figure of {entry.title}")
        figure = fit_figure(entry.processed(), fit.model, fit.result, title=f"{names[entry.sample]}, {entry.title}")
        stem = f"{entry.sample}-{entry.id}" + f"-{fit.id}" * (len(entry.fits) > 1)
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"{stem}{suffix}")


def _print(project: Project, tables: dict[str, Composition]) -> None:
    """Fits and composition of every sample."""
    from app.cli.composition import elements_text, region_text

    for sample in project.samples:
        print(f"{sample.name}\n{'=' * len(sample.name)}")
        for entry in project.entries_of(sample.id):
            for fit in entry.fits:
                print(region_text(entry, fit) + "\n")
        if sample.id in tables:
            print(elements_text(tables[sample.id]) + "\n")
            for warning in tables[sample.id].warnings:
                say(f"{sample.name}: {one_line(warning)}")


def _objects(technique: str, project: Project, tables: dict[str, Composition]) -> list[dict[str, Any]]:
    from app.cli.composition import element_objects, region_object

    answers = []
    for sample in project.samples:
        regions = [
            region_object(entry, fit) | {"converged": fit.result is not None and fit.result.success}
            for entry in project.entries_of(sample.id)
            for fit in entry.fits
        ]
        answers.append(
            {
                "technique": technique,
                "sample": sample.name,
                "regions": regions,
                "composition": element_objects(tables.get(sample.id)),
            }
        )
    return answers
