"""Handlers of templates, propagation and folders."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QPoint, Qt
from PySide6.QtWidgets import QFileDialog, QMenu

from app.files.csv_table import write_table
from app.gui.action_set import Row
from app.gui.errors import log
from app.gui.fit_merge import merged
from app.gui.folder_dialog import FolderDialog
from app.project import folder, template_file, trends, work
from app.project.project import Project
from app.project.propagate import Carried, Source, propagate, source_of
from app.project.template import guessed_reference, template_of
from app.project.template_apply import Applied, apply_template, settle_reference, waiting_for
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

BLOCK_COMMANDS = (
    "fit.chosen", "fit.propagate", "fit.propagate_all", "fit.template", "", "edit.copy_model", "edit.paste_model", "",
    "data.remove",
)
TEMPLATES = f"Templates (*{template_file.SUFFIX})"
MOST_NOTES = 4


class BatchController(QObject):
    """Handlers of templates, propagation and folders."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._copied: Source | None = None
        self.dialog: QFileDialog | FolderDialog | None = None
        window.blocks.menu_wanted.connect(self.block_menu)
        window.blocks.remove_wanted.connect(lambda: window.edits.remove_spectrum())
        window.trends.save_wanted.connect(self.save_trend)

    # -- copy, paste, propagate ---------------------------------------------------------------------------------

    def copy_model(self) -> None:
        """Copy regions, components and calibration of the shown spectrum."""
        entry = self._window.document.entry
        if entry is not None and self._guarded(lambda: source_of(entry)) is not None:
            self._copied = source_of(entry)
            self._window.say(f"The model of {entry.title} is copied")

    def paste_model(self) -> None:
        """Put the copied regions and components on the chosen spectra."""
        if self._copied is None:
            self._window.messages.show_message("Nothing is copied yet: use Edit > Copy model first.", "info")
            return
        self._carry(self._copied, self._window.document.chosen, "Paste the model", {})

    def propagate_both(self) -> None:
        """Regions and components of the shown spectrum to the other chosen ones."""
        self._propagate({})

    def propagate_regions(self) -> None:
        """Windows and backgrounds alone."""
        self._propagate({"components": False})

    def propagate_components(self) -> None:
        """Components alone, into the regions that are there."""
        self._propagate({"regions": False})

    def propagate_calibration(self) -> None:
        """The charge shift alone."""
        self._propagate({"regions": False, "components": False, "calibration": True})

    def propagate_all(self) -> None:
        """Regions, components and charge shift."""
        self._propagate({"calibration": True})

    def _propagate(self, options: dict[str, bool]) -> None:
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        others = tuple(id for id in document.chosen if id != entry.id)
        if not others:
            self._window.messages.show_message(
                "Choose the spectra that take the model too: Ctrl+click or Shift+click them in the list.", "info"
            )
            return
        source = self._guarded(lambda: source_of(entry))
        if source is not None:
            self._carry(source, others, f"Propagate from {entry.title}", options)

    def _carry(self, source: Source, ids: Sequence[str], title: str, options: dict[str, bool]) -> None:
        project = self._window.document.project
        self._run(
            title, project, lambda progress, cancel: propagate(project, source, tuple(ids), **options),
            lambda carried: carried.project, lambda carried: self._say_carried(source, carried),
        )

    def _say_carried(self, source: Source, carried: Carried) -> None:
        number = len(carried.done)
        words = "1 spectrum" if number == 1 else f"{number} spectra"
        self._report(f"The model of {source.title} was put on {words}.", carried.notes, fit=number > 0)

    def fit_chosen(self) -> None:
        """Fit all regions of the chosen spectra."""
        document = self._window.document
        project, chosen = document.project, document.chosen
        regions = [(e.id, f.id) for e in project.entries if e.id in chosen for f in e.fits if f.model.components]
        if not regions:
            self._window.messages.show_message("The chosen spectra have no components to fit yet.", "info")
            return

        def fitted(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> tuple[Project, list[str]]:
            after, notes = project, []
            for number, (entry, region) in enumerate(regions):
                progress(number / len(regions), f"Fit {project.entry(entry).title}")
                try:
                    after = work.fit_region(after, entry, region, None, cancel)
                except SodaliteError as error:
                    if cancel():
                        raise
                    notes.append(f"{project.entry(entry).title}: {error.what}")
            return self._settled(after, regions, notes), notes

        title = "Fit 1 region" if len(regions) == 1 else f"Fit {len(regions)} regions"

        def say(result: tuple[Project, list[str]]) -> None:
            after, notes = result
            for entry, region in regions:
                state = trends.state(after.entry(entry).fit(region))
                if state and state not in ("not fitted", "the model misses structure in the data"):
                    notes.append(f"{after.entry(entry).title}: {state}")
            if notes:
                self._report(f"{title}: {len(notes)} did not end well.", notes)
            else:
                self._window.say(f"{title}: done")

        self._run(title, project, fitted, lambda result: result[0], say)

    @staticmethod
    def _settled(project: Project, regions: Sequence[tuple[str, str]], notes: list[str]) -> Project:
        """Charge references that a template found before the fit, made exact by what was fitted."""
        for name in dict.fromkeys(waiting_for(project.entry(entry)) for entry, _ in regions):
            if name:
                placed = tuple((entry, fit, project.entry(entry).fit(fit).name) for entry, fit in regions)
                try:
                    project, said = settle_reference(project, template_file.get(name), Applied(project, placed))
                except SodaliteError as error:
                    said = (f"The charge reference stays provisional: {error.what}",)
                notes += said
        return project

    # -- templates ----------------------------------------------------------------------------------------------

    def template_rows(self) -> list[Row]:
        """Rows of Fit > Apply template."""
        rows = []
        for name in template_file.names():
            try:
                note = template_file.get(name).note
            except SodaliteError as error:
                note = str(error)
            rows.append(Row(name, name, note))
        return rows

    def apply_template(self, name: str) -> None:
        """Put a template on the chosen spectra; nothing is fitted."""
        document = self._window.document
        template = self._guarded(lambda: template_file.get(name))
        if template is None:
            return
        project, chosen = document.project, document.chosen
        self._run(
            f"Template {name}", project, lambda progress, cancel: apply_template(project, template, chosen),
            lambda applied: applied.project,
            lambda applied: self._report(
                f"'{name}' put {len(applied.placed)} region{'' if len(applied.placed) == 1 else 's'} on "
                f"{len(applied.entries)} of {len(chosen)} spectra.", applied.notes, fit=bool(applied.placed),
            ),
        )

    def save_template(self) -> None:
        """Make a template of the chosen spectra of one sample."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        project = document.project
        ids = tuple(id for id in document.chosen if project.entry(id).fits)
        if len(document.chosen) == 1 and not ids:
            ids = tuple(e.id for e in project.entries_of(entry.sample) if e.fits)
        made = self._guarded(lambda: template_of(project, ids, "template"))
        if made is None:
            return
        own = template_file.folders()[0]
        own.mkdir(parents=True, exist_ok=True)
        start = project.sample(entry.sample).name if len(made.regions) > 1 else made.regions[0].key
        dialog = self._file_dialog("Save as template", own / f"{template_file.file_name(start)}.json", TEMPLATES, True)
        dialog.setDefaultSuffix("json")

        def save(path: Path) -> None:
            rule = guessed_reference(project, ids)
            named = template_of(project, ids, path.stem, rule)
            template_file.save(named, path)
            words = f", charge reference {rule.note}" if rule is not None else ""
            self._window.say(f"Template '{path.stem}': {len(named.regions)} regions{words}")

        self._ask(dialog, save)

    def import_template(self) -> None:
        """Take a template file that somebody shared."""

        def take(path: Path) -> None:
            template = template_file.load(path)
            template_file.keep(template)
            self._window.messages.show_message(f"The template '{template.name}' is yours now.", "info", [
                ("Apply to chosen spectra", lambda: self.apply_template(template_file.file_name(template.name)))])

        self._ask(self._file_dialog("Template", Path(self._window.state.text("folder") or Path.home()), TEMPLATES,
                                    False), take)

    # -- folders ------------------------------------------------------------------------------------------------

    def process_folder(self) -> None:
        """Ask for folder, template and result, then work through all files."""
        start = Path(self._window.state.text("folder") or Path.home())
        self.dialog = FolderDialog(start, template_file.names(), self._window)
        self.dialog.started.connect(self._start_folder)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.show()

    def _start_folder(self, source: str, name: str, target: str, resume: bool) -> None:
        out = Path(target)

        def work_through(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> folder.FolderRun:
            return folder.run_folder([Path(source)], template_file.get(name), out, progress, cancel, resume=resume)

        self._window.tasks.run(work_through, self._folder_done, title=f"Template {name} over {Path(source).name}")

    def _folder_done(self, run: folder.FolderRun) -> None:
        bad = dict.fromkeys(failure.file for failure in run.failures)
        for failure in run.failures:
            log.warning("%s: %s", failure.file, failure.what)
        text = f"{run.files} files worked on, {len(bad)} with failures. Table: {run.outputs[1].name}"
        window = self._window
        window.messages.show_message(
            text, "warning" if bad else "info",
            [("Open the result", lambda: window.files.open_path(str(run.outputs[0])))],
        )

    # -- blocks and trends --------------------------------------------------------------------------------------

    def block_menu(self, place: QPoint) -> None:
        """The context menu of the chosen blocks."""
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for id in BLOCK_COMMANDS:
            if id:
                menu.addAction(self._window.actions_[id])
            else:
                menu.addSeparator()
        menu.popup(place)

    def show_blocks(self) -> None:
        """Go to the grid of blocks."""
        self._window.results.show()
        self._window.results.show_page("Blocks").setFocus()

    def show_trends(self) -> None:
        """Go to the trends."""
        self._window.results.show()
        self._window.results.show_page("Trends").setFocus()

    def save_trend(self) -> None:
        """Write the table (CSV) or the figure (PNG, SVG, PDF) of the Trends page, by the name that is chosen."""
        page = self._window.trends
        trend = page.trend
        if trend is None:
            return
        start = Path(self._window.state.text("folder") or Path.home()) / "trend.csv"
        dialog = self._file_dialog("Save trend", start, "CSV (*.csv);;PNG (*.png);;SVG (*.svg);;PDF (*.pdf)", True)
        dialog.setDefaultSuffix("csv")
        dialog.filterSelected.connect(lambda kind: dialog.setDefaultSuffix(kind.partition("(*.")[2].rstrip(")")))

        def save(path: Path) -> None:
            if path.suffix.lower() == ".csv":
                write_table(path, *trends.table(trend))
            else:
                page.plot.save(path)

        self._ask(dialog, save)

    # -- helpers ------------------------------------------------------------------------------------------------

    def _guarded(self, make: Callable[[], Any]) -> Any:
        """What a function gives; None, with a message, where it refuses."""
        try:
            return make()
        except SodaliteError as error:
            self._window.show_error(error)
            return None

    def _run(
        self, title: str, before: Project, function: Callable[..., Any], project_in: Callable[[Any], Project],
        then: Callable[[Any], None],
    ) -> None:
        """Work off the window's thread; its project becomes one undo step."""

        session = self._window.document.session

        def done(result: Any) -> None:
            document = self._window.document
            if document.session is not session:  # another project is shown by now
                return
            project, lost = merged(document.project, before, project_in(result))
            document.apply(title, project)
            if lost:
                self._window.say(f"{title}: {lost} left out, because model or spectrum changed meanwhile")
            then(result)

        self._window.tasks.run(function, done, title=title)

    def _report(self, text: str, notes: Sequence[str], *, fit: bool = False) -> None:
        """Say what was done and what was left out; all of it stands in the log."""
        for note in notes:
            log.info("%s", note)
        shown = "\n".join(notes[:MOST_NOTES])
        more = f"\nand {len(notes) - MOST_NOTES} more (see the log)" if len(notes) > MOST_NOTES else ""
        buttons = [("Fit chosen spectra", self.fit_chosen)] if fit else []
        self._window.messages.show_message(f"{text}\n{shown}{more}".strip(), "info" if not notes else "warning",
                                           buttons)

    def _file_dialog(self, title: str, start: Path, kinds: str, save: bool) -> QFileDialog:
        dialog = QFileDialog(self._window, title, str(start), kinds)
        mode = QFileDialog.AcceptMode
        dialog.setAcceptMode(mode.AcceptSave if save else mode.AcceptOpen)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile if save else QFileDialog.FileMode.ExistingFile)
        if save:
            dialog.selectFile(start.name)
        return dialog

    def _ask(self, dialog: QFileDialog, then: Callable[[Path], object]) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def chosen(name: str) -> None:
            try:
                then(Path(name))
            except SodaliteError as error:
                self._window.show_error(error)

        dialog.fileSelected.connect(chosen)
        dialog.open()
