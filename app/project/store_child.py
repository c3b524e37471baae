"""Opening a project file that came from outside, in a process of its own with limits of memory and time.

A damaged or hostile HDF5 file can make the library hang or crash, which no check beforehand can rule out. The process
reads the file into a plain tree and hands that over as JSON and raw arrays; only then is a project made of it. It uses
the machinery of `app.files.child`, one process a file.

A frozen program has no `python -m`: its main function must call `store_child.main()` when its first argument is
`CHILD_FLAG`.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from app.files import child
from app.files.contents import check
from app.project import store
from app.project.project import Project
from app.project.store_tree import Tree
from libraries.errors import BadFile, BadProject, SodaliteError

CHILD_FLAG = "--read-project-child"
# A project has many small objects: 1,000 fits are some 20 MB and take some seconds.
BASE_SECONDS = 5.0
SECONDS_PER_BYTE = 1.0 / 1e6
_DAMAGED = "The file is probably damaged; open a backup copy"


def load_in_child(
    path: str | Path, cancel: Callable[[], bool] | None = None, given: Mapping[str, Path] | None = None
) -> Project:
    """As `store.load`, with the reading done in a process of its own.

    Parameters
    ----------
    path : path
    cancel : callable, optional
        Asked about 20 times a second; True stops the reading.
    given : mapping of text to Path, optional
        Where files of images are, by the path that the project has for them.

    Raises
    ------
    BadProject
        As `store.load`, or if the file makes the reading crash, hang, or ask for too much memory.
    Cancelled
        If `cancel` said so.
    """
    file = Path(path)
    process: _ProjectProcess | None = None
    try:
        size = check(file)
        process = _ProjectProcess(_command())
        tree = process.tree(file, size, cancel or (lambda: False))
    except BadFile as error:
        raise BadProject(error.what, where=error.where, todo=_DAMAGED) from error
    finally:
        if process is not None:
            process.end()
    project = store.project_from(tree, file, given=given, cancel=cancel)
    store.sweep(file.resolve().parent)
    return project


def _command() -> list[str]:
    if getattr(sys, "frozen", False):
        return [sys.executable, CHILD_FLAG]
    # -P: a folder of data files must not be able to bring its own json.py.
    return [sys.executable, "-P", "-m", "app.project.store_child"]


class _ProjectProcess(child.ReaderProcess):
    """The process as its parent sees it."""

    def tree(self, file: Path, size: int, cancel: Callable[[], bool]) -> Tree:
        """The tree of a file."""
        self._exchange(None, child.START_SECONDS, cancel, file)
        seconds = BASE_SECONDS + SECONDS_PER_BYTE * size
        text, buffers = self._exchange({"path": str(file.absolute())}, seconds, cancel, file)
        try:
            answer = json.loads(text)
            if "error" in answer:
                raise BadProject(**answer["error"])
            return _unpacked(answer["tree"], buffers)
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise BadFile(f"The reader gave a wrong answer ({error})", where=str(file)) from error


def _packed(tree: Tree, buffers: list[bytes]) -> dict[str, Any]:
    """The tree with its arrays moved to `buffers`."""
    packed: dict[str, Any] = {}
    for name, item in tree.items():
        if isinstance(item, dict):
            packed[name] = {"group": _packed(item, buffers)}
        elif isinstance(item, np.ndarray):
            packed[name] = {"array": len(buffers), "dtype": item.dtype.str, "shape": list(item.shape)}
            buffers.append(item.tobytes())
        else:
            packed[name] = item
    return packed


def _unpacked(packed: dict[str, Any], buffers: list[bytes]) -> Tree:
    tree: Tree = {}
    for name, item in packed.items():
        if not isinstance(item, dict):
            tree[name] = item
        elif "group" in item:
            tree[name] = _unpacked(item["group"], buffers)
        else:
            tree[name] = np.ndarray(item["shape"], item["dtype"], buffers[item["array"]])
    return tree


# ------------------------------------------------------------------------------------------------ inside the child


def main() -> None:
    """Serve requests from standard input until it closes."""
    # Whatever a library prints must not get between the frames.
    output = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    child.send(output, b"{}", [])
    for line in sys.stdin.buffer:
        answer, buffers = _serve(Path(json.loads(line)["path"]))
        child.send(output, json.dumps(answer).encode("ascii"), buffers)


def _serve(file: Path) -> tuple[dict[str, Any], list[bytes]]:
    buffers: list[bytes] = []
    try:
        child._limit_memory(file)
        return {"tree": _packed(store.read_checked(file), buffers)}, buffers
    except SodaliteError as error:
        return {"error": {"what": error.what, "where": error.where, "todo": error.todo}}, []
    except MemoryError:
        return {"error": {"what": "Opening it needs too much memory", "where": str(file), "todo": _DAMAGED}}, []


if __name__ == "__main__":
    main()
