"""Ionisation cross-sections: hydrogenic K and L shells, dipole approximation for all others.

Energies in eV, cross-sections in barn (1e-10 nm^2), angles through the `Beam`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels import hydrogenic
from fitting.eels.kinematics import Beam
from libraries.edges import Edge
from libraries.elements import atomic_number
from libraries.errors import BadData, NotDetermined
from libraries.shells import XRAYLIB, edge_energy, shell_cross_section

Model = Literal["hydrogenic", "dipole"]

BARN_PER_NM2 = 1e10
# pi e^2 h/(m c), the photoabsorption cross-section of unit oscillator strength, in barn eV: 1.0976e-16 cm^2 eV
# (Egerton 2011, chapter 3).
OSCILLATOR = 1.0976e8
_LOG_Q_PANELS, _ENERGY_PANELS, _NODES = 6, 4, 12
_HYDROGENIC = "hydrogenic (Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3)"
_DIPOLE = f"dipole, photoionisation from {XRAYLIB}"
# Systematic errors, one standard deviation (Egerton 2011, chapter 4: about 10 % K, 20 % L; the 20 % of other
# shells by the dipole model is the same figure, for want of a better one).
_ERROR_K, _ERROR_OTHER = 0.10, 0.20


@dataclass(frozen=True)
class CrossSection:
    """A partial ionisation cross-section.

    Attributes
    ----------
    edge : Edge
    value : float
        In barn, for the losses [threshold, threshold + window] inside the collection angle.
    relative_error : float
        Systematic, one standard deviation.
    window : float
        Width in eV.
    model, source : str
    warnings : tuple of str
    """

    edge: Edge
    value: float
    relative_error: float
    window: float
    model: Model
    source: str
    warnings: tuple[str, ...] = ()

    @property
    def nm2(self) -> float:
        """The value in nm^2."""
        return self.value / BARN_PER_NM2


def default_model(edge: Edge) -> Model:
    """Hydrogenic for K of every element and L2,3 of Z = 13 to 36, dipole for all other shells."""
    z = atomic_number(edge.element)
    low, high = hydrogenic.L_RANGE
    return "hydrogenic" if edge.shell == "K" or (edge.shell == "L2,3" and low <= z <= high) else "dipole"


def threshold(edge: Edge, model: Model) -> float:
    """Energy in eV from which a model is above zero; the L model and the dipole model have their own thresholds."""
    if model == "hydrogenic" and edge.shell == "L2,3":
        return hydrogenic.l_thresholds(atomic_number(edge.element))[0]
    return min(_line_energies(edge)) if model == "dipole" else edge.energy


def _line_energies(edge: Edge) -> list[float]:
    found = [e for line in edge.lines if (e := edge_energy(line)) is not None]
    if not found:
        raise NotDetermined("There is no photoionisation cross-section of this edge", where=edge.name)
    return found


def differential(
    edge: Edge, energy: FloatArray, beam: Beam, *, model: Model | None = None, white_lines: bool = False,
    onset: float | None = None, convergent: bool = True,
) -> FloatArray:
    """d sigma/dE inside the collection angle.

    Parameters
    ----------
    edge : Edge
    energy : array, shape (n,)
        Energy losses in eV; zero below the onset.
    beam : Beam
    model : str, optional
        Default as `default_model`.
    white_lines : bool
        As in `hydrogenic.l_shell`.
    onset : float, optional
        Threshold in eV seen in the spectrum; the curve of the model is moved there. Default: that of the model.
    convergent : bool
        Take the effective collection angle at the onset; False: the collection angle itself.

    Returns
    -------
    array, shape (n,)
        In barn/eV.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3 and appendix B.
    """
    model = model or default_model(edge)
    energy = np.asarray(energy, dtype=float)
    start = threshold(edge, model)
    moved = energy - (0.0 if onset is None else onset - start)
    result = np.zeros_like(energy)
    inside = moved >= start
    if not np.any(inside):
        return result
    beta = float(beam.effective_collection(start)) if convergent else beam.beta
    e = moved[inside]
    strength = _hydrogenic(edge, e, beam, beta, white_lines) if model == "hydrogenic" else _dipole(edge, e, beam, beta)
    scale = 4.0 * np.pi * beam.constants.bohr_radius**2 * BARN_PER_NM2
    result[inside] = scale * beam.constants.rydberg**2 / (beam.T * e) * strength
    return result


def momentum_limits(energy: FloatArray, beam: Beam, beta: float) -> tuple[FloatArray, FloatArray]:
    """Smallest and largest (q a0)^2 of a loss inside a collection angle `beta` in rad, relativistic.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3.
    """
    rydberg, rest, t, gamma = beam.constants.rydberg, beam.constants.rest_energy, beam.T, beam.gamma
    low = energy**2 / (4.0 * rydberg * t) + energy**3 / (8.0 * gamma**3 * rydberg * t**2)
    p0 = t / (rydberg * (1.0 - 2.0 * t / rest))
    p1 = p0 - energy / rydberg * (gamma - energy / (2.0 * rest))
    if np.any(p1 <= 0):
        raise BadData("The loss is larger than the beam energy", where="cross-section")
    return low, low + 4.0 * np.sqrt(p0 * p1) * np.sin(0.5 * beta) ** 2


def _hydrogenic(edge: Edge, energy: FloatArray, beam: Beam, beta: float, white_lines: bool) -> FloatArray:
    # Integral of df/dE over ln Q, by Gauss-Legendre nodes in equal panels.
    low, high = momentum_limits(energy, beam, beta)
    nodes, weights = _panels(0.0, 1.0, _LOG_Q_PANELS)
    span = np.log(high / low)
    q = low[:, None] * np.exp(span[:, None] * nodes)
    z, rydberg = atomic_number(edge.element), beam.constants.rydberg
    if edge.shell == "K":
        strength = hydrogenic.k_shell(z, energy[:, None], q, rydberg)
    elif edge.shell == "L2,3":
        strength = hydrogenic.l_shell(z, energy[:, None], q, rydberg, white_lines=white_lines)
    else:
        raise NotDetermined("There is no hydrogenic model of this shell", where=edge.name, todo="Use the dipole model")
    return span * (strength @ weights)


def _dipole(edge: Edge, energy: FloatArray, beam: Beam, beta: float) -> FloatArray:
    strength = np.zeros_like(energy)
    for line in edge.lines:
        values = [shell_cross_section(line, float(e)) for e in energy]
        strength += np.array([0.0 if v is None else v for v in values]) / OSCILLATOR
    if not np.any(strength > 0):
        raise NotDetermined("There is no photoionisation cross-section of this edge", where=edge.name)
    return strength * np.log1p((beta / beam.characteristic_angle(energy)) ** 2)


def partial(
    edge: Edge, window: float, beam: Beam, *, model: Model | None = None, white_lines: bool = False,
    convergent: bool = True,
) -> CrossSection:
    """Cross-section for losses within `window` eV above the threshold.

    Parameters
    ----------
    edge : Edge
    window : float
        Width Delta in eV.
    beam : Beam
    model, white_lines, convergent
        As in `differential`.

    Returns
    -------
    CrossSection
        Integrated to 1e-4 where the model is smooth.

    Raises
    ------
    BadData
        If the window is not above zero.
    NotDetermined
        If the beam lacks energy or angles, or no model describes the edge.
    """
    if not (np.isfinite(window) and window > 0):
        raise BadData("The integration window must be above zero", where=f"{edge.name}: {window} eV")
    model = model or default_model(edge)
    start = threshold(edge, model)
    total = 0.0
    cuts = _cuts(edge, model, start, start + window)
    for low, high in pairwise(cuts):
        nodes, weights = _panels(low, high, _ENERGY_PANELS)
        curve = differential(edge, nodes, beam, model=model, white_lines=white_lines, convergent=convergent)
        total += float(curve @ weights)
    error, source, warnings = about(edge, model, beam, white_lines=white_lines)
    return CrossSection(edge, total, error, float(window), model, source, warnings)


def about(edge: Edge, model: Model, beam: Beam, *, white_lines: bool = False) -> tuple[float, str, tuple[str, ...]]:
    """Systematic relative error (one standard deviation), source and warnings of a model of an edge."""
    error = _ERROR_K if edge.shell == "K" else _ERROR_OTHER
    source = _HYDROGENIC if model == "hydrogenic" else _DIPOLE
    return error, source, _warnings(edge, model, beam, white_lines)


def _cuts(edge: Edge, model: Model, start: float, stop: float) -> list[float]:
    # Where the model has a kink or a step, the integral is cut; the first eV above L3 rises steeply, (E - E_L3)^u.
    inner: list[float] = []
    if edge.shell == "L2,3" and model == "hydrogenic":
        z = atomic_number(edge.element)
        inner = [start + 0.5, start + 3.0, start + hydrogenic.WHITE_LINE_WIDTH, hydrogenic.l_thresholds(z)[1]]
    elif model == "dipole":
        inner = _line_energies(edge)
    return [start, *sorted(e for e in inner if start < e < stop), stop]


def _warnings(edge: Edge, model: Model, beam: Beam, white_lines: bool) -> tuple[str, ...]:
    found = []
    if model == "dipole" and float(beam.effective_collection(edge.energy)) > float(beam.bethe_ridge(edge.energy)):
        found.append(f"{edge.name}: the collection angle reaches beyond the Bethe ridge, where the dipole model is "
                     "too large")
    z = atomic_number(edge.element)
    low, high = hydrogenic.WHITE_LINE_RANGE
    if model == "hydrogenic" and edge.shell == "L2,3" and low <= z <= high and not white_lines:
        found.append(f"{edge.name}: white lines are not in this cross-section")
    return tuple(found)


def _panels(low: float, high: float, count: int) -> tuple[FloatArray, FloatArray]:
    # Gauss-Legendre nodes and weights of `count` equal panels.
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    width = (high - low) / count
    centres = low + width * (np.arange(count) + 0.5)
    return (centres[:, None] + 0.5 * width * nodes).ravel(), np.tile(0.5 * width * weights, count)
