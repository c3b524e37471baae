"""Concentrations on the Amounts page: factors added, typed, dragged, taken from a standard, kept, exported."""

from dataclasses import replace

import numpy as np
import pyqtgraph as pg
import pytest

from app.gui.window import MainWindow
from app.project.project import Project, add_spectra
from app.project.sims_depth_edits import with_depth
from app.project.sims_profiles import with_look
from fitting.dataset import Meta
from fitting.sims.setup import DepthScale
from tests.fitting.sims.implants import DOSE, RSF, implant, rho

RATE = DepthScale("rate", rate=1.0, rate_error=0.02)


@pytest.fixture
def window(qtbot):
    """A window with a standard and a sample, both with depth scales."""
    window = MainWindow()
    qtbot.addWidget(window)
    sample = implant(2, ions=lambda z: rho(z, 0.1 * DOSE)).with_(
        meta=Meta(title="s", region="sample", technique="sims"))
    made = add_spectra(Project(), [implant(1), sample])
    made = with_depth(with_depth(made, made.entries[0].id, RATE), made.entries[1].id, RATE)
    window.document.reset(made)
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Amounts")
    qtbot.waitUntil(lambda: window.centre.profile.shown is not None and window.centre.profile.shown.depths is not None)
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def part(window):
    return window.amounts_panel.sensitivity


def typed(line, text):
    line.setText(text)
    line.editingFinished.emit()


def choose(combo, data):
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def found(qtbot, window):
    """Until what is shown is that of the document as it stands."""
    def there():
        told = window.document.entry.sensitivity.factors
        answers = part(window).answers
        return not answers.busy and tuple(one.told for one in answers.amounts) == told

    qtbot.waitUntil(there, timeout=20_000)
    return part(window).amount


def implanted(window):
    """The standard's factor."""
    rsf = part(window)
    choose(rsf.ion, "P-")
    choose(rsf.matrix, "Si-")
    rsf.add.click()
    choose(rsf.form.origin, "implant")
    typed(rsf.form.dose, "1e15")
    typed(rsf.form.dose_error, "3e13")
    return window.document.entry.sensitivity.factors[0]


def test_an_implant_gives_the_factor(qtbot, window):
    rsf = part(window)
    assert not rsf.view.isVisible()
    assert not rsf.form.isVisible()
    window.document.apply("Look", with_look(window.document.project, window.document.entry.id, ions=("Si-",)))
    qtbot.waitUntil(lambda: len(window.centre.profile.shown.drawn) == 1)
    told = implanted(window)
    assert window.document.entry.profile.ions == ("Si-", "P-")
    assert (told.ion, told.matrix, told.origin, told.dose, told.dose_error) == ("P-", "Si-", "implant", 1e15, 3e13)
    amount = found(qtbot, window)
    assert amount.factor.value == pytest.approx(RSF, abs=3 * amount.factor.error)
    qtbot.waitUntil(rsf.picture.isVisible)
    cells = [rsf.rows.cell(rsf.rows.index(0, column)).text for column in range(3)]
    assert cells[0] == "P⁻ in Si⁻"
    assert "·10²²" in cells[1]
    assert "(1.00" in cells[2]
    results = {row.key: row.cells[1].text for row in rsf.results._rows}
    assert "nm" in results["Its depth"]
    assert "cm⁻³" in results["Detection limit"]
    typed(rsf.form.density, "4.99e22")
    qtbot.waitUntil(lambda: "at.%" in rsf.results._rows[0].cells[1].text)
    for _ in range(5):
        window.document.undo()
    assert window.document.entry.sensitivity.factors == ()
    qtbot.waitUntil(lambda: not rsf.form.isVisible() and not rsf.picture.isVisible())


def test_ranges_are_dragged_on_the_profile(qtbot, window):
    id = implanted(window).id
    before = found(qtbot, window).factor.value
    ranges = window.centre.profile.ranges
    assert {one.label for one in ranges.shown} == {"Evaluated", "Background"}
    ranges.move(f"rsf/{id}/part", 90.0, 300.0)
    ranges.released.emit(f"rsf/{id}/part", 90.0, 300.0)
    told = window.document.entry.sensitivity.factors[0]
    assert (told.low, told.high) == pytest.approx((90.0, 300.0))
    amount = found(qtbot, window)
    assert amount.factor.value > 1.1 * before
    qtbot.waitUntil(lambda: "leaves out" in part(window).remarks.text())
    window.document.undo()
    assert window.document.entry.sensitivity.factors[0].low == pytest.approx(1.0)
    ranges.move(f"rsf/{id}/flat", 280.0, 300.0)
    assert window.document.entry.sensitivity.factors[0].flat_low == pytest.approx(280.0)
    name = f"rsf/{id}/flat"
    ranges.move(name, 300.0, 300.0)  # as far as it goes: a range of nothing would be lost
    ranges.released.emit(name, 300.0, 300.0)
    assert window.document.entry.sensitivity.factors[0].flat_low == pytest.approx(280.0)
    assert (ranges.find(name).low, ranges.find(name).high) == pytest.approx((280.0, 300.0))
    choose(part(window).form.background, "none")
    assert [one.label for one in ranges.shown] == ["Evaluated"]
    window.inspector.show_page("Profiles")
    qtbot.waitUntil(lambda: not ranges.shown)


def test_a_sample_takes_the_standard_and_keeps_it_as_a_number(qtbot, window, tmp_path):
    standard = window.document.entry
    told = implanted(window)
    found(qtbot, window)
    window.document.select(window.document.project.entries[1].id)
    rsf = part(window)
    qtbot.waitUntil(lambda: not rsf.form.isVisible())
    choose(rsf.ion, "P-")
    choose(rsf.matrix, "Si-")
    rsf.add.click()
    choose(rsf.form.origin, "standard")
    assert rsf.form.standard.isVisible()
    assert not rsf.form.value.isVisible()
    choose(rsf.form.standard, f"{standard.id}/{told.id}")
    amount = found(qtbot, window)
    assert amount.found.areal == pytest.approx(0.1 * DOSE, abs=3 * amount.found.areal_error)
    # Another dose of the standard is another factor here, without a touch.
    project = window.document.project
    double = replace(told, dose=2e15)
    owner = project.entry(standard.id)
    window.document.apply("Dose", project.with_entry(
        replace(owner, sensitivity=replace(owner.sensitivity, factors=(double,)))))
    qtbot.waitUntil(lambda: rsf.amount is not None and rsf.amount.factor.value > 1.9 * amount.factor.value)
    rsf.keep.click()
    kept = window.document.entry.sensitivity.factors[0]
    assert (kept.origin, kept.source) == ("typed", rsf.form.source.text())
    assert kept.value == pytest.approx(2 * amount.factor.value, rel=1e-4)
    found(qtbot, window)
    rsf.ask_file()
    assert rsf.dialog.selectedFiles()[0].endswith("sample concentrations.csv")
    rsf.dialog.reject()
    rsf.write(tmp_path / "c.csv")
    qtbot.waitUntil((tmp_path / "c 1 P-.csv").exists)
    qtbot.waitUntil(lambda: window.tasks.idle)


def test_what_is_missing_or_wrong_is_said(qtbot, window):
    rsf, document = part(window), window.document
    rsf.ask_file()
    assert rsf.dialog is None
    choose(rsf.matrix, "P-")
    choose(rsf.ion, "P-")
    rsf.add.click()
    assert "the same" in window.amounts_panel.said
    choose(rsf.matrix, "Si-")
    rsf.add.click()
    assert window.amounts_panel.said == ""
    found(qtbot, window)
    qtbot.waitUntil(lambda: "not given yet" in rsf.remarks.text())
    typed(rsf.form.value, "-3")
    assert "zero or above" in window.amounts_panel.said
    typed(rsf.form.value, "much")
    assert "must be a number" in window.amounts_panel.said
    typed(rsf.form.value, "2e22")
    typed(rsf.form.error, "1e21")
    found(qtbot, window)
    qtbot.waitUntil(lambda: "not given yet" not in rsf.remarks.text())
    document.apply("None", with_depth(document.project, document.entry.id, DepthScale()))
    qtbot.waitUntil(lambda: "need a depth scale" in rsf.remarks.text())
    assert not rsf.words.isVisible()  # it is said once
    found(qtbot, window)
    qtbot.waitUntil(lambda: "Depth page" in rsf.remarks.text())
    assert not rsf.picture.isVisible()
    rsf.remove.click()
    assert document.entry.sensitivity.factors == ()


def test_an_element_is_asked_for(qtbot, window):
    rsf = part(window)
    implanted(window)
    rsf.form.element.click()
    assert window.document.entry.sensitivity.factors[0].element
    amount = found(qtbot, window)
    assert amount.species == "P"
    assert amount.found.fraction == 1.0  # 31P is the only one


def test_large_numbers_are_shown_to_their_power(qtbot, window):
    view = part(window).view
    needed = view.fontMetrics().horizontalAdvance("(\N{MINUS SIGN}1.049 ± 0.022)·10¹⁷")
    assert view.columnWidth(2) >= needed + 16


def test_points_below_the_axis_are_left_out(qtbot, window):
    implanted(window)
    amount = found(qtbot, window)
    high = amount.found.values > 0.1 * np.max(amount.found.values)
    shown = replace(amount.found, values=np.where(high, amount.found.values, 0.0), valid=high)
    plot = part(window).picture
    plot.show_amount(replace(amount, found=shown))  # the grey points are all zero: nothing of them is drawn
    assert not plot.grab().isNull()
    drawn = [item for item in plot.getPlotItem().items if isinstance(item, pg.PlotDataItem) and item.opts["symbol"]]
    assert len(drawn) == 1
    assert np.any(np.isfinite(drawn[0].getData()[1]))
