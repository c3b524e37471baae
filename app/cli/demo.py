"""`sodalite demo`: the main job on the sample data."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import CannotWrite

if TYPE_CHECKING:
    from app.project.project import Project
    from fitting.xps.quantify import Composition

TECHNIQUES = ("xps", "eels", "sims")
_SAMPLES = {"xps": ("xps",), "eels": ("eels", "eels-valence"), "sims": ("sims",)}
_MOST_MAPS = 9  # in one figure
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
    """Do the job for the techniques that are asked for."""
    wanted = TECHNIQUES if arguments.technique == "all" else (arguments.technique,)
    _make(arguments.output)
    answers = [
        answer for technique in wanted for sample in _SAMPLES[technique]
        for answer in _sample(technique, sample, arguments)
    ]
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


def _sample(technique: str, key: str, arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """Project, tables, report, figures of one sample project; its samples as plain objects."""
    from app.files.export import compositions, sample_names, write_csv_folder, write_hdf5
    from app.files.report import write_report
    from app.project import store
    from app.samples import sample_project, worked_through

    folder: Path = arguments.output
    with Progress() as progress:
        progress(0.0, "Simulating the sample spectra")
        project = sample_project(key)
        project = worked_through(project, key, lambda f, text: progress(0.1 + 0.5 * f, text))
        store.save(project, folder / f"{key}.sodalite")
        progress(0.6, "Writing tables")
        write_csv_folder(project, folder / f"{key}-csv")
        write_hdf5(project, folder / f"{key}.h5")
        write_report(
            project, folder / f"{key}-report.html",
            progress=lambda f, text: progress(0.7 + 0.15 * f, f"Report: {text}"),
        )
        _figures(project, folder / f"{key}-figures", progress)
    if technique == "eels":
        return _losses(project, folder, key, arguments.json)
    if technique == "sims":
        return _ions(project, folder, key, arguments.json)
    tables, missing = compositions(project)
    names = sample_names(project)
    for id, reason in missing.items():
        say(f"{names[id]}: {one_line(reason)}")
    if not arguments.json:
        _print(project, tables)
        _print_files(folder, key)
    return _objects(technique, project, tables)


def _print_files(folder: Path, key: str) -> None:
    for end in (".sodalite", ".h5", "-report.html", "-csv", "-figures"):
        print(folder / f"{key}{end}")


def _losses(project: Project, folder: Path, key: str, as_json: bool) -> list[dict[str, Any]]:
    """Energy losses: what was found, printed or as plain objects."""
    from app.cli.losses import loss_objects, loss_text

    if not as_json:
        print(loss_text(project))
        _print_files(folder, key)
    return loss_objects(project)


def _ions(project: Project, folder: Path, key: str, as_json: bool) -> list[dict[str, Any]]:
    """Ions: layers and factors, printed or as plain objects."""
    from app.cli.ions import ion_objects, ion_text

    answers = ion_objects(project)
    if not as_json:
        print(ion_text(answers))
        _print_files(folder, key)
    return answers


def _figures(project: Project, folder: Path, progress: Progress) -> None:
    """One figure a fitted region, one a run of maps, one a profile and a factor analysis, as PNG and SVG."""
    from app.files.figures import fit_figure, save_figure
    from app.files.report_losses import place_of
    from app.files.sims_figures import save_all

    _make(folder)
    _map_figures(project, folder, progress)
    for entry in project.entries:
        if entry.spectrum.meta.technique == "sims":
            progress(0.85, f"Figures of {entry.title}")
            save_all(entry, folder)
    regions = [(entry, fit) for entry in project.entries for fit in entry.fits]
    names = {sample.id: sample.name for sample in project.samples}
    for number, (entry, fit) in enumerate(regions):
        progress(0.85 + 0.15 * number / len(regions), f"Figure of {entry.title}")
        spectrum = entry.single(place_of(entry, fit.place))
        figure = fit_figure(spectrum, fit.model, fit.result, title=f"{names[entry.sample]}, {entry.title}")
        stem = f"{entry.sample}-{entry.id}" + f"-{fit.id}" * (len(entry.fits) > 1)
        for suffix in (".png", ".svg"):
            save_figure(figure, folder / f"{stem}{suffix}")


def _map_figures(project: Project, folder: Path, progress: Progress) -> None:
    from app.files.figures import save_figure
    from app.files.map_figures import map_figure
    from app.project.maps import groups

    for entry in project.entries:
        for number, maps in enumerate(groups(entry).values(), 1):
            flat = [one for one in maps if len(one.shape) == 2][:_MOST_MAPS]
            if flat:
                progress(0.85, f"Maps of {entry.title}")
                figure = map_figure(flat, entry.spectrum.navigation)
                for suffix in (".png", ".svg"):
                    save_figure(figure, folder / f"{entry.sample}-{entry.id}-maps{number}{suffix}")


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
