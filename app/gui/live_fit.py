"""The live fit: after every change by hand the region is fitted again.

While the hand holds something, what it moves is held and the rest follows, at once and only as long as the fit takes
less than a frame; when the hand lets go, everything is fitted off the window's thread. A live fit belongs to the edit
that caused it: one undo takes both back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace

from PySide6.QtCore import QObject

from app.gui.document import Document
from app.gui.fit_merge import merged
from app.gui.tasks import Tasks
from app.project import work
from app.project.project import Project, RegionFit
from fitting import engine
from fitting.model import FitModel
from libraries.errors import SodaliteError, UnknownName

# 30 frames a second leave 33 ms for everything; drawing takes about half of them.
FRAME_SECONDS = 0.015


def held(model: FitModel, before: FitModel, near: Mapping[str, float]) -> FitModel:
    """The model with everything held whose value differs from before (what the hand moved).

    The rest starts from `near`, where the last fit under this hand ended.
    """
    old = before.params
    changes = {}
    for name, param in model.params.items():
        if name in old and param.value != old[name].value and not param.link:
            changes[name] = replace(param, vary=False)
        elif param.free and name in near:
            changes[name] = replace(param, value=near[name])
    return model.with_params(changes) if changes else model


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
        self._near: dict[str, float] = {}
        self._rest_until = 0.0  # a fit that took too long is followed by a rest as long, so that the plot keeps up
        self._warm = False  # whether a fit has run, so that no kernel is compiled under the hand
        document.project_changed.connect(self._changed)
        document.edit_finished.connect(self._let_go)

    def set_on(self, on: bool) -> None:
        """Start or stop; starting fits what is shown if it is not fitted."""
        self.on = on
        if on:
            self._changed()

    def _wanted(self) -> tuple[str, RegionFit] | None:
        """Entry and region that should be fitted now; None where there is nothing to do."""
        entry, fit = self._document.entry, self._document.fit
        if not self.on or entry is None or fit is None:
            return None
        # An undone edit must not be done again by a fit.
        if fit.result is not None or not fit.model.components or self._document.redo_text:
            return None
        # Of an image: looking at other pixels is no edit, so that nothing is fitted for it.
        if self._document.region is None or self._document.region.source != "own":
            return None
        return entry.id, fit

    def _changed(self) -> None:
        if self._amending or not self.on:
            return
        if self._wanted() is None:
            return
        if self._document.edit_open:
            if time.perf_counter() >= self._rest_until:
                self._follow()
        else:
            self._fit()

    def _let_go(self) -> None:
        self._rest_until = 0.0
        self._near = {}
        entry, fit = self._document.entry, self._document.fit
        if self.on and entry is not None and fit is not None and fit.model.components and not self._document.redo_text:
            self._fit()

    def _model_before(self, entry: str, fit: str) -> FitModel | None:
        """The model as it was before the hand took hold of it."""
        project = self._document.before_edit
        if project is None:
            return None
        try:
            return project.entry(entry).fit(fit).model
        except UnknownName:
            return None

    # -- under the hand -----------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Fit at once what the hand does not hold."""
        entry, fit = self._document.entry, self._document.fit
        spectrum = self._document.shown() if fit is not None else None
        if entry is None or fit is None or spectrum is None:
            return
        before = self._model_before(entry.id, fit.id)
        if before is None or not self._warm:
            return
        started = time.perf_counter()
        limit = started + FRAME_SECONDS
        try:
            start = held(fit.model, before, self._near)
            result = engine.fit(spectrum, start, cancel=lambda: time.perf_counter() > limit)
        except SodaliteError as error:
            self._say(str(error))
            return
        now = time.perf_counter()
        if now - started > 2 * FRAME_SECONDS:
            self._rest_until = 2 * now - started
        # A fit that the frame cut short goes on from where it was at the next movement of the hand.
        if result.status not in ("converged", "at bound", "cancelled", "iteration limit"):
            return
        values = self._near = {name: param.value for name, param in result.model.params.items()}
        # The result was made with parts held, so that it is no result of this model: only its values are shown.
        self._amend(self._document.project.with_entry(
            entry.with_fit(self._document.placed(fit.id, fit.model.with_values(values)))
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
        project, place = self._document.project, self._document.place
        self._running, self._again = True, False
        self._tasks.run(
            lambda progress, cancel: work.fit_region(project, entry.id, fit.id, progress, cancel, place=place),
            lambda after: self._done(project, after, entry.id, fit.id), self._failed, quiet=True, title="Live fit",
        ).ended.connect(self._ended)

    def _done(self, before: Project, after: Project, entry: str, fit: str) -> None:
        self._warm = True
        result = after.entry(entry).fit(fit).result
        if result is not None and not self._document.redo_text:
            project, _ = merged(self._document.project, before, after)
            self._amend(project)

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
