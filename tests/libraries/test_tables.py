"""The plain-text tables: every one is read, described, and free of unsourced rows."""

import pytest

from libraries.elements import parse_line
from libraries.errors import BadFile
from libraries.tables import FOLDER, numbers, parse_table, read_table

TABLES = sorted(path.name for path in FOLDER.glob("*.csv"))


@pytest.mark.parametrize("name", TABLES)
def test_every_table_is_commented_and_sourced(name):
    assert (FOLDER / name).read_text(encoding="utf-8").startswith("# ")
    assert f"`{name}`" in (FOLDER / "SOURCES.md").read_text(encoding="utf-8")
    for row in read_table(name):
        assert row.get("source") or row.get("statement")
        assert "not found" not in row.get("source", "")
        for column in ("line", "upper", "lower", "auger", "core"):
            if row.get(column):
                assert parse_line(row[column]).name == row[column]


def test_rows_cannot_be_changed():
    with pytest.raises(TypeError):
        read_table("materials.csv")[0]["density"] = "1"


def test_broken_tables_are_refused():
    with pytest.raises(BadFile, match="cannot be read"):
        read_table("nothing.csv")
    with pytest.raises(BadFile, match="header"):
        parse_table("# only a comment\n", where="x")
    with pytest.raises(BadFile, match="Row 2"):
        parse_table("a,b\n1,2\n3\n", where="x")


def test_fields():
    assert numbers("1.5; 2;") == (1.5, 2.0)
    assert numbers("") == ()
    assert parse_table('# c\n\na, b\n 1 ,"x, y"\n') == ({"a": "1", "b": "x, y"},)
