"""Named channels of ToF-SIMS profiles and cubes: what each holds, and which are independent counts.

SurfaceLab exports columns of four kinds side by side: single ions, sums of ions, ratios, and the total. Sums and the
total count ions that stand in other columns as well; only single ions, each once, are independent data.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

import numpy as np

from fitting.dataset import Axis, Spectrum
from libraries.errors import BadData, UnknownName
from libraries.ions import Label, parse_label

_TOLD = 8  # names in an error


@dataclass(frozen=True)
class Column:
    """One named channel.

    Attributes
    ----------
    place : int
        Index on the axis.
    label : Label
        Its name and what that says.
    mass : float
        m/z as the file states it; 0 where it does not.
    double : int
        Place of an earlier channel of the same name and mass; -1 for none.
    """

    place: int
    label: Label
    mass: float = 0.0
    double: int = -1

    @property
    def name(self) -> str:
        """As the file writes it."""
        return self.label.text

    @property
    def counted(self) -> bool:
        """Whether its counts stand in no other column."""
        return self.label.kind == "single" and self.double < 0


def columns(axis: Axis) -> tuple[Column, ...]:
    """What the channels of an axis hold.

    Raises
    ------
    BadData
        If its channels have no names.
    """
    if not axis.labels:
        raise BadData("The channels have no names", where=axis.quantity, todo="Open a depth profile or a cube of ions")
    known: dict[tuple[str, float], int] = {}
    found = []
    masses = axis.masses or (0.0,) * len(axis)
    for place, (text, mass) in enumerate(zip(axis.labels, masses, strict=True)):
        key = (text.strip(), mass)
        found.append(Column(place, parse_label(text), mass, known.get(key, -1)))
        known.setdefault(key, place)
    return tuple(found)


def counted(axis: Axis) -> tuple[int, ...]:
    """Places of the independent channels: single ions, each once."""
    return tuple(column.place for column in columns(axis) if column.counted)


def place_of(axis: Axis, name: str) -> int:
    """Place of the first channel of that name.

    Raises
    ------
    UnknownName
        With the names that there are.
    """
    plain = name.strip()
    for place, text in enumerate(axis.labels):
        if text.strip() == plain:
            return place
    raise UnknownName(f"There is no ion {name!r}", todo=told_names(axis, plain))


def told_names(axis: Axis, wanted: str) -> str:
    """What an error says of the names that there are: the most alike, else the first."""
    alike = get_close_matches(wanted, axis.labels, _TOLD, 0.6)
    names = alike or list(axis.labels[:_TOLD])
    more = len(axis.labels) - len(names)
    return f"There are: {', '.join(names) or 'none'}" + (f" and {more} more" if more > 0 else "")


def only(spectrum: Spectrum, places: tuple[int, ...]) -> Spectrum:
    """Some channels of a profile or a cube in memory, in their order."""
    index = np.asarray(sorted(places))
    if index.size == 0:
        raise BadData("No ion is chosen", where=spectrum.name)
    counts = np.asarray(spectrum.counts[..., index])
    return spectrum.with_(axis=spectrum.axis.part(index), counts=counts)
