"""Thresholds of profile-likelihood intervals from simulated spectra, for peaks too weak for the law of many counts.

The statistic's rise from the fit to the truth follows chi2 for one degree of freedom only where the fit is nearly
linear over its own errors. For the position and width of a peak of 4 standard errors it is not: their rise is larger,
and intervals that end at the quantile of chi2 hold the truth too seldom. Here the law of the rise is simulated: noise
is added to the fitted model, all is fitted anew, freely and with the parameter held at its fitted value, which is the
truth there; quantiles of the difference take the place of those of chi2.

This is the parametric bootstrap of the likelihood ratio, the plug-in form of Feldman and Cousins' construction. Theirs
orders by the same ratio and takes its law at every value that is tested, so that the share of intervals that hold the
truth is exact; with further unknown parameters the law depends on these as well. Here it is taken once, at the fitted
values of all parameters, and used along the whole interval: right as far as the law varies little over an interval.
`tests/fitting/test_coverage.py` measures how far that goes.

References
----------
A. C. Davison, D. V. Hinkley, Bootstrap Methods and their Application (1997), chapter 4 for parametric bootstrap tests,
chapter 5 for intervals from tests; G. J. Feldman, R. D. Cousins, Phys. Rev. D 57, 3873 (1998).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fitting import kernels
from fitting.bootstrap import Source
from fitting.dataset import FloatArray, Spectrum, frozen_array
from fitting.engine import fit
from fitting.profile import LEVELS
from fitting.profile_curve import BETTER, BetterMinimum, Curve
from fitting.result import FitResult
from libraries.errors import BadModel, Cancelled, NotDetermined, SodaliteError

Progress = Callable[[float, str], None]
Cancel = Callable[[], bool]

REPLICAS = 400

_LEAST = 50
_PIECE = 50  # replicas between two looks at `cancel`, fitted by machine code in one call
_EVALUATIONS = 2000
_TRIES = 3  # free fits of one replica, each from the better minimum that the one before missed
_FINE = (0, 1)  # flags of rows at a proper minimum; see `fitting.kernels.rows`


@dataclass(frozen=True, eq=False)
class Thresholds(Mapping[str, tuple[float, ...]]):
    """By how much the statistic may rise within an interval, by parameter and level: `thresholds["p1.area"]`.

    Attributes
    ----------
    names : tuple of str
        Parameters by full name.
    levels : tuple of float
    ratios : array, shape (m, k)
        Rise of the statistic of each good replica from its own fit to the values that it was simulated from, scaled
        as `fitting.profile` scales it.
    replicas, failed, seed : int
        Failed are those where the free fit or one with a parameter held found no minimum. They do not count: an
        interval, too, is only given for a fit that converged. Where they are not few, thresholds are those of the
        lucky ones.
    """

    names: tuple[str, ...]
    levels: tuple[float, ...]
    ratios: FloatArray
    replicas: int
    failed: int
    seed: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "ratios", frozen_array(self.ratios))

    def __getitem__(self, name: str) -> tuple[float, ...]:
        # The quantile at rank (m + 1) * level: a further draw of the same law lies below it with just that probability,
        # whatever the number of replicas.
        if name not in self.names:
            raise KeyError(name)
        column = self.ratios[:, self.names.index(name)]
        return tuple(map(float, np.quantile(column, self.levels, method="weibull")))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)


def fewest(level: float) -> int:
    """Least number of replicas for a level: 50 at 68 %, 400 at 95 %.

    So many that the share beyond the threshold is known to 23 % (one standard error, sqrt(p/(1 - p)/B) of it), and 50
    in any case. On average over spectra few replicas do as well as many; they make single intervals too wide or too
    narrow.
    """
    return max(_LEAST, math.ceil(400 / 19 * level / (1.0 - level)))


def calibrated_thresholds(
    spectrum: Spectrum,
    result: FitResult,
    names: Sequence[str] = (),
    levels: Sequence[float] = LEVELS,
    replicas: int = REPLICAS,
    *,
    seed: int = 0,
    progress: Progress | None = None,
    cancel: Cancel | None = None,
) -> Thresholds:
    """Thresholds for `fitting.profile.profile`, from spectra simulated after a fit.

    Each replica is fitted once freely and once for every parameter, from the fitted values. A background that is taken
    from the data is taken anew from each replica, so that its noise widens the intervals.

    Parameters
    ----------
    spectrum : Spectrum
        As fitted, after its recipe.
    result : FitResult
    names : sequence of str
        Parameters by full name, free or linked; all free ones by default.
    levels : sequence of float
        Confidence levels between 0 and 1.
    replicas : int
        How many spectra; see `fewest`.
    seed : int
        The same seed gives the same spectra, replica by replica.
    progress : callable(fraction, text), optional
    cancel : callable() -> bool, optional

    Raises
    ------
    NotDetermined
        If the fit is no proper minimum or of other data, or too few replicas could be fitted.
    BadModel
        If a name is held or unknown, a level is no probability, the seed is negative, or there are too few replicas
        for a level.
    Cancelled
    """
    if not result.success:
        raise NotDetermined("Calibration needs a converged fit", where=result.model.name, todo="Fit the region first")
    if result.data_hash and result.data_hash != spectrum.hash:
        raise NotDetermined("The fit is of other data", where=result.model.name, todo="Fit the region first")
    _check(levels, replicas, seed, result.model.name)
    wanted = tuple(names) or result.free
    simulation = _Simulation(spectrum, result, wanted, cancel)
    pieces = []
    for first in range(0, replicas, _PIECE):
        last = min(first + _PIECE, replicas)
        if progress is not None:
            progress(first / replicas, f"Simulated spectra {first + 1} to {last} of {replicas}")
        pieces.append(simulation.ratios([np.random.default_rng([seed, i]) for i in range(first, last)]))
    if progress is not None:
        progress(1.0, "Calibration")
    ratios = np.concatenate(pieces)
    good = np.all(np.isfinite(ratios), axis=1)
    fitted, needed = int(np.sum(good)), max(map(fewest, levels))
    # A few failures among as many replicas as are asked for do no harm.
    if fitted < 0.9 * needed:
        raise NotDetermined(
            f"Only {fitted} of {replicas} simulated spectra could be fitted, {needed} are needed",
            where=result.model.name, todo="Hold or link some parameters, or ask for more spectra",
        )
    return Thresholds(wanted, tuple(levels), ratios[good], replicas, replicas - fitted, seed)


def _check(levels: Sequence[float], replicas: int, seed: int, where: str) -> None:
    if not levels or not all(0 < level < 1 for level in levels):
        raise BadModel("A confidence level lies between 0 and 1", where=", ".join(map(str, levels)))
    highest = max(levels)
    if replicas < fewest(highest):
        raise BadModel(
            f"{replicas} simulated spectra are too few for {100 * highest:.4g} % intervals", where=where,
            todo=f"Ask for {fewest(highest)} or more",
        )
    if seed < 0:
        raise BadModel("A seed is 0 or more", where=f"{seed}")


class _Simulation:
    """Likelihood ratios of spectra simulated after a fit."""

    def __init__(self, spectrum: Spectrum, result: FitResult, names: Sequence[str], cancel: Cancel | None) -> None:
        self.result, self.names, self.cancel = result, names, cancel
        self.source = Source(spectrum, result)
        self.part = spectrum.part(*result.model.region)
        curve = Curve(spectrum, result, cancel)
        for name in names:
            curve.check(name)
        self.free, self.lower, self.upper = curve.x, curve.lower, curve.upper
        self.truths = [float(curve.values[curve.row(name)]) for name in names]
        self.places = [curve.place(name) for name in names]

    def ratios(self, randoms: Sequence[np.random.Generator]) -> FloatArray:
        """One row a replica, shape (m, k); not finite where it could not be fitted."""
        replicas = [self.source.replica(random) for random in randoms]
        found = self._by_machine_code(replicas)
        for row in np.flatnonzero(~np.all(np.isfinite(found), axis=1)):
            found[row] = self._one(replicas[row])
        return found

    def _by_machine_code(self, replicas: Sequence[Spectrum]) -> FloatArray:
        """All replicas at once; NaN where that is not to be had or needs more care."""
        lost = np.full((len(replicas), len(self.names)), np.nan)
        noise = self.result.noise
        if kernels.loaded() is None or None in self.places or not noise.known:
            return lost
        counts = np.array([replica.y[self.part] for replica in replicas])
        free = self._rows(counts, None)
        if free is None:
            return lost
        held = [self._rows(counts, place) for place in self.places]
        found = (np.stack(held, axis=1) - free[:, None]) / self.result.scale
        # Below the free fit: that was not the minimum.
        return np.where(found < -BETTER, np.nan, np.maximum(found, 0.0))

    def _rows(self, counts: FloatArray, place: int | None) -> FloatArray | None:
        """The statistic of each row of counts, free or with one number held, shape (m,); NaN without a minimum."""
        lower, upper = self.lower.copy(), self.upper.copy()
        if place is not None:
            lower[place] = upper[place] = self.free[place]
        try:
            rows = kernels.loaded().fit_rows(
                self.source.evaluator, self.result.noise, counts, np.ones(len(counts), bool),
                np.clip(self.free, lower, upper), lower, upper, warm=False, covariance=False, limits=(1e9, 1e9),
                max_evaluations=_EVALUATIONS, cancel=self.cancel or (lambda: False),
            )
        except Cancelled as error:
            raise self._stopped() from error
        return None if rows is None else np.where(np.isin(rows.status, _FINE), rows.deviance, np.nan)

    def _one(self, replica: Spectrum) -> FloatArray:
        """One replica by itself, for every model and noise, shape (k,); NaN where it could not be fitted."""
        lost, model = np.full(len(self.names), np.nan), self.result.model
        for _ in range(_TRIES):
            try:
                found = fit(replica, model, cancel=self.cancel)
            except SodaliteError:
                return lost
            if found.status == "cancelled":
                raise self._stopped()
            if not found.success:
                return lost
            curve = Curve(replica, found, self.cancel)
            try:
                return np.array([curve.rise(*each, self.free) for each in zip(self.names, self.truths, strict=True)])
            except BetterMinimum as better:
                model = curve.model_at(better.x)
        return lost

    def _stopped(self) -> Cancelled:
        return Cancelled("The calibration was stopped", where=self.result.model.name)
