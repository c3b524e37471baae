"""A project with a profile of three layers, its closed factors, a depth scale and XPS at depths, all of known truth."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from app.files.by_xps_tables import depths_table
from app.files.csv_table import write_table
from app.project.factor_analysis import Wish, keep_factors, solve
from app.project.project import Project, add_spectra
from benchmarks._factor_problems import shares
from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.factors.constraints import Constraints
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.sims.setup import DepthScale

POINTS, END = 60, 30.0  # nm
ELEMENTS = ("C", "O", "F")
COMPOSITIONS = np.array([[70.0, 25.0, 5.0], [10.0, 60.0, 30.0], [90.0, 8.0, 2.0]])
PLACES = (1.0, 5.0, 9.0, 13.0, 17.0, 21.0, 28.0)


def profile():
    """Counts of twenty ions along 120 s."""
    rng = np.random.default_rng(0)
    spectra = rng.exponential(1.0, (3, 20)) ** 2 + 0.05
    counts = rng.poisson((shares(POINTS, 3, 0.03) * np.array([6e3, 3e3, 5e3])) @ (spectra / spectra.sum(
        axis=1, keepdims=True)))
    labels = tuple(f"C{number}H-" for number in range(2, 22))
    return Spectrum(Axis(np.arange(20.0), "ion", "", labels), counts, Noise("poisson", 1.0),
                    Meta(title="Made", region="Made", technique="sims", sample="S"),
                    navigation=(Axis(np.linspace(2.0, 120.0, POINTS), "time", "s"),))


def xps(seed=1, error=0.7):
    """Compositions that XPS finds at its depths."""
    z, x = np.linspace(2.0, 120.0, POINTS) * END / 120.0, shares(POINTS, 3, 0.03)
    rng, depths = np.random.default_rng(seed), []
    for place in PLACES:
        mean = np.array([np.interp(place, z, column) for column in x.T])
        numbers = np.maximum(mean / mean.sum() @ COMPOSITIONS + error * rng.normal(size=3), 0.0)
        depths.append(XpsDepth(place, 0.2, tuple(map(float, 100.0 * numbers / numbers.sum())), (error,) * 3, "made"))
    return tuple(depths)


@lru_cache(maxsize=2)
def project(closed=True):
    """The project; without `closed` the factors are not."""
    whole = add_spectra(Project("p"), [profile()])
    entry = whole.entries[0]
    found = solve(entry.processed(), Wish("mcr", 3, constraints=Constraints(closure=closed)))
    whole, id = keep_factors(whole, entry.id, found, entry.processed().hash)
    setup = ByXps(id, ELEMENTS, xps())
    return whole.with_entry(replace(whole.entries[0], depth=DepthScale("crater", crater=END), by_xps=setup))


def write_xps(path, setup):
    """The table of given compositions as a file; its path."""
    write_table(path, *depths_table(setup))
    return path
