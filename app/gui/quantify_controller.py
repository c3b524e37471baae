"""Handlers of the Quantify menu: factor sets, transmission, bootstrap and model spread of a composition."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog

from app.files.factor_tables import read_factors, read_transmission
from app.project.compose import count_by_regions, level_of, study, with_study
from app.project.factors import transmission_table, with_factor_set
from app.project.project import Project, Sample
from fitting.xps.region_areas import COMPONENTS, REGION
from fitting.xps.study import Study, StudyKind
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

TABLES = "Tables (*.csv *.txt *.lib *.xlsx *.xlsm);;All files (*)"


class QuantifyController(QObject):
    """Handlers of the Quantify menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QFileDialog | None = None
        panel = window.quantify_panel
        panel.settings.factors_wanted.connect(self.import_factors)
        panel.settings.transmission_wanted.connect(self.import_transmission)
        panel.bootstrap_requested.connect(self.bootstrap)
        panel.spread_requested.connect(self.model_spread)

    # -- factors and transmission -------------------------------------------------------------------------------

    def import_factors(self) -> None:
        """Ask for a file of sensitivity factors, and use its first set for the shown sample."""
        self._ask("Sensitivity factors", self.take_factors)

    def import_transmission(self) -> None:
        """Ask for a table of the transmission function."""
        self._ask("Transmission function: kinetic energy, T", self.take_transmission)

    def take_factors(self, path: Path) -> None:
        """Put the factor sets of a file into the project, and use the first one for the shown sample."""
        sample = self._sample()
        if sample is None:
            return
        found = self._read(lambda: read_factors(path))
        if found is None:
            return
        project = self._window.document.project
        for factors in found.sets:
            project = with_factor_set(project, factors)
        first = found.sets[0]
        energies = {e.photon_energy for e in project.entries_of(sample.id)}
        first = next((s for s in found.sets if any(e and abs(e - s.photon_energy) < 1.0 for e in energies)), first)
        project = project.with_sample(replace(sample, factors=first.name))
        self._window.document.apply(f"Factors {first.name} for {sample.name}", project)
        lines = f"{len(first.rows)} factors of {first.name} for {sample.name}."
        self._window.messages.show_message(" ".join((lines, *found.notes)), "warning" if found.notes else "info")

    def take_transmission(self, path: Path) -> None:
        """Use a table of kinetic energies and transmissions for the shown sample."""
        sample = self._sample()
        table = self._read(lambda: transmission_table(read_transmission(path)))
        if sample is not None and table is not None:
            changed = self._window.document.project.with_sample(replace(sample, transmission=table))
            self._window.document.apply(f"Transmission of {sample.name} from {path.name}", changed)

    def _ask(self, title: str, take: Callable[[Path], None]) -> None:
        if self._sample() is None:
            return
        dialog = QFileDialog(self._window, title, self._window.state.text("folder"), TABLES)
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.fileSelected.connect(lambda name: take(Path(name)))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def _read(self, work: Callable[[], Any]) -> Any:
        """What a file holds, or None after its error was shown."""
        try:
            return work()
        except SodaliteError as error:
            self._window.messages.show_message(str(error), "error")
            return None

    def _sample(self) -> Sample | None:
        entry = self._window.document.entry
        known = self._window.document.project.samples
        return next((s for s in known if entry is not None and s.id == entry.sample), None)

    # -- areas --------------------------------------------------------------------------------------------------

    def by_regions(self) -> None:
        """Count all regions of the sample by data minus background, and show the composition."""
        self._count(REGION, "data − background")

    def by_components(self) -> None:
        """Count all regions of the sample by their components."""
        self._count(COMPONENTS, "components")

    def _count(self, kind: str, words: str) -> None:
        sample = self._sample()
        if sample is not None:
            project = count_by_regions(self._window.document.project, sample.id, kind)
            self._window.document.apply(f"Count all regions of {sample.name} by {words}", project)
            self._window.results.show_page("Composition")

    # -- studies ------------------------------------------------------------------------------------------------

    def bootstrap(self, replicas: int = 0) -> None:
        """Errors of the shown composition from simulated spectra."""
        number = replicas or self._window.quantify_panel.replicas.value()
        self._study("bootstrap", f"Bootstrap of {number} samples", replicas=number)

    def model_spread(self) -> None:
        """Range of the shown composition over other backgrounds, region ends and shapes."""
        self._study("model spread", "Model spread")

    def _study(self, kind: StudyKind, title: str, **options: int) -> None:
        sample, entry = self._sample(), self._window.document.entry
        if sample is None or entry is None:
            return
        project, session = self._window.document.project, self._window.document.session
        at = level_of(project, entry)
        self._window.results.show_page("Composition")

        def work(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> Study:
            done: Project = study(project, sample.id, kind, at, progress=progress, cancel=cancel, **options)
            return done.sample(sample.id).studies[-1]

        def done(made: Study) -> None:
            document = self._window.document
            # A sample of another project may bear the same id.
            if document.session is session and any(s.id == sample.id for s in document.project.samples):
                document.apply(f"{title}: {sample.name}", with_study(document.project, sample.id, made))
                self._window.composition.refresh()

        self._window.tasks.run(work, done, title=f"{title}: {sample.name}")
