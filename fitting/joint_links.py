"""Formulas between regions: "{c1s/r1/p3.area} * 2.9", where braces name a parameter of another region.

Without the braces it is the grammar of `fitting.constraints`; plain names are parameters of the target's own region.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from fitting.constraints import Link, parse
from libraries.errors import BadModel

_BRACES = re.compile(r"\{([^{}]*)\}")
_NAMES = re.compile(r"\{([^{}]*)\}|\b([A-Za-z_]\w*)(?=\s*\.\s*[A-Za-z_])")
_PARAMETER = re.compile(r"[A-Za-z_]\w*\.[A-Za-z_]\w*\Z")
_EXAMPLE = "Write, for example, {c_1s/r1/p3.area} * 2.9"


@dataclass(frozen=True)
class Place:
    """A parameter of one of several regions.

    Attributes
    ----------
    key : str
        Of the region, "entry/region".
    name : str
        Full name inside the region, "p1.area".
    """

    key: str
    name: str

    def __str__(self) -> str:
        return f"{self.key}/{self.name}"

    @property
    def owner(self) -> str:
        """The component's id, or "background"."""
        return self.name.partition(".")[0]


def place(text: str) -> Place:
    """The place that "entry/region/component.parameter" names.

    Raises
    ------
    BadModel
        If it is not of that form.
    """
    key, slash, name = text.strip().rpartition("/")
    name = re.sub(r"\s*\.\s*", ".", name.strip())
    if not slash or not key or not _PARAMETER.match(name):
        raise BadModel("A parameter of another region is named entry/region/component.parameter", where=text,
                       todo=_EXAMPLE)
    return Place(key, name)


def references(formula: str) -> tuple[Place, ...]:
    """The places in braces, in order of appearance; raises BadModel."""
    return tuple(dict.fromkeys(place(match[1]) for match in _BRACES.finditer(formula)))


def rewritten(formula: str, own: Callable[[str], str], other: Callable[[Place], str]) -> str:
    """A formula with its names replaced.

    Parameters
    ----------
    formula : str
    own : callable
        From the id of a component of the target's own region to what stands for it.
    other : callable
        From a place in braces to what stands for the braces and what is in them.
    """

    def swapped(match: re.Match[str]) -> str:
        return own(match[2]) if match[1] is None else other(place(match[1]))

    text = _NAMES.sub(swapped, formula)
    if "{" in _BRACES.sub("", text) or "}" in _BRACES.sub("", text):
        raise BadModel("A brace is open in this formula", where=formula, todo=_EXAMPLE)
    return text


def checked(formula: str, target: str) -> Link:
    """The formula parsed, whatever regions there are; its names are plain for the own region, numbered for others.

    Raises
    ------
    BadModel
        If it is not understood, or follows itself.
    """
    numbers: dict[Place, str] = {}

    def numbered(there: Place) -> str:
        return numbers.setdefault(there, f"other{len(numbers)}.value")

    home = place(target)
    link = parse(rewritten(formula, lambda id: id, numbered))
    if not link.names:
        raise BadModel("A tie must name a parameter to follow", where=formula, todo=_EXAMPLE)
    if home in numbers or home.name in link.names:
        raise BadModel("A parameter cannot follow itself", where=f"{target} = {formula}")
    return link


def renamed(formula: str, places: Mapping[Place, Place]) -> str:
    """The formula with places in braces replaced; others stay."""
    return rewritten(formula, lambda id: id, lambda there: "{" + str(places.get(there, there)) + "}")


def groups(keys: Iterable[str], ties: Mapping[str, str]) -> tuple[tuple[str, ...], ...]:
    """The regions that ties hold together, each group and the groups in the order of `keys`.

    Regions without a tie form groups of one.
    """
    order = list(dict.fromkeys(keys))
    of = {key: {key} for key in order}
    for target, formula in ties.items():
        members = {place(target).key, *(there.key for there in references(formula))} & set(order)
        together = set().union(*(of[key] for key in members)) if members else set()
        for key in together:
            of[key] = together
    done: list[tuple[str, ...]] = []
    for key in order:
        group = tuple(other for other in order if other in of[key])
        if group not in done:
            done.append(group)
    return tuple(done)
