"""Simulated XPS: from a composition that is known exactly to spectra as an instrument would write them.

Area of a line = gain * atomic fraction * cross-section * mean free path * transmission * counting time. Around it comes
all that an analyst has to see through: inelastic losses of every line of the whole spectrum (Tougaard), Auger lines in
proportion to the core holes, secondary electrons, the valence band, charging, instrument width, dark counts and Poisson
noise. Survey and regions are windows of one and the same spectrum.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from scipy.fft import next_fast_len
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter1d

from fitting.dataset import Axis, FloatArray, Meta, Noise, Spectrum, frozen_array
from fitting.simulate.auger import main_energy, series
from fitting.simulate.lines import Line, primary
from fitting.simulate.loss import Loss
from fitting.simulate.specimen import Acquisition, Instrument, SampleSpec, State
from libraries.attenuation import ENERGY_MIN, imfp_tpp2m
from libraries.core_levels import core_level, core_levels
from libraries.errors import NotDetermined, UnknownName
from libraries.sensitivity import cross_section
from libraries.units import SIGMA_TO_FWHM, binding_from_kinetic, kinetic_from_binding

GRID_START, GRID_STEP = -30.0, 0.05  # eV; the grid reaches from above the Fermi level to zero kinetic energy
# Exponent of the secondary cascade, chosen; a power law as in E. N. Sickafus, Phys. Rev. B 16, 1436 (1977).
CASCADE_POWER = -1.5
DATE = "2026-01-01T12:00:00"
# Lifetime widths that the library has not, chosen of the order of gas-phase values.
LIGHT_LIFETIMES = {"C": 0.10, "N": 0.12, "O": 0.15, "F": 0.20}
# Gaussian widths of lines that nobody fits: levels below 13 eV are bands, s levels of the second row are broad.
BAND_BELOW, BAND_WIDTH, INNER_VALENCE_WIDTH, OTHER_WIDTH = 13.0, 4.5, 4.0, 1.6


@dataclass(frozen=True)
class TrueLine:
    """A line as it was put in.

    Attributes
    ----------
    state, element, level : str
        `level` is "2p3/2", or the name of an Auger line ("KL23L23 1D").
    kind : "core" or "auger"
    binding_energy : float
        Without charging, in eV; an Auger line's is the apparent one.
    cross_section : float
        In barn; of an Auger line that of its core hole times its share of the electrons.
    mean_free_path : float
        In angstrom.
    transmission : float
    area : float
        Counts/s eV at pass energy 20 eV, satellites of the line included.
    """

    state: str
    element: str
    level: str
    kind: str
    binding_energy: float
    cross_section: float
    mean_free_path: float
    transmission: float
    area: float


@dataclass(frozen=True, eq=False)
class Truth:
    """What the analyst should find.

    Attributes
    ----------
    at_percent : mapping
        Element to atomic per cent; they sum to 100. Hydrogen has no line and does not count.
    state_percent : mapping
        State to atomic per cent of all atoms.
    lines : tuple of TrueLine
        All lines, ascending in binding energy.
    charging : float
        Shift of the measured scale in eV: measured = true + charging.
    """

    at_percent: Mapping[str, float]
    state_percent: Mapping[str, float]
    lines: tuple[TrueLine, ...]
    charging: float

    def line(self, state: str, level: str) -> TrueLine:
        """A line of a state; raises UnknownName."""
        for item in self.lines:
            if (item.state, item.level) == (state, level):
                return item
        raise UnknownName(f"The truth has no line {level}", where=state)


@dataclass(frozen=True, eq=False)
class Expectation:
    """Noise-free spectra: the mean of infinitely many measurements.

    Attributes
    ----------
    counts, backgrounds : tuple of ndarray
        Expected counts of each window; the part of them that is no unscattered electron of a line.
    truth : Truth
    """

    sample: SampleSpec
    instrument: Instrument
    acquisitions: tuple[Acquisition, ...]
    counts: tuple[FloatArray, ...]
    backgrounds: tuple[FloatArray, ...]
    truth: Truth


@dataclass(frozen=True, eq=False)
class Simulation:
    """Spectra as an instrument writes them, and the truth behind them."""

    spectra: tuple[Spectrum, ...]
    truth: Truth

    def spectrum(self, region: str) -> Spectrum:
        """The spectrum of a region; raises UnknownName."""
        for item in self.spectra:
            if item.meta.region == region:
                return item
        raise UnknownName(f"No region '{region}' was simulated", todo="Add it to the acquisitions")


def simulate(
    sample: SampleSpec,
    instrument: Instrument | None = None,
    acquisitions: tuple[Acquisition, ...] = (),
    seed: int = 0,
) -> Simulation:
    """Measure a sample once: a pure function of its arguments.

    Parameters
    ----------
    sample : SampleSpec
    instrument : Instrument, optional
        The default instrument if not given.
    acquisitions : tuple of Acquisition
        The sample's own windows if empty.
    seed : int
        Of the Poisson noise.

    Returns
    -------
    Simulation
    """
    return noisy(expectation(sample, instrument, acquisitions), seed)


def noisy(expected: Expectation, seed: int) -> Simulation:
    """One measurement with Poisson noise; the same seed gives the same counts."""
    generator = np.random.default_rng(seed)
    spectra = []
    for index, (window, mean) in enumerate(zip(expected.acquisitions, expected.counts, strict=True)):
        counts = generator.poisson(mean).astype(np.uint32)
        spectra.append(_spectrum(expected, window, counts, index))
    return Simulation(tuple(spectra), expected.truth)


def expectation(
    sample: SampleSpec, instrument: Instrument | None = None, acquisitions: tuple[Acquisition, ...] = ()
) -> Expectation:
    """Noise-free spectra of a sample, remembered for the next call; arguments as `simulate`."""
    return _expectation(sample, instrument or Instrument(), tuple(acquisitions) or sample.acquisitions)


@lru_cache(maxsize=16)
def _expectation(sample: SampleSpec, instrument: Instrument, acquisitions: tuple[Acquisition, ...]) -> Expectation:
    lines = _true_lines(sample, instrument)
    flux, unscattered, kinetic = _flux(sample, instrument, lines)
    total, peaks = {}, {}
    for energy in {item.pass_energy for item in acquisitions}:
        sigma = instrument.width(energy) / SIGMA_TO_FWHM / GRID_STEP
        response = instrument.gain(energy) * instrument.transmission(kinetic)
        total[energy] = gaussian_filter1d(response * flux, sigma, mode="nearest")
        peaks[energy] = gaussian_filter1d(response * unscattered, sigma, mode="nearest")
    counts, backgrounds = [], []
    for item in acquisitions:
        rate = _at(total[item.pass_energy], item.energies) + instrument.dark
        # The spline and the Fourier transforms leave values of -1e-9 where there is no intensity at all.
        counts.append(frozen_array(np.maximum(rate * item.live_time, 0.0)))
        backgrounds.append(frozen_array((rate - _at(peaks[item.pass_energy], item.energies)) * item.live_time))
    return Expectation(sample, instrument, acquisitions, tuple(counts), tuple(backgrounds), _truth(sample, lines))


def _at(values: FloatArray, energies: FloatArray) -> FloatArray:
    """Values on the grid at given binding energies."""
    low = max(int((energies[0] - GRID_START) / GRID_STEP) - 8, 0)
    high = min(int((energies[-1] - GRID_START) / GRID_STEP) + 10, values.size)
    grid = GRID_START + GRID_STEP * np.arange(low, high)
    return CubicSpline(grid, values[low:high])(energies)


def _truth(sample: SampleSpec, lines: tuple[TrueLine, ...]) -> Truth:
    whole = sum(state.amount for state in sample.states)
    elements: dict[str, float] = defaultdict(float)
    for state in sample.states:
        elements[state.element] += 100.0 * state.amount / whole
    states = {state.name: 100.0 * state.amount / whole for state in sample.states}
    return Truth(MappingProxyType(dict(elements)), MappingProxyType(states), lines, sample.charging)


# ------------------------------------------------------------------------------------------------------------- lines
def _true_lines(sample: SampleSpec, instrument: Instrument) -> tuple[TrueLine, ...]:
    """All lines of all states with their areas, ascending in binding energy."""
    whole = sum(state.amount for state in sample.states)
    found = []
    for state in sample.states:
        for kind, level, energy, sigma in (*_core_lines(state, instrument), *_auger_lines(state, instrument)):
            kinetic = kinetic_from_binding(energy, instrument.photon_energy)
            if kinetic < ENERGY_MIN:
                continue
            path, transmission = imfp_tpp2m(kinetic, sample.material), float(instrument.transmission(kinetic))
            area = instrument.brightness * state.amount / whole * sigma * path * transmission
            found.append(TrueLine(state.name, state.element, level, kind, energy, sigma, path, transmission, area))
    return tuple(sorted(found, key=lambda item: item.binding_energy))


def _core_lines(state: State, instrument: Instrument) -> Iterator[tuple[str, str, float, float]]:
    """Kind, level, binding energy and cross-section: the other levels keep their distance from the stated one."""
    shift = state.binding_energy - core_level(f"{state.element} {state.level}").binding_energy
    for item in core_levels(state.element):
        try:
            sigma = cross_section(item.line, instrument.photon_energy)
        except NotDetermined:
            continue  # too deep for this photon energy
        yield "core", item.line.level, max(item.binding_energy + shift, 1.0), sigma


def _auger_lines(state: State, instrument: Instrument) -> Iterator[tuple[str, str, float, float]]:
    """As `_core_lines` for the Auger lines: as many electrons as there are holes, shared among the features."""
    item = series(state.element)
    if item is None:
        return
    holes = cross_section(f"{state.element} {item.hole}", instrument.photon_energy) * item.electrons_per_hole
    main = state.auger_energy if state.auger_energy is not None else main_energy(state.element)
    for feature in item.features:
        energy = binding_from_kinetic(main + feature.offset, instrument.photon_energy)
        yield "auger", feature.name, energy, holes * feature.share


def _shapes(line: TrueLine, state: State, area: float, charging: float) -> Iterator[Line]:
    """The line and its satellites as they enter the primary spectrum, at measured energies."""
    position = line.binding_energy + charging
    if line.kind == "auger":
        feature = next(f for f in series(line.element).features if f.name == line.level)
        yield Line(position, area, feature.width)
        return
    lifetime = core_level(f"{line.element} {line.level}").lifetime_width or LIGHT_LIFETIMES.get(line.element, 0.1)
    if line.level[:2] == state.level[:2]:
        if line.level == state.level and state.lorentz is not None:
            lifetime = state.lorentz
        main = area * (1.0 - sum(s.share for s in state.satellites))
        yield Line(position, main, state.gauss, lifetime, state.asymmetry, state.cutoff)
        for extra in state.satellites:
            yield Line(position + extra.offset, area * extra.share, extra.gauss, lifetime)
    elif line.binding_energy < BAND_BELOW:
        yield Line(position, area, BAND_WIDTH)
    elif line.level == "2s" and line.element in LIGHT_LIFETIMES:
        yield Line(position, area, INNER_VALENCE_WIDTH)
    else:
        yield Line(position, area, OTHER_WIDTH, lifetime)


def _flux(
    sample: SampleSpec, instrument: Instrument, lines: tuple[TrueLine, ...]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Flux in front of the analyser, its unscattered part, and the kinetic energy of the grid."""
    photon = instrument.photon_energy
    size = int((photon - GRID_START) / GRID_STEP)
    groups: dict[Loss, list[Line]] = defaultdict(list)
    for line in lines:
        state = sample.state(line.state)
        # Areas of the truth are rates behind the analyser; the flux is in barn angstrom in front of it.
        area = line.area / line.transmission / instrument.brightness
        groups[state.loss or sample.loss].extend(_shapes(line, state, area, sample.charging))
    flux, unscattered = np.zeros(size), np.zeros(size)
    for loss, members in groups.items():
        own = primary(members, GRID_START, GRID_STEP, next_fast_len(size + 2000, real=True))[:size]
        unscattered += own
        flux += loss.spectrum(own, GRID_STEP)
    binding = GRID_START + GRID_STEP * np.arange(size)
    kinetic = np.maximum(photon - binding, 1.0)
    cascade = instrument.cascade * np.sum(unscattered) * GRID_STEP / 1000.0
    flux += cascade * (kinetic / 1000.0) ** CASCADE_POWER * np.clip(binding / photon, 0.0, 1.0)
    return flux, unscattered, kinetic


# ----------------------------------------------------------------------------------------------------------- spectra
def _spectrum(expected: Expectation, window: Acquisition, counts: FloatArray, index: int) -> Spectrum:
    """The spectrum as a file would hold it: no word of the truth."""
    instrument, sample = expected.instrument, expected.sample
    energies = window.energies
    meta = Meta(
        title=f"{sample.name}, {window.region}",
        technique="xps",
        sample=sample.name,
        region=window.region,
        element=window.element,
        transition=window.transition,
        photon_energy=instrument.photon_energy,
        source=f"{instrument.source} monochromated",
        work_function=0.0,
        pass_energy=window.pass_energy,
        dwell_time=window.dwell,
        sweeps=window.sweeps,
        emission_angle=0.0,
        source_analyser_angle=54.7,
        analyser_mode="FAT",
        signal_mode="pulse counting",
        instrument="Sodalite simulator",
        date=DATE,
        file_format="simulated",
        index=index,
        comments=("Simulated by fitting.simulate; not a measurement",),
    )
    kinetic = kinetic_from_binding(energies, instrument.photon_energy)
    # As in a calibrated instrument's files, the function covers the pass energy too, so that regions can be compared.
    gain = instrument.gain(window.pass_energy) / instrument.brightness
    transmission = gain * instrument.transmission(np.maximum(kinetic, 1.0))
    axis = Axis(energies, "binding_energy")
    return Spectrum(axis, counts, Noise("poisson", 1.0, origin="file"), meta, transmission)
