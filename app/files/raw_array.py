"""Numbers that lie in a file one behind the other, and arrays whose axes stand in another order or run backwards.

Nothing is mapped into memory: pages of a mapping count as memory of the process, and a file that is cut off while it is
mapped ends the program.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadFile

Index = Any


def ranges(index: Index, shape: tuple[int, ...]) -> tuple[list[tuple[int, int]], tuple[int, ...]]:
    """First and last place on every axis that an index of whole numbers and plain slices means, and its shape."""
    parts = list(index) if isinstance(index, tuple) else [index]
    parts += [slice(None)] * (len(shape) - len(parts))
    found, left = [], []
    for part, length in zip(parts, shape, strict=True):
        if isinstance(part, slice):
            start, stop, _ = part.indices(length)
            stop = max(stop, start)
            left.append(stop - start)
        else:
            start = int(part) + (length if part < 0 else 0)
            stop = start + 1
        if not 0 <= start <= stop <= length:
            raise IndexError(f"{part} is outside of {length}")
        found.append((start, stop))
    return found, tuple(left)


@dataclass(frozen=True)
class RawArray:
    """An array in C order from a place of a file on.

    Attributes
    ----------
    path : Path
    offset : int
        Of its first byte.
    shape : tuple of int
    dtype : dtype
        As in the file, of any byte order.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    def __getitem__(self, index: Index) -> NDArray[Any]:
        """A rectangular part.

        Raises
        ------
        BadFile
            If the file is gone, or shorter than the array.
        """
        places, left = ranges(index, self.shape)
        block = np.empty([stop - start for start, stop in places], self.dtype)
        if block.size:
            self._fill(block, places)
        return block.reshape(left).astype(self.dtype.newbyteorder("="), copy=False)

    def _fill(self, block: NDArray[Any], places: list[tuple[int, int]]) -> None:
        """Read every run of numbers that lie one behind the other."""
        cut = len(places)
        while cut > 0 and places[cut - 1] == (0, self.shape[cut - 1]):
            cut -= 1
        cut = max(cut - 1, 0)  # the axis in front of those that are whole is part of the run
        size = self.dtype.itemsize
        strides = [size * math.prod(self.shape[i + 1 :]) for i in range(len(places))]
        first = self.offset + (places[cut][0] * strides[cut] if places else 0)
        bytes_ = memoryview(block.reshape(-1).view(np.uint8))
        length = size * math.prod(block.shape[cut:])
        try:
            with self.path.open("rb", buffering=0) as file:
                done = 0
                for outer in itertools.product(*(range(*place) for place in places[:cut])):
                    at = first + sum(i * stride for i, stride in zip(outer, strides, strict=False))
                    self._run(file, at, bytes_[done : done + length])
                    done += length
        except (OSError, OverflowError) as error:
            raise BadFile(f"The file cannot be read any more ({error})", where=str(self.path), todo=_AGAIN) from error

    def _run(self, file: Any, at: int, target: memoryview) -> None:
        file.seek(at)
        got = 0
        while got < len(target):
            count = file.readinto(target[got:])
            if not count:
                raise BadFile("The file is shorter than it says", where=str(self.path), todo=_AGAIN)
            got += count


_AGAIN = "Copy or export it again"


def numpy_array(path: Path) -> tuple[RawArray, tuple[int, ...]]:
    """The array of a .npy file as it lies there, and where each of its axes stands.

    Raises
    ------
    BadFile
        If it is none, holds objects, or is shorter than it says.
    """
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            if version == (1, 0):
                shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
            else:
                shape, fortran, dtype = np.lib.format.read_array_header_2_0(file)
            offset = file.tell()
    except (OSError, ValueError, EOFError, SyntaxError, TypeError, MemoryError) as error:
        raise _no_numpy(path, error) from error
    if dtype.hasobject or dtype.kind not in "iufcbSU" or any(length < 0 for length in shape):
        raise _no_numpy(path, f"it holds {dtype}")
    if offset + math.prod(shape) * dtype.itemsize > path.stat().st_size:
        raise _no_numpy(path, "it is shorter than it says")
    turned = tuple(reversed(shape)) if fortran else tuple(shape)
    order = tuple(reversed(range(len(shape)))) if fortran else tuple(range(len(shape)))
    return RawArray(path, offset, turned, dtype), order


def _no_numpy(path: Path, why: object) -> BadFile:
    what = f"This is no array of numbers in NumPy's format ({why})"
    return BadFile(what, where=str(path), todo="Save it with numpy.save")


@dataclass(frozen=True)
class Turned:
    """An array whose axes are put into another order, some of them backwards.

    Attributes
    ----------
    array : array-like
        Sliced by whole numbers and plain slices.
    order : tuple of int
        For each axis of the result its place in `array`; axes of length one may be left out.
    flips : tuple of bool
        For each axis of the result whether it runs backwards.
    """

    array: Any
    order: tuple[int, ...]
    flips: tuple[bool, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the result."""
        return tuple(self.array.shape[i] for i in self.order)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the numbers."""
        return np.dtype(self.array.dtype)

    def __getitem__(self, index: Index) -> NDArray[Any]:
        """A rectangular part."""
        places, left = ranges(index, self.shape)
        inside: list[slice] = [slice(0, 1)] * len(self.array.shape)
        for (start, stop), at, flip in zip(places, self.order, self.flips, strict=True):
            length = self.array.shape[at]
            inside[at] = slice(length - stop, length - start) if flip else slice(start, stop)
        rest = tuple(i for i in range(len(self.array.shape)) if i not in self.order)
        block = np.asarray(self.array[tuple(inside)]).transpose(self.order + rest)
        block = block.reshape(block.shape[: len(self.order)])
        block = block[tuple(slice(None, None, -1) if flip else slice(None) for flip in self.flips)]
        return block.reshape(left)
