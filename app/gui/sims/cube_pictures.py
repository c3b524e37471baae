"""Pictures of ions for the navigator: of a cube over the scans that are looked at."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from app.gui.sims.volumes import Volumes
from app.gui.tasks import Tasks
from app.project.cube_sources import Source, sources
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.image.maps import Map
from fitting.sims.cube_maps import scan_words


class CubePictures(QObject):
    """Makes them, and keeps the last ones.

    Signals
    -------
    ready()
        A picture that was asked for is there, or cannot be made (`error`).
    """

    ready = Signal()

    def __init__(self, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.volumes = Volumes(tasks, self)
        self.volumes.ready.connect(self.ready)
        self._last: tuple[object, ...] = ()
        self._map: Map | None = None
        self._sources: tuple[object, tuple[Source, ...]] | None = None

    @property
    def error(self) -> str:
        """Why the last one cannot be made."""
        return self.volumes.error

    def sources(self, entry: Entry, image: Spectrum) -> tuple[Source, ...]:
        """Total and ions."""
        if self._sources is None or self._sources[0] is not image.axis:
            self._sources = (image.axis, sources(entry, image))
        return self._sources[1]

    def get(self, entry: Entry, image: Spectrum, key: str, scans: tuple[int, ...]) -> Map | None:
        """The picture; None while its ions are read."""
        mark = (image, key, scans)
        if mark == self._last:
            return self._map
        volume = self.volumes.get(entry, image, key)
        if volume is None:
            return None
        first, last = scans or (0, len(volume) - 1)
        name = next((one.name for one in self.sources(entry, image) if one.key == key), "Counts")
        words = "" if len(image.navigation) != 3 else f"{scan_words((first, last), len(volume))} added up"
        values = volume[first : last + 1].sum(axis=0, dtype=float)
        self._last, self._map = mark, Map("", name, image.meta.intensity_unit, values, origin=words)
        return self._map

    def stop(self) -> None:
        """Leave what is under way."""
        self.volumes.stop()
