"""Arrays in files that may be larger than memory: images and series in HDF5, in NumPy's own format, in raw bytes.

An array is known by path and name and opened anew for every piece, so that it can be handed to threads and to other
machines, and no handle stays open. HDF5 is read in this process, since twenty gigabytes do not go through a pipe; what
makes damaged HDF5 dangerous (links, other files, virtual data, unknown filters) is refused as in `app.files.nexus`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.files.contents import check, read_head
from app.files.hdf5_members import member, plain_dataset
from app.files.raw_array import RawArray, Turned, numpy_array
from fitting.dataset import AXIS_LABELS, Axis
from fitting.identity import content_hash
from fitting.stored import Stored, check_array, read_slabs, sampled
from libraries.errors import BadData, BadFile, UnknownName

HDF5 = b"\x89HDF\r\n\x1a\n"
NUMPY = b"\x93NUMPY"
# deflate, shuffle, fletcher32, szip, n-bit, scale-offset, LZF: what h5py brings along.
_FILTERS = (1, 2, 3, 4, 5, 6, 32000)
# So many spectra, evenly spaced, stand for the content of a file.
_SAMPLES = 16
# A chunk is unpacked as a whole.
_MAX_CHUNK = 512 << 20
# No detector fills more.
_MOST_NUMBERS = 1 << 44
_MOST_CHANNELS = 1 << 26  # of one spectrum, which is read as a whole


@dataclass(frozen=True, eq=False)
class FileArray(Stored):
    """Spectra in a file.

    Attributes
    ----------
    path : Path
        Absolute.
    dataset : str
        Name inside an HDF5 file ("/entry/data/counts"); "" for other files.
    shape : tuple of int
        (*navigation, n).
    dtype : dtype
        Of this machine's byte order.
    fingerprint : str
        Of size and sampled content, and of the time of change where `timed`.
    reverse : bool
        Whether channels are turned round while reading, because the file's axis descends.
    order : tuple of int
        For each axis of `shape` its place in the file's array; () where they are the same.
    flips : tuple of bool
        For each axis of `shape` whether it runs backwards in the file; () for none.
    offset : int
        Of the first byte, for files of raw numbers; -1 for HDF5 and NumPy's format.
    form : str
        Type of raw numbers in the file ("<f4").
    inside : tuple of int
        Shape of the array of raw numbers as it lies in the file.
    timed : bool
        Whether another time of change makes it another array (results of a batch must not be mixed).
    """

    path: Path
    dataset: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fingerprint: str
    reverse: bool = False
    order: tuple[int, ...] = ()
    flips: tuple[bool, ...] = ()
    offset: int = -1
    form: str = ""
    inside: tuple[int, ...] = ()
    timed: bool = False
    portable = True

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop of the flattened navigation, shape (stop - start, n).

        Raises
        ------
        BadFile
            If the file is gone, damaged, or holds an array of another shape by now.
        """
        with self._opened() as array:
            rows = read_slabs(array, start, stop)
        return rows[:, ::-1] if self.reverse else rows

    @property
    def by_channel(self) -> bool:
        """Whether the file holds one image after the other: raw numbers with the energy as their first axis."""
        return self.offset >= 0 and bool(self.order) and self.order[-1] == 0 and len(self.order) > 1

    def channel(self, place: int) -> NDArray[Any]:
        """One channel of all spectra, shape (pixels,); of HDF5 only the chunks that hold it are unpacked."""
        if not self.by_channel and self.offset >= 0:
            return super().channel(place)
        place = self.shape[-1] - 1 - place if self.reverse else place
        with self._opened() as array:
            part = array[(*(slice(None) for _ in self.shape[:-1]), slice(place, place + 1))]
        return np.asarray(part).reshape(-1)

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        """The array in the order of `shape`, for the time of the block."""
        with _opened(self.path, self.dataset, self._raw) as array:
            if self.order or any(self.flips):
                order = self.order or tuple(range(len(self.shape)))
                if len(array.shape) < len(order) or max(order) >= len(array.shape):
                    raise self._changed()
                array = Turned(array, order, self.flips or (False,) * len(order))
            if tuple(array.shape) != self.shape:
                raise self._changed()
            yield array

    @property
    def _raw(self) -> RawArray | None:
        return RawArray(self.path, self.offset, self.inside, np.dtype(self.form)) if self.offset >= 0 else None

    def _changed(self) -> BadFile:
        return BadFile("The data have changed while they were read", where=str(self.path), todo="Start again")

    def content(self) -> str:
        """The fingerprint that the file gives now."""
        status = self.path.stat()
        with self._opened() as array:
            rows = [read_slabs(array, place, place + 1) for place in sampled(self.shape, _SAMPLES)]
        told = (self.order, self.flips, self.offset, self.form) if self.order or self.flips or self.form else ()
        name = self.dataset.strip("/")
        mark = content_hash(status.st_size, name, self.shape, str(self.dtype), told, rows)
        mark = content_hash(mark, status.st_mtime_ns) if self.timed else mark
        return mark + "-reversed" if self.reverse else mark

    def readable(self) -> bool:
        """Whether the file can be read from here and is the same."""
        try:
            check(self.path)
            return self.content() == self.fingerprint
        except (BadFile, BadData, OSError):
            return False

    def reversed_if(self, reverse: bool) -> FileArray:
        """The same with channels turned round, or as it is."""
        return replace(self, reverse=True, fingerprint=self.fingerprint + "-reversed") if reverse else self

    def marked(self) -> FileArray:
        """The same with the fingerprint that the file gives now."""
        return replace(self, fingerprint=self.content())


def file_array(path: str | Path, dataset: str = "", *, timed: bool = True) -> FileArray:
    """The array in a file.

    Parameters
    ----------
    path : path
        A .npy file without objects, or an HDF5 file.
    dataset : str
        Its name inside an HDF5 file.
    timed : bool
        Whether another time of change makes it another array.

    Raises
    ------
    BadFile
        If the file cannot be read, there is no such array, or it holds no numbers.
    """
    place = Path(path).absolute()
    check(place)
    with _opened(place, dataset) as array:
        shape, dtype = tuple(array.shape), np.dtype(array.dtype)
    try:
        check_array(shape, dtype)
    except BadData as error:
        raise BadFile(error.what, where=_where(place, dataset), todo="Choose another array") from error
    return FileArray(place, dataset, shape, dtype.newbyteorder("="), "", timed=timed).marked()


def stored_in(
    path: Path, dataset: str, inside: tuple[int, ...], dtype: np.dtype[Any], *, order: tuple[int, ...],
    flips: tuple[bool, ...], offset: int = -1,
) -> FileArray:
    """The spectra of a reader that knows where they lie and how their axes stand, with their fingerprint.

    Parameters
    ----------
    inside : tuple of int
        Shape of the array in the file.
    order, flips : tuple
        For each axis of the spectra (energy last) its place in the file, and whether it runs backwards.

    Raises
    ------
    BadFile
        If they cannot be read.
    """
    shape = tuple(inside[i] for i in order)
    raw = {"offset": offset, "form": dtype.str, "inside": inside} if offset >= 0 else {}
    return FileArray(
        path.absolute(), dataset, shape, dtype.newbyteorder("="), "", order=order, flips=flips, **raw  # type: ignore
    ).marked()


@contextmanager
def _opened(path: Path, dataset: str, raw: RawArray | None = None) -> Iterator[Any]:
    """What can be sliced, for the time of the block."""
    if raw is not None:
        yield raw
    elif read_head(path).startswith(HDF5):
        import h5py

        try:
            with h5py.File(path, "r") as file:
                yield _walk(file, dataset, path)
        except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
            raise BadFile(f"The HDF5 file cannot be read ({error})", where=_where(path, dataset)) from error
    else:
        array, order = numpy_array(path)
        yield array if order == tuple(range(len(order))) else Turned(array, order, (False,) * len(order))


def _walk(file: Any, dataset: str, path: Path) -> Any:
    """A dataset, reached through hard links only."""
    import h5py

    *groups, name = [part for part in dataset.split("/") if part] or [""]
    group = file
    for part in groups:
        group = member(group, part, path) if part in group else None
        if not isinstance(group, h5py.Group):
            raise BadFile("There is no such array", where=_where(path, dataset), todo="Name another one by --dataset")
    if not name or name not in group:
        raise BadFile("There is no such array", where=_where(path, dataset), todo="Name another one by --dataset")
    found = plain_dataset(group, name, path, _FILTERS)
    if found.chunks is not None and math.prod(found.chunks) * found.dtype.itemsize > _MAX_CHUNK:
        what = f"Its numbers are packed in pieces of {math.prod(found.chunks) * found.dtype.itemsize:.3g} bytes"
        raise BadFile(what, where=_where(path, dataset), todo="Write the file anew with smaller chunks")
    if found.shape and (found.size > _MOST_NUMBERS or found.shape[-1] > _MOST_CHANNELS):
        what = f"It declares {float(found.size):.3g} numbers"
        raise BadFile(what, where=_where(path, dataset), todo="Write the file anew")
    return found


def _where(path: Path, dataset: str) -> str:
    return f"{path}, {dataset}" if dataset else str(path)


def axis_of(values: NDArray[Any], quantity: str, unit: str = "eV") -> tuple[Axis, bool]:
    """An axis from numbers that ascend or descend, and whether they were turned round.

    Raises
    ------
    BadData
        If they do neither.
    UnknownName
        If the quantity is not known.
    """
    if quantity not in AXIS_LABELS:
        raise UnknownName(f"'{quantity}' is no axis that is known", todo=f"Use one of {', '.join(AXIS_LABELS)}")
    numbers = np.asarray(values, dtype=np.float64)
    reverse = numbers.ndim == 1 and numbers.size > 1 and bool(numbers[0] > numbers[-1])
    return Axis(numbers[::-1] if reverse else numbers, quantity, unit), reverse  # type: ignore[arg-type]


def axis_in(path: str | Path, dataset: str, quantity: str = "", unit: str = "") -> tuple[Axis, bool]:
    """The axis that an array of an HDF5 file holds, and whether it descends there.

    Its attributes `quantity` and `units` say what it is, unless the caller does.

    Raises
    ------
    BadFile
        If it cannot be read, is no row of numbers, or nobody says what it is.
    """
    file = Path(path).absolute()
    with _opened(file, dataset) as array:
        if len(array.shape) != 1 or array.dtype.kind not in "iuf":
            raise BadFile(f"An array of shape {tuple(array.shape)} is no axis", where=_where(file, dataset))
        attributes = {name: array.attrs.get(name, "") for name in ("quantity", "units")}
        values = np.asarray(array[()])
    texts = {k: v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for k, v in attributes.items()}
    found = quantity or texts["quantity"]
    if not found:
        raise BadFile(
            "The array does not say what its numbers are", where=_where(file, dataset), todo="Say it by --quantity"
        )
    return axis_of(values, found, unit or ("" if quantity else texts["units"]) or default_unit(found))


def default_unit(quantity: str) -> str:
    """The unit that numbers of a quantity have where nothing else is said."""
    known = {"depth": "nm", "time": "s", "angle": "deg", "distance": "nm", "channel": "", "index": ""}
    return known.get(quantity, "eV")
