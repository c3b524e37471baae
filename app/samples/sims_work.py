"""The ToF-SIMS sample as an analyst would work through it, with what every user can reach in the window."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.project import mass_calibration, masses
from app.project.factor_analysis import Wish, keep_factors, rename_factor, solve
from app.project.project import Entry, Project
from app.project.sims_by_xps import with_by_xps
from app.project.sims_depth_edits import add_interface, with_depth, with_layering
from app.project.sims_profiles import with_look
from app.samples.steps import Steps
from fitting.factors.constraints import Constraints
from fitting.image.place import Roi
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.sims.columns import counted, place_of
from fitting.sims.mass_calibration import SODIUM_CLUSTERS, calibrate
from fitting.sims.setup import DepthScale, Interface, LayerSetup, PhaseRate
from fitting.simulate.sims.compositions import ELEMENTS, seen_by_xps
from fitting.solver import Cancel, Progress
from libraries.ions import parse_ion

# The instrument's nominal law, by which an analyst finds the first lines (channels).
NOMINAL_SLOPE, NOMINAL_OFFSET, REACH = 13100.0, 120.0, 12.0
CALIBRANTS = {
    "positive": SODIUM_CLUSTERS,
    "negative": ("C2H-", "ClO-", "ClO3-", "NaCl2-"),
}
FACTORS = 5
SATURATED = {"positive": ("Na+",), "negative": ("Cl-",)}
TRACES = {
    "positive": ("C2H3+", "Na2ClO+", "Na2OH+", "Na2F+", "Na2C2H+", "Na3F2+"),
    "negative": ("C2H-", "ClO3-", "NaO-", "NaF2-", "C4-", "Na3F4-"),
}
# By the ion that stands highest above its share in the other factors, as the source paper names its layers.
MARKERS = {
    "positive": {"C2H3+": "Organic", "Na2ClO+": "Chlorine oxides", "Na3O+": "Oxide and hydroxide",
                 "Na2F+": "Halide salts", "Na2C2H+": "Bulk"},
    "negative": {"C2H-": "Organic", "ClO3-": "Chlorine oxides", "NaO-": "Oxide and hydroxide",
                 "NaF2-": "Halide salts", "C4-": "Bulk"},
}  # fmt: skip
# As measured on films of single phases, 5 % each, and by profilometer (nm); chosen a little off the truth.
RATES = {"Organic": 0.098, "Chlorine oxides": 0.082, "Oxide and hydroxide": 0.056, "Halide salts": 0.068,
         "Bulk": 0.061}  # fmt: skip
RATE_ERROR, CRATER, CRATER_ERROR = 0.05, 48.2, 0.5
# XPS of a twin that was sputtered to these depths (nm, known to 0.3); attenuation length in nm, noise in at.%.
XPS_DEPTHS, DEPTH_ERROR = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 36.0, 42.0), 0.3
ATTENUATION, XPS_ERROR = 2.5, 0.7


def work_interphase(project: Project, progress: Progress | None = None, cancel: Cancel | None = None) -> Project:
    """Calibrate and list the masses, resolve five factors, depth by phases, layers, an interface, both polarities."""
    tell = Steps(progress, 4)
    for polarity in ("positive", "negative"):
        tell(f"Masses of the {polarity} ions")
        project = _masses(project, f"{polarity}_spectrum", polarity)
        tell(f"Factors of the {polarity} ions")
        project = _factors(project, f"{polarity}_ions", polarity, cancel)
        project = _depth(project, f"{polarity}_ions", polarity)
        project = _by_xps(project, f"{polarity}_ions")
    return project


def _masses(project: Project, id: str, polarity: str) -> Project:
    """Click the calibrants near where the instrument's law expects them, apply, find and name the lines."""
    for text in CALIBRANTS[polarity]:
        entry = project.entry(id)
        view = masses.view_of(entry, entry.single())
        near = NOMINAL_SLOPE * float(np.sqrt(parse_ion(text).mz)) + NOMINAL_OFFSET
        project = mass_calibration.with_calibrant(
            project, id, text, mass_calibration.line_near(view, near, REACH).channel)
    entry = project.entry(id)
    law = calibrate(mass_calibration.calibrants_of(entry, masses.view_of(entry, entry.single())))
    project = mass_calibration.apply_scale(project, id, law)
    entry = project.entry(id)
    return masses.with_peaks(project, id, masses.find_peaks(entry, masses.view_of(entry, entry.single())))


def _factors(project: Project, id: str, polarity: str, cancel: Cancel | None) -> Project:
    """MCR of all ions but the saturated one, closed, with bands of ambiguity; named by their ions."""
    spectrum = project.entry(id).processed()
    left = {place_of(spectrum.axis, name) for name in SATURATED[polarity]}
    channels = tuple(place for place in counted(spectrum.axis) if place not in left)
    wish = Wish("mcr", FACTORS, channels=channels, constraints=Constraints(closure=True), bands=True)
    project, analysis = keep_factors(project, id, solve(spectrum, wish, cancel=cancel), spectrum.hash)
    for index, name in enumerate(_names(project.entry(id), polarity)):
        project = rename_factor(project, id, analysis, index, name)
    return project


def _names(entry: Entry, polarity: str) -> tuple[str, ...]:
    """What the factors are called: each by the marker whose share in it stands out most."""
    about = entry.factors[-1]
    labels = list(about.labels)
    share = np.asarray(about.spectra) / np.sum(about.spectra, axis=0, keepdims=True)
    free, names = dict(MARKERS[polarity]), [""] * share.shape[0]
    for _ in names:
        values = {(i, m): share[i, labels.index(m)] for i, known in enumerate(names) if not known for m in free}
        (best, marker) = max(values, key=lambda key: values[key])
        names[best] = free.pop(marker)
    return tuple(names)


def _depth(project: Project, id: str, polarity: str) -> Project:
    """Depth by the rates of the phases and the crater, layers by the factors, one interface, traces over depth."""
    about = project.entry(id).factors[-1]
    phases = tuple(PhaseRate(name, RATES[name], RATE_ERROR * RATES[name]) for name in about.names)
    scale = DepthScale("phases", crater=CRATER, crater_error=CRATER_ERROR, factors=about.id, phases=phases,
                       note="films of single phases, same day; crater by profilometer")
    project = with_depth(project, id, scale)
    project = with_layering(project, id, LayerSetup(factors=about.id))
    bulk = next(i for i, name in enumerate(about.names) if name == "Bulk")
    last = float(project.entry(id).spectrum.navigation[0].values[-1])
    onset = Interface("", "Onset of the bulk", f"factor:{about.id}/{bulk + 1}", 0.55 * last, last, "time", "erf")
    project, _ = add_interface(project, id, onset)
    project = with_look(project, id, ions=TRACES[polarity], axis="depth")
    entry = project.entry(id)
    rows, columns = (len(axis) for axis in entry.spectrum.navigation[1:])
    middle = Roi("centre", "Centre", "ellipse", ((0.34 * columns, 0.34 * rows), (0.66 * columns, 0.66 * rows)))
    return project.with_entry(replace(entry, rois=(*entry.rois, middle)))


def _by_xps(project: Project, id: str) -> Project:
    """The factors' compositions from XPS at ten depths, simulated like the ions."""
    numbers = np.round(seen_by_xps(np.array(XPS_DEPTHS), ATTENUATION, XPS_ERROR, seed=1), 1)  # as tables tell them
    errors = (XPS_ERROR,) * len(ELEMENTS)
    depths = tuple(XpsDepth(place, DEPTH_ERROR if place > 0 else 0.0, tuple(map(float, row)), errors, "simulated")
                   for place, row in zip(XPS_DEPTHS, numbers, strict=True))
    factors = project.entry(id).factors[-1].id
    return with_by_xps(project, id, ByXps(factors, ELEMENTS, depths, ATTENUATION))
