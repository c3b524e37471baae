"""GRD: every detected ion of an IONTOF measurement, five little-endian uint32 each: scan, shot, x, y, flight time.

Flight times are in channels. The format says no size of the image and no mass calibration: the size follows from the
highest coordinates (or SurfaceLab's "properties.txt" beside the file), and the spectrum stays on channels until it is
calibrated. Without a magic number a file is known by what its events must be: scans that do not fall, coordinates that
fit a raster. Events are read in blocks; memory holds a spectrum and an image, never all events.

References
----------
Layout as in the R package tofsims (read_GRD in src/c_importer.cpp; Registration.Raster.Resolution of the properties
file). No measured file is at hand.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.files.contents import check
from app.files.cube_store import lateral, unsigned
from app.files.format import Reader, ReadOptions
from fitting import stored
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.cube import scan_axis
from libraries.errors import BadFile, Cancelled

KIND = "IONTOF GRD"
EVENT = 20  # bytes
_BLOCK = 1 << 19  # events
_MOST_RASTER, _MOST_SCANS, _MOST_CHANNELS = 4096, 1 << 20, 1 << 24
_MOST_VOXELS = 1 << 27
_TODO = "Export the raw data again"
_RASTER = re.compile(r"Registration\.Raster\.Resolution[^\d\n]{0,40}?(\d{1,5})\b")


def sniff(head: bytes, path: Path) -> float:
    """How sure it is: the ending, whole events, and events that an instrument could have written."""
    if path.suffix.lower() != ".grd" or path.stat().st_size % EVENT or len(head) < EVENT:
        return 0.0
    events = np.frombuffer(head[: len(head) // EVENT * EVENT], "<u4").reshape(-1, 5)
    return 0.9 if not _wrong(events) else 0.0


def _wrong(events: NDArray[np.uint32]) -> str:
    """What no measurement writes; "" for nothing."""
    if events[:, 2:4].max() >= _MOST_RASTER:
        return f"a pixel beyond {_MOST_RASTER} x {_MOST_RASTER}"
    if events[:, 0].max() >= _MOST_SCANS:
        return f"a scan beyond {_MOST_SCANS}"
    if events[:, 4].max() >= _MOST_CHANNELS:
        return f"a flight time beyond {_MOST_CHANNELS} channels"
    if np.any(np.diff(events[:, 0].astype(np.int64)) < 0):
        return "a scan that is followed by an earlier one"
    return ""


def blocks(
    path: Path, progress: Callable[[float, str], None] | None = None, cancel: Callable[[], bool] | None = None
) -> Iterator[NDArray[np.uint32]]:
    """Events block by block, shape (m, 5): scan, shot, x, y, channel.

    Raises
    ------
    BadFile
        If the file is cut off, or an event cannot be; with its number.
    Cancelled
    """
    size = check(path)
    if size % EVENT:
        what = f"The file ends within an event ({size % EVENT} of {EVENT} bytes)"
        raise BadFile(what, where=str(path), todo="Copy or export it again")
    done, before = 0, 0
    with path.open("rb") as file:
        while data := file.read(_BLOCK * EVENT):
            if cancel is not None and cancel():
                raise Cancelled("The import was stopped", where=str(path))
            events = np.frombuffer(data[: len(data) // EVENT * EVENT], "<u4").reshape(-1, 5)
            wrong = _wrong(events) or ("a scan that is followed by an earlier one" if events[0, 0] < before else "")
            if wrong:
                where = f"{path}, events {done + 1} to {done + len(events)}"
                raise BadFile(f"There is {wrong}", where=where, todo=_TODO)
            before = int(events[-1, 0])
            yield events
            done += len(events)
            if progress is not None:
                progress(done * EVENT / size, f"Reading {path.name}")


def shape_of(path: Path) -> tuple[int, tuple[int, int, int]]:
    """Number of the first scan; scans, rows and columns: the highest coordinates, or the raster of the properties file.

    Raises
    ------
    BadFile
    """
    first, scan, x, y = -1, 0, 0, 0
    for events in blocks(path):
        first = int(events[0, 0]) if first < 0 else first
        scan, x, y = int(events[-1, 0]), max(x, int(events[:, 2].max())), max(y, int(events[:, 3].max()))
    raster = raster_of(path)
    if raster and max(x, y) >= raster:
        what = f"An event lies at pixel {max(x, y)}, but the properties say a raster of {raster}"
        raise BadFile(what, where=str(path), todo=_TODO)
    return first, _sized(scan - first + 1, raster or y + 1, raster or x + 1, path)


def _sized(scans: int, rows: int, columns: int, path: Path) -> tuple[int, int, int]:
    if scans * rows * columns > _MOST_VOXELS:
        what = f"{columns} x {rows} pixels and {scans} scans are too many for memory"
        raise BadFile(what, where=str(path), todo="Export fewer scans, or bin the pixels")
    return scans, rows, columns


def raster_of(path: Path) -> int:
    """Pixels along a side as SurfaceLab's properties file beside the data states them; 0 where there is none."""
    for name in (f"{path.stem}.properties.txt", f"{Path(path.stem).stem}.properties.txt"):
        beside = path.with_name(name)
        if beside.is_file() and beside.stat().st_size < 1 << 22:
            # UTF-16 or 8-bit text; the names are plain letters.
            found = _RASTER.search(beside.read_bytes().replace(b"\0", b"").decode("latin-1"))
            return int(found.group(1)) if found and 0 < int(found.group(1)) <= _MOST_RASTER else 0
    return 0


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """The spectrum of all ions on channels, and a cube (scans, rows, columns) of all ions together.

    Raises
    ------
    BadFile
        If the file is cut off or holds events that cannot be.
    """
    del options
    start, (scans, rows, columns) = shape_of(path)
    channels = np.zeros(1, np.int64)
    volume = np.zeros(scans * rows * columns, np.uint32)
    for events in blocks(path):
        found = np.bincount(events[:, 4])
        if found.size > channels.size:
            channels = np.concatenate([channels, np.zeros(found.size - channels.size, np.int64)])
        channels[: found.size] += found
        scan, _, x, y, _ = events.T.astype(np.int64)
        np.add.at(volume, ((scan - start) * rows + y) * columns + x, 1)
    first = int(np.argmax(channels > 0))
    name = path.stem
    size = "the properties file" if raster_of(path) else "highest coordinates: empty margins may be missing"
    extra = (("size of the image", size), ("first scan", str(start)), ("events", str(int(channels.sum()))))
    meta = Meta(title=name, technique="sims", region=name, file=path.name, file_format=KIND, extra=extra)
    axis = Axis(np.arange(first, channels.size, dtype=float), "channel", "")
    spectra = [Spectrum(axis, channels[first:], Noise("poisson", 1.0), meta)]
    counts = volume.astype(unsigned(int(volume.max()))).reshape(scans, rows, columns, 1)
    if counts.nbytes <= stored.IN_MEMORY:
        total = Axis(np.zeros(1), "ion", "", ("total",))
        around = (scan_axis(scans), lateral(rows, 0), lateral(columns, 0))
        spectra.append(Spectrum(total, counts, Noise("poisson", 1.0), meta, navigation=around))
    return spectra


def ion_counts(
    path: Path, start: int, limits: Sequence[tuple[float, float]], block: NDArray[np.uint32],
    progress: Callable[[float, str], None] | None = None, cancel: Callable[[], bool] | None = None,
) -> None:
    """Counts between limits of channels, of every voxel.

    Parameters
    ----------
    start : int
        Number of the first scan.
    limits : sequence of (low, high)
        In channels, both included.
    block : array of uint32, shape (len(limits), scans, rows, columns)
        Is filled.

    Raises
    ------
    BadFile, Cancelled
    """
    _, _, rows, columns = block.shape
    flat = block.reshape(len(limits), -1)
    for events in blocks(path, progress, cancel):
        scan, _, x, y, channel = events.T.astype(np.int64)
        place = ((scan - start) * rows + y) * columns + x
        order = np.argsort(channel, kind="stable")
        channel, place = channel[order], place[order]
        for ion, (low, high) in enumerate(limits):
            first, last = np.searchsorted(channel, low, "left"), np.searchsorted(channel, high, "right")
            np.add.at(flat[ion], place[first:last], 1)


READER = Reader(
    name="grd",
    title="IONTOF raw data (GRD)",
    suffixes=(".grd",),
    description="All detected ions of a measurement: their spectrum and their total in every voxel",
    sniff=sniff,
    read=read,
)
