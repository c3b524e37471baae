"""The composition of the shown sample, with every factor that went into it."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from app.gui.composition_rows import columns, composition_rows, ratios_text, totals_text, totals_tip
from app.gui.document import Document
from app.gui.table_view import TableView
from app.gui.tasks import Task, Tasks
from app.gui.theme import GAP_1, GAP_2, GAP_3
from app.numerals import interval
from app.project import compose
from app.project.compose import level_of
from app.project.project import Project, RegionFit, Sample
from fitting.peaks import error_factor
from fitting.xps.quantify import Composition
from fitting.xps.region_areas import REGION, area_kind
from fitting.xps.study import Study
from libraries.errors import SodaliteError

DELAY = 150  # ms: a burst of edits is one computation
EMPTY = "Fit the regions of this sample to see its composition."


def enlarged_regions(project: Project, sample: str) -> dict[str, float]:
    """Regions whose errors were multiplied because their model misses structure in the data, and the factors."""
    return {
        fit.result.model.name or entry.spectrum.name: error_factor(fit.result)
        for entry in project.entries_of(sample) for fit in entry.fits
        if fit.result is not None and fit.result.exceeds_noise
    }


def _basis(fit: RegionFit) -> object:
    """What a region's area depends on: its fit, or the model where data minus background counts."""
    return (fit.result, fit.model) if area_kind(fit.model) == REGION else fit.result


def _outdated(sample: Sample, studies: Mapping[str, Study], at: float | None) -> list[str]:
    return [
        f"The {study.kind} was made for an earlier state of this composition: ask for it again."
        for study in sample.studies if study.at == at and study.kind not in studies
    ]


class CompositionPage(QWidget):
    """Table of the composition, element totals below it, or one line why there is none."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._shown: object = None
        self._task: Task | None = None
        self.table = TableView("Composition", columns(None))
        self.totals = QLabel()
        self.totals.setProperty("role", "muted")
        self.totals.setAccessibleName("Element totals")
        self.totals.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ratios = QLabel()
        self.ratios.setAccessibleName("Atomic ratios")
        self.ratios.setContentsMargins(GAP_3, 0, GAP_3, GAP_1)
        self.ratios.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.ratios.hide()
        self.remarks_button = QPushButton()
        self.remarks_button.setProperty("link", True)
        self.remarks_button.setCheckable(True)
        self.remarks = QLabel()
        self.remarks.setProperty("role", "muted")
        self.remarks.setWordWrap(True)
        self.remarks.setAccessibleName("Remarks on the composition")
        self.remarks.setContentsMargins(GAP_3, 0, GAP_3, GAP_2)
        self.remarks.hide()
        self.remarks_button.toggled.connect(self.remarks.setVisible)
        self.why = QLabel(EMPTY)
        self.why.setProperty("role", "muted")
        self.why.setWordWrap(True)
        self.why.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.why.setAccessibleName("Composition")
        full = QWidget()
        column = QVBoxLayout(full)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.table, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(GAP_3, GAP_1, GAP_2, GAP_1)
        foot.addWidget(self.totals, 1)
        foot.addWidget(self.remarks_button)
        column.addLayout(foot)
        column.addWidget(self.ratios)
        column.addWidget(self.remarks)
        empty = QWidget()
        row = QHBoxLayout(empty)
        row.addStretch(1)
        row.addWidget(self.why, 3)
        row.addStretch(1)
        self._pages = QStackedLayout(self)
        self._pages.addWidget(empty)
        self._pages.addWidget(full)
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(DELAY)
        self._delay.timeout.connect(self.refresh)
        document.project_changed.connect(self._delay.start)
        document.selection_changed.connect(self._delay.start)

    def _key(self) -> object:
        """What the composition depends on."""
        entry = self._document.entry
        if entry is None:
            return None
        project = self._document.project
        sample = project.sample(entry.sample)
        entries = project.entries_of(entry.sample)
        return sample, level_of(project, entry), project.factor_sets, tuple(
            (e.spectrum, e.recipe, e.value, tuple(_basis(f) for f in e.fits)) for e in entries
        )

    def refresh(self) -> None:
        """Compute and show, if something that matters has changed."""
        key = self._key()
        if key == self._shown:
            return
        self._shown = key
        if self._task is not None:
            self._task.cancel()
            self._task = None
        entry, project = self._document.entry, self._document.project
        fitted = entry is not None and any(
            f.result or area_kind(f.model) == REGION for e in project.entries_of(entry.sample) for f in e.fits
        )
        if entry is None or not fitted:
            self._say(EMPTY if project.entries else "Open spectra to see their composition.")
            return
        self._start(project, entry.sample, level_of(project, entry))

    def _start(self, project: Project, sample: str, at: float | None) -> None:
        self._task = self._tasks.run(
            lambda progress, cancel: compose.composition(project, sample, at),
            lambda found: self._show(found, enlarged_regions(project, sample), project.sample(sample), at),
            self._failed, quiet=True, title="Composition",
        )

    def _show(
        self, composition: Composition, factors: Mapping[str, float], sample: Sample, at: float | None
    ) -> None:
        self._task = None
        studies = compose.studies_of(sample, composition, at)
        ratios, missing = compose.ratios_of(sample, composition)
        self.table.set_rows(composition_rows(composition, factors, studies), columns(composition, studies))
        self.totals.setText(totals_text(composition))
        self.totals.setToolTip(totals_tip(composition, studies))
        self.ratios.setText(ratios_text(ratios))
        self.ratios.setToolTip("\n".join(
            f"{row.name}: 95 % interval {interval(row.low, row.high) or 'open above'}" for row in ratios))
        self.ratios.setVisible(bool(ratios))
        remarks = [*composition.warnings, *missing, *_outdated(sample, studies, at)]
        remarks += [f"{kind[0].upper()}{kind[1:]}: {note}" for kind, study in studies.items() for note in study.notes]
        number = len(remarks)
        self.remarks.setText("\n".join(remarks))
        self.remarks_button.setText("1 remark" if number == 1 else f"{number} remarks")
        self.remarks_button.setToolTip("\n".join(remarks))
        self.remarks_button.setVisible(bool(number))
        self.remarks.setVisible(bool(number) and self.remarks_button.isChecked())
        self._pages.setCurrentIndex(1)

    def _failed(self, error: BaseException) -> None:
        self._task = None
        self._say(str(error))
        if not isinstance(error, SodaliteError):
            raise error

    def _say(self, text: str) -> None:
        self.why.setText(text)
        self._pages.setCurrentIndex(0)

    def copy(self) -> None:
        """Copy the table as text."""
        self.table.copy()
