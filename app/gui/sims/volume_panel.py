"""The Volume page: the cube in three dimensions, images of ions, depth sections, line profiles, overlays."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.image.map_exports import MapExports
from app.gui.image.overlay_part import OverlayPart
from app.gui.image.profile_part import ProfilePart
from app.gui.panels.base import Panel
from app.gui.sims.sections_part import SectionsPart
from app.gui.sims.slices_part import SlicesPart
from app.gui.sims.volume_controls import VolumeControls
from app.gui.sims.volume_view import shown_keys
from app.gui.sims.volumes import Volumes
from app.gui.tasks import Tasks
from app.project.cube_sources import ION, TOTAL, depth_axis, sources
from fitting.dataset import Spectrum
from fitting.sims.cube_maps import lateral
from fitting.sims.kinds import kind_of


class VolumePanel(Panel):
    """What is drawn of a cube or an image of ions, and what is made of it."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Volume", parent)
        self.tasks = tasks
        self._window: Any = None
        self.volumes = Volumes(tasks, self)
        self.volumes.ready.connect(self.refresh)
        self.controls = VolumeControls()
        self.controls.changed.connect(self._change)
        self.controls.released.connect(document.close_merge)
        self.slices = SlicesPart(document, tasks)
        self.slices.said.connect(self.say)
        self.slices.made.connect(self._made)
        self.sections = SectionsPart(document)
        self.profile = ProfilePart(document)
        self.profile.said.connect(self.say)
        self.overlay = OverlayPart(document)
        for part in (self.controls, self.slices, self.sections, self.overlay, self.profile):
            self.body.addWidget(part)
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        self.ready()

    def use_window(self, window: Any) -> None:
        """The volume in the middle, maps in the gallery, lines on the image of the navigator."""
        self._window = window
        self.sections.use_window(window)
        self.profile.use_image(window.navigator.image)
        window.gallery.chosen_changed.connect(self._show_maps)
        window.gallery.map_wanted.connect(lambda _: self._show_maps())
        self.exports = MapExports(window)
        self.profile.export_wanted.connect(self._export_profile)
        self.overlay.export_wanted.connect(self._export_overlay)

    def showEvent(self, event: QShowEvent) -> None:
        """The volume comes into the middle with its page."""
        super().showEvent(event)
        if self._window is not None and self.cube() is not None:
            self._window.centre.show_volume()
        self._show_maps()

    def hideEvent(self, event: QHideEvent) -> None:
        """The line goes with the page."""
        super().hideEvent(event)
        self.profile.refresh()

    # -- showing ------------------------------------------------------------------------------------------------

    def image(self) -> Spectrum | None:
        """The shown cube or image of ions after its recipe."""
        image = self.document.spectrum()
        return image if image is not None and kind_of(image) in ("image", "cube") else None

    def cube(self) -> Spectrum | None:
        """The shown cube."""
        image = self.image()
        return image if image is not None and kind_of(image) == "cube" else None

    def refresh(self) -> None:
        """Show the document."""
        entry, image, cube = self.document.entry, self.image(), self.cube()
        if entry is None or image is None:
            return
        for part in (self.controls, self.sections):
            part.setVisible(cube is not None)
        if cube is None:
            ions = tuple((one.name, one.key) for one in sources(entry, image) if one.key != TOTAL)
            self.slices.show_ions(ions, (0, 0), 0)
            self._show_maps()
            return
        offered, keys = sources(entry, cube, volumes=True), shown_keys(entry, cube)
        self.controls.show_look(entry.volume, offered, keys, cube.navigation[0])
        names = {one.key: one for one in offered}
        count = len(cube.navigation[0])
        ions = tuple((names[key].name, key) for key in keys if key.startswith(ION) or key == TOTAL)
        self.slices.show_ions(ions, self._scans(count), count)
        if self.isVisible() and keys:
            first = names[keys[0]]
            axes = (depth_axis(entry, cube), *cube.navigation[1:])
            self.sections.show_volume(axes, self.volumes.get(entry, cube, first.key), first.words, first.unit)
        self._show_maps()

    def _scans(self, count: int) -> tuple[int, int]:
        """Scans that images are made of: those of the navigator, else those of the drawn volume."""
        entry, place = self.document.entry, self.document.place
        scans = place.scans or (entry.volume.scans if entry is not None else ())
        return (scans[0], min(scans[1], count - 1)) if len(scans) == 2 and scans[0] < count else (0, count - 1)

    def _show_maps(self) -> None:
        """Profiles and overlays of what is in the gallery."""
        entry = self.document.entry
        if self._window is None or not self.isVisible() or entry is None:
            return
        chosen = set(self._window.gallery.list.chosen())
        self.profile.show_maps([one for one in entry.maps if one.id in chosen])
        self.profile.setVisible(bool(entry.maps))
        self.overlay.refresh()

    # -- doing --------------------------------------------------------------------------------------------------

    def _change(self, words: str, merge: str, fields: dict[str, Any]) -> None:
        if self._window is not None:
            self._window.centre.volume.change(words, merge, **fields)

    def _made(self, ids: tuple[str, ...]) -> None:
        window = self._window
        if window is None:
            return
        window.gallery.show_now()
        window.gallery.choose(ids[:1])
        window.navigator.show_map(ids[0])
        if window.results.isVisible():
            window.results.show_page("Maps")

    def _export_profile(self, key: str) -> None:
        line = self.profile.line()
        self.exports.profiles(key, self.profile.found, line.name if line is not None else "")

    def _export_overlay(self) -> None:
        entry, found = self.document.entry, self.overlay.found
        if entry is not None and found is not None:
            self.exports.overlay(found, lateral(entry.spectrum.navigation))

    def save_picture(self) -> None:
        """The command of the menu: the drawn volume as a picture."""
        if self._window is not None:
            self._window.centre.show_volume()
            self._window.centre.volume.save_picture()
