"""The Amounts page: concentrations in one matrix, and the composition of factors after XPS."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel
from app.gui.sims.by_xps_part import ByXpsPart
from app.gui.sims.sensitivity_part import SensitivityPart
from app.gui.tasks import Tasks


class AmountsPanel(Panel):
    """What counts mean in atoms: sensitivity factors in one matrix, and factors calibrated by XPS."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Amounts", parent)
        self.tasks = tasks
        self.window_: Any = None
        self.sensitivity = SensitivityPart(self)
        self.by_xps = ByXpsPart(self)
        for part in (self.sensitivity, self.by_xps):
            self.body.addWidget(part)
        self.body.addStretch(1)
        self.ready()

    def use_window(self, window: Any) -> None:
        """Both parts compute from the profile in the middle of the window."""
        self.window_ = window
        self.sensitivity.use_window(window)
        self.by_xps.use_window(window)

    def refresh(self) -> None:
        """Show both parts."""
        self.sensitivity.refresh()
        self.by_xps.refresh()
