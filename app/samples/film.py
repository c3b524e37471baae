"""The sample project of angle-resolved XPS: two films on graphite at five emission angles, thicknesses known."""

from __future__ import annotations

from dataclasses import replace

from app.project.project import Entry, Layering, Project, RegionFit, Sample, fresh_id
from app.samples.outline import Peak, Region, region_model
from fitting.simulate.film import Film, carbonate, carbonate_on_fluoride, film_series
from fitting.xps.layers import StackLayer

NOTE = "Simulated films of known thickness: the manual lists the true values."
_CARBONATE = ("C 1s carbonate", "O 1s oxygen")
# Name, film, and what an analyst would suppose of it.
FILMS: tuple[tuple[str, Film, Layering], ...] = (
    (
        "Na2CO3 on graphite",
        carbonate(),
        Layering(
            "C 1s carbonate", "C 1s sp2", "Na2CO3", "graphite",
            stack=(StackLayer("Na2CO3", (*_CARBONATE, "Na 1s sodium")), StackLayer("graphite", ("C 1s sp2",))),
        ),
    ),
    (
        "Na2CO3 on NaF on graphite",
        carbonate_on_fluoride(),
        Layering(
            stack=(
                StackLayer("Na2CO3", _CARBONATE), StackLayer("NaF", ("F 1s fluoride",)),
                StackLayer("graphite", ("C 1s sp2",)),
            ),
        ),
    ),
)  # fmt: skip


def film_project(seed: int) -> Project:
    """Spectra of both films with the regions and models that an analyst would set."""
    project = Project("Films at five angles (simulated)", note=NOTE)
    for number, (name, film, layering) in enumerate(FILMS):
        id = fresh_id(name, {sample.id for sample in project.samples})
        project = project.with_sample(Sample(id, name, film.materials[0], layering=layering))
        for spectrum in film_series(film, seed=seed + number):
            spectrum = spectrum.with_(meta=replace(spectrum.meta, sample=name))
            level = spectrum.meta.region
            peaks = tuple(
                Peak(
                    line.name, level, line.binding_energy, (1.2, 0.5, 2.5), shape="gl_sum", values=(("mix", 0.2),),
                    compound=film.materials[line.sites[0][0]] if len(line.sites) == 1 else "",
                )
                for line in film.lines
                if line.line == level
            )  # fmt: skip
            region = Region(level, float(spectrum.x[0]), float(spectrum.x[-1]), peaks)
            model = replace(region_model(spectrum, region), name=level)
            angle = spectrum.meta.emission_angle
            title = f"{level} {angle:g}°"
            key = fresh_id(f"{level} {angle:g}", {entry.id for entry in project.entries})
            entry = Entry(
                key, spectrum, id, title, fits=(RegionFit("r1", model),),
                variable="emission angle", value=angle, unit="deg",
            )  # fmt: skip
            project = project.with_entry(entry)
    return project
