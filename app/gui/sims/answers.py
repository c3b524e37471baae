"""What follows from a project and takes a while: worked out off the window's thread when the hand rests."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.gui.tasks import Cancel, Progress, Task, Tasks
from libraries.errors import SodaliteError

Found = TypeVar("Found")
PAUSE = 120  # ms: what is dragged is worked out when the hand rests


class Answers(QObject, Generic[Found]):
    """One answer at a time.

    Signals
    -------
    changed()
        Another answer, or another reason why there is none.
    """

    changed = Signal()

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(parent)
        self.tasks = tasks
        self.found: Found | None = None
        self.failed = ""
        self._of: tuple[Any, ...] = ()
        self._task: Task | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._compute)

    @property
    def busy(self) -> bool:
        """Whether a newer answer is on its way."""
        return self._task is not None or self._timer.isActive()

    def _compute(self) -> None:
        """Start the work; called when the hand rests."""
        raise NotImplementedError

    def _want(self, wanted: tuple[Any, ...], equal: Collection[int] = ()) -> None:
        """Work anew where what the answer follows from is another.

        The first of it is whose answer it is; empty for none. Places in `equal` are compared as values, others as
        objects.
        """
        if len(wanted) == len(self._of) and all(a is b or (i in equal and a == b)
                                                for i, (a, b) in enumerate(zip(wanted, self._of, strict=True))):
            return
        another = not wanted or (bool(self._of) and wanted[0] != self._of[0])
        self._of = wanted
        if self._task is not None:
            self._task.cancel()
        if wanted:
            self._timer.start()
        else:
            self._timer.stop()
        if another:
            self.found, self.failed = None, ""
            self.changed.emit()

    def _run(self, work: Callable[[Progress, Cancel], Found], title: str) -> None:
        """Do the work; its answer counts while it is still wanted."""
        wanted = self._of

        def broken(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            self._take(wanted, None, str(error))

        task = self.tasks.run(work, lambda found: self._take(wanted, found, ""), broken, title=title, quiet=True)
        self._task = task
        task.ended.connect(lambda: self._ended(task))

    def _take(self, wanted: tuple[Any, ...], found: Found | None, failed: str) -> None:
        if wanted is self._of:
            self.found, self.failed = found, failed
            self.changed.emit()

    def _ended(self, task: Task) -> None:
        if self._task is task:
            self._task = None
