"""The Profiles page: traces, normalisation, axis, overlays."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class ProfilesPanel(Panel):
    """The Profiles page: traces, normalisation, axis, overlays."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Profiles", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Profiles"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
