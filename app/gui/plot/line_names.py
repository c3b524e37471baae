"""Names of the lines of a mass spectrum, over their tops: the strongest first, only those with room."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.theme import Theme
from fitting.dataset import FloatArray

_GAP, _MOST = 5.0, 400


@dataclass(frozen=True)
class LineName:
    """A name at a place of the axis; its line reaches from `low` to `high`. Strong ones come first."""

    place: float
    name: str
    low: float
    high: float
    strong: bool = False


class LineNames:
    """Paints the names that have room."""

    def __init__(self, font: QFont) -> None:
        self._font = font
        self.names: tuple[LineName, ...] = ()
        self._tops: FloatArray = np.zeros(0)
        self.painted: tuple[str, ...] = ()
        self._curve: tuple[FloatArray, FloatArray] = (np.zeros(0), np.zeros(0))

    def show(self, names: Sequence[LineName], x: FloatArray, y: FloatArray) -> None:
        """Show these names on a curve (y as it is drawn)."""
        self.names, self._curve = tuple(names), (x, y)
        tops = np.full(len(self.names), np.nan)
        if x.size:
            for number, one in enumerate(self.names):
                first, stop = np.searchsorted(x, (one.low, one.high))
                first, stop = max(int(first) - 1, 0), min(int(stop) + 1, x.size)
                tops[number] = float(y[first:stop].max()) if stop > first else np.nan
        self._tops = tops

    def paint(self, painter: QPainter, mapper: Mapper, colours: Theme) -> None:
        """Paint over the plot."""
        self.painted = ()
        if not self.names:
            return
        box, metrics = mapper.box, QFontMetricsF(self._font)
        x = mapper.px(np.array([one.place for one in self.names]))
        tops = np.where(np.isfinite(self._tops), self._tops, mapper.y[0])
        y = mapper.py(tops)
        seen = [i for i in range(len(self.names)) if box.left() <= x[i] <= box.right() and y[i] > box.top() - 40]
        seen.sort(key=lambda i: (not self.names[i].strong, float(y[i])))
        taken: list[QRectF] = []
        painted = []
        sky = _sky(*self._curve, mapper)
        painter.save()
        painter.setFont(self._font)
        painter.setClipRect(box)
        for i in seen[:_MOST]:
            one = self.names[i]
            place = _place(float(x[i]), float(y[i]), metrics.horizontalAdvance(one.name) + 4, metrics.height(), box)
            if any(place.intersects(other) for other in taken) or _covers(place, sky, box):
                continue
            taken.append(place.adjusted(-2, -1, 2, 1))
            painted.append(one.name)
            _paint(painter, place, one, float(x[i]), float(y[i]), colours)
        painter.restore()
        self.painted = tuple(painted)


def _place(x: float, y: float, width: float, height: float, box: QRectF) -> QRectF:
    left = min(max(x - width / 2, box.left() + 1), box.right() - width - 1)
    top = max(min(y, box.bottom()) - _GAP - height, box.top() + 2)
    return QRectF(left, top, width, height)


def _paint(painter: QPainter, place: QRectF, one: LineName, x: float, y: float, colours: Theme) -> None:
    ink = QColor(colours.accent if one.strong else colours.text)
    painter.fillRect(place, faded(colours.paper, 0.8))
    painter.setPen(ink)
    painter.drawText(place, Qt.AlignmentFlag.AlignCenter, one.name)
    if y > place.bottom() + 1:
        painter.setPen(QPen(faded(ink, 0.6), 1.0))
        painter.drawLine(QPointF(x, place.bottom()), QPointF(x, y - 1))


def _sky(x: FloatArray, y: FloatArray, mapper: Mapper) -> FloatArray:
    """The highest drawn point of each column of pixels, as a pixel; the foot of the plot where nothing is drawn."""
    box = mapper.box
    tops = np.full(int(box.width()) + 2, box.bottom())
    low, high = sorted(mapper.x)
    first, stop = (int(i) for i in np.searchsorted(x, (low, high)))
    if stop - first < 2:
        return tops
    columns = (mapper.px(x[first:stop]) - box.left()).astype(int)
    starts = np.concatenate(([0], np.flatnonzero(np.diff(columns)) + 1))
    heights = mapper.py(np.maximum.reduceat(y[first:stop], starts))
    at = np.clip(columns[starts], 0, tops.size - 1)
    tops[at] = np.minimum(tops[at], heights)
    return tops


def _covers(place: QRectF, sky: FloatArray, box: QRectF) -> bool:
    """Whether a name would stand on the curve."""
    left, right = int(place.left() - box.left()), int(place.right() - box.left()) + 1
    part = sky[max(left, 0) : max(right, 1)]
    return part.size > 0 and float(part.min()) < place.bottom() - 1
