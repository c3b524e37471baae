"""The window. The only package that imports Qt."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def run(files: Sequence[str | Path] = (), sample: str | None = None) -> int:
    """Open the window and wait until it is closed (see `app.gui.start.run`)."""
    from app.gui.start import run as start

    return start(files, sample)
