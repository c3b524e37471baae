"""Cubes of ions of a layered interphase on hard carbon, positive and negative mode, with their truth.

Layers that are thicker here and thinner there are sputtered at the rate of what is at the surface; cascade mixing and
information depth blur them (MRI, Hofmann 1994). Every pulse gives ions by the yields of the phases, which depend on the
matrix; the detector counts at most one of a kind in a pulse, so that strong ions saturate.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.sims.response import mri_step
from fitting.simulate.sims.phases import PHASES, Yields, yields

SIZE, SCANS, WIDTH = 128, 60, 50.0  # pixels a side, scans, µm (the source paper's raster)
PULSES = 12  # of the primary beam on a pixel in a scan, chosen
CURRENT = 1.0e-12  # A, chosen
MIXING, RECOIL, ROUGHNESS = 0.8, 0.2, 0.5  # w, lambda and sigma of MRI in nm, chosen
UNEVEN = 0.05  # standard deviation of the thickness over the pixels, relative, chosen
_LEVELS = 33  # thicknesses for which a profile is worked out
_FINE = 0.04  # nm
_INSIDE = 8  # moments of a scan
# The matrix: oxide raises the yield of positive clusters of other phases, organic matter lowers negative ones (chosen).
MATRIX = 0.2
_ELEMENTARY = 1.602176634e-19  # C, SI 2019


@dataclass(frozen=True, eq=False)
class InterphaseTruth:
    """What was put in.

    Attributes
    ----------
    names : tuple of str
        Phases from the surface down.
    thickness : array, shape (k,)
        Mean over the pixels in nm; of the last what was sputtered.
    rates : array, shape (k,)
        nm/s.
    time : array, shape (scans,)
        Middle of the scans in s.
    depth : array, shape (scans,)
        nm, of a pixel of mean thickness.
    fractions : array, shape (scans, k)
        Shares of the phases in what is analysed, mean over the pixels.
    interfaces : array, shape (k - 1,)
        Times in s at which the mean shares of neighbours cross.
    relief : array, shape (rows, columns)
        Thickness of all layers relative to the mean.
    positive, negative : Yields
    """

    names: tuple[str, ...]
    thickness: FloatArray
    rates: FloatArray
    time: FloatArray
    depth: FloatArray
    fractions: FloatArray
    interfaces: FloatArray
    relief: FloatArray
    positive: Yields
    negative: Yields


def relief(seed: int, size: int = SIZE) -> FloatArray:
    """Relative thickness of the layers, mean 1 and standard deviation `UNEVEN`: grains and broad hills."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.normal(size=(size, size)), size / 24, mode="wrap")
    broad = gaussian_filter(rng.normal(size=(size, size)), size / 7, mode="wrap")
    field = field / field.std() + 0.7 * broad / broad.std()
    return np.asarray(1.0 + UNEVEN * (field - field.mean()) / field.std())


def total_time() -> float:
    """Seconds until all layers of mean thickness are gone."""
    return sum(phase.thickness / phase.rate for phase in PHASES)


def shares(stretch: float, edges: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Shares of the phases in each scan for layers `stretch` times as thick, and the depth at its middle.

    Parameters
    ----------
    stretch : float
    edges : array, shape (scans + 1,)
        Times at which scans begin and end, s.

    Returns
    -------
    shares : array, shape (scans, k)
    depth : array, shape (scans,)
    """
    rates = np.array([phase.rate for phase in PHASES])
    bounds = stretch * np.cumsum([phase.thickness for phase in PHASES])[:-1]
    z = np.arange(0.0, 1.6 * sum(phase.thickness for phase in PHASES), _FINE)
    steps = [np.ones_like(z), *(mri_step(z - bound, MIXING, RECOIL, ROUGHNESS) for bound in bounds), np.zeros_like(z)]
    x = -np.diff(np.array(steps), axis=0).T
    x = np.clip(x, 0.0, None)
    x /= x.sum(axis=1, keepdims=True)
    # The rate is that of the mixture at the surface: t = integral dz / sum x_k r_k.
    slowness = 1.0 / (x @ rates)
    time = np.concatenate(([0.0], np.cumsum(0.5 * (slowness[1:] + slowness[:-1]) * _FINE)))
    moments = edges[:-1, None] + np.diff(edges)[:, None] * (np.arange(_INSIDE) + 0.5) / _INSIDE
    inside = np.array([np.interp(moments, time, column).mean(axis=1) for column in x.T]).T
    return inside, np.interp(edges[:-1] + np.diff(edges) / 2, time, z)


def expected(x: FloatArray, polarity: str, table: Yields) -> FloatArray:
    """Ions in one pulse for shares of the phases, shape (..., n): yields and what the matrix does to them."""
    plain = x @ table.yields
    oxide = x[..., 2:3]
    organic = x[..., 0:1]
    changed = oxide if polarity == "positive" else -organic
    # The phase that changes the others is not changed itself.
    own = oxide * table.yields[2] if polarity == "positive" else organic * table.yields[0]
    return np.asarray(plain + MATRIX * changed * (plain - own))


def counted(mean: FloatArray, pulses: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Counts of a detector that sees at most one ion of a kind in a pulse: binomial, p = 1 - exp(-ions a pulse)."""
    return rng.binomial(pulses, -np.expm1(-mean)).astype(np.uint8)


def interphase(
    seed: int = 1, *, size: int = SIZE, scans: int = SCANS, progress: Callable[[float, str], None] | None = None
) -> tuple[Spectrum, Spectrum, InterphaseTruth]:
    """The cubes of both polarities, shape (scans, size, size, ions), and the truth.

    Negative ions are measured on another spot of the same sample, with another relief of the same kind.
    """
    edges = np.linspace(0.0, total_time(), scans + 1)
    truth = None
    cubes = []
    for number, polarity in enumerate(("positive", "negative")):
        rng = np.random.default_rng((seed, number))
        surface = relief(seed * 2 + number, size)
        levels = np.linspace(surface.min(), surface.max(), _LEVELS)
        tables = np.array([shares(level, edges)[0] for level in levels])
        index = np.rint((surface - levels[0]) / (levels[1] - levels[0])).astype(int)
        table = yields(polarity)
        means = expected(tables, polarity, table)
        counts = np.empty((scans, size, size, len(table.ions)), np.uint8)
        for scan in range(scans):
            counts[scan] = counted(means[:, scan][index], PULSES, rng)
            if progress is not None:
                progress((number + (scan + 1) / scans) / 2, f"{polarity.capitalize()} ions")
        cubes.append(_cube(counts, polarity, table, edges))
        if truth is None:
            truth = _truth(surface, tables[index.ravel()].mean(axis=0), edges)
    assert truth is not None
    return cubes[0], cubes[1], truth


def _truth(surface: FloatArray, mean: FloatArray, edges: FloatArray) -> InterphaseTruth:
    time = edges[:-1] + np.diff(edges) / 2
    thickness = np.array([phase.thickness for phase in PHASES])
    _, depth = shares(1.0, edges)
    rates = np.array([phase.rate for phase in PHASES])
    interfaces = np.cumsum(thickness / rates)[:-1]
    return InterphaseTruth(
        tuple(phase.name for phase in PHASES), thickness, rates, time, depth, mean, interfaces, surface,
        yields("positive"), yields("negative"),
    )  # fmt: skip


def _cube(counts: NDArray[np.uint8], polarity: str, table: Yields, edges: FloatArray) -> Spectrum:
    size = counts.shape[1]
    lateral = Axis((np.arange(size) + 0.5) * WIDTH / size, "distance", "µm")
    time = edges[:-1] + np.diff(edges) / 2
    # Ions on the pixel raster until the middle of the scan; the sputter beam is another one.
    rate = CURRENT / _ELEMENTARY
    dose = Axis(rate * time, "dose", "ions")
    fluence = Axis(rate * time / (WIDTH * 1e-4) ** 2, "fluence", "ions/cm²")
    named = "Interphase, positive ions" if polarity == "positive" else "Interphase, negative ions"
    meta = Meta(
        title=named, region=named, technique="sims", sample="Sodium interphase on hard carbon", instrument="simulated",
        extra=(("polarity", polarity), ("dead time", "not corrected"), ("pulses", str(PULSES))),
    )  # fmt: skip
    axis = Axis(np.arange(float(len(table.ions))), "ion", "", table.ions, tuple(table.masses))
    return Spectrum(axis, counts, Noise("poisson", 1.0), meta, navigation=(Axis(time, "time", "s"), lateral, lateral),
                    scales=(dose, fluence))


def merged(cube: Spectrum, resolution: float = 6000.0) -> Spectrum:
    """The cube as a peak list would give it: ions that the resolution cannot separate are one channel.

    It bears the name of the stronger one; the other stands beside it in `meta.extra` ("unresolved", "A or B").
    """
    labels, masses = list(cube.axis.labels), list(cube.axis.masses)
    counts = np.asarray(cube.counts)
    totals = counts.reshape(-1, len(labels)).sum(axis=0, dtype=np.int64)
    groups: list[list[int]] = []
    for place in np.argsort(masses):
        near = groups and masses[place] - masses[groups[-1][-1]] < masses[place] / resolution
        if near:
            groups[-1].append(int(place))
        else:
            groups.append([int(place)])
    heads = [max(group, key=lambda place: int(totals[place])) for group in groups]
    joined = np.stack([counts[..., group].sum(axis=-1) for group in groups], axis=-1)
    kind = np.min_scalar_type(int(joined.max()))
    extra = tuple(
        ("unresolved", " or ".join(labels[place] for place in sorted(group, key=lambda p: -int(totals[p]))))
        for group in groups if len(group) > 1
    )  # fmt: skip
    axis = Axis(np.arange(float(len(groups))), "ion", "", tuple(labels[head] for head in heads),
                tuple(masses[head] for head in heads))
    return cube.with_(axis=axis, counts=joined.astype(kind), meta=replace(cube.meta, extra=(*cube.meta.extra, *extra)))
