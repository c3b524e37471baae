"""Getting at the bytes and the text of a file, with a clear error for each way in which that fails."""

from __future__ import annotations

import codecs
from pathlib import Path

from libraries.errors import BadFile

# Text formats are read as a whole; a text file larger than this is no spectrum.
MAX_TEXT = 1 << 30
HEAD = 65536
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def check(path: Path) -> int:
    """Size in bytes of an ordinary, non-empty file.

    Raises
    ------
    BadFile
        If it is missing, a folder, not an ordinary file, empty, or may not be looked at.
    """
    try:
        if path.is_dir():
            raise BadFile("This is a folder, not a file", where=str(path), todo="Choose a file inside it")
        status = path.stat()
    except FileNotFoundError as error:
        raise BadFile("There is no such file", where=str(path), todo="Check the name and the folder") from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    # Reading from a pipe or a device could wait for ever.
    if not path.is_file():
        raise BadFile("This is not an ordinary file", where=str(path), todo="Choose a data file")
    if status.st_size == 0:
        raise BadFile("The file is empty", where=str(path), todo="Copy or export it again")
    return status.st_size


def read_head(path: Path) -> bytes:
    """The first bytes, enough to tell the format."""
    check(path)
    try:
        with path.open("rb") as file:
            return file.read(HEAD)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_bytes(path: Path, limit: int = MAX_TEXT) -> bytes:
    """The whole file, refused where it is larger than `limit` bytes."""
    size = check(path)
    if size > limit:
        raise BadFile(
            f"The file has {size / 1e6:.0f} MB, more than the {limit / 1e6:.0f} MB that a file of this kind may have",
            where=str(path),
            todo="Export the spectra in smaller files",
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_text(path: Path, data: bytes) -> str:
    """Text in UTF-8 or UTF-16 with its mark, else UTF-8, else the Western European code page of Windows."""
    for mark, name in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(name)
            except UnicodeDecodeError as error:
                what = f"The text is damaged ({error.reason})"
                raise BadFile(what, where=str(path), todo="Export it again") from error
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        pass
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        # The five bytes that cp1252 leaves open; Latin-1 gives every byte a character.
        return data.decode("latin-1")


def _unreadable(path: Path, error: Exception) -> BadFile:
    if isinstance(error, PermissionError):
        return BadFile("You may not read this file", where=str(path), todo="Ask for permission or copy it elsewhere")
    what = f"The file cannot be read ({error})"
    return BadFile(what, where=str(path), todo="Check the name, the disk or the network")
