"""A spectrum as a mixture of the analyst's reference spectra: non-negative least squares, and the mean valence.

Every reference is an edge without its background, moved so that the internal references coincide and scaled to the
same intensity in the norm window, so that the coefficients are shares of atoms. The background of the sample is a power
law near a known one (level and exponent free), a common shift may be fitted. References are noisy themselves: their
variance counts with that of the sample.

References
----------
C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapter 23 (NNLS); for valences of V, Mn, Fe by this
fit H. Tan et al., Ultramicroscopy 116, 24 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

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
    variance : array, shape (n,)
    valence, valence_error : float
        NaN for a sample.
    """

    name: str
    energy: FloatArray
    counts: FloatArray
    variance: FloatArray
    valence: float = math.nan
    valence_error: float = 0.0


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
    x, covariance, weight, moved, moved_error = _solved(a, noise, y, variance, energy, shift)
    total = float(np.sum(np.maximum(x, 0.0)))
    if not total > 0:
        raise NotDetermined("No reference is found in the sample", where=sample.name)
    scale = _norm(sample, norm)
    fitted = _nonnegative(a, y, weight, energy, moved)
    chi2 = float(np.sum(weight * (y - a @ fitted - moved * np.gradient(a @ fitted, energy) * -1.0) ** 2))
    dof = max(energy.size - len(references) - int(shift), 1)
    k = len(references)
    grown = max(chi2 / dof, 1.0)
    shares = fitted / np.sum(fitted)
    open_ = x / float(np.sum(x)) if abs(float(np.sum(x))) > 0 else shares
    jacobian = (np.eye(k) - np.outer(open_, np.ones(k))) / float(np.sum(x))
    cov = grown * jacobian @ covariance[:k, :k] @ jacobian.T
    del scale
    return Mix(
        tuple(r.name for r in references), shares, np.sqrt(np.maximum(np.diag(cov), 0.0)),
        _valence(shares, open_, cov, references), moved, moved_error * math.sqrt(grown), chi2 / dof, a @ fitted, energy,
    )


def _norm(one: Edge, norm: tuple[float, float]) -> float:
    part = (one.energy >= norm[0]) & (one.energy <= norm[1])
    total = float(np.sum(one.counts[part])) * float(np.median(np.diff(one.energy)))
    if not total > 0:
        raise NotDetermined("There is no intensity to scale by", where=one.name, todo="Move the norm window")
    return total


def _solved(
    a: FloatArray, noise: FloatArray, y: FloatArray, variance: FloatArray, energy: FloatArray, shift: bool
) -> tuple[FloatArray, FloatArray, FloatArray, float, float]:
    """Least squares without bounds: shares, covariance, weights, shift and its error."""
    moved, error = 0.0, math.nan
    x = np.full(a.shape[1], max(float(np.sum(y)), 1e-300) / max(float(np.sum(a)), 1e-300))
    weight = 1.0 / variance
    for _ in range(_STEPS):
        weight = 1.0 / (variance + noise @ x**2)
        design = a
        if shift:
            slope = -np.gradient(a @ x, energy)
            design = np.concatenate((a, slope[:, None]), axis=1)
        norms = np.sqrt(np.einsum("ij,i,ij->j", design, weight, design))
        if not np.all(norms > 0):
            raise NotDetermined("A reference is empty in the compared window")
        scaled = design / norms
        information = scaled.T * weight @ scaled
        if np.linalg.cond(information) > 1e10:
            raise NotDetermined("The references cannot be told apart", todo="Leave one out, or widen the window")
        covariance = np.linalg.inv(information) / np.outer(norms, norms)
        found = covariance @ (design.T @ (weight * y))
        x = found[: a.shape[1]]
        if shift:
            moved = float(np.clip(found[-1], -_SHIFT, _SHIFT))
            error = math.sqrt(float(covariance[-1, -1]))
    return x, covariance, weight, moved, error


def _nonnegative(a: FloatArray, y: FloatArray, weight: FloatArray, energy: FloatArray, moved: float) -> FloatArray:
    root = np.sqrt(weight)
    x = nnls(a * root[:, None], y * root)[0]
    if moved and np.sum(x) > 0:
        slope = -np.gradient(a @ x, energy)
        x = nnls(a * root[:, None], (y - moved * slope) * root)[0]
    return np.asarray(x)


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
