"""The Quantify panel: what counts and how, in which material, and what each factor of the composition is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PySide6.QtCore import Signal
from PySide6.QtWidgets import QSpinBox, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.component_table import ChoiceDelegate
from app.gui.panels.quantify_settings import QuantifySettings
from app.gui.panels.quantities import Measured, measured
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.edits import title
from app.gui.theme import SPIN_MARGINS
from app.numerals import grouped, with_error
from app.project.compose import count_by_regions, set_area_kind
from app.project.factors import USER_TABLE, factor_set
from app.project.project import Entry, Project, RegionFit, Sample
from fitting.model import Component, FitModel
from fitting.xps.areas import LineArea
from fitting.xps.region_areas import COMPONENTS, REGION, RegionArea, area_kind, region_area, region_line
from libraries.attenuation import AVERAGE_MATRIX, imfp, material
from libraries.elements import Line, parse_line
from libraries.errors import SodaliteError
from libraries.sensitivity import scofield
from libraries.units import kinetic_from_binding

COUNTS, NAME, LINE, KIND, TAG = range(5)
TAG_TIP = "Components with the same tag are one quantity of the composition. Double-click to type one"
AREA_COLUMN = 5
BY_COMPONENTS, BY_REGION = "components", "region"
REPLICAS = 200  # enough for errors: B. Efron, R. J. Tibshirani (1993), section 6.4
FACTORS = (
    "n = A / (s · L · T · λ), and the share of n is the atomic fraction. "
    "A: area of the component or of data minus background, counts · eV per second of counting. "
    "s: sensitivity factor. L: angular asymmetry, applied only where β has a source. T: transmission of the analyser. "
    "λ: inelastic mean free path, TPP-2M, in the one material chosen here. "
    "Components of one core level with the same tag are one line."
)


@dataclass(frozen=True)
class Part:
    """A component somewhere in the sample, or a region that counts by data minus background (component None)."""

    entry: Entry
    fit: RegionFit
    component: Component | None

    @property
    def key(self) -> str:
        """Its name for the table."""
        return f"{self.entry.id}\n{self.fit.id}\n{self.component.id if self.component is not None else ''}"


class QuantifyPanel(Panel):
    """Settings of the composition of a sample.

    Signals
    -------
    quantify_requested(str)
        Id of the sample whose composition is wanted.
    bootstrap_requested(int)
        Number of simulated samples.
    spread_requested()
    """

    quantify_requested = Signal(str)
    bootstrap_requested = Signal(int)
    spread_requested = Signal()

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Quantify", parent)
        self.title = heading("")
        self.body.addWidget(self.title)
        self.settings = QuantifySettings(document, self.attempt)
        self.material = self.settings.material
        self.body.addWidget(self.settings)
        self.rows = self.table(
            RowsModel(
                (
                    Column("Counts", "Whether the area enters the composition; Auger lines never do"),
                    Column("Component"),
                    Column("Line", "Core level; of a region that counts by data minus background it can be typed"),
                    Column("Area of", "Fitted components, or the data minus the background of the whole region"),
                    Column("Tag", "Components with the same tag are one quantity of the composition"),
                    Column("Area", "Not yet divided by time", True),
                    Column("s", "Sensitivity factor", True),
                    Column("λ / nm", "Inelastic mean free path", True),
                    Column("T", "Transmission at the line; 1 is assumed where there is none", True),
                    Column("Spectrum"),
                )
            )
        )
        self.parts = RowsView(self.rows, "Components that count")
        self.parts.set_widths((62, 92, 62, 80, 44, 84, 50, 60, 56, 90))
        self.parts.horizontalHeader().setStretchLastSection(True)
        self.parts.setItemDelegate(ChoiceDelegate(self.parts))
        self.rows.toggled.connect(self._toggled)
        self.rows.edited.connect(self._edited)
        self.body.addWidget(self.parts, 1)
        self.by_regions = button("All by data − background", "Count every region of one line by the data minus its "
                                 "background, as for a survey", lambda: self._count_by(REGION))
        self.by_components = button("All by components", "Count every region by its fitted components",
                                    lambda: self._count_by(COMPONENTS))
        self.body.addLayout(row(self.by_regions, self.by_components))
        self.body.addWidget(muted(FACTORS))
        self._build_work()
        self.ready()

    def _build_work(self) -> None:
        self.go = button(
            "Quantify", "Composition of this sample with uncertainties", self._go, sign="quantify", primary=True
        )
        self.replicas = QSpinBox()
        self.replicas.setRange(20, 100_000)
        self.replicas.setValue(REPLICAS)
        self.replicas.lineEdit().setTextMargins(*SPIN_MARGINS)
        self.replicas.setSingleStep(100)
        self.replicas.setAccessibleName("Number of simulated samples")
        self.replicas.setToolTip("Simulated samples: 200 for errors, 1000 and more for intervals")
        self.bootstrap = button(
            "Bootstrap", "Errors of at.% from simulated spectra, each with its background and fit done anew",
            lambda: self.bootstrap_requested.emit(self.replicas.value()),
        )
        self.spread = button(
            "Model spread", "How far at.% move with other backgrounds, region ends and shapes; apart from the errors",
            self.spread_requested.emit,
        )
        self.body.addLayout(row(self.go, self.bootstrap, self.replicas, self.spread))

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the sample of the shown spectrum."""
        entry = self.document.entry
        self.setEnabled(entry is not None)
        if entry is None:
            self.rows.set_rows(())
            return
        sample = self.settings.sample
        self.title.setText(sample.name if sample is not None else entry.title)
        parts = self._parts()
        self.settings.show_sample(tuple(line for line in map(_asked, parts) if line is not None))
        numbers = {(p.entry.id, p.fit.id): measured(p.fit) for p in parts}
        project = self.document.project
        self.rows.set_rows([self._row(p, numbers[p.entry.id, p.fit.id], project, sample) for p in parts])
        self.parts.fit_columns((KIND, AREA_COLUMN))
        kinds = {area_kind(part.fit.model) for part in parts}
        self.by_regions.setEnabled(COMPONENTS in kinds)
        self.by_components.setEnabled(REGION in kinds)
        for widget in (self.go, self.bootstrap, self.spread):
            widget.setEnabled(bool(parts))

    def _entries(self) -> tuple[Entry, ...]:
        entry = self.document.entry
        return self.document.project.entries_of(entry.sample) if entry is not None else ()

    def _parts(self) -> list[Part]:
        """Components, and in their place regions that count by data minus background, or that could."""
        found: list[Part] = []
        for entry in self._entries():
            for fit in entry.fits:
                if area_kind(fit.model) == REGION or not fit.model.components:
                    found.append(Part(entry, fit, None))
                else:
                    found += [Part(entry, fit, component) for component in fit.model.components]
        return found

    def _row(self, part: Part, found: dict[str, Measured], project: Project, sample: Sample | None) -> Row:
        line, place = _line(part), _place(part)
        factor, source = _factor(_counted_line(part), part.entry.photon_energy, project, sample)
        depth, depth_source = _mean_free_path(part, place, sample.material if sample is not None else "")
        passed, passed_source = _transmission(part, place, sample)
        words = BY_REGION if area_kind(part.fit.model) == REGION else BY_COMPONENTS
        tip = "Fitted components, or the whole region: data minus background. Double-click to choose"
        kind = Cell(words, words, tip, choices=(BY_COMPONENTS, BY_REGION))
        if part.component is None:
            first = Cell("", tooltip="The region counts as a whole")
            name = Cell("region" if words == BY_REGION else "no components", muted=True)
            named = line.name if line is not None else "type it"
            core = Cell(named, line.name if line is not None else "", _line_tip(part), muted=line is None)
            area, tag = Cell(*_region_area_text(part)), Cell("")
        else:
            own = found[part.component.id]
            first = Cell("", checked=part.component.quantify, tooltip="Tick to let it count")
            name = Cell(title(part.component), tooltip=part.component.compound)
            tag = Cell(part.component.tag, part.component.tag, TAG_TIP)
            core = Cell(part.component.line or "no line", muted=not part.component.line)
            area = Cell(with_error(own.area, own.area_error, 0 if own.area >= 100 else 2))
        return Row(part.key, (
            first, name, core, kind, tag, area, Cell(factor, tooltip=source), Cell(depth, tooltip=depth_source),
            Cell(passed, tooltip=passed_source), Cell(part.entry.title),
        ))

    # -- doing --------------------------------------------------------------------------------------------------

    def _toggled(self, key: str, column: int, counts: bool) -> None:
        """Let a component count or not; its fit stays as it is."""
        if column != COUNTS:
            return
        part = next((p for p in self._parts() if p.key == key), None)
        if part is None or part.component is None:
            return
        chosen = part.component

        words = f"{'Count' if counts else 'Leave out'} {title(chosen)}"
        self._mark(words, part, replace(chosen, quantify=counts))

    def _mark(self, words: str, part: Part, component: Component) -> None:
        """Change how a component counts; its fit stays as it is."""

        def marked(model: FitModel) -> FitModel:
            own = model.component(component.id)
            return model.with_component(replace(own, quantify=component.quantify, tag=component.tag))

        fit = part.fit
        result = replace(fit.result, model=marked(fit.result.model)) if fit.result is not None else None
        entry = part.entry.with_fit(RegionFit(fit.id, marked(fit.model), result))
        self.document.apply(words, self.document.project.with_entry(entry))

    def _edited(self, key: str, column: int, text: str) -> None:
        """How a region counts, or the core level of one that counts by data minus background."""
        part = next((p for p in self._parts() if p.key == key), None)
        if part is None:
            return
        project, name = self.document.project, f"{part.entry.title}, {part.fit.name}"
        if column == KIND:
            kind = REGION if text == BY_REGION else COMPONENTS
            self.attempt(lambda: self.document.apply(
                f"{name}: area of {text}", set_area_kind(project, part.entry.id, part.fit.id, kind)))
        elif column == TAG and part.component is not None:
            tag = text.strip()
            if tag != part.component.tag:
                words = f"Tag {title(part.component)}: {tag or 'none'}"
                self._mark(words, part, replace(part.component, tag=tag))
                self.show_now()
        elif column == LINE:
            self.attempt(lambda: self.document.apply(f"{name}: line {text}", set_area_kind(
                project, part.entry.id, part.fit.id, area_kind(part.fit.model), text.strip())))

    def _count_by(self, kind: str) -> None:
        entry = self.document.entry
        if entry is not None:
            words = BY_REGION if kind == REGION else BY_COMPONENTS
            self.attempt(lambda: self.document.apply(
                f"Count all regions by {words}", count_by_regions(self.document.project, entry.sample, kind)))

    def _go(self) -> None:
        entry = self.document.entry
        if entry is not None:
            self.quantify_requested.emit(entry.sample)


def _line(part: Part) -> Line | None:
    try:
        if part.component is None:
            return region_line(part.entry.spectrum, part.fit.model)
        return parse_line(part.component.line) if part.component.line else None
    except SodaliteError:
        return None


def _counted_line(part: Part) -> Line | None:
    """The line that the composition counts: of a doublet whose both lines count, the whole shell."""
    line = _line(part)
    if line is None or part.component is None or not part.component.quantify:
        return line
    own = part.component
    others = [c for c in part.fit.model.components if c.quantify and c is not own]
    pair = any(c.doublet == own.id or own.doublet == c.id for c in others)
    return parse_line(f"{line.element} {line.shell}") if pair else line


def _line_tip(part: Part) -> str:
    try:
        region_line(part.entry.spectrum, part.fit.model)
    except SodaliteError as error:
        return str(error)
    return "Double-click to name another core level"


def _place(part: Part) -> float:
    """Axis value at which T and λ are shown; of a region its largest net intensity."""
    if part.component is not None:
        return part.component.value("position")
    found = _region_area(part)
    return sum(part.fit.model.region) / 2 if isinstance(found, str) else found.position


def _region_area(part: Part) -> RegionArea | str:
    try:
        return region_area(part.entry.processed(), part.fit.model, part.fit.result)
    except SodaliteError as error:
        return str(error)


def _region_area_text(part: Part) -> tuple[str, None, str]:
    found = _region_area(part)
    if isinstance(found, str):
        return "–", None, found
    text = with_error(found.area, found.error, 0 if found.area >= 100 else 2)
    return text, None, f"The background's ends make ± {found.background_error:.3g} of it"


def _asked(part: Part) -> LineArea | None:
    """A line that a factor set must have."""
    line, energy = _counted_line(part), part.entry.photon_energy
    counts = area_kind(part.fit.model) == REGION if part.component is None else part.component.quantify
    if line is None or line.kind != "core" or energy is None or not counts:
        return None
    return LineArea(line.name, part.fit.name, line, "", 1.0, 0.0, energy)


def _factor(
    line: Line | None, photon: float | None, project: Project, sample: Sample | None
) -> tuple[str, str]:
    if line is None or photon is None:
        return "–", "needs a line and the photon energy"
    try:
        if sample is not None and sample.factors:
            factor = factor_set(project, sample.factors).factor(line)
        else:
            factor = scofield(line, photon)
    except SodaliteError as error:
        return "–", str(error)
    return f"{factor.value:.2f}", "\n".join((f"of {line.name}", factor.source, *factor.warnings))


def _mean_free_path(part: Part, place: float, name: str) -> tuple[str, str]:
    photon = part.entry.photon_energy
    if photon is None:
        return "–", "needs the photon energy"
    try:
        kinetic = _kinetic(part, place, photon)
        found = imfp(kinetic, material(name) if name else AVERAGE_MATRIX)
    except SodaliteError as error:
        return "–", str(error)
    text = f"{found.formula} in {found.material.name} at {grouped(kinetic, 0)} eV kinetic energy\n{found.source}"
    return f"{float(found.value) / 10:.2f}", "\n".join((text, *found.warnings))


def _kinetic(part: Part, place: float, photon: float) -> float:
    """Kinetic energy as the analyser saw it: the charge reference is taken off again."""
    shift = part.entry.recipe.energy_shift
    if part.entry.processed().axis.quantity == "kinetic_energy":
        return place + shift
    return float(kinetic_from_binding(place - shift, photon))


def _transmission(part: Part, place: float, sample: Sample | None) -> tuple[str, str]:
    spectrum, photon = part.entry.spectrum, part.entry.photon_energy
    if sample is not None and sample.transmission and photon is not None:
        energies, values = np.array(sample.transmission).T
        return f"{float(np.interp(_kinetic(part, place, photon), energies, values)):.3g}", f"From {USER_TABLE}"
    if spectrum.transmission is None and sample is not None and sample.transmission_exponent is not None and photon:
        power = sample.transmission_exponent
        return f"{(_kinetic(part, place, photon) / 1000.0) ** power:.3g}", f"(KE / 1000 eV)^{power:g}"
    if spectrum.transmission is None:
        return "1 *", "T = 1 assumed: the file has no transmission function"
    where = place - part.entry.recipe.energy_shift
    return f"{float(np.interp(where, spectrum.x, spectrum.transmission)):.3g}", "From the file, at the line"
