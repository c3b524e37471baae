"""Writing a file so that it is either the old one or the complete new one, never half of it."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from libraries.errors import CannotWrite

_WORDS = {
    errno.ENOSPC: ("The disk is full", "Free some space or choose another folder"),
    errno.EDQUOT: ("The disk quota is used up", "Free some space or choose another folder"),
    errno.EROFS: ("The folder is read-only", "Choose another folder"),
    errno.EACCES: ("The folder or file is read-only or in use", "Choose another folder or close the other program"),
    errno.EPERM: ("The folder or file is read-only or in use", "Choose another folder or close the other program"),
    errno.ENOENT: ("The folder does not exist", "Make the folder first or choose another one"),
    errno.ENOTDIR: ("A part of the path is not a folder", "Choose another folder"),
    errno.ENAMETOOLONG: ("The file name is too long", "Choose a shorter name"),
    errno.EFBIG: ("The file is too large for this disk", "Choose another disk"),
}


def cannot_write(target: Path, error: OSError) -> CannotWrite:
    """Our error for what the system said about writing `target`."""
    number = error.errno
    # HDF5 gives no errno when the disk is full, only a text that holds it.
    if number is None and f"errno = {errno.ENOSPC}" in str(error):
        number = errno.ENOSPC
    what, todo = _WORDS.get(number or 0, (f"Cannot be written ({error})", "Choose another folder"))
    return CannotWrite(what, where=str(target), todo=todo)


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """A temporary file beside `target` that replaces it when the block ends without an error.

    Parameters
    ----------
    target : path
        The file to make or replace. A symbolic link is followed, so that the link stays a link.

    Yields
    ------
    Path
        An empty temporary file in the same folder (only there is a rename atomic). Write it and close it inside the
        block; it is then synced to the disk and renamed. On any error it is removed and `target` is untouched.

    Raises
    ------
    CannotWrite
        If the folder is missing or read-only, the disk is full, or the target is a folder or in use.
    """
    wanted = Path(target)
    temporary: Path | None = None
    try:
        final = _destination(wanted)
        handle, name = tempfile.mkstemp(prefix=".sodalite-", suffix=".tmp", dir=final.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        _set_mode(temporary, final)
        _sync(temporary)
        temporary.replace(final)
        temporary = None
        _sync_folder(final.parent)
    except OSError as error:
        raise cannot_write(wanted, error) from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink()


def write_text(target: str | Path, text: str) -> None:
    """Write `text` as UTF-8 with its line ends as they are, atomically."""
    with atomic_path(target) as path:
        path.write_bytes(text.encode("utf-8"))


def _destination(wanted: Path) -> Path:
    final = wanted.resolve()
    if final.is_dir():
        raise CannotWrite("This is a folder, not a file", where=str(wanted), todo="Give a file name inside it")
    if not final.parent.is_dir():
        raise CannotWrite(
            "The folder does not exist", where=str(wanted.parent), todo="Make the folder first or choose another one"
        )
    # A rename would replace a read-only file without asking; its owner meant it to stay.
    if final.exists() and not final.stat().st_mode & stat.S_IWUSR:
        raise CannotWrite("The file is read-only", where=str(wanted), todo="Choose another name or make it writable")
    return final


def _set_mode(temporary: Path, final: Path) -> None:
    """Give the new file the permissions of the old one, or those of a file made in the ordinary way."""
    if os.name != "posix":
        return
    if final.exists():
        mode = stat.S_IMODE(final.stat().st_mode)
    else:
        # Reading the umask means setting it; an atomic alternative does not exist on every system.
        mask = os.umask(0o022)
        os.umask(mask)
        mode = 0o666 & ~mask
    temporary.chmod(mode)


def _sync(path: Path) -> None:
    # Windows can only sync a file that is open for writing.
    with path.open("r+b") as file:
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Sync the rename itself, where the system can sync folders."""
    if os.name != "posix":
        return
    # Some network file systems refuse; the file itself is already synced.
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def make_folder(path: Path) -> None:
    """A folder, with those above it, where it is missing.

    Raises
    ------
    CannotWrite
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(path, error) from error
