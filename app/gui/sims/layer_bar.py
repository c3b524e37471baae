"""Layers as coloured bands over the depth, with hatched edges as wide as their errors."""

from __future__ import annotations

import math

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.gui import theme
from app.gui.plot.colours import faded, small
from app.numerals import with_error
from fitting.sims.layers import Layer, Layers

HEIGHT, BAND = 54, 32
_LEAST_ERROR = 2.0  # pixels: a narrower one is drawn as a line


class LayerBar(QWidget):
    """A section through the layers, the surface at the left."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.layers: Layers | None = None
        self.setAccessibleName("Layers over the depth")
        self.setFixedHeight(HEIGHT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMouseTracking(True)
        theme.changes().changed.connect(self.update)

    def sizeHint(self) -> QSize:
        """As wide as there is room."""
        return QSize(400, HEIGHT)

    def show_layers(self, layers: Layers | None) -> None:
        """Draw these."""
        self.layers = layers
        self.setVisible(layers is not None)
        self.update()

    # -- places -------------------------------------------------------------------------------------------------

    def _box(self) -> QRectF:
        return QRectF(4.0, 2.0, max(self.width() - 16.0, 10.0), BAND)

    def _end(self) -> float:
        return float(self.layers.depth[-1]) if self.layers is not None else 1.0

    def _x(self, depth: float) -> float:
        box = self._box()
        return box.left() + box.width() * min(max(depth / self._end(), 0.0), 1.0)

    def bands(self) -> list[tuple[Layer, float, float]]:
        """Layers with the pixels at which they begin and end; those without known edges are left out."""
        found = []
        for layer in self.layers.rows if self.layers is not None else ():
            last = self.layers is not None and layer is self.layers.rows[-1]
            bottom = self._end() if last else layer.bottom
            if math.isfinite(layer.top) and math.isfinite(bottom) and bottom > layer.top:
                found.append((layer, self._x(layer.top), self._x(bottom)))
        return found

    # -- painting -----------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        if self.layers is None:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        colours, box = theme.current(), self._box()
        font = small(self.font())
        painter.setFont(font)
        metrics = QFontMetricsF(font)
        for number, (layer, left, right) in enumerate(self.bands()):
            colour = QColor(colours.series[(layer.number - 1) % len(colours.series)])
            band = QRectF(left, box.top(), right - left, box.height())
            painter.fillRect(band, faded(colour, 0.35))
            painter.setPen(QPen(QColor(colours.text)))
            words = metrics.elidedText(layer.name, Qt.TextElideMode.ElideRight, band.width() - 8)
            if band.width() > 24:
                painter.drawText(band, Qt.AlignmentFlag.AlignCenter, words)
            if number:
                self._edge(painter, layer, left, colours)
        painter.setPen(QPen(QColor(colours.axis), 1.0))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(box)
        self._axis(painter, metrics, colours)
        painter.end()

    def _edge(self, painter: QPainter, layer: Layer, x: float, colours: theme.Theme) -> None:
        """The boundary above a layer with its error."""
        box = self._box()
        error = layer.top_error / self._end() * box.width() if math.isfinite(layer.top_error) else 0.0
        painter.setPen(Qt.PenStyle.NoPen)
        if error >= _LEAST_ERROR / 2:
            painter.setBrush(QColor(colours.paper))
            zone = QRectF(x - error, box.top(), 2 * error, box.height())
            painter.setOpacity(0.55)
            painter.drawRect(zone)
            painter.setOpacity(1.0)
            painter.save()
            painter.setClipRect(zone)
            painter.setPen(QPen(QColor(colours.muted), 1.0))
            start = zone.left() - zone.height()
            while start < zone.right():
                painter.drawLine(QPointF(start, zone.bottom()), QPointF(start + zone.height(), zone.top()))
                start += 5.0
            painter.restore()
        painter.setPen(QPen(QColor(colours.text), 1.2))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))

    def _axis(self, painter: QPainter, metrics: QFontMetricsF, colours: theme.Theme) -> None:
        """Ticks with numbers, and the unit at the right."""
        assert self.layers is not None
        box, end = self._box(), self._end()
        title = self.layers.unit or {"scan": "scan"}.get(self.layers.quantity, "")
        step = _step(end, box.width() / 70.0)
        painter.setPen(QPen(QColor(colours.muted)))
        room = box.right() - metrics.horizontalAdvance(title)
        base = box.bottom() + 4
        decimals = max(0, -math.floor(math.log10(step)))
        for i in range(int(end / step + 1e-9) + 1):
            x, text = self._x(i * step), f"{i * step:.{decimals}f}"
            half = metrics.horizontalAdvance(text) / 2
            painter.drawLine(QPointF(x, box.bottom()), QPointF(x, base))
            left = max(x - half, 0.0)
            if x + half < room - 6:
                painter.drawText(QPointF(left, base + metrics.ascent() + 1), text)
        painter.drawText(QPointF(room, base + metrics.ascent() + 1), title)

    def mouseMoveEvent(self, event: object) -> None:
        """What is under the pointer."""
        point = event.position()  # type: ignore[attr-defined]
        words = next((self._words(layer) for layer, left, right in self.bands() if left <= point.x() <= right), "")
        QToolTip.showText(event.globalPosition().toPoint(), words, self)  # type: ignore[attr-defined]

    def _words(self, layer: Layer) -> str:
        unit = f" {self.layers.unit}" if self.layers is not None and self.layers.unit else ""
        if math.isnan(layer.thickness):
            return f"{layer.name}: from {with_error(layer.top, layer.top_error)}{unit} on"
        return f"{layer.name}: {with_error(layer.thickness, layer.error)}{unit} thick"


def _step(end: float, most: float) -> float:
    """A round distance of ticks, about `most` of them."""
    raw = end / max(most, 2.0)
    power = 10.0 ** math.floor(math.log10(raw))
    return next(factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= raw * (1 - 1e-9))
