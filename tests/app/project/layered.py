"""A simulated angle series: a film of Na2CO3 of known thickness on graphite, as fitted spectra of a project."""

import math

import numpy as np

from app.project.project import Entry, Project, RegionFit, Sample
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.engine import fit
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param
from fitting.xps.layers import stack_intensities
from libraries.attenuation import imfp_tpp2m, material
from libraries.sensitivity import angular_factor, scofield
from libraries.units import kinetic_from_binding

PHOTON = 1486.6
FILM, BASE = "Na2CO3", "graphite"
# Name, line, binding energy, material, atoms per formula unit.
LINES = (
    ("carbonate", "C 1s", 289.5, FILM, 1), ("sp2", "C 1s", 284.5, BASE, 1), ("Na", "Na 1s", 1071.6, FILM, 2),
    ("O", "O 1s", 531.6, FILM, 3),
)  # fmt: skip


def series(depth, angles=(0.0, 25.0, 45.0, 60.0), counts=2e6, seed=0, noisy=True, recorded=False):
    """The project; `depth` in angstrom. Each angle has a scale of its own, as the lit area changes with the angle."""
    rng = np.random.default_rng(seed)
    energies = [float(kinetic_from_binding(be, PHOTON)) for _, _, be, _, _ in LINES]
    imfps = np.array([[float(imfp_tpp2m(e, name)) for e in energies] for name in (FILM, BASE)])
    solids = {name: material(name) for name in (FILM, BASE)}
    amounts = np.array([solids[m].density * n / solids[m].molar_mass for _, _, _, m, n in LINES])
    signal = stack_intensities((depth,), amounts, [0 if m == FILM else 1 for *_, m, _ in LINES], imfps, angles)
    factors = [
        scofield(line, PHOTON).value * angular_factor(line, PHOTON, 54.7356).value for _, line, _, _, _ in LINES
    ]
    signal *= np.array(factors) * counts / (1.0 + np.arange(len(angles)))[:, None]
    project = Project("layers", (Sample("s", "Film"),))
    for level, angle in enumerate(angles):
        for region, low, high in (("C 1s", 280.0, 294.0), ("Na 1s", 1066.0, 1077.0), ("O 1s", 526.0, 537.0)):
            chosen = [i for i, row in enumerate(LINES) if row[1] == region]
            spectrum, model = _spectrum(chosen, signal[level], region, low, high, angle if recorded else None)
            if noisy:
                spectrum = spectrum.with_(counts=rng.poisson(spectrum.counts).astype(float))
            result = fit(spectrum, model)
            entry = Entry(
                f"e{level}_{region[0].lower()}", spectrum, "s", f"{region} {angle:g}°",
                fits=(RegionFit("r1", result.model, result),),
                variable="" if recorded else "emission angle", value=None if recorded else angle,
                unit="" if recorded else "°",
            )
            project = project.with_entry(entry)
    return project


def _spectrum(chosen, areas, region, low, high, angle):
    components = tuple(
        Component(
            f"p{n}", LINES[i][0], "gl_sum",
            {"area": Param(float(areas[i]), 0.0), "position": Param(LINES[i][2], LINES[i][2] - 1, LINES[i][2] + 1),
             "fwhm": Param(1.2, 0.5, 2.0), "mix": Param(0.3, vary=False)},
            line=region,
        )
        for n, i in enumerate(chosen, 1)
    )  # fmt: skip
    background = Background("constant", {"level": Param(500.0)})
    model = FitModel((low, high), background, components, region)
    x = np.arange(low, high, 0.1)
    meta = Meta(
        technique="xps", region=region, sample="Film", photon_energy=PHOTON, dwell_time=1.0, sweeps=1.0,
        emission_angle=angle,
    )
    blank = Spectrum(Axis(x, "binding_energy"), np.ones_like(x), Noise("poisson", 1.0), meta)
    evaluator = Evaluator(blank, model)
    values = evaluator.full(evaluator.values_of(model))[0]
    assert math.isfinite(values.sum())
    return blank.with_(counts=values), model
