"""Compositions of the shown entry's factors, worked out off the window's thread."""

from __future__ import annotations

from PySide6.QtCore import QObject

from app.gui.sims.answers import Answers
from app.gui.tasks import Cancel, Progress, Tasks
from app.project.project import Entry
from app.project.sims_by_xps import compositions_of
from fitting.sims.by_xps import FactorCompositions


class ByXpsAnswers(Answers[FactorCompositions]):
    """The compositions of one entry at a time."""

    def __init__(self, tasks: Tasks, parent: QObject) -> None:
        super().__init__(tasks, parent)
        self._entry: Entry | None = None

    def want(self, entry: Entry | None) -> None:
        """Work out the compositions of an entry, if they are not there already."""
        self._entry = entry
        if entry is not None and (entry.by_xps.factors or entry.by_xps.depths):
            self._want((entry.id, entry.spectrum, entry.recipe, entry.factors, entry.depth, entry.by_xps), (0, 4, 5))
        else:
            self._want(())

    def _compute(self) -> None:
        entry = self._entry
        if entry is None or not self._of:
            return

        def work(progress: Progress, cancel: Cancel) -> FactorCompositions:
            return compositions_of(entry, progress=progress, cancel=cancel)

        self._run(work, f"Compositions of factors of {entry.title}")
