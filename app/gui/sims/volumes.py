"""Numbers of voxels that are drawn, read off the window's thread and kept: shared by navigator, volume and sections."""

from __future__ import annotations

from collections.abc import Callable
from weakref import WeakKeyDictionary

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.cube_sources import MAP, map_of, voxels
from app.project.project import Entry
from fitting.dataset import FloatArray, Spectrum
from libraries.errors import SodaliteError

KEPT = 192 << 20  # bytes of volumes of one cube
_known: WeakKeyDictionary[Spectrum, dict[str, FloatArray]] = WeakKeyDictionary()


class Volumes(QObject):
    """Gives volumes of a cube as they are there.

    Signals
    -------
    ready()
        One that was asked for is there, or cannot be made (`error`).
    """

    ready = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks = tasks
        self._task: Task | None = None
        self._cube: Spectrum | None = None
        self._waiting: dict[str, Entry] = {}
        self._failed: set[str] = set()
        self.error = ""

    def get(self, entry: Entry, cube: Spectrum, key: str) -> FloatArray | None:
        """The volume, shape (scans, rows, columns); None while it is read, and `ready` tells when it is there."""
        if cube is not self._cube:
            self.stop()
            self._cube, self.error = cube, ""
            self._failed.clear()
        if key.startswith(MAP):
            try:
                return map_of(entry, key).values
            except SodaliteError as error:
                self.error = str(error)
                return None
        known = _known.setdefault(cube, {})
        if key in known:
            known[key] = known.pop(key)  # the last one asked for stays longest
            return known[key]
        if key not in self._failed:
            self._waiting[key] = entry
            self._next()
        return None

    @property
    def busy(self) -> bool:
        """Whether something is being read."""
        return self._task is not None

    def stop(self) -> None:
        """Leave what is under way."""
        self._waiting.clear()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _next(self) -> None:
        cube = self._cube
        if self._task is not None or not self._waiting or cube is None:
            return
        key = next(iter(self._waiting))
        entry = self._waiting[key]
        make: Callable[[Progress, Cancel], FloatArray] = lambda progress, cancel: np.asarray(  # noqa: E731
            voxels(entry, cube, key), dtype=np.float32)
        task = self._task = self._tasks.run(make, lambda found: _keep(cube, key, found),
                                            lambda error: self._fail(key, error), quiet=True, title="Volume")
        task.ended.connect(lambda: self._ended(task, key))

    def _fail(self, key: str, error: BaseException) -> None:
        self._failed.add(key)
        self.error = str(error)
        if not isinstance(error, SodaliteError):
            raise error

    def _ended(self, task: Task, key: str) -> None:
        if task is self._task:
            self._task = None
            self._waiting.pop(key, None)
            self.ready.emit()
            self._next()


def _keep(cube: Spectrum, key: str, found: FloatArray) -> None:
    known = _known.setdefault(cube, {})
    known[key] = found
    while len(known) > 2 and sum(one.nbytes for one in known.values()) > KEPT:
        known.pop(next(iter(known)))
