"""Profiles of entries: at once for a depth profile, off the window's thread for the chosen pixels of a cube."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from app.gui.document import Document
from app.gui.tasks import Task, Tasks
from app.project.project import Entry
from app.project.sims_profiles_at import place_name
from fitting.dataset import Spectrum
from fitting.image.place import ALL, Place, Roi
from fitting.sims.cube import profile_of
from fitting.sims.kinds import kind_of
from libraries.errors import Cancelled, SodaliteError

_KEPT = 32
Key = tuple[str, str, Roi | None]


class ProfileSource(QObject):
    """Keeps the profiles that were added up.

    Signals
    -------
    arrived()
        A profile that was asked for is there (or its error, `failed`).
    """

    arrived = Signal()

    def __init__(self, document: Document, tasks: Tasks, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.document, self.tasks = document, tasks
        self.failed = ""
        self._known: dict[Key, Spectrum] = {}
        self._running: dict[Key, Task] = {}
        self._bad: dict[Key, str] = {}

    def shown(self) -> Spectrum | None:
        """The profile of the shown entry at the place that is looked at; None while it is added up."""
        entry = self.document.entry
        return None if entry is None else self.of(entry, self.document.place)

    def of(self, entry: Entry, place: Place = ALL) -> Spectrum | None:
        """The profile of an entry; None where it is not known yet, or cannot be (`failed`)."""
        self.failed = ""
        try:
            spectrum = entry.processed()
        except SodaliteError as error:
            self.failed = str(error)
            return None
        kind = kind_of(spectrum)
        if kind == "profile":
            return spectrum
        if kind != "cube":
            self.failed = "This measurement has no depth"
            return None
        place = replace(place, scans=())  # all of them
        roi = next((one for one in entry.rois if one.id == place.roi), None)
        key = (spectrum.hash, str(place), roi)
        if key in self._known:
            return self._known[key]
        if key in self._bad:
            self.failed = self._bad[key]
        elif key not in self._running:
            self._start(key, entry, spectrum, place)
        return None

    def _start(self, key: Key, entry: Entry, cube: Spectrum, place: Place) -> None:
        rois = entry.rois

        def work(progress: object, cancel: object) -> Spectrum:
            shape = tuple(len(axis) for axis in cube.navigation)
            mask = None if place == ALL else place.mask(shape[1:], rois)
            return profile_of(cube, mask, name=place_name(entry, place), progress=progress, cancel=cancel)  # type: ignore[arg-type]

        def done(profile: Spectrum) -> None:
            while len(self._known) >= _KEPT:
                self._known.pop(next(iter(self._known)))
            self._known[key] = profile

        def broken(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            if not isinstance(error, Cancelled):
                self._bad[key] = str(error)

        task = self.tasks.run(work, done, broken, title=f"Profile of {entry.title}", quiet=not cube.stored)
        self._running[key] = task
        task.ended.connect(lambda: self._ended(key))

    def _ended(self, key: Key) -> None:
        self._running.pop(key, None)
        self.arrived.emit()
