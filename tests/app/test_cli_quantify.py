"""`sodalite quantify` with factors, region areas, transmission, ratios, bootstrap and model spread."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from app import __main__ as program
from app.project.project import Project, Sample
from app.project.store import save
from tests.app.project.test_compose import PLACES, entry, factors


@pytest.fixture(scope="module")
def fitted(tmp_path_factory):
    path = tmp_path_factory.mktemp("quantify") / "p.sodalite"
    save(Project("test", (Sample("s", "one"),), tuple(entry(n, seed=i) for i, n in enumerate(PLACES))), path)
    return path


def answer(capsys, *words):
    assert program.main(["quantify", *map(str, words), "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    return found


def test_factors_from_a_file(fitted, tmp_path, capsys):
    plain = answer(capsys, fitted)
    (tmp_path / "f.csv").write_text(factors().to_csv(), encoding="utf-8")
    mine = answer(capsys, fitted, "--factors", tmp_path / "f.csv")
    assert [row["at_percent"] for row in mine["composition"]] == pytest.approx(
        [row["at_percent"] for row in plain["composition"]])
    assert mine["lines"][0]["factor_source"] == "mine: a table"
    (tmp_path / "f.csv").write_text(factors(("C 1s", "O 1s")).to_csv(), encoding="utf-8")
    assert program.main(["quantify", str(fitted), "--factors", str(tmp_path / "f.csv")]) == 1
    assert "no row for Na 1s" in capsys.readouterr().err
    found = answer(capsys, fitted, "--factors", tmp_path / "f.csv", "--fallback")
    assert "standing in" in found["lines"][2]["factor_source"]


def test_contents_of_a_bare_table_are_said(fitted, tmp_path, capsys):
    (tmp_path / "f.csv").write_text("line,RSF\nC 1s,1\nO 1s,2.9\nNa 1s,8\n", encoding="utf-8")
    assert program.main(["quantify", str(fitted), "--factors", str(tmp_path / "f.csv")]) == 0
    assert "the cross-section alone is supposed" in capsys.readouterr().err
    found = answer(capsys, fitted, "--factors", tmp_path / "f.csv", "--contains", "sigma,T,lambda")
    assert found["lines"][0]["transmission_source"].startswith("contained in")
    assert found["material"] == "not applied"


def test_areas_transmission_and_material(fitted, tmp_path, capsys):
    # A line fitted with the peaks is a background that the data minus background may use.
    regions = answer(capsys, fitted, "--area", "region")
    assert {row["area_kind"] for row in regions["lines"]} == {"region"}
    power = answer(capsys, fitted, "--transmission=-0.7", "--material", "Na2CO3")
    assert "KE / 1000 eV" in power["lines"][0]["transmission_source"]
    assert power["material"] == "Na2CO3"
    (tmp_path / "t.csv").write_text("300,2\n1500,1\n", encoding="utf-8")
    table = answer(capsys, fitted, "--transmission", tmp_path / "t.csv")
    assert table["lines"][0]["transmission_source"] == "the user's transmission table"


def test_studies_ratios_and_weights(fitted, tmp_path, capsys):
    words = ["--bootstrap", "25", "--spread", "background", "--ratio", "Na/O", "--ratio", "Xe/O"]
    found = answer(capsys, fitted, *words, "--csv", tmp_path / "q.csv")
    kinds = [study["kind"] for study in found["studies"]]
    assert kinds == ["bootstrap", "model spread"]
    assert [r["name"] for r in found["ratios"]] == ["Na/O"]
    assert any("Xe/O" in text for text in found["warnings"])
    rows = list(csv.DictReader(io.StringIO((tmp_path / "q.csv").read_text(encoding="utf-8"))))
    assert all(float(row["Bootstrap error [at.%]"]) > 0 for row in rows)
    assert all(row["Model spread by"].startswith("lowest") for row in rows)
    assert program.main(["quantify", str(fitted), "--wt", *words]) == 0
    out = capsys.readouterr().out
    for word in ("wt.%", "bootstrap 95 %", "model spread", "Na/O", "Atomic ratio"):
        assert word in out


def test_each_level_of_a_series(tmp_path, capsys):
    entries = tuple(entry(n, value=v, seed=int(v)) for v in (0.0, 5.0) for n in PLACES)
    save(Project("series", (Sample("s", "profile", ratios=("Na/C",)),), entries), tmp_path / "s.sodalite")
    assert program.main(["quantify", str(tmp_path / "s.sodalite"), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [one["sample"] for one in found] == ["profile, depth 0 nm", "profile, depth 5 nm"]
    assert all(one["ratios"] for one in found)


def test_a_file_without_fits_cannot_be_asked_for_more(tmp_path, capsys):
    bare = replace(entry("C 1s"), fits=())
    save(Project("bare", (Sample("s", "one"),), (bare,)), tmp_path / "b.sodalite")
    assert program.main(["quantify", str(tmp_path / "b.sodalite"), "--bootstrap", "50"]) == 1
    assert "No sample has a composition" in capsys.readouterr().err
