"""File > Export writes the shown depth profile as table; a mass spectrum opens on the scale of its file."""

from dataclasses import replace

import openpyxl
import pytest

from app.files import read
from app.gui.window import MainWindow
from app.project.project import Project
from fitting.identity import same
from fitting.sims.setup import ProfileLook
from tests.app.files.made_surfacelab import ROWS, profile, spectrum


@pytest.fixture
def window(qtbot):
    window = MainWindow()
    qtbot.addWidget(window)
    window.document.reset(Project())
    window.resize(1440, 900)
    window.show()
    yield window
    window.document.mark_saved(window.document.path)
    window.close()


def opened(qtbot, window, *paths):
    window.files.open_paths(list(paths))
    qtbot.waitUntil(lambda: window.tasks.idle and len(window.document.project.entries) == len(paths), timeout=60_000)
    window.actions_.refresh()


def exported(qtbot, window, command, path):
    assert window.actions_[command].isEnabled()
    window.actions_[command].trigger()
    window.exports.dialog.fileSelected.emit(str(path))
    window.exports.dialog.close()
    qtbot.waitUntil(lambda: window.tasks.idle and path.exists(), timeout=60_000)


def test_a_profile_is_exported_raw_and_as_shown(qtbot, window, tmp_path):
    path = tmp_path / "hard carbon pos.txt"
    path.write_text(profile(), newline="")
    opened(qtbot, window, path)
    document = window.document
    entry = document.entry
    assert entry.recipe.steps == ()
    exported(qtbot, window, "file.export_profile_raw", tmp_path / "raw.csv")
    (back,) = read(tmp_path / "raw.csv")
    file = entry.spectrum
    assert same((back.axis, back.counts, back.scales), (file.axis, file.counts, file.scales))
    look = ProfileLook(ions=("Na_2F+", "PbI+"), axis="dose", normal="total")
    document.apply("Look", document.project.with_entry(replace(entry, profile=look)))
    exported(qtbot, window, "file.export_profile", tmp_path / "shown.csv")
    lines = [line.split(",") for line in (tmp_path / "shown.csv").read_text().splitlines()]
    assert lines[0] == ["Dose", "Na_2F+", "Error of Na_2F+", "PbI+", "Error of PbI+"]
    assert [float(line[1]) for line in lines[4:]] == pytest.approx([row[1] / row[0] for row in ROWS])
    exported(qtbot, window, "file.export_profile", tmp_path / "shown.xlsx")
    book = openpyxl.load_workbook(tmp_path / "shown.xlsx")
    assert [cell.value for cell in book.worksheets[0][1]] == lines[0]


def test_what_was_left_out_of_a_file_is_said(qtbot, window, tmp_path):
    path = tmp_path / "pos.txt"
    path.write_text(profile(rows=(*ROWS, (0,) * 8), ratios=(("Na_2F+ / ( K+ )", (1, 1, 1, "inf")),)), newline="")
    opened(qtbot, window, path)
    texts = [message.text for message in window.messages.messages]
    assert texts == ["pos – points left out: the last point (4): nothing is counted there; "
                     "ratio column left out: Na_2F+ / ( K+ ): the file has no column of K+."]


def test_a_mass_spectrum_opens_on_the_scale_of_its_file(qtbot, window, tmp_path):
    path = tmp_path / "neg.txt"
    path.write_text(spectrum(), newline="")
    opened(qtbot, window, path)
    assert [step.kind for step in window.document.entry.recipe.steps] == ["mass_scale"]
    assert window.document.entry.processed().axis.quantity == "mass"
    assert not window.actions_["file.export_profile"].isEnabled()
    assert window.messages.messages == ()
