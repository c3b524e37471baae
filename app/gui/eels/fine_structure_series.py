"""Series on the Fine structure page: the chosen spectra side by side as table and plot, export, map, sp2."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.small_plot import SmallPlot
from app.gui.theme import GAP_2
from app.numerals import UNDETERMINED, with_error
from app.project.fine_series import SeriesRow, series_csv, series_rows
from app.project.project import Entry
from fitting.eels.fine_setup import FineSetup
from fitting.eels.valence import Valence

if TYPE_CHECKING:
    from app.gui.eels.fine_structure_panel import FineStructurePanel

CHOOSE = "Choose several spectra in the project list (Ctrl+click) to see them side by side."
WHITE = (Column("Spectrum"), Column("Position / eV", "Compared position, counted from the internal reference", True),
         Column("Shift / eV", "Against the first of the series", True), Column("L3/L2", "By the double step", True),
         Column("Valence", "By the calibration in use", True), Column("by mixture", "Mixture of the references", True))
CARBON = (Column("Spectrum"), Column("π* / eV", "Position of π*", True),
          Column("Shift / eV", "Against the first", True),
          Column("π*/(π* + σ*)", "Share of π*", True), Column("π* width / eV", "FWHM: sharpness", True),
          Column("sp²", "Against the reference spectrum", True))


class SeriesPart(QWidget):
    """The chosen spectra in a row."""

    def __init__(self, page: FineStructurePanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, GAP_2)
        body.setSpacing(GAP_2)
        self.words = muted(CHOOSE)
        self.white, self.carbon = (page.table(RowsModel(columns)) for columns in (WHITE, CARBON))
        self.white_view = RowsView(self.white, "Series of white lines")
        self.carbon_view = RowsView(self.carbon, "Series of C K")
        for view in (self.white_view, self.carbon_view):
            view.set_widths((96, 112, 96, 84, 84, 84))
        self.shown_as = QComboBox()
        self.shown_as.setAccessibleName("What the plot of the series shows")
        self.shown_as.activated.connect(lambda _: self._draw())
        self.plot = SmallPlot("Series", "Spectrum", "Shift (eV)", self)
        self.reference = QComboBox()
        self.reference.setAccessibleName("Reference spectrum of sp2 carbon")
        self.reference.activated.connect(lambda _: page.choose_graphite(str(self.reference.currentData() or "")))
        self.sp2 = QWidget()
        line = row(QLabel("sp² reference (graphite, C60)"), self.reference)
        line.setContentsMargins(0, 0, 0, 0)
        self.sp2.setLayout(line)
        self.remarks = muted("")
        self.remarks.setProperty("role", "warning")
        self.export = button("Export CSV…", "All quantities of the chosen spectra as a table", self._export)
        self.map = button("Map", "The same quantities in every pixel of the image", page.fit_map)
        self._rows: tuple[SeriesRow, ...] = ()
        self._setup = FineSetup()
        self.dialog: QFileDialog | None = None
        for widget in (self.words, self.sp2, self.white_view, self.carbon_view, self.remarks):
            body.addWidget(widget)
        body.addLayout(row(QLabel("Plot"), self.shown_as))
        body.addWidget(self.plot)
        body.addLayout(row(self.export, self.map))

    def show_entry(self, entry: Entry, setup: FineSetup) -> None:
        """Show the chosen spectra."""
        document = self.page.document
        self._setup = setup
        project = document.project
        ids = tuple(id for id in document.chosen
                    if id == entry.id or any(one.edge == setup.edge for one in project.entry(id).fine))
        self._rows = series_rows(document.project, ids, setup.edge)
        several = len(ids) > 1
        self.words.setVisible(not several)
        self.white_view.setVisible(not setup.carbon)
        self.carbon_view.setVisible(setup.carbon)
        self.sp2.setVisible(setup.carbon)
        if setup.carbon:
            self._fill_reference(entry)
        model, view = (self.carbon, self.carbon_view) if setup.carbon else (self.white, self.white_view)
        model.set_rows([_cells(one, setup) for one in self._rows])
        view.fit_height(1, 10)
        view.fit_columns(range(6))
        remarks = list(dict.fromkeys(note for one in self._rows for note in one.notes))
        self.remarks.setText("\n".join(remarks))
        self.remarks.setVisible(bool(remarks))
        self._offer()
        self.map.setVisible(bool(entry.spectrum.navigation))
        self.map.setEnabled(not self.page.busy and self.page.found() is not None)
        self._draw()

    def _fill_reference(self, entry: Entry) -> None:
        project = self.page.document.project
        fitted = [(e.id, e.title) for e in project.entries if any(one.carbon for one in e.fine)]
        self.reference.clear()
        self.reference.addItem("none: π*/(π* + σ*) only", "")
        for id, title in fitted:
            self.reference.addItem(title, id)
        self.reference.setCurrentIndex(max(self.reference.findData(project.valence.graphite), 0))

    def _offer(self) -> None:
        words = ("Shift", "Share of π*", "Width of π*", "sp²") if self._setup.carbon else (
            "Shift", "L3/L2", "Valence", "Valence by mixture")
        if [self.shown_as.itemText(i) for i in range(self.shown_as.count())] != list(words):
            self.shown_as.clear()
            self.shown_as.addItems(list(words))

    def _draw(self) -> None:
        several = sum(one.position is not None for one in self._rows) > 1
        self.plot.setVisible(several)
        self.shown_as.parentWidget()
        self.shown_as.setEnabled(several)
        if not several:
            return
        self.plot.clear()
        self.plot.recolour()
        what = self.shown_as.currentText()
        points = [(i + 1, *_number(one, what)) for i, one in enumerate(self._rows)]
        points = [p for p in points if p[1] == p[1]]
        unit = {"Shift": "Shift (eV)", "Width of π*": "π* width (eV)"}.get(what, what)
        self.plot.set_titles("", unit)
        names = [(i + 1, one.name if len(one.name) <= 14 else f"{one.name[:13]}…") for i, one in enumerate(self._rows)]
        few = len(names) <= 6
        self.plot.getPlotItem().getAxis("bottom").setTicks([names if few else [(i, str(i)) for i, _ in names]])
        if not points:
            return
        x, y, e = ([p[k] for p in points] for k in range(3))
        self.plot.points(x, y, self.plot.colour(0), y_err=e)
        low, high = min(a - b for a, b in zip(y, e, strict=True)), max(a + b for a, b in zip(y, e, strict=True))
        margin = 0.12 * max(high - low, 1e-3)
        self.plot.frame((0.5, len(self._rows) + 0.5), (low - margin, high + margin))

    def _export(self) -> None:
        dialog = QFileDialog(self, "Export fine structure", "", "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{self._setup.edge.replace(' ', '_').replace(',', '')}.csv")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path) -> None:
        """Write the table of all quantities."""
        document = self.page.document
        text = series_csv(document.project, tuple(one.entry for one in self._rows), self._setup.edge)
        self.page.write_text(path, text)


def _cells(one: SeriesRow, setup: FineSetup) -> Row:
    def cell(item: object) -> Cell:
        if item is None:
            return Cell("–", tooltip=one.problem, muted=True)
        if isinstance(item, Valence):
            return Cell(with_error(item.value, item.error), tooltip=item.how)
        known = item.known  # type: ignore[attr-defined]
        text = with_error(item.value, item.error) if known else UNDETERMINED  # type: ignore[attr-defined]
        return Cell(text, tooltip=item.how, muted=not known)  # type: ignore[attr-defined]

    last = (one.width, one.sp2) if setup.carbon else (one.valence, one.mixed)
    return Row(one.entry, (Cell(one.name, tooltip=one.problem), cell(one.position), cell(one.shift), cell(one.ratio),
                           *map(cell, last)))


def _number(one: SeriesRow, what: str) -> tuple[float, float]:
    item = {"Shift": one.shift, "L3/L2": one.ratio, "Share of π*": one.ratio, "Valence": one.valence,
            "Valence by mixture": one.mixed, "Width of π*": one.width, "sp²": one.sp2}[what]
    if item is None:
        return float("nan"), 0.0
    return item.value, item.error if item.error == item.error else 0.0
