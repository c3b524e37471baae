"""The box around a volume: its edges, section planes and the scales of its axes."""

from __future__ import annotations

from itertools import product

import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from app.gui import theme
from app.gui.plot.colours import faded
from app.gui.sims.volume_frames import Wish
from fitting.dataset import AXIS_LABELS, Axis, FloatArray
from fitting.sims.raycast_rays import projected

AWAY = 9.0  # pixels from an edge to its words
_TRIES = 5  # steps outwards in search of room


def corners(wish: Wish) -> FloatArray:
    """Corners of what is drawn, shape (2, 2, 2, 3): by scan, row and column."""
    limits = [(a - 0.5, b + 0.5) for a, b in wish.part]
    return np.array(list(product(*limits)), dtype=float).reshape(2, 2, 2, 3)


class _Words:
    """Words beside the box: inside the picture, and not over each other."""

    def __init__(self, painter: QPainter, width: int, height: int) -> None:
        self._painter, self._room = painter, QRectF(2.0, 1.0, width - 4.0, height - 2.0)
        self.taken: list[QRectF] = []

    def put(self, at: FloatArray, out: FloatArray, text: str) -> None:
        """Text whose side towards the box lies at a point; further out where others stand, left out where all do."""
        metrics = self._painter.fontMetrics()
        wide, high = metrics.horizontalAdvance(text) + 2.0, float(metrics.height())
        for step in range(_TRIES):
            there = at + step * 0.6 * high * out
            box = QRectF(there[0] - wide / 2 + out[0] * wide / 2, there[1] - high / 2 + out[1] * high / 2, wide, high)
            # Words that would be cut off move inwards.
            box.moveLeft(min(max(box.left(), self._room.left()), self._room.right() - wide))
            box.moveTop(min(max(box.top(), self._room.top()), self._room.bottom() - high))
            if not any(box.intersects(other) for other in self.taken):
                self.taken.append(box)
                self._painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
                return


def paint_box(painter: QPainter, wish: Wish, axes: tuple[Axis, ...], width: int, height: int) -> list[QRectF]:
    """Edges (those behind pale), outlines of section planes, and the scales; where their words stand."""
    colours = theme.current()
    flat = projected(wish.camera, wish.shape, wish.size, width, height, corners(wish))
    farthest = np.unravel_index(int(np.argmax(flat[..., 2])), (2, 2, 2))
    ink = QColor(colours.axis)
    for axis in range(3):
        for ends in product(*((0, 1) if a != axis else (0,) for a in range(3))):
            other = tuple(1 if a == axis else ends[a] for a in range(3))
            behind = all(ends[a] == farthest[a] for a in range(3) if a != axis)
            painter.setPen(QPen(faded(ink, 0.35) if behind else ink, 1.0))
            painter.drawLine(_point(flat[ends]), _point(flat[other]))
    if wish.look.mode == "sections":
        _paint_planes(painter, wish, width, height)
    words = _Words(painter, width, height)
    if len(axes) == 3:
        names = [_paint_scale(painter, words, wish, axes[axis], axis, flat) for axis in range(3)]
        painter.setPen(QColor(colours.text))
        for name in names:
            if name is not None:
                words.put(*name)
    return words.taken


def _point(at: FloatArray) -> QPointF:
    return QPointF(float(at[0]), float(at[1]))


def _paint_planes(painter: QPainter, wish: Wish, width: int, height: int) -> None:
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(faded(QColor(theme.current().accent), 0.75), 1.0))
    for axis in range(3):
        square = []
        limits = [(a - 0.5, b + 0.5) for a, b in wish.part]
        first, second = (a for a in range(3) if a != axis)
        for i, j in ((0, 0), (0, 1), (1, 1), (1, 0)):
            point = [0.0, 0.0, 0.0]
            point[axis], point[first], point[second] = float(wish.cuts[axis]), limits[first][i], limits[second][j]
            square.append(point)
        flat = projected(wish.camera, wish.shape, wish.size, width, height, np.array(square))
        painter.drawPolygon(QPolygonF([_point(at) for at in flat]))


def _paint_scale(painter: QPainter, words: _Words, wish: Wish, axis: Axis, which: int,
                 flat: FloatArray) -> tuple[FloatArray, FloatArray, str] | None:
    """Limits of an axis beside that of its four edges which lies lowest (depth: leftmost) on the outline.

    Where its name belongs is returned; None where there is no room.
    """
    edges = []
    for ends in product(*((0, 1) if a != which else (0,) for a in range(3))):
        other = tuple(1 if a == which else ends[a] for a in range(3))
        edges.append((flat[ends][:2], flat[other][:2]))
    length = float(np.hypot(*(edges[0][1] - edges[0][0])))
    if length < 40:
        return None  # seen from its end
    middle = flat.reshape(-1, 3)[:, :2].mean(axis=0)

    def rank(edge: tuple[FloatArray, FloatArray]) -> float:
        centre = (edge[0] + edge[1]) / 2
        return float(-centre[0] + 0.2 * centre[1] if which == 0 else centre[1])

    start, end = max(edges, key=rank)
    out = np.array([-(end - start)[1], (end - start)[0]]) / length
    if out @ ((start + end) / 2 - middle) < 0:
        out = -out
    first, last = wish.part[which]
    low, high = limits_on(axis, first, last)
    unit = f" {axis.unit}" if axis.unit else ""
    name = ("", "Rows", "Columns")[which] if axis.quantity == "index" else ("", "y", "x")[which]
    name = name or AXIS_LABELS[axis.quantity]
    painter.setPen(QColor(theme.current().muted))
    along = (end - start) / length
    for at, sense, text in ((start, 1, f"{low:.3g}"), (end, -1, f"{high:.3g}{unit}")):
        # Away from the corner, where the words of the next axis stand.
        inset = 4 + abs(along[0]) * painter.fontMetrics().horizontalAdvance(text) / 2
        words.put(at + sense * inset * along + AWAY * out, out, text)
    widest = max(painter.fontMetrics().horizontalAdvance(f"{high:.3g}{unit}"), 30)
    further = AWAY if abs(out[0]) < 0.7 else AWAY + 6
    if length > 2 * widest + painter.fontMetrics().horizontalAdvance(name) or abs(out[0]) > 0.7:
        return (start + end) / 2 + further * out, out, name
    return None


def limits_on(axis: Axis, first: int, last: int) -> tuple[float, float]:
    """Values at the ends of a row of pixels: lengths count from the edge of the first, all else are the axis' own."""
    if axis.quantity in ("distance", "index"):
        step = axis.step if axis.step > 0 and axis.quantity == "distance" else 1.0
        return first * step, (last + 1) * step
    return float(axis.values[first]), float(axis.values[last])
