"""What stands in the middle of the window: the spectrum, a depth profile, or a cube."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QStackedWidget, QWidget

from app.gui.document import Document
from app.gui.plot.spectrum_view import SpectrumView
from app.gui.sims.profile_plot import ProfilePlot
from app.gui.sims.volume_view import VolumeView
from app.gui.tasks import Tasks
from fitting.sims.kinds import kind_of


class Centre(QStackedWidget):
    """Follows the shown entry: ions along a depth are drawn as traces, everything else as a spectrum.

    Signals
    -------
    shown_changed()
        Another one of the views is in front.
    """

    shown_changed = Signal()

    def __init__(self, document: Document, tasks: Tasks, view: SpectrumView, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.view, self.profile, self.volume = view, ProfilePlot(document, tasks), VolumeView(document, tasks)
        self._volume_wanted = False
        for widget in (self.view, self.profile, self.volume):
            self.addWidget(widget)
        document.selection_changed.connect(self.follow)
        document.project_changed.connect(self.follow)
        self.follow()

    def follow(self) -> None:
        """Bring the view to the front that fits the shown entry."""
        entry = self.document.entry
        kind = kind_of(entry.spectrum) if entry is not None else "spectrum"
        if kind == "cube" and self._volume_wanted:
            wanted: QWidget = self.volume
        else:
            wanted = self.profile if kind in ("profile", "cube") else self.view
        if self.currentWidget() is not wanted:
            self.setCurrentWidget(wanted)
            self.shown_changed.emit()

    def show_profile(self) -> None:
        """Of a cube: the profile of the chosen pixels."""
        self._volume_wanted = False
        self.follow()

    def show_volume(self) -> None:
        """Of a cube: three dimensions, sections, images."""
        self._volume_wanted = True
        self.follow()
