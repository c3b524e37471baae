"""Starting and ending the program, and what catches errors that nobody caught."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.gui.errors import Hook, details, qt_message, sentence
from libraries.errors import BadFile

ROOT = Path(__file__).resolve().parents[2]
STARTS = """
import sys
from PySide6.QtCore import QTimer
from app.gui import run, start
app = start.application()
def leave():
    windows = [w for w in app.topLevelWidgets() if w.objectName() == "mainWindow"]
    if not windows or not windows[0].document.project.entries or not windows[0].tasks.idle:
        QTimer.singleShot(50, leave)
        return
    print(len(windows[0].document.project.entries))
    windows[0]._leaving = True
    windows[0].close()
QTimer.singleShot(50, leave)
sys.exit(run(sys.argv[1:]))
"""


def test_program_opens_a_project_and_ends_cleanly(project, tmp_path):
    from app.project import store

    path = tmp_path / "p.sodalite"
    store.save(project, path)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STARTS, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=120,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])},
    )
    assert done.stdout.split() == ["3"]
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture
def caught(qapp):
    errors = []
    hook = Hook(errors.append)
    hook.install()
    yield errors
    hook.remove()


def test_hook_shows_errors_and_puts_back_what_was(qapp):
    errors = []
    before = sys.excepthook
    hook = Hook(errors.append)
    hook.install()
    sys.excepthook(ValueError, ValueError("lost"), None)
    hook.remove()
    assert [str(e) for e in errors] == ["lost"]
    assert sys.excepthook is before


def test_errors_of_other_threads_reach_the_window(qtbot, caught):
    def work():
        raise ValueError("in a thread")

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(caught))
    assert str(caught[0]) == "in a thread"


def test_sentences():
    assert sentence(BadFile("It is broken", where="a.vms")) == "a.vms: It is broken."
    assert "Your work is kept" in sentence(KeyError("x"))
    assert "KeyError: 'x'" in details(KeyError("x"))


def test_qt_messages_go_to_the_log(caplog):
    from PySide6.QtCore import QMessageLogContext, QtMsgType

    with caplog.at_level(logging.DEBUG, "sodalite"):
        qt_message(QtMsgType.QtWarningMsg, QMessageLogContext(), "something odd")
        qt_message(QtMsgType.QtWarningMsg, QMessageLogContext(), "This plugin does not support propagateSizeHints()")
    assert [r.getMessage() for r in caplog.records] == ["something odd"]
