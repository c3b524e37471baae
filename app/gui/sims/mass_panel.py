"""The Mass page: calibration of the mass scale, peaks, names, dead time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, heading, muted
from app.gui.panels.fold import Fold
from app.gui.plot.bands import Band
from app.gui.plot.line_names import LineName
from app.gui.plot_pick import PlotPick
from app.gui.sims.mass_dead_time import DeadTimePart
from app.gui.sims.mass_names import NamesPart
from app.gui.sims.mass_part import MassPart
from app.gui.sims.mass_peaks import PeaksPart
from app.gui.sims.mass_scale_part import MassScalePart
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project import masses
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.sims.assignment import label_of
from fitting.sims.kinds import kind_of
from fitting.sims.lines import Line
from libraries.errors import SodaliteError
from libraries.ions import parse_ion, written

OWNER = "mass"
BAND = "mass/peak"


class MassPanel(Panel):
    """The way from channels to named peaks.

    `line` is the number of the chosen peak of the list, -1 for none.
    """

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Mass", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._window: Any = None
        self._pick: PlotPick | None = None
        self._answer: Callable[[float], object] = lambda _: None
        self._seen: tuple[object, object, masses.MassView] | None = None
        self._lines: tuple[object, object, tuple[Line | None, ...]] | None = None
        self.line = -1
        self._entry_shown = ""
        self.title = heading("")
        self.none = muted("")
        self.body.addWidget(self.title)
        self.body.addWidget(self.none)
        self.scale, self.peaks = MassScalePart(self), PeaksPart(self)
        self.names, self.dead_time = NamesPart(self), DeadTimePart(self)
        self.folds = [
            Fold("Mass scale", self.scale, shown=True), Fold("Peaks", self.peaks, shown=True),
            Fold("What the chosen peak may be", self.names, shown=True), Fold("Dead time", self.dead_time),
        ]  # fmt: skip
        for fold in self.folds:
            self.body.addWidget(fold)
            fold.folded.connect(lambda _: self.refresh())
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        self.ready()

    def use_window(self, window: Any) -> None:
        """The plot: clicked lines, limits of the chosen peak, names of the peaks."""
        self._window = window
        self._pick = PlotPick(window.view, lambda place: self._answer(place))
        window.view.bands.moved.connect(self._band_moved)
        window.view.bands.released.connect(lambda name, *_: self.document.close_merge() if name == BAND else None)

    def find_peaks(self) -> None:
        """The command of the menu: show the page and find peaks."""
        if self._window is not None:
            self._window.inspector.show_page("Mass")
        found = self.now()
        if found is not None and not found[1].scaled:
            self.say("Calibrate the mass scale first: click two ions, then apply.")
            return
        self.peaks.find_peaks()

    @property
    def parts(self) -> tuple[MassPart, ...]:
        """The parts from top to bottom."""
        return (self.scale, self.peaks, self.names, self.dead_time)

    @property
    def busy(self) -> bool:
        """Whether work of this page is under way."""
        return self._task is not None

    @property
    def window_(self) -> Any:
        """The main window, None before it is built."""
        return self._window

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry, spectrum = self.document.entry, self.document.shown()
        there = entry is not None and spectrum is not None and entry.spectrum.meta.technique == "sims" and kind_of(
            entry.spectrum) == "spectrum"
        self.title.setText(entry.title if entry is not None else "No spectrum")
        view, reason = None, "" if there else "Show a mass spectrum."
        if there and entry is not None and spectrum is not None:
            try:
                view = self.view_of(entry, spectrum)
            except SodaliteError as error:
                reason = str(error)
        self.none.setText(reason)
        self.none.setVisible(bool(reason))
        for fold in self.folds:
            fold.setVisible(view is not None)
        if entry is None or view is None:
            self._leave()
            return
        if entry.id != self._entry_shown:
            self._entry_shown, self.line = entry.id, -1
        if self.line >= len(entry.masses.peaks):
            self.line = -1
        for part in self.parts:
            part.show_entry(entry, view)
        self._show_on_plot(entry)

    def view_of(self, entry: Entry, spectrum: Spectrum) -> masses.MassView:
        """The shown spectrum on its m/z, made once."""
        if self._seen is None or self._seen[0] is not spectrum or self._seen[1] != masses.scale_step(entry):
            self._seen = (spectrum, masses.scale_step(entry), masses.view_of(entry, spectrum))
        return self._seen[2]

    def lines_of(self, entry: Entry, view: masses.MassView) -> tuple[Line | None, ...]:
        """The measured peaks of the list, made once."""
        key = tuple((one.low, one.high) for one in entry.masses.peaks)
        if self._lines is None or self._lines[0] is not view or self._lines[1] != key:
            self._lines = (view, key, masses.measured(entry, view) if view.scaled else (None,) * len(key))
        return self._lines[2]

    def now(self) -> tuple[Entry, masses.MassView] | None:
        """The shown entry and its spectrum; None where there is no mass spectrum."""
        entry, spectrum = self.document.entry, self.document.shown()
        if entry is None or spectrum is None:
            return None
        try:
            return entry, self.view_of(entry, spectrum)
        except SodaliteError:
            return None

    def hideEvent(self, event: QHideEvent) -> None:
        """Another page is in front: take limits and names off the plot."""
        super().hideEvent(event)
        self._leave()

    def showEvent(self, event: Any) -> None:
        """The page is in front again."""
        super().showEvent(event)
        self.refresh()

    # -- the plot -----------------------------------------------------------------------------------------------

    def _show_on_plot(self, entry: Entry) -> None:
        if self._window is None or not self.isVisible():
            return
        bands = []
        if 0 <= self.line < len(entry.masses.peaks):
            peak = entry.masses.peaks[self.line]
            bands.append(Band(BAND, label_of(peak), peak.low, peak.high, 0, words="Limits of integration"))
        self._window.view.bands.put(OWNER, bands)
        found = self.now()
        if found is None:
            return
        _, view = found
        # The chosen peak has its name on the band.
        names = [LineName(one.mass, label_of(one), one.low, one.high) for i, one in enumerate(entry.masses.peaks)
                 if one.name and i != self.line] if view.scaled else []
        for text, channel in entry.masses.calibrants:
            place = float(view.law.mz(channel)) if view.law is not None else channel * channel if (
                view.scaled) else channel
            if not any(one.low <= place <= one.high for one in entry.masses.peaks):
                names.append(LineName(place, written(parse_ion(text)), place, place, strong=True))
        self._window.view.show_line_names(names)

    def _leave(self) -> None:
        if self._window is not None:
            self._window.view.bands.take(OWNER)
            self._window.view.show_line_names(())
        if self._pick is not None:
            self._pick.stop()

    def _band_moved(self, name: str, low: float, high: float) -> None:
        entry = self.document.entry
        if name == BAND and entry is not None and 0 <= self.line < len(entry.masses.peaks):
            project = masses.with_limits(self.document.project, entry.id, self.line, low, high)
            self.document.apply("Limits of a peak", project, merge=f"mass limits {entry.id} {self.line}")

    def ask_place(self, words: str, answer: Callable[[float], object]) -> None:
        """The next click on the plot answers with its place on the axis."""
        self._answer = answer
        if self._pick is not None:
            self._pick.words = words
            self._pick.start()

    def reach(self, x: float) -> float:
        """How far around a click at x a line is looked for, on the shown axis: twelve pixels."""
        if self._window is None:
            return 0.0
        mapper = self._window.view.canvas.mapper()
        return abs(mapper.x[1] - mapper.x[0]) / max(mapper.box.width(), 1.0) * 12.0

    def choose(self, number: int, *, look: bool = False) -> None:
        """Choose a peak of the list; `look` brings it into sight."""
        entry = self.document.entry
        if entry is None or number == self.line:
            return
        self.line = number
        if look and self._window is not None and 0 <= number < len(entry.masses.peaks):
            peak = entry.masses.peaks[number]
            low, high = self._window.view.canvas.x_range()
            width = peak.high - peak.low
            if not low < peak.mass < high or width < 0.004 * (high - low):
                self._window.view.show_range(peak.mass - 6 * width, peak.mass + 6 * width)
        self.refresh()

    # -- doing --------------------------------------------------------------------------------------------------

    def apply(self, text: str, change: Callable[[Project, Entry, masses.MassView], Project]) -> bool:
        """One undoable change of the shown entry."""
        found = self.now()
        if found is None:
            return False
        entry, view = found
        return self.attempt(lambda: self.document.apply(text, change(self.document.project, entry, view)))

    def run(
        self, title: str, work: Callable[[Progress, Cancel], Any], done: Callable[[Project, Any], Project]
    ) -> None:
        """Long work on the shown entry; its result is one undo step, dropped if the data changed meanwhile."""
        found = self.now()
        if found is None or self.busy:
            return
        entry, view = found
        document, session = self.document, self.document.session

        def finish(result: Any) -> None:
            now = self.now()
            same = now is not None and now[0].id == entry.id and now[1].equals(view)
            if document.session is session and same:
                self.attempt(lambda: document.apply(title, done(document.project, result)))

        self.say("")
        self._task = self.tasks.run(work, finish, title=f"{title} of {entry.title}")
        self._task.ended.connect(self._ended)
        self.refresh()

    def _ended(self) -> None:
        self._task = None
        self.refresh()

    def tell(self, texts: Sequence[str]) -> None:
        """Several remarks in the message line."""
        self.say(" ".join(texts))
