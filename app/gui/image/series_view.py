"""A series of spectra as a curve over its axis, with a movable line and ranges."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.gui import theme
from app.gui.image.class_legend import legend_height, paint_legend
from app.gui.image.colouring import label, limits, usable
from app.gui.image.place_view import PlaceView
from app.gui.plot.colours import small
from fitting.dataset import Axis
from fitting.image.classes import classes, is_classes
from fitting.image.maps import Map

LEFT, RIGHT, TOP = 12.0, 12.0, 10.0


class SeriesView(PlaceView):
    """A value of each spectrum of a series, evenly spaced in their order."""

    series = True

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Series")
        self.setAccessibleDescription(
            "Which spectrum of the series is shown. Arrow keys move the cursor, Shift in steps of ten; a chosen range "
            "is moved by arrow keys and resized with Shift, Delete removes it, Escape shows all spectra."
        )
        self.map: Map | None = None
        self.full, self.hide_flagged = True, False
        self._axis: Axis | None = None

    def sizeHint(self) -> QSize:
        return QSize(300, 190)

    def set_axis(self, axis: Axis) -> None:
        """What the series runs over."""
        self._axis, self.shape = axis, (1, len(axis))
        self.update()

    def set_map(self, one: Map | None) -> None:
        """Show these numbers."""
        self.map = one
        self.update()

    def set_look(self, colours: str, full: bool, hide_flagged: bool) -> None:
        """Flagged spectra left out; colours play no part here."""
        self.hide_flagged = hide_flagged
        self.update()

    @property
    def levels(self) -> tuple[float, float]:
        if self.map is None:
            return (0.0, 1.0)
        return limits(usable(self.map, self.hide_flagged), True)

    # -- geometry -----------------------------------------------------------------------------------------------

    def wanted_height(self, width: int) -> int:
        return 240

    def frame(self) -> QRectF:
        below = 2 * self.fontMetrics().height() + 10
        top = TOP + self.fontMetrics().height()
        if self.map is not None and is_classes(self.map):
            top = TOP + legend_height(self.map, small(self.font()), self.width() - LEFT - RIGHT)
        return QRectF(LEFT, top, max(self.width() - LEFT - RIGHT, 10.0), max(self.height() - top - below, 10.0))

    def to_screen(self, column: float, row: float) -> QPointF:
        frame = self.frame()
        return QPointF(frame.left() + column / self.shape[1] * frame.width(), frame.top() + row * frame.height())

    def to_image(self, point: QPointF) -> tuple[float, float]:
        frame = self.frame()
        return (
            (point.x() - frame.left()) / frame.width() * self.shape[1],
            (point.y() - frame.top()) / frame.height(),
        )

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Curve, ranges, cursor, axis."""
        painter = QPainter(self)
        colours, frame = theme.current(), self.frame()
        painter.fillRect(frame, QColor(colours.paper))
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        painter.drawRect(frame.adjusted(-0.5, -0.5, 0.5, 0.5))
        painter.save()
        painter.setClipRect(frame.adjusted(0, -4, 0, 4))
        self._paint_curve(painter, frame)
        self.paint_places(painter)
        painter.restore()
        self._paint_axis(painter, frame)
        if self.hasFocus():
            painter.setPen(QPen(QColor(colours.accent), 1.5))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(frame.adjusted(-1.5, -1.5, 1.5, 1.5))
        painter.end()

    def _points(self, frame: QRectF) -> list[QPointF]:
        if self.map is None or self.map.values.shape != (self.shape[1],):
            return []
        values = usable(self.map, self.hide_flagged)
        low, high = self.levels
        return [
            QPointF(self.to_screen(i + 0.5, 0).x(), frame.bottom() - (0.08 + 0.84 * (v - low) / (high - low))
                    * frame.height())
            for i, v in enumerate(values.tolist()) if math.isfinite(v)
        ]

    def _paint_curve(self, painter: QPainter, frame: QRectF) -> None:
        points = self._points(frame)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self.map is not None and is_classes(self.map) and points:
            self._paint_classes(painter, frame)
            return
        colour = QColor(theme.current().data)
        painter.setPen(QPen(colour, 1.2))
        painter.drawPolyline(QPolygonF(points))
        if len(points) * 6 < frame.width():
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(colour)
            for point in points:
                painter.drawEllipse(point, 2.4, 2.4)

    def _paint_classes(self, painter: QPainter, frame: QRectF) -> None:
        """A column for each spectrum in the colour of its class."""
        assert self.map is not None
        known = {each.code: QColor(each.colour) for each in classes(self.map)}
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for i, value in enumerate(usable(self.map, self.hide_flagged).tolist()):
            if math.isfinite(value) and round(value) in known:
                left, right = self.to_screen(i, 0).x(), self.to_screen(i + 1, 0).x()
                painter.fillRect(QRectF(left, frame.top(), right - left, frame.height()), known[round(value)])

    def _paint_axis(self, painter: QPainter, frame: QRectF) -> None:
        if self._axis is None:
            return
        painter.setFont(small(self.font()))
        painter.setPen(QColor(theme.current().muted))
        height, side = painter.fontMetrics().height(), Qt.AlignmentFlag
        line = QRectF(frame.left() - 6, frame.bottom() + 3, frame.width() + 12, height)
        first, last = float(self._axis.values[0]), float(self._axis.values[-1])
        painter.drawText(line, side.AlignLeft | side.AlignVCenter, f"{first:g}")
        painter.drawText(line, side.AlignRight | side.AlignVCenter, f"{last:g}")
        painter.drawText(line.translated(0, height), side.AlignCenter, self._axis.label)
        if self.map is not None and self.map.values.shape == (self.shape[1],):
            low, high = self.levels
            if is_classes(self.map):
                room = QRectF(frame.left(), TOP / 2, frame.width(), frame.top())
                paint_legend(painter, self.map, room, QColor(theme.current().text))
                return
            top = QRectF(frame.left(), frame.top() - height - 3, frame.width(), height)
            unit = f" {self.map.unit}" if self.map.unit else ""
            painter.drawText(top, side.AlignLeft | side.AlignVCenter,
                             f"{label(low, low, high)} to {label(high, low, high)}{unit}")

    def paint_cursor(self, painter: QPainter) -> None:
        pixel = self.cursor_pixel
        if pixel is None:
            return
        frame, x = self.frame(), self.to_screen(pixel[1] + 0.5, 0).x()
        painter.setPen(QPen(QColor(theme.current().accent), 2))
        painter.drawLine(QPointF(x, frame.top()), QPointF(x, frame.bottom()))

    def value_at(self, row: int, column: int) -> float:
        """The number at a spectrum of the series; NaN where there is none."""
        if self.map is None or self.map.values.shape != (self.shape[1],):
            return float("nan")
        return float(np.asarray(self.map.values)[column])
