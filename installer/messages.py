"""Words to the person at the terminal. Plain ASCII: a bare terminal may know nothing else."""

from __future__ import annotations

import sys


class SetupError(Exception):
    """The set-up cannot go on. Its text is one line: what, where, what to do."""


def say(text: str = "") -> None:
    """Print a line at once, so that it stands in the right place among the output of child processes."""
    print(text, flush=True)


def warn(text: str) -> None:
    """Print a line to the error stream."""
    sys.stdout.flush()
    print(f"installer: {text}", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Write a time for people: `0.4 s`, `42 s`, `3 min 07 s`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    return f"{whole} s" if whole < 60 else f"{whole // 60} min {whole % 60:02d} s"
