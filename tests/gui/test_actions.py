"""The table of commands: every command works, and none is there twice."""

from __future__ import annotations

from collections import Counter

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu, QToolButton

from app.gui.actions import COMMANDS, CONDITIONS, MENUS, command, conditions
from app.gui.style.icons import PATHS


def test_ids_are_unique():
    assert len({c.id for c in COMMANDS}) == len(COMMANDS)


def test_shortcuts_are_unique_and_understood():
    keys = [QKeySequence(c.shortcut).toString() for c in COMMANDS if c.shortcut]
    assert all(keys)
    assert [k for k, n in Counter([*keys, "Ctrl+Y"]).items() if n > 1] == []


@pytest.mark.parametrize("one", COMMANDS, ids=lambda c: c.id)
def test_row_is_complete(one):
    assert one.menu.split("/")[0] in MENUS
    assert one.enabled in CONDITIONS
    assert not one.icon or one.icon in PATHS
    assert not one.toolbar or (one.icon and one.tip)
    assert one.text
    assert "..." not in one.text


def test_every_command_has_its_handler(window):
    for one in COMMANDS:
        assert callable(window.actions_.handler(one)), one.id


def test_every_command_stands_in_its_menu(window):
    for one in COMMANDS:
        assert window.actions_[one.id] in window.actions_.menus[one.menu].actions(), one.id


def test_toolbar_buttons_have_names_and_pictures(window):
    buttons = [b for b in window.toolbar.findChildren(QToolButton) if b.objectName().startswith("button.")]
    assert len(buttons) == sum(bool(c.toolbar) for c in COMMANDS)
    for button in buttons:
        assert button.accessibleName()
        assert button.toolTip()
        assert not button.icon().isNull()
        assert button.focusPolicy() & Qt.FocusPolicy.TabFocus


def test_conditions_follow_the_document(window, project):
    actions = window.actions_
    assert set(conditions(window.document, window.tasks)) == set(CONDITIONS)
    for id in ("fit.region", "file.save", "edit.undo", "data.charge", "quantify.sample", "fit.stop"):
        assert not actions[id].isEnabled(), id
    window.files.show_project(project, None)
    assert actions["fit.region"].isEnabled()
    assert actions["file.save"].isEnabled()
    assert not actions["edit.delete"].isEnabled()
    window.document.select_component("p1")
    assert actions["edit.delete"].isEnabled()
    actions["edit.delete"].trigger()
    assert [c.id for c in window.document.fit.model.components] == ["p2"]
    assert actions["edit.undo"].text() == "Undo delete C–C"
    actions["edit.undo"].trigger()
    assert len(window.document.fit.model.components) == 2
    assert actions["edit.redo"].isEnabled()


def test_no_command_fails_without_a_project(window, monkeypatch):
    """Handlers are called in the empty window, where most have nothing to do; none may raise."""
    for one in COMMANDS:
        if one.fill or one.id in ("file.quit", "view.dark", "view.system", "view.light"):
            continue
        action = window.actions_[one.id]
        action.setEnabled(True)
        action.trigger()
        for dialog in (window.files.dialog, window.exports.dialog, window.looks.dialog):
            if dialog is not None:
                dialog.close()
        window.exports.dialog = None


def test_submenus_fill(filled):
    rows = filled.actions_.rows("fit.background")
    assert len(rows) > 4
    assert [row.data() for row in rows if row.isChecked()] == ["constant"]
    assert filled.actions_.rows("file.samples")[0].data() == "xps"
    assert not filled.actions_.rows("file.recent")[0].isEnabled()
    menu = filled.actions_["fit.background"].menu()
    assert isinstance(menu, QMenu)


def test_theme_is_one_of_three(window, qapp):
    window.actions_["view.dark"].trigger()
    assert window.actions_["view.dark"].isChecked()
    assert not window.actions_["view.light"].isChecked()
    assert window.state.text("theme") == "dark"
    window.actions_["view.light"].trigger()


def test_menu_titles_of_tools_say_what_they_do():
    assert command("fit.region_tool").checkable
    assert command("fit.live").checkable
