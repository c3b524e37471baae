"""Import of cubes of ions: the dialog, the work off the window's thread, and the new entry."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt

from app.files import cube_ascii
from app.files.contents import read_head
from app.files.cube_import import import_cube
from app.files.peak_list import read_peaks
from app.gui.sims.cube_dialog import CubeDialog, CubeRequest, Known
from fitting.dataset import Spectrum
from libraries.errors import BadFile

if TYPE_CHECKING:
    from app.gui.window import MainWindow


_LOOKED_AT = 2  # of the files that are opened together: sixty are not looked through while the window waits


class CubeController(QObject):
    """Handler of File > Import cube of ions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: CubeDialog | None = None

    def ask(self, paths: Sequence[Path] = ()) -> None:
        """Ask for files and what they do not say."""
        folder = Path(self._window.state.text("folder") or Path.home())
        self.dialog = CubeDialog(folder, self._known(), self._window)
        self.dialog.started.connect(self.start)
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if paths:
            self.dialog.take_files(paths)
        self.dialog.show()

    def takes(self, paths: Sequence[Path]) -> bool:
        """Whether opened files are ions of a 3D export; then they are asked about together."""
        try:
            mine = bool(paths) and all(
                path.is_file() and cube_ascii.sniff(read_head(path), path) > 0 for path in paths[:_LOOKED_AT]
            )
        except BadFile:
            return False
        if mine:
            self.ask(paths)
        return mine

    def start(self, request: CubeRequest) -> None:
        """Import, and show the cube as a new entry of the project that is shown when it is done."""
        from app.files.child import read_in_child

        document = self._window.document
        session = document.session

        def work(progress: Callable[[float, str], None], cancel: Callable[[], bool]) -> list[Spectrum]:
            peaks = read_peaks(request.peak_list) if request.peak_list is not None else request.peaks
            progress(0.0, "Reading the measurement")
            written = import_cube(
                request.files, request.target, request.settings, peaks=peaks, scale=request.scale, progress=progress,
                cancel=cancel,
            )  # fmt: skip
            progress(1.0, f"Opening {written.name}")
            return read_in_child(written, cancel)

        def done(spectra: list[Spectrum]) -> None:
            if document.session is session:
                self._window.files.add_spectra(spectra, [request.target])

        self._window.tasks.run(work, done, title="Importing a cube of ions")

    def _known(self) -> Known:
        """Peak lists of the project, that of the shown entry first, and the mass scale of the shown entry."""
        document = self._window.document
        entry = document.entry
        entries = [*([entry] if entry is not None else []), *(e for e in document.project.entries if e is not entry)]
        peaks = tuple((one.title, one.masses.peaks) for one in entries if one.masses.peaks)
        steps = entry.recipe.steps if entry is not None else ()
        laws = [dict(step.params) for step in steps if step.kind == "mass_scale"]
        scale = (float(laws[-1]["slope"]), float(laws[-1]["offset"])) if laws else None
        return Known(peaks, scale)
