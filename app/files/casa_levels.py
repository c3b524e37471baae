"""Which core level a component of CasaXPS belongs to, and which two are a spin-orbit doublet."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from fitting.dataset import Spectrum
from fitting.model import Component
from libraries.core_levels import multiplicity_ratio
from libraries.elements import Line, parse_line
from libraries.errors import SodaliteError

_NAME = re.compile(r"\s*(?:\d+\s*:\s*)?(?P<line>[A-Z][a-z]?\s?\d[spdf](?:\s?[1357]/2)?)(?![A-Za-z0-9])")
_FOLLOWS = re.compile(r"(?P<parent>\w+)\.(?P<name>\w+)(?: (?P<sign>[*+-]) (?P<number>\S+))?\Z")
# A doublet is taken for one where its ratio is that of the library to two percent (files write 0.66666667 or 0.667).
_SAME_RATIO = 0.02


def line_of(name: str, tag: str, region: str, spectrum: Spectrum) -> Line | None:
    """The core level that a component's name begins with, else its tag, its region, or what the block names."""
    meta = spectrum.meta
    for text in (name, tag, region, spectrum.name, f"{meta.element} {meta.transition}"):
        found = _NAME.match(text)
        if found is not None:
            try:
                return parse_line(found["line"])
            except SodaliteError:
                continue
    return None


def with_doublets(components: Sequence[Component], sign: int = -1) -> tuple[Component, ...]:
    """Components with spin-orbit pairs marked: area and position follow one parent, in the ratio of the level.

    `sign` is -1 on an axis of binding energies, where the minor line is the one further up.
    """
    found = {component.id: component for component in components}
    for minor in components:
        parent = _parent(minor)
        major = found.get(parent or "")
        if major is None or major.doublet or not minor.line or minor.line != major.line:
            continue
        line = parse_line(minor.line)
        if not line.unresolved or any(other.doublet == major.id for other in found.values()):
            continue
        ratio = _factor(minor)
        above = sign * (major.value("position") - minor.value("position")) > 0
        if abs(ratio / multiplicity_ratio(line.shell) - 1) > _SAME_RATIO or not above:
            continue
        high, low = line.components
        found[major.id] = replace(found[major.id], line=high.name)
        found[minor.id] = replace(minor, line=low.name, doublet=major.id)
    return tuple(found[component.id] for component in components)


def _parent(component: Component) -> str | None:
    """The component that both area and position follow."""
    links = [_FOLLOWS.match(component.param(name).link) for name in ("area", "position")]
    parents = {link["parent"] for link in links if link is not None}
    return parents.pop() if all(links) and len(parents) == 1 else None


def _factor(component: Component) -> float:
    found = _FOLLOWS.match(component.param("area").link)
    return float(found["number"]) if found is not None and found["sign"] == "*" else 1.0
