"""Calibration of the energy-loss axis on the Zero loss page: one known energy, or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QGridLayout, QLabel, QWidget

from app.gui.eels.zero_loss_part import ZeroLossPart
from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import plain
from app.gui.panels.part import field, number_of
from app.gui.panels.step_form import step_words
from app.project import loss_process
from app.project.project import Entry
from fitting.dataset import Spectrum
from fitting.processing.energy_axis import scale_of
from libraries.errors import BadModel, SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel


class LossScalePart(ZeroLossPart):
    """Measured and true energies; the second line may stay empty."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.measured = [field(f"Measured energy of line {n} in eV") for n in (1, 2)]
        self.true = [field(f"True energy of line {n} in eV") for n in (1, 2)]
        self.measured[1].setPlaceholderText("optional")
        self.true[1].setPlaceholderText("optional")
        self.picks = [
            button("Pick on plot", "Take the measured energy from the next click on the plot",
                   lambda number=number: page.pick(lambda energy: self.take(number, energy)))
            for number in (0, 1)
        ]
        grid = QGridLayout()
        for column, words in enumerate(("Measured / eV", "True / eV"), 1):
            grid.addWidget(muted(words), 0, column)
        for number in (0, 1):
            grid.addWidget(QLabel(("First energy", "Second energy")[number]), number + 1, 0)
            grid.addWidget(self.measured[number], number + 1, 1)
            grid.addWidget(self.true[number], number + 1, 2)
            grid.addWidget(self.picks[number], number + 1, 3)
            for line in (self.measured[number], self.true[number]):
                line.textEdited.connect(lambda _: self._show_scale())
        grid.setColumnStretch(4, 1)
        self.body.addLayout(grid)
        self.scale = QLabel()
        self.scale.setWordWrap(True)
        self.scale.setAccessibleName("Calibration")
        self.body.addWidget(self.scale)
        self.for_chosen = QCheckBox()
        self.go = button("Calibrate", "Put the energy axis right; one energy moves it, two correct the dispersion too",
                         self.calibrate)
        self.reset = button("Reset", "Take all calibrations out of the recipe", self.take_back)
        self.body.addLayout(row(self.go, self.reset, self.for_chosen))
        self.now = muted("")
        self.body.addWidget(self.now)

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """What was calibrated."""
        words = [step_words(step) for step in entry.recipe.active if step.kind == "loss_scale"]
        self.now.setText("; ".join(words) + "." if words else "As the file gives it.")
        self.reset.setVisible(bool(words))
        count = len(self.page.document.chosen)
        self.for_chosen.setVisible(count > 1)
        self.for_chosen.setText(f"for all {count} chosen spectra")
        self._show_scale()

    def take(self, number: int, energy: float) -> None:
        """A measured energy from the plot."""
        self.measured[number].setText(plain(energy, 3))
        self._show_scale()

    def values(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Measured and true energies of one line or two.

        Raises
        ------
        BadModel
            If a number is missing.
        """
        measured, true = [], []
        for number, (left, right) in enumerate(zip(self.measured, self.true, strict=True), 1):
            m = number_of(left, f"The measured energy of line {number}")
            t = number_of(right, f"The true energy of line {number}")
            if number == 2 and m is None and t is None:
                break
            if m is None or t is None:
                raise BadModel("Type the measured and the true energy" + (" of the second line" if number == 2 else ""))
            measured.append(m)
            true.append(t)
        return tuple(measured), tuple(true)

    def _show_scale(self) -> None:
        try:
            factor, offset = scale_of(*self.values())
        except SodaliteError as error:
            self.scale.setText(error.what)
            self.go.setEnabled(False)
            return
        entry = self.page.document.entry
        step = entry.processed().axis.step if entry is not None else 0.0
        words = f"Offset {offset:+.4f} eV".replace("-", "−")
        if factor != 1.0:
            words += f", dispersion {step:.6g} → {step * factor:.6g} eV a channel"
        self.scale.setText(words)
        self.go.setEnabled(True)

    def _ids(self) -> tuple[str, ...]:
        document = self.page.document
        if self.for_chosen.isChecked() and not self.for_chosen.isHidden():
            return document.chosen
        return (document.entry.id,) if document.entry is not None else ()

    def calibrate(self) -> None:
        """Use the typed energies."""
        def change() -> None:
            measured, true = self.values()
            document = self.page.document
            document.apply("Calibrate the energy loss",
                           loss_process.calibrate(document.project, self._ids(), measured, true))
            for line in (*self.measured, *self.true):
                line.clear()

        self.page.attempt(change)

    def take_back(self) -> None:
        """The axis of the file again."""
        document = self.page.document
        self.page.attempt(lambda: document.apply("Take the calibration back",
                                                 loss_process.reset_scale(document.project, self._ids())))
