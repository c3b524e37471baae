"""The line at the bottom: cursor, fit, saved state, and the work under way with its Cancel button."""

from __future__ import annotations

import math
import time

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QLabel, QProgressBar, QPushButton, QSizePolicy, QStatusBar, QWidget

from app.gui.document import Document
from app.gui.sims.mass_words import flight_words
from app.gui.tasks import Tasks

SAY_MILLISECONDS = 5000
SHOW_PROGRESS_AFTER = 250  # ms: quick work must not make the line flicker


class StatusBar(QStatusBar):
    """The status bar of the window."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._saved_at: float | None = None
        self._recovery = False
        self.setSizeGripEnabled(False)
        self.cursor_label = self._label("Cursor")
        self.fit_label = self._label("Fit")
        self.said = self._label("Message")
        self.said.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.work_label = self._label("Work under way")
        self.progress = QProgressBar()
        self.progress.setTextVisible(False)
        self.progress.setFixedWidth(130)
        self.progress.setAccessibleName("Progress")
        self.cancel_button = QPushButton("Cancel")
        self.cancel_button.setProperty("flat", True)
        self.cancel_button.clicked.connect(tasks.cancel_shown)
        self.saved_label = self._label("Saved state")
        self.addWidget(self.fit_label)
        self.addWidget(self.cursor_label)
        self.addWidget(self.said, 1)
        for widget in (self.work_label, self.progress, self.cancel_button, self.saved_label):
            self.addPermanentWidget(widget)
        self._quiet = QTimer(self)
        self._quiet.setSingleShot(True)
        self._quiet.timeout.connect(lambda: self.said.setText(""))
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(SHOW_PROGRESS_AFTER)
        self._patience.timeout.connect(self._show_work)
        self._minute = QTimer(self)
        self._minute.setInterval(20_000)
        self._minute.timeout.connect(self.show_saved)
        self._minute.start()
        tasks.changed.connect(self._work_changed)
        tasks.progressed.connect(self._progressed)
        document.project_changed.connect(self.show_fit)
        document.selection_changed.connect(self.show_fit)
        document.place_changed.connect(self.show_fit)
        document.state_changed.connect(self.show_saved)
        self._show_work()
        self.show_fit()
        self.show_saved()

    @staticmethod
    def _label(name: str) -> QLabel:
        label = QLabel()
        label.setAccessibleName(name)
        return label

    def say(self, text: str) -> None:
        """Say something for a few seconds."""
        self.said.setText(text)
        self.said.setToolTip(text)
        self._quiet.start(SAY_MILLISECONDS)

    def hint(self, text: str) -> None:
        """Say something until it is over ("")."""
        self._quiet.stop()
        self.said.setText(text)

    def show_cursor(self, x: float, y: float) -> None:
        """Where the pointer is on the plot."""
        entry = self._document.entry
        spectrum = entry.spectrum if entry is not None else None
        if entry is None or spectrum is None or not (math.isfinite(x) and math.isfinite(y)):
            self.cursor_label.setText("")
            return
        short = {"binding_energy": "BE", "kinetic_energy": "KE", "energy_loss": "Loss"}.get(spectrum.axis.quantity, "")
        unit = {"counts": "counts", "counts/s": "counts/s"}.get(spectrum.meta.intensity_unit, "")
        place = f"{short} {x:.2f} {spectrum.axis.unit}".strip()
        if spectrum.meta.technique == "sims":
            place = flight_words(entry, x)
        self.cursor_label.setText(f"{place}   {grouped(y)} {unit}".rstrip())

    def show_fit(self) -> None:
        """The fit of the shown region in a few words."""
        region = self._document.region
        fit = region.fit if region is not None else None
        result = fit.result if fit is not None else None
        if fit is None:
            text = ""
        elif region is not None and region.source == "pixel":
            chi = f", χ²ᵣ {region.reduced_chi2:.2f}" if math.isfinite(region.reduced_chi2) else ""
            text = f"fit of every pixel: {region.flag or 'good'}{chi}"
        elif result is None:
            text = "not fitted" if fit.model.components else "no peaks yet"
        else:
            chi = f", χ²ᵣ {result.reduced_chi2:.2f}" if result.noise.known else ""
            text = f"{result.status}{chi}, {duration(result.seconds)}"
        self.fit_label.setText(text)
        self.fit_label.setToolTip(result.message if result is not None else "")

    def show_saved(self) -> None:
        """Whether the project is on disk."""
        document = self._document
        if not document.project.entries:
            self._saved_at, text = None, ""
        elif document.dirty:
            text = "unsaved changes, recovery file written" if self._recovery else "unsaved changes"
        elif document.path is None:
            text = "sample, not saved"
        else:
            self._saved_at = self._saved_at or time.monotonic()
            text = f"saved {ago(time.monotonic() - self._saved_at)}"
        if document.dirty:
            self._saved_at = None
        self.saved_label.setText(text)
        self.saved_label.setToolTip(str(document.path) if document.path else "")

    def set_recovery(self, current: bool) -> None:
        """Whether a recovery file holds the project as it is."""
        if current != self._recovery:
            self._recovery = current
            self.show_saved()

    # -- work ---------------------------------------------------------------------------------------------------

    def _work_changed(self) -> None:
        if self._tasks.busy:
            if not self._patience.isActive() and not self.progress.isVisible():
                self.progress.setRange(0, 0)
                self._patience.start()
            task = self._tasks.shown
            if task is not None and task.title:
                self.work_label.setText(task.title)
        else:
            self._patience.stop()
            self._show_work()

    def _show_work(self) -> None:
        busy = self._tasks.busy
        for widget in (self.work_label, self.progress, self.cancel_button):
            widget.setVisible(busy)
        self.cancel_button.setEnabled(True)

    def _progressed(self, fraction: float, text: str) -> None:
        self.work_label.setText(text)
        if fraction < 0:
            self.progress.setRange(0, 0)
        else:
            self.progress.setRange(0, 1000)
            self.progress.setValue(round(1000 * min(fraction, 1.0)))


def grouped(value: float) -> str:
    """An intensity with thin spaces between thousands."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return text.replace(",", "\u202f")


def duration(seconds: float) -> str:
    """A time in ms or s."""
    return f"{1000 * seconds:.1f} ms" if seconds < 0.1 else f"{seconds:.2f} s" if seconds < 10 else f"{seconds:.0f} s"


def ago(seconds: float) -> str:
    """How long ago, roughly."""
    if seconds < 45:
        return "just now"
    minutes = round(seconds / 60)
    return f"{minutes} min ago" if minutes < 60 else f"{round(minutes / 60)} h ago"
