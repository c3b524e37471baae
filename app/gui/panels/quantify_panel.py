"""The Quantify panel: what counts, in which material, and what each factor of the composition is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.quantities import Measured, measured
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.edits import title
from app.numerals import grouped, with_error
from app.project.project import Entry, RegionFit
from fitting.model import Component
from libraries.attenuation import AVERAGE_MATRIX, imfp, material, materials
from libraries.errors import SodaliteError
from libraries.sensitivity import scofield
from libraries.units import kinetic_from_binding

COUNTS = 0
FACTORS = (
    "n = A / (s · L · T · λ), and the share of n is the atomic fraction. "
    "A: area of the component, counts · eV per second of counting. "
    "s: cross section after Scofield relative to C 1s, without asymmetry, transmission or mean free path. "
    "L: angular asymmetry, applied only where β has a source. T: transmission of the analyser, from the file. "
    "λ: inelastic mean free path, TPP-2M, in the one material chosen here."
)


@dataclass(frozen=True)
class Part:
    """A component somewhere in the sample."""

    entry: Entry
    fit: RegionFit
    component: Component

    @property
    def key(self) -> str:
        """Its name for the table."""
        return f"{self.entry.id}\n{self.fit.id}\n{self.component.id}"


class QuantifyPanel(Panel):
    """Settings of the composition of a sample.

    Signals
    -------
    quantify_requested(str)
        Id of the sample whose composition is wanted.
    """

    quantify_requested = Signal(str)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Quantify", parent)
        self.title = heading("")
        self.body.addWidget(self.title)
        self.material = QComboBox()
        self.material.setAccessibleName("Material for the mean free path")
        self.material.addItem("Average matrix (ISO 18118)", "")
        self.material.setItemData(0, AVERAGE_MATRIX.source, Qt.ItemDataRole.ToolTipRole)
        for item in materials():
            self.material.addItem(f"{item.name}" + ("" if item.verified else "  (unverified)"), item.name)
            tip = f"{item.formula}, {item.density:g} g/cm³, band gap {item.band_gap:g} eV\n{item.source}"
            self.material.setItemData(self.material.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.material.activated.connect(self._set_material)
        self.photon = QLabel()
        form = QFormLayout()
        form.addRow("Material for λ", self.material)
        form.addRow("Photon energy", self.photon)
        self.body.addLayout(form)
        self.rows = self.table(
            RowsModel(
                (
                    Column("Counts", "Whether the area enters the composition; Auger lines never do"),
                    Column("Component"),
                    Column("Line"),
                    Column("Area", "Sum of the component; not yet divided by time", True),
                    Column("s", "Scofield factor relative to C 1s", True),
                    Column("λ / nm", "Inelastic mean free path", True),
                    Column("T", "Transmission at the line; 1 is assumed where the file has none", True),
                    Column("Spectrum"),
                )
            )
        )
        self.parts = RowsView(self.rows, "Components that count")
        self.parts.set_widths((70, 118, 72, 92, 52, 60, 64, 90))
        self.parts.horizontalHeader().setStretchLastSection(True)
        self.rows.toggled.connect(self._toggled)
        self.body.addWidget(self.parts, 1)
        self.body.addWidget(muted(FACTORS))
        self.go = button(
            "Quantify", "Composition of this sample with uncertainties", self._go, sign="quantify", primary=True
        )
        self.body.addLayout(row(self.go))
        self.ready()

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the sample of the shown spectrum."""
        entry = self.document.entry
        self.setEnabled(entry is not None)
        if entry is None:
            self.rows.set_rows(())
            return
        sample = next((s for s in self.document.project.samples if s.id == entry.sample), None)
        self.title.setText(sample.name if sample is not None else entry.title)
        chosen = sample.material if sample is not None else ""
        self.material.setCurrentIndex(max(self.material.findData(chosen), 0))
        self.material.setEnabled(sample is not None)
        energies = sorted({e.spectrum.meta.photon_energy for e in self._entries() if e.spectrum.meta.photon_energy})
        self.photon.setText(", ".join(f"{e:g} eV" for e in energies) or "not recorded: set it in Process")
        parts = self._parts()
        numbers = {(p.entry.id, p.fit.id): measured(p.fit) for p in parts}
        self.rows.set_rows([self._row(p, numbers[p.entry.id, p.fit.id][p.component.id], chosen) for p in parts])
        self.parts.fit_columns((3,))
        self.go.setEnabled(bool(parts))

    def _entries(self) -> tuple[Entry, ...]:
        entry = self.document.entry
        return self.document.project.entries_of(entry.sample) if entry is not None else ()

    def _parts(self) -> list[Part]:
        return [Part(e, f, c) for e in self._entries() for f in e.fits for c in f.model.components]

    def _row(self, part: Part, found: Measured, chosen: str) -> Row:
        component, meta = part.component, part.entry.spectrum.meta
        area, error = found.area, found.area_error
        factor, source = _factor(component, meta.photon_energy)
        depth, depth_source = _mean_free_path(component, meta.photon_energy, meta.work_function or 0.0, chosen)
        passed, passed_source = _transmission(part)
        return Row(
            part.key,
            (
                Cell("", checked=component.quantify, tooltip="Tick to let it count"),
                Cell(title(component), tooltip=component.compound),
                Cell(component.line or "no line", muted=not component.line),
                Cell(with_error(area, error, 0 if area >= 100 else 2)),
                Cell(factor, tooltip=source),
                Cell(depth, tooltip=depth_source),
                Cell(passed, tooltip=passed_source),
                Cell(part.entry.title),
            ),
        )

    # -- doing --------------------------------------------------------------------------------------------------

    def _set_material(self, _: int) -> None:
        entry, name = self.document.entry, self.material.currentData()
        sample = next((s for s in self.document.project.samples if entry is not None and s.id == entry.sample), None)
        if sample is not None and name != sample.material:
            changed = self.document.project.with_sample(replace(sample, material=name))
            self.document.apply(f"Material of {sample.name}: {self.material.currentText()}", changed)

    def _toggled(self, key: str, column: int, counts: bool) -> None:
        """Let a component count or not; its fit stays as it is."""
        if column != COUNTS:
            return
        part = next((p for p in self._parts() if p.key == key), None)
        if part is None:
            return

        def switched(item: Component) -> Component:
            return replace(item, quantify=counts) if item.id == part.component.id else item

        def with_switch(fit: RegionFit) -> RegionFit:
            model = replace(fit.model, components=tuple(map(switched, fit.model.components)))
            if fit.result is None:
                return RegionFit(fit.id, model)
            fitted = replace(fit.result.model, components=tuple(map(switched, fit.result.model.components)))
            return RegionFit(fit.id, model, replace(fit.result, model=fitted))

        entry = part.entry.with_fit(with_switch(part.fit))
        words = f"{'Count' if counts else 'Leave out'} {title(part.component)}"
        self.document.apply(words, self.document.project.with_entry(entry))

    def _go(self) -> None:
        entry = self.document.entry
        if entry is not None:
            self.quantify_requested.emit(entry.sample)


def _factor(component: Component, photon: float | None) -> tuple[str, str]:
    if not component.line or photon is None:
        return "–", "needs a line and the photon energy"
    try:
        factor = scofield(component.line, photon)
    except SodaliteError as error:
        return "–", str(error)
    return f"{factor.value:.2f}", "\n".join((factor.source, *factor.warnings))


def _mean_free_path(component: Component, photon: float | None, work_function: float, name: str) -> tuple[str, str]:
    if photon is None:
        return "–", "needs the photon energy"
    try:
        kinetic = float(kinetic_from_binding(component.value("position"), photon, work_function))
        found = imfp(kinetic, material(name) if name else AVERAGE_MATRIX)
    except SodaliteError as error:
        return "–", str(error)
    text = f"{found.formula} in {found.material.name} at {grouped(kinetic, 0)} eV kinetic energy\n{found.source}"
    return f"{float(found.value) / 10:.2f}", "\n".join((text, *found.warnings))


def _transmission(part: Part) -> tuple[str, str]:
    spectrum = part.entry.spectrum
    if spectrum.transmission is None:
        return "1 *", "T = 1 assumed: the file has no transmission function"
    place = part.component.value("position") - part.entry.recipe.energy_shift
    return f"{float(np.interp(place, spectrum.x, spectrum.transmission)):.3g}", "From the file, at the line"
