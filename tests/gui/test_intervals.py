"""Error intervals and fits from many starts in the window."""

from __future__ import annotations

import csv
import re
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt, QThread
from PySide6.QtWidgets import QApplication

from app.project import work
from app.project.project import RegionFit
from fitting.bootstrap import bootstrap
from fitting.profile import profile
from libraries.errors import Cancelled

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def fitted(qtbot, filled):
    """The window with its region fitted and the page of intervals in front."""
    filled.actions_["fit.region"].trigger()
    qtbot.waitUntil(lambda: filled.document.fit.result is not None, timeout=30_000)
    filled.actions_["fit.intervals"].trigger()
    return filled


def settle(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)


def compute(qtbot, window):
    qtbot.mouseClick(window.intervals.start, LEFT)
    settle(qtbot, window)


def cells(page, row):
    return [cell.text for cell in page.table.table.rows[row]]


def titles(page):
    return [column.title for column in page.table.table.columns]


def read(text):
    """A number as the page writes it."""
    return float(text.replace("\u202f", "").replace("−", "-"))


# -- profile likelihood ---------------------------------------------------------------------------------------------


def test_page_asks_for_a_fit_first(filled):
    filled.actions_["fit.intervals"].trigger()
    assert filled.results.page == "Intervals"
    assert filled.intervals.why.isVisible()
    assert filled.intervals.why.text().startswith("Fit the region")
    filled.intervals.compute()
    assert filled.tasks.idle


def test_values_and_errors_stand_there_before_the_intervals(fitted):
    page, result = fitted.intervals, fitted.document.fit.result
    assert page.start.hasFocus()
    assert titles(page) == ["Component", "Parameter", "Value", "Error", "68 % from", "68 % to", "95 % from", "95 % to",
                            "Remark"]
    assert len(page.table.table.rows) == len(result.free)
    first = cells(page, 0)
    assert first[:2] == ["C–C", "Area / counts eV"]
    assert read(first[2]) == pytest.approx(result.value("p1.area"), abs=result.error("p1.area"))
    assert read(first[3]) == pytest.approx(result.error("p1.area"), rel=0.05)
    assert first[4:] == [""] * 5
    assert not page.save.isEnabled()
    assert page.found() is None


def test_profile_intervals_are_those_of_the_engine(qtbot, fitted):
    page, document = fitted.intervals, fitted.document
    result = document.fit.result
    compute(qtbot, fitted)
    wanted = profile(document.spectrum(), result)
    for row, name in enumerate(result.free):
        shown = [read(text) for text in cells(page, row)[4:8]]
        ends = [end for i in wanted[name].intervals for end in (i.low, i.high)]
        assert shown == pytest.approx(ends, abs=0.06 * result.error(name)), name
    assert document.fit.result is result
    assert page.save.isEnabled()
    assert "Stop" not in page.start.text()


def test_ends_that_are_no_crossing_are_named(qtbot, filled):
    """A width that may hardly grow, and a peak where there is none."""
    document = filled.document
    model = work.fit_region(document.project, document.entry.id, "r1").entry(document.entry.id).fit("r1").model
    width = model.params["p1.fwhm"]
    tight = replace(width, maximum=width.value + 0.002)
    document.edit_model("Bounds", model.with_params({"p1.fwhm": tight}))
    filled.actions_["fit.region"].trigger()
    settle(qtbot, filled)
    filled.actions_["fit.intervals"].trigger()
    compute(qtbot, filled)
    page = filled.intervals
    row = document.fit.result.free.index("p1.fwhm")
    assert cells(page, row)[1] == "Width / eV"
    assert cells(page, row)[7].endswith("at bound")
    assert page.table.table.rows[row][7].role == "warning"


def test_intervals_belong_to_their_fit(qtbot, fitted):
    page, document = fitted.intervals, fitted.document
    compute(qtbot, fitted)
    before = cells(page, 0)
    document.edit_model("Move", document.fit.model.with_values({"p1.position": 284.7}))
    assert page.why.isVisible()
    assert "changed since" in page.why.text()
    assert page.found() is None
    document.undo()
    assert cells(page, 0) == before
    # Another fit with the same numbers is another fit.
    fitted.actions_["edit.redo"].trigger()
    fitted.actions_["fit.region"].trigger()
    settle(qtbot, fitted)
    assert cells(page, 0)[4:] == [""] * 5
    assert not page.save.isEnabled()


def test_another_region_has_its_own(qtbot, fitted):
    compute(qtbot, fitted)
    fitted.document.select(fitted.document.project.entries[1].id)
    assert fitted.intervals.why.text().startswith("Draw a region")
    fitted.document.select(fitted.document.project.entries[0].id)
    assert cells(fitted.intervals, 0)[4]


def test_stop_leaves_no_intervals(qtbot, fitted, monkeypatch):
    begun = []

    def endless(spectrum, result, levels, progress, cancel):
        begun.append(True)
        while not cancel():
            progress(0.4, "")
            QThread.msleep(1)
        raise Cancelled

    monkeypatch.setattr("app.gui.intervals_page.profile", endless)
    page = fitted.intervals
    qtbot.mouseClick(page.start, LEFT)
    assert page.start.text() == "Stop"
    qtbot.waitUntil(lambda: "Interval of the" in page.note.text())
    assert fitted.actions_["fit.stop"].isEnabled()
    qtbot.mouseClick(page.start, LEFT)
    settle(qtbot, fitted)
    assert begun
    assert page.start.text() == "Compute"
    assert page.found() is None


def test_an_edit_stops_the_work_on_the_old_fit(qtbot, fitted, monkeypatch):
    stopped = []

    def endless(spectrum, result, levels, progress, cancel):
        while not cancel():
            QThread.msleep(1)
        stopped.append(True)
        raise Cancelled

    monkeypatch.setattr("app.gui.intervals_page.profile", endless)
    qtbot.mouseClick(fitted.intervals.start, LEFT)
    fitted.document.edit_model("Move", fitted.document.fit.model.with_values({"p1.position": 284.7}))
    settle(qtbot, fitted)
    assert stopped
    assert fitted.intervals.why.isVisible()


def test_static_background_and_misfit_are_told(qtbot, fitted):
    page, document = fitted.intervals, fitted.document
    assert "exact" not in page.note.text()
    assert "√χ²ᵣ" not in page.note.text()
    filled_row = next(r for r in fitted.actions_.rows("fit.background") if r.data() == "shirley")
    filled_row.trigger()
    document.edit_model("One peak", document.fit.model.without("p2"))
    fitted.actions_["fit.region"].trigger()
    settle(qtbot, fitted)
    assert document.fit.result.exceeds_noise
    assert "exact" in page.note.text()
    assert f"multiplied by {document.fit.result.reduced_chi2 ** 0.5:.2f}" in page.note.text()


# -- a better minimum -----------------------------------------------------------------------------------------------


@pytest.fixture
def trapped(qtbot, filled):
    """A fit that the window holds for a minimum, from which a profile falls into a lower one."""
    document = filled.document
    entry = document.entry
    good = work.fit_region(document.project, entry.id, "r1").entry(entry.id).fit("r1")
    # p2 is 8 standard errors off and everything else as fitted: the statistic is higher than that of the minimum.
    area = good.result.value("p2.area") + 8 * good.result.error("p2.area")
    values = {"p2.area": area}
    model = good.model.with_values(values)
    bad = replace(good.result, model=model, start=model, deviance=good.result.deviance + 50.0)
    document.apply("Trap", document.project.with_entry(entry.with_fit(RegionFit("r1", model, bad))))
    filled.actions_["fit.intervals"].trigger()
    return filled, good.result


def test_a_better_minimum_is_told_and_used(qtbot, trapped):
    window, good = trapped
    page, document = window.intervals, window.document
    before = document.project
    compute(qtbot, window)
    assert page.better.isVisible()
    assert "not the lowest minimum" in page.better_words.text()
    assert f"{document.fit.result.deviance:.6g}" in page.better_words.text()
    assert page.found() is None
    assert not page.save.isEnabled()
    assert cells(page, 0)[4:] == [""] * 5
    qtbot.mouseClick(page.use, LEFT)
    settle(qtbot, window)
    assert document.fit.result.deviance == pytest.approx(good.deviance, abs=1e-3)
    assert document.undo_text == "Fit C 1s from a better minimum"
    # The intervals that were asked for follow at once.
    qtbot.waitUntil(lambda: page.found() is not None, timeout=30_000)
    assert not page.better.isVisible()
    document.undo()
    assert document.project is before
    assert page.better.isVisible()


# -- bootstrap ------------------------------------------------------------------------------------------------------


def test_bootstrap_with_its_number_and_seed(qtbot, fitted):
    page, document = fitted.intervals, fitted.document
    assert not page.seed.isVisible()
    page.method.setFocus()
    qtbot.keyClick(page.method, Qt.Key.Key_Down)
    assert page.seed.isVisible()
    page.replicas.setValue(20)
    page.seed.setValue(3)
    compute(qtbot, fitted)
    wanted = bootstrap(document.spectrum(), document.fit.result, 20, seed=3)
    assert titles(page)[4:6] == ["Bootstrap", "Bias"]
    name = document.fit.result.free[0]
    assert read(cells(page, 0)[4]) == pytest.approx(wanted.error(name), rel=0.05)
    low, high = wanted.interval(name, 0.95)
    assert [read(text) for text in cells(page, 0)[8:10]] == pytest.approx([low, high], abs=0.06 * wanted.error(name))
    assert "20 simulated spectra (seed 3)" in page.note.text()
    qtbot.keyClick(page.method, Qt.Key.Key_Up)
    assert cells(page, 0)[4:] == [""] * 5


def test_too_few_replicas_that_fit_are_told(qtbot, fitted, monkeypatch):
    page = fitted.intervals
    monkeypatch.setattr(
        "app.gui.intervals_page.bootstrap",
        lambda *a, **k: replace(bootstrap(*a, **k), statuses=("refused",) * 20),
    )
    page.method.setCurrentIndex(1)
    page.replicas.setValue(20)
    compute(qtbot, fitted)
    assert "Only 0 of 20 simulated spectra could be fitted" in page.note.text()
    assert page.found() is None


# -- copy and save --------------------------------------------------------------------------------------------------


def test_copy_and_save(qtbot, fitted, tmp_path):
    page = fitted.intervals
    compute(qtbot, fitted)
    page.method.setCurrentIndex(1)
    page.replicas.setValue(20)
    compute(qtbot, fitted)
    page.table.setFocus()
    fitted.actions_["edit.copy"].trigger()
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].startswith("Component\tParameter\tValue\tError\tBootstrap")
    assert len(lines) == 1 + len(fitted.document.fit.result.free)
    qtbot.mouseClick(page.save, LEFT)
    dialog = fitted.exports.dialog
    qtbot.waitUntil(dialog.isVisible)
    target = tmp_path / "intervals.csv"
    dialog.fileSelected.emit(str(target))
    dialog.reject()
    settle(qtbot, fitted)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["Method"] for row in rows} == {"profile likelihood", "bootstrap (BCa)"}
    profiles = [row for row in rows if row["Method"] == "profile likelihood"]
    assert len(profiles) == 2 * len(fitted.document.fit.result.free)
    assert all(float(row["Low"]) < float(row["Value"]) < float(row["High"]) for row in profiles)
    assert fitted.messages.messages[0].text.startswith("Exported to")


# -- many starts ----------------------------------------------------------------------------------------------------


def test_many_starts_find_a_lower_minimum(qtbot, filled):
    """Two peaks begin in each other's place, with bounds that keep neither from going home."""
    document = filled.document
    document.edit_model("Far", document.fit.model.with_values({"p1.position": 288.6, "p2.position": 288.4}))
    before = document.project
    filled.actions_["fit.many_starts"].trigger()
    settle(qtbot, filled)
    result = document.fit.result
    plain = work.fit_region(before, document.entry.id, "r1").entry(document.entry.id).fit("r1").result
    assert result.success
    assert result.deviance < plain.deviance - 1
    assert "best of 20 starts (seed 0)" in result.message
    text = filled.messages.messages[0].text
    assert "20 starts (seed 0)" in text
    if plain.success:
        assert f"fell by {plain.deviance - result.deviance:.4g}" in text
    assert document.undo_text == "Fit C 1s from 20 starts"
    document.undo()
    assert document.project is before


def test_many_starts_that_find_nothing_change_nothing(qtbot, fitted):
    document = fitted.document
    before = document.project
    fitted.actions_["fit.many_starts"].trigger()
    settle(qtbot, fitted)
    assert "no minimum lower" in fitted.messages.messages[0].text
    assert document.project is before


# -- enlarged errors ------------------------------------------------------------------------------------------------


@pytest.fixture
def misfit(qtbot, filled):
    """One peak where the data have two."""
    document = filled.document
    document.edit_model("One peak", document.fit.model.without("p2"))
    filled.actions_["quantify.sample"].trigger()
    qtbot.waitUntil(lambda: len(filled.composition.table.table.rows) == 1, timeout=30_000)
    assert document.fit.result.exceeds_noise
    return filled


def test_enlarged_errors_are_marked_beside_the_components(qtbot, misfit):
    panel, result = misfit.model_panel, misfit.document.fit.result
    panel.show_now()
    factor = result.reduced_chi2**0.5
    assert panel.enlarged.isVisible()
    assert f"× {factor:.2f} = √χ²ᵣ" in panel.enlarged.text()
    rows = panel.table.rows
    for column in (1, 2, 3):
        cell = rows.cell(rows.index(0, column))
        assert cell.text.endswith("*")
        assert f"from the noise × {factor:.2f}" in cell.tooltip
    # The marker is not part of what is edited.
    assert "*" not in rows.cell(rows.index(0, 1)).edit
    both = re.search(r"± (\S+) is ± (\S+) from", rows.cell(rows.index(0, 1)).tooltip)
    plain = result.error("p1.position")
    assert float(both[1]) == pytest.approx(factor * plain, rel=0.1)
    assert float(both[2]) == pytest.approx(plain, rel=0.1)


def test_enlarged_errors_are_marked_in_the_results(misfit):
    result = misfit.document.fit.result
    factor = f"{result.reduced_chi2 ** 0.5:.2f}"
    page = misfit.composition.table.table
    area = page.rows[0][[column.title for column in page.columns].index("Area / cps eV")]
    assert area.text.endswith("*")
    assert f"× {factor}" in area.tip
    statistics = misfit.statistics.table
    heads = [column.title for column in statistics.columns]
    row = statistics.rows[0]
    assert (row[heads.index("Errors ×")].text, row[heads.index("Errors ×")].role) == (factor, "warning")
    assert row[heads.index("AICc")].text == f"{result.aicc:.1f}"


def test_errors_that_are_not_enlarged_carry_no_mark(qtbot, fitted):
    fitted.actions_["quantify.sample"].trigger()
    qtbot.waitUntil(lambda: len(fitted.composition.table.table.rows) == 2, timeout=30_000)
    assert not fitted.document.fit.result.exceeds_noise
    fitted.model_panel.show_now()
    assert not fitted.model_panel.enlarged.isVisible()
    assert not any("*" in cell.text for row in fitted.composition.table.table.rows for cell in row)
    assert "*" not in fitted.model_panel.table.text()
