"""Axes of the depth profile: counts on a logarithmic or a linear axis, with faint lines at the labelled ticks."""

from __future__ import annotations

import math

import numpy as np
from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QTransform

from app.gui.plot.axes import PlainAxis
from app.gui.plot.canvas import Grid
from app.gui.plot.layers import pen

_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_FINE_BELOW = 1.7  # decades of the view: below, 2 and 5 of each decade are labelled as well


class CountAxis(PlainAxis):
    """Numbers, or powers of ten where `logarithmic` (values are then logarithms)."""

    def __init__(self, orientation: str, font: QFont) -> None:
        super().__init__(orientation, font)
        self.logarithmic = False
        self._metrics = QFontMetricsF(font)

    def tickSpacing(self, minimum: float, maximum: float, size: float) -> list[tuple[float, float]]:
        """Whole decades on a logarithmic axis."""
        if not self.logarithmic:
            return super().tickSpacing(minimum, maximum, size)
        room = max(size / self._spacing, 1.0)
        return [(float(max(math.ceil(abs(maximum - minimum) / room), 1)), 0.0)]

    def tickValues(self, minVal: float, maxVal: float, size: float) -> list[tuple[float, list[float]]]:
        """Places of labelled ticks."""
        if not self.logarithmic:
            return super().tickValues(minVal, maxVal, size)
        return [(1.0, self.places(minVal, maxVal, size))]

    def places(self, low: float, high: float, size: float) -> list[float]:
        """Logarithms of the labelled numbers."""
        low, high = sorted((low, high))
        if high - low < 0.25:
            steps = super().tickSpacing(10.0**low, 10.0**high, size)[0][0]
            first = math.ceil(10.0**low / steps)
            count = math.floor(10.0**high / steps) - first + 1
            return [math.log10((first + i) * steps) for i in range(max(count, 0)) if (first + i) > 0]
        if high - low < _FINE_BELOW:
            decades = range(math.floor(low), math.ceil(high) + 1)
            every = [decade + math.log10(factor) for decade in decades for factor in (1, 2, 5)]
            return [one for one in every if low <= one <= high]
        step = self.tickSpacing(low, high, size)[0][0]
        return [float(v) for v in np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """1, 10, 100, 10³ ..., with 2 and 5 between them where there is room."""
        if not self.logarithmic:
            return super().tickStrings(values, scale, spacing)
        return [power_words(value) for value in values]

    def room(self) -> float:
        """Pixels that the longest number needs."""
        if not self.logarithmic:
            return super().room()
        low, high = sorted(self.range)
        places = self.places(low, high, max(self.size().height(), 1.0))
        return max([self._metrics.horizontalAdvance(power_words(value)) for value in places] or [20.0])


def power_words(value: float) -> str:
    """10**value: "500", "0.02", "10⁵", "2·10⁵"."""
    if -2.5 < value < 2.95:
        return f"{10.0**value:.4g}"
    decade = math.floor(value + 1e-9)
    factor = 10.0 ** (value - decade)
    power = "10" + str(decade).translate(_SUPER)
    return power if abs(factor - 1.0) < 1e-3 else f"{factor:.3g}·{power}"


class CountGrid(Grid):
    """Lines at the labelled ticks of a `CountAxis`."""

    def __init__(self, axis: CountAxis) -> None:
        super().__init__(axis)
        self._counts = axis

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        if not self._counts.logarithmic:
            super().draw(painter, to_pixels)
            return
        low, high = sorted(self._counts.range)
        view = to_pixels.mapRect(self.viewRect())
        painter.setPen(pen(self._colour, 1.0, Qt.PenStyle.SolidLine))
        for tick in self._counts.places(low, high, self._counts.size().height()):
            y = round(to_pixels.map(QPointF(0.0, tick)).y()) + 0.5
            painter.drawLine(QPointF(view.left(), y), QPointF(view.right(), y))
