"""The Calibrate panel: one charge reference for each sample and charge state, and the spectrometer's energy scale."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.scale_part import ScalePart
from app.gui.panels.step_form import step_words
from app.gui.plot.captions import charge_words, signed
from app.gui.plot.edits import title
from app.gui.plot.geometry import peak_of
from app.project import process, work
from app.project.project import Entry
from fitting.processing.edge import Edge
from fitting.recipe import Step
from libraries.compounds import ChargeReference, charge_references
from libraries.energy_scale import calibration_lines
from libraries.errors import BadModel

OWN = "Another energy"
STATES = (("", "as the file says"), ("neutraliser on", "neutraliser on"), ("neutraliser off", "neutraliser off"))


class CalibratePanel(Panel):
    """Shift of the energy axis of a sample.

    Signals
    -------
    cursor_requested()
        The user wants to take the measured energy from the plot; answer with `take_cursor`.
    edge_wanted()
        The Fermi edge in the visible range is to be fitted; answer with `take_edge`.
    """

    cursor_requested = Signal()
    edge_wanted = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Calibrate", parent)
        self.body.addWidget(heading("Charge reference"))
        self.now = muted("")
        self.body.addWidget(self.now)
        self._asking: int | None = None
        self._build_form()
        self.shift = QLabel("")
        self.shift.setAccessibleName("Shift")
        self.shift.setTextFormat(Qt.TextFormat.PlainText)
        self.body.addWidget(self.shift)
        self.apply_button = button(
            "Apply to all regions of this sample",
            "Shifts every spectrum of the sample; the raw data stay, and it can be undone",
            self.apply,
            sign="charge",
            primary=True,
        )
        self.reset_button = button("Reset", "Take the shift of this sample away", self.reset)
        self.body.addLayout(row(self.apply_button, self.reset_button))
        self.copy = button(
            "Copy calibration to chosen spectra",
            "Energy scale and charge shift of this spectrum for all that are chosen in the project list",
            self.copy_calibration,
        )
        self.body.addLayout(row(self.copy))
        self.body.addWidget(
            muted(
                "One shift holds for a sample and its charge state. Metals with alkali on top shift all lines by more "
                "than 1 eV: then look at differences of lines, which need no reference (Library)."
            )
        )
        self.scale = ScalePart()
        self.scale.cursor_wanted.connect(self._ask)
        self.scale.apply_wanted.connect(self.apply_scale)
        self.scale.reset_wanted.connect(self.reset_scale)
        self.body.addWidget(self.scale)
        document.chosen_changed.connect(self._show_scope)
        self.body.addStretch(1)
        self._for: tuple[str | None, str | None, str | None] = (None, None, None)
        self.ready()

    def _build_form(self) -> None:
        metals = tuple(
            ChargeReference("clean metal", item.line, item.binding_energy, item.source)
            for item in calibration_lines() if all(r.line != item.line for r in charge_references())
        )
        self.references: tuple[ChargeReference, ...] = (*charge_references(), *metals)
        self.reference = QComboBox()
        self.reference.setAccessibleName("Charge reference")
        for number, item in enumerate(self.references):
            line = f"{item.line.name} " if item.line is not None else ""
            self.reference.addItem(f"{item.name}: {line}{item.binding_energy:g} eV", number)
            self.reference.setItemData(number, item.source, Qt.ItemDataRole.ToolTipRole)
        self.reference.addItem(OWN, None)
        self.reference.currentIndexChanged.connect(self._reference_chosen)
        self.target, self.measured, self.note = QLineEdit(), QLineEdit(), QLineEdit()
        self.target.setAccessibleName("True energy in eV")
        self.measured.setAccessibleName("Measured energy in eV")
        self.note.setAccessibleName("Name of the reference")
        self.note.setPlaceholderText("what the energy refers to, for tables and plots")
        for field in (self.target, self.measured):
            field.textEdited.connect(self._show_shift)
        self.measured.setToolTip("Where the line stands now, on the axis as it is shown")
        self.from_peak = button(
            "Chosen component", "Take the position of the component chosen in the Model panel", self.take_component
        )
        self.from_cursor = button("Plot", "Take the place of the cursor: click on the plot", lambda: self._ask(None))
        self.from_edge = button("Fit edge", "Fit the Fermi edge in the range that the plot shows",
                                self.edge_wanted.emit)
        self.state = QComboBox()
        self.state.setAccessibleName("Charge neutraliser")
        for key, words in STATES:
            self.state.addItem(words, key)
        self.state.setToolTip("Spectra of a sample in another charge state keep a shift of their own")
        self.state.activated.connect(self._set_state)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Reference", self.reference)
        self.source = muted("")
        form.addRow("", self.source)
        form.addRow("True energy / eV", self.target)
        measured = row(self.measured, self.from_peak, self.from_cursor, self.from_edge, stretch=False)
        form.addRow("Measured / eV", measured)
        form.addRow("Name", self.note)
        form.addRow("Charge neutraliser", self.state)
        self.body.addLayout(form)
        self._reference_chosen()

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the sample's state; typed numbers stay until the selection changes."""
        entry = self.document.entry
        self.setEnabled(entry is not None)
        if entry is None:
            self.now.setText("No spectrum is shown.")
            return
        sample = self._sample_name(entry)
        words = charge_words(entry) or "this axis needs none"
        state = self._state()
        self.now.setText("  ·  ".join(text for text in (sample, state or "", words) if text))
        self.state.setCurrentIndex(max(self.state.findData(_told_state(entry)), 0))
        recorded = entry.spectrum.meta.charge_state or "not recorded"
        self.state.setItemText(0, f"as the file says: {recorded}")
        scale = next((step for step in entry.recipe.active if step.kind == "energy_scale"), None)
        self.scale.now.setText("as delivered" if scale is None else f"{step_words(scale)} ({scale.note})")
        self.scale.reset_button.setEnabled(scale is not None)
        self._show_scope()
        self.reset_button.setEnabled(any(e.recipe.charge_reference() for e in self._entries()))
        selection = self.document.selection
        chosen = (selection.entry, selection.fit, selection.component)
        self.from_peak.setEnabled(selection.component is not None)
        if chosen != self._for:
            self._for = chosen
            if selection.component is not None and not self.measured.hasFocus():
                if self._may_be_reference():
                    self.take_component()
                else:
                    self.measured.clear()
        self._show_shift()

    def _sample_name(self, entry: Entry) -> str:
        samples = {s.id: s.name for s in self.document.project.samples}
        return samples.get(entry.sample, entry.title)

    def _entries(self) -> tuple[Entry, ...]:
        """The spectra that share the shown one's shift: its sample, in its charge state."""
        entry, state = self.document.entry, self._state()
        if entry is None:
            return ()
        entries = self.document.project.entries_of(entry.sample)
        return tuple(e for e in entries if state is None or work.charge_state_of(e) == state)

    def _state(self) -> str | None:
        """Charge state of the shown spectrum where its sample was measured in several; else None."""
        entry = self.document.entry
        if entry is None:
            return None
        states = {work.charge_state_of(e) for e in self.document.project.entries_of(entry.sample)}
        return work.charge_state_of(entry) if len(states) > 1 else None

    def _show_scope(self) -> None:
        several = len(self.document.chosen) > 1
        self.copy.setEnabled(several)
        model = self.scale.scope.model()
        item = model.item(self.scale.scope.findData("chosen"))  # type: ignore[attr-defined]
        item.setEnabled(several)
        self.from_edge.setVisible(self._is_edge())

    def _is_edge(self) -> bool:
        number = self.reference.currentData()
        return number is not None and self.references[number].line is None

    def _reference_chosen(self) -> None:
        number = self.reference.currentData()
        own = number is None
        self.target.setReadOnly(not own)
        self.note.setReadOnly(not own)
        if own:
            self.source.setText("Type the energy and name what it refers to.")
            self.target.setFocus()
        else:
            item = self.references[number]
            self.target.setText(f"{item.binding_energy:g}")
            line = f"{item.line.name} of " if item.line is not None else ""
            self.note.setText(f"{line}{item.name} at {item.binding_energy:g} eV")
            self.source.setText(item.source)
        self.from_edge.setVisible(self._is_edge())
        if hasattr(self, "shift"):
            self._show_shift()

    def _show_shift(self) -> None:
        try:
            step = self._target() - self._measured()
        except BadModel:
            self.shift.setText("Shift: type both energies")
            self.apply_button.setEnabled(False)
            return
        state = self._state()
        where = "of this sample" if state is None else f"of this sample, {state or 'charge state not recorded'}"
        self.shift.setText(f"Shift by {signed(step, 3)} eV for {len(self._entries())} spectra {where}")
        self.apply_button.setEnabled(True)

    def _may_be_reference(self) -> bool:
        """Whether the chosen component can be the reference's line: one of another line would shift by its distance."""
        number, fit, chosen = self.reference.currentData(), self.document.fit, self.document.selection.component
        if number is None or fit is None or chosen is None:
            return True
        component, item = fit.model.component(chosen), self.references[number]
        return not component.line or item.line is None or component.line == item.line.name

    # -- doing --------------------------------------------------------------------------------------------------

    def take_component(self) -> None:
        """Take the measured energy from the chosen component."""
        fit, chosen, spectrum = self.document.fit, self.document.selection.component, self.document.spectrum()
        if fit is not None and chosen is not None and spectrum is not None:
            component = fit.model.component(chosen)
            self.measured.setText(f"{peak_of(component, spectrum.axis.quantity).position:.3f}")
            self.measured.setToolTip(f"Maximum of {title(component)}")
            self._show_shift()

    def _ask(self, line: int | None) -> None:
        self._asking = line
        self.cursor_requested.emit()

    def take_cursor(self, energy: float) -> None:
        """Take the measured energy from the plot: of the reference, or of a line of the energy scale."""
        if self._asking is not None:
            self.scale.take(self._asking, energy)
            return
        self.measured.setText(plain(energy, 3))
        self._show_shift()

    def take_edge(self, edge: Edge) -> None:
        """Take the measured energy from a fitted Fermi edge."""
        self.measured.setText(f"{edge.position:.4f}")
        text = (
            f"Edge at {signed(edge.position, 4)} ± {edge.position_error:.4f} eV, width (16–84 %) {edge.width:.3f} ± "
            f"{edge.width_error:.3f} eV, reduced χ² {edge.reduced_chi2:.2f}"
        )
        self.measured.setToolTip(text)
        self.source.setText(text)
        self._show_shift()

    def _target(self) -> float:
        return parse_number(self.target.text(), "The true energy")

    def _measured(self) -> float:
        return parse_number(self.measured.text(), "The measured energy")

    def apply(self) -> None:
        """Shift all spectra of the sample."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            target, measured = self._target(), self._measured()
            note = self.note.text().strip() or f"{target:g} eV"
            project = work.charge_reference(
                self.document.project, entry.sample, measured, target, note, charge_state=self._state()
            )
            self.document.apply(f"Charge reference: {note}", project)

        if self.attempt(change):
            self.measured.setText(self.target.text())
            self._show_shift()

    def reset(self) -> None:
        """Take the shift of the sample away, and move its models back with the axis."""
        entry = self.document.entry
        if entry is None:
            return

        self.attempt(
            lambda: self.document.apply(
                "Remove the charge reference",
                work.reset_reference(self.document.project, entry.sample, charge_state=self._state()),
            )
        )

    def _set_state(self, _: int) -> None:
        """The user's word on the charge neutraliser, for all chosen spectra."""
        entry, state = self.document.entry, self.state.currentData()
        if entry is None or state == _told_state(entry):
            return

        def change() -> None:
            project = self.document.project
            for id in self.document.chosen or (entry.id,):
                recipe = project.entry(id).recipe.without_kind("charge_state")
                if state:
                    recipe = recipe.with_step(Step("charge_state", (("state", state),), "set by the user"))
                project = process.with_recipe(project, id, recipe)
            self.document.apply(f"Charge: {state or 'as the file says'}", project)

        self.attempt(change)

    def apply_scale(self) -> None:
        """Calibrate the energy scale by two lines."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            measured, true, note = self.scale.values()
            project = process.energy_scale(
                self.document.project, self._scope(entry), entry.id, measured, true, note
            )
            self.document.apply(f"Energy scale: {note}", project)

        self.attempt(change)

    def reset_scale(self) -> None:
        """Take the calibration of the scale away."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                "Remove the energy scale", process.reset_scale(self.document.project, self._scope(entry))
            ))

    def _scope(self, entry: Entry) -> tuple[str, ...]:
        project, scope = self.document.project, self.scale.scope.currentData()
        if scope == "chosen":
            return self.document.chosen
        return tuple(e.id for e in (project.entries if scope == "all" else project.entries_of(entry.sample)))

    def copy_calibration(self) -> None:
        """Give the chosen spectra the energy scale and the charge shift of the shown one."""
        entry = self.document.entry
        if entry is not None:
            self.attempt(lambda: self.document.apply(
                f"Copy calibration of {entry.title}",
                process.copy_calibration(self.document.project, entry.id, self.document.chosen),
            ))


def _told_state(entry: Entry) -> str:
    """The user's word on the charge state; "" where the file's holds."""
    steps = [step for step in entry.recipe.active if step.kind == "charge_state"]
    return steps[-1].text("state") if steps else ""
