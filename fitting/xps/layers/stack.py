"""A layered structure fitted to intensities at several emission angles (or photon energies)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammaincc

from fitting.dataset import FloatArray
from fitting.solver import minimise
from libraries.attenuation import imfp_tpp2m
from libraries.errors import BadData, NotDetermined

_NORMAL_95 = 1.959964
# Where the fit leaves thicknesses between these, angstrom: a thousandth of an atom and more than any electron crosses.
_THINNEST, _THICKEST = 1e-3, 1e3
_UNLIKELY = 0.01  # chance of a chi2 this large or larger
# A logarithm known no better than this says nothing.
_UNKNOWN = 2.0


@dataclass(frozen=True)
class StackLayer:
    """A layer: material in which electrons are attenuated (of `libraries.attenuation`), and the species in it."""

    material: str
    species: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Stack:
    """A fitted structure.

    Attributes
    ----------
    layers : tuple of StackLayer
        From the surface; the last is the substrate.
    thickness, error : tuple of float
        Of all layers but the last, angstrom; the error is nan where the data do not determine it.
    low, high : tuple of float
        95 % intervals (log-normal).
    amounts : dict of name to (relative atomic density, standard error)
        Within each layer they sum to 1.
    chi2, dof : float, int
    calculated : array, shape (n_angles, n_species)
        Intensities of the model on the scale of those measured.
    warnings : tuple of str
    """

    layers: tuple[StackLayer, ...]
    thickness: tuple[float, ...]
    error: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    amounts: dict[str, tuple[float, float]]
    chi2: float
    dof: int
    calculated: FloatArray
    warnings: tuple[str, ...] = ()

    @property
    def determined(self) -> tuple[bool, ...]:
        """Which thicknesses the data determine."""
        return tuple(math.isfinite(error) for error in self.error)


def stack_intensities(
    thickness: Sequence[float],
    amounts: FloatArray,
    home: Sequence[int],
    imfps: FloatArray,
    emission_angles: Sequence[float],
) -> FloatArray:
    """Intensities (divided by s, L and T) of species in a layered structure, shape (n_angles, n_species).

    Parameters
    ----------
    thickness : sequence, shape (n_layers - 1,)
        Angstrom, from the surface.
    amounts : array, shape (n_species,)
        Atomic density of each species in its layer.
    home : sequence of int, shape (n_species,)
        The layer of each species.
    imfps : array, shape (n_layers, n_species)
        lambda in each layer at the kinetic energy of each species' line, angstrom.
    emission_angles : sequence, shape (n_angles,)
        Degrees from the surface normal.

    Notes
    -----
    I = n lambda cos(theta) (1 - exp(-d/(lambda cos theta))) exp(-sum over the layers above of d/(lambda cos theta)).
    """
    depths = np.append(np.asarray(thickness, dtype=np.float64), np.inf)
    slopes = np.cos(np.radians(np.asarray(emission_angles, dtype=np.float64)))
    result = np.empty((slopes.size, len(home)))
    for i, layer in enumerate(home):
        own = imfps[layer, i] * slopes
        above = sum((depths[k] / (imfps[k, i] * slopes) for k in range(layer)), np.zeros_like(slopes))
        result[:, i] = amounts[i] * own * -np.expm1(-depths[layer] / own) * np.exp(-above)
    return result


@dataclass(frozen=True, eq=False)
class _Problem:
    """Data and bookkeeping of a fit: logarithms of thicknesses, of amounts (one held), of a scale for each angle."""

    intensities: FloatArray
    errors: FloatArray
    home: tuple[int, ...]
    imfps: FloatArray
    angles: tuple[float, ...]
    walls: int

    def split(self, x: FloatArray) -> tuple[FloatArray, FloatArray]:
        return np.exp(x[: self.walls]), np.exp(np.append(0.0, x[self.walls :]))

    def model(self, x: FloatArray) -> FloatArray:
        """Intensities with the best scale of each angle: the lit area changes with the angle and is not known."""
        thickness, amounts = self.split(x)
        bare = stack_intensities(thickness, amounts, self.home, self.imfps, self.angles)
        weight = bare / self.errors**2
        return bare * (np.sum(weight * self.intensities, axis=1) / np.sum(weight * bare, axis=1))[:, None]

    def residual(self, x: FloatArray) -> FloatArray:
        return ((self.model(x) - self.intensities) / self.errors).ravel()


def fit_stack(
    layers: Sequence[StackLayer],
    names: Sequence[str],
    kinetic_energies: Sequence[float],
    emission_angles: Sequence[float],
    intensities: FloatArray,
    errors: FloatArray,
) -> Stack:
    """Thicknesses and amounts of a layered structure that the user supposes.

    Parameters
    ----------
    layers : sequence of StackLayer
        From the surface; the last is the substrate. Each species stands in exactly one.
    names : sequence of str, shape (n_species,)
    kinetic_energies : sequence, shape (n_species,)
        eV.
    emission_angles : sequence, shape (n_angles,)
        Degrees from the surface normal.
    intensities, errors : array, shape (n_angles, n_species)
        Areas divided by s, L and T (not by lambda), with standard errors; each angle has a scale of its own.

    Notes
    -----
    Least squares with weights; where chi2 exceeds its degrees of freedom the errors are enlarged by sqrt(chi2/dof). A
    thickness whose logarithm is known no better than to a factor e**2, or that ran to a limit, is not determined.

    Raises
    ------
    BadData
        If a species stands in no layer or in two, or shapes disagree.
    NotDetermined
        If there are no more numbers than unknowns.
    """
    home = _homes(layers, names)
    angles = tuple(float(angle) for angle in emission_angles)
    data, sigma = np.asarray(intensities, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    if data.shape != (len(angles), len(names)) or sigma.shape != data.shape:
        raise BadData("Intensities need one row for each angle and one column for each species", where="layers")
    if not (np.all(np.isfinite(data)) and np.all(np.isfinite(sigma)) and np.all(sigma > 0)):
        raise BadData("Every intensity needs a finite value and an error above zero", where="layers")
    walls = len(layers) - 1
    free = walls + len(names) - 1
    dof = data.size - len(angles) - free
    if dof < 1:
        raise NotDetermined(
            f"{data.size - len(angles)} independent numbers do not determine {free} unknowns",
            where="layers", todo="Measure more angles, or suppose fewer layers",
        )
    imfps = np.array([[float(imfp_tpp2m(e, layer.material)) for e in kinetic_energies] for layer in layers])
    problem = _Problem(data, sigma, home, imfps, angles, walls)
    best = _best(problem, free, np.max(data, axis=0))
    return _result(problem, tuple(layers), tuple(names), best, dof)


def _homes(layers: Sequence[StackLayer], names: Sequence[str]) -> tuple[int, ...]:
    if len(layers) < 2:
        raise BadData("A layered structure needs a layer and a substrate", where="layers")
    places = []
    for name in names:
        at = [i for i, layer in enumerate(layers) if name in layer.species]
        if len(at) != 1:
            raise BadData(f"{name} must stand in exactly one layer, not in {len(at)}", where="layers")
        places.append(at[0])
    empty = [layer.material for i, layer in enumerate(layers) if i not in places]
    if empty:
        raise BadData(f"The layer of {empty[0]} holds no species", where="layers", todo="Give it one, or leave it out")
    return tuple(places)


def _best(problem: _Problem, free: int, tops: FloatArray) -> FloatArray:
    """The best of a few starts: thin, middling and thick layers."""
    low, high = np.full(free, -30.0), np.full(free, 30.0)
    low[: problem.walls], high[: problem.walls] = math.log(_THINNEST), math.log(_THICKEST)
    found = []
    for start in (3.0, 12.0, 30.0):
        x = np.zeros(free)
        x[: problem.walls] = math.log(start)
        bare = stack_intensities(
            np.full(problem.walls, start), np.ones(len(problem.home)), problem.home, problem.imfps, problem.angles
        )
        guess = np.log(np.maximum(tops, 1e-300) / np.maximum(np.max(bare, axis=0), 1e-300))
        x[problem.walls :] = np.clip(guess[1:] - guess[0], -29.0, 29.0)
        solution = minimise(problem.residual, None, x, low, high)
        found.append((float(np.sum(problem.residual(solution.x) ** 2)), solution.x))
    return min(found, key=lambda pair: pair[0])[1]


def _result(
    problem: _Problem, layers: tuple[StackLayer, ...], names: tuple[str, ...], x: FloatArray, dof: int
) -> Stack:
    chi2 = float(np.sum(problem.residual(x) ** 2))
    covariance = max(1.0, chi2 / dof) * _covariance(problem, x)
    thickness, amounts = problem.split(x)
    logs = np.sqrt(np.maximum(np.diag(covariance), 0.0))[: problem.walls]
    limits = np.log([_THINNEST, _THICKEST])
    known = (logs < _UNKNOWN) & (x[: problem.walls] > limits[0] + 0.1) & (x[: problem.walls] < limits[1] - 0.1)
    error = np.where(known, thickness * logs, np.nan)
    spread = np.exp(_NORMAL_95 * np.minimum(logs, 300.0))
    warnings = [
        f"The thickness of the layer of {layers[i].material} is not determined by these data."
        for i in range(problem.walls) if not known[i]
    ]
    if gammaincc(dof / 2, chi2 / 2) < _UNLIKELY:
        warnings.append(f"The structure misses part of the data (χ²/dof {chi2 / dof:.1f}); errors are enlarged.")
    if max(problem.angles) > 60.0:
        warnings.append("Beyond 60° from the normal elastic scattering counts, which is left out here.")
    return Stack(
        layers, tuple(map(float, thickness)), tuple(map(float, error)),
        tuple(map(float, np.where(known, thickness / spread, 0.0))),
        tuple(map(float, np.where(known, thickness * spread, np.inf))),
        _shares(problem, names, amounts, covariance), chi2, dof, problem.model(x), tuple(warnings),
    )


def _covariance(problem: _Problem, x: FloatArray) -> FloatArray:
    step = 1e-5
    jacobian = np.stack(
        [(problem.residual(x + step * e) - problem.residual(x - step * e)) / (2 * step) for e in np.eye(x.size)], axis=1
    )
    return np.linalg.pinv(jacobian.T @ jacobian, rcond=1e-12, hermitian=True)


def _shares(
    problem: _Problem, names: tuple[str, ...], amounts: FloatArray, covariance: FloatArray
) -> dict[str, tuple[float, float]]:
    """Shares of the species inside their layers, from the logarithms of the amounts (the first is held at 0)."""
    logs = np.zeros((len(names), len(names)))
    logs[1:, 1:] = covariance[problem.walls :, problem.walls :]
    found = {}
    for i, name in enumerate(names):
        members = [k for k in range(len(names)) if problem.home[k] == problem.home[i]]
        share = amounts[members] / np.sum(amounts[members])
        at = members.index(i)
        slope = share[at] * (np.eye(len(members))[at] - share)
        variance = float(slope @ logs[np.ix_(members, members)] @ slope)
        found[name] = (float(share[at]), math.sqrt(max(variance, 0.0)))
    return found
