"""Handlers of the Edit and Data menus."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class EditController(QObject):
    """Undo, copy, delete, rename, energies."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

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

    def layers(self) -> None:
        """Go to the page of layers."""
        self._window.inspector.show_page("Layers").setFocus()

    def rename(self) -> None:
        """Edit the name of the chosen row."""
        self._window.project_dock.show()
        self._window.tree.rename()

    def remove_spectrum(self) -> None:
        """Take the chosen spectra out; undo brings them back."""
        document = self._window.document
        ids = set(document.chosen)
        if not ids:
            return
        before = document.project
        gone = [entry for entry in before.entries if entry.id in ids]
        kept = before.without_entry(*ids)
        emptied = {entry.sample for entry in gone} - {entry.sample for entry in kept.entries}
        samples = tuple(sample for sample in before.samples if sample.id not in emptied)
        title = gone[0].title if len(gone) == 1 else f"{len(gone)} spectra"
        document.apply(f"Remove {title}", replace(kept, samples=samples))
        were = "was" if len(gone) == 1 else "were"
        self._window.messages.show_message(
            f"{title} {were} removed from the project.", "info", [("Undo", self.undo)]
        )

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
        """Go to the page that sets the photon energy."""
        self._window.inspector.show_page("Process").setFocus()
