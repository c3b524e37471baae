"""Candidate models of the shown region, ranked."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.gui.document import Document
from app.gui.tasks import Tasks


class CandidatesPage(QWidget):
    """Candidate models of the shown region, ranked."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._document, self._tasks = document, tasks
        self.setAccessibleName("Candidates")
        QVBoxLayout(self)
