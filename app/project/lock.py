"""A mark beside an open project that tells others who has it open. It warns; it never keeps a project from opening."""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType

from app.project.session import Session, this_session
from app.project.store_plain import from_row, from_text, to_text
from libraries.errors import BadData

_MAX_BYTES = 4096
# A mark without content is one that is being written just now, or was left by a full disk.
_FRESH_SECONDS = 60.0


@dataclass(frozen=True)
class LockedBy:
    """Who else has the project open.

    Attributes
    ----------
    session : Session
    certain : bool
        Whether that program runs for sure; False where it is on another computer.
    """

    session: Session
    certain: bool

    def __str__(self) -> str:
        who = self.session.user or "Somebody"
        where = f" on {self.session.host}" if self.session.host else ""
        since = f" since {self.session.when}" if self.session.when else ""
        return f"{who}{where} has this project open{since}"


@dataclass(frozen=True)
class Lock:
    """The outcome of `acquire`; a context manager that releases.

    Attributes
    ----------
    path : Path
        The lock file.
    held : bool
        Whether it is ours. False with `other` None: the folder cannot be written, so nobody can be told.
    other : LockedBy or None
    """

    path: Path
    held: bool
    other: LockedBy | None = None
    session: Session | None = None

    def release(self) -> None:
        """Remove the mark if it is still ours; never fails."""
        if not self.held:
            return
        try:
            if _read(self.path) == self.session:
                self.path.unlink()
        except OSError:
            pass  # the folder is gone or read-only now; the mark is stale as soon as this program ends

    def __enter__(self) -> Lock:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.release()


def lock_path(project: str | Path) -> Path:
    """The lock file of a project: `.name.sodalite.lock` beside it."""
    file = Path(project).resolve()
    return file.with_name(f".{file.name}.lock")


def acquire(project: str | Path, *, force: bool = False) -> Lock:
    """Mark a project as open here.

    Parameters
    ----------
    force : bool
        Take the mark over whoever holds it (the user chose "open anyway").

    Returns
    -------
    Lock
        With `held` False and `other` set where another program has it open. Never raises and never waits.
    """
    session = this_session()
    path = lock_path(project)
    for _ in range(3):  # twice is enough unless others take and release it at this very moment
        try:
            _write(path, session)
            return Lock(path, True, None, session)
        except FileExistsError:
            other = None if force else holder(path)
        except OSError:
            return Lock(path, False)
        if other is not None:
            return Lock(path, False, other)
        try:
            path.unlink(missing_ok=True)
        except OSError:
            return Lock(path, False)
    return Lock(path, False, holder(path))


def holder(path: Path) -> LockedBy | None:
    """Who holds a lock file; None where there is none, or where it was left behind by a program that is dead."""
    try:
        session = _read(path)
        age = time.time() - path.lstat().st_mtime
    except OSError:
        return None
    if session is None:
        return LockedBy(Session("", 0), certain=False) if age < _FRESH_SECONDS else None
    running = session.running
    return None if running is False else LockedBy(session, certain=running is True)


def _write(path: Path, session: Session) -> None:
    """Make the file; FileExistsError where there is one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.write(handle, to_text(asdict(session)).encode("utf-8", "backslashreplace"))
    finally:
        os.close(handle)


def _read(path: Path) -> Session | None:
    """What a lock file says; None where it says nothing that can be understood."""
    # A link or a pipe of that name is not ours, and reading a pipe would wait for ever.
    if path.is_symlink() or not path.is_file():
        return None
    with path.open("rb") as file:
        text = file.read(_MAX_BYTES).decode("utf-8", "replace")
    try:
        return from_row(Session, from_text(text, str(path)), str(path))
    except BadData:
        return None
