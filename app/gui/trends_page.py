"""Compositions and parameters along a series, over samples or over files, as plot and table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QStackedLayout,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from app.gui import theme as themes
from app.gui.document import Document
from app.gui.panels.base import muted
from app.gui.table_view import Cell, Column, TableView
from app.gui.tasks import Task, Tasks
from app.gui.theme import GAP_1, GAP_2, GAP_3
from app.gui.trend_plot import Along, TrendPlot
from app.project import trends
from app.project.project import Project
from app.project.trends import Point, Quantity, Reading, Trend
from libraries.errors import SodaliteError

DELAY = 200  # ms: a burst of edits is one computation
EMPTY = "Fit regions of several samples, or of the levels of a series, to see how their numbers run."
SERIES, NUMBER, SAMPLE = "series", "number", "sample"
QUANTITY = Qt.ItemDataRole.UserRole
_WIDTH = 216


def number_text(reading: Reading) -> str:
    """A value with its error, as many digits as the error has two of."""
    if not reading.there:
        return "–"
    if reading.error is None or not reading.error > 0:
        return f"{reading.value:.4g}"
    import math

    decimals = max(0, min(8, 1 - math.floor(math.log10(reading.error))))
    return f"{reading.value:.{decimals}f} ± {reading.error:.{decimals}f}"


class TrendsPage(QWidget):
    """Any quantity against the variable of a series, the number or the sample.

    Signals
    -------
    save_wanted()
        Ask where to write the table or the figure.
    """

    save_wanted = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._task: Task | None = None
        self._key: object = None
        self._points: tuple[Point, ...] = ()
        self._wanted: list[Quantity] = []
        self._ratios: list[Quantity] = []
        self.trend: Trend | None = None
        self.setAccessibleName("Trends")
        self._build_choice()
        self._build_pictures()
        self.why = muted(EMPTY)
        self.why.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.why.setAccessibleName("Why there are no trends")
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.why)
        full = QWidget()
        row = QHBoxLayout(full)
        row.setContentsMargins(GAP_3, GAP_2, GAP_2, GAP_1)
        row.setSpacing(GAP_3)
        row.addLayout(self._choice)
        row.addLayout(self._right, 1)
        self._pages.addWidget(full)
        self.setFocusProxy(self.list)
        self._recolour()
        self._delay = QTimer(self)
        self._delay.setSingleShot(True)
        self._delay.setInterval(DELAY)
        self._delay.timeout.connect(self.refresh)
        document.project_changed.connect(self._later)
        document.selection_changed.connect(self._later)
        themes.changes().changed.connect(self._recolour)

    def _build_choice(self) -> None:
        self.find = QLineEdit()
        self.find.setPlaceholderText("Find a quantity")
        self.find.setAccessibleName("Find a quantity")
        self.find.setClearButtonEnabled(True)
        self.find.textChanged.connect(self._filter)
        self.list = QListWidget()
        self.list.setAccessibleName("Quantities")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemChanged.connect(self._ticked)
        self.ratio = QPushButton("Ratio of two")
        self.ratio.setToolTip("Add the ratio of the two quantities that are chosen in the list (Ctrl+click)")
        self.ratio.clicked.connect(self.add_ratio)
        self.none = QPushButton("None")
        self.none.setToolTip("Take all quantities off the plot")
        self.none.clicked.connect(self.clear)
        self._choice = QVBoxLayout()
        self._choice.setSpacing(GAP_1)
        foot = QHBoxLayout()
        foot.setSpacing(GAP_1)
        foot.addWidget(self.ratio)
        foot.addWidget(self.none)
        foot.addStretch(1)
        for widget in (self.find, self.list):
            widget.setFixedWidth(_WIDTH)
            self._choice.addWidget(widget, 1 if widget is self.list else 0)
        self._choice.addLayout(foot)

    def _build_pictures(self) -> None:
        self.against, self.scope, self.look = QComboBox(), QComboBox(), QComboBox()
        self.against.setAccessibleName("Along")
        self.scope.setAccessibleName("Samples")
        self.look.setAccessibleName("Plot or table")
        self.scope.addItem("Shown sample", "one")
        self.scope.addItem("All samples", "all")
        self.look.addItem("Plot", 0)
        self.look.addItem("Table", 1)
        for box in (self.against, self.scope):
            box.activated.connect(lambda _: self.refresh(again=True))
        self.look.currentIndexChanged.connect(lambda at: self.body.setCurrentIndex(at))
        self.note = QLabel()
        self.note.setProperty("role", "muted")
        self.note.setAccessibleName("Remark on the trend")
        self.note.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.save = QPushButton("Save…")
        self.save.setToolTip("The table with errors and remarks as CSV, or the plot as PNG, SVG or PDF")
        self.save.clicked.connect(lambda _=False: self.save_wanted.emit())
        self.against.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.plot = TrendPlot()
        self.table = TableView("Trend", ())
        self.body = QStackedWidget()
        self.body.addWidget(self.plot)
        self.body.addWidget(self.table)
        head = QHBoxLayout()
        head.setSpacing(GAP_2)
        for widget in (self.look, self.scope, self.against):
            head.addWidget(widget)
        head.addWidget(self.note, 1)
        head.addWidget(self.save)
        self._right = QVBoxLayout()
        self._right.setSpacing(GAP_1)
        self._right.addLayout(head)
        self._right.addWidget(self.body, 1)

    # -- following the document ---------------------------------------------------------------------------------

    def _later(self) -> None:
        if self.isVisible():
            self._delay.start()

    def showEvent(self, event: Any) -> None:
        """Catch up with the document."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        """A hidden page does not compute."""
        super().hideEvent(event)
        self._delay.stop()

    def _sample(self) -> str | None:
        entry = self._document.entry
        return None if self.scope.currentData() == "all" or entry is None else entry.sample

    def refresh(self, again: bool = False) -> None:
        """Compute and show, if something that matters has changed."""
        project = self._document.project
        points = trends.points(project, self._sample())
        entries = {e.id: e for e in project.entries}
        key = (
            points, project.samples, project.factor_sets,
            tuple((e.spectrum.hash, e.recipe, tuple(id(f) for f in e.fits))
                  for point in points for e in (entries[id] for id in point.entries)),
        )
        if key == self._key and not again:
            return
        self._key, self._points = key, points
        found = trends.quantities(project, points)
        known = set(found)
        self._ratios = [q for q in self._ratios if set(q.of) <= known]
        self._wanted = [q for q in self._wanted if q in known or q in self._ratios]
        if not self._wanted:
            self._wanted = [q for q in found if q.kind == trends.ATOMS][:6] or list(found[:1])
        self._fill([*found, *self._ratios])
        self._fill_against(points)
        if not found:
            self._stop()
            self.trend = None
            self._pages.setCurrentIndex(0)
            return
        self._pages.setCurrentIndex(1)
        self._start(project)

    def _fill(self, found: Sequence[Quantity]) -> None:
        present = [self.list.item(i).data(QUANTITY) for i in range(self.list.count())]
        with QSignalBlocker(self.list):
            if present != list(found):
                self.list.clear()
                for quantity in found:
                    item = QListWidgetItem(quantity.title, self.list)
                    item.setData(QUANTITY, quantity)
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
                    item.setToolTip(quantity.heading)
            for i in range(self.list.count()):
                item = self.list.item(i)
                on = item.data(QUANTITY) in self._wanted
                item.setCheckState(Qt.CheckState.Checked if on else Qt.CheckState.Unchecked)
        self._filter(self.find.text())

    def _fill_against(self, points: Sequence[Point]) -> None:
        series = list(dict.fromkeys((p.variable, p.unit) for p in points if p.value is not None))
        rows = [(f"Along {variable or 'the series'}", (SERIES, variable, unit)) for variable, unit in series]
        rows += [("By number", (NUMBER, "", "")), ("By sample", (SAMPLE, "", ""))]
        present = [(self.against.itemText(i), self.against.itemData(i)) for i in range(self.against.count())]
        if present == rows:
            return
        before = self.against.currentData()
        with QSignalBlocker(self.against):
            self.against.clear()
            for text, data in rows:
                self.against.addItem(text, data)
            at = next((i for i, (_, data) in enumerate(rows) if data == before), 0 if series else len(rows) - 1)
            self.against.setCurrentIndex(at)

    def _filter(self, text: str) -> None:
        words = text.casefold().split()
        for i in range(self.list.count()):
            item = self.list.item(i)
            item.setHidden(not all(word in item.text().casefold() for word in words))

    # -- what is shown ------------------------------------------------------------------------------------------

    def _ticked(self, item: QListWidgetItem) -> None:
        quantity = item.data(QUANTITY)
        on = item.checkState() == Qt.CheckState.Checked
        if on and quantity not in self._wanted:
            self._wanted.append(quantity)
        elif not on and quantity in self._wanted:
            self._wanted.remove(quantity)
        self._start(self._document.project)

    def choose(self, quantities: Sequence[Quantity]) -> None:
        """Show these quantities."""
        self._wanted = list(quantities)
        self.refresh(again=True)

    def clear(self) -> None:
        """Take all quantities off the plot."""
        with QSignalBlocker(self.list):
            for i in range(self.list.count()):
                self.list.item(i).setCheckState(Qt.CheckState.Unchecked)
        self._wanted = []
        self._start(self._document.project)

    def add_ratio(self) -> None:
        """Add the ratio of the two chosen quantities."""
        chosen = [item.data(QUANTITY) for item in self.list.selectedItems()]
        if len(chosen) != 2:
            chosen = self._wanted if len(self._wanted) == 2 else chosen
        if len(chosen) != 2:
            self.note.setText("Choose two quantities in the list first (Ctrl+click).")
            return
        try:
            made = trends.ratio_of(*chosen)
        except SodaliteError as error:
            self.note.setText(str(error))
            return
        if made not in self._ratios:
            self._ratios.append(made)
        self._wanted = [made]
        self.refresh(again=True)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _start(self, project: Project) -> None:
        self._stop()
        points, wanted = self._points, tuple(self._wanted)
        self._task = self._tasks.run(
            lambda progress, cancel: trends.trend(project, points, wanted, progress, cancel), self._show,
            self._failed, quiet=True, title="Trends",
        )

    def _failed(self, error: BaseException) -> None:
        self._task = None
        self.note.setText(str(error))
        if not isinstance(error, SodaliteError):
            raise error

    def _along(self, points: Sequence[Point]) -> Along:
        kind, variable, unit = self.against.currentData() or (NUMBER, "", "")
        if kind == SERIES:
            values = tuple(
                p.value if p.value is not None and (p.variable, p.unit) == (variable, unit) else float("nan")
                for p in points
            )
            name = (variable or "level").capitalize()
            return Along(f"{name} ({unit})" if unit else name, values)
        if kind == NUMBER:
            return Along("Number", tuple(float(p.number) for p in points), joined=False)
        names = list(dict.fromkeys(p.name for p in points))
        return Along("", tuple(float(names.index(p.name)) for p in points),
                     tuple(p.name for p in points) if len(names) == len(points) else (), joined=False)

    def _show(self, trend: Trend) -> None:
        self._task = None
        self.trend = trend
        left_out = self.plot.show_trend(trend, self._along(trend.points))
        series = (self.against.currentData() or ("",))[0] == SERIES
        flagged = sum(any(r.flag and (series or not r.absent) for r in row) for row in trend.readings)
        words = []
        if left_out:
            words.append(f"Not drawn, there are two axes: {', '.join(left_out)}")
        if flagged:
            words.append("1 point with a remark" if flagged == 1 else f"{flagged} points with a remark")
        self.note.setText("   ".join(words))
        flags = dict.fromkeys(f"{p.title}: {r.flag}" for p, row in zip(trend.points, trend.readings, strict=True)
                              for r in row if r.flag)
        self.note.setToolTip("\n".join(list(flags)[:30]))
        self.table.set_rows(*_table(trend))

    def _recolour(self) -> None:
        self.plot.recolour()
        colours = themes.current()
        self.list.setStyleSheet(
            f"QListWidget::indicator:unchecked {{ border: 1px solid {colours.border_strong}; border-radius: 3px; "
            f"background: {colours.sunken}; }}"
        )

    def copy(self) -> None:
        """The table as text, or the plot as a picture."""
        if self.body.currentIndex() == 1:
            self.table.copy()
        else:
            QGuiApplication.clipboard().setPixmap(self.plot.grab())


def _role(reading: Reading) -> str:
    return "" if not reading.flag else "faint" if reading.absent else "warning"


def _table(trend: Trend) -> tuple[list[list[Cell]], list[Column]]:
    """Rows and columns for the screen."""
    series = any(p.value is not None for p in trend.points)
    first = next((p for p in trend.points if p.value is not None), None)
    columns = [Column("No.", True), Column("Sample")]
    if series and first is not None:
        columns.append(Column(f"{first.variable.capitalize() or 'Level'} ({first.unit})" if first.unit
                              else first.variable.capitalize() or "Level", True))
    columns += [Column(f"{q.title} ({q.unit})" if q.unit and q.unit not in q.title else q.title, True)
                for q in trend.quantities]
    columns.append(Column("Remarks"))
    rows = []
    for point, readings in zip(trend.points, trend.readings, strict=True):
        row = [Cell(str(point.number)), Cell(point.name, point.file)]
        if series:
            row.append(Cell("" if point.value is None else f"{point.value:.6g}"))
        row += [Cell(number_text(r), r.flag, _role(r)) for r in readings]
        remarks = "; ".join(dict.fromkeys(r.flag for r in readings if r.flag))
        row.append(Cell(remarks, remarks, "muted"))
        rows.append(row)
    return rows, columns
