"""Excel workbooks of a project, read back by openpyxl (peer) and by our own reader."""

import math
from dataclasses import replace

import openpyxl
import pytest

from app.files.export import COMPONENT_COLUMNS, component_rows, compositions
from app.files.workbook import sheets
from app.files.xlsx_writer import _title, write_xlsx
from app.samples import sample_project
from libraries.errors import CannotWrite


@pytest.fixture(scope="module")
def project():
    return sample_project("xps", fitted=True)


def test_the_workbook_holds_all_tables_and_curves(project, tmp_path):
    book = openpyxl.load_workbook(write_xlsx(project, tmp_path / "out.xlsx"), read_only=True)
    assert book.sheetnames[:4] == ["Elements", "Composition", "Components", "Parameters"]
    rows = list(book["Components"].iter_rows(values_only=True))
    assert rows[0] == COMPONENT_COLUMNS
    expected = list(component_rows(project))
    assert len(rows) - 1 == len(expected)
    at = COMPONENT_COLUMNS.index("Area [intensity unit eV]")
    assert [row[at] for row in rows[1:]] == pytest.approx([row[at] for row in expected], rel=1e-14)
    amounts = [row[2] for row in book["Elements"].iter_rows(min_row=2, values_only=True)]
    table = compositions(project)[0]
    assert amounts == pytest.approx([row.at_percent for t in table.values() for row in t.elements], rel=1e-14)
    regions = sum(max(len(entry.fits), 1) for entry in project.entries)
    assert len(book.sheetnames) >= 4 + regions
    book.close()


def test_curves_add_up(project, tmp_path):
    found = {sheet.name: sheet for sheet in sheets(write_xlsx(project, tmp_path / "out.xlsx"))}
    sheet = next(s for name, s in found.items() if name.startswith("F 1s"))
    titles = {str(text): column for column, text in sheet.rows[1].items()}
    parts = [column for text, column in titles.items() if "+ background" in text]
    row = sheet.rows[40]
    back = row[titles["Background [counts]"]]
    total = back + sum(row[column] - back for column in parts)
    assert row[titles["Envelope [counts]"]] == pytest.approx(total, rel=1e-10)


def test_texts_stay_texts(project, tmp_path):
    entry = next(e for e in project.entries if e.fits and e.fits[0].model.components)
    fit = entry.fits[0]
    component = replace(fit.model.components[0], name="=HYPERLINK(\"x\")\x07")
    hostile = project.with_entry(entry.with_fit(replace(fit, model=fit.model.with_component(component), result=None)))
    book = openpyxl.load_workbook(write_xlsx(hostile, tmp_path / "out.xlsx"))
    cells = [cell for row in book["Components"].iter_rows() for cell in row if str(cell.value).startswith("=HYPER")]
    assert cells
    assert {cell.data_type for cell in cells} == {"s"}
    assert cells[0].value.endswith("\ufffd")


def test_titles_are_short_different_and_without_signs():
    taken = set()
    names = [_title(text, taken) for text in ("a/b:c" * 12, "A b c" * 12, "'x'", "", "", "history")]
    assert all(0 < len(name) <= 31 and not set(name) & set("[]:*?/\\") for name in names)
    assert len({name.lower() for name in names}) == len(names)


def test_numbers_that_are_not_finite_are_empty(tmp_path):
    from openpyxl import Workbook

    from app.files.xlsx_writer import _cell

    sheet = Workbook().active
    assert _cell(sheet, math.nan).value is None
    assert _cell(sheet, math.inf).value is None
    assert _cell(sheet, True).value is True


def test_a_folder_that_is_not_there(project, tmp_path):
    with pytest.raises(CannotWrite):
        write_xlsx(project, tmp_path / "none" / "out.xlsx")
