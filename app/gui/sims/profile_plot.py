"""The depth profile in the middle of the window: traces over time, dose, fluence or depth."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QPainter, QWheelEvent
from PySide6.QtWidgets import QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.plot.band_painter import BandPainter
from app.gui.plot.colours import small
from app.gui.sims.profile_drawing import Line, ProfileCanvas, heights
from app.gui.sims.profile_marks import Curve, Owned, Ranges
from app.gui.sims.profile_mouse import ProfileMouse
from app.gui.sims.profile_names import Name, NameColumn
from app.gui.sims.profile_painter import ink_of, paint_curve_names, paint_empty, paint_marks, paint_reading
from app.gui.sims.profile_source import ProfileSource
from app.gui.tasks import Tasks
from app.numerals import grouped, with_error
from app.project.project import Entry
from app.project.sims_profiles import Drawn, ShownProfile, show_profile
from app.project.sims_profiles_at import is_part
from fitting.dataset import Spectrum
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

_NEAR = 40.0  # pixels: a trace further from the pointer is not read
_ADDING = "Adding up the pixels…"


class ProfilePlot(Panel):
    """Traces of the shown entry and of others beside it.

    Attributes
    ----------
    ranges, marks, curves : Ranges, Owned, Owned
        What other pages put over the traces (`app.gui.sims.profile_marks`).
    source : ProfileSource
        Profiles of entries; `source.shown()` is the one that is drawn.

    Signals
    -------
    shown_changed()
        Other traces are drawn, or another profile.
    axis_changed()
        The numbers of the axis are others: time, dose, depth ...
    clicked(float, float, str)
        A click on the plot: place on the axis, height, key of the trace that was hit ("" for none).
    reading(str)
        What the pointer reads, for the status bar; "" where it is elsewhere.
    highlight_changed()
        Another trace stands out, or none.
    """

    shown_changed = Signal()
    axis_changed = Signal()
    clicked = Signal(float, float, str)
    reading = Signal(str)
    highlight_changed = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Depth profile", parent)
        self.tasks = tasks
        self.source = ProfileSource(document, tasks, self)
        self.ranges, self.marks, self.curves = Ranges(self), Owned(self), Owned(self)
        self.canvas = ProfileCanvas(self)
        self.names = NameColumn(small(self.font()))
        self._bands = BandPainter(small(self.font()))
        self._shown: ShownProfile | None = None
        self._key: tuple[object, ...] = ()
        self._axis: tuple[str, str] = ("", "")
        self._empty = ""
        self._read: tuple[Line, int] | None = None
        self._mark_plates: dict[int, QRectF] = {}
        self.body.setContentsMargins(0, 0, 0, 0)
        self.notes = muted("")
        self.notes.setContentsMargins(12, 6, 12, 0)
        self.notes.setAccessibleName("Remarks on the profile")
        self.body.addWidget(self.notes)
        self.body.addWidget(self.canvas, 1)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.mouse = ProfileMouse(self)
        self.canvas.overlays.append(self._paint)
        self.canvas.viewport().installEventFilter(self)
        self.source.arrived.connect(self._changed)
        document.place_changed.connect(self._selected)
        for owned in (self.ranges, self.marks):
            owned.changed.connect(self.canvas.viewport().update)
        self.curves.changed.connect(self._show_curves)
        self.ready()

    def use_window(self, window: Any) -> None:
        """Readings go to the status bar."""
        self.reading.connect(window.status.cursor_label.setText)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def shown(self) -> ShownProfile | None:
        """What is drawn."""
        return self._shown

    @property
    def profile(self) -> Spectrum | None:
        """The profile (points, ions) that is drawn; None while the pixels of a cube are added up."""
        return self.source.shown()

    @property
    def x_quantity(self) -> str:
        """What the axis counts: "time", "dose", "fluence", "depth" or "scan"."""
        return self._axis[0]

    @property
    def x_unit(self) -> str:
        """Unit of the axis."""
        return self._axis[1]

    @property
    def plates(self) -> dict[str, QRectF]:
        """Where the names of ranges stand."""
        return self._bands.plates

    def refresh(self) -> None:
        """Draw the document."""
        entry = self.document.entry
        if entry is None or kind_of(entry.spectrum) not in ("profile", "cube"):
            self._clear("")
            return
        profile = self.source.shown()
        if profile is None:
            self._clear(self.source.failed or _ADDING)
            return
        others = self._others(entry)
        key = (entry.id, entry.profile, entry.depth, entry.masses, entry.factors, profile, theme.current().name,
               tuple((other.id, other.depth, theirs) for other, theirs in others.values()))
        if len(key) == len(self._key) and all(a is b or a == b for a, b in zip(key, self._key, strict=True)):
            return
        same = bool(self._key) and self._key[0] == entry.id
        self._key = key
        try:
            found = show_profile(entry, profile, others, part=is_part(entry, self.document.place))
        except SodaliteError as error:
            self._clear(str(error))
            return
        self._show(found, entry, same)

    def _others(self, entry: Entry) -> dict[str, tuple[Entry, Spectrum]]:
        found = {}
        for id in entry.profile.overlaid:
            other = next((e for e in self.document.project.entries if e.id == id), None)
            if other is not None and (theirs := self.source.of(other)) is not None:
                found[id] = other, theirs
        return found

    def _show(self, found: ShownProfile, entry: Entry, same: bool) -> None:
        look = entry.profile
        lines = [Line(drawn, look.logarithmic, look.smooth) for drawn in found.drawn]
        axis = (found.along.quantity, found.along.unit)
        turned = axis != self._axis or not same or look.logarithmic != self.canvas.count_axis.logarithmic
        self._shown, self._axis, self._empty, self._read = found, axis, "", None
        if not found.drawn:
            self._empty = "\n".join(found.notes) or "No trace is chosen"
        keys = {drawn.key for drawn in found.drawn}
        layer = self.canvas.traces
        layer.colours = theme.current().series
        layer.hidden = frozenset(layer.hidden & keys) if same else frozenset()
        layer.strong = layer.strong if same and layer.strong in keys else ""
        if turned:
            self.canvas.auto_x = self.canvas.auto_y = True
            self.names.offset = 0
        self.canvas.set_right(self.names.width([drawn.words for drawn in found.drawn]))
        self.canvas.main.getAxis("bottom").setLabel(found.along.label)
        left = f"{found.left}" + (f", mean of {_odd(look.smooth)} points drawn" if look.smooth > 1 else "")
        self.canvas.main.getAxis("left").setLabel(left)
        self.canvas.show_lines(lines, look.logarithmic)
        notes = "   ".join(found.notes) if found.drawn else ""
        self.notes.setText(notes)
        self.notes.setVisible(bool(notes))
        self._show_curves()
        if turned:
            self.axis_changed.emit()
        self.shown_changed.emit()

    def _clear(self, words: str) -> None:
        self._key, self._empty, self._read = (), words, None
        self.notes.hide()
        if self._shown is not None:
            self._shown = None
            self.canvas.show_lines([], self.canvas.count_axis.logarithmic)
            self.canvas.curves.show_curves([])
            self.shown_changed.emit()
        self.canvas.viewport().update()

    def _show_curves(self) -> None:
        logarithmic, colours = self.canvas.count_axis.logarithmic, theme.current()
        self.canvas.curves.show_curves([
            (np.asarray(c.x, float), heights(np.asarray(c.y, float), logarithmic), ink_of(c.colour, colours))
            for c in self.curves.shown
        ])
        self.canvas.viewport().update()

    def _recolour(self) -> None:
        self._key = ()
        self.canvas.recolour(theme.current())
        super()._recolour()

    # -- what the hand does -------------------------------------------------------------------------------------

    @property
    def highlighted(self) -> str:
        """Key of the trace that stands out, "" for none."""
        return self.canvas.traces.strong

    @property
    def hidden(self) -> frozenset[str]:
        """Keys of traces that are hidden in this view; what is chosen stays chosen."""
        return self.canvas.traces.hidden

    def highlight(self, key: str) -> None:
        """Let a trace stand out; once more: none."""
        layer = self.canvas.traces
        layer.strong = "" if layer.strong == key or key in layer.hidden else key
        if key in layer.hidden:
            layer.hidden -= {key}
        self._redraw()
        self.highlight_changed.emit()

    def toggle_hidden(self, key: str) -> None:
        """Hide a trace, or show it again."""
        layer = self.canvas.traces
        layer.hidden = layer.hidden ^ {key}
        layer.strong = "" if layer.strong == key else layer.strong
        self._redraw()

    def _redraw(self) -> None:
        self.canvas.traces.update()
        self.canvas.fit_ranges()
        self.canvas.viewport().update()

    def nearest(self, point: QPointF) -> tuple[Line, int] | None:
        """The trace and the number of its point that a pixel reads."""
        mapper = self.canvas.mapper()
        best: tuple[float, Line, int] | None = None
        if not mapper.box.contains(point) or self._shown is None:
            return None
        x, _ = mapper.data(point)
        for line in self.canvas.traces.lines:
            if line.drawn.key in self.canvas.traces.hidden or not line.x.size:
                continue
            at = int(np.argmin(np.abs(line.x - x)))
            y = line.y[at]
            if not math.isfinite(y):
                continue
            distance = abs(float(mapper.py(y)) - point.y()) + 0.3 * abs(float(mapper.px(line.x[at])) - point.x())
            if distance < _NEAR and (best is None or distance < best[0]):
                best = distance, line, at
        return None if best is None else (best[1], best[2])

    def point_at(self, point: QPointF) -> None:
        """The pointer is there: read the nearest trace."""
        found = self.nearest(point)
        inside = self._shown is not None and self.canvas.mapper().box.contains(point)
        if not inside:
            self.reading.emit("")
        elif found is not None:
            self.reading.emit(self._words(*found))
        else:
            self.reading.emit(self._place_words(self.canvas.mapper().data(point)[0]))
        if found != self._read:
            self._read = found
            self.canvas.viewport().update()

    def leave(self) -> None:
        """The pointer left the plot."""
        self._read = None
        self.reading.emit("")
        self.canvas.viewport().update()

    def click(self, point: QPointF) -> None:
        """A click: highlight the trace under it, tell who listens."""
        if self._shown is None or not self.canvas.mapper().box.contains(point):
            return
        found = self.nearest(point)
        x, y = self.canvas.mapper().data(point)
        y = 10.0**y if self.canvas.count_axis.logarithmic else y
        self.clicked.emit(x, y, found[0].drawn.key if found is not None else "")
        if found is not None:
            self.highlight(found[0].drawn.key)
        elif self.highlighted:
            self.highlight(self.highlighted)

    def tip_at(self, point: QPointF) -> str:
        """Tooltip of what lies under a pixel."""
        key = self.names.at(point)
        if key is not None:
            drawn = self._drawn(key)
            words = drawn.words if drawn is not None else ""
            return f"{words}\nClick: highlight. Double click or Ctrl+click: hide or show."
        for number, plate in self._mark_plates.items():
            if plate.contains(point) and number < len(self.marks.shown):
                return self.marks.shown[number].words
        one = self.ranges.find(self.mouse.hovered[0]) if self.mouse.hovered else None
        return (one.words or one.label) if one is not None else ""

    def _drawn(self, key: str) -> Drawn | None:
        return next((d for d in self._shown.drawn if d.key == key), None) if self._shown is not None else None

    def _place_words(self, x: float) -> str:
        assert self._shown is not None
        here = self._shown.along
        unit = f" {here.unit}" if here.unit else ""
        text = f"{here.label.split(' (')[0]} {x:.4g}{unit}"
        depths = self._shown.depths
        if depths is not None and here.quantity != "depth" and depths.size == here.values.size:
            text += f", depth {float(np.interp(x, here.values, depths)):.4g} nm"
        return text

    def _words(self, line: Line, at: int) -> str:
        trace = line.drawn.trace
        unit = f" {trace.unit}" if trace.unit else ""
        value, error = float(trace.y[at]), float(trace.error[at])
        told = with_error(value, error) if math.isfinite(error) else grouped(value, 0 if value >= 100 else 3)
        return f"{self._place_words(float(trace.x[at]))}   {line.drawn.words}: {told}{unit}"

    # -- events and painting ------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The wheel over the names moves their list."""
        if isinstance(event, QWheelEvent) and event.position().x() > self.names.left:
            steps = round(event.angleDelta().y() / 40) or (1 if event.angleDelta().y() > 0 else -1)
            if self.names.scroll(steps):
                self.canvas.viewport().update()
            return True
        return super().eventFilter(watched, event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Home shows the whole profile, Escape lets the highlighted trace go, arrows choose the next one."""
        keys = [line.drawn.key for line in self.canvas.traces.lines]
        if event.key() == Qt.Key.Key_Home:
            self.canvas.autoscale()
        elif event.key() == Qt.Key.Key_Escape and self.highlighted:
            self.highlight(self.highlighted)
        elif event.key() in (Qt.Key.Key_Up, Qt.Key.Key_Down) and keys:
            step = 1 if event.key() == Qt.Key.Key_Down else -1
            at = keys.index(self.highlighted) + step if self.highlighted in keys else 0
            self.highlight(keys[at % len(keys)])
        else:
            super().keyPressEvent(event)

    def _paint(self, painter: QPainter) -> None:
        mapper, colours = self.canvas.mapper(), theme.current()
        painter.setFont(small(self.font()))
        if mapper.box.width() < 20:
            return
        if self._empty:
            paint_empty(painter, QRectF(self.canvas.viewport().rect()), self._empty, colours)
        if self._shown is None:
            self.names.boxes = {}
            return
        self._mark_plates = paint_marks(painter, mapper, self.marks.shown, colours)
        self._bands.paint(painter, mapper, self.ranges.shown, colours, chosen="", held=self.mouse.held, marked=False)
        logarithmic = self.canvas.count_axis.logarithmic
        paint_curve_names(painter, mapper, [(c, *_middle(c, logarithmic)) for c in self.curves.shown], colours)
        low, high = self.canvas.x_range()
        layer = self.canvas.traces
        self.names.paint(painter, mapper, [
            Name(line.drawn.key, line.drawn.words, layer.ink(line), layer.style(line), line.end(low, high),
                 line.drawn.key in layer.hidden, line.drawn.key == layer.strong)
            for line in layer.lines
        ], colours, float(self.canvas.viewport().width()))
        if self._read is not None and self._read[0] in layer.lines:
            line, at = self._read
            paint_reading(painter, mapper, mapper.point(float(line.x[at]), float(line.y[at])), layer.ink(line), colours)


def _middle(curve: Curve, logarithmic: bool) -> tuple[float, float]:
    """A point of a curve beside which its name stands."""
    if not len(curve.x):
        return math.nan, math.nan
    at = len(curve.x) // 2
    return float(curve.x[at]), float(heights(np.asarray(curve.y[at : at + 1], float), logarithmic)[0])


def _odd(points: int) -> int:
    return 2 * (points // 2) + 1
