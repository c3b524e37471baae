"""Child processes: run quietly, or run with the output passed through and kept."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

# Settings of the caller's shell that would send packages, or imports, somewhere else than into .venv.
MISLEADING = ("PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX", "__PYVENV_LAUNCHER__")
TIMED_OUT = 124


@dataclass(frozen=True)
class Outcome:
    """Exit status and output (both streams, as text) of a finished child."""

    code: int
    text: str


def clean_environment(environ: Mapping[str, str], **more: str) -> dict[str, str]:
    """Return `environ` without the settings that mislead a virtual environment, with `more` added."""
    kept = {name: value for name, value in environ.items() if name not in MISLEADING}
    return kept | {"PYTHONUTF8": "1"} | more


def quiet(command: Sequence[str | Path], *, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> Outcome:
    """Run and keep the output. A program that is not there gives status 127."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        return Outcome(127, str(error))
    return Outcome(done.returncode, done.stdout)


def through(
    command: Sequence[str | Path],
    *,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    limit_s: float | None = None,
    only: re.Pattern[bytes] | None = None,
) -> Outcome:
    """Run with the output passed on as it comes, and keep it.

    `limit_s` ends the whole family of processes after that time; `only` passes on just the lines that it matches.
    """
    sys.stdout.flush()
    try:
        child = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=os.name == "posix",
        )
    except OSError as error:
        return Outcome(127, str(error))
    late = threading.Event()

    def stop() -> None:
        late.set()
        _end_family(child)

    timer = threading.Timer(limit_s, stop) if limit_s else None
    if timer:
        timer.daemon = True
        timer.start()
    try:
        text = _pass_on(child, only)
        code = child.wait()
    except BaseException:
        _end_family(child)
        raise
    finally:
        if timer:
            timer.cancel()
    return Outcome(TIMED_OUT if late.is_set() else code, text)


def foreground(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str]) -> int:
    """Run with the terminal handed over; for the program itself."""
    sys.stdout.flush()
    return subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=False).returncode


def _pass_on(child: subprocess.Popen[bytes], only: re.Pattern[bytes] | None) -> str:
    assert child.stdout is not None
    pieces: list[bytes] = []
    # By line where lines are chosen, else by what has come: the dots of a test run are no lines.
    read = child.stdout.readline if only else partial(child.stdout.read1, 65536)
    while piece := read():
        pieces.append(piece)
        if only is None or only.match(piece):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
    child.stdout.close()
    return b"".join(pieces).decode("utf-8", errors="replace")


def _end_family(child: subprocess.Popen[bytes]) -> None:
    """End the child and what it started (pytest workers, Xvfb), which would otherwise live on."""
    try:
        if os.name == "posix":
            os.killpg(child.pid, signal.SIGKILL)
        else:
            child.kill()
    except ProcessLookupError:
        pass
