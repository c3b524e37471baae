"""The inspector's panels: tables typed into, links in words, refusals, references, noise."""

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit

from app.gui import theme
from app.gui.document import Document
from app.gui.panels import component_rows, links, numbers
from app.gui.panels.calibrate_panel import CalibratePanel
from app.gui.panels.library_panel import LibraryPanel
from app.gui.panels.model_panel import ModelPanel
from app.gui.panels.parameters import FOLLOWS, HELD, MAXIMUM
from app.gui.panels.process_panel import ProcessPanel
from app.gui.panels.quantify_panel import QuantifyPanel
from app.gui.plot.edits import settled
from app.project import work
from fitting import guess
from fitting.dataset import Axis
from fitting.model import Curve, Param
from libraries.errors import BadModel
from tests.gui import plot_support as support

Key = Qt.Key


@pytest.fixture
def panel(qtbot):
    """Makes a document and a shown panel."""

    def make(kind, model=None, chosen=None):
        document = Document(support.project(model or support.two_peaks()))
        document.select("c1s", "r1", chosen)
        widget = kind(document)
        qtbot.addWidget(widget)
        widget.resize(520, 800)
        widget.show()
        qtbot.waitExposed(widget)
        return document, widget

    return make


def type_into(qtbot, view, row, column, text):
    """Open the editor of a cell with a double click, type, press Enter."""
    index = view.model().index(row, column)
    view.scrollTo(index)
    centre = view.visualRect(index).center()
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    qtbot.mouseDClick(view.viewport(), Qt.MouseButton.LeftButton, pos=centre)
    editor = view.viewport().findChild(QLineEdit)
    assert editor is not None, "the cell opens an editor"
    editor.selectAll()
    qtbot.keyClick(editor, Key.Key_Delete)
    qtbot.keyClicks(editor, text)
    qtbot.keyClick(editor, Key.Key_Return)
    QApplication.processEvents()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def text(view, row, column):
    """What a cell shows."""
    return view.model().index(row, column).data()


# -- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "value"), [
    ("284,5", 284.5), (" 284.52 ± 0.01", 284.52), ("20\u2009144", 20144),
    ("−0.4", -0.4), ("1.3 eV", 1.3), ("1e3", 1000),
])
def test_typed_numbers(typed, value):
    assert numbers.parse_number(typed) == value


@pytest.mark.parametrize("typed", ["", "abc", "nan", "inf", "1.2.3", "1,2,3"])
def test_no_numbers(typed):
    with pytest.raises(BadModel):
        numbers.parse_number(typed)


# -- links in words ---------------------------------------------------------------------------------------------


def linked_model():
    """Names with spaces, slashes and signs, as users give them."""
    return support.model(
        support.component("p1", "V 2p3/2", 284.5, 8000, 1.0), support.component("p2", "V 2p1/2", 288.5, 4000, 1.4),
        support.component("p3", "C=O", 287.5, 900, 1.3), support.component("p4", "C–O", 286.5, 900, 1.3),
    )


@pytest.mark.parametrize(("name", "typed", "stored", "words"), [
    ("p2.area", "V 2p3/2 × 0.5", "p1.area * 0.5", "area = 0.5 × V 2p3/2"),
    ("p2.area", "0.5 * [p1]".replace("[", "").replace("]", ""), "0.5 * p1.area", "area = 0.5 × V 2p3/2"),
    ("p4.fwhm", "C=O", "p3.fwhm", "same width as C=O"),
    ("p3.position", "C–O + 1.1", "p4.position + 1.1", "1.1 eV above C–O"),
    ("p3.position", "p4.position - 1,1 ± 0,05", "p4.position - 1.1 +- 0.05", "1.1 eV below C–O, within ±0.05"),
    ("p4.fwhm", "V 2p3/2.position / 200", "p1.position / 200", "width = V 2p3/2.position / 200"),
])
def test_links_by_name(name, typed, stored, words):
    model = linked_model()
    link = links.from_words(model, name, typed)
    assert link == stored
    linked = settled(model.with_params({name: Param(model.params[name].value, link=link)}))
    assert links.explained(linked, name) == words
    # What is shown can be typed again.
    assert links.from_words(linked, name, links.to_words(linked, name)) == link


@pytest.mark.parametrize("typed", ["nobody × 2", "C–O +", "__import__('os')", "C–O.colour"])
def test_links_that_are_refused(typed):
    with pytest.raises(BadModel):
        links.from_words(linked_model(), "p2.area", typed)


def test_equal_names_are_told_apart():
    model = support.model(support.component("p1", "C", 284.5, 1, 1), support.component("p2", "C", 285.5, 1, 1),
                          support.component("p3", "O", 286.5, 1, 1))
    assert links.from_words(model, "p3.fwhm", "C (p2)") == "p2.fwhm"


# -- model panel ------------------------------------------------------------------------------------------------


def test_table_edit_changes_the_model_in_one_step(panel, qtbot):
    document, widget = panel(ModelPanel)
    type_into(qtbot, widget.table, 1, component_rows.POSITION, "288,72")
    assert document.fit.model.component("p2").value("position") == 288.72
    assert text(widget.table, 1, component_rows.POSITION) == "288.72"
    assert document.undo_text == "BE of CO"
    document.undo()
    qtbot.waitUntil(lambda: text(widget.table, 1, component_rows.POSITION) == "288.50")


def test_bad_input_says_why_and_the_value_returns(panel, qtbot):
    bounded = support.component("p1", "CC", 284.5, 8000, 1.0, position=Param(284.5, 284.0, 285.0))
    document, widget = panel(ModelPanel, support.model(bounded))
    before = document.fit.model
    type_into(qtbot, widget.table, 0, component_rows.FWHM, "wide")
    assert widget.said == "FWHM must be a number, not “wide”."
    assert text(widget.table, 0, component_rows.FWHM) == "1.00"
    type_into(qtbot, widget.table, 0, component_rows.POSITION, "290")
    assert "bounds 284 to 285" in widget.said
    assert document.fit.model == before
    assert document.undo_text == ""
    type_into(qtbot, widget.table, 0, component_rows.POSITION, "284.6")
    assert widget.said == ""


def test_area_and_share(panel, qtbot):
    document, widget = panel(ModelPanel)
    type_into(qtbot, widget.table, 1, component_rows.AREA, "5000")
    assert document.fit.model.component("p2").value("area") == pytest.approx(5000)
    areas = [document.fit.model.component(i).value("area") for i in ("p1", "p2")]
    assert float(text(widget.table, 1, component_rows.SHARE)) == pytest.approx(100 * areas[1] / sum(areas), abs=0.06)


def test_link_typed_in_the_table_and_below(panel, qtbot):
    document, widget = panel(ModelPanel, chosen="p2")
    type_into(qtbot, widget.table, 1, component_rows.LINK, "FWHM = CC; BE = CC + 4.2")
    assert document.fit.model.params["p2.fwhm"].link == "p1.fwhm"
    assert document.fit.model.params["p2.position"].value == pytest.approx(288.7)
    names = [row.rsplit(".", 1)[1] for row in (widget.parameters.rows.key(i) for i in range(4))]
    type_into(qtbot, widget.parameters.view, names.index("area"), FOLLOWS, "CC × 0.25 ± 5 %")
    assert document.fit.model.params["p2.area"].link == "p1.area * 0.25 +- 5 %"
    qtbot.waitUntil(lambda: "rea = 0.25 × CC, within ±5 %" in widget.parameters.words.text())
    type_into(qtbot, widget.parameters.view, names.index("fwhm"), FOLLOWS, "CO")
    assert "cannot follow itself" in widget.said
    type_into(qtbot, widget.table, 1, component_rows.LINK, "")
    assert not any(p.link for p in document.fit.model.params.values())


def test_hold_and_bounds(panel, qtbot):
    document, widget = panel(ModelPanel, chosen="p1")
    rows = widget.parameters.rows
    names = [rows.key(i).rsplit(".", 1)[1] for i in range(rows.rowCount())]
    at = names.index("position")
    rows.setData(rows.index(at, HELD), Qt.CheckState.Checked, Qt.ItemDataRole.CheckStateRole)
    assert not document.fit.model.params["p1.position"].vary
    type_into(qtbot, widget.parameters.view, at, MAXIMUM, "285")
    assert document.fit.model.params["p1.position"].maximum == 285
    type_into(qtbot, widget.parameters.view, at, MAXIMUM, "284")
    assert "would lie outside" in widget.said
    type_into(qtbot, widget.parameters.view, at, MAXIMUM, "")
    assert document.fit.model.params["p1.position"].maximum == math.inf


def test_shape_keeps_the_look_of_the_peak(panel):
    document, widget = panel(ModelPanel, chosen="p1")
    widget.table.rows.edited.emit("p1", component_rows.SHAPE, "Voigt")
    component = document.fit.model.component("p1")
    assert component.shape == "voigt"
    peak = component_rows.peak_of(component)
    assert (peak.position, peak.height, peak.fwhm) == (
        pytest.approx(284.5, abs=1e-3), pytest.approx(8000, rel=1e-3), pytest.approx(1.0, rel=2e-3))


def test_a_component_is_convolved_where_the_model_has_a_response(panel, qtbot):
    energies = [0.1 * i for i in range(-20, 21)]
    response = Curve(tuple(energies), tuple(math.exp(-0.5 * (e / 0.3) ** 2) for e in energies), "zero loss")
    document, widget = panel(ModelPanel, replace(support.two_peaks(), response=response), chosen="p1")
    box = widget.parameters.spread
    assert box.isVisible()
    assert box.text() == "Convolved with zero loss"
    qtbot.mouseClick(box, Qt.MouseButton.LeftButton, pos=box.rect().center() - QPoint(box.width() // 2 - 8, 0))
    assert [c.broadened for c in document.fit.model.components] == [True, False]
    assert document.undo_text == "Convolve CC"
    document.undo()
    qtbot.waitUntil(lambda: not box.isChecked())
    document.edit_model("No response", replace(document.fit.model, response=None))
    qtbot.waitUntil(lambda: not box.isVisible())


def test_plasmons_and_edges_are_offered_on_energy_losses_alone(panel):
    document, _ = panel(ModelPanel)
    fit, entry = document.fit, document.project.entries[0]
    losses = entry.spectrum.with_(axis=Axis(entry.spectrum.x, "energy_loss"))
    offered = {}
    for name, spectrum in (("binding", entry.spectrum), ("losses", losses)):
        project = replace(document.project, entries=(replace(entry, spectrum=spectrum),))
        row = component_rows.component_rows(fit, theme.current(), project=project, entry="c1s")[0]
        offered[name] = row.cells[component_rows.SHAPE].choices
    assert set(offered["losses"]) - set(offered["binding"]) == {"Plasmon (Drude)", "Edge"}
    assert {*guess.backgrounds_for(losses)} - {*guess.backgrounds_for(entry.spectrum)} == {"power_law"}
    # Another shape begins with the look of the old one, on its own side of the zero loss.
    changed = component_rows.change_shape(fit.model, "p1", "Plasmon (Drude)").component("p1")
    peak = component_rows.peak_of(changed)
    assert (peak.position, peak.height, peak.fwhm) == (
        pytest.approx(284.5, abs=1e-3), pytest.approx(8000, rel=1e-3), pytest.approx(1.0, rel=2e-3))
    assert changed.param("position").minimum >= 0.1


def test_an_open_editor_survives_changes_of_other_numbers(panel, qtbot):
    document, widget = panel(ModelPanel)
    index = widget.table.rows.index(0, component_rows.POSITION)
    widget.table.setCurrentIndex(index)
    widget.table.edit(index)
    editor = widget.table.viewport().findChild(QLineEdit)
    qtbot.keyClicks(editor, "28")
    document.edit_model("move", document.fit.model.with_values({"p2.position": 288.9}), merge="drag")
    qtbot.waitUntil(lambda: text(widget.table, 1, component_rows.POSITION) == "288.90")
    assert widget.table.viewport().findChild(QLineEdit) is editor
    assert editor.text().endswith("28")


def test_context_menu_links(panel):
    document, widget = panel(ModelPanel)
    menu = widget.table.menu("p2")
    parts = {action.text(): action for action in menu.actions()}
    parts["Ratio of areas to"].menu().actions()[0].trigger()
    ratio = document.fit.model.params["p2.area"].value / document.fit.model.params["p1.area"].value
    assert document.fit.model.params["p2.area"].link.startswith("p1.area * ")
    assert ratio == pytest.approx(0.35, rel=0.01)
    parts["Duplicate"].trigger()
    assert [c.name for c in document.fit.model.components] == ["CC", "CO", "CO copy"]
    menu.close()
    menu.deleteLater()


def test_copy_as_text(panel, qtbot):
    _, widget = panel(ModelPanel)
    widget.table.selectAll()
    qtbot.keyClick(widget.table, Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:2] == ["Component", "BE / eV"]
    assert lines[2].split("\t")[:3] == ["CO", "288.50", "1.40"]


def test_background_in_words(panel):
    document, widget = panel(ModelPanel)
    assert widget.kind.currentText() == "Constant, fitted with the peaks"
    at = widget.kind.findText("Shirley between the region ends")
    widget.kind.setCurrentIndex(at)
    widget.kind.activated.emit(at)
    assert document.fit.model.background.kind == "shirley"
    assert widget.average.isVisible()
    widget.average.setValue(4)
    assert document.fit.model.background.average == 4
    assert not document.edit_open  # live fits wait for the hand to let go


def test_suggestions_are_added_with_their_source(panel):
    document, widget = panel(ModelPanel)
    widget.suggest()
    assert widget.suggestions.isVisible()
    assert widget.suggestions.rows.rowCount() > 3
    widget.suggestions.add()
    new = document.fit.model.components[-1]
    assert len(document.fit.model.components) == 3
    assert new.compound
    assert new.source
    assert document.selection.component == new.id


def test_fitted_numbers_have_errors(panel):
    document, widget = panel(ModelPanel)
    document.apply("Fit", work.fit_region(document.project, "c1s", "r1"))
    widget.refresh()
    for column in (component_rows.POSITION, component_rows.FWHM, component_rows.AREA):
        assert "±" in text(widget.table, 0, column)
    share = widget.table.model().index(0, component_rows.SHARE)
    assert "±" in share.data(Qt.ItemDataRole.ToolTipRole)


# -- the other panels -------------------------------------------------------------------------------------------


def test_a_component_of_another_line_is_no_measured_reference(panel):
    other = replace(support.component("s", "S 2p3/2", 288.0, 5000, 1.0), line="S 2p3/2")
    _, widget = panel(CalibratePanel, model=support.model(other), chosen="s")
    assert widget.measured.text() == ""
    assert not widget.apply_button.isEnabled()


def test_charge_reference_for_the_sample(panel):
    document, widget = panel(CalibratePanel, chosen="p1")
    assert widget.measured.text() == "284.500"
    widget.reference.setCurrentIndex(1)
    assert "Shift by +0.100 eV" in widget.shift.text()
    widget.apply()
    assert document.entry.recipe.energy_shift == pytest.approx(0.1)
    assert document.fit.model.component("p1").value("position") == pytest.approx(284.6)
    assert "284.6" in document.entry.recipe.charge_reference()
    widget.reset()
    assert document.entry.recipe.energy_shift == 0
    assert document.fit.model.component("p1").value("position") == pytest.approx(284.5)
    document.undo()
    assert document.entry.recipe.energy_shift == pytest.approx(0.1)
    widget.reference.setCurrentIndex(widget.reference.count() - 1)
    widget.target.setText("none")
    widget.apply()
    assert "must be a number" in widget.said


def test_library_search(panel, qtbot):
    document, widget = panel(LibraryPanel)
    widget.search.setText("Na2CO3 C 1s")
    found = [text(widget.lines, i, 0) for i in range(widget.rows.rowCount())]
    assert found
    assert all("Na2CO3" in name for name in found)
    widget.lines.selectRow(0)
    with qtbot.waitSignal(widget.references_requested) as heard:
        widget.show_on_plot()
    assert heard.args[0][0].compound == "Na2CO3"
    widget.add()
    assert widget.said == ""
    assert document.fit.model.components[-1].compound == "Na2CO3"
    widget.search.setText("F 1s")
    widget.lines.selectRow(0)
    widget.add()
    assert "outside the region" in widget.said


def test_noise_is_a_recorded_step(panel):
    document, widget = panel(ProcessPanel)
    widget.noise.setCurrentIndex(3)
    widget.noise.activated.emit(3)
    assert document.spectrum().noise.kind == "unknown"
    assert text(widget.steps, 0, 0) == "Noise: unknown"
    document.undo()
    assert document.spectrum().noise.kind == "poisson"
    assert widget.meta["Dwell time"].text() == "0.1 s"
    assert widget.meta["Pass energy"].text() == "not recorded"


def test_quantify_settings(panel, qtbot):
    document, widget = panel(QuantifyPanel)
    widget.rows.setData(widget.rows.index(0, 0), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert not document.fit.model.component("p1").quantify
    at = widget.material.findData("graphite")
    assert at > 0
    widget.material.setCurrentIndex(at)
    widget.material.activated.emit(at)
    assert document.project.sample("s").material == "graphite"
    with qtbot.waitSignal(widget.quantify_requested) as heard:
        widget.go.click()
    assert heard.args == ["s"]
    assert isinstance(widget.material, QComboBox)
