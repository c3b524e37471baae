"""Least squares of the compositions of factors, their information and their repeats; see `fitting.sims.by_xps`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls

from fitting.dataset import FloatArray
from fitting.sims.by_xps_errors import basis
from fitting.sims.by_xps_given import SharesAlong, XpsNumbers
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.by_xps_shares import ascending, atom_shares, averaging
from fitting.tape import Cancel, Progress
from libraries.errors import BadModel, Cancelled

_LOOSE = 1.0e3  # at.%: error of the belief that a factor of which nothing is known has equal parts of everything
_HEAVY = 1.0e4  # weight of the sums over that of the numbers
_PASSES = 3  # of weights that depend on K through the slopes


@dataclass(frozen=True, eq=False)
class Model:
    """How shares become weights of the factors at the XPS depths."""

    length: float
    densities: FloatArray | None

    def weights(self, depth: FloatArray, shares: FloatArray, places: FloatArray) -> FloatArray:
        """Shares of atoms in what XPS sees at some places, shape (q, k)."""
        inside = np.clip(places, 0.0, depth[-1])
        return atom_shares(averaging(depth, inside, self.length) @ shares, self.densities)


def model_of(sims: SharesAlong, setup: ByXps) -> Model:
    """What XPS sees, after the attenuation length, angle and densities that are given.

    Raises
    ------
    BadModel
        If one of them is impossible.
    """
    if not (math.isfinite(setup.attenuation) and setup.attenuation >= 0):
        raise BadModel("The attenuation length must be zero or above", todo="Give it in nm, or 0 for none")
    if not 0 <= setup.angle < 90:
        raise BadModel("The emission angle must lie between 0 and 90° from the surface normal")
    densities = np.array(setup.densities, dtype=float)
    if densities.size and (densities.size != len(sims.names) or not np.all(densities > 0)
                           or not np.all(np.isfinite(densities))):
        raise BadModel("Every factor needs a density of atoms above zero, or none of them",
                       todo="Fill the column, or empty it")
    length = setup.attenuation * math.cos(math.radians(setup.angle))
    return Model(length, densities if densities.size else None)


class Fit:
    """The weighted problem, and its solution for other numbers with the same weights."""

    def __init__(self, model: Model, xps: XpsNumbers, sims: SharesAlong) -> None:
        self.model, self.xps, self.sims = model, xps, sims
        self.k, self.m = sims.shares.shape[1], xps.amounts.shape[1]
        self.basis = basis(self.m)
        self.weights = model.weights(sims.depth, sims.shares, xps.places)
        self.whitener = self._whitener(None)
        for _ in range(_PASSES):
            self.values = self.solve(self.weights, xps.amounts)
            if not (sims.parts.size or sims.sizes.size or np.any(xps.place_errors > 0)):
                break
            self.whitener = self._whitener(self.values)
        else:
            self.values = self.solve(self.weights, xps.amounts)
        self._information()

    def _whitener(self, values: FloatArray | None) -> FloatArray:
        """W with W^T W the inverse covariance of the reduced XPS numbers, shape (q (m - 1), same)."""
        size, q = self.m - 1, self.xps.places.size
        whole = np.zeros((q * size, q * size))
        for i, block in enumerate(self.xps.covariances):
            whole[i * size : (i + 1) * size, i * size : (i + 1) * size] = block
        if values is not None:
            moves = (values - 100.0 / self.m) @ self.basis
            for change in self._slopes():
                step = (change @ moves).ravel()
                whole += np.outer(step, step)
        return np.linalg.inv(np.linalg.cholesky(whole))

    def _slopes(self) -> list[FloatArray]:
        """What one standard error of each depth, source of the scale and yield changes the weights by, (q, k)."""
        sims, xps, model = self.sims, self.xps, self.model
        found = []
        moved = [model.weights(sims.depth, sims.shares, xps.places + sign * xps.place_errors) for sign in (1, -1)]
        for i in np.flatnonzero(xps.place_errors > 0):
            change = np.zeros_like(moved[0])
            change[i] = (moved[0][i] - moved[1][i]) / 2
            found.append(change)
        for part in sims.parts:
            ends = [model.weights(ascending(sims.depth + sign * part), sims.shares, xps.places) for sign in (1, -1)]
            found.append((ends[0] - ends[1]) / 2)
        for step in np.diag(sims.sizes) if sims.sizes.size else ():
            ends = [model.weights(sims.depth, sims.shares * np.exp(sign * step), xps.places) for sign in (1, -1)]
            found.append((ends[0] - ends[1]) / 2)
        return found

    def solve(self, weights: FloatArray, amounts: FloatArray) -> FloatArray:
        """K of shape (k, m) in at.%."""
        k, m = self.k, self.m
        design = self.whitener @ np.kron(weights, self.basis.T)
        target = self.whitener @ (amounts @ self.basis).ravel()
        heavy = _HEAVY * max(float(np.max(np.abs(design))), 1.0 / _LOOSE)
        sums = heavy * np.kron(np.eye(k), np.ones((1, m)))
        loose = np.eye(k * m) / _LOOSE
        matrix = np.concatenate([design, sums, loose])
        wanted = np.concatenate([target, np.full(k, heavy * 100.0), np.full(k * m, 100.0 / m / _LOOSE)])
        both = np.linalg.qr(np.column_stack([matrix, wanted]), mode="r")
        found = nnls(both[: k * m, : k * m], both[: k * m, -1])[0].reshape(k, m)
        return np.asarray(100.0 * found / found.sum(axis=1, keepdims=True))

    def residuals(self) -> FloatArray:
        """Weighted, in reduced coordinates, shape (q (m - 1),)."""
        return np.asarray(self.whitener @ ((self.xps.amounts - self.weights @ self.values) @ self.basis).ravel())

    @property
    def chi2(self) -> tuple[float, int]:
        """Reduced chi-square, NaN without degrees of freedom, and these."""
        degrees = (self.xps.places.size - int(np.linalg.matrix_rank(self.weights, tol=1e-6))) * (self.m - 1)
        return (float(np.sum(self.residuals() ** 2)) / degrees, degrees) if degrees > 0 else (math.nan, 0)

    def misfits(self) -> FloatArray:
        """Weighted squares of each depth over m - 1, with its own errors: XPS and depth."""
        size = self.m - 1
        moves = (self.values - 100.0 / self.m) @ self.basis
        rest = (self.xps.amounts - self.weights @ self.values) @ self.basis
        found = []
        slopes = self._slopes()
        for i, block in enumerate(self.xps.covariances):
            whole = block + sum((np.outer(step, step) for step in (change[i] @ moves for change in slopes)),
                                start=np.zeros_like(block))
            found.append(float(rest[i] @ np.linalg.solve(whole, rest[i])) / size)
        return np.array(found)

    def _information(self) -> None:
        """What the depths can tell, whatever K is: covariance without the constraint K >= 0."""
        size = self.m - 1
        design = self.whitener @ np.kron(self.weights, np.eye(size))
        inverse = np.linalg.inv(design.T @ design + np.eye(self.k * size) / _LOOSE**2)
        self.covariance = inverse.reshape(self.k, size, self.k, size)
        alone = np.einsum("kakb->kab", self.covariance)
        self.free_errors = np.sqrt(np.einsum("ea,kab,eb->ke", self.basis, alone, self.basis))
        singular = np.linalg.svd(self.weights, compute_uv=False)
        self.condition = float(singular[0] / singular[-1]) if singular[-1] > 1e-9 * singular[0] else math.inf
        gram = self.weights.T @ self.weights + np.eye(self.k) / _LOOSE**2
        gains = np.sqrt(np.diag(np.linalg.inv(gram)))
        self.gains = np.where(gains > _LOOSE / 10, math.inf, gains)

    def free_profile(self, along: FloatArray) -> FloatArray:
        """Errors without the constraint of the composition at every depth, shape (n, m)."""
        whole = np.einsum("nk,kalb,nl->nab", along, self.covariance, along, optimize=True)
        return np.asarray(np.sqrt(np.maximum(np.einsum("ea,nab,eb->ne", self.basis, whole, self.basis), 0.0)))


def repeats_of(
    fit: Fit, rng: np.random.Generator, draws: int, progress: Progress | None, cancel: Cancel | None,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """K found again, shape (draws, k, m), the scatter of the composition at every depth, (n, m), and its parts'."""
    sims, xps, model = fit.sims, fit.xps, fit.model
    roots = np.linalg.cholesky(xps.covariances)
    found = np.empty((draws, fit.k, fit.m))
    scatter = [_Scatter((sims.depth.size, fit.m)), _Scatter((sims.depth.size, fit.k, fit.m))]
    for number in range(draws):
        if cancel is not None and cancel():
            raise Cancelled
        if progress is not None:
            progress(number / draws, "Compositions of factors")
        depth = sims.depth
        if sims.parts.size:
            depth = ascending(depth + rng.normal(size=len(sims.parts)) @ sims.parts)
        places = xps.places + xps.place_errors * rng.normal(size=xps.places.size)
        noise = np.einsum("qab,qb->qa", roots, rng.normal(size=roots.shape[:2])) @ fit.basis.T
        amounts = model.weights(depth, sims.shares, np.maximum(places, 0.0)) @ fit.values + noise
        shares = _drawn(sims, rng)
        weights = fit.weights if shares is sims.shares else model.weights(sims.depth, shares, xps.places)
        found[number] = fit.solve(weights, amounts)
        parts = parts_of(atom_shares(shares, model.densities), found[number])
        for one, values in zip(scatter, (parts.sum(axis=1), parts), strict=True):
            one.add(values)
    return found, scatter[0].error, scatter[1].error


class _Scatter:
    """Standard deviation of arrays that come one by one (B. P. Welford, Technometrics 4, 419 (1962))."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.number, self.mean, self.square = 0, np.zeros(shape), np.zeros(shape)

    def add(self, values: FloatArray) -> None:
        """One more."""
        self.number += 1
        step = values - self.mean
        self.mean += step / self.number
        self.square += step * (values - self.mean)

    @property
    def error(self) -> FloatArray:
        return np.asarray(np.sqrt(self.square / max(self.number - 1, 1)))


def _drawn(sims: SharesAlong, rng: np.random.Generator) -> FloatArray:
    """Shares with their errors drawn anew, shape (n, k)."""
    shares = sims.shares
    if sims.errors.size:
        shares = np.maximum(shares + sims.errors * rng.normal(size=shares.shape), 0.0)
    if sims.sizes.size:
        shares = shares * np.exp(sims.sizes * rng.normal(size=sims.sizes.size))
    if shares is sims.shares:
        return shares
    return _closed(shares, sims.shares)


def _closed(shares: FloatArray, instead: FloatArray) -> FloatArray:
    """Shares of sum 1; of a depth at which nothing is left those that stand for it."""
    total = shares.sum(axis=1, keepdims=True)
    return np.asarray(np.where(total > 0, shares / np.where(total > 0, total, 1.0), instead))


def changes_of(fit: Fit, parts: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Largest change among the ends of the bands, over the square root of 3: of K, of the profile and of its parts."""
    values, profile, within = np.zeros_like(fit.values), np.zeros_like(parts[:, 0]), np.zeros_like(parts)
    for other in fit.sims.alternatives:
        shares = _closed(other, fit.sims.shares)
        found = fit.solve(fit.model.weights(fit.sims.depth, shares, fit.xps.places), fit.xps.amounts)
        moved = parts_of(atom_shares(shares, fit.model.densities), found) - parts
        values = np.maximum(values, np.abs(found - fit.values))
        profile, within = np.maximum(profile, np.abs(moved.sum(axis=1))), np.maximum(within, np.abs(moved))
    return values / math.sqrt(3.0), profile / math.sqrt(3.0), within / math.sqrt(3.0)


def parts_of(along: FloatArray, values: FloatArray) -> FloatArray:
    """at.% of each quantity that each factor brings at each depth, shape (n, k, m)."""
    return np.asarray(along[:, :, None] * values)
