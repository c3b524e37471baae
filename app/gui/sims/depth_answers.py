"""Depth scale, interfaces and layers of the shown entry, worked out off the window's thread for all pages."""

from __future__ import annotations

from typing import Any

from app.gui.document import Document
from app.gui.sims.answers import Answers
from app.gui.tasks import Cancel, Progress, Tasks
from app.project.sims_depth import DepthAnswer, answer
from app.project.sims_profiles_at import is_part
from fitting.dataset import Spectrum
from fitting.sims.kinds import kind_of

_VALUES = frozenset((0, 2, 3, 4, 5, 7))  # all but spectrum, factors and profile, which are large


class DepthAnswers(Answers[DepthAnswer]):
    """The answer for the shown entry."""

    def __init__(self, document: Document, tasks: Tasks) -> None:
        super().__init__(tasks, document)
        self.document = document
        self._source: Any = None
        for signal in (document.project_changed, document.selection_changed, document.place_changed):
            signal.connect(self._follow)
        self._follow()

    @classmethod
    def of(cls, document: Document, tasks: Tasks) -> DepthAnswers:
        """The one of a document."""
        return document.findChild(cls) or cls(document, tasks)

    @property
    def answer(self) -> DepthAnswer | None:
        """What was found."""
        return self.found

    def use_source(self, source: Any) -> None:
        """Take profiles of cubes from the plot (`app.gui.sims.profile_source`), which adds them up once."""
        if self._source is None:
            self._source = source
            source.arrived.connect(self._follow)

    def _follow(self) -> None:
        """Work anew where anything is another that the answer follows from."""
        entry = self.document.entry
        if entry is None or kind_of(entry.spectrum) not in ("profile", "cube"):
            self._want(())
            return
        profile = self._source.shown() if self._source is not None else None
        self._want((entry.id, entry.spectrum, entry.recipe, entry.depth, entry.interfaces, entry.layering,
                    entry.factors, str(self.document.place), profile), _VALUES)

    def _compute(self) -> None:
        entry, known = self.document.entry, self.found
        if entry is None or not self._of:
            return
        profile: Spectrum | None = self._of[-1]
        if profile is None and self._source is not None and kind_of(entry.spectrum) == "cube":
            if self._source.failed:
                self._take(self._of, None, self._source.failed)
            return  # `arrived` brings it
        part = is_part(entry, self.document.place)

        def work(progress: Progress, cancel: Cancel) -> DepthAnswer:
            return answer(entry, profile, known, part=part, progress=progress, cancel=cancel)

        self._run(work, f"Depth of {entry.title}")
