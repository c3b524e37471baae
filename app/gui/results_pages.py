"""Pages of the results panel: fit statistics, history, log."""

from __future__ import annotations

import logging
import math
from collections import deque
from datetime import UTC, datetime

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.forms import FORMS
from app.gui.panels.step_form import step_words
from app.gui.table_view import Cell, Column, TableView
from app.project.project import Entry, RegionFit
from app.project.work import STATISTICS
from fitting.backgrounds import KINDS
from fitting.peaks import error_factor
from fitting.recipe import Step
from libraries.errors import SodaliteError

NOISE = {"poisson": "Poisson counts", "gaussian": "Gaussian", "unknown": "not known, from the residuals"}
STEPS = {
    **{form.kind: form.title for form in FORMS},
    "energy_shift": "Charge reference", "energy_scale": "Energy scale", "crop": "Crop", "crop_image": "Crop",
    "bin_image": "Join", "photon_energy": "Photon energy", "noise": "Noise", "microscope": "Microscope",
    "sum_sweeps": "Sweeps", "mass_scale": "Mass scale", "ion_names": "Names of ions", "dead_time": "Dead time",
    "ion_dead_time": "Dead time", "scan_drift": "Drift between scans", "topography": "Topography",
    "mass_shift": "Masses of pixels",
}  # fmt: skip
MISFIT = "χ²ᵣ exceeds its 99.9 % limit: the model misses structure in the data"
MOST_LOG = 500
LOG_ROLES = {"warning": "warning", "error": "danger", "critical": "danger"}


def local_time(when: str) -> str:
    """An ISO time in UTC as the clock on the wall shows it."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return when
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


class StatisticsPage(TableView):
    """How well the shown region is fitted, beside the other regions of its sample."""

    COLUMNS = (
        Column("Spectrum"), Column("Region / eV", True), Column("Status"),
        Column("χ²ᵣ", True, "Reduced χ²: Pearson's χ² over the degrees of freedom"),
        Column("Errors ×", True, "By what errors are multiplied: √χ²ᵣ where χ²ᵣ exceeds its 99.9 % limit"),
        Column("Statistic", False, "What the fit minimised"), Column("Value", True, "The statistic at the end"),
        Column("Points", True), Column("Free", True, "Parameters that the fit changed"),
        Column("AIC", True, "Akaike information criterion; compare on the same points only"),
        Column("AICc", True, "AIC with its correction for few points; compare on the same points only"),
        Column("BIC", True, "Bayesian information criterion; compare on the same points only"),
        Column("Time / ms", True), Column("Noise"),
    )

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__("Fit statistics", self.COLUMNS, parent)
        self._document = document
        self._shown: object = None
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the regions of the sample."""
        entry, chosen = self._document.entry, self._document.fit
        entries = self._document.project.entries_of(entry.sample) if entry is not None else ()
        pairs = [(e, f) for e in entries for f in e.fits]
        key = (*((e.title, f.result, f.model.region) for e, f in pairs), chosen.id if chosen else None)
        if key == self._shown:
            return
        self._shown = key
        self.set_rows([self._row(e, f, e is entry and chosen is not None and f.id == chosen.id) for e, f in pairs])

    def _row(self, entry: Entry, fit: RegionFit, chosen: bool) -> list[Cell]:
        low, high = fit.model.region
        start = [Cell(entry.title, fit.name, bold=chosen), Cell(f"{low:.2f} – {high:.2f}")]
        result = fit.result
        if result is None:
            return [*start, Cell("not fitted", role="muted"), *(Cell("") for _ in range(11))]
        chi = f"{result.reduced_chi2:.3f}" if result.noise.known else "–"
        role = "warning" if result.exceeds_noise else ""
        return [
            *start, Cell(result.status, result.message, "" if result.success else "warning"),
            Cell(chi, "" if result.noise.known else "The noise is not known, so χ² is 1 by construction", role),
            Cell(f"{error_factor(result):.2f}" if role else "1", MISFIT if role else "", role),
            Cell(STATISTICS[result.statistic], result.statistic), Cell(f"{result.deviance:.1f}"),
            Cell(str(result.n_data)), Cell(str(result.n_free)),
            Cell(_plain(result.aic)), Cell(_plain(result.aicc)),
            Cell(_plain(result.bic)), Cell(f"{1000 * result.seconds:.1f}"),
            Cell(NOISE[result.noise.kind], result.noise.origin),
        ]


def _plain(value: float) -> str:
    return f"{value:.1f}" if math.isfinite(value) else "–"


class HistoryPage(TableView):
    """Where the shown spectrum comes from, what was done to it, and what was done in the project."""

    COLUMNS = (Column("When / what"), Column("Step"), Column("Detail"))

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__("History", self.COLUMNS, parent)
        self._document = document
        self._shown: object = None
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self.refresh)
        document.state_changed.connect(self.refresh)
        self.refresh()

    def refresh(self) -> None:
        """Show the history."""
        entry = self._document.entry
        rows: list[list[Cell]] = []
        if entry is not None:
            rows += self._origin(entry)
            rows += [self._step(step) for step in entry.recipe.steps]
            rows += [self._model(fit) for fit in entry.fits]
        undo = self._document.undo_text
        if undo:
            rows.append([Cell("This session", role="muted"), Cell("Last edit"), Cell(undo)])
        rows += [
            [Cell(local_time(item.when), role="muted"), Cell("Project"), Cell(item.text)]
            for item in reversed(self._document.project.history)
        ]
        key = tuple(tuple(row) for row in rows)
        if key != self._shown:
            self._shown = key
            self.set_rows(rows)

    @staticmethod
    def _origin(entry: Entry) -> list[list[Cell]]:
        meta = entry.spectrum.meta
        facts = [
            ("File", f"{meta.file}, spectrum {meta.index + 1}" if meta.file else "not recorded"),
            ("Instrument", ", ".join(t for t in (meta.instrument, meta.institution, meta.operator) if t)),
            ("Date", meta.date),
            ("Source", f"{meta.source} {f'{meta.photon_energy:g} eV' if meta.photon_energy else ''}".strip()),
            ("Pass energy", f"{meta.pass_energy:g} eV" if meta.pass_energy else ""),
            ("Counting", f"{meta.dwell_time:g} s × {meta.sweeps:g}" if meta.live_time else ""),
        ]
        return [[Cell("Measured", role="muted"), Cell(name), Cell(text, text)] for name, text in facts if text]

    @staticmethod
    def _step(step: Step) -> list[Cell]:
        told = step_words(step, "")
        detail = f"{told} ({step.note})" if step.note else told
        name = STEPS.get(step.kind, step.kind.replace("_", " "))
        return [Cell("Recipe", role="muted"), Cell(name), Cell(detail, detail)]

    @staticmethod
    def _model(fit: RegionFit) -> list[Cell]:
        kind = KINDS.get(fit.model.background.kind)
        parts = f"{len(fit.model.components)} components, {kind.title if kind else fit.model.background.kind}"
        text = f"{parts}; {fit.result.message}" if fit.result is not None and fit.result.message else parts
        return [Cell("Model", role="muted"), Cell(fit.name), Cell(text, text)]


class _LogSignal(QObject):
    written = Signal(str, str, str)


class LogHandler(logging.Handler):
    """Python's log as a signal; records may come from any thread."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.signal = _LogSignal()

    def emit(self, record: logging.LogRecord) -> None:
        """Pass a record on."""
        when = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        self.signal.written.emit(when, record.levelname.lower(), record.getMessage())


class LogPage(TableView):
    """What the window said, newest first."""

    COLUMNS = (Column("Time"), Column("Kind"), Column("Message"))

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Log", self.COLUMNS, parent)
        self._lines: deque[list[Cell]] = deque(maxlen=MOST_LOG)
        self.handler = LogHandler()
        self.handler.signal.written.connect(self.add)

    def add(self, when: str, kind: str, text: str) -> None:
        """Write a line."""
        short = text.splitlines()[-1] if text.strip() else text
        self._lines.appendleft([
            Cell(when, role="muted"), Cell(kind, role=LOG_ROLES.get(kind, "muted")), Cell(short, text)
        ])
        self.set_rows(list(self._lines))


def words(error: BaseException) -> str:
    """An error for the log."""
    return str(error) if isinstance(error, SodaliteError) else f"{type(error).__name__}: {error}"
