"""`sodalite quantify`: composition of the samples of a project, or from CasaXPS's components in a VAMAS file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import is_project, project_in, spectra_in
from app.cli.output import print_json
from app.cli.status import DONE, one_line, say
from libraries.errors import NotDetermined

if TYPE_CHECKING:
    from fitting.xps.quantify import Composition


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "quantify",
        help="composition with uncertainties",
        description="Composition in at.% of every sample of a project, with the source of each factor. Of a VAMAS "
        "file, that of the components which CasaXPS stored with each block, with CasaXPS's own factors.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="PROJECT", help="project, or VAMAS file with CasaXPS components")
    parser.add_argument("--csv", type=Path, metavar="OUT.csv", help="also write all lines and factors as a table")
    parser.add_argument("--json", action="store_true", help="one JSON list, one object a sample")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Quantify and print.

    Raises
    ------
    NotDetermined
        If no sample has a composition.
    """
    from app.cli.composition import element_objects, elements_text, line_objects, lines_text
    from app.files.export import write_composition

    tables, names = (_of_project if is_project(arguments.file) else _of_blocks)(arguments.file)
    if arguments.csv:
        write_composition(arguments.csv, tables, names)
    if arguments.json:
        print_json(
            [
                {
                    "sample": names[id],
                    "material": found.material,
                    "composition": element_objects(found),
                    "lines": line_objects(found),
                    "warnings": list(found.warnings),
                }
                for id, found in tables.items()
            ]
        )
        return DONE
    for number, (id, found) in enumerate(tables.items()):
        print("\n" * (number > 0) + one_line(names[id]) + "\n")
        print(elements_text(found) + "\n\n" + lines_text(found))
        for warning in found.warnings:
            say(f"{one_line(names[id])}: {one_line(warning)}")
    return DONE


def _of_project(path: Path) -> tuple[dict[str, Composition], dict[str, str]]:
    from app.files.export import compositions, sample_names

    project = project_in(path)
    names = sample_names(project)
    tables, missing = compositions(project)
    for id, reason in missing.items():
        say(f"{one_line(names[id])}: {one_line(reason)}")
    if not tables:
        raise NotDetermined("No sample has a composition", where=str(path), todo="Fit its regions first")
    return tables, names


def _of_blocks(path: Path) -> tuple[dict[str, Composition], dict[str, str]]:
    """Composition of each block that holds components of CasaXPS."""
    from app.project.work import casa_composition

    tables: dict[str, Composition] = {}
    names: dict[str, str] = {}
    spectra = spectra_in(path)
    for index, spectrum in enumerate(spectra):
        try:
            found = casa_composition(spectrum)
        except NotDetermined as error:
            say(f"{one_line(spectrum.name)}: {one_line(str(error))}")
            continue
        if found is not None:
            tables[str(index)] = found
            names[str(index)] = ", ".join(filter(None, (spectrum.meta.sample, spectrum.name)))
    if not tables:
        raise NotDetermined(
            "There is no project and no component of CasaXPS to quantify",
            where=str(path),
            todo="Fit the spectra first: sodalite fit, or the window",
        )
    return tables, names
