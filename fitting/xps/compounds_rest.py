"""What no compound explains: amounts of the other components, by element."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fitting.model import Component
from fitting.shapes import shape
from fitting.xps.placement import Region
from fitting.xps.yields import line_yield
from libraries.elements import parse_line
from libraries.errors import SodaliteError


@dataclass(frozen=True)
class Amount:
    """Atoms of a component that belongs to no compound.

    Attributes
    ----------
    element : str
    value : float
        Area / (s L T lambda t).
    parts : tuple of (name, weight)
        Areas, "key/component.area", whose weighted sum is the amount.
    notes : tuple of str
    """

    element: str
    value: float
    parts: tuple[tuple[str, float], ...]
    notes: tuple[str, ...] = ()


def rest_amounts(
    regions: Sequence[Region], owned: Mapping[str, set[str]], material: str, exponent: float | None
) -> tuple[Amount, ...]:
    """Amounts of the components that count and belong to no compound.

    Components without a core level, or marked not to count, are left out, as in a composition.
    """
    found = []
    for region in regions:
        for component in region.model.components:
            free = component.id not in owned[region.key] and component.quantify and not component.doublet
            if free and component.line and parse_line(component.line).kind == "core":
                found.append(_amount(region, component, material, exponent))
    return tuple(amount for amount in found if amount is not None)


def _amount(region: Region, component: Component, material: str, exponent: float | None) -> Amount | None:
    entry, line = shape(component.shape), parse_line(component.line)
    minors = [c for c in region.model.components if c.doublet == component.id and c.quantify]
    if not entry.finite_area:
        return None
    if minors:
        line = parse_line(f"{line.element} {line.shell}")
    try:
        per_atom = line_yield(region.spectrum, line, component.value("position"), material,
                              energy_shift=region.energy_shift, transmission_exponent=exponent).value
    except SodaliteError:
        return None
    members = (component, *minors)
    first = entry.names[0]
    parts = tuple((f"{region.key}/{c.id}.{first}", 1.0 / per_atom) for c in members)
    return Amount(line.element, sum(c.value(first) for c in members) / per_atom, parts)
