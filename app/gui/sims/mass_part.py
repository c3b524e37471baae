"""What the parts of the Mass page share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.gui.panels.part import Part
from app.project.masses import MassView
from app.project.project import Entry

if TYPE_CHECKING:
    from app.gui.sims.mass_panel import MassPanel


class MassPart(Part["MassPanel"]):
    """One part of the page."""

    page: MassPanel

    def show_entry(self, entry: Entry, view: MassView) -> None:
        """Show an entry and its mass spectrum."""
        raise NotImplementedError
