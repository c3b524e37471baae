"""Handlers of the Data menu that make new spectra or process chosen ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class DataController(QObject):
    """Handlers of the Data menu that make new spectra or process chosen ones."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
