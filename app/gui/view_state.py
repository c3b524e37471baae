"""What the window remembers: theme, recent files, folders, size and layout. One JSON file in the user's folder."""

from __future__ import annotations

import json
import logging
import os
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from pathlib import Path
from typing import Any

import platformdirs
from PySide6.QtCore import QByteArray

log = logging.getLogger("sodalite")
VERSION = 1
MOST_RECENT = 10


def config_dir() -> Path:
    """Folder of the settings; `SODALITE_CONFIG_DIR` overrides it."""
    chosen = os.environ.get("SODALITE_CONFIG_DIR")
    return Path(chosen) if chosen else Path(platformdirs.user_config_dir("sodalite", appauthor=False))


class ViewState:
    """Settings of the window; every value has a default and a damaged file counts as none.

    Parameters
    ----------
    folder : Path, optional
        Where the file is; the user's folder by default.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.file = (folder or config_dir()) / "window.json"
        self._values: dict[str, Any] = self._read()

    def _read(self) -> dict[str, Any]:
        try:
            values = json.loads(self.file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("The window's settings could not be read and start anew: %s", error)
            return {}
        # A newer program's settings are not ours to interpret; they are left as they are until something is changed.
        if not isinstance(values, dict) or values.get("version") != VERSION:
            return {}
        return values

    def save(self) -> None:
        """Write the file; a folder that cannot be written costs the settings and nothing else."""
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            draft = self.file.with_suffix(".tmp")
            draft.write_text(json.dumps({"version": VERSION, **self._values}, indent=1), encoding="utf-8")
            draft.replace(self.file)
        except OSError as error:
            log.warning("The window's settings could not be saved: %s", error)

    def text(self, name: str, default: str = "") -> str:
        """A text."""
        value = self._values.get(name, default)
        return value if isinstance(value, str) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """Yes or no."""
        value = self._values.get(name, default)
        return value if isinstance(value, bool) else default

    def set(self, name: str, value: str | bool) -> None:
        """Remember a text or a yes or no."""
        if self._values.get(name) != value:
            self._values[name] = value
            self.save()

    def bytes(self, name: str) -> QByteArray:
        """Bytes of Qt (geometry, layout); empty where there are none."""
        try:
            return QByteArray(b64decode(self.text(name), validate=True))
        except (Base64Error, ValueError):
            return QByteArray()

    def set_bytes(self, name: str, value: QByteArray) -> None:
        """Remember bytes of Qt."""
        self.set(name, b64encode(value.data()).decode("ascii"))

    @property
    def recent(self) -> tuple[Path, ...]:
        """Files opened lately that still exist, newest first."""
        values = self._values.get("recent", [])
        paths = [Path(value) for value in values if isinstance(value, str)] if isinstance(values, list) else []
        return tuple(path for path in paths if path.exists())

    def add_recent(self, path: Path) -> None:
        """Put a file at the top of the recent ones."""
        path = path.resolve()
        kept = [str(old) for old in self.recent if old != path]
        self._values["recent"] = [str(path), *kept][:MOST_RECENT]
        self._values["folder"] = str(path.parent)
        self.save()
