"""Plain-text reference tables and the one reader for them.

A table is a CSV file whose first lines begin with `#` and say what it holds; then a header row, then the rows.
Several values in one field are separated by semicolons. SOURCES.md describes every table.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

from libraries.errors import BadFile

FOLDER = Path(__file__).resolve().parent


@cache
def read_table(name: str) -> tuple[Mapping[str, str], ...]:
    """Rows of a shipped table.

    Parameters
    ----------
    name : str
        File name inside this folder, for example "materials.csv".

    Returns
    -------
    tuple of mapping
        One mapping a row, column name to stripped text.

    Raises
    ------
    BadFile
        If the table is missing or a row has too many or too few fields.
    """
    path = FOLDER / name
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise BadFile("The reference table cannot be read", where=name, todo="Install the program again") from error
    return parse_table("\n".join(lines), where=name)


def parse_table(text: str, *, where: str = "") -> tuple[Mapping[str, str], ...]:
    """Rows of a table given as text: comments and empty lines dropped, every field stripped.

    Raises
    ------
    BadFile
        If there is no header row, or a row has another number of fields than the header.
    """
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    rows = list(csv.reader(lines, skipinitialspace=True))
    if not rows:
        raise BadFile("The table has no header row", where=where, todo="Add a row with the column names")
    header = [name.strip() for name in rows[0]]
    result = []
    for number, row in enumerate(rows[1:], start=1):
        if len(row) != len(header):
            raise BadFile(f"Row {number} has {len(row)} fields, the header has {len(header)}", where=where,
                          todo="Quote fields that contain a comma")
        result.append(MappingProxyType(dict(zip(header, (field.strip() for field in row), strict=True))))
    return tuple(result)


def numbers(text: str) -> tuple[float, ...]:
    """Numbers of a field, separated by semicolons; an empty field gives an empty tuple."""
    return tuple(float(part) for part in text.split(";") if part.strip())
