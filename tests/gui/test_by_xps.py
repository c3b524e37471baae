"""Composition of factors by XPS on the Amounts page: typed, pasted, from file and project; undone, exported."""

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLineEdit

from app.gui.window import MainWindow
from app.project import work
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.setup import DepthScale
from libraries.errors import BadModel
from tests.app.project import calibrated, simulated


@pytest.fixture
def window(qtbot):
    """A window with a profile, its closed factors and a depth scale."""
    window = MainWindow()
    qtbot.addWidget(window)
    project = calibrated.project()
    window.document.reset(project.with_entry(replace(project.entries[0], by_xps=ByXps())))
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Amounts")
    qtbot.waitUntil(lambda: part_of(window).isVisible())
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def part_of(window):
    return window.amounts_panel.by_xps


def typed(field, text):
    field.setText(text)
    field.editingFinished.emit()


def choose(combo, data):
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def edit(model, row, column, text):
    model.setData(model.index(row, column), text, Qt.ItemDataRole.EditRole)


def worked_out(qtbot, window):
    answers, entry = part_of(window).answers, window.document.entry
    qtbot.waitUntil(lambda: not answers.busy and (bool(answers.failed) or (
        answers.found is not None and answers.found.places.size == len(entry.by_xps.depths))), timeout=60_000)
    return answers.found


def test_compositions_are_typed_found_and_undone(qtbot, window):
    part, document = part_of(window), window.document
    assert not part.table.add.isEnabled()
    choose(part.analysis, "mcr")
    typed(part.table.elements, "C, O, F")
    assert document.entry.by_xps.quantities == ("C", "O", "F")
    qtbot.waitUntil(part.table.add.isEnabled)
    for place, one in enumerate(calibrated.xps()[:1]):
        part.table.add.click()
        qtbot.waitUntil(lambda place=place: part.table.rows.rowCount() == place + 1)
        edit(part.table.rows, place, 0, f"{one.depth:g} ± 0.2")
        for column, (value, error) in enumerate(zip(one.amounts, one.errors, strict=True), start=1):
            edit(part.table.rows, place, column, f"{value} ± {error}")
    assert document.entry.by_xps.depths == tuple(replace(one, source="") for one in calibrated.xps()[:1])
    worked_out(qtbot, window)
    qtbot.waitUntil(lambda: "3 factors need XPS at 3 depths or more, and 1 is given" in part.state.text())
    edit(part.table.rows, 0, 1, "much")
    assert "must be a number" in window.amounts_panel.said
    edit(part.table.rows, 0, 1, "-3")
    assert "zero or above" in window.amounts_panel.said
    part.table.remove.click()
    assert document.entry.by_xps.depths == ()
    document.undo()
    assert len(document.entry.by_xps.depths) == 1
    assert document.undo_text == "XPS compositions"


def test_a_table_is_pasted_calibrated_and_exported(qtbot, window, tmp_path):
    part, document = part_of(window), window.document
    setup = ByXps("", calibrated.ELEMENTS, calibrated.xps())
    path = calibrated.write_xps(tmp_path / "xps.csv", setup)
    QGuiApplication.clipboard().setText(path.read_text(encoding="utf-8").replace(",", "\t"))
    part.table.paste.click()
    assert document.entry.by_xps.depths == calibrated.xps()
    choose(part.analysis, "mcr")
    found = worked_out(qtbot, window)
    assert found.determined.all()
    qtbot.waitUntil(lambda: part.result.factors.columnCount() == 6)
    shown = part.result.factors
    assert [shown.columns[i].title for i in range(6)] == ["Factor", "C", "O", "F", "Growth", "Atoms/nm³"]
    assert "±" in shown.cell(shown.index(1, 2)).text
    assert "semi-quantitative" in part.result.label.text()
    assert part.result.plot.isVisible()
    drawn = list(part.result.plot.getPlotItem().items)
    entry = document.entry
    document.apply("Density", document.project.with_entry(replace(
        entry, sensitivity=replace(entry.sensitivity, density=5e22))))
    part.refresh()
    assert list(part.result.plot.getPlotItem().items) == drawn  # what did not change is not drawn again
    part.result.shown.setCurrentIndex(3)
    assert "all&nbsp;F" in part.result.legend.text()
    misfit = part.table.rows.columnCount() - 1
    qtbot.waitUntil(lambda: part.table.rows.cell(part.table.rows.index(0, misfit)).text != "")
    part.export.click()
    assert part.dialog is not None
    part.dialog.fileSelected.emit(str(tmp_path))
    qtbot.waitUntil(lambda: any(tmp_path.glob("*by_xps_depths.csv")))
    part.dialog.reject()


def test_depth_of_xps_and_densities(qtbot, window, tmp_path):
    part, document, entry = part_of(window), window.document, window.document.entry
    document.apply("Set", document.project.with_entry(replace(
        entry, by_xps=ByXps("mcr", calibrated.ELEMENTS, calibrated.xps()))))
    first = worked_out(qtbot, window)
    typed(part.attenuation, "2,5")
    typed(part.angle, "60")
    assert (document.entry.by_xps.attenuation, document.entry.by_xps.angle) == (2.5, 60.0)
    qtbot.waitUntil(lambda: worked_out(qtbot, window) is not first, timeout=60_000)
    typed(part.angle, "95")
    assert "between 0 and 90" in window.amounts_panel.said
    qtbot.waitUntil(lambda: part.result.factors.columnCount() == 6)
    edit(part.result.factors, 1, 5, "66")
    assert document.entry.by_xps.densities == (0.0, 66.0, 0.0)
    qtbot.waitUntil(lambda: "Every factor needs a density" in part.state.text(), timeout=60_000)
    edit(part.result.factors, 1, part.result.factors.columnCount() - 1, "")
    assert document.entry.by_xps.densities == ()
    part.table.read(tmp_path / "missing.csv")
    assert "missing.csv" in window.amounts_panel.said


def test_xps_of_the_project_is_taken(qtbot, window):
    part, document = part_of(window), window.document
    assert not part.table.own.isEnabled()
    other = work.fit_all(simulated.with_models(simulated.profile(1)[0]))
    project = document.project
    for sample in other.samples:
        project = project.with_sample(sample)
    for one in other.entries:
        project = project.with_entry(one)
    document.apply("Add XPS", project)
    qtbot.waitUntil(part.table.own.isEnabled)
    part.table.menu.actions()[0].trigger()
    taken = document.entry.by_xps
    assert set(taken.quantities) == {"C", "O", "Na"}
    assert sum(taken.depths[0].amounts) == pytest.approx(100.0)


def test_without_closed_factors_or_depth_scale_it_is_said(qtbot, window):
    part, document = part_of(window), window.document
    setup = ByXps("mcr", calibrated.ELEMENTS, calibrated.xps())
    entry = replace(document.entry, by_xps=setup, depth=DepthScale())
    document.apply("Set", document.project.with_entry(entry))
    qtbot.waitUntil(lambda: "no depth scale" in part.state.text(), timeout=60_000)
    document.apply("None", document.project.with_entry(replace(entry, by_xps=ByXps(), factors=())))
    qtbot.waitUntil(lambda: "Find factors with Closure first" in part.state.text())


def test_a_new_depth_is_typed_at_once(qtbot, window):
    part, document = part_of(window), window.document
    choose(part.analysis, "mcr")
    typed(part.table.elements, "C, O, F")
    qtbot.waitUntil(part.table.add.isEnabled)
    for row, text in enumerate(("12 0.5", "15.3")):
        qtbot.mouseClick(part.table.add, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: part.table.view.findChild(QLineEdit) is not None)
        editor = part.table.view.findChild(QLineEdit)
        qtbot.keyClicks(editor, text)
        qtbot.keyClick(editor, Qt.Key.Key_Return)
        assert part.table.view.currentIndex().row() == row
        qtbot.waitUntil(lambda: part.table.view.findChild(QLineEdit) is None)
    assert [(one.depth, one.depth_error) for one in document.entry.by_xps.depths] == [(12.0, 0.5), (15.3, 0.0)]


def test_numbers_with_errors_as_people_type_them():
    from app.gui.sims.by_xps_table import pair_text, parse_pair, shown

    assert shown(33.7803, 0.7) == "33.8 ± 0.7"  # edited with all digits, shown with those that count
    assert shown(33.25, 1.0) == "33.2 ± 1"
    assert (shown(60.0, 1.0), shown(31.0, math.nan), shown(math.nan, math.nan)) == ("60 ± 1", "31", "")

    assert parse_pair("31,2 ± 0.7", "F") == (31.2, 0.7)
    assert parse_pair("31.2 0.7", "F") == (31.2, 0.7)
    assert parse_pair("31.2 +/- 0.7", "F") == (31.2, 0.7)
    assert pair_text(*parse_pair("31", "F")) == "31"
    assert pair_text(*parse_pair("", "F")) == ""
    assert pair_text(31.0, 0.7) == "31.0 ± 0.7"
    with pytest.raises(BadModel, match="with its error"):
        parse_pair("1 2 3", "F")
