"""The Core loss page: edges by search and from the data, fit, windows on the plot, maps, export, refusals."""

import csv
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.gui.eels.core_loss_edges import FINE, ONSET, WIDTH
from app.gui.eels.core_loss_windows import BEFORE, SIGNAL
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Noise, Spectrum
from tests.fitting.eels.core_made import (
    CORE,
    META,
    background,
    edge_counts,
    low_loss,
    low_spectrum,
)

LOW = low_loss()


@pytest.fixture(scope="module")
def pair():
    """A series of six core losses of boron nitride and its low loss."""
    expected = background(3e4) + 60 * edge_counts("B K", 1.0, LOW) + 45 * edge_counts("N K", 1.0, LOW)
    counts = np.random.default_rng(1).poisson(np.tile(expected / 6, (6, 1)))
    core = Spectrum(Axis(CORE, "energy_loss"), counts, Noise("poisson", 1.0), replace(META, region="Core"),
                    navigation=(Axis(np.arange(6.0), "index", ""),))
    low = low_spectrum(LOW)
    return core, low.with_(meta=replace(low.meta, region="Low"))


@pytest.fixture
def page(window, pair):
    project = add_spectra(Project("BN"), list(pair))
    entry = replace(project.entries[0], low_loss=project.entries[1].id)
    window.files.show_project(project.with_entry(entry), None)
    window.inspector.show_page("Core loss")
    return window.core_loss_panel


def fitted(qtbot, window, page):
    page.go.click()
    qtbot.waitUntil(lambda: window.tasks.idle and page.go.isEnabled(), timeout=60_000)


def test_search_fit_and_undo(qtbot, window, page):
    assert not page.go.isEnabled()
    page.search = page.edges.search
    page.search.setText("B")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    page.search.setText("n k")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    assert [one.name for one in page.setup.edges] == ["B K", "N K"]
    page.search.setText("F")
    qtbot.keyClick(page.search, Qt.Key.Key_Return)
    assert "No strong edge of F lies on this axis" in page.said
    page.search.setText("Qq")
    page.edges.add.click()
    assert page.said
    assert {"B K", "N K"} <= {mark.name for mark in window.view.scene.marks}
    fitted(qtbot, window, page)
    result = window.document.entry.core.result
    assert result is not None, page.said
    assert window.document.undo_text == "Fit core loss"
    assert result.row("B K").at_percent == pytest.approx(57.1, abs=4)
    assert page.results.rows.rowCount() == 2
    assert "B/N" in page.results.words.text()
    assert not page.results.state.isVisible()
    page.edges.rows.edited.emit("B K", WIDTH, "30")
    assert "Settings have changed" in page.results.state.text()
    window.document.undo()
    window.document.undo()
    assert window.document.entry.core.result is None
    assert not page.results.isVisible()


def test_find_edges_change_them_and_remove(qtbot, window, page):
    page.edges.find.click()
    assert [one.name for one in page.setup.edges] == ["B K", "N K"]
    assert "times its standard error" in page.edges.evidence.text()
    page.edges.rows.edited.emit("B K", ONSET, "189.5")
    assert page.setup.edge("B K").onset == 189.5
    page.edges.rows.edited.emit("B K", ONSET, "soon")
    assert "must be a number" in page.said
    page.edges.rows.edited.emit("N K", FINE, "Integral kept")
    assert page.setup.edge("N K").fine == "conserved"
    page.edges.view.show_current("N K")
    page.edges.remove.click()
    assert [one.name for one in page.setup.edges] == ["B K"]
    page.from_.setText("160")
    page.from_.editingFinished.emit()
    assert page.setup.low == 160.0
    page.low.setCurrentIndex(page.low.count() - 1)
    page.low.activated.emit(page.low.count() - 1)
    assert not page.setup.convolve


def test_offer_near_an_energy(qtbot, window, page):
    page.edges.offer(188.0)
    names = [action.text() for action in page.edges.menu.actions()]
    assert names[0].startswith("B K")
    page.edges.menu.actions()[0].trigger()
    page.edges.menu.close()
    assert [one.name for one in page.setup.edges] == ["B K"]
    page.edges.pick.click()
    assert page._pick.waiting
    page._pick.stop()


def test_windows_on_the_plot(qtbot, window, page):
    page.edges.find.click()
    page.more.show_content(True)
    page.show_bands.setChecked(True)
    bands = window.view.bands
    assert bands.band(BEFORE) is not None
    assert "counts in" in page.signal.text()
    before = page.signal.text()
    bands.move(BEFORE, 152.0, 180.0)
    assert page.signal.text() != before
    bands.released.emit(BEFORE, 152.0, 180.0)
    assert page.setup.edge("B K").before == (152.0, 180.0)
    low = bands.band(SIGNAL).low
    bands.released.emit(SIGNAL, low, low + 30.0)
    assert page.setup.edge("B K").signal == 30.0
    window.inspector.show_page("Model")
    assert bands.band(BEFORE) is None


def test_maps_and_table(qtbot, window, page, tmp_path):
    page.edges.find.click()
    assert not page.map.isEnabled()
    fitted(qtbot, window, page)
    page.map.click()
    qtbot.waitUntil(lambda: window.tasks.idle and page.go.isEnabled(), timeout=60_000)
    maps = window.document.entry.maps
    assert [one.name for one in maps][:2] == ["B, at.%", "N, at.%"]
    assert maps[0].values.mean() == pytest.approx(57.1, abs=5)
    assert window.document.undo_text == "Map core loss"
    target = tmp_path / "table.csv"
    page.write(target)
    rows = list(csv.DictReader(target.read_text(encoding="utf-8").splitlines()))
    assert [row["edge"] for row in rows] == ["B K", "N K"]
    assert float(rows[0]["areal_density [atoms/nm2]"]) > 0


def test_missing_angles_are_said_and_asked_for(qtbot, window, page, pair):
    core, low = pair
    core = core.with_(meta=replace(core.meta, collection_angle=None))
    project = add_spectra(Project("BN"), [core, low])
    window.files.show_project(project.with_entry(replace(project.entries[0], low_loss=project.entries[1].id)), None)
    window.inspector.show_page("Core loss")
    assert "collection angle" in page.beam.text()
    assert page.angles.isVisible()
    page.edges.find.click()
    fitted(qtbot, window, page)
    assert "collection angle is not known" in page.said
    assert window.document.entry.core.result is None
