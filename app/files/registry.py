"""Which reader reads a file: decided by its content, not by its name.

Every module of this package that has a `READER` takes part, so that a new format is one new file.
"""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from functools import lru_cache
from pathlib import Path

from app.files.contents import read_head
from app.files.format import FormatInfo, Reader, ReadOptions
from fitting.dataset import Spectrum
from libraries.errors import BadData, BadFile

# Below this a reader is not sure enough to be trusted with a file.
SURE = 0.5


@lru_cache(maxsize=1)
def readers() -> tuple[Reader, ...]:
    """All readers, in the order of their names.

    A frozen program must collect the modules of this package (PyInstaller: collect_submodules("app.files")).
    """
    import app.files as package

    found = []
    for module in pkgutil.iter_modules(package.__path__):
        name = f"app.files.{module.name}"
        if not _may_read(name):
            continue
        reader = getattr(importlib.import_module(name), "READER", None)
        if isinstance(reader, Reader):
            found.append(reader)
    return tuple(sorted(found, key=lambda reader: reader.name))


def _may_read(name: str) -> bool:
    """Whether a module speaks of a `READER`: writers bring much that nobody needs who only opens a file."""
    spec = importlib.util.find_spec(name)
    source = getattr(spec.loader, "get_source", None) if spec is not None else None
    try:
        text = source(name) if source is not None else None
    except (OSError, ImportError):
        text = None
    return text is None or "READER" in text  # without its source (a frozen program) it is asked itself


def formats() -> tuple[FormatInfo, ...]:
    """What can be read: name, title, suffixes and description of each format."""
    return tuple(reader.info for reader in readers())


def sniff(path: str | Path) -> Reader:
    """The reader for a file.

    Raises
    ------
    BadFile
        If the file cannot be read or no reader is sure of it.
    """
    file = Path(path)
    head = read_head(file)
    suffix = file.suffix.lower()
    # The suffix breaks ties between equally sure readers and decides nothing else.
    ranked = sorted(((reader.sniff(head, file), suffix in reader.suffixes, reader) for reader in readers()), key=_rank)
    sure, _, best = ranked[-1]
    if sure < SURE:
        titles = " or ".join(f"{reader.title} ({' '.join(reader.suffixes)})" for reader in readers())
        what = f"This is {_kind(head)}, not a file of spectra that can be read"
        raise BadFile(what, where=str(file), todo=f"Export the spectra as {titles}")
    return best


def read(path: str | Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All spectra of a file, whatever its format.

    Parameters
    ----------
    options : ReadOptions, optional
        What the user says about a file that does not say it itself (see `AxisUnknown`).

    Raises
    ------
    BadFile
        If the file cannot be read, is of no known kind, or is damaged.
    """
    try:
        return sniff(path).read(Path(path), options or ReadOptions())
    except BadData as error:
        # What the data types refuse, the file is to blame for.
        raise BadFile(error.what, where=f"{path}, {error.where}", todo=error.todo or "Export the file again") from error


_KINDS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file without spectra that can be read"),
    (b"\x89PNG", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"\x1f\x8b", "a compressed file"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML file"),
    (b"{", "JSON text"),
    (b"[{", "JSON text"),
    (b"[[", "JSON text"),
)


def _kind(head: bytes) -> str:
    """In words, what a file is that no reader wants."""
    plain = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    for start, words in _KINDS:
        if plain[: len(start)].lower() == start.lower():
            return words
    binary = b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    return "a binary file" if binary else "text without columns of numbers"


def _rank(candidate: tuple[float, bool, Reader]) -> tuple[float, bool]:
    return candidate[0], candidate[1]
