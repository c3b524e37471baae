"""Stored spectra after whole pixels were left out, moved or joined: still read piece by piece.

Pixels are moved as they are, so that counts stay counts. A navigation of one or two axes is taken as a cube with one
scan (and one row).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fitting.stored import Stored, mark

IntArray = NDArray[np.int64]
Cuts = tuple[slice, ...]


def cube_shape(navigation: tuple[int, ...]) -> tuple[int, int, int]:
    """Scans, rows and columns of a navigation of at most three axes."""
    scans, rows, columns = (1,) * (3 - len(navigation)) + tuple(navigation)
    return scans, rows, columns


@dataclass(frozen=True, eq=False)
class Gathered(Stored):
    """Spectra of which each is one of the source, moved by whole scans, rows and columns.

    Voxel (s, r, c) is there (s + depth[r, c], r + down[s], c + across[s]).

    Attributes
    ----------
    source : Stored
    shape : tuple of int
        (*navigation, n).
    corner : (int, int, int)
        Scan, row and column of the source that are added to the above.
    down, across : int array, shape (scans,), or None
        Rows and columns by which each scan is moved.
    depth : int array, shape (rows, columns), or None
        Scans by which each pixel is moved.
    """

    source: Stored
    shape: tuple[int, ...]
    corner: tuple[int, int, int] = (0, 0, 0)
    down: IntArray | None = None
    across: IntArray | None = None
    depth: IntArray | None = None

    def __post_init__(self) -> None:
        moves = [None if part is None else np.asarray(part).tolist() for part in (self.down, self.across, self.depth)]
        object.__setattr__(self, "dtype", self.source.dtype)
        object.__setattr__(self, "portable", self.source.portable)
        told = mark(self.source.fingerprint, "gathered", self.shape, self.corner, moves)
        object.__setattr__(self, "fingerprint", told)

    def origin(self, start: int, stop: int) -> IntArray:
        """Places of the source's flattened navigation for places start to stop of this one."""
        _, rows, columns = cube_shape(self.shape[:-1])
        scan, rest = np.divmod(np.arange(start, stop, dtype=np.int64), rows * columns)
        row, column = np.divmod(rest, columns)
        from_scan = scan + self.corner[0] + (0 if self.depth is None else self.depth[row, column])
        from_row = row + self.corner[1] + (0 if self.down is None else self.down[scan])
        from_column = column + self.corner[2] + (0 if self.across is None else self.across[scan])
        _, high, wide = cube_shape(self.source.shape[:-1])
        return np.asarray((from_scan * high + from_row) * wide + from_column, dtype=np.int64)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop; of the source one scan is in memory at a time."""
        places = self.origin(start, stop)
        out = np.empty((stop - start, self.shape[-1]), self.dtype)
        _, high, wide = cube_shape(self.source.shape[:-1])
        # One row of pixels is far less than a piece: a series or an image is read in one go.
        scans = places // (high * wide)
        for scan in np.unique(scans):
            here = scans == scan
            wanted = places[here]
            first = int(wanted.min())
            out[here] = self.source.read(first, int(wanted.max()) + 1)[wanted - first]
        return out

    def readable(self) -> bool:
        """As the source."""
        return self.source.readable()

    @property
    def by_channel(self) -> bool:
        """As the source."""
        return self.source.by_channel

    def channel(self, place: int) -> NDArray[Any]:
        """One channel of all spectra."""
        if not self.by_channel:
            return super().channel(place)
        return self.source.channel(place)[self.origin(0, math.prod(self.shape[:-1]))]


@dataclass(frozen=True, eq=False)
class Joined(Stored):
    """Sums (of counts) or means (of everything else) over blocks of neighbouring spectra.

    Attributes
    ----------
    source : Stored
    shape : tuple of int
        (*navigation, n).
    factors : (int, int, int)
        Scans, rows and columns in a block.
    added : bool
        Sums instead of means.
    """

    source: Stored
    shape: tuple[int, ...]
    factors: tuple[int, int, int]
    added: bool

    def __post_init__(self) -> None:
        object.__setattr__(self, "dtype", sum_type(self.source.dtype, math.prod(self.factors), self.added))
        object.__setattr__(self, "portable", self.source.portable)
        told = mark(self.source.fingerprint, "joined", self.shape, self.factors, self.added)
        object.__setattr__(self, "fingerprint", told)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Blocks start to stop of the flattened navigation."""
        _, rows, columns = cube_shape(self.shape[:-1])
        plane, parts = rows * columns, []
        for scan in range(start // plane, (stop - 1) // plane + 1):
            low, high = max(start - scan * plane, 0), min(stop - scan * plane, plane)
            first, last = low // columns, (high - 1) // columns + 1
            block = self._block(scan, first, last).reshape(-1, self.shape[-1])
            parts.append(block[low - first * columns : high - first * columns])
        found = parts[0] if len(parts) == 1 else np.concatenate(parts)
        return found if self.added else found / math.prod(self.factors)

    def _block(self, scan: int, first: int, last: int) -> NDArray[Any]:
        """Sums of rows first to last of one joined scan, shape (rows, columns, n)."""
        _, high, wide = cube_shape(self.source.shape[:-1])
        deep, down, across = self.factors
        _, _, columns = cube_shape(self.shape[:-1])
        n = self.shape[-1]
        total = np.zeros((last - first, columns, n), self.dtype)
        for one in range(scan * deep, (scan + 1) * deep):
            corner = one * high * wide
            rows = self.source.read(corner + first * down * wide, corner + last * down * wide)
            used = rows.reshape(last - first, down, wide, n)[:, :, : columns * across]
            total += used.reshape(last - first, down, columns, across, n).sum(axis=(1, 3), dtype=self.dtype)
        return total

    def readable(self) -> bool:
        """As the source."""
        return self.source.readable()


def sum_type(dtype: np.dtype[Any], together: int, added: bool) -> np.dtype[Any]:
    """The type that holds sums of `together` numbers: of unsigned ones the smallest, so that cubes stay small."""
    if not added or dtype.kind == "f":
        return np.dtype(np.float64)
    if dtype.kind != "u":
        return np.dtype(np.int64)
    most = np.iinfo(dtype).max * together
    return next((np.dtype(t) for t in (np.uint8, np.uint16, np.uint32) if most <= np.iinfo(t).max), np.dtype(np.uint64))
