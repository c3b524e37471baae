"""The benchmarks' register, table and command line; the cases themselves run with `--full`."""

from __future__ import annotations

import json

import pytest

import benchmarks
from benchmarks import Row
from benchmarks.__main__ import main, table


def test_every_module_is_a_case():
    assert {"fit", "image", "startup"} <= set(benchmarks.cases())
    assert all(callable(run) for run in benchmarks.cases().values())


def test_how_many_times_faster_we_are_than_the_peer():
    assert Row("fit", 0.5, "s", peer=50.0).faster == 100.0
    assert Row("image", 500.0, "spectra/s", peer=50.0).faster == 10.0
    assert Row("failures", 0.5, "%", peer=50.0).faster is None
    assert Row("fit", 0.5, "s").faster is None
    assert Row("fit", None, "s", peer=50.0).faster is None


def test_how_far_we_are_from_the_floor():
    assert Row("fit", 0.5, "s", floor=0.25).from_floor == 2.0
    assert Row("image", 500.0, "spectra/s", floor=1000.0).from_floor == 2.0
    assert Row("fit", 0.5, "s").from_floor is None


def test_the_table_has_even_columns_and_dashes_for_what_is_not_known():
    lines = table([Row("a|b", 0.123456, "s", floor=0.01, note="x"), Row("longer name", None, "s")]).splitlines()
    assert len({line.rindex("|", 0, -1) for line in lines}) == 1
    assert "a\\|b" in lines[2]
    assert "0.1235" in lines[2]
    assert lines[3].split("|")[2].strip() == "-"


def test_a_figure_that_could_not_be_measured_is_status_1(monkeypatch, capsys):
    good, bad = Row("good", 1.0, "s"), Row("bad", None, "s", note="why")
    monkeypatch.setattr("benchmarks.__main__.cases", lambda: {"good": lambda *, quick, peers: [good]})
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["ours"] == 1.0
    monkeypatch.setattr("benchmarks.__main__.cases", lambda: {"bad": lambda *, quick, peers: [bad]})
    assert main(["bad", "--quick"]) == 1
    assert "why" in capsys.readouterr().out


def test_an_unknown_case_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "startup" in capsys.readouterr().err
