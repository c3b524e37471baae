"""`python -m benchmarks [CASE ...] [--quick] [--json]`: run the cases and print one table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence

from benchmarks import Row, cases

HEAD = ("case", "ours", "peer", "ratio", "floor", "unit", "note")


def cell(value: float | str | None) -> str:
    """Write a table cell: four digits, or a dash for what was not measured."""
    if value is None:
        return "-"
    return value.replace("|", "\\|") if isinstance(value, str) else f"{value:.4g}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table with even columns."""
    body = [
        [cell(value) for value in (row.case, row.ours, row.peer, row.ratio, row.floor, row.unit, row.note)]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [list(HEAD), *body]) for column in range(len(HEAD))]
    lines = [HEAD, ["-" * width for width in widths], *body]
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for (all, if none is named); return the exit status."""
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="*", metavar="CASE", help=f"one or more of: {', '.join(known)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: a smoke test, not a figure to quote")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of the table")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.case) - set(known))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)} (there are: {', '.join(known)})")
    rows: list[Row] = []
    for name in options.case or known:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += known[name](quick=options.quick)
    if options.json:
        print(json.dumps([dataclasses.asdict(row) | {"ratio": row.ratio} for row in rows], indent=2))
    else:
        print(table(rows))
    return 1 if any(row.ours is None for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
