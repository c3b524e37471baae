"""Non-negative factors of counts by maximum likelihood: the Poisson deviance of D = C S, both zero or above.

Cheap sweeps over single factors on scaled counts come near the minimum; updates that never raise the deviance follow.

References
----------
A. Cichocki, A.-H. Phan, IEICE Trans. Fundam. E92-A, 708 (2009): hierarchical alternating least squares (HALS).
D. D. Lee, H. S. Seung, Adv. Neural Inf. Process. Syst. 13, 556 (2001): updates that never raise the divergence, which
for counts is half the Poisson deviance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.factors.mcr import Status, purest_rows
from fitting.tape import Cancel, Progress
from libraries.errors import BadData

_LEAST = 1e-12
_CHECK = 10  # iterations between looks at the deviance
_SWEEPS, _SWEEP_GAIN = 500, 1e-5  # of the first stage: it need not be exact


@dataclass(frozen=True, eq=False)
class NmfResult:
    """Amounts (m, k) in counts, spectra (k, n) of sum 1, Poisson deviance, iterations, how it ended."""

    amounts: FloatArray
    spectra: FloatArray
    deviance: float
    iterations: int
    status: Status


def factorise(
    counts: FloatArray, k: int, *, start: FloatArray | None = None, tolerance: float = 1e-5,
    max_iterations: int = 100, progress: Progress | None = None, cancel: Cancel | None = None,
) -> NmfResult:
    """Maximum-likelihood factors of counts.

    Parameters
    ----------
    counts : array, shape (m, n)
        Zero or above.
    k : int
    start : array, shape (k, n), optional
        Spectra to begin with; else the purest rows, smoothed by a hundredth of the mean spectrum.
    tolerance : float
        Ends when the deviance falls by less than this share of itself in ten updates.
    max_iterations : int
        Of the updates after the sweeps.

    Returns
    -------
    NmfResult
        The same for the same data: nothing is drawn at random.

    Raises
    ------
    BadData
        If counts are negative or not finite, or there are fewer rows or channels than factors.
    """
    d = np.asarray(counts, dtype=float)
    if d.ndim != 2 or not np.all(np.isfinite(d)) or float(d.min(initial=0.0)) < 0:
        raise BadData("Factors of counts need finite numbers, zero or above", todo="Choose a range without subtraction")
    if not 1 <= k <= min(d.shape):
        raise BadData(f"{k} factors cannot be found in {d.shape[0]} spectra of {d.shape[1]} channels")
    mean = d.mean(axis=0)
    if not mean.any():
        raise BadData("These data hold no counts")
    s = d[list(purest_rows(d, k))] if start is None else np.asarray(start, dtype=float)
    s = np.maximum(s + 0.01 * mean, _LEAST)
    s /= s.sum(axis=1, keepdims=True)
    c, s = _sweeps(d, s, progress, cancel)
    status: Status = "iteration limit"
    before, number = deviance(d, c @ s), 0
    for number in range(1, max_iterations + 1):
        if cancel is not None and cancel():
            status = "cancelled"
            break
        c *= (d / np.maximum(c @ s, _LEAST)) @ s.T
        ratio = d / np.maximum(c @ s, _LEAST)
        s *= (c.T @ ratio) / np.maximum(c.sum(axis=0), _LEAST)[:, None]
        sums = np.maximum(s.sum(axis=1), _LEAST)
        s, c = s / sums[:, None], c * sums
        if number % _CHECK == 0:
            now = deviance(d, c @ s)
            if progress is not None:
                progress(0.5 + 0.5 * number / max_iterations, f"deviance {now:.6g}")
            if before - now <= tolerance * max(now, 1.0):
                status, before = "converged", now
                break
            before = now
    return NmfResult(c, s, deviance(d, c @ s), number, status)


def _sweeps(
    d: FloatArray, s: FloatArray, progress: Progress | None, cancel: Cancel | None
) -> tuple[FloatArray, FloatArray]:
    """Amounts and spectra (of sum 1) near the minimum, by HALS on Poisson-scaled counts."""
    rows, columns = np.sqrt(d.sum(axis=1)), np.sqrt(d.mean(axis=0))
    rows, columns = np.where(rows > 0, rows, 1.0)[:, None], np.where(columns > 0, columns, 1.0)
    z, s = d / (rows * columns), s / columns
    s /= np.linalg.norm(s, axis=1, keepdims=True)
    c = np.maximum(z @ s.T, _LEAST)
    size, before = float(np.sum(z * z)), np.inf
    for number in range(_SWEEPS):
        if cancel is not None and cancel():
            break
        product, gram = z @ s.T, s @ s.T
        for j in range(s.shape[0]):
            c[:, j] = np.maximum(c[:, j] + (product[:, j] - c @ gram[:, j]) / max(gram[j, j], _LEAST), _LEAST)
        product, gram = c.T @ z, c.T @ c
        for j in range(s.shape[0]):
            s[j] = np.maximum(s[j] + (product[j] - gram[j] @ s) / max(gram[j, j], _LEAST), _LEAST)
        left = size - 2.0 * float(np.sum(product * s)) + float(np.sum(gram * (s @ s.T)))
        if progress is not None:
            progress(0.5 * number / _SWEEPS, f"residual {100 * left / size:.4f} %")
        if before - left <= _SWEEP_GAIN * max(left, _LEAST):
            break
        before = left
    s = s * columns
    sums = s.sum(axis=1)
    return np.maximum(c * rows * sums, _LEAST), np.maximum(s / sums[:, None], _LEAST)


def deviance(counts: FloatArray, mean: FloatArray) -> float:
    """Poisson deviance 2 sum(y ln(y/mu) - y + mu)."""
    mu = np.maximum(mean, _LEAST)
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(counts > 0, counts * np.log(np.maximum(counts, _LEAST) / mu), 0.0)
    return float(2.0 * np.sum(logs - counts + mu))
