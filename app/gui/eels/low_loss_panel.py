"""The Low loss page: thickness, plasmon model, sodium or carbon, band gap, Kramers-Kronig."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from app.gui.document import Document
from app.gui.eels.low_loss_dielectric import DielectricPart
from app.gui.eels.low_loss_gap import GapPart
from app.gui.eels.low_loss_model import ModelPart
from app.gui.eels.low_loss_part import LowLossPart
from app.gui.eels.low_loss_sodium import SodiumPart
from app.gui.eels.low_loss_thickness import ThicknessPart
from app.gui.panels.base import Panel, heading
from app.gui.panels.fold import Fold
from app.gui.plot.bands import Band
from app.gui.tasks import Cancel, Progress, Tasks
from app.project import low_loss
from app.project.loss_settings import LossSettings
from app.project.project import Entry, Project
from libraries.errors import SodaliteError

DELAY = 150  # ms: a burst of edits is one computation
OWNER, GAP = "low loss", "low loss/gap"
KEPT = 16  # results that are kept for coming back to


class LowLossPanel(Panel):
    """Settings and results of the low loss of what is shown."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Low loss", parent)
        self.tasks = tasks
        self._window: Any = None
        self._shown_key: tuple[Any, ...] = ()
        self._results: dict[tuple[Any, ...], Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(DELAY)
        self._timer.timeout.connect(self._compute)
        self.title = heading("")
        self.body.addWidget(self.title)
        self.thickness = ThicknessPart(self)
        self.model = ModelPart(self)
        self.sodium = SodiumPart(self)
        self.gap = GapPart(self)
        self.dielectric = DielectricPart(self)
        self.folds = [
            Fold("Thickness", self.thickness, shown=True),
            Fold("Model", self.model),
            Fold("Sodium or carbon", self.sodium),
            Fold("Band gap", self.gap),
            Fold("Dielectric function", self.dielectric),
        ]
        for fold in self.folds:
            self.body.addWidget(fold)
            fold.folded.connect(lambda _: self._show_bands())
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        self.ready()

    @property
    def parts(self) -> tuple[LowLossPart, ...]:
        """The parts from top to bottom."""
        return (self.thickness, self.model, self.sodium, self.gap, self.dielectric)

    def use_window(self, window: Any) -> None:
        """The band of the gap on the plot."""
        self._window = window
        window.view.bands.moved.connect(self._band_moved)
        window.view.bands.released.connect(self._band_released)

    # -- what is looked at --------------------------------------------------------------------------------------

    def low_loss(self) -> Entry | None:
        """The entry that holds the low loss of what is shown; None where there is none."""
        entry = self.document.entry
        if entry is None:
            return None
        try:
            return low_loss.low_loss_entry(self.document.project, entry.id)
        except SodaliteError:
            return None

    @property
    def settings(self) -> LossSettings:
        """Settings of that low loss."""
        entry = self.low_loss()
        return entry.loss if entry is not None else LossSettings()

    def key(self) -> tuple[Any, ...]:
        """What results depend on: data, place and settings."""
        entry = self.low_loss()
        if entry is None:
            return ()
        place = self.document.place
        roi = next((roi for roi in entry.rois if roi.id == place.roi), None)
        return (self.document.session, entry.id, entry.spectrum.hash, entry.recipe, str(place), roi, entry.loss)

    def keep(self, name: str, found: Any) -> None:
        """Keep a result for coming back to the same data, place and settings."""
        self._results[(name, *self.key())] = found
        while len(self._results) > KEPT:
            del self._results[next(iter(self._results))]

    def kept(self, name: str) -> Any:
        """A result of what is shown; None where there is none."""
        return self._results.get((name, *self.key()))

    # -- showing ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Show settings at once, results that are kept, and work out the thickness."""
        entry, shown = self.low_loss(), self.document.entry
        for fold in self.folds:
            fold.setEnabled(entry is not None)
        self.title.setText(self._title(entry))
        for part in self.parts:
            part.show_entry(entry)
        self._show_bands()
        key = self.key()
        if key == self._shown_key and key:
            return
        self._shown_key = key
        self.gap.show_result(self.kept("gap"), self.document.shown())
        self.dielectric.show_result(self.kept("dielectric"))
        self.sodium.show_result(self.kept("sodium"))
        if entry is None:
            words = "" if shown is None else self._reason(shown)
            self.thickness.show_result(words, None)
            return
        known = self.kept("thickness")
        if known is not None:
            self.thickness.show_result(known, entry)
        elif self.isVisible():
            self._timer.start()
        else:
            self._shown_key = ()

    def _title(self, entry: Entry | None) -> str:
        if entry is None:
            shown = self.document.entry
            return shown.title if shown is not None else "No spectrum"
        if entry is self.document.entry:
            return entry.title
        return f"{entry.title} (low loss of the same scan)"

    def _reason(self, entry: Entry) -> str:
        try:
            low_loss.low_loss_entry(self.document.project, entry.id)
        except SodaliteError as error:
            return str(error)
        return ""

    def _compute(self) -> None:
        """The thickness of what is shown, off the window's thread."""
        entry, key = self.document.entry, self.key()
        if entry is None or not key:
            return
        project, place = self.document.project, self.document.place

        def done(found: low_loss.Thickness | str) -> None:
            if self.key() == key:
                self.keep("thickness", found)
                self.thickness.show_result(found, self.low_loss())

        self.tasks.run(lambda progress, cancel: low_loss.thickness_of(project, entry.id, place), done,
                       lambda error: done(str(error)), title="Thickness", quiet=True)

    def _recolour(self) -> None:
        self.gap.recolour()
        self.dielectric.recolour()
        super()._recolour()

    def showEvent(self, event: Any) -> None:
        """Bands and results come with the page."""
        super().showEvent(event)
        self.refresh()

    def hideEvent(self, event: Any) -> None:
        """Bands go with the page."""
        super().hideEvent(event)
        self._show_bands()

    # -- bands on the plot --------------------------------------------------------------------------------------

    def _show_bands(self) -> None:
        if self._window is None:
            return
        entry, settings = self.low_loss(), self.settings
        wanted = []
        fold = next(f for f in self.folds if f.content is self.gap)
        low, high = settings.gap_low, settings.gap_high
        if self.isVisible() and fold.open and entry is self.document.entry and low is not None and high is not None:
            wanted.append(Band(GAP, "Gap", min(low, high), max(low, high), 3, words="Window of the gap fit"))
        self._window.view.bands.put(OWNER, wanted)

    def _band_moved(self, name: str, low: float, high: float) -> None:
        if name == GAP:
            self.attempt(lambda: self.change("Window of the gap", merge="gap", gap_low=low, gap_high=high))

    def _band_released(self, name: str, low: float, high: float) -> None:
        if name == GAP:
            self.document.close_merge()
            self.gap.fit()

    # -- changing -----------------------------------------------------------------------------------------------

    def change(self, text: str, *, merge: str = "", **changes: object) -> None:
        """Other settings, as one step of undo."""
        entry = self.low_loss()
        if entry is None:
            return
        project = low_loss.with_settings(self.document.project, entry.id, **changes)
        if project.entry(entry.id).loss != entry.loss:
            self.document.apply(text, project, merge=merge)

    def fit_shown(self) -> None:
        """Fit the shown region as the Fit command does."""
        if self._window is not None:
            self._window.actions_["fit.region"].trigger()

    def run_for(
        self, part: LowLossPart, work: Callable[[Progress, Cancel], Any], done: Callable[[Any], None],
        failed: Callable[[BaseException], None], title: str,
    ) -> None:
        """Run work for a part, which is busy meanwhile."""
        part.task = self.tasks.run(work, done, failed, title=title)
        part.task.ended.connect(lambda: self._over(part))
        self.refresh()

    def _over(self, part: LowLossPart) -> None:
        part.task = None
        self.refresh()

    def map_by(
        self, part: LowLossPart, title: str, work: Callable[[Project, str, Progress, Cancel], Project]
    ) -> None:
        """Maps of the image that is looked at, as one step of undo; dropped where the data changed meanwhile."""
        entry, session = self.low_loss(), self.document.session
        if entry is None or part.task is not None:
            return
        before = self.document.project

        def done(project: Project) -> None:
            now = self.document.project
            same = self.document.session is session and any(e.id == entry.id for e in now.entries)
            fresh = now.entry(entry.id) if same else None
            if fresh is None or fresh.spectrum is not entry.spectrum or fresh.recipe != entry.recipe:
                self.say("The data changed while the maps were made: they are not kept")
                return
            old = {one.id: one for one in entry.maps}
            maps = [m for m in project.entry(entry.id).maps if old.get(m.id) is not m]
            self.document.apply(title, now.with_entry(fresh.with_maps(maps)))

        def failed(error: BaseException) -> None:
            self.say(str(error))

        self.run_for(part, lambda progress, cancel: work(before, entry.id, progress, cancel), done, failed, title)
