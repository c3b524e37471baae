"""A template over a folder: all files worked on, failures flagged, gone on with, one project and one table."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import pytest

from app.files.vamas_writer import write_vamas
from app.project import store, template_file
from app.project.folder import run_folder
from app.project.folder_files import files_in, outputs_of
from app.project.template import Reference, template_of
from libraries.errors import BadFile, CannotWrite
from tests.app.project import simulated

SHARES = {"a 2": 0.2, "a 10": 0.5, "b": 0.8}


@pytest.fixture
def template():
    project = simulated.with_models(simulated.sample("Source"))
    return template_of(project, tuple(e.id for e in project.entries), "Cathodes", Reference("C 1s", "C–C", 284.8))


@pytest.fixture
def data(tmp_path):
    place = tmp_path / "data"
    place.mkdir()
    for seed, (name, share) in enumerate(SHARES.items()):
        project = simulated.sample("same name", 20 + seed, charge=0.7 * seed, share=share)
        write_vamas(place / f"{name}.vms", [e.spectrum for e in project.entries])
    return place


def plain_read(path):
    from app.files import read

    return read(path)


def rows_of(path):
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_files_come_in_natural_order_and_results_are_no_data(data):
    (data / "notes.docx").write_text("x")
    (data / "old.sodalite").write_text("x")
    assert [f.name for f in files_in([data])] == ["a 2.vms", "a 10.vms", "b.vms"]
    assert files_in([data / "b.vms"]) == (data / "b.vms",)
    with pytest.raises(BadFile, match="no file of spectra"):
        files_in([data.parent])


def test_folder_becomes_one_project_and_one_table(data, template, tmp_path):
    heard = []
    run = run_folder([data], template, tmp_path / "out.sodalite", lambda f, t: heard.append(f), read=plain_read)
    assert (run.files, run.fitted_now, run.failures, run.cancelled) == (3, 3, (), False)
    assert heard == sorted(heard)
    assert heard[-1] == 1.0
    assert [s.name for s in run.project.samples] == ["a 2", "a 10", "b"]
    assert store.load(tmp_path / "out.sodalite").equals(run.project)
    rows = rows_of(tmp_path / "out.csv")
    assert [row["sample"] for row in rows] == ["a 2", "a 10", "b"]
    for row, share in zip(rows, SHARES.values(), strict=True):
        assert row["flags"] == ""
        assert float(row["C 1s, C–C: position [eV]"]) == pytest.approx(284.8)
        oxide, error = (float(row[f"O 1s, oxide: area{x} [counts eV]"]) for x in ("", " standard error"))
        assert oxide == pytest.approx(8000 * share, abs=5 * error)
        total = sum(float(row[f"{element} at.% [at.%]"]) for element in ("C", "O", "Na"))
        assert total == pytest.approx(100.0)
        assert float(row["C 1s: reduced χ²"]) == pytest.approx(1.0, abs=0.5)
    assert rows_of(tmp_path / "out-failures.csv") == []


def test_failures_are_flagged_and_stop_nothing(data, template, tmp_path):
    (data / "c broken.vms").write_text("VAMAS nonsense")
    project = simulated.sample("other", 5)
    other = project.entries[0].spectrum
    other = other.with_(axis=replace(other.axis, values=other.x - 150.0), meta=replace(other.meta, region="Si 2p"))
    write_vamas(data / "d other line.vms", [other])

    def read(path):
        if path.name == "b.vms":
            raise ValueError("a defect of a reader")
        return plain_read(path)

    run = run_folder([data], template, tmp_path / "out.sodalite", read=read, workers=3)
    told = {f.file.rpartition("/")[2]: f.what for f in run.failures}
    assert set(told) == {"b.vms", "c broken.vms", "d other line.vms"}
    assert "a defect of a reader" in told["b.vms"]
    assert "matches the template 'Cathodes'" in told["d other line.vms"]
    assert {"a 2", "a 10"} <= {s.name for s in run.project.samples}
    rows = {row["file"].rpartition("/")[2]: row for row in rows_of(tmp_path / "out.csv")}
    assert rows["a 2.vms"]["C at.% [at.%]"]
    assert "defect" in rows["b.vms"]["flags"]
    assert rows["b.vms"]["C at.% [at.%]"] == ""
    assert len(rows_of(tmp_path / "out-failures.csv")) == 3


def test_stopped_and_gone_on_with_is_the_same_as_at_once(data, template, tmp_path):
    whole = run_folder([data], template, tmp_path / "whole.sodalite", read=plain_read, workers=1)
    read = []

    def counted(path):
        read.append(path.name)
        return plain_read(path)

    out = tmp_path / "out.sodalite"
    first = run_folder([data], template, out, None, lambda: len(read) >= 2, read=counted, workers=1)
    assert first.cancelled
    assert any("stopped" in f.what for f in first.failures)
    finished = len(first.project.samples)
    assert finished < 3
    with pytest.raises(CannotWrite, match="exists already"):
        run_folder([data], template, out, read=counted)
    read.clear()
    second = run_folder([data], template, out, read=counted, workers=1, resume=True)
    assert len(read) == 3 - finished
    assert (second.failures, second.cancelled) == ((), False)
    by_name = {e.sample: e for e in whole.project.entries if e.spectrum.name == "O 1s"}
    again = {e.sample: e for e in second.project.entries if e.spectrum.name == "O 1s"}
    assert by_name.keys() == again.keys()
    for key, entry in by_name.items():
        assert again[key].fits[0].result.value("p1.area") == pytest.approx(entry.fits[0].result.value("p1.area"),
                                                                          rel=1e-9)


def test_changed_and_failed_files_are_done_again(data, template, tmp_path):
    out = tmp_path / "out.sodalite"
    (data / "c.vms").write_text("broken")
    first = run_folder([data], template, out, read=plain_read)
    assert len(first.failures) == 1
    for name, seed in (("c", 40), ("b", 41)):
        project = simulated.sample("x", seed, share=0.35)
        write_vamas(data / f"{name}.vms", [e.spectrum for e in project.entries])
    second = run_folder([data], template, out, read=plain_read, resume=True)
    assert (second.fitted_now, second.failures) == (2, ())
    assert sorted(s.name for s in second.project.samples) == ["a 10", "a 2", "b", "c"]
    entry = next(e for e in second.project.entries if e.sample == "b" and e.spectrum.name == "O 1s")
    assert entry.fits[0].result.value("p1.area") == pytest.approx(2800, rel=0.1)


def test_other_template_or_damaged_list_is_refused(data, template, tmp_path):
    out = tmp_path / "out.sodalite"
    run_folder([data / "b.vms"], template, out, read=plain_read)
    other = replace(template, note="changed")
    with pytest.raises(CannotWrite, match="another template"):
        run_folder([data], other, out, read=plain_read, resume=True)
    outputs_of(out)["progress"].write_text('{"template": 3}')
    with pytest.raises(BadFile, match="damaged"):
        run_folder([data], template, out, read=plain_read, resume=True)


def test_data_are_never_overwritten(data, template, tmp_path):
    with pytest.raises(CannotWrite, match="ending in"):
        run_folder([data], template, tmp_path / "out.h5", read=plain_read)
    (data / "b.csv").write_bytes((data / "b.vms").read_bytes())
    with pytest.raises(CannotWrite, match="never overwritten"):
        run_folder([data / "b.csv"], template, data / "b.sodalite", read=plain_read)


def test_series_in_a_file_has_a_row_for_each_level(template, tmp_path):
    project, shares = simulated.profile(3)
    from app.project.series import combine_all

    joined, made, refused = combine_all(project, [e.id for e in project.entries])
    assert refused == ()
    spectra = [joined.entry(id).spectrum for id in made]
    file = tmp_path / "profile.vms"
    file.write_text("read below")
    run = run_folder([file], template, tmp_path / "out.sodalite", read=lambda path: spectra)
    assert run.failures == ()
    rows = rows_of(tmp_path / "out.csv")
    assert [float(row["depth [nm]"]) for row in rows] == [0.0, 2.0, 4.0]
    areas = [float(row["O 1s, oxide: area [counts eV]"]) for row in rows]
    assert areas == pytest.approx([8000 * s for s in shares], rel=0.12)


def test_command_line(data, template, tmp_path, monkeypatch, capsys):
    from app.__main__ import main

    monkeypatch.setenv("SODALITE_CONFIG_DIR", str(tmp_path / "config"))
    template_file.keep(template)
    (data / "c.vms").write_text("broken")
    out = tmp_path / "out.sodalite"
    arguments = ["batch", str(data), "--template", "Cathodes", "-o", str(out), "--workers", "2", "--json"]
    assert main(arguments) == 1  # one file failed, the others are there
    said = capsys.readouterr()
    answer = json.loads(said.out)
    assert (answer["files"], answer["failed"], answer["fitted_now"]) == (4, 1, 4)
    assert "c.vms" in said.err
    assert "Traceback" not in said.err
    assert len(rows_of(out.with_suffix(".csv"))) == 4
    (data / "c.vms").unlink()
    assert main([*arguments, "--resume"]) == 0
    assert main([*arguments[:-1], "--resume", "--cold"]) == 1
    assert "--cold is for images" in capsys.readouterr().err


@pytest.mark.parametrize("resume", [False, True])
@pytest.mark.parametrize("name", ["out.csv", "out-failures.csv"])
def test_tables_of_others_are_never_overwritten(data, template, tmp_path, name, resume):
    (tmp_path / name).write_text("mine")
    with pytest.raises(CannotWrite, match="exists already"):
        run_folder([data], template, tmp_path / "out.sodalite", read=plain_read, resume=resume)
    assert (tmp_path / name).read_text() == "mine"
    assert not (tmp_path / "out.sodalite").exists()


def test_a_project_of_the_analyst_is_not_gone_on_with(data, template, tmp_path):
    mine = simulated.sample("Mine")
    store.save(mine, tmp_path / "mine.sodalite")
    with pytest.raises(CannotWrite, match="list of finished files is missing"):
        run_folder([data], template, tmp_path / "mine.sodalite", read=plain_read, resume=True)
    assert store.load(tmp_path / "mine.sodalite").equals(mine)
