"""Tables of numbers in text: which mark separates the cells, which the decimals, where header lines end.

No meaning is given to the columns here. A line is either a row of numbers, or header (names, comments, blank). Header
lines between rows start a new table, so that exports of several regions in one file come apart.
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass, field
from itertools import islice

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadFile

MARKS = "#%!;"
_NUMBER = re.compile(r"[-+\u2212]?(\d+([.,]\d*)?|[.,]\d+)([eEdD][-+]?\d+)?$")
# Words with which programs write a missing number.
_MISSING = re.compile(r"[-+]?(nan|inf(inity)?|n/?a|null|none|-+|1\.#\w+|#\w+[!/?]?)$", re.IGNORECASE)
_NUMERIC = re.compile(r'[-+\u2212\d.,;\s"eEdD]*\d[-+\u2212\d.,;\s"eEdD]*')
_TODO = "Check that each row holds the same columns of numbers"


@dataclass(frozen=True)
class Scheme:
    """How cells and decimals are written; `delimiter` "" stands for blanks."""

    delimiter: str
    decimal: str

    def cells(self, line: str) -> list[str]:
        """The cells of a line, stripped; quotes are taken off."""
        if '"' in line and self.delimiter:
            try:
                return [cell.strip() for cell in next(csv.reader([line], delimiter=self.delimiter))]
            except (csv.Error, StopIteration):
                return [line]
        if not self.delimiter:
            return line.split()
        return [cell.strip() for cell in line.split(self.delimiter)]

    def value(self, cell: str) -> float | None:
        """The number in a cell, None where it holds none."""
        if not _NUMBER.match(cell) or (self.decimal == "." and "," in cell) or (self.decimal == "," and "." in cell):
            return None
        plain = cell.replace(",", ".").replace("\u2212", "-").replace("d", "e").replace("D", "e")
        number = float(plain)
        return number if math.isfinite(number) else None

    def is_row(self, line: str) -> bool:
        """Whether a line is a row of at least two numbers (empty cells between or behind them allowed)."""
        cells = self.cells(line)
        numbers = [cell for cell in cells if cell]
        return len(numbers) >= 2 and bool(cells[0]) and all(self.value(cell) is not None for cell in numbers)


# In this order where several fit equally well: a file that reads with decimal points is not read with commas.
SCHEMES = (
    Scheme("\t", "."),
    Scheme(";", "."),
    Scheme(",", "."),
    Scheme("", "."),
    Scheme("\t", ","),
    Scheme(";", ","),
    Scheme("", ","),
    Scheme(",", ","),
)


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of numbers with the header lines above them.

    `rows` has shape (rows, columns), `lines` the number of the line of each row, `columns` the place of each column
    among the cells of a line (columns without any content are dropped).
    """

    header: tuple[str, ...]
    rows: FloatArray
    lines: tuple[int, ...] | range
    columns: tuple[int, ...]
    footer: tuple[str, ...] = ()


@dataclass
class _Draft:
    header: list[str] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)


def split_lines(text: str) -> list[str]:
    """Lines of a text with any line ends."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def find_scheme(lines: list[str]) -> Scheme | None:
    """The scheme that reads most lines as rows of numbers, None where none reads two."""
    # Some hundred lines tell it as well as a million.
    sample = list(islice(filter(_NUMERIC.fullmatch, lines), 300))
    best, most = None, 1
    for scheme in SCHEMES:
        count = sum(scheme.is_row(line.strip()) for line in sample)
        if count > most:
            best, most = scheme, count
    return best


def is_comment(line: str, scheme: Scheme) -> bool:
    """Whether a line is marked as a comment (a semicolon is none where it separates cells)."""
    return line[:1] in MARKS.replace(scheme.delimiter or "\0", "") if line else False


def parse(text: str, where: str) -> tuple[Scheme, list[Table]]:
    """The tables of a text.

    Raises
    ------
    BadFile
        If it holds no table of numbers, or a row that is not like the others (with its line).
    """
    lines = split_lines(text)
    scheme = find_scheme(lines)
    if scheme is None:
        raise BadFile(
            "The text holds no columns of numbers", where=where, todo="Export the spectrum as columns of text"
        )
    fast = _fast(lines, scheme)
    if fast is not None:
        return scheme, [fast]
    drafts = _drafts(lines, scheme, where)
    tables = [_table(draft, scheme, where) for draft in drafts if draft.rows]
    footer = tuple(drafts[-1].header) if not drafts[-1].rows else ()
    if footer:
        last = tables[-1]
        tables[-1] = Table(last.header, last.rows, last.lines, last.columns, footer)
    return scheme, tables


def _fast(lines: list[str], scheme: Scheme) -> Table | None:
    """One table from the first row to the end of the text, in compiled code; None where it is not that simple."""
    first = next(i for i, line in enumerate(lines) if scheme.is_row(line.strip()))
    last = len(lines)
    while last > first and not lines[last - 1].strip():
        last -= 1
    body = lines[first:last]
    if any(not line for line in body):
        return None
    if scheme.decimal == ",":
        if scheme.delimiter == ",":
            return None
        body = [line.replace(",", ".") if "." not in line else "x" for line in body]
    try:
        rows = np.loadtxt(body, delimiter=scheme.delimiter or None, comments=None, ndmin=2)
    except ValueError:
        return None
    if len(rows) != len(body) or not np.all(np.isfinite(rows)):
        return None
    header = tuple(line.strip() for line in lines[:first] if line.strip())
    return Table(header, rows, range(first + 1, last + 1), tuple(range(rows.shape[1])))


def _drafts(lines: list[str], scheme: Scheme, where: str) -> list[_Draft]:
    drafts = [_Draft()]
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line:
            continue
        if scheme.is_row(line):
            drafts[-1].rows.append(scheme.cells(raw if scheme.delimiter else line))
            drafts[-1].lines.append(number)
            continue
        if not is_comment(line, scheme) and drafts[-1].rows:
            _refuse_broken_row(scheme.cells(raw if scheme.delimiter else line), scheme, f"{where}, line {number}")
        if drafts[-1].rows:
            drafts.append(_Draft())
        drafts[-1].header.append(line)
    return drafts


def _refuse_broken_row(cells: list[str], scheme: Scheme, where: str) -> None:
    """Refuse a line between rows that holds numbers beside something else; pure text is a header."""
    numbers = [cell for cell in cells if scheme.value(cell) is not None]
    missing = [cell for cell in cells if _MISSING.match(cell)]
    if not numbers and not missing:
        return
    # "Region 2" or "Scan 3 of 5": text that begins with a word.
    if numbers and not missing and cells[0] and not scheme.delimiter and scheme.value(cells[0]) is None:
        return
    for place, cell in enumerate(cells, start=1):
        if scheme.value(cell) is None:
            what = f"'{cell[:30]}' is not a number" if cell else "the cell is empty"
            raise BadFile(f"Column {place}: {what}", where=where, todo="Fill in or delete the row")
    raise BadFile("The row holds a single number", where=where, todo=_TODO)


def _table(draft: _Draft, scheme: Scheme, where: str) -> Table:
    width = max(map(len, draft.rows))
    rows = [cells + [""] * (width - len(cells)) for cells in draft.rows]
    used = [column for column in range(width) if any(cells[column] for cells in rows)]
    for cells, number in zip(rows, draft.lines, strict=True):
        for column in used:
            if not cells[column]:
                raise BadFile(f"Column {column + 1}: the cell is empty", where=f"{where}, line {number}", todo=_TODO)
    values = np.array([[scheme.value(cells[column]) for column in used] for cells in rows], dtype=np.float64)
    return Table(tuple(draft.header), values, tuple(draft.lines), tuple(used))
