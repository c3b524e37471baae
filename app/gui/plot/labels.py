"""Places for the names of components: near their peaks, clear of each other, of the data and of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QPointF, QRectF

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels; plain numbers, since speed counts here

GAP = 7.0  # pixels between a label and what is under it
LEADER_FROM = 26.0  # a label further from its peak than this gets a line to it
GOOD = 45.0  # a place as cheap as this ends the search
SHIFTS = (0.0, -0.35, 0.35, -0.62, 0.62, -0.95, 0.95)  # sideways, in widths of the label
LIFTS = (0.0, 1.15, 2.3, 3.45)  # upwards, in heights


@dataclass(frozen=True)
class Wanted:
    """A label to place: its key, its size in pixels and the pixel of the peak it belongs to."""

    key: str
    width: float
    height: float
    at: QPointF


@dataclass(frozen=True)
class Placed:
    """A label with its place; `leader` says that it stands apart and wants a line to its peak."""

    key: str
    box: QRectF
    leader: bool


class Skyline:
    """Highest drawn point at each place, in columns of a few pixels."""

    COLUMN = 4

    def __init__(self, frame: QRectF, x: np.ndarray, y: np.ndarray) -> None:
        self._left = frame.left()
        count = max(int(frame.width() / self.COLUMN) + 2, 1)
        tops = np.full(count, np.inf)
        columns = ((x - self._left) / self.COLUMN).astype(int)
        inside = (columns >= 0) & (columns < count)
        np.minimum.at(tops, columns[inside], y[inside])
        # Sparse points leave columns empty between them: those take the line between the neighbours.
        known = np.isfinite(tops)
        if known.any():
            at = np.arange(count)
            line = np.interp(at, at[known], tops[known], left=np.inf, right=np.inf)
            tops = np.where(known, tops, line)
        self._tops: list[float] = tops.tolist()

    def top(self, left: float, right: float, default: float) -> float:
        """Highest point between two pixels; `default` where nothing is drawn."""
        first = max(int((left - self._left) / self.COLUMN), 0)
        part = self._tops[first : int((right - self._left) / self.COLUMN) + 1]
        found = min(part, default=np.inf)
        return default if found == np.inf else found


def place(
    wanted: Sequence[Wanted],
    frame: QRectF,
    curve: tuple[np.ndarray, np.ndarray],
    blocked: Sequence[QRectF],
    before: dict[str, tuple[float, float]],
    moving: str | None = None,
) -> list[Placed]:
    """Places labels one after the other, highest peak first.

    Parameters
    ----------
    wanted : sequence of Wanted
    frame : QRectF
        The plot; labels stay inside.
    curve : (x, y)
        Pixels, x ascending, of the highest drawn point of data and model at each place.
    blocked : sequence of QRectF
        Pixels to keep clear: handles, say.
    before : dict
        Offset of each label in the picture before, which is kept where it is nearly as good, so that labels do not
        jump while a peak is dragged; brought up to date here.
    moving : str, optional
        The peak being dragged: the other labels only follow the curve under them.
    """
    sky = Skyline(frame, *curve)
    edges: Box = (frame.left(), frame.top(), frame.right(), frame.bottom())
    taken: list[Box] = [(b.left(), b.top(), b.right(), b.bottom()) for b in blocked]
    done: list[Placed] = []
    for label in sorted(wanted, key=lambda w: w.at.y()):
        known = before.get(label.key)
        box, before[label.key] = _best(label, edges, sky, taken, known, moving not in (None, label.key))
        left, top, right, bottom = box
        x, y = label.at.x(), label.at.y()
        distance = abs(min(max(x, left), right) - x) + abs(bottom - y)
        done.append(Placed(label.key, QRectF(left, top, right - left, bottom - top), distance > LEADER_FROM))
        taken.append(box)
    return done


def _best(
    label: Wanted,
    edges: Box,
    sky: Skyline,
    taken: list[Box],
    before: tuple[float, float] | None,
    keep: bool,
) -> tuple[Box, tuple[float, float]]:
    if keep and before is not None:
        return _box(label, *before, edges, sky), before
    best: tuple[float, Box, tuple[float, float]] | None = None
    for lift in LIFTS:
        for shift in SHIFTS:
            box = _box(label, shift, lift, edges, sky)
            cost = _cost(box, label, edges, taken, sky) - (6.0 if before == (shift, lift) else 0.0)
            if best is None or cost < best[0]:
                best = (cost, box, (shift, lift))
        assert best is not None
        if best[0] < GOOD:
            break
    assert best is not None
    return best[1], best[2]


def _box(label: Wanted, shift: float, lift: float, edges: Box, sky: Skyline) -> Box:
    x, y = label.at.x(), label.at.y()
    left = x - label.width / 2 + shift * (label.width + 14)
    left = min(max(left, edges[0] + 3), edges[2] - label.width - 3)
    ground = sky.top(left - 2, left + label.width + 2, y)
    # Beside its peak a label may hang lower than the top, never below the curve under it.
    ground = ground if abs(shift) > 0.5 else min(ground, y)
    bottom = ground - GAP - lift * label.height
    return left, bottom - label.height, left + label.width, bottom


def _cost(box: Box, label: Wanted, edges: Box, taken: list[Box], sky: Skyline) -> float:
    left, top, right, bottom = box
    cost = abs(0.5 * (left + right) - label.at.x()) * 0.8 + abs(bottom - label.at.y())
    if top < edges[1] + 2:
        cost += 2000 + 10 * (edges[1] + 2 - top)
    for other in taken:
        wide = min(right + 4, other[2]) - max(left - 4, other[0])
        high = min(bottom + 1, other[3]) - max(top - 1, other[1])
        if wide > 0 and high > 0:
            cost += 150 + wide * high
    under = sky.top(left, right, bottom + GAP)
    return cost + (120 + 4 * (bottom - under) if under < bottom else 0.0)
