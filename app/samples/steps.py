"""Progress of a row of steps."""

from __future__ import annotations

from fitting.solver import Progress


class Steps:
    """Tells how far a row of steps has come."""

    def __init__(self, progress: Progress | None, count: int) -> None:
        self._progress, self._count, self._done = progress, count, 0

    def __call__(self, text: str) -> None:
        if self._progress is not None:
            self._progress(self._done / self._count, text)
        self._done += 1
