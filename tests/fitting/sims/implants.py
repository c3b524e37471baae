"""Implant profiles of known dose, factor and background, drawn anew for each seed."""

import numpy as np

from fitting.dataset import Axis, Meta, Noise, Spectrum
from fitting.sims.depth import depth_scale
from fitting.sims.setup import DepthScale

RSF = 2.0e22  # atoms/cm3
DOSE = 1.0e15  # atoms/cm2
CENTRE, SIGMA = 120.0, 35.0  # nm
TIMES = np.arange(1.0, 301.0)  # s, 1 nm/s


def rho(z, dose=DOSE, centre=CENTRE, sigma=SIGMA):
    """Gaussian of an implant, atoms/cm3, whole dose below the surface but for 3e-4."""
    return dose * 1e7 / (sigma * np.sqrt(2 * np.pi)) * np.exp(-0.5 * ((z - centre) / sigma) ** 2)


def means(matrix=50_000.0, background=1e-4, drift=0.1, ions=rho):
    """Mean counts of ion and matrix at each point; the primary current drifts."""
    current = matrix * (1 + drift * np.sin(TIMES / 45.0))
    return current * (ions(TIMES) / RSF + background), current


def implant(seed, matrix=50_000.0, background=1e-4, drift=0.1, ions=rho, names=("P-", "Si-")):
    """A profile of two ions over time."""
    mean = np.stack(means(matrix, background, drift, ions), axis=1)
    counts = np.random.default_rng(seed).poisson(mean)
    axis = Axis(np.arange(2.0), "ion", "", names)
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="implant", region="P in Si", technique="sims"),
                    navigation=(Axis(TIMES, "time", "s"),))


def depths(error=0.0):
    """1 nm/s."""
    return depth_scale(TIMES, DepthScale("rate", rate=1.0, rate_error=error))
