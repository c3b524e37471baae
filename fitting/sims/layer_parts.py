"""A phase that comes back at another depth: its share cut into parts, one for each layer.

A part begins where the share rises above half of its largest value and ends where it falls below a quarter of it, so
that a share that only dips stays one part. Noise makes no parts: the share is first averaged over as many points as
bring its error to a tenth of its largest value, three at least; where that would be more than a fifth of the profile,
the phase stays whole. Since a long stretch near one of the levels crosses both by chance, the mean over each part must
stand five standard errors above that over the gap. Parts are cut in the middle of the low stretch between
them: what one part's tail loses there the other's gains. Tails of unlike length do not even out: half of the share at
the cut times the 16-84 % width of the interface is an error of the boundary there (thin layers with mixing of
simulated profiles: 0.33 nm off with an error of 0.3 nm; without mixing 0.1 nm and less). The program's own rule and
levels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from fitting.dataset import FloatArray

THERE, GONE = 0.5, 0.25  # of the largest share
_SETTLED = 0.1  # error of the averaged share over its largest value
_SURE = 5.0  # standard errors of a part's mean above that of the gap beside it
_FEWEST, _MOST = 3, 0.2  # points of the average; share of the profile that it may take
_NEAR = 2  # points to each side of a cut over which its share is averaged
_LOW = 0.05  # of the largest share above the lowest: the low stretch between two parts


@dataclass(frozen=True)
class Part:
    """Points of a trace that belong to one layer.

    Attributes
    ----------
    trace : int
    first, end : int
        The first point, and the one after the last.
    number, of : int
        Which of the parts of its trace, from the surface down, from 1.
    """

    trace: int
    first: int
    end: int
    number: int = 1
    of: int = 1


def parts_of(shares: FloatArray, errors: FloatArray) -> tuple[Part, ...]:
    """Parts of all traces, by trace and depth.

    Parameters
    ----------
    shares, errors : array, shape (n, k)
        Closed shares of the phases and their standard errors.
    """
    found: list[Part] = []
    for trace in range(shares.shape[1]):
        cuts = _cuts(shares[:, trace], errors[:, trace])
        ends = [0, *cuts, shares.shape[0]]
        count = len(cuts) + 1
        found += [Part(trace, ends[i], ends[i + 1], i + 1, count) for i in range(count)]
    return tuple(found)


def split(shares: FloatArray, parts: tuple[Part, ...]) -> FloatArray:
    """Shares of the parts, shape (n, parts): each that of its trace between its points, 0 elsewhere."""
    found = np.zeros((shares.shape[0], len(parts)))
    for column, part in enumerate(parts):
        found[part.first : part.end, column] = shares[part.first : part.end, part.trace]
    return found


def at_cuts(shares: FloatArray, parts: tuple[Part, ...]) -> FloatArray:
    """Errors of the boundaries between neighbouring parts by what of a phase is left where it was cut.

    Parameters
    ----------
    shares : array, shape (n, parts)
        As `split` gives them.
    parts : tuple of Part
        In the order of the layers.

    Returns
    -------
    array, shape (parts - 1,)
        In 16-84 % widths of each boundary's interface.
    """
    found = np.zeros(len(parts) - 1)
    for i, part in enumerate(parts):
        whole = shares[:, [one.trace == part.trace for one in parts]].sum(axis=1)
        for cut, boundary, is_cut in ((part.first, i - 1, part.number > 1), (part.end, i, part.number < part.of)):
            if is_cut and 0 <= boundary < found.size:
                found[boundary] += 0.5 * float(np.mean(whole[max(cut - _NEAR, 0) : cut + _NEAR]))
    return found


def called(names: tuple[str, ...], parts: tuple[Part, ...], i: int) -> tuple[str, tuple[str, ...]]:
    """Name of a layer, and what is said of a phase that comes back."""
    name, part = names[parts[i].trace], parts[i]
    if part.of == 1:
        return name, ()
    others = [str(j + 1) for j, one in enumerate(parts) if one.trace == part.trace and j != i]
    return f"{name} ({part.number})", (f"{name} comes back: the same phase as layer{'s' * (len(others) > 1)} "
                                        f"{' and '.join(others)}",)


def _cuts(share: FloatArray, error: FloatArray) -> list[int]:
    """Points at which a phase begins anew."""
    most = float(share.max())
    if not most > 0:
        return []
    there = share >= THERE * most
    relative = float(np.median(error[there])) / most
    most = _MOST * share.size
    if relative > _SETTLED * math.sqrt(most) or most < _FEWEST:
        return []
    window = max(_FEWEST, min(math.ceil((relative / _SETTLED) ** 2), int(most)))
    smooth = _averaged(share, window)
    high = float(smooth.max())
    tops: list[tuple[int, int]] = []  # first and last point above the upper level of every part
    inside = False
    for i, value in enumerate(smooth):
        if value >= THERE * high:
            if inside:
                tops[-1] = (tops[-1][0], i)
            else:
                tops.append((i, i))
                inside = True
        elif value < GONE * high:
            inside = False
    cuts = []
    for (_, last), (first, _) in pairwise(_sure(tops, share, error)):
        between = smooth[last : first + 1]
        low = np.flatnonzero(between <= between.min() + _LOW * high)
        cuts.append(last + round(0.5 * (low[0] + low[-1])))
    return cuts


def _sure(tops: list[tuple[int, int]], share: FloatArray, error: FloatArray) -> list[tuple[int, int]]:
    """Parts without those that noise makes: the least sure one goes, or the gap beside it where that is shorter."""
    sums = np.concatenate([[0.0], np.cumsum(share)])
    squares = np.concatenate([[0.0], np.cumsum(error**2)])

    def above(part: tuple[int, int], gap: tuple[int, int]) -> float:
        means, variance = [], 0.0
        for first, last in (part, gap):
            count = last - first + 1
            means.append((sums[last + 1] - sums[first]) / count)
            variance += (squares[last + 1] - squares[first]) / count**2
        return float((means[0] - means[1]) / max(math.sqrt(variance), 1e-300))

    while len(tops) > 1:
        sides = [(above(part, (tops[i][1] + 1, tops[i + 1][0] - 1)), i, part)
                 for i in range(len(tops) - 1) for part in tops[i : i + 2]]
        least, i, part = min(sides)
        if least >= _SURE:
            break
        if tops[i + 1][0] - tops[i][1] - 1 < part[1] - part[0] + 1:
            tops = [*tops[:i], (tops[i][0], tops[i + 1][1]), *tops[i + 2 :]]
        else:
            tops = [one for one in tops if one != part]
    return tops


def _averaged(values: FloatArray, window: int) -> FloatArray:
    """Mean over a window, at the ends over the points that there are."""
    before, after = (window - 1) // 2, window // 2
    sums = np.concatenate([[0.0], np.cumsum(values)])
    at = np.arange(values.size)
    low, high = np.maximum(at - before, 0), np.minimum(at + after + 1, values.size)
    return np.asarray((sums[high] - sums[low]) / (high - low))
