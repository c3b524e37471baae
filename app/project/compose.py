"""Compositions of a project's samples: all regions of a sample that count, or one level of its series at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from app.project.factors import treated
from app.project.joint_areas import correlated
from app.project.project import Entry, Project, RegionFit, Sample
from fitting.bootstrap import Cancel, Progress
from fitting.dataset import Spectrum
from fitting.xps.areas import Areas, LineArea, area_of_region, joined, line_areas
from fitting.xps.quantify import Composition, quantify
from fitting.xps.ratios import Ratio, ratio
from fitting.xps.region_areas import COMPONENTS, REGION, area_kind, shells_of, with_area_kind
from fitting.xps.spread import GROUPS, model_spread
from fitting.xps.study import Study, StudyKind, fingerprint
from fitting.xps.uncertainty import Piece, bootstrap_composition
from libraries.elements import Line, parse_line
from libraries.errors import NotDetermined, SodaliteError
from libraries.sensitivity import Factor

Level = tuple[float | None, Composition]


@dataclass(frozen=True, eq=False)
class Counted:
    """The regions of a sample that count, and the names of those that do not yet, each with the reason."""

    pieces: tuple[Piece, ...]
    skipped: tuple[str, ...]


def counted(project: Project, sample_id: str, at: float | None = None) -> Counted:
    """What a sample's composition is computed from.

    Parameters
    ----------
    at : float, optional
        Of a series: the level, as `Entry.value`; spectra without a level do not count then.

    Raises
    ------
    NotDetermined
        If the photon energy of a region is not known, or its factor set lacks a line.
    """
    sample = project.sample(sample_id)
    entries = [e for e in project.entries_of(sample_id) if at is None or e.value == at]
    pieces: list[Piece] = []
    skipped: list[str] = []
    for entry, region in _regions(entries):
        try:
            piece = _piece(entry, region)
        except NotDetermined as error:
            if entry.photon_energy is None and region.model.components:
                raise
            skipped.append(f"{region.name} ({error.what})")
            continue
        except SodaliteError as error:
            skipped.append(f"{region.name} ({error.what})")
            continue
        if piece is None:
            skipped.append(region.name)
        elif piece.areas.lines:
            pieces.append(piece)
        else:
            skipped.append(f"{region.name} (no component with a core level that counts)")
    # The whole sample at once, so that what must be said of its factors is said once.
    done = treated(joined([piece.areas for piece in pieces]), project, sample)
    return Counted(tuple(_shared(pieces, done)), tuple(skipped))


def _shared(pieces: Sequence[Piece], done: Areas) -> list[Piece]:
    first, found = 0, []
    for number, piece in enumerate(pieces):
        size = len(piece.areas.lines)
        warnings = done.warnings if number == 0 else ()
        lines = done.lines[first : first + size]
        found.append(replace(piece, areas=Areas(lines, piece.areas.covariance, warnings)))
        first += size
    return found


def _regions(entries: Sequence[Entry]) -> list[tuple[Entry, RegionFit]]:
    return [
        (entry, region) for entry in entries for region in entry.fits
        if region.model.components or area_kind(region.model) == REGION
    ]


def _piece(entry: Entry, region: RegionFit) -> Piece | None:
    """A region with its areas; None where it is to be fitted first."""
    spectrum, result, shift = entry.processed(), region.result, entry.recipe.energy_shift
    model = region.model if result is None else result.model
    kind = area_kind(region.model)
    if kind == REGION:
        return Piece(spectrum, model, result, kind, area_of_region(spectrum, model, result, shift))
    if result is None:
        return None
    return Piece(spectrum, model, result, kind, line_areas(spectrum, result, shift))


def composition(project: Project, sample_id: str, at: float | None = None) -> Composition:
    """Composition of a sample from all its regions that count: fitted components, or data minus background.

    Parameters
    ----------
    at : float, optional
        Of a series: the level, as `Entry.value`; spectra without a level do not count then.

    Raises
    ------
    NotDetermined
        If nothing is fitted, or the regions cannot be compared.
    """
    sample, found = project.sample(sample_id), counted(project, sample_id, at)
    if not found.pieces:
        why = f": {', '.join(found.skipped)}" if found.skipped else ""
        raise NotDetermined(f"Nothing is fitted yet{why}" if why and "(" in why else "Nothing is fitted yet",
                            where=sample.name, todo="Fit at least one region of this sample")
    _check_transmission(project, sample, found)
    areas, tied = correlated(project, found.pieces, joined([piece.areas for piece in found.pieces]))
    table = quantify(areas, sample.material)
    return replace(table, warnings=(*table.warnings, *_remarks(project, sample_id, at, found, tied)))


def _check_transmission(project: Project, sample: Sample, found: Counted) -> None:
    """A table of the user would count again what a step divided by already."""
    if not sample.transmission:
        return
    for entry in project.entries_of(sample.id):
        if entry.fits and any(step.kind == "transmission" for step in entry.recipe.active):
            raise NotDetermined(
                "The spectrum is divided by its transmission function, and the sample has a table besides",
                where=f"{sample.name}, {entry.title}", todo="Switch the step off, or take the sample's table away",
            )


def _remarks(project: Project, sample_id: str, at: float | None, found: Counted, tied: bool) -> list[str]:
    remarks = []
    if found.skipped:
        remarks.append(f"Not fitted and not counted: {', '.join(found.skipped)}.")
    levels = {e.value for e in project.entries_of(sample_id) if e.value is not None and e.fits}
    if at is None and len(levels) > 1:
        remarks.append(f"The sample is a series of {len(levels)} levels, which are summed here.")
    ids = {e.id for e in project.entries_of(sample_id)}
    if not tied and any(tie.target.split("/")[0] in ids for tie in project.ties):
        remarks.append("Some regions are tied: what their errors have in common across regions is left out.")
    return remarks


def set_area_kind(project: Project, entry_id: str, fit_id: str, kind: str, line: str | None = None) -> Project:
    """Let a region count by its components or by data minus background; its fit stays as it is.

    Parameters
    ----------
    kind : "components" or "region"
    line : str, optional
        Core level of a region that counts by data minus background; "" to take that of its components or its name.

    Raises
    ------
    BadModel, UnknownName
        If kind or line make no sense.
    """
    entry = project.entry(entry_id)
    region = entry.fit(fit_id)
    model = with_area_kind(region.model, kind, line)
    result = region.result
    if result is not None:
        result = replace(result, model=replace(result.model, extra=model.extra))
    return project.with_entry(entry.with_fit(RegionFit(region.id, model, result)))


def count_by_regions(project: Project, sample_id: str, kind: str = REGION) -> Project:
    """All regions of a sample by data minus background, as for a survey (or back, with "components").

    Regions that hold several lines (an Auger line under O 1s) keep their components: data minus background would
    count one for the other.
    """
    for entry in project.entries_of(sample_id):
        for region in entry.fits:
            if kind == COMPONENTS or len(shells_of(region.model)) < 2:
                project = set_area_kind(project, entry.id, region.id, kind)
    return project


# ------------------------------------------------------------------------------------------------------------- series


def series_of(project: Project, sample_id: str) -> tuple[tuple[str, str], tuple[float, ...]]:
    """What a sample's series varies (name and unit) and its levels, ascending; empty where it holds no series.

    Raises
    ------
    NotDetermined
        If its spectra belong to series of several quantities.
    """
    members = [e for e in project.entries_of(sample_id) if e.value is not None]
    kinds = list(dict.fromkeys((e.variable, e.unit) for e in members))
    if len(kinds) > 1:
        names = ", ".join(f"{name or 'unnamed'} ({unit or 'no unit'})" for name, unit in kinds)
        raise NotDetermined(
            "The spectra belong to series of different quantities", where=project.sample(sample_id).name,
            todo=f"Give them one variable and unit, or part them into samples: {names}",
        )
    levels = sorted({float(e.value) for e in members if e.value is not None})
    return (kinds[0] if kinds else ("", "")), tuple(levels)


def level_of(project: Project, entry: Entry) -> float | None:
    """The level of a series whose composition an entry belongs to; None where its sample is none."""
    levels = {e.value for e in project.entries_of(entry.sample) if e.value is not None and e.fits}
    return entry.value if len(levels) > 1 else None


def composition_keys(project: Project) -> dict[str, tuple[str, float | None]]:
    """The compositions of a project: key, and the sample's id and level it stands for.

    A sample has its id for a key; one that is a series has a key for each level.
    """
    keys: dict[str, tuple[str, float | None]] = {}
    for sample in project.samples:
        levels = sorted({e.value for e in project.entries_of(sample.id) if e.value is not None and e.fits})
        if len(levels) < 2:
            keys[sample.id] = (sample.id, None)
        else:
            keys |= {f"{sample.id} @ {level:.9g}": (sample.id, level) for level in levels}
    return keys


def sample_and_level(project: Project, key: str) -> tuple[Sample | None, float | None]:
    """The sample and level of a key of `composition_keys`; (None, None) for other keys."""
    known = composition_keys(project).get(key)
    return (None, None) if known is None else (project.sample(known[0]), known[1])


def level_names(project: Project) -> dict[str, str]:
    """What tables call the levels of series, by the keys of `composition_keys`: "profile, depth 20 nm"."""
    names = {}
    for key, (id, level) in composition_keys(project).items():
        if level is not None:
            first = next(e for e in project.entries_of(id) if e.value == level)
            words = " ".join(filter(None, (first.variable, f"{level:g}", first.unit)))
            names[key] = f"{project.sample(id).name}, {words}"
    return names


def profile(project: Project, sample_id: str) -> list[Level]:
    """Compositions along a sample's series: (level, composition), levels ascending.

    Without a series one pair with the level None. Levels without a composition are left out; `gaps` names them.

    Raises
    ------
    NotDetermined
        If no level has a composition, or the series is of several quantities.
    """
    levels = series_of(project, sample_id)[1]
    if not levels:
        return [(None, composition(project, sample_id))]
    found: list[Level] = []
    for level in levels:
        try:
            found.append((level, composition(project, sample_id, level)))
        except NotDetermined:
            continue
    if not found:
        raise NotDetermined(
            "No level of the series has a composition", where=project.sample(sample_id).name,
            todo="Fit the regions of this sample first",
        )
    return found


def gaps(project: Project, sample_id: str) -> list[tuple[float, str]]:
    """Levels of a sample's series that have no composition, and why."""
    missing = []
    for level in series_of(project, sample_id)[1]:
        try:
            composition(project, sample_id, level)
        except NotDetermined as error:
            missing.append((level, str(error)))
    return missing


# ------------------------------------------------------------------------------------------------ studies and ratios


def study(
    project: Project, sample_id: str, kind: StudyKind, at: float | None = None, *, replicas: int = 200, seed: int = 0,
    groups: Sequence[str] = GROUPS, progress: Progress | None = None, cancel: Cancel | None = None,
) -> Project:
    """The project with a bootstrap or a model spread of a sample's composition, in place of an earlier one.

    Parameters
    ----------
    kind : "bootstrap" or "model spread"
    at : float, optional
        Level of a series.
    replicas, seed : int
        Of a bootstrap.
    groups : sequence of str
        Which choices a model spread makes otherwise; see `fitting.xps.spread.GROUPS`.

    Raises
    ------
    NotDetermined, BadModel, Cancelled
    """
    sample, found = project.sample(sample_id), counted(project, sample_id, at)
    if not found.pieces:
        raise NotDetermined("Nothing is fitted yet", where=sample.name, todo="Fit the regions of this sample first")
    made: Study
    if kind == "bootstrap":
        made = bootstrap_composition(
            found.pieces, sample.material, replicas, seed=seed, at=at, progress=progress, cancel=cancel
        )
    else:
        made = model_spread(found.pieces, sample.material, groups=groups, at=at, progress=progress, cancel=cancel)
    return with_study(project, sample_id, made)


def with_study(project: Project, sample_id: str, made: Study) -> Project:
    """The project with a study kept at its sample, in place of an earlier one of the same kind and level."""
    sample = project.sample(sample_id)
    others = tuple(s for s in sample.studies if (s.kind, s.at) != (made.kind, made.at))
    return project.with_sample(replace(sample, studies=(*others, made)))


def studies_of(sample: Sample, table: Composition, at: float | None = None) -> dict[str, Study]:
    """The studies that belong to a composition as it is now, by kind; outdated ones are left out."""
    basis = fingerprint(table)
    return {s.kind: s for s in sample.studies if s.at == at and s.basis == basis}


def ratios_of(sample: Sample, table: Composition) -> tuple[list[Ratio], list[str]]:
    """The ratios that a sample asks for, and why some are not there."""
    found: list[Ratio] = []
    missing: list[str] = []
    for text in sample.ratios:
        try:
            found.append(ratio(table, text))
        except NotDetermined as error:
            missing.append(error.what)
    return found, missing


# ------------------------------------------------------------------------------------------------------------ CasaXPS


def casa_composition(spectrum: Spectrum) -> Composition | None:
    """Composition from the components that CasaXPS stored with a VAMAS block; None where there are none.

    CasaXPS's own factors (RSF) and the transmission function of the block at each component's energy are used; lambda
    is not applied, as with an MFP exponent of 0.
    """
    from app.files.casa import casa_info
    from app.files.casa_models import SENSIBLE_RSF

    info = casa_info(spectrum)
    energy = spectrum.meta.photon_energy
    # CasaXPS leaves components with an RSF of zero out of its quantification.
    components = [component for component in info.components if component.rsf]
    if not components or energy is None:
        return None
    for component in components:
        if not SENSIBLE_RSF[0] <= component.rsf <= SENSIBLE_RSF[1]:
            where = f"{spectrum.name}: {component.name}"
            raise NotDetermined(f"The factor {component.rsf:g} makes no sense", where=where)
    lines = []
    for component in components:
        # Components stand on the calibrated scale, the spectrum and its transmission function on the measured one.
        kinetic = component.position_ke + (info.shift or 0.0)
        position = energy - kinetic
        transmission = None
        if spectrum.transmission is not None:
            transmission = float(np.interp(position, spectrum.x, spectrum.transmission))
        line = _casa_line(component.name, spectrum)
        factor = Factor(line, component.rsf, "CasaXPS RSF in the file", ("sigma", "L", "lambda"), "C 1s")
        lines.append(
            LineArea(
                component.name, spectrum.name, line, component.tag, component.area, kinetic, energy,
                unit="counts/s" if spectrum.meta.intensity_unit == "counts/s" else "counts",
                transmission=transmission, factor=factor,
            )
        )
    unknown = np.full((len(lines), len(lines)), np.nan)
    return quantify(Areas(tuple(lines), unknown), use_imfp=False)


def _casa_line(name: str, spectrum: Spectrum) -> Line:
    for text in (name, spectrum.name, f"{spectrum.meta.element} {spectrum.meta.transition}"):
        try:
            return parse_line(text)
        except SodaliteError:
            continue
    raise NotDetermined("CasaXPS's component names no core level", where=f"{spectrum.name}: {name}")
