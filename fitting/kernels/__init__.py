"""Compiled fits: prepared in the background, used when ready.

Compilation takes about a minute, once a machine: a child process does it and leaves the result in the user's cache
folder; later processes load it in about a second. Until then, and wherever a model has a part that is not compiled, the
NumPy path of `fitting.evaluate` and `fitting.solver` serves. Both find the same minima.

Nothing here imports numba before it is needed.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib
import os
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path
from types import ModuleType

import platformdirs

# "off" keeps to the NumPy path, "wait" waits for the kernels at the first fit; otherwise they come when they are ready.
MODE = "SODALITE_KERNELS"
PATIENCE = 600.0  # seconds that a compilation may take
_NOT_COMPILED = ("__init__", "__main__", "compiled", "program")
_EAGER_AFTER = 2  # fits: a program that makes one fit and ends should not load a compiler


class _Preparation:
    """The one background task of a process, and what came of it."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.thread: threading.Thread | None = None
        self.module: ModuleType | None = None
        self.asked = 0
        self.failure = ""

    def begin(self) -> None:
        with self.lock:
            if self.thread is None:
                self.thread = threading.Thread(target=self.work, name="kernels", daemon=True)
                self.thread.start()

    def work(self) -> None:
        try:
            if not (cache_folder() / "complete").exists():
                _compile_in_child()
            self.module = _load()
        # Whatever goes wrong here (no compiler for this processor, a full disk), fits go on without it.
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"


_preparation = _Preparation()


def prepare() -> None:
    """Begin to compile or load, in the background."""
    if os.environ.get(MODE) != "off":
        _preparation.begin()


def wait(timeout: float | None = None) -> bool:
    """Prepare and wait; whether the kernels are ready.

    Parameters
    ----------
    timeout : float, optional
        Seconds; without it, as long as it takes.
    """
    prepare()
    if _preparation.thread is not None:
        _preparation.thread.join(timeout)
    return _preparation.module is not None


def failure() -> str:
    """Why there are no kernels, or "" (they are ready, on their way, or not wanted)."""
    return _preparation.failure


def loaded() -> ModuleType | None:
    """The compiled functions (`fitting.kernels.compiled`) if they are ready; asking often prepares them."""
    if _preparation.module is not None:
        return _preparation.module
    mode = os.environ.get(MODE)
    if mode == "off":
        return None
    if mode == "wait":
        wait()
        return _preparation.module
    _preparation.asked += 1
    if _preparation.asked >= _EAGER_AFTER:
        _preparation.begin()
    return None


def cache_folder() -> Path:
    """Where the machine code lies: a folder of its own for every state of the sources, of numba and of the processor.

    numba looks at the file of a function alone to know whether it is out of date, not at the files of those it calls;
    and at its place and time, so that these count here too, lest it compile again where nobody expects it.
    """
    digest = hashlib.sha256()
    for path in sorted(_sources()):
        digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
        digest.update(path.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(metadata.version(package).encode())
    digest.update(sys.version.encode())
    root = Path(os.environ.get("NUMBA_CACHE_DIR") or platformdirs.user_cache_path("sodalite", appauthor=False))
    return root / f"kernels-{digest.hexdigest()[:16]}"


def _sources() -> list[Path]:
    """The files whose functions and constants end in machine code."""
    here = Path(__file__).parent
    compiled = [path for path in here.glob("*.py") if path.stem not in _NOT_COMPILED]
    return [*compiled, *(here.parent / "lineshapes").glob("*.py"), here.parent / "descent.py"]


def _compile_in_child() -> None:
    """Compile in a process of its own: numba would hold this one's interpreter for most of a minute."""
    environment = dict(os.environ)
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    child = subprocess.Popen(
        [sys.executable, "-m", "fitting.kernels"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    atexit.register(child.kill)  # a program that ends sooner leaves nobody behind
    try:
        _, errors = child.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        raise
    finally:
        atexit.unregister(child.kill)
    if child.returncode:
        raise RuntimeError(f"compiling ended with {child.returncode}: {errors.decode(errors='replace')[-500:]}")


def _load() -> ModuleType:
    """Import the compiled functions and touch each once, so that none compiles or loads in the middle of a fit."""
    module = importlib.import_module("fitting.kernels.compiled")
    module.touch()
    return module
