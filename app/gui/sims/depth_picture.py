"""A small picture of numbers over the field, with its colour bar."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.gui import theme
from app.gui.image.colouring import bar, coloured, label, limits
from app.gui.plot.colours import small

_BAR, _GAP, _WORDS = 12, 10, 60


class DepthPicture(QWidget):
    """Numbers of shape (rows, columns) by colour; what is not finite stays empty.

    Parameters
    ----------
    name : str
        What screen readers call it.
    unit : str
        Stands at the colour bar.
    """

    def __init__(self, name: str, unit: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.unit = unit
        self.values: NDArray[np.float64] | None = None
        self.setAccessibleName(name)
        self.setFixedHeight(220)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_values(self, values: NDArray[np.float64] | None) -> None:
        """Draw other numbers; None draws nothing."""
        self.values = values
        self.setVisible(values is not None)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Picture, bar, and its ends in words."""
        del event
        if self.values is None:
            return
        values = self.values
        low, high = limits(values)
        rows, columns = values.shape
        room = QRectF(0, 4, self.width() - _BAR - 2 * _GAP - _WORDS, self.height() - 8)
        scale = min(room.width() / columns, room.height() / rows)
        place = QRectF(room.left(), room.top(), columns * scale, rows * scale)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
        painter.drawImage(place, coloured(values, low, high, "viridis"))
        left = place.right() + _GAP
        painter.save()
        painter.translate(left, place.bottom())
        painter.rotate(-90)
        painter.drawImage(QRectF(0, 0, place.height(), _BAR), bar("viridis"))
        painter.restore()
        colours = theme.current()
        painter.setFont(small(self.font()))
        painter.setPen(QColor(colours.text))
        line = painter.fontMetrics().height()
        words = QRectF(left + _BAR + 5, place.top() - 2, _WORDS + _GAP, line)
        painter.drawText(words, Qt.AlignmentFlag.AlignLeft, label(high, low, high))
        painter.drawText(words.translated(0, place.height() - line + 4), Qt.AlignmentFlag.AlignLeft,
                         label(low, low, high))
        painter.setPen(QColor(colours.muted))
        painter.drawText(words.translated(0, (place.height() - line) / 2), Qt.AlignmentFlag.AlignLeft, self.unit)
        painter.end()
