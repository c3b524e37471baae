"""Compiles the ray caster once a machine, in a process of its own.

A compilation of some seconds would hold this process' interpreter, and with it the window. What it leaves in numba's
cache is loaded in a moment; if there is none, the first picture compiles for itself.
"""

from __future__ import annotations

import atexit
import hashlib
import os
import subprocess
import sys
import threading
from importlib import metadata
from pathlib import Path

from fitting.kernels import cache_folder

PATIENCE = 300.0  # seconds that a compilation may take
_lock = threading.Lock()
_done = threading.Event()


def prepare() -> bool:
    """Wait until the ray caster is compiled; whether it had to be. Call it off the window's thread."""
    if _done.is_set():
        return False
    with _lock:
        if _done.is_set():
            return False
        mark = _mark()
        missing = not mark.exists()
        if missing:
            _compile_in_child()
            try:
                mark.parent.mkdir(parents=True, exist_ok=True)
                mark.touch()
            except OSError:
                pass  # a cache that cannot be written to: the next start compiles again
        _done.set()
        return missing


def prepared() -> bool:
    """Whether the next picture finds everything compiled."""
    return _done.is_set() or _mark().exists()


def _mark() -> Path:
    """A file that says that this state of the source was compiled for this place."""
    here = Path(__file__)
    digest = hashlib.sha256()
    for path in (here.with_name("raycast_kernels.py"), here.with_name("raycast_rays.py")):
        digest.update(f"{path} {path.stat().st_mtime_ns}".encode())
        digest.update(path.read_bytes())
    for package in ("numba", "llvmlite", "numpy"):
        digest.update(metadata.version(package).encode())
    digest.update(f"{sys.version} {os.environ.get('NUMBA_CACHE_DIR', '')}".encode())
    return cache_folder().parent / f"raycast-{digest.hexdigest()[:16]}"


def _compile_in_child() -> None:
    environment = dict(os.environ)
    root = str(Path(__file__).parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [root, environment.get("PYTHONPATH", "")]))
    try:
        child = subprocess.Popen(
            [sys.executable, "-m", "fitting.sims.raycast_prepare"], env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
    except OSError:
        return  # no second process: this one compiles
    atexit.register(child.kill)  # a program that ends sooner leaves nobody behind
    try:
        child.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
    finally:
        atexit.unregister(child.kill)


def touch() -> None:
    """Draw every kind of picture once."""
    import numpy as np

    from fitting.sims.raycast import Scene, Volume, render

    volume = Volume(np.linspace(0, 1, 64, dtype=np.float32).reshape(4, 4, 4))
    table = np.zeros((256, 3), dtype=np.uint8)
    for scene in (Scene((volume,)), Scene((volume,), mode="surface"), Scene((volume,), mode="sections", cuts=(1, 1, 1)),
                  Scene((volume,), mode="sections", cuts=(1, 1, 1), table=table)):
        render(scene, 8, 8)


if __name__ == "__main__":
    touch()
