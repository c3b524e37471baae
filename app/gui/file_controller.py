"""Files and the window: new, open, save, import, drop, recent, samples, and the question about unsaved changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.files import formats
from app.files.child import read_in_child
from app.files.format import AxisUnknown, ReadOptions
from app.files.references import MissingFile
from app.gui.action_set import Row
from app.gui.recovery import Recoverer
from app.project import collect, lock, store
from app.project.import_words import counted_words, import_words
from app.project.pairs import pair_up, pair_words
from app.project.project import Project, add_spectra
from app.project.series import with_variables
from app.project.store_child import load_in_child
from fitting.dataset import Spectrum
from libraries.errors import BadFile, BadProject, SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

SUFFIX = ".sodalite"
LARGE = 64 << 20  # bytes
PROJECT_FILTER = f"Sodalite project (*{SUFFIX})"
HDF5_MARK = b"\x89HDF\r\n\x1a\n"
MOST_PAIRS = 3
SAMPLES = (
    ("xps", "Sodium battery surfaces, XPS", "Simulated spectra of four surfaces whose composition is known exactly"),
    ("xps-angles", "Films at five angles, XPS", "Simulated angle series of two films whose thickness is known exactly"),
    ("eels", "Sodiated carbon spheres, EELS image", "Simulated low-loss and core-loss image of known content"),
    ("eels-valence", "Vanadium valence, EELS", "Simulated V L2,3 edges at three states of charge, with references"),
    ("sims", "Sodium interphase, ToF-SIMS cube", "Simulated mass spectra and cubes of ions of five known layers"),
)


def read_any(
    path: Path, cancel: Callable[[], bool], options: ReadOptions | None = None, given: Mapping[str, Path] | None = None
) -> Project | list[Spectrum]:
    """A project or spectra, told by the content of the file.

    Parameters
    ----------
    given : mapping of text to Path, optional
        Where files are that a project refers to, by the path that it has for them.

    Raises
    ------
    BadFile, BadProject
        If it is neither.
    """
    try:
        with path.open("rb") as file:
            is_hdf5 = file.read(len(HDF5_MARK)) == HDF5_MARK
        large = path.stat().st_size > LARGE
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error.strerror})", where=str(path)) from error
    named = path.suffix.lower() == SUFFIX
    if not named and (large or not is_hdf5):
        try:
            return read_in_child(path, cancel, options)
        except BadFile:
            # A project is read as a whole: an image is not taken for one before its readers have looked at it.
            if not is_hdf5:
                raise
    try:
        return load_in_child(path, cancel, given)
    except BadProject:
        if named:
            raise
    # An HDF5 file that is no project may be NeXus data; what its reader says then counts.
    return read_in_child(path, cancel, options)


class FileController(QObject):
    """Handlers of the File menu."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._lock: lock.Lock | None = None
        self.dialog: QFileDialog | QMessageBox | None = None
        self.recovery = Recoverer(window)

    # -- new, open ----------------------------------------------------------------------------------------------

    def new(self) -> None:
        """An empty project."""
        self.guarded(lambda: self.show_project(Project(), None))

    def open(self) -> None:
        """Ask for a project or for spectra."""
        self._ask_open("Open", [PROJECT_FILTER], lambda paths: self.open_paths(paths))

    def import_spectra(self) -> None:
        """Ask for spectra to add to the project."""
        self._ask_open("Import spectra", [], lambda paths: self.open_paths(paths, add=True))

    def _ask_open(self, title: str, first: Sequence[str], then: Callable[[list[Path]], None]) -> None:
        suffixes = sorted({suffix for known in formats() for suffix in known.suffixes})
        patterns = " ".join(f"*{suffix}" for suffix in suffixes)
        every = f"All that can be read ({patterns}{f' *{SUFFIX}' if first else ''})"
        kinds = [f"{known.title} ({' '.join(f'*{s}' for s in known.suffixes)})" for known in formats()]
        dialog = QFileDialog(self._window, title, self._window.state.text("folder"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
        dialog.setNameFilters([every, *first, *kinds, "All files (*)"])
        dialog.filesSelected.connect(lambda names: then([Path(name) for name in names]))
        self.show_dialog(dialog)

    def open_path(self, path: Path) -> None:
        """Open one file."""
        self.open_paths([Path(path)])

    def open_paths(
        self, paths: Sequence[Path], *, add: bool = False, options: ReadOptions | None = None,
        then: Callable[[], None] | None = None, given: Mapping[str, Path] | None = None,
    ) -> None:
        """Open files: a project is shown instead of this one; spectra make a new project, or are added.

        Parameters
        ----------
        add : bool
            Add spectra to this project (dropped and imported files).
        then : callable, optional
            Called when all is shown.
        given : mapping of text to Path, optional
            Where images of a project are, by the path that it has for them.
        """

        if self._window.cubes.takes(paths):
            return

        def work(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> list[Any]:
            found: list[Any] = []
            for number, path in enumerate(paths):
                progress(number / len(paths), f"Reading {path.name}")
                try:
                    found.append((path, read_any(path, cancel, options, given)))
                except (BadFile, BadProject) as error:
                    found.append((path, error))
            return found

        def done(found: list[Any]) -> None:
            self._take(found, add=add, given=given)
            if then is not None:
                then()

        self._window.tasks.run(work, done, title="Opening files")

    def _take(
        self, found: list[tuple[Path, Project | list[Spectrum] | SodaliteError]], *, add: bool,
        given: Mapping[str, Path] | None = None,
    ) -> None:
        """Show what was read; tell what could not be."""
        spectra: list[Spectrum] = []
        files: list[Path] = []
        for path, what in found:
            if isinstance(what, AxisUnknown):
                self._ask_axis(path, what, add)
            elif isinstance(what, MissingFile):
                self._ask_place(path, what, given or {})
            elif isinstance(what, SodaliteError):
                self._window.show_error(what)
            elif isinstance(what, Project):
                self.guarded(lambda project=what, path=path: self.show_project(project, path))
            else:
                spectra += what
                files.append(path)
        if not spectra:
            return
        for path in files:
            self._remember(path)
        empty = not self._window.document.project.entries
        if add or empty:
            self.add_spectra(spectra, files)
        else:
            self.guarded(lambda: (self.show_project(Project(), None), self.add_spectra(spectra, files)))

    def add_spectra(self, spectra: list[Spectrum], files: list[Path]) -> None:
        """Add spectra that were read from files to the project, as one step, and show the first."""
        document = self._window.document
        known = {entry.id for entry in document.project.entries}
        project = add_spectra(document.project, spectra)
        new = [entry.id for entry in project.entries if entry.id not in known]
        project = with_variables(project, new)
        alone = project
        project = pair_up(project, new)
        if not known and project.name == "Untitled":
            project = replace(project, name=files[0].stem)
        text = files[0].name if len(files) == 1 else f"{len(files)} files"
        document.apply(f"Import {text}", project)
        document.select(new[0] if new else None)
        self._window.say(f"{counted_words(spectra)} from {text}")
        for words in pair_words(alone, project)[:MOST_PAIRS]:
            self._window.messages.show_message(f"{words}.", "info")
        for words in import_words(spectra)[:MOST_PAIRS]:
            self._window.messages.show_message(words, "info")
        self._window.series.imported(new)

    def _ask_axis(self, path: Path, error: AxisUnknown, add: bool) -> None:
        def again(axis: Literal["binding_energy", "kinetic_energy", "energy_loss"]) -> None:
            self.open_paths([path], add=add, options=ReadOptions(axis=axis))

        self._window.messages.show_message(
            f"{path.name} does not say which energy its first column holds.", "question",
            [("Binding energy", lambda: again("binding_energy")), ("Kinetic energy", lambda: again("kinetic_energy")),
             ("Energy loss", lambda: again("energy_loss"))],
        )

    def _ask_place(self, project: Path, error: MissingFile, given: Mapping[str, Path]) -> None:
        """A project's image is not where it was: let the user show where it is."""

        def find() -> None:
            name = error.path.name
            dialog = QFileDialog(self._window, f"Where is {name}?", str(project.parent))
            dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
            dialog.setNameFilters([f"{name} ({name})", f"*{error.path.suffix} (*{error.path.suffix})", "All files (*)"])
            dialog.fileSelected.connect(
                lambda found: self.open_paths([project], given={**given, str(error.path): Path(found)})
            )
            self.show_dialog(dialog)

        self._window.messages.show_message(
            f"{project.name} works on {error.path.name}, which is not at {error.path.parent} any more.", "question",
            [("Find…", find), ("Do not open", lambda: None)],
        )

    def collect(self) -> None:
        """Copy the images that stay in their files beside the project, and save it."""
        document = self._window.document
        if document.path is None:
            self.save_as(self.collect)
            return
        project, session, target = document.project, document.session, document.path

        def done(collected: Project) -> None:
            if document.session is not session:
                return
            if document.project is not project:
                self._window.messages.show_message(
                    "The project was changed while its data were copied. Collect them once more.", "warning"
                )
                return
            document.apply("Collect data", collected)
            self.save_to(target)
            self._window.messages.show_message(
                f"The data of the project are in {collect.folder_of(target)}. Move it together with the project.",
                "info",
            )

        self._window.tasks.run(
            lambda progress, cancel: collect.collect(project, target, progress, cancel), done, title="Collecting data"
        )

    def open_sample(self, key: str) -> None:
        """Show a sample project."""
        from app.samples import sample_project

        self._window.tasks.run(
            lambda progress, cancel: sample_project(key, fitted=True),
            lambda project: self.guarded(lambda: self.show_project(project, None)),
            title="Making the sample spectra",
        )

    def show_project(self, project: Project, path: Path | None, *, dirty: bool = False) -> None:
        """Show another project instead of this one."""
        self._release()
        self.recovery.forget_own()
        self._window.messages.clear()
        self._window.document.reset(project, path, dirty=dirty)
        if path is not None:
            self._remember(path)
            self._acquire(path)
        self._window.show_first_fit()

    # -- lock ---------------------------------------------------------------------------------------------------

    def _acquire(self, path: Path, *, force: bool = False) -> None:
        self._release()
        self._lock = lock.acquire(path, force=force)
        if self._lock.other is not None:
            self._window.messages.show_message(
                f"{self._lock.other}. Saving here would overwrite their work.", "question",
                [("Save as…", self.save_as), ("Work on it anyway", lambda: self._acquire(path, force=True))],
            )

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    # -- save ---------------------------------------------------------------------------------------------------

    def save(self, then: Callable[[], None] | None = None) -> None:
        """Save where the project was saved before, else ask where."""
        path = self._window.document.path
        if path is None:
            self.save_as(then)
        else:
            self.save_to(path, then)

    def save_as(self, then: Callable[[], None] | None = None) -> None:
        """Ask where to save."""
        document = self._window.document
        folder = Path(self._window.state.text("folder") or Path.home())
        start = document.path or folder / f"{document.project.name}{SUFFIX}"
        dialog = QFileDialog(self._window, "Save project", str(start), PROJECT_FILTER)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(SUFFIX.lstrip("."))
        dialog.fileSelected.connect(lambda name: self.save_to(Path(name), then))
        self.show_dialog(dialog)

    def save_to(self, path: Path, then: Callable[[], None] | None = None) -> None:
        """Save there, off the window's thread; `then` is called when it is on disk."""
        document = self._window.document
        project, session = document.project, document.session

        def done(_: object) -> None:
            self._remember(path)
            if document.session is not session:  # another project is shown by now
                return
            document.mark_saved(path, project)
            self.recovery.forget_own()
            if self._lock is None or self._lock.path != lock.lock_path(path):
                self._acquire(path)
            if then is not None:
                then()

        self._window.tasks.run(
            lambda progress, cancel: store.save(project, path, cancel), done, title=f"Saving {path.name}"
        )

    # -- unsaved changes, dialogs -------------------------------------------------------------------------------

    def guarded(self, action: Callable[[], object]) -> None:
        """Do something that leaves this project, after asking about unsaved changes."""
        document = self._window.document
        if not document.dirty or not document.project.entries:
            action()
            return
        buttons = QMessageBox.StandardButton
        name = document.path.name if document.path else document.project.name
        box = QMessageBox(self._window)
        box.setObjectName("unsavedChanges")
        box.setIcon(QMessageBox.Icon.NoIcon)
        box.setWindowTitle("Unsaved changes")
        box.setText(f"Save the changes to {name}?")
        box.setInformativeText("They are lost otherwise.")
        box.setStandardButtons(buttons.Save | buttons.Discard | buttons.Cancel)
        box.setDefaultButton(buttons.Save)

        def answered(button: object) -> None:
            chosen = box.standardButton(button)  # type: ignore[arg-type]
            if chosen == buttons.Save:
                self.save(lambda: action())
            elif chosen == buttons.Discard:
                action()

        box.buttonClicked.connect(answered)
        self.show_dialog(box)

    def show_dialog(self, dialog: QFileDialog | QMessageBox) -> None:
        """Open a dialog without stopping the window."""
        self.dialog = dialog
        dialog.finished.connect(lambda: self._dialog_done(dialog))
        dialog.open()

    def _dialog_done(self, dialog: QFileDialog | QMessageBox) -> None:
        if self.dialog is dialog:
            self.dialog = None
        dialog.deleteLater()

    def quit(self) -> None:
        """Close the window."""
        self._window.close()

    def closed(self) -> None:
        """The window closes for good: nothing of this session is left behind."""
        self._release()
        self.recovery.stop()
        self.recovery.forget_own()

    # -- rows of the submenus -----------------------------------------------------------------------------------

    def _remember(self, path: Path) -> None:
        self._window.state.add_recent(path)
        self._window.welcome.set_recent(self._window.state.recent)

    def recent_rows(self) -> list[Row]:
        """Rows of File > Open recent."""
        return [Row(path.name, path, str(path)) for path in self._window.state.recent]

    @staticmethod
    def sample_rows() -> list[Row]:
        """Rows of File > Samples."""
        return [Row(title, key, tip) for key, title, tip in SAMPLES]
