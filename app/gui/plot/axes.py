"""Axes with plain numbers, thin-spaced thousands and a width that both plots share."""

from __future__ import annotations

import math

import pyqtgraph as pg
from PySide6.QtGui import QFont, QFontMetricsF

from app.gui.theme import Theme
from app.numerals import grouped


class PlainAxis(pg.AxisItem):
    """An axis without SI prefixes, with calm ticks; with `powers` its numbers are logarithms to the base of ten."""

    def __init__(self, orientation: str, font: QFont) -> None:
        super().__init__(orientation, maxTickLength=5)
        self.enableAutoSIPrefix(False)
        self._font = font
        self.setTickFont(font)
        self.setStyle(
            autoExpandTextSpace=False,
            autoReduceTextSpace=False,
            tickTextOffset=6,
            hideOverlappingLabels=False,
            maxTickLevel=0,
        )
        if orientation == "left":
            self.setStyle(tickLength=0)
            self.setTextSpacing(38.0)
        else:
            self.setTextSpacing(60.0)
        self.powers = False

    def setTextSpacing(self, pixels: float) -> None:
        """Least distance of labelled ticks."""
        self._spacing = pixels

    def tickSpacing(self, minimum: float, maximum: float, size: float) -> list[tuple[float, float]]:
        """One level of round ticks: 1, 2 or 5 times a power of ten."""
        span = abs(maximum - minimum)
        if span <= 0 or size <= 0:
            return [(1.0, 0.0)]
        least = span * self._spacing / size
        if self.powers:
            return [(float(max(1, math.ceil(least))), 0.0)]
        power = 10.0 ** math.floor(math.log10(least))
        step = next((factor * power for factor in (1, 2, 5) if factor * power >= least), 10 * power)
        return [(step, 0.0)]

    def tickStrings(self, values: list[float], scale: float, spacing: float) -> list[str]:
        """Numbers as they are printed."""
        if not values:
            return []
        if self.powers:
            return [_power(value * scale) for value in values]
        if max(abs(v) for v in values) * scale >= 1e7 or 0 < spacing * scale < 1e-6:
            return [_scientific(v * scale) for v in values]
        decimals = max(0, -math.floor(math.log10(spacing * scale) + 1e-9))
        return [grouped(v * scale, decimals) for v in values]

    def room(self) -> float:
        """Pixels that the longest number needs (left axes)."""
        low, high = sorted(self.range)
        size = max(self.size().height(), 1.0)
        step = self.tickSpacing(low, high, size)[0][0]
        texts = self.tickStrings([low, high, math.floor(high / step) * step, math.ceil(low / step) * step], 1.0, step)
        metrics = QFontMetricsF(self._font)
        return max(metrics.horizontalAdvance(text) for text in texts)

    def recolour(self, colours: Theme) -> None:
        """Colours of the theme."""
        self.setPen(pg.mkPen(colours.axis, width=1))
        self.setTickPen(pg.mkPen(colours.axis, width=1))
        self.setTextPen(pg.mkPen(colours.muted))
        self.labelStyle = {"color": colours.muted, "font-size": f"{self._font.pixelSize()}px"}
        self.setLabel(self.labelText)


_SUPER = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def _scientific(value: float) -> str:
    """A very large or small number: 2·10¹⁴, 10⁻⁷."""
    if value == 0.0:
        return "0"
    digits, power = f"{value:.2e}".split("e")
    digits = digits.rstrip("0").rstrip(".")
    ten = "10" + str(int(power)).translate(_SUPER)
    return {"1": ten, "-1": f"−{ten}"}.get(digits, f"{digits.replace('-', '−')}·{ten}")


def _power(exponent: float) -> str:
    """A power of ten: 1, 10, 100, then 10³; nothing below one count."""
    whole = round(exponent)
    if abs(exponent - whole) > 1e-6 or whole < 0:
        return ""
    return str(10**whole) if whole < 3 else "10" + str(whole).translate(_SUPER)
