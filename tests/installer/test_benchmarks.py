"""The benchmarks' register, table and command line; the cases themselves run with `--full`."""

from __future__ import annotations

import json

import pytest

import benchmarks
from benchmarks import Row
from benchmarks.__main__ import main, table


def test_every_module_is_a_case():
    assert "startup" in benchmarks.cases()
    assert all(callable(run) for run in benchmarks.cases().values())


def test_the_ratio_is_ours_over_the_peers():
    assert Row("fit", 0.5, "ms", peer=50.0).ratio == 0.01
    assert Row("fit", 0.5, "ms").ratio is None
    assert Row("fit", None, "ms", peer=50.0).ratio is None


def test_the_table_has_even_columns_and_dashes_for_what_is_not_known():
    lines = table([Row("a|b", 0.123456, "s", floor=0.01, note="x"), Row("longer name", None, "s")]).splitlines()
    assert len({len(line) for line in lines}) == 1
    assert "a\\|b" in lines[2]
    assert "0.1235" in lines[2]
    assert lines[3].split("|")[2].strip() == "-"


def test_a_figure_that_could_not_be_measured_is_status_1(monkeypatch, capsys):
    good, bad = Row("good", 1.0, "s"), Row("bad", None, "s", note="why")
    monkeypatch.setattr("benchmarks.__main__.cases", lambda: {"good": lambda *, quick: [good]})
    assert main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["ours"] == 1.0
    monkeypatch.setattr("benchmarks.__main__.cases", lambda: {"bad": lambda *, quick: [bad]})
    assert main(["bad", "--quick"]) == 1
    assert "why" in capsys.readouterr().out


def test_an_unknown_case_is_wrong_usage(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["nonsense"])
    assert caught.value.code == 2
    assert "startup" in capsys.readouterr().err
