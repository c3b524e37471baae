"""The block grid: samples or levels as rows, lines as columns; each cell a small picture of its spectrum."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelection,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QWidget,
)

from app.gui import theme as themes
from app.gui.document import Document
from app.gui.panels.base import muted
from app.gui.plot.colours import faded, small
from app.gui.project_tree import State, state_of_entry
from app.gui.tasks import Tasks
from app.project.blocks import Grid, grid, outline
from app.project.project import Entry

Index = QModelIndex | QPersistentModelIndex
CELL = QSize(118, 44)
EMPTY = "Open spectra to see them side by side: one row a sample or level, one column a line."
# Pictures of more spectra than this are drawn again rather than kept.
KEPT = 4000
IDS = Qt.ItemDataRole.UserRole


class BlockModel(QAbstractTableModel):
    """The grid of the project; a cell tells the ids of its spectra."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.grid = Grid((), (), {})
        self.entries: dict[str, Entry] = {}

    def show(self, document: Document) -> None:
        """Take the project; rows and columns are made anew only where there are others."""
        project = document.project
        self.entries = {entry.id: entry for entry in project.entries}
        found = grid(project)
        if found != self.grid:
            self.beginResetModel()
            self.grid = found
            self.endResetModel()
        elif found.rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(found.rows) - 1, len(found.columns) - 1))

    def ids(self, index: Index) -> tuple[str, ...]:
        """The spectra of a cell."""
        return self.grid.cells.get((index.row(), index.column()), ())

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.grid.rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.grid.columns)

    def flags(self, index: Index) -> Qt.ItemFlag:
        plain = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable
        return plain if self.ids(index) else Qt.ItemFlag.NoItemFlags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        ids = self.ids(index)
        if not ids:
            return None
        if role == IDS:
            return ids
        entries = [self.entries[id] for id in ids if id in self.entries]
        if role == Qt.ItemDataRole.DisplayRole:
            return ", ".join(f"{entry.title} {state_of_entry(entry).text}".strip() for entry in entries)
        if role == Qt.ItemDataRole.ToolTipRole:
            return "\n".join(
                f"{entry.title}: {state.text}\n{state.tip}".strip()
                for entry in entries for state in (state_of_entry(entry),)
            )
        return None

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal:
            return self.grid.columns[section] if role == Qt.ItemDataRole.DisplayRole else None
        row = self.grid.rows[section]
        if role == Qt.ItemDataRole.DisplayRole:
            before = self.grid.rows[section - 1] if section else None
            if row.value is None:
                return row.name
            # The sample's name stands at its first level only.
            first = before is None or before.sample != row.sample or before.value is None
            return f"{row.name}\n{row.level}" if first else row.level
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{row.name}\n{row.variable} {row.level}".strip()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


class _Pictures(QStyledItemDelegate):
    """Draws a cell: the outline of the spectrum, and the state of its fit below; pictures are kept by content."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._pictures: dict[tuple[object, ...], QPixmap] = {}
        self._outlines: dict[tuple[object, ...], Any] = {}
        self.drawn = 0

    def clear(self) -> None:
        """Forget the pictures (other colours)."""
        self._pictures.clear()

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return CELL

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        model = index.model()
        ids = index.data(IDS) or ()
        rect = option.rect
        colours = themes.current()
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        if chosen:
            painter.fillRect(rect, QColor(colours.selected))
        if not ids or not isinstance(model, BlockModel):
            return
        entry = model.entries.get(ids[0])
        if entry is None:
            return
        picture = self._picture(entry, len(ids), rect.size(), option.widget)
        painter.drawPixmap(rect.topLeft(), picture)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRect(rect.adjusted(1, 1, -2, -2))

    def _picture(self, entry: Entry, count: int, size: QSize, widget: QWidget | None) -> QPixmap:
        state = state_of_entry(entry)
        ratio = widget.devicePixelRatioF() if widget is not None else 1.0
        key = (entry.spectrum.hash, entry.recipe, state.text, state.role, count, size.width(), size.height(), ratio)
        known = self._pictures.get(key)
        if known is None:
            if len(self._pictures) > KEPT:
                self._pictures.clear()
                self._outlines.clear()
            known = self._drawn(entry, state, count, size, ratio, widget)
            self._pictures[key] = known
        return known

    def _drawn(
        self, entry: Entry, state: State, count: int, size: QSize, ratio: float, widget: QWidget | None
    ) -> QPixmap:
        self.drawn += 1
        colours = themes.current()
        picture = QPixmap(size * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        key = (entry.spectrum.hash, entry.recipe)
        values = self._outlines.get(key)
        if values is None:
            values = self._outlines[key] = outline(entry)
        if widget is not None:
            painter.setFont(small(widget.font()))
        line = painter.fontMetrics().height()
        area = QRectF(7, 5, size.width() - 14, size.height() - line - 7)
        if len(values) > 1:
            step = area.width() / (len(values) - 1)
            curve = QPolygonF(
                [QPointF(area.left() + i * step, area.bottom() - v * area.height()) for i, v in enumerate(values)]
            )
            filled = QPolygonF(curve)
            filled.append(QPointF(area.right(), area.bottom()))
            filled.append(QPointF(area.left(), area.bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(faded(colours.accent if entry.fits else colours.muted, 0.14))
            painter.drawPolygon(filled)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent if entry.fits else colours.muted), 1.2))
            painter.drawPolyline(curve)
        painter.setPen(QColor(getattr(colours, state.role)))
        place = QRectF(7, size.height() - line - 2, size.width() - 14, line)
        words = state.text if count == 1 else f"{state.text}  ({count})"
        painter.drawText(place, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter,
                         painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(place.width())))
        painter.end()
        return picture


class BlockTable(QTableView):
    """The grid on the screen; chosen cells are the document's chosen spectra.

    Signals
    -------
    remove_wanted()
        Delete was pressed.
    """

    remove_wanted = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete asks for the removal of the chosen spectra."""
        if event.key() == Qt.Key.Key_Delete:
            self.remove_wanted.emit()
        else:
            super().keyPressEvent(event)


class BlocksPage(QWidget):
    """The block grid: samples or levels as rows, lines as columns.

    Signals
    -------
    menu_wanted(QPoint)
        A context menu at that place of the screen, for the cells that are chosen now.
    remove_wanted()
        Delete was pressed.
    """

    menu_wanted = Signal(QPoint)
    remove_wanted = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self._filling, self._behind = False, True
        self.setAccessibleName("Blocks")
        self.model = BlockModel(self)
        self.pictures = _Pictures(self)
        self.table = BlockTable()
        self.table.setObjectName("blocks")
        self.table.setAccessibleName("Blocks")
        self.table.setModel(self.model)
        self.table.setItemDelegate(self.pictures)
        self.table.setFrameShape(QTableView.Shape.NoFrame)
        self.table.setShowGrid(False)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.table.setTabKeyNavigation(False)
        self.table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._size_headers()
        self.why = muted(EMPTY)
        self.why.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.why.setAccessibleName("Why there are no blocks")
        self._pages = QStackedLayout(self)
        self._pages.addWidget(self.why)
        self._pages.addWidget(self.table)
        self.setFocusProxy(self.table)
        self.table.customContextMenuRequested.connect(self._menu)
        self.table.remove_wanted.connect(self.remove_wanted)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._take_chosen())
        self.table.selectionModel().currentChanged.connect(lambda *_: self._take_chosen())
        document.project_changed.connect(self.refresh)
        document.selection_changed.connect(self._show_chosen)
        document.chosen_changed.connect(self._show_chosen)
        themes.changes().changed.connect(self._recolour)

    def _size_headers(self) -> None:
        down, across = self.table.verticalHeader(), self.table.horizontalHeader()
        down.setDefaultSectionSize(CELL.height())
        down.setMinimumSectionSize(CELL.height())
        down.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        down.setFixedWidth(132)
        down.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        down.setHighlightSections(False)
        down.setSectionsClickable(True)
        across.setDefaultSectionSize(CELL.width())
        across.setHighlightSections(False)
        across.setTextElideMode(Qt.TextElideMode.ElideRight)
        across.setMinimumSectionSize(72)

    # -- following the document ---------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the project; a hidden page waits until it is shown."""
        if not self.isVisible():
            self._behind = True
            return
        self._behind = False
        self._filling = True
        self.model.show(self._document)
        self._filling = False
        self._pages.setCurrentIndex(1 if self.model.grid.rows else 0)
        self._show_chosen()

    def showEvent(self, event: Any) -> None:
        """Catch up with the document."""
        super().showEvent(event)
        if self._behind:
            self.refresh()

    def _recolour(self) -> None:
        self.pictures.clear()
        self.table.viewport().update()

    def _ids(self) -> list[str]:
        return [id for index in self.table.selectionModel().selectedIndexes() for id in self.model.ids(index)]

    def _show_chosen(self) -> None:
        """Mark the cells of the document's chosen spectra."""
        if self._filling or self._behind:
            return
        chosen = set(self._document.chosen)
        shown = self._document.selection.entry
        current = self.table.currentIndex()
        same = set(self._ids()) == chosen
        if same and (not current.isValid() or shown in self.model.ids(current)):
            return
        selection, where = QItemSelection(), None
        for (row, column), ids in self.model.grid.cells.items():
            if chosen & set(ids):
                index = self.model.index(row, column)
                selection.select(index, index)
            if shown in ids:
                where = self.model.index(row, column)
        self._filling = True
        tool = self.table.selectionModel()
        if where is not None:
            tool.setCurrentIndex(where, QItemSelectionModel.SelectionFlag.NoUpdate)
            self.table.scrollTo(where)
        tool.select(selection, QItemSelectionModel.SelectionFlag.ClearAndSelect)
        self._filling = False

    def _take_chosen(self) -> None:
        """The chosen cells become the document's chosen spectra; the current one is shown."""
        if self._filling:
            return
        ids = self._ids()
        current = self.table.currentIndex()
        here = self.model.ids(current) if current.isValid() else ()
        shown = self._document.selection.entry
        entry = shown if shown in here else next((id for id in here if id in ids), None)
        self._filling = True
        self._document.choose(ids, entry)
        self._filling = False

    def _menu(self, place: QPoint) -> None:
        if self.model.ids(self.table.indexAt(place)):
            self.menu_wanted.emit(self.table.viewport().mapToGlobal(place))
