"""Removal of the zero-loss peak with a live picture of what is taken away, and Fourier-log."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from app.gui.eels.zero_loss_part import ZeroLossPart, spectra_of
from app.gui.panels.base import button, muted, row
from app.gui.panels.forms import METHODS
from app.gui.panels.numbers import plain
from app.gui.panels.part import field, number_of
from app.gui.panels.step_form import step_words
from app.gui.plot.bands import Band
from app.gui.tasks import Cancel, Progress
from app.numerals import with_error
from app.project import loss_process, process
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.eels.separation import Rule, Separation, split_energy
from fitting.processing.zero_loss_removal import rule_step, separated
from fitting.recipe import Step
from libraries.errors import BadData, BadModel, SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel

BAND, OWNER = "zero loss/limit", "zero loss"
TIPS = {
    "mirrored tail": "The peak is symmetric: beyond the limit its left tail is mirrored. Needs the left side recorded.",
    "fitted": "A pseudo-Voigt function with a width for either side is fitted below the limit and continued above it.",
    "power law": "The tail falls by a power of the energy, fitted between two energies without losses.",
    "vacuum reference": "A peak measured beside the specimen is moved and scaled to this one.",
    "cut": "Everything below the limit is zero loss, everything above is loss: the tail counts as loss.",
}


class RemovalPart(ZeroLossPart):
    """Rule for the zero-loss peak, its picture on the plot, and the steps that use it."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self._for: object = None
        self.found: Separation | None = None
        self.method = QComboBox()
        self.method.setAccessibleName("How the zero loss is told from losses")
        for key, words in METHODS.items():
            self.method.addItem(words[0].upper() + words[1:], key)
        self.method.activated.connect(lambda _: self._changed())
        self.limit = field("Losses from, in eV", tip="Where the first loss is seen; drag the edge of the band")
        self.low = field("Power law from, in eV", tip="The tail between here and the losses must hold no loss")
        self.vacuum = QComboBox()
        self.vacuum.setAccessibleName("Vacuum measurement")
        self.vacuum.activated.connect(lambda _: self._changed())
        for line in (self.limit, self.low):
            line.editingFinished.connect(self._changed)
        self.find = button("Find", "The first minimum behind the peak", self.find_limit)
        self.form = QFormLayout()
        self.form.addRow("Zero loss by", row(self.method, self.vacuum))
        self.form.addRow("Losses from / eV", row(self.limit, self.find))
        self.form.addRow("Power law from / eV", row(self.low))
        self.body.addLayout(self.form)
        self.tip = muted("")
        self.value = QLabel()
        self.value.setWordWrap(True)
        self.value.setAccessibleName("Zero-loss area")
        self.warning = muted("")
        self.warning.setProperty("role", "warning")
        for widget in (self.tip, self.value, self.warning):
            self.body.addWidget(widget)
        self.look = button("Show the tail", "Bring the range about the limit onto the plot", self.show_tail)
        self.go = button("Remove zero loss", "Keep only the losses, as a step of the recipe", self.remove, primary=True)
        self.body.addLayout(row(self.go, self.look))
        self.width = field("Width of the Gaussian in eV", empty="resolution kept", width=120,
                           tip="FWHM of the Gaussian that replaces the zero-loss peak; not below its width")
        self.log = button("Fourier-log", "Single scattering without plural losses: J1 in counts per channel",
                          self.fourier_log)
        self.body.addLayout(row(self.log, QLabel("Gaussian FWHM / eV"), self.width))
        self.back = button("Take it back", "Take this step out of the recipe", self.take_back)
        self.done = muted("")
        self.body.addWidget(self.done)
        self.body.addLayout(row(self.back))

    # -- showing ------------------------------------------------------------------------------------------------

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """Rule and picture for the shown spectrum."""
        spectra_of(self.vacuum, self.page, "choose spectrum", entry.id)
        if entry.id != self._for:
            self._for = entry.id
            self.limit.clear()
            self.low.clear()
            self._suggest(spectrum)
        step = self._step_of(entry)
        ready = step is None and not self.page.busy
        for widget in (self.go, self.log):
            widget.setEnabled(ready)
        self.done.setText("" if step is None else f"{step_words(step)}.")
        self.done.setVisible(step is not None)
        self.back.setVisible(step is not None)
        self._show_rows()
        self._preview(spectrum, step)

    @staticmethod
    def _step_of(entry: Entry) -> Step | None:
        return next((s for s in entry.recipe.active if s.kind in ("zero_loss", "fourier_log")), None)

    def _show_rows(self) -> None:
        method = self.method.currentData()
        self.tip.setText(TIPS[method])
        self.form.setRowVisible(2, method == "power law")
        self.vacuum.setVisible(method == "vacuum reference")

    def _suggest(self, spectrum: Spectrum) -> None:
        if not spectrum.x[0] < 0 < spectrum.x[-1]:
            return
        for way in ("minimum", "inflexion"):
            try:
                limit = split_energy(spectrum.x, spectrum.y, way)  # type: ignore[arg-type]
            except SodaliteError:
                continue
            if limit > 0:
                self._set_limit(limit, spectrum)
                return

    def find_limit(self) -> None:
        """The first minimum behind the peak of the shown spectrum."""
        spectrum = self.page.document.shown()
        if spectrum is None:
            return

        def find() -> None:
            self._set_limit(split_energy(spectrum.x, spectrum.y), spectrum)

        self.page.attempt(find)

    def _set_limit(self, limit: float, spectrum: Spectrum) -> None:
        """A proposal: not beyond what the recorded left side can be mirrored to."""
        centre = float(spectrum.x[int(np.argmax(spectrum.y))])
        reach = 2.0 * centre - float(spectrum.x[0]) - spectrum.axis.step
        if self.method.currentData() == "mirrored tail" and 0 < reach < limit:
            limit = math.floor(100.0 * reach) / 100.0
        self.limit.setText(plain(limit, 2))
        self.low.setText(plain(0.5 * limit, 2))

    def rule(self) -> Rule:
        """What is chosen.

        Raises
        ------
        BadModel, BadData
            If a number or the vacuum measurement is missing.
        """
        limit = number_of(self.limit, "The start of the losses")
        if limit is None:
            raise BadModel("The start of the losses is missing", todo="Type it, or drag the band on the plot")
        method = self.method.currentData()
        low = number_of(self.low, "The start of the power law") if method == "power law" else None
        reference = None
        if method == "vacuum reference":
            if not self.vacuum.currentData():
                raise BadData("The vacuum measurement is missing", todo="Choose the spectrum")
            vacuum = self.page.document.project.entry(self.vacuum.currentData()).single()
            reference = (vacuum.x, vacuum.y)
        return Rule(method, limit, low, reference)

    def _preview(self, spectrum: Spectrum, step: Step | None) -> None:
        """The peak that would be taken away, as a line on the plot."""
        self.found = None
        if step is not None or not self.page.seen(self):
            self.page.guide(None)
            self.page.bands(OWNER, ())
            self.value.hide()
            self.warning.hide()
            return
        try:
            rule = self.rule()
            self.found = separated(spectrum, rule)
        except SodaliteError as error:
            self.value.hide()
            self.warning.setText(str(error))
            self.warning.show()
            self.page.guide(None)
        else:
            self.warning.hide()
            self.value.setText(area_words(self.found))
            self.value.show()
            self.page.guide((spectrum.x, self.found.zero_loss))
        self._show_band(spectrum)

    def _show_band(self, spectrum: Spectrum) -> None:
        try:
            limit = number_of(self.limit, "The limit")
            low = number_of(self.low, "The start") if self.method.currentData() == "power law" else None
        except SodaliteError:
            limit = None
        if limit is None or not spectrum.x[0] < limit < spectrum.x[-1]:
            self.page.bands(OWNER, ())
            return
        tail = low is not None and low < limit
        start = float(low) if tail and low is not None else float(spectrum.x[0])
        label = "tail without losses" if tail else "zero loss"
        self.page.bands(OWNER, (Band(BAND, label, start, limit, colour=3),))

    def band_moved(self, low: float, high: float) -> None:
        """The band was dragged: its right edge is the limit."""
        self.limit.setText(plain(high, 3))
        if self.method.currentData() == "power law":
            self.low.setText(plain(low, 3))
        self._changed()

    def _changed(self) -> None:
        entry, spectrum = self.page.document.entry, self.page.document.shown()
        self._show_rows()
        if entry is not None and spectrum is not None:
            self._preview(spectrum, self._step_of(entry))

    def show_tail(self) -> None:
        """Zoom to the limit, where the losses are small beside the peak."""
        def zoom() -> None:
            limit = number_of(self.limit, "The limit")
            if limit is None:
                raise BadModel("The start of the losses is missing")
            self.page.show_range(0.4 * limit, 4.0 * limit)

        self.page.attempt(zoom)

    # -- doing --------------------------------------------------------------------------------------------------

    def remove(self) -> None:
        """The step that takes the peak away."""
        self._start("zero_loss", "Remove the zero loss", ())

    def fourier_log(self) -> None:
        """The step that leaves single scattering."""
        def start() -> None:
            width = number_of(self.width, "The width of the Gaussian")
            self._start("fourier_log", "Fourier-log", () if width is None else (("fwhm", width),))

        self.page.attempt(start)

    def _start(self, kind: str, words: str, more: tuple[tuple[str, float | str], ...]) -> None:
        entry, project = self.page.document.entry, self.page.document.project
        if entry is None:
            return

        def start() -> None:
            step = rule_step(kind, self.rule(), more)

            def work(progress: Progress, _: Cancel) -> Project:
                return loss_process.with_analysis(project, entry.id, step, progress)

            self.page.run(f"{words}: {entry.title}", work, lambda _: words)

        self.page.attempt(start)

    def take_back(self) -> None:
        """Take the step out again."""
        entry, document = self.page.document.entry, self.page.document
        if entry is None:
            return

        def change() -> None:
            recipe = entry.recipe.without_kind("zero_loss").without_kind("fourier_log")
            document.apply("Take the removal of the zero loss back",
                           process.with_recipe(document.project, entry.id, recipe))

        self.page.attempt(change)


def area_words(found: Separation) -> str:
    """The zero-loss area and what is left."""
    total = found.area + float(np.sum(found.inelastic))
    error = found.area_err
    told = with_error(found.area, error) if math.isfinite(error) else f"{found.area:.5g} ± not determined"
    words = f"I₀ = {told}, {100 * found.area / total:.1f} % of all counts" if total > 0 else f"I₀ = {told}"
    if total > found.area > 0:
        words += f"; t/λ = ln(Iₜ/I₀) = {math.log(total / found.area):.4f}"
    return f"{words}. {found.note[0].upper()}{found.note[1:]}."
