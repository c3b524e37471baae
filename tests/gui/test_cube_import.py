"""File > Import cube of ions: the dialog says what is missing, the cube becomes an entry, one undo takes it out."""

from dataclasses import replace

import numpy as np
import pytest

from app.project.project import Project, add_spectra
from fitting.dataset import Axis, Meta, Spectrum
from fitting.sims.setup import MassPeak, MassSetup
from tests.app.files.made_sims import grd, imzml, voxels

COUNTS = np.random.default_rng(4).poisson(2.0, (3, 4, 5))


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    made.mkdir()
    for number, name in enumerate(("Na2F+", "Na3O+")):
        (made / f"film ({number}) - {name}.txt").write_bytes(voxels(COUNTS + number))
    return made


def test_folder_to_entry(window, qtbot, folder, tmp_path):
    before = len(window.document.project.entries)
    window.actions_["file.import_cube"].trigger()
    dialog = window.cubes.dialog
    assert not dialog.go.isEnabled()
    dialog.take_files([folder])
    assert "2 ions (Na2F+, Na3O+)" in dialog.found.text()
    assert "positive" in dialog.polarity.currentText()
    assert not dialog.form.isRowVisible(dialog.lists)
    dialog.pixel.setText("0,5")
    dialog.time.setText("2")
    dialog.target.setText(str(tmp_path / "film.h5"))
    assert dialog.go.isEnabled()
    dialog.go.click()
    qtbot.waitUntil(lambda: len(window.document.project.entries) == before + 1, timeout=60_000)
    entry = window.document.entry
    np.testing.assert_array_equal(entry.spectrum.counts[..., 1], COUNTS + 1)
    assert entry.spectrum.navigation[0].unit == "s"
    assert (tmp_path / "film.h5").exists()
    window.document.undo()
    assert len(window.document.project.entries) == before


def test_wrong_entries_are_told(window, folder):
    window.cubes.ask([folder])
    dialog = window.cubes.dialog
    dialog.pixel.setText("-1")
    assert not dialog.go.isEnabled()
    assert "above zero" in dialog.words.text()
    dialog.pixel.setText("")
    dialog.columns.setText("5")
    assert not dialog.go.isEnabled()
    dialog.rows.setText("4")
    dialog.scans.setText("3")
    assert dialog.go.isEnabled()
    assert dialog.request().settings.size == (5, 4, 3)
    dialog.target.clear()
    assert not dialog.go.isEnabled()
    dialog.take_files([folder / "none.txt"])
    assert not dialog.go.isEnabled()
    assert "no such file" in dialog.words.text()
    dialog.reject()


def test_spectra_need_peaks_and_raw_data_a_mass_scale(window, tmp_path):
    source = imzml(tmp_path / "a.imzML", [((1, 1), (22.98, 30.0), (4, 5)), ((2, 1), (22.99,), (6,))])
    window.cubes.ask([source])
    dialog = window.cubes.dialog
    assert dialog.form.isRowVisible(dialog.lists)
    assert not dialog.form.isRowVisible(dialog.scale)
    assert "peak list" in dialog.words.text()
    dialog.list.setText(str(tmp_path / "peaks.csv"))
    assert dialog.go.isEnabled()
    raw = tmp_path / "a.grd"
    raw.write_bytes(grd([(0, i, i % 5, i % 4, 100 + i) for i in range(60)]))
    dialog.take_files([raw])
    assert dialog.form.isRowVisible(dialog.scale)
    assert not dialog.go.isEnabled()
    dialog.slope.setText("1000")
    dialog.offset.setText("-3,5")
    assert dialog.request().scale == (1000.0, -3.5)
    dialog.reject()


def test_peaks_of_the_project_are_offered(window, qtbot, tmp_path):
    source = imzml(tmp_path / "a.imzML", [((1, 1), (22.98, 30.0), (4, 5)), ((2, 1), (22.99,), (6,))])
    document = window.document
    spectrum = Spectrum(Axis(np.linspace(20, 30, 50), "mass", ""), np.ones(50), meta=Meta(technique="sims"))
    project = add_spectra(Project(), [spectrum])
    setup = MassSetup(peaks=(MassPeak("Na+", 22.98922, 22.9, 23.1),))
    document.reset(project.with_entry(replace(project.entries[0], masses=setup)))
    window.cubes.ask([source])
    dialog = window.cubes.dialog
    assert dialog.peaks.currentText().startswith("1 peak of")
    dialog.target.setText(str(tmp_path / "b.h5"))
    count = len(document.project.entries)
    dialog.go.click()
    qtbot.waitUntil(lambda: len(document.project.entries) == count + 1, timeout=60_000)
    np.testing.assert_array_equal(document.entry.spectrum.counts, [[[4], [6]]])


def test_dropped_files_of_ions_are_asked_about_together(window, folder):
    window.files.open_paths(sorted(folder.iterdir()), add=True)
    dialog = window.cubes.dialog
    assert dialog is not None
    assert len(dialog.source.ions) == 2
    dialog.reject()
