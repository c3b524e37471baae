"""Fourier-ratio of core losses and Richardson-Lucy sharpening on the Zero loss page."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QComboBox, QFormLayout, QLabel, QWidget

from app.gui.eels.zero_loss_part import ZeroLossPart, spectra_of
from app.gui.panels.base import button, muted, row
from app.gui.panels.numbers import plain
from app.gui.panels.part import field, number_of
from app.gui.panels.step_form import step_words
from app.gui.tasks import Cancel, Progress
from app.project import loss_process, process
from app.project.project import Entry, Project
from fitting.dataset import Spectrum
from fitting.eels.separation import split_energy
from libraries.errors import BadModel, SodaliteError

if TYPE_CHECKING:
    from app.gui.eels.zero_loss_panel import ZeroLossPanel

RATIO_WORDS = ("Divides the plural scattering of the low loss out of a core loss: K1 in counts per channel. The sum "
               "of the low loss over its place serves every pixel.")
LUCY_WORDS = ("Sharpens by a measured peak and keeps the counts; noise grows with every iteration. Errors of what "
              "comes out are not determined.")


class SharpenPart(ZeroLossPart):
    """Two deconvolutions that need another measured spectrum."""

    def __init__(self, page: ZeroLossPanel, parent: QWidget | None = None) -> None:
        super().__init__(page, parent)
        self._for: object = None
        self.low_loss, self.peak = QComboBox(), QComboBox()
        self.low_loss.setAccessibleName("Low loss of the same place")
        self.peak.setAccessibleName("Measured peak")
        self.low_loss.activated.connect(lambda _: self._suggest())
        self.limit = field("Losses of the low loss begin at, in eV")
        self.from_, self.to = field("Background from, in eV"), field("Background to, in eV")
        for line in (self.from_, self.to):
            line.setPlaceholderText("subtracted")
            line.setToolTip("Window of the power law before the edge; empty where the background was subtracted")
        self.ratio_width = field("Width of the Gaussian in eV", empty="resolution kept", width=120)
        self.ratio = QWidget()
        form = QFormLayout(self.ratio)
        form.setContentsMargins(0, 0, 0, 0)
        form.addRow(muted(RATIO_WORDS))
        form.addRow("Low loss", self.low_loss)
        form.addRow("Its losses from / eV", row(self.limit))
        form.addRow("Background / eV", row(self.from_, QLabel("to"), self.to))
        form.addRow("Gaussian FWHM / eV", row(self.ratio_width))
        self.go_ratio = button("Fourier-ratio", "Take plural scattering out of this core loss", self.fourier_ratio,
                               primary=True)
        form.addRow(row(self.go_ratio))
        self.reach = field("Peak within, in eV", empty="all of it", tip="Only this part of the measured spectrum is "
                           "taken as the peak: choose it below the first loss")
        self.iterations = field("Iterations", width=64)
        self.iterations.setText("10")
        self.negative = QComboBox()
        self.negative.setAccessibleName("Negative counts")
        self.negative.addItem("are refused", "refuse")
        self.negative.addItem("count as zero", "zero")
        form = QFormLayout()
        form.addRow(muted(LUCY_WORDS))
        form.addRow("Measured peak", self.peak)
        form.addRow("Peak within ± / eV", row(self.reach, QLabel("Iterations"), self.iterations))
        form.addRow("Negative counts", row(self.negative))
        self.go_lucy = button("Richardson–Lucy", "Sharpen this spectrum or image", self.richardson_lucy)
        self.back = button("Take it back", "Take the last of these steps out of the recipe", self.take_back)
        self.done = muted("")
        self.body.addWidget(self.ratio)
        self.body.addLayout(form)
        self.body.addLayout(row(self.go_lucy))
        self.body.addWidget(self.done)
        self.body.addLayout(row(self.back))

    def show_entry(self, entry: Entry, spectrum: Spectrum) -> None:
        """What can be sharpened, and what was."""
        core = bool(entry.spectrum.x[0] > 0)
        self.ratio.setVisible(core)
        spectra_of(self.low_loss, self.page, "choose spectrum", entry.id)
        spectra_of(self.peak, self.page, "choose spectrum")
        if entry.id != self._for:
            self._for = entry.id
            self.low_loss.setCurrentIndex(max(self.low_loss.findData(entry.low_loss), 0))
            self.peak.setCurrentIndex(max(self.peak.findData(entry.low_loss or ("" if core else entry.id)), 0))
            for line in (self.limit, self.from_, self.to, self.ratio_width, self.reach):
                line.clear()
            self._suggest()
        steps = [s for s in entry.recipe.active if s.kind in ("fourier_ratio", "richardson_lucy")]
        analysed = any(s.kind in loss_process.ANALYSIS_KINDS for s in entry.recipe.active)
        self.go_ratio.setEnabled(not analysed and not self.page.busy)
        self.go_lucy.setEnabled(not self.page.busy)
        self.done.setText("; ".join(step_words(step) for step in steps) + ".")
        self.done.setVisible(bool(steps))
        self.back.setVisible(bool(steps))

    def _suggest(self) -> None:
        """Where the losses of the chosen low loss begin, as far as its minimum tells."""
        chosen = self.low_loss.currentData()
        if not chosen or self.ratio.isHidden():
            return
        try:
            low = self.page.document.project.entry(chosen).single()
            self.limit.setText(plain(split_energy(low.x, low.y), 2))
        except SodaliteError:
            self.limit.clear()

    def fourier_ratio(self) -> None:
        """The step that takes plural scattering out of a core loss."""
        project, entry, place = self._what()
        if entry is None:
            return

        def start() -> None:
            if not self.low_loss.currentData():
                raise BadModel("The low loss of the same place is missing", todo="Choose it")
            limit = number_of(self.limit, "The start of the losses")
            if limit is None:
                raise BadModel("Say where the losses of the low loss begin", where="Fourier-ratio")
            low, high = number_of(self.from_, "The window"), number_of(self.to, "The window")
            if (low is None) != (high is None):
                raise BadModel("The window of the background needs both ends")
            step = loss_process.fourier_ratio_step(
                project, self.low_loss.currentData(), limit, None if low is None or high is None else (low, high),
                number_of(self.ratio_width, "The width of the Gaussian"), place)
            self._run(project, entry, step, "Fourier-ratio")

        self.page.attempt(start)

    def richardson_lucy(self) -> None:
        """The step that sharpens."""
        project, entry, place = self._what()
        if entry is None:
            return

        def start() -> None:
            if not self.peak.currentData():
                raise BadModel("The measured peak is missing", todo="Choose it")
            iterations = number_of(self.iterations, "The number of iterations") or 0.0
            step = loss_process.richardson_lucy_step(
                project, self.peak.currentData(), iterations, number_of(self.reach, "The reach of the peak"),
                str(self.negative.currentData()), place)
            self._run(project, entry, step, "Richardson–Lucy")

        self.page.attempt(start)

    def _what(self) -> tuple[Project, Entry | None, loss_process.Place]:
        document = self.page.document
        return document.project, document.entry, document.place

    def _run(self, project: Project, entry: Entry, step: loss_process.Step, words: str) -> None:
        def work(progress: Progress, _: Cancel) -> Project:
            return loss_process.with_analysis(project, entry.id, step, progress)

        self.page.run(f"{words}: {entry.title}", work, lambda _: words)

    def take_back(self) -> None:
        """Take the last of these steps out."""
        entry, document = self.page.document.entry, self.page.document
        if entry is None:
            return

        def change() -> None:
            steps = list(entry.recipe.steps)
            last = max(i for i, s in enumerate(steps) if s.kind in ("fourier_ratio", "richardson_lucy"))
            gone = steps.pop(last)
            document.apply(f"Take back: {step_words(gone)}",
                           process.with_recipe(document.project, entry.id, type(entry.recipe)(tuple(steps))))

        self.page.attempt(change)
