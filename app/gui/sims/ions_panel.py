"""The Ions page: what the channels hold, isotopes, saturation, alternatives."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class IonsPanel(Panel):
    """The Ions page: what the channels hold, isotopes, saturation, alternatives."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Ions", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Ions"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
