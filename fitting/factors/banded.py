"""Bands of ambiguity of found factors, in counts along the depth and in shares of their spectra."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fitting.dataset import FloatArray, frozen_array
from fitting.factors.alternate import masked_nnls
from fitting.factors.analysis import Factors
from fitting.factors.bands import NOISE, Limits, ambiguity
from fitting.tape import Cancel, Progress
from libraries.errors import NotDetermined

_WORDS = (
    "MCR-BANDS (Tauler 2001; Jaumot & Tauler 2010): every factor with the least and the largest share of the signal, "
    "and with the fewest and most counts where each other one dominates, under the same constraints; numbers may lie "
    "below zero as far as the lowest of so many does by noise, and the limits of the amounts include "
    f"{NOISE:g} standard errors of counting"
)


def with_bands(factors: Factors, progress: Progress | None = None, cancel: Cancel | None = None) -> Factors:
    """The factors with their bands.

    Raises
    ------
    NotDetermined
        If they are principal components, of no ions, or only one.
    Cancelled
    """
    scaled, rows, k = factors.scaled, factors.rows, factors.k
    if factors.method == "pca" or scaled is None or rows is None or k < 2:
        raise NotDetermined("There is no ambiguity to be shown for these factors", todo="Use MCR or NMF of ions")
    used, kept = scaled.columns, scaled.rows
    root = scaled.column_root[used]
    data = scaled.of(_whole(rows, scaled.channels), 0, rows.shape[0])[np.ix_(kept, used)]
    s = factors.spectra[:, used] / root
    limits = _limits(factors, rows.shape[0])
    # Without "zero or above", so that noise lies on both sides of zero.
    c = data @ np.linalg.pinv(s) if limits.with_profiles is None else masked_nnls(s.T, data.T, limits.with_profiles.T).T
    bands = ambiguity(c, s, scaled.noise, limits, progress=progress, cancel=cancel)
    low, high, low_s, high_s = _envelope(factors, bands.spectra, s, root)
    return replace(
        factors, low=low, high=high, low_spectra=frozen_array(low_s), high_spectra=frozen_array(high_s),
        shares=frozen_array(bands.shares), ambiguity=_WORDS,
    )  # fmt: skip


def _whole(rows: FloatArray, channels: object) -> FloatArray:
    """Rows of the analysed channels where `Scaled.of` looks for them."""
    if isinstance(channels, slice):
        whole = np.zeros((rows.shape[0], channels.stop))
        whole[:, channels] = rows
        return whole
    index = np.asarray(channels)
    whole = np.zeros((rows.shape[0], int(index.max()) + 1))
    whole[:, index] = rows
    return whole


def _limits(factors: Factors, points: int) -> Limits:
    scaled, rules = factors.scaled, factors.constraints
    assert scaled is not None
    places = tuple(round(value) for value in factors.energy)
    ions, absent = rules.without_ions(factors.k, places), rules.without_rows(factors.k, points)
    return Limits(
        None if ions is None else ~ions[:, scaled.columns], None if absent is None else ~absent[:, scaled.rows].T,
        0 if rules.fixed is None else len(rules.fixed), rules.unimodal, scaled.row_root[scaled.rows],
        scaled.column_root[scaled.columns],
    )  # fmt: skip


def _envelope(
    factors: Factors, ends: FloatArray, s: FloatArray, root: FloatArray
) -> tuple[FloatArray | None, FloatArray | None, FloatArray, FloatArray]:
    """Least and largest numbers among all ends: amounts along the depth (k, points), spectra (k, n)."""
    assert factors.scaled is not None
    inverse = np.linalg.pinv(s)
    spectra = np.zeros((len(ends), *factors.spectra.shape))
    profiles = []
    for number, end in enumerate(ends):
        turn = end @ inverse
        counts = (turn @ s) * root
        size = counts.sum(axis=1)
        spectra[number][:, factors.scaled.columns] = counts / size[:, None]
        if factors.depth is not None:
            profiles.append(np.linalg.solve((turn / size[:, None]).T, factors.depth))
    low = high = None
    if factors.depth is not None:
        noise = 0.0 if factors.depth_errors is None else NOISE * factors.depth_errors
        ends_of = [np.maximum(np.min(profiles, axis=0) - noise, 0.0), np.maximum(np.max(profiles, axis=0), 0.0) + noise]
        outside = factors.constraints.without_rows(factors.k, factors.depth.shape[1])
        low, high = (frozen_array(end if outside is None else np.where(outside, 0.0, end)) for end in ends_of)
    low_s, high_s = (np.clip(end, 0.0, 1.0) for end in (spectra.min(axis=0), spectra.max(axis=0)))
    places = tuple(round(value) for value in factors.energy)
    absent = factors.constraints.without_ions(factors.k, places)
    if absent is not None:  # known, not found
        low_s[absent] = high_s[absent] = 0.0
    return low, high, low_s, high_s
