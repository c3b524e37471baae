"""The command search: what is found, and that choosing it does it."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt

from app.gui.find import LIKELY, find, library_entries


def keys_of(query, commands=()):
    return [entry.key for entry in find(query, commands)]


@pytest.mark.parametrize(
    ("query", "first"),
    [("na 1s", "Na 1s"), ("NA1S", "Na 1s"), ("c 1s", "C 1s"), ("v 2p3/2", "V 2p3/2"), ("sodium", "Na"), ("naf", "NaF"),
     ("Na2CO3", "Na2CO3")],
)
def test_library(query, first):
    assert keys_of(query)[0] == first


def test_nothing_is_found_for_nonsense():
    assert keys_of("zzqqy") == []


def test_every_entry_is_found_by_its_own_name():
    asked = [e for e in library_entries() if e.kind != "line" or e.key.split()[0] in LIKELY]
    assert len(asked) > 300
    missed = [e.key for e in asked if e.key not in [f.key for f in find(e.key, ())]]
    assert missed == []


def test_shortcut_opens_and_return_does_it(qtbot, filled):
    filled.activateWindow()
    qtbot.waitActive(filled)
    filled.view.setFocus()
    assert not filled.search.popup.isVisible()
    qtbot.keyClick(filled.view, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(filled.search.popup.isVisible)
    assert filled.search.hasFocus()
    qtbot.keyClicks(filled.search, "dark")
    assert filled.search.list.item(0).text() == "Theme: Dark"
    qtbot.keyClick(filled.search, Qt.Key.Key_Return)
    assert filled.state.text("theme") == "dark"
    assert not filled.search.popup.isVisible()
    assert filled.search.text() == ""
    assert filled.view.hasFocus()


def test_arrows_walk_and_escape_leaves(qtbot, filled):
    filled.search.start()
    qtbot.keyClicks(filled.search, "fit")
    count = filled.search.list.count()
    assert count > 2
    qtbot.keyClick(filled.search, Qt.Key.Key_Down)
    assert filled.search.list.currentRow() == 1
    qtbot.keyClick(filled.search, Qt.Key.Key_Up)
    qtbot.keyClick(filled.search, Qt.Key.Key_Up)
    assert filled.search.list.currentRow() == count - 1
    qtbot.keyClick(filled.search, Qt.Key.Key_Escape)
    assert not filled.search.popup.isVisible()


def test_disabled_commands_are_not_offered(window):
    texts = [entry.key for entry in window.search.commands()]
    assert "fit.region" not in texts
    assert "file.open" in texts


def test_choosing_a_line_marks_it(qtbot, filled):
    filled.document.select(filled.document.project.find("O 1s").id)
    seen = []
    filled.search.library_wanted.connect(lambda kind, key: seen.append((kind, key)))
    filled.search.start()
    qtbot.keyClicks(filled.search, "o 1s")
    qtbot.keyClick(filled.search, Qt.Key.Key_Return)
    assert seen == [("line", "O 1s")]
    assert filled.view.scene.marks


def test_choosing_a_compound_opens_the_library(qtbot, filled):
    filled.search.start()
    qtbot.keyClicks(filled.search, "naf")
    qtbot.keyClick(filled.search, Qt.Key.Key_Return)
    assert filled.inspector.page == "Library"
    assert filled.library_panel.search.text() == "NaF"
