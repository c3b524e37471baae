"""Members of HDF5 files from outside, opened one by one: only hard links, only data that lie in the file.

HDF5 can refer to other files, compute data, and declare far more than it holds; files that are read here do none of it,
so all of it is refused. Even so, damaged HDF5 can hang the library: files from outside are read through
`app.files.child`.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from libraries.errors import BadFile

EXPORT_AGAIN = "Export the spectra again, or open the file in the program that wrote it"
_MAX_BYTES = 4 << 30
_MAX_TEXT = 64 << 20
# deflate, shuffle, fletcher32: what HDF5 itself brings along.
_FILTERS = {1, 2, 3}
# Deflate shrinks to no less than 1/1032 (RFC 1951); a file that declares more has nothing behind it.
_MAX_RATIO = 1100


def attribute(target: Any, name: str) -> str:
    """An attribute as text, "" where it is none."""
    value = target.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def member(group: Any, name: str, path: Path) -> Any:
    """A member of a group, only through a hard link."""
    import h5py

    where = f"{path}, {group.name.rstrip('/')}/{name}"
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise BadFile("The file refers to another file", where=where, todo=EXPORT_AGAIN)
    if not isinstance(link, h5py.HardLink):
        raise BadFile("The file holds a link where data should be", where=where, todo=EXPORT_AGAIN)
    return group[name]


def group_of(parent: Any, name: str, path: Path) -> Any:
    """A group in a group.

    Raises
    ------
    BadFile
        If it is missing, or no group.
    """
    import h5py

    if name not in parent:
        raise BadFile(f"The part '{name}' is missing", where=f"{path}, {parent.name}", todo=EXPORT_AGAIN)
    group = member(parent, name, path)
    if not isinstance(group, h5py.Group):
        raise BadFile(f"'{name}' is no group", where=f"{path}, {parent.name}", todo=EXPORT_AGAIN)
    return group


def plain_dataset(group: Any, name: str, path: Path, filters: Collection[int] = _FILTERS) -> Any:
    """A dataset whose data lie in this file, as they are or packed by one of these filters."""
    import h5py

    where = f"{path}, {group.name}/{name}"
    if name not in group:
        raise BadFile("Data are missing", where=where, todo=EXPORT_AGAIN)
    dataset = member(group, name, path)
    if not isinstance(dataset, h5py.Dataset):
        raise BadFile("A group stands where data should be", where=where, todo=EXPORT_AGAIN)
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise BadFile("Its data lie in another file", where=where, todo=EXPORT_AGAIN)
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise BadFile("Its data are virtual, put together from other files", where=where, todo=EXPORT_AGAIN)
    unknown = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())} - set(filters)
    if unknown:
        raise BadFile(f"An unknown filter packs the data (number {min(unknown)})", where=where, todo=EXPORT_AGAIN)
    return dataset


def numbers_of(group: Any, name: str, path: Path) -> np.ndarray:
    """All numbers of a dataset.

    Raises
    ------
    BadFile
        If it holds something else, or declares more than it holds.
    """
    import h5py

    dataset = plain_dataset(group, name, path)
    where = f"{path}, {group.name}/{name}"
    if h5py.check_ref_dtype(dataset.dtype) is not None:
        raise BadFile("It holds references instead of numbers", where=where, todo=EXPORT_AGAIN)
    if dataset.dtype.kind not in "iuf" or dataset.dtype.itemsize > 8 or dataset.shape is None:
        raise BadFile("It holds something that is no number", where=where, todo=EXPORT_AGAIN)
    check_declared(dataset, where, _MAX_BYTES)
    return dataset[()]


def check_declared(dataset: Any, where: str, most: float = math.inf) -> None:
    """Refuse an array that declares more numbers than the file can hold."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    held = dataset.id.get_storage_size()
    packed = dataset.id.get_create_plist().get_nfilters() > 0
    if size > most or size > held * (_MAX_RATIO if packed else 1):
        raise BadFile(f"It declares {size:.3g} bytes but holds {held}", where=where, todo=EXPORT_AGAIN)


def text_of(group: Any, name: str, path: Path) -> str:
    """The text of a dataset.

    Raises
    ------
    BadFile
        If it holds something else.
    """
    import h5py

    dataset = plain_dataset(group, name, path)
    where = f"{path}, {group.name}/{name}"
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.shape != ():
        raise BadFile("It holds no text", where=where, todo=EXPORT_AGAIN)
    value = dataset[()]
    if not isinstance(value, bytes) or len(value) > _MAX_TEXT:
        raise BadFile("It holds no text", where=where, todo=EXPORT_AGAIN)
    return value.decode("utf-8")
