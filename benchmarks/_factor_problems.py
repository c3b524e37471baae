"""Made depth profiles and cubes of ions for the benchmark "factors"."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum

SHAPE = (100, 128, 128)
QUICK_SHAPE = (25, 64, 64)
IONS, K = 60, 5


@dataclass(frozen=True, eq=False)
class Layers:
    """Counts (m, n), and what they were made from: profiles (m, k), spectra (k, n)."""

    counts: FloatArray
    profiles: FloatArray
    spectra: FloatArray


def layers(m: int = 500, n: int = 300, k: int = K, seed: int = 1) -> Layers:
    """Layers that follow one another with broad transitions; every ion occurs in every layer."""
    rng = np.random.default_rng(seed)
    profiles = shares(m, k, 0.04) * rng.uniform(5e3, 4e4, k)
    spectra = rng.exponential(1.0, (k, n)) ** 2 + 0.05
    spectra /= spectra.sum(axis=1, keepdims=True)
    return Layers(rng.poisson(profiles @ spectra).astype(float), profiles, spectra)


def shares(m: int, k: int, width: float) -> FloatArray:
    """Shares (m, k) of k layers of one thickness; widths as parts of the whole depth."""
    z = np.linspace(0.0, 1.0, m)[:, None]
    steps = 1.0 / (1.0 + np.exp(-(z - np.arange(1, k) / k) / width))
    edges = np.concatenate((np.ones((m, 1)), steps, np.zeros((m, 1))), axis=1)
    return edges[:, :-1] * (1.0 - edges[:, 1:])


def cube(shape: tuple[int, int, int] = SHAPE, seed: int = 2) -> Spectrum:
    """Counts of 60 ions in every voxel, about 40 together, as a file of an instrument holds them (8 bits a number)."""
    rng = np.random.default_rng(seed)
    scans, rows, columns = shape
    spectra = rng.exponential(1.0, (K, IONS)) ** 2 + 0.05
    spectra /= spectra.sum(axis=1, keepdims=True)
    y, x = np.mgrid[0:rows, 0:columns]
    texture = 1.0 + 0.5 * np.sin(9.0 * x / columns) * np.cos(7.0 * y / rows)
    along = shares(scans, K, 0.04) * rng.uniform(20.0, 80.0, K)
    counts = np.empty((*shape, IONS), np.uint8)
    for scan in range(scans):
        counts[scan] = rng.poisson((along[scan] @ spectra) * texture[..., None]).clip(0, 255)
    names = tuple(f"ion {number}" for number in range(IONS))
    axis = Axis(np.arange(float(IONS)), "ion", "", names)
    lateral = [Axis(np.arange(1.0, size + 1), "distance", "µm") for size in (rows, columns)]
    return Spectrum(axis, counts, Noise("poisson", 1.0), Meta(title="made", technique="sims"),
                    navigation=(Axis(np.arange(1.0, scans + 1), "scan", ""), *lateral))  # fmt: skip
