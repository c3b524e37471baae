"""Long work off the window's thread: one pool, progress, cancel, and results that come back to the window's thread.

    tasks.run(lambda progress, cancel: work.fit_region(project, entry, fit, progress, cancel), on_done=show)

The function runs in a worker thread and must touch no widget. `on_done(result)` and `on_error(error)` run in the
window's thread. A function that raises `Cancelled` has been stopped by the user: neither is called.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, QRunnable, Qt, QThreadPool, Signal, Slot

from libraries.errors import Cancelled

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
Work = Callable[[Progress, Cancel], Any]
PROGRESS_EVERY = 0.05  # s; more often than the eye can follow only costs time
THREADS = 2


class Task(QObject):
    """One piece of work.

    Signals
    -------
    progressed(float, str)
        Part done (0 to 1, below 0 for unknown) and what is being done.
    ended()
        After `on_done` or `on_error`, and after a cancel.
    """

    progressed = Signal(float, str)
    ended = Signal()
    _returned = Signal(object)
    _raised = Signal(object)

    def __init__(
        self, title: str, on_done: Callable[[Any], None] | None, on_error: Callable[[BaseException], None],
        quiet: bool, parent: QObject,
    ) -> None:
        super().__init__(parent)
        self.title, self.quiet = title, quiet
        self._on_done, self._on_error = on_done, on_error
        self._cancelled = threading.Event()
        self._last = 0.0
        self._returned.connect(self._take_result, Qt.ConnectionType.QueuedConnection)
        self._raised.connect(self._take_error, Qt.ConnectionType.QueuedConnection)

    def cancel(self) -> None:
        """Ask the work to stop; its result is not used."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether a stop was asked for."""
        return self._cancelled.is_set()

    def report(self, fraction: float, text: str = "") -> None:
        """Progress from the worker thread; reports that come too fast are left out."""
        now = time.monotonic()
        if now - self._last >= PROGRESS_EVERY or fraction >= 1.0:
            self._last = now
            self.progressed.emit(float(fraction), text)

    @Slot(object)
    def _take_result(self, result: Any) -> None:
        try:
            if self._on_done is not None and not self.cancelled:
                self._on_done(result)
        finally:
            self.ended.emit()

    @Slot(object)
    def _take_error(self, error: BaseException) -> None:
        try:
            if not isinstance(error, Cancelled) and not self.cancelled:
                self._on_error(error)
        finally:
            self.ended.emit()


class _Runner(QRunnable):
    """Runs a task's function in a thread of the pool."""

    def __init__(self, task: Task, function: Work) -> None:
        super().__init__()
        self._task, self._function = task, function

    def run(self) -> None:
        task = self._task
        try:
            if task.cancelled:
                raise Cancelled
            result = self._function(task.report, lambda: task.cancelled)
        except Exception as error:  # whatever it is, it is handed to the window, which shows it
            task._raised.emit(error)
        else:
            task._returned.emit(result)


class Tasks(QObject):
    """The pool of workers of a window.

    Signals
    -------
    changed()
        Work began or ended.
    progressed(float, str)
        Progress of the work that is shown (the newest one that is not quiet).
    """

    changed = Signal()
    progressed = Signal(float, str)

    def __init__(self, on_error: Callable[[BaseException], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on_error = on_error
        self._pool = QThreadPool(self)
        self._pool.setMaxThreadCount(THREADS)
        self._tasks: list[Task] = []

    def run(
        self, function: Work, on_done: Callable[[Any], None] | None = None,
        on_error: Callable[[BaseException], None] | None = None, *, title: str = "", quiet: bool = False,
    ) -> Task:
        """Start work.

        Parameters
        ----------
        function : callable(progress, cancel)
            Runs in a worker thread.
        on_done, on_error : callable, optional
            Run in the window's thread; without `on_error` the window shows the error.
        title : str
            What the status bar says.
        quiet : bool
            No progress bar and no busy state (live fit, autosave).
        """
        task = Task(title, on_done, on_error or self._on_error, quiet, self)
        task.ended.connect(lambda: self._end(task))
        task.progressed.connect(lambda fraction, text: self._forward(task, fraction, text))
        self._tasks.append(task)
        self._pool.start(_Runner(task, function))
        self.changed.emit()
        return task

    @property
    def shown(self) -> Task | None:
        """The work that the status bar speaks of."""
        return next((task for task in reversed(self._tasks) if not task.quiet), None)

    @property
    def busy(self) -> bool:
        """Whether work that the user started is under way."""
        return self.shown is not None

    @property
    def idle(self) -> bool:
        """Whether nothing at all is under way."""
        return not self._tasks

    def cancel_shown(self) -> None:
        """Stop the work that the user started."""
        for task in self._tasks:
            if not task.quiet:
                task.cancel()

    def close(self, milliseconds: int = 20_000) -> bool:
        """Stop everything and wait for it; False where something does not stop."""
        for task in self._tasks:
            task.cancel()
        self._pool.clear()
        return self._pool.waitForDone(milliseconds)

    def _forward(self, task: Task, fraction: float, text: str) -> None:
        if task is self.shown:
            self.progressed.emit(fraction, text or task.title)

    def _end(self, task: Task) -> None:
        if task in self._tasks:
            self._tasks.remove(task)
        task.deleteLater()
        self.changed.emit()
