"""Files of PHI instruments (.spe spectra, .pro sputter depth profiles): each region becomes one Spectrum.

A text header between SOFH and EOFH is followed by binary blocks. Their directory has four 32-bit numbers (kind, number
of blocks, length of the directory, length of this head) and 24 of them for each block:

    0 number  3 region  4 kind (1 spectra, 2 areas, 8 times)  5, 6, 7 dimensions  8, 10 names of the first two
    14, 15 unit  18 type of the numbers  19 bytes  20 place behind EOFH

The energies of region k stand in the header:

    SpectralRegDef: k area name Z points step first last window-first window-last time pass-energy label

Decisions
---------
`time` is the counting time of a point over all sweeps (s): intensities in counts/s times it are whole counts in the
files that were seen, for surveys and for narrow regions, so the noise is Poisson with gain 1/time. The number of sweeps
is the third number of SpectralRegDef2; the dwell time is time/sweeps. A profile becomes a series over the sputter times
that the file holds (the block of times in s), or over the cycles where it holds none.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.columns_text import split_lines
from app.files.contents import read_bytes, read_text
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED, number, positive, whole
from fitting.dataset import Axis, FloatArray, Meta, Spectrum
from libraries.elements import SYMBOLS
from libraries.errors import BadData, BadFile

FORMAT = "PHI"
_START, _END = b"SOFH", re.compile(rb"EOFH\r?\n")
# Number of the area and description: "(1, anode)".
_DESCRIPTION = re.compile(r"^\(\d+,\s*(.*)\)$")
_HEAD, _ENTRY = struct.Struct("<4I"), struct.Struct("<24I")
# Where in an entry the names of two dimensions and the unit stand.
_NAMES = ((32, 36), (40, 44), (56, 64))
_TYPES = {b"f4": "<f4", b"f8": "<f8"}
_SPECTRA, _TIMES = 1, 8
_MAX_BLOCKS = 10_000
_MAX_POINTS = 1_000_000
_DIMENSIONS = {"cyc": "cycles", "sar": "areas"}
# Header lines that help to judge a spectrum; all lines are kept as comments.
_NOTED = (
    "FileType", "SoftwareVersion", "EnergyReference", "EnergyRecal", "IntensityRecal", "IntensityCalCoeff",
    "AnalyserSolidAngle", "XrayPower", "XrayBeamDiameter", "SputterMode", "SputterIon", "SputterEnergy", "DepthCalDef",
    "NeutralizerEnergy", "StagePosition",
)  # fmt: skip


def sniff(head: bytes, path: Path) -> float:
    """1 for a file that begins with SOFH and the lines that PHI writes there."""
    del path
    return 1.0 if head.startswith(_START) and b"\nTechnique:" in head[:2000] and b"FileType:" in head[:2000] else 0.0


@dataclass(frozen=True)
class _Region:
    """A line SpectralRegDef with what SpectralRegDef2 adds."""

    place: int
    name: str
    atomic_number: int
    energies: FloatArray
    time: float | None
    pass_energy: float | None
    sweeps: float


@dataclass(frozen=True)
class _Block:
    place: int
    region: int
    kind: int
    shape: tuple[int, ...]
    names: tuple[str, str]
    unit: str
    data: FloatArray


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All regions of a file of a PHI instrument (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        Naming region or block, where header and data disagree.
    """
    del options
    data = read_bytes(path)
    end = _END.search(data)
    if end is None or not data.startswith(_START):
        raise BadFile("The end of the header (EOFH) is missing", where=str(path), todo=DAMAGED)
    lines = [line.strip() for line in split_lines(read_text(path, data[: end.start()]))[1:] if line.strip()]
    values = _values(lines)
    if values.get("Technique", "").upper() != "XPS":
        raise BadFile(
            f"The technique '{values.get('Technique', '')[:40]}' is not XPS",
            where=str(path),
            todo="Export the spectra as text with their energy axis",
        )
    if values.get("Platform", "PC").upper() != "PC":
        raise BadFile("The numbers are in the order of another machine", where=str(path), todo="Save it in MultiPak")
    regions = {region.place: region for region in _regions(lines, str(path))}
    blocks = _blocks(data[end.end() :], str(path))
    spectra = []
    for block in blocks:
        if block.kind == _SPECTRA:
            where = f"{path}, block {block.place}"
            region = regions.get(block.region)
            if region is None:
                raise BadFile(f"There is no region {block.region} for its data", where=where, todo=DAMAGED)
            times = next((b for b in blocks if b.kind == _TIMES and b.unit == "s"), None)
            try:
                spectra.append(_spectrum(block, region, times, values, lines, path))
            except BadData as error:
                raise BadFile(error.what, where=where, todo=DAMAGED) from error
    if len(spectra) != len(regions):
        what = f"The header lists {len(regions)} regions, but there are data of {len(spectra)}"
        raise BadFile(what, where=str(path), todo=DAMAGED)
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo="Save it again with its data")
    return instrument.numbered(spectra)


def _values(lines: list[str]) -> dict[str, str]:
    """Keys and values of the header; of repeated keys the first."""
    values: dict[str, str] = {}
    for line in lines:
        key, _, value = line.partition(":")
        values.setdefault(key.strip(), value.strip())
    return values


def _regions(lines: list[str], where: str) -> list[_Region]:
    sweeps = {}
    found = []
    for line in lines:
        key, _, rest = line.partition(":")
        words = rest.split()
        if key == "SpectralRegDef2" and len(words) > 2:
            sweeps[words[0]] = positive(words[2]) or 1.0
    for line in lines:
        key, _, rest = line.partition(":")
        if key == "SpectralRegDef":
            found.append(_region(rest.split(), sweeps, f"{where}, '{line[:60]}'"))
    if len({region.place for region in found}) != len(found):
        raise BadFile("Two regions have the same number", where=where, todo=DAMAGED)
    return found


def _region(words: list[str], sweeps: dict[str, float], where: str) -> _Region:
    if len(words) < 13:
        raise BadFile("The definition of a region is too short", where=where, todo=DAMAGED)
    # A name may hold blanks, so that the numbers behind it are counted from the end.
    points = whole(words[-9], "The number of points", where, 1)
    if points > _MAX_POINTS:
        raise BadFile(f"A region announces {points} points", where=where, todo=DAMAGED)
    step, first, last = instrument.numbers(words[-8:-5], "a limit of a region", where)
    if step == 0 or abs(first + (points - 1) * step - last) > 0.51 * abs(step):
        raise BadFile("Points, step and limits of the region disagree", where=where, todo=DAMAGED)
    return _Region(
        whole(words[0], "The number of a region", where),
        " ".join(words[2:-10]),
        whole(words[-10], "The atomic number", where, 0, 1000),
        np.round(first + step * np.arange(points), 9),
        positive(words[-3]),
        positive(words[-2]),
        sweeps.get(words[0], 1.0),
    )


def _blocks(data: bytes, where: str) -> list[_Block]:
    """The binary blocks; refused where the directory does not fit what is there."""
    if len(data) < _HEAD.size:
        raise BadFile("The file ends behind its header", where=where, todo=DAMAGED)
    _, count, length, head = _HEAD.unpack_from(data)
    if head != _HEAD.size or count > _MAX_BLOCKS or length != count * _ENTRY.size or head + length > len(data):
        raise BadFile(f"The directory of {count} blocks is damaged", where=where, todo=DAMAGED)
    blocks, taken = [], head + length
    for place in range(count):
        at = head + place * _ENTRY.size
        entry, raw = _ENTRY.unpack_from(data, at), data[at : at + _ENTRY.size]
        shape = tuple(n for n in entry[5:8])
        form = _TYPES.get(raw[72:76].rstrip(b"\0 "))
        block_where = f"{where}, block {place + 1}"
        if form is None:
            raise BadFile("The type of its numbers is not known", where=block_where, todo=DAMAGED)
        size = int(np.dtype(form).itemsize) * shape[0] * shape[1] * shape[2]
        # Blocks follow one another; anything else would read one piece of the file twice.
        if size != entry[19] or entry[20] < taken or entry[20] + size > len(data) or size == 0:
            raise BadFile("Its place or length is not what the file holds", where=block_where, todo=DAMAGED)
        taken = entry[20] + size
        stored = np.frombuffer(data, form, shape[0] * shape[1] * shape[2], entry[20])
        if not instrument.sane(stored):
            raise BadFile("It holds numbers that are not finite", where=block_where, todo=DAMAGED)
        first, second, unit = (raw[a:b].split(b"\0")[0].decode("latin-1").strip() for a, b in _NAMES)
        data_ = stored.astype(np.float64)
        blocks.append(_Block(entry[0], entry[3], entry[4], shape, (first, second), unit, data_))
    if taken != len(data):
        raise BadFile(f"{len(data) - taken} bytes follow the last block", where=where, todo=DAMAGED)
    return blocks


def _spectrum(
    block: _Block, region: _Region, times: _Block | None, values: dict[str, str], lines: list[str], path: Path
) -> Spectrum:
    where = f"{path}, region '{region.name}'"
    points, repeats, planes = block.shape
    if block.names[0] != "pnt" or points != len(region.energies) or planes != 1 or block.unit not in ("c/s", "c"):
        raise BadFile("Its data are not what the header says", where=where, todo=DAMAGED)
    axis, order, notes = instrument.energy_axis(region.energies, "binding_energy", where)
    counts = block.data.reshape(repeats, points)[:, order]
    navigation: tuple[Axis, ...] = ()
    if repeats > 1 or block.names[1] == "cyc":
        seconds = _times(times, region, repeats) if block.names[1] == "cyc" else None
        if seconds is not None:
            navigation = (Axis(seconds, "time", "s"),)
            notes.append(("series", "sputter time"))
        else:
            navigation = (Axis(np.arange(1.0, repeats + 1), "index", ""),)
            notes.append(("series", _DIMENSIONS.get(block.names[1], block.names[1])))
    else:
        counts = counts[0]
    meta = _meta(region, "counts" if block.unit == "c" else "counts/s", values, lines, notes, path)
    noise = instrument.noise(counts, meta.intensity_unit, region.time)
    return Spectrum(axis, counts, noise, meta, None, navigation)


def _times(times: _Block | None, region: _Region, cycles: int) -> FloatArray | None:
    """Sputter times of a region in s where the file holds them; ascending, as an axis must be."""
    if times is None or times.names != ("cyc", "reg") or times.shape[0] != cycles or times.shape[2] != 1:
        return None
    if not 1 <= region.place <= times.shape[1]:
        return None
    # The first one is written as -0.
    seconds = np.abs(times.data.reshape(times.shape[1], cycles)[region.place - 1])
    return seconds if np.all(np.diff(seconds) > 0) else None


def _meta(
    region: _Region, unit: str, values: dict[str, str], lines: list[str], notes: instrument.Pairs, path: Path
) -> Meta:
    words = values.get("XraySource", "").split()
    photon = instrument.photon_energy(words[1]) if len(words) > 1 else None
    return Meta(
        title=region.name,
        technique="xps",
        sample=_DESCRIPTION.sub(r"\1", values.get("FileDesc", "")),
        region=region.name,
        element=_element(region),
        photon_energy=photon,
        source=values.get("XraySource", ""),
        work_function=positive(values.get("AnalyserWorkFcn", "")),
        pass_energy=region.pass_energy if values.get("AnalyserMode", "FAT") == "FAT" else None,
        dwell_time=region.time / region.sweeps if region.time is not None else None,
        sweeps=region.sweeps if region.time is not None else None,
        source_analyser_angle=positive(values.get("SourceAnalyserAngle", "")),
        analyser_mode=values.get("AnalyserMode", ""),
        intensity_unit=unit,  # type: ignore[arg-type]
        charge_state="neutraliser on" if values.get("EgunNeutMode", "") == "Neutralize" else "",
        instrument=f"PHI {values['InstrumentModel']}" if values.get("InstrumentModel") else "PHI",
        institution=values.get("Institution", ""),
        operator=values.get("Operator", ""),
        experiment=values.get("ExperimentID", ""),
        date=_date(values.get("AcqFileDate", "")),
        file=str(path),
        file_format=FORMAT,
        comments=tuple(lines),
        extra=instrument.notes([*((key, values.get(key, "")) for key in _NOTED), *notes]),
    )


def _element(region: _Region) -> str:
    """The element of the region; surveys have an atomic number of their own and none of its names."""
    symbol = SYMBOLS[region.atomic_number - 1] if 0 < region.atomic_number <= len(SYMBOLS) else ""
    return symbol if symbol and region.name.startswith(symbol) else ""


def _date(text: str) -> str:
    words = text.split()
    if len(words) == 3 and all(number(word) is not None for word in words):
        try:
            return date(*(int(word) for word in words)).isoformat()
        except (ValueError, OverflowError):
            return ""
    return ""


READER = Reader(
    name="phi",
    title="PHI MultiPak",
    suffixes=(".spe", ".pro"),
    description="Spectra and sputter depth profiles of PHI instruments; a profile becomes a series over sputter time",
    sniff=sniff,
    read=read,
)
