"""Tables of XPS compositions at depths, as files and from the clipboard, and tables of calibrated factors.

Read is any table of text whose first line names its columns: "depth" in nm, perhaps "depth error", one column for each
element or chemical state in at.%, and where they are known errors beside them ("C error", "C ±" or "±"). Cells are
parted by tabs, semicolons or commas; decimals may be commas where these do not part the cells.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.files.columns_text import split_lines
from app.files.composition_tables import plain_text
from app.files.contents import read_bytes, read_text
from app.files.csv_table import write_table
from app.numerals import UNDETERMINED, limit_or_amount
from fitting.dataset import FloatArray
from fitting.sims.by_xps import LABEL
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from libraries.errors import BadFile, SodaliteError

if TYPE_CHECKING:
    from app.project.project import Entry, Project
    from fitting.sims.by_xps import FactorCompositions

MOST = 1000
_LIMIT = 8 << 20
_UNIT = re.compile(r"\s*(?:[\[(]\s*([^\])]*?)\s*[\])]|/\s*(\S+))\s*$")
_ERROR = re.compile(r"^(?:(?P<first>.+?)[ _]*(?:error|err\.?|standard error|std\.?|sd|uncertainty|±|\+/-|\+-)"
                    r"|(?:±|\+/-|error of|err of|σ|sigma)\s*(?P<last>.*)|error|err)$", re.IGNORECASE)
_LENGTHS = {"nm": 1.0, "å": 0.1, "angstrom": 0.1, "a": 0.1, "µm": 1000.0, "μm": 1000.0, "um": 1000.0}
_DEPTH = ("depth", "etch depth", "sputter depth", "z")
_TODO = "Put a first line above the numbers: depth, C, C error, O, O error, …; depths in nm, amounts in at.%"
_OURS = re.compile(r" fitted$|^share of atoms: |^misfit$")  # of what was written beside the given numbers
_SOURCES = ("source", "name", "sample", "remark", "note")


def read_xps(path: str | Path) -> tuple[tuple[str, ...], tuple[XpsDepth, ...]]:
    """Elements and depths of a table in a file.

    Raises
    ------
    BadFile
        If it is no such table; with the line, where a number is missing.
    """
    found = Path(path)
    text = read_text(found, read_bytes(found, _LIMIT)).lstrip("\ufeff")
    return parse_xps(text, str(path), found.stem)


def parse_xps(text: str, where: str, source: str = "") -> tuple[tuple[str, ...], tuple[XpsDepth, ...]]:
    """Elements and depths of a table in a text.

    Parameters
    ----------
    where : str
        For errors.
    source : str
        What is kept as the origin of rows that do not name one.

    Raises
    ------
    BadFile
    """
    lines = [(i, line) for i, line in enumerate(split_lines(text), 1) if line.strip() and not line.startswith("#")]
    if not lines:
        raise BadFile("There is no table", where=where, todo=_TODO)
    if len(lines) > MOST:
        raise BadFile(f"A table of {len(lines)} lines is too long", where=where, todo=f"Give {MOST} at most")
    mark = next((one for one in "\t;," if one in lines[0][1]), ",")
    heads = _heads(_cells(lines[0][1], mark), where)
    names = tuple(name for kind, name, _ in heads if kind == "amount")
    if not names or not any(kind == "depth" for kind, _, _ in heads):
        raise BadFile("The first line names no depth" if names else "The first line names no element", where=where,
                      todo=_TODO)
    depths = tuple(_depth(heads, names, _cells(line, mark), f"{where}, line {number}", source, mark)
                   for number, line in lines[1:])
    if not depths:
        raise BadFile("There are no rows of numbers below the names", where=where, todo=_TODO)
    return names, depths


Head = tuple[str, str, float]


def _cells(line: str, mark: str) -> list[str]:
    return [cell.strip() for cell in next(csv.reader([line], delimiter=mark))]


def _heads(cells: Sequence[str], where: str) -> list[Head]:
    """What each column holds: (kind, element, factor)."""
    found: list[Head] = []
    for cell in cells:
        unit = _UNIT.search(cell)
        name = (cell[: unit.start()] if unit else cell).strip().lstrip("#").strip()
        told = ((unit.group(1) or unit.group(2)) if unit else "") or ""
        error = _ERROR.match(name)
        of = (error.group("first") or error.group("last") or "").strip() if error else name
        if _OURS.search(name):
            found.append(("", "", 1.0))
            continue
        if error and not of:  # a bare "±" belongs to the column before
            of = "depth" if found and found[-1][0] == "depth" else found[-1][1] if found else ""
        if of.lower() in _DEPTH:
            if told and told.lower() not in _LENGTHS:
                raise BadFile(f"Depths are in {told}, which is no length", where=where,
                              todo="Give depths in nm on the depth scale of the profile")
            found.append(("depth error" if error else "depth", "", _LENGTHS.get(told.lower(), 1.0)))
        elif of.lower() in _SOURCES:
            found.append(("source", "", 1.0))
        else:
            found.append((("error" if error else "amount") if of else "", of, 1.0))
    names = [(kind, name) for kind, name, _ in found if kind]
    for kind, name in names:
        if names.count((kind, name)) > 1:
            raise BadFile(f"Two columns are called “{name or kind}”", where=where, todo="Leave one of them out")
        if kind == "error" and ("amount", name) not in names:
            raise BadFile(f"There are errors of “{name}” and no amounts of it", where=where, todo=_TODO)
    return found


def _depth(heads: Sequence[Head], names: Sequence[str], cells: Sequence[str], where: str, source: str,
           mark: str) -> XpsDepth:
    amounts, errors = dict.fromkeys(names, math.nan), dict.fromkeys(names, math.nan)
    depth, depth_error = math.nan, 0.0
    for (kind, name, factor), cell in zip(heads, cells, strict=False):
        if kind == "source":
            source = cell or source
            continue
        if not kind or not cell:
            continue
        value, error = _numbers(cell, where, mark)
        if kind == "depth":
            depth = factor * value
            depth_error = factor * error if math.isfinite(error) else depth_error
        elif kind == "depth error":
            depth_error = factor * value
        elif kind == "error":
            errors[name] = value
        else:
            amounts[name] = value
            if math.isfinite(error):
                errors[name] = error
    if math.isnan(depth):
        raise BadFile("A depth is missing", where=where, todo="Give each row its depth in nm")
    return XpsDepth(depth, depth_error, tuple(amounts.values()), tuple(errors.values()), source)


def _numbers(cell: str, where: str, mark: str) -> tuple[float, float]:
    """A number, and the error behind a ± where there is one."""
    parts = [part.strip().removesuffix("%").strip() for part in re.split(r"±|\+/-", cell)]
    if mark != ",":
        parts = [part.replace(",", ".") for part in parts]
    try:
        numbers = [float(part.replace("\u2212", "-")) for part in parts]
    except ValueError:
        numbers = []
    if not 1 <= len(numbers) <= 2 or not all(map(math.isfinite, numbers)):
        raise BadFile(f"“{cell[:40]}” is no number", where=where, todo="Leave the cell empty where nothing is known")
    return numbers[0], numbers[1] if len(numbers) == 2 else math.nan


# -- writing --------------------------------------------------------------------------------------------------------

TABLES = ("by_xps_factors", "by_xps_profile", "by_xps_depths")
Table = tuple[tuple[str, ...], list[tuple[Any, ...]]]


def factor_table(found: FactorCompositions) -> Table:
    """A row for each factor: at.% of each element, error, 95 % limit; empty where not determined."""
    columns = ["factor", "determined"]
    for name in found.quantities:
        columns += [f"{name} [at.%]", f"{name} error [at.%]", f"{name} below, 95 % [at.%]"]
    columns += ["growth of errors", "label"]
    rows: list[tuple[Any, ...]] = []
    for k, name in enumerate(found.names):
        numbers = [float(array[k, m]) for m in range(len(found.quantities))
                   for array in (found.values, found.errors, found.limits)]
        rows.append((name, bool(found.determined[k]), *map(_plain, numbers), _plain(float(found.gains[k])), LABEL))
    return tuple(columns), rows


def profile_table(found: FactorCompositions) -> Table:
    """A row for each depth of the profile: at.% of each element, and of each from each factor, with errors."""
    columns: dict[str, FloatArray] = {}
    for m, name in enumerate(found.quantities):
        columns[f"{name} [at.%]"], columns[f"{name} error [at.%]"] = found.profile[:, m], found.profile_errors[:, m]
    for m, name in enumerate(found.quantities):
        columns[f"{name} as XPS sees it [at.%]"] = found.viewed[:, m]
    for m, name in enumerate(found.quantities):
        for k, factor in enumerate(unlike(found.names)):
            columns[f"{name} from {factor} [at.%]"] = found.parts[:, k, m]
            columns[f"{name} from {factor} error [at.%]"] = found.part_errors[:, k, m]
    rows = [(float(depth), *(_plain(float(values[i])) for values in columns.values()))
            for i, depth in enumerate(found.depth)]
    return ("depth [nm]", *columns), rows


def depths_table(setup: ByXps, found: FactorCompositions | None = None) -> Table:
    """What was given, a row for each depth, as `read_xps` reads it; with shares, fit and misfit in a fitted one."""
    columns = ["depth [nm]", "depth error [nm]"]
    for name in setup.quantities:
        columns += [f"{name} [at.%]", f"{name} error [at.%]"]
    columns.append("source")
    rows: list[tuple[Any, ...]] = []
    for q, one in enumerate(setup.depths):
        numbers = [pair for pairs in zip(one.amounts, one.errors, strict=True) for pair in pairs]
        row: tuple[Any, ...] = (_plain(one.depth), one.depth_error, *map(_plain, numbers), one.source)
        if found is not None:
            row += (*map(float, found.fitted[q]), *map(float, found.weights[q]), _plain(float(found.misfits[q])))
        rows.append(row)
    if found is not None:
        columns += [f"{name} fitted [at.%]" for name in found.quantities]
        columns += [f"share of atoms: {name}" for name in unlike(found.names)] + ["misfit"]
    return tuple(columns), rows


def write_calibrated(folder: str | Path, setup: ByXps, found: FactorCompositions, before: str = "") -> list[Path]:
    """Factors, composition along the depth, and what was given beside what was fitted, into a folder; the files.

    Raises
    ------
    CannotWrite
    """
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    made = []
    tables = (factor_table(found), profile_table(found), depths_table(setup, found))
    for name, (columns, rows) in zip(TABLES, tables, strict=True):
        made.append(target / f"{before}{name}.csv")
        write_table(made[-1], columns, rows, notes=(LABEL, *settings(setup, found)))
    return made


def report_rows(found: FactorCompositions) -> tuple[tuple[str, ...], list[list[str]]]:
    """Headings and rows as people read them: at.% with errors, limits, or not determined."""
    rows = []
    for k, name in enumerate(found.names):
        cells = [limit_or_amount(float(found.values[k, m]), float(found.errors[k, m]), float(found.limits[k, m]),
                                 determined=found.clear(k, m)) for m in range(len(found.quantities))]
        rows.append([name, *(cells if found.determined[k] else [UNDETERMINED] * len(cells))])
    return ("Factor", *(f"{name} / at.%" for name in found.quantities)), rows


def settings(setup: ByXps, found: FactorCompositions) -> tuple[str, ...]:
    """How the numbers came about, a line each."""
    seen = f"attenuation length {setup.attenuation:g} nm, emission angle {setup.angle:g}°" if setup.attenuation else (
        "XPS taken as that of its depth")
    density = ", ".join(f"{name} {value:g}" for name, value in zip(found.names, setup.densities, strict=False))
    return (seen, f"atoms in nm³: {density}" if density else "atoms in nm³ alike in all factors",
            f"{found.draws} repeats, seed {found.seed}, errors times {found.factor:.3g}, reduced χ² "
            + (f"{found.chi2:.3g} of {found.degrees}" if math.isfinite(found.chi2) else "not determined"),
            *found.notes)  # fmt: skip


def unlike(names: Sequence[str]) -> list[str]:
    """Names, numbered where two are the same."""
    return [f"{name} ({number})" if list(names).count(name) > 1 else name for number, name in enumerate(names, 1)]


def add_by_xps(group: Any, entry: Entry) -> None:
    """One NXdata, "composition_by_xps", in the HDF5 group of an entry whose factors are calibrated."""
    from app.project.sims_by_xps import compositions_of

    if not entry.by_xps.depths:
        return
    try:
        found = compositions_of(entry)
    except SodaliteError:
        return
    data = group.create_group("composition_by_xps")
    data.attrs["NX_class"], data.attrs["signal"], data.attrs["axes"] = "NXdata", "profile", ["depth", "."]
    data.attrs["title"] = plain_text(f"Composition of factors, {LABEL}")
    data.attrs["notes"] = plain_text("; ".join(settings(entry.by_xps, found)))
    data["factor"], data["quantity"] = ([plain_text(one) for one in names] for names in (found.names, found.quantities))
    data["depth"], data["xps_depth"] = found.depth, found.places
    for name in ("depth", "xps_depth"):
        data[name].attrs["units"] = "nm"
    for name, array in (("profile", found.profile), ("profile_errors", found.profile_errors), ("parts", found.parts),
                        ("parts_errors", found.part_errors), ("factors", found.values),
                        ("factors_errors", found.errors), ("factors_below_95", found.limits),
                        ("xps", found.measured), ("xps_errors", found.measured_errors), ("xps_fitted", found.fitted)):
        data[name] = array
        data[name].attrs["units"] = "at.%"


def calibrated_entries(project: Project) -> Iterator[tuple[Entry, FactorCompositions]]:
    """The entries of a project whose factors are calibrated, with the compositions; others are left out."""
    from app.project.sims_by_xps import compositions_of

    for entry in project.entries:
        if entry.by_xps.depths:
            try:
                yield entry, compositions_of(entry)
            except SodaliteError:
                continue


def _plain(value: float) -> float | None:
    return value if math.isfinite(value) else None
