"""The Layers panel, driven by its widgets."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from app.gui.document import Document
from app.gui.panels.layers_panel import LayersPanel
from app.gui.tasks import Tasks
from tests.app.project import layered


@pytest.fixture
def panel(qtbot):
    document, errors = Document(layered.series(12.0, (0.0, 30.0, 55.0))), []
    tasks = Tasks(errors.append)
    widget = LayersPanel(document, tasks)
    qtbot.addWidget(widget)
    widget.resize(500, 900)
    widget.show()
    document.select(document.project.entries[0].id)
    qtbot.waitUntil(lambda: widget.answer is not None and tasks.idle)
    yield widget
    tasks.close()


def choose(combo, value):
    combo.setCurrentIndex(combo.findData(value))
    assert combo.currentData() == value
    combo.activated.emit(combo.currentIndex())


def supposed(qtbot, panel):
    for combo, value in (
        (panel.overlayer, "C 1s carbonate"), (panel.substrate, "C 1s sp2"),
        (panel.overlayer_material, "Na2CO3"), (panel.substrate_material, "graphite"),
    ):
        choose(combo, value)
    qtbot.waitUntil(lambda: panel.answer is not None and not isinstance(panel.answer.thickness, str))


def test_thickness_appears_once_everything_is_chosen(qtbot, panel):
    assert "Choose a line" in panel.depth.remarks.text()
    supposed(qtbot, panel)
    assert panel.depth.words.text().startswith("d = 1.")
    assert panel.depth.rows.rowCount() == 3
    assert panel.depth.plot.isVisible()
    assert panel.document.project.sample("s").layering.substrate_material == "graphite"
    panel.document.undo()
    assert panel.document.project.sample("s").layering.substrate_material == ""
    qtbot.waitUntil(lambda: isinstance(panel.answer.thickness, str))
    assert not panel.depth.plot.isVisible()


def test_the_angle_of_a_series_cannot_be_typed(panel):
    assert panel.angle.isReadOnly()
    assert panel.angle.text() == "0, 30, 55"


def test_a_typed_ratio_counts_and_a_wrong_one_is_refused(qtbot, panel):
    supposed(qtbot, panel)
    before = panel.depth.words.text()
    panel.pure.setFocus()
    panel.pure.setText("0,9")
    QTest.keyClick(panel.pure, Qt.Key.Key_Return)
    assert panel.document.project.sample("s").layering.pure_ratio == 0.9
    qtbot.waitUntil(lambda: panel.depth.words.text() != before)
    panel.pure.setText("-1")
    panel.pure.editingFinished.emit()
    assert "above zero" in panel.said
    assert panel.document.project.sample("s").layering.pure_ratio == 0.9


def test_order_in_depth_is_listed(panel):
    assert panel.order.rowCount() == 4
    assert panel.order.cell(panel.order.index(3, 0)).text == "C 1s sp2"


def test_a_structure_is_set_up_and_fitted(qtbot, panel):
    buttons = {b.text(): b for b in panel.findChildren(type(panel.fit_button))}
    QTest.mouseClick(buttons["Add layer"], Qt.MouseButton.LeftButton)
    for (_, solid, lines), (name, species) in zip(
        panel.stack.rows, (("Na2CO3", "C 1s carbonate, Na, O"), ("graphite", "C 1s sp2")), strict=True
    ):
        choose(solid, name)
        lines.setText(species)
        lines.editingFinished.emit()
    QTest.mouseClick(panel.fit_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.stack_words.text() != "")
    assert panel.stack_words.text().startswith("Na2CO3: 1")
    assert "substrate" in panel.stack_words.text()
    panel.stack.rows[0][2].setText("nonsense")
    panel.stack.rows[0][2].editingFinished.emit()
    assert "There is no line nonsense" in panel.said
