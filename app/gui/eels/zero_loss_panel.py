"""The Zero loss page: beam, energy scale, alignment, resolution, removal of the zero-loss peak, deconvolution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from PySide6.QtGui import QHideEvent
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.eels.zero_loss_microscope import MicroscopePart
from app.gui.eels.zero_loss_part import ZeroLossPart
from app.gui.eels.zero_loss_peak import AlignPart, PeakPart, SpikesPart
from app.gui.eels.zero_loss_removal import BAND, OWNER, RemovalPart
from app.gui.eels.zero_loss_scale import LossScalePart
from app.gui.eels.zero_loss_sharpen import SharpenPart
from app.gui.panels.base import Panel, heading
from app.gui.panels.fold import Fold
from app.gui.plot.bands import Band
from app.gui.plot_pick import PlotPick
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.project import Project
from fitting.dataset import FloatArray
from libraries.errors import SodaliteError


class ZeroLossPanel(Panel):
    """The steps that bring an energy-loss measurement onto its scale and take the zero loss away."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Zero loss", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._window: Any = None
        self._pick: PlotPick | None = None
        self._answer: Callable[[float], object] = lambda _: None
        self._guided = False
        self.title = heading("")
        self.body.addWidget(self.title)
        self.microscope, self.peak, self.align = MicroscopePart(self), PeakPart(self), AlignPart(self)
        self.spikes = SpikesPart(self)
        self.scale, self.removal, self.sharpen = LossScalePart(self), RemovalPart(self), SharpenPart(self)
        self.folds = [
            Fold("Zero-loss peak", self.peak, shown=True),
            Fold("Microscope", self.microscope, shown=True),
            Fold("Alignment", self.align, shown=True),
            Fold("Spikes", self.spikes),
            Fold("Energy scale", self.scale),
            Fold("Removal and Fourier-log", self.removal),
            Fold("Fourier-ratio and sharpening", self.sharpen),
        ]
        for fold in self.folds:
            self.body.addWidget(fold)
            fold.folded.connect(lambda _: self.refresh())
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        document.chosen_changed.connect(self._changed)
        self.ready()

    def use_window(self, window: Any) -> None:
        """The plot: picked energies, the band of the removal and the curve that is taken away."""
        self._window = window
        self._pick = PlotPick(window.view, lambda energy: self._answer(energy))
        window.view.bands.moved.connect(self._band_moved)

    def align_now(self) -> None:
        """The command of the menu: show the page and align."""
        if self._window is not None:
            self._window.inspector.show_page("Zero loss")
        self.align.align()

    @property
    def parts(self) -> tuple[ZeroLossPart, ...]:
        """The parts from top to bottom."""
        return (self.peak, self.microscope, self.align, self.spikes, self.scale, self.removal, self.sharpen)

    @property
    def busy(self) -> bool:
        """Whether work of this page is under way."""
        return self._task is not None

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry, spectrum = self.document.entry, self.document.shown()
        there = entry is not None and spectrum is not None and spectrum.axis.quantity == "energy_loss"
        for fold in self.folds:
            fold.setEnabled(there)
        self.title.setText(entry.title if entry is not None else "No spectrum")
        if entry is None or spectrum is None or not there:
            self._leave()
            return
        zero = bool(entry.spectrum.x[0] < 0 < entry.spectrum.x[-1] or spectrum.x[0] < 0 < spectrum.x[-1])
        for fold in self.folds:
            if fold.content is self.align:
                fold.setVisible(zero or any(s.kind == "align" for s in entry.recipe.steps))
            elif fold.content is self.spikes:
                fold.setVisible(bool(entry.spectrum.navigation))
            elif fold.content is self.removal:
                fold.setVisible(zero)
        for part in self.parts:
            part.show_entry(entry, spectrum)

    def seen(self, part: QWidget) -> bool:
        """Whether a part is unfolded on the page in front."""
        return self.isVisible() and not part.isHidden()

    def hideEvent(self, event: QHideEvent) -> None:
        """Another page is in front: take band and curve off the plot."""
        super().hideEvent(event)
        self._leave()

    def showEvent(self, event: Any) -> None:
        """The page is in front again."""
        super().showEvent(event)
        self.refresh()

    def _leave(self) -> None:
        self.guide(None)
        self.bands(OWNER, ())
        if self._pick is not None:
            self._pick.stop()

    # -- the plot -----------------------------------------------------------------------------------------------

    def guide(self, curve: tuple[FloatArray, FloatArray] | None) -> None:
        """Draw a curve over the shown spectrum; None takes it away."""
        if self._window is None or (curve is None and not self._guided):
            return
        x, y = curve if curve is not None else (np.zeros(0), np.zeros(0))
        self._guided = curve is not None
        self._window.view.show_guide(x, y)

    def bands(self, owner: str, bands: Sequence[Band]) -> None:
        """Ranges of this page on the plot."""
        if self._window is not None:
            self._window.view.bands.put(owner, bands)

    def show_range(self, low: float, high: float) -> None:
        """Show a part of the axis."""
        if self._window is not None:
            self._window.view.show_range(low, high)

    def pick(self, answer: Callable[[float], object]) -> None:
        """The next click on the plot answers with its energy."""
        self._answer = answer
        if self._pick is not None:
            self._pick.start()

    def _band_moved(self, name: str, low: float, high: float) -> None:
        if name == BAND:
            self.removal.band_moved(low, high)

    # -- work ---------------------------------------------------------------------------------------------------

    def run(
        self, title: str, work: Callable[[Progress, Cancel], Project], words: Callable[[Project], str]
    ) -> None:
        """Work off the window's thread that gives another project: one undo step, dropped where data changed."""
        if self._task is not None:
            return
        before, session, entry = self.document.project, self.document.session, self.document.entry

        def done(project: Project) -> None:
            if self.document.session is not session:
                return
            if self.document.project is not before:
                self.say(f"{title}: the project was changed meanwhile, so nothing was done. Try again.")
                return
            self.document.apply(words(project), project)
            self.say("")

        def failed(error: BaseException) -> None:
            if not isinstance(error, SodaliteError):
                raise error
            if self.document.session is session and self.document.entry is entry:
                self.say(str(error))

        self._task = self.tasks.run(work, done, failed, title=title)
        self._task.ended.connect(self._ended)
        self.refresh()

    def _ended(self) -> None:
        self._task = None
        self.refresh()
