"""The spectrum plot, driven by mouse and keys: what is dragged is what the document holds."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication

from app.gui import theme
from app.gui.document import Document
from app.gui.plot.drags import PeakDrag
from app.gui.plot.drawn import curves_of
from app.gui.plot.geometry import peak_of
from app.gui.plot.handles import handles_of
from app.gui.plot.spectrum_view import SpectrumView
from fitting.model import Background, Curve, Param
from tests.gui import plot_support as support

Key = Qt.Key


@pytest.fixture
def shown(qtbot):
    """Makes a document and a shown view of a model."""
    views = []

    def make(model=None, **kinds):
        document = Document(support.project(model, **kinds))
        document.select("c1s", "r1" if model is not None else None)
        view = SpectrumView(document)
        qtbot.addWidget(view)
        view.resize(820, 620)
        view.show()
        qtbot.waitExposed(view)
        views.append(view)
        return document, view

    yield make
    for view in views:
        view.close()


def place(view, role, id="", side=0):
    """Pixel and data place of a handle."""
    handle = next(h for h in view.scene.handles if h.key == (role, id, side))
    return view.data_position(handle.x, handle.y), handle


def peak(document, id, quantity="binding_energy"):
    return peak_of(document.fit.model.component(id), quantity)


def test_peak_follows_the_mouse_exactly(shown):
    document, view = shown(support.two_peaks())
    start, _ = place(view, "peak", "p2")
    x0, y0 = view.data_at(start)
    end = start + QPointF(-37.0, -61.0)
    x1, y1 = view.data_at(end)
    support.drag(view.viewport(), start, end)
    now = peak(document, "p2")
    assert now.position == pytest.approx(288.5 + x1 - x0, abs=1e-9)
    assert now.height == pytest.approx(2000 + y1 - y0, rel=1e-6)
    assert x1 > x0, "to the left is to higher binding energy"
    assert document.selection.component == "p2"
    # A drag is one undo step, and undo takes it back whole.
    assert document.undo_text == "Move peak CO"
    document.undo()
    assert document.fit.model == support.two_peaks()
    assert document.undo_text == ""


def test_handle_stays_under_the_mouse_where_the_background_moves_with_the_peak(shown):
    kind = Background("shirley_active", {
        "level": Param(1000.0), "tilt": Param(0.0, vary=False), "step": Param(0.08, 0, 1),
        "loss_slope": Param(0.002, 0, 0.05),
    })
    _, view = shown(replace(support.two_peaks(), background=kind))
    start, handle = place(view, "peak", "p2")
    end = start + QPointF(-20.0, -90.0)
    support.drag(view.viewport(), start, end, 3)
    top, _ = place(view, "peak", "p2")
    aimed = view.data_position(handle.x, handle.y) + QPointF(-20.0, -90.0)
    assert abs(top.x() - aimed.x()) < 0.01
    assert abs(top.y() - aimed.y()) < 0.6


def test_width_handle(shown):
    document, view = shown(support.two_peaks())
    document.select_component("p2")
    start, _ = place(view, "width", "p2", 1)
    end = start + QPointF(-25.0, 13.0)
    gained = view.data_at(end)[0] - view.data_at(start)[0]
    area = document.fit.model.component("p2").value("area")
    support.drag(view.viewport(), start, end)
    assert peak(document, "p2").fwhm == pytest.approx(1.4 + 2 * gained, rel=1e-4)
    assert document.fit.model.component("p2").value("area") == area
    assert peak(document, "p2").position == pytest.approx(288.5, abs=1e-6)


def test_region_edges(shown):
    document, view = shown(support.two_peaks())
    start, _ = place(view, "edge", "", 1)
    end = start + QPointF(40.0, 5.0)
    target = 293.5 + view.data_at(end)[0] - view.data_at(start)[0]
    support.drag(view.viewport(), start, end)
    assert document.fit.model.region == (281.5, pytest.approx(target, abs=1e-9))
    # Beyond the data there is nothing to fit.
    start, _ = place(view, "edge", "", 1)
    heard = []
    view.message.connect(heard.append)
    support.drag(view.viewport(), start, start + QPointF(-900.0, 0.0))
    assert document.fit.model.region[1] == pytest.approx(294.95)
    assert any("data end" in text for text in heard)


def test_bound_stops_the_hand_and_says_so(shown):
    bounded = support.component("p2", "CO", 288.5, 2000, 1.4, position=Param(288.5, 288.0, 288.9))
    document, view = shown(support.model(bounded))
    heard = []
    view.message.connect(heard.append)
    start, _ = place(view, "peak", "p2")
    support.press(view.viewport(), start)
    support.move(view.viewport(), start + QPointF(-200.0, 0.0))
    assert view.scene.stopped
    assert document.fit.model.component("p2").value("position") == 288.9
    assert heard[-1] == "The position of CO stops at its upper bound 288.9"
    support.release(view.viewport(), start + QPointF(-200.0, 0.0))
    assert view.scene.bounds == ()


def test_held_peak_does_not_move(shown):
    held = support.component("p2", "CO", 288.5, 2000, 1.4, position=Param(288.5, vary=False))
    document, view = shown(support.model(held))
    start, _ = place(view, "peak", "p2")
    support.drag(view.viewport(), start, start + QPointF(50.0, 0.0))
    assert document.fit.model.component("p2").value("position") == 288.5
    assert "held" in view.scene.hint


def test_linked_minor_line_moves_its_major(shown):
    major = support.component("p1", "major", 284.5, 8000, 1.0)
    minor = support.component(
        "p2", "minor", 288.5, 4000, 1.0, position=Param(288.5, link="p1.position + 4"),
        area=Param(major.value("area") / 2, link="p1.area * 0.5"),
    )
    document, view = shown(support.model(major, minor))
    start, _ = place(view, "peak", "p2")
    end = start + QPointF(-30.0, -40.0)
    dx = view.data_at(end)[0] - view.data_at(start)[0]
    dy = view.data_at(end)[1] - view.data_at(start)[1]
    support.drag(view.viewport(), start, end)
    assert peak(document, "p1").position == pytest.approx(284.5 + dx, abs=1e-9)
    assert peak(document, "p2").position == pytest.approx(288.5 + dx, abs=1e-9)
    assert peak(document, "p2").height == pytest.approx(4000 + dy, rel=1e-6)
    assert peak(document, "p1").height == pytest.approx(8000 + 2 * dy, rel=1e-6)


def test_click_chooses_without_moving(shown):
    document, view = shown(support.two_peaks())
    support.click(view.viewport(), place(view, "peak", "p2")[0])
    assert document.selection.component == "p2"
    support.click(view.viewport(), view.data_position(284.5, LEVEL_INSIDE))
    assert document.selection.component == "p1"
    assert document.undo_text == ""


LEVEL_INSIDE = support.LEVEL + 3000


def test_keys(shown, qtbot):
    document, view = shown(support.two_peaks())
    view.setFocus()
    qtbot.keyClick(view, Key.Key_Tab)
    assert document.selection.component == "p1"
    qtbot.keyClick(view, Key.Key_Tab)
    assert document.selection.component == "p2"
    qtbot.keyClick(view, Key.Key_Left)
    assert peak(document, "p2").position == pytest.approx(288.55, abs=1e-9)
    qtbot.keyClick(view, Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert peak(document, "p2").position == pytest.approx(288.05, abs=1e-9)
    qtbot.keyClick(view, Key.Key_Plus)
    assert peak(document, "p2").fwhm == pytest.approx(1.45, rel=1e-4)
    document.undo()
    document.undo()
    assert peak(document, "p2").position == pytest.approx(288.55, abs=1e-9), "each key press is a step of its own"
    qtbot.keyClick(view, Key.Key_Delete)
    assert [c.id for c in document.fit.model.components] == ["p1"]


def test_kinetic_energy_runs_left_to_right(shown):
    model = support.model(support.component("p1", "CC", 1486.6 - 284.5, 8000, 1.0))
    document, view = shown(replace(model, region=(1193.0, 1205.0)), axis="kinetic")
    left, right = view.data_position(1195, 2000), view.data_position(1203, 2000)
    assert left.x() < right.x()
    start, _ = place(view, "peak", "p1")
    support.drag(view.viewport(), start, start + QPointF(40.0, 0.0))
    assert peak(document, "p1", "kinetic_energy").position > 1486.6 - 284.5


def test_wheel_and_autoscale(shown, qtbot):
    _, view = shown(support.two_peaks())
    full = view.canvas.x_range()
    at = view.data_position(288.5, 2000)

    def wheel(modifiers):
        place = QPointF(view.viewport().mapToGlobal(at))
        QApplication.sendEvent(view.viewport(), QWheelEvent(
            at, place, QPoint(), QPoint(0, 120), NONE, modifiers, Qt.ScrollPhase.NoScrollPhase, False))

    wheel(Qt.KeyboardModifier.NoModifier)
    low, high = view.canvas.x_range()
    assert high - low < full[1] - full[0]
    assert view.data_position(288.5, 2000).x() == pytest.approx(at.x(), abs=0.5)
    tall = np.diff(view.canvas.mapper().y)[0]
    wheel(Qt.KeyboardModifier.ControlModifier)
    assert np.diff(view.canvas.mapper().y)[0] < tall
    view.setFocus()
    qtbot.keyClick(view, Key.Key_A)
    assert view.canvas.x_range() == pytest.approx(full)


NONE = Qt.MouseButton.NoButton


def test_cursor_readout(shown, qtbot):
    _, view = shown(support.two_peaks())
    with qtbot.waitSignal(view.cursor_moved) as heard:
        support.send(view.viewport(), support.QEvent.Type.MouseMove, view.data_position(286.0, 3000.0), NONE, NONE)
    assert heard.args == [pytest.approx(286.0, abs=1e-6), pytest.approx(3000.0, abs=1e-3)]


def test_theme_changes_the_colours(shown, qtbot):
    _, view = shown(support.two_peaks())
    before = theme.choice()
    try:
        theme.apply(QApplication.instance(), "dark")
        assert view.colours is theme.DARK
        dark = view.grab().toImage().pixelColor(view.width() // 2, view.height() // 4)
        theme.apply(QApplication.instance(), "light")
        light = view.grab().toImage().pixelColor(view.width() // 2, view.height() // 4)
    finally:
        theme.apply(QApplication.instance(), before)
    assert dark.lightness() < 80 < 200 < light.lightness()


def test_left_axes_are_aligned_and_labels_named(shown):
    _, view = shown(support.two_peaks())
    boxes = view.canvas.mapper().box, view.canvas.mapper(residual=True).box
    assert boxes[0].left() == pytest.approx(boxes[1].left(), abs=0.5)
    assert boxes[0].right() == pytest.approx(boxes[1].right(), abs=0.5)
    assert view.canvas.main.getAxis("left").labelText == "Intensity (counts)"
    assert view.canvas.rest.getAxis("bottom").labelText == "Binding energy (eV)"


def test_region_and_peak_tool(shown, qtbot):
    document, view = shown(None)
    view.set_tool("region")
    with qtbot.waitSignal(view.region_drawn) as heard:
        support.drag(view.viewport(), view.data_position(293.0, 2000), view.data_position(282.0, 2000))
    assert heard.args == [pytest.approx(282.0, abs=1e-6), pytest.approx(293.0, abs=1e-6)]
    assert view.tool == ""
    assert document.fit.model.region == (pytest.approx(282.0), pytest.approx(293.0))
    count = len(document.fit.model.components)
    view.set_tool("peak")
    support.click(view.viewport(), view.data_position(284.5, 5000))
    assert len(document.fit.model.components) == count + 1
    new = document.fit.model.components[-1]
    assert document.selection.component == new.id
    assert peak_of(new).position == pytest.approx(284.5, abs=0.02)


def test_library_lines_on_demand(shown):
    _, view = shown(support.two_peaks())
    assert view.scene.marks == ()
    view.show_elements(["C"])
    assert [mark.name for mark in view.scene.marks] == ["C 1s"]
    view.show_elements([])
    assert view.scene.marks == ()


def test_empty_document(qtbot):
    view = SpectrumView(Document())
    qtbot.addWidget(view)
    view.show()
    qtbot.keyClick(view, Key.Key_A)
    view.close()


def test_the_handle_of_a_convolved_peak_lies_on_its_curve():
    """Narrow lines lose height to the response; the circle is where the line is drawn, and follows the hand."""
    energies = 0.05 * np.arange(-60, 61)
    response = Curve(tuple(energies), tuple(np.exp(-0.5 * (energies / 0.8) ** 2)), "zero loss")
    model, spectrum = support.two_peaks(), support.spectrum()
    parts = (replace(model.components[0], broadened=True), model.components[1])
    model = replace(model, components=parts, response=response)
    top = next(h for h in handles_of(model, curves_of(spectrum, model), "p1", "binding_energy") if h.role == "peak")
    # 1.0 eV wide before, 2.1 eV after: less than half of the height is left.
    assert top.x == pytest.approx(284.5, abs=1e-3)
    assert top.y == pytest.approx(support.LEVEL + float(curves_of(spectrum, model).component("p1").max()), rel=1e-3)
    assert top.y < support.LEVEL + 4500
    moved = PeakDrag(spectrum, model, "p1").to(285.0, 9000.0).model
    drawn = curves_of(spectrum, moved)
    assert float(drawn.component("p1").max()) == pytest.approx(9000.0 - support.LEVEL, rel=2e-3)
    assert moved.component("p1").value("position") == pytest.approx(285.0, abs=1e-6)
