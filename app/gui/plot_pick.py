"""Taking an energy from the plot: the next click answers, Escape gives up."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent

from app.gui.plot.spectrum_view import SpectrumView


class PlotPick(QObject):
    """Waits for one click on the plot.

    Parameters
    ----------
    view : SpectrumView
    answer : callable(float)
        Gets the place on the axis.
    words : str
        What the plot says meanwhile.
    """

    def __init__(
        self, view: SpectrumView, answer: Callable[[float], object],
        words: str = "Click the energy on the plot, or press Escape",
    ) -> None:
        super().__init__(view)
        self._view, self._answer, self.words = view, answer, words
        self.waiting = False

    def start(self) -> None:
        """Take the next click."""
        if not self.waiting:
            self.waiting = True
            self._view.set_tool(None)
            self._view.viewport().installEventFilter(self)
            self._view.installEventFilter(self)
            self._view.viewport().setCursor(Qt.CursorShape.CrossCursor)
            self._view.setFocus()
        self._view.hint(self.words)

    def stop(self) -> None:
        """Do not wait any longer."""
        if self.waiting:
            self.waiting = False
            self._view.viewport().removeEventFilter(self)
            self._view.removeEventFilter(self)
            self._view.viewport().setCursor(Qt.CursorShape.ArrowCursor)
            self._view.hint("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The click goes to whoever asked, not to the plot."""
        left = isinstance(event, QMouseEvent) and event.button() == Qt.MouseButton.LeftButton
        if left and watched is self._view.viewport():
            if event.type() == QEvent.Type.MouseButtonRelease:
                place, _ = self._view.data_at(event.position())  # type: ignore[attr-defined]
                self.stop()
                self._answer(place)
            return True
        if isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape:
            self.stop()
            return True
        return super().eventFilter(watched, event)
