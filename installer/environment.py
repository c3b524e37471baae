"""The virtual environment `.venv`: made, mended, filled, and stamped so that the next run finds it ready at once."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import json
import os
import re
import shutil
import sys
import time
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

from installer import system
from installer.messages import SetupError, duration, say
from installer.process import Outcome, clean_environment, quiet, through

# What a healthy environment can import, by extra; only looked up, not imported: that takes no time.
PROOF = {
    "": (
        "app fitting libraries numpy scipy lmfit xraylib numba llvmlite defusedxml rsciio openpyxl h5py matplotlib "
        "PIL platformdirs"
    ).split(),
    "cluster": "dask distributed".split(),
    "gui": "PySide6 pyqtgraph".split(),
    "dev": "pytest pytestqt xdist hypothesis ruff importlinter emcee dask distributed".split(),
}
PROBE = """
import importlib.util, sys
missing = [name for name in sys.argv[1:] if importlib.util.find_spec(name) is None]
print("python", "%d.%d" % sys.version_info[:2], *missing)
"""

# The lines of pip that show that it is at work.
PROGRESS = re.compile(rb"\s*(Downloading|Building|Installing|Successfully)\b")

NO_ROOM = 20 * 2**20
DISK_FULL = "the disk is full; make room (about 1.5 GB) and start again"

# What pip and venv say, and what that means for the person who waits. The first that fits wins.
CAUSES = (
    (r"No space left on device|Errno 28|disk full", DISK_FULL),
    (
        r"CERTIFICATE_VERIFY_FAILED|SSLError|SSLCertVerificationError",
        "the package index could not be trusted (certificate); name your network's certificate file in PIP_CERT",
    ),
    (
        r"NameResolutionError|Temporary failure in name resolution|getaddrinfo failed|Failed to establish a new "
        r"connection|Network is unreachable|Connection refused|ConnectTimeout|ReadTimeout|Read timed out|ProxyError|"
        r"Could not fetch URL|nodename nor servname",
        "no connection to the package index; check the network (or set HTTPS_PROXY or PIP_INDEX_URL) and start again",
    ),
    (r"Permission denied|Errno 13|Read-only file system", "no permission to write there; use a folder of your own"),
    (r"THESE PACKAGES DO NOT MATCH THE HASHES", "a download was damaged; start again"),
    (r"MemoryError|Killed", "not enough memory"),
)


@dataclass(frozen=True)
class Environment:
    """The virtual environment of the project in `root`, wanted with some of its extras ("gui", "dev")."""

    root: Path
    extras: frozenset[str]

    @property
    def folder(self) -> Path:
        return self.root / ".venv"

    @property
    def python(self) -> Path:
        """The environment's interpreter. Programs start as `python -m`: their scripts break when the folder moves."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    @property
    def stamp_file(self) -> Path:
        return self.folder / "sodalite-stamp.json"

    @property
    def log_file(self) -> Path:
        return self.folder / "sodalite-install.log"


def fingerprint(root: Path, python: tuple[int, int]) -> dict[str, str]:
    """Return what an environment depends on: the project's declaration, its place, and the Python."""
    declaration = (root / "pyproject.toml").read_bytes()
    return {
        "pyproject": hashlib.sha256(declaration).hexdigest(),
        "root": str(root),  # an editable install points at the folder, so a copied folder needs its own
        "python": f"{python[0]}.{python[1]}",
    }


def stamped_extras(stamp: object, wanted: dict[str, str]) -> frozenset[str] | None:
    """Return the extras that a stamp vouches for, or None if it is not of this project, place and Python."""
    if not isinstance(stamp, dict) or {name: stamp.get(name) for name in wanted} != wanted:
        return None
    extras = stamp.get("extras")
    return frozenset(map(str, extras)) if isinstance(extras, list) else None


def provide(environment: Environment) -> None:
    """Make `.venv` ready; at once if it is ready already.

    Raises
    ------
    SetupError
        If it cannot be made or filled.
    """
    if environment.folder.is_file() or environment.folder.is_symlink():
        raise SetupError(f"{environment.folder} is not a folder made by this installer; move it away and start again")
    wanted = fingerprint(environment.root, sys.version_info[:2])
    stamp = _read_stamp(environment)
    ready = stamped_extras(stamp, wanted)
    if ready is not None and environment.extras <= ready and _is_healthy(environment, environment.extras):
        return
    started = time.monotonic()
    # Extras that are there already stay: `run` after `test` must not take the test tools away.
    extras = environment.extras | (ready or frozenset())
    _retract_stamp(environment)
    kept = _can_be_kept(environment, stamp, wanted)
    if not kept:
        _make(environment)
    _fill(environment, extras)
    if kept and not _is_healthy(environment, extras):
        _make(environment)  # pip believes its own records of packages whose files are gone
        _fill(environment, extras)
    if not _is_healthy(environment, extras):
        raise SetupError(f"the environment in {environment.folder} is incomplete; delete that folder and start again")
    environment.stamp_file.write_text(json.dumps(wanted | {"extras": sorted(extras)}), encoding="utf-8")
    say(f"Environment ready in {duration(time.monotonic() - started)}: {environment.folder}")


def explain(outcome: Outcome, free: int) -> str:
    """Return the cause of a failed installation in one line; `free` is the room on the disk in bytes."""
    for pattern, meaning in CAUSES:
        if re.search(pattern, outcome.text):
            return meaning
    if free < NO_ROOM:  # the environment's maker does not pass on why it failed
        return DISK_FULL
    errors = [line.strip() for line in outcome.text.splitlines() if re.match(r"\s*(ERROR|error|Error):", line)]
    return errors[-1] if errors else f"status {outcome.code}"


def _read_stamp(environment: Environment) -> object:
    try:
        return json.loads(environment.stamp_file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _retract_stamp(environment: Environment) -> None:
    """Take the stamp away before work begins: what is interrupted must not look ready."""
    try:
        environment.stamp_file.unlink(missing_ok=True)
    except OSError as error:
        text = f"{environment.stamp_file} cannot be removed ({error.strerror}); delete {environment.folder}"
        raise SetupError(text) from error


def _probe(environment: Environment, names: Iterable[str]) -> tuple[str, list[str]] | None:
    """Return the Python version of the environment and what it lacks; None if it does not run."""
    if not environment.python.exists():
        return None
    command = [environment.python, "-c", PROBE, *names]
    # Not in the project's folder: there `app` would be found without being installed.
    outcome = quiet(command, cwd=environment.folder, env=clean_environment(os.environ))
    words = outcome.text.split()
    return (words[1], words[2:]) if outcome.code == 0 and words[:1] == ["python"] else None


def _is_healthy(environment: Environment, extras: Collection[str]) -> bool:
    names = [name for extra in ("", *sorted(extras)) for name in PROOF.get(extra, ())]
    answer = _probe(environment, names)
    return answer is not None and not answer[1]


def _can_be_kept(environment: Environment, stamp: object, wanted: dict[str, str]) -> bool:
    """Whether an environment that is not ready can be filled up, instead of being made anew."""
    if isinstance(stamp, dict) and stamp.get("root") != wanted["root"]:
        return False
    answer = _probe(environment, ["pip"])
    return answer is not None and answer == (wanted["python"], [])


def _make(environment: Environment) -> None:
    importlib.invalidate_caches()  # `ensurepip` may have been installed a moment ago
    system.require_venv()
    folder = environment.folder
    if folder.exists():
        say(f"Environment: the one in {folder} cannot be used and is made anew")
        _remove(folder)
    say(f"Environment: making {folder} with Python {sys.version.split()[0]}")
    # Inside an active environment, the new one is made from the Python underneath it.
    base = getattr(sys, "_base_executable", sys.executable) or sys.executable
    outcome = quiet([base, "-m", "venv", folder], cwd=environment.root, env=clean_environment(os.environ))
    if outcome.code != 0:
        raise SetupError(f"{folder} could not be made: {explain(outcome, shutil.disk_usage(environment.root).free)}")


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise SetupError(
            f"{folder} cannot be removed ({error.strerror}: {error.filename}); close what uses it, or delete it by hand"
        ) from error


def _fill(environment: Environment, extras: Collection[str]) -> None:
    target = f".[{','.join(sorted(extras))}]" if extras else "."
    say(f"Environment: installing Sodalite and what it needs ({target}); the first time takes a few minutes")
    command = [environment.python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-e", target]
    # Run in the project's folder, because pip cannot read a path with spaces and extras.
    outcome = through(command, cwd=environment.root, env=clean_environment(os.environ), only=PROGRESS)
    with contextlib.suppress(OSError):  # the disk may be full, and that is what is to be told below
        environment.log_file.write_text(outcome.text, encoding="utf-8")
    if outcome.code != 0:
        cause = explain(outcome, shutil.disk_usage(environment.root).free)
        raise SetupError(f"the Python packages could not be installed: {cause} (pip's words: {environment.log_file})")
