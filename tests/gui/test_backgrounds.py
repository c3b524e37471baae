"""Backgrounds in the window: anchors by hand, loss functions and other settings, all kinds in the menu."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtWidgets import QApplication

from app.gui.document import Document
from app.gui.panels.model_panel import ModelPanel
from app.gui.plot.anchors import anchor_points, move_anchor
from app.gui.plot.spectrum_view import SpectrumView
from fitting.backgrounds import KINDS, LOSS_CLASSES
from fitting.guess import change_background
from fitting.model import Background
from tests.gui import plot_support as support

LEFT, RIGHT, NONE = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.NoButton
SPLINE = Background("spline", anchors=((282.0, 0.0), (286.5, 0.0), (293.0, 0.0)), settings=(("curved", 1.0),))


@pytest.fixture
def shown(qtbot):
    """A view and a model panel on a document whose region has a background."""
    widgets = []

    def make(background=SPLINE):
        document = Document(support.project(replace(support.two_peaks(), background=background)))
        document.select("c1s", "r1")
        view, panel = SpectrumView(document), ModelPanel(document)
        for widget, size in ((view, (820, 620)), (panel, (520, 700))):
            qtbot.addWidget(widget)
            widget.resize(*size)
            widget.show()
            qtbot.waitExposed(widget)
            widgets.append(widget)
        return document, view, panel

    yield make
    for widget in widgets:
        widget.close()


def anchors(document):
    return document.fit.model.background.anchors


def place(view, index):
    handle = next(h for h in view.scene.handles if h.key == ("anchor", "", index))
    return view.data_position(handle.x, handle.y)


def test_an_anchor_follows_the_mouse(shown):
    document, view, _ = shown()
    start = place(view, 1)
    end = start + QPointF(30.0, -120.0)
    x, y = view.data_at(end)
    support.drag(view.viewport(), start, end)
    point = anchor_points(document.spectrum(), document.fit.model)[1]
    assert (point.x, point.y) == (pytest.approx(x, abs=1e-6), pytest.approx(y, rel=1e-6))
    assert not point.on_data
    curve = view.scene.curves
    assert np.interp(point.x, curve.x, curve.background) == pytest.approx(point.y, rel=1e-3)
    assert document.undo_text == "Move anchor"
    document.undo()
    assert anchors(document) == SPLINE.anchors


def test_an_anchor_snaps_to_the_data_and_stays_between_its_neighbours():
    spectrum = support.spectrum()
    model = replace(support.two_peaks(), background=SPLINE)
    height = float(np.ptp(spectrum.y))
    level = anchor_points(spectrum, model)[1].y
    assert move_anchor(spectrum, model, 1, 286.5, level + 0.01 * height).model.background.anchors[1] == (286.5, 0.0)
    far = move_anchor(spectrum, model, 1, 299.0, level + 0.5 * height)
    assert far.stopped
    assert far.model.background.anchors[1] == (pytest.approx(292.9), pytest.approx(0.5 * height, rel=0.2))
    edge = move_anchor(spectrum, model, 0, 270.0, 0.0)
    assert edge.model.background.anchors[0][0] == 281.5


def test_a_double_click_adds_and_a_right_click_removes(shown, qtbot):
    document, view, _ = shown()
    at = view.data_position(290.8, 3000.0)
    for kind in (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, QEvent.Type.MouseButtonDblClick):
        support.send(view.viewport(), kind, at, LEFT, LEFT)
    support.send(view.viewport(), QEvent.Type.MouseButtonRelease, at, LEFT, NONE)
    assert len(anchors(document)) == 4
    assert anchors(document)[2] == (pytest.approx(290.8, abs=0.05), 0.0)
    assert document.undo_text == "Add anchor"
    at = place(view, 2)
    support.send(view.viewport(), QEvent.Type.MouseButtonPress, at, RIGHT, RIGHT)
    support.send(view.viewport(), QEvent.Type.MouseButtonRelease, at, RIGHT, NONE)
    assert anchors(document) == SPLINE.anchors
    assert document.undo_text == "Remove anchor"
    document.undo()
    document.undo()
    assert anchors(document) == SPLINE.anchors


def test_delete_removes_the_chosen_anchor_and_the_last_one_stays(shown, qtbot):
    document, view, _ = shown()
    for count in (2, 1):
        support.click(view.viewport(), place(view, 0))
        assert view.scene.anchor == 0
        qtbot.keyClick(view, Qt.Key.Key_Delete)
        assert len(anchors(document)) == count
    support.click(view.viewport(), place(view, 0))
    qtbot.keyClick(view, Qt.Key.Key_Delete)
    assert len(anchors(document)) == 1
    assert "needs an anchor" in view.scene.hint
    assert len(document.fit.model.components) == 2


def test_buttons_for_anchors(shown, qtbot):
    document, _, panel = shown()
    part = panel.settings
    assert part.isVisible()
    assert "3 anchors" in part.anchors.text()
    qtbot.mouseClick(part.add, LEFT)
    assert anchors(document)[2] == (pytest.approx(289.75), 0.0)
    part.which.setCurrentIndex(0)
    qtbot.mouseClick(part.remove, LEFT)
    assert [round(x, 2) for x, _ in anchors(document)] == [286.5, 289.75, 293.0]
    assert panel.average.isVisible()
    switch = part.switches["curved"]
    switch.setFocus()
    qtbot.keyClick(switch, Qt.Key.Key_Space)
    assert document.fit.model.background.setting("curved") == 0.0
    assert document.undo_text == "Background: curved between anchors"


def tougaard(document):
    return dict(document.fit.model.background.settings)


def test_loss_function_of_a_static_tougaard(shown, qtbot):
    document, _, panel = shown(Background("shirley"))
    panel.kind.setCurrentIndex(panel.kind.findData("tougaard"))
    panel.kind.activated.emit(panel.kind.currentIndex())
    part = panel.settings
    assert tougaard(document)["c"] == -1643.0
    assert part.loss_class.currentText() == "Universal"
    assert not part.fields["b"].isEnabled()  # chosen so that the end is met
    part.loss_class.setCurrentIndex(part.loss_class.findData("SiO2"))
    part.loss_class.activated.emit(part.loss_class.currentIndex())
    assert tuple(tougaard(document)[name] for name in ("b", "c", "d", "t0")) == LOSS_CLASSES["SiO2"]
    assert document.undo_text == "Background: SiO₂"
    field = part.fields["t0"]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "7,5")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert tougaard(document)["t0"] == 7.5
    assert part.loss_class.currentText() == "Own values"
    document.undo()
    assert tougaard(document)["t0"] == 9.3
    panel.show_now()
    assert part.loss_class.currentData() == "SiO2"


def test_a_number_out_of_range_is_refused_with_words(shown, qtbot):
    document, _, panel = shown(Background("tougaard"))
    field = panel.settings.fields["t0"]
    field.setFocus()
    field.selectAll()
    qtbot.keyClicks(field, "-3")
    qtbot.keyClick(field, Qt.Key.Key_Return)
    assert "0 to 100" in panel.said
    assert tougaard(document).get("t0", 0.0) == 0.0
    assert field.text() == "0"


@pytest.mark.parametrize("name", list(KINDS))
def test_every_background_can_be_shown(shown, name):
    document, view, panel = shown()
    model = change_background(document.spectrum(), document.fit.model, name)
    document.edit_model("Background", model)
    QApplication.processEvents()
    panel.show_now()
    assert view.scene.curves is not None
    assert panel.kind.currentData() == name
    assert panel.settings.isVisible() == bool(KINDS[name].settings or KINDS[name].anchored)
    assert bool([h for h in view.scene.handles if h.role == "anchor"]) == (name == "spline")
