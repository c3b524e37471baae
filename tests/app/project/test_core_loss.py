"""Core-loss analysis in a project: kept in the file, out of date when something changes; the command line."""

import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from app.cli import main
from app.files.csv_writer import write_csv
from app.project.core_loss import compute, low_loss_at, setup_for, state_of, with_result, with_setup
from app.project.project import Project, add_spectra
from app.project.store import load, save
from fitting.dataset import Axis, Noise, Spectrum
from libraries.errors import NotDetermined, UnknownName
from tests.fitting.eels.core_made import CORE, META, background, core_spectrum, edge_counts, low_loss, low_spectrum

LOW = low_loss()


@pytest.fixture(scope="module")
def project():
    expected = background(3e4) + 60 * edge_counts("B K", 1.0, LOW) + 45 * edge_counts("N K", 1.0, LOW)
    counts = np.random.default_rng(1).poisson(expected).astype(float)
    core, low = core_spectrum(counts), low_spectrum(LOW)
    core = core.with_(meta=replace(core.meta, region="Core"))
    made = add_spectra(Project("BN"), [core, low.with_(meta=replace(low.meta, region="Low"))])
    made = made.with_entry(replace(made.entries[0], low_loss=made.entries[1].id))
    return with_setup(made, made.entries[0].id, setup_for(core, ["B", "N_K"]))


@pytest.fixture(scope="module")
def done(project):
    id = project.entries[0].id
    return with_result(project, id, compute(project, id))


def test_result_comes_back_from_the_file(done, tmp_path):
    target = tmp_path / "bn.sodalite"
    save(done, target)
    again = load(target)
    assert again.equals(done)
    result = again.entries[0].core.result
    assert result.row("B K").at_percent == done.entries[0].core.result.row("B K").at_percent
    assert state_of(again, again.entries[0]) == ""
    assert result.ratio("B", "N")[0] == pytest.approx(60 / 45, rel=0.1)


def test_out_of_date_is_said(done):
    entry = done.entries[0]
    changed = with_setup(done, entry.id, replace(entry.core.setup, angle_error=0.1))
    assert "Settings" in state_of(changed, changed.entries[0])
    other = replace(entry, spectrum=entry.spectrum.with_(counts=entry.spectrum.counts + 1.0))
    assert "spectrum has changed" in state_of(done.with_entry(other), other)
    low = done.entries[1]
    brighter = replace(low, spectrum=low.spectrum.with_(counts=low.spectrum.counts * 2.0))
    assert "low loss has changed" in state_of(done.with_entry(brighter), entry)


def test_low_loss_of_a_place():
    axes = (Axis(np.arange(2.0), "index", ""),)
    core = Spectrum(Axis(CORE, "energy_loss"), np.ones((2, CORE.size)), Noise("poisson", 1.0), META, navigation=axes)
    low = low_spectrum(np.stack((LOW, 2 * LOW))[0])
    low = Spectrum(low.axis, np.stack((LOW, 2 * LOW)), low.noise, low.meta, navigation=axes)
    project = add_spectra(Project(), [core, low])
    entry = replace(project.entries[0], low_loss=project.entries[1].id)
    project = project.with_entry(entry)
    from fitting.image.place import Place

    # Of all pixels: each weighs by its core loss, here equal ones, then 1 to 3.
    assert low_loss_at(project, entry).y.sum() == pytest.approx(3 * LOW.sum())
    thick = core.with_(counts=core.y * np.array([[1.0], [3.0]]))
    heavy = replace(entry, spectrum=thick)
    found = low_loss_at(project.with_entry(heavy), heavy).y.sum()
    assert found == pytest.approx((2 * 0.25 * 1 + 2 * 0.75 * 2) * LOW.sum())
    assert low_loss_at(project, entry, Place((1,))).y.sum() == pytest.approx(2 * LOW.sum())


def test_elements_without_an_edge_are_refused(project):
    spectrum = project.entries[0].spectrum
    with pytest.raises(NotDetermined, match="no strong edge"):
        setup_for(spectrum, ["F"])
    with pytest.raises(UnknownName):
        setup_for(spectrum, ["Qq"])


def _run(capsys, *words):
    status = main(words, window=lambda _: 0)
    out = capsys.readouterr()
    return status, out.out, out.err


def test_command_line(project, tmp_path, capsys):
    core, low = tmp_path / "core.csv", tmp_path / "low.csv"
    write_csv(core, project.entries[0].spectrum)
    write_csv(low, project.entries[1].spectrum)
    common = ("eels", str(core), "--low", str(low), "--edges", "B_K=188,N")
    status, _, err = _run(capsys, *common)
    assert status == 1
    assert "not known" in err
    angles = ("--e0", "200", "--alpha", "5", "--beta", "10")
    table = tmp_path / "out.csv"
    status, out, err = _run(capsys, *common, *angles, "--exposure", "1", "--csv", str(table), "--json")
    assert status == 0, err
    found = json.loads(out)
    assert [one["edge"] for one in found["edges"]] == ["B K", "N K"]
    assert found["edges"][0]["at_percent"] == pytest.approx(57.1, abs=4)
    assert found["edges"][0]["areal_density_nm2"] == pytest.approx(60.0, rel=0.1)
    assert found["edges"][0]["onset_eV"] == 188.0
    assert len(list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))) == 2
    status, out, _ = _run(capsys, *common, *angles)
    assert status == 0
    assert "not determined" in out or "atoms/nm²" in out
    assert "Fine structure" in out
    status, _, err = _run(capsys, "eels", str(core), "--edges", "B_K", *angles)
    assert status == 1
    assert "--low" in err
