"""Where an edge begins in a spectrum: the foot of its first rise above the background before it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from libraries.errors import NotDetermined

REACH = 8.0  # eV about the expected energy; further away it is another edge, or the energy scale is wrong
_BEFORE = 20.0  # eV of background below that
_SIGNIFICANT, _SHARE = 5.0, 0.12  # standard errors of a channel, and share of the largest rise, that begin an edge


@dataclass(frozen=True)
class Onset:
    """Where an edge begins, eV.

    Attributes
    ----------
    energy : float
        Foot of the first rise: its tangent at half height, continued to the background.
    half : float
        Half the way up.
    error : float
        Standard error of `half` from counting.
    """

    energy: float
    half: float
    error: float


def find_onset(
    energy: FloatArray, counts: FloatArray, expected: float, *, others: tuple[float, ...] = (), name: str = ""
) -> Onset:
    """Onset of an edge near an expected energy.

    A power law is put through the channels 8 to 28 eV before; the excess above it, averaged over 1 eV, must exceed 5
    standard errors; the tangent at half
    its first maximum is continued down. White lines and excitons so begin at their foot. Fitting the
    onset by least squares instead has many minima when the fine structure is free, and means little.

    Parameters
    ----------
    energy, counts : array, shape (n,)
    expected : float
        eV.
    others : tuple of float
        Onsets of other edges: one within the background or the search makes the answer unsafe.

    Raises
    ------
    NotDetermined
        If nothing rises there, or there is no room.
    """
    where = name or f"{expected:g} eV"
    step = float(np.mean(np.diff(energy)))
    low, high = expected - REACH, expected + REACH
    first = max(low - _BEFORE, float(energy[0]))
    for other in others:
        if other != expected and first - 10.0 < other < high + 2.0:
            raise NotDetermined(f"Another edge at {other:.0f} eV lies too near to find the onset", where=where,
                                todo="Set the onset")
    before = (energy >= first) & (energy < low) & (counts > 0)
    if np.count_nonzero(before) < 6 or high > energy[-1]:
        raise NotDetermined("There is no room to find the onset", where=where, todo="Set the onset")
    middle = float(np.mean(np.log(energy[before])))
    x = np.log(energy[before]) - middle
    line = np.polyfit(x, np.log(counts[before]), 1)
    rest = counts[before] - np.exp(np.polyval(line, x))
    spread = math.sqrt(float(rest @ rest) / max(rest.size - 2, 1))
    width = max(round(1.0 / step), 1)
    ahead = np.flatnonzero((energy >= low) & (energy <= high + 4.0))
    smooth = np.convolve(counts, np.ones(width) / width, mode="same")[ahead]
    e = energy[ahead]
    excess = smooth - np.exp(np.polyval(line, np.log(e) - middle))
    least = max(_SIGNIFICANT * spread / math.sqrt(width), _SHARE * float(np.max(excess)))
    above = (excess > least) & (np.append(excess[1:], np.inf) > least)
    if not above.any() or not (e[int(np.argmax(above))] <= high):
        raise NotDetermined("Nothing rises within 8 eV of the tabulated onset", where=where, todo="Set the onset")
    at = int(np.argmax(above))
    top = at
    while top + 1 < excess.size and excess[top + 1] >= excess[top]:
        top += 1
    half = 0.5 * excess[top]
    under = np.flatnonzero(excess[: top + 1] < half)
    if not under.size:
        raise NotDetermined("The rise of the edge lies at the end of the search", where=where, todo="Set the onset")
    i = int(under[-1])
    slope = (excess[i + 1] - excess[i]) / step
    found = float(e[i] + (half - excess[i]) / slope)
    error = math.hypot(spread / math.sqrt(width) / slope, 0.1 * step)
    return Onset(found - float(half / slope), found, float(error))
