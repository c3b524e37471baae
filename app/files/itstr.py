"""The tree of blocks in files of IONTOF's SurfaceLab (.ita, .itm, .its): names, numbers, texts and packed arrays.

    file     "ITStrF01", then the root block
    block    kind (1 byte: 1 or 3 has children, 0 a value, 0x80 a value packed by zlib), uint32 25, uint32 length of the
             name, number, count of children, length of the value, the same again; name; value
    children the value of kinds 1 and 3: uint32, uint32, 25 bytes, uint64 place of a continuing block (0: none); then 33
             bytes each: kind, uint32 place of the name in the value, length of the name, number, flag, uint64 length of
             the value, uint64 place in the file

Everything is little-endian. Nothing of it is documented by the maker: the layout is that which users found out and
published in pySPM (O. Scholder, doi:10.5281/zenodo.998575; pySPM/Block.py). Nothing is unpickled, and places and
lengths are checked against the file.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadFile

MAGIC = b"ITStrF01"
_HEAD = struct.Struct("<BI5I")
_LIST = struct.Struct("<II25xQ")
_CHILD = struct.Struct("<B4I2Q")
_PARENTS, _PACKED = (1, 3), 0x80
_SAME = 25  # the length of a head, which every block repeats
_MOST_CHILDREN, _MOST_PARTS, _MOST_VALUE = 1 << 20, 1 << 12, 1 << 28
TODO = "Export the measurement from SurfaceLab as ASCII, imzML or BIF6"


@dataclass(frozen=True)
class Block:
    """A block and where it lies.

    Attributes
    ----------
    file : the open file
    where : str
        Its name for messages.
    size : int
        Bytes of the file.
    kind, name, number : what the head says
    place, length : int
        Of the value in the file.
    children : int
        As many as the head says.
    """

    file: BinaryIO
    where: str
    size: int
    kind: int
    name: str
    number: int
    place: int
    length: int
    children: int

    def value(self, most: int = _MOST_VALUE) -> bytes:
        """Its bytes, unpacked where the block says so.

        Raises
        ------
        BadFile
            If they are more than `most`, or damaged.
        """
        if self.length > _MOST_VALUE:
            raise self._damaged("its value is too long")
        self.file.seek(self.place)
        data = self.file.read(self.length)
        return unpacked(data, most, f"{self.where}, {self.name}") if self.kind == _PACKED else data

    def numbers(self, dtype: str, count: int) -> NDArray[np.generic]:
        """So many packed or plain numbers.

        Raises
        ------
        BadFile
            If it holds another number of them.
        """
        size = count * np.dtype(dtype).itemsize
        data = self.value(size)
        if len(data) != size and data[:1] == b"\x78":  # packed, although its kind does not say so
            data = unpacked(data, size, f"{self.where}, {self.name}")
        if len(data) != size:
            raise self._damaged(f"it holds {len(data)} bytes instead of {size}")
        return np.frombuffer(data, dtype)

    def listed(self) -> tuple[Block, ...]:
        """Its children, in the order of the file; () for a value.

        Raises
        ------
        BadFile
            If places or lengths lie outside of the file.
        """
        if self.kind not in _PARENTS:
            return ()
        found: list[Block] = []
        seen: set[int] = set()
        part: Block | None = self
        while part is not None:
            if part.place in seen or len(seen) >= _MOST_PARTS or part.children > _MOST_CHILDREN:
                raise self._damaged("its list of parts has no end")
            seen.add(part.place)
            data = part._list()
            follows = _LIST.unpack_from(data)[2]
            for i in range(part.children):
                _, at, length, _, _, _, place = _CHILD.unpack_from(data, _LIST.size + i * _CHILD.size)
                name = data[at : at + length]
                if len(name) != length:
                    raise self._damaged("the name of a part lies outside of it")
                child = block_at(self.file, place, self.size, self.where)
                if child.name.encode("latin-1") != name:
                    raise self._damaged("a part has another name than the list says")
                found.append(child)
            part = block_at(self.file, follows, self.size, self.where) if follows else None
        return tuple(found)

    def _list(self) -> bytes:
        needed = _LIST.size + self.children * _CHILD.size
        if self.kind not in _PARENTS or self.length < needed or self.length > _MOST_VALUE:
            raise self._damaged("its list of parts does not fit")
        self.file.seek(self.place)
        return self.file.read(self.length)

    def child(self, name: str, number: int | None = None) -> Block | None:
        """The first child of that name (and number); None where there is none."""
        return next((one for one in self.listed() if one.name == name and number in (None, one.number)), None)

    def at(self, *names: str) -> Block | None:
        """What stands at a path of names."""
        found: Block | None = self
        for name in names:
            found = found.child(name) if found is not None else None
        return found

    def _damaged(self, why: str) -> BadFile:
        return BadFile(f"The block '{self.name}' is damaged ({why})", where=self.where, todo=TODO)


def root_of(file: BinaryIO, path: Path, size: int) -> Block:
    """The root of a file.

    Raises
    ------
    BadFile
        If the file does not begin as such files do.
    """
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise BadFile("This is no file of SurfaceLab", where=str(path), todo=TODO)
    return block_at(file, len(MAGIC), size, str(path))


def block_at(file: BinaryIO, place: int, size: int, where: str) -> Block:
    """The block at a place of the file.

    Raises
    ------
    BadFile
        If there is none.
    """
    wrong = BadFile(f"There is no block at byte {place}", where=where, todo=TODO)
    if not 0 < place <= size - _HEAD.size:
        raise wrong
    file.seek(place)
    kind, same, length, number, children, value, _ = _HEAD.unpack(file.read(_HEAD.size))
    start = place + _HEAD.size + length
    if same != _SAME or length > 1024 or start + value > size:
        raise wrong
    name = file.read(length).decode("latin-1")
    return Block(file, where, size, kind, name, number, start, value, children)


def unpacked(data: bytes, most: int, where: str) -> bytes:
    """Packed bytes, at most so many.

    Raises
    ------
    BadFile
        If they are damaged or more.
    """
    worker = zlib.decompressobj()
    try:
        found = worker.decompress(data, most + 1)
    except zlib.error as error:
        raise BadFile(f"Packed numbers are damaged ({error})", where=where, todo=TODO) from error
    if len(found) > most:
        raise BadFile("Packed numbers are more than they may be", where=where, todo=TODO)
    return found
