"""The legend over a volume: colours, names, and the values of full colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPen

from app.gui import theme
from app.gui.image.colouring import bar

SWATCH, BAR, APART = 11.0, 110.0, 18.0


@dataclass(frozen=True)
class LegendRow:
    """One volume: name, colour and values of no and full colour."""

    name: str
    colour: str
    low: float
    high: float
    unit: str = ""
    level: float | None = None

    @property
    def words(self) -> str:
        """What the colour, or the surface, stands for."""
        unit = f" {self.unit}" if self.unit else ""
        if self.level is not None:
            at = self.low + self.level * (self.high - self.low)
            return f"surface at {at:.3g}{unit} a voxel"
        return f"{self.low:.3g}–{self.high:.3g}{unit} a voxel"


def laid_out(rows: Sequence[LegendRow], metrics: QFontMetrics, width: float, table: str = "") -> list[QRectF]:
    """Places of the rows, side by side as far as the width goes."""
    high, left, top = metrics.height() + 5.0, 0.0, 0.0
    places = []
    for row in rows:
        words = metrics.horizontalAdvance(row.name) + 10 + metrics.horizontalAdvance(row.words) + 8
        wide = (BAR + 8 if table else SWATCH + 7) + words
        if left > 0 and left + wide > width:
            left, top = 0.0, top + high
        places.append(QRectF(left, top, min(wide, width), high))
        left += wide + APART
    return places


def paint_legend(painter: QPainter, rows: Sequence[LegendRow], at: QPointF, width: float, table: str = "") -> None:
    """Rows from a corner on; with a colour map a bar of it for the only row."""
    colours, metrics = theme.current(), painter.fontMetrics()
    for row, place in zip(rows, laid_out(rows, metrics, width, table), strict=True):
        line = place.translated(at)
        painter.setPen(QPen(QColor(colours.border_strong), 1))
        if table:
            strip = QRectF(line.left(), line.center().y() - 5, BAR, 10)
            painter.drawImage(strip, bar(table))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(strip)
            left = strip.right() + 8
        else:
            painter.setBrush(QColor(row.colour))
            painter.drawRoundedRect(QRectF(line.left(), line.center().y() - SWATCH / 2, SWATCH, SWATCH), 2, 2)
            left = line.left() + SWATCH + 7
        room = line.right() - left
        name = metrics.elidedText(row.name, Qt.TextElideMode.ElideRight,
                                  max(room - 12 - metrics.horizontalAdvance(row.words), room / 3))
        painter.setPen(QColor(colours.text))
        painter.drawText(line.adjusted(left - line.left(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, name)
        painter.setPen(QColor(colours.muted))
        after = left + metrics.horizontalAdvance(name) + 10
        painter.drawText(line.adjusted(after - line.left(), 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, row.words)
