"""Choosing several spectra: the list, the document and what acts on all that are chosen."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt

from app.gui.document import Document
from app.gui.project_tree import KEY, NAME
from app.project.project import add_spectra

LEFT = Qt.MouseButton.LeftButton
CTRL, SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
PLAIN = Qt.KeyboardModifier.NoModifier


def ids(project):
    return [entry.id for entry in project.entries]


def click(qtbot, tree, kind, id, modifier=PLAIN):
    item = next(i for k, i in tree._items().items() if k[:2] == (kind, id))
    qtbot.mouseClick(tree.viewport(), LEFT, modifier, QPoint(50, tree.visualItemRect(item).center().y()))


def marked(tree):
    return sorted(item.data(NAME, KEY)[:2] for item in tree.selectedItems())


def test_shown_spectrum_is_always_chosen(project):
    a, b, c = ids(project)
    document = Document()
    assert document.chosen == ()
    document.reset(project)
    assert document.chosen == (a,)
    document.choose([c, b])
    assert (document.chosen, document.selection.entry) == ((b, c), b)
    document.choose([b, c], c)
    assert (document.chosen, document.selection.entry) == ((b, c), c)
    document.choose([])
    assert document.chosen == (c,)
    document.choose([a, "nothing of that name"])
    assert document.chosen == (a,)
    document.choose([a, b])
    document.select_component("p1")
    assert document.chosen == (a, b)  # another component of what is shown changes no choice
    document.select(c)
    assert document.chosen == (c,)


def test_choice_follows_the_project(project, qtbot):
    a, b, c = ids(project)
    document = Document(project)
    document.reset(project)
    document.choose([a, b, c])
    with qtbot.waitSignal(document.chosen_changed):
        document.apply("Remove", project.without_entry(b))
    assert document.chosen == (a, c)
    document.choose([c])
    document.undo()
    assert document.chosen == (document.selection.entry,)


def test_choice_is_in_the_order_of_the_list(project):
    # An entry added later to the first sample stands before those of the second one.
    first = project.entries[0].spectrum
    longer = add_spectra(project, [first], sample="Cycled")
    a, b, c, d = ids(longer)
    document = Document(longer)
    document.reset(longer)
    document.choose([a, b, c, d])
    assert document.chosen == (a, b, d, c)


def test_no_signal_without_a_change(project, qtbot):
    a, b, _ = ids(project)
    document = Document(project)
    document.reset(project)
    document.choose([a, b])
    told = []
    document.chosen_changed.connect(lambda: told.append("chosen"))
    document.selection_changed.connect(lambda: told.append("shown"))
    document.choose([b, a])
    document.select(a, document.selection.fit)
    assert told == []
    document.choose([b, a], b)
    assert told == ["shown"]


def test_mouse_with_ctrl_and_shift(qtbot, filled):
    a, b, c = ids(filled.document.project)
    tree, document = filled.tree, filled.document
    click(qtbot, tree, "entry", a)
    click(qtbot, tree, "entry", c, CTRL)
    assert (document.chosen, document.selection.entry) == ((a, c), c)
    click(qtbot, tree, "entry", c, CTRL)
    assert (document.chosen, document.selection.entry) == ((a,), a)
    click(qtbot, tree, "entry", b)
    assert (document.chosen, document.selection.entry) == ((b,), b)
    click(qtbot, tree, "entry", c, SHIFT)
    assert document.chosen == (b, c)


def test_keys_extend_the_choice(qtbot, filled):
    a, b, _ = ids(filled.document.project)
    filled.tree.setFocus()
    qtbot.keyClick(filled.tree, Qt.Key.Key_Down, SHIFT)
    assert (filled.document.chosen, filled.document.selection.entry) == ((a, b), b)
    qtbot.keyClick(filled.tree, Qt.Key.Key_Up)
    assert filled.document.chosen == (a,)


def test_row_of_a_sample_means_all_its_spectra(qtbot, filled):
    a, b, c = ids(filled.document.project)
    samples = [sample.id for sample in filled.document.project.samples]
    click(qtbot, filled.tree, "sample", samples[0])
    assert filled.document.chosen == (a, b)
    click(qtbot, filled.tree, "sample", samples[1])
    assert (filled.document.chosen, filled.document.selection.entry) == ((c,), c)


def test_tree_marks_what_others_choose(filled):
    a, b, c = ids(filled.document.project)
    filled.document.choose([a, c], c)
    assert marked(filled.tree) == [("entry", a), ("entry", c)]
    assert filled.tree.currentItem().data(NAME, KEY)[1] == c
    filled.document.choose([a, c], a)
    assert marked(filled.tree) == [("entry", a), ("entry", c)]
    filled.document.select(b)
    assert marked(filled.tree) == [("entry", b)]


def test_choice_survives_edits_and_new_rows(filled):
    a, b, c = ids(filled.document.project)
    document = filled.document
    document.choose([a, c])
    document.apply("Rename", document.project.with_entry(replace(document.project.entry(b), name="Other")))
    assert marked(filled.tree) == [("entry", a), ("entry", c)]
    document.apply("Add", add_spectra(document.project, [document.project.entry(b).spectrum], "Third"))
    assert marked(filled.tree) == [("entry", a), ("entry", c)]
    assert document.chosen == (a, c)


def test_delete_removes_all_chosen_and_undo_brings_them_back(qtbot, filled):
    a, b, c = ids(filled.document.project)
    document = filled.document
    before = document.project
    document.choose([a, b])
    filled.tree.setFocus()
    qtbot.keyClick(filled.tree, Qt.Key.Key_Delete)
    assert ids(document.project) == [c]
    assert [sample.name for sample in document.project.samples] == ["Pristine"]
    message = filled.messages.messages[0]
    qtbot.mouseClick(message.buttons[0], LEFT)
    assert document.project is before
