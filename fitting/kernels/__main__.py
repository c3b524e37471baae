"""`python -m fitting.kernels`: compile into the user's cache folder."""

from __future__ import annotations

import os
import shutil
import sys
import time
from pathlib import Path

from fitting.kernels import PATIENCE, _load, cache_folder

_LOOK_AGAIN = 0.5  # seconds between two looks whether another process is done
_KEPT = 3  # folders of other states that stay: another version of the program may be in use beside this one


def main() -> int:
    """Compile all entry points, mark the folder as complete, remove those of older states."""
    if hasattr(os, "nice"):
        os.nice(10)
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    complete, claim = folder / "complete", folder / "compiling"
    while not complete.exists():
        if not _claimed(claim):
            time.sleep(_LOOK_AGAIN)
            continue
        try:
            _load()
            complete.write_text("", "utf-8")
        finally:
            claim.unlink(missing_ok=True)
    _forget_others(folder)
    return 0


def _claimed(claim: Path) -> bool:
    """Whether this process is the one to compile; the claim of one that was stopped is void."""
    try:
        with claim.open("x", encoding="utf-8") as file:
            file.write(str(os.getpid()))
    except FileExistsError:
        try:
            if time.time() - claim.stat().st_mtime > PATIENCE or not _alive(claim.read_text("utf-8")):
                claim.unlink()
        except FileNotFoundError:
            pass
        return False
    return True


def _alive(process: str) -> bool:
    """Whether a process is still there, as far as this system tells."""
    if os.name != "posix" or not process.isdecimal():
        return True
    try:
        os.kill(int(process), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _forget_others(folder: Path) -> None:
    others = sorted(folder.parent.glob("kernels-*"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in others[_KEPT:]:
        if path != folder:
            shutil.rmtree(path, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
