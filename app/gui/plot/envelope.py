"""Counts on a logarithmic axis: the highest of every column of pixels as a line, what lies below pale.

Most channels of a mass spectrum hold no count or one. A line through all of them fills the foot of the plot with
verticals, so that weak lines drown; the highest channel of each column tells as much, with a pale area below it.
Nothing is averaged: every line keeps its height.
"""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QColor, QPainter, QTransform

from app.gui.plot.layers import FastLine, Layer, pen, polygon
from app.gui.plot.thinned import in_sight, starts_of
from fitting.dataset import FloatArray

CHANNEL = 6.0  # pixels: channels this wide or wider are drawn one by one
PALE = 0.22
NO_COUNT = 0.5  # a channel without any count stands here, half a count below one
DECADES = 8  # below the highest, where intensities are no counts


def floor_of(y: FloatArray, counts: bool) -> float:
    """The least number that a logarithmic axis shows: half a count, or half the least intensity above zero."""
    above = y[y > 0] if y.size else y
    if counts or above.size == 0:
        return NO_COUNT
    return max(0.5 * float(above.min()), float(above.max()) / 10**DECADES)


def columns_of(
    x: FloatArray, y: FloatArray, to_pixels: QTransform, view: QRectF
) -> tuple[FloatArray, FloatArray] | None:
    """Middle and highest of each column of pixels in sight; None where channels are drawn one by one.

    Parameters
    ----------
    x, y : array, shape (n,)
        x ascending.
    to_pixels : QTransform
    view : QRectF
        What is in sight, in data coordinates.
    """
    x, y = in_sight(x, y, view)
    wide = abs(to_pixels.m11()) * view.width()
    if x.size < 2 or x.size * CHANNEL < wide:
        return None
    starts = starts_of(x, to_pixels)
    middle = np.floor(to_pixels.m11() * x[starts] + to_pixels.dx()) + 0.5
    return (middle - to_pixels.dx()) / to_pixels.m11(), np.maximum.reduceat(y, starts)


class Envelope(Layer):
    """Many channels on a logarithmic axis."""

    def __init__(self, z: float) -> None:
        super().__init__(z)
        self._data: tuple[FloatArray, FloatArray] = (np.zeros(0), np.zeros(0))
        self._foot: FloatArray = np.zeros(1)
        self._colour, self._line = QColor("#000000"), pen("#000000", 1.0)
        self._pieces = FastLine()

    def set_data(self, x: FloatArray, y: FloatArray) -> None:
        """Show these channels; y are logarithms, none below the floor."""
        self._data, self._foot = (x, y), y.min(initial=np.inf, keepdims=True)
        self._resize([(x, y)])
        self.update()

    def set_colour(self, colour: QColor | str) -> None:
        """Colour of the line."""
        self._colour, self._line = QColor(colour), pen(colour, 1.1)
        self.update()

    def draw(self, painter: QPainter, to_pixels: QTransform) -> None:
        """Draw."""
        x, y = self._data
        if x.size < 2:
            return
        found = columns_of(x, y, to_pixels, self.viewRect())
        if found is None:
            view = self.viewRect()
            first = max(int(np.searchsorted(x, view.left())) - 1, 0)
            stop = min(int(np.searchsorted(x, view.right())) + 2, x.size)
            if stop - first > 1:
                self._pieces.draw(painter, self._line, x[first:stop], y[first:stop], to_pixels)
            return
        at, high = found
        pale = QColor(self._colour)
        pale.setAlphaF(PALE)
        area = polygon(np.concatenate([at[:1], at, at[-1:]]), np.concatenate([self._foot, high, self._foot]))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QBrush(pale))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)  # the line on top smooths the edge
        painter.drawPolygon(to_pixels.map(area))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if at.size > 1:
            self._pieces.draw(painter, self._line, at, high, to_pixels)
