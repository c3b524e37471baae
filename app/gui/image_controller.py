"""Handlers of commands on images: fit every pixel, its maps, the navigator."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QFileDialog

from app.files.atomic import write_text
from app.gui.action_set import Row
from app.project.image_fit import image_maps, without_run
from app.project.region_at import is_image, pixels_at, runs, scaled
from fitting.image.maps import Map
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class ImageController(QObject):
    """Whole-image fits and the places of the navigator."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QFileDialog | None = None
        window.navigator.compare_wanted.connect(self._compare)
        window.view.comparing_changed.connect(self._compared)
        window.navigator.shown_changed.connect(self._navigator_shown)

    # -- fits of every pixel ------------------------------------------------------------------------------------

    def fit_pixels(self) -> None:
        """Fit the shown region's model to every pixel; the answers become maps."""
        document = self._window.document
        entry, fit = document.entry, document.fit
        if entry is None or fit is None:
            return
        session = document.session

        def done(maps: tuple[Map, ...]) -> None:
            if document.session is not session:
                return
            now = next((e for e in document.project.entries if e.id == entry.id), None)
            same = now is not None and now.spectrum is entry.spectrum and now.recipe == entry.recipe
            if now is None or not same:
                self._window.say("The fit of every pixel was left out, because the image changed meanwhile")
                return
            document.apply(f"Fit every pixel of {entry.title}", document.project.with_entry(now.with_maps(maps)))
            if document.entry is not None and document.entry.id == entry.id:
                shown = next((m for m in maps if m.param("parameter")), maps[0])
                self._window.navigator.show_map(shown.id)
            self._say(maps)

        self._window.tasks.run(
            lambda progress, cancel: image_maps(entry, fit.id, progress, cancel), done,
            title=f"Fit every pixel of {entry.title}",
        )

    def _say(self, maps: tuple[Map, ...]) -> None:
        """How many pixels have no proper minimum."""
        chi = next(m for m in maps if m.param("quantity") == "reduced_chi2")
        bad = int((~chi.good).sum())
        count = chi.values.size
        if not bad:
            self._window.say(f"All {count} pixels are fitted")
            return
        words = dict(chi.legend)
        kinds = {words.get(int(code), str(code)): int((chi.flags == code).sum())
                 for code in set(chi.flags.ravel().tolist()) if code} if chi.flags is not None else {}
        told = ", ".join(f"{number} {name}" for name, number in kinds.items())
        self._window.messages.show_message(
            f"{count - bad} of {count} pixels are fitted; flagged in the maps: {told}.", "warning")

    def run_rows(self) -> list[Row]:
        """Rows of Fit > Remove maps of a fit."""
        entry = self._window.document.entry
        return [] if entry is None else [
            Row(group, group, f"{sum(m.group == group for m in entry.maps)} maps") for group in reversed(runs(entry))
        ]

    def remove_run(self, group: str) -> None:
        """Take the maps of one run away."""
        document = self._window.document
        entry = document.entry
        if entry is not None:
            document.apply(f"Remove the maps of {group}", document.project.with_entry(without_run(entry, group)))

    # -- places -------------------------------------------------------------------------------------------------

    def _compare(self, on: bool) -> None:
        navigator, view = self._window.navigator, self._window.view
        if on:
            view.compare_places([(r.name, r.place, r.pixels, r.colour) for r in navigator.compared()])
        else:
            view.set_comparing(False)

    def _compared(self, on: bool) -> None:
        if not on:
            self._window.navigator.compare_ended()

    def set_navigator(self, on: bool) -> None:
        """Show the navigator beside the plot of images, or not."""
        self._window.navigator.set_on(on)

    def _navigator_shown(self, on: bool) -> None:
        self._window.actions_["view.navigator"].setChecked(on)

    def focus(self) -> None:
        """Give the image the keyboard."""
        self._window.navigator.set_on(True)
        self._window.navigator.view.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # -- the model as a file ------------------------------------------------------------------------------------

    def export_model(self) -> None:
        """Write the model of the shown region as JSON, for `sodalite fit` and `sodalite batch`."""
        document = self._window.document
        entry, fit = document.entry, document.fit
        if entry is None or fit is None:
            return
        start = Path(self._window.state.text("folder") or Path.home()) / f"{fit.name}.json".replace("/", "-")
        dialog = self.dialog = QFileDialog(self._window, "Export model", str(start), "Model (*.json)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("json")
        dialog.selectFile(start.name)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        # Of an image the amounts of one pixel: what `batch` fits.
        factor = 1 / pixels_at(entry, document.place) if is_image(entry) else 1.0
        model = replace(scaled(fit.model, factor), name=fit.name)

        def write(name: str) -> None:
            try:
                write_text(Path(name), model.to_json())
            except SodaliteError as error:
                self._window.show_error(error)
            else:
                self._window.say(f"The model is in {Path(name).name}")

        dialog.fileSelected.connect(write)
        dialog.open()
