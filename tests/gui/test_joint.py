"""Ties between regions in the window: typed, chosen from the menu, fitted, ended, undone; presets."""

import pytest
from PySide6.QtCore import Qt

from app.gui.panels import component_rows
from app.gui.panels.parameters import FOLLOWS, VALUE
from app.project import joint, work
from tests.app.project.test_joint import project as project
from tests.gui.test_panels import text, type_into


@pytest.fixture
def window(qtbot, window, project):
    """The window with three regions of one sample."""
    window.files.show_project(project, None)
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    return window


def chosen(window, entry, component):
    window.document.select(entry, "r1", component)
    window.inspector.show_page("Model")
    return window.model_panel


def row_of(panel, name):
    return next(i for i in range(panel.parameters.rows.rowCount()) if panel.parameters.rows.key(i).endswith(name))


def action(menu, *path):
    """The entry of a menu by its words."""
    for words in path:
        found = next(a for a in menu.actions() if a.text() == words)
        menu = found.menu() or menu
    return found


def test_a_tie_is_typed_shown_and_explained(window, qtbot):
    panel = chosen(window, "o", "p1")
    type_into(qtbot, panel.parameters.view, row_of(panel, ".area"), FOLLOWS, "C 1s: CO3 × 8,1")
    document = window.document
    assert joint.ties_of(document.project) == {"o/r1/p1.area": "{c/r1/p3.area} * 8.1"}
    assert text(panel.parameters.view, row_of(panel, ".area"), FOLLOWS) == "↔ C 1s: CO3 × 8.1"
    assert "Area = 8.1 × C 1s: CO3, fitted together" in panel.parameters.words.text()
    assert "area ↔ C 1s: CO3 × 8.1" in text(panel.table, 0, component_rows.LINK)
    assert document.undo_text == "Tie the area of CO3"
    type_into(qtbot, panel.parameters.view, row_of(panel, ".area"), VALUE, "55")
    assert len(document.project.ties) == 1
    document.undo()
    assert document.project.ties == ()
    document.redo()
    type_into(qtbot, panel.parameters.view, row_of(panel, ".area"), FOLLOWS, "free")
    assert document.project.ties == ()
    assert document.fit.model.params["p1.area"].free


def test_words_for_bounds_and_holds(window, qtbot):
    panel = chosen(window, "o", "p2")
    table, model = panel.parameters.view, lambda: window.document.fit.model.params
    type_into(qtbot, table, row_of(panel, ".position"), FOLLOWS, "between 532,5 and 533,5")
    assert (model()["p2.position"].minimum, model()["p2.position"].maximum) == (532.5, 533.5)
    type_into(qtbot, table, row_of(panel, ".fwhm"), FOLLOWS, "same width as CO3")
    assert model()["p2.fwhm"].link == "p1.fwhm"
    type_into(qtbot, table, row_of(panel, ".fwhm"), FOLLOWS, "fixed at 1.5")
    assert (model()["p2.fwhm"].value, model()["p2.fwhm"].vary, model()["p2.fwhm"].link) == (1.5, False, "")
    type_into(qtbot, table, row_of(panel, ".fwhm"), FOLLOWS, "free")
    assert model()["p2.fwhm"].vary
    before = window.document.project
    type_into(qtbot, table, row_of(panel, ".area"), FOLLOWS, "somewhere near CO3")
    assert window.document.project is before


def test_the_menu_offers_ties_and_the_command_fits_them(window, qtbot):
    panel = chosen(window, "o", "p1")
    assert not window.actions_["fit.tied"].isEnabled()
    menu = panel.table.menu("p1")
    action(menu, "Tie to another region", "C 1s: CO3", "Position: 242.1 eV above").trigger()
    menu.close()
    tie = window.document.project.ties[0]
    assert (tie.target, tie.formula) == ("o/r1/p1.position", "{c/r1/p3.position} + 242.1")
    fit = window.actions_["fit.tied"]
    assert fit.isEnabled()
    fit.trigger()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    c, o, na = (window.document.project.entry(id).fit("r1").result for id in ("c", "o", "na"))
    assert na is None
    assert o.value("p1.position") == pytest.approx(c.value("p3.position") + 242.1)
    menu = panel.table.menu("p1")
    action(menu, "Remove links").trigger()
    menu.close()
    assert window.document.project.ties == ()


def test_deleting_what_a_tie_names_ends_it_in_the_same_undo_step(window, qtbot):
    project = joint.with_tie(window.document.project, "o/r1/p1.area", "{c/r1/p3.area} * 8.1")
    window.document.apply("Tie", project)
    panel = chosen(window, "c", "p3")
    panel.table.setFocus()
    qtbot.keyClick(panel.table, Qt.Key.Key_Delete)
    assert window.document.project.ties == ()
    window.document.undo()
    assert len(window.document.project.ties) == 1
    assert window.document.project.entry("c").fit("r1").model.component("p3")
    window.edits.remove_spectrum()
    assert window.document.project.ties == ()
    assert work.fit_all(window.document.project).entry("o").fit("r1").result.success


def test_the_list_of_presets_tells_lines_and_sources(window):
    rows = window.ties.preset_rows()
    carbonate = next(row for row in rows if row.argument == "carbonate")
    assert "C 1s at 289.45 eV" in carbonate.tip
    assert "Hammond" in carbonate.tip
