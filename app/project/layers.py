"""Layers of a sample from its compositions: thickness of an overlayer, order in depth, layered structure.

Amounts come from the composition of each level of an angle series (or of the sample, where there is no series): area
over s, L and T, with lambda taken out again, because here lambda is that of the layers supposed.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from app.project.compose import profile
from app.project.project import Layering, Project, Sample
from fitting.xps.layers import (
    DepthOrder,
    Overlayer,
    PairRatio,
    Stack,
    bulk_ratio,
    fit_stack,
    joint_thickness,
    relative_depth,
    thickness,
)
from fitting.xps.quantify import Composition, LineRow
from libraries.attenuation import imfp_tpp2m
from libraries.errors import BadData, NotDetermined

# Names of a series whose values are angles from the surface normal (as `app.files.vamas_meta` takes them); a take-off
# angle counts from the surface, a rotation or azimuth from anything.
_EMISSION = {"emission angle", "emission", "angle", "theta", "tilt", "tilt angle", "polar", "polar angle"}


@dataclass(frozen=True, eq=False)
class Level:
    """One emission angle: its composition and where the angle comes from ("file", "series" or "given")."""

    angle: float
    origin: str
    composition: Composition


@dataclass(frozen=True, eq=False)
class Thickness:
    """An overlayer's thickness with what went into it: the pairs, one for each angle, and their common solution."""

    pairs: tuple[PairRatio, ...]
    result: Overlayer
    pure_source: str
    origins: tuple[str, ...]


def levels(project: Project, sample_id: str) -> tuple[Level, ...]:
    """The compositions of a sample by emission angle, ascending.

    Raises
    ------
    NotDetermined
        If nothing is fitted, or an emission angle is neither recorded nor given.
    """
    sample = project.sample(sample_id)
    found = []
    for value, table in profile(project, sample_id):
        angle, origin = _angle(project, sample, value)
        found.append(Level(angle, origin, table))
    if not found:
        raise NotDetermined("Nothing is fitted yet", where=sample.name, todo="Fit the regions of this sample first")
    return tuple(sorted(found, key=lambda level: level.angle))


def _angle(project: Project, sample: Sample, value: float | None) -> tuple[float, str]:
    """Emission angle of one level of a series (`value`), or of the whole sample (None)."""
    entries = [e for e in project.entries_of(sample.id) if value is None or e.value == value]
    if value is not None and entries and entries[0].variable.strip().lower() in _EMISSION:
        return abs(value), "series"
    recorded = {e.spectrum.meta.emission_angle for e in entries if e.fits} - {None}
    if len(recorded) == 1:
        return abs(float(recorded.pop() or 0.0)), "file"
    if len(recorded) > 1:
        raise NotDetermined(
            "The spectra of this sample were measured at different emission angles", where=sample.name,
            todo="Make a series of them first (Data menu)",
        )
    if sample.layering.emission_angle is None:
        raise NotDetermined(
            "The emission angle is not recorded", where=sample.name, todo="Type it on the Layers page"
        )
    return sample.layering.emission_angle, "given"


def quantities(table: Composition) -> tuple[str, ...]:
    """What can stand for a layer: the elements, then the components."""
    elements = tuple(row.element for row in table.elements)
    return (*elements, *(name for name in dict.fromkeys(map(row_name, table.rows)) if name not in elements))


def row_name(row: LineRow) -> str:
    """A component as lists call it: "C 1s carbonate"; the line alone where it has no name of its own."""
    return row.line if row.name in ("", row.line) else f"{row.line} {row.name}"


def _members(table: Composition, name: str) -> list[int]:
    found = [i for i, row in enumerate(table.rows) if name in (row.element, row_name(row))]
    if not found:
        raise BadData(f"{name} is not in the composition", where="layers", todo="Choose another quantity")
    return found


def _signal(table: Composition, name: str) -> tuple[float, np.ndarray, float, str]:
    """Amount over lambda of a quantity (any unit), its slopes in at.%, kinetic energy and element."""
    members = _members(table, name)
    slopes = np.zeros(len(table.rows))
    for i in members:
        slopes[i] = table.rows[i].imfp
    values = np.array([row.at_percent for row in table.rows])
    weights = slopes * values
    energy = float(np.sum(weights * [row.kinetic_energy for row in table.rows]) / np.sum(weights))
    return float(slopes @ values), slopes, energy, table.rows[members[0]].element


def pair_at(level: Level, settings: Layering) -> tuple[PairRatio, str]:
    """Ratio of the two lines at one angle, and where the ratio of the pure materials comes from.

    Raises
    ------
    BadData
        If a quantity or material is not chosen, or a material does not hold its element.
    """
    for value, what in (
        (settings.overlayer, "a line of the overlayer"), (settings.substrate, "a line of the substrate"),
        (settings.overlayer_material, "the overlayer's material"),
    ):
        if not value:
            raise BadData(f"Choose {what}", where="layers")
    table = level.composition
    top, top_slopes, top_energy, top_element = _signal(table, settings.overlayer)
    low, low_slopes, low_energy, low_element = _signal(table, settings.substrate)
    if not low > 0:
        raise NotDetermined(f"{settings.substrate} is not seen", where="layers")
    ratio = top / low
    gradient = (top_slopes - ratio * low_slopes) / low
    # An error that is not determined stays so; what takes no part does not matter.
    part = np.flatnonzero(gradient)
    variance = float(gradient[part] @ table.covariance[np.ix_(part, part)] @ gradient[part])
    if settings.pure_ratio is not None:
        pure, source = settings.pure_ratio, "given"
    elif settings.substrate_material:
        pure = bulk_ratio(
            (settings.overlayer_material, top_element, top_energy),
            (settings.substrate_material, low_element, low_energy),
        )
        source = "densities and TPP-2M"
    else:
        raise BadData("Choose the substrate's material, or type the ratio of the pure materials", where="layers")
    paths = [float(imfp_tpp2m(energy, settings.overlayer_material)) for energy in (top_energy, low_energy)]
    error = math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.nan
    return PairRatio(ratio, error, pure, *paths, level.angle), source


def overlayer(project: Project, sample_id: str) -> Thickness:
    """Thickness of the supposed overlayer from all angles of a sample."""
    settings = project.sample(sample_id).layering
    found = levels(project, sample_id)
    pairs, sources = zip(*(pair_at(level, settings) for level in found), strict=True)
    result = thickness(pairs[0]) if len(pairs) == 1 else joint_thickness(pairs)
    return Thickness(tuple(pairs), result, sources[0], tuple(level.origin for level in found))


def depth_order(project: Project, sample_id: str, wanted: Callable[[str], bool] | None = None) -> DepthOrder:
    """Order in depth of the components, from the largest and the smallest emission angle.

    Raises
    ------
    NotDetermined
        If there is no angle series.
    """
    found = levels(project, sample_id)
    if len(found) < 2:
        raise NotDetermined(
            "An order in depth needs two emission angles", where=project.sample(sample_id).name,
            todo="Load an angle series, or measure at a second angle",
        )

    def amounts(table: Composition) -> dict[str, tuple[float, float]]:
        rows = [row for row in table.rows if math.isfinite(row.at_percent_err)]
        return {row_name(r): (r.at_percent, r.at_percent_err) for r in rows if wanted is None or wanted(row_name(r))}

    low, high = found[0], found[-1]
    return relative_depth(amounts(high.composition), amounts(low.composition), (high.angle, low.angle))


def structure(project: Project, sample_id: str) -> Stack:
    """Fit of the supposed layered structure to all angles of a sample."""
    settings = project.sample(sample_id).layering
    if len(settings.stack) < 2:
        raise BadData("Suppose at least one layer and a substrate", where="layers")
    found = levels(project, sample_id)
    names = [name for layer in settings.stack for name in layer.species]
    signals = [[_amount(level.composition, name) for name in names] for level in found]
    values = np.array([[value for value, _, _ in row] for row in signals])
    errors = np.array([[error for _, error, _ in row] for row in signals])
    energies = [energy for _, _, energy in signals[0]]
    return fit_stack(settings.stack, names, energies, [level.angle for level in found], values, errors)


def _amount(table: Composition, name: str) -> tuple[float, float, float]:
    """Area over s, L and T of a quantity with its error, and its kinetic energy."""
    rows = [table.rows[i] for i in _members(table, name)]
    values = np.array([row.normalised * row.imfp for row in rows])
    shares = np.array([row.area_err / row.area if row.area else math.nan for row in rows])
    energy = float(np.sum(values * [row.kinetic_energy for row in rows]) / np.sum(values))
    return float(np.sum(values)), float(np.sqrt(np.sum((values * shares) ** 2))), energy
