"""Handlers of the Edit and Data menus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QInputDialog, QWidget

from app.project.project import Entry
from fitting.recipe import Step
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

AL_K_ALPHA = 1486.6  # eV, J. A. Bearden, Rev. Mod. Phys. 39, 78 (1967)


class EditController(QObject):
    """Undo, copy, delete, rename, energies."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self.dialog: QInputDialog | None = None

    # -- edit ---------------------------------------------------------------------------------------------------

    def undo(self) -> None:
        """Take the last edit back."""
        self._window.document.undo()

    def redo(self) -> None:
        """Do the last undone edit again."""
        self._window.document.redo()

    def copy(self) -> None:
        """Copy the table that has the keyboard, else the plot."""
        widget: QWidget | None = QApplication.focusWidget()
        while widget is not None and widget is not self._window.view:
            for name in ("copy_text", "copy"):
                method = getattr(widget, name, None)
                if callable(method):
                    method()
                    self._window.say("Copied as text")
                    return
            widget = widget.parentWidget()
        QGuiApplication.clipboard().setPixmap(self._window.view.grab())
        self._window.say("The plot is copied as a picture")

    def delete_component(self) -> None:
        """Delete the chosen component."""
        document = self._window.document
        fit, id = document.fit, document.selection.component
        if fit is not None and id is not None:
            component = fit.model.component(id)
            minors = [c.id for c in fit.model.components if c.doublet == id]
            document.edit_model(f"Delete {component.name or id}", fit.model.without(id, *minors))

    def delete_region(self) -> None:
        """Delete the shown region."""
        document = self._window.document
        entry, fit = document.entry, document.fit
        if entry is not None and fit is not None:
            document.apply(f"Delete region {fit.name}", document.project.with_entry(entry.without_fit(fit.id)))

    # -- data ---------------------------------------------------------------------------------------------------

    def charge_reference(self) -> None:
        """Go to the page that sets the charge reference."""
        self._window.inspector.show_page("Calibrate").setFocus()

    def material(self) -> None:
        """Go to the page that sets the material."""
        self._window.inspector.show_page("Quantify").setFocus()

    def rename(self) -> None:
        """Edit the name of the chosen row."""
        self._window.project_dock.show()
        self._window.tree.rename()

    def remove_spectrum(self) -> None:
        """Take the spectrum out; undo brings it back."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        project = document.project.without_entry(entry.id)
        if not project.entries_of(entry.sample):
            project = replace(project, samples=tuple(s for s in project.samples if s.id != entry.sample))
        title = entry.title
        document.apply(f"Remove {title}", project)
        self._window.messages.show_message(f"{title} was removed from the project.", "info", [("Undo", self.undo)])

    def next_spectrum(self) -> None:
        """Show the next spectrum."""
        self._step(1)

    def previous_spectrum(self) -> None:
        """Show the spectrum before."""
        self._step(-1)

    def _step(self, by: int) -> None:
        document = self._window.document
        project = document.project
        ids = [e.id for s in project.samples for e in project.entries_of(s.id)]
        if ids and document.selection.entry in ids:
            document.select(ids[(ids.index(document.selection.entry) + by) % len(ids)])

    def photon_energy(self) -> None:
        """Ask for the photon energy of spectra on a kinetic-energy axis."""
        dialog = QInputDialog(self._window)
        dialog.setWindowTitle("Photon energy")
        dialog.setLabelText("Photon energy in eV, for all spectra of the sample that are on a kinetic-energy axis:")
        dialog.setInputMode(QInputDialog.InputMode.DoubleInput)
        dialog.setDoubleDecimals(3)
        dialog.setDoubleRange(10.0, 20_000.0)
        dialog.setDoubleValue(AL_K_ALPHA)
        dialog.doubleValueSelected.connect(self.set_photon_energy)
        dialog.finished.connect(dialog.deleteLater)
        self.dialog = dialog
        dialog.open()

    def set_photon_energy(self, energy: float) -> None:
        """Turn the kinetic energies of the sample into binding energies."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        step = Step("photon_energy", (("photon_energy", energy),), "set by the user")
        try:
            document.apply(
                f"Photon energy {energy:g} eV",
                document.project.map_entries(lambda e: self._with_photon_energy(e, step), entry.sample),
            )
        except SodaliteError as error:
            self._window.show_error(error)

    @staticmethod
    def _with_photon_energy(entry: Entry, step: Step) -> Entry:
        if entry.spectrum.axis.quantity != "kinetic_energy":
            return entry
        rest = tuple(old for old in entry.recipe.steps if old.kind != "photon_energy")
        # First in the recipe: every other step speaks of binding energies.
        changed = replace(entry, recipe=replace(entry.recipe, steps=(step, *rest)))
        changed.processed()
        # Models on the old axis mean nothing on the new one.
        return replace(changed, fits=()) if entry.fits else changed
