"""Amounts of pixels as maps: atoms per area and at.% of every element, with errors, flags and their origin."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray
from fitting.eels.core_image import GOOD, Amounts
from fitting.eels.core_model import EdgeTerm
from fitting.image.maps import Map

NOTHING = 9
_LEAST = 3.0  # standard errors that all elements together must be above zero for at.%


def composition_maps(
    found: Amounts, terms: Sequence[EdgeTerm], *, absolute: bool, legend: Sequence[tuple[int, str]] = (),
    group: str = "", data_hash: str = "",
) -> tuple[Map, ...]:
    """Maps of at.% (statistical errors) and of the amounts; of an element with two edges the first counts.

    The systematic errors of cross-sections are the same in all pixels and stand in the origin, not in the error maps.
    """
    first: dict[str, int] = {}
    for number, term in enumerate(terms):
        first.setdefault(term.curve.element, number)
    chosen = list(first.values())
    if not absolute:  # so that the mean of all elements together is 1
        total = found.values[..., chosen].sum(axis=-1)
        mean = float(np.nanmean(total)) if np.isfinite(total).any() else 1.0
        scale = 1.0 / mean if mean > 0 else 1.0
        found = replace(found, values=found.values * scale, covariance=found.covariance * scale**2)
    values, covariance = found.values[..., chosen], found.covariance[..., chosen, :][..., :, chosen]
    percent, error, seen = _shares(values, covariance)
    flags = np.where((found.flags == GOOD) & ~seen, NOTHING, found.flags).astype(np.uint8)
    words = (*legend, (NOTHING, "no element is seen"))
    maps = []
    for place, number in enumerate(chosen):
        term = terms[number]
        origin = (f"{term.name}, {term.curve.source}, systematic error {100 * term.curve.relative_error:.0f} %; linear "
                  f"least squares with two power laws E^-{found.exponents[0]:.2f} and E^-{found.exponents[1]:.2f}")
        params = (("edge", term.name), ("onset", float(term.onset)), ("gain", found.gain),
                  ("correlation factor", found.correlation))
        common = {"legend": words, "group": group, "kind": "core loss", "origin": origin, "params": params,
                  "data_hash": data_hash}
        maps.append(Map(f"{group} {term.curve.element} at", f"{term.curve.element}, at.%", "at.%", percent[..., place],
                        error[..., place], flags, **common))
    for place, number in enumerate(chosen):
        term = terms[number]
        unit = "atoms/nm²" if absolute else "relative"
        origin = f"{term.name}, {term.curve.source}"
        if not absolute:
            origin += "; atoms/nm² need the exposures of core loss and low loss"
        name = f"{term.curve.element}, {'areal density' if absolute else 'amount'}"
        maps.append(Map(f"{group} {term.curve.element} amount", name, unit, values[..., place],
                        np.sqrt(np.maximum(np.einsum("...ii->...i", covariance)[..., place], 0.0)), found.flags,
                        legend=tuple(legend), group=group, kind="core loss", origin=origin, data_hash=data_hash))
    return tuple(maps)


def _shares(values: FloatArray, covariance: FloatArray) -> tuple[FloatArray, FloatArray, np.ndarray]:
    """at.% and their errors; where the sum is not seen both are NaN."""
    total = values.sum(axis=-1)
    spread = np.sqrt(np.maximum(covariance.sum(axis=(-1, -2)), 0.0))
    with np.errstate(invalid="ignore"):
        seen = np.asarray(np.isfinite(total) & (total > _LEAST * spread))
    safe = np.where(seen, total, 1.0)[..., None]
    fraction = np.where(seen[..., None], values, 0.0) / safe
    k = values.shape[-1]
    jacobian = (np.eye(k) - fraction[..., :, None]) / safe[..., None]
    whole = np.where(seen[..., None, None], covariance, 0.0)
    variance = np.einsum("...ij,...jk,...ik->...i", jacobian, whole, jacobian)
    error = np.sqrt(np.maximum(variance, 0.0))
    nan = ~seen[..., None]
    return np.where(nan, np.nan, 100 * fraction), np.where(nan, np.nan, 100 * error), seen
