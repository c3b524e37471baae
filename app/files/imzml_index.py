"""The index of an imzML file: where each pixel's m/z and intensities lie in the .ibd file, and what is said of them.

Read with defusedxml: entities, DTDs and references to other files are refused. pyimzml is not used: it hands the text
to a parser that expands entities, believes offsets and lengths, and asks for a template engine for its writer.

References
----------
T. Schramm et al., J. Proteomics 75, 5106 (2012), doi:10.1016/j.jprot.2012.07.026; imzML 1.1.0 and imagingMS.obo
(www.ms-imaging.org); HUPO-PSI psi-ms.obo.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from libraries.errors import BadFile

MOST_SPECTRA = 1 << 24
MOST_LENGTH = 1 << 26  # numbers of a spectrum
_MOST_DEPTH = 64
_TODO = "Export the measurement again as imzML"
_TYPES = {
    "MS:1000521": "<f4", "MS:1000523": "<f8", "MS:1000519": "<i4", "MS:1000522": "<i8", "IMS:1000141": "<i4",
    "IMS:1000142": "<i8", "IMS:1100000": "<i1", "IMS:1100001": "<i2",
}  # fmt: skip
_CONTINUOUS, _PROCESSED, _UUID = "IMS:1000030", "IMS:1000031", "IMS:1000080"
_WIDTH, _HEIGHT = "IMS:1000042", "IMS:1000043"
_PIXEL_X, _PIXEL_Y = "IMS:1000046", "IMS:1000047"
_X, _Y, _Z = "IMS:1000050", "IMS:1000051", "IMS:1000052"
_OFFSET, _LENGTH, _ENCODED = "IMS:1000102", "IMS:1000103", "IMS:1000104"
_MZ, _INTENSITY, _ZLIB, _PLAIN = "MS:1000514", "MS:1000515", "MS:1000574", "MS:1000576"
_CENTROID, _PROFILE, _POSITIVE, _NEGATIVE = "MS:1000127", "MS:1000128", "MS:1000130", "MS:1000129"
_NUMPRESS = ("MS:10023", "MS:10027")  # packings of mzML that lose digits or need a library
_UNNAMED = "Unnamed Sample"  # SurfaceLab's word for none
_MICROMETRES = ("", "UO:0000017")

Terms = dict[str, tuple[str, str]]  # accession -> value, unit


@dataclass(frozen=True)
class Part:
    """Type and packing of the m/z values or the intensities."""

    dtype: np.dtype[Any]
    packed: bool


@dataclass(frozen=True, eq=False)
class Index:
    """What an imzML file says.

    Attributes
    ----------
    continuous : bool
        Whether all pixels share their m/z values.
    uuid : str
        32 hexadecimal digits; "" where it is not stated.
    places : array, shape (spectra, 3)
        x, y, z of each spectrum, from 0.
    mz, intensity : array, shape (spectra, 3)
        Offset in bytes, length in numbers, length in bytes.
    mz_part, intensity_part : Part
    size : tuple of int
        Columns and rows as stated, 0 where they are not.
    pixel : tuple of float
        Width and height of a pixel in µm, 0 where it is not stated.
    polarity : "positive", "negative" or ""
    centroid : bool or None
    software, sample : str
    """

    continuous: bool
    uuid: str
    places: NDArray[np.int64]
    mz: NDArray[np.int64]
    intensity: NDArray[np.int64]
    mz_part: Part
    intensity_part: Part
    size: tuple[int, int]
    pixel: tuple[float, float]
    polarity: str
    centroid: bool | None
    software: str
    sample: str


@dataclass
class _Reading:
    """What was found so far."""

    where: str
    groups: dict[str, Terms] = field(default_factory=dict)
    file: Terms = field(default_factory=dict)
    settings: Terms = field(default_factory=dict)
    spectra: Terms = field(default_factory=dict)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    parts: set[tuple[str, bool, str, bool]] = field(default_factory=set)
    software: str = ""
    sample: str = ""


def read_index(path: Path) -> Index:
    """The index of an imzML file.

    Raises
    ------
    BadFile
        If it is no imzML, is damaged, or hides entities or references.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException

    reading = _Reading(str(path))
    try:
        for element in _elements(path):
            _take(element, reading)
    except DefusedXmlException as error:
        what = "The file declares entities or refers to other files, which imzML never does"
        raise BadFile(what, where=str(path), todo=_TODO) from error
    except (ParseError, UnicodeError, LookupError, ValueError) as error:
        raise BadFile(f"The XML is damaged ({error})", where=str(path), todo=_TODO) from error
    return _index(reading)


def _elements(path: Path) -> Iterator[Any]:
    """Elements that say something, each when it is complete; spectra are forgotten afterwards."""
    from defusedxml.ElementTree import iterparse

    depth, spectra = 0, None
    for event, element in iterparse(str(path), events=("start", "end"), forbid_dtd=True):
        name = _name(element)
        if event == "start":
            depth += 1
            if depth > _MOST_DEPTH:
                raise BadFile("The XML is nested too deeply", where=str(path), todo=_TODO)
            spectra = element if name == "spectrumList" else spectra
            continue
        depth -= 1
        if name in ("spectrum", "referenceableParamGroup", "fileContent", "scanSettings", "software", "sample"):
            yield element
            element.clear()
        if name == "spectrum" and spectra is not None:
            spectra.clear()


def _take(element: Any, reading: _Reading) -> None:
    name = _name(element)
    if name == "spectrum":
        _take_spectrum(element, reading)
    elif name == "referenceableParamGroup":
        reading.groups[element.get("id", "")] = _own(element)
    elif name == "fileContent":
        reading.file = _terms(element, reading)
    elif name == "scanSettings":
        reading.settings |= _terms(element, reading)
    elif name == "software" and not reading.software:
        reading.software = element.get("id", "")
    elif name == "sample" and not reading.sample:
        reading.sample = element.get("name", "")


def _take_spectrum(element: Any, reading: _Reading) -> None:
    number = len(reading.rows) + 1
    where = f"{reading.where}, spectrum {number}"
    if number > MOST_SPECTRA:
        raise BadFile(f"There are more than {MOST_SPECTRA} spectra", where=reading.where, todo=_TODO)
    if number == 1:
        reading.spectra = _terms(element, reading)
    position: Terms = {}
    arrays: dict[str, Terms] = {}
    for inner in element.iter():
        name = _name(inner)
        if name == "scan":
            position |= _terms(inner, reading)
        elif name == "binaryDataArray":
            terms = _terms(inner, reading)
            kind = _MZ if _MZ in terms else _INTENSITY if _INTENSITY in terms else ""
            if kind:
                arrays[kind] = terms
    if set(arrays) != {_MZ, _INTENSITY}:
        raise BadFile("It lacks m/z values or intensities", where=where, todo=_TODO)
    place = [_whole(position, key, where, 1 if key == _Z else None) - 1 for key in (_X, _Y, _Z)]
    if min(place) < 0:
        raise BadFile("Its position lies before the first pixel", where=where, todo=_TODO)
    numbers = [_whole(arrays[kind], key, where) for kind in (_MZ, _INTENSITY) for key in (_OFFSET, _LENGTH, _ENCODED)]
    reading.rows.append((*place, *numbers))
    kinds = [_part(arrays[kind], where) for kind in (_MZ, _INTENSITY)]
    reading.parts.add((kinds[0].dtype.str, kinds[0].packed, kinds[1].dtype.str, kinds[1].packed))
    if len(reading.parts) > 1:
        raise BadFile("It is stored in another way than the spectra before", where=where, todo=_TODO)


def _index(reading: _Reading) -> Index:
    where = reading.where
    if not reading.rows:
        raise BadFile("The file holds no spectrum", where=where, todo=_TODO)
    modes = [key for key in (_CONTINUOUS, _PROCESSED) if key in reading.file]
    if len(modes) != 1:
        what = "The file does not say whether its pixels share their m/z values (continuous or processed)"
        raise BadFile(what, where=where, todo=_TODO)
    known = reading.file | reading.spectra
    both = {_POSITIVE, _NEGATIVE} <= set(known)
    table = np.array(reading.rows, dtype=np.int64)
    (mz_type, mz_packed, type_, packed), = reading.parts
    settings = reading.settings
    uuid = "".join(c for c in reading.file.get(_UUID, ("", ""))[0].lower() if c in "0123456789abcdef")
    forms = [key in known for key in (_CENTROID, _PROFILE)]
    return Index(
        modes == [_CONTINUOUS], uuid if len(uuid) == 32 else "", table[:, :3], table[:, 3:6], table[:, 6:],
        Part(np.dtype(mz_type), mz_packed), Part(np.dtype(type_), packed),
        (_whole(settings, _WIDTH, where, 0), _whole(settings, _HEIGHT, where, 0)), _pixel(settings),
        "" if both else "positive" if _POSITIVE in known else "negative" if _NEGATIVE in known else "",
        forms[0] if sum(forms) == 1 else None, reading.software[:200],
        "" if reading.sample == _UNNAMED else reading.sample[:200],
    )  # fmt: skip


def _pixel(settings: Terms) -> tuple[float, float]:
    """Pixel width and height in µm, the unit of these terms in imagingMS.obo; 0 for another unit or none."""
    found = []
    for key in (_PIXEL_X, _PIXEL_Y):
        text, unit = settings.get(key, ("", ""))
        try:
            length = float(text)
        except ValueError:
            length = 0.0
        found.append(length if math.isfinite(length) and length > 0 and unit in _MICROMETRES else 0.0)
    return found[0], found[1] or found[0]


def _part(terms: Terms, where: str) -> Part:
    types = [dtype for key, dtype in _TYPES.items() if key in terms]
    if len(types) != 1:
        raise BadFile("The type of its numbers is not stated or not known", where=where, todo=_TODO)
    if "IMS:1000101" in terms and terms["IMS:1000101"][0].lower() not in ("true", "1", ""):
        raise BadFile("Its numbers do not lie in the .ibd file", where=where, todo=_TODO)
    packing = [key for key in terms if key in (_ZLIB, _PLAIN)]
    if len(packing) > 1 or any(key.startswith(_NUMPRESS) for key in terms):
        raise BadFile("Its numbers are packed in an unknown way", where=where, todo=_TODO)
    return Part(np.dtype(types[0]), packing == [_ZLIB])


def _whole(terms: Terms, key: str, where: str, default: int | None = None) -> int:
    """A whole number that is not negative."""
    if key not in terms and default is not None:
        return default
    text = terms.get(key, ("", ""))[0].strip()
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise BadFile(f"The number '{text[:20]}' ({key}) is missing or damaged", where=where, todo=_TODO)
    return int(text)


def _own(element: Any) -> Terms:
    return {
        inner.get("accession", ""): (inner.get("value", ""), inner.get("unitAccession", ""))
        for inner in element if _name(inner) == "cvParam"
    }  # fmt: skip


def _terms(element: Any, reading: _Reading) -> Terms:
    """Terms of an element and of the groups that it refers to."""
    found: Terms = {}
    for inner in element:
        if _name(inner) == "referenceableParamGroupRef":
            found |= reading.groups.get(inner.get("ref", ""), {})
    return found | _own(element)


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]
