"""`sodalite identify`, and the same work on a project."""

from __future__ import annotations

import json

import pytest

from app.cli import parser
from app.files.vamas_writer import write_vamas
from app.project.identification import add_found_regions, auger_parameter_of, surveys
from app.project.project import Project, add_spectra
from app.project.work import shifted_entry
from fitting.simulate.samples import xps_sample
from fitting.simulate.xps import expectation, noisy
from fitting.xps.identify.candidates import identify
from libraries.errors import NotDetermined


@pytest.fixture(scope="module")
def simulation():
    return noisy(expectation(xps_sample("Cycled hard carbon")), 4)


@pytest.fixture(scope="module")
def file(simulation, tmp_path_factory):
    path = tmp_path_factory.mktemp("identify") / "cycled.vms"
    write_vamas(path, [simulation.spectrum("Survey"), simulation.spectrum("C 1s")])
    return path


def run(*words):
    arguments = parser.parse([str(word) for word in words])
    return arguments.run(arguments)


def test_json_and_text(file, capsys):
    assert run("identify", file, "--json", "--limit", "S", "--shift", "0.85") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["spectrum"] == "Survey"
    assert told["shift"] == 0.85
    found = {row["element"] for row in told["elements"] if row["verdict"] == "found"}
    assert found == {"C", "O", "Na", "F", "Cl"}
    sodium = next(row for row in told["elements"] if row["element"] == "Na")
    assert {"line", "expected", "found", "ratio", "status"} <= set(sodium["lines"][0])
    assert told["limits"][0]["element"] == "S"
    assert run("identify", file, "--spectrum", "Survey", "--shift", "0.85") == 0
    out, err = capsys.readouterr()
    assert "Na" in out
    assert "Verdict" in out
    assert "Na KL1L23" in err


def test_what_is_missing_is_said(simulation, tmp_path):
    path = tmp_path / "narrow.vms"
    write_vamas(path, [simulation.spectrum("C 1s")])
    with pytest.raises(NotDetermined, match="no survey"):
        run("identify", path)


def test_regions_and_auger_parameter(simulation):
    project = add_spectra(Project("p"), list(simulation.spectra))
    entry = surveys(project)[0]
    assert entry.title == "Survey"
    found = identify(entry.processed(), shift=0.85)
    after, names = add_found_regions(project, entry.id, found)
    windows = [fit.model.region for fit in after.entry(entry.id).fits]
    assert len(windows) == len(names) >= 4
    for name, place in (("F 1s", 685.3), ("Na 1s", 1072.4), ("C 1s", 285.5)):
        assert any(name in text for text in names)
        assert any(low < place < high for low, high in windows)
    assert add_found_regions(after, entry.id, found)[1] == ()
    parameter = auger_parameter_of(project, entry.sample)
    # The truth of the simulation: the cited Auger parameter of a layer of sodium ions, 2060.6 eV.
    assert parameter.value == pytest.approx(2060.6, abs=0.15)
    assert parameter.candidates[0].fits
    with pytest.raises(NotDetermined):
        auger_parameter_of(project, entry.sample, "Cu")
    # The whole sample moved: charging cancels. One spectrum alone: it does not.
    moved = project.map_entries(lambda e: shifted_entry(e, -1.0, "reference"))
    assert auger_parameter_of(moved, entry.sample).value == pytest.approx(parameter.value, abs=0.02)
    with pytest.raises(NotDetermined, match="Only some spectra"):
        auger_parameter_of(project.with_entry(shifted_entry(entry, -1.0, "reference")), entry.sample)
