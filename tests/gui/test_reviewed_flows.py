"""Flows that went wrong once: work that outlives its project, series, text files without a source, axes that vanish."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.project import work
from app.project.project import Project, add_spectra
from fitting.dataset import Axis
from libraries.errors import BadData


def settle(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)


def test_a_study_does_not_land_in_another_project(qtbot, filled, project):
    filled.fits.fit_sample()
    settle(qtbot, filled)
    fitted = filled.document.project
    filled.quantities.bootstrap(20)
    filled.document.reset(project)  # its samples bear the same ids
    settle(qtbot, filled)
    assert filled.document.project is project
    filled.document.reset(fitted)
    filled.quantities.bootstrap(20)
    settle(qtbot, filled)
    assert len(filled.document.project.samples[0].studies) == 1


def test_a_fit_says_nothing_of_another_project(qtbot, filled, project):
    filled.fits.fit_region()
    filled.document.reset(replace(project, name="Another"))
    settle(qtbot, filled)
    assert (filled.document.undo_text, filled.document.fit.result) == ("", None)


def test_a_series_takes_no_region(project):
    raw = project.entries[0].spectrum
    series = raw.with_(counts=np.stack([raw.counts, raw.counts]), navigation=(Axis(np.array([0.0, 1.0]), "time", "s"),))
    made = add_spectra(Project("Series"), [series])
    with pytest.raises(BadData, match="level by level"):
        work.add_region(made, made.entries[0].id, 282.0, 289.0)


def test_the_residual_axis_comes_back_with_its_numbers(filled):
    document, axis = filled.document, filled.view.canvas.rest.getAxis("left")
    without = next(e for e in document.project.entries if not e.fits)
    fitted = document.entry.id
    for id in (without.id, fitted):
        document.select(id)
        filled.view.canvas.settle()
    assert axis.width() == filled.view.canvas.main.getAxis("left").width() > 30


def test_the_photon_energy_of_binding_energies_can_be_told(qtbot, window, project):
    raw = project.entries[0].spectrum
    told = raw.with_(meta=replace(raw.meta, photon_energy=None, source=""))
    window.files.show_project(add_spectra(Project("Text"), [told]), None)
    window.actions_["data.photon"].trigger()
    panel = window.process_panel
    assert panel.photon.isVisible()
    assert not panel.work_function.isVisible()
    panel.energy.setCurrentIndex(1)
    qtbot.mouseClick(panel.set_photon, Qt.MouseButton.LeftButton)
    spectrum = window.document.spectrum()
    assert (spectrum.meta.photon_energy, spectrum.axis.quantity) == (1253.6, "binding_energy")
    assert not panel.photon.isVisible()
    window.edits.undo()
    assert panel.photon.isVisible()


def test_a_spectrum_that_knows_its_source_is_not_asked(filled):
    filled.inspector.show_page("Process")
    assert not filled.process_panel.photon.isVisible()
    assert not filled.actions_["data.photon"].isEnabled()
