"""HDF5/NeXus files that this program wrote (`app.files.nexus_writer`).

HDF5 can refer to other files, compute data, and declare far more than it holds; files of ours do none of it, so all of
it is refused. Only known names are opened, each after its link has been looked at. Even so, damaged HDF5 can hang the
library: files from outside are read through `app.files.child`.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from app.files.format import Reader, ReadOptions
from app.files.nexus_writer import CREATOR, LAYOUT
from app.files.wire import restore
from fitting import stored
from fitting.dataset import AXIS_LABELS, Axis, Meta, Noise, Spectrum
from fitting.stored import Stored
from libraries.errors import BadData, BadFile

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_ENTRIES = 100_000
_MAX_BYTES = 4 << 30
_MAX_TEXT = 64 << 20
_MOST_SCALES = 8
# deflate, shuffle, fletcher32: what HDF5 itself brings along.
_FILTERS = {1, 2, 3}
# Deflate shrinks to no less than 1/1032 (RFC 1951); a file that declares more has nothing behind it.
_MAX_RATIO = 1100
_TODO = "Export the spectra again, or open the file in the program that wrote it"


def sniff(head: bytes, path: Path) -> float:
    """1 for an HDF5 file whose root says that this program wrote it."""
    if not head.startswith(_SIGNATURE):
        return 0.0
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return 1.0 if _attribute(file, "creator") == CREATOR and _attribute(file, "NX_class") == "NXroot" else 0.0
    except (OSError, RuntimeError, KeyError, ValueError, TypeError):
        return 0.0


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All spectra of a file that `write_nexus` wrote.

    Raises
    ------
    BadFile
        If the file is damaged, newer, or holds what our files never hold (see the module).
    """
    del options
    import h5py

    try:
        with h5py.File(path, "r") as file:
            layout = file.attrs.get("layout", 0)
            if not isinstance(layout, (int, np.integer)) or layout > LAYOUT:
                raise BadFile("The file is of a newer layout", where=str(path), todo="Update this program")
            if len(file) > _MAX_ENTRIES:
                raise BadFile(f"The file declares {len(file)} spectra", where=str(path), todo=_TODO)
            spectra = [_entry(member(file, name, path), path) for name in sorted(file)]
    # What h5py raises for damaged files, gathered by mutating them.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadFile(f"The HDF5 file is damaged ({error})", where=str(path), todo=_TODO) from error
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo=_TODO)
    return spectra


def _attribute(target: Any, name: str) -> str:
    value = target.attrs.get(name, "")
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value if isinstance(value, str) else ""


def member(group: Any, name: str, path: Path) -> Any:
    """A member of a group, only through a hard link."""
    import h5py

    where = f"{path}, {group.name.rstrip('/')}/{name}"
    link = group.get(name, getlink=True)
    if isinstance(link, h5py.ExternalLink):
        raise BadFile("The file refers to another file", where=where, todo=_TODO)
    if not isinstance(link, h5py.HardLink):
        raise BadFile("The file holds a link where data should be", where=where, todo=_TODO)
    return group[name]


def _group(parent: Any, name: str, path: Path) -> Any:
    import h5py

    if name not in parent:
        raise BadFile(f"The part '{name}' is missing", where=f"{path}, {parent.name}", todo=_TODO)
    group = member(parent, name, path)
    if not isinstance(group, h5py.Group):
        raise BadFile(f"'{name}' is no group", where=f"{path}, {parent.name}", todo=_TODO)
    return group


def plain_dataset(group: Any, name: str, path: Path, filters: Collection[int] = _FILTERS) -> Any:
    """A dataset whose data lie in this file, as they are or packed by one of these filters."""
    import h5py

    where = f"{path}, {group.name}/{name}"
    if name not in group:
        raise BadFile("Data are missing", where=where, todo=_TODO)
    dataset = member(group, name, path)
    if not isinstance(dataset, h5py.Dataset):
        raise BadFile("A group stands where data should be", where=where, todo=_TODO)
    properties = dataset.id.get_create_plist()
    if properties.get_external_count():
        raise BadFile("Its data lie in another file", where=where, todo=_TODO)
    if properties.get_layout() == h5py.h5d.VIRTUAL:
        raise BadFile("Its data are virtual, put together from other files", where=where, todo=_TODO)
    unknown = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())} - set(filters)
    if unknown:
        raise BadFile(f"An unknown filter packs the data (number {min(unknown)})", where=where, todo=_TODO)
    return dataset


def _numbers(group: Any, name: str, path: Path) -> np.ndarray:
    import h5py

    dataset = plain_dataset(group, name, path)
    where = f"{path}, {group.name}/{name}"
    if h5py.check_ref_dtype(dataset.dtype) is not None:
        raise BadFile("It holds references instead of numbers", where=where, todo=_TODO)
    if dataset.dtype.kind not in "iuf" or dataset.dtype.itemsize > 8 or dataset.shape is None:
        raise BadFile("It holds something that is no number", where=where, todo=_TODO)
    _check_declared(dataset, where, _MAX_BYTES)
    return dataset[()]


def _check_declared(dataset: Any, where: str, most: float = math.inf) -> None:
    """Refuse an array that declares more numbers than the file can hold."""
    size = math.prod(dataset.shape) * dataset.dtype.itemsize
    held = dataset.id.get_storage_size()
    packed = dataset.id.get_create_plist().get_nfilters() > 0
    if size > most or size > held * (_MAX_RATIO if packed else 1):
        raise BadFile(f"It declares {size:.3g} bytes but holds {held}", where=where, todo=_TODO)


def _text(group: Any, name: str, path: Path) -> str:
    import h5py

    dataset = plain_dataset(group, name, path)
    where = f"{path}, {group.name}/{name}"
    if h5py.check_string_dtype(dataset.dtype) is None or dataset.shape != ():
        raise BadFile("It holds no text", where=where, todo=_TODO)
    value = dataset[()]
    if not isinstance(value, bytes) or len(value) > _MAX_TEXT:
        raise BadFile("It holds no text", where=where, todo=_TODO)
    return value.decode("utf-8")


def describe(entry: Any, path: Path) -> tuple[tuple[Axis, ...], Noise, Meta]:
    """Axes, noise and circumstances of an entry, without its intensities.

    Raises
    ------
    BadFile
        If they are missing or damaged.
    """
    where = f"{path}, {entry.name}"
    data = _group(entry, "data", path)
    own = _group(entry, "sodalite", path)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in np.atleast_1d(data.attrs["axes"])]
    if not 1 <= len(names) <= 8:
        raise BadFile(f"It declares {len(names)} axes", where=where, todo=_TODO)
    try:
        axes = tuple(_axis(data, name, path) for name in names)
        axes = (*axes[:-1], _named(own, axes[-1], path))
        meta = restore(json.loads(_text(own, "meta", path)))
        noise = restore(json.loads(_text(own, "noise", path)))
    except (BadData, RecursionError) as error:
        raise _damaged(error, where) from error
    if not isinstance(meta, Meta) or not isinstance(noise, Noise):
        raise BadFile("Its description is damaged", where=where, todo=_TODO)
    return axes, noise, meta


def _damaged(error: BadData | RecursionError, where: str) -> BadFile:
    what = error.what if isinstance(error, BadData) else "Its description is damaged"
    return BadFile(what, where=where, todo=_TODO)


def _entry(entry: Any, path: Path) -> Spectrum:
    axes, noise, meta = describe(entry, path)
    data = _group(entry, "data", path)
    try:
        transmission = _numbers(data, "transmission", path) if "transmission" in data else None
        counts = _intensities(data, path)
        scales = _scales(_group(entry, "sodalite", path), path)
        return Spectrum(axes[-1], counts, noise, meta, transmission, axes[:-1], scales)
    except BadData as error:
        raise _damaged(error, f"{path}, {entry.name}") from error


def _intensities(data: Any, path: Path) -> np.ndarray | Stored:
    """The numbers, or where they lie if they are too many for memory."""
    dataset = plain_dataset(data, "intensity", path)
    numbers = dataset.dtype.kind in "iuf" and dataset.shape is not None
    each = dataset.dtype.itemsize if dataset.dtype.kind in "iu" else 8
    if not numbers or dataset.size * each <= stored.IN_MEMORY:
        return _numbers(data, "intensity", path)
    _check_declared(dataset, f"{path}, {data.name}/intensity")
    from app.files.arrays import file_array

    return file_array(path, dataset.name, timed=False)


def _axis(data: Any, name: str, path: Path) -> Axis:
    values = _numbers(data, name, path)
    quantity = _attribute(data[name], "quantity")
    if quantity not in AXIS_LABELS:
        raise BadFile(f"'{quantity[:40]}' is no axis that is known", where=f"{path}, {data.name}/{name}", todo=_TODO)
    return Axis(values, quantity, _attribute(data[name], "units"))  # type: ignore[arg-type]


def _named(own: Any, axis: Axis, path: Path) -> Axis:
    """The axis with the names and masses of its channels."""
    if "names" not in own:
        return axis
    where = f"{path}, {own.name}/names"
    try:
        found = json.loads(_text(own, "names", path))
        labels, masses = found["labels"], found["masses"]
        texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        numbers = isinstance(masses, list) and all(type(mass) in (int, float) for mass in masses)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFile("The names of its channels are damaged", where=where, todo=_TODO) from error
    if not texts or not numbers:
        raise BadFile("The names of its channels are damaged", where=where, todo=_TODO)
    return Axis(axis.values, axis.quantity, axis.unit, tuple(labels), tuple(masses))


def _scales(own: Any, path: Path) -> tuple[Axis, ...]:
    """Further scales along the first axis, as far as they are there."""
    names = [f"scale_{number}" for number in range(_MOST_SCALES)]
    return tuple(_axis(own, name, path) for name in names if name in own)


READER = Reader(
    name="nexus",
    title="Sodalite HDF5/NeXus",
    suffixes=(".h5", ".hdf5", ".nxs"),
    description="Spectra that this program exported, with their circumstances and noise",
    sniff=sniff,
    read=read,
)
