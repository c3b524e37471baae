"""Shares of phases as XPS sees them: averaged over the depth that its electrons come from, and counted in atoms.

After a depth z_q was sputtered away, XPS sees what is below with the weight exp(-(z - z_q)/L), L = lambda cos theta,

    c_k(q) = integral from z_q to the end of x_k(z) exp(-(z - z_q)/L) dz / integral of the same weight,

x_k being the closed amounts of the factors (straight lines between the points of the profile). The weight is
normalised over what is left of the profile below z_q. Of volumes it makes atoms, with n_k atoms in nm3 of phase k:

    p_k(q) = n_k c_k(q) / sum_j n_j c_j(q).

References
----------
A. Jablonski, C. J. Powell, Surf. Sci. Rep. 47, 33 (2002) (effective attenuation lengths; straight-line electrons);
cited from memory, unverified.
"""

from __future__ import annotations

import numpy as np

from fitting.dataset import FloatArray

_GAP = 1e-9  # nm between depths that a drawn scale would put on one place


def averaging(depth: FloatArray, places: FloatArray, length: float) -> FloatArray:
    """The matrix that makes of values along the depth their means below some places.

    Parameters
    ----------
    depth : array, shape (n,)
        Ascending, nm; above the first point its value holds.
    places : array, shape (q,)
        nm, between 0 and the last depth.
    length : float
        L in nm; 0 for the value at the place itself.

    Returns
    -------
    array, shape (q, n)
        Rows of sum 1.
    """
    z, at = np.asarray(depth, dtype=float), np.asarray(places, dtype=float)
    if length <= 0:
        return _between(z, at)
    nodes = np.concatenate([[min(0.0, z[0])], z]) if z[0] > 0 else z
    a, b = nodes[None, :-1], nodes[None, 1:]
    start = np.clip(at[:, None], a, b)
    begin = np.exp(-np.maximum(start - at[:, None], 0.0) / length)
    end = np.exp(-np.maximum(b - at[:, None], 0.0) / length)
    whole = length * (begin - end)
    right = (length * (begin * (start - a) - end * (b - a)) + length**2 * (begin - end)) / (b - a)
    found = np.zeros((at.size, nodes.size))
    found[:, :-1] += whole - right
    found[:, 1:] += right
    if nodes.size > z.size:
        found[:, 1] += found[:, 0]
        found = found[:, 1:]
    total = found.sum(axis=1, keepdims=True)
    seen = total > 1e-9 * length
    if not np.all(seen):  # nothing of the profile is left below
        return np.asarray(np.where(seen, found / np.where(seen, total, 1.0), _between(z, at)))
    return np.asarray(found / total)


def _between(z: FloatArray, at: FloatArray) -> FloatArray:
    """Straight lines between points, and the end values outside, as a matrix of shape (q, n)."""
    found = np.zeros((at.size, z.size))
    rows = np.arange(at.size)
    upper = np.clip(np.searchsorted(z, at), 1, z.size - 1) if z.size > 1 else np.zeros(at.size, int)
    lower = np.maximum(upper - 1, 0)
    part = np.clip((at - z[lower]) / np.where(upper > lower, z[upper] - z[lower], 1.0), 0.0, 1.0)
    np.add.at(found, (rows, lower), 1.0 - part)
    np.add.at(found, (rows, upper), part)
    return found


def atom_shares(shares: FloatArray, densities: FloatArray | None = None) -> FloatArray:
    """Shares of atoms from shares of volume, rows of sum 1.

    Parameters
    ----------
    shares : array, shape (..., k)
        Zero or above, not all zero.
    densities : array, shape (k,), optional
        Atoms in nm3; without them every phase counts alike.
    """
    weighted = shares if densities is None else shares * densities
    return np.asarray(weighted / weighted.sum(axis=-1, keepdims=True))


def ascending(depth: FloatArray) -> FloatArray:
    """Depths that a drawn scale moved, none before the one above it and none above the surface."""
    moved = np.maximum.accumulate(np.maximum(depth, 0.0))
    return np.asarray(moved + _GAP * np.arange(moved.size))
