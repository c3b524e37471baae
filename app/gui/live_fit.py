"""The live fit: after every change by hand the region is fitted again.

While the hand holds something, what it moves is held and the rest follows, at once and only as long as the fit takes
less than a frame; when the hand lets go, everything is fitted off the window's thread. A live fit belongs to the edit
that caused it: one undo takes both back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import QObject

from app.gui.document import Document
from app.gui.fit_merge import merged
from app.gui.tasks import Tasks
from app.project import work
from app.project.project import Project, RegionFit
from fitting import engine
from fitting.model import FitModel
from libraries.errors import SodaliteError

# A fit that takes longer than this would be felt under the hand (30 frames a second leave 33 ms for everything).
FRAME_SECONDS = 0.02


def held(model: FitModel, before: FitModel) -> FitModel:
    """The model with everything held whose value differs from before (what the hand moved)."""
    old = before.params
    moved = {
        name: replace(param, vary=False, link="")
        for name, param in model.params.items()
        if name in old and param.value != old[name].value and not param.link
    }
    return model.with_params(moved) if moved else model


class LiveFit(QObject):
    """Watches the document and fits.

    Parameters
    ----------
    document : Document
    tasks : Tasks
    show_error, say : callable
        Show an error; say something in the status bar.
    """

    def __init__(
        self, document: Document, tasks: Tasks, show_error: Callable[[BaseException], None],
        say: Callable[[str], None], parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._show_error, self._say = show_error, say
        self.on = False
        self._amending = self._running = self._again = False
        self._seconds: float | None = None
        self._settled: tuple[str, str, FitModel] | None = None
        document.project_changed.connect(self._changed)
        document.edit_finished.connect(self._let_go)

    def set_on(self, on: bool) -> None:
        """Start or stop; starting fits what is shown if it is not fitted."""
        self.on = on
        self._settled = None
        if on:
            self._changed()

    def _wanted(self) -> tuple[str, RegionFit] | None:
        """Entry and region that should be fitted now; None where there is nothing to do."""
        entry, fit = self._document.entry, self._document.fit
        if not self.on or entry is None or fit is None:
            return None
        if fit.result is not None and not self._document.edit_open:
            self._settled = (entry.id, fit.id, fit.model)
            return None
        # An undone edit must not be done again by a fit.
        if fit.result is not None or not fit.model.components or self._document.redo_text:
            return None
        return entry.id, fit

    def _changed(self) -> None:
        if self._amending or not self.on:
            return
        if self._wanted() is None:
            return
        if self._document.edit_open:
            if self._seconds is not None and self._seconds < FRAME_SECONDS:
                self._follow()
        else:
            self._fit()

    def _let_go(self) -> None:
        entry, fit = self._document.entry, self._document.fit
        if self.on and entry is not None and fit is not None and fit.model.components and not self._document.redo_text:
            self._settled = None
            self._fit()

    # -- under the hand -----------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Fit at once what the hand does not hold."""
        entry, fit, spectrum = self._document.entry, self._document.fit, self._document.spectrum()
        if entry is None or fit is None or spectrum is None:
            return
        known = self._settled
        if known is None or known[:2] != (entry.id, fit.id):
            return
        started = time.perf_counter()
        limit = started + 1.5 * FRAME_SECONDS
        try:
            result = engine.fit(spectrum, held(fit.model, known[2]), cancel=lambda: time.perf_counter() > limit)
        except SodaliteError as error:
            self._say(str(error))
            return
        self._seconds = time.perf_counter() - started
        if not result.success:
            return
        values = {name: param.value for name, param in result.model.params.items()}
        # The result was made with parts held, so that it is no result of this model: only its values are shown.
        self._amend(self._document.project.with_entry(
            entry.with_fit(RegionFit(fit.id, fit.model.with_values(values)))
        ))

    def _amend(self, project: Project) -> None:
        self._amending = True
        try:
            self._document.amend(project)
        finally:
            self._amending = False

    # -- after the hand -----------------------------------------------------------------------------------------

    def _fit(self) -> None:
        """Fit everything off the window's thread; changes meanwhile make it run once more."""
        if self._running:
            self._again = True
            return
        entry, fit = self._document.entry, self._document.fit
        if entry is None or fit is None:
            return
        project = self._document.project
        self._running, self._again = True, False
        self._tasks.run(
            lambda progress, cancel: work.fit_region(project, entry.id, fit.id, progress, cancel),
            lambda after: self._done(project, after, entry.id, fit.id), self._failed, quiet=True, title="Live fit",
        ).ended.connect(self._ended)

    def _done(self, before: Project, after: Project, entry: str, fit: str) -> None:
        result = after.entry(entry).fit(fit).result
        if result is not None and not self._document.redo_text:
            self._seconds = result.seconds
            project, _ = merged(self._document.project, before, after)
            self._amend(project)
            self._settled = (entry, fit, result.model)

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, SodaliteError):
            self._say(str(error))
        else:
            self._show_error(error)

    def _ended(self) -> None:
        self._running = False
        if self._again:
            self._again = False
            if self._wanted() is not None and not self._document.edit_open:
                self._fit()
