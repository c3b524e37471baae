"""A line on the navigator's image: drawn by hand, moved by its ends and as a whole; its numbers stand in a table."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Literal

from PySide6.QtCore import QEvent, QObject, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPen, QPolygonF

from app.gui import theme
from app.gui.image.image_view import ImageView
from app.gui.plot.colours import faded
from fitting.image.profiles import Line

Part = Literal["start", "end", "all"]
REACH, SHORTEST = 8.0, 1.0  # pixels of the screen, pixels of the image


class LineHandles(QObject):
    """Shows one line on an image and says what the hand does with it; the document keeps it.

    Signals
    -------
    drawn(object, object)
        Start and end of a new line, (column, row).
    changed(object)
        The line, moved; many while the hand moves, then `released`.
    released()
    drawing_changed(bool)
    """

    drawn = Signal(object, object)
    changed = Signal(object)
    released = Signal()
    drawing_changed = Signal(bool)

    def __init__(self, view: ImageView) -> None:
        super().__init__(view)
        self._view = view
        self.line: Line | None = None
        self.drawing = False
        self._aspect = 1.0
        self._from: tuple[float, float] | None = None
        self._to: tuple[float, float] | None = None
        self._held: tuple[Part, Line, tuple[float, float]] | None = None
        view.overlays.append(self.paint)
        view.installEventFilter(self)

    def show_line(self, line: Line | None, aspect: float = 1.0) -> None:
        """Show this line; `aspect` is the height of a pixel over its width, for the strip."""
        if line != self.line or aspect != self._aspect:
            self.line, self._aspect = line, aspect
            self._view.update()

    def set_drawing(self, on: bool) -> None:
        """The next drag over the image draws a line."""
        if on != self.drawing:
            self.drawing, self._from, self._to = on, None, None
            if on:
                self._view.set_tool("")
                self._view.setFocus(Qt.FocusReason.OtherFocusReason)
            self._view.setCursor(Qt.CursorShape.CrossCursor if on else Qt.CursorShape.ArrowCursor)
            self.drawing_changed.emit(on)
            self._view.update()

    # -- events -------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """What is meant for the line does not reach the image."""
        if isinstance(event, QMouseEvent):
            return self._mouse(event)
        if isinstance(event, QKeyEvent) and self.drawing and event.key() == Qt.Key.Key_Escape:
            self.set_drawing(False)
            return True
        return False

    def _mouse(self, event: QMouseEvent) -> bool:
        kind, point = event.type(), event.position()
        left = event.button() == Qt.MouseButton.LeftButton
        if kind == QEvent.Type.MouseButtonPress and left:
            return self._press(point)
        if kind == QEvent.Type.MouseMove:
            return self._move(point)
        if kind == QEvent.Type.MouseButtonRelease and left and (self._from is not None or self._held is not None):
            self._release()
            return True
        return False

    def _press(self, point: QPointF) -> bool:
        at = self._inside(point)
        if self.drawing:
            self._from = self._to = at
            return True
        part = self.grip(point) if not self._view.tool else None
        if part is None or self.line is None:
            return False
        self._held = (part, self.line, at)
        return True

    def _move(self, point: QPointF) -> bool:
        at = self._inside(point)
        if self._from is not None:
            self._to = at
            self._view.update()
            return True
        if self._held is None:
            part = None if self.drawing or self._view.tool else self.grip(point)
            if part is not None:
                self._view.setCursor(Qt.CursorShape.SizeAllCursor if part == "all" else
                                     Qt.CursorShape.PointingHandCursor)
            return part is not None or self.drawing
        part, line, start = self._held
        dx, dy = at[0] - start[0], at[1] - start[1]
        if part == "all":
            new = self._shifted(line, dx, dy)
        else:
            other = line.end if part == "start" else line.start
            far = math.dist(at, other) >= SHORTEST
            new = line if not far else replace(line, start=at) if part == "start" else replace(line, end=at)
        if new != self.line:
            self.changed.emit(new)
        return True

    def _shifted(self, line: Line, dx: float, dy: float) -> Line:
        """The line moved, inside the image."""
        rows, columns = self._view.shape
        xs, ys = (line.start[0], line.end[0]), (line.start[1], line.end[1])
        dx, dy = min(max(dx, -min(xs)), columns - max(xs)), min(max(dy, -min(ys)), rows - max(ys))
        return replace(line, start=(xs[0] + dx, ys[0] + dy), end=(xs[1] + dx, ys[1] + dy))

    def _release(self) -> None:
        begin, end, held = self._from, self._to, self._held
        self._from = self._to = self._held = None
        if held is not None:
            self.released.emit()
        elif begin is not None and end is not None and math.dist(begin, end) >= SHORTEST:
            self.set_drawing(False)
            self.drawn.emit(begin, end)
        self._view.update()

    def _inside(self, point: QPointF) -> tuple[float, float]:
        """The point of the image under a pixel of the screen, to a tenth of a pixel."""
        column, row = self._view.to_image(point)
        rows, columns = self._view.shape
        return round(min(max(column, 0.0), columns), 1), round(min(max(row, 0.0), rows), 1)

    def grip(self, point: QPointF) -> Part | None:
        """The part of the line under a pixel of the screen."""
        if self.line is None:
            return None
        a, b = self._view.to_screen(*self.line.start), self._view.to_screen(*self.line.end)
        for part, place in (("start", a), ("end", b)):
            if math.hypot(place.x() - point.x(), place.y() - point.y()) <= REACH:
                return part  # type: ignore[return-value]
        dx, dy = b.x() - a.x(), b.y() - a.y()
        length = math.hypot(dx, dy)
        if length < 1:
            return None
        along = ((point.x() - a.x()) * dx + (point.y() - a.y()) * dy) / length
        across = abs((point.y() - a.y()) * dx - (point.x() - a.x()) * dy) / length
        return "all" if 0 <= along <= length and across <= 0.6 * REACH else None

    # -- painting -----------------------------------------------------------------------------------------------

    def corners(self, line: Line) -> list[tuple[float, float]]:
        """Corners of the strip in pixels of the image."""
        dx, dy = line.end[0] - line.start[0], (line.end[1] - line.start[1]) * self._aspect
        length = math.hypot(dx, dy)
        nx, ny = -dy / length * 0.5 * line.width, dx / length * 0.5 * line.width / self._aspect
        (x0, y0), (x1, y1) = line.start, line.end
        return [(x0 + nx, y0 + ny), (x1 + nx, y1 + ny), (x1 - nx, y1 - ny), (x0 - nx, y0 - ny)]

    def paint(self, painter: QPainter) -> None:
        """The strip, the line with an arrow head, the ends; or the line being drawn."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if self._from is not None and self._to is not None:
            self._stroke(painter, self._view.to_screen(*self._from), self._view.to_screen(*self._to))
        if self.line is None:
            return
        accent = QColor(theme.DARK.of(1))  # on colour maps, in both themes
        strip = QPolygonF([self._view.to_screen(*corner) for corner in self.corners(self.line)])
        painter.setPen(QPen(QColor(0, 0, 0, 140), 2.4))
        painter.setBrush(faded(accent, 0.14))
        painter.drawPolygon(strip)
        painter.setPen(QPen(faded(accent, 0.9), 1.0, Qt.PenStyle.DashLine))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolygon(strip)
        a, b = self._view.to_screen(*self.line.start), self._view.to_screen(*self.line.end)
        self._stroke(painter, a, b)
        painter.setPen(QPen(QColor(0, 0, 0, 170), 1.0))
        painter.setBrush(QColor("#ffffff"))
        for place, letter in ((a, "A"), (b, "B")):
            painter.drawEllipse(place, 4.0, 4.0)
            painter.setPen(QColor(0, 0, 0, 200))
            for shift, ink in ((1.0, QColor(0, 0, 0, 200)), (0.0, QColor("#ffffff"))):
                painter.setPen(ink)
                painter.drawText(place + QPointF(6 + shift, -6 + shift), letter)
            painter.setPen(QPen(QColor(0, 0, 0, 170), 1.0))

    @staticmethod
    def _stroke(painter: QPainter, a: QPointF, b: QPointF) -> None:
        for colour, width in ((QColor(0, 0, 0, 160), 3.6), (QColor("#ffffff"), 1.5)):
            painter.setPen(QPen(colour, width))
            painter.drawLine(a, b)
