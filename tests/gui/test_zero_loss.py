"""The Zero loss page and the energy-loss steps of the Process page, by real widgets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from tests.app.project.test_loss_process import dual
from tests.gui.plot_support import click

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def shown(qtbot, window):
    """The window with a dual image (8 x 8), the Zero loss page in front."""
    _, project = dual()
    window.files.show_project(project, None)
    window.document.select(project.entries[0].id)
    window.inspector.show_page("Zero loss")
    return window


def settled(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)


def press(qtbot, window, button):
    assert button.isEnabled(), button.text()
    button.click()
    settled(qtbot, window)


def unfold(page, part):
    next(fold for fold in page.folds if fold.content is part).show_content(True)


def test_peak_alignment_and_maps(qtbot, shown):
    page, document = shown.zero_loss_panel, shown.document
    low, core = document.project.entries
    assert page.peak.position.text().endswith("eV")
    assert "±" in page.peak.position.text()
    wide = page.peak.fwhm.text()
    assert page.align.along.isVisible()
    press(qtbot, shown, page.align.go)
    assert document.undo_text == "Align the zero loss"
    assert [s.kind for s in document.project.entry(core.id).recipe.steps] == ["align"]
    assert "Aligned: zero loss found at" in page.align.words.text()
    assert float(page.peak.fwhm.text().split()[0]) < float(wide.split()[0])
    press(qtbot, shown, page.peak.maps)
    assert [m.id for m in document.entry.maps] == ["zlp_position", "zlp_fwhm"]
    document.undo()
    document.undo()
    assert document.project.entry(low.id).recipe.steps == ()
    assert document.project.entry(core.id).recipe.steps == ()
    document.redo()
    page.align.undo.click()
    assert document.project.entry(core.id).recipe.steps == ()


def test_conditions_are_entered_once_for_the_sample(qtbot, shown):
    page, document = shown.zero_loss_panel, shown.document
    part = page.microscope
    assert "beam energy, convergence and collection" in part.missing.text()
    part.fields["beam_energy"].setText("200")
    part.fields["collection_angle"].setText("15")
    part.go.click()
    assert document.undo_text == "Microscope: beam energy 200 keV, collection 15 mrad"
    for entry in document.project.entries:
        assert entry.processed().meta.beam_energy == 200.0
    assert "Without convergence" in part.missing.text()
    part.fields["convergence_angle"].setText("wide")
    part.go.click()
    assert "must be a number" in page.said
    part.fields["convergence_angle"].setText("-3")
    part.go.click()
    assert page.said
    assert len(document.entry.recipe.steps) == 1


def test_calibration_with_an_energy_picked_on_the_plot(qtbot, shown):
    page, document, view = shown.zero_loss_panel, shown.document, shown.view
    unfold(page, page.scale)
    assert not page.scale.go.isEnabled()
    page.scale.picks[0].click()
    click(view.viewport(), view.data_position(15.0, float(document.shown().y.max()) * 0.2))
    picked = float(page.scale.measured[0].text())
    assert picked == pytest.approx(15.0, abs=0.3)
    page.scale.true[0].setText("14.8")
    page.scale.true[0].textEdited.emit("14.8")
    assert page.scale.scale.text().startswith("Offset")
    before = document.entry.processed().x
    page.scale.go.click()
    assert document.entry.processed().x - before == pytest.approx(np.full(before.size, 14.8 - picked), abs=1e-9)
    assert "Calibrate:" in page.scale.now.text()
    page.scale.reset.click()
    assert document.entry.recipe.steps == ()


def test_removal_shows_what_it_takes_and_follows_the_band(qtbot, shown):
    page, document, view = shown.zero_loss_panel, shown.document, shown.view
    part = page.removal
    unfold(page, part)
    assert part.found is not None
    assert view.bands.band("zero loss/limit").high == pytest.approx(float(part.limit.text()), abs=0.01)
    words = part.value.text()
    assert words.startswith("I₀ = ")
    view.bands.move("zero loss/limit", -6.0, 3.0, "high")
    assert float(part.limit.text()) == pytest.approx(3.0)
    for method in ("fitted", "cut", "power law", "vacuum reference"):
        part.method.setCurrentIndex(part.method.findData(method))
        part.method.activated.emit(0)
        assert bool(part.found) or part.warning.isVisible()
    assert "vacuum measurement is missing" in part.warning.text()
    part.method.setCurrentIndex(part.method.findData("mirrored tail"))
    part.method.activated.emit(0)
    press(qtbot, shown, part.go)
    assert document.undo_text == "Remove the zero loss"
    assert document.entry.processed().x[0] >= 2.99
    assert view.bands.band("zero loss/limit") is None
    assert not part.go.isEnabled()
    part.back.click()
    assert document.entry.recipe.steps == ()
    press(qtbot, shown, part.log)
    assert document.entry.recipe.steps[-1].kind == "fourier_log"
    shown.inspector.show_page("Process")
    assert view.bands.shown == ()


def test_deconvolution_of_the_core_loss(qtbot, shown):
    page, document = shown.zero_loss_panel, shown.document
    core = document.project.entries[1]
    document.select(core.id)
    part = page.sharpen
    unfold(page, part)
    assert "no zero loss on this axis" in page.peak.warnings.text()
    assert part.low_loss.currentData() == core.low_loss
    assert float(part.limit.text()) > 1.0
    part.limit.clear()
    part.go_ratio.click()
    assert "where the losses" in page.said
    for line, text in ((part.limit, "3"), (part.from_, "252"), (part.to, "280")):
        line.setText(text)
    press(qtbot, shown, part.go_ratio)
    assert document.entry.recipe.steps[-1].kind == "fourier_ratio"
    part.back.click()
    part.reach.setText("2")
    part.iterations.setText("3")
    press(qtbot, shown, part.go_lucy)
    assert document.entry.recipe.steps[-1].kind == "richardson_lucy"
    part.iterations.setText("0.5")
    press(qtbot, shown, part.go_lucy)
    assert "whole number" in page.said


def test_spikes_and_noise(qtbot, shown):
    page, document = shown.zero_loss_panel, shown.document
    low = document.entry
    y = low.spectrum.y.copy()
    y[1, 2, 250] += 5000.0
    dirty = replace(low, spectrum=low.spectrum.with_(counts=y, noise=Noise("poisson", None)))
    document.apply("spoil", document.project.with_entry(dirty))
    assert "Estimate the noise" in page.peak.words.text()
    press(qtbot, shown, page.spikes.go)
    assert document.undo_text == "Take out 1 spikes"
    press(qtbot, shown, page.peak.estimate)
    assert document.undo_text.startswith("Estimate noise")
    assert "±" in page.peak.position.text()
    assert "not determined" not in page.peak.position.text()


def test_work_on_data_that_changed_is_dropped(qtbot, shown):
    page, document = shown.zero_loss_panel, shown.document
    page.align.go.click()
    document.apply("rename", replace(document.project, name="other"))
    settled(qtbot, shown)
    assert document.undo_text == "rename"
    assert "changed meanwhile" in page.said


def test_bad_peaks_are_said(qtbot, window):
    energy = np.arange(-6, 24, 0.1)
    y = 2e4 * np.exp(-0.5 * (energy / 0.3) ** 2) + 20.0
    made = [
        Spectrum(Axis(x, "energy_loss", "eV"), counts, Noise("poisson", 1.0), Meta(title=name, technique="eels"))
        for name, x, counts in (("clipped", energy, np.minimum(y, 9e3)), ("cropped", energy[60:], y[60:]),
                                ("dark", energy, y - 30.0))
    ]
    window.files.show_project(add_spectra(Project(), made), None)
    window.inspector.show_page("Zero loss")
    page = window.zero_loss_panel
    for entry, words in zip(window.document.project.entries, ("saturated", "cropped", "negative counts"), strict=True):
        window.document.select(entry.id)
        assert words in page.peak.warnings.text()
    assert not page.align.method.isVisible()


def test_process_page_offers_what_fits_the_data(qtbot, shown, project):
    panel, document = shown.process_panel, shown.document
    shown.inspector.show_page("Process")
    kinds = {panel.form.kind.itemData(i) for i in range(panel.form.kind.count())}
    assert {"align", "crop_image", "bin_image", "image_spikes", "fourier_log", "dark"} <= kinds
    assert not {"charge_state", "satellites", "transmission", "spikes"} & kinds
    assert panel._meta_form.isRowVisible(panel.meta["Beam energy"])
    assert not panel._meta_form.isRowVisible(panel.meta["Photon energy"])

    def choose(kind):
        panel.form.kind.setCurrentIndex(panel.form.kind.findData(kind))

    choose("bin_image")
    panel.add.click()
    assert document.entry.processed().counts.shape[:2] == (4, 4)
    choose("align")
    panel.add.click()
    assert document.entry.recipe.steps[-1].text("shifts").count(" ") == 15
    choose("loss_scale")
    panel.form.fields["measured_1"].setText("15.2")
    panel.form.fields["true_1"].setText("15")
    panel.add.click()
    choose("richardson_lucy")
    panel.form.fields["reach"].setText("2")
    panel.add.click()
    steps = document.entry.recipe.steps
    assert [s.kind for s in steps] == ["bin_image", "align", "loss_scale", "richardson_lucy"]
    assert len(steps[-1].curves) == 1
    panel.steps.show_current("3")
    panel.form.fields["iterations"].setText("4")
    panel.change.click()
    assert document.entry.recipe.steps[-1].number("iterations") == 4
    assert document.entry.recipe.steps[-1].curves == steps[-1].curves
    choose("fourier_ratio")
    panel.add.click()
    assert panel.said
    shown.files.show_project(project, None)
    kinds = {panel.form.kind.itemData(i) for i in range(panel.form.kind.count())}
    assert "charge_state" in kinds
    assert "align" not in kinds
    assert panel._meta_form.isRowVisible(panel.meta["Photon energy"])
