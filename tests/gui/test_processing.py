"""Processing in the window: steps by hand, overlay, new spectra, sweeps, calibration by two lines and by an edge."""

from __future__ import annotations

import numpy as np
import pytest
from PySide6.QtCore import Qt
from scipy.special import erf

from app.gui import theme as themes
from app.gui.document import Document
from app.gui.panels.calibrate_panel import CalibratePanel
from app.gui.panels.process_panel import ProcessPanel
from app.gui.plot.spectrum_view import SpectrumView
from app.project import process
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.processing.edge import fit_edge
from fitting.processing.sweeps import drift
from tests.gui import plot_support as support

X = np.round(np.arange(280.0, 294.0, 0.1), 6)


def line(at=286.0, height=2000.0):
    return 100.0 + height * np.exp(-4 * np.log(2) * ((X - at) / 1.2) ** 2)


def counted(name, seed, mean=None, sample="S", axis="binding_energy", x=X):
    meta = Meta(region=name, title=name, sample=sample, technique="xps", photon_energy=1486.6, dwell_time=0.1,
                sweeps=10.0)
    counts = np.random.default_rng(seed).poisson(line() if mean is None else mean)
    return Spectrum(Axis(x, axis), counts, Noise("poisson", 1.0), meta)


def sweeps():
    mean = np.array([line(286.0 + 0.1 * k, 400.0) for k in range(5)])
    series = counted("C 1s sweeps", 5).with_(
        counts=np.random.default_rng(3).poisson(mean), navigation=(Axis(np.arange(1.0, 6.0), "index", ""),))
    return series


@pytest.fixture
def document():
    made = add_spectra(Project("P"), [
        counted("C 1s", 0), counted("C 1s", 1, line(286.4), "T"), counted("C 1s c", 2), sweeps(),
        counted("KLL", 3, axis="kinetic_energy"),
    ])
    document = Document(made)
    document.select(made.entries[0].id)
    return document


@pytest.fixture
def shown(qtbot, document):
    def make(kind):
        widget = kind(document)
        qtbot.addWidget(widget)
        widget.resize(900 if kind is SpectrumView else 520, 800)
        widget.show()
        qtbot.waitExposed(widget)
        return widget

    return make


def choose(box, key):
    box.setCurrentIndex(box.findData(key))


def cell(view, row, column):
    return view.model().index(row, column).data()


# -- steps ------------------------------------------------------------------------------------------------------


def test_steps_are_added_switched_changed_removed(document, shown, qtbot):
    panel = shown(ProcessPanel)
    choose(panel.form.kind, "rebin")
    panel.form.fields["channels"].setText("4")
    qtbot.mouseClick(panel.add, Qt.MouseButton.LeftButton)
    assert document.spectrum().x.size == X.size // 4
    assert cell(panel.steps, 0, 0) == "Join 4 channels each"
    index = panel.rows.index(0, 0)
    assert panel.rows.setData(index, Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert document.spectrum().x.size == X.size
    assert not document.entry.recipe.steps[0].enabled
    document.undo()
    panel.steps.selectRow(0)
    panel.form.fields["channels"].setText("2")
    qtbot.mouseClick(panel.change, Qt.MouseButton.LeftButton)
    assert document.spectrum().x.size == X.size // 2
    qtbot.mouseClick(panel.remove, Qt.MouseButton.LeftButton)
    assert document.entry.recipe.steps == ()
    document.undo()
    assert document.entry.recipe.steps[0].number("channels") == 2


def test_refused_steps_say_why(document, shown):
    panel = shown(ProcessPanel)
    choose(panel.form.kind, "transmission")
    panel.add_step()
    assert "no transmission" in panel.said
    choose(panel.form.kind, "spikes")
    panel.add_step()
    assert "No channel stands out" in panel.said
    assert document.undo_text == ""


def test_empty_ranges_mean_what_they_show(document, shown):
    panel = shown(ProcessPanel)
    choose(panel.form.kind, "crop")
    panel.form.fields["high"].setText("290")
    panel.add_step()
    assert (document.spectrum().x[0], document.spectrum().x[-1]) == (280.0, 290.0)


def test_steps_for_all_chosen_spectra(document, shown):
    panel = shown(ProcessPanel)
    ids = [e.id for e in document.project.entries[:3]]
    document.choose(ids)
    choose(panel.form.kind, "smooth")
    assert panel.form.for_all.isVisible()
    panel.form.for_all.setChecked(True)
    panel.add_step()
    assert all(document.project.entry(id).recipe.steps[0].kind == "smooth" for id in ids)
    document.undo()
    assert not any(document.project.entry(id).recipe.steps for id in ids)


@pytest.mark.parametrize("kind", ["normalise", "unit", "satellites", "background", "resample", "charge_state", "sign"])
def test_every_form_makes_a_step(document, shown, kind):
    panel = shown(ProcessPanel)
    choose(panel.form.kind, kind)
    if kind == "satellites":
        assert "9.8 0.064" in panel.form.fields["lines"].text()
        panel.form.fields["lines"].setText("9.8 0.06")
    panel.add_step()
    assert panel.said == ""
    assert document.entry.recipe.steps[-1].kind == kind
    if kind == "satellites":
        assert "given by you" in cell(panel.steps, 0, 1)


def test_noise_is_estimated(document, shown, qtbot):
    panel = shown(ProcessPanel)
    qtbot.mouseClick(panel.estimate, Qt.MouseButton.LeftButton)
    assert document.spectrum().noise.origin == "estimated"
    assert "estimated" in panel.noise_now.text()
    assert "gain" in cell(panel.steps, 0, 0)


def test_sweeps_part(document, shown, qtbot):
    panel = shown(ProcessPanel)
    assert not panel.sweeps.isVisible()
    entry = document.project.entries[3]
    document.select(entry.id)
    assert panel.sweeps.isVisible()
    raw = process.before_sum(entry)
    panel.sweeps.show_drift(drift(raw), raw)
    assert panel.sweeps.table.isVisible()
    assert "meV a sweep" in panel.sweeps.words.text()
    qtbot.mouseClick(panel.sweeps.align, Qt.MouseButton.LeftButton)
    assert not document.spectrum().navigation
    assert document.undo_text == "Align and add sweeps"
    assert panel.sweeps.table.isVisible(), "what was found stays to be read"


# -- new spectra and overlay ------------------------------------------------------------------------------------


def test_combine_part_asks_for_what_it_needs(document, shown, qtbot):
    panel = shown(ProcessPanel)
    part = panel.combine
    choose(part.kind, "difference")
    assert not part.make.isEnabled()
    a, b = (e.id for e in document.project.entries[:2])
    document.choose([a, b])
    assert part.make.isEnabled()
    part.swapped.setChecked(True)
    part.factor.setText("0,5")
    with qtbot.waitSignal(part.wanted) as heard:
        qtbot.mouseClick(part.make, Qt.MouseButton.LeftButton)
    assert heard.args == ["difference", (b, a), "0,5", False]


def test_overlay_of_chosen_spectra(document, shown, qtbot):
    view = shown(SpectrumView)
    ids = [e.id for e in document.project.entries]
    document.choose(ids)
    with qtbot.waitSignal(view.comparing_changed):
        view.set_comparing(True)
    pile = view.pile
    assert [t.name for t in pile.traces] == ["C 1s  ·  S", "C 1s c", "C 1s sweeps", "C 1s  ·  T"]
    assert pile.left_out == ("KLL",)
    assert "1 on another axis" in view.bar.note.text()
    assert len({t.colour.name() for t in pile.traces}) == 4
    view.bar.normalise.setChecked(True)
    view.bar.slider.setValue(30)
    tops = [t.y.max() for t in view.pile.traces]
    np.testing.assert_allclose(tops, [1.0, 1.3, 1.6, 1.9])
    view.bar.normalise.setChecked(False)
    view.bar.field.setText("500")
    view.bar.field.editingFinished.emit()
    assert view.pile.traces[1].y.min() - document.project.entries[2].spectrum.y.min() == 500
    assert not view.bar.difference.isVisible()
    document.choose(ids[:2])
    assert view.bar.difference.isVisible()
    view.bar.difference.setChecked(True)
    x, y = view.pile.difference
    raw = [document.project.entry(id).spectrum.y for id in ids[:2]]
    np.testing.assert_allclose(y, raw[0] - raw[1])
    assert x.size == X.size
    view.grab()
    themes.changes().changed.emit(themes.DARK)
    view.grab()
    themes.changes().changed.emit(themes.LIGHT)
    qtbot.mouseClick(view.bar.close_button, Qt.MouseButton.LeftButton)
    assert not view.comparing
    assert view.pile is None


def test_hands_off_the_models_in_the_overlay(document, shown):
    view = shown(SpectrumView)
    document.choose([e.id for e in document.project.entries[:3]])
    view.set_comparing(True)
    before = document.project
    at = view.data_position(286.0, 1500.0)
    support.click(view.viewport(), at)
    support.drag(view.viewport(), at, view.data_position(285.0, 1000.0))
    view.autoscale()
    assert document.project is before
    view.set_tool("region")
    assert not view.comparing


def test_overlay_ends_with_the_project(document, shown):
    view = shown(SpectrumView)
    view.set_comparing(True)
    document.reset(Project())
    assert not view.comparing


def test_raw_data_behind(document, shown):
    view = shown(SpectrumView)
    document.apply("Step", process.with_step(
        document.project, document.entry.id, process.Step("normalise", (("mode", "maximum"),))))
    before = view.grab().toImage()
    view.set_before(True)
    assert view.grab().toImage() != before


def test_menu_makes_new_spectra(window, document):
    window.files.show_project(document.project, None)
    doc = window.document
    a, b = (e.id for e in doc.project.entries[:2])
    doc.choose([a, b])
    assert window.actions_["data.subtract"].isEnabled()
    window.actions_["view.overlay"].trigger()
    assert window.view.comparing
    window.actions_["data.subtract"].trigger()
    assert doc.entry.title == "C 1s (S) − C 1s (T)"
    assert not window.view.comparing
    assert not window.actions_["view.overlay"].isChecked()
    doc.undo()
    assert len(doc.project.entries) == 5


def test_menu_aligns_sweeps(window, document, qtbot):
    window.files.show_project(document.project, None)
    doc = window.document
    doc.select(doc.project.entries[3].id)
    window.actions_["data.compare_sweeps"].trigger()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    assert window.process_panel.sweeps.drift.shifts.size == 5
    window.actions_["data.align_sweeps"].trigger()
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)
    assert doc.entry.recipe.steps[0].kind == "sum_sweeps"
    assert not doc.spectrum().navigation


# -- calibration ------------------------------------------------------------------------------------------------


def test_two_point_scale_by_hand(document, shown, qtbot):
    panel = shown(CalibratePanel)
    assert not panel.scale.apply_button.isEnabled()
    panel.scale.cursor_wanted.emit(0)
    panel.take_cursor(84.1)
    panel.scale.cursor_wanted.emit(1)
    panel.take_cursor(932.4)
    assert "Slope 1.000424" in panel.scale.scale.text()
    choose(panel.scale.scope, "all")
    qtbot.mouseClick(panel.scale.apply_button, Qt.MouseButton.LeftButton)
    assert panel.said == ""
    assert all(e.recipe.steps[0].kind == "energy_scale" for e in document.project.entries)
    assert "83.96" in panel.scale.now.text()
    document.undo()
    assert panel.scale.now.text() == "as delivered"
    panel._ask(None)
    panel.take_cursor(285.0)
    assert panel.measured.text() == "285"


def test_charge_states_are_kept_apart(document, shown):
    panel = shown(CalibratePanel)
    panel.state.setCurrentIndex(panel.state.findData("neutraliser on"))
    panel.state.activated.emit(panel.state.currentIndex())
    assert document.spectrum().meta.charge_state == "neutraliser on"
    panel.measured.setText("285.0")
    panel._show_shift()
    assert "for 1 spectra of this sample, neutraliser on" in panel.shift.text()
    panel.apply()
    shifts = {e.id: e.recipe.energy_shift for e in document.project.entries}
    assert sum(shift != 0 for shift in shifts.values()) == 1


def test_fermi_edge_gives_the_measured_energy(shown):
    x = np.arange(-3.0, 3.0, 0.02)
    mean = 5 + 200 * 0.5 * (1 + erf((x - 0.2) / (np.sqrt(2) * 0.15)))
    edge = fit_edge(counted("VB", 1, mean, x=x), -2.5, 2.5)
    panel = shown(CalibratePanel)
    panel.reference.setCurrentIndex(next(i for i, r in enumerate(panel.references) if r.line is None))
    assert panel.from_edge.isVisible()
    panel.take_edge(edge)
    assert float(panel.measured.text()) == pytest.approx(0.2, abs=0.02)
    assert "±" in panel.source.text()
    assert panel.apply_button.isEnabled()


def test_window_fits_the_edge_it_shows(window):
    x = np.arange(-3.0, 3.0, 0.02)
    mean = 5 + 200 * 0.5 * (1 + erf((x - 0.2) / (np.sqrt(2) * 0.15)))
    window.files.show_project(add_spectra(Project("P"), [counted("VB", 1, mean, x=x)]), None)
    window.document.select("vb")
    window.calibrate_panel.edge_wanted.emit()
    assert float(window.calibrate_panel.measured.text()) == pytest.approx(0.2, abs=0.02)
    window.document.select(None)


def test_copy_calibration_needs_others(document, shown, qtbot):
    panel = shown(CalibratePanel)
    assert not panel.copy.isEnabled()
    a, b = (e.id for e in document.project.entries[:2])
    panel.measured.setText("285.0")
    panel.apply()
    document.choose([a, b])
    qtbot.mouseClick(panel.copy, Qt.MouseButton.LeftButton)
    assert document.project.entry(b).recipe == document.project.entry(a).recipe

