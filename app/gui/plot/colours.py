"""Small helpers for colours and type on a plot; the colours themselves are the theme's."""

from __future__ import annotations

from PySide6.QtGui import QColor, QFont

from app.gui.theme import font_pixels


def faded(colour: QColor | str, alpha: float) -> QColor:
    """The colour with an opacity between 0 and 1."""
    result = QColor(colour)
    result.setAlphaF(alpha)
    return result


def small(font: QFont) -> QFont:
    """A font one pixel smaller, for ticks and labels."""
    result = QFont(font)
    result.setPixelSize(max(font_pixels(font) - 1, 10))
    return result
