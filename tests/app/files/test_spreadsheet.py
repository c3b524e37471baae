"""Excel workbooks: sheets of columns, exports of Avantage, archives that lie about their size."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pytest

from app.files import AxisUnknown, ReadOptions, read, sniff
from app.files.workbook import sheets
from fitting.dataset import Noise
from fitting.identity import same
from libraries.errors import BadFile
from tests.app.files import made

ROWS = (("BE (eV)", "Counts"), (1072.0, 5.0), (1071.5, 9.0), (1071.0, 7.0))


def _sheet(cells):
    return made.xlsx(parts={"xl/worksheets/sheet1.xml": f"<worksheet><sheetData>{cells}</sheetData></worksheet>"})


def test_a_sheet_of_columns(write):
    path = write(made.xlsx((("Na 1s", ROWS),)), "a.csv")
    assert sniff(path).name == "xlsx"
    (s,) = read(path)
    np.testing.assert_array_equal(s.x, [1071, 1071.5, 1072])
    np.testing.assert_array_equal(s.y, [7, 9, 5])
    assert (s.axis.quantity, s.meta.intensity_unit, s.noise) == ("binding_energy", "counts", Noise("poisson", 1.0))
    assert (s.name, s.meta.file_format) == ("Na 1s", "Excel workbook")


def test_a_sheet_reads_like_the_same_columns_in_text(write):
    rows = (("Binding energy (eV)", "raw (counts/s)", "Background", "Transmission"),)
    rows += tuple((290 - 0.1 * i, 100.25 + i / 3, float(i), 1.5) for i in range(40))
    text = "\n".join("\t".join(str(cell) for cell in row) for row in rows)
    from_sheet = read(write(made.xlsx((("Na 1s", rows),)), "a.xlsx"))
    from_text = read(write(text, "a.txt"))
    assert same([(s.axis, s.counts, s.transmission, s.noise) for s in from_sheet],
                [(s.axis, s.counts, s.transmission, s.noise) for s in from_text])  # fmt: skip
    assert [s.name for s in from_sheet] == [s.name for s in from_text]


def test_several_sheets_and_one_without_numbers(write):
    books = (("Na 1s", ROWS), ("Notes", (("hello",), ("world", 3.0))), ("O 1s", ROWS))
    sodium, oxygen = read(write(made.xlsx(books, inline=True)))
    assert (sodium.name, oxygen.name, oxygen.meta.index) == ("Na 1s", "O 1s", 1)
    assert dict(sodium.meta.extra)["sheets not loaded"] == "Notes"


def test_columns_of_several_sheets_carry_the_name_of_their_sheet(write):
    rows = (("BE", "A", "B"), (2.0, 5.0, 7.0), (1.0, 6.0, 8.0))
    names = [s.name for s in read(write(made.xlsx((("Na 1s", rows), ("O 1s", rows)))))]
    assert names == ["Na 1s: A", "Na 1s: B", "O 1s: A", "O 1s: B"]


def test_a_table_that_does_not_begin_in_the_corner(write):
    rows = (("Sample 5",), (), (None, None, "BE (eV)", "CPS"), (None, None, 2.0, 5.0), (None, None, 1.0, 6.0))
    (s,) = read(write(made.xlsx((("S", rows),))))
    np.testing.assert_array_equal(s.y, [6, 5])
    assert s.meta.comments[0] == "Sample 5"


def test_the_axis_must_be_said(write):
    path = write(made.xlsx((("S", ((1.0, 5.0), (2.0, 6.0))),)))
    with pytest.raises(AxisUnknown):
        read(path)
    (s,) = read(path, ReadOptions(axis="kinetic_energy"))
    assert s.axis.quantity == "kinetic_energy"


def test_strings_of_every_kind(write):
    parts = {
        "xl/sharedStrings.xml": "<sst><si><r><t>Binding </t></r><r><t>energy</t></r><rPh><t>X</t></rPh></si></sst>",
        "xl/worksheets/sheet1.xml": "<worksheet><sheetData>"
        '<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="str"><f>1+1</f><v>Counts</v></c></row>'
        '<row><c><v>2</v></c><c><f>A1</f><v>5</v></c></row><row><c><v>1E0</v></c><c><v>6</v></c></row>'
        "</sheetData></worksheet>",
    }
    (s,) = read(write(made.xlsx(parts=parts)))
    assert (s.axis.quantity, s.meta.intensity_unit) == ("binding_energy", "counts")
    np.testing.assert_array_equal(s.y, [6, 5])


# ------------------------------------------------------------------------------------------------------- Avantage


def test_a_region_of_avantage(write):
    table = [["Peak Table : "], [None, "Name", "Peak BE", "Atomic %"], [None, "O1s A", 531.2, 61.5]]
    table += [[None, "O1s B", 532.2, 38.5], [None, "C1s", 285.0, 1.0], [None, "C1s", 286.0, 1.0]]
    spectra = read(write(made.xlsx((("O1s Scan", made.avantage()), ("Peak Table", table)))))
    names = ["O1s Scan", "O1s Scan: O1s A", "O1s Scan: O1s B", "O1s Scan: Backgnd.", "O1s Scan: Envelope"]
    assert [s.name for s in spectra] == names
    s = spectra[0]
    np.testing.assert_allclose(s.x, 535 - 0.1 * np.arange(6)[::-1], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(s.y, [1050, 1040, 1030, 1020, 1010, 1000])
    m = s.meta
    assert (s.axis.quantity, m.intensity_unit, s.noise) == ("binding_energy", "counts/s", Noise("poisson", None))
    assert (m.element, m.transition, m.photon_energy, m.dwell_time) == ("O", "1s", None, None)
    assert (m.sweeps, m.pass_energy, m.analyser_mode, m.source) == (5, 20, "CAE", "Al K Alpha")
    extra = dict(m.extra)
    assert extra["Total acquisition time"] == "47.8 secs"
    assert extra["original file"] == r"C:\Avantage\Anode\O1s Scan.VGD"
    assert extra["sheets not loaded"] == "Peak Table"
    np.testing.assert_array_equal(spectra[2].y, [15, 12, 9, 6, 3, 0])
    component = dict(spectra[2].meta.extra)
    assert (component["peak be"], component["atomic %"]) == ("532.2", "38.5")
    assert "peak be" not in extra
    assert dict(spectra[2].meta.extra)["curve"] == "component O1s B without background of Avantage"
    assert dict(spectra[3].meta.extra)["curve"] == "background of Avantage"
    assert spectra[4].noise == Noise("unknown")


def test_a_survey_of_avantage_without_curves(write):
    rows = made.avantage()
    rows = [*rows[:-8], *(row[:3] for row in rows[-8:])]
    (s,) = read(write(made.xlsx((("XPS Survey", rows),))))
    assert (s.name, s.meta.element, len(s.axis)) == ("XPS Survey", "", 6)


def test_remarks_below_the_rows_of_avantage(write):
    rows = [*made.avantage(), [], [None, None, "end"], ["Remark"]]
    assert len(read(write(made.xlsx((("O1s Scan", rows),))))[0].axis) == 6


def test_a_constant_retard_ratio_has_no_pass_energy(write):
    s = read(write(made.xlsx((("O1s Scan", made.avantage(mode="CRR : Retard Ratio 4.0")),))))[0]
    assert (s.meta.pass_energy, s.meta.analyser_mode) == (None, "CRR : Retard Ratio 4.0")


def test_kinetic_energies_of_avantage(write):
    rows = made.avantage(title="Kinetic Energy (E)", unit="Counts")
    s = read(write(made.xlsx((("O KLL", rows),))))[0]
    assert (s.axis.quantity, s.meta.intensity_unit, s.noise) == ("kinetic_energy", "counts", Noise("poisson", 1.0))


def test_a_curve_with_gaps_is_left_out_and_it_is_said(write):
    spectra = read(write(made.xlsx((("O1s Scan", made.avantage(gap=True)),))))
    assert [s.name for s in spectra][1] == "O1s Scan: O1s B"
    assert ("curve not loaded", "O1s A: it has gaps") in spectra[0].meta.extra


def _changed(row, column, value):
    rows = made.avantage()
    rows[row][column] = value
    return rows


BAD_AVANTAGE = [
    (made.avantage(announced=7), "7 energies are announced but 6 rows are there"),
    (made.avantage(announced=1e9), "The number of energies is '1e+09'"),
    (made.avantage(announced=-2), "The number of energies is '-2'"),
    (made.avantage(series=5), "The sheet holds a series"),
    (made.avantage(unit="V"), "No column has a unit of counts"),
    (made.avantage(0, announced=1), "1 energies are announced but 0 rows are there"),
    (_changed(-1, 0, 600.0), "The energies neither rise nor fall steadily (point 6)"),
    (_changed(-1, 0, "x"), "6 energies are announced but 5 rows are there"),
    (_changed(-1, 2, "nan"), "Column 3 holds 'nan', not a number"),
    (_changed(-1, 2, None), "Column 3 holds '', not a number"),
    (_changed(-3, 0, None), "Column 1 holds '', not a number"),
    (_changed(-1, 3, 5.0), "Column 4 holds numbers without a title: the sheet holds a series"),
]


@pytest.mark.parametrize(("rows", "what"), BAD_AVANTAGE)
def test_avantage_refused(write, rows, what):
    path = write(made.xlsx((("O1s Scan", rows),)))
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert f"{path}, sheet 'O1s Scan'" in caught.value.where
    assert caught.value.todo


# -------------------------------------------------------------------------------------------------------- hostile


def _bomb(size):
    return made.xlsx(parts={"xl/sharedStrings.xml": b"<sst>" + b" " * size + b"</sst>"}, level=9)


def _lying():
    """The directory declares 10 bytes where there are many."""
    data = bytearray(_bomb(100_000))
    at = data.rindex(b"xl/sharedStrings.xml") - 46
    data[at + 24 : at + 28] = (10).to_bytes(4, "little")
    return bytes(data)


def _locked():
    data = bytearray(made.xlsx())
    at = data.rindex(b"xl/workbook.xml") - 46
    data[at + 8] |= 1
    return bytes(data)


def _many_parts():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ["[Content_Types].xml", "xl/workbook.xml", *(f"{i}" for i in range(10_001))]:
            archive.writestr(name, "")
    return buffer.getvalue()


LAUGHS = '<!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><worksheet>&b;</worksheet>'
HOSTILE = [
    (_bomb(100 << 20), "It unpacks from "),
    (_lying(), "The workbook is damaged"),
    (_locked(), "The workbook is protected by a password"),
    (_many_parts(), "The workbook has 10003 parts"),
    (made.xlsx(parts={"xl/worksheets/sheet1.xml": LAUGHS}), "The XML of the workbook declares something of its own"),
    (made.xlsx(parts={"xl/worksheets/sheet1.xml": "<a>" * 1000 + "</a>" * 1000}), "The XML of the workbook is nested"),
    (made.xlsx(parts={"xl/worksheets/sheet1.xml": "<worksheet>"}), "The XML of the workbook is damaged"),
    (made.xlsx(parts={"xl/_rels/workbook.xml.rels": "<a/>"}), "The workbook holds no sheet"),
    (_sheet('<row r="1"><c r="A2"><v>1</v></c></row>'), "A cell of row 1 is placed at 'A2'"),
    (_sheet('<row r="1"><c r="A1"><v>1</v></c><c r="A1"><v>2</v></c></row>'), "A cell of row 1 is there twice"),
    (_sheet('<row r="1"><c r="A1"><v>1</v><v>2</v></c></row>'), "A cell of row 1 holds two values"),
    (_sheet('<row r="1"><c r="ZZZ1"><v>1</v></c></row>'), "A cell lies in row 1, column 18278"),
    (_sheet('<row r="9999999"><c><v>1</v></c></row>'), "A cell lies in row 9999999"),
    (_sheet('<row r="99999999999999"/>'), "A cell lies in row 0"),
    (_sheet('<row r="-1"/>'), "A cell lies in row 0"),
    (_sheet('<row r="1"><c r="A1" t="s"><v>99</v></c></row>'), "There is no text number 99"),
    (_sheet('<row r="1"><c r="A1" t="s"><v>-1</v></c></row>'), "There is no text number -1"),
    (made.xlsx((("S", (("BE", "I"), (2.0, 5.0), (1.0, "#N/A"), (0.5, 7.0))),)), "Column 2: '#N/A' is not a number"),
    (_sheet('<row><c><v>3</v></c><c><v>1</v></c></row><row><c><v>2</v></c><c><v>1</v></c></row>'
            "<row><c><v>1</v></c><c><f>A1</f></c></row>"), "Column 2: '(formula without a value)' is not a number"),
    (_sheet('<row><c><v>3</v></c><c><v>1</v></c></row><row><c><v>2</v></c><c><v>nan</v></c></row>'
            "<row><c><v>1</v></c><c><v>1e999</v></c></row><row><c><v>0</v></c><c><v>9</v></c></row>"),
     "Column 2: 'nan'"),
    (made.xlsx((("S", (("a", "b"),)),)), "No sheet of the workbook holds columns"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "what"), HOSTILE)
def test_hostile_workbooks(write, data, what):
    path = write(data)
    with pytest.raises(BadFile) as caught:
        read(path)
    assert caught.value.what.startswith(what)
    assert str(path) in caught.value.where
    assert caught.value.todo


def test_other_archives_are_no_workbooks(write):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    with pytest.raises(BadFile, match="a ZIP archive or an office document"):
        read(write(buffer.getvalue(), "a.xlsx"))


def test_empty_rows_cost_nothing(write):
    data = _sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="B1048576"><v>2</v></c></row>')
    (sheet,) = sheets(write(data))
    assert sheet.rows == {1: {0: 1.0}, 1048576: {1: 2.0}}
