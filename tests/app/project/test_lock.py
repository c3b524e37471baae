"""The mark beside an open project: it tells who has it open, never blocks, and does not outlive its program."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import asdict, replace

import pytest

from app.project import lock, session, store
from app.project.lock import acquire, lock_path
from app.project.project import Project
from app.project.session import Session, process_exists, start_mark, this_session
from app.project.store_plain import to_text


@pytest.fixture
def project(tmp_path):
    path = tmp_path / "Ein Projekt.sodalite"
    store.save(Project(), path)
    return path


@pytest.fixture
def sleeper():
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield process
    process.stdin.close()
    process.wait()


def _mark(path, who: Session):
    lock_path(path).write_text(to_text(asdict(who)), encoding="utf-8")


def _dead() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lock_is_made_and_released(project):
    with acquire(project) as mine:
        assert mine.held
        assert mine.other is None
        assert mine.path == project.with_name(".Ein Projekt.sodalite.lock")
        assert mine.path.exists()
    assert not mine.path.exists()
    mine.release()  # twice does no harm


def test_a_second_window_is_told(project):
    with acquire(project):
        second = acquire(project)
        assert not second.held
        assert second.other.certain
        assert second.other.session.pid == os.getpid()
        assert session.host() in str(second.other)
        second.release()  # not its own: stays
        assert lock_path(project).exists()
        assert store.load(project).equals(Project())  # nothing is blocked


def test_another_running_program_is_told(project, sleeper):
    _mark(project, Session(session.host(), sleeper.pid, start_mark(sleeper.pid), "eva", "2025-01-01T00:00:00+00:00"))
    other = acquire(project).other
    assert other.certain
    assert "eva" in str(other)


def test_a_dead_program_holds_nothing(project):
    _mark(project, Session(session.host(), _dead()))
    assert acquire(project).held


@pytest.mark.skipif(not start_mark(os.getpid()), reason="the system does not tell when a process started")
def test_a_process_number_used_again_holds_nothing(project, sleeper):
    _mark(project, Session(session.host(), sleeper.pid, "another start"))
    assert acquire(project).held


def test_another_computer_is_told_with_doubt_and_may_be_overruled(project):
    _mark(project, Session("elsewhere", 1, "", "jo"))
    told = acquire(project)
    assert not told.held
    assert not told.other.certain
    forced = acquire(project, force=True)
    assert forced.held
    assert acquire(project).other.session == this_session_of(forced)


def this_session_of(held):
    return held.session


def test_a_lock_taken_over_by_another_is_not_removed(project):
    mine = acquire(project)
    _mark(project, replace(this_session(), pid=1, host="elsewhere"))
    mine.release()
    assert lock_path(project).exists()


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"[]", b'{"host": 5}', b'{"host": "a"}', b"{" * 10000])
def test_nonsense_counts_only_while_it_is_fresh(project, content):
    lock_path(project).write_bytes(content)
    assert acquire(project).other is not None
    old = time.time() - 3600
    os.utime(lock_path(project), (old, old))
    assert acquire(project).held


def test_a_folder_that_cannot_be_written_is_no_obstacle(project, monkeypatch, tmp_path):
    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(lock.os, "open", refuse)
    unheld = acquire(project)
    assert not unheld.held
    assert unheld.other is None
    monkeypatch.undo()
    assert not acquire(tmp_path / "missing" / "a.sodalite").held


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
def test_a_pipe_or_link_of_that_name_is_not_read(project, tmp_path):
    os.mkfifo(lock_path(project))
    assert acquire(project).other is not None
    lock_path(project).unlink()
    (tmp_path / "other").write_text("{}")
    lock_path(project).symlink_to(tmp_path / "other")
    assert acquire(project).other is not None
    assert (tmp_path / "other").exists()


def test_processes_are_known():
    assert process_exists(os.getpid())
    assert not process_exists(_dead())
    assert not process_exists(0)
    assert not process_exists(2**62)
    assert start_mark(2**31) == ""
    assert this_session().running
    assert replace(this_session(), host="elsewhere").running is None
