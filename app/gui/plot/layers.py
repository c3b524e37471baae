"""What is drawn in data coordinates: shaded ranges, dots, and the curves of models.

Each layer is one item that lives as long as the plot; new numbers replace the old ones in place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QPen, QPolygonF, QTransform
from PySide6.QtWidgets import QStyleOptionGraphicsItem, QWidget

from app.gui.plot.thinned import thinned
from fitting.dataset import FloatArray

# Huge in data coordinates, small enough for Qt's arithmetic: shades reach beyond every view.
EVERYWHERE = 1e9


def polygon(x: FloatArray, y: FloatArray) -> QPolygonF:
    """Points of two arrays as Qt's polygon, without a Python loop."""
    if x.size == 0:
        return QPolygonF()
    return pg.functions.arrayToQPolygonF(np.ascontiguousarray(x, float), np.ascontiguousarray(y, float))


def pen(colour: QColor | str, width: float = 1.0, style: Qt.PenStyle = Qt.PenStyle.SolidLine) -> QPen:
    """A pen with round ends; its width is in device-independent pixels (see `Layer.paint`)."""
    result = QPen(QColor(colour), width, style)
    result.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
    result.setCapStyle(Qt.PenCapStyle.RoundCap)
    return result


MANY_PIECES = 300  # points of a line


class FastLine:
    """A line of many points, drawn piece by piece.

    Qt joins the pieces of a polyline before it paints them, which takes 100 times as long where noise makes them cross
    (measured: 1024 points, 1.2 pixels wide: 400 ms as a polyline, 3 ms in pieces). Pieces with flat ends leave no
    visible gaps in a line one or two pixels wide.
    """

    def __init__(self) -> None:
        self._pieces = PrimitiveArray(QLineF, 4)

    def draw(self, painter: QPainter, stroke: QPen, x: FloatArray, y: FloatArray, to_pixels: QTransform) -> None:
        """Draw through these points (data coordinates)."""
        px, py = to_pixels.m11() * x + to_pixels.dx(), to_pixels.m22() * y + to_pixels.dy()
        flat = QPen(stroke)
        flat.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(flat)
        self._pieces.resize(x.size - 1)
        memory = self._pieces.ndarray()
        memory[:, 0], memory[:, 1], memory[:, 2], memory[:, 3] = px[:-1], py[:-1], px[1:], py[1:]
        painter.drawLines(*self._pieces.drawargs())


class Layer(pg.GraphicsObject):
    """An item with a bounding box that follows its numbers."""

    def __init__(self, z: float) -> None:
        super().__init__()
        self._box = QRectF()
        self.setZValue(z)

    def boundingRect(self) -> QRectF:
        """Box of all that is drawn, in data coordinates."""
        return self._box

    def _resize(self, arrays: Sequence[tuple[FloatArray, FloatArray]]) -> None:
        self.prepareGeometryChange()
        boxes = [(x.min(), x.max(), y.min(), y.max()) for x, y in arrays if x.size]
        if not boxes:
            self._box = QRectF()
            return
        left, _, bottom, _ = np.min(boxes, axis=0)
        _, right, _, top = np.max(boxes, axis=0)
        self._box = QRectF(left, bottom, max(right - left, 1e-9), max(top - bottom, 1e-9))

    def dataBounds(self, *_: object, **__: object) -> None:
        """Ranges are set by the canvas, never by an item."""
        return

    def paint(self, painter: QPainter, option: QStyleOptionGraphicsItem, widget: QWidget | None = None) -> None:
        """Draw in pixels, so that dots are round and lines have their width on screens of any density."""
        to_pixels = painter.transform()
        painter.save()
        painter.resetTransform()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self.draw(painter, to_pixels)
        painter.restore()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw in pixels; `to_pixels` maps data there."""
        raise NotImplementedError


class Dots(Layer):
    """Measured points, or a line where there are too many to tell apart."""

    def __init__(self, z: float, size: float) -> None:
        super().__init__(z)
        self._points = QPolygonF()
        self._pen = self._line = pen("#000000", size)
        self._joined = False
        self._data: tuple[FloatArray, FloatArray] = (np.zeros(0), np.zeros(0))
        self._line_of_many = FastLine()

    def set_data(self, x: FloatArray, y: FloatArray, *, joined: bool = False) -> None:
        """Show these points."""
        many = joined and x.size > MANY_PIECES
        self._points = QPolygonF() if many else polygon(x, y)
        self._joined, self._data = joined, (x, y)
        self._resize([(x, y)])
        self.update()

    def set_colour(self, colour: QColor | str, size: float, line: float = 1.2) -> None:
        """Colour and size of the dots (width of the line where they are joined)."""
        self._pen = pen(colour, size)
        self._line = pen(colour, line)
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        if self._joined and self._data[0].size > MANY_PIECES:
            data = thinned(*self._data, to_pixels, self.viewRect())
            if data[0].size > 1:
                self._line_of_many.draw(painter, self._line, *data, to_pixels)
        elif self._joined:
            painter.setPen(self._line)
            painter.drawPolyline(to_pixels.map(self._points))
        else:
            painter.setPen(self._pen)
            painter.drawPoints(to_pixels.map(self._points))


@dataclass(frozen=True, eq=False)
class Curve:
    """A line, filled down (or up) to `base` where that is given."""

    x: FloatArray
    y: FloatArray
    colour: QColor
    width: float = 1.5
    base: FloatArray | None = None
    fill: float = 0.0
    style: Qt.PenStyle = Qt.PenStyle.SolidLine


class CurveSet(Layer):
    """Lines and filled lines, drawn in their order: all fills first."""

    def __init__(self, z: float) -> None:
        super().__init__(z)
        self._lines: list[tuple[QPolygonF, QPen, Curve]] = []
        self._line_of_many = FastLine()
        self._fills: list[tuple[QPolygonF, QBrush]] = []

    def set_curves(self, curves: Sequence[Curve]) -> None:
        """Show these curves."""
        self._lines = [(polygon(c.x, c.y), pen(c.colour, c.width, c.style), c) for c in curves if c.width > 0]
        self._fills = []
        for curve in curves:
            if curve.base is not None and curve.fill > 0:
                x = np.concatenate([curve.x, curve.x[::-1]])
                y = np.concatenate([curve.y, curve.base[::-1]])
                colour = QColor(curve.colour)
                colour.setAlphaF(curve.fill)
                self._fills.append((polygon(x, y), QBrush(colour)))
        arrays = [(c.x, c.y) for c in curves] + [(c.x, c.base) for c in curves if c.base is not None]
        self._resize(arrays)
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        painter.setPen(Qt.PenStyle.NoPen)
        # The lines on top smooth the edges of the fills, which are drawn much faster without.
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        for area, brush in self._fills:
            painter.setBrush(brush)
            painter.drawPolygon(to_pixels.map(area))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for line, stroke, curve in self._lines:
            if curve.x.size > MANY_PIECES and curve.style == Qt.PenStyle.SolidLine:
                self._line_of_many.draw(painter, stroke, curve.x, curve.y, to_pixels)
                continue
            painter.setPen(stroke)
            painter.drawPolyline(to_pixels.map(line))


@dataclass(frozen=True)
class Span:
    """A shaded range along x (or along y), with lines at its ends where `edge` is a colour."""

    low: float
    high: float
    colour: QColor
    edge: QColor | None = None
    across: bool = False


class Spans(Layer):
    """Shaded ranges."""

    def __init__(self, z: float) -> None:
        super().__init__(z)
        self._spans: tuple[Span, ...] = ()
        self._box = QRectF(-EVERYWHERE, -EVERYWHERE, 2 * EVERYWHERE, 2 * EVERYWHERE)

    def set_spans(self, spans: Sequence[Span]) -> None:
        """Show these ranges."""
        self._spans = tuple(spans)
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw, no further than the view reaches."""
        box = to_pixels.mapRect(self.viewRect())
        for span in self._spans:
            if span.across:
                ends = sorted(to_pixels.map(QPointF(0.0, y)).y() for y in (span.low, span.high))
                painter.fillRect(QRectF(box.left(), ends[0], box.width(), max(ends[1] - ends[0], 1.0)), span.colour)
                continue
            left, right = sorted(to_pixels.map(QPointF(x, 0.0)).x() for x in (span.low, span.high))
            painter.fillRect(QRectF(left, box.top(), right - left, box.height()), span.colour)
            if span.edge is not None:
                painter.setPen(pen(span.edge))
                for x in (left, right):
                    painter.drawLine(QPointF(round(x) + 0.5, box.top()), QPointF(round(x) + 0.5, box.bottom()))
