"""The Core loss page: edges, backgrounds, cross-sections, composition."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QFormLayout, QLineEdit, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.eels.core_loss_drawing import CoreDrawing
from app.gui.eels.core_loss_edges import EdgesPart, labelled
from app.gui.eels.core_loss_results import ResultsPart
from app.gui.eels.core_loss_windows import SignalWindows
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.fold import Fold
from app.gui.panels.numbers import parse_number, plain
from app.gui.plot_pick import PlotPick
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project import core_loss
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.eels.conditions import beam_of
from fitting.eels.core_analysis import CurveOf
from fitting.eels.core_setup import METHODS, CoreResult, CoreSetup
from libraries.edges import edge
from libraries.errors import BadData, Cancelled, SodaliteError

ASK = "Add the edges that are to be quantified, or press Find edges."
THIN = "None: thin sample"


class CoreLossPanel(Panel):
    """Core-loss analysis of what is shown."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Core loss", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._window: Any = None
        self._drawing: CoreDrawing | None = None
        self._pick: PlotPick | None = None
        self.gosh: CurveOf | None = None
        self._build_conditions()
        self._build_edges()
        self._build_fit()
        self.results = ResultsPart()
        self.body.addWidget(self.results)
        self._build_after()
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_conditions(self) -> None:
        self.title = heading("")
        self.beam = muted("")
        self.angles = button("Beam and angles…", "Enter what the file does not say", self._to_angles)
        self.low = QComboBox()
        self.low.setAccessibleName("Low loss")
        self.low.setToolTip("Low loss of the same place: the edges are convolved with it")
        self.low.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.low.setMinimumContentsLength(24)
        self.low.activated.connect(self._low_chosen)
        self.exposure = self._field("Exposure of core loss over low loss", "from the files",
                                    "Exposure of the core loss over that of the low loss, at the same beam current. "
                                    "Atoms/nm² need it; at.% do not")
        self.exposure.editingFinished.connect(self._exposure_typed)
        form = QFormLayout()
        form.addRow("Low loss", self.low)
        form.addRow("Exposure ratio", self.exposure)
        self.body.addWidget(self.title)
        self.body.addLayout(row(self.beam, self.angles, stretch=False))
        self.body.addLayout(form)

    def _field(self, name: str, placeholder: str, tip: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setPlaceholderText(placeholder)
        field.setToolTip(tip)
        field.setMaximumWidth(110)
        return field

    def _build_edges(self) -> None:
        self.edges = EdgesPart()
        self.table(self.edges.rows)
        self.edges.changed.connect(self.change)
        self.edges.failed.connect(self.say)
        self.edges.pick_wanted.connect(self._start_pick)
        self.edges.chosen.connect(lambda _: self._draw())
        self.body.addWidget(heading("Edges"))
        self.body.addWidget(self.edges)

    def _build_fit(self) -> None:
        self.from_, self.to = (self._field(name, "automatic", tip) for name, tip in (
            ("Fitted from, eV", "Lower end of the fitted range; empty: 0.85 of the first onset"),
            ("Fitted to, eV", "Upper end of the fitted range; empty: end of the axis")))
        for field in (self.from_, self.to):
            field.editingFinished.connect(self._range_typed)
        self.go = button("Fit", "Fit background, edges and fine structure together", self.fit, primary=True)
        self.map = button("Map", "Amounts of the elements in every pixel, with errors and flags", self.make_maps)
        self.stop = button("Stop", "Stop the work", self._stop, sign="stop")
        self.stop.hide()
        self.body.addLayout(row(labelled("Range / eV", self.from_), self.from_, labelled("to", self.to), self.to,
                                self.go, self.map, self.stop))
        self.hint = muted(ASK)
        self.body.addWidget(self.hint)

    def _build_after(self) -> None:
        self.export = button("Export table…", "Write the table as CSV", self._export)
        self.body.addLayout(row(self.export))
        self.method = QComboBox()
        self.method.setAccessibleName("Background of the windows")
        for words in METHODS:
            self.method.addItem(words[0].upper() + words[1:], words)
        self.method.activated.connect(
            lambda _: self.change("Change background", replace(self.setup, method=self.method.currentData())))
        self.show_bands = QCheckBox("Windows on the plot")
        self.show_bands.setToolTip("Background and signal window of the chosen edge: drag them; the signal follows")
        self.show_bands.toggled.connect(lambda _: self._draw())
        self.angle_error = self._field("Standard error of the angles in per cent", "5", "Standard error of both angles "
                                       "in per cent: an assumption, used in the error budget only")
        self.angle_error.editingFinished.connect(self._angle_error_typed)
        self.signal = muted("")
        self.file = button("Cross-section file…", "Generalised oscillator strengths in GOSH format (HDF5)",
                           self._open_gosh)
        self.file_name = muted("none")
        content = QWidget()
        form = QFormLayout(content)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow("Background of windows", self.method)
        form.addRow("", self.show_bands)
        form.addRow("", self.signal)
        form.addRow("Error of angles / %", self.angle_error)
        form.addRow(self.file, self.file_name)
        self.more = Fold("Windows, angles, cross-sections", content, shown=False)
        self.body.addWidget(self.more)

    def use_window(self, window: Any) -> None:
        """Curves, bands and clicks on the plot."""
        self._window = window
        self._drawing = CoreDrawing(window.view)
        self._pick = PlotPick(window.view, self.edges.offer)
        self.windows = SignalWindows(self, window.view, self._drawing)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def setup(self) -> CoreSetup:
        """The analysis asked of what is shown."""
        entry = self.document.entry
        return entry.core.setup if entry is not None else CoreSetup()

    def spectrum(self) -> Spectrum | None:
        """The single spectrum that is analysed."""
        return self.document.shown()

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry, setup, spectrum = self.document.entry, self.setup, self.spectrum()
        if entry is not None and entry.spectrum.axis.quantity != "energy_loss":
            entry = spectrum = None
        self.title.setText(entry.title if entry is not None else "No energy-loss spectrum")
        self._show_conditions(entry, spectrum)
        self.edges.show_setup(setup, spectrum)
        for field, value in ((self.from_, setup.low), (self.to, setup.high), (self.exposure, setup.exposure)):
            if not field.hasFocus():
                field.setText("" if value is None else plain(value, 4))
        if not self.angle_error.hasFocus():
            self.angle_error.setText(plain(100 * setup.angle_error, 2))
        self.method.setCurrentIndex(self.method.findData(setup.method))
        busy = self._task is not None
        self.stop.setVisible(busy)
        ready = entry is not None and bool(setup.used) and not busy
        self.go.setEnabled(ready)
        self.map.setVisible(entry is not None and bool(entry.spectrum.navigation))
        self.map.setEnabled(ready and entry is not None and entry.core.result is not None)
        self.hint.setText("Working …" if busy else ASK)
        self.hint.setVisible(busy or (entry is not None and not setup.edges))
        result = entry.core.result if entry is not None else None
        self.results.show_result(result, self._state(entry))
        self.export.setEnabled(result is not None)
        self.edges.remove.setEnabled(bool(setup.edges))
        self._draw()

    def _state(self, entry: Entry | None) -> str:
        if entry is None or entry.core.result is None:
            return ""
        try:
            return core_loss.state_of(self.document.project, entry, self.document.place)
        except SodaliteError as error:
            return str(error).rstrip(".")

    def _show_conditions(self, entry: Entry | None, spectrum: Spectrum | None) -> None:
        self.low.clear()
        self.beam.setText("")
        self.angles.setVisible(False)
        if entry is None or spectrum is None:
            return
        beam = beam_of(spectrum)
        values = ((beam.energy, "keV", "beam energy"), (beam.convergence, "mrad", "convergence angle"),
                  (beam.collection, "mrad", "collection angle"))
        missing = [name for value, _, name in values if value is None]
        signs = ("", "α ", "β ")
        known = [f"{sign}{value:g} {unit}" for sign, (value, unit, _) in zip(signs, values, strict=True)
                 if value is not None]
        words = ", ".join(known)
        if missing:
            words = f"{words}; not known: {', '.join(missing)}" if words else f"Not known: {', '.join(missing)}"
        self.beam.setText(words)
        self.angles.setVisible(bool(missing))
        project = self.document.project
        partner = core_loss.low_loss_entry(project, replace(entry, core=replace(entry.core, setup=CoreSetup())))
        if partner is not None:
            self.low.addItem(f"{partner.title} (same scan)", "")
        for other in core_loss.low_loss_choices(project, entry):
            if partner is None or other.id != partner.id:
                self.low.addItem(other.title, other.id)
        self.low.addItem(THIN, None)
        setup = entry.core.setup
        if setup.convolve and partner is None and not setup.low_loss:
            self.low.insertItem(0, "Choose …", "")
        self.low.setCurrentIndex(max(self.low.findData(setup.low_loss if setup.convolve else None), 0))

    def _draw(self) -> None:
        if self._drawing is None:
            return
        entry, spectrum = self.document.entry, self.spectrum()
        if not self.isVisible() or entry is None or spectrum is None:
            return
        result = entry.core.result
        fresh = result is not None and not self._state(entry)
        colours = theme.current()
        self._drawing.show_result(result if fresh else None, colours)
        if spectrum.axis.quantity == "energy_loss" and self.setup.edges:
            elements = tuple(dict.fromkeys(edge(one.name).element for one in self.setup.edges))
            self._window.view.show_elements(elements)
        self.windows.show()
        canvas = self._window.view.canvas
        if fresh and result is not None:  # the background lies below the data: the plot has room for it
            base = np.interp(spectrum.x, result.energy, result.background, left=np.inf)
            lowest = np.zeros_like(base) if self.show_bands.isChecked() else np.minimum(base, spectrum.y)
            canvas.set_extent(spectrum.x, [spectrum.y, lowest], spectrum.axis.step)
            canvas.fit_ranges()
        canvas.viewport().update()

    def showEvent(self, event: QShowEvent) -> None:
        """Curves and bands come with the page."""
        super().showEvent(event)
        self._draw()

    def hideEvent(self, event: QHideEvent) -> None:
        """And go with it."""
        super().hideEvent(event)
        if self._drawing is not None:
            self._drawing.clear()
            self.windows.hide()
            if self.setup.edges:
                self._window.view.show_elements(())
        if self._pick is not None:
            self._pick.stop()

    # -- settings -----------------------------------------------------------------------------------------------

    def change(self, text: str, setup: CoreSetup) -> None:
        """Another analysis as one undo step."""
        entry = self.document.entry
        if entry is None or setup == entry.core.setup:
            return
        self.attempt(lambda: self.document.apply(text, core_loss.with_setup(self.document.project, entry.id, setup)))

    def _low_chosen(self, index: int) -> None:
        data = self.low.itemData(index)
        setup = replace(self.setup, convolve=False) if data is None else replace(self.setup, convolve=True,
                                                                                 low_loss=data)
        self.change("Choose low loss", setup)

    def _number(self, field: QLineEdit, what: str) -> float | None:
        text = field.text().strip()
        return parse_number(text, what) if text else None

    def _exposure_typed(self) -> None:
        self.attempt(lambda: self.change(
            "Change exposure ratio", replace(self.setup, exposure=self._number(self.exposure, "The ratio"))))

    def _range_typed(self) -> None:
        self.attempt(lambda: self.change("Change fitted range", replace(
            self.setup, low=self._number(self.from_, "The lower end"), high=self._number(self.to, "The upper end"))))

    def _angle_error_typed(self) -> None:
        def change() -> None:
            value = self._number(self.angle_error, "The error")
            self.change("Change error of angles", replace(
                self.setup, angle_error=(5.0 if value is None else value) / 100))

        self.attempt(change)

    def _start_pick(self) -> None:
        if self._pick is not None:
            self._pick.start()

    def _to_angles(self) -> None:
        if self._window is not None:
            self._window.inspector.show_page("Zero loss")

    def _open_gosh(self) -> None:
        dialog = QFileDialog(self, "Oscillator strengths", "", "GOSH (*.gosh *.h5 *.hdf5)")
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: self.use_file(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def use_file(self, path: Path) -> None:
        """Take cross-sections from a file of oscillator strengths."""
        from app.files.gosh import GoshFile

        def take() -> None:
            found = GoshFile(path)
            self.gosh = found.curve
            self.file_name.setText(f"{path.name}: {found.words}")

        self.attempt(take)

    # -- work ---------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The command of the menu."""
        self._window.inspector.show_page("Core loss")
        self.fit()

    def fit(self) -> None:
        """Fit what is shown, off the window's thread; the result is one undo step."""
        entry = self.document.entry
        if entry is None or self._task is not None:
            return
        project, place, gosh = self.document.project, self.document.place, self.gosh

        def work(progress: Progress, cancel: Cancel) -> CoreResult:
            return core_loss.compute(project, entry.id, place, gosh=gosh, progress=progress, cancel=cancel)

        def done(result: CoreResult) -> None:
            self.document.apply("Fit core loss", core_loss.with_result(self.document.project, entry.id, result))
            if self.isVisible():
                self._window.view.show_range(*result.fitted)

        self._run(work, f"Core loss of {entry.title}", entry, done)

    def make_maps(self) -> None:
        """Amounts in every pixel as maps."""
        entry = self.document.entry
        if entry is None or self._task is not None:
            return
        project, gosh = self.document.project, self.gosh

        def work(progress: Progress, cancel: Cancel) -> Any:
            return core_loss.maps_of(project, entry.id, gosh=gosh, progress=progress, cancel=cancel)

        def done(maps: Any) -> None:
            now = self.document.project
            self.document.apply("Map core loss", now.with_entry(now.entry(entry.id).with_maps(maps)))

        self._run(work, f"Core-loss maps of {entry.title}", entry, done)

    def _run(self, work: Any, title: str, entry: Entry, done: Any) -> None:
        session, setup = self.document.session, entry.core.setup

        def take(result: Any) -> None:
            if self.document.session is not session:
                return
            now = next((one for one in self.document.project.entries if one.id == entry.id), None)
            if now is None or now.spectrum is not entry.spectrum or now.recipe != entry.recipe \
                    or now.core.setup != setup:
                self.say("The data or the settings changed meanwhile; the result was dropped.")
                return
            done(result)

        self.say("")
        self._task = self.tasks.run(work, take, self._failed, title=title)
        self._task.ended.connect(self._ended)
        self.refresh()

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, Cancelled):
            return
        if isinstance(error, SodaliteError):
            self.say(str(error))
        else:
            self._window.show_error(error)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _ended(self) -> None:
        self._task = None
        self.refresh()

    def _export(self) -> None:
        entry = self.document.entry
        if entry is None or entry.core.result is None:
            return
        dialog = QFileDialog(self, "Export composition", f"{entry.title} composition.csv", "Table (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the table of the shown result."""
        def export() -> None:
            entry = self.document.entry
            if entry is None or entry.core.result is None:
                raise BadData("There is no result", where="Core loss")
            core_loss.export_csv(entry.core.result, path)

        self.attempt(export)
