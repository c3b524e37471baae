"""What is painted over the traces: ranges, marks with their errors, names of curves, the pointer's reading."""

from __future__ import annotations

import math
from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.sims.profile_marks import Curve, Mark
from app.gui.theme import Theme


def ink_of(colour: int | str, colours: Theme) -> QColor:
    """A colour of the theme by number or name, or a colour."""
    if isinstance(colour, int):
        return colours.of(colour)
    return QColor(getattr(colours, colour, colour))


def paint_marks(painter: QPainter, mapper: Mapper, marks: Sequence[Mark], colours: Theme) -> dict[int, QRectF]:
    """Vertical lines with a band of one standard error to both sides; where their names stand, by their number."""
    box, metrics = mapper.box, QFontMetricsF(painter.font())
    height = metrics.height() + 4
    rows: list[list[tuple[float, float]]] = []
    plates: dict[int, QRectF] = {}
    painter.save()
    painter.setClipRect(box.adjusted(-1, -1, 1, 1))
    order = sorted(range(len(marks)), key=lambda i: marks[i].position)
    for number in order:
        mark = marks[number]
        x = float(mapper.px(mark.position))
        if not math.isfinite(x) or not box.left() - 1 <= x <= box.right() + 1:
            continue
        ink = ink_of(mark.colour, colours)
        if math.isfinite(mark.error) and mark.error > 0:
            half = abs(float(mapper.px(mark.position + mark.error)) - x)
            painter.fillRect(QRectF(x - half, box.top(), max(2 * half, 1.0), box.height()), faded(ink, 0.16))
        painter.setPen(QPen(ink, 1.4, Qt.PenStyle.DashLine))
        painter.drawLine(QPointF(x, box.top()), QPointF(x, box.bottom()))
        if not mark.label:
            continue
        width = metrics.horizontalAdvance(mark.label) + 10
        left = min(max(x - width / 2, box.left() + 2), box.right() - width - 2)
        row = next((i for i, taken in enumerate(rows) if all(left >= e + 3 or left + width <= s - 3
                                                             for s, e in taken)), len(rows))
        if row == len(rows):
            rows.append([])
        rows[row].append((left, left + width))
        # From the bottom upwards: names of ranges stand at the top.
        plate = QRectF(left, box.bottom() - 4 - height - row * (height + 2), width, height)
        plates[number] = plate
        painter.setPen(QPen(faded(ink, 0.8), 1.0))
        painter.setBrush(faded(colours.paper, 0.93))
        painter.drawRoundedRect(plate, 4, 4)
        painter.setPen(ink.lighter(112) if colours.dark else ink.darker(125))
        painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, mark.label)
    painter.restore()
    return plates


def paint_curve_names(
    painter: QPainter, mapper: Mapper, curves: Sequence[tuple[Curve, float, float]], colours: Theme
) -> None:
    """Names of fitted curves beside a point of each (curve, x, height on the axis)."""
    metrics = QFontMetricsF(painter.font())
    for curve, x, y in curves:
        if not curve.label or not math.isfinite(y):
            continue
        at = mapper.point(x, y)
        if mapper.box.contains(at):
            painter.setPen(ink_of(curve.colour, colours))
            painter.drawText(at + QPointF(6.0, -0.5 * metrics.height()), curve.label)


def paint_reading(painter: QPainter, mapper: Mapper, point: QPointF, ink: QColor, colours: Theme) -> None:
    """A ring around the point that is read."""
    if not mapper.box.adjusted(-2, -2, 2, 2).contains(point):
        return
    painter.setPen(QPen(QColor(colours.paper), 3.0))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawEllipse(point, 5.0, 5.0)
    painter.setPen(QPen(ink, 1.8))
    painter.drawEllipse(point, 5.0, 5.0)


def paint_empty(painter: QPainter, box: QRectF, words: str, colours: Theme) -> None:
    """Words in the middle of an empty plot, over axes that count nothing."""
    painter.fillRect(box, QColor(colours.paper))
    painter.setPen(QColor(colours.muted))
    painter.drawText(box.adjusted(24, 0, -24, 0), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, words)
