"""A cursor over the lines of a VAMAS file that knows where it is when something is wrong."""

from __future__ import annotations

import math

from libraries.errors import BadFile

# Any number of this size stands for "no value" (ISO 14976; written 1E37, 1e+037, 1.0E+37 ...).
NO_VALUE = 1e37
DAMAGED = "The file is damaged or was not written to the standard; export it again"


def number_or_none(text: str) -> float | None:
    """The number in `text`; None for 'no value' (1E37), for text and for what is not finite."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and abs(value) < 0.99 * NO_VALUE else None


class Lines:
    """A cursor over the lines of a file that knows where it is when something is wrong."""

    def __init__(self, text: str, where: str) -> None:
        # Not splitlines(): that also splits at form feeds and other marks that may stand inside a comment.
        self.lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self.at = 0
        self.file = where
        self.block = ""

    @property
    def where(self) -> str:
        """File, block and the number of the line read last."""
        block = f", block {self.block}" if self.block else ""
        return f"{self.file}{block}, line {max(self.at, 1)}"

    @property
    def left(self) -> int:
        """How many lines are left."""
        return len(self.lines) - self.at

    def text(self, what: str) -> str:
        """The next line."""
        if self.at >= len(self.lines) or (self.left == 1 and not self.lines[-1]):
            raise BadFile(
                f"The file ends where {what} should be", where=self.where, todo="Copy or export the file again"
            )
        self.at += 1
        return self.lines[self.at - 1].strip()

    def comments(self) -> tuple[str, ...]:
        """A number of lines and these lines, untouched."""
        count = self.count("the number of comment lines")
        start = self.at
        for _ in range(count):
            self.text("a comment line")
        return tuple(self.lines[start : self.at])

    def number(self, what: str) -> float:
        """The next line as a finite number."""
        text = self.text(what)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value) or "_" in text:
            raise BadFile(f"'{text[:40]}' is not a number, but {what} should be", where=self.where, todo=DAMAGED)
        return value

    def integer(self, what: str) -> int:
        """The next line as a whole number."""
        value = self.number(what)
        if value != math.floor(value) or abs(value) > 1e9:
            raise BadFile(f"{value:g} is not a whole number, but {what} should be", where=self.where, todo=DAMAGED)
        return int(value)

    def count(self, what: str, lines_each: int = 1) -> int:
        """The next line as a number of things, each of which takes lines: refused before anything is allocated."""
        value = self.integer(what)
        if value < 0 or value * lines_each > self.left:
            raise BadFile(
                f"{what[:1].upper()}{what[1:]} is {value}, which does not fit into the {self.left} lines that are left",
                where=self.where,
                todo=DAMAGED,
            )
        return value

    def texts(self, count: int, what: str) -> tuple[str, ...]:
        """The next `count` lines."""
        return tuple(self.text(what) for _ in range(count))

    def choice(self, what: str, choices: tuple[str, ...]) -> str:
        """The next line, one of `choices` (in any case)."""
        text = self.text(what).upper()
        if text not in choices:
            raise BadFile(f"'{text[:40]}' is no {what} of VAMAS", where=self.where, todo=DAMAGED)
        return text
