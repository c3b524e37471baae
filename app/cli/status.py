"""Exit status and messages: one clear line for whatever stops a command, never a traceback unless asked for."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable

from libraries.errors import Cancelled, SodaliteError

DONE = 0
NOT_DONE = 1
WRONG_USAGE = 2
STOPPED = 130


def say(text: str) -> None:
    """A message on the error stream."""
    # A closed error stream (`2>&-`) leaves nobody to tell.
    if sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(f"sodalite: {text}", file=sys.stderr)


def prepare_streams() -> None:
    """Characters that the terminal's encoding lacks are written as escapes instead of ending the program."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def guarded(job: Callable[[], int], *, debug: bool = False) -> int:
    """Run a job; the exit status.

    Parameters
    ----------
    job : callable() -> int
    debug : bool
        Let exceptions pass, with their traceback.
    """
    try:
        result = job()
        if sys.stdout is not None:
            sys.stdout.flush()
        return result
    except KeyboardInterrupt:
        say("Stopped.")
        return STOPPED
    except BrokenPipeError:
        _drop_output()
        return NOT_DONE
    except Exception as error:
        if debug:
            raise
        return _told(error)


def _told(error: Exception) -> int:
    """Say what happened in one line; the exit status."""
    if isinstance(error, SodaliteError):
        say(one_line(str(error)))
        return STOPPED if isinstance(error, Cancelled) else NOT_DONE
    if isinstance(error, MemoryError):
        say("There is not enough memory. Close other programs or use smaller files.")
    elif isinstance(error, OSError) and error.filename is None:
        say(f"The results could not be written ({one_line(str(error))}). Check the disk and where the output goes.")
    elif isinstance(error, OSError):
        say(f"{error.filename}: {error.strerror or one_line(str(error))}. Check the name and the folder.")
    else:
        kind = f"{type(error).__name__}: {one_line(str(error))}".rstrip(": ")
        say(f"This is a defect of the program ({kind}). Run it again with --debug and report what it prints.")
    return NOT_DONE


def one_line(text: str) -> str:
    """Text without line ends and control characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _drop_output() -> None:
    """Nobody reads the output any more; the interpreter must not try again when it ends."""
    with contextlib.suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
