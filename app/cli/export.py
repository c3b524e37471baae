"""`sodalite export`: the tables and data of a project."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.inputs import check_target, project_in
from app.cli.output import Progress
from app.cli.status import DONE, WRONG_USAGE, say


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "export",
        help="tables and data of a project",
        description="Write the spectra of a project after their recipes, with curves, components and compositions.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="PROJECT")
    parser.add_argument("--csv", type=Path, metavar="DIR", help="a folder of tables")
    parser.add_argument("--hdf5", type=Path, metavar="OUT.h5", help="one HDF5 (NeXus) file")
    parser.add_argument("--vamas", type=Path, metavar="OUT.vms", help="one VAMAS file, with fits for CasaXPS")
    parser.add_argument("--xlsx", type=Path, metavar="OUT.xlsx", help="one Excel workbook of all tables and curves")
    parser.add_argument("--maps", type=Path, metavar="DIR", help="a folder: every map of every image as TIFF and CSV")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write what was asked for; print what was written."""
    from app.files import export
    from app.files.map_writer import write_project_maps
    from app.files.xlsx_writer import write_xlsx

    jobs = [
        (target, writer)
        for target, writer in (
            (arguments.csv, export.write_csv_folder),
            (arguments.hdf5, export.write_hdf5),
            (arguments.vamas, lambda project, path: export.write_vamas_file(project, path, say)),
            (arguments.xlsx, write_xlsx),
            (arguments.maps, write_project_maps),
        )
        if target is not None
    ]
    if not jobs:
        say(
            "Say what to write: --csv DIR, --hdf5 OUT.h5, --vamas OUT.vms, --xlsx OUT.xlsx, --maps DIR, or several of "
            "them."
        )
        return WRONG_USAGE
    for target, _ in jobs:
        check_target(target, arguments.file)
    project = project_in(arguments.file)
    written = []
    with Progress() as progress:
        for number, (target, writer) in enumerate(jobs):
            progress(number / len(jobs), f"Writing {target.name}")
            written.append(writer(project, target))
    for path in written:
        print(path)
    return DONE
