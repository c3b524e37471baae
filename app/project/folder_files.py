"""The files of a folder run: which are read, which are written, and the list of those that are finished."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.files.contents import read_bytes
from app.files.registry import formats
from app.project import store
from libraries.errors import BadFile

DONE, FAILED = "done", "failed"


def files_in(places: Iterable[Path]) -> tuple[Path, ...]:
    """Files to work on: those named, and of a folder all whose suffix a reader knows, sorted by name.

    Raises
    ------
    BadFile
        If there are none.
    """
    known = {suffix.lower() for item in formats() for suffix in item.suffixes}
    found: list[Path] = []
    for place in places:
        if place.is_dir():
            # Files of ours beside the data are results, no data.
            found += sorted(
                (f for f in place.iterdir() if f.is_file() and f.suffix.lower() in known and not f.name.startswith(".")
                 and f.suffix.lower() != store.SUFFIX),
                key=lambda f: [int(t) if t.isdigit() else t.casefold() for t in _parts(f.name)],
            )
        else:
            found.append(place)
    if not found:
        raise BadFile("There is no file of spectra", where=", ".join(map(str, places)), todo="Choose another folder")
    return tuple(dict.fromkeys(found))


def _parts(name: str) -> list[str]:
    """Words and numbers of a name, so that 10 follows 9."""
    return re.split(r"(\d+)", name)


def outputs_of(out: Path) -> dict[str, Path]:
    """The files that a run writes, by what they are."""
    return {
        "project": out, "table": out.with_suffix(".csv"),
        "failures": out.with_name(f"{out.stem}-failures.csv"), "progress": out.with_name(f"{out.stem}.progress.json"),
    }


def content(path: Path) -> str:
    """SHA-256 of a file; "" where it cannot be read (its reader will say why)."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return ""


def journal(path: Path) -> dict[str, Any]:
    """The list of finished files, checked.

    Raises
    ------
    BadFile
        If it is damaged.
    """
    try:
        data = json.loads(read_bytes(path, 256 << 20))
        good = isinstance(data, dict) and isinstance(data["template"], str) and all(
            isinstance(row["hash"], str) and row["state"] in (DONE, FAILED)
            and all(isinstance(row[key], list) and all(isinstance(t, str) for t in row[key])
                    for key in ("samples", "failures", "remarks"))
            for row in data["files"].values()
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        good = False
    if not good:
        raise BadFile("The list of finished files is damaged", where=str(path), todo="Begin again under another name")
    return data
