"""An image in colours with scale bar and colour bar, under a cursor and shapes."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.gui import theme
from app.gui.image.class_legend import legend_height, paint_legend
from app.gui.image.colouring import bar, bar_length, label, levels, picture, usable
from app.gui.image.place_view import PlaceView
from app.gui.image.scale_bar import paint_scale_bar
from app.gui.plot.colours import small
from fitting.dataset import Axis
from fitting.image.classes import is_classes
from fitting.image.maps import Map

MARGIN, BAR, GAP = 10.0, 10.0, 6.0
MOST_ZOOM = 40.0
LENGTHS = {"nm", "µm", "um", "Å", "A", "mm", "m", "pm"}


class ImageView(PlaceView):
    """An image of (rows, columns) pixels."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Image")
        self.setAccessibleDescription(
            "Where on the image the spectrum comes from. Arrow keys move the cursor, Shift in steps of ten; a chosen "
            "shape is moved by arrow keys and resized with Shift, Delete removes it, Escape shows all pixels. "
            "The wheel zooms."
        )
        self.map: Map | None = None
        self.colours, self.full, self.hide_flagged = "viridis", False, False
        self._image: QImage | None = None
        self._levels = (0.0, 1.0)
        self._aspect = 1.0  # height of a pixel over its width
        self._pixel_size: tuple[float, str] = (0.0, "")
        self._zoom, self._centre = 1.0, (0.5, 0.5)  # centre as a part of the image

    def set_axes(self, rows: Axis, columns: Axis) -> None:
        """Size of the pixels, for their aspect and for the scale bar."""
        shape = (len(rows), len(columns))
        if shape != self.shape:
            self._zoom, self._centre = 1.0, (0.5, 0.5)
        self.shape = shape
        same = rows.unit == columns.unit and rows.step > 0 and columns.step > 0
        self._aspect = min(max(rows.step / columns.step, 0.05), 20.0) if same else 1.0
        self._pixel_size = (columns.step, columns.unit if columns.unit in LENGTHS else "")
        self.update()

    def set_map(self, one: Map | None) -> None:
        """Show these numbers."""
        self.map = one
        self.dress()

    def set_look(self, colours: str, full: bool, hide_flagged: bool) -> None:
        """Colour map; limits at the least and largest value; flagged pixels left out."""
        self.colours, self.full, self.hide_flagged = colours, full, hide_flagged
        self.dress()

    def dress(self) -> None:
        """Make the colours anew."""
        if self.map is None or self.map.values.shape != self.shape:
            self._image = None
        else:
            values = usable(self.map, self.hide_flagged)
            self._levels = levels(self.map, values, self.full)
            self._image = picture(self.map, values, *self._levels, self.colours)
        self.update()

    @property
    def levels(self) -> tuple[float, float]:
        """The values at the ends of the colour bar."""
        return self._levels

    # -- geometry -----------------------------------------------------------------------------------------------

    def _below(self, width: int) -> float:
        """Room for the colour bar, or for the words of classes."""
        if self.map is not None and is_classes(self.map):
            return GAP + 4 + legend_height(self.map, small(self.font()), width - 2 * MARGIN)
        return BAR + GAP + self.fontMetrics().height() + 8

    def _room(self) -> QRectF:
        below = self._below(self.width())
        return QRectF(MARGIN, GAP, max(self.width() - 2 * MARGIN, 10.0), max(self.height() - GAP - below, 10.0))

    def wanted_height(self, width: int) -> int:
        rows, columns = self.shape
        high = (width - 2 * MARGIN) / columns * rows * self._aspect
        return max(round(high + GAP + self._below(width)) + 1, 120)

    def frame(self) -> QRectF:
        room = self._room()
        rows, columns = self.shape
        wide = min(room.width(), room.height() / (rows * self._aspect) * columns)
        high = wide / columns * rows * self._aspect
        return QRectF(room.left() + (room.width() - wide) / 2, room.top(), wide, high)

    def _seen(self) -> QRectF:
        """The part of the image that is in the frame, in its pixels."""
        rows, columns = self.shape
        wide, high = columns / self._zoom, rows / self._zoom
        return QRectF(self._centre[0] * columns - wide / 2, self._centre[1] * rows - high / 2, wide, high)

    def to_screen(self, column: float, row: float) -> QPointF:
        frame, seen = self.frame(), self._seen()
        return QPointF(
            frame.left() + (column - seen.left()) / seen.width() * frame.width(),
            frame.top() + (row - seen.top()) / seen.height() * frame.height(),
        )

    def to_image(self, point: QPointF) -> tuple[float, float]:
        frame, seen = self.frame(), self._seen()
        return (
            seen.left() + (point.x() - frame.left()) / frame.width() * seen.width(),
            seen.top() + (point.y() - frame.top()) / frame.height() * seen.height(),
        )

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the pointer."""
        delta = event.angleDelta().y()
        if not delta:
            return
        before = self.to_image(event.position())
        self._zoom = min(max(self._zoom * 1.2 ** (delta / 120), 1.0), MOST_ZOOM)
        after = self.to_image(event.position())
        rows, columns = self.shape
        half = 0.5 / self._zoom
        self._centre = (
            min(max(self._centre[0] + (before[0] - after[0]) / columns, half), 1 - half),
            min(max(self._centre[1] + (before[1] - after[1]) / rows, half), 1 - half),
        )
        event.accept()
        self.update()

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Image, shapes, cursor, scale bar, colour bar."""
        painter = QPainter(self)
        colours, frame = theme.current(), self.frame()
        painter.fillRect(frame, QColor(colours.sunken))
        painter.fillRect(frame, Qt.BrushStyle.BDiagPattern)  # seen where there is no value
        painter.fillRect(frame, _soft(colours.sunken))
        if self._image is not None:
            painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
            painter.drawImage(frame, self._image, self._seen())
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.drawRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.save()
        painter.setClipRect(frame)
        self.paint_places(painter)
        painter.restore()
        self._paint_scale(painter, frame)
        if self._image is not None:
            self._paint_bar(painter, frame)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.adjusted(-1.5, -1.5, 1.5, 1.5))
        painter.end()

    def paint_cursor(self, painter: QPainter) -> None:
        pixel = self.cursor_pixel
        if pixel is None:
            return
        row, column = pixel
        box, frame = QRectF(self.to_screen(column, row), self.to_screen(column + 1, row + 1)), self.frame()
        middle = box.center()
        if box.width() < 5:
            box = QRectF(middle.x() - 2.5, middle.y() - 2.5, 5, 5)
        lines = (
            (QPointF(frame.left(), middle.y()), QPointF(box.left(), middle.y())),
            (QPointF(box.right(), middle.y()), QPointF(frame.right(), middle.y())),
            (QPointF(middle.x(), frame.top()), QPointF(middle.x(), box.top())),
            (QPointF(middle.x(), box.bottom()), QPointF(middle.x(), frame.bottom())),
        )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for colour, width in ((QColor(0, 0, 0, 170), 3), (QColor("#ffffff"), 1)):
            painter.setPen(QPen(colour, width))
            for a, b in lines:
                painter.drawLine(a, b)
            painter.drawRect(box)

    def _paint_scale(self, painter: QPainter, frame: QRectF) -> None:
        """A bar of a round length in the lower left corner of the image."""
        step, unit = self._pixel_size
        if not unit or step <= 0:
            return
        seen = self._seen()
        length = bar_length(0.35 * seen.width() * step)
        wide = length / step / seen.width() * frame.width()
        paint_scale_bar(painter, frame, wide, f"{length:g} {unit}", self.font())

    def _paint_bar(self, painter: QPainter, frame: QRectF) -> None:
        """The colours under the image, with the values at their ends or the words of classes."""
        assert self.map is not None
        colours = theme.current()
        if is_classes(self.map):
            painter.setFont(small(self.font()))
            room = QRectF(MARGIN, frame.bottom() + GAP + 2, self.width() - 2 * MARGIN, self.height())
            paint_legend(painter, self.map, room, QColor(colours.text))
            return
        line = QRectF(frame.left(), frame.bottom() + GAP + 2, frame.width(), BAR)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(line, bar(self.colours))
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(line)
        painter.setFont(small(self.font()))
        painter.setPen(QColor(colours.muted))
        words = QRectF(line.left() - 4, line.bottom() + 3, line.width() + 8, painter.fontMetrics().height())
        low, high = self._levels
        side = Qt.AlignmentFlag
        painter.drawText(words, side.AlignLeft | side.AlignVCenter, label(low, low, high))
        painter.drawText(words, side.AlignRight | side.AlignVCenter, label(high, low, high))
        painter.drawText(words, side.AlignCenter, self.map.unit)

    def value_at(self, row: int, column: int) -> float:
        """The number of the image at a pixel; NaN where there is none."""
        if self.map is None or self.map.values.shape != self.shape:
            return float("nan")
        return float(np.asarray(self.map.values)[row, column])


def _soft(colour: str) -> QColor:
    result = QColor(colour)
    result.setAlphaF(0.72)
    return result
