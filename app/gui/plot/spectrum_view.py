"""The spectrum plot: shows the document's selected spectrum and lets hand and keys change its model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QPointF, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.plot.anchors import add_anchor, remove_anchor
from app.gui.plot.bands import Bands
from app.gui.plot.canvas import Canvas
from app.gui.plot.captions import caption, intensity_label
from app.gui.plot.colours import small
from app.gui.plot.comparison import ComparisonBar, Pile, Settings, paint_legend, pile, pile_of_places
from app.gui.plot.edits import Edit
from app.gui.plot.keyboard import pressed as key_pressed
from app.gui.plot.line_names import LineName, LineNames
from app.gui.plot.marks import Mark, element_marks, reference_marks
from app.gui.plot.mouse import Mouse
from app.gui.plot.overlay import Overlay, Scene
from app.gui.plot.pictures import Picture
from app.project.project import Entry, RegionFit
from fitting.dataset import FloatArray, Spectrum
from fitting.image.place import Place
from libraries.compounds import ReferenceLine
from libraries.errors import SodaliteError

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
    comparing_changed(bool)
        Several spectra are shown over each other, or no longer.
    """

    cursor_moved = Signal(float, float)
    message = Signal(str)
    tool_changed = Signal(str)
    region_drawn = Signal(float, float)
    comparing_changed = Signal(bool)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.scene = Scene()
        self.canvas = Canvas(self)
        self.colours = theme.current()
        self._picture = Picture(self.canvas, self.scene)
        self._overlay = Overlay(self.canvas, self.scene)
        self._mouse = Mouse(self)
        self.bands = Bands(self)
        self._tool = ""
        self._shown: Spectrum | None = None
        self._entry_shown: str | None = None
        self._drawn_entry: Entry | None = None
        self._elements: tuple[str, ...] = ()
        self._references: tuple[ReferenceLine, ...] = ()
        self._comparing = self._before = False
        self._pile: Pile | None = None
        self._compared: tuple[tuple[str, Place, int, str], ...] = ()
        self._log_wanted = True
        self._line_names = LineNames(small(self.font()))
        self._build()
        self.set_colours(theme.current())
        theme.changes().changed.connect(self.set_colours)
        document.project_changed.connect(self._follow)
        document.selection_changed.connect(self.refresh)
        document.chosen_changed.connect(self._chosen_changed)
        document.place_changed.connect(self.refresh)

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
        self.bar = ComparisonBar(self)
        self.bar.hide()
        self.bar.changed.connect(lambda _: self.refresh())
        self.bar.closed.connect(lambda: self.set_comparing(False))
        layout.addWidget(self.bar)
        layout.addWidget(self.canvas, 1)
        self.canvas.overlays.append(self._paint_legend)
        self.canvas.overlays.append(self._paint_line_names)

    # -- showing ------------------------------------------------------------------------------------------------

    def spectrum(self) -> Spectrum | None:
        """The shown spectrum after its recipe; of an image that of the pixels that are looked at."""
        return self.document.shown()

    def fit(self) -> RegionFit | None:
        """The region whose handles are shown."""
        return self.document.fit

    def _follow(self) -> None:
        """Show the document, unless what is shown is the same: a live fit tells of one edit twice."""
        if self._comparing or self.document.entry is not self._drawn_entry or self.document.entry is None:
            self.refresh()

    def refresh(self) -> None:
        """Show the document as it is now."""
        if self._comparing:
            self._refresh_pile()
            return
        self._drawn_entry = self.document.entry
        entry, spectrum, fit = self.document.entry, self.spectrum(), self.document.fit
        if entry is not None and entry.fits:
            entry = replace(entry, fits=tuple(region.fit for region in self.document.regions()))
        new_entry = (entry.id if entry else None) != self._entry_shown
        self._set_powers(self._log_wanted and spectrum is not None and not (entry is not None and entry.fits)
                         and spectrum.axis.quantity in ("mass", "channel") and spectrum.meta.technique == "sims")
        self._picture.show(entry, spectrum, fit, self.document.selection.component)
        raw = entry.spectrum if self._before and entry is not None and entry.recipe.steps else None
        self._picture.show_before(raw, spectrum)
        if spectrum is not self._shown:
            self._picture.show_guide(np.zeros(0), np.zeros(0))
            # Of an image the next pixel is shown on the same axis, whose visible part stays.
            before, same = self._shown, False
            if before is not None and spectrum is not None:
                same = spectrum.axis is before.axis and spectrum.meta is before.meta
            moved = not new_entry and before is not None and not same
            self._shown = spectrum
            if spectrum is not None and (new_entry or not same):
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
        self._line_names.show(self._line_names.names, *self._picture.drawn)
        self.canvas.viewport().update()

    # -- several spectra ----------------------------------------------------------------------------------------

    @property
    def comparing(self) -> bool:
        """Whether the chosen spectra are shown over each other."""
        return self._comparing

    @property
    def pile(self) -> Pile | None:
        """The curves that are shown over each other; None where a single spectrum is shown."""
        return self._pile

    def set_comparing(self, on: bool) -> None:
        """Show all chosen spectra over each other, or the one chosen last with its fit."""
        if not on:
            self._compared = ()
        if on == self._comparing:
            return
        self._comparing, self._pile, self._shown, self._entry_shown = on, None, None, None
        self.set_tool(None)
        self._mouse.cancel()
        self.bar.setVisible(on)
        self.canvas.auto_x = self.canvas.auto_y = True
        self.refresh()
        self.comparing_changed.emit(on)

    def compare_places(self, places: Sequence[tuple[str, Place, int, str]]) -> None:
        """Show the spectra of places of the image over each other, for one pixel each.

        Parameters
        ----------
        places : sequence of (name, place, number of pixels, colour)
        """
        self._compared = tuple(places)
        if self._comparing:
            self.refresh()
        else:
            self.set_comparing(bool(places))

    def set_whole(self, on: bool) -> None:
        """Show a zero-loss line that is much higher than all losses in full, or let it leave the picture."""
        if on != self.canvas.whole:
            self.canvas.whole, self.canvas.auto_y = on, True
            self.refresh()

    @property
    def logarithmic(self) -> bool:
        """Whether the intensity is drawn as its logarithm: counts of mass spectra without a fitted region."""
        return self._picture.logarithmic

    def set_logarithmic(self, on: bool) -> None:
        """Draw counts of mass spectra as their logarithm, or as they are."""
        if on != self._log_wanted:
            self._log_wanted = on
            self.refresh()

    def _set_powers(self, on: bool) -> None:
        axis = self.canvas.main.getAxis("left")
        if on != self._picture.logarithmic:
            self._picture.logarithmic = axis.powers = on
            self.canvas.auto_y = True
            axis.picture = None
            axis.update()

    def show_line_names(self, names: Sequence[LineName]) -> None:
        """Names over lines of a mass spectrum; none to remove them."""
        if tuple(names) != self._line_names.names:
            self._line_names.show(names, *self._picture.drawn)
            self.canvas.viewport().update()

    @property
    def named_lines(self) -> tuple[str, ...]:
        """The names that had room at the last painting."""
        return self._line_names.painted

    def _paint_line_names(self, painter: QPainter) -> None:
        if not self._comparing:
            self._line_names.paint(painter, self.canvas.mapper(), self.colours)

    def set_before(self, on: bool) -> None:
        """Show the spectrum before its recipe behind the data, or not."""
        if on != self._before:
            self._before = on
            self.refresh()

    def show_guide(self, x: FloatArray, y: FloatArray) -> None:
        """Draw a curve over the shown spectrum until another is shown."""
        self._picture.show_guide(x, y)
        self.canvas.viewport().update()

    def _chosen_changed(self) -> None:
        if self._comparing:
            self.canvas.auto_x = self.canvas.auto_y = True
            self.refresh()

    def _refresh_pile(self) -> None:
        document, spectrum = self.document, self.spectrum()
        if spectrum is None or document.entry is None:
            self.set_comparing(False)
            return
        settings: Settings = self.bar.settings
        self._pile = found = self._pile_now(document.entry, spectrum, settings)
        if not found.traces:
            self.set_comparing(False)
            return
        self._shown = None
        self._set_powers(False)
        self._picture.show_pile(found, settings.difference)
        self._picture.axis_labels(spectrum)
        words = "Intensity (normalised)" if settings.normalise else intensity_label(spectrum)
        if self._compared and not settings.normalise:
            words = words.replace("Intensity (", "Intensity of one pixel (")
        self.canvas.main.getAxis("left").setLabel(words)
        self._place_marks()
        self.canvas.setVisible(True)
        self.canvas.show_residuals(settings.difference and found.difference is not None)
        # Only when it is shown: an axis that is hidden while its label changes takes itself to have no width.
        self.canvas.rest.getAxis("left").setLabel("Difference")
        self.canvas.fit_ranges()
        self.bar.say(found)
        count = len(found.traces)
        self._title.setText(f"{count} spectra" if count > 1 else found.traces[0].name)
        details = "Choose more spectra in the project list (Ctrl+click)" if count == 1 else ""
        if self._compared:
            self._title.setText(f"{document.entry.title} · {count} places")
            details = "each divided by the number of its pixels"
        self._details.setText(details)
        self._details.setToolTip("")
        self.canvas.viewport().update()

    def _pile_now(self, entry: Entry, spectrum: Spectrum, settings: Settings) -> Pile:
        document = self.document
        if self._compared:
            try:
                return pile_of_places(entry, self._compared, settings, self.colours)
            except SodaliteError:  # a shape that was taken away, or another spectrum
                return Pile(())
        entries = [document.project.entry(id) for id in document.chosen] or [entry]
        samples = {sample.id: sample.name for sample in document.project.samples}
        return pile(entries, spectrum, settings, self.colours, samples)

    def _paint_legend(self, painter: QPainter) -> None:
        if self._pile is not None:
            painter.setFont(small(self.font()))
            moved = self.bar.settings.offset > 0
            paint_legend(painter, self.canvas.mapper(), self._pile.traces, self.colours, moved)

    def _show_caption(self) -> None:
        entry = self.document.entry
        title, details = "No spectrum", "Open files or drop them here"
        if entry is not None:
            document = self.document
            title, details = caption(entry, document.fit, document.place, document.region)
        if self._picture.tall is not None and not self.canvas.whole and self.canvas.auto_y:
            details = "  ·  ".join(text for text in (details, "zero loss cut off (Z)") if text)
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
        if tool:  # tools work on the single spectrum
            self.set_comparing(False)
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

    # -- anchors of a spline background -------------------------------------------------------------------------

    def add_anchor(self, x: float) -> None:
        """One more anchor of the background at an energy, on the data."""
        fit, spectrum = self.document.fit, self.spectrum()
        if fit is not None and spectrum is not None:
            self._anchor_edit("Add anchor", add_anchor(spectrum, fit.model, x))

    def remove_anchor(self, index: int) -> None:
        """Take an anchor away."""
        fit = self.document.fit
        if fit is not None and 0 <= index < len(fit.model.background.anchors):
            self._anchor_edit("Remove anchor", remove_anchor(fit.model, index))

    def _anchor_edit(self, text: str, edit: Edit) -> None:
        fit = self.document.fit
        self.scene.anchor = None
        self.hint(edit.note, edit.stopped)
        if fit is not None and edit.model is not fit.model:
            self.document.edit_model(text, edit.model)

    # -- places -------------------------------------------------------------------------------------------------

    def data_position(self, x: float, y: float) -> QPointF:
        """Place of a data point on the plot's viewport, in its pixels (see `viewport`)."""
        self.canvas.settle()
        return self.canvas.mapper().point(x, y)

    def data_at(self, point: QPointF) -> tuple[float, float]:
        """Data point at a place of the viewport."""
        return self.canvas.mapper().data(point)

    def tell_cursor(self, point: QPointF) -> None:
        """Say where the pointer is, with the intensity as it is and not its logarithm."""
        x, y = self.data_at(point)
        self.cursor_moved.emit(x, 10.0**y if self.logarithmic and y < 300 else y)

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
