"""Small simulated samples of known truth: a cathode with four lines, in levels, charged or not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.project.project import Project, RegionFit, add_spectra
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.evaluate import Evaluator
from fitting.model import Background, Component, FitModel, Param

LEVEL = 900.0


def peak(id, name, position, fwhm, area, line):
    params = {"area": Param(area, 0.0), "position": Param(position, position - 1.0, position + 1.0),
              "fwhm": Param(fwhm, 0.4, 3.0), "mix": Param(0.3, 0.0, 1.0, vary=False)}
    return Component(id, name, "gl_sum", params, line=line)


def models(scale=1.0, share=0.5):
    """C 1s (two lines), O 1s (two) and Na 1s; `share` of the oxide in O 1s."""
    flat = Background("constant", {"level": Param(LEVEL)})
    return (
        FitModel((281.0, 290.0), flat, (peak("p1", "C–C", 284.8, 1.1, 5000 * scale, "C 1s"),
                                        peak("p2", "C–O", 286.4, 1.3, 2500 * scale, "C 1s")), "C 1s"),
        FitModel((527.0, 536.0), flat, (peak("p1", "oxide", 530.0, 1.3, 8000 * scale * share, "O 1s"),
                                        peak("p2", "OH", 531.8, 1.5, 8000 * scale * (1 - share), "O 1s")), "O 1s"),
        FitModel((1067.0, 1077.0), flat, (peak("p1", "Na+", 1071.5, 1.5, 9000 * scale, "Na 1s"),), "Na 1s"),
    )


def spectrum(model, sample, seed, charge=0.0, margin=4.0, step=0.1):
    """Poisson counts of a model whose lines stand `charge` eV too high."""
    low, high = model.region
    x = np.arange(low - margin, high + margin, step)
    meta = Meta(technique="xps", region=model.name, sample=sample, photon_energy=1486.6, source="Al Kα",
                dwell_time=0.1, sweeps=10.0)
    blank = Spectrum(Axis(x + charge, "binding_energy"), np.ones_like(x), Noise("poisson", 1.0), meta)
    wide = model.moved(charge)
    evaluator = Evaluator(blank, replace(wide, region=(x[0] + charge - 0.01, x[-1] + charge + 0.01)))
    envelope = evaluator.parts(evaluator.values_of(wide)).envelope
    return blank.with_(counts=np.random.default_rng(seed).poisson(envelope))


def sample(name, seed=1, charge=0.0, scale=1.0, share=0.5, project=None):
    """A project with the three spectra of a sample, without fits."""
    spectra = [spectrum(m, name, 100 * seed + i, charge) for i, m in enumerate(models(scale, share))]
    return add_spectra(project or Project("Simulated"), spectra, name)


def with_models(project, scale=1.0, share=0.5):
    """Every entry with its true model as a region, not fitted."""
    true = {m.name: m for m in models(scale, share)}
    for entry in project.entries:
        project = project.with_entry(entry.with_fit(RegionFit("r1", true[entry.spectrum.name])))
    return project


def profile(levels=6, seed=3):
    """One sample in levels of a depth series; the share of the oxide rises from 0.1 to 0.9; returns the shares too."""
    project, shares = Project("Profile"), np.linspace(0.1, 0.9, levels)
    for i, share in enumerate(shares):
        before = {e.id for e in project.entries}
        project = sample("Cathode", seed + i, 0.0, 1.0, share, project)
        for entry in project.entries:
            if entry.id not in before:
                project = project.with_entry(replace(entry, variable="depth", value=2.0 * i, unit="nm"))
    return project, shares
