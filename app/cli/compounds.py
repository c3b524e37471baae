"""`sodalite compounds`: all regions of a sample fitted together as a sum of compounds of the library."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.inputs import everything_in
from app.cli.output import print_json
from app.cli.status import DONE, NOT_DONE, one_line, say
from libraries.errors import UnknownName

if TYPE_CHECKING:
    from app.project.project import Project, Sample
    from fitting.xps.compounds_fit import CompoundsResult


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "compounds",
        help="amounts of compounds from all regions together",
        description="Fits all regions of a sample at once as a sum of compounds of the library: lines of a compound "
        "share one amount through stoichiometry and sensitivity. Backgrounds and other peaks come from the regions of "
        "the project; spectra without a region get a window of their own. Charge-reference the sample first.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="project, or file of spectra")
    parser.add_argument("--compound", action="append", required=True, metavar="NAME",
                        help="compound of the library, by name or formula; may be given several times")
    parser.add_argument("--sample", metavar="NAME", help="sample of the file; the only one by default")
    parser.add_argument("--material", metavar="NAME", help="material in which lambda is taken, instead of the sample's")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Fit and print."""
    from dataclasses import replace

    from app.project.presets import compounds

    project = everything_in(arguments.file)
    sample = _sample(project, arguments.sample)
    if arguments.material:
        sample = replace(sample, material=arguments.material)
        project = project.with_sample(sample)
    found = compounds(project, sample.id, arguments.compound)
    if arguments.json:
        print_json(_object(sample.name, found))
    else:
        print(text(sample.name, found))
    for note in found.notes:
        say(f"{one_line(sample.name)}: {one_line(note)}")
    return DONE if found.joint.success else NOT_DONE


def _sample(project: Project, name: str | None) -> Sample:
    samples = [s for s in project.samples if project.entries_of(s.id)]
    wanted = [s for s in samples if name in (None, s.id, s.name)]
    if len(wanted) == 1:
        return wanted[0]
    listed = ", ".join(one_line(s.name) for s in samples) or "none"
    what = f"There is no sample {name!r}" if name else "The file holds several samples"
    raise UnknownName(what, where=project.name, todo=f"Give --sample with one of: {listed}")


def text(sample: str, found: CompoundsResult) -> str:
    """Two tables: compounds, and atoms by element."""
    from app.cli.output import table
    from app.numerals import UNDETERMINED, with_error

    rows = [
        (
            row.name,
            with_error(row.mol_fraction, row.error) if row.determined else UNDETERMINED,
            f"{row.low:.4f} to {row.high:.4f}" if row.determined else f"below {row.high:.4f}",
            with_error(row.at_percent, row.at_percent_err) if row.determined else "",
            "; ".join(row.lines),
        )
        for row in found.rows
    ]
    atoms = [
        (item.element, with_error(item.explained, item.explained_err),
         with_error(item.rest, item.rest_err) if item.rest else "0")
        for item in found.inventory
    ]
    return "\n\n".join((
        one_line(sample),
        table(("compound", "mol fraction", "95 % interval", "at.%", "told by"), rows, right=(1, 2, 3)),
        table(("element", "in these compounds / at.%", "not explained / at.%"), atoms, right=(1, 2)),
    ))


def _object(sample: str, found: CompoundsResult) -> dict[str, Any]:
    import dataclasses

    return {
        "sample": sample,
        "material": found.material,
        "status": found.joint.status,
        "compounds": [dataclasses.asdict(row) for row in found.rows],
        "correlation": [list(map(float, row)) for row in found.correlation],
        "inventory": [dataclasses.asdict(row) for row in found.inventory],
        "notes": list(found.notes),
    }
