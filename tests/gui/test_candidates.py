"""Candidates page: search by the button, ranking, picture, use and undo, stale results, stop."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication

from app.gui.candidates_page import CHANGED, NO_REGION, NOT_YET
from app.project.candidates import PEAKS
from app.project.project import Project, RegionFit, add_spectra
from fitting.model import Background, FitModel, Param
from tests.gui.conftest import peak, spectrum_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def project() -> Project:
    """C 1s with two peaks of one width in a region, and O 1s without any."""
    flat = Background("constant", {"level": Param(300.0)})
    pair = FitModel((282.0, 289.0), flat, (
        peak("p1", "C–C", 284.9, 1.2, 4000.0, "C 1s"), peak("p2", "C–O", 286.5, 1.2, 2000.0, "C 1s"),
    ), "C 1s")
    oxygen = FitModel((528.0, 537.0), flat, (peak("p1", "O", 531.5, 1.5, 3000.0, "O 1s"),), "O 1s")
    result = add_spectra(Project("One sample"), [
        spectrum_of(pair, 280.0, 291.0, "Cycled"), spectrum_of(oxygen, 527.0, 538.0, "Cycled"),
    ])
    return result.with_entry(result.entries[0].with_fit(RegionFit("r1", replace(pair, components=()))))


@pytest.fixture
def page(filled):
    """The page in front, with the C 1s region shown."""
    filled.document.select(filled.document.project.entries[0].id)
    filled.results.show_page("Candidates")
    return filled.candidates


def search(qtbot, page, kind: str = PEAKS) -> None:
    """Choose a kind, press the button, wait."""
    page.kind.setCurrentIndex(page.kind.findData(kind))
    qtbot.mouseClick(page.start, LEFT)
    assert page.start.text() == "Stop"
    qtbot.waitUntil(lambda: page.found() is not None, timeout=60_000)
    qtbot.waitUntil(lambda: page.start.text() == "Find candidates", timeout=20_000)


def test_two_peaks_are_found_and_used_in_one_undo_step(qtbot, filled, page):
    """The data have two peaks; the supported candidate has two, and undo takes it back."""
    assert page.why.text() == NOT_YET
    before = filled.document.project
    search(qtbot, page)
    assert filled.document.project is before
    assert page.found().size == 2
    assert page.chosen() is page.found().supported
    assert "2 states" in page.summary.text()
    shown = [page.table.table.rows[i][2].text for i in range(page.table.table.rowCount())]
    assert shown.count("2") >= 1
    qtbot.mouseClick(page.use, LEFT)
    fit = filled.document.fit
    assert fit.result is not None
    assert fit.result.success
    assert sorted(c.value("position") for c in fit.model.components) == pytest.approx([284.9, 286.5], abs=0.1)
    assert page.found() is not None, "candidates stay after one was used"
    assert filled.document.undo_text.startswith("Use candidate")
    filled.edits.undo()
    assert filled.document.project is before


def test_a_click_on_a_row_shows_that_candidate(qtbot, page):
    """The picture and the remarks follow the row; the project does not change."""
    search(qtbot, page)
    project = page._document.project
    rows = page.table.table.rowCount()
    assert rows >= 2
    for row in range(rows):
        place = page.table.visualRect(page.table.table.index(row, 1)).center()
        page.table.scrollTo(page.table.table.index(row, 1))
        place = page.table.visualRect(page.table.table.index(row, 1)).center()
        qtbot.mouseClick(page.table.viewport(), LEFT, pos=QPoint(place.x(), place.y()))
        assert page.chosen() is page.found().found[row]
        assert len(page.picture.getPlotItem().listDataItems()) == 3 + page.chosen().size, page.chosen().label
    assert page._document.project is project


def test_chemical_states_carry_the_library(qtbot, page):
    """Names, sources and ranges come from the library; a conflict of the references is in the tooltip."""
    search(qtbot, page, "states")
    names = {s.name for c in page.found().found for s in c.states}
    assert "C–O" in names
    assert "NaxC at 283.x eV" in page.summary.toolTip()
    page.use_chosen()
    assert all(c.source for c in page._document.fit.model.components)


def test_candidates_of_another_region_are_not_shown(qtbot, filled, page):
    """A changed region says so; a spectrum without a region has nothing to search."""
    search(qtbot, page)
    fit = filled.document.fit
    filled.document.edit_model("Move region", replace(fit.model, region=(282.5, 289.0)))
    assert page.found() is None
    assert page.why.text() == CHANGED
    assert page.table.table.rowCount() == 0
    assert not page.use.isEnabled()
    filled.document.select(filled.document.project.entries[1].id)
    assert page.why.text() == NO_REGION
    assert not page.start.isEnabled()


def test_a_search_can_be_stopped(qtbot, filled, page):
    """The button stops it; nothing is shown then."""
    qtbot.mouseClick(page.start, LEFT)
    assert page.start.text() == "Stop"
    qtbot.mouseClick(page.start, LEFT)
    qtbot.waitUntil(lambda: filled.tasks.idle, timeout=20_000)
    qtbot.waitUntil(lambda: page.start.text() == "Find candidates", timeout=5_000)
    assert page.found() is None or page.found().found


def test_the_menu_brings_the_page_and_searches(qtbot, filled, page):
    """Fit > Find candidates."""
    filled.results.show_page("Log")
    filled.actions_.actions["fit.candidates"].trigger()
    assert page.isVisible()
    qtbot.waitUntil(lambda: page.found() is not None, timeout=60_000)
    qtbot.waitUntil(lambda: filled.tasks.idle, timeout=20_000)


def test_the_table_copies_as_text(qtbot, page):
    """Titles first, one line a candidate."""
    search(qtbot, page)
    page.copy()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t")[:2] == ["Candidate", "Verdict"]
    assert len(lines) == 1 + page.table.table.rowCount()
