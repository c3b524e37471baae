"""Named models: those that come with the program and those of the user, one JSON file each."""

from __future__ import annotations

import os
from pathlib import Path

from libraries.errors import UnknownName


def folders() -> tuple[Path, ...]:
    """Where models are looked for, the user's own first."""
    import platformdirs

    chosen = os.environ.get("SODALITE_CONFIG_DIR")
    own = Path(chosen) if chosen else Path(platformdirs.user_config_dir("sodalite", appauthor=False))
    return own / "templates", Path(__file__).resolve().parents[1] / "resources" / "templates"


def names() -> tuple[str, ...]:
    """All names, sorted."""
    return tuple(sorted({file.stem for folder in folders() if folder.is_dir() for file in folder.glob("*.json")}))


def find(name: str) -> Path:
    """The file of a name.

    Raises
    ------
    UnknownName
        If there is none; the message lists those there are.
    """
    for folder in folders():
        file = folder / f"{name}.json"
        if name in names() and file.is_file():
            return file
    known = ", ".join(names())
    raise UnknownName(
        f"There is no template '{name}'",
        todo=f"There are: {known}" if known else f"There are none yet: put models as JSON into {folders()[0]}",
    )
