"""The image left of the spectrum: where the spectrum comes from, and regions drawn by hand."""

from __future__ import annotations

import math
from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QActionGroup, QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QLineEdit, QMenu, QStackedWidget, QToolButton, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.image.colouring import COLOUR_MAPS, label
from app.gui.image.image_view import ImageView
from app.gui.image.place_view import PlaceView, roi_colour
from app.gui.image.places_list import PlaceRow, PlacesList
from app.gui.image.roi_edit import new_roi
from app.gui.image.series_view import SeriesView
from app.gui.image.shown_map import IntensityMaps, Range
from app.gui.panels.base import Panel, button, muted
from app.gui.panels.numbers import parse_number
from app.gui.style.icons import icon
from app.gui.tasks import Tasks
from app.gui.theme import GAP_1, GAP_2
from app.project.place_words import pixel_words
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.image.classes import class_word, is_classes
from fitting.image.maps import Map
from fitting.image.place import ALL, Place, Roi, ShapeKind
from libraries.errors import SodaliteError

TOTAL, WINDOW, LIVE, MAP = "total", "window", "live", "map:"
WIDTH, NARROWEST = 300, 220
TOOLS: tuple[tuple[str, str, str], ...] = (
    ("rectangle", "Rectangle", "Draw a rectangle: drag over the image"),
    ("ellipse", "Ellipse", "Draw an ellipse: drag over the image"),
    ("polygon", "Polygon", "Draw a polygon: click its corners, double-click or Enter closes it"),
)


class Navigator(Panel):
    """The image left of the spectrum: where the spectrum comes from, and regions drawn by hand.

    Signals
    -------
    compare_wanted(bool)
        Show the spectra of several places over each other (`compared`), or the single one again.
    shown_changed(bool)
        Whether the navigator is on.
    """

    compare_wanted = Signal(bool)
    shown_changed = Signal(bool)

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Navigator", parent)
        self.tasks = tasks
        self.on = True
        self.intensities = IntensityMaps(tasks, self)
        self.intensities.ready.connect(self._show_picture)
        self._source: dict[str, str] = {}  # what is shown of each entry
        self._windows: dict[str, tuple[float, float]] = {}
        self._live: Map | None = None  # shown while a window is moved
        self._drawn: object = None
        self.body.setContentsMargins(GAP_2, GAP_2, GAP_2, GAP_2)
        self.body.setSpacing(GAP_1 + 2)
        self._build_source()
        self._build_views()
        self._build_tools()
        self._build_places()
        self.setMinimumWidth(NARROWEST)
        self.document.selection_changed.connect(self._offer)
        self.document.project_changed.connect(self._follow)
        self.document.place_changed.connect(self._show_place)
        self.ready()
        self._offer()

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, super().sizeHint().height())

    # -- building -----------------------------------------------------------------------------------------------

    def _build_source(self) -> None:
        self.source = QComboBox()
        self.source.setAccessibleName("What the image shows")
        self.source.setToolTip("Total intensity, an energy window, or a map of this image")
        self.source.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.source.setMinimumContentsLength(10)
        self.source.activated.connect(self._source_chosen)
        self.look = QToolButton()
        self.look.setIcon(icon("theme"))
        self.look.setAccessibleName("Colours of the image")
        self.look.setToolTip("Colours and limits of the image")
        self.look.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(self.look)
        self._colour_actions = QActionGroup(menu)
        for name, words in COLOUR_MAPS.items():
            action = menu.addAction(words)
            action.setCheckable(True)
            action.setData(name)
            action.setChecked(name == "viridis")
            self._colour_actions.addAction(action)
        menu.addSeparator()
        self._full = menu.addAction("From least to largest value")
        self._full.setToolTip("Otherwise from the 1 % to the 99 % percentile")
        self._full.setCheckable(True)
        self._hide = menu.addAction("Leave out flagged pixels")
        self._hide.setCheckable(True)
        menu.triggered.connect(lambda _: self._dress())
        self.look.setMenu(menu)
        line = QHBoxLayout()
        line.setSpacing(GAP_1)
        line.addWidget(self.source, 1)
        line.addWidget(self.look)
        self.body.addLayout(line)
        self.low, self.high = QLineEdit(), QLineEdit()
        self.window_row = QWidget()
        row = QHBoxLayout(self.window_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP_1)
        self.unit = QLabel("eV")
        for field, words in ((self.low, "Low end of the window"), (self.high, "High end of the window")):
            field.setAccessibleName(words)
            field.setToolTip(words)
            field.editingFinished.connect(self._window_typed)
        for widget in (self.low, QLabel("to"), self.high, self.unit):
            row.addWidget(widget)
        self.window_row.hide()
        self.body.addWidget(self.window_row)

    def _build_views(self) -> None:
        self.image, self.curve = ImageView(), SeriesView()
        self.views = QStackedWidget()
        for view in (self.image, self.curve):
            self.views.addWidget(view)
            view.pixel_wanted.connect(self._pixel_wanted)
            view.place_wanted.connect(self.document.set_place)
            view.shape_drawn.connect(self._drawn_shape)
            view.shape_changed.connect(self._change_roi)
            view.released.connect(self.document.close_merge)
            view.remove_wanted.connect(self.remove)
            view.tool_changed.connect(self._tool_changed)
            view.hovered.connect(self._hovered)
        self.body.addWidget(self.views, 3)
        self.readout = muted("")
        self.readout.setWordWrap(False)
        self.readout.setAccessibleName("Value under the pointer")
        self.body.addWidget(self.readout)

    def _build_tools(self) -> None:
        line = QHBoxLayout()
        line.setSpacing(GAP_1)
        self.tools: dict[str, QToolButton] = {}
        for name, words, tip in TOOLS:
            tool = QToolButton()
            tool.setIcon(icon(name))
            tool.setCheckable(True)
            tool.setAccessibleName(words)
            tool.setToolTip(tip)
            tool.clicked.connect(lambda on, name=name: self.view.set_tool(name if on else ""))
            self.tools[name] = tool
            line.addWidget(tool)
        line.addStretch(1)
        self.compare = button("Compare", "", self._compare)
        self.compare.setCheckable(True)
        self.compare.setToolTip("Spectra of all shapes and of the cursor over each other, for one pixel each; "
                                "of the chosen rows where several are chosen")
        line.addWidget(self.compare)
        self.body.addLayout(line)

    def _build_places(self) -> None:
        self.places = PlacesList()
        self.places.place_wanted.connect(self.document.set_place)
        self.places.renamed.connect(self._rename)
        self.places.remove_wanted.connect(self.remove)
        self.places.chosen_changed.connect(lambda: self.compare_wanted.emit(True) if self.compare.isChecked() else None)
        self.body.addWidget(self.places, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The image is as high as its width wants; the list of places takes the rest."""
        super().resizeEvent(event)
        self._fit_height()

    def _fit_height(self) -> None:
        self.views.setMaximumHeight(self.view.wanted_height(self.width() - 2 * GAP_2))

    # -- whether it is there --------------------------------------------------------------------------------------

    def wanted(self) -> bool:
        """Whether the shown entry has an image or series to navigate on."""
        entry = self.document.entry
        return (entry is not None and entry.spectrum.meta.technique in ("eels", "sims")
                and 1 <= len(entry.spectrum.navigation) <= 2)

    def set_on(self, on: bool) -> None:
        """Show it for images, or never."""
        if on != self.on:
            self.on = on
            self._offer()
            self.shown_changed.emit(on)

    def _selected(self) -> None:
        """Another entry: its spectra are not those that were compared."""
        if self.compare.isChecked():
            self.compare_wanted.emit(False)
        super()._selected()

    def _offer(self) -> None:
        shown = self.on and self.wanted()
        if self.isHidden() == shown:
            self.setVisible(shown)
        if not shown:
            self.intensities.stop()

    def _follow(self) -> None:
        self._offer()
        entry = self.document.entry
        if not self.isHidden() and entry is not None:
            self._show_place()

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def view(self) -> PlaceView:
        """The view that is in use."""
        return self.curve if self.views.currentWidget() is self.curve else self.image

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry = self.document.entry
        if entry is None or not self.wanted():
            return
        spectrum = self._image()
        if spectrum is None or not spectrum.navigation:
            return
        series = len(spectrum.navigation) == 1
        self.views.setCurrentWidget(self.curve if series else self.image)
        self._fit_height()
        for name in ("ellipse", "polygon"):
            self.tools[name].setVisible(not series)
        self.tools["rectangle"].setToolTip("Draw a range: drag over the curve" if series else TOOLS[0][2])
        if series:
            self.curve.set_axis(spectrum.navigation[0])
        else:
            self.image.set_axes(*spectrum.navigation)
        self._list_sources(entry)
        self._show_picture()
        self._show_place()

    def _image(self) -> Spectrum | None:
        return self.document.spectrum()

    def _list_sources(self, entry: Entry) -> None:
        rows = [("Total intensity", TOTAL), ("Energy window…", WINDOW)]
        shown = [m for m in entry.maps if m.values.ndim == len(entry.spectrum.navigation)]
        rows += [(self._live.name, LIVE)] if self._live is not None else []
        groups = {m.group for m in shown}
        rows += [(f"{m.name}  ({m.group})" if m.group and len(groups) > 1 else m.name, MAP + m.id) for m in shown]
        if rows != [(self.source.itemText(i), self.source.itemData(i)) for i in range(self.source.count())]:
            self.source.clear()
            for words, key in rows:
                self.source.addItem(words, key)
        at = self.source.findData(LIVE if self._live is not None else self._source.get(entry.id, TOTAL))
        if at < 0:
            self._source[entry.id], at = TOTAL, 0
        self.source.setCurrentIndex(at)
        self.window_row.setVisible(self.source.currentData() == WINDOW)

    def shown_map(self) -> Map | None:
        """The numbers of the picture; None while they are made."""
        entry, image = self.document.entry, self._image()
        if entry is None or image is None or not image.navigation:
            return None
        key = self._source.get(entry.id, TOTAL)
        if self._live is not None:
            return self._live
        if key.startswith(MAP):
            return next((m for m in entry.maps if m.id == key.removeprefix(MAP)), None)
        return self.intensities.get(image, self._window(entry, image) if key == WINDOW else None)

    def _window(self, entry: Entry, image: Spectrum) -> Range:
        first, last = float(image.x[0]), float(image.x[-1])
        low, high = self._windows.get(entry.id, (first + 0.25 * (last - first), first + 0.5 * (last - first)))
        return (low, high)

    def _show_picture(self) -> None:
        entry, image = self.document.entry, self._image()
        if entry is None or image is None or not image.navigation or not self.wanted():
            return
        one = self.shown_map()
        self.say(self.intensities.error if one is None else "")
        self.image.set_map(one if len(image.navigation) == 2 else None)
        self.curve.set_map(one if len(image.navigation) == 1 else None)
        self._fit_height()
        window = self._window(entry, image)
        if window is not None and not (self.low.hasFocus() or self.high.hasFocus()):
            self.low.setText(f"{window[0]:.6g}")
            self.high.setText(f"{window[1]:.6g}")
        self.unit.setText(image.axis.unit)
        tip = one.origin if one is not None else ""
        self.source.setToolTip(tip or "Total intensity, an energy window, or a map of this image")

    def _show_place(self) -> None:
        entry = self.document.entry
        if entry is None or self.isHidden() or not self.wanted():
            return
        self.view.set_places(entry.rois, self.document.place)
        rows = self.rows(entry)
        other = [(r.place, r.name, r.colour) for r in rows] != [(r.place, r.name, r.colour) for r in self.places.rows()]
        self.places.set_rows(rows, self.document.place)
        self._hovered(-1, -1)
        if self.compare.isChecked() and (other or self.document.project is not self._drawn):
            self.compare_wanted.emit(True)
        self._drawn = self.document.project

    def rows(self, entry: Entry) -> tuple[PlaceRow, ...]:
        """The places of an entry: all pixels, the pixel under the cursor, its shapes."""
        image = self._image() or entry.spectrum
        shape = tuple(len(axis) for axis in image.navigation)
        word = "spectra" if len(shape) == 1 else "pixels"
        rows = [PlaceRow(ALL, f"All {word}", math.prod(shape))]
        place = self.document.place
        if self.view.cursor_pixel is not None:
            rows.append(PlaceRow(place, pixel_words(image, place), 1, theme.current().series[0]))
        for roi in entry.rois:
            pixels = int(roi.mask(shape).sum())
            rows.append(PlaceRow(Place(roi=roi.id), roi.name, pixels, roi_colour(entry.rois, roi.id).name()))
        return tuple(rows)

    def _hovered(self, row: int, column: int) -> None:
        pixel = (row, column) if row >= 0 else self.view.cursor_pixel
        image = self._image()
        if image is None or not image.navigation:
            return
        if pixel is None:
            what = "curve" if self.view.series else "image"
            self.readout.setText("" if self.document.place.roi else f"Click the {what} to see a single spectrum")
            return
        place = Place((pixel[1],)) if self.view.series else Place(pixel)
        value = self.view.value_at(*pixel)
        one = self.image.map if self.view is self.image else self.curve.map
        words = pixel_words(image, place)
        if one is not None:
            number = label(value, *self.view.levels)
            if is_classes(one):
                number = class_word(one, value) or number
            words += f":  {number} {one.unit}".rstrip()
            index = place.index
            if one.flags is not None and one.flags[index]:
                words += f"  ({dict(one.legend).get(int(one.flags[index]), 'flagged')})"
        self.readout.setText(words)
        self.readout.setToolTip(words)

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_live(self, one: Map | None) -> None:
        """Show numbers that are no map of the entry (a preview, errors, flags), until another is asked for; None: end.

        Of another shape than the image they are passed over.
        """
        image = self._image()
        shape = tuple(len(axis) for axis in image.navigation) if image is not None else ()
        if one is not None and one.shape != shape:
            one = None
        if one is None and self._live is None:
            return
        named = one is not None and self._live is not None and one.name == self._live.name
        self._live = one
        if named:
            self._show_picture()
        else:
            self.show_now()

    def show_map(self, id: str) -> None:
        """Show a map of the shown entry by its id."""
        entry = self.document.entry
        self._live = None
        if entry is not None and any(m.id == id for m in entry.maps):
            self._source[entry.id] = MAP + id
            self.show_now()

    def show_window(self, low: float, high: float) -> None:
        """Show the intensity between two energies."""
        entry = self.document.entry
        if entry is not None:
            self._live = None
            self._source[entry.id], self._windows[entry.id] = WINDOW, (min(low, high), max(low, high))
            self.show_now()

    def _source_chosen(self, _: int) -> None:
        entry = self.document.entry
        if entry is not None and self.source.currentData() != LIVE:
            self._live = None
            self._source[entry.id] = str(self.source.currentData())
            self.show_now()

    def _window_typed(self) -> None:
        entry = self.document.entry
        if entry is None:
            return
        try:
            low, high = (parse_number(f.text(), f.accessibleName()) for f in (self.low, self.high))
        except SodaliteError as error:
            self.say(str(error))
            return
        if low != high:
            self._windows[entry.id] = (min(low, high), max(low, high))
            self.intensities.error = ""
            self._show_picture()

    def _dress(self) -> None:
        chosen = self._colour_actions.checkedAction()
        for view in (self.image, self.curve):
            view.set_look(chosen.data() if chosen is not None else "viridis", self._full.isChecked(),
                          self._hide.isChecked())

    # -- edits --------------------------------------------------------------------------------------------------

    def _tool_changed(self, tool: str) -> None:
        for name, each in self.tools.items():
            each.setChecked(name == tool)
        hints = {name: tip for name, _, tip in TOOLS}
        self.readout.setText(hints.get(tool, ""))
        if tool:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pixel_wanted(self, row: int, column: int) -> None:
        self.document.set_place(Place((column,)) if self.view.series else Place((row, column)))

    def _drawn_shape(self, kind: ShapeKind, points: tuple[tuple[float, float], ...]) -> None:
        entry = self.document.entry
        if entry is None:
            return
        roi = new_roi(entry.rois, kind, points, self.view.series)
        image = self._image() or entry.spectrum
        if not roi.mask(tuple(len(axis) for axis in image.navigation)).any():
            self.say("The shape holds the middle of no pixel: draw it larger")
            return
        self.say("")
        self._apply(f"Draw {roi.name}", entry, (*entry.rois, roi))
        self.document.set_place(Place(roi=roi.id))

    def _change_roi(self, changed: Roi) -> None:
        entry = self.document.entry
        if entry is None:
            return
        image = self._image() or entry.spectrum
        if changed.mask(tuple(len(axis) for axis in image.navigation)).any():
            rois = tuple(changed if roi.id == changed.id else roi for roi in entry.rois)
            self._apply(f"Change {changed.name}", entry, rois, merge=f"roi {entry.id} {changed.id}")

    def _rename(self, id: str, name: str) -> None:
        entry = self.document.entry
        if entry is not None and any(roi.id == id and roi.name != name for roi in entry.rois):
            rois = tuple(replace(roi, name=name) if roi.id == id else roi for roi in entry.rois)
            self._apply(f"Rename region of the image to {name}", entry, rois)

    def remove(self, id: str) -> None:
        """Take a shape away."""
        entry = self.document.entry
        gone = next((roi for roi in entry.rois if roi.id == id), None) if entry is not None else None
        if entry is not None and gone is not None:
            if self.document.place.roi == id:
                self.document.set_place(ALL)
            self._apply(f"Remove {gone.name}", entry, tuple(roi for roi in entry.rois if roi.id != id))

    def _apply(self, text: str, entry: Entry, rois: tuple[Roi, ...], merge: str = "") -> None:
        self.document.apply(text, self.document.project.with_entry(replace(entry, rois=rois)), merge=merge)

    # -- several places -----------------------------------------------------------------------------------------

    def _compare(self) -> None:
        self.compare_wanted.emit(self.compare.isChecked())

    def compared(self) -> tuple[PlaceRow, ...]:
        """The places whose spectra are shown over each other: the chosen rows, else the shapes and the cursor."""
        rows = self.places.rows()
        chosen = self.places.chosen()
        if len(chosen) > 1:
            return tuple(row for row in rows if row.place in chosen)
        special = tuple(row for row in rows if row.place != ALL)
        return special if len(special) > 1 else rows

    def compare_ended(self) -> None:
        """The single spectrum is shown again."""
        self.compare.setChecked(False)

