"""Signal ratios of an ion to its matrix along the depth: their background, their integral, and errors of both.

Counts are Poisson numbers. The mean of 1/m is 1/mu (1 + 1/mu + ...), but that of 1/(m + 1) is (1 - exp(-mu))/mu (from
the Poisson sum), so ratios of counts are n/(m + 1): no bias at low counts, and no division by zero. The ratio of the
background is the counts of the ion over those of the matrix in a flat part: at low counts a median would be zero, and a
mean of ratios would weigh points alike. Errors are propagated linearly from every point, so that a background whose
part overlaps with the implant, or a standard that is evaluated with its own factor, is not counted twice.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fitting.dataset import FloatArray, Spectrum, frozen_array
from fitting.sims.channel_terms import read_term
from fitting.sims.depth import DepthResult
from fitting.sims.traces import common_variance, variance_of
from libraries.errors import BadData, NotDetermined

CM = 1e-7  # cm in a nm


@dataclass(frozen=True, eq=False)
class IonPair:
    """An ion and the ion of its matrix along the depth.

    Attributes
    ----------
    depth : array, shape (n,)
        nm.
    widths : array, shape (n,)
        cm of depth that each point stands for: to the middle between it and its neighbours, never above the surface.
    parts : array, shape (p, n)
        cm; what one standard error of each source of the depth scale changes each width by.
    ion, matrix : array, shape (n,)
        Counts.
    variances : array, shape (3, n)
        Of the ion, of the matrix, and their covariance (where the matrix trace holds the ion); NaN where not known.
    gains : (float, float)
        Of ion and matrix: intensity of one counted event; NaN where not known.
    """

    depth: FloatArray
    widths: FloatArray
    parts: FloatArray
    ion: FloatArray
    matrix: FloatArray
    variances: FloatArray
    gains: tuple[float, float]

    def __post_init__(self) -> None:
        for name in ("depth", "widths", "parts", "ion", "matrix", "variances"):
            object.__setattr__(self, name, frozen_array(getattr(self, name)))

    @property
    def below(self) -> FloatArray:
        """What counts of the ion are divided by."""
        return self.matrix + (self.gains[1] if math.isfinite(self.gains[1]) else 0.0)

    @property
    def ratio(self) -> FloatArray:
        """r at each point."""
        return self.ion / self.below

    @property
    def own_error(self) -> FloatArray:
        """Error of r of each point alone; of no counts that of one."""
        least = self.gains[0] ** 2 if math.isfinite(self.gains[0]) else 0.0
        ion, matrix, shared = self.variances
        r = self.ratio
        variance = np.maximum(ion, least) + r**2 * matrix - 2.0 * r * shared
        return np.sqrt(np.maximum(variance, 0.0)) / self.below


def pair_of(spectrum: Spectrum, ion: str, matrix: str, depth: DepthResult) -> IonPair:
    """An ion and its matrix ion along a profile.

    Parameters
    ----------
    spectrum : Spectrum
        Shape (points, ions).
    ion, matrix : str
        Ions, sums, or ions from their minor isotope (`fitting.sims.channel_terms`).
    depth : DepthResult

    Raises
    ------
    UnknownName, BadData
        If there is no such trace, one is a ratio, or counts are below zero.
    NotDetermined
        If the matrix ion has no counts, or at some points none and the noise is not known.
    """
    terms = [read_term(spectrum.axis, text) for text in (ion, matrix)]
    for term, text in zip(terms, (ion, matrix), strict=True):
        if term.ratio:
            raise BadData("A ratio of ions has no sensitivity factor", where=text, todo="Choose the ion itself")
    if len(depth.depth) != spectrum.pixels:
        raise BadData("Depth scale and profile have different numbers of points", where=spectrum.name)
    data = spectrum.y
    counts = [term.factor * data[:, list(term.upper)].sum(axis=1) for term in terms]
    if min(float(one.min()) for one in counts) < 0:
        raise BadData("Intensities below zero are no counts", where=spectrum.name,
                      todo="Leave out the step that subtracts something")
    variances = [term.factor**2 * variance_of(spectrum.noise, data[:, list(term.upper)]).sum(axis=1)
                 for term in terms]
    shared = terms[0].factor * terms[1].factor * common_variance(spectrum, terms[0].upper, terms[1].upper)
    noise = spectrum.noise
    gain = noise.gain if noise.kind == "poisson" and noise.gain is not None else math.nan
    gains = (gain * terms[0].factor, gain * terms[1].factor)
    if not np.any(counts[1] > 0) or (not math.isfinite(gain) and not np.all(counts[1] > 0)):
        some = "some points" if np.any(counts[1] > 0) else "any point"
        raise NotDetermined(f"The matrix ion has no counts at {some}", where=matrix,
                            todo="Choose a stronger ion of the matrix")
    widths = _widths(depth.depth)
    parts = np.array([_widths(depth.depth + part) - widths for part in depth.parts]).reshape(-1, widths.size)
    return IonPair(depth.depth, widths * CM, parts * CM, counts[0], counts[1],
                   np.array([*variances, shared]), gains)


def _widths(depth: FloatArray) -> FloatArray:
    """nm that each point stands for."""
    if depth.size < 2:
        raise NotDetermined("A depth profile needs two points at least")
    middle = 0.5 * (depth[1:] + depth[:-1])
    first = max(depth[0] - 0.5 * (depth[1] - depth[0]), 0.0)
    last = depth[-1] + 0.5 * (depth[-1] - depth[-2])
    return np.diff(np.concatenate([[first], middle, [last]]))


@dataclass(frozen=True, eq=False)
class Linear:
    """A number and how it follows from what was measured.

    Attributes
    ----------
    value : float
    ion, matrix : array, shape (n,)
        Derivatives after the counts of each point.
    depth : array, shape (p,)
        Change by one standard error of each source of the depth scale.
    background : float
        Change by one standard error of what the background has beyond its counts.
    """

    value: float
    ion: FloatArray
    matrix: FloatArray
    depth: FloatArray
    background: float = 0.0

    def less(self, other: Linear, factor: float) -> Linear:
        """This minus so much of another one of the same profile."""
        return Linear(self.value - factor * other.value, self.ion - factor * other.ion,
                      self.matrix - factor * other.matrix, self.depth - factor * other.depth,
                      self.background - factor * other.background)

    def counting_error(self, pair: IonPair) -> float:
        """Of counts and background."""
        ion, matrix, shared = pair.variances
        variance = np.sum(self.ion**2 * ion + self.matrix**2 * matrix + 2.0 * self.ion * self.matrix * shared)
        return math.sqrt(max(float(variance), 0.0) + self.background**2)

    @property
    def depth_error(self) -> float:
        """Of the depth scale; 0 where no error of it was given."""
        return float(np.sqrt(np.sum(self.depth**2)))


@dataclass(frozen=True, eq=False)
class Background:
    """The signal ratio in a part of the profile where the ion is absent.

    Attributes
    ----------
    ratio : Linear
    error : float
        Of the ratio, one standard error; enlarged by the root of `chi2` where the part is not flat.
    scatter : float
        Standard deviation of single points about it.
    points : int
    counts : float
        Of the ion in the part.
    matrix : float
        Mean counts of the matrix at a point.
    chi2 : float
        Over degrees of freedom, of a constant ratio; NaN where the noise is not known.
    flat : bool
        False where chi2 is larger than counting explains (three standard deviations of chi2).
    """

    ratio: Linear
    error: float
    scatter: float
    points: int
    counts: float
    matrix: float
    chi2: float
    flat: bool

    @property
    def value(self) -> float:
        """The ratio."""
        return self.ratio.value


def background_of(pair: IonPair, part: slice) -> Background:
    """The background in a flat part.

    Raises
    ------
    NotDetermined
        If the part holds fewer than three points.
    """
    ion, below = pair.ion[part], pair.below[part]
    points = ion.size
    if points < 3:
        raise NotDetermined("The range of the background holds fewer than three points", todo="Make it wider")
    gain, matrix_gain = pair.gains
    total = float(pair.matrix[part].sum()) + (matrix_gain if math.isfinite(matrix_gain) else 0.0)
    value = float(ion.sum()) / total
    slope = np.zeros(pair.ion.size)
    slope[part] = 1.0 / total
    across = -value * slope
    linear = Linear(value, slope, across, np.zeros(len(pair.parts)))
    error = linear.counting_error(pair)
    expected = value * below
    mean = total / points
    if not math.isfinite(error):
        scatter = float(np.std(ion / below, ddof=1))
        error = scatter / math.sqrt(points)
        return Background(_widened(linear, error), error, scatter, points, float(ion.sum()), mean, math.nan, True)
    variance = np.maximum(gain * expected, 1e-12 * gain**2) + value**2 * matrix_gain * below
    chi2 = float(np.sum((ion - expected) ** 2 / variance)) / (points - 1) if value > 0 else 1.0
    # Of Poisson numbers of mean mu a term of chi2 has the variance 2 + 1/mu.
    spread = 2.0 + float(np.mean(gain / np.maximum(expected, 1e-12 * gain))) if value > 0 else 2.0
    flat = chi2 <= 1.0 + 3.0 * math.sqrt(spread / (points - 1))
    scatter = math.sqrt(float(np.mean(variance)) * max(chi2 if not flat else 1.0, 1.0)) / mean
    # No counts at all still leave room for one.
    wanted = max(error if flat else error * math.sqrt(chi2), gain / total)
    return Background(_widened(linear, math.sqrt(wanted**2 - error**2)), wanted, scatter, points, float(ion.sum()),
                      mean, chi2, flat)


def _widened(linear: Linear, extra: float) -> Linear:
    return Linear(linear.value, linear.ion, linear.matrix, linear.depth, extra)


def integral(pair: IonPair, part: slice, background: Background | None = None) -> Linear:
    """Ratio less background integrated over a part of the depth, in cm."""
    inside = np.zeros(pair.ion.size)
    inside[part] = 1.0
    weights = inside * pair.widths
    below = pair.below
    net = pair.ratio - (background.value if background is not None else 0.0)
    whole = Linear(float(np.sum(weights * net)), weights / below, -weights * pair.ratio / below,
                   pair.parts @ (inside * net))
    if background is None:
        return whole
    size = float(weights.sum())
    level = Linear(0.0, background.ratio.ion, background.ratio.matrix, np.zeros(len(pair.parts)),
                   background.ratio.background)
    return whole.less(level, size)
