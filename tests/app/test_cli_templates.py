"""`sodalite templates`, and `sodalite fit --template` with a whole template."""

from __future__ import annotations

import csv
import json

import pytest

from app.__main__ import main
from app.files.vamas_writer import write_vamas
from app.project import store, template_file
from app.project.template import Reference, template_of
from tests.app.project import simulated


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setenv("SODALITE_CONFIG_DIR", str(tmp_path / "config"))
    project = simulated.with_models(simulated.sample("Source"))
    ids = tuple(e.id for e in project.entries)
    template_file.keep(template_of(project, ids, "Cathodes", Reference("C 1s", "C–C", 284.8), "of mine"))
    other = simulated.sample("New", 8, 1.4, share=0.25)
    write_vamas(tmp_path / "new.vms", [e.spectrum for e in other.entries])
    return tmp_path


def test_list_shows_mine_and_the_programs(place, capsys):
    assert main(["templates"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["Template", "From", "Regions", "Note"]
    mine = next(line for line in lines if line.startswith("Cathodes"))
    assert "yours" in mine
    assert "C 1s, O 1s, Na 1s" in mine
    assert any(line.startswith("Na2CO3 and NaF") and "program" in line for line in lines)
    assert main(["templates", "--json"]) == 0
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)}
    assert rows["Cathodes"]["reference"] == "C 1s C–C at 284.8 eV"
    assert [r["name"] for r in rows["Cathodes"]["regions"]] == ["C 1s", "O 1s", "Na 1s"]


def test_show_import_export(place, capsys):
    assert main(["templates", "Na2CO3 and NaF"]) == 0
    assert "NIST SRD 20" in capsys.readouterr().out
    shared = place / "shared.json"
    assert main(["templates", "Cathodes", "--export", str(shared)]) == 0
    template_file.remove("Cathodes")
    assert main(["templates", "--import", str(shared)]) == 0
    assert template_file.is_own("Cathodes")
    shared.write_text("{}")
    assert main(["templates", "--import", str(shared)]) == 1
    assert "not a template" in capsys.readouterr().err
    assert main(["templates", "nobody"]) == 1
    assert main(["templates", "--export", str(shared)]) == 1


def test_damaged_template_of_mine_does_not_hide_the_others(place, capsys):
    (place / "config" / "templates" / "bad.json").write_text("nonsense")
    assert main(["templates"]) == 1
    said = capsys.readouterr()
    assert "bad.json" in said.err
    assert "Cathodes" in said.out


def test_fit_with_a_whole_template(place, capsys):
    out, table = place / "out.sodalite", place / "out.csv"
    arguments = ["fit", str(place / "new.vms"), "--template", "Cathodes", "-o", str(out)]
    assert main([*arguments, "--csv", str(table), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert len(answer["regions"]) == 3
    (composition,) = answer["compositions"].values()
    assert sum(row["at_percent"] for row in composition) == pytest.approx(100.0)
    project = store.load(out)
    assert {round(e.recipe.energy_shift, 1) for e in project.entries} == {-1.4}
    with table.open(encoding="utf-8") as file:
        assert len(list(csv.reader(file))) == 1 + 5
    # One spectrum of it, and text instead of JSON.
    assert main([*arguments, "--spectrum", "O 1s"]) == 0
    said = capsys.readouterr()
    assert "oxide" in said.out
    assert "C 1s: no spectrum" in said.err
    assert main([*arguments, "--spectrum", "Si 2p"]) == 1
    assert "There is no spectrum 'Si 2p'" in capsys.readouterr().err
    assert main([*arguments, "--starts", "5"]) == 1
    assert "for a single model" in capsys.readouterr().err


def test_template_that_matches_nothing(place, capsys):
    out = place / "out.sodalite"
    assert main(["fit", str(place / "new.vms"), "--template", "V 2p and O 1s on one background", "-o", str(out),
                 "--spectrum", "Na 1s"]) == 1
    assert "No spectrum matches" in capsys.readouterr().err
    assert not out.exists()


def test_nothing_of_the_user_is_overwritten(place, capsys):
    shared = place / "shared.json"
    assert main(["templates", "Cathodes", "--export", str(shared)]) == 0
    text = shared.read_text(encoding="utf-8")
    assert main(["templates", "Na2CO3 and NaF", "--export", str(shared)]) == 1
    assert shared.read_text(encoding="utf-8") == text
    assert main(["templates", "--import", str(shared)]) == 0  # the same again
    shared.write_text(text.replace("of mine", "of somebody else"), encoding="utf-8")
    assert main(["templates", "--import", str(shared)]) == 1
    assert "another template 'Cathodes'" in capsys.readouterr().err
    assert template_file.get("Cathodes").note == "of mine"


def test_a_table_never_takes_the_place_of_the_data(place, capsys):
    data = place / "new.vms"
    before = data.read_bytes()
    out = str(place / "o.sodalite")
    for command in (["fit", str(data), "--template", "Cathodes", "-o", out, "--csv", str(data)],
                    ["batch", str(data), "--template", "Cathodes", "-o", out, "--csv", str(data)]):
        assert main(command) == 1
        assert "never overwritten" in capsys.readouterr().err
        assert data.read_bytes() == before
