"""Quantification in the window: factor sets, transmission, areas, ratios, bootstrap and model spread."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from app.gui.document import Document
from app.gui.panels.quantify_panel import AREA_COLUMN, BY_REGION, KIND, LINE, TAG, QuantifyPanel
from app.gui.panels.quantify_settings import BY_POWER, FROM_FILES
from app.project.project import Project, RegionFit, Sample
from fitting.model import Background, FitModel
from tests.app.project.test_compose import PLACES, entry, factors


def project():
    return Project("test", (Sample("s", "one"),), tuple(entry(n, seed=i) for i, n in enumerate(PLACES)))


@pytest.fixture
def ready(window, qtbot):
    """The window with a fitted sample whose composition is shown."""
    window.files.show_project(project(), None)
    window.document.select("c1s")
    window.inspector.show_page("Quantify")
    window.composition.refresh()
    qtbot.waitUntil(lambda: len(window.composition.table.table.rows) == 3, timeout=30_000)
    return window


@pytest.fixture
def panel(qtbot):
    document = Document()
    document.reset(project())
    document.select("c1s")
    widget = QuantifyPanel(document)
    qtbot.addWidget(widget)
    return document, widget


def heads(window):
    return [column.title for column in window.composition.table.table.columns]


def column(window, title):
    at = heads(window).index(title)
    return [row[at].text for row in window.composition.table.table.rows]


def choose(combo, data):
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def test_a_factor_set_from_a_file(ready, qtbot, tmp_path):
    swapped = factors()
    values = (swapped.rows[2].value, swapped.rows[1].value, swapped.rows[0].value)
    rows = tuple(replace(row, value=value) for row, value in zip(swapped.rows, values, strict=True))
    (tmp_path / "f.csv").write_text(replace(swapped, rows=rows).to_csv(), encoding="utf-8")
    before = column(ready, "at.%")
    ready.quantities.take_factors(tmp_path / "f.csv")
    document, settings = ready.document, ready.quantify_panel.settings
    assert document.project.sample("s").factors == "mine"
    qtbot.waitUntil(lambda: column(ready, "at.%") != before, timeout=30_000)
    ready.quantify_panel.show_now()
    assert "swapped" in settings.lint.text()
    assert settings.factors.currentData() == "mine"
    settings.parts["T"].click()
    assert "contains: sigma T" in document.project.factor_sets[0][1]
    document.undo()
    assert "contains: sigma\n" in document.project.factor_sets[0][1]
    settings.remove.click()
    assert document.project.factor_sets == ()
    assert document.project.sample("s").factors == ""
    (tmp_path / "bad.csv").write_text("nothing", encoding="utf-8")
    ready.quantities.take_factors(tmp_path / "bad.csv")
    assert document.project.factor_sets == ()


def test_lines_that_the_set_lacks(ready, qtbot, tmp_path):
    (tmp_path / "f.csv").write_text(factors(("C 1s", "O 1s")).to_csv(), encoding="utf-8")
    ready.quantities.take_factors(tmp_path / "f.csv")
    qtbot.waitUntil(lambda: "no row for Na 1s" in ready.composition.why.text(), timeout=30_000)
    ready.quantify_panel.show_now()
    assert "no row for Na 1s" in ready.quantify_panel.settings.lint.text()
    ready.quantify_panel.settings.fallback.click()
    table = ready.composition.table.table
    qtbot.waitUntil(lambda: any("standing in" in row[-1].tip for row in table.rows), timeout=30_000)
    assert "stand in" in ready.composition.remarks.text()


def test_transmission(ready, tmp_path):
    settings, document = ready.quantify_panel.settings, ready.document
    choose(settings.transmission, BY_POWER)
    assert document.project.sample("s").transmission_exponent == 0.0
    ready.quantify_panel.show_now()
    settings.power.setText("−0,7")
    settings.power.setModified(True)
    settings.power.editingFinished.emit()
    assert document.project.sample("s").transmission_exponent == -0.7
    choose(settings.transmission, FROM_FILES)
    assert document.project.sample("s").transmission_exponent is None
    (tmp_path / "t.csv").write_text("300,2\n1500,1\n", encoding="utf-8")
    ready.quantities.take_transmission(tmp_path / "t.csv")
    assert document.project.sample("s").transmission == ((300.0, 2.0), (1500.0, 1.0))


def test_ratios_and_weights_are_shown(ready, qtbot):
    settings = ready.quantify_panel.settings
    settings.ratios.setText("Na/O,  Na 1s / C 1s")
    settings.ratios.editingFinished.emit()
    assert ready.document.project.sample("s").ratios == ("Na/O", "Na 1s / C 1s")
    qtbot.waitUntil(lambda: "Na/O" in ready.composition.ratios.text(), timeout=30_000)
    assert "Na 1s/C 1s" in ready.composition.ratios.text()
    assert all("±" in text for text in column(ready, "wt.%"))


def test_bootstrap_and_model_spread(ready, qtbot):
    panel = ready.quantify_panel
    panel.replicas.setValue(20)
    panel.bootstrap.click()
    qtbot.waitUntil(lambda: "Bootstrap 95 %" in heads(ready), timeout=60_000)
    panel.spread.click()
    qtbot.waitUntil(lambda: "Model spread" in heads(ready), timeout=60_000)
    assert all("–" in text for text in column(ready, "Model spread"))
    assert [s.kind for s in ready.document.project.sample("s").studies] == ["bootstrap", "model spread"]
    assert "Model spread" in ready.composition.totals.toolTip() or "model spread" in ready.composition.totals.toolTip()
    choose(panel.material, "graphite")
    qtbot.waitUntil(lambda: "Model spread" not in heads(ready), timeout=30_000)
    assert "earlier state" in ready.composition.remarks.text()
    ready.document.undo()
    qtbot.waitUntil(lambda: "Model spread" in heads(ready), timeout=30_000)


def test_a_region_by_data_minus_background(panel):
    document, widget = panel
    widget.rows.setData(widget.rows.index(0, KIND), BY_REGION, Qt.ItemDataRole.EditRole)
    assert document.project.entry("c1s").fits[0].model.extra == (("area", "region"),)
    widget.show_now()
    assert widget.rows.data(widget.rows.index(0, 1)) == "region"
    assert "±" in widget.rows.data(widget.rows.index(0, AREA_COLUMN))
    widget.rows.setData(widget.rows.index(0, LINE), "N 1s", Qt.ItemDataRole.EditRole)
    assert dict(document.project.entry("c1s").fits[0].model.extra)["line"] == "N 1s"
    widget.rows.setData(widget.rows.index(0, LINE), "Na KLL", Qt.ItemDataRole.EditRole)
    assert "Auger" in widget.said
    widget.by_components.click()
    widget.show_now()
    assert widget.rows.data(widget.rows.index(0, KIND)) == "components"
    widget.by_regions.click()
    assert all(dict(e.fits[0].model.extra)["area"] == "region" for e in document.project.entries)


def test_a_survey_region_without_components(panel):
    document, widget = panel
    entry = document.project.entry("na1s")
    bare = FitModel((1067.0, 1077.0), Background("shirley", average=3), (), "Na 1s")
    document.apply("survey", document.project.with_entry(replace(entry, fits=(RegionFit("r1", bare),))))
    widget.show_now()
    at = next(i for i in range(widget.rows.rowCount()) if widget.rows.data(widget.rows.index(i, 1)) == "no components")
    widget.rows.setData(widget.rows.index(at, KIND), BY_REGION, Qt.ItemDataRole.EditRole)
    widget.show_now()
    assert widget.rows.data(widget.rows.index(at, LINE)) == "Na 1s"
    assert "±" in widget.rows.data(widget.rows.index(at, AREA_COLUMN))


def test_a_tag_joins_components_and_keeps_the_fit(panel):
    document, widget = panel
    fit = document.project.entry("c1s").fits[0]
    widget.rows.setData(widget.rows.index(0, TAG), " carbon ", Qt.ItemDataRole.EditRole)
    after = document.project.entry("c1s").fits[0]
    assert after.model.components[0].tag == "carbon"
    assert after.result is not None
    assert after.result.model == after.model
    assert widget.rows.data(widget.rows.index(0, TAG)) == "carbon"
    document.undo()
    assert document.project.entry("c1s").fits[0].model == fit.model
