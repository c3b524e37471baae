"""What the Export menu writes: the project with its fitted curves and numbers. No widgets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from app.files.atomic import cannot_write
from app.files.csv_writer import write_csv, write_table
from app.files.nexus_writer import write_nexus
from app.files.vamas_writer import write_vamas
from app.project.project import Entry, Project
from fitting.curves import curves
from fitting.dataset import FloatArray, Spectrum
from libraries.errors import BadData

PEAK_COLUMNS = (
    "Sample", "Spectrum", "Region", "Component", "Line", "Compound", "Shape", "Parameter", "Value", "Standard error",
    "Lower bound", "Upper bound", "Held", "Link", "Reduced chi2", "Status", "Source",
)


def _named(name: str, taken: set[str]) -> str:
    """A name that is not taken yet."""
    free, number = name, 2
    while free in taken:
        free, number = f"{name} {number}", number + 1
    taken.add(free)
    return free


def curves_of(entry: Entry, spectrum: Spectrum) -> dict[str, FloatArray]:
    """Background, envelope and components of all regions on the whole axis; not a number outside their region."""
    table: dict[str, FloatArray] = {}
    taken = {"Intensity", "Transmission"}
    if spectrum.navigation:
        return table
    for fit in entry.fits:
        drawn = curves(spectrum, fit.model)
        part = spectrum.axis.window(*fit.model.region)
        before = f"{fit.name} " if len(entry.fits) > 1 else ""
        rows = [("background", drawn.background), ("envelope", drawn.envelope)]
        rows += [(fit.model.component(id).name or id, drawn.background + curve) for id, curve in drawn.components]
        for name, values in rows:
            whole = np.full(len(spectrum.axis), np.nan)
            whole[part] = values
            table[_named(f"{before}{name}", taken)] = whole
    return table


def peak_rows(project: Project) -> Iterator[tuple[object, ...]]:
    """One row a parameter of all models."""
    names = {sample.id: sample.name for sample in project.samples}
    for entry in project.entries:
        for fit in entry.fits:
            result = fit.result
            chi = result.reduced_chi2 if result is not None and result.noise.known else None
            status = result.status if result is not None else "not fitted"
            for full, param in fit.model.params.items():
                owner, _, parameter = full.partition(".")
                component = next((c for c in fit.model.components if c.id == owner), None)
                known = result is not None and full in result.names
                yield (
                    names.get(entry.sample, ""), entry.title, fit.name, component.name if component else "background",
                    component.line if component else "", component.compound if component else "",
                    component.shape if component else fit.model.background.kind, parameter, param.value,
                    result.error(full) if result is not None and known else None,
                    param.minimum if np.isfinite(param.minimum) else None,
                    param.maximum if np.isfinite(param.maximum) else None,
                    not param.vary, param.link, chi, status, component.source if component else "",
                )


def _safe(name: str) -> str:
    """A name that every file system takes."""
    return re.sub(r"[^\w\- ().+]+", "_", name).strip(" .")[:80] or "spectrum"


def write_csv_folder(project: Project, folder: Path) -> Path:
    """One table a spectrum with its curves, and `peaks.csv` with all parameters; the folder.

    Raises
    ------
    CannotWrite
        If the folder cannot be written.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(folder, error) from error
    names = {sample.id: sample.name for sample in project.samples}
    taken = {"peaks"}
    for entry in project.entries:
        spectrum = entry.processed()
        file = _named(_safe(f"{names.get(entry.sample, '')} {entry.title}".strip()), taken)
        write_csv(folder / f"{file}.csv", spectrum, curves_of(entry, spectrum))
    write_table(folder / "peaks.csv", PEAK_COLUMNS, peak_rows(project))
    return folder


def write_hdf5(project: Project, path: Path) -> Path:
    """All spectra after their recipes, with their curves, in one NeXus file; its path."""
    spectra = [entry.processed() for entry in project.entries]
    drawn = {i: curves_of(entry, spectra[i]) for i, entry in enumerate(project.entries)}
    write_nexus(path, spectra, drawn)
    return path


def write_vamas_file(project: Project, path: Path) -> Path:
    """All single spectra after their recipes in one VAMAS file; its path.

    Raises
    ------
    BadData
        If there is no single spectrum.
    """
    spectra = [s for s in (entry.processed() for entry in project.entries) if not s.navigation]
    if not spectra:
        raise BadData("VAMAS holds single spectra, and there is none", todo="Export HDF5 instead")
    write_vamas(path, spectra)
    return path
