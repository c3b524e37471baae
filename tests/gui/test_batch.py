"""Copy and paste of models, propagation, templates, folders: from the menus to the document."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from app.files.vamas_writer import write_vamas
from app.project import template_file
from app.project.template import Reference, template_of
from tests.app.project import simulated

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def two(window):
    """Two samples in the window; the first has its models, not fitted."""
    project = simulated.with_models(simulated.sample("A"))
    project = simulated.sample("B", 4, scale=0.5, share=0.3, project=project)
    window.files.show_project(project, None)
    return window


def settle(qtbot, window):
    qtbot.waitUntil(lambda: window.tasks.idle, timeout=60_000)


def of(window, sample):
    project = window.document.project
    return {e.spectrum.name: e.id for e in project.entries if project.sample(e.sample).name == sample}


def test_copy_and_paste_a_model(qtbot, two):
    a, b = of(two, "A"), of(two, "B")
    two.actions_["edit.paste_model"].trigger()
    assert "Nothing is copied" in two.messages.messages[0].text
    two.messages.clear()
    two.document.select(a["O 1s"])
    two.actions_["edit.copy_model"].trigger()
    two.document.choose([b["O 1s"], b["C 1s"]])
    before = two.document.project
    two.actions_["edit.paste_model"].trigger()
    settle(qtbot, two)
    assert len(two.document.project.entry(b["O 1s"]).fits) == 1
    assert two.document.project.entry(b["C 1s"]).fits == ()
    text = two.messages.messages[0].text
    assert "was put on 1 spectrum" in text
    assert "C 1s: The spectrum" in text
    two.actions_["edit.undo"].trigger()
    assert two.document.project is before  # one step


def test_propagate_and_fit_chosen(qtbot, two):
    a, b = of(two, "A"), of(two, "B")
    two.document.select(a["O 1s"])
    two.actions_["fit.propagate"].trigger()
    assert "Ctrl+click" in two.messages.messages[0].text
    two.messages.clear()
    two.document.choose([a["O 1s"], b["O 1s"]], a["O 1s"])
    two.actions_["fit.propagate"].trigger()
    settle(qtbot, two)
    fit_button = next(x for x in two.messages.messages[0].buttons if x.text() == "Fit chosen spectra")
    qtbot.mouseClick(fit_button, LEFT)
    settle(qtbot, two)
    for id, share in ((a["O 1s"], 0.5), (b["O 1s"], 0.3)):
        result = two.document.project.entry(id).fits[0].result
        assert result.success
        assert result.value("p1.area") / (result.value("p1.area") + result.value("p2.area")) == pytest.approx(
            share, abs=0.04
        )
    assert two.document.undo_text == "Fit 2 regions"


@pytest.mark.parametrize(
    ("command", "components"), [("fit.propagate_regions", 0), ("fit.propagate_all", 2)],
)
def test_parts_of_a_model_are_propagated(qtbot, two, command, components):
    a, b = of(two, "A"), of(two, "B")
    two.document.choose([a["C 1s"], b["C 1s"]], a["C 1s"])
    two.actions_[command].trigger()
    settle(qtbot, two)
    (fit,) = two.document.project.entry(b["C 1s"]).fits
    assert len(fit.model.components) == components


def test_template_is_saved_and_applied(qtbot, two, tmp_path):
    a, b = of(two, "A"), of(two, "B")
    two.document.choose(a.values())
    two.actions_["fit.save_template"].trigger()
    dialog = two.batch.dialog
    qtbot.waitUntil(dialog.isVisible)
    target = template_file.folders()[0] / "My cathodes.json"
    dialog.fileSelected.emit(str(target))
    dialog.close()
    assert template_file.names().count("My cathodes") == 1
    rows = {row.text(): row for row in two.actions_.rows("fit.template")}
    assert {"My cathodes", "Na2CO3 and NaF"} <= set(rows)
    two.document.choose(b.values())
    rows["My cathodes"].trigger()
    settle(qtbot, two)
    assert all(len(two.document.project.entry(id).fits) == 1 for id in b.values())
    assert "put 3 regions on 3 of 3 spectra" in two.messages.messages[0].text
    assert two.document.undo_text == "Template My cathodes"


def test_charge_reference_of_a_template_is_exact_after_the_fit(qtbot, window):
    source = simulated.with_models(simulated.sample("Source"))
    rule = Reference("C 1s", "C–C", 284.8)
    template_file.keep(template_of(source, tuple(e.id for e in source.entries), "Cathodes", rule))
    window.files.show_project(simulated.sample("Charged", 6, 1.5), None)
    document = window.document
    document.choose([e.id for e in document.project.entries])
    window.batch.apply_template("Cathodes")
    settle(qtbot, window)
    shifts = {e.recipe.energy_shift for e in document.project.entries}
    assert max(shifts) == pytest.approx(-1.5, abs=0.08)
    assert "matched before the fit" in document.project.entries[0].recipe.charge_reference()
    window.actions_["fit.chosen"].trigger()
    settle(qtbot, window)
    carbon = next(e for e in document.project.entries if e.spectrum.name == "C 1s")
    assert carbon.fits[0].result.value("p1.position") == pytest.approx(284.8, abs=1e-9)
    assert {e.recipe.charge_reference() for e in document.project.entries} == {"C 1s C–C at 284.8 eV"}


def test_bad_template_file_is_refused(qtbot, two, tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_text('{"format": "sodalite template", "version": 99}')
    two.actions_["fit.import_template"].trigger()
    dialog = two.batch.dialog
    dialog.fileSelected.emit(str(bad))
    dialog.close()
    assert "newer than this program" in two.messages.messages[0].text


def test_folder_is_processed_and_opened(qtbot, two, tmp_path):
    project = simulated.with_models(simulated.sample("Source"))
    ids = tuple(e.id for e in project.entries)
    template_file.keep(template_of(project, ids, "Cathodes", Reference("C 1s", "C–C", 284.8)))
    data = tmp_path / "data"
    data.mkdir()
    for seed in (1, 2):
        made = simulated.sample("x", 30 + seed)
        write_vamas(data / f"file {seed}.vms", [e.spectrum for e in made.entries])
    (data / "broken.vms").write_text("nonsense")
    two.actions_["file.folder"].trigger()
    dialog = two.batch.dialog
    qtbot.waitUntil(dialog.isVisible)
    assert not dialog.go.isEnabled()
    assert not dialog.isModal()
    dialog.take_folder(str(data))
    assert "3 files" in dialog.words.text()
    dialog.template.setCurrentText("Cathodes")
    target = next(f for f in dialog.findChildren(QLineEdit) if f.accessibleName() == "Project to write")
    assert target.text().endswith("data.sodalite")
    target.setText(str(tmp_path / "data.h5"))
    assert not dialog.go.isEnabled()
    target.setText(str(tmp_path / "data.sodalite"))
    qtbot.mouseClick(dialog.go, LEFT)
    settle(qtbot, two)
    message = two.messages.messages[0]
    assert "3 files worked on, 1 with failures" in message.text
    assert (tmp_path / "data.csv").is_file()
    qtbot.mouseClick(message.buttons[0], LEFT)
    qtbot.waitUntil(lambda: two.document.path == tmp_path / "data.sodalite", timeout=60_000)
    settle(qtbot, two)
    assert [s.name for s in two.document.project.samples] == ["file 1", "file 2"]


def test_folder_result_that_exists_needs_a_word(qtbot, two, tmp_path):
    (tmp_path / "x.vms").write_text("nonsense")
    (tmp_path / "out.sodalite").write_text("x")
    two.actions_["file.folder"].trigger()
    dialog = two.batch.dialog
    dialog.source.setText(str(tmp_path))
    dialog.target.setText(str(tmp_path / "out.sodalite"))
    assert "exists already" in dialog.words.text()
    dialog.resume.setChecked(True)
    assert dialog.go.isEnabled()
    dialog.reject()


def test_work_on_a_project_that_changed_meanwhile_keeps_both(qtbot, two):
    a, b = of(two, "A"), of(two, "B")
    document = two.document
    document.choose([a["C 1s"], b["C 1s"]], a["C 1s"])
    two.actions_["fit.propagate"].trigger()
    entry = document.project.entry(b["O 1s"])
    document.apply("Rename", document.project.with_entry(replace(entry, name="renamed")))
    settle(qtbot, two)
    assert document.project.entry(b["O 1s"]).title == "renamed"
    assert len(document.project.entry(b["C 1s"]).fits) == 1
