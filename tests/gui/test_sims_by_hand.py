"""ToF-SIMS by hand: what an analyst met with mouse and keys, and what must not come back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import Qt

from app.files.profile_text import read
from app.gui.sims.cube_steps_part import CubeStepsPart, drift_words
from app.project.project import Project, add_spectra
from app.project.sims_depth import FACTORS_OF_ALL, answer
from app.project.sims_profiles import show_profile
from app.project.sims_profiles_at import is_part, place_name, profile_at
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.image.place import Place, Roi
from fitting.sims.drift import ScanDrift
from fitting.sims.setup import DepthScale, Interface

IONS = ("Na+", "K+", "C_2H_3+")
ROI = Roi("r1", "Right", "rectangle", ((3.0, 0.0), (5.0, 6.0)))


def cube(title: str = "cube") -> Spectrum:
    counts = np.random.default_rng(5).poisson(3.0, (9, 6, 5, 3)).astype(np.uint8)
    axes = (Axis(np.arange(1.0, 10.0), "time", "s"), Axis(np.arange(6.0), "distance", "µm"),
            Axis(np.arange(5.0), "distance", "µm"))
    return Spectrum(Axis(np.arange(3.0), "ion", "", IONS, (22.989, 38.963, 27.023)), counts, Noise("poisson", 1.0),
                    Meta(technique="sims", region=title, title=title, sample="A"), navigation=axes)


@pytest.fixture
def entry():
    made = add_spectra(Project("P"), [cube()]).entries[0]
    return replace(made, rois=(ROI,))


@pytest.fixture
def shown(qtbot, window, entry):
    """The window with two cubes of the same ions, the first one drawn."""
    project = add_spectra(Project("P"), [cube(), cube("other")])
    window.files.show_project(project.with_entry(replace(project.entries[0], rois=(ROI,))), None)
    document = window.document
    document.select(document.project.entries[0].id)
    qtbot.waitUntil(lambda: window.centre.profile.shown is not None)
    return window


# -- the pixels outside of a shape ------------------------------------------------------------------------------------


def test_the_profile_outside_of_a_shape_is_that_of_the_other_pixels(entry):
    every, inside, outside = (profile_at(entry, place) for place in
                              (Place(), Place(roi="r1"), Place(roi="r1", outside=True)))
    counts = np.asarray(entry.spectrum.counts, dtype=float)
    assert np.array_equal(outside.y, counts[:, :, :3].sum(axis=(1, 2)))
    assert np.array_equal(inside.y + outside.y, every.y)
    assert (outside.name, inside.name) == ("cube, all but Right", "cube, Right")
    # Which scans the picture shows is no matter of the profile.
    assert np.array_equal(profile_at(entry, Place(roi="r1", scans=(2, 4))).y, inside.y)


@pytest.mark.parametrize(("place", "name", "part"), [
    (Place(), "Profile of cube", False), (Place(roi="r1"), "cube, Right", True),
    (Place(roi="r1", outside=True), "cube, all but Right", True), (Place((2, 4)), "cube, Pixel (4, 2)", True),
])
def test_places_have_names(entry, place, name, part):
    assert (place_name(entry, place), is_part(entry, place)) == (name, part)


def test_what_lies_outside_is_exported_as_it_is_drawn(qtbot, shown, tmp_path):
    document, page = shown.document, shown.profiles_panel
    shown.inspector.show_page("Profiles")
    document.set_place(Place(roi="r1"))
    qtbot.waitUntil(page.complement.isEnabled)
    page.complement.click()  # the same as "Outside" beside the image
    assert document.place == Place(roi="r1", outside=True)
    assert shown.navigator.outside.isChecked()
    plot = shown.centre.profile
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "cube, all but Right")
    shown.exports.profile_raw()
    assert "all but Right" in shown.exports.dialog.selectedFiles()[0]
    target = tmp_path / "outside.csv"
    shown.exports.dialog.fileSelected.emit(str(target))
    shown.exports.dialog.reject()
    qtbot.waitUntil(lambda: target.exists() and shown.tasks.idle)
    assert np.array_equal(read(target)[0].y, plot.profile.y)
    # Another shape that is drawn shows what lies inside of it.
    shown.navigator.edits.draw("rectangle", ((0.0, 0.0), (2.0, 2.0)), False)
    assert not document.place.outside
    qtbot.waitUntil(lambda: not page.complement.isChecked())


def test_factors_of_all_pixels_are_not_shown_as_those_of_a_region(entry):
    scaled = replace(entry, depth=DepthScale("phases", factors="gone"))
    part = profile_at(scaled, Place(roi="r1"))
    assert FACTORS_OF_ALL in show_profile(scaled, part, part=True).notes
    assert FACTORS_OF_ALL in answer(scaled, part, part=True).note
    assert FACTORS_OF_ALL not in answer(scaled, profile_at(scaled)).note
    assert not show_profile(entry, profile_at(entry, Place(roi="r1")), part=True).notes  # only ions are drawn


# -- the plot ---------------------------------------------------------------------------------------------------------


def test_a_hidden_or_chosen_trace_is_one_of_its_own_measurement(qtbot, shown):
    plot, document = shown.centre.profile, shown.document
    first, second = (e.id for e in document.project.entries)
    keys = [drawn.key for drawn in plot.shown.drawn]
    plot.toggle_hidden(keys[0])
    plot.highlight(keys[1])
    assert plot.hidden == {keys[0]}
    document.select(second)
    qtbot.waitUntil(lambda: plot.profile is not None and plot.profile.name == "Profile of other")
    qtbot.waitUntil(lambda: plot.hidden == frozenset())  # it is drawn a moment later
    assert plot.highlighted == ""
    document.select(first)


def test_a_cube_is_not_added_up_for_a_plot_that_is_not_shown(shown, monkeypatch):
    added = []
    monkeypatch.setattr(Spectrum, "summed", lambda self, mask=None: added.append(self.name))
    document = shown.document
    document.select(document.project.entries[1].id)
    document.set_place(Place((1, 1)))
    assert document.shown() is None
    assert added == []


@pytest.mark.parametrize(("value", "words"), [
    (2e14, "2·10¹⁴"), (1e14, "10¹⁴"), (1.25e8, "1.25·10⁸"), (-1e9, "−10⁹"), (0.0, "0"), (-2.5e-7, "−2.5·10⁻⁷"),
])
def test_large_numbers_on_an_axis_are_powers_of_ten(window, value, words):
    axis = window.centre.profile.canvas.main.getAxis("bottom")
    assert axis.tickStrings([value, 5e14], 1.0, 1e14)[0] == words


def test_the_navigator_tells_a_tool_in_whole_sentences(qtbot, shown):
    navigator = shown.navigator
    qtbot.mouseClick(navigator.tools["polygon"], Qt.MouseButton.LeftButton)
    assert navigator.readout.wordWrap()
    needed = navigator.readout.heightForWidth(navigator.readout.width())
    qtbot.waitUntil(lambda: navigator.readout.height() >= needed)
    navigator.view.set_tool("")
    navigator._hovered(0, 0)
    assert not navigator.readout.wordWrap()  # under the moving pointer the image keeps its place


# -- drift ------------------------------------------------------------------------------------------------------------


def drift_of(unsure: int) -> ScanDrift:
    n = 10
    rows = np.where(np.arange(n) < unsure, np.nan, np.linspace(0.0, 6.0, n))
    errors, path = np.full(n, 0.1), np.linspace(0.0, 6.0, n)
    return ScanDrift(np.arange(float(n)), rows, rows, errors, errors, path, path, errors, errors, 1, unsure)


def test_a_path_between_a_few_scans_is_not_corrected(qtbot, shown):
    assert drift_of(5).found
    assert not drift_of(5).guessed
    assert drift_of(6).guessed
    assert not drift_of(6).found
    assert "guess" not in drift_words(drift_of(5), ("#000000", "#ffffff"))
    assert "is a guess, and is not corrected" in drift_words(drift_of(6), ("#000000", "#ffffff"))
    shown.inspector.show_page("Process")
    part = shown.process_panel.findChild(CubeStepsPart)
    for unsure, free in ((2, True), (8, False)):
        part.drift = drift_of(unsure)
        part.refresh()
        assert part.correct_drift.isEnabled() == free


# -- depth ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "poor"), [("step", "poor"), ("layer", "")])
def test_a_response_off_a_trace_of_unknown_noise_is_no_result(shape, poor):
    t = np.arange(1.0, 61.0)
    y = 1000 / (1 + np.exp(-(t - 20) / 1.5)) / (1 + np.exp((t - 40) / 1.5)) + 10.0
    y += np.random.default_rng(3).normal(0.0, 5.0, t.size)
    axis = Axis(np.arange(1.0), "ion", "", ("C_2-",), (23.999,))
    profile = Spectrum(axis, y[:, None], Noise("unknown"), Meta(technique="sims", title="p", region="p", sample="A"),
                       navigation=(Axis(t, "time", "s"),))
    entry = add_spectra(Project("P"), [profile]).entries[0]
    one = Interface("i", "Bulk", "C_2-", 5.0, 55.0, "time", "erf", shape)
    found = answer(replace(entry, interfaces=(one,))).interfaces[0]
    assert found.failed == ""
    assert found.poor == poor
    assert ("does not follow the trace" in found.status) == bool(poor)
