"""Files: open, save, import, drop, recent, recovery, locks, exports, and the question about unsaved changes."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.files import export as exports
from app.files.csv_writer import write_csv
from app.gui.view_state import ViewState
from app.project import autosave, lock, store

SLOW = 30_000  # ms: starting the reader process takes a moment


@pytest.fixture
def saved(project, tmp_path) -> Path:
    path = tmp_path / "work.sodalite"
    store.save(project, path)
    return path


@pytest.fixture
def table(project, tmp_path) -> Path:
    path = tmp_path / "C 1s.csv"
    write_csv(path, project.entries[0].spectrum)
    return path


def opened(qtbot, window, count):
    qtbot.waitUntil(lambda: len(window.document.project.entries) == count, timeout=SLOW)


def box(window) -> QMessageBox:
    assert isinstance(window.files.dialog, QMessageBox)
    return window.files.dialog


# -- open and save --------------------------------------------------------------------------------------------------


def test_open_project(qtbot, window, saved, project):
    window.files.open_path(saved)
    opened(qtbot, window, 3)
    assert window.document.project.equals(project)
    assert window.document.path == saved
    assert not window.document.dirty
    assert window.windowTitle().startswith("work.sodalite")
    assert [row.data() for row in window.actions_.rows("file.recent")] == [saved.resolve()]


def test_project_is_told_by_content_not_by_name(qtbot, window, saved, tmp_path):
    other = tmp_path / "renamed.h5"
    saved.rename(other)
    window.files.open_path(other)
    opened(qtbot, window, 3)
    assert window.document.path == other


def test_open_spectra(qtbot, window, table):
    window.files.open_path(table)
    opened(qtbot, window, 1)
    assert window.document.path is None
    assert window.document.dirty
    assert window.document.project.name == "C 1s"


def test_broken_file_is_an_error_message(qtbot, window, tmp_path):
    broken = tmp_path / "broken.vms"
    broken.write_bytes(b"%PDF-1.4 nothing")
    window.files.open_path(broken)
    qtbot.waitUntil(lambda: bool(window.messages.messages), timeout=SLOW)
    assert window.messages.messages[0].kind == "error"
    assert "broken.vms" in window.messages.messages[0].text
    assert not window.document.project.entries


def test_save_as_and_save(qtbot, filled, tmp_path):
    filled.actions_["file.save"].trigger()
    dialog = filled.files.dialog
    assert isinstance(dialog, QFileDialog)
    dialog.close()
    path = tmp_path / "new.sodalite"
    filled.files.save_to(path)
    qtbot.waitUntil(lambda: filled.document.path == path, timeout=SLOW)
    assert store.load(path).equals(filled.document.project)
    filled.document.edit_model("Edit", filled.document.fit.model.with_values({"p1.area": 10.0}))
    assert filled.isWindowModified()
    filled.actions_["file.save"].trigger()
    qtbot.waitUntil(lambda: not filled.document.dirty, timeout=SLOW)
    assert store.load(path).entries[0].fits[0].model.params["p1.area"].value == 10.0
    assert "saved" in filled.status.saved_label.text()


def test_save_that_fails_is_said_and_keeps_the_work(qtbot, filled, tmp_path):
    filled.files.save_to(tmp_path / "no such folder" / "x.sodalite")
    qtbot.waitUntil(lambda: bool(filled.messages.messages), timeout=SLOW)
    assert filled.messages.messages[0].kind == "error"
    assert filled.document.path is None


def test_open_dialog_offers_what_can_be_read(filled):
    filled.actions_["file.open"].trigger()
    dialog = filled.files.dialog
    filters = dialog.nameFilters()
    assert "*.vms" in filters[0]
    assert "*.sodalite" in filters[0]
    dialog.close()


def test_dropped_spectra_are_added(qtbot, filled, table):
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(table))])
    event = QDropEvent(QPointF(50, 50), Qt.DropAction.CopyAction, mime, Qt.MouseButton.LeftButton,
                       Qt.KeyboardModifier.NoModifier)
    filled.dropEvent(event)
    assert event.isAccepted()
    opened(qtbot, filled, 4)
    filled.document.undo()
    assert len(filled.document.project.entries) == 3


def test_sample_menu_shows_a_sample(qtbot, window, project, monkeypatch):
    import app.samples

    monkeypatch.setattr(app.samples, "sample_project", lambda key, fitted: project)
    window.actions_.rows("file.samples")[0].trigger()
    opened(qtbot, window, 3)
    assert not window.document.dirty


# -- unsaved changes ------------------------------------------------------------------------------------------------


def change(window):
    window.document.edit_model("Edit", window.document.fit.model.with_values({"p1.area": 10.0}))


def test_close_asks_and_cancel_stays(filled):
    change(filled)
    filled.close()
    assert filled.isVisible()
    question = box(filled)
    assert question.isVisible()
    question.button(QMessageBox.StandardButton.Cancel).click()
    assert filled.isVisible()
    assert filled.document.dirty


def test_close_and_discard(qtbot, filled):
    change(filled)
    filled.close()
    box(filled).button(QMessageBox.StandardButton.Discard).click()
    assert not filled.isVisible()


def test_close_and_save(qtbot, filled, tmp_path):
    path = tmp_path / "w.sodalite"
    filled.files.save_to(path)
    qtbot.waitUntil(lambda: filled.document.path == path, timeout=SLOW)
    change(filled)
    filled.close()
    box(filled).button(QMessageBox.StandardButton.Save).click()
    qtbot.waitUntil(lambda: not filled.isVisible(), timeout=SLOW)
    assert store.load(path).entries[0].fits[0].model.params["p1.area"].value == 10.0


def test_new_asks_too(filled):
    change(filled)
    filled.actions_["file.new"].trigger()
    assert len(filled.document.project.entries) == 3
    box(filled).button(QMessageBox.StandardButton.Discard).click()
    assert not filled.document.project.entries
    assert filled.pages.currentWidget() is filled.welcome


def test_nothing_is_asked_without_changes(filled):
    filled.actions_["file.new"].trigger()
    assert filled.files.dialog is None
    assert not filled.document.project.entries


# -- recovery and lock ----------------------------------------------------------------------------------------------


def test_autosave_writes_when_something_changed(qtbot, filled):
    filled.files.recovery.write()
    assert filled.tasks.idle
    change(filled)
    filled.files.recovery.write()
    qtbot.waitUntil(lambda: filled.files.recovery.current, timeout=SLOW)
    assert "recovery" in filled.status.saved_label.text()
    files = list(autosave.state_folder().glob("*"))
    assert len(files) == 1
    filled._leaving = True
    filled.close()
    assert list(autosave.state_folder().glob("*")) == []


def test_recovery_is_offered_and_taken(qtbot, window, project, monkeypatch):
    recovery = autosave.write_recovery(project)
    monkeypatch.setattr(autosave, "find_recoveries", lambda: (recovery,))
    window.files.recovery.offer()
    qtbot.waitUntil(lambda: bool(window.messages.messages), timeout=SLOW)
    message = window.messages.messages[0]
    assert "Two samples" in message.text
    qtbot.mouseClick(message.buttons[0], Qt.MouseButton.LeftButton)
    opened(qtbot, window, 3)
    assert window.document.dirty
    assert window.document.project.equals(project)


def test_recovery_is_discarded(qtbot, window, project, monkeypatch):
    recovery = autosave.write_recovery(project)
    monkeypatch.setattr(autosave, "find_recoveries", lambda: (recovery,))
    window.files.recovery.offer()
    qtbot.waitUntil(lambda: bool(window.messages.messages), timeout=SLOW)
    qtbot.mouseClick(window.messages.messages[0].buttons[1], Qt.MouseButton.LeftButton)
    assert not recovery.path.exists()


def test_lock_is_taken_and_given_back(qtbot, window, saved):
    window.files.open_path(saved)
    opened(qtbot, window, 3)
    assert lock.lock_path(saved).exists()
    window.actions_["file.new"].trigger()
    assert not lock.lock_path(saved).exists()


def test_project_open_elsewhere_is_said(qtbot, window, saved):
    with lock.acquire(saved):
        window.files.open_path(saved)
        opened(qtbot, window, 3)
        assert "has this project open" in window.messages.messages[0].text


# -- exports --------------------------------------------------------------------------------------------------------


def test_csv_export(qtbot, filled, tmp_path):
    filled.exports.write(exports.write_csv_folder, tmp_path / "out")
    qtbot.waitUntil(lambda: bool(filled.messages.messages), timeout=SLOW)
    assert "Exported" in filled.messages.messages[0].text
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert {"Cycled C 1s.csv", "Cycled O 1s.csv", "Pristine O 1s.csv", "components.csv"} <= set(names)
    with (tmp_path / "out" / "Cycled C 1s.csv").open(encoding="utf-8") as file:
        head = next(csv.reader(file))
    assert head[:2] == ["Binding energy [eV]", "Intensity [counts]"]
    assert "C–C + background [counts]" in head


@pytest.mark.parametrize(("writer", "name"), [(exports.write_hdf5, "x.nxs"), (exports.write_vamas_file, "x.vms")])
def test_exported_files_can_be_read_again(qtbot, filled, tmp_path, writer, name):
    from app.files import read

    filled.exports.write(writer, tmp_path / name)
    qtbot.waitUntil(lambda: bool(filled.messages.messages), timeout=SLOW)
    assert len(read(tmp_path / name)) == 3


def test_export_dialogs_open(filled):
    for id in ("file.export_csv", "file.export_hdf5", "file.export_vamas"):
        filled.actions_[id].trigger()
        assert filled.exports.dialog.isVisible()
        filled.exports.dialog.close()


# -- settings -------------------------------------------------------------------------------------------------------


def test_damaged_settings_count_as_none(tmp_path):
    folder = tmp_path / "settings"
    folder.mkdir()
    for text in ("not json", "[1]", '{"version": 99, "theme": "dark"}', '{"version": 1, "theme": 3, "recent": "x"}'):
        (folder / "window.json").write_text(text)
        state = ViewState(folder)
        assert state.text("theme", "system") == "system"
        assert state.recent == ()
        assert state.bytes("geometry").isEmpty()


def test_recent_files_are_bounded_and_exist(tmp_path):
    state = ViewState(tmp_path / "settings")
    files = [tmp_path / f"{i}.csv" for i in range(15)]
    for file in files:
        file.touch()
        state.add_recent(file)
    assert len(state.recent) == 10
    files[-1].unlink()
    assert ViewState(tmp_path / "settings").recent[0] == files[-2].resolve()


def test_a_save_that_ends_after_another_project_was_opened_does_not_claim_it(qtbot, filled, project, tmp_path):
    filled.files.save_to(tmp_path / "first.sodalite")
    filled.files.show_project(replace(project, name="Another"), None)
    qtbot.waitUntil(lambda: filled.tasks.idle, timeout=SLOW)
    assert (tmp_path / "first.sodalite").exists()
    assert filled.document.path is None
