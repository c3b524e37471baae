"""Autosave every minute while there are unsaved changes, and the offer of the last state after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from app.gui.errors import log
from app.gui.results_pages import local_time
from app.project import autosave
from app.project.autosave import Recovery
from app.project.project import Project
from libraries.errors import SodaliteError

if TYPE_CHECKING:
    from app.gui.window import MainWindow

EVERY_MILLISECONDS = 60_000


class Recoverer(QObject):
    """Writes and offers recovery files."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._written: Project | None = None
        self._own: list[Recovery] = []
        self._writing = False
        self._timer = QTimer(self)
        self._timer.setInterval(EVERY_MILLISECONDS)
        self._timer.timeout.connect(self.write)
        self._timer.start()

    def stop(self) -> None:
        """No more autosave."""
        self._timer.stop()

    def write(self) -> None:
        """Write the recovery file if something changed since it was written last."""
        document = self._window.document
        project, path = document.project, document.path
        if self._writing or not document.dirty or not project.entries or project is self._written:
            return
        self._writing = True

        def done(recovery: Recovery) -> None:
            self._writing = False
            self._written = project
            self._own.append(recovery)
            self._window.show_saved_state()

        def failed(error: BaseException) -> None:
            self._writing = False
            if not isinstance(error, SodaliteError):
                raise error
            log.warning("Autosave: %s", error)
            self._window.say(f"Autosave did not work: {error}")

        self._window.tasks.run(
            lambda progress, cancel: autosave.write_recovery(project, path), done, failed, quiet=True, title="Autosave"
        )

    @property
    def current(self) -> bool:
        """Whether the recovery file holds the project as it is."""
        return self._written is self._window.document.project

    def forget_own(self) -> None:
        """The recovery files of this session are not needed any more (saved, or given up by the user)."""
        self._discard(self._own)
        self._own, self._written = [], None

    def _discard(self, recoveries: list[Recovery]) -> None:
        for recovery in recoveries:
            try:
                autosave.discard(recovery)
            except SodaliteError as error:
                log.warning("%s", error)

    # -- after a crash ------------------------------------------------------------------------------------------

    def offer(self) -> None:
        """Look for what a program that crashed left behind, and offer it."""
        self._window.tasks.run(
            lambda progress, cancel: autosave.find_recoveries(), self._offer, quiet=True, title="Looking for recoveries"
        )

    def _offer(self, found: tuple[Recovery, ...]) -> None:
        for recovery in reversed(found):
            self._window.messages.show_message(
                f"Sodalite ended unexpectedly. “{recovery.name}” can be recovered as of {local_time(recovery.when)}.",
                "question",
                [("Recover", lambda recovery=recovery: self.recover(recovery)),
                 ("Discard", lambda recovery=recovery: self._discard([recovery]))],
            )

    def recover(self, recovery: Recovery) -> None:
        """Show the recovered state; its file is kept until that is saved."""

        def done(project: Project) -> None:
            self._window.files.guarded(lambda: self._show(project, recovery))

        self._window.tasks.run(
            lambda progress, cancel: autosave.recover(recovery), done, title=f"Recovering {recovery.name}"
        )

    def _show(self, project: Project, recovery: Recovery) -> None:
        self._window.files.show_project(project, recovery.project_path, dirty=True)
        self._own.append(recovery)
        self._window.say(f"Recovered {recovery.name}; save it to keep it")
