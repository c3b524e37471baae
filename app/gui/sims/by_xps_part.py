"""The composition of factors, calibrated by XPS at common depths."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gui.panels.part import Part

if TYPE_CHECKING:
    from app.gui.sims.amounts_panel import AmountsPanel


class ByXpsPart(Part["AmountsPanel"]):
    """The composition of factors, calibrated by XPS at common depths."""

    def __init__(self, page: AmountsPanel) -> None:
        super().__init__(page)

    def use_window(self, window: Any) -> None:
        """Take what is needed of the window."""

    def refresh(self) -> None:
        """Show the shown entry."""
