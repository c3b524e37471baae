"""The traces of a depth profile as they are drawn: lines and points on a linear or logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from pyqtgraph.Qt.internals import PrimitiveArray
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPen, QPixmap, QTransform
from PySide6.QtWidgets import QWidget

from app.gui.plot.canvas import Canvas
from app.gui.plot.colours import faded
from app.gui.plot.layers import FastLine, Layer, pen, polygon
from app.gui.sims.profile_axis import CountAxis, CountGrid
from app.project.sims_profiles import Drawn
from fitting.dataset import FloatArray
from fitting.sims.traces import moving_mean

_PATTERNS = {
    Qt.PenStyle.DashLine: (6.0, 3.0), Qt.PenStyle.DotLine: (2.0, 2.5), Qt.PenStyle.DashDotLine: (7.0, 2.5, 2.0, 2.5),
}
STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
DOT, LINE, BOLD = 3.6, 1.3, 2.4
_PICTURE_FROM = 4_000  # points
_SMOOTH_UPTO = 20_000  # points: more are drawn without smooth edges, which take ten times as long
_MOST_DOTS = 16  # traces: with more of them only lines


class Line:
    """One trace in the coordinates of the plot: y is a logarithm on a logarithmic axis."""

    def __init__(self, drawn: Drawn, logarithmic: bool, smooth: int) -> None:
        self.drawn = drawn
        x, y = drawn.trace.x, drawn.trace.y
        self.x = x
        self.y = heights(y, logarithmic)
        self.zeros = x[np.isfinite(y) & (y <= 0)] if logarithmic else x[:0]
        self.mean = heights(moving_mean(y, smooth), logarithmic) if smooth > 1 else None
        self.line = self.y if self.mean is None else self.mean
        self.pieces = _runs(np.isfinite(self.line) & np.isfinite(x))

    def end(self, low: float, high: float) -> float | None:
        """Height of the last visible point."""
        inside = np.flatnonzero(np.isfinite(self.line) & (self.x >= low) & (self.x <= high))
        return float(self.line[inside[-1]]) if inside.size else None


def heights(y: FloatArray, logarithmic: bool) -> FloatArray:
    """Where numbers stand on the axis; NaN for zero and below on a logarithmic one."""
    if not logarithmic:
        return y
    positive = np.isfinite(y) & (y > 0)
    return np.where(positive, np.log10(np.where(positive, y, 1.0)), np.nan)


def _runs(there: np.ndarray) -> list[slice]:
    """Unbroken stretches."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], there.astype(np.int8), [0]])))
    return [slice(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


class TraceLayer(Layer):
    """All traces."""

    def __init__(self) -> None:
        super().__init__(10)
        self.lines: list[Line] = []
        self.strong, self.hidden = "", frozenset[str]()
        self.colours: Sequence[str] = ("#000000",)
        self._pieces = Pieces()
        self._picture: tuple[tuple[object, ...], QPixmap] | None = None

    def show_lines(self, lines: list[Line]) -> None:
        """Draw these traces."""
        self.lines = lines
        self._resize([(line.x[part], line.line[part]) for line in lines for part in line.pieces])
        box = self._box
        self._box = box.adjusted(-1e3, -1e3, 1e3, 1e3) if not box.isNull() else box
        self.update()

    def ink(self, line: Line) -> QColor:
        """Colour of a trace."""
        return QColor(self.colours[line.drawn.colour % len(self.colours)])

    def style(self, line: Line) -> Qt.PenStyle:
        """Dashes tell other entries, and colours that come again."""
        turn = line.drawn.colour // len(self.colours)
        return Qt.PenStyle.DashLine if line.drawn.other else STYLES[turn % len(STYLES)]

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw; many points once, and as a picture until something changes, so that the pointer is followed at once."""
        view = to_pixels.mapRect(self.viewRect())
        shown = [line for line in self.lines if line.drawn.key not in self.hidden]
        shown.sort(key=lambda line: line.drawn.key == self.strong)
        points = sum(line.x.size for line in shown)
        if points <= _PICTURE_FROM:
            self._draw(painter, to_pixels, shown, view)
            return
        ratio = painter.device().devicePixelRatioF()
        key = (to_pixels, view, self.strong, self.hidden, self.lines, self.colours, ratio)
        if self._picture is None or self._picture[0] != key:
            picture = QPixmap((view.size() * ratio).toSize())
            picture.setDevicePixelRatio(ratio)
            picture.fill(Qt.GlobalColor.transparent)
            inner = QPainter(picture)
            inner.translate(-view.topLeft())
            inner.setRenderHint(QPainter.RenderHint.Antialiasing, points <= _SMOOTH_UPTO)
            self._draw(inner, to_pixels, shown, view)
            inner.end()
            self._picture = key, picture
        painter.drawPixmap(view.topLeft(), self._picture[1])

    def _draw(self, painter: QPainter, to_pixels: QTransform, shown: list[Line], view: QRectF) -> None:
        for line in shown:
            strong = line.drawn.key == self.strong
            alpha = 1.0 if strong or not self.strong else 0.25
            ink = faded(self.ink(line), alpha)
            self._stroke(painter, line, pen(ink, BOLD if strong else LINE, self.style(line)), to_pixels, view)
            room = abs(to_pixels.m11()) * float(np.median(np.diff(line.x))) if line.x.size > 1 else 99.0
            if strong or (len(shown) <= _MOST_DOTS and room >= DOT) or line.mean is not None:
                there = np.isfinite(line.y)
                painter.setPen(pen(faded(ink, alpha * (0.45 if line.mean is not None else 1.0)), DOT))
                painter.drawPoints(to_pixels.map(polygon(line.x[there], line.y[there])))
            if line.zeros.size:
                # A zero has no logarithm: a short tick at the floor, and a gap in the line.
                painter.setPen(pen(faded(ink, 0.8 * alpha), 1.0))
                bottom = max(view.bottom(), view.top())
                painter.drawLines([QLineF(px, bottom - 5, px, bottom - 1)
                                   for px in to_pixels.m11() * line.zeros + to_pixels.dx()])

    def _stroke(self, painter: QPainter, line: Line, stroke: QPen, to_pixels: QTransform, view: QRectF) -> None:
        left, right = sorted(((view.left() - to_pixels.dx()) / to_pixels.m11(),
                              (view.right() - to_pixels.dx()) / to_pixels.m11()))
        first = max(int(np.searchsorted(line.x, left)) - 1, 0)
        last = int(np.searchsorted(line.x, right, "right")) + 1
        for part in line.pieces:
            part = slice(max(part.start, first), min(part.stop, last))
            if part.stop <= part.start:
                continue
            x, y = line.x[part], line.line[part]
            if x.size == 1:
                painter.setPen(stroke)
                painter.drawPoint(to_pixels.map(QPointF(float(x[0]), float(y[0]))))
            else:
                self._pieces.draw(painter, stroke, to_pixels.m11() * x + to_pixels.dx(),
                                  to_pixels.m22() * y + to_pixels.dy())


class Pieces:
    """A line drawn piece by piece, dashed along the axis: Qt takes seconds for a dashed line of noise."""

    def __init__(self) -> None:
        self._memory = PrimitiveArray(QLineF, 4)

    def draw(self, painter: QPainter, stroke: QPen, x: FloatArray, y: FloatArray) -> None:
        """Draw through these pixels, x ascending."""
        pattern = _PATTERNS.get(stroke.style())
        ends = np.column_stack((x[:-1], y[:-1], x[1:], y[1:])) if pattern is None else _dashes(x, y, pattern)
        if not len(ends):
            return
        solid = QPen(stroke)
        solid.setStyle(Qt.PenStyle.SolidLine)
        solid.setCapStyle(Qt.PenCapStyle.FlatCap)
        painter.setPen(solid)
        self._memory.resize(len(ends))
        self._memory.ndarray()[:] = ends
        painter.drawLines(*self._memory.drawargs())


def _dashes(x: FloatArray, y: FloatArray, pattern: tuple[float, ...]) -> FloatArray:
    """Pieces of a line that a pattern of strokes and gaps along x leaves, rows of x0, y0, x1, y1."""
    edges = np.cumsum((0.0, *pattern))
    period = edges[-1]
    first, last = np.floor(x[0] / period), np.ceil(x[-1] / period)
    if last - first > 5000:  # far more than a screen: zoomed into a part
        return np.column_stack((x[:-1], y[:-1], x[1:], y[1:]))
    cuts = (np.arange(first, last + 1)[:, None] * period + edges[None, :-1]).ravel()
    cuts = cuts[(cuts > x[0]) & (cuts < x[-1])]
    every = np.concatenate((x, cuts))
    order = np.argsort(every, kind="stable")
    heights_ = np.concatenate((y, np.interp(cuts, x, y)))[order]
    every = every[order]
    phase = (0.5 * (every[:-1] + every[1:])) % period
    on = np.searchsorted(edges, phase, "right") % 2 == 1
    return np.column_stack((every[:-1], heights_[:-1], every[1:], heights_[1:]))[on]


class CurveLayer(Layer):
    """Fitted curves over the traces."""

    def __init__(self) -> None:
        super().__init__(12)
        self._curves: list[tuple[FloatArray, FloatArray, QColor]] = []
        self._fast = FastLine()

    def show_curves(self, curves: list[tuple[FloatArray, FloatArray, QColor]]) -> None:
        """Draw these curves (x, height on the axis, colour)."""
        self._curves = curves
        self._resize([(x, y[np.isfinite(y)]) for x, y, _ in curves])
        self._box = self._box.adjusted(-1e3, -1e3, 1e3, 1e3) if not self._box.isNull() else self._box
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        for x, y, ink in self._curves:
            for part in _runs(np.isfinite(y)):
                if x[part].size > 1:
                    self._fast.draw(painter, pen(ink, 2.0), x[part], y[part], to_pixels)


class ProfileCanvas(Canvas):
    """One plot whose left axis may be logarithmic."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.show_residuals(False)
        self.traces, self.curves = TraceLayer(), CurveLayer()
        self.main.addItem(self.traces, ignoreBounds=True)
        self.main.addItem(self.curves, ignoreBounds=True)
        self.main.removeItem(self.grid_layer)
        self.grid_layer = CountGrid(self.main.getAxis("left"))
        self.main.addItem(self.grid_layer, ignoreBounds=True)
        self._right = 12

    def _plot(self, row: int, font: QFont) -> pg.PlotItem:
        plot = super()._plot(row, font)
        if row == 0:
            plot.setAxisItems({"left": CountAxis("left", font)})
        return plot

    @property
    def count_axis(self) -> CountAxis:
        """The left axis."""
        return self.main.getAxis("left")

    @property
    def extent(self) -> tuple[float, float]:
        """First and last place of all traces."""
        return self._full

    def set_right(self, pixels: float) -> None:
        """Room for the names of traces."""
        if round(pixels) != self._right:
            self._right = round(pixels)
            self.ci.layout.setContentsMargins(2, 8, self._right, 4)

    def show_lines(self, lines: list[Line], logarithmic: bool) -> None:
        """Draw traces."""
        self.count_axis.logarithmic = logarithmic
        self.traces.show_lines(lines)
        ends = [line.x[np.isfinite(line.x)] for line in lines if np.isfinite(line.x).any()]
        if ends:
            low, high = min(float(x.min()) for x in ends), max(float(x.max()) for x in ends)
            steps = [float(np.median(np.diff(x))) for x in ends if x.size > 1]
            low, high = (low, high) if high > low else (low - 1.0, high + 1.0)
            self._full, self._least_step = (low, high), max(min(steps, default=1.0) * 0.4, 1e-9 * max(abs(high), 1e-9))
        self.fit_ranges()

    def _fit_y(self) -> None:
        low, high = self.x_range()
        logarithmic = self.count_axis.logarithmic
        bottoms, tops = [], []
        for line in self.traces.lines:
            if line.drawn.key in self.traces.hidden:
                continue
            inside = (line.x >= low) & (line.x <= high) & np.isfinite(line.y)
            if inside.any():
                part = line.y[inside]
                bottoms.append(float(np.quantile(part, 0.02)) if logarithmic else float(part.min()))
                tops.append(float(part.max()))
        if not tops:
            return
        bottom, top = min(bottoms), max(tops)
        if logarithmic:
            top = max(top, bottom + 0.3)
            self.main.vb.setYRange(bottom - 0.05 * (top - bottom) - 0.08, top + 0.06 * (top - bottom), padding=0)
        else:
            size = (top - min(bottom, 0.0)) or 1.0
            self.main.vb.setYRange(min(bottom, 0.0) - 0.02 * size, top + 0.06 * size, padding=0)
