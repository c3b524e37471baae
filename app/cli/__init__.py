"""The same work without a window: `sodalite COMMAND ...`.

Results go to the standard output, messages to the error stream. Each command is one module of this package with a
`add(commands)` that declares its arguments and a `run(arguments)` that does it; they import what they need when they
run, so that `--help` answers at once.
"""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable, Sequence

from app.cli import status
from app.cli.parser import parse

Window = Callable[[Namespace], int]


def main(argv: Sequence[str], *, window: Window) -> int:
    """Run one command.

    Parameters
    ----------
    argv : sequence of str
        Arguments without the name of the program.
    window : callable
        Opens the window; given from outside, because the command line never loads it.

    Returns
    -------
    int
        Exit status: 0 done, 1 the job could not be done, 2 wrong usage, 130 stopped by Ctrl+C.
    """
    status.prepare_streams()
    try:
        arguments = parse(argv)
    except SystemExit as end:  # argparse's way to say that it has printed the help or what is wrong
        return end.code if isinstance(end.code, int) else status.WRONG_USAGE
    job = window if arguments.run is None else arguments.run
    return status.guarded(lambda: job(arguments), debug=arguments.debug)
