"""A plain tree as an HDF5 file in memory: groups are dicts, datasets are arrays or texts.

A key with an @ is an attribute, as in "@NX_class" (of the group) or "counts@units" (of a dataset); attributes are for
viewers. Texts are of fixed length in UTF-8, so that their size is known before they are read.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import h5py
import numpy as np
from h5py import h5a, h5d, h5g, h5p, h5s, h5t
from numpy.typing import NDArray

Tree = dict[str, Any]
Skip = Callable[[str], bool]

MAX_CHUNK = 1 << 20
_SMALL = 4096
# The file in memory grows by this much at a time; each growth may copy it.
_BLOCK = 1 << 24
# Fast level: spectra are noise in their low bits, higher levels gain some percent for several times the time.
_LEVEL = 1


def skip_nothing(name: str) -> bool:
    """The rule of a tree that is read completely."""
    return False


def utf8(text: str) -> bytes:
    """UTF-8 of a text; a lone surrogate (an undecodable file name) becomes its JSON escape."""
    return text.encode("utf-8", "backslashreplace")


def to_image(tree: Tree) -> bytes:
    """The bytes of an HDF5 file that holds the tree.

    The file is made in memory so that only plain bytes are ever written to a disk: a disk that fills up then is an
    ordinary error and not a file half open inside the HDF5 library. Format 1.10 puts a checksum on all structure.
    """
    name = f"sodalite-{uuid.uuid4().hex}"
    with h5py.File(name, "w", driver="core", backing_store=False, block_size=_BLOCK, libver=("v110", "v110")) as file:
        _write_group(h5g.open(file.id, b"/"), tree)
        file.flush()
        return bytes(file.id.get_file_image())


def _write_group(group: h5g.GroupID, tree: Tree) -> None:
    objects: dict[str, Any] = {"": group}
    for key, item in tree.items():
        name, at, attribute = key.partition("@")
        if at:
            _write_attribute(objects[name], attribute, item)
        elif isinstance(item, dict):
            objects[name] = h5g.create(group, name.encode("ascii"))
            _write_group(objects[name], item)
        else:
            objects[name] = _write_dataset(group, name, item)


@lru_cache(maxsize=256)
def _text_type(size: int) -> h5t.TypeStringID:
    kind = h5t.C_S1.copy()
    kind.set_size(max(size, 1))
    kind.set_strpad(h5t.STR_NULLPAD)
    kind.set_cset(h5t.CSET_UTF8)
    return kind


def _stored(item: Any) -> tuple[NDArray[Any], h5t.TypeID]:
    """The array to hand to HDF5 and its type in the file."""
    if isinstance(item, str):
        item = np.array(utf8(item))
    elif isinstance(item, (list, tuple)):
        item = np.array([utf8(text) for text in item])
    array = np.asarray(item)
    if array.dtype.kind == "S":
        return array, _text_type(array.dtype.itemsize)
    return array, h5t.py_create(array.dtype, logical=True)


@lru_cache(maxsize=256)
def _space(shape: tuple[int, ...]) -> h5s.SpaceID:
    return h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)


def _write_attribute(owner: Any, name: str, item: Any) -> None:
    array, kind = _stored(item)
    h5a.create(owner, name.encode("ascii"), kind, _space(array.shape)).write(np.ascontiguousarray(array), kind)


def _write_dataset(group: h5g.GroupID, name: str, item: Any) -> h5d.DatasetID:
    array, kind = _stored(item)
    layout = h5p.create(h5p.DATASET_CREATE)
    if array.nbytes > _SMALL and array.ndim:
        layout.set_chunk(chunk_shape(array.shape, array.dtype.itemsize))
        layout.set_shuffle()
        layout.set_deflate(_LEVEL)
    dataset = h5d.create(group, name.encode("ascii"), kind, _space(array.shape), layout)
    if array.size:
        dataset.write(h5s.ALL, h5s.ALL, np.asarray(array, order="C"), kind)
    return dataset


def chunk_shape(shape: tuple[int, ...], itemsize: int) -> tuple[int, ...]:
    """A chunk of at most `MAX_CHUNK` bytes that keeps the trailing axes (the spectrum) whole while it can."""
    chunk = list(shape)
    for axis in range(len(chunk)):
        rest = itemsize * int(np.prod(chunk[axis + 1 :], dtype=np.int64))
        chunk[axis] = min(chunk[axis], max(1, MAX_CHUNK // rest))
        if rest <= MAX_CHUNK:
            break
    return tuple(chunk)


def digest(tree: Tree, skip: Skip = skip_nothing) -> str:
    """SHA-256 of all names, texts and numbers of the tree, attributes and skipped items left out."""
    total = hashlib.sha256()
    _feed(total.update, tree, skip)
    return total.hexdigest()


def _feed(update: Callable[[Any], object], tree: Tree, skip: Skip) -> None:
    for name in sorted(name for name in tree if "@" not in name and not skip(name)):
        item = tree[name]
        if isinstance(item, dict):
            update(f"({name}\n".encode())
            _feed(update, item, skip)
            update(b")")
        elif isinstance(item, str):
            update(f"'{name} {len(utf8(item))}\n".encode())
            update(utf8(item))
        else:
            array = np.ascontiguousarray(item)
            update(f"#{name} {array.dtype.str} {array.shape}\n".encode())
            update(memoryview(array.reshape(-1).view(np.uint8)) if array.size else b"")
