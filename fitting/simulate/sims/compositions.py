"""Compositions of the simulated phases, and what XPS would find at some depths of the interphase.

Compositions are chosen for this simulation (at.% without hydrogen): polymer with carbonate, sodium chlorates with
oxide, oxide with hydroxide and carbonate, fluoride with chloride, carbon.
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray
from fitting.simulate.sims.interphase import shares, total_time
from fitting.simulate.sims.phases import PHASES

ELEMENTS = ("C", "O", "F", "Na", "Cl")
_COMPOSITIONS = {
    "Organic": (62.0, 33.0, 1.0, 3.0, 1.0),
    "Chlorine oxides": (12.0, 44.0, 4.0, 22.0, 18.0),
    "Oxide and hydroxide": (4.0, 36.0, 2.0, 57.0, 1.0),
    "Halide salts": (2.0, 3.0, 38.0, 47.0, 10.0),
    "Bulk": (88.0, 5.0, 1.0, 5.0, 1.0),
}
_POINTS = 1000


def composition(phase: str) -> tuple[float, ...]:
    """at.% of a phase in the order of `ELEMENTS`."""
    return _COMPOSITIONS[phase]


def seen_by_xps(places: FloatArray, attenuation: float, error: float, seed: int) -> FloatArray:
    """What XPS finds after so much was sputtered away, with noise, scaled to 100 at.%.

    Parameters
    ----------
    places : array, shape (q,)
        nm, in an interphase of mean thickness.
    attenuation : float
        Effective attenuation length in nm, emission along the normal.
    error : float
        Standard deviation of the noise in at.%.
    seed : int

    Returns
    -------
    array, shape (q, elements)
    """
    share, depth = shares(1.0, np.linspace(0.0, total_time(), _POINTS + 1))
    amounts = np.array([composition(phase.name) for phase in PHASES])
    rng = np.random.default_rng(seed)
    found = []
    for place in places:
        weight = np.where(depth >= place, np.exp(-(depth - place) / attenuation), 0.0) * np.gradient(depth)
        mean = weight @ share / weight.sum()
        numbers = np.maximum(mean @ amounts + error * rng.normal(size=len(ELEMENTS)), 0.0)
        found.append(100.0 * numbers / numbers.sum())
    return np.array(found)
