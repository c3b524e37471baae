"""The Microscope part of the Zero loss page: beam energy and angles, from the file or said once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QFormLayout, QLabel, QWidget

from app.gui.eels.zero_loss_part import ZeroLossPart
from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import plain
from app.gui.panels.part import field, number_of
from app.project import loss_process
from app.project.project import Entry
from fitting.dataset import Spectrum

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel

ROWS = (
    ("beam_energy", "Beam energy", "keV", "Of the electrons"),
    ("convergence_angle", "Convergence", "mrad", "Half angle of the beam's cone on the specimen"),
    ("collection_angle", "Collection", "mrad", "Half angle that the spectrometer accepts"),
)
MISSING = "Without {what} no thickness, cross-section or dielectric function is computed: nothing is assumed."


class MicroscopePart(ZeroLossPart):
    """Beam energy, convergence and collection half angle."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self._shown: object = None
        self.fields, self.origins = {}, {}
        form = QFormLayout()
        for name, words, unit, tip in ROWS:
            line = field(f"{words} in {unit}", tip=tip)
            line.returnPressed.connect(self.set_conditions)
            self.fields[name], self.origins[name] = line, muted("")
            form.addRow(f"{words} / {unit}", row(line, self.origins[name]))
        self.body.addLayout(form)
        self.missing = QLabel()
        self.missing.setWordWrap(True)
        self.missing.setProperty("role", "warning")
        self.body.addWidget(self.missing)
        self.for_sample = QCheckBox("for all spectra of this sample")
        self.for_sample.setChecked(True)
        self.go = button("Set", "Keep these numbers as a step; an empty field keeps what the file says",
                         self.set_conditions)
        self.body.addLayout(row(self.go, self.for_sample))

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """What file and user say."""
        told = dict(zip(self.fields, loss_process.told_conditions(entry), strict=True))
        meta, missing = entry.spectrum.meta, []
        key = (entry.id, tuple(told.items()))
        for name, _, unit, tip in ROWS:
            recorded = getattr(meta, name)
            line = self.fields[name]
            if key != self._shown or not line.isModified():
                value = told[name]
                line.setText("" if value is None else plain(value, 4))
                line.setModified(False)
            line.setPlaceholderText("enter" if recorded is None else plain(recorded, 4))
            line.setToolTip(tip)
            file = "not recorded in the file" if recorded is None else f"{plain(recorded, 4)} {unit} in the file"
            self.origins[name].setText(file)
        self._shown = key
        for name, words, _, _ in ROWS:
            if getattr(spectrum.meta, name) is None:
                missing.append(words.lower())
        told_missing = " and ".join(filter(None, (", ".join(missing[:-1]), *missing[-1:])))
        self.missing.setText(MISSING.format(what=told_missing) if missing else "")
        self.missing.setVisible(bool(missing))
        several = len(loss_process.entries_of_sample(self.page.document.project, entry.id))
        self.for_sample.setVisible(several > 1)
        self.for_sample.setText(f"for all {several} energy-loss spectra of this sample")

    def set_conditions(self) -> None:
        """Keep what is typed."""
        document = self.page.document
        entry = document.entry
        if entry is None:
            return

        def change() -> None:
            values = [number_of(self.fields[name], words) for name, words, _, _ in ROWS]
            all_of = self.for_sample.isChecked() and not self.for_sample.isHidden()
            ids = loss_process.entries_of_sample(document.project, entry.id) if all_of else (entry.id,)
            project = loss_process.set_microscope(document.project, ids, *values)
            for line in self.fields.values():
                line.setModified(False)
            document.apply("Microscope: " + (", ".join(
                f"{words.lower()} {plain(value, 4)} {unit}"
                for (_, words, unit, _), value in zip(ROWS, values, strict=True) if value is not None
            ) or "as the file says"), project)

        self.page.attempt(change)
