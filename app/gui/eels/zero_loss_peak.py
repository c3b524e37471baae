"""Position and width of the zero-loss peak, its maps, the alignment of an image, and the noise."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QCheckBox, QComboBox, QFormLayout, QLabel, QWidget

from app.gui.eels.zero_loss_part import ZeroLossPart
from app.gui.panels.base import button, muted, row
from app.gui.panels.part import field, number_of
from app.gui.panels.process_panel import noise_words
from app.gui.tasks import Cancel, Progress
from app.numerals import UNDETERMINED, with_error
from app.project import loss_process, process
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.processing.image_spikes import THRESHOLD
from libraries.errors import BadModel, SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel

NO_ERRORS = "Errors are not determined: the size of one count is not known. Estimate the noise."


class PeakPart(ZeroLossPart):
    """What the zero-loss peak of the shown spectrum says: offset and energy resolution."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self._for: object = None
        self.position, self.fwhm = QLabel(), QLabel()
        self.position.setAccessibleName("Position of the zero loss")
        self.fwhm.setAccessibleName("Energy resolution")
        self.fwhm.setToolTip("Full width of the zero-loss peak at half its height")
        form = QFormLayout()
        form.addRow("Position", self.position)
        form.addRow("Energy resolution (FWHM)", self.fwhm)
        self.low = field("Search from, in eV", empty="start of the axis", width=120)
        self.high = field("Search to, in eV", empty="end of the axis", width=120)
        for line in (self.low, self.high):
            line.setToolTip("Where the zero-loss peak is looked for: needed where a plasmon is higher, or where the "
                            "axis is not calibrated and does not hold 0 eV")
            line.editingFinished.connect(page.show_now)
        form.addRow("Search / eV", row(self.low, QLabel("to"), self.high))
        self.body.addLayout(form)
        self.words = muted("")
        self.warnings = muted("")
        self.warnings.setProperty("role", "warning")
        self.body.addWidget(self.words)
        self.body.addWidget(self.warnings)
        self.maps = button("Maps of position and width", "For every pixel, with errors where the noise is known",
                           self.make_maps)
        self.noise = muted("")
        self.estimate = button("Estimate noise", "Size of one count, read noise and the correlation of neighbouring "
                               "channels, from the scatter of the data", self.estimate_noise)
        self.body.addLayout(row(self.maps, self.estimate))
        self.body.addWidget(self.noise)

    def window(self) -> loss_process.Window | None:
        """Where to search; None for the whole axis.

        Raises
        ------
        BadModel
            If only one end is given, or the ends are no numbers.
        """
        low, high = number_of(self.low, "The start of the search"), number_of(self.high, "The end of the search")
        if low is None and high is None:
            return None
        entry = self.page.document.entry
        x = entry.processed().x if entry is not None else (0.0, 0.0)
        low, high = float(x[0]) if low is None else low, float(x[-1]) if high is None else high
        if low >= high:
            raise BadModel("The search ends before it begins", where=f"{low:g} to {high:g} eV")
        return low, high

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """Measure the peak of the shown spectrum."""
        if entry.id != self._for:
            self._for = entry.id
            self.low.clear()
            self.high.clear()
        self.maps.setVisible(bool(entry.spectrum.navigation))
        self.maps.setEnabled(not self.page.busy)
        self.estimate.setEnabled(not self.page.busy)
        self.noise.setText(f"Noise: {noise_words(spectrum.noise)}" + (
            f", neighbouring channels correlate by {spectrum.noise.correlation:.2f}"
            if spectrum.noise.correlation else ""))
        try:
            peak = loss_process.measured_peak(spectrum, self.window())
        except SodaliteError as error:
            self._show("–", "–", "", str(error))
            return
        if peak.fault:
            self._show(UNDETERMINED, UNDETERMINED, "", _sentence(peak.fault, *peak.warnings))
            return
        known = math.isfinite(peak.position_err)
        self._show(_value(peak.position, peak.position_err, 4), _value(peak.fwhm, peak.fwhm_err, 4),
                   "" if known else NO_ERRORS, _sentence(*peak.warnings))

    def _show(self, position: str, fwhm: str, words: str, warning: str) -> None:
        self.position.setText(position)
        self.fwhm.setText(fwhm)
        for label, text in ((self.words, words), (self.warnings, warning)):
            label.setText(text)
            label.setVisible(bool(text))

    def make_maps(self) -> None:
        """Position and width of every pixel."""
        entry = self.page.document.entry
        if entry is None:
            return

        def start() -> None:
            window, project = self.window(), self.page.document.project

            def work(progress: Progress, cancel: Cancel) -> Project:
                return loss_process.zero_loss_maps(project, entry.id, window, progress=progress, cancel=cancel)

            self.page.run(f"Zero loss of {entry.title}", work, lambda _: "Maps of the zero loss")

        self.page.attempt(start)

    def estimate_noise(self) -> None:
        """Estimate the noise and keep it as a step."""
        entry, project = self.page.document.entry, self.page.document.project
        if entry is None:
            return
        said: list[str] = []

        def work(progress: Progress, _: Cancel) -> Project:
            progress(-1.0, f"Noise of {entry.title}")
            result, gain = process.estimate_noise(project, entry.id)
            said.append(f"Estimate noise: {with_error(gain.value, gain.error)} intensity units a count")
            return result

        self.page.run(f"Noise of {entry.title}", work, lambda _: said[0])


class SpikesPart(ZeroLossPart):
    """Cosmic rays in an image or series."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.threshold = field("Above noise by, in standard errors", width=64)
        self.threshold.setText(f"{THRESHOLD:g}")
        self.go = button("Take out spikes", "Replace channels that stand out in one spectrum and not in the others",
                         self.remove)
        self.words = muted("")
        self.body.addLayout(row(self.go, QLabel("above noise by / σ"), self.threshold))
        self.body.addWidget(self.words)

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """What was taken out."""
        self.go.setEnabled(not self.page.busy)
        step = next((step for step in entry.recipe.active if step.kind == "image_spikes"), None)
        if step is None:
            self.words.setText("Channels that only one spectrum has: the mean spectrum tells what is usual.")
            return
        count = step.number("count", 0.0)
        self.words.setText(f"{count:.0f} channels replaced by the line between their neighbours.")

    def remove(self) -> None:
        """Look for spikes and take them out."""
        entry, project = self.page.document.entry, self.page.document.project
        if entry is None:
            return
        said: list[str] = []

        def start() -> None:
            threshold = number_of(self.threshold, "The threshold") or THRESHOLD

            def work(progress: Progress, cancel: Cancel) -> Project:
                result, count = loss_process.remove_spikes(project, entry.id, threshold, progress=progress,
                                                           cancel=cancel)
                said.append(f"Take out {count} spikes")
                return result

            self.page.run(f"Spikes of {entry.title}", work, lambda _: said[0])

        self.page.attempt(start)


class AlignPart(ZeroLossPart):
    """Moves the zero-loss peak of every spectrum to 0 eV."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self.method = QComboBox()
        self.method.setAccessibleName("How spectra are moved")
        self.method.addItem("between channels", "linear")
        self.method.addItem("by whole channels", "whole")
        self.method.setToolTip("Between channels places are exact and neighbours correlate; by whole channels counts "
                               "stay as they are, each spectrum off by up to half a channel")
        self.along = QCheckBox()
        self.along.setChecked(True)
        self.go = button("Align", "Move the zero-loss peak of every spectrum to 0 eV; raw data stay", self.align,
                         primary=True)
        self.undo = button("Take alignment back", "Take the alignment out of the recipe", self.remove)
        self.words = muted("")
        self.method_words = QLabel("Move")
        self.body.addLayout(row(self.go, self.method_words, self.method, self.undo))
        self.body.addWidget(self.along)
        self.body.addWidget(self.words)

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """What was aligned."""
        partners = loss_process.partners_of(self.page.document.project, entry.id)
        self.along.setVisible(bool(partners))
        self.along.setText("also the core loss of the same scan: " + ", ".join(p.title for p in partners))
        single = not entry.spectrum.navigation
        self.method.setVisible(not single)
        self.method_words.setVisible(not single)
        self.go.setEnabled(not self.page.busy)
        step = next((step for step in entry.recipe.active if step.kind == "align"), None)
        self.undo.setVisible(step is not None)
        if step is not None:
            self.words.setText(f"Aligned: {step.note}.")
        elif single:
            self.words.setText("A single spectrum only gets another energy axis; its counts stay.")
        else:
            self.words.setText("Straight lines between channels keep the counts; channels that not all spectra reach "
                               "are left out.")

    def align(self) -> None:
        """Align the shown image or spectrum."""
        entry, project = self.page.document.entry, self.page.document.project
        if entry is None:
            return
        method = "linear" if self.method.isHidden() else str(self.method.currentData())
        partners = self.along.isChecked()

        def start() -> None:
            window = self.page.peak.window()

            def work(progress: Progress, cancel: Cancel) -> Project:
                return loss_process.align(project, entry.id, method=method, window=window, partners=partners,
                                          progress=progress, cancel=cancel).project

            self.page.run(f"Align {entry.title}", work, lambda _: "Align the zero loss")

        self.page.attempt(start)

    def remove(self) -> None:
        """Take the alignment out, of the core loss of the same scan too."""
        entry, project = self.page.document.entry, self.page.document.project
        if entry is None:
            return

        def change() -> None:
            result = project
            for one in (entry, *loss_process.partners_of(project, entry.id)):
                result = process.with_recipe(result, one.id, one.recipe.without_kind("align"))
            self.page.document.apply("Take the alignment back", result)

        self.page.attempt(change)


def _value(value: float, error: float, decimals: int) -> str:
    if not math.isfinite(value):
        return UNDETERMINED
    if math.isfinite(error):
        return f"{with_error(value, error)} eV"
    return f"{with_error(value, None, decimals)} eV ± {UNDETERMINED}"


def _sentence(*parts: str) -> str:
    """Remarks as sentences."""
    return " ".join(f"{part[0].upper()}{part[1:]}." if not part.endswith(("?", ".")) else f"{part[0].upper()}{part[1:]}"
                    for part in parts if part)
