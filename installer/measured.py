"""docs/measured.md: the figures that a full run measured, with date, machine and command."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

Row = Mapping[str, object]
COMMAND = "python3 -m installer test --full"


def read(lines: Iterable[str]) -> list[Row]:
    """Read the record that the tests' fixture `measured` wrote: one JSON object a line.

    A figure that was taken again (the long form of a test after its short form) replaces the first. A line cut off by
    the end of a process is left out.
    """
    rows: dict[tuple[str, str], Row] = {}
    for line in lines:
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and {"file", "name", "value"} <= row.keys():
            rows[str(row["file"]), str(row["name"])] = row
    return list(rows.values())


def number(value: object) -> str:
    """Write a figure with four significant digits; counts in full."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return str(value)
    return str(value) if isinstance(value, int) else f"{value:.4g}"


def table(rows: Iterable[Row]) -> str:
    """Return Markdown: a heading and a table for each test file, in the order of their names."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        groups.setdefault(str(row["file"]), []).append(row)
    parts: list[str] = []
    for file in sorted(groups):
        parts += [f"### {file}", "", "| figure | value | unit | demand | test |", "|---|---:|---|---|---|"]
        parts += [_line(row) for row in sorted(groups[file], key=lambda row: str(row["name"]))]
        parts.append("")
    return "\n".join(parts)


def benchmark_table(output: str) -> str:
    """Return the lines of the tables that `python -m benchmarks` printed."""
    return "\n".join(line.rstrip() for line in output.splitlines() if line.startswith("|"))


def outcome_line(closing: Mapping[str, str]) -> list[str]:
    """Return a Markdown list of the steps and how they ended."""
    return [f"- {name}: {text}" for name, text in closing.items()]


def document(
    rows: Iterable[Row], benchmarks: str, *, facts: Mapping[str, str], steps: Mapping[str, str], when: datetime.datetime
) -> str:
    """Return the text of docs/measured.md."""
    figures = table(rows) or "No test recorded a figure.\n"
    head = {"Date": when.strftime("%Y-%m-%d %H:%M UTC"), **facts, "Command": f"`{COMMAND}`"}
    return "\n".join(
        [
            "# Measured figures",
            "",
            f"Written by `{COMMAND}`; do not edit. The column *demand* is what the test asserts.",
            "",
            *(f"- {name}: {text}" for name, text in head.items()),
            "",
            "## Steps",
            "",
            *outcome_line(steps),
            "",
            "## Tests",
            "",
            figures,
            "## Benchmarks",
            "",
            benchmarks or "No benchmark gave a table.",
            "",
        ]
    )


def write(path: Path, text: str) -> None:
    """Write the document, making its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8", newline="\n")


def _line(row: Row) -> str:
    cells = (row["name"], number(row["value"]), row.get("unit", ""), row.get("limit", ""), f"`{row.get('test', '')}`")
    return "| " + " | ".join(re.sub(r"\s+", " ", str(cell)).replace("|", "\\|") for cell in cells) + " |"
