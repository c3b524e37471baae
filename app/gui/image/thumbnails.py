"""Small pictures of all maps of an image, grouped by their runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QKeyEvent, QKeySequence, QPainter, QPen, QPixmap, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from app.gui import theme
from app.gui.image.colouring import label, levels, picture
from app.gui.plot.colours import faded, small
from fitting.image.classes import is_classes, shares_in_words
from fitting.image.maps import Map

SIDE, PAD, HEADING = 84, 8, 26
ROOM = 12  # pixels that a card is wider than its picture, for the words
Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, eq=False)
class Thumbnail:
    """One entry of the list: a heading (no map), or a map as it is shown.

    Attributes
    ----------
    name : str
    one : Map or None
    old : bool
        Whether it was computed from other data than the image is now.
    """

    name: str
    one: Map | None = None
    old: bool = False

    @property
    def words(self) -> str:
        """What screen readers and tooltips say."""
        if self.one is None:
            return self.name
        low, high = levels(self.one, self.one.values)
        text = f"{self.one.label}, {label(low, low, high)} to {label(high, low, high)}"
        if is_classes(self.one):
            text = f"{self.one.name}: {shares_in_words(self.one)}"
        text += "\nComputed from other data than the image is now" if self.old else ""
        return f"{text}\n{self.one.origin}" if self.one.origin else text


class ThumbnailModel(QAbstractListModel):
    """Headings and maps for the list."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows: tuple[Thumbnail, ...] = ()

    def set_rows(self, rows: Sequence[Thumbnail]) -> None:
        """Show these."""
        self.beginResetModel()
        self.rows = tuple(rows)
        self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        """Number of rows."""
        return 0 if parent.isValid() else len(self.rows)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Names; pictures are the delegate's."""
        row = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return row.name
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return row.words
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Headings cannot be chosen."""
        if self.rows[index.row()].one is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable


class Thumbnails(QListView):
    """The list.

    Signals
    -------
    map_wanted(str)
        Id of the map that was clicked or reached by keys.
    remove_wanted()
    rename_wanted()
    copy_wanted()
    """

    map_wanted = Signal(str)
    remove_wanted = Signal()
    rename_wanted = Signal()
    copy_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = ThumbnailModel(self)
        self.setModel(self.rows)
        self.setItemDelegate(_Painter(self))
        self.setAccessibleName("Maps of the image")
        self.setFlow(QListView.Flow.LeftToRight)
        self.setWrapping(True)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._quiet = False
        self.selectionModel().currentChanged.connect(self._moved)

    def show_rows(self, rows: Sequence[Thumbnail]) -> None:
        """Show these, keeping what is chosen."""
        chosen, current = self.chosen(), self.current()
        self._quiet = True
        self.rows.set_rows(rows)
        for number, row in enumerate(rows):
            if row.one is None:
                continue
            index = self.rows.index(number)
            if row.one.id == current:
                self.selectionModel().setCurrentIndex(index, self.selectionModel().SelectionFlag.NoUpdate)
            if row.one.id in chosen:
                self.selectionModel().select(index, self.selectionModel().SelectionFlag.Select)
        self._quiet = False

    def chosen(self) -> tuple[str, ...]:
        """Ids of the chosen maps, in the order of the list."""
        rows = sorted(index.row() for index in self.selectionModel().selectedIndexes())
        return tuple(one.id for one in (self.rows.rows[row].one for row in rows) if one is not None)

    def current(self) -> str:
        """Id of the current map; "" for none."""
        row = self.currentIndex().row()
        one = self.rows.rows[row].one if 0 <= row < len(self.rows.rows) else None
        return one.id if one is not None else ""

    def choose(self, ids: Iterable[str], current: str = "") -> None:
        """Choose maps without telling."""
        wanted = set(ids)
        self._quiet = True
        flags = self.selectionModel().SelectionFlag
        self.selectionModel().clearSelection()
        for number, row in enumerate(self.rows.rows):
            if row.one is not None and row.one.id in wanted:
                self.selectionModel().select(self.rows.index(number), flags.Select)
                if row.one.id == current or (not current and number == 0):
                    self.selectionModel().setCurrentIndex(self.rows.index(number), flags.NoUpdate)
                    self.scrollTo(self.rows.index(number))
        self._quiet = False

    def _moved(self, index: QModelIndex, before: QModelIndex) -> None:
        row = index.row()
        one = self.rows.rows[row].one if 0 <= row < len(self.rows.rows) else None
        if one is not None and not self._quiet:
            self.map_wanted.emit(one.id)

    def mouseReleaseEvent(self, event: Any) -> None:
        """A click on the current map shows it again."""
        super().mouseReleaseEvent(event)
        if event.button() == Qt.MouseButton.LeftButton and self.indexAt(event.position().toPoint()).isValid():
            current = self.current()
            if current:
                self.map_wanted.emit(current)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete, F2, Ctrl+C."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self.remove_wanted.emit()
        elif event.key() == Qt.Key.Key_F2:
            self.rename_wanted.emit()
        elif event.matches(QKeySequence.StandardKey.Copy):
            self.copy_wanted.emit()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Headings are as wide as the list."""
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()

    def changeEvent(self, event: QEvent) -> None:
        """Other colours, other pictures."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.viewport().update()


class _Painter(QStyledItemDelegate):
    """Paints headings and maps."""

    def __init__(self, view: Thumbnails) -> None:
        super().__init__(view)
        self._view = view
        self._pictures: dict[int, tuple[Map, QPixmap]] = {}

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """A line for headings, a card for maps."""
        if self._view.rows.rows[index.row()].one is None:
            return QSize(max(self._view.viewport().width() - 2, 40), HEADING)
        return QSize(SIDE + 2 * PAD + 2 * ROOM, SIDE + 2 * PAD + 2 * (option.fontMetrics.height() + 1))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw."""
        row, colours = self._view.rows.rows[index.row()], theme.current()
        painter.save()
        box = option.rect
        if row.one is None:
            font = QFont(option.font)
            font.setWeight(QFont.Weight.DemiBold)
            painter.setFont(font)
            painter.setPen(QColor(colours.muted))
            painter.drawText(box.adjusted(PAD, 0, -PAD, 0), Qt.AlignmentFlag.AlignVCenter, row.name)
            painter.restore()
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        over = bool(option.state & QStyle.StateFlag.State_MouseOver)
        if chosen or over:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(colours.selected if chosen else colours.hover))
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 6, 6)
        self._picture(painter, row, QRect(box.left() + PAD + ROOM, box.top() + PAD, SIDE, SIDE))
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(2, 2, -2, -2), 6, 6)
        self._words(painter, option, row, box)
        painter.restore()

    def _picture(self, painter: QPainter, row: Thumbnail, place: QRect) -> None:
        assert row.one is not None
        colours = theme.current()
        picture = self._pixmap(row.one)
        size = picture.size().scaled(place.size(), Qt.AspectRatioMode.KeepAspectRatio)
        corner = QPoint(place.left() + (SIDE - size.width()) // 2, place.top() + (SIDE - size.height()) // 2)
        target = QRect(corner, size)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, picture.width() > 2 * SIDE)
        painter.fillRect(target, QColor(colours.sunken))
        painter.drawPixmap(target, picture)
        painter.setPen(QColor(colours.border_strong))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(target.adjusted(0, 0, -1, -1))
        if row.old:
            painter.setPen(QPen(QColor(colours.paper), 1.5))
            painter.setBrush(QColor(colours.warning))
            painter.drawEllipse(QPoint(place.right() - 5, place.top() + 5), 6, 6)

    def _pixmap(self, one: Map) -> QPixmap:
        key = id(one)
        known = self._pictures.get(key)
        if known is None or known[0] is not one:
            values = one.values
            if values.ndim != 2:  # a series: a strip of bars
                values = values.reshape(1, -1).repeat(max(values.size // 2, 1), 0)
            low, high = levels(one, values)
            if len(self._pictures) > 200:
                self._pictures.clear()
            known = (one, QPixmap.fromImage(picture(one, values, low, high, "viridis")))
            self._pictures[key] = known
        return known[1]

    def _words(self, painter: QPainter, option: QStyleOptionViewItem, row: Thumbnail, box: QRect) -> None:
        assert row.one is not None
        colours, one = theme.current(), row.one
        high = option.fontMetrics.height() + 1
        line = QRect(box.left() + 5, box.top() + 2 * PAD + SIDE - 3, box.width() - 10, high)
        painter.setPen(QColor(colours.warning if row.old else colours.text))
        painter.setFont(option.font)
        name = option.fontMetrics.elidedText(row.name, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter, name)
        painter.setFont(small(option.font))
        painter.setPen(faded(colours.muted, 1.0))
        low, top = levels(one, one.values)
        words = f"{_compact(low, low, top)} – {_compact(top, low, top)}"
        if is_classes(one):
            words = painter.fontMetrics().elidedText(shares_in_words(one), Qt.TextElideMode.ElideRight, line.width())
        elif painter.fontMetrics().horizontalAdvance(f"{words} {one.unit}") <= line.width():
            words = f"{words} {one.unit}".strip()
        painter.drawText(line.translated(0, high - 1), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignVCenter,
                         words)


def _compact(value: float, low: float, high: float) -> str:
    """A number in a few characters: 502 k, 1.02 M."""
    size = max(abs(low), abs(high))
    for least, divisor, letter in ((1e6, 1e6, "M"), (1e4, 1e3, "k")):
        if size >= least:
            return f"{value / divisor:.3g} {letter}".replace("-", "−") if value else "0"
    return label(value, low, high)
