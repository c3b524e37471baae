"""The Factors page for depth profiles and cubes of ions."""

import numpy as np
import pytest

from app.gui.window import MainWindow
from app.project import store
from app.project.project import Project, add_spectra
from app.project.sims_depth import shares_of
from benchmarks._factor_problems import cube, shares
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.factor_traces import amounts_of, factor_traces

IONS = ("total", "C2H-", "ClO-", "NaO-", "NaF2-", "Cl-", "C2-", "PO2-", "OH-", "F-", "CN-", "SO2-")


def profile(seed, name, labels=IONS):
    rng = np.random.default_rng(seed)
    spectra = rng.exponential(1.0, (3, len(labels) - 1)) ** 2 + 0.05
    counts = rng.poisson((shares(50, 3, 0.04) * np.array([4e3, 2e3, 6e3])) @ (spectra / spectra.sum(1, keepdims=True)))
    counts = np.concatenate((counts.sum(axis=1, keepdims=True), counts), axis=1)
    time = Axis(np.linspace(2.0, 100.0, 50), "time", "s")
    return Spectrum(Axis(np.arange(float(len(labels))), "ion", "", labels), counts, Noise("poisson", 1.0),
                    Meta(title=name, region=name, technique="sims", sample="S"), navigation=(time,))


@pytest.fixture
def window(qtbot):
    """A window with two profiles of three layers and a small cube."""
    window = MainWindow()
    qtbot.addWidget(window)
    small = cube((6, 10, 8))
    window.document.reset(add_spectra(Project(), [profile(0, "First"), profile(0, "Second"), small]))
    window.document.select(window.document.project.entries[0].id)
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Factors")
    window.factors_panel.number.setValue(3)
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def find(qtbot, window):
    window.factors_panel.go.click()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=120_000)


def test_ions_are_chosen_by_name_and_the_total_is_not_offered(qtbot, window):
    panel = window.factors_panel
    assert panel.ions.places == tuple(range(1, 12))
    assert "left out: 1" in panel.ions.said.text()
    assert not panel.low.isVisible()
    panel.ions.choose((1, 2, 3, 4))
    panel.bands.setChecked(False)
    find(qtbot, window)
    about = window.document.entry.factors[0]
    assert about.places == (1, 2, 3, 4)
    assert about.labels == IONS[1:5]
    assert "4 ions" in panel.chosen.currentText()


def test_closed_factors_with_bands_are_kept_drawn_saved_and_undone(qtbot, window, tmp_path):
    panel, document = window.factors_panel, window.document
    panel.rules.closure.setChecked(True)
    find(qtbot, window)
    entry = document.entry
    about = entry.factors[0]
    assert panel.said == ""
    assert about.closed
    assert about.low.shape == about.amounts.shape == (3, 50)
    assert entry.maps == ()
    assert panel.ion_result.isVisible()
    assert not panel.plot.isVisible()
    panel.ion_result.shares.setChecked(True)
    assert "closure" in panel.figures.text()
    assert "counts" in panel.ion_result.about.text()
    names, parts = shares_of(entry, about.id)
    assert names == about.names
    assert parts.sum(axis=1) == pytest.approx(np.ones(50), abs=0.15)
    values, errors = amounts_of(entry, factor_traces(entry)[1][0])
    assert values == pytest.approx(about.amounts[1])
    assert errors.shape == (50,)
    panel.draw.click()
    assert document.entry.profile.ions == tuple(trace for trace, _ in factor_traces(entry))
    document.undo()
    panel.ion_result.table.edited.emit("1", 0, "Salts")
    assert document.entry.factors[0].names[1] == "Salts"
    panel.ion_result.table.edited.emit("1", 0, "   ")
    assert panel.said.startswith("Salts: A factor needs a name")
    store.save(document.project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(document.project)
    panel.add.click()
    assert [e.title for e in document.project.entries][3:5] == ["Factor 1 of First", "Salts of First"]
    document.undo()
    document.undo()
    document.undo()
    assert document.entry.factors == ()


def test_the_number_of_factors_follows_the_shown_analysis(qtbot, window):
    panel, document = window.factors_panel, window.document
    panel.bands.setChecked(False)
    panel.number.setValue(2)
    find(qtbot, window)
    panel.number.setValue(8)
    find(qtbot, window)
    assert [len(one.names) for one in document.entry.factors] == [2, 8]
    assert panel.number.value() == 8
    assert "with 8 factors some are split or noise" in panel.figures.text()
    step = document.undo_text
    panel.chosen.setCurrentIndex(0)
    panel.chosen.activated.emit(0)
    assert panel.number.value() == 2
    assert "split or noise" not in panel.figures.text()
    panel.number.setValue(5)
    document.select(document.project.entries[1].id)  # it has no analysis: what is asked for stays
    assert panel.number.value() == 5
    document.select(document.project.entries[0].id)
    qtbot.waitUntil(lambda: panel.number.value() == 2)
    assert document.undo_text == step


def test_zeros_start_with_the_shown_factors(qtbot, window):
    panel = window.factors_panel
    panel.bands.setChecked(False)
    find(qtbot, window)
    rules = panel.rules
    rules.start.setCurrentIndex(rules.start.findData("found"))
    rules.factor.setValue(2)
    rules.ion.setCurrentIndex(3)
    rules._add()
    assert rules.zeros.item(0).text() == "Factor 2 has no NaF₂⁻"
    find(qtbot, window)
    about = window.document.entry.factors[-1]
    assert about.spectra[1, 3] == 0
    assert "factor 2 without NaF2-" in about.constraints
    panel.number.setValue(4)
    panel.go.click()
    assert "4 are asked for" in panel.said


def test_profiles_are_resolved_together(qtbot, window):
    panel, document = window.factors_panel, window.document
    panel.bands.setChecked(False)
    item = panel.together.list.item(0)
    assert item.text() == "Second"
    item.setCheckState(item.checkState().Checked)
    find(qtbot, window)
    first, second = document.project.entries[:2]
    assert np.array_equal(first.factors[0].spectra, second.factors[0].spectra)
    assert not np.array_equal(first.factors[0].amounts, np.zeros_like(first.factors[0].amounts))
    assert first.factors[0].constraints == ("2 profiles together",)
    document.undo()
    assert all(entry.factors == () for entry in document.project.entries)


def test_a_cube_has_component_maps(qtbot, window):
    document, panel = window.document, window.factors_panel
    document.select(document.project.entries[2].id)
    panel.bands.setChecked(False)
    find(qtbot, window)
    assert panel.said == ""
    assert [one.shape for one in document.entry.maps] == [(6, 10, 8), (10, 8)] * 3
    panel.ion_result.table.edited.emit("0", 0, "Top")
    assert document.entry.maps[0].name == "Top"
    assert document.entry.maps[1].name == "Top, image"
    panel.remove.click()
    assert document.entry.maps == ()
