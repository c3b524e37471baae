"""Two plots over each other, spectrum and residuals, with their ranges; mouse and painting go to listeners.

All mouse handling is the program's own: the plotting library only draws. That makes grabbing exact to the pixel and
the same for real and tested mice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QEvent, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFont, QMouseEvent, QPainter, QResizeEvent, QTransform, QWheelEvent
from PySide6.QtWidgets import QFrame, QWidget

from app.gui.plot.axes import PlainAxis
from app.gui.plot.colours import small
from app.gui.plot.layers import Layer, pen
from app.gui.theme import Theme

ZOOM_STEP = 1.18  # a notch of the wheel
MAIN_STRETCH, RESIDUAL_STRETCH = 76, 24


@dataclass(frozen=True)
class Mapper:
    """Data to viewport pixels and back, for one of the plots.

    `box` is the plot's rectangle in pixels; `x` and `y` are the data values at its left/right and bottom/top.
    """

    box: QRectF
    x: tuple[float, float]
    y: tuple[float, float]

    def point(self, x: float, y: float) -> QPointF:
        """Pixel of a data point."""
        return QPointF(float(self.px(x)), float(self.py(y)))

    def px(self, x: float | np.ndarray) -> np.ndarray:
        """Horizontal pixels of data values."""
        return self.box.left() + (np.asarray(x) - self.x[0]) / (self.x[1] - self.x[0]) * self.box.width()

    def py(self, y: float | np.ndarray) -> np.ndarray:
        """Vertical pixels of data values."""
        return self.box.bottom() - (np.asarray(y) - self.y[0]) / (self.y[1] - self.y[0]) * self.box.height()

    def data(self, point: QPointF) -> tuple[float, float]:
        """Data point under a pixel."""
        x = self.x[0] + (point.x() - self.box.left()) / self.box.width() * (self.x[1] - self.x[0])
        y = self.y[0] + (self.box.bottom() - point.y()) / self.box.height() * (self.y[1] - self.y[0])
        return float(x), float(y)


class Grid(Layer):
    """Faint horizontal lines at the labelled ticks."""

    def __init__(self, axis: PlainAxis) -> None:
        super().__init__(-30)
        self._axis = axis
        self._box = QRectF(-1e9, -1e9, 2e9, 2e9)
        self._colour = QColor("#eeeeee")

    def set_colour(self, colour: str) -> None:
        """Colour of the lines."""
        self._colour = QColor(colour)
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        low, high = sorted(self._axis.range)
        view = to_pixels.mapRect(self.viewRect())
        step = self._axis.tickSpacing(low, high, self._axis.size().height())[0][0]
        painter.setPen(pen(self._colour))
        for tick in np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step:
            y = round(to_pixels.map(QPointF(0.0, tick)).y()) + 0.5
            painter.drawLine(QPointF(view.left(), y), QPointF(view.right(), y))


class Canvas(pg.GraphicsLayoutWidget):
    """Spectrum plot above, residual plot beneath, x linked, left axes aligned.

    Signals
    -------
    pressed, moved, released, double_clicked(QMouseEvent)
    left()
    range_changed()
        The visible ranges changed, by the user or by the program.
    """

    pressed = Signal(object)
    moved = Signal(object)
    released = Signal(object)
    double_clicked = Signal(object)
    left = Signal()
    range_changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setViewportUpdateMode(self.ViewportUpdateMode.FullViewportUpdate)
        self.setAntialiasing(True)
        self.viewport().setMouseTracking(True)
        font = small(self.font())
        self.overlays: list[Callable[[QPainter], None]] = []
        self.main = self._plot(0, font)
        self.rest = self._plot(1, font)
        self.rest.setXLink(self.main)
        self.main.hideAxis("bottom")
        self.rest.getAxis("left").setTextSpacing(18.0)
        layout = self.ci.layout
        layout.setContentsMargins(2, 8, 12, 4)
        layout.setVerticalSpacing(8)
        layout.setRowStretchFactor(0, MAIN_STRETCH)
        layout.setRowStretchFactor(1, RESIDUAL_STRETCH)
        self.grid_layer = Grid(self.main.getAxis("left"))
        self.main.addItem(self.grid_layer, ignoreBounds=True)
        self._full = (0.0, 1.0)
        self._tall: tuple[float, float] | None = None
        self.whole = False  # show tall lines in full
        self._values: tuple[np.ndarray, Sequence[np.ndarray]] = (np.array([0.0, 1.0]), (np.array([0.0, 1.0]),))
        self.auto_x = self.auto_y = True
        self._least_step = 0.0
        self.frozen = False  # during a drag the ranges stay as they are

    def _plot(self, row: int, font: QFont) -> pg.PlotItem:
        axes = {side: PlainAxis(side, font) for side in ("left", "bottom")}
        plot = self.addPlot(row=row, col=0, axisItems=axes)
        plot.hideButtons()
        plot.setMenuEnabled(False)
        # The library makes menus that nobody owns; as children they go when the canvas goes.
        for menu in filter(None, (plot.ctrlMenu, getattr(plot.vb, "menu", None))):
            menu.setParent(self, menu.windowFlags())
        plot.vb.setMouseEnabled(False, False)
        plot.vb.disableAutoRange()
        plot.vb.setDefaultPadding(0)
        plot.setClipToView(False)
        return plot

    # -- ranges -------------------------------------------------------------------------------------------------

    def set_inverted(self, inverted: bool) -> None:
        """Whether x runs right to left."""
        self.main.vb.invertX(inverted)
        self.rest.vb.invertX(inverted)

    def set_extent(
        self, x: np.ndarray, ys: Sequence[np.ndarray], step: float, tall: tuple[float, float] | None = None
    ) -> None:
        """What autoscale shows: all of `x`, and all values of `ys` inside the visible part.

        A line at `tall` (from, to) that is much higher than all else may leave the picture at the top.
        """
        self._values, self._tall = (x, ys), tall
        self._full = (float(x[0]), float(x[-1])) if x.size > 1 else (float(x[0]) - 1, float(x[0]) + 1)
        self._least_step = max(abs(step), 1e-9)

    def fit_ranges(self) -> None:
        """Apply autoscale where it is on."""
        if self.frozen:
            return
        if self.auto_x:
            margin = 0.015 * (self._full[1] - self._full[0])
            self.main.vb.setXRange(self._full[0] - margin, self._full[1] + margin, padding=0)
        if self.auto_y:
            self._fit_y()
        self._align()
        self.range_changed.emit()

    def _fit_y(self) -> None:
        x, ys = self._values
        low, high = self.x_range()
        inside = (x >= low) & (x <= high)
        if not inside.any():
            return
        if self._tall is not None and not self.whole:
            rest = inside & ((x < self._tall[0]) | (x > self._tall[1]))
            inside = rest if rest.any() else inside
        bottom = min(float(y[inside].min()) for y in ys)
        top = max(float(y[inside].max()) for y in ys)
        size = (top - bottom) or max(abs(top), 1.0)
        # Room for labels above the highest point.
        self.main.vb.setYRange(bottom - 0.06 * size, top + 0.17 * size, padding=0)

    def show_residuals(self, shown: bool) -> None:
        """Show the residual plot, or give its room to the spectrum, which then carries the x axis."""
        if shown == self.rest.isVisible():
            return
        # Taken out of the scene the item would outlive its window, so it stays, without a height.
        self.rest.setVisible(shown)
        self.main.showAxis("bottom", not shown)
        # An axis that was hidden while its labels or its size changed takes itself to have no size.
        self.rest.getAxis("bottom").setHeight(None)
        self.main.getAxis("bottom").setHeight(None)
        self.rest.getAxis("left").setWidth(self.main.getAxis("left").fixedWidth)
        layout = self.ci.layout
        layout.setRowMaximumHeight(1, 16777215 if shown else 0)
        layout.setRowStretchFactor(1, RESIDUAL_STRETCH if shown else 0)
        layout.setVerticalSpacing(8 if shown else 0)
        layout.activate()

    def set_residual_limit(self, limit: float) -> None:
        """Symmetric range of the residual plot."""
        if not self.frozen:
            self.rest.vb.setYRange(-limit, limit, padding=0)

    def autoscale(self) -> None:
        """Show everything."""
        self.auto_x = self.auto_y = True
        self.fit_ranges()

    def show_range(self, low: float, high: float) -> None:
        """Show this part of the axis."""
        self.auto_x = False
        self.main.vb.setXRange(low, high, padding=0)
        self.fit_ranges()

    def zoom(self, factor: float, at: QPointF, *, vertical: bool = False) -> None:
        """Zoom by a factor (above 1: closer) around a pixel."""
        x, y = self.mapper().data(at)
        (left, right), (bottom, top) = self.main.vb.viewRange()
        if vertical:
            self.auto_y = False
            # Peaks stand on their background, so the zoom keeps what is under the pointer.
            self.main.vb.setYRange(y - (y - bottom) / factor, y + (top - y) / factor, padding=0)
        else:
            low, high = x - (x - left) / factor, x + (right - x) / factor
            if high - low < 8 * self._least_step:
                return
            low, high = max(low, self._full[0] - self._span()), min(high, self._full[1] + self._span())
            self.auto_x = False
            self.main.vb.setXRange(low, high, padding=0)
        self.fit_ranges()

    def _span(self) -> float:
        return 0.25 * (self._full[1] - self._full[0])

    def pan(self, dx: float, dy: float) -> None:
        """Move the view by data distances (dy only where y is not automatic)."""
        left, right = self.main.vb.viewRange()[0]
        span = self._span()
        dx = min(max(dx, self._full[0] - span - left), self._full[1] + span - right)
        self.auto_x = False
        self.main.vb.setXRange(left + dx, right + dx, padding=0)
        if not self.auto_y:
            bottom, top = self.main.vb.viewRange()[1]
            self.main.vb.setYRange(bottom + dy, top + dy, padding=0)
        self.fit_ranges()

    def x_range(self) -> tuple[float, float]:
        """Visible part of the axis, ascending."""
        low, high = sorted(self.main.vb.viewRange()[0])
        return low, high

    def _align(self) -> None:
        """Same width for both left axes."""
        room = max(self.main.getAxis("left").room(), self.rest.getAxis("left").room())
        width = round(room + 34)
        for plot in (self.main, self.rest):
            if plot.getAxis("left").fixedWidth != width:
                plot.getAxis("left").setWidth(width)

    # -- geometry -----------------------------------------------------------------------------------------------

    def mapper(self, residual: bool = False) -> Mapper:
        """Data to viewport pixels of one of the plots."""
        box = self.rest.vb if residual else self.main.vb
        (left, right), (bottom, top) = box.viewRange()
        scene = box.mapRectToScene(box.rect())
        rectangle = QRectF(self.viewportTransform().mapRect(scene))
        x = (right, left) if box.xInverted() else (left, right)
        return Mapper(rectangle, x, (bottom, top))

    def recolour(self, colours: Theme) -> None:
        """Colours of the theme."""
        self.setBackground(colours.paper)
        self.grid_layer.set_colour(colours.grid)
        for plot in (self.main, self.rest):
            for side in ("left", "bottom"):
                plot.getAxis(side).recolour(colours)

    def settle(self) -> None:
        """Carry out waiting layout work, so that pixels are final."""
        self.ci.layout.activate()
        self.main.layout.activate()
        self.rest.layout.activate()

    # -- events -------------------------------------------------------------------------------------------------

    def drawForeground(self, painter: QPainter, rect: QRectF) -> None:
        """Handles, labels and hints, in pixels."""
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for paint in self.overlays:
            paint(painter)
        painter.restore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the ranges right."""
        super().resizeEvent(event)
        if hasattr(self, "frozen") and not self.frozen:
            self.settle()
            self.fit_ranges()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """To the listener."""
        self.pressed.emit(event)
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """To the listener."""
        self.moved.emit(event)
        event.accept()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """To the listener."""
        self.released.emit(event)
        event.accept()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """To the listener."""
        self.double_clicked.emit(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """To the listener."""
        self.left.emit()
        event.accept()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom: x, or y with Ctrl; a sideways wheel moves along x."""
        delta = event.angleDelta()
        vertical = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if abs(delta.x()) > abs(delta.y()) and not vertical:
            left, right = self.main.vb.viewRange()[0]
            sign = 1 if self.main.vb.xInverted() else -1
            self.pan(sign * delta.x() / 1200 * (right - left), 0.0)
        elif delta.y():
            self.zoom(ZOOM_STEP ** (delta.y() / 120), event.position(), vertical=vertical)
        event.accept()
