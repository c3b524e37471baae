"""Windows of an edge: where its background is fitted, by which law, and what remains in the signal window."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize_scalar

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.core_background import (
    EdgeSignal,
    PowerLaw,
    edge_signal,
    log_log,
    maximum_likelihood,
    two_windows,
)
from fitting.eels.core_edges import Response
from fitting.eels.core_model import EdgeTerm
from fitting.eels.core_setup import CoreEdge, CoreSetup
from libraries.errors import BadData, NotDetermined

_NEAR = 4.0  # eV below the onset that a background window keeps away
_WIDE, _SHARE = 60.0, 0.16  # a background window is this share of the onset wide, at most so many eV
_AFTER = 12.0  # eV above an earlier edge: nearer there is no background but a white line
_LEAST = 6  # channels
POST = (50.0, 150.0)  # eV above the onset: the second window of "before and after", as far as there is room


@dataclass(frozen=True, eq=False)
class Exponential:
    """B exp(-E/tau) with the covariance of (ln level, tau).

    Attributes
    ----------
    level : float
        Counts per channel at the pivot.
    tau : float
        eV.
    pivot : float
    covariance : array, shape (2, 2)
    method : str
    """

    level: float
    tau: float
    pivot: float
    covariance: FloatArray
    method: str = "exponential"

    def __call__(self, energy: FloatArray) -> FloatArray:
        """Counts per channel at energies (eV)."""
        return np.asarray(self.level * np.exp(-(energy - self.pivot) / self.tau))

    def gradient(self, energy: FloatArray) -> FloatArray:
        """Derivatives by (ln level, tau), shape (2, n)."""
        curve = self(energy)
        return np.stack((curve, curve * (energy - self.pivot) / self.tau**2))

    def variance_of_sum(self, energy: FloatArray, weights: FloatArray | float = 1.0) -> float:
        """Variance of the background summed over channels: v^T C v."""
        v = np.sum(weights * self.gradient(energy), axis=1)
        return float(v @ self.covariance @ v)


Law = PowerLaw | Exponential


def background_window(core: Spectrum, setup: CoreSetup, one: CoreEdge) -> tuple[float, float]:
    """Where the background of an edge is fitted when the user does not say.

    Below the onset, above the white lines of an earlier edge of the analysis.

    Raises
    ------
    NotDetermined
        If there is no room.
    """
    high = one.at - _NEAR
    low = max(high - min(_WIDE, _SHARE * one.at), float(core.x[0]))
    for other in setup.used:
        if other.at < one.at:
            low = max(low, other.at + _AFTER)
    if high - low < _LEAST * core.axis.step or low <= 0:
        raise NotDetermined("There is no room for a background below this edge", where=one.name,
                            todo="Use the joint model, or set the window")
    return low, high


def exponential(
    energy: FloatArray, counts: FloatArray, window: tuple[float, float], *, gain: float = 1.0
) -> Exponential:
    """Exponential by the areas of the two halves of a window, tau = (E2 - E1)/2 / ln(I1/I2).

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 4.
    """
    inside = (energy >= window[0]) & (energy <= window[1])
    e, y = energy[inside], counts[inside]
    if e.size % 2:
        e, y = e[:-1], y[:-1]
    half = e.size // 2
    if half < 2:
        raise BadData("The window holds fewer than four channels", where=f"{window[0]:g} to {window[1]:g} eV")
    i1, i2 = float(np.sum(y[:half])), float(np.sum(y[half:]))
    if min(i1, i2) <= 0 or i1 <= i2:
        raise NotDetermined("The counts do not fall", where=f"{window[0]:g} to {window[1]:g} eV",
                            todo="Use another background or window")
    step = float(np.mean(np.diff(e)))
    width, log = half * step, math.log(i1 / i2)
    tau = width / log
    pivot = 0.5 * (float(e[0]) + float(e[-1]))
    unit = float(np.sum(np.exp(-(e - pivot) / tau)))
    slope = float(np.sum(np.exp(-(e - pivot) / tau) * (e - pivot))) / tau**2 / unit
    d1, d2 = -width / (log**2 * i1), width / (log**2 * i2)
    jacobian = np.array([[1 / (i1 + i2) - slope * d1, 1 / (i1 + i2) - slope * d2], [d1, d2]])
    covariance = jacobian @ np.diag([gain * i1, gain * i2]) @ jacobian.T
    return Exponential((i1 + i2) / unit, tau, pivot, covariance)


def before_and_after(
    energy: FloatArray, counts: FloatArray, before: tuple[float, float], after: tuple[float, float],
    edge_column: FloatArray, *, gain: float = 1.0,
) -> PowerLaw:
    """Power law that the counts far above the edge hold as well.

    In both windows A E^-r + N s is fitted, s the unit edge, which far above its onset has no fine structure; a window
    below the edge alone leaves r to few channels. The idea is that of the reference; the edge is taken here from the
    cross-section convolved with the low loss.

    Parameters
    ----------
    edge_column : array, shape (n,)
        Of one unit of the edge on `energy`.

    References
    ----------
    R. F. Egerton, M. Malac, Ultramicroscopy 92, 47 (2002).
    """
    inside = ((energy >= before[0]) & (energy <= before[1])) | ((energy >= after[0]) & (energy <= after[1]))
    e, y, s = energy[inside], counts[inside], edge_column[inside]
    if not np.any(e > before[1]) or not np.any(e <= before[1]) or not np.any(s > 0):
        raise NotDetermined("There is no room for a window far above the edge", where=f"{after[0]:g} eV",
                            todo="Use another background")
    pivot, scale = math.sqrt(before[0] * before[1]), float(np.max(s))
    weight = 1.0 / np.maximum(y, 0.05 * float(np.mean(y)) + 1e-30)

    def solve(r: float) -> tuple[FloatArray, float, FloatArray]:
        columns = np.stack(((e / pivot) ** -r, s / scale), axis=1) * np.sqrt(weight)[:, None]
        found = np.linalg.lstsq(columns, y * np.sqrt(weight), rcond=None)[0]
        rest = y * np.sqrt(weight) - columns @ found
        return found, float(rest @ rest), columns

    for _ in range(3):
        best = minimize_scalar(lambda r: solve(r)[1], bounds=(0.2, 10.0), method="bounded", options={"xatol": 1e-7})
        r = float(best.x)
        level, amount = solve(r)[0]
        if level <= 0:
            raise NotDetermined("No power law describes the counts", where=f"{before[0]:g} to {after[1]:g} eV")
        weight = 1.0 / np.maximum(level * (e / pivot) ** -r + max(amount, 0.0) * s / scale, 1e-9 * level)
    curve = level * (e / pivot) ** -r
    design = np.stack((curve, -curve * np.log(e / pivot), s / scale), axis=1) * np.sqrt(weight)[:, None]
    covariance = gain * np.linalg.inv(design.T @ design)[:2, :2]
    return PowerLaw(float(level), r, pivot, covariance, "before and after")


def law_of(
    core: Spectrum, setup: CoreSetup, one: CoreEdge, before: tuple[float, float], *, gain: float = 1.0,
    term: EdgeTerm | None = None, response: Response | None = None,
) -> Law:
    """The background of an edge by the chosen method."""
    x, y = core.x, core.y
    if setup.method == "exponential":
        return exponential(x, y, before, gain=gain)
    if setup.method == "before and after":
        if term is None:
            raise NotDetermined("This background needs the cross-section of the edge", where=one.name)
        later = min((other.at for other in setup.used if other.at > one.at + 1), default=float(x[-1]))
        high = min(one.at + POST[1], later - _NEAR, float(x[-1]))
        part = core.window(before[0], float(x[-1]))
        column = term.curve.columns(part.x, one.at, None, response)[:, 0]
        return before_and_after(part.x, part.y, before, (min(one.at + POST[0], high - 10), high), column, gain=gain)
    method = {"two windows": two_windows, "log-log": log_log}.get(setup.method, maximum_likelihood)
    return method(x, y, before, gain=gain)


def signal_of(
    core: Spectrum, setup: CoreSetup, one: CoreEdge, before: tuple[float, float], *, gain: float = 1.0,
    term: EdgeTerm | None = None, response: Response | None = None,
) -> tuple[EdgeSignal, float, Law]:
    """Signal above the background in the signal window of an edge, Egerton's h (in electrons), and the background.

    The window ends below the next edge of the analysis, as the signal of two edges cannot be parted so.
    """
    law = law_of(core, setup, one, before, gain=gain, term=term, response=response)
    later = min((other.at for other in setup.used if other.at > one.at + 1), default=math.inf)
    high = min(one.at + one.signal, later - 2.0, float(core.x[-1]))
    found = edge_signal(core.x, core.y, law, (one.at, high), gain=gain)  # type: ignore[arg-type]
    electrons = found.background / gain
    h = 1.0 + found.background_err**2 / gain**2 / electrons if electrons > 0 else math.inf
    return found, h, law
