"""Shares of the simulated interphase with known compositions of its phases, and what XPS sees of them."""

import math
from functools import lru_cache

import numpy as np
from scipy.integrate import trapezoid

from fitting.sims.by_xps_given import SharesAlong
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from fitting.simulate.sims.compositions import ELEMENTS, composition
from fitting.simulate.sims.interphase import shares, total_time
from fitting.simulate.sims.phases import PHASES

# Atoms in nm3 without hydrogen from densities of handbooks: NaF 73, NaCl 45, Na2O 66, carbon of 1.5 g/cm3 75.
DENSITIES = np.array([70.0, 70.0, 66.0, 62.0, 75.0])
NAMES = tuple(phase.name for phase in PHASES)
COMPOSITIONS = np.array([composition(name) for name in NAMES])
PLACES = (0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 25.0, 30.0, 36.0, 42.0)


@lru_cache(maxsize=4)
def along(points):
    """Depths and shares of the phases at so many points."""
    x, z = shares(1.0, np.linspace(0.0, total_time(), points + 1))
    return z, x


def sims(points=60, **more):
    """What ToF-SIMS knows: the true shares at its points."""
    z, x = along(points)
    return SharesAlong(NAMES, z, x, **more)


def seen(place, length=0.0, densities=None, fine=6000):
    """Composition that XPS sees at a depth, by plain numerical integration over a fine grid."""
    z, x = along(fine)
    a = np.ones(x.shape[1]) if densities is None else densities
    if length > 0:
        inside = z >= place
        weight = np.exp(-(z[inside] - place) / length)
        mean = trapezoid(x[inside] * weight[:, None], z[inside], axis=0) * a
    else:
        mean = np.array([np.interp(place, z, column) for column in x.T]) * a
    return (mean / mean.sum()) @ COMPOSITIONS


def setup(rng=None, *, places=PLACES, error=0.7, length=0.0, used=None, depth_error=0.0, true_densities=None, **more):
    """XPS numbers with noise (none without `rng`); `used` is the attenuation length that the analyst gives."""
    depths = []
    for place in places:
        true = place if rng is None else max(place + depth_error * rng.normal(), 0.0)
        numbers = seen(true, length, true_densities, fine=6000 if rng is None else 1000)
        if rng is not None:
            numbers = np.maximum(numbers + error * rng.normal(size=numbers.size), 0.0)
            numbers = 100.0 * numbers / numbers.sum()
        errors = (error,) * len(ELEMENTS) if error > 0 else (math.nan,) * len(ELEMENTS)
        depths.append(XpsDepth(place, depth_error, tuple(map(float, numbers)), errors))
    return ByXps("", ELEMENTS, tuple(depths), length if used is None else used, **more)
