"""Handlers of the Quantify menu."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class QuantifyController(QObject):
    """Handlers of the Quantify menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
