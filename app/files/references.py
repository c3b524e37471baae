"""Data that stay in their file, in words: which file, where in it, and how to tell that it is still the same.

A reference goes through the pipe from the reading process and into project files. What comes back is not believed:
types, sizes and the file itself are checked before a number is read.
"""

from __future__ import annotations

import hashlib
import math
import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from app.files.arrays import FileArray
from app.files.contents import check
from fitting.stored import Stored
from libraries.errors import BadData, BadFile, Cancelled

_TYPES = frozenset("<>|=")
_MAX_DIMENSIONS = 8
_BLOCK = 8 << 20
_HEX = re.compile(r"[0-9a-f]{32}(-reversed)?\Z")
_SHA = re.compile(r"([0-9a-f]{64})?\Z")
_KEYS = {
    "path", "dataset", "shape", "dtype", "fingerprint", "reverse", "order", "flips", "offset", "form", "inside",
}  # fmt: skip


class MissingFile(BadFile):
    """A file that a project refers to is not where it was.

    Attributes
    ----------
    path : Path
        Where it was.
    """

    path: Path = Path()


class ChangedFile(BadFile):
    """A file that a project refers to holds other data by now."""


def described(stored: Stored) -> dict[str, Any]:
    """A reference as JSON can hold it.

    Raises
    ------
    BadData
        If it is no array in a file.
    """
    if not isinstance(stored, FileArray) or stored.timed:
        raise BadData("Only data that lie in a file can be referred to")
    return {
        "path": str(stored.path), "dataset": stored.dataset, "shape": list(stored.shape), "dtype": stored.dtype.str,
        "fingerprint": stored.fingerprint, "reverse": stored.reverse, "order": list(stored.order),
        "flips": list(stored.flips), "offset": stored.offset, "form": stored.form, "inside": list(stored.inside),
    }  # fmt: skip


def restored(row: Any, where: str = "") -> FileArray:
    """The reverse of `described`; the file is not touched.

    Raises
    ------
    BadData
        If the description is damaged.
    """
    if not isinstance(row, Mapping) or set(row) != _KEYS:
        raise BadData("The reference to data in a file is damaged", where=where)
    texts = {key: row[key] for key in ("path", "dataset", "dtype", "fingerprint", "form")}
    good = all(isinstance(text, str) and len(text) < 5000 and "\0" not in text for text in texts.values())
    good = good and bool(texts["path"]) and bool(_HEX.match(texts["fingerprint"])) and isinstance(row["reverse"], bool)
    good = good and _whole(row["offset"], -1)
    lists = {key: row[key] for key in ("shape", "order", "inside")}
    good = good and all(_list(items, 0) for items in lists.values())
    good = good and isinstance(row["flips"], list) and all(isinstance(flip, bool) for flip in row["flips"])
    dtype = _number_type(texts["dtype"]) if good else None
    form = _number_type(texts["form"]) if good and texts["form"] else None
    if not good or dtype is None or (texts["form"] and form is None):
        raise BadData("The reference to data in a file is damaged", where=where)
    shape, order, inside = (tuple(lists[key]) for key in ("shape", "order", "inside"))
    raw = row["offset"] >= 0
    fits = len(shape) > 0 and (not order or (len(order) == len(shape) and len(set(order)) == len(order)))
    fits = fits and len(row["flips"]) in (0, len(shape)) and math.prod(shape) > 0
    if raw:
        fits = fits and form is not None and bool(inside) and all(at < len(inside) for at in order)
        fits = fits and math.prod(inside) == math.prod(shape)
    if not fits or max(math.prod(shape), math.prod(inside)) > 1 << 44:
        raise BadData("The reference to data in a file does not fit itself", where=where)
    return FileArray(
        Path(texts["path"]), texts["dataset"], shape, dtype, texts["fingerprint"], row["reverse"], order,
        tuple(row["flips"]), row["offset"], texts["form"], inside,
    )  # fmt: skip


def _whole(value: Any, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value < 1 << 60


def _list(items: Any, least: int) -> bool:
    return isinstance(items, list) and len(items) <= _MAX_DIMENSIONS and all(_whole(item, least) for item in items)


def _number_type(text: str) -> np.dtype[Any] | None:
    try:
        dtype = np.dtype(text)
    except (TypeError, ValueError, SyntaxError):
        return None
    return dtype if dtype.kind in "iuf" and text[:1] in _TYPES and dtype.str[1:] == text[1:] else None


# ---------------------------------------------------------------------------------------------------- of project files


@dataclass(frozen=True)
class Witness:
    """How a file looked when the project was saved.

    Attributes
    ----------
    near : str
        Its path from the folder of the project, with slashes; "" where it lies on another disk.
    size : int
        Bytes; -1 where the file could not be looked at.
    changed : int
        Time of change, ns since 1970.
    sha256 : str
        Of the whole file; "" where it was not worked out (recovery files).
    """

    near: str
    size: int
    changed: int
    sha256: str = ""


def witness(stored: FileArray, folder: Path, *, whole: bool, cancel: Callable[[], bool] | None = None) -> Witness:
    """How a file looks now.

    Raises
    ------
    BadFile
        If it is gone or cannot be read.
    """
    check(stored.path)
    status = stored.path.stat()
    try:
        near = Path(os.path.relpath(stored.path, folder)).as_posix()
    except ValueError:  # another drive of Windows
        near = ""
    return Witness(near, status.st_size, status.st_mtime_ns, sha256_of(stored.path, cancel) if whole else "")


def witness_row(seen: Witness) -> dict[str, Any]:
    """As JSON can hold it."""
    return {"near": seen.near, "size": seen.size, "changed": seen.changed, "sha256": seen.sha256}


def witness_of(row: Any, where: str) -> Witness:
    """The reverse of `witness_row`.

    Raises
    ------
    BadData
        If it is damaged.
    """
    good = isinstance(row, Mapping) and set(row) == {"near", "size", "changed", "sha256"}
    good = good and isinstance(row["near"], str) and len(row["near"]) < 5000 and "\0" not in row["near"]
    good = good and _whole(row["size"], -1) and isinstance(row["changed"], int) and isinstance(row["sha256"], str)
    if not good or not _SHA.match(row["sha256"]):
        raise BadData("The reference to data in a file is damaged", where=where)
    return Witness(row["near"], row["size"], row["changed"], row["sha256"])


def found_again(
    stored: FileArray, seen: Witness, folder: Path, given: Mapping[str, Path] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> FileArray:
    """The data of a saved project where they lie now: beside the project, where they were, or where the user says.

    Parameters
    ----------
    folder : Path
        Of the project.
    given : mapping of text to Path, optional
        Where the user found files, by the path that the project has for them.

    Raises
    ------
    MissingFile
        If there is no such file.
    ChangedFile
        If it holds other data than those that were saved.
    """
    told = (given or {}).get(str(stored.path))
    places = [told] if told is not None else []
    if told is None and seen.near and not seen.near.startswith(("/", "\\")):
        places.append(Path(os.path.normpath(folder / seen.near)))
    if told is None and not _on_network(str(stored.path)):
        places.append(stored.path)
    if told is None:  # what the user found in one folder may bring its neighbours along
        places += [place.parent / stored.path.name for place in (given or {}).values()]
    here = next((place for place in places if _is_file(place)), None)
    if here is None:
        error = MissingFile(
            "The image of this project is not where it was", where=str(stored.path),
            todo="Put the file back, or open the project in the window, which asks where it is",
        )  # fmt: skip
        error.path = stored.path
        raise error
    moved = replace(stored, path=here.absolute())
    _check_same(moved, seen, cancel)
    return moved


def _on_network(path: str) -> bool:
    """A share of Windows is only asked for beside the project or where the user says: asking tells who asks."""
    return path.startswith(("\\\\", "//"))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def _check_same(stored: FileArray, seen: Witness, cancel: Callable[[], bool] | None) -> None:
    status = stored.path.stat()
    if seen.size not in (-1, status.st_size):
        raise _changed(stored.path, f"it has {status.st_size} bytes instead of {seen.size}")
    try:
        same = stored.content() == stored.fingerprint
    except (BadFile, BadData, OSError) as error:
        raise _changed(stored.path, str(error)) from error
    if not same:
        raise _changed(stored.path, "its numbers are others")
    # The samples agree; the whole file is looked through only where it was written or copied since.
    if status.st_mtime_ns != seen.changed and seen.sha256 and sha256_of(stored.path, cancel) != seen.sha256:
        raise _changed(stored.path, "its numbers are others")


def _changed(path: Path, why: str) -> ChangedFile:
    return ChangedFile(
        f"The file is not the one that the project was made from: {why}", where=str(path),
        todo="Put the old file back; to work with the new one, import it into the project",
    )  # fmt: skip


_known: dict[tuple[str, int, int], str] = {}
_known_lock = threading.Lock()


def sha256_of(path: Path, cancel: Callable[[], bool] | None = None) -> str:
    """SHA-256 of a file, worked out once for each state of it.

    Raises
    ------
    BadFile
        If it cannot be read.
    Cancelled
        If `cancel` said so.
    """
    try:
        status = path.stat()
        key = (str(path), status.st_size, status.st_mtime_ns)
        with _known_lock:
            if key in _known:
                return _known[key]
        total = hashlib.sha256()
        with path.open("rb", buffering=0) as file:
            while block := file.read(_BLOCK):
                if cancel is not None and cancel():
                    raise Cancelled(where=str(path))
                total.update(block)
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error})", where=str(path), todo="Check the disk") from error
    with _known_lock:
        _known[key] = total.hexdigest()
    return total.hexdigest()
