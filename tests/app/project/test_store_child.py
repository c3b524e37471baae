"""Opening in a process of its own: the same projects, the same refusals, and a bound on time and memory."""

from __future__ import annotations

import sys
import time

import pytest

from app.project import store, store_child
from app.project.project import Project
from app.project.store_child import load_in_child
from libraries.errors import BadProject, Cancelled
from tests.app.project.projects import full_project

GREETING = "import sys; from app.files.child import send; send(sys.stdout.buffer, b'{}', []); sys.stdin.readline(); "


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "Näme with blanks 日本.sodalite"
    store.save(full_project(), path)
    return path


def test_a_project_comes_through(path):
    loaded = load_in_child(path)
    assert loaded.equals(full_project())
    assert not loaded.entries[0].spectrum.counts.flags.writeable


def test_an_empty_project_comes_through(path):
    store.save(Project(), path)
    assert load_in_child(path).equals(Project())


def test_refusals_come_through(path, tmp_path):
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadProject, match="damaged") as caught:
        load_in_child(path)
    assert str(path) in caught.value.where
    assert caught.value.todo
    with pytest.raises(BadProject, match="no such file"):
        load_in_child(tmp_path / "missing.sodalite")


@pytest.mark.parametrize(
    ("code", "match"),
    [
        ("import os; os._exit(1)", "crash"),
        ("import time; time.sleep(100)", "stopped"),
        ("send(sys.stdout.buffer, b'x', [])", "wrong answer"),
        ("send(sys.stdout.buffer, b'{}', [])", "wrong answer"),
        ("sys.stdout.write('noise')", "crash"),
    ],
)
def test_a_reader_that_dies_hangs_or_raves_is_a_bad_project(path, monkeypatch, code, match):
    monkeypatch.setattr(store_child, "_command", lambda: [sys.executable, "-c", GREETING + code])
    monkeypatch.setattr(store_child, "BASE_SECONDS", 0.2)
    start = time.monotonic()
    with pytest.raises(BadProject, match=match):
        load_in_child(path)
    assert time.monotonic() - start < 20


def test_it_can_be_cancelled(path, monkeypatch):
    monkeypatch.setattr(
        store_child, "_command", lambda: [sys.executable, "-c", GREETING + "import time; time.sleep(100)"]
    )
    with pytest.raises(Cancelled):
        load_in_child(path, cancel=lambda: True)


def test_memory_is_limited(path, monkeypatch):
    """A reader that asks for far more than a project needs gets no memory, and says so."""
    if sys.platform != "linux":
        pytest.skip("the system does not limit the memory of a process")
    code = "from app.project import store, store_child; "
    code += "store.read_checked = lambda file: bytearray(20 << 30); store_child.main()"
    monkeypatch.setattr(store_child, "_command", lambda: [sys.executable, "-c", code])
    with pytest.raises(BadProject, match="memory"):
        load_in_child(path)
