"""How one sensitivity factor is known: typed, told by an implant, or taken from a standard of the project."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import row
from app.gui.panels.part import field, number_of
from app.gui.sims.sensitivity_words import in_field
from app.project.project import Entry, Project
from app.project.sims_sensitivity import ORIGINS, proposed_background, standards
from fitting.sims.sensitivity_setup import SensitivityFactor
from libraries.errors import BadModel

_BACKGROUNDS = (("off", "taken off, from a range"), ("in", "left in; its range gives the limit"), ("none", "none"))


class SensitivityForm(QWidget):
    """Settings of one factor.

    Signals
    -------
    edited(str, dict)
        What is changed in words, and fields of the factor.
    density_given(float)
        Atoms of the matrix, atoms/cm3.
    refused(str)
        What was typed makes no sense.
    """

    edited = Signal(str, dict)
    density_given = Signal(float)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._told: SensitivityFactor | None = None
        self._entry: Entry | None = None
        self.origin, self.standard, self.background = (
            self._combo(name) for name in ("Where the factor comes from", "Implant standard", "Background"))
        for key, words in ORIGINS.items():
            self.origin.addItem(words, key)
        for key, words in _BACKGROUNDS:
            self.background.addItem(words, key)
        self.origin.activated.connect(lambda i: self._set("Origin of the factor", origin=self.origin.itemData(i)))
        self.standard.activated.connect(lambda i: self._set("Standard", standard=self.standard.itemData(i) or ""))
        self.background.activated.connect(lambda i: self._set_background(str(self.background.itemData(i))))
        self.value, self.error = field("Sensitivity factor, atoms/cm³", empty="2e22"), field("Its error, atoms/cm³")
        self.dose, self.dose_error = field("Implant dose, atoms/cm²", empty="1e15"), field("Its error, atoms/cm²")
        for line, name, what in (
            (self.value, "value", "Sensitivity factor"), (self.error, "error", "Error of the factor"),
            (self.dose, "dose", "Implant dose"), (self.dose_error, "dose_error", "Error of the dose"),
        ):  # fmt: skip
            line.editingFinished.connect(lambda line=line, name=name, what=what: self._typed(line, name, what))
        self.source = QLineEdit()
        self.source.setAccessibleName("Source of the factor")
        self.source.setPlaceholderText("publication, standard, day of the measurement …")
        self.source.editingFinished.connect(
            lambda: self._set("Source of the factor", source=self.source.text().strip()))
        self.element = QCheckBox("of the element, not of the isotope")
        self.element.setToolTip("Divides by the natural abundance of the isotope that was measured")
        self.element.clicked.connect(lambda on: self._set("Isotope or element", element=bool(on)))
        # 8 atoms in a cube of 0.5431 nm: 4.99e22 of silicon.
        self.density = field("Atoms of the matrix, atoms/cm³", empty="not given",
                             tip="For atomic fractions, and for the test of the dilute limit; silicon has 4.99e22")
        self.density.editingFinished.connect(self._density_typed)
        self._build()

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        return combo

    def _build(self) -> None:
        self.form = QFormLayout()
        self.form.addRow("The factor is", self.origin)
        self.form.addRow("Factor / cm⁻³", row(self.value, QLabel("±"), self.error))
        self.form.addRow("Source", self.source)
        self.form.addRow("Dose / cm⁻²", row(self.dose, QLabel("±"), self.dose_error))
        self.form.addRow("Standard", self.standard)
        self.form.addRow("Background", self.background)
        self.form.addRow("Concentration", self.element)
        self.form.addRow("Matrix / atoms cm⁻³", self.density)
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.addLayout(self.form)

    # -- showing ------------------------------------------------------------------------------------------------

    def show_factor(self, project: Project, entry: Entry | None, told: SensitivityFactor | None) -> None:
        """Show a factor; None hides everything."""
        self._told, self._entry = told, entry
        self.setVisible(told is not None and entry is not None)
        if told is None or entry is None:
            return
        self.origin.setCurrentIndex(self.origin.findData(told.origin))
        for number, origin in ((1, "typed"), (2, "typed"), (3, "implant"), (4, "standard")):
            self.form.setRowVisible(number, told.origin == origin)
        for line, value in ((self.value, told.value), (self.error, told.error), (self.dose, told.dose),
                            (self.dose_error, told.dose_error), (self.density, entry.sensitivity.density)):
            if not line.hasFocus():
                line.setText(in_field(value))
        if not self.source.hasFocus():
            self.source.setText(told.source)
        offered = list(standards(project, entry))
        wanted = [("", "choose a standard" if offered else "no other profile has an implant factor"),
                  *((key, words) for key, words, _ in offered)]
        if wanted != [(self.standard.itemData(i), self.standard.itemText(i)) for i in range(self.standard.count())]:
            self.standard.clear()
            for key, words in wanted:
                self.standard.addItem(words, key)
        self.standard.setCurrentIndex(max(self.standard.findData(told.standard), 0))
        background = "none" if not told.flat_high > told.flat_low else "off" if told.subtract else "in"
        self.background.setCurrentIndex(self.background.findData(background))
        self.element.setChecked(told.element)

    # -- doing --------------------------------------------------------------------------------------------------

    def _set(self, text: str, **fields: object) -> None:
        told = self._told
        if told is not None and any(getattr(told, name) != value for name, value in fields.items()):
            self.edited.emit(text, fields)

    def _typed(self, line: QLineEdit, name: str, what: str) -> None:
        self._try(lambda: self._set(what, **{name: _number(line, what)}))

    def _density_typed(self) -> None:
        self._try(lambda: self.density_given.emit(_number(self.density, "Atom density of the matrix")))

    def _set_background(self, kind: str) -> None:
        told, entry = self._told, self._entry
        if told is None or entry is None:
            return
        if kind == "none":
            self._set("No background", flat_low=0.0, flat_high=0.0)
            return
        low, high = told.flat_low, told.flat_high
        if not high > low:
            low, high = proposed_background(entry)
        self._set("Background", flat_low=low, flat_high=high, subtract=kind == "off")

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BadModel as error:
            self.refused.emit(str(error))


def _number(line: QLineEdit, what: str) -> float:
    """A number, zero or above; nothing is zero."""
    value = number_of(line, what) or 0.0
    if value < 0:
        raise BadModel(f"{what} must be zero or above")
    return value
