"""The image left of the spectrum: where the spectrum comes from, and regions drawn by hand."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QToolButton, QWidget

from app.gui.document import Document
from app.gui.image.image_view import ImageView
from app.gui.image.place_rows import place_rows, value_words
from app.gui.image.place_view import PlaceView
from app.gui.image.places_list import PlaceRow, PlacesList
from app.gui.image.roi_edits import RoiEdits
from app.gui.image.series_view import SeriesView
from app.gui.image.shown_map import IntensityMaps, Range
from app.gui.image.source_bar import TIP, SourceBar
from app.gui.panels.base import Panel, button, muted
from app.gui.panels.numbers import parse_number
from app.gui.sims.cube_pictures import CubePictures
from app.gui.sims.scan_range import ScanRange
from app.gui.style.icons import icon
from app.gui.tasks import Tasks
from app.gui.theme import GAP_1, GAP_2
from app.project.cube_sources import TOTAL
from app.project.maps import group_words
from app.project.project import Entry
from fitting.dataset import Axis, Spectrum
from fitting.image.classes import is_classes
from fitting.image.maps import Map
from fitting.image.place import ALL, Place, ShapeKind
from fitting.sims.cube_maps import fits, flat_map, lateral
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

WINDOW, LIVE, MAP = "window", "live", "map:"
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
        self.pictures = CubePictures(tasks, self)
        self.pictures.ready.connect(self._show_picture)
        self.edits = RoiEdits(document, lambda entry: self._shape(self._image() or entry.spectrum), self.go, self.say)
        self._source: dict[str, str] = {}  # what is shown of each entry
        self._windows: dict[str, tuple[float, float]] = {}
        self._live: Map | None = None  # shown while a window is moved
        self._drawn: object = None
        self._flattened: tuple[object, object, Map] | None = None
        self._seen: tuple[int, ...] = ()  # scans of the picture
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
        self.bar = SourceBar()
        self.source, self.window_row = self.bar.source, self.bar.window_row
        self.low, self.high = self.bar.low, self.bar.high
        self.bar.chosen.connect(self._source_chosen)
        self.bar.window_typed.connect(self._window_typed)
        self.bar.look_changed.connect(self._dress)
        self.body.addWidget(self.bar)

    def _build_views(self) -> None:
        self.image, self.curve = ImageView(), SeriesView()
        self.views = QStackedWidget()
        for view in (self.image, self.curve):
            self.views.addWidget(view)
            view.pixel_wanted.connect(self._pixel_wanted)
            view.place_wanted.connect(self.go)
            view.shape_drawn.connect(self._drawn_shape)
            view.shape_changed.connect(self.edits.change)
            view.released.connect(self.document.close_merge)
            view.remove_wanted.connect(self.remove)
            view.tool_changed.connect(self._tool_changed)
            view.hovered.connect(self._hovered)
        self.body.addWidget(self.views, 3)
        self.scans = ScanRange()
        self.scans.setToolTip("Scans that are added up in the image")
        self.scans.moved.connect(self._scans_moved)
        self.scans.hide()
        self.body.addWidget(self.scans)
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
        self.outside = button("Outside", "All pixels but those of the chosen shape", self._turn_outside)
        self.outside.setCheckable(True)
        self.outside.hide()
        line.addStretch(1)
        line.addWidget(self.outside)
        self.compare = button("Compare", "", self._compare)
        self.compare.setCheckable(True)
        self.compare.setToolTip("Spectra of all shapes and of the cursor over each other, for one pixel each; "
                                "of the chosen rows where several are chosen")
        line.addWidget(self.compare)
        self.body.addLayout(line)

    def _build_places(self) -> None:
        self.places = PlacesList()
        self.places.place_wanted.connect(self.go)
        self.places.renamed.connect(self.edits.rename)
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
        """Whether the shown entry has an image, a series or a cube to navigate on; a depth profile is shown itself."""
        entry = self.document.entry
        if entry is None or not entry.spectrum.navigation:
            return False
        if entry.spectrum.meta.technique == "sims" and entry.spectrum.axis.labels:
            return kind_of(entry.spectrum) in ("image", "cube")
        return entry.spectrum.meta.technique in ("eels", "sims") and len(entry.spectrum.navigation) <= 2

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
            self.pictures.stop()

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
        axes = self._axes(spectrum)
        series = len(axes) == 1
        self.views.setCurrentWidget(self.curve if series else self.image)
        self._fit_height()
        for name in ("ellipse", "polygon"):
            self.tools[name].setVisible(not series)
        self.tools["rectangle"].setToolTip("Draw a range: drag over the curve" if series else TOOLS[0][2])
        if series:
            self.curve.set_axis(axes[0])
        else:
            self.image.set_axes(axes[0], axes[1])
        self.compare.setVisible(not spectrum.axis.labels)
        self._list_sources(entry, spectrum)
        self._show_picture()
        self._show_place()

    def _image(self) -> Spectrum | None:
        return self.document.spectrum()

    def _axes(self, image: Spectrum) -> tuple[Axis, ...]:
        """The axes of the picture."""
        return lateral(image.navigation)

    def _shape(self, image: Spectrum) -> tuple[int, ...]:
        return tuple(len(axis) for axis in self._axes(image))

    @property
    def place(self) -> Place:
        """The pixels that are looked at, of a cube in whichever scans."""
        return replace(self.document.place, scans=())

    def go(self, place: Place) -> None:
        """Look at other pixels, of a cube in the same scans."""
        self.document.set_place(replace(place, scans=self.document.place.scans))

    def _list_sources(self, entry: Entry, image: Spectrum) -> None:
        rows = [("Total intensity", TOTAL), ("Energy window…", WINDOW)]
        if image.axis.labels:
            rows = [(one.words, one.key) for one in self.pictures.sources(entry, image)]
        shown = [m for m in entry.maps if fits(m, image.navigation)]
        rows += [(self._live.name, LIVE)] if self._live is not None else []
        groups = {m.group for m in shown}
        rows += [(f"{m.name}  ({group_words(entry, m.group)})" if m.group and len(groups) > 1 else m.name, MAP + m.id)
                 for m in shown]
        self.bar.set_rows(rows)
        wanted = LIVE if self._live is not None else self._source.get(entry.id, TOTAL)
        if not self.bar.show_key(wanted):
            self._source[entry.id] = TOTAL
        self.window_row.setVisible(self.bar.key == WINDOW)

    def shown_map(self) -> Map | None:
        """The numbers of the picture; None while they are made."""
        entry, image = self.document.entry, self._image()
        if entry is None or image is None or not image.navigation:
            return None
        key = self._source.get(entry.id, TOTAL)
        if self._live is not None:
            return self._live
        scans = self.document.place.scans
        if key.startswith(MAP):
            found = next((m for m in entry.maps if m.id == key.removeprefix(MAP)), None)
            return found if found is None else self._flat(found, scans)
        if image.axis.labels:
            return self.pictures.get(entry, image, key, scans)
        return self.intensities.get(image, self._window(entry, image) if key == WINDOW else None)

    def _flat(self, one: Map, scans: tuple[int, ...]) -> Map | None:
        """A map as a picture; kept while it is shown."""
        if one.values.ndim != 3:
            return one
        if self._flattened is None or self._flattened[0] != (one.id, scans) or self._flattened[1] is not one.values:
            try:
                self._flattened = ((one.id, scans), one.values, flat_map(one, (scans[0], scans[1]) if scans else ()))
            except SodaliteError as error:
                self.pictures.volumes.error = str(error)
                return None
        return self._flattened[2]

    def _window(self, entry: Entry, image: Spectrum) -> Range:
        first, last = float(image.x[0]), float(image.x[-1])
        low, high = self._windows.get(entry.id, (first + 0.25 * (last - first), first + 0.5 * (last - first)))
        return (low, high)

    def _show_picture(self) -> None:
        entry, image = self.document.entry, self._image()
        if entry is None or image is None or not image.navigation or not self.wanted():
            return
        one = self.shown_map()
        error = self.pictures.error if image.axis.labels else self.intensities.error
        self.say(error if one is None else "")
        series = len(self._axes(image)) == 1
        self.image.set_map(None if series else one)
        self.curve.set_map(one if series else None)
        self._fit_height()
        window = self._window(entry, image)
        if window is not None:
            self.bar.show_window(*window, image.axis.unit)
        tip = one.origin if one is not None else ""
        self.source.setToolTip(tip or ("Total, an ion, or a map" if image.axis.labels else TIP))

    def _show_place(self) -> None:
        entry = self.document.entry
        if entry is None or self.isHidden() or not self.wanted():
            return
        place = self.place
        self._show_scans()
        self.view.set_places(entry.rois, place)
        self.outside.setVisible(bool(place.roi))
        self.outside.setChecked(place.outside)
        rows = self.rows(entry)
        other = [(r.place, r.name, r.colour) for r in rows] != [(r.place, r.name, r.colour) for r in self.places.rows()]
        self.places.set_rows(rows, place)
        self._hovered(-1, -1)
        if self.compare.isChecked() and (other or self.document.project is not self._drawn):
            self.compare_wanted.emit(True)
        self._drawn = self.document.project

    def _show_scans(self) -> None:
        """The scans of a cube; another choice of them is another picture."""
        image = self._image()
        cube = image is not None and len(image.navigation) == 3
        if self.scans.isHidden() == cube:
            self.scans.setVisible(cube)
        if image is None or not cube:
            return
        scans = self.document.place.scans
        old = self.scans.handles.count, *self.scans.scans
        self.scans.show_range(image.navigation[0], scans)
        if scans != self._seen or old[0] != self.scans.handles.count:
            self._seen = scans
            self._show_picture()

    def _scans_moved(self, first: int, last: int) -> None:
        whole = (first, last) == (0, self.scans.handles.count - 1)
        self.document.set_place(replace(self.document.place, scans=() if whole else (first, last)))

    def rows(self, entry: Entry) -> tuple[PlaceRow, ...]:
        """The places of an entry: all pixels, the pixel under the cursor, its shapes."""
        image = self._image() or entry.spectrum
        return place_rows(entry, image, self.place, cursor=self.view.cursor_pixel is not None)

    def _hovered(self, row: int, column: int) -> None:
        pixel = (row, column) if row >= 0 else self.view.cursor_pixel
        image = self._image()
        if image is None or not image.navigation:
            return
        if pixel is None:
            hint = "Click for one pixel" if image.axis.labels else "Click for a single spectrum"
            self.readout.setText("" if self.document.place.roi else hint)
            return
        place = Place((pixel[1],)) if self.view.series else Place(pixel)
        value = self.view.value_at(*pixel)
        one = self.image.map if self.view is self.image else self.curve.map
        words = value_words(image, place, one, value, self.view.levels)
        self.readout.setWordWrap(False)  # no jump of the image under the pointer
        self.readout.setText(words)
        self.readout.setToolTip(words)

    # -- what is shown ------------------------------------------------------------------------------------------

    def show_live(self, one: Map | None) -> None:
        """Show numbers that are no map of the entry (a preview, errors, flags), until another is asked for; None: end.

        Of another shape than the image they are passed over.
        """
        image = self._image()
        shape = self._shape(image) if image is not None else ()
        if one is not None and one.values.ndim == 3 and not is_classes(one):
            one = flat_map(one)
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

    def show_source(self, key: str) -> None:
        """Show the total, an ion or a map of the shown entry."""
        entry = self.document.entry
        if entry is not None:
            self._live = None
            self._source[entry.id] = key
            self.show_now()

    def _source_chosen(self) -> None:
        if self.bar.key != LIVE:
            self.show_source(self.bar.key)

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
        for view in (self.image, self.curve):
            view.set_look(*self.bar.colours)

    # -- edits --------------------------------------------------------------------------------------------------

    def _tool_changed(self, tool: str) -> None:
        for name, each in self.tools.items():
            each.setChecked(name == tool)
        hints = {name: tip for name, _, tip in TOOLS}
        self.readout.setWordWrap(bool(tool))
        self.readout.setText(hints.get(tool, ""))
        if tool:
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)

    def _pixel_wanted(self, row: int, column: int) -> None:
        self.go(Place((column,)) if self.view.series else Place((row, column)))

    def _turn_outside(self) -> None:
        if self.place.roi:
            self.go(replace(self.place, outside=self.outside.isChecked()))

    def _drawn_shape(self, kind: ShapeKind, points: tuple[tuple[float, float], ...]) -> None:
        self.edits.draw(kind, points, self.view.series)

    def remove(self, id: str) -> None:
        """Take a shape away."""
        self.edits.remove(id)

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

