"""Corrections of cubes and of images of mass spectra on the Process page: found, shown, applied, undone."""

from __future__ import annotations

import numpy as np
import pytest

from app.gui import theme as themes
from app.gui.document import Document
from app.gui.panels.process_panel import ProcessPanel
from app.gui.tasks import Tasks
from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.kinds import kind_of
from tests.fitting.sims.test_drift import bent, moving
from tests.fitting.sims.test_mass_shift import image
from tests.fitting.sims.test_topography import rough_cube


def drifting() -> Spectrum:
    counts = moving(32, 20, 5.0, bent(20), 1)
    values = np.stack([counts, counts], axis=-1).astype(np.uint16)
    lateral = Axis(np.arange(32) + 0.5, "distance", "µm")
    time = Axis(2.0 * np.arange(1, 21), "time", "s")
    return Spectrum(Axis(np.arange(2.0), "ion", "", ("total", "Na+")), values, Noise("poisson", 1.0),
                    Meta(technique="sims", title="drifting", region="drifting"), navigation=(time, lateral, lateral),
                    scales=(Axis(10 * time.values, "dose", "ions"),))


class Window:
    """What the page needs of one."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks


@pytest.fixture
def shown(qtbot):
    """A Process page on a drifting cube, a rough one, a profile and an image of mass spectra."""
    rough = rough_cube(5.0, 3.0, 2, side=24)[0]
    rough = rough.with_(meta=Meta(technique="sims", title="rough", region="rough"))
    spectra = image(10.0, side=12, n=200)[0].with_(meta=Meta(technique="sims", title="masses", region="masses"))
    cube = drifting()
    profile = cube.with_(counts=cube.counts.sum(axis=(1, 2)), navigation=cube.navigation[:1])
    document = Document(add_spectra(Project("P"), [cube, rough, profile, spectra]))
    errors: list[BaseException] = []
    tasks = Tasks(errors.append, document)
    tasks.errors = errors
    panel = ProcessPanel(document)
    panel.use_window(Window(tasks))
    qtbot.addWidget(panel)
    panel.resize(520, 1400)
    panel.show()
    document.select(document.project.entries[0].id)
    yield panel, document, tasks
    assert tasks.close()
    assert not errors


def kinds(panel):
    return {panel.form.kind.itemData(i): panel.form.kind.itemText(i) for i in range(panel.form.kind.count())}


def test_drift_is_found_shown_and_corrected_as_one_undo_step(shown, qtbot):
    panel, document, tasks = shown
    part = panel.cube
    qtbot.waitUntil(part.isVisible)
    part.drift_fold.show_content(True)
    assert not part.path.isVisible()
    part.find_drift_button.click()
    assert not part.find_drift_button.isEnabled()
    qtbot.waitUntil(lambda: tasks.idle and part.drift is not None, timeout=20000)
    assert part.path.isVisible()
    assert "±" in part.drift_words.text()
    assert not document.entry.recipe.steps
    part.correct_drift.click()
    qtbot.waitUntil(lambda: tasks.idle and bool(document.entry.recipe.steps), timeout=20000)
    assert [step.kind for step in document.entry.recipe.steps] == ["scan_drift"]
    assert document.undo_text == "Correct drift"
    _, rows, columns, _ = document.spectrum().counts.shape
    assert rows < 32
    assert columns < 32
    qtbot.waitUntil(lambda: not part.correct_drift.isEnabled())
    assert part.correct_drift.text() == "Corrected"
    # Found anew it takes the place of the old one, on the same data.
    part.find_drift_button.click()
    qtbot.waitUntil(lambda: tasks.idle)
    assert part.drift is not None
    document.undo()
    assert not document.entry.recipe.steps
    assert document.spectrum().counts.shape == (20, 32, 32, 2)


def test_what_was_found_of_other_data_is_dropped(shown, qtbot):
    panel, document, tasks = shown
    qtbot.waitUntil(panel.cube.isVisible)
    panel.cube.find_drift_button.click()
    document.select(document.project.entries[1].id)
    qtbot.waitUntil(lambda: tasks.idle, timeout=20000)
    assert panel.cube.drift is None


def test_errors_of_the_work_are_handed_to_the_window(shown, qtbot):
    panel, document, tasks = shown
    document.select(document.project.entries[1].id)
    part = panel.cube
    qtbot.waitUntil(lambda: part.isVisible() and part.depth_ion.count() == 2)
    part.joined.setText("2")
    part.find_depth_button.click()
    qtbot.waitUntil(lambda: tasks.idle and part._task is None, timeout=20000)
    assert "odd number" in str(tasks.errors.pop())
    assert part.find_depth_button.isEnabled()


def test_what_is_typed_wrong_is_said(qtbot, shown):
    panel, document, tasks = shown
    document.select(document.project.entries[1].id)
    part = panel.cube
    qtbot.waitUntil(lambda: part.isVisible() and part.depth_ion.count() == 2)
    part.first.setText("0")
    part.find_depth_button.click()
    assert "whole number" in panel.said
    assert tasks.idle


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_relief_becomes_flat(shown, qtbot, qapp, mode):
    panel, document, tasks = shown
    themes.apply(qapp, mode)
    document.select(document.project.entries[1].id)
    part = panel.cube
    qtbot.waitUntil(lambda: part.isVisible() and part.depth_ion.count() == 2)
    part.depth_fold.show_content(True)
    part.find_depth_button.click()
    qtbot.waitUntil(lambda: tasks.idle and part.topography is not None, timeout=20000)
    assert part.picture.isVisible()
    assert not part.picture.grab().isNull()
    assert "Roughness" in part.depth_words.text()
    part.correct_depth.click()
    qtbot.waitUntil(lambda: tasks.idle and bool(document.entry.recipe.steps), timeout=20000)
    assert document.spectrum().counts.shape[0] < 60
    document.undo()
    assert document.spectrum().counts.shape[0] == 60


def test_masses_are_aligned(shown, qtbot):
    panel, document, tasks = shown
    part = panel.masses
    assert not part.isVisible()
    document.select(document.project.entries[3].id)
    qtbot.waitUntil(part.isVisible)
    assert not panel.cube.isVisible()
    part.fold.show_content(True)
    part.find_button.click()
    assert "not given" in panel.said
    part.low.setText("90")
    part.high.setText("150")
    part.find_button.click()
    qtbot.waitUntil(lambda: tasks.idle and part.found is not None, timeout=20000)
    assert "±" in part.words.text()
    part.correct.click()
    qtbot.waitUntil(lambda: tasks.idle and bool(document.entry.recipe.steps), timeout=20000)
    assert len(document.spectrum().axis) < 200
    assert document.undo_text == "Align masses"


def test_the_form_offers_what_fits_the_data(shown, qtbot):
    panel, document, _ = shown
    qtbot.waitUntil(lambda: "crop_image" in kinds(panel))
    assert kinds(panel) == {"crop_image": "Keep scans and a part of the field", "bin_image": "Join scans and pixels"}
    panel.form.kind.setCurrentIndex(panel.form.kind.findData("bin_image"))
    panel.form.fields["scans"].setText("2")
    panel.add_step()
    assert panel.said == ""
    assert document.spectrum().counts.shape == (10, 16, 16, 2)
    assert panel.rows.index(0, 0).data() == "Join 2 scans, 2 × 2 pixels"
    document.select(document.project.entries[2].id)
    assert kind_of(document.spectrum()) == "profile"
    qtbot.waitUntil(lambda: kinds(panel) == {"crop_image": "Keep some points of the profile",
                                             "bin_image": "Join points of the profile"})
    assert set(panel.form.fields) == {"scans"}  # the same kind of step, with the fields of a profile
    assert not panel.sweeps.isVisible()
    assert not panel.cube.isVisible()
    document.select(document.project.entries[3].id)
    qtbot.waitUntil(lambda: {"crop", "smooth", "rebin", "crop_image", "bin_image", "normalise"} == set(kinds(panel)))
