"""The pages Blocks and Trends: they show the document, choose spectra, and follow edits."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from app.gui import theme as themes
from app.project import trends, work
from app.project.project import RegionFit
from libraries.errors import CannotWrite
from tests.app.project import simulated

LEFT = Qt.MouseButton.LeftButton
CTRL = Qt.KeyboardModifier.ControlModifier
PLAIN = Qt.KeyboardModifier.NoModifier


@pytest.fixture(scope="module")
def fitted():
    project, _ = simulated.profile(4)
    return work.fit_all(simulated.with_models(project))


@pytest.fixture
def series(window, fitted):
    window.files.show_project(fitted, None)
    return window


def settle(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle and not window.trends._delay.isActive(), timeout=60_000)


def show(qtbot, window, page):
    window.actions_[f"view.{page.lower()}"].trigger()
    widget = window.blocks if page == "Blocks" else window.trends
    qtbot.waitUntil(widget.isVisible)
    settle(qtbot, window)
    return widget


def click(qtbot, page, row, column, modifier=PLAIN):
    index = page.model.index(row, column)
    page.table.scrollTo(index)
    qtbot.mouseClick(page.table.viewport(), LEFT, modifier, page.table.visualRect(index).center())


# -- blocks ---------------------------------------------------------------------------------------------------------


def test_blocks_choose_spectra(qtbot, series):
    page = show(qtbot, series, "Blocks")
    assert (page.model.rowCount(), page.model.columnCount()) == (4, 3)
    assert page.model.headerData(0, Qt.Orientation.Horizontal) == "C 1s"
    assert page.model.headerData(0, Qt.Orientation.Vertical) == "Cathode\n0 nm"
    assert page.model.headerData(1, Qt.Orientation.Vertical) == "2 nm"
    click(qtbot, page, 1, 1)
    entry = series.document.entry
    assert (entry.spectrum.name, entry.value) == ("O 1s", 2.0)
    click(qtbot, page, 0, 2, CTRL)
    chosen = [series.document.project.entry(id) for id in series.document.chosen]
    assert {(e.spectrum.name, e.value) for e in chosen} == {("O 1s", 2.0), ("Na 1s", 0.0)}
    assert series.document.entry.spectrum.name == "Na 1s"
    assert {i.data(0, Qt.ItemDataRole.UserRole)[1] for i in series.tree.selectedItems()} == {e.id for e in chosen}


def test_blocks_follow_tree_and_undo(qtbot, series):
    page = show(qtbot, series, "Blocks")
    ids = [e.id for e in series.document.project.entries]
    series.document.choose(ids[3:6])
    assert {id for index in page.table.selectionModel().selectedIndexes() for id in page.model.ids(index)} == set(
        ids[3:6]
    )
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    assert len(series.document.project.entries) == 9
    assert page.model.rowCount() == 3
    series.actions_["edit.undo"].trigger()
    assert page.model.rowCount() == 4
    with qtbot.waitSignal(page.menu_wanted):
        page.table.customContextMenuRequested.emit(page.table.visualRect(page.model.index(0, 0)).center())
    menu = next(w for w in series.findChildren(type(series.menuBar().actions()[0].menu())) if w.isVisible())
    assert series.actions_["fit.chosen"] in menu.actions()
    menu.close()


def test_pictures_are_drawn_once(qtbot, series):
    page = show(qtbot, series, "Blocks")
    page.table.grab()
    drawn = page.pictures.drawn
    assert drawn >= 9
    page.table.grab()
    assert page.pictures.drawn == drawn
    entry = series.document.project.entries[0]
    model = entry.fits[0].model
    series.document.apply("Edit", series.document.project.with_entry(entry.with_fit(RegionFit("r1", model))))
    page.table.grab()
    assert page.pictures.drawn == drawn + 1  # the state of one block is another now
    themes.changes().changed.emit(themes.current())
    page.table.grab()
    assert page.pictures.drawn > drawn + 1


def test_large_grid_stays_quick(qtbot, window, fitted, measured):
    import time

    entries = tuple(
        replace(e, id=f"{e.id}_{i}_{j}", value=float(i), fits=e.fits, spectrum=e.spectrum.with_(
            meta=replace(e.spectrum.meta, region=f"{name} 1s")))
        for i in range(100) for j, (e, name) in enumerate(zip([*fitted.entries[:4]] * 2, "CONFBSPL", strict=False))
    )
    large = replace(fitted, entries=entries)
    window.files.show_project(large, None)
    page = show(qtbot, window, "Blocks")
    page.table.grab()
    start = time.perf_counter()
    page.refresh()
    page.table.grab()
    again = time.perf_counter() - start
    measured("block grid of 100 levels and 8 lines: refreshed and drawn again", again, "s", "<= 0.3")
    assert again < 0.3
    start = time.perf_counter()
    window.document.choose([e.id for e in entries[400:440]])
    chosen = time.perf_counter() - start
    measured("block grid of 100 levels and 8 lines: choice shown everywhere", chosen, "s", "<= 1")
    assert chosen < 1.0


def test_empty_blocks_say_why(qtbot, window):
    window.blocks.show()
    window.blocks.refresh()
    assert "Open spectra" in window.blocks.why.text()


# -- trends ---------------------------------------------------------------------------------------------------------


def test_trends_show_the_composition_along_the_series(qtbot, series):
    page = show(qtbot, series, "Trends")
    assert [q.title for q in page.trend.quantities] == ["C at.%", "O at.%", "Na at.%"]
    assert [p.value for p in page.trend.points] == [0.0, 2.0, 4.0, 6.0]
    assert page.against.currentText() == "Along depth"
    assert len(page.table.table.rows) == 4
    assert "±" in page.table.table.rows[0][3].text
    assert page.note.text() == ""


def test_ticks_choose_quantities(qtbot, series):
    page = show(qtbot, series, "Trends")
    page.clear()
    settle(qtbot, series)
    assert page.trend.quantities == ()
    item = next(page.list.item(i) for i in range(page.list.count()) if page.list.item(i).text() == "O 1s, oxide: area")
    item.setCheckState(Qt.CheckState.Checked)
    settle(qtbot, series)
    assert [q.title for q in page.trend.quantities] == ["O 1s, oxide: area"]
    values = [row[0].value for row in page.trend.readings]
    assert values == sorted(values)
    page.find.setText("na 1s fwhm")
    visible = [page.list.item(i).text() for i in range(page.list.count()) if not page.list.item(i).isHidden()]
    assert visible == ["Na 1s, Na+: FWHM"]


def test_ratio_of_two(qtbot, series):
    page = show(qtbot, series, "Trends")
    found = trends.quantities(series.document.project, page.trend.points)
    pick = [q for q in found if q.title in ("O 1s, oxide: area", "O 1s, OH: area")]
    page.choose(pick)
    settle(qtbot, series)
    qtbot.mouseClick(page.ratio, LEFT)
    settle(qtbot, series)
    (quantity,) = page.trend.quantities
    assert quantity.kind == "ratio"
    readings = [row[0] for row in page.trend.readings]
    assert all(r.there and r.error > 0 for r in readings)
    page.choose(found[:3])
    settle(qtbot, series)
    qtbot.mouseClick(page.ratio, LEFT)
    assert "Choose two" in page.note.text()


def test_lost_fit_is_flagged_and_page_follows_edits(qtbot, series):
    page = show(qtbot, series, "Trends")
    entry = next(e for e in series.document.project.entries if e.value == 2.0 and e.spectrum.name == "O 1s")
    bare = entry.with_fit(RegionFit("r1", entry.fits[0].model))
    series.document.apply("Edit", series.document.project.with_entry(bare))
    settle(qtbot, series)
    flags = [row[0].flag for row in page.trend.readings]
    assert flags[1] == "O 1s not fitted"
    assert flags[0] == flags[2] == ""
    assert page.note.text() == "1 point with a remark"
    assert "not fitted" in page.table.table.rows[1][-1].text
    series.actions_["edit.undo"].trigger()
    settle(qtbot, series)
    assert page.note.text() == ""


def test_three_kinds_are_too_many_for_two_axes(qtbot, series):
    page = show(qtbot, series, "Trends")
    found = trends.quantities(series.document.project, page.trend.points)
    kinds = [next(q for q in found if q.kind == kind) for kind in ("position", "fwhm", "share")]
    page.choose(kinds)
    settle(qtbot, series)
    assert "there are two axes" in page.note.text()
    assert kinds[2].title in page.note.text()
    assert len(page.table.table.columns) == 3 + 3 + 1


def test_samples_side_by_side(qtbot, window, fitted):
    both = simulated.with_models(simulated.sample("Second", 9))
    both = work.fit_all(both)
    project = replace(fitted, samples=(*fitted.samples, *both.samples), entries=(
        *(replace(e, variable="", value=None) for e in fitted.entries[:3]),
        *(replace(e, id=f"b_{e.id}") for e in both.entries)))
    window.files.show_project(project, None)
    page = show(qtbot, window, "Trends")
    page.scope.setCurrentIndex(1)
    page.scope.activated.emit(1)
    settle(qtbot, window)
    assert [p.name for p in page.trend.points] == ["Cathode", "Second"]
    assert page.against.currentText() == "By sample"


@pytest.mark.parametrize("suffix", ["csv", "png", "svg", "pdf"])
def test_trend_is_saved(qtbot, series, tmp_path, suffix):
    page = show(qtbot, series, "Trends")
    path = tmp_path / f"trend.{suffix}"
    qtbot.mouseClick(page.save, LEFT)
    dialog = series.batch.dialog
    dialog.fileSelected.emit(str(path))
    dialog.close()
    assert path.stat().st_size > 100
    if suffix == "csv":
        with path.open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        assert [float(row["depth [nm]"]) for row in rows] == [0.0, 2.0, 4.0, 6.0]
        assert float(rows[0]["C at.% standard error [at.%]"]) > 0
    with pytest.raises(CannotWrite):
        page.plot.save(tmp_path / "trend.gif")


def test_nothing_fitted_says_why(qtbot, window):
    window.files.show_project(simulated.sample("A"), None)
    page = show(qtbot, window, "Trends")
    assert page.why.isVisible()
    assert page.trend is None


def test_dark_theme_redraws(qtbot, series):
    page = show(qtbot, series, "Trends")
    themes.changes().changed.emit(themes.DARK)
    assert page.trend is not None
