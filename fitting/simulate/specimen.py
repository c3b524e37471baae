"""What is measured and how: chemical states of a homogeneous sample, the instrument, the windows."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fitting.simulate.loss import UNIVERSAL, Loss
from libraries.attenuation import Material, material
from libraries.errors import BadData, BadModel, UnknownName
from libraries.units import photon_source

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Satellite:
    """A part of a line that is shifted by a shake-up or an intrinsic plasmon; it belongs to the line's true area.

    Attributes
    ----------
    name : str
    offset : float
        Binding energy above the main line in eV.
    share : float
        Share of the whole area of the line.
    gauss : float
        Gaussian full width in eV.
    """

    name: str
    offset: float
    share: float
    gauss: float


@dataclass(frozen=True)
class State:
    """Atoms of one element in one chemical state; all their lines share the amount.

    Attributes
    ----------
    name : str
        Unique within a sample ("carbonate O").
    element, level : str
        Element and the level that `binding_energy` is of ("V", "2p3/2"). Its other levels follow at the distances
        of the library, its Auger lines at `auger_energy`.
    binding_energy : float
        Of the maximum of the main line in eV, without charging.
    amount : float
        Number of atoms, in any unit common to the sample.
    gauss, lorentz : float, float or None
        Full widths in eV without the instrument; None takes the lifetime width of the library.
    asymmetry, cutoff : float
        Of Mahan's line (see `fitting.simulate.lines`); 0 gives a Voigt line.
    satellites : tuple of Satellite
    auger_energy : float or None
        Kinetic energy of the main Auger line in eV without charging; None takes that of the library.
    loss : Loss or None
        How its electrons lose energy where that differs from the sample.
    source : str
        Of the binding energy.
    """

    name: str
    element: str
    level: str
    binding_energy: float
    amount: float
    gauss: float = 1.2
    lorentz: float | None = None
    asymmetry: float = 0.0
    cutoff: float = 4.0
    satellites: tuple[Satellite, ...] = ()
    auger_energy: float | None = None
    loss: Loss | None = None
    source: str = ""

    def __post_init__(self) -> None:
        if not self.amount >= 0.0:
            raise BadModel("The amount of a state must not be negative", where=self.name)
        if not 0.0 <= self.asymmetry < 0.5:
            raise BadModel("The asymmetry of a line lies between 0 and 0.5", where=self.name)
        if not 0.0 <= sum(s.share for s in self.satellites) < 1.0:
            raise BadModel("The satellites of a line hold less than all of its area", where=self.name)


@dataclass(frozen=True)
class Acquisition:
    """A measured window.

    Attributes
    ----------
    region : str
        Its name ("C 1s", "Survey").
    low, high, step : float
        Binding energies in eV.
    pass_energy : float
        In eV.
    dwell, sweeps : float
        Counting time of a channel in s a sweep; number of sweeps.
    element, transition : str
        As a file states them ("C", "1s"); empty for a survey.
    """

    region: str
    low: float
    high: float
    step: float = 0.1
    pass_energy: float = 20.0
    dwell: float = 0.2
    sweeps: float = 5.0
    element: str = ""
    transition: str = ""

    def __post_init__(self) -> None:
        if not (self.high > self.low and self.step > 0.0 and self.pass_energy > 0.0 and self.live_time > 0.0):
            raise BadData("A window needs high > low and a step, pass energy and time above zero", where=self.region)

    @property
    def energies(self) -> FloatArray:
        """Binding energies of the channels in eV, ascending."""
        return self.low + self.step * np.arange(round((self.high - self.low) / self.step) + 1)

    @property
    def live_time(self) -> float:
        """Counting time of a channel in s."""
        return self.dwell * self.sweeps


@dataclass(frozen=True)
class SampleSpec:
    """A homogeneous sample of known composition.

    Attributes
    ----------
    name : str
    material : Material or str
        Solid whose TPP-2M mean free path all its electrons have.
    states : tuple of State
    loss : Loss
        Inelastic cross-section of all states without their own.
    charging : float
        Shift of all lines in eV, unknown to the analyst; positive moves them to high binding energy.
    reference : str
        Name of the state whose main line fixes the energy scale.
    acquisitions : tuple of Acquisition
        The windows that an analyst would measure.
    note : str
    """

    name: str
    material: Material | str
    states: tuple[State, ...]
    loss: Loss = UNIVERSAL
    charging: float = 0.0
    reference: str = ""
    acquisitions: tuple[Acquisition, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "material", material(self.material))
        names = [state.name for state in self.states]
        if len(set(names)) != len(names):
            raise BadModel("Two states of a sample have the same name", where=self.name)
        if not sum(state.amount for state in self.states) > 0.0:
            raise BadModel("A sample needs atoms", where=self.name)
        if self.reference:
            self.state(self.reference)

    def state(self, name: str) -> State:
        """The state of that name; raises UnknownName."""
        for item in self.states:
            if item.name == name:
                return item
        raise UnknownName(f"There is no state '{name}'", where=self.name)

    def with_(self, **changes: object) -> SampleSpec:
        """A copy with some fields replaced."""
        return replace(self, **changes)


@dataclass(frozen=True)
class Instrument:
    """An X-ray photoelectron spectrometer in fixed-pass-energy mode; the numbers are chosen to look like a modern one.

    Attributes
    ----------
    source : str
        Photon source; its energy comes from the library. The source-analyser angle is the magic one, so L = 1.
    source_width : float
        Full width of the photon line in eV.
    resolution : float
        Analyser width over pass energy.
    exponent : float
        Transmission T = (kinetic energy / 1000 eV)^exponent.
    brightness : float
        Counts/s eV at pass energy 20 eV and T = 1 for a cross-section of 1 barn, a mean free path of 1 angstrom and
        100 at.%. It grows in proportion to the pass energy.
    cascade : float
        Secondary electrons beyond the inelastic losses of the lines, a power law of the kinetic energy (exponent
        -1.5), relative to all primary electrons a 1000 eV.
    dark : float
        Counts/s without light.
    """

    source: str = "Al Ka"
    source_width: float = 0.25
    resolution: float = 0.016
    exponent: float = -0.7
    brightness: float = 0.08
    cascade: float = 0.3
    dark: float = 1.0

    @property
    def photon_energy(self) -> float:
        """In eV."""
        return photon_source(self.source).energy

    def transmission(self, kinetic_energy: ArrayLike) -> FloatArray:
        """Relative transmission, 1 at 1000 eV kinetic energy."""
        return (np.asarray(kinetic_energy, dtype=float) / 1000.0) ** self.exponent

    def width(self, pass_energy: float) -> float:
        """Full width of source and analyser together in eV."""
        return float(np.hypot(self.source_width, self.resolution * pass_energy))

    def gain(self, pass_energy: float) -> float:
        """Counts/s for a flux of 1 barn angstrom at T = 1."""
        return self.brightness * pass_energy / 20.0
