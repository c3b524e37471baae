"""The depth scale on the Depth page: one rate, the crater's depth, or a rate for each phase."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.fold import Fold
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.numerals import with_error
from app.project.project import Entry
from app.project.sims_depth import DepthAnswer
from fitting.sims.depth import sputter_rate
from fitting.sims.setup import DepthScale, PhaseRate
from libraries.errors import BadModel

KINDS = (
    ("none", "None: sputter time as measured"),
    ("rate", "One sputter rate at all depths"),
    ("crater", "One rate from the depth of the crater"),
    ("phases", "A rate for each phase, shares from factors"),
)
FIRST_RATE = 0.1  # nm/s: what a new row starts with until the analyst gives a rate; chosen
_RATE, _CRATER, _PHASES = "rate", "crater", "phases"


class DepthScalePart(QWidget):
    """Settings of the depth scale.

    Signals
    -------
    edited(DepthScale)
        What the analyst wants.
    refused(str)
        What was typed makes no sense.
    """

    edited = Signal(object)
    refused = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._scale = DepthScale()
        self._entry: Entry | None = None
        self.kind = QComboBox()
        self.kind.setAccessibleName("Depth scale")
        for key, words in KINDS:
            self.kind.addItem(words, key)
        self.kind.activated.connect(lambda i: self._set(kind=self.kind.itemData(i)))
        self.rate, self.rate_error = self._field("Sputter rate", "rate"), self._field("Its error", "rate_error")
        self.crater, self.crater_error = self._field("Depth of the crater", "crater"), self._field(
            "Its error", "crater_error")
        self.note = QLineEdit()
        self.note.setAccessibleName("Where the numbers come from")
        self.note.setPlaceholderText("how it was measured: profilometer, reference film …")
        self.note.editingFinished.connect(self._set_note)
        self.analysis = QComboBox()
        self.analysis.setAccessibleName("Factor analysis of the phases")
        self.analysis.activated.connect(lambda i: self._choose(str(self.analysis.itemData(i) or "")))
        self.phases = RowsModel((
            Column("Phase", "In the order of the factors"), Column("Rate / nm s⁻¹", "Double-click to edit", True),
            Column("±", "One standard error; empty: not known", True),
        ))
        self.phases.edited.connect(self._edit_phase)
        self.phases_view = RowsView(self.phases, "Rates of the phases")
        self.phases_view.set_widths((220, 120, 90))
        self.words = muted("")
        self.words.setAccessibleName("Resulting depths")
        self._build()

    def _build(self) -> None:
        body = QVBoxLayout(self)
        body.setContentsMargins(0, 0, 0, 0)
        body.setSpacing(GAP_2)
        body.addWidget(heading("Depth scale"))
        body.addWidget(self.kind)
        self.form = QFormLayout()
        self.form.addRow("Rate / nm s⁻¹", row(self.rate, QLabel("±"), self.rate_error))
        self.form.addRow("Crater / nm", row(self.crater, QLabel("±"), self.crater_error))
        self.form.addRow("Phases are", self.analysis)
        self.form.addRow("Measured by", self.note)
        body.addLayout(self.form)
        body.addWidget(self.phases_view)
        body.addWidget(self.words)
        self.estimate = Fold("Estimate a rate from the beam", self._estimator())
        body.addWidget(self.estimate)

    def _field(self, name: str, attribute: str) -> QLineEdit:
        field = QLineEdit()
        field.setAccessibleName(f"{name}, nm" if "crater" in attribute else f"{name}, nm/s")
        field.setMaximumWidth(100)
        field.editingFinished.connect(lambda: self._typed(field, attribute))
        return field

    def _estimator(self) -> QWidget:
        """Rate from current, area, yield and density."""
        content = QWidget()
        form = QFormLayout(content)
        form.setContentsMargins(0, 0, 0, 0)
        self.beam: list[QLineEdit] = []
        for words, name in (
            ("Current / nA", "Sputter current, nA"), ("Crater / µm × µm", "Sputtered area, µm²"),
            ("Yield / atoms an ion", "Sputter yield, atoms an ion"),
            ("Density / atoms nm⁻³", "Density of atoms, atoms/nm³"),
        ):
            field = QLineEdit()
            field.setAccessibleName(name)
            field.setMaximumWidth(120)
            field.setPlaceholderText("300 × 300" if "area" in name else "")
            self.beam.append(field)
            form.addRow(words, field)
        self.estimated = muted("r = Y·J/(n·e); the yield is rarely known better than to a factor of two.")
        form.addRow(row(button("Use as rate", "One sputter rate from these numbers", self._use_estimate)))
        form.addRow(self.estimated)
        return content

    # -- showing ------------------------------------------------------------------------------------------------

    def show_scale(self, entry: Entry | None, answer: DepthAnswer | None) -> None:
        """Show an entry's scale and what it gives."""
        self._entry = entry
        self.setEnabled(entry is not None)
        self._scale = scale = entry.depth if entry is not None else DepthScale()
        self.kind.setCurrentIndex(self.kind.findData(scale.kind))
        for field, value in ((self.rate, scale.rate), (self.rate_error, scale.rate_error),
                             (self.crater, scale.crater), (self.crater_error, scale.crater_error)):
            if not field.hasFocus():
                field.setText(plain(value, 5) if value else "")
        if not self.note.hasFocus():
            self.note.setText(scale.note)
        for number, kinds in enumerate(((_RATE,), (_CRATER, _PHASES), (_PHASES,), (_RATE, _CRATER, _PHASES))):
            self.form.setRowVisible(number, scale.kind in kinds)
        self.crater.setPlaceholderText("not measured" if scale.kind == _PHASES else "")
        self.estimate.setVisible(scale.kind == _RATE)
        self._show_phases(entry, scale)
        self._show_words(entry, scale, answer)

    def _show_phases(self, entry: Entry | None, scale: DepthScale) -> None:
        usable = [one for one in entry.factors if one.amounts.size and one.method != "pca"] if entry else []
        wanted = [("", "choose a factor analysis" if usable else "no factor analysis with amounts"),
                  *((one.id, f"{one.title}{', closed' if one.closed else ''}") for one in usable)]
        if wanted != [(self.analysis.itemData(i), self.analysis.itemText(i)) for i in range(self.analysis.count())]:
            self.analysis.clear()
            for id, words in wanted:
                self.analysis.addItem(words, id)
        self.analysis.setCurrentIndex(max(self.analysis.findData(scale.factors), 0))
        self.phases_view.setVisible(scale.kind == _PHASES and bool(scale.phases))
        about = next((one for one in usable if one.id == scale.factors), None)
        names = about.names if about is not None and len(about.names) == len(scale.phases) else tuple(
            phase.phase for phase in scale.phases)
        self.phases.set_rows([
            Row(str(i), (Cell(name), Cell(plain(phase.rate, 5), edit=plain(phase.rate, 5)),
                         Cell(plain(phase.error, 5) if phase.error else "", edit=plain(phase.error, 5)
                              if phase.error else "")))
            for i, (name, phase) in enumerate(zip(names, scale.phases, strict=True))
        ])
        self.phases_view.fit_height(2, 8)

    def _show_words(self, entry: Entry | None, scale: DepthScale, answer: DepthAnswer | None) -> None:
        self.words.setVisible(scale.kind != "none")
        if answer is None or scale.kind == "none" or answer.basis[1] != scale:
            self.words.setText("")
            return
        if answer.depth is None:
            self.words.setText(answer.depth_failed)
            return
        found = answer.depth
        end = float(found.depth[-1])
        text = f"Last point: {with_error(end, found.error[-1] if found.stated else None)} nm"
        if not found.stated:
            text += " (no error given)"
        elif end > 0:
            text += f", the same {100 * found.error[-1] / end:.2g} % at all depths" if len(found.parts) == 1 else ""
        if scale.kind == _PHASES:
            text += f". Rates between {found.rate.min():.3g} and {found.rate.max():.3g} nm/s"
            if scale.crater > 0:
                text += f", given ones multiplied by {found.scale:.3g}"
        elif scale.kind == _CRATER:
            text += f". Rate {found.rate[0]:.3g} nm " + ("a scan" if _scans(answer) else "a second")
        self.words.setText(f"{text}. {answer.note}." if scale.kind == _PHASES and answer.note else f"{text}.")

    # -- doing --------------------------------------------------------------------------------------------------

    def _set(self, **changes: object) -> None:
        scale = replace(self._scale, **changes)  # type: ignore[arg-type]
        if scale != self._scale:
            self.edited.emit(scale)

    def _set_note(self) -> None:
        self._set(note=self.note.text().strip())

    def _typed(self, field: QLineEdit, attribute: str) -> None:
        text = field.text().strip()
        self._try(lambda: self._set(**{attribute: _number(text, field.accessibleName())}))

    def _choose(self, id: str) -> None:
        about = next((one for one in self._entry.factors if one.id == id), None) if self._entry is not None else None
        if about is None:
            self._set(factors="", phases=())
            return
        start = self._scale.rate or FIRST_RATE
        self._set(factors=id, phases=tuple(PhaseRate(name, start) for name in about.names))

    def _edit_phase(self, key: str, column: int, text: str) -> None:
        phases = list(self._scale.phases)
        old = phases[int(key)]

        def change() -> None:
            value = _number(text.strip(), f"The rate of {old.phase}")
            phases[int(key)] = replace(old, **{("rate", "error")[column - 1]: value})
            self._set(phases=tuple(phases))

        self._try(change)

    def _use_estimate(self) -> None:
        def use() -> None:
            sides = self.beam[1].text().replace("x", "×").split("×")
            area = math.prod(parse_number(side, "The area") for side in sides)
            current, crossing, density = (parse_number(self.beam[i].text(), self.beam[i].accessibleName())
                                          for i in (0, 2, 3))
            rate = sputter_rate(current, area, crossing, density)
            self._set(kind=_RATE, rate=float(f"{rate:.4g}"), rate_error=0.0,
                      note=f"estimated: {current:g} nA, {self.beam[1].text().strip()} µm, {crossing:g} atoms an ion, "
                           f"{density:g} atoms/nm³")

        self._try(use)

    def _try(self, action: Callable[[], None]) -> None:
        try:
            action()
        except BadModel as error:
            self.refused.emit(str(error))


def _number(text: str, what: str) -> float:
    """A number, zero or above; nothing is zero."""
    value = parse_number(text, what) if text else 0.0
    if value < 0:
        raise BadModel(f"{what} must be zero or above")
    return value


def _scans(answer: DepthAnswer) -> bool:
    from fitting.sims.depth import clock_of

    return clock_of(answer.profile).quantity != "time"
