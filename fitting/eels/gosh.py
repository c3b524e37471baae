"""Cross-sections from tables of generalised oscillator strengths over momentum and energy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.integrate import cumulative_trapezoid

from fitting.dataset import FloatArray, frozen_array
from fitting.eels.core_edges import EdgeCurve
from fitting.eels.cross_sections import BARN_PER_NM2, momentum_limits
from fitting.eels.kinematics import Beam
from libraries.edges import Edge
from libraries.errors import BadData
from libraries.shells import edge_energy

# The error of the cross-sections behind a composition: tables of free atoms know nothing of the solid either, so that
# the figures of Egerton 2011, chapter 4, for K and other shells are kept (no better ones are at hand).
_ERROR_K, _ERROR_OTHER = 0.10, 0.20


@dataclass(frozen=True, eq=False)
class GosTable:
    """Oscillator strengths of one level.

    Attributes
    ----------
    shell : str
        "K", "L3".
    q : array, shape (m,)
        Momentum transfer in 1/nm, ascending.
    above : array, shape (n,)
        Energy of the ejected electron in eV, ascending from 0.
    strength : array, shape (m, n)
        df/dE in 1/eV, of all electrons of the level.
    """

    shell: str
    q: FloatArray
    above: FloatArray
    strength: FloatArray

    def __post_init__(self) -> None:
        for name in ("q", "above", "strength"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))
        if self.strength.shape != (self.q.size, self.above.size) or self.q.size < 4 or self.above.size < 4:
            raise BadData(f"Oscillator strengths of shape {self.strength.shape} do not fit {self.q.size} momenta and "
                          f"{self.above.size} energies", where=self.shell)
        whole = np.all(np.isfinite(self.strength)) and np.all(np.isfinite(self.q)) and np.all(np.isfinite(self.above))
        if not whole or np.any(np.diff(self.q) <= 0) or np.any(np.diff(self.above) <= 0) or self.q[0] <= 0:
            raise BadData("Momenta and energies must ascend from above zero, and all numbers be finite",
                          where=self.shell)
        if np.any(self.strength < 0):
            raise BadData("Oscillator strengths are negative", where=self.shell)

    def integrated(self, start: float, beam: Beam, beta: float) -> FloatArray:
        """Integral of df/dE over ln (q a0)^2 inside the collection angle, at each of `above`, for a threshold in eV."""
        loss = start + self.above
        low, high = momentum_limits(loss, beam, beta)
        log_q = 2.0 * np.log(self.q * beam.constants.bohr_radius)
        running = cumulative_trapezoid(self.strength, log_q, axis=0, initial=0.0)
        result = np.empty(loss.size)
        for i, (a, b) in enumerate(zip(np.log(low), np.log(high), strict=True)):
            column = self.strength[:, i]
            # Below the table the strength is that of the dipole limit; above it is taken as zero.
            lead = max(min(log_q[0], b) - a, 0.0) * column[0]
            result[i] = lead + _integral(log_q, column, running[:, i], b) - _integral(log_q, column, running[:, i], a)
        return result


def _integral(x: FloatArray, y: FloatArray, running: FloatArray, to: float) -> float:
    """Integral of a broken line from its first point to `to`."""
    if to <= x[0]:
        return 0.0
    if to >= x[-1]:
        return float(running[-1])
    i = int(np.searchsorted(x, to, "right")) - 1
    part = (to - x[i]) / (x[i + 1] - x[i])
    return float(running[i] + (to - x[i]) * (y[i] + 0.5 * part * (y[i + 1] - y[i])))


def curve_of(edge: Edge, tables: Sequence[GosTable], beam: Beam, length: float, source: str) -> EdgeCurve:
    """The cross-section of an edge up to `length` eV above its onset.

    Parameters
    ----------
    edge : Edge
    tables : sequence of GosTable
        One for each level of the edge, in the order of `edge.lines`.
    source : str
        Where the tables are from.

    References
    ----------
    R. F. Egerton, EELS in the Electron Microscope, 3rd ed. (2011), chapter 3: kinematics and integral.
    """
    starts = [edge_energy(line) or edge.energy for line in edge.lines]
    first = min(starts)
    beta = float(beam.effective_collection(first))
    above = np.unique(np.concatenate((*(table.above + start - first for table, start in
                                        zip(tables, starts, strict=True)), [0.0])))
    above = above[above <= length]
    values = np.zeros(above.size)
    for table, start in zip(tables, starts, strict=True):
        strength = table.integrated(start, beam, beta)
        own = above - (start - first)
        inside = np.interp(own, table.above, strength, right=0.0)
        values += np.where(own >= 0, inside, 0.0)
    loss = first + above
    scale = 4.0 * np.pi * beam.constants.bohr_radius**2 * BARN_PER_NM2
    values *= scale * beam.constants.rydberg**2 / (beam.T * loss) / BARN_PER_NM2
    warnings = []
    last = min(float(table.above[-1]) + start - first for table, start in zip(tables, starts, strict=True))
    if last < length - 21.0:
        warnings.append(f"{edge.name}: the oscillator strengths end {last:.0f} eV above the edge")
    error = _ERROR_K if edge.shell == "K" else _ERROR_OTHER
    return EdgeCurve(edge.name, edge.element, above, values, "gosh", source, error, first, tuple(warnings))
