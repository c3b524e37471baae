"""The window. The only package that imports Qt."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path


def run(files: Sequence[str | Path] = (), sample: str | None = None) -> int:
    """Open the window and wait until it is closed (see `app.gui.start.run`)."""
    # Set before NumPy is loaded. The matrices of a fit are small: on a busy machine the threads of the linear algebra
    # wait for each other, and dragging a peak on a Tougaard background took three times as long.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from app.gui.start import run as start

    return start(files, sample)
