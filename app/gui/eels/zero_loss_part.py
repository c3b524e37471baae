"""What the parts of the Zero loss page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox

from app.gui.panels.part import Part
from app.project.project import Entry
from fitting.dataset import Spectrum

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel


class ZeroLossPart(Part["ZeroLossPanel"]):
    """One part of the page."""

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """Show an entry and its single spectrum in the plot."""
        raise NotImplementedError


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
