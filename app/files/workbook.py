"""The cells of an Excel workbook (.xlsx): names of sheets, numbers and texts; nothing is computed.

A workbook is a ZIP archive of XML. Sizes and ratios of compression are looked at before anything is unpacked, the XML
may not declare anything (no document types, no entities), and rows, columns and cells are limited, so that a small file
cannot ask for much memory or time. Formulas are not evaluated: their stored values are read.

References
----------
ECMA-376, Office Open XML, part 1: 18.3 (worksheets), 18.4 (shared strings).
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath

from libraries.errors import BadFile

MAGIC = b"PK\x03\x04"
_MAX_FILE = 256 << 20
_MAX_PARTS = 10_000
_MAX_PART = 256 << 20
_MAX_TOTAL = 512 << 20
# Sheets of numbers shrink to a tenth, sheets of equal cells to a hundredth; small parts may shrink as they like.
_MAX_RATIO = 300
_SMALL = 1 << 20
_MAX_CELLS = 5_000_000
_MAX_ROWS, _MAX_COLUMNS = 1_048_576, 4096
_MAX_DEPTH = 64
_PLACE = re.compile(r"^([A-Z]{1,3})([1-9]\d{0,6})$")
_TODO = "Save it again as .xlsx, or export the spectra as text"
NO_VALUE = "(formula without a value)"
Cell = float | str


@dataclass(frozen=True)
class Sheet:
    """A sheet: its name and its rows, each the cells that are not empty by column (from 0); rows count from 1."""

    name: str
    rows: dict[int, dict[int, Cell]]


def is_workbook(head: bytes, path: Path) -> bool:
    """Whether a file is a ZIP archive that holds a workbook."""
    if not head.startswith(MAGIC):
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except _DAMAGE:
        return False
    return "[Content_Types].xml" in names and any(re.match(r"xl/workbook\w*\.xml$", name) for name in names)


_DAMAGE = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError,
    ValueError, KeyError, OverflowError,
)  # fmt: skip


def sheets(path: Path) -> list[Sheet]:
    """All sheets of a workbook in their order; charts and macros are passed over.

    Raises
    ------
    BadFile
        If the archive or its XML is damaged, or larger than any table of spectra.
    """
    with _archive(path) as archive:
        book = _relations(archive, "", path).get("officeDocument", [("", "xl/workbook.xml")])[0][1]
        parts = _relations(archive, book, path)
        places = dict(parts.get("worksheet", []))
        shared = _Strings()
        for _, name in parts.get("sharedStrings", [])[:1]:
            _parse(_part(archive, name, path), shared, f"{path}, {name}")
        listed = _Book()
        _parse(_part(archive, book, path), listed, f"{path}, {book}")
        found, budget = [], [_MAX_CELLS]
        for name, relation in listed.sheets:
            if relation not in places:
                continue  # a sheet of charts or dialogs
            where = f"{path}, sheet '{name[:60]}'"
            target = _Cells(shared.texts, budget)
            _parse(_part(archive, places[relation], path), target, where)
            found.append(Sheet(name, target.rows))
    if not found:
        raise BadFile("The workbook holds no sheet", where=str(path), todo=_TODO)
    return found


@contextmanager
def _archive(path: Path) -> Iterator[zipfile.ZipFile]:
    """The archive, once its directory has been looked at."""
    try:
        if path.stat().st_size > _MAX_FILE:
            raise BadFile(f"The workbook is larger than {_MAX_FILE >> 20} MB", where=str(path), todo=_TODO)
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            if len(parts) > _MAX_PARTS:
                raise BadFile(f"The workbook has {len(parts)} parts", where=str(path), todo=_TODO)
            for part in parts:
                _check(part, path)
            if sum(part.file_size for part in parts) > _MAX_TOTAL:
                raise BadFile(f"The workbook unpacks to more than {_MAX_TOTAL >> 20} MB", where=str(path), todo=_TODO)
            yield archive
    except _DAMAGE as error:
        raise BadFile(f"The workbook is damaged ({error})", where=str(path), todo=_TODO) from error


def _check(part: zipfile.ZipInfo, path: Path) -> None:
    where = f"{path}, {part.filename[:80]}"
    if part.flag_bits & 1:
        raise BadFile("The workbook is protected by a password", where=where, todo="Save it without one")
    if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise BadFile("The workbook is packed in an unusual way", where=where, todo=_TODO)
    if part.file_size > max(_SMALL, _MAX_RATIO * part.compress_size) or part.file_size > _MAX_PART:
        what = f"It unpacks from {part.compress_size} to {part.file_size} bytes, more than a table does"
        raise BadFile(what, where=where, todo=_TODO)


def _part(archive: zipfile.ZipFile, name: str, path: Path) -> bytes:
    try:
        part = archive.getinfo(name)
    except KeyError:
        raise BadFile(f"The part '{name[:80]}' is missing", where=str(path), todo=_TODO) from None
    # zipfile gives no more bytes than the directory declares, which was looked at above.
    return archive.read(part)


def _relations(archive: zipfile.ZipFile, part: str, path: Path) -> dict[str, list[tuple[str, str]]]:
    """Identifier and place of the parts that a part refers to, by the last word of their type."""
    at = PurePosixPath(part)
    name = str(at.parent / "_rels" / f"{at.name}.rels") if part else "_rels/.rels"
    if name not in archive.namelist():
        return {}
    target = _Relations()
    _parse(_part(archive, name, path), target, f"{path}, {name}")
    found: dict[str, list[tuple[str, str]]] = {}
    for kind, identifier, place in target.found:
        full = place.lstrip("/") if place.startswith("/") else _joined(str(at.parent) if part else "", place)
        found.setdefault(kind, []).append((identifier, full))
    return found


def _joined(folder: str, place: str) -> str:
    """The place of a part given relative to another; "xl" and "../a/b" make "a/b"."""
    parts: list[str] = []
    for word in [*folder.split("/"), *place.split("/")]:
        if word == "..":
            del parts[-1:]
        elif word not in ("", "."):
            parts.append(word)
    return "/".join(parts)


def _parse(data: bytes, target: _Target, where: str) -> None:
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import DefusedXMLParser

    target.where = where
    parser = DefusedXMLParser(target=target, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    try:
        parser.feed(data)
        parser.close()
    except DefusedXmlException as error:
        raise BadFile("The XML of the workbook declares something of its own", where=where, todo=_TODO) from error
    except (ParseError, LookupError) as error:
        raise BadFile(f"The XML of the workbook is damaged ({error})", where=where, todo=_TODO) from error


class _Target:
    """Receives elements; names without their namespace, so that both editions of the standard are read."""

    def __init__(self) -> None:
        self.depth, self.where = 0, ""
        self.local: dict[str, str] = {}

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise BadFile("The XML of the workbook is nested too deeply", where=self.where, todo=_TODO)
        name = self.local.get(tag)
        if name is None:
            name = self.local[tag] = tag.rpartition("}")[2]
        self.opened(name, attributes)

    def end(self, tag: str) -> None:
        self.depth -= 1
        self.closed(self.local[tag])

    def data(self, text: str) -> None:
        pass

    def close(self) -> None:
        pass

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        pass

    def closed(self, tag: str) -> None:
        pass


class _Relations(_Target):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship" and attributes.get("TargetMode", "Internal") == "Internal":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.found.append((kind, attributes.get("Id", ""), attributes.get("Target", "")))


class _Book(_Target):
    def __init__(self) -> None:
        super().__init__()
        self.sheets: list[tuple[str, str]] = []

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            relation = next((v for k, v in attributes.items() if k.endswith("relationships}id")), "")
            self.sheets.append((attributes.get("name", ""), relation))


class _Strings(_Target):
    """The shared strings: runs of one string are joined, phonetic readings left out."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.pieces: list[str] = []
        self.inside = self.phonetic = False

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        del attributes
        if tag == "si":
            self.pieces = []
        elif tag == "rPh":
            self.phonetic = True
        self.inside = tag == "t" and not self.phonetic

    def closed(self, tag: str) -> None:
        self.inside = False
        if tag == "rPh":
            self.phonetic = False
        elif tag == "si":
            self.texts.append("".join(self.pieces))

    def data(self, text: str) -> None:
        if self.inside:
            self.pieces.append(text)


@lru_cache(maxsize=1024)
def _column(letters: str) -> int:
    """The number of a column, from 0: A, B ... Z, AA ..."""
    number = 0
    for letter in letters:
        number = 26 * number + ord(letter) - 64
    return number - 1


class _Cells(_Target):
    """The cells of a sheet."""

    def __init__(self, texts: list[str], budget: list[int]) -> None:
        super().__init__()
        self.rows: dict[int, dict[int, Cell]] = {}
        self.texts, self.budget = texts, budget
        self.row, self.column, self.kind = 0, -1, "n"
        self.pieces: list[str] = []
        self.inside = self.formula = self.phonetic = False

    def opened(self, tag: str, attributes: dict[str, str]) -> None:
        self.inside = False
        if tag == "c":
            self._open_cell(attributes)
        elif tag == "row":
            text = attributes.get("r")
            self.row = self.row + 1 if text is None else int(text) if text.isdecimal() and len(text) < 8 else 0
            self.column = -1
            self._check()
        elif tag == "v" and self.pieces:
            raise BadFile(f"A cell of row {self.row} holds two values", where=self.where, todo=_TODO)
        elif tag == "v" or (tag == "t" and not self.phonetic):
            self.inside = True
        elif tag == "f":
            self.formula = True
        elif tag == "rPh":
            self.phonetic = True

    def _open_cell(self, attributes: dict[str, str]) -> None:
        place = attributes.get("r")
        self.column += 1
        if place is not None:
            found = _PLACE.match(place)
            if found is None or int(found[2]) != self.row:
                raise BadFile(f"A cell of row {self.row} is placed at '{place[:20]}'", where=self.where, todo=_TODO)
            self.column = _column(found[1])
        self._check()
        self.kind, self.pieces, self.formula = attributes.get("t", "n"), [], False

    def _check(self) -> None:
        if not 1 <= self.row <= _MAX_ROWS or self.column >= _MAX_COLUMNS:
            what = f"A cell lies in row {self.row}, column {self.column + 1}"
            raise BadFile(what, where=self.where, todo="Remove what lies beside the spectra, or export them as text")

    def closed(self, tag: str) -> None:
        self.inside = False
        if tag == "rPh":
            self.phonetic = False
        elif tag == "c":
            value = self._value("".join(self.pieces).strip())
            if value != "":
                self.budget[0] -= 1
                if self.budget[0] < 0:
                    raise BadFile(f"The workbook has more than {_MAX_CELLS} cells", where=self.where, todo=_TODO)
                row = self.rows.setdefault(self.row, {})
                if self.column in row:
                    raise BadFile(f"A cell of row {self.row} is there twice", where=self.where, todo=_TODO)
                row[self.column] = value

    def _value(self, text: str) -> Cell:
        if not text:
            return NO_VALUE if self.formula else ""
        if self.kind == "s":
            if not text.isdecimal() or len(text) > 9 or int(text) >= len(self.texts):
                raise BadFile(f"There is no text number {text[:20]}", where=self.where, todo=_TODO)
            return self.texts[int(text)].strip()
        if self.kind == "n":
            try:
                value = float(text) if "_" not in text else None
            except ValueError:
                value = None
            # Not finite: kept as text, so that it is refused where a number should be.
            return value if value is not None and abs(value) <= 1e308 else text
        return text

    def data(self, text: str) -> None:
        if self.inside:
            self.pieces.append(text)
