"""The part of the Calibrate panel for the spectrometer's energy scale: a straight line through two known lines."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.numbers import parse_number
from app.gui.theme import GAP_2
from fitting.processing.scale import two_points
from libraries.energy_scale import calibration_lines
from libraries.errors import BadModel, SodaliteError

SCOPES = (("sample", "this sample"), ("all", "all spectra of the project"), ("chosen", "chosen spectra"))


class ScalePart(QWidget):
    """Two lines with true and measured energy, and which spectra take the scale.

    Signals
    -------
    cursor_wanted(int)
        The measured energy of that line is to be taken from the plot.
    apply_wanted(), reset_wanted()
    """

    cursor_wanted = Signal(int)
    apply_wanted = Signal()
    reset_wanted = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lines: list[QComboBox] = []
        self.true: list[QLineEdit] = []
        self.measured: list[QLineEdit] = []
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(GAP_2)
        layout.addWidget(heading("Energy scale of the spectrometer"))
        self.now = muted("")
        layout.addWidget(self.now)
        grid = QGridLayout()
        grid.setHorizontalSpacing(GAP_2)
        for column, words in enumerate(("Line", "True / eV", "Measured / eV")):
            grid.addWidget(muted(words), 0, column)
        known = calibration_lines()
        for number in (0, 1):
            box = QComboBox()
            box.setAccessibleName(f"Calibration line {number + 1}")
            for at, item in enumerate(known):
                box.addItem(item.line.name, at)
                box.setItemData(at, item.source, Qt.ItemDataRole.ToolTipRole)
            box.addItem("Another line", None)
            box.setCurrentIndex(0 if number == 0 else len(known) - 1)
            box.currentIndexChanged.connect(lambda _, n=number: self._line_chosen(n))
            true, measured = QLineEdit(), QLineEdit()
            true.setAccessibleName(f"True energy of line {number + 1} in eV")
            measured.setAccessibleName(f"Measured energy of line {number + 1} in eV")
            for field in (true, measured):
                field.setMaximumWidth(100)
                field.textEdited.connect(lambda _: self.show_scale())
            pick = button("Plot", "Take the place of the cursor: click on the plot",
                          lambda n=number: self.cursor_wanted.emit(n))
            self.lines.append(box)
            self.true.append(true)
            self.measured.append(measured)
            for column, widget in enumerate((box, true, measured, pick)):
                grid.addWidget(widget, number + 1, column)
            self._line_chosen(number)
        grid.setColumnStretch(0, 1)
        layout.addLayout(grid)
        self.source = muted("")
        layout.addWidget(self.source)
        self.scale = QLabel("")
        self.scale.setAccessibleName("Energy scale")
        layout.addWidget(self.scale)
        self.scope = QComboBox()
        self.scope.setAccessibleName("Spectra that take the scale")
        for key, words in SCOPES:
            self.scope.addItem(words, key)
        self.apply_button = button("Calibrate", "Straight line through both points; recorded, and can be undone",
                                   self.apply_wanted.emit)
        self.reset_button = button("Reset", "Take the calibration of the scale away", self.reset_wanted.emit)
        layout.addLayout(row(self.apply_button, self.scope, self.reset_button))
        sources = dict.fromkeys(item.source for item in known)
        self.source.setText(f"True energies: {'; '.join(sources)}. For conductors, before any charge reference.")
        self.show_scale()

    def _line_chosen(self, number: int) -> None:
        at = self.lines[number].currentData()
        self.true[number].setReadOnly(at is not None)
        if at is not None:
            self.true[number].setText(f"{calibration_lines()[at].binding_energy:g}")
        if hasattr(self, "scale"):
            self.show_scale()

    def values(self) -> tuple[tuple[float, float], tuple[float, float], str]:
        """Measured and true energies in eV, and the names of the lines."""
        measured = (self._number(self.measured, 0, "measured"), self._number(self.measured, 1, "measured"))
        true = (self._number(self.true, 0, "true"), self._number(self.true, 1, "true"))
        names = [box.currentText() if box.currentData() is not None else f"{energy:g} eV"
                 for box, energy in zip(self.lines, true, strict=True)]
        return measured, true, f"two points: {names[0]} and {names[1]}"

    def _number(self, fields: list[QLineEdit], number: int, what: str) -> float:
        return parse_number(fields[number].text(), f"The {what} energy of line {number + 1}")

    def take(self, number: int, energy: float) -> None:
        """A measured energy from the plot."""
        self.measured[number].setText(f"{energy:.3f}")
        self.show_scale()

    def show_scale(self) -> None:
        """The line through what is typed."""
        self.apply_button.setEnabled(False)
        try:
            measured, true, _ = self.values()
        except BadModel:
            self.scale.setText("Type both measured energies")
            return
        try:
            slope, offset = two_points(measured, true)
        except SodaliteError as error:
            self.scale.setText(error.what)
            return
        self.scale.setText(f"Slope {slope:.6f}, offset {_signed(offset)} eV; shifts {_signed(true[0] - measured[0])} "
                           f"and {_signed(true[1] - measured[1])} eV")
        self.apply_button.setEnabled(True)


def _signed(value: float) -> str:
    return f"{value:+.3f}".replace("-", "−")
