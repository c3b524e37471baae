"""Starting the window."""

from __future__ import annotations

import logging
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QFileOpenEvent, QGuiApplication
from PySide6.QtWidgets import QApplication

from app import __version__
from app.files import child
from app.gui import theme as themes
from app.gui.errors import Hook
from app.gui.find import library_entries
from app.gui.plot.immortal import keep_constants
from app.gui.style.icons import application_icon
from app.gui.view_state import ViewState
from app.gui.window import MainWindow
from fitting import kernels

DESKTOP_ID = "sodalite"
SIGNAL_CHECK = 250  # ms: Python sees Ctrl+C only when it runs


class _FileOpener(QObject):
    """On macOS the desktop hands over files as events."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Open what the desktop asks for."""
        if isinstance(event, QFileOpenEvent) and event.file():
            self._window.open_files([Path(event.file())])
            return True
        return super().eventFilter(watched, event)


def application(choice: themes.Choice = "system") -> QApplication:
    """The one QApplication, with the program's name, font, colours and scaling."""
    keep_constants()
    known = QApplication.instance()
    if isinstance(known, QApplication):
        app = known
    else:
        QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
        if sys.platform == "win32":
            _windows_taskbar_id()
        app = QApplication([DESKTOP_ID])
    app.setApplicationName("Sodalite")
    app.setApplicationVersion(__version__)
    app.setDesktopFileName(DESKTOP_ID)
    app.setWindowIcon(application_icon())
    themes.apply(app, choice)
    themes.follow_system(app)
    return app


def _windows_taskbar_id() -> None:
    """Windows groups windows by this id; without it they count as Python's."""
    import ctypes

    ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(DESKTOP_ID)  # type: ignore[attr-defined]


def _chosen_theme(state: ViewState) -> themes.Choice:
    wanted = state.text("theme", "system")
    return next((choice for choice in themes.CHOICES if choice == wanted), "system")


def run(files: Sequence[str | Path] = (), sample: str | None = None) -> int:
    """Open the window and wait until it is closed.

    Parameters
    ----------
    files : sequence of path
        Projects or spectra to open.
    sample : str, optional
        Sample project to show, "xps".

    Returns
    -------
    int
        Exit status.
    """
    logging.getLogger("sodalite").setLevel(logging.INFO)
    state = ViewState()
    app = application(_chosen_theme(state))
    window = MainWindow(state)
    hook = Hook(window.show_error)
    hook.install()
    app.installEventFilter(_FileOpener(window))
    window.show()
    window.files.recovery.offer()
    window.tasks.run(_warm_up, quiet=True, title="Warming up")
    if files:
        window.open_files([Path(file) for file in files])
    elif sample:
        window.files.open_sample(sample)
    ticking = _listen_to_ctrl_c(app, window)
    try:
        return app.exec()
    finally:
        ticking.stop()
        hook.remove()
        # The interpreter must not end while a plot lives: Qt and Python would tear it down in the wrong order.
        app.closeAllWindows()
        window.deleteLater()
        app.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        app.processEvents()
        child.shutdown()


def _warm_up(progress: object, cancel: object) -> None:
    """What the first file, the first search and the first fits would wait for."""
    child.warm_up()
    library_entries()
    kernels.prepare()


def _listen_to_ctrl_c(app: QApplication, window: MainWindow) -> QTimer:
    signal.signal(signal.SIGINT, lambda *_: app.quit())
    ticking = QTimer(window)
    ticking.timeout.connect(lambda: None)
    ticking.start(SIGNAL_CHECK)
    return ticking
