"""Candidate models of the shown region, ranked, with a picture of the chosen one.

Candidates belong to a spectrum, a region and its background. They are kept for every region of the session and shown as
long as these have not changed; the document changes only when one is used.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.candidates_rows import COLUMNS, candidate_rows, note_text, spread_text
from app.gui.docks import TabbedDock
from app.gui.document import Document
from app.gui.plot.small_plot import SmallPlot
from app.gui.table_view import TableView
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_1, GAP_2, GAP_3
from app.project import candidates as work
from app.project.project import RegionFit
from fitting.curves import curves
from fitting.dataset import Spectrum
from fitting.xps.candidates.rank import Candidate, Candidates
from libraries.errors import SodaliteError

NO_REGION = "Draw a region to look for candidate models in it."
NOT_YET = (
    "Find candidates fits models of one to several states to this region and ranks them. It does not change the model."
)
CHANGED = "Region, background or data changed since the candidates were found. Find them again."
PICTURE = 250  # pixels
_Key = tuple[object, ...]


class Preview(SmallPlot):
    """Data and curves of one candidate."""

    def __init__(self) -> None:
        super().__init__("Picture of the candidate", "", "")
        self.setMinimumHeight(60)
        self.setMaximumHeight(16_777_215)
        self.setFixedWidth(PICTURE)
        self.getPlotItem().hideAxis("left")
        self.getPlotItem().vb.invertX(True)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def show_candidate(self, spectrum: Spectrum | None, candidate: Candidate | None) -> None:
        """Draw it; nothing without one."""
        self.clear()
        self.recolour()
        if spectrum is None or candidate is None:
            return
        colours, found = theme.current(), curves(spectrum, candidate.model)
        grey = QColor(colours.data)
        self.curve(found.x, found.y, grey, width=1.0, faint=0.45)
        self.curve(found.x, found.background, QColor(colours.background), width=1.0)
        for i, (_, curve) in enumerate(found.components):
            self.curve(found.x, found.background + curve, self.colour(i), width=1.3)
        self.curve(found.x, found.envelope, QColor(colours.envelope), width=1.6)
        low, high = float(np.min(found.y)), float(np.max(found.y))
        room = 0.06 * (high - low or 1.0)
        self.getPlotItem().vb.setRange(
            xRange=(float(found.x[0]), float(found.x[-1])), yRange=(low - room, high + room), padding=0
        )


class CandidatesPage(QWidget):
    """Choice of the kind of models, table, picture, and the chosen candidate's remarks."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._found: dict[tuple[object, str, str], dict[str, tuple[_Key, Candidates]]] = {}
        self._failure: tuple[_Key, str] | None = None
        self._task: Task | None = None
        self._of: _Key | None = None
        self._shown: Candidates | None = None
        self._kinds: tuple[tuple[str, str], ...] = ()
        self.setAccessibleName("Candidates")
        self._build()
        theme.changes().changed.connect(self._recolour)
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self.refresh)
        self.refresh()

    def _build(self) -> None:
        self.kind = QComboBox()
        self.kind.setAccessibleName("Models that are tried")
        self.kind.setToolTip(
            "Chemical states of the library, plain peaks, or peaks of the form of another fitted region"
        )
        self.kind.setMaximumWidth(220)
        self.kind.currentIndexChanged.connect(lambda _: self.refresh())
        self.start = QPushButton("Find candidates")
        self.start.setProperty("primary", True)
        self.start.clicked.connect(self._pressed)
        self.use = QPushButton("Use this model")
        self.use.setToolTip("Take the chosen candidate as the region's model; undo takes it back")
        self.use.clicked.connect(self.use_chosen)
        self.summary = self._label("Summary of the candidates")
        self.table = TableView("Candidates", COLUMNS)
        self.table.setSelectionMode(TableView.SelectionMode.SingleSelection)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._choose())
        self.table.doubleClicked.connect(lambda _: self.use_chosen())
        self.picture = Preview()
        self.note = self._label("Remarks on the candidate")
        self.why = self._label("Why there are no candidates")
        self.why.setAlignment(Qt.AlignmentFlag.AlignCenter)
        top = QHBoxLayout()
        top.setContentsMargins(GAP_3, GAP_2, GAP_3, GAP_1)
        top.setSpacing(GAP_2)
        for widget in (self.kind, self.start, self.use):
            top.addWidget(widget)
        top.addSpacing(GAP_1)
        top.addWidget(self.summary, 1)
        middle = QHBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.table, 1)
        middle.addWidget(self.picture)
        full, middle_page = QWidget(), QWidget()
        rows = QVBoxLayout(full)
        rows.setContentsMargins(0, 0, 0, 0)
        rows.setSpacing(0)
        rows.addLayout(middle, 1)
        self.note.setContentsMargins(GAP_3, GAP_1, GAP_3, GAP_1)
        rows.addWidget(self.note)
        self._pages = QStackedLayout(middle_page)
        self._pages.addWidget(self.why)
        self._pages.addWidget(full)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(top)
        column.addWidget(middle_page, 1)
        self.setFocusProxy(self.start)

    @staticmethod
    def _label(name: str) -> QLabel:
        label = QLabel()
        label.setProperty("role", "muted")
        label.setWordWrap(True)
        label.setAccessibleName(name)
        return label

    # -- what there is ------------------------------------------------------------------------------------------

    @property
    def chosen_kind(self) -> str:
        """The kind of models that is chosen: "states", "peaks", or "form <entry> <region>"."""
        return str(self.kind.currentData() or work.STATES)

    def _region(self) -> tuple[object, str, str] | None:
        entry, fit = self._document.entry, self._document.fit
        return (self._document.session, entry.id, fit.id) if entry is not None and fit is not None else None

    def _key(self) -> _Key | None:
        """What candidates depend on."""
        fit, spectrum, region = self._document.fit, self._document.spectrum(), self._region()
        if fit is None or spectrum is None or region is None or spectrum.navigation:
            return None
        b = fit.model.background
        fixed = tuple((name, p.minimum, p.maximum, p.vary, p.value if not p.vary else None) for name, p in b.params)
        return (*region, spectrum.hash, fit.model.region, b.kind, b.average, b.quadrature, b.anchors, b.settings,
                fixed, work.other_lines(spectrum, fit.model), self.chosen_kind)

    def found(self) -> Candidates | None:
        """The candidates of the shown region and kind; None where there are none."""
        key, region = self._key(), self._region()
        ready = self._found.get(region, {}).get(self.chosen_kind) if region is not None else None
        return ready[1] if ready is not None and ready[0] == key else None

    def chosen(self) -> Candidate | None:
        """The candidate that is chosen in the table."""
        rows = self.table.selectionModel().selectedRows()
        if self._shown is None or not rows or rows[0].row() >= len(self._shown.found):
            return None
        return self._shown.found[rows[0].row()]

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the candidates of the shown region, or why there are none."""
        self._refresh_kinds()
        key, region, found = self._key(), self._region(), self.found()
        running = self._task is not None and self._of == key
        if self._task is not None and not running and not self._alive():
            self._task.cancel()
        self.start.setText("Stop" if running else "Find candidates")
        self.start.setProperty("primary", not running and found is None)
        self.start.style().polish(self.start)
        self.start.setEnabled(key is not None)
        self.kind.setEnabled(key is not None)
        if found is None:
            self._shown = None
            self.table.set_rows([])
            self.use.setEnabled(False)
            self.summary.setText("")
            self.summary.setToolTip("")
            failed = self._failure[1] if self._failure is not None and self._failure[0] == key else ""
            stale = region is not None and self.chosen_kind in self._found.get(region, {})
            if not running:
                self.why.setText(NO_REGION if key is None else failed or (CHANGED if stale else NOT_YET))
            self._pages.setCurrentIndex(0)
        elif found is not self._shown:
            self._show(found)

    def _refresh_kinds(self) -> None:
        entry, fit = self._document.entry, self._document.fit
        kinds = [("Chemical states", work.STATES), ("Peaks of equal width", work.PEAKS)]
        if entry is not None and fit is not None and not entry.spectrum.navigation:
            for other, region in work.references_for(self._document.project, entry, fit):
                sample = self._document.project.sample(other.sample).name
                kinds.append((f"Form of {other.title}, {sample}", f"{work.FORM} {other.id} {region.id}"))
        if tuple(kinds) == self._kinds:
            return
        self._kinds, before = tuple(kinds), self.chosen_kind
        self.kind.blockSignals(True)
        self.kind.clear()
        for text, data in kinds:
            self.kind.addItem(text, data)
        self.kind.setCurrentIndex(max(self.kind.findData(before), 0))
        self.kind.blockSignals(False)

    def _show(self, found: Candidates) -> None:
        self._shown = found
        self.table.set_rows(candidate_rows(found))
        self.summary.setText(found.summary())
        self.summary.setToolTip("\n".join([*map(str, found.steps), "", spread_text(found), "", *found.remarks]))
        self._pages.setCurrentIndex(1)
        row = found.found.index(found.supported)
        self.table.selectRow(row)
        self.table.scrollTo(self.table.table.index(row, 0), TableView.ScrollHint.PositionAtCenter)
        self._choose()

    def _recolour(self) -> None:
        self._choose()

    def _choose(self) -> None:
        candidate = self.chosen()
        self.use.setEnabled(candidate is not None)
        if self._shown is None:
            return
        text = note_text(self._shown, candidate)
        self.note.setText(text)
        role = "warning" if candidate is not None and candidate.remarks else "muted"
        self.note.setProperty("role", role)
        self.note.style().polish(self.note)
        self.picture.show_candidate(self._document.spectrum(), candidate)

    # -- work ---------------------------------------------------------------------------------------------------

    def _pressed(self) -> None:
        if self._task is not None and self.start.text() == "Stop":
            self._task.cancel()
        else:
            self.find()

    def _alive(self) -> bool:
        """Whether the region whose candidates are looked for is still there."""
        if self._of is None or self._of[0] is not self._document.session:
            return False
        return any(
            entry.id == self._of[1] and any(fit.id == self._of[2] for fit in entry.fits)
            for entry in self._document.project.entries
        )

    def _reference(self) -> RegionFit | None:
        parts = self.chosen_kind.split(" ")
        if parts[0] != work.FORM or len(parts) != 3:
            return None
        return self._document.project.entry(parts[1]).fit(parts[2])

    def open(self) -> None:
        """Bring the page to the front and look for candidates, unless they are there already."""
        dock = self.parentWidget()
        while dock is not None and not isinstance(dock, TabbedDock):
            dock = dock.parentWidget()
        if dock is not None:
            dock.show_page("Candidates")
        if self.found() is None and self._task is None:
            self.find()

    def find(self) -> None:
        """Look for candidates of the shown region; work on another region is stopped."""
        key, region = self._key(), self._region()
        fit = self._document.fit
        if key is None or region is None or fit is None:
            return
        if self._task is not None:
            self._task.cancel()
        project, kind, reference = self._document.project, self.chosen_kind, self._reference()

        def search(progress: Progress, cancel: Cancel) -> Candidates:
            return work.find_candidates(
                project, region[1], region[2], kind.split(" ")[0],
                reference=reference.model if reference is not None else None, progress=progress, cancel=cancel,
            )

        self._failure, self._of = None, key
        task = self._task = self._tasks.run(
            search, lambda found: self._done(region, key, kind, found), lambda error: self._failed(key, error),
            title=f"Candidates for {fit.name}",
        )
        task.progressed.connect(lambda fraction, text: self._progressed(task, text))
        task.ended.connect(lambda: self._ended(task))
        self.why.setText("Searching…")
        self.refresh()

    def _progressed(self, task: Task, text: str) -> None:
        if task is self._task and self._of == self._key():
            self.why.setText(f"{text}…")

    def _done(self, region: tuple[object, str, str], key: _Key, kind: str, found: Candidates) -> None:
        self._found.setdefault(region, {})[kind] = (key, found)

    def _failed(self, key: _Key, error: BaseException) -> None:
        self._failure = (key, str(error))
        if not isinstance(error, SodaliteError):
            raise error

    def _ended(self, task: Task) -> None:
        if task is self._task:
            self._task = self._of = None
        self.refresh()

    def use_chosen(self) -> None:
        """Take the chosen candidate as the region's model, in one step that undo takes back."""
        candidate, region = self.chosen(), self._region()
        if candidate is None or region is None:
            return
        try:
            project = work.use(self._document.project, region[1], region[2], candidate)
        except SodaliteError as error:
            self.note.setText(str(error))
        else:
            self._document.apply(f"Use candidate {candidate.label}", project)

    def minimumSizeHint(self) -> QSize:
        """Its fields must not keep the window from becoming narrow."""
        return QSize(0, super().minimumSizeHint().height())

    def copy(self) -> None:
        """Copy the table as text."""
        self.table.copy()
