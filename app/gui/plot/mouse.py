"""The mouse on the plot: grabbing handles, panning, tools, and what the pointer shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QPointF, Qt
from PySide6.QtGui import QMouseEvent

from app.gui.plot.anchors import takes_anchors
from app.gui.plot.drags import Drag, drag_of, height_above_background, limits_of
from app.gui.plot.handles import Handle, component_at, handle_at
from app.project import work
from fitting import guess
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.plot.spectrum_view import SpectrumView

START_AFTER = 3.0  # pixels: a smaller movement is a click
Button = Qt.MouseButton


class Mouse(QObject):
    """Listens to the canvas and acts on view and document."""

    def __init__(self, view: SpectrumView) -> None:
        super().__init__(view)
        self._view, self._canvas, self._scene = view, view.canvas, view.scene
        self._pressed: QPointF | None = None
        self._handle: Handle | None = None
        self._drag: Drag | None = None
        self._panning = False
        self._last = QPointF()
        canvas = view.canvas
        canvas.pressed.connect(self._press)
        canvas.moved.connect(self._move)
        canvas.released.connect(self._release)
        canvas.double_clicked.connect(self._double)
        canvas.left.connect(self._leave)

    def cancel(self) -> None:
        """Let go of everything."""
        self._pressed = self._handle = self._drag = None
        self._panning = self._canvas.frozen = False
        self._scene.rubber = self._scene.dragged = None
        self._scene.readout, self._scene.bounds = "", ()

    # -- events -------------------------------------------------------------------------------------------------

    def _press(self, event: QMouseEvent) -> None:
        self._view.mouse_event(event)
        point = event.position()
        if event.button() == Button.RightButton and not self._view.tool:
            self._remove_anchor(point)
        if event.button() not in (Button.LeftButton, Button.MiddleButton):
            return
        self._pressed = self._last = point
        self._handle = None
        left = event.button() == Button.LeftButton
        if left and not self._view.tool:
            self._handle = handle_at(self._scene.handles, point, self._canvas.mapper())
            if self._handle is not None and self._handle.id:
                self._view.document.select_component(self._handle.id)
            chosen = self._handle.side if self._handle is not None and self._handle.role == "anchor" else None
            if chosen != self._scene.anchor:
                self._scene.anchor = chosen
                self._canvas.viewport().update()

    def _move(self, event: QMouseEvent) -> None:
        point = event.position()
        self._scene.pointer = point
        self._view.tell_cursor(point)
        if self._pressed is not None and event.buttons() & (Button.LeftButton | Button.MiddleButton):
            self._drag_to(event, point)
        else:
            self._hover(point)
        if self._scene.crosshair:
            self._canvas.viewport().update()
        self._last = point

    def _drag_to(self, event: QMouseEvent, point: QPointF) -> None:
        assert self._pressed is not None
        started = self._drag is not None or self._panning or self._scene.rubber is not None
        if not started and (point - self._pressed).manhattanLength() < START_AFTER:
            return
        if self._handle is not None:
            self._step(point)
        elif self._view.tool == "region" and event.buttons() & Button.LeftButton:
            mapper = self._canvas.mapper()
            self._scene.rubber = (mapper.data(self._pressed)[0], mapper.data(point)[0])
            low, high = sorted(self._scene.rubber)
            spectrum = self._view.spectrum()
            unit = spectrum.axis.unit if spectrum is not None else ""
            self._scene.readout = f"{low:.2f} to {high:.2f} {unit}".rstrip()
            self._canvas.viewport().update()
        elif not self._view.tool or event.buttons() & Button.MiddleButton:
            self._panning = True
            self._canvas.viewport().setCursor(Qt.CursorShape.ClosedHandCursor)
            mapper = self._canvas.mapper()
            (x0, y0), (x1, y1) = mapper.data(self._last), mapper.data(point)
            self._canvas.pan(x0 - x1, y0 - y1)

    def _step(self, point: QPointF) -> None:
        """One step of a handle's drag."""
        view, handle = self._view, self._handle
        fit, spectrum = view.document.fit, view.spectrum()
        if handle is None or self._pressed is None or fit is None or spectrum is None:
            return
        if self._drag is None:
            self._drag = drag_of(handle, spectrum, fit.model)
            self._scene.dragged, self._scene.bounds = handle.key, limits_of(handle, fit.model)
            self._canvas.frozen = True
        mapper = self._canvas.mapper()
        (x0, y0), (x1, y1) = mapper.data(self._pressed), mapper.data(point)
        try:
            edit = self._drag.to(handle.x + x1 - x0, handle.y + y1 - y0)
        except SodaliteError as error:
            view.hint(str(error), True)
            return
        self._scene.readout = self._drag.words(edit.model)
        view.hint(edit.note, edit.stopped)
        view.document.edit_model(self._drag.text, edit.model, merge="drag " + " ".join(map(str, handle.key)))

    def _release(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            return
        clicked = self._drag is None and not self._panning and self._scene.rubber is None
        rubber, dragged, point = self._scene.rubber, self._drag is not None, self._pressed
        self.cancel()
        if dragged:
            self._view.document.close_merge()
            if not self._scene.stopped:
                self._view.hint("")
            self._canvas.fit_ranges()
        elif rubber is not None:
            self._add_region(*sorted(rubber))
        elif clicked and event.button() == Button.LeftButton:
            self._click(point)
        self._hover(event.position())
        self._canvas.viewport().update()

    def _double(self, event: QMouseEvent) -> None:
        if handle_at(self._scene.handles, event.position(), self._canvas.mapper()) is not None or self._view.tool:
            return
        fit, x = self._view.document.fit, self._canvas.mapper().data(event.position())[0]
        if fit is not None and takes_anchors(fit.model) and fit.model.region[0] <= x <= fit.model.region[1]:
            self._view.add_anchor(x)
        else:
            self._canvas.autoscale()

    def _remove_anchor(self, point: QPointF) -> None:
        """A right click on an anchor removes it."""
        handle = handle_at(self._scene.handles, point, self._canvas.mapper())
        if handle is not None and handle.role == "anchor":
            self._view.remove_anchor(handle.side)

    def _leave(self) -> None:
        self._scene.pointer = self._scene.hovered = None
        self._canvas.viewport().update()

    # -- what they do -------------------------------------------------------------------------------------------

    def _hover(self, point: QPointF) -> None:
        if self._view.tool:
            return
        handle = handle_at(self._scene.handles, point, self._canvas.mapper())
        shape = Qt.CursorShape.ArrowCursor if handle is None else handle.cursor
        if self._canvas.viewport().cursor().shape() != shape:
            self._canvas.viewport().setCursor(shape)
        key = None if handle is None else handle.key
        if key != self._scene.hovered:
            self._scene.hovered = key
            self._canvas.viewport().setToolTip("" if handle is None else handle.words)
            self._canvas.viewport().update()

    def _click(self, point: QPointF) -> None:
        x, y = self._canvas.mapper().data(point)
        if self._view.tool == "peak":
            self._add_peak(x)
        elif not self._view.tool and self._handle is None:
            self._choose(x, y)

    def _choose(self, x: float, y: float) -> None:
        """A click chooses the component under it, else the region under it."""
        document = self._view.document
        if handle_at(self._scene.handles, self._canvas.mapper().point(x, y), self._canvas.mapper()):
            return
        found = component_at(self._scene.curves, x, y) if self._scene.curves is not None else None
        if found is not None:
            document.select_component(found)
            return
        fit, entry = document.fit, document.entry
        if entry is None or (fit is not None and fit.model.region[0] <= x <= fit.model.region[1]):
            return
        for other in entry.fits:
            if other.model.region[0] <= x <= other.model.region[1]:
                document.select(entry.id, other.id)
                return

    def _add_region(self, low: float, high: float) -> None:
        document, spectrum = self._view.document, self._view.spectrum()
        entry = document.entry
        if entry is None or spectrum is None:
            return
        low, high = max(low, float(spectrum.x[0])), min(high, float(spectrum.x[-1]))
        try:
            project, fit = work.add_region(document.project, entry.id, low, high, place=document.place)
        except SodaliteError as error:
            self._view.hint(str(error), True)
            return
        self._view.set_tool(None)
        document.apply(f"Add region {low:.1f} to {high:.1f} eV", project)
        document.select(entry.id, fit)
        self._view.region_drawn.emit(low, high)

    def _add_peak(self, x: float) -> None:
        document, spectrum, fit = self._view.document, self._view.spectrum(), self._view.document.fit
        if spectrum is None or fit is None:
            self._view.hint("Draw a region first: a peak belongs to one", True)
            return
        low, high = fit.model.region
        if not low <= x <= high:
            self._view.hint(f"The peak must lie in the region, {low:.2f} to {high:.2f} eV", True)
            return
        try:
            height = height_above_background(spectrum, fit.model, x)
            model = guess.add_peak(spectrum, fit.model, x, height=height)
        except SodaliteError as error:
            self._view.hint(str(error), True)
            return
        old = {c.id for c in fit.model.components}
        document.edit_model(f"Add peak at {x:.2f} eV", model)
        document.select_component(next((c.id for c in model.components if c.id not in old), None))
