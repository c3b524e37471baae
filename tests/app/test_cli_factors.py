"""`sodalite factors` tests, resolves and writes tables of the factors of ions."""

import csv
import json

import numpy as np
import pytest

from app.__main__ import main
from app.project import store
from app.project.project import Project, add_spectra
from benchmarks._factor_problems import shares
from fitting.dataset import Axis, Meta, Noise, Spectrum

IONS = ("total", *(f"C{number}H-" for number in range(2, 22)))


@pytest.fixture
def project(tmp_path):
    rng = np.random.default_rng(0)
    spectra = rng.exponential(1.0, (3, 20)) ** 2 + 0.05
    counts = rng.poisson((shares(60, 3, 0.03) * np.array([6e3, 3e3, 5e3])) @ (spectra / spectra.sum(1, keepdims=True)))
    counts = np.concatenate((counts.sum(axis=1, keepdims=True), counts), axis=1)
    one = Spectrum(Axis(np.arange(21.0), "ion", "", IONS), counts, Noise("poisson", 1.0),
                   Meta(title="Made", region="Made", technique="sims", sample="S"),
                   navigation=(Axis(np.linspace(2.0, 120.0, 60), "time", "s"),))
    path = tmp_path / "made.sodalite"
    store.save(add_spectra(Project(), [one]), path)
    return path


def test_without_a_number_only_the_tests_are_made(project, capsys):
    assert main(["factors", str(project)]) == 0
    out = capsys.readouterr().out
    assert "Malinowski" in out
    assert "Horn" in out
    assert "EFA" in out


def test_factors_with_closure_as_json_tables_and_project(project, tmp_path, capsys):
    assert main(["factors", str(project), "-k", "3", "--closure", "--json", "--csv", str(tmp_path / "out"),
                 "-o", str(tmp_path / "b.sodalite")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["constraints"] == ["closure"]
    assert found["analysed"] == list(IONS[1:])
    assert sum(row["share"] for row in found["factors"]) == pytest.approx(1.0)
    assert [row["yield"] for row in found["factors"]] == pytest.approx([6e3, 3e3, 5e3], rel=0.1)
    with (tmp_path / "out" / "factor_profiles.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.reader(file) if row and not row[0].startswith("#")]
    assert rows[0][0] == "time [s]"
    assert "Factor 1, least [counts]" in rows[0]
    assert len(rows) == 61
    assert (tmp_path / "out" / "factor_spectra.csv").exists()
    assert store.load(tmp_path / "b.sodalite").entries[0].factors[0].closed


def test_the_same_numbers_come_twice(project, capsys):
    texts = []
    for _ in range(2):
        assert main(["factors", str(project), "-k", "3", "--no-bands", "--json"]) == 0
        texts.append(capsys.readouterr().out)
    assert texts[0] == texts[1]


def test_what_is_wrong_is_said(project, capsys):
    assert main(["factors", str(project), "-k", "3", "--without", "x:C2H-"]) == 1
    assert "2:NaF2-" in capsys.readouterr().err
    assert main(["factors", str(project), "-k", "3", "--ions", "C2H-,Zr+"]) == 1
    assert "no ion" in capsys.readouterr().err
    assert main(["factors", str(project), "-k", "20", "--ions", "C2H-,C3H-,C4H-"]) == 1
    assert "rank" in capsys.readouterr().err
