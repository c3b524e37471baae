"""The exact sum over the pixels of an image that stays in its file, read while an estimate is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.gui.tasks import Task
from app.project.preview import exact, is_slow
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.image.place import Place
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class StoredController(QObject):
    """Reads what the plot only estimates, one sum at a time; a newer one stops an older."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._task: Task | None = None
        self._wanted: tuple[Spectrum, Place] | None = None
        document = window.document
        for signal in (document.project_changed, document.selection_changed, document.place_changed):
            signal.connect(self.look)

    def look(self) -> None:
        """Begin to read the sum that is shown, if it is only estimated so far."""
        document = self._window.document
        entry, place = document.entry, document.place
        wanted = self._slow(entry, place)
        known = self._wanted
        if wanted is not None and known is not None and wanted[0] is known[0] and wanted[1] == known[1]:
            return
        if self._task is not None:
            self._task.cancel()
        self._task, self._wanted = None, wanted
        if wanted is None or entry is None:
            return
        session = document.session

        def done(_: Spectrum) -> None:
            self._task, self._wanted = None, None
            if document.session is session and document.entry is not None and document.place == place:
                document.place_changed.emit()

        self._task = self._window.tasks.run(
            lambda progress, cancel: exact(entry, place, progress, cancel), done, quiet=True,
            title=f"Adding up {entry.title}",
        )

    @staticmethod
    def _slow(entry: Entry | None, place: Place) -> tuple[Spectrum, Place] | None:
        if entry is None or not entry.spectrum.stored:
            return None
        try:
            return (entry.processed(), place) if is_slow(entry, place) else None
        except SodaliteError:
            return None  # shown as it was measured
