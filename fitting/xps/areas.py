"""From fits to line areas: what quantification needs to know of every line, with the joint covariance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.model import Component, FitModel
from fitting.result import FitResult
from fitting.shapes import axis_direction, shape
from fitting.xps.region_areas import COMPONENTS, REGION, region_area, region_line, shells_of
from libraries.elements import Line, parse_line
from libraries.errors import NotDetermined
from libraries.sensitivity import Factor
from libraries.units import kinetic_from_binding


@dataclass(frozen=True)
class LineArea:
    """Area of one line, in the intensity unit of its spectrum times eV.

    Attributes
    ----------
    name : str
        The component's name.
    region : str
        Name of the fitted region.
    line : Line
        Single level, or the whole doublet where both components were summed.
    compound : str
    area : float
    kinetic_energy : float
        Of the line in eV, as measured by the analyser.
    photon_energy : float
    live_time : float or None
        Seconds that one channel was counted; None where not recorded or the intensities are rates already.
    unit : str
        Intensity unit of the spectrum.
    transmission : float or None
        Transmission function at the line; None where not recorded.
    gamma : float or None
        Angle between source and analyser in degrees.
    pass_energy : float or None
    factor : Factor or None
        A factor to use instead of the cross-section.
    kind : str
        "components", the sum of fitted components, or "region", data minus background.
    tag : str
        Lines with the same tag are one quantity.
    transmission_source : str
        Where `transmission` comes from.
    """

    name: str
    region: str
    line: Line
    compound: str
    area: float
    kinetic_energy: float
    photon_energy: float
    live_time: float | None = None
    unit: str = "counts"
    transmission: float | None = None
    gamma: float | None = None
    pass_energy: float | None = None
    factor: Factor | None = None
    kind: str = COMPONENTS
    tag: str = ""
    transmission_source: str = "transmission function of the file"


@dataclass(frozen=True, eq=False)
class Areas:
    """Line areas with their joint covariance, shape (n, n); NaN rows where an area has no error."""

    lines: tuple[LineArea, ...]
    covariance: FloatArray
    warnings: tuple[str, ...] = ()


def line_areas(spectrum: Spectrum, result: FitResult, energy_shift: float = 0.0) -> Areas:
    """Areas of the components of one fit; the two lines of a doublet are summed.

    Parameters
    ----------
    spectrum : Spectrum
        After its recipe, as fitted.
    result : FitResult
    energy_shift : float
        Charge-reference shift in eV that the spectrum's binding energies contain; it is taken off again for the kinetic
        energy that the analyser saw.

    Raises
    ------
    NotDetermined
        If the photon energy is not known.

    Notes
    -----
    Where reduced chi2 exceeds 1 the covariance is multiplied by it.
    """
    energy = _photon_energy(spectrum)
    groups = counted_groups(result.model)
    rows, slopes = [], []
    for members in groups:
        area, gradient = _summed_area(members, result, axis_direction(spectrum.axis.quantity))
        slopes.append(gradient)
        rows.append(_line_area(spectrum, result, members, area, energy, energy_shift))
    chain = np.array(slopes).reshape(len(rows), len(result.names))
    # As the Particle Data Group scales averages (Review of Particle Physics, section 5.2.2): a misfit too small to be
    # proven still makes the errors too small, so reduced chi2 above 1 always enters.
    scale = max(1.0, result.reduced_chi2)
    covariance = scale * _propagated(chain, result.covariance)
    warnings = _warnings(result, result.model.name or spectrum.name)
    return Areas(tuple(rows), covariance, warnings)


def counted_groups(model: FitModel) -> list[list[Component]]:
    """The components that count, in groups of which each is one line of a composition.

    A doublet is one line, and so are components of one core level that bear the same tag.
    """
    chosen = [c for c in model.components if c.quantify and c.line and parse_line(c.line).kind == "core"]
    majors = [c for c in chosen if not (c.doublet and any(o.id == c.doublet for o in chosen))]
    groups: dict[tuple[str, str, bool], list[Component]] = {}
    for major in majors:
        members = [major, *(c for c in chosen if c.doublet == major.id)]
        key = (major.tag or major.id, _joint_line(members).name, bool(major.tag))
        groups.setdefault(key, []).extend(members)
    return list(groups.values())


def _joint_line(members: Sequence[Component]) -> Line:
    """The line that components stand for together: of a doublet the whole shell."""
    line = parse_line(members[0].line)
    whole = any(c.doublet == o.id for c in members for o in members)
    return parse_line(f"{line.element} {line.shell}") if whole else line


def total_areas(spectrum: Spectrum, model: FitModel) -> FloatArray:
    """Areas of the lines that count, in the order of `line_areas`, for any values of the model; shape (n,)."""
    direction = axis_direction(spectrum.axis.quantity)
    low, high = model.region
    window = (low, high) if direction > 0 else (-high, -low)
    return np.array([sum(_area(c, direction, window)[0] for c in group) for group in counted_groups(model)])


def area_of_region(
    spectrum: Spectrum, model: FitModel, result: FitResult | None = None, energy_shift: float = 0.0
) -> Areas:
    """Area of the data minus background of a region, as one line; parameters as in `line_areas`.

    Raises
    ------
    NotDetermined
        If the photon energy or the core level is not known, or the background needs a fit that there is not.
    """
    energy = _photon_energy(spectrum)
    line = region_line(spectrum, model)
    found = region_area(spectrum, model, result)
    title = model.name or spectrum.name
    single = {c.compound for c in model.components if c.quantify}
    row = _at(
        spectrum, found.position, energy, energy_shift, name=line.name, region=title, line=line,
        compound=single.pop() if len(single) == 1 else "", area=found.area,
    )
    warnings = list(_warnings(result, title)) if result is not None else []
    others = [name for name in shells_of(model) if name != f"{line.element} {line.shell}"]
    if others:
        warnings.append(f"{title}: data minus background holds {', '.join(others)} as well, counted as {line.name}.")
    return Areas((replace(row, kind=REGION),), np.array([[found.error**2]]), tuple(warnings))


def _photon_energy(spectrum: Spectrum) -> float:
    energy = spectrum.meta.photon_energy
    if energy is None:
        raise NotDetermined(
            "The photon energy is not recorded", where=spectrum.name, todo="Set it on the Process page"
        )
    return energy


def _propagated(chain: FloatArray, covariance: FloatArray) -> FloatArray:
    """Covariance of linear combinations; a combination that needs an undetermined parameter is NaN."""
    lost = ~np.isfinite(np.diag(covariance))
    known = np.where(np.isfinite(covariance), covariance, 0.0)
    full = chain @ known @ chain.T
    bad = np.any(chain[:, lost] != 0, axis=1)
    full[bad, :] = np.nan
    full[:, bad] = np.nan
    return full


def _warnings(result: FitResult, where: str) -> tuple[str, ...]:
    found = []
    if not result.success:
        found.append(f"{where}: {result.message}")
    if result.exceeds_noise:
        found.append(
            f"{where}: the model misses structure in the data (reduced chi² {result.reduced_chi2:.2f}); "
            "its errors are enlarged accordingly."
        )
    return tuple(found)


def _summed_area(members: Sequence[Component], result: FitResult, direction: int) -> tuple[float, FloatArray]:
    """Area of some components together and its gradient with respect to all parameters of the fit."""
    gradient = np.zeros(len(result.names))
    total = 0.0
    low, high = result.model.region
    window = (low, high) if direction > 0 else (-high, -low)
    for component in members:
        area, slopes = _area(component, direction, window)
        total += area
        for name, slope in slopes.items():
            sign = direction if name == "position" else 1
            gradient[result.names.index(f"{component.id}.{name}")] += sign * slope
    return total, gradient


def _area(component: Component, direction: int, window: tuple[float, float]) -> tuple[float, dict[str, float]]:
    """Area of one component and its derivatives, the position's on a binding-energy axis."""
    entry = shape(component.shape)
    values = component.values
    values["position"] *= direction
    if entry.finite_area:
        # The no-loss line alone: losses on the way out (a plasmon train's replicas) are what lambda accounts for.
        return values[entry.names[0]], {entry.names[0]: 1.0}
    return entry.area(values, window), dict(entry.area_gradient(values, window))


def _line_area(
    spectrum: Spectrum,
    result: FitResult,
    members: Sequence[Component],
    area: float,
    photon_energy: float,
    energy_shift: float,
) -> LineArea:
    major = members[0]
    majors = [c for c in members if not any(c.doublet == o.id for o in members)]
    position = major.value("position")
    name, compound = major.name, major.compound
    if len(majors) > 1:
        # Transmission and lambda change so little with energy that the mean position answers for all of them.
        sizes = np.array([max(c.value(shape(c.shape).names[0]), 0.0) for c in majors])
        places = [c.value("position") for c in majors]
        position = float(np.average(places, weights=sizes)) if sizes.sum() > 0 else float(np.mean(places))
        name = major.tag
        compound = compound if len({c.compound for c in majors}) == 1 else ""
    row = _at(
        spectrum, position, photon_energy, energy_shift, name=name, region=result.model.name or spectrum.name,
        line=_joint_line(members), compound=compound, area=area,
    )
    return replace(row, tag=major.tag)


def _at(
    spectrum: Spectrum, position: float, photon_energy: float, energy_shift: float, *, name: str, region: str,
    line: Line, compound: str, area: float,
) -> LineArea:
    """A line at a position of the spectrum's axis, with what the spectrum says of its measurement."""
    if spectrum.axis.quantity == "binding_energy":
        kinetic = float(kinetic_from_binding(position - energy_shift, photon_energy))
    else:
        kinetic = position + energy_shift
    meta = spectrum.meta
    transmission = None
    if spectrum.transmission is not None:
        transmission = float(np.interp(position, spectrum.x, spectrum.transmission))
    return LineArea(
        name,
        region,
        line,
        compound,
        area,
        kinetic,
        photon_energy,
        meta.live_time if meta.intensity_unit == "counts" else None,
        meta.intensity_unit,
        transmission,
        meta.source_analyser_angle,
        meta.pass_energy,
    )


def joined(parts: Sequence[Areas]) -> Areas:
    """The areas of several regions together; regions fitted apart do not correlate."""
    sizes = [len(part.lines) for part in parts]
    covariance = np.zeros((sum(sizes), sum(sizes)))
    first = 0
    for part, size in zip(parts, sizes, strict=True):
        covariance[first : first + size, first : first + size] = part.covariance
        first += size
    lines = tuple(line for part in parts for line in part.lines)
    return Areas(lines, covariance, tuple(w for part in parts for w in part.warnings))
