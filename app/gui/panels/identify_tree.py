"""The elements of a survey as a tree: a row an element, below it its lines with what was expected and found."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.gui import theme
from app.numerals import grouped
from fitting.xps.identify.candidates import Identification
from fitting.xps.identify.evidence import ElementEvidence, LineEvidence
from libraries.elements import element_name

HEADS = ("Element", "Verdict", "≈ at.%", "Line / eV", "Peak / eV", "Ratio")
TIPS = (
    "Open a row to see its lines",
    "Found: at least two lines, or one that nothing else explains. Possible: thin evidence, or another element "
    "explains the same peak",
    "Rough, from survey areas",
    "Tabulated binding energy, with the shift of the survey",
    "Position of the peak",
    "Measured over expected area",
)
WIDTHS = (108, 148, 58, 72, 74, 54)
KEPT = {"found": ("found",), "likely": ("found", "possible"), "all": ("found", "possible", "not determined")}
OTHERS = "Other peaks"
_ROLE = Qt.ItemDataRole.UserRole
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class IdentifyTree(QTreeWidget):
    """Elements, lines and left-over peaks.

    Signals
    -------
    element_chosen(str)
        Symbol of the element that the user moved to; "" for a row that belongs to none.
    """

    element_chosen = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Elements with their evidence")
        self.setHeaderLabels(HEADS)
        self.setUniformRowHeights(True)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setIndentation(14)
        self.setMinimumHeight(300)
        header = self.header()
        header.setStretchLastSection(False)
        header.setMinimumSectionSize(40)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        for column, (width, tip) in enumerate(zip(WIDTHS, TIPS, strict=True)):
            self.setColumnWidth(column, width)
            self.headerItem().setToolTip(column, tip)
            if column > 1:
                self.headerItem().setTextAlignment(column, _RIGHT)
        self.currentItemChanged.connect(self._moved)

    def show_result(self, found: Identification | None, kept: str) -> None:
        """Show a result; `kept` is a key of `KEPT`."""
        self.blockSignals(True)
        self.clear()
        for item in found.elements if found is not None else ():
            if item.verdict in KEPT[kept]:
                self.addTopLevelItem(_element_row(item))
        if found is not None and found.others:
            others = _others_row(found)
            self.addTopLevelItem(others)
            for i in range(others.childCount()):
                others.child(i).setFirstColumnSpanned(True)
        self.blockSignals(False)

    def shown(self) -> tuple[str, ...]:
        """Symbols of the rows."""
        items = (self.topLevelItem(i) for i in range(self.topLevelItemCount()))
        return tuple(symbol for item in items if (symbol := item.data(0, _ROLE)))

    def _moved(self, current: QTreeWidgetItem | None, _: QTreeWidgetItem | None) -> None:
        top = current
        while top is not None and top.parent() is not None:
            top = top.parent()
        self.element_chosen.emit((top.data(0, _ROLE) or "") if top is not None else "")

    def text(self) -> str:
        """All rows as text with tabs, lines below their elements."""
        rows = ["\t".join(HEADS)]

        def add(item: QTreeWidgetItem) -> None:
            rows.append("\t".join(item.text(column) for column in range(len(HEADS))))
            for i in range(item.childCount()):
                add(item.child(i))

        for i in range(self.topLevelItemCount()):
            add(self.topLevelItem(i))
        return "\n".join(rows) + "\n"

    def copy_text(self) -> None:
        """Copy as text; the window's copy command calls it as well."""
        QGuiApplication.clipboard().setText(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy_text()
        else:
            super().keyPressEvent(event)


def _element_row(item: ElementEvidence) -> QTreeWidgetItem:
    percent = "" if item.at_percent is None else grouped(item.at_percent, 1 if item.at_percent >= 1 else 2)
    first = item.strongest
    expected, found = (first.expected, first.found) if first is not None else (None, None)
    row = _row((item.element, item.verdict, percent, _energy(expected), _energy(found), ""))
    colours = theme.current()
    role = {"found": colours.good, "possible": colours.warning}.get(item.verdict, colours.muted)
    row.setForeground(1, QColor(role))
    row.setToolTip(0, element_name(item.element))
    row.setToolTip(1, f"{item.main}: {item.reason}")
    row.setData(0, _ROLE, item.element)
    for line in item.lines:
        if line.status != "too weak" or line.kind == "core":
            row.addChild(_line_row(line))
    return row


def _line_row(line: LineEvidence) -> QTreeWidgetItem:
    ratio = "" if line.ratio is None else grouped(line.ratio, 2)
    name = line.line.split(" ", 1)[1]
    row = _row((name, line.words, "", _energy(line.expected), _energy(line.found), ratio))
    colours = theme.current()
    against = line.status in ("missing", "weaker")
    faint = line.status in ("too weak", "hidden", "shared")
    row.setForeground(1, QColor(colours.danger if against else colours.muted if faint else colours.text))
    row.setToolTip(1, line.words)
    return row


def _others_row(found: Identification) -> QTreeWidgetItem:
    count = len(found.unexplained)
    words = f"{count} unexplained" if count else "all explained"
    top = _row((OTHERS, words, "", "", "", ""))
    for item in found.others:
        row = _row((f"{_energy(item.peak.position)} eV   {item.words}", "", "", "", "", ""))
        row.setToolTip(0, item.words)
        if item.kind == "unexplained":
            row.setForeground(0, QColor(theme.current().warning))
        top.addChild(row)
    return top


def _row(texts: Sequence[str]) -> QTreeWidgetItem:
    row = QTreeWidgetItem(list(texts))
    for column in range(2, len(HEADS)):
        row.setTextAlignment(column, _RIGHT)
    return row


def _energy(value: float | None) -> str:
    return "" if value is None else grouped(value, 1)
