"""Groups of ions for a first look: by what they are made of, named after the five factors of the source paper.

Schaefer et al. (Adv. Energy Mater. 2024) find organic species outermost, then chlorine oxides, sodium oxide and
hydroxide, halide salts and the bulk of hard carbon. Which ions stand for each is not quoted from the paper: the rules
below sort by composition alone (unverified; the project's choice).
"""

from __future__ import annotations

from collections.abc import Callable

from fitting.dataset import Axis
from fitting.sims.channel_terms import channel_names, described
from libraries.ions import Ion

_HALOGENS = {"F", "Cl", "Br", "I"}
_METALS = {"Li", "Na", "K"}


def _organic(atoms: dict[str, int]) -> bool:
    return {"C", "H"} <= atoms.keys() <= {"C", "H", "O", "N"} | _METALS


def _chlorine_oxides(atoms: dict[str, int]) -> bool:
    return {"Cl", "O"} <= atoms.keys() <= {"Cl", "O", "H"} | _METALS


def _oxides(atoms: dict[str, int]) -> bool:
    """O with alkali metal or hydrogen."""
    return "O" in atoms and atoms.keys() <= {"O", "H"} | _METALS


def _halides(atoms: dict[str, int]) -> bool:
    return bool(atoms.keys() & _HALOGENS) and atoms.keys() <= _HALOGENS | _METALS


def _carbon(atoms: dict[str, int]) -> bool:
    return atoms.keys() == {"C"}


GROUPS: dict[str, Callable[[dict[str, int]], bool]] = {
    "organic": _organic, "chlorine oxides": _chlorine_oxides, "oxide and hydroxide": _oxides,
    "halide salts": _halides, "carbon (bulk)": _carbon,
}


def group_of(ion: Ion) -> str:
    """The group that an ion belongs to; "" for none."""
    atoms = dict(ion.elements)
    return next((name for name, belongs in GROUPS.items() if belongs(atoms)), "")


def ions_of(axis: Axis, group: str) -> tuple[str, ...]:
    """Names of the independent channels that belong to a group, in the order of the file."""
    names = channel_names(axis)
    return tuple(names[column.place] for column in described(axis)
                 if column.counted and column.label.ions and group_of(column.label.ions[0]) == group)
