"""What image and series have in common: a cursor of one pixel, shapes with handles, mouse and keys.

The widget shows what it is told and says what the hand does; the numbers stay in the document.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QEnterEvent, QKeyEvent, QMouseEvent, QPainter, QPainterPath, QPen, QPolygonF
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from app.gui.image import roi_edit
from app.gui.plot.colours import small
from fitting.image.place import ALL, Place, Roi

Tool = Literal["", "rectangle", "ellipse", "polygon"]
REACH = 6.0  # pixels of the screen
_STEPS = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
Key = Qt.Key


class PlaceView(QWidget):
    """Where on an image or series one looks.

    Signals
    -------
    pixel_wanted(int, int)
        Row and column under the cursor.
    place_wanted(Place)
        A shape was taken, or everything is wanted.
    shape_drawn(str, tuple)
        Kind and points of a new shape.
    shape_changed(Roi)
        A shape was moved or pulled; many while the hand moves, then `released`.
    released()
    remove_wanted(str)
        Id of a shape.
    tool_changed(str)
    """

    pixel_wanted = Signal(int, int)
    place_wanted = Signal(object)
    shape_drawn = Signal(str, object)
    shape_changed = Signal(object)
    released = Signal()
    remove_wanted = Signal(str)
    tool_changed = Signal(str)
    hovered = Signal(int, int)

    series = False

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.shape = (1, 1)
        self.rois: tuple[Roi, ...] = ()
        self.place = ALL
        self.tool: Tool = ""
        self.overlays: list[Callable[[QPainter], None]] = []  # of what else is shown over the image
        self._drawing: list[roi_edit.Point] = []
        self._pointer: roi_edit.Point | None = None
        self._grabbed: tuple[Roi, int | None, roi_edit.Point] | None = None
        self._cursor_held = False
        theme.changes().changed.connect(self._recolour)

    def sizeHint(self) -> QSize:
        return QSize(300, 300)

    def _recolour(self) -> None:
        self.update()

    # -- what is shown ------------------------------------------------------------------------------------------

    def set_places(self, rois: tuple[Roi, ...], place: Place) -> None:
        """Shapes, and which pixels are looked at."""
        if rois is not self.rois or place != self.place:
            self.rois, self.place = rois, place
            self.update()

    def set_tool(self, tool: Tool) -> None:
        """What the next drag (or clicks) draws; "" for the cursor."""
        if tool != self.tool:
            self.tool = tool
            self._drawing = []
            self.setCursor(Qt.CursorShape.CrossCursor if tool else Qt.CursorShape.ArrowCursor)
            self.tool_changed.emit(tool)
            self.update()

    def colour(self, roi: Roi) -> QColor:
        """Colour of a shape: that of lists and overlays, as bright as on a dark ground."""
        return QColor(theme.DARK.of(_number(self.rois, roi.id)))

    # -- geometry -----------------------------------------------------------------------------------------------

    def to_screen(self, column: float, row: float) -> QPointF:
        """Place on the widget of a point of the image (0.5 is the middle of the first pixel)."""
        raise NotImplementedError

    def to_image(self, point: QPointF) -> roi_edit.Point:
        """Column and row under a point of the widget."""
        raise NotImplementedError

    def frame(self) -> QRectF:
        """The part of the widget that the image takes."""
        raise NotImplementedError

    def wanted_height(self, width: int) -> int:
        """How high the widget ought to be at a width."""
        raise NotImplementedError

    def value_at(self, row: int, column: int) -> float:
        """The number that is shown at a pixel; NaN where there is none."""
        raise NotImplementedError

    @property
    def levels(self) -> tuple[float, float]:
        """The least and largest number that is told apart."""
        raise NotImplementedError

    def pixel_at(self, point: QPointF) -> tuple[int, int]:
        """Row and column of the pixel nearest to a point of the widget."""
        column, row = self.to_image(point)
        return (min(max(int(row), 0), self.shape[0] - 1), min(max(int(column), 0), self.shape[1] - 1))

    def _index(self, row: int, column: int) -> tuple[int, ...]:
        return (column,) if self.series else (row, column)

    @property
    def cursor_pixel(self) -> tuple[int, int] | None:
        """Row and column of the cursor; None where a shape or everything is looked at."""
        index = self.place.index
        if len(index) != (1 if self.series else 2):
            return None
        row, column = (0, index[0]) if self.series else (index[0], index[1])
        # After a step that bins or crops the image the pixel may lie outside.
        return (row, column) if row < self.shape[0] and column < self.shape[1] else None

    def _outline(self, roi: Roi) -> QPainterPath:
        path = QPainterPath()
        if roi.kind == "polygon":
            path.addPolygon(QPolygonF([self.to_screen(*p) for p in roi.points]))
            path.closeSubpath()
            return path
        x0, x1, y0, y1 = roi_edit.box(roi)
        rectangle = QRectF(self.to_screen(x0, y0), self.to_screen(x1, y1))
        if roi.kind == "ellipse":
            path.addEllipse(rectangle)
        else:
            path.addRect(rectangle)
        return path

    def _chosen(self) -> Roi | None:
        return next((roi for roi in self.rois if roi.id == self.place.roi), None)

    def _handle_points(self, roi: Roi) -> list[QPointF]:
        points = [self.to_screen(*p) for p in roi_edit.handles(roi)]
        return [points[5], points[7]] if self.series else points

    def grip(self, point: QPointF) -> tuple[Roi, int | None] | None:
        """The shape under a point, with the number of its handle, or None for its outline."""
        chosen = self._chosen()
        if chosen is not None:
            for number, place in enumerate(self._handle_points(chosen)):
                if (place - point).manhattanLength() <= 1.5 * REACH:
                    return chosen, (5, 7)[number] if self.series else number
        reach = QRectF(point.x() - REACH, point.y() - REACH, 2 * REACH, 2 * REACH)
        for roi in sorted(self.rois, key=lambda r: r is not chosen):
            path = self._outline(roi)
            if path.intersects(reach) and not path.contains(reach):
                return roi, None
        return None

    # -- painting -----------------------------------------------------------------------------------------------

    def paint_places(self, painter: QPainter) -> None:
        """Shapes with names and handles, what is being drawn, and the cursor."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self.font()))
        for roi in self.rois:
            self._paint_roi(painter, roi, roi.id == self.place.roi)
        if self._drawing and self._pointer is not None:
            self._paint_drawing(painter)
        self.paint_cursor(painter)
        for paint in self.overlays:
            paint(painter)

    def _paint_roi(self, painter: QPainter, roi: Roi, chosen: bool) -> None:
        colour, path = self.colour(roi), self._outline(roi)
        halo = QColor(0, 0, 0, 150)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if chosen:
            soft = QColor(colour)
            soft.setAlphaF(0.14)
            painter.fillPath(path, soft)
        painter.setPen(QPen(halo, 3.6 if chosen else 2.8))
        painter.drawPath(path)
        painter.setPen(QPen(colour, 2.0 if chosen else 1.3))
        painter.drawPath(path)
        if chosen:
            painter.setPen(QPen(halo, 1.0))
            painter.setBrush(QColor("#ffffff"))
            for place in self._handle_points(roi):
                painter.drawRect(QRectF(place.x() - 3.5, place.y() - 3.5, 7, 7))
        self._paint_name(painter, roi, colour, path.boundingRect())

    def _paint_name(self, painter: QPainter, roi: Roi, colour: QColor, box: QRectF) -> None:
        metrics = painter.fontMetrics()
        frame = self.frame()
        text = metrics.elidedText(roi.name, Qt.TextElideMode.ElideRight, max(int(frame.width() / 2), 40))
        wide, high = metrics.horizontalAdvance(text) + 8, metrics.height() + 2
        top = box.top() - high - 3 if box.top() - high - 3 >= frame.top() else box.top() + 4
        left = min(max(box.left(), frame.left()), frame.right() - wide)
        plate = QRectF(left, top, wide, high)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(0, 0, 0, 150))
        painter.drawRoundedRect(plate, 3, 3)
        painter.setPen(QColor("#ffffff"))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawRect(QRectF(plate.left(), plate.bottom() - 2, plate.width(), 2))

    def _paint_drawing(self, painter: QPainter) -> None:
        assert self._pointer is not None
        if self.tool == "polygon":
            path = QPainterPath()
            path.addPolygon(QPolygonF([self.to_screen(*p) for p in (*self._drawing, self._pointer)]))
        else:
            corners = roi_edit.between(self._drawing[0], self._pointer, self.shape, self.series)
            path = self._outline(Roi("new", "", "ellipse" if self.tool == "ellipse" else "rectangle", corners))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(0, 0, 0, 150), 3))
        painter.drawPath(path)
        painter.setPen(QPen(QColor("#ffffff"), 1.4, Qt.PenStyle.DashLine))
        painter.drawPath(path)

    def paint_cursor(self, painter: QPainter) -> None:
        """The cursor of one pixel."""
        raise NotImplementedError

    # -- mouse --------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a handle, a shape or the cursor; begin to draw."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position()
        at = self._inside(point)
        if self.tool == "polygon":
            self._corner(point, at)
        elif self.tool:
            self._drawing, self._pointer = [at], at
        else:
            grip = self.grip(point)
            if grip is not None:
                self._grabbed = (*grip, self.to_image(point))
                self.place_wanted.emit(Place(roi=grip[0].id))
            else:
                self._cursor_held = True
                self.pixel_wanted.emit(*self.pixel_at(point))
        self.update()

    def _inside(self, point: QPointF) -> roi_edit.Point:
        column, row = self.to_image(point)
        return min(max(column, 0.0), self.shape[1] - 1e-9), min(max(row, 0.0), self.shape[0] - 1e-9)

    def _corner(self, point: QPointF, at: roi_edit.Point) -> None:
        if len(self._drawing) >= 3 and (self.to_screen(*self._drawing[0]) - point).manhattanLength() <= 1.5 * REACH:
            self._close_polygon()
        else:
            self._drawing.append(at)
            self._pointer = at

    def _close_polygon(self) -> None:
        points, self._drawing = tuple(self._drawing), []
        if len(points) >= 3:
            self.shape_drawn.emit("polygon", points)
            self.set_tool("")

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on with what was begun; show what can be taken."""
        point = event.position()
        self._pointer = self._inside(point)
        held = bool(event.buttons() & Qt.MouseButton.LeftButton)
        if self._drawing:
            self.update()
        elif held and self._grabbed is not None:
            self._pull(point)
        elif held and self._cursor_held:
            pixel = self.pixel_at(point)
            if pixel != self.cursor_pixel:
                self.pixel_wanted.emit(*pixel)
        elif not self.tool:
            self._show_grip(point)
        inside = self.frame().contains(point)
        self.hovered.emit(*(self.pixel_at(point) if inside else (-1, -1)))

    def _pull(self, point: QPointF) -> None:
        assert self._grabbed is not None
        roi, handle, start = self._grabbed
        column, row = self.to_image(point)
        if handle is None:
            dx, dy = round(column - start[0]), round(row - start[1])
            changed = roi_edit.moved(roi, dx, 0 if self.series else dy, self.shape)
        else:
            # On whole pixels, so that it is plain which belong to the shape; corners of a polygon are free.
            to = (column, row) if roi.kind == "polygon" else (float(round(column)), float(round(row)))
            changed = roi_edit.pulled(roi, handle, to, self.shape)
        now = next((r for r in self.rois if r.id == roi.id), None)
        if now is not None and changed.points != now.points:
            self.shape_changed.emit(Roi(now.id, now.name, now.kind, changed.points))

    def _show_grip(self, point: QPointF) -> None:
        grip = self.grip(point)
        shape = Qt.CursorShape.ArrowCursor
        if grip is not None:
            shape = Qt.CursorShape.SizeAllCursor if grip[1] is None else Qt.CursorShape.PointingHandCursor
        if self.cursor().shape() != shape:
            self.setCursor(shape)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._drawing and self.tool in ("rectangle", "ellipse"):
            points = roi_edit.between(self._drawing[0], self._inside(event.position()), self.shape, self.series)
            kind, self._drawing = self.tool, []
            self.shape_drawn.emit(kind, points)
            self.set_tool("")
        elif self._grabbed is not None:
            self.released.emit()
        self._grabbed, self._cursor_held = None, False
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Close a polygon; else as a click."""
        if self.tool == "polygon":
            self._close_polygon()
        else:
            self.mousePressEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:
        self._show_grip(event.position()) if not self.tool else None

    def leaveEvent(self, event: QEvent) -> None:
        self.hovered.emit(-1, -1)

    # -- keys ---------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move cursor or shape (Shift: cursor in steps of ten, shape changes its size), Delete, Escape."""
        key = Key(event.key())
        if key in _STEPS:
            self._step(*_STEPS[key], bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))
        elif key in (Key.Key_Delete, Key.Key_Backspace) and self.place.roi:
            self.remove_wanted.emit(self.place.roi)
        elif key in (Key.Key_Return, Key.Key_Enter) and self.tool == "polygon":
            self._close_polygon()
        elif key == Key.Key_Escape and (self.tool or self.place != ALL):
            if self.tool:
                self.set_tool("")
            else:
                self.place_wanted.emit(ALL)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A held key is one undo step."""
        if Key(event.key()) in _STEPS and not event.isAutoRepeat():
            self.released.emit()
        super().keyReleaseEvent(event)

    def _step(self, dx: int, dy: int, shift: bool) -> None:
        chosen = self._chosen()
        if chosen is not None:
            change = roi_edit.grown if shift else roi_edit.moved
            changed = change(chosen, dx, 0 if self.series else dy, self.shape)
            if changed.points != chosen.points:
                self.shape_changed.emit(changed)
            return
        row, column = self.cursor_pixel or (self.shape[0] // 2, self.shape[1] // 2)
        if self.cursor_pixel is not None:
            by = 10 if shift else 1
            row = min(max(row + by * dy, 0), self.shape[0] - 1)
            column = min(max(column + by * dx, 0), self.shape[1] - 1)
        self.pixel_wanted.emit(row, column)


def roi_colour(rois: tuple[Roi, ...], id: str) -> QColor:
    """The colour of a shape: those of the theme's series in the order of the list."""
    return theme.current().of(_number(rois, id))


def _number(rois: tuple[Roi, ...], id: str) -> int:
    """Place of a shape's colour; the first is the cursor's."""
    return 1 + next((i for i, roi in enumerate(rois) if roi.id == id), 0)
