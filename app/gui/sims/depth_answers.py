"""Depth scale, interfaces and layers of the shown entry, worked out off the window's thread for all pages."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.gui.document import Document
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.project import Entry
from app.project.sims_depth import DepthAnswer, answer
from app.project.sims_profiles_at import is_part
from fitting.dataset import Spectrum
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

PAUSE = 120  # ms: what is dragged is worked out when the hand rests


class DepthAnswers(QObject):
    """The answer for the shown entry.

    Signals
    -------
    changed()
        Another answer, or another reason why there is none.
    """

    changed = Signal()

    def __init__(self, document: Document, tasks: Tasks) -> None:
        super().__init__(document)
        self.document, self.tasks = document, tasks
        self.answer: DepthAnswer | None = None
        self.failed = ""
        self._of: tuple[Any, ...] = ()
        self._task: Task | None = None
        self._source: Any = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._compute)
        for signal in (document.project_changed, document.selection_changed, document.place_changed):
            signal.connect(self._follow)
        self._follow()

    @classmethod
    def of(cls, document: Document, tasks: Tasks) -> DepthAnswers:
        """The one of a document."""
        return document.findChild(cls) or cls(document, tasks)

    def use_source(self, source: Any) -> None:
        """Take profiles of cubes from the plot (`app.gui.sims.profile_source`), which adds them up once."""
        if self._source is None:
            self._source = source
            source.arrived.connect(self._follow)

    @property
    def busy(self) -> bool:
        """Whether a newer answer is on its way."""
        return self._task is not None or self._timer.isActive()

    def _wanted(self) -> tuple[Any, ...]:
        """What the answer follows from."""
        entry = self.document.entry
        if entry is None or kind_of(entry.spectrum) not in ("profile", "cube"):
            return ()
        profile = self._source.shown() if self._source is not None else None
        return (entry.id, entry.spectrum, entry.recipe, entry.depth, entry.interfaces, entry.layering, entry.factors,
                str(self.document.place), profile)

    def _follow(self) -> None:
        wanted = self._wanted()
        if len(wanted) == len(self._of) and all(a is b or (i not in (1, 6, 8) and a == b)
                                                for i, (a, b) in enumerate(zip(wanted, self._of, strict=True))):
            return
        if not wanted or (self._of and wanted[0] != self._of[0]):
            self.answer, self.failed = None, ""
            self.changed.emit()
        self._of = wanted
        if self._task is not None:
            self._task.cancel()
        if wanted:
            self._timer.start()
        else:
            self._timer.stop()

    def _compute(self) -> None:
        entry, wanted, known = self.document.entry, self._of, self.answer
        if entry is None or not wanted:
            return
        profile: Spectrum | None = wanted[-1]
        if profile is None and self._source is not None and kind_of(entry.spectrum) == "cube":
            if self._source.failed:
                self._fail(wanted, self._source.failed)
            return  # `arrived` brings it

        part = is_part(entry, self.document.place)

        def work(progress: Progress, cancel: Cancel) -> DepthAnswer:
            return answer(entry, profile, known, part=part, progress=progress, cancel=cancel)

        def broken(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            self._fail(wanted, str(error))

        task = self.tasks.run(work, lambda found: self._take(wanted, entry, found), broken,
                              title=f"Depth of {entry.title}", quiet=True)
        self._task = task
        task.ended.connect(lambda: self._ended(task))

    def _take(self, wanted: tuple[Any, ...], entry: Entry, found: DepthAnswer) -> None:
        now = self.document.entry
        if wanted is self._of and now is not None and now.id == entry.id:
            self.answer, self.failed = found, ""
            self.changed.emit()

    def _fail(self, wanted: tuple[Any, ...], why: str) -> None:
        if wanted is self._of:
            self.answer, self.failed = None, why
            self.changed.emit()

    def _ended(self, task: Task) -> None:
        if self._task is task:
            self._task = None
