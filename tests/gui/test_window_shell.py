"""The window around plot and panels: pages, panels, tree, messages, status, fits, and what it remembers."""

from __future__ import annotations

import threading

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
)

from app.gui import live_fit
from app.gui.project_tree import KEY, NAME, STATE, state_of_entry
from app.gui.view_state import ViewState
from app.gui.window import MainWindow
from libraries.errors import BadFile


def rows(tree):
    """Name and state of all rows, samples and spectra."""
    found = []
    for i in range(tree.topLevelItemCount()):
        top = tree.topLevelItem(i)
        found.append((top.text(NAME), top.text(STATE)))
        found += [(top.child(j).text(NAME), top.child(j).text(STATE)) for j in range(top.childCount())]
    return found


# -- pages and panels ---------------------------------------------------------------------------------------------


def test_empty_window_welcomes_and_hides_the_panels(window):
    assert window.pages.currentWidget() is window.welcome
    assert window.project_dock.isHidden()
    assert window.inspector.isHidden()
    assert window.results.isHidden()
    assert window.windowTitle() == "Sodalite"


def test_project_brings_plot_and_panels(filled):
    assert filled.view.isVisible()
    assert filled.navigator.isHidden()
    assert filled.project_dock.isVisible()
    assert filled.inspector.isVisible()
    assert filled.results.isVisible()
    assert filled.windowTitle().startswith("Two samples")


@pytest.mark.parametrize(("id", "dock"), [("view.project", "project_dock"), ("view.inspector", "inspector"),
                                          ("view.results", "results")])
def test_view_menu_shows_and_hides_panels(filled, id, dock):
    action, panel = filled.actions_[id], getattr(filled, dock)
    assert action.isChecked()
    action.trigger()
    assert panel.isHidden()
    assert not action.isChecked()
    action.trigger()
    assert panel.isVisible()


def test_layout_is_remembered(qtbot, filled, project):
    filled.actions_["view.inspector"].trigger()
    filled._leaving = True
    filled.close()
    again = MainWindow(ViewState())
    again.show()
    qtbot.waitExposed(again)
    again.files.show_project(project, None)
    assert again.inspector.isHidden()
    assert again.results.isVisible()
    again.actions_["view.layout"].trigger()
    assert again.inspector.isVisible()
    again.close()
    again.deleteLater()


def test_pages_of_the_inspector_by_keyboard(qtbot, filled):
    filled.inspector.tabs.setFocus()
    qtbot.keyClick(filled.inspector.tabs, Qt.Key.Key_Right)
    assert filled.inspector.page == "Process"
    filled.actions_["data.charge"].trigger()
    assert filled.inspector.page == "Calibrate"
    filled.actions_["quantify.material"].trigger()
    assert filled.inspector.page == "Quantify"


def test_narrow_window_keeps_all_buttons(qtbot, filled):
    filled.resize(1600, 820)
    qtbot.waitUntil(lambda: filled.width() == 1600)
    wide = filled.toolbar.sizeHint().width()
    filled.resize(900, 700)
    qtbot.waitUntil(lambda: filled.width() == 900)
    assert filled.toolbar.sizeHint().width() < wide
    assert filled.toolbar.sizeHint().width() <= 900


def test_widgets_that_take_the_keyboard_have_names(filled):
    kinds = (QAbstractButton, QAbstractItemView, QComboBox, QLineEdit, QTabBar)
    nameless = [
        f"{type(w).__name__} {w.objectName()} in {type(w.parent()).__name__}"
        for kind in kinds
        for w in filled.findChildren(kind)
        if w.focusPolicy() != Qt.FocusPolicy.NoFocus and w.isVisible() and not w.objectName().startswith("qt_")
        and not w.accessibleName() and not getattr(w, "text", lambda: "")()
    ]
    assert nameless == []


# -- tree -----------------------------------------------------------------------------------------------------------


def test_tree_lists_samples_and_states(filled):
    assert rows(filled.tree) == [("Cycled", "XPS"), ("C 1s", "●"), ("O 1s", "no fit"), ("Pristine", "XPS"),
                                 ("O 1s", "no fit")]


def test_tree_and_document_choose_the_same(qtbot, filled):
    document = filled.document
    entries = document.project.entries
    assert document.selection.entry == entries[0].id
    filled.tree.setFocus()
    qtbot.keyClick(filled.tree, Qt.Key.Key_Down)
    assert document.selection.entry == entries[1].id
    document.select(entries[2].id)
    assert filled.tree.currentItem().data(NAME, KEY)[1] == entries[2].id
    filled.actions_["data.next"].trigger()
    assert document.selection.entry == entries[0].id
    filled.actions_["data.previous"].trigger()
    assert document.selection.entry == entries[2].id


def test_rename_in_place(qtbot, filled):
    filled.activateWindow()
    qtbot.waitActive(filled)
    filled.actions_["data.rename"].trigger()
    editor = filled.tree.findChild(QLineEdit)
    assert editor is not None
    editor.setText("C 1s, second try")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: filled.document.entry.title == "C 1s, second try")
    assert rows(filled.tree)[1][0] == "C 1s, second try"
    filled.actions_["edit.undo"].trigger()
    assert rows(filled.tree)[1][0] == "C 1s"


def test_remove_spectrum_is_undone(qtbot, filled):
    filled.tree.setFocus()
    qtbot.keyClick(filled.tree, Qt.Key.Key_Delete)
    assert len(filled.document.project.entries) == 2
    message = filled.messages.messages[0]
    qtbot.mouseClick(message.buttons[0], Qt.MouseButton.LeftButton)
    assert len(filled.document.project.entries) == 3
    assert filled.messages.messages == ()


# -- fits -----------------------------------------------------------------------------------------------------------


def test_fit_region_is_one_undo_step(qtbot, filled):
    document = filled.document
    before = document.project
    filled.actions_["fit.region"].trigger()
    qtbot.waitUntil(lambda: document.fit.result is not None, timeout=30_000)
    assert document.undo_text == "Fit C 1s"
    assert state_of_entry(document.entry).text.startswith("χ²")
    assert abs(document.fit.model.component("p1").value("position") - 284.6) < 0.02
    assert "converged" in filled.status.fit_label.text()
    filled.actions_["edit.undo"].trigger()
    assert document.project is before


def test_fit_of_a_model_that_was_changed_meanwhile_is_left_out(qtbot, filled):
    document = filled.document
    filled.actions_["fit.region"].trigger()
    edited = document.fit.model.with_values({"p1.area": 100.0})
    document.edit_model("Area", edited)
    qtbot.waitUntil(lambda: filled.tasks.idle, timeout=30_000)
    assert document.fit.model == edited
    assert document.fit.result is None


def test_composition_follows_the_fit(qtbot, filled):
    filled.actions_["quantify.sample"].trigger()
    table = filled.composition.table.table
    qtbot.waitUntil(lambda: len(table.rows) == 2, timeout=30_000)
    assert [row[0].text for row in table.rows] == ["C 1s", "C 1s"]
    assert "C" in filled.composition.totals.text()
    assert filled.results.page == "Composition"
    filled.composition.table.setFocus()
    filled.composition.copy()
    text = QApplication.clipboard().text()
    assert text.startswith("Line\tComponent\tat.%")
    assert len(text.splitlines()) == 3


def test_live_fit_belongs_to_the_edit(qtbot, filled):
    document = filled.document
    filled.actions_["fit.live"].trigger()
    qtbot.waitUntil(lambda: document.fit.result is not None, timeout=30_000)
    assert document.undo_text == ""
    fitted = document.project
    document.edit_model("Move", document.fit.model.with_values({"p1.position": 285.0}))
    qtbot.waitUntil(lambda: document.fit.result is not None, timeout=30_000)
    assert abs(document.fit.model.component("p1").value("position") - 284.6) < 0.02
    assert document.undo_text == "Move"
    document.undo()
    assert document.project is fitted
    qtbot.waitUntil(lambda: filled.tasks.idle)
    assert document.project is fitted
    assert document.redo_text == "Move"


def test_live_fit_follows_the_hand_and_ends_when_it_lets_go(qtbot, filled, monkeypatch):
    # However busy the machine is: a fit is quick enough to follow.
    monkeypatch.setattr(live_fit, "FRAME_SECONDS", 60.0)
    document = filled.document
    filled.actions_["fit.live"].trigger()
    qtbot.waitUntil(lambda: document.fit.result is not None, timeout=30_000)
    start = document.fit.model
    for shift in (0.1, 0.2, 0.3):
        document.edit_model("Drag", start.with_values({"p1.position": 284.6 + shift}), merge="drag")
        # What the hand holds stays where it is; the other peak follows.
        assert document.fit.model.component("p1").value("position") == pytest.approx(284.6 + shift)
    assert document.fit.model.component("p2").value("area") != start.component("p2").value("area")
    document.close_merge()
    qtbot.waitUntil(lambda: document.fit.result is not None, timeout=30_000)
    assert abs(document.fit.model.component("p1").value("position") - 284.6) < 0.02
    document.undo()
    assert document.fit.model == start
    assert document.undo_text == ""


def test_background_menu_changes_the_background(filled):
    row = next(r for r in filled.actions_.rows("fit.background") if r.data() == "shirley_active")
    row.trigger()
    assert filled.document.fit.model.background.kind == "shirley_active"


def test_tools_and_buttons_agree(filled):
    filled.actions_["fit.peak_tool"].trigger()
    assert filled.view.tool == "peak"
    filled.actions_["fit.region_tool"].trigger()
    assert filled.view.tool == "region"
    assert not filled.actions_["fit.peak_tool"].isChecked()
    filled.view.set_tool(None)
    assert not filled.actions_["fit.region_tool"].isChecked()


# -- messages, status ---------------------------------------------------------------------------------------------


def test_our_errors_are_shown_as_they_are(window):
    window.show_error(BadFile("The block count is not a number", where="a.vms, line 40", todo="Export the file again"))
    message = window.messages.messages[0]
    assert message.kind == "error"
    assert message.text == "a.vms, line 40: The block count is not a number. Export the file again."
    assert message.buttons == []
    assert "block count" in window.log.text()


def test_defects_are_shown_with_details(qtbot, window):
    try:
        raise ZeroDivisionError("division by zero")
    except ZeroDivisionError as error:
        window.show_error(error)
    message = window.messages.messages[0]
    assert "ZeroDivisionError" in message.text
    qtbot.mouseClick(message.buttons[0], Qt.MouseButton.LeftButton)
    dialog = QApplication.activeModalWidget()
    assert "division by zero" in dialog.findChild(QPlainTextEdit).toPlainText()
    dialog.close()
    dialog.deleteLater()


def test_same_message_is_shown_once_and_few_at_a_time(window):
    for i in (1, 1, 2, 3, 4, 5):
        window.messages.show_message(f"number {i}", "error")
    assert [m.text for m in window.messages.messages] == ["number 5", "number 4", "number 3"]
    window.messages.messages[0].setFocus()
    window.messages.messages[0].dismiss()
    assert len(window.messages.messages) == 2


def test_questions_outlast_other_messages(window):
    window.messages.show_message("Recover?", "question", [("Recover", lambda: None)])
    for i in range(5):
        window.messages.show_message(f"number {i}", "error")
    assert "Recover?" in [m.text for m in window.messages.messages]


def test_status_says_where_the_pointer_is(filled):
    filled.view.cursor_moved.emit(284.567, 12345.6)
    assert filled.status.cursor_label.text() == "BE 284.57 eV   12\u202f346 counts"


def test_work_shows_progress_and_cancel(qtbot, filled):
    release = threading.Event()

    def work(progress, cancel):
        progress(0.5, "Half way")
        while not (cancel() or release.is_set()):
            release.wait(0.001)

    filled.tasks.run(work, title="Something long")
    qtbot.waitUntil(filled.status.progress.isVisible)
    assert filled.actions_["fit.stop"].isEnabled()
    qtbot.mouseClick(filled.status.cancel_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: filled.tasks.idle)
    assert not filled.status.progress.isVisible()
    assert not filled.actions_["fit.stop"].isEnabled()
