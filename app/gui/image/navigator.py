"""The image left of the spectrum: where the spectrum comes from, and regions drawn by hand."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.tasks import Tasks


class Navigator(Panel):
    """The image left of the spectrum: where the spectrum comes from, and regions drawn by hand."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Navigator", parent)
        self.tasks = tasks
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry = self.document.entry
        image = entry is not None and entry.spectrum.meta.technique in ("eels", "sims")
        self.setVisible(entry is not None and image and bool(entry.spectrum.navigation))
