"""What the panels share: the document, one line for messages, small builders for rows and buttons."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QElapsedTimer, QTimer, Signal
from PySide6.QtGui import QColor, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.gui import theme
from app.gui.document import Document
from app.gui.panels.tables import RowsModel
from app.gui.style.icons import icon
from app.gui.theme import GAP_2, GAP_3
from libraries.errors import SodaliteError

PAUSE = 80  # milliseconds


class Panel(QWidget):
    """A panel of the inspector.

    Signals
    -------
    message(str)
        The panel's message, also shown in the panel; "" when it is over.
    """

    message = Signal(str)

    def __init__(self, document: Document, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.document = document
        self.setAccessibleName(name)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(GAP_3, GAP_3, GAP_3, GAP_3)
        self.body.setSpacing(GAP_2)
        self._message = muted("")
        self._message.setProperty("role", "warning")
        self._message.setAccessibleName("Message")
        self._message.hide()
        self._models: list[RowsModel] = []
        self._behind = False
        self._entry = ""
        self._since = QElapsedTimer()
        self._waiting = QTimer(self)
        self._waiting.setSingleShot(True)
        self._waiting.timeout.connect(self.show_now)

    def ready(self) -> None:
        """Call at the end of building: puts the message line on top, listens, and shows the document."""
        self.body.insertWidget(0, self._message)
        self.document.project_changed.connect(self._changed)
        self.document.selection_changed.connect(self._selected)
        theme.changes().changed.connect(self._recolour)
        self._recolour()

    def use_window(self, window: Any) -> None:
        """Called once when the window is built: connect what the page needs of plot and navigator.

        `window.view.bands` puts draggable ranges on the plot, `window.navigator` shows maps.
        """

    def table(self, model: RowsModel) -> RowsModel:
        """Keep a table's colours right."""
        self._models.append(model)
        return model

    def _recolour(self) -> None:
        for model in self._models:
            model.muted = QColor(theme.current().muted)
        self.refresh()

    def _changed(self) -> None:
        """Bring the panel up to date: a hidden one when it is shown, at most every `PAUSE` while something is dragged.

        Drawing tables takes longer than drawing the plot, which must follow the hand.
        """
        self._behind = not self.isVisible()
        if self._behind or self._waiting.isActive():
            return
        rest = PAUSE - self._since.elapsed() if self._since.isValid() else 0
        if rest > 0:
            self._waiting.start(int(rest))
        else:
            self.show_now()

    def show_now(self) -> None:
        """Show the document without waiting: what was typed here must be seen here."""
        self._waiting.stop()
        self._since.restart()
        self.refresh()

    def _selected(self) -> None:
        """Another selection shows at once; what was said of another spectrum is not said of this one."""
        entry = self.document.selection.entry or ""
        if entry != self._entry:
            self._entry = entry
            self.say("")
        self._since.invalidate()
        self._waiting.stop()
        self._changed()

    def showEvent(self, event: QShowEvent) -> None:
        """Catch up with the document."""
        super().showEvent(event)
        if self._behind:
            self._behind = False
            try:
                self.refresh()
            except Exception:  # PySide 6.11 ends the program where an overridden event raises
                sys.excepthook(*sys.exc_info())

    def refresh(self) -> None:
        """Show the document as it is now."""
        raise NotImplementedError

    def say(self, text: str) -> None:
        """Show a message; "" takes it away."""
        if text != self._message.text():
            self._message.setText(text)
            self._message.setVisible(bool(text))
            self.message.emit(text)

    @property
    def said(self) -> str:
        """The message shown."""
        return self._message.text()

    def attempt(self, action: Callable[[], None]) -> bool:
        """Do something; an error of the user's making becomes the message, and nothing has changed."""
        try:
            action()
        except SodaliteError as error:
            self.say(str(error))
            return False
        self.say("")
        self.show_now()
        return True


def muted(text: str) -> QLabel:
    """Secondary words that wrap."""
    label = QLabel(text)
    label.setProperty("role", "muted")
    label.setWordWrap(True)
    return label


def heading(text: str) -> QLabel:
    """A heading inside a panel."""
    label = QLabel(text)
    label.setProperty("role", "heading")
    return label


def button(
    text: str, tooltip: str, action: Callable[[], object], *, sign: str = "", primary: bool = False
) -> QPushButton:
    """A button with an icon and an explanation."""
    result = QPushButton(text)
    result.setToolTip(tooltip)
    if sign:
        result.setIcon(icon(sign, "accent_text" if primary else "text"))
    if primary:
        result.setProperty("primary", True)
    result.clicked.connect(lambda _=False: action())
    return result


def row(*widgets: QWidget, stretch: bool = True) -> QHBoxLayout:
    """Widgets side by side, the rest of the line empty."""
    line = QHBoxLayout()
    line.setSpacing(GAP_2)
    for widget in widgets:
        line.addWidget(widget)
    if stretch:
        line.addStretch(1)
    return line
