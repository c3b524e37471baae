"""Results of the Core loss page: composition, and which part of the errors comes from where."""

from __future__ import annotations

import math

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.gui.panels.base import heading, muted
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.numerals import with_error
from app.project.core_loss import ratios, share
from fitting.eels.core_setup import CoreResult, CoreRow

_PARTS = (
    ("Counting", "counting", "Counts of edge and background in all fitted channels"),
    ("Backgr.", "background", "Level and exponent of the background"),
    ("Fine", "fine", "Change when the fine structure is a quarter narrower or wider"),
    ("σ", "cross_section", "Known systematic error of the cross-section; more counts do not mend it"),
    ("Angles", "angles", "What the supposed error of the angles makes"),
    ("Low loss", "low_loss", "Counts of the low loss; enters atoms/nm² only"),
)


class ResultsPart(QWidget):
    """Two tables and a few sentences."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.title = heading("Composition")
        self.state = muted("")
        self.state.setProperty("role", "warning")
        self.rows = RowsModel((
            Column("Edge"), Column("at.%", "Of the measured elements; error of all causes", True),
            Column("Atoms/nm²", "Areal density; needs the exposures of core loss and low loss", True),
            Column("Windows", "at.% from signal windows above an extrapolated background", True),
            Column("Onset / eV", "Found in the data where an error stands", True),
        ))
        self.view = RowsView(self.rows, "Composition")
        self.view.set_widths((66, 96, 96, 96, 100), stretch=4)
        self.parts = RowsModel((Column("Errors / %"), *(Column(name, tip, True) for name, _, tip in _PARTS)))
        self.budget = RowsView(self.parts, "Parts of the errors")
        self.budget.set_widths((84, 72, 64, 56, 54, 64, 70), stretch=6)
        self.words = muted("")
        self.warnings = muted("")
        self.warnings.setProperty("role", "warning")
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        for widget in (self.title, self.state, self.view, self.budget, self.words, self.warnings):
            body.addWidget(widget)

    def show_result(self, result: CoreResult | None, state: str) -> None:
        """Show a result, and why it may not belong to what is shown."""
        self.setVisible(result is not None)
        if result is None:
            return
        self.state.setText(state + "." if state else "")
        self.state.setVisible(bool(state))
        self.rows.set_rows([self._row(row, bool(state)) for row in result.rows])
        self.parts.set_rows([_budget(row) for row in result.rows])
        self.view.fit_height(1, 8)
        self.budget.fit_height(1, 8)
        self.words.setText(_words(result))
        self.warnings.setText("\n".join(f"{text}." for text in result.warnings))
        self.warnings.setVisible(bool(result.warnings))

    @staticmethod
    def _row(row: CoreRow, old: bool) -> Row:
        percent = share(row.at_percent, row.at_error)
        if math.isfinite(row.limit):
            percent = f"< {row.limit:.1f}"
        areal = with_error(row.areal, row.areal_error) if math.isfinite(row.areal) else "–"
        onset = with_error(row.onset, row.onset_err) if row.onset_err else f"{row.onset:.1f}"
        tip = f"{row.model}: {row.source}"
        return Row(row.edge, (
            Cell(row.edge, tooltip=tip, muted=old), Cell(percent, tooltip=tip, muted=old),
            Cell(areal, tooltip="" if math.isfinite(row.areal) else "Exposures are not known", muted=old),
            Cell(share(row.window_at_percent, row.window_error), tooltip=_window_words(row), muted=old),
            Cell(onset, muted=old),
        ))


def _window_words(row: CoreRow) -> str:
    if not math.isfinite(row.snr):
        return row.window_words
    return f"{row.window_words}; signal to noise {row.snr:.0f}, h {row.h:.1f}"


def _budget(row: CoreRow) -> Row:
    cells = [Cell(row.edge)]
    for _, name, tip in _PARTS:
        value = getattr(row, name)
        cells.append(Cell(f"{100 * value:.1f}" if math.isfinite(value) else "–", tooltip=tip))
    return Row(row.edge, tuple(cells))


def _words(result: CoreResult) -> str:
    parts = [f"{name} {with_error(value, error)}" for name, value, error in ratios(result)]
    parts.append(f"background exponent {with_error(result.exponent, result.exponent_err)}")
    parts.append(f"fitted {result.fitted[0]:.0f} to {result.fitted[1]:.0f} eV")
    if math.isfinite(result.chi2):
        parts.append(f"reduced χ² {result.chi2:.2f}")
    else:
        parts.append(f"variance {result.gain:.3g} times the counts (from the residuals)")
    return "; ".join(parts) + "."
