"""docs/measured.md: from the tests' record to the table."""

from __future__ import annotations

import datetime
import json

import pytest

from installer import measured

ROWS = [
    {"file": "tests/b.py", "test": "test_fit", "name": "fit time", "value": 0.00051234, "unit": "s", "limit": "< 0.01"},
    {"file": "tests/a.py", "test": "test_pull[x|y]", "name": "pull", "value": 1, "unit": "", "limit": ""},
    {"file": "tests/b.py", "test": "test_bias", "name": "bias", "value": -0.25, "unit": "%", "limit": "+-1"},
]


def test_the_table_is_grouped_by_file_and_sorted():
    text = measured.table(ROWS)
    assert text.index("### tests/a.py") < text.index("### tests/b.py")
    assert text.index("| bias | -0.25 | % | +-1 | `test_bias` |") < text.index("| fit time | 0.0005123 | s | < 0.01 |")
    assert "`test_pull[x\\|y]`" in text
    assert text.count("| figure |") == 2


def test_a_repeated_figure_replaces_the_first_and_broken_lines_are_left_out():
    lines = [json.dumps(row) for row in ROWS]
    lines += [json.dumps(ROWS[0] | {"value": 7}), '{"file": "tests/c.py", "na', "[]", '{"file": "x"}', ""]
    rows = measured.read(lines)
    assert len(rows) == 3
    assert rows[0]["value"] == 7


@pytest.mark.parametrize(
    ("value", "text"), [(123456, "123456"), (123456.7, "1.235e+05"), (0.5, "0.5"), ("yes", "yes"), (True, "True")]
)
def test_figures_have_four_digits(value, text):
    assert measured.number(value) == text


def test_benchmark_tables_are_taken_from_the_output():
    assert measured.benchmark_table("measuring ...\n| case | ours |\n|---|---|\n| a | 1 | \nend\n") == (
        "| case | ours |\n|---|---|\n| a | 1 |"
    )


def test_the_document_says_when_where_and_how(tmp_path):
    text = measured.document(
        ROWS,
        "",
        facts={"Machine": "a box, 2 cores"},
        steps={"tests": "ok 3 passed"},
        when=datetime.datetime(2026, 3, 4, 5, 6, tzinfo=datetime.UTC),
    )
    for part in ("2026-03-04 05:06 UTC", "a box, 2 cores", f"`{measured.COMMAND}`", "- tests: ok 3 passed", "fit time"):
        assert part in text
    target = tmp_path / "docs" / "measured.md"
    measured.write(target, text)
    assert target.read_bytes() == text.encode("utf-8")


def test_a_run_without_figures_says_so():
    text = measured.document([], "", facts={}, steps={}, when=datetime.datetime.now(datetime.UTC))
    assert "No test recorded a figure." in text
    assert "No benchmark gave a table." in text


def test_the_fixture_writes_what_the_table_reads(record_file, measured):
    measured("answer", 42.0, "eV", "== 42")
    measured("count", 3)
    rows = [json.loads(line) for line in record_file.read_text(encoding="utf-8").splitlines()]
    assert [row["name"] for row in rows] == ["answer", "count"]
    assert rows[0]["file"] == "tests/installer/test_measured.py"
    assert (rows[0]["value"], rows[0]["unit"], rows[0]["limit"]) == (42.0, "eV", "== 42")


@pytest.fixture
def record_file(tmp_path, monkeypatch):
    target = tmp_path / "measured.jsonl"
    monkeypatch.setenv("SODALITE_MEASURED", str(target))
    return target
