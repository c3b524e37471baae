"""What is fitted at an edge for its fine structure, and how its quantities are taken: the analyst's choices as data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fitting.dataset import FloatArray
from libraries.edges import edge
from libraries.errors import BadModel, NotDetermined
from libraries.shells import edge_energy

_STANDS_OUT = 1.05  # least jump that a suggestion needs
CARBON = "C K"
# 3d metals: the white lines are transitions 2p to 3d, so that the metals with an open 3d shell have them.
METALS = ("Sc", "Ti", "V", "Cr", "Mn", "Fe", "Co", "Ni")
EDGES = (*(f"{metal} L2,3" for metal in METALS), CARBON)
OXYGEN = edge("O K").energy
# Straight line behind L2 over 50 eV (Pearson 1993, Walsh & Dray 1989); a shorter one is used with a warning down to
# the second number, below which it is refused.
AFTER, LEAST_AFTER = 50.0, 20.0
# V L2,3 ends about 8 eV before O K (science notes E7): any edge whose L2 line lies that near has O K fitted with it.
_NEAR = 30.0
Step = Literal["arctan", "error function"]
Oxygen = Literal["lines", "reference", "none"]
Reference = Literal["none", "O K", "zero loss", "C K"]


@dataclass(frozen=True)
class FineSetup:
    """Choices for one edge.

    Attributes
    ----------
    edge : str
        One of `EDGES`.
    fit : str
        Id of the region that holds the model; "" before the first fit.
    window : tuple of float
        Fitted channels, eV.
    lines : int
        Lines of each white line (1 to 3), or of the sigma* band of carbon.
    common_width : bool
        Whether L2 has the widths of L3.
    step, step_width, fall : str, float, float
        Form of the steps, w in eV: 1/2 + atan((E - E0)/w)/pi, or the error function of full width 2 w, which falls
        as E^-fall behind the onset (cross sections fall as E^-2 to E^-6: Egerton 2011, 3.7).
    oxygen, oxygen_lines : str, int
        How O K behind the edge is described: step and so many lines, or the curve of a reference spectrum.
    after : tuple of float
        Window behind L2 for the straight line, eV; equal ends: none.
    centroid : float
        Width of the window of the L3 centroid above the onset, eV.
    halves : tuple of float
        Half widths in eV about the maxima of L3 and L2 in which Pearson's method integrates.
    between : bool
        Carbon: whether a line between pi* and sigma* (C-H, C=O) is fitted.
    total : float
        Carbon: width in eV of the window of pi* and sigma* together, from 4 eV below pi* on.
    reference : str
        Internal reference from which the position is counted.
    reference_energy, reference_error : float
        Its position on the axis where it does not come from the fit itself (zero loss, C K), eV.
    """

    edge: str = "V L2,3"
    fit: str = ""
    window: tuple[float, float] = (0.0, 0.0)
    lines: int = 2
    common_width: bool = False
    step: Step = "error function"
    step_width: float = 1.0
    fall: float = 3.0
    oxygen: Oxygen = "none"
    oxygen_lines: int = 3
    after: tuple[float, float] = (0.0, 0.0)
    centroid: float = 8.0
    halves: tuple[float, float] = (5.0, 4.0)
    between: bool = True
    total: float = 20.0
    reference: Reference = "none"
    reference_energy: float = 0.0
    reference_error: float = 0.0

    def __post_init__(self) -> None:
        if self.edge not in EDGES:
            raise BadModel(f"The fine structure of {self.edge} is not treated", todo=f"Choose {', '.join(EDGES)}")
        if not 1 <= self.lines <= 3 or not 1 <= self.oxygen_lines <= 4:
            raise BadModel("An edge has one to three lines, O K one to four", where=self.edge)
        if not 0.05 <= self.step_width <= 10 or not 0.5 <= self.centroid <= 50 or min(self.halves) <= 0:
            raise BadModel("Widths of steps and windows lie above zero and below 50 eV", where=self.edge)

    @property
    def carbon(self) -> bool:
        """Whether it is the carbon edge."""
        return self.edge == CARBON

    @property
    def metal(self) -> str:
        """Element symbol."""
        return self.edge.split()[0]

    @property
    def thresholds(self) -> tuple[float, float]:
        """L3 and L2 in eV, of the elemental solid (xraylib)."""
        lines = edge(self.edge).lines
        energies = sorted(e for line in lines if (e := edge_energy(line)) is not None)
        return energies[0], energies[-1]


def default_setup(name: str, low: float, high: float) -> FineSetup:
    """Choices to begin with for an edge on an axis.

    Parameters
    ----------
    name : str
        One of `EDGES`.
    low, high : float
        Ends of the axis, eV.

    Raises
    ------
    NotDetermined
        If the edge does not lie on the axis with something before and behind it.
    """
    setup = FineSetup(name)
    low, high = float(low), float(high)
    if setup.carbon:
        return _checked(FineSetup(name, window=(max(low, 268.0), min(high, 315.0)), lines=2), 280.0, 296.0, low, high)
    first, second = setup.thresholds
    overlapped = 0.0 < OXYGEN - second < _NEAR
    start = max(low, first - 45.0)
    # The next edge: O K, unless it is part of the model.
    end = min(high, second + AFTER + 8.0)
    if second < OXYGEN and not overlapped:
        end = min(end, OXYGEN - 8.0)
    if overlapped:
        end = min(high, OXYGEN + 30.0)
    clear = (second + 6.0, (OXYGEN - 6.0) if overlapped else end)
    after = clear if clear[1] - clear[0] >= LEAST_AFTER else (0.0, 0.0)
    oxygen: Oxygen = "lines" if overlapped and high > OXYGEN + 8.0 else "none"
    if overlapped and oxygen == "none":
        end = min(high, OXYGEN - 4.0)
    # The centroid's window ends before L2 rises.
    centroid = round(min(8.0, 0.65 * (second - first)), 1)
    setup = FineSetup(name, window=(start, end), oxygen=oxygen, after=after, centroid=centroid,
                      reference="O K" if oxygen != "none" else "none")
    return _checked(setup, first - 6.0, second + 3.0, low, high)


def _checked(setup: FineSetup, need_low: float, need_high: float, low: float, high: float) -> FineSetup:
    if low > need_low or high < need_high:
        raise NotDetermined(
            f"{setup.edge} needs {need_low:.0f} to {need_high:.0f} eV, the axis runs from {low:.0f} to {high:.0f} eV",
            todo="Choose another edge or spectrum",
        )
    return setup


def offered_edges(low: float, high: float) -> tuple[str, ...]:
    """The edges that an axis holds."""
    found = []
    for name in EDGES:
        try:
            default_setup(name, low, high)
        except NotDetermined:
            continue
        found.append(name)
    return tuple(found)


def likely_edge(energy: FloatArray, counts: FloatArray, offered: Sequence[str]) -> str:
    """Which of some edges stands out most at its tabulated energy; "" where none does.

    The highest mean of 1.5 eV within 12 eV behind the onset, over the mean of 3 to 10 eV before it; losses fall, so
    that a plain background stays below 1. A suggestion for a menu, no identification.
    """
    best, highest = "", _STANDS_OUT
    width = max(round(1.5 / float(np.median(np.diff(energy)))), 1)
    smooth = np.convolve(counts, np.full(width, 1.0 / width), mode="same")
    for name in offered:
        onset = edge(name).energy
        before = (energy > onset - 10.0) & (energy < onset - 3.0)
        behind = (energy > onset - 1.0) & (energy < onset + 12.0)
        base = float(counts[before].mean()) if before.any() else 0.0
        if base > 0 and behind.any() and float(smooth[behind].max()) / base > highest:
            best, highest = name, float(smooth[behind].max()) / base
    return best
