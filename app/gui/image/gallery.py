"""The results page with all maps of the shown image: pictures, numbers, names, what is out of date."""

from __future__ import annotations

import csv
import io
from typing import Any

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QSplitter,
    QTabWidget,
    QWidget,
)

from app.gui.document import Document
from app.gui.image.map_numbers import Histogram, NumbersTable
from app.gui.image.thumbnails import Thumbnail, Thumbnails
from app.gui.panels.base import Panel, button, muted
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_1, GAP_2
from app.project.map_numbers import class_counts, statistics
from app.project.maps import group_words, groups, out_of_date, rename, request_of, window_maps, with_made
from app.project.project import Entry
from fitting.image.classes import KIND, is_classes
from fitting.image.maps import Map
from fitting.sims.cube_maps import flat_map
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

SHOWN = (("Values", "values"), ("Errors", "error"), ("Flags", "flags"))
NONE_YET = "No maps yet. Energy windows give them (Maps page of the inspector), or a model fitted to every pixel."
NO_IMAGES = "No images yet. Choose ions and make their images on the Volume page, or find factors (Factors page)."
EXPORTS = (("Figure…", "figure"), ("Table (CSV)…", "csv"), ("HDF5…", "hdf5"), ("TIFF…", "tiff"))


class MapGallery(Panel):
    """All maps of the shown image.

    Signals
    -------
    map_wanted(str)
        A map was clicked: it is to be shown large.
    chosen_changed()
        Other maps are chosen.
    export_wanted(str, object)
        "figure", "csv", "hdf5" or "tiff", and the ids of the chosen maps.
    """

    map_wanted = Signal(str)
    chosen_changed = Signal()
    export_wanted = Signal(str, object)

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Maps", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._navigator: Any = None
        self._drawn: tuple[object, ...] = ()
        self.body.setContentsMargins(GAP_2, GAP_1, GAP_2, GAP_1)
        self.body.setSpacing(GAP_1)
        self._build_bar()
        self._build_list()
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_bar(self) -> None:
        self.shown = QComboBox()
        self.shown.setAccessibleName("What the pictures show")
        for words, key in SHOWN:
            self.shown.addItem(words, key)
        self.shown.activated.connect(lambda _: self._show_what())
        self.name = QLineEdit()
        self.name.setAccessibleName("Name of the map")
        self.name.setPlaceholderText("Name")
        self.name.setToolTip("Name of the map (F2)")
        self.name.setMaximumWidth(200)
        self.name.editingFinished.connect(self._renamed)
        self.again = button("Compute again", "All maps that are out of date, from the image as it is now",
                            self.compute_again)
        self.remove = button("Remove", "Remove the chosen maps (Delete)", self.remove_chosen)
        self.export = QPushButton("Export")
        self.export.setToolTip("The chosen maps, or all")
        menu = QMenu(self.export)
        for words, key in EXPORTS:
            menu.addAction(words).triggered.connect(lambda _=False, key=key: self._export(key))
        menu.addSeparator()
        menu.addAction("Copy numbers").triggered.connect(lambda _=False: self.copy())
        self.export.setMenu(menu)
        line = QHBoxLayout()
        line.setSpacing(GAP_2)
        for widget in (QLabel("Show"), self.shown, self.name, self.again, self.remove, self.export):
            line.addWidget(widget)
        line.addStretch(1)
        self.bar = QWidget()
        line.setContentsMargins(0, 0, 0, 0)
        self.bar.setLayout(line)
        self.body.addWidget(self.bar)

    def _build_list(self) -> None:
        self.list = Thumbnails()
        self.list.map_wanted.connect(self._wanted)
        self.list.selectionModel().selectionChanged.connect(lambda *_: self._chosen())
        self.list.remove_wanted.connect(self.remove_chosen)
        self.list.rename_wanted.connect(self._focus_name)
        self.list.copy_wanted.connect(self.copy)
        self.list.customContextMenuRequested.connect(self._menu)
        self.numbers, self.histogram = NumbersTable(), Histogram()
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.addTab(self.numbers, "Numbers")
        self.tabs.addTab(self.histogram, "Histogram")
        self.split = QSplitter(Qt.Orientation.Horizontal)
        self.split.setChildrenCollapsible(False)
        self.split.addWidget(self.list)
        self.split.addWidget(self.tabs)
        self.split.setStretchFactor(0, 1)
        self.split.setStretchFactor(1, 1)
        self.split.setSizes([440, 440])
        self.empty = muted(NONE_YET)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.split, 1)
        self.body.addStretch(0)

    def use_window(self, window: Any) -> None:
        """Maps are shown large in the navigator; what was just computed is chosen here."""
        self._navigator = window.navigator
        window.maps_panel.computed.connect(lambda ids: self._computed(window, ids))

    def _computed(self, window: Any, ids: tuple[str, ...]) -> None:
        self.show_now()
        self.choose(ids[:1])
        if window.results.isVisible():
            window.results.show_page("Maps")

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the maps of the shown image."""
        entry = self.document.entry
        maps = entry.maps if entry is not None else ()
        ions = entry is not None and entry.spectrum.meta.technique == "sims" and kind_of(entry.spectrum) != "spectrum"
        self.empty.setText(NO_IMAGES if ions else NONE_YET)
        self.empty.setVisible(not maps)
        self.split.setVisible(bool(maps))
        self.bar.setVisible(bool(maps))
        drawn = (entry, self.shown.currentData())
        if drawn != self._drawn:
            self._drawn = drawn
            self.list.show_rows(self._rows(entry) if entry is not None else [])
            if maps and not self.list.chosen():
                self.list.choose([maps[0].id], maps[0].id)
        self._show_one()

    def _rows(self, entry: Entry) -> list[Thumbnail]:
        old, rows = out_of_date(entry), []
        for group, maps in groups(entry).items():
            rows.append(Thumbnail(group_words(entry, group)))
            rows += [Thumbnail(one.name, self._aspect(one), one.id in old) for one in maps]
        return rows

    def _aspect(self, one: Map) -> Map:
        """Values, errors or flags of a map, under its id; of a cube added up over the scans."""
        return aspect_of(flat_map(one), str(self.shown.currentData()))

    def maps(self) -> tuple[Map, ...]:
        """The chosen maps; all where none is."""
        entry = self.document.entry
        if entry is None:
            return ()
        chosen = set(self.list.chosen())
        return tuple(one for one in entry.maps if one.id in chosen) or entry.maps

    def current(self) -> Map | None:
        """The map whose numbers are shown."""
        entry = self.document.entry
        if entry is None or not entry.maps:
            return None
        ids = (self.list.current(), *self.list.chosen())
        found = (one for id in ids for one in entry.maps if one.id == id)
        return next(found, entry.maps[0])

    def _show_one(self) -> None:
        entry, one = self.document.entry, self.current()
        if entry is None or one is None:
            return
        if not self.name.hasFocus():
            self.name.setText(one.name)
        one = flat_map(one)
        rois = entry.rois
        shown = self._aspect(one)
        self.numbers.show_rows(one, () if is_classes(one) else statistics(one, rois),
                               class_counts(one, rois) if is_classes(one) else ())
        self.tabs.setTabEnabled(1, not is_classes(shown))  # codes have no histogram
        self.tabs.setTabToolTip(1, "Classes are counted under Numbers" if is_classes(shown) else "")
        if not is_classes(shown):
            self.histogram.show_map(shown)
        old = out_of_date(entry)
        self.again.setVisible(bool(old))
        self.say("Maps with a dot were computed from other data than the image is now." if old else "")

    def _show_what(self) -> None:
        self.refresh()
        self._wanted(self.list.current())

    def choose(self, ids: tuple[str, ...]) -> None:
        """Choose maps."""
        self.list.choose(ids, ids[0] if ids else "")
        self._chosen()

    def _chosen(self) -> None:
        self._show_one()
        self.chosen_changed.emit()

    def _wanted(self, id: str) -> None:
        entry = self.document.entry
        one = next((m for m in entry.maps if m.id == id), self.current()) if entry is not None else None
        if one is None:
            return
        if self._navigator is not None:
            if self.shown.currentData() == "values":
                self._navigator.show_map(one.id)
            else:
                self._navigator.show_live(self._aspect(one))
        self._show_one()
        self.map_wanted.emit(one.id)

    # -- doing --------------------------------------------------------------------------------------------------

    def _menu(self, place: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        entries = (("Rename", self._focus_name), ("Remove", self.remove_chosen), ("Copy numbers", self.copy))
        for words, action in entries:
            menu.addAction(words).triggered.connect(lambda _=False, action=action: action())
        menu.addSeparator()
        for words, key in EXPORTS:
            menu.addAction(words).triggered.connect(lambda _=False, key=key: self._export(key))
        menu.popup(self.list.viewport().mapToGlobal(place))

    def _export(self, key: str) -> None:
        self.export_wanted.emit(key, tuple(one.id for one in self.maps()))

    def _focus_name(self) -> None:
        self.name.setFocus(Qt.FocusReason.OtherFocusReason)
        self.name.selectAll()

    def _renamed(self) -> None:
        entry, one = self.document.entry, self.current()
        if entry is None or one is None or self.name.text().strip() in ("", one.name):
            return
        self._apply(f"Rename map {one.name}", rename(entry, one.id, self.name.text()))

    def remove_chosen(self) -> None:
        """Remove the chosen maps."""
        entry, ids = self.document.entry, self.list.chosen()
        if entry is not None and ids:
            self._apply("Remove maps" if len(ids) > 1 else f"Remove map {entry.map(ids[0]).name}",
                        entry.without_maps(*ids))

    def _apply(self, text: str, entry: Entry) -> None:
        self.document.apply(text, self.document.project.with_entry(entry))
        self.show_now()

    def copy(self) -> None:
        """The numbers of the chosen maps as tab-separated text."""
        QGuiApplication.clipboard().setText(copied(tuple(map(flat_map, self.maps()))))

    def compute_again(self) -> None:
        """Compute maps of windows anew."""
        entry = self.document.entry
        if entry is None or self._task is not None:
            return
        old = out_of_date(entry)
        wanted = {request_of(one) for one in entry.maps if one.id in old} - {None}
        if not wanted:
            self.say("These maps come from another page: compute them there anew.")
            return
        image, id, session = entry.processed(), entry.id, self.document.session

        def work(progress: Progress, cancel: Cancel) -> tuple[Map, ...]:
            return tuple(one for request in wanted if request is not None
                         for one in window_maps(image, request, progress, cancel))

        def done(made: tuple[Map, ...]) -> None:
            project = self.document.project
            if session is self.document.session and any(e.id == id for e in project.entries):
                self.document.apply("Compute maps again", with_made(project, id, made))

        self._task = self.tasks.run(work, done, self._failed, title="Computing maps")
        self._task.ended.connect(self._ended)

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, SodaliteError):
            raise error
        self.say(str(error))

    def _ended(self) -> None:
        self._task = None


def aspect_of(one: Map, key: str) -> Map:
    """Values, errors ("error") or flags of a map, as a map of the same id."""
    import numpy as np

    if key == "values":
        return one
    if key == "error":
        values = np.full(one.shape, np.nan) if one.error is None else one.error
        return Map(one.id, f"{one.name}, error", one.unit, values, flags=one.flags, legend=one.legend,
                   origin=one.origin if one.error is not None else "Errors are not determined")
    flags = np.zeros(one.shape) if one.flags is None else one.flags.astype(float)
    legend = "; ".join(f"{number}: {words}" for number, words in one.legend)
    named = one.legend if one.flags is not None else ()
    words = named if any(number == 0 for number, _ in named) else ((0, "good"), *named)
    return Map(one.id, f"{one.name}, flags", "", flags, legend=words, kind=KIND,
               origin=legend or "No pixel is flagged")


def copied(maps: tuple[Map, ...]) -> str:
    """Values of maps, one row a pixel, for spreadsheets."""
    from app.files.map_tables import table

    columns, rows = table(maps)
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return stream.getvalue()
