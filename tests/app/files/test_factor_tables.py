"""Factor sets and transmission tables from files of many forms."""

from __future__ import annotations

import pytest

from app.files.factor_tables import UNSAID, read_factors, read_transmission
from libraries.elements import parse_line
from libraries.errors import BadData, BadFile
from libraries.sensitivity import FactorRow, FactorSet

AL = 1486.6


def values(factors):
    return {row.line.name: row.value for row in factors.rows}


def test_our_own_csv(tmp_path):
    own = FactorSet("mine", "a paper", ("sigma", "T"), "F 1s", 1253.6, (FactorRow(parse_line("F 1s"), 1.0),))
    (tmp_path / "f.csv").write_text(own.to_csv(), encoding="utf-8")
    found = read_factors(tmp_path / "f.csv")
    assert found.sets == (own,)
    assert found.notes == ()


@pytest.mark.parametrize("text", [
    "line,RSF\nC 1s,1.0\nO 1s,2.93\nV 2p3/2,6.38\n",
    "Peak;Factor;Note\nC1s;1,0;x\nO1s;2,93;\nV2p3/2;6,38;y\n",
    "Name\tAt.Wt\tR.S.F.\nC 1s\t12\t1\nO 1s\t16\t2.93\nV 2p3/2\t51\t6.38\n",
    "# a table\nC 1s  1.0\nO 1s  2.93\nV 2p3/2 6.38\n",
])
def test_plain_tables(tmp_path, text):
    (tmp_path / "f.txt").write_text(text, encoding="utf-8")
    found = read_factors(tmp_path / "f.txt")
    (factors,) = found.sets
    assert values(factors) == {"C 1s": 1.0, "O 1s": 2.93, "V 2p3/2": 6.38}
    assert (factors.normalised_to, factors.contains) == ("C 1s", ("sigma",))
    assert factors.photon_energy == pytest.approx(AL, abs=0.2)
    assert UNSAID in found.notes
    told = read_factors(tmp_path / "f.txt", contains=("sigma", "T"), photon_energy=1253.6, normalised_to="C1s")
    assert (told.sets[0].contains, told.sets[0].photon_energy) == (("sigma", "T"), 1253.6)
    assert UNSAID not in told.notes


def test_a_workbook(tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.append(["nothing here"])
    sheet = book.create_sheet("RSF")
    for row in (["Line", "Width", "RSF"], ["F 1s", 1.2, 1.0], ["Na 1s", 1.3, 1.92]):
        sheet.append(row)
    book.save(tmp_path / "f.xlsx")
    (factors,) = read_factors(tmp_path / "f.xlsx").sets
    assert values(factors) == {"F 1s": 1.0, "Na 1s": 1.92}
    assert factors.normalised_to == "F 1s"


ENTRY = "{e}\t{t}\t{n}\t{m}\t{k}\t{x}\t1.5\tGL(30)\t{f}\t{s}"


def library():
    rows = [("C", "1s", "C 1s", 12, "BE", 285, 1, "Al"), ("O", "1s", "O 1s", 16, "BE", 531, 2.93, "Al"),
            ("C", "1s", "C 1s", 12, "BE", 285, 1, "Mg"), ("O", "KLL", "O KLL", 16, "KE", 510, 0, "Al"),
            ("F", "1s", "F 1s", 19, "BE", 686, 4.26, "Mg")]
    keys = "etnmkxfs"
    return "1\n" + "\n".join(ENTRY.format(**dict(zip(keys, row, strict=True))) for row in rows) + "\n"


def test_an_element_library_of_casaxps(tmp_path):
    """The fields as the help of CasaXPS lists them, one set a source."""
    (tmp_path / "Casa.lib").write_text(library(), encoding="utf-8")
    found = read_factors(tmp_path / "Casa.lib")
    al, mg = found.sets
    assert values(al) == {"C 1s": 1.0, "O 1s": 2.93}
    assert values(mg) == {"C 1s": 1.0, "F 1s": 4.26}
    assert (round(al.photon_energy), round(mg.photon_energy)) == (1487, 1254)
    assert any("O KLL" in note for note in found.notes)
    lines = library().splitlines()
    entries = ["\n".join(line.split("\t")) for line in lines[1:]]
    (tmp_path / "old.lib").write_text("\n".join(["0", *entries]), encoding="utf-8")
    assert [values(s) for s in read_factors(tmp_path / "old.lib").sets] == [values(al), values(mg)]


@pytest.mark.parametrize(("text", "error"), [
    ("", BadFile), ("line,RSF\n", BadFile), ("line,RSF\nC 1s,one\n", BadFile), ("line,RSF\nXx 1s,1\n", BadFile),
    ("line,RSF\nO 1s,2.93\n", BadData), ("line,RSF\nC 1s,1\nC 1s,1\n", BadData),
    ("line,RSF\nC 1s,1\nO 1s,-2\n", BadData),
])
def test_damaged_tables_are_refused(tmp_path, text, error):
    (tmp_path / "f.csv").write_text(text, encoding="utf-8")
    with pytest.raises(error):
        read_factors(tmp_path / "f.csv")
    with pytest.raises(BadFile):
        read_factors(tmp_path / "missing.csv")


def test_transmission_tables(tmp_path):
    (tmp_path / "t.csv").write_text("KE,T\n1500,0.8\n300, 1.9\n", encoding="utf-8")
    assert read_transmission(tmp_path / "t.csv") == ((1500.0, 0.8), (300.0, 1.9))
    (tmp_path / "t.csv").write_text("KE,T\n1500,0.8\n300\n", encoding="utf-8")
    with pytest.raises(BadFile, match="Row 3"):
        read_transmission(tmp_path / "t.csv")
