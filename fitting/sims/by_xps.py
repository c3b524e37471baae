"""The atomic composition of factors, calibrated by XPS at common depths ("SIMS by XPS").

With the shares p_k(q) of the atoms that each factor has in what XPS sees at depth q (`fitting.sims.by_xps_shares`),

    X_qe = sum_k p_k(q) K_ke ,    K >= 0,    sum_e K_ke = 100 at.% ,

and K follows by least squares under both constraints (non-negative least squares in which the sums are heavy rows;
Lawson and Hanson, chapter 22). Weights come from the covariance of all XPS numbers: their own errors (compositions add
up to 100, `fitting.sims.by_xps_errors`), the error of each depth times the slope of the composition there (so that
depths at interfaces count little), and the common error of the depth scale.

Errors are the scatter over repeats (parametric bootstrap): XPS numbers, depths, the depth scale and the shares are
drawn anew and K is found again. Depths are not resampled: there are about as many as factors, and leaving one out would
leave a factor without any. Where the misfit is larger than the errors allow, errors are multiplied by the root of the
reduced chi-square. What the ambiguity of the factors adds is the largest change among the ends of their bands, over
the square root of 3.

A factor is not determined where its error without the constraint K >= 0 reaches 100/sqrt(12) at.%, that of a number of
which nothing is known but that it lies between 0 and 100.

What stays outside of the errors: that the closed amounts are no true shares (matrix effects), that sputtering changes
what XPS sees, and different depths of origin of different lines. So the result is semi-quantitative.

References
----------
C. L. Lawson, R. J. Hanson, Solving Least Squares Problems (1974), chapters 22 and 23.
B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), section 6.5.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from fitting.dataset import FloatArray, frozen_array
from fitting.sims.by_xps_fit import Fit, Model, changes_of, model_of, parts_of, repeats_of
from fitting.sims.by_xps_given import SharesAlong, XpsNumbers, checked
from fitting.sims.by_xps_setup import ByXps
from fitting.sims.by_xps_shares import atom_shares
from fitting.tape import Cancel, Progress
from libraries.errors import BadData, NotDetermined

LABEL = "XPS-calibrated, semi-quantitative"
DRAWS = 400
UNKNOWN = 100.0 / math.sqrt(12.0)  # at.%, standard deviation of a number anywhere between 0 and 100
_BEYOND = 0.1  # weight of XPS below the end of the profile that is worth a word
_FEW = 0.02
_NEAR = 2.0  # errors from zero within which K >= 0 shapes the scatter
_ONE_SIDED = 1.645  # standard deviations below which 95 % of a normal law lie
_SMALLEST, _HALVINGS = 0.02, 20  # at.%; where an error of XPS that was not given is sought


@dataclass(frozen=True, eq=False)
class FactorCompositions:
    """Compositions of factors, and of every depth.

    Attributes
    ----------
    names, quantities : tuple of str
        Factors (k) and what XPS tells apart (m).
    values, errors : array, shape (k, m)
        at.%. Errors are NaN where they are not determined; both are NaN for a factor that is not determined.
    limits : array, shape (k, m)
        at.% below which a number lies with 95 %.
    determined : array of bool, shape (k,)
    gains : array, shape (k,)
        By how much the error of one XPS number grows on the way to the factor (all depths alike); infinite where
        nothing is told of it.
    condition : float
        Largest over smallest singular value of the shares at the XPS depths.
    places : array, shape (q,)
        Depths of XPS in nm.
    weights : array, shape (q, k)
        Share of the atoms that each factor has in what XPS sees.
    measured, fitted, measured_errors : array, shape (q, m)
        at.%; errors as the fit used them, NaN where none were given and none follow from the scatter.
    misfits : array, shape (q,)
        Sum of squared weighted residuals of a depth over m - 1; NaN without errors.
    chi2 : float
        Reduced; NaN where no errors were given, or no degree of freedom is left.
    degrees : int
    factor : float
        By which errors were multiplied.
    depth : array, shape (n,)
    profile, profile_errors : array, shape (n, m)
        at.% at every depth of the profile, as it is there (not averaged over what XPS sees); NaN where not determined.
    parts, part_errors : array, shape (n, k, m)
        at.% of each quantity that comes from each factor; NaN for factors that are not determined.
    viewed : array, shape (n, m)
        at.% that XPS would see at every depth; NaN where not determined.
    notes : tuple of str
    draws, seed : int
    """

    names: tuple[str, ...]
    quantities: tuple[str, ...]
    values: FloatArray
    errors: FloatArray
    limits: FloatArray
    determined: np.ndarray
    gains: FloatArray
    condition: float
    places: FloatArray
    weights: FloatArray
    measured: FloatArray
    fitted: FloatArray
    measured_errors: FloatArray
    misfits: FloatArray
    chi2: float
    degrees: int
    factor: float
    depth: FloatArray
    profile: FloatArray
    profile_errors: FloatArray
    parts: FloatArray
    part_errors: FloatArray
    viewed: FloatArray
    notes: tuple[str, ...]
    draws: int = DRAWS
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("values", "errors", "limits", "gains", "places", "weights", "measured", "fitted",
                     "measured_errors", "misfits", "depth", "profile", "profile_errors", "parts", "part_errors",
                     "viewed"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def label(self) -> str:
        """What kind of numbers these are."""
        return LABEL

    def clear(self, factor: int, quantity: int) -> bool:
        """Whether a number stands clear of zero; else its limit is given."""
        error = float(self.errors[factor, quantity])
        return not math.isfinite(error) or float(self.values[factor, quantity]) >= _NEAR * error


def calibrate(
    sims: SharesAlong, setup: ByXps, *, draws: int = DRAWS, seed: int = 0, progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> FactorCompositions:
    """Find the composition of each factor.

    Parameters
    ----------
    sims : SharesAlong
    setup : ByXps
        XPS numbers, attenuation length, densities; `setup.factors` is not looked at.
    draws, seed : int
        Of the repeats behind the errors.
    progress, cancel : callables, optional

    Raises
    ------
    BadData, BadModel
        If numbers are missing or impossible; the message says which.
    NotDetermined
        If there are fewer depths than factors.
    Cancelled
    """
    model, xps = model_of(sims, setup), checked(sims, setup)
    if not np.all(np.isfinite(sims.shares)) or np.any(sims.shares < 0):
        raise BadData("Shares of the factors must be zero or above", todo="Find the factors again")
    totals = sims.shares.sum(axis=1, keepdims=True)
    if not np.all(totals > 0):
        raise NotDetermined("There are depths without any amount of the factors", todo="Find the factors again")
    sims = replace(sims, shares=sims.shares / totals)
    fit, known = _fitted(model, xps, sims)
    chi2, degrees = fit.chi2
    factor = 1.0
    if xps.given and degrees > 0 and chi2 > 1.0 + 3.0 * math.sqrt(2.0 / degrees):
        factor = math.sqrt(chi2)
    repeats, scatter, scatter_within = repeats_of(fit, np.random.default_rng(seed), draws, progress, cancel)
    values, free = fit.values, factor * fit.free_errors
    along = atom_shares(sims.shares, model.densities)
    parts = parts_of(along, values)
    ambiguous, ambiguous_along, ambiguous_within = changes_of(fit, parts)
    spread = factor * np.std(repeats, axis=0, ddof=1)
    # Near zero the constraint cuts the scatter off, while the truth may lie farther away.
    spread = np.where(values < _NEAR * free, np.maximum(spread, free), spread)
    high = values + factor * (np.quantile(repeats, 0.95, axis=0) - values)
    limits = np.minimum(np.maximum(high, values + _ONE_SIDED * ambiguous), 100.0)
    errors, profile_errors, part_errors = (np.hypot(a, b) for a, b in (
        (spread, ambiguous), (factor * scatter, ambiguous_along), (factor * scatter_within, ambiguous_within)))
    determined = np.all(free < UNKNOWN, axis=1)
    seen = np.max(factor * fit.free_profile(along), axis=1) < UNKNOWN
    rows, there = determined[:, None], seen[:, None]
    unknown = 1.0 if known else math.nan
    given = 1.0 if xps.given else math.nan
    return FactorCompositions(
        sims.names, setup.quantities, np.where(rows, values, math.nan), np.where(rows, unknown * errors, math.nan),
        np.where(rows, unknown * limits, math.nan), determined, fit.gains, fit.condition, xps.places, fit.weights,
        xps.amounts, fit.weights @ values, unknown * fit.xps.errors, given * fit.misfits(), given * chi2, degrees,
        factor, sims.depth, np.where(there, parts.sum(axis=1), math.nan),
        np.where(there, unknown * profile_errors, math.nan), np.where(rows, parts, math.nan),
        np.where(rows, unknown * part_errors, math.nan), _viewed(fit, factor),
        (*xps.notes, *_notes(sims, fit, determined), *_misfit_words(fit, xps.given, degrees, factor)), draws, seed,
    )  # fmt: skip


def _fitted(model: Model, xps: XpsNumbers, sims: SharesAlong) -> tuple[Fit, bool]:
    """The fit, and whether the errors of the XPS numbers are known.

    Where none are given, one error for all of them is sought at which the reduced chi-square is 1.
    """
    fit = Fit(model, xps, sims)
    if xps.given or fit.chi2[1] == 0:
        return fit, xps.given
    low, high = _SMALLEST, UNKNOWN
    for _ in range(_HALVINGS):
        middle = math.sqrt(low * high)
        fit = Fit(model, xps.with_error(middle), sims)
        low, high = (middle, high) if fit.chi2[0] > 1.0 else (low, middle)
    return fit, True


def _viewed(fit: Fit, factor: float) -> FloatArray:
    """What XPS would see at every depth, (n, m); NaN where it is not determined."""
    weights = fit.model.weights(fit.sims.depth, fit.sims.shares, fit.sims.depth)
    told = np.max(factor * fit.free_profile(weights), axis=1, keepdims=True) < UNKNOWN
    return np.asarray(np.where(told, weights @ fit.values, math.nan))


def _notes(sims: SharesAlong, fit: Fit, determined: np.ndarray) -> list[str]:
    notes = []
    for i in np.flatnonzero(~determined):
        share, best = float(fit.weights[:, i].max()), int(np.argmax(fit.sims.shares[:, i]))
        where = f"it is strongest at {sims.depth[best]:.3g} nm"
        if share < _FEW:
            notes.append(f"{sims.names[i]} is not determined: XPS hardly sees it at any of these depths ({where})")
        else:
            notes.append(f"{sims.names[i]} is not determined: at these depths it cannot be told from other factors "
                         f"({where})")
    if fit.model.length > 0:
        left = np.exp(-(sims.depth[-1] - fit.xps.places) / fit.model.length)
        deep = [f"{z:.4g}" for z, part in zip(fit.xps.places, left, strict=True) if part > _BEYOND]
        if deep:
            notes.append(f"Part of what XPS sees at {', '.join(deep)} nm lies below the end of the profile and is "
                         "taken to be like what is left of it")
    missing = [name for name, known in (("shares", sims.errors), ("yields", sims.sizes)) if not known.size]
    if missing:
        notes.append(f"Errors of the {' and '.join(missing)} of the factors are not known, and not part of these "
                     "errors")
    if not sims.parts.size:
        notes.append("No error of the depth scale was given")
    if np.unique(fit.xps.places).size < len(sims.names):
        notes.append("There are fewer different depths of XPS than factors")
    return notes


def _misfit_words(fit: Fit, given: bool, degrees: int, factor: float) -> list[str]:
    if not given:
        if degrees == 0:
            return ["No errors were given and no more depths than factors: errors are not determined"]
        error = float(fit.xps.errors[0, 0])
        size = f"less than {_SMALLEST:g}" if error < 1.01 * _SMALLEST else f"{error:.2g}"
        # Of a standard deviation from so many degrees of freedom.
        known = 100.0 / math.sqrt(2.0 * degrees)
        return [f"No errors of XPS were given: {size} at.% follows from the scatter about the fit, known to "
                f"{known:.0f} %"]
    if factor > 1.0:
        return ["XPS and shares of the factors do not agree within their errors: errors are multiplied by "
                f"{factor:.2f} (√χ²ᵣ)"]
    return [] if degrees > 0 else ["As many depths as factors: nothing is left to test the model with"]
