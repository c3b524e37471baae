"""HDF5/NeXus files that this program wrote (`app.files.nexus_writer`).

Only known names are opened, each after its link has been looked at (`app.files.hdf5_members`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from app.files.arrays import file_array
from app.files.format import Reader, ReadOptions
from app.files.hdf5_members import (
    EXPORT_AGAIN,
    attribute,
    check_declared,
    group_of,
    member,
    numbers_of,
    plain_dataset,
    text_of,
)
from app.files.nexus_writer import CREATOR, LAYOUT
from app.files.wire import restore
from fitting import stored
from fitting.dataset import AXIS_LABELS, Axis, Meta, Noise, Spectrum
from fitting.stored import Stored
from libraries.errors import BadData, BadFile

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_MAX_ENTRIES = 100_000
_MOST_SCALES = 8


def sniff(head: bytes, path: Path) -> float:
    """1 for an HDF5 file whose root says that this program wrote it."""
    if not head.startswith(_SIGNATURE):
        return 0.0
    import h5py

    try:
        with h5py.File(path, "r") as file:
            return 1.0 if attribute(file, "creator") == CREATOR and attribute(file, "NX_class") == "NXroot" else 0.0
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
                raise BadFile(f"The file declares {len(file)} spectra", where=str(path), todo=EXPORT_AGAIN)
            spectra = [_entry(member(file, name, path), path) for name in sorted(file)]
    # What h5py raises for damaged files, gathered by mutating them.
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadFile(f"The HDF5 file is damaged ({error})", where=str(path), todo=EXPORT_AGAIN) from error
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo=EXPORT_AGAIN)
    return spectra


def describe(entry: Any, path: Path) -> tuple[tuple[Axis, ...], Noise, Meta]:
    """Axes, noise and circumstances of an entry, without its intensities.

    Raises
    ------
    BadFile
        If they are missing or damaged.
    """
    where = f"{path}, {entry.name}"
    data = group_of(entry, "data", path)
    own = group_of(entry, "sodalite", path)
    names = [name.decode() if isinstance(name, bytes) else str(name) for name in np.atleast_1d(data.attrs["axes"])]
    if not 1 <= len(names) <= 8:
        raise BadFile(f"It declares {len(names)} axes", where=where, todo=EXPORT_AGAIN)
    try:
        axes = tuple(_axis(data, name, path) for name in names)
        axes = (*axes[:-1], _named(own, axes[-1], path))
        meta = restore(json.loads(text_of(own, "meta", path)))
        noise = restore(json.loads(text_of(own, "noise", path)))
    except (BadData, RecursionError) as error:
        raise _damaged(error, where) from error
    if not isinstance(meta, Meta) or not isinstance(noise, Noise):
        raise BadFile("Its description is damaged", where=where, todo=EXPORT_AGAIN)
    return axes, noise, meta


def _damaged(error: BadData | RecursionError, where: str) -> BadFile:
    what = error.what if isinstance(error, BadData) else "Its description is damaged"
    return BadFile(what, where=where, todo=EXPORT_AGAIN)


def _entry(entry: Any, path: Path) -> Spectrum:
    axes, noise, meta = describe(entry, path)
    data = group_of(entry, "data", path)
    try:
        transmission = numbers_of(data, "transmission", path) if "transmission" in data else None
        counts = _intensities(data, path)
        scales = _scales(group_of(entry, "sodalite", path), path)
        return Spectrum(axes[-1], counts, noise, meta, transmission, axes[:-1], scales)
    except BadData as error:
        raise _damaged(error, f"{path}, {entry.name}") from error


def _intensities(data: Any, path: Path) -> np.ndarray | Stored:
    """The numbers, or where they lie if they are too many for memory."""
    dataset = plain_dataset(data, "intensity", path)
    numbers = dataset.dtype.kind in "iuf" and dataset.shape is not None
    each = dataset.dtype.itemsize if dataset.dtype.kind in "iu" else 8
    if not numbers or dataset.size * each <= stored.IN_MEMORY:
        return numbers_of(data, "intensity", path)
    check_declared(dataset, f"{path}, {data.name}/intensity")
    return file_array(path, dataset.name, timed=False)


def _axis(data: Any, name: str, path: Path) -> Axis:
    values = numbers_of(data, name, path)
    quantity = attribute(data[name], "quantity")
    if quantity not in AXIS_LABELS:
        raise BadFile(f"'{quantity[:40]}' is no axis that is known", where=f"{path}, {data.name}/{name}",
                      todo=EXPORT_AGAIN)
    return Axis(values, quantity, attribute(data[name], "units"))  # type: ignore[arg-type]


def _named(own: Any, axis: Axis, path: Path) -> Axis:
    """The axis with the names and masses of its channels."""
    if "names" not in own:
        return axis
    where = f"{path}, {own.name}/names"
    try:
        found = json.loads(text_of(own, "names", path))
        labels, masses = found["labels"], found["masses"]
        texts = isinstance(labels, list) and all(isinstance(label, str) for label in labels)
        numbers = isinstance(masses, list) and all(type(mass) in (int, float) for mass in masses)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadFile("The names of its channels are damaged", where=where, todo=EXPORT_AGAIN) from error
    if not texts or not numbers:
        raise BadFile("The names of its channels are damaged", where=where, todo=EXPORT_AGAIN)
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
