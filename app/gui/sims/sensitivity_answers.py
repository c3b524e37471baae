"""Concentrations of the shown entry, worked out off the window's thread when factors, depth or standards change."""

from __future__ import annotations

from typing import Any

from app.gui.document import Document
from app.gui.sims.answers import Answers
from app.gui.sims.depth_answers import DepthAnswers
from app.gui.tasks import Cancel, Progress, Tasks
from app.project.sims_sensitivity import Amount, amounts, standard_of
from libraries.errors import SodaliteError


class SensitivityAnswers(Answers[tuple[Amount, ...]]):
    """The amounts of the shown entry."""

    def __init__(self, document: Document, tasks: Tasks) -> None:
        super().__init__(tasks, document)
        self.document = document
        self.depth = DepthAnswers.of(document, tasks)
        for signal in (document.project_changed, document.selection_changed, self.depth.changed):
            signal.connect(self._follow)

    @property
    def amounts(self) -> tuple[Amount, ...]:
        """What was found."""
        return self.found or ()

    def _follow(self) -> None:
        """Work anew where anything is another that the amounts follow from."""
        entry, found = self.document.entry, self.depth.answer
        if entry is None or not entry.sensitivity.factors or found is None or found.basis[1] != entry.depth:
            self._want(())
            return
        owners: list[Any] = []
        for one in entry.sensitivity.factors:
            if one.origin == "standard":
                try:
                    owner = standard_of(self.document.project, one)[0]
                    owners += [owner.spectrum, owner.recipe, owner.depth, owner.sensitivity, owner.factors, owner.title]
                except SodaliteError:
                    owners.append(None)
        self._want((entry.id, entry.title, entry.sensitivity, found.profile, found.depth, found.depth_failed, *owners),
                   (0, 1, 5))

    def _compute(self) -> None:
        entry, found = self.document.entry, self.depth.answer
        if entry is None or not self._of or found is None:
            return
        project, profile, depth = self.document.project, found.profile, found.depth

        def work(progress: Progress, cancel: Cancel) -> tuple[Amount, ...]:
            return amounts(project, entry, profile, depth, progress=progress, cancel=cancel)

        self._run(work, f"Concentrations of {entry.title}")
