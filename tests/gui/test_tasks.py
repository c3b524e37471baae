"""Work off the window's thread."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import QThread

from app.gui.tasks import Tasks
from libraries.errors import BadData, Cancelled


@pytest.fixture
def errors() -> list[BaseException]:
    return []


@pytest.fixture
def tasks(qtbot, errors):
    pool = Tasks(errors.append)
    yield pool
    assert pool.close()
    pool.deleteLater()


def test_result_comes_back_to_the_windows_thread(qtbot, qapp, tasks):
    seen = []

    def work(progress, cancel):
        return QThread.currentThread()

    task = tasks.run(work, lambda result: seen.append((result, QThread.currentThread())))
    with qtbot.waitSignal(task.ended):
        pass
    assert len(seen) == 1
    assert seen[0][0] is not qapp.thread()
    assert seen[0][1] is qapp.thread()
    qtbot.waitUntil(lambda: tasks.idle)


def test_error_goes_to_the_window_unless_the_caller_takes_it(qtbot, tasks, errors):
    def work(progress, cancel):
        raise BadData("no data")

    with qtbot.waitSignal(tasks.run(work).ended):
        pass
    assert [str(e) for e in errors] == ["no data."]
    own = []
    with qtbot.waitSignal(tasks.run(work, None, own.append).ended):
        pass
    assert len(own) == 1
    assert len(errors) == 1


def test_cancel_drops_the_result(qtbot, tasks, errors):
    started, done = threading.Event(), []

    def work(progress, cancel):
        started.set()
        while not cancel():
            QThread.msleep(1)
        raise Cancelled

    task = tasks.run(work, done.append)
    assert tasks.busy
    qtbot.waitUntil(started.is_set)
    with qtbot.waitSignal(task.ended):
        tasks.cancel_shown()
    assert not done
    assert not errors
    qtbot.waitUntil(lambda: not tasks.busy)


def test_result_that_comes_in_spite_of_a_cancel_is_dropped(qtbot, tasks):
    release, done = threading.Event(), []

    def work(progress, cancel):
        release.wait(10)
        return 1

    task = tasks.run(work, done.append)
    task.cancel()
    with qtbot.waitSignal(task.ended):
        release.set()
    assert not done


def test_progress_is_throttled_and_ends(qtbot, tasks):
    seen = []

    def work(progress, cancel):
        for i in range(2001):
            progress(i / 2000, "step")

    tasks.progressed.connect(lambda fraction, text: seen.append(fraction))
    with qtbot.waitSignal(tasks.run(work).ended):
        pass
    assert seen
    assert len(seen) < 200
    assert seen[-1] == 1.0


def test_quiet_work_is_not_busy(qtbot, tasks):
    release = threading.Event()
    task = tasks.run(lambda progress, cancel: release.wait(10), quiet=True)
    assert not tasks.busy
    assert not tasks.idle
    with qtbot.waitSignal(task.ended):
        release.set()


def test_close_waits_for_the_work(qtbot, tasks):
    started, ended = threading.Event(), threading.Event()

    def work(progress, cancel):
        started.set()
        while not cancel():
            QThread.msleep(1)
        ended.set()

    tasks.run(work)
    qtbot.waitUntil(started.is_set)
    assert tasks.close()
    assert ended.is_set()
