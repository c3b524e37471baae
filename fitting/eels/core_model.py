"""Joint model of a core-loss spectrum: power law, cross-section edges convolved with the low loss, fine structure.

    J(E) = A E^-r + sum_i N_i [ L * s_i ](E),    s_i(E) = d sigma_i/dE times (fine structure f_i, 1 far above the onset)

L is the measured low loss, so that plural scattering and resolution are in the model instead of being taken out of the
data. All amounts are linear and not negative; the exponent is not linear and is
found around them. The variance follows the model (gain x mean), never the single counts: weights 1/counts lower an
edge by many per cent where counts are few.

References
----------
J. Verbeeck, S. Van Aert, Ultramicroscopy 101, 207 (2004): the model. J. Verbeeck, S. Van Aert, G. Bertoni,
Ultramicroscopy 106, 976 (2006): fine structure whose integral is kept. G. H. Golub, V. Pereyra, SIAM J. Numer. Anal.
10, 413 (1973): separation of linear unknowns.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from scipy.optimize import minimize_scalar, nnls

from fitting.dataset import FloatArray, Noise
from fitting.eels.core_edges import EdgeCurve, Response
from libraries.errors import BadData, NotDetermined

Fine = Literal["conserved", "free", "none"]
FINE_WORDS: tuple[tuple[str, Fine], ...] = (("Integral kept", "conserved"), ("Free", "free"), ("None", "none"))
_REACH = (4.0, 0.5)  # of the search for the exponent, at first and once the weights follow the model
_ROUNDS = 4  # of weights that follow the model
_STIFF = 1e4  # weight of the sum rule against a single standard error: kept to about 1e-4
_LAGS = 6  # channels over which neighbours may correlate
EXPONENTS = (0.2, 12.0)


@dataclass(frozen=True, eq=False)
class EdgeTerm:
    """One edge of the model.

    Attributes
    ----------
    curve : EdgeCurve
        Cross-section against the energy above the onset.
    onset : float
        In eV.
    onset_err : float
        0 where it was set.
    fine : "conserved", "free" or "none"
        Fine structure whose integral over its width is that of the cross-section; with its own integral; without.
    width : float
        Of the fine structure, eV above the onset.
    fit_onset : bool
    """

    curve: EdgeCurve
    onset: float
    fine: Fine = "conserved"
    width: float = 40.0
    onset_err: float = 0.0

    @property
    def name(self) -> str:
        return self.curve.name


@dataclass(frozen=True, eq=False)
class EdgeFit:
    """What was found of one edge.

    Attributes
    ----------
    name, element : str
    amount : float
        Atoms/nm^2 times the scale of the response (see `Response`): atoms/nm^2 where the low loss has the exposure of
        the core loss, else relative.
    onset, onset_err : float
        In eV; the error is 0 where it was not fitted.
    counts : float
        Of the edge in the fitted range.
    curve : array, shape (n,)
        Counts on the fitted channels.
    structure : array, shape (m, 2)
        Energy above the onset in eV and fine structure f (1: the cross-section).
    seen : bool
        Whether the amount is significantly above zero (1.645 standard errors).
    """

    name: str
    element: str
    amount: float
    onset: float
    onset_err: float
    counts: float
    curve: FloatArray
    structure: FloatArray
    seen: bool


@dataclass(frozen=True, eq=False)
class CoreFit:
    """Result of the joint model.

    Attributes
    ----------
    energy, data, model, background : array, shape (n,)
        The fitted channels.
    exponent, exponent_err : float
    edges : tuple of EdgeFit
    covariance : array, shape (k, k)
        Of the amounts, counting only: exponent, background and fine structure are marginalised.
    gain : float
        Variance over mean that the errors use.
    correlation : float
        Factor on the covariance from correlated neighbours.
    chi2 : float
        Reduced, with the known gain; NaN where the gain came from the residuals.
    dof : int
    background_share : array, shape (k,)
        Part of each variance that comes from the background (level and exponent).
    """

    energy: FloatArray
    data: FloatArray
    model: FloatArray
    background: FloatArray
    exponent: float
    exponent_err: float
    edges: tuple[EdgeFit, ...]
    covariance: FloatArray
    gain: float
    correlation: float
    chi2: float
    dof: int
    background_share: FloatArray

    @property
    def amounts(self) -> FloatArray:
        """Shape (k,)."""
        return np.array([edge.amount for edge in self.edges])

    @property
    def errors(self) -> FloatArray:
        """Counting errors of the amounts."""
        return np.sqrt(np.diag(self.covariance))

    def ratio(self, first: str, second: str) -> tuple[float, float]:
        """Amount of one edge over that of another, with its counting error."""
        names = [edge.name for edge in self.edges]
        i, j = names.index(first), names.index(second)
        a, b = self.edges[i].amount, self.edges[j].amount
        if not b > 0:
            raise NotDetermined(f"{second} is not above zero", where=f"{first}/{second}")
        v = np.zeros(len(names))
        v[i], v[j] = 1 / b, -a / b**2
        return a / b, math.sqrt(float(v @ self.covariance @ v))


class Design:
    """Columns of the model."""

    def __init__(self, energy: FloatArray, terms: Sequence[EdgeTerm], response: Response | None) -> None:
        self.energy, self.terms, self.response = energy, tuple(terms), response
        self.pivot = math.sqrt(float(energy[0]) * float(energy[-1]))

    @cached_property
    def rules(self) -> tuple[tuple[int, FloatArray], ...]:
        """Of each edge with a kept integral: its number and the shares of its columns, sum (v_j - N) S_j = 0."""
        found = []
        for number, term in enumerate(self.terms):
            if term.fine == "conserved":
                shares = term.curve.shares(term.width)
                found.append((number, np.concatenate(([-shares.sum()], shares)) / shares.sum()))
        return tuple(found)

    def power(self, exponent: float) -> FloatArray:
        """Unit power law."""
        return np.asarray((self.energy / self.pivot) ** -exponent)

    def edges(self) -> tuple[FloatArray, list[slice]]:
        """Columns (n, m) of all edges, of each the amount first, then the nodes; and their places in `matrix`."""
        blocks, places, at = [np.zeros((self.energy.size, 0))], [], 1
        for term in self.terms:
            width = None if term.fine == "none" else term.width
            block = term.curve.columns(self.energy, term.onset, width, self.response)
            blocks.append(block)
            places.append(slice(at, at + block.shape[1]))
            at += block.shape[1]
        return np.concatenate(blocks, axis=1), places

    def matrix(self, exponent: float, edges: FloatArray) -> FloatArray:
        """All columns (n, 1 + m)."""
        return np.concatenate((self.power(exponent)[:, None], edges), axis=1)


def fit_core(
    energy: FloatArray, counts: FloatArray, terms: Sequence[EdgeTerm], *, response: Response | None = None,
    noise: Noise | None = None, exponent: float | None = None,
) -> CoreFit:
    """Fit the joint model to one spectrum.

    Parameters
    ----------
    energy, counts : array, shape (n,)
        The channels to fit, eV (evenly spaced, above zero) and counts.
    terms : sequence of EdgeTerm
    response : Response, optional
        The low loss; None: edges are not convolved (thin sample), amounts are relative.
    noise : Noise, optional
        Default: counts with unknown gain, which then comes from the residuals.
    exponent : float, optional
        Where the search for r starts.

    Returns
    -------
    CoreFit

    Raises
    ------
    BadData
        If there are too few channels, edges outside, or counts that no power law can describe.
    NotDetermined
        If two edges cannot be told apart.
    """
    energy, counts = _checked(energy, counts, terms)
    noise = noise or Noise("poisson")
    design = Design(energy, terms, response)
    edges, places = design.edges()
    r = _first_exponent(energy, counts, terms) if exponent is None else exponent
    variance = _smoothed(counts)
    for turn in range(_ROUNDS):
        scale = 1.0 / np.sqrt(variance)
        cost = _cost(design, edges, places, counts, scale)
        # Weights move the exponent little: later turns look nearby, and everywhere if it lies at the end of that.
        reach = _REACH[min(turn, len(_REACH) - 1)]
        found = _lowest(cost, max(r - reach, EXPONENTS[0]), min(r + reach, EXPONENTS[1]))
        if min(found - EXPONENTS[0], EXPONENTS[1] - found) > 1e-3 and abs(abs(found - r) - reach) < 1e-3 * reach:
            found = _lowest(cost, *EXPONENTS)
        r = found
        matrix = design.matrix(r, edges)
        values = _solve(matrix, places, design, counts, scale)[0]
        variance = np.maximum(matrix @ values, 1e-6 * max(float(np.mean(counts)), 1e-30))
    return _result(design, r, edges, places, counts, variance, noise)


def _lowest(cost: Callable[[float], float], low: float, high: float) -> float:
    found = minimize_scalar(cost, bounds=(low, high), method="bounded", options={"xatol": 1e-6})
    return float(found.x)


def _cost(
    design: Design, edges: FloatArray, places: Sequence[slice], counts: FloatArray, scale: FloatArray
) -> Callable[[float], float]:
    """Weighted sum of squares against the exponent alone; all but the power law is factorised once."""
    # The power law stands in front with zeros, so that places hold.
    matrix = np.concatenate((np.zeros((edges.shape[0], 1)), edges), axis=1)
    whole, target = _weighted(matrix, places, design, counts, scale)
    whole = whole[:, 1:]
    norm = np.sqrt(np.sum(whole**2, axis=0))
    norm[norm == 0] = 1.0
    q, triangle = np.linalg.qr(whole / norm)
    reduced = q.T @ target
    beyond = target - q @ reduced
    rest = np.zeros(whole.shape[0] - counts.size)

    def cost(r: float) -> float:
        power = np.concatenate((design.power(r) * scale, rest))
        power /= np.sqrt(power @ power)
        along = q.T @ power
        across = power - q @ along
        height = float(np.sqrt(across @ across))
        upper = np.concatenate((triangle, along[:, None]), axis=1)
        lower = np.zeros((1, upper.shape[1]))
        lower[0, -1] = height
        last = float(across @ beyond) / height if height > 1e-12 else 0.0
        left = float(beyond @ beyond) - last**2
        return float(nnls(np.vstack((upper, lower)), np.append(reduced, last), maxiter=50 * upper.shape[1])[1] ** 2
                     + max(left, 0.0))

    return cost


def _checked(energy: FloatArray, counts: FloatArray, terms: Sequence[EdgeTerm]) -> tuple[FloatArray, FloatArray]:
    energy, counts = np.asarray(energy, float), np.asarray(counts, float)
    if energy.ndim != 1 or counts.shape != energy.shape or energy.size < 20:
        raise BadData("The fitted range holds fewer than 20 channels", where="core loss", todo="Widen it")
    if energy[0] <= 0:
        raise BadData("The fitted range must lie above 0 eV", where=f"{energy[0]:g} eV")
    if not np.all(np.isfinite(counts)) or np.sum(counts) <= 0:
        raise BadData("The fitted range holds no counts", where=f"{energy[0]:g} to {energy[-1]:g} eV")
    names = [term.name for term in terms]
    for term in terms:
        if names.count(term.name) > 1:
            raise BadData("This edge stands twice in the model", where=term.name)
        if not energy[0] < term.onset < energy[-1]:
            raise BadData(f"The edge at {term.onset:g} eV lies outside the fitted range", where=term.name,
                          todo=f"Fit from {energy[0]:g} to {energy[-1]:g} eV holds other edges; move an end")
        if np.count_nonzero(energy > term.onset) < 5:
            raise BadData("Fewer than five channels lie above the edge", where=term.name, todo="Widen the fitted range")
    return energy, counts


def _first_exponent(energy: FloatArray, counts: FloatArray, terms: Sequence[EdgeTerm]) -> float:
    """r of the channels below the first edge, by a line through the logarithms."""
    first = min((term.onset for term in terms), default=float(energy[-1]))
    before = (energy < first - 1.0) & (counts > 0)
    if np.count_nonzero(before) < 5:
        return 3.0
    x, y = np.log(energy[before]), np.log(counts[before])
    return float(np.clip(-np.polyfit(x - x.mean(), y, 1, w=np.sqrt(counts[before]))[0], 0.5, 8.0))


def _smoothed(counts: FloatArray) -> FloatArray:
    kernel = np.ones(15) / 15
    padded = np.pad(counts, 7, mode="edge")
    mean = np.convolve(padded, kernel, mode="valid")
    return np.asarray(np.maximum(mean, 0.02 * max(float(np.mean(counts)), 1e-30)))


def _solve(
    matrix: FloatArray, places: Sequence[slice], design: Design, counts: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Not negative amounts; residuals of data and rules; the weighted matrix with the rows of the rules."""
    whole, target = _weighted(matrix, places, design, counts, scale)
    norm = np.sqrt(np.sum(whole[: counts.size] ** 2, axis=0))
    norm[norm == 0] = 1.0
    values = nnls(whole / norm, target, maxiter=50 * matrix.shape[1])[0] / norm
    return values, whole @ values - target, whole


def _weighted(
    matrix: FloatArray, places: Sequence[slice], design: Design, counts: FloatArray, scale: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Weighted columns with the rows of the rules beneath, and the weighted data."""
    weighted = matrix * scale[:, None]
    norm = np.sqrt(np.sum(weighted**2, axis=0))
    norm[norm == 0] = 1.0
    rows = []
    for number, shares in design.rules:
        row = np.zeros(matrix.shape[1])
        block = places[number]
        # In units of the error of the amount alone, so that the rule is kept whatever the counts are.
        row[block] = _STIFF * shares * norm[block][0]
        rows.append(row)
    whole = np.vstack([weighted, *rows]) if rows else weighted
    target = np.concatenate([counts * scale, np.zeros(len(rows))])
    return whole, target


def _result(
    design: Design, exponent: float, edge_columns: FloatArray, places: Sequence[slice], counts: FloatArray,
    variance: FloatArray, noise: Noise,
) -> CoreFit:
    terms, energy = design.terms, design.energy
    matrix = design.matrix(exponent, edge_columns)
    scale = 1.0 / np.sqrt(variance)
    values, _, whole = _solve(matrix, places, design, counts, scale)
    model = matrix @ values
    used = values > 0
    amounts_at = [place.start for place in places]
    # Amounts at zero keep their column: their error is that of a free amount, for limits.
    used[amounts_at] = True
    used[0] = True
    rest = np.zeros(whole.shape[0] - energy.size)
    slope = np.concatenate([_by_exponent(design, exponent, values[0]) * scale, rest])
    columns = np.concatenate((whole[:, used], slope[:, None]), axis=1)
    count = int(np.count_nonzero(used))
    if values[0] <= 0:  # without a background its exponent means nothing
        columns[:, count] = 0.0
        columns[0, count] = 1.0
    norm = np.sqrt(np.sum(columns**2, axis=0))
    norm[norm == 0] = 1.0
    _, singular, right = np.linalg.svd(columns / norm, full_matrices=False)
    if singular[-1] < 1e-9 * singular[0]:
        raise NotDetermined("Two edges or nodes of the model cannot be told apart", where="core loss",
                            todo="Leave one edge out, or make the fine structure narrower")
    inverse = (right.T / singular**2) @ right / np.outer(norm, norm)
    residual = (counts - model) * scale
    dof = max(energy.size - columns.shape[1] + len(design.rules), 1)
    spread = float(residual @ residual) / dof
    gain, chi2, factor = _noise_of(noise, residual, spread)
    inverse = inverse * gain * factor
    place = np.cumsum(used) - 1
    index = [int(place[at]) for at in amounts_at]
    covariance = inverse[np.ix_(index, index)]
    share = _background_share(columns / norm, index, [0, count], norm, covariance, gain * factor)
    errors = np.sqrt(np.diag(covariance))
    edges = []
    for number, (term, block) in enumerate(zip(terms, places, strict=True)):
        v = values[block]
        curve = matrix[:, block] @ v
        structure = term.curve.structure(term.width, v) if term.fine != "none" else np.zeros((0, 2))
        edges.append(EdgeFit(term.name, term.curve.element, float(v[0]), term.onset, term.onset_err, float(curve.sum()),
                             curve, structure, bool(v[0] > 1.645 * errors[number])))
    return CoreFit(energy, counts, model, matrix[:, 0] * values[0], exponent,
                   math.sqrt(inverse[count, count]), tuple(edges), covariance, gain, factor, chi2, dof, share)


def _by_exponent(design: Design, exponent: float, level: float) -> FloatArray:
    return np.asarray(-level * design.power(exponent) * np.log(design.energy / design.pivot))


def _noise_of(noise: Noise, residual: FloatArray, spread: float) -> tuple[float, float, float]:
    """Gain, reduced chi2 (NaN where the gain is not known), factor of correlation."""
    if noise.kind == "poisson" and noise.gain is not None:
        factor = (1 + noise.correlation) / (1 - noise.correlation)
        return noise.gain, spread / noise.gain, factor
    if noise.correlation:
        return spread, math.nan, (1 + noise.correlation) / (1 - noise.correlation)
    # How much sums over many channels scatter more than single channels say, from the residuals themselves.
    power = float(residual @ residual)
    lags = [float(residual[k:] @ residual[:-k]) / power for k in range(1, _LAGS + 1)]
    factor = 1.0
    for value in lags:
        if value < 2.0 / math.sqrt(residual.size):
            break
        factor += 2.0 * value
    return spread, math.nan, max(factor, 1.0)


def _background_share(
    columns: FloatArray, index: Sequence[int], drop: Sequence[int], norm: FloatArray, covariance: FloatArray,
    scale: float,
) -> FloatArray:
    """Part of the variances of the amounts that goes away when level and exponent of the background are known."""
    kept = [i for i in range(columns.shape[1]) if i not in drop]
    _, singular, right = np.linalg.svd(columns[:, kept], full_matrices=False)
    inverse = (right.T / singular**2) @ right
    at = [kept.index(i) for i in index]
    alone = np.array([inverse[a, a] for a in at]) * scale / norm[list(index)] ** 2
    whole = np.diag(covariance)
    return np.clip(1.0 - alone / np.where(whole > 0, whole, 1.0), 0.0, 1.0)


def with_shapes(terms: Sequence[EdgeTerm], fit: CoreFit) -> tuple[EdgeTerm, ...]:
    """The terms with onset and fine structure as a fit found them: only amounts are left to be fitted."""
    found = []
    for term, edge in zip(terms, fit.edges, strict=True):
        curve = term.curve.shaped(edge.structure) if edge.structure.size and edge.amount > 0 else term.curve
        found.append(replace(term, curve=curve, fine="none"))
    return tuple(found)
