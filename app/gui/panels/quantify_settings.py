"""Settings of a sample's quantification: material, factor set, transmission, ratios; all kept in the project."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.gui.document import Document
from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import parse_number
from app.project.factors import factor_set, lint, with_factor_set, without_factor_set
from app.project.project import Project, Sample
from fitting.xps.areas import LineArea
from libraries.attenuation import AVERAGE_MATRIX, materials
from libraries.errors import SodaliteError

SCOFIELD_WORDS = "Scofield cross-sections (any photon energy)"
# What a factor may contain besides the cross-section, with the sign that people know.
PARTS = (("L", "L", "Angular asymmetry"), ("T", "T", "Transmission of the analyser"),
         ("lambda", "λ", "Inelastic mean free path"))
FROM_FILES, BY_POWER, BY_TABLE = "file", "power", "table"
NO_POWER = 0.0  # where typing begins: T = 1 until the instrument's own power is given


class QuantifySettings(QWidget):
    """The form above the table of lines.

    Signals
    -------
    factors_wanted()
        A file of sensitivity factors is to be chosen.
    transmission_wanted()
        A file of a transmission function is to be chosen.
    """

    factors_wanted = Signal()
    transmission_wanted = Signal()

    def __init__(
        self, document: Document, attempt: Callable[[Callable[[], None]], bool], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._document, self._attempt = document, attempt
        self._build_choices()
        self._build_contents()
        self.lint = muted("")
        self.lint.setProperty("role", "warning")
        self.lint.setAccessibleName("Remarks on the factor set")
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        form.addRow("Material for λ", self.material)
        form.addRow("Factors s", self._beside(self.factors, self.add, self.remove))
        form.addRow("", self.contents)
        form.addRow("Transmission T", self._beside(self.transmission, self.power, self.choose))
        form.addRow("Ratios", self.ratios)
        form.addRow("Photon energy", self.photon)
        self.form = form
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(form)
        column.addWidget(self.lint)

    def _build_choices(self) -> None:
        self.material = self._combo("Material for the mean free path")
        self.material.addItem("Average matrix (ISO 18118)", "")
        self.material.setItemData(0, AVERAGE_MATRIX.source, Qt.ItemDataRole.ToolTipRole)
        for item in materials():
            self.material.addItem(f"{item.name}" + ("" if item.verified else "  (unverified)"), item.name)
            tip = f"{item.formula}, {item.density:g} g/cm³, band gap {item.band_gap:g} eV\n{item.source}"
            self.material.setItemData(self.material.count() - 1, tip, Qt.ItemDataRole.ToolTipRole)
        self.material.activated.connect(self._set_material)
        self.factors = self._combo("Sensitivity factors")
        self.factors.activated.connect(self._set_factors)
        self.add = button("Import…", "Read factors from csv, text, xlsx or an element library of CasaXPS",
                          self.factors_wanted.emit)
        self.remove = button("Remove", "Take this factor set out of the project", self._remove_set)
        self.transmission = self._combo("Transmission")
        for words, key in (("from the files, else 1", FROM_FILES), ("from the files, else KE to a power", BY_POWER),
                           ("from a table", BY_TABLE)):
            self.transmission.addItem(words, key)
        self.transmission.activated.connect(self._set_transmission)
        self.power = QLineEdit()
        self.power.setAccessibleName("Power n of T = KE^n")
        self.power.setToolTip("n of T = (KE / 1000 eV)^n")
        self.power.setMaximumWidth(70)
        self.power.editingFinished.connect(self._set_power)
        self.choose = button("Choose…", "Read a table of kinetic energies and transmissions",
                             self.transmission_wanted.emit)
        self.ratios = QLineEdit()
        self.ratios.setAccessibleName("Atomic ratios to be shown")
        self.ratios.setPlaceholderText("Na/F, O 1s/C 1s …")
        self.ratios.setToolTip("Ratios of elements, lines, components or tags, parted by commas")
        self.ratios.editingFinished.connect(self._set_ratios)
        self.photon = QLabel()

    def _build_contents(self) -> None:
        self.contents = QWidget()
        self.parts: dict[str, QCheckBox] = {}
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(QLabel("contain σ and"))
        for key, words, tip in PARTS:
            box = QCheckBox(words)
            box.setToolTip(f"{tip}: contained in the factors, so that it is not applied again")
            box.setAccessibleName(f"The factors contain {tip.lower()}")
            box.clicked.connect(lambda _=False: self._set_contents())
            self.parts[key] = box
            line.addWidget(box)
        self.norm = QLabel()
        self.norm.setProperty("role", "muted")
        line.addWidget(self.norm)
        line.addStretch(1)
        self.fallback = QCheckBox("Scofield stands in for lines that the set lacks")
        self.fallback.setToolTip("On the scale of the set, and marked in the table. Not for sets that contain T or λ.")
        self.fallback.clicked.connect(self._set_fallback)
        column = QVBoxLayout(self.contents)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(line)
        column.addWidget(self.fallback)

    @staticmethod
    def _combo(name: str) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(name)
        combo.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        combo.setMinimumContentsLength(14)
        combo.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        return combo

    @staticmethod
    def _beside(first: QWidget, *others: QWidget) -> QHBoxLayout:
        line = row(first, *others, stretch=False)
        line.setStretch(0, 1)
        return line

    # -- showing ------------------------------------------------------------------------------------------------

    @property
    def sample(self) -> Sample | None:
        """The sample of the shown spectrum."""
        entry = self._document.entry
        known = self._document.project.samples
        return next((s for s in known if entry is not None and s.id == entry.sample), None)

    def show_sample(self, lines: tuple[LineArea, ...]) -> None:
        """Show the settings as the project has them; `lines` are those that a factor set must have."""
        sample, project = self.sample, self._document.project
        self.setEnabled(sample is not None)
        if sample is None:
            return
        self.material.setCurrentIndex(max(self.material.findData(sample.material), 0))
        self._show_factors(project, sample, lines)
        self._show_transmission(sample)
        if not self.ratios.hasFocus():
            self.ratios.setText(", ".join(sample.ratios))
        entries = project.entries_of(sample.id)
        energies = sorted({e.photon_energy for e in entries if e.photon_energy})
        self.photon.setText(", ".join(f"{e:g} eV" for e in energies) or "not recorded: set it in Process")

    def _show_factors(self, project: Project, sample: Sample, lines: tuple[LineArea, ...]) -> None:
        names = [name for name, _ in project.factor_sets]
        if [self.factors.itemData(i) for i in range(1, self.factors.count())] != names or not self.factors.count():
            self.factors.clear()
            self.factors.addItem(SCOFIELD_WORDS, "")
            for name in names:
                self.factors.addItem(name, name)
        self.factors.setCurrentIndex(max(self.factors.findData(sample.factors), 0))
        chosen = bool(sample.factors)
        self.form.setRowVisible(self.contents, chosen)
        self.remove.setVisible(chosen)
        words: list[str] = []
        if chosen:
            try:
                found = factor_set(project, sample.factors)
                words = [*lint(project, sample, lines)]
                for key, box in self.parts.items():
                    box.setChecked(key in found.contains)
                self.norm.setText(f"· {found.normalised_to} = 1 · {found.photon_energy:g} eV")
                self.norm.setToolTip(found.source)
                self.factors.setToolTip(f"{len(found.rows)} lines from {found.source}")
            except SodaliteError as error:
                words = [str(error)]
            self.fallback.setChecked(sample.fallback)
        self.lint.setText("\n".join(words))
        self.lint.setVisible(bool(words))

    def _show_transmission(self, sample: Sample) -> None:
        power = sample.transmission_exponent
        key = BY_TABLE if sample.transmission else BY_POWER if power is not None else FROM_FILES
        self.transmission.setCurrentIndex(self.transmission.findData(key))
        self.power.setVisible(key == BY_POWER)
        self.choose.setVisible(key == BY_TABLE)
        if power is not None and not self.power.hasFocus():
            self.power.setText(f"{power:g}".replace("-", "−"))
        ends = sample.transmission
        self.transmission.setToolTip(
            f"{len(ends)} energies from {ends[0][0]:g} to {ends[-1][0]:g} eV" if ends else
            "The file's transmission function at each line; what has none takes T = 1 or T = KE^n"
        )

    # -- doing --------------------------------------------------------------------------------------------------

    def _change(self, text: str, **changes: object) -> None:
        sample = self.sample
        if sample is None:
            return
        changed = replace(sample, **changes)  # type: ignore[arg-type]
        if changed != sample:
            self._attempt(lambda: self._document.apply(
                f"{sample.name}: {text}", self._document.project.with_sample(changed)))

    def _set_material(self, _: int) -> None:
        sample, name = self.sample, self.material.currentData()
        if sample is not None and name != sample.material:
            changed = self._document.project.with_sample(replace(sample, material=name))
            self._document.apply(f"Material of {sample.name}: {self.material.currentText()}", changed)

    def _set_factors(self, _: int) -> None:
        self._change(f"factors {self.factors.currentText()}", factors=str(self.factors.currentData() or ""))

    def _set_fallback(self, wanted: bool) -> None:
        self._change("Scofield stands in" if wanted else "Scofield does not stand in", fallback=wanted)

    def _set_contents(self) -> None:
        sample, project = self.sample, self._document.project
        if sample is None or not sample.factors:
            return

        def change() -> None:
            found = factor_set(project, sample.factors)
            inside = ("sigma", *(key for key, box in self.parts.items() if box.isChecked()))
            changed = with_factor_set(project, replace(found, contains=inside))
            self._document.apply(f"Factors {found.name} contain {', '.join(inside)}", changed)

        self._attempt(change)

    def _remove_set(self) -> None:
        sample, project = self.sample, self._document.project
        if sample is not None and sample.factors:
            name = sample.factors
            self._attempt(lambda: self._document.apply(f"Remove factors {name}", without_factor_set(project, name)))

    def _set_transmission(self, _: int) -> None:
        key, sample = self.transmission.currentData(), self.sample
        if sample is None:
            return
        if key == BY_TABLE:
            if not sample.transmission:
                self.transmission_wanted.emit()
                self._show_transmission(sample)
        elif key == BY_POWER:
            power = NO_POWER if sample.transmission_exponent is None else sample.transmission_exponent
            self._change(f"T = KE^{power:g}", transmission=(), transmission_exponent=power)
        else:
            self._change("T from the files", transmission=(), transmission_exponent=None)

    def _set_power(self) -> None:
        sample, text = self.sample, self.power.text()
        if sample is None or sample.transmission_exponent is None or not self.power.isModified():
            return
        self.power.setModified(False)

        def change() -> None:
            power = parse_number(text, "The power of the kinetic energy")
            changed = replace(sample, transmission_exponent=power)
            self._document.apply(f"{sample.name}: T = KE^{power:g}", self._document.project.with_sample(changed))

        self._attempt(change)

    def _set_ratios(self) -> None:
        words = tuple(dict.fromkeys(" ".join(part.split()) for part in self.ratios.text().split(",") if part.strip()))
        self._change(f"ratios {', '.join(words)}" if words else "no ratios", ratios=words)
