"""The two commands: `run` and `test`. Exit status 0 done, 1 could not be done, 2 wrong usage."""

from __future__ import annotations

import argparse
import datetime
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from installer import checks, environment, measured, system, tasks
from installer.messages import SetupError, say, warn
from installer.process import clean_environment, foreground, quiet


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(
        prog="python3 -m installer", description="Set Sodalite up in .venv, then run it or test it."
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="run|test")
    run = commands.add_parser(
        "run", help="set up, then open the window with a sample project; without a display run the demo"
    )
    run.add_argument("files", nargs="*", metavar="FILE", help="files to open instead of the sample project")
    test = commands.add_parser("test", help="set up, then lint, layers and all tests in short form")
    test.add_argument(
        "--full", action="store_true", help="also the long statistics and the benchmarks; writes docs/measured.md"
    )
    return top


def main(arguments: Sequence[str]) -> int:
    """Carry out a command; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        root = checks.project_root()
        return run(root, options.files) if options.command == "run" else test(root, full=options.full)
    except SetupError as error:
        warn(str(error))
    except KeyboardInterrupt:
        warn("stopped; starting the same command again goes on from here")
    return 1


def set_up(root: Path, *, tests: bool) -> Path:
    """Provide system libraries and environment; return the environment's Python."""
    display = checks.has_display(sys.platform, os.environ)
    system.provide(system.needs(tests=tests, display=display, venv=system.can_make_venv()))
    wanted = environment.Environment(root, frozenset({"gui", "dev"} if tests else {"gui"}))
    environment.provide(wanted)
    return wanted.python


def main_job(files: Sequence[str], *, display: bool) -> list[str]:
    """Return the arguments of `sodalite` for the main job on this machine."""
    if display:
        return ["gui", *files] if files else ["gui", "--sample", "xps"]
    return ["info", *files] if files else ["demo", "--technique", "all"]


def run(root: Path, files: Sequence[str]) -> int:
    """Set up, then open the window; without a display do the same job on the command line."""
    python = set_up(root, tests=False)
    display = checks.has_display(sys.platform, os.environ)
    arguments = main_job([str(Path(file).absolute()) for file in files], display=display)
    if not display:
        say("No display (DISPLAY and WAYLAND_DISPLAY are not set): working without a window.")
    say("$ sodalite " + " ".join(arguments))
    code = foreground([python, "-m", "app", *arguments], cwd=root, env=clean_environment(os.environ))
    if code == 0:
        return 0
    if code < 0 and display:
        warn(f"the program ended with signal {-code}; if no window came, unset DISPLAY to work without one")
    return 1


def test(root: Path, *, full: bool) -> int:
    """Set up, then run all steps; with `full` write docs/measured.md."""
    python = set_up(root, tests=True)
    started = time.monotonic()
    wanted = tasks.steps(root, python, full=full, xvfb_run=shutil.which("xvfb-run"))
    with tempfile.TemporaryDirectory(prefix="sodalite-measured-") as folder:
        record = Path(folder) / "measured.jsonl"
        more = {"SODALITE_MEASURED": str(record)} if full else {}
        results = tasks.run_steps(wanted, root, more)
        if full:
            _write_measured(root, record, results)
    for line in tasks.summary(results, time.monotonic() - started):
        say(line)
    return 1 if any(result.state == "FAILED" for result in results) else 0


def _write_measured(root: Path, record: Path, results: Sequence[tasks.Result]) -> None:
    lines = record.read_text(encoding="utf-8").splitlines() if record.exists() else []
    benchmarks = "".join(result.text for result in results if result.step.name == "benchmarks")
    text = measured.document(
        measured.read(lines),
        measured.benchmark_table(benchmarks),
        facts=checks.machine() | _revision(root),
        steps={result.step.name: f"{result.state} {result.note}".strip() for result in results},
        when=datetime.datetime.now(datetime.UTC),
    )
    target = root / "docs" / "measured.md"
    measured.write(target, text)
    say(f"\nWritten: {target}")


def _revision(root: Path) -> dict[str, str]:
    """Return the revision of the source, where it is under version control."""
    outcome = quiet(["git", "describe", "--always", "--dirty", "--tags"], cwd=root)
    return {"Revision": outcome.text.strip()} if outcome.code == 0 else {}
