"""The Zero loss page: beam, energy scale, alignment, resolution, removal of the zero-loss peak, deconvolution."""

from __future__ import annotations

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.tasks import Tasks


class ZeroLossPanel(Panel):
    """The Zero loss page: beam, energy scale, alignment, resolution, removal of the zero-loss peak, deconvolution."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Zero loss", parent)
        self.tasks = tasks
        self.body.addStretch(1)
        self.ready()

    def refresh(self) -> None:
        """Show the document as it is now."""
