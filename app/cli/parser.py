"""Which command with which arguments; wrong usage ends with status 2 and a hint."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from app import __version__
from app.cli import (
    batch,
    candidates,
    compounds,
    convert,
    cube,
    demo,
    eels,
    export,
    factors,
    fit,
    identify,
    info,
    lowloss,
    maps,
    mass,
    profile,
    quantify,
    report,
    templates,
)

COMMANDS: tuple[ModuleType, ...] = (
    demo, info, identify, convert, cube, fit, candidates, compounds, batch, quantify, lowloss,
    eels, maps, mass, profile, factors, export, report, templates,
)
WINDOW = "gui"
_DESCRIPTION = """\
Analysis of XPS, EELS and ToF-SIMS data of sodium-battery materials.

Without a command the window opens."""
_EPILOG = """\
Results go to the standard output, messages to the error stream. Exit status: 0 done,
1 the job could not be done, 2 wrong usage. `sodalite COMMAND --help` tells more."""


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The arguments as a namespace with `run` (None for the window) and `debug`.

    Raises
    ------
    SystemExit
        After the help, or with status 2 for wrong usage.
    """
    parser = build()
    given = list(argv)
    place = next((i for i, word in enumerate(given) if not word.startswith("-") or word == "--"), None)
    if place is None:
        # No word at all: options of the program itself, or the window.
        if not {"-h", "--help", "--version"} & set(given):
            given.append(WINDOW)
    elif given[place] == "--":
        given.insert(place, WINDOW)
    elif given[place] not in _names():
        if not _looks_like_a_file(given[place]):
            parser.error(_unknown(given[place]))
        given.insert(place, WINDOW)
    return parser.parse_args(given, argparse.Namespace(debug=False))


def build() -> argparse.ArgumentParser:
    """The parser of all commands."""
    common = argparse.ArgumentParser(add_help=False)
    # Taken before and behind the command; the default must not overwrite what was said before it.
    common.add_argument(
        "--debug", action="store_true", default=argparse.SUPPRESS, help="show where in the program an error arose"
    )
    parser = argparse.ArgumentParser(
        prog="sodalite",
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"Sodalite {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    window = commands.add_parser(WINDOW, help="open the window", description="Open the window.", parents=[common])
    window.add_argument("files", nargs="*", metavar="FILE", help="spectra or a project to open")
    window.add_argument("--sample", metavar="NAME", help="open a sample project (xps)")
    window.set_defaults(run=None)
    for module in COMMANDS:
        command = module.add(commands, common)
        command.set_defaults(run=module.run)
    return parser


def _names() -> list[str]:
    return [WINDOW, *(module.__name__.rpartition(".")[2] for module in COMMANDS)]


def _looks_like_a_file(word: str) -> bool:
    """Whether a first word that is no command is meant as a file for the window."""
    path = Path(word)
    try:
        return path.exists() or bool(path.suffix) or len(path.parts) > 1
    except (OSError, ValueError):
        return False


def _unknown(word: str) -> str:
    import difflib

    near = difflib.get_close_matches(word, _names(), n=1)
    hint = f"; did you mean '{near[0]}'?" if near else f"; there are {', '.join(_names())}"
    return f"there is no command or file '{word}'{hint}"
