"""The part of the Process panel for series of sweeps: their drift, and their sum."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from fitting.dataset import Spectrum
from fitting.processing.sweeps import Drift


class SweepsPart(QWidget):
    """Drift of the sweeps with errors, and buttons to add them.

    Signals
    -------
    compare_wanted()
    add_wanted(object, str)
        The drift to align by (None: as they stand) and the method, "whole" or "linear".
    """

    compare_wanted = Signal()
    add_wanted = Signal(object, str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._of: object = None
        self.drift: Drift | None = None
        self.words = muted("")
        self.model = RowsModel((
            Column("Sweep", number=True), Column("Shift / eV", "Against the mean of all sweeps", True),
            Column("Intensity", "Height of the structure against the mean of all sweeps", True),
        ))
        self.table = RowsView(self.model, "Sweeps")
        self.table.set_widths((64, 150, 150))
        self.table.horizontalHeader().setStretchLastSection(True)
        self.table.hide()
        self.method = QComboBox()
        self.method.setAccessibleName("How sweeps are moved")
        self.method.addItem("by whole channels", "whole")
        self.method.addItem("between channels", "linear")
        self.method.setToolTip(
            "By whole channels counts stay counts; between channels neighbours correlate and lines widen a little"
        )
        self.compare = button("Compare sweeps", "Energy shift and intensity of every sweep", self.compare_wanted.emit)
        self.align = button("Align and add", "Add the sweeps, each moved back by its shift", self._align)
        self.plain = button("Add as they stand", "Add the sweeps without moving them",
                            lambda: self.add_wanted.emit(None, "whole"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Sweeps"))
        layout.addWidget(self.words)
        layout.addWidget(self.table)
        layout.addLayout(row(self.compare, self.plain))
        layout.addLayout(row(self.align, self.method))

    def show_series(self, sweeps: Spectrum | None) -> None:
        """Offer what can be done with these sweeps; None hides the part."""
        self.setVisible(sweeps is not None)
        if sweeps is None:
            return
        if self._of is not sweeps:
            self._of, self.drift = sweeps, None
        count = sweeps.y.reshape(-1, sweeps.x.size).shape[0]
        if self.drift is None:
            self.words.setText(f"{count} sweeps. Compare them to see whether lines move or fade while measuring.")
        self.table.setVisible(self.drift is not None)
        for widget in (self.align, self.method):
            widget.setVisible(self.drift is not None)

    def show_drift(self, drift: Drift, sweeps: Spectrum) -> None:
        """Show what a comparison found."""
        self._of, self.drift = sweeps, drift
        self.words.setText(drift_words(drift))
        self.model.set_rows([
            Row(str(k), (
                Cell(str(k + 1)),
                Cell(f"{_signed(drift.shifts[k])} ± {drift.shift_errors[k]:.3f}"),
                Cell(f"{drift.intensities[k]:.3f} ± {drift.intensity_errors[k]:.3f}"),
            ))
            for k in range(drift.shifts.size)
        ])
        self.table.fit_height(3, 8)
        self.show_series(sweeps)

    def _align(self) -> None:
        if self.drift is not None:
            self.add_wanted.emit(self.drift, self.method.currentData())


def drift_words(drift: Drift) -> str:
    """A drift in two sentences."""
    move, error = drift.energy_trend
    fade, fade_error = drift.intensity_trend
    parts = [
        f"Energy: {_signed(1000 * move, 1)} ± {1000 * error:.1f} meV a sweep{_verdict(move, error)}.",
        f"Intensity: {_signed(100 * fade, 2)} ± {100 * fade_error:.2f} % a sweep{_verdict(fade, fade_error)}.",
    ]
    if not drift.converged:
        parts.append("The comparison did not settle: narrow the range to one line.")
    if drift.reduced_chi2 > 1.5:
        parts.append(f"Sweeps differ by more than shift and intensity (χ²ᵣ {drift.reduced_chi2:.2f}); errors are "
                     "too small where the noise is known.")
    return " ".join(parts)


def _verdict(value: float, error: float) -> str:
    return "" if abs(value) > 3 * error else " (not distinguishable from none)"


def _signed(value: float, decimals: int = 3) -> str:
    return f"{value:+.{decimals}f}".replace("-", "−")
