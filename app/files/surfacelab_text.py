"""What texts of SurfaceLab (IONTOF) have in common: cells, numbers with their digits, and what is said of dead time."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import ArrayLike

from app.files.instrument import DAMAGED
from fitting.dataset import FloatArray
from fitting.sims.dead_time import State, state_of
from libraries.errors import BadFile

# No counter and no ion gun gets there.
MOST = 1e25
_NUMBER = re.compile(r"[-+]?(\d+([.,]\d*)?|[.,]\d+)([eE][-+]?\d{1,3})?$")
_NO_NUMBER = re.compile(r"[-+]?(inf(inity)?|nan(\(.*\))?|1\.#\w+|n/?a|∞)$", re.IGNORECASE)
_THOUSANDS = re.compile(r"[-+]?\d{1,3},\d{3}$")

DEAD_TIME: dict[State, str] = {
    "corrected": "corrected by the instrument's software (the counts are no whole numbers)",
    "counts": "whole counts: not corrected, or corrected and rounded",
    "unknown": "not known",
}


def cells_of(line: str) -> list[str]:
    """Cells of a line parted by tabs, without those behind the last tab."""
    cells = [cell.strip() for cell in line.split("\t")]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def decimal_mark(cells: Iterable[str], where: str) -> str:
    """"." or ",", as the numbers of a file are written.

    Raises
    ------
    BadFile
        If both are used, or every comma may as well part thousands.
    """
    commas, points = [], False
    for cell in cells:
        if _NUMBER.match(cell):
            points = points or "." in cell
            if "," in cell:
                commas.append(cell)
    if not commas:
        return "."
    if points:
        raise BadFile(f"Some numbers have a decimal comma ('{commas[0][:20]}') and others a point", where=where,
                      todo="Export the file again with one decimal mark")
    if all(_THOUSANDS.match(cell) for cell in commas):
        raise BadFile(f"The comma of '{commas[0][:20]}' may part decimals or thousands", where=where,
                      todo="Export the file again with decimal points and more digits")
    return ","


def number(cell: str, mark: str) -> float | None:
    """The number in a cell, None where it holds none or an absurd one."""
    if not _NUMBER.match(cell) or ("," in cell and mark == "."):
        return None
    value = float(cell.replace(",", "."))
    return value if abs(value) <= MOST else None


def without_number(cell: str) -> bool:
    """Whether a cell says that there is no number: "inf", "nan", "N/A"."""
    return bool(_NO_NUMBER.match(cell))


def column_of(cells: Sequence[str], mark: str, what: str, where: str, lines: Sequence[int]) -> FloatArray:
    """The numbers of a column.

    Raises
    ------
    BadFile
        With the line of the first cell that holds none.
    """
    values = [number(cell, mark) for cell in cells]
    for cell, value, line in zip(cells, values, lines, strict=True):
        if value is None:
            what_is = f"'{cell[:30]}' is not a number" if cell else "the cell is empty"
            raise BadFile(f"{what}: {what_is}", where=f"{where}, line {line}", todo=DAMAGED)
    return np.asarray(values, dtype=np.float64)


def fast_table(lines: Sequence[str], width: int, mark: str = "\t") -> FloatArray | None:
    """Numbers of lines without decimal commas, in compiled code; None where a cell is none, or a line has not `width`.

    "inf" and "nan" are kept as they are: who does not expect them must look.
    """
    if not lines or (mark != "," and any("," in line for line in lines)):
        return None
    try:
        values = np.loadtxt(lines, delimiter=mark, comments=None, ndmin=2)
    except ValueError:
        return None
    good = values.shape == (len(lines), width) and not np.any(np.abs(values[np.isfinite(values)]) > MOST)
    return values if good else None


def digits_of(cells: Iterable[str]) -> int:
    """Significant digits with which numbers are written: those of the longest."""
    longest = 0
    for cell in cells:
        mantissa = re.split("[eE]", cell, maxsplit=1)[0]
        longest = max(longest, len(re.sub(r"\D", "", mantissa).lstrip("0")))
    return longest


def rounding(values: ArrayLike, digits: int) -> FloatArray:
    """Half of the last digit of numbers that were written with so many significant digits."""
    size = np.abs(np.asarray(values, dtype=np.float64))
    power = np.floor(np.log10(np.where(size > 0, size, 1.0)))
    return np.where(size > 0, 0.5 * 10.0 ** (power - (digits - 1)), 0.0)


def whole_numbers(counts: FloatArray) -> np.ndarray:
    """Counts as integers where all are whole, as they are otherwise."""
    if counts.size and counts.min() >= 0 and counts.max() < 2**53 and np.all(counts == np.rint(counts)):
        return counts.astype(np.int64)
    return counts


def stated_dead_time(counts: ArrayLike, stated: str = "") -> list[tuple[str, str]]:
    """`dead_time_note` where the file says it or the counts are surely corrected; nothing elsewhere."""
    note = dead_time_note(counts, stated)
    return [] if note[1] in (DEAD_TIME["counts"], DEAD_TIME["unknown"]) else [note]


def dead_time_note(counts: ArrayLike, stated: str = "") -> tuple[str, str]:
    """What is known of a dead-time correction: as the file states it ("on", "off"), else as the counts tell."""
    plain = stated.strip().lower()
    if plain == "on":
        return "dead time", "corrected by the instrument's software (the file says so)"
    if plain == "off":
        return "dead time", "not corrected (the file says so)"
    return "dead time", DEAD_TIME[state_of(counts)]


def size_of(area: float) -> str:
    """An area in cm², with the side of a square of that size in µm."""
    return f"{area:.3g} cm² (a square of {math.sqrt(area) * 1e4:.0f} µm)"
