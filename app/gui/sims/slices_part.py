"""Images of ions on the Volume page: over all scans, or one for so many scans each."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLabel, QSpinBox, QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.panels.base import button, heading, muted, row
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.gui.theme import GAP_2, SPIN_MARGINS
from app.project.cube_sources import MAP, places
from app.project.maps import with_made
from fitting.dataset import Spectrum
from fitting.image.maps import Map
from fitting.sims.cube_maps import ion_maps, slices_of
from libraries.errors import SodaliteError

MOST = 400  # images at once


class SlicesPart(QWidget):
    """Makes images of the shown ions; they come into the gallery as one undo step.

    Signals
    -------
    said(str)
    made(object)
        Tuple of the ids of new maps.
    """

    said = Signal(str)
    made = Signal(object)

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document, self.tasks = document, tasks
        self._task: Task | None = None
        self._sources: tuple[tuple[str, str], ...] = ()
        self._scans: tuple[int, int] = (0, 0)
        self.thickness = QSpinBox()
        self.thickness.setAccessibleName("Scans in an image")
        self.thickness.setToolTip("Scans that are added up in one image; 0: all that are chosen")
        self.thickness.setSpecialValueText("all chosen scans")
        self.thickness.setSuffix(" scans each")
        self.thickness.lineEdit().setTextMargins(*SPIN_MARGINS)
        self.thickness.setMinimumWidth(150)
        self.thickness.valueChanged.connect(lambda _: self._tell())
        self.go = button("Make images", "Images of the shown ions with errors, into the gallery under Maps", self.make,
                         primary=True)
        self.label = QLabel("Add up")
        self.label.setBuddy(self.thickness)
        self.words = muted("")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, GAP_2, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Images of ions"))
        layout.addLayout(row(self.label, self.thickness, self.go))
        layout.addWidget(self.words)

    def show_ions(self, ions: tuple[tuple[str, str], ...], scans: tuple[int, int], count: int) -> None:
        """What images are made of: (name, key) of ions, first and last scan, and how many there are (0: no cube)."""
        self._sources, self._scans = tuple(one for one in ions if not one[1].startswith(MAP)), scans
        for widget in (self.label, self.thickness):
            widget.setVisible(count > 1)
        self.thickness.setMaximum(max(count, 1))
        self._tell()

    def _tell(self) -> None:
        first, last = self._scans
        number = len(slices_of(last + 1, self.thickness.value(), (first, last)))
        count = number * len(self._sources)
        names = ", ".join(name for name, _ in self._sources)
        each = "one each" if number == 1 else f"{number} each, of one colour scale an ion"
        words = f"{names}: {each}. Errors are those of counting." if self._sources else \
            "Components are maps already. Choose ions for images of counts."
        if count > MOST:
            words = f"{count} images are too many: add up more scans."
        self.words.setText(words)
        self.go.setEnabled(0 < count <= MOST and self._task is None)

    def make(self) -> None:
        """Add up off the window's thread."""
        entry, cube = self.document.entry, self.document.spectrum()
        if entry is None or cube is None or self._task is not None or not self._sources:
            return
        try:
            ions = tuple((name, places(cube.axis, key)) for name, key in self._sources)
        except SodaliteError as error:
            self.said.emit(str(error))
            return
        thickness, scans = self.thickness.value(), self._scans
        id, session = entry.id, self.document.session

        def work(progress: Progress, cancel: Cancel) -> tuple[Map, ...]:
            return ion_maps(cube, ions, thickness, scans, progress, cancel)

        def done(made: tuple[Map, ...]) -> None:
            self._take(made, id, session, cube)

        self.said.emit("")
        self._task = self.tasks.run(work, done, self._failed, title="Images of ions")
        self._task.ended.connect(self._ended)
        self._tell()

    def _take(self, made: tuple[Map, ...], id: str, session: Any, cube: Spectrum) -> None:
        project = self.document.project
        now = next((one for one in project.entries if one.id == id), None)
        if session is not self.document.session or now is None:
            return
        if now.processed() is not cube and now.processed().hash != cube.hash:
            self.said.emit("The images were left out, because the data changed meanwhile")
            return
        self.document.apply("Images of ions", with_made(project, id, made))
        self.made.emit(tuple(one.id for one in made))

    def _failed(self, error: BaseException) -> None:
        if not isinstance(error, SodaliteError):
            raise error
        self.said.emit(str(error))

    def _ended(self) -> None:
        self._task = None
        self._tell()
