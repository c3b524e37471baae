"""`sodalite info` and `convert` of ToF-SIMS files."""

from __future__ import annotations

import json

import numpy as np
import pytest

from app import __main__ as program
from app.files import read
from tests.app.files.made_surfacelab import IONS, ROWS, profile, spectrum


@pytest.fixture
def pos(tmp_path):
    path = tmp_path / "pos.txt"
    path.write_text(profile(ratios=(("Na_2F+ / ( K+ )", (1, 1, 1)),)), newline="")
    return path


def test_info_names_ions_and_scales(pos, capsys):
    assert program.main(["info", "--json", str(pos)]) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["shape"] == [3, len(IONS)]
    assert row["axis"]["labels"] == [name for name, _ in IONS]
    assert row["axis"]["masses"][1] == 64.9774
    assert [(axis["name"], axis["unit"], axis["n"]) for axis in row["navigation"]] == [("time", "s", 3)]
    assert [(axis["name"], axis["unit"]) for axis in row["scales"]] == [("dose", "ions"), ("fluence", "ions/cm²")]
    # Single ions alone: the total and the sum count them a second time.
    singles = [i for i, (name, _) in enumerate(IONS) if name not in ("total", "^207PbI+PbI+")]
    assert row["total"] == int(np.array(ROWS)[:, singles].sum())
    assert "no column of K+" in row["meta"]["extra"]["ratio column left out"]
    assert program.main(["info", str(pos)]) == 0
    assert " total  ^13CC_2H_5+ " in capsys.readouterr().out


def test_convert_to_tables_and_back(pos, tmp_path, capsys):
    for name in ("a.csv", "a.h5"):
        assert program.main(["convert", str(pos), "-o", str(tmp_path / name)]) == 0
        (back,) = read(tmp_path / name)
        np.testing.assert_array_equal(back.counts, ROWS)
        assert back.axis.labels == tuple(label for label, _ in IONS)
    for name in ("a.vms", "a.msa", "a.hspy"):
        assert program.main(["convert", str(pos), "-o", str(tmp_path / name)]) == 1
        assert "sodalite: " in capsys.readouterr().err
        assert not (tmp_path / name).exists()


@pytest.mark.realdata
def test_info_of_all_measured_text_files(realdata, capsys):
    files = sorted(map(str, (realdata / "sims").glob("*.txt")))
    assert program.main(["info", "--json", *files]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["axis"]["name"] for row in rows} == {"ion", "channel"}
    assert {row["technique"] for row in rows} == {"sims"}
    assert len(rows) == len(files) >= 8


def test_a_mass_spectrum_as_table_has_its_m_z(tmp_path):
    path = tmp_path / "s.txt"
    path.write_text(spectrum(), newline="")
    assert program.main(["convert", str(path), "-o", str(tmp_path / "s.csv")]) == 0
    lines = (tmp_path / "s.csv").read_text().splitlines()
    told = [line for line in lines if line.startswith("#")]
    assert any("mass scale" in line for line in told)
    assert lines[len(told)] == "Channel,m/z,Intensity [counts]"
