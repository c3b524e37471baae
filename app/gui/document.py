"""The open project with its selection and its undo history: the only place where the window's numbers live.

Widgets read from the document and change it through `apply`; they keep nothing of their own. A project is frozen, so
an undo step is simply the project before and after, which share everything that did not change.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from app.project.joint import group_of, without_results
from app.project.preview import is_slow, preview
from app.project.project import Entry, Project, RegionFit
from app.project.region_at import RegionAt, region_at, words
from fitting.dataset import Spectrum
from fitting.image.place import ALL, Place
from fitting.model import FitModel
from fitting.recipe import Recipe
from fitting.sims.kinds import kind_of
from libraries.errors import SodaliteError

MAX_UNDO = 500


@dataclass(frozen=True)
class Selection:
    """What the window shows: ids of entry, region and component; None where nothing is chosen."""

    entry: str | None = None
    fit: str | None = None
    component: str | None = None


@dataclass(eq=False)
class _UndoStep:
    text: str
    before: Project
    after: Project
    selection: Selection
    merge: str = ""
    open: bool = field(default=True)


class Document(QObject):
    """Project, selection, undo and redo.

    Signals
    -------
    project_changed()
        The project is another one than before (edit, undo, redo, fit, open).
    selection_changed()
    state_changed()
        Path, unsaved mark or undo texts changed.
    chosen_changed()
        Other spectra are chosen (`chosen`); what is shown may be the same.
    edit_finished()
        A row of merged edits ended (the hand let go).
    place_changed()
        Another pixel or region of the shown image is looked at.
    """

    project_changed = Signal()
    selection_changed = Signal()
    chosen_changed = Signal()
    state_changed = Signal()
    edit_finished = Signal()
    place_changed = Signal()

    def __init__(self, project: Project | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project or Project()
        self._saved = self._project
        self._selection = Selection()
        self._chosen: tuple[str, ...] = ()
        self._places: dict[str, Place] = {}
        self._regions: tuple[Entry, Place, tuple[RegionAt, ...]] | None = None
        self._undo: list[_UndoStep] = []
        self._redo: list[_UndoStep] = []
        self.path: Path | None = None
        self.session = object()

    # -- project ------------------------------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project as it stands."""
        return self._project

    @property
    def dirty(self) -> bool:
        """Whether the project differs from the one on disk."""
        return self._project is not self._saved

    def reset(self, project: Project, path: Path | None = None, *, dirty: bool = False) -> None:
        """Show another project; forgets the undo history and begins a new `session`.

        Work that began in an earlier session (a save, say) must not speak for this one.
        """
        self.session = object()
        self._project = project
        self._saved = Project() if dirty else project
        self.path = path
        self._undo.clear()
        self._redo.clear()
        self._places.clear()
        self._selection = self._valid(Selection())
        self._chosen = self._among((), self._selection.entry)
        self.project_changed.emit()
        self.selection_changed.emit()
        self.chosen_changed.emit()
        self.state_changed.emit()

    def mark_saved(self, path: Path, project: Project | None = None) -> None:
        """The project (or the given earlier state of it) is on disk now."""
        self.path = path
        self._saved = self._project if project is None else project
        self.state_changed.emit()

    def apply(self, text: str, project: Project, *, merge: str = "") -> None:
        """One undoable edit.

        Parameters
        ----------
        text : str
            What was done, for menus and history ("Move peak CO3").
        project : Project
            The project after the edit.
        merge : str
            Edits in a row with the same non-empty key become one undo step (a drag); `close_merge` ends the row.
        """
        if project is self._project:
            return
        last = self._undo[-1] if self._undo else None
        if merge and last is not None and last.open and last.merge == merge and not self._redo:
            last.after = project
        else:
            self._undo.append(_UndoStep(text, self._project, project, self._selection, merge))
            del self._undo[:-MAX_UNDO]
        self._redo.clear()
        self._set(project)

    def close_merge(self) -> None:
        """Ends a row of merged edits (the mouse button was released)."""
        if self._undo:
            self._undo[-1].open = False
        self.edit_finished.emit()

    @property
    def edit_open(self) -> bool:
        """Whether a row of merged edits is under way (the hand holds something)."""
        return bool(self._undo) and self._undo[-1].open and bool(self._undo[-1].merge) and not self._redo

    @property
    def before_edit(self) -> Project | None:
        """The project before the row of merged edits that is under way; None where there is none."""
        return self._undo[-1].before if self.edit_open else None

    def amend(self, project: Project) -> None:
        """Complete the last edit: a live fit belongs to the edit that caused it and is undone with it."""
        if project is self._project:
            return
        if self._undo and not self._redo:
            self._undo[-1].after = project
        self._set(project)

    def _set(self, project: Project) -> None:
        self._project = project
        valid = self._valid(self._selection)
        moved = valid != self._selection
        self._selection = valid
        chosen = self._among(self._chosen if valid.entry in self._chosen else (), valid.entry)
        other = chosen != self._chosen
        self._chosen = chosen
        self.project_changed.emit()
        if moved:
            self.selection_changed.emit()
        if other:
            self.chosen_changed.emit()
        self.state_changed.emit()

    # -- undo ---------------------------------------------------------------------------------------------------

    @property
    def undo_text(self) -> str:
        """What undo would take back, "" for nothing."""
        return self._undo[-1].text if self._undo else ""

    @property
    def redo_text(self) -> str:
        """What redo would do again, "" for nothing."""
        return self._redo[-1].text if self._redo else ""

    def undo(self) -> None:
        """Takes the last edit back."""
        if self._undo:
            step = self._undo.pop()
            step.open = False
            self._redo.append(step)
            self._selection = self._valid(step.selection, step.before)
            self._set(step.before)
            self.selection_changed.emit()

    def redo(self) -> None:
        """Does the last undone edit again."""
        if self._redo:
            step = self._redo.pop()
            self._undo.append(step)
            self._set(step.after)

    # -- selection ----------------------------------------------------------------------------------------------

    @property
    def selection(self) -> Selection:
        """What is shown."""
        return self._selection

    def select(self, entry: str | None, fit: str | None = None, component: str | None = None) -> None:
        """Show an entry, by default with its first region."""
        wanted = self._valid(Selection(entry, fit, component))
        before = self._selection
        if wanted == before:
            return
        self._selection = wanted
        chosen = self._chosen if wanted.entry == before.entry else self._among((), wanted.entry)
        other = chosen != self._chosen
        self._chosen = chosen
        self.selection_changed.emit()
        if other:
            self.chosen_changed.emit()

    @property
    def chosen(self) -> tuple[str, ...]:
        """Ids of all chosen spectra in the order of the list, the shown one among them; () in an empty project."""
        return self._chosen

    def choose(self, ids: Iterable[str], entry: str | None = None, fit: str | None = None) -> None:
        """Choose several spectra.

        Parameters
        ----------
        ids : iterable of str
            Those that do not exist are passed over; without any, the shown spectrum alone is chosen.
        entry, fit : str, optional
            What is shown: by default what is shown already where it is among them, else their first.
        """
        wanted = self._among(tuple(ids), None)
        shown = self._selection
        if entry is None or entry not in wanted:
            entry = shown.entry if shown.entry in wanted or not wanted else wanted[0]
        selection = shown if entry == shown.entry and fit in (None, shown.fit) else self._valid(Selection(entry, fit))
        chosen = self._among(wanted, selection.entry)
        moved, other = selection != shown, chosen != self._chosen
        self._selection, self._chosen = selection, chosen
        if moved:
            self.selection_changed.emit()
        if other:
            self.chosen_changed.emit()

    def _among(self, ids: tuple[str, ...], shown: str | None) -> tuple[str, ...]:
        """Those ids that exist, with the shown one, in the order of the list."""
        wanted = {*ids, shown}
        if wanted == {None}:
            return ()
        project = self._project
        place = {sample.id: number for number, sample in enumerate(project.samples)}
        found = [e for e in project.entries if e.id in wanted]
        return tuple(e.id for e in sorted(found, key=lambda e: place.get(e.sample, len(place))))

    def select_component(self, component: str | None) -> None:
        """Choose a component of the shown region."""
        self.select(self._selection.entry, self._selection.fit, component)

    def _valid(self, wanted: Selection, project: Project | None = None) -> Selection:
        """The wanted selection with everything that does not exist replaced by the nearest that does."""
        project = project or self._project
        entries = {entry.id: entry for entry in project.entries}
        entry = entries.get(wanted.entry or "") or (project.entries[0] if project.entries else None)
        if entry is None:
            return Selection()
        fits = {fit.id: fit for fit in entry.fits}
        fit = fits.get(wanted.fit or "") or (entry.fits[0] if entry.fits else None)
        if fit is None:
            return Selection(entry.id)
        ids = {component.id for component in fit.model.components}
        return Selection(entry.id, fit.id, wanted.component if wanted.component in ids else None)

    @property
    def entry(self) -> Entry | None:
        """The shown entry."""
        return self._project.entry(self._selection.entry) if self._selection.entry else None

    @property
    def fit(self) -> RegionFit | None:
        """The shown region; of an image as it stands for the pixels that are looked at (`app.project.region_at`)."""
        shown = self.region
        return shown.fit if shown is not None else None

    @property
    def region(self) -> RegionAt | None:
        """The shown region with where its model comes from."""
        return next((region for region in self.regions() if region.fit.id == self._selection.fit), None)

    def regions(self) -> tuple[RegionAt, ...]:
        """All regions of the shown entry as they stand for the pixels that are looked at."""
        entry, place = self.entry, self.place
        if entry is None:
            return ()
        if self._regions is None or self._regions[0] is not entry or self._regions[1] != place:
            self._regions = (entry, place, tuple(region_at(entry, fit, place) for fit in entry.fits))
        return self._regions[2]

    def spectrum(self) -> Spectrum | None:
        """The shown spectrum after its recipe; None where there is none or the recipe cannot be applied."""
        entry = self.entry
        if entry is None:
            return None
        try:
            return entry.processed()
        except SodaliteError:
            return entry.spectrum

    @property
    def place(self) -> Place:
        """Which pixels of the shown image are looked at; it is no part of the project and not undone."""
        entry = self.entry
        place = self._places.get(entry.id, ALL) if entry is not None else ALL
        if entry is None or place == ALL:
            return ALL
        if place.roi:
            return place if any(roi.id == place.roi for roi in entry.rois) else ALL
        image = self.spectrum()  # a step may have binned or cropped it
        shape = () if image is None else tuple(len(axis) for axis in image.navigation)
        if place.scans and (len(shape) != 3 or place.scans[1] >= shape[0]):
            return ALL
        shape = shape[1:] if len(shape) == 3 else shape
        inside = len(shape) == len(place.index) and all(0 <= i < n for i, n in zip(place.index, shape, strict=True))
        inside = inside or not place.index
        return place if inside else ALL

    def set_place(self, place: Place) -> None:
        """Look at other pixels of the shown image."""
        entry = self.entry
        if entry is not None and place != self.place:
            self._places[entry.id] = place
            self.place_changed.emit()

    def shown(self) -> Spectrum | None:
        """The single spectrum of the plot: of an image or series the sum over the pixels of `place`.

        Of an image that stays in its file an estimate until the sum has been read (`app.gui.stored_controller`).
        None of ions along a depth: they are drawn as traces, and a cube is not added up for nothing.
        """
        entry = self.entry
        if entry is None or kind_of(entry.spectrum) in ("profile", "cube"):
            return None
        try:
            return preview(entry, self.place) if is_slow(entry, self.place) else entry.single(self.place)
        except SodaliteError:
            pass  # a recipe that no longer applies, or a place that a new recipe took away
        spectrum = self.spectrum()
        if spectrum is None or not spectrum.stored:
            return None if spectrum is None else spectrum.summed()
        return preview(replace(entry, recipe=Recipe()))

    # -- edits of the shown region ------------------------------------------------------------------------------

    def edit_model(self, text: str, model: FitModel, *, merge: str = "") -> None:
        """Replace the shown region's model; an old result no longer belongs to it and is left out."""
        entry, fit = self.entry, self.fit
        if entry is None or fit is None or model == fit.model:
            return
        project = self._project
        if project.ties:
            # The results of tied regions belong to one joint fit, which is over.
            project = without_results(project, group_of(project, entry.id, fit.id))
        changed = project.entry(entry.id).with_fit(self.placed(fit.id, model))
        self.apply(text, project.with_entry(changed), merge=merge)

    def placed(self, fit_id: str, model: FitModel) -> RegionFit:
        """A region whose model belongs to the pixels that are looked at; without a result."""
        return RegionFit(fit_id, model, None, words(self.place))
