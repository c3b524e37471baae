"""`python -m benchmarks [CASE ...] [--quick] [--json] [--no-peers]`: run the cases and print one table."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import sys
from collections.abc import Sequence

from benchmarks import Row, cases

HEAD = ("case", "ours", "peer", "faster", "floor", "from floor", "unit", "note")


def cell(value: float | str | None) -> str:
    """Write a table cell: four digits, or a dash for what was not measured."""
    if value is None:
        return "-"
    return value.replace("|", "\\|") if isinstance(value, str) else f"{value:.4g}"


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table with even columns (the notes, which come last, as long as they are)."""
    body = [
        [
            cell(value)
            for value in (row.case, row.ours, row.peer, row.faster, row.floor, row.from_floor, row.unit, row.note)
        ]
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [list(HEAD), *body]) for column in range(len(HEAD) - 1)] + [0]
    lines = [HEAD, ["-" * max(width, 3) for width in widths], *body]
    return "\n".join(
        "| " + " | ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def warn_of_load() -> None:
    """Say so where other programs are at work: their time would be in the figures."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5:
        print(f"this machine is busy (load {load:.1f}): do not quote these figures", file=sys.stderr, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases asked for (all, if none is named); return the exit status.

    1 where a figure of ours is missing, or the peers' environment was wanted and could not be made.
    """
    known = cases()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("case", nargs="*", metavar="CASE", help=f"one or more of: {', '.join(known)}; all by default")
    parser.add_argument("--quick", action="store_true", help="fewer repeats: a smoke test, not a figure to quote")
    parser.add_argument("--json", action="store_true", help="print a list of objects instead of the table")
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone and install nothing")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.case) - set(known))
    if unknown:
        parser.error(f"no such case: {', '.join(unknown)} (there are: {', '.join(known)})")
    from benchmarks._peers import Peers

    peers, rows = Peers(wanted=not options.no_peers), []
    warn_of_load()
    for name in options.case or known:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        rows += known[name](quick=options.quick, peers=peers)
    if options.json:
        extra = [{"faster": row.faster, "from_floor": row.from_floor} for row in rows]
        print(json.dumps([dataclasses.asdict(row) | more for row, more in zip(rows, extra, strict=True)], indent=2))
    else:
        print(table(rows))
    return 1 if peers.failed or any(row.ours is None for row in rows) else 0


if __name__ == "__main__":
    # As `_peers.CALM`, before NumPy is loaded.
    os.environ |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    sys.exit(main())
