"""Sample projects: simulated measurements of known composition, with the regions and models an analyst would set.

The spectra come from `fitting.simulate`; everything after that uses only what an analyst sees. The models of
`app.samples.xps` are written as an analyst would type them: windows, backgrounds, peaks from the library, links. They
are fitted by the program like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from app.project import work
from app.project.project import Project, RegionFit, Sample, add_spectra
from app.samples.eels import sphere_project, vanadium_project
from app.samples.eels_work import work_spheres, work_vanadium
from app.samples.film import film_project
from app.samples.outline import region_model
from app.samples.sims import interphase_project
from app.samples.sims_work import work_interphase
from app.samples.xps import MODELS
from fitting.dataset import Spectrum
from fitting.simulate.samples import C1S_REFERENCE, xps_samples
from fitting.simulate.xps import expectation, noisy
from fitting.solver import Progress
from libraries.errors import NotDetermined

TECHNIQUES = ("xps", "eels", "sims")


def measured_reference(spectrum: Spectrum) -> float:
    """Where the strongest C 1s line stands: vertex of a parabola through the top fifth of the peak.

    Raises
    ------
    NotDetermined
        If the spectrum has no peak.
    """
    x, y = spectrum.x, spectrum.y
    floor = float(np.median(np.sort(y)[: max(y.size // 5, 3)]))
    top = int(np.argmax(np.convolve(y, np.ones(3) / 3, "same")))
    if not y[top] > floor:
        raise NotDetermined("No C 1s peak was found", where=spectrum.name)
    # Only the points around the maximum that stay above four fifths of it.
    low = high = top
    level = floor + 0.8 * (y[top] - floor)
    while low > 0 and y[low - 1] > level:
        low -= 1
    while high < y.size - 1 and y[high + 1] > level:
        high += 1
    if high - low < 3:
        low, high = max(top - 2, 0), min(top + 2, y.size - 1)
    if high - low < 3:
        raise NotDetermined("No C 1s peak was found", where=spectrum.name)
    a, b, _ = np.polyfit(x[low : high + 1] - x[top], y[low : high + 1], 2)
    if not a < 0:
        raise NotDetermined("No C 1s peak was found", where=spectrum.name)
    return float(x[top] - b / (2 * a))


def set_up(project: Project, sample: Sample) -> Project:
    """Charge reference, regions and models for one simulated sample, from what its spectra show."""
    carbon = next(e for e in project.entries_of(sample.id) if e.spectrum.meta.region == "C 1s")
    note = f"C 1s at {C1S_REFERENCE:g} eV"
    project = work.charge_reference(project, sample.id, measured_reference(carbon.spectrum), C1S_REFERENCE, note)
    for region in MODELS[sample.name]:
        entry = next(e for e in project.entries_of(sample.id) if e.spectrum.meta.region == region.spectrum)
        model = region_model(entry.processed(), region)
        project = project.with_entry(entry.with_fit(RegionFit("r1", model)))
    return project


def _xps_project(seed: int) -> Project:
    project = Project("Sodium battery surfaces (simulated)")
    for number, spec in enumerate(xps_samples()):
        measured = noisy(expectation(spec), seed + number)
        project = add_spectra(project, list(measured.spectra), spec.name)
        sample = next(s for s in project.samples if s.name == spec.name)
        sample = replace(sample, material=spec.material.name, note=spec.note)
        project = set_up(project.with_sample(sample), sample)
    return replace(project, note="Simulated spectra of known composition: the manual lists the true values.")


_PROJECTS: dict[str, Callable[[int], Project]] = {
    "xps": _xps_project, "xps-angles": film_project, "eels": sphere_project, "eels-valence": vanadium_project,
    "sims": interphase_project,
}  # fmt: skip


def sample_project(technique: str = "xps", seed: int = 2026, *, fitted: bool = False) -> Project:
    """The sample project of a technique.

    Parameters
    ----------
    technique : str
        One of `TECHNIQUES`, "xps-angles" for films at five emission angles, "eels" for a spectrum image of sodiated
        carbon, "eels-valence" for vanadium at three states of charge, "sims" for
        mass spectra and cubes of an interphase.
    seed : int
        Of the noise.
    fitted : bool
        Whether its regions are fitted already; energy-loss samples are then worked through (minutes).
    """
    project = _PROJECTS[technique](seed)
    return worked_through(project, technique) if fitted else project


def worked_through(project: Project, technique: str, progress: Progress | None = None) -> Project:
    """A sample project as an analyst would leave it: regions fitted; energy losses analysed, which takes a minute."""
    if technique == "eels":
        return work_spheres(project, progress)
    if technique == "eels-valence":
        return work_vanadium(project, progress)
    if technique == "sims":
        return work_interphase(project, progress)
    return work.fit_all(project, progress=progress)
