"""What ToF-SIMS and XPS give for a calibration of factors, checked."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np

from fitting.dataset import FloatArray
from fitting.sims.by_xps_errors import basis, closed_covariance
from fitting.sims.by_xps_setup import ByXps, XpsDepth
from libraries.errors import BadData, BadModel, NotDetermined

_ROUNDED = 2.0  # at.% by which the sum of a composition may miss 100 and is scaled, because numbers were rounded
_EXACT = 0.05  # at.% up to which a sum is 100 as printed


@dataclass(frozen=True, eq=False)
class SharesAlong:
    """What ToF-SIMS knows: shares of the phases along the depth.

    Attributes
    ----------
    names : tuple of str
        Of the factors.
    depth : array, shape (n,)
        nm, ascending.
    shares : array, shape (n, k)
        Closed amounts, zero or above.
    errors : array, shape (n, k)
        Standard errors of the shares; empty where they are not known.
    alternatives : tuple of array, shape (n, k)
        Shares that fit the data as well: ends of the bands of ambiguity.
    parts : array, shape (p, n)
        nm that one standard error of each source moves each depth by (`fitting.sims.depth.DepthResult.parts`).
    sizes : array, shape (k,)
        Relative standard error of all shares of a factor together, as that of its yield makes it; empty where it is
        not known.
    """

    names: tuple[str, ...]
    depth: FloatArray
    shares: FloatArray
    errors: FloatArray = field(default_factory=lambda: np.zeros(0))
    alternatives: tuple[FloatArray, ...] = ()
    parts: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    sizes: FloatArray = field(default_factory=lambda: np.zeros(0))


@dataclass(frozen=True, eq=False)
class XpsNumbers:
    """The numbers of XPS, checked.

    Attributes
    ----------
    places, place_errors : array, shape (q,)
        nm.
    amounts, errors : array, shape (q, m)
        at.%, adding up to 100; errors of 1 where none are given.
    given : bool
        Whether errors are given.
    covariances : array, shape (q, m - 1, m - 1)
        Of the amounts in the directions in which compositions can change.
    notes : tuple of str
    """

    places: FloatArray
    place_errors: FloatArray
    amounts: FloatArray
    errors: FloatArray
    given: bool
    covariances: FloatArray
    notes: tuple[str, ...]

    def with_error(self, error: float) -> XpsNumbers:
        """A copy in which all numbers have the same error in at.%."""
        errors = np.full_like(self.amounts, error)
        return replace(self, errors=errors, covariances=_covariances(self.amounts, errors))


def checked(sims: SharesAlong, setup: ByXps) -> XpsNumbers:
    """The numbers of XPS, if they can be used.

    Raises
    ------
    BadData, BadModel
        What is missing or impossible, and where.
    NotDetermined
        If there are fewer depths than factors.
    """
    k, m = len(sims.names), len(setup.quantities)
    if not setup.depths:
        raise NotDetermined("No composition by XPS is given", todo="Add depths with at.% of each element")
    if m < 2 or len(set(setup.quantities)) != m or not all(name.strip() for name in setup.quantities):
        raise BadModel("XPS compositions need two elements or more, each once", todo="Write them as in C, O, F, Na")
    given = [_row(one, setup.quantities, sims.depth[-1]) for one in setup.depths]
    if len(given) < k:
        raise NotDetermined(f"{k} factors need XPS at {k} depths or more, and {len(given)} "
                            f"{'is' if len(given) == 1 else 'are'} given",
                            todo="Add depths at which the shares of the factors differ")
    amounts, errors = (np.array([row[i] for row in given]) for i in (0, 1))
    stated = _stated(errors, setup)
    totals = amounts.sum(axis=1)
    notes = []
    if np.any(np.abs(totals - 100.0) > _EXACT):
        worst = float(totals[np.argmax(np.abs(totals - 100.0))])
        notes.append(f"Compositions were scaled to 100 at.% (sums were up to {worst:.4g})")
    scale = 100.0 / totals[:, None]
    amounts, errors = amounts * scale, errors * scale if stated else np.ones_like(amounts)
    places, place_errors = (np.array([getattr(one, name) for one in setup.depths]) for name in ("depth", "depth_error"))
    return XpsNumbers(places, place_errors, amounts, errors, stated, _covariances(amounts, errors), tuple(notes))


def _stated(errors: FloatArray, setup: ByXps) -> bool:
    """Whether all numbers have errors above zero, or none has."""
    stated = np.isfinite(errors)
    if np.any(stated) and not np.all(stated):
        q, e = np.argwhere(~stated)[0]
        raise BadData(f"{setup.quantities[e]} has no error", where=_at(setup.depths[q]),
                      todo="Give the error of every number, or of none")
    if np.any(errors[stated] <= 0):
        q, e = np.argwhere(stated & (errors <= 0))[0]
        raise BadData(f"The error of {setup.quantities[e]} must be above zero", where=_at(setup.depths[q]),
                      todo="Where an element was not found, give its detection limit")
    return bool(np.all(stated))


def _covariances(amounts: FloatArray, errors: FloatArray) -> FloatArray:
    b = basis(amounts.shape[1])
    return np.array([b.T @ closed_covariance(x, s) @ b for x, s in zip(amounts, errors, strict=True)])


def _row(one: XpsDepth, quantities: tuple[str, ...], end: float) -> tuple[FloatArray, FloatArray]:
    """Amounts and errors of one depth."""
    if math.isnan(one.depth):
        raise BadData("The depth of a composition by XPS is missing", where=one.source,
                      todo="Type it in nm on the depth scale of the profile")
    if not (math.isfinite(one.depth) and one.depth >= 0):
        raise BadData("A depth of XPS must be zero or above", where=_at(one))
    if one.depth > end * (1 + 1e-9):
        raise BadData(f"The profile ends at {end:.4g} nm, above this depth", where=_at(one),
                      todo="Depths are those of the ToF-SIMS depth scale; take this one away")
    if not (math.isfinite(one.depth_error) and one.depth_error >= 0):
        raise BadData("The error of a depth must be zero or above", where=_at(one))
    amounts, errors = np.array(one.amounts, dtype=float), np.array(one.errors, dtype=float)
    if amounts.size != len(quantities) or errors.size != len(quantities):
        raise BadData("There must be one number for each element", where=_at(one))
    if not np.all(np.isfinite(amounts)):
        name = quantities[int(np.argmin(np.isfinite(amounts)))]
        raise BadData(f"{name} is missing", where=_at(one), todo="Write 0 with an error where it was not found")
    if np.any(amounts < 0):
        raise BadData(f"{quantities[int(np.argmin(amounts))]} is below zero", where=_at(one))
    if abs(float(amounts.sum()) - 100.0) > _ROUNDED:
        raise BadData(f"The composition adds up to {amounts.sum():.4g} and not to 100 at.%", where=_at(one),
                      todo="Add what is missing, an element or “other”")
    return amounts, errors


def _at(one: XpsDepth) -> str:
    return f"XPS at {one.depth:.4g} nm"
