"""The Layers page of the results: layers of a depth profile in order, with thickness."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class LayersPage(Panel):
    """The Layers page of the results: layers of a depth profile in order, with thickness."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Layers", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Layers"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
