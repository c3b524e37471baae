"""Isotopes that occur in nature: exact masses and representative abundances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from libraries.elements import SYMBOLS, atomic_number
from libraries.errors import UnknownName
from libraries.tables import read_table
from libraries.units import ELECTRON_MASS_U as ELECTRON_MASS

__all__ = ["ELECTRON_MASS", "Isotope", "average_mass", "isotope", "isotopes", "principal_isotope"]


@dataclass(frozen=True)
class Isotope:
    """An isotope.

    Attributes
    ----------
    symbol : str
        Of the element, "Cl".
    mass_number : int
        Protons and neutrons, 37.
    mass : float
        Mass of the neutral atom in u.
    abundance : float
        Fraction of the element's atoms in nature, 0 to 1.
    source : str
        Keys of the references, explained at the head of tables/isotopes.csv.
    """

    symbol: str
    mass_number: int
    mass: float
    abundance: float
    source: str

    @property
    def name(self) -> str:
        """As SurfaceLab writes it, "^37Cl"."""
        return f"^{self.mass_number}{self.symbol}"


def isotopes(element: str) -> tuple[Isotope, ...]:
    """Natural isotopes of an element, by ascending mass number.

    Parameters
    ----------
    element : str
        Symbol, "Cl".

    Returns
    -------
    tuple of Isotope
        Abundances sum to 1.

    Raises
    ------
    UnknownName
        If there is no such element, or none of its isotopes has a representative abundance (Tc, Pm, Po to Ac, U and
        beyond).

    References
    ----------
    M. Wang et al., Chin. Phys. C 45, 030003 (2021), AME2020; M. Berglund, M. E. Wieser, Pure Appl. Chem. 83, 397
    (2011); tables/isotopes.csv.
    """
    symbol = SYMBOLS[atomic_number(element) - 1]
    found = _table().get(symbol)
    if found is None:
        raise UnknownName(f"No natural isotope of {symbol} is in the table", todo="Use another element")
    return found


def isotope(element: str, mass_number: int) -> Isotope:
    """The isotope of an element by its mass number; raises UnknownName if it does not occur in nature."""
    known = isotopes(element)
    for one in known:
        if one.mass_number == mass_number:
            return one
    numbers = ", ".join(str(one.mass_number) for one in known)
    raise UnknownName(f"{element} has no natural isotope {mass_number}", todo=f"Use one of {numbers}")


def principal_isotope(element: str) -> Isotope:
    """The most abundant isotope: the one that a formula without mass numbers means; raises UnknownName."""
    return max(isotopes(element), key=lambda one: one.abundance)


def average_mass(element: str) -> float:
    """Mean atomic mass in u of the natural isotopes, from this table; raises UnknownName."""
    return sum(one.abundance * one.mass for one in isotopes(element))


@cache
def _table() -> Mapping[str, tuple[Isotope, ...]]:
    found: dict[str, list[Isotope]] = {}
    for row in read_table("isotopes.csv"):
        one = Isotope(row["symbol"], int(row["mass_number"]), float(row["mass"]), float(row["abundance"]),
                      row["source"])
        found.setdefault(one.symbol, []).append(one)
    return MappingProxyType({symbol: tuple(sorted(rows, key=lambda one: one.mass_number))
                             for symbol, rows in found.items()})
