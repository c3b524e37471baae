"""A 64 x 64 spectrum image of sodiated hollow carbon spheres, low loss and core loss of one scan, with its truth.

Three hollow spheres of hard carbon on a hole of the support: one with sodium metal in its cavity, one with a crust of
NaF outside, one as it was; all carry a thin interphase of sodium carbonate. What an electron meets follows from chords
through the spheres.

The geometry is chosen after Hou et al., Small 2023 (hollow carbon spheres, sodium inside), sizes are chosen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.eels import cross_sections
from fitting.eels.drude import loss_probability, surface_loss
from fitting.eels.kinematics import Beam
from fitting.simulate.eels.materials import CARBON, CARBONATE, FLUORIDE, SODIUM, EdgeShape, LossMaterial
from fitting.simulate.eels.microscope import Optics, Spectrometer
from libraries.edges import edge
from libraries.units import SIGMA_TO_FWHM

SIZE, PIXEL = 64, 5.0  # pixels a side; nm
MATERIALS = (CARBON, SODIUM, FLUORIDE, CARBONATE)
LOW = Spectrometer(first=-4.0, dispersion=0.05, channels=1024, resolution=0.16, tail=0.05)
CORE = Spectrometer(first=250.0, dispersion=0.9, channels=1024, resolution=1.0)
CLASSES = ("vacuum", "carbon", "Na metal", "NaF", "Na2CO3 only")
BARN_NM2 = 1e-10
# Electrons a pixel, chosen: with them the plasmon energy of a pixel is known to some meV.
LOW_DOSE, CORE_DOSE = 1.0e6, 4.0e8
LOW_EXPOSURE, CORE_EXPOSURE = 0.001, 0.4  # s a pixel, in the ratio of the doses
_REACH_LOW, _REACH_CORE = 300.0, 1900.0
# A probe that stands on less of a material than this (nm) counts as not on it in the truth map.
LEAST = 2.0
# Cavities touch sodium on both sides: the interface loses as two clean faces do, at half their strength (chosen).
_INTERFACE = 0.5
_BACKGROUND_EXPONENT = 3.0
_PIECE = 256


@dataclass(frozen=True)
class Sphere:
    """Centre in pixels (column, row), radii in nm: of the cavity, of the carbon, and what lies in and around it."""

    centre: tuple[float, float]
    cavity: float
    carbon: float
    sodium: bool = False
    fluoride: float = 0.0
    carbonate: float = 1.5


SPHERES = (
    Sphere((18.0, 19.0), 50.0, 66.0, sodium=True),
    Sphere((46.0, 21.0), 45.0, 60.0, fluoride=14.0),
    Sphere((31.0, 47.0), 52.0, 70.0),
)


@dataclass(frozen=True, eq=False)
class SphereTruth:
    """What was put in.

    Attributes
    ----------
    thickness : array, shape (4, 64, 64)
        nm of `materials` along the beam.
    materials : tuple of str
    classes : array of int, shape (64, 64)
        Index in `CLASSES` of what an analyst looks for: Na metal and NaF before the carbon around them.
    relative_thickness : array, shape (64, 64)
        t/lambda.
    plasmon : array, shape (64, 64)
        Energy Ep of the sodium plasmon in eV; NaN outside the sodium.
    shift : array, shape (64, 64)
        Where the zero loss stands, eV.
    atoms : dict
        Atoms per nm^2 of each element, arrays of shape (64, 64).
    """

    thickness: FloatArray
    materials: tuple[str, ...]
    classes: NDArray[np.int64]
    relative_thickness: FloatArray
    plasmon: FloatArray
    shift: FloatArray
    atoms: dict[str, FloatArray]


@dataclass(frozen=True, eq=False)
class SphereImage:
    """Both images of the scan and their truth."""

    low_loss: Spectrum
    core_loss: Spectrum
    truth: SphereTruth


def plasmon_energy() -> float:
    """Ep of the sodium in eV: the free electrons' strength, screened by what the other electrons do at that energy."""
    strength, energy = SODIUM.oscillators[0][1], SODIUM.oscillators[0][1]
    for _ in range(20):
        bound = sum(s**2 / (e0**2 - energy**2) for e0, s, _ in SODIUM.oscillators if e0)
        energy = strength / np.sqrt(1.0 + bound)
    return float(energy)


def beam() -> Beam:
    """The simulated beam: 200 kV, 5 and 15 mrad."""
    return Beam(LOW.beam_energy, LOW.convergence, LOW.collection)


def thicknesses() -> FloatArray:
    """nm of each material along the beam, shape (4, 64, 64)."""
    y, x = np.mgrid[0:SIZE, 0:SIZE] + 0.5
    found = np.zeros((len(MATERIALS), SIZE, SIZE))
    for ball in SPHERES:
        distance = PIXEL * np.hypot(x - ball.centre[0], y - ball.centre[1])

        def chord(radius: float, distance: FloatArray = distance) -> FloatArray:
            return 2.0 * np.sqrt(np.maximum(radius**2 - distance**2, 0.0))

        crust, skin = ball.carbon + ball.fluoride, ball.carbon + ball.fluoride + ball.carbonate
        found[0] += chord(ball.carbon) - chord(ball.cavity)
        if ball.sodium:
            # A drop that leaves a gap to the wall, so that it has faces of its own.
            found[1] += chord(ball.cavity - 4.0)
        found[2] += chord(crust) - chord(ball.carbon)
        found[3] += chord(skin) - chord(crust)
    return found


def classes_of(thickness: FloatArray) -> NDArray[np.int64]:
    """Index in `CLASSES` for each pixel."""
    carbon, sodium, fluoride, carbonate = thickness
    found = np.zeros(carbon.shape, dtype=np.int64)
    found[carbonate >= LEAST] = 4  # rims of the interphase, beside the carbon
    found[carbon >= LEAST] = 1
    found[fluoride >= 2 * LEAST] = 3
    found[sodium >= 2 * LEAST] = 2
    return found


def single_scattering(energy: FloatArray) -> FloatArray:
    """Losses per electron, eV and nm of each material, and those of sodium's two faces; shape (5, n); 0 at E = 0."""
    probe, above = beam(), energy > 0
    found = np.zeros((len(MATERIALS) + 1, energy.size))
    for row, material in enumerate(MATERIALS):
        eps = material.permittivity(energy[above])
        found[row, above] = loss_probability(energy[above], eps, 1.0, probe).volume
        for part in material.edges:
            if part.onset < 100.0:
                found[row] += edge_losses(material, part, energy, probe)
    metal = surface_loss(energy[above], SODIUM.permittivity(energy[above]), probe)
    # Only what the surface adds: the negative part (begrenzung) is left in the volume term.
    found[-1, above] = np.maximum(metal, 0.0)
    return found


def edge_losses(material: LossMaterial, part: EdgeShape, energy: FloatArray, probe: Beam) -> FloatArray:
    """Losses per electron, eV and nm at one edge: tabulated cross-section behind a smooth step, and its lines."""
    known = edge(part.name)
    density = material.atoms_per_nm3(known.element) * BARN_NM2
    start = part.onset - 4.0 * part.step
    curve = cross_sections.differential(known, energy, probe, onset=start)
    inside = energy >= start
    height = float(np.interp(part.onset + 30.0, energy, curve))
    step = 0.5 * (1.0 + erf((energy - part.onset) / part.step))
    total = np.where(inside, curve, 0.0) * step
    for line in part.lines:
        sigma = line.fwhm / SIGMA_TO_FWHM
        total = total + height * line.strength * np.exp(-0.5 * ((energy - line.position) / sigma) ** 2)
    return density * total


def _walk(rng: np.random.Generator, size: tuple[int, int], step: float) -> FloatArray:
    """Slow drift of the high voltage along the scan, with a flutter of each pixel, eV."""
    slow = np.cumsum(rng.normal(0.0, step, size[0] * size[1]))
    return (slow - slow.mean() + rng.normal(0.0, 3 * step, slow.size)).reshape(size)


def sphere_image(
    seed: int = 2026, *, progress: Callable[[float, str], None] | None = None, noise: bool = True
) -> SphereImage:
    """Both images with Poisson noise.

    Parameters
    ----------
    seed : int
        Of the noise and the drift of the zero loss.
    progress : callable, optional
    noise : bool
        False: expected counts as floats.
    """
    rng = np.random.default_rng(seed)
    thickness = thicknesses()
    shift = _walk(rng, (SIZE, SIZE), 0.004)
    low, relative = _low_loss(thickness, shift, progress)
    core = _core_loss(thickness, shift, progress)
    if noise:
        low, core = rng.poisson(low).astype(np.uint32), rng.poisson(core).astype(np.uint32)
    atoms = {
        element: sum(thickness[k] * m.atoms_per_nm3(element) for k, m in enumerate(MATERIALS))
        for element in ("C", "O", "F", "Na")
    }
    plasmon = np.where(thickness[1] > 0, plasmon_energy(), np.nan)
    truth = SphereTruth(
        thickness, tuple(m.name for m in MATERIALS), classes_of(thickness), relative, plasmon, shift, atoms
    )
    return SphereImage(
        _spectrum(low, LOW, "Low loss", LOW_EXPOSURE), _spectrum(core, CORE, "Core loss", CORE_EXPOSURE), truth
    )


def _low_loss(
    thickness: FloatArray, shift: FloatArray, progress: Callable[[float, str], None] | None
) -> tuple[FloatArray, FloatArray]:
    optics = Optics(LOW, _REACH_LOW)
    singles = single_scattering(optics.energy)
    flat = np.concatenate((thickness, _INTERFACE * (thickness[1:2] > 0))).reshape(len(MATERIALS) + 1, -1)
    rows = np.empty((flat.shape[1], LOW.channels))
    for start in range(0, flat.shape[1], _PIECE):
        part = slice(start, start + _PIECE)
        rows[part] = LOW_DOSE * optics.spectra(flat[:, part].T @ singles, shift.ravel()[part])
        if progress is not None:
            progress(0.6 * start / flat.shape[1], "Low loss")
    relative = (flat.T @ singles).sum(axis=1) * optics.step
    return rows.reshape(SIZE, SIZE, -1), relative.reshape(SIZE, SIZE)


def _core_loss(
    thickness: FloatArray, shift: FloatArray, progress: Callable[[float, str], None] | None
) -> FloatArray:
    optics, probe = Optics(CORE, _REACH_CORE), beam()
    singles = single_scattering(optics.energy)
    rare = np.zeros((len(MATERIALS) + 1, optics.size))
    for row, material in enumerate(MATERIALS):
        for part in material.edges:
            if part.onset > 100.0:
                rare[row] += edge_losses(material, part, optics.energy, probe)
        # Tails of the losses below: a power law, its height chosen to be that of a carbon film's at 280 eV.
        tail = 4.0e-8 * (np.maximum(optics.energy, 60.0) / 280.0) ** -_BACKGROUND_EXPONENT
        rare[row] += np.where(optics.energy > 60.0, tail, 0.0)
    flat = np.concatenate((thickness, _INTERFACE * (thickness[1:2] > 0))).reshape(len(MATERIALS) + 1, -1)
    rows = np.empty((flat.shape[1], CORE.channels))
    for start in range(0, flat.shape[1], _PIECE):
        part = slice(start, start + _PIECE)
        weights = flat[:, part].T
        rows[part] = CORE_DOSE * optics.spectra(weights @ singles, shift.ravel()[part], weights @ rare)
        if progress is not None:
            progress(0.6 + 0.4 * start / flat.shape[1], "Core loss")
    return rows.reshape(SIZE, SIZE, -1)


def _spectrum(
    counts: NDArray[np.generic], spectrometer: Spectrometer, title: str, exposure: float
) -> Spectrum:
    lateral = Axis(PIXEL * np.arange(SIZE), "distance", "nm")
    meta = Meta(
        title=title, region=title, technique="eels", sample="Sodiated carbon spheres", instrument="simulated",
        beam_energy=spectrometer.beam_energy, convergence_angle=spectrometer.convergence,
        collection_angle=spectrometer.collection, dwell_time=exposure, sweeps=1.0,
    )  # fmt: skip
    axis = Axis(spectrometer.energy, "energy_loss", "eV")
    return Spectrum(axis, counts, Noise("poisson", 1.0), meta, navigation=(lateral, lateral))
