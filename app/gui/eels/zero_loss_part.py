"""What the parts of the Zero loss page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.numbers import parse_number
from app.gui.theme import GAP_2
from app.project.project import Entry
from fitting.dataset import Spectrum

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel


class ZeroLossPart(QWidget):
    """One part of the page; it changes the project through the page."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, GAP_2)
        self.body.setSpacing(GAP_2)

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """Show an entry and its single spectrum in the plot."""
        raise NotImplementedError


def field(name: str, *, empty: str = "", tip: str = "", width: int = 96) -> QLineEdit:
    """A short field for a number."""
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


def spectra_of(box: QComboBox, page: ZeroLossPanel, first: str, without: str = "") -> None:
    """Fill a list with the energy-loss spectra of the project and keep the choice."""
    chosen = box.currentData()
    box.blockSignals(True)
    box.clear()
    box.addItem(first, "")
    for entry in page.document.project.entries:
        if entry.spectrum.axis.quantity == "energy_loss" and entry.id != without:
            box.addItem(entry.title, entry.id)
    box.setCurrentIndex(max(box.findData(chosen), 0))
    box.blockSignals(False)
