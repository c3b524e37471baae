"""What the parts of the Mass page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from app.gui.theme import GAP_2
from app.project.masses import MassView
from app.project.project import Entry

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel


class MassPart(QWidget):
    """One part of the page; it changes the project through the page."""

    def __init__(self, page: MassPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, GAP_2)
        self.body.setSpacing(GAP_2)

    def show_entry(self, entry: Entry, view: MassView) -> None:
        """Show an entry and its mass spectrum."""
        raise NotImplementedError


def field(name: str, *, empty: str = "", tip: str = "", width: int = 96) -> QLineEdit:
    """A short field."""
    line = QLineEdit()
    line.setAccessibleName(name)
    line.setPlaceholderText(empty)
    line.setToolTip(tip)
    line.setMaximumWidth(width)
    return line
