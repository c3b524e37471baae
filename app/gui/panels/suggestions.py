"""Suggestions of the library for a region: what could be there, how well it is known, and who says so."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import spread
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from fitting.guess import Suggestion
from libraries.compounds import REFERENCES

CONFIDENCE = {"A": "several records", "B": "one primary record", "C": "second-hand or derived"}


def confidence_words(letter: str) -> str:
    """A grade of the tables in words."""
    return f"{letter}: {CONFIDENCE[letter]}" if letter in CONFIDENCE else letter


def reference_words(key: str) -> str:
    """A charge reference of the tables in words."""
    return "; ".join(REFERENCES.get(part, part) for part in key.split("/") if part)


class SuggestionList(QWidget):
    """The proposals as a table; double click, Enter or the button adds one.

    Signals
    -------
    chosen(object)
        The proposal to add.
    """

    chosen = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.rows = RowsModel(
            (
                Column("Proposal", "Compound or line"),
                Column("Line"),
                Column("BE / eV", "Where it would be put", True),
                Column("Cited / eV", "Spread of the cited values", True),
                Column("Grade", "A several records, B one, C derived"),
                Column("Missing", "How far the data stand above the model there, in standard deviations", True),
                Column("Source", "Who measured it"),
            )
        )
        self.view = RowsView(self.rows, "Suggestions of the library")
        self.view.set_widths((126, 66, 78, 122, 58, 76, 170))
        self.view.horizontalHeader().setStretchLastSection(True)
        self.view.setMinimumHeight(150)
        self.view.doubleClicked.connect(lambda _: self.add())
        self.note = muted("")
        self._found: dict[str, Suggestion] = {}
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.view)
        layout.addWidget(self.note)
        self.add_button = button("Add", "Add the chosen proposal to the model", self.add, primary=True)
        layout.addLayout(
            row(
                self.add_button,
                button("Close", "Close the list", self.hide),
            )
        )

    def show_proposals(self, found: tuple[Suggestion, ...]) -> None:
        """Show these, best first."""
        self._found = {str(i): proposal for i, proposal in enumerate(found)}
        self.rows.set_rows([_row(key, proposal) for key, proposal in self._found.items()])
        self.note.setText("" if found else "The library has no cited value in this region; add peaks by hand.")
        self.note.setVisible(not found)
        self.view.setVisible(bool(found))
        self.add_button.setVisible(bool(found))
        if found:
            self.view.show_current("0")
        self.show()

    def add(self) -> None:
        """Add the current proposal."""
        proposal = self._found.get(self.view.current_key() or "")
        if proposal is not None:
            self.chosen.emit(proposal)


def _row(key: str, found: Suggestion) -> Row:
    tip = (
        f"{found.title}\n{found.line} {found.low:.2f} to {found.high:.2f} eV, {reference_words(found.reference)}\n"
        f"{found.source}\n{confidence_words(found.confidence)}"
    )
    kind = "doublet" if found.doublet else "peak"
    cells = (
        found.title,
        found.line,
        f"{found.position:.2f}",
        spread(found.low, found.high),
        found.confidence,
        f"{found.significance:+.0f} σ".replace("-", "−"),
        found.source,
    )
    return Row(key, tuple(Cell(text, tooltip=f"{tip}\nAdds a {kind}") for text in cells))
