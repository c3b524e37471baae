"""Bands on the plot: dragged by edges, inside and label, moved by keys, out of the way of the rest."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QPointF, Qt
from PySide6.QtTest import QTest

from app.gui.document import Document
from app.gui.plot.bands import Band
from app.gui.plot.spectrum_view import SpectrumView
from tests.gui import plot_support as support
from tests.gui.image_support import image_project
from tests.gui.plot_support import click, drag

ONE, TWO = Band("t/a", "First", 10.0, 14.0), Band("t/b", "Second", 20.0, 24.0, 1)


@pytest.fixture
def view(qtbot):
    document = Document()
    found = SpectrumView(document)
    qtbot.addWidget(found)
    found.resize(900, 600)
    found.show()
    qtbot.waitExposed(found)
    document.reset(image_project())
    found.bands.put("t", [ONE, TWO])
    return found


@pytest.fixture
def told(view):
    """What the bands said."""
    said = []
    view.bands.moved.connect(lambda *words: said.append(("moved", *words)))
    view.bands.released.connect(lambda *words: said.append(("released", *words)))
    return said


def at(view, x):
    """A point of the plot at an energy, well away from the curve."""
    low, high = view.canvas.mapper().y
    return view.data_position(x, low + 0.6 * (high - low))


@pytest.mark.parametrize(("grab", "to", "wanted"), [
    (12.0, 17.0, (15.0, 19.0)), (10.0, 8.0, (8.0, 14.0)), (14.0, 16.0, (10.0, 16.0)), (14.0, 2.0, (10.0, 10.2)),
    (12.0, 500.0, (50.8, 54.8)),
])
def test_edges_and_inside_follow_the_hand(view, told, grab, to, wanted):
    drag(view.viewport(), at(view, grab), at(view, to))
    band = view.bands.band("t/a")
    assert (band.low, band.high) == pytest.approx(wanted, abs=0.12)
    assert [words[0] for words in told][-1] == "released"
    assert told[-1] == ("released", "t/a", band.low, band.high)
    assert view.bands.band("t/b") == TWO
    assert view.scene.readout == ""
    assert not view.canvas.frozen


def test_the_label_moves_a_band_too_wide_for_the_plot_to_be_panned(view, told):
    view.bands.put("t", [Band("t/a", "Wide", 0.0, 45.0)])
    view.grab()  # labels have their places once they are painted
    before = view.canvas.x_range()
    drag(view.viewport(), at(view, 30.0), at(view, 28.0))
    assert not told
    assert view.canvas.x_range() != before
    view.autoscale()
    view.grab()
    plate = view.bands._painter.plates["t/a"].center()
    drag(view.viewport(), plate, plate + QPointF(40, 0))
    assert view.bands.band("t/a").low > 1.0


def test_a_click_chooses_and_keys_move(view, told):
    click(view.viewport(), at(view, 22.0))
    assert view.bands.chosen == "t/b"
    step = view.spectrum().axis.step
    QTest.keyClick(view, Qt.Key.Key_Right)
    QTest.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClick(view, Qt.Key.Key_Plus)
    band = view.bands.band("t/b")
    assert (band.low, band.high) == pytest.approx((20.0 + 11 * step, 24.0 + 12 * step))
    assert [words[0] for words in told] == ["moved", "released"] * 3
    QTest.keyClick(view, Qt.Key.Key_B)
    assert view.bands.chosen == ""
    QTest.keyClick(view, Qt.Key.Key_B)
    assert view.bands.chosen == "t/a"
    QTest.keyClick(view, Qt.Key.Key_Escape)
    assert view.bands.chosen == ""


def test_outside_the_plot_is_panned_and_tools_come_first(view, told):
    before = view.canvas.x_range()
    drag(view.viewport(), at(view, 30.0), at(view, 33.0))
    assert view.canvas.x_range() != before
    view.autoscale()
    view.set_tool("region")
    assert view.bands.at(at(view, 12.0)) is None
    assert not told


def test_pages_have_bands_of_their_own(view):
    view.bands.put("u", [Band("u/a", "Other", 30.0, 31.0, movable=False)])
    assert [band.name for band in view.bands.shown] == ["t/a", "t/b", "u/a"]
    assert view.bands.at(at(view, 30.5)) is None
    view.bands.choose("t/a")
    view.bands.take("t")
    assert [band.name for band in view.bands.shown] == ["u/a"]
    assert view.bands.chosen == ""


def test_peaks_inside_a_band_are_grabbed_first_and_the_axis_may_run_backwards(view, told):
    view.document.reset(support.project(support.two_peaks()))
    view.bands.put("t", [Band("t/a", "Carbon", 283.0, 286.0)])
    fit = view.document.fit
    top = next(h for h in view.scene.handles if h.role == "peak" and h.id == "p1")
    drag(view.viewport(), view.data_position(top.x, top.y), view.data_position(top.x + 0.4, top.y))
    assert not told
    assert view.document.fit.model.component("p1").value("position") == pytest.approx(
        fit.model.component("p1").value("position") + 0.4, abs=0.05)
    assert view.canvas.main.vb.xInverted()
    drag(view.viewport(), at(view, 283.6), at(view, 285.6))
    assert view.bands.band("t/a").low == pytest.approx(285.0, abs=0.1)
    view.bands.choose("t/a")
    low = view.bands.band("t/a").low
    QTest.keyClick(view, Qt.Key.Key_Right)  # to lower binding energy, as on the screen
    assert view.bands.band("t/a").low == pytest.approx(low - 0.05)
