"""The Maps page: energy windows, presets, ratios, signal to noise."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.tasks import Tasks


class MapsPanel(Panel):
    """The Maps page: energy windows, presets, ratios, signal to noise."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Maps", parent)
        self.tasks = tasks
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document as it is now."""
