"""`sodalite report`: the report of a project as one HTML file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from app.cli.inputs import check_target, project_in
from app.cli.output import Progress
from app.cli.status import DONE


def add(commands: Any, common: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Declare the command."""
    parser = commands.add_parser(
        "report",
        help="the report of a project",
        description="Write figures, fits, conditions and compositions of a project as one HTML file.",
        parents=[common],
    )
    parser.add_argument("file", type=Path, metavar="PROJECT")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="REPORT.html")
    return parser


def run(arguments: argparse.Namespace) -> int:
    """Write the report; print its name."""
    from app.files.report import check_report_path, write_report

    check_report_path(arguments.output)
    check_target(arguments.output, arguments.file)
    project = project_in(arguments.file)
    with Progress() as progress:
        write_report(project, arguments.output, progress=progress)
    print(arguments.output)
    return DONE
