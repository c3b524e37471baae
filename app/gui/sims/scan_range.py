"""Which scans of a cube are looked at: a line with two handles and the numbers beside it."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.panels.base import muted
from app.gui.theme import GAP_1
from fitting.dataset import AXIS_LABELS, Axis
from fitting.sims.cube_maps import scan_words

HEIGHT, KNOB = 22, 6.0


class TwoHandles(QWidget):
    """A line with two handles; between them is what is chosen.

    Signals
    -------
    moved(int, int)
        First and last, both included; many while the hand moves.
    released()
    """

    moved = Signal(int, int)
    released = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Scans")
        self.setAccessibleDescription("Left and right move the range of scans, with Shift its end; Home shows all")
        self.setToolTip("Drag an end, or the range as a whole; double click: all scans")
        self.count, self.first, self.last = 1, 0, 0
        self._held: tuple[str, int, int, int] | None = None

    def sizeHint(self) -> QSize:
        return QSize(160, HEIGHT)

    def show_range(self, count: int, first: int, last: int) -> None:
        """Show this."""
        if (count, first, last) != (self.count, self.first, self.last):
            self.count, self.first, self.last = max(count, 1), first, last
            self.update()

    def place(self, at: int, *, end: bool = False) -> float:
        """Where a scan begins or ends on the widget."""
        wide = self.width() - 2 * KNOB - 2
        return KNOB + 1 + wide * (at + (1 if end else 0)) / self.count

    def _scan(self, x: float) -> float:
        return (x - KNOB - 1) / max(self.width() - 2 * KNOB - 2, 1) * self.count

    def _part(self, x: float) -> str:
        low, high = self.place(self.first), self.place(self.last, end=True)
        if min(abs(x - low), abs(x - high)) <= KNOB + 3:
            # At the ends of the line only one handle of two that lie together can move.
            if abs(abs(x - low) - abs(x - high)) < 2:
                return "low" if (self.first > 0 and x <= low) or self.last == self.count - 1 else "high"
            return "low" if abs(x - low) < abs(x - high) else "high"
        return "all" if low < x < high else "jump"

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Take a handle, or the range; elsewhere the range comes to the pointer."""
        if event.button() != Qt.MouseButton.LeftButton:
            return
        x = event.position().x()
        part = self._part(x)
        if part == "jump":
            half = (self.last - self.first) // 2
            self._give(int(self._scan(x)) - half, int(self._scan(x)) - half + self.last - self.first)
            part = "all"
        self._held = (part, int(self._scan(x)), self.first, self.last)
        self.update()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pull."""
        x = event.position().x()
        if self._held is None:
            hand = {"low": Qt.CursorShape.SizeHorCursor, "high": Qt.CursorShape.SizeHorCursor,
                    "all": Qt.CursorShape.OpenHandCursor}
            self.setCursor(hand.get(self._part(x), Qt.CursorShape.ArrowCursor))
            return
        part, start, first, last = self._held
        if part == "all":
            by = min(max(int(self._scan(x)) - start, -first), self.count - 1 - last)
            self._give(first + by, last + by)
        elif part == "low":
            self._give(min(round(self._scan(x)), self.last), self.last)
        else:
            self._give(self.first, max(round(self._scan(x)) - 1, self.first))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Let go."""
        if self._held is not None:
            self._held = None
            self.update()
            self.released.emit()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """All scans."""
        self._held = None
        self._give(0, self.count - 1)
        self.released.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows move the range, with Shift its end."""
        step = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}.get(Qt.Key(event.key()))
        if step is not None and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self._give(self.first, max(self.last + step, self.first))
        elif step is not None:
            step = min(max(step, -self.first), self.count - 1 - self.last)
            self._give(self.first + step, self.last + step)
        elif event.key() == Qt.Key.Key_Home:
            self._give(0, self.count - 1)
        else:
            super().keyPressEvent(event)
            return
        self.released.emit()

    def _give(self, first: int, last: int) -> None:
        first, last = min(max(first, 0), self.count - 1), min(max(last, 0), self.count - 1)
        if (first, last) != (self.first, self.last) and first <= last:
            self.first, self.last = first, last
            self.update()
            self.moved.emit(first, last)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw."""
        painter, colours = QPainter(self), theme.current()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        middle = self.height() / 2
        low, high = self.place(self.first), self.place(self.last, end=True)
        painter.setPen(Qt.PenStyle.NoPen)
        for left, right, colour in ((KNOB + 1, self.width() - KNOB - 1, colours.border_strong),
                                    (low, high, colours.accent)):
            painter.setBrush(QColor(colour if self.isEnabled() else colours.border))
            painter.drawRoundedRect(QRectF(left, middle - 2, max(right - left, 1.0), 4), 2, 2)
        painter.setPen(QPen(QColor(colours.accent if self.isEnabled() else colours.faint), 1.5))
        painter.setBrush(QColor(colours.raised))
        for x in (low, high):
            painter.drawEllipse(QPointF(x, middle), KNOB, KNOB)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(QColor(colours.accent), 1))
            painter.drawRoundedRect(QRectF(0.5, 0.5, self.width() - 1, self.height() - 1), 4, 4)
        painter.end()


class ScanRange(QWidget):
    """The handles with words: scans, and where they lie on the axis of the cube.

    Signals
    -------
    moved(int, int)
        First and last scan, both included, from 0.
    released()
    """

    moved = Signal(int, int)
    released = Signal()

    def __init__(self, title: str = "Depth", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.handles = TwoHandles()
        self.handles.moved.connect(self._moved)
        self.handles.released.connect(self.released)
        self._axis: Axis | None = None
        self.words = muted("")
        self.words.setWordWrap(False)
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(GAP_1)
        if title:
            line.addWidget(QLabel(title))
        line.addWidget(self.handles, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(line)
        layout.addWidget(self.words)
        theme.changes().changed.connect(self.update)

    def show_range(self, axis: Axis, scans: tuple[int, ...]) -> None:
        """Show these scans (empty: all) of an axis."""
        self._axis = axis
        first, last = scans or (0, len(axis) - 1)
        self.handles.show_range(len(axis), first, last)
        self._tell()

    @property
    def scans(self) -> tuple[int, int]:
        """First and last scan."""
        return self.handles.first, self.handles.last

    def _moved(self, first: int, last: int) -> None:
        self._tell()
        self.moved.emit(first, last)

    def _tell(self) -> None:
        axis = self._axis
        if axis is None:
            return
        self.words.setText(range_words(axis, self.scans))
        self.words.setToolTip(self.words.text())


def range_words(axis: Axis, scans: tuple[int, int]) -> str:
    """"Scans 11–20 of 60, 80–160 s": also where they lie on the axis, if that is no count of scans."""
    first, last = scans
    count = len(axis)
    words = scan_words(scans, count)
    text = f"{words[0].upper()}{words[1:]}" + ("" if words.startswith("all") else f" of {count}")
    if axis.quantity in ("scan", "index"):
        return text
    name = "" if axis.quantity == "time" else f"{AXIS_LABELS[axis.quantity].lower()} "
    return f"{text}, {name}{axis.values[first]:.3g}–{axis.values[last]:.3g} {axis.unit}"
