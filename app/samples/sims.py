"""The sample project of ToF-SIMS: the interphase of a cycled hard carbon, both polarities, spectra and cubes."""

from __future__ import annotations

from app.project.project import Entry, Project, Sample
from fitting.sims.setup import MassSetup
from fitting.simulate.sims.interphase import SCANS, SIZE, interphase, merged
from fitting.simulate.sims.mass_spectrum import RESOLUTION, mass_spectrum

NOTE = "Simulated data of known truth: the manual lists the true values."


def interphase_project(seed: int, *, size: int = SIZE, scans: int = SCANS) -> Project:
    """Mass spectra, not calibrated, and cubes of the ions of a peak list, as they come from the instrument."""
    positive, negative, truth = interphase(seed, size=size, scans=scans)
    entries = []
    for polarity, cube in (("positive", positive), ("negative", negative)):
        spectrum = mass_spectrum(truth, polarity, seed, size=size)
        title = polarity.capitalize()
        setup = MassSetup(resolution=RESOLUTION)
        entries.append(Entry(f"{polarity}_spectrum", spectrum, "interphase", f"{title} spectrum"))
        entries.append(Entry(f"{polarity}_ions", merged(cube), "interphase", f"{title} cube", masses=setup))
    sample = Sample("interphase", positive.meta.sample)
    return Project("Sodium interphase on hard carbon (simulated)", (sample,), tuple(entries), note=NOTE)
