"""Messages above the plot: errors, warnings and questions that wait without stopping the work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.gui.style.icons import icon
from app.gui.theme import GAP_1, GAP_2, GAP_3

Kind = Literal["info", "warning", "error", "question"]
Button = tuple[str, Callable[[], object]]
INFO_MILLISECONDS = 6000
MOST = 3
_ICONS = {"info": ("info", "accent"), "warning": ("warning", "warning"), "error": ("warning", "danger"),
          "question": ("info", "warning")}


class Message(QFrame):
    """One message with its buttons; goes away when one is pressed, by its cross, or by Escape."""

    def __init__(self, text: str, kind: Kind, buttons: Sequence[Button], parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setProperty("kind", kind)
        self.text, self.kind = text, kind
        sign = QLabel()
        sign.setPixmap(icon(*_ICONS[kind]).pixmap(QSize(18, 18), self.devicePixelRatioF()))
        label = QLabel(text)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(GAP_3, GAP_1 + 2, GAP_2, GAP_1 + 2)
        layout.setSpacing(GAP_2)
        layout.addWidget(sign, 0, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(label, 1)
        self.buttons = []
        for number, (words, action) in enumerate(buttons):
            button = QPushButton(words)
            button.setProperty("primary", number == 0)
            button.clicked.connect(lambda _=False, action=action: self._answer(action))
            layout.addWidget(button)
            self.buttons.append(button)
        close = QToolButton()
        close.setIcon(icon("close", "muted"))
        close.setToolTip("Dismiss")
        close.setAccessibleName("Dismiss message")
        close.clicked.connect(self.dismiss)
        layout.addWidget(close)
        self.setAccessibleName(f"{kind}: {text}")

    def _answer(self, action: Callable[[], object]) -> None:
        self.dismiss()
        action()

    def dismiss(self) -> None:
        """Take the message away."""
        bar = self.parentWidget()
        if isinstance(bar, MessageBar):
            bar.remove(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape takes the message away."""
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)


class MessageBar(QWidget):
    """The messages of the moment, newest on top."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(0)
        self._messages: list[Message] = []
        self.hide()

    @property
    def messages(self) -> tuple[Message, ...]:
        """What is shown, newest first."""
        return tuple(self._messages)

    def show_message(self, text: str, kind: Kind = "info", buttons: Sequence[Button] = ()) -> Message:
        """Show a message. The same text again replaces the one that is there.

        Parameters
        ----------
        buttons : sequence of (words, action)
            The first one is the one we advise.
        """
        for old in [m for m in self._messages if m.text == text]:
            self.remove(old)
        message = Message(text, kind, buttons, self)
        self._messages.insert(0, message)
        self._layout.insertWidget(0, message)
        # Only questions wait for their answer however many messages follow.
        for surplus in [m for m in self._messages if m.kind != "question"][MOST:]:
            self.remove(surplus)
        self.show()
        if kind == "info" and not buttons:
            QTimer.singleShot(INFO_MILLISECONDS, message, message.dismiss)
        return message

    def remove(self, message: Message) -> None:
        """Take a message away."""
        if message in self._messages:
            self._messages.remove(message)
            self._layout.removeWidget(message)
            message.hide()
            message.deleteLater()
            self.setVisible(bool(self._messages))

    def clear(self) -> None:
        """Take all messages away."""
        for message in list(self._messages):
            self.remove(message)
