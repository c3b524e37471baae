"""Alternating least squares: amounts for known spectra, spectra for known amounts, until nothing improves.

Every step is an exact minimum under its constraints, so that the lack of fit never rises.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from fitting.dataset import FloatArray
from fitting.factors.nnls import nnls
from fitting.factors.unimodal import unimodal
from fitting.tape import Cancel, Progress
from libraries.errors import BadData

Status = Literal["converged", "iteration limit", "cancelled"]
_SWEEPS = 3  # over the single profiles, in an iteration with unimodality


@dataclass(frozen=True, eq=False)
class Rules:
    """What holds beyond "zero or above".

    Attributes
    ----------
    known : array, shape (f, n)
        Spectra of the first factors.
    with_spectra : array of bool, shape (k, n), or None
        Channels that a factor may have.
    with_profiles : array of bool, shape (m, k), or None
        Rows in which a factor may be.
    unimodal : bool
        Every profile has one maximum.
    weights : array, shape (m,), or None
        Of the rows, for that.
    """

    known: FloatArray
    with_spectra: NDArray[np.bool_] | None = None
    with_profiles: NDArray[np.bool_] | None = None
    unimodal: bool = False
    weights: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Alternated:
    """Profiles (m, k), spectra (k, n) of norm 1, lack of fit in %, iterations, how it ended."""

    profiles: FloatArray
    spectra: FloatArray
    lof: float
    iterations: int
    status: Status


def alternate(
    d: FloatArray, begin: FloatArray, rules: Rules, tolerance: float, limit: int,
    progress: Progress | None = None, cancel: Cancel | None = None,
) -> Alternated:
    """Iterate from spectra (k - f, n) of the factors that are not known."""
    known, f = rules.known, rules.known.shape[0]
    s = np.concatenate([known, begin])
    if rules.with_spectra is not None:
        s = s * rules.with_spectra
    _alive(s, np.ones((1, s.shape[0])))
    size, before = float(np.sum(d * d)), math.inf
    status: Status = "iteration limit"
    c, lof, iteration = np.zeros((d.shape[0], s.shape[0])), 100.0, 0
    for iteration in range(1, limit + 1):
        if cancel is not None and cancel() and iteration > 1:
            status = "cancelled"
            break
        c = _profiles(d, c, s, rules, first=iteration == 1)
        _alive(s, c)
        if s.shape[0] > f:
            left = d - c[:, :f] @ known if f else d
            may = None if rules.with_spectra is None else rules.with_spectra[f:]
            s = np.concatenate([known, masked_nnls(c[:, f:], left, may, s[f:] if iteration > 1 else None)])
        norm = _alive(s, c)
        s, c = s / norm[:, None], c * norm
        known = s[:f]
        # |D - CS|^2 from small products, without an array of residuals. Spectra that are exact minima have no slope
        # where they are not zero: <C'D, S> = <C'C, SS'>.
        both = float(np.sum((c.T @ c) * (s @ s.T)))
        square = size - both if f == 0 else size - 2.0 * float(np.sum((c.T @ d) * s)) + both
        lof = 100.0 * math.sqrt(max(square, 0.0) / size)
        if progress is not None:
            progress(iteration / limit, f"lack of fit {lof:.4f} %")
        if before - lof <= tolerance * lof and not (rules.unimodal and iteration < 3):
            status = "converged"
            break
        before = lof
    return Alternated(c, s, lof, iteration, status)


def masked_nnls(
    matrix: FloatArray, targets: FloatArray, may: NDArray[np.bool_] | None, start: FloatArray | None = None
) -> FloatArray:
    """Exact non-negative least squares in which some unknowns (k, m) must be zero: one solution for each pattern."""
    if may is None or may.all():
        return nnls(matrix, targets, start=start)
    found = np.zeros(may.shape)
    patterns, which = np.unique(may, axis=1, return_inverse=True)
    for number, pattern in enumerate(patterns.T):
        at = np.flatnonzero(which.reshape(-1) == number)
        if pattern.any():
            begin = None if start is None else start[np.ix_(pattern, at)]
            found[np.ix_(pattern, at)] = nnls(matrix[:, pattern], targets[:, at], start=begin)
    return found


def _profiles(d: FloatArray, before: FloatArray, s: FloatArray, rules: Rules, *, first: bool) -> FloatArray:
    may = None if rules.with_profiles is None else rules.with_profiles.T
    if not rules.unimodal:
        return masked_nnls(s.T, d.T, may, None if first else before.T).T
    c = masked_nnls(s.T, d.T, may).T if first else before.copy()
    product, gram = d @ s.T, s @ s.T
    for _ in range(_SWEEPS):
        for j in range(s.shape[0]):
            wanted = c[:, j] + (product[:, j] - c @ gram[:, j]) / gram[j, j]
            c[:, j] = _one_maximum(wanted, rules.weights, None if may is None else may[j])
    return c


def _one_maximum(wanted: FloatArray, weights: FloatArray | None, may: NDArray[np.bool_] | None) -> FloatArray:
    """Nearest unimodal profile in counts: scaled numbers times the root of a row's weight."""
    root = np.ones(wanted.size) if weights is None else weights
    if may is None or may.all():
        return unimodal(wanted * root, 1.0 / root**2) / root
    found = np.zeros(wanted.size)
    found[may] = unimodal((wanted * root)[may], 1.0 / root[may] ** 2) / root[may]
    return found


def _alive(s: FloatArray, c: FloatArray) -> FloatArray:
    norm = np.sqrt(np.sum(s * s, axis=1))
    dead = (norm == 0) | ~np.any(c > 0, axis=0)
    if np.any(dead):
        raise BadData(f"Factor {int(np.argmax(dead)) + 1} died out during the iteration",
                      todo="Use fewer factors, another start, or fewer constraints")  # fmt: skip
    return norm
