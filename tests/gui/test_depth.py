"""The Depth and Layers pages: scale, interfaces dragged on the profile, layers; undone, saved, exported."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.gui.window import MainWindow
from app.project import store
from app.project.project import Project, add_spectra
from app.project.sims_profiles import with_look
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.response import gauss_step
from fitting.sims.setup import Interface

T = np.arange(1.0, 121.0)


def profile():
    steps = [np.ones_like(T), gauss_step(T - 40, 3.0), gauss_step(T - 80, 3.0), np.zeros_like(T)]
    data = np.random.default_rng(1).poisson(3000 * np.maximum(-np.diff(steps, axis=0), 0.0).T + 5)
    axis = Axis(np.arange(3.0), "ion", "", ("C2H-", "NaO-", "C2-"))
    return Spectrum(axis, data, Noise("poisson", 1.0), Meta(title="p", region="Profile", technique="sims"),
                    navigation=(Axis(T, "time", "s"),))


def cube():
    flat = profile().y[::12] / 16
    counts = np.random.default_rng(2).poisson(np.broadcast_to(flat[:, None, None, :], (10, 4, 4, 3)))
    lateral = Axis(np.arange(4.0), "distance", "um")
    return Spectrum(profile().axis, counts, Noise("poisson", 1.0), Meta(title="c", region="Cube", technique="sims"),
                    navigation=(Axis(T[::12], "time", "s"), lateral, lateral))


@pytest.fixture
def window(qtbot):
    """A window with a profile of three layers and a cube."""
    window = MainWindow()
    qtbot.addWidget(window)
    window.document.reset(add_spectra(Project(), [profile(), cube()]))
    window.resize(1440, 900)
    window.show()
    window.inspector.show_page("Depth")
    qtbot.waitUntil(lambda: window.centre.profile.shown is not None)
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def worked_out(qtbot, window):
    """Until the answer is that of the document as it stands."""
    def there():
        answers, entry = window.depth_panel.answers, window.document.entry
        found = answers.answer
        return (found is not None and not answers.busy and found.basis[1] == entry.depth
                and found.basis[2] == entry.layering
                and tuple(one.interface for one in found.interfaces) == entry.interfaces)

    qtbot.waitUntil(there, timeout=30_000)
    return window.depth_panel.answers.answer


def typed(field, text):
    field.setText(text)
    field.editingFinished.emit()


def choose(combo, data):
    combo.setCurrentIndex(combo.findData(data))
    combo.activated.emit(combo.currentIndex())


def test_scale_changes_the_axis_and_is_undone(qtbot, window):
    part, document = window.depth_panel.scale, window.document
    assert not part.rate.isVisible()
    choose(part.kind, "rate")
    assert part.rate.isVisible()
    typed(part.rate, "0,5")
    typed(part.rate_error, "0.05")
    assert (document.entry.depth.rate, document.entry.depth.rate_error) == (0.5, 0.05)
    worked_out(qtbot, window)
    qtbot.waitUntil(lambda: "60 ± 6 nm" in part.words.text())
    qtbot.waitUntil(lambda: window.centre.profile.shown.depths is not None)
    assert window.centre.profile.shown.depths[-1] == pytest.approx(60.0)
    typed(part.rate, "-3")
    assert "zero or above" in window.depth_panel.said
    assert document.entry.depth.rate == 0.5
    for _ in range(3):
        document.undo()
    assert document.entry.depth.kind == "none"


def test_rate_estimated_from_the_beam(qtbot, window):
    part = window.depth_panel.scale
    choose(part.kind, "rate")
    for field, text in zip(part.beam, ("100", "300 × 300", "2", "50"), strict=True):
        field.setText(text)
    part._use_estimate()
    # 2 atoms an ion, 100 nA, 9e4 um2, 50 atoms/nm3, by hand
    assert window.document.entry.depth.rate == pytest.approx(2 * 100e-9 / 1.602176634e-19 / (9e4 * 1e6 * 50), rel=1e-3)
    assert "estimated" in window.document.entry.depth.note


def test_interface_added_dragged_held_and_removed(qtbot, window):
    panel, document, plot = window.depth_panel, window.document, window.centre.profile
    part = panel.interfaces
    choose(part.response, "erf")
    part.trace.setCurrentIndex(part.trace.findData("C2-"))
    part.add.click()
    found = worked_out(qtbot, window).interfaces[0]
    assert found.position == pytest.approx(80.0, abs=0.5)
    assert found.width == pytest.approx(6.0, rel=0.1)
    qtbot.waitUntil(lambda: part.rows.rowCount() == 1 and "±" in part.rows.cell(part.rows.index(0, 2)).text)
    assert any(mark.position == pytest.approx(found.position) for mark in plot.marks.shown)
    assert len(plot.curves.shown) == 1  # only beside its trace
    id, project = document.entry.id, document.project
    document.apply("Other traces", with_look(project, id, ions=("NaO-",)))
    qtbot.waitUntil(lambda: not plot.curves.shown and bool(plot.marks.shown))
    document.undo()
    qtbot.waitUntil(lambda: len(plot.curves.shown) == 1)
    assert plot.ranges.find("depth/interface1") is not None or plot.ranges.shown
    name = plot.ranges.shown[0].name
    plot.ranges.move(name, 60.0, 110.0)
    plot.ranges.move(name, 62.0, 108.0)
    plot.ranges.released.emit(name, 62.0, 108.0)
    one = document.entry.interfaces[0]
    assert (one.low, one.high) == pytest.approx((62.0, 108.0))
    assert document.undo_text.startswith("Move")
    document.undo()
    assert document.entry.interfaces[0].low != pytest.approx(62.0)
    document.redo()
    choose(part.response, "mri")
    worked_out(qtbot, window)
    assert document.entry.interfaces[0].held == (("lam", 0.0),)  # SIMS: the analyst lets it free, if any reason is
    assert "λ is held at 0" in part.words.text()
    part.lengths.edited.emit("lam", 1, "0.3")
    assert document.entry.interfaces[0].held == (("lam", 0.3),)
    worked_out(qtbot, window)
    part.lengths.setData(part.lengths.index(1, 0), Qt.CheckState.Unchecked, Qt.ItemDataRole.CheckStateRole)
    assert document.entry.interfaces[0].held == ()
    choose(part.shape, "layer")
    assert document.entry.interfaces[0].shape == "layer"
    choose(part.response, "crossing")
    assert document.entry.interfaces[0].shape == "step"
    part.rows.edited.emit(document.entry.interfaces[0].id, 0, "Bulk")
    assert document.entry.interfaces[0].name == "Bulk"
    part.remove.click()
    assert document.entry.interfaces == ()
    qtbot.waitUntil(lambda: not plot.ranges.shown and not plot.marks.shown)


def test_the_trace_offered_is_that_of_the_profile(qtbot, window):
    part, document, plot = window.depth_panel.interfaces, window.document, window.centre.profile
    first = part.trace.itemData(0)
    id, project = document.entry.id, document.project
    document.apply("Other traces", with_look(project, id, ions=("NaO-",)))
    qtbot.waitUntil(lambda: part.trace.currentData() == "NaO-")
    assert first != "NaO-"
    document.undo()
    qtbot.waitUntil(lambda: len(plot.shown.drawn) == 3)
    key = next(one.key for one in plot.shown.drawn if one.trace.name == "C2H-")
    plot.highlight(key)
    assert part.trace.currentData() == "C2H-"
    part.trace.setCurrentIndex(part.trace.findData("C2-"))  # by hand: it stays
    document.apply("Other traces", with_look(document.project, id, ions=("NaO-", "C2-")))
    qtbot.waitUntil(lambda: len(plot.shown.drawn) == 2)
    part.add.click()
    assert part.trace.currentData() == "C2-"
    assert document.entry.interfaces[0].trace == "C2-"


def test_a_poor_fit_does_not_read_like_a_result(qtbot, window):
    part, document = window.depth_panel.interfaces, window.document
    good = Interface("a", "Good", "C2-", 50.0, 110.0, "time", "erf", "step")
    poor = Interface("b", "Poor", "NaO-", 20.0, 110.0, "time", "erf", "step")  # steps up and down
    entry = document.entry
    document.apply("Interfaces", document.project.with_entry(replace(entry, interfaces=(good, poor))))
    worked_out(qtbot, window)
    qtbot.waitUntil(lambda: part.rows.rowCount() == 2 and part.rows.cell(part.rows.index(1, 4)).text != "")
    rows = [[part.rows.cell(part.rows.index(row, column)) for column in range(5)] for row in range(2)]
    assert float(rows[0][4].text) == pytest.approx(1.0, abs=0.6)
    assert not rows[0][2].muted
    assert rows[1][4].text.startswith("⚠ poor, ")
    assert rows[1][2].muted
    assert rows[1][3].muted
    assert "errors are multiplied" in rows[1][4].tooltip
    qtbot.waitUntil(lambda: part.view.horizontalScrollBar().maximum() == 0)


def test_ranges_stay_on_their_points_when_the_scale_changes(qtbot, window):
    panel, document, plot = window.depth_panel, window.document, window.centre.profile
    panel.interfaces.trace.setCurrentIndex(panel.interfaces.trace.findData("C2-"))
    panel.interfaces.add.click()
    before = document.entry.interfaces[0]
    choose(panel.scale.kind, "rate")
    typed(panel.scale.rate, "0.5")
    qtbot.waitUntil(lambda: plot.x_quantity == "depth")
    found = worked_out(qtbot, window).interfaces[0]
    assert document.entry.interfaces[0] == before
    assert (found.unit, round(found.position)) == ("nm", 40)
    qtbot.waitUntil(lambda: bool(plot.ranges.shown) and plot.ranges.shown[0].low == pytest.approx(0.5 * before.low))
    plot.ranges.move(plot.ranges.shown[0].name, 30.0, 50.0)
    assert (document.entry.interfaces[0].low, document.entry.interfaces[0].high) == pytest.approx((60.0, 100.0))


def test_layers_from_ions_named_exported_and_saved(qtbot, window, tmp_path):
    panel, page, document = window.depth_panel, window.sims_layers, window.document
    part = panel.layers
    choose(part.source, "ions")
    assert part.choice.isVisibleTo(panel)
    for ion in ("C2-", "C2H-", "NaO-"):
        part.trace.setCurrentIndex(part.trace.findData(ion))
        part.add.click()
    part.markers.edited.emit("1", 0, "Organic")
    layers = worked_out(qtbot, window).layers
    assert [row.name for row in layers.rows] == ["Organic", "NaO⁻", "C₂⁻"]
    assert layers.rows[1].thickness == pytest.approx(40.0, rel=0.02)
    part.show_page.click()
    qtbot.waitUntil(lambda: page.isVisible() and page.rows.rowCount() == 3)
    assert "Organic" in page.rows.cell(page.rows.index(0, 1)).text
    assert len(page.bar.bands()) == 3
    assert not page.bar.grab().isNull()
    assert "no depth scale" in page.words.text()
    page.write(tmp_path / "layers.csv")
    qtbot.waitUntil(lambda: (tmp_path / "layers.csv").exists() and window.tasks.idle, timeout=20_000)
    assert "Organic" in (tmp_path / "layers.csv").read_text("utf-8")
    store.save(document.project, tmp_path / "a.sodalite")
    assert store.load(tmp_path / "a.sodalite").equals(document.project)
    part.remove.click()
    part.remove.click()
    worked_out(qtbot, window)
    qtbot.waitUntil(lambda: "two traces" in page.words.text())


def test_the_export_of_interfaces_alone_is_an_ordinary_button(qtbot, window):
    part, page = window.depth_panel.interfaces, window.sims_layers
    part.add.click()
    worked_out(qtbot, window)
    window.results.show_page("Layers")
    qtbot.waitUntil(lambda: page.export.isVisible() and page.width() > 600)
    assert not page.bar.isVisible()
    assert page.export.width() <= page.export.sizeHint().width()
    assert page.export.geometry().right() > 0.9 * page.width()  # where it is beside the picture of the layers


def test_traces_that_are_not_everything_are_said(qtbot, window):
    part, page = window.depth_panel.layers, window.sims_layers
    choose(part.source, "ions")
    for ion in ("C2H-", "C2-"):  # what lies between them is left out
        part.trace.setCurrentIndex(part.trace.findData(ion))
        part.add.click()
    found = worked_out(qtbot, window)
    assert found.layers.misfit > 0.1
    window.results.show_page("Layers")
    qtbot.waitUntil(lambda: page.isVisible() and page.words.text().startswith("⚠ These traces are not everything"))
    assert "⚠ These traces are not everything" in part.words.text()
    part.trace.setCurrentIndex(part.trace.findData("NaO-"))
    part.add.click()
    assert worked_out(qtbot, window).poor_layers == ""
    qtbot.waitUntil(lambda: "⚠" not in page.words.text() + part.words.text())


def test_the_word_thick_has_room(qtbot, window):
    part = window.depth_panel.interfaces
    choose(part.shape, "layer")
    choose(part.response, "erf")
    part.trace.setCurrentIndex(part.trace.findData("NaO-"))
    part.add.click()
    worked_out(qtbot, window)
    qtbot.waitUntil(lambda: "thick" in part.rows.cell(part.rows.index(0, 3)).text)
    assert part.view.sizeHintForColumn(3) <= part.view.columnWidth(3)
    choose(part.shape, "step")
    assert window.document.entry.interfaces[0].shape == "step"


def test_a_cube_is_worked_out_from_its_profile(qtbot, window):
    document, part = window.document, window.depth_panel.interfaces
    document.select(document.project.entries[1].id)
    qtbot.waitUntil(lambda: window.centre.profile.profile is not None, timeout=20_000)
    part.trace.setCurrentIndex(part.trace.findData("C2-"))
    part.add.click()
    found = worked_out(qtbot, window).interfaces[0]
    assert found.failed == ""
    assert found.position == pytest.approx(80.0, abs=6.0)


def test_a_range_without_a_step_says_so(qtbot, window):
    part, document = window.depth_panel.interfaces, window.document
    part.trace.setCurrentIndex(part.trace.findData("C2-"))
    part.add.click()
    worked_out(qtbot, window)
    window.centre.profile.ranges.move(window.centre.profile.ranges.shown[0].name, 5.0, 25.0)
    document.close_merge()
    found = worked_out(qtbot, window).interfaces[0]
    if not found.failed:  # a step may be fitted into noise: then its error tells
        assert not found.width_error < found.width
    qtbot.waitUntil(lambda: bool(part.words.text()))
