"""The cube in the middle of the window: three dimensions, sections, images."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, muted
from app.gui.tasks import Tasks


class VolumeView(Panel):
    """The cube in the middle of the window: three dimensions, sections, images."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Volume", parent)
        self.tasks = tasks
        self.body.addWidget(muted("Volume"))
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document."""
