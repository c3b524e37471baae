"""The Calibrate panel: one charge reference for all regions of a sample."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.plot.captions import charge_words, signed
from app.gui.plot.edits import title
from app.gui.plot.geometry import peak_of
from app.project import work
from app.project.project import Entry
from libraries.compounds import ChargeReference, charge_references
from libraries.errors import BadModel

OWN = "Another energy"


class CalibratePanel(Panel):
    """Shift of the energy axis of a sample.

    Signals
    -------
    cursor_requested()
        The user wants to take the measured energy from the plot; answer with `take_cursor`.
    """

    cursor_requested = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Calibrate", parent)
        self.body.addWidget(heading("Charge reference"))
        self.now = muted("")
        self.body.addWidget(self.now)
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
        self.body.addWidget(
            muted(
                "One shift holds for a sample and its charge state. Metals with alkali on top shift all lines by more "
                "than 1 eV: then look at differences of lines, which need no reference (Library)."
            )
        )
        self.body.addStretch(1)
        self._for: tuple[str | None, str | None, str | None] = (None, None, None)
        self.ready()

    def _build_form(self) -> None:
        self.references: tuple[ChargeReference, ...] = charge_references()
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
        self.from_cursor = button("Plot", "Take the place of the cursor: click on the plot", self.cursor_requested.emit)
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        form.addRow("Reference", self.reference)
        self.source = muted("")
        form.addRow("", self.source)
        form.addRow("True energy / eV", self.target)
        form.addRow("Measured / eV", row(self.measured, self.from_peak, self.from_cursor, stretch=False))
        form.addRow("Name", self.note)
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
        self.now.setText(f"{sample}  ·  {words}")
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
        entry = self.document.entry
        return self.document.project.entries_of(entry.sample) if entry is not None else ()

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
        if hasattr(self, "shift"):
            self._show_shift()

    def _show_shift(self) -> None:
        try:
            step = self._target() - self._measured()
        except BadModel:
            self.shift.setText("Shift: type both energies")
            self.apply_button.setEnabled(False)
            return
        self.shift.setText(f"Shift by {signed(step, 3)} eV for {len(self._entries())} spectra of this sample")
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

    def take_cursor(self, energy: float) -> None:
        """Take the measured energy from the plot."""
        self.measured.setText(plain(energy, 3))
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
            project = work.charge_reference(self.document.project, entry.sample, measured, target, note)
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
                "Remove the charge reference", work.reset_reference(self.document.project, entry.sample)
            )
        )
