"""Writes docs/reference.md from the program's own tables: `python docs/make_reference.py`.

Commands, file formats, line shapes, backgrounds and recipe steps are read from where the program keeps them, so that
the manual cannot say anything else.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET = ROOT / "docs" / "reference.md"
HEAD = """# Reference

Made by `python docs/make_reference.py` from the program's own tables; do not edit.
"""


def table(title: str, columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A section with one table."""
    lines = [f"\n## {title}\n", f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    for row in rows:
        cells = [cell.replace("|", "\\|") for cell in row]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def text() -> str:
    """The whole page."""
    sys.path.insert(0, str(ROOT))
    from app.files import formats
    from app.gui.actions import COMMANDS
    from fitting.backgrounds import KINDS
    from fitting.shapes import SHAPES

    commands = [(c.menu.replace("/", " > "), c.text, c.shortcut, c.tip) for c in COMMANDS]
    files = [(f.title, ", ".join(f.suffixes), f.description) for f in formats()]
    shapes = [
        (s.title, ", ".join(p.name + (f" ({p.unit})" if p.unit else "") for p in s.parameters), s.formula, s.reference)
        for s in SHAPES.values()
    ]
    kinds = [
        (k.title, "from the data" if k.static else "fitted with the peaks", k.formula, k.reference)
        for k in KINDS.values()
    ]
    return "".join((
        HEAD,
        table("Commands of the window", ("Menu", "Command", "Keys", "What it does"), commands),
        table("Files that can be read", ("Format", "Suffixes", "What is read"), files),
        table("Line shapes", ("Shape", "Parameters", "Formula", "Reference"), shapes),
        table("Backgrounds", ("Background", "How", "Formula", "Reference"), kinds),
    ))


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
