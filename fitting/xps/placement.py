"""A compound's lines put into the regions of a sample, with areas and distances tied."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting import guess
from fitting.dataset import Spectrum
from fitting.joint_links import Place
from fitting.model import Component, FitModel, Param
from fitting.shapes import shape
from fitting.xps.sites import MARGIN, Site, distance
from fitting.xps.yields import Yield, line_yield
from libraries.errors import NotDetermined
from libraries.sensitivity import scofield

SURVEY = 150.0  # eV: wider windows are surveys, in which no compound is fitted


@dataclass(frozen=True, eq=False)
class Region:
    """A region that a compound's lines may be put into.

    Attributes
    ----------
    key : str
        Name in ties, "entry/region".
    spectrum : Spectrum
        After its recipe.
    model : FitModel
    energy_shift : float
        Charge-reference shift in eV that the spectrum contains.
    """

    key: str
    spectrum: Spectrum
    model: FitModel
    energy_shift: float = 0.0


@dataclass(frozen=True)
class Member:
    """A line of a compound where it was put: the place of its area, its atoms and area per atom."""

    site: Site
    place: Place
    area_per_atom: Yield

    @property
    def per_formula(self) -> float:
        """Area for one formula unit."""
        return (self.site.atoms or 0.0) * self.area_per_atom.value


@dataclass(frozen=True, eq=False)
class Placement:
    """A compound in the regions of a sample.

    Attributes
    ----------
    regions : tuple of Region
        With the lines added; links inside a region are in its model.
    ties : dict
        Between regions, as `fitting.joint.fit_joint` takes them.
    members : tuple of Member
        The first is the anchor that the others follow.
    notes : tuple of str
        Lines for which there is no region, and factors that were assumed.
    """

    regions: tuple[Region, ...]
    ties: dict[str, str]
    members: tuple[Member, ...]
    notes: tuple[str, ...]


def home_of(site: Site, regions: Sequence[Region]) -> Region | None:
    """The narrowest region that holds a site's energy; None where there is none."""
    fitting = [
        region for region in regions
        if region.model.region[0] <= site.position <= region.model.region[1]
        and region.spectrum.axis.quantity == "binding_energy"
        and region.model.region[1] - region.model.region[0] <= SURVEY
    ]
    return min(fitting, key=lambda r: r.model.region[1] - r.model.region[0], default=None)


def put(
    sites: Sequence[Site],
    regions: Sequence[Region],
    material: str = "",
    *,
    shape_name: str = "voigt",
    transmission_exponent: float | None = None,
    areas: bool = True,
) -> Placement:
    """Put the lines of one compound into regions.

    Parameters
    ----------
    sites : sequence of Site
        Of one compound.
    regions : sequence of Region
    material : str
        In which lambda is taken.
    shape_name : str
        Shape of the new lines.
    transmission_exponent : float or None
        See `line_yield`.
    areas : bool
        Whether areas follow the stoichiometry (where the compound has a formula).

    Raises
    ------
    NotDetermined
        If no region holds any of the lines, or their intensities cannot be compared.
    """
    models = {region.key: region for region in regions}
    placed: list[tuple[Site, Region, str]] = []
    notes: list[str] = []
    for site in sites:
        home = home_of(site, tuple(models.values()))
        if home is None:
            notes.append(f"{site.label}: no region holds its {site.line.name} at {site.position:.2f} eV.")
            continue
        model, id = _added(home, site, shape_name)
        models[home.key] = replace(home, model=model)
        placed.append((site, home, id))
    if not placed:
        raise NotDetermined(f"No region holds a line of {sites[0].compound}" if sites else "There is no line to add",
                            todo="Draw a region over one of its lines first")
    if areas:
        _comparable([home for _, home, _ in placed])
    placed = _anchor_first(placed)
    members = tuple(
        Member(site, Place(home.key, f"{id}.area"), line_yield(
            home.spectrum, site.line, site.position, material, energy_shift=home.energy_shift,
            transmission_exponent=transmission_exponent,
        ))
        for site, home, id in placed
    )
    notes.extend(f"{m.site.line.name} of {m.site.compound}: T = 1 assumed." for m in members
                 if "assumed" in m.area_per_atom.sources[2] and len(members) > 1)
    ties: dict[str, str] = {}
    anchor = members[0]
    for member in members[1:]:
        gap, slack, _ = distance(member.site, anchor.site)
        formulas = {f"{member.place.owner}.position": ("position", f"{gap:+.6g} +- {slack:.3g}")}
        if areas and anchor.per_formula > 0 and member.per_formula > 0:
            formulas[member.place.name] = ("area", f"* {member.per_formula / anchor.per_formula:.8g}")
        for name, (parameter, rest) in formulas.items():
            _follow(models, ties, member.place, name, anchor.place, f"{anchor.place.owner}.{parameter}", rest)
    return Placement(tuple(models[region.key] for region in regions), ties, members, tuple(notes))


def _comparable(homes: Sequence[Region]) -> None:
    """Refuse intensities without a common scale, as a composition does."""
    metas = [home.spectrum.meta for home in homes]
    timed = [meta.intensity_unit == "counts/s" or (meta.intensity_unit == "counts" and bool(meta.live_time))
             for meta in metas]
    kinds = {"timed" if known else meta.intensity_unit for meta, known in zip(metas, timed, strict=True)}
    if len(kinds) > 1:
        untimed = ", ".join(dict.fromkeys(home.model.name or home.spectrum.name
                                          for home, known in zip(homes, timed, strict=True) if not known))
        raise NotDetermined(f"The intensities of {untimed} have no common scale with the other regions",
                            todo="Give dwell time and sweeps (Process page), or leave these regions out")


def _anchor_first(placed: list[tuple[Site, Region, str]]) -> list[tuple[Site, Region, str]]:
    """The line to which the others have the best known distances first; sodium, which everything shares, rather not."""

    def looseness(item: tuple[Site, Region, str]) -> tuple[float, bool]:
        slacks = (distance(other, item[0])[1] for other, _, _ in placed if other is not item[0])
        return round(sum(slacks), 6), item[0].line.element == "Na"

    anchor = min(placed, key=looseness)
    return [anchor, *(item for item in placed if item is not anchor)]


def _follow(
    models: dict[str, Region], ties: dict[str, str], at: Place, name: str, to: Place, other: str, rest: str
) -> None:
    """A link where both are in one region, else a tie."""
    region = models[at.key]
    if at.key != to.key:
        ties[f"{at.key}/{name}"] = f"{{{to.key}/{other}}} {rest}"
        return
    param = region.model.params[name]
    models[at.key] = replace(region, model=region.model.with_params(
        {name: replace(param, link=f"{other} {rest}", vary="+-" in rest or param.vary)}
    ))


def _added(region: Region, site: Site, shape_name: str) -> tuple[FitModel, str]:
    """The region's model with one more line or doublet, and the id of the (major) line."""
    options = {"name": site.label, "compound": site.compound, "source": site.source, "shape": shape_name}
    if site.doublet:
        model = guess.add_doublet(region.spectrum, region.model, site.line.name, site.position, **options)
        major, minor = model.components[-2:]
        model = model.with_component(_minor(region.spectrum, major, minor))
    else:
        model = guess.add_peak(region.spectrum, region.model, site.position, line=site.line.name, **options)
        major = model.components[-1]
    position = Param(site.position, site.low - MARGIN, site.high + MARGIN)
    return model.with_component(model.component(major.id).with_(position=position)), major.id


def _minor(spectrum: Spectrum, major: Component, minor: Component) -> Component:
    """The minor line in the ratio of the cross-sections, which for heavy atoms is not quite that of 2j + 1."""
    energy = spectrum.meta.photon_energy
    if energy is None:
        return minor
    ratio = scofield(minor.line, energy).value / scofield(major.line, energy).value
    area = next(p.name for p in shape(minor.shape).parameters if p.kind in ("area", "height"))
    return minor.with_(**{area: replace(minor.param(area), link=f"{major.id}.{area} * {ratio:.5g}")})


def width_name(component: Component) -> str:
    """The parameter of a component's width that a fit varies."""
    names = [name for name, _ in component.params if name.startswith("fwhm")]
    return "fwhm_g" if "fwhm_g" in names else names[0]


def started(regions: Sequence[Region], members: Sequence[Member]) -> tuple[Region, ...]:
    """Regions in which the areas of a compound start at one amount: the least that its lines leave room for."""
    models = {region.key: region for region in regions}
    areas = [models[m.place.key].model.params[m.place.name].value for m in members]
    amount = float(np.min([a / m.per_formula for a, m in zip(areas, members, strict=True)]))
    for member in members:
        region = models[member.place.key]
        value = max(amount * member.per_formula, 0.0)
        models[region.key] = replace(region, model=region.model.with_values({member.place.name: value}))
    return tuple(models[region.key] for region in regions)
