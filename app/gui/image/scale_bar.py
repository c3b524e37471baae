"""The scale bar in the lower left corner of an image."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter

from app.gui.plot.colours import small


def paint_scale_bar(painter: QPainter, frame: QRectF, wide: float, words: str, font: QFont) -> None:
    """White on a dark plate, legible on every colour; `wide` in pixels of the screen."""
    painter.setFont(small(font))
    metrics = painter.fontMetrics()
    plate = QRectF(frame.left() + 7, frame.bottom() - metrics.height() - 15,
                   max(wide, metrics.horizontalAdvance(words)) + 10, metrics.height() + 9)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(0, 0, 0, 140))
    painter.drawRoundedRect(plate, 4, 4)
    painter.setBrush(QColor("#ffffff"))
    painter.drawRect(QRectF(plate.center().x() - wide / 2, plate.bottom() - 6, wide, 3))
    painter.setPen(QColor("#ffffff"))
    painter.drawText(plate.adjusted(0, 1, 0, -7), Qt.AlignmentFlag.AlignHCenter | Qt.AlignmentFlag.AlignTop, words)
