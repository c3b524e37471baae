"""The Fine structure page: fit, choices, references, valence, series, map, sp2; by widgets and signals."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.project.project import Project, add_spectra
from fitting.dataset import Axis
from tests.fitting.eels.fine_made import carbon, core_loss, low_loss, vanadium

EDGE = "V L2,3"


def pair(project, name, build, thickness=0.4, navigation=()):
    low = low_loss(thickness)
    project = add_spectra(project, [build(low), low], sample="Made")
    core, partner = project.entries[-2:]
    return project.with_entry(replace(core, name=name, low_loss=partner.id)), core.id


@pytest.fixture(scope="module")
def series():
    rng, project, ids = np.random.default_rng(3), Project("Series"), []
    for name, valence in (("Pristine", 3.0), ("Desodiated", 4.0), ("Reference 3", 3.0), ("Reference 5", 5.0)):
        project, id = pair(project, name, lambda low, v=valence, n=name: core_loss(
            lambda x: 9000.0 * vanadium(x, v), 9e4, n, low, rng=rng))
        ids.append(id)
    return project, ids


@pytest.fixture
def page(qtbot, window, series):
    project, ids = series
    window.files.show_project(project, None)
    window.document.choose(ids, ids[0])
    window.inspector.show_page("Fine structure")
    return window.fine_structure_panel


def wait(qtbot, page):
    qtbot.waitUntil(lambda: page.tasks.idle and not page.busy, timeout=120_000)


def column(view, number):
    model = view.rows
    return [model.cell(model.index(row, number)).text for row in range(model.rowCount())]


def test_fit_shows_quantities_and_is_one_step(qtbot, window, page):
    document = window.document
    assert page.name == EDGE
    assert "press Fit" in page.summary.text()
    assert [band.name for band in window.view.bands.shown if band.name.startswith("fine/")] == ["fine/window"]
    qtbot.mouseClick(page.go, Qt.MouseButton.LeftButton)
    wait(qtbot, page)
    assert page.said == ""
    assert document.undo_text == "Fit V L2,3"
    assert document.fit.id == document.entry.fine[0].fit
    names, values = column(page.view, 0), column(page.view, 1)
    assert "L3 onset" in names
    assert all("±" in value for name, value in zip(names, values, strict=True) if "straight line" not in name)
    assert "O K begins too soon" in page.notes.text()
    assert page.view.isColumnHidden(2) is False  # counted from the zero loss
    # The region's own ends take the place of the band.
    assert not [band for band in window.view.bands.shown if band.name == "fine/window"]
    document.undo()
    assert not document.entry.fine
    assert page.found() is None
    document.redo()
    assert page.found() is not None
    window.inspector.show_page("Model")
    assert not [band for band in window.view.bands.shown if band.name.startswith("fine/")]


def test_choices_go_to_the_document(qtbot, window, page):
    document = window.document
    page.settings.lines.setValue(1)
    assert document.entry.fine[0].lines == 1
    assert document.undo_text == "Change V L2,3 fine structure"
    page.settings.low.setFocus()
    page.settings.low.selectAll()
    qtbot.keyClicks(page.settings.low, "480")
    qtbot.keyClick(page.settings.low, Qt.Key.Key_Return)
    assert document.entry.fine[0].window[0] == 480.0
    page.go.click()
    wait(qtbot, page)
    ids = [component.id for component in document.fit.model.components]
    assert "l3b" not in ids
    page.settings.lines.setValue(2)
    assert page.notes.text().startswith("The choices changed since the fit")
    page.settings.high.setFocus()
    page.settings.high.selectAll()
    qtbot.keyClicks(page.settings.high, "9000")
    qtbot.keyClick(page.settings.high, Qt.Key.Key_Return)
    assert "outside the axis" in page.said
    assert document.entry.fine[0].window[1] < 600
    window.view.bands.released.emit("fine/window", 478.0, 560.0)
    assert document.fit.model.region == (478.0, 560.0)
    assert document.fit.result is None


def test_references_calibration_and_valence(qtbot, window, page, series, tmp_path):
    _, ids = series
    document, part = window.document, page.valence
    page.go_chosen.click()
    wait(qtbot, page)
    assert document.undo_text == "Fit V L2,3 of 4 spectra"
    assert column(page.series.white_view, 0) == ["Pristine", "Desodiated", "Reference 3", "Reference 5"]
    assert "only shifts" in part.by_line.text()
    assert not part.make.isEnabled()
    for id, valence in ((ids[2], "3"), (ids[3], "5")):
        document.choose(ids, id)
        part.valence.setText(valence)
        part.add.click()
    assert column(part.reference_view, 1) == ["3", "5"]
    part.make.click()
    assert document.undo_text == "Calibrate from own references"
    document.choose(ids, ids[1])
    assert part.by_line.text().startswith("Valence by position: ")
    assert "slope" in part.slope.text().lower()
    assert "reduced" in part.by_mix.text()
    assert "reduced in the electron beam" in part.warning.text()
    found = float(part.by_line.text().split(": ")[1].split(" ")[0])
    assert found == pytest.approx(4.0, abs=0.15)
    # A cell of the calibration is edited.
    part.states.edited.emit("0", 3, "0.05")
    assert document.project.valence.table().states[0].error == 0.05
    part.states.edited.emit("0", 1, "three")
    assert "must be a number" in page.said
    page.series.shown_as.setCurrentText("Valence")
    page.series.shown_as.activated.emit(page.series.shown_as.currentIndex())
    page.series.write(tmp_path / "series.csv")
    assert (tmp_path / "series.csv").read_text().startswith("spectrum,counted from")
    part.reference_view.selectRow(0)
    part.remove.click()
    assert len(document.project.valence.references) == 1
    part.table.setCurrentIndex(part.table.findData("Remembered numbers (unverified)"))
    part.table.activated.emit(part.table.currentIndex())
    assert "unverified" in part.slope.text()
    part.table.setCurrentIndex(0)
    part.table.activated.emit(0)
    assert "only shifts" in part.by_line.text()


def test_map_of_an_image(qtbot, window):
    rng = np.random.default_rng(5)
    navigation = tuple(Axis(np.arange(float(n)), "distance", "nm") for n in (3, 4))

    def build(low):
        one = core_loss(lambda x: 900.0 * vanadium(x), 9e3, "front", low)
        return one.with_(counts=rng.poisson(np.broadcast_to(one.y, (3, 4, one.y.size))), navigation=navigation)

    project, id = pair(Project("Image"), "Front", build)
    window.files.show_project(project, None)
    window.document.select(id)
    window.inspector.show_page("Fine structure")
    page = window.fine_structure_panel
    assert not page.series.map.isEnabled()
    page.go.click()
    wait(qtbot, page)
    page.series.map.click()
    wait(qtbot, page)
    assert page.said == ""
    assert window.document.undo_text == "Map V L2,3"
    assert any("onset" in one.name for one in window.document.entry.maps)


def test_carbon_with_a_reference(qtbot, window):
    rng, project, ids = np.random.default_rng(6), Project("Carbon"), []
    for name, pi in (("Graphite", 1.0), ("Sample", 0.6)):
        project, id = pair(project, name, lambda low, p=pi, n=name: core_loss(
            lambda x: 5000.0 * carbon(x, p), 2e4, n, low, first=262.0, last=320.0, rng=rng))
        ids.append(id)
    window.files.show_project(project, None)
    window.document.choose(ids, ids[1])
    window.inspector.show_page("Fine structure")
    page = window.fine_structure_panel
    assert page.name == "C K"
    assert not page.folds[0].isVisible()  # no valence of carbon
    page.go_chosen.click()
    wait(qtbot, page)
    assert column(page.series.carbon_view, 5) == ["–", "–"]
    box = page.series.reference
    box.setCurrentIndex(box.findData(ids[0]))
    box.activated.emit(box.currentIndex())
    assert window.document.undo_text == "Choose the sp² reference"
    shown = column(page.series.carbon_view, 5)
    assert shown[0].startswith("1.0")
    assert 0.5 < float(shown[1].split(" ")[0]) < 0.85
    assert "Not known for sample or reference" in page.series.remarks.text()


def test_spectra_without_these_edges_are_told_so(window):
    project = add_spectra(Project("Low"), [low_loss()])
    window.files.show_project(project, None)
    window.inspector.show_page("Fine structure")
    page = window.fine_structure_panel
    assert "holds none of the edges" in page.summary.text()
    assert not page.go.isEnabled()
    assert not page.view.isVisible()
