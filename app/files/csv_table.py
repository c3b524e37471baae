"""CSV tables: UTF-8, comma, decimal point, LF, one header row with units in brackets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from app.files.atomic import write_text
from libraries.errors import BadData


def write_table(path: str | Path, columns: Sequence[str], rows: Iterable[Sequence[Any]], *,
                notes: Sequence[str] = ()) -> None:
    """Write a table; numbers are written so that reading them gives the same number, None as an empty cell.

    `notes` are lines above it, each behind a #.

    Raises
    ------
    BadData
        If two columns have the same name or a row has not one cell for each column.
    CannotWrite
        If the file cannot be written.
    """
    if len(set(columns)) != len(columns):
        twice = sorted({name for name in columns if columns.count(name) > 1})
        raise BadData(f"Two columns are called '{twice[0]}'", where=str(path), todo="Give each its own name")
    lines = [*(f"# {note}" for note in notes), ",".join(map(_text, columns))]
    for number, row in enumerate(rows, start=1):
        if len(row) != len(columns):
            raise BadData(f"{len(row)} cells for {len(columns)} columns", where=f"{path}, row {number}")
        lines.append(",".join(map(cell, row)))
    write_text(path, "\n".join(lines) + "\n")


def cell(value: Any) -> str:
    """One cell: the shortest text that gives the same number back, or quoted text."""
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if isinstance(value, (float, np.floating)):
        return number(float(value))
    return _text(str(value))


def number(value: float) -> str:
    """Shortest text of a float, without ".0" behind whole numbers; empty for a value that is not a number."""
    if value != value:
        return ""
    text = repr(value)
    return text[:-2] if text.endswith(".0") else text


def _text(text: str) -> str:
    if any(mark in text for mark in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    # A spreadsheet would run such text as a formula.
    return "'" + text if text.startswith(("=", "+", "@")) else text
