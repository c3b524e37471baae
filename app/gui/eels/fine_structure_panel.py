"""The Fine structure page: V L2,3 with O K, other white lines, C K, valence, series."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QLabel, QWidget

from app.gui.document import Document
from app.gui.eels.fine_structure_series import SeriesPart
from app.gui.eels.fine_structure_settings import FineSettings
from app.gui.eels.fine_structure_valence import ValencePart
from app.gui.eels.fine_structure_words import (
    ASK,
    as_chosen,
    checked,
    edges_of_entry,
    no_edge,
    quantity_rows,
    reaches_oxygen,
    summary,
)
from app.gui.panels.base import Panel, button, heading, muted, row
from app.gui.panels.fold import Fold
from app.gui.panels.tables import Column, RowsModel, RowsView
from app.gui.plot.bands import Band
from app.gui.tasks import Cancel, Progress, Task, Tasks
from app.project.fine_map import map_edge
from app.project.fine_series import fit_series
from app.project.fine_structure import (
    fit_edge,
    low_loss_of,
    oxygen_curve,
    quantities_of,
    region_of,
    setup_of,
    with_setup,
)
from app.project.project import Entry, Project
from fitting.eels.fine_setup import OXYGEN, FineSetup, likely_edge, offered_edges
from fitting.eels.propagation import Quantities
from fitting.eels.white_line_quantities import RELATIVE
from libraries.errors import BadData, CannotWrite, SodaliteError

OWNER = "fine"


class FineStructurePanel(Panel):
    """Fits of edges for their fine structure."""

    def __init__(self, document: Document, tasks: Tasks, parent: QWidget | None = None) -> None:
        super().__init__(document, "Fine structure", parent)
        self.tasks = tasks
        self._task: Task | None = None
        self._window: Any = None
        self._build_edge()
        self.valence = ValencePart(self)
        self.series = SeriesPart(self)
        self.folds = [Fold("Valence", self.valence, shown=True), Fold("Series", self.series, shown=True)]
        for fold in self.folds:
            self.body.addWidget(fold)
        self.body.addStretch(1)
        document.place_changed.connect(self._changed)
        document.chosen_changed.connect(self._changed)
        self.ready()

    def _build_edge(self) -> None:
        self.title = heading("")
        self.edge = QComboBox()
        self.edge.setAccessibleName("Edge")
        self.edge.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.edge.activated.connect(lambda _: self.show_now())
        self.go = button("Fit", "Build the model of the edge anew and fit it to the shown spectrum", self.fit,
                         primary=True)
        self.go_chosen = button("Fit chosen", "Fit the same edge of all spectra that are chosen in the project list, "
                                "with the same choices", self.fit_chosen)
        self.settings = FineSettings()
        self.settings.changed.connect(self._set)
        self.settings.refused.connect(self._refused)
        self.summary = muted(ASK)
        self.rows = self.table(RowsModel((
            Column("Quantity"), Column("Value", "", True),
            Column("From reference", "Counted from the internal reference", True), Column("Unit"),
        )))
        self.view = RowsView(self.rows, "Quantities of the edge")
        self.view.set_widths((170, 130, 130, 60))
        self.view.horizontalHeader().setStretchLastSection(True)
        self.notes = muted("")
        self.notes.setProperty("role", "warning")
        self.notes.setAccessibleName("Remarks on the fit")
        self.body.addWidget(self.title)
        self.body.addLayout(row(QLabel("Edge"), self.edge, self.go, self.go_chosen))
        for widget in (self.settings, self.summary, self.view, self.notes):
            self.body.addWidget(widget)

    def use_window(self, window: Any) -> None:
        """The plot: the windows of the edge as bands."""
        self._window = window
        window.view.bands.released.connect(self._band_released)

    # -- what is shown ------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The chosen edge; "" where the axis holds none."""
        return str(self.edge.currentData() or "")

    @property
    def busy(self) -> bool:
        """Whether work of this page is under way."""
        return self._task is not None

    @property
    def setup(self) -> FineSetup | None:
        """The choices for the chosen edge of the shown spectrum."""
        entry = self.document.entry
        if entry is None or not self.name:
            return None
        try:
            return setup_of(entry, self.name)
        except SodaliteError:
            return None

    def found(self) -> Quantities | None:
        """The quantities that are shown."""
        entry, setup = self.document.entry, self.setup
        if entry is None or setup is None:
            return None
        try:
            return quantities_of(entry, setup)
        except SodaliteError:
            return None

    def refresh(self) -> None:
        """Show the document as it is now."""
        entry = self.document.entry
        self.title.setText(entry.title if entry is not None else "No spectrum")
        self._offer(entry)
        setup = self.setup
        there = entry is not None and setup is not None
        for widget in (self.settings, self.view, *self.folds):
            widget.setVisible(there)
        self.go.setEnabled(there and not self.busy)
        self.go_chosen.setEnabled(there and not self.busy and len(self.document.chosen) > 1)
        if entry is None or setup is None:
            self.summary.setText("" if entry is None else no_edge(self.document))
            self.notes.hide()
            self._take_bands()
            return
        dual = low_loss_of(self.document.project, entry, self.document.place) is not None
        others = [(e.id, e.title) for e in self.document.project.entries
                  if e.id != entry.id and e.spectrum.meta.technique == "eels" and reaches_oxygen(e)]
        self.settings.show_setup(setup, others, dual)
        self._show_quantities(entry, setup)
        self.valence.show_entry(entry, setup)
        self.series.show_entry(entry, setup)
        self._put_bands(setup)

    def _offer(self, entry: Entry | None) -> None:
        """The edges that the axis holds; what was chosen stays where it can."""
        offered: tuple[str, ...] = ()
        spectrum = self.document.shown() if entry is not None else None
        if entry is not None and spectrum is not None and spectrum.axis.quantity == "energy_loss":
            offered = offered_edges(float(spectrum.x[0]), float(spectrum.x[-1]))
        now = tuple(self.edge.itemData(i) for i in range(self.edge.count()))
        if now != offered:
            chosen = self.name
            self.edge.clear()
            for name in offered:
                self.edge.addItem(f"{name} + O K" if name == "V L2,3" else name, name)
            fitted = [one.edge for one in entry.fine] if entry is not None else []
            likely = likely_edge(spectrum.x, spectrum.y, offered) if spectrum is not None and offered else ""
            wanted = (*fitted, likely, chosen)
            first = next((n for n in wanted if n in offered), offered[0] if offered else "")
            self.edge.setCurrentIndex(self.edge.findData(first))
        self.edge.setEnabled(bool(offered))

    def _show_quantities(self, entry: Entry, setup: FineSetup) -> None:
        problem, found = "", None
        try:
            found = quantities_of(entry, setup)
        except SodaliteError as error:
            problem = str(error)
        self.rows.set_rows(quantity_rows(found, setup) if found is not None else [])
        self.view.setVisible(found is not None)
        self.view.fit_height(3, 14)
        self.view.fit_columns((0, 1, 2))
        self.view.setColumnHidden(2, setup.reference == "none" or setup.carbon)
        self.summary.setText("Working …" if self.busy else summary(entry, setup, found))
        notes = [problem] if problem else list(found.notes) if found is not None else []
        if found is not None:
            notes += [f"{one.name}: {one.how}." for one in found.rows
                      if not one.known and not one.key.endswith(RELATIVE) and one.key != "oxygen"]
        if found is not None and not as_chosen(entry, setup):
            notes.insert(0, "The choices changed since the fit: press Fit.")
        self.notes.setText("\n".join(notes))
        self.notes.setVisible(bool(notes))

    # -- choices ------------------------------------------------------------------------------------------------

    def _set(self, setup: FineSetup) -> None:
        entry = self.document.entry

        def change() -> None:
            if entry is None:
                return
            checked(setup, entry)
            changed = with_setup(self.document.project.entry(entry.id), setup)
            self.document.apply(f"Change {setup.edge} fine structure", self.document.project.with_entry(changed))

        if not self.attempt(change):
            self.refresh()

    def _refused(self, error: BaseException) -> None:
        if not isinstance(error, SodaliteError):
            raise error
        self.say(str(error))
        self.refresh()

    # -- bands --------------------------------------------------------------------------------------------------

    def _put_bands(self, setup: FineSetup) -> None:
        if self._window is None or not self.isVisible():
            return
        entry = self.document.entry
        bands = []
        if entry is None or region_of(entry, setup) is None:  # a region has ends of its own on the plot
            bands.append(Band(f"{OWNER}/window", f"{setup.edge} window", *setup.window, colour=0))
        if setup.after[1] > setup.after[0]:
            bands.append(Band(f"{OWNER}/after", "line behind L2", *setup.after, colour=2))
        self._window.view.bands.put(OWNER, bands)

    def _take_bands(self) -> None:
        if self._window is not None:
            self._window.view.bands.take(OWNER)

    def _band_released(self, name: str, low: float, high: float) -> None:
        setup = self.setup
        if setup is None or not name.startswith(f"{OWNER}/"):
            return
        place = {"window": "window", "after": "after"}[name.split("/")[1]]
        self._set(replace(setup, **{place: (round(low, 2), round(high, 2))}))

    def hideEvent(self, event: QHideEvent) -> None:
        """Another page is in front: its bands are wanted."""
        super().hideEvent(event)
        self._take_bands()

    def showEvent(self, event: QShowEvent) -> None:
        """The page is in front again."""
        super().showEvent(event)
        self.refresh()

    # -- doing --------------------------------------------------------------------------------------------------

    def run(self, title: str, work: Any, done: Any) -> None:
        """Work off the window's thread; `done` gets its result where the project is still the same."""
        if self._task is not None:
            return
        project, session = self.document.project, self.document.session

        def finished(result: Any) -> None:
            if self.document.session is not session or self.document.project is not project:
                self.say("The project changed meanwhile: the result was dropped")
                return
            self.say("")
            done(result)

        self._task = self.tasks.run(work, finished, self._failed, title=title)
        self._task.ended.connect(self._ended)
        self.refresh()

    def _failed(self, error: BaseException) -> None:
        if isinstance(error, SodaliteError):
            self.say(str(error))
        elif self._window is not None:
            self._window.show_error(error)

    def _ended(self) -> None:
        self._task = None
        self.refresh()

    def start(self) -> None:
        """The command of the menu: show the page and fit."""
        if self._window is not None:
            self._window.inspector.show_page("Fine structure")
        if self.setup is None:
            self.say(no_edge(self.document))
        self.fit()

    def fit(self) -> None:
        """Fit the edge of the shown spectrum."""
        entry, setup, project, place = self.document.entry, self.setup, self.document.project, self.document.place
        if entry is None or setup is None:
            return

        def start() -> None:
            curve = self._oxygen(project, setup)

            def work(progress: Progress, cancel: Cancel) -> Project:
                return fit_edge(project, entry.id, setup, place, progress, cancel, oxygen=curve)

            def done(fitted: Project) -> None:
                self.document.apply(f"Fit {setup.edge}", fitted)
                made = next(one for one in fitted.entry(entry.id).fine if one.edge == setup.edge)
                self.document.select(entry.id, made.fit)

            self.run(f"Fit {setup.edge}", work, done)

        self.attempt(start)

    def _oxygen(self, project: Project, setup: FineSetup) -> Any:
        if setup.oxygen != "reference":
            return None
        id = self.settings.curve.currentData()
        if not id:
            raise BadData("There is no spectrum with a measured O K", where=setup.edge,
                          todo="Open one, or describe O K by lines")
        return oxygen_curve(project.entry(id), OXYGEN - 5.0)

    def fit_chosen(self) -> None:
        """Fit the edge of all chosen spectra."""
        setup, project = self.setup, self.document.project
        if setup is None:
            return
        ids = tuple(id for id in self.document.chosen if self.name in edges_of_entry(project.entry(id)))

        def work(progress: Progress, cancel: Cancel) -> tuple[Project, tuple[str, ...]]:
            return fit_series(project, ids, setup, progress, cancel)

        def done(result: tuple[Project, tuple[str, ...]]) -> None:
            fitted, problems = result
            self.document.apply(f"Fit {setup.edge} of {len(ids)} spectra", fitted)
            if problems:
                self.say("\n".join(problems))

        self.run(f"Fit {setup.edge} of {len(ids)} spectra", work, done)

    def choose_graphite(self, id: str) -> None:
        """The entry whose carbon counts as all sp2."""
        project = self.document.project
        study = replace(project.valence, graphite=id)
        if study != project.valence:
            self.attempt(lambda: self.document.apply("Choose the sp² reference", replace(project, valence=study)))

    def write_text(self, path: Path, text: str) -> None:
        """Write a table, and say where."""
        try:
            path.write_text(text, encoding="utf-8", newline="")
        except OSError as error:
            self.say(str(CannotWrite("The table cannot be written", where=str(path), todo=str(error.strerror or ""))))
            return
        self.summary.setText(f"Exported to {path}")

    def fit_map(self) -> None:
        """The quantities in every pixel of the image."""
        entry, setup, project = self.document.entry, self.setup, self.document.project
        if entry is None or setup is None or not entry.spectrum.navigation:
            return

        def work(progress: Progress, cancel: Cancel) -> Project:
            return map_edge(project, entry.id, setup, progress, cancel)

        def done(mapped: Project) -> None:
            self.document.apply(f"Map {setup.edge}", mapped)
            made = [one for one in mapped.entry(entry.id).maps if one.group == f"fine structure {setup.edge}"]
            if made and self._window is not None:
                valence = [one for one in made if one.name.endswith("valence")]
                self._window.navigator.show_map((valence or made)[0].id)

        self.run(f"Map {setup.edge}", work, done)
