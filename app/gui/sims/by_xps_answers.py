"""Compositions of the shown entry's factors, worked out off the window's thread."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.project import Entry
from app.project.sims_by_xps import compositions_of
from fitting.sims.by_xps import FactorCompositions
from libraries.errors import SodaliteError

PAUSE = 150  # ms


class ByXpsAnswers(QObject):
    """The compositions of one entry at a time.

    Signals
    -------
    changed()
        Other compositions, or another reason why there are none.
    """

    changed = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tasks = tasks
        self.found: FactorCompositions | None = None
        self.failed = ""
        self._entry: Entry | None = None
        self._of: tuple[Any, ...] = ()
        self._task: Task | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._compute)

    @property
    def busy(self) -> bool:
        """Whether compositions are on their way."""
        return self._task is not None or self._timer.isActive()

    def want(self, entry: Entry | None) -> None:
        """Work out the compositions of an entry, if they are not there already."""
        wanted: tuple[Any, ...] = ()
        if entry is not None and (entry.by_xps.factors or entry.by_xps.depths):
            wanted = (entry.id, entry.spectrum, entry.recipe, entry.factors, entry.depth, entry.by_xps)
        if len(wanted) == len(self._of) and all(a is b or (i in (0, 4, 5) and a == b)
                                                for i, (a, b) in enumerate(zip(wanted, self._of, strict=True))):
            self._entry = entry
            return
        if not wanted or not self._of or wanted[0] != self._of[0]:
            self.found, self.failed = None, ""
        self._of, self._entry = wanted, entry
        if self._task is not None:
            self._task.cancel()
        if wanted:
            self._timer.start()
        else:
            self._timer.stop()

    def _compute(self) -> None:
        entry, wanted = self._entry, self._of
        if entry is None or not wanted:
            return

        def work(progress: Progress, cancel: Cancel) -> FactorCompositions:
            return compositions_of(entry, progress=progress, cancel=cancel)

        def broken(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            self._take(wanted, None, str(error))

        task = self.tasks.run(work, lambda found: self._take(wanted, found, ""), broken,
                              title=f"Compositions of factors of {entry.title}", quiet=True)  # fmt: skip
        self._task = task
        task.ended.connect(lambda: self._ended(task))

    def _take(self, wanted: tuple[Any, ...], found: FactorCompositions | None, failed: str) -> None:
        if wanted is self._of:
            self.found, self.failed = found, failed
            self.changed.emit()

    def _ended(self, task: Task) -> None:
        if self._task is task:
            self._task = None
