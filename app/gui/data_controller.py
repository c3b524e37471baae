"""Handlers of the Data menu that make new spectra or process chosen ones, and of what the panels ask of the plot."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.gui.panels.numbers import parse_number
from app.gui.panels.sweeps_part import drift_words
from app.project import pairs, process
from app.project.project import Entry, Project
from fitting.processing.edge import fit_edge
from fitting.processing.sweeps import drift
from libraries.errors import BadData, SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

WORDS = {"average": "mean", "sum": "sum", "difference": "difference", "ratio": "ratio", "repeats": "series of repeats"}


class DataController(QObject):
    """New spectra from chosen ones, overlay, sweeps, Fermi edge, calibration of several."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        panel, calibrate = window.process_panel, window.calibrate_panel
        panel.before_wanted.connect(window.view.set_before)
        panel.sweeps.compare_wanted.connect(self.compare_sweeps)
        panel.combine.wanted.connect(self._combine_wanted)
        calibrate.edge_wanted.connect(self.fit_edge)
        window.view.comparing_changed.connect(self._comparing_changed)
        # The commands are made after the controllers.
        window.document.chosen_changed.connect(lambda: self._window.actions_.refresh())

    # -- new spectra --------------------------------------------------------------------------------------------

    def average(self) -> None:
        """The mean of the chosen spectra as a new one."""
        self._combine("average", self._window.document.chosen)

    def add(self) -> None:
        """The sum of the chosen spectra as a new one."""
        self._combine("sum", self._window.document.chosen)

    def subtract(self) -> None:
        """The first of two chosen spectra minus the second."""
        self._combine("difference", self._window.document.chosen)

    def divide(self) -> None:
        """The first of two chosen spectra divided by the second."""
        self._combine("ratio", self._window.document.chosen)

    def repeats(self) -> None:
        """The chosen spectra as sweeps of one series."""
        self._combine("repeats", self._window.document.chosen)

    def _combine_wanted(self, kind: str, ids: tuple[str, ...], factor: str, resample: bool) -> None:
        def read() -> None:
            value = parse_number(factor, "The factor") if kind == "difference" else 1.0
            self._combine(kind, ids, value, resample)

        self._attempt(read)

    def _combine(self, kind: str, ids: tuple[str, ...], factor: float = 1.0, resample: bool = False) -> None:
        document = self._window.document

        def make() -> None:
            project, id = process.combined(document.project, ids, kind, factor=factor, resample=resample)
            title = project.entry(id).title
            document.apply(f"New spectrum: {title}", project)
            self._window.view.set_comparing(False)
            document.select(id)
            self._window.say(f"The {WORDS[kind]} is a new spectrum: {title}")

        self._attempt(make)

    def _attempt(self, action: Callable[[], None]) -> bool:
        try:
            action()
        except SodaliteError as error:
            self._window.show_error(error)
            return False
        return True

    def use_low_loss(self) -> None:
        """Of two chosen energy-loss spectra the one with the zero loss becomes the low loss of the other."""
        document = self._window.document

        def make() -> None:
            project, low, core = pairs.use_as_low_loss(document.project, document.chosen)
            document.apply(f"Low loss of {core.title}: {low.title}", project)
            self._window.say(f"{low.title} is the low loss of {core.title}")

        self._attempt(make)

    # -- overlay ------------------------------------------------------------------------------------------------

    def overlay(self, on: bool) -> None:
        """Show all chosen spectra over each other, or a single one."""
        self._window.view.set_comparing(on)

    def _comparing_changed(self, on: bool) -> None:
        self._window.actions_["view.overlay"].setChecked(on)

    # -- processing ---------------------------------------------------------------------------------------------

    def process(self) -> None:
        """Go to the page of processing steps."""
        self._window.inspector.show_page("Process").setFocus()

    def compare_sweeps(self) -> None:
        """Energy shift and intensity of every sweep of the shown series, over the visible range."""
        window = self._window
        entry = window.document.entry
        if entry is None:
            return

        def start() -> None:
            sweeps = process.before_sum(entry)
            if not sweeps.navigation:
                raise BadData("The spectrum holds no single sweeps", where=entry.title,
                              todo="Choose a series, or make one of several repeats")
            low, high = window.view.canvas.x_range()
            inside = (max(low, float(sweeps.x[0])), min(high, float(sweeps.x[-1])))
            whole = window.view.canvas.auto_x or not inside[1] > inside[0]

            def show(found: object) -> None:
                now = window.document.entry
                if now is not None and now.id == entry.id and now.spectrum is entry.spectrum:
                    window.process_panel.sweeps.show_drift(found, sweeps)  # type: ignore[arg-type]
                    window.say(f"{entry.title}: {drift_words(found)}")  # type: ignore[arg-type]

            window.tasks.run(
                lambda progress, cancel: drift(sweeps, None if whole else inside, progress=progress, cancel=cancel),
                show, title=f"Compare sweeps of {entry.title}",
            )

        if self._attempt(start):
            window.inspector.show_page("Process")

    def align_sweeps(self) -> None:
        """Compare the sweeps and add them, each moved back by its shift."""
        window = self._window
        entry = window.document.entry
        if entry is None:
            return
        project, session = window.document.project, window.document.session

        def add(found: object) -> None:
            if window.document.session is not session:  # another project is shown by now
                return
            if not _unchanged(window.document.project, entry):
                window.say(f"{entry.title}: the sweeps were not added, because the spectrum changed meanwhile")
                return

            def change() -> None:
                current = window.document.project
                after = process.sum_sweeps(current, entry.id, found)  # type: ignore[arg-type]
                window.document.apply("Align and add sweeps", after)
                window.process_panel.sweeps.show_drift(found, process.before_sum(entry))  # type: ignore[arg-type]
                window.say(f"{entry.title}: {drift_words(found)}")  # type: ignore[arg-type]

            self._attempt(change)

        def start() -> None:
            sweeps = process.before_sum(project.entry(entry.id))
            if not sweeps.navigation:
                raise BadData("The spectrum holds no single sweeps", where=entry.title,
                              todo="Choose a series, or make one of several repeats")
            window.tasks.run(
                lambda progress, cancel: drift(sweeps, progress=progress, cancel=cancel), add,
                title=f"Align sweeps of {entry.title}",
            )

        self._attempt(start)

    # -- calibration --------------------------------------------------------------------------------------------

    def fit_edge(self) -> None:
        """Fit the Fermi edge in the visible range and offer its place as the measured energy."""
        window = self._window
        spectrum = window.document.spectrum()
        if spectrum is None:
            return
        low, high = window.view.canvas.x_range()
        panel = window.calibrate_panel

        def fit() -> None:
            edge = fit_edge(spectrum, max(low, float(spectrum.x[0])), min(high, float(spectrum.x[-1])))
            panel.take_edge(edge)
            window.view.show_guide(edge.x, edge.y)

        panel.attempt(fit)

    def copy_calibration(self) -> None:
        """Give the chosen spectra the energy scale and the charge shift of the shown one."""
        window = self._window
        entry, ids = window.document.entry, window.document.chosen
        if entry is None:
            return

        def change() -> None:
            if len(ids) < 2:
                raise BadData("No other spectrum is chosen", todo="Choose several in the project list (Ctrl+click)")
            project = process.copy_calibration(window.document.project, entry.id, ids)
            window.document.apply(f"Copy calibration of {entry.title}", project)
            window.say(f"{len(ids) - 1} spectra have the calibration of {entry.title}")

        self._attempt(change)


def _unchanged(project: Project, entry: Entry) -> bool:
    """Whether a spectrum is in the project with the data and the recipe that it had."""
    now = next((e for e in project.entries if e.id == entry.id), None)
    return now is not None and now.spectrum is entry.spectrum and now.recipe == entry.recipe
