"""The Identify panel: which elements a survey shows, with the evidence, detection limits, and the Auger parameter."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.identify_tree import IdentifyTree
from app.gui.panels.numbers import parse_number
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.panels.wagner_plot import WagnerPlot
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.numerals import grouped, signed, with_error
from app.project.identification import add_found_regions, auger_parameter_of, surveys
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.xps.auger_parameter import MeasuredParameter, wagner_points
from fitting.xps.identify.candidates import Identification, identify
from fitting.xps.identify.limits import detection_limit
from libraries.compounds import auger_parameters
from libraries.errors import NotDetermined, SodaliteError

FILTERS = (("Found and possible", "likely"), ("Found", "found"), ("All that were judged", "all"))
KEPT = 8  # results of that many surveys are kept
ASK = "Press Identify to find the elements of this spectrum."
CANDIDATES = "Cited values, the nearest first. They are candidates: other compounds may lie there as well."


class IdentifyPanel(Panel):
    """Identification of the shown survey and the Auger parameter of its sample.

    Signals
    -------
    elements_requested(object)
        Tuple of element symbols whose lines are to be marked on the plot; empty for none.
    page_requested()
        The page is to be seen: its command was called.
    """

    elements_requested = Signal(object)
    page_requested = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Identify", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._last: dict[str, Identification] = {}
        self._drawn: tuple[object, ...] = ()
        self.parameter: MeasuredParameter | None = None
        self._build_survey()
        self._build_limit()
        self._build_parameter()
        self.body.addStretch(1)
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_survey(self) -> None:
        self.title = heading("")
        self.summary = muted(ASK)
        self.go = button("Identify", "Find the peaks of this spectrum and the elements that explain them",
                         self.identify, primary=True)
        self.shift = QLineEdit()
        self.shift.setAccessibleName("Shift in eV, measured minus true binding energy")
        self.shift.setPlaceholderText("from the data")
        self.shift.setToolTip("Measured minus true binding energy in eV; empty: found from the data")
        self.shift.setMaximumWidth(110)
        self.filter = QComboBox()
        self.filter.setAccessibleName("Which elements are shown")
        for words, key in FILTERS:
            self.filter.addItem(words, key)
        self.filter.activated.connect(lambda _: self.refresh())
        self.tree = IdentifyTree()
        self.tree.element_chosen.connect(self._chosen)
        self.reason = muted("")
        self.warnings = muted("")
        self.warnings.setProperty("role", "warning")
        self.body.addWidget(self.title)
        self.body.addLayout(row(self.go, QLabel("Shift / eV"), self.shift, self.filter))
        for widget in (self.summary, self.tree, self.reason, self.warnings):
            self.body.addWidget(widget)
        self.add = button("Add regions for found elements", "A region around the main line of every found element",
                          self.add_regions, sign="region")
        self.clear_marks = button("Clear marks", "Take the marked lines off the plot", self._clear)
        self.body.addLayout(row(self.add, self.clear_marks))

    def _build_limit(self) -> None:
        self.element = QLineEdit()
        self.element.setAccessibleName("Element for the detection limit")
        self.element.setPlaceholderText("Na")
        self.element.setMaximumWidth(64)
        self.element.returnPressed.connect(self.show_limit)
        self.limit = muted("")
        self.body.addWidget(heading("Detection limit"))
        self.body.addLayout(row(QLabel("Element"), self.element,
                                button("Estimate", "How much of it could hide in this survey", self.show_limit)))
        self.body.addWidget(self.limit)

    def _build_parameter(self) -> None:
        self.value = QLabel()
        self.value.setWordWrap(True)
        self.value.setAccessibleName("Auger parameter")
        self.how = muted("")
        self.candidates = self.table(RowsModel((
            Column("Candidate"), Column("α' / eV", "Range of the cited values", True),
            Column("Off / eV", "Measured minus the nearest end of the range", True),
            Column("Within 2 σ", "Whether the measured value lies within two standard errors of the range"),
            Column("Source"),
        )))
        self.cited = RowsView(self.candidates, "Cited Auger parameters")
        self.cited.set_widths((140, 122, 60, 80, 50))
        self.cited.horizontalHeader().setStretchLastSection(True)
        self.plot = WagnerPlot(self)
        self.body.addWidget(heading("Auger parameter of sodium"))
        for widget in (self.value, self.how, self.cited, self.plot, muted(CANDIDATES)):
            self.body.addWidget(widget)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def result(self) -> Identification | None:
        """The result of the shown spectrum; None where it was not identified as it is now."""
        spectrum = self._spectrum()
        return None if spectrum is None else self._last.get(spectrum.hash)

    def refresh(self) -> None:
        """Show the shown spectrum's result and the sample's Auger parameter."""
        entry, found = self.document.entry, self.result
        busy = self._task is not None
        self.title.setText(entry.title if entry is not None else "No spectrum")
        self.go.setEnabled(entry is not None and not busy)
        self.add.setEnabled(bool(found and found.found))
        key = (found, self.filter.currentData())
        if key != self._drawn:
            self._drawn = key
            self.tree.show_result(found, str(self.filter.currentData()))
            self.reason.setText("")
            self.limit.setText("")
        self.summary.setText("Working …" if busy else _summary(found) if found is not None else self._advice(entry))
        self.warnings.setText("\n".join(found.warnings) if found is not None else "")
        self.warnings.setVisible(bool(found and found.warnings))
        self._show_parameter(entry)

    def _advice(self, entry: Entry | None) -> str:
        """What to do where nothing is shown yet."""
        if entry is None:
            return ""
        wide = surveys(self.document.project, entry.sample)
        if wide and entry.id not in {item.id for item in wide}:
            return f"{ASK} A survey tells more: {wide[0].title}."
        return ASK

    def _spectrum(self) -> Spectrum | None:
        return self.document.spectrum()

    def _show_parameter(self, entry: Entry | None) -> None:
        try:
            if entry is None:
                raise NotDetermined("No spectrum is shown")
            self.parameter = auger_parameter_of(self.document.project, entry.sample)
        except SodaliteError as error:
            self.parameter = None
            self.value.setText("Not determined")
            self.how.setText(str(error))
        found = self.parameter
        if found is not None:
            self.value.setText(f"α' = {with_error(found.value, found.error)} eV")
            self.how.setText(f"{found.how}. Charging cancels; the error is that of the counts.")
        rows = []
        for number, item in enumerate(found.candidates if found is not None else ()):
            cited = item.cited
            rows.append(Row(str(number), (
                Cell(cited.compound, tooltip=cited.note), Cell(f"{cited.low:.1f}–{cited.high:.1f}"),
                Cell(signed(f"{item.distance:+.1f}") if item.distance else "0"), Cell("yes" if item.fits else "no"),
                Cell(cited.source, tooltip=cited.source),
            )))
        self.candidates.set_rows(rows)
        self.cited.fit_height(2, 5)
        core = found.core if found is not None else auger_parameters()[0].core.name
        self.plot.show_points(wagner_points(core), found)

    def _recolour(self) -> None:
        self._drawn = ()
        super()._recolour()

    def _chosen(self, symbol: str) -> None:
        """Mark the lines of the chosen element, and say why it was judged so."""
        found = self.result
        if found is None:
            return
        self.reason.setText(f"{symbol}: {found.element(symbol).reason}" if symbol else "")
        self.elements_requested.emit((symbol,) if symbol else ())

    # -- doing --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The command of the menu: show the page and identify."""
        self.page_requested.emit()
        self.identify()

    def identify(self) -> None:
        """Identify the shown spectrum off the window's thread."""
        spectrum = self._spectrum()
        if spectrum is None or self._task is not None:
            return

        def start() -> None:
            text = self.shift.text().strip()
            shift = parse_number(text) if text else None
            hash = spectrum.hash

            def work(progress: Progress, cancel: Cancel) -> Identification:
                return identify(spectrum, shift=shift, progress=progress, cancel=cancel)

            self._task = self.tasks.run(work, lambda found: self._done(hash, found), title=f"Identify {spectrum.name}")
            self._task.ended.connect(self._ended)

        self.attempt(start)

    def _done(self, hash: str, found: Identification) -> None:
        self._last[hash] = found
        while len(self._last) > KEPT:
            del self._last[next(iter(self._last))]

    def _ended(self) -> None:
        self._task = None
        self.refresh()

    def add_regions(self) -> None:
        """Regions around the main lines of the found elements, as one step."""
        entry, found = self.document.entry, self.result
        if entry is None or found is None:
            return

        def extend() -> None:
            project, names = add_found_regions(self.document.project, entry.id, found)
            if not names:
                raise NotDetermined("All found elements have a region already", where=entry.title)
            self.document.apply(f"Add regions {', '.join(names)}", project)

        self.attempt(extend)

    def show_limit(self) -> None:
        """The detection limit of the typed element."""
        spectrum, found = self._spectrum(), self.result
        self.limit.clear()  # what stood there was of another element

        def estimate() -> None:
            if spectrum is None or found is None:
                raise NotDetermined("The survey was not identified yet", todo="Press Identify first")
            symbol = self.element.text().strip().capitalize() or "Na"
            limit = detection_limit(spectrum, found, symbol)
            below = f"; {limit.below} covers it, so the true limit is higher" if limit.below else ""
            self.limit.setText(
                f"{limit.element}: {grouped(limit.at_percent, 2)} at.% would have been seen by {limit.line} at "
                f"{grouped(limit.energy, 1)} eV{below}."
            )
            self.limit.setToolTip(limit.source)

        self.attempt(estimate)

    def _clear(self) -> None:
        self.elements_requested.emit(())


def _summary(found: Identification) -> str:
    elements = ", ".join(found.found) or "none"
    shift = f"Shift {signed(f'{found.shift:+.1f}')} eV, {found.shift_source}" if found.shift else "No common shift"
    return (f"Found: {elements}. {len(found.search.peaks)} peaks, {len(found.unexplained)} unexplained. {shift}. "
            f"Noise: {found.search.noise}.")
