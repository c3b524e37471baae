"""Parts of the joint core-loss model: the low loss as a response, and an edge as a curve with fine structure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from fitting.dataset import FloatArray, Spectrum
from fitting.eels.cross_sections import BARN_PER_NM2, Model, about, default_model, differential, threshold
from fitting.eels.kinematics import Beam
from fitting.eels.zero_loss import locate
from libraries.edges import Edge
from libraries.errors import BadData

_SUB = 4  # points a channel at which an edge is averaged: its onset cuts channels
_FAR = 12.0  # eV; a zero-loss peak that far off was never calibrated
# A low loss that ends before is continued; one that ends before the plasmon cannot be. Exponents as they occur.
_ENOUGH, _LEAST_END, _DECAY = 150.0, 25.0, (1.5, 5.0)
_TAIL = 30.0  # eV of the response below zero loss that is kept at most
_FIRST_NODE, _GROWTH = 1.0, 0.12  # eV; spacing near the onset, and how it grows with the energy above it


@dataclass(frozen=True, eq=False)
class Response:
    """The low loss of the same place on channels of the core loss, zero loss at `zero`.

    Attributes
    ----------
    values : array, shape (m,)
        Counts a channel, of the exposure of the core loss where `absolute`; else with the sum 1.
    zero : float
        Channel of the zero-loss peak.
    step : float
        eV.
    absolute : bool
    total_err : float
        Relative counting error of the sum of the low loss.
    warnings : tuple of str
    """

    values: FloatArray
    zero: float
    step: float
    absolute: bool
    total_err: float = 0.0
    warnings: tuple[str, ...] = ()

    @cached_property
    def last(self) -> float:
        """Largest loss in eV."""
        return (self.values.size - 1 - self.zero) * self.step


def response_of(low: Spectrum, step: float, scale: float | None = None) -> Response:
    """A low loss as the response of edges.

    Parameters
    ----------
    low : Spectrum
        A single spectrum with its zero-loss peak.
    step : float
        Channel width of the core loss in eV.
    scale : float, optional
        Exposure of the core loss over that of the low loss, of the same beam current; None where it is not known:
        amounts are then relative.

    Raises
    ------
    BadData
        If the low loss holds no whole zero-loss peak.
    """
    energy, counts = low.x, low.y
    if not energy[0] < 0 < energy[-1]:
        raise BadData("The low loss does not hold 0 eV, so that its zero-loss peak is missing", where=low.name,
                      todo="Choose the low loss of the same place")
    found = locate(energy, counts)
    zero = float(found.position)
    if abs(zero) > _FAR:
        raise BadData(f"The highest peak of the low loss lies at {zero:.1f} eV, which is no zero loss", where=low.name,
                      todo="Align the zero loss first, or choose another low loss")
    keep = energy >= zero - _TAIL
    energy, counts = energy[keep], counts[keep]
    own = float(np.mean(np.diff(energy)))
    warnings = []
    if not math.isclose(own, step, rel_tol=1e-3):
        # Counts are kept: the running sum is interpolated, and its differences taken.
        edges = np.concatenate((energy - 0.5 * own, [energy[-1] + 0.5 * own]))
        running = np.concatenate(([0.0], np.cumsum(counts)))
        first = zero - math.floor((zero - edges[0]) / step) * step
        grid = np.arange(first, edges[-1] + 1e-9, step)
        counts, energy = np.diff(np.interp(grid, edges, running)), grid[:-1] + 0.5 * step
    total = float(np.sum(counts))
    if total <= 0:
        raise BadData("The low loss holds no counts", where=low.name)
    below = -float(np.sum(counts[counts < 0]))
    if below > 0.01 * total:
        warnings.append(f"The low loss holds negative counts, together {100.0 * below / total:.2g} % of all: is the "
                        "dark correction right?")
    counts, ended = continued(energy - zero, counts, step)
    if ended:
        warnings.append(f"The low loss ends at {ended:.0f} eV and is continued by a power law")
    gain = low.noise.gain or 1.0
    absolute = scale is not None
    values = counts * scale if scale is not None else counts / total
    return Response(values, (zero - float(energy[0])) / step, step, absolute, math.sqrt(gain / total), tuple(warnings))


def continued(loss: FloatArray, rows: FloatArray, step: float) -> tuple[FloatArray, float]:
    """Low losses (..., n) continued by a power law up to `_ENOUGH` eV, and where they ended (0: far enough already).

    The exponent is that of all spectra together over the last third; the level that of each one's last sixth.
    """
    last = float(loss[-1])
    if last >= _ENOUGH or last < _LEAST_END:
        return rows, 0.0
    middle, start = 5 / 6 * last, 2 / 3 * last
    total = rows.reshape(-1, loss.size).sum(axis=0)
    first, second = (loss >= start) & (loss < middle), loss >= middle
    a, b = float(np.mean(total[first])), float(np.mean(total[second]))
    r = math.log(a / b) / math.log((11 / 12) / (9 / 12)) if a > 0 and b > 0 else _DECAY[1]
    r = min(max(r, _DECAY[0]), _DECAY[1])
    beyond = last + step * np.arange(1, math.ceil((_ENOUGH - last) / step) + 1)
    level = np.maximum(np.mean(rows[..., second], axis=-1), 0.0)[..., None]
    return np.concatenate((rows, level * (beyond / (11 / 12 * last)) ** -r), axis=-1), last


def pixel_responses(
    low: Spectrum, start: int, stop: int, step: float, scale: float | None
) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Low losses of pixels start to stop as responses.

    Returns
    -------
    kernels : array, shape (p, m)
        As `Response.values`, on channels of `step` eV.
    zeros : array, shape (p,)
        Channel of the zero-loss peak.
    lost : array of bool, shape (p,)
        Where there is none: cropped, saturated, empty or faint.
    """
    rows, energy = low.rows(start, stop), low.x
    own = low.axis.step
    found = locate(energy, rows, strict=False)
    lost = ~np.isfinite(found.position)
    position = np.where(lost, 0.0, found.position)
    if lost.all():
        return np.ones((stop - start, 1)), np.zeros(stop - start), lost
    first = max(float(np.min(position[~lost])) - _TAIL, float(energy[0]))
    keep = energy >= first
    rows, energy = rows[:, keep], energy[keep]
    if not math.isclose(own, step, rel_tol=1e-3):
        edges = np.concatenate((energy - 0.5 * own, [energy[-1] + 0.5 * own]))
        running = np.concatenate((np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)), axis=1)
        grid = np.arange(edges[0], edges[-1] + 1e-9, step)
        at = np.clip(np.searchsorted(edges, grid, "right") - 1, 0, edges.size - 2)
        part = (grid - edges[at]) / (edges[at + 1] - edges[at])
        rows = np.diff(running[:, at] + part * (running[:, at + 1] - running[:, at]), axis=1)
        energy = grid[:-1] + 0.5 * step
    # Low loss and core loss of a scan drift together: a pixel's own shift stays in its response and moves its edges.
    common = float(np.median(position[~lost]))
    rows, _ = continued(energy - common, rows, step)
    total = rows.sum(axis=1)
    lost |= total <= 0
    divisor = np.where(lost, 1.0, total if scale is None else 1.0 / scale)
    return rows / divisor[:, None], np.full(stop - start, (common - energy[0]) / step), lost


def exposure_ratio(core: Spectrum, low: Spectrum) -> float | None:
    """Exposure of core over low loss where both files say it and both count the same unit; else None."""
    a, b = core.meta.live_time or core.meta.dwell_time, low.meta.live_time or low.meta.dwell_time
    if a is None or b is None or not (a > 0 and b > 0) or core.meta.intensity_unit != low.meta.intensity_unit:
        return None
    return a / b if core.meta.intensity_unit == "counts" else 1.0


@dataclass(frozen=True, eq=False)
class EdgeCurve:
    """d sigma/dE of an edge against the energy above its onset.

    Attributes
    ----------
    name, element : str
    above : array, shape (m,)
        eV, ascending from 0.
    values : array, shape (m,)
        nm^2/eV.
    model, source : str
    relative_error : float
        Systematic, one standard deviation.
    start : float
        Onset of the model in eV.
    warnings : tuple of str
    """

    name: str
    element: str
    above: FloatArray
    values: FloatArray
    model: str
    source: str
    relative_error: float
    start: float
    warnings: tuple[str, ...] = ()

    def at(self, above: FloatArray) -> FloatArray:
        """nm^2/eV at energies above the onset; zero below it."""
        return np.where(above >= 0, np.interp(above, self.above, self.values), 0.0)

    def nodes(self, width: float) -> FloatArray:
        """Energies above the onset of the nodes of a fine structure, the last at `width`, shape (m,).

        Dense at the onset and wider above: the lifetime of the ejected electron shortens with its energy and blurs
        what is there, so that few nodes do.
        """
        places = [0.0]
        while places[-1] < width:
            places.append(places[-1] + _FIRST_NODE + _GROWTH * places[-1])
        found = np.array(places)
        return found * (width / found[-1])

    def hats(self, above: FloatArray, width: float) -> FloatArray:
        """Hat functions (m, n) at energies above the onset; the last is 1 for everything beyond `width`."""
        nodes = self.nodes(width)
        inside = np.clip(above, 0.0, width)
        rows = [np.interp(inside, nodes, row) for row in np.eye(nodes.size)]
        return np.asarray(rows)

    def columns(
        self, energy: FloatArray, onset: float, width: float | None, response: Response | None
    ) -> FloatArray:
        """Columns of the model on channels (n, 1 + m): the amount (of what lies beyond the fine structure), nodes.

        nm^2 times the response: counts a channel for one atom per nm^2.
        """
        step = float(np.mean(np.diff(energy)))
        before = 0 if response is None else math.ceil(response.zero)
        low = min(onset, float(energy[0]))
        lead = max(math.ceil((float(energy[0]) - low) / step), 0)
        # Losses beyond the last channel reach it through the part of the zero-loss peak below zero.
        grid = float(energy[0]) + step * np.arange(-lead, energy.size + before + 1)
        sub = (np.arange(_SUB) + 0.5) / _SUB - 0.5
        if response is not None:  # the zero-loss peak lies between channels: edges move, nothing is blurred
            grid = grid + (response.zero - math.floor(response.zero)) * step
        above = (grid[:, None] + step * sub - onset).ravel()
        curve = self.at(above)
        if width is None:
            parts = curve[None, :]
        else:
            hats = self.hats(above, width)
            parts = np.concatenate((hats[-1:], hats[:-1])) * curve
        parts = parts.reshape(parts.shape[0], grid.size, _SUB).mean(axis=2)
        if response is None:
            return np.ascontiguousarray((parts[:, lead : lead + energy.size] * step).T)
        return _convolved(parts * step, response, lead, energy.size).T

    def on_grid(self, grid: FloatArray, onset: float) -> FloatArray:
        """nm^2 a channel, averaged over each channel of an even grid of energies in eV."""
        step = float(grid[1] - grid[0])
        sub = (np.arange(_SUB) + 0.5) / _SUB - 0.5
        return np.asarray(self.at(grid[:, None] + step * sub - onset).mean(axis=1) * step)

    def shares(self, width: float) -> FloatArray:
        """Integral of the cross-section times each node's hat up to `width` (the last node left out), nm^2."""
        above = np.linspace(0.0, width, 2000)
        hats = self.hats(above, width)[:-1] * self.at(above)
        return np.asarray(np.trapezoid(hats, above, axis=1))

    def structure(self, width: float, v: FloatArray) -> FloatArray:
        """Energy above the onset and fine structure of the fitted columns; empty where the amount is zero."""
        if not v[0] > 0:
            return np.zeros((0, 2))
        nodes = self.nodes(width)
        return np.stack((nodes, np.concatenate((v[1:], v[:1])) / v[0]), axis=1)

    def shaped(self, structure: FloatArray) -> EdgeCurve:
        """The curve with a fine structure in it."""
        above = np.unique(np.concatenate((self.above, structure[:, 0])))
        values = self.at(above) * np.interp(above, structure[:, 0], structure[:, 1])
        return EdgeCurve(self.name, self.element, above, values, self.model, self.source, self.relative_error,
                         self.start, self.warnings)

    def integral(self, width: float) -> float:
        """Partial cross-section in nm^2."""
        above = np.linspace(0.0, width, 4000)
        return float(np.trapezoid(self.at(above), above))


def _convolved(parts: FloatArray, response: Response, lead: int, count: int) -> FloatArray:
    whole = math.floor(response.zero)
    full = fftconvolve(parts, response.values[None, :], axes=1)
    return np.asarray(full[:, lead + whole : lead + whole + count])


def edge_curve(
    edge: Edge, beam: Beam, length: float, *, model: Model | None = None, white_lines: bool = False
) -> EdgeCurve:
    """The cross-section of an edge up to `length` eV above its onset; `white_lines` as in `hydrogenic.l_shell`.

    Raises
    ------
    NotDetermined
        If beam energy or angles are not known, or no model describes the edge.
    """
    model = model or default_model(edge)
    start = threshold(edge, model)
    # Dense where the curve bends: close above the thresholds.
    above = np.unique(np.concatenate((np.linspace(0, 2, 21), np.linspace(2, 60, 117), np.linspace(60, max(length, 61),
                                      160))))
    above = above[above <= length] if length > 2 else above
    curve = differential(edge, start + np.maximum(above, 1e-6), beam, model=model, white_lines=white_lines)
    values = curve / BARN_PER_NM2
    error, source, warnings = about(edge, model, beam, white_lines=white_lines)
    return EdgeCurve(edge.name, edge.element, above, values, model, source, error, start, warnings)
