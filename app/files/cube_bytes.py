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
_ROOM = 10**17  # a number up to this takes one more digit


@njit(cache=True, nogil=True)
def _rest(data: Any, at: int, value: int, written: int) -> tuple[int, int, int]:
    """What follows the digits of a number: ".000", "e+02". The whole number, the place behind it, what is wrong."""
    power = 0
    if data[at] == 46:
        at += 1
        while 48 <= data[at] <= 57:
            if value > _ROOM:
                return 0, at, FRACTION
            value = value * 10 + (np.int64(data[at]) - 48)
            written += 1
            power -= 1
            at += 1
    if not written:
        return 0, at, BAD
    if data[at] == 69 or data[at] == 101:
        at += 1
        below = data[at] == 45
        if below or data[at] == 43:
            at += 1
        exponent, there = np.int64(0), 0
        while 48 <= data[at] <= 57:
            exponent = min(exponent * 10 + (np.int64(data[at]) - 48), 999)
            there += 1
            at += 1
        if not there:
            return 0, at, BAD
        power += -exponent if below else exponent
    while power < 0 and value:
        if value % 10:
            return 0, at, FRACTION
        value //= 10
        power += 1
    while power > 0 and value:
        if value > _ROOM:
            return 0, at, LARGE
        value *= 10
        power -= 1
    return value, at, 0


@njit(cache=True, nogil=True)
def parse_lines(data: Any, stop: int, rows: Any, first: int) -> tuple[int, int, int, int]:
    """Whole lines of bytes as rows of four numbers.

    Parameters
    ----------
    data : array of uint8
    stop : int
        Behind the last byte that counts, which must be the end of a line.
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
            while data[at] != 10:
                at += 1
            continue
        # From here on the end of the line ends every loop.
        for column in range(4):
            byte = data[at]
            while byte == 32 or byte == 9 or byte == 44 or byte == 59:
                at += 1
                byte = data[at]
            if byte == 10 or byte == 13:
                return count, line, FEW, line
            negative = byte == 45
            if negative or byte == 43:
                at += 1
            begin, value = at, np.int64(0)
            digit = np.int64(data[at]) - 48
            while 0 <= digit <= 9:
                if value > _ROOM:
                    return count, line, LARGE, line
                value = value * 10 + digit
                at += 1
                digit = np.int64(data[at]) - 48
            byte = data[at]
            if byte == 46 or byte == 69 or byte == 101:
                value, at, code = _rest(data, at, value, at - begin)
                if code:
                    return count, line, code, line
                byte = data[at]
            elif at == begin:
                return count, line, BAD, line
            if byte != 32 and byte != 10 and byte != 9 and byte != 13 and byte != 44 and byte != 59:
                return count, line, BAD, line
            if negative:
                value = -value
            if column < 3:
                value -= first
                if value < 0:
                    return count, line, BEFORE, line
            elif value < 0:
                return count, line, NEGATIVE, line
            elif value > MOST_COUNTS:
                return count, line, LARGE, line
            rows[count, column] = value
        byte = data[at]
        while byte == 32 or byte == 9 or byte == 44 or byte == 59 or byte == 13:
            at += 1
            byte = data[at]
        if byte != 10:
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
