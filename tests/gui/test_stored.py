"""Images that stay in their file, in the window: estimate and exact sum, Find…, Collect data, low losses, exports."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtWidgets import QFileDialog

from app.files import read
from app.project import preview, store
from app.project.project import Project, add_spectra
from fitting import stored
from tests.app.files import made_dm

SLOW = 30_000  # ms
E, Y, X = 24, 30, 20
DATA = np.random.default_rng(8).poisson(300.0, (E, Y, X)).astype("<f4")
LATERAL = [(0.0, 2.0, "nm"), (0.0, 2.0, "nm")]


@pytest.fixture(autouse=True)
def small_memory(monkeypatch):
    """Everything above a kilobyte stays on the disk."""
    monkeypatch.setattr(stored, "IN_MEMORY", 1000)


@pytest.fixture
def scan(tmp_path) -> Path:
    (tmp_path / "work").mkdir()
    path = tmp_path / "work" / "scan.dm4"
    path.write_bytes(made_dm.file(made_dm.image(DATA, [(-200.0, 0.5, "eV"), *LATERAL])))
    return path


def texts(window) -> str:
    return "\n".join(message.text for message in window.messages.messages)


def press(window, words):
    button = next(b for m in window.messages.messages for b in m.buttons if b.text() == words)
    button.click()


def idle(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=SLOW)


def test_an_estimate_is_shown_until_the_sum_is_read(qtbot, window, scan, monkeypatch):
    go = threading.Event()

    def held(*arguments):
        assert go.wait(SLOW / 1000)
        return preview.exact(*arguments)

    monkeypatch.setattr(preview, "_SLOW", 100)
    monkeypatch.setattr("app.gui.stored_controller.exact", held)
    document = window.document
    with qtbot.waitSignal(document.place_changed, timeout=SLOW):
        document.reset(add_spectra(Project(), read(scan)))
        assert "preview" in dict(document.shown().meta.extra)
        go.set()
    shown = document.shown()
    assert "preview" not in dict(shown.meta.extra)
    np.testing.assert_allclose(shown.y, DATA.sum(axis=(1, 2)), rtol=1e-6)
    idle(qtbot, window)


def test_a_project_whose_image_moved_asks_where_it_is(qtbot, window, scan, tmp_path):
    project = add_spectra(Project(), read(scan))
    path = tmp_path / "work" / "a.sodalite"
    store.save(project, path)
    there = tmp_path / "archive.dm4"
    scan.rename(there)
    window.files.open_path(path)
    qtbot.waitUntil(lambda: "scan.dm4" in texts(window), timeout=SLOW)
    assert not window.document.project.entries
    press(window, "Find…")
    dialog = window.files.dialog
    assert isinstance(dialog, QFileDialog)
    assert "scan.dm4" in dialog.windowTitle()
    dialog.fileSelected.emit(str(there))
    dialog.close()
    qtbot.waitUntil(lambda: bool(window.document.project.entries), timeout=SLOW)
    assert window.document.project.equals(project)
    assert window.document.entry.spectrum.counts.path == there
    idle(qtbot, window)


def test_a_changed_image_is_refused_in_words(qtbot, window, scan, tmp_path):
    path = tmp_path / "work" / "a.sodalite"
    store.save(add_spectra(Project(), read(scan)), path)
    scan.write_bytes(made_dm.file(made_dm.image(DATA + 1, [(-200.0, 0.5, "eV"), *LATERAL])))
    window.files.open_path(path)
    qtbot.waitUntil(lambda: "not the one that the project was made from" in texts(window), timeout=SLOW)
    assert not window.document.project.entries


def test_collect_data(qtbot, window, scan, tmp_path):
    target = tmp_path / "out" / "b.sodalite"
    target.parent.mkdir()
    project = add_spectra(Project(), read(scan))
    window.document.reset(project, target)
    window.actions_.refresh()
    assert window.actions_["file.collect"].isEnabled()
    window.actions_["file.collect"].trigger()
    qtbot.waitUntil(lambda: target.exists() and not window.document.dirty, timeout=SLOW)
    idle(qtbot, window)
    assert (tmp_path / "out" / "b data" / "scan.dm4").exists()
    assert "Move it together with the project" in texts(window)
    scan.unlink()
    assert store.load(target).equals(project)
    window.document.undo()
    assert window.document.entry.spectrum.counts.path == scan


def test_low_and_core_loss_are_paired_on_opening_and_by_hand(qtbot, window, tmp_path):
    low, core = tmp_path / "s1 low.dm4", tmp_path / "s1 core.dm4"
    low.write_bytes(made_dm.file(made_dm.image(DATA, [(4.0, 0.5, "eV"), *LATERAL], name="low")))
    core.write_bytes(made_dm.file(made_dm.image(DATA, [(-200.0, 0.5, "eV"), *LATERAL], name="core")))
    window.files.open_paths([low, core])
    qtbot.waitUntil(lambda: len(window.document.project.entries) == 2, timeout=SLOW)
    document = window.document
    first, second = document.project.entries
    assert (first.low_loss, second.low_loss) == ("", first.id)
    assert "low is taken as the low loss of core" in texts(window)
    document.apply("forget", document.project.with_entry(type(second)(second.id, second.spectrum, second.sample)))
    document.choose([first.id, second.id])
    window.actions_.refresh()
    window.actions_["eels.use_low_loss"].trigger()
    assert document.project.entry(second.id).low_loss == first.id
    document.undo()
    assert document.project.entry(second.id).low_loss == ""
    idle(qtbot, window)


def test_exports_of_the_menu(qtbot, window, scan, tmp_path):
    window.document.reset(add_spectra(Project(), read(scan)))
    window.actions_.refresh()
    assert not window.actions_["file.export_maps"].isEnabled()
    for command, name in (("file.export_msa", "a.msa"), ("file.export_hspy", "a.hspy")):
        window.actions_[command].trigger()
        target = tmp_path / name
        window.exports.dialog.fileSelected.emit(str(target))
        window.exports.dialog.close()
        qtbot.waitUntil(target.exists, timeout=SLOW)
        idle(qtbot, window)
    np.testing.assert_allclose(read(tmp_path / "a.msa")[0].y, DATA.sum(axis=(1, 2)), rtol=1e-6)
    np.testing.assert_array_equal(read(tmp_path / "a.hspy")[0].rows(0, Y * X), DATA.reshape(E, -1).T)


def test_large_hdf5_is_read_by_its_readers_before_it_is_taken_for_a_project(tmp_path, scan, monkeypatch):
    from app.files.nexus_writer import write_nexus
    from app.gui import file_controller

    monkeypatch.setattr(file_controller, "LARGE", 10)
    spectra = read(scan)
    write_nexus(tmp_path / "a.h5", spectra)
    monkeypatch.setattr(file_controller, "load_in_child", None)
    (back,) = file_controller.read_any(tmp_path / "a.h5", lambda: False)
    np.testing.assert_array_equal(back.rows(0, 9), spectra[0].rows(0, 9))
    monkeypatch.undo()
    monkeypatch.setattr(file_controller, "LARGE", 10)
    project = Project("P")
    store.save(project, tmp_path / "renamed.h5")
    assert file_controller.read_any(tmp_path / "renamed.h5", lambda: False).equals(project)
