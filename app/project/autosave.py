"""Recovery files: what the user did since the last save, kept in the user's state folder until it is saved.

A recovery file is a project file that leaves out the raw data which the saved project has (it names them by content
hash); for a project that was never saved it holds everything. The caller decides when to write; nothing here knows
of a window.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import platformdirs

from app.files.atomic import cannot_write
from app.project import store
from app.project.migrations import SCHEMA_VERSION, migrate, version_of
from app.project.project import Project
from app.project.session import Session, now, this_session
from app.project.store_layout import spectrum_hashes, tree_of
from app.project.store_plain import from_row, from_text, to_text
from app.project.store_tree import Tree
from fitting.dataset import Spectrum
from libraries.errors import BadData, BadFile, BadProject, CannotWrite, SodaliteError

_ITEM = "recovery"
_PATTERN = "recovery-*.sodalite"


@dataclass(frozen=True)
class Recovery:
    """A recovery file.

    Attributes
    ----------
    path : Path
        The recovery file.
    when : str
        ISO 8601 time (UTC) at which it was written.
    name : str
        Name of the project.
    project_path : Path or None
        The saved project that it belongs to; None for one that was never saved.
    session : Session
        The program that wrote it.
    """

    path: Path
    when: str
    name: str
    project_path: Path | None
    session: Session


def state_folder() -> Path:
    """Where recovery files lie: `SODALITE_STATE_DIR`, else the user's state folder of this system."""
    return Path(os.environ.get("SODALITE_STATE_DIR") or platformdirs.user_state_dir("sodalite", appauthor=False))


def write_recovery(project: Project, path_of_project: str | Path | None = None) -> Recovery:
    """Write the recovery file of a project, over the last one that this program wrote for it.

    Parameters
    ----------
    project : Project
    path_of_project : path, optional
        Where the project was saved last. Raw data that lie there are not written again.

    Raises
    ------
    CannotWrite
        If the state folder cannot be written.
    """
    saved = None if path_of_project is None else Path(path_of_project).absolute()
    session = this_session()
    recovery = Recovery(_file(session, saved), now(), project.name, saved, session)
    try:
        seen = store.seen_from(recovery.path.parent.resolve(), whole=False)
        tree = tree_of(project, without=_saved_hashes(saved), copies=False, seen=seen)
    except BadData as error:
        raise CannotWrite(error.what, where=str(recovery.path), todo="Report this") from error
    tree[_ITEM] = to_text({**asdict(recovery), "path": "", "project_path": None if saved is None else str(saved)})
    try:
        recovery.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(recovery.path, error) from error
    store.write_image(store.image_of(tree, recovery.path), recovery.path)
    return recovery


def _file(session: Session, saved: Path | None) -> Path:
    key = f"{session.host}\n{session.pid}\n{session.started}\n{'' if saved is None else saved}"
    name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return state_folder() / _PATTERN.replace("*", name)


def _saved_hashes(saved: Path | None) -> frozenset[str]:
    """Content hashes of the spectra whose raw data lie in a project file; none where it cannot be read."""
    if saved is None:
        return frozenset()
    try:
        tree = store.read_checked(saved, depth=2)
        if version_of(tree, str(saved)) != SCHEMA_VERSION:
            return frozenset()
        return frozenset(identity for identity, embedded in spectrum_hashes(tree, str(saved)) if embedded)
    except SodaliteError:
        return frozenset()  # gone or damaged since: then the recovery file holds everything


def find_recoveries() -> tuple[Recovery, ...]:
    """The recovery files of programs that do not run any more, latest first; unreadable ones are left out."""
    found = []
    for file in sorted(state_folder().glob(_PATTERN)):
        try:
            recovery = _described(store.read_checked(file, depth=1), file)
        except SodaliteError:
            continue
        if recovery.session.running is not True:
            found.append(recovery)
    return tuple(sorted(found, key=lambda recovery: recovery.when, reverse=True))


def _described(tree: Tree, file: Path) -> Recovery:
    where = str(file)
    row: Any = from_text(str(tree.get(_ITEM, "")), where)
    if not isinstance(row, dict):
        raise BadData("This is not a recovery file", where=where)
    saved = row.get("project_path")
    return Recovery(
        path=file,
        when=str(row.get("when", "")),
        name=str(row.get("name", "")),
        project_path=Path(saved) if isinstance(saved, str) else None,
        session=from_row(Session, row.get("session"), where),
    )


def recover(recovery: Recovery) -> Project:
    """The project as it was when the recovery file was written.

    Raises
    ------
    BadProject
        If the recovery file is damaged, or the saved project that has the raw data is gone or was changed.
    """
    tree = migrate(store.read_checked(recovery.path), str(recovery.path))
    try:
        wanted = {identity for identity, embedded in spectrum_hashes(tree, str(recovery.path)) if not embedded}
    except SodaliteError as error:
        raise BadProject(error.what, where=str(recovery.path), todo="Discard this recovery file") from error
    raw = _raw_data(recovery.project_path) if wanted else {}
    lost = len(wanted - set(raw))
    if lost:
        raise BadProject(
            f"The raw data of {lost} spectra are not in the saved project any more",
            where=str(recovery.project_path or recovery.path),
            todo="Put the saved project back at this place and recover again",
        )
    return store.project_from(tree, recovery.path, raw)


def _raw_data(saved: Path | None) -> dict[str, Spectrum]:
    """Spectra of a saved project by content hash; none where it cannot be opened."""
    if saved is None:
        return {}
    try:
        return {entry.spectrum.hash: entry.spectrum for entry in store.load(saved).entries}
    except (BadProject, BadFile):
        return {}


def discard(recovery: Recovery) -> None:
    """Remove a recovery file (after saving, or because the user does not want it).

    Raises
    ------
    CannotWrite
        If it cannot be removed.
    """
    try:
        recovery.path.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(recovery.path, error) from error
