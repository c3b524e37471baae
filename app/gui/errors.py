"""Errors that reach the top: shown in the window, written to its log, never dropped.

Errors of our own say what to do and go to the message bar as they are. Everything else is a defect of the program;
it is shown with its details, so that it can be reported, and the work in the window goes on.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import QMessageLogContext, QObject, QtMsgType, Signal, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app import __version__
from libraries.errors import SodaliteError

log = logging.getLogger("sodalite")
# Remarks of Qt on the platform that mean nothing to an analyst and cost nothing.
HARMLESS = ("This plugin does not support", "Populating font family aliases", "QFont::setPointSize")


class _Reporter(QObject):
    """Carries an error from any thread to the window's."""

    raised = Signal(object)


class Hook:
    """Catches what nobody caught.

    Parameters
    ----------
    show : callable(error)
        Shows an error in the window; called in the window's thread.
    """

    def __init__(self, show: Callable[[BaseException], None]) -> None:
        self._reporter = _Reporter()
        self._show = show
        self._reporter.raised.connect(self._deliver)
        self._before: tuple[object, object] | None = None

    def _deliver(self, error: BaseException) -> None:
        self._show(error)

    def install(self) -> None:
        """From now on catch errors and Qt's messages."""
        self._before = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._caught
        threading.excepthook = lambda args: self._caught(args.exc_type, args.exc_value, args.exc_traceback)
        qInstallMessageHandler(qt_message)

    def remove(self) -> None:
        """Back to what was before."""
        if self._before is not None:
            sys.excepthook, threading.excepthook = self._before  # type: ignore[assignment]
            self._before = None
            qInstallMessageHandler(None)

    def _caught(
        self, kind: type[BaseException], error: BaseException | None, where: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        error = error if error is not None else kind()
        log.error("%s", details(error))
        self._reporter.raised.emit(error)


def qt_message(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    """Qt's own messages go to the log."""
    if any(part in text for part in HARMLESS):
        return
    levels = {QtMsgType.QtDebugMsg: logging.DEBUG, QtMsgType.QtInfoMsg: logging.INFO,
              QtMsgType.QtWarningMsg: logging.WARNING}
    log.log(levels.get(kind, logging.ERROR), "%s", text)


def details(error: BaseException) -> str:
    """All there is to know about an error, as text."""
    return "".join(traceback.format_exception(type(error), error, error.__traceback__)).rstrip()


def sentence(error: BaseException) -> str:
    """What the message bar says."""
    if isinstance(error, SodaliteError):
        return str(error)
    name = type(error).__name__
    return f"Something went wrong inside Sodalite ({name}). Your work is kept; undo takes the last step back."


def details_dialog(error: BaseException, parent: QWidget | None = None) -> QDialog:
    """A dialog with the details of a defect, for copying into a report. The caller opens it."""
    dialog = QDialog(parent)
    dialog.setWindowTitle("Details of the error")
    dialog.resize(720, 420)
    versions = f"Sodalite {__version__}, Python {sys.version.split()[0]}, {sys.platform}"
    text = QPlainTextEdit(f"{versions}\n\n{details(error)}")
    text.setReadOnly(True)
    text.setAccessibleName("Details of the error")
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(text.toPlainText()))
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.addWidget(QLabel("This is a defect of the program. Please send these lines to its authors."))
    layout.addWidget(text)
    layout.addWidget(buttons)
    return dialog
