"""Handlers of ties between regions: fit what is tied together, end ties with what they name, add presets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from app.gui.action_set import Row
from app.gui.errors import log
from app.gui.fit_merge import merged
from app.project import joint
from app.project.presets import with_preset
from app.project.project import Project
from fitting.presets import preset, presets
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow


class JointController(QObject):
    """Ties of the project."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._tidying = False
        window.document.project_changed.connect(self._tidy)

    def _tidy(self) -> None:
        """Ties of what was just removed end with the same undo step, and the analyst is told."""
        document = self._window.document
        if self._tidying or not document.project.ties or document.redo_text:
            return
        project, notes = joint.tidied(document.project)
        if not notes:
            return
        self._tidying = True
        try:
            document.amend(project)
        finally:
            self._tidying = False
        for note in notes:
            log.info("%s", note)
        self._window.messages.show_message("; ".join(notes) + ".", "info", [("Undo", self._window.edits.undo)])

    def fit_tied(self) -> None:
        """Fit the shown region together with all that are tied to it."""
        document = self._window.document
        entry, fit = document.entry, document.fit
        if entry is None or fit is None:
            return
        before = document.project
        group = joint.group_of(before, entry.id, fit.id)
        names = ", ".join(joint.region_name(before, key, joint.key_of(entry.id, fit.id)) for key in group)
        found: list[str] = []

        def fitted(progress: object, cancel: object) -> Project:
            after, result = joint.fit_group(before, group, progress, cancel)  # type: ignore[arg-type]
            found.append("" if result.success else result.message)
            return after

        session = document.session

        def done(after: Project) -> None:
            if document.session is not session:  # another project is shown by now
                return
            project, lost = merged(document.project, before, after)
            document.apply(f"Fit {names} together", project)
            if lost:
                self._window.say("The joint fit was left out, because a model, a tie or a spectrum changed meanwhile")
            elif found[0]:
                self._window.messages.show_message(found[0], "warning")
            else:
                self._window.say(f"Fitted together: {names}")

        self._window.tasks.run(fitted, done, title=f"Fit {names} together")

    def preset_rows(self) -> list[Row]:
        """Rows of Fit > Add preset."""
        return [Row(item.title, item.key, item.description) for item in presets()]

    def add_preset(self, key: str) -> None:
        """Add the lines of a preset to the regions of the shown sample."""
        document = self._window.document
        entry = document.entry
        if entry is None:
            return
        item = preset(key)
        try:
            project, notes = with_preset(document.project, entry.sample, item)
        except SodaliteError as error:
            self._window.show_error(error)
            return
        document.apply(f"Add {item.title}", project)
        if notes:
            self._window.messages.show_message(f"{item.title}: {' '.join(notes)}", "info")
        else:
            self._window.say(f"Added {item.title}")
