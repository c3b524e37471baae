"""Concentrations of the shown entry, worked out off the window's thread when factors, depth or standards change."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from app.gui.document import Document
from app.gui.sims.depth_answers import PAUSE, DepthAnswers
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.sims_sensitivity import Amount, amounts, standard_of
from libraries.errors import SodaliteError


class SensitivityAnswers(QObject):
    """The amounts of the shown entry.

    Signals
    -------
    changed()
        Other amounts, or another reason why there are none.
    """

    changed = Signal()

    def __init__(self, document: Document, tasks: Tasks) -> None:
        super().__init__(document)
        self.document, self.tasks = document, tasks
        self.depth = DepthAnswers.of(document, tasks)
        self.amounts: tuple[Amount, ...] = ()
        self.failed = ""
        self._of: tuple[Any, ...] = ()
        self._task: Task | None = None
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(PAUSE)
        self._timer.timeout.connect(self._compute)
        for signal in (document.project_changed, document.selection_changed, self.depth.changed):
            signal.connect(self._follow)

    @property
    def busy(self) -> bool:
        """Whether newer amounts are on their way."""
        return self._task is not None or self._timer.isActive()

    def _wanted(self) -> tuple[Any, ...]:
        """What the amounts follow from."""
        entry, found = self.document.entry, self.depth.answer
        if entry is None or not entry.sensitivity.factors or found is None or found.basis[1] != entry.depth:
            return ()
        owners: list[Any] = []
        for one in entry.sensitivity.factors:
            if one.origin == "standard":
                try:
                    owner = standard_of(self.document.project, one)[0]
                    owners += [owner.spectrum, owner.recipe, owner.depth, owner.sensitivity, owner.factors, owner.title]
                except SodaliteError:
                    owners.append(None)
        return (entry.id, entry.title, entry.sensitivity, found.profile, found.depth, found.depth_failed, *owners)

    def _follow(self) -> None:
        wanted = self._wanted()
        if len(wanted) == len(self._of) and all(a is b for a, b in zip(wanted, self._of, strict=True)):
            return
        if not wanted or (self._of and wanted[0] != self._of[0]):
            self.amounts, self.failed = (), ""
            self.changed.emit()
        self._of = wanted
        if self._task is not None:
            self._task.cancel()
        if wanted:
            self._timer.start()
        else:
            self._timer.stop()

    def _compute(self) -> None:
        entry, wanted, found = self.document.entry, self._of, self.depth.answer
        if entry is None or not wanted or found is None:
            return
        project, profile, depth = self.document.project, found.profile, found.depth

        def work(progress: Progress, cancel: Cancel) -> tuple[Amount, ...]:
            return amounts(project, entry, profile, depth, progress=progress, cancel=cancel)

        def broken(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            self._take(wanted, (), str(error))

        task = self.tasks.run(work, lambda made: self._take(wanted, made, ""), broken,
                              title=f"Concentrations of {entry.title}", quiet=True)
        self._task = task
        task.ended.connect(lambda: self._ended(task))

    def _take(self, wanted: tuple[Any, ...], made: tuple[Amount, ...], failed: str) -> None:
        if wanted is self._of:
            self.amounts, self.failed = made, failed
            self.changed.emit()

    def _ended(self, task: Task) -> None:
        if self._task is task:
            self._task = None
