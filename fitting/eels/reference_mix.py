"""A spectrum as a mixture of the analyst's reference spectra: non-negative least squares, and the mean valence.

Every reference is an edge without its background, moved so that the internal references coincide and scaled to the
same intensity in the norm window, so that the coefficients are shares of atoms. What is left of the background (level
and slope) is free, a common shift may be fitted. References are noisy themselves: their
variance counts with that of the sample.

References
----------
C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapter 23 (shares above zero); W. A. Fuller,
Measurement Error Models (1987), section 2.2 (noisy references); for valences of V, Mn, Fe by such fits H. Tan et al.,
Ultramicroscopy 116, 24 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels.valence import LEVEL, Valence
from libraries.errors import BadData, NotDetermined

_STEPS = 12
_SHIFT = 2.0  # eV, most that a spectrum is moved


@dataclass(frozen=True, eq=False)
class Edge:
    """An edge above its background on the axis of the sample's channels.

    Attributes
    ----------
    name : str
    energy, counts : array, shape (n,)
        eV, counted from the internal reference; background subtracted.
    variance, background : array, shape (n,)
        Of the counts; and what was subtracted.
    valence, valence_error : float
        NaN for a sample.
    excess : float
        Reduced chi2 of the fit that gave background and O K, where it is exceeded: what was subtracted is as uncertain.
    """

    name: str
    energy: FloatArray
    counts: FloatArray
    variance: FloatArray
    background: FloatArray
    valence: float = math.nan
    valence_error: float = 0.0
    excess: float = 1.0


@dataclass(frozen=True, eq=False)
class Mix:
    """Shares of the references.

    Attributes
    ----------
    names : tuple of str
    shares, errors : array, shape (k,)
        They add to one.
    valence : Valence
    shift, shift_error : float
        eV by which the sample lies above the references; 0 and NaN where it is not fitted.
    reduced_chi2 : float
        Misfit in units of the noise.
    curve : array, shape (n,)
        The fitted mixture on the channels used.
    energy : array, shape (n,)
    """

    names: tuple[str, ...]
    shares: FloatArray
    errors: FloatArray
    valence: Valence
    shift: float
    shift_error: float
    reduced_chi2: float
    curve: FloatArray
    energy: FloatArray


def mix_of(
    sample: Edge, references: tuple[Edge, ...], window: tuple[float, float], norm: tuple[float, float], *,
    shift: bool = False,
) -> Mix:
    """The mixture of references that comes nearest to a sample.

    Parameters
    ----------
    sample : Edge
    references : tuple of Edge
        At least two, of known valence.
    window : tuple of float
        Compared energies, eV from the internal reference.
    norm : tuple of float
        Every reference is scaled to the same intensity here: equal intensity for each atom is assumed.
    shift : bool
        Whether the sample may move against the references; then only the profiles tell the valence.

    Raises
    ------
    NotDetermined
        If references are missing, do not reach over the window, or cannot be told apart.
    """
    if len(references) < 2 or any(not math.isfinite(r.valence) for r in references):
        raise NotDetermined("A mixture needs two references of known valence at least", where=sample.name)
    inside = (sample.energy >= window[0]) & (sample.energy <= window[1])
    if np.count_nonzero(inside) < 10:
        raise BadData("The compared window holds fewer than ten channels", where=sample.name, todo="Widen it")
    energy = sample.energy[inside]
    columns, noises = [], []
    for one in references:
        if one.energy[0] > energy[0] + 1e-6 or one.energy[-1] < energy[-1] - 1e-6:
            raise NotDetermined(f"{one.name} does not reach over {energy[0]:.1f} to {energy[-1]:.1f} eV from the "
                                "internal reference", where=sample.name, todo="Narrow the compared window")
        scale = _norm(one, norm)
        columns.append(np.interp(energy, one.energy, one.counts) / scale)
        # Interpolation halves the variance at most; taken as it is, errors are a little too large.
        noises.append(np.interp(energy, one.energy, one.variance) / scale**2)
    a, noise = np.stack(columns, axis=1), np.stack(noises, axis=1)
    y, variance = sample.counts[inside], sample.variance[inside]
    below = sample.background[inside]
    # What a little more or less background, and a little steeper one, would add: solved with the shares.
    nuisance = np.stack((below, below * np.linspace(-1.0, 1.0, below.size)), axis=1)
    solved = _solved(a, noise, y, variance, energy, nuisance, shift)
    x, covariance, moved, moved_error = solved.x, solved.covariance, solved.shift, solved.shift_error
    total = float(np.sum(x))
    fitted, rest = _nonnegative(solved, y, len(references))
    if not (total > 0 and np.sum(fitted) > 0):
        raise NotDetermined("No reference is found in the sample", where=sample.name)
    k = len(references)
    chi2 = float(np.sum(rest**2)) / max(energy.size - k - 2 - int(shift), 1)
    grown = max(chi2, 1.0) * max(one.excess for one in (sample, *references))
    shares, open_ = fitted / np.sum(fitted), x / total
    jacobian = (np.eye(k) - np.outer(open_, np.ones(k))) / total
    cov = grown * jacobian @ covariance[:k, :k] @ jacobian.T
    return Mix(
        tuple(r.name for r in references), shares, np.sqrt(np.maximum(np.diag(cov), 0.0)),
        _valence(shares, open_, cov, references), moved, moved_error * math.sqrt(grown), chi2, a @ fitted, energy,
    )


def _norm(one: Edge, norm: tuple[float, float]) -> float:
    part = (one.energy >= norm[0]) & (one.energy <= norm[1])
    total = float(np.sum(one.counts[part])) * float(np.median(np.diff(one.energy)))
    if not total > 0:
        raise NotDetermined("There is no intensity to scale by", where=one.name, todo="Move the norm window")
    return total


@dataclass(frozen=True, eq=False)
class _Solved:
    """Least squares without bounds.

    `information` is the normal matrix less what the noise of the references adds to it.
    """

    design: FloatArray
    weight: FloatArray
    information: FloatArray
    x: FloatArray
    covariance: FloatArray
    shift: float
    shift_error: float


def _solved(
    a: FloatArray, noise: FloatArray, y: FloatArray, variance: FloatArray, energy: FloatArray, nuisance: FloatArray,
    shift: bool,
) -> _Solved:
    """Shares, background and shift; noise of the references does not pull shares together (Fuller 1987)."""
    k = a.shape[1]
    x = np.full(k, max(float(np.sum(y)), 1e-300) / max(float(np.sum(a)), 1e-300))
    for _ in range(_STEPS):
        weight = 1.0 / (variance + noise @ x**2)
        columns = [a, nuisance]
        if shift:
            columns.append(-np.gradient(a @ x, energy)[:, None])
        design = np.concatenate(columns, axis=1)
        information = design.T * weight @ design
        information[np.arange(k), np.arange(k)] -= weight @ noise
        diagonal = np.diag(information)
        if not np.all(diagonal > 0):
            raise NotDetermined("A reference is lost in its noise in the compared window",
                                todo="Measure it with more counts")
        norms = np.sqrt(diagonal)
        scaled = information / np.outer(norms, norms)
        least = float(np.linalg.eigvalsh(scaled)[0])
        if not least > 1e-10:
            raise NotDetermined("The references cannot be told apart", todo="Leave one out, or widen the window")
        covariance = np.linalg.inv(scaled) / np.outer(norms, norms)
        found = covariance @ (design.T @ (weight * y))
        x = found[:k]
    moved = float(np.clip(found[-1], -_SHIFT, _SHIFT)) if shift else 0.0
    error = math.sqrt(float(covariance[-1, -1])) if shift else math.nan
    return _Solved(design, weight, information, x, covariance, moved, error)


def _nonnegative(solved: _Solved, y: FloatArray, k: int) -> tuple[FloatArray, FloatArray]:
    """Shares that are not below zero (the most negative leaves first), and the residuals in units of the noise."""
    target = solved.design.T @ (solved.weight * y)
    kept = np.ones(target.size, dtype=bool)
    while True:
        full = np.zeros(target.size)
        full[kept] = np.linalg.solve(solved.information[np.ix_(kept, kept)], target[kept])
        worst = int(np.argmin(full[:k]))
        if full[worst] >= 0:
            break
        kept[worst] = False
    return full[:k], np.sqrt(solved.weight) * (y - solved.design @ full)


def _valence(shares: FloatArray, open_: FloatArray, cov: FloatArray, references: tuple[Edge, ...]) -> Valence:
    """Mean valence; the interval is that of the free solution, cut to what the references span."""
    v = np.array([r.valence for r in references])
    u = np.array([r.valence_error for r in references])
    value, centre = float(shares @ v), float(open_ @ v)
    error = math.sqrt(max(float(v @ cov @ v) + float(shares**2 @ u**2), 0.0))
    low, high = centre - LEVEL * error, centre + LEVEL * error
    floor, top = float(np.min(v)), float(np.max(v))
    low, high = min(max(low, floor), value), max(min(high, top), value)
    return Valence(value, error, low, high, "mixture of the reference spectra")
