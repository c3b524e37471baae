"""How commands answer: tables for people, JSON for programs, a progress bar for those who wait."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any, TextIO

BAR = 24


def print_json(value: Any) -> None:
    """One JSON value on the standard output; numbers that are not finite become null."""
    import json

    # Every JSON reader takes escapes; only UTF-8 holds every character.
    plain = (getattr(sys.stdout, "encoding", None) or "").lower().replace("-", "") != "utf8"
    print(json.dumps(plain_json(value), indent=2, ensure_ascii=plain, allow_nan=False))


def plain_json(value: Any) -> Any:
    """The value with NaN and infinities as None, NumPy numbers as Python's, tuples as lists."""
    if isinstance(value, Mapping):
        return {str(key): plain_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_json(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> str:
    """A table of text; the columns named in `right` are aligned to the right."""
    cells = [list(heads), *(list(row) for row in rows)]
    widths = [max(_width(row[i]) for row in cells) for i in range(len(heads))]
    lines = []
    for row in cells:
        padded = [
            " " * (widths[i] - _width(text)) + text if i in right else text + " " * (widths[i] - _width(text))
            for i, text in enumerate(row)
        ]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines)


def _width(text: str) -> int:
    """Columns that a terminal needs: none for combining marks, two for wide characters."""
    import unicodedata

    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class Progress:
    """A bar on the error stream while it is a terminal, else nothing: `progress(fraction, text)`."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._shown = ""

    def __call__(self, fraction: float, text: str = "") -> None:
        """Show how far the work is, 0 to 1."""
        if self._stream is None or not self._stream.isatty():
            return
        share = min(max(fraction, 0.0), 1.0) if math.isfinite(fraction) else 0.0
        done = round(BAR * share)
        import shutil

        room = max(shutil.get_terminal_size().columns - BAR - 10, 0)
        line = f"[{'#' * done}{'.' * (BAR - done)}] {100 * share:3.0f} % {text}"[: BAR + 9 + room]
        if line != self._shown:
            self._stream.write("\r\x1b[K" + line)
            self._stream.flush()
            self._shown = line

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._shown and self._stream is not None:
            self._stream.write("\r\x1b[K")
            self._stream.flush()
            self._shown = ""
