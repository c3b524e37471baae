"""The depth profile in the middle of the window: traces over time, dose, fluence or depth."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class ProfilePlot(Panel):
    """The depth profile in the middle of the window: traces over time, dose, fluence or depth."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Depth profile", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Depth profile"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
