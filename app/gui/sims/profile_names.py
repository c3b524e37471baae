"""Names of the traces at the right end of their lines: to read, to highlight, to hide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import faded
from app.gui.theme import Theme

WIDEST, GAP, SWATCH = 190.0, 16.0, 14.0


@dataclass(frozen=True)
class Name:
    """What stands for a trace.

    Attributes
    ----------
    key, words : str
    colour : QColor
    style : Qt.PenStyle
    end : float or None
        Height of its line's end in data; None where it has none in the view.
    hidden, strong : bool
    """

    key: str
    words: str
    colour: QColor
    style: Qt.PenStyle
    end: float | None
    hidden: bool
    strong: bool


class NameColumn:
    """The column of names: at the height of their lines where there is room, else a list that the wheel moves."""

    def __init__(self, font: QFont) -> None:
        self._font, self._metrics = font, QFontMetricsF(font)
        self.boxes: dict[str, QRectF] = {}
        self.offset = 0
        self._over = 0
        self.left = 0.0

    @property
    def line(self) -> float:
        """Height of a row."""
        return self._metrics.height() + 2

    def width(self, words: Sequence[str]) -> float:
        """Room that the column needs."""
        widest = max((self._metrics.horizontalAdvance(text) for text in words), default=0.0)
        return min(widest, WIDEST) + GAP + SWATCH + 14 if words else 12.0

    def at(self, point: QPointF) -> str | None:
        """Key of the name under a pixel."""
        return next((key for key, box in self.boxes.items() if box.contains(point)), None)

    def scroll(self, steps: int) -> bool:
        """Move the list; False where all of it is seen."""
        if self._over <= 0:
            return False
        self.offset = min(max(self.offset - steps, 0), self._over)
        return True

    def paint(self, painter: QPainter, mapper: Mapper, names: Sequence[Name], colours: Theme, right: float) -> None:
        """Draw all names."""
        box = mapper.box
        self.left, self.boxes = box.right() + 2, {}
        rows = int(box.height() // self.line)
        self._over = max(len(names) - rows, 0)
        self.offset = min(self.offset, self._over)
        painter.save()
        painter.setFont(self._font)
        if self._over:
            shown = list(names[self.offset : self.offset + rows])
            tops = [box.top() + i * self.line for i in range(len(shown))]
        else:
            shown, tops = self._placed(mapper, names)
        for name, top in zip(shown, tops, strict=True):
            self._name(painter, mapper, name, top, colours, right, leader=not self._over)
        if self._over:
            painter.setPen(QColor(colours.muted))
            words = f"{self.offset + 1}–{self.offset + len(shown)} of {len(names)}"
            painter.drawText(QRectF(box.right() + GAP, box.bottom() + 4, right - box.right() - GAP, self.line + 2),
                             Qt.AlignmentFlag.AlignLeft, self._metrics.elidedText(
                                 words, Qt.TextElideMode.ElideRight, right - box.right() - GAP))
        painter.restore()

    def _placed(self, mapper: Mapper, names: Sequence[Name]) -> tuple[list[Name], list[float]]:
        """Names beside the ends of their lines, moved apart as little as is needed."""
        box, line = mapper.box, self.line
        wanted = []
        for name in names:
            inside = name.end is not None and not name.hidden
            y = float(mapper.py(name.end)) if inside else box.bottom()  # type: ignore[arg-type]
            wanted.append((min(max(y, box.top()), box.bottom()), name))
        wanted.sort(key=lambda pair: (pair[1].hidden, pair[0]))
        tops = [y - line / 2 for y, _ in wanted]
        return [name for _, name in wanted], spread(tops, line, box.top() - 4, box.bottom() + 4)

    def _name(
        self, painter: QPainter, mapper: Mapper, name: Name, top: float, colours: Theme, right: float, *, leader: bool
    ) -> None:
        start = mapper.box.right()
        middle = top + self.line / 2
        ink = QColor(name.colour) if not name.hidden else QColor(colours.faint)
        if name.strong:
            painter.fillRect(QRectF(start + GAP - 2, top, right - start - GAP, self.line), faded(ink, 0.15))
        if leader and name.end is not None and not name.hidden:
            y = float(mapper.py(name.end))
            if mapper.box.top() <= y <= mapper.box.bottom():
                painter.setPen(QPen(faded(ink, 0.5), 1.0))
                painter.drawLine(QPointF(start + 2, y), QPointF(start + GAP - 2, middle))
        painter.setPen(QPen(ink, 2.0, name.style))
        painter.drawLine(QPointF(start + GAP, middle), QPointF(start + GAP + SWATCH, middle))
        words = self._metrics.elidedText(name.words, Qt.TextElideMode.ElideRight,
                                         max(right - start - GAP - SWATCH - 8, 10.0))
        text = QRectF(start + GAP + SWATCH + 5, top, right - start - GAP - SWATCH - 5, self.line)
        painter.setPen(QColor(colours.faint) if name.hidden else ink.lighter(108) if colours.dark else ink.darker(118))
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
        if name.hidden:
            painter.setPen(QPen(QColor(colours.faint), 1.0))
            wide = self._metrics.horizontalAdvance(words)
            painter.drawLine(QPointF(text.left(), middle), QPointF(text.left() + wide, middle))
        self.boxes[name.key] = QRectF(start + GAP - 4, top, right - start - GAP + 4, self.line)


def spread(tops: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """Rows that do not overlap, each as near to its wish as the others let it (pools of neighbours at their mean)."""
    blocks: list[list[float]] = []  # start, number of rows
    for top in tops:
        blocks.append([top, 1.0])
        while len(blocks) > 1 and blocks[-2][0] + blocks[-2][1] * height > blocks[-1][0]:
            start, count = blocks.pop()
            before, number = blocks[-1]
            # Mean of the wishes of all their first rows.
            blocks[-1] = [(before * number + (start - number * height) * count) / (number + count), number + count]
    result: list[float] = []
    for start, count in blocks:
        result.extend(start + i * height for i in range(int(count)))
    if result and result[-1] + height > high:
        limit = high - height
        for i in range(len(result) - 1, -1, -1):
            result[i] = min(result[i], limit)
            limit = result[i] - height
    for i, top in enumerate(result):
        result[i] = max(top, low if i == 0 else result[i - 1] + height)
    return result
