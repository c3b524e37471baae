"""Tables: rows of cells that are brought up to date in place, and a view that copies as text for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon, QKeyEvent, QKeySequence, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView, QWidget

from app.gui.theme import ROW

Index = QModelIndex | QPersistentModelIndex
Roles = Qt.ItemDataRole


@dataclass(frozen=True)
class Column:
    """A column: heading, what it holds, whether it holds numbers."""

    title: str
    tooltip: str = ""
    number: bool = False


@dataclass(frozen=True)
class Cell:
    """What one cell shows.

    Attributes
    ----------
    text : str
    edit : str or None
        Text to start editing from; None for a cell that cannot be edited.
    tooltip : str
    checked : bool or None
        State of its checkbox; None for none.
    swatch : str
        Colour of a small square before the text; "" for none.
    muted : bool
    choices : tuple of str
        Texts to choose from instead of typing.
    """

    text: str
    edit: str | None = None
    tooltip: str = ""
    checked: bool | None = None
    swatch: str = ""
    muted: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Row:
    """Cells with the key by which the rest of the program knows them."""

    key: str
    cells: tuple[Cell, ...]


class RowsModel(QAbstractTableModel):
    """Rows for a view; edits are told and not kept: the document changes, and new rows come back.

    Signals
    -------
    edited(str, int, str)
        Key of the row, column, typed text.
    toggled(str, int, bool)
        Key of the row, column, wanted state of the checkbox.
    """

    edited = Signal(str, int, str)
    toggled = Signal(str, int, bool)

    def __init__(self, columns: Sequence[Column], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._rows: tuple[Row, ...] = ()
        self.muted = QColor("#888888")

    def set_rows(self, rows: Sequence[Row]) -> None:
        """Show these rows; where keys are the same only the changed cells are told, so that editors stay open."""
        old, new = self._rows, tuple(rows)
        if [row.key for row in old] != [row.key for row in new]:
            self.beginResetModel()
            self._rows = new
            self.endResetModel()
            return
        self._rows = new
        changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        if changed:
            last = len(self.columns) - 1
            self.dataChanged.emit(self.index(changed[0], 0), self.index(changed[-1], last))

    def key(self, row: int) -> str | None:
        """Key of a row."""
        return self._rows[row].key if 0 <= row < len(self._rows) else None

    def row_of(self, key: str | None) -> int:
        """Number of the row with that key, -1 for none."""
        return next((i for i, row in enumerate(self._rows) if row.key == key), -1)

    def cell(self, index: Index) -> Cell:
        """The cell at an index."""
        return self._rows[index.row()].cells[index.column()]

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Number of rows."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Number of columns."""
        return 0 if parent.isValid() else len(self.columns)

    def retitle(self, section: int, title: str) -> None:
        """Give a column another title."""
        if self.columns[section].title != title:
            columns = list(self.columns)
            columns[section] = replace(columns[section], title=title)
            self.columns = tuple(columns)
            self.headerDataChanged.emit(Qt.Orientation.Horizontal, section, section)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Roles.DisplayRole) -> Any:
        """Headings with their explanations."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        column = self.columns[section]
        if role == Roles.DisplayRole:
            return column.title
        if role == Roles.ToolTipRole:
            return column.tooltip or None
        if role == Roles.TextAlignmentRole:
            return _alignment(column)
        return None

    def data(self, index: Index, role: int = Roles.DisplayRole) -> Any:
        """What a cell shows."""
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        cell = self.cell(index)
        if role == Roles.DisplayRole:
            return cell.text
        if role == Roles.EditRole:
            return cell.text if cell.edit is None else cell.edit
        if role == Roles.ToolTipRole:
            return cell.tooltip or None
        if role == Roles.TextAlignmentRole:
            return _alignment(self.columns[index.column()])
        if role == Roles.CheckStateRole and cell.checked is not None:
            return Qt.CheckState.Checked if cell.checked else Qt.CheckState.Unchecked
        if role == Roles.DecorationRole and cell.swatch:
            return swatch_icon(cell.swatch)
        if role == Roles.ForegroundRole and cell.muted:
            return self.muted
        if role == Roles.AccessibleTextRole:
            return f"{self.columns[index.column()].title}: {cell.text}"
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Whether a cell can be edited or ticked."""
        flags = super().flags(index)
        if index.isValid():
            cell = self.cell(index)
            if cell.edit is not None:
                flags |= Qt.ItemFlag.ItemIsEditable
            if cell.checked is not None:
                flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def setData(self, index: Index, value: Any, role: int = Roles.EditRole) -> bool:
        """Tell of a typed text or a ticked box."""
        key = self.key(index.row())
        if key is None:
            return False
        if role == Roles.CheckStateRole:
            self.toggled.emit(key, index.column(), Qt.CheckState(value) == Qt.CheckState.Checked)
            return True
        if role != Roles.EditRole or str(value) == self.cell(index).edit:
            return False
        self.edited.emit(key, index.column(), str(value))
        return True


def _alignment(column: Column) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column.number else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


@lru_cache(maxsize=64)
def swatch_icon(colour: str) -> QIcon:
    """The square as an icon that a selected row does not tint."""
    square, result = swatch(colour), QIcon()
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        result.addPixmap(square, mode)
    return result


def swatch(colour: str) -> QPixmap:
    """A small rounded square."""
    screen = QGuiApplication.primaryScreen()
    ratio = screen.devicePixelRatio() if screen else 1.0
    pixmap = QPixmap(QSize(round(11 * ratio), round(11 * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(colour))
    painter.drawRoundedRect(QRectF(0.5, 0.5, 10, 10), 2.5, 2.5)
    painter.end()
    return pixmap


class RowsView(QTableView):
    """A calm table: whole rows, no grid, Ctrl+C copies the selected rows with headings as tab-separated text.

    Signals
    -------
    current_changed(str)
        Key of the row that the user moved to.
    """

    current_changed = Signal(str)

    def __init__(self, model: RowsModel, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = model
        self.setModel(model)
        self.setAccessibleName(name)
        self.setShowGrid(False)
        self.setAlternatingRowColors(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(
            QAbstractItemView.EditTrigger.DoubleClicked
            | QAbstractItemView.EditTrigger.EditKeyPressed
            | QAbstractItemView.EditTrigger.AnyKeyPressed
        )
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setIconSize(QSize(11, 11))
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setMinimumSectionSize(44)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft)
        self._quiet = False
        self.selectionModel().currentRowChanged.connect(self._moved)

    def set_widths(self, widths: Sequence[int], stretch: int | None = None) -> None:
        """Widths of the columns in pixels, and which one takes the rest."""
        for column, width in enumerate(widths):
            self.setColumnWidth(column, width)
        if stretch is not None:
            self.horizontalHeader().setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

    def fit_columns(self, columns: Sequence[int]) -> None:
        """Columns as wide as what they hold; a width grows at once and shrinks only when it is far too wide."""
        for column in columns:
            needed = self.sizeHintForColumn(column) + 2
            heading = self.horizontalHeader().sectionSizeHint(column)
            width, now = max(needed, heading), self.columnWidth(column)
            if width > now or width < now - 12:
                self.setColumnWidth(column, width)

    def fit_height(self, least: int = 3, most: int = 16) -> None:
        """As high as its rows, so that what stands below follows at once."""
        rows = min(max(self.rows.rowCount(), least), most)
        bar = self.horizontalScrollBar().sizeHint().height()
        height = self.horizontalHeader().sizeHint().height() + ROW * rows + bar + 4
        if self.height() != height or self.minimumHeight() != height:
            self.setFixedHeight(height)

    def show_current(self, key: str | None) -> None:
        """Make a row the current one without telling."""
        row = self.rows.row_of(key)
        if row == self.currentIndex().row() and (row < 0 or self.selectionModel().isRowSelected(row)):
            return
        self._quiet = True
        if row < 0:
            self.clearSelection()
            self.setCurrentIndex(QModelIndex())
        else:
            column = max(self.currentIndex().column(), 0)
            self.setCurrentIndex(self.rows.index(row, column))
        self._quiet = False

    def current_key(self) -> str | None:
        """Key of the current row."""
        return self.rows.key(self.currentIndex().row())

    def _moved(self, current: QModelIndex, before: QModelIndex) -> None:
        key = self.rows.key(current.row())
        if not self._quiet and key is not None:
            self.current_changed.emit(key)

    def text(self) -> str:
        """The selected rows (all, where none is) with headings, tab-separated."""
        chosen = sorted({index.row() for index in self.selectionModel().selectedRows()}) or range(self.rows.rowCount())
        columns = [c for c in range(self.rows.columnCount()) if not self.isColumnHidden(c)]
        lines = ["\t".join(self.rows.columns[c].title for c in columns)]
        for row in chosen:
            cells = (self.rows.cell(self.rows.index(row, c)).text for c in columns)
            lines.append("\t".join(text.replace("\u2009", "").replace("\t", " ") for text in cells))
        return "\n".join(lines) + "\n"

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Copy."""
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.text())
            event.accept()
            return
        super().keyPressEvent(event)
