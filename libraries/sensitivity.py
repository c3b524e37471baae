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
from libraries.tables import numbers, parse_table, read_table

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
        reason = "lies too close to or above the photon energy" if photon_energy < 1.02 * edge else "has no tabulated cross section"
        raise NotDetermined(f"The line {reason} of {photon_energy:g} eV", where=part.name,
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
    return Factor(line, 1.0, f"not applied: no sourced asymmetry parameter of {line.name} at {photon_energy:g} eV", (), "")


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
            raise BadData(f"A factor cannot contain '{unknown[0]}'", where=self.name, todo=f"Use {', '.join(CONTENTS)}")
        if "sigma" not in self.contains:
            raise BadData("A factor set must contain the cross section", where=self.name, todo="Add sigma to what it contains")
        if not (math.isfinite(self.photon_energy) and self.photon_energy > 0.0):
            raise BadData("The photon energy is not positive", where=self.name, todo="Give it in eV")
        seen: set[Line] = set()
        for row in self.rows:
            if not (math.isfinite(row.value) and row.value > 0.0):
                raise BadData("A factor is not a positive number", where=f"{self.name}, {row.line.name}", todo="Correct the row")
            if row.line in seen:
                raise BadData("The line appears twice", where=f"{self.name}, {row.line.name}", todo="Keep one of the rows")
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
