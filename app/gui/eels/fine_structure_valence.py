"""Valence on the Fine structure page: references, calibration table, the shown spectrum's valence two ways."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QLineEdit, QVBoxLayout, QWidget

from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.theme import GAP_2
from app.numerals import interval, with_error
from app.project.fine_structure import CITED, calibrate, cited_table, mixture_of, valence_by_line
from app.project.project import Entry, Project
from app.project.valence_study import KnownValence, ValenceStudy
from fitting.eels.fine_setup import FineSetup
from fitting.eels.valence import BEAM_WARNING, Calibration, State, Valence, line_of
from fitting.eels.white_line_quantities import POSITIONS
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.fine_structure_panel import FineStructurePanel

NO_TABLE = "none: shifts only"


class ValencePart(QWidget):
    """References with their valence, the table in use, and what they give for the shown spectrum."""

    def __init__(self, page: FineStructurePanel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.page = page
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(0, 0, 0, GAP_2)
        self.body.setSpacing(GAP_2)
        self._entry: Entry | None = None
        self._setup = FineSetup()
        self._build_references()
        self._build_table()
        self._build_results()

    def _build_references(self) -> None:
        self.valence, self.error = QLineEdit(), QLineEdit()
        self.valence.setAccessibleName("Known valence of the shown spectrum")
        self.valence.setPlaceholderText("3")
        self.error.setAccessibleName("Uncertainty of the known valence")
        self.error.setPlaceholderText("0")
        for field in (self.valence, self.error):
            field.setMaximumWidth(52)
        self.add = button("Use as reference", "The shown spectrum is a reference of this valence", self._add_reference)
        self.remove = button("Remove", "The chosen row is no reference any more", self._remove_reference)
        self.references = self.page.table(RowsModel((
            Column("Reference"), Column("Valence", "", True), Column("±", "Standard uncertainty", True),
        )))
        self.references.edited.connect(self._edit_reference)
        self.reference_view = RowsView(self.references, "Reference spectra")
        self.reference_view.set_widths((250, 70, 60), stretch=0)
        self.body.addLayout(row(QLabel("Known valence"), self.valence, QLabel("±"), self.error, self.add, self.remove))
        self.body.addWidget(self.reference_view)

    def _build_table(self) -> None:
        self.measure = QComboBox()
        self.measure.setAccessibleName("Position that is compared")
        for key, name in POSITIONS.items():
            self.measure.addItem(name, key)
        self.measure.activated.connect(lambda _: self._study(
            "Choose the compared position", replace(self._now, measure=self.measure.currentData())))
        self.make = button("Calibrate from own references", "A calibration from the fitted references above",
                           self._calibrate)
        self.table = QComboBox()
        self.table.setAccessibleName("Calibration in use")
        self.table.activated.connect(lambda _: self._choose_table(str(self.table.currentData())))
        self.states = self.page.table(RowsModel((
            Column("State"), Column("Valence", "", True), Column("Energy / eV", "Counted from the internal reference",
                                                                  True),
            Column("± / eV", "Standard error", True), Column("Source"),
        )))
        self.states.edited.connect(self._edit_state)
        self.state_view = RowsView(self.states, "Calibration")
        self.state_view.set_widths((120, 70, 88, 64, 80), stretch=4)
        self.slope = muted("")
        self.body.addLayout(row(QLabel("Compare"), self.measure, self.make))
        self.body.addLayout(row(QLabel("Calibration"), self.table))
        self.body.addWidget(self.state_view)
        self.body.addWidget(self.slope)

    def _build_results(self) -> None:
        self.by_line, self.by_mix = QLabel(), QLabel()
        for label, name in ((self.by_line, "Valence by the calibration"), (self.by_mix, "Valence by the mixture")):
            label.setWordWrap(True)
            label.setAccessibleName(name)
        self.shift = QCheckBox("let the mixture shift")
        self.shift.setToolTip("The profiles alone then tell the valence, not the position")
        self.shift.toggled.connect(lambda on: self._study("Let the mixture shift", replace(self._now, shift=on)))
        self.warning = muted(BEAM_WARNING)
        for widget in (self.by_line, self.by_mix, self.shift, self.warning):
            self.body.addWidget(widget)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def _now(self) -> ValenceStudy:
        return self.page.document.project.valence

    def show_entry(self, entry: Entry, setup: FineSetup) -> None:
        """Show references, table and valence."""
        self._entry, self._setup = entry, setup
        fold = self.parentWidget()
        if fold is not None:
            fold.setVisible(not setup.carbon)
        if setup.carbon:
            return
        project, study = self.page.document.project, self._now
        known = study.valence_of(entry.id)
        self.add.setText("Change" if known is not None else "Use as reference")
        titles = {e.id: e.title for e in project.entries}
        self.references.set_rows([
            Row(one.entry, (Cell(titles.get(one.entry, "no longer in the project"), muted=one.entry not in titles),
                            Cell(plain(one.valence, 3), edit=plain(one.valence, 3)),
                            Cell(plain(one.error, 3), edit=plain(one.error, 3))))
            for one in study.references
        ])
        self.reference_view.setVisible(bool(study.references))
        self.remove.setVisible(bool(study.references))
        self.reference_view.fit_height(1, 6)
        self.make.setEnabled(len(study.references) > 1)
        self.measure.setCurrentIndex(self.measure.findData(study.measure))
        self.shift.blockSignals(True)
        self.shift.setChecked(study.shift)
        self.shift.blockSignals(False)
        self.shift.setVisible(len(study.references) > 1)
        self._show_table(study, setup)
        self._show_results(project, entry, setup, study)
        self.warning.setVisible(setup.metal == "V")

    def _show_table(self, study: ValenceStudy, setup: FineSetup) -> None:
        names = [one.name for one in study.tables if one.edge == setup.edge]
        self.table.clear()
        self.table.addItem(NO_TABLE, "")
        for name in names:
            self.table.addItem(name, name)
        if CITED not in names and setup.edge == "V L2,3":
            self.table.addItem(CITED, CITED)
        self.table.setCurrentIndex(max(self.table.findData(study.used), 0))
        table = study.table()
        if table is None or table.edge != setup.edge:
            self.state_view.hide()
            self.slope.hide()
            return
        self.states.set_rows([
            Row(str(i), (Cell(s.name, edit=s.name), Cell(plain(s.valence, 3), edit=plain(s.valence, 3)),
                         Cell(f"{s.energy:.3f}", edit=plain(s.energy, 4)),
                         Cell(plain(s.error, 4) if math.isfinite(s.error) else "?", edit=plain(s.error, 4)),
                         Cell(s.source, edit=s.source, tooltip=s.source)))
            for i, s in enumerate(table.states)
        ])
        self.state_view.show()
        self.state_view.fit_height(2, 8)
        self.slope.show()
        self.slope.setText(_slope(table))

    def _show_results(self, project: Project, entry: Entry, setup: FineSetup, study: ValenceStudy) -> None:
        try:
            self.by_line.setText(f"Valence by position: {valence_text(valence_by_line(project, entry, setup))}")
            self.by_line.setProperty("role", "")
        except SodaliteError as error:
            self.by_line.setText(str(error))
        self.by_mix.setVisible(len(study.references) > 1)
        if len(study.references) < 2:
            return
        try:
            mix = mixture_of(project, entry, setup)
        except SodaliteError as error:
            self.by_mix.setText(str(error))
            return
        shares = ", ".join(f"{name} {100 * share:.1f} ± {100 * error:.1f} %"
                           for name, share, error in zip(mix.names, mix.shares, mix.errors, strict=True))
        moved = f"; shift {with_error(mix.shift, mix.shift_error)} eV" if math.isfinite(mix.shift_error) else ""
        self.by_mix.setText(f"Valence by mixture: {valence_text(mix.valence)}. {shares}; "
                            f"misfit (reduced χ²) {mix.reduced_chi2:.2f}{moved}.")

    # -- editing ------------------------------------------------------------------------------------------------

    def _study(self, text: str, study: ValenceStudy) -> None:
        project = self.page.document.project
        if study != project.valence:
            self.page.attempt(lambda: self.page.document.apply(text, replace(project, valence=study)))

    def _add_reference(self) -> None:
        entry = self._entry

        def change() -> None:
            if entry is None:
                return
            valence = parse_number(self.valence.text(), "The valence")
            error = parse_number(self.error.text(), "The uncertainty") if self.error.text().strip() else 0.0
            study = self._now.with_reference(KnownValence(entry.id, valence, abs(error)))
            self.page.document.apply("Add valence reference", replace(self.page.document.project, valence=study))

        if self.page.attempt(change):
            self.valence.clear()
            self.error.clear()

    def _remove_reference(self) -> None:
        key = self.reference_view.current_key() or (self._entry.id if self._entry is not None else "")
        self._study("Remove valence reference", self._now.without_reference(key))

    def _edit_reference(self, key: str, column: int, text: str) -> None:
        known = self._now.valence_of(key)

        def change() -> None:
            assert known is not None
            number = parse_number(text)
            edited = replace(known, **{("entry", "valence", "error")[column]: abs(number) if column == 2 else number})
            kept = tuple(edited if one.entry == key else one for one in self._now.references)
            study = replace(self._now, references=kept)
            self.page.document.apply("Change valence reference", replace(self.page.document.project, valence=study))

        self.page.attempt(change)

    def _calibrate(self) -> None:
        self.page.attempt(lambda: self.page.document.apply(
            "Calibrate from own references", calibrate(self.page.document.project, self._setup.edge)))

    def _choose_table(self, name: str) -> None:
        study = self._now
        if name == CITED and all(one.name != CITED for one in study.tables):
            table = cited_table(self._setup.edge)
            self._study("Choose remembered numbers", replace(study.with_table(table), measure=table.measure))
            return
        self._study("Choose calibration", replace(study, used=name))

    def _edit_state(self, key: str, column: int, text: str) -> None:
        table = self._now.table()

        def change() -> None:
            assert table is not None
            field = ("name", "valence", "energy", "error", "source")[column]
            value: str | float = text if column in (0, 4) else parse_number(text)
            states: tuple[State, ...] = tuple(
                replace(s, **{field: value}) if i == int(key) else s for i, s in enumerate(table.states))
            study = self._now.with_table(replace(table, states=states))
            self.page.document.apply("Change calibration", replace(self.page.document.project, valence=study))

        self.page.attempt(change)


def _slope(table: Calibration) -> str:
    words = "" if table.verified else "These numbers are remembered and unverified. "
    try:
        line = line_of(table)
    except SodaliteError as error:
        return words + str(error)
    scatter = f"; χ² of {len(table.states)} states {line.chi2:.1f}" if math.isfinite(line.chi2) else ""
    return f"{words}Slope {with_error(line.slope, line.slope_error)} eV a unit of valence, counted from " \
           f"{table.reference}{scatter}."


def valence_text(found: Valence) -> str:
    """Value, error, interval and how."""
    notes = f" ({'; '.join((found.how, *found.notes))})"
    return f"{with_error(found.value, found.error)}, 95 %: {interval(found.low, found.high)}{notes}"
