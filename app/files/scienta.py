"""Text of Scienta analysers (SES): each region becomes one Spectrum, a series where it has several slices.

    [Info]  Number of Regions=2
    [Region 1]  Region Name, Dimension 1 name, size, scale, Dimension 2 ...
    [Info 1]  Pass Energy=50 ...
    [Data 1]  rows: energy, then one intensity for each point of dimension 2

`settings` reads the lines "Key=value" that SES also writes into the notes of Igor waves (`app.files.igor`).

Decisions
---------
The energy axis says itself whether it is binding or kinetic. "Time per Spectrum Channel" counts all sweeps (two files
with 2 and 10 sweeps show it), so the dwell time is that time over the number of sweeps. Intensities of the ADC mode are
no counts; pulse counting gives counts where they are whole numbers. A third dimension is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.files import instrument
from app.files.contents import read_bytes, read_text
from app.files.format import AxisUnknown, Reader, ReadOptions
from app.files.instrument import DAMAGED, Pairs, positive, whole
from fitting.dataset import Axis, FloatArray, Meta, Noise, Quantity, Spectrum
from libraries.errors import BadData, BadFile

FORMAT = "Scienta SES text"
_SECTION = re.compile(r"^\[(?P<name>[A-Za-z ]+?)(?: (?P<number>\d{1,6}))?(?::(?P<part>\d{1,6}))?\]$")
_TITLE = re.compile(r"^(?P<name>.*?)\s*[\[(](?P<unit>[^\])]*)[\])]\s*$")
_MAX_POINTS = 1_000_000
# Lines of the settings with a place of their own in Meta.
_PLACED = {
    "region name", "pass energy", "number of sweeps", "excitation energy", "acquisition mode", "instrument", "user",
    "sample", "date", "time",
}  # fmt: skip


def sniff(head: bytes, path: Path) -> float:
    """1 for a text that begins as SES writes it."""
    del path
    start = instrument.text_of(head[:4096]).lstrip()
    return 1.0 if start.startswith("[Info]") and "Number of Regions=" in start else 0.0


@dataclass
class _Part:
    """A section: its settings, its rows of data and its line."""

    name: str
    number: int
    part: int
    line: int
    values: dict[str, str] = field(default_factory=dict)
    rows: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


def read(path: Path, options: ReadOptions | None = None) -> list[Spectrum]:
    """All regions of a text of SES.

    Parameters
    ----------
    options : ReadOptions
        What the energies are and the photon energy, where the file does not say it.

    Raises
    ------
    AxisUnknown
        If neither file nor options say which energies they are.
    BadFile
        Naming region and line, where data and header disagree.
    """
    parts = _parts(read_text(path, read_bytes(path)), str(path))
    count = whole(parts[0].values.get("number of regions", ""), "The number of regions", str(path), 1, 100_000)
    spectra = []
    for number in range(1, count + 1):
        own = [part for part in parts if part.number == number]
        where = f"{path}, region {number}"
        try:
            spectra.append(_spectrum(own, where, path, options or ReadOptions()))
        except BadData as error:
            raise BadFile(error.what, where=where, todo=DAMAGED) from error
    return instrument.numbered(spectra)


def settings(lines: list[str]) -> dict[str, str]:
    """Lines "Key=value" by their key in lower case; of repeated keys the first."""
    values: dict[str, str] = {}
    for line in lines:
        key, mark, value = line.partition("=")
        if mark:
            values.setdefault(key.strip().lower(), value.strip())
    return values


def _parts(text: str, where: str) -> list[_Part]:
    parts: list[_Part] = []
    for number, raw in enumerate(text.replace("\r\n", "\n").replace("\r", "\n").split("\n"), start=1):
        line = raw.strip("\ufeff \t")
        found = _SECTION.match(line)
        if found:
            parts.append(_Part(found["name"], int(found["number"] or 0), int(found["part"] or 0), number))
        elif line and not parts:
            raise BadFile("Text stands before the first section", where=f"{where}, line {number}", todo=DAMAGED)
        elif line and parts[-1].name == "Data":
            parts[-1].rows.append(line)
        elif line:
            parts[-1].lines.append(line)
    for part in parts:
        part.values = settings(part.lines)
    if not parts or parts[0].name != "Info":
        raise BadFile("The section [Info] is missing", where=where, todo=DAMAGED)
    return parts


def _spectrum(parts: list[_Part], where: str, path: Path, options: ReadOptions) -> Spectrum:
    named = {part.name: part for part in reversed(parts)}
    if "Region" not in named or "Data" not in named:
        raise BadFile("Its section [Region] or [Data] is missing", where=where, todo=DAMAGED)
    region, data = named["Region"].values, named["Data"]
    if "dimension 3 size" in region or sum(part.name == "Data" for part in parts) > 1:
        raise BadFile("The region has a third dimension", where=where, todo="Export its parts as files of their own")
    points = whole(region.get("dimension 1 size", ""), "The number of energies", where, 1, _MAX_POINTS)
    second = "dimension 2 size" in region
    slices = whole(region["dimension 2 size"], "The number of slices", where, 1, _MAX_POINTS) if second else 1
    at = f"{where}, line {data.line}"
    if len(data.rows) != points:
        raise BadFile(f"{points} energies are announced but {len(data.rows)} rows are there", where=at, todo=DAMAGED)
    words = [row.split() for row in data.rows]
    for place, row in enumerate(words, start=1):
        if len(row) != slices + 1:
            what = f"Row {place} holds {len(row)} numbers, not {slices + 1}"
            raise BadFile(what, where=at, todo=DAMAGED)
    grid = instrument.numbers([word for row in words for word in row], "a value", at).reshape(points, slices + 1)
    energies = _scale(region, 1, points, where)
    # The rows print more digits than the scale does.
    if not np.allclose(grid[:, 0], energies, rtol=1e-4, atol=1e-6):
        raise BadFile("The energies of the rows are not those of the header", where=at, todo=DAMAGED)
    values = {**named["Info"].values} if "Info" in named else {}
    title = region.get("dimension 1 name", "")
    axes = [(region.get("dimension 2 name", ""), _scale(region, 2, slices, where))] if second else []
    comments = tuple(line for part in parts for line in part.lines if "scale=" not in line)
    name = region.get("region name") or values.get("region name") or path.stem
    origin = Origin(name, "", FORMAT, path, comments)
    return spectrum(grid[:, 0], grid[:, 1:], title, axes, values, origin, where, options)


def _scale(region: Mapping[str, str], place: int, count: int, where: str) -> FloatArray:
    words = region.get(f"dimension {place} scale", "").split()
    if len(words) != count:
        what = f"Dimension {place} announces {count} values but lists {len(words)}"
        raise BadFile(what, where=where, todo=DAMAGED)
    return instrument.numbers(words, "a value of a scale", where)


@dataclass(frozen=True)
class Origin:
    """Where a region comes from: its name, the unit of its intensities as written ("" where not), format, file."""

    name: str
    unit: str
    format: str
    path: Path
    comments: tuple[str, ...]


def spectrum(
    energies: FloatArray,
    intensities: FloatArray,
    title: str,
    axes: list[tuple[str, FloatArray]],
    values: Mapping[str, str],
    origin: Origin,
    where: str,
    options: ReadOptions,
) -> Spectrum:
    """One region of SES.

    Parameters
    ----------
    energies : array, shape (n,)
        As written.
    intensities : array, shape (n, slices)
    title : str
        What the file calls the energy axis, "Binding Energy [eV]".
    axes : list of (str, array)
        Name and values of the second dimension, none or one.
    values : mapping
        The settings of SES.
    origin : Origin
    """
    quantity = _quantity(title, values, options, where)
    photon = instrument.photon_energy(values.get("excitation energy", "")) or options.photon_energy
    axis, order, notes = instrument.energy_axis(energies, quantity, where, photon)
    counts = intensities.T[:, order]
    navigation, counts, more = _navigation(axes, counts, where)
    pulses = "pulse" in _detector(values).lower()
    unit: instrument.Unit = "counts" if pulses and np.all(counts == np.round(counts)) else "arbitrary"
    notes += more
    notes.append(("intensity unit", origin.unit or "the file does not say"))
    # Electrons were counted at some time, by a camera whose gain the file does not give.
    noise = instrument.noise(counts, unit, None)
    if unit == "arbitrary" and counts.min() >= 0:
        noise = Noise("poisson", None, origin="estimated")
    meta = _meta(values, origin, unit, photon, notes)
    return Spectrum(axis, counts, noise, meta, None, navigation)


def _detector(values: Mapping[str, str]) -> str:
    return values.get("detectormode", values.get("detector mode", ""))


def _meta(
    values: Mapping[str, str], origin: Origin, unit: instrument.Unit, photon: float | None, notes: Pairs
) -> Meta:
    sweeps = positive(values.get("number of sweeps", ""))
    total = positive(values.get("time per spectrum channel", ""))
    return Meta(
        title=origin.name,
        technique="xps",
        sample=values.get("sample", ""),
        region=origin.name,
        photon_energy=photon,
        pass_energy=positive(values.get("pass energy", "")),
        dwell_time=total / sweeps if total is not None and sweeps is not None else None,
        sweeps=sweeps,
        analyser_mode=values.get("acquisition mode", ""),
        signal_mode=_detector(values),
        intensity_unit=unit,
        instrument=values.get("instrument", ""),
        institution=values.get("location", ""),
        operator=values.get("user", ""),
        date=_date(values),
        file=str(origin.path),
        file_format=origin.format,
        comments=origin.comments,
        extra=instrument.notes([*((k, v) for k, v in values.items() if k not in _PLACED), *notes]),
    )


def _quantity(title: str, values: Mapping[str, str], options: ReadOptions, where: str) -> Quantity:
    """Which energy the axis holds: its title says it; the setting "Energy Scale" must not say the opposite."""
    stated = {word for word in ("binding", "kinetic") if word in title.lower()}
    scale = values.get("energy scale", "").lower()
    if not stated and scale in ("binding", "kinetic"):
        stated = {scale}
    if len(stated) != 1 and options.axis is not None:
        return options.axis
    if not stated:
        raise AxisUnknown(
            f"The file does not say whether its energies ('{title[:40]}') are binding or kinetic energies",
            where=where,
            todo="Choose the axis when opening",
        )
    if len(stated) != 1 or (scale in ("binding", "kinetic") and scale not in stated):
        raise BadFile(
            f"The energy axis is called '{title[:40]}' but the scale '{scale[:20]}'",
            where=where,
            todo="Export it again with binding or kinetic energies",
        )
    return "binding_energy" if "binding" in stated else "kinetic_energy"


def _navigation(
    axes: list[tuple[str, FloatArray]], counts: FloatArray, where: str
) -> tuple[tuple[Axis, ...], FloatArray, Pairs]:
    """The axis of the slices, the intensities in its order, and notes."""
    if not axes or len(axes[0][1]) == 1:
        return (), counts[0], []
    name, values = axes[0]
    steps = np.diff(values)
    if not (np.all(steps > 0) or np.all(steps < 0)):
        raise BadFile("The values of the second dimension neither rise nor fall", where=where, todo=DAMAGED)
    if steps[0] < 0:
        values, counts = values[::-1], counts[::-1]
    found = _TITLE.match(name[:200])
    plain, unit = (found["name"], found["unit"]) if found else (name, "")
    degrees = unit.lower().startswith("deg") or "°" in unit
    if degrees:
        return (Axis(values, "angle", "deg"),), counts, [("series", plain)]
    if unit.lower() in ("mm", "um", "µm"):
        return (Axis(values, "distance", unit),), counts, [("series", plain)]
    return (Axis(values, "index", unit),), counts, [("series", plain)]


def _date(values: Mapping[str, str]) -> str:
    both = f"{values.get('date', '')} {values.get('time', '')}".strip()
    return instrument.date(both, "%Y-%m-%d %H:%M:%S", "%Y-%m-%d")


READER = Reader(
    name="scienta",
    title="Scienta SES text",
    suffixes=(".txt",),
    description="Regions of Scienta analysers; slices in angle or position become a series",
    sniff=sniff,
    read=read,
)
