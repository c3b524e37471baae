"""Which edges lie where: strong and delayed ones, overlaps, and edges that a spectrum itself shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum
from libraries.edges import Edge, edge, edges_of
from libraries.elements import atomic_number, symbol

# Shells that show in practice, by range of Z; the ranges are the analyst's rule of thumb (they follow the shells that
# C. C. Ahn, O. L. Krivanek, EELS Atlas (1983) draws as major edges; from memory, unverified, and only for drawing).
_STRONG = {"K": (3, 20), "L2,3": (11, 42), "M4,5": (34, 83), "N4,5": (55, 71), "M2,3": (19, 30)}
# Delayed maxima, where the centrifugal barrier holds the wave of the ejected electron off: the same grade of source.
_DELAYED = {"L2,3": (13, 17), "M4,5": (34, 55), "N4,5": (72, 92)}
OVERLAP = 40.0  # eV; within it the fine structure of one edge lies under the other
NEAR = 8.0  # eV between a jump and the edge that may explain it: chemical shifts, calibration
_BEFORE, _GAP, _AFTER = 24.0, 2.5, 10.0  # eV: windows that a jump is judged by
_LEAST_Z, _LEAST_JUMP = 8.0, 0.03
_APART = 14.0  # eV between two jumps: white lines of one edge count once
COMMON = ("Li", "B", "C", "N", "O", "F", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "K", "Ca", "Ti", "V", "Cr", "Mn", "Fe",
          "Co", "Ni", "Cu", "Zn", "Sr", "Zr", "Nb", "Mo", "Sn", "La")


@dataclass(frozen=True)
class EdgeMark:
    """An edge to be drawn.

    Attributes
    ----------
    edge : Edge
    strong, delayed : bool
    """

    edge: Edge
    strong: bool
    delayed: bool

    @property
    def label(self) -> str:
        """Name, with a sign where the maximum comes later than the onset."""
        return f"{self.edge.name} …" if self.delayed else self.edge.name


def is_strong(one: Edge) -> bool:
    """Whether an edge shows in usual spectra."""
    return _within(one, _STRONG)


def is_delayed(one: Edge) -> bool:
    """Whether its maximum lies tens of eV above the onset."""
    return _within(one, _DELAYED)


def _within(one: Edge, table: dict[str, tuple[int, int]]) -> bool:
    low, high = table.get(one.shell, (1, 0))
    return low <= atomic_number(one.element) <= high


def strong_edges(element: str, low: float, high: float) -> tuple[Edge, ...]:
    """Strong edges of an element on an axis, the clearest first: K, L2,3, M4,5, then the others.

    Raises
    ------
    UnknownName
        If there is no such element.
    """
    found = [one for one in edges_of(element) if is_strong(one) and low < one.energy < high]
    order = {shell: i for i, shell in enumerate(("K", "L2,3", "M4,5", "N4,5", "M2,3"))}
    return tuple(sorted(found, key=lambda one: order[one.shell]))


def marks(elements: Sequence[str], low: float, high: float, *, weak: bool = False) -> tuple[EdgeMark, ...]:
    """Edges of elements on an axis, ascending; only strong ones unless `weak`."""
    found = [one for element in elements for one in edges_of(element) if low <= one.energy <= high]
    every = [EdgeMark(one, is_strong(one), is_delayed(one)) for one in found if weak or is_strong(one)]
    return tuple(sorted(every, key=lambda mark: mark.edge.energy))


def near(energy: float, *, reach: float = NEAR, weak: bool = False) -> tuple[EdgeMark, ...]:
    """Edges of all elements within `reach` eV of an energy, common elements and near ones first."""
    found = []
    for z in range(3, 93):
        for one in edges_of(symbol(z)):
            if abs(one.energy - energy) <= reach and (weak or is_strong(one)):
                found.append(EdgeMark(one, is_strong(one), is_delayed(one)))
    return tuple(sorted(found, key=lambda m: (m.edge.element not in COMMON, abs(m.edge.energy - energy))))


def overlaps(names: Sequence[str]) -> tuple[str, ...]:
    """In words, which of these edges lie under the fine structure of another."""
    found = []
    ordered = sorted((edge(name) for name in names), key=lambda one: one.energy)
    for number, first in enumerate(ordered):
        for second in ordered[number + 1 :]:
            apart = second.energy - first.energy
            if apart < OVERLAP:
                found.append(f"{first.name} and {second.name} lie {apart:.0f} eV apart and overlap")
    return tuple(found)


@dataclass(frozen=True)
class Jump:
    """A rise of the counts above what lies before it.

    Attributes
    ----------
    energy : float
        Where it begins (a fifth of its height), eV.
    z : float
        Counts above the extrapolated background over their standard error.
    ratio : float
        The same over the background.
    candidates : tuple of EdgeMark
        Edges within `NEAR` of it, the likeliest first.
    """

    energy: float
    z: float
    ratio: float
    candidates: tuple[EdgeMark, ...]

    @property
    def words(self) -> str:
        """The evidence."""
        return f"rises by {100 * self.ratio:.0f} % at {self.energy:.0f} eV, {self.z:.0f} times its standard error"


def jumps(spectrum: Spectrum) -> tuple[Jump, ...]:
    """Edges that a single spectrum shows, ascending.

    At every energy a power law is put through the 24 eV before it and extrapolated over the next 10 eV; maxima of what
    lies above it are edges when they exceed 8 standard errors and 3 % of the background. Errors use the scatter of the
    data about the power law before the edge, so that unknown gains and correlated channels are in it.
    """
    x, y = spectrum.x, np.asarray(spectrum.y, float)
    step = spectrum.axis.step
    before, gap, after = (max(round(v / step), least) for v, least in ((_BEFORE, 8), (_GAP, 1), (_AFTER, 4)))
    first = int(np.searchsorted(x, 5.0)) + before + gap
    places = np.arange(first, x.size - after)
    if places.size < 5:
        return ()
    rows = [_judge(x, y, place, before, gap, after) for place in places]
    z, ratio = np.array(rows).T
    found: list[Jump] = []
    reach = round(_APART / step)
    order = np.argsort(-np.where(ratio > _LEAST_JUMP, z, 0.0))
    taken = np.zeros(places.size, bool)
    for at in order:
        if z[at] < _LEAST_Z or ratio[at] < _LEAST_JUMP:
            break
        if taken[at]:
            continue
        taken[max(at - reach, 0) : at + reach] = True
        energy = _onset(x, y, int(places[at]), before, reach, after)
        found.append(Jump(energy, float(z[at]), float(ratio[at]), near(energy)))
    return tuple(sorted(found, key=lambda jump: jump.energy))


def _judge(x: FloatArray, y: FloatArray, place: int, before: int, gap: int, after: int) -> tuple[float, float]:
    """Signal over its error, and over the background, of the channels after a place."""
    part = slice(place - gap - before, place - gap)
    level = y[part]
    if np.any(level <= 0):
        return 0.0, 0.0
    e = np.log(x[part])
    mean = float(e.mean())
    line = np.polyfit(e - mean, np.log(level), 1)
    rest = np.log(level) - np.polyval(line, e - mean)
    spread = float(np.sqrt(rest @ rest / max(rest.size - 2, 1)))
    ahead = np.log(x[place : place + after]) - mean
    background = np.exp(np.polyval(line, ahead))
    signal = float(np.sum(y[place : place + after] - background))
    whole = float(np.sum(background))
    # Errors of level and slope at the middle of the extrapolation, correlated neighbours counted as one in four.
    inside = float(np.sum((e - mean) ** 2))
    error = 2.0 * spread * math.sqrt(1 / rest.size + float(np.mean(ahead)) ** 2 / inside + 1 / after)
    return signal / whole / max(error, 1e-9), signal / whole


def _onset(x: FloatArray, y: FloatArray, place: int, before: int, back: int, after: int) -> float:
    """Where the excess over a background of earlier channels reaches a fifth of its height, over 1.5 eV."""
    stop = max(place - back, before)
    part = slice(max(stop - before, 0), stop)
    if np.any(y[part] <= 0) or stop - part.start < 4:
        return float(x[place])
    middle = float(np.mean(np.log(x[part])))
    line = np.polyfit(np.log(x[part]) - middle, np.log(y[part]), 1)
    ahead = slice(stop, min(place + after, x.size))
    smooth = np.convolve(y, np.ones(3) / 3, mode="same")[ahead]
    excess = smooth - np.exp(np.polyval(line, np.log(x[ahead]) - middle))
    high = excess > 0.2 * float(np.max(excess))
    run = max(round(1.5 / float(x[1] - x[0])), 2)
    held = np.convolve(high, np.ones(run), mode="valid") >= run - 0.5
    return float(x[stop + int(np.argmax(held))]) if held.any() else float(x[place])


def edge_named(text: str) -> tuple[str, ...]:
    """Edges of a search: "V" gives the strong edges of vanadium, "V L2,3" or "V_L3" that edge.

    Raises
    ------
    UnknownName
    """
    text = text.strip()
    if not text:
        return ()
    if any(sign in text for sign in " _-0123456789"):
        stem = text.rstrip("0123456789, _-klmnoKLMNO") or text[:1]
        return (edge(stem.capitalize() + text[len(stem) :].upper()).name,)
    return tuple(one.name for one in edges_of(text.capitalize()) if is_strong(one))
