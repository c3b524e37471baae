"""What is painted over the plot in pixels: handles, names, bounds, the tool's preview, hints and the drag's numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen

from app.gui.plot.canvas import Canvas, Mapper
from app.gui.plot.colours import faded, small
from app.gui.plot.handles import Handle, anchored
from app.gui.plot.labels import Wanted, place
from app.gui.plot.marks import Mark, paint_marks
from app.gui.theme import Theme, current
from fitting.curves import Curves
from fitting.model import FitModel

PEAK_SIZE, WIDTH_SIZE, END_SIZE, ANCHOR_SIZE = 4.6, 3.8, 3.2, 4.0


@dataclass
class Scene:
    """All that the overlay shows; written by the view, read at painting."""

    colours: Theme = field(default_factory=current)
    model: FitModel | None = None
    curves: Curves | None = None
    handles: tuple[Handle, ...] = ()
    colour_of: dict[str, QColor] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    selected: str | None = None
    hovered: tuple[str, str, int] | None = None
    dragged: tuple[str, str, int] | None = None
    stopped: bool = False
    bounds: tuple[float, ...] = ()
    tags: tuple[tuple[float, float, str], ...] = ()
    marks: tuple[Mark, ...] = ()
    hint: str = ""
    readout: str = ""
    pointer: QPointF | None = None
    crosshair: bool = False
    rubber: tuple[float, float] | None = None
    anchor: int | None = None


class Overlay:
    """Paints a `Scene` over a canvas."""

    def __init__(self, canvas: Canvas, scene: Scene) -> None:
        self._canvas = canvas
        self._scene = scene
        self._offsets: dict[str, tuple[float, float]] = {}
        self._font = font = small(canvas.font())
        self._bold = QFont(font)
        self._bold.setWeight(QFont.Weight.DemiBold)
        canvas.overlays.append(self.paint)

    def paint(self, painter: QPainter) -> None:
        """Everything, back to front."""
        scene, mapper = self._scene, self._canvas.mapper()
        if mapper.box.width() < 20 or mapper.box.height() < 20:
            return
        painter.setFont(self._font)
        if scene.marks:
            paint_marks(painter, mapper, scene.marks, scene.colours)
        painter.save()
        painter.setClipRect(mapper.box.adjusted(-1, -1, 1, 1))
        self._tags(painter, mapper)
        self._rubber(painter, mapper)
        self._bounds(painter, mapper)
        if scene.model is not None and scene.curves is not None:
            self._edges(painter, mapper)
            self._anchors(painter, mapper)
            self._labels(painter, mapper, scene.curves)
            self._widths(painter, mapper)
            self._peaks(painter, mapper)
        self._crosshair(painter, mapper)
        painter.restore()
        self._hint(painter, mapper)
        self._readout(painter, mapper)

    def _active(self, handle: Handle) -> bool:
        return handle.key in (self._scene.hovered, self._scene.dragged)

    def _stroke(self, handle: Handle, colour: QColor) -> QColor:
        scene = self._scene
        return QColor(scene.colours.warning) if scene.stopped and handle.key == scene.dragged else colour

    def _edges(self, painter: QPainter, mapper: Mapper) -> None:
        """Region edges: a line with a grip; ends of a static background with the width they are averaged over."""
        scene = self._scene
        assert scene.model is not None and scene.curves is not None
        accent = QColor(scene.colours.accent)
        left, right = (float(mapper.px(edge)) for edge in scene.model.region)
        wide = abs(right - left)
        for handle in scene.handles:
            if handle.role != "edge":
                continue
            x = round(float(mapper.px(handle.x))) + 0.5
            colour = self._stroke(handle, accent)
            active = self._active(handle)
            painter.setPen(QPen(colour if active else faded(colour, 0.75), 1.8 if active else 1.0))
            painter.drawLine(QPointF(x, mapper.box.top()), QPointF(x, mapper.box.bottom()))
            if wide < 40 and not active:
                continue
            grip = QRectF(x - 3, mapper.box.center().y() - 11, 6, 22)
            painter.setPen(QPen(colour, 1.0))
            painter.setBrush(colour if active else QColor(scene.colours.paper))
            painter.drawRoundedRect(grip, 3, 3)
        if anchored(scene.model):
            self._ends(painter, mapper, scene.curves, scene.model.background.average)

    def _ends(self, painter: QPainter, mapper: Mapper, drawn: Curves, average: int) -> None:
        colour = QColor(self._scene.colours.background)
        painter.setBrush(QColor(self._scene.colours.paper))
        for first, last, end in ((0, min(2 * average, drawn.x.size - 1), 0), (-1 - 2 * average, -1, -1)):
            first = max(first, -drawn.x.size)
            level = float(drawn.background[end])
            left, right = mapper.point(drawn.x[first], level), mapper.point(drawn.x[last], level)
            painter.setPen(QPen(colour, 3.0, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
            painter.drawLine(QLineF(left, right))
            painter.setPen(QPen(colour, 1.4))
            at = mapper.point(drawn.x[end], level)
            painter.drawRect(QRectF(at.x() - END_SIZE, at.y() - END_SIZE, 2 * END_SIZE, 2 * END_SIZE))

    def _anchors(self, painter: QPainter, mapper: Mapper) -> None:
        """Anchors of a background: squares, filled where chosen."""
        for handle in self._scene.handles:
            if handle.role != "anchor":
                continue
            colour = self._stroke(handle, QColor(self._scene.colours.background))
            size = ANCHOR_SIZE + (1.4 if self._active(handle) else 0.0)
            at = mapper.point(handle.x, handle.y)
            painter.setPen(QPen(colour, 1.8))
            painter.setBrush(colour if handle.side == self._scene.anchor else QColor(self._scene.colours.paper))
            painter.drawRect(QRectF(at.x() - size, at.y() - size, 2 * size, 2 * size))

    def _peaks(self, painter: QPainter, mapper: Mapper) -> None:
        for handle in reversed([h for h in self._scene.handles if h.role == "peak"]):
            colour = self._stroke(handle, self._scene.colour_of[handle.id])
            size = PEAK_SIZE + (1.4 if self._active(handle) else 0.0)
            at = mapper.point(handle.x, handle.y)
            selected = handle.id == self._scene.selected
            if selected:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(faded(colour, 0.25))
                painter.drawEllipse(at, size + 4, size + 4)
            painter.setPen(QPen(colour, 1.8))
            painter.setBrush(colour if selected else QColor(self._scene.colours.paper))
            painter.drawEllipse(at, size, size)

    def _widths(self, painter: QPainter, mapper: Mapper) -> None:
        pair = [h for h in self._scene.handles if h.role == "width"]
        if len(pair) != 2:
            return
        colour = self._scene.colour_of[pair[0].id]
        ends = [mapper.point(h.x, h.y) for h in pair]
        painter.setPen(QPen(faded(colour, 0.9), 1.2, Qt.PenStyle.DotLine))
        painter.drawLine(QLineF(*ends))
        for handle, at in zip(pair, ends, strict=True):
            stroke = self._stroke(handle, colour)
            size = WIDTH_SIZE + (1.2 if self._active(handle) else 0.0)
            painter.setPen(QPen(stroke, 1.6))
            painter.setBrush(QColor(self._scene.colours.paper))
            painter.drawRoundedRect(QRectF(at.x() - size * 0.7, at.y() - size * 1.5, size * 1.4, size * 3), 2, 2)

    def _labels(self, painter: QPainter, mapper: Mapper, drawn: Curves) -> None:
        scene = self._scene
        metrics = QFontMetricsF(self._bold)
        wanted, blocked = [], []
        for handle in scene.handles:
            if handle.role != "peak" or not mapper.box.contains(mapper.point(handle.x, handle.y)):
                continue
            at = mapper.point(handle.x, handle.y)
            name = scene.names[handle.id]
            wanted.append(Wanted(handle.id, metrics.horizontalAdvance(name) + 2, metrics.height(), at))
            blocked.append(QRectF(at.x() - 6, at.y() - 6, 12, 12))
        x = mapper.px(drawn.x)
        y = np.minimum(mapper.py(drawn.y), mapper.py(drawn.envelope))
        curve = (x, y) if x[0] < x[-1] else (x[::-1], y[::-1])
        peaks = {w.key: w.at for w in wanted}
        moving = scene.dragged[1] if scene.dragged is not None and scene.dragged[0] in ("peak", "width") else None
        for label in place(wanted, mapper.box, curve, blocked, self._offsets, moving):
            colour = scene.colour_of[label.key]
            if label.leader:
                end = peaks[label.key]
                start = _leader_start(label.box, end)
                line = QLineF(start, end)
                if line.length() > 14:
                    line.setLength(line.length() - PEAK_SIZE - 4)
                    painter.setPen(QPen(faded(colour, 0.55), 1.0))
                    painter.drawLine(line)
            painter.setFont(self._bold if label.key == scene.selected else self._font)
            self._haloed(painter, label.box, scene.names[label.key], colour)
        painter.setFont(self._font)

    def _haloed(self, painter: QPainter, box: QRectF, text: str, colour: QColor) -> None:
        """Text with a soft edge in the colour of the paper, readable over dots and lines."""
        painter.setPen(faded(self._scene.colours.paper, 0.8))
        for dx, dy in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            painter.drawText(box.translated(dx, dy), Qt.AlignmentFlag.AlignCenter, text)
        ink = QColor(colour)
        painter.setPen(ink.lighter(112) if self._scene.colours.dark else ink.darker(122))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _bounds(self, painter: QPainter, mapper: Mapper) -> None:
        """Limits of what is being dragged."""
        painter.setPen(QPen(QColor(self._scene.colours.warning), 1.0, Qt.PenStyle.DashLine))
        for value in self._scene.bounds:
            x = float(mapper.px(value))
            painter.drawLine(QPointF(x, mapper.box.top()), QPointF(x, mapper.box.bottom()))

    def _tags(self, painter: QPainter, mapper: Mapper) -> None:
        """Names of the regions of a survey, at the foot of the plot."""
        painter.setPen(QColor(self._scene.colours.muted))
        metrics = QFontMetricsF(painter.font())
        last: dict[int, float] = {}
        for low, high, name in sorted(self._scene.tags, key=lambda t: float(mapper.px(0.5 * (t[0] + t[1])))):
            centre, width = float(mapper.px(0.5 * (low + high))), metrics.horizontalAdvance(name) + 8
            row = next((r for r in range(4) if last.get(r, -1e9) < centre - width / 2), None)
            if row is not None:
                last[row] = centre + width / 2
                bottom = mapper.box.bottom() - 3 - row * metrics.height()
                box = QRectF(centre - width / 2, bottom - metrics.height(), width, metrics.height())
                painter.drawText(box, Qt.AlignmentFlag.AlignCenter, name)

    def _rubber(self, painter: QPainter, mapper: Mapper) -> None:
        if self._scene.rubber is None:
            return
        left, right = sorted(float(mapper.px(value)) for value in self._scene.rubber)
        accent = QColor(self._scene.colours.accent)
        painter.fillRect(QRectF(left, mapper.box.top(), right - left, mapper.box.height()), faded(accent, 0.16))
        painter.setPen(QPen(accent, 1.2))
        for x in (left, right):
            painter.drawLine(QPointF(x, mapper.box.top()), QPointF(x, mapper.box.bottom()))

    def _crosshair(self, painter: QPainter, mapper: Mapper) -> None:
        at = self._scene.pointer
        if at is None or not self._scene.crosshair or not mapper.box.contains(at):
            return
        painter.setPen(QPen(faded(self._scene.colours.accent, 0.7), 1.0))
        painter.drawLine(QPointF(at.x(), mapper.box.top()), QPointF(at.x(), mapper.box.bottom()))

    def _pill(self, painter: QPainter, box: QRectF, text: str, ink: QColor, edge: QColor) -> None:
        painter.setPen(QPen(edge, 1.0))
        painter.setBrush(faded(self._scene.colours.paper, 0.94))
        painter.drawRoundedRect(box, 6, 6)
        painter.setPen(ink)
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)

    def _hint(self, painter: QPainter, mapper: Mapper) -> None:
        if not self._scene.hint:
            return
        metrics = QFontMetricsF(self._font)
        text = metrics.elidedText(self._scene.hint, Qt.TextElideMode.ElideRight, mapper.box.width() - 40)
        width, height = metrics.horizontalAdvance(text) + 22, metrics.height() + 9
        box = QRectF(mapper.box.center().x() - width / 2, mapper.box.bottom() - height - 8, width, height)
        tone = QColor(self._scene.colours.warning if self._scene.stopped else self._scene.colours.muted)
        self._pill(painter, box, text, tone, faded(tone, 0.6))

    def _readout(self, painter: QPainter, mapper: Mapper) -> None:
        """The numbers under the hand, at the top of the plot, or beside a hand that is up there itself."""
        at = self._scene.pointer
        if not self._scene.readout or at is None:
            return
        held = next((h for h in self._scene.handles if h.key == self._scene.dragged), None)
        place = at if held is None else mapper.point(held.x, held.y)
        box, metrics = mapper.box, QFontMetricsF(self._font)
        width, height = metrics.horizontalAdvance(self._scene.readout) + 18, metrics.height() + 8
        left, top = place.x() - width / 2, box.top() + 6
        if held is not None and held.role != "edge" and place.y() < box.top() + 90:
            left = place.x() + 40 if place.x() + 46 + width < box.right() else place.x() - 40 - width
            top = place.y() + 18
        left = min(max(left, box.left() + 4), box.right() - width - 4)
        self._pill(
            painter,
            QRectF(left, top, width, height),
            self._scene.readout,
            QColor(self._scene.colours.text),
            QColor(self._scene.colours.axis),
        )


def _leader_start(box: QRectF, end: QPointF) -> QPointF:
    """Where the line to a peak leaves a label: below it, or at its side where the peak lies beside it."""
    if box.left() <= end.x() <= box.right():
        return QPointF(end.x(), box.bottom() + 1)
    return QPointF(box.left() - 2 if end.x() < box.left() else box.right() + 2, box.center().y())
