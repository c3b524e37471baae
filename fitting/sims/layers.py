"""Order and thickness of layers from traces that each stand for one phase.

The traces are closed: scaled by r >= 0 so that they add up to one at every depth as nearly as they can, then divided by
their sum. What follows uses the shares x_k only. In the order of the layers, the share of everything below a boundary,

    F_j(z) = sum of x_i(z) over all layers i below boundary j,

rises from 0 to 1 and is, for linear mixing, the sharp step convolved with the depth response; a thin layer that never
fills the analysed depth disturbs it as little as a thick one. On the monotone curve nearest to F_j the 16-84 % width
is that of the interface, and the boundary is the balance point: as much of the upper layer is found below it as of
the lower one above it, the mean of z over dF within four half widths. Mixing and roughness move matter but make none:
they leave the balance point where the boundary was, while the depth of 50 % of an asymmetric step comes too early (by
0.31 w for a mixing length w). The information depth moves all boundaries alike. Thicknesses are differences. Beside
them stands the thickness by amount, the integral of x_k over the depth, to which tails anywhere add.
Where the two differ by more than their errors, one of the assumptions does not hold.
A phase that comes back at another depth is cut into parts (`fitting.sims.layer_parts`), each a layer of its own.

What the closure leaves unexplained (matrix effects, phases without a trace) is an error of the shares: a boundary gets
misfit times the slope dz/dF, which for an error function is 1.253 times its 16-84 % width. A trace that other phases
give too lets no layer reach the share it should have for its thickness d and the sharpest interface of the profile, of
width 2 s, erf(d/(2 sqrt 2 s)); what is missing of that share counts as an error of the same part of the thickness.

References
----------
ISO 14606 (16-84 % width). R. E. Barlow et al., Statistical Inference under Order Restrictions (1972), monotone curve.
B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), section 6.5, parametric bootstrap.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import isotonic_regression
from scipy.special import ndtr

from fitting.dataset import FloatArray, frozen_array
from fitting.factors.mcr import closure
from fitting.sims.depth import DepthResult
from fitting.sims.layer_parts import Part, at_cuts, called, parts_of, split
from fitting.tape import Cancel
from libraries.errors import BadData, Cancelled, NotDetermined

DRAWS = 200
RESOLVED = 0.5  # a layer whose share never reaches this is nowhere the main phase
_REACH = 4.0  # half widths to each side within which the balance point is taken
_SLOPE = math.sqrt(math.pi / 2.0)  # dz/dF at the middle of an error function over its 16-84 % width
_LOW, _HIGH = float(ndtr(-1.0)), float(ndtr(1.0))


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes
    ----------
    number : int
        From the surface down, from 1.
    name : str
        That of the trace, with a number where the phase stands at several depths: "Oxide (2)".
    trace : int
        Which of the given traces.
    top, top_error, bottom, bottom_error : float
        In the unit of the depths, with standard errors from the counts; NaN where it is not determined. The first top
        is the surface, 0.
    thickness, error : float
        Standard error from the counts, the misfit of the closure, the difference from the thickness by amount (over
        the square root of 12, as of a value anywhere between the two), impure traces, alternatives (the largest change
        over the square root of 3), and the depth scale where that has errors.
    amount, amount_error : float
        Thickness by amount: integral of the share over the depth. Of the last layer the part that was profiled.
    width, width_error : float
        16-84 % width of the interface below.
    share : float
        Largest share that the phase has at a depth.
    below : float
        Probability that it lies below the layer before it; NaN for the first one.
    remarks : tuple of str
    """

    number: int
    name: str
    trace: int
    top: float
    top_error: float
    bottom: float
    bottom_error: float
    thickness: float
    error: float
    amount: float
    amount_error: float
    width: float
    width_error: float
    share: float
    below: float
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Layers:
    """Layers from the surface down.

    Attributes
    ----------
    rows : tuple of Layer
    depth : array, shape (n,)
    shares : array, shape (n, layers)
        Closed, in the order of the layers; of a phase at several depths the part that is that layer.
    scales : array, shape (layers,)
        By which the traces were multiplied, in the order of the layers.
    misfit : float
        Root mean square by which the scaled traces miss the sum of one, without what the noise makes of it.
    quantity, unit : str
        Of the depths.
    words : str
        How the layers were told.
    """

    rows: tuple[Layer, ...]
    depth: FloatArray
    shares: FloatArray
    scales: FloatArray
    misfit: float
    quantity: str = "depth"
    unit: str = "nm"
    words: str = ""

    def __post_init__(self) -> None:
        for name in ("depth", "shares", "scales"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class _Found:
    """What one set of traces gives, layers in the order of `parts`."""

    parts: tuple[Part, ...]
    centres: FloatArray
    shares: FloatArray
    edges: FloatArray  # boundaries (k - 1,), NaN where not determined
    widths: FloatArray
    amounts: FloatArray


def layers_of(
    depth: ArrayLike,
    traces: ArrayLike,
    names: tuple[str, ...],
    errors: ArrayLike | None = None,
    *,
    alternatives: Sequence[ArrayLike] = (),
    scale: DepthResult | None = None,
    quantity: str = "depth",
    unit: str = "nm",
    seed: int = 0,
    draws: int = DRAWS,
    cancel: Cancel | None = None,
) -> Layers:
    """Layers of a depth profile.

    Parameters
    ----------
    depth : array, shape (n,)
        Ascending from the surface at 0.
    traces : array, shape (n, k)
        Counts of marker ions or amounts of factors, zero or above, each standing for one phase; two or more.
    names : tuple of str
    errors : array, shape (n, k), optional
        Standard errors of the traces; without them the traces are counts with Poisson noise.
    alternatives : sequence of array, shape (n, k)
        Traces that fit the data as well: the ends of the ambiguity bands of a factor analysis.
    scale : DepthResult, optional
        For the part of the errors that comes from the depth scale.
    quantity, unit : str
        Of `depth`.
    seed, draws : int
        Of the repeats behind the errors.
    cancel : callable, optional

    Returns
    -------
    Layers
        Errors are the scatter over repeats with the noise drawn anew (parametric bootstrap), the closure solved anew
        each time, and what the closure leaves unexplained. The ambiguity of a factor analysis is among them where
        `alternatives` are given.

    Raises
    ------
    BadData
        If the arrays do not fit together.
    NotDetermined
        If the traces obey no closure, or a point holds none of them.
    Cancelled
    """
    z, y = _checked(depth, traces, names)
    sigma = None if errors is None else np.asarray(errors, dtype=float)
    if sigma is not None and (sigma.shape != y.shape or not np.all(np.isfinite(sigma)) or np.any(sigma < 0)):
        raise BadData("Errors of the traces do not fit them", todo="Repeat the factor analysis")
    closed, factors = _closed(y, names)
    found = _evaluate(z, closed, _by_depth(z, closed, factors * (np.sqrt(np.maximum(y, 1.0)) if sigma is None
                                                                 else sigma)))
    repeats = _repeats(z, y, sigma, found.parts, np.random.default_rng(seed), draws, cancel)
    misfit = _misfit(closed)
    wrong = _Wrong(misfit, *_changes(z, found, names, alternatives))
    rows = tuple(_row(i, found, repeats, names, z, scale, wrong) for i in range(len(found.parts)))
    return Layers(rows, z, found.shares, factors[[part.trace for part in found.parts]], misfit, quantity, unit)


def _checked(depth: ArrayLike, traces: ArrayLike, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    z, y = np.asarray(depth, dtype=float), np.asarray(traces, dtype=float)
    if y.ndim != 2 or y.shape[1] != len(names) or z.shape != y.shape[:1] or z.size < 5:
        raise BadData("Layers need five depths or more and one name for each trace")
    if y.shape[1] < 2:
        raise BadData("Layers need two traces or more", todo="Choose one ion for each layer, the bulk included")
    if not (np.all(np.isfinite(z)) and np.all(np.isfinite(y))) or np.any(np.diff(z) <= 0) or z[0] < 0:
        raise BadData("Depths must ascend from zero, and all numbers be finite")
    if np.any(y < 0):
        raise BadData("A trace of a layer must be zero or above", todo="Use counts, or factors of MCR or NMF")
    if empty := [name for name, column in zip(names, y.T, strict=True) if not np.any(column > 0)]:
        raise BadData(f"{empty[0]} has no counts at any depth", todo="Choose another trace")
    return z, y


def _closed(y: FloatArray, names: tuple[str, ...]) -> tuple[FloatArray, FloatArray]:
    """Traces scaled to a sum near one, and the scales."""
    top = np.max(y, axis=0)
    try:
        closed, factors = closure(y / top)
    except NotDetermined as error:
        raise NotDetermined("The chosen traces do not add up to a constant with any scale, so that one of them is no "
                            "layer of its own", where=str(error.where or ""),
                            todo="Leave a trace out, or choose one ion for each layer and the bulk") from None
    except BadData:
        raise BadData("Some of the chosen traces have the same course, so that they are no layers of their own",
                      where=", ".join(names), todo="Leave one of them out") from None
    return closed, factors / top


def _misfit(closed: FloatArray) -> float:
    """Scatter of the sum about one, without its noise: that of neighbours is independent, a misfit is not."""
    off = closed.sum(axis=1) - 1.0
    return math.sqrt(max(float(np.mean(off[1:] * off[:-1])), 0.0))


def _shares(closed: FloatArray) -> FloatArray:
    total = closed.sum(axis=1)
    if np.any(total <= 0):
        raise NotDetermined(f"None of the traces is seen at point {int(np.argmax(total <= 0)) + 1}",
                            todo="Leave empty points out, or choose traces that cover the profile")
    return np.asarray(closed / total[:, None])


def _by_depth(z: FloatArray, closed: FloatArray, errors: FloatArray) -> tuple[Part, ...]:
    """The parts of all phases from the surface down."""
    shares = _shares(closed)
    parts = parts_of(shares, errors)
    return tuple(parts[i] for i in np.argsort(_centres(*_from_surface(z, split(shares, parts))), kind="stable"))


def _from_surface(z: FloatArray, shares: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Depths from 0, their weights in an integral, and the shares there.

    What lies between the surface and the first point is taken to be as at the first point.
    """
    grid = z if z[0] <= 0 else np.concatenate([[0.0], z])
    full = shares if z[0] <= 0 else np.concatenate([shares[:1], shares])
    weights = np.zeros(grid.size)
    weights[:-1] += 0.5 * np.diff(grid)
    weights[1:] += 0.5 * np.diff(grid)
    return grid, weights, full


def _centres(grid: FloatArray, weights: FloatArray, full: FloatArray) -> FloatArray:
    """Centres of the squares: a phase's traces far from its layer do not move its centre."""
    return np.asarray((weights * grid) @ full**2 / np.maximum(weights @ full**2, 1e-300))


def _evaluate(z: FloatArray, closed: FloatArray, parts: tuple[Part, ...]) -> _Found:
    """Shares, boundaries and amounts of layers in this order."""
    shares = split(_shares(closed), parts)
    grid, weights, full = _from_surface(z, shares)
    edges, widths = [], []
    for j in range(len(parts) - 1):
        edge, width = _boundary(z, shares[:, j + 1 :].sum(axis=1))
        edges.append(edge)
        widths.append(width)
    return _Found(parts, _centres(grid, weights, full), shares, np.array(edges), np.array(widths), weights @ full)


def _boundary(z: FloatArray, beneath: FloatArray) -> tuple[float, float]:
    """Balance point of the share of what lies below, and its 16-84 % width; NaN where it does not pass one half."""
    smooth = np.clip(isotonic_regression(beneath, increasing=True).x, 0.0, 1.0)

    def meets(level: float) -> float:
        if smooth[0] >= level or smooth[-1] < level:
            return math.nan
        i = int(np.argmax(smooth >= level))
        step = (level - smooth[i - 1]) / (smooth[i] - smooth[i - 1])
        return float(z[i - 1] + step * (z[i] - z[i - 1]))

    low, half, high = meets(_LOW), meets(0.5), meets(_HIGH)
    if not math.isfinite(half):
        return half, high - low
    # Without a seen foot or shoulder the other side's half width stands for it.
    before, after = half - low, high - half
    before, after = (before if math.isfinite(before) else after), (after if math.isfinite(after) else before)
    if not math.isfinite(before):
        return half, math.nan
    inside = (z >= half - _REACH * before) & (z <= half + _REACH * after)
    if np.count_nonzero(inside) < 2:
        return half, high - low
    at, value = z[inside], smooth[inside]
    rise = np.diff(value)
    return float(np.sum(rise * 0.5 * (at[1:] + at[:-1])) / np.sum(rise)), high - low


@dataclass(frozen=True, eq=False)
class _Repeats:
    """Scatter over repeats."""

    edges: FloatArray  # (m, k - 1)
    widths: FloatArray
    amounts: FloatArray  # (m, k)
    centres: FloatArray


def _repeats(z: FloatArray, y: FloatArray, sigma: FloatArray | None, parts: tuple[Part, ...], rng: np.random.Generator,
             draws: int, cancel: Cancel | None) -> _Repeats:
    rows: list[_Found] = []
    names = tuple(str(i) for i in range(y.shape[1]))
    for _ in range(draws):
        if cancel is not None and cancel():
            raise Cancelled("The layers were stopped")
        if sigma is None:
            again = rng.poisson(y).astype(float)
        else:
            again = np.maximum(y + sigma * rng.standard_normal(y.shape), 0.0)
        try:
            rows.append(_evaluate(z, _closed(again, names)[0], parts))
        except NotDetermined:
            continue
    if len(rows) < max(2, draws // 2):
        k = len(parts)
        return _Repeats(np.zeros((0, k - 1)), np.zeros((0, k - 1)), np.zeros((0, k)), np.zeros((0, k)))
    return _Repeats(*(np.array([getattr(one, name) for one in rows])
                      for name in ("edges", "widths", "amounts", "centres")))


@dataclass(frozen=True, eq=False)
class _Wrong:
    """Errors that are no scatter: misfit of the closure, changes among alternatives of boundaries and thicknesses."""

    misfit: float
    edges: FloatArray
    thickness: FloatArray


def _changes(z: FloatArray, found: _Found, names: tuple[str, ...],
             alternatives: Sequence[ArrayLike]) -> tuple[FloatArray, FloatArray]:
    """Largest changes of boundaries (k - 1,) and thicknesses (k - 1,) over the square root of 3."""
    edges, thickness = np.zeros(found.edges.size), np.zeros(found.edges.size)
    for traces in alternatives:
        y = _checked(z, traces, names)[1]
        try:
            other = _evaluate(z, _closed(y, names)[0], found.parts)
        except NotDetermined:
            continue
        change = np.nan_to_num(other.edges - found.edges)
        edges = np.maximum(edges, np.abs(change))
        thickness = np.maximum(thickness, np.abs(np.diff(np.concatenate([[0.0], change]))))
    return edges / math.sqrt(3.0), thickness / math.sqrt(3.0)


def _std(values: FloatArray) -> float:
    """Scatter of repeats; NaN where less than half of them gave a number."""
    good = values[np.isfinite(values)]
    return float(np.std(good, ddof=1)) if good.size >= max(2, values.size // 2) else math.nan


def _row(i: int, found: _Found, repeats: _Repeats, names: tuple[str, ...], z: FloatArray,
         scale: DepthResult | None, systematic: _Wrong) -> Layer:
    last, part = i == len(found.parts) - 1, found.parts[i]
    widths = np.nan_to_num(found.widths)
    cut = np.concatenate([[0.0], at_cuts(found.shares, found.parts) * widths, [0.0]])
    slope = np.hypot(np.concatenate([[0.0], systematic.misfit * _SLOPE * widths, [0.0]]), cut)
    wrong = np.hypot(slope, np.concatenate([[0.0], systematic.edges, [0.0]]))
    top, top_error = (0.0, 0.0) if i == 0 else (
        float(found.edges[i - 1]), math.hypot(_std(repeats.edges[:, i - 1]), wrong[i]))
    bottom, bottom_error, width, width_error = (math.nan,) * 4
    if not last:
        bottom, bottom_error = float(found.edges[i]), math.hypot(_std(repeats.edges[:, i]), wrong[i + 1])
        width, width_error = float(found.widths[i]), _std(repeats.widths[:, i])
    above = repeats.edges[:, i - 1] if i else np.zeros(len(repeats.edges))
    thickness = bottom - top
    error = math.nan if last else math.hypot(_std(repeats.edges[:, i] - above), slope[i], slope[i + 1],
                                               systematic.thickness[i], _impure(found, i, thickness),
                                               (thickness - float(found.amounts[i])) / math.sqrt(12.0))
    amount_error = math.hypot(_std(repeats.amounts[:, i]), cut[i], cut[i + 1])
    if scale is not None and scale.stated:
        end = float(z[-1]) if last else bottom
        if i and math.isfinite(top):
            top_error = math.hypot(top_error, scale.error_at(top))
        if math.isfinite(bottom):
            bottom_error = math.hypot(bottom_error, scale.error_at(bottom))
        if math.isfinite(end - top):
            amount_error = math.hypot(amount_error, scale.error_between(top, end))
        if math.isfinite(thickness):
            error = math.hypot(error, scale.error_between(top, bottom))
    below = math.nan
    if i and len(repeats.centres):
        below = float(np.mean(repeats.centres[:, i] > repeats.centres[:, i - 1]))
    share = float(found.shares[:, i].max())
    remarks = _remarks(last, share, found.shares[:, i], thickness, bottom if not last else top)
    name, back = called(names, found.parts, i)
    return Layer(i + 1, name, part.trace, top, top_error, bottom, bottom_error, thickness, error,
                 float(found.amounts[i]), amount_error, width, width_error, share, below, remarks + back)


def _impure(found: _Found, i: int, thickness: float) -> float:
    """Error of a thickness by what a layer's largest share misses of what its thickness lets expect."""
    known = found.widths[np.isfinite(found.widths)]
    if not known.size or not thickness > 0:
        return 0.0
    expected = 2.0 * float(ndtr(thickness / max(float(known.min()), 1e-12))) - 1.0
    return max(expected - float(found.shares[:, i].max()), 0.0) * thickness


def _remarks(last: bool, share: float, shares: FloatArray, thickness: float, edge: float) -> tuple[str, ...]:
    remarks = []
    if last:
        remarks.append("reaches to the end of the profile")
    elif not math.isfinite(edge):
        remarks.append("its lower edge is not seen: it is half gone at the first point" if shares[0] < RESOLVED
                       else "its lower edge is not seen")
    elif math.isfinite(thickness) and thickness <= 0:
        remarks.append("not resolved as a layer: it lies within its neighbours")
    if share < RESOLVED:
        remarks.append(f"nowhere the main phase (at most {100 * share:.0f} %)")
    return tuple(remarks)
