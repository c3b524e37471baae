"""The Maps page: energy windows as a table and as bands on the plot, and what is computed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QWidget

from app.gui.document import Document
from app.gui.image.map_exports import MapExports
from app.gui.image.overlay_part import OverlayPart
from app.gui.image.profile_part import ProfilePart
from app.gui.image.windows_part import WindowsPart
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.plot.bands import Band
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_2
from app.project.maps import QUANTITIES, Request, quantity, window_maps, window_title, with_made, with_window
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.image.maps import Map
from fitting.image.noise import noise_of
from fitting.image.window_maps import LivePreview
from fitting.image.windows import Window
from fitting.sims.cube_maps import lateral
from libraries.errors import BadData, SodaliteError

OWNER = "maps"


class MapsPanel(Panel):
    """Energy windows of the shown image and the maps that they give.

    Signals
    -------
    computed(object)
        Tuple of the ids of maps that were just computed.
    page_wanted()
        The page is to be seen: its command was called.
    """

    computed = Signal(object)
    page_wanted = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Maps", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._bands: Any = None
        self._navigator: Any = None
        self._gallery: Any = None
        self._view: Any = None
        self._live: tuple[str, LivePreview] | None = None
        self._roles: dict[tuple[str, str, int], str] = {}  # (entry, quantity, role) -> window
        self.windows = WindowsPart(self)
        self.windows.removed.connect(self._end_preview)
        self.body.addWidget(self.windows)
        self._build_quantity()
        self.profile = ProfilePart(document)
        self.profile.said.connect(self.say)
        self.body.addWidget(self.profile)
        self.overlay = OverlayPart(document)
        self.body.addWidget(self.overlay)
        self.body.addStretch(1)
        self.ready()

    # -- building -----------------------------------------------------------------------------------------------

    def _build_quantity(self) -> None:
        self.what = QComboBox()
        self.what.setAccessibleName("What is computed")
        for one in QUANTITIES:
            self.what.addItem(one.title, one.key)
            self.what.setItemData(self.what.count() - 1, one.words, Qt.ItemDataRole.ToolTipRole)
        self.what.activated.connect(lambda _: self.show_now())
        self.words = muted("")
        self.form = QFormLayout()
        self.form.setHorizontalSpacing(GAP_2)
        self.form.setVerticalSpacing(GAP_2)
        self.form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
        self.labels, self.roles = [], []
        for number in range(3):
            label, chooser = QLabel(), QComboBox()
            chooser.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            chooser.setMinimumContentsLength(18)
            chooser.activated.connect(lambda _, number=number: self._role_chosen(number))
            label.setBuddy(chooser)
            self.form.addRow(label, chooser)
            self.labels.append(label)
            self.roles.append(chooser)
        self.live = QCheckBox("Show the map while a window is moved")
        self.live.setChecked(True)
        self.live.toggled.connect(lambda _: self._end_preview())
        self.noise = muted("")
        self.go = button("Compute", "Compute the maps of this image with their errors", self.compute, primary=True)
        self.body.addWidget(heading("Maps"))
        self.body.addLayout(row(self.what))
        self.body.addWidget(self.words)
        self.body.addLayout(self.form)
        self.body.addWidget(self.live)
        self.body.addWidget(self.noise)
        self.body.addLayout(row(self.go))

    def use_window(self, window: Any) -> None:
        """Bands on the plot, previews in the navigator."""
        self._bands, self._navigator = window.view.bands, window.navigator
        self.page_wanted.connect(lambda: window.inspector.show_page("Maps"))
        self.windows.chosen.connect(lambda id: self._bands.choose(_band_name(id)))
        self._bands.moved.connect(self._band_moved)
        self._bands.released.connect(self._band_released)
        self._bands.chosen_changed.connect(self._band_chosen)
        self._view, self._gallery = window.view, window.gallery
        self.profile.use_image(window.navigator.image)
        self._gallery.chosen_changed.connect(self._show_profile)
        self._gallery.map_wanted.connect(lambda _: self._show_profile())
        self.exports = MapExports(window)
        self._gallery.export_wanted.connect(self.exports.maps)
        self.profile.export_wanted.connect(self._export_profile)
        self.overlay.export_wanted.connect(self._export_overlay)

    def _export_profile(self, key: str) -> None:
        line = self.profile.line()
        self.exports.profiles(key, self.profile.found, line.name if line is not None else "")

    def _export_overlay(self) -> None:
        entry, found = self.document.entry, self.overlay.found
        if entry is not None and found is not None:
            self.exports.overlay(found, lateral(entry.spectrum.navigation))

    # -- showing ------------------------------------------------------------------------------------------------

    def showEvent(self, event: QShowEvent) -> None:
        """The bands come with the page."""
        super().showEvent(event)
        self._put_bands()
        self._show_profile()

    def hideEvent(self, event: QHideEvent) -> None:
        """And go with it."""
        super().hideEvent(event)
        if self._bands is not None:
            self._bands.take(OWNER)
        self.profile.refresh()
        self._end_preview()

    def refresh(self) -> None:
        """Show the windows of the shown image."""
        entry, image = self.document.entry, self.image()
        windows = entry.windows if entry is not None else ()
        self.windows.show_windows(windows, ticks=self.key == "sum")
        self._show_quantity(entry)
        self.noise.setText(_noise_words(image) if windows else "")
        self.go.setEnabled(image is not None and bool(windows) and self._task is None)
        self._put_bands()
        self._show_profile()

    def _show_profile(self) -> None:
        if self._gallery is not None and self.isVisible():
            chosen = set(self._gallery.list.chosen())
            entry = self.document.entry
            maps = entry.maps if entry is not None else ()
            self.profile.show_maps([one for one in maps if one.id in chosen])
            self.overlay.refresh()

    @property
    def key(self) -> str:
        """The quantity that is chosen."""
        return str(self.what.currentData())

    def _show_quantity(self, entry: Entry | None) -> None:
        chosen, windows = quantity(self.key), entry.windows if entry is not None else ()
        self.words.setText(f"{chosen.words}.")
        for number, (label, chooser) in enumerate(zip(self.labels, self.roles, strict=True)):
            used = number < len(chosen.roles)
            label.setVisible(used)
            chooser.setVisible(used)
            if not used:
                continue
            label.setText(chosen.roles[number])
            chooser.setAccessibleName(chosen.roles[number])
            rows = [(window_title(window), window.id) for window in windows]
            if rows != [(chooser.itemText(i), chooser.itemData(i)) for i in range(chooser.count())]:
                chooser.clear()
                for words, id in rows:
                    chooser.addItem(words, id)
            wanted = self._role(number, windows)
            chooser.setCurrentIndex(chooser.findData(wanted.id) if wanted is not None else -1)

    def _role(self, number: int, windows: Sequence[Window]) -> Window | None:
        """The window of a role: as chosen, else in the order of energies."""
        entry, chosen = self.document.entry, quantity(self.key)
        if entry is None or not windows:
            return None
        kept = self._roles.get((entry.id, self.key, number))
        found = next((w for w in windows if w.id == kept), None)
        if found is not None:
            return found
        ordered = sorted(windows, key=lambda w: w.low)[-len(chosen.roles):]
        if self.key in ("ratio", "jump"):
            ordered.reverse()
        return ordered[min(number, len(ordered) - 1)]

    def visible_range(self, image: Spectrum) -> tuple[float, float]:
        """The part of the axis that the plot shows."""
        first, last = float(image.x[0]), float(image.x[-1])
        low, high = self._view.canvas.x_range() if self._view is not None else (first, last)
        return max(low, first), min(high, last)

    def image(self) -> Spectrum | None:
        """The shown image after its recipe; None for a single spectrum."""
        image = self.document.spectrum()
        return image if image is not None and image.navigation else None

    def request(self) -> Request:
        """What is asked for now.

        Raises
        ------
        BadData
            If windows are missing.
        """
        entry = self.document.entry
        windows = entry.windows if entry is not None else ()
        roles = quantity(self.key).roles
        if not roles:
            return Request(self.key, tuple(w for w in windows if self.windows.ticked(w)))
        chosen = [self._role(number, windows) for number in range(len(roles))]
        if len({w.id for w in chosen if w is not None}) < len(roles):
            raise BadData(f"{quantity(self.key).title} needs {len(roles)} different windows", todo="Add windows")
        return Request(self.key, tuple(w for w in chosen if w is not None))

    # -- bands --------------------------------------------------------------------------------------------------

    def _put_bands(self) -> None:
        if self._bands is None or not self.isVisible() or self._bands.dragging:
            return
        entry = self.document.entry
        windows = entry.windows if entry is not None and self.image() is not None else ()
        self._bands.put(OWNER, [Band(_band_name(w.id), w.title, w.low, w.high, number)
                                for number, w in enumerate(windows)])

    def _band_chosen(self, name: str) -> None:
        if name.startswith(f"{OWNER}/"):
            self.windows.table.show_current(name.removeprefix(f"{OWNER}/"))

    def _band_moved(self, name: str, low: float, high: float) -> None:
        entry = self.document.entry
        window = _of(entry, name)
        if entry is None or window is None:
            return
        changed = replace(window, low=low, high=high)
        # A name that only told the limits follows them.
        self._apply(f"Move window {window.title}", with_window(entry, changed), merge=f"window {entry.id} {window.id}")
        self._preview(changed)

    def _band_released(self, name: str, low: float, high: float) -> None:
        if name.startswith(f"{OWNER}/"):
            self.document.close_merge()
            self.show_now()

    # -- preview ------------------------------------------------------------------------------------------------

    def _preview(self, window: Window) -> None:
        """Show the map as it would be, where the image is small enough to follow the hand."""
        image = self.image()
        if not self.live.isChecked() or self._navigator is None or image is None:
            return
        if image.stored or not LivePreview.fits(image):
            return
        if self._live is None or self._live[0] != image.hash:
            self._live = (image.hash, LivePreview(image))
        shown = self._previewed(self._live[1], window)
        if shown is not None:
            # One name for the whole drag, so that only the picture is drawn anew.
            name, values = shown
            self._navigator.show_live(Map("", f"Preview: {name}", "", values))

    def _previewed(self, live: LivePreview, window: Window) -> tuple[str, np.ndarray] | None:
        if self.key in ("ratio", "jump", "three"):
            try:
                windows = self.request().windows
                if window.id in {w.id for w in windows}:
                    if self.key == "three":
                        return "three windows", live.edge(*windows)
                    return "ratio", live.quotient(*windows)
            except SodaliteError as error:
                self.say(str(error))
                return None
        return window.name or "window", live.sums([(window.low, window.high)])[0]

    def _end_preview(self) -> None:
        self._live = None
        if self._navigator is not None:
            self._navigator.show_live(None)

    # -- edits --------------------------------------------------------------------------------------------------

    def _apply(self, text: str, entry: Entry, merge: str = "") -> None:
        self.document.apply(text, self.document.project.with_entry(entry), merge=merge)

    def _role_chosen(self, number: int) -> None:
        entry = self.document.entry
        if entry is not None:
            self._roles[(entry.id, self.key, number)] = str(self.roles[number].currentData())

    # -- commands -----------------------------------------------------------------------------------------------

    def start(self) -> None:
        """The command of the menu: show the page and compute."""
        self.page_wanted.emit()
        self.compute()

    def start_line(self) -> None:
        """The command of the menu: the next drag over the image draws a line."""
        self.page_wanted.emit()
        if self.profile.handles is not None:
            self.profile.handles.set_drawing(True)

    def save_figure(self) -> None:
        """The command of the menu: the chosen maps as a figure."""
        maps = self._gallery.maps() if self._gallery is not None else ()
        if not maps:
            self.page_wanted.emit()
            self.say("There are no maps yet: compute some first.")
            return
        self.exports.maps("figure", [one.id for one in maps])

    # -- computing ----------------------------------------------------------------------------------------------

    def compute(self) -> None:
        """Compute the maps off the window's thread; they come as one undo step."""
        entry, image = self.document.entry, self.image()
        if entry is None or image is None or self._task is not None:
            return

        def start() -> None:
            request, session, id = self.request(), self.document.session, entry.id

            def work(progress: Progress, cancel: Cancel) -> tuple[Map, ...]:
                return window_maps(image, request, progress, cancel)

            self._task = self.tasks.run(work, lambda made: self._done(session, id, made), self._failed,
                                        title=quantity(request.key).title)
            self._task.ended.connect(self._ended)
            self.go.setEnabled(False)

        self.attempt(start)

    def _done(self, session: object, id: str, made: tuple[Map, ...]) -> None:
        project = self.document.project
        if session is not self.document.session or all(entry.id != id for entry in project.entries):
            return
        if made and project.entry(id).processed().hash != made[0].data_hash:
            self.say("The image was changed meanwhile: compute again.")
            return
        self._end_preview()
        text = f"Compute {quantity(str(made[0].param('quantity'))).title.lower()}"
        self.document.apply(text, with_made(project, id, made))
        if self._navigator is not None and self.document.entry is not None and self.document.entry.id == id:
            self._navigator.show_map(made[0].id)
        self.computed.emit(tuple(one.id for one in made))

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, SodaliteError):
            raise error
        self.say(str(error))

    def _ended(self) -> None:
        self._task = None
        self.refresh()


def _band_name(id: str) -> str:
    return f"{OWNER}/{id}"


def _of(entry: Entry | None, name: str) -> Window | None:
    id = name.removeprefix(f"{OWNER}/")
    if entry is None or id == name:
        return None
    return next((window for window in entry.windows if window.id == id), None)


def _noise_words(image: Spectrum | None) -> str:
    """Where errors come from; what is not known yet is estimated with the maps."""
    if image is None:
        return ""
    if not image.noise.known:
        return ("Errors: the noise is not recorded; it is estimated from the data when maps are computed, and said in "
                "their tooltips.")
    return f"Errors: {noise_of(image).words}."
