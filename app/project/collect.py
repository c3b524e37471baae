"""Copies of the files that a project refers to, in a folder beside it, so that both can be moved together.

The files are copied as they are: what was computed from them stays up to date, and their origin stays open to see.
Images larger than memory are not written into the project file itself, since every save would write them again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from app.files.arrays import FileArray
from app.files.atomic import atomic_path, cannot_write
from app.files.references import sha256_of
from app.project.project import Entry, Project
from libraries.errors import BadData, Cancelled, CannotWrite

_BLOCK = 8 << 20
_ROOM = 64 << 20  # left free on the disk


def outside(project: Project) -> tuple[Path, ...]:
    """Files that hold images of the project, in order, each once."""
    counts = [entry.spectrum.counts for entry in project.entries]
    return tuple(dict.fromkeys(one.path for one in counts if isinstance(one, FileArray)))


def folder_of(target: Path) -> Path:
    """Where the data of a project file are collected: "scan 1 data" beside "scan 1.sodalite"."""
    return target.with_name(f"{target.stem} data")


def collect(
    project: Project, target: Path, progress: Callable[[float, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Project:
    """The project with its images in the folder beside the project file `target`; files that lie there stay.

    Raises
    ------
    BadData
        If all data are in the project file.
    BadFile
        If a file is gone.
    CannotWrite
        If the disk is full or the folder cannot be written.
    Cancelled
    """
    files = outside(project)
    if not files:
        raise BadData("All data are in the project file already", where=project.name)
    folder = folder_of(target)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        missing = [path for path in files if path.parent.resolve() != folder.resolve()]
        size = sum(path.stat().st_size for path in missing)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise cannot_write(folder, error) from error
    if size + _ROOM > free:
        raise CannotWrite(
            f"The data need {size / 1e9:.1f} GB, and {free / 1e9:.1f} GB are free", where=str(folder),
            todo="Save the project on a larger disk",
        )  # fmt: skip
    places = {path: path for path in files if path not in missing}
    taken = {path.name.lower() for path in folder.iterdir()}
    done = 0
    for path in missing:
        place = folder / _free(path, taken, folder)
        if not place.exists():
            done = _copy(path, place, done, size, progress, cancel)
        places[path] = place
    return project.map_entries(lambda entry: _moved(entry, places))


def _free(path: Path, taken: set[str], folder: Path) -> str:
    """A name that no other file has there; a copy of an earlier time is used again."""
    same = folder / path.name
    if same.exists() and same.stat().st_size == path.stat().st_size and sha256_of(same) == sha256_of(path):
        return path.name
    name, number = path.name, 2
    while name.lower() in taken:
        name, number = f"{path.stem} {number}{path.suffix}", number + 1
    taken.add(name.lower())
    return name


def _copy(
    path: Path, place: Path, done: int, total: int, progress: Callable[[float, str], None] | None,
    cancel: Callable[[], bool] | None,
) -> int:
    try:
        source = path.open("rb", buffering=0)
    except OSError as error:
        raise BadData(f"The file cannot be read ({error.strerror})", where=str(path), todo="Put it back") from error
    with source, atomic_path(place) as temporary, temporary.open("wb") as copy:
        while block := source.read(_BLOCK):
            if cancel is not None and cancel():
                raise Cancelled(where=str(path))
            copy.write(block)
            done += len(block)
            if progress is not None:
                progress(done / max(total, 1), f"Copying {path.name}")
    return done


def _moved(entry: Entry, places: dict[Path, Path]) -> Entry:
    counts = entry.spectrum.counts
    if not isinstance(counts, FileArray) or places[counts.path] == counts.path:
        return entry
    return replace(entry, spectrum=entry.spectrum.with_(counts=replace(counts, path=places[counts.path].absolute())))


