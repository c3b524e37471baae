"""The Mass page: calibration of the mass scale, peaks, assignment."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class MassPanel(Panel):
    """The Mass page: calibration of the mass scale, peaks, assignment."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Mass", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Mass"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
