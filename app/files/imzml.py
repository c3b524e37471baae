"""imzML: images of whole mass spectra, as an XML index beside a file of numbers (.ibd) of the same name.

Pixels that share their m/z values (continuous) and such with their own (processed) are read, profiles and centroids,
plain and zlib, with or without z. m/z values of a processed file are put together as they are: the axis holds every
value that occurs, and a pixel without it has zero counts there. An image that would not fit into memory is not made:
its sum over all pixels is read, a peak list is made from it, and with that a cube of ions (`ion_counts`).

Reference: see `app.files.imzml_index`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.files.contents import check
from app.files.cube_store import lateral
from app.files.format import Reader, ReadOptions
from app.files.imzml_index import MOST_LENGTH, Index, Part, read_index
from fitting import stored
from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.sims.cube import scan_axis
from libraries.errors import BadFile, Cancelled

KIND = "imzML"
_TODO = "Export the measurement again as imzML"
_HEAD = 16  # bytes of the UUID that an .ibd file begins with
_MOST_LENGTHS = 1 << 16  # pixels along an axis
_MOST_CHANNELS = 1 << 22  # of an axis that is put together; more are binned
_BINS = 1 << 20
_NOT_WHOLE = "no whole numbers: their noise is not known"


def sniff(head: bytes, path: Path) -> float:
    """How sure it is that the file is an imzML index."""
    del path
    # Other mzML files do not name the vocabulary of imaging.
    return 1.0 if b"<mzML" in head[:8192] and (b"imagingMS" in head or b"IMS:10000" in head) else 0.0


@dataclass(frozen=True, eq=False)
class ImzML:
    """An imzML file whose parts have been checked against each other.

    Attributes
    ----------
    path, data : Path
        The index and the .ibd file.
    index : Index
    shape : tuple of int
        Scans, rows and columns.
    """

    path: Path
    data: Path
    index: Index
    shape: tuple[int, int, int]

    def spectra(self) -> Iterator[tuple[int, FloatArray, NDArray[Any]]]:
        """Number in the index, m/z and intensities of every pixel; of continuous files m/z is always the same array.

        Raises
        ------
        BadFile
            If numbers are not finite, or m/z does not ascend.
        """
        shared: FloatArray | None = None
        with self.data.open("rb") as file:
            for number in range(len(self.index.places)):
                where = f"{self.path}, spectrum {number + 1}"
                if shared is None or not self.index.continuous:
                    mz = _numbers(file, self.index.mz[number], self.index.mz_part, where).astype(np.float64)
                    _check_masses(mz, where)
                    shared = mz
                counts = _numbers(file, self.index.intensity[number], self.index.intensity_part, where)
                if counts.dtype.kind == "f" and not np.all(np.isfinite(counts)):
                    raise BadFile("It holds intensities that are not finite", where=where, todo=_TODO)
                yield number, shared, counts

    def flat(self) -> NDArray[np.int64]:
        """Place of every spectrum among the pixels (scans, rows, columns), flattened."""
        x, y, z = self.index.places.T
        return (z * self.shape[1] + y) * self.shape[2] + x


def open_imzml(path: Path) -> ImzML:
    """Read the index, find the .ibd file and check both against each other; no spectrum is read.

    Raises
    ------
    BadFile
        If the .ibd file is missing, belongs to another index, or is shorter than the index says.
    """
    index = read_index(path)
    data = next((one for one in (path.with_suffix(s) for s in (".ibd", ".IBD", ".Ibd")) if one.is_file()), None)
    if data is None:
        what = f"The numbers of this file are in {path.stem}.ibd, which is not beside it"
        raise BadFile(what, where=str(path), todo="Copy both files into one folder")
    size = check(data)
    with data.open("rb") as file:
        head = file.read(_HEAD)
    swapped = head[3::-1] + head[5:3:-1] + head[7:5:-1] + head[8:]  # as .NET writes a GUID
    if index.uuid and index.uuid not in (head.hex(), swapped.hex()):
        what = f"{data.name} belongs to another imzML file: their identifiers differ"
        raise BadFile(what, where=str(path), todo="Copy both files of one export into one folder")
    for table, part in ((index.mz, index.mz_part), (index.intensity, index.intensity_part)):
        _check_extents(table, part, size, path)
    if np.any(index.mz[:, 1] != index.intensity[:, 1]):
        raise BadFile("m/z values and intensities differ in number", where=str(path), todo=_TODO)
    if index.continuous and np.any(index.mz[:, 1] != index.mz[0, 1]):
        raise BadFile("Its pixels differ in length, but are said to share their m/z", where=str(path), todo=_TODO)
    return ImzML(path, data, index, _shape(index, path))


def _check_extents(table: NDArray[np.int64], part: Part, size: int, path: Path) -> None:
    offset, length, encoded = table.T
    plain = length * part.dtype.itemsize
    wrong = (offset < _HEAD) | (offset + encoded > size) | (length > MOST_LENGTH)
    # Deflate shrinks to no less than 1/1032 (RFC 1951).
    wrong |= (plain > 1100 * encoded) if part.packed else (plain != encoded)
    if np.any(wrong):
        where = f"{path}, spectrum {int(np.argmax(wrong)) + 1}"
        raise BadFile("Its numbers do not lie inside the .ibd file", where=where, todo="Copy both files again")


def _shape(index: Index, path: Path) -> tuple[int, int, int]:
    columns, rows, scans = (int(length) + 1 for length in index.places.max(axis=0))
    stated = index.size[0] or columns, index.size[1] or rows
    if columns > stated[0] or rows > stated[1]:
        what = f"A pixel lies at {columns}, {rows}, but the image is said to have {stated[0]} x {stated[1]} pixels"
        raise BadFile(what, where=str(path), todo=_TODO)
    if max(*stated, scans) > _MOST_LENGTHS or stated[0] * stated[1] * scans > 64 * len(index.places) + (1 << 22):
        what = f"It declares {stated[0]} x {stated[1]} pixels for {len(index.places)} spectra"
        raise BadFile(what, where=str(path), todo=_TODO)
    x, y, z = index.places.T
    if np.unique((z * stated[1] + y) * stated[0] + x).size != len(index.places):
        raise BadFile("Two spectra have the same position", where=str(path), todo=_TODO)
    return scans, stated[1], stated[0]


def _numbers(file: Any, place: NDArray[np.int64], part: Part, where: str) -> NDArray[Any]:
    offset, length, encoded = (int(number) for number in place)
    file.seek(offset)
    data = file.read(encoded)
    if part.packed:
        try:
            data = zlib.decompressobj().decompress(data, length * part.dtype.itemsize + 1)
        except zlib.error as error:
            raise BadFile(f"Its packed numbers are damaged ({error})", where=where, todo=_TODO) from error
    if len(data) != length * part.dtype.itemsize:
        raise BadFile("It holds another number of values than it says", where=where, todo=_TODO)
    return np.frombuffer(data, part.dtype)


def _check_masses(mz: FloatArray, where: str) -> None:
    with np.errstate(invalid="ignore"):
        good = bool(np.all(np.isfinite(mz)) and np.all(np.diff(mz) > 0) and (not mz.size or mz[0] >= 0))
    if not good:
        raise BadFile("Its m/z values do not ascend", where=where, todo=_TODO)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The image of mass spectra, or their sum where the image is too large for memory.

    Raises
    ------
    BadFile
        If the files are damaged or do not belong together.
    """
    del options
    file = open_imzml(path)
    axis, most, whole, least = _axis_of(file)
    if axis.size == 0:
        raise BadFile("All its spectra are empty", where=str(path), todo=_TODO)
    voxels = int(np.prod(file.shape))
    dtype = _dtype(most, least, whole)
    missing = voxels - len(file.index.places)
    extra = _extra(file, missing, whole)
    if axis.size > _MOST_CHANNELS:
        return [_binned(file, axis, extra)]
    if voxels * axis.size * dtype.itemsize > stored.IN_MEMORY:
        return [_summed(file, axis, extra)]
    counts = np.zeros((voxels, axis.size), dtype)
    for (_, mz, values), pixel in zip(file.spectra(), file.flat(), strict=True):
        counts[pixel, _places(axis, mz)] = values
    return [_image(file, axis, counts, extra, _noise(whole, least))]


def _axis_of(file: ImzML) -> tuple[FloatArray, float, bool, float]:
    """Every m/z that occurs, the highest intensity, whether all are whole numbers, and the lowest."""
    known: FloatArray = np.empty(0)
    waiting: list[FloatArray] = []
    pending, most, least, whole = 0, 0.0, 0.0, True
    seen: FloatArray | None = None
    for _, mz, values in file.spectra():
        if values.size:
            most, least = max(most, float(values.max())), min(least, float(values.min()))
            whole = whole and (values.dtype.kind == "i" or bool(np.all(values == np.rint(values))))
        if mz is not seen:
            waiting.append(mz)
            pending, seen = pending + mz.size, mz
            if pending > max(1 << 22, 2 * known.size):
                known, waiting, pending = np.unique(np.concatenate([known, *waiting])), [], 0
    return np.unique(np.concatenate([known, *waiting])), most, whole, least


def _places(axis: FloatArray, mz: FloatArray) -> NDArray[np.int64] | slice:
    return slice(None) if mz.size == axis.size else np.searchsorted(axis, mz)


def _dtype(most: float, least: float, whole: bool) -> np.dtype[Any]:
    if whole and least >= 0:
        for kind in (np.uint8, np.uint16, np.uint32):
            if most <= np.iinfo(kind).max:
                return np.dtype(kind)
    return np.dtype(np.float64)


def _noise(whole: bool, least: float) -> Noise:
    """Whole numbers of a time-of-flight instrument are counts; the format itself says no unit."""
    return Noise("poisson", 1.0, origin="estimated") if whole and least >= 0 else Noise("unknown")


def _extra(file: ImzML, missing: int, whole: bool) -> tuple[tuple[str, str], ...]:
    index = file.index
    told = [("polarity", index.polarity)] if index.polarity else []
    told.append(("m/z", "shared by all pixels" if index.continuous else "every value of every pixel, none made up"))
    if index.centroid is not None:
        told.append(("spectra", "centroids" if index.centroid else "profiles"))
    if missing:
        told.append(("pixels without a spectrum", f"{missing} of {int(np.prod(file.shape))}, taken as zero counts"))
    if not whole:
        told.append(("intensities", _NOT_WHOLE))
    if index.software:
        told.append(("software", index.software))
    return tuple(told)


def _meta(file: ImzML, extra: tuple[tuple[str, str], ...]) -> Meta:
    name = file.path.stem
    return Meta(title=name, technique="sims", region=name, sample=file.index.sample,
                intensity_unit="counts" if ("intensities", _NOT_WHOLE) not in extra else "arbitrary",
                file=file.path.name, file_format=KIND, extra=extra)  # fmt: skip


def _image(
    file: ImzML, axis: FloatArray, counts: NDArray[Any], extra: tuple[tuple[str, str], ...], noise: Noise
) -> Spectrum:
    scans, rows, columns = file.shape
    lengths: list[int] = [rows, columns]
    axes = [lateral(rows, file.index.pixel[1]), lateral(columns, file.index.pixel[0])]
    if scans > 1:
        lengths, axes = [scans, *lengths], [scan_axis(scans), *axes]
    if counts.shape[0] == 1:
        lengths, axes = [], []
    return Spectrum(Axis(axis, "mass", ""), counts.reshape(*lengths, axis.size), noise, _meta(file, extra),
                    navigation=tuple(axes))  # fmt: skip


def _summed(file: ImzML, axis: FloatArray, extra: tuple[tuple[str, str], ...]) -> Spectrum:
    total = np.zeros(axis.size)
    for _, mz, values in file.spectra():
        total[_places(axis, mz)] += values
    return _total(file, axis, total, extra)


def _binned(file: ImzML, axis: FloatArray, extra: tuple[tuple[str, str], ...]) -> Spectrum:
    """The sum in channels of even flight time (width proportional to the root of m/z); no count is lost."""
    low, high = np.sqrt(axis[0]), np.sqrt(axis[-1])
    width = (high - low) / (_BINS - 1)
    total = np.zeros(_BINS)
    for _, mz, values in file.spectra():
        np.add.at(total, np.rint((np.sqrt(mz) - low) / width).astype(np.int64), values)
    centres = (low + width * np.arange(_BINS)) ** 2
    told = ("m/z", f"{axis.size} different values put into {_BINS} channels of {2 * 10 * width:.3g} u at m/z 100")
    return _total(file, centres, total, (told, *(pair for pair in extra if pair[0] != "m/z")))


def _total(file: ImzML, axis: FloatArray, total: FloatArray, extra: tuple[tuple[str, str], ...]) -> Spectrum:
    scans, rows, columns = file.shape
    told = (
        "pixels", f"sum of all; the image of {scans} x {rows} x {columns} pixels and {axis.size} m/z values is too "
        "large for memory: import it as a cube of ions with a peak list",
    )  # fmt: skip
    whole = bool(np.all(total == np.rint(total)) and np.all(total >= 0))
    return Spectrum(Axis(axis, "mass", ""), total, _noise(whole, 0.0), _meta(file, (told, *extra)))


def ion_counts(
    file: ImzML, limits: Sequence[tuple[float, float]], block: NDArray[np.uint32],
    progress: Callable[[float, str], None] | None = None, cancel: Callable[[], bool] | None = None,
) -> None:
    """Counts between limits of m/z, of every pixel.

    Parameters
    ----------
    limits : sequence of (low, high)
    block : array of uint32, shape (len(limits), scans, rows, columns)
        Is filled.

    Raises
    ------
    BadFile
        If intensities are no counts.
    Cancelled
    """
    low, high = np.array(limits, dtype=float).T
    flat = block.reshape(len(limits), -1)
    total = len(file.index.places)
    for (number, mz, values), pixel in zip(file.spectra(), file.flat(), strict=True):
        if number % 256 == 0:
            if cancel is not None and cancel():
                raise Cancelled("The import was stopped", where=str(file.path))
            if progress is not None:
                progress(number / total, "Reading spectra")
        if np.any(values < 0) or (values.dtype.kind == "f" and not np.all(values == np.rint(values))):
            where = f"{file.path}, spectrum {number + 1}"
            raise BadFile("Its intensities are no counts", where=where, todo="Export counts as they were measured")
        running = np.concatenate([[0], np.cumsum(values, dtype=np.float64)])
        flat[:, pixel] = running[np.searchsorted(mz, high, "right")] - running[np.searchsorted(mz, low, "left")]


READER = Reader(
    name="imzml",
    title="imzML",
    suffixes=(".imzml",),
    description="Images of whole mass spectra: the .imzML file with its .ibd file beside it",
    sniff=sniff,
    read=read,
)
