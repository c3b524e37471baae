"""A sample as a sum of compounds, ready to be fitted: lines placed and tied, the joint fit, peaks for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting import guess
from fitting.curves import curves
from fitting.engine import fit
from fitting.joint import JointResult, Part, fit_joint
from fitting.model import Component, FitModel
from fitting.solver import Cancel, Progress
from fitting.statistics import variance_of
from fitting.xps.placement import Member, Placement, Region, put, started, width_name
from fitting.xps.sites import sites_of
from libraries.core_levels import core_level
from libraries.errors import Cancelled, NotDetermined, SodaliteError

REST = "not explained"  # what peaks are called that no compound accounts for
_LIFETIMES = (0.05, 0.4)  # eV, natural widths of 1s levels from C to F where they are fitted; chosen
_EXCESS, _EXCESS_WIDTH, MOST_REST = 6.0, 1.2, 3  # standard deviations, eV, peaks: what is added for the rest; chosen


# -- the problem ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Problem:
    """Compounds placed in regions, with the ties between them."""
    names: tuple[str, ...]
    regions: tuple[Region, ...]
    placements: tuple[Placement, ...]
    ties: dict[str, str]
    material: str
    exponent: float | None

    @property
    def anchors(self) -> tuple[Member, ...]:
        """The line of each compound that the others follow."""
        return tuple(placement.members[0] for placement in self.placements)


def belongs(component: Component, name: str) -> bool:
    """Whether a component was taken from a compound, whatever its site."""
    return component.compound == name or component.compound.startswith(f"{name} (")


def without_compounds(model: FitModel, names: Sequence[str]) -> FitModel:
    """The model without the components of some compounds."""
    ids = [c.id for c in model.components if any(belongs(c, name) for name in names)]
    ids += [c.id for c in model.components if c.doublet in ids and c.id not in ids]
    return model.without(*ids) if ids else model


def placed(
    regions: Sequence[Region], names: Sequence[str], material: str, exponent: float | None
) -> Problem:
    """The problem: lines of all compounds in the regions, one amount each."""
    ties: dict[str, str] = {}
    placements: list[Placement] = []
    for name in names:
        sites = [site for site in sites_of(name) if site.atoms]
        if not sites:
            raise NotDetermined(f"{name} has no formula, so that its lines cannot share an amount",
                                todo="Leave it out; what it would explain is listed as the rest")
        placement = put(sites, regions, material, transmission_exponent=exponent)
        regions = started(placement.regions, placement.members)
        ties |= placement.ties
        placements.append(placement)
    members = [member for placement in placements for member in placement.members]
    return Problem(tuple(names), _equal_widths(regions, members), tuple(placements), ties, material, exponent)


def _equal_widths(regions: Sequence[Region], members: Sequence[Member]) -> tuple[Region, ...]:
    """Lines of compounds in one region have one width: so near together the data would not tell two apart.

    Where the library knows no lifetime width (C to F), the Lorentzian part is fitted within `_LIFETIMES`.
    """
    models = {region.key: region.model for region in regions}
    first: dict[tuple[str, str], str] = {}
    for member in members:
        model, id = models[member.place.key], member.place.owner
        component = model.component(id)
        leader = first.setdefault((member.place.key, member.site.line.name), id)
        changes = {}
        if "fwhm_l" in component.values and core_level(member.site.line).lifetime_width is None:
            low, high = _LIFETIMES
            changes["fwhm_l"] = replace(component.param("fwhm_l"), minimum=low, maximum=high, vary=True)
        names = {width_name(component), *changes} if leader != id else set()
        for name in names:
            changes[name] = replace(component.param(name), link=f"{leader}.{name}")
        models[member.place.key] = model.with_component(component.with_(**changes))
    return tuple(replace(region, model=models[region.key]) for region in regions)


def fitted_alone(region: Region, cancel: Cancel | None) -> Region:
    """A region started where its own fit ends, which is far quicker than the joint one; as it was where that fails."""
    try:
        found = fit(region.spectrum, region.model, cancel=cancel)
    except SodaliteError:
        return region
    return replace(region, model=found.model) if found.success else region


def fitted(problem: Problem, progress: Progress | None, cancel: Cancel | None) -> JointResult:
    """The joint fit; raises Cancelled."""
    parts = [Part(region.key, region.spectrum, region.model) for region in problem.regions]
    found = fit_joint(parts, problem.ties, progress, cancel)
    if found.status == "cancelled":
        raise Cancelled("The fit of compounds was stopped")
    return found


def updated(regions: Sequence[Region], joint: JointResult) -> tuple[Region, ...]:
    """The regions with the fitted models."""
    return tuple(replace(region, model=joint.results[region.key].model) for region in regions)


def with_rest(regions: Sequence[Region]) -> tuple[Region, ...] | None:
    """The regions with one more peak where the data lie furthest above the model; None where they do nowhere."""
    best, place, at = _EXCESS, 0.0, -1
    for i, region in enumerate(regions):
        if sum(c.name.startswith(REST) for c in region.model.components) >= MOST_REST:
            continue
        excess, where = _largest_excess(region)
        if excess > best:
            best, place, at = excess, where, i
    if at < 0:
        return None
    region = regions[at]
    stem = f"{REST} {sum(c.name.startswith(REST) for c in region.model.components) + 1}"
    model = guess.add_peak(region.spectrum, region.model, place, name=stem, fwhm=_EXCESS_WIDTH)
    return tuple(replace(r, model=model) if i == at else r for i, r in enumerate(regions))


def _largest_excess(region: Region) -> tuple[float, float]:
    """Largest excess over a line width in standard deviations, and where."""
    drawn = curves(region.spectrum, region.model)
    residual = (drawn.y - drawn.envelope) / np.sqrt(variance_of(region.spectrum.noise, drawn.envelope, drawn.y))
    if not region.spectrum.noise.known:
        residual /= max(float(np.median(np.abs(residual))) * 1.4826, 1e-12)
    shape = np.exp(-4 * np.log(2) * ((drawn.x[:, None] - drawn.x) / _EXCESS_WIDTH) ** 2)
    score = shape @ residual / np.sqrt(np.sum(shape**2, axis=1))
    at = int(np.argmax(score))
    return float(score[at]), float(drawn.x[at])
