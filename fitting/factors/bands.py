"""How far factors can be turned into one another without a worse fit: bands of rotational ambiguity.

C S = (C T^-1)(T S) for every matrix T. For each factor the T is sought that makes its share of the signal,
|c s| / |C S|, or its counts where another factor dominates, smallest and largest under the same constraints; the
profiles and spectra at these ends span the bands.
Numbers may lie below zero as far as the lowest of so many does by noise, since those of the true factors would too.

From one end of the way to the other T is near 1, so that the constraints are linear in small steps: every step is a
linear programme of k (k - 1) numbers in a region of trust.

References
----------
R. Tauler, J. Chemom. 15, 627 (2001); J. Jaumot, R. Tauler, Chemom. Intell. Lab. Syst. 103, 96 (2010): MCR-BANDS.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.special import ndtri

from fitting.dataset import FloatArray
from fitting.tape import Cancel, Progress
from libraries.errors import Cancelled

NOISE = 2.0  # standard errors: of the limits, and the least that numbers may lie below zero
_STEPS, _FIRST, _LEAST, _LARGEST = 60, 0.1, 1e-3, 0.3
_OVER = 0.5  # standard errors by which the linear step may miss a limit
_GAIN = 1e-4  # relative gain below which a way has ended
_AGAIN, _BETTER = 1, 1e-3  # other ends that a way begins from; share of the value by which they must be farther
_TIGHT, _ADDED = 25, 200  # rows a pair of factors that limit a step; rows that are added where others are missed


@dataclass(frozen=True, eq=False)
class Limits:
    """The constraints of a scaled problem; True where a factor may be.

    Attributes
    ----------
    with_spectra, with_profiles : array of bool, shape (k, n), (m, k), or None
    known : int
        The first so many spectra are known: they do not turn.
    unimodal : bool
    row_root, column_root : array, shape (m,), (n,), or None
        Counts over scaled numbers.
    """

    with_spectra: NDArray[np.bool_] | None = None
    with_profiles: NDArray[np.bool_] | None = None
    known: int = 0
    unimodal: bool = False
    row_root: FloatArray | None = None
    column_root: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Bands:
    """Ends of all ways, in scaled numbers.

    Attributes
    ----------
    profiles : array, shape (e, m, k)
        At the end of every way; the first is the solution itself.
    spectra : array, shape (e, k, n)
    shares : array, shape (k, 2)
        Least and largest |c s| / |C S|.
    """

    profiles: FloatArray
    spectra: FloatArray
    shares: FloatArray


@dataclass(frozen=True, eq=False)
class _Aim:
    """What a way makes as large as it can: the signal of a factor, or its counts where another one dominates.

    Attributes
    ----------
    factor : int
    sign : float
        -1 for as small as it can be.
    rows, columns : array, shape (m,), (n,), or None
        Weights of the counts; None for the signal |c s|.
    """

    factor: int
    sign: float
    rows: FloatArray | None = None
    columns: FloatArray | None = None

    def value(self, c: FloatArray, s: FloatArray) -> float:
        """Of factors C, S."""
        one, other = c[:, self.factor], s[self.factor]
        if self.rows is None or self.columns is None:
            return self.sign * float(np.sqrt((one @ one) * (other @ other)))
        return self.sign * float(self.rows @ one) * float(self.columns @ other)

    def slopes(self, c: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Of the value: with a turn E[i, factor] of the profile, E[factor, j] of the spectrum; both (k,)."""
        one, other = c[:, self.factor], s[self.factor]
        if self.rows is None or self.columns is None:
            size = self.value(c, s)
            return -size * (c.T @ one) / (one @ one), size * (s @ other) / (other @ other)
        across, along = self.rows @ c, s @ self.columns
        return -self.sign * across * along[self.factor], self.sign * across[self.factor] * along


def ambiguity(
    profiles: FloatArray, spectra: FloatArray, noise: float, limits: Limits | None = None, *,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Bands:
    """The bands of factors C (m, k), S (k, n) of scaled data whose noise has one variance.

    Beside the signal of every factor its counts where each other one dominates are made smallest and largest: the ends
    of the signal alone do not reach everywhere.

    Raises
    ------
    Cancelled
    """
    limits = limits or Limits()
    norm = np.sqrt(np.sum(spectra**2, axis=1))
    c0, s0 = profiles * norm, spectra / norm[:, None]
    k = s0.shape[0]
    total = float(np.sqrt(np.sum((c0.T @ c0) * (s0 @ s0.T))))
    aims = [_Aim(factor, sign) for factor in range(k) for sign in (-1.0, 1.0)]
    aims += [_Aim(factor, sign, *weights) for other, weights in enumerate(_regions(c0, s0, limits))
             for factor in range(k) for sign in (-1.0, 1.0) if factor != other]  # fmt: skip
    bound = _Bound(c0, s0, noise, limits)
    ends = [(c0, s0)]
    for number, aim in enumerate(aims):
        ends.append(_way(c0, s0, aim, bound, cancel))
        if progress is not None:
            progress(0.5 * (number + 1) / len(aims), "Ambiguity of the factors")
    for number, aim in enumerate(aims):
        # A way ends where a small turn gains nothing: other ways' ends are other places to begin.
        values = np.array([aim.value(*end) for end in ends])
        own, scale = values[number + 1], float(np.abs(values).max())
        for i in _begins(ends, values, own, scale):
            ends.append(_way(*ends[i], aim, bound, cancel))
        if progress is not None:
            progress(0.5 + 0.5 * (number + 1) / len(aims), "Ambiguity of the factors: other ways")
    found_c, found_s = [c for c, _ in ends], [s for _, s in ends]
    signals = [_signal(*end) for end in ends]
    shares = np.stack((np.min(signals, axis=0), np.max(signals, axis=0)), axis=1) / total
    return Bands(np.array(found_c), np.array(found_s), shares)


def _regions(c: FloatArray, s: FloatArray, limits: Limits) -> list[tuple[FloatArray, FloatArray]]:
    """Weights of the rows where each factor dominates, and of the columns, that turn scaled numbers into counts."""
    row = np.ones(c.shape[0]) if limits.row_root is None else limits.row_root
    column = np.ones(s.shape[1]) if limits.column_root is None else limits.column_root
    counts = c * row[:, None] * (s @ column)
    part = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-300)
    return [(row * np.maximum(part[:, j], 0.0) ** 2, column) for j in range(c.shape[1])]


def _signal(c: FloatArray, s: FloatArray) -> FloatArray:
    return np.asarray(np.sqrt(np.sum(c * c, axis=0) * np.sum(s * s, axis=1)))


def _begins(ends: Sequence[tuple[FloatArray, FloatArray]], values: FloatArray, own: float, scale: float) -> list[int]:
    """Other ends to begin from: the best ones for an aim, farther than its own end."""
    best = np.argsort(-values)[:_AGAIN]
    return [int(i) for i in best if values[i] > own + _BETTER * scale]


def _way(
    c: FloatArray, s: FloatArray, aim: _Aim, bound: _Bound, cancel: Cancel | None
) -> tuple[FloatArray, FloatArray]:
    """Turn the factors step by step until the aim is reached."""
    limits, trust = bound.limits, _FIRST
    at = bound.tight(c)
    now, scale = aim.value(c, s), float(np.abs(_Aim(aim.factor, 1.0, *_everywhere(aim)).value(c, s)))
    for _ in range(_STEPS):
        if cancel is not None and cancel():
            raise Cancelled("The bands of the factors were stopped")
        turn = _step(c, s, aim, trust, bound, limits, at)
        if turn is None:
            break
        moved, again = None, False
        while trust >= _LEAST:
            moved = _turned(c, s, turn)
            value = aim.value(*moved)
            below = bound.below(moved[0], moved[1])
            if (fresh := np.flatnonzero((below > _OVER) & ~at)).size:
                at[fresh[np.argsort(below[fresh])[-_ADDED:]]] = True
                again = True
                break
            if bound.excess(*moved) <= _OVER and value > now:
                break
            moved, trust, turn = None, trust / 2, turn / 2
        if again:
            continue
        if moved is None:
            break
        gain = (value - now) / scale
        c, s, now = *moved, value
        trust = min(trust * 1.5, _LARGEST)
        if gain < _GAIN:
            break
    return c, s


def _everywhere(aim: _Aim) -> tuple[FloatArray | None, FloatArray | None]:
    """Weights of all rows alike, for the size of an aim."""
    return (None if aim.rows is None else np.full(aim.rows.size, float(aim.rows.max()))), aim.columns


def _turned(c: FloatArray, s: FloatArray, turn: FloatArray) -> tuple[FloatArray, FloatArray]:
    t = np.eye(len(turn)) + turn
    s, c = t @ s, np.linalg.solve(t.T, c.T).T
    norm = np.sqrt(np.sum(s * s, axis=1))
    return c * norm, s / norm[:, None]


def lowest_of(count: int) -> float:
    """Standard errors that the lowest of so many numbers about zero lies below it (in half of all cases)."""
    return max(NOISE, float(ndtri(0.5 ** (1.0 / max(count, 2)))))


class _Bound:
    """How far numbers may lie below zero (or from it, where a factor must be absent)."""

    def __init__(self, c: FloatArray, s: FloatArray, noise: float, limits: Limits) -> None:
        self.noise, self.limits = noise, limits
        error_c, error_s = self._errors(c, s)
        level_c, level_s = lowest_of(c.shape[0]), lowest_of(s.shape[1])
        # What the solution itself does is allowed too.
        self.level_c = np.maximum(level_c, -np.min(c / error_c, axis=0))
        self.level_s = np.maximum(level_s, -np.min(s / error_s[:, None], axis=1))

    def _errors(self, c: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Standard errors of profiles (k,) and spectra (k,): one for all rows, since scaled noise is even."""
        return (np.sqrt(self.noise * np.maximum(np.diag(np.linalg.pinv(s @ s.T)), 0.0)),
                np.sqrt(self.noise * np.maximum(np.diag(np.linalg.pinv(c.T @ c)), 0.0)))  # fmt: skip

    def tolerance(self, c: FloatArray, s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Allowed depth below zero of profiles (k,) and spectra (k,)."""
        error_c, error_s = self._errors(c, s)
        return self.level_c * error_c, self.level_s * error_s

    def tight(self, c: FloatArray) -> NDArray[np.bool_]:
        """The rows that can limit a turn: for each pair of factors those where one is nearly absent beside another."""
        m, k = c.shape
        at = np.zeros(m, bool)
        if self.limits.unimodal or m <= _TIGHT * k * (k - 1):
            at[:] = True
            return at
        for i in range(k):
            for j in range(k):
                if i != j:
                    ratio = (c[:, i] + np.abs(c[:, i]).max() * 1e-3) / np.maximum(c[:, j], np.abs(c[:, j]).max() * 1e-3)
                    at[np.argpartition(ratio, _TIGHT)[:_TIGHT]] = True
        return at

    def below(self, c: FloatArray, s: FloatArray) -> FloatArray:
        """Of every row how many standard errors it lies below what is allowed, shape (m,)."""
        return np.asarray(np.max(-c / self._errors(c, s)[0] - self.level_c, axis=1))

    def excess(self, c: FloatArray, s: FloatArray) -> float:
        """Largest violation in standard errors."""
        error_c, error_s = self._errors(c, s)
        below_c = -c / error_c - self.level_c
        below_s = -s / error_s[:, None] - self.level_s[:, None]
        worst = max(float(below_c.max()), float(below_s.max()))
        may_s, may_c = self.limits.with_spectra, self.limits.with_profiles
        if may_s is not None and not may_s.all():
            worst = max(worst, float((np.abs(s) / error_s[:, None])[~may_s].max()) - NOISE)
        if may_c is not None and not may_c.all():
            worst = max(worst, float((np.abs(c) / error_c)[~may_c].max()) - NOISE)
        return worst


def _step(
    c: FloatArray, s: FloatArray, aim: _Aim, trust: float, bound: _Bound, limits: Limits, at: NDArray[np.bool_]
) -> FloatArray | None:
    """The best small turn E (T = 1 + E, zero diagonal): a linear programme; the unknowns are E[i, j], i != j."""
    k = s.shape[0]
    # Factors of one norm each, so that a region of trust means the same for all.
    size = np.sqrt(np.sum(c * c, axis=0))
    c, s = c / size, s * size[:, None]
    unit = np.sqrt(np.sum(s * s, axis=1))
    low_c, low_s = bound.tolerance(c, s)
    pairs = [(i, j) for i in range(k) for j in range(k) if i != j]
    place = {pair: number for number, pair in enumerate(pairs)}
    gradient = np.zeros(len(pairs))
    slope_c, slope_s = aim.slopes(c, s)
    for i in range(k):
        if i != aim.factor:
            gradient[place[i, aim.factor]] += slope_c[i]
            gradient[place[aim.factor, i]] += slope_s[i]
    gradient /= max(float(np.abs(gradient).max()), 1e-300)
    rows, sides = [], []

    def add(block: FloatArray, names: list[int], side: FloatArray) -> None:
        full = np.zeros((block.shape[0], len(pairs)))
        full[:, names] = block
        rows.append(full)
        sides.append(side)

    for i in range(k):
        others = [j for j in range(k) if j != i]
        mine = [place[i, j] for j in others]
        add(-s[others].T, mine, np.maximum(s[i] + low_s[i], 0.0))
        _absent(limits.with_spectra, i, s[i], s[others].T, mine, low_s[i], add)
        theirs = [place[j, i] for j in others]
        add(c[at][:, others], theirs, np.maximum(c[at, i] + low_c[i], 0.0))
        may = None if limits.with_profiles is None else limits.with_profiles.T
        _absent(may, i, c[:, i], -c[:, others], theirs, low_c[i], add)
        if limits.unimodal:
            _one_maximum(c, i, others, theirs, low_c[i], limits.row_root, add)
    box = [(0.0, 0.0) if i < limits.known else (-trust * unit[i] / unit[j], trust * unit[i] / unit[j])
           for i, j in pairs]  # fmt: skip
    found = linprog(-gradient, A_ub=np.concatenate(rows), b_ub=np.concatenate(sides), bounds=box,
                    method="highs")  # fmt: skip
    if found.x is None or not np.any(np.abs(found.x) > 1e-12):
        return None
    turn = np.zeros((k, k))
    for (i, j), value in zip(pairs, found.x, strict=True):
        turn[i, j] = value
    # Back to the norms that the factors had: s = s_unit * size, T_unit = size^-1 T size.
    return turn * size[None, :] / size[:, None]


Add = Callable[[FloatArray, list[int], FloatArray], None]


def _absent(
    may: NDArray[np.bool_] | None, i: int, own: FloatArray, lever: FloatArray, names: list[int], tolerance: float,
    add: Add,
) -> None:
    """Where a factor must be absent it stays below what the noise allows too."""
    if may is not None and not may[i].all():
        at = ~may[i]
        add(lever[at], names, np.maximum(tolerance - own[at], 0.0))


def _one_maximum(
    c: FloatArray, i: int, others: list[int], names: list[int], tolerance: float, row_root: FloatArray | None, add: Add
) -> None:
    """Differences of neighbours keep their sign on both sides of the maximum."""
    root = np.ones(c.shape[0]) if row_root is None else row_root
    counts = c * root[:, None]
    top = int(np.argmax(counts[:, i]))
    sign = np.where(np.arange(1, counts.shape[0]) <= top, 1.0, -1.0)[:, None]
    steps = sign * np.diff(counts, axis=0)
    allowed = tolerance * np.sqrt(root[1:] ** 2 + root[:-1] ** 2)
    add(steps[:, others], names, np.maximum(steps[:, i] + allowed, 0.0))
