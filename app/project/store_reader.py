"""An HDF5 file from outside as a plain tree: everything is looked at before it is read.

HDF5 can point to other files (links, raw storage, virtual datasets), to itself (cycles), run plug-ins (filters) and
declare petabytes in a kilobyte. A project needs none of that, so all of it is refused, and every number that the file
declares is held against a limit before memory is taken for it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from h5py import h5a, h5d, h5f, h5g, h5l, h5o, h5s, h5t, h5z

from app.project.store_tree import MAX_CHUNK, Skip, Tree, skip_nothing
from libraries.errors import BadProject

SIGNATURE = b"\x89HDF\r\n\x1a\n"
MAX_DEPTH = 6
MAX_OBJECTS = 500_000
MAX_ATTRIBUTES = 64
MAX_RANK = 8
MAX_TEXT = 1 << 24
MAX_ITEM = 1 << 29
MAX_TOTAL = 1 << 30
# Deflate cannot gain more than 1032 to 1, so a file that declares more has not got it.
MAX_RATIO = 1100
_SMALL = 1 << 26

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]{0,99}\Z")
_FILTERS = frozenset((h5z.FILTER_DEFLATE, h5z.FILTER_SHUFFLE, h5z.FILTER_FLETCHER32))
_LAYOUTS = frozenset((h5d.COMPACT, h5d.CONTIGUOUS, h5d.CHUNKED))
_LINKS = {h5l.TYPE_SOFT: "a soft link", h5l.TYPE_EXTERNAL: "a link to another file"}
_RESTORE = "Open a backup copy of the project, or ask its sender for it again"
_UNSAFE = "Open it only with a program made for HDF5 files, if you trust its sender"
# What h5py raises on damaged structure; RuntimeError and ValueError come from inside the HDF5 library.
_DAMAGE = (OSError, RuntimeError, ValueError, LookupError, TypeError, ArithmeticError, MemoryError, SystemError)


def read_tree(image: bytes, where: str, *, skip: Skip = skip_nothing, depth: int | None = None) -> Tree:
    """The tree in the bytes of an HDF5 file; of the attributes only those of the root are read.

    Parameters
    ----------
    image : bytes
    where : str
        What messages call the file.
    skip : callable
        Names of items that are checked but not read, with all below them.
    depth : int, optional
        Groups further down are not entered (and not checked); by default there are no groups that far down.

    Raises
    ------
    BadProject
        If the file is damaged, or holds anything that a project never holds.
    """
    if not image.startswith(SIGNATURE):
        raise BadProject("This is not a project of Sodalite", where=where, todo="Choose a file ending in .sodalite")
    try:
        with contextlib.closing(h5f.open_file_image(image)) as file:
            reader = _Reader(where, len(image), skip, depth)
            return reader.root(h5g.open(file, b"/"))
    except _DAMAGE as error:
        detail = str(error).split("\n")[0][:120]
        raise BadProject(f"The file is damaged or not complete ({detail})", where=where, todo=_RESTORE) from error


@dataclass
class _Reader:
    """One reading: counts what was met, so that no limit is passed by many small pieces."""

    where: str
    size: int
    skip: Skip
    depth: int | None
    seen: set[int] = field(default_factory=set)
    total: int = 0

    def unsafe(self, path: str, what: str) -> BadProject:
        return BadProject(f"{path} {what}, which a project never has", where=self.where, todo=_UNSAFE)

    def root(self, group: h5g.GroupID) -> Tree:
        """The whole tree, with those attributes of the root that are a whole number or a short text."""
        self.seen.add(h5o.get_info(group).addr)
        tree: Tree = {}
        for name, item in self.attributes(group, "/"):
            simple = _attribute_value(item)
            if simple is not None:
                tree[f"@{name}"] = simple
        return tree | self.group(group, "", 1, wanted=True)

    def attributes(self, owner: Any, path: str) -> Iterator[tuple[str, h5a.AttrID]]:
        """The attributes of an object, none of which is a reference."""
        count = h5a.get_num_attrs(owner)
        if count > MAX_ATTRIBUTES:
            raise self.unsafe(path, f"has {count} attributes")
        for index in range(count):
            item = h5a.open(owner, index=index)
            if _refers(item.get_type()):
                raise self.unsafe(path, "has an attribute that is a reference")
            yield item.name.decode("utf-8", "replace"), item

    def group(self, group: h5g.GroupID, path: str, level: int, wanted: bool) -> Tree:
        """What lies in a group; {} where it is not wanted and only checked."""
        tree: Tree = {}
        for raw in self.names(group, path):
            name = raw.decode("ascii")
            below = f"{path}/{name}"
            kind = self.kind(group, raw, below)
            wants = wanted and not self.skip(name)
            item: Any = None
            if kind == h5o.TYPE_DATASET:
                item = self.dataset(h5d.open(group, raw), below, wants)
            elif self.depth is None or level < self.depth:
                item = self.subgroup(h5g.open(group, raw), below, level, wants)
            if wants and item is not None:
                tree[name] = item
        return tree

    def subgroup(self, group: h5g.GroupID, path: str, level: int, wanted: bool) -> Tree:
        if level >= MAX_DEPTH:
            raise self.unsafe(path, f"is a group more than {MAX_DEPTH} levels deep")
        for _ in self.attributes(group, path):
            pass
        return self.group(group, path, level + 1, wanted)

    def names(self, group: h5g.GroupID, path: str) -> list[bytes]:
        names: list[bytes] = []

        def collect(name: bytes) -> bool | None:
            names.append(name)
            return True if len(names) + len(self.seen) > MAX_OBJECTS else None

        group.links.iterate(collect)
        if len(names) + len(self.seen) > MAX_OBJECTS:
            raise self.unsafe(path or "/", f"holds more than {MAX_OBJECTS} objects")
        for name in names:
            if not _NAME.match(name):
                raise self.unsafe(path or "/", f"holds an object named {name[:40].decode('utf-8', 'replace')!r}")
        return names

    def kind(self, group: h5g.GroupID, name: bytes, path: str) -> int:
        """Group or dataset, reached by a hard link and never met before."""
        link = group.links.get_info(name).type
        if link != h5l.TYPE_HARD:
            raise self.unsafe(path, f"is {_LINKS.get(link, 'a link of an unknown kind')}")
        info = h5o.get_info(group, name)
        if info.addr in self.seen:
            raise self.unsafe(path, "is a second link to the same object")
        self.seen.add(info.addr)
        if info.type not in (h5o.TYPE_GROUP, h5o.TYPE_DATASET):
            raise self.unsafe(path, "is neither a group nor a dataset")
        return int(info.type)

    def dataset(self, dataset: h5d.DatasetID, path: str, wanted: bool) -> Any:
        # The layout comes first: asking a virtual dataset for its shape already opens other files.
        layout = dataset.get_create_plist()
        self.check_storage(layout, path)
        for _ in self.attributes(dataset, path):
            pass
        kind = self.check_type(dataset.get_type(), path)
        shape = self.check_shape(dataset.get_space(), kind.itemsize, path)
        if layout.get_layout() == h5d.CHUNKED:
            self.check_chunks(dataset, layout.get_chunk(), kind.itemsize, path)
        return self.read(dataset, kind, shape, path) if wanted else None

    def check_storage(self, layout: Any, path: str) -> None:
        kind = layout.get_layout()
        if kind == h5d.VIRTUAL:
            raise self.unsafe(path, "is a virtual dataset made of other files")
        if kind not in _LAYOUTS:
            raise self.unsafe(path, "has a storage of an unknown kind")
        if layout.get_external_count():
            raise self.unsafe(path, "keeps its numbers in another file")
        filters = [layout.get_filter(index)[0] for index in range(layout.get_nfilters())]
        for code in filters:
            if code not in _FILTERS:
                raise self.unsafe(path, f"is compressed with the filter {code}")
        if len(set(filters)) < len(filters):
            raise self.unsafe(path, "is compressed twice")

    def check_type(self, kind: h5t.TypeID, path: str) -> np.dtype[Any]:
        """Whole numbers, double floats and texts of fixed length, in their standard forms."""
        if _refers(kind):
            raise self.unsafe(path, "is a reference")
        group = kind.get_class()
        if group == h5t.STRING and not kind.is_variable_str():
            if not 0 < kind.get_size() <= MAX_TEXT:
                raise self.unsafe(path, f"declares a text of {kind.get_size()} bytes")
            return np.dtype(("S", kind.get_size()))
        if group in (h5t.INTEGER, h5t.FLOAT):
            dtype = kind.dtype
            allowed = dtype.itemsize == 8 if dtype.kind == "f" else dtype.kind in "iu"
            if allowed and kind.equal(h5t.py_create(dtype, logical=True)):
                return dtype
        raise self.unsafe(path, "has a type of data")

    def check_shape(self, space: h5s.SpaceID, itemsize: int, path: str) -> tuple[int, ...]:
        if space.get_simple_extent_type() not in (h5s.SCALAR, h5s.SIMPLE):
            raise self.unsafe(path, "has no shape")
        if space.get_simple_extent_ndims() > MAX_RANK:
            raise self.unsafe(path, f"has more than {MAX_RANK} dimensions")
        shape = tuple(int(length) for length in space.get_simple_extent_dims())
        declared = itemsize
        for length in shape:
            declared *= length
        self.total += declared
        if declared > MAX_ITEM or self.total > MAX_TOTAL:
            raise self.unsafe(path, f"declares {declared:.3g} bytes")
        if self.total > max(_SMALL, MAX_RATIO * self.size):
            raise self.unsafe(path, f"declares {declared:.3g} bytes in a file of {self.size} bytes")
        return shape

    def check_chunks(self, dataset: h5d.DatasetID, chunk: tuple[int, ...], itemsize: int, path: str) -> None:
        """Chunks are small, and none is stored larger than it unpacks, so that unpacking takes little memory."""
        declared = itemsize
        for length in chunk:
            declared *= int(length)
        if declared > MAX_CHUNK:
            raise self.unsafe(path, f"has chunks of {declared:.3g} bytes")
        limit = declared + declared // 100 + 64
        too_large = dataset.chunk_iter(lambda info: True if info.size > limit else None)
        if too_large:
            raise self.unsafe(path, "has a chunk that is stored larger than it is")

    def read(self, dataset: h5d.DatasetID, kind: np.dtype[Any], shape: tuple[int, ...], path: str) -> Any:
        array = np.zeros(shape, kind)
        if array.size:
            target = h5t.py_create(kind, logical=True) if kind.kind != "S" else dataset.get_type()
            dataset.read(h5s.ALL, h5s.ALL, array, target)
        if kind.kind != "S" or shape:
            return array
        try:
            return array[()].decode("utf-8")
        except UnicodeDecodeError as error:
            raise BadProject(f"{path} is no text in UTF-8", where=self.where, todo=_RESTORE) from error


def _refers(kind: h5t.TypeID, level: int = 0) -> bool:
    """Whether a type is, or holds, a reference to an object or region; what nests too deeply counts as one."""
    group = kind.get_class()
    if group == h5t.REFERENCE or level > 8:
        return True
    if group in (h5t.ARRAY, h5t.VLEN):
        return _refers(kind.get_super(), level + 1)
    if group == h5t.COMPOUND:
        return any(_refers(kind.get_member_type(i), level + 1) for i in range(kind.get_nmembers()))
    return False


def _attribute_value(item: h5a.AttrID) -> int | str | None:
    """A whole number or a short text of fixed length; None for everything else."""
    kind = item.get_type()
    space = item.get_space()
    if space.get_simple_extent_type() != h5s.SCALAR or kind.get_size() > 1000:
        return None
    if kind.get_class() == h5t.INTEGER and kind.get_size() <= 8:
        number = np.zeros((), np.int64)
        item.read(number)
        return int(number)
    if kind.get_class() == h5t.STRING and not kind.is_variable_str():
        text = np.zeros((), np.dtype(("S", kind.get_size())))
        item.read(text, kind)
        return bytes(text[()]).decode("utf-8", "replace")
    return None
