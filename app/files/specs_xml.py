"""XML of SPECS (SpecsLab 2 and Prodigy, "XMLSerializer"): each region becomes one Spectrum.

The file holds the raw counts of every detector channel. Channel d of a multi-channel detector sees the kinetic energy
E + shift_d * E_pass while the analyser stands at E, and the scan begins `mcd_head` steps before the first energy and
ends `mcd_tail` steps behind the last one. Counts of the value v are therefore the sum over the channels of

    counts[v + mcd_head - round(shift_d * E_pass / step), d]

which stay whole numbers with Poisson noise. That the shift rounds to whole steps follows from the file itself: head and
tail are the rounded largest shifts to either side (33 and 30 steps for shifts of 32.997 and 29.78).

Decisions
---------
Channels are added as counted: a gain other than 1 is written beside the spectrum, not applied. What would need more
than this (other scan modes with several channels, an energy base, compact cycles) is refused.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.files import instrument
from app.files.contents import read_bytes
from app.files.format import Reader, ReadOptions
from app.files.instrument import DAMAGED
from fitting.dataset import Axis, FloatArray, Meta, Spectrum, Technique
from libraries.errors import BadData, BadFile

FORMAT = "SPECS XML"
_SIMPLE = {"string", "enum", "boolean", "char", "octet", "short", "ushort", "long", "ulong", "float", "double"}
_NESTED = {"any", "struct", "sequence", "array", "union"}
_MAX_DEPTH = 32
_MAX_ATTRIBUTE = 5000
_MAX_FILE = 256 << 20
_FAT = "FixedAnalyzerTransmission"
_TECHNIQUES: dict[str, Technique] = {"XPS": "xps", "UPS": "xps"}
_MAX_POINTS = 1_000_000


def sniff(head: bytes, path: Path) -> float:
    """1 for an XML text that names the serializer of SPECS and its types."""
    del path
    start = instrument.text_of(head).lstrip()
    return 1.0 if start.startswith("<?xml") and "XMLSerializer" in start and "IDL:specs.de/" in start else 0.0


@dataclass
class _Node:
    """An element: its kind (type name), its parts and its text."""

    tag: str
    kind: str
    label: str
    length: str
    parts: list[_Node] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(self.pieces).strip()

    def part(self, name: str) -> _Node | None:
        """The part of that name."""
        return next((part for part in self.parts if part.label == name), None)

    def word(self, *names: str) -> str:
        """The text of a part of a part ..., "" where it is not there."""
        node: _Node | None = self
        for name in names:
            node = node.part(name) if node is not None else None
        return node.text if node is not None else ""


class _Tree:
    """Receives the parsed elements; refuses unknown ones and those nested more deeply than SPECS writes them."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.open: list[_Node] = []
        self.root: _Node | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in _SIMPLE and tag not in _NESTED and tag not in ("typecode", "exception", "objectref"):
            raise BadFile(f"The element '{tag[:40]}' does not belong here", where=self.where, todo=DAMAGED)
        # A default value of the document type could give every element a long attribute.
        if any(len(value) > _MAX_ATTRIBUTE for value in attributes.values()):
            raise BadFile("An attribute is absurdly long", where=self.where, todo=DAMAGED)
        if len(self.open) >= _MAX_DEPTH:
            raise BadFile("The elements are nested too deeply", where=self.where, todo=DAMAGED)
        get = attributes.get
        node = _Node(tag, get("type_name", ""), get("name", ""), get("length", ""))
        if self.open:
            self.open[-1].parts.append(node)
        else:
            self.root = node
        self.open.append(node)

    def end(self, tag: str) -> None:
        del tag
        self.open.pop()

    def data(self, text: str) -> None:
        if self.open and self.open[-1].tag in _SIMPLE:
            self.open[-1].pieces.append(text)

    def close(self) -> _Node | None:
        return self.root


def _parse(data: bytes, where: str) -> _Node:
    """The elements of the text; entities and anything from outside are refused."""
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    parser = DefusedXMLParser(target=_Tree(where), forbid_entities=True, forbid_external=True)
    try:
        parser.feed(data)
        root = parser.close()
    except DefusedXmlException as error:
        raise BadFile("The XML defines entities or refers to other files", where=where, todo=DAMAGED) from error
    except (ParseError, ValueError, LookupError) as error:
        raise BadFile(f"The XML is damaged ({error})", where=where, todo="Copy or export it again") from error
    if not isinstance(root, _Node):
        raise BadFile("The XML is empty", where=where, todo="Copy or export it again")
    return root


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All regions of an XML file of SPECS (which says everything itself, so that no option is needed).

    Raises
    ------
    BadFile
        Naming group and region, where the counts are not what the region says.
    """
    del options
    root = _parse(read_bytes(path, _MAX_FILE), str(path))
    groups = [part for part in root.parts if part.kind == "RegionGroupSeq"]
    if root.tag != "any" or not groups:
        raise BadFile("The XML holds no groups of regions", where=str(path), todo="Export the spectra of SPECS as XML")
    spectra: list[Spectrum] = []
    for group in (group for sequence in groups for group in sequence.parts):
        sample, regions = group.word("name"), group.part("regions")
        for region in regions.parts if regions is not None else []:
            name = region.word("name")
            where = f"{path}, group '{sample[:60]}', region '{name[:60]}'"
            try:
                spectra += _region(region, sample, path, where)
            except BadData as error:
                raise BadFile(error.what, where=where, todo=DAMAGED) from error
    if not spectra:
        raise BadFile("The file holds no spectrum", where=str(path), todo="Export it again with its data")
    return instrument.numbered(spectra)


def _region(region: _Node, sample: str, path: Path, where: str) -> list[Spectrum]:
    setting = region.part("region")
    if setting is None:
        raise BadFile("The settings of the region are missing", where=where, todo=DAMAGED)
    compact = region.part("compact_cycles")
    if compact is not None and compact.parts:
        raise BadFile("Its cycles are stored in a compact form", where=where, todo="Export the region as XY text")
    cycles = region.part("cycles")
    if cycles is None or not cycles.parts:
        return []
    meta = _meta(region, setting, sample, path, where)
    axis, order, notes = _axis(setting, meta, where)
    layout = _Layout.of(region, setting, len(axis), where)
    data = [_cycle(cycle, layout, order, f"{where}, cycle {n + 1}") for n, cycle in enumerate(cycles.parts)]
    if len({len(cycle) for cycle in data}) > 1:
        raise BadFile(
            "The cycles of the region have different numbers of scans",
            where=where,
            todo="Export the last, unfinished cycle as a file of its own",
        )
    transmission = region.part("transmission")
    curve = _array(transmission, "a value of the transmission function", where) if transmission is not None else None
    if curve is not None and curve.size:
        if curve.size != len(axis):
            raise BadFile("The transmission function does not fit the energies", where=where, todo=DAMAGED)
        curve = curve[order]
        if np.any(curve <= 0):
            curve = None
            notes.append(("transmission", "not used: it holds numbers that are not above zero"))
    else:
        curve = None
    navigation = Axis(np.arange(1.0, len(data) + 1), "index", "") if len(data) > 1 else None
    if navigation is not None:
        notes.append(("series", "cycles"))
    announced = instrument.number(setting.word("num_scans"))
    if announced is not None and announced != len(data[0]):
        notes.append(("scans", f"{len(data[0])} of {announced:g} that the file announces"))
    meta = replace(meta, extra=(*meta.extra, *notes, *layout.notes))
    return instrument.swept(axis, np.array(data), meta, navigation, curve)


def _number(setting: _Node, name: str, where: str) -> float:
    text = setting.word(name)
    value = instrument.number(text)
    if value is None:
        raise BadFile(f"'{text[:40]}' is no number for {name.replace('_', ' ')}", where=where, todo=DAMAGED)
    return value


def _axis(setting: _Node, meta: Meta, where: str) -> tuple[Axis, slice, instrument.Pairs]:
    points = instrument.whole(setting.word("values_per_curve"), "The number of values", where, 1, _MAX_POINTS)
    if instrument.number(setting.word("curves_per_scan") or "1") != 1:
        raise BadFile("The scans of the region hold several curves", where=where, todo="Export the region as XY text")
    if instrument.number(setting.word("kinetic_energy_base") or "0") != 0:
        raise BadFile("The energies count from another base", where=where, todo="Export the region as XY text")
    start, step = _number(setting, "kinetic_energy", where), _number(setting, "scan_delta", where)
    if step == 0 or abs(start) > 1e9 or abs(step) > 1e6:
        raise BadFile("The energies make no axis", where=where, todo=DAMAGED)
    energies = np.round(start + step * np.arange(points), 9)
    return instrument.energy_axis(energies, "kinetic_energy", where, meta.photon_energy)


@dataclass(frozen=True)
class _Layout:
    """Where in the counts of a scan the channels of a value lie."""

    points: int
    rows: int
    starts: tuple[int, ...]
    notes: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, region: _Node, setting: _Node, points: int, where: str) -> _Layout:
        """From shifts, pass energy and step; refused where head and tail do not cover the shifts."""
        head, tail = (
            instrument.whole(region.word(name) or "0", f"'{name}'", where, 0, _MAX_POINTS)
            for name in ("mcd_head", "mcd_tail")
        )
        info = region.part("analyzer_info")
        listed = info.part("detectors") if info is not None else None
        channels = listed.parts if listed is not None else []
        if not channels:
            raise BadFile("The channels of the detector are not described", where=where, todo=DAMAGED)
        mode = setting.word("scan_mode", "name")
        if mode != _FAT and len(channels) > 1:
            raise BadFile(
                f"Several detector channels in the scan mode '{mode[:40]}' are not read",
                where=where,
                todo="Export the region as XY text",
            )
        if mode in ("FixedEnergies", "Snapshot", "ConstantFinalState", "ConstantInitialState", "DetectorVoltageScan"):
            raise BadFile(f"The scan mode '{mode}' has no energy axis", where=where, todo="Choose another region")
        width = _number(setting, "pass_energy", where) / _number(setting, "scan_delta", where)
        shifts = [_number(channel, "shift", where) for channel in channels]
        if not all(abs(shift * width) <= _MAX_POINTS for shift in shifts):
            raise BadFile("The channels of the detector are shifted absurdly far", where=where, todo=DAMAGED)
        starts = tuple(head - round(shift * width) if len(shifts) > 1 else head for shift in shifts)
        if min(starts) < 0 or max(starts) > head + tail:
            raise BadFile("The scan does not cover the shifts of its channels", where=where, todo=DAMAGED)
        gains = [channel.word("gain") for channel in channels]
        uneven = any(instrument.number(gain) != 1 for gain in gains)
        notes = [("detector channels", f"{len(channels)}, added")]
        notes += [("detector gains", f"{' '.join(gains)}, not applied")] if uneven else []
        return cls(points, points + head + tail, starts, tuple(notes))


def _cycle(cycle: _Node, layout: _Layout, order: slice, where: str) -> list[FloatArray]:
    """Counts of each scan, summed over the channels, in the order of the axis."""
    scans = cycle.part("scans")
    if scans is None or not scans.parts:
        raise BadFile("It holds no scan", where=where, todo="Export the file without empty cycles")
    found = []
    for number, scan in enumerate(scans.parts, start=1):
        at = f"{where}, scan {number}"
        scaling = scan.part("scaling_factors")
        if scaling is not None and (scaling.parts or scaling.text):
            raise BadFile("The counts are scaled", where=at, todo="Export the region as XY text")
        counts = _array(scan.part("counts"), "a count", at)
        if counts.size != layout.rows * len(layout.starts):
            what = f"{counts.size} counts do not fit {layout.points} values and {len(layout.starts)} detector channels"
            raise BadFile(what, where=at, todo=DAMAGED)
        if np.any(counts < 0):
            raise BadFile("A count is negative", where=at, todo=DAMAGED)
        grid = counts.reshape(layout.rows, len(layout.starts))
        total = sum(grid[start : start + layout.points, d] for d, start in enumerate(layout.starts))
        found.append(np.asarray(total)[order])
    return found


def _array(node: _Node | None, what: str, where: str) -> FloatArray:
    """The numbers of a sequence, as many as it announces."""
    if node is None:
        raise BadFile(f"The list where {what} should be is missing", where=where, todo=DAMAGED)
    words = [word for part in node.parts for word in part.text.split()]
    if instrument.whole(node.length, "The length of a list", where) != len(words):
        raise BadFile(f"{node.length} numbers are announced but {len(words)} are there", where=where, todo=DAMAGED)
    return instrument.numbers(words, what, where)


def _meta(region: _Node, setting: _Node, sample: str, path: Path, where: str) -> Meta:
    technique = _TECHNIQUES.get(setting.word("analysis_method").upper(), "other")
    name = region.word("name")
    pairs = [(part.label, part.text) for part in setting.parts if part.tag in _SIMPLE and part.label not in _PLACED]
    pairs += _parameters(region.part("parameters"), "parameter")
    source = region.part("source_info")
    if source is not None:
        pairs += _parameters(source.part("parameters"), "source")
    cycles = region.part("cycles")
    stamp = instrument.number(cycles.parts[0].word("time")) if cycles is not None and cycles.parts else None
    # Seconds since 1970; the program is not older, and the year 3000 is far enough.
    known = stamp is not None and 0 < stamp < 3.2503e10
    return Meta(
        title=name,
        technique=technique,
        sample=sample,
        region=name,
        photon_energy=instrument.photon_energy(setting.word("excitation_energy")) if technique == "xps" else None,
        source=region.word("source_info", "name"),
        work_function=instrument.positive(setting.word("effective_workfunction")),
        pass_energy=instrument.positive(setting.word("pass_energy")) if _fixed(setting) else None,
        dwell_time=instrument.positive(setting.word("dwell_time")),
        analyser_mode=setting.word("scan_mode", "name"),
        intensity_unit="counts",
        instrument=region.word("analyzer_info", "name"),
        date=datetime.fromtimestamp(stamp, UTC).isoformat() if known and stamp is not None else "",
        file=str(path),
        file_format=FORMAT,
        extra=instrument.notes(pairs),
    )


_PLACED = {"dwell_time", "excitation_energy", "pass_energy", "effective_workfunction", "values_per_curve", "scan_delta"}


def _fixed(setting: _Node) -> bool:
    return setting.word("scan_mode", "name") == _FAT


def _parameters(node: _Node | None, kind: str) -> instrument.Pairs:
    """Named values of any kind."""
    found = []
    for part in node.parts if node is not None else []:
        value: Any = part.part("value")
        while value is not None and value.parts:
            value = value.parts[0]
        found.append((f"{kind}:{part.word('name')}", value.text if value is not None else ""))
    return found


READER = Reader(
    name="specs_xml",
    title="SPECS XML",
    suffixes=(".xml",),
    description="Regions of SpecsLab: counts of all detector channels, added at their energies; scans, transmission",
    sniff=sniff,
    read=read,
)
