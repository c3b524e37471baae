"""Recovery files: found after a crash, equal to the project as it was, without the raw data that are saved already."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.project import autosave, store
from app.project.autosave import discard, find_recoveries, recover, state_folder, write_recovery
from app.project.project import Entry, Project, RegionFit
from app.project.session import this_session
from fitting.dataset import Axis, Spectrum
from fitting.recipe import energy_shift
from libraries.errors import BadProject, CannotWrite
from tests.app.project.projects import full_project, model, result, spectrum


@pytest.fixture(autouse=True)
def state(tmp_path, monkeypatch):
    folder = tmp_path / "state" / "sodalite"
    monkeypatch.setenv("SODALITE_STATE_DIR", str(folder))
    return folder


@pytest.fixture
def crashed(monkeypatch):
    """Recovery files are written as by a program that is dead by now."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = replace(this_session(), pid=process.pid, started="")
    monkeypatch.setattr(autosave, "this_session", lambda: dead)
    return dead


def _large() -> Spectrum:
    counts = np.random.default_rng(1).integers(0, 2**32, 100_000, dtype=np.uint32)
    return Spectrum(Axis(np.arange(100_000.0), "channel", ""), counts)


@pytest.mark.usefixtures("crashed")
def test_a_project_never_saved_is_recovered_whole(state):
    project = full_project()
    written = write_recovery(project)
    assert written.path.parent == state
    (found,) = find_recoveries()
    assert found == written
    assert found.project_path is None
    assert found.name == project.name
    assert recover(found).equals(project)
    discard(found)
    assert find_recoveries() == ()
    discard(found)  # already gone


@pytest.mark.usefixtures("crashed")
def test_raw_data_of_the_saved_project_are_not_written_again(tmp_path):
    path = tmp_path / "Projekt é.sodalite"
    saved = Project("P", entries=(Entry("a", _large()), Entry("b", spectrum())))
    store.save(saved, path)
    edited = saved.map_entries(lambda e: replace(e, recipe=e.recipe.with_step(energy_shift(0.3, "C 1s"))), None)
    edited = edited.with_entry(edited.entry("b").with_fit(RegionFit("f", model(), result(model()))))
    added = edited.with_entry(Entry("c", spectrum(50, "O 1s", seed=9)))
    for project in (edited, added):
        written = write_recovery(project, path)
        assert written.path.stat().st_size < 50_000 < path.stat().st_size
        (found,) = find_recoveries()  # the second one replaces the first
        assert found.project_path == path
        assert recover(found).equals(project)


@pytest.mark.usefixtures("crashed")
def test_a_saved_project_that_is_gone_or_changed_is_named(tmp_path):
    path = tmp_path / "a.sodalite"
    project = Project("P", entries=(Entry("a", spectrum()),))
    store.save(project, path)
    found = write_recovery(project, path)
    content = path.read_bytes()
    for spoil in (path.unlink, lambda: store.save(Project(), path), lambda: path.write_bytes(b"x")):
        spoil()
        with pytest.raises(BadProject, match="raw data of 1 spectra") as caught:
            recover(found)
        assert str(path) in caught.value.where
    path.write_bytes(content)
    assert recover(found).equals(project)


@pytest.mark.usefixtures("crashed")
def test_without_a_readable_saved_project_everything_is_written(tmp_path):
    project = full_project()
    assert recover(write_recovery(project, tmp_path / "missing.sodalite")).equals(project)
    (tmp_path / "damaged.sodalite").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(500))
    assert recover(write_recovery(project, tmp_path / "damaged.sodalite")).equals(project)
    assert len(find_recoveries()) == 2


def test_recoveries_of_a_running_program_are_left_alone():
    written = write_recovery(Project("mine"))
    assert written.path.exists()
    assert find_recoveries() == ()


def test_latest_first_and_damaged_ones_left_out(monkeypatch, crashed, state):
    for hour in (10, 12, 11):
        session = replace(crashed, pid=crashed.pid, started=f"boot-{hour}")
        monkeypatch.setattr(autosave, "this_session", lambda s=session: s)
        monkeypatch.setattr(autosave, "now", lambda h=hour: f"2025-01-01T{h}:00:00+00:00")
        write_recovery(Project(f"at {hour}"))
    (state / "recovery-0.sodalite").write_bytes(b"nonsense")
    store.save(Project("no recovery"), state / "recovery-1.sodalite")
    assert [found.name for found in find_recoveries()] == ["at 12", "at 11", "at 10"]


@pytest.mark.usefixtures("crashed")
def test_a_damaged_recovery_file_is_a_bad_project():
    written = write_recovery(full_project())
    content = written.path.read_bytes()
    written.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadProject) as caught:
        recover(written)
    assert str(written.path) in caught.value.where


def test_a_state_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.setenv("SODALITE_STATE_DIR", str(tmp_path / "file" / "state"))
    with pytest.raises(CannotWrite, match="file"):
        write_recovery(Project())
    assert find_recoveries() == ()


def test_the_state_folder_is_that_of_the_system(monkeypatch):
    monkeypatch.delenv("SODALITE_STATE_DIR")
    assert "sodalite" in str(state_folder())
    assert state_folder() != Path()
