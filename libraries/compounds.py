"""Compounds and their cited XPS lines: absolute energies, charge-free differences, Auger parameters, conflicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from libraries.elements import Line, atoms_of, parse_formula, parse_line
from libraries.errors import UnknownName
from libraries.tables import numbers, read_table

# Charge references of the tables: abbreviation -> meaning.
REFERENCES: dict[str, str] = {
    "adC": "adventitious carbon, C 1s = 284.8 eV",
    "IH": "internal hydrocarbon of the sample",
    "PC": "polymer reference, C 1s = 285.0 eV",
    "Au": "gold decoration or gold substrate",
    "EF": "conductor, Fermi level",
    "substrate": "C 1s of the carbon substrate",
    "internal": "another line of the same substance",
    "mixed": "several references",
    "not stated": "not stated in the source",
    "none": "needs no charge reference",
}


@dataclass(frozen=True)
class Compound:
    """A compound, phase or chemical group of the library.

    Attributes
    ----------
    name : str
    formula : str
        Chemical formula, empty where there is none.
    species_class : str
        "salt", "fluoride", "carbonate", "phosphate", "polymer", "carbon", "vanadium" ...
    """

    name: str
    formula: str
    species_class: str

    @property
    def elements(self) -> tuple[tuple[str, float], ...]:
        """Symbols and numbers of atoms of the formula; empty without a formula."""
        return parse_formula(self.formula) if self.formula else ()


@dataclass(frozen=True)
class ReferenceLine:
    """Cited binding energies of one line of a compound on one charge reference.

    Attributes
    ----------
    compound, formula, species_class : str
    group : str
        The atoms meant where an element has several sites, "CF2"; empty otherwise.
    line : Line
    energies : tuple of float
        The cited binding energies in eV.
    low, high : float
        Spread in eV, at least the range of `energies`.
    reference : str
        Charge reference, a key of `REFERENCES`; several are joined by "/".
    source, where_read : str
        Primary papers, and what was actually read.
    confidence : str
        A several independent records, B one primary record, C second-hand or derived.
    note : str
    fwhm : float or None
        Width in eV, if the source gives it.
    atoms : float or None
        Atoms per formula unit that give this line; None without a formula.
    """

    compound: str
    formula: str
    species_class: str
    group: str
    line: Line
    energies: tuple[float, ...]
    low: float
    high: float
    reference: str
    source: str
    where_read: str
    confidence: str
    note: str = ""
    fwhm: float | None = None
    atoms: float | None = None

    @property
    def central(self) -> float:
        """Median of the cited values in eV."""
        return round(float(median(self.energies)), 3)

    @property
    def label(self) -> str:
        """Name for lists and legends, "PVDF (CF2)"."""
        return f"{self.compound} ({self.group})" if self.group else self.compound


@dataclass(frozen=True)
class Difference:
    """A distance between two lines of a compound in one paper: needs no charge reference.

    Attributes
    ----------
    compound, formula : str
    upper, lower : Line
        The difference is BE(upper) - BE(lower).
    values : tuple of float
        Cited differences in eV, one a paper.
    low, high : float
        Spread in eV.
    source, where_read, confidence, note : str
    upper_group, lower_group : str
        The site meant by each line, as in `ReferenceLine.group`; empty where there is one.
    """

    compound: str
    formula: str
    upper: Line
    lower: Line
    values: tuple[float, ...]
    low: float
    high: float
    source: str
    where_read: str
    confidence: str
    note: str = ""
    upper_group: str = ""
    lower_group: str = ""

    @property
    def central(self) -> float:
        """Median of the cited differences in eV."""
        return round(float(median(self.values)), 3)


@dataclass(frozen=True)
class AugerParameter:
    """Modified Auger parameter: kinetic energy of the Auger line + binding energy of the photoelectron line, in eV."""

    compound: str
    formula: str
    auger: Line
    core: Line
    values: tuple[float, ...]
    low: float
    high: float
    source: str
    where_read: str
    confidence: str
    note: str = ""

    @property
    def central(self) -> float:
        """Median of the cited values in eV."""
        return round(float(median(self.values)), 3)


@dataclass(frozen=True)
class Conflict:
    """Sources that contradict each other, and what follows for the analyst."""

    topic: str
    lines: tuple[Line, ...]
    compounds: tuple[str, ...]
    statement: str
    advice: str


@dataclass(frozen=True)
class ChargeReference:
    """A line whose binding energy is chosen to fix the energy scale.

    Attributes
    ----------
    name : str
    line : Line or None
        None for the Fermi edge.
    binding_energy : float
        In eV.
    source : str
    """

    name: str
    line: Line | None
    binding_energy: float
    source: str


@lru_cache(maxsize=1)
def reference_lines() -> tuple[ReferenceLine, ...]:
    """All cited lines of the library, in the order of the table."""
    return tuple(_reference_line(row) for row in read_table("xps_compounds.csv"))


def _reference_line(row: Mapping[str, str]) -> ReferenceLine:
    line = parse_line(row["line"])
    if row["atoms"]:
        atoms: float | None = float(row["atoms"])
    else:
        atoms = atoms_of(row["formula"], line.element) if row["formula"] else None
    return ReferenceLine(
        row["compound"], row["formula"], row["class"], row["group"], line, numbers(row["energies"]), float(row["low"]),
        float(row["high"]), row["reference"], row["source"], row["where_read"], row["confidence"], row["note"],
        float(row["fwhm"]) if row["fwhm"] else None, atoms)


@lru_cache(maxsize=1)
def compounds() -> tuple[Compound, ...]:
    """All compounds of the library, in the order of their first appearance."""
    found: dict[str, Compound] = {}
    tables = ("xps_compounds.csv", "xps_differences.csv", "auger_parameters.csv")
    for row in (row for table in tables for row in read_table(table)):
        found.setdefault(row["compound"], Compound(row["compound"], row["formula"], row["class"]))
    return tuple(found.values())


def compound(name: str | Compound) -> Compound:
    """Find a compound by name or formula, whatever the case.

    Raises
    ------
    UnknownName
        If the library has no such compound.
    """
    if isinstance(name, Compound):
        return name
    key = name.strip().casefold()
    for item in compounds():
        if key == item.name.casefold():
            return item
    for item in compounds():
        if key and key == item.formula.casefold():
            return item
    near = [item.name for item in compounds() if key and key in item.name.casefold()][:5]
    hint = f"Did you mean {', '.join(near)}?" if near else "Look at the list of compounds, or add its lines by hand"
    raise UnknownName(f"The library has no compound '{name}'", todo=hint.rstrip("?"))


def lines_of(name: str | Compound) -> tuple[ReferenceLine, ...]:
    """All cited lines of a compound.

    Parameters
    ----------
    name : str or Compound
        Name or formula.

    Returns
    -------
    tuple of ReferenceLine
        In the order of the table; the same line may appear once for each charge reference. Empty for a compound
        of which only differences are known.

    Raises
    ------
    UnknownName
        If the library has no such compound.
    """
    wanted = compound(name).name
    return tuple(item for item in reference_lines() if item.compound == wanted)


def suggest(line: Line | str, energy_range: float | tuple[float, float] | None = None) -> tuple[ReferenceLine, ...]:
    """Cited lines that could explain a peak.

    Parameters
    ----------
    line : Line or str
        "C 1s", "S 2p3/2"; rows of the unresolved doublet ("S 2p") are found as well, and the other way round.
    energy_range : float or (float, float), optional
        A binding energy in eV: all rows, nearest first. A range in eV: the rows whose spread touches it, nearest to
        its middle first. Nothing: all rows, ascending.

    Returns
    -------
    tuple of ReferenceLine
        Sorted by distance; the distance to a row is zero inside its spread, and ties go to the nearer median.

    Raises
    ------
    UnknownName
        If the line cannot be read.
    """
    line = parse_line(line)
    rows = [item for item in reference_lines() if _same_level(item.line, line)]
    if energy_range is None:
        return tuple(sorted(rows, key=lambda item: item.central))
    if isinstance(energy_range, (tuple, list)):
        low, high = sorted(float(edge) for edge in energy_range)
        rows = [item for item in rows if item.high >= low and item.low <= high]
        target = (low + high) / 2.0
    else:
        target = float(energy_range)
    return tuple(sorted(rows, key=lambda item: (_distance(item, target), abs(item.central - target))))


def _same_level(one: Line, other: Line) -> bool:
    # The unresolved doublet is named by its major component; the minor one ("V 2p1/2") only ever matches itself.
    return one == other or one.components[0] == other.components[0]


def _distance(item: ReferenceLine, energy: float) -> float:
    return max(item.low - energy, energy - item.high, 0.0)


@lru_cache(maxsize=1)
def _all_differences() -> tuple[Difference, ...]:
    return tuple(
        Difference(row["compound"], row["formula"], parse_line(row["upper"]), parse_line(row["lower"]),
                   numbers(row["values"]), float(row["low"]), float(row["high"]), row["source"], row["where_read"],
                   row["confidence"], row["note"], row["upper_group"], row["lower_group"])
        for row in read_table("xps_differences.csv"))


def differences(name: str | Compound | None = None) -> tuple[Difference, ...]:
    """Charge-free differences of a compound, or of all compounds; raises UnknownName."""
    if name is None:
        return _all_differences()
    wanted = compound(name).name
    return tuple(item for item in _all_differences() if item.compound == wanted)


def auger_parameters(name: str | Compound | None = None) -> tuple[AugerParameter, ...]:
    """Cited Auger parameters of a compound, or of all compounds; raises UnknownName."""
    wanted = None if name is None else compound(name).name
    return tuple(
        AugerParameter(row["compound"], row["formula"], parse_line(row["auger"]), parse_line(row["core"]),
                       numbers(row["values"]), float(row["low"]), float(row["high"]), row["source"], row["where_read"],
                       row["confidence"], row["note"])
        for row in read_table("auger_parameters.csv") if wanted in (None, row["compound"]))


@lru_cache(maxsize=1)
def conflicts() -> tuple[Conflict, ...]:
    """Contradictions between sources that the analyst should see."""
    return tuple(
        Conflict(row["topic"], tuple(parse_line(part) for part in row["lines"].split(";") if part.strip()),
                 tuple(part.strip() for part in row["compounds"].split(";") if part.strip()), row["statement"],
                 row["advice"])
        for row in read_table("conflicts.csv"))


@lru_cache(maxsize=1)
def charge_references() -> tuple[ChargeReference, ...]:
    """The usual choices for the zero of the binding-energy scale."""
    return tuple(
        ChargeReference(row["name"], parse_line(row["line"]) if row["line"] else None, float(row["binding_energy"]),
                        row["source"])
        for row in read_table("charge_references.csv"))
