"""Electron attenuation in solids: inelastic mean free path (TPP-2M) and information depth."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from libraries.elements import formula_mass
from libraries.errors import BadData, UnknownName
from libraries.tables import read_table
from libraries.units import ELECTRON_REST_ENERGY

TPP2M = "S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 21, 165 (1994)"
RELATIVISTIC = "H. Shinotsuka et al., Surf. Interface Anal. 47, 871 (2015)"

ENERGY_MIN, ENERGY_MAX = 50.0, 200_000.0  # eV, the range of the relativistic formula
# Pure TPP-2M below the first, pure relativistic TPP-2M above the second energy; in between a linear mixture, since the
# two differ by 0.5 % at 2 keV and a step would make the mean free path fall with rising energy.
BLEND_FROM, RELATIVISTIC_FROM = 1500.0, 2000.0
NON_DIPOLE_FROM = 3000.0  # eV kinetic energy


@dataclass(frozen=True)
class Material:
    """What TPP-2M asks of a solid.

    Attributes
    ----------
    name, formula : str
    valence_electrons : float
        Number of valence electrons per formula unit.
    density : float
        In g/cm3.
    molar_mass : float
        In g/mol per formula unit.
    band_gap : float
        In eV, 0 for a metal.
    source : str
        Where density and band gap come from.
    verified : bool
        False where a number has no source that was read.
    """

    name: str
    formula: str
    valence_electrons: float
    density: float
    molar_mass: float
    band_gap: float
    source: str
    verified: bool = False

    def __post_init__(self) -> None:
        for field in ("valence_electrons", "density", "molar_mass"):
            if not (math.isfinite(getattr(self, field)) and getattr(self, field) > 0.0):
                what = f"The {field.replace('_', ' ')} must be positive"
                raise BadData(what, where=self.name, todo="Correct the material")
        if not (math.isfinite(self.band_gap) and self.band_gap >= 0.0):
            raise BadData("The band gap must not be negative", where=self.name, todo="Use 0 for a metal")

    @property
    def plasmon_energy(self) -> float:
        """Free-electron plasmon energy in eV, 28.8 sqrt(Nv rho / M)."""
        return 28.8 * math.sqrt(self.valence_electrons * self.density / self.molar_mass)


@dataclass(frozen=True)
class MeanFreePath:
    """Inelastic mean free path with what is to be said about it.

    Attributes
    ----------
    value : float or ndarray
        In angstrom.
    material : Material
    formula : str
        "TPP-2M", "relativistic TPP-2M" or both.
    source : str
    warnings : tuple of str
        For the analyst; empty if nothing is amiss.
    """

    value: Any
    material: Material
    formula: str
    source: str
    warnings: tuple[str, ...]


# The average matrix is a fictitious solid, so it is not in the table of materials.
AVERAGE_MATRIX = Material(
    "average matrix", "", 4.684, 6.767, 137.51, 0.0,
    "average parameters of the elemental solids, M. P. Seah, I. S. Gilmore, S. J. Spencer, J. Electron Spectrosc. "
    "120, 93 (2001); second-hand: the numbers were read in a program that cites a textbook, not in the paper "
    "(unverified)", False)


@lru_cache(maxsize=1)
def materials() -> tuple[Material, ...]:
    """All materials of the table, in its order."""
    result = []
    for row in read_table("materials.csv"):
        mass = float(row["molar_mass"]) if row["molar_mass"] else round(formula_mass(row["formula"]), 3)
        result.append(Material(row["name"], row["formula"], float(row["valence_electrons"]), float(row["density"]),
                               mass, float(row["band_gap"]), row["source"], row["verified"] == "yes"))
    return tuple(result)


def material(name: str | Material) -> Material:
    """Find a material by name or formula, "average matrix" included.

    Raises
    ------
    UnknownName
        If no material of that name is in the table.
    """
    if isinstance(name, Material):
        return name
    key = name.strip().casefold()
    for item in (*materials(), AVERAGE_MATRIX):
        if key in (item.name.casefold(), item.formula.casefold()) and key:
            return item
    known = ", ".join(item.name for item in materials())
    raise UnknownName(f"No material is called '{name}'",
                      todo=f"Enter its density and band gap as a new material, or use one of: {known}")


def imfp_tpp2m(kinetic_energy: ArrayLike, material_: Material | str) -> Any:
    """Inelastic mean free path from TPP-2M, relativistic above 2 keV.

    Below 1.5 keV: lambda = E / {Ep^2 [beta ln(gamma E) - C/E + D/E^2]} with Ep = 28.8 sqrt(U) eV, U = Nv rho / M,
    beta = -0.10 + 0.944 (Ep^2 + Eg^2)^-1/2 + 0.069 rho^0.1, gamma = 0.191 rho^-1/2, C = 1.97 - 0.91 U,
    D = 53.4 - 20.8 U. Above 2 keV: E in numerator and logarithm is multiplied by
    alpha = (1 + E/2mc^2) / (1 + E/mc^2)^2. In between, a linear mixture of both.

    Parameters
    ----------
    kinetic_energy : float or ndarray
        In eV, 50 to 200000.
    material_ : Material or str
        Material, or the name of one in the table.

    Returns
    -------
    float or ndarray
        In angstrom.

    Raises
    ------
    BadData
        If an energy lies outside the range of the formula.
    UnknownName
        If the material is not known.

    References
    ----------
    S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 21, 165 (1994).
    H. Shinotsuka, S. Tanuma, C. J. Powell, D. R. Penn, Surf. Interface Anal. 47, 871 (2015).
    """
    energy = _checked(kinetic_energy)
    solid = material(material_)
    share = np.clip((energy - BLEND_FROM) / (RELATIVISTIC_FROM - BLEND_FROM), 0.0, 1.0)
    rest = ELECTRON_REST_ENERGY
    alpha = (1.0 + energy / (2.0 * rest)) / (1.0 + energy / rest) ** 2
    value = (1.0 - share) * _formula(energy, 1.0, solid) + share * _formula(energy, alpha, solid)
    return value if value.ndim else float(value)


def _checked(kinetic_energy: ArrayLike) -> np.ndarray:
    energy = np.asarray(kinetic_energy, dtype=float)
    if not np.all(np.isfinite(energy)) or np.any(energy < ENERGY_MIN) or np.any(energy > ENERGY_MAX):
        raise BadData(f"TPP-2M holds from {ENERGY_MIN:g} to {ENERGY_MAX:g} eV kinetic energy", where="kinetic_energy",
                      todo="Use a line within this range, or enter the mean free path by hand")
    return energy


def _formula(energy: np.ndarray, alpha: np.ndarray | float, solid: Material) -> np.ndarray:
    u = solid.valence_electrons * solid.density / solid.molar_mass
    plasmon2 = solid.plasmon_energy**2
    beta = -0.10 + 0.944 / math.sqrt(plasmon2 + solid.band_gap**2) + 0.069 * solid.density**0.1
    gamma = 0.191 / math.sqrt(solid.density)
    c, d = 1.97 - 0.91 * u, 53.4 - 20.8 * u
    return alpha * energy / (plasmon2 * (beta * np.log(gamma * alpha * energy) - c / energy + d / energy**2))


def imfp(kinetic_energy: ArrayLike, material_: Material | str) -> MeanFreePath:
    """Inelastic mean free path with formula, source and warnings; arguments and errors as `imfp_tpp2m`."""
    solid = material(material_)
    value = imfp_tpp2m(kinetic_energy, solid)
    energy = _checked(kinetic_energy)
    low, high = bool(np.any(energy < RELATIVISTIC_FROM)), bool(np.any(energy > BLEND_FROM))
    formula = " and ".join(name for name, used in (("TPP-2M", low), ("relativistic TPP-2M", high)) if used)
    source = "; ".join(name for name, used in ((TPP2M, low), (RELATIVISTIC, high)) if used)
    warnings = []
    if not solid.verified:
        warnings.append(f"Density or band gap of {solid.name} has no verified source: {solid.source}")
    if np.any(energy > NON_DIPOLE_FROM):
        warnings.append("Above 3 keV kinetic energy the angular correction lacks non-dipole terms")
    return MeanFreePath(value, solid, formula, source, tuple(warnings))


def average_matrix_imfp(kinetic_energy: ArrayLike) -> MeanFreePath:
    """Mean free path in the average matrix of ISO 18118: TPP-2M of a solid with averaged parameters.

    Parameters
    ----------
    kinetic_energy : float or ndarray
        In eV, 50 to 200000.

    Returns
    -------
    MeanFreePath
        Its warnings say that the averaged parameters were read second-hand.

    Raises
    ------
    BadData
        If an energy lies outside the range of the formula.

    References
    ----------
    ISO 18118; M. P. Seah, I. S. Gilmore, S. J. Spencer, J. Electron Spectrosc. 120, 93 (2001), unverified.
    """
    return imfp(kinetic_energy, AVERAGE_MATRIX)


def information_depth(kinetic_energy: ArrayLike, material_: Material | str, emission_angle: float = 0.0) -> Any:
    """Depth from which 95 % of the signal comes: 3 lambda cos(theta).

    Parameters
    ----------
    kinetic_energy : float or ndarray
        In eV.
    material_ : Material or str
        Material, or the name of one in the table.
    emission_angle : float
        Angle to the surface normal in degrees, 0 to below 90.

    Returns
    -------
    float or ndarray
        In angstrom; elastic scattering is not included.

    Raises
    ------
    BadData
        If the angle or an energy is out of range.

    References
    ----------
    ISO 18115-1: information depth; straight-line approximation, 1 - exp(-3) = 95 %.
    """
    if not 0.0 <= emission_angle < 90.0:
        raise BadData("The emission angle must lie between 0 and 90 degrees", where="emission_angle",
                      todo="Give the angle to the surface normal in degrees")
    return 3.0 * imfp_tpp2m(kinetic_energy, material_) * math.cos(math.radians(emission_angle))
