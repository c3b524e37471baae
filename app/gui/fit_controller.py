"""Handlers of the Fit and Quantify menus. Fits run off the window's thread; their result is one undo step."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.gui.action_set import Row
from app.gui.errors import log
from app.gui.fit_merge import merged
from app.gui.plot.captions import background_words
from app.project import work
from app.project.measured_line import add_measured_line
from app.project.project import Project
from fitting import guess
from fitting.backgrounds import KINDS
from fitting.model import FitModel
from fitting.xps.region_areas import REGION, area_kind
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class FitController(QObject):
    """Fits on demand and live, tools of the plot."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    # -- fits ---------------------------------------------------------------------------------------------------

    def fit_region(self) -> None:
        """Fit the shown region."""
        entry, fit = self._window.document.entry, self._window.document.fit
        if entry is None or fit is None:
            return
        project, place = self._window.document.project, self._window.document.place
        self._run(
            f"Fit {entry.title}", project,
            lambda progress, cancel: work.fit_region(project, entry.id, fit.id, progress, cancel, place=place),
            lambda: self._say_fit(entry.id, fit.id),
        )

    def fit_from_many_starts(self) -> None:
        """Fit the shown region from its model and from random places about it; say what that gained."""
        entry, fit = self._window.document.entry, self._window.document.fit
        if entry is None or fit is None:
            return
        project, place, found = self._window.document.project, self._window.document.place, []

        def fitted(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> Project:
            found.append(work.fit_from_many_starts(project, entry.id, fit.id, progress, cancel, place=place))
            return found[0].project

        def say() -> None:
            text = f"{fit.name}, {found[0]}"
            log.info("%s", text)
            self._window.messages.show_message(text, "info" if found[0].best.success else "warning")

        self._run(f"Fit {entry.title} from {work.STARTS} starts", project, fitted, say)

    def fit_from(self, model: FitModel) -> None:
        """Fit the shown region from another model (a better minimum that its intervals met), then try them again."""
        entry, fit = self._window.document.entry, self._window.document.fit
        if entry is None or fit is None:
            return
        project, place = self._window.document.project, self._window.document.place

        def done() -> None:
            self._say_fit(entry.id, fit.id)
            self._window.intervals.compute()

        self._run(
            f"Fit {entry.title} from a better minimum", project,
            lambda progress, cancel: work.fit_region(
                project, entry.id, fit.id, progress, cancel, start=model, place=place
            ), done,
        )

    def error_intervals(self) -> None:
        """Go to the page of error intervals."""
        self._window.results.show_page("Intervals").setFocus()

    def fit_sample(self) -> None:
        """Fit all regions of the shown sample."""
        entry = self._window.document.entry
        if entry is None:
            return
        project = self._window.document.project
        name = project.sample(entry.sample).name
        self._run(
            f"Fit all regions of {name}", project,
            lambda progress, cancel: work.fit_sample(project, entry.sample, progress, cancel),
            lambda: self._window.say(f"Fitted all regions of {name}"),
        )

    def _run(
        self, title: str, before: Project,
        function: Callable[[Callable[[float, str], None], Callable[[], bool]], Project], then: Callable[[], None],
    ) -> None:
        session = self._window.document.session

        def done(after: Project) -> None:
            document = self._window.document
            if document.session is not session:  # another project is shown by now
                return
            project, lost = merged(document.project, before, after)
            document.apply(title, project)
            if lost:
                what = "One fit was" if lost == 1 else f"{lost} fits were"
                self._window.say(f"{what} left out, because model or spectrum changed meanwhile")
            else:
                then()

        self._window.tasks.run(function, done, title=title)

    def _say_fit(self, entry_id: str, fit_id: str) -> None:
        """What the analyst must know of a fit that is no proper minimum."""
        fit = self._window.document.project.entry(entry_id).fit(fit_id)
        if fit.result is not None and not fit.result.success:
            self._window.messages.show_message(f"{fit.name}: {fit.result.message}", "warning")

    def set_live(self, on: bool) -> None:
        """Fit again after every change, or not."""
        self._window.live.set_on(on)

    def stop(self) -> None:
        """Stop the work under way."""
        self._window.tasks.cancel_shown()

    # -- tools --------------------------------------------------------------------------------------------------

    def region_tool(self, on: bool) -> None:
        """Draw a region with the next drag."""
        self._window.view.set_tool("region" if on else None)
        self._window.view.setFocus()

    def peak_tool(self, on: bool) -> None:
        """Add a peak with the next click."""
        self._window.view.set_tool("peak" if on else None)
        self._window.view.setFocus()

    def doublet(self) -> None:
        """Ask which spin-orbit pair to add."""
        self._window.inspector.show_page("Model")
        self._window.model_panel.ask_doublet()

    def measured_line(self) -> None:
        """Use the line of the other chosen spectrum as a component of the shown region."""
        document = self._window.document
        entry, fit = document.entry, document.fit
        if entry is None or fit is None:
            return
        others = [id for id in document.chosen if id != entry.id]
        if len(others) != 1:
            self._window.messages.show_message(
                "Choose one more spectrum in the project list (Ctrl+click): its line becomes a component here.", "info"
            )
            return
        try:
            project, component = add_measured_line(document.project, entry.id, fit.id, others[0])
        except SodaliteError as error:
            self._window.show_error(error)
            return
        document.apply(f"Add the line of {document.project.entry(others[0]).title}", project)
        document.select_component(component)

    def suggest(self) -> None:
        """Propose components from the library."""
        self._window.inspector.show_page("Model")
        self._window.model_panel.suggest()

    def set_background(self, kind: str) -> None:
        """Give the shown region another background."""
        document = self._window.document
        fit, spectrum = document.fit, document.shown()
        if fit is None or spectrum is None or kind == fit.model.background.kind:
            return
        try:
            model = guess.change_background(spectrum, fit.model, kind)
        except SodaliteError as error:
            self._window.show_error(error)
        else:
            document.edit_model(f"Background: {background_words(kind)}", model)

    def background_rows(self) -> list[Row]:
        """Rows of Fit > Background."""
        fit, spectrum = self._window.document.fit, self._window.document.shown()
        chosen = fit.model.background.kind if fit is not None else ""
        offered = guess.backgrounds_for(spectrum) if spectrum is not None else tuple(KINDS)
        rows, group = [], ""
        for name, kind in KINDS.items():
            if name not in (*offered, chosen):
                continue
            tip = f"{kind.formula}\n{kind.reference}".strip()
            rows.append(Row(background_words(name), name, tip, name == chosen, bool(group) and kind.group != group))
            group = kind.group
        return rows

    # -- quantification -----------------------------------------------------------------------------------------

    def quantify(self) -> None:
        """Fit what is not fitted yet, and show the composition of the sample."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        self._window.results.show_page("Composition")
        regions = [f for e in document.project.entries_of(entry.sample) for f in e.fits]
        fits = [f for f in regions if f.model.components]
        if not fits and not any(area_kind(f.model) == REGION for f in regions):
            self._window.messages.show_message(
                "There is nothing to quantify yet: draw a region over a line and add its peaks first.", "info"
            )
        elif any(f.result is None for f in fits):
            self.fit_sample()
        self._window.composition.refresh()
