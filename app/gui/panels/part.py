"""What the parts of a page share: their frame, and short fields."""

from __future__ import annotations

from typing import Generic, TypeVar

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.numbers import parse_number
from app.gui.theme import GAP_2

Page = TypeVar("Page", bound=QWidget)


class Part(QWidget, Generic[Page]):
    """One part of a page; it changes the project through the page."""

    def __init__(self, page: Page, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, GAP_2)
        self.body.setSpacing(GAP_2)


def field(name: str, *, empty: str = "", tip: str = "", width: int = 96) -> QLineEdit:
    """A short field."""
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setPlaceholderText(empty)
    line.setToolTip(tip)
    line.setMaximumWidth(width)
    return line


def number_of(line: QLineEdit, what: str) -> float | None:
    """What is typed; None for nothing.

    Raises
    ------
    BadModel
        If it is no number.
    """
    text = line.text().strip()
    return parse_number(text, what) if text else None
