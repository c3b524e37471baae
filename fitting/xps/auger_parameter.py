"""The modified Auger parameter: kinetic energy of an Auger line plus binding energy of a photoelectron line.

Charging moves both lines by the same amount in opposite directions of the two scales, so that it cancels; what remains
tells chemical states apart that share one binding energy (sodium metal and its salts differ by 5 eV).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from fitting.statistics import estimate_noise, variance_of
from libraries.auger import AugerLine, auger_lines
from libraries.compounds import AugerParameter, auger_parameters, lines_of
from libraries.elements import Line, parse_line
from libraries.errors import NotDetermined, SodaliteError

WAGNER = "C. D. Wagner, Faraday Discuss. Chem. Soc. 60 (1975) 291: unverified (paper not read)"
# Auger series and the photoelectron line that goes with it.
PARTNERS: tuple[tuple[str, str], ...] = (("K", "1s"), ("L3", "2p3/2"), ("M45", "3d5/2"))
# Half widths of the polynomial's window as shares of the peak's full width; their spread is part of the error.
SHARES = (0.30, 0.40, 0.50)
DEGREE = 3
MARGIN = 8.0  # eV on both sides of the cited kinetic energies, for charging and other compounds


@dataclass(frozen=True)
class Maximum:
    """The maximum of a peak: place on the binding-energy axis in eV with its standard error, and how it was found."""

    position: float
    error: float
    how: str


@dataclass(frozen=True)
class Candidate:
    """A cited Auger parameter beside a measured one.

    Attributes
    ----------
    cited : AugerParameter
    distance : float
        Measured minus the nearest end of the cited range in eV; 0 inside it.
    fits : bool
        Whether the measured value lies within two standard errors of the range.
    """

    cited: AugerParameter
    distance: float
    fits: bool


@dataclass(frozen=True)
class MeasuredParameter:
    """A measured Auger parameter.

    Attributes
    ----------
    auger, core : str
    kinetic_energy, kinetic_err, binding_energy, binding_err : float
        In eV; without a charge reference only their sum has a meaning.
    value, error : float
        a' = kinetic energy + binding energy, and its standard error, in eV.
    candidates : tuple of Candidate
        Cited values, the nearest first; they are candidates, not a decision.
    how : str
        Where both energies come from.
    """

    auger: str
    core: str
    kinetic_energy: float
    kinetic_err: float
    binding_energy: float
    binding_err: float
    value: float
    error: float
    candidates: tuple[Candidate, ...]
    how: str


@dataclass(frozen=True)
class WagnerPoint:
    """A compound in the Wagner plot: binding and kinetic energy in eV with the ranges of the cited values."""

    compound: str
    binding_energy: float
    binding_low: float
    binding_high: float
    kinetic_energy: float
    value: float
    low: float
    high: float
    source: str


def pair_of(element: str) -> tuple[AugerLine, ...]:
    """The Auger lines of an element that make an Auger parameter, the main line first; raises NotDetermined."""
    for series, _ in PARTNERS:
        lines = [line for line in auger_lines(element) if line.line.level.startswith(series)]
        if lines:
            return tuple(lines)
    raise NotDetermined(f"The library knows no Auger line of {element} for an Auger parameter")


def core_of(line: AugerLine) -> Line:
    """The photoelectron line that goes with an Auger line."""
    level = next(core for series, core in PARTNERS if line.line.level.startswith(series))
    return parse_line(f"{line.line.element} {level}")


def apparent_window(element: str, photon_energy: float, level: str = "") -> tuple[float, float]:
    """Where the main Auger lines lie on the binding-energy axis, in eV; `level` restricts to one transition."""
    lines = pair_of(element)
    main = [line for line in lines if line.line.level in (level, _main_level(lines))]
    main += [line for line in lines if line.line.level == "KLL"]
    return (photon_energy - max(line.high for line in main) - MARGIN,
            photon_energy - min(line.low for line in main) + MARGIN)


def _main_level(lines: Sequence[AugerLine]) -> str:
    return lines[0].line.level


def find_maximum(spectrum: Spectrum, low: float, high: float) -> Maximum:
    """The strongest maximum of a spectrum inside a window, above a straight line between the window's ends.

    A cubic is fitted to the top of the peak with the weights of the noise; its maximum is the position. The error is
    that of the counts together with the spread over three widths of the window.

    Parameters
    ----------
    spectrum : Spectrum
        On a binding-energy axis, after its recipe.
    low, high : float
        In eV.

    Returns
    -------
    Maximum

    Raises
    ------
    BadData
        If no data lie inside.
    NotDetermined
        If there is no clear maximum.
    """
    part = spectrum.window(low, high)
    x, y = part.x, part.y
    if x.size < 9 or spectrum.axis.quantity != "binding_energy":
        raise NotDetermined("The window holds too few points", where=spectrum.name, todo="Measure the Auger line")
    noise = spectrum.noise
    if not noise.known:
        try:
            noise = estimate_noise(spectrum)
        except SodaliteError:
            noise = spectrum.noise
    smooth = np.convolve(np.pad(y, 2, mode="edge"), np.ones(5) / 5.0, mode="valid")
    net = smooth - np.interp(x, [x[0], x[-1]], [np.mean(smooth[:3]), np.mean(smooth[-3:])])
    top = int(np.argmax(net))
    variance = variance_of(noise, np.maximum(smooth, 0.0), y)
    if top in (0, x.size - 1) or net[top] < 4.0 * math.sqrt(variance[top] / 5.0):
        raise NotDetermined("There is no clear maximum", where=f"{spectrum.name}, {low:.0f} to {high:.0f} eV",
                            todo="Count longer, or fit the line")
    width = _width(x, net, top)
    found = [_vertex(x, y, variance, float(x[top]), max(share * width, 2.1 * part.axis.step)) for share in SHARES]
    found = [item for item in found if item is not None]
    if not found:
        raise NotDetermined("The maximum cannot be located", where=spectrum.name, todo="Fit the line")
    place = float(np.mean([item[0] for item in found]))
    spread = float(np.std([item[0] for item in found]))
    counts = float(np.mean([item[1] for item in found]))
    return Maximum(place, math.hypot(counts, spread), f"maximum of {spectrum.name} (cubic through the top)")


def _width(x: FloatArray, net: FloatArray, top: int) -> float:
    """Full width at half maximum around a channel."""
    half, left, right = 0.5 * net[top], top, top
    while left > 0 and net[left] > half:
        left -= 1
    while right < x.size - 1 and net[right] > half:
        right += 1
    return float(x[right] - x[left])


def _vertex(
    x: FloatArray, y: FloatArray, variance: FloatArray, centre: float, reach: float
) -> tuple[float, float] | None:
    """Maximum of a weighted cubic and its standard error; None where it has none inside."""
    for _ in range(3):  # the window follows the maximum
        inside = np.abs(x - centre) <= reach
        if np.count_nonzero(inside) < DEGREE + 2:
            return None
        t, weight = (x[inside] - centre) / reach, 1.0 / np.sqrt(variance[inside])
        design = np.vander(t, DEGREE + 1, increasing=True)
        inverse = np.linalg.pinv((design * weight[:, None]).T @ (design * weight[:, None]))
        c = inverse @ ((design * weight[:, None]).T @ (y[inside] * weight))
        bend = c[2] ** 2 - 3.0 * c[1] * c[3]
        if bend <= 0.0 or c[2] >= 0.0:
            return None
        # The root of c1 + 2 c2 t + 3 c3 t^2 at which the cubic has its maximum, in the form that is stable for c3 -> 0.
        root = c[1] / (-c[2] + math.sqrt(bend))
        if abs(root) > 1.0:
            return None
        slope = np.array([0.0, 1.0, 2.0 * root, 3.0 * root**2]) / -(2.0 * c[2] + 6.0 * c[3] * root)
        residual = (design @ c - y[inside]) * weight
        scale = max(1.0, float(residual @ residual) / max(t.size - DEGREE - 1, 1))
        error = reach * math.sqrt(max(float(slope @ inverse @ slope) * scale, 0.0))
        centre += float(root) * reach
    return centre, error


def combine(
    core: Maximum, auger: Maximum, photon_energy: float, core_line: str, auger_line: str
) -> MeasuredParameter:
    """The Auger parameter of two measured lines.

    Parameters
    ----------
    core, auger : Maximum
        Both on the same binding-energy scale, of one sample in one charge state; the Auger line at its apparent
        binding energy.
    photon_energy : float
        In eV.

    Returns
    -------
    MeasuredParameter

    References
    ----------
    a' = E_kin(Auger) + E_bind(core): C. D. Wagner (see `WAGNER`).
    """
    kinetic = photon_energy - auger.position
    value, error = kinetic + core.position, math.hypot(core.error, auger.error)
    return MeasuredParameter(auger_line, core_line, kinetic, auger.error, core.position, core.error, value, error,
                             candidates(value, error, core_line), f"{core_line}: {core.how}; {auger_line}: {auger.how}")


def candidates(value: float, error: float, core_line: str) -> tuple[Candidate, ...]:
    """Cited Auger parameters with this core level, the nearest to a measured value first."""
    found = []
    for item in auger_parameters():
        if item.core.name == core_line:
            distance = value - min(max(value, item.low), item.high)
            found.append(Candidate(item, distance, abs(distance) <= 2.0 * error))
    return tuple(sorted(found, key=lambda c: (abs(c.distance), abs(value - c.cited.central))))


def wagner_points(core_line: str) -> tuple[WagnerPoint, ...]:
    """Compounds of which both an Auger parameter and a binding energy are cited.

    Their kinetic energy is the Auger parameter minus the binding energy, from different sources where need be.
    """
    found = []
    for item in auger_parameters():
        if item.core.name != core_line:
            continue
        lines = [line for line in lines_of(item.compound) if line.line == item.core]
        if lines:
            low, high = min(line.low for line in lines), max(line.high for line in lines)
            energy = float(np.median([line.central for line in lines]))
            found.append(WagnerPoint(item.compound, energy, low, high, item.central - energy, item.central, item.low,
                                     item.high, item.source))
    return tuple(found)
