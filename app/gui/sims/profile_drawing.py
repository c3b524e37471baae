"""The traces of a depth profile as they are drawn: lines and points on a linear or logarithmic axis."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import QLineF, QPointF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QTransform
from PySide6.QtWidgets import QWidget

from app.gui.plot.canvas import Canvas
from app.gui.plot.colours import faded
from app.gui.plot.layers import FastLine, Layer, pen, polygon
from app.gui.sims.profile_axis import CountAxis, CountGrid
from app.project.sims_profiles import Drawn
from fitting.dataset import FloatArray
from fitting.sims.traces import moving_mean

STYLES = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DotLine, Qt.PenStyle.DashDotLine)
DOT, LINE, BOLD = 3.6, 1.3, 2.4
_DOTS_UPTO = 12.0  # pixels a point: where points stand closer, only the line is drawn
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
        self._fast = FastLine()

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
        """Draw; the highlighted trace last."""
        order = sorted(self.lines, key=lambda line: line.drawn.key == self.strong)
        shown = [line for line in order if line.drawn.key not in self.hidden]
        floor = to_pixels.map(QPointF(0.0, 0.0))
        view = to_pixels.mapRect(self.viewRect())
        for line in shown:
            strong = line.drawn.key == self.strong
            alpha = 1.0 if strong or not self.strong else 0.25
            ink = faded(self.ink(line), alpha)
            self._stroke(painter, line, pen(ink, BOLD if strong else LINE, self.style(line)), to_pixels)
            room = abs(to_pixels.m11()) * float(np.median(np.diff(line.x))) if line.x.size > 1 else 99.0
            if strong or (len(shown) <= _MOST_DOTS and room >= DOT) or line.mean is not None:
                there = np.isfinite(line.y)
                painter.setPen(pen(faded(ink, alpha * (0.45 if line.mean is not None else 1.0)), DOT))
                painter.drawPoints(to_pixels.map(polygon(line.x[there], line.y[there])))
            if line.zeros.size:
                # A zero has no logarithm: a short tick at the floor, and a gap in the line.
                painter.setPen(pen(faded(ink, 0.8 * alpha), 1.0))
                bottom = view.bottom() if view.bottom() > view.top() else floor.y()
                painter.drawLines([QLineF(px, bottom - 5, px, bottom - 1)
                                   for px in to_pixels.m11() * line.zeros + to_pixels.dx()])

    def _stroke(self, painter: QPainter, line: Line, stroke: object, to_pixels: QTransform) -> None:
        for part in line.pieces:
            x, y = line.x[part], line.line[part]
            if x.size == 1:
                painter.setPen(stroke)
                painter.drawPoint(to_pixels.map(QPointF(float(x[0]), float(y[0]))))
            elif stroke.style() == Qt.PenStyle.SolidLine:
                self._fast.draw(painter, stroke, x, y, to_pixels)
            else:
                painter.setPen(stroke)
                painter.drawPolyline(to_pixels.map(polygon(x, y)))


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
