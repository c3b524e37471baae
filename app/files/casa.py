"""What CasaXPS keeps in the comments of a VAMAS block: regions, components with their links, calibrations.

Energies are kinetic, in eV, on the calibrated scale: with a calibration in the block, the peak at raw binding energy b
has its component at photon energy - (b + shift). (Seen in a file calibrated by +3.63 eV: the Mo 3d maximum of the raw
data is at 225.28 eV, its component at 228.80 eV; raw limits would leave the C 1s line outside its own region.) The
spectrum itself is stored uncalibrated, and `app.files` leaves it so.

Lines that begin like CasaXPS's but cannot be understood are kept in `CasaInfo.unparsed`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from fitting.dataset import Spectrum

_TOKEN = re.compile(r"\(\*(?P<text>.*?)\*\)|(?P<word>\S+)")
_CALIBRATION = re.compile(
    r"^Calib\s+M\s*=\s*(?P<m>\S+?)\s+A\s*=\s*(?P<a>\S+)\s*(?P<flags>\[[^\]]*\])?\s*(?P<rest>.*)$", re.IGNORECASE
)
_STARTS = ("casa region", "casa comp", "calib")


@dataclass(frozen=True)
class CasaRegion:
    """A quantification region. `parameters` are B, C, D, T0 of Tougaard's cross-section (set but unused for others).

    `line` is the text that it was read from.
    """

    name: str
    background: str
    start_ke: float
    end_ke: float
    rsf: float
    average_width: float
    start_offset: float
    end_offset: float
    parameters: tuple[float, ...]
    tag: str
    mass: float | None = None
    effective_rsf: float | None = None
    rest: str = ""
    line: str = field(default="", compare=False)


@dataclass(frozen=True)
class CasaComponent:
    """A synthetic component. Links are the index of the parent component in the block, None where free.

    A linked area is `area_factor` times that of the parent, a linked width `fwhm_factor` times, a linked position lies
    `position_offset` eV of kinetic energy beside it. `index` groups components, `constraint` is CasaXPS's own text,
    `line` the text that it was read from.
    """

    name: str
    shape: str
    area: float
    area_min: float
    area_max: float
    area_link: int | None
    area_factor: float
    fwhm: float
    fwhm_min: float
    fwhm_max: float
    fwhm_link: int | None
    fwhm_factor: float
    position_ke: float
    position_min: float
    position_max: float
    position_link: int | None
    position_offset: float
    rsf: float | None = None
    mass: float | None = None
    index: int = -1
    tag: str = ""
    constraint: str = ""
    uncorrected_rsf: float | None = None
    rest: str = ""
    line: str = field(default="", compare=False)


@dataclass(frozen=True)
class Calibration:
    """One energy calibration: what was measured (a value, or a range whose maximum was taken) and what it should be."""

    measured: float | None
    actual: float
    measured_range: tuple[float, float] | None = None
    applies_to_regions: bool = False
    applies_to_components: bool = False
    axis: str = "BE"

    @property
    def shift(self) -> float | None:
        """What it adds to binding energies; None where only a range is known."""
        if self.measured is None:
            return None
        return self.actual - self.measured if self.axis == "BE" else self.measured - self.actual


@dataclass(frozen=True)
class CasaInfo:
    """All of a block. `unparsed` are lines that look like CasaXPS's and were not understood."""

    regions: tuple[CasaRegion, ...] = ()
    components: tuple[CasaComponent, ...] = ()
    calibrations: tuple[Calibration, ...] = ()
    unparsed: tuple[str, ...] = ()

    @property
    def shift(self) -> float | None:
        """Sum of the calibrations, added to raw binding energies in eV; None where one of them is only a range."""
        shifts = [calibration.shift for calibration in self.calibrations]
        if any(shift is None for shift in shifts):
            return None
        # The dust of the differences (284.8 - 284.7999) is not part of the calibration.
        return round(sum((shift for shift in shifts if shift is not None), 0.0), 9)


def casa_info(spectrum: Spectrum) -> CasaInfo:
    """What CasaXPS says in the comments of a spectrum; empty where it says nothing."""
    return parse_comments(spectrum.meta.comments)


def parse_comments(comments: Iterable[str]) -> CasaInfo:
    """The same from comment lines."""
    regions: list[CasaRegion] = []
    components: list[CasaComponent] = []
    calibrations: list[Calibration] = []
    unparsed: list[str] = []
    for line in comments:
        plain = line.strip()
        start = next((word for word in _STARTS if plain.lower().startswith(word)), "")
        if not start and not plain.startswith("CASA "):
            continue
        try:
            if start == "casa region":
                regions.append(replace(_region(plain), line=line))
            elif start == "casa comp":
                components.append(replace(_component(plain), line=line))
            elif start == "calib" and _CALIBRATION.match(plain):
                calibrations.append(_calibration(plain))
            # "Calibration: Au 4f" of an instrument is not CasaXPS's; everything else that starts so is reported.
            elif start != "calib" or re.match(r"calib\s", plain, re.IGNORECASE):
                unparsed.append(line)
        except (ValueError, IndexError):
            unparsed.append(line)
    wrong = {c for c in components if any(not _parent_exists(link, components) for link in _links(c))}
    if wrong:
        unparsed += [
            f"component '{c.name}' is linked to a component that does not exist" for c in components if c in wrong
        ]
    return CasaInfo(tuple(regions), tuple(components), tuple(calibrations), tuple(unparsed))


def _links(component: CasaComponent) -> tuple[int | None, ...]:
    return component.area_link, component.fwhm_link, component.position_link


def _parent_exists(link: int | None, components: list[CasaComponent]) -> bool:
    return link is None or link < len(components)


def _tokens(line: str) -> list[tuple[bool, str]]:
    """Tokens of a line; True marks text in (* *)."""
    return [
        (found["text"] is not None, found["text"] if found["text"] is not None else found["word"])
        for found in _TOKEN.finditer(line)
    ]


# CasaXPS writes open limits as 1E+20 or so; a number beyond this is damage and would overflow when squared.
_LARGEST = 1e30


def _float(text: str) -> float:
    value = float(text)
    if not abs(value) <= _LARGEST or "_" in text:
        raise ValueError(text)
    return value


def _texts(tokens: list[tuple[bool, str]], *places: int) -> list[str]:
    for place in places:
        if not tokens[place][0]:
            raise ValueError("text in (* *) expected")
    return [tokens[place][1] for place in places]


def _region(line: str) -> CasaRegion:
    tokens = _tokens(line)
    name, background = _texts(tokens, 2, 3)
    end = next(i for i in range(4, len(tokens) + 1) if i == len(tokens) or tokens[i][0])
    numbers = [_float(text) for _, text in tokens[4:end]]
    if len(numbers) < 6:
        raise ValueError("numbers are missing")
    behind = [text for _, text in tokens[end + 1 :]]
    return CasaRegion(
        name,
        background,
        *numbers[:6],
        parameters=tuple(numbers[6:]),
        tag=tokens[end][1] if end < len(tokens) else "",
        mass=_float(behind[0]) if behind else None,
        effective_rsf=_float(behind[2]) if len(behind) > 2 else None,
        rest=" ".join(behind[1:2] + behind[3:]),
    )


# Keywords of a component line and how many numbers follow.
_GROUPS = {"Area": 5, "MFWHM": 5, "FWHM": 5, "Position": 5, "RSF": 1, "MASS": 1, "INDEX": 1, "UNCORRECTEDRSF": 1}


def _component(line: str) -> CasaComponent:
    tokens = _tokens(line)
    name, shape = _texts(tokens, 2, 3)
    found: dict[str, list[float]] = {}
    texts: dict[str, str] = {}
    rest: list[str] = []
    at, last = 4, ""
    while at < len(tokens):
        in_stars, word = tokens[at]
        at += 1
        if in_stars:
            # The text behind INDEX is the tag, the one behind CONST the constraint.
            texts["CONST" if last == "CONST" else "tag"] = word
        elif word in _GROUPS and word not in found:
            count = _GROUPS[word]
            numbers = [_float(text) for _, text in tokens[at : at + count]]
            if len(numbers) < count:
                raise ValueError("numbers are missing")
            found["MFWHM" if word == "FWHM" else word] = numbers
            at += count
        elif word != "CONST":
            rest.append(word)
        last = word
    area, fwhm, position = found.get("Area", []), found.get("MFWHM", []), found.get("Position", [])
    if not (area and fwhm and position):
        raise ValueError("area, width or position is missing")
    return CasaComponent(
        name,
        shape,
        *_linked(area),
        *_linked(fwhm),
        *_linked(position),
        rsf=_one(found, "RSF"),
        mass=_one(found, "MASS"),
        index=int(found.get("INDEX", [-1])[0]),
        tag=texts.get("tag", ""),
        constraint=texts.get("CONST", ""),
        uncorrected_rsf=_one(found, "UNCORRECTEDRSF"),
        rest=" ".join(rest),
    )


def _linked(numbers: list[float]) -> tuple[float, float, float, int | None, float]:
    """Value, limits, parent (-1 stands for none) and factor or offset."""
    value, low, high, link, factor = numbers
    if link != int(link):
        raise ValueError("a link is no whole number")
    return value, low, high, int(link) if link >= 0 else None, factor


def _one(found: dict[str, list[float]], name: str) -> float | None:
    return found[name][0] if name in found else None


def _energy(text: str) -> float:
    """Of a calibration; a senseless one must stay a calibration, so that its spectrum is not taken for uncalibrated."""
    value = float(text)
    if not math.isfinite(value) or "_" in text:
        raise ValueError(text)
    return value


def _calibration(line: str) -> Calibration:
    found = _CALIBRATION.match(line)
    if found is None:
        raise ValueError(line)
    measured = [_energy(text) for text in found["m"].split(",")]
    if len(measured) > 2:
        raise ValueError("a range has two ends")
    words = f"{found['flags'] or ''} {found['rest']}".replace("[", " ").replace("]", " ").lower().split()
    return Calibration(
        measured=measured[0] if len(measured) == 1 else None,
        actual=_energy(found["a"]),
        measured_range=(min(measured), max(measured)) if len(measured) == 2 else None,
        applies_to_regions="regions" in words,
        applies_to_components="comps" in words,
        axis="KE" if "ke" in words else "BE",
    )
