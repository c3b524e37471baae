"""Na3V2(PO4)3 at three states of charge, each as low loss and core loss of one acquisition, with reference compounds.

The vanadium L2,3 lines move with the valence by a slope that is drawn anew for every seed from 0.4 to 1.0 eV a unit
(none could be verified), their profile changes with it, and the O K edge starts right behind. Every acquisition has an
offset of its own, which its zero loss shows.

All energies and shapes are chosen, none is a reference value: V L3 of V3+ at 515.5 eV, L2 7.0 eV above, O K from
531 eV.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erf

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum
from fitting.eels.drude import loss_probability
from fitting.eels.kinematics import Beam
from fitting.simulate.eels.microscope import Optics, Spectrometer
from libraries.units import SIGMA_TO_FWHM

SLOPES = (0.4, 1.0)  # eV a unit of valence
LOW = Spectrometer(first=-10.0, dispersion=0.1, channels=1024, resolution=0.6, tail=0.15)
CORE = Spectrometer(first=485.0, dispersion=0.1, channels=1024, resolution=0.6, tail=0.15)
L3, SPLITTING, OXYGEN = 515.5, 7.0, 531.0
LOW_DOSE = 5.0e7
CORE_HEIGHT = 4.0e4  # counts a channel just below the V L3 edge
_REACH = 700.0
_START = 330.0  # losses of the core grid begin so far ahead that what scatters from below comes along
# Energy from the L3 position, Gaussian width, strength of the lines at V3+ and how it grows with each unit of valence.
_LINES = ((-1.6, 1.2, 0.35, -0.10), (0.0, 1.5, 1.0, 0.0), (1.5, 1.7, 0.45, 0.12), (3.0, 2.2, 0.15, 0.04))
_WHITE, _STEP = 2.2, 0.42  # height of the lines and of the steps over the background below the edge


@dataclass(frozen=True, eq=False)
class VanadiumMeasurement:
    """One acquisition with its truth.

    Attributes
    ----------
    name : str
    low_loss, core_loss : Spectrum
    valence : float
    offset : float
        eV by which both axes are wrong.
    reference : bool
        A compound of known valence that the analyst measured for comparison.
    """

    name: str
    low_loss: Spectrum
    core_loss: Spectrum
    valence: float
    offset: float
    reference: bool


@dataclass(frozen=True, eq=False)
class VanadiumSeries:
    """Samples and references, and the slope that no program knows: eV a unit of valence."""

    measurements: tuple[VanadiumMeasurement, ...]
    slope: float


# Name, valence, whether it is a reference, thickness in mean free paths.
SAMPLES = (
    ("Pristine", 3.0, False, 0.45), ("Desodiated", 4.0, False, 0.55), ("Sodiated again", 3.08, False, 0.5),
    ("V3+ reference", 3.0, True, 0.4), ("V4+ reference", 4.0, True, 0.5), ("V5+ reference", 5.0, True, 0.35),
)  # fmt: skip


def vanadium_series(seed: int = 2026, *, noise: bool = True, slope: float | None = None) -> VanadiumSeries:
    """The series with Poisson noise.

    Parameters
    ----------
    seed : int
        Of noise, offsets and slope.
    noise : bool
        False: expected counts as floats.
    slope : float, optional
        eV a unit of valence; drawn from `SLOPES` where it is not given.
    """
    rng = np.random.default_rng(seed)
    drawn = float(rng.uniform(*SLOPES))
    truth = drawn if slope is None else slope
    found = []
    for name, valence, reference, thickness in SAMPLES:
        offset = float(rng.normal(0.0, 0.4))
        low, core = _expected(valence, truth, thickness, offset)
        if noise:
            low, core = rng.poisson(low).astype(np.uint32), rng.poisson(core).astype(np.uint32)
        pair = (_spectrum(low, LOW, f"{name}, low loss"), _spectrum(core, CORE, f"{name}, V L2,3"))
        found.append(VanadiumMeasurement(name, *pair, valence, offset, reference))
    return VanadiumSeries(tuple(found), truth)


def edges(energy: FloatArray, valence: float, slope: float) -> FloatArray:
    """V L2,3 and O K above the background, relative to its height below the edge; energies in eV, shape (n,)."""
    l3 = L3 + slope * (valence - 3.0)
    total = np.zeros(energy.shape)
    for position, weight, widening in ((l3, 2.0 / 3.0, 1.0), (l3 + SPLITTING, 1.0 / 3.0, 1.25)):
        total += _STEP * weight * 0.5 * (1.0 + erf((energy - position) / 1.0)) * (energy / position) ** -2.0
        for away, fwhm, strength, growth in _LINES:
            sigma = fwhm * widening / SIGMA_TO_FWHM
            # L3/L2 is not the ratio of the states: more than 2 of 3 electrons' strength stays in L3 (chosen).
            share = weight / widening * (1.12 if widening == 1.0 else 0.76)
            lines = np.exp(-0.5 * ((energy - position - away) / sigma) ** 2)
            total += _WHITE * share * (strength + growth * (valence - 3.0)) * lines
    total += 0.55 * 0.5 * (1.0 + erf((energy - OXYGEN - 4.0) / 3.0)) * (energy / OXYGEN) ** -2.5
    first = 0.30 + 0.12 * (valence - 3.0)  # more holes, more pre-edge
    for position, fwhm, strength in ((OXYGEN + 0.3, 1.6, first), (OXYGEN + 6.5, 4.5, 0.75), (OXYGEN + 14.0, 9.0, 0.25)):
        total += strength * np.exp(-0.5 * ((energy - position) / (fwhm / SIGMA_TO_FWHM)) ** 2)
    return total


def _expected(valence: float, slope: float, thickness: float, offset: float) -> tuple[FloatArray, FloatArray]:
    optics = Optics(LOW, _REACH)
    single = _phosphate(optics.energy, thickness)[None]
    low = LOW_DOSE * optics.spectra(single, np.array([offset]))[0]
    moved = Spectrometer(**{**vars(CORE), "first": CORE.first - _START})
    optics = Optics(moved, _REACH)
    losses = optics.energy + _START
    single = _phosphate(optics.energy, thickness)[None]
    core = ((losses / L3) ** -3.2 * (1.0 + edges(losses, valence, slope)))[None]
    rows = optics.spectra(single, np.array([offset]), core)[0]
    below = rows[np.argmin(np.abs(CORE.energy - (L3 - 6.0)))]
    return low, rows * (CORE_HEIGHT / below)


def _phosphate(energy: FloatArray, thickness: float) -> FloatArray:
    """Single scattering of an oxide-like insulator (plasmon near 24 eV, chosen), scaled to t/lambda."""
    found, above = np.zeros(energy.shape), energy > 0
    e = energy[above]
    eps = 1.0 + 6.0**2 / (8.0**2 - e**2 - 2.5j * e) + 18.0**2 / (15.0**2 - e**2 - 9.0j * e)
    found[above] = loss_probability(e, eps, 1.0, Beam(LOW.beam_energy, LOW.convergence, LOW.collection)).volume
    return found * thickness / (found.sum() * (energy[1] - energy[0]))


def _spectrum(counts: FloatArray, spectrometer: Spectrometer, title: str) -> Spectrum:
    meta = Meta(
        title=title, region=title, technique="eels", sample="Na3V2(PO4)3", instrument="simulated",
        beam_energy=spectrometer.beam_energy, convergence_angle=spectrometer.convergence,
        collection_angle=spectrometer.collection,
    )  # fmt: skip
    return Spectrum(Axis(spectrometer.energy, "energy_loss", "eV"), counts, Noise("poisson", 1.0), meta)
