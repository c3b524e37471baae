"""The Layers panel: thickness and order of layers."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.tasks import Tasks


class LayersPanel(Panel):
    """The Layers panel: thickness and order of layers."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Layers", parent)
        self.tasks = tasks
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
