"""Parametric bootstrap of a composition: noise on every region, background and fit done anew, at.% each time.

The covariance of the fits takes amounts for linear in the areas and the areas for normal; neither is assumed here.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from fitting.bootstrap import Cancel, Progress, Source, bootstrap, noisy
from fitting.dataset import FloatArray, Spectrum
from fitting.model import FitModel
from fitting.result import FitResult
from fitting.xps.areas import Areas, joined, total_areas
from fitting.xps.quantify import amounts_per_area, quantify
from fitting.xps.region_areas import REGION, net_area
from fitting.xps.study import Range, Study, fingerprint, members_of
from libraries.errors import Cancelled, NotDetermined

LEVEL = 0.95
_FEWEST = 20
# Simulated regions must not share their noise, or their errors would look correlated.
_SEEDS = 1009


@dataclass(frozen=True, eq=False)
class Piece:
    """A region as it counts in a composition.

    Attributes
    ----------
    spectrum : Spectrum
        After its recipe.
    model : FitModel
    result : FitResult or None
        None where data minus background counts and the background needs no fit.
    kind : "components" or "region"
    areas : Areas
        With the factors and transmissions that are to be used.
    """

    spectrum: Spectrum
    model: FitModel
    result: FitResult | None
    kind: str
    areas: Areas

    @property
    def title(self) -> str:
        """For messages."""
        return self.model.name or self.spectrum.name


def bootstrap_composition(
    pieces: Sequence[Piece],
    material: str = "",
    replicas: int = 200,
    *,
    seed: int = 0,
    at: float | None = None,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Study:
    """Errors and 95 % intervals of at.% from simulated sets of spectra.

    Parameters
    ----------
    pieces : sequence of Piece
        All regions of a sample that count.
    material : str
        As in `fitting.xps.quantify.quantify`.
    replicas : int
        How many sets; 200 for errors, 1000 and more for intervals.
    seed : int
    at : float, optional
        Level of a series, kept in the study.
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional

    Returns
    -------
    Study
        Intervals are percentiles corrected for the bias of the median.

    Raises
    ------
    NotDetermined
        If a region has no proper fit, its noise is of unknown size, or too few simulated spectra can be fitted.
    Cancelled

    References
    ----------
    B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap (1993), chapters 6, 13 and 14.
    """
    areas = joined([piece.areas for piece in pieces])
    table = quantify(areas, material)
    weights = amounts_per_area(areas, material)
    columns, failed = [], 0
    for number, piece in enumerate(pieces):
        drawn = _draws(piece, replicas, seed * _SEEDS + number, _part(progress, number, len(pieces)), cancel)
        failed += replicas - len(drawn)
        columns.append(drawn)
    count = min(map(len, columns))
    # Regions are independent, so that draws of one may be paired with any of another.
    amounts = np.hstack([column[:count] for column in columns]) * weights
    total = amounts.sum(axis=1)
    shares = 100.0 * amounts[total > 0] / total[total > 0, None]
    if len(shares) < _FEWEST:
        raise NotDetermined(f"Only {len(shares)} of {replicas} simulated samples could be quantified",
                            todo=f"Ask for more; {_FEWEST} are the least")
    values = np.array([row.at_percent for row in table.rows])
    ranges = tuple(
        _range(key, float(values[members].sum()), shares[:, members].sum(axis=1))
        for key, members in members_of(table).items()
    )
    return Study("bootstrap", at, fingerprint(table), replicas, failed, seed, ranges, tuple(_notes(pieces, failed)))


def _part(progress: Progress | None, number: int, count: int) -> Progress | None:
    if progress is None:
        return None
    return lambda fraction, text: progress((number + fraction) / count, text)


def _draws(
    piece: Piece, replicas: int, seed: int, progress: Progress | None, cancel: Cancel | None
) -> FloatArray:
    """Areas of a region from simulated spectra that could be fitted, shape (m, lines)."""
    if piece.result is None or (piece.kind == REGION and not piece.result.success):
        return _without_fit(piece, replicas, seed, cancel)
    found = bootstrap(piece.spectrum, piece.result, replicas, seed=seed, progress=progress, cancel=cancel)
    source = Source(piece.spectrum, piece.result) if piece.kind == REGION else None
    rows = []
    for i in np.flatnonzero(found.good):
        model = piece.result.model.with_values(dict(zip(found.names, map(float, found.draws[i]), strict=True)))
        if source is None:
            rows.append(total_areas(piece.spectrum, model))
        else:
            rows.append(np.array([net_area(source.replica(np.random.default_rng([seed, i])), model)]))
    if not rows:
        raise NotDetermined("No simulated spectrum could be fitted", where=piece.title)
    return np.array(rows)


def _without_fit(piece: Piece, replicas: int, seed: int, cancel: Cancel | None) -> FloatArray:
    """Areas of data minus background with noise added to the data themselves: there is no model of them."""
    spectrum = piece.spectrum
    if not spectrum.noise.known:
        raise NotDetermined("The size of the noise is not known", where=piece.title,
                            todo="Give it on the Process page, or count this region by fitted components")
    rows = []
    for i in range(replicas):
        if cancel is not None and cancel():
            raise Cancelled("The bootstrap was stopped", where=piece.title)
        counts = noisy(spectrum.y, spectrum.noise, np.random.default_rng([seed, i]))
        rows.append([net_area(spectrum.with_(counts=counts), piece.model)])
    return np.array(rows)


def _range(key: str, value: float, drawn: FloatArray) -> Range:
    below = float(np.mean(drawn < value) + 0.5 * np.mean(drawn == value))
    shift = float(norm.ppf(np.clip(below, 0.5 / drawn.size, 1.0 - 0.5 / drawn.size)))
    ends = norm.cdf(2.0 * shift + norm.ppf([0.5 * (1.0 - LEVEL), 0.5 * (1.0 + LEVEL)]))
    low, high = np.quantile(drawn, ends)
    return Range(key, value, float(np.std(drawn, ddof=1)), max(0.0, float(low)), min(100.0, float(high)))


def _notes(pieces: Sequence[Piece], failed: int) -> list[str]:
    notes = ["Simulated spectra hold the noise of counting alone: what a model misses in the data is not in them."]
    enlarged = [
        f"{piece.title} ({math.sqrt(piece.result.reduced_chi2):.2g} times)" for piece in pieces
        if piece.result is not None and piece.result.exceeds_noise
    ]
    if enlarged:
        notes.append(f"The models of {', '.join(enlarged)} miss structure; errors of the covariance are enlarged by "
                     "that, those of the bootstrap are not.")
    bare = [
        piece.title for piece in pieces
        if piece.result is None or (piece.kind == REGION and not piece.result.success)
    ]
    if bare:
        notes.append(f"{', '.join(bare)}: noise was added to the data themselves, since no model describes them.")
    if failed:
        notes.append(f"{failed} simulated spectra gave no proper minimum and are left out.")
    return notes
