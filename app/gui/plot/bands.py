"""Named ranges of the axis on the plot: energy windows, background windows, edges; moved and resized by hand and keys.

A page puts its bands on the plot while it is in front and takes them off when it is not:

    bands = window.view.bands
    bands.put("maps", [Band("w1", "4–6 eV", 4.0, 6.0), ...])    # replaces those that "maps" put before
    bands.moved.connect(...)      # (name, low, high) at every step of a drag or a key: update numbers, preview
    bands.released.connect(...)   # (name, low, high) when the hand lets go: compute, end the undo step
    bands.take("maps")

Names are shared by all pages: give each page a prefix of its own ("maps/w1"), and pass over names that are not yours.
A band is dragged by its edges, by its inside, or by its label; wide bands (most of the view) only by edges and label,
so that the plot can still be panned. B chooses the next band, the arrow keys move it (Shift: ten channels), plus and
minus change its width, Escape lets it go.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import QEvent, QObject, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter

from app.gui.plot.band_painter import Band, BandPainter
from app.gui.plot.canvas import Mapper
from app.gui.plot.colours import small
from app.gui.plot.handles import handle_at

if TYPE_CHECKING:
    from app.gui.plot.spectrum_view import SpectrumView

__all__ = ["Band", "Bands"]
Part = Literal["low", "high", "all"]
REACH, START_AFTER, WIDE = 5.0, 3.0, 0.6  # pixels, pixels, part of the view
_KEYS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
_WIDER, _NARROWER = (Qt.Key.Key_Plus, Qt.Key.Key_Equal), (Qt.Key.Key_Minus, Qt.Key.Key_Underscore)


class Bands(QObject):
    """All bands on a plot.

    Signals
    -------
    moved(str, float, float)
        Name, low and high while a band is dragged or moved by keys. The band moves by itself; who listens need not
        put it again, but may (with other limits, say).
    released(str, float, float)
        The hand let go of it, or the key.
    chosen_changed(str)
        The band that keys move; "" for none.
    """

    moved = Signal(str, float, float)
    released = Signal(str, float, float)
    chosen_changed = Signal(str)

    def __init__(self, view: SpectrumView) -> None:
        super().__init__(view)
        self._view, self._canvas = view, view.canvas
        self._owned: dict[str, tuple[Band, ...]] = {}
        self._chosen = ""
        self._held: tuple[str, Part] | None = None
        self._hovered: tuple[str, Part] | None = None
        self._pressed: QMouseEvent | None = None
        self._start: tuple[float, float] = (0.0, 0.0)
        self._dragging = False
        self._keyed = ""
        self._painter = BandPainter(small(view.font()))
        self._canvas.overlays.insert(0, self._paint)
        self._canvas.viewport().installEventFilter(self)
        view.installEventFilter(self)

    # -- what is shown ------------------------------------------------------------------------------------------

    def put(self, owner: str, bands: Iterable[Band]) -> None:
        """Show these bands of a page instead of those it showed before."""
        wanted = tuple(bands)
        if wanted == self._owned.get(owner, ()):
            return
        if wanted:
            self._owned[owner] = wanted
        else:
            self._owned.pop(owner, None)
        names = {band.name for band in self.shown}
        if self._held is not None and self._held[0] not in names:
            self._let_go()
        if self._chosen not in names:
            self.choose("")
        self._canvas.viewport().update()

    def take(self, owner: str) -> None:
        """Take the bands of a page off the plot."""
        self.put(owner, ())

    @property
    def shown(self) -> tuple[Band, ...]:
        """All bands, in the order of their pages."""
        return tuple(band for bands in self._owned.values() for band in bands)

    def band(self, name: str) -> Band | None:
        """The band of that name."""
        return next((band for band in self.shown if band.name == name), None)

    @property
    def chosen(self) -> str:
        """Name of the band that keys move; "" for none."""
        return self._chosen

    def choose(self, name: str) -> None:
        """Give the keys to a band; "" takes them away."""
        if name != self._chosen:
            self._chosen = name
            self.chosen_changed.emit(name)
            self._canvas.viewport().update()

    @property
    def dragging(self) -> bool:
        """Whether the hand holds one."""
        return self._dragging

    # -- moving -------------------------------------------------------------------------------------------------

    def _limits(self, band: Band) -> tuple[float, float]:
        spectrum = self._view.spectrum()
        ends = (-math.inf, math.inf) if spectrum is None else (float(spectrum.x[0]), float(spectrum.x[-1]))
        return band.limits or ends

    def _step(self) -> float:
        spectrum = self._view.spectrum()
        if spectrum is None or spectrum.x.size < 2:
            return 1e-3
        return float(spectrum.x[-1] - spectrum.x[0]) / (spectrum.x.size - 1)

    def move(self, name: str, low: float, high: float, part: Part = "all") -> None:
        """Move a band, an edge or the whole; it stays inside its limits and keeps one channel of width."""
        band = self.band(name)
        if band is None or not band.movable:
            return
        least, (first, last) = self._step(), self._limits(band)
        if part == "all":
            width = min(high - low, last - first)
            low = min(max(low, first), last - width)
            high = low + width
        elif part == "low":
            low = min(max(low, first), high - least)
        else:
            high = max(min(high, last), low + least)
        if (low, high) == (band.low, band.high):
            return
        new = replace(band, low=low, high=high)
        for owner, bands in self._owned.items():
            self._owned[owner] = tuple(new if one.name == name else one for one in bands)
        self._canvas.viewport().update()
        self.moved.emit(name, low, high)

    def _rounded(self, value: float) -> float:
        """Not finer than a hand can place it: a nice fraction of what a pixel of the screen covers."""
        mapper = self._canvas.mapper()
        pixel = abs(mapper.x[1] - mapper.x[0]) / max(mapper.box.width(), 1.0)
        unit = 10.0 ** math.floor(math.log10(max(pixel, 1e-9)))
        return round(value / unit) * unit

    def _drag_to(self, point: QPointF) -> None:
        assert self._held is not None and self._pressed is not None
        name, part = self._held
        mapper = self._canvas.mapper()
        shift = mapper.data(point)[0] - mapper.data(self._pressed.position())[0]
        low, high = self._start
        if part == "all":
            new = self._rounded(low + shift)
            self.move(name, new, new + high - low)
        elif part == "low":
            self.move(name, self._rounded(low + shift), high, "low")
        else:
            self.move(name, low, self._rounded(high + shift), "high")
        band = self.band(name)
        if band is not None:
            self._view.scene.readout = f"{band.label}: {band.low:.6g} to {band.high:.6g}{self._unit()}"

    def _unit(self) -> str:
        spectrum = self._view.spectrum()
        return f" {spectrum.axis.unit}" if spectrum is not None and spectrum.axis.unit else ""

    def _let_go(self) -> None:
        if self._dragging:
            self._view.scene.readout = ""
        self._held, self._pressed, self._dragging = None, None, False
        self._canvas.frozen = False

    # -- what lies under the pointer ----------------------------------------------------------------------------

    def at(self, point: QPointF) -> tuple[str, Part] | None:
        """The movable band under a pixel and the part that would be grabbed."""
        mapper = self._canvas.mapper()
        if not mapper.box.contains(point) or self._view.tool or self._view.comparing:
            return None
        bands = [band for band in reversed(self.shown) if band.movable]
        best: tuple[float, tuple[str, Part]] | None = None
        for band in bands:
            left, right = sorted((float(mapper.px(band.low)), float(mapper.px(band.high))))
            # Of a narrow band the inside stays to be grabbed.
            reach = min(REACH, 0.25 * (right - left)) if left < point.x() < right else REACH
            for part, value in (("low", band.low), ("high", band.high)):
                distance = abs(float(mapper.px(value)) - point.x())
                if distance <= reach and (best is None or distance < best[0]):
                    best = distance, (band.name, part)  # type: ignore[assignment]
        if best is not None:
            return best[1]
        for band in bands:
            if self._painter.plates.get(band.name, QRectF()).contains(point):
                return band.name, "all"
        inside = [band for band in bands if self._covers(band, mapper, point)]
        return (min(inside, key=lambda band: band.high - band.low).name, "all") if inside else None

    @staticmethod
    def _covers(band: Band, mapper: Mapper, point: QPointF) -> bool:
        left, right = sorted((float(mapper.px(band.low)), float(mapper.px(band.high))))
        return left <= point.x() <= right and right - left < WIDE * mapper.box.width()

    # -- events -------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Mouse and keys that are meant for a band do not reach the plot."""
        if not self._owned:
            return False
        if isinstance(event, QMouseEvent) and watched is not self._view:
            return self._mouse(event)
        if isinstance(event, QKeyEvent) and watched is self._view:
            if event.type() == QEvent.Type.KeyPress:
                return self._key(event)
            if event.type() == QEvent.Type.KeyRelease and self._keyed and not event.isAutoRepeat():
                self._tell_released(self._keyed)
                self._keyed = ""
        return False

    def _mouse(self, event: QMouseEvent) -> bool:
        kind = event.type()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            return self._press(event)
        if kind == QEvent.Type.MouseMove:
            return self._move(event)
        if kind == QEvent.Type.MouseButtonRelease and self._held is not None:
            return self._release(event)
        return False

    def _press(self, event: QMouseEvent) -> bool:
        point = event.position()
        found = None if self._model_at(point) else self.at(point)
        if found is None:
            self.choose("")
            return False
        band = self.band(found[0])
        assert band is not None
        self._held, self._start, self._pressed = found, (band.low, band.high), event.clone()
        return True

    def _model_at(self, point: QPointF) -> bool:
        """Handles of the model come first."""
        scene = self._view.scene
        handle = handle_at(scene.handles, point, self._canvas.mapper())
        return handle is not None and handle.role != "edge"

    def _move(self, event: QMouseEvent) -> bool:
        point = event.position()
        if self._held is None or self._pressed is None:
            return self._hover(event)
        if not self._dragging:
            if (point - self._pressed.position()).manhattanLength() < START_AFTER:
                return True
            self._dragging = self._canvas.frozen = True
            self._view.setFocus(Qt.FocusReason.MouseFocusReason)
            self.choose(self._held[0])
        self._view.scene.pointer = point
        self._view.tell_cursor(point)
        self._drag_to(point)
        return True

    def _hover(self, event: QMouseEvent) -> bool:
        point = event.position()
        found = None if event.buttons() or self._model_at(point) else self.at(point)
        if found != self._hovered:
            self._hovered = found
            self._canvas.viewport().update()
        viewport = self._canvas.viewport()
        if found is None:
            return False
        shape = Qt.CursorShape.SizeAllCursor if found[1] == "all" else Qt.CursorShape.SizeHorCursor
        if viewport.cursor().shape() != shape:
            viewport.setCursor(shape)
        band = self.band(found[0])
        viewport.setToolTip(band.words or band.label if band is not None else "")
        scene = self._view.scene
        scene.pointer, scene.hovered = point, None
        self._view.tell_cursor(point)
        return True

    def _release(self, event: QMouseEvent) -> bool:
        assert self._held is not None
        (name, part), dragged, pressed = self._held, self._dragging, self._pressed
        self._let_go()
        if dragged:
            self._canvas.fit_ranges()
            self._tell_released(name)
        elif pressed is not None:
            self._view.setFocus(Qt.FocusReason.MouseFocusReason)
            self.choose(name)
            if part == "all":  # a click goes on to the plot, which may choose a component there
                self._canvas.pressed.emit(pressed)
                self._canvas.released.emit(event)
        self._canvas.viewport().update()
        return True

    def _tell_released(self, name: str) -> None:
        band = self.band(name)
        if band is not None:
            self.released.emit(name, band.low, band.high)

    def _key(self, event: QKeyEvent) -> bool:
        key = Qt.Key(event.key())
        if event.modifiers() & (Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier):
            return False
        if key == Qt.Key.Key_B:
            names = ["", *(band.name for band in self.shown if band.movable)]
            self.choose(names[(names.index(self._chosen) + 1) % len(names)])
            return True
        band = self.band(self._chosen)
        if band is None:
            return False
        if key == Qt.Key.Key_Escape:
            self.choose("")
            return True
        step = self._step() * (10 if event.modifiers() & Qt.KeyboardModifier.ShiftModifier else 1)
        if key in _KEYS:
            shift = _KEYS[key] * step * (-1 if self._canvas.main.vb.xInverted() else 1)
            self._keyed = band.name
            self.move(band.name, band.low + shift, band.high + shift)
            return True
        if key in _WIDER or key in _NARROWER:
            grow = step if key in _WIDER else -step
            self._keyed = band.name
            self.move(band.name, band.low, band.high + grow, "high")
            return True
        return False

    # -- painting -----------------------------------------------------------------------------------------------

    def _paint(self, painter: QPainter) -> None:
        mapper = self._canvas.mapper()
        if not self._owned or self._view.comparing or mapper.box.width() < 20:
            self._painter.plates = {}
            return
        self._painter.paint(painter, mapper, self.shown, self._view.colours, chosen=self._chosen,
                            held=self._held or self._hovered, marked=bool(self._view.scene.marks))
