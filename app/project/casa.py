"""CasaXPS's regions, components, calibrations and factors taken over into a project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.files.casa import casa_info
from app.files.casa_models import LINE, CasaModels, casa_rsf, models_of
from app.project import work
from app.project.project import Entry, Project, RegionFit, Tie, fresh_id
from fitting.model import Component, FitModel
from fitting.xps.areas import Areas, LineArea, joined, line_areas
from fitting.xps.quantify import Composition, quantify
from libraries.elements import Line, parse_line
from libraries.errors import NotDetermined, SodaliteError
from libraries.sensitivity import Factor, FactorRow, FactorSet

NOTE = "Calibration by CasaXPS"
SOURCE = "CasaXPS RSF in the file"
# CasaXPS's library factors are used without a further cross-section, asymmetry or attenuation length.
CONTAINS = ("sigma", "L", "lambda")
SET_NAME = "CasaXPS RSF"


@dataclass(frozen=True, eq=False)
class Taken:
    """A project with CasaXPS's models in it.

    Attributes
    ----------
    project : Project
    regions, components, shifts : int
        How many were taken over, and how many spectra were shifted.
    warnings : tuple of str
        What was not, and why.
    """

    project: Project
    regions: int
    components: int
    shifts: int
    warnings: tuple[str, ...] = ()

    def __str__(self) -> str:
        parts = [_many(self.regions, "region"), _many(self.components, "component")]
        text = f"{' and '.join(parts)} of CasaXPS taken over"
        return f"{text}, {_many(self.shifts, 'spectrum')} calibrated" if self.shifts else text


def _many(number: int, noun: str) -> str:
    plural = "spectra" if noun == "spectrum" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def offered(project: Project, entries: Sequence[str] | None = None) -> tuple[str, ...]:
    """Ids of the spectra (of those named, or all) whose CasaXPS regions were not taken over yet."""
    return tuple(
        entry.id
        for entry in project.entries
        if (entries is None or entry.id in entries) and not entry.spectrum.navigation and not is_taken(entry)
        and casa_info(entry.spectrum).regions
    )  # fmt: skip


def is_taken(entry: Entry) -> bool:
    """Whether regions of CasaXPS are among an entry's."""
    return any(LINE in dict(fit.model.extra) for fit in entry.fits)


def take_over(project: Project, entries: Sequence[str] | None = None) -> Taken:
    """CasaXPS's calibrations, regions and components of some spectra (or of all) as recipes and fits.

    A spectrum that has an energy shift already keeps it; the models then follow that scale. Factors become a factor
    set of the project, which no sample uses before it is chosen.
    """
    counts = {"regions": 0, "components": 0, "shifts": 0}
    warnings: list[str] = []
    for entry in project.entries:
        if (entries is not None and entry.id not in entries) or entry.spectrum.navigation or is_taken(entry):
            continue
        info = casa_info(entry.spectrum)
        if not (info.regions or info.components or info.calibrations):
            continue
        try:
            found = models_of(entry.spectrum)
            after, shifted, said = _shifted(entry, found)
            project = _with_models(project, after, found)
        except SodaliteError as error:
            warnings.append(f"{named(project, entry)}: {error}")
            continue
        warnings += [f"{named(project, entry)}: {text}" for text in (*found.warnings, *said)]
        counts["shifts"] += shifted
        counts["regions"] += len(found.models)
        counts["components"] += sum(len(model.components) for model in found.models)
    project, conflicts = _with_factors(project)
    return Taken(project, warnings=(*warnings, *conflicts), **counts)


def named(project: Project, entry: Entry) -> str:
    """A spectrum as messages call it: with its sample where there are several."""
    if len(project.samples) < 2:
        return entry.title
    return f"{project.sample(entry.sample).name}, {entry.title}"


def _shifted(entry: Entry, found: CasaModels) -> tuple[Entry, bool, tuple[str, ...]]:
    """The entry on CasaXPS's scale, unless it has one of its own; whether it was shifted, and what must be said."""
    shift = entry.recipe.energy_shift
    if any(step.kind == "energy_shift" for step in entry.recipe.active):
        if shift == found.shift:
            return entry, False, ()
        text = (
            f"Its charge reference ({shift:+.3f} eV) was kept; CasaXPS's is {found.shift:+.3f} eV. Regions and "
            "components were moved to the kept scale."
        )
        return entry, False, (text,)
    if not found.shift:
        return entry, False, ()
    return work.shifted_entry(entry, found.shift, NOTE), True, ()


def _with_models(project: Project, entry: Entry, found: CasaModels) -> Project:
    move = entry.recipe.energy_shift - found.shift
    if entry.spectrum.axis.quantity == "kinetic_energy" and entry.processed().axis.quantity == "kinetic_energy":
        move = -move
    ids: list[str] = []
    for model in found.models:
        id = fresh_id("r1", {fit.id for fit in entry.fits})
        ids.append(id)
        entry = entry.with_fit(RegionFit(id, model.moved(move) if move else model))
    ties = tuple(
        Tie(
            f"{entry.id}/{ids[tie.model]}/{tie.target}",
            tie.formula.format(f"{{{entry.id}/{ids[tie.other]}/{tie.source}}}"),
            "Link of CasaXPS",
        )
        for tie in found.ties
    )
    return replace(project.with_entry(entry), ties=(*project.ties, *ties))


def _with_factors(project: Project) -> tuple[Project, tuple[str, ...]]:
    """The project with the factors of its components as a factor set; of several for one line, the most frequent."""
    found: dict[Line, list[float]] = {}
    energies: list[float] = []
    for entry in project.entries:
        for fit in entry.fits:
            for component in fit.model.components:
                factor = casa_rsf(component)
                if factor is not None and component.line and entry.spectrum.meta.photon_energy:
                    found.setdefault(_whole(component.line), []).append(factor)
                    energies.append(entry.spectrum.meta.photon_energy)
    if not found:
        return project, ()
    warnings = tuple(
        f"{line.name} has several factors in CasaXPS ({', '.join(f'{v:g}' for v in sorted(set(values)))}); the set "
        f"'{SET_NAME}' holds the most frequent one."
        for line, values in found.items()
        if len(set(values)) > 1
    )
    rows = tuple(FactorRow(line, max(values, key=values.count)) for line, values in found.items())
    energy = max(energies, key=energies.count)
    table = FactorSet(SET_NAME, "stored with the components in the file", CONTAINS, "C 1s", energy, rows)
    others = tuple(row for row in project.factor_sets if row[0] != SET_NAME)
    return replace(project, factor_sets=(*others, (SET_NAME, table.to_csv()))), warnings


def _whole(line: str) -> Line:
    """The level with both lines of a doublet, whose factor CasaXPS gives to each of them."""
    parsed = parse_line(line)
    return parse_line(f"{parsed.element} {parsed.shell}") if parsed.kind == "core" else parsed


def composition(project: Project, sample: str) -> Composition:
    """Composition of a sample's components with the factors that CasaXPS stored with each of them.

    Fitted regions count with their results and errors, others with the numbers of the file and without. Lambda is not
    applied, as with CasaXPS's MFP exponent of 0.

    Raises
    ------
    NotDetermined
        If no component came from CasaXPS with a factor.
    """
    parts = [
        _areas(entry, fit)
        for entry in project.entries_of(sample)
        for fit in entry.fits
        if any(casa_rsf(component) is not None for component in fit.model.components)
    ]
    if not any(part.lines for part in parts):
        raise NotDetermined(
            "No component came from CasaXPS with a factor", where=project.sample(sample).name,
            todo="Take over CasaXPS's regions and components first",
        )
    return quantify(joined(parts), use_imfp=False)


def _areas(entry: Entry, fit: RegionFit) -> Areas:
    """Line areas of a region with CasaXPS's factors; without errors where it is not fitted."""
    spectrum, shift = entry.processed(), entry.recipe.energy_shift
    if fit.result is not None:
        found = line_areas(spectrum, fit.result, shift)
        majors = _counted(fit.result.model)
        keep = [at for at, component in enumerate(majors) if casa_rsf(component) is not None]
        lines = tuple(_with_factor(found.lines[at], majors[at]) for at in keep)
        return Areas(lines, found.covariance[np.ix_(keep, keep)], found.warnings)
    lines = tuple(
        _line(entry, fit.model, component) for component in fit.model.components
        if component.quantify and component.line and casa_rsf(component) is not None
    )  # fmt: skip
    return Areas(lines, np.full((len(lines), len(lines)), np.nan))


def _counted(model: FitModel) -> list[Component]:
    """The components in the order of `line_areas`: minor lines stand with their major one."""
    chosen = [c for c in model.components if c.quantify and c.line and parse_line(c.line).kind == "core"]
    ids = {component.id for component in chosen}
    return [component for component in chosen if component.doublet not in ids]


def _with_factor(line: LineArea, component: Component) -> LineArea:
    factor = casa_rsf(component)
    assert factor is not None
    return replace(line, factor=Factor(line.line, factor, SOURCE, CONTAINS, "C 1s"))


def _line(entry: Entry, model: FitModel, component: Component) -> LineArea:
    spectrum = entry.processed()
    meta, position = spectrum.meta, component.value("position")
    if meta.photon_energy is None:
        raise NotDetermined("The photon energy is not recorded", where=spectrum.name)
    shift = entry.recipe.energy_shift
    binding = spectrum.axis.quantity == "binding_energy"
    transmission = None
    if spectrum.transmission is not None:
        transmission = float(np.interp(position, spectrum.x, spectrum.transmission))
    line = LineArea(
        component.name, model.name, _whole(component.line), component.compound, component.value("area"),
        meta.photon_energy - (position - shift) if binding else position + shift, meta.photon_energy,
        meta.live_time if meta.intensity_unit == "counts" else None, meta.intensity_unit, transmission,
    )  # fmt: skip
    return _with_factor(line, component)
