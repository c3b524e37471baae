"""Where maps, overlays and profiles are saved to: a dialog, then the work off the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFileDialog

from app.files.figures import save_figure
from app.files.map_figures import map_figure, overlay_figure, profile_figure
from app.files.map_tables import write_maps_csv, write_maps_hdf5, write_profiles_csv, write_tiffs
from app.project.profiles import MapProfile
from fitting.dataset import Axis
from fitting.image.maps import Map
from fitting.image.overlay import Overlay
from fitting.sims.cube_maps import flat_map, lateral

FIGURES = "PDF (*.pdf);;SVG (*.svg);;PNG (*.png)"
Write = Callable[[Path], Path]


class MapExports(QObject):
    """Exports of the image pages.

    Parameters
    ----------
    window : MainWindow
    """

    def __init__(self, window: Any) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QFileDialog | None = None

    def maps(self, key: str, ids: Sequence[str]) -> None:
        """Maps of the shown entry: "figure", "csv", "hdf5" or "tiff"."""
        entry = self._window.document.entry
        if entry is None:
            return
        maps, navigation = [one for one in entry.maps if one.id in set(ids)], entry.spectrum.navigation
        if key != "hdf5" or len({one.shape for one in maps}) > 1:  # amounts of a cube stay whole in HDF5
            maps, navigation = [flat_map(one) for one in maps], lateral(navigation)
        elif maps and maps[0].values.ndim == 2:
            navigation = lateral(navigation)
        name = f"{entry.title} maps"
        if key == "tiff":
            self._ask_folder(lambda path: _tiffs(path, maps, navigation))
        elif key == "figure":
            pages = (self._window.maps_panel, self._window.volume_panel)
            line = next((page.profile.line() for page in pages if page.isVisible()), None)
            self._ask(f"{name}.pdf", FIGURES, lambda path: _figure(path, maps, navigation, [line] if line else []))
        elif key == "csv":
            self._ask(f"{name}.csv", "CSV (*.csv)", lambda path: write_maps_csv(path, maps, navigation))
        else:
            self._ask(f"{name}.h5", "HDF5 (*.h5)", lambda path: write_maps_hdf5(path, maps, navigation))

    def profiles(self, key: str, found: Sequence[MapProfile], title: str) -> None:
        """Profiles: "csv" or "figure"."""
        along, fronts = [one.profile for one in found], [one.front for one in found]
        if key == "csv":
            self._ask("profile.csv", "CSV (*.csv)", lambda path: write_profiles_csv(path, along, fronts))
        else:
            self._ask("profile.pdf", FIGURES,
                      lambda path: save_figure(profile_figure(along, fronts, title=title), path))

    def overlay(self, found: Overlay, navigation: tuple[Axis, ...]) -> None:
        """A colour overlay as a figure."""
        self._ask("overlay.pdf", FIGURES, lambda path: save_figure(overlay_figure(found, navigation), path))

    # -- asking and writing -------------------------------------------------------------------------------------

    def _ask(self, name: str, filters: str, write: Write) -> None:
        dialog = QFileDialog(self._window, "Save", self._window.state.text("folder"), filters)
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix(Path(name).suffix.lstrip("."))
        dialog.filterSelected.connect(lambda words: dialog.setDefaultSuffix(words.rpartition("*.")[2].rstrip(")")))
        dialog.selectFile(name)
        self._open(dialog, write)

    def _ask_folder(self, write: Write) -> None:
        dialog = QFileDialog(self._window, "Folder for the TIFF files", self._window.state.text("folder"))
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setOption(QFileDialog.Option.ShowDirsOnly)
        self._open(dialog, write)

    def _open(self, dialog: QFileDialog, write: Write) -> None:
        dialog.fileSelected.connect(lambda name: self.write(Path(name), write))
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def write(self, path: Path, write: Write) -> None:
        """Write off the window's thread, and offer to show what was written."""

        def done(written: Path) -> None:
            folder = written if written.is_dir() else written.parent
            self._window.messages.show_message(
                f"Exported to {written}", "info",
                [("Show folder", lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))))],
            )

        self._window.tasks.run(lambda progress, cancel: write(path), done, title=f"Exporting to {path.name}")


def _tiffs(path: Path, maps: Sequence[Map], navigation: tuple[Axis, ...]) -> Path:
    write_tiffs(path, maps, navigation)
    return path


def _figure(path: Path, maps: Sequence[Map], navigation: tuple[Axis, ...], lines: list[Any]) -> Path:
    """On white, whatever the window's colours: figures are for paper."""
    return save_figure(map_figure(maps, navigation, lines=lines), path)
