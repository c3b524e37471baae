"""The Process panel: how the spectrum was measured, and the recorded steps from raw data to the fitted spectrum."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.numbers import parse_number, plain
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.plot.captions import signed
from app.project.project import Entry
from fitting.dataset import Meta, Noise
from fitting.recipe import Recipe, Step
from libraries.errors import BadModel

NOT_RECORDED = "not recorded"
NOISES = (
    ("As recorded in the file", "file"),
    ("Poisson: counts", "poisson"),
    ("Poisson, scale unknown", "scaled"),
    ("Unknown: from the residuals", "unknown"),
)
SOURCES = (("Al Kα", 1486.6), ("Mg Kα", 1253.6))


def step_words(step: Step) -> str:
    """A step of a recipe in words."""
    values = dict(step.params)
    if step.kind == "energy_shift":
        return f"Energy shift {signed(step.number('shift'), 3)} eV"
    if step.kind == "crop":
        return f"Keep {values['low']:g} to {values['high']:g} eV"
    if step.kind == "photon_energy":
        return f"Photon energy {values['photon_energy']:g} eV, axis turned into binding energy"
    if step.kind == "noise":
        return f"Noise: {values['kind']}" + (
            "" if "gain" in values or values["kind"] != "poisson" else ", scale unknown"
        )
    return step.kind.replace("_", " ")


def noise_words(noise: Noise) -> str:
    """What is known of the noise."""
    origin = {"file": "from the file", "estimated": "estimated", "user": "set by you"}[noise.origin]
    if noise.kind == "poisson":
        if noise.gain == 1.0:
            return f"Poisson: counts ({origin})"
        gain = "scale from the residuals" if noise.gain is None else f"{noise.gain:g} intensity units a count"
        return f"Poisson, {gain} ({origin})"
    if noise.kind == "gaussian":
        return f"Gaussian, σ = {noise.read_noise:g} ({origin})"
    return f"unknown: its size comes from the residuals ({origin})"


class ProcessPanel(Panel):
    """Circumstances, recipe, noise and photon energy of the shown spectrum."""

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Process", parent)
        self.body.addWidget(heading("Measurement"))
        form = QFormLayout()
        self.meta: dict[str, QLabel] = {}
        for name in (
            "Photon energy",
            "Pass energy",
            "Sweeps",
            "Dwell time",
            "Emission angle",
            "Instrument",
            "Date",
            "File",
        ):
            label = QLabel()
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setWordWrap(True)
            self.meta[name] = label
            form.addRow(muted(name), label)
        self.body.addLayout(form)
        self._build_noise()
        self._build_photon()
        self.body.addWidget(heading("Steps from raw data"))
        self.rows = self.table(RowsModel((Column("Step"), Column("Why"))))
        self.steps = RowsView(self.rows, "Recipe")
        self.steps.set_widths((250, 180))
        self.steps.horizontalHeader().setStretchLastSection(True)
        self.body.addWidget(self.steps, 1)
        self.remove = button(
            "Remove step", "Take the selected step out; the raw data are never changed", self.remove_step
        )
        self.body.addLayout(row(self.remove))
        self.ready()

    def _build_noise(self) -> None:
        self.body.addWidget(heading("Noise"))
        self.noise = QComboBox()
        self.noise.setAccessibleName("Noise of the counts")
        self.noise.setToolTip(
            "Counts have Poisson noise; processed intensities have not. It decides weights and errors"
        )
        for words, key in NOISES:
            self.noise.addItem(words, key)
        self.noise.activated.connect(self._set_noise)
        self.noise_now = muted("")
        self.body.addWidget(self.noise)
        self.body.addWidget(self.noise_now)

    def _build_photon(self) -> None:
        self.photon = QWidget()
        self.energy = QComboBox()
        self.energy.setEditable(True)
        self.energy.setAccessibleName("Photon energy in eV")
        for words, value in SOURCES:
            self.energy.addItem(f"{value:g}  {words}", value)
        self.work_function = QLineEdit("0")
        self.work_function.setAccessibleName("Work function in eV")
        self.work_function.setMaximumWidth(60)
        line = row(
            QLabel("Photon energy / eV"),
            self.energy,
            QLabel("work function"),
            self.work_function,
            button("Set", "Turns the kinetic-energy axis into binding energy", self.set_photon_energy),
        )
        line.setContentsMargins(0, 0, 0, 0)
        self.photon.setLayout(line)
        self.body.addWidget(self.photon)

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document."""
        entry, spectrum = self.document.entry, self.document.spectrum()
        self.setEnabled(entry is not None)
        if entry is None or spectrum is None:
            self.rows.set_rows(())
            return
        for name, text in _meta_words(spectrum.meta).items():
            self.meta[name].setText(text)
            self.meta[name].setToolTip(text)
        self.rows.set_rows(
            [Row(str(i), (Cell(step_words(step)), Cell(step.note))) for i, step in enumerate(entry.recipe.steps)]
        )
        self.remove.setEnabled(bool(entry.recipe.steps))
        self.noise.setCurrentIndex([key for _, key in NOISES].index(_noise_key(entry)))
        self.noise_now.setText(noise_words(spectrum.noise))
        self.photon.setVisible(spectrum.axis.quantity == "kinetic_energy")

    # -- doing --------------------------------------------------------------------------------------------------

    def _with_recipe(self, words: str, recipe: Recipe) -> None:
        """Use a recipe; one that cannot be applied is refused. Fits of changed data lose their results."""
        entry = self.document.entry
        if entry is None:
            return
        recipe.apply(entry.spectrum)
        moved = recipe.energy_shift - entry.recipe.energy_shift
        if entry.spectrum.axis.quantity == "kinetic_energy" and not any(
            s.kind == "photon_energy" for s in recipe.steps
        ):
            moved = -moved
        fits = tuple(replace(f, model=f.model.moved(moved) if moved else f.model, result=None) for f in entry.fits)
        changed = replace(entry, recipe=recipe, fits=fits)
        self.document.apply(words, self.document.project.with_entry(changed))

    def _set_noise(self, _: int) -> None:
        entry = self.document.entry
        if entry is None or self.noise.currentData() == _noise_key(entry):
            return
        key, words = self.noise.currentData(), self.noise.currentText()
        self.attempt(lambda: self._with_recipe(f"Noise: {words}", _with_noise(entry, key)))
        self.refresh()

    def set_photon_energy(self) -> None:
        """Turn a kinetic-energy axis into binding energy."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            energy = parse_number(self.energy.currentText().split("  ")[0], "The photon energy")
            function = parse_number(self.work_function.text(), "The work function")
            if energy <= 0:
                raise BadModel("The photon energy is above zero", where=f"{energy:g} eV")
            if entry.fits:
                raise BadModel("The spectrum has regions on its kinetic-energy axis", todo="Remove them first")
            step = Step("photon_energy", (("photon_energy", energy), ("work_function", function)), "set by the user")
            self._with_recipe(
                f"Photon energy {energy:g} eV", Recipe((step, *entry.recipe.without_kind("photon_energy").steps))
            )

        self.attempt(change)

    def remove_step(self) -> None:
        """Take the selected step out of the recipe."""
        entry, key = self.document.entry, self.steps.current_key()
        if entry is None or key is None:
            return
        steps = entry.recipe.steps
        gone = steps[int(key)]
        rest = Recipe(steps[: int(key)] + steps[int(key) + 1 :])
        self.attempt(lambda: self._with_recipe(f"Remove: {step_words(gone)}", rest))


def _with_noise(entry: Entry, key: str) -> Recipe:
    """The entry's recipe with the user's word on the noise."""
    recipe = entry.recipe.without_kind("noise")
    if key == "file":
        return recipe
    params: tuple[tuple[str, float | str], ...] = (("kind", "unknown" if key == "unknown" else "poisson"),)
    if key == "poisson":
        params = (*params, ("gain", _gain(entry)))
    return recipe.with_step(Step("noise", params, "set by the user"))


def _gain(entry: Entry) -> float:
    """Intensity units a count: 1 for counts, else what dwell time and sweeps say."""
    meta = entry.spectrum.meta
    if meta.intensity_unit == "counts/s" and meta.live_time:
        return 1.0 / meta.live_time
    if meta.intensity_unit == "counts":
        return 1.0
    raise BadModel("The counts behind these intensities are not recorded", todo="Choose “Poisson, scale unknown”")


def _noise_key(entry: Entry) -> str:
    for step in entry.recipe.steps:
        if step.kind == "noise":
            if step.get("kind") != "poisson":
                return "unknown"
            return "poisson" if any(name == "gain" for name, _ in step.params) else "scaled"
    return "file"


def _meta_words(meta: Meta) -> dict[str, str]:
    def words(value: float | None, unit: str) -> str:
        return NOT_RECORDED if value is None else f"{plain(value, 4)} {unit}".strip()

    photon = words(meta.photon_energy, "eV") + (f"  ({meta.source})" if meta.source else "")
    return {
        "Photon energy": photon,
        "Pass energy": words(meta.pass_energy, "eV"),
        "Sweeps": words(meta.sweeps, ""),
        "Dwell time": words(meta.dwell_time, "s"),
        "Emission angle": words(meta.emission_angle, "°"),
        "Instrument": meta.instrument or NOT_RECORDED,
        "Date": meta.date or NOT_RECORDED,
        "File": meta.file or NOT_RECORDED,
    }
