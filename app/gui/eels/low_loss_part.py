"""What the parts of the Low loss page share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import muted
from app.gui.panels.numbers import parse_number, plain
from app.gui.tasks import Task
from app.gui.theme import GAP_2
from app.project.loss_settings import LossSettings
from app.project.project import Entry

if TYPE_CHECKING:
    from app.gui.eels.low_loss_panel import LowLossPanel


class LowLossPart(QWidget):
    """One part of the page; it edits the settings through the page and shows what the page hands it."""

    def __init__(self, page: LowLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        self.task: Task | None = None
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, GAP_2)
        self.body.setSpacing(GAP_2)
        self.value = QLabel()
        self.value.setProperty("role", "heading")
        self.value.setWordWrap(True)
        self.value.hide()
        self.words = muted("")
        self.warnings = muted("")
        self.warnings.setProperty("role", "warning")
        self.warnings.hide()

    def show_entry(self, entry: Entry | None) -> None:
        """Show the settings of the low loss that is looked at; None: there is none."""
        raise NotImplementedError

    def number(self, name: str, words: str, field: str, *, tip: str = "", width: int = 90) -> QLineEdit:
        """A field for a number of the settings; empty for none."""
        line = QLineEdit()
        line.setAccessibleName(name)
        line.setMaximumWidth(width)
        if tip:
            line.setToolTip(tip)

        def take() -> None:
            text = line.text().strip()
            self.page.attempt(lambda: self.page.change(
                f"{words} {text or 'not given'}", **{field: parse_number(text, words) if text else None}
            ))

        line.editingFinished.connect(take)
        return line

    def choice(self, name: str, items: list[tuple[str, str]], take: Callable[[str], None]) -> QComboBox:
        """A list to choose from: (words, key)."""
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(10)
        for words, key in items:
            combo.addItem(words, key)
        combo.activated.connect(lambda _: take(str(combo.currentData() or "")))
        return combo

    def show_number(self, line: QLineEdit, value: float | None) -> None:
        """A number of the settings, unless it is being typed."""
        if not line.hasFocus() or not line.isModified():
            line.setText("" if value is None else plain(value, 4))

    def warn(self, words: tuple[str, ...] | list[str]) -> None:
        """Warnings below the result."""
        self.warnings.setText("\n".join(words))
        self.warnings.setVisible(bool(words))

    def headline(self, text: str) -> None:
        """The main result; "" for none."""
        self.value.setText(text)
        self.value.setVisible(bool(text))

    @property
    def settings(self) -> LossSettings:
        """Of the low loss that is looked at."""
        return self.page.settings


def choose(combo: QComboBox, key: Any) -> None:
    """Show a key without telling."""
    combo.setCurrentIndex(max(combo.findData(key), 0))
