"""The legend of a map of classes: a square of each colour with its word, in as many lines as it takes."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter

from fitting.image.classes import MapClass, classes
from fitting.image.maps import Map

SQUARE, SPACE, BETWEEN = 10.0, 5.0, 12.0


def legend_height(one: Map, font: QFont, width: float) -> float:
    """Of the legend in a room of this width."""
    metrics = QFontMetricsF(font)
    line = max((line for _, _, line, _ in _placed(one, metrics, width)), default=0)
    return (line + 1) * (metrics.height() + 3)


def paint_legend(painter: QPainter, one: Map, room: QRectF, ink: QColor) -> None:
    """Draw it with the font of the painter from the top of the room."""
    metrics = QFontMetricsF(painter.font())
    high = metrics.height()
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for each, x, line, wide in _placed(one, metrics, room.width()):
        top = room.top() + line * (high + 3)
        square = QRectF(room.left() + x, top + (high - SQUARE) / 2, SQUARE, SQUARE)
        painter.fillRect(square, QColor(each.colour))
        painter.setPen(ink)
        painter.drawRect(square)
        words = metrics.elidedText(each.words, Qt.TextElideMode.ElideRight, wide - SQUARE - SPACE + 1)
        painter.drawText(QRectF(square.right() + SPACE, top, wide, high), Qt.AlignmentFlag.AlignVCenter, words)


def _placed(one: Map, metrics: QFontMetricsF, width: float) -> Iterator[tuple[MapClass, float, int, float]]:
    """Each class, how far right and in which line it stands, and how wide it is."""
    x, line = 0.0, 0
    for each in classes(one):
        wide = min(SQUARE + SPACE + metrics.horizontalAdvance(each.words), width)
        if x and x + wide > width:
            x, line = 0.0, line + 1
        yield each, x, line, wide
        x += wide + BETWEEN
