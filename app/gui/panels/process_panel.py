"""The Process panel: how the spectrum was measured, and the recorded steps from raw data to the fitted spectrum."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QLineEdit, QWidget

from app.gui.document import Document
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.combine_part import CombinePart
from app.gui.panels.measured_words import measured_words
from app.gui.panels.numbers import parse_number
from app.gui.panels.step_form import StepForm, step_words
from app.gui.panels.sweeps_part import SweepsPart
from app.gui.panels.tables import Cell, Column, Row, RowsModel, RowsView
from app.gui.sims.cube_steps_part import CubeStepsPart
from app.gui.sims.facts import FACTS, facts
from app.gui.sims.mass_shift_part import MassShiftPart
from app.project import process
from app.project.project import Entry
from fitting.dataset import Meta, Noise, Spectrum
from fitting.recipe import Recipe, Step
from libraries.errors import BadModel, SodaliteError

NOISES = (
    ("As recorded in the file", "file"),
    ("Poisson: counts", "poisson"),
    ("Poisson, scale unknown", "scaled"),
    ("Unknown: from the residuals", "unknown"),
)
SOURCES = (("Al Kα", 1486.6), ("Mg Kα", 1253.6))


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
    """Circumstances, recipe, noise and photon energy of the shown spectrum; its sweeps; new spectra from several.

    Signals
    -------
    before_wanted(bool)
        Show the raw spectrum behind the processed one, or not.
    """

    before_wanted = Signal(bool)

    def __init__(self, document: Document, parent: QWidget | None = None) -> None:
        super().__init__(document, "Process", parent)
        self.body.addWidget(heading("Measurement"))
        form = QFormLayout()
        self.meta: dict[str, QLabel] = {}
        told = dict.fromkeys((*tuple(measured_words(Meta(technique="eels")))[:5], *FACTS,
                              *measured_words(Meta(technique="xps"))))
        for name in told:
            label = QLabel()
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setWordWrap(True)
            self.meta[name] = label
            form.addRow(muted(name), label)
        self.body.addLayout(form)
        self._meta_form = form
        self._build_noise()
        self._build_photon()
        self._build_steps()
        self.cube, self.masses = CubeStepsPart(document, self), MassShiftPart(document, self)
        self.body.addWidget(self.cube)
        self.body.addWidget(self.masses)
        self.sweeps = SweepsPart()
        self.sweeps.add_wanted.connect(self._add_sweeps)
        self.body.addWidget(self.sweeps)
        self.combine = CombinePart(document)
        self.body.addWidget(self.combine)
        self.body.addStretch(1)
        document.chosen_changed.connect(self._count_chosen)
        self.ready()

    def use_window(self, window: Any) -> None:
        """Corrections of cubes take long and run off the window's thread."""
        self.cube.use_tasks(window.tasks)
        self.masses.use_tasks(window.tasks)

    def _build_steps(self) -> None:
        self.body.addWidget(heading("Steps from raw data"))
        self.rows = self.table(RowsModel((Column("Step"), Column("Why"))))
        self.rows.toggled.connect(self._switch)
        self.steps = RowsView(self.rows, "Recipe")
        self.steps.set_widths((270, 180))
        self.steps.horizontalHeader().setStretchLastSection(True)
        self.steps.current_changed.connect(self._show_step)
        self.body.addWidget(self.steps)
        self.none = muted("No steps: the data are shown as measured. Raw data are never changed.")
        self.body.addWidget(self.none)
        self.remove = button(
            "Remove step", "Take the selected step out; the raw data are never changed", self.remove_step
        )
        self.before = QCheckBox("Show raw data behind")
        self.before.setToolTip("The spectrum before all steps as a line; scaled to the same height where units differ")
        self.before.toggled.connect(self.before_wanted)
        self.body.addLayout(row(self.remove, self.before))
        self.form = StepForm(self.document)
        self.body.addWidget(self.form)
        self.add = button("Add step", "Add this step to the recipe", self.add_step)
        self.change = button("Change selected step", "Give the selected step these numbers", self.change_step)
        self.form.changed.connect(self._show_buttons)
        self.body.addLayout(row(self.add, self.change))

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
        self.estimate = button(
            "Estimate from the data", "Size of one count from the scatter of sweeps or of neighbouring channels",
            self.estimate_noise,
        )
        self.body.addLayout(row(self.noise, self.estimate))
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
        self.work_function_words = QLabel("work function")
        self.set_photon = button("Set", "", self.set_photon_energy)
        line = row(
            QLabel("Photon energy / eV"),
            self.energy,
            self.work_function_words,
            self.work_function,
            self.set_photon,
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
            self.sweeps.show_series(None)
            self.cube.refresh()
            self.masses.refresh()
            return
        told = facts(spectrum) if spectrum.meta.technique == "sims" else measured_words(spectrum.meta)
        for name, label in self.meta.items():
            self._meta_form.setRowVisible(label, name in told)
            label.setText(told.get(name, ""))
            label.setToolTip(told.get(name, ""))
        unit = self._unit()
        self.rows.set_rows(
            [
                Row(str(i), (Cell(step_words(step, unit), checked=step.enabled, muted=not step.enabled,
                                  tooltip=step.note),
                             Cell(step.note, tooltip=step.note, muted=not step.enabled)))
                for i, step in enumerate(entry.recipe.steps)
            ]
        )
        some = bool(entry.recipe.steps)
        self.steps.setVisible(some)
        self.steps.fit_height(2, 8)
        self.none.setVisible(not some)
        self.remove.setVisible(some)
        self.before.setVisible(some and not spectrum.axis.labels)  # profiles are drawn without the raw ones
        refused = _refusal(entry)
        if refused:
            self.say(refused)
        self.noise.setCurrentIndex([key for _, key in NOISES].index(_noise_key(entry)))
        self.noise_now.setText(noise_words(spectrum.noise))
        # The points of a depth profile are no repeats from whose scatter a gain could follow.
        self.estimate.setVisible(spectrum.meta.technique != "sims")
        self._show_photon(spectrum)
        self.cube.refresh()
        self.masses.refresh()
        self.sweeps.show_series(_sweeps(entry))
        self.combine.setVisible(not spectrum.axis.labels)  # profiles have no common axis to be combined on
        self.combine.refresh()
        self.form.suggest()
        self._count_chosen()
        self._show_buttons()

    def _unit(self) -> str:
        """What stands behind numbers on the axis."""
        entry = self.document.entry
        return "" if entry is not None and entry.spectrum.meta.technique == "sims" else " eV"

    def _show_photon(self, spectrum: Spectrum) -> None:
        """Ask for the photon energy where an electron spectrum lacks it, or its axis is to be turned by it."""
        kinetic = spectrum.axis.quantity == "kinetic_energy"
        untold = spectrum.axis.quantity == "binding_energy" and spectrum.meta.photon_energy is None
        self.photon.setVisible(kinetic or untold)
        for widget in (self.work_function_words, self.work_function):
            widget.setVisible(kinetic)  # binding energies hold it already
        self.set_photon.setToolTip("Turns the kinetic-energy axis into binding energy" if kinetic
                                   else "Needed for sensitivity factors, mean free paths and Auger lines")

    def _count_chosen(self) -> None:
        self.form.show_chosen(len(self.document.chosen))

    def chosen_step(self) -> Step | None:
        """The step that is selected in the table."""
        entry, key = self.document.entry, self.steps.current_key()
        if entry is None or key is None or int(key) >= len(entry.recipe.steps):
            return None
        return entry.recipe.steps[int(key)]

    def _show_buttons(self) -> None:
        step = self.chosen_step()
        self.remove.setEnabled(step is not None)
        self.change.setVisible(step is not None and step.kind == self.form.form.kind)

    def _show_step(self, _: str) -> None:
        step = self.chosen_step()
        if step is not None:
            self.form.show_step(step)
        self._show_buttons()

    # -- doing --------------------------------------------------------------------------------------------------

    def _with_recipe(self, words: str, recipe: Recipe) -> None:
        """Use a recipe; one that cannot be applied is refused. Fits of changed data lose their results."""
        entry = self.document.entry
        if entry is not None:
            self.document.apply(words, process.with_recipe(self.document.project, entry.id, recipe))

    def add_step(self) -> None:
        """Add the step of the form, for the shown spectrum or for all chosen ones."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            step = self.form.step(entry.recipe)
            project = self.document.project
            ids = self.document.chosen if self.form.for_all.isChecked() else (entry.id,)
            if step.kind in ("spikes", "image_spikes", "align") and len(ids) > 1:
                raise BadModel("Spikes and shifts differ from spectrum to spectrum", todo="Take them one by one")
            self.document.apply(step_words(step, self._unit()), process.with_step_for(project, ids, step))

        if self.attempt(change) and self.document.entry is not None:
            steps = self.document.entry.recipe.steps
            new = next((i for i in reversed(range(len(steps))) if steps[i] not in entry.recipe.steps), len(steps) - 1)
            self.steps.show_current(str(new))
            self._show_step("")

    def change_step(self) -> None:
        """Give the selected step the numbers of the form."""
        entry, key = self.document.entry, self.steps.current_key()
        old = self.chosen_step()
        if entry is None or key is None or old is None:
            return

        def change() -> None:
            step = self.form.step(entry.recipe, old.note)
            steps, at = entry.recipe.steps, int(key)
            words = f"Change: {step_words(step, self._unit())}"
            self._with_recipe(words, Recipe((*steps[:at], step, *steps[at + 1 :])))

        self.attempt(change)

    def _switch(self, key: str, _: int, on: bool) -> None:
        entry = self.document.entry
        if entry is None:
            return
        steps = entry.recipe.steps
        at = int(key)
        step = replace(steps[at], enabled=on)
        words = f"Switch {'on' if on else 'off'}: {step_words(step, self._unit())}"
        self.attempt(lambda: self._with_recipe(words, Recipe((*steps[:at], step, *steps[at + 1 :]))))
        self.refresh()

    def estimate_noise(self) -> None:
        """Estimate the gain from the data and record it."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            project, gain = process.estimate_noise(self.document.project, entry.id)
            self.document.apply(f"Estimate noise: gain {gain.value:.4g} ± {gain.error:.1g}", project)

        self.attempt(change)

    def _add_sweeps(self, drift: object, method: str) -> None:
        entry = self.document.entry
        if entry is None:
            return
        words = "Add sweeps" if drift is None else "Align and add sweeps"
        self.attempt(lambda: self.document.apply(
            words, process.sum_sweeps(self.document.project, entry.id, drift, method)  # type: ignore[arg-type]
        ))

    def _set_noise(self, _: int) -> None:
        entry = self.document.entry
        if entry is None or self.noise.currentData() == _noise_key(entry):
            return
        key, words = self.noise.currentData(), self.noise.currentText()
        self.attempt(lambda: self._with_recipe(f"Noise: {words}", _with_noise(entry, key)))
        self.refresh()

    def set_photon_energy(self) -> None:
        """Tell the photon energy; it turns a kinetic-energy axis into binding energy."""
        entry = self.document.entry
        if entry is None:
            return

        def change() -> None:
            energy = parse_number(self.energy.currentText().split("  ")[0], "The photon energy")
            if energy <= 0:
                raise BadModel("The photon energy is above zero", where=f"{energy:g} eV")
            params: tuple[tuple[str, float | str], ...] = (("photon_energy", energy),)
            if entry.spectrum.axis.quantity == "kinetic_energy":
                if entry.fits:
                    raise BadModel("The spectrum has regions on its kinetic-energy axis", todo="Remove them first")
                function = parse_number(self.work_function.text(), "The work function")
                params = (*params, ("work_function", function))
            step = Step("photon_energy", params, "set by the user")
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
        self.attempt(lambda: self._with_recipe(f"Remove: {step_words(gone, self._unit())}", rest))


def _with_noise(entry: Entry, key: str) -> Recipe:
    """The entry's recipe with the user's word on the noise."""
    recipe = entry.recipe.without_kind("noise")
    if key == "file":
        return recipe
    params: tuple[tuple[str, float | str], ...] = (("kind", "unknown" if key == "unknown" else "poisson"),)
    if key == "poisson":
        params = (*params, ("gain", _gain(entry)))
    # In front: steps behind it carry the noise along.
    return recipe.with_front(Step("noise", params, "set by the user"))


def _gain(entry: Entry) -> float:
    """Intensity units a count: 1 for counts, else what dwell time and sweeps say."""
    meta = entry.spectrum.meta
    if meta.intensity_unit == "counts/s" and meta.live_time:
        return 1.0 / meta.live_time
    if meta.intensity_unit == "counts":
        return 1.0
    raise BadModel("The counts behind these intensities are not recorded", todo="Choose “Poisson, scale unknown”")


def _refusal(entry: Entry) -> str:
    """Why the recipe of an entry cannot be applied; "" where it can."""
    try:
        entry.processed()
    except SodaliteError as error:
        return str(error)
    return ""


def _sweeps(entry: Entry) -> Spectrum | None:
    """The single sweeps of a series in one energy region; None where there are none."""
    if len(entry.spectrum.navigation) != 1 or entry.spectrum.stored or entry.spectrum.meta.technique == "sims":
        return None  # the pixels of an image and the points of a depth profile are no repeats of one measurement
    try:
        sweeps = process.before_sum(entry)
    except SodaliteError:
        return None
    return sweeps if sweeps.pixels >= 2 else None


def _noise_key(entry: Entry) -> str:
    for step in entry.recipe.active:
        if step.kind == "noise":
            if step.get("kind") != "poisson":
                return "unknown"
            return "poisson" if any(name == "gain" for name, _ in step.params) else "scaled"
    return "file"
