"""Export of a project: tables in a folder, one HDF5 (NeXus) file, one VAMAS file.

    c1s ... .csv      one fitted region: energy, counts, background, envelope, components, residual
    map sum.csv       an image: the sum over its pixels; each of its maps as a table of pixels
    profile.csv       a depth profile: places, counts and errors of each ion, with m/z and the ions it may hold as well;
                      "... as shown.csv" its chosen traces, normalised
    components.csv    every component: position, true maximum and width, area, rate, each with its error
    parameters.csv    every parameter: start value, bounds, link, fitted value, error
    composition.csv   every line with each factor and its source
    elements.csv      sums over elements with 95 % intervals
    ratios.csv        the atomic ratios that samples ask for
    core_loss.csv, fine_structure.csv, thickness.csv, factors.csv      what energy-loss spectra gave
    by_xps_….csv      composition of factors calibrated by XPS, the composition along the depth, the given depths
    depth.csv         layers and interfaces of depth profiles, with errors and the depth scale
    concentrations.csv    sensitivity factors with what they give; "... concentration ION.csv" along the depth
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.files.atomic import atomic_path, make_folder
from app.files.by_xps_tables import add_by_xps, calibrated_entries, write_calibrated
from app.files.composition_tables import ELEMENT_FIELDS as ELEMENT_FIELDS
from app.files.composition_tables import LINE_FIELDS as LINE_FIELDS
from app.files.composition_tables import (
    add_composition,
    compositions,
    plain_text,
    sample_names,
    studies_for,
    write_compositions,
)
from app.files.composition_tables import write_composition as write_composition
from app.files.concentration_tables import add_concentrations, write_all
from app.files.csv_table import write_table
from app.files.csv_writer import write_csv
from app.files.depth_tables import COLUMNS as DEPTH_COLUMNS
from app.files.depth_tables import project_rows
from app.files.loss_tables import loss_tables
from app.files.map_tables import write_maps_csv
from app.files.nexus_writer import write_map, write_nexus
from app.files.peak_list import write_peaks
from app.files.profile_hdf5 import add_factors, add_profiles
from app.files.vamas_writer import write_vamas
from libraries.errors import BadData, SodaliteError

if TYPE_CHECKING:
    from app.project.project import Entry, Project, RegionFit
    from fitting.dataset import FloatArray, Spectrum
    from fitting.result import FitResult
    from fitting.xps.quantify import Composition

COMPONENT_COLUMNS = (
    "Sample", "Spectrum", "Region", "Component", "Line", "Compound", "Shape", "Position [eV]", "Position error [eV]",
    "Maximum [eV]", "FWHM [eV]", "FWHM error [eV]", "Height [intensity unit]", "Area [intensity unit eV]",
    "Area error [intensity unit eV]", "Area rate [1/s eV]", "Area rate error [1/s eV]", "Share of region [%]",
    "Intensity unit", "Reduced chi2", "Error factor", "Scaled position error [eV]", "Scaled FWHM error [eV]",
    "Scaled area error [intensity unit eV]", "Scaled area rate error [1/s eV]", "Status", "Source",
)
PARAMETER_COLUMNS = (
    "Sample", "Spectrum", "Region", "Component", "Parameter", "Unit", "Start value", "Value", "Standard error",
    "Scaled error", "Lower bound", "Upper bound", "Held", "Link", "Status",
)
Row = tuple[Any, ...]


_LOSS_TABLES = ("core_loss", "fine_structure", "thickness", "factors")


def write_csv_folder(project: Project, folder: str | Path) -> Path:
    """All tables of a project; the folder, which is made where it is missing.

    Raises
    ------
    CannotWrite
        If the folder or a file in it cannot be written.
    """
    target = Path(folder)
    make_folder(target)
    names = sample_names(project)
    taken = {"components", "parameters", "composition", "elements", "ratios", "depth", "concentrations", *_LOSS_TABLES}
    for entry in project.entries:
        spectrum = entry.processed()
        sample = names.get(entry.sample, "")
        stem = f"{'' if sample == entry.title else sample} {entry.title}".strip()
        if spectrum.axis.labels:
            _write_ions(target, entry, sample, taken)
            continue
        if entry.masses.peaks:
            write_peaks(target / f"{_free(_safe(f'{stem} peaks'), taken)}.csv", entry.masses.peaks)
        if len(spectrum.navigation) > 1 or spectrum.stored:  # an image: its sum and its maps; HDF5 holds all of it
            write_csv(target / f"{_free(_safe(f'{stem} sum'), taken)}.csv", entry.single(), recipe=entry.recipe)
            for one in entry.maps:
                path = target / f"{_free(_safe(f'{stem} map {one.name}'), taken)}.csv"
                write_maps_csv(path, [one], spectrum.navigation)
            continue
        if not entry.fits or spectrum.navigation:
            write_csv(target / f"{_free(_safe(stem), taken)}.csv", spectrum, recipe=entry.recipe)
            continue
        for fit in entry.fits:
            name = stem if len(entry.fits) == 1 else f"{stem} {fit.name}"
            write_region(target / f"{_free(_safe(name), taken)}.csv", spectrum, fit)
    techniques = {entry.spectrum.meta.technique for entry in project.entries}
    if techniques != {"sims"}:  # depth profiles and mass spectra have no components
        write_table(target / "components.csv", COMPONENT_COLUMNS, component_rows(project))
        write_table(target / "parameters.csv", PARAMETER_COLUMNS, parameter_rows(project))
    if techniques - {"eels", "sims"} or not techniques:
        write_compositions(target, compositions(project)[0], names, project)
    for name, (columns, rows) in loss_tables(project).items():
        write_table(target / f"{name}.csv", columns, rows)
    for entry, found in calibrated_entries(project):
        before = _free(_safe(f"{names.get(entry.sample, '')} {entry.title}".strip()), taken)
        write_calibrated(target, entry.by_xps, found, f"{before} ")
    if deep := list(project_rows(project)):
        write_table(target / "depth.csv", DEPTH_COLUMNS, deep)
    write_all(target, project, lambda stem: target / f"{_free(_safe(stem), taken)}.csv")
    return target


def _write_ions(target: Path, entry: Entry, sample: str, taken: set[str]) -> None:
    """A depth profile, raw and as it is shown; of a cube those of all pixels and of its regions, and its maps."""
    from app.files.ion_factor_tables import write_ion_factors
    from app.files.profile_tables import ION_COLUMNS, ion_rows, tables_of, write_profile_csv

    spectrum = entry.processed()
    before = "" if entry.title.startswith(sample) else f"{sample} "
    if len(spectrum.navigation) in (1, 3):
        for table in tables_of(entry):
            write_profile_csv(target / f"{_free(_safe(f'{before}{table.title}'), taken)}.csv", table)
    else:
        path = target / f"{_free(_safe(f'{before}{entry.title} ions'), taken)}.csv"
        write_table(path, ION_COLUMNS, ion_rows(spectrum, entry.masses))
    for about in entry.factors:
        write_ion_factors(target, entry, about, f"{_free(_safe(f'{before}{entry.title} {about.title}'), taken)} ")
    for one in entry.maps:
        if len(one.shape) > 2:  # a number for each voxel: HDF5 holds them
            continue
        path = target / f"{_free(_safe(f'{before}{entry.title} map {one.name}'), taken)}.csv"
        write_maps_csv(path, [one], spectrum.navigation[-2:])


def write_region(path: Path, spectrum: Spectrum, fit: RegionFit) -> None:
    """One fitted region: axis, intensity, background, envelope, components on their background, residual."""
    from fitting.curves import curves

    drawn = curves(spectrum, fit.model)
    taken = {"Intensity", "Transmission", "Background", "Envelope", "Residual"}
    columns = {"Background": drawn.background, "Envelope": drawn.envelope}
    for id, curve in drawn.components:
        name = _free(f"{fit.model.component(id).name or id} + background", taken)
        columns[name] = drawn.background + curve
    columns["Residual [standard deviations]"] = drawn.residual
    write_csv(path, spectrum.window(*fit.model.region), columns)


def write_components(path: str | Path, project: Project) -> None:
    """One table of all components of a project."""
    write_table(path, COMPONENT_COLUMNS, component_rows(project))


def two_errors(error: float | None, result: FitResult | None) -> tuple[float | None, float | None]:
    """An error as printed (see `fitting.peaks`) as that of the covariance, and the second one.

    The second is the first times the root of reduced chi2 where the model misses structure in the data, else None.
    """
    from fitting.peaks import error_factor

    if error is None or result is None or not result.exceeds_noise:
        return error, None
    return error / error_factor(result), error


def component_rows(project: Project) -> Iterator[Row]:
    """One row a component; errors of the covariance, and scaled ones where the model misses structure in the data."""
    from fitting.peaks import error_factor, peak_numbers

    for sample, entry, spectrum, fit in _regions(project):
        result = fit.result
        chi = result.reduced_chi2 if result is not None and result.noise.known else None
        factor = error_factor(result) if result is not None else None
        status = result.status if result is not None else "not fitted"
        for peak in peak_numbers(spectrum, fit.model, result):
            printed = (peak.position_err, peak.fwhm_err, peak.area_err, peak.rate_err)
            (place, width, area, rate), scaled = zip(*(two_errors(error, result) for error in printed), strict=True)
            yield (
                sample, entry.title, fit.name, peak.name, peak.line, peak.compound, peak.shape, peak.position,
                place, peak.maximum, peak.fwhm, width, peak.height, peak.area, area, peak.rate, rate,
                100 * peak.share, spectrum.meta.intensity_unit, chi, factor, *scaled, status,
                fit.model.component(peak.id).source,
            )


def parameter_rows(project: Project) -> Iterator[Row]:
    """One row a parameter, background included."""
    from fitting.peaks import parameter_error

    for sample, entry, spectrum, fit in _regions(project):
        result = fit.result
        start = result.start.params if result is not None else {}
        labels = {component.id: component.name or component.id for component in fit.model.components}
        for full, param in fit.model.params.items():
            owner, _, name = full.partition(".")
            yield (
                sample, entry.title, fit.name, labels.get(owner, "background"), name,
                parameter_unit(fit, full, spectrum), start[full].value if full in start else param.value,
                param.value if result is not None else None, *two_errors(parameter_error(result, full), result),
                param.minimum if math.isfinite(param.minimum) else None,
                param.maximum if math.isfinite(param.maximum) else None,
                not param.vary, _in_words(param.link, labels), result.status if result is not None else "not fitted",
            )


def parameter_unit(fit: RegionFit, name: str, spectrum: Spectrum) -> str:
    """Unit of a parameter given by its full name; "" for plain numbers and for what no registry knows."""
    from fitting.backgrounds import kind
    from fitting.shapes import shape

    owner, _, parameter = name.partition(".")
    try:
        if owner == "background":
            unit = kind(fit.model.background.kind).parameter(parameter).unit
        else:
            known = {p.name: p.unit for p in shape(fit.model.component(owner).shape).parameters}
            unit = known.get(parameter, "")
    except SodaliteError:
        return ""
    return re.sub(r"\bI\b", spectrum.meta.intensity_unit, unit)


def _in_words(link: str, labels: dict[str, str]) -> str:
    """A link with the ids of components replaced by their names: "[C–O].fwhm * 2"."""
    return re.sub(
        r"\b([A-Za-z]\w*)(?=\.[a-z])", lambda found: f"[{labels[found[1]]}]" if found[1] in labels else found[1], link
    )


def _regions(project: Project) -> Iterator[tuple[str, Entry, Spectrum, RegionFit]]:
    names = sample_names(project)
    for entry in project.entries:
        for fit in entry.fits:
            yield names.get(entry.sample, ""), entry, fitted_spectrum(entry, fit), fit


def fitted_spectrum(entry: Entry, fit: RegionFit) -> Spectrum:
    """What a region was fitted to: of an image the sum over the pixels that the region is about."""
    from fitting.image.place import Place

    return entry.single(Place.parse(fit.place))


# ----------------------------------------------------------------------------------------------------- HDF5 and VAMAS


def write_hdf5(project: Project, path: str | Path) -> Path:
    """All spectra after their recipes with their curves, components and compositions, as NeXus; the path.

    Raises
    ------
    BadData
        If the project holds no spectrum.
    CannotWrite
        If the file cannot be written.
    """
    target = Path(path)
    spectra = [entry.processed() for entry in project.entries]
    drawn = {i: curves_of(entry, spectra[i]) for i, entry in enumerate(project.entries)}
    tables = compositions(project)[0]
    with atomic_path(target) as temporary:
        write_nexus(temporary, spectra, drawn)
        _add_tables(temporary, project, spectra, tables)
    return target


def curves_of(entry: Entry, spectrum: Spectrum) -> dict[str, FloatArray]:
    """Background, envelope and components of all regions on the whole axis; not a number outside their region."""
    import numpy as np

    from fitting.curves import curves

    table: dict[str, FloatArray] = {}
    taken: set[str] = set()
    for fit in () if spectrum.navigation else entry.fits:
        drawn = curves(spectrum, fit.model)
        part = spectrum.axis.window(*fit.model.region)
        before = f"{fit.name} " if len(entry.fits) > 1 else ""
        rows = [("background", drawn.background), ("envelope", drawn.envelope)]
        rows += [(fit.model.component(id).name or id, drawn.background + curve) for id, curve in drawn.components]
        for name, values in rows:
            whole = np.full(len(spectrum.axis), np.nan)
            whole[part] = values
            table[_free(f"{before}{name}", taken)] = whole
    return table


def _add_tables(
    path: Path, project: Project, spectra: list[Spectrum], tables: dict[str, Composition]
) -> None:
    """Fits into their entries, a composition into the first entry of its sample."""
    import h5py

    from app.project.compose import level_names, sample_and_level

    waiting = dict(tables)
    names = level_names(project)
    with h5py.File(path, "r+") as file:
        _add_loss_tables(file, project)
        for number, (entry, spectrum) in enumerate(zip(project.entries, spectra, strict=True), start=1):
            group = file[f"spectrum_{number:04d}"]
            for place, one in enumerate(entry.maps, start=1):
                write_map(group, place, one, spectrum.navigation[-2:] if spectrum.axis.labels else spectrum.navigation)
            if spectrum.axis.labels and len(spectrum.navigation) in (1, 3):
                add_profiles(group, entry)
                add_factors(group, entry)
                add_by_xps(group, entry)
                add_concentrations(group, project, entry)
            for place, fit in enumerate(entry.fits, start=1):
                _add_fit(group.create_group(f"fit_{place}"), fitted_spectrum(entry, fit), fit)
            for key in [key for key in waiting if sample_and_level(project, key)[0] is not None]:
                sample, at = sample_and_level(project, key)
                if sample is not None and sample.id == entry.sample and at in (None, entry.value):
                    table = waiting.pop(key)
                    part = group.create_group("composition")
                    add_composition(part, table, studies_for(project, key, table))
                    if at is not None:
                        part["level"] = plain_text(names[key])


def _add_loss_tables(file: Any, project: Project) -> None:
    """Tables of energy losses, one array a column; texts as texts, numbers with NaN where not determined."""
    for name, (columns, rows) in loss_tables(project).items():
        group = file.create_group(name)
        group.attrs["NX_class"] = "NXcollection"
        for place, column in enumerate(columns):
            values = [row[place] for row in rows]
            if any(isinstance(value, str) for value in values):
                group[column.replace("/", " per ")] = [plain_text(str(value)) for value in values]
            else:
                group[column.replace("/", " per ")] = [math.nan if value is None else value for value in values]


def _add_fit(group: Any, spectrum: Spectrum, fit: RegionFit) -> None:
    """`*_errors` are those of the covariance; `*_errors_scaled` those times `error_factor`, where that is not 1."""
    from fitting.peaks import error_factor, peak_numbers

    result = fit.result
    group.attrs["NX_class"] = "NXfit"
    group["label"] = plain_text(fit.name)
    group["model"] = plain_text(fit.model.to_json())
    group["region"] = list(fit.model.region)
    if result is not None:
        group["status"] = result.status
        group["statistic"] = result.statistic
        group["reduced_chi2"] = result.reduced_chi2
        group["error_factor"] = error_factor(result)
        for name in ("deviance", "aic", "aicc", "bic", "n_data", "n_free"):
            group[name] = getattr(result, name)
        group["data_sha256"] = result.data_hash
    for peak in peak_numbers(spectrum, fit.model, result):
        part = group.create_group(f"peak_{peak.id}")
        part.attrs["NX_class"] = "NXpeak"
        for name in ("name", "line", "compound", "shape"):
            part[name] = plain_text(getattr(peak, name))
        for name in ("position", "maximum", "fwhm", "height", "area", "rate"):
            value = getattr(peak, name)
            if value is not None:
                part[name] = value
                error, scaled = two_errors(getattr(peak, f"{name}_err", None), result)
                if error is not None:
                    part[f"{name}_errors"] = error
                if scaled is not None:
                    part[f"{name}_errors_scaled"] = scaled


def write_vamas_file(project: Project, path: str | Path, warn: Callable[[str], object] | None = None) -> Path:
    """All single spectra in one VAMAS file, with regions, components and energy shifts as CasaXPS keeps them; its path.

    Parameters
    ----------
    warn : callable, optional
        Told what CasaXPS has no form for and is left out.

    Raises
    ------
    BadData
        If there is no single spectrum.
    CannotWrite
        If the file cannot be written.
    """
    from app.files.casa_models import casa_rsf
    from app.files.casa_writer import vamas_spectrum
    from app.project.casa import named

    target = Path(path)
    entries = [e for e in project.entries if not e.spectrum.navigation and e.spectrum.meta.technique != "sims"]
    if not entries:
        raise BadData(
            "VAMAS holds single spectra of photoemission and energy loss, and there is none", where=str(target),
            todo="Export HDF5 instead",
        )
    for entry in project.entries if warn is not None else ():
        if entry.spectrum.meta.technique == "sims":
            warn(f"{entry.title} is ToF-SIMS, which is not written as VAMAS: export HDF5 or tables.")
        elif entry.spectrum.navigation:
            warn(f"{entry.title} is a series, which VAMAS does not hold: split it first to write its spectra.")
    models = [fit.model for entry in entries for fit in entry.fits]
    fill = all(casa_rsf(component) is None for model in models for component in model.components)
    written = [(named(project, entry), *vamas_spectrum(entry, project.ties, fill=fill)) for entry in entries]
    write_vamas(target, [spectrum for _, spectrum, _ in written])
    for title, _, warnings in written if warn is not None else ():
        for text in warnings:
            warn(f"{title}: {text}")
    return target


def _free(name: str, taken: set[str]) -> str:
    """A name that is not taken yet; the case of letters does not tell names apart on every disk."""
    free, number = name, 2
    known = {other.lower() for other in taken}
    while free.lower() in known:
        free, number = f"{name} {number}", number + 1
    taken.add(free)
    return free


def _safe(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w\- ().+]+", "_", name).strip(" .")[:80] or "spectrum"
