"""Series and CasaXPS's regions in the window: offered on import, taken over, combined, split, undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.files.vamas_writer import write_vamas
from app.project import casa
from app.project.project import Project, add_spectra
from fitting.dataset import Axis
from tests.app.files.casa_text import CALIBRATION, component, region, section
from tests.app.files.test_casa_models import spectrum
from tests.app.project.test_series import angles, level

COMMENTS = section(region(), component(), component(shape="XYZ(1)"), calibrations=(CALIBRATION,))


@pytest.fixture
def open_file(qtbot, window, tmp_path):
    """Open spectra as a file, as File > Open does; returns the messages that it brought."""

    def opened(spectra):
        path = tmp_path / "measured.vms"
        write_vamas(path, spectra)
        window.files.open_paths([path])
        qtbot.waitUntil(lambda: window.tasks.idle and bool(window.document.project.entries), timeout=60_000)
        return window.messages.messages

    return opened


def press(qtbot, window, text):
    from PySide6.QtCore import Qt

    for message in window.messages.messages:
        for button in message.buttons:
            if button.text() == text:
                qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
                return
    raise AssertionError(f"no button {text}: {[m.text for m in window.messages.messages]}")


def test_casaxps_regions_are_offered_and_taken_over(qtbot, window, open_file):
    messages = open_file([spectrum(COMMENTS), spectrum(section(calibrations=(CALIBRATION,)))])
    assert [m.text for m in messages if m.kind == "question"] == ["CasaXPS stored 1 region with C 1s."]
    press(qtbot, window, "Use CasaXPS's regions and components")
    document = window.document
    first, second = document.project.entries
    assert casa.is_taken(first)
    assert [e.recipe.energy_shift for e in (first, second)] == pytest.approx([0.8, 0.8])
    assert document.fit is not None
    assert document.fit.name == "C 1s"
    (told,) = [m for m in window.messages.messages if m.kind == "warning"]
    assert told.text.startswith("1 region and 1 component of CasaXPS taken over, 2 spectra calibrated.")
    assert "The shape XYZ(1)" in told.text
    assert document.undo_text == "Use CasaXPS's regions and components"
    press(qtbot, window, "Undo")
    assert not document.project.entries[0].fits
    assert document.project.entries[0].recipe.steps == ()


def test_not_now_leaves_everything_and_the_menu_still_does_it(qtbot, window, open_file):
    open_file([spectrum(COMMENTS)])
    press(qtbot, window, "Not now")
    document = window.document
    assert not document.project.entries[0].fits
    window.series.use_casa()
    assert casa.is_taken(document.project.entries[0])
    window.series.use_casa()
    assert any("No region of CasaXPS is left" in m.text for m in window.messages.messages)


def test_the_commands_follow_the_spectrum(window):
    from app.gui.actions import conditions

    plain, stored = spectrum(()), spectrum(COMMENTS)
    series = level(0).with_(counts=np.ones((2, 20)), navigation=(Axis([0.0, 1.0], "time", "s"),))
    window.files.show_project(add_spectra(Project(), [plain, stored, series]), None)
    found = []
    for entry in window.document.project.entries:
        window.document.select(entry.id)
        now = conditions(window.document, window.tasks)
        found.append((now["casa"], now["series"]))
    assert found == [(False, False), (True, False), (False, True)]


def test_a_series_is_offered_combined_split_and_undone(qtbot, window, open_file):
    spectra = [*angles(0.0, 40.0, 70.0), *angles(0.0, 40.0, 70.0, region="O 1s")]
    spectra = [replace(s, meta=replace(s.meta, source_analyser_angle=60.0)) for s in spectra]
    messages = open_file(spectra)
    assert [m.text for m in messages if m.kind == "question"] == [
        "C 1s, O 1s: measured at 3 values of the emission angle."]
    document = window.document
    assert [e.value for e in document.project.entries] == [0, 40, 70] * 2
    press(qtbot, window, "Combine into series")
    assert [e.title for e in document.project.entries] == ["C 1s by emission angle", "O 1s by emission angle"]
    assert document.entry.title == "C 1s by emission angle"
    combined = window.messages.messages
    window.series.split()
    before = document.project
    combined[0].buttons[0].click()  # its step is no longer the last one
    assert document.project is before
    assert [e.title for e in document.project.entries][:3] == ["C 1s 0°", "C 1s 40°", "C 1s 70°"]
    assert document.entry.title == "C 1s 0°"
    document.undo()
    document.undo()
    assert len(document.project.entries) == 6


def test_the_shown_spectrum_stands_for_all_of_its_region(window):
    window.files.show_project(add_spectra(Project(), [*angles(0.0, 40.0), level(5, region="O 1s")]), None)
    window.series.combine()
    assert [e.title for e in window.document.project.entries] == ["C 1s by emission angle", "O 1s"]
    window.document.select(window.document.project.entries[1].id)
    window.series.combine()
    assert any("a series needs several" in m.text for m in window.messages.messages)


def test_refusals_say_why(window):
    window.files.show_project(add_spectra(Project(), angles(0.0, 40.0, 40.0)), None)
    window.series.combine()
    assert any("same emission angle, 40°" in m.text for m in window.messages.messages)
    window.series.split()
    assert any("This is a single spectrum" in m.text for m in window.messages.messages)
    assert len(window.document.project.entries) == 3


def test_the_export_lists_what_casaxps_does_not_know(qtbot, window, project, tmp_path):
    window.files.show_project(project, None)  # its region has a constant that is fitted with the peaks
    window.exports.vamas()
    path = tmp_path / "out.vms"
    window.exports.dialog.fileSelected.emit(str(path))
    window.exports.dialog.close()
    qtbot.waitUntil(lambda: window.tasks.idle and path.exists(), timeout=60_000)
    warnings = [m.text for m in window.messages.messages if m.kind == "warning"]
    assert len(warnings) == 1
    assert "is left out with its components" in warnings[0]
