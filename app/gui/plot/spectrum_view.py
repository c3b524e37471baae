"""The spectrum plot: shows the document's selected spectrum and lets hand and keys change its model."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.plot.canvas import Canvas
from app.gui.plot.captions import caption
from app.gui.plot.keyboard import pressed as key_pressed
from app.gui.plot.marks import Mark, element_marks, reference_marks
from app.gui.plot.mouse import Mouse
from app.gui.plot.overlay import Overlay, Scene
from app.gui.plot.pictures import Picture, single
from app.project.project import Entry, RegionFit
from fitting.dataset import Spectrum
from libraries.compounds import ReferenceLine

TOOLS = ("region", "peak")


class SpectrumView(QWidget):
    """Spectrum, model and residuals with handles.

    Signals
    -------
    cursor_moved(float, float)
        Axis value and intensity under the pointer.
    message(str)
        Something the user should know: a bound was met, a linked peak moved along. "" when it is over.
    tool_changed(str)
        "region", "peak" or "".
    region_drawn(float, float)
        A range was drawn with the region tool, after it was added to the project.
    """

    cursor_moved = Signal(float, float)
    message = Signal(str)
    tool_changed = Signal(str)
    region_drawn = Signal(float, float)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.scene = Scene()
        self.canvas = Canvas(self)
        self.colours = theme.current()
        self._picture = Picture(self.canvas, self.scene)
        self._overlay = Overlay(self.canvas, self.scene)
        self._mouse = Mouse(self)
        self._tool = ""
        self._spectrum_of: tuple[object, object, Spectrum] | None = None
        self._shown: Spectrum | None = None
        self._entry_shown: str | None = None
        self._drawn_entry: Entry | None = None
        self._elements: tuple[str, ...] = ()
        self._references: tuple[ReferenceLine, ...] = ()
        self._build()
        self.set_colours(theme.current())
        theme.changes().changed.connect(self.set_colours)
        document.project_changed.connect(self._follow)
        document.selection_changed.connect(self.refresh)

    def _build(self) -> None:
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAccessibleName("Spectrum")
        self.setAccessibleDescription(
            "Plot of the spectrum with its fit. Tab chooses a component, arrow keys move it and change its height, "
            "plus and minus change its width, Delete removes it, A shows everything."
        )
        self._title, self._details = QLabel(self), QLabel(self)
        self._title.setObjectName("plotTitle")
        self._details.setObjectName("plotDetails")
        font = self._title.font()
        font.setBold(True)
        self._title.setFont(font)
        self._title.setAccessibleName("Shown spectrum")
        self._details.setAccessibleName("Charge reference and background")
        self._details.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        line = QHBoxLayout()
        line.setContentsMargins(12, 8, 12, 0)
        line.setSpacing(12)
        line.addWidget(self._title)
        line.addWidget(self._details, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(line)
        layout.addWidget(self.canvas, 1)

    # -- showing ------------------------------------------------------------------------------------------------

    def spectrum(self) -> Spectrum | None:
        """The shown spectrum after its recipe; computed once for each recipe."""
        entry = self.document.entry
        if entry is None:
            return None
        known = self._spectrum_of
        if known is None or known[0] is not entry.spectrum or known[1] is not entry.recipe:
            processed = self.document.spectrum()
            if processed is None:
                return None
            known = self._spectrum_of = (entry.spectrum, entry.recipe, single(processed))
        return known[2]

    def fit(self) -> RegionFit | None:
        """The region whose handles are shown."""
        return self.document.fit

    def _follow(self) -> None:
        """Show the document, unless what is shown is the same: a live fit tells of one edit twice."""
        if self.document.entry is not self._drawn_entry or self.document.entry is None:
            self.refresh()

    def refresh(self) -> None:
        """Show the document as it is now."""
        self._drawn_entry = self.document.entry
        entry, spectrum, fit = self.document.entry, self.spectrum(), self.document.fit
        new_entry = (entry.id if entry else None) != self._entry_shown
        self._picture.show(entry, spectrum, fit, self.document.selection.component)
        if spectrum is not self._shown:
            moved = not new_entry and self._shown is not None
            self._shown = spectrum
            if spectrum is not None:
                self._picture.axis_labels(spectrum)
                self._place_marks()
                self.canvas.auto_x = self.canvas.auto_x or moved
        if new_entry:
            self._entry_shown = entry.id if entry else None
            self.canvas.auto_x = self.canvas.auto_y = True
            self._mouse.cancel()
        self.canvas.setVisible(entry is not None)
        self.canvas.show_residuals(fit is not None)
        self.canvas.fit_ranges()
        self._show_caption()
        self.canvas.viewport().update()

    def _show_caption(self) -> None:
        entry = self.document.entry
        title, details = caption(entry, self.document.fit) if entry else ("No spectrum", "Open files or drop them here")
        if self._picture.error:
            details = self._picture.error
        self._title.setText(title)
        self._details.setText(details)
        self._details.setToolTip(details)

    def set_colours(self, colours: theme.Theme) -> None:
        """Draw in these colours."""
        self.colours = self.scene.colours = colours
        self.canvas.recolour(colours)
        self._picture.recolour(colours)
        palette = self.palette()
        palette.setColor(self.backgroundRole(), colours.paper)
        self.setAutoFillBackground(True)
        self.setPalette(palette)
        self._title.setStyleSheet(f"color: {colours.text}")
        self._details.setStyleSheet(f"color: {colours.muted}")
        self.refresh()

    def autoscale(self) -> None:
        """Show the whole spectrum."""
        self.canvas.autoscale()

    def show_range(self, low: float, high: float) -> None:
        """Show this part of the axis."""
        self.canvas.show_range(low, high)

    # -- library lines ------------------------------------------------------------------------------------------

    def show_elements(self, elements: Sequence[str]) -> None:
        """Mark the lines of these elements; none to remove the marks."""
        self._elements = tuple(elements)
        self._place_marks()

    def show_references(self, rows: Sequence[ReferenceLine]) -> None:
        """Mark cited ranges of compounds; none to remove the marks."""
        self._references = tuple(rows)
        self._place_marks()

    def _place_marks(self) -> None:
        spectrum = self.spectrum()
        marks: tuple[Mark, ...] = ()
        if spectrum is not None:
            marks = (*element_marks(spectrum, self._elements), *reference_marks(spectrum, self._references))
        self.scene.marks = marks
        self.canvas.viewport().update()

    # -- tools --------------------------------------------------------------------------------------------------

    @property
    def tool(self) -> str:
        """ "region", "peak" or "" for none."""
        return self._tool

    def set_tool(self, tool: str | None) -> None:
        """What the next drag or click on the plot makes: "region", "peak" or None."""
        tool = tool or ""
        if tool and tool not in TOOLS:
            raise ValueError(f"no tool {tool}")
        if tool == self._tool:
            return
        self._mouse.cancel()
        self._tool = tool
        self.scene.crosshair = bool(tool)
        self.canvas.viewport().setCursor(Qt.CursorShape.CrossCursor if tool else Qt.CursorShape.ArrowCursor)
        hints = {
            "region": "Drag over the part of the spectrum that is to be fitted",
            "peak": "Click where the peak is",
            "": "",
        }
        self.hint(hints[tool])
        self.tool_changed.emit(tool)

    def hint(self, text: str, stopped: bool = False) -> None:
        """Say something on the plot and to whoever listens; "" takes it away."""
        if (text, stopped) != (self.scene.hint, self.scene.stopped):
            self.scene.hint, self.scene.stopped = text, stopped
            self.message.emit(text)
            self.canvas.viewport().update()

    # -- places -------------------------------------------------------------------------------------------------

    def data_position(self, x: float, y: float) -> QPointF:
        """Place of a data point on the plot's viewport, in its pixels (see `viewport`)."""
        self.canvas.settle()
        return self.canvas.mapper().point(x, y)

    def data_at(self, point: QPointF) -> tuple[float, float]:
        """Data point at a place of the viewport."""
        return self.canvas.mapper().data(point)

    def viewport(self) -> QWidget:
        """The widget that receives the mouse."""
        return self.canvas.viewport()

    # -- keys ---------------------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Arrows, +, -, Delete, A, Escape."""
        if not key_pressed(self, event):
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """A held key is one undo step."""
        if not event.isAutoRepeat():
            self.document.close_merge()
        super().keyReleaseEvent(event)

    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Tab goes through the components and then on to the next widget."""
        fit = self.document.fit
        ids = [c.id for c in fit.model.components] if fit is not None else []
        chosen = self.document.selection.component
        if ids:
            at = ids.index(chosen) if chosen in ids else (-1 if forwards else len(ids))
            at += 1 if forwards else -1
            if 0 <= at < len(ids):
                self.document.select_component(ids[at])
                return True
        return super().focusNextPrevChild(forwards)

    def mouse_event(self, event: QMouseEvent) -> None:
        """The plot takes the keyboard when it is clicked."""
        self.setFocus(Qt.FocusReason.MouseFocusReason)
