"""Tables of sensitivity factors from files: our own CSV, plain tables (csv, text, xlsx), element libraries of CasaXPS.

A plain table has a column with lines ("C 1s") and one with factors. CasaXPS's element library is a text file whose
first line is its version, 1 for entries parted by tabs; the fields of an entry are element, transition, name, mass,
"BE" or "KE", energy, width, line shape, sensitivity factor and the name of the source ("Al").

References
----------
CasaXPS help, "CasaXPS Element Library", casaxps.com/release/release2312_/CasaXPS.HLP/Quantification.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.files.contents import read_text
from app.files.workbook import is_workbook, sheets
from libraries.elements import Line, parse_line
from libraries.errors import BadData, BadFile, SodaliteError
from libraries.sensitivity import FactorRow, FactorSet
from libraries.units import photon_source

MAX_BYTES = 8 << 20
_LINE_NAMES = ("line", "transition", "name", "peak", "orbital", "level")
_VALUE_NAMES = ("value", "rsf", "r.s.f", "factor", "sensitivity", "asf", "sf", "scofield")
_CASA_FIELDS = 10
UNSAID = "The file does not say what its factors contain: the cross-section alone is supposed."


@dataclass(frozen=True)
class Imported:
    """Factor sets of a file, and what must be known about them."""

    sets: tuple[FactorSet, ...]
    notes: tuple[str, ...]


def read_factors(
    path: str | Path, *, contains: Sequence[str] = (), photon_energy: float | None = None, normalised_to: str = "",
) -> Imported:
    """The factor sets of a file.

    Parameters
    ----------
    path : path
        CSV, text, .xlsx, or an element library of CasaXPS.
    contains : sequence of str
        What the factors contain, of "sigma", "L", "T", "lambda"; goes before what the file says.
    photon_energy : float, optional
        In eV; by default what the file says, else that of Al Ka.
    normalised_to : str
        The line whose factor is 1; by default what the file says, else the one that has a factor of 1.

    Raises
    ------
    BadFile
        If the file holds no table of lines and factors.
    BadData
        If factors make no sense.
    """
    target = Path(path)
    try:
        data = target.read_bytes()
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error.strerror or error})", where=str(path),
                      todo="Check name and permissions") from error
    if len(data) > MAX_BYTES:
        raise BadFile("The file is too large for a table of factors", where=str(path))
    if is_workbook(data[:8], target):
        found, notes = _of_rows(_workbook_rows(target), target)
    else:
        text = read_text(target, data)
        if re.search(r"(?im)^\s*#\s*contains\s*:", text):
            found, notes = [FactorSet.from_csv(text, where=str(path))], []
        elif _is_library(text):
            found, notes = _library(text, target)
        else:
            found, notes = _of_rows(_text_rows(text), target)
    changed = [_changed(item, contains, photon_energy, normalised_to) for item in found]
    return Imported(tuple(changed), tuple(n for n in notes if n != UNSAID or not contains))


def _changed(factors: FactorSet, contains: Sequence[str], energy: float | None, norm: str) -> FactorSet:
    if contains:
        factors = replace(factors, contains=tuple(contains))
    if energy is not None:
        factors = replace(factors, photon_energy=energy)
    return replace(factors, normalised_to=parse_line(norm).name) if norm else factors


def _text_rows(text: str) -> list[list[str]]:
    """Cells of a text table parted by tabs, semicolons or commas, else by two spaces and more."""
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    for mark in ("\t", ";", ","):
        if sum(mark in line for line in lines) > len(lines) // 2:
            return [[cell.strip() for cell in row] for row in csv.reader(io.StringIO("\n".join(lines)), delimiter=mark)]
    # "C 1s  1.00" and "C 1s 1.00": the last word is the number.
    return [[cell.strip() for cell in re.split(r"\s{2,}|\s+(?=[-+.\d]+\s*$)", line.strip())] for line in lines]


def _workbook_rows(path: Path) -> list[list[str]]:
    for sheet in sheets(path):
        rows = [
            [str(cells.get(column, "")) for column in range(max(cells) + 1)]
            for _, cells in sorted(sheet.rows.items()) if cells
        ]
        if rows and _columns(rows[0]) is not None:
            return rows
    return [
        [str(cells.get(column, "")) for column in range(max(cells) + 1)]
        for sheet in sheets(path)[:1] for _, cells in sorted(sheet.rows.items()) if cells
    ]


def _columns(head: Sequence[str]) -> tuple[int, int] | None:
    """Places of the lines and the factors after the header, None where it names neither."""
    names = [" ".join(cell.casefold().split()) for cell in head]
    line = next((i for word in _LINE_NAMES for i, name in enumerate(names) if name.startswith(word)), None)
    value = next((i for word in _VALUE_NAMES for i, name in enumerate(names) if name.startswith(word)), None)
    return None if line is None or value is None or line == value else (line, value)


def _of_rows(rows: list[list[str]], path: Path) -> tuple[list[FactorSet], list[str]]:
    places = _columns(rows[0]) if rows else None
    body = rows[1:] if places else rows
    at_line, at_value = places or (0, 1)
    found: list[FactorRow] = []
    for number, row in enumerate(body, start=2 if places else 1):
        if len(row) <= max(at_line, at_value) or not any(row):
            continue
        try:
            value = float(row[at_value].replace(",", "."))
            line = parse_line(row[at_line])
        except (ValueError, SodaliteError) as error:
            if number == 1 and not places:
                continue  # a header whose words are not known
            raise BadFile(f"Row {number} holds no line and factor: {' | '.join(row)[:80]}", where=str(path),
                          todo="Give one column with lines (C 1s) and one with factors, or correct the row") from error
        found.append(FactorRow(line, value))
    if not found:
        raise BadFile("The file holds no table of lines and factors", where=str(path),
                      todo="Give one column with lines (C 1s) and one with factors")
    energy = photon_source("Al Ka").energy
    factors = FactorSet(path.stem, path.name, ("sigma",), _norm(found, path), energy, tuple(found))
    return [factors], [UNSAID, f"The file does not say its photon energy: {energy:g} eV (Al Ka) is supposed."]


def _norm(rows: Sequence[FactorRow], path: Path) -> str:
    """The line whose factor is 1; C 1s or F 1s before others."""
    ones = [row.line.name for row in rows if abs(row.value - 1.0) < 5e-4]
    if not ones:
        raise BadData("No line of the table has a factor of 1, so its norm is not known", where=path.name,
                      todo="Say which line it is normalised to")
    return next((name for name in ("C 1s", "F 1s") if name in ones), ones[0])


# ------------------------------------------------------------------------------------------ element library of CasaXPS


def _is_library(text: str) -> bool:
    first = text.lstrip("\ufeff").splitlines()[:1]
    return bool(first) and first[0].strip().strip('"') in ("0", "1") and len(text.splitlines()) > 2


def _library(text: str, path: Path) -> tuple[list[FactorSet], list[str]]:
    lines = text.lstrip("\ufeff").splitlines()
    if lines[0].strip().strip('"') == "1":
        entries = [[cell.strip().strip('"').strip() for cell in line.split("\t")] for line in lines[1:] if line.strip()]
    else:
        cells = [line.strip().strip('"').strip() for line in lines[1:]]
        entries = [cells[i : i + _CASA_FIELDS] for i in range(0, len(cells) - _CASA_FIELDS + 1, _CASA_FIELDS)]
    sets: dict[str, dict[Line, float]] = {}
    left_out: list[str] = []
    for entry in entries:
        if len(entry) < _CASA_FIELDS:
            left_out.append(" ".join(entry)[:40])
            continue
        element, transition, name, *_, factor, source = entry[:_CASA_FIELDS]
        line = _library_line(name, element, transition)
        try:
            value = float(factor)
        except ValueError:
            line = None
        if line is None or not value > 0:
            left_out.append(name or f"{element} {transition}")
            continue
        table = sets.setdefault(source, {})
        if table.setdefault(line, value) != value:
            left_out.append(f"{line.name} ({value:g} beside {table[line]:g})")
    if not sets:
        raise BadFile("The element library holds no photoelectron line with a factor", where=str(path))
    found = []
    notes = [UNSAID]
    for source, table in sets.items():
        rows = tuple(FactorRow(line, value) for line, value in table.items())
        name = f"{path.stem} ({source})" if len(sets) > 1 else path.stem
        energy, note = _source_energy(source)
        notes += [note] if note else []
        found.append(FactorSet(name, f"element library {path.name}, source {source}", ("sigma",), _norm(rows, path),
                               energy, rows))
    if left_out:
        more = f" and {len(left_out) - 8} more" if len(left_out) > 8 else ""
        notes.append(f"Not taken (Auger lines, factors of zero, lines met twice): {', '.join(left_out[:8])}{more}.")
    return found, notes


def _library_line(name: str, element: str, transition: str) -> Line | None:
    for text in (name, f"{element} {transition}"):
        try:
            line = parse_line(text)
        except SodaliteError:
            continue
        if line.kind == "core":
            return line
    return None


def _source_energy(source: str) -> tuple[float, str]:
    for text in (source, f"{source} Ka"):
        try:
            return photon_source(text).energy, ""
        except SodaliteError:
            continue
    energy = photon_source("Al Ka").energy
    return energy, f"The photon energy of the source '{source}' is not known: {energy:g} eV is supposed."


def read_transmission(path: str | Path) -> tuple[tuple[float, float], ...]:
    """A table of kinetic energies (eV) and transmissions from a text or CSV file, in the file's order.

    Raises
    ------
    BadFile
        If a row does not begin with two numbers.
    """
    target = Path(path)
    try:
        text = read_text(target, target.read_bytes()[:MAX_BYTES])
    except OSError as error:
        raise BadFile(f"The file cannot be read ({error.strerror or error})", where=str(path)) from error
    pairs = []
    rows = [re.split(r"[\s,;]+", line.strip()) for line in text.splitlines()
            if line.strip() and not line.lstrip().startswith("#")]
    for number, row in enumerate(rows, start=1):
        try:
            pairs.append((float(row[0]), float(row[1])))
        except (ValueError, IndexError) as error:
            if number == 1:
                continue  # the header
            raise BadFile(f"Row {number} holds no two numbers", where=str(path),
                          todo="Give two columns: kinetic energy in eV, transmission") from error
    return tuple(pairs)
