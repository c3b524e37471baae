"""Valence from the position of a white line, by a calibration that the analyst measured or chose.

The program has no slope of its own: for vanadium none could be verified (see `libraries/tables/valence.csv`), so that
without references or a chosen table only shifts are reported. Positions are counted from an internal reference; the
errors of sample, references and their valences go into the result.

References
----------
H. Tan, J. Verbeeck, A. Abakumov, G. Van Tendeloo, Ultramicroscopy 116, 24 (2012): chemical shift and fits of reference
spectra are the methods that hold for V, Mn and Fe oxides. Interval of a value read from a line with errors in both
coefficients: E. C. Fieller, J. R. Stat. Soc. B 16, 175 (1954).
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import BadData, NotDetermined

LEVEL = 1.959963985  # standard errors of a 95 % interval of a normal distribution
# A slope that is not this many of its standard errors above zero calibrates nothing.
_FIRM = 2.5
BEAM_WARNING = (
    "Vanadium(V) oxide is reduced in the electron beam, and both V 2p lines move with it (D. S. Su, R. Schlögl, Catal. "
    "Lett. 75, 81 (2001)): compare spectra of rising dose before a low valence is believed."
)


@dataclass(frozen=True)
class State:
    """One row of a calibration.

    Attributes
    ----------
    name : str
        Compound or spectrum.
    valence, valence_error : float
    energy, error : float
        Position of the line and its standard error, eV; the error NaN where the source gives none.
    source : str
    """

    name: str
    valence: float
    energy: float
    error: float = math.nan
    valence_error: float = 0.0
    source: str = ""


@dataclass(frozen=True)
class Calibration:
    """Positions of a line at known valences.

    Attributes
    ----------
    name : str
    edge : str
        "V L2,3".
    measure : str
        Key of the position, "l3_onset", ...
    reference : str
        Internal reference from which the energies are counted; "none" for energies on the axis.
    states : tuple of State
    verified : bool
        False for rows whose numbers nobody has traced to their source.
    """

    name: str
    edge: str
    measure: str
    reference: str
    states: tuple[State, ...]
    verified: bool = True


@dataclass(frozen=True)
class Valence:
    """A valence with its standard error and 95 % interval.

    Attributes
    ----------
    value, error : float
    low, high : float
        95 %.
    how : str
    notes : tuple of str
    """

    value: float
    error: float
    low: float
    high: float
    how: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Line:
    """E = E0 + slope (V - pivot) with the covariance of (E0, slope).

    Attributes
    ----------
    chi2 : float
        Of the states about the line, NaN without errors or degrees of freedom.
    """

    level: float
    slope: float
    pivot: float
    covariance: FloatArray
    chi2: float

    @property
    def slope_error(self) -> float:
        """eV a unit of valence."""
        return math.sqrt(float(self.covariance[1, 1]))


def line_of(calibration: Calibration) -> Line:
    """The straight line through the states, errors of energies and of valences included.

    States without an error of their own weigh as the worst known one; without any known error the scatter about the
    line takes its place (three states at least).

    Raises
    ------
    NotDetermined
        If there are fewer than two valences, or the errors cannot be told.
    """
    states = calibration.states
    v = np.array([s.valence for s in states])
    e = np.array([s.energy for s in states])
    if not np.all(np.isfinite(np.concatenate((v, e)))):
        raise BadData("A calibration holds numbers that are not finite", where=calibration.name)
    if v.size < 2 or np.ptp(v) <= 0:
        raise NotDetermined("A calibration needs two valences at least", where=calibration.name,
                            todo="Add a reference of another valence")
    sigma = np.array([s.error for s in states])
    known = np.isfinite(sigma) & (sigma > 0)
    unit = not np.any(known)
    sigma = np.ones(v.size) if unit else np.where(known, sigma, np.max(sigma[known], initial=0.0))
    if unit and v.size < 3:
        raise NotDetermined("The energies of this calibration have no errors", where=calibration.name,
                            todo="Enter an uncertainty for each, or add a third state")
    u = np.array([s.valence_error for s in states])
    pivot, slope = float(np.mean(v)), 0.0
    for _ in range(8):  # the weights depend on the slope (effective variance)
        variance = sigma**2 + (slope * u) ** 2
        design = np.stack((np.ones_like(v), v - pivot), axis=1)
        covariance = np.linalg.inv(design.T / variance @ design)
        level, slope = covariance @ (design.T / variance @ e)
    dof = v.size - 2
    chi2 = float(np.sum((e - level - slope * (v - pivot)) ** 2 / variance))
    if unit:
        covariance = covariance * chi2 / dof
    elif dof > 0 and chi2 > dof:
        covariance = covariance * (chi2 / dof)  # R. T. Birge, Phys. Rev. 40, 207 (1932)
    return Line(float(level), float(slope), pivot, covariance, math.nan if unit or dof == 0 else chi2)


def valence_of(energy: float, error: float, calibration: Calibration) -> Valence:
    """The valence of a position.

    Between two states the straight line through these two counts (with two states in all: the line itself). From three
    states on the bend that the next one tells is taken as a further error, and outside of all states the line through
    all of them counts.

    Parameters
    ----------
    energy, error : float
        Position counted as in the calibration, eV.

    Raises
    ------
    NotDetermined
        If the slope cannot be told from zero, or the position is not determined.
    """
    if not (math.isfinite(energy) and math.isfinite(error)):
        raise NotDetermined("The position of the line is not determined", where=calibration.name)
    line = line_of(calibration)
    if not abs(line.slope) > _FIRM * line.slope_error:
        raise NotDetermined(
            f"The slope of the calibration, {line.slope:.2f} ± {line.slope_error:.2f} eV a unit, cannot be told from "
            "zero", where=calibration.name, todo="Add references, or measure them with more counts",
        )
    notes = [f"slope {line.slope:.3f} ± {line.slope_error:.3f} eV a unit of valence"]
    if not calibration.verified:
        notes.append("the calibration is unverified")
    states = sorted(calibration.states, key=lambda s: s.energy / math.copysign(1.0, line.slope))
    inside = [(a, b) for a, b in itertools.pairwise(states)
              if (a.energy - energy) * (b.energy - energy) <= 0 and a.valence != b.valence and a.energy != b.energy]
    bend = _bend(energy, states)
    known = all(math.isfinite(s.error) for s in states)
    if inside and known:
        pair = min(inside, key=lambda ab: abs(ab[1].energy - ab[0].energy))
        line = line_of(Calibration(calibration.name, "", "", "", pair))
        how = f"between {pair[0].name} and {pair[1].name}"
    elif inside:
        how = "by the line through all states"
    else:
        how = "beyond all states, by the line through them"
        notes.append("the position lies beyond all references")
    return _read(energy, math.hypot(error, bend * abs(line.slope)), line, how, tuple(notes))


def _bend(energy: float, states: list[State]) -> float:
    """How far a parabola through the three nearest states departs from the line through the nearest two, in valence."""
    near = sorted(states, key=lambda s: abs(s.energy - energy))[:3]
    e, v = [s.energy for s in near], [s.valence for s in near]
    if len(near) < 3 or len(set(e)) < 3:
        return 0.0
    first = (v[1] - v[0]) / (e[1] - e[0])
    second = ((v[2] - v[1]) / (e[2] - e[1]) - first) / (e[2] - e[0])
    return abs(second * (energy - e[0]) * (energy - e[1]))


def _read(energy: float, error: float, line: Line, how: str, notes: tuple[str, ...]) -> Valence:
    """Valence at an energy by a line with errors (Fieller)."""
    d = energy - line.level
    value = line.pivot + d / line.slope
    c = line.covariance
    ratio = d / line.slope
    sigma = math.sqrt(max(error**2 + c[0, 0] + 2.0 * ratio * c[0, 1] + ratio**2 * c[1, 1], 0.0)) / abs(line.slope)
    # (d - slope t)^2 = z^2 (error^2 + c00 + 2 t c01 + t^2 c11) is quadratic in t = V - pivot.
    z2 = LEVEL**2
    a = line.slope**2 - z2 * c[1, 1]
    b = -2.0 * (d * line.slope + z2 * c[0, 1])
    k = d**2 - z2 * (error**2 + c[0, 0])
    root = b * b - 4.0 * a * k
    if a <= 0 or root < 0:
        raise NotDetermined("The calibration's slope is too uncertain for an interval", where=how)
    low, high = (line.pivot + (-b + sign * math.sqrt(root)) / (2.0 * a) for sign in (-1.0, 1.0))
    return Valence(value, sigma, low, high, how, notes)
