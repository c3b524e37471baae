"""Band gap from the onset of the losses: c (E - Eg)^p, p = 1/2 for a direct gap, 3/2 for an indirect one.

The onset is broadened by the zero-loss peak. Eg depends on where the fit begins and ends more than on the counts: the
fit is repeated over neighbouring windows, and their spread is the greater part of the error.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels.kinematics import Beam
from libraries.errors import BadData, NotDetermined

Kind = Literal["direct", "indirect"]
EXPONENTS: dict[str, float] = {"direct": 0.5, "indirect": 1.5}
SOURCE = "B. Rafferty, L. M. Brown, Phys. Rev. B 58, 10326 (1998)"
CERENKOV = "M. Stöger-Pollach et al., Micron 37, 396 (2006); M. Stöger-Pollach, P. Schattschneider, " \
    "Ultramicroscopy 107, 1178 (2007)"
_SHIFTS = (-0.15, 0.0, 0.15)  # of either end of the window, as a share of its width
_FEWEST = 8  # channels in a window
_FINE = 8  # points of the kernel's grid in a channel


@dataclass(frozen=True)
class GapFit:
    """The fit in one window: energies in eV; `error` is that of counting, scaled where chi2 is above 1."""

    low: float
    high: float
    gap: float
    error: float
    amplitude: float
    reduced_chi2: float


@dataclass(frozen=True, eq=False)
class BandGap:
    """A band gap.

    Attributes
    ----------
    kind : str
    fit : GapFit
        In the chosen window.
    windows : tuple of GapFit
        In the windows whose ends are moved by 15 % of the width, each way.
    window_error : float
        Standard deviation of the gap over those windows.
    energy, curve : array, shape (m,)
        The fitted onset in the chosen window.
    seen : (energies, losses)
        The data around the window, for a plot.
    warnings : tuple of str
    """

    kind: Kind
    fit: GapFit
    windows: tuple[GapFit, ...]
    window_error: float
    energy: FloatArray
    curve: FloatArray
    seen: tuple[FloatArray, FloatArray]
    warnings: tuple[str, ...]

    @property
    def gap(self) -> float:
        """In eV."""
        return self.fit.gap

    @property
    def error(self) -> float:
        """Counting and choice of the window together."""
        return math.hypot(self.fit.error, self.window_error)


def band_gap(
    energy: FloatArray, losses: FloatArray, variance: FloatArray, window: tuple[float, float], kind: Kind, *,
    line: tuple[FloatArray, FloatArray] | None = None, beam: Beam | None = None, refractive_index: float | None = None,
) -> BandGap:
    """Fit the onset of losses.

    Parameters
    ----------
    energy, losses, variance : array, shape (n,)
        Evenly spaced losses in eV from the zero-loss peak on, what is left after its removal, in counts, and the
        variance of every channel.
    window : (low, high)
        In eV; it begins in the gap, where nothing is lost, and ends before the losses depart from the power law.
    kind : "direct" or "indirect"
    line : (energies, intensities), optional
        The zero-loss peak, by which the onset is broadened; None: a sharp onset.
    beam, refractive_index : optional
        For the warning of Cerenkov losses.

    Raises
    ------
    NotDetermined
        If the window has too few channels or no onset lies in it.
    BadData
        If arrays or window make no sense.

    References
    ----------
    B. Rafferty, L. M. Brown, Phys. Rev. B 58, 10326 (1998).
    """
    if kind not in EXPONENTS:
        raise BadData(f"A gap is direct or indirect, not '{kind}'", where="band gap")
    if not (energy.shape == losses.shape == variance.shape) or energy.ndim != 1:
        raise BadData("Energies, losses and variances differ in shape", where="band gap")
    low, high = sorted(float(value) for value in window)
    onset = _Onset(energy, EXPONENTS[kind], line)
    best = _fit(energy, losses, variance, low, high, onset)
    width = high - low
    moved = []
    for a in _SHIFTS:
        for b in _SHIFTS:
            try:
                moved.append(_fit(energy, losses, variance, low + a * width, high + b * width, onset))
            except NotDetermined:
                continue
    gaps = np.array([one.gap for one in moved])
    spread = float(np.std(gaps, ddof=1)) if gaps.size > 1 else math.nan
    inside = (energy >= low) & (energy <= high)
    warnings = list(cerenkov(beam, refractive_index)) if beam is not None else []
    if len(moved) < len(_SHIFTS) ** 2:
        warnings.append(f"{len(_SHIFTS) ** 2 - len(moved)} of {len(_SHIFTS) ** 2} neighbouring windows hold no onset")
    if best.reduced_chi2 > 2.0:
        warnings.append(f"The power law does not describe the onset (reduced χ² {best.reduced_chi2:.1f}): choose a "
                        "shorter window")
    if kind == "indirect":
        warnings.append("The exponent 3/2 is a choice: a defect band or surface losses look alike")
    curve = best.amplitude * onset.at(energy[inside], best.gap)
    near = (energy >= low - 0.3 * width) & (energy <= high + 0.3 * width)
    return BandGap(kind, best, tuple(moved), spread, energy[inside], curve, (energy[near], losses[near]),
                   tuple(warnings))


def cerenkov(beam: Beam, refractive_index: float | None) -> tuple[str, ...]:
    """What is to be said of Cerenkov losses, which lie below the gap where (v/c)^2 eps1 > 1.

    References
    ----------
    M. Stöger-Pollach et al., Micron 37, 396 (2006).
    """
    if beam.energy is None:
        return ("The beam energy is not known: whether Čerenkov losses lie in the gap cannot be said",)
    limit = 1.0 / beam.speed
    words = f"at {beam.energy:g} kV above a refractive index of {limit:.2f}"
    if refractive_index is None:
        return (f"Čerenkov losses begin {words}: give the refractive index to know whether they lie in this gap",)
    if refractive_index > limit:
        return (f"Čerenkov losses are possible ({words}; n = {refractive_index:g}): they fill the gap and lower Eg. "
                "Use a lower beam energy or a dark-field geometry",)
    return ()


class _Onset:
    """x_+^p broadened by the zero-loss line, as a table that is moved along the axis."""

    def __init__(self, energy: FloatArray, exponent: float, line: tuple[FloatArray, FloatArray] | None) -> None:
        steps = np.diff(energy)
        if energy.size < 4 or np.any(steps <= 0) or np.ptp(steps) > 1e-3 * steps[0] * 2:
            raise BadData("The energy axis is not evenly spaced", where="band gap", todo="Resample it first")
        step = float(np.mean(steps)) / _FINE
        span = float(energy[-1] - energy[0])
        kernel_x, kernel = np.zeros(1), np.ones(1)
        if line is not None:
            x, y = line
            kernel_x = step * np.arange(math.floor(x[0] / step), math.ceil(x[-1] / step) + 1)
            kernel = np.maximum(np.interp(kernel_x, x, y, left=0.0, right=0.0), 0.0)
            total = float(kernel.sum())
            if not total > 0:
                raise BadData("The zero-loss peak has no area", where="band gap")
            kernel = kernel / total
        back = max(-float(kernel_x[0]), 0.0) + step
        ahead = max(float(kernel_x[-1]), 0.0) + step
        grid = step * np.arange(-math.ceil((back + ahead + span) / step), math.ceil((span + back) / step) + 1)
        sharp = np.maximum(grid, 0.0) ** exponent
        self.grid = grid
        self.values = np.zeros_like(grid)
        for offset, weight in zip(np.round(kernel_x / step).astype(int), kernel, strict=True):
            self.values += weight * _moved(sharp, int(offset))
        self.slope = np.gradient(self.values, step)

    def at(self, energy: FloatArray, gap: float) -> FloatArray:
        """The onset of unit amplitude."""
        return np.interp(energy - gap, self.grid, self.values)


def _moved(values: FloatArray, by: int) -> FloatArray:
    out = np.zeros_like(values)
    if by >= 0:
        out[by:] = values[: values.size - by]
    else:
        out[:by] = values[-by:]
        out[by:] = values[-1]
    return out


def _fit(
    energy: FloatArray, losses: FloatArray, variance: FloatArray, low: float, high: float, onset: _Onset
) -> GapFit:
    """Eg by a search over a grid, each with its best amplitude, then refined by a parabola of chi2."""
    used = (energy >= low) & (energy <= high) & (variance > 0)
    if np.count_nonzero(used) < _FEWEST:
        raise NotDetermined("The window holds too few channels", where=f"{low:.2f} to {high:.2f} eV",
                            todo="Widen it")
    e, y, w = energy[used], losses[used], 1.0 / variance[used]
    step = float(np.mean(np.diff(e)))

    def chi2(gap: float) -> tuple[float, float]:
        shape = onset.at(e, gap)
        bottom = float(np.sum(w * shape**2))
        amplitude = max(float(np.sum(w * shape * y)) / bottom, 0.0) if bottom > 0 else 0.0
        return float(np.sum(w * (y - amplitude * shape) ** 2)), amplitude

    grid = np.arange(low - 0.25 * (high - low), high - 3 * step, 0.5 * step)
    values = np.array([chi2(float(gap))[0] for gap in grid])
    at = int(np.argmin(values))
    if at in (0, grid.size - 1) or chi2(float(grid[at]))[1] <= 0:
        raise NotDetermined("No onset lies in the window", where=f"{low:.2f} to {high:.2f} eV",
                            todo="Begin in the gap and end behind the onset")
    a, b = float(grid[at - 1]), float(grid[at + 1])
    for _ in range(24):  # golden section: to 1e-5 of a channel
        c, d = b - 0.6180339887 * (b - a), a + 0.6180339887 * (b - a)
        a, b = (a, d) if chi2(c)[0] < chi2(d)[0] else (c, b)
    gap = 0.5 * (a + b)
    lowest, amplitude = chi2(gap)
    dof = max(e.size - 2, 1)
    # Both parameters by the expected curvature.
    jacobian = np.stack((-amplitude * np.interp(e - gap, onset.grid, onset.slope), onset.at(e, gap)))
    information = (jacobian * w) @ jacobian.T
    if not np.linalg.cond(information) < 1e14:
        raise NotDetermined("The onset is not determined", where=f"{low:.2f} to {high:.2f} eV")
    reduced = lowest / dof
    error = math.sqrt(float(np.linalg.inv(information)[0, 0]) * max(reduced, 1.0))
    return GapFit(low, high, gap, error, amplitude, reduced)
