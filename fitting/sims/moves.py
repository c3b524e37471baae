"""By how much the profile of each pixel is moved against the mean one: along scans, or along the channels of a line.

With Poisson counts and a free intensity of each pixel the likelihood of a move is prod_k (g_k / sum g)^y_k, where g is
the moved mean profile. Moves are taken as normally distributed over the pixels; that spread and the mean profile are
those that make all counts most likely: the profile by the EM algorithm (A. P. Dempster, N. M. Laird, D. B. Rubin, J. R.
Stat. Soc. B 39, 1 (1977)), the spread by the maximum of the marginal likelihood. A pixel's move is the mean of what its
counts leave possible, its error the standard deviation: where counts are few, moves are drawn to the mean of the field
instead of following noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.tape import Cancel, Progress
from libraries.errors import Cancelled

_STEP = 0.5  # points of the profile between the moves that are tried
_ROUNDS = 5
_PIECE = 4096  # pixels compared at a time


@dataclass(frozen=True, eq=False)
class Moves:
    """Moves in points of the profile, positive to higher ones.

    Attributes
    ----------
    move, error : array, shape (rows, columns)
    spread, spread_error : float
        Standard deviation over the pixels without the part that the noise makes, and how much larger it may be.
    """

    move: FloatArray
    error: FloatArray
    spread: float
    spread_error: float


def moves_of(
    together: FloatArray, shape: FloatArray, *, shared: int = 1, words: str = "", most: float = 0.0,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Moves:
    """Moves of all pixels.

    Parameters
    ----------
    together : array, shape (n, rows, columns)
        Counts of each pixel (and of its neighbours) along the profile.
    shape : array, shape (n,)
        A mean profile to begin with.
    shared : int
        How many pixels hold the same counts because neighbours were joined.
    words : str
        What progress is of.
    most : float
        Largest move that is tried; 0: half of the profile.

    Raises
    ------
    Cancelled
    """
    count = len(shape)
    far = int(np.ceil(most)) or count // 2
    moves = np.arange(-far, far + _STEP, _STEP)
    flat = together.reshape(count, -1)
    mean, spread = np.zeros(flat.shape[1]), np.zeros(flat.shape[1])
    sizes = np.concatenate(([1e-3], np.geomspace(0.1, far, 40)))  # spreads that are tried
    priors = np.exp(-0.5 * (moves[:, None] / sizes) ** 2)
    priors /= priors.sum(axis=0)
    rough, rough_error = far / 4, 0.0
    for turn in range(_ROUNDS):
        forms = _moved_forms(shape, -moves) + 1e-3 * shape.mean()
        logs = np.log(forms / forms.sum(axis=0))
        before = np.exp(-0.5 * (moves / max(rough, 1e-3)) ** 2)
        sums, likely = np.zeros((count, moves.size)), np.zeros(sizes.size)
        for start in range(0, flat.shape[1], _PIECE):
            if cancel is not None and cancel():
                raise Cancelled(f"{words} was stopped" if words else "The comparison was stopped")
            some = flat[:, start : start + _PIECE]
            chance = some.T @ logs
            chance = np.exp(chance - chance.max(axis=1, keepdims=True))
            likely += np.log(np.maximum(chance @ priors, 1e-300)).sum(axis=0)
            chance *= before
            chance /= chance.sum(axis=1, keepdims=True)
            mean[start : start + _PIECE] = chance @ moves
            spread[start : start + _PIECE] = chance @ moves**2
            sums += some @ chance
            if progress is not None:
                progress((turn + min(start + _PIECE, flat.shape[1]) / flat.shape[1]) / _ROUNDS, words)
        rough, rough_error = _top(sizes, likely / shared)
        shape = _back(sums, moves - float(mean.mean()))
    error = np.sqrt(np.maximum(spread - mean**2, 0.0))
    return Moves(mean.reshape(together.shape[1:]), error.reshape(together.shape[1:]), rough, rough_error)


def _top(sizes: FloatArray, likely: FloatArray) -> tuple[float, float]:
    """The size of greatest log-likelihood, and how much larger it may be until that has fallen by a half."""
    best = int(np.argmax(likely))
    size = float(sizes[best])
    if 1 < best < sizes.size - 1:
        below, here, above = likely[best - 1 : best + 2]
        part = float(np.clip(0.5 * (below - above) / min(below - 2 * here + above, -1e-12), -0.5, 0.5))
        size *= float((sizes[best + 1] / size) ** part)
        bend = -(below - 2 * here + above)
        if bend > 0.5:  # the tried sizes are too far apart to show the fall: a parabola does
            return size, size * float(np.log(sizes[best + 1] / sizes[best]) / np.sqrt(bend))
    fallen = np.flatnonzero(likely[best:] < likely[best] - 0.5)
    end = float(sizes[best + fallen[0]]) if fallen.size else float(sizes[-1])
    return (0.0 if best == 0 else size), end - size


def _moved_forms(shape: FloatArray, moves: FloatArray) -> FloatArray:
    """The profile read at its places plus each move, shape (scans, moves); its ends are repeated."""
    at = np.arange(len(shape))
    return np.asarray(np.interp(at[:, None] + moves[None, :], at, shape))


def _back(sums: FloatArray, moves: FloatArray) -> FloatArray:
    """Mean profile of sums that belong to moves, each moved back."""
    at = np.arange(len(sums))
    return np.sum([np.interp(at + move, at, column) for move, column in zip(moves, sums.T, strict=True)], axis=0)
