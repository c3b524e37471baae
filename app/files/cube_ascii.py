"""SurfaceLab's 3D export as text: one file an ion, one line a voxel, "x y z counts".

What is sure of the format is what analysts read in public (tzwalker/xrays, ToFSIMS_v0.py: four columns, x and y of the
pixel and z of the scan counted from 0, comment lines after '#', files named "name (7) - Cl-.txt"). No file with a
header is at hand: sizes, the ion and its mass are taken from comment lines where they say so in plain words
(unverified), and everything else must come from the analyst. Files may leave out voxels without counts.

Text is read in blocks; memory holds one block and one ion.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from app.files.contents import HEAD, check, read_head, read_text
from app.files.cube_store import (
    MOST_VOXELS,
    Cancel,
    CubeSettings,
    Progress,
    Volumes,
    ask,
    check_target,
    cube_meta,
    part,
    write_cube,
)
from app.files.format import Reader, ReadOptions
from fitting.dataset import Spectrum
from libraries.errors import BadFile

KIND = "SurfaceLab 3D ASCII"
_BLOCK = 1 << 20  # bytes: text and numbers stay in the processor
_LONGEST = 1 << 16  # bytes of a line
_SHORTEST = 8  # bytes of "0 0 0 1\n": so many lines has a block at most
_MOST_LENGTH = 1 << 16
_LEAST = 12  # voxels that a file must begin with to be known without being told
_NUMBERED = re.compile(r"(.*?)[ _]*\((\d+)\)(?:\s*-\s*(.*))?$")
_FOUR = re.compile(r"\s*(?:[-+]?\d+(?:\.0*)?(?:[eE][-+]?\d+)?(?:\s*[,;]\s*|\s+)){3}[-+]?\d[-+\deE.]*[\s,;]*$")
_MOST_HEADER = 200  # lines
_SIZE = re.compile(r"(?i)\b(?:image|raster|volume|data)?[ _]*(?:size|resolution|dimensions?|pixels)\b[^\d\n]{0,20}"
                   r"(\d{1,5})\s*[x×*,; ]\s*(\d{1,5})(?:\s*[x×*,; ]\s*(\d{1,5}))?")
_SCANS = re.compile(r"(?i)\b(?:number of )?(?:scans|slices|layers)\b\s*[:=]?\s*(\d{1,6})\b")
_ION = re.compile(r"(?i)^#?\s*(?:ion|species|assignment|mass interval|channel)\s*(?:name)?\s*[:=]\s*(\S[^\t\n]*?)\s*$")
_MASS = re.compile(r"(?i)^#?\s*(?:cent(?:er|re)? mass|mass|m/z)\s*(?:\(u\))?\s*[:=]\s*(\d+(?:\.\d+)?)(?:\s*u)?\s*$")
_FIELD = re.compile(r"(?i)\bfield of view\b[^\d\n]{0,20}(\d+(?:\.\d+)?)\s*[x×*]\s*(\d+(?:\.\d+)?)\s*(?:µm|um|μm)")


@dataclass(frozen=True)
class IonFile:
    """What is known of a file before its voxels are read.

    Attributes
    ----------
    path : Path
    name : str
        The ion's, from the header, else from the name of the file.
    mass : float
        m/z, 0 where the file does not say it.
    number : int
        In brackets in the file's name, -1 for none: SurfaceLab's order.
    size : tuple of int
        Columns, rows, scans of the header; 0 where it does not say them.
    field : tuple of float
        Width and height in µm of the header; 0 where it does not say them.
    """

    path: Path
    name: str
    mass: float = 0.0
    number: int = -1
    size: tuple[int, int, int] = (0, 0, 0)
    field: tuple[float, float] = (0.0, 0.0)


def looks_like_voxels(head: bytes) -> bool:
    """Whether most lines of a text behind its header are four numbers; single bad lines are found while it is read."""
    lines = _data_lines(head)[:200]
    return bool(lines) and 2 * sum(bool(_FOUR.match(line)) for line in lines) > len(lines)


def _data_lines(head: bytes) -> list[str]:
    """Lines that are no comment, behind the header; the last one may be cut off and is left out."""
    _, skipped = _header(head)
    text = head[skipped:].decode("latin-1")
    lines = (text.splitlines()[:-1] if len(head) >= HEAD else []) or text.splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _header(head: bytes) -> tuple[int, int]:
    """Lines and bytes in front of the first line of numbers: comments, blank lines, names of columns."""
    lines, at = 0, 0
    for line in head.splitlines(keepends=True):
        if _FOUR.match(line.decode("latin-1").rstrip("\r\n")):
            return lines, at
        if line.strip()[:1].isdigit() or lines >= _MOST_HEADER:
            break
        lines, at = lines + 1, at + len(line)
    return 0, 0


def sniff(head: bytes, path: Path) -> float:
    """0.8 for lines of three coordinates and a count: sorted, no voxel twice, coordinates that come again and again."""
    del path
    lines = _data_lines(head)
    if not lines or not all(_FOUR.match(line) for line in lines):
        return 0.0
    rows = [[float(word) for word in re.split(r"[\s,;]+", line.strip())[:3]] for line in lines]
    if len(rows) < _LEAST or len({tuple(row) for row in rows}) < len(rows):
        return 0.0
    table = np.array(rows)
    # A spectrum has a column that never says the same twice, voxels have none.
    if min(len(rows) / np.unique(column).size for column in table.T) < 2:
        return 0.0
    orders = (np.lexsort(table.T[list(order)]) for order in permutations(range(3)))
    return 0.8 if any(np.array_equal(order, np.arange(len(rows))) for order in orders) else 0.0


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """One ion of a cube is no spectrum: say how the whole is opened.

    Raises
    ------
    BadFile
        Always.
    """
    del options
    raise BadFile("This is one ion of a 3D export", where=str(path),
                  todo="Choose File > Import cube of ions with the files of all ions, or run `sodalite cube`")


def ion_files(paths: Sequence[Path]) -> tuple[IonFile, ...]:
    """The files of a cube in SurfaceLab's order, with names of their ions; a folder stands for its text files.

    Raises
    ------
    BadFile
        If there is none, or one cannot be read or holds no voxels.
    """
    files: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(one for one in path.iterdir() if one.suffix.lower() in (".txt", ".asc", ".dat", ".csv"))
            files += [one for one in inside if one.is_file() and looks_like_voxels(read_head(one))]
        else:
            files.append(path)
    if not files:
        where = str(paths[0]) if paths else ""
        raise BadFile("There is no file of voxels", where=where, todo="Choose the text files of the 3D export")
    for path in files:
        if not looks_like_voxels(read_head(path)):
            raise BadFile("It holds no lines of x, y, z and counts", where=str(path), todo="Export it as 3D ASCII")
    shared = _shared([path.stem for path in files])
    known = [_described(path, shared) for path in files]
    return tuple(sorted(known, key=lambda one: (one.number, one.path.name)) if all(k.number >= 0 for k in known)
                 else known)  # fmt: skip


def _shared(stems: Sequence[str]) -> str:
    """What all names begin with, up to the end of a word: "Na" of "NaF" and "NaO" belongs to the ions."""
    if len(stems) < 2:
        return ""
    first, last = min(stems), max(stems)
    same = next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))
    return first[: max(first[:same].rfind(mark) for mark in " _-") + 1]


def _described(path: Path, shared: str) -> IonFile:
    head = read_text(path, read_head(path))
    above = head.splitlines()[: _header(read_head(path))[0]]
    lines = [line for line in above if line.strip()]
    text = "\n".join(lines)
    sizes = _SIZE.search(text)
    columns, rows, scans = (int(number or 0) for number in sizes.groups()) if sizes else (0, 0, 0)
    if not scans and (counted := _SCANS.search(text)):
        scans = int(counted.group(1))
    name = next((found.group(1) for line in lines if (found := _ION.match(line))), "")
    mass = next((float(found.group(1)) for line in lines if (found := _MASS.match(line))), 0.0)
    wide = _FIELD.search(text)
    numbered = _NUMBERED.match(path.stem)
    number = int(numbered.group(2)) if numbered else -1
    if not name:
        name = (numbered.group(3) or f"({number})") if numbered else path.stem[len(shared) :].lstrip(" _-(").strip()
    return IonFile(
        path, name.strip() or path.stem, mass, number, (columns, rows, scans),
        (float(wide.group(1)), float(wide.group(2))) if wide else (0.0, 0.0),
    )  # fmt: skip


def import_ascii(
    paths: Sequence[Path], target: Path, settings: CubeSettings, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Path:
    """Read the files of a cube and write it as HDF5.

    Parameters
    ----------
    paths : sequence of Path
        One file an ion, or a folder of them.
    target : Path
        Without an ending it gets .h5.

    Returns
    -------
    Path
        Of the file that was written.

    Raises
    ------
    BadFile
        If a file is damaged or its size does not fit the others; with the line.
    Cancelled, CannotWrite
    """
    known = ion_files(paths)
    place = check_target(target, tuple(one.path for one in known))
    size = settings.size or _declared(known)
    total = sum(check(one.path) for one in known)
    done, full, edge = 0, [], False
    with Volumes(place.parent) as volumes:
        for one in known:
            share = part(progress, 0.85 * done / total, 0.85 * (done + one.path.stat().st_size) / total)
            volume, complete = read_volume(one, size, settings.first, share, cancel)
            volumes.add(one.name, one.mass, volume)
            edge = edge or bool(volume[0].any() or volume[:, 0].any() or volume[:, :, 0].any())
            if complete:
                full.append((one, volume.shape))
            done += one.path.stat().st_size
        _check_full(full, volumes)
        if not (edge or full or settings.first or all(size)):
            raise BadFile("No voxel lies in the first row, the first column or the first scan, as if the files counted "
                          "from 1", where=str(known[0].path),
                          todo="Say that they count from 1, or give the size of the image if they count from 0")
        shape = (size[2] or volumes.shape[0], size[1] or volumes.shape[1], size[0] or volumes.shape[2])
        settings = _completed(settings, known, shape)
        meta = cube_meta(settings, known[0].path, KIND, _extra(known, settings, size, full))
        return write_cube(place, volumes, settings, meta, shape=shape, progress=part(progress, 0.85, 1.0),
                          cancel=cancel)  # fmt: skip


def read_volume(
    one: IonFile, size: tuple[int, int, int] = (0, 0, 0), first: int = 0, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> tuple[NDArray[np.uint32], bool]:
    """The voxels of one file.

    Parameters
    ----------
    size : tuple of int
        Columns, rows, scans; 0 for those that follow from the coordinates.

    Returns
    -------
    volume, complete
        Counts, shape (scans, rows, columns), 0 where no line names a voxel; whether the file names every voxel, those
        without counts too.

    Raises
    ------
    BadFile
        With the line.
    Cancelled
    """
    from app.files import cube_bytes

    bytes_ = check(one.path)
    lengths = tuple(size[::-1])
    volume = np.full([length or 1 for length in lengths], cube_bytes.UNSEEN, np.uint32)
    reach = (0, 0, 0)
    rows = np.empty((_BLOCK // _SHORTEST + 2, 4), np.int64)
    lines_above, done = _header(read_head(one.path))
    line = 1 + lines_above
    with one.path.open("rb") as file:
        file.seek(done)
        for block in _blocks(file, one.path):
            ask(cancel, str(one.path))
            count, lines, code, bad = cube_bytes.parse_lines(block, len(block), rows, first)
            x, y, z = cube_bytes.highest(rows, count)
            reach = (max(reach[0], z + 1), max(reach[1], y + 1), max(reach[2], x + 1))
            if not code:
                volume = _grown(volume, reach, lengths, one.path)
                code, row = cube_bytes.put(volume, rows, count)
                bad = _line_of(block, row) if code else 0
            if code:
                raise BadFile(_WORDS[code].format(one.name), where=f"{one.path}, line {line + bad}", todo=_TODO[code])
            line += lines
            done += len(block)
            if progress is not None:
                progress(min(done / bytes_, 1.0), f"Reading {one.name}")
    if not any(reach):
        raise BadFile("It holds no voxel", where=str(one.path), todo="Export it again")
    volume = volume[tuple(slice(0, length or reach[i]) for i, length in enumerate(lengths))]
    empty = volume == cube_bytes.UNSEEN
    complete = not empty.any() and not volume.all()
    volume[empty] = 0
    return volume, complete


_WORDS = {
    1: "This is no number", 2: "The line holds fewer than four numbers", 3: "The line holds more than four numbers",
    4: "This is no whole number", 5: "A coordinate lies before the first pixel or scan", 6: "A count is below zero",
    7: "A number is too large", 8: "The voxel lies outside of the image or the scans",
    9: "The voxel stands in the file twice",
}  # fmt: skip
_AGAIN = "Export the file again"
_TODO = {
    1: _AGAIN, 2: _AGAIN, 3: _AGAIN,
    4: "Export counts as they were measured, without dead-time correction or smoothing",
    5: "Say whether the files count from 0 or from 1", 6: _AGAIN, 7: _AGAIN,
    8: "Say the size of the image, and whether the files count from 0 or from 1", 9: _AGAIN,
}  # fmt: skip


def _blocks(file: Any, path: Path) -> Any:
    """Whole lines as arrays of bytes, the last one ended; one buffer is filled again and again."""
    buffer = np.empty(_BLOCK + 1, np.uint8)
    view = memoryview(buffer)[:_BLOCK]  # type: ignore[arg-type]
    kept = 0
    while True:
        got = file.readinto(view[kept:])
        stop = kept + (got or 0)
        if not got:
            if stop:
                buffer[stop] = 10
                yield buffer[: stop + 1]
            return
        tail = buffer[max(stop - _LONGEST, 0) : stop]
        ends = np.flatnonzero(tail == 10)
        if not ends.size:
            if stop > _LONGEST:
                raise BadFile("A line has no end", where=str(path), todo="Choose a text file")
            kept = stop
            continue
        cut = stop - tail.size + int(ends[-1]) + 1
        yield buffer[:cut]
        kept = stop - cut
        buffer[:kept] = buffer[cut:stop].copy()


def _line_of(block: NDArray[np.uint8], row: int) -> int:
    """Line of a block in which its data row number `row` stands, counted from 0."""
    seen = -1
    for number, text in enumerate(block.tobytes().split(b"\n")):
        plain = text.strip()
        seen += bool(plain) and not plain.startswith(b"#")
        if seen == row:
            return number
    return 0


def _grown(
    volume: NDArray[np.uint32], reach: tuple[int, int, int], lengths: tuple[int, ...], path: Path
) -> NDArray[np.uint32]:
    """Room for all coordinates so far, where the file's size is not known; scans are added by the dozen."""
    from app.files.cube_bytes import UNSEEN

    wanted = [length or max(now, had) for length, now, had in zip(lengths, reach, volume.shape, strict=True)]
    if max(wanted) > _MOST_LENGTH or int(np.prod(wanted, dtype=float)) > MOST_VOXELS:
        columns, rows, scans = wanted[::-1]
        what = f"Its coordinates reach to {columns} x {rows} pixels and {scans} scans"
        raise BadFile(what, where=str(path), todo=f"At most {MOST_VOXELS / 1e6:.0f} million voxels can be imported")
    if all(have >= want for have, want in zip(volume.shape, wanted, strict=True)):
        return volume
    if not lengths[0]:
        plane = wanted[1] * wanted[2]
        wanted[0] = max(wanted[0], min(2 * volume.shape[0], MOST_VOXELS // plane))
    larger = np.full(wanted, UNSEEN, np.uint32)
    larger[tuple(slice(0, have) for have in volume.shape)] = volume
    return larger


def _declared(known: Sequence[IonFile]) -> tuple[int, int, int]:
    """The size that headers declare; it must be the same in all of them."""
    found = [0, 0, 0]
    for one in known:
        for place, length in enumerate(one.size):
            if length and found[place] and length != found[place]:
                what = f"It says {one.size[0]} x {one.size[1]} pixels, other files say {found[0]} x {found[1]}"
                if place == 2:
                    what = f"It says {length} scans, other files say {found[2]}"
                raise BadFile(what, where=str(one.path), todo="Import files of one measurement together")
            found[place] = found[place] or length
    return found[0], found[1], found[2]


def _check_full(full: list[tuple[IonFile, tuple[int, ...]]], volumes: Volumes) -> None:
    """A file that lists every voxel says how large the cube is; no other file may go beyond."""
    for one, shape in full:
        if tuple(shape) != volumes.shape:
            has, others = (f"{s[2]} x {s[1]} pixels, {s[0]} scans" for s in (shape, volumes.shape))
            what = f"It lists every voxel of {has}, but other files reach to {others}"
            raise BadFile(what, where=str(one.path), todo="Import files of one measurement together")


def _completed(settings: CubeSettings, known: Sequence[IonFile], shape: tuple[int, int, int]) -> CubeSettings:
    """Pixel width from the field of view and name from the files, where the analyst gave none."""
    wide = next((one.field[0] for one in known if one.field[0]), 0.0)
    numbered = _NUMBERED.match(known[0].path.stem)
    shared = numbered.group(1) if numbered else _shared([one.path.stem for one in known])
    name = shared.strip(" _-") or known[0].path.parent.name or known[0].path.stem
    return replace(settings, pixel=settings.pixel or wide / shape[2], name=settings.name or name)


def _extra(
    known: Sequence[IonFile], settings: CubeSettings, size: tuple[int, int, int], full: Sequence[Any]
) -> tuple[tuple[str, str], ...]:
    if settings.size:
        origin = "as entered"
    elif all(size):
        origin = "as the files state it"
    elif full:
        origin = "from the highest coordinates; some files list every voxel"
    else:
        origin = "from the highest coordinates of all files: empty margins and scans without counts may be missing"
    return (("size", origin), ("voxels that no line names", "0 counts"), ("files", str(len(known))))


READER = Reader(
    name="cube_ascii",
    title="SurfaceLab 3D ASCII",
    suffixes=(".txt", ".asc"),
    description="One ion of a cube, by File > Import cube of ions: lines of x, y, z and counts",
    sniff=sniff,
    read=read,
)
