"""The mouse on the depth profile: pan, ranges by hand, names to highlight and hide, the reading of the pointer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.gui.plot.bands import REACH, START_AFTER, WIDE

if TYPE_CHECKING:
    from app.gui.sims.profile_plot import ProfilePlot

Part = Literal["low", "high", "all"]


class ProfileMouse(QObject):
    """Listens to the canvas of a profile plot."""

    def __init__(self, plot: ProfilePlot) -> None:
        super().__init__(plot)
        self._plot, self._canvas = plot, plot.canvas
        self._pressed: QPointF | None = None
        self._last = QPointF()
        self._held: tuple[str, Part] | None = None
        self._start = (0.0, 0.0)
        self._moving = False
        self.hovered: tuple[str, Part] | None = None
        canvas = plot.canvas
        canvas.pressed.connect(self._press)
        canvas.moved.connect(self._move)
        canvas.released.connect(self._release)
        canvas.double_clicked.connect(self._double)
        canvas.left.connect(plot.leave)

    @property
    def held(self) -> tuple[str, Part] | None:
        """What is dragged, or would be."""
        return self._held or self.hovered

    def _range_at(self, point: QPointF) -> tuple[str, Part] | None:
        mapper = self._canvas.mapper()
        if not mapper.box.adjusted(-3, 0, 3, 0).contains(point):
            return None
        ranges = [one for one in reversed(self._plot.ranges.shown) if one.movable]
        for one in ranges:
            left, right = sorted((float(mapper.px(one.low)), float(mapper.px(one.high))))
            reach = min(REACH, 0.25 * (right - left)) if left < point.x() < right else REACH
            for part, value in (("low", one.low), ("high", one.high)):
                if abs(float(mapper.px(value)) - point.x()) <= reach:
                    return one.name, part  # type: ignore[return-value]
        for one in ranges:
            plate = self._plot.plates.get(one.name)
            if plate is not None and plate.contains(point):
                return one.name, "all"
        for one in ranges:
            left, right = sorted((float(mapper.px(one.low)), float(mapper.px(one.high))))
            if left <= point.x() <= right and right - left < WIDE * mapper.box.width():
                return one.name, "all"
        return None

    def _press(self, event: QMouseEvent) -> None:
        if event.button() not in (Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton):
            return
        self._pressed = self._last = event.position()
        self._moving = False
        left = event.button() == Qt.MouseButton.LeftButton
        self._held = self._range_at(event.position()) if left else None
        if self._held is not None:
            one = self._plot.ranges.find(self._held[0])
            self._start = (one.low, one.high) if one is not None else (0.0, 0.0)

    def _move(self, event: QMouseEvent) -> None:
        point = event.position()
        if self._pressed is None or not event.buttons():
            self._hover(point)
        elif self._moving or (point - self._pressed).manhattanLength() >= START_AFTER:
            self._moving = True
            mapper = self._canvas.mapper()
            (x0, y0), (x1, y1) = mapper.data(self._last), mapper.data(point)
            if self._held is not None:
                self._drag(mapper.data(point)[0] - mapper.data(self._pressed)[0])
            else:
                self._canvas.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
                self._canvas.pan(x0 - x1, y0 - y1)
        self._plot.point_at(point)
        self._last = point

    def _drag(self, shift: float) -> None:
        assert self._held is not None
        name, part = self._held
        low, high = self._start
        least, most = self._canvas.extent
        if part == "all":
            shift = min(max(shift, least - low), most - high)
            low, high = low + shift, high + shift
        elif part == "low":
            low = min(max(low + shift, least), high)
        else:
            high = max(min(high + shift, most), low)
        self._plot.ranges.move(name, low, high)

    def _hover(self, point: QPointF) -> None:
        found = self._range_at(point)
        if found != self.hovered:
            self.hovered = found
            self._canvas.viewport().update()
        over = self._plot.names.at(point) is not None
        shape = Qt.CursorShape.ArrowCursor
        if found is not None:
            shape = Qt.CursorShape.SizeAllCursor if found[1] == "all" else Qt.CursorShape.SizeHorCursor
        elif over:
            shape = Qt.CursorShape.PointingHandCursor
        if self._canvas.viewport().cursor().shape() != shape:
            self._canvas.viewport().setCursor(shape)
        self._canvas.viewport().setToolTip(self._plot.tip_at(point))

    def _release(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        held, moved, pressed = self._held, self._moving, self._pressed
        self._pressed = self._held = None
        self._moving = False
        if held is not None and moved:
            one = self._plot.ranges.find(held[0])
            if one is not None:
                self._plot.ranges.released.emit(one.name, one.low, one.high)
        elif not moved and event.button() == Qt.MouseButton.LeftButton:
            key = self._plot.names.at(pressed)
            if key is not None:
                hide = bool(event.modifiers() & Qt.KeyboardModifier.ControlModifier)
                self._plot.toggle_hidden(key) if hide else self._plot.highlight(key)
            else:
                self._plot.click(pressed)
        self._hover(event.position())

    def _double(self, event: QMouseEvent) -> None:
        key = self._plot.names.at(event.position())
        if key is not None:
            self._plot.toggle_hidden(key)
        else:
            self._canvas.autoscale()
