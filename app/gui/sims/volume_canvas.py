"""The drawn volume: the picture, the box around it with its scales, the legend; turned, shifted and cut by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from app.gui.plot.colours import small
from app.gui.sims.volume_box import paint_box
from app.gui.sims.volume_frames import Drawn, Wish
from app.gui.sims.volume_legend import LegendRow, laid_out, paint_legend
from fitting.dataset import Axis
from fitting.sims.raycast_rays import Camera, projected

ROOM = 0.84  # zoom that leaves room for the words of the scales in a narrow window
EDGE, TOP, FOOT = 12, 8, 8  # pixels around the words above and below the picture
HOME = Camera(30.0, 25.0, ROOM)
VIEWS = {"home": HOME, "top": Camera(0.0, 90.0, ROOM), "front": Camera(0.0, 0.0, ROOM),
         "side": Camera(90.0, 0.0, ROOM)}
DEGREES = 0.45  # a pixel of the hand
REST = 160  # ms after which the full picture is drawn
SLOW = 0.06  # s: pictures that take longer are coarser while the hand moves
_KEYS = {Qt.Key.Key_Left: (-5.0, 0.0), Qt.Key.Key_Right: (5.0, 0.0), Qt.Key.Key_Up: (0.0, 5.0),
         Qt.Key.Key_Down: (0.0, -5.0)}


@dataclass(frozen=True, eq=False)
class Labels:
    """Words around the picture: the axes of the box (scans, rows, columns), the legend, a line below."""

    axes: tuple[Axis, ...] = ()
    legend: tuple[LegendRow, ...] = ()
    table: str = ""
    below: str = ""


class VolumeCanvas(QWidget):
    """Shows what was drawn and says what is wanted.

    Signals
    -------
    camera_changed(bool)
        The direction of sight is another; whether the hand still moves.
    cut_moved(int, int)
        Axis and voxel of a section plane.
    cut_released()
    """

    camera_changed = Signal(bool)
    cut_moved = Signal(int, int)
    cut_released = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setAccessibleName("Volume")
        self.setAccessibleDescription("Arrow keys turn the volume, plus and minus zoom, Home shows it as at first")
        self.camera = HOME
        self.labels = Labels()
        self.words = ""  # instead of a picture
        self.working = ""  # while one is made
        self.drawn: Drawn | None = None
        self._image: QImage | None = None
        self._held: tuple[str, QPointF, Camera, int, float] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST)
        self._rest.timeout.connect(lambda: self.camera_changed.emit(False))
        theme.changes().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(640, 480)

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_drawn(self, drawn: Drawn | None, words: str = "") -> None:
        """Show a picture, or words where there is none."""
        self.drawn, self.words = drawn, words
        self._image = None
        if drawn is not None:
            pixels = drawn.frame.pixels
            high, wide = pixels.shape[:2]
            self._image = QImage(pixels.tobytes(), wide, high, 4 * wide, QImage.Format.Format_RGBX8888).copy()
        self.update()

    def show_labels(self, labels: Labels) -> None:
        """Words around the picture."""
        self.labels = labels
        self.update()

    @property
    def moving(self) -> bool:
        """Whether the hand moves the volume."""
        return self._held is not None or self._rest.isActive()

    def show_working(self, words: str) -> None:
        """Words while a picture is made; "" when it is there."""
        if words != self.working:
            self.working = words
            self.update()

    def stop(self) -> None:
        """Nothing is awaited any more."""
        self._rest.stop()
        self._held = None

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter = QPainter(self)
        self.paint(painter, self._image, self.drawn.wish if self.drawn is not None else None, self.size())
        self._paint_working(painter)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(theme.current().accent), 1.5))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def paint(self, painter: QPainter, image: QImage | None, wish: Wish | None, size: QSize) -> None:
        """Picture and words for a widget of a size."""
        colours, frame = theme.current(), QRectF(0, 0, size.width(), size.height())
        painter.fillRect(frame, QColor(colours.paper))
        if image is None or wish is None:
            painter.setPen(QColor(colours.muted))
            painter.drawText(frame.adjusted(24, 24, -24, -24),
                             Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self.working or self.words)
            return
        room = self.room(size)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.drawImage(QRectF(room), image)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self.font()))
        painter.setClipRect(room)
        painter.translate(room.topLeft())
        paint_box(painter, wish, self.labels.axes, room.width(), room.height())
        painter.restore()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(small(self.font()))
        paint_legend(painter, self.labels.legend, QPointF(EDGE, TOP), frame.width() - 2 * EDGE, self.labels.table)
        painter.setPen(QColor(colours.muted))
        painter.drawText(frame.adjusted(EDGE, 0, -EDGE, -FOOT), Qt.AlignmentFlag.AlignLeft
                         | Qt.AlignmentFlag.AlignBottom | Qt.TextFlag.TextWordWrap, self.labels.below)

    def room(self, size: QSize | None = None) -> QRect:
        """Where the picture is: between the legend above and the line below it."""
        size = self.size() if size is None else size
        metrics = QFontMetrics(small(self.font()))
        width = max(size.width() - 2 * EDGE, 1)
        places = laid_out(self.labels.legend, metrics, width, self.labels.table)
        top = round(TOP + places[-1].bottom()) if places else 0
        foot = 0
        if self.labels.below:
            foot = FOOT + metrics.boundingRect(QRect(0, 0, width, 1000), int(Qt.TextFlag.TextWordWrap),
                                               self.labels.below).height()
        if size.height() - top - foot < size.height() // 2:
            return QRect(0, 0, max(size.width(), 1), max(size.height(), 1))  # too small for words around a picture
        return QRect(0, top, max(size.width(), 1), size.height() - top - foot)

    def _paint_working(self, painter: QPainter) -> None:
        """That a picture is made, over the one that is still shown."""
        words, metrics = self.working, QFontMetrics(small(self.font()))
        if not words or self._image is None:
            return
        room = QRectF(self.room())
        wide, high = metrics.horizontalAdvance(words) + 20.0, metrics.height() + 8.0
        box = QRectF(room.right() - wide - EDGE, room.top() + 6, wide, high)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(theme.current().border_strong), 1))
        painter.setBrush(QColor(theme.current().paper))
        painter.drawRoundedRect(box, 4, 4)
        painter.setFont(small(self.font()))
        painter.setPen(QColor(theme.current().text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Another size is another picture."""
        super().resizeEvent(event)
        self.camera_changed.emit(False)

    # -- the hand -----------------------------------------------------------------------------------------------

    def turn(self, camera: Camera, *, moving: bool = False) -> None:
        """Look from elsewhere."""
        if camera != self.camera:
            self.camera = camera
            if moving:
                self._rest.start()
            self.camera_changed.emit(moving)

    def view(self, name: str) -> None:
        """One of `VIEWS`."""
        self._rest.stop()
        self.turn(VIEWS[name])

    def plane_at(self, point: QPointF) -> int:
        """The section plane under a point: 0 scans, 1 rows, 2 columns; -1 for none."""
        planes, room = self.drawn.frame.planes if self.drawn is not None else None, self.room()
        if planes is None or not room.contains(point.toPoint()):
            return -1
        high, wide = planes.shape
        row = int((point.y() - room.top()) / room.height() * high)
        column = int((point.x() - room.left()) / room.width() * wide)
        return int(planes[min(row, high - 1), min(column, wide - 1)])

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take the volume, or a plane of it."""
        point, buttons = event.position(), Qt.MouseButton
        if event.button() not in (buttons.LeftButton, buttons.RightButton, buttons.MiddleButton):
            return
        shifted = bool(event.modifiers() & (Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier))
        kind, axis, at = "turn", -1, 0.0
        if event.button() != buttons.LeftButton or bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier):
            kind = "pan"
        elif not shifted and self.drawn is not None:
            axis = self.plane_at(point)
            if axis >= 0:
                kind, at = "cut", float(self.drawn.wish.cuts[axis])
        self._held = (kind, point, self.camera, axis, at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Turn, shift, or move a plane."""
        point = event.position()
        if self._held is None:
            self._show_hand(point)
            return
        kind, start, camera, axis, at = self._held
        by = point - start
        if kind == "turn":
            self.turn(camera.turned(-DEGREES * by.x(), DEGREES * by.y()), moving=True)
        elif kind == "pan":
            side = min(self.room().width(), self.room().height())
            pan = (camera.pan[0] + by.x() / side, camera.pan[1] - by.y() / side)
            self.turn(replace(camera, pan=pan), moving=True)
        else:
            self._pull(axis, at, by)

    def _pull(self, axis: int, at: float, by: QPointF) -> None:
        """Move a plane along its normal by as much as the hand moved along it on the screen."""
        wish = self.drawn.wish if self.drawn is not None else None
        if wish is None:
            return
        points = np.zeros((2, 3))
        points[1, axis] = 1.0
        room = self.room()
        a, b = projected(self.camera, wish.shape, wish.size, room.width(), room.height(), points)[:, :2]
        step = b - a
        length = float(step @ step)
        if length < 1e-3:
            return
        voxels = (by.x() * step[0] + by.y() * step[1]) / length
        low, high = wish.part[axis]
        self.cut_moved.emit(axis, min(max(round(at + voxels), low), high))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go: the full picture is drawn."""
        held, self._held = self._held, None
        if held is None:
            return
        if held[0] == "cut":
            self.cut_released.emit()
        elif self._rest.isActive():
            self._rest.stop()
            self.camera_changed.emit(False)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """As at first."""
        self._held = None
        self.view("home")

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom."""
        delta = event.angleDelta().y()
        if delta:
            self.zoom(1.15 ** (delta / 120), moving=True)
            event.accept()

    def zoom(self, factor: float, *, moving: bool = False) -> None:
        """Closer by a factor."""
        self.turn(replace(self.camera, zoom=min(max(self.camera.zoom * factor, 0.3), 20.0)), moving=moving)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows turn, plus and minus zoom, Home is the first view."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            self.turn(self.camera.turned(*_KEYS[key]), moving=True)
        elif key in (Qt.Key.Key_Plus, Qt.Key.Key_Equal):
            self.zoom(1.15, moving=True)
        elif key == Qt.Key.Key_Minus:
            self.zoom(1 / 1.15, moving=True)
        elif key == Qt.Key.Key_Home:
            self.view("home")
        else:
            super().keyPressEvent(event)

    def _show_hand(self, point: QPointF) -> None:
        cut = self.plane_at(point) >= 0
        self.setCursor(Qt.CursorShape.OpenHandCursor if cut else Qt.CursorShape.ArrowCursor)
