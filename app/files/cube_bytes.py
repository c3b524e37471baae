"""Lines "x y z counts" as bytes: numbers and their places in a volume, in machine code.

What a line may hold is decided here and nowhere else: four whole numbers, in any writing of whole numbers ("7", "7.0",
"7.000e+00"), parted by blanks, tabs, commas or semicolons; comment lines after '#'; empty lines.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

UNSEEN = np.uint32(0xFFFFFFFF)  # a voxel that no line has named
MOST_COUNTS = 0xFFFFFFFE
BAD, FEW, MANY, FRACTION, BEFORE, NEGATIVE, LARGE, OUTSIDE, TWICE = range(1, 10)
_DIGITS = 18  # that an int64 holds


@njit(cache=True, nogil=True)
def parse_lines(data: Any, stop: int, rows: Any, first: int) -> tuple[int, int, int, int]:
    """Whole lines of bytes as rows of four numbers.

    Parameters
    ----------
    data : array of uint8
    stop : int
        Behind the last byte that counts; the byte before it ends a line, or the file.
    rows : array of int64, shape (m, 4)
        Is filled with x, y, z (counted from 0) and counts; m is at least the number of lines.
    first : int
        What the file calls the first pixel and the first scan, 0 or 1.

    Returns
    -------
    count, lines, code, line
        Rows filled, lines seen; what is wrong (0: nothing) and the line where, counted from 0.
    """
    at, count, line = 0, 0, 0
    while at < stop:
        byte = data[at]
        if byte == 32 or byte == 9 or byte == 13:
            at += 1
            continue
        if byte == 10:
            at += 1
            line += 1
            continue
        if byte == 35:
            while at < stop and data[at] != 10:
                at += 1
            continue
        for column in range(4):
            while at < stop and (data[at] == 32 or data[at] == 9 or data[at] == 44 or data[at] == 59):
                at += 1
            if at >= stop or data[at] == 10 or data[at] == 13:
                return count, line, FEW, line
            sign = 1
            if data[at] == 45 or data[at] == 43:
                sign = -1 if data[at] == 45 else 1
                at += 1
            value, digits, written = 0, 0, 0
            while at < stop and 48 <= data[at] <= 57:
                if value or data[at] != 48:
                    digits += 1
                    if digits > _DIGITS:
                        return count, line, LARGE, line
                value = value * 10 + (data[at] - 48)
                written += 1
                at += 1
            if at < stop and (data[at] == 46 or (written and (data[at] | 32) == 101)):
                power = 0
                if data[at] == 46:
                    at += 1
                    while at < stop and 48 <= data[at] <= 57:
                        if value or data[at] != 48:
                            digits += 1
                            if digits > _DIGITS:
                                return count, line, FRACTION, line
                        value = value * 10 + (data[at] - 48)
                        written += 1
                        power -= 1
                        at += 1
                if written and at < stop and (data[at] | 32) == 101:
                    at += 1
                    below = 1
                    if at < stop and (data[at] == 45 or data[at] == 43):
                        below = -1 if data[at] == 45 else 1
                        at += 1
                    exponent, there = 0, 0
                    while at < stop and 48 <= data[at] <= 57:
                        exponent = min(exponent * 10 + (data[at] - 48), 999)
                        there += 1
                        at += 1
                    if not there:
                        return count, line, BAD, line
                    power += below * exponent
                while power < 0 and value:
                    if value % 10:
                        return count, line, FRACTION, line
                    value //= 10
                    power += 1
                while power > 0 and value:
                    if value > 10**17:
                        return count, line, LARGE, line
                    value *= 10
                    power -= 1
            if not written:
                return count, line, BAD, line
            if at < stop and data[at] not in (9, 10, 13, 32, 44, 59):
                return count, line, BAD, line
            value *= sign
            if column < 3:
                value -= first
                if value < 0:
                    return count, line, BEFORE, line
            elif value < 0:
                return count, line, NEGATIVE, line
            elif value > MOST_COUNTS:
                return count, line, LARGE, line
            rows[count, column] = value
        while at < stop and (data[at] == 32 or data[at] == 9 or data[at] == 44 or data[at] == 59 or data[at] == 13):
            at += 1
        if at < stop and data[at] != 10:
            return count, line, MANY, line
        count += 1
    return count, line, 0, 0


@njit(cache=True, nogil=True)
def highest(rows: Any, count: int) -> tuple[int, int, int]:
    """Largest x, y and z of some rows; -1 for none."""
    x, y, z = -1, -1, -1
    for i in range(count):
        x, y, z = max(x, rows[i, 0]), max(y, rows[i, 1]), max(z, rows[i, 2])
    return x, y, z


@njit(cache=True, nogil=True)
def put(volume: Any, rows: Any, count: int) -> tuple[int, int]:
    """Counts into a volume (scans, rows, columns) of uint32 that began as UNSEEN.

    Returns
    -------
    code, row
        0, or OUTSIDE or TWICE and the row that is to blame.
    """
    scans, lines, columns = volume.shape
    for i in range(count):
        x, y, z = rows[i, 0], rows[i, 1], rows[i, 2]
        if x >= columns or y >= lines or z >= scans:
            return OUTSIDE, i
        if volume[z, y, x] != UNSEEN:
            return TWICE, i
        volume[z, y, x] = rows[i, 3]
    return 0, 0
