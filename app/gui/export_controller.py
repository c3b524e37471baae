"""Handlers of File > Export and of the report: where to, then the work off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from app.files.export import write_csv_folder, write_hdf5, write_vamas_file
from app.files.hspy_writer import write_hspy
from app.files.map_writer import write_maps
from app.files.msa_writer import write_msa
from app.files.profile_tables import ProfileTable, raw_table, shown_table, write_profile_csv, write_profile_xlsx
from app.files.xlsx_writer import write_xlsx
from app.project.project import Entry, Project, RegionFit
from app.project.sims_profiles_at import is_part, place_name, profile_at

if TYPE_CHECKING:
    from app.cli.intervals import Uncertainties
    from app.gui.window import MainWindow
    from fitting.dataset import Spectrum

Writer = Callable[[Project, Path], Path]


class ExportController(QObject):
    """Exports of the project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QFileDialog | None = None

    def csv(self) -> None:
        """Tables in a folder."""
        dialog = self._dialog("Folder for the tables", "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._ask(dialog, write_csv_folder)

    def hdf5(self) -> None:
        """One HDF5 file."""
        self._ask(self._save_dialog("Export HDF5 (NeXus)", "NeXus (*.nxs *.h5)", "nxs"), write_hdf5)

    def vamas(self) -> None:
        """One VAMAS file."""
        left: list[str] = []
        dialog = self._save_dialog("Export VAMAS", "VAMAS (*.vms)", "vms")
        self._ask(dialog, lambda project, path: write_vamas_file(project, path, left.append), left)

    def xlsx(self) -> None:
        """One Excel workbook."""
        self._ask(self._save_dialog("Export Excel workbook", "Excel workbook (*.xlsx)", "xlsx"), write_xlsx)

    def msa(self) -> None:
        """The spectrum of the plot as EMSA/MAS."""
        entry, place = self._window.document.entry, self._window.document.place
        if entry is None:
            return

        def write(_: Project, path: Path) -> Path:
            write_msa(path, entry.single(place))
            return path

        dialog = self._save_dialog("Export EMSA/MAS", "EMSA/MAS (*.msa)", "msa")
        dialog.selectFile(f"{entry.title}.msa")
        self._ask(dialog, write)

    def hspy(self) -> None:
        """The shown spectrum or image as HyperSpy file."""
        entry = self._window.document.entry
        if entry is None:
            return

        def write(_: Project, path: Path) -> Path:
            write_hspy(path, entry.processed())
            return path

        dialog = self._save_dialog("Export HyperSpy", "HyperSpy (*.hspy)", "hspy")
        dialog.selectFile(f"{entry.title}.hspy")
        self._ask(dialog, write)

    def maps(self) -> None:
        """All maps of the shown image in a folder."""
        entry = self._window.document.entry
        if entry is None:
            return
        dialog = self._dialog("Folder for the maps", "")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._ask(dialog, lambda _, path: write_maps([entry], path))

    def profile_shown(self) -> None:
        """The chosen traces of the shown depth profile, as they are drawn."""
        self._profile("as shown", shown_table)

    def profile_raw(self) -> None:
        """All ions of the shown depth profile as counted."""
        self._profile("all ions", lambda entry, profile: raw_table(profile, entry.masses))

    def _profile(self, words: str, made: Callable[[Entry, Spectrum], ProfileTable]) -> None:
        """A table of the shown place's depth profile, as CSV or, by the ending of the name, as Excel workbook."""
        entry, place = self._window.document.entry, self._window.document.place
        if entry is None:
            return

        def write(_: Project, path: Path) -> Path:
            table = made(entry, profile_at(entry, place))
            if path.suffix.lower() == ".xlsx":
                return write_profile_xlsx(path, [table])
            return write_profile_csv(path, table)

        dialog = self._save_dialog(f"Export depth profile, {words}", "CSV (*.csv);;Excel workbook (*.xlsx)", "csv")
        dialog.filterSelected.connect(lambda name: dialog.setDefaultSuffix("xlsx" if "xlsx" in name else "csv"))
        title = place_name(entry, place) if is_part(entry, place) else entry.title
        dialog.selectFile(f"{title} {words}.csv".replace("/", "-"))
        self._ask(dialog, write)

    def intervals(self) -> None:
        """The error intervals of the shown region as one table, as `sodalite fit --csv` writes them."""
        page, document = self._window.intervals, self._window.document
        entry, fit, found = document.entry, document.fit, page.found()
        if entry is None or fit is None or found is None:
            return
        dialog = self._save_dialog("Save error intervals", "CSV (*.csv)", "csv")
        dialog.selectFile(f"{fit.name}-intervals.csv")
        self._ask(dialog, lambda _, path: _write_intervals(path, found, entry, fit))

    def report(self) -> None:
        """A report as one HTML file."""
        self._ask(self._save_dialog("Report", "Report (*.html)", "html"), _write_report)

    def _dialog(self, title: str, filters: str) -> QFileDialog:
        return QFileDialog(self._window, title, self._window.state.text("folder"), filters)

    def _save_dialog(self, title: str, filters: str, suffix: str) -> QFileDialog:
        dialog = self._dialog(title, filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(suffix)
        dialog.selectFile(f"{self._window.document.project.name}.{suffix}")
        return dialog

    def _ask(self, dialog: QFileDialog, writer: Writer, left_out: Sequence[str] = ()) -> None:
        dialog.fileSelected.connect(lambda name: self.write(writer, Path(name), left_out))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, writer: Writer, path: Path, left_out: Sequence[str] = ()) -> None:
        """Write, and offer to show what was written; say what the writer put into `left_out`."""
        project = self._window.document.project

        def done(written: Path) -> None:
            folder = written if written.is_dir() else written.parent
            self._window.messages.show_message(
                f"Exported to {written}", "info",
                [("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))],
            )
            if left_out:
                self._window.messages.show_message("\n".join(left_out[:8]), "warning")

        self._window.tasks.run(lambda progress, cancel: writer(project, path), done, title=f"Exporting to {path.name}")


def _write_intervals(path: Path, found: Uncertainties, entry: Entry, fit: RegionFit) -> Path:
    from app.cli.intervals import write

    write(path, found, entry, fit)
    return path


def _write_report(project: Project, path: Path) -> Path:
    from app.files.report import write_report

    write_report(project, path)
    return path
