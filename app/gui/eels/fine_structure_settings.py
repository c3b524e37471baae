"""Choices of the Fine structure page for one edge; every change goes to the document."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QSpinBox, QWidget

from app.gui.panels.base import row
from app.gui.panels.numbers import parse_number, plain
from fitting.eels.fine_setup import FineSetup

REFERENCES = {
    "zero loss": "zero loss of the same scan", "O K": "O K, first line", "C K": "C K, π*", "none": "none (energy axis)",
}
STEPS = {"error function": "error function", "arctan": "arctangent"}
OXYGEN = {"lines": "step and lines", "reference": "measured curve", "none": "not in the window"}


class FineSettings(QWidget):
    """The form.

    Signals
    -------
    changed(object)
        The wanted `FineSetup`.
    refused(str)
        What was typed is no number that can be used.
    """

    changed = Signal(object)
    refused = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setup = FineSetup()
        self._build_fields()
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self.form = form
        form.addRow("Window / eV", row(self.low, QLabel("to"), self.high))
        form.addRow("Lines of each edge", row(self.lines, self.common, self.between))
        form.addRow("Steps", row(self.step, QLabel("w / eV"), self.width))
        self.oxygen_row = row(self.oxygen, self.oxygen_lines, self.curve)
        form.addRow("O K behind it", self.oxygen_row)
        form.addRow("Line behind L2 / eV", row(self.after_low, QLabel("to"), self.after_high))
        form.addRow("L3 centroid / eV", row(self.centroid, QLabel("from the onset on")))
        form.addRow("π* and σ* over / eV", row(self.total))
        form.addRow("Counted from", row(self.reference))

    def _build_fields(self) -> None:
        self.low = self._number("Window begins at, eV", lambda s, v: replace(s, window=(v, s.window[1])))
        self.high = self._number("Window ends at, eV", lambda s, v: replace(s, window=(s.window[0], v)))
        self.lines, self.oxygen_lines = QSpinBox(), QSpinBox()
        for box, most, name in ((self.lines, 3, "Lines of each edge"), (self.oxygen_lines, 4, "Lines of O K")):
            box.setRange(1, most)
            box.setAccessibleName(name)
            box.setKeyboardTracking(False)
        self.lines.valueChanged.connect(lambda value: self._tell(replace(self.setup, lines=value)))
        self.oxygen_lines.valueChanged.connect(lambda value: self._tell(replace(self.setup, oxygen_lines=value)))
        self.common = QCheckBox("L2 as wide as L3")
        self.common.toggled.connect(lambda on: self._tell(replace(self.setup, common_width=on)))
        self.between = QCheckBox("line between π* and σ*")
        self.between.setToolTip("C–H and C=O bonds show between π* and σ*")
        self.between.toggled.connect(lambda on: self._tell(replace(self.setup, between=on)))
        self.step = self._combo("Form of the steps", STEPS, "step")
        self.width = self._number("Width w of the steps, eV", lambda s, v: replace(s, step_width=v), 56)
        self.width.setToolTip("1/2 + atan((E − E0)/w)/π, or the error function of the same full width 2 w")
        self.oxygen = self._combo("How O K is described", OXYGEN, "oxygen")
        self.curve = QComboBox()
        self.curve.setAccessibleName("Spectrum with the measured O K")
        self.curve.setMaximumWidth(150)
        self.after_low = self._number("Line behind L2 begins at, eV", lambda s, v: replace(s, after=(v, s.after[1])))
        self.after_high = self._number("Line behind L2 ends at, eV", lambda s, v: replace(s, after=(s.after[0], v)))
        for field in (self.after_low, self.after_high):
            field.setPlaceholderText("none")
        self.centroid = self._number("Width of the centroid's window, eV", lambda s, v: replace(s, centroid=v), 56)
        self.total = self._number("Window of π* and σ* together, eV", lambda s, v: replace(s, total=v), 56)
        self.reference = self._combo("Internal reference", REFERENCES, "reference")
        self.reference.setToolTip("Positions are compared by their distance from it: the energy axis of one spectrum "
                                  "against that of another is rarely known to 0.1 eV")

    def _number(
        self, name: str, change: Callable[[FineSetup, float], FineSetup], width: int = 84
    ) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(name)
        field.setMaximumWidth(width)

        def typed() -> None:
            if not field.isModified():
                return
            try:
                text = field.text().strip()
                value = parse_number(text, name) if text else 0.0
                wanted = change(self.setup, value)
            except Exception as error:  # told to the page, which shows what is ours and passes on the rest
                self.refused.emit(error)
                return
            self._tell(wanted)

        field.editingFinished.connect(typed)
        return field

    def _combo(self, name: str, words: dict[str, str], attribute: str) -> QComboBox:
        box = QComboBox()
        box.setAccessibleName(name)
        for key, text in words.items():
            box.addItem(text, key)
        box.activated.connect(lambda _: self._tell(replace(self.setup, **{attribute: box.currentData()})))
        return box

    def _tell(self, wanted: FineSetup) -> None:
        if wanted != self.setup:
            self.changed.emit(wanted)

    def show_setup(self, setup: FineSetup, curves: list[tuple[str, str]], dual: bool) -> None:
        """Show choices.

        Parameters
        ----------
        setup : FineSetup
        curves : list of (id, title)
            Spectra that may hold a measured O K.
        dual : bool
            Whether the low loss of the same scan is there.
        """
        self.setup = setup
        numbers = ((self.low, setup.window[0]), (self.high, setup.window[1]), (self.width, setup.step_width),
                   (self.centroid, setup.centroid), (self.total, setup.total))
        for field, value in numbers:
            _show(field, plain(value, 2))
        for field, value in zip((self.after_low, self.after_high), setup.after, strict=True):
            _show(field, plain(value, 1) if value else "")
        for box, value in ((self.lines, setup.lines), (self.oxygen_lines, setup.oxygen_lines)):
            box.blockSignals(True)
            box.setValue(value)
            box.blockSignals(False)
        for tick, on in ((self.common, setup.common_width), (self.between, setup.between)):
            tick.blockSignals(True)
            tick.setChecked(on)
            tick.blockSignals(False)
        for box, key in ((self.step, setup.step), (self.oxygen, setup.oxygen), (self.reference, setup.reference)):
            box.setCurrentIndex(box.findData(key))
        self._fill_curves(curves)
        self._offer(setup, dual)

    def _fill_curves(self, curves: list[tuple[str, str]]) -> None:
        chosen = self.curve.currentData()
        if [self.curve.itemData(i) for i in range(self.curve.count())] != [id for id, _ in curves]:
            self.curve.clear()
            for id, title in curves:
                self.curve.addItem(title, id)
            self.curve.setCurrentIndex(max(self.curve.findData(chosen), 0))

    def _offer(self, setup: FineSetup, dual: bool) -> None:
        """Only what makes sense for this edge."""
        white = not setup.carbon
        overlapped = white and setup.metal in ("V", "Ti", "Sc", "Cr")
        visible: dict[Any, bool] = {4: white, 5: white, 6: setup.carbon, 7: white}
        visible[3] = overlapped
        for index, on in visible.items():
            self.form.setRowVisible(index, on)
        label = self.form.itemAt(1, QFormLayout.ItemRole.LabelRole).widget()
        label.setText("Lines of each edge" if white else "Lines of σ*")
        self.common.setVisible(white)
        self.between.setVisible(setup.carbon)
        self.oxygen_lines.setVisible(setup.oxygen == "lines")
        self.curve.setVisible(setup.oxygen == "reference")
        for key, on in (("zero loss", dual), ("O K", setup.oxygen != "none")):
            item = self.reference.model().item(self.reference.findData(key))  # type: ignore[attr-defined]
            item.setEnabled(on)


def _show(field: QLineEdit, text: str) -> None:
    if not field.hasFocus() or not field.isModified():
        field.setText(text)
        field.setModified(False)
