"""Sensitivity factors of photoelectron lines: Scofield cross sections, user and vendor sets, asymmetry."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import dataclass

from libraries.attenuation import NON_DIPOLE_FROM
from libraries.elements import Line, parse_line
from libraries.errors import BadData, BadFile, NotDetermined, UnknownName
from libraries.shells import XRAYLIB, edge_energy, shell_cross_section
from libraries.tables import parse_table, read_table

SCOFIELD = f"Scofield-type cross sections of {XRAYLIB}"
CONTENTS = ("sigma", "L", "T", "lambda")  # cross section, asymmetry, transmission, mean free path
ODD_RATIO = (0.3, 3.0)  # a factor this far from Scofield's is reported


@dataclass(frozen=True)
class Factor:
    """A sensitivity factor of one line.

    Attributes
    ----------
    line : Line
    value : float
        Dimensionless, relative to `normalised_to`.
    source : str
    contains : tuple of str
        What the number already contains: "sigma", "L", "T", "lambda".
    normalised_to : str
        Line whose factor is 1.
    warnings : tuple of str
    """

    line: Line
    value: float
    source: str
    contains: tuple[str, ...] = ("sigma",)
    normalised_to: str = "C 1s"
    warnings: tuple[str, ...] = ()


def cross_section(line: Line | str, photon_energy: float) -> float:
    """Photoionisation cross section of a line.

    Parameters
    ----------
    line : Line or str
        "V 2p3/2", or "V 2p" for the sum of both components.
    photon_energy : float
        In eV.

    Returns
    -------
    float
        In barn per atom, all electrons of the level.

    Raises
    ------
    UnknownName
        If the line is no photoelectron line, or the element has no such level.
    NotDetermined
        If the photon energy is too low for the line, or no cross section is tabulated.
    BadData
        If the photon energy is not positive.

    References
    ----------
    xraylib `CSb_Photo_Partial` (per electron) times `ElectronConfig`; T. Schoonjans et al., Spectrochim. Acta B 66,
    776 (2011). Relative to C 1s it reproduces J. H. Scofield, J. Electron Spectrosc. 8, 129 (1976).
    """
    line = parse_line(line)
    if not (math.isfinite(photon_energy) and photon_energy > 0.0):
        raise BadData("The photon energy is not positive", where="photon_energy", todo="Give it in eV")
    if line.kind != "core":
        raise UnknownName("An Auger line has no photoionisation cross section", where=line.name,
                          todo="Quantify with a photoelectron line")
    return sum(_component_cross_section(part, photon_energy) for part in line.components)


def _component_cross_section(part: Line, photon_energy: float) -> float:
    edge = edge_energy(part)
    if edge is None:
        raise UnknownName(f"{part.element} has no {part.level} level in the library", where=part.name,
                          todo="Check the element and the level")
    value = shell_cross_section(part, photon_energy)
    if value is None:
        near = photon_energy < 1.02 * edge
        reason = "cannot be excited by" if near else "has no tabulated cross section at"
        raise NotDetermined(f"The line {reason} {photon_energy:g} eV", where=part.name,
                            todo="Use another line or another photon energy")
    return value


def scofield(line: Line | str, photon_energy: float) -> Factor:
    """Scofield factor of a line relative to C 1s at the same photon energy.

    Parameters
    ----------
    line : Line or str
        "V 2p3/2", or "V 2p" for the sum of both components.
    photon_energy : float
        In eV.

    Returns
    -------
    Factor
        contains = ("sigma",): no asymmetry, transmission or mean free path.

    Raises
    ------
    UnknownName, NotDetermined, BadData
        As `cross_section`.

    References
    ----------
    J. H. Scofield, J. Electron Spectrosc. Relat. Phenom. 8, 129 (1976), through xraylib.
    """
    line = parse_line(line)
    value = cross_section(line, photon_energy) / cross_section("C 1s", photon_energy)
    warnings = ()
    if photon_energy - (edge_energy(line.components[0]) or 0.0) > NON_DIPOLE_FROM:
        warnings = ("Above 3 keV kinetic energy non-dipole terms of the angular distribution are missing",)
    return Factor(line, value, SCOFIELD, warnings=warnings)


def angular_correction(beta: float, gamma_deg: float) -> float:
    """Angular asymmetry of emission by unpolarised light, L = 1 + beta/2 (3/2 sin^2 gamma - 1).

    Parameters
    ----------
    beta : float
        Asymmetry parameter, -1 to 2.
    gamma_deg : float
        Angle between photon beam and analyser in degrees; L = 1 at 54.74 degrees.

    Returns
    -------
    float
        Factor L, dimensionless.

    Raises
    ------
    BadData
        If beta is out of range or an argument is not finite.

    References
    ----------
    R. F. Reilman, A. Msezane, S. T. Manson, J. Electron Spectrosc. Relat. Phenom. 8, 389 (1976).
    """
    if not (math.isfinite(beta) and -1.0 <= beta <= 2.0):
        raise BadData("The asymmetry parameter lies outside -1 to 2", where="beta", todo="Correct it")
    if not math.isfinite(gamma_deg):
        raise BadData("The angle is not finite", where="gamma_deg", todo="Give the angle in degrees")
    return 1.0 + beta / 2.0 * (1.5 * math.sin(math.radians(gamma_deg)) ** 2 - 1.0)


def angular_factor(line: Line | str, photon_energy: float, gamma_deg: float) -> Factor:
    """Angular correction L of a line, where its asymmetry parameter has a source.

    Parameters
    ----------
    line : Line or str
    photon_energy, gamma_deg : float
        In eV and degrees.

    Returns
    -------
    Factor
        contains = ("L",) with its source; or value 1, contains = () and the source "not applied: ...".

    Raises
    ------
    UnknownName, BadData
        If the line or the angle is invalid.
    """
    line = parse_line(line)
    for row in read_table("asymmetry.csv"):
        if parse_line(row["line"]) == line and abs(float(row["photon_energy"]) - photon_energy) < 1.0:
            return Factor(line, angular_correction(float(row["beta"]), gamma_deg), row["source"], ("L",), "")
    reason = f"not applied: no sourced asymmetry parameter of {line.name} at {photon_energy:g} eV"
    return Factor(line, 1.0, reason, (), "")


@dataclass(frozen=True)
class FactorRow:
    """One line of a factor set: line, value and a note of the user."""

    line: Line
    value: float
    note: str = ""


@dataclass(frozen=True)
class FactorSet:
    """A table of sensitivity factors made by a user or a vendor.

    Attributes
    ----------
    name, source : str
    contains : tuple of str
        Any of "sigma", "L", "T", "lambda": what the factors already contain, so that it is not applied again.
    normalised_to : str
        Line whose factor is 1, "C 1s" or "F 1s".
    photon_energy : float
        In eV, the photon energy the factors are meant for.
    rows : tuple of FactorRow
    """

    name: str
    source: str
    contains: tuple[str, ...]
    normalised_to: str
    photon_energy: float
    rows: tuple[FactorRow, ...]

    def __post_init__(self) -> None:
        unknown = [item for item in self.contains if item not in CONTENTS]
        if unknown:
            raise BadData(f"A factor cannot contain '{unknown[0]}'", where=self.name,
                          todo=f"Use {', '.join(CONTENTS)}")
        if "sigma" not in self.contains:
            raise BadData("A factor set must contain the cross section", where=self.name,
                          todo="Add sigma to what it contains")
        if not (math.isfinite(self.photon_energy) and self.photon_energy > 0.0):
            raise BadData("The photon energy is not positive", where=self.name, todo="Give it in eV")
        seen: set[Line] = set()
        for row in self.rows:
            where = f"{self.name}, {row.line.name}"
            if not (math.isfinite(row.value) and row.value > 0.0):
                raise BadData("A factor is not a positive number", where=where, todo="Correct the row")
            if row.line in seen:
                raise BadData("The line appears twice", where=where, todo="Keep one of the rows")
            seen.add(row.line)

    def factor(self, line: Line | str) -> Factor:
        """Factor of a line; of "V 2p" also the sum of its two components, if both are in the set.

        Raises
        ------
        NotDetermined
            If the set has no row for the line.
        """
        line = parse_line(line)
        values = {row.line: row.value for row in self.rows}
        parts = line.components
        if line in values:
            return Factor(line, values[line], f"{self.name}: {self.source}", self.contains, self.normalised_to)
        if all(part in values for part in parts):
            return Factor(line, sum(values[part] for part in parts), f"{self.name}: {self.source} (sum of components)",
                          self.contains, self.normalised_to)
        raise NotDetermined(f"The factor set '{self.name}' has no row for the line", where=line.name,
                            todo="Add the line to the set, or use Scofield's factors")

    def warnings(self) -> tuple[str, ...]:
        """Rows that look swapped or mis-tagged, compared with Scofield at the set's photon energy."""
        return check_factors(self)

    def to_csv(self) -> str:
        """The set as CSV text that `from_csv` reads back unchanged."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(["line", "value", "note"])
        writer.writerows([row.line.name, repr(row.value), row.note] for row in self.rows)
        head = [("name", self.name), ("source", self.source), ("contains", " ".join(self.contains)),
                ("normalised_to", self.normalised_to), ("photon_energy", repr(self.photon_energy))]
        return "".join(f"# {key}: {' '.join(value.split())}\n" for key, value in head) + out.getvalue()

    @staticmethod
    def from_csv(text: str, *, where: str = "") -> FactorSet:
        """Read a factor set from CSV text: "# key: value" lines, then the columns line, value and note.

        Raises
        ------
        BadFile
            If a key or column is missing or a value is no number.
        UnknownName, BadData
            If a line or a value makes no sense.
        """
        return _read_factor_set(text, where)


def _read_factor_set(text: str, where: str) -> FactorSet:
    head: dict[str, str] = {}
    for line in text.splitlines():
        if line.lstrip().startswith("#") and ":" in line:
            key, _, value = line.lstrip("# \t").partition(":")
            head.setdefault(key.strip().lower(), value.strip())
    for key in ("name", "source", "contains", "normalised_to", "photon_energy"):
        if not head.get(key):
            raise BadFile(f"The factor set does not say its {key}", where=where,
                          todo=f"Add a line '# {key}: ...' at its top")
    rows = parse_table(text, where=where)
    if rows and not {"line", "value"} <= set(rows[0]):
        raise BadFile("The factor set needs the columns line and value", where=where, todo="Correct its header row")
    try:
        energy = float(head["photon_energy"])
        parsed = tuple(FactorRow(parse_line(row["line"]), float(row["value"]), row.get("note", "")) for row in rows)
    except ValueError as error:
        raise BadFile(f"A number cannot be read: {error}", where=where,
                      todo="Use a decimal point and no unit") from error
    contains = tuple(head["contains"].replace(",", " ").split())
    return FactorSet(head["name"], head["source"], contains, head["normalised_to"], energy, parsed)


def check_factors(factors: FactorSet) -> tuple[str, ...]:
    """Compare a factor set with Scofield and report rows that look wrong.

    Parameters
    ----------
    factors : FactorSet

    Returns
    -------
    tuple of str
        One sentence a finding: ratio to Scofield outside 0.3 to 3, two rows that fit each other's line (swapped),
        a component and its doublet that do not fit (mis-tagged), a normalising line that is not 1.
    """
    scale = _scale(factors)
    expected = {row.line: _expected(row.line, factors.photon_energy) for row in factors.rows}
    ratios = {row.line: row.value * scale / expected[row.line] for row in factors.rows if expected[row.line]}
    odd = [row for row in factors.rows if row.line in ratios and not _near(ratios[row.line])]
    messages = []
    for row in odd:
        text = f"{row.line.name}: factor {row.value:g} is {ratios[row.line]:.2g} times Scofield's"
        twin = next((b for b in odd if b is not row and _near(row.value * scale / expected[b.line])
                     and _near(b.value * scale / expected[row.line])), None)
        messages.append(f"{text}; it looks swapped with {twin.line.name}" if twin else f"{text}; check line and value")
    return tuple(messages + _doublet_findings(factors, expected) + _norm_findings(factors))


def _near(ratio: float) -> bool:
    return ODD_RATIO[0] <= ratio <= ODD_RATIO[1]


def _scale(factors: FactorSet) -> float:
    """Scofield factor of the set's normalising line, so that both scales agree there."""
    return _expected(parse_line(factors.normalised_to), factors.photon_energy) or 1.0


def _expected(line: Line, photon_energy: float) -> float | None:
    try:
        return scofield(line, photon_energy).value
    except (NotDetermined, UnknownName):
        return None


def _doublet_findings(factors: FactorSet, expected: dict[Line, float | None]) -> list[str]:
    values = {row.line: row.value for row in factors.rows}
    found = []
    for line in values:
        for part in line.components if line.unresolved else ():
            share = _expected(part, factors.photon_energy)
            if part not in values or not share or not expected[line]:
                continue
            if not 0.8 <= values[part] / values[line] / (share / expected[line]) <= 1.25:
                found.append(f"{part.name}: its factor and that of {line.name} do not fit; one may be mis-tagged")
    return found


def _norm_findings(factors: FactorSet) -> list[str]:
    norm = parse_line(factors.normalised_to)
    value = next((row.value for row in factors.rows if row.line == norm), 1.0)
    if abs(value - 1.0) < 0.005:
        return []
    return [f"{norm.name}: the set is said to be normalised to it, but its factor is {value:g}"]
