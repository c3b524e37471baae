"""The list of places of an image: all pixels, the pixel under the cursor, and the shapes with their pixel counts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem, QWidget

from app.gui.theme import ROW
from app.numerals import grouped
from fitting.image.place import ALL, Place

NAME, COUNT = 0, 1
KEY = Qt.ItemDataRole.UserRole


@dataclass(frozen=True)
class PlaceRow:
    """One row: the place, its name, how many pixels it has, its colour ("" for none)."""

    place: Place
    name: str
    pixels: int
    colour: str = ""


class PlacesList(QTreeWidget):
    """Chooses which pixels the plot shows.

    Signals
    -------
    place_wanted(Place)
    renamed(str, str)
        Id of a shape and its new name.
    remove_wanted(str)
    chosen_changed()
        Other rows are chosen.
    """

    place_wanted = Signal(object)
    renamed = Signal(str, str)
    remove_wanted = Signal(str)
    chosen_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Places")
        self.setAccessibleDescription("Choose which pixels the plot shows; F2 renames a shape, Delete removes it")
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setIndentation(0)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked | QAbstractItemView.EditTrigger.EditKeyPressed)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setIconSize(QSize(12, 12))
        self.setMinimumHeight(3 * ROW)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(COUNT, QHeaderView.ResizeMode.ResizeToContents)
        self._filling = False
        self._rows: tuple[PlaceRow, ...] = ()
        self.currentItemChanged.connect(self._current)
        self.itemClicked.connect(lambda item, _: self._take(item))
        self.itemSelectionChanged.connect(self._selected)
        self.itemChanged.connect(self._edited)

    def set_rows(self, rows: tuple[PlaceRow, ...], shown: Place) -> None:
        """Show these places; `shown` is the current one."""
        chosen = {str(place) for place in self.chosen()}
        self._filling = True
        if [r.place for r in rows] != [r.place for r in self._rows] or not self.topLevelItemCount():
            self.clear()
            for row in rows:
                item = QTreeWidgetItem(self)
                item.setSizeHint(NAME, QSize(0, ROW))
                item.setTextAlignment(COUNT, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                if row.place.roi:
                    item.setFlags(item.flags() | Qt.ItemFlag.ItemIsEditable)
                item.setSelected(len(chosen) > 1 and str(row.place) in chosen)
        for number, row in enumerate(rows):
            self._dress(number, row)
        self._rows = rows
        self._filling = False
        self.show_current(shown)

    def _dress(self, number: int, row: PlaceRow) -> None:
        item = self.topLevelItem(number)
        assert item is not None
        item.setText(NAME, row.name)
        words = grouped(row.pixels, 0)
        item.setText(COUNT, words)
        item.setToolTip(NAME, row.name)
        item.setData(NAME, KEY, str(row.place))
        item.setData(NAME, Qt.ItemDataRole.AccessibleTextRole, f"{row.name}, {words} pixels")
        item.setIcon(NAME, swatch(row.colour, self.devicePixelRatioF()))

    def show_current(self, shown: Place) -> None:
        """Make the row of a place the current one."""
        self._filling = True
        for number, row in enumerate(self._rows):
            item = self.topLevelItem(number)
            if row.place == shown and item is not None and item is not self.currentItem():
                self.setCurrentItem(item)
        self._filling = False

    def chosen(self) -> tuple[Place, ...]:
        """The places of the chosen rows."""
        return tuple(Place.parse(item.data(NAME, KEY)) for item in self.selectedItems())

    def rows(self) -> tuple[PlaceRow, ...]:
        """All rows."""
        return self._rows

    def _current(self, item: QTreeWidgetItem | None, _: object) -> None:
        if item is not None:
            self._take(item)

    def _take(self, item: QTreeWidgetItem) -> None:
        if not self._filling:
            self.place_wanted.emit(Place.parse(item.data(NAME, KEY)))

    def _selected(self) -> None:
        if not self._filling:
            self.chosen_changed.emit()

    def _edited(self, item: QTreeWidgetItem, column: int) -> None:
        if self._filling or column != NAME:
            return
        place = Place.parse(item.data(NAME, KEY))
        if place.roi and item.text(NAME).strip():
            self.renamed.emit(place.roi, item.text(NAME).strip())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Delete removes the chosen shape."""
        item = self.currentItem()
        place = Place.parse(item.data(NAME, KEY)) if item is not None else ALL
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace) and place.roi:
            self.remove_wanted.emit(place.roi)
        else:
            super().keyPressEvent(event)


def swatch(colour: str, density: float) -> QIcon:
    """A little square of a colour; a ring for none."""
    pixmap = QPixmap(math.ceil(12 * density), math.ceil(12 * density))
    pixmap.setDevicePixelRatio(density)
    pixmap.fill(QColor(0, 0, 0, 0))
    if colour:
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(colour))
        painter.drawRoundedRect(QRectF(QPointF(1, 1), QPointF(11, 11)), 2.5, 2.5)
        painter.end()
    return QIcon(pixmap)
