"""A cube of ions on the disk: ions come in one after the other, the file holds them side by side.

The file is HDF5 as `app.files.nexus_writer` writes it, and `app.files.nexus` reads it: /spectrum_0001/data/intensity
of shape (scans, rows, columns, ions) in the smallest unsigned integers that hold the highest count, shuffled and packed
(gzip 1), in chunks of one scan of some ions; axes with units beside it; names and m/z of the ions, polarity, noise and
where it came from under /spectrum_0001/sodalite. Up to 256 MB it is opened in memory, else read piece by piece.

While ions come in they wait in a file of their own beside the target, so that memory holds one ion and a few scans.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.files.nexus_writer import write_nexus
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.cube import scan_axis
from fitting.stored import Stored
from libraries.errors import BadData, BadFile, Cancelled, CannotWrite

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]
MOST_VOXELS = 1 << 27  # of one ion, which is in memory while it is read (0.5 GB)
MOST_IONS = 4096
SUFFIX = ".h5"
_UNSIGNED = (np.uint8, np.uint16, np.uint32)


@dataclass(frozen=True)
class CubeSettings:
    """What the analyst says of a cube whose files do not say it.

    Attributes
    ----------
    name : str
        By default that of the first file.
    pixel : float
        Width of a pixel in µm; 0: not known, then pixels are counted.
    scan_time : float
        Sputter time of one scan in s; 0: not known, then scans are counted.
    polarity : "positive", "negative" or ""
    size : tuple of int or None
        Columns, rows, scans; None: what the files say, else their highest coordinates.
    first : int
        What the files call the first pixel and scan, 0 or 1.
    sample : str
    """

    name: str = ""
    pixel: float = 0.0
    scan_time: float = 0.0
    polarity: str = ""
    size: tuple[int, int, int] | None = None
    first: int = 0
    sample: str = ""


@dataclass(eq=False)
class Volumes:
    """Ions on their way into a cube; a context manager that removes its file.

    Attributes
    ----------
    folder : Path
        Where the file waits: the one that the cube is written to.
    names, masses : list
        Of the ions so far.
    shapes : list of tuple
        (scans, rows, columns) of each; smaller ones are filled up with zeros.
    most : int
        Highest count so far.
    """

    folder: Path
    names: list[str] = field(default_factory=list)
    masses: list[float] = field(default_factory=list)
    shapes: list[tuple[int, int, int]] = field(default_factory=list)
    most: int = 0
    _waiting: Any = None
    _place: Any = None

    def __enter__(self) -> Volumes:
        import h5py

        try:
            self._place = tempfile.TemporaryDirectory(prefix=".sodalite-cube-", dir=self.folder)
            self._waiting = h5py.File(Path(self._place.name) / "ions.h5", "w")
        except OSError as error:
            what = f"Nothing can be written here ({error.strerror or error})"
            raise CannotWrite(what, where=str(self.folder), todo="Choose another folder") from error
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._waiting.close()
        self._place.cleanup()

    @property
    def shape(self) -> tuple[int, int, int]:
        """Scans, rows and columns that hold all ions."""
        scans, rows, columns = (max(lengths) for lengths in zip(*self.shapes, strict=True))
        return scans, rows, columns

    def add(self, name: str, mass: float, volume: NDArray[Any]) -> None:
        """One ion, shape (scans, rows, columns), whole numbers.

        Raises
        ------
        BadData
            If there are too many ions.
        CannotWrite
            If the disk is full.
        """
        if len(self.names) >= MOST_IONS:
            raise BadData(f"There are more than {MOST_IONS} ions", todo="Choose some of them")
        highest = int(volume.max())
        scans, rows, columns = volume.shape
        try:
            self._waiting.create_dataset(
                str(len(self.names)), data=volume.astype(unsigned(highest), copy=False), chunks=(1, rows, columns),
                compression="lzf", shuffle=True,
            )  # fmt: skip
        except OSError as error:
            raise CannotWrite(f"The disk is full ({error})", where=str(self.folder), todo="Make room") from error
        self.names.append(name)
        self.masses.append(mass)
        self.shapes.append((scans, rows, columns))
        self.most = max(self.most, highest)

    def stored(self, shape: tuple[int, ...]) -> Waiting:
        """All ions side by side, shape (scans, rows, columns, ions) or (rows, columns, ions); while this is open."""
        return Waiting(self._waiting, tuple(self.shapes), (*shape, len(self.names)), np.dtype(unsigned(self.most)))


@dataclass(frozen=True, eq=False)
class Waiting(Stored):
    """Ions that lie one after the other, read as spectra of pixels."""

    file: Any
    shapes: tuple[tuple[int, int, int], ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    fingerprint: str = ""
    portable = False

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Spectra start to stop of the flattened navigation, shape (stop - start, ions)."""
        *_, rows, columns, ions = self.shape
        plane = rows * columns
        first, last = start // plane, -(-stop // plane)
        found = np.zeros((last - first, rows, columns, ions), self.dtype)
        for ion, (scans, lines, width) in enumerate(self.shapes):
            end = min(last, scans)
            if first < end:
                found[: end - first, :lines, :width, ion] = self.file[str(ion)][first:end]
        return found.reshape(-1, ions)[start - first * plane : stop - first * plane]

    def readable(self) -> bool:
        """As long as its file is open."""
        return bool(self.file)


def unsigned(most: int) -> type[np.unsignedinteger[Any]]:
    """The smallest unsigned integers that hold a count."""
    return next((kind for kind in _UNSIGNED if most <= np.iinfo(kind).max), np.uint32)


def check_target(target: Path, sources: tuple[Path, ...]) -> Path:
    """Where a cube may be written.

    Raises
    ------
    CannotWrite
        If the folder is missing, or it is one of the files that are read.
    """
    place = target if target.suffix else target.with_suffix(SUFFIX)
    if not place.parent.is_dir():
        raise CannotWrite("There is no such folder", where=str(place.parent), todo="Choose another one")
    if any(place.exists() and source.exists() and place.samefile(source) for source in sources):
        what = "This is one of the files that are read; data are never overwritten"
        raise CannotWrite(what, where=str(place), todo="Choose another name")
    return place


def navigation(shape: tuple[int, int, int], settings: CubeSettings) -> tuple[Axis, Axis, Axis]:
    """Scans (or times at their ends), rows and columns (in µm at their middles, or counted)."""
    scans, rows, columns = shape
    along = scan_axis(scans)
    if settings.scan_time > 0:
        along = Axis(along.values * settings.scan_time, "time", "s")
    return along, lateral(rows, settings.pixel), lateral(columns, settings.pixel)


def lateral(count: int, pixel: float) -> Axis:
    """Rows or columns of an image: middles of pixels in µm, or counted where their width is not known."""
    if pixel > 0:
        return Axis((np.arange(count) + 0.5) * pixel, "distance", "µm")
    return Axis(np.arange(count, dtype=float), "index", "")


def cube_meta(settings: CubeSettings, source: Path, kind: str, extra: tuple[tuple[str, str], ...]) -> Meta:
    """What is known of a cube: its name, sample, polarity, and where it came from."""
    name = settings.name or source.stem
    if settings.polarity:
        extra = (("polarity", settings.polarity), *extra)
    return Meta(title=name, technique="sims", region=name, sample=settings.sample, file=source.name, file_format=kind,
                extra=extra)  # fmt: skip


def write_cube(
    target: Path, volumes: Volumes, settings: CubeSettings, meta: Meta, *, shape: tuple[int, int, int] | None = None,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Path:
    """Write the ions that came in.

    Parameters
    ----------
    target : Path
    shape : tuple of int, optional
        Scans, rows and columns; by default those that hold all ions.

    Returns
    -------
    Path
        Of the file.

    Raises
    ------
    BadFile
        If there is no ion.
    Cancelled, CannotWrite
    """
    if not volumes.names:
        raise BadFile("There is no ion", where=meta.file, todo="Choose the files of the ions")
    size = shape or volumes.shape
    masses = tuple(volumes.masses) if any(volumes.masses) else ()
    axis = Axis(np.arange(len(volumes.names), dtype=float), "ion", "", tuple(volumes.names), masses)
    along, around = size[:-2], navigation(size, settings)
    if size[0] == 1:  # an image, not a cube of one scan
        along, around = (), around[1:]
    cube = Spectrum(
        axis, volumes.stored((*along, *size[-2:])), Noise("poisson", 1.0), replace(meta, intensity_unit="counts"),
        navigation=around,
    )  # fmt: skip
    write_nexus(target, [cube], progress=progress, cancel=cancel)
    return target


def part(progress: Progress | None, low: float, high: float) -> Progress | None:
    """Progress of a part of the work."""
    if progress is None:
        return None
    return lambda fraction, text: progress(low + (high - low) * fraction, text)


def ask(cancel: Cancel | None, where: str) -> None:
    """Stop where the user asked for it.

    Raises
    ------
    Cancelled
    """
    if cancel is not None and cancel():
        raise Cancelled("The import was stopped", where=where)
