"""`sodalite batch ... -o OUT.sodalite`: a template over files and folders, as one project with a table."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.inputs import check_target
from app.cli.output import Progress, print_json
from app.cli.status import DONE, NOT_DONE, STOPPED, one_line, say
from libraries.errors import UnknownName

if TYPE_CHECKING:
    from app.project.folder import FolderRun
    from app.project.template import Template

PROJECT_SUFFIX = ".sodalite"
# Options of the engine for images, which mean nothing here.
_ONLY_IMAGES = ("dataset", "energies", "axis", "quantity", "noise", "chunk", "scheduler", "spectrum", "errors_only",
                "cold")


def wanted(arguments: argparse.Namespace) -> bool:
    """Whether a folder or a project is asked for, and not maps."""
    return arguments.output.suffix.lower() == PROJECT_SUFFIX or any(path.is_dir() for path in arguments.source)


def template_of(arguments: argparse.Namespace) -> Template:
    """The template, or the plain model as one.

    Raises
    ------
    UnknownName, BadFile, BadModel
    """
    from app.project import template_file

    return template_file.load(arguments.model) if arguments.model else template_file.get(arguments.template)


def run(arguments: argparse.Namespace) -> int:
    """Read, apply, fit, quantify, write, print."""
    import atexit
    import os
    import signal
    import threading

    from app.files import child
    from app.project.folder import run_folder
    from app.project.folder_files import files_in

    for name in _ONLY_IMAGES:
        if getattr(arguments, name):
            raise UnknownName(
                f"--{name.replace('_', '-')} is for images and profiles", todo="Leave it out, or write to OUT.h5"
            )
    template = template_of(arguments)
    if arguments.csv:
        for path in files_in(arguments.source):
            check_target(arguments.csv, path)
    atexit.register(child.shutdown)
    stop = threading.Event()
    # The first Ctrl+C keeps what is finished; a second one ends at once.
    before = signal.signal(signal.SIGINT, lambda *_: stop.set() if not stop.is_set() else os._exit(STOPPED))
    try:
        with Progress() as progress:
            done = run_folder(
                arguments.source, template, arguments.output, progress, stop.is_set,
                workers=arguments.workers or os.cpu_count() or 1, resume=arguments.resume,
            )
    finally:
        signal.signal(signal.SIGINT, before)
    if arguments.csv:
        from app.project.folder import write_folder_table

        write_folder_table(arguments.csv, done.project, done.failures)
    return _print(arguments, done)


def _print(arguments: argparse.Namespace, done: FolderRun) -> int:
    bad = dict.fromkeys(failure.file for failure in done.failures)
    if arguments.json:
        print_json(
            {
                "files": done.files,
                "fitted_now": done.fitted_now,
                "failed": len(bad),
                "failures": [{"file": f.file, "what": f.what} for f in done.failures],
                "remarks": [{"file": f.file, "what": f.what} for f in done.remarks],
                "outputs": [str(path) for path in done.outputs],
            }
        )
    else:
        words = "file" if done.files == 1 else "files"
        print(f"{done.files} {words}, {done.fitted_now} worked on now, {len(bad)} with failures")
        for path in done.outputs:
            print(path)
    for failure in done.failures:
        say(f"{Path(failure.file).name}: {one_line(failure.what)}")
    if done.cancelled:
        say("Stopped. What is finished is kept; --resume goes on from there.")
        return STOPPED
    return NOT_DONE if done.failures else DONE
