"""A part of a page that folds up under its heading."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QToolButton, QVBoxLayout, QWidget

from app.gui.theme import GAP_2


class Fold(QWidget):
    """Heading with an arrow; a click or the space bar shows and hides what belongs to it.

    Signals
    -------
    folded(bool)
        True where the content is now hidden.
    """

    folded = Signal(bool)

    def __init__(self, title: str, content: QWidget, *, shown: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content = content
        self.head = QToolButton()
        self.head.setText(title)
        self.head.setProperty("role", "fold")
        self.head.setCheckable(True)
        self.head.setAutoRaise(True)
        self.head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        font = self.head.font()
        font.setBold(True)
        self.head.setFont(font)
        self.head.setAccessibleName(title)
        self.head.toggled.connect(self.show_content)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(self.head)
        body.addWidget(content)
        self.head.setChecked(shown)
        self._show(shown)

    @property
    def open(self) -> bool:
        """Whether its content is shown."""
        return self.head.isChecked()

    def show_content(self, shown: bool) -> None:
        """Unfold it, or fold it up."""
        if self.head.isChecked() != shown:
            self.head.setChecked(shown)
            return
        self._show(shown)
        self.folded.emit(not shown)

    def _show(self, shown: bool) -> None:
        self.head.setArrowType(Qt.ArrowType.DownArrow if shown else Qt.ArrowType.RightArrow)
        self.content.setVisible(shown)
