"""Intensities that stay where they are: images and series larger than memory, read piece by piece.

A `Stored` stands in `Spectrum.counts` in place of an array. It is known by its shape and by a fingerprint of its
content; its numbers are in memory only while a piece of them is worked on.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadData

# Spectra and images up to this size are held in memory; larger ones stay in their file.
IN_MEMORY = 256 << 20
_PIECE = 4 << 20


class Stored:
    """Many spectra that need not be in memory.

    Attributes
    ----------
    shape : tuple of int
        (*navigation, n).
    dtype : dtype
        Integers or floats.
    fingerprint : str
        Changes when the data change; cheap also for data larger than memory, and the same wherever a file lies.
    portable : bool
        Whether a copy of the object in another process can read the data (it holds a path, not the data).
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fingerprint: str
    portable: bool

    @property
    def ndim(self) -> int:
        """Number of dimensions."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """How many numbers there are."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes that they would take in memory."""
        return self.size * self.dtype.itemsize

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop of the flattened navigation, shape (stop - start, n)."""
        raise NotImplementedError

    def readable(self) -> bool:
        """Whether the data can be read from here and are those of the fingerprint."""
        raise NotImplementedError

    @property
    def by_channel(self) -> bool:
        """Whether single channels of all spectra are read much faster than whole spectra."""
        return False

    def channel(self, place: int) -> NDArray[Any]:
        """One channel of all spectra, shape (pixels,)."""
        total, n = math.prod(self.shape[:-1]), self.shape[-1]
        step = max(_PIECE // n, 1)
        parts = [self.read(start, min(start + step, total))[:, place] for start in range(0, total, step)]
        return np.concatenate(parts)


@dataclass(frozen=True, eq=False)
class Channels(Stored):
    """Channels start to stop of stored spectra."""

    source: Stored
    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.stop <= self.source.shape[-1]:
            raise BadData(f"There are no channels {self.start} to {self.stop} of {self.source.shape[-1]}")
        object.__setattr__(self, "shape", (*self.source.shape[:-1], self.stop - self.start))
        object.__setattr__(self, "dtype", self.source.dtype)
        object.__setattr__(self, "fingerprint", mark(self.source.fingerprint, "channels", self.start, self.stop))
        object.__setattr__(self, "portable", self.source.portable)

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop, the channels of this part."""
        return self.source.read(start, stop)[:, self.start : self.stop]

    def readable(self) -> bool:
        """As the whole."""
        return self.source.readable()

    @property
    def by_channel(self) -> bool:
        """As the whole."""
        return self.source.by_channel

    def channel(self, place: int) -> NDArray[Any]:
        """One channel of all spectra."""
        return self.source.channel(self.start + place)


def mark(*parts: object) -> str:
    """A fingerprint of texts and numbers."""
    return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]


def slabs(navigation: tuple[int, ...], start: int, stop: int) -> Iterator[tuple[int | slice, ...]]:
    """Indices of the rectangular pieces that make up places start to stop of the flattened navigation, in order."""
    if not navigation:
        yield ()
        return
    if len(navigation) == 1:
        yield (slice(start, stop),)
        return
    inner = math.prod(navigation[1:])
    (first, head), (last, tail) = divmod(start, inner), divmod(stop, inner)
    if head:
        for rest in slabs(navigation[1:], head, min(stop - first * inner, inner)):
            yield (first, *rest)
        first += 1
    if first < last:
        yield (slice(first, last), *(slice(None) for _ in navigation[1:]))
    if tail and first <= last:
        for rest in slabs(navigation[1:], 0, tail):
            yield (last, *rest)


def read_slabs(array: Any, start: int, stop: int) -> NDArray[Any]:
    """Spectra start to stop of anything that is sliced like an array, shape (stop - start, n), in memory."""
    *navigation, n = array.shape
    pieces = [np.asarray(array[index]).reshape(-1, n) for index in slabs(tuple(navigation), start, stop)]
    return np.array(pieces[0]) if len(pieces) == 1 else np.concatenate(pieces)


def sampled(shape: Sequence[int], count: int) -> list[int]:
    """`count` places (all, where there are fewer) evenly spaced over the flattened navigation."""
    total = math.prod(shape[:-1])
    count = min(count, total)
    return sorted({round(i * (total - 1) / max(count - 1, 1)) for i in range(count)})


def check_array(shape: tuple[int, ...], dtype: np.dtype[Any], where: str = "") -> None:
    """Refuse what cannot be a stack of spectra.

    Raises
    ------
    BadData
    """
    if len(shape) == 0 or 0 in shape:
        raise BadData(f"An array of shape {shape} holds no spectra", where=where)
    if dtype.kind not in "iuf":
        raise BadData(f"Spectra are made of numbers, not of {dtype}", where=where)
