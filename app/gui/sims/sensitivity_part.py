"""Sensitivity factors of ions in one matrix (RSF), and the concentrations that follow."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PySide6.QtWidgets import QComboBox, QFileDialog, QLabel

from app.gui.panels.base import button, heading, muted, row
from app.gui.panels.part import Part
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.profile_marks import Range
from app.gui.sims.sensitivity_answers import SensitivityAnswers
from app.gui.sims.sensitivity_form import SensitivityForm
from app.gui.sims.sensitivity_plot import ConcentrationPlot
from app.gui.sims.sensitivity_words import result_rows
from app.numerals import with_power
from app.project import sims_sensitivity as edits
from app.project.project import Entry, Project
from app.project.sims_profiles import with_look
from app.project.sims_profiles_at import trace_choices
from app.project.sims_sensitivity import Amount, label_of
from fitting.sims.channel_terms import read_term
from fitting.sims.factor_traces import is_factor
from fitting.sims.sensitivity_setup import SensitivityFactor
from fitting.sims.traces import axes_of
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.sims.amounts_panel import AmountsPanel

_OWNER = "rsf"
_PART, _FLAT = "part", "flat"
_HINT = ("Choose an ion and an ion of its matrix, and add a factor: typed, or told by an implant of known dose. It "
         "holds in one matrix and for less than 1 % of the atoms.")


class SensitivityPart(Part["AmountsPanel"]):
    """Factors of the shown profile, how each is known, and what it gives."""

    def __init__(self, page: AmountsPanel) -> None:
        super().__init__(page)
        self.answers = SensitivityAnswers(page.document, page.tasks)
        self._plot: Any = None
        self._choices: tuple[object, tuple[tuple[str, str], ...]] = (None, ())
        self._told: dict[str, SensitivityFactor] = {}
        self.dialog: QFileDialog | None = None
        self._make_fields()
        self._make_tables()
        self._build()
        self.answers.changed.connect(page.show_now)

    # -- building -----------------------------------------------------------------------------------------------

    def _make_fields(self) -> None:
        self.ion, self.matrix = self._combo("Ion"), self._combo("Ion of the matrix")
        for combo in (self.ion, self.matrix):
            combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            combo.setMinimumContentsLength(9)
            combo.setMaxVisibleItems(24)
        self.form = SensitivityForm()
        self.form.edited.connect(self._set)
        self.form.density_given.connect(self._set_density)
        self.form.refused.connect(self.page.say)
        self.add = button("Add", "A factor for this ion in this matrix", self._add)
        self.remove = button("Remove", "Take the chosen factor away", self._remove, sign="delete")
        self.keep = button("Keep as number", "Types today's factor with its origin: it follows its standard no more",
                           self._keep)
        self.export = button("Export CSV…", "All factors with their results, and the concentrations along the depth",
                             self.ask_file, sign="export")

    def _combo(self, name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        return combo

    def _make_tables(self) -> None:
        self.rows = self.page.table(RowsModel((
            Column("Ion in matrix"), Column("Factor / cm⁻³", "Relative sensitivity factor (RSF), atoms/cm³", True),
            Column("Areal density / cm⁻²", "Integral of the concentration over the evaluated range", True),
        )))
        self.view = RowsView(self.rows, "Sensitivity factors")
        self.view.set_widths((120, 150, 178), stretch=0)  # a power of ten is never cut off
        self.view.current_changed.connect(lambda _: self.page.show_now())
        self.results = self.page.table(RowsModel((Column("Result"), Column("Value"))))
        self.results_view = RowsView(self.results, "Concentrations")
        self.results_view.set_widths((140, 300), stretch=1)

    def _build(self) -> None:
        body = self.body
        body.addWidget(heading("Concentrations in one matrix"))
        line = row(self.ion, QLabel("in"), self.matrix, self.add, self.remove, stretch=False)
        line.setStretch(0, 1)
        line.setStretch(2, 1)
        body.addLayout(line)
        self.words = muted(_HINT)
        self.words.setAccessibleName("About the factors")
        body.addWidget(self.words)
        body.addWidget(self.view)
        body.addWidget(self.form)
        self.remarks = muted("")
        self.remarks.setProperty("role", "warning")
        self.remarks.setAccessibleName("Remarks on the concentrations")
        self.picture = ConcentrationPlot(self)
        for widget in (self.picture, self.results_view, self.remarks):
            body.addWidget(widget)
        body.addLayout(row(self.keep, self.export))

    def use_window(self, window: Any) -> None:
        """Ranges are dragged on the profile in the middle of the window."""
        self._plot = window.centre.profile
        self.answers.depth.use_source(self._plot.source)
        self._plot.ranges.moved.connect(self._dragged)
        self._plot.ranges.released.connect(self._released)
        self._plot.axis_changed.connect(self._draw)
        self._plot.shown_changed.connect(self._draw)

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def current(self) -> SensitivityFactor | None:
        """The chosen factor."""
        return self._told.get(self.view.current_key() or "") or next(iter(self._told.values()), None)

    @property
    def amount(self) -> Amount | None:
        """What is worked out of it; None while that is on its way."""
        return next((one for one in self.answers.amounts if one.told == self.current), None)

    def refresh(self) -> None:
        """Show the factors at once, and results when they are worked out."""
        entry = self.page.document.entry
        if entry is not None and (entry.spectrum.meta.technique != "sims" or not entry.spectrum.axis.labels):
            entry = None
        self.setEnabled(entry is not None)
        before = self.current
        setup = entry.sensitivity if entry is not None else None
        self._told = {one.id: one for one in setup.factors} if setup is not None else {}
        self._show_choices(entry)
        found = {one.told: one for one in self.answers.amounts}
        self.rows.set_rows([self._row(entry, one, found.get(one)) for one in self._told.values()] if entry else [])
        self.view.fit_height(1, 6)
        if self._told and self.view.current_key() not in self._told:
            last = next(reversed(self._told))
            self.view.show_current(before.id if before is not None and before.id in self._told else last)
        self._show_current(entry)
        self._draw()

    def _show_choices(self, entry: Entry | None) -> None:
        """Ions and sums of the profile."""
        axis = entry.spectrum.axis if entry is not None else None
        if self._choices[0] is axis:
            return
        found = tuple((name, words) for name, words in trace_choices(entry) if not is_factor(name)
                      and not read_term(entry.spectrum.axis, name).ratio) if entry is not None else ()
        self._choices = (axis, found)
        for place, combo in enumerate((self.ion, self.matrix)):
            combo.clear()
            for name, words in found:
                combo.addItem(words, name)
            combo.setCurrentIndex(min(place, len(found) - 1))

    def _row(self, entry: Entry, told: SensitivityFactor, amount: Amount | None) -> Row:
        label = label_of(entry, told)
        if amount is None:
            return Row(told.id, (Cell(label, tooltip=label), Cell("…"), Cell("…")))
        none = Cell("–", tooltip=amount.failed)
        factor, found = amount.factor, amount.found
        return Row(told.id, (
            Cell(label, tooltip=label), none if factor is None else Cell(with_power(factor.value, factor.error)),
            none if found is None else Cell(with_power(found.areal, found.areal_error),
                                            muted=not bool(np.all(found.valid == found.inside))),
        ))

    def _show_current(self, entry: Entry | None) -> None:
        told, amount = self.current, self.amount
        there = told is not None and entry is not None
        for widget in (self.view, self.remove, self.keep, self.export):
            widget.setVisible(there)
        self.form.show_factor(self.page.document.project, entry, told)
        self.picture.show_amount(amount)
        rows = result_rows(amount) if amount is not None else []
        self.results.set_rows(rows)
        self.results_view.setVisible(bool(rows))
        self.results_view.fit_height(1, 8)
        remarks = amount.found.remarks if amount is not None and amount.found is not None else ()
        failed = self.answers.failed or (amount.failed if amount is not None else "")
        self.remarks.setText(failed or "\n".join(f"{text[:1].upper()}{text[1:]}." for text in remarks))
        self.remarks.setVisible(bool(self.remarks.text()))
        self.words.setText(self._about(entry))
        self.words.setVisible(bool(self.words.text()))
        if told is not None and entry is not None:
            self.keep.setEnabled(told.origin != "typed" and amount is not None and amount.factor is not None)
            self.export.setEnabled(any(one.found is not None for one in self.answers.amounts))

    def _about(self, entry: Entry | None) -> str:
        if entry is not None and entry.depth.kind == "none":
            return "" if self._told else (  # with a factor the remarks say it
                "Concentrations along the depth need a depth scale: give a sputter rate or the crater's depth on the "
                "Depth page.")
        return _HINT if not self._told else ("Drag “Evaluated” and “Background” on the profile; a range at the surface "
                                             "leaves its transient out.")

    def _draw(self) -> None:
        """The ranges of the chosen factor, on the profile."""
        plot, told = self._plot, self.current
        if plot is None:
            return
        profile = plot.profile
        axes = self._axes() if profile is not None and profile.axis.labels else {}
        shown, clock = axes.get(plot.x_quantity), axes.get(told.scale) if told is not None else None
        if told is None or shown is None or clock is None or not self.isVisible():
            plot.ranges.take(_OWNER)
            return
        ranges = []
        for key, name, low, high, colour in ((_PART, "Evaluated", told.low, told.high, 0),
                                             (_FLAT, "Background", told.flat_low, told.flat_high, 3)):
            if high > low:
                ends = np.interp([low, high], clock, shown)
                ranges.append(Range(f"{_OWNER}/{told.id}/{key}", name, float(ends[0]), float(ends[1]), colour,
                                    words=f"{name}: {self._label(told)}"))
        plot.ranges.put(_OWNER, ranges)

    def _label(self, told: SensitivityFactor) -> str:
        entry = self.page.document.entry
        return label_of(entry, told) if entry is not None else ""

    def _axes(self) -> dict[str, Any]:
        shown = self._plot.shown
        depths = shown.depths if shown is not None else None
        return {name: axis.values for name, axis in axes_of(self._plot.profile, depths).items()}

    def showEvent(self, event: Any) -> None:
        """Ranges are there while the page is."""
        super().showEvent(event)
        self._draw()

    def hideEvent(self, event: Any) -> None:
        """Without the page no range can be dragged by mistake."""
        super().hideEvent(event)
        if self._plot is not None:
            self._plot.ranges.take(_OWNER)

    # -- doing --------------------------------------------------------------------------------------------------

    def _set(self, text: str, fields: dict[str, object]) -> None:
        """One undo step on the chosen factor."""
        entry, told = self.page.document.entry, self.current
        if entry is not None and told is not None:
            self.page.attempt(lambda: self.page.document.apply(
                text, edits.edit_factor(self.page.document.project, entry.id, told.id, **fields)))

    def _set_density(self, value: float) -> None:
        entry = self.page.document.entry
        if entry is not None and value != entry.sensitivity.density:
            self.page.attempt(lambda: self.page.document.apply("Atom density of the matrix", edits.with_setup(
                self.page.document.project, entry.id, replace(entry.sensitivity, density=value))))

    def _add(self) -> None:
        entry, ion, matrix = self.page.document.entry, self.ion.currentData(), self.matrix.currentData()
        if entry is None or ion is None or matrix is None:
            return

        def add() -> None:
            project, id = edits.add_factor(self.page.document.project, entry.id, ion, matrix)
            project = self._with_both(project, entry, ion, matrix)
            self.page.document.apply(f"Add factor of {self.ion.currentText()}", project)
            self.page.show_now()
            self.view.show_current(id)

        self.page.attempt(add)

    def _with_both(self, project: Project, entry: Entry, ion: str, matrix: str) -> Project:
        """The project in which ion and matrix are drawn: ranges are chosen by looking at them."""
        shown = self._plot.shown if self._plot is not None else None
        drawn = [one.trace.name for one in shown.drawn if not one.other] if shown is not None else []
        missing = [name for name in (ion, matrix) if name not in drawn]
        return with_look(project, entry.id, ions=(*drawn, *missing)) if drawn and missing else project

    def _remove(self) -> None:
        entry, told = self.page.document.entry, self.current
        if entry is not None and told is not None:
            self.page.attempt(lambda: self.page.document.apply(
                "Remove factor", edits.without_factor(self.page.document.project, entry.id, told.id)))

    def _keep(self) -> None:
        entry, amount = self.page.document.entry, self.amount
        if entry is not None and amount is not None:
            self.page.attempt(lambda: self.page.document.apply(
                "Keep factor as number", edits.as_number(self.page.document.project, entry.id, amount)))

    def _dragged(self, name: str, low: float, high: float) -> None:
        told, entry = self.current, self.page.document.entry
        owner, _, rest = name.partition("/")
        id, _, key = rest.partition("/")
        if owner != _OWNER or told is None or entry is None or id != told.id:
            return
        axes = self._axes()
        shown, clock = axes.get(self._plot.x_quantity), axes.get(told.scale)
        if shown is None or clock is None:
            return
        ends = np.interp([low, high], shown, clock)
        if not ends[1] > ends[0]:
            return  # a range of nothing could not be seen and drawn out again
        names = ("low", "high") if key == _PART else ("flat_low", "flat_high")
        try:
            project = edits.edit_factor(self.page.document.project, entry.id, id,
                                        **dict(zip(names, map(float, ends), strict=True)))
        except SodaliteError:  # the factor has just gone
            return
        self.page.document.apply("Move range of factor", project, merge=f"rsf {id} {key}")

    def _released(self, name: str, low: float, high: float) -> None:
        if name.partition("/")[0] == _OWNER:
            self.page.document.close_merge()
            self.page.show_now()

    # -- export -------------------------------------------------------------------------------------------------

    def ask_file(self) -> None:
        """Where the tables go."""
        window, entry = self.page.window_, self.page.document.entry
        if window is None or entry is None:
            return
        if not any(one.found is not None for one in self.answers.amounts):
            window.messages.show_message("There are no concentrations yet: make them on the Amounts page", "info")
            return
        dialog = QFileDialog(window, "Export concentrations", window.state.text("folder"), "CSV (*.csv)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(f"{entry.title} concentrations.csv")
        dialog.fileSelected.connect(lambda name: self.write(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path) -> None:
        """Write what is shown."""
        from app.files.concentration_tables import write_concentrations

        entry, found = self.page.document.entry, self.answers.amounts
        if entry is None or not found:
            return
        title = entry.title
        self.page.window_.exports.write(lambda _project, target: write_concentrations(target, title, found), path)
