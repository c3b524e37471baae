"""A table of texts that copies as text: the results at the bottom of the window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QFont, QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.gui import theme as themes
from app.gui.theme import ROW

EXTRA, LAST = 6, 72  # pixels between columns, and the least width of the last one
Index = QModelIndex | QPersistentModelIndex
RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter


@dataclass(frozen=True)
class Cell:
    """A cell: what is shown, its tooltip, its colour role and weight."""

    text: str
    tip: str = ""
    role: str = ""
    bold: bool = False


@dataclass(frozen=True)
class Column:
    """A column: title, whether it holds numbers, tooltip of its title."""

    title: str
    numeric: bool = False
    tip: str = ""


class TableModel(QAbstractTableModel):
    """Cells for a view; the numbers stay in the document."""

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self.rows: tuple[tuple[Cell, ...], ...] = ()

    def set_rows(self, rows: Sequence[Sequence[Cell]], columns: Sequence[Column] | None = None) -> None:
        """Show these rows."""
        self.beginResetModel()
        self.rows = tuple(tuple(row) for row in rows)
        if columns is not None:
            self.columns = tuple(columns)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        cell = self.rows[index.row()][index.column()]
        if role == Qt.ItemDataRole.DisplayRole:
            return cell.text
        if role == Qt.ItemDataRole.ToolTipRole:
            return cell.tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if self.columns[index.column()].numeric else LEFT
        if role == Qt.ItemDataRole.ForegroundRole and cell.role:
            return QColor(getattr(themes.current(), cell.role))
        if role == Qt.ItemDataRole.FontRole and cell.bold:
            font = QFont(QGuiApplication.font())
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Qt.ItemDataRole.DisplayRole:
            return column.title
        if role == Qt.ItemDataRole.ToolTipRole:
            return column.tip or None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return RIGHT if column.numeric else LEFT
        return None


class TableView(QTableView):
    """A table that copies as text for spreadsheets: the chosen rows, or all of them, with the titles."""

    def __init__(self, name: str, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName(name.lower().replace(" ", "_"))
        self.setAccessibleName(name)
        self.table = TableModel(columns, self)
        self.setModel(self.table)
        self.setShowGrid(False)
        self.setFrameShape(QTableView.Shape.NoFrame)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.verticalHeader().setMinimumSectionSize(ROW - 2)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setStretchLastSection(True)
        header.setMinimumSectionSize(48)

    def set_rows(self, rows: Sequence[Sequence[Cell]], columns: Sequence[Column] | None = None) -> None:
        """Show these rows; columns become as wide as they need."""
        self.table.set_rows(rows, columns)
        self.resizeColumnsToContents()
        for section in range(len(self.table.columns) - 1):
            self.setColumnWidth(section, self.columnWidth(section) + EXTRA)
        # The last column takes what is left, and never makes the table scroll.
        self.setColumnWidth(len(self.table.columns) - 1, LAST)

    def text(self) -> str:
        """The chosen rows (all where fewer than two are chosen) as text with tabs, titles first."""
        chosen = sorted({index.row() for index in self.selectionModel().selectedRows()})
        rows = [self.table.rows[i] for i in chosen] if len(chosen) > 1 else list(self.table.rows)
        lines = ["\t".join(column.title for column in self.table.columns)]
        lines += ["\t".join(cell.text for cell in row) for row in rows]
        return "\n".join(lines) + "\n"

    def copy(self) -> None:
        """Copy as text."""
        QGuiApplication.clipboard().setText(self.text())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy copies."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self.copy()
        else:
            super().keyPressEvent(event)
