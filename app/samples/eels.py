"""Sample projects of energy-loss spectra: an image of sodiated carbon spheres, and Na3V2(PO4)3 at three states."""

from __future__ import annotations

from app.project.project import Entry, Project, Sample
from fitting.simulate.eels.spheres import sphere_image
from fitting.simulate.eels.vanadium import vanadium_series

NOTE = "Simulated spectra of known truth: the manual lists the true values."


def sphere_project(seed: int) -> Project:
    """Low loss and core loss of one scan, as they come from the microscope."""
    image = sphere_image(seed)
    name = image.low_loss.meta.sample
    low = Entry("low_loss", image.low_loss, "spheres", "Low loss")
    core = Entry("core_loss", image.core_loss, "spheres", "Core loss", low_loss="low_loss")
    return Project("Sodiated carbon spheres (simulated)", (Sample("spheres", name),), (low, core), note=NOTE)


def vanadium_project(seed: int) -> Project:
    """Three states of charge and three reference compounds, each with its low loss."""
    samples = (Sample("series", "Na3V2(PO4)3"), Sample("references", "Reference compounds"))
    entries: list[Entry] = []
    for number, one in enumerate(vanadium_series(seed).measurements, 1):
        sample = "references" if one.reference else "series"
        low = Entry(f"low_{number}", one.low_loss, sample, f"{one.name}, low loss")
        core = Entry(f"core_{number}", one.core_loss, sample, f"{one.name}, V L2,3", low_loss=low.id)
        entries += [core, low]
    return Project("Vanadium valence in Na3V2(PO4)3 (simulated)", samples, tuple(entries), note=NOTE)
