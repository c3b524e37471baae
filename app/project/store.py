"""The project file: saving without ever leaving half a file, opening without trusting what is in it.

The layout is described in `store_layout`, the checks on opening in `store_reader`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from app.files.arrays import FileArray
from app.files.atomic import atomic_path
from app.files.contents import read_bytes
from app.files.references import ChangedFile, MissingFile, Witness, found_again, witness
from app.project.migrations import migrate, version_of
from app.project.project import Entry, Project
from app.project.store_layout import project_of, tree_of
from app.project.store_reader import MAX_TEXT, read_tree
from app.project.store_tree import Tree, digest, to_image, utf8
from app.project.store_view import is_copy
from fitting.dataset import Spectrum
from libraries.errors import BadFile, BadProject, Cancelled, CannotWrite, SodaliteError

SUFFIX = ".sodalite"
MAX_EMBEDDED = 640 << 20
MAX_FILE = 1 << 30
_HASHES_SINCE = 3  # version of project files from which content hashes leave out fields at their defaults
_RESTORE = "Open a backup copy of the project"
_LEFTOVER = re.compile(r"\.sodalite-[A-Za-z0-9_]{8}\.tmp\Z")
_LEFTOVER_SECONDS = 600.0


def save(project: Project, path: str | Path, cancel: Callable[[], bool] | None = None) -> None:
    """Write the project; `path` is the old file until the new one is complete, also when the program is killed.

    Images larger than memory stay in their own files: the project says which, and how to know them again.

    Raises
    ------
    CannotWrite
        If spectra and maps are larger than a project file may be, the folder is missing or read-only, or the disk is
        full.
    """
    target = Path(path)
    size = sum(_bytes(entry) for entry in project.entries)
    if size > MAX_EMBEDDED:
        raise CannotWrite(
            f"Spectra and maps hold {size / 2**20:.0f} MB, a project file holds up to {MAX_EMBEDDED >> 20} MB",
            where=str(target),
            todo="Remove some spectra or maps, or crop or bin spectra before adding them",
        )
    write_image(image_of(tree_of_checked(project, target, cancel), target), target)


def _bytes(entry: Entry) -> int:
    """What an entry takes in the project file, before it is packed."""
    maps = sum(
        array.nbytes for one in entry.maps for array in (one.values, one.error, one.flags) if array is not None
    )
    return maps + (0 if entry.spectrum.stored else entry.spectrum.counts.nbytes)


def seen_from(folder: Path, *, whole: bool, cancel: Callable[[], bool] | None = None) -> Callable[[FileArray], Witness]:
    """How the files of images look at the moment; one that cannot be read keeps no work from being saved."""

    def look(stored: FileArray) -> Witness:
        try:
            return witness(stored, folder, whole=whole, cancel=cancel)
        except BadFile:
            return Witness("", -1, 0)

    return look


def tree_of_checked(project: Project, target: Path, cancel: Callable[[], bool] | None = None) -> Tree:
    """The tree of a project, made into a project again and compared, before anything is written.

    Raises
    ------
    CannotWrite
        If the project holds something that would not come back from the file.
    """
    try:
        tree = tree_of(project, seen=seen_from(target.resolve().parent, whole=True, cancel=cancel))
        same = project_of(tree, str(target)).equals(project)
    except Cancelled:
        raise
    except SodaliteError as error:
        what = f"The project could not be opened again ({error})"
        raise CannotWrite(what, where=str(target), todo=_REPORT) from error
    if not same:
        raise CannotWrite("The project would not come back the same from the file", where=str(target), todo=_REPORT)
    return tree


_REPORT = "Report this; the file on the disk is unchanged"


def image_of(tree: Tree, target: Path) -> bytes:
    """The bytes of the file, with the digest of its content.

    Raises
    ------
    CannotWrite
        If a text is too long, or there is not enough memory.
    """
    _check_texts(tree, target)
    try:
        return to_image({**tree, "@sha256": digest(tree, is_copy)})
    except (OSError, RuntimeError, MemoryError) as error:
        raise CannotWrite(f"The file could not be made ({error})", where=str(target), todo=_REPORT) from error


def _check_texts(tree: Tree, target: Path) -> None:
    for name, item in tree.items():
        if isinstance(item, dict):
            _check_texts(item, target)
        elif isinstance(item, str) and len(utf8(item)) > MAX_TEXT:
            raise CannotWrite(
                f"The text {name} is longer than the {MAX_TEXT >> 20} MB that a text may have",
                where=str(target),
                todo="Shorten notes and comments, or split the project",
            )


def write_image(image: bytes, target: Path) -> None:
    """Put the bytes in the place of `target`, atomically, and clean up after earlier saves that were killed.

    Raises
    ------
    CannotWrite
        As `app.files.atomic.atomic_path`.
    """
    with atomic_path(target) as temporary:
        temporary.write_bytes(image)
    sweep(target.resolve().parent)


def sweep(folder: Path, seconds: float = _LEFTOVER_SECONDS) -> int:
    """Remove temporary files of killed saves from a folder; how many there were.

    Only ordinary files of our naming that nobody has written to for `seconds` go: a save in another window, which
    writes without a pause, keeps its file.
    """
    removed = 0
    try:
        for file in folder.iterdir():
            ours = _LEFTOVER.match(file.name) and not file.is_symlink() and file.is_file()
            if ours and time.time() - file.stat().st_mtime > seconds:
                file.unlink()
                removed += 1
    except OSError:
        pass  # read-only folder, or another program was faster: tidying is no reason to fail
    return removed


def load(path: str | Path, given: Mapping[str, Path] | None = None) -> Project:
    """Open a project file in this process (see `store_child.load_in_child` for files from outside).

    Raises
    ------
    BadProject
        If the file is missing, damaged, unsafe, no project, or newer than this program.
    """
    file = Path(path)
    project = project_from(read_checked(file), file, given=given)
    sweep(file.resolve().parent)
    return project


def read_checked(file: Path, depth: int | None = None) -> Tree:
    """The tree of a project file, of any schema version; read as a whole, its digest is checked too.

    Parameters
    ----------
    depth : int, optional
        Read only so many levels of groups (1: the root).

    Raises
    ------
    BadProject
        If the file is missing, damaged, unsafe or no project.
    """
    where = str(file)
    try:
        image = read_bytes(file, MAX_FILE)
    except BadFile as error:
        raise BadProject(error.what, where=error.where, todo=error.todo) from error
    tree = read_tree(image, where, skip=is_copy, depth=depth)
    version_of(tree, where)
    if depth is None and tree.get("@sha256") != digest(tree, is_copy):
        raise BadProject("The file is damaged, or another program changed it", where=where, todo=_RESTORE)
    return tree


def project_from(
    tree: Tree, file: Path, raw: Mapping[str, Spectrum] | None = None, given: Mapping[str, Path] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Project:
    """The project in a tree of any schema version.

    Parameters
    ----------
    given : mapping of text to Path, optional
        Where files of images are, by the path that the project has for them.

    Raises
    ------
    BadProject
        If the version is too new or too old, or something is missing or of the wrong type.
    MissingFile, ChangedFile
        If an image that is not in the project is gone, or is another one.
    """
    old = version_of(tree, str(file)) < _HASHES_SINCE
    tree = migrate(tree, str(file))
    folder = file.resolve().parent
    try:
        found = project_of(tree, str(file), raw, lambda stored, seen: found_again(stored, seen, folder, given, cancel))
    except (BadProject, MissingFile, ChangedFile, Cancelled):
        raise
    except SodaliteError as error:
        raise BadProject(error.what, where=_place(error.where, file), todo=error.todo or _RESTORE) from error
    return found.map_entries(with_todays_hashes) if old else found


def with_todays_hashes(entry: Entry) -> Entry:
    """Results that name their data by today's hash: older programs worked it out over fewer fields.

    They dropped a result whenever the data changed, so that those they kept belong to the data.
    """
    try:
        hash = entry.processed().hash
    except SodaliteError:
        return entry
    fits = tuple(
        replace(fit, result=replace(fit.result, data_hash=hash)) if fit.result is not None else fit
        for fit in entry.fits
    )
    return replace(entry, fits=fits)


def _place(where: str, file: Path) -> str:
    return where if where.startswith(str(file)) else f"{file}, {where}" if where else str(file)
