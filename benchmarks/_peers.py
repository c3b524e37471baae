"""The programs that ours is compared to: their own environment, and questions to scripts that run in it.

Peers are never imported here. A problem is written to files, a script of `_scripts` reads it with the peers' Python,
times the peer, and writes what it found. Nothing is measured at the same time as anything else.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs

from benchmarks._scripts import exchange

# What a user gets from `pip install`. HyperSpy's optional numexpr and numba are left out: without them its fits are
# faster here (309 against 216 spectra/s).
REQUIREMENTS = (
    "numpy==2.4.6",
    "scipy==1.17.1",
    "lmfit==1.3.4",
    "hyperspy==2.5.0",
    "exspy==0.3.2",
    "pyEELSMODEL==1.0.9",
    "pyMCR==0.5.1",
    "scikit-learn==1.7.2",
    "pandas==3.1.1",
)
SCRIPTS = Path(__file__).resolve().parent / "_scripts"
_INSTALL_LIMIT, _RUN_LIMIT = 1800, 1200  # s
_READY = "ready.json"
# One BLAS thread for ours and for peers: these matrices are too small for two, and on a busy machine threads that wait
# for each other made SciPy's fits two to three times slower; on a quiet one there was no difference (HyperSpy and
# pyEELSMODEL: 317/267/175 against 322/268/186 spectra/s).
CALM = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class PeerMissing(Exception):
    """Why a peer could not be measured."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What a peer's script found: figures by name, and arrays."""

    figures: dict[str, Any]
    arrays: dict[str, np.ndarray]


def home() -> Path:
    """The folder of the environment that holds exactly these requirements, in the user's cache."""
    key = hashlib.sha256("\n".join((*REQUIREMENTS, sys.version)).encode()).hexdigest()[:12]
    return Path(platformdirs.user_cache_dir("sodalite", appauthor=False)) / f"peers-{key}"


class Peers:
    """The peers' environment, made when it is first needed.

    Parameters
    ----------
    wanted : bool
        False measures ours alone.
    folder : Path, optional
        Where the environment is; by default `home()`.
    """

    def __init__(self, *, wanted: bool = True, folder: Path | None = None) -> None:
        self.wanted = wanted
        self.folder = folder or home()
        self.failed = False  # whether a peer was wanted and could not be measured
        self._failure = "" if wanted else "peers were not asked for"

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")

    def versions(self) -> dict[str, str]:
        """Versions of everything in the environment, by name in lower case.

        Raises
        ------
        PeerMissing
        """
        self._prepare()
        return json.loads((self.folder / _READY).read_text(encoding="utf-8"))

    def ask(
        self, script: str, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray], *, limit: float = _RUN_LIMIT
    ) -> Answer:
        """Run a script of `_scripts` on a problem and return its answer.

        Raises
        ------
        PeerMissing
            If there is no environment, or the script failed or took longer than `limit` s.
        """
        try:
            self._prepare()
            return self._ask(script, settings, arrays, limit)
        except PeerMissing:
            self.failed = self.wanted
            raise

    def _ask(
        self, script: str, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray], limit: float
    ) -> Answer:
        with tempfile.TemporaryDirectory(prefix="sodalite-peer-") as name:
            folder = Path(name)
            exchange.write(folder, exchange.PROBLEM, settings, arrays)
            command = [str(self.python), "-E", "-s", str(SCRIPTS / f"{script}.py"), str(folder)]
            ended = _run(command, limit, cwd=folder)
            if ended.returncode != 0:
                raise PeerMissing(f"{script} ended with status {ended.returncode}: {_last_line(ended.stderr)}")
            return Answer(*exchange.read(folder, exchange.ANSWER))

    def _prepare(self) -> None:
        if not self._failure and not (self.folder / _READY).is_file():
            try:
                self._install()
            except (OSError, PeerMissing) as error:
                self._failure = f"the peers' environment could not be made: {error}"
                _say(self._failure)
        if self._failure:
            raise PeerMissing(self._failure)

    def _install(self) -> None:
        _say(f"installing peers into {self.folder}, about 1 to 3 minutes: {', '.join(REQUIREMENTS)}")
        shutil.rmtree(self.folder, ignore_errors=True)  # what an interrupted installation left
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        pip = [str(self.python), "-m", "pip", "--disable-pip-version-check", "--no-input"]
        for command in (
            [sys.executable, "-m", "venv", str(self.folder)],
            [*pip, "install", "--quiet", *REQUIREMENTS],
        ):
            ended = _run(command, _INSTALL_LIMIT)
            if ended.returncode != 0:
                raise PeerMissing(_last_line(ended.stderr))
        listed = _run([*pip, "list", "--format", "json"], 120)
        if listed.returncode != 0:
            raise PeerMissing(_last_line(listed.stderr))
        versions = {entry["name"].lower(): entry["version"] for entry in json.loads(listed.stdout)}
        (self.folder / _READY).write_text(json.dumps(versions, indent=1), encoding="utf-8")


def _run(command: list[str], limit: float, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=cwd,
            env=os.environ | CALM,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=limit,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise PeerMissing(f"{Path(command[0]).name} took longer than {limit:g} s") from None


def _last_line(text: str) -> str:
    """The last line of what a program said, which names the error."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1][:200] if lines else "no message"


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
